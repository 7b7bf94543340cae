/* SPDX-License-Identifier: ISC */
/* udp.c - UDP sockets: finding the one a datagram is for, their queues, sending (RFC 768) */
#include "netstack/netstack.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "netstack/ip.h"
#include "netstack/stack.h"

enum {
	LIMIT_DEFAULT = 256 << 10,
	PAYLOAD_MAX = 65507,
	PORT_TRIES = 128, /* finds one where nine of ten are taken; a longer search would keep others waiting */
};

struct udp_datagram {
	struct udp_datagram *next;
	struct adit_endpoint remote, local;
	uint32_t len;
	uint8_t data[];
};

/* Sockets with the same local endpoint and different remotes hang behind the
 * one that is in the map. */
struct udp_sock {
	struct adit_sock s;
	struct udp_sock *next_same;
	struct udp_datagram *first, *last;
	size_t queued, limit; /* bytes, overhead included */
	struct adit_list short_link; /* in ns->udp_short, or by itself */
};

static struct udp_sock *udp_of(struct adit_sock *s)
{
	assert(s->kind == ADIT_SOCK_UDP);
	return adit_container_of(s, struct udp_sock, s);
}

bool udp_sock_equal(const void *item, const void *key)
{
	const struct udp_sock *u = item;

	return ip_same_endpoint(&u->s.local, key);
}

/* --- look-up ----------------------------------------------------------------------- */

static const struct adit_endpoint any;

static uint64_t hash_of(const struct adit_netstack *ns, const struct adit_endpoint *local)
{
	return ns_flow_hash(ns, local, &any);
}

static struct udp_sock *first_with(const struct adit_netstack *ns, const struct adit_endpoint *local)
{
	return adit_map_find(&ns->udp, hash_of(ns, local), local);
}

static struct udp_sock *with_remote(struct udp_sock *u, const struct adit_endpoint *remote)
{
	while (u && !ip_same_endpoint(&u->s.remote, remote))
		u = u->next_same;
	return u;
}

/* The most specific one: this remote before any, this local address before any. */
static struct udp_sock *find(const struct adit_netstack *ns, const struct adit_endpoint *local,
			     const struct adit_endpoint *remote)
{
	const struct adit_endpoint wild = { .port = local->port };
	struct udp_sock *here, *everywhere, *u;

	if (!ns->udp_cnt || !local->port)
		return NULL;
	here = first_with(ns, local);
	u = with_remote(here, remote);
	if (u)
		return u;
	everywhere = first_with(ns, &wild);
	u = with_remote(everywhere, remote);
	if (!u)
		u = with_remote(here, &any);
	return u ? u : with_remote(everywhere, &any);
}

/* --- opening and closing ------------------------------------------------------------- */

static bool port_is_free(const struct adit_netstack *ns, const struct adit_endpoint *local)
{
	struct adit_endpoint e = { .port = local->port };

	if (first_with(ns, &e))
		return false;
	if (local->addr.family)
		return !first_with(ns, local);
	for (unsigned i = 0; i < ns->addr_cnt; i++) {
		e.addr = ns->addr[i];
		if (first_with(ns, &e))
			return false;
	}
	return true;
}

/* RFC 6056 3.3.2: a random one, until one is free. */
static bool choose_port(struct adit_netstack *ns, struct adit_endpoint *local)
{
	for (unsigned i = 0; i < PORT_TRIES; i++) {
		local->port = (uint16_t)(NS_PORT_FIRST + ns_random32(ns) % NS_PORT_CNT);
		if (port_is_free(ns, local))
			return true;
	}
	return false;
}

static int choose_local(struct adit_netstack *ns, struct adit_endpoint *local, const struct adit_endpoint *remote)
{
	if (remote->addr.family && !local->addr.family) {
		local->addr = adit_netstack_source(ns, &remote->addr);
		if (!local->addr.family)
			return -EADDRNOTAVAIL;
	}
	if (local->addr.family && !ns_is_ours(ns, &local->addr))
		return -EADDRNOTAVAIL;
	if (remote->addr.family && remote->addr.family != local->addr.family)
		return -EADDRNOTAVAIL;
	if (!local->port)
		return choose_port(ns, local) ? 0 : -EADDRNOTAVAIL;
	return with_remote(first_with(ns, local), remote) ? -EADDRINUSE : 0;
}

static int enter(struct adit_netstack *ns, struct udp_sock *u)
{
	struct udp_sock *head = first_with(ns, &u->s.local);

	if (!head)
		return adit_map_insert(&ns->udp, hash_of(ns, &u->s.local), u);
	u->next_same = head->next_same;
	head->next_same = u;
	return 0;
}

