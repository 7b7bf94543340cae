/* SPDX-License-Identifier: ISC */
/* netstack_cc_test.c - CUBIC against RFC 9438 in floating point, a segment at a time; HyStart++, Reno, local */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>

#include <math.h>
#include <stdlib.h>

#include <cmocka.h>

#include "netstack/cc.h"

#define MS  ADIT_MSEC
#define MSS 1000u
#define MAX (64u << 20)

static void ack(struct cc *cc, uint32_t delivered, adit_time srtt, adit_time now)
{
	const struct cc_ack a = { .delivered = delivered, .in_flight = cc->cwnd, .cwnd_limited = true, .srtt = srtt };

	cc->ops->on_ack(cc, &a, now);
}

static void ack_idle(struct cc *cc, uint32_t delivered, adit_time now)
{
	const struct cc_ack a = { .delivered = delivered, .in_flight = cc->cwnd / 4 };

	cc->ops->on_ack(cc, &a, now);
}

/* After a recovery: cwnd where PRR leaves it. */
static struct cc avoiding(const struct cc_ops *ops, uint32_t window, adit_time now)
{
	struct cc cc;

	cc_init(&cc, ops, MSS, MAX, now);
	cc.cwnd = window;
	ops->on_loss(&cc, window, now);
	cc.cwnd = cc.ssthresh;
	return cc;
}

/* --- what is common --------------------------------------------------------------- */

static void test_start(void **state)
{
	static const struct { uint32_t mss, max, cwnd; } cases[] = {
		{ 1380, 8 << 20, 13800 }, { 1380, 5000, 5000 }, { 65495, 1 << 20, 654950 }, { 1380, 1000, 1380 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cc cc;

		cc_init(&cc, &cc_cubic, cases[i].mss, cases[i].max, MS);
		assert_int_equal(cc.cwnd, cases[i].cwnd);
		assert_true(cc_slow_start(&cc));
	}
}

static void test_set_mss(void **state)
{
	struct cc cc = avoiding(&cc_cubic, 10000, MS);

	(void)state;
	cc_set_mss(&cc, 500);
	assert_int_equal(cc.cwnd, 7000);
	assert_int_equal(cc.ssthresh, 7000);
	cc_set_mss(&cc, 4000);
	assert_int_equal(cc.cwnd, 8000);
	assert_int_equal(cc.ssthresh, 8000);
	cc_init(&cc, &cc_cubic, 1000, MAX, MS);
	cc_set_mss(&cc, 9000);
	assert_int_equal(cc.ssthresh, UINT32_MAX);
}

static void test_pacing(void **state)
{
	struct cc cc;

	(void)state;
	cc_init(&cc, &cc_cubic, MSS, MAX, MS);
	assert_int_equal(cc_pacing_rate(&cc, 0), 0);
	assert_int_equal(cc_pacing_rate(&cc, 100 * MS), 200000);
	cc.ssthresh = cc.cwnd;
	assert_int_equal(cc_pacing_rate(&cc, 100 * MS), 120000);
	cc.cwnd = 2000000000;
	assert_int_equal(cc_pacing_rate(&cc, 1), UINT64_C(2400000000000000000));
	cc_init(&cc, &cc_local, MSS, MAX, MS);
	assert_int_equal(cc_pacing_rate(&cc, 100 * MS), 0);
}

/* Whatever happens, the window is all there is. */
static void test_local(void **state)
{
	struct cc cc;

	(void)state;
	cc_init(&cc, &cc_local, MSS, MAX, MS);
	cc.ops->on_loss(&cc, 5000, MS);
	assert_int_equal(cc.cwnd, MAX);
	assert_int_equal(cc.ssthresh, MAX);
	cc.cwnd = MSS;
	cc.ops->on_rto(&cc, 5000, true, MS);
	assert_int_equal(cc.cwnd, MAX);
	cc.ops->on_ecn(&cc, 5000, MS);
	cc.ops->on_idle(&cc, ADIT_SEC * 1000, ADIT_SEC, MS);
	ack_idle(&cc, 100, MS);
	assert_int_equal(cc.cwnd, MAX);
	assert_false(cc_slow_start(&cc));
}

/* Slow start doubles a round, also when ACKs are for whole trains, and ends at
 * ssthresh exactly; what does not fill the window does not open it. */
static void test_slow_start(void **state)
{
	static const struct cc_ops *const all[] = { &cc_cubic, &cc_reno };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct cc cc;

		cc_init(&cc, all[i], MSS, MAX, MS);
		for (int n = 0; n < 10; n++)
			ack(&cc, MSS, 50 * MS, MS);
		assert_int_equal(cc.cwnd, 20000);
		ack(&cc, 20000, 50 * MS, MS);
		assert_int_equal(cc.cwnd, 40000);
		ack_idle(&cc, 20000, MS);
		assert_int_equal(cc.cwnd, 40000);
		cc.ssthresh = 44000;
		ack(&cc, 4000, 50 * MS, MS);
		assert_int_equal(cc.cwnd, 44000);
		cc_init(&cc, all[i], MSS, 100000, MS);
		for (int n = 0; n < 1000; n++)
			ack(&cc, 50000, 50 * MS, MS);
		assert_int_equal(cc.cwnd, 100000); /* the cap */
	}
}

