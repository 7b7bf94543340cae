/* SPDX-License-Identifier: ISC */
/*
 * journal.h - a plan on disk, written before its first step, so that whoever
 * comes after a killed process can undo it. One text file per plan,
 * DIR/NAME.journal, with the kernel's boot id: after a reboot links, addresses
 * and routes are gone by themselves.
 */
#ifndef ADIT_HOST_JOURNAL_H
#define ADIT_HOST_JOURNAL_H

#include <stdbool.h>

#include "host/plan.h"

#define ADIT_JOURNAL_DIR "/run/adit"

/* Makes dir if need be and takes its lock, so that one program at a time
 * changes the plans in it. Waits at most 10 s. Returns a descriptor, or -errno
 * (-EBUSY: somebody else has it). */
int adit_journal_lock(const char *dir);
/* Gives the lock back, and removes the directory when no plan is left in it. */
void adit_journal_unlock(const char *dir, int fd);
/* The whole file at once: written aside, synced, renamed. 0 or -errno. */
int adit_journal_write(const char *dir, const struct adit_plan *plan);
/* Fills an uninitialised plan; *this_boot says whether its steps can still be
 * in force. -ENOENT, -EBADMSG (not a journal of ours), -errno; then *ret is untouched. */
int adit_journal_read(struct adit_plan *ret, const char *dir, const char *name, bool *this_boot);
/* Also what a killed writer left. 0 also when there is none. */
int adit_journal_remove(const char *dir, const char *name);

#endif
