/* SPDX-License-Identifier: ISC */
/*
 * rtt.h - round-trip time and retransmission timeout (RFC 6298, with the
 * kernel's bounds: 200 ms at least, 120 s at most, 1 s before a sample), and
 * the windowed minimum that RACK and HyStart++ want.
 */
#ifndef ADIT_NETSTACK_RTT_H
#define ADIT_NETSTACK_RTT_H

#include <stdint.h>

#include "base/time.h"

#define RTT_RTO_MIN     (200 * ADIT_MSEC)
#define RTT_RTO_MAX     (120 * ADIT_SEC)
#define RTT_RTO_INITIAL ADIT_SEC

struct rtt {
	adit_time srtt, rttvar; /* 0 = no sample yet; never rounded to 0 by one */
	adit_time rto;          /* without backoff */
	adit_time min;          /* smallest sample of the last 300 s at most; ADIT_NEVER: none */
	adit_time min_since;    /* two-bucket window */
	adit_time min_next;
	adit_time round_since;  /* samples are counted by round trips */
	uint16_t round_cnt, round_last;
	uint8_t backoff;        /* doublings since the last sample */
};

void rtt_init(struct rtt *r);
/* in_flight in segments when the sample's segment was sent: several samples a
 * round trip count as one between them (RFC 7323 appendix G; fewer than are
 * expected there, because the peer acknowledges in trains, count for more). */
void rtt_sample(struct rtt *r, adit_time sample, unsigned in_flight_segs, adit_time now);
/* With backoff, at most RTT_RTO_MAX. */
adit_time rtt_rto(const struct rtt *r);
void rtt_back_off(struct rtt *r);

#endif
