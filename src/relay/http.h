/* SPDX-License-Identifier: ISC */
/*
 * http.h - the HTTP proxy's insides
 *
 * DOC: a client
 *
 * HEAD      a request's head is being read; nothing else happens
 * DIALLING  a connection inside is being made for it
 * EXCHANGE  the request goes inside and the response comes back, both at once:
 *           an answer may come before the request is over
 * then HEAD again on the same connection, or the end. CONNECT and upgrades
 * leave by a stream, which takes both descriptors over.
 *
 * Bodies pass in pieces, framing as it is: http1_body finds their end. What
 * does not fit the other side waits where it came from. Connections inside
 * are kept for the client that opened them, and used again for the same host.
 */
#ifndef ADIT_RELAY_HTTP_H
#define ADIT_RELAY_HTTP_H

#include "base/http1.h"
#include "relay/dial.h"
#include "relay/http_rewrite.h"
#include "relay/proxy.h"

#define HTTP_HEAD_MAX   65536
#define HTTP_FIRST      4096                /* of a buffer that grows to that */
#define HTTP_IDLE       (60 * ADIT_SEC)     /* between requests */
#define HTTP_HEAD_TIME  (30 * ADIT_SEC)     /* from a request's first byte to its head's end */
#define HTTP_ORIGINS    4                   /* kept by a client */
#define HTTP_TURN       (512u << 10)        /* bytes of a client in one turn */

enum http_state { HTTP_HEAD, HTTP_DIALLING, HTTP_EXCHANGE };

/* A connection inside. */
struct http_origin {
	struct adit_list link; /* in its client's, when idle */
	struct http_client *client;
	struct relay_sock rs;
	struct relay_timer idle;
	struct relay_defunct defunct;
	struct relay_target to;
	bool used; /* has answered before */
};

/* Bytes from one side: data[pos..len). */
struct http_buf {
	char *data;
	size_t len, pos, cap;
};

struct http_client {
	struct proxy_client c;
	enum http_state state;
	struct relay_again again;
	bool want_in, want_out; /* of the client's descriptor */
	struct http_buf in;     /* from the client: heads, and of a body what did not fit */

	/* the request; heads keep positions in buffers that have moved on, unless said otherwise */
	struct adit_http1_head req;
	struct adit_http1_body req_body;
	struct http_target target;
	struct http_text up;    /* its head as it goes inside, kept until the answer begins */
	size_t up_pos;
	bool keep, bodyless, connect, upgrade, body_sent, retried;
	bool idempotent;        /* to ask twice is as good as once */

	/* the connection inside */
	struct relay_dial *dial;
	struct http_origin *origin;
	struct adit_list idle;
	unsigned idle_cnt;

	/* the response */
	struct http_buf answer; /* its head, and what came with it */
	struct adit_http1_head resp;
	struct adit_http1_body resp_body;
	bool resp_begun;        /* a final head was passed on */
	struct http_text out;   /* what of heads the client's socket did not take */
	size_t out_pos;
};

/* --- http_proxy.c: requests ------------------------------------------------------ */

void http_update_watch(struct http_client *k);
/* Room for more; -EMSGSIZE at HTTP_HEAD_MAX, -ENOMEM. */
int http_buf_grow(struct http_buf *b);
/* An answer of our own, and the end of the connection. */
void http_fail(struct http_client *k, unsigned status, adit_time now, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* The response is over: the next request, or the end. */
void http_next(struct http_client *k, bool keep, adit_time now);

/* --- http_origin.c: connections inside --------------------------------------------- */

void http_origin_find(struct http_client *k, adit_time now);
void http_origin_release(struct http_client *k, bool keep, adit_time now); /* k's present one */
void http_origin_free(struct http_origin *o, adit_time now);
/* The origin is gone before it answered: once more by a new connection, where
 * nothing is lost by that, or the client is told. */
void http_origin_lost(struct http_client *k, int error, adit_time now);
/* Its socket, for a stream. */
struct adit_sock *http_origin_take(struct http_client *k, adit_time now);

/* --- http_exchange.c, http_response.c: as much as goes --------------------------------- */

void http_pump_up(struct http_client *k, adit_time now);
void http_pump_down(struct http_client *k, adit_time now);

#endif
