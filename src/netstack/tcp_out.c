/* SPDX-License-Identifier: ISC */
/*
 * tcp_out.c - the next packet of a connection: what was lost first, then new
 * data, then probes, then a bare ACK. Several segments leave as one
 * super-packet over the send queue's own bytes.
 */
#include <string.h>

#include "base/inet.h"
#include "netstack/tcp.h"

enum { ECT0 = 2, WORST_PACING_BURST = 1 /* ms */ };
#define PACE_FROM (2 * ADIT_MSEC) /* shorter paths gain nothing from it */
#define NEAR (ADIT_MSEC / 2)
#define STARVED   (5 * ADIT_MSEC) /* until memory is asked for again */

void tcp_want_out(struct tcp *t)
{
	if (adit_list_empty(&t->sending_link))
		adit_list_add_tail(&tcp_ns(t)->sending, &t->sending_link);
}

void tcp_ack_now(struct tcp *t)
{
	t->ack_due = true;
	tcp_want_out(t);
}

static bool holes(const struct tcp *t)
{
	return recvq_end(&t->rq) != t->rq.next;
}

/* --- headers --------------------------------------------------------------------------- */

static void fill_head(struct tcp *t, struct tcp_head *h, uint32_t seq, uint8_t flags, adit_time now)
{
	uint32_t wnd = tcp_new_window(t) >> t->rcv_scale;

	memset(h, 0, sizeof(*h));
	h->seq = seq;
	h->ack = tcp_rcv_nxt(t);
	h->wnd = (uint16_t)(wnd > 65535 ? 65535 : wnd);
	h->flags = flags | ADIT_TCP_ACK | (t->ecn_echo ? ADIT_TCP_ECE : 0);
	if (t->ts_ok) {
		h->o.has_ts = true;
		h->o.ts_val = tcp_ts_now(t, now);
		h->o.ts_ecr = t->ts_recent;
	}
}

/* An ACK is on its way with whatever was just built. */
static void ack_left(struct tcp *t)
{
	t->last_ack_sent = tcp_rcv_nxt(t);
	t->unacked_rcvd = 0;
	t->at[TCP_AT_DELACK] = ADIT_NEVER;
	/* SACK blocks and duplicates travel alone */
	if (!holes(t) && t->dsack.from == t->dsack.to)
		t->ack_due = false;
}

static unsigned write_head(struct tcp *t, uint8_t *buf, const struct tcp_head *h, uint8_t tos, uint32_t payload,
			   uint16_t *l4_off)
{
	return tcp_head_write(tcp_ns(t), buf, &t->sock.local, &t->sock.remote, h, tos, payload, l4_off);
}

/* --- small packets ---------------------------------------------------------------------- */

static enum adit_out bare(struct tcp *t, uint8_t *buf, uint32_t *len, const struct tcp_head *h)
{
	uint16_t l4_off;

	*len = write_head(t, buf, h, 0, 0, &l4_off);
	tcp_checksum(buf, l4_off, *len);
	return ADIT_OUT_PACKET;
}

static void add_sack(struct tcp *t, struct tcp_head *h)
{
	unsigned room = t->ts_ok ? 3 : 4;

	if (!t->sack_ok)
		return;
	if (t->dsack.from != t->dsack.to)
		h->o.sack[h->o.sack_cnt++] = t->dsack;
	h->o.sack_cnt += recvq_sack(&t->rq, h->o.sack + h->o.sack_cnt, room - h->o.sack_cnt);
}

static enum adit_out send_ack(struct tcp *t, uint8_t *buf, uint32_t *len, adit_time now)
{
	struct tcp_head h;

	fill_head(t, &h, t->sb.end, 0, now);
	add_sack(t, &h);
	t->dsack.from = t->dsack.to;
	ack_left(t);
	if (t->dup_acks_due)
		t->dup_acks_due--;
	t->ack_due = t->dup_acks_due > 0;
	return bare(t, buf, len, &h);
}

/* An old sequence number: whoever is there must answer. */
static enum adit_out send_probe(struct tcp *t, uint8_t *buf, uint32_t *len, adit_time now)
{
	struct tcp_head h;

	t->probe_due = false;
	t->probes_sent++;
	fill_head(t, &h, t->sb.una - 1, 0, now);
	return bare(t, buf, len, &h);
}

