/* SPDX-License-Identifier: ISC */
/*
 * cc.h - congestion control behind one face: CUBIC (RFC 9438) with HyStart++
 * (RFC 9406), Reno (RFC 5681) for comparison, and none for a loss-free local
 * path. Everything is in bytes; nothing here knows a connection.
 */
#ifndef ADIT_NETSTACK_CC_H
#define ADIT_NETSTACK_CC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"

struct cc;

/* What an ACK brought, outside recovery. */
struct cc_ack {
	uint32_t delivered;  /* bytes newly acknowledged, cumulatively or selectively */
	uint32_t in_flight;  /* before this ACK */
	bool cwnd_limited;   /* the window, not the application or the receiver, held us back */
	bool round_start;    /* first ACK of a new round trip */
	adit_time rtt;       /* this ACK's sample, 0 = none */
	adit_time srtt;      /* smoothed; 0 = none */
	adit_time min_rtt;
};

struct cc_ops {
	const char *name;
	void (*init)(struct cc *cc, adit_time now);
	/* Grows cwnd, never past cc->max. */
	void (*on_ack)(struct cc *cc, const struct cc_ack *ack, adit_time now);
	/* Recovery begins: sets ssthresh (cwnd follows by PRR); remembers for undo.
	 * in_flight, here and below: before anything was marked lost. */
	void (*on_loss)(struct cc *cc, uint32_t in_flight, adit_time now);
	/* Retransmission timeout: ssthresh, cwnd = 1 segment; remembers for undo
	 * (repeated timeouts of the same data do not lower ssthresh again). */
	void (*on_rto)(struct cc *cc, uint32_t in_flight, bool first, adit_time now);
	/* The last on_loss or on_rto was spurious. */
	void (*undo)(struct cc *cc, adit_time now);
	/* An ECN congestion mark came back (RFC 3168, CUBIC's beta). */
	void (*on_ecn)(struct cc *cc, uint32_t in_flight, adit_time now);
	/* Nothing was sent for longer than an RTO (RFC 2861, RFC 9438 5.8): `idle` long. */
	void (*on_idle)(struct cc *cc, adit_time idle, adit_time rto, adit_time now);
};

struct cc_hystart {
	adit_time last_min, current_min;
	adit_time css_baseline; /* conservative slow start: baseline minimum */
	uint32_t rtt_sample_cnt;
	uint8_t css_rounds;
	bool css;
};

struct cc_cubic {
	adit_time epoch;      /* start of the present avoidance epoch; 0 = none */
	adit_time app_limited_since; /* growth stands still meanwhile; 0 = not */
	uint32_t w_max, cwnd_epoch, w_est;
	uint32_t cwnd_prior;  /* cwnd when ssthresh was last set */
	uint32_t w_est_rest;  /* below one byte of w_est */
	uint32_t cwnd_rest;   /* below one byte of cwnd */
	adit_time k;
};

struct cc {
	const struct cc_ops *ops;
	uint32_t mss;
	uint32_t cwnd, ssthresh; /* bytes; ssthresh UINT32_MAX = none yet */
	uint32_t max;            /* cwnd never grows past it */
	struct cc_hystart hystart;
	struct cc_cubic cubic;
	struct { /* what a reduction changes, before it; cwnd 0: there is nothing to take back */
		uint32_t cwnd, ssthresh;
		adit_time epoch, k;
		uint32_t w_max, cwnd_epoch, w_est, cwnd_prior;
	} undo;
};

extern const struct cc_ops cc_cubic, cc_reno, cc_local;

/* Initial window of RFC 6928: 10 segments. */
void cc_init(struct cc *cc, const struct cc_ops *ops, uint32_t mss, uint32_t max, adit_time now);
/* The segment size changed (path MTU): window and thresholds keep their bytes,
 * but never less than 2 segments. */
void cc_set_mss(struct cc *cc, uint32_t mss);
/* Bytes a second at which to pace: 2 * cwnd / srtt in slow start, 1.2 * in
 * avoidance; 0 = do not pace. */
uint64_t cc_pacing_rate(const struct cc *cc, adit_time srtt);
static inline bool cc_slow_start(const struct cc *cc)
{
	return cc->cwnd < cc->ssthresh;
}

/* --- proportional rate reduction (RFC 9937) ------------------------------------ */

struct prr {
	uint32_t recover_fs; /* in flight when recovery began */
	uint32_t delivered, out;
};

/* flight_size: RecoverFS of RFC 9937 6: end - una before the ACK that began it,
 * without what was SACKed before that ACK. */
void prr_begin(struct prr *p, uint32_t flight_size);
/* cwnd for the moment after an ACK in recovery (the first, the one that began
 * it, included; the last excluded: there cwnd = ssthresh). safe_ack: it moved
 * una and brought no sign of further loss. */
uint32_t prr_ack(struct prr *p, uint32_t delivered, uint32_t in_flight, uint32_t ssthresh, uint32_t mss,
		 bool safe_ack);
static inline void prr_sent(struct prr *p, uint32_t bytes)
{
	p->out += bytes;
}

#endif
