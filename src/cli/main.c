/* SPDX-License-Identifier: ISC */
/* main.c - finds the command and runs it; called adit-wg, that is always `device` */
#include <stdio.h>
#include <string.h>

#include "base/filename.h"
#include "cli/cli.h"

/* --help anywhere before "--" */
static bool wants_help(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
			return true;
	return false;
}

static int run(const struct adit_command *c, int argc, char **argv)
{
	if (!wants_help(argc, argv))
		return c->run(argc, argv);
	adit_help_command(stdout, c);
	return ADIT_EXIT_OK;
}

static int unknown(const char *name)
{
	const struct adit_command *near = adit_command_nearest(name);

	fprintf(stderr, "adit: there is no command \"%s\"", name);
	if (near)
		fprintf(stderr, "; did you mean \"%s\"?", near->name);
	fprintf(stderr, "\nadit help lists the commands.\n");
	return ADIT_EXIT_USAGE;
}

/* As wireguard-go: --version alone is understood. */
static int run_adit_wg(int argc, char **argv)
{
	char version[] = "version", *version_argv[] = { version, NULL };

	if (argc == 2 && !strcmp(argv[1], "--version"))
		return adit_version_main(1, version_argv);
	argv[0] = (char *)adit_filename_last(argv[0]);
	return run(adit_command_find("device"), argc, argv);
}

int main(int argc, char **argv)
{
	const struct adit_command *c;
	const char *name;

	if (argc < 1)
		return ADIT_EXIT_USAGE;
	if (!strcmp(adit_filename_last(argv[0]), "adit-wg"))
		return run_adit_wg(argc, argv);
	if (argc < 2) {
		adit_help_topics(stdout);
		return ADIT_EXIT_OK;
	}
	name = argv[1];
	if (!strcmp(name, "--help") || !strcmp(name, "-h"))
		name = "help";
	else if (!strcmp(name, "--version") || !strcmp(name, "-V"))
		name = "version";
	c = adit_command_find(name);
	return c ? run(c, argc - 1, argv + 1) : unknown(name);
}
