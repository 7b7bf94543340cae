/* SPDX-License-Identifier: ISC */
/*
 * wheel.h - hierarchical timing wheel (Varghese and Lauck, 1987) with lazy
 * cascading: O(1) add and cancel, exact next deadline, never fires early.
 * Entries live inside their owners. Resolution 4 ms; not thread-safe.
 */
#ifndef ADIT_BASE_WHEEL_H
#define ADIT_BASE_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/time.h"

#define ADIT_WHEEL_LEVELS 6
#define ADIT_WHEEL_SLOTS  64

struct adit_wheel_entry {
	struct adit_list link; /* self-linked or zero when not armed */
	adit_time due;         /* ADIT_NEVER when not armed */
};

struct adit_wheel {
	int64_t tick; /* next tick to be processed */
	uint64_t occupied[ADIT_WHEEL_LEVELS];
	struct adit_list slot[ADIT_WHEEL_LEVELS][ADIT_WHEEL_SLOTS];
	adit_time next; /* cached lower bound of the next deadline */
};

void adit_wheel_init(struct adit_wheel *w, adit_time now);
void adit_wheel_entry_init(struct adit_wheel_entry *e);
/* Arms, or moves, an entry; due = ADIT_NEVER cancels. */
void adit_wheel_set(struct adit_wheel *w, struct adit_wheel_entry *e, adit_time due);
void adit_wheel_cancel(struct adit_wheel *w, struct adit_wheel_entry *e);
/* Takes one entry that is due at `now` out of the wheel, or returns NULL. */
struct adit_wheel_entry *adit_wheel_expire(struct adit_wheel *w, adit_time now);
/* When adit_wheel_expire can next return something: not after the earliest
 * deadline by more than one tick, and never before it unless an entry has to
 * be moved down a level at that time; ADIT_NEVER when empty. */
adit_time adit_wheel_next(struct adit_wheel *w);

#endif