static enum adit_out send_syn(struct tcp *t, uint8_t *buf, uint32_t *len, adit_time now)
{
	bool answer = t->state == TCP_SYN_RECEIVED;
	struct tcp_head h;
	uint32_t wnd = t->rcv_buf < 65535 ? t->rcv_buf : 65535;

	t->syn_due = false;
	memset(&h, 0, sizeof(h));
	h.seq = t->iss;
	h.ack = answer ? t->irs + 1 : 0;
	h.wnd = (uint16_t)wnd;
	h.flags = ADIT_TCP_SYN | (answer ? ADIT_TCP_ACK : 0);
	if (t->ecn_syn && (answer || t->tries == 0))
		h.flags |= answer ? ADIT_TCP_ECE : ADIT_TCP_ECE | ADIT_TCP_CWR;
	else
		t->ecn_syn = false; /* perhaps that is what somebody on the way does not like */
	h.o.mss = tcp_offered_mss(tcp_ns(t), t->sock.remote.addr.family);
	h.o.sack_permitted = !answer || t->sack_ok;
	h.o.has_scale = !answer || t->scale_ok;
	h.o.scale = t->rcv_scale;
	h.o.has_ts = !answer || t->ts_ok;
	h.o.ts_val = tcp_ts_now(t, now);
	h.o.ts_ecr = answer ? t->ts_recent : 0;
	t->last_sent = now;
	tcp_set_deadline(t, TCP_AT_RTO, now + rtt_rto(&t->rtt));
	return bare(t, buf, len, &h);
}

/* --- how much ----------------------------------------------------------------------------- */

static uint32_t window_room(const struct tcp *t)
{
	uint32_t edge = t->sb.una + t->snd_wnd;

	return seq_lt(t->sb.end, edge) ? edge - t->sb.end : 0;
}

/* RFC 3042: without SACK each of the first two duplicate ACKs stands for a segment that has arrived. */
static uint32_t cwnd_room(const struct tcp *t)
{
	uint32_t flight = scoreboard_in_flight(&t->sb), arrived = t->trouble == TCP_ORDERLY ? t->dup_acks * t->mss : 0;

	flight -= arrived < flight ? arrived : flight;
	return t->cc.cwnd > flight ? t->cc.cwnd - flight : 0;
}

static bool fin_unsent(const struct tcp *t)
{
	return t->shutdown && !t->fin_sent;
}

static uint32_t unsent(const struct tcp *t)
{
	return t->fin_sent ? 0 : tcp_stream_end(t) - t->sb.end;
}

bool tcp_window_blocks(const struct tcp *t)
{
	uint32_t room = window_room(t);

	return (unsent(t) || fin_unsent(t)) && t->sb.una == t->sb.end && room < (unsent(t) < t->mss ? unsent(t) + 1 : t->mss);
}

bool tcp_starves(const struct tcp *t)
{
	return t->want_write && t->sq.len == 0 && !t->shutdown;
}

/* Bytes that cost a path nothing at once: the nearer the far end, the more, however long queues have become. Many
 * flows that share a short path would send two segments at a time otherwise. As tcp_tso_autosize() does in Linux. */
static uint32_t near_bytes(const struct tcp *t)
{
	return t->rtt.min < 16 * NEAR ? 64000u >> (t->rtt.min / NEAR) : 0;
}

/* Bytes a second; 0: not paced. */
static uint64_t pacing_rate(const struct tcp *t)
{
	return t->rtt.srtt > PACE_FROM ? cc_pacing_rate(&t->cc, t->rtt.srtt) : 0;
}

/* At high rates a train is a millisecond's worth, so that pacing has a grain. */
static uint32_t train_limit(const struct tcp *t)
{
	uint64_t rate = pacing_rate(t), grain = rate / 1000 + near_bytes(t);
	uint32_t most = TCP_MAX_SEGMENTS * (uint32_t)t->mss, least = 2u * t->mss;

	if (most > 64000)
		most = 64000 / t->mss * t->mss;
	if (most < t->mss)
		most = t->mss;
	if (rate == 0 || grain >= most)
		return most;
	if (grain < least)
		return least < most ? least : most;
	return (uint32_t)grain / t->mss * t->mss;
}

