/* SPDX-License-Identifier: ISC */
/*
 * listen.c - connections that come from inside. The data thread makes a
 * descriptor of each as soon as it is there and puts it into a queue; the
 * queue's eventfd counts what waits.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/lib.h"

#define QUEUE 128

struct waiting {
	int fd;
	uint64_t stream; /* TCP: its number */
	struct adit_endpoint from;
};

struct adit_listener {
	struct adit *net;
	struct relay_sock in; /* the listener, or the UDP socket */
	struct adit_list link;
	bool udp;
	bool closed;          /* by its caller: nobody new comes in */
	enum relay_family family;
	uint16_t port;
	unsigned refs;        /* the caller's, one a UDP connection; the data thread's */
	int event_fd;         /* EFD_SEMAPHORE */
	pthread_mutex_t mutex; /* of the queue */
	unsigned first, cnt;
	struct waiting queue[QUEUE];
	struct relay_defunct defunct;
};

/* A connection of a listener between SYN and established. */
struct incoming {
	struct relay_sock in;
	struct adit_listener *listener;
	struct adit_list link;
	struct relay_defunct defunct;
};

/* --- the queue ------------------------------------------------------------------------- */

/* Asked before anything is made: only the data thread, which asks, takes room. */
static bool has_room(struct adit_listener *l)
{
	bool room;

	pthread_mutex_lock(&l->mutex);
	room = l->cnt < QUEUE;
	pthread_mutex_unlock(&l->mutex);
	return room;
}

static void enqueue(struct adit_listener *l, const struct waiting *w)
{
	const uint64_t one = 1;

	pthread_mutex_lock(&l->mutex);
	l->queue[(l->first + l->cnt++) % QUEUE] = *w;
	pthread_mutex_unlock(&l->mutex);
	(void)!write(l->event_fd, &one, sizeof(one)); /* it counts to 2^64 */
}

static bool dequeue(struct adit_listener *l, struct waiting *ret)
{
	bool some;

	pthread_mutex_lock(&l->mutex);
	some = l->cnt > 0;
	if (some) {
		*ret = l->queue[l->first];
		l->first = (l->first + 1) % QUEUE;
		l->cnt--;
	}
	pthread_mutex_unlock(&l->mutex);
	return some;
}

static bool is_welcome(const struct adit_listener *l, const struct adit_addr *from)
{
	return l->family == RELAY_FAMILY_AUTO || (l->family == RELAY_FAMILY_4) == (from->family == 4);
}

/* --- TCP ------------------------------------------------------------------------------- */

static void free_incoming(struct relay_defunct *d)
{
	free(adit_container_of(d, struct incoming, defunct));
}

static void leave_incoming(struct incoming *c)
{
	adit_list_del(&c->link);
	c->defunct.free = free_incoming;
	relay_defer_free(lib_loop(c->listener->net), &c->defunct);
	lib_listener_put(c->listener);
}

static void established(struct incoming *c, adit_time now)
{
	struct adit_listener *l = c->listener;
	struct waiting w;

	adit_sock_remote(c->in.sock, &w.from);
	if (l->closed || !has_room(l)) { /* closed while the handshake went on; or nobody accepts */
		adit_tcp_abort(c->in.sock, now);
		leave_incoming(c);
		return;
	}
	w.fd = lib_stream_serve(l->net, &w.stream, c->in.sock, now);
	if (w.fd >= 0)
		enqueue(l, &w);
	leave_incoming(c);
}

static void incoming_event(struct relay_sock *s, unsigned what, adit_time now)
{
	struct incoming *c = adit_container_of(s, struct incoming, in);

	if (what & ADIT_EV_ERROR) {
		adit_tcp_close(s->sock, now);
		leave_incoming(c);
	} else if (what & ADIT_EV_CONNECTED) {
		established(c, now);
	}
}

