/* SPDX-License-Identifier: ISC */
/* mapping.c - UDP to inside: clients' sockets, their virtual ports, and the pools of these */
#include "relay/mapping.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "relay/internal.h"

/* A stack has 28232 ephemeral ports: so that it finds a free one soon, a part of
 * them is left to it; and so that ports may rest, not all others are in use. */
enum { TAKEN_MAX = 26000, USED_MAX = 20000 };

struct pool {
	struct adit_list used;    /* struct port, least recently used first */
	struct adit_list resting; /* struct port, in the order they were given back */
	unsigned used_cnt, resting_cnt;
};

struct port {
	struct adit_list link; /* in one of its pool's lists */
	struct pool *pool;
	struct relay_client *client; /* whose it is, or was until it rested */
	struct relay_sock sock;
	struct relay_mapping *mapping; /* NULL: rests */
	adit_time until;               /* while it rests */
};

struct relay_udp_pools {
	struct adit_relay *relay;
	struct pool pool[2]; /* of our inner IPv4 address, and of the IPv6 one */
	unsigned size;
	struct relay_clients clients;
	struct relay_timer rested;
};

struct relay_mapping {
	struct relay_udp_pools *pools;
	struct relay_service *service;
	struct relay_client *client;
	struct adit_list client_link; /* in client->items, least recently used first */
	struct port *port[2];         /* as the pools; NULL: none needed yet */
	const struct relay_mapping_ops *ops;
	void *arg;
	struct relay_timer idle;
	adit_time last; /* when something passed */
	bool replied;
};

/* --- ports ------------------------------------------------------------------------ */

static void close_port(struct relay_udp_pools *u, struct port *p)
{
	adit_list_del(&p->link);
	p->pool->resting_cnt--;
	adit_udp_sock_close(p->sock.sock);
	p->client->ports[p->pool - u->pool]--;
	relay_client_put(&u->clients, p->client);
	free(p);
}

static void rested(struct relay_timer *t, adit_time now)
{
	struct relay_udp_pools *u = adit_container_of(t, struct relay_udp_pools, rested);
	adit_time next = ADIT_NEVER;

	for (int i = 0; i < 2; i++) {
		struct adit_list *resting = &u->pool[i].resting;
		struct port *p = NULL;

		while (!adit_list_empty(resting)) {
			p = adit_container_of(resting->next, struct port, link);
			if (p->until > now)
				break;
			close_port(u, p);
		}
		if (!adit_list_empty(resting) && p->until < next)
			next = p->until;
	}
	relay_timer_set(t, next);
}

static void give_port(struct relay_udp_pools *u, struct port *p, adit_time now)
{
	bool first = !u->pool[0].resting_cnt && !u->pool[1].resting_cnt;

	p->mapping = NULL;
	p->until = now + RELAY_PORT_REST;
	adit_list_del(&p->link);
	adit_list_add_tail(&p->pool->resting, &p->link);
	p->pool->used_cnt--;
	p->pool->resting_cnt++;
	if (first)
		relay_timer_set(&u->rested, p->until);
}

/* --- mappings ----------------------------------------------------------------------- */

static void close_mapping(struct relay_mapping *m, adit_time now)
{
	relay_timer_set(&m->idle, ADIT_NEVER);
	for (int i = 0; i < 2; i++)
		if (m->port[i])
			give_port(m->pools, m->port[i], now);
	adit_list_del(&m->client_link);
	relay_client_put(&m->pools->clients, m->client);
	m->service->n.open--;
	free(m);
}

static void end_mapping(struct relay_mapping *m, adit_time now)
{
	const struct relay_mapping_ops *ops = m->ops;
	void *arg = m->arg;

	close_mapping(m, now);
	ops->ended(arg, now);
}

static void reclaim(struct relay_mapping *m, adit_time now)
{
	m->service->n.udp_reclaimed++;
	end_mapping(m, now);
}

void relay_mapping_close(struct relay_mapping *m, adit_time now)
{
	if (m)
		close_mapping(m, now);
}

static adit_time idle_due(const struct relay_mapping *m)
{
	const struct relay_service_config *c = &m->service->cfg;
	unsigned limit = m->replied ? c->udp_timeout : c->udp_unreplied;

	return limit ? m->last + limit * ADIT_SEC : ADIT_NEVER;
}

/* The data path only notes when: the timer finds out whether that was enough. */
static void idle(struct relay_timer *t, adit_time now)
{
	struct relay_mapping *m = adit_container_of(t, struct relay_mapping, idle);
	adit_time due = idle_due(m);

	if (due > now) {
		relay_timer_set(t, due);
		return;
	}
	m->service->n.udp_expired++;
	end_mapping(m, now);
}

static void touch(struct relay_mapping *m, adit_time now)
{
	m->last = now;
	adit_list_del(&m->client_link);
	adit_list_add_tail(&m->client->items, &m->client_link);
	for (int i = 0; i < 2; i++) {
		struct port *p = m->port[i];

		if (!p)
			continue;
		adit_list_del(&p->link);
		adit_list_add_tail(&p->pool->used, &p->link);
	}
}

static void port_event(struct relay_sock *s, unsigned what, adit_time now)
{
	struct port *p = adit_container_of(s, struct port, sock);
	struct adit_udp_msg msg;

	(void)what; /* an ICMP error says nothing that a client's socket could be told */
	while (adit_udp_sock_recv(s->sock, &msg)) {
		struct relay_mapping *m = p->mapping;

		if (!m)
			continue; /* too late: its client's time was over */
		touch(m, now);
		m->service->n.bytes_in += msg.len;
		if (!m->replied) {
			m->replied = true;
			relay_timer_set(&m->idle, idle_due(m));
		}
		m->ops->received(m->arg, &msg, now);
	}
}

