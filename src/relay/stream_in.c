/* SPDX-License-Identifier: ISC */
/* stream_in.c - from a connection of our stack to a descriptor: one writev from where bytes were decrypted */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "relay/stream_internal.h"

#define IOVECS 64

static size_t sum(const struct iovec *iov, int cnt)
{
	size_t len = 0;

	for (int i = 0; i < cnt; i++)
		len += iov[i].iov_len;
	return len;
}

/* Bytes written, 0 when it is full, -errno. */
static ssize_t write_once(struct relay_stream *s, struct iovec *iov, int cnt)
{
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = (size_t)cnt };
	int fd = stream_out_fd(s)->fd;
	ssize_t n;

	do
		n = s->pipe ? writev(fd, iov, cnt) : sendmsg(fd, &msg, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n >= 0) {
		/* a socket is full now, and says so when it no longer is */
		if (!s->pipe && (size_t)n < sum(iov, cnt))
			s->writable = false;
		return n;
	}
	if (errno != EAGAIN)
		return -errno;
	s->writable = false;
	return 0;
}

static void pass_eof(struct relay_stream *s)
{
	s->wrote_eof = true;
	if (shutdown(stream_out_fd(s)->fd, SHUT_WR) < 0 && s->pipe)
		relay_fd_close(stream_out_fd(s));
}

static int write_reply(struct relay_stream *s)
{
	struct stream_first *f = &s->reply;

	while (f->data && s->writable) {
		struct iovec iov = { f->data + f->pos, f->len - f->pos };
		ssize_t n = write_once(s, &iov, 1);

		if (n < 0)
			return (int)n;
		stream_first_gone(f, (size_t)n, free);
	}
	return 0;
}

int stream_pump_in(struct relay_stream *s, adit_time now)
{
	size_t done = 0;
	int r = write_reply(s);

	while (!r && s->writable && !s->wrote_eof) {
		struct iovec iov[IOVECS];
		int cnt = adit_tcp_peek(s->sock.sock, iov, IOVECS);
		ssize_t n;

		if (!cnt) {
			if (adit_tcp_at_eof(s->sock.sock))
				pass_eof(s);
			return 0;
		}
		if (done >= STREAM_TURN_IN) {
			relay_again_set(s->loop, &s->again);
			return 0;
		}
		n = write_once(s, iov, cnt);
		if (n < 0)
			return (int)n;
		if (!n)
			return 0;
		adit_tcp_consume(s->sock.sock, (size_t)n, now);
		s->bytes_in += (size_t)n;
		done += (size_t)n;
	}
	return r;
}
