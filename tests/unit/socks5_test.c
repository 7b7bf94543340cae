/* SPDX-License-Identifier: ISC */
/* socks5_test.c - SOCKS5 messages byte by byte, and what clients are told */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <errno.h>
#include <string.h>

#include <cmocka.h>

#include "relay/socks5.h"

#define BYTES(s) (const uint8_t *)(s), sizeof(s) - 1

static void test_greeting(void **state)
{
	static const uint8_t two[] = { 5, 2, 0, 2, 99 };
	uint64_t methods = 0;

	(void)state;
	for (size_t len = 0; len < 4; len++)
		assert_int_equal(socks5_read_greeting(two, len, &methods), 0);
	assert_int_equal(socks5_read_greeting(two, sizeof(two), &methods), 4);
	assert_true(methods == (1 << SOCKS5_NO_AUTH | 1 << SOCKS5_USER_PASS));
	assert_int_equal(socks5_read_greeting(BYTES("\5\1\xff"), &methods), 3);
	assert_true(methods == 0);
	assert_int_equal(socks5_read_greeting(BYTES("\5\0"), &methods), 2);
	assert_true(methods == 0);
	assert_int_equal(socks5_read_greeting(BYTES("\4"), &methods), -EPROTO);
	assert_int_equal(socks5_read_greeting(BYTES("GET"), &methods), -EPROTO);
}

static void test_auth(void **state)
{
	static const char right[] = "\1\4user\4passX";
	char user[256], password[256], longest[SOCKS5_AUTH_MAX];

	(void)state;
	for (size_t len = 0; len < 11; len++)
		assert_int_equal(socks5_read_auth((const uint8_t *)right, len, user, password), 0);
	assert_int_equal(socks5_read_auth(BYTES(right), user, password), 11);
	assert_string_equal(user, "user");
	assert_string_equal(password, "pass");
	assert_int_equal(socks5_read_auth(BYTES("\1\0\0"), user, password), 3);
	assert_string_equal(user, "");
	assert_int_equal(socks5_read_auth(BYTES("\5\0\0"), user, password), -EPROTO);
	assert_int_equal(socks5_read_auth(BYTES("\1\3a\0b\1c"), user, password), -EPROTO);
	memset(longest, 'x', sizeof(longest));
	longest[0] = 1;
	longest[1] = longest[2 + 255] = (char)255;
	assert_int_equal(socks5_read_auth((uint8_t *)longest, sizeof(longest), user, password), SOCKS5_AUTH_MAX);
	assert_int_equal(strlen(password), 255);
}

static void test_request(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		int want;
		const char *host;
		uint16_t port;
		bool is_name;
	} c[] = {
		{ "\5\1\0\1\x0a\x09\0\2\0\x50REST", 14, 10, "10.9.0.2", 80, false },
		{ "\5\1\0\4\xfd\x09\0\0\0\0\0\0\0\0\0\0\0\0\0\2\1\xbb", 22, 22, "fd09::2", 443, false },
		{ "\5\1\0\3\6a.test\0\x50", 13, 13, "a.test", 80, true },
		{ "\5\1\0\3\010\061\060.9.0.2\0\x50", 15, 15, "10.9.0.2", 80, false },
		{ "\5\3\0\1\0\0\0\0\0\0", 10, 10, "0.0.0.0", 0, false },
		{ "\5\1\0\3\0\0\x50", 7, -EPROTO, NULL, 0, false },
		{ "\5\1\0\3\3a\0b\0\x50", 10, -EPROTO, NULL, 0, false },
		{ "\5\1\0\3\3a b\0\x50", 10, -EPROTO, NULL, 0, false },
		{ "\5\1\0\2\3a b\0\x50", 10, -EAFNOSUPPORT, NULL, 0, false },
		{ "\4\1\0\1", 4, -EPROTO, NULL, 0, false },
	};
	struct socks5_addr to;
	uint8_t command;

	(void)state;
	for (size_t i = 0; i < sizeof(c) / sizeof(c[0]); i++) {
		const uint8_t *p = (const uint8_t *)c[i].bytes;

		for (size_t len = 0; c[i].want > 0 && len < (size_t)c[i].want; len++)
			assert_int_equal(socks5_read_request(p, len, &command, &to), 0);
		assert_int_equal(socks5_read_request(p, c[i].len, &command, &to), c[i].want);
		if (c[i].want < 0)
			continue;
		assert_int_equal(command, p[1]);
		assert_string_equal(to.host, c[i].host);
		assert_int_equal(to.port, c[i].port);
		assert_int_equal(to.is_name, c[i].is_name);
		assert_int_equal(to.addr.family != 0, !c[i].is_name);
	}
}

