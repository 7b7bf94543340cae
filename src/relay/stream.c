/* SPDX-License-Identifier: ISC */
/*
 * stream.c - a local socket and a connection of our stack, tied together:
 * how a stream begins, what wakes it, and how it ends
 */
#include "relay/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "relay/service.h"
#include "relay/stream_internal.h"

static void free_stream(struct relay_defunct *d)
{
	struct relay_stream *s = adit_container_of(d, struct relay_stream, defunct);

	free(s->early.data);
	free(s->reply.data);
	free(s);
}

/* --- the end -------------------------------------------------------------------- */

static void bury(struct relay_stream *s)
{
	s->dead = true;
	s->sock.sock = NULL;
	relay_again_cancel(&s->again);
	relay_defer_free(s->loop, &s->defunct);
}

static void reset_both(struct relay_stream *s, adit_time now)
{
	for (int i = 0; i < 2; i++) {
		int fd = s->fd[i].fd;

		if (fd < 0)
			continue;
		relay_fd_release(&s->fd[i]);
		relay_reset_fd(fd);
	}
	adit_tcp_abort(s->sock.sock, now);
	bury(s);
}

static void end_in_order(struct relay_stream *s, adit_time now)
{
	relay_fd_close(&s->fd[0]);
	relay_fd_close(&s->fd[1]);
	adit_tcp_close(s->sock.sock, now);
	bury(s);
}

/* After every step: goes on, or comes to its end. */
static void settle(struct relay_stream *s, int error, adit_time now)
{
	if (!error && !(s->read_eof && (s->wrote_eof || s->gone)))
		return;
	if (error)
		reset_both(s, now);
	else
		end_in_order(s, now);
	s->ops->ended(s->arg, error, s->bytes_out, s->bytes_in);
}

void relay_stream_abort(struct relay_stream *s, adit_time now)
{
	if (!s->dead)
		reset_both(s, now);
}

/* --- what wakes it ---------------------------------------------------------------- */

static int pump(struct relay_stream *s, adit_time now)
{
	int r = stream_pump_in(s, now);

	return r ? r : stream_pump_out(s, now);
}

static void sock_event(struct relay_sock *sock, unsigned what, adit_time now)
{
	struct relay_stream *s = adit_container_of(sock, struct relay_stream, sock);
	int r = 0;

	if (what & ADIT_EV_ERROR) {
		r = adit_sock_error(s->sock.sock);
		stream_pump_in(s, now); /* what came before it */
		settle(s, r ? r : -ECONNRESET, now);
		return;
	}
	if (what & (ADIT_EV_READABLE | ADIT_EV_EOF))
		r = stream_pump_in(s, now);
	if (!r && what & (ADIT_EV_WRITABLE | ADIT_EV_CONNECTED))
		r = stream_pump_out(s, now);
	settle(s, r, now);
}

static int fd_error(const struct relay_fd *f)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(f->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		return errno == ENOTSOCK ? -EPIPE : -errno; /* a pipe that nobody reads */
	return -error;
}

static void fd_ready(struct relay_fd *f, uint32_t events, adit_time now)
{
	struct relay_stream *s = adit_container_of(f, struct relay_stream, fd[0]);
	int r = events & EPOLLERR ? fd_error(f) : 0;

	if (events & (EPOLLRDHUP | EPOLLHUP))
		s->hung_up = true;
	if (events & EPOLLHUP && !s->pipe)
		s->gone = true;
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		s->readable = true;
	if (!r && !s->pipe && !s->writable && events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) {
		s->writable = true;
		r = stream_pump_in(s, now);
	}
	if (!r)
		r = stream_pump_out(s, now);
	settle(s, r, now);
}

static void out_fd_ready(struct relay_fd *f, uint32_t events, adit_time now)
{
	struct relay_stream *s = adit_container_of(f, struct relay_stream, fd[1]);
	int r = events & EPOLLERR ? fd_error(f) : 0;

	s->writable = true;
	settle(s, r ? r : stream_pump_in(s, now), now);
}

/* Its turn after others had theirs; and the beginning, which may see an end
 * or an error that came before the socket was ours. */
static void run_again(struct relay_again *a, adit_time now)
{
	struct relay_stream *s = adit_container_of(a, struct relay_stream, again);
	int error = adit_sock_error(s->sock.sock);

	settle(s, error ? error : pump(s, now), now);
}

/* --- the beginning ------------------------------------------------------------------ */

static int keep_first(struct stream_first *f, const void *data, size_t len)
{
	if (!len)
		return 0;
	f->data = malloc(len);
	if (!f->data)
		return -ENOMEM;
	memcpy(f->data, data, len);
	f->len = len;
	return 0;
}

/* A file is always ready, and epoll does not take it. */
static int watch(struct relay_fd *f, uint32_t events)
{
	int r = relay_fd_watch(f, events | EPOLLET);

	return r == -EPERM ? 0 : r;
}

static int watch_all(struct relay_stream *s)
{
	int r;

	if (!s->pipe)
		return watch(&s->fd[0], EPOLLIN | EPOLLOUT | EPOLLRDHUP);
	r = watch(&s->fd[0], EPOLLIN | EPOLLRDHUP);
	return r ? r : watch(&s->fd[1], EPOLLOUT);
}

static struct relay_stream *new_stream(struct relay_loop *l, int in_fd, int out_fd, struct adit_sock *sock,
				       const struct relay_stream_ops *ops, void *arg)
{
	struct relay_stream *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->loop = l;
	s->ops = ops;
	s->arg = arg;
	s->pipe = out_fd >= 0;
	s->readable = s->writable = true;
	s->want = 1024;
	s->again.run = run_again;
	s->defunct.free = free_stream;
	relay_fd_init(&s->fd[0], l, in_fd, fd_ready);
	relay_fd_init(&s->fd[1], l, out_fd, out_fd_ready);
	s->sock = (struct relay_sock){ .sock = sock, .event = sock_event };
	return s;
}

static int start(struct relay_stream *s, struct relay_stream **ret)
{
	int r = watch_all(s);

	if (r) {
		relay_fd_release(&s->fd[0]);
		relay_fd_release(&s->fd[1]);
		free_stream(&s->defunct);
		return r;
	}
	adit_sock_set_user(s->sock.sock, &s->sock);
	relay_again_set(s->loop, &s->again); /* `ended` shall not come before the caller knows us */
	*ret = s;
	return 0;
}

int relay_stream_start(struct relay_loop *l, struct relay_stream **ret, int fd, struct adit_sock *sock,
		       const void *early, size_t early_len, const void *reply, size_t reply_len,
		       const struct relay_stream_ops *ops, void *arg, adit_time now)
{
	struct relay_stream *s = new_stream(l, fd, -1, sock, ops, arg);

	(void)now;
	if (!s)
		return -ENOMEM;
	if (keep_first(&s->early, early, early_len) || keep_first(&s->reply, reply, reply_len)) {
		free_stream(&s->defunct);
		return -ENOMEM;
	}
	return start(s, ret);
}

int relay_stream_start_pipe(struct relay_loop *l, struct relay_stream **ret, int in_fd, int out_fd,
			    struct adit_sock *sock, const struct relay_stream_ops *ops, void *arg, adit_time now)
{
	struct relay_stream *s = new_stream(l, in_fd, out_fd, sock, ops, arg);

	(void)now;
	return s ? start(s, ret) : -ENOMEM;
}

void relay_stream_bytes(const struct relay_stream *s, uint64_t *bytes_out, uint64_t *bytes_in)
{
	*bytes_out = s->bytes_out;
	*bytes_in = s->bytes_in;
}
