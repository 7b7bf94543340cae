/* SPDX-License-Identifier: ISC */
/* tcp_stream.c - the program's side of a connection: bytes read and written, and its end */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "netstack/tcp.h"

/* --- reading --------------------------------------------------------------------- */

int adit_tcp_peek(struct adit_sock *s, struct iovec *iov, int max)
{
	return recvq_peek(&tcp_of(s)->rq, iov, max);
}

size_t adit_tcp_readable(const struct adit_sock *s)
{
	return recvq_readable(&((const struct tcp *)s)->rq);
}

void adit_tcp_consume(struct adit_sock *s, size_t len, adit_time now)
{
	struct tcp *t = tcp_of(s);

	assert(len <= recvq_readable(&t->rq));
	if (len == 0)
		return;
	recvq_consume(&t->rq, (uint32_t)len);
	t->bytes_in += len;
	tcp_consumed(t, (uint32_t)len, now);
}

bool adit_tcp_at_eof(const struct adit_sock *s)
{
	const struct tcp *t = (const struct tcp *)s;

	return t->fin_rcvd && recvq_readable(&t->rq) == 0;
}

/* Copies what the program has not taken; what finds no room was never acknowledged, nor is a FIN behind it. */
void tcp_settle(struct tcp *t, adit_time now)
{
	struct adit_netstack *ns = tcp_ns(t);
	uint32_t lost;

	adit_list_del(&t->borrowing_link);
	lost = recvq_settle(&t->rq);
	if (lost)
		ns_drop(ns, ADIT_DROP_no_memory, 1);
	tcp_take_fin(t, now);
}

/* --- writing --------------------------------------------------------------------- */

static bool may_write(const struct tcp *t)
{
	return !t->shutdown && !t->sock.orphan && t->state != TCP_CLOSED && t->state != TCP_SYN_RECEIVED &&
	       t->state != TCP_SYN_SENT;
}

/* What to ask for, so that slabs in their sizes stay within our share of the memory; 0 = nothing now. */
static size_t slab_hint(const struct tcp *t, size_t want)
{
	uint32_t share = tcp_send_share(t), left = share > t->sq.memory ? share - t->sq.memory : 0;

	if (want > t->write_hint)
		want = t->write_hint;
	if (left < SLAB_SMALL_LEN && t->sq.len) { /* no other slab */
		uint32_t room = sendq_room(&t->sq);

		return want < room ? want : room;
	}
	if (left < SLAB_LARGE_LEN && want > SLAB_MEDIUM_LEN - SENDQ_HEADROOM)
		want = SLAB_MEDIUM_LEN - SENDQ_HEADROOM;
	if (left < SLAB_MEDIUM_LEN && want > SLAB_SMALL_LEN - SENDQ_HEADROOM)
		want = SLAB_SMALL_LEN - SENDQ_HEADROOM;
	return want ? want : 1;
}

uint8_t *adit_tcp_reserve(struct adit_sock *s, size_t want, size_t *room)
{
	struct tcp *t = tcp_of(s);
	uint32_t limit = tcp_send_limit(t);
	uint8_t *at = NULL;

	*room = 0;
	if (!may_write(t))
		return NULL;
	if (t->sq.len < limit && (want = slab_hint(t, want)))
		at = sendq_reserve(&t->sq, want, room);
	if (!at) {
		t->want_write = true;
		tcp_want_out(t); /* if nothing is queued, no ACK will come to say that there is room again: time must */
		return NULL;
	}
	if (*room > limit - t->sq.len)
		*room = limit - t->sq.len;
	return at;
}

void adit_tcp_commit(struct adit_sock *s, size_t len, adit_time now)
{
	struct tcp *t = tcp_of(s);

	(void)now;
	if (len == 0) {
		sendq_cancel(&t->sq);
		return;
	}
	sendq_commit(&t->sq, len);
	/* who fills what is offered gets more at once */
	if (len >= t->write_hint && t->write_hint < SLAB_LARGE_LEN)
		t->write_hint *= 4;
	t->sent_said = false;
	tcp_want_out(t);
}

size_t adit_tcp_send(struct adit_sock *s, const void *buf, size_t len, adit_time now)
{
	const uint8_t *from = buf;
	size_t done = 0;

	while (done < len) {
		size_t room;
		uint8_t *at = adit_tcp_reserve(s, len - done, &room);

		if (!at)
			break;
		if (room > len - done)
			room = len - done;
		memcpy(at, from + done, room);
		adit_tcp_commit(s, room, now);
		done += room;
	}
	return done;
}

size_t adit_tcp_queued(const struct adit_sock *s)
{
	return ((const struct tcp *)s)->sq.len;
}

/* --- the end ---------------------------------------------------------------------- */

void adit_tcp_shutdown(struct adit_sock *s, adit_time now)
{
	struct tcp *t = tcp_of(s);

	(void)now;
	if (t->shutdown || t->state == TCP_CLOSED)
		return;
	t->shutdown = true;
	t->sent_said = false;
	sendq_cancel(&t->sq);
	tcp_want_out(t);
}

/* No more events; what is queued for it is forgotten. */
static void orphan(struct tcp *t)
{
	t->sock.orphan = true;
	t->sock.user = NULL;
	t->sock.events = 0;
	adit_list_del(&t->sock.event_link);
}

void adit_tcp_abort(struct adit_sock *s, adit_time now)
{
	struct tcp *t = tcp_of(s);

	if (s->kind == ADIT_SOCK_LISTENER) {
		tcp_listener_free((struct tcp_listener *)s);
		return;
	}
	orphan(t);
	if (t->state == TCP_CLOSED)
		tcp_free(t);
	else
		tcp_kill(t, 0, now);
}

void adit_tcp_close(struct adit_sock *s, adit_time now)
{
	struct tcp *t = tcp_of(s);

	if (s->kind == ADIT_SOCK_LISTENER || t->state == TCP_SYN_SENT || (t->state == TCP_SYN_RECEIVED && t->held) ||
	    t->state == TCP_CLOSED || recvq_readable(&t->rq)) {
		adit_tcp_abort(s, now);
		return;
	}
	adit_tcp_shutdown(s, now);
	orphan(t);
	tcp_set_deadline(t, TCP_AT_KEEPALIVE, ADIT_NEVER);
	if (t->state == TCP_FIN_WAIT_2)
		tcp_set_deadline(t, TCP_AT_GIVE_UP, now + TCP_FIN_LIMIT);
}
