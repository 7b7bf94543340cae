/* SPDX-License-Identifier: ISC */
/* http_proxy.c - the HTTP proxy: its clients and their requests */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/http.h"

/* --- memory ---------------------------------------------------------------------------- */

int http_buf_grow(struct http_buf *b)
{
	size_t cap = b->cap ? b->cap * 4 : HTTP_FIRST;
	char *p;

	if (b->cap >= HTTP_HEAD_MAX)
		return -EMSGSIZE;
	p = realloc(b->data, cap);
	if (!p)
		return -ENOMEM;
	b->data = p;
	b->cap = cap;
	return 0;
}

/* At the end of the turn: a stream that was begun has copied what it needs. */
static void free_client(struct relay_defunct *d)
{
	struct http_client *k = adit_container_of(d, struct http_client, c.defunct);

	free(k->in.data);
	free(k->answer.data);
	http_text_free(&k->up);
	http_text_free(&k->out);
	free(k);
}

static void release(struct proxy_client *c, adit_time now)
{
	struct http_client *k = adit_container_of(c, struct http_client, c);

	if (k->dial)
		relay_dial_cancel(k->dial, now);
	k->dial = NULL;
	relay_again_cancel(&k->again);
	if (k->origin)
		http_origin_free(k->origin, now);
	while (!adit_list_empty(&k->idle))
		http_origin_free(adit_container_of(k->idle.next, struct http_origin, link), now);
}

void http_update_watch(struct http_client *k)
{
	relay_fd_watch(&k->c.fd, (k->want_in ? EPOLLIN : 0u) | (k->want_out ? EPOLLOUT : 0u));
}

/* --- answers of our own -------------------------------------------------------------------- */

static void say(struct http_client *k, unsigned status, const char *sentence, bool keep, adit_time now)
{
	struct http_text t = { .p = NULL };

	http_write_error(&t, status, sentence, k->bodyless && status != 407, keep);
	if (t.failed) {
		proxy_client_end(&k->c, true, now);
	} else if (keep) {
		k->out = t;
		k->out_pos = 0;
	} else {
		proxy_client_linger(&k->c, t.p, t.len, now);
		http_text_free(&t);
	}
}

void http_fail(struct http_client *k, unsigned status, adit_time now, const char *fmt, ...)
{
	char sentence[600];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(sentence, sizeof(sentence), fmt, ap);
	va_end(ap);
	proxy_client_log(&k->c, "%u: %s", status, sentence);
	say(k, status, sentence, false, now);
}

static void refuse(struct http_client *k, unsigned status, const char *sentence, adit_time now)
{
	k->c.service->n.refused++;
	http_fail(k, status, now, "%s", sentence);
}

/* --- requests --------------------------------------------------------------------------------- */

static void timed_out(struct relay_timer *t, adit_time now)
{
	struct http_client *k = adit_container_of(t, struct http_client, c.timer);

	if (!k->c.lingers && k->state == HTTP_HEAD && k->in.len > 0)
		refuse(k, 408, "The request's header did not come in time.", now);
	else
		proxy_client_end(&k->c, false, now);
}

/* A request without a body may be followed by the next one, which brings credentials. */
static void ask_credentials(struct http_client *k, adit_time now)
{
	static const char sentence[] = "This proxy asks for a user name and a password.";
	bool keep = k->keep && k->req_body.done;

	k->c.service->n.refused++;
	proxy_client_log(&k->c, "407: no credentials, or wrong ones");
	say(k, 407, sentence, keep, now);
	if (!keep)
		return;
	k->in.pos += k->req.len;
	k->resp_begun = true; /* http_pump_down sends it, and goes on to the next request */
	adit_http1_body_of_request(&k->resp_body, &(struct adit_http1_head){ .has_length = true });
	k->state = HTTP_EXCHANGE;
	http_pump_down(k, now);
}

/* RFC 9110 9.2.2 */
static bool is_idempotent(const char *buf, struct adit_http1_slice method)
{
	static const char *const methods[] = { "get", "head", "options", "trace", "put", "delete" };

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (adit_http1_is(buf, method, methods[i]))
			return true;
	return false;
}

static void begin_request(struct http_client *k, adit_time now)
{
	const struct relay_service_config *cfg = &k->c.service->cfg;
	const char *buf = k->in.data, *wrong;

	relay_timer_set(&k->c.timer, ADIT_NEVER);
	k->connect = adit_http1_is(buf, k->req.method, "connect");
	k->bodyless = adit_http1_is(buf, k->req.method, "head");
	k->idempotent = is_idempotent(buf, k->req.method);
	k->keep = adit_http1_keep_alive(&k->req, buf) || (adit_http1_has_token(&k->req, buf, "proxy-connection", "keep-alive") &&
							  !adit_http1_has_token(&k->req, buf, "connection", "close"));
	k->upgrade = http_wants_upgrade(&k->req, buf);
	adit_http1_body_of_request(&k->req_body, &k->req);
	if (cfg->username[0] && !http_authorized(&k->req, buf, cfg->username, cfg->password)) {
		ask_credentials(k, now);
		return;
	}
	wrong = k->connect ? http_read_authority(&k->target, &k->req, buf) : http_read_target(&k->target, &k->req, buf);
	if (wrong) {
		refuse(k, 400, wrong, now);
		return;
	}
	if (!k->connect)
		http_write_request(&k->up, &k->req, buf, &k->target);
	if (k->up.failed) {
		proxy_client_end(&k->c, true, now);
		return;
	}
	k->in.pos += k->req.len;
	http_origin_find(k, now);
}

