/* SPDX-License-Identifier: ISC */
/* cleanup.c - `adit cleanup`: undoes what killed processes left on this machine */
#include "device/device.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/exit.h"
#include "device/up_cleanup.h"
#include "host/keeper.h"
#include "host/print.h"

struct cleanup {
	bool json, keep_guards, dry_run;
	const char *state_dir;
	unsigned told; /* lines so far */
};

static int usage(const char *text, const char *what)
{
	fprintf(stderr, "adit cleanup: %s%s\nUsage: adit cleanup [--keep-killswitch] [--dry-run] [--state-dir DIR] [--json]\n",
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
			return usage("which folder? --state-dir", " DIR");
		else
			return usage("what is ", argv[i]);
	}
	c->state_dir = adit_state_dir(dir);
	return 0;
}

static void tell(void *user, const char *plan, const char *what, const char *text)
{
	struct cleanup *c = user;

	if (c->json) {
		printf("%s{\"network\":", c->told ? "," : "");
		adit_json_string(stdout, plan);
		adit_json_member(stdout, "what", what);
		adit_json_member(stdout, "text", text);
		printf("}");
	} else {
		/* "left wg0: ..."; what was found by our mark belongs to nobody known */
		printf("%s%s%s: %s\n", what, *plan ? " " : "", plan, text);
	}
	c->told++;
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

	if (!r && records)
		snprintf(err, err_len, "%s: %s", c->state_dir, strerror(-records));
	return r ? r : records;
}

static bool denied(int r)
{
	return r == -EPERM || r == -EACCES || r == -EROFS;
}

int adit_cleanup_main(int argc, char **argv)
{
	struct cleanup c = { 0 };
	char err[512] = "";
	int r = read_arguments(&c, argc, argv);

	if (r)
		return r;
	if (c.json)
		printf("{\"schema\":1,\"dry_run\":%s,\"changes\":[", c.dry_run ? "true" : "false");
	r = clean(&c, err, sizeof(err));
	if (c.json) {
		printf("]");
		if (r)
			adit_json_member(stdout, "error", err);
		printf("}\n");
	} else if (r) {
		fprintf(stderr, "adit cleanup: %s%s\n", err, denied(r) ? " (this takes root)" : "");
	} else if (!c.told) {
		printf("nothing to clean up\n");
	}
	if (r)
		return denied(r) ? ADIT_EXIT_DENIED : ADIT_EXIT_FAILED;
	return ADIT_EXIT_OK;
}
