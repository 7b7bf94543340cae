/* SPDX-License-Identifier: ISC */
/* up_cleanup.c - records of `adit up` without a journal (up_record.c) */
#include "device/up_cleanup.h"

#include <errno.h>
#include <glob.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "device/uapi_socket.h"
#include "device/up_device.h"
#include "device/up_internal.h"

static bool has_journal(const struct up *up)
{
	char path[UP_PATH_LEN];

	return snprintf(path, sizeof(path), "%s/%s.journal", up->state_dir, up->name) < (int)sizeof(path) &&
	       access(path, F_OK) == 0;
}

enum fate { LEAVE, FORGET, TAKE_DOWN };

/*
 * A device that runs is taken down only where it is up's for sure and in this network namespace,
 * and `up` did not come to its end; one that did is up, though its journal is lost.
 */
static enum fate fate_of(const struct up *up, const struct up_record *record)
{
	int made = adit_up_made(up->name);

	if (has_journal(up))
		return LEAVE;
	if (!record->found || made == -ESRCH)
		return FORGET;
	if (record->done || made < 0)
		return LEAVE;
	if (!made)
		return FORGET; /* somebody else's, who came later */
	return if_nametoindex(up->name) ? TAKE_DOWN : LEAVE;
}

static void report(const struct adit_cleanup *c, const char *name, const char *what, const char *text)
{
	if (c->report)
		c->report(c->user, name, what, text);
}

static void clean(struct up *up, const struct adit_cleanup *c)
{
	struct up_record record;
	enum fate fate;

	if (up_record_try(up, &record))
		return; /* somebody is at work */
	fate = fate_of(up, &record);
	if (fate != LEAVE)
		report(c, up->name, c->dry_run ? "would" : "undone",
		       record.found ? "what adit up noted for adit down" : "an empty record of adit up");
	if (fate == TAKE_DOWN && !c->dry_run && (up_open_host(up) || up_take_down(up)))
		fate = LEAVE;
	up_record_unlock(up, fate != LEAVE && !c->dry_run);
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
