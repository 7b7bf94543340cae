/* SPDX-License-Identifier: ISC */
/* http_exchange.c - the HTTP proxy: a request on its way inside */
#include <errno.h>
#include <string.h>

#include "relay/http.h"

/* Returns whether all of the head is inside. */
static bool send_head(struct http_client *k, adit_time now)
{
	size_t left = k->up.len - k->up_pos, n;

	if (left == 0)
		return true;
	n = adit_tcp_send(k->origin->rs.sock, k->up.p + k->up_pos, left, now);
	k->up_pos += n;
	k->c.service->n.bytes_out += n;
	return n == left;
}

/* How much of these bytes belongs to the body; its state moves on. */
static size_t walk(struct adit_http1_body *b, const char *p, size_t len)
{
	size_t done = 0, n;

	while (done < len && (n = adit_http1_body_read(b, p + done, len - done, NULL, NULL)) > 0)
		done += n;
	return done;
}

/* What is in the buffer. Returns 1 when it is all inside, 0 when it waits, -1 when k is not ours any more. */
static int send_body(struct http_client *k, adit_time now)
{
	struct adit_http1_body ahead = k->req_body;
	size_t n = walk(&ahead, k->in.data + k->in.pos, k->in.len - k->in.pos), sent;

	if (ahead.error) {
		enum adit_http1_error e = ahead.error;

		http_origin_release(k, false, now);
		if (k->resp_begun)
			proxy_client_end(&k->c, true, now);
		else
			http_fail(k, adit_http1_error_status(e), now, "The request's body is broken: %s.",
				  adit_http1_error_text(e));
		return -1;
	}
	if (n == 0)
		return 1;
	sent = adit_tcp_send(k->origin->rs.sock, k->in.data + k->in.pos, n, now);
	walk(&k->req_body, k->in.data + k->in.pos, sent);
	k->in.pos += sent;
	k->body_sent = k->body_sent || sent;
	k->c.service->n.bytes_out += sent;
	return sent == n;
}

/* Returns 1 for more, 0 nothing now, -1 not ours any more. */
static int read_body(struct http_client *k, adit_time now)
{
	ssize_t n;

	if (k->in.pos == k->in.len)
		k->in.pos = k->in.len = 0;
	if (k->in.len == k->in.cap && http_buf_grow(&k->in) == -ENOMEM) {
		proxy_client_end(&k->c, true, now);
		return -1;
	}
	n = proxy_client_read(&k->c, k->in.data + k->in.len, k->in.cap - k->in.len);
	if (n < 0) { /* half of a request is none */
		proxy_client_end(&k->c, true, now);
		return -1;
	}
	k->in.len += (size_t)n;
	return n > 0;
}

void http_pump_up(struct http_client *k, adit_time now)
{
	size_t turn = 0;
	int r = 1;

	k->want_in = false;
	if (!send_head(k, now)) {
		http_update_watch(k);
		return;
	}
	while (!k->req_body.done) {
		size_t had = k->in.len - k->in.pos;

		r = send_body(k, now);
		if (r < 0)
			return;
		if (r == 0 || k->req_body.done)
			break;
		turn += had;
		if (turn > HTTP_TURN) { /* level-triggered: it comes again */
			k->want_in = true;
			break;
		}
		r = read_body(k, now);
		if (r < 0)
			return;
		if (r == 0) {
			k->want_in = true;
			break;
		}
	}
	http_update_watch(k);
}
