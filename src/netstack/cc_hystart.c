/* SPDX-License-Identifier: ISC */
/*
 * cc_hystart.c - HyStart++ (RFC 9406): slow start ends when round trips grow
 * longer, before the queue overflows
 *
 * L, the limit on growth by a single ACK, is infinite: we pace.
 */
#include "netstack/cc_common.h"

#define MIN_RTT_THRESH     (4 * ADIT_MSEC)
#define MAX_RTT_THRESH     (16 * ADIT_MSEC)
#define MIN_RTT_DIVISOR    8
#define N_RTT_SAMPLE       8
#define CSS_GROWTH_DIVISOR 4
#define CSS_ROUNDS         5

void hystart_init(struct cc_hystart *h)
{
	*h = (struct cc_hystart){ .last_min = ADIT_NEVER, .current_min = ADIT_NEVER, .css_baseline = ADIT_NEVER };
}

/* Have this round's samples risen clearly above those of the last? */
static bool rises(const struct cc_hystart *h)
{
	adit_time thresh;

	if (h->rtt_sample_cnt < N_RTT_SAMPLE || h->current_min == ADIT_NEVER || h->last_min == ADIT_NEVER)
		return false;
	thresh = h->last_min / MIN_RTT_DIVISOR;
	if (thresh < MIN_RTT_THRESH)
		thresh = MIN_RTT_THRESH;
	if (thresh > MAX_RTT_THRESH)
		thresh = MAX_RTT_THRESH;
	return h->current_min >= h->last_min + thresh;
}

static void new_round(struct cc_hystart *h)
{
	h->last_min = h->current_min;
	h->current_min = ADIT_NEVER;
	h->rtt_sample_cnt = 0;
	if (h->css)
		h->css_rounds++; /* a part of a round counts as one */
}

uint32_t hystart_on_ack(struct cc_hystart *h, const struct cc_ack *ack, bool *done)
{
	*done = false;
	if (ack->round_start)
		new_round(h);
	if (ack->rtt) {
		h->rtt_sample_cnt++;
		if (ack->rtt < h->current_min)
			h->current_min = ack->rtt;
	}
	if (!h->css && rises(h)) {
		h->css = true;
		h->css_rounds = 0;
		h->css_baseline = h->current_min;
	} else if (h->css && h->rtt_sample_cnt >= N_RTT_SAMPLE && h->current_min < h->css_baseline) {
		h->css = false; /* it was a passing jitter */
		h->css_baseline = ADIT_NEVER;
	}
	*done = h->css && h->css_rounds >= CSS_ROUNDS;
	return h->css ? ack->delivered / CSS_GROWTH_DIVISOR : ack->delivered;
}
