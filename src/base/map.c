/* SPDX-License-Identifier: ISC */
/*
 * map.c - open addressing with linear probing, resized step by step
 *
 * DOC: two tables
 *
 * Items are inserted into `now` only. When `now` becomes too full or too empty
 * it becomes `old`, and a table of another size takes its place; from then on
 * every insert and every remove moves up to MOVE items of `old` over. `old`
 * only loses items, so there a hole is a tombstone that probes walk across;
 * it goes away with the table. In `now` removing shifts the rest of the
 * cluster back, so there are never tombstones and probes stay short.
 *
 * A table grows above 3/4 and shrinks below 1/8. Moving C slots takes C * 3/4 /
 * MOVE changes after growing, and the next resize is C/2 changes away at least;
 * after shrinking it takes C/LOOK, and the next resize is C/16 away. So it is
 * always over by then.
 */
#include "base/map.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LOOK      64 /* slots of the old table looked at with each change */
#define MOVE      8  /* items moved with each change */
#define SLOTS_MIN 16

static const char moved = 0; /* its address marks a slot of `old` that is empty now */
#define MOVED ((void *)&moved)

static size_t table_size(const struct adit_map_table *t)
{
	return t->slots ? t->mask + 1 : 0;
}

static bool table_alloc(struct adit_map_table *t, size_t size)
{
	/* calloc: the pages of a big table come when they are first written to */
	t->slots = calloc(size, sizeof(*t->slots));
	t->mask = size - 1;
	t->used = 0;
	return t->slots;
}

static void table_free(struct adit_map_table *t)
{
	free(t->slots);
	memset(t, 0, sizeof(*t));
}

static void table_put(struct adit_map_table *t, uint64_t hash, void *item)
{
	size_t i = hash & t->mask;

	assert(t->used < t->mask); /* one slot is always free: probes end there */
	while (t->slots[i].item)
		i = (i + 1) & t->mask;
	t->slots[i].item = item;
	t->slots[i].hash = hash;
	t->used++;
}

static struct adit_map_slot *table_find(const struct adit_map_table *t, uint64_t hash, const void *key,
					bool (*equal)(const void *item, const void *key))
{
	struct adit_map_slot *s;

	if (!t->used)
		return NULL;
	for (size_t i = hash & t->mask; (s = &t->slots[i])->item; i = (i + 1) & t->mask)
		if (s->hash == hash && s->item != MOVED && equal(s->item, key))
			return s;
	return NULL;
}

static bool same_item(const void *item, const void *key)
{
	return item == key;
}

/* Moves back what follows slot i in its cluster, so that every item can still
 * be reached from its home slot (Knuth, TAOCP 6.4, algorithm R). */
static void table_close_gap(struct adit_map_table *t, size_t i)
{
	size_t j = i;

	for (;;) {
		size_t home;

		j = (j + 1) & t->mask;
		if (!t->slots[j].item)
			break;
		home = t->slots[j].hash & t->mask;
		/* may item j stand at i? only if its home does not lie in (i, j] */
		if (((j - home) & t->mask) < ((j - i) & t->mask))
			continue;
		t->slots[i] = t->slots[j];
		i = j;
	}
	t->slots[i].item = NULL;
}

static void move_some(struct adit_map *m)
{
	int moves = 0;

	for (int n = 0; m->old.slots && n < LOOK && moves < MOVE; n++) {
		struct adit_map_slot *s;

		if (!m->old.used) {
			table_free(&m->old);
			break;
		}
		assert(m->old_pos <= m->old.mask);
		s = &m->old.slots[m->old_pos++];
		if (!s->item || s->item == MOVED)
			continue;
		table_put(&m->now, s->hash, s->item);
		s->item = MOVED;
		m->old.used--;
		moves++;
	}
}

static bool resize(struct adit_map *m, size_t size)
{
	struct adit_map_table t;

	if (!table_alloc(&t, size))
		return false;
	m->old = m->now;
	m->old_pos = 0;
	m->now = t;
	return true;
}

void adit_map_init(struct adit_map *m, bool (*equal)(const void *item, const void *key))
{
	memset(m, 0, sizeof(*m));
	m->equal = equal;
}

void adit_map_fini(struct adit_map *m)
{
	table_free(&m->now);
	table_free(&m->old);
}

size_t adit_map_size(const struct adit_map *m)
{
	return m->now.used + m->old.used;
}

void *adit_map_find(const struct adit_map *m, uint64_t hash, const void *key)
{
	struct adit_map_slot *s = table_find(&m->now, hash, key, m->equal);

	if (!s)
		s = table_find(&m->old, hash, key, m->equal);
	return s ? s->item : NULL;
}

int adit_map_insert(struct adit_map *m, uint64_t hash, void *item)
{
	size_t size = table_size(&m->now), want = adit_map_size(m) + 1;

	move_some(m);
	if (want > size / 4 * 3 && !m->old.slots) {
		/* without memory for a bigger table this one still takes some */
		if (!resize(m, size ? 2 * size : SLOTS_MIN) && want >= size)
			return -ENOMEM;
	}
	table_put(&m->now, hash, item);
	return 0;
}

bool adit_map_remove(struct adit_map *m, uint64_t hash, const void *item)
{
	struct adit_map_slot *s = table_find(&m->now, hash, item, same_item);
	size_t size = table_size(&m->now);

	if (s) {
		table_close_gap(&m->now, (size_t)(s - m->now.slots));
		m->now.used--;
	} else {
		s = table_find(&m->old, hash, item, same_item);
		if (!s)
			return false;
		s->item = MOVED;
		m->old.used--;
	}
	move_some(m);
	/* a failure to shrink is none: it is tried again next time */
	if (size > SLOTS_MIN && adit_map_size(m) < size / 8 && !m->old.slots)
		resize(m, size / 2);
	return true;
}
