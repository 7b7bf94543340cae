/* SPDX-License-Identifier: ISC */
/* base_path_test.c - paths: text, equality, and what the sticky source changes */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>

#include <errno.h>

#include <cmocka.h>

#include "base/path.h"

static uint32_t zone_index(const char *name)
{
	return strcmp(name, "eth0") ? 0 : 7;
}

static void test_text(void **state)
{
	static const struct {
		const char *in, *out;
		uint8_t kind;
		uint16_t port;
		uint32_t scope;
	} cases[] = {
		{ "192.0.2.1:51820", NULL, ADIT_PATH_UDP4, 51820, 0 },
		{ "0.0.0.0:0", NULL, ADIT_PATH_UDP4, 0, 0 },
		{ "255.255.255.255:65535", NULL, ADIT_PATH_UDP4, 65535, 0 },
		{ "[2001:db8::1]:51820", NULL, ADIT_PATH_UDP6, 51820, 0 },
		{ "[2001:DB8:0::1]:1", "[2001:db8::1]:1", ADIT_PATH_UDP6, 1, 0 },
		{ "[fe80::1%2]:51820", NULL, ADIT_PATH_UDP6, 51820, 2 },
		{ "[fe80::1%4294967295]:51820", NULL, ADIT_PATH_UDP6, 51820, 4294967295u },
		{ "[fe80::1%eth0]:51820", "[fe80::1%7]:51820", ADIT_PATH_UDP6, 51820, 7 },
		{ "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4294967295]:65535", NULL, ADIT_PATH_UDP6, 65535, 4294967295u },
	};
	char buf[ADIT_PATH_STRLEN];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct adit_path p;

		if (adit_path_parse(&p, cases[i].in, zone_index))
			fail_msg("refused: %s", cases[i].in);
		assert_int_equal(p.kind, cases[i].kind);
		assert_int_equal(p.port, cases[i].port);
		assert_true(p.scope == cases[i].scope);
		assert_string_equal(adit_path_format(&p, buf), cases[i].out ? cases[i].out : cases[i].in);
	}
}

static void test_refused(void **state)
{
	static const char *const cases[] = {
		"", ":", "1.2.3.4", "1.2.3.4:", "1.2.3.4:65536", "1.2.3.4:-1", "1.2.3.4:+1", "1.2.3.4:1 ", "1.2.3.4:01",
		" 1.2.3.4:1", "1.2.3:1", "[1.2.3.4]:1", "::1:1", "[::1]", "[::1]:", "[::1]1", "[::1:1", "[]:1", "[::1%]:1",
		"[::1%0]:1", "[fe80::1%eth9]:1", "[fe80::1%4294967296]:1", "1.2.3.4%2:1", "host:1", "[::1]]:1", "[[::1]:1",
		"[fe80::1%2%2]:1",
		"[0000:0000:0000:0000:0000:0000:0000:0000000000000000000000000000000000000000000000001]:1",
	};
	struct adit_path p = { .kind = 77 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (adit_path_parse(&p, cases[i], zone_index) != -EINVAL)
			fail_msg("taken: '%s'", cases[i]);
		assert_int_equal(p.kind, 77); /* untouched */
	}
	assert_int_equal(adit_path_parse(&p, "[fe80::1%eth0]:1", NULL), -EINVAL);
	assert_int_equal(adit_path_parse(&p, "[fe80::1%3]:1", NULL), 0);
}

static void test_equal(void **state)
{
	struct adit_path a, b;

	(void)state;
	assert_int_equal(adit_path_parse(&a, "[fe80::1%2]:5", NULL), 0);
	b = a;
	assert_true(adit_path_equal(&a, &b));
	b.src[15] = 1;
	b.ifindex = 3;
	assert_true(adit_path_same_remote(&a, &b));
	assert_false(adit_path_equal(&a, &b));
	adit_path_clear_source(&b);
	assert_true(adit_path_equal(&a, &b));

	b.port++;
	assert_false(adit_path_same_remote(&a, &b));
	b = a;
	b.scope++;
	assert_false(adit_path_same_remote(&a, &b));
	b = a;
	b.addr[15]++;
	assert_false(adit_path_same_remote(&a, &b));
	b = a;
	b.kind = ADIT_PATH_UDP4;
	assert_false(adit_path_same_remote(&a, &b));
	b = a;
	b.ifindex = 1;
	assert_false(adit_path_equal(&a, &b));
}

/* Half of a relay's key stands where others have their source. */
static void test_relay(void **state)
{
	struct adit_path a = { .kind = ADIT_PATH_RELAY, .scope = 17 }, b;
	char buf[ADIT_PATH_STRLEN];

	(void)state;
	memset(a.addr, 1, sizeof(a.addr));
	memset(a.src, 2, sizeof(a.src));
	b = a;
	adit_path_clear_source(&b);
	assert_true(adit_path_equal(&a, &b));
	b.src[0] = 3;
	assert_false(adit_path_same_remote(&a, &b));
	assert_string_equal(adit_path_format(&a, buf), "relay 17");
	memset(&a, 0, sizeof(a));
	assert_string_equal(adit_path_format(&a, buf), "(none)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_relay),
	};

	return cmocka_run_group_tests_name("base_path", tests, NULL, NULL);
}
