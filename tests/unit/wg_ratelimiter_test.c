/* SPDX-License-Identifier: ISC */
/* The rate limiter: the sequence of one source, who counts as one source, and a full table. */
#include "wg_lab.h"

static const uint8_t key[16] = { 1, 2, 3 };

static bool allow(struct wg_ratelimiter *r, const char *from, adit_time ms)
{
	struct adit_path p = lab_path(from);

	return wg_ratelimiter_allow(r, &p, (1000000 + ms) * ADIT_MSEC);
}

static void test_sequence(void **state)
{
	/* ms, allowed: five at once, then one each 50 ms, never more than five saved */
	static const struct { int ms; bool allowed; } steps[] = {
		{ 0, true }, { 0, true }, { 0, true }, { 0, true }, { 0, true }, { 0, false }, { 0, false },
		{ 50, true }, { 50, false }, { 99, false }, { 100, true }, { 100, false }, { 200, true }, { 200, true },
		{ 200, false }, { 10000, true }, { 10000, true }, { 10000, true }, { 10000, true }, { 10000, true },
		{ 10000, false },
	};
	struct wg_ratelimiter r;

	(void)state;
	wg_ratelimiter_init(&r, WG_RATE_PROVEN, key);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (allow(&r, "192.0.2.1:1", steps[i].ms) != steps[i].allowed)
			fail_msg("step %zu", i);
	}
	wg_ratelimiter_fini(&r);
}

static void exhaust(struct wg_ratelimiter *r, const char *from)
{
	for (int i = 0; i < 5; i++)
		assert_true(allow(r, from, 0));
	assert_false(allow(r, from, 0));
}

static void test_sources(void **state)
{
	struct wg_ratelimiter r;

	(void)state;
	wg_ratelimiter_init(&r, WG_RATE_PROVEN, key);
	exhaust(&r, "192.0.2.1:1");
	assert_false(allow(&r, "192.0.2.1:2", 0)); /* the port does not matter */
	assert_true(allow(&r, "192.0.2.2:1", 0));
	exhaust(&r, "[2001:db8:0:1::1]:1");
	assert_false(allow(&r, "[2001:db8:0:1:ffff::2]:1", 0)); /* the same /64 */
	assert_true(allow(&r, "[2001:db8:0:2::1]:1", 0));
	wg_ratelimiter_fini(&r);
}

/* Bounded: 8192 buckets. When all are in use newcomers are refused; 250 ms
 * later a bucket that is full again may be given away. */
static void test_bound(void **state)
{
	struct wg_ratelimiter r;
	unsigned admitted = 0;
	char from[32];

	(void)state;
	wg_ratelimiter_init(&r, WG_RATE_PROVEN, key);
	for (unsigned i = 0; i < 40000; i++) {
		snprintf(from, sizeof(from), "10.%u.%u.%u:1", i >> 16, i >> 8 & 255, i & 255);
		admitted += allow(&r, from, 0);
	}
	assert_int_equal(admitted, WG_RATE_SETS * WG_RATE_WAYS);
	assert_false(allow(&r, "192.0.2.1:1", 249));
	assert_true(allow(&r, "192.0.2.1:1", 250));
	wg_ratelimiter_relax(&r, (1000000 + 20000) * ADIT_MSEC);
	assert_non_null(r.buckets);
	wg_ratelimiter_relax(&r, (1000000 + 40000) * ADIT_MSEC);
	assert_null(r.buckets);
	wg_ratelimiter_fini(&r);
}

/* Who has shown nothing yet: by address and port, a hundred at once and then
 * 500 a second; a full table lets newcomers pass. */
static void test_claimed(void **state)
{
	struct wg_ratelimiter r;
	char from[32];

	(void)state;
	wg_ratelimiter_init(&r, WG_RATE_CLAIMED, key);
	for (int i = 0; i < 100; i++)
		assert_true(allow(&r, "192.0.2.1:1", 0));
	assert_false(allow(&r, "192.0.2.1:1", 1));
	assert_true(allow(&r, "192.0.2.1:1", 2));
	assert_false(allow(&r, "192.0.2.1:1", 2));
	assert_true(allow(&r, "192.0.2.1:2", 2)); /* its neighbour behind the same address */
	for (int i = 0; i < 100; i++)
		assert_true(allow(&r, "[2001:db8::1]:1", 2));
	assert_false(allow(&r, "[2001:db8::1]:1", 2));
	assert_true(allow(&r, "[2001:db8::2]:1", 2));
	for (unsigned i = 0; i < 40000; i++) {
		snprintf(from, sizeof(from), "10.%u.%u.%u:1", i >> 16, i >> 8 & 255, i & 255);
		assert_true(allow(&r, from, 3));
	}
	assert_false(allow(&r, "192.0.2.1:1", 2)); /* and takes nothing from those it knows */
	wg_ratelimiter_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sequence),
		cmocka_unit_test(test_sources),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_claimed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
