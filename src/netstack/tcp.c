/* SPDX-License-Identifier: ISC */
/* tcp.c - the life of a connection, its options and facts (states: tcp.h) */
#include "netstack/tcp.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/inet.h"

static const char *const state_names[] = {
	[TCP_SYN_SENT] = "SYN-SENT",       [TCP_SYN_RECEIVED] = "SYN-RECEIVED", [TCP_ESTABLISHED] = "ESTABLISHED",
	[TCP_FIN_WAIT_1] = "FIN-WAIT-1",   [TCP_FIN_WAIT_2] = "FIN-WAIT-2",     [TCP_CLOSE_WAIT] = "CLOSE-WAIT",
	[TCP_CLOSING] = "CLOSING",         [TCP_LAST_ACK] = "LAST-ACK",         [TCP_CLOSED] = "CLOSED",
};

/* Near the smallest shift whose largest window still holds the largest buffer. */
static uint8_t scale_for(size_t buffer)
{
	uint8_t s = 0;

	while (s < 14 && ((size_t)65535 << s) < buffer)
		s++;
	return s;
}

int tcp_new(struct tcp **ret, struct adit_netstack *ns, const struct adit_endpoint *local,
	    const struct adit_endpoint *remote, void *user, adit_time now)
{
	struct tcp *t;
	int r;

	if (ns->n.tcp_flows >= ns->cfg.flows_max)
		return -EMFILE;
	if (!adit_budget_take(ns->cfg.budget, sizeof(*t)))
		return -ENOMEM;
	t = calloc(1, sizeof(*t));
	if (!t) {
		adit_budget_give(ns->cfg.budget, sizeof(*t));
		return -ENOMEM;
	}
	ns_sock_init(&t->sock, ns, ADIT_SOCK_TCP, &ns->tcps, user);
	t->sock.local = *local;
	t->sock.remote = *remote;
	adit_list_init(&t->sending_link);
	adit_list_init(&t->borrowing_link);
	adit_list_init(&t->syn_link);
	adit_wheel_entry_init(&t->timer.entry);
	t->timer.expired = tcp_timer_expired;
	for (unsigned i = 0; i < TCP_DEADLINES; i++)
		t->at[i] = ADIT_NEVER;
	t->limits = (struct tcp_limits){ 7200 * 1000, 75 * 1000, 0, 60 * 1000 };
	t->rcv_scale = scale_for(ns->cfg.flow_max);
	/* the same for the same endpoints: a new connection's clock follows the old one's (RFC 6191, RFC 7323 5.4) */
	t->ts_offset = (uint32_t)(ns_flow_hash(ns, local, remote) >> 32);
	t->write_hint = SLAB_SMALL_LEN / 2;
	rtt_init(&t->rtt);
	recvq_init(&t->rq, &ns->pool, 0);
	sendq_init(&t->sq, &ns->pool, 0);
	scoreboard_init(&t->sb, 0);
	t->last_heard = tcp_ms(now);
	ns->n.tcp_flows++;
	r = flow_insert(ns, t);
	if (r < 0) {
		tcp_free(t);
		return r;
	}
	t->in_table = true;
	*ret = t;
	return 0;
}

void tcp_enter(struct tcp *t, enum tcp_state state)
{
	if (t->state == TCP_SYN_RECEIVED && state != TCP_SYN_RECEIVED)
		tcp_leave_syn_received(t);
	t->state = (uint8_t)state;
}

static void leave_lists(struct tcp *t)
{
	struct adit_netstack *ns = tcp_ns(t);

	for (unsigned i = 0; i < TCP_DEADLINES; i++)
		t->at[i] = ADIT_NEVER;
	adit_wheel_cancel(&ns->wheel, &t->timer.entry);
	adit_list_del(&t->sending_link);
	if (t->in_table)
		flow_remove(ns, t);
	t->in_table = false;
}

