/* SPDX-License-Identifier: ISC */
/*
 * options.h - the command line of `adit forward`: onetun's options, arguments
 * and ONETUN_* variables, wireproxy's options, and our own. It is kept, for a
 * reload reads everything again; what is secret in it is kept in secret memory
 * and overwritten where ps(1) would see it.
 */
#ifndef ADIT_FORWARD_OPTIONS_H
#define ADIT_FORWARD_OPTIONS_H

#include "forward/config.h"

struct adit_forward_options;

/* Copies the arguments from argv[1] on and overwrites the secrets in argv.
 * Returns 0 or -ENOMEM. */
int adit_forward_options_new(struct adit_forward_options **ret, int argc, char **argv);
void adit_forward_options_free(struct adit_forward_options *o);

/*
 * Reads arguments, variables and the files they name into rd->cfg, and judges
 * the whole. Returns 0, or the exit status that fits what was reported:
 * ADIT_EXIT_USAGE, ADIT_EXIT_CONFIG, ADIT_EXIT_DENIED, ADIT_EXIT_FAILED.
 */
int adit_forward_options_read(struct adit_forward_options *o, struct adit_forward_reader *rd);
/* The configuration file in use after reading; "" = none. Absolute. */
const char *adit_forward_options_file(const struct adit_forward_options *o);
/* -v was given. */
bool adit_forward_options_version(const struct adit_forward_options *o);

#endif
