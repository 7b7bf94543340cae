/* SPDX-License-Identifier: ISC */
/* host_dns_test.c - DNS settings as words, and resolv.conf with the file before inside it */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host/dns_marked.h"

static void print_words(const struct adit_dns *dns, char *text, size_t size)
{
	FILE *out = fmemopen(text, size, "w");

	adit_dns_print(out, dns);
	fclose(out);
}

static void test_words(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "file servers=10.0.0.1", "servers=10.0.0.1 default=no" },
		{ "servers=10.0.0.1,fd00::1 default=yes", "servers=10.0.0.1,fd00::1 default=yes" },
		{ "resolved servers=::1 domains=a.example.,~b.example,~. default=no",
		  "servers=::1 domains=a.example,~b.example,~. default=no" },
		{ "file servers=10.0.0.1 domains=_tcp.a-b.example", "servers=10.0.0.1 domains=_tcp.a-b.example default=no" },
	};
	static const char *const wrong[] = {
		"",
		"file",
		"file servers=",
		"file servers=host",
		"file servers=10.0.0.1,10.0.0.256",
		"file servers=10.0.0.1 domains=.",
		"file servers=10.0.0.1 domains=..",
		"file servers=10.0.0.1 domains=a..b",
		"file servers=10.0.0.1 domains=.a",
		"file servers=10.0.0.1 domains=a\nnameserver",
		"file servers=10.0.0.1 domains=a\tb",
		"file servers=10.0.0.1 domains=a;b",
		"file servers=10.0.0.1 default=maybe",
		"file servers=10.0.0.1 colour=red",
	};
	char text[512], err[256];
	struct adit_dns dns;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(adit_dns_parse(&dns, "wg0", cases[i].in, err, sizeof(err)), 0);
		print_words(&dns, text, sizeof(text));
		assert_string_equal(text, cases[i].out);
	}
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		err[0] = '\0';
		assert_int_equal(adit_dns_parse(&dns, "wg0", wrong[i], err, sizeof(err)), -EINVAL);
		assert_true(err[0]);
	}
}

static void test_limits(void **state)
{
	char text[8192] = "file servers=10.0.0.1", err[256];
	struct adit_dns dns;
	int i;

	(void)state;
	for (i = 1; i < ADIT_DNS_SERVERS_MAX; i++)
		strcat(text, ",10.0.0.1");
	assert_int_equal(adit_dns_parse(&dns, "wg0", text, err, sizeof(err)), 0);
	assert_int_equal(dns.server_cnt, ADIT_DNS_SERVERS_MAX);
	strcat(text, ",10.0.0.1");
	assert_int_equal(adit_dns_parse(&dns, "wg0", text, err, sizeof(err)), -EINVAL);
	strcpy(text, "file servers=10.0.0.1 domains=a");
	for (i = 1; i < ADIT_DNS_DOMAINS_MAX; i++)
		strcat(text, ",a");
	assert_int_equal(adit_dns_parse(&dns, "wg0", text, err, sizeof(err)), 0);
	strcat(text, ",a");
	assert_int_equal(adit_dns_parse(&dns, "wg0", text, err, sizeof(err)), -EINVAL);
}

/* Bytes that our own form is made of, more often than others. */
static size_t random_old(char *old, size_t max)
{
	static const char likely[] = "#=~!+ \n\nadit\n# ";
	size_t len = (size_t)rand() % max, i;

	for (i = 0; i < len; i++)
		old[i] = (char)(rand() % 4 ? likely[rand() % (int)(sizeof(likely) - 1)] : rand());
	return len;
}

static void add_link(struct adit_dns_marked *m, const char *ifname, const char *words)
{
	struct adit_dns dns;
	char err[256];

	assert_int_equal(adit_dns_parse(&dns, ifname, words, err, sizeof(err)), 0);
	assert_int_equal(adit_dns_marked_set(m, &dns), 0);
}

/* The file before comes out as it went in, and any change of a byte is seen. */
static void test_round_trip(void **state)
{
	char old[200];
	int round;

	(void)state;
	srand(1);
	for (round = 0; round < 2000; round++) {
		struct adit_dns_marked m = { .had_old = round % 10 != 0 }, back;
		size_t len, at;
		char *text;

		m.old_len = m.had_old ? random_old(old, sizeof(old)) : 0;
		m.old = malloc(m.old_len + 1);
		memcpy(m.old, old, m.old_len);
		add_link(&m, "wg0", "servers=10.0.0.1 domains=a.example default=yes");
		if (round % 2)
			add_link(&m, "wg1", "servers=fd00::1 default=no");
		text = adit_dns_marked_text(&m, &len);
		assert_non_null(text);
		assert_int_equal(adit_dns_marked_read(&back, text, len), 0);
		assert_int_equal(back.had_old, m.had_old);
		assert_int_equal(back.old_len, m.old_len);
		assert_memory_equal(back.old, m.old, m.old_len);
		assert_int_equal(back.link_cnt, m.link_cnt);
		assert_non_null(adit_dns_marked_find(&back, "wg0"));
		adit_dns_marked_free(&back);

		at = (size_t)rand() % len;
		text[at] = (char)(text[at] + 1);
		if (at < 7 + 16 || memchr(text, '\n', at)) /* the words after the sum mean nothing */
			assert_int_equal(adit_dns_marked_read(&back, text, len), -EBADMSG);
		assert_int_equal(adit_dns_marked_read(&back, text, rand() % len), -EBADMSG);
		free(text);
		adit_dns_marked_free(&m);
	}
}

static void test_links(void **state)
{
	struct adit_dns_marked m = { 0 };
	size_t len;
	char *text;

	(void)state;
	m.old = strdup("nameserver 192.0.2.1\nsearch home.example\noptions edns0\n");
	m.old_len = strlen(m.old);
	m.had_old = true;
	add_link(&m, "wg1", "servers=10.1.0.1 domains=~b.example");
	text = adit_dns_marked_text(&m, &len);
	assert_non_null(strstr(text, "\nnameserver 10.1.0.1\nnameserver 192.0.2.1\nsearch home.example\noptions edns0\n"));
	free(text);
	add_link(&m, "wg0", "servers=10.0.0.1 domains=a.example default=yes");
	text = adit_dns_marked_text(&m, &len);
	assert_non_null(strstr(text, "\nnameserver 10.0.0.1\nnameserver 10.1.0.1\nsearch a.example\noptions edns0\n#= "));
	free(text);
	adit_dns_marked_remove(&m, adit_dns_marked_find(&m, "wg1"));
	assert_int_equal(m.link_cnt, 1);
	assert_null(adit_dns_marked_find(&m, "wg1"));
	assert_non_null(adit_dns_marked_find(&m, "wg0"));
	adit_dns_marked_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_links),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
