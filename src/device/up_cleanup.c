/* SPDX-License-Identifier: ISC */
/* up_cleanup.c - records of `adit up` without a journal (up_record.c) */
#include "device/up_cleanup.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "device/uapi_socket.h"
#include "device/up_internal.h"

static bool has_journal(const struct up *up)
{
	char path[UP_PATH_LEN];

	return snprintf(path, sizeof(path), "%s/%s.journal", up->state_dir, up->name) < (int)sizeof(path) &&
	       access(path, F_OK) == 0;
}

/* Came to its end, and its device runs: up, though its journal is lost. */
static bool lives(const struct up *up, const struct up_record *record)
{
	return has_journal(up) || (record->done && adit_uapi_alive(up->name));
}

static void report(const struct adit_cleanup *c, const char *name, const char *what, const char *text)
{
	if (c->report)
		c->report(c->user, name, what, text);
}

static void clean(struct up *up, const struct adit_cleanup *c)
{
	struct up_record record;

	if (up_record_try(up, &record))
		return; /* somebody is at work */
	if (lives(up, &record)) {
		up_record_unlock(up, false);
		return;
	}
	report(c, up->name, c->dry_run ? "would" : "undone", "what adit up noted for adit down");
	if (c->dry_run || !up_open_host(up)) {
		bool gone = !c->dry_run && !up_take_down(up);

		up_record_unlock(up, gone);
	}
	up_close_host(up);
}

int adit_up_cleanup(const struct adit_cleanup *c)
{
	char pattern[UP_PATH_LEN];
	glob_t found;
	size_t i;
	int r;

	if (snprintf(pattern, sizeof(pattern), "%s/*.up", c->state_dir) >= (int)sizeof(pattern))
		return -ENAMETOOLONG;
	r = glob(pattern, GLOB_NOSORT, NULL, &found);
	if (r)
		return r == GLOB_NOMATCH ? 0 : -EIO;
	for (i = 0; i < found.gl_pathc; i++) {
		struct up up = { .command = "adit cleanup", .state_dir = c->state_dir, .lock_fd = -1 };
		const char *base = strrchr(found.gl_pathv[i], '/') + 1;
		size_t len = strlen(base) - strlen(".up");

		if (len >= sizeof(up.name))
			continue;
		snprintf(up.name, sizeof(up.name), "%.*s", (int)len, base);
		if (!adit_ifname_problem(up.name))
			clean(&up, c);
	}
	globfree(&found);
	return 0;
}
