/* SPDX-License-Identifier: ISC */
/* addr.c - IPv4 and IPv6 addresses: text in (strict), text out (RFC 5952) */
#include "base/addr.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"

/* --- text in -------------------------------------------------------------- */

/* Decimal number in [*p, end): no sign, no leading zero, at most max. Advances *p. */
static bool number(const char **p, const char *end, unsigned max, unsigned *ret)
{
	const char *s = *p;
	unsigned v = 0;

	if (s == end || *s < '0' || *s > '9')
		return false;
	if (*s == '0' && s + 1 < end && s[1] >= '0' && s[1] <= '9')
		return false;
	for (; s < end && *s >= '0' && *s <= '9'; s++) {
		v = v * 10 + (unsigned)(*s - '0');
		if (v > max)
			return false;
	}
	*p = s;
	*ret = v;
	return true;
}

static bool parse_v4(uint8_t out[4], const char *s, const char *end)
{
	for (int i = 0; i < 4; i++) {
		unsigned v;

		if (i && (s == end || *s++ != '.'))
			return false;
		if (!number(&s, end, 255, &v))
			return false;
		out[i] = (uint8_t)v;
	}
	return s == end;
}

/* One to four hex digits; returns how many were read. */
static int hex_group(const char *s, const char *end, unsigned *ret)
{
	int n = 0;

	*ret = 0;
	while (n < 4 && s + n < end && adit_hex_digit(s[n]) >= 0)
		*ret = *ret << 4 | (unsigned)adit_hex_digit(s[n++]);
	return n;
}

/*
 * Groups are written from the front; `gap` remembers where "::" stood. At the
 * end what follows the gap is moved to the back and the gap is zeroed. "::"
 * stands for one group at least (RFC 4291 2.2).
 */
static bool parse_v6(uint8_t out[16], const char *s, const char *end)
{
	int len = 0, gap = -1;

	memset(out, 0, 16);
	if (end - s >= 2 && s[0] == ':' && s[1] == ':') {
		gap = 0;
		s += 2;
	}
	while (s < end) {
		unsigned v;
		int n = hex_group(s, end, &v);

		if (n > 0 && s + n < end && s[n] == '.') { /* embedded IPv4: must be last */
			if (len > 12 || !parse_v4(out + len, s, end))
				return false;
			len += 4;
			s = end;
			break;
		}
		if (!n || len > 14)
			return false;
		out[len++] = (uint8_t)(v >> 8);
		out[len++] = (uint8_t)v;
		s += n;
		if (s == end)
			break;
		if (*s++ != ':' || s == end)
			return false;
		if (*s == ':') {
			if (gap >= 0)
				return false;
			gap = len;
			s++;
		}
	}
	if (gap < 0)
		return len == 16;
	if (len > 14)
		return false;
	memmove(out + 16 - (len - gap), out + gap, (size_t)(len - gap));
	memset(out + gap, 0, (size_t)(16 - len));
	return true;
}

static int parse(struct adit_addr *ret, const char *s, const char *end)
{
	struct adit_addr a = { 0 };
	size_t len = (size_t)(end - s);

	if (memchr(s, ':', len)) {
		a.family = 6;
		if (!parse_v6(a.bytes, s, end))
			return -EINVAL;
	} else {
		a.family = 4;
		if (!parse_v4(a.bytes, s, end))
			return -EINVAL;
	}
	*ret = a;
	return 0;
}

int adit_addr_parse(struct adit_addr *ret, const char *text)
{
	return parse(ret, text, text + strlen(text));
}

int adit_prefix_parse(struct adit_prefix *ret, const char *text)
{
	const char *end = text + strlen(text), *slash = strchr(text, '/');
	struct adit_prefix p = { 0 };
	unsigned max, len;

	if (parse(&p.addr, text, slash ? slash : end))
		return -EINVAL;
	max = p.addr.family == 4 ? 32 : 128;
	len = max;
	if (slash) {
		slash++;
		if (!number(&slash, end, max, &len) || slash != end)
			return -EINVAL;
	}
	p.len = (uint8_t)len;
	*ret = p;
	return 0;
}

/* --- text out ------------------------------------------------------------- */

static void format_v4(const uint8_t b[4], char *buf, size_t size)
{
	snprintf(buf, size, "%u.%u.%u.%u", b[0], b[1], b[2], b[3]);
}

