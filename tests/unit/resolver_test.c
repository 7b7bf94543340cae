/* SPDX-License-Identifier: ISC */
/*
 * resolver_test.c - names by c-ares: outside against a name server on
 * loopback, inside against one that only the stack reaches; over UDP and,
 * truncated, TCP; caches, search domains, cancelling, silence
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "../support/dns_zone.h"
#include "../support/far_services.h"

/* A name server on loopback: one port, UDP and TCP. */
static struct outer_server {
	int udp, tcp, conn;
	unsigned udp_queries, tcp_queries;
	uint8_t buf[512];
	size_t len;
} outer;

static struct relay_lab *lab;
static struct far_services far;

struct asked {
	struct relay_answer answer;
	unsigned calls;
	struct relay_query *query;
};

static void on_answer(void *arg, const struct relay_answer *a)
{
	struct asked *q = arg;

	q->answer = *a;
	q->calls++;
}

static void serve_udp(void)
{
	uint8_t query[512], answer[DNS_MESSAGE_MAX];
	struct sockaddr_storage from;
	socklen_t from_len = sizeof(from);
	ssize_t n;

	while ((n = recvfrom(outer.udp, query, sizeof(query), MSG_DONTWAIT, (struct sockaddr *)&from, &from_len)) > 0) {
		size_t len = dns_zone_answer(query, (size_t)n, false, answer);

		outer.udp_queries++;
		if (len)
			sendto(outer.udp, answer, len, 0, (struct sockaddr *)&from, from_len);
	}
}

static void serve_tcp(void)
{
	uint8_t answer[2 + DNS_MESSAGE_MAX];
	ssize_t n;

	if (outer.conn < 0)
		outer.conn = accept4(outer.tcp, NULL, NULL, SOCK_NONBLOCK);
	if (outer.conn < 0)
		return;
	n = recv(outer.conn, outer.buf + outer.len, sizeof(outer.buf) - outer.len, 0);
	outer.len += n > 0 ? (size_t)n : 0;
	if (n == 0) {
		close(outer.conn);
		outer.conn = -1;
		outer.len = 0;
	} else if (outer.len >= 2 && outer.len >= 2u + adit_get_be16(outer.buf)) {
		size_t len = dns_zone_answer(outer.buf + 2, adit_get_be16(outer.buf), true, answer + 2);

		outer.tcp_queries++;
		outer.len = 0;
		adit_put_be16(answer, (uint16_t)len);
		assert_int_equal(send(outer.conn, answer, len + 2, MSG_NOSIGNAL), len + 2);
	}
}

static bool told(void *arg)
{
	struct asked *q = arg;

	serve_udp();
	serve_tcp();
	return q->calls > 0;
}

static int setup(void **state)
{
	uint16_t port = 0;

	(void)state;
	lab = relay_lab_new(NULL);
	far_services_init(&far, lab);
	/* TCP and UDP on one port: the UDP socket takes what TCP got. */
	outer = (struct outer_server){ .conn = -1 };
	outer.udp = lab_udp(&port);
	outer.tcp = lab_listen(&port);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close(outer.udp);
	close(outer.tcp);
	if (outer.conn >= 0)
		close(outer.conn);
	far_services_fini(&far);
	relay_lab_free(lab);
	return 0;
}

static struct relay_resolver *resolver(bool inside, const char *search)
{
	struct adit_endpoint server = { .port = 0 };
	struct relay_resolver_config cfg = { .inside = inside, .servers = &server, .server_cnt = 1, .search = search };
	struct sockaddr_in sa;
	socklen_t len = sizeof(sa);
	struct relay_resolver *r;

	if (inside) {
		assert_int_equal(adit_addr_parse(&server.addr, "10.9.0.2"), 0);
	} else {
		assert_int_equal(getsockname(outer.udp, (struct sockaddr *)&sa, &len), 0);
		assert_int_equal(adit_addr_parse(&server.addr, "127.0.0.1"), 0);
		server.port = ntohs(sa.sin_port);
	}
	assert_int_equal(relay_resolver_new(&r, adit_relay_loop(lab->relay), &cfg), 0);
	return r;
}

static unsigned queries(bool inside)
{
	return inside ? far.dns_udp + far.dns_tcp : outer.udp_queries + outer.tcp_queries;
}

