/* SPDX-License-Identifier: ISC */
/*
 * wheel.c - hierarchical timing wheel
 *
 * DOC: where an entry is, and when it moves
 *
 * A tick is read as a number in base 64. An entry is filed under the highest
 * digit in which its due tick differs from the wheel's current tick: that
 * digit's place is the level, its value the slot. So a slot of level l holds
 * 64^l ticks, and two entries of one level-0 slot are due at the same tick.
 *
 * Nothing moves merely because time passes. Each slot remembers a lower bound
 * `first` of the due ticks inside; the smallest one over all levels (at most
 * one slot a level can have it) is the next deadline. Only when that deadline
 * has come is its slot spread over lower levels, with the current tick set to
 * the bound, so that the entry that set it lands in level 0 and is returned. An
 * entry that is due in nine minutes causes one wake-up, then.
 *
 * `first` is too low once the entry that set it has left. Then it is found
 * anew by looking through the slot, if that is short; if not, the worst that
 * can happen is one wake-up for nothing.
 */
#include "base/wheel.h"

#include <limits.h>
#include <stddef.h>

#define BITS     6
#define FAR      (ADIT_WHEEL_LEVELS * ADIT_WHEEL_SLOTS) /* the slot after the top level's turn */
#define LOOK_MAX 16   /* entries looked through for an exact deadline */
#define MOVE_MAX 1024 /* entries moved down in one call */

/* Whole ticks of a time. By a constant where it is the usual one: a division
 * by a variable takes several times as long. */
static int64_t whole_ticks(const struct adit_wheel *w, adit_time t)
{
	return w->tick_len == ADIT_WHEEL_TICK ? t / ADIT_WHEEL_TICK : t / w->tick_len;
}

/* The first tick at which something due at t may fire. */
static int64_t tick_of(const struct adit_wheel *w, adit_time t)
{
	int64_t ticks;

	if (t <= 0)
		return 0;
	ticks = whole_ticks(w, t);
	if (ticks >= w->tick_max)
		return w->tick_max;
	return ticks + (ticks * w->tick_len != t);
}

static int64_t due_tick(const struct adit_wheel *w, const struct adit_wheel_entry *e)
{
	int64_t tick = tick_of(w, e->due);

	return tick > w->tick ? tick : w->tick; /* already late: as soon as possible */
}

static unsigned slot_of(const struct adit_wheel *w, int64_t tick)
{
	uint64_t differ = (uint64_t)(tick ^ w->tick);
	unsigned level = differ ? (63u - (unsigned)__builtin_clzll(differ)) / BITS : 0;

	if (level >= ADIT_WHEEL_LEVELS)
		return FAR;
	return level * ADIT_WHEEL_SLOTS + (unsigned)(tick >> (level * BITS) & (ADIT_WHEEL_SLOTS - 1));
}

static bool armed(const struct adit_wheel_entry *e)
{
	return e->link.next && e->link.next != &e->link;
}

static void file_entry(struct adit_wheel *w, struct adit_wheel_entry *e)
{
	int64_t tick = due_tick(w, e);
	unsigned i = slot_of(w, tick);
	struct adit_wheel_slot *s = &w->slot[i];

	if (adit_list_empty(&s->entries) || tick < s->first) {
		s->first = tick;
		s->stale = false;
	}
	if (i != FAR)
		w->occupied[i / ADIT_WHEEL_SLOTS] |= UINT64_C(1) << (i % ADIT_WHEEL_SLOTS);
	e->slot = (uint16_t)i;
	adit_list_add_tail(&s->entries, &e->link);
}

static void unfile_entry(struct adit_wheel *w, struct adit_wheel_entry *e)
{
	struct adit_wheel_slot *s = &w->slot[e->slot];

	adit_list_del(&e->link);
	if (adit_list_empty(&s->entries)) {
		if (e->slot != FAR)
			w->occupied[e->slot / ADIT_WHEEL_SLOTS] &= ~(UINT64_C(1) << (e->slot % ADIT_WHEEL_SLOTS));
	} else if (tick_of(w, e->due) <= s->first && e->slot >= ADIT_WHEEL_SLOTS) {
		s->stale = true; /* in level 0 the others are due at the same tick */
	}
}

/* Finds `first` anew, if that takes at most max steps. */
static void freshen(struct adit_wheel *w, struct adit_wheel_slot *s, int max)
{
	int64_t first = w->tick_max;
	int n = 0;

	for (struct adit_list *l = s->entries.next; l != &s->entries; l = l->next) {
		int64_t tick = due_tick(w, adit_container_of(l, struct adit_wheel_entry, link));

		if (++n > max)
			return;
		if (tick < first)
			first = tick;
	}
	s->first = first;
	s->stale = false;
}

