/* SPDX-License-Identifier: ISC */
/*
 * remote_udp.c - datagrams that come to a port inside go to an address here,
 * each client by a socket of its own. Its answers leave from the address that
 * the client has sent to: there is a socket inside for each of ours in use.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"
#include "relay/batch.h"
#include "relay/udp_target.h"

#define BATCHES 4 /* of one client in a turn */

/* A socket inside: of all our addresses first, then of those that somebody has sent to. */
struct inner {
	struct relay_sock sock;
	struct remote *remote;
	struct adit_addr addr; /* family 0: all */
};

struct remote {
	struct relay_service *service;
	struct inner inner[1 + ADIT_NETSTACK_ADDRESSES];
	unsigned inner_cnt;
	struct adit_map sessions;
	uint8_t key[16];
	struct adit_list used; /* struct session, least recently used first */
	struct relay_clients clients;
	struct udp_target target;
	struct relay_batch *batch;
};

struct session_key {
	struct adit_endpoint from;
	const struct inner *inner;
};

/* A client: its endpoint inside, and which of our addresses it talks to. */
struct session {
	struct relay_defunct defunct;
	struct adit_list link;
	struct remote *remote;
	struct session_key key;
	struct inner *inner;
	struct relay_client *client;
	struct adit_list client_link;
	struct relay_fd fd; /* connected to the target; -1 before the first datagram */
	struct relay_timer idle;
	struct adit_endpoint at; /* the target's address that it is, or was, connected to */
	unsigned failed;         /* so many of its addresses, one after another, and none has replied */
	adit_time last;
	bool replied;
};

/* --- sessions ----------------------------------------------------------------------- */

static bool same_session(const void *item, const void *key)
{
	const struct session *x = item;
	const struct session_key *k = key;

	return x->key.inner == k->inner && adit_endpoint_equal(&x->key.from, &k->from);
}

static uint64_t hash_of(const struct remote *m, const struct session_key *k)
{
	uint8_t text[20];

	text[0] = k->from.addr.family;
	memcpy(text + 1, k->from.addr.bytes, 16);
	memcpy(text + 17, &k->from.port, 2);
	text[19] = (uint8_t)(k->inner - m->inner);
	return adit_shorthash(text, sizeof(text), m->key);
}

static void free_session(struct relay_defunct *d)
{
	free(adit_container_of(d, struct session, defunct));
}

static void end_session(struct session *x)
{
	struct remote *m = x->remote;

	udp_target_forget(&m->target, x);
	relay_timer_set(&x->idle, ADIT_NEVER);
	relay_fd_close(&x->fd);
	adit_map_remove(&m->sessions, hash_of(m, &x->key), x);
	adit_list_del(&x->link);
	adit_list_del(&x->client_link);
	relay_client_put(&m->clients, x->client);
	m->service->n.open--;
	relay_defer_free(&m->service->relay->loop, &x->defunct);
	relay_service_put(m->service);
}

static adit_time idle_due(const struct session *x)
{
	const struct relay_service_config *c = &x->remote->service->cfg;
	unsigned limit = x->replied ? c->udp_timeout : c->udp_unreplied;

	return limit ? x->last + limit * ADIT_SEC : ADIT_NEVER;
}

static void idle(struct relay_timer *t, adit_time now)
{
	struct session *x = adit_container_of(t, struct session, idle);

	if (idle_due(x) > now) {
		relay_timer_set(t, idle_due(x));
		return;
	}
	x->remote->service->n.udp_expired++;
	end_session(x);
}

static void touch(struct session *x, adit_time now)
{
	x->last = now;
	adit_list_del(&x->link);
	adit_list_add_tail(&x->remote->used, &x->link);
	adit_list_del(&x->client_link);
	adit_list_add_tail(&x->client->items, &x->client_link);
}

static void reclaim(struct session *x)
{
	x->remote->service->n.udp_reclaimed++;
	end_session(x);
}

/* --- from here to inside --------------------------------------------------------------- */

/* Where the name has an address that was not tried yet, that is for the next datagram. */
static bool moves_on(struct session *x)
{
	struct udp_target *t = &x->remote->target;

	if (x->replied || t->answer.cnt < 2)
		return false;
	udp_target_next(t, &x->at);
	relay_fd_close(&x->fd);
	if (++x->failed < t->answer.cnt)
		return true;
	x->failed = 0;
	return false;
}