static struct asked ask(struct relay_resolver *r, const char *name, enum relay_family family)
{
	struct asked q = { .calls = 0 };

	assert_int_equal(relay_resolve(r, &q.query, name, family, on_answer, &q, lab->now), 0);
	assert_true(q.calls == (q.query == NULL));
	assert_true(relay_lab_until(lab, told, &q));
	assert_int_equal(q.calls, 1);
	return q;
}

static void addr_is(const struct adit_addr *a, const char *want)
{
	char text[ADIT_ADDR_STRLEN];

	assert_string_equal(adit_addr_format(a, text), want);
}

static void all_kinds(bool inside)
{
	struct relay_resolver *r = resolver(inside, "search.test other.test");
	struct asked q = ask(r, "a.test", RELAY_FAMILY_AUTO);

	assert_int_equal(q.answer.error, 0);
	assert_int_equal(q.answer.cnt, 2);
	addr_is(&q.answer.addr[0], "fd09::2");
	addr_is(&q.answer.addr[1], "10.9.0.2");
	assert_int_equal(q.answer.ttl, 5);

	q = ask(r, "a.test", RELAY_FAMILY_4);
	assert_int_equal(q.answer.cnt, 1);
	addr_is(&q.answer.addr[0], "10.9.0.2");

	q = ask(r, "four.test", RELAY_FAMILY_AUTO);
	assert_int_equal(q.answer.cnt, 1);
	q = ask(r, "four.test", RELAY_FAMILY_6);
	assert_int_equal(q.answer.error, -ENOENT);
	assert_int_equal(q.answer.cnt, 0);
	q = ask(r, "alias.test", RELAY_FAMILY_6);
	assert_int_equal(q.answer.error, 0);
	addr_is(&q.answer.addr[0], "fd09::2");
	assert_int_equal(q.answer.ttl, 7);

	q = ask(r, "none.test", RELAY_FAMILY_AUTO);
	assert_int_equal(q.answer.error, -ENOENT);
	q = ask(r, "fail.test", RELAY_FAMILY_4);
	assert_int_equal(q.answer.error, -EHOSTUNREACH);
	q = ask(r, "in", RELAY_FAMILY_4); /* found by the first search domain */
	assert_int_equal(q.answer.error, 0);
	assert_int_equal(q.answer.cnt, 1);
	relay_resolver_free(r);
}

static void test_outside(void **state)
{
	(void)state;
	all_kinds(false);
	assert_int_equal(queries(true), 0);
}

static void test_inside(void **state)
{
	(void)state;
	all_kinds(true);
	assert_int_equal(queries(false), 0);
}

/* Forty addresses do not fit; sixteen are kept. */
static void truncated(bool inside)
{
	struct relay_resolver *r = resolver(inside, NULL);
	struct asked q = ask(r, "big.test", RELAY_FAMILY_4);

	assert_int_equal(q.answer.error, 0);
	assert_int_equal(q.answer.cnt, RELAY_ADDRESSES);
	assert_int_equal(inside ? far.dns_tcp : outer.tcp_queries, 1);
	assert_int_equal(inside ? far.dns_udp : outer.udp_queries, 1);
	relay_resolver_free(r);
}

static void test_truncated_outside(void **state)
{
	(void)state;
	truncated(false);
}

static void test_truncated_inside(void **state)
{
	(void)state;
	truncated(true);
}

static void test_numbers(void **state)
{
	struct relay_resolver *r = resolver(true, NULL);
	struct asked q = { .calls = 0 };

	(void)state;
	assert_int_equal(relay_resolve(r, &q.query, "192.0.2.1", RELAY_FAMILY_AUTO, on_answer, &q, lab->now), 0);
	assert_true(q.calls == 1 && !q.query && q.answer.cnt == 1);
	addr_is(&q.answer.addr[0], "192.0.2.1");
	assert_int_equal(relay_resolve(r, &q.query, "fd00::1", RELAY_FAMILY_4, on_answer, &q, lab->now), 0);
	assert_true(q.calls == 2 && q.answer.error == -ENOENT);
	assert_int_equal(relay_resolve(r, &q.query, "a b", RELAY_FAMILY_AUTO, on_answer, &q, lab->now), 0);
	assert_true(q.calls == 3 && q.answer.error == -EINVAL);
	assert_int_equal(relay_resolve(r, &q.query, "", RELAY_FAMILY_AUTO, on_answer, &q, lab->now), 0);
	assert_true(q.calls == 4 && q.answer.error == -EINVAL);
	assert_int_equal(queries(true), 0);
	relay_resolver_free(r);
}

