/* SPDX-License-Identifier: ISC */
/*
 * up_down.c - `adit down FILE.conf|NAME`
 *
 * DOC: down needs no file: the journal says what to undo, and the record (up_record.c)
 * that there is something where `up` was killed before it had a journal. The file is
 * looked at for hooks and SaveConfig only. So it does the same after a kill -9 of
 * either process: what is gone already is passed over.
 */
#include "device/device.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/exit.h"
#include "device/uapi_socket.h"
#include "device/up_device.h"
#include "device/up_internal.h"
#include "host/journal.h"

bool up_is_stranger(const struct up *up, const struct up_record *record)
{
	return !record->done && adit_up_made(up->name) == 0;
}

/* A TUN of ours that no journal knows of. */
static void delete_tun(struct up *up)
{
	struct adit_link link;

	if (adit_link_find(up->nl, up->name, &link) == 0 && !strcmp(link.kind, "tun"))
		adit_link_delete(up->nl, link.index);
}

int up_take_down(struct up *up)
{
	int pidfd = adit_up_process(up->name);
	char err[256];
	int r = adit_keeper_undo(up->keeper, up->name, err, sizeof(err));

	if (r) {
		if (pidfd >= 0)
			close(pidfd);
		return up_fail(up, "%s; the journal in %s stays: try adit down %s again", err, up->state_dir,
			       up->name);
	}
	if (pidfd >= 0)
		delete_tun(up);
	adit_up_wait_gone(up->name, pidfd);
	return 0;
}

/* --- the file, where there is one ------------------------------------------------ */

static struct adit_quickconf *find_config(struct up *up, const struct up_record *record)
{
	struct adit_quickconf *conf = NULL;

	if (up->by_name && record->file[0])
		snprintf(up->file, sizeof(up->file), "%s", record->file);
	if (access(up->file, F_OK) < 0) {
		if (!up->by_name || record->file[0])
			fprintf(stderr, "%s: %s: %s: its hooks and SaveConfig are passed over\n", up->command,
				up->file, strerror(errno));
		return NULL;
	}
	if (up_real_path(up) || up_read_config(up, &conf))
		return NULL;
	return conf;
}

static bool wants_save(const struct adit_quickconf *conf)
{
	size_t i;

	for (i = 0; i < conf->extra_cnt; i++)
		if (conf->extra[i].kind == ADIT_QUICK_SAVE_CONFIG)
			return true;
	return false;
}

static int save(struct up *up, const struct adit_quickconf *conf, const struct up_record *record)
{
	int status;

	if (!wants_save(conf))
		return 0;
	status = adit_uapi_alive(up->name) ? up_save(up, conf, record->mark) : -ESRCH;
	if (status != -ESRCH)
		return status;
	fprintf(stderr, "%s: %s: nothing runs that could be saved (SaveConfig)\n", up->command, up->name);
	return 0;
}

/* --- down -------------------------------------------------------------------------- */

static int not_up(struct up *up, const struct up_record *record)
{
	struct adit_link link;
	bool there = adit_link_find(up->nl, up->name, &link) == 0;
	int status;

	if (record->found && (!there || !strcmp(link.kind, "tun")) && !up_is_stranger(up, record)) {
		fprintf(stderr, "%s: %s: adit up did not come to its end: undoing what it left\n", up->command,
			up->name);
		status = up_take_down(up);
		if (!status)
			adit_journal_remove(up->state_dir, up->name); /* one that was never finished */
		return status;
	}
	if (there)
		return up_fail(up, "adit up did not make this interface (ip link delete %s ends it, whoever did)",
			       up->name);
	return up_fail(up, "is not up");
}

/* A hook that fails does not keep the rest: going down is what was asked for. */
static int down_with(struct up *up, const struct up_record *record)
{
	struct adit_quickconf *conf = find_config(up, record);
	int status = 0, hooks = 0, r;

	up->hooks = up->hooks || record->hooks;
	if (conf)
		up_hooks_list(up, conf, true);
	if (conf)
		hooks = up_hooks_run(up, conf, ADIT_QUICK_PRE_DOWN, false);
	if (conf)
		status = save(up, conf, record);
	if (!status)
		status = up_take_down(up);
	if (conf && !status) {
		r = up_hooks_run(up, conf, ADIT_QUICK_POST_DOWN, false);
		hooks = hooks ? hooks : r;
	}
	adit_quickconf_free(conf);
	return status ? status : hooks;
}

static int down_locked(struct up *up, const struct up_record *record)
{
	struct adit_link link;
	char err[256];
	int r;

	if (adit_link_find(up->nl, up->name, &link) && adit_uapi_alive(up->name))
		return up_fail(up, "runs in another network namespace: run adit down there");
	r = adit_keeper_adopt(up->keeper, up->name, err, sizeof(err));
	if (r == -ENOENT)
		return not_up(up, record);
	if (r)
		return up_fail(up, "%s", err);
	return down_with(up, record);
}

/* Is there anything left of it? Then its record stays, for another try; where there was none, none is left. */
static bool over(struct up *up, const struct up_record *record, int status)
{
	return !status || !record->found ||
	       (!adit_keeper_plan(up->keeper, up->name) && !adit_uapi_alive(up->name));
}

int up_down(struct up *up)
{
	struct up_record record = { 0 };
	int status;

	up_block_signals(); /* once begun, to the end */
	up_confirm_end(up);
	status = up_open_host(up);
	if (!status)
		status = up_record_lock(up, &record);
	if (!status) {
		status = down_locked(up, &record);
		up_record_unlock(up, over(up, &record, status));
	}
	up_close_host(up);
	return status;
}

int adit_down_main(int argc, char **argv)
{
	struct up up = { 0 };
	int status = up_read_arguments(&up, argc, argv, "adit down", UP_HOOKS | UP_STATE_DIR);

	return status ? status : up_down(&up);
}
