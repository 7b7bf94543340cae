/* SPDX-License-Identifier: ISC */
/* cli.h - the commands whose bodies live here, and what they share */
#ifndef ADIT_CLI_CLI_H
#define ADIT_CLI_CLI_H

#include <stdbool.h>
#include <stdio.h>

#include "cli/command.h"

/* NULL when there is none of that name. */
const struct adit_command *adit_command_find(const char *name);
/* The one whose name is nearest, for "did you mean"; NULL when none is near. */
const struct adit_command *adit_command_nearest(const char *name);

/* All there is to say about a command. */
void adit_help_command(FILE *out, const struct adit_command *c);
/* The commands by topic. */
void adit_help_topics(FILE *out);

int adit_help_main(int argc, char **argv);
int adit_version_main(int argc, char **argv);
int adit_completion_main(int argc, char **argv);
int adit_genkey_main(int argc, char **argv);
int adit_genpsk_main(int argc, char **argv);
int adit_pubkey_main(int argc, char **argv);

#endif
