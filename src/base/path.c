/* SPDX-License-Identifier: ISC */
/* path.c - comparing, reading and writing paths */
#include "base/path.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/addr.h"

bool adit_path_same_remote(const struct adit_path *a, const struct adit_path *b)
{
	if (a->kind != b->kind || a->port != b->port || a->scope != b->scope ||
	    memcmp(a->addr, b->addr, sizeof(a->addr)))
		return false;
	/* of a relay's key the second half stands in src */
	return a->kind != ADIT_PATH_RELAY || !memcmp(a->src, b->src, sizeof(a->src));
}

bool adit_path_equal(const struct adit_path *a, const struct adit_path *b)
{
	return adit_path_same_remote(a, b) && a->ifindex == b->ifindex && !memcmp(a->src, b->src, sizeof(a->src));
}

void adit_path_clear_source(struct adit_path *p)
{
	if (p->kind == ADIT_PATH_RELAY)
		return;
	memset(p->src, 0, sizeof(p->src));
	p->ifindex = 0;
}

/* Decimal number without sign or leading zeros that ends the text. */
static bool number(const char *s, uint32_t max, uint32_t *ret)
{
	uint64_t v = 0;

	if (!*s || (*s == '0' && s[1]))
		return false;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return false;
		v = v * 10 + (unsigned)(*s - '0');
		if (v > max)
			return false;
	}
	*ret = (uint32_t)v;
	return true;
}

/* Copies [s, end) as a string; false when it does not fit. */
static bool cut(char *buf, size_t size, const char *s, const char *end)
{
	size_t len = (size_t)(end - s);

	if (len >= size)
		return false;
	memcpy(buf, s, len);
	buf[len] = '\0';
	return true;
}

static bool parse_zone(const char *text, uint32_t (*zone_index)(const char *name), uint32_t *ret)
{
	if (!number(text, UINT32_MAX, ret))
		*ret = *text && zone_index ? zone_index(text) : 0;
	return *ret != 0;
}

int adit_path_parse(struct adit_path *ret, const char *text, uint32_t (*zone_index)(const char *name))
{
	char host[ADIT_PATH_STRLEN];
	bool bracket = text[0] == '[';
	const char *end = bracket ? strchr(text, ']') : strchr(text, ':');
	struct adit_path p = { 0 };
	struct adit_addr a;
	char *zone = NULL;
	uint32_t port;

	if (!end || !cut(host, sizeof(host), text + bracket, end))
		return -EINVAL;
	end += bracket;
	if (*end != ':' || !number(end + 1, UINT16_MAX, &port))
		return -EINVAL;
	if (bracket && (zone = strchr(host, '%')))
		*zone++ = '\0';
	if (adit_addr_parse(&a, host) || a.family != (bracket ? 6 : 4))
		return -EINVAL;
	if (zone && !parse_zone(zone, zone_index, &p.scope))
		return -EINVAL;
	p.kind = bracket ? ADIT_PATH_UDP6 : ADIT_PATH_UDP4;
	p.port = (uint16_t)port;
	memcpy(p.addr, a.bytes, sizeof(p.addr));
	*ret = p;
	return 0;
}

static const char *format_host(const struct adit_path *p, char buf[ADIT_ADDR_STRLEN])
{
	struct adit_addr a = { .family = p->kind == ADIT_PATH_UDP4 ? 4 : 6 };

	memcpy(a.bytes, p->addr, sizeof(a.bytes));
	return adit_addr_format(&a, buf);
}

char *adit_path_format(const struct adit_path *p, char buf[ADIT_PATH_STRLEN])
{
	char host[ADIT_ADDR_STRLEN];

	switch ((enum adit_path_kind)p->kind) {
	case ADIT_PATH_UDP4:
		snprintf(buf, ADIT_PATH_STRLEN, "%s:%u", format_host(p, host), p->port);
		return buf;
	case ADIT_PATH_UDP6:
		if (p->scope)
			snprintf(buf, ADIT_PATH_STRLEN, "[%s%%%u]:%u", format_host(p, host), p->scope, p->port);
		else
			snprintf(buf, ADIT_PATH_STRLEN, "[%s]:%u", format_host(p, host), p->port);
		return buf;
	case ADIT_PATH_RELAY:
		snprintf(buf, ADIT_PATH_STRLEN, "relay %u", p->scope);
		return buf;
	case ADIT_PATH_NONE:
		break;
	}
	snprintf(buf, ADIT_PATH_STRLEN, "(none)");
	return buf;
}