static void pace(struct tcp *t, uint32_t sent, adit_time now)
{
	uint64_t rate = pacing_rate(t);
	adit_time from = now - WORST_PACING_BURST * ADIT_MSEC;

	if (rate == 0)
		return;
	if (t->pace_at < from)
		t->pace_at = from;
	t->pace_at += (adit_time)((uint64_t)sent * ADIT_SEC / rate);
}

/* Not yet: comes back when pacing allows. */
static bool paced_out(struct tcp *t, adit_time now)
{
	if (t->pace_at <= now)
		return false;
	tcp_set_deadline(t, TCP_AT_PACE, t->pace_at);
	return true;
}

/* New bytes that may leave now; 0 = wait. RFC 9293 3.8.6.2.1, 3.7.4 */
static uint32_t new_bytes(struct tcp *t)
{
	uint32_t left = unsent(t), wnd = window_room(t), room = cwnd_room(t), train, n = left;

	if (n > wnd)
		n = wnd;
	if (n > room)
		n = room;
	if (room < left && room < t->mss + (room < wnd ? 0 : wnd)) {
		t->cwnd_blocked = true;
		t->cwnd_blocked_seq = t->sb.end;
	}
	train = train_limit(t);
	if (n > train)
		n = train;
	if (n == left) /* all there is */
		return n < t->mss && t->nagle && t->sb.una != t->sb.end && !t->shutdown ? 0 : n;
	if (n >= t->mss)
		return n - n % t->mss;
	/* less than a segment: never for want of cwnd; for want of window only if it is half of the largest seen */
	if (room < t->mss && scoreboard_in_flight(&t->sb))
		return 0;
	if (n && n == wnd && (t->override || n >= t->max_wnd / 2)) {
		t->override = false;
		return n;
	}
	return 0;
}

/* --- data ----------------------------------------------------------------------------------- */

struct piece {
	uint32_t seq, len; /* bytes of data */
	bool fin;
	bool again; /* sent before */
};

static enum adit_super_kind super_kind(const struct tcp *t)
{
	return t->sock.remote.addr.family == 4 ? ADIT_SUPER_TCP4 : ADIT_SUPER_TCP6;
}

static uint8_t piece_flags(struct tcp *t, const struct piece *p)
{
	uint8_t flags = p->fin ? ADIT_TCP_FIN : 0;

	if (p->len && p->seq + p->len == tcp_stream_end(t))
		flags |= ADIT_TCP_PSH;
	if (t->ecn_cwr_due && p->len && !p->again) {
		flags |= ADIT_TCP_CWR;
		t->ecn_cwr_due = false;
	}
	return flags;
}

static enum adit_out build(struct tcp *t, const struct piece *p, uint8_t *data, uint8_t *buf, uint32_t *len,
			   struct adit_super *super, adit_time now)
{
	uint8_t tos = t->ecn_ok && p->len && !p->again ? ECT0 : 0, head[TCP_HEAD_MAX];
	struct tcp_head h;
	uint16_t l4_off;
	unsigned head_len;

	fill_head(t, &h, p->seq, piece_flags(t, p), now);
	if (p->len > t->mss) {
		head_len = write_head(t, head, &h, tos, p->len, &l4_off);
		adit_super_lend(super, data, p->len, super_kind(t), head, l4_off, (uint16_t)head_len, t->mss);
		return ADIT_OUT_SUPER;
	}
	head_len = write_head(t, buf, &h, tos, p->len, &l4_off);
	if (p->len)
		memcpy(buf + head_len, data, p->len);
	*len = head_len + p->len;
	tcp_checksum(buf, l4_off, *len);
	return ADIT_OUT_PACKET;
}

/* The states follow FIN, not the wish for it: until it is sent the peer's comes first. */
static void fin_left(struct tcp *t)
{
	t->fin_sent = true;
	tcp_enter(t, t->state == TCP_CLOSE_WAIT ? TCP_LAST_ACK : TCP_FIN_WAIT_1);
}

