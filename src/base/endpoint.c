/* SPDX-License-Identifier: ISC */
/* endpoint.c - reading, writing and comparing endpoints */
#include "base/endpoint.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* A port that ends the text: decimal, no sign, no leading zero. */
static bool parse_port(const char *s, uint16_t *ret)
{
	uint32_t v = 0;

	if (!*s || (*s == '0' && s[1]))
		return false;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return false;
		v = v * 10 + (uint32_t)(*s - '0');
		if (v > UINT16_MAX)
			return false;
	}
	*ret = (uint16_t)v;
	return true;
}

int adit_endpoint_parse(struct adit_endpoint *ret, const char *text)
{
	bool bracket = text[0] == '[';
	const char *host = text + bracket, *end = strchr(host, bracket ? ']' : ':');
	char buf[ADIT_ADDR_STRLEN];
	struct adit_endpoint e;

	if (!end || (size_t)(end - host) >= sizeof(buf))
		return -EINVAL;
	memcpy(buf, host, (size_t)(end - host));
	buf[end - host] = '\0';
	end += bracket;
	if (*end != ':' || adit_addr_parse(&e.addr, buf) || e.addr.family != (bracket ? 6 : 4) ||
	    !parse_port(end + 1, &e.port))
		return -EINVAL;
	*ret = e;
	return 0;
}

char *adit_endpoint_format(const struct adit_endpoint *e, char buf[ADIT_ENDPOINT_STRLEN])
{
	char host[ADIT_ADDR_STRLEN] = "*";

	if (e->addr.family)
		adit_addr_format(&e->addr, host);
	snprintf(buf, ADIT_ENDPOINT_STRLEN, e->addr.family == 6 ? "[%s]:%u" : "%s:%u", host, e->port);
	return buf;
}

bool adit_endpoint_equal(const struct adit_endpoint *a, const struct adit_endpoint *b)
{
	return a->port == b->port && adit_addr_equal(&a->addr, &b->addr);
}