static void test_reno(void **state)
{
	struct cc cc = avoiding(&cc_reno, 40000, MS);

	(void)state;
	assert_int_equal(cc.cwnd, 20000);
	for (int round = 1; round <= 20; round++) { /* a segment a round, in ACKs of two segments */
		uint32_t cwnd = cc.cwnd;

		for (uint32_t done = 0; done < cwnd; done += 2 * MSS)
			ack(&cc, cwnd - done < 2 * MSS ? cwnd - done : 2 * MSS, 50 * MS, MS);
		assert_in_range(cc.cwnd, cwnd + MSS - 60, cwnd + MSS + 60);
	}
	cc.ops->on_loss(&cc, 3000, MS);
	assert_int_equal(cc.ssthresh, 2 * MSS);
}

/* --- loss, timeout, undo ------------------------------------------------------------- */

static void test_reduce(void **state)
{
	static const struct cc_ops *const all[] = { &cc_cubic, &cc_reno };
	static const uint32_t percent[] = { 70, 50 };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct cc cc;

		cc_init(&cc, all[i], MSS, MAX, MS);
		cc.cwnd = 100000;
		cc.ops->on_loss(&cc, 90000, MS);
		assert_int_equal(cc.ssthresh, 900 * percent[i]); /* of what was in flight */
		assert_int_equal(cc.cwnd, 100000);
		cc.ops->undo(&cc, MS);
		assert_int_equal(cc.cwnd, 100000);
		assert_int_equal(cc.ssthresh, UINT32_MAX);

		cc.ops->on_rto(&cc, 90000, true, MS);
		assert_int_equal(cc.cwnd, MSS);
		assert_int_equal(cc.ssthresh, 900 * percent[i]);
		cc.ops->on_rto(&cc, 1000, false, 2 * MS);
		assert_int_equal(cc.ssthresh, 900 * percent[i]); /* once for the same data */
		cc.ops->undo(&cc, 3 * MS);
		assert_int_equal(cc.cwnd, 100000);
		assert_int_equal(cc.ssthresh, UINT32_MAX);
		cc.cwnd = 5000;
		cc.ops->undo(&cc, 3 * MS); /* once */
		assert_int_equal(cc.cwnd, 5000);

		cc.cwnd = 100000;
		cc.ops->on_ecn(&cc, 100000, 4 * MS);
		assert_int_equal(cc.cwnd, 1000 * percent[i]);
		assert_int_equal(cc.ssthresh, cc.cwnd);
	}
}

/* RFC 9438 4.7 */
static void test_fast_convergence(void **state)
{
	struct cc cc = avoiding(&cc_cubic, 100000, MS);

	(void)state;
	assert_int_equal(cc.cubic.w_max, 100000);
	cc.cwnd = 90000; /* did not come back to where it was */
	cc.ops->on_loss(&cc, 90000, 2 * MS);
	assert_int_equal(cc.cubic.w_max, 76500);
	cc.cwnd = 95000;
	cc.ops->on_loss(&cc, 95000, 3 * MS);
	assert_int_equal(cc.cubic.w_max, 95000);
	cc.ops->undo(&cc, 4 * MS);
	assert_int_equal(cc.cubic.w_max, 76500);
}

