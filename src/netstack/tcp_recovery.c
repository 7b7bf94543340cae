/* SPDX-License-Identifier: ISC */
/*
 * tcp_recovery.c - what an ACK means for what is in flight: losses found
 * (RACK, RFC 8985), the window while they are mended (PRR, RFC 9937),
 * reductions taken back when they prove wrong (Eifel, RFC 3522 and 4015;
 * DSACK, RFC 3708; F-RTO, RFC 5682), growth otherwise.
 *
 *   trouble    the window                       leads out
 *   ORDERLY    grows as cc says                 loss found: RECOVERY; timeout: LOSS
 *   RECOVERY   by PRR towards ssthresh          `recover` acked, or undone: ORDERLY; timeout: LOSS
 *   LOSS       slow start from one segment      `recover` acked, or undone: ORDERLY
 */
#include "base/inet.h"
#include "netstack/tcp.h"

enum { DUP_ACK_THRESHOLD = 3 };

/* --- undo --------------------------------------------------------------------------- */

static void may_undo_later(struct tcp *t)
{
	t->undo_ok = true;
	t->mended = false;
	t->undo_una = t->sb.una;
	t->undo_resent = 0;
	t->undo_ts = 0;
}

void tcp_note_resent(struct tcp *t, uint32_t len, adit_time now)
{
	if (t->undo_ok && t->undo_resent == 0 && t->undo_ts == 0)
		t->undo_ts = tcp_ts_now(t, now);
	t->undo_resent += len;
	t->bytes_resent += len;
	t->retransmits++;
	tcp_ns(t)->n.retransmitted_bytes += len;
}

/*
 * The ACK answers the original of what was sent again: its timestamp is older.
 * As long as other copies are under way they may yet be needed.
 */
static bool original_answered(struct tcp *t, const struct tcp_acked *a)
{
	if (!a->sb.resent_acked || !a->sb.acked || !a->has_ts || !t->undo_ts)
		return false;
	if ((int32_t)(a->ts_ecr - t->undo_ts) >= 0) {
		t->mended = true;
		return false;
	}
	return !t->mended && (t->sb.resent == 0 || seq_le(t->recover, t->sb.una));
}

/* Everything that was sent again has been reported as received twice. */
static bool all_were_duplicates(const struct tcp *t, const struct tcp_acked *a)
{
	return a->dsack && t->undo_ts && t->undo_resent == 0;
}

/* What was taken for lost came before any of it was sent again. */
static bool nothing_was_lost(const struct tcp *t, const struct tcp_acked *a)
{
	return t->trouble == TCP_RECOVERY && a->sb.delivered && t->undo_ts == 0 && t->sb.lost == 0;
}

/* After a timeout something arrived that was sent once only, before it. */
static bool timeout_was_early(const struct tcp *t, const struct tcp_acked *a)
{
	if (t->trouble != TCP_LOSS || !a->sb.original_acked || !t->sack_ok)
		return false;
	return seq_le(t->sb.una, t->recover) && (t->sb.sacked == 0 || seq_le(t->sb.highest_sacked, t->recover));
}

static void undo(struct tcp *t, adit_time now)
{
	if (t->trouble != TCP_ORDERLY)
		scoreboard_undo(&t->sb);
	if (t->trouble == TCP_RECOVERY)
		t->sb.rack.reordering_seen = true; /* late, not lost: three SACKed segments prove nothing here */
	t->cc.ops->undo(&t->cc, now);
	t->trouble = TCP_ORDERLY;
	t->undo_ok = false;
	t->undos++;
}

static void undo_if_wrong(struct tcp *t, const struct tcp_acked *a, adit_time now)
{
	if (!t->undo_ok)
		return;
	if (original_answered(t, a) || all_were_duplicates(t, a) || timeout_was_early(t, a) || nothing_was_lost(t, a))
		undo(t, now);
}

/* --- recovery ------------------------------------------------------------------------ */

