/* SPDX-License-Identifier: ISC */
/*
 * cc_cubic.c - CUBIC (RFC 9438), in integers
 *
 * DOC: units
 *
 * Windows are bytes; where the RFC counts segments, mss is multiplied in. The
 * RFC's C is 0.4 segments/s^3, so with t and K in milliseconds
 *
 *   W_cubic(t) = w_max + 0.4 * mss * (t - K)^3 / 10^9
 *   K          = cbrt((w_max - cwnd_epoch) * 10^9 / (0.4 * mss))
 *
 * A division's remainder is kept for the next ACK, so that many small steps
 * are as far as a long one.
 */
#include "netstack/cc_common.h"

#define BETA(x) ((uint64_t)(x) * 7 / 10)
/* 3 * (1 - beta) / (1 + beta) */
#define ALPHA_NUM 9
#define ALPHA_DEN 17

#define FINE_MS 32768  /* |t - K| up to which every millisecond counts */
#define FAR_MS  131072 /* and beyond which it makes no difference: the window is at its end */

static uint64_t cube_root(uint64_t x)
{
	uint64_t root = 0;

	for (int bit = 21; bit >= 0; bit--) { /* 2^22 cubed is 2^66 */
		uint64_t next = root | UINT64_C(1) << bit;

		if (next * next <= x / next)
			root = next;
	}
	return root;
}

/* 0.4 * mss * (ms / 1000)^3 */
static uint64_t cubed(uint64_t ms, uint32_t mss)
{
	if (ms > FAR_MS)
		ms = FAR_MS;
	if (ms <= FINE_MS)
		return ms * ms * ms * ((uint64_t)mss * 4) / UINT64_C(10000000000);
	return ms * ms * ms / 1000 * ((uint64_t)mss * 4) / UINT64_C(10000000);
}

static uint64_t w_cubic(const struct cc *cc, adit_time t)
{
	const struct cc_cubic *c = &cc->cubic;
	adit_time d = (t - c->k) / ADIT_MSEC;
	uint64_t delta = cubed((uint64_t)(d < 0 ? -d : d), cc->mss);

	if (d >= 0)
		return c->w_max + delta;
	return delta < c->w_max ? c->w_max - delta : 0;
}

static void begin_epoch(struct cc *cc, adit_time now)
{
	struct cc_cubic *c = &cc->cubic;

	c->epoch = now;
	c->app_limited_since = 0;
	c->cwnd_epoch = c->w_est = cc->cwnd;
	c->w_est_rest = c->cwnd_rest = 0;
	if (c->w_max > cc->cwnd) {
		/* (2^31 * 2.5 * 10^9) < 2^63 */
		c->k = (adit_time)cube_root((uint64_t)(c->w_max - cc->cwnd) * UINT64_C(2500000000) / cc->mss) *
		       ADIT_MSEC;
	} else { /* slow start ended without loss, or by a timeout */
		c->w_max = cc->cwnd;
		c->k = 0;
	}
}

/* Figure 4: what Reno would have; once past the last window, it is Reno. */
static void reno_estimate(struct cc *cc, uint32_t delivered)
{
	struct cc_cubic *c = &cc->cubic;
	uint64_t acked = (uint64_t)delivered * cc->mss;
	uint64_t wnd;

	if (c->w_est < c->cwnd_prior)
		acked = acked * ALPHA_NUM / ALPHA_DEN;
	wnd = (uint64_t)c->w_est + cc_share(acked, cc->cwnd, &c->w_est_rest);
	c->w_est = cc_clamp(cc, wnd);
}

