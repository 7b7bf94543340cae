/* SPDX-License-Identifier: ISC */
/*
 * commands.h - commands that read a configuration and start nothing: their
 * bodies (argv[0] is the command's name; they return an enum adit_exit), and what
 * the control API needs of them
 */
#ifndef ADIT_AGENT_COMMANDS_H
#define ADIT_AGENT_COMMANDS_H

#include <stdio.h>

#include "agent/settings.h"

/* Also opens key files, and asks for the routes to endpoints. */
extern const struct agent_opener agent_opener_check;

int adit_check_main(int argc, char **argv);
int adit_config_main(int argc, char **argv);
int adit_import_main(int argc, char **argv);
int adit_export_main(int argc, char **argv);

#endif
