/* SPDX-License-Identifier: ISC */
/* base_endpoint_test.c - endpoints: text and equality */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>

#include <errno.h>

#include <cmocka.h>

#include "../sim/rng.h"
#include "base/endpoint.h"

static void test_text(void **state)
{
	static const struct {
		const char *in, *out;
		uint8_t family;
		uint16_t port;
	} cases[] = {
		{ "192.0.2.1:80", NULL, 4, 80 },
		{ "0.0.0.0:0", NULL, 4, 0 },
		{ "255.255.255.255:65535", NULL, 4, 65535 },
		{ "[2001:db8::1]:443", NULL, 6, 443 },
		{ "[2001:DB8:0::1]:1", "[2001:db8::1]:1", 6, 1 },
		{ "[::]:0", NULL, 6, 0 },
		{ "[::ffff:192.0.2.1]:7", NULL, 6, 7 },
		{ "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535", NULL, 6, 65535 },
	};
	char buf[ADIT_ENDPOINT_STRLEN];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct adit_endpoint e;

		if (adit_endpoint_parse(&e, cases[i].in))
			fail_msg("refused: %s", cases[i].in);
		assert_int_equal(e.addr.family, cases[i].family);
		assert_int_equal(e.port, cases[i].port);
		assert_string_equal(adit_endpoint_format(&e, buf), cases[i].out ? cases[i].out : cases[i].in);
	}
}

static void test_refused(void **state)
{
	static const char *const cases[] = {
		"", ":", ":80", "*:80", "1.2.3.4", "1.2.3.4:", "1.2.3.4:65536", "1.2.3.4:-1", "1.2.3.4:+1", "1.2.3.4:1 ",
		"1.2.3.4:01", " 1.2.3.4:1", "1.2.3:1", "[1.2.3.4]:1", "::1:1", "[::1]", "[::1]:", "[::1]1", "[::1:1", "[]:1",
		"[::1%2]:1", "host:1", "[::1]]:1", "[[::1]:1", "1.2.3.4:99999999999999999999",
		"[0000:0000:0000:0000:0000:0000:0000:0000000000000000000000000000000000000000000000001]:1",
	};
	struct adit_endpoint e = { .port = 4711 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (adit_endpoint_parse(&e, cases[i]) != -EINVAL)
			fail_msg("taken: %s", cases[i]);
	}
	assert_int_equal(e.port, 4711); /* untouched */
}

static void test_any(void **state)
{
	struct adit_endpoint e = { .port = 80 };
	char buf[ADIT_ENDPOINT_STRLEN];

	(void)state;
	assert_string_equal(adit_endpoint_format(&e, buf), "*:80");
}

/* Every endpoint survives its text, and equals itself alone. */
static void test_random(void **state)
{
	struct rng rng = { 7 };

	(void)state;
	for (int i = 0; i < 5000; i++) {
		struct adit_endpoint a = { .addr.family = rng_chance(&rng, 500) ? 4 : 6 }, b;
		char buf[ADIT_ENDPOINT_STRLEN];
		unsigned at;

		rng_fill(&rng, a.addr.bytes, a.addr.family == 4 ? 4 : 16);
		if (rng_chance(&rng, 500)) /* runs of zeros */
			memset(a.addr.bytes + (a.addr.family == 4 ? 1 : 4), 0, a.addr.family == 4 ? 2 : 8);
		a.port = (uint16_t)rng_next(&rng);
		assert_int_equal(adit_endpoint_parse(&b, adit_endpoint_format(&a, buf)), 0);
		assert_true(adit_endpoint_equal(&a, &b));
		at = (unsigned)rng_below(&rng, a.addr.family == 4 ? 4 : 16);
		b.addr.bytes[at] ^= 1;
		assert_false(adit_endpoint_equal(&a, &b));
		b.addr.bytes[at] ^= 1;
		b.port++;
		assert_false(adit_endpoint_equal(&a, &b));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text), cmocka_unit_test(test_refused), cmocka_unit_test(test_any),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
