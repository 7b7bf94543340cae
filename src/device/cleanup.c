/* SPDX-License-Identifier: ISC */
/* cleanup.c - `adit cleanup`: undoes what killed processes left on this machine */
#include "device/device.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/exit.h"
#include "device/uapi_socket.h"
#include "device/up_cleanup.h"
#include "host/keeper.h"
#include "host/print.h"
#include "host/unixsock.h"

struct cleanup {
	FILE *out;
	bool json, keep_guards, dry_run;
	const char *state_dir;
	unsigned told; /* lines so far */
	char plan[ADIT_IFNAME_LEN]; /* the last one told of that is not left */
};

static int usage(const char *text, const char *what)
{
	fprintf(stderr, "adit cleanup: %s%s\nUsage: adit cleanup [--keep-killswitch] [--dry-run] [--state-dir FOLDER] [--json]\n",
		text, what);
	return ADIT_EXIT_USAGE;
}

static int read_arguments(struct cleanup *c, int argc, char **argv)
{
	const char *dir = NULL;
	int i;

	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--json"))
			c->json = true;
		else if (!strcmp(argv[i], "--keep-killswitch"))
			c->keep_guards = true;
		else if (!strcmp(argv[i], "--dry-run"))
			c->dry_run = true;
		else if (!strncmp(argv[i], "--state-dir=", 12))
			dir = argv[i] + 12;
		else if (!strcmp(argv[i], "--state-dir") && i + 1 < argc)
			dir = argv[++i];
		else if (!strcmp(argv[i], "--state-dir"))
			return usage("which folder? --state-dir", " FOLDER");
		else
			return usage("what is ", argv[i]);
	}
	c->state_dir = adit_state_dir(dir);
	return 0;
}

static void line(struct cleanup *c, const char *plan, const char *what, const char *text)
{
	if (c->json) {
		fprintf(c->out, "%s{\"network\":", c->told ? "," : "");
		adit_json_string(c->out, plan);
		adit_json_member(c->out, "what", what);
		adit_json_member(c->out, "text", text);
		fputc('}', c->out);
	} else {
		/* "left wg0: ..."; what was found by our mark belongs to nobody known */
		fprintf(c->out, "%s%s%s: %s\n", what, *plan ? " " : "", plan, text);
	}
	c->told++;
}

/* A file that says nobody is there, until somebody takes its place. */
static void dead_socket(void *user, const char *path)
{
	struct cleanup *c = user;
	char text[512];

	snprintf(text, sizeof(text), "socket %s: nobody serves it", path);
	if (c->dry_run)
		line(c, "", "would", text);
	else
		line(c, "", unlink(path) < 0 ? "failed" : "undone", text);
}

static void tell(void *user, const char *plan, const char *what, const char *text)
{
	struct cleanup *c = user;
	char path[ADIT_UAPI_PATH_LEN];

	line(c, plan, what, text);
	if (!*plan || !strcmp(what, "left") || !strcmp(plan, c->plan))
		return;
	snprintf(c->plan, sizeof(c->plan), "%s", plan);
	if (!adit_ifname_problem(plan) && adit_unix_dead(adit_uapi_socket_path(plan, path)))
		dead_socket(c, path);
}

static int clean(struct cleanup *c, char *err, size_t err_len)
{
	const struct adit_cleanup how = {
		.state_dir = c->state_dir,
		.keep_guards = c->keep_guards,
		.dry_run = c->dry_run,
		.report = tell,
		.user = c,
	};
	int r = adit_keeper_cleanup(&how, err, err_len), records = adit_up_cleanup(&how);

	adit_unix_each_dead(dead_socket, c);
	if (!r && records)
		snprintf(err, err_len, "%s: %s", c->state_dir, strerror(-records));
	return r ? r : records;
}

static int clean_json(struct cleanup *c)
{
	char err[512] = "";
	int r;

	c->json = true;
	fprintf(c->out, "{\"schema\":1,\"dry_run\":%s,\"changes\":[", c->dry_run ? "true" : "false");
	r = clean(c, err, sizeof(err));
	fputc(']', c->out);
	if (r)
		adit_json_member(c->out, "error", err);
	fputs("}\n", c->out);
	return r;
}

int adit_cleanup_json(FILE *out, const char *state_dir, bool keep_guards, bool dry_run)
{
	struct cleanup c = { .out = out, .state_dir = state_dir, .keep_guards = keep_guards, .dry_run = dry_run };

	return clean_json(&c);
}

static bool denied(int r)
{
	return r == -EPERM || r == -EACCES;
}

static int clean_text(struct cleanup *c)
{
	char err[512] = "";
	int r = clean(c, err, sizeof(err));

	if (r)
		fprintf(stderr, "adit cleanup: %s%s\n", err, denied(r) && geteuid() ? " (this takes root)" : "");
	else if (!c->told)
		printf("nothing to clean up\n");
	return r;
}

int adit_cleanup_main(int argc, char **argv)
{
	struct cleanup c = { .out = stdout };
	int r = read_arguments(&c, argc, argv);

	if (r)
		return r;
	r = c.json ? clean_json(&c) : clean_text(&c);
	if (r)
		return denied(r) ? ADIT_EXIT_DENIED : ADIT_EXIT_FAILED;
	return ADIT_EXIT_OK;
}
