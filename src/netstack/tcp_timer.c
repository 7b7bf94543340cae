/* SPDX-License-Identifier: ISC */
/*
 * tcp_timer.c - all deadlines of a connection behind one entry of the wheel.
 * The entry is moved only when a deadline comes earlier than it would fire; a
 * deadline that went away lets it fire in vain and be set anew.
 */
#include "netstack/tcp.h"

#include <errno.h>

enum { KEEPALIVE_PROBES = 9, TLP_WORST_DELACK_MS = 200 };
#define PERSIST_MAX (120 * ADIT_SEC)

void tcp_set_deadline(struct tcp *t, enum tcp_deadline d, adit_time due)
{
	t->at[d] = due;
	if (due < t->timer.entry.due)
		ns_timer_set(tcp_ns(t), &t->timer, due);
}

static adit_time earliest(const struct tcp *t)
{
	adit_time due = ADIT_NEVER;

	for (unsigned i = 0; i < TCP_DEADLINES; i++) {
		if (t->at[i] < due)
			due = t->at[i];
	}
	return due;
}

/* --- armed by what was sent and acknowledged ----------------------------------------------- */

/* RFC 8985 7.2 */
static void arm_probe(struct tcp *t, adit_time now)
{
	adit_time pto = t->rtt.srtt ? 2 * t->rtt.srtt : ADIT_SEC;

	if (!t->sack_ok || t->trouble != TCP_ORDERLY || t->sb.sacked || t->tlp_open || t->rtt.srtt == 0) {
		t->at[TCP_AT_TLP] = ADIT_NEVER;
		return;
	}
	if (scoreboard_in_flight(&t->sb) <= t->mss)
		pto += TLP_WORST_DELACK_MS * ADIT_MSEC;
	if (pto < 2 * ADIT_MSEC)
		pto = 2 * ADIT_MSEC;
	/* the timeout would come first: the probe takes its place, and it waits */
	tcp_set_deadline(t, TCP_AT_TLP, now + pto < t->at[TCP_AT_RTO] ? now + pto : t->at[TCP_AT_RTO]);
}

static adit_time persist_interval(const struct tcp *t)
{
	adit_time interval = t->rtt.rto;

	for (unsigned i = 0; i < t->probes && interval < PERSIST_MAX; i++)
		interval *= 2;
	return interval < PERSIST_MAX ? interval : PERSIST_MAX;
}

static void arm_persist(struct tcp *t, adit_time now)
{
	if (!tcp_window_blocks(t))
		t->at[TCP_AT_PERSIST] = ADIT_NEVER;
	else if (t->at[TCP_AT_PERSIST] == ADIT_NEVER)
		tcp_set_deadline(t, TCP_AT_PERSIST, now + persist_interval(t));
}

void tcp_arm_sent(struct tcp *t, adit_time now)
{
	if (t->sb.una != t->sb.end) {
		if (t->at[TCP_AT_RTO] == ADIT_NEVER)
			tcp_set_deadline(t, TCP_AT_RTO, now + rtt_rto(&t->rtt));
		arm_probe(t, now);
	}
	arm_persist(t, now);
}

void tcp_arm_acked(struct tcp *t, bool progress, adit_time now)
{
	if (t->sb.una == t->sb.end) {
		t->at[TCP_AT_RTO] = t->at[TCP_AT_TLP] = t->at[TCP_AT_REORDER] = ADIT_NEVER;
	} else if (progress) { /* RFC 6298 5.3 */
		tcp_set_deadline(t, TCP_AT_RTO, now + rtt_rto(&t->rtt));
		arm_probe(t, now);
	}
	arm_persist(t, now);
}

/* --- expired: each returns false when the connection is gone -------------------------------- */

static bool give_up(struct tcp *t, int error)
{
	tcp_ns(t)->n.timeouts++;
	tcp_die(t, t->soft_error ? t->soft_error : error);
	return false;
}

static bool stalled_too_long(const struct tcp *t, adit_time now)
{
	return t->limits.user_timeout && t->stalled_since && tcp_ms(now) - t->stalled_since >= t->limits.user_timeout;
}

static bool out_of_patience(const struct tcp *t, adit_time now)
{
	if (stalled_too_long(t, now))
		return true;
	return t->tries > (t->sock.orphan ? TCP_ORPHAN_TRIES : TCP_DATA_TRIES);
}

static bool syn_expired(struct tcp *t, adit_time now)
{
	if (++t->tries > TCP_SYN_TRIES)
		return give_up(t, -ETIMEDOUT);
	rtt_back_off(&t->rtt);
	t->syn_due = true;
	tcp_set_deadline(t, TCP_AT_RTO, now + rtt_rto(&t->rtt));
	tcp_want_out(t);
	return true;
}

