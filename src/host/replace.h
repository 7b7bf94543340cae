/* SPDX-License-Identifier: ISC */
/* replace.h - a file that is whole at any moment: the old one, or the new one */
#ifndef ADIT_HOST_REPLACE_H
#define ADIT_HOST_REPLACE_H

#include <stdio.h>

/*
 * Writes what `write` prints beside the file (PATH.new, mode 0600), and puts it
 * in the file's place once it is on disk; the folder is on disk, too, when this
 * returns. `write` returns 0 or -errno; what the stream itself failed at is
 * looked for here. 0 or -errno: the old file stands.
 */
int adit_file_replace(const char *path, int (*write)(FILE *f, const void *what), const void *what);
/* The same by another name for the new file until it is whole, in the same folder. */
int adit_file_replace_by(const char *path, const char *aside, int (*write)(FILE *f, const void *what),
			 const void *what);

#endif
