/* SPDX-License-Identifier: ISC */
/*
 * journal.h - a plan on disk, written before its first step, so that whoever
 * comes after a killed process can undo it. One text file per plan,
 * DIR/NAME.journal, with the kernel's boot id and the network namespace: after
 * a reboot, or the namespace's end, links, addresses, routes and sysctls are gone
 * by themselves. One that is in force in another namespace is that one's affair.
 */
#ifndef ADIT_HOST_JOURNAL_H
#define ADIT_HOST_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "host/plan.h"

/* Makes dir if need be and takes its lock, so that one program at a time
 * changes the plans in it. Waits at most 10 s. Returns a descriptor, or -errno
 * (-EBUSY: somebody else has it). Closing gives it back. */
int adit_journal_lock(const char *dir);

struct adit_journal {
	struct adit_plan plan;
	bool current; /* its steps can still be in force: of this boot, and its network namespace lives */
	bool here;    /* in this network namespace */
	bool served;  /* no process owns it: it lives with its TUN */
};
/* The whole file at once: written aside, synced, renamed. 0 or -errno. */
int adit_journal_write(const char *dir, const struct adit_plan *plan, bool served);
/* -ENOENT, -EBADMSG (not a journal of ours), -errno; then *ret is untouched. */
int adit_journal_read(struct adit_journal *ret, const char *dir, const char *name);
/* And what a killed writer left, and the owner's lock. 0 also when there is none. */
int adit_journal_remove(const char *dir, const char *name);

/* The names of all plans in dir, sorted; *cnt of them, malloc'd in one. 0 (none: also where there is no dir) or
 * -errno. */
int adit_journal_list(const char *dir, char (**names)[ADIT_IFNAME_LEN], size_t *cnt);

/* Removes what killed processes left that is no journal: half-written ones, locks of nobody. Under the lock. */
void adit_journal_tidy(const char *dir);

/* The owner's lock, for as long as the descriptor is open, and so at most until the owner's
 * end. Or -errno (-EBUSY: another process owns the plan). */
int adit_journal_own(const char *dir, const char *name);
bool adit_journal_owned(const char *dir, const char *name); /* by any process, us too */

#endif