static void leave(struct adit_netstack *ns, struct udp_sock *u)
{
	uint64_t hash = hash_of(ns, &u->s.local);
	struct udp_sock *head = first_with(ns, &u->s.local);

	if (head == u) {
		adit_map_remove(&ns->udp, hash, u);
		if (u->next_same) {
			int r = adit_map_insert(&ns->udp, hash, u->next_same);

			assert(r == 0); /* a place has just become free */
			(void)r;
		}
		return;
	}
	while (head->next_same != u)
		head = head->next_same;
	head->next_same = u->next_same;
}

int adit_udp_sock_open(struct adit_netstack *ns, struct adit_sock **ret, const struct adit_endpoint *local,
		       const struct adit_endpoint *remote, void *user)
{
	struct adit_endpoint from = local ? *local : any, to = remote ? *remote : any;
	int r = choose_local(ns, &from, &to);
	struct udp_sock *u;

	if (r)
		return r;
	u = calloc(1, sizeof(*u));
	if (!u)
		return -ENOMEM;
	u->s.local = from;
	u->s.remote = to;
	u->limit = LIMIT_DEFAULT;
	adit_list_init(&u->short_link);
	r = enter(ns, u);
	if (r) {
		free(u);
		return r;
	}
	ns_sock_init(&u->s, ns, ADIT_SOCK_UDP, &ns->udps, user);
	ns->udp_cnt++;
	*ret = &u->s;
	return 0;
}

static size_t cost(const struct udp_datagram *d)
{
	return sizeof(*d) + d->len;
}

static void free_datagram(struct adit_netstack *ns, struct udp_datagram *d)
{
	ns_uncharge(ns, cost(d));
	free(d);
}

void udp_take_back(struct adit_netstack *ns)
{
	if (ns->udp_lent)
		free_datagram(ns, ns->udp_lent);
	ns->udp_lent = NULL;
}

static struct udp_datagram *dequeue(struct udp_sock *u)
{
	struct udp_datagram *d = u->first;

	if (!d)
		return NULL;
	u->first = d->next;
	if (!u->first)
		u->last = NULL;
	u->queued -= cost(d);
	return d;
}

void adit_udp_sock_close(struct adit_sock *s)
{
	struct udp_sock *u = udp_of(s);
	struct adit_netstack *ns = s->ns;
	struct udp_datagram *d;

	udp_take_back(ns);
	while ((d = dequeue(u)))
		free_datagram(ns, d);
	leave(ns, u);
	adit_list_del(&u->short_link);
	ns_sock_fini(s);
	ns->udp_cnt--;
	free(u);
}

/* --- receiving ---------------------------------------------------------------------- */

static enum adit_drop receive(struct udp_sock *u, const struct adit_endpoint *local,
			      const struct adit_endpoint *remote, const struct ip_packet *p, size_t off, uint32_t len)
{
	struct adit_netstack *ns = u->s.ns;
	struct udp_datagram *d;

	if (u->queued + sizeof(*d) + len > u->limit)
		return ADIT_DROP_sock_full;
	if (!ns_charge(ns, sizeof(*d) + len))
		return ADIT_DROP_no_memory;
	d = malloc(sizeof(*d) + len);
	if (!d) {
		ns_uncharge(ns, sizeof(*d) + len);
		return ADIT_DROP_no_memory;
	}
	d->next = NULL;
	d->remote = *remote;
	d->local = *local;
	d->len = len;
	ip_copy(d->data, p, off, len);
	if (u->last)
		u->last->next = d;
	else
		u->first = d;
	u->last = d;
	u->queued += cost(d);
	ns_event(&u->s, ADIT_EV_READABLE);
	return ADIT_DROP_NONE;
}

static void receive_all(struct udp_sock *u, const struct adit_endpoint *local, const struct adit_endpoint *remote,
			const struct ip_packet *p, uint32_t payload)
{
	uint32_t step = p->gso_size ? p->gso_size : payload, at = 0;

	do { /* an empty datagram is one too */
		uint32_t len = payload - at < step ? payload - at : step;
		enum adit_drop drop = receive(u, local, remote, p, p->l4_off + (size_t)ADIT_UDP_HDR + at, len);

		if (drop)
			ns_drop(u->s.ns, drop, 1);
		at += len;
	} while (at < payload);
}

enum adit_drop udp_in(struct adit_netstack *ns, const struct ip_packet *p, adit_time now)
{
	const uint8_t *udp = p->ip + p->l4_off;
	uint32_t len = p->len - p->l4_off;
	struct adit_endpoint local, remote;
	struct udp_sock *u;

