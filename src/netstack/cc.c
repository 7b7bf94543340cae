/* SPDX-License-Identifier: ISC */
/* cc.c - what every congestion control has in common; Reno; none at all */
#include "netstack/cc.h"

#include <assert.h>

#include "netstack/cc_common.h"

#define INITIAL_SEGMENTS 10 /* RFC 6928 */

uint32_t cc_initial_window(const struct cc *cc)
{
	uint64_t wnd = (uint64_t)INITIAL_SEGMENTS * cc->mss;

	return cc_clamp(cc, wnd);
}

uint32_t cc_clamp(const struct cc *cc, uint64_t wnd)
{
	if (wnd > cc->max)
		wnd = cc->max;
	/* where max is that small, a segment must do */
	return wnd > cc->mss ? (uint32_t)wnd : cc->mss;
}

uint32_t cc_at_least_two(const struct cc *cc, uint64_t wnd)
{
	return wnd > 2 * (uint64_t)cc->mss ? (uint32_t)wnd : 2 * cc->mss;
}

void cc_init(struct cc *cc, const struct cc_ops *ops, uint32_t mss, uint32_t max, adit_time now)
{
	assert(mss > 0 && max < UINT32_C(1) << 31);
	*cc = (struct cc){ .ops = ops, .mss = mss, .max = max, .ssthresh = UINT32_MAX };
	cc->cwnd = cc_initial_window(cc);
	ops->init(cc, now);
}

void cc_set_mss(struct cc *cc, uint32_t mss)
{
	assert(mss > 0);
	cc->mss = mss;
	cc->cwnd = cc_at_least_two(cc, cc->cwnd);
	if (cc->ssthresh != UINT32_MAX)
		cc->ssthresh = cc_at_least_two(cc, cc->ssthresh);
}

uint64_t cc_pacing_rate(const struct cc *cc, adit_time srtt)
{
	uint64_t tenths = cc_slow_start(cc) ? 20 : 12;

	if (srtt <= 0 || cc->ops == &cc_local)
		return 0;
	return (uint64_t)cc->cwnd * (ADIT_SEC / 10) / (uint64_t)srtt * tenths +
	       (uint64_t)cc->cwnd * (ADIT_SEC / 10) % (uint64_t)srtt * tenths / (uint64_t)srtt;
}

void cc_remember(struct cc *cc)
{
	const struct cc_cubic *c = &cc->cubic;

	cc->undo.cwnd = cc->cwnd;
	cc->undo.ssthresh = cc->ssthresh;
	cc->undo.epoch = c->epoch;
	cc->undo.k = c->k;
	cc->undo.w_max = c->w_max;
	cc->undo.cwnd_epoch = c->cwnd_epoch;
	cc->undo.w_est = c->w_est;
	cc->undo.cwnd_prior = c->cwnd_prior;
}

bool cc_restore(struct cc *cc)
{
	struct cc_cubic *c = &cc->cubic;

	if (!cc->undo.cwnd)
		return false;
	if (cc->cwnd < cc->undo.cwnd)
		cc->cwnd = cc_clamp(cc, cc->undo.cwnd);
	cc->ssthresh = cc->undo.ssthresh;
	c->epoch = cc->undo.epoch;
	c->k = cc->undo.k;
	c->w_max = cc->undo.w_max;
	c->cwnd_epoch = cc->undo.cwnd_epoch;
	c->w_est = cc->undo.w_est;
	c->cwnd_prior = cc->undo.cwnd_prior;
	cc->undo.cwnd = 0;
	return true;
}

uint32_t cc_slow_start_growth(struct cc *cc, uint32_t delivered)
{
	uint32_t room = cc->ssthresh - cc->cwnd;
	uint32_t used = delivered < room ? delivered : room;

	cc->cwnd = cc_clamp(cc, (uint64_t)cc->cwnd + used);
	return delivered - used;
}

uint32_t cc_share(uint64_t amount, uint32_t whole, uint32_t *rest)
{
	amount += *rest;
	*rest = (uint32_t)(amount % whole);
	amount /= whole;
	return amount < UINT32_MAX ? (uint32_t)amount : UINT32_MAX;
}

