/* SPDX-License-Identifier: ISC */
/* netstack_slab_test.c - slabs: classes, what a short budget gives, reuse and return */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>

#include <stdlib.h>

#include <cmocka.h>

#include "../sim/rng.h"
#include "netstack/slab.h"

#define MIB (1u << 20)

static void test_classes(void **state)
{
	static const struct {
		size_t want;
		unsigned cls;
	} cases[] = {
		{ 0, SLAB_SMALL }, { 1, SLAB_SMALL }, { SLAB_SMALL_LEN - 160, SLAB_SMALL },
		{ SLAB_SMALL_LEN - 159, SLAB_MEDIUM }, { SLAB_MEDIUM_LEN - 160, SLAB_MEDIUM },
		{ SLAB_MEDIUM_LEN - 159, SLAB_LARGE }, { 65536, SLAB_LARGE }, { 8 * MIB, SLAB_LARGE },
	};
	struct adit_budget budget = { .limit = 16 * MIB };
	struct slab_pool pool;

	(void)state;
	slab_pool_init(&pool, &budget);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct slab *s = slab_get(&pool, cases[i].want);

		assert_non_null(s);
		assert_int_equal(s->cls, cases[i].cls);
		assert_int_equal(s->start | s->end, 0);
		assert_int_equal((uintptr_t)s->data % 64, 0);
		memset(s->data, 0xa5, s->cap);
		slab_put(&pool, s);
	}
	assert_true(budget.used == pool.used && pool.used > 0); /* free ones stay charged */
	slab_pool_fini(&pool);
	assert_int_equal(budget.used, 0);
}

/* Takes slabs of one wish until none is left; the counts by class. */
static struct slab *take_all(struct slab_pool *pool, size_t want, unsigned cnt[SLAB_CLASSES])
{
	struct slab *all = NULL, *s;

	while ((s = slab_get(pool, want))) {
		cnt[s->cls]++;
		s->next = all;
		all = s;
	}
	return all;
}

static void put_all(struct slab_pool *pool, struct slab *all)
{
	while (all) {
		struct slab *s = all;

		all = s->next;
		slab_put(pool, s);
	}
}

/* Large ones end at half the budget, medium ones at seven eighths, small ones before the last 32nd. */
static void test_short(void **state)
{
	struct adit_budget budget = { .limit = 16 * MIB };
	unsigned cnt[SLAB_CLASSES] = { 0 };
	struct slab_pool pool;
	struct slab *all;

	(void)state;
	slab_pool_init(&pool, &budget);
	all = take_all(&pool, 65536, cnt);
	assert_int_equal(cnt[SLAB_LARGE], 8 * MIB / (SLAB_LARGE_LEN + sizeof(struct slab)));
	assert_in_range(cnt[SLAB_MEDIUM], 6 * MIB / (SLAB_MEDIUM_LEN + sizeof(struct slab)),
			6 * MIB / (SLAB_MEDIUM_LEN + sizeof(struct slab)) + 4);
	assert_in_range(cnt[SLAB_SMALL], 735, 760);
	assert_true(slab_pool_scarce(&pool));
	assert_true(budget.refused > 0 && budget.used <= budget.limit);
	/* The rest is for what is to be sent: who comes now can ask. */
	assert_null(slab_get(&pool, 100));
	for (unsigned i = 0; i < 200; i++) {
		struct slab *s = slab_get_to_send(&pool, 100);

		assert_non_null(s);
		s->next = all;
		all = s;
	}
	assert_int_equal(budget.to_send, 200 * (SLAB_SMALL_LEN + sizeof(struct slab)));
	put_all(&pool, all);
	assert_int_equal(budget.to_send, 0);
	assert_false(slab_pool_scarce(&pool));
	slab_pool_fini(&pool);
	assert_int_equal(budget.used, 0);
}

/* What is to be sent ends an eighth earlier, so that what arrives finds room. */
static void test_short_to_send(void **state)
{
	struct adit_budget budget = { .limit = 16 * MIB };
	struct slab *all = NULL, *s;
	size_t medium = 0;
	struct slab_pool pool;

	(void)state;
	slab_pool_init(&pool, &budget);
	while ((s = slab_get_to_send(&pool, 65536))) {
		if (s->cls == SLAB_MEDIUM)
			medium = budget.used;
		assert_true(s->cls != SLAB_SMALL || slab_pool_scarce_to_send(&pool) || budget.used + 20000 > 12 * MIB);
		s->next = all;
		all = s;
	}
	assert_in_range(medium, 12 * MIB - 20000, 12 * MIB);
	assert_in_range(budget.used, 14 * MIB - 5000, 14 * MIB);
	assert_false(slab_pool_scarce(&pool));
	s = slab_get_notes(&pool);
	assert_non_null(s);
	slab_put(&pool, s);
	put_all(&pool, all);
	slab_pool_fini(&pool);
	assert_int_equal(budget.used + budget.idle, 0);
}

