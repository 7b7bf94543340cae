/* SPDX-License-Identifier: ISC */
/*
 * journal.c - a plan on disk
 *
 *	adit-journal 1
 *	boot 7a3f...
 *	netns 4026531840 4026531874
 *	tun wg0
 *	addr wg0 10.0.0.1/24
 *	end
 *
 * The last line shows that the file is whole. "served" before the steps: no process owns it.
 * The namespace's numbers are netns.h's.
 */
#include "host/journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "host/netns.h"
#include "host/replace.h"

#define MAGIC    "adit-journal 1"
#define BOOT_LEN 64
#define SUFFIX      ".journal"
#define LOCK_SUFFIX ".lock"

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
	if ((size_t)snprintf(buf, size, "%s/%s%s", dir, name, suffix) >= size)
		return -ENAMETOOLONG;
	return 0;
}

/* Opens a lock's file, made if need be, and takes it if nobody has it. Only we may: a lock
 * that everybody can take is one that anybody can keep. */
static int take_lock(const char *path)
{
	struct stat st;
	int r, fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
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
	char path[256];
	int fd, tries;

	if ((size_t)snprintf(path, sizeof(path), "%s/.lock", dir) >= sizeof(path))
		return -ENAMETOOLONG;
	if (mkdir(dir, 0755) < 0 && errno != EEXIST)
		return -errno;
	for (tries = 0; tries < 200; tries++) {
		fd = take_lock(path);
		if (fd != -EWOULDBLOCK)
			return fd;
		nanosleep(&pause, NULL);
	}
	return -EBUSY;
}

int adit_journal_own(const char *dir, const char *name)
{
	char path[256];
	int r = journal_path(path, sizeof(path), dir, name, LOCK_SUFFIX);

	if (!r)
		r = take_lock(path);
	return r == -EWOULDBLOCK ? -EBUSY : r;
}

bool adit_journal_owned(const char *dir, const char *name)
{
	char path[256];
	bool owned;
	int fd;

	if (journal_path(path, sizeof(path), dir, name, LOCK_SUFFIX))
		return false;
	fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return false;
	owned = flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK;
	close(fd);
	return owned;
}

/* --- writing ----------------------------------------------------------------- */

struct entry {
	const struct adit_plan *plan;
	bool served;
	char boot[BOOT_LEN];
};

static int write_steps(FILE *f, const void *what)
{
	const struct adit_netns ns = adit_netns_own();
	const struct entry *e = what;

	fprintf(f, "%s\nboot %s\nnetns %llu %llu\n%s", MAGIC, e->boot, ns.self, ns.proc, e->served ? "served\n" : "");
	adit_plan_print(f, e->plan);
	fprintf(f, "end\n");
	return 0;
}

int adit_journal_write(const char *dir, const struct adit_plan *plan, bool served)
{
	struct entry e = { .plan = plan, .served = served };
	char path[256];
	int r = journal_path(path, sizeof(path), dir, plan->name, SUFFIX);

	if (!r)
		r = read_boot_id(e.boot);
	return r ? r : adit_file_replace(path, write_steps, &e);
}

/* --- reading ------------------------------------------------------------------ */

/* A line before the steps? */
static bool read_fact(struct adit_journal *j, const char *line)
{
	struct adit_netns ns = { 0 }, own;
	int len = 0;

	if (!strcmp(line, "served")) {
		j->served = true;
		return true;
	}
	if (sscanf(line, "netns %llu%n %llu%n", &ns.self, &len, &ns.proc, &len) < 1 || line[len])
		return false;
	own = adit_netns_own();
	j->here = adit_netns_same(&ns, &own);
	j->current &= j->here || adit_netns_lives(&ns);
	return true;
}

/* A line, its end taken off. 1: it is "end"; -EBADMSG: it is not whole. */
static int read_line(struct adit_journal *j, char *line, ssize_t len)
{
	struct adit_step step;
	int r;

	if (line[len - 1] != '\n' || strlen(line) != (size_t)len)
		return -EBADMSG;
	line[len - 1] = '\0';
	if (!strcmp(line, "end"))
		return 1;
	if (!j->plan.cnt && read_fact(j, line))
		return 0;
	r = adit_step_parse(&step, line);
	if (r)
		return r == -EINVAL ? -EBADMSG : r;
	r = adit_plan_add(&j->plan, &step);
	free(step.text);
	return r;
}

