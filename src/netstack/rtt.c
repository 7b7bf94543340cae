/* SPDX-License-Identifier: ISC */
/*
 * rtt.c - round-trip time and retransmission timeout
 *
 * As in the kernel it is the variance term that has a minimum of 200 ms, not
 * the sum: on a long and steady path a delayed ACK is no timeout.
 */
#include "netstack/rtt.h"

#include <stdbool.h>

#define MIN_WINDOW  (300 * ADIT_SEC)
#define SAMPLE_MAX  (RTT_RTO_MAX * 4)

void rtt_init(struct rtt *r)
{
	*r = (struct rtt){ .rto = RTT_RTO_INITIAL, .min = ADIT_NEVER, .min_next = ADIT_NEVER };
}

/* The minimum is that of this half of the window and of the one before. */
static void update_min(struct rtt *r, adit_time sample, adit_time now)
{
	if (now - r->min_since >= MIN_WINDOW / 2) {
		r->min = now - r->min_since < MIN_WINDOW ? r->min_next : ADIT_NEVER;
		r->min_next = ADIT_NEVER;
		r->min_since = now;
	}
	if (sample < r->min_next)
		r->min_next = sample;
	if (sample < r->min)
		r->min = sample;
}

/* How many samples share the weight that RFC 6298 gives to one a round trip. */
static int64_t sharers(struct rtt *r, unsigned in_flight_segs, adit_time now)
{
	unsigned expected = in_flight_segs / 2 + in_flight_segs % 2; /* an ACK for every other one */

	if (now - r->round_since >= r->srtt) {
		r->round_last = r->round_cnt;
		r->round_cnt = 0;
		r->round_since = now;
	}
	if (r->round_cnt < UINT16_MAX)
		r->round_cnt++;
	if (expected > r->round_last)
		expected = r->round_last;
	return expected ? expected : 1;
}

static void smooth(struct rtt *r, adit_time sample, int64_t n)
{
	adit_time err = sample - r->srtt;

	r->rttvar += ((err < 0 ? -err : err) - r->rttvar) / (4 * n);
	r->srtt += err / (8 * n);
	if (r->srtt < 1)
		r->srtt = 1;
}

void rtt_sample(struct rtt *r, adit_time sample, unsigned in_flight_segs, adit_time now)
{
	adit_time var;

	if (sample < 1)
		sample = 1;
	if (sample > SAMPLE_MAX)
		sample = SAMPLE_MAX;
	update_min(r, sample, now);
	if (!r->srtt) {
		r->srtt = sample;
		r->rttvar = sample / 2;
		r->round_since = now;
		r->round_cnt = 1;
	} else {
		smooth(r, sample, sharers(r, in_flight_segs, now));
	}
	var = 4 * r->rttvar;
	r->rto = r->srtt + (var > RTT_RTO_MIN ? var : RTT_RTO_MIN);
	if (r->rto > RTT_RTO_MAX)
		r->rto = RTT_RTO_MAX;
	r->backoff = 0;
}

adit_time rtt_rto(const struct rtt *r)
{
	adit_time rto = r->rto;

	for (unsigned i = 0; i < r->backoff && rto < RTT_RTO_MAX; i++)
		rto *= 2;
	return rto < RTT_RTO_MAX ? rto : RTT_RTO_MAX;
}

void rtt_back_off(struct rtt *r)
{
	if (r->backoff < 32)
		r->backoff++;
}