/* What lies free is given up for another class; in the reserve it goes back to the budget at once. */
static void test_reclaim(void **state)
{
	struct adit_budget budget = { .limit = 4 * MIB };
	unsigned cnt[SLAB_CLASSES] = { 0 };
	struct slab_pool pool, other;
	struct slab *all, *s;

	(void)state;
	slab_pool_init(&pool, &budget);
	slab_pool_init(&other, &budget);
	all = take_all(&pool, 1, cnt);
	assert_null(slab_get(&other, 1));
	s = all;
	all = s->next;
	slab_put(&pool, s);
	s = slab_get(&other, 1);
	assert_non_null(s);
	slab_put(&other, s);
	put_all(&pool, all);
	s = slab_get(&pool, 65536);
	assert_non_null(s);
	assert_int_equal(s->cls, SLAB_LARGE);
	slab_put(&pool, s);
	slab_pool_fini(&pool);
	slab_pool_fini(&other);
	assert_int_equal(budget.used, 0);
}

/* Half of what was not needed since the last trim goes; what is needed stays. */
static void test_trim(void **state)
{
	struct adit_budget budget = { .limit = 16 * MIB };
	struct slab *s[32];
	struct slab_pool pool;
	unsigned rounds = 0;

	(void)state;
	slab_pool_init(&pool, &budget);
	for (int i = 0; i < 32; i++)
		assert_non_null(s[i] = slab_get(&pool, 1));
	for (int i = 0; i < 32; i++)
		slab_put(&pool, s[i]);
	assert_true(slab_pool_trim(&pool)); /* all were in use a moment ago */
	assert_int_equal(pool.free_cnt[SLAB_SMALL], 32);
	for (int i = 0; i < 12; i++)
		s[i] = slab_get(&pool, 1);
	for (int i = 0; i < 12; i++)
		slab_put(&pool, s[i]);
	assert_true(slab_pool_trim(&pool)); /* 20 were not needed */
	assert_int_equal(pool.free_cnt[SLAB_SMALL], 22);
	while (slab_pool_trim(&pool))
		assert_in_range(++rounds, 1, 8);
	assert_int_equal(budget.used, 0);
	slab_pool_fini(&pool);
}

/* Any order of calls, two pools: the books are right and no slab is given twice. */
static void test_random(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 20; seed++) {
		struct rng rng = { seed };
		struct adit_budget budget = { .limit = rng_below(&rng, 2 * MIB) };
		struct slab *held[256] = { NULL };
		struct slab_pool pool[2];
		size_t sum;

		slab_pool_init(&pool[0], &budget);
		slab_pool_init(&pool[1], &budget);
		for (int step = 0; step < 4000; step++) {
			unsigned i = (unsigned)rng_below(&rng, 256);
			struct slab_pool *p = &pool[i & 1];

			if (rng_chance(&rng, 10))
				slab_pool_trim(p);
			if (held[i]) {
				assert_int_equal(held[i]->data[held[i]->cap - 1], i);
				slab_put(p, held[i]);
				held[i] = NULL;
			} else {
				held[i] = rng_chance(&rng, 200) ? slab_get_notes(p) : slab_get(p, rng_below(&rng, 70000));
				if (held[i])
					held[i]->data[held[i]->cap - 1] = (uint8_t)i;
			}
			assert_true(budget.used == pool[0].used + pool[1].used && budget.used <= budget.limit);
			assert_true(budget.idle <= budget.used);
		}
		sum = 0;
		for (unsigned i = 0; i < 256; i++)
			sum += held[i] ? slab_size(held[i]) : 0;
		assert_true(sum <= budget.used);
		for (unsigned i = 0; i < 256; i++) {
			if (held[i])
				slab_put(&pool[i & 1], held[i]);
		}
		slab_pool_fini(&pool[0]);
		slab_pool_fini(&pool[1]);
		assert_int_equal(budget.used, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_classes), cmocka_unit_test(test_short), cmocka_unit_test(test_short_to_send),
		cmocka_unit_test(test_reclaim),
		cmocka_unit_test(test_trim), cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
