/* SPDX-License-Identifier: ISC */
/* static_parts_test.c - the static tunnel's window, routes and limiter against the stupid ones */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "static/device.h"

static uint64_t dice(uint64_t *seed, uint64_t sides)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed % sides;
}

/* --- window ---------------------------------------------------------------------- */

static void test_window_edges(void **state)
{
	static const struct {
		uint64_t counter;
		bool accepted;
		uint64_t lost;
		bool reordered;
	} steps[] = {
		{ 0, true, 0, false }, { 0, false, 0, false }, { 1, true, 0, false }, { 9, true, 7, false },
		{ 8, true, 0, true }, { 7, true, 0, true }, { 8, false, 0, false },
		{ 9 + STATIC_WINDOW, true, STATIC_WINDOW - 1, false },
		{ 9, false, 0, false }, /* the oldest that is still known */
		{ 10, true, 0, true }, { 5, false, 0, false }, /* skipped, and too old by now */
		{ UINT64_C(1) << 40, true, (UINT64_C(1) << 40) - STATIC_WINDOW - 10, false },
		{ (UINT64_C(1) << 40) - STATIC_WINDOW, true, 0, true },
		{ (UINT64_C(1) << 40) - STATIC_WINDOW - 1, false, 0, false },
		{ STATIC_V2_LIMIT - 1, true, STATIC_V2_LIMIT - 2 - (UINT64_C(1) << 40), false },
		{ STATIC_V2_LIMIT, false, 0, false }, { UINT64_MAX, false, 0, false },
	};
	struct static_window w = { 0 };

	(void)state;
	for (unsigned i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct static_gap gap;
		bool accepted = static_window_accept(&w, steps[i].counter, &gap);

		if (accepted != steps[i].accepted)
			fail_msg("step %u", i);
		if (accepted && (gap.lost != steps[i].lost || gap.reordered != steps[i].reordered))
			fail_msg("step %u: gap", i);
	}
}

static void test_window_random(void **state)
{
	enum { SPAN = 60000 };
	static bool seen[SPAN];
	uint64_t seed = 12345;

	(void)state;
	for (unsigned round = 0; round < 20; round++) {
		struct static_window w = { 0 };
		uint64_t top = 0;
		bool any = false;

		memset(seen, 0, sizeof(seen));
		for (unsigned i = 0; i < 20000; i++) {
			uint64_t back = dice(&seed, 4) ? dice(&seed, 100) : dice(&seed, 10000);
			uint64_t c = dice(&seed, 3) ? top + dice(&seed, 4) : top > back ? top - back : 0;
			struct static_gap gap;
			bool want;

			if (dice(&seed, 3000) == 0)
				c = top + dice(&seed, 9000);
			if (c >= SPAN)
				break;
			want = !seen[c] && (!any || c > top || top - c <= STATIC_WINDOW);
			assert_int_equal(static_window_accept(&w, c, &gap), want);
			if (want) {
				seen[c] = any = true;
				top = c > top ? c : top;
			}
		}
	}
}

/* --- routes -------------------------------------------------------------------------- */

struct naive {
	struct adit_prefix prefix;
	struct adit_static_peer *peer;
};

static struct adit_static_peer *naive_find(const struct naive *all, unsigned cnt, const struct adit_addr *addr)
{
	const struct naive *best = NULL;

	for (unsigned i = 0; i < cnt; i++) {
		if (adit_prefix_contains(&all[i].prefix, addr) && (!best || all[i].prefix.len > best->prefix.len))
			best = &all[i];
	}
	return best ? best->peer : NULL;
}

/* Few bits vary, so that prefixes lie inside each other. */
static struct adit_addr random_addr(uint64_t *seed)
{
	struct adit_addr a = { .family = dice(seed, 2) ? 4 : 6 };

	for (unsigned i = 0; i < (a.family == 4 ? 4 : 16); i++)
		a.bytes[i] = (uint8_t)(dice(seed, 3) ? 0 : dice(seed, 2) << dice(seed, 8));
	return a;
}

