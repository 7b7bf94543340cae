/* SPDX-License-Identifier: ISC */
/* dns_place.c - the file that /etc/resolv.conf opens to: read whole, put whole */
#include "host/dns_place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/filename.h"
#include "host/dns_backend.h"
#include "host/replace.h"
#include "host/textfile.h"

#define TEXT_MAX  65536u
#define ASIDE     ".adit-new" /* so that one left by a killed process is known as ours */
#define CUT       "\n# adit cut %08zu\n"
#define CUT_LEN   21u
#define LOCK_TRIES 25 /* of 20 ms */

static int say(char *err, size_t err_len, const struct adit_dns_place *p, const char *what, int r)
{
	const char *hint = r == -EROFS		     ? " (the file system is read-only)" :
			   r == -EPERM		     ? " (is it immutable? lsattr tells)" :
			   r == -EACCES		     ? " (this takes root)" :
			   r == -ENOSPC || r == -EDQUOT ? " (the disk is full)" :
							  "";

	snprintf(err, err_len, "cannot %s %s: %s%s", what, p->path, strerror(-r), hint);
	return r;
}

static bool aside_of(const struct adit_dns_place *p, char aside[PATH_MAX + sizeof(ASIDE)])
{
	snprintf(aside, PATH_MAX + sizeof(ASIDE), "%s" ASIDE, p->path);
	return strlen(aside) < PATH_MAX;
}

/* --- opening ------------------------------------------------------------------ */

/* For the length of a change. Whoever may read the folder can hold the lock, for ever: after a while
 * it is done without. */
static int lock_folder(struct adit_dns_place *p)
{
	char dir[PATH_MAX];
	int tries, r = 0;

	adit_filename_folder(p->path, dir, sizeof(dir));
	p->lock_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p->lock_fd < 0)
		return -errno;
	for (tries = 0; tries < LOCK_TRIES; tries++) {
		r = flock(p->lock_fd, LOCK_EX | LOCK_NB) < 0 ? -errno : 0;
		if (r != -EWOULDBLOCK)
			break;
		nanosleep(&(struct timespec){ 0, 20 * 1000 * 1000 }, NULL);
	}
	return r == -EWOULDBLOCK ? 0 : r;
}

