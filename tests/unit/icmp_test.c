/* SPDX-License-Identifier: ISC */
/* icmp_test.c - which packets are answered, with what, and how often */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/inet.h"
#include "tunnel/icmp.h"

static uint32_t packet(uint8_t *p, bool ip6, uint8_t protocol)
{
	memset(p, 0, 1500);
	if (ip6) {
		p[0] = 0x60;
		adit_put_be16(p + 4, 60);
		p[6] = protocol;
		p[8] = 0x20;
		p[24] = 0x20;
		p[39] = 9;
		p[40] = 128; /* echo request, should it be ICMPv6 */
		return 100;
	}
	p[0] = 0x45;
	adit_put_be16(p + 2, 100);
	p[9] = protocol;
	memcpy(p + 12, "\x0a\x00\x00\x01\x0a\x00\x00\x02", 8);
	p[20] = 8; /* echo request */
	return 100;
}

static void test_answers(void **state)
{
	uint8_t p[1500], r[ADIT_ICMP_MAX];
	uint32_t len = packet(p, false, 17);

	(void)state;
	assert_int_equal(adit_icmp_unreachable(r, p, len), 20 + 8 + 28);
	assert_int_equal(adit_sum_fold(adit_sum(r, 20, 0)), 0xffff);
	assert_int_equal(adit_sum_fold(adit_sum(r + 20, 36, 0)), 0xffff);
	len = packet(p, true, 17);
	assert_int_equal(adit_icmp_unreachable(r, p, len), 40 + 8 + 100);
	assert_int_equal(r[40], 1);
	assert_int_equal(r[41], 3);
	assert_true(adit_checksum_ok(r, 148));
	assert_memory_equal(r + 8, p + 24, 16);
	assert_memory_equal(r + 24, p + 8, 16);
	adit_put_be16(p + 4, 1460); /* never above the smallest MTU of IPv6 */
	assert_int_equal(adit_icmp_unreachable(r, p, 1500), 1280);
}

static void test_silence(void **state)
{
	uint8_t p[1500], r[ADIT_ICMP_MAX];
	uint32_t len;

	(void)state;
	for (unsigned type = 0; type < 256; type++) {
		bool query = type == 0 || type == 8 || type == 13 || type == 14;

		len = packet(p, false, ADIT_IPPROTO_ICMP);
		p[20] = (uint8_t)type;
		assert_int_equal(adit_icmp_unreachable(r, p, len) > 0, query);
		len = packet(p, true, ADIT_IPPROTO_ICMPV6);
		p[40] = (uint8_t)type;
		assert_int_equal(adit_icmp_unreachable(r, p, len) > 0, type >= 128);
	}
	len = packet(p, false, 17);
	p[16] = 224;
	assert_int_equal(adit_icmp_unreachable(r, p, len), 0); /* multicast */
	len = packet(p, true, 17);
	p[24] = 0xff;
	assert_int_equal(adit_icmp_unreachable(r, p, len), 0);
	len = packet(p, false, 17);
	adit_put_be16(p + 6, 5);
	assert_int_equal(adit_icmp_unreachable(r, p, len), 0); /* a later fragment */
	adit_put_be16(p + 6, 0x2000);
	assert_true(adit_icmp_unreachable(r, p, len) > 0); /* the first one */
	len = packet(p, false, 17);
	assert_int_equal(adit_icmp_unreachable(r, p, len - 1), 0); /* cut off */
	assert_int_equal(adit_icmp_unreachable(r, p, 0), 0);
}

static void test_limit(void **state)
{
	struct adit_icmp_limit l = { 0 };
	unsigned n = 0;

	(void)state;
	for (int i = 0; i < 1000; i++)
		n += adit_icmp_allowed(&l, 10 * ADIT_SEC);
	assert_int_equal(n, 50);
	for (int i = 0; i < 1000; i++)
		n += adit_icmp_allowed(&l, 10 * ADIT_SEC + i * ADIT_MSEC);
	assert_in_range(n, 50 + 49, 50 + 51);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers), cmocka_unit_test(test_silence), cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests_name("icmp", tests, NULL, NULL);
}
