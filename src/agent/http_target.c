/* SPDX-License-Identifier: ISC */
/* http_target.c - what a request of HTTP is for, and whether it may be */
#include "agent/http_target.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "agent/jsonout.h"
#include "base/bytes.h"

#define VALUE_MAX 128

/* --- may it? ----------------------------------------------------------------------- */

/* "127.0.0.1:9586", "[::1]", "localhost:80": what stands before the port. */
static bool split_host(const char *p, size_t len, char ret[64])
{
	size_t host = len;

	if (len && p[0] == '[') {
		const char *end = memchr(p, ']', len);

		host = end ? (size_t)(end - p) - 1 : 0;
		if (!end || (host + 2 < len && p[host + 2] != ':'))
			return false;
		p++;
	} else {
		const char *colon = memchr(p, ':', len);

		host = colon ? (size_t)(colon - p) : len;
		for (size_t i = host + 1; i < len; i++)
			if (p[i] < '0' || p[i] > '9')
				return false;
	}
	if (!host || host >= 64)
		return false;
	memcpy(ret, p, host);
	ret[host] = '\0';
	return true;
}

static bool is_loopback(const struct adit_addr *a)
{
	static const uint8_t one[16] = { [15] = 1 };

	return a->family == 4 ? a->bytes[0] == 127 : a->family == 6 && !memcmp(a->bytes, one, 16);
}

static bool is_ours(const char *p, size_t len, const struct adit_addr *bound)
{
	char host[64];
	struct adit_prefix prefix;

	if (!split_host(p, len, host))
		return false;
	if (!strcasecmp(host, "localhost"))
		return true;
	if (strchr(host, '/') || adit_prefix_parse(&prefix, host))
		return false;
	return is_loopback(&prefix.addr) || adit_addr_equal(&prefix.addr, bound);
}

/* An Origin or Referer of ours: http:// and the very same Host. */
static bool is_same(const char *p, size_t len, const char *host, size_t host_len)
{
	return len >= 7 + host_len && !strncasecmp(p, "http://", 7) && !strncasecmp(p + 7, host, host_len) &&
	       (len == 7 + host_len || p[7 + host_len] == '/');
}

const char *agent_http_refusal(const struct adit_http1_head *h, const char *request, const struct adit_addr *bound)
{
	static const char *const from[] = { "origin", "referer" };
	const struct adit_http1_field *host, *f;
	unsigned at = 0;

	host = adit_http1_find(h, request, "host", &at);
	if (!host || !is_ours(request + host->value.off, host->value.len, bound))
		return "the Host of the request is not an address of this agent\n";
	for (unsigned i = 0; i < 2; i++) {
		at = 0;
		while ((f = adit_http1_find(h, request, from[i], &at)))
			if (!is_same(request + f->value.off, f->value.len, request + host->value.off, host->value.len))
				return "pages from elsewhere may not ask this agent\n";
	}
	at = 0;
	f = adit_http1_find(h, request, "sec-fetch-site", &at);
	if (f && !adit_http1_is(request, f->value, "same-origin") && !adit_http1_is(request, f->value, "none"))
		return "pages from elsewhere may not ask this agent\n";
	return NULL;
}

/* --- what for? ---------------------------------------------------------------------- */

static bool equals(const char *p, size_t len, const char *word)
{
	return len == strlen(word) && !memcmp(p, word, len);
}

void agent_http_target_read(struct agent_http_target *ret, const struct adit_http1_head *h, const char *request)
{
	static const struct { const char *path; enum agent_http_route route; } routes[] = {
		{ "/", AGENT_HTTP_PAGE }, { "/metrics", AGENT_HTTP_METRICS }, { "/healthz", AGENT_HTTP_HEALTH },
		{ "/readyz", AGENT_HTTP_READY },
	};
	static const struct { const char *path, *action; } actions[] = {
		{ "status", "status" }, { "networks", "networks" }, { "peers", "peers" }, { "history", "history" },
		{ "events", "events.subscribe" }, { "hello", "hello" },
	};
	const char *p = request + h->target.off, *q = memchr(p, '?', h->target.len);
	size_t len = q ? (size_t)(q - p) : h->target.len, i;

	*ret = (struct agent_http_target){ .route = AGENT_HTTP_NOTHING };
	if (q) {
		ret->query = q + 1;
		ret->query_len = h->target.len - len - 1;
	}
	for (i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
		if (equals(p, len, routes[i].path))
			ret->route = routes[i].route;
	if (len < 8 || memcmp(p, "/api/v1/", 8) != 0)
		return;
	ret->route = AGENT_HTTP_API;
	for (i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (equals(p + 8, len - 8, actions[i].path))
			ret->action = actions[i].action;
}

/* %41 -> A; false: not well-formed, too long, or a zero byte. */
static bool decode(const char *p, size_t len, char ret[VALUE_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		int c = (unsigned char)p[i];

		if (c == '%') {
			if (i + 2 >= len || adit_hex_digit(p[i + 1]) < 0 || adit_hex_digit(p[i + 2]) < 0)
				return false;
			c = adit_hex_digit(p[i + 1]) << 4 | adit_hex_digit(p[i + 2]);
			i += 2;
		}
		if (!c || n + 1 >= VALUE_MAX)
			return false;
		ret[n++] = (char)c;
	}
	ret[n] = '\0';
	return true;
}

static bool is_number(const char *s)
{
	return *s && strlen(s) <= 18 && strspn(s, "0123456789") == strlen(s) && (s[0] != '0' || !s[1]);
}

/* NAME=VALUE; numbers and truths are written as such, but for a network's name. */
static int write_pair(struct agent_json *j, const char *p, size_t len)
{
	const char *eq = memchr(p, '=', len);
	char name[VALUE_MAX], value[VALUE_MAX];

	if (!eq || !decode(p, (size_t)(eq - p), name) || !decode(eq + 1, len - (size_t)(eq - p) - 1, value))
		return -EINVAL;
	if (strcmp(name, "network") != 0 && (is_number(value) || !strcmp(value, "true") || !strcmp(value, "false")))
		agent_json_raw(j, name, value);
	else
		agent_json_text(j, name, value);
	return 0;
}

int agent_http_line(FILE *out, const struct agent_http_target *t)
{
	struct agent_json j = { .out = out };
	const char *p = t->query, *end = t->query ? t->query + t->query_len : NULL;

	agent_json_open(&j, NULL, '{');
	agent_json_text(&j, "action", t->action);
	if (!strcmp(t->action, "events.subscribe"))
		agent_json_bool(&j, "follow", false);
	while (p && p < end) {
		const char *amp = memchr(p, '&', (size_t)(end - p));
		size_t len = (size_t)((amp ? amp : end) - p);

		if (len && write_pair(&j, p, len))
			return -EINVAL;
		p += len + 1;
	}
	agent_json_close(&j, '}');
	return 0;
}
