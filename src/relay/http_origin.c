/* SPDX-License-Identifier: ISC */
/* http_origin.c - the HTTP proxy's connections inside: made, kept, lost */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "relay/http.h"

#define KEEPALIVE_IDLE     (60 * ADIT_SEC) /* a server that vanished in the middle of an answer is noticed */
#define KEEPALIVE_INTERVAL (10 * ADIT_SEC)

static void free_memory(struct relay_defunct *d)
{
	free(adit_container_of(d, struct http_origin, defunct));
}

/* The socket is somebody else's by now. */
static void bury(struct http_origin *o)
{
	struct http_client *k = o->client;

	o->rs.sock = NULL;
	relay_timer_set(&o->idle, ADIT_NEVER);
	if (k->origin == o) {
		k->origin = NULL;
	} else {
		adit_list_del(&o->link);
		k->idle_cnt--;
	}
	k->c.service->n.open--;
	o->defunct.free = free_memory;
	relay_defer_free(k->c.fd.loop, &o->defunct);
}

void http_origin_free(struct http_origin *o, adit_time now)
{
	adit_tcp_close(o->rs.sock, now);
	bury(o);
}

struct adit_sock *http_origin_take(struct http_client *k, adit_time now)
{
	struct adit_sock *sock = k->origin->rs.sock;

	(void)now;
	k->c.service->n.opened--; /* the stream counts it */
	adit_sock_set_user(sock, NULL);
	bury(k->origin);
	return sock;
}

static void idle_expired(struct relay_timer *t, adit_time now)
{
	http_origin_free(adit_container_of(t, struct http_origin, idle), now);
}

static void on_event(struct relay_sock *rs, unsigned what, adit_time now)
{
	struct http_origin *o = adit_container_of(rs, struct http_origin, rs);
	struct http_client *k = o->client;

	if (k->origin != o) { /* idle: whatever comes, it is of no more use */
		if (what & (ADIT_EV_READABLE | ADIT_EV_EOF | ADIT_EV_ERROR))
			http_origin_free(o, now);
		return;
	}
	if (what & (ADIT_EV_READABLE | ADIT_EV_EOF | ADIT_EV_ERROR))
		http_pump_down(k, now); /* what came before an error, too */
	if (k->origin == o && what & ADIT_EV_ERROR) {
		http_origin_lost(k, adit_sock_error(rs->sock), now);
		return;
	}
	if (k->origin == o && what & ADIT_EV_WRITABLE)
		http_pump_up(k, now);
}

static void use(struct http_client *k, struct http_origin *o, adit_time now)
{
	k->origin = o;
	k->state = HTTP_EXCHANGE;
	http_pump_up(k, now);
}

/* --- dialling ------------------------------------------------------------------------ */

static void tell_connected(struct http_client *k, struct adit_sock *sock, adit_time now)
{
	static const char reply[] = "HTTP/1.1 200 Connection established\r\n\r\n";

	proxy_client_splice(&k->c, sock, k->in.data + k->in.pos, k->in.len - k->in.pos, reply, sizeof(reply) - 1, now);
}

static void tell_failed(struct http_client *k, int error, adit_time now)
{
	const struct relay_target *to = &k->target.to;

	k->c.service->n.failed++;
	if (error == -ETIMEDOUT)
		http_fail(k, 504, now, "%s port %u did not answer in time.", to->host, to->port);
	else if (error == -ENOENT)
		http_fail(k, 502, now, "There is no host %s inside.", to->host);
	else if (error == -ECONNREFUSED)
		http_fail(k, 502, now, "%s refuses connections to port %u.", to->host, to->port);
	else if (error == -EHOSTUNREACH || error == -ENETUNREACH)
		http_fail(k, 502, now, "%s cannot be reached.", to->host);
	else
		http_fail(k, 502, now, "%s port %u: %s.", to->host, to->port, strerror(-error));
}

