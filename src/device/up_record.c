/* SPDX-License-Identifier: ISC */
/*
 * up_record.c - what `adit up` leaves for `adit down`
 *
 *	adit-up 1
 *	file /etc/wireguard/wg0.conf
 *	mark 51820
 *	hooks
 *	done
 *
 * "hooks" and "done" only where it is so.
 */
#include "device/up_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/exit.h"

#define MAGIC "adit-up 1\n"

static int record_path(const struct up *up, char path[UP_PATH_LEN])
{
	int n = snprintf(path, UP_PATH_LEN, "%s/%s.up", up->state_dir, up->name);

	return n > 0 && n < UP_PATH_LEN ? 0 : -ENAMETOOLONG;
}

static void read_line(struct up_record *record, const char *line)
{
	if (!strncmp(line, "file ", 5))
		snprintf(record->file, sizeof(record->file), "%s", line + 5);
	else if (!strncmp(line, "mark ", 5))
		record->mark = (uint32_t)strtoul(line + 5, NULL, 10);
	else if (!strcmp(line, "hooks"))
		record->hooks = true;
	else if (!strcmp(line, "done"))
		record->done = true;
}

/* It says which file's hooks are run: only we may have written it. */
static bool is_ours(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() && !(st.st_mode & 0022);
}

static void read_record(int fd, struct up_record *ret)
{
	char text[UP_PATH_LEN + 64], *line, *end;
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	memset(ret, 0, sizeof(*ret));
	ret->found = n > 0;
	text[n > 0 ? n : 0] = '\0';
	if (strncmp(text, MAGIC, strlen(MAGIC)) != 0 || !is_ours(fd))
		return;
	for (line = text + strlen(MAGIC); (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		read_line(ret, line);
	}
}

/* Waits while somebody else has the lock, at most so many times 50 ms. */
static int lock_file(int fd, int patience)
{
	int tries;

	for (tries = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; tries++) {
		if (errno != EWOULDBLOCK)
			return -errno;
		if (tries == patience)
			return -EBUSY;
		nanosleep(&(struct timespec){ 0, 50 * 1000 * 1000 }, NULL);
	}
	return 0;
}

/* Opened and locked; -EAGAIN: who had the lock removed the file meanwhile. */
static int open_locked(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600), r;
	struct stat ours, there;

	if (fd < 0)
		return -errno;
	r = lock_file(fd, 200);
	if (!r && (fstat(fd, &ours) < 0 || stat(path, &there) < 0 || ours.st_ino != there.st_ino))
		r = -EAGAIN;
	if (!r)
		return fd;
	close(fd);
	return r;
}

int up_record_lock(struct up *up, struct up_record *ret)
{
	char path[UP_PATH_LEN];
	int r = record_path(up, path);

	if (!r && mkdir(up->state_dir, 0700) < 0 && errno != EEXIST)
		r = -errno;
	if (r)
		return up_fail_errno(up, up->state_dir, r);
	do
		r = open_locked(path);
	while (r == -EAGAIN);
	if (r == -EBUSY)
		return up_fail(up, "another adit up or down of it is at work (it holds the lock of %s)", path);
	if (r < 0)
		return up_fail_errno(up, path, r);
	up->lock_fd = r;
	read_record(r, ret);
	return 0;
}

int up_record_try(struct up *up, struct up_record *ret)
{
	char path[UP_PATH_LEN];
	int fd = record_path(up, path) ? -1 : open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return -ENOENT;
	if (lock_file(fd, 20)) { /* who was killed a moment ago has it until all of it has ended */
		close(fd);
		return -EBUSY;
	}
	up->lock_fd = fd;
	read_record(fd, ret);
	return 0;
}

void up_record_look(const struct up *up, struct up_record *ret)
{
	char path[UP_PATH_LEN];
	int fd = record_path(up, path) ? -1 : open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	memset(ret, 0, sizeof(*ret));
	if (fd < 0)
		return;
	read_record(fd, ret);
	close(fd);
}

/* In place: the lock is on this very file. Who is killed meanwhile leaves a record that says less. */
int up_record_write(struct up *up, const struct up_record *record)
{
	char text[UP_PATH_LEN + 64];
	int n = snprintf(text, sizeof(text), MAGIC "file %s\nmark %" PRIu32 "\n%s%s", record->file, record->mark,
			 record->hooks ? "hooks\n" : "", record->done ? "done\n" : "");
	ssize_t wrote;

	if (ftruncate(up->lock_fd, 0) < 0)
		return -errno;
	wrote = pwrite(up->lock_fd, text, (size_t)n, 0);
	if (wrote != n)
		return wrote < 0 ? -errno : -ENOSPC;
	return fsync(up->lock_fd) < 0 ? -errno : 0;
}

void up_record_unlock(struct up *up, bool remove)
{
	char path[UP_PATH_LEN];

	if (up->lock_fd < 0)
		return;
	if (remove && !record_path(up, path)) {
		unlink(path);
		rmdir(up->state_dir); /* where nothing else is in it */
	}
	close(up->lock_fd);
	up->lock_fd = -1;
}
