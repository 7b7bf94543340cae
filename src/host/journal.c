/* SPDX-License-Identifier: ISC */
/*
 * journal.c - a plan on disk
 *
 *	adit-journal 1
 *	boot 7a3f...
 *	tun wg0
 *	addr wg0 10.0.0.1/24
 *	end
 *
 * The last line shows that the file is whole.
 */
#include "host/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "host/replace.h"

#define MAGIC    "adit-journal 1"
#define BOOT_LEN 64

static int read_boot_id(char id[BOOT_LEN])
{
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
	int r = 0;

	if (!f)
		return -errno;
	if (!fgets(id, BOOT_LEN, f))
		r = -EIO;
	fclose(f);
	id[r ? 0 : strcspn(id, "\n")] = '\0';
	return r;
}

static int journal_path(char *buf, size_t size, const char *dir, const char *name, const char *suffix)
{
	if (!adit_ifname_valid(name))
		return -EINVAL;
	if ((size_t)snprintf(buf, size, "%s/%s.journal%s", dir, name, suffix) >= size)
		return -ENAMETOOLONG;
	return 0;
}

/* Opens the directory, made if need be, and takes its lock if nobody has it. */
static int try_lock(const char *dir)
{
	struct stat st;
	int fd, r;

	if (mkdir(dir, 0755) < 0 && errno != EEXIST)
		return -errno;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -EWOULDBLOCK : -errno;
	r = flock(fd, LOCK_EX | LOCK_NB) < 0 ? -errno : 0;
	/* The one before us may have removed it as the last. */
	if (!r && (fstat(fd, &st) < 0 || !st.st_nlink))
		r = -EWOULDBLOCK;
	if (r) {
		close(fd);
		return r;
	}
	return fd;
}

int adit_journal_lock(const char *dir)
{
	const struct timespec pause = { 0, 50 * 1000 * 1000 };
	int fd, tries;

	for (tries = 0; tries < 200; tries++) {
		fd = try_lock(dir);
		if (fd != -EWOULDBLOCK)
			return fd;
		nanosleep(&pause, NULL);
	}
	return -EBUSY;
}

void adit_journal_unlock(const char *dir, int fd)
{
	if (fd < 0)
		return;
	rmdir(dir); /* only when it is empty, which the kernel sees to */
	close(fd);
}

struct entry {
	const struct adit_plan *plan;
	char boot[BOOT_LEN];
};

static int write_steps(FILE *f, const void *what)
{
	const struct entry *e = what;
	size_t i;

	fprintf(f, "%s\nboot %s\n", MAGIC, e->boot);
	for (i = 0; i < e->plan->cnt; i++)
		adit_step_print(f, &e->plan->steps[i]);
	fprintf(f, "end\n");
	return 0;
}

int adit_journal_write(const char *dir, const struct adit_plan *plan)
{
	struct entry e = { .plan = plan };
	char path[256];
	int r = journal_path(path, sizeof(path), dir, plan->name, "");

	if (!r)
		r = read_boot_id(e.boot);
	return r ? r : adit_file_replace(path, write_steps, &e);
}

/* A line, its end taken off. 1: it is "end"; -EBADMSG: it is not whole. */
static int read_step(struct adit_plan *plan, char *line, ssize_t len)
{
	struct adit_step step;
	int r;

	if (line[len - 1] != '\n' || strlen(line) != (size_t)len)
		return -EBADMSG;
	line[len - 1] = '\0';
	if (!strcmp(line, "end"))
		return 1;
	r = adit_step_parse(&step, line);
	if (r)
		return r == -EINVAL ? -EBADMSG : r;
	r = adit_plan_add(plan, &step);
	free(step.text);
	return r;
}

/* Reads the lines after the first two, up to "end". */
static int read_steps(FILE *f, struct adit_plan *plan)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t len;
	int r = 0;

	while (!r && (len = getline(&line, &cap, f)) > 0)
		r = read_step(plan, line, len);
	free(line);
	if (r < 0)
		return r;
	return r && fgetc(f) == EOF ? 0 : -EBADMSG;
}

int adit_journal_read(struct adit_plan *ret, const char *dir, const char *name, bool *this_boot)
{
	char path[256], boot[BOOT_LEN], line[BOOT_LEN + 8];
	struct adit_plan plan;
	FILE *f;
	int r;

	r = journal_path(path, sizeof(path), dir, name, "");
	if (!r)
		r = read_boot_id(boot);
	if (r)
		return r;
	f = fopen(path, "re");
	if (!f)
		return -errno;
	adit_plan_init(&plan, name);
	r = -EBADMSG;
	if (fgets(line, sizeof(line), f) && !strcmp(line, MAGIC "\n") && fgets(line, sizeof(line), f) &&
	    !strncmp(line, "boot ", 5)) {
		line[strcspn(line, "\n")] = '\0';
		*this_boot = !strcmp(line + 5, boot);
		r = read_steps(f, &plan);
	}
	fclose(f);
	if (r)
		adit_plan_fini(&plan);
	else
		*ret = plan;
	return r;
}

int adit_journal_remove(const char *dir, const char *name)
{
	char path[256], aside[256];
	int r = journal_path(path, sizeof(path), dir, name, "");

	if (!r)
		r = journal_path(aside, sizeof(aside), dir, name, ".new");
	if (r)
		return r;
	unlink(aside); /* of a writer that was killed */
	return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}