void tcp_free(struct tcp *t)
{
	struct adit_netstack *ns = tcp_ns(t);

	leave_lists(t);
	if (t->state == TCP_SYN_RECEIVED)
		tcp_leave_syn_received(t);
	adit_list_del(&t->borrowing_link);
	sendq_fini(&t->sq);
	recvq_fini(&t->rq);
	scoreboard_fini(&t->sb);
	ns_sock_fini(&t->sock);
	ns->n.tcp_flows--;
	adit_budget_give(ns->cfg.budget, sizeof(*t));
	free(t);
}

void tcp_die(struct tcp *t, int error)
{
	leave_lists(t);
	tcp_enter(t, TCP_CLOSED);
	sendq_fini(&t->sq);
	sendq_init(&t->sq, &tcp_ns(t)->pool, t->sb.end);
	scoreboard_fini(&t->sb);
	scoreboard_init(&t->sb, t->sq.una);
	if (t->sock.orphan) {
		tcp_free(t);
		return;
	}
	if (error) {
		t->sock.error = error;
		ns_event(&t->sock, ADIT_EV_ERROR);
	}
}

void tcp_finish(struct tcp *t, adit_time now)
{
	struct time_wait_info info = {
		.snd_nxt = t->sb.end, .rcv_nxt = tcp_rcv_nxt(t), .ts_recent = t->ts_recent, .ts_offset = t->ts_offset,
		.rcv_wnd = tcp_rcv_wnd(t) >> t->rcv_scale, .timestamps = t->ts_ok,
	};
	struct adit_endpoint local = t->sock.local, remote = t->sock.remote;
	struct adit_netstack *ns = tcp_ns(t);
	bool ack = t->ack_due;

	if (info.rcv_wnd > 65535)
		info.rcv_wnd = 65535;
	tcp_die(t, 0);
	time_wait_add(ns, &local, &remote, &info, now);
	if (ack)
		tcp_send_bare_ack(ns, &local, &remote, &info, now);
}

void tcp_kill(struct tcp *t, int error, adit_time now)
{
	tcp_send_rst(t, now);
	tcp_die(t, error);
}

void tcp_reset(struct tcp *t, int error, adit_time now)
{
	tcp_kill(t, error, now);
}

void tcp_established(struct tcp *t, adit_time now)
{
	struct adit_netstack *ns = tcp_ns(t);
	const struct cc_ops *ops = ns->cfg.profile == ADIT_TCP_LOCAL ? &cc_local : &cc_cubic;

	tcp_enter(t, TCP_ESTABLISHED);
	sendq_init(&t->sq, &ns->pool, t->iss + 1);
	scoreboard_init(&t->sb, t->iss + 1);
	t->tries = 0;
	t->soft_error = 0;
	t->syn_due = false;
	t->at[TCP_AT_GIVE_UP] = ADIT_NEVER;
	t->quick_acks = TCP_QUICK_ACKS;
	t->drs.since = tcp_us(now);
	t->round_end = t->sb.end;
	t->undo_una = t->recover = t->ecn_recover = t->sb.una;
	t->mss = 536;
	cc_init(&t->cc, ops, 536, (uint32_t)ns->cfg.flow_max, now);
	tcp_update_mss(t, now);
	cc_init(&t->cc, ops, t->mss, (uint32_t)ns->cfg.flow_max, now);
	if (t->limits.keepalive_idle)
		tcp_set_deadline(t, TCP_AT_KEEPALIVE, now + t->limits.keepalive_idle * ADIT_MSEC);
	tcp_set_deadline(t, TCP_AT_RTO, ADIT_NEVER);
	if (t->shutdown)
		tcp_want_out(t);
	ns_event(&t->sock, ADIT_EV_CONNECTED | ADIT_EV_WRITABLE);
}

struct tcp *tcp_of_sending(struct adit_list *link)
{
	return adit_container_of(link, struct tcp, sending_link);
}

struct tcp *tcp_of_borrowing(struct adit_list *link)
{
	return adit_container_of(link, struct tcp, borrowing_link);
}

/* --- options and facts --------------------------------------------------------- */

