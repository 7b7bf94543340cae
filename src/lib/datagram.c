/* SPDX-License-Identifier: ISC */
/*
 * datagram.c - UDP with one remote as one end of a local socket pair: each
 * message is a datagram. What the program does not take in time is dropped, as
 * a kernel's socket would.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/lib.h"

enum { BURST = 64, SILENT_S = 60 };

struct lib_datagram {
	struct relay_sock in; /* in.sock: our own, or the owner's */
	struct relay_fd out;
	struct adit *net;
	struct adit_list link;
	struct adit_endpoint remote;
	struct adit_listener *owner; /* its socket is shared */
	void *held;                  /* a datagram that the stack had no room for; nothing is read until it has */
	size_t held_len;
	struct relay_timer silent;   /* with an owner */
	struct relay_defunct defunct;
};

static void free_datagram(struct relay_defunct *d)
{
	struct lib_datagram *g = adit_container_of(d, struct lib_datagram, defunct);

	free(g->held);
	free(g);
}

static void end(struct lib_datagram *d)
{
	if (d->owner) {
		relay_timer_set(&d->silent, ADIT_NEVER);
		lib_listener_put(d->owner);
	} else if (d->in.sock) {
		adit_udp_sock_close(d->in.sock);
	}
	d->in.sock = NULL;
	relay_fd_close(&d->out);
	adit_list_del(&d->link);
	atomic_fetch_sub(&d->net->connections, 1);
	d->defunct.free = free_datagram;
	relay_defer_free(lib_loop(d->net), &d->defunct);
}

static void heard(struct lib_datagram *d, adit_time now)
{
	if (d->owner)
		relay_timer_set(&d->silent, now + SILENT_S * ADIT_SEC);
}

static void silent(struct relay_timer *t, adit_time now)
{
	(void)now;
	end(adit_container_of(t, struct lib_datagram, silent));
}

/* False: it has to wait, and is kept. Other errors are the datagram's end. */
static bool pass(struct lib_datagram *d, const void *data, size_t len, adit_time now)
{
	if (adit_udp_sock_send(d->in.sock, &d->remote, data, len, now) != -ENOBUFS)
		return true;
	if (!d->held) {
		d->held = malloc(len);
		if (!d->held)
			return true;
		memcpy(d->held, data, len);
		d->held_len = len;
	}
	return false;
}

static void has_room(struct lib_datagram *d, adit_time now)
{
	if (!d->held || !pass(d, d->held, d->held_len, now))
		return;
	free(d->held);
	d->held = NULL;
	relay_fd_watch(&d->out, EPOLLIN);
}

void lib_datagrams_have_room(struct adit *net, const struct adit_listener *owner, adit_time now)
{
	for (struct adit_list *l = net->datagrams.next; l != &net->datagrams; l = l->next) {
		struct lib_datagram *d = adit_container_of(l, struct lib_datagram, link);

		if (d->owner == owner)
			has_room(d, now);
	}
}

/* From the program to the network. */
static void fd_ready(struct relay_fd *f, uint32_t events, adit_time now)
{
	struct lib_datagram *d = adit_container_of(f, struct lib_datagram, out);
	uint8_t buf[65536];

	(void)events;
	if (d->held)
		return; /* closed meanwhile: what is still in it comes first */
	for (int i = 0; i < BURST; i++) {
		ssize_t n = recv(f->fd, buf, sizeof(buf), MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) { /* closed; an empty datagram looks the same, and says nothing either */
			end(d);
			return;
		}
		heard(d, now);
		if (!pass(d, buf, (size_t)n, now)) {
			relay_fd_watch(f, EPOLLET); /* a hang-up is told once, not again and again */
			return;
		}
	}
}

void lib_datagram_deliver(struct lib_datagram *d, const void *data, size_t len, adit_time now)
{
	heard(d, now);
	send(d->out.fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void sock_event(struct relay_sock *s, unsigned what, adit_time now)
{
	struct lib_datagram *d = adit_container_of(s, struct lib_datagram, in);
	struct adit_udp_msg m;

	if (what & ADIT_EV_ERROR) {
		end(d); /* nobody there: the program sees the end */
		return;
	}
	if (what & ADIT_EV_WRITABLE)
		has_room(d, now);
	while (adit_udp_sock_recv(s->sock, &m))
		lib_datagram_deliver(d, m.data, m.len, now);
}

int lib_datagram_serve(struct adit *net, struct lib_datagram **ret, struct adit_sock *sock,
		       const struct adit_endpoint *remote, struct adit_listener *owner, adit_time now)
{
	struct lib_datagram *d = calloc(1, sizeof(*d));
	int fd[2];

	if (!d || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd) < 0) {
		int r = d ? -errno : -ENOMEM;

		free(d);
		if (!owner)
			adit_udp_sock_close(sock);
		return r;
	}
	d->net = net;
	d->remote = *remote;
	d->owner = owner;
	d->in = (struct relay_sock){ .sock = sock, .event = sock_event };
	relay_fd_init(&d->out, lib_loop(net), fd[0], fd_ready);
	relay_timer_init(&d->silent, lib_loop(net), silent);
	adit_list_add_tail(&net->datagrams, &d->link);
	atomic_fetch_add(&net->connections, 1);
	if (!owner)
		adit_sock_set_user(sock, &d->in);
	heard(d, now);
	relay_fd_watch(&d->out, EPOLLIN);
	*ret = d;
	return fd[1];
}

const struct adit_endpoint *lib_datagram_remote(const struct lib_datagram *d)
{
	return &d->remote;
}

struct lib_datagram *lib_datagram_of(struct adit *net, const struct adit_listener *owner,
				     const struct adit_endpoint *remote)
{
	for (struct adit_list *l = net->datagrams.next; l != &net->datagrams; l = l->next) {
		struct lib_datagram *d = adit_container_of(l, struct lib_datagram, link);

		if (d->owner == owner && adit_endpoint_equal(&d->remote, remote))
			return d;
	}
	return NULL;
}

void lib_datagrams_end(struct adit *net, const struct adit_listener *owner, adit_time now)
{
	struct adit_list *next;

	(void)now;
	for (struct adit_list *l = net->datagrams.next; l != &net->datagrams; l = next) {
		struct lib_datagram *d = adit_container_of(l, struct lib_datagram, link);

		next = l->next;
		if (!owner || d->owner == owner)
			end(d);
	}
}
