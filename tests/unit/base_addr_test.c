/* SPDX-License-Identifier: ISC */
/* base_addr_test.c - addresses and prefixes: what is taken, what is refused, RFC 5952 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/addr.h"

static void test_format(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "0.0.0.0", NULL },
		{ "255.255.255.255", NULL },
		{ "10.0.0.1", NULL },
		{ "::", NULL },
		{ "::1", NULL },
		{ "1::", NULL },
		{ "2001:db8::1", NULL },
		{ "2001:DB8::AbCd", "2001:db8::abcd" },
		{ "2001:0db8:0000:0000:0001:0000:0000:0001", "2001:db8::1:0:0:1" }, /* the first of two equals */
		{ "2001:0:0:1:0:0:0:1", "2001:0:0:1::1" },			    /* the longest */
		{ "2001:db8:0:1:1:1:1:1", NULL },				    /* one group is not shortened */
		{ "0:1:2:3:4:5:6:7", NULL },
		{ "1:2:3:4:5:6:7:0", NULL },
		{ "0:0:1:2:3:4:5:6", "::1:2:3:4:5:6" },
		{ "1:2:3:4:5:6:0:0", "1:2:3:4:5:6::" },
		{ "1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0" },
		{ "::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8" },
		{ "::ffff:192.0.2.1", NULL },
		{ "::ffff:c000:201", "::ffff:192.0.2.1" },
		{ "64:ff9b::192.0.2.33", "64:ff9b::c000:221" },
		{ "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304" },
		{ "::1.2.3.4", "::102:304" },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL },
	};
	char buf[ADIT_ADDR_STRLEN];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct adit_addr a;

		if (adit_addr_parse(&a, cases[i].in))
			fail_msg("refused: %s", cases[i].in);
		assert_string_equal(adit_addr_format(&a, buf), cases[i].out ? cases[i].out : cases[i].in);
	}
}

static void test_refused(void **state)
{
	static const char *const cases[] = {
		"",	     " ",	    "1",	   "1.2.3",	    "1.2.3.4.5",	 "1.2.3.4.",
		".1.2.3.4",  "1..2.3",	    "256.1.1.1",   "1.2.3.04",	    "01.2.3.4",		 "1.2.3.4 ",
		" 1.2.3.4",  "1.2.3.-4",    "+1.2.3.4",	   "0x1.2.3.4",	    "1.2.3.4/24",	 "1.2.3.1000",
		":",	     ":::",	    "1:::2",	   "::1::",	    "1:2:3:4:5:6:7",	 "1:2:3:4:5:6:7:8:9",
		":1:2:3:4:5:6:7",	    "1:2:3:4:5:6:7:", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "12345::",
		"::g",	     "::1%eth0",    "[::1]",	   "::1.2.3",	    "::1.2.3.4.5",	 "::1.2.3.4:5",
		"1:2:3:4:5:6:7:1.2.3.4",    "1.2.3.4::",   "::256.1.1.1",   "::01.2.3.4",	 "::1 ",
		"1:2:3:4:5:6::1.2.3.4",	    "::ffff:1.2.3.4/96", "fe80::1%",
	};
	struct adit_addr a = { .family = 77 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (adit_addr_parse(&a, cases[i]) != -EINVAL)
			fail_msg("taken: '%s'", cases[i]);
		assert_int_equal(a.family, 77); /* untouched */
	}
}

/* Strings of the right letters at random: we and inet_pton agree on every one. */
static void test_against_inet_pton(void **state)
{
	static const char letters[] = "0123456789af::::....";
	unsigned taken = 0;

	(void)state;
	srandom(1);
	for (int i = 0; i < 300000; i++) {
		char text[48];
		uint8_t want[16];
		struct adit_addr a;
		size_t len = (size_t)random() % 20;
		int theirs;

		for (size_t k = 0; k < len; k++)
			text[k] = letters[(size_t)random() % (sizeof(letters) - 1)];
		text[len] = '\0';
		memset(want, 0, sizeof(want));
		theirs = inet_pton(strchr(text, ':') ? AF_INET6 : AF_INET, text, want);
		if (!adit_addr_parse(&a, text) != (theirs == 1))
			fail_msg("'%s': inet_pton says %d", text, theirs);
		if (theirs == 1) {
			assert_memory_equal(a.bytes, want, 16);
			taken++;
		}
	}
	assert_true(taken > 100);
}

/* Random addresses with many zeros come back, and look as inet_ntop's do. */
static void test_round_trip(void **state)
{
	(void)state;
	srandom(2);
	for (int i = 0; i < 100000; i++) {
		struct adit_addr a = { .family = random() % 4 ? 6 : 4 }, b;
		char ours[ADIT_ADDR_STRLEN], theirs[INET6_ADDRSTRLEN];
		static const uint8_t zeros[12];

		for (int k = 0; k < (a.family == 4 ? 4 : 16); k++)
			a.bytes[k] = random() % 3 ? 0 : (uint8_t)random();
		adit_addr_format(&a, ours);
		assert_int_equal(adit_addr_parse(&b, ours), 0);
		assert_true(adit_addr_equal(&a, &b));
		if (a.family == 6 && !memcmp(a.bytes, zeros, 12))
			continue; /* inet_ntop takes these for IPv4-compatible, RFC 5952 does not */
		inet_ntop(a.family == 4 ? AF_INET : AF_INET6, a.bytes, theirs, sizeof(theirs));
		assert_string_equal(ours, theirs);
	}
}