static void test_idle(void **state)
{
	struct cc cc = avoiding(&cc_cubic, 800000, MS);

	(void)state;
	assert_int_equal(cc.cwnd, 560000);
	cc.ops->on_idle(&cc, 200 * MS, 300 * MS, ADIT_SEC);
	assert_int_equal(cc.cwnd, 560000);
	cc.ops->on_idle(&cc, 700 * MS, 300 * MS, ADIT_SEC);
	assert_int_equal(cc.cwnd, 140000);
	assert_int_equal(cc.ssthresh, 560000);
	cc.ops->on_idle(&cc, 1000 * ADIT_SEC, 300 * MS, ADIT_SEC);
	assert_int_equal(cc.cwnd, 10000); /* not below that of a start */
	assert_true(cc_slow_start(&cc));
}

/* --- CUBIC's curve ------------------------------------------------------------------ */

/* RFC 9438 4.2 to 4.5, one segment at a time, in doubles and segments. */
struct model {
	double cwnd, w_max, k, w_est, prior, epoch;
};

static void model_begin(struct model *m, double cwnd, double w_max, double prior, double now)
{
	m->cwnd = m->w_est = cwnd;
	m->w_max = fmax(w_max, cwnd);
	m->prior = prior;
	m->k = cbrt((m->w_max - cwnd) / 0.4);
	m->epoch = now;
}

static double model_w(const struct model *m, double t)
{
	return 0.4 * (t - m->k) * (t - m->k) * (t - m->k) + m->w_max;
}

static void model_ack(struct model *m, double rtt, double now)
{
	double t = now - m->epoch, w = model_w(m, t), target = model_w(m, t + rtt);

	m->w_est += (m->w_est < m->prior ? 3 * 0.3 / 1.7 : 1) / m->cwnd;
	if (w < m->w_est) {
		m->cwnd = fmax(m->cwnd, m->w_est);
		return;
	}
	target = fmin(fmax(target, m->cwnd), 1.5 * m->cwnd);
	m->cwnd += (target - m->cwnd) / m->cwnd;
}

/* A lossless path of fixed round trip: ACKs for `train` segments each, evenly
 * spread. Both must go the same way, in the Reno-friendly region as in the
 * concave and the convex one. */
static void follow(uint32_t window, double rtt, uint32_t train, double seconds)
{
	adit_time now = 7 * ADIT_SEC, srtt = (adit_time)(rtt * 1e9);
	struct cc cc = avoiding(&cc_cubic, window * MSS, now);
	struct model m;

	cc.max = INT32_MAX;
	model_begin(&m, cc.cwnd / (double)MSS, window, window, 7);
	while (now < (7 + seconds) * ADIT_SEC) {
		double segs = cc.cwnd / (double)MSS;

		ack(&cc, train * MSS, srtt, now);
		for (uint32_t i = 0; i < train; i++)
			model_ack(&m, rtt, (double)now / 1e9);
		if (fabs(m.cwnd - cc.cwnd / (double)MSS) > 2 + 0.02 * m.cwnd)
			fail_msg("window %u rtt %g train %u at %g s: %g, not %g", window, rtt, train, (double)now / 1e9 - 7,
				 cc.cwnd / (double)MSS, m.cwnd);
		now += (adit_time)(rtt * 1e9 * train / segs);
	}
	assert_true(cc.cwnd > window * MSS);
}