static void avoid(struct cc *cc, uint32_t delivered, adit_time srtt, adit_time now)
{
	struct cc_cubic *c = &cc->cubic;
	adit_time t;
	uint64_t target;

	if (!c->epoch)
		begin_epoch(cc, now);
	if (c->app_limited_since) {
		c->epoch += now - c->app_limited_since;
		c->app_limited_since = 0;
	}
	t = now - c->epoch;
	reno_estimate(cc, delivered);
	if (w_cubic(cc, t) < c->w_est) {
		if (cc->cwnd < c->w_est)
			cc->cwnd = c->w_est;
		return;
	}
	target = w_cubic(cc, t + srtt);
	if (target > cc->cwnd + (uint64_t)cc->cwnd / 2)
		target = cc->cwnd + (uint64_t)cc->cwnd / 2;
	if (target > cc->cwnd)
		cc->cwnd = cc_clamp(cc, (uint64_t)cc->cwnd +
					cc_share((target - cc->cwnd) * delivered, cc->cwnd, &c->cwnd_rest));
}

/* Slow start; returns the bytes that are left for avoidance. */
static uint32_t slow_start(struct cc *cc, const struct cc_ack *ack)
{
	uint32_t grow = ack->delivered;
	bool done = false;

	if (cc->ssthresh == UINT32_MAX) /* the first one: RFC 9406 4.3 */
		grow = hystart_on_ack(&cc->hystart, ack, &done);
	if (done) {
		cc->cubic.cwnd_prior = cc->ssthresh = cc->cwnd;
		return ack->delivered;
	}
	return ack->cwnd_limited ? cc_slow_start_growth(cc, grow) : 0;
}

static void cubic_init(struct cc *cc, adit_time now)
{
	(void)now;
	hystart_init(&cc->hystart);
}

static void cubic_on_ack(struct cc *cc, const struct cc_ack *ack, adit_time now)
{
	uint32_t delivered = ack->delivered;

	if (cc_slow_start(cc))
		delivered = slow_start(cc, ack);
	if (cc_slow_start(cc))
		return;
	if (ack->cwnd_limited)
		avoid(cc, delivered, ack->srtt, now);
	else if (!cc->cubic.app_limited_since)
		cc->cubic.app_limited_since = now;
}

static void reduce(struct cc *cc, uint32_t in_flight)
{
	struct cc_cubic *c = &cc->cubic;

	c->cwnd_prior = cc->cwnd;
	/* fast convergence: the last time it went further, so somebody else has come */
	c->w_max = cc->cwnd < c->w_max ? (uint32_t)((uint64_t)cc->cwnd * 17 / 20) : cc->cwnd;
	c->epoch = 0;
	c->app_limited_since = 0;
	cc->ssthresh = cc_at_least_two(cc, BETA(in_flight));
}

static void cubic_on_loss(struct cc *cc, uint32_t in_flight, adit_time now)
{
	(void)now;
	cc_remember(cc);
	reduce(cc, in_flight);
}

static void cubic_on_rto(struct cc *cc, uint32_t in_flight, bool first, adit_time now)
{
	(void)now;
	if (first) {
		cc_remember(cc);
		reduce(cc, in_flight);
	}
	cc->cubic.w_max = 0; /* 4.8: it begins anew from where slow start ends */
	cc->cubic.epoch = 0;
	cc->cwnd = cc->mss;
}

static void cubic_undo(struct cc *cc, adit_time now)
{
	(void)now;
	cc_restore(cc);
}

static void cubic_on_ecn(struct cc *cc, uint32_t in_flight, adit_time now)
{
	(void)now;
	reduce(cc, in_flight);
	if (cc->cwnd > cc->ssthresh)
		cc->cwnd = cc->ssthresh;
}

static void cubic_on_idle(struct cc *cc, adit_time idle, adit_time rto, adit_time now)
{
	struct cc_cubic *c = &cc->cubic;

	if (c->epoch && !c->app_limited_since)
		c->app_limited_since = now - idle;
	cc_decay(cc, idle, rto);
}

const struct cc_ops cc_cubic = {
	.name = "cubic",
	.init = cubic_init,
	.on_ack = cubic_on_ack,
	.on_loss = cubic_on_loss,
	.on_rto = cubic_on_rto,
	.undo = cubic_undo,
	.on_ecn = cubic_on_ecn,
	.on_idle = cubic_on_idle,
};
