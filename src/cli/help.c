/* SPDX-License-Identifier: ISC */
/* help.c - `adit help`, COMMAND --help, and the table in a form for scripts, all from the command table */
#include <stdbool.h>
#include <string.h>

#include "cli/cli.h"

const struct adit_command *adit_command_find(const char *name)
{
	const struct adit_command *c;

	for (c = adit_commands; c->name; c++)
		if (!strcmp(c->name, name))
			return c;
	return NULL;
}

/* Letters to insert, delete or change to make a of b (Wagner and Fischer, 1974). */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[32], i, k, n = (unsigned)strlen(b);

	if (n >= 32)
		return n;
	for (k = 0; k <= n; k++)
		row[k] = k;
	for (i = 1; *a; a++, i++) {
		unsigned diagonal = row[0];

		row[0] = i;
		for (k = 1; k <= n; k++) {
			unsigned change = diagonal + (*a != b[k - 1]);
			unsigned shift = (row[k] < row[k - 1] ? row[k] : row[k - 1]) + 1;

			diagonal = row[k];
			row[k] = change < shift ? change : shift;
		}
	}
	return row[n];
}

const struct adit_command *adit_command_nearest(const char *name)
{
	const struct adit_command *c, *best = NULL;
	unsigned least = 3;

	for (c = adit_commands; c->name; c++) {
		unsigned d = distance(name, c->name);

		if (d < least && d < strlen(c->name)) {
			least = d;
			best = c;
		}
	}
	return best;
}

/* Has a command before this one the same topic? */
static bool topic_seen(const struct adit_command *upto)
{
	const struct adit_command *c;

	for (c = adit_commands; c != upto; c++)
		if (!strcmp(c->topic, upto->topic))
			return true;
	return false;
}

void adit_help_topics(FILE *out)
{
	const struct adit_command *t, *c;

	fprintf(out, "adit: private networks in user space\n");
	for (t = adit_commands; t->name; t++) {
		if (topic_seen(t))
			continue;
		fprintf(out, "\n%s\n", t->topic);
		for (c = t; c->name; c++) {
			char call[64];

			if (strcmp(c->topic, t->topic) != 0)
				continue;
			snprintf(call, sizeof(call), "adit %s %s", c->name, c->synopsis);
			fprintf(out, "  %-36s  %s\n", call, c->summary);
		}
	}
	fprintf(out, "\nEvery command has --help, with an example.\n");
}

static void indented(FILE *out, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, "\n");

		fprintf(out, "  %.*s\n", (int)n, text);
		text += n + (text[n] == '\n');
	}
}

static void print_options(FILE *out, const struct adit_command *c)
{
	const struct adit_option *o;

	fprintf(out, "\nOptions:\n");
	for (o = c->options; o->name; o++) {
		char name[48];

		snprintf(name, sizeof(name), "%s%s%s", o->name, o->arg ? " " : "", o->arg ? o->arg : "");
		fprintf(out, "  %-22s %s\n", name, o->text);
	}
	fprintf(out, "  %-22s %s\n", "-h, --help", "print this");
}

void adit_help_command(FILE *out, const struct adit_command *c)
{
	fprintf(out, "adit %s: %s\n\nUsage: adit %s%s%s\n\n%s\n", c->name, c->summary, c->name, *c->synopsis ? " " : "",
		c->synopsis, c->about);
	print_options(out, c);
	fprintf(out, "\nExample:\n");
	indented(out, c->example);
}

/* One fact a line, separated by tabs, for the lint suite. */
static void dump(void)
{
	const struct adit_command *c;
	const struct adit_option *o;

	for (c = adit_commands; c->name; c++) {
		printf("command\t%s\t%s\t%s\t%s\n", c->name, c->synopsis, c->summary, c->complete);
		for (o = c->options; o->name; o++)
			printf("option\t%s\t%s\t%s\t%s\n", c->name, o->name, o->arg ? o->arg : "", o->text);
	}
}

int adit_help_main(int argc, char **argv)
{
	const struct adit_command *c;

	if (argc > 2) {
		fprintf(stderr, "adit help: one command at a time\nUsage: adit help [COMMAND]\n");
		return ADIT_EXIT_USAGE;
	}
	if (argc < 2 || argv[1][0] == '-') {
		if (argc == 2 && !strcmp(argv[1], "--dump"))
			dump();
		else
			adit_help_topics(stdout);
		return ADIT_EXIT_OK;
	}
	c = adit_command_find(argv[1]);
	if (!c) {
		fprintf(stderr, "adit help: there is no command \"%s\"; adit help lists them\n", argv[1]);
		return ADIT_EXIT_USAGE;
	}
	adit_help_command(stdout, c);
	return ADIT_EXIT_OK;
}
