/* SPDX-License-Identifier: ISC */
/*
 * map.h - hash map from a caller's hash to a caller's pointer. Open
 * addressing; grows and shrinks step by step, a few slots with each change,
 * so that no single call is long at a million items. The caller keeps the key
 * inside the item and gives an equality; the hash must be keyed where a
 * remote can choose the key. Not thread-safe.
 */
#ifndef ADIT_BASE_MAP_H
#define ADIT_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct adit_map_slot {
	void *item; /* NULL = free */
	uint64_t hash;
};

struct adit_map_table {
	struct adit_map_slot *slots;
	size_t mask; /* slots - 1, or 0 with slots NULL */
	size_t used;
};

struct adit_map {
	struct adit_map_table now, old; /* old: still being moved, from old_pos on */
	size_t old_pos;
	bool (*equal)(const void *item, const void *key);
};

void adit_map_init(struct adit_map *m, bool (*equal)(const void *item, const void *key));
/* Frees the table, not the items. */
void adit_map_fini(struct adit_map *m);
size_t adit_map_size(const struct adit_map *m);
void *adit_map_find(const struct adit_map *m, uint64_t hash, const void *key);
/* The key must not be present. Returns 0 or -ENOMEM. */
int adit_map_insert(struct adit_map *m, uint64_t hash, void *item);
/* Removes this very item; returns whether it was there. */
bool adit_map_remove(struct adit_map *m, uint64_t hash, const void *item);

#endif