/* --- a port for a mapping ------------------------------------------------------------ */

/* Its own least recently used port makes room for a client's next, but rests:
 * while as many of its ports rest as it may use, it gets no more. */
static bool client_has_all(const struct relay_mapping *m, int i)
{
	unsigned limit = m->service->cfg.udp_per_client;

	return limit && m->client->ports[i] >= 2 * limit;
}

static int make_room(struct relay_udp_pools *u, struct pool *pool, adit_time now)
{
	if (pool->used_cnt + pool->resting_cnt >= TAKEN_MAX)
		return -ENOBUFS;
	while (pool->used_cnt >= u->size) {
		if (pool->resting_cnt >= u->size)
			return -ENOBUFS;
		reclaim(adit_container_of(pool->used.next, struct port, link)->mapping, now);
	}
	return 0;
}

static int take_port(struct relay_mapping *m, int i, const struct adit_addr *to, adit_time now)
{
	struct adit_netstack *ns = m->pools->relay->cfg.ns;
	struct adit_endpoint local = { .addr = adit_netstack_source(ns, to) };
	struct pool *pool = &m->pools->pool[i];
	struct port *p;
	int r;

	if (!local.addr.family)
		return -ENETUNREACH;
	r = client_has_all(m, i) ? -ENOBUFS : make_room(m->pools, pool, now);
	if (r)
		return r;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->sock.event = port_event;
	r = adit_udp_sock_open(ns, &p->sock.sock, &local, NULL, &p->sock);
	if (r) {
		free(p);
		return r == -EADDRNOTAVAIL || r == -EADDRINUSE ? -ENOBUFS : r;
	}
	p->pool = pool;
	p->mapping = m;
	p->client = relay_client_hold(m->client);
	p->client->ports[i]++;
	pool->used_cnt++;
	adit_list_add_tail(&pool->used, &p->link);
	m->port[i] = p;
	return 0;
}

int relay_mapping_send(struct relay_mapping *m, const struct adit_endpoint *to, const void *buf, size_t len,
		       adit_time now)
{
	int i = to->addr.family == 6, r = 0;

	if (!m->port[i])
		r = take_port(m, i, &to->addr, now);
	if (r) {
		m->service->n.udp_exhausted += r == -ENOBUFS;
		return r;
	}
	touch(m, now);
	r = adit_udp_sock_send(m->port[i]->sock.sock, to, buf, len, now); /* too much waits: the stack counts it */
	if (!r)
		m->service->n.bytes_out += len;
	return r;
}

/* A place for one mapping more, which the client holds already. */
static int make_place(struct relay_mapping *m, adit_time now)
{
	struct relay_client *client = m->client;
	unsigned limit = m->service->cfg.udp_per_client;

	if (!limit || client->held - client->ports[0] - client->ports[1] <= limit)
		return 0;
	if (client_has_all(m, 0) || client_has_all(m, 1)) {
		m->service->n.udp_exhausted++;
		return -ENOBUFS;
	}
	reclaim(adit_container_of(client->items.next, struct relay_mapping, client_link), now);
	return 0;
}

int relay_mapping_open(struct relay_service *s, struct relay_mapping **ret, const struct adit_endpoint *client,
		       const struct relay_mapping_ops *ops, void *arg, adit_time now)
{
	struct relay_udp_pools *u = s->relay->udp;
	struct relay_mapping *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->client = relay_client_get(&u->clients, &client->addr);
	if (!m->client) {
		free(m);
		return -ENOMEM;
	}
	m->pools = u;
	m->service = s;
	if (make_place(m, now)) {
		relay_client_put(&u->clients, m->client);
		free(m);
		return -ENOBUFS;
	}
	m->ops = ops;
	m->arg = arg;
	m->last = now;
	adit_list_add_tail(&m->client->items, &m->client_link);
	relay_timer_init(&m->idle, &s->relay->loop, idle);
	relay_timer_set(&m->idle, idle_due(m));
	s->n.opened++;
	s->n.open++;
	*ret = m;
	return 0;
}

/* --- pools ---------------------------------------------------------------------------- */

int relay_udp_pools_new(struct relay_udp_pools **ret, struct adit_relay *r)
{
	struct relay_udp_pools *u = calloc(1, sizeof(*u));

	if (!u)
		return -ENOMEM;
	u->relay = r;
	u->size = 1;
	for (int i = 0; i < 2; i++) {
		adit_list_init(&u->pool[i].used);
		adit_list_init(&u->pool[i].resting);
	}
	relay_clients_init(&u->clients);
	relay_timer_init(&u->rested, &r->loop, rested);
	*ret = u;
	return 0;
}

void relay_udp_pools_free(struct relay_udp_pools *u, adit_time now)
{
	if (!u)
		return;
	(void)now;
	relay_timer_set(&u->rested, ADIT_NEVER);
	for (int i = 0; i < 2; i++) {
		assert(!u->pool[i].used_cnt); /* owners close their mappings */
		while (!adit_list_empty(&u->pool[i].resting))
			close_port(u, adit_container_of(u->pool[i].resting.next, struct port, link));
	}
	relay_clients_fini(&u->clients);
	free(u);
}

void relay_udp_pools_resize(struct relay_udp_pools *u, unsigned size)
{
	u->size = size < USED_MAX ? size : USED_MAX;
}