static void test_curve(void **state)
{
	static const struct { uint32_t window; double rtt; uint32_t train; double seconds; } cases[] = {
		{ 20, 0.01, 1, 5 },    /* Reno-friendly throughout */
		{ 20, 0.1, 1, 20 },
		{ 100, 0.02, 2, 10 },
		{ 1000, 0.1, 1, 20 },  /* concave, then convex */
		{ 1000, 0.3, 8, 30 },
		{ 5000, 0.1, 2, 40 },
		{ 5000, 0.1, 44, 40 }, /* the peer acknowledges trains */
		{ 200, 0.001, 2, 2 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		follow(cases[i].window, cases[i].rtt, cases[i].train, cases[i].seconds);
}

static void test_curve_random(void **state)
{
	(void)state;
	srandom(3);
	for (int i = 0; i < 20; i++) {
		double rtt = 0.002 * (double)(1 + random() % 100);
		uint32_t window = 10 + (uint32_t)random() % 1000;
		double k = cbrt(window * 0.3 / 0.4);

		follow(window, rtt, 1 + (uint32_t)random() % (window / 8 + 1), k + 3 + 100 * rtt);
	}
}

/* K, where the window is what it was, by the formula in integers. */
static void test_k(void **state)
{
	(void)state;
	for (uint32_t segs = 3; segs < 60000; segs += segs / 7 + 1) {
		struct cc cc = avoiding(&cc_cubic, segs * MSS, ADIT_SEC);
		double k = cbrt((segs * MSS - cc.cwnd) / (double)MSS / 0.4);

		ack(&cc, 1, MS, ADIT_SEC);
		assert_true(fabs((double)cc.cubic.k / 1e9 - k) <= 0.0011);
	}
}

/* The epoch stands still while the application sends little, and while nothing is sent. */
static void test_application_limited(void **state)
{
	struct cc busy = avoiding(&cc_cubic, 500000, ADIT_SEC), lazy = busy, idle = busy;
	adit_time now = ADIT_SEC, away = 1000 * ADIT_SEC;

	(void)state;
	for (int i = 0; i < 4000; i++) {
		adit_time later = now + (i < 2000 ? 0 : away);

		if (i == 2000) {
			ack_idle(&lazy, MSS, now);
			ack_idle(&lazy, MSS, now + away / 2);
			/* no decay: the RTO is longer than the pause here */
			idle.ops->on_idle(&idle, away, 2 * away, later);
			assert_int_equal(lazy.cwnd, busy.cwnd);
		}
		ack(&busy, MSS, 100 * MS, now);
		ack(&lazy, MSS, 100 * MS, later);
		ack(&idle, MSS, 100 * MS, later);
		assert_int_equal(lazy.cwnd, busy.cwnd);
		assert_int_equal(idle.cwnd, busy.cwnd);
		now += MS;
	}
}

/* After a timeout the curve begins where slow start ends (4.8). */
static void test_after_timeout(void **state)
{
	struct cc cc;

	(void)state;
	cc_init(&cc, &cc_cubic, MSS, MAX, 0);
	cc.cwnd = 1000000;
	cc.ops->on_rto(&cc, 1000000, true, ADIT_SEC);
	while (cc_slow_start(&cc))
		ack(&cc, MSS, 100 * MS, 2 * ADIT_SEC);
	assert_int_equal(cc.cwnd, 700000);
	ack(&cc, MSS, 100 * MS, 3 * ADIT_SEC);
	assert_int_equal(cc.cubic.k, 0);
	assert_int_equal(cc.cubic.w_max, 700000);
}

/* Weeks without a loss: neither past its cap nor over the edge of an integer. */
static void test_weeks(void **state)
{
	static const uint32_t mss[] = { 1, 536, 1380, 65495 };

	(void)state;
	for (size_t i = 0; i < sizeof(mss) / sizeof(mss[0]); i++) {
		uint32_t max = INT32_MAX, before;
		adit_time now = ADIT_SEC;
		struct cc cc;

		cc_init(&cc, &cc_cubic, mss[i], max, now);
		cc.cwnd = max;
		cc.ops->on_loss(&cc, max, now);
		cc.cwnd = before = cc.ssthresh;
		for (int hour = 0; hour < 24 * 7 * 9; hour++) {
			ack(&cc, max, 100 * MS, now);
			assert_true(cc.cwnd >= before && cc.cwnd <= max);
			before = cc.cwnd;
			now += 3600 * ADIT_SEC;
		}
		assert_int_equal(cc.cwnd, max);
		cc.ops->on_ecn(&cc, max, now);
		assert_int_equal(cc.ssthresh, 1503238552);
	}
}

/* --- HyStart++ ---------------------------------------------------------------------- */

/* A round of `acks` ACKs of a segment each with this round trip. */
static void round_of(struct cc *cc, unsigned acks, adit_time rtt)
{
	for (unsigned i = 0; i < acks; i++) {
		const struct cc_ack a = { .delivered = MSS, .in_flight = cc->cwnd, .cwnd_limited = true,
					  .round_start = i == 0, .rtt = rtt, .srtt = rtt, .min_rtt = rtt };

		cc->ops->on_ack(cc, &a, ADIT_SEC);
	}
}

static void test_hystart_thresholds(void **state)
{
	static const struct { adit_time before, then; unsigned acks; bool slower; } cases[] = {
		{ 20 * MS, 20 * MS, 16, false },
		{ 20 * MS, 23900000, 16, false },
		{ 20 * MS, 24 * MS, 16, true },   /* 4 ms at least */
		{ 20 * MS, 24 * MS, 7, false },   /* too few samples */
		{ 80 * MS, 89 * MS, 16, false },
		{ 80 * MS, 90 * MS, 16, true },   /* an eighth */
		{ 800 * MS, 815 * MS, 16, false },
		{ 800 * MS, 816 * MS, 16, true }, /* 16 ms at most */
		{ 80 * MS, 10 * MS, 16, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cc cc;

		cc_init(&cc, &cc_cubic, MSS, MAX, MS);
		round_of(&cc, 10, cases[i].before);
		round_of(&cc, cases[i].acks, cases[i].then);
		assert_int_equal(cc.hystart.css, cases[i].slower);
		assert_true(cc_slow_start(&cc));
	}
}

/* Five rounds of conservative slow start, of which the first may be a part: then avoidance. */
static void test_hystart_ends(void **state)
{
	struct cc cc;
	uint32_t cwnd;

	(void)state;
	cc_init(&cc, &cc_cubic, MSS, MAX, MS);
	round_of(&cc, 10, 50 * MS);
	round_of(&cc, 8, 60 * MS);
	assert_true(cc.hystart.css);
	for (int round = 0; round < 4; round++) {
		cwnd = cc.cwnd;
		round_of(&cc, 20, 60 * MS);
		assert_int_equal(cc.cwnd, cwnd + 20 * MSS / 4);
		assert_true(cc_slow_start(&cc));
	}
	cwnd = cc.cwnd;
	round_of(&cc, 1, 60 * MS);
	assert_false(cc_slow_start(&cc));
	assert_int_equal(cc.ssthresh, cwnd);
	assert_in_range(cc.cwnd, cwnd, cwnd + MSS);
}

/* The delay goes away: slow start goes on. */
static void test_hystart_resumes(void **state)
{
	struct cc cc;
	uint32_t cwnd;

	(void)state;
	cc_init(&cc, &cc_cubic, MSS, MAX, MS);
	round_of(&cc, 10, 50 * MS);
	round_of(&cc, 8, 60 * MS);
	assert_true(cc.hystart.css);
	round_of(&cc, 8, 55 * MS);
	assert_false(cc.hystart.css);
	cwnd = cc.cwnd;
	round_of(&cc, 20, 55 * MS);
	assert_int_equal(cc.cwnd, cwnd + 20 * MSS);
}

/* After the first loss slow start is the plain one. */
static void test_hystart_once(void **state)
{
	struct cc cc;

	(void)state;
	cc_init(&cc, &cc_cubic, MSS, MAX, MS);
	cc.cwnd = 4000000;
	cc.ops->on_rto(&cc, 4000000, true, MS);
	round_of(&cc, 10, 50 * MS);
	round_of(&cc, 10, 90 * MS);
	round_of(&cc, 10, 190 * MS);
	assert_false(cc.hystart.css);
	assert_int_equal(cc.cwnd, 31 * MSS);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_start),
		cmocka_unit_test(test_set_mss),
		cmocka_unit_test(test_pacing),
		cmocka_unit_test(test_local),
		cmocka_unit_test(test_slow_start),
		cmocka_unit_test(test_reno),
		cmocka_unit_test(test_reduce),
		cmocka_unit_test(test_fast_convergence),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_curve),
		cmocka_unit_test(test_curve_random),
		cmocka_unit_test(test_k),
		cmocka_unit_test(test_application_limited),
		cmocka_unit_test(test_after_timeout),
		cmocka_unit_test(test_weeks),
		cmocka_unit_test(test_hystart_thresholds),
		cmocka_unit_test(test_hystart_ends),
		cmocka_unit_test(test_hystart_resumes),
		cmocka_unit_test(test_hystart_once),
	};

	return cmocka_run_group_tests_name("netstack_cc", tests, NULL, NULL);
}
