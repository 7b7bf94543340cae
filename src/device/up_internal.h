/* SPDX-License-Identifier: ISC */
/*
 * up_internal.h - what the commands for a wg-quick file share: up, down, save,
 * strip (up*.c)
 */
#ifndef ADIT_DEVICE_UP_INTERNAL_H
#define ADIT_DEVICE_UP_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/path.h"
#include "base/quickconf.h"
#include "device/text.h"
#include "host/keeper.h"
#include "host/netlink.h"
#include "host/plan.h"

#define UP_PATH_LEN 512

struct up {
	const char *command; /* "adit up" */
	const char *state_dir;
	bool dry_run, hooks, confirmed;
	unsigned confirm_secs; /* 0 = nobody is asked */
	char file[UP_PATH_LEN]; /* the configuration's path */
	char name[ADIT_IFNAME_LEN];
	bool by_name; /* the operand was a name, not a path */
	struct adit_netlink *nl;
	struct adit_keeper *keeper;
	int lock_fd; /* of the record; -1 = not held */
};

/* --- arguments and messages (up_args.c) ------------------------------------- */

/* Which options a command takes. */
enum { UP_DRY_RUN = 1, UP_HOOKS = 2, UP_CONFIRM = 4, UP_STATE_DIR = 8 };

/* 0, or an exit status after it has been said. */
int up_read_arguments(struct up *up, int argc, char **argv, const char *command, unsigned options);
/* Says it on standard error and returns the exit status. */
int up_fail(const struct up *up, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int up_fail_errno(const struct up *up, const char *what, int r);
/* Netlink and the keeper; closed by up_close_host, which gives the record's lock back too. */
int up_open_host(struct up *up);
void up_close_host(struct up *up);

/* SIGINT and the like are looked at between steps, so that none is done by half. */
void up_block_signals(void);
bool up_interrupted(void);

/* --- the file (up_file.c) ------------------------------------------------------ */

/* The whole text; warns where others may read it. 0 or an exit status. */
int up_read_text(const struct up *up, struct adit_text *ret);
int up_read_config(const struct up *up, struct adit_quickconf **ret);
/* The file's path without symlinks: hooks and SaveConfig may come when another folder is the current one. */
int up_real_path(struct up *up);

/* --- what is wrong with it (up_check.c) -------------------------------------------- */

/* What the kernel would refuse later is said before anything is done, and warned of what wg-quick does not mention. 0 or an
 * exit status. */
int up_check_config(const struct up *up, const struct adit_quickconf *conf);

/* --- from the file to a plan (up_plan.c) ----------------------------------------- */

/*
 * One path per peer (kind NONE without an endpoint, or where its name leads
 * nowhere, which is said); free() it. Tries again for some seconds while a
 * resolver does not answer. 0 or an exit status: no endpoint at all was found.
 */
int up_resolve(const struct up *up, const struct adit_quickconf *conf, struct adit_path **ret);
/* Fills an uninitialised plan. 0 or an exit status. */
int up_make_plan(const struct up *up, const struct adit_quickconf *conf, const struct adit_path *endpoints,
		 struct adit_plan *ret);

/* --- hooks (up_hooks.c) ------------------------------------------------------------ */

/* Names those that are skipped because nobody said --hooks. */
void up_hooks_list(const struct up *up, const struct adit_quickconf *conf, bool down_only);
/* With --hooks: runs those of a kind, in order, up to the first that fails, which is said. A signal for us
 * is handed on to the hook when may_stop. 0 or an exit status. */
int up_hooks_run(const struct up *up, const struct adit_quickconf *conf, enum adit_quick_extra_kind kind,
		 bool may_stop);

/* --- the record (up_record.c) ------------------------------------------------------ */

/*
 * DIR/NAME.up: which file, whether its hooks run, and how far `up` came. It is
 * written before the device starts, so that what a killed `up` left is found
 * also where there is no journal yet. Its lock lets one up or down of a name
 * at a time work; the device's start holds it too.
 */
struct up_record {
	char file[UP_PATH_LEN]; /* "" = not known */
	uint32_t mark; /* that was chosen for a full tunnel; 0 = none */
	bool hooks;
	bool done;  /* up came to its end */
	bool found; /* there was a record, whole or not */
};
/* Makes the folder and the file if need be, locks it (waits at most 10 s) and reads it. 0 or an exit status. */
int up_record_lock(struct up *up, struct up_record *ret);
/* Of one that is there, where the lock is free within a second. 0 or -errno. */
int up_record_try(struct up *up, struct up_record *ret);
/* Only reads it. */
void up_record_look(const struct up *up, struct up_record *ret);
int up_record_write(struct up *up, const struct up_record *record); /* 0 or -errno */
/* Gives the lock back; remove: and the file, before that. */
void up_record_unlock(struct up *up, bool remove);

/* --- and back (up_down.c) ---------------------------------------------------------------- */

/* Undoes the plan in force or what was left of it, sees the device process off. 0 or an exit status. */
int up_take_down(struct up *up);
/* What runs under this name, though `up` did not come to its end, somebody else started meanwhile. */
bool up_is_stranger(const struct up *up, const struct up_record *record);
/* All of `adit down`, with nothing open yet. */
int up_down(struct up *up);

/* --- the running state as a file (up_save.c) ------------------------------------------- */

/* 0 or an exit status. */
/* ... -ESRCH: no device answers (any more), which is not said. */
int up_save(const struct up *up, const struct adit_quickconf *conf, uint32_t chosen_mark);

/* --- confirmation (up_confirm.c) -------------------------------------------------------- */

/* Waits in a process of its own, which takes all down when nobody confirms. 0 or an exit status. */
int up_confirm(struct up *up);
/* Ends the waiting; false: nobody waits. */
bool up_confirm_end(const struct up *up);

#endif