static void test_routes(void **state)
{
	enum { CNT = 400 };
	static struct adit_static_peer peers[8];
	static struct naive all[CNT];
	uint8_t key[16] = { 1 };
	uint64_t seed = 777;

	(void)state;
	for (unsigned round = 0; round < 20; round++) {
		struct static_routes routes;
		unsigned cnt = 0, hits = 0;

		static_routes_init(&routes, key);
		for (unsigned i = 0; i < CNT; i++) {
			struct adit_prefix p = { .addr = random_addr(&seed) };
			struct adit_static_peer *peer = &peers[dice(&seed, 8)];
			const struct naive *had = NULL;

			p.len = (uint8_t)dice(&seed, p.addr.family == 4 ? 33 : 129);
			adit_prefix_mask(&p);
			for (unsigned k = 0; k < cnt; k++) {
				if (all[k].prefix.len == p.len && adit_addr_equal(&all[k].prefix.addr, &p.addr))
					had = &all[k];
			}
			assert_int_equal(static_routes_add(&routes, &p, peer), had && had->peer != peer ? -EEXIST : 0);
			if (!had)
				all[cnt++] = (struct naive){ p, peer };
		}
		for (unsigned i = 0; i < 2000; i++) {
			struct adit_addr a = random_addr(&seed);
			struct adit_static_peer *want = naive_find(all, cnt, &a);

			assert_ptr_equal(static_routes_find(&routes, &a), want);
			hits += want != NULL;
		}
		assert_true(hits > 100);
		static_routes_fini(&routes);
	}
}

/* --- limiter --------------------------------------------------------------------------- */

static unsigned allowed(struct static_limiter *l, const char *from, unsigned work, unsigned cnt, adit_time now)
{
	struct adit_path p;
	unsigned n = 0;

	assert_int_equal(adit_path_parse(&p, from, NULL), 0);
	while (cnt--)
		n += static_limiter_allow(l, &p, work, now);
	return n;
}

static void test_limiter(void **state)
{
	struct static_limiter *l = malloc(sizeof(*l));
	uint8_t key[16] = { 7 };
	adit_time now = 50 * ADIT_SEC;

	(void)state;
	assert_non_null(l);
	static_limiter_init(l, key);
	assert_int_equal(allowed(l, "192.0.2.1:5", 1, 100, now), 10);
	assert_int_equal(allowed(l, "192.0.2.1:6", 1, 100, now), 0); /* a port is no other source */
	assert_int_equal(allowed(l, "192.0.2.2:5", 1, 100, now), 10);
	assert_int_equal(allowed(l, "[2001:db8::1]:5", 1, 100, now), 10);
	assert_int_equal(allowed(l, "[2001:db8::ffff:1]:5", 1, 100, now), 0); /* of one /64 */
	assert_int_equal(allowed(l, "[2001:db8:0:1::1]:5", 1, 100, now), 10);
	assert_int_equal(allowed(l, "192.0.2.1:5", 1, 100, now + ADIT_SEC / 10), 2);
	assert_int_equal(allowed(l, "192.0.2.1:5", 1, 100, now + 9 * ADIT_SEC), 10);
	free(l);
}

/* Forged sources share one allowance, which many keys use up faster; a table that is full refuses. */
static void test_limiter_all(void **state)
{
	struct static_limiter *l = malloc(sizeof(*l));
	uint8_t key[16] = { 7 };
	unsigned n = 0;

	(void)state;
	assert_non_null(l);
	static_limiter_init(l, key);
	for (unsigned i = 0; i < 100000; i++) {
		struct adit_path p = { .kind = ADIT_PATH_UDP4, .port = 1 };

		adit_put_be32(p.addr, i);
		n += static_limiter_allow(l, &p, 100, ADIT_SEC);
	}
	assert_int_equal(n, 80);
	static_limiter_init(l, key);
	n = 0;
	for (unsigned i = 0; i < 100000; i++) {
		struct adit_path p = { .kind = ADIT_PATH_UDP4, .port = 1 };

		adit_put_be32(p.addr, i);
		n += static_limiter_allow(l, &p, 1, ADIT_SEC + i * 1000);
	}
	assert_true(n <= STATIC_LIMIT_SETS * STATIC_LIMIT_WAYS);
	assert_true(n >= STATIC_LIMIT_SETS * STATIC_LIMIT_WAYS * 9 / 10);
	free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_window_edges), cmocka_unit_test(test_window_random),
		cmocka_unit_test(test_routes),	     cmocka_unit_test(test_limiter),
		cmocka_unit_test(test_limiter_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
