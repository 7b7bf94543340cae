/* SPDX-License-Identifier: ISC */
/* checksum.c - the Internet checksum (RFC 1071) */
#include "base/checksum.h"

#include <string.h>

#include "base/bytes.h"
#include "base/inet.h"

uint64_t adit_sum(const void *data, size_t len, uint64_t sum)
{
	const uint8_t *p = data;
	uint64_t lane[8] = { 0 };
	uint16_t last = 0;

	/* 32-bit words into independent 64-bit lanes: no carries to chain, so
	 * the compiler turns this into vector adds */
	for (; len >= 32; p += 32, len -= 32) {
		for (unsigned i = 0; i < 8; i++) {
			uint32_t word;
			memcpy(&word, p + 4 * i, 4);
			lane[i] += word;
		}
	}
	for (unsigned i = 0; i < 8; i++)
		sum += lane[i];
	for (; len >= 2; p += 2, len -= 2) {
		uint16_t half;
		memcpy(&half, p, 2);
		sum += half;
	}
	if (len) {
		memcpy(&last, p, 1); /* padded with a zero byte behind, in wire order */
		sum += last;
	}
	return sum;
}

uint16_t adit_sum_fold(uint64_t sum)
{
	sum = (sum >> 32) + (sum & 0xffffffff);
	sum = (sum >> 32) + (sum & 0xffffffff);
	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	return (uint16_t)sum;
}

uint64_t adit_sum_pseudo(const uint8_t *ip, uint8_t protocol, uint32_t l4_len)
{
	uint8_t tail[8] = { 0 };

	adit_put_be32(tail, l4_len);
	tail[7] = protocol;
	if (adit_ip_version(ip) == 4)
		return adit_sum(ip + 12, 8, adit_sum(tail, 8, 0));
	return adit_sum(ip + 8, 32, adit_sum(tail, 8, 0));
}

static void put_checksum(uint8_t *field, uint64_t sum)
{
	uint16_t check = (uint16_t)~adit_sum_fold(sum);

	memcpy(field, &check, 2);
}

void adit_ip4_checksum(uint8_t *ip, size_t hdr_len)
{
	memset(ip + 10, 0, 2);
	put_checksum(ip + 10, adit_sum(ip, hdr_len, 0));
}

bool adit_checksum_complete(uint8_t *pkt, size_t len, size_t start, size_t offset)
{
	uint8_t *field;

	if (start > len || offset + 2 > len - start)
		return false;
	field = pkt + start + offset;
	put_checksum(field, adit_sum(pkt + start, len - start, 0));
	if (field[0] == 0 && field[1] == 0 && offset == ADIT_UDP_CHECK)
		memset(field, 0xff, 2); /* zero means "no checksum" in UDP (RFC 768) */
	return true;
}

bool adit_checksum_ok(const uint8_t *ip, size_t len)
{
	struct adit_inet in;
	size_t l4_len;

	if (!adit_inet_parse(&in, ip, len) || in.fragment)
		return true;
	l4_len = in.len - in.l4_off;
	switch (in.protocol) {
	case ADIT_IPPROTO_TCP:
		break;
	case ADIT_IPPROTO_UDP:
		if (l4_len < 8 || (ip[in.l4_off + 6] == 0 && ip[in.l4_off + 7] == 0))
			return true;
		break;
	case ADIT_IPPROTO_ICMPV6:
		break;
	default:
		return true;
	}
	return adit_sum_fold(adit_sum(ip + in.l4_off, l4_len,
				      adit_sum_pseudo(ip, in.protocol, (uint32_t)l4_len))) == 0xffff;
}
