/* SPDX-License-Identifier: ISC */
/* stream.c - programs at both ends of a connection */
#include "stream.h"

#include <stdlib.h>
#include <string.h>

/* --- the pattern ----------------------------------------------------------------- */

static uint64_t pattern_word(uint32_t id, unsigned side, uint64_t k)
{
	uint64_t z = (k + 1) * UINT64_C(0x9e3779b97f4a7c15) + ((uint64_t)id << 32 | side) * UINT64_C(0xbf58476d1ce4e5b9);

	return z ^ z >> 29;
}

void pattern_fill(uint32_t id, unsigned side, uint64_t at, uint8_t *p, size_t len)
{
	while (len) {
		uint64_t word = pattern_word(id, side, at / 8);
		size_t from = at % 8, n = 8 - from < len ? 8 - from : len;

		memcpy(p, (uint8_t *)&word + from, n);
		p += n;
		at += n;
		len -= n;
	}
}

static bool pattern_is(uint32_t id, unsigned side, uint64_t at, const uint8_t *p, size_t len)
{
	uint8_t want[4096];

	while (len) {
		size_t n = len < sizeof(want) ? len : sizeof(want);

		pattern_fill(id, side, at, want, n);
		if (memcmp(want, p, n))
			return false;
		p += n;
		at += n;
		len -= n;
	}
	return true;
}

/* --- reading and writing --------------------------------------------------------- */

static void note_finished(struct stream *st)
{
	if (!st->finished && st->end[1].got == st->end[0].to_send && st->end[0].got == st->end[1].to_send)
		st->finished = st->w->now;
}

static size_t end_read_some(struct end *e)
{
	struct world *w = e->st->w;
	struct iovec iov[8];
	size_t taken = 0, max = e->chunk ? e->chunk : SIZE_MAX;
	int n = adit_tcp_peek(e->s, iov, 8);

	if (max > e->read_limit - e->got)
		max = e->read_limit - e->got;
	for (int i = 0; i < n && taken < max; i++) {
		size_t len = iov[i].iov_len < max - taken ? iov[i].iov_len : max - taken;

		if (!pattern_is(e->st->id, !e->side, e->got + taken, iov[i].iov_base, len))
			FAIL(w, "stream %u to side %u: wrong bytes behind %" PRIu64, e->st->id, e->side, e->got + taken);
		taken += len;
	}
	if (taken) {
		adit_tcp_consume(e->s, taken, w->now);
		e->got += taken;
	}
	if (e->got > e->st->end[!e->side].sent)
		FAIL(w, "stream %u: more was read than was written", e->st->id);
	return taken;
}

static void end_read(struct end *e)
{
	while (end_read_some(e))
		;
	if (!e->eof && adit_tcp_at_eof(e->s)) {
		e->eof = true;
		EXPECT_INT(e->st->w, e->got, ==, e->st->end[!e->side].sent);
	}
	note_finished(e->st);
}

static size_t end_write_some(struct end *e)
{
	struct world *w = e->st->w;
	size_t want = e->to_send - e->sent < 100000 ? (size_t)(e->to_send - e->sent) : 100000, room;
	uint8_t *p, buf[3000];

	if (e->chunk && want > e->chunk)
		want = e->chunk;
	if (want <= sizeof(buf) && rng_chance(&w->rng, 500)) {
		pattern_fill(e->st->id, e->side, e->sent, buf, want);
		room = adit_tcp_send(e->s, buf, want, w->now);
		EXPECT_INT(w, room, <=, want);
		return room;
	}
	p = adit_tcp_reserve(e->s, want, &room);
	if (!p)
		return 0;
	EXPECT_INT(w, room, >, 0);
	if (room > want)
		room = want;
	pattern_fill(e->st->id, e->side, e->sent, p, room);
	adit_tcp_commit(e->s, room, w->now);
	return room;
}

static void end_write(struct end *e)
{
	size_t n;

	if (!e->connected || e->shut)
		return;
	while (e->sent < e->to_send && (n = end_write_some(e)))
		e->sent += n;
	if (e->sent == e->to_send && !e->hold_fin) {
		e->shut = true;
		adit_tcp_shutdown(e->s, e->st->w->now);
	}
}

void end_work(struct end *e)
{
	if (!e->s || e->error || !(e->connected || e->syn))
		return;
	end_read(e);
	end_write(e);
	if (e->eof && e->shut && !e->hold_close) {
		e->closed = true;
		adit_tcp_close(e->s, e->st->w->now);
		e->s = NULL;
	}
}

