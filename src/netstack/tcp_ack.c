/* SPDX-License-Identifier: ISC */
/* tcp_ack.c - what a segment's acknowledgement says (RFC 9293 3.10.7.4 fifth, RFC 2018, 2883, 5961 5) */
#include <string.h>

#include "base/inet.h"
#include "netstack/tcp.h"

#define WAKE_ROOM (128u << 10)

static bool acceptable_ack(struct tcp *t, const struct tcp_segment *seg, adit_time now)
{
	if (seq_lt(t->sb.end, seg->ack) || seq_lt(seg->ack, t->sb.una - t->max_wnd)) {
		ns_drop(tcp_ns(t), ADIT_DROP_bad_ack, 1);
		tcp_send_challenge_ack(t, now);
		return false;
	}
	return true;
}

static void update_window(struct tcp *t, const struct tcp_segment *seg)
{
	uint32_t wnd = (uint32_t)seg->wnd << t->snd_scale;

	/* the window counts from what is acknowledged: where that moves, an older window would reach too far,
	 * also when the segment was sent again and its own number is an old one */
	if (!seq_lt(t->sb.una, seg->ack) && !seq_lt(t->snd_wl1, seg->seq) &&
	    !(t->snd_wl1 == seg->seq && seq_le(t->snd_wl2, seg->ack)))
		return;
	t->snd_wnd = wnd;
	t->snd_wl1 = seg->seq;
	t->snd_wl2 = seg->ack;
	if (wnd > t->max_wnd)
		t->max_wnd = wnd;
}

/* RFC 2883 4: the first block repeats what is acknowledged, or lies inside the second. */
static bool is_dsack(const struct tcp_options *o, uint32_t ack)
{
	const struct recvq_range *a = &o->sack[0], *b = &o->sack[1];

	if (o->sack_cnt == 0 || !seq_lt(a->from, a->to))
		return false;
	if (seq_le(a->to, ack))
		return true;
	return o->sack_cnt > 1 && seq_le(b->from, a->from) && seq_le(a->to, b->to);
}

static void take_sack(struct tcp *t, const struct tcp_segment *seg, const struct tcp_options *o, struct tcp_acked *a,
		      adit_time now)
{
	a->dsack = t->sack_ok && is_dsack(o, seg->ack);
	if (!t->sack_ok)
		return;
	for (unsigned i = a->dsack ? 1 : 0; i < o->sack_cnt; i++) {
		if (seq_lt(o->sack[i].from, o->sack[i].to))
			scoreboard_sack(&t->sb, o->sack[i].from, o->sack[i].to, &a->sb, now);
	}
	if (a->dsack && t->undo_resent && seq_le(t->undo_una, o->sack[0].from)) {
		uint32_t len = o->sack[0].to - o->sack[0].from;

		/* one more of what was sent again came twice */
		t->undo_resent = len < t->undo_resent ? t->undo_resent - len : 0;
	}
}

/* Without SACK an ACK that repeats the last one stands for a segment that left the network. */
static void count_duplicate(struct tcp *t, const struct tcp_segment *seg, bool same_window)
{
	if (t->sack_ok)
		return;
	if (seg->ack == t->sb.una && seg->len == 0 && same_window && t->sb.una != t->sb.end) {
		if (t->dup_acks < UINT8_MAX)
			t->dup_acks++;
	}
}

static void release_sent(struct tcp *t, uint32_t ack)
{
	uint32_t end = tcp_stream_end(t), to = seq_min(ack, end);

	t->bytes_out += to - t->sq.una;
	sendq_ack(&t->sq, to);
}

/* Is so much free that a writer who is woken has something to do? A third, or WAKE_ROOM: on a long path most of the
 * limit is in flight, and a third of it would not be free before the flight shrinks. */
static bool worth_writing(const struct tcp *t)
{
	uint32_t limit = tcp_send_limit(t), least = limit / 3 < WAKE_ROOM ? limit / 3 : WAKE_ROOM;

	return t->sq.len <= limit && limit - t->sq.len >= least;
}

