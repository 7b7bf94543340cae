/* SPDX-License-Identifier: ISC */
/* table.h - hash table from two 64-bit numbers to one, for what the simulator remembers */
#ifndef ADIT_TESTS_SIM_TABLE_H
#define ADIT_TESTS_SIM_TABLE_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

struct table {
	struct table_slot {
		uint64_t a, b;
		int64_t value;
		bool used;
	} *slots;
	size_t cnt, size; /* size: 0 or a power of two */
};

static inline size_t table_start(const struct table *t, uint64_t a, uint64_t b)
{
	uint64_t h = (a * UINT64_C(0x9e3779b97f4a7c15)) ^ (b + UINT64_C(0x7f4a7c15)) * UINT64_C(0xbf58476d1ce4e5b9);

	return (size_t)(h ^ h >> 29) & (t->size - 1);
}

static inline int64_t *table_find(const struct table *t, uint64_t a, uint64_t b)
{
	if (t->size == 0)
		return NULL;
	for (size_t i = table_start(t, a, b);; i = (i + 1) & (t->size - 1)) {
		if (!t->slots[i].used)
			return NULL;
		if (t->slots[i].a == a && t->slots[i].b == b)
			return &t->slots[i].value;
	}
}

/* Returns whether the key is new. */
static inline bool table_set(struct table *t, uint64_t a, uint64_t b, int64_t value)
{
	int64_t *old = table_find(t, a, b);
	size_t i;

	if (old) {
		*old = value;
		return false;
	}
	if (2 * (t->cnt + 1) > t->size) {
		struct table grown = { .size = t->size ? 2 * t->size : 64 };

		grown.slots = calloc(grown.size, sizeof(*grown.slots));
		assert(grown.slots);
		for (i = 0; i < t->size; i++) {
			if (t->slots[i].used)
				table_set(&grown, t->slots[i].a, t->slots[i].b, t->slots[i].value);
		}
		free(t->slots);
		*t = grown;
	}
	for (i = table_start(t, a, b); t->slots[i].used; i = (i + 1) & (t->size - 1))
		;
	t->slots[i] = (struct table_slot){ .a = a, .b = b, .value = value, .used = true };
	t->cnt++;
	return true;
}

static inline void table_fini(struct table *t)
{
	free(t->slots);
	*t = (struct table){ 0 };
}

#endif
