/* SPDX-License-Identifier: ISC */
/*
 * http_rewrite.h - what a proxy changes in the heads of HTTP messages that it
 * passes on (RFC 9110 section 7.6, RFC 9112 section 3.2). Text in, text out.
 */
#ifndef ADIT_RELAY_HTTP_REWRITE_H
#define ADIT_RELAY_HTTP_REWRITE_H

#include "base/http1.h"
#include "relay/relay.h"

/* A text that grows; once memory has failed it stays as it is. */
struct http_text {
	char *p;
	size_t len, cap;
	bool failed;
};

void http_text_add(struct http_text *t, const char *p, size_t len);
void http_text_puts(struct http_text *t, const char *s);
void http_text_free(struct http_text *t);

/* Where a request goes. */
struct http_target {
	struct relay_target to;
	struct adit_http1_slice authority; /* for Host */
	struct adit_http1_slice path;      /* may be empty */
};

/* Returns NULL, or what is wrong: one sentence for the client. */
const char *http_read_target(struct http_target *ret, const struct adit_http1_head *h, const char *buf);
/* For CONNECT: host:port. */
const char *http_read_authority(struct http_target *ret, const struct adit_http1_head *h, const char *buf);

/* The request wants another protocol on its connection, such as WebSocket. */
bool http_wants_upgrade(const struct adit_http1_head *h, const char *buf);
void http_write_request(struct http_text *t, const struct adit_http1_head *h, const char *buf,
			const struct http_target *target);
/* keep: the connection to the client goes on after it. 1xx pass without it. */
void http_write_response(struct http_text *t, const struct adit_http1_head *h, const char *buf, bool keep);
/* Our own answer, `sentence` being its body. With 407 it asks for Basic. */
void http_write_error(struct http_text *t, unsigned status, const char *sentence, bool bodyless, bool keep);
const char *http_reason(unsigned status);

/* Proxy-Authorization holds exactly these. */
bool http_authorized(const struct adit_http1_head *h, const char *buf, const char *user, const char *password);

#endif
