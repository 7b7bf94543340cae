/* SPDX-License-Identifier: ISC */
/*
 * tcp_forward.c - listen here, connect inside. The kernel has answered the
 * client's SYN before we know, so nothing of it is read until the tunnel's
 * side has connected, and a refusal there becomes a reset here.
 */
#include <errno.h>
#include <stdlib.h>

#include "relay/dial.h"
#include "relay/internal.h"

/* A client gives up seldom and dials end soon: only those that take longer are watched. */
#define WATCH_AFTER (100 * ADIT_MSEC)

struct forward {
	struct relay_listener *listener;
	struct adit_list waiting; /* struct client */
};

struct client {
	struct relay_defunct defunct;
	struct adit_list link;
	struct relay_service *service;
	struct relay_fd fd;
	struct relay_timer watch;
	struct relay_dial *dial;
};

static void free_client(struct relay_defunct *d)
{
	free(adit_container_of(d, struct client, defunct));
}

static void bury(struct client *c)
{
	relay_timer_set(&c->watch, ADIT_NEVER);
	adit_list_del(&c->link);
	relay_defer_free(&c->service->relay->loop, &c->defunct);
	relay_service_put(c->service);
}

static void reset(struct client *c)
{
	int fd = c->fd.fd;

	relay_fd_release(&c->fd);
	relay_reset_fd(fd);
	bury(c);
}

static void gone(struct relay_fd *f, uint32_t events, adit_time now)
{
	struct client *c = adit_container_of(f, struct client, fd);
	int fd = f->fd;

	if (!(events & EPOLLERR)) { /* a Unix socket was closed; what it sent is still there */
		relay_fd_release(f);
		f->fd = fd;
		return;
	}
	relay_dial_cancel(c->dial, now);
	c->service->n.failed++;
	reset(c);
}

static void watch(struct relay_timer *t, adit_time now)
{
	struct client *c = adit_container_of(t, struct client, watch);

	(void)now;
	relay_fd_watch(&c->fd, 0); /* errors and hang-ups */
}

static void refused(struct client *c, int error)
{
	struct relay_service *s = c->service;
	char text[256];

	if (error == -ECONNREFUSED)
		s->n.refused++;
	else
		s->n.failed++;
	relay_log(s->relay, RELAY_LOG_DEBUG, "%s: not connected: %s", relay_service_describe(&s->cfg, text, sizeof(text)),
		  relay_error_text(error));
	reset(c);
}

static void dialled(void *arg, const struct relay_dialled *d)
{
	struct client *c = arg;
	struct relay_service *s = c->service;
	int fd = c->fd.fd;

	if (d->error) {
		refused(c, d->error);
		return;
	}
	relay_fd_release(&c->fd);
	relay_service_splice(s, fd, d->sock, NULL, 0, NULL, 0, s->relay->loop.now);
	bury(c);
}

static void accepted(struct relay_service *s, int fd, const struct adit_endpoint *from, adit_time now)
{
	struct forward *f = s->state;
	struct client *c = calloc(1, sizeof(*c));
	int r;

	(void)from;
	if (!c) {
		relay_reset_fd(fd);
		s->n.failed++;
		return;
	}
	c->service = s;
	c->defunct.free = free_client;
	relay_service_get(s);
	adit_list_add_tail(&f->waiting, &c->link);
	relay_fd_init(&c->fd, &s->relay->loop, fd, gone);
	relay_timer_init(&c->watch, &s->relay->loop, watch);
	relay_timer_set(&c->watch, now + WATCH_AFTER);
	r = relay_dial_inside(s->relay, &c->dial, &s->cfg.target, dialled, c, now);
	if (r)
		refused(c, r);
}

static int start(struct relay_service *s, char *err, size_t err_len, adit_time now)
{
	struct forward *f = calloc(1, sizeof(*f));
	int r;

	(void)now;
	if (!f)
		return -ENOMEM;
	adit_list_init(&f->waiting);
	r = relay_listener_open(s, &f->listener, accepted, err, err_len);
	if (r) {
		free(f);
		return r;
	}
	s->state = f;
	return 0;
}

static void stop(struct relay_service *s, bool kill, adit_time now)
{
	struct forward *f = s->state;

	if (f->listener)
		relay_listener_close(f->listener);
	f->listener = NULL;
	while (kill && !adit_list_empty(&f->waiting)) {
		struct client *c = adit_container_of(f->waiting.next, struct client, link);

		relay_dial_cancel(c->dial, now);
		reset(c);
	}
}

static void free_state(struct relay_service *s)
{
	free(s->state);
}

const struct relay_service_ops relay_tcp_ops = { .start = start, .stop = stop, .free = free_state };
