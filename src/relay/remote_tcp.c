/* SPDX-License-Identifier: ISC */
/*
 * remote_tcp.c - listen inside, connect here. The SYN waits until the local
 * connection's outcome is known: refused here is refused there, unreachable is
 * an ICMP error there.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "relay/dial.h"
#include "relay/internal.h"
#include "relay/sockaddr.h"

#define DIALS_MAX 1024 /* that wait at a time, of all services; a client may have two thirds of it */

struct remote {
	struct relay_sock listener;
	struct relay_service *service;
	struct adit_list waiting; /* struct caller */
};

/* Somebody inside whose SYN waits. */
struct caller {
	struct relay_defunct defunct;
	struct adit_list link;
	struct relay_service *service;
	struct relay_client *client;
	struct relay_sock sock;
	struct relay_dial *dial;
};

static void free_caller(struct relay_defunct *d)
{
	free(adit_container_of(d, struct caller, defunct));
}

static void bury(struct caller *c)
{
	struct adit_relay *r = c->service->relay;

	c->sock.sock = NULL;
	r->dials--;
	relay_client_put(&r->dialling, c->client);
	adit_list_del(&c->link);
	relay_defer_free(&r->loop, &c->defunct);
	relay_service_put(c->service);
}

/* What the peer learns: RST, or an ICMP error. */
static int refusal(int error)
{
	switch (error) {
	case -EHOSTUNREACH:
	case -ENETUNREACH:
	case -EACCES:
		return error;
	case -ETIMEDOUT:
	case -ENOENT:
		return -EHOSTUNREACH;
	default:
		return -ECONNREFUSED;
	}
}

static void refused(struct caller *c, int error, adit_time now)
{
	struct relay_service *s = c->service;
	char text[256];

	if (error == -ECONNREFUSED)
		s->n.refused++;
	else
		s->n.failed++;
	relay_log(s->relay, RELAY_LOG_DEBUG, "%s: not connected: %s", relay_service_describe(&s->cfg, text, sizeof(text)),
		  relay_error_text(error));
	adit_tcp_refuse(c->sock.sock, refusal(error), now);
	bury(c);
}

static void dialled(void *arg, const struct relay_dialled *d)
{
	struct caller *c = arg;
	adit_time now = c->service->relay->loop.now;

	if (d->error) {
		refused(c, d->error, now);
		return;
	}
	adit_sock_set_user(c->sock.sock, NULL);
	adit_tcp_accept(c->sock.sock, now);
	relay_service_splice(c->service, d->fd, c->sock.sock, NULL, 0, NULL, 0, now);
	bury(c);
}

static void caller_event(struct relay_sock *s, unsigned what, adit_time now)
{
	struct caller *c = adit_container_of(s, struct caller, sock);

	if (!(what & ADIT_EV_ERROR))
		return;
	relay_dial_cancel(c->dial, now);
	c->service->n.failed++;
	adit_tcp_abort(s->sock, now);
	bury(c);
}

/* A SYN that is not answered is sent again later, when there may be room. */
static bool too_many(const struct adit_relay *r, const struct adit_addr *from)
{
	unsigned max = r->connections_max / 2 < DIALS_MAX ? r->connections_max / 2 : DIALS_MAX;

	return relay_is_full(r) || r->dials >= max || relay_clients_held(&r->dialling, from) >= (max * 2 + 2) / 3;
}

static struct caller *new_caller(struct remote *m, struct adit_sock *sock, const struct adit_addr *from)
{
	struct adit_relay *r = m->service->relay;
	struct caller *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->client = relay_client_get(&r->dialling, from);
	if (!c->client) {
		free(c);
		return NULL;
	}
	r->dials++;
	c->service = m->service;
	c->defunct.free = free_caller;
	c->sock = (struct relay_sock){ .sock = sock, .event = caller_event };
	adit_sock_set_user(sock, &c->sock);
	relay_service_get(c->service);
	adit_list_add_tail(&m->waiting, &c->link);
	return c;
}

static void incoming(struct relay_sock *listener, struct adit_sock *sock, adit_time now)
{
	struct remote *m = adit_container_of(listener, struct remote, listener);
	struct relay_service *s = m->service;
	struct adit_endpoint from;
	struct caller *c = NULL;
	int r;

	adit_sock_remote(sock, &from);
	if (!too_many(s->relay, &from.addr))
		c = new_caller(m, sock, &from.addr);
	if (!c) {
		if (relay_is_full(s->relay) || s->relay->connections_max / 2 < DIALS_MAX) /* descriptors set the limit */
			relay_say_full(s->relay, now);
		s->n.failed++;
		adit_tcp_refuse(sock, 0, now);
		return;
	}
	r = relay_dial_outside(s->relay, &c->dial, &s->cfg.target, dialled, c, now);
	if (r)
		refused(c, r, now);
}

static int start(struct relay_service *s, char *err, size_t err_len, adit_time now)
{
	const struct adit_endpoint local = relay_endpoint_inside(&s->cfg.listen);
	struct remote *m = calloc(1, sizeof(*m));
	int r = -ENOMEM;

	(void)now;
	if (m) {
		m->service = s;
		adit_list_init(&m->waiting);
		m->listener.incoming = incoming;
		r = adit_tcp_listen(s->relay->cfg.ns, &m->listener.sock, &local, &m->listener);
	}
	if (r) {
		snprintf(err, err_len, "cannot listen inside on port %u: %s%s", s->cfg.listen.port, relay_error_text(r),
			 r == -EADDRINUSE ? "; another forward has that port" : "");
		free(m);
		return r;
	}
	s->state = m;
	return 0;
}

static void stop(struct relay_service *s, bool kill, adit_time now)
{
	struct remote *m = s->state;

	if (m->listener.sock)
		adit_tcp_close(m->listener.sock, now);
	m->listener.sock = NULL;
	while (kill && !adit_list_empty(&m->waiting)) {
		struct caller *c = adit_container_of(m->waiting.next, struct caller, link);

		relay_dial_cancel(c->dial, now);
		adit_tcp_refuse(c->sock.sock, -ECONNREFUSED, now);
		bury(c);
	}
}

static void free_state(struct relay_service *s)
{
	free(s->state);
}

const struct relay_service_ops relay_remote_tcp_ops = { .start = start, .stop = stop, .free = free_state };
