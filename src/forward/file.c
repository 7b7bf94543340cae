/* SPDX-License-Identifier: ISC */
/* file.c - configuration files on disk, and what they import */
#include "forward/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/filename.h"
#include "base/list.h"
#include "base/quicktext.h"
#include "forward/settings.h"
#include "host/textfile.h"

#define FILE_MAX (16u << 20)

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
	if (!adit_filename_beside(file, path, ret, size) || access(ret, F_OK))
		snprintf(ret, size, "%s", path);
}

static bool import_file(struct adit_forward_import *self, struct adit_forward_reader *rd,
			const struct adit_forward_origin *at, const char *path)
{
	struct importer *im = adit_container_of(self, struct importer, face);
	char found[2 * ADIT_FORWARD_PATH_LEN];
	struct adit_textfile t;
	int r;

	place(im->file, path, found, sizeof(found));
	r = adit_textfile_read(&t, found, FILE_MAX, false);
	if (r) {
		adit_forward_error(rd, at, "WGConfig", "%.300s: %s", found, strerror(-r));
	} else {
		snprintf(rd->cfg->import_file, sizeof(rd->cfg->import_file), "%s", found);
		warn_if_readable(rd, at, found, t.mode);
		adit_forward_settings(rd, found, t.p, t.len, NULL, true);
	}
	adit_textfile_free(&t);
	return !r;
}

int adit_forward_read_file(struct adit_forward_reader *rd, const char *path)
{
	struct importer im = { { import_file }, path };
	struct adit_forward_origin at = { path, 1, 1 };
	struct adit_textfile t;
	int r = adit_textfile_read(&t, path, FILE_MAX, false);

	if (r) {
		adit_forward_error(rd, &at, NULL, "%s", strerror(-r));
	} else {
		warn_if_readable(rd, &at, "the file", t.mode);
		adit_forward_settings(rd, path, t.p, t.len, &im.face, false);
	}
	adit_textfile_free(&t);
	return r;
}

bool adit_forward_read_key_file(struct adit_forward_reader *rd, const struct adit_forward_origin *at,
				const char *key, const char *path, uint8_t ret[ADIT_FORWARD_KEY_LEN])
{
	struct adit_textfile t;
	struct slice s;
	bool ok = false;
	int r = adit_textfile_read(&t, path, FILE_MAX, false);

	if (r) {
		adit_forward_error(rd, at, key, "%.300s: %s", path, strerror(-r));
		adit_textfile_free(&t);
		return false;
	}
	if (t.mode & (S_IRGRP | S_IROTH))
		adit_forward_warning(rd, at, key, "%.200s: others can read this key (chmod 600)", path);
	for (s = (struct slice){ t.p, t.len }; s.len && (quick_is_space(s.p[s.len - 1]) || s.p[s.len - 1] == '\n'); s.len--)
		;
	s = quick_trim(s);
	ok = quick_key(ret, s);
	if (!ok)
		adit_forward_error(rd, at, key, "%.300s holds no key (44 characters of base64; adit genkey makes one)",
				   path);
	adit_textfile_free(&t);
	return ok;
}