/* What has come is looked at. */
static void read_request(struct http_client *k, adit_time now)
{
	enum adit_http1_state st;

	if (k->in.len == 0)
		return;
	st = adit_http1_head_read(&k->req, k->in.data, k->in.len);
	if (st == ADIT_HTTP1_DONE) {
		begin_request(k, now);
	} else if (st == ADIT_HTTP1_ERROR) {
		char sentence[200];

		snprintf(sentence, sizeof(sentence), "The request cannot be read: %s.", adit_http1_error_text(k->req.error));
		refuse(k, adit_http1_error_status(k->req.error), sentence, now);
	} else {
		k->want_in = true;
		http_update_watch(k);
	}
}

/* The buffer starts with the request that is read. */
static void forget(struct http_client *k)
{
	memmove(k->in.data, k->in.data + k->in.pos, k->in.len - k->in.pos);
	k->in.len -= k->in.pos;
	k->in.pos = 0;
	k->answer.len = k->answer.pos = 0;
	k->up.len = k->up_pos = 0;
	k->bodyless = k->body_sent = k->retried = k->resp_begun = false;
	adit_http1_head_init(&k->req, false, NULL);
	adit_http1_head_init(&k->resp, true, NULL);
	if (k->in.len == 0 && k->in.cap > HTTP_FIRST) { /* an idle client costs little */
		free(k->in.data);
		k->in = (struct http_buf){ .data = NULL };
	}
	free(k->answer.data);
	k->answer = (struct http_buf){ .data = NULL };
	http_text_free(&k->up);
}

void http_next(struct http_client *k, bool keep, adit_time now)
{
	if (!keep) {
		proxy_client_linger(&k->c, NULL, 0, now);
		return;
	}
	forget(k);
	k->state = HTTP_HEAD;
	k->want_in = true;
	k->want_out = false;
	http_update_watch(k);
	relay_timer_set(&k->c.timer, now + (k->in.len ? HTTP_HEAD_TIME : HTTP_IDLE));
	relay_again_set(k->c.fd.loop, &k->again); /* one that is here already, in the next turn */
}

/* --- what wakes a client -------------------------------------------------------------------------- */

static void read_client(struct http_client *k, adit_time now)
{
	ssize_t n;
	int e = k->in.len == k->in.cap ? http_buf_grow(&k->in) : 0;

	if (e == -EMSGSIZE)
		refuse(k, 431, "The request's header is too long.", now);
	else if (e)
		proxy_client_end(&k->c, true, now);
	if (e)
		return;
	n = proxy_client_read(&k->c, k->in.data + k->in.len, k->in.cap - k->in.len);
	if (n < 0) {
		proxy_client_end(&k->c, false, now);
		return;
	}
	if (n > 0 && k->in.len == 0)
		relay_timer_set(&k->c.timer, now + HTTP_HEAD_TIME);
	k->in.len += (size_t)n;
	read_request(k, now);
}

static void ready(struct relay_fd *f, uint32_t events, adit_time now)
{
	struct http_client *k = adit_container_of(proxy_client_of(f), struct http_client, c);

	if (k->state == HTTP_HEAD) {
		read_client(k, now);
		return;
	}
	if (events & (EPOLLERR | EPOLLHUP)) { /* nobody is there to answer to */
		proxy_client_end(&k->c, true, now);
		return;
	}
	if (events & EPOLLOUT)
		http_pump_down(k, now);
	if (k->c.fd.fd >= 0 && !k->c.lingers && k->state == HTTP_EXCHANGE && k->origin && events & EPOLLIN)
		http_pump_up(k, now);
}

static void run_again(struct relay_again *a, adit_time now)
{
	struct http_client *k = adit_container_of(a, struct http_client, again);

	if (k->state == HTTP_HEAD)
		read_request(k, now);
	else if (k->state == HTTP_EXCHANGE)
		http_pump_down(k, now);
}

void http_client_begin(struct relay_service *s, int fd, const struct adit_endpoint *peer, bool tls, adit_time now)
{
	struct http_client *k;

	if (tls) {
		fd = relay_tls_wrap(s, fd, peer, now);
		if (fd < 0)
			return;
	}
	k = proxy_client_new(s, sizeof(*k), fd, peer, ready, release, now);
	if (!k)
		return;
	k->c.defunct.free = free_client;
	k->c.timer.expired = timed_out;
	k->again.run = run_again;
	k->want_in = true;
	adit_list_init(&k->idle);
	adit_http1_head_init(&k->req, false, NULL);
	adit_http1_head_init(&k->resp, true, NULL);
}

/* --- the service -------------------------------------------------------------------------------------- */

static void accepted(struct relay_service *s, int fd, const struct adit_endpoint *client, adit_time now)
{
	http_client_begin(s, fd, client, s->cfg.cert_file[0] != '\0', now);
}

static int start(struct relay_service *s, char *err, size_t err_len, adit_time now)
{
	(void)now;
	return proxy_start(s, accepted, err, err_len);
}

const struct relay_service_ops relay_http_ops = { .start = start, .stop = proxy_stop };