/* --- events -------------------------------------------------------------------------- */

static void end_died(struct end *e)
{
	e->error = adit_sock_error(e->s);
	world_trace(e->st->w, "stream %u side %u: error %d", e->st->id, e->side, e->error);
	EXPECT_INT(e->st->w, e->error, <, 0);
	end_read(e); /* what came before can still be read */
	adit_tcp_close(e->s, e->st->w->now);
	e->s = NULL;
}

void stream_event(struct world *w, struct host *h, struct adit_sock *s, unsigned what)
{
	struct end *e = adit_sock_user(s);

	if (what & ADIT_EV_SYN) {
		struct adit_sock *l = adit_tcp_listener(s);

		EXPECT(w, l);
		e = adit_sock_user(l);
		EXPECT(w, e && e->h == h && !e->s);
		e->s = s;
		e->syn = true;
		adit_sock_set_user(s, e);
		if (!e->hold_accept)
			adit_tcp_accept(s, w->now);
	}
	EXPECT(w, e && e->s == s);
	if (what & ADIT_EV_CONNECTED)
		e->connected = true;
	if (what & ADIT_EV_SENT)
		e->all_sent = true;
	if (what & ADIT_EV_ERROR)
		end_died(e);
	else
		end_work(e);
}

/* --- life ------------------------------------------------------------------------------ */

struct stream *stream_new(struct world *w, unsigned a, unsigned b, unsigned family, uint64_t out, uint64_t back)
{
	struct stream *st = calloc(1, sizeof(*st));
	struct adit_endpoint local;

	EXPECT(w, st);
	st->w = w;
	st->id = w->streams ? w->streams->id + 1 : 0;
	st->port = (uint16_t)(1000 + st->id);
	st->end[0] = (struct end){ .st = st, .side = 0, .h = &w->host[a], .to_send = out, .read_limit = UINT64_MAX };
	st->end[1] = (struct end){ .st = st, .side = 1, .h = &w->host[b], .to_send = back, .read_limit = UINT64_MAX };
	st->next = w->streams;
	w->streams = st;
	local = world_endpoint(b, family, st->port);
	if (w->host[b].ns)
		EXPECT(w, !adit_tcp_listen(w->host[b].ns, &st->listener, &local, &st->end[1]));
	return st;
}

void stream_connect(struct stream *st)
{
	struct world *w = st->w;
	struct adit_endpoint remote, local;

	if (st->listener) {
		adit_sock_local(st->listener, &local);
		remote = world_endpoint(st->end[1].h->id, local.addr.family, st->port);
	} else {
		remote = world_endpoint(st->end[1].h->id, 4, st->port);
	}
	st->began = w->now;
	EXPECT(w, !adit_tcp_connect(st->end[0].h->ns, &st->end[0].s, NULL, &remote, &st->end[0], w->now));
	host_pump(st->end[0].h);
}

static bool carried(const struct stream *st)
{
	return st->end[1].got == st->end[0].to_send && st->end[0].got == st->end[1].to_send;
}

bool stream_complete(const struct stream *st)
{
	return carried(st) && st->end[0].closed && st->end[1].closed;
}

bool streams_complete(struct world *w)
{
	for (const struct stream *st = w->streams; st; st = st->next) {
		if (!stream_complete(st))
			return false;
	}
	return true;
}

bool streams_carried(struct world *w)
{
	for (const struct stream *st = w->streams; st; st = st->next) {
		if (!carried(st))
			return false;
	}
	return true;
}

void stream_free_all(struct world *w)
{
	while (w->streams) {
		struct stream *st = w->streams;

		w->streams = st->next;
		free(st);
	}
}

struct stream *stream_run(struct world *w, unsigned family, uint64_t out, uint64_t back, adit_time limit)
{
	struct stream *st = stream_new(w, 0, 1, family, out, back);

	stream_connect(st);
	if (!world_run_until(w, streams_complete, limit))
		FAIL(w, "not done: %" PRIu64 " of %" PRIu64 " out, %" PRIu64 " of %" PRIu64 " back, closed %d %d, errors %d %d",
		     st->end[1].got, out, st->end[0].got, back, st->end[0].closed, st->end[1].closed, st->end[0].error,
		     st->end[1].error);
	return st;
}