static void test_equal(void **state)
{
	struct adit_addr a, b, none = { 0 };

	(void)state;
	assert_int_equal(adit_addr_parse(&a, "0.0.0.0"), 0);
	assert_int_equal(adit_addr_parse(&b, "::"), 0);
	assert_false(adit_addr_equal(&a, &b));
	assert_false(adit_addr_equal(&a, &none));
	assert_true(adit_addr_equal(&none, &none));
	assert_int_equal(adit_addr_parse(&a, "::1"), 0);
	assert_false(adit_addr_equal(&a, &b));
}

static void test_prefix(void **state)
{
	static const struct {
		const char *in, *kept, *masked;
	} cases[] = {
		{ "10.1.2.3/8", "10.1.2.3/8", "10.0.0.0/8" },
		{ "10.1.2.3", "10.1.2.3/32", "10.1.2.3/32" },
		{ "255.255.255.255/0", "255.255.255.255/0", "0.0.0.0/0" },
		{ "255.255.255.255/1", "255.255.255.255/1", "128.0.0.0/1" },
		{ "192.0.2.255/31", "192.0.2.255/31", "192.0.2.254/31" },
		{ "2001:db8:ffff::1/36", "2001:db8:ffff::1/36", "2001:db8:f000::/36" },
		{ "::1", "::1/128", "::1/128" },
		{ "ffff::/0", "ffff::/0", "::/0" },
		{ "::ffff/127", "::ffff/127", "::fffe/127" },
	};
	static const char *const bad[] = { "10.0.0.0/33", "10.0.0.0/", "/8",	  "10.0.0.0/08", "10.0.0.0/-1", "::/129",
					   "10.0.0.0/8/8", "::/ 1",    "10.0/8", "10.0.0.0/1a", "10.0.0.0/+1", "::/1280" };
	char buf[ADIT_PREFIX_STRLEN];
	struct adit_prefix p;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(adit_prefix_parse(&p, cases[i].in), 0);
		assert_string_equal(adit_prefix_format(&p, buf), cases[i].kept);
		adit_prefix_mask(&p);
		assert_string_equal(adit_prefix_format(&p, buf), cases[i].masked);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (adit_prefix_parse(&p, bad[i]) != -EINVAL)
			fail_msg("taken: '%s'", bad[i]);
}

/* contains, against comparing bit by bit; host bits of the prefix do not matter */
static void test_contains(void **state)
{
	(void)state;
	srandom(3);
	for (int i = 0; i < 100000; i++) {
		struct adit_prefix p = { .addr.family = random() % 2 ? 4 : 6 };
		struct adit_addr a = { .family = random() % 10 ? p.addr.family : 4 };
		unsigned max = p.addr.family == 4 ? 32 : 128, same = 0;

		p.len = (uint8_t)((unsigned)random() % (max + 1));
		for (unsigned k = 0; k < max / 8; k++)
			p.addr.bytes[k] = a.bytes[k] = (uint8_t)random();
		if (random() % 2) {
			unsigned bit = (unsigned)random() % max;

			a.bytes[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
		}
		if (a.family == 4)
			memset(a.bytes + 4, 0, 12);
		while (same < max && !((p.addr.bytes[same / 8] ^ a.bytes[same / 8]) & 0x80 >> same % 8))
			same++;
		assert_int_equal(adit_prefix_contains(&p, &a), a.family == p.addr.family && same >= p.len);
	}
}

static struct adit_prefix pfx(const char *text)
{
	struct adit_prefix p;

	assert_int_equal(adit_prefix_parse(&p, text), 0);
	return p;
}

static void test_compared(void **state)
{
	static const char *const sorted[] = { "10.0.0.0/8", "10.0.0.0/16", "10.0.0.1/16", "192.0.2.0/24", "::/0",
					      "2001:db8::/32", "2001:db8::/64" };
	const size_t cnt = sizeof(sorted) / sizeof(sorted[0]);
	struct adit_prefix list[2] = { pfx("10.1.2.3/16"), pfx("2001:db8::1/64") }, p;

	(void)state;
	for (size_t i = 0; i < cnt; i++) {
		for (size_t k = 0; k < cnt; k++) {
			struct adit_prefix a = pfx(sorted[i]), b = pfx(sorted[k]);
			int c = adit_prefix_compare(&a, &b);

			assert_int_equal((c > 0) - (c < 0), (i > k) - (i < k));
			assert_int_equal(adit_prefix_equal(&a, &b), i == k);
		}
	}
	p = pfx("10.1.9.9/16");
	assert_true(adit_prefix_same_network(&list[0], &p) && !adit_prefix_equal(&list[0], &p));
	assert_true(adit_prefix_listed(list, 2, &p));
	p = pfx("2001:db8::2/64");
	assert_true(adit_prefix_listed(list, 2, &p) && !adit_prefix_listed(list, 1, &p));
	p = pfx("10.1.0.0/15");
	assert_false(adit_prefix_listed(list, 2, &p));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_format),	   cmocka_unit_test(test_refused), cmocka_unit_test(test_against_inet_pton),
		cmocka_unit_test(test_round_trip), cmocka_unit_test(test_equal),   cmocka_unit_test(test_prefix),
		cmocka_unit_test(test_contains),   cmocka_unit_test(test_compared),
	};

	return cmocka_run_group_tests_name("base_addr", tests, NULL, NULL);
}
