/* SPDX-License-Identifier: ISC */
/* icmp.c - ICMP unreachable messages into the TUN */
#include "tunnel/icmp.h"

#include <string.h>

#include "base/checksum.h"
#include "base/inet.h"

enum {
	RATE_PER_S = 50,
	BURST = 50,
	ICMP_HDR = 8,
	ICMP4_UNREACHABLE = 3, ICMP4_HOST = 1,
	ICMP6_UNREACHABLE = 1, ICMP6_ADDRESS = 3,
};

bool adit_icmp_allowed(struct adit_icmp_limit *l, adit_time now)
{
	const adit_time cost = ADIT_SEC / RATE_PER_S;
	adit_time full_at = l->full_at > now ? l->full_at : now;

	if (full_at - now + cost > BURST * cost)
		return false;
	l->full_at = full_at + cost;
	return true;
}

static bool is_error4(const uint8_t *icmp)
{
	/* anything but echo, timestamp and their replies */
	return icmp[0] != 0 && icmp[0] != 8 && icmp[0] != 13 && icmp[0] != 14;
}

static bool answerable(const struct adit_inet *in, const uint8_t *pkt)
{
	if (in->version == 4) {
		bool later_fragment = (adit_get_be16(pkt + 6) & 0x1fff) != 0;

		if (later_fragment || pkt[16] >= 224 || pkt[12] >= 224 || pkt[12] == 0)
			return false;
		return in->protocol != ADIT_IPPROTO_ICMP || (in->len > in->l4_off && !is_error4(pkt + in->l4_off));
	}
	if (in->fragment || pkt[24] == 0xff || pkt[8] == 0xff || memcmp(pkt + 8, (uint8_t[16]){ 0 }, 16) == 0)
		return false;
	return in->protocol != ADIT_IPPROTO_ICMPV6 || (in->len > in->l4_off && pkt[in->l4_off] >= 128);
}

static size_t unreachable4(uint8_t *ret, const uint8_t *pkt, const struct adit_inet *in)
{
	size_t quote = in->l4_off + 8u < in->len ? in->l4_off + 8u : in->len;
	size_t len = ADIT_IP4_HDR + ICMP_HDR + quote;
	uint8_t *icmp = ret + ADIT_IP4_HDR;
	uint16_t check;

	memset(ret, 0, ADIT_IP4_HDR + ICMP_HDR);
	ret[0] = 0x45;
	ret[1] = 0xc0; /* internetwork control, as routers do */
	adit_put_be16(ret + 2, (uint16_t)len);
	ret[8] = 64;
	ret[9] = ADIT_IPPROTO_ICMP;
	memcpy(ret + 12, pkt + 16, 4);
	memcpy(ret + 16, pkt + 12, 4);
	adit_ip4_checksum(ret, ADIT_IP4_HDR);
	icmp[0] = ICMP4_UNREACHABLE;
	icmp[1] = ICMP4_HOST;
	memcpy(icmp + ICMP_HDR, pkt, quote);
	check = (uint16_t)~adit_sum_fold(adit_sum(icmp, ICMP_HDR + quote, 0));
	memcpy(icmp + 2, &check, 2);
	return len;
}

static size_t unreachable6(uint8_t *ret, const uint8_t *pkt, const struct adit_inet *in)
{
	size_t room = ADIT_ICMP_MAX - ADIT_IP6_HDR - ICMP_HDR;
	size_t quote = in->len < room ? in->len : room, l4_len = ICMP_HDR + quote;
	uint8_t *icmp = ret + ADIT_IP6_HDR;
	uint16_t check;

	memset(ret, 0, ADIT_IP6_HDR + ICMP_HDR);
	ret[0] = 0x60;
	adit_put_be16(ret + 4, (uint16_t)l4_len);
	ret[6] = ADIT_IPPROTO_ICMPV6;
	ret[7] = 64;
	memcpy(ret + 8, pkt + 24, 16);
	memcpy(ret + 24, pkt + 8, 16);
	icmp[0] = ICMP6_UNREACHABLE;
	icmp[1] = ICMP6_ADDRESS;
	memcpy(icmp + ICMP_HDR, pkt, quote);
	check = (uint16_t)~adit_sum_fold(
		adit_sum(icmp, l4_len, adit_sum_pseudo(ret, ADIT_IPPROTO_ICMPV6, (uint32_t)l4_len)));
	memcpy(icmp + 2, &check, 2);
	return ADIT_IP6_HDR + l4_len;
}

size_t adit_icmp_unreachable(uint8_t ret[ADIT_ICMP_MAX], const uint8_t *pkt, size_t len)
{
	struct adit_inet in;

	if (!adit_inet_parse(&in, pkt, len) || !answerable(&in, pkt))
		return 0;
	return in.version == 4 ? unreachable4(ret, pkt, &in) : unreachable6(ret, pkt, &in);
}
