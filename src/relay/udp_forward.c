/* SPDX-License-Identifier: ISC */
/*
 * udp_forward.c - datagrams that come to a port here go inside, each client
 * socket by its own virtual port, and the answers come back from the address
 * that the client has sent to
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"
#include "relay/batch.h"
#include "relay/udp_target.h"

#define BATCHES       8 /* in one turn */
#define SOCKET_BUFFER (4 << 20)

struct forward {
	struct relay_service *service;
	struct relay_fd fd;
	struct adit_map clients; /* struct client by endpoint */
	uint8_t key[16];
	struct adit_list all;    /* struct client */
	struct relay_batch *batch;
	struct udp_target target;
};

struct client {
	struct adit_list link;
	struct forward *forward;
	struct adit_endpoint from, target;
	union relay_sockaddr sa;
	socklen_t sa_len;
	uint32_t control_len; /* where it has sent to: what the answers leave from */
	_Alignas(struct cmsghdr) uint8_t control[RELAY_CONTROL];
	struct relay_mapping *mapping;
};

/* --- clients ------------------------------------------------------------------------ */

static bool same_client(const void *item, const void *key)
{
	const struct client *c = item;

	return adit_endpoint_equal(&c->from, key);
}

static uint64_t hash_of(const struct forward *f, const struct adit_endpoint *e)
{
	uint8_t text[19];

	text[0] = e->addr.family;
	memcpy(text + 1, e->addr.bytes, 16);
	memcpy(text + 17, &e->port, 2);
	return adit_shorthash(text, sizeof(text), f->key);
}

static void free_client(struct client *c)
{
	struct forward *f = c->forward;

	udp_target_forget(&f->target, c);
	adit_map_remove(&f->clients, hash_of(f, &c->from), c);
	adit_list_del(&c->link);
	free(c);
}

static void mapping_ended(void *arg, adit_time now)
{
	(void)now;
	free_client(arg);
}

/* Answers come from the target alone: a client could not tell others apart. */
static void mapping_received(void *arg, const struct adit_udp_msg *m, adit_time now)
{
	struct client *c = arg;
	struct iovec iov = { (void *)m->data, m->len };
	struct msghdr msg = { .msg_name = &c->sa, .msg_namelen = c->sa_len, .msg_iov = &iov, .msg_iovlen = 1,
			      .msg_control = c->control_len ? c->control : NULL, .msg_controllen = c->control_len };

	(void)now;
	if (!adit_endpoint_equal(&m->remote, &c->target))
		return;
	if (sendmsg(c->forward->fd.fd, &msg, MSG_NOSIGNAL) < 0)
		c->forward->service->n.failed++;
}

static const struct relay_mapping_ops mapping_ops = { .received = mapping_received, .ended = mapping_ended };

/* The address that a datagram was sent to, as the control message that makes
 * answers leave from it. */
static void keep_local(struct client *c, struct msghdr *msg)
{
	for (struct cmsghdr *h = CMSG_FIRSTHDR(msg); h; h = CMSG_NXTHDR(msg, h)) {
		if (h->cmsg_level == IPPROTO_IP && h->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo *info = (struct in_pktinfo *)CMSG_DATA(h);

			info->ipi_spec_dst = info->ipi_addr;
			info->ipi_ifindex = 0;
		} else if (h->cmsg_level == IPPROTO_IPV6 && h->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo *info = (struct in6_pktinfo *)CMSG_DATA(h);

			if (!IN6_IS_ADDR_LINKLOCAL(&info->ipi6_addr))
				info->ipi6_ifindex = 0;
		} else {
			continue;
		}
		c->control_len = (uint32_t)CMSG_SPACE(h->cmsg_len - CMSG_LEN(0));
		memcpy(c->control, h, h->cmsg_len);
		return;
	}
}

static struct client *new_client(struct forward *f, const struct adit_endpoint *from, struct msghdr *msg, adit_time now)
{
	struct client *c = calloc(1, sizeof(*c));
	uint64_t hash = hash_of(f, from);

