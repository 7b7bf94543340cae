/* SPDX-License-Identifier: ISC */
/*
 * keyfile.h - files that hold keys. A file is judged by what its name opens to: a
 * symlink to a good file is good, as secrets of services are often mounted.
 */
#ifndef ADIT_HOST_KEYFILE_H
#define ADIT_HOST_KEYFILE_H

#include <stdint.h>

#include "host/textfile.h"

#define ADIT_KEYFILE_KEY_LEN 32

/* NULL when only its owner may use the file, and that is root or we; else what is wrong (what to do). */
const char *adit_keyfile_problem(const struct adit_textfile *file);
/*
 * The base64 key in a file, blanks around it left out. NULL, or what is wrong (what
 * to do) with *ret untouched. Refuses pipes, devices and what adit_keyfile_problem
 * finds, and never waits.
 */
const char *adit_keyfile_read(const char *path, uint8_t ret[ADIT_KEYFILE_KEY_LEN]);
/* The same of what somebody else opened (-errno: could not); the descriptor is closed. */
const char *adit_keyfile_take(int fd, uint8_t ret[ADIT_KEYFILE_KEY_LEN]);

#endif