/* The slot with the next deadline, or NULL. */
static struct adit_wheel_slot *earliest(struct adit_wheel *w)
{
	struct adit_wheel_slot *best = NULL;

	for (unsigned level = 0; level < ADIT_WHEEL_LEVELS; level++) {
		struct adit_wheel_slot *s;

		if (!w->occupied[level])
			continue;
		/* slots before the current digit are empty: all in there would be past */
		s = &w->slot[level * ADIT_WHEEL_SLOTS + (unsigned)__builtin_ctzll(w->occupied[level])];
		if (s->stale)
			freshen(w, s, LOOK_MAX);
		if (!best || s->first < best->first)
			best = s;
	}
	if (!best && !adit_list_empty(&w->slot[FAR].entries)) {
		/* an exact bound: the turn that it begins must have an entry */
		best = &w->slot[FAR];
		if (best->stale)
			freshen(w, best, INT_MAX);
	}
	return best;
}

/* Spreads up to max entries of a slot over lower levels. The current tick must
 * lie in the slot: then none of them comes back to it. */
static int spread(struct adit_wheel *w, struct adit_wheel_slot *s, int max)
{
	struct adit_list *last = s->entries.prev;
	bool end = false;
	int n = 0;

	/* what is far stays far if it does not share the new turn: each is looked at once */
	while (!end && (n < max || s == &w->slot[FAR])) {
		struct adit_wheel_entry *e = adit_container_of(s->entries.next, struct adit_wheel_entry, link);

		end = &e->link == last;
		unfile_entry(w, e);
		file_entry(w, e);
		n++;
	}
	return n;
}

void adit_wheel_init_tick(struct adit_wheel *w, adit_time tick_len, adit_time now)
{
	w->tick_len = tick_len;
	w->tick_max = INT64_MAX / tick_len;
	w->tick = now > 0 ? whole_ticks(w, now) : 0;
	for (int i = 0; i < ADIT_WHEEL_LEVELS; i++)
		w->occupied[i] = 0;
	for (int i = 0; i <= FAR; i++) {
		adit_list_init(&w->slot[i].entries);
		w->slot[i].first = 0;
		w->slot[i].stale = false;
	}
	w->next = ADIT_NEVER;
	w->next_stale = false;
}

void adit_wheel_init(struct adit_wheel *w, adit_time now)
{
	adit_wheel_init_tick(w, ADIT_WHEEL_TICK, now);
}

void adit_wheel_entry_init(struct adit_wheel_entry *e)
{
	adit_list_init(&e->link);
	e->due = ADIT_NEVER;
	e->slot = 0;
}

void adit_wheel_set(struct adit_wheel *w, struct adit_wheel_entry *e, adit_time due)
{
	adit_time at;

	adit_wheel_cancel(w, e);
	if (due == ADIT_NEVER)
		return;
	e->due = due;
	file_entry(w, e);
	at = due_tick(w, e) * w->tick_len;
	if (at < w->next)
		w->next = at;
}

void adit_wheel_cancel(struct adit_wheel *w, struct adit_wheel_entry *e)
{
	if (armed(e)) {
		if (due_tick(w, e) * w->tick_len <= w->next)
			w->next_stale = true;
		unfile_entry(w, e);
	}
	e->due = ADIT_NEVER;
}

struct adit_wheel_entry *adit_wheel_expire(struct adit_wheel *w, adit_time now)
{
	int64_t now_tick = whole_ticks(w, now);
	struct adit_wheel_slot *s;
	int moves = 0;

	if (now < w->next)
		return NULL;
	while ((s = earliest(w)) && s->first <= now_tick) {
		struct adit_wheel_entry *e;

		/* nothing is due before s->first, so the wheel may turn this far */
		w->tick = s->first;
		if (s >= &w->slot[ADIT_WHEEL_SLOTS]) {
			moves += spread(w, s, MOVE_MAX - moves);
			if (moves < MOVE_MAX)
				continue;
			break;
		}
		e = adit_container_of(s->entries.next, struct adit_wheel_entry, link);
		unfile_entry(w, e);
		e->due = ADIT_NEVER;
		w->next_stale = true;
		return e;
	}
	if (!s && now_tick > w->tick)
		w->tick = now_tick;
	w->next = s ? s->first * w->tick_len : ADIT_NEVER;
	w->next_stale = s && s->first <= now_tick;
	return NULL;
}

adit_time adit_wheel_next(struct adit_wheel *w)
{
	if (w->next_stale) {
		struct adit_wheel_slot *s = earliest(w);

		w->next = s ? s->first * w->tick_len : ADIT_NEVER;
		w->next_stale = false;
	}
	return w->next;
}
