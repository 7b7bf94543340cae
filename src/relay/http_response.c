/* SPDX-License-Identifier: ISC */
/* http_response.c - the HTTP proxy: a response on its way to the client */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "relay/http.h"

#define IOVECS 64

/* Each step returns 1 to go on, 0 when it waits, -1 when k is not ours any more. */

/* --- to the client -------------------------------------------------------------------- */

/* Bytes taken, 0 when it is full, -errno. */
static ssize_t write_client(struct http_client *k, struct iovec *iov, int cnt)
{
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = (size_t)cnt };
	ssize_t n;

	do
		n = sendmsg(k->c.fd.fd, &m, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return n;
	return errno == EAGAIN ? 0 : -errno;
}

static int gone(struct http_client *k, adit_time now)
{
	proxy_client_end(&k->c, true, now);
	return -1;
}

static int wait_client(struct http_client *k)
{
	k->want_out = true;
	http_update_watch(k);
	return 0;
}

static int flush_out(struct http_client *k, adit_time now)
{
	while (k->out_pos < k->out.len) {
		struct iovec iov = { k->out.p + k->out_pos, k->out.len - k->out_pos };
		ssize_t n = write_client(k, &iov, 1);

		if (n < 0)
			return gone(k, now);
		if (n == 0)
			return wait_client(k);
		k->out_pos += (size_t)n;
	}
	http_text_free(&k->out);
	k->out_pos = 0;
	return 1;
}

/* --- the head ----------------------------------------------------------------------------- */

static int refuse_answer(struct http_client *k, adit_time now, const char *why)
{
	http_origin_release(k, false, now);
	http_fail(k, 502, now, "The answer of %s cannot be passed on: %s.", k->target.to.host, why);
	return -1;
}

/* Copies what has come into the answer's buffer. */
static int read_some(struct http_client *k, adit_time now)
{
	struct iovec iov[16];
	size_t had = k->answer.len;
	int cnt, e = k->answer.len == k->answer.cap ? http_buf_grow(&k->answer) : 0;

	if (e == -ENOMEM)
		return gone(k, now);
	if (e)
		return refuse_answer(k, now, "its header is too long");
	cnt = adit_tcp_peek(k->origin->rs.sock, iov, 16);
	for (int i = 0; i < cnt && k->answer.len < k->answer.cap; i++) {
		size_t room = k->answer.cap - k->answer.len, n = iov[i].iov_len < room ? iov[i].iov_len : room;

		memcpy(k->answer.data + k->answer.len, iov[i].iov_base, n);
		k->answer.len += n;
	}
	if (k->answer.len > had) {
		adit_tcp_consume(k->origin->rs.sock, k->answer.len - had, now);
		k->c.service->n.bytes_in += k->answer.len - had;
		return 1;
	}
	if (!adit_tcp_at_eof(k->origin->rs.sock))
		return 0;
	http_origin_lost(k, 0, now);
	return -1;
}

/* Both sides are a plain stream from here on. */
static int upgrade(struct http_client *k, adit_time now)
{
	struct adit_sock *sock;

	http_text_add(&k->out, k->answer.data + k->answer.pos, k->answer.len - k->answer.pos);
	if (k->out.failed)
		return gone(k, now);
	sock = http_origin_take(k, now);
	proxy_client_splice(&k->c, sock, k->in.data + k->in.pos, k->in.len - k->in.pos, k->out.p, k->out.len, now);
	return -1;
}

static void drop_head(struct http_client *k)
{
	k->answer.pos += k->resp.len;
	memmove(k->answer.data, k->answer.data + k->answer.pos, k->answer.len - k->answer.pos);
	k->answer.len -= k->answer.pos;
	k->answer.pos = 0;
}

/* 100 Continue and its like: passed on, and the next head is read. */
static int take_interim(struct http_client *k, adit_time now)
{
	if (k->resp.status == 101) {
		if (!k->upgrade || k->up_pos < k->up.len)
			return refuse_answer(k, now, "it changes to another protocol unasked");
		http_write_response(&k->out, &k->resp, k->answer.data, true);
		k->answer.pos = k->resp.len;
		return upgrade(k, now);
	}
	if (k->req.minor >= 1)
		http_write_response(&k->out, &k->resp, k->answer.data, true);
	drop_head(k);
	adit_http1_head_init(&k->resp, true, NULL);
	return k->out.failed ? gone(k, now) : flush_out(k, now);
}

