/* SPDX-License-Identifier: ISC */
/* naive.h - checksums and segmentation as simple as they can be, to compare with */
#ifndef ADIT_TESTS_FUZZ_NAIVE_H
#define ADIT_TESTS_FUZZ_NAIVE_H

#include <stdbool.h>
#include <string.h>

#include "base/bytes.h"
#include "base/super.h"

/* RFC 1071, slowly; over big-endian words. */
static inline uint32_t naive_sum(uint32_t sum, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static inline uint32_t naive_pseudo(const uint8_t *ip, bool v6, uint8_t protocol, size_t l4_len)
{
	uint8_t tail[4] = { 0, protocol, (uint8_t)(l4_len >> 8), (uint8_t)l4_len };
	uint32_t sum = v6 ? naive_sum(0, ip + 8, 32) : naive_sum(0, ip + 12, 8);

	return naive_sum(sum, tail, sizeof(tail));
}

/* Segment k as a copy. Returns its length. */
static inline size_t naive_segment(uint8_t *out, const uint8_t *packet, size_t len, enum adit_super_kind kind,
				   size_t l4_off, size_t hdr_len, size_t gso, size_t k)
{
	bool v6 = kind == ADIT_SUPER_TCP6 || kind == ADIT_SUPER_UDP6;
	bool tcp = kind == ADIT_SUPER_TCP4 || kind == ADIT_SUPER_TCP6;
	size_t from = hdr_len + k * gso, payload = len - from < gso ? len - from : gso, total = hdr_len + payload;
	bool last = from + payload == len;
	uint8_t *l4 = out + l4_off;
	size_t check = tcp ? 16 : 6;
	uint16_t sum;

	memcpy(out, packet, hdr_len);
	memcpy(out + hdr_len, packet + from, payload);
	if (v6) {
		adit_put_be16(out + 4, (uint16_t)(total - 40));
	} else {
		adit_put_be16(out + 2, (uint16_t)total);
		adit_put_be16(out + 4, (uint16_t)(adit_get_be16(packet + 4) + k));
		adit_put_be16(out + 10, 0);
		adit_put_be16(out + 10, (uint16_t)~naive_sum(0, out, l4_off));
	}
	if (tcp) {
		adit_put_be32(l4 + 4, (uint32_t)(adit_get_be32(packet + l4_off + 4) + k * gso));
		if (!last)
			l4[13] &= (uint8_t)~0x09; /* FIN, PSH */
		if (k > 0)
			l4[13] &= (uint8_t)~0x80; /* CWR */
	} else {
		adit_put_be16(l4 + 4, (uint16_t)(total - l4_off));
	}
	adit_put_be16(l4 + check, 0);
	sum = (uint16_t)~naive_sum(naive_pseudo(out, v6, tcp ? 6 : 17, total - l4_off), l4, total - l4_off);
	adit_put_be16(l4 + check, sum == 0 && !tcp ? 0xffff : sum);
	return total;
}

#endif
