/* SPDX-License-Identifier: ISC */
/* inner.c - what WireGuard looks at in the packets it carries */
#include "wg/inner.h"

#include <string.h>

#include "base/bytes.h"

#define IP4_LEN 20
#define IP6_LEN 40
#define PROTO_UDP 17

bool wg_inner_destination(const uint8_t *p, size_t len, struct adit_addr *dst, uint8_t *ecn)
{
	if (len >= IP4_LEN && p[0] >> 4 == 4) {
		memset(dst, 0, sizeof(*dst));
		dst->family = 4;
		memcpy(dst->bytes, p + 16, 4);
		*ecn = p[1] & WG_ECN_MASK;
		return true;
	}
	if (len >= IP6_LEN && p[0] >> 4 == 6) {
		dst->family = 6;
		memcpy(dst->bytes, p + 24, 16);
		*ecn = p[1] >> 4 & WG_ECN_MASK;
		return true;
	}
	return false;
}

size_t wg_inner_length(const uint8_t *p, size_t len)
{
	size_t total;

	if (len >= IP4_LEN && p[0] >> 4 == 4) {
		total = adit_get_be16(p + 2);
		return total >= IP4_LEN && total <= len ? total : 0;
	}
	if (len >= IP6_LEN && p[0] >> 4 == 6) {
		total = adit_get_be16(p + 4) + (size_t)IP6_LEN;
		return total <= len ? total : 0;
	}
	return 0;
}

void wg_inner_source(const uint8_t *p, struct adit_addr *src)
{
	memset(src, 0, sizeof(*src));
	src->family = p[0] >> 4;
	memcpy(src->bytes, p + (src->family == 4 ? 12 : 8), src->family == 4 ? 4 : 16);
}

bool wg_inner_same_source(const uint8_t *p, const uint8_t *q)
{
	if (p[0] >> 4 != q[0] >> 4)
		return false;
	return p[0] >> 4 == 4 ? memcmp(p + 12, q + 12, 4) == 0 : memcmp(p + 8, q + 8, 16) == 0;
}

/* Sets the ECN bits of an IPv4 header, whose checksum they are part of (RFC 1624). */
static void set_ecn4(uint8_t *p, uint8_t ecn)
{
	uint16_t old = adit_get_be16(p), sum = adit_get_be16(p + 10);
	uint32_t s;

	p[1] = (uint8_t)((p[1] & ~WG_ECN_MASK) | ecn);
	s = (uint16_t)~sum + (uint32_t)(uint16_t)~old + adit_get_be16(p);
	s = (s & 0xffff) + (s >> 16);
	s = (s & 0xffff) + (s >> 16);
	adit_put_be16(p + 10, (uint16_t)~s);
}

void wg_inner_decapsulate_ecn(uint8_t *p, uint8_t outer_tos)
{
	bool v4 = p[0] >> 4 == 4;
	uint8_t inner = (v4 ? p[1] : p[1] >> 4) & WG_ECN_MASK;

	if ((outer_tos & WG_ECN_MASK) != WG_ECN_CE || inner == 0 || inner == WG_ECN_CE)
		return;
	if (v4)
		set_ecn4(p, WG_ECN_CE);
	else
		p[1] = (uint8_t)((p[1] & ~(WG_ECN_MASK << 4)) | WG_ECN_CE << 4);
}

bool wg_inner_is_udp(const uint8_t *p, size_t len, uint16_t port, const uint8_t *addr, unsigned family,
		     uint16_t to_port)
{
	bool v4 = p[0] >> 4 == 4;
	size_t head = v4 ? (p[0] & 15u) * 4u : IP6_LEN;

	if ((v4 ? 4u : 6u) != family || len < head + 8 || p[v4 ? 9 : 6] != PROTO_UDP)
		return false;
	return adit_get_be16(p + head) == port && adit_get_be16(p + head + 2) == to_port &&
	       memcmp(p + (v4 ? 16 : 24), addr, v4 ? 4 : 16) == 0;
}
