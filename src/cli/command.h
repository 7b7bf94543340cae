/* SPDX-License-Identifier: ISC */
/*
 * command.h - the one command table: help, completion and the manual's
 * synopsis come from it. Bodies live with their component (src/device,
 * src/cli) and are registered in main.c.
 */
#ifndef ADIT_CLI_COMMAND_H
#define ADIT_CLI_COMMAND_H

#include "base/exit.h"

struct adit_option {
	const char *name; /* "--json", "-f, --foreground" */
	const char *arg;  /* "FILE", or NULL for a flag */
	const char *text;
};

struct adit_command {
	const char *name;
	const char *topic;    /* heading it stands under in `adit help` */
	const char *synopsis; /* "[-f] IFACE" */
	const char *summary;  /* one line */
	const char *about;    /* paragraphs for --help and the manual */
	const char *example;  /* one or two commands */
	const char *complete; /* what the operand is: completion.c has the kinds; or words to choose from */
	const struct adit_option *options; /* ends with name == NULL */
	/* argv[0] is the command's name; returns an enum adit_exit. --help is handled before. */
	int (*run)(int argc, char **argv);
};

extern const struct adit_command adit_commands[]; /* ends with name == NULL */

#endif
