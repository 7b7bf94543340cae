/* SPDX-License-Identifier: ISC */
/* netstack_prr_test.c - RFC 9937: its formulas one by one, and recoveries played segment by segment */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>

#include <stdlib.h>

#include <cmocka.h>

#include "netstack/cc.h"

#define MSS 1000u

static void test_formulas(void **state)
{
	static const struct {
		const char *name;
		struct prr p;
		uint32_t delivered, in_flight, ssthresh;
		bool safe;
		uint32_t cwnd;
	} cases[] = {
		{ "the first retransmission goes out", { 20000, 0, 0 }, 1000, 18000, 0, false, 18000 + 1000 },
		{ "half for each: not yet", { 20000, 1000, 1000 }, 1000, 18000, 10000, false, 18000 },
		{ "half for each: now", { 20000, 2000, 1000 }, 1000, 17000, 10000, false, 17000 + 500 },
		{ "a train at once", { 20000, 4000, 1000 }, 4000, 14000, 10000, false, 14000 + 3000 },
		{ "a share is rounded up", { 20001, 1999, 1000 }, 1, 18000, 10000, false, 18000 },
		{ "bound: as much as came in", { 20000, 9000, 9000 }, 1000, 8000, 10000, false, 8000 + 1000 },
		{ "bound: what is owed", { 20000, 9000, 4000 }, 1000, 4000, 10000, false, 4000 + 6000 },
		{ "slow start: a segment more", { 20000, 9000, 9000 }, 1000, 5000, 10000, true, 5000 + 2000 },
		{ "never past ssthresh", { 20000, 9000, 9000 }, 4000, 8000, 10000, true, 10000 },
		{ "at ssthresh, nothing", { 20000, 9000, 9000 }, 1000, 10000, 10000, true, 10000 },
		{ "nothing came in", { 20000, 9000, 4000 }, 0, 4000, 10000, false, 4000 },
		{ "nothing came in, but it begins", { 20000, 0, 0 }, 0, 19000, 10000, false, 19000 + 1000 },
		{ "large windows", { 2000000000, 1000000000, 0 }, 1000000000, 1500000000, 1400000000, false,
		  2900000000u },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct prr p = cases[i].p;
		uint32_t cwnd = prr_ack(&p, cases[i].delivered, cases[i].in_flight, cases[i].ssthresh, MSS, cases[i].safe);

		if (cwnd != cases[i].cwnd)
			fail_msg("%s: %u, not %u", cases[i].name, cwnd, cases[i].cwnd);
		assert_int_equal(p.delivered, cases[i].p.delivered + cases[i].delivered);
	}
}

static void test_begin(void **state)
{
	struct prr p = { 1, 2, 3 };

	(void)state;
	prr_begin(&p, 5000);
	assert_int_equal(p.recover_fs, 5000);
	assert_int_equal(p.delivered, 0);
	assert_int_equal(p.out, 0);
	prr_sent(&p, 700);
	assert_int_equal(p.out, 700);
	prr_begin(&p, 0); /* not a division by zero */
	assert_true(prr_ack(&p, 0, 0, 2 * MSS, MSS, false) >= MSS);
}

/*
 * A recovery, segment by segment: a pipe (a queue of segments, of which some
 * are lost), one ACK for each that comes out, and what cwnd allows goes in. In
 * every step: no more is sent than came in plus a segment (plus the first);
 * at the end of the round trip ssthresh is in flight when few were lost, and
 * less when many were. Returns what is in flight at the end.
 */
static uint32_t play(unsigned seed, uint32_t window, unsigned lost_percent, uint32_t ssthresh)
{
	uint32_t in_flight = window * MSS, delivered_all = 0, sent_all = 0;
	struct prr p;

	srandom(seed);
	prr_begin(&p, window * MSS);
	for (uint32_t i = 0; i < window; i++) {
		bool lost = (unsigned)random() % 100 < lost_percent, safe = random() % 2;
		uint32_t cwnd, room;

		in_flight -= MSS; /* it arrived, or is known to be lost */
		if (lost)
			continue;
		delivered_all += MSS;
		cwnd = prr_ack(&p, MSS, in_flight, ssthresh * MSS, MSS, safe);
		room = cwnd > in_flight ? cwnd - in_flight : 0;
		room -= room % MSS;
		assert_true(room <= 2 * MSS || sent_all + room <= delivered_all + MSS);
		if (in_flight <= ssthresh * MSS)
			assert_true(cwnd <= ssthresh * MSS || !sent_all);
		prr_sent(&p, room);
		sent_all += room;
		in_flight += room;
		assert_true(sent_all <= 2 * delivered_all + MSS);
	}
	return in_flight / MSS;
}

static void test_play(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 200; seed++) {
		uint32_t window = 10 + seed * 7 % 400, ssthresh = window * 7 / 10, end;

		/* few losses: it ends where it should */
		end = play(seed, window, 2, ssthresh);
		assert_in_range(end, ssthresh - 2, ssthresh + 1);
		/* more than the reduction is lost: never above, and never silent */
		end = play(seed, window, 60, ssthresh);
		assert_in_range(end, 1, ssthresh);
		end = play(seed, window, 95, ssthresh);
		assert_true(end <= ssthresh);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_formulas),
		cmocka_unit_test(test_begin),
		cmocka_unit_test(test_play),
	};

	return cmocka_run_group_tests_name("netstack_prr", tests, NULL, NULL);
}
