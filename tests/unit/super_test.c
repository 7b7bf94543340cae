/* SPDX-License-Identifier: ISC */
/* super_test.c - segmentation against packets made one by one, and bad headers */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/inet.h"
#include "base/super.h"

static uint32_t seed = 1;

static uint32_t rnd(uint32_t n)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 8) % n;
}

/* Writes a header of `kind` for a packet of len bytes; returns its length. */
static uint16_t make_header(uint8_t *p, enum adit_super_kind kind, uint32_t len, unsigned options, uint8_t flags)
{
	bool ip4 = kind == ADIT_SUPER_TCP4 || kind == ADIT_SUPER_UDP4;
	bool tcp = kind == ADIT_SUPER_TCP4 || kind == ADIT_SUPER_TCP6;
	unsigned l4 = ip4 ? 20 : 40;
	uint8_t *t = p + l4;

	memset(p, 0, l4 + 60);
	if (ip4) {
		p[0] = 0x45;
		p[1] = 0x02;
		adit_put_be16(p + 2, (uint16_t)len);
		adit_put_be16(p + 4, 0xfffe); /* wraps */
		p[6] = 0x40;
		p[8] = 63;
		p[9] = tcp ? 6 : 17;
		memcpy(p + 12, "\x0a\x00\x00\x01\x0a\x00\x00\x02", 8);
	} else {
		p[0] = 0x60;
		adit_put_be16(p + 4, (uint16_t)(len - 40));
		p[6] = tcp ? 6 : 17;
		p[7] = 63;
		memset(p + 8, 0xfd, 16);
		memset(p + 24, 0xfe, 16);
	}
	adit_put_be16(t, 1234);
	adit_put_be16(t + 2, 80);
	if (!tcp)
		return (uint16_t)(l4 + 8);
	adit_put_be32(t + 4, 0xffffff00u); /* wraps */
	adit_put_be32(t + 8, 77);
	t[12] = (uint8_t)((20 + options) / 4 << 4);
	t[13] = flags;
	adit_put_be16(t + 14, 500);
	for (unsigned i = 0; i < options; i++)
		t[20 + i] = (uint8_t)(i + 1);
	return (uint16_t)(l4 + 20 + options);
}

static void check_segment(const struct adit_super *s, const uint8_t *ip, unsigned k, const uint8_t *payload,
			  uint8_t flags)
{
	uint32_t len = adit_super_segment_len(s, k), plen = len - s->hdr_len;
	bool ip4 = ip[0] >> 4 == 4, last = k + 1u == s->cnt;
	const uint8_t *l4 = ip + s->l4_off;
	struct adit_inet in;

	if (!adit_inet_parse(&in, ip, len))
		fail();
	assert_int_equal(in.len, len);
	assert_memory_equal(ip + s->hdr_len, payload + (size_t)k * s->gso_size, plen);
	assert_true(adit_checksum_ok(ip, len));
	if (ip4) {
		assert_int_equal(adit_sum_fold(adit_sum(ip, 20, 0)), 0xffff);
		assert_int_equal(adit_get_be16(ip + 4), (uint16_t)(0xfffe + k));
	}
	if (ip[ip4 ? 9 : 6] == ADIT_IPPROTO_UDP) {
		assert_int_equal(adit_get_be16(l4 + 4), len - s->l4_off);
		return;
	}
	assert_int_equal(adit_get_be32(l4 + 4), 0xffffff00u + k * s->gso_size);
	assert_int_equal(l4[13] & ADIT_TCP_FIN, last ? flags & ADIT_TCP_FIN : 0);
	assert_int_equal(l4[13] & ADIT_TCP_PSH, last ? flags & ADIT_TCP_PSH : 0);
	assert_int_equal(l4[13] & ADIT_TCP_CWR, k == 0 ? flags & ADIT_TCP_CWR : 0);
	assert_int_equal(l4[13] & ADIT_TCP_ACK, flags & ADIT_TCP_ACK);
}

static void segment_all(enum adit_super_kind kind, uint32_t payload_len, uint16_t gso, unsigned options, uint8_t flags)
{
	static uint8_t buf[65536], payload[65536];
	struct adit_super s;
	uint16_t hdr = make_header(buf, kind, 0, options, flags);

	make_header(buf, kind, hdr + payload_len, options, flags);
	for (uint32_t i = 0; i < payload_len; i++)
		payload[i] = buf[hdr + i] = (uint8_t)rnd(256);
	assert_int_equal(adit_super_init(&s, buf, hdr + payload_len, kind,
					 kind == ADIT_SUPER_TCP4 || kind == ADIT_SUPER_UDP4 ? 20 : 40, hdr, gso), 0);
	assert_int_equal(s.cnt, (payload_len + gso - 1) / gso);
	for (unsigned k = 0; k < s.cnt; k++)
		check_segment(&s, adit_super_segment(&s, k), k, payload, flags);
}