/* Kept for its TTL and no longer; failures for 2 s; one question for many who ask. */
static void test_cache(void **state)
{
	struct relay_resolver *r = resolver(true, NULL);
	struct asked a = { .calls = 0 }, b = a;
	unsigned before;

	(void)state;
	assert_int_equal(relay_resolve(r, &a.query, "short.test", RELAY_FAMILY_4, on_answer, &a, lab->now), 0);
	assert_int_equal(relay_resolve(r, &b.query, "SHORT.test", RELAY_FAMILY_4, on_answer, &b, lab->now), 0);
	assert_true(relay_lab_until(lab, told, &a) && relay_lab_until(lab, told, &b));
	assert_int_equal(queries(true), 1);
	assert_int_equal(a.answer.ttl, 1);
	a = ask(r, "short.test", RELAY_FAMILY_4);
	assert_int_equal(queries(true), 1);
	relay_lab_run(lab, 1100);
	a = ask(r, "short.test", RELAY_FAMILY_4);
	assert_int_equal(queries(true), 2);

	a = ask(r, "none.test", RELAY_FAMILY_4);
	before = queries(true);
	a = ask(r, "none.test", RELAY_FAMILY_4);
	assert_int_equal(a.answer.error, -ENOENT);
	assert_int_equal(queries(true), before);
	relay_lab_run(lab, 2100);
	a = ask(r, "none.test", RELAY_FAMILY_4);
	assert_true(queries(true) > before);
	relay_resolver_free(r);
}

/* Whoever has cancelled hears nothing; the others do. */
static void test_cancel(void **state)
{
	struct relay_resolver *r = resolver(true, NULL);
	struct asked a = { .calls = 0 }, b = a, c = a;

	(void)state;
	assert_int_equal(relay_resolve(r, &a.query, "a.test", RELAY_FAMILY_4, on_answer, &a, lab->now), 0);
	assert_int_equal(relay_resolve(r, &b.query, "a.test", RELAY_FAMILY_4, on_answer, &b, lab->now), 0);
	assert_int_equal(relay_resolve(r, &c.query, "six.test", RELAY_FAMILY_6, on_answer, &c, lab->now), 0);
	relay_query_cancel(a.query);
	relay_query_cancel(c.query);
	assert_true(relay_lab_until(lab, told, &b));
	relay_lab_run(lab, 100);
	assert_true(a.calls == 0 && c.calls == 0);
	relay_resolver_free(r);
}

static void test_free_ends_queries(void **state)
{
	struct relay_resolver *r = resolver(true, NULL);
	struct asked a = { .calls = 0 };

	(void)state;
	assert_int_equal(relay_resolve(r, &a.query, "silent.test", RELAY_FAMILY_4, on_answer, &a, lab->now), 0);
	relay_lab_run(lab, 10);
	relay_resolver_free(r);
	assert_int_equal(a.calls, 1);
	assert_int_equal(a.answer.error, -ECANCELED);
}

/* A thousand names do not make it grow without end. */
static void test_many(void **state)
{
	struct relay_resolver *r = resolver(true, NULL);
	struct asked q;
	char name[32];

	(void)state;
	for (int i = 0; i < 1500; i++) {
		snprintf(name, sizeof(name), "n%d.test", i);
		q = ask(r, name, RELAY_FAMILY_4);
		assert_int_equal(q.answer.error, -ENOENT);
	}
	q = ask(r, "a.test", RELAY_FAMILY_4);
	assert_int_equal(q.answer.error, 0);
	relay_resolver_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_outside, setup, teardown),
		cmocka_unit_test_setup_teardown(test_inside, setup, teardown),
		cmocka_unit_test_setup_teardown(test_truncated_outside, setup, teardown),
		cmocka_unit_test_setup_teardown(test_truncated_inside, setup, teardown),
		cmocka_unit_test_setup_teardown(test_numbers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cache, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cancel, setup, teardown),
		cmocka_unit_test_setup_teardown(test_free_ends_queries, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
