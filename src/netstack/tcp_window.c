/* SPDX-License-Identifier: ISC */
/*
 * tcp_window.c - how much may wait on either side of a connection.
 *
 * The receive buffer follows what the program consumes in a round trip
 * (dynamic right-sizing, Fisk and Feng 2001), so that the offered window is
 * about twice the bandwidth-delay product. Both buffers are bounded by the
 * flow's cap and by a dynamic threshold (Choudhury and Hahne 1998): no flow
 * may hold more than a quarter of what is still free of the budget. So a few
 * flows get much; and when nothing is free, who holds less than an equal share
 * may have that, and who holds more waits.
 */
#include "netstack/tcp.h"

enum { SEND_MIN = 4 << 10, RECEIVE_MIN = 8 << 10, SEND_EIGHTHS = 6, RECEIVE_EIGHTHS = 7,
        AHEAD_MIN = 64 << 10, AHEAD_MAX = 512 << 10 };

/* eighths: of the budget, before slabs become scarce (slab.h). */
static uint32_t share(const struct tcp *t, uint32_t held, unsigned eighths, uint32_t least)
{
	const struct adit_netstack *ns = t->sock.ns;
	const struct adit_budget *b = ns->cfg.budget;
	size_t top = b->limit / 8 * eighths, used = b->used - b->idle, other = used - b->held;
	size_t left = used < top ? top - used : 0, limit = (left + held) / 4;
	size_t equal = top > other ? (top - other) / (b->holders + 1) : 0;

	if (limit < equal)
		limit = equal;
	if (limit < least)
		limit = least;
	return limit < ns->cfg.flow_max ? (uint32_t)limit : (uint32_t)ns->cfg.flow_max;
}

uint32_t tcp_receive_limit(const struct tcp *t)
{
	return share(t, t->rq.memory, RECEIVE_EIGHTHS, RECEIVE_MIN);
}

uint32_t tcp_send_share(const struct tcp *t)
{
	return share(t, t->sq.memory, SEND_EIGHTHS, SEND_MIN);
}

uint32_t tcp_send_limit(const struct tcp *t)
{
	uint32_t most = tcp_send_share(t), ahead = t->cc.cwnd, wish;

	/* what is in flight, and what follows while the program is asked for more */
	if (ahead < AHEAD_MIN)
		ahead = AHEAD_MIN;
	if (ahead > AHEAD_MAX)
		ahead = AHEAD_MAX;
	wish = t->sb.end - t->sb.una + ahead;
	return wish < most ? wish : most;
}

/* The right edge never moves back (RFC 9293 3.8.6), and moves only by a
 * worthwhile step (3.8.6.2.2). What waits unread takes its part. */
uint32_t tcp_new_window(struct tcp *t)
{
	uint32_t most = tcp_receive_limit(t), waits = recvq_readable(&t->rq), room, edge;
	uint32_t step = t->rcv_mss, top = 65535u << t->rcv_scale;

	if (most > t->rcv_buf)
		most = t->rcv_buf;
	room = most > waits ? most - waits : 0;
	if (room > top)
		room = top;
	if (step > most / 2)
		step = most / 2;
	room = room >> t->rcv_scale << t->rcv_scale;
	edge = t->rq.next + room;
	if (seq_le(t->rcv_adv + step, edge))
		t->rcv_adv = edge;
	return tcp_rcv_wnd(t);
}

/* A round trip has passed: the buffer grows with what was read in it. */
static void end_round(struct tcp *t, adit_time now)
{
	uint64_t want = 2ull * t->drs.copied + 16u * t->rcv_mss;
	uint32_t most = tcp_receive_limit(t);

	if (t->drs.copied > t->drs.last) {
		/* slow start at the far end doubles what comes in the next round */
		if (t->drs.last)
			want += 2 * want * (t->drs.copied - t->drs.last) / t->drs.last;
		else
			want *= 2;
		if (want > most)
			want = most;
		if (want > t->rcv_buf)
			t->rcv_buf = (uint32_t)want;
		t->drs.last = t->drs.copied;
	}
	t->drs.copied = 0;
	t->drs.since = tcp_us(now);
}

void tcp_consumed(struct tcp *t, uint32_t len, adit_time now)
{
	uint32_t open = tcp_rcv_wnd(t), most = tcp_receive_limit(t), step = t->rcv_mss, room;

	t->drs.copied += len;
	if (t->drs.rtt && tcp_us(now) - t->drs.since >= t->drs.rtt)
		end_round(t, now);
	if (t->state == TCP_CLOSED || t->fin_rcvd)
		return;
	if (most > t->rcv_buf)
		most = t->rcv_buf;
	room = most > recvq_readable(&t->rq) ? most - recvq_readable(&t->rq) : 0;
	if (room > 65535u << t->rcv_scale)
		room = 65535u << t->rcv_scale; /* more cannot be said */
	/* a window update is due when it at least doubles what the peer knows of */
	if (step > most / 2)
		step = most / 2;
	if (room >= 2 * open && room - open >= step)
		tcp_ack_now(t);
}

static void drs_sample(struct tcp *t, uint32_t rtt)
{
	if (rtt < 1000)
		rtt = 1000;
	if (t->drs.rtt == 0 || rtt < t->drs.rtt)
		t->drs.rtt = rtt;
	else
		t->drs.rtt += (rtt - t->drs.rtt) / 8;
}

void tcp_drs_rtt(struct tcp *t, const struct tcp_options *o, const struct tcp_segment *seg, adit_time now)
{
	if (seg->len == 0)
		return;
	if (t->ts_ok && o->has_ts && o->ts_ecr) {
		int32_t ms = (int32_t)(tcp_ts_now(t, now) - o->ts_ecr);

		if (ms >= 0 && ms < 60000 && seg->len >= t->rcv_mss)
			drs_sample(t, (uint32_t)ms * 1000);
		return;
	}
	/* without timestamps: how long a whole window takes to arrive */
	if (t->drs.rtt_since == 0 || seq_le(t->drs.rtt_seq, seg->seq)) {
		if (t->drs.rtt_since)
			drs_sample(t, tcp_us(now) - t->drs.rtt_since);
		t->drs.rtt_since = tcp_us(now);
		t->drs.rtt_seq = t->rq.next + tcp_rcv_wnd(t);
	}
}
