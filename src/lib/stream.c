/* SPDX-License-Identifier: ISC */
/* stream.c - a connection inside as one end of a local socket pair */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/lib.h"
#include "relay/stream.h"

struct lib_stream {
	struct adit *net;
	struct adit_list link;
	struct relay_stream *stream;
	uint64_t number;
};

static void ended(void *arg, int error, uint64_t bytes_out, uint64_t bytes_in)
{
	struct lib_stream *s = arg;

	(void)error;
	(void)bytes_out;
	(void)bytes_in;
	adit_list_del(&s->link);
	atomic_fetch_sub(&s->net->connections, 1);
	free(s);
}

static const struct relay_stream_ops ops = { .ended = ended };

int lib_stream_serve(struct adit *net, uint64_t *number, struct adit_sock *sock, adit_time now)
{
	struct lib_stream *s = calloc(1, sizeof(*s));
	int fd[2], r;

	if (!s || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) < 0) {
		r = s ? -errno : -ENOMEM;
		free(s);
		adit_tcp_abort(sock, now);
		return r;
	}
	fcntl(fd[0], F_SETFL, O_NONBLOCK);
	s->net = net;
	*number = s->number = ++net->stream_cnt;
	adit_list_add_tail(&net->streams, &s->link);
	atomic_fetch_add(&net->connections, 1);
	r = relay_stream_start(lib_loop(net), &s->stream, fd[0], sock, NULL, 0, NULL, 0, &ops, s, now);
	if (r == 0)
		return fd[1];
	ended(s, r, 0, 0);
	close(fd[0]);
	close(fd[1]);
	adit_tcp_abort(sock, now);
	return r;
}

static void abort_stream(struct lib_stream *s, adit_time now)
{
	relay_stream_abort(s->stream, now);
	ended(s, 0, 0, 0);
}

void lib_stream_abort(struct adit *net, uint64_t number, adit_time now)
{
	for (struct adit_list *l = net->streams.next; l != &net->streams; l = l->next) {
		struct lib_stream *s = adit_container_of(l, struct lib_stream, link);

		if (s->number == number) {
			abort_stream(s, now);
			return;
		}
	}
}

void lib_streams_abort(struct adit *net, adit_time now)
{
	while (!adit_list_empty(&net->streams))
		abort_stream(adit_container_of(net->streams.next, struct lib_stream, link), now);
}