static void syn(struct relay_sock *s, struct adit_sock *sock, adit_time now)
{
	struct adit_listener *l = adit_container_of(s, struct adit_listener, in);
	struct adit_endpoint from;
	struct incoming *c;

	adit_sock_remote(sock, &from);
	if (!is_welcome(l, &from.addr)) {
		adit_tcp_refuse(sock, -ECONNREFUSED, now);
		return;
	}
	c = calloc(1, sizeof(*c));
	if (!c) {
		adit_tcp_refuse(sock, 0, now);
		return;
	}
	c->in = (struct relay_sock){ .sock = sock, .event = incoming_event };
	c->listener = l;
	l->refs++;
	adit_list_add_tail(&l->net->incoming, &c->link);
	adit_sock_set_user(sock, &c->in);
	adit_tcp_accept(sock, now);
}

/* --- UDP ------------------------------------------------------------------------------- */

static void datagram(struct adit_listener *l, const struct adit_udp_msg *m, adit_time now)
{
	struct lib_datagram *d = lib_datagram_of(l->net, l, &m->remote);
	struct waiting w = { .from = m->remote };

	if (!is_welcome(l, &m->remote.addr))
		return;
	if (!d && l->closed) {
		adit_udp_sock_refuse(l->in.sock, &m->remote, -ECONNREFUSED, now);
		return;
	}
	if (!d) {
		if (!has_room(l))
			return;
		l->refs++;
		w.fd = lib_datagram_serve(l->net, &d, l->in.sock, &m->remote, l, now);
		if (w.fd < 0) {
			l->refs--;
			return;
		}
		enqueue(l, &w);
	}
	lib_datagram_deliver(d, m->data, m->len, now);
}

static void listener_event(struct relay_sock *s, unsigned what, adit_time now)
{
	struct adit_listener *l = adit_container_of(s, struct adit_listener, in);
	struct adit_udp_msg m;

	if (what & ADIT_EV_WRITABLE)
		lib_datagrams_have_room(l->net, l, now);
	while (l->udp && adit_udp_sock_recv(s->sock, &m)) {
		/* its memory is the stack's until the next call into it, which serving a newcomer makes */
		uint8_t copy[65536];

		memcpy(copy, m.data, m.len);
		m.data = copy;
		datagram(l, &m, now);
	}
}

/* --- a listener ------------------------------------------------------------------------- */

static void free_listener(struct relay_defunct *d)
{
	struct adit_listener *l = adit_container_of(d, struct adit_listener, defunct);

	close(l->event_fd);
	pthread_mutex_destroy(&l->mutex);
	free(l);
}

void lib_listener_put(struct adit_listener *l)
{
	if (--l->refs)
		return;
	adit_list_del(&l->link);
	if (l->udp && l->in.sock)
		adit_udp_sock_close(l->in.sock);
	l->defunct.free = free_listener;
	relay_defer_free(lib_loop(l->net), &l->defunct);
}

struct adit_sock *lib_listener_sock(const struct adit_listener *l)
{
	return l->in.sock;
}

static bool is_ours(const struct adit *net, const struct adit_addr *addr)
{
	unsigned i = 0;

	while (i < net->cfg.address_cnt && !adit_addr_equal(&net->cfg.address[i], addr))
		i++;
	return !addr->family || i < net->cfg.address_cnt;
}

static int open_sock(struct adit_listener *l, const struct adit_endpoint *at)
{
	struct adit_netstack *ns = l->net->network->ns;
	struct adit_endpoint bound = *at;
	int r = -EADDRINUSE;

	if (!is_ours(l->net, &at->addr))
		return -EADDRNOTAVAIL;
	if (l->udp) {
		r = adit_udp_sock_open(ns, &l->in.sock, &bound, NULL, &l->in);
	} else {
		/* a free port is asked for: one of the ephemeral ones */
		for (int i = 0; i < 64 && r == -EADDRINUSE; i++) {
			uint16_t pick;

			adit_random(&pick, sizeof(pick));
			if (at->port == 0)
				bound.port = (uint16_t)(32768 + pick % 28232);
			r = adit_tcp_listen(ns, &l->in.sock, &bound, &l->in);
			if (at->port)
				break;
		}
	}
	if (r == 0) {
		adit_sock_local(l->in.sock, &bound);
		l->port = bound.port;
	}
	return r;
}