/* First of the longest runs of zero groups, of two groups at least (RFC 5952 4.2). */
static void longest_zeros(const uint8_t b[16], int *start, int *len)
{
	int run = 0;

	*start = -1;
	*len = 1;
	for (int g = 0; g < 8; g++) {
		run = b[2 * g] || b[2 * g + 1] ? 0 : run + 1;
		if (run > *len) {
			*len = run;
			*start = g + 1 - run;
		}
	}
}

static void format_v6(const uint8_t b[16], char buf[ADIT_ADDR_STRLEN])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	int start, len, n = 0;

	if (!memcmp(b, mapped, sizeof(mapped))) { /* RFC 5952 5 */
		memcpy(buf, "::ffff:", 7);
		format_v4(b + 12, buf + 7, ADIT_ADDR_STRLEN - 7);
		return;
	}
	longest_zeros(b, &start, &len);
	for (int g = 0; g < 8; g++) {
		const char *colon = g && g != start + len ? ":" : "";

		if (g == start) {
			n += snprintf(buf + n, ADIT_ADDR_STRLEN - (size_t)n, "::");
			g += len - 1;
			continue;
		}
		n += snprintf(buf + n, ADIT_ADDR_STRLEN - (size_t)n, "%s%x", colon,
			      (unsigned)b[2 * g] << 8 | b[2 * g + 1]);
	}
}

char *adit_addr_format(const struct adit_addr *a, char buf[ADIT_ADDR_STRLEN])
{
	if (a->family == 4)
		format_v4(a->bytes, buf, ADIT_ADDR_STRLEN);
	else if (a->family == 6)
		format_v6(a->bytes, buf);
	else
		snprintf(buf, ADIT_ADDR_STRLEN, "(none)");
	return buf;
}

char *adit_prefix_format(const struct adit_prefix *p, char buf[ADIT_PREFIX_STRLEN])
{
	size_t n = strlen(adit_addr_format(&p->addr, buf));

	snprintf(buf + n, ADIT_PREFIX_STRLEN - n, "/%u", p->len);
	return buf;
}

/* --- values --------------------------------------------------------------- */

static unsigned addr_len(const struct adit_addr *a)
{
	return a->family == 4 ? 4 : a->family == 6 ? 16 : 0;
}

bool adit_addr_equal(const struct adit_addr *a, const struct adit_addr *b)
{
	return a->family == b->family && !memcmp(a->bytes, b->bytes, addr_len(a));
}

void adit_prefix_mask(struct adit_prefix *p)
{
	unsigned whole = p->len / 8, bits = p->len % 8;

	if (whole >= sizeof(p->addr.bytes))
		return;
	p->addr.bytes[whole] &= (uint8_t)(0xff00 >> bits);
	memset(p->addr.bytes + whole + 1, 0, sizeof(p->addr.bytes) - whole - 1);
}

bool adit_prefix_equal(const struct adit_prefix *a, const struct adit_prefix *b)
{
	return a->len == b->len && adit_addr_equal(&a->addr, &b->addr);
}

bool adit_prefix_same_network(const struct adit_prefix *a, const struct adit_prefix *b)
{
	struct adit_prefix x = *a, y = *b;

	adit_prefix_mask(&x);
	adit_prefix_mask(&y);
	return adit_prefix_equal(&x, &y);
}

bool adit_prefix_listed(const struct adit_prefix *list, size_t cnt, const struct adit_prefix *p)
{
	for (size_t i = 0; i < cnt; i++)
		if (adit_prefix_same_network(&list[i], p))
			return true;
	return false;
}

int adit_prefix_compare(const struct adit_prefix *a, const struct adit_prefix *b)
{
	int c = a->addr.family - b->addr.family;

	if (!c)
		c = memcmp(a->addr.bytes, b->addr.bytes, sizeof(a->addr.bytes));
	return c ? c : a->len - b->len;
}

bool adit_prefix_contains(const struct adit_prefix *p, const struct adit_addr *a)
{
	unsigned whole = p->len / 8, bits = p->len % 8;

	if (p->addr.family != a->family || !a->family)
		return false;
	if (memcmp(p->addr.bytes, a->bytes, whole))
		return false;
	return !bits || !((p->addr.bytes[whole] ^ a->bytes[whole]) & (uint8_t)(0xff00 >> bits));
}