/* Reads the lines after the first two, up to "end". */
static int read_lines(FILE *f, struct adit_journal *j)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t len;
	int r = 0;

	while (!r && (len = getline(&line, &cap, f)) > 0)
		r = read_line(j, line, len);
	free(line);
	if (r < 0)
		return r;
	return r && fgetc(f) == EOF ? 0 : -EBADMSG;
}

static int read_file(FILE *f, struct adit_journal *j)
{
	char boot[BOOT_LEN], line[BOOT_LEN + 8];
	int r = read_boot_id(boot);

	if (r)
		return r;
	if (!fgets(line, sizeof(line), f) || strcmp(line, MAGIC "\n") || !fgets(line, sizeof(line), f) ||
	    strncmp(line, "boot ", 5))
		return -EBADMSG;
	line[strcspn(line, "\n")] = '\0';
	j->current = !strcmp(line + 5, boot);
	return read_lines(f, j);
}

int adit_journal_read(struct adit_journal *ret, const char *dir, const char *name)
{
	struct adit_journal j = { .here = true };
	char path[256];
	FILE *f;
	int r = journal_path(path, sizeof(path), dir, name, SUFFIX);

	if (r)
		return r;
	f = fopen(path, "re");
	if (!f)
		return -errno;
	adit_plan_init(&j.plan, name);
	r = read_file(f, &j);
	fclose(f);
	if (r)
		adit_plan_fini(&j.plan);
	else
		*ret = j;
	return r;
}

int adit_journal_remove(const char *dir, const char *name)
{
	/* The journal first: where we are killed, what is left says nothing. */
	static const char *const suffixes[] = { SUFFIX, SUFFIX ".new", LOCK_SUFFIX };
	char path[256];
	size_t i;
	int r;

	for (i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		r = journal_path(path, sizeof(path), dir, name, suffixes[i]);
		if (r)
			return r;
		if (unlink(path) < 0 && errno != ENOENT)
			return -errno;
	}
	return 0;
}

/* --- the folder ------------------------------------------------------------------ */

/* Of "wg0.journal": "wg0". */
static bool name_of(const char *file, const char *suffix, char name[ADIT_IFNAME_LEN])
{
	size_t len = strlen(file), end = strlen(suffix);

	if (len <= end || len - end >= ADIT_IFNAME_LEN || strcmp(file + len - end, suffix))
		return false;
	memcpy(name, file, len - end);
	name[len - end] = '\0';
	return adit_ifname_valid(name);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

int adit_journal_list(const char *dir, char (**names)[ADIT_IFNAME_LEN], size_t *cnt)
{
	char (*list)[ADIT_IFNAME_LEN] = NULL, name[ADIT_IFNAME_LEN], (*more)[ADIT_IFNAME_LEN];
	const struct dirent *e;
	size_t n = 0;
	DIR *d = opendir(dir);

	if (!d && errno != ENOENT)
		return -errno;
	while (d && (e = readdir(d))) {
		if (!name_of(e->d_name, SUFFIX, name))
			continue;
		more = realloc(list, (n + 1) * sizeof(*list));
		if (!more) {
			free(list);
			closedir(d);
			return -ENOMEM;
		}
		list = more;
		memcpy(list[n++], name, sizeof(name));
	}
	if (d)
		closedir(d);
	if (n)
		qsort(list, n, sizeof(*list), compare_names);
	*names = list;
	*cnt = n;
	return 0;
}

void adit_journal_tidy(const char *dir)
{
	char name[ADIT_IFNAME_LEN], path[256];
	const struct dirent *e;
	DIR *d = opendir(dir);

	while (d && (e = readdir(d))) {
		if (name_of(e->d_name, SUFFIX ".new", name)) {
			if (!journal_path(path, sizeof(path), dir, name, SUFFIX ".new"))
				unlink(path);
		} else if (name_of(e->d_name, LOCK_SUFFIX, name) &&
			   !journal_path(path, sizeof(path), dir, name, SUFFIX) && access(path, F_OK) < 0 &&
			   !adit_journal_owned(dir, name)) {
			adit_journal_remove(dir, name);
		}
	}
	if (d)
		closedir(d);
}
