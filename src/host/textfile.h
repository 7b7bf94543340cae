/* SPDX-License-Identifier: ISC */
/*
 * textfile.h - a whole file in memory that is locked where that is allowed, left
 * out of core dumps and wiped when freed: it may hold keys.
 */
#ifndef ADIT_HOST_TEXTFILE_H
#define ADIT_HOST_TEXTFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct adit_textfile {
	char *p;
	size_t len, cap;
	mode_t mode; /* of the file */
	uid_t owner;
};

/* At most max bytes. plain: pipes, sockets and devices are refused at once, with -EINVAL; else
 * whatever can be read is read to its end. 0 or -errno (-EFBIG, -EISDIR). Free it in either case. */
int adit_textfile_read(struct adit_textfile *ret, const char *path, size_t max, bool plain);
/* The same of an open descriptor, which is closed. */
int adit_textfile_take(struct adit_textfile *ret, int fd, size_t max, bool plain);
void adit_textfile_free(struct adit_textfile *t);

#endif
