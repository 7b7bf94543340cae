/* SPDX-License-Identifier: ISC */
/* file.h - configuration files on disk, and what they import */
#ifndef ADIT_FORWARD_FILE_H
#define ADIT_FORWARD_FILE_H

#include "forward/config.h"

/* Reads a configuration file into rd->cfg; errors, that it cannot be opened
 * included, go to the reader. Returns 0, or the -errno of opening or reading. */
int adit_forward_read_file(struct adit_forward_reader *rd, const char *path);
/* The base64 key in a file, blanks around it left out. False after an error. */
bool adit_forward_read_key_file(struct adit_forward_reader *rd, const struct adit_forward_origin *at,
				const char *key, const char *path, uint8_t ret[ADIT_FORWARD_KEY_LEN]);

#endif