static struct http_origin *new_origin(struct http_client *k, struct adit_sock *sock, adit_time now)
{
	struct http_origin *o = calloc(1, sizeof(*o));
	struct adit_tcp_options options;

	if (!o)
		return NULL;
	o->client = k;
	o->to = k->target.to;
	o->rs = (struct relay_sock){ .sock = sock, .event = on_event };
	relay_timer_init(&o->idle, k->c.fd.loop, idle_expired);
	adit_sock_set_user(sock, &o->rs);
	adit_tcp_get_options(sock, &options);
	options.keepalive_idle = KEEPALIVE_IDLE;
	options.keepalive_interval = KEEPALIVE_INTERVAL;
	adit_tcp_set_options(sock, &options, now);
	k->c.service->n.opened++;
	k->c.service->n.open++;
	return o;
}

static void dialled(void *arg, const struct relay_dialled *d)
{
	struct http_client *k = arg;
	adit_time now = k->c.fd.loop->now;
	struct http_origin *o;

	k->dial = NULL;
	if (d->error) {
		tell_failed(k, d->error, now);
	} else if (k->connect) {
		tell_connected(k, d->sock, now);
	} else if ((o = new_origin(k, d->sock, now))) {
		use(k, o, now);
	} else {
		adit_tcp_abort(d->sock, now);
		proxy_client_end(&k->c, true, now);
	}
}

static void dial(struct http_client *k, adit_time now)
{
	int e;

	k->state = HTTP_DIALLING;
	k->want_in = false;
	http_update_watch(k);
	e = relay_dial_inside(k->c.service->relay, &k->dial, &k->target.to, dialled, k, now);
	if (e) {
		struct relay_dialled d = { .error = e, .fd = -1 };

		dialled(k, &d);
	}
}

void http_origin_find(struct http_client *k, adit_time now)
{
	for (struct adit_list *l = k->idle.next; !k->connect && l != &k->idle; l = l->next) {
		struct http_origin *o = adit_container_of(l, struct http_origin, link);

		if (o->to.port != k->target.to.port || strcasecmp(o->to.host, k->target.to.host) != 0)
			continue;
		adit_list_del(&o->link);
		k->idle_cnt--;
		relay_timer_set(&o->idle, ADIT_NEVER);
		use(k, o, now);
		return;
	}
	dial(k, now);
}

void http_origin_release(struct http_client *k, bool keep, adit_time now)
{
	struct http_origin *o = k->origin;

	if (!o)
		return;
	if (!keep || adit_sock_error(o->rs.sock) || adit_tcp_at_eof(o->rs.sock) || adit_tcp_readable(o->rs.sock)) {
		http_origin_free(o, now);
		return;
	}
	if (k->idle_cnt == HTTP_ORIGINS)
		http_origin_free(adit_container_of(k->idle.next, struct http_origin, link), now);
	o->used = true;
	k->origin = NULL;
	adit_list_add_tail(&k->idle, &o->link);
	k->idle_cnt++;
	relay_timer_set(&o->idle, now + HTTP_IDLE);
}

void http_origin_lost(struct http_client *k, int error, adit_time now)
{
	bool again = k->origin->used && !k->body_sent && !k->retried && !k->resp_begun && k->answer.len == 0 &&
		     (k->idempotent || k->up_pos == 0);
	const struct relay_target *to = &k->target.to;

	http_origin_free(k->origin, now);
	if (k->resp_begun) { /* a part must not look like the whole */
		proxy_client_end(&k->c, true, now);
	} else if (again) { /* it had closed the kept connection just then */
		k->retried = true;
		k->up_pos = 0;
		dial(k, now);
	} else if (error == -ETIMEDOUT) {
		http_fail(k, 504, now, "%s port %u has vanished without an answer.", to->host, to->port);
	} else if (error) {
		http_fail(k, 502, now, "%s port %u broke the connection off: %s.", to->host, to->port, strerror(-error));
	} else {
		http_fail(k, 502, now, "%s port %u closed the connection without a whole answer.", to->host, to->port);
	}
}