/* Where the name leads; a symlink to nothing is somebody else's business. */
static int resolve(struct adit_dns_place *p)
{
	struct stat st;

	snprintf(p->path, sizeof(p->path), "%s", ADIT_RESOLV_CONF);
	if (lstat(p->path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!realpath(ADIT_RESOLV_CONF, p->path)) {
		snprintf(p->path, sizeof(p->path), "%s", ADIT_RESOLV_CONF);
		return -errno;
	}
	return 0;
}

/* Finds the mark of write_shorter: what is above it is the content. */
static void find_cut(struct adit_dns_place *p)
{
	size_t end = p->len, at, said;
	char mark[32];

	while (end && p->text[end - 1] == '\n')
		end--;
	if (end + 1 < CUT_LEN || end == p->len)
		return;
	at = end + 1 - CUT_LEN;
	memcpy(mark, p->text + at, CUT_LEN);
	mark[CUT_LEN] = '\0';
	if (sscanf(mark, CUT, &said) == 1 && said == at) {
		p->cut = true;
		p->len = at;
	}
}

static int load(struct adit_dns_place *p)
{
	struct adit_textfile file;
	struct stat st;
	int r = adit_textfile_read(&file, p->path, TEXT_MAX, true);

	p->mode = 0644;
	if (!r && stat(p->path, &st) < 0)
		r = -errno;
	if (!r && !(p->text = malloc(file.len + 1)))
		r = -ENOMEM;
	if (!r) {
		p->there = true;
		p->mode = st.st_mode & 07777;
		p->owner = st.st_uid;
		p->group = st.st_gid;
		p->len = file.len;
		if (file.len)
			memcpy(p->text, file.p, file.len);
		find_cut(p);
	}
	adit_textfile_free(&file);
	return r == -ENOENT ? 0 : r;
}

int adit_dns_place_open(struct adit_dns_place *p, char *err, size_t err_len)
{
	char aside[PATH_MAX + sizeof(ASIDE)];
	int r;

	memset(p, 0, sizeof(*p));
	p->lock_fd = -1;
	r = resolve(p);
	if (r == -ENOENT) {
		snprintf(err, err_len, "%s is a symlink to nothing", p->path);
		return r;
	}
	if (!r)
		r = lock_folder(p);
	if (!r && aside_of(p, aside))
		unlink(aside); /* a killed process left it */
	if (r)
		say(err, err_len, p, "lock the folder of", r);
	else if ((r = load(p)))
		say(err, err_len, p, "read", r);
	if (r)
		adit_dns_place_close(p);
	return r;
}

void adit_dns_place_close(struct adit_dns_place *p)
{
	free(p->text);
	p->text = NULL;
	if (p->lock_fd >= 0)
		close(p->lock_fd);
	p->lock_fd = -1;
}

/* --- writing ------------------------------------------------------------------ */

struct content {
	const struct adit_dns_place *place;
	const char *text;
	size_t len;
};

static int write_content(FILE *f, const void *what)
{
	const struct content *c = what;

	if (fchmod(fileno(f), c->place->mode) < 0 ||
	    (c->place->there && fchown(fileno(f), c->place->owner, c->place->group) < 0))
		return -errno;
	fwrite(c->text, 1, c->len, f);
	return 0;
}

static int write_at_start(int fd, const char *text, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pwrite(fd, text + done, len - done, (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		done += (size_t)n;
	}
	return 0;
}

static int cut_at(int fd, size_t len)
{
	return ftruncate(fd, (off_t)len) < 0 || fsync(fd) < 0 ? -errno : 0;
}

/* In one go with a mark at its end, so that no reader sees a file without servers
 * and a killed process's rest is known. */
static int write_shorter(int fd, const char *text, size_t len, size_t old_len)
{
	char *padded = old_len >= len + CUT_LEN ? malloc(old_len) : NULL;
	char mark[40];
	int r;

	if (!padded) { /* so little longer that no mark has room: no file that we wrote */
		r = write_at_start(fd, text, len);
		return r ? r : cut_at(fd, len);
	}
	memset(padded, '\n', old_len);
	memcpy(padded, text, len);
	snprintf(mark, sizeof(mark), CUT, len);
	memcpy(padded + len, mark, CUT_LEN);
	r = write_at_start(fd, padded, old_len);
	free(padded);
	return r ? r : cut_at(fd, len);
}

static int write_longer(int fd, const struct adit_dns_place *p, const char *text, size_t len)
{
	int r = write_at_start(fd, text, len);

	if (!r && fsync(fd) < 0)
		r = -errno;
	if (r && !write_at_start(fd, p->text, p->len)) /* a full disk has room for what was there */
		cut_at(fd, p->len);
	return r;
}

static int write_in_place(const struct adit_dns_place *p, const char *text, size_t len)
{
	int fd = open(p->path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;
	int r;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		r = -errno;
	else if ((size_t)st.st_size > len)
		r = write_shorter(fd, text, len, (size_t)st.st_size);
	else
		r = write_longer(fd, p, text, len);
	close(fd);
	return r;
}

static bool in_place_may_do(int r)
{
	return r == -EBUSY || r == -EROFS || r == -EACCES || r == -EPERM || r == -ENOSPC || r == -EDQUOT;
}

int adit_dns_place_put(struct adit_dns_place *p, const char *text, size_t len, char *err, size_t err_len)
{
	struct content content = { p, text, len };
	char aside[PATH_MAX + sizeof(ASIDE)];
	int r;

	if (!aside_of(p, aside))
		return say(err, err_len, p, "write", -ENAMETOOLONG);
	r = adit_file_replace_by(p->path, aside, write_content, &content);
	if (in_place_may_do(r) && p->there)
		r = write_in_place(p, text, len);
	return r ? say(err, err_len, p, "write", r) : 0;
}

int adit_dns_place_remove(struct adit_dns_place *p, char *err, size_t err_len)
{
	if (unlink(p->path) < 0 && errno != ENOENT)
		return say(err, err_len, p, "remove", -errno);
	if (fsync(p->lock_fd) < 0 && errno != EINVAL && errno != EROFS)
		return say(err, err_len, p, "sync the folder of", -errno);
	return 0;
}
