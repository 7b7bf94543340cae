/* SPDX-License-Identifier: ISC */
/*
 * scoreboard.h - what was sent and not yet acknowledged cumulatively, and the
 * fate of each part: RFC 6675's pipe and RFC 8985 (RACK-TLP) need no more.
 *
 * DOC: records
 *
 * A record is a range sent together. It starts as long as a train and is
 * split where a SACK, a loss or a partial retransmission ends inside it
 * (splits are rounded down to a multiple of the record's own mss from its
 * start, so that a retransmission is made of the segments that were sent; a
 * SACK edge that is no such multiple splits exactly). Neighbours that are both
 * SACKED become one record. A FIN counts as one byte at the end of the stream.
 * Records stand in a balanced tree by sequence (scoreboard_tree.c), threaded,
 * so that what is sent last is added and what was sent first is taken away
 * without a walk.
 *
 * How many there may be is bound (SB_RECORDS_*): what a peer's SACK blocks
 * would split beyond that is not noted, as if the block had not come.
 *
 *   state        in flight?   leads out
 *   SENT         yes          acked; SACKED; LOST (RACK, RTO)
 *   LOST         no           acked; SACKED; RESENT when it is sent again
 *   RESENT       yes          acked; SACKED; LOST (RACK, RTO)
 *   SACKED       no           acked; LOST only when the receiver reneged (RTO)
 *
 * That a range was sent again is remembered beside its state, for Karn's rule.
 *
 * The byte counters are exact at every moment: sacked + lost + in flight =
 * end - una. scoreboard_check recounts them (test builds).
 */
#ifndef ADIT_NETSTACK_SCOREBOARD_H
#define ADIT_NETSTACK_SCOREBOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/time.h"

/* At most SB_RECORDS_MIN + one for SB_RECORDS_BYTES of what is outstanding. */
#define SB_RECORDS_MIN   256
#define SB_RECORDS_BYTES 256

struct sb_record; /* scoreboard_tree.h */

struct scoreboard {
	uint32_t una, end;     /* [una, end) was sent */
	uint32_t sacked, lost; /* bytes */
	uint32_t resent;       /* bytes in state RESENT (a part of what is in flight) */
	uint32_t highest_sacked; /* end of the highest SACKed byte; valid while sacked > 0 */
	unsigned records;
	uint32_t memory;       /* bytes of records, for the caller's books */
	struct sb_record *root;     /* by sequence; the implementation's */
	struct sb_record *first, *last; /* lowest and highest */
	struct adit_list by_time;   /* in order of last transmission, then sequence; SENT and RESENT alone */
	struct sb_record *spare;    /* free records kept */

	/* RACK, RFC 8985 6.1 */
	struct sb_rack {
		adit_time xmit_time;  /* of the most recently sent segment that was delivered */
		adit_time rtt;        /* of that one */
		uint32_t end_seq;
		uint32_t fack;        /* highest delivered */
		uint32_t dsack_round;
		uint16_t reo_wnd_mult;
		uint8_t reo_wnd_persist; /* recoveries until reo_wnd_mult is 1 again */
		bool reordering_seen : 1;
		bool dsack_round_set : 1;
	} rack;
	unsigned spare_cnt;
};

void scoreboard_init(struct scoreboard *sb, uint32_t seq);
void scoreboard_fini(struct scoreboard *sb);

static inline uint32_t scoreboard_in_flight(const struct scoreboard *sb)
{
	return sb->end - sb->una - sb->sacked - sb->lost;
}

/* New bytes [end, end + len) were sent as segments of mss. Returns 0 or -ENOMEM (nothing recorded). */
int scoreboard_sent(struct scoreboard *sb, uint32_t len, uint32_t mss, adit_time now);
/* The lowest LOST range; at most max bytes (rounded down to whole segments when
 * shorter than the record: 0 when max is below one). Returns its length, 0 =
 * none. *mss is the segment size it was sent with. */
uint32_t scoreboard_next_lost(struct scoreboard *sb, uint32_t max, uint32_t *seq, uint32_t *mss);
/* [seq, seq + len), lying in one LOST, SENT or RESENT record, was sent again
 * (a probe sends what is not lost). 0 or -ENOMEM. */
