/* SPDX-License-Identifier: ISC */
/* proxy.c - clients of a proxy until their stream begins */
#include "relay/proxy.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINGER (2 * ADIT_SEC)

/* --- services ----------------------------------------------------------------------- */

int proxy_start(struct relay_service *s, proxy_accept *accepted, char *err, size_t err_len)
{
	struct proxy_state *st = calloc(1, sizeof(*st));
	int e;

	if (!st) {
		snprintf(err, err_len, "out of memory");
		return -ENOMEM;
	}
	adit_list_init(&st->clients);
	s->state = st;
	if (s->cfg.cert_file[0] && s->cfg.kind != RELAY_HTTP && s->cfg.kind != RELAY_MIXED) {
		snprintf(err, err_len, "a certificate is for HTTP proxies; this kind speaks no TLS to its clients");
		e = -EINVAL;
		goto err_free;
	}
	if (s->cfg.cert_file[0]) {
		e = relay_tls_new(&st->tls, s->cfg.cert_file, s->cfg.key_file, err, err_len);
		if (e)
			goto err_free;
	}
	e = relay_listener_open(s, &st->listener, accepted, err, err_len);
	if (e)
		goto err_tls;
	return 0;
err_tls:
	relay_tls_free(st->tls);
err_free:
	free(st);
	s->state = NULL;
	return e;
}

static void free_when_last(struct relay_service *s)
{
	struct proxy_state *st = s->state;

	if (st->listener || !adit_list_empty(&st->clients))
		return;
	relay_tls_free(st->tls);
	free(st);
	s->state = NULL;
}

void proxy_stop(struct relay_service *s, bool kill, adit_time now)
{
	struct proxy_state *st = s->state;

	relay_service_get(s); /* the last client takes neither service nor state away */
	while (kill && !adit_list_empty(&st->clients))
		proxy_client_end(adit_container_of(st->clients.next, struct proxy_client, link), true, now);
	relay_listener_close(st->listener);
	st->listener = NULL;
	free_when_last(s);
	relay_service_put(s);
}

/* --- clients ------------------------------------------------------------------------- */

static void free_client(struct relay_defunct *d)
{
	free(adit_container_of(d, struct proxy_client, defunct));
}

static void timed_out(struct relay_timer *t, adit_time now)
{
	struct proxy_client *c = adit_container_of(t, struct proxy_client, timer);

	if (!c->lingers)
		proxy_client_log(c, "said too little in time");
	proxy_client_end(c, false, now);
}

void *proxy_client_new(struct relay_service *s, size_t size, int fd, const struct adit_endpoint *peer,
		       void (*ready)(struct relay_fd *f, uint32_t events, adit_time now),
		       void (*release)(struct proxy_client *c, adit_time now), adit_time now)
{
	struct proxy_state *st = s->state;
	struct proxy_client *c = calloc(1, size);

	if (!c) {
		relay_reset_fd(fd);
		return NULL;
	}
	c->service = s;
	c->peer = *peer;
	c->release = release;
	c->defunct.free = free_client;
	relay_timer_init(&c->timer, adit_relay_loop(s->relay), timed_out);
	relay_fd_init(&c->fd, adit_relay_loop(s->relay), fd, ready);
	if (relay_fd_watch(&c->fd, EPOLLIN)) {
		relay_reset_fd(fd);
		free(c);
		return NULL;
	}
	relay_timer_set(&c->timer, now + PROXY_GREETING);
	adit_list_add_tail(&st->clients, &c->link);
	relay_service_get(s);
	return c;
}

/* All but the descriptor. */
static void let_go(struct proxy_client *c, adit_time now)
{
	struct relay_service *s = c->service;

	if (c->release)
		c->release(c, now);
	c->release = NULL;
	relay_timer_set(&c->timer, ADIT_NEVER);
	adit_list_del(&c->link);
	relay_defer_free(adit_relay_loop(s->relay), &c->defunct);
	free_when_last(s);
	relay_service_put(s);
}

int proxy_client_take_fd(struct proxy_client *c, adit_time now)
{
	int fd = c->fd.fd;

	relay_fd_release(&c->fd);
	let_go(c, now);
	return fd;
}

void proxy_client_end(struct proxy_client *c, bool reset, adit_time now)
{
	int fd = proxy_client_take_fd(c, now);

	if (fd < 0)
		return;
	if (reset)
		relay_reset_fd(fd);
	else
		close(fd);
}

void proxy_client_splice(struct proxy_client *c, struct adit_sock *sock, const void *early, size_t early_len,
			 const void *reply, size_t reply_len, adit_time now)
{
	struct relay_service *s = c->service;
	int fd;

	relay_service_get(s);
	fd = proxy_client_take_fd(c, now); /* its memory, and early in it, stays for this turn */
	relay_service_splice(s, fd, sock, early, early_len, reply, reply_len, now);
	relay_service_put(s);
}

static void linger_ready(struct relay_fd *f, uint32_t events, adit_time now)
{
	struct proxy_client *c = proxy_client_of(f);
	char waste[4096];

	(void)events;
	for (int i = 0; i < 16; i++) { /* no more than its share of a turn */
		ssize_t n = proxy_client_read(c, waste, sizeof(waste));

		if (n < 0)
			proxy_client_end(c, false, now);
		if (n <= 0)
			return;
	}
}

void proxy_client_linger(struct proxy_client *c, const void *last, size_t len, adit_time now)
{
	if (c->release)
		c->release(c, now);
	c->release = NULL;
	c->lingers = true;
	if (len && send(c->fd.fd, last, len, MSG_NOSIGNAL) != (ssize_t)len) {
		proxy_client_end(c, true, now);
		return;
	}
	shutdown(c->fd.fd, SHUT_WR);
	c->fd.ready = linger_ready;
	relay_fd_watch(&c->fd, EPOLLIN);
	relay_timer_set(&c->timer, now + LINGER);
}

ssize_t proxy_client_read(struct proxy_client *c, void *buf, size_t len)
{
	ssize_t n;

	do
		n = recv(c->fd.fd, buf, len, 0);
	while (n < 0 && errno == EINTR);
	if (n > 0)
		return n;
	if (n == 0)
		return -EPIPE;
	return errno == EAGAIN ? 0 : -errno;
}

void proxy_client_log(const struct proxy_client *c, const char *fmt, ...)
{
	char text[512], who[ADIT_ENDPOINT_STRLEN] = "local client";
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (c->peer.addr.family)
		adit_endpoint_format(&c->peer, who);
	relay_log(c->service->relay, RELAY_LOG_DEBUG, "%s: %s", who, text);
}
