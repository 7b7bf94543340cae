/* SPDX-License-Identifier: ISC */
/* file.c - configuration files on disk, and what they import */
#include "forward/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/list.h"
#include "base/quicktext.h"
#include "forward/settings.h"

#define FILE_MAX (16u << 20)

/* A whole file in memory that is locked where that is allowed: it holds keys. */
struct text {
	char *p;
	size_t len, cap;
};

static void text_free(struct text *t)
{
	if (!t->p)
		return;
	quick_wipe(t->p, t->len);
	munmap(t->p, t->cap);
}

static int read_whole(int fd, struct text *t)
{
	while (t->len < t->cap) {
		ssize_t n = read(fd, t->p + t->len, t->cap - t->len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : 0;
		t->len += (size_t)n;
	}
	return -EFBIG;
}

/* Its length is not asked: it may be a pipe. */
static int text_read(const char *path, struct text *t, mode_t *mode)
{
	struct stat st;
	int r, fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return -errno;
	r = fstat(fd, &st) < 0 ? -errno : S_ISDIR(st.st_mode) ? -EISDIR : 0;
	if (!r) {
		*mode = st.st_mode;
		t->cap = S_ISREG(st.st_mode) && st.st_size < FILE_MAX ? (size_t)st.st_size + 1 : FILE_MAX + 1;
		t->p = mmap(NULL, t->cap, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (t->p == MAP_FAILED) {
			t->p = NULL;
			r = -ENOMEM;
		}
	}
	if (!r) {
		madvise(t->p, t->cap, MADV_DONTDUMP);
		if (t->cap <= 1u << 20)
			(void)mlock(t->p, t->cap); /* best effort */
		r = read_whole(fd, t);
	}
	close(fd);
	return r;
}

static void warn_if_readable(struct adit_forward_reader *rd, const struct adit_forward_origin *at, const char *path,
			     mode_t mode)
{
	if (mode & S_IROTH)
		adit_forward_warning(rd, at, NULL, "%.200s holds keys and everybody can read it (chmod 600)", path);
}

/* --- import ----------------------------------------------------------------- */

struct importer {
	struct adit_forward_import face;
	const char *file; /* that imports */
};

/* Relative names are looked for in the folder of the file that imports, then in ours. */
static void place(const char *file, const char *path, char *ret, size_t size)
{
	const char *slash = strrchr(file, '/');

	if (path[0] != '/' && slash) {
		snprintf(ret, size, "%.*s%s", (int)(slash + 1 - file), file, path);
		if (!access(ret, F_OK))
			return;
	}
	snprintf(ret, size, "%s", path);
}

static bool import_file(struct adit_forward_import *self, struct adit_forward_reader *rd,
			const struct adit_forward_origin *at, const char *path)
{
	struct importer *im = adit_container_of(self, struct importer, face);
	char found[2 * ADIT_FORWARD_PATH_LEN];
	struct text t = { 0 };
	mode_t mode = 0;
	int r;

	place(im->file, path, found, sizeof(found));
	r = text_read(found, &t, &mode);
	if (r) {
		adit_forward_error(rd, at, "WGConfig", "%.300s: %s", found, strerror(-r));
	} else {
		snprintf(rd->cfg->import_file, sizeof(rd->cfg->import_file), "%s", found);
		warn_if_readable(rd, at, found, mode);
		adit_forward_settings(rd, found, t.p, t.len, NULL, true);
	}
	text_free(&t);
	return !r;
}

int adit_forward_read_file(struct adit_forward_reader *rd, const char *path)
{
	struct importer im = { { import_file }, path };
	struct adit_forward_origin at = { path, 1, 1 };
	struct text t = { 0 };
	mode_t mode = 0;
	int r = text_read(path, &t, &mode);

	if (r) {
		adit_forward_error(rd, &at, NULL, "%s", strerror(-r));
	} else {
		warn_if_readable(rd, &at, "the file", mode);
		adit_forward_settings(rd, path, t.p, t.len, &im.face, false);
	}
	text_free(&t);
	return r;
}

bool adit_forward_read_key_file(struct adit_forward_reader *rd, const struct adit_forward_origin *at,
				const char *key, const char *path, uint8_t ret[ADIT_FORWARD_KEY_LEN])
{
	struct text t = { 0 };
	mode_t mode = 0;
	struct slice s;
	bool ok = false;
	int r = text_read(path, &t, &mode);

	if (r) {
		adit_forward_error(rd, at, key, "%.300s: %s", path, strerror(-r));
		text_free(&t);
		return false;
	}
	if (mode & (S_IRGRP | S_IROTH))
		adit_forward_warning(rd, at, key, "%.200s: others can read this key (chmod 600)", path);
	for (s = (struct slice){ t.p, t.len }; s.len && (quick_is_space(s.p[s.len - 1]) || s.p[s.len - 1] == '\n'); s.len--)
		;
	s = quick_trim(s);
	ok = quick_key(ret, s);
	if (!ok)
		adit_forward_error(rd, at, key, "%.300s holds no key (44 characters of base64; adit genkey makes one)",
				   path);
	text_free(&t);
	return ok;
}
