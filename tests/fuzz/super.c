/* SPDX-License-Identifier: ISC */
/*
 * super.c - segmentation against a naive segmenter that copies, and sums byte
 * by byte. Where the header is not what it should be, init must say so.
 */
#include <string.h>

#include "base/super.h"
#include "fuzz.h"
#include "naive.h"

#define LEN_MAX 65535

static void check_segments(uint8_t *packet, size_t len, enum adit_super_kind kind, size_t l4_off, size_t hdr_len,
			   size_t gso)
{
	uint8_t *copy = fuzz_copy(packet, len), *want = malloc(LEN_MAX + 200);
	struct adit_super s;

	MUST(want);
	if (adit_super_init(&s, packet, (uint32_t)len, kind, (uint16_t)l4_off, (uint16_t)hdr_len, (uint16_t)gso) == 0) {
		MUST(s.cnt == (len - hdr_len + gso - 1) / gso);
		for (unsigned k = 0; k < s.cnt; k++) {
			size_t n = naive_segment(want, copy, len, kind, l4_off, hdr_len, gso, k);

			MUST(adit_super_segment_len(&s, k) == n);
			MUST(!memcmp(adit_super_segment(&s, k), want, n));
		}
	}
	free(copy);
	free(want);
}

/* Makes the header what init asks for. */
static size_t mend_header(uint8_t *p, size_t len, enum adit_super_kind kind, size_t *l4_off)
{
	bool v6 = kind == ADIT_SUPER_TCP6 || kind == ADIT_SUPER_UDP6;
	bool tcp = kind == ADIT_SUPER_TCP4 || kind == ADIT_SUPER_TCP6;
	size_t hdr;

	if (len < 160)
		return 0;
	if (v6) {
		*l4_off = 40;
		p[0] = (uint8_t)(0x60 | (p[0] & 15));
	} else {
		*l4_off = 20 + (p[0] & 3) * 4u;
		p[0] = (uint8_t)(0x40 | *l4_off / 4);
	}
	hdr = *l4_off + 8;
	if (tcp) {
		size_t tcp_len = 20 + (p[*l4_off + 12] >> 4) % 11 * 4u;

		p[*l4_off + 12] = (uint8_t)(tcp_len / 4 << 4 | (p[*l4_off + 12] & 15));
		hdr = *l4_off + tcp_len;
	}
	return hdr;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct adit_reader r;
	enum adit_super_kind kind;
	size_t l4_off, hdr_len, gso, repeat, len;
	bool mend;
	uint8_t *packet;

	adit_rd_init(&r, data, size);
	kind = adit_rd_u8(&r) & 3;
	mend = adit_rd_u8(&r) & 1;
	l4_off = adit_rd_u8(&r);
	hdr_len = adit_rd_u8(&r);
	gso = adit_rd_u8(&r) | (size_t)adit_rd_u8(&r) << 8;
	repeat = adit_rd_u8(&r); /* a long packet from a short input */
	if (!adit_rd_ok(&r) || r.left == 0)
		return 0;
	len = r.left * (1 + repeat);
	if (len > LEN_MAX)
		len = LEN_MAX;
	packet = malloc(len);
	MUST(packet);
	for (size_t i = 0; i < len; i++)
		packet[i] = (uint8_t)(r.p[i % r.left] + i / r.left);
	if (mend)
		hdr_len = mend_header(packet, len, kind, &l4_off);
	check_segments(packet, len, kind, l4_off, hdr_len, gso);
	free(packet);
	return 0;
}