static bool rto_expired(struct tcp *t, adit_time now)
{
	if (t->state == TCP_SYN_SENT || t->state == TCP_SYN_RECEIVED)
		return t->held || syn_expired(t, now);
	if (t->sb.una == t->sb.end) { /* nothing could be noted as sent: tried again */
		tcp_want_out(t);
		return true;
	}
	t->tries++;
	if (out_of_patience(t, now))
		return give_up(t, -ETIMEDOUT);
	t->timeouts++;
	rtt_back_off(&t->rtt);
	tcp_enter_loss(t, now);
	tcp_blackhole_timeout(t, now);
	t->refused = false;
	t->pace_at = now;
	tcp_set_deadline(t, TCP_AT_RTO, now + rtt_rto(&t->rtt));
	tcp_want_out(t);
	return true;
}

void tcp_path_up(struct tcp *t, adit_time now)
{
	if (t->at[TCP_AT_PERSIST] != ADIT_NEVER && t->probes)
		tcp_set_deadline(t, TCP_AT_PERSIST, now);
	if (t->at[TCP_AT_RTO] == ADIT_NEVER || !t->tries || t->held)
		return;
	t->rtt.backoff = 0;
	if (t->state == TCP_SYN_SENT || t->state == TCP_SYN_RECEIVED)
		t->syn_due = true;
	else
		tcp_send_all_again(t, now); /* the timeouts have had their say of congestion */
	tcp_set_deadline(t, TCP_AT_RTO, now + rtt_rto(&t->rtt));
	tcp_want_out(t);
}

static bool tlp_expired(struct tcp *t, adit_time now)
{
	if (t->sb.una == t->sb.end || t->trouble != TCP_ORDERLY)
		return true;
	t->tlp_due = true;
	tcp_set_deadline(t, TCP_AT_RTO, now + rtt_rto(&t->rtt));
	tcp_want_out(t);
	return true;
}

static bool persist_expired(struct tcp *t, adit_time now)
{
	if (!tcp_window_blocks(t))
		return true;
	if (t->probes < UINT8_MAX)
		t->probes++;
	if (stalled_too_long(t, now) ||
	    (t->sock.orphan && t->probes > TCP_ORPHAN_TRIES))
		return give_up(t, -ETIMEDOUT);
	if (t->stalled_since == 0)
		t->stalled_since = tcp_ms(now);
	t->probe_due = t->override = true;
	tcp_set_deadline(t, TCP_AT_PERSIST, now + persist_interval(t));
	tcp_want_out(t);
	return true;
}

static bool keepalive_expired(struct tcp *t, adit_time now)
{
	adit_time heard = (tcp_ms(now) - t->last_heard) * ADIT_MSEC, idle = t->limits.keepalive_idle * ADIT_MSEC;

	if (!idle || t->sock.orphan)
		return true;
	if (heard < idle || t->sb.una != t->sb.end) {
		t->probes = t->sb.una != t->sb.end ? t->probes : 0;
		tcp_set_deadline(t, TCP_AT_KEEPALIVE, now + (heard < idle ? idle - heard : idle));
		return true;
	}
	if (t->probes >= KEEPALIVE_PROBES)
		return give_up(t, -ETIMEDOUT);
	t->probes++;
	t->probe_due = true;
	tcp_set_deadline(t, TCP_AT_KEEPALIVE, now + t->limits.keepalive_interval * ADIT_MSEC);
	tcp_want_out(t);
	return true;
}

/* Pacing allows more; or there may be memory again. */
static void pace_expired(struct tcp *t)
{
	if (tcp_starves(t)) {
		t->want_write = false;
		ns_event(&t->sock, ADIT_EV_WRITABLE);
	}
	tcp_want_out(t);
}

static bool limit_expired(struct tcp *t)
{
	if (t->state == TCP_SYN_SENT || t->state == TCP_SYN_RECEIVED)
		return give_up(t, -ETIMEDOUT);
	if (t->state == TCP_FIN_WAIT_2 && t->sock.orphan) {
		tcp_die(t, 0);
		return false;
	}
	return true;
}

static bool expired(struct tcp *t, enum tcp_deadline d, adit_time now)
{
	switch (d) {
	case TCP_AT_RTO:
		return rto_expired(t, now);
	case TCP_AT_TLP:
		return tlp_expired(t, now);
	case TCP_AT_REORDER:
		tcp_reorder_expired(t, now);
		return true;
	case TCP_AT_PERSIST:
		return persist_expired(t, now);
	case TCP_AT_DELACK:
		tcp_ack_now(t);
		return true;
	case TCP_AT_KEEPALIVE:
		return keepalive_expired(t, now);
	case TCP_AT_PACE:
		pace_expired(t);
		return true;
	case TCP_AT_GIVE_UP:
		return limit_expired(t);
	case TCP_DEADLINES:
		break;
	}
	return true;
}

void tcp_timer_expired(struct ns_timer *timer, adit_time now)
{
	struct tcp *t = adit_container_of(timer, struct tcp, timer);

	for (unsigned d = 0; d < TCP_DEADLINES; d++) {
		if (t->at[d] > now)
			continue;
		t->at[d] = ADIT_NEVER;
		if (!expired(t, (enum tcp_deadline)d, now))
			return;
	}
	ns_timer_set(tcp_ns(t), &t->timer, earliest(t));
}
