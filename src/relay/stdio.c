/* SPDX-License-Identifier: ISC */
/*
 * stdio.c - one connection inside for standard input and output (ssh's
 * ProxyCommand). Either may be a pipe, a socket, a terminal or a file, and
 * end of file passes each way by itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "relay/dial.h"
#include "relay/internal.h"
#include "relay/stream.h"

struct stdio {
	struct relay_dial *dial;
	struct relay_stream *stream;
	int fd[2];       /* ours instead of 0 and 1; the stream closes them */
	int terminal[2]; /* -1, or one more descriptor: a shell shares it, and wants it back as it was */
	int flags[2];
};

/* The program's own 0 and 1 become /dev/null, so that closing ours is the end
 * of file that the other side of a pipe waits for. */
static int take_over(struct stdio *io)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int r = null < 0 ? -errno : 0;

	for (int i = 0; i < 2 && !r; i++) {
		io->fd[i] = fcntl(i, F_DUPFD_CLOEXEC, 3);
		if (io->fd[i] < 0 || dup2(null, i) < 0) {
			r = -errno;
			break;
		}
		io->flags[i] = fcntl(io->fd[i], F_GETFL);
		if (isatty(io->fd[i]))
			io->terminal[i] = fcntl(io->fd[i], F_DUPFD_CLOEXEC, 3);
		fcntl(io->fd[i], F_SETFL, io->flags[i] | O_NONBLOCK);
	}
	if (null >= 0)
		close(null);
	return r;
}

static void give_back(struct stdio *io)
{
	for (int i = 0; i < 2; i++) {
		if (io->fd[i] >= 0)
			close(io->fd[i]);
		if (io->terminal[i] >= 0) {
			fcntl(io->terminal[i], F_SETFL, io->flags[i]);
			close(io->terminal[i]);
		}
		io->fd[i] = io->terminal[i] = -1;
	}
}

static void ended(struct relay_service *s, int error)
{
	struct adit_relay *r = s->relay;

	if (r->cfg.stdio_ended)
		r->cfg.stdio_ended(r->cfg.user, error);
}

static void stream_ended(void *arg, int error, uint64_t bytes_out, uint64_t bytes_in)
{
	struct relay_service *s = arg;
	struct stdio *io = s->state;

	io->stream = NULL;
	io->fd[0] = io->fd[1] = -1;
	give_back(io);
	s->n.bytes_out += bytes_out;
	s->n.bytes_in += bytes_in;
	s->n.open--;
	ended(s, error);
	relay_service_put(s);
}

static const struct relay_stream_ops stream_ops = { .ended = stream_ended };

static void failed(struct relay_service *s, int error)
{
	struct stdio *io = s->state;
	char text[256];

	if (error == -ECONNREFUSED)
		s->n.refused++;
	else
		s->n.failed++;
	relay_log(s->relay, RELAY_LOG_ERROR, "%s: %s", relay_service_describe(&s->cfg, text, sizeof(text)),
		  relay_error_text(error));
	give_back(io);
	ended(s, error);
	relay_service_put(s);
}

static void dialled(void *arg, const struct relay_dialled *d)
{
	struct relay_service *s = arg;
	struct stdio *io = s->state;
	adit_time now = s->relay->loop.now;
	int r;

	io->dial = NULL;
	if (d->error) {
		failed(s, d->error);
		return;
	}
	r = relay_stream_start_pipe(&s->relay->loop, &io->stream, io->fd[0], io->fd[1], d->sock, &stream_ops, s, now);
	if (r) {
		adit_tcp_abort(d->sock, now);
		failed(s, r);
		return;
	}
	s->n.opened++;
	s->n.open++;
}

static int start(struct relay_service *s, char *err, size_t err_len, adit_time now)
{
	struct stdio *io = calloc(1, sizeof(*io));
	int r = -ENOMEM;

	if (io) {
		io->fd[0] = io->fd[1] = io->terminal[0] = io->terminal[1] = -1;
		r = take_over(io);
	}
	if (r) {
		snprintf(err, err_len, "cannot use standard input and output: %s", relay_error_text(r));
		free(io);
		return r;
	}
	signal(SIGPIPE, SIG_IGN); /* a reader that is gone is an error of write */
	s->state = io;
	relay_service_get(s);
	r = relay_dial_inside(s->relay, &io->dial, &s->cfg.target, dialled, s, now);
	if (r)
		failed(s, r);
	return 0;
}

static void stop(struct relay_service *s, bool kill, adit_time now)
{
	struct stdio *io = s->state;

	if (!kill)
		return;
	if (io->stream) {
		relay_stream_abort(io->stream, now);
		io->stream = NULL;
		io->fd[0] = io->fd[1] = -1;
		give_back(io);
		s->n.open--;
		relay_service_put(s);
	} else if (io->dial) {
		relay_dial_cancel(io->dial, now);
		io->dial = NULL;
		give_back(io);
		relay_service_put(s);
	}
}

static void free_state(struct relay_service *s)
{
	free(s->state);
}

const struct relay_service_ops relay_stdio_ops = { .start = start, .stop = stop, .free = free_state };