/* RFC 5681 2: sent and not yet acknowledged cumulatively. */
static uint32_t flight_size(const struct tcp *t, const struct tcp_acked *a)
{
	return t->sb.end - a->una_before;
}

static void enter_recovery(struct tcp *t, const struct tcp_acked *a, adit_time now)
{
	/* RFC 9937 5: what was SACKed before is not counted as delivered in recovery */
	uint32_t flight = t->sb.end - t->sb.una - (t->sb.sacked - a->sb.sacked) + a->sb.acked;

	t->trouble = TCP_RECOVERY;
	t->recover = t->sb.end;
	t->recoveries++;
	may_undo_later(t);
	t->cc.ops->on_loss(&t->cc, flight_size(t, a), now);
	prr_begin(&t->prr, flight);
	t->tlp_open = t->tlp_due = false;
	t->at[TCP_AT_TLP] = ADIT_NEVER;
}

static void leave_recovery(struct tcp *t)
{
	if (t->trouble == TCP_RECOVERY) /* from below, or from above: one ACK may end it at once (RFC 9937 5) */
		t->cc.cwnd = t->cc.ssthresh;
	scoreboard_recovery_done(&t->sb);
	t->trouble = TCP_ORDERLY;
	t->dup_acks = 0;
}

static uint32_t find_losses(struct tcp *t, const struct tcp_acked *a, adit_time now)
{
	uint32_t lost = 0;
	adit_time reo, again;

	if (!t->sack_ok) { /* NewReno, RFC 6582 */
		bool partial = t->trouble == TCP_RECOVERY && a->sb.acked && seq_lt(t->sb.una, t->recover);

		if (partial || (t->trouble == TCP_ORDERLY && t->dup_acks == DUP_ACK_THRESHOLD))
			lost = scoreboard_first_lost(&t->sb, t->mss);
		return lost;
	}
	reo = scoreboard_reo_wnd(&t->sb, t->trouble != TCP_ORDERLY, t->mss, t->rtt.min, t->rtt.srtt);
	again = scoreboard_detect_loss(&t->sb, reo, &lost, now);
	tcp_set_deadline(t, TCP_AT_REORDER, again);
	return lost;
}

void tcp_reorder_expired(struct tcp *t, adit_time now)
{
	struct tcp_acked none = { .in_flight_before = scoreboard_in_flight(&t->sb), .una_before = t->sb.una };

	if (find_losses(t, &none, now) && t->trouble == TCP_ORDERLY)
		enter_recovery(t, &none, now);
	if (t->trouble == TCP_RECOVERY)
		t->cc.cwnd = prr_ack(&t->prr, 0, scoreboard_in_flight(&t->sb), t->cc.ssthresh, t->cc.mss, false);
	tcp_want_out(t);
}

/* --- tail loss probes (RFC 8985 7.4) --------------------------------------------------- */

static void look_at_probe(struct tcp *t, const struct tcp_acked *a, adit_time now)
{
	if (!t->tlp_open)
		return;
	if (t->tlp_resent && a->dsack) { /* both copies arrived: nothing was lost */
		t->tlp_open = false;
		return;
	}
	if (seq_lt(t->sb.una, t->tlp_end))
		return;
	t->tlp_open = false;
	if (t->tlp_resent && t->trouble == TCP_ORDERLY) { /* the probe mended a loss: congestion all the same */
		t->cc.ops->on_loss(&t->cc, flight_size(t, a), now);
		t->cc.cwnd = t->cc.ssthresh;
		t->undo_ok = false;
	}
}

/* --- the window ------------------------------------------------------------------------ */

static void answer_ecn(struct tcp *t, const struct tcp_acked *a, adit_time now)
{
	if (!a->ece || t->trouble != TCP_ORDERLY || seq_lt(t->sb.una, t->ecn_recover))
		return;
	t->cc.ops->on_ecn(&t->cc, flight_size(t, a), now);
	t->ecn_recover = t->sb.end; /* once a window (RFC 3168 6.1.2) */
	t->ecn_cwr_due = true;
}

