/* SPDX-License-Identifier: ISC */
/* The replay window: numbered cases, orders, and a plain list of all counters at random. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wg/message.h"
#include "wg/replay.h"

#define WINDOW WG_REPLAY_WINDOW
#define LIMIT  WG_REJECT_AFTER_MESSAGES

static bool take(struct wg_replay *r, uint64_t counter)
{
	struct wg_replay_gap gap;

	return wg_replay_accept(r, counter, &gap);
}

/* Each row: a counter and whether it must be accepted, after the rows above. */
struct step {
	uint64_t counter;
	bool accepted;
};

static void run(const struct step *steps, size_t cnt)
{
	struct wg_replay r = { 0 };

	for (size_t i = 0; i < cnt; i++) {
		if (take(&r, steps[i].counter) != steps[i].accepted)
			fail_msg("step %zu: counter %llu", i, (unsigned long long)steps[i].counter);
	}
	wg_replay_fini(&r);
}

/* What a window of 8128 below the highest must say, at its edges. */
static void test_numbered(void **state)
{
	static const struct step steps[] = {
		{ 0, true }, { 1, true }, { 1, false }, { 9, true }, { 8, true }, { 7, true }, { 7, false },
		{ WINDOW, true }, { WINDOW - 1, true }, { WINDOW - 1, false }, { WINDOW - 2, true },
		{ 2, true }, { 2, false }, { WINDOW + 16, true }, { 3, false }, { 15, false }, { 16, true },
		{ WINDOW + 16, false }, { WINDOW * 4, true },
		{ WINDOW * 4 - WINDOW - 1, false }, { WINDOW * 4 - WINDOW, true }, { WINDOW * 4 - WINDOW, false },
		{ WINDOW * 4 - WINDOW + 1, true }, { 10, false }, { 0, false },
		{ LIMIT, false }, { LIMIT - 1, true }, { LIMIT, false }, { LIMIT - 1, false }, { LIMIT - 2, true },
		{ LIMIT + 1, false }, { LIMIT + 2, false }, { UINT64_MAX, false }, { LIMIT - 2, false },
		{ LIMIT - 3, true }, { 0, false },
	};

	(void)state;
	run(steps, sizeof(steps) / sizeof(steps[0]));
}

static void test_orders(void **state)
{
	struct wg_replay r;

	(void)state;
	r = (struct wg_replay){ 0 };
	for (uint64_t i = 1; i <= WINDOW; i++) /* up, then down to the very first */
		assert_true(take(&r, i));
	assert_true(take(&r, 0));
	assert_false(take(&r, 0));
	wg_replay_fini(&r);

	r = (struct wg_replay){ 0 };
	for (uint64_t i = 2; i <= WINDOW + 1; i++) /* one is now too old */
		assert_true(take(&r, i));
	assert_true(take(&r, 1));
	assert_false(take(&r, 0));
	wg_replay_fini(&r);

	r = (struct wg_replay){ 0 };
	for (uint64_t i = WINDOW + 1; i-- > 0;) /* downwards */
		assert_true(take(&r, i));
	for (uint64_t i = 0; i <= WINDOW; i++)
		assert_false(take(&r, i));
	wg_replay_fini(&r);

	r = (struct wg_replay){ 0 };
	for (uint64_t i = WINDOW + 2; i-- > 1;) /* downwards past the window: all but the last */
		assert_true(take(&r, i));
	assert_false(take(&r, 0));
	wg_replay_fini(&r);

	r = (struct wg_replay){ 0 };
	for (uint64_t i = WINDOW; i-- > 1;)
		assert_true(take(&r, i));
	assert_true(take(&r, WINDOW + 1)); /* slides before 0 came */
	assert_false(take(&r, 0));
	wg_replay_fini(&r);
}

/* While nothing is missing there is no bitmap, and the first gap makes one
 * that knows all that came before. */
static void test_bitmap_only_after_a_gap(void **state)
{
	static const uint64_t edges[] = { 0, 1, 63, 64, 65, 8127, 8128, 8191, 8192, 8193, 20000 };

	(void)state;
	for (size_t e = 0; e < sizeof(edges) / sizeof(edges[0]); e++) {
		struct wg_replay r = { 0 };
		struct wg_replay_gap gap;

		for (uint64_t i = 0; i < edges[e]; i++)
			assert_true(take(&r, i));
		assert_null(r.bits);
		assert_true(wg_replay_accept(&r, edges[e] + 2, &gap));
		assert_non_null(r.bits);
		assert_int_equal(gap.lost, 2);
		assert_false(gap.reordered);
		for (uint64_t i = 0; i < edges[e]; i++)
			assert_false(take(&r, i));
		assert_true(wg_replay_accept(&r, edges[e], &gap));
		assert_true(gap.reordered);
		assert_int_equal(gap.lost, 0);
		assert_true(take(&r, edges[e] + 1));
		assert_false(take(&r, edges[e]));
		wg_replay_fini(&r);
	}
}

/* The stupid one: remembers every counter below some bound. */
#define NAIVE 60000
static bool naive(uint8_t *seen, int64_t *highest, int64_t counter)
{
	if (*highest - counter > WINDOW || seen[counter])
		return false;
	seen[counter] = 1;
	if (counter > *highest)
		*highest = counter;
	return true;
}

static void test_random(void **state)
{
	static uint8_t seen[NAIVE];
	uint32_t seed = 1;

	(void)state;
	for (int round = 0; round < 40; round++) {
		struct wg_replay r = { 0 };
		int64_t highest = -1, span = round % 4 == 0 ? 3 : round % 4 == 1 ? 200 : round % 4 == 2 ? 9000 : 20000;

		memset(seen, 0, sizeof(seen));
		for (int i = 0; i < 30000; i++) {
			int64_t counter;

			seed = seed * 1664525u + 1013904223u;
			counter = highest - span + (int64_t)((uint64_t)(seed >> 4) % (uint64_t)(2 * span));
			if (seed % 7)
				counter = highest + 1 + (seed >> 8) % 2;
			if (counter < 0 || counter >= NAIVE)
				continue;
			assert_int_equal(take(&r, (uint64_t)counter), naive(seen, &highest, counter));
		}
		wg_replay_fini(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbered),
		cmocka_unit_test(test_orders),
		cmocka_unit_test(test_bitmap_only_after_a_gap),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
