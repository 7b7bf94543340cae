/* SPDX-License-Identifier: ISC */
/* base_map_test.c - the map against a plain list, and the bound on what one call moves */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>

#include <stdlib.h>

#include <cmocka.h>

#include "base/map.h"

struct item {
	uint64_t hash;
	uint32_t key;
	bool in;
};

static const struct item *first_item, *end_item;

/* The map asks of items that it was given, and of nothing else. */
static bool equal(const void *item, const void *key)
{
	assert_true((const struct item *)item >= first_item && (const struct item *)item < end_item);
	return ((const struct item *)item)->key == *(const uint32_t *)key;
}

static uint64_t mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static void check_all(const struct adit_map *m, struct item *items, uint32_t cnt, size_t size)
{
	assert_int_equal(adit_map_size(m), size);
	for (uint32_t i = 0; i < cnt; i++)
		assert_ptr_equal(adit_map_find(m, items[i].hash, &items[i].key), items[i].in ? &items[i] : NULL);
}

/*
 * Random inserts and removes, in waves that make the table grow and shrink
 * several times, while a plain array says what must be in. bits: how many
 * different hashes there are; few make long clusters and wrap around the end.
 */
static void run(unsigned seed, uint32_t cnt, unsigned bits)
{
	struct item *items = calloc(cnt, sizeof(*items));
	struct adit_map m;
	size_t size = 0;
	bool grown = false, shrunk = false;

	assert_non_null(items);
	first_item = items;
	end_item = items + cnt;
	adit_map_init(&m, equal);
	for (uint32_t i = 0; i < cnt; i++) {
		items[i].key = i;
		items[i].hash = mix(i + seed) >> (64 - bits);
		if (bits < 8)
			items[i].hash -= 4; /* and some at the very end of the table */
	}
	srandom(seed);
	for (uint32_t step = 0; step < 24 * cnt; step++) {
		struct item *it = &items[(uint32_t)random() % cnt];
		bool filling = step / (6 * cnt) % 2 == 0;
		bool insert = random() % 10 < (filling ? 9 : 1);
		struct adit_map before = m;

		if (insert && !it->in) {
			assert_int_equal(adit_map_insert(&m, it->hash, it), 0);
			it->in = true;
			size++;
		} else if (!insert) {
			assert_int_equal(adit_map_remove(&m, it->hash, it), it->in);
			size -= it->in;
			it->in = false;
		}
		grown |= m.now.mask > before.now.mask;
		shrunk |= m.now.mask < before.now.mask;
		assert_ptr_equal(adit_map_find(&m, it->hash, &it->key), it->in ? it : NULL);
		if (step % (cnt / 4 + 1) == 0 || (m.old.slots && cnt <= 64))
			check_all(&m, items, cnt, size);
	}
	check_all(&m, items, cnt, size);
	if (cnt >= 100)
		assert_true(grown && shrunk);
	adit_map_fini(&m);
	free(items);
}

static void test_random(void **state)
{
	(void)state;
	for (unsigned seed = 0; seed < 8; seed++) {
		run(seed, 40, 64);
		run(seed, 300, 64);
		run(seed, 40, 3);
		run(seed, 300, 6);
	}
	run(99, 20000, 64);
}

/* No insert moves more than a few slots, at two million items, nor does a
 * remove on the way back. What a call moved is what `old` lost. */
static void test_bounded(void **state)
{
	enum { CNT = 2000000, BOUND = 16 };
	struct item *items = calloc(CNT, sizeof(*items));
	struct adit_map m;
	size_t worst = 0, resizes = 0;

	(void)state;
	assert_non_null(items);
	first_item = items;
	end_item = items + CNT;
	adit_map_init(&m, equal);
	for (uint32_t i = 0; i < CNT; i++) {
		struct adit_map before = m;
		size_t moves;

		items[i].key = i;
		items[i].hash = mix(i);
		assert_int_equal(adit_map_insert(&m, items[i].hash, &items[i]), 0);
		/* a resize makes the old table out of the current one, whole */
		moves = before.old.used - (m.old.slots == before.old.slots ? m.old.used : 0);
		worst = moves > worst ? moves : worst;
		if (m.now.slots != before.now.slots && i) {
			assert_int_equal(m.old.used, before.now.used + moves);
			resizes++;
		}
	}
	assert_in_range(worst, 1, BOUND);
	assert_in_range(resizes, 10, 30);
	for (uint32_t i = 0; i < CNT; i += 997)
		assert_ptr_equal(adit_map_find(&m, items[i].hash, &items[i].key), &items[i]);
	worst = 0;
	for (uint32_t i = 0; i < CNT; i++) {
		struct adit_map before = m;
		size_t moves;

		assert_true(adit_map_remove(&m, items[i].hash, &items[i]));
		moves = before.old.used - (m.old.slots == before.old.slots ? m.old.used : 0);
		worst = moves > worst ? moves : worst;
	}
	assert_in_range(worst, 1, BOUND + 1); /* and the removed one itself */
	assert_int_equal(adit_map_size(&m), 0);
	assert_true(m.now.mask < 64); /* the memory has been given back */
	adit_map_fini(&m);
	free(items);
}

static void test_small(void **state)
{
	struct item items[2] = { { .hash = 5, .key = 1 }, { .hash = 5, .key = 2 } }, *a = &items[0], *b = &items[1];
	struct adit_map m;

	(void)state;
	first_item = items;
	end_item = items + 2;
	adit_map_init(&m, equal);
	assert_int_equal(adit_map_size(&m), 0);
	assert_null(adit_map_find(&m, 5, &a->key));
	assert_false(adit_map_remove(&m, 5, a));
	assert_int_equal(adit_map_insert(&m, 5, a), 0);
	assert_null(adit_map_find(&m, 5, &b->key));
	assert_false(adit_map_remove(&m, 5, b)); /* this very item, not one like it */
	assert_int_equal(adit_map_insert(&m, 5, b), 0);
	assert_ptr_equal(adit_map_find(&m, 5, &b->key), b);
	assert_true(adit_map_remove(&m, 5, a));
	assert_ptr_equal(adit_map_find(&m, 5, &b->key), b);
	assert_true(adit_map_remove(&m, 5, b));
	adit_map_fini(&m);
	adit_map_fini(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_small),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_bounded),
	};

	return cmocka_run_group_tests_name("base_map", tests, NULL, NULL);
}
