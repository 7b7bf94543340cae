/* SPDX-License-Identifier: ISC */
/* options.c - what `adit agent` and `adit start` are told */
#include "agent/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/settings.h"
#include "base/exit.h"

#define WAIT_DEFAULT   15
#define SECONDS_MAX    86400

static int usage(bool background, const char *fmt, const char *what)
{
	const char *name = background ? "start" : "agent";

	fprintf(stderr, "adit %s: ", name);
	fprintf(stderr, fmt, what);
	fprintf(stderr, "\n(adit %s --help says more)\n", name);
	return ADIT_EXIT_USAGE;
}

/* It is opened by a process that may stand elsewhere. */
static int make_absolute(char ret[PATH_MAX], const char *path)
{
	char here[PATH_MAX];
	int n;

	if (path[0] == '/')
		n = snprintf(ret, PATH_MAX, "%s", path);
	else if (getcwd(here, sizeof(here)))
		n = snprintf(ret, PATH_MAX, "%s/%s", strcmp(here, "/") ? here : "", path);
	else
		return -errno;
	return n < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* "60", "60s", "2m" */
static bool read_seconds(unsigned *ret, const char *text)
{
	unsigned long v, unit = 1;
	char *end;

	errno = 0;
	v = strtoul(text, &end, 10);
	if (!strcmp(end, "m"))
		unit = 60;
	if (errno || end == text || text[0] == '-' || (*end && strcmp(end, "s") && strcmp(end, "m")) ||
	    v > SECONDS_MAX / unit)
		return false;
	*ret = (unsigned)(v * unit);
	return true;
}

/* The value of -c X, --config X, --config=X; NULL: another option, or no value. */
static const char *value_of(const char *name, const char *letter, int argc, char **argv, int *at)
{
	size_t len = strlen(name);

	if (!strncmp(argv[*at], name, len) && argv[*at][len] == '=')
		return argv[*at] + len + 1;
	if ((!strcmp(argv[*at], name) || (letter && !strcmp(argv[*at], letter))) && *at + 1 < argc)
		return argv[++*at];
	return NULL;
}

static int read_one(struct agent_options *o, const char **config, int argc, char **argv, int *i)
{
	const char *v, *name = argv[*i];

	if ((v = value_of("--config", "-c", argc, argv, i))) {
		*config = v;
	} else if ((v = value_of("--state-dir", NULL, argc, argv, i))) {
		if (v[0] != '/' || strlen(v) >= sizeof(o->state_dir))
			return usage(o->background, "--state-dir %s: it must be absolute, and short", v);
		strcpy(o->state_dir, v);
	} else if (o->background && (v = value_of("--wait", NULL, argc, argv, i))) {
		if (!read_seconds(&o->wait_secs, v))
			return usage(o->background, "--wait %s: so many seconds are wanted", v);
	} else if (!o->background && (v = value_of("--confirm", NULL, argc, argv, i))) {
		if (!read_seconds(&o->confirm_secs, v) || !o->confirm_secs)
			return usage(o->background, "--confirm %s: so many seconds are wanted (60s)", v);
	} else if (!o->background && !strcmp(name, "--dry-run")) {
		o->dry_run = true;
	} else if (!o->background && !strcmp(name, "--replace")) {
		o->replace = true;
	} else {
		return usage(o->background, name[0] == '-' ? "%s: unknown, or its value is missing" : "%s: not expected", name);
	}
	return 0;
}

int agent_options_read(struct agent_options *ret, bool background, int argc, char **argv)
{
	const char *config = AGENT_CONFIG_PATH;
	int r = 0, i;

	*ret = (struct agent_options){ .background = background, .wait_secs = WAIT_DEFAULT };
	for (i = 1; i < argc && !r; i++)
		r = read_one(ret, &config, argc, argv, &i);
	if (!r && make_absolute(ret->config, config))
		r = usage(background, "%s: the path is too long", config);
	return r;
}
