/* SPDX-License-Identifier: ISC */
/* netstack_rtt_test.c - RFC 6298's arithmetic against the same in floating point */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>

#include <math.h>
#include <stdlib.h>

#include <cmocka.h>

#include "netstack/rtt.h"

#define MS ADIT_MSEC

static void test_start(void **state)
{
	struct rtt r;

	(void)state;
	rtt_init(&r);
	assert_int_equal(rtt_rto(&r), ADIT_SEC);
	assert_int_equal(r.srtt, 0);
	assert_int_equal(r.min, ADIT_NEVER);
	rtt_sample(&r, 80 * MS, 1, 5 * ADIT_SEC);
	assert_int_equal(r.srtt, 80 * MS);
	assert_int_equal(r.rttvar, 40 * MS);
	assert_int_equal(rtt_rto(&r), (80 + 200) * MS);
	rtt_sample(&r, 180 * MS, 1, 6 * ADIT_SEC);
	assert_int_equal(r.rttvar, 55 * MS); /* 40 + (100 - 40) / 4 */
	assert_int_equal(r.srtt, 92500000);
	assert_int_equal(rtt_rto(&r), 92500000 + 220 * MS);
	assert_int_equal(r.min, 80 * MS);
}

/* Samples that are no sensible time. */
static void test_bounds(void **state)
{
	static const struct { adit_time sample, srtt, rto; } cases[] = {
		{ 1, 1, 1 + 200 * MS },
		{ 0, 1, 1 + 200 * MS }, /* never "none" */
		{ -5 * MS, 1, 1 + 200 * MS },
		{ 50 * ADIT_SEC, 50 * ADIT_SEC, 120 * ADIT_SEC },
		{ ADIT_NEVER, 480 * ADIT_SEC, 120 * ADIT_SEC },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rtt r;

		rtt_init(&r);
		rtt_sample(&r, cases[i].sample, 1, ADIT_SEC);
		assert_int_equal(r.srtt, cases[i].srtt);
		assert_int_equal(rtt_rto(&r), cases[i].rto);
		for (int n = 0; n < 100; n++)
			rtt_sample(&r, cases[i].sample, 0, ADIT_SEC);
		assert_true(r.srtt > 0);
	}
}

static void test_backoff(void **state)
{
	static const int64_t ms[] = { 210, 420, 840, 1680, 3360, 6720, 13440, 26880, 53760, 107520, 120000, 120000 };
	struct rtt r;

	(void)state;
	rtt_init(&r);
	rtt_sample(&r, 10 * MS, 1, MS);
	for (size_t i = 0; i < sizeof(ms) / sizeof(ms[0]); i++) {
		assert_int_equal(rtt_rto(&r), ms[i] * MS);
		rtt_back_off(&r);
	}
	for (int i = 0; i < 100; i++)
		rtt_back_off(&r);
	assert_int_equal(rtt_rto(&r), 120 * ADIT_SEC);
	rtt_sample(&r, 10 * MS, 1, 2 * MS);
	assert_int_equal(rtt_rto(&r), 210 * MS);
}

/* A thousand segments in flight: five hundred samples a round trip weigh
 * together as one would; five (the peer acknowledges trains) weigh as one, too. */
static void test_many_samples(void **state)
{
	static const unsigned per_round[] = { 500, 5, 1 };

	(void)state;
	for (size_t i = 0; i < sizeof(per_round) / sizeof(per_round[0]); i++) {
		unsigned n = per_round[i];
		adit_time now = 0;
		struct rtt r;

		rtt_init(&r);
		rtt_sample(&r, 100 * MS, 1000, now);
		for (unsigned k = 0; k < 3 * n; k++)
			rtt_sample(&r, 100 * MS, 1000, now += 100 * MS / n);
		for (unsigned k = 0; k < 8 * n; k++)
			rtt_sample(&r, 200 * MS, 1000, now += 100 * MS / n);
		/* eight rounds of 1/8: 100 + 100 * (1 - (7/8)^8) = 165.6; a longer srtt means fewer rounds */
		assert_in_range(r.srtt, 145 * MS, 175 * MS);
	}
}

/* One sample at a time, at random, against RFC 6298 in doubles. */
static void test_random(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 50; seed++) {
		double srtt = 0, var = 0;
		adit_time now = 0;
		struct rtt r;

		srandom(seed);
		rtt_init(&r);
		for (unsigned i = 0; i < 400; i++) {
			adit_time sample = 1000 + random() % (seed * 10 * MS);

			now += ADIT_SEC;
			rtt_sample(&r, sample, (unsigned)random() % 2, now);
			if (i == 0) {
				srtt = (double)sample;
				var = srtt / 2;
			} else {
				var = 0.75 * var + 0.25 * fabs(srtt - (double)sample);
				srtt = 0.875 * srtt + 0.125 * (double)sample;
			}
			assert_true(fabs(srtt - (double)r.srtt) < 100);
			assert_true(fabs(var - (double)r.rttvar) < 100);
			assert_true(fabs(srtt + fmax(4 * var, 200e6) - (double)rtt_rto(&r)) < 1000);
		}
	}
}

/* The minimum forgets: what it says is a sample of the last 300 s, and no
 * sample of the last 150 s is smaller. */
static void test_min(void **state)
{
	enum { CNT = 3000 };
	adit_time at[CNT], sample[CNT], now = 7 * ADIT_SEC;
	struct rtt r;

	(void)state;
	srandom(5);
	rtt_init(&r);
	for (int i = 0; i < CNT; i++) {
		adit_time least_long = ADIT_NEVER, least_short = ADIT_NEVER;

		now += random() % (random() % 50 == 0 ? 400 * ADIT_SEC : 5 * ADIT_SEC);
		at[i] = now;
		sample[i] = MS + random() % (200 * MS);
		rtt_sample(&r, sample[i], 1, now);
		for (int k = 0; k <= i; k++) {
			if (now - at[k] <= 300 * ADIT_SEC && sample[k] < least_long)
				least_long = sample[k];
			if (now - at[k] < 150 * ADIT_SEC && sample[k] < least_short)
				least_short = sample[k];
		}
		assert_true(r.min >= least_long && r.min <= least_short);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_start),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_backoff),
		cmocka_unit_test(test_many_samples),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_min),
	};

	return cmocka_run_group_tests_name("netstack_rtt", tests, NULL, NULL);
}