/* The kernel tells of an ICMP error: nobody listens at the target. The client learns the same. */
static void pass_error(struct session *x, int error, adit_time now)
{
	if ((error == -ECONNREFUSED || error == -EHOSTUNREACH || error == -ENETUNREACH) && !moves_on(x))
		adit_udp_sock_refuse(x->inner->sock.sock, &x->key.from, error, now);
}

static void readable(struct relay_fd *f, uint32_t events, adit_time now)
{
	struct session *x = adit_container_of(f, struct session, fd);
	struct relay_service *s = x->remote->service;
	struct relay_batch *b = x->remote->batch;
	int n = RELAY_BATCH;

	(void)events;
	for (int i = 0; i < BATCHES && n == RELAY_BATCH && adit_netstack_has_room(f->loop->ns); i++) {
		n = relay_batch_receive(b, f->fd);
		if (n < 0) {
			pass_error(x, n, now);
			return; /* what else there is, is told again */
		}
		for (int k = 0; k < n; k++) {
			if (adit_udp_sock_send(x->inner->sock.sock, &x->key.from, b->data[k], b->msg[k].msg_len, now))
				s->n.failed++;
			else
				s->n.bytes_out += b->msg[k].msg_len;
		}
		if (n > 0)
			touch(x, now);
		if (n > 0 && !x->replied) {
			x->replied = true;
			relay_timer_set(&x->idle, idle_due(x));
		}
	}
}

/* --- from inside to here --------------------------------------------------------------- */

