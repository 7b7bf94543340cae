/* SPDX-License-Identifier: ISC */
/* base_reader_test.c - the bounded reader and integers in byte order */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

#include "base/reader.h"

static const uint8_t bytes[17] = { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x10,
				   0x32, 0x54, 0x76, 0x98, 0xba, 0xdc, 0xfe, 0x77 };

static void test_read(void **state)
{
	struct adit_reader r;
	uint8_t copy[2];

	(void)state;
	adit_rd_init(&r, bytes, sizeof(bytes));
	assert_int_equal(adit_rd_u8(&r), 0x01);
	assert_int_equal(adit_rd_be16(&r), 0x2345);
	assert_int_equal(adit_rd_le32(&r), 0xcdab8967);
	assert_true(adit_rd_le64(&r) == UINT64_C(0xdcba9876543210ef));
	adit_rd_copy(&r, copy, 2);
	assert_int_equal(copy[0], 0xfe);
	assert_int_equal(copy[1], 0x77);
	assert_true(adit_rd_ok(&r));
	assert_int_equal(r.left, 0);
	assert_non_null(adit_rd_bytes(&r, 0));
	assert_true(adit_rd_ok(&r));
}

/* Past the end: zeros, and false for good, even if less is asked afterwards. */
static void test_short(void **state)
{
	uint8_t copy[8];

	(void)state;
	for (size_t len = 0; len < 8; len++) {
		struct adit_reader r;

		adit_rd_init(&r, bytes, len);
		assert_true(adit_rd_le64(&r) == 0);
		assert_false(adit_rd_ok(&r));
		assert_int_equal(adit_rd_u8(&r), 0);
		assert_int_equal(adit_rd_be16(&r), 0);
		assert_int_equal(adit_rd_le32(&r), 0);
		memset(copy, 0xff, sizeof(copy));
		adit_rd_copy(&r, copy, sizeof(copy));
		for (size_t i = 0; i < sizeof(copy); i++)
			assert_int_equal(copy[i], 0);
		assert_null(adit_rd_bytes(&r, 0));
		assert_false(adit_rd_ok(&r));
		assert_int_equal(r.left, len);
	}
}

static void test_huge_length(void **state)
{
	struct adit_reader r;

	(void)state;
	adit_rd_init(&r, bytes, sizeof(bytes));
	assert_null(adit_rd_bytes(&r, SIZE_MAX));
	assert_false(adit_rd_ok(&r));
}

static void test_bytes(void **state)
{
	uint8_t buf[9];

	(void)state;
	assert_int_equal(adit_get_be16(bytes + 1), 0x2345);
	assert_int_equal(adit_get_be32(bytes + 1), 0x23456789);
	assert_true(adit_get_be64(bytes + 1) == UINT64_C(0x23456789abcdef10));
	assert_int_equal(adit_get_le32(bytes + 1), 0x89674523);
	assert_true(adit_get_le64(bytes + 1) == UINT64_C(0x10efcdab89674523));
	memset(buf, 0, sizeof(buf));
	adit_put_be64(buf + 1, UINT64_C(0x23456789abcdef10));
	assert_memory_equal(buf + 1, bytes + 1, 8);
	adit_put_le64(buf + 1, UINT64_C(0x10efcdab89674523));
	assert_memory_equal(buf + 1, bytes + 1, 8);
	adit_put_le32(buf + 1, 0x89674523);
	adit_put_be32(buf + 5, 0xabcdef10);
	assert_memory_equal(buf + 1, bytes + 1, 8);
	adit_put_be16(buf + 3, 0x6789);
	assert_memory_equal(buf + 1, bytes + 1, 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_short),
		cmocka_unit_test(test_huge_length),
		cmocka_unit_test(test_bytes),
	};

	return cmocka_run_group_tests_name("base_reader", tests, NULL, NULL);
}