static void test_segments(void **state)
{
	(void)state;
	for (int i = 0; i < 400; i++) {
		uint8_t flags = (uint8_t)(ADIT_TCP_ACK | (rnd(2) ? ADIT_TCP_PSH : 0) | (rnd(2) ? ADIT_TCP_FIN : 0) |
					  (rnd(2) ? ADIT_TCP_CWR : 0));

		segment_all((enum adit_super_kind)rnd(4), 1 + rnd(65000), (uint16_t)(61 + rnd(1400)), rnd(11) * 4, flags);
	}
	/* a segment smaller than its header, and one that is the whole */
	segment_all(ADIT_SUPER_UDP6, 100, 1, 0, 0);
	segment_all(ADIT_SUPER_TCP4, 500, 500, 12, ADIT_TCP_ACK);
}

static void test_bad_headers(void **state)
{
	uint8_t buf[256];
	struct adit_super s;

	(void)state;
	make_header(buf, ADIT_SUPER_TCP4, 140, 0, ADIT_TCP_ACK);
	assert_int_equal(adit_super_init(&s, buf, 140, ADIT_SUPER_TCP4, 20, 40, 50), 0);
	assert_true(adit_super_init(&s, buf, 140, ADIT_SUPER_TCP4, 20, 40, 0) < 0);   /* no segment size */
	assert_true(adit_super_init(&s, buf, 40, ADIT_SUPER_TCP4, 20, 40, 50) < 0);   /* no payload */
	assert_true(adit_super_init(&s, buf, 140, ADIT_SUPER_TCP4, 20, 44, 50) < 0);  /* headers end elsewhere */
	assert_true(adit_super_init(&s, buf, 140, ADIT_SUPER_TCP4, 24, 44, 50) < 0);
	assert_true(adit_super_init(&s, buf, 140, ADIT_SUPER_TCP6, 20, 40, 50) < 0);  /* wrong version */
	assert_true(adit_super_init(&s, buf, 140, ADIT_SUPER_UDP4, 20, 40, 50) < 0);  /* UDP's header is 8 long */
	assert_true(adit_super_init(&s, buf, 140, ADIT_SUPER_TCP4, 20, 200, 50) < 0); /* longer than the packet */
	buf[32] = 0x10;                                                              /* data offset below 5 */
	assert_true(adit_super_init(&s, buf, 140, ADIT_SUPER_TCP4, 20, 24, 50) < 0);
}

/* Sums in pieces and unaligned, against the definition. */
static uint16_t slow_sum(const uint8_t *p, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i += 2)
		sum += (uint32_t)p[i] << 8 | (i + 1 < len ? p[i + 1] : 0);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void test_sum(void **state)
{
	static uint8_t buf[4096];

	(void)state;
	for (int i = 0; i < 2000; i++) {
		size_t off = rnd(8), len = rnd(2000), cut = rnd((uint32_t)len + 1) & ~1u;
		uint16_t sum;

		for (size_t k = 0; k < len; k++)
			buf[off + k] = (uint8_t)(i % 3 ? rnd(256) : 255);
		sum = adit_sum_fold(adit_sum(buf + off + cut, len - cut, adit_sum(buf + off, cut, 0)));
		assert_int_equal(adit_get_be16(&sum), slow_sum(buf + off, len));
	}
}

static void test_complete(void **state)
{
	uint8_t pkt[128] = { 0 };
	uint16_t pseudo;

	(void)state;
	make_header(pkt, ADIT_SUPER_UDP4, 41, 0, 0);
	adit_put_be16(pkt + 24, 21);
	memset(pkt + 28, 0xaa, 13);
	pseudo = adit_sum_fold(adit_sum_pseudo(pkt, ADIT_IPPROTO_UDP, 21));
	memcpy(pkt + 26, &pseudo, 2);
	assert_true(adit_checksum_complete(pkt, 41, 20, 6));
	assert_true(adit_checksum_ok(pkt, 41));
	pkt[30] ^= 1;
	assert_false(adit_checksum_ok(pkt, 41));
	assert_false(adit_checksum_complete(pkt, 41, 42, 0)); /* outside the packet */
	assert_false(adit_checksum_complete(pkt, 41, 20, 20));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_segments), cmocka_unit_test(test_bad_headers), cmocka_unit_test(test_sum),
		cmocka_unit_test(test_complete),
	};

	return cmocka_run_group_tests_name("super", tests, NULL, NULL);
}
