/* SPDX-License-Identifier: ISC */
/*
 * wheel.h - hierarchical timing wheel (Varghese and Lauck, 1987) with lazy
 * cascading: O(1) add and cancel, exact next deadline, never fires early.
 * Entries live inside their owners. Resolution 4 ms, or what a wheel was made
 * with; not thread-safe.
 */
#ifndef ADIT_BASE_WHEEL_H
#define ADIT_BASE_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/time.h"

#define ADIT_WHEEL_LEVELS 6
#define ADIT_WHEEL_SLOTS  64
#define ADIT_WHEEL_TICK   (4 * ADIT_MSEC)

struct adit_wheel_entry {
	struct adit_list link; /* self-linked or zero when not armed */
	adit_time due;         /* ADIT_NEVER when not armed */
	uint16_t slot;         /* which slot it is in: level * 64 + index */
};

struct adit_wheel_slot {
	struct adit_list entries;
	int64_t first; /* no entry here is due before this tick */
	bool stale;    /* the entry that set `first` may have left */
};

struct adit_wheel {
	int64_t tick; /* no entry is due before this tick */
	adit_time tick_len;
	int64_t tick_max; /* the last one that a time can have */
	uint64_t occupied[ADIT_WHEEL_LEVELS];
	/* the last one holds what is due after the top level's turn (8.7 years at 4 ms) */
	struct adit_wheel_slot slot[ADIT_WHEEL_LEVELS * ADIT_WHEEL_SLOTS + 1];
	adit_time next;  /* lower bound of the next deadline */
	bool next_stale; /* the bound may be too low */
};

void adit_wheel_init(struct adit_wheel *w, adit_time now);
/* The same with ticks of another length. */
void adit_wheel_init_tick(struct adit_wheel *w, adit_time tick_len, adit_time now);
void adit_wheel_entry_init(struct adit_wheel_entry *e);
/* Arms, or moves, an entry; due = ADIT_NEVER cancels. */
void adit_wheel_set(struct adit_wheel *w, struct adit_wheel_entry *e, adit_time due);
void adit_wheel_cancel(struct adit_wheel *w, struct adit_wheel_entry *e);
/* Takes one entry that is due at `now` out of the wheel, or returns NULL. A
 * call moves at most some thousand entries down a level: NULL while
 * adit_wheel_next is still not after now means "call again". */
struct adit_wheel_entry *adit_wheel_expire(struct adit_wheel *w, adit_time now);
/* When adit_wheel_expire can next return something: not after the earliest
 * deadline by more than one tick, and never before it unless an entry was
 * cancelled in a crowd too large to look through; ADIT_NEVER when empty. */
adit_time adit_wheel_next(struct adit_wheel *w);

#endif