static int take_final(struct http_client *k, adit_time now)
{
	adit_http1_body_of_response(&k->resp_body, &k->resp, k->bodyless);
	if (k->resp_body.framing == ADIT_HTTP1_CHUNKED && k->req.minor == 0)
		return refuse_answer(k, now, "it is chunked, which a client of HTTP/1.0 does not understand");
	if (k->resp_body.framing == ADIT_HTTP1_UNTIL_CLOSE)
		k->keep = false;
	k->origin->used = k->resp.minor >= 1 && adit_http1_keep_alive(&k->resp, k->answer.data); /* and may be again */
	k->keep = k->keep && k->req_body.done;
	http_write_response(&k->out, &k->resp, k->answer.data, k->keep);
	k->resp_begun = true;
	drop_head(k);
	return k->out.failed ? gone(k, now) : flush_out(k, now);
}

static int take_head(struct http_client *k, adit_time now)
{
	enum adit_http1_state st = adit_http1_head_read(&k->resp, k->answer.data, k->answer.len);

	if (st == ADIT_HTTP1_MORE)
		return read_some(k, now);
	if (st == ADIT_HTTP1_ERROR)
		return refuse_answer(k, now, adit_http1_error_text(k->resp.error));
	return k->resp.status < 200 ? take_interim(k, now) : take_final(k, now);
}

/* --- the body -------------------------------------------------------------------------------- */

/* Cuts iov to what belongs to the body; its state moves on. Returns the bytes. */
static size_t walk(struct adit_http1_body *b, struct iovec *iov, int *cnt, size_t max)
{
	size_t total = 0;

	for (int i = 0; i < *cnt && total < max; i++) {
		size_t done = 0, n, len = iov[i].iov_len < max - total ? iov[i].iov_len : max - total;
		const uint8_t *p = iov[i].iov_base;

		while (done < len && (n = adit_http1_body_read(b, p + done, len - done, NULL, NULL)) > 0)
			done += n;
		total += done;
		if (done < iov[i].iov_len) {
			iov[i].iov_len = done;
			*cnt = i + 1;
			break;
		}
	}
	return total;
}

/* From where it came, as much as the client takes. */
static int pass_body(struct http_client *k, struct iovec *iov, int cnt, size_t *passed, adit_time now)
{
	struct adit_http1_body ahead = k->resp_body;
	size_t n = walk(&ahead, iov, &cnt, SIZE_MAX);
	ssize_t w;

	*passed = 0;
	if (ahead.error) {
		proxy_client_log(&k->c, "the answer of %s is broken: %s", k->target.to.host,
				 adit_http1_error_text(ahead.error));
		return gone(k, now);
	}
	if (n == 0)
		return 0;
	w = write_client(k, iov, cnt);
	if (w < 0)
		return gone(k, now);
	walk(&k->resp_body, iov, &cnt, (size_t)w);
	*passed = (size_t)w;
	return (size_t)w < n ? wait_client(k) : 1;
}

static int end_of_stream(struct http_client *k, adit_time now)
{
	if (k->resp_body.framing != ADIT_HTTP1_UNTIL_CLOSE)
		return gone(k, now);
	http_origin_release(k, false, now);
	http_next(k, false, now);
	return -1;
}

static int take_body(struct http_client *k, size_t *turn, adit_time now)
{
	struct iovec iov[IOVECS];
	size_t passed;
	int cnt, r;

	if (k->answer.pos < k->answer.len) {
		iov[0] = (struct iovec){ k->answer.data + k->answer.pos, k->answer.len - k->answer.pos };
		r = pass_body(k, iov, 1, &passed, now);
		if (r >= 0)
			k->answer.pos += passed;
		return r;
	}
	cnt = adit_tcp_peek(k->origin->rs.sock, iov, IOVECS);
	if (cnt == 0)
		return adit_tcp_at_eof(k->origin->rs.sock) ? end_of_stream(k, now) : 0;
	r = pass_body(k, iov, cnt, &passed, now);
	if (r < 0)
		return r;
	adit_tcp_consume(k->origin->rs.sock, passed, now);
	k->c.service->n.bytes_in += passed;
	*turn += passed;
	return r;
}

/* Whole. Bytes behind it belong to nothing that was asked for: such a connection is not kept. */
static void finish(struct http_client *k, adit_time now)
{
	bool clean = k->answer.pos == k->answer.len, keep = k->keep;

	http_origin_release(k, k->origin && k->origin->used && clean && k->req_body.done && k->req.minor >= 1, now);
	http_next(k, keep, now);
}

void http_pump_down(struct http_client *k, adit_time now)
{
	size_t turn = 0;
	int r;

	k->want_out = false;
	do {
		r = flush_out(k, now);
		if (r > 0 && !k->resp_begun)
			r = take_head(k, now);
		else if (r > 0 && !k->resp_body.done)
			r = take_body(k, &turn, now);
		if (r > 0 && k->resp_begun && k->resp_body.done && !k->out.len) {
			finish(k, now);
			return;
		}
		if (r > 0 && turn > HTTP_TURN) {
			relay_again_set(k->c.fd.loop, &k->again);
			break;
		}
	} while (r > 0);
	if (r >= 0)
		http_update_watch(k);
}
