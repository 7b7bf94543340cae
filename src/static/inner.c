/* SPDX-License-Identifier: ISC */
/* inner.c - what the static tunnel looks at in the packets it carries */
#include "static/inner.h"

#include <string.h>

#include "base/bytes.h"

enum { IP4_LEN = 20, IP6_LEN = 40, UDP_LEN = 8, PROTO_UDP = 17 };

size_t static_inner_length(const uint8_t *p, size_t len)
{
	size_t head, total;

	if (len >= IP4_LEN && p[0] >> 4 == 4) {
		head = (p[0] & 15u) * 4u;
		total = adit_get_be16(p + 2);
		return head >= IP4_LEN && total >= head && total <= len ? total : 0;
	}
	if (len >= IP6_LEN && p[0] >> 4 == 6) {
		total = adit_get_be16(p + 4) + (size_t)IP6_LEN;
		return total <= len ? total : 0;
	}
	return 0;
}

bool static_inner_destination(const uint8_t *p, size_t len, struct adit_addr *dst, uint8_t *ecn)
{
	bool v4 = len >= IP4_LEN && p[0] >> 4 == 4;

	if (!v4 && (len < IP6_LEN || p[0] >> 4 != 6))
		return false;
	memset(dst, 0, sizeof(*dst));
	dst->family = v4 ? 4 : 6;
	memcpy(dst->bytes, p + (v4 ? 16 : 24), v4 ? 4 : 16);
	*ecn = (v4 ? p[1] : p[1] >> 4) & STATIC_ECN_MASK;
	return true;
}

void static_inner_source(const uint8_t *p, struct adit_addr *src)
{
	memset(src, 0, sizeof(*src));
	src->family = p[0] >> 4;
	memcpy(src->bytes, p + (src->family == 4 ? 12 : 8), src->family == 4 ? 4 : 16);
}

/* The checksum of an IPv4 header covers the bits (RFC 1624). */
static void mark4(uint8_t *p)
{
	uint16_t old = adit_get_be16(p);
	uint32_t sum = (uint16_t)~adit_get_be16(p + 10) + (uint32_t)(uint16_t)~old;

	p[1] |= STATIC_ECN_CE;
	sum += adit_get_be16(p);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	adit_put_be16(p + 10, (uint16_t)~sum);
}

void static_inner_take_ecn(uint8_t *p, uint8_t outer_tos)
{
	bool v4 = p[0] >> 4 == 4;
	uint8_t inner = (v4 ? p[1] : p[1] >> 4) & STATIC_ECN_MASK;

	if ((outer_tos & STATIC_ECN_MASK) != STATIC_ECN_CE || inner == 0 || inner == STATIC_ECN_CE)
		return;
	if (v4)
		mark4(p);
	else
		p[1] |= STATIC_ECN_CE << 4;
}

bool static_inner_is_to(const uint8_t *p, size_t len, uint16_t port, const struct adit_path *to)
{
	bool v4 = p[0] >> 4 == 4;
	size_t head = v4 ? (p[0] & 15u) * 4u : IP6_LEN;

	if (to->kind != (v4 ? ADIT_PATH_UDP4 : ADIT_PATH_UDP6) || len < head + UDP_LEN || p[v4 ? 9 : 6] != PROTO_UDP)
		return false;
	return adit_get_be16(p + head) == port && adit_get_be16(p + head + 2) == to->port &&
	       memcmp(p + (v4 ? 16 : 24), to->addr, v4 ? 4 : 16) == 0;
}