/* Notes a piece as sent. False: no memory to note it, so it is not sent. */
static bool book(struct tcp *t, const struct piece *p, adit_time now)
{
	uint32_t len = p->len + (p->fin ? 1 : 0);
	int r = p->again ? scoreboard_resent(&t->sb, p->seq, len, now) : scoreboard_sent(&t->sb, len, t->mss, now);

	if (r < 0) {
		ns_drop(tcp_ns(t), ADIT_DROP_no_memory, 1);
		if (t->at[TCP_AT_RTO] == ADIT_NEVER)
			tcp_set_deadline(t, TCP_AT_RTO, now + rtt_rto(&t->rtt));
		return false;
	}
	if (p->again)
		tcp_note_resent(t, len, now);
	if (p->fin && !t->fin_sent)
		fin_left(t);
	t->bytes_sent += len;
	t->last_sent = now;
	if (t->stalled_since == 0)
		t->stalled_since = tcp_ms(now);
	if (t->trouble == TCP_RECOVERY)
		prr_sent(&t->prr, len);
	pace(t, len, now);
	return true;
}

static enum adit_out send_piece(struct tcp *t, struct piece *p, uint8_t *buf, uint32_t *len, struct adit_super *super,
				adit_time now)
{
	uint8_t *data = NULL;
	enum adit_out out;

	if (p->len) {
		uint32_t got;

		data = sendq_at(&t->sq, p->seq, p->len, t->mss, &got);
		if (got < p->len)
			p->fin = false;
		p->len = got;
	}
	if (!book(t, p, now))
		return ADIT_OUT_NONE;
	out = build(t, p, data, buf, len, super, now);
	ack_left(t);
	tcp_arm_sent(t, now);
	return out;
}

/* [seq, seq + len) of what was sent, FIN told apart from data. */
static struct piece sent_piece(const struct tcp *t, uint32_t seq, uint32_t len)
{
	uint32_t end = tcp_stream_end(t);
	struct piece p = { .seq = seq, .len = len, .again = true };

	if (t->fin_sent && seq + len == end + 1) {
		p.fin = true;
		p.len--;
	}
	return p;
}

static bool lost_piece(struct tcp *t, struct piece *p)
{
	uint32_t most = cwnd_room(t), limit = train_limit(t), seq, mss, len;

	if (t->sb.lost == 0)
		return false;
	if (most < t->mss) {
		if (scoreboard_in_flight(&t->sb)) { /* else one segment always may */
			t->cwnd_blocked = true;
			return false;
		}
		most = t->mss;
	}
	if (most > limit)
		most = limit;
	len = scoreboard_next_lost(&t->sb, most, &seq, &mss);
	if (len == 0)
		return false;
	*p = sent_piece(t, seq, len);
	return true;
}

static bool new_piece(struct tcp *t, struct piece *p)
{
	uint32_t n;

	if (!unsent(t) && !fin_unsent(t))
		return false;
	n = new_bytes(t);
	*p = (struct piece){ .seq = t->sb.end, .len = n };
	p->fin = fin_unsent(t) && n == unsent(t) && window_room(t) > n;
	return p->len || p->fin;
}

/* A tail loss probe: new data if there is some that the window takes, else the last segment again. */
static bool probe_piece(struct tcp *t, struct piece *p)
{
	uint32_t left = unsent(t), n = left < t->mss ? left : t->mss, seq, len;

	t->tlp_due = false;
	if (t->sb.una == t->sb.end)
		return false;
	t->tlp_open = true;
	if (n && n <= window_room(t)) {
		*p = (struct piece){ .seq = t->sb.end, .len = n };
		t->tlp_resent = false;
		t->tlp_end = t->sb.end + n;
		return true;
	}
	len = scoreboard_tail(&t->sb, t->mss, &seq);
	if (len == 0)
		return false;
	*p = sent_piece(t, seq, len);
	t->tlp_resent = true;
	t->tlp_end = t->sb.end;
	return true;
}

static bool next_piece(struct tcp *t, struct piece *p, adit_time now)
{
	t->cwnd_blocked = false;
	if (t->tlp_due && probe_piece(t, p))
		return true;
	if (t->sb.lost == 0 && !unsent(t) && !fin_unsent(t))
		return false;
	if (paced_out(t, now)) {
		t->cwnd_blocked = t->sb.lost > 0; /* the pace is the window's: it may grow, though it is never full */
		return false;
	}
	return lost_piece(t, p) || new_piece(t, p);
}

/* Nothing for longer than a timeout: the window is an old guess. */
static void after_idle(struct tcp *t, adit_time now)
{
	adit_time idle = now - t->last_sent;

	if (t->sb.una == t->sb.end && unsent(t) && t->last_sent && idle > rtt_rto(&t->rtt)) {
		t->cc.ops->on_idle(&t->cc, idle, rtt_rto(&t->rtt), now);
		t->last_sent = now; /* the peer's window may keep us still: each idle moment counts once */
	}
}