int scoreboard_resent(struct scoreboard *sb, uint32_t seq, uint32_t len, adit_time now);

/* What one arriving ACK did; zeroed by the caller before its first call, but
 * for what RFC 8985 6.2 step 2 wants to know: was the original or the
 * retransmission delivered? */
struct sb_ack {
	adit_time ts_echo;       /* given: last moment of the clock tick in TSecr; 0 = no timestamps. For scoreboard_ack */
	adit_time min_rtt;       /* given: 0 or ADIT_NEVER = none known */

	uint32_t acked;          /* bytes acknowledged cumulatively by this ACK */
	uint32_t sacked;         /* bytes newly SACKed */
	uint32_t delivered;      /* newly delivered: acked that were not SACKed before + sacked */
	adit_time rtt;           /* of the newest delivered range never sent again, 0 = no sample */
	bool resent_acked;       /* something that had been sent again was acked or SACKed */
	bool original_acked;     /* something delivered that was never sent again (F-RTO, RFC 5682) */
	bool sack_seen;          /* the ACK changed the SACK scoreboard */

	bool begun;              /* the implementation's: */
	uint32_t fack;           /* highest delivered before this ACK */
	adit_time newest;        /* when that which rtt is of was sent */
};
/* Cumulative part first. una within [sb->una, sb->end]. */
void scoreboard_ack(struct scoreboard *sb, uint32_t una, struct sb_ack *r, adit_time now);
/* One SACK block above una, in any order; parts outside [una, end] are ignored. */
void scoreboard_sack(struct scoreboard *sb, uint32_t from, uint32_t to, struct sb_ack *r, adit_time now);

/*
 * RACK: marks LOST what was sent so long before something that was delivered
 * that only loss explains it. reo_wnd as computed by scoreboard_reo_wnd.
 * Returns when to look again (ADIT_NEVER: no need). *newly_lost += bytes.
 */
adit_time scoreboard_detect_loss(struct scoreboard *sb, adit_time reo_wnd, uint32_t *newly_lost, adit_time now);
/* RFC 8985 6.2 step 4: 0 while no reordering was seen and in recovery or three
 * segments SACKed; else min(mult * min_rtt / 4, srtt). */
adit_time scoreboard_reo_wnd(const struct scoreboard *sb, bool in_recovery, uint32_t mss, adit_time min_rtt,
			     adit_time srtt);
/* A DSACK arrived: widens the reordering window, once a round trip. */
void scoreboard_dsack(struct scoreboard *sb, uint32_t snd_nxt);
/* A recovery ended (towards narrowing the window again). */
void scoreboard_recovery_done(struct scoreboard *sb);
/* RTO: everything not SACKed is LOST; with `reneged` SACKed ranges as well. Returns bytes newly lost. */
uint32_t scoreboard_all_lost(struct scoreboard *sb, bool reneged);
/* The same by RFC 8985 6.3: the first segment, and what RACK would by now call
 * lost whatever was delivered; younger segments stay in flight. */
uint32_t scoreboard_rto_lost(struct scoreboard *sb, uint32_t mss, adit_time reo_wnd, adit_time now);
/* Segments are at most mss long from now on (the path's MTU fell): so are those
 * that are sent again. */
void scoreboard_set_mss(struct scoreboard *sb, uint32_t mss);
/* A recovery was found spurious: LOST ranges are in flight again, as SENT (RESENT
 * if they had been sent again). */
void scoreboard_undo(struct scoreboard *sb);
/* RFC 6675 when the peer has no SACK: three duplicate ACKs: the first segment is lost. */
uint32_t scoreboard_first_lost(struct scoreboard *sb, uint32_t mss);
/* When [una...] was last sent; 0 = nothing outstanding. */
adit_time scoreboard_oldest_sent(const struct scoreboard *sb);
/* Was the first unacknowledged record sent again? */
bool scoreboard_first_resent(const struct scoreboard *sb);
/* The last segment sent, for a tail loss probe: the highest not SACKed range
 * of at most mss bytes. Returns its length. */
uint32_t scoreboard_tail(const struct scoreboard *sb, uint32_t mss, uint32_t *seq);
/* Recounts; true when every counter and order is right. */
bool scoreboard_check(const struct scoreboard *sb);

#endif
