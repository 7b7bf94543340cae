/* SPDX-License-Identifier: ISC */
/* tcp_in.c - a segment arrives (RFC 9293 3.10.7, with RFC 5961 and RFC 7323) */
#include <errno.h>

#include "base/inet.h"
#include "netstack/tcp.h"

#define PAWS_FORGET (24 * 86400) /* s */
#define ODD_INTERVAL_MS 100
#define SYN_SOON     (2 * ADIT_MSEC)

enum { ECN_CE = 3 };

/* --- answers to odd segments ------------------------------------------------------- */

/* An ACK that tells where we are; so seldom that two ends cannot keep each
 * other busy with them (RFC 5961 7). */
void tcp_send_challenge_ack(struct tcp *t, adit_time now)
{
	if (t->challenged_at && tcp_ms(now) - t->challenged_at < ODD_INTERVAL_MS)
		return;
	t->challenged_at = tcp_ms(now);
	tcp_ns(t)->n.challenge_acks++;
	tcp_ack_now(t);
}

/* --- acceptability ------------------------------------------------------------------- */

static bool paws_rejects(const struct tcp *t, const struct tcp_options *o, const struct tcp_segment *seg, adit_time now)
{
	return t->ts_ok && o->has_ts && !(seg->flags & ADIT_TCP_RST) && (int32_t)(o->ts_val - t->ts_recent) < 0 &&
	       (uint32_t)(now / ADIT_SEC) - t->ts_recent_at < PAWS_FORGET;
}

static uint32_t segment_end(const struct tcp_segment *seg)
{
	return seg->seq + seg->len + (seg->flags & ADIT_TCP_SYN ? 1 : 0) + (seg->flags & ADIT_TCP_FIN ? 1 : 0);
}

/* Touches what lies between the last ACK sent and the right edge. The edge
 * itself counts: that is where probes of a closed window stand. */
static bool in_window(const struct tcp *t, const struct tcp_segment *seg)
{
	return seq_le(t->last_ack_sent, segment_end(seg)) && seq_le(seg->seq, tcp_rcv_nxt(t) + tcp_rcv_wnd(t));
}

static void not_acceptable(struct tcp *t, const struct tcp_segment *seg, enum adit_drop why, adit_time now)
{
	ns_drop(tcp_ns(t), why, 1);
	if (seg->flags & ADIT_TCP_RST)
		return;
	if (seg->len && seq_lt(seg->seq, t->rq.next)) { /* sent again needlessly: say so (RFC 2883) */
		t->dsack = (struct recvq_range){ seg->seq, seq_min(seg->seq + seg->len, t->rq.next) };
		tcp_ack_now(t);
		return;
	}
	tcp_send_challenge_ack(t, now);
}

/* --- SYN-SENT -------------------------------------------------------------------------- */

/*
 * An ACK of something else. It is denied; and if the peer still remembers an
 * older connection of these ports (in TIME-WAIT, while we were started anew
 * and our sequence numbers lie behind its own), the RST ends that, and our SYN
 * need not wait for its timeout.
 */
static void strange_ack_in(struct tcp *t, const struct tcp_segment *seg, adit_time now)
{
	struct adit_netstack *ns = tcp_ns(t);

	ns_drop(ns, ADIT_DROP_bad_ack, 1);
	if (seg->flags & ADIT_TCP_RST)
		return;
	tcp_send_reset(ns, seg, now);
	if (t->tries == 0 && t->last_sent)
		tcp_set_deadline(t, TCP_AT_RTO, now + SYN_SOON);
}