static enum adit_out send_data(struct tcp *t, uint8_t *buf, uint32_t *len, struct adit_super *super, adit_time now)
{
	struct piece p;

	after_idle(t, now);
	if (!next_piece(t, &p, now)) {
		if (tcp_window_blocks(t))
			tcp_arm_sent(t, now);
		if (tcp_starves(t))
			tcp_set_deadline(t, TCP_AT_PACE, now + STARVED);
		return ADIT_OUT_NONE;
	}
	return send_piece(t, &p, buf, len, super, now);
}

static enum adit_out next_packet(struct tcp *t, uint8_t *buf, uint32_t *len, struct adit_super *super, adit_time now)
{
	enum adit_out out;

	if (t->state == TCP_SYN_SENT || t->state == TCP_SYN_RECEIVED)
		return t->syn_due ? send_syn(t, buf, len, now) : ADIT_OUT_NONE;
	if (t->state == TCP_CLOSED)
		return ADIT_OUT_NONE;
	out = send_data(t, buf, len, super, now);
	if (out != ADIT_OUT_NONE)
		return out;
	if (t->probe_due)
		return send_probe(t, buf, len, now);
	return t->ack_due ? send_ack(t, buf, len, now) : ADIT_OUT_NONE;
}

enum adit_out tcp_out(struct tcp *t, uint8_t *buf, uint32_t *len, struct adit_super *super, adit_time now)
{
	enum adit_out out = next_packet(t, buf, len, super, now);

	if (out == ADIT_OUT_NONE)
		adit_list_del(&t->sending_link);
	return out;
}

/* --- RST and what belongs to no connection --------------------------------------------------- */

static void queue_bare(struct adit_netstack *ns, const struct adit_endpoint *local, const struct adit_endpoint *remote,
		       const struct tcp_head *h)
{
	uint8_t head[TCP_HEAD_MAX], *to;
	uint16_t l4_off;
	unsigned len = tcp_head_write(ns, head, local, remote, h, 0, 0, &l4_off);

	tcp_checksum(head, l4_off, len);
	to = ns_queue(ns, len);
	if (to)
		memcpy(to, head, len);
}

void tcp_send_rst(struct tcp *t, adit_time now)
{
	struct tcp_head h = { .seq = t->sb.end, .flags = ADIT_TCP_RST };

	if (t->state == TCP_SYN_SENT || t->state == TCP_CLOSED)
		return;
	if (t->state == TCP_SYN_RECEIVED) {
		h.seq = t->held ? 0 : t->iss + 1;
		h.ack = t->irs + 1;
	} else {
		h.ack = tcp_rcv_nxt(t);
	}
	h.flags |= ADIT_TCP_ACK;
	(void)now;
	tcp_ns(t)->n.resets_out++;
	queue_bare(tcp_ns(t), &t->sock.local, &t->sock.remote, &h);
}

void tcp_send_reset(struct adit_netstack *ns, const struct tcp_segment *seg, adit_time now)
{
	struct tcp_head h = { .flags = ADIT_TCP_RST };

	(void)now;
	if (seg->flags & ADIT_TCP_ACK) {
		h.seq = seg->ack;
	} else {
		h.flags |= ADIT_TCP_ACK;
		h.ack = seg->seq + seg->len + (seg->flags & ADIT_TCP_SYN ? 1 : 0) + (seg->flags & ADIT_TCP_FIN ? 1 : 0);
	}
	ns->n.resets_out++;
	queue_bare(ns, &seg->local, &seg->remote, &h);
}

void tcp_send_bare_ack(struct adit_netstack *ns, const struct adit_endpoint *local, const struct adit_endpoint *remote,
		       const struct time_wait_info *info, adit_time now)
{
	struct tcp_head h = { .seq = info->snd_nxt, .ack = info->rcv_nxt, .wnd = (uint16_t)info->rcv_wnd,
			      .flags = ADIT_TCP_ACK };

	if (info->timestamps) {
		h.o.has_ts = true;
		h.o.ts_val = (uint32_t)(now / ADIT_MSEC) + info->ts_offset;
		h.o.ts_ecr = info->ts_recent;
	}
	queue_bare(ns, local, remote, &h);
}
