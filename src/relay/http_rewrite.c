/* SPDX-License-Identifier: ISC */
/* http_rewrite.c - what a proxy changes in the heads of HTTP messages */
#include "relay/http_rewrite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "relay/socks5.h"

/* --- text ---------------------------------------------------------------------------- */

void http_text_add(struct http_text *t, const char *p, size_t len)
{
	if (t->failed || len == 0)
		return;
	if (len > t->cap - t->len) {
		size_t cap = (t->len + len) * 2;
		char *grown = realloc(t->p, cap);

		if (!grown) {
			t->failed = true;
			return;
		}
		t->p = grown;
		t->cap = cap;
	}
	memcpy(t->p + t->len, p, len);
	t->len += len;
}

void http_text_puts(struct http_text *t, const char *s)
{
	http_text_add(t, s, strlen(s));
}

static void add_slice(struct http_text *t, const char *buf, struct adit_http1_slice s)
{
	http_text_add(t, buf + s.off, s.len);
}

void http_text_free(struct http_text *t)
{
	free(t->p);
	*t = (struct http_text){ .p = NULL };
}

/* --- where it goes ----------------------------------------------------------------------- */

static bool host_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

static const char *read_port(const char *p, const char *end, uint16_t otherwise, uint16_t *ret)
{
	unsigned v = 0;

	*ret = otherwise;
	if (p == end)
		return otherwise ? NULL : "The target has no port.";
	if (end - p > 5)
		return "The port is not a number from 1 to 65535.";
	for (; p < end; p++) {
		if (*p < '0' || *p > '9')
			return "The port is not a number from 1 to 65535.";
		v = v * 10 + (unsigned)(*p - '0');
	}
	if (v == 0 || v > 65535)
		return "The port is not a number from 1 to 65535.";
	*ret = (uint16_t)v;
	return NULL;
}

/* "host", "host:port", "[v6]:port" */
static const char *split_authority(struct relay_target *to, const char *p, size_t len, uint16_t port)
{
	const char *end = p + len, *host = p, *host_end, *after;
	struct adit_addr addr;

	if (len > 0 && *p == '[') {
		host = p + 1;
		host_end = memchr(host, ']', (size_t)(end - host));
		if (!host_end)
			return "The address in brackets has no end.";
		after = host_end + 1;
	} else {
		host_end = memchr(p, ':', len);
		host_end = host_end ? host_end : end;
		after = host_end;
	}
	if (host_end == host || (size_t)(host_end - host) >= sizeof(to->host))
		return "The host is missing or too long.";
	memcpy(to->host, host, (size_t)(host_end - host));
	to->host[host_end - host] = '\0';
	if (host > p) {
		if (adit_addr_parse(&addr, to->host) || addr.family != 6)
			return "What stands in brackets is no IPv6 address.";
	} else {
		for (const char *c = host; c < host_end; c++)
			if (!host_char(*c))
				return "The host has a character that no name has.";
	}
	if (after < end && *after != ':')
		return "Something stands between host and port.";
	return read_port(after < end ? after + 1 : end, end, port, &to->port);
}

static bool begins(const char *p, size_t len, const char *word)
{
	return len >= strlen(word) && !strncasecmp(p, word, strlen(word));
}

const char *http_read_target(struct http_target *ret, const struct adit_http1_head *h, const char *buf)
{
	const char *p = buf + h->target.off, *end = p + h->target.len, *a, *path;

	if (begins(p, h->target.len, "https://") || begins(p, h->target.len, "wss://"))
		return "For https this proxy is asked with CONNECT.";
	if (!begins(p, h->target.len, "http://") && !begins(p, h->target.len, "ws://"))
		return "This is a proxy: the request must name a whole URL, http://host/path.";
	a = strchr(p, ':') + 3;
	for (path = a; path < end && *path != '/' && *path != '?' && *path != '#'; path++)
		;
	if (memchr(a, '@', (size_t)(path - a)))
		return "A URL with a user name in it is not passed on.";
	if (memchr(path, '#', (size_t)(end - path)))
		return "A URL in a request has no fragment.";
	ret->authority = (struct adit_http1_slice){ (uint32_t)(a - buf), (uint32_t)(path - a) };
	ret->path = (struct adit_http1_slice){ (uint32_t)(path - buf), (uint32_t)(end - path) };
	return split_authority(&ret->to, a, (size_t)(path - a), 80);
}

const char *http_read_authority(struct http_target *ret, const struct adit_http1_head *h, const char *buf)
{
	if (h->chunked || (h->has_length && h->length))
		return "CONNECT has no content.";
	ret->authority = h->target;
	return split_authority(&ret->to, buf + h->target.off, h->target.len, 0);
}

/* --- fields ---------------------------------------------------------------------------------- */