void adit_tcp_get_options(const struct adit_sock *s, struct adit_tcp_options *ret)
{
	const struct tcp *t = tcp_of(s);

	*ret = (struct adit_tcp_options){
		.keepalive_idle = t->limits.keepalive_idle * ADIT_MSEC,
		.keepalive_interval = t->limits.keepalive_interval * ADIT_MSEC,
		.user_timeout = t->limits.user_timeout * ADIT_MSEC,
		.connect_timeout = t->limits.connect_timeout * ADIT_MSEC,
		.nagle = t->nagle,
	};
}

/* 0 = none; else at least 1, at most 24 days: half of what tcp_ms tells apart. */
static uint32_t limit_ms(adit_time limit)
{
	const adit_time most = INT32_MAX;
	adit_time ms = (limit + ADIT_MSEC - 1) / ADIT_MSEC;

	return (uint32_t)(ms < most ? ms : most);
}

void adit_tcp_set_options(struct adit_sock *s, const struct adit_tcp_options *o, adit_time now)
{
	struct tcp *t = tcp_of(s);

	t->limits = (struct tcp_limits){ limit_ms(o->keepalive_idle), limit_ms(o->keepalive_interval),
					 limit_ms(o->user_timeout), limit_ms(o->connect_timeout) };
	t->nagle = o->nagle;
	if (t->state == TCP_SYN_SENT)
		tcp_set_deadline(t, TCP_AT_GIVE_UP, o->connect_timeout ? now + o->connect_timeout : ADIT_NEVER);
	else if (tcp_synchronized(t))
		tcp_set_deadline(t, TCP_AT_KEEPALIVE, o->keepalive_idle ? now + o->keepalive_idle : ADIT_NEVER);
}

void adit_tcp_info(const struct adit_sock *s, struct adit_tcp_info *ret)
{
	const struct tcp *t = tcp_of(s);

	*ret = (struct adit_tcp_info){
		.state = state_names[t->state],
		.mss = t->mss, .cwnd = t->cc.cwnd, .ssthresh = t->cc.ssthresh, .in_flight = scoreboard_in_flight(&t->sb),
		.rcv_wnd = tcp_rcv_wnd(t), .snd_wnd = t->snd_wnd,
		.srtt = t->rtt.srtt, .rttvar = t->rtt.rttvar, .min_rtt = t->rtt.min == ADIT_NEVER ? 0 : t->rtt.min,
		.rto = rtt_rto(&t->rtt),
		.bytes_in = t->bytes_in, .bytes_out = t->bytes_out, .bytes_sent = t->bytes_sent,
		.bytes_resent = t->bytes_resent, .retransmits = t->retransmits, .timeouts = t->timeouts,
		.recoveries = t->recoveries, .undos = t->undos, .probes = t->probes_sent,
		.reordering_seen = t->sb.rack.reordering_seen,
		.sack = t->sack_ok, .timestamps = t->ts_ok, .window_scale = t->scale_ok,
	};
}

/* --- invariants (test builds call this after every step) --------------------------- */

void tcp_check(const struct tcp *t)
{
	const struct scoreboard *sb = &t->sb;
	uint32_t end;

	assert(t->state <= TCP_CLOSED);
	assert(seq_le(t->rq.read, t->rq.next));
	if (!tcp_synchronized(t))
		return;
	end = tcp_stream_end(t) + (t->fin_sent ? 1 : 0);
	assert(scoreboard_check(sb));
	assert(seq_le(sb->una, sb->end));
	assert(seq_le(sb->end, end)); /* nothing was sent that was not queued */
	assert(t->sq.una == sb->una || (t->fin_sent && sb->una == t->sq.una + 1 && t->sq.len == 0));
	assert(t->sq.len > 0 || t->sq.memory == 0 || t->sq.first); /* no slab is lost */
	assert(t->mss >= 32 && t->cc.cwnd >= 1 && t->cc.cwnd <= t->cc.max + t->mss);
	assert(scoreboard_in_flight(sb) <= sb->end - sb->una);
	assert(t->at[TCP_AT_RTO] != ADIT_NEVER || sb->end == sb->una || t->at[TCP_AT_TLP] != ADIT_NEVER ||
	       t->at[TCP_AT_REORDER] != ADIT_NEVER || t->sending_link.next != &t->sending_link);
}