static void grow(struct tcp *t, const struct tcp_acked *a, bool round_start, adit_time now)
{
	struct cc_ack ack = {
		.delivered = a->sb.delivered,
		.in_flight = a->in_flight_before,
		.cwnd_limited = t->cwnd_blocked || seq_lt(a->una_before, t->cwnd_blocked_seq),
		.round_start = round_start,
		.rtt = a->sb.rtt,
		.srtt = t->rtt.srtt,
		.min_rtt = t->rtt.min == ADIT_NEVER ? 0 : t->rtt.min,
	};

	if (a->sb.delivered)
		t->cc.ops->on_ack(&t->cc, &ack, now);
}

static void resume_by_prr(struct tcp *t, const struct tcp_acked *a, uint32_t newly_lost)
{
	uint32_t delivered = a->sb.delivered;

	if (!t->sack_ok && !delivered)
		delivered = t->mss; /* a duplicate ACK: a segment left the network */
	t->cc.cwnd = prr_ack(&t->prr, delivered, scoreboard_in_flight(&t->sb), t->cc.ssthresh, t->cc.mss,
			     a->sb.acked && !newly_lost);
	if (t->prr.out == 0 && t->sb.lost && t->cc.cwnd < scoreboard_in_flight(&t->sb) + t->mss)
		t->cc.cwnd = scoreboard_in_flight(&t->sb) + t->mss; /* the fast retransmit itself never waits */
}

void tcp_after_ack(struct tcp *t, const struct tcp_acked *a, adit_time now)
{
	bool round_start = seq_le(t->round_end, t->sb.una), was_recovery, ended = false;
	uint32_t lost;

	if (round_start) {
		t->round_end = t->sb.end;
		tcp_update_mss(t, now); /* what is known of the path is forgotten in time */
	}
	if (a->sb.acked)
		t->dup_acks = t->trouble == TCP_ORDERLY ? 0 : t->dup_acks;
	if (a->dsack)
		scoreboard_dsack(&t->sb, t->sb.end);
	undo_if_wrong(t, a, now);
	look_at_probe(t, a, now);
	lost = find_losses(t, a, now);
	if (t->trouble != TCP_ORDERLY && seq_le(t->recover, t->sb.una)) {
		ended = t->trouble == TCP_RECOVERY;
		leave_recovery(t);
		lost = t->sb.lost; /* sent after `recover`: congestion anew */
	}
	was_recovery = t->trouble == TCP_RECOVERY;
	if (lost && t->trouble == TCP_ORDERLY)
		enter_recovery(t, a, now);
	answer_ecn(t, a, now);
	if (t->trouble == TCP_RECOVERY)
		resume_by_prr(t, a, was_recovery ? lost : 0);
	else if (!ended)
		grow(t, a, round_start, now);
}

void tcp_enter_loss(struct tcp *t, adit_time now)
{
	bool first = t->trouble != TCP_LOSS || !seq_lt(t->sb.una, t->recover) || t->tries <= 1;
	uint32_t flight = t->sb.end - t->sb.una;
	bool reneged = t->sb.sacked && t->tries > 2;

	if (first)
		may_undo_later(t);
	else
		t->undo_ok = false; /* sent twice in vain: there is nothing to take back */
	scoreboard_all_lost(&t->sb, reneged);
	t->cc.ops->on_rto(&t->cc, flight, first, now);
	t->trouble = TCP_LOSS;
	t->recover = t->sb.end;
	t->tlp_open = t->tlp_due = false;
	tcp_set_deadline(t, TCP_AT_REORDER, ADIT_NEVER);
}

void tcp_send_all_again(struct tcp *t, adit_time now)
{
	scoreboard_all_lost(&t->sb, false);
	t->undo_ok = false;
	t->pace_at = now;
	tcp_want_out(t);
}
