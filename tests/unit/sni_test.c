/* SPDX-License-Identifier: ISC */
/* sni_test.c - names out of ClientHellos in every cut, and TLS passed on by them */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "relay/sni_hello.h"
#include "../support/far_services.h"

/* A ClientHello with that name (NULL: none), in records of at most `piece` bytes. Returns its length. */
static size_t make_hello(uint8_t *ret, const char *name, uint8_t type, size_t padding, size_t piece)
{
	static uint8_t m[20000];
	size_t n = 4 + 2 + 32, len = name ? strlen(name) : 0, exts, out = 0;

	memset(m, 0, sizeof(m));
	m[0] = 1;
	m[4] = m[5] = 3;
	m[n++] = 0;
	memcpy(m + n, "\0\2\x13\1\1\0", 6);
	n += 6;
	exts = n;
	n += 2;
	adit_put_be16(m + n, 21);
	adit_put_be16(m + n + 2, (uint16_t)padding);
	n += 4 + padding;
	if (name) {
		adit_put_be16(m + n + 2, (uint16_t)(len + 5));
		adit_put_be16(m + n + 4, (uint16_t)(len + 3));
		m[n + 6] = type;
		adit_put_be16(m + n + 7, (uint16_t)len);
		memcpy(m + n + 9, name, len);
		n += 9 + len;
	}
	adit_put_be16(m + exts, (uint16_t)(n - exts - 2));
	adit_put_be16(m + 2, (uint16_t)(n - 4));
	for (size_t at = 0; at < n; at += piece) {
		size_t k = n - at < piece ? n - at : piece;

		memcpy(ret + out, "\x16\3\1", 3);
		adit_put_be16(ret + out + 3, (uint16_t)k);
		memcpy(ret + out + 5, m + at, k);
		out += 5 + k;
	}
	return out;
}

static void test_names(void **state)
{
	static const struct {
		const char *name;
		uint8_t type;
		enum sni_result want;
	} c[] = {
		{ "a.test", 0, SNI_NAME },     { "A.TEST", 0, SNI_NAME },      { "_x.a-b.test", 0, SNI_NAME },
		{ NULL, 0, SNI_NO_NAME },      { "a.test", 1, SNI_NO_NAME },   { "10.9.0.2", 0, SNI_NO_NAME },
		{ "a b", 0, SNI_NO_NAME },     { "-a.test", 0, SNI_NO_NAME },  { ".test", 0, SNI_NO_NAME },
		{ "", 0, SNI_NO_NAME },        { "a:443", 0, SNI_NO_NAME },
	};
	static const size_t pieces[] = { 16000, 100, 7, 1 };
	static uint8_t buf[200000];
	char name[256];

	(void)state;
	for (size_t i = 0; i < sizeof(c) / sizeof(c[0]); i++)
		for (size_t k = 0; k < sizeof(pieces) / sizeof(pieces[0]); k++) {
			size_t n = make_hello(buf, c[i].name, c[i].type, 50, pieces[k]);

			for (size_t len = 0; len < n; len++)
				assert_int_equal(sni_hello_read(buf, len, name), SNI_MORE);
			assert_int_equal(sni_hello_read(buf, n, name), c[i].want);
			assert_int_equal(sni_hello_read(buf, n + 100, name), c[i].want); /* what follows is not looked at */
			if (c[i].want == SNI_NAME)
				assert_true(strcasecmp(name, c[i].name) == 0 && name[0] != 'A');
		}
}

static void test_refused(void **state)
{
	static uint8_t buf[40000];
	char name[256];
	size_t n;

	(void)state;
	assert_int_equal(sni_hello_read((const uint8_t *)"GET ", 4, name), SNI_BAD);
	assert_int_equal(sni_hello_read((const uint8_t *)"\x16\2", 2, name), SNI_BAD);
	assert_int_equal(sni_hello_read((const uint8_t *)"\x16\3\1\0\0", 5, name), SNI_BAD);
	assert_int_equal(sni_hello_read((const uint8_t *)"\x16\3\1\0\5\2", 6, name), SNI_BAD); /* a ServerHello */
	n = make_hello(buf, "a.test", 0, 15000, 16000);
	assert_int_equal(sni_hello_read(buf, n, name), SNI_NAME);
	n = make_hello(buf, "a.test", 0, 16500, 16000); /* beyond the bound */
	assert_int_equal(sni_hello_read(buf, n, name), SNI_BAD);
	n = make_hello(buf, "a.test", 0, 50, 16000);
	buf[5 + 4 + 2 + 32] = 200; /* a session id that runs over the end */
	assert_int_equal(sni_hello_read(buf, n, name), SNI_BAD);
}