/* Of one connection only, whether Connection says so or not (RFC 9110 section 7.6.1). */
static bool of_this_hop(const char *buf, const struct adit_http1_field *f)
{
	static const char *const names[] = { "connection", "proxy-connection", "keep-alive", "te", "upgrade",
					     "proxy-authenticate", "proxy-authorization", "proxy-authentication-info" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (adit_http1_is(buf, f->name, names[i]))
			return true;
	return false;
}

/* Named in Connection; framing is never given away by that. */
static bool is_named(const struct adit_http1_head *h, const char *buf, const struct adit_http1_field *f)
{
	static const char *const kept[] = { "transfer-encoding", "content-length", "host" };
	char name[128];

	if (f->name.len >= sizeof(name))
		return false;
	memcpy(name, buf + f->name.off, f->name.len);
	name[f->name.len] = '\0';
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (!strcasecmp(name, kept[i]))
			return false;
	return adit_http1_has_token(h, buf, "connection", name);
}

static void add_field(struct http_text *t, const char *buf, const struct adit_http1_field *f)
{
	add_slice(t, buf, f->name);
	http_text_puts(t, ": ");
	add_slice(t, buf, f->value);
	http_text_puts(t, "\r\n");
}

static void add_fields(struct http_text *t, const struct adit_http1_head *h, const char *buf, bool upgrade)
{
	for (unsigned i = 0; i < h->field_cnt; i++) {
		const struct adit_http1_field *f = &h->field[i];

		if (upgrade && adit_http1_is(buf, f->name, "upgrade"))
			add_field(t, buf, f);
		else if (!of_this_hop(buf, f) && !is_named(h, buf, f) && (h->response || !adit_http1_is(buf, f->name, "host")))
			add_field(t, buf, f);
	}
	http_text_puts(t, h->minor ? "Via: 1.1 adit\r\n" : "Via: 1.0 adit\r\n");
	if (upgrade)
		http_text_puts(t, "Connection: Upgrade\r\n");
}

bool http_wants_upgrade(const struct adit_http1_head *h, const char *buf)
{
	unsigned i = 0;

	return h->minor >= 1 && adit_http1_has_token(h, buf, "connection", "upgrade") &&
	       adit_http1_find(h, buf, "upgrade", &i);
}

void http_write_request(struct http_text *t, const struct adit_http1_head *h, const char *buf,
			const struct http_target *target)
{
	bool upgrade = http_wants_upgrade(h, buf);

	add_slice(t, buf, h->method);
	http_text_puts(t, " ");
	if (target->path.len == 0)
		http_text_puts(t, adit_http1_is(buf, h->method, "options") ? "*" : "/");
	else if (buf[target->path.off] == '?')
		http_text_puts(t, "/");
	add_slice(t, buf, target->path);
	http_text_puts(t, h->minor ? " HTTP/1.1\r\nHost: " : " HTTP/1.0\r\nHost: ");
	add_slice(t, buf, target->authority);
	http_text_puts(t, "\r\n");
	add_fields(t, h, buf, upgrade);
	http_text_puts(t, "\r\n");
}

void http_write_response(struct http_text *t, const struct adit_http1_head *h, const char *buf, bool keep)
{
	char line[32];
	bool upgrade = h->status == 101;

	snprintf(line, sizeof(line), "HTTP/1.1 %u ", h->status);
	http_text_puts(t, line);
	add_slice(t, buf, h->reason);
	http_text_puts(t, "\r\n");
	add_fields(t, h, buf, upgrade);
	if (h->status >= 200)
		http_text_puts(t, keep ? "Connection: keep-alive\r\n" : "Connection: close\r\n");
	http_text_puts(t, "\r\n");
}

/* --- answers of our own -------------------------------------------------------------------------- */

const char *http_reason(unsigned status)
{
	static const struct {
		unsigned status;
		const char *reason;
	} c[] = {
		{ 400, "Bad Request" }, { 407, "Proxy Authentication Required" }, { 408, "Request Timeout" },
		{ 413, "Content Too Large" }, { 414, "URI Too Long" }, { 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" }, { 501, "Not Implemented" }, { 502, "Bad Gateway" },
		{ 504, "Gateway Timeout" }, { 505, "HTTP Version Not Supported" },
	};

	for (size_t i = 0; i < sizeof(c) / sizeof(c[0]); i++)
		if (c[i].status == status)
			return c[i].reason;
	return "Error";
}

void http_write_error(struct http_text *t, unsigned status, const char *sentence, bool bodyless, bool keep)
{
	char head[400];

	snprintf(head, sizeof(head),
		 "HTTP/1.1 %u %s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %zu\r\n%sConnection: %s\r\n\r\n",
		 status, http_reason(status), strlen(sentence) + 1,
		 status == 407 ? "Proxy-Authenticate: Basic realm=\"adit\", charset=\"UTF-8\"\r\n" : "",
		 keep ? "keep-alive" : "close");
	http_text_puts(t, head);
	if (!bodyless) {
		http_text_puts(t, sentence);
		http_text_puts(t, "\n");
	}
}

/* --- Basic (RFC 7617) ------------------------------------------------------------------------------ */

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Returns the length, or -1. */
static int base64_decode(char *ret, size_t max, const char *p, size_t len)
{
	unsigned bits = 0, have = 0;
	size_t n = 0;

	while (len > 0 && p[len - 1] == '=')
		len--;
	for (size_t i = 0; i < len; i++) {
		int v = base64_value(p[i]);

		if (v < 0)
			return -1;
		bits = bits << 6 | (unsigned)v;
		have += 6;
		if (have < 8)
			continue;
		have -= 8;
		if (n == max)
			return -1;
		ret[n++] = (char)(bits >> have & 0xff);
	}
	return (int)n;
}

bool http_authorized(const struct adit_http1_head *h, const char *buf, const char *user, const char *password)
{
	const struct adit_http1_field *f;
	char text[2 * 256 + 1] = "", *colon;
	unsigned i = 0;
	const char *p;
	size_t len;
	bool right;
	int n;

	f = adit_http1_find(h, buf, "proxy-authorization", &i);
	if (!f || adit_http1_find(h, buf, "proxy-authorization", &i))
		return false;
	p = buf + f->value.off;
	len = f->value.len;
	if (!begins(p, len, "basic "))
		return false;
	for (p += 6, len -= 6; len > 0 && *p == ' '; p++, len--)
		;
	n = base64_decode(text, sizeof(text) - 1, p, len);
	colon = n > 0 ? memchr(text, ':', (size_t)n) : NULL;
	if (!colon || strlen(text) != (size_t)n)
		return false;
	*colon = '\0';
	right = relay_secret_equal(text, user);
	right = relay_secret_equal(colon + 1, password) && right;
	explicit_bzero(text, sizeof(text));
	return right;
}
