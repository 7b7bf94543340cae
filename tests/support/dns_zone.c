/* SPDX-License-Identifier: ISC */
/* dns_zone.c - answers of a small name server for tests (RFC 1035) */
#include "dns_zone.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"

enum { TYPE_A = 1, TYPE_CNAME = 5, TYPE_AAAA = 28, SERVFAIL = 2, NXDOMAIN = 3, UDP_MAX = 512 };

static const uint8_t v4[4] = { 10, 9, 0, 2 };
static const uint8_t v6[16] = { 0xfd, 0x09, [15] = 2 };

/* Returns the offset behind the name, 0 when it is broken. */
static size_t read_name(const uint8_t *p, size_t len, size_t off, char name[256])
{
	size_t n = 0;

	while (off < len && p[off]) {
		uint8_t label = p[off++];

		if (label > 63 || off + label >= len || n + label + 2 > 255)
			return 0;
		if (n)
			name[n++] = '.';
		memcpy(name + n, p + off, label);
		n += label;
		off += label;
	}
	name[n] = '\0';
	return off < len ? off + 1 : 0;
}

static size_t record(uint8_t *p, uint16_t type, uint32_t ttl, const void *data, size_t len)
{
	adit_put_be16(p, 0xc00c); /* the question's name */
	adit_put_be16(p + 2, type);
	adit_put_be16(p + 4, 1);
	adit_put_be32(p + 6, ttl);
	adit_put_be16(p + 10, (uint16_t)len);
	memcpy(p + 12, data, len);
	return 12 + len;
}

static size_t address(uint8_t *p, uint16_t type, uint32_t ttl, unsigned k)
{
	uint8_t data[16];

	memcpy(data, type == TYPE_A ? v4 : v6, type == TYPE_A ? 4 : 16);
	data[type == TYPE_A ? 3 : 15] = (uint8_t)(data[type == TYPE_A ? 3 : 15] + k);
	return record(p, type, ttl, data, type == TYPE_A ? 4 : 16);
}

/* How many addresses of that type the name has; -1: there is no such name. */
static int count(const char *name, uint16_t type)
{
	bool four = type == TYPE_A, six = type == TYPE_AAAA;

	if (!strcasecmp(name, "a.test") || !strcasecmp(name, "alias.test"))
		return four || six;
	if (!strcasecmp(name, "four.test") || !strcasecmp(name, "short.test") || !strcasecmp(name, "in.search.test"))
		return four;
	if (!strcasecmp(name, "six.test"))
		return six;
	if (!strcasecmp(name, "big.test"))
		return four ? 40 : 0;
	return -1;
}

size_t dns_zone_answer(const uint8_t *query, size_t len, bool tcp, uint8_t ret[DNS_MESSAGE_MAX])
{
	static const uint8_t target[] = "\1a\4test";
	char name[256];
	size_t end = len > 12 ? read_name(query, len, 12, name) : 0, n;
	uint16_t type;
	int cnt;

	if (!end || end + 4 > len || !strcasecmp(name, "silent.test"))
		return 0;
	type = adit_get_be16(query + end);
	n = end + 4;
	memcpy(ret, query, n);
	memset(ret + 6, 0, 6);
	cnt = count(name, type);
	adit_put_be16(ret + 2, (uint16_t)(0x8180 | (!strcasecmp(name, "fail.test") ? SERVFAIL : cnt < 0 ? NXDOMAIN : 0)));
	if (!strcasecmp(name, "alias.test") && cnt > 0) {
		size_t at = n;

		n += record(ret + n, TYPE_CNAME, 7, target, sizeof(target));
		n += address(ret + n, type, 300, 0);
		adit_put_be16(ret + at + 12 + sizeof(target), (uint16_t)(0xc000 | (at + 12))); /* the alias's target */
		adit_put_be16(ret + 6, 2);
		return n;
	}
	for (int k = 0; k < cnt; k++)
		n += address(ret + n, type, !strcasecmp(name, "short.test") ? 1 : 5, (unsigned)k);
	adit_put_be16(ret + 6, (uint16_t)(cnt > 0 ? cnt : 0));
	if (n > UDP_MAX && !tcp) {
		adit_put_be16(ret + 2, 0x8380); /* truncated */
		adit_put_be16(ret + 6, 0);
		n = end + 4;
	}
	return n;
}