/* --- the service ---------------------------------------------------------------------- */

static struct relay_lab *lab;
static struct far_services far;
static uint16_t port;

static int setup(void **state)
{
	struct adit_endpoint dns = { .port = 53 };
	const struct adit_relay_config cfg = { .dns = &dns, .dns_cnt = 1 };

	(void)state;
	assert_int_equal(adit_addr_parse(&dns.addr, "10.9.0.2"), 0);
	lab = relay_lab_new(&cfg);
	far_services_init(&far, lab);
	port = relay_lab_port(relay_lab_add(lab, RELAY_SNI, NULL, "", 0));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	far_services_fini(&far);
	relay_lab_free(lab);
	return 0;
}

struct heard {
	int fd;
	uint8_t buf[4096];
	size_t len, want;
	bool ended;
};

static bool hear(void *arg)
{
	struct heard *h = arg;
	ssize_t n = recv(h->fd, h->buf + h->len, sizeof(h->buf) - h->len, MSG_DONTWAIT);

	h->len += n > 0 ? (size_t)n : 0;
	h->ended = h->ended || n == 0 || (n < 0 && errno != EAGAIN);
	return h->ended || h->len >= h->want;
}

/* Port 443 inside sends everything back: the bytes that came are what was sent. */
static void test_passed_on(void **state)
{
	struct heard h = { .fd = lab_connect(port) };
	static uint8_t buf[4096];
	size_t n = make_hello(buf, "a.test", 0, 300, 100);

	(void)state;
	memcpy(buf + n, "more", 4);
	for (size_t at = 0; at < n + 4; at += 50) {
		size_t len = n + 4 - at < 50 ? n + 4 - at : 50;

		assert_int_equal(send(h.fd, buf + at, len, MSG_NOSIGNAL), len);
		relay_lab_run(lab, 3);
	}
	h.want = n + 4;
	assert_true(relay_lab_until(lab, hear, &h));
	assert_int_equal(h.len, n + 4);
	assert_memory_equal(h.buf, buf, n + 4);
	close(h.fd);
}

static void test_no_name(void **state)
{
	struct heard h = { .fd = lab_connect(port), .want = SIZE_MAX };
	uint8_t buf[1000];
	size_t n = make_hello(buf, NULL, 0, 10, 16000);

	(void)state;
	assert_int_equal(send(h.fd, buf, n, MSG_NOSIGNAL), n);
	assert_true(relay_lab_until(lab, hear, &h));
	assert_int_equal(h.len, SNI_ALERT_LEN);
	assert_memory_equal(h.buf, "\x15\3\3\0\2\2\x70", SNI_ALERT_LEN);
	close(h.fd);
}

static void test_ends(void **state)
{
	struct heard silent = { .fd = lab_connect(port), .want = 1 }, other = { .fd = lab_connect(port), .want = 1 };
	struct heard unknown = { .fd = lab_connect(port), .want = 1 };
	uint8_t buf[1000];
	size_t n = make_hello(buf, "none.test", 0, 10, 16000);

	(void)state;
	assert_int_equal(send(other.fd, "GET / HTTP/1.1\r\n", 16, MSG_NOSIGNAL), 16);
	assert_int_equal(send(unknown.fd, buf, n, MSG_NOSIGNAL), n);
	assert_true(relay_lab_until(lab, hear, &other) && other.ended);
	assert_true(relay_lab_until(lab, hear, &unknown) && unknown.ended);
	relay_lab_run(lab, 5100);
	assert_true(hear(&silent) && silent.ended);
	close(silent.fd);
	close(other.fd);
	close(unknown.fd);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names), cmocka_unit_test(test_refused), TEST(test_passed_on), TEST(test_no_name),
		TEST(test_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