	if (p->head_len < p->l4_off + (uint32_t)ADIT_UDP_HDR)
		return ADIT_DROP_bad_transport;
	if (!p->gso_size) {
		uint16_t said = adit_get_be16(udp + 4);
		bool none = !adit_get_be16(udp + ADIT_UDP_CHECK);

		if (said < ADIT_UDP_HDR || said > len)
			return ADIT_DROP_bad_transport;
		len = said;
		if (none ? p->dst.family == 6 : !p->verified && !ip_checksum_ok(p, len))
			return ADIT_DROP_checksum_wrong;
	}
	local = (struct adit_endpoint){ p->dst, adit_get_be16(udp + 2) };
	remote = (struct adit_endpoint){ p->src, adit_get_be16(udp) };
	u = find(ns, &local, &remote);
	if (!u) {
		icmp_send_error(ns, ICMP_PORT_UNREACHABLE, p->ip, p->head_len, now);
		return ADIT_DROP_no_socket;
	}
	receive_all(u, &local, &remote, p, len - ADIT_UDP_HDR);
	return ADIT_DROP_NONE;
}

bool adit_udp_sock_recv(struct adit_sock *s, struct adit_udp_msg *ret)
{
	struct udp_datagram *d = dequeue(udp_of(s));

	udp_take_back(s->ns);
	if (!d)
		return false;
	s->ns->udp_lent = d;
	ret->remote = d->remote;
	ret->local = d->local;
	ret->data = d->data;
	ret->len = d->len;
	return true;
}

void adit_udp_sock_set_limit(struct adit_sock *s, size_t bytes)
{
	udp_of(s)->limit = bytes;
}

/* As every system does it: an error reaches a socket that has one remote. One
 * with many could not tell whom it is about. */
enum adit_drop udp_icmp(struct adit_netstack *ns, const struct adit_endpoint *local,
			const struct adit_endpoint *remote, int error)
{
	struct udp_sock *u = find(ns, local, remote);

	if (!u)
		return ADIT_DROP_icmp_ignored;
	if (error && u->s.remote.addr.family) {
		u->s.error = error;
		ns_event(&u->s, ADIT_EV_ERROR);
	}
	return ADIT_DROP_NONE;
}

void adit_udp_sock_refuse(struct adit_sock *s, const struct adit_endpoint *remote, int error, adit_time now)
{
	struct adit_endpoint local = s->local;

	assert(s->kind == ADIT_SOCK_UDP);
	if (!local.addr.family)
		local.addr = adit_netstack_source(s->ns, &remote->addr);
	if (local.addr.family == remote->addr.family)
		icmp_refuse_udp(s->ns, error == -ECONNREFUSED ? ICMP_PORT_UNREACHABLE : ICMP_HOST_UNREACHABLE, &local,
				remote, now);
}

/* --- sending ------------------------------------------------------------------------ */

bool adit_netstack_has_room(const struct adit_netstack *ns)
{
	return ns->queue_len < NS_QUEUE_LEN / 2;
}

void udp_queue_has_room(struct adit_netstack *ns)
{
	while (!adit_list_empty(&ns->udp_short)) {
		struct udp_sock *u = adit_container_of(ns->udp_short.next, struct udp_sock, short_link);

		adit_list_del(&u->short_link);
		ns_event(&u->s, ADIT_EV_WRITABLE);
	}
}

/* No room in the queue: it tells when there is. No memory: nobody will. */
static void note_short(struct udp_sock *u)
{
	struct adit_netstack *ns = u->s.ns;

	if (ns->queue_len <= NS_QUEUE_LEN / 2)
		ns_event(&u->s, ADIT_EV_WRITABLE);
	else if (adit_list_empty(&u->short_link))
		adit_list_add_tail(&ns->udp_short, &u->short_link);
}

int adit_udp_sock_send(struct adit_sock *s, const struct adit_endpoint *remote, const void *buf, size_t len,
		       adit_time now)
{
	const struct adit_endpoint *to = remote ? remote : &s->remote;
	struct adit_addr from = s->local.addr;
	uint8_t hdr[ADIT_UDP_HDR];
	int r;

	assert(s->kind == ADIT_SOCK_UDP);
	if (len > PAYLOAD_MAX)
		return -EMSGSIZE;
	if (!from.family)
		from = adit_netstack_source(s->ns, &to->addr);
	if (!to->addr.family || from.family != to->addr.family || !ns_is_ours(s->ns, &from))
		return -ENETUNREACH;
	adit_put_be16(hdr, s->local.port);
	adit_put_be16(hdr + 2, to->port);
	adit_put_be16(hdr + 4, (uint16_t)(sizeof(hdr) + len));
	r = ip_send(s->ns, &from, &to->addr, ADIT_IPPROTO_UDP, 0, hdr, ADIT_UDP_CHECK, buf, len, now);
	if (r == -ENOBUFS)
		note_short(udp_of(s));
	return r;
}