static int connect_to(struct session *x, const struct adit_endpoint *to)
{
	union relay_sockaddr sa;
	socklen_t len = relay_sockaddr_from(&sa, to);
	int fd;

	x->at = *to;
	fd = socket(sa.sa.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	relay_fd_init(&x->fd, &x->remote->service->relay->loop, fd, readable);
	return connect(fd, &sa.sa, len) < 0 ? -errno : relay_fd_watch(&x->fd, EPOLLIN);
}

static int connect_session(struct session *x)
{
	int r;

	if (x->fd.fd >= 0)
		return 0;
	do
		r = connect_to(x, &x->remote->target.at);
	while (r && moves_on(x));
	if (r)
		relay_fd_close(&x->fd);
	return r;
}

/* The target moved elsewhere meanwhile: sessions that are there stay with the old address. */
static void pass(struct udp_target *t, void *client, const void *data, size_t len, adit_time now)
{
	struct session *x = client;
	struct relay_service *s = x->remote->service;

	touch(x, now);
	(void)t;
	if (connect_session(x)) {
		s->n.failed++;
		return;
	}
	/* the error of an earlier datagram may be told now: this one was not sent */
	if (send(x->fd.fd, data, len, MSG_NOSIGNAL) >= 0) {
		s->n.bytes_in += len;
		return;
	}
	pass_error(x, -errno, now);
	if (connect_session(x) || send(x->fd.fd, data, len, MSG_NOSIGNAL) < 0)
		s->n.failed++;
	else
		s->n.bytes_in += len;
}

/* Room for one more, of this client and of all. */
static bool make_room(struct remote *m, const struct adit_addr *from)
{
	struct relay_service *s = m->service;

	if (s->cfg.udp_per_client && relay_clients_held(&m->clients, from) >= s->cfg.udp_per_client) {
		struct relay_client *c = relay_client_get(&m->clients, from);

		if (c)
			reclaim(adit_container_of(c->items.next, struct session, client_link));
		if (c)
			relay_client_put(&m->clients, c);
	}
	if ((s->n.open >= s->cfg.udp_pool || relay_is_full(s->relay)) && !adit_list_empty(&m->used))
		reclaim(adit_container_of(m->used.next, struct session, link));
	return !relay_is_full(s->relay);
}

static struct session *new_session(struct remote *m, const struct session_key *key, adit_time now)
{
	struct relay_service *s = m->service;
	struct session *x = make_room(m, &key->from.addr) ? calloc(1, sizeof(*x)) : NULL;

	if (!x)
		return NULL;
	x->key = *key;
	x->remote = m;
	x->inner = &m->inner[key->inner - m->inner];
	x->client = relay_client_get(&m->clients, &key->from.addr);
	if (!x->client || adit_map_insert(&m->sessions, hash_of(m, key), x)) {
		if (x->client)
			relay_client_put(&m->clients, x->client);
		free(x);
		return NULL;
	}
	adit_list_add_tail(&m->used, &x->link);
	adit_list_add_tail(&x->client->items, &x->client_link);
	relay_fd_init(&x->fd, &s->relay->loop, -1, readable);
	relay_timer_init(&x->idle, &s->relay->loop, idle);
	x->defunct.free = free_session;
	x->last = now;
	relay_timer_set(&x->idle, idle_due(x));
	relay_service_get(s);
	s->n.opened++;
	s->n.open++;
	return x;
}

static void datagram(struct inner *in, const struct adit_udp_msg *msg, adit_time now)
{
	struct remote *m = in->remote;
	struct session_key key = { msg->remote, in };
	struct session *x = adit_map_find(&m->sessions, hash_of(m, &key), &key);

	if (!x)
		x = new_session(m, &key, now);
	if (x)
		udp_target_send(&m->target, x, msg->data, msg->len, now);
	else
		m->service->n.udp_exhausted++;
}

static void inner_event(struct relay_sock *s, unsigned what, adit_time now);

static int open_inner(struct remote *m, const struct adit_endpoint *local)
{
	struct inner *in = &m->inner[m->inner_cnt];
	int r;

	if (m->inner_cnt == sizeof(m->inner) / sizeof(m->inner[0]))
		return -ENOSPC;
	*in = (struct inner){ .sock.event = inner_event, .remote = m, .addr = local->addr };
	r = adit_udp_sock_open(m->service->relay->cfg.ns, &in->sock.sock, local, NULL, &in->sock);
	if (!r)
		m->inner_cnt++;
	return r;
}

/* The socket whose answers leave from the address this was sent to; the one for
 * all, if there can be no other. */
static struct inner *inner_of(struct remote *m, struct adit_udp_msg *msg)
{
	for (unsigned i = 1; i < m->inner_cnt; i++)
		if (adit_addr_equal(&m->inner[i].addr, &msg->local.addr))
			return &m->inner[i];
	memcpy(m->batch->data[0], msg->data, msg->len); /* what we have is lent until the stack is called */
	msg->data = m->batch->data[0];
	return open_inner(m, &msg->local) ? &m->inner[0] : &m->inner[m->inner_cnt - 1];
}

static void inner_event(struct relay_sock *s, unsigned what, adit_time now)
{
	struct inner *in = adit_container_of(s, struct inner, sock);
	struct remote *m = in->remote;
	struct adit_udp_msg msg;

	(void)what;
	udp_target_refresh(&m->target, now);
	while (adit_udp_sock_recv(s->sock, &msg))
		datagram(in->addr.family ? in : inner_of(m, &msg), &msg, now);
}

/* --- start and stop ------------------------------------------------------------------------ */

static void free_state(struct relay_service *s)
{
	struct remote *m = s->state;

	adit_map_fini(&m->sessions);
	relay_clients_fini(&m->clients);
	free(m);
}

static int start(struct relay_service *s, char *err, size_t err_len, adit_time now)
{
	const struct adit_endpoint local = relay_endpoint_inside(&s->cfg.listen);
	struct remote *m = calloc(1, sizeof(*m));
	int r = -ENOMEM;

	(void)now;
	if (m) {
		m->service = s;
		m->batch = relay_batch(s->relay);
		adit_map_init(&m->sessions, same_session);
		adit_random(m->key, sizeof(m->key));
		adit_list_init(&m->used);
		relay_clients_init(&m->clients);
		udp_target_init(&m->target, s, false, pass);
		s->state = m;
		r = m->batch ? open_inner(m, &local) : -ENOMEM;
	}
	if (!r)
		return 0;
	snprintf(err, err_len, "cannot listen inside on UDP port %u: %s%s", s->cfg.listen.port, relay_error_text(r),
		 r == -EADDRINUSE ? "; another forward has that port" : "");
	if (m)
		free_state(s);
	return r;
}

static void stop(struct relay_service *s, bool kill, adit_time now)
{
	struct remote *m = s->state;

	(void)kill; /* without the port inside there is no way back */
	(void)now;
	while (!adit_list_empty(&m->used))
		end_session(adit_container_of(m->used.next, struct session, link));
	for (unsigned i = 0; i < m->inner_cnt; i++)
		adit_udp_sock_close(m->inner[i].sock.sock);
	m->inner_cnt = 0;
	udp_target_fini(&m->target);
}

const struct relay_service_ops relay_remote_udp_ops = { .start = start, .stop = stop, .free = free_state };
