/* SPDX-License-Identifier: ISC */
/* stream_out.c - from a descriptor into a connection of our stack: one read, no copy */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "relay/stream_internal.h"

#define WANT_LEAST 1024u
#define WANT_MOST  65536u

/* Returns whether all early bytes are inside. */
static bool send_early(struct relay_stream *s, adit_time now)
{
	struct stream_first *f = &s->early;
	size_t n;

	if (!f->data)
		return true;
	n = adit_tcp_send(s->sock.sock, f->data + f->pos, f->len - f->pos, now);
	s->bytes_out += n;
	stream_first_gone(f, n, free);
	return !f->data;
}

/* A flow that sends little takes little memory: a small buffer first, larger
 * ones as reads fill them. */
static void adapt(struct relay_stream *s, size_t n, size_t room)
{
	if (n == room)
		s->want *= 8;
	else if (n < s->want / 8)
		s->want /= 8;
	if (s->want > WANT_MOST)
		s->want = WANT_MOST;
	if (s->want < WANT_LEAST)
		s->want = WANT_LEAST;
}

/* One read; returns its bytes, 0 at the end or when nothing is there, -errno. */
static ssize_t read_once(struct relay_stream *s, uint8_t *to, size_t room, adit_time now)
{
	ssize_t n;
	int error;

	do
		n = read(stream_in_fd(s)->fd, to, room);
	while (n < 0 && errno == EINTR);
	error = n < 0 ? errno : 0;
	adit_tcp_commit(s->sock.sock, n > 0 ? (size_t)n : 0, now);
	if (n > 0) {
		s->bytes_out += (size_t)n;
		adapt(s, (size_t)n, room);
		/* a socket is empty now, and says so when it no longer is */
		if ((size_t)n < room && !s->pipe && !s->hung_up)
			s->readable = false;
		return n;
	}
	s->readable = false;
	if (n == 0) {
		s->read_eof = true;
		adit_tcp_shutdown(s->sock.sock, now);
		return 0;
	}
	return error == EAGAIN ? 0 : -error;
}

int stream_pump_out(struct relay_stream *s, adit_time now)
{
	size_t done = 0;

	if (!send_early(s, now))
		return 0;
	while (s->readable && !s->read_eof) {
		size_t room;
		uint8_t *to;
		ssize_t n;

		if (done >= STREAM_TURN_OUT) {
			relay_again_set(s->loop, &s->again);
			return 0;
		}
		to = adit_tcp_reserve(s->sock.sock, s->want, &room);
		if (!to)
			return 0; /* an event follows when there is room */
		n = read_once(s, to, room, now);
		if (n < 0)
			return (int)n;
		done += (size_t)n;
	}
	return 0;
}
