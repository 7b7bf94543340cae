/* SPDX-License-Identifier: ISC */
/*
 * socks_udp.c - SOCKS5 UDP ASSOCIATE
 *
 * Datagrams of the client's address alone are taken, and from its first one
 * on of that port alone. Names are resolved inside; meanwhile a few datagrams
 * wait. The mapping inside may expire or be reclaimed and is opened again by
 * the next datagram; the association goes on.
 */
#include "relay/socks_udp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "relay/internal.h"
#include "relay/sockaddr.h"
#include "relay/socks5.h"

#define BURST       64    /* datagrams of one turn */
#define WAITING_MAX 32    /* datagrams whose name is being resolved */
#define WAITING_LEN 65536 /* their bytes */

struct waiting {
	struct adit_list link;
	struct socks_udp *u;
	struct relay_query *query;
	uint16_t port;
	size_t len;
	uint8_t data[];
};

struct socks_udp {
	struct relay_service *service;
	struct relay_fd fd;
	struct relay_defunct defunct;
	struct relay_mapping *mapping;
	struct adit_endpoint client; /* port 0: not known yet */
	struct adit_list waiting;
	unsigned waiting_cnt;
	size_t waiting_len;
};

/* --- to the client -------------------------------------------------------------------- */

static void received(void *arg, const struct adit_udp_msg *msg, adit_time now)
{
	struct socks_udp *u = arg;
	uint8_t header[SOCKS5_UDP_HDR_MAX];
	union relay_sockaddr to;
	struct iovec iov[2] = {
		{ header, socks5_write_udp(header, &msg->remote) },
		{ (void *)msg->data, msg->len },
	};
	struct msghdr m = { .msg_name = &to, .msg_iov = iov, .msg_iovlen = 2 };

	(void)now;
	m.msg_namelen = relay_sockaddr_from(&to, &u->client);
	sendmsg(u->fd.fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT); /* or it is lost, as datagrams may be */
}

static void ended(void *arg, adit_time now)
{
	struct socks_udp *u = arg;

	(void)now;
	u->mapping = NULL;
}

static const struct relay_mapping_ops mapping_ops = { .received = received, .ended = ended };

/* --- to inside ------------------------------------------------------------------------- */

static void send_inside(struct socks_udp *u, const struct adit_endpoint *to, const uint8_t *data, size_t len,
			adit_time now)
{
	if (!u->mapping && relay_mapping_open(u->service, &u->mapping, &u->client, &mapping_ops, u, now))
		return;
	relay_mapping_send(u->mapping, to, data, len, now); /* counts what was sent, and what was not */
}

static void end_waiting(struct waiting *w)
{
	w->u->waiting_cnt--;
	w->u->waiting_len -= w->len;
	adit_list_del(&w->link);
	free(w);
}

static void resolved(void *arg, const struct relay_answer *a)
{
	struct waiting *w = arg;
	adit_time now = w->u->fd.loop->now;

	if (!a->error) {
		struct adit_endpoint to = { .addr = a->addr[0], .port = w->port };
		struct adit_addr source = adit_netstack_source(w->u->fd.loop->ns, &to.addr);

		/* The first address of a family that we have inside. */
		for (unsigned i = 1; i < a->cnt && !source.family; i++) {
			to.addr = a->addr[i];
			source = adit_netstack_source(w->u->fd.loop->ns, &to.addr);
		}
		send_inside(w->u, &to, w->data, w->len, now);
	}
	end_waiting(w);
}

static void resolve(struct socks_udp *u, const struct socks5_addr *to, const uint8_t *data, size_t len, adit_time now)
{
	struct relay_resolver *r = adit_relay_resolver_inside(u->service->relay);
	struct relay_query *query;
	struct waiting *w;
	int e;

	if (u->waiting_cnt >= WAITING_MAX || u->waiting_len + len > WAITING_LEN)
		return;
	w = malloc(sizeof(*w) + len);
	if (!w)
		return;
	w->u = u;
	w->port = to->port;
	w->len = len;
	memcpy(w->data, data, len);
	adit_list_add_tail(&u->waiting, &w->link);
	u->waiting_cnt++;
	u->waiting_len += len;
	w->query = NULL;
	/* An answer that is known already ends w here, so the query has to be noted after. */
	e = relay_resolve(r, &query, to->host, u->service->relay->cfg.family, resolved, w, now);
	if (e)
		end_waiting(w);
	else if (query)
		w->query = query;
}

static bool from_client(struct socks_udp *u, const struct adit_endpoint *from)
{
	if (!adit_addr_equal(&from->addr, &u->client.addr))
		return false;
	if (!u->client.port)
		u->client.port = from->port;
	return u->client.port == from->port;
}

static void take(struct socks_udp *u, const struct adit_endpoint *from, const uint8_t *data, size_t len, adit_time now)
{
	struct socks5_addr to;
	int n = socks5_read_udp(data, len, &to);

	if (n < 0 || !from_client(u, from)) {
		u->service->n.udp_refused++;
		return;
	}
	data += n;
	len -= (size_t)n;
	if (to.is_name) {
		resolve(u, &to, data, len, now);
	} else {
		struct adit_endpoint e = { .addr = to.addr, .port = to.port };

		send_inside(u, &e, data, len, now);
	}
}

static void ready(struct relay_fd *f, uint32_t events, adit_time now)
{
	struct socks_udp *u = adit_container_of(f, struct socks_udp, fd);
	uint8_t buf[65536];

	(void)events;
	for (int i = 0; i < BURST && u->fd.fd >= 0 && adit_netstack_has_room(f->loop->ns); i++) {
		union relay_sockaddr sa;
		socklen_t len = sizeof(sa);
		struct adit_endpoint from;
		ssize_t n = recvfrom(u->fd.fd, buf, sizeof(buf), MSG_DONTWAIT, &sa.sa, &len);

		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) /* an ICMP error of what was sent to the client before */
			continue;
		from = relay_sockaddr_to(&sa);
		take(u, &from, buf, (size_t)n, now);
	}
}

/* --- open and close --------------------------------------------------------------------- */

int socks_udp_open(struct relay_service *s, struct socks_udp **ret, const struct adit_endpoint *local,
		   const struct adit_endpoint *peer, uint16_t port, struct adit_endpoint *bound, adit_time now)
{
	struct adit_endpoint at = { .addr = local->addr };
	struct socks_udp *u = calloc(1, sizeof(*u));
	int fd, e;

	(void)now;
	if (!u)
		return -ENOMEM;
	fd = relay_socket_bind(SOCK_DGRAM, &at);
	if (fd < 0) {
		free(u);
		return fd;
	}
	u->service = s;
	u->client = (struct adit_endpoint){ .addr = peer->addr, .port = port };
	adit_list_init(&u->waiting);
	relay_fd_init(&u->fd, adit_relay_loop(s->relay), fd, ready);
	e = relay_fd_watch(&u->fd, EPOLLIN);
	if (e) {
		close(fd);
		free(u);
		return e;
	}
	*bound = relay_socket_local(fd);
	*ret = u;
	return 0;
}

static void free_udp(struct relay_defunct *d)
{
	free(adit_container_of(d, struct socks_udp, defunct));
}

void socks_udp_close(struct socks_udp *u, adit_time now)
{
	while (!adit_list_empty(&u->waiting)) {
		struct waiting *w = adit_container_of(u->waiting.next, struct waiting, link);

		relay_query_cancel(w->query);
		end_waiting(w);
	}
	relay_mapping_close(u->mapping, now);
	relay_fd_close(&u->fd);
	u->defunct.free = free_udp;
	relay_defer_free(u->fd.loop, &u->defunct);
}