/* RFC 5681 4.1, RFC 2861: after idling the window is halved for every RTO,
 * down to that of a start; ssthresh remembers where it was. */
void cc_decay(struct cc *cc, adit_time idle, adit_time rto)
{
	uint32_t restart = cc_initial_window(cc);
	uint32_t kept = cc->cwnd - cc->cwnd / 4;

	if (rto <= 0 || idle <= rto)
		return;
	if (cc->ssthresh != UINT32_MAX && cc->ssthresh < kept)
		cc->ssthresh = kept;
	for (; idle > rto && cc->cwnd > restart; idle -= rto)
		cc->cwnd = cc->cwnd / 2 > restart ? cc->cwnd / 2 : restart;
}

/* --- Reno ------------------------------------------------------------------------- */

static void reno_init(struct cc *cc, adit_time now)
{
	(void)cc;
	(void)now;
}

static void reno_on_ack(struct cc *cc, const struct cc_ack *ack, adit_time now)
{
	uint32_t delivered = ack->delivered;

	(void)now;
	if (!ack->cwnd_limited)
		return;
	if (cc_slow_start(cc))
		delivered = cc_slow_start_growth(cc, delivered);
	cc->cwnd = cc_clamp(cc, (uint64_t)cc->cwnd +
				cc_share((uint64_t)delivered * cc->mss, cc->cwnd, &cc->cubic.cwnd_rest));
}

static void reno_on_loss(struct cc *cc, uint32_t in_flight, adit_time now)
{
	(void)now;
	cc_remember(cc);
	cc->ssthresh = cc_at_least_two(cc, in_flight / 2);
}

static void reno_on_rto(struct cc *cc, uint32_t in_flight, bool first, adit_time now)
{
	if (first)
		reno_on_loss(cc, in_flight, now);
	cc->cwnd = cc->mss;
}

static void reno_undo(struct cc *cc, adit_time now)
{
	(void)now;
	cc_restore(cc);
}

static void reno_on_ecn(struct cc *cc, uint32_t in_flight, adit_time now)
{
	(void)now;
	cc->ssthresh = cc_at_least_two(cc, in_flight / 2);
	if (cc->cwnd > cc->ssthresh)
		cc->cwnd = cc->ssthresh;
}

static void reno_on_idle(struct cc *cc, adit_time idle, adit_time rto, adit_time now)
{
	(void)now;
	cc_decay(cc, idle, rto);
}

const struct cc_ops cc_reno = {
	.name = "reno",
	.init = reno_init,
	.on_ack = reno_on_ack,
	.on_loss = reno_on_loss,
	.on_rto = reno_on_rto,
	.undo = reno_undo,
	.on_ecn = reno_on_ecn,
	.on_idle = reno_on_idle,
};

/* --- none: the window is max, always ------------------------------------------------- */

static void local_open(struct cc *cc, adit_time now)
{
	(void)now;
	cc->cwnd = cc->ssthresh = cc->max > 2 * cc->mss ? cc->max : 2 * cc->mss;
}

static void local_on_ack(struct cc *cc, const struct cc_ack *ack, adit_time now)
{
	(void)ack;
	local_open(cc, now);
}

static void local_on_loss(struct cc *cc, uint32_t in_flight, adit_time now)
{
	(void)in_flight;
	local_open(cc, now);
}

static void local_on_rto(struct cc *cc, uint32_t in_flight, bool first, adit_time now)
{
	(void)in_flight;
	(void)first;
	local_open(cc, now);
}

static void local_on_idle(struct cc *cc, adit_time idle, adit_time rto, adit_time now)
{
	(void)idle;
	(void)rto;
	local_open(cc, now);
}

const struct cc_ops cc_local = {
	.name = "local",
	.init = local_open,
	.on_ack = local_on_ack,
	.on_loss = local_on_loss,
	.on_rto = local_on_rto,
	.undo = local_open,
	.on_ecn = local_on_loss,
	.on_idle = local_on_idle,
};