static void say_what_came(struct tcp *t)
{
	if (t->want_write && worth_writing(t)) {
		t->want_write = false;
		ns_event(&t->sock, ADIT_EV_WRITABLE);
	}
	if (!t->sent_said && t->sq.len == 0 && t->sb.una == t->sb.end && (!t->shutdown || t->fin_sent)) {
		t->sent_said = true;
		ns_event(&t->sock, ADIT_EV_SENT);
	}
}

/* Our FIN is acknowledged. Returns false when the connection is over. */
static bool fin_acknowledged(struct tcp *t, adit_time now)
{
	switch ((enum tcp_state)t->state) {
	case TCP_FIN_WAIT_1:
		tcp_enter(t, TCP_FIN_WAIT_2);
		if (t->sock.orphan)
			tcp_set_deadline(t, TCP_AT_GIVE_UP, now + TCP_FIN_LIMIT);
		return true;
	case TCP_CLOSING:
		tcp_finish(t, now);
		return false;
	case TCP_LAST_ACK:
		tcp_die(t, 0);
		return false;
	case TCP_SYN_SENT:
	case TCP_SYN_RECEIVED:
	case TCP_ESTABLISHED:
	case TCP_FIN_WAIT_2:
	case TCP_CLOSE_WAIT:
	case TCP_CLOSED:
		return true;
	}
	return true;
}

/* When the echoed timestamp was sent, to the end of its millisecond; 0 = unknown. */
static adit_time echo_time(const struct tcp *t, const struct tcp_options *o, adit_time now)
{
	adit_time age = (int32_t)(tcp_ts_now(t, now) - o->ts_ecr) * ADIT_MSEC;

	if (!t->ts_ok || !o->has_ts || !o->ts_ecr || age < 0 || age >= now)
		return 0;
	return now / ADIT_MSEC * ADIT_MSEC - age + ADIT_MSEC - 1;
}

bool tcp_ack_in(struct tcp *t, const struct tcp_segment *seg, const struct tcp_options *o, adit_time now)
{
	struct tcp_acked a = { .una_before = t->sb.una, .in_flight_before = scoreboard_in_flight(&t->sb),
			       .ece = t->ecn_ok && seg->flags & ADIT_TCP_ECE, .has_ts = t->ts_ok && o->has_ts,
			       .ts_ecr = o->ts_ecr };
	uint32_t wnd_before = t->snd_wnd;
	adit_time rtt;
	bool progress;

	if (!acceptable_ack(t, seg, now))
		return false;
	if (seq_lt(seg->ack, t->sb.una))
		return true; /* old: its text may still be of use */
	update_window(t, seg);
	count_duplicate(t, seg, t->snd_wnd == wnd_before);
	if (!tcp_window_blocks(t))
		t->probes = 0; /* else the window is as shut as it was: probes go on becoming rare */
	a.sb.min_rtt = t->rtt.min;
	a.sb.ts_echo = echo_time(t, o, now);
	scoreboard_ack(&t->sb, seg->ack, &a.sb, now);
	take_sack(t, seg, o, &a, now);
	progress = a.sb.acked > 0;
	if (progress) {
		release_sent(t, seg->ack);
		tcp_mtu_acked(t, now);
		t->tries = 0;
		t->rtt.backoff = 0;
		t->stalled_since = t->sb.una == t->sb.end ? 0 : tcp_ms(now);
		t->soft_error = 0; /* it was passing */
	} else if (!seg->len && !a.sb.delivered && t->tries) {
		t->refused = true;
	}
	rtt = a.sb.rtt;
	if (rtt == 0 && progress && a.sb.ts_echo) /* all was sent again: the echo knows which time it was (RFC 7323 4.1) */
		rtt = now - (a.sb.ts_echo - ADIT_MSEC + 1);
	if (rtt > 0)
		rtt_sample(&t->rtt, rtt, a.in_flight_before / t->mss + 1, now);
	if (a.in_flight_before || a.sb.delivered || a.dsack)
		tcp_after_ack(t, &a, now);
	tcp_arm_acked(t, progress || a.sb.delivered, now);
	say_what_came(t);
	if (t->sb.una != t->sb.end || t->sq.len || (t->shutdown && !t->fin_sent) || t->snd_wnd != wnd_before)
		tcp_want_out(t);
	if (progress && t->fin_sent && t->sb.una == t->sb.end && t->sq.len == 0)
		return fin_acknowledged(t, now);
	return true;
}
