/* SPDX-License-Identifier: ISC */
/* splice.c - streams that belong to a service: counted, and ended with it */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "relay/internal.h"
#include "relay/stream.h"

struct splice {
	struct adit_list link; /* in the relay's */
	struct relay_service *service;
	struct relay_stream *stream;
};

void relay_reset_fd(int fd)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)); /* no TCP socket: closes as it can */
	close(fd);
}

static void free_splice(struct splice *p, uint64_t bytes_out, uint64_t bytes_in)
{
	struct relay_service *s = p->service;

	adit_list_del(&p->link);
	free(p);
	s->n.bytes_out += bytes_out;
	s->n.bytes_in += bytes_in;
	s->n.open--;
	relay_service_put(s);
}

static void stream_ended(void *arg, int error, uint64_t bytes_out, uint64_t bytes_in)
{
	(void)error;
	free_splice(arg, bytes_out, bytes_in);
}

static const struct relay_stream_ops stream_ops = { .ended = stream_ended };

void relay_service_splice(struct relay_service *s, int fd, struct adit_sock *sock, const void *early,
			  size_t early_len, const void *reply, size_t reply_len, adit_time now)
{
	struct splice *p = malloc(sizeof(*p));

	if (!p || relay_stream_start(&s->relay->loop, &p->stream, fd, sock, early, early_len, reply, reply_len,
				     &stream_ops, p, now)) {
		free(p);
		relay_reset_fd(fd);
		adit_tcp_abort(sock, now);
		s->n.failed++;
		return;
	}
	p->service = s;
	adit_list_add_tail(&s->relay->splices, &p->link);
	relay_service_get(s);
	s->n.opened++;
	s->n.open++;
}

void relay_splices_abort(struct adit_relay *r, const struct relay_service *s, adit_time now)
{
	for (struct adit_list *l = r->splices.next, *next; l != &r->splices; l = next) {
		struct splice *p = adit_container_of(l, struct splice, link);
		uint64_t bytes_out, bytes_in;

		next = l->next;
		if (s && p->service != s)
			continue;
		relay_stream_bytes(p->stream, &bytes_out, &bytes_in);
		relay_stream_abort(p->stream, now);
		free_splice(p, bytes_out, bytes_in);
	}
}

void relay_splices_count(const struct adit_relay *r, const struct relay_service *s, struct relay_service_stats *n)
{
	for (const struct adit_list *l = r->splices.next; l != &r->splices; l = l->next) {
		const struct splice *p = adit_container_of(l, struct splice, link);
		uint64_t bytes_out, bytes_in;

		if (p->service != s)
			continue;
		relay_stream_bytes(p->stream, &bytes_out, &bytes_in);
		n->bytes_out += bytes_out;
		n->bytes_in += bytes_in;
	}
}