static void syn_sent_in(struct tcp *t, const struct tcp_segment *seg, adit_time now)
{
	struct adit_netstack *ns = tcp_ns(t);
	bool acks = seg->flags & ADIT_TCP_ACK;
	struct tcp_options o;

	if (acks && (seg->ack != t->iss + 1 || t->last_sent == 0)) {
		strange_ack_in(t, seg, now);
		return;
	}
	if (seg->flags & ADIT_TCP_RST) {
		ns->n.resets_in++;
		if (acks)
			tcp_die(t, -ECONNREFUSED);
		else
			ns_drop(ns, ADIT_DROP_bad_rst, 1);
		return;
	}
	if (!(seg->flags & ADIT_TCP_SYN))
		return;
	tcp_options_read(&o, seg->options, seg->options_len);
	tcp_take_syn(t, seg, &o, now);
	if (acks) {
		t->ecn_ok = t->ecn_syn && (seg->flags & (ADIT_TCP_ECE | ADIT_TCP_CWR)) == ADIT_TCP_ECE;
		if (t->tries == 0)
			rtt_sample(&t->rtt, now - t->last_sent, 1, now);
		t->rtt.backoff = 0;
		t->snd_wl2 = seg->ack;
		tcp_established(t, now);
		tcp_ack_now(t);
		return;
	}
	/* both sides opened at once (RFC 9293 3.5, figure 8) */
	t->state = TCP_SYN_RECEIVED;
	ns->syn_cnt++;
	t->ecn_syn = false;
	t->syn_due = true;
	tcp_want_out(t);
}

/* --- SYN-RECEIVED ------------------------------------------------------------------------ */

/* Returns whether the segment is to be looked at further: the connection is established. */
static bool syn_received_in(struct tcp *t, const struct tcp_segment *seg, adit_time now)
{
	bool syn = seg->flags & ADIT_TCP_SYN, acks = seg->flags & ADIT_TCP_ACK && seg->ack == t->iss + 1;

	if (syn && !(acks && seg->seq == t->irs)) {
		if (seg->seq == t->irs && !t->held) {
			t->syn_due = true;
			tcp_want_out(t);
		}
		return false;
	}
	if (!(seg->flags & ADIT_TCP_ACK) || t->held)
		return false;
	if (!syn && !in_window(t, seg)) {
		not_acceptable(t, seg, ADIT_DROP_out_of_window, now);
		return false;
	}
	if (seg->ack != t->iss + 1) {
		ns_drop(tcp_ns(t), ADIT_DROP_bad_ack, 1);
		tcp_send_reset(tcp_ns(t), seg, now);
		return false;
	}
	if (t->tries == 0)
		rtt_sample(&t->rtt, now - t->last_sent, 1, now);
	t->rtt.backoff = 0;
	t->ecn_ok = t->ecn_syn;
	t->snd_wnd = t->max_wnd = (uint32_t)seg->wnd << (syn ? 0 : t->snd_scale);
	t->snd_wl1 = seg->seq;
	t->snd_wl2 = seg->ack;
	tcp_established(t, now);
	if (syn) /* both opened at once: the peer's SYN again, with its ACK of ours */
		tcp_ack_now(t);
	return !syn;
}

/* --- RST and SYN in a synchronized state -------------------------------------------------- */

static void reset_in(struct tcp *t, const struct tcp_segment *seg, adit_time now)
{
	struct adit_netstack *ns = tcp_ns(t);

	if (seg->seq != tcp_rcv_nxt(t) && !(t->state == TCP_SYN_RECEIVED && seg->seq == t->irs + 1)) {
		ns_drop(ns, ADIT_DROP_bad_rst, 1);
		if (t->state != TCP_SYN_RECEIVED)
			tcp_send_challenge_ack(t, now); /* RFC 5961 3.2 */
		return;
	}
	ns->n.resets_in++;
	tcp_die(t, t->state == TCP_CLOSING || t->state == TCP_LAST_ACK ? 0 : -ECONNRESET);
}

/* --- text ------------------------------------------------------------------------------------ */