static void test_udp(void **state)
{
	struct socks5_addr to;

	(void)state;
	assert_int_equal(socks5_read_udp(BYTES("\0\0\0\1\x0a\x09\0\2\0\x35" "data"), &to), 10);
	assert_string_equal(to.host, "10.9.0.2");
	assert_int_equal(to.port, 53);
	assert_int_equal(socks5_read_udp(BYTES("\0\0\0\3\1a\0\x35"), &to), 8);
	assert_int_equal(socks5_read_udp(BYTES("\0\0\1\1\x0a\x09\0\2\0\x35" "data"), &to), -EOPNOTSUPP);
	assert_int_equal(socks5_read_udp(BYTES("\0\0\0\1\x0a\x09\0\2\0"), &to), -EPROTO);
	assert_int_equal(socks5_read_udp(BYTES(""), &to), -EPROTO);
	assert_int_equal(socks5_read_udp(BYTES("\0\0\0\7\x0a\x09\0\2\0\x35"), &to), -EAFNOSUPPORT);
}

static void test_write(void **state)
{
	struct adit_endpoint e = { .addr = { .family = 4, .bytes = { 10, 9, 0, 1 } }, .port = 258 };
	uint8_t p[SOCKS5_REPLY_MAX];

	(void)state;
	assert_int_equal(socks5_write_reply(p, SOCKS5_REFUSED, NULL), 10);
	assert_memory_equal(p, "\5\5\0\1\0\0\0\0\0\0", 10);
	assert_int_equal(socks5_write_reply(p, SOCKS5_SUCCEEDED, &e), 10);
	assert_memory_equal(p, "\5\0\0\1\x0a\x09\0\1\1\2", 10);
	e.addr.family = 6;
	assert_int_equal(socks5_write_reply(p, SOCKS5_SUCCEEDED, &e), 22);
	assert_memory_equal(p, "\5\0\0\4\x0a\x09\0\1\0\0\0\0\0\0\0\0\0\0\0\0\1\2", 22);
	assert_int_equal(socks5_write_udp(p, &e), 22);
	assert_memory_equal(p, "\0\0\0\4\x0a", 5);
}

static void test_reply_of(void **state)
{
	static const struct {
		int error;
		enum socks5_reply want;
	} c[] = {
		{ 0, 0 }, { -ECONNREFUSED, 5 }, { -EHOSTUNREACH, 4 }, { -ENOENT, 4 }, { -ENETUNREACH, 3 }, { -EADDRNOTAVAIL, 3 },
		{ -ETIMEDOUT, 6 }, { -EACCES, 2 }, { -EAFNOSUPPORT, 8 }, { -ECONNRESET, 1 }, { -ENOMEM, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(c) / sizeof(c[0]); i++)
		assert_int_equal(socks5_reply_of(c[i].error), c[i].want);
}

static void test_secret(void **state)
{
	char a[400], b[400];

	(void)state;
	assert_true(relay_secret_equal("", ""));
	assert_true(relay_secret_equal("secret", "secret"));
	assert_false(relay_secret_equal("secret", "Secret"));
	assert_false(relay_secret_equal("secret", "secre"));
	assert_false(relay_secret_equal("", "s"));
	memset(a, 'x', sizeof(a));
	memset(b, 'x', sizeof(b));
	a[255] = b[300] = '\0';
	assert_false(relay_secret_equal(a, b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_greeting), cmocka_unit_test(test_auth),     cmocka_unit_test(test_request),
		cmocka_unit_test(test_udp),      cmocka_unit_test(test_write),    cmocka_unit_test(test_reply_of),
		cmocka_unit_test(test_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
