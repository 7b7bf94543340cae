/* SPDX-License-Identifier: ISC */
/*
 * keeper.h - the plans in force, one per name: journalled, applied by difference,
 * kept as they are while the machine changes, and undone
 *
 * DOC: a plan's life
 *
 * apply writes the journal of what was and what shall be (synced, renamed), makes
 * what is new or not as it should be, undoes what is no longer wanted, reads it all
 * back and writes the journal of what is. Where anything fails the old plan is
 * restored. A disk that is full fails the first journal, before any change.
 *
 * A plan belongs to the keeper that applied it, by a lock that dies with the
 * process. adit_keeper_leave gives it up without undoing it: from then on it lives
 * as long as somebody serves its TUN (`adit up` and its device). A plan whose owner is
 * dead is undone by adit_keeper_cleanup, or is what the next apply under its name
 * takes the difference from (so a killswitch has no gap).
 *
 * A plan is in force in one network namespace. Another one's of the same name is in the way
 * while that namespace lives (-EXDEV), and neither undone nor forgotten; after its end
 * nothing is left of it but what is in files.
 *
 * Plans may want the same sysctl, rule or unreachable route: the last to leave
 * undoes it, to the oldest value there was.
 *
 * Blocking, one thread. All return 0 or -errno with one sentence in err.
 */
#ifndef ADIT_HOST_KEEPER_H
#define ADIT_HOST_KEEPER_H

#include <stdbool.h>
#include <stddef.h>

#include "host/plan.h"

#define ADIT_STATE_DIR "/var/lib/adit"

/* What option --state-dir said (may be NULL), else ADIT_STATE_DIR of the environment, else the default. */
const char *adit_state_dir(const char *option);

struct adit_keeper;

/* state_dir is made if need be, by the first plan. */
int adit_keeper_new(struct adit_keeper **ret, const char *state_dir, char *err, size_t err_len);
/* Undoes nothing. NULL is fine. */
void adit_keeper_free(struct adit_keeper *k);

/*
 * The TUN is there already, made by the caller. Whole or nothing; where a new plan fails on the way, its TUN
 * is deleted, too. -EBUSY: the name's plan belongs to another process that lives; -EXDEV: to another network namespace.
 */
int adit_keeper_apply(struct adit_keeper *k, const struct adit_plan *plan, char *err, size_t err_len);
/* Asked between steps while applying: true ends it with -EINTR and restores. NULL: never. */
void adit_keeper_set_stop(struct adit_keeper *k, bool (*stop)(void));
/* 0 also when there is no such plan. On failure the journal stays: try again. */
int adit_keeper_undo(struct adit_keeper *k, const char *name, char *err, size_t err_len);
/* All of them, the newest first; but_guarded: plans with a GUARD stay, and their guards with them. Goes on
 * after a failure and returns the first. */
int adit_keeper_undo_all(struct adit_keeper *k, bool but_guarded, char *err, size_t err_len);

/* Gives the plan up without undoing it: it lives on with its TUN. */
int adit_keeper_leave(struct adit_keeper *k, const char *name, char *err, size_t err_len);
int adit_keeper_leave_all(struct adit_keeper *k, char *err, size_t err_len);
/* Takes a plan over that was left, or whose owner is dead. -ENOENT: no journal; -EBUSY: its owner lives;
 * -EXDEV: it is in another network namespace. */
int adit_keeper_adopt(struct adit_keeper *k, const char *name, char *err, size_t err_len);
/* The plan in force; NULL when there is none. */
const struct adit_plan *adit_keeper_plan(const struct adit_keeper *k, const char *name);
/* All of them, from 0; NULL: no more. */
const struct adit_plan *adit_keeper_plan_at(const struct adit_keeper *k, size_t i);

/* Holds the state directory's lock over several calls (they take it by themselves otherwise). -EBUSY after 10 s. */
int adit_keeper_lock(struct adit_keeper *k);
void adit_keeper_unlock(struct adit_keeper *k);

/* Readable: the machine may have changed, so call adit_keeper_look. An epoll descriptor. */
int adit_keeper_fd(const struct adit_keeper *k);
/*
 * Compares the machine with the plans, makes again what is missing, and reports
 * each step, as text, with one of these words:
 *   mended    it was gone, and is back
 *   broken    it cannot be made again, or goes again and again: left alone for a while
 *   gone      the TUN is deleted: make it again and apply, or undo
 *   trampled  somebody else has it now (DNS, a sysctl): left alone
 */
typedef void adit_keeper_report(void *user, const char *plan, const char *what, const char *text);
void adit_keeper_look(struct adit_keeper *k, adit_keeper_report *report, void *user);

/*
 * Undoes the plans of dead owners, then what carries our mark and belongs to no
 * plan of a living one. keep_guards: killswitches stay, and their journals. dry_run:
 * only reports. Each thing is reported as plan, "undone", "left", "failed" or "would"
 * and its text. A second one finds nothing. Needs no keeper.
 */
struct adit_cleanup {
	const char *state_dir;
	bool keep_guards, dry_run;
	adit_keeper_report *report;
	void *user;
};
int adit_keeper_cleanup(const struct adit_cleanup *c, char *err, size_t err_len);

#endif