static void acknowledge(struct tcp *t, const struct recvq_added *a, adit_time now)
{
	if (a->out_of_order || a->filled || a->refused || a->dup.from != a->dup.to) {
		if (!t->sack_ok && a->out_of_order && t->dup_acks_due < TCP_DUP_ACKS_MAX)
			t->dup_acks_due++;
		tcp_ack_now(t);
		return;
	}
	t->unacked_rcvd += a->advanced;
	if (t->unacked_rcvd >= 2u * t->rcv_mss || t->quick_acks) {
		if (t->quick_acks)
			t->quick_acks--;
		tcp_ack_now(t);
	} else if (t->at[TCP_AT_DELACK] == ADIT_NEVER) {
		tcp_set_deadline(t, TCP_AT_DELACK, now + TCP_DELACK);
	}
}

static void measure_segment(struct tcp *t, const struct tcp_segment *seg)
{
	uint32_t size = seg->gso_size ? seg->gso_size : seg->len;

	if (size > t->rcv_mss && size <= 65535)
		t->rcv_mss = (uint16_t)size;
}

static void text_in(struct tcp *t, const struct tcp_segment *seg, const struct tcp_options *o, adit_time now)
{
	uint32_t edge = t->rq.next + tcp_rcv_wnd(t), end = seg->seq + seg->len, len = seg->len;
	struct recvq_added a = { 0 };

	if (seq_lt(edge, end)) {
		ns_drop(tcp_ns(t), ADIT_DROP_out_of_window, 1);
		len = seq_lt(seg->seq, edge) ? edge - seg->seq : 0;
		tcp_ack_now(t);
	}
	if (len == 0)
		return;
	measure_segment(t, seg);
	recvq_add(&t->rq, seg->seq, len, seg->iov, seg->cnt, seg->skip, &a);
	if (a.refused)
		ns_drop(tcp_ns(t), ADIT_DROP_no_memory, 1);
	if (a.dup.from != a.dup.to)
		t->dsack = a.dup;
	if (a.advanced) {
		tcp_drs_rtt(t, o, seg, now);
		ns_event(&t->sock, ADIT_EV_READABLE);
		if (adit_list_empty(&t->borrowing_link))
			adit_list_add_tail(&tcp_ns(t)->borrowing, &t->borrowing_link);
	}
	acknowledge(t, &a, now);
}

/* --- FIN ----------------------------------------------------------------------------------- */

static void fin_in_order(struct tcp *t, adit_time now)
{
	t->fin_rcvd = true;
	tcp_ack_now(t);
	ns_event(&t->sock, ADIT_EV_EOF | ADIT_EV_READABLE);
	switch ((enum tcp_state)t->state) {
	case TCP_ESTABLISHED:
		tcp_enter(t, TCP_CLOSE_WAIT);
		return;
	case TCP_FIN_WAIT_1:
		tcp_enter(t, TCP_CLOSING);
		return;
	case TCP_FIN_WAIT_2:
		tcp_finish(t, now);
		return;
	case TCP_SYN_SENT:
	case TCP_SYN_RECEIVED:
	case TCP_CLOSE_WAIT:
	case TCP_CLOSING:
	case TCP_LAST_ACK:
	case TCP_CLOSED:
		return;
	}
}

void tcp_take_fin(struct tcp *t, adit_time now)
{
	if (t->fin_seen && !t->fin_rcvd && t->fin_seq == t->rq.next)
		fin_in_order(t, now);
}

static void look_for_fin(struct tcp *t, const struct tcp_segment *seg, adit_time now)
{
	if (seg->flags & ADIT_TCP_FIN && !t->fin_seen && seq_le(seg->seq + seg->len, t->rq.next + tcp_rcv_wnd(t))) {
		t->fin_seen = true;
		t->fin_seq = seg->seq + seg->len;
	}
	if (adit_list_empty(&t->borrowing_link)) /* else when what is borrowed is read, or stored: tcp_settle */
		tcp_take_fin(t, now);
}

static bool receives(const struct tcp *t)
{
	return t->state == TCP_ESTABLISHED || t->state == TCP_FIN_WAIT_1 || t->state == TCP_FIN_WAIT_2;
}

/* --- any segment of a connection ------------------------------------------------------------ */