	if (!c)
		return NULL;
	c->forward = f;
	c->from = *from;
	memcpy(&c->sa, msg->msg_name, msg->msg_namelen);
	c->sa_len = msg->msg_namelen;
	keep_local(c, msg);
	if (adit_map_insert(&f->clients, hash, c)) {
		free(c);
		return NULL;
	}
	if (relay_mapping_open(f->service, &c->mapping, from, &mapping_ops, c, now)) {
		adit_map_remove(&f->clients, hash, c);
		free(c);
		return NULL;
	}
	adit_list_add_tail(&f->all, &c->link);
	return c;
}

/* --- datagrams --------------------------------------------------------------------------- */

static void pass(struct udp_target *t, void *client, const void *data, size_t len, adit_time now)
{
	struct client *c = client;

	c->target = t->at;
	relay_mapping_send(c->mapping, &c->target, data, len, now);
}

static void datagram(struct forward *f, struct mmsghdr *m, const void *data, adit_time now)
{
	struct adit_endpoint from = relay_sockaddr_to(m->msg_hdr.msg_name);
	struct client *c = adit_map_find(&f->clients, hash_of(f, &from), &from);

	if (!c)
		c = new_client(f, &from, &m->msg_hdr, now);
	if (c)
		udp_target_send(&f->target, c, data, m->msg_len, now);
	else
		f->service->n.failed++;
}

static void readable(struct relay_fd *fd, uint32_t events, adit_time now)
{
	struct forward *f = adit_container_of(fd, struct forward, fd);
	struct relay_batch *b = f->batch;
	int n = RELAY_BATCH;

	(void)events;
	udp_target_refresh(&f->target, now);
	for (int i = 0; i < BATCHES && n == RELAY_BATCH && adit_netstack_has_room(fd->loop->ns); i++) {
		n = relay_batch_receive(b, fd->fd);
		for (int k = 0; k < n; k++)
			datagram(f, &b->msg[k], b->data[k], now);
	}
}

/* --- start and stop ------------------------------------------------------------------------ */

static int open_socket(struct forward *f)
{
	int fd = relay_socket_bind(SOCK_DGRAM, &f->service->cfg.listen), on = 1, size = SOCKET_BUFFER;

	if (fd < 0)
		return fd;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	if (setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on)) < 0) /* not of that family */
		setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
	f->service->n.bound = relay_socket_local(fd);
	relay_fd_init(&f->fd, &f->service->relay->loop, fd, readable);
	return relay_fd_watch(&f->fd, EPOLLIN);
}

static struct forward *new_forward(struct relay_service *s)
{
	struct forward *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->batch = relay_batch(s->relay);
	if (!f->batch) {
		free(f);
		return NULL;
	}
	f->service = s;
	f->fd.fd = -1;
	udp_target_init(&f->target, s, true, pass);
	adit_list_init(&f->all);
	adit_map_init(&f->clients, same_client);
	adit_random(f->key, sizeof(f->key));
	return f;
}

static void free_state(struct relay_service *s)
{
	struct forward *f = s->state;

	adit_map_fini(&f->clients);
	free(f);
}

static int start(struct relay_service *s, char *err, size_t err_len, adit_time now)
{
	struct forward *f = new_forward(s);
	char text[ADIT_ENDPOINT_STRLEN];
	int r = f ? open_socket(f) : -ENOMEM;

	(void)now;
	s->state = f;
	if (!r)
		return 0;
	snprintf(err, err_len, "cannot listen on UDP %s: %s", adit_endpoint_format(&s->cfg.listen, text),
		 relay_error_text(r));
	if (f) {
		relay_fd_close(&f->fd);
		free_state(s);
	}
	return r;
}

/* Without the socket that clients know there is no way back to them: mappings end with it. */
static void stop(struct relay_service *s, bool kill, adit_time now)
{
	struct forward *f = s->state;

	(void)kill;
	relay_fd_close(&f->fd);
	while (!adit_list_empty(&f->all)) {
		struct client *c = adit_container_of(f->all.next, struct client, link);

		relay_mapping_close(c->mapping, now);
		free_client(c);
	}
	udp_target_fini(&f->target);
}

const struct relay_service_ops relay_udp_ops = { .start = start, .stop = stop, .free = free_state };