int adit_listen(struct adit *net, struct adit_listener **ret, const char *network, const char *address)
{
	struct adit_endpoint at = { 0 };
	struct adit_listener *l;
	enum relay_family family;
	struct relay_target to;
	bool udp;
	int r;

	if (!net || !ret || !lib_parse_network(network, &udp, &family) || lib_parse_address(address, &to) < 0)
		return -EINVAL;
	if (to.host[0] && adit_addr_parse(&at.addr, to.host) < 0)
		return -EINVAL;
	at.port = to.port;
	l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->net = net;
	l->udp = udp;
	l->family = family;
	l->refs = 1;
	l->in.event = listener_event;
	l->in.incoming = syn;
	pthread_mutex_init(&l->mutex, NULL);
	l->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE);
	r = l->event_fd < 0 ? -errno : 0;
	network_pause(net->network);
	if (r == 0)
		r = open_sock(l, &at);
	if (r == 0)
		adit_list_add_tail(&net->listeners, &l->link);
	network_resume(net->network);
	if (r < 0) {
		if (l->event_fd >= 0)
			close(l->event_fd);
		pthread_mutex_destroy(&l->mutex);
		free(l);
		return r;
	}
	*ret = l;
	return 0;
}

static int ms_until(adit_time due)
{
	adit_time left = due - adit_tunnel_now();

	return left > 0 ? (int)((left + ADIT_MSEC - 1) / ADIT_MSEC) : 0;
}

int adit_accept(struct adit_listener *l, int timeout_ms, char *peer, size_t peer_len)
{
	adit_time due = adit_tunnel_now() + timeout_ms * ADIT_MSEC;
	struct pollfd p = { .fd = l->event_fd, .events = POLLIN };
	char text[ADIT_ENDPOINT_STRLEN];
	struct waiting w;
	uint64_t one;

	for (;;) {
		int r = poll(&p, 1, timeout_ms < 0 ? -1 : ms_until(due));

		if (r < 0 && errno != EINTR)
			return -errno;
		if (r == 0)
			return -ETIMEDOUT;
		if (r > 0 && read(l->event_fd, &one, sizeof(one)) == sizeof(one) && dequeue(l, &w))
			break; /* else another thread was faster */
	}
	if (peer && peer_len)
		snprintf(peer, peer_len, "%s", adit_endpoint_format(&w.from, text));
	return w.fd;
}

int adit_listener_fd(const struct adit_listener *l)
{
	return l->event_fd;
}

uint16_t adit_listener_port(const struct adit_listener *l)
{
	return l->port;
}

/* While the data thread stands still. UDP connections that were accepted keep the socket. */
static void stop(struct adit_listener *l, adit_time now)
{
	struct waiting w;

	l->closed = true;
	while (dequeue(l, &w)) {
		if (!l->udp)
			lib_stream_abort(l->net, w.stream, now);
		close(w.fd);
	}
	if (!l->udp) {
		adit_tcp_close(l->in.sock, now);
		l->in.sock = NULL;
	}
	lib_listener_put(l);
}

void adit_listener_close(struct adit_listener *l)
{
	struct adit *net;
	adit_time now;

	if (!l)
		return;
	net = l->net;
	now = network_pause(net->network);
	stop(l, now);
	network_resume(net->network);
}

void lib_listeners_end(struct adit *net, adit_time now)
{
	while (!adit_list_empty(&net->incoming)) {
		struct incoming *c = adit_container_of(net->incoming.next, struct incoming, link);

		adit_tcp_abort(c->in.sock, now);
		leave_incoming(c);
	}
	while (!adit_list_empty(&net->listeners))
		stop(adit_container_of(net->listeners.next, struct adit_listener, link), now);
}