static void note_timestamp(struct tcp *t, const struct tcp_segment *seg, const struct tcp_options *o, adit_time now)
{
	if (t->ts_ok && o->has_ts && seq_le(seg->seq, t->last_ack_sent) && (int32_t)(o->ts_val - t->ts_recent) >= 0) {
		t->ts_recent = o->ts_val;
		t->ts_recent_at = (uint32_t)(now / ADIT_SEC);
	}
}

static void note_ecn(struct tcp *t, const struct tcp_segment *seg)
{
	if (!t->ecn_ok)
		return;
	if (seg->flags & ADIT_TCP_CWR)
		t->ecn_echo = false;
	if ((seg->tos & 3) == ECN_CE) {
		if (!t->ecn_echo)
			tcp_ack_now(t);
		t->ecn_echo = true;
	}
}

/* Acceptable as far as sequence numbers and timestamps go? */
static bool acceptable(struct tcp *t, const struct tcp_segment *seg, const struct tcp_options *o, adit_time now)
{
	if (paws_rejects(t, o, seg, now)) {
		not_acceptable(t, seg, ADIT_DROP_paws, now);
		return false;
	}
	if (t->state != TCP_SYN_RECEIVED && !in_window(t, seg)) {
		not_acceptable(t, seg, ADIT_DROP_out_of_window, now);
		return false;
	}
	return true;
}

static void connection_in(struct tcp *t, const struct tcp_segment *seg, adit_time now)
{
	struct tcp_options o;

	tcp_options_read(&o, seg->options, seg->options_len);
	if (!acceptable(t, seg, &o, now))
		return;
	if (seg->flags & ADIT_TCP_RST) {
		reset_in(t, seg, now);
		return;
	}
	if (t->state == TCP_SYN_RECEIVED) {
		if (seg->flags & ADIT_TCP_SYN && seg->seq == t->irs) /* again, while the program makes up its mind */
			note_timestamp(t, seg, &o, now);
		if (!syn_received_in(t, seg, now))
			return;
	} else if (seg->flags & ADIT_TCP_SYN) {
		tcp_send_challenge_ack(t, now); /* RFC 5961 4.2 */
		return;
	}
	if (!(seg->flags & ADIT_TCP_ACK))
		return;
	t->last_heard = tcp_ms(now);
	note_timestamp(t, seg, &o, now);
	note_ecn(t, seg);
	if (!tcp_ack_in(t, seg, &o, now))
		return;
	if (!receives(t)) {
		if (seg->len || seg->flags & ADIT_TCP_FIN)
			tcp_ack_now(t); /* our ACK of the FIN was lost */
		return;
	}
	if (t->sock.orphan && seq_lt(t->rq.next, seg->seq + seg->len)) {
		tcp_kill(t, 0, now); /* nobody will read it (RFC 2525 2.17) */
		return;
	}
	if (seg->len)
		text_in(t, seg, &o, now);
	look_for_fin(t, seg, now);
}

void tcp_in(struct adit_netstack *ns, const struct tcp_segment *seg, adit_time now)
{
	struct tcp *t = flow_find(ns, &seg->local, &seg->remote);
	struct tcp_listener *l;
	uint32_t isn_floor = 0;

	if (t) {
		if (t->state == TCP_SYN_SENT)
			syn_sent_in(t, seg, now);
		else
			connection_in(t, seg, now);
		return;
	}
	if (time_wait_in(ns, seg, &isn_floor, now))
		return;
	if ((seg->flags & (ADIT_TCP_SYN | ADIT_TCP_ACK | ADIT_TCP_RST | ADIT_TCP_FIN)) == ADIT_TCP_SYN) {
		l = tcp_listener_find(ns, &seg->local);
		if (l) {
			tcp_syn_in(l, seg, isn_floor, now);
			return;
		}
	}
	ns_drop(ns, ADIT_DROP_no_flow, 1);
	if (!(seg->flags & ADIT_TCP_RST))
		tcp_send_reset(ns, seg, now);
}
