/* SPDX-License-Identifier: ISC */
/*
 * udp_test.c - trains over real sockets on loopback, and what is done with
 * each error the kernel can answer: sendmmsg is wrapped by the linker
 * (--wrap=sendmmsg) so that a test can have it fail
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "pktio/udp.h"
#include "pktio/udp_shield.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

static struct adit_udp a, b;
static struct adit_notes notes;
static uint8_t wire[65536];
static struct adit_train train;
static struct adit_sent sent;

/* Errors to answer with, oldest first; and what the calls carried. */
static int fail_with[8];
static unsigned fail_cnt, call_cnt;
static bool fail_segmented_only;
static bool segmented[64];

int __real_sendmmsg(int fd, struct mmsghdr *m, unsigned n, int flags);
int __wrap_sendmmsg(int fd, struct mmsghdr *m, unsigned n, int flags);

static bool has_segment(struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_SEGMENT)
			return true;
	}
	return false;
}

int __wrap_sendmmsg(int fd, struct mmsghdr *m, unsigned n, int flags)
{
	bool seg = has_segment(&m[0].msg_hdr);

	segmented[call_cnt++ % 64] = seg;
	if (fail_cnt && (seg || !fail_segmented_only)) {
		errno = fail_with[0];
		memmove(fail_with, fail_with + 1, sizeof(fail_with) - sizeof(fail_with[0]));
		fail_cnt--;
		return -1;
	}
	return __real_sendmmsg(fd, m, n, flags);
}

static void fail_next(int e, unsigned times)
{
	while (times--)
		fail_with[fail_cnt++] = e;
}

static int set_up(void **state)
{
	struct adit_udp_bind bind = { 0 };

	(void)state;
	adit_notes_init(&notes);
	assert_int_equal(adit_udp_init(&a, ADIT_OFFLOAD_ALL, &notes), 0);
	assert_int_equal(adit_udp_init(&b, ADIT_OFFLOAD_ALL, &notes), 0);
	assert_int_equal(adit_udp_open(&a, &bind), 0);
	bind.port = 0;
	assert_int_equal(adit_udp_open(&b, &bind), 0);
	memset(&train, 0, sizeof(train));
	train.wire = wire;
	train.stride = 1000;
	train.last_len = 600;
	train.cnt = 20;
	train.path = (struct adit_path){ .kind = ADIT_PATH_UDP4, .port = bind.port, .addr = { 127, 0, 0, 1 } };
	for (size_t i = 0; i < sizeof(wire); i++)
		wire[i] = (uint8_t)(i / 1000 + i);
	memset(&sent, 0, sizeof(sent));
	fail_cnt = call_cnt = 0;
	fail_segmented_only = false;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	adit_udp_fini(&a);
	adit_udp_fini(&b);
	adit_notes_fini(&notes);
	return 0;
}

static void send_train(void)
{
	struct adit_train *t = &train;

	a.outer.ops->send(&a.outer, &t, 1, &sent);
}

/* Receives what waits; returns the datagrams, checks that each is as sent, in order. */
static unsigned receive_all(enum adit_outer_side side, uint8_t tos)
{
	struct pollfd p = { .fd = b.outer.fd[side], .events = POLLIN };
	struct adit_rx rx[ADIT_RX_BUFFERS];
	unsigned cnt = 0;
	int n;

	while (poll(&p, 1, 50) > 0 && (n = b.outer.ops->recv(&b.outer, side, rx)) >= 0) {
		for (int i = 0; i < n; i++) {
			assert_false(rx[i].truncated);
			assert_int_equal(rx[i].tos, tos);
			assert_int_equal(rx[i].path.kind, side == ADIT_OUTER_4 ? ADIT_PATH_UDP4 : ADIT_PATH_UDP6);
			assert_int_not_equal(rx[i].path.ifindex, 0);
			for (uint32_t off = 0; off < rx[i].len; off += rx[i].stride, cnt++) {
				uint32_t len = rx[i].len - off < rx[i].stride ? rx[i].len - off : rx[i].stride;

				assert_int_equal(len, cnt % train.cnt + 1 == train.cnt ? train.last_len : train.stride);
				assert_memory_equal(rx[i].buf + off, wire + (size_t)(cnt % train.cnt) * train.stride, len);
			}
		}
	}
	return cnt;
}

static bool noted(const char *what)
{
	for (unsigned i = 0; i < notes.cnt; i++) {
		if (strstr(notes.text[i], what))
			return true;
	}
	return false;
}

static void test_train(void **state)
{
	(void)state;
	send_train();
	assert_int_equal(sent.datagrams, 20);
	assert_int_equal(sent.bytes, 19600);
	assert_int_equal(call_cnt, 1);
	assert_int_equal(receive_all(ADIT_OUTER_4, 0), 20);
	assert_int_equal(notes.cnt, 0);
}

static void test_ipv6_and_tos(void **state)
{
	(void)state;
	if (b.outer.fd[ADIT_OUTER_6] < 0)
		skip();
	train.path.kind = ADIT_PATH_UDP6;
	memset(train.path.addr, 0, 16);
	train.path.addr[15] = 1;
	train.tos = 0x88;
	send_train();
	assert_int_equal(receive_all(ADIT_OUTER_6, 0x88), 20);
}

static void test_sticky_source(void **state)
{
	(void)state;
	train.path.src[0] = 127;
	train.path.src[3] = 5;
	train.cnt = 1;
	train.last_len = train.stride;
	send_train();
	struct adit_rx rx[ADIT_RX_BUFFERS];
	struct pollfd p = { .fd = b.outer.fd[ADIT_OUTER_4], .events = POLLIN };
	assert_int_equal(poll(&p, 1, 1000), 1);
	assert_int_equal(b.outer.ops->recv(&b.outer, ADIT_OUTER_4, rx), 1);
	assert_int_equal(rx[0].path.addr[3], 5);
}

/* A source address the host has not: the kernel's own EINVAL. */
static void test_source_gone(void **state)
{
	(void)state;
	memcpy(train.path.src, (uint8_t[]){ 203, 0, 113, 9 }, 4);
	send_train();
	assert_int_equal(sent.datagrams, 20);
	assert_int_equal(receive_all(ADIT_OUTER_4, 0), 20);
	assert_true(noted("source: "));
	assert_int_equal(b.narrow_cnt, 0);
}

static void test_emsgsize(void **state)
{
	(void)state;
	fail_next(EMSGSIZE, 1);
	send_train();
	assert_int_equal(receive_all(ADIT_OUTER_4, 0), 20);
	assert_true(noted("EMSGSIZE"));
	call_cnt = 0;
	send_train(); /* remembered: plainly from the start */
	assert_false(segmented[0]);
	assert_int_equal(receive_all(ADIT_OUTER_4, 0), 20);
	train.path.addr[3] = 2; /* another destination keeps its trains */
	call_cnt = 0;
	send_train();
	assert_true(segmented[0]);
	assert_int_equal(receive_all(ADIT_OUTER_4, 0), 20);
	train.path.addr[3] = 1;
	a.narrow[0].until = 0; /* ten minutes later */
	call_cnt = 0;
	send_train();
	assert_true(segmented[0]);
	assert_int_equal(a.narrow_cnt, 0);
}

static void test_einval_twice(void **state)
{
	(void)state;
	fail_next(EINVAL, 2);
	send_train();
	assert_int_equal(receive_all(ADIT_OUTER_4, 0), 20);
	assert_true(noted("EINVAL"));
	assert_int_equal(a.narrow_cnt, 1);
}

static void test_eio(void **state)
{
	(void)state;
	fail_next(EIO, 1);
	send_train();
	assert_int_equal(receive_all(ADIT_OUTER_4, 0), 20);
	assert_true(noted("EIO"));
	assert_false(a.offloads & ADIT_OFFLOAD_GSO);
	train.path.addr[3] = 2;
	call_cnt = 0;
	send_train();
	assert_false(segmented[0]);
	assert_int_equal(receive_all(ADIT_OUTER_4, 0), 20);
}

static void test_full(void **state)
{
	(void)state;
	fail_next(ENOBUFS, 1);
	send_train();
	assert_int_equal(sent.full, 20);
	assert_int_equal(sent.datagrams, 0);
	fail_next(EAGAIN, 1); /* a moment later there is room */
	send_train();
	assert_int_equal(sent.datagrams, 20);
	fail_next(EAGAIN, 3);
	send_train();
	assert_int_equal(sent.full, 40);
	assert_int_equal(sent.datagrams, 20);
}

static void test_refused(void **state)
{
	(void)state;
	fail_next(ECONNREFUSED, 1); /* an ICMP error that waited: not this train's */
	send_train();
	assert_int_equal(sent.datagrams, 20);
	assert_int_equal(sent.failed, 0);
	fail_next(EPERM, 3);
	send_train();
	assert_int_equal(sent.failed, 20);
	assert_true(noted("not permitted"));
	send_train(); /* and on it goes */
	assert_int_equal(sent.datagrams, 40);
}

/* A closed port answers by ICMP; neither side minds. */
static void test_icmp_error(void **state)
{
	struct adit_rx rx[ADIT_RX_BUFFERS];
	struct pollfd p = { .fd = a.outer.fd[ADIT_OUTER_4], .events = POLLIN };
	struct adit_path other = train.path;
	int error = 0;

	(void)state;
	train.path.port = 9; /* discard: nobody listens */
	assert_int_equal(adit_udp_unreachable(&a, &train.path, &error), 0);
	train.cnt = 1;
	train.last_len = train.stride;
	for (int i = 0; i < 5; i++) {
		send_train();
		poll(&p, 1, 100);
		a.outer.ops->recv(&a.outer, ADIT_OUTER_4, rx);
	}
	adit_udp_drain_errors(&a);
	assert_int_equal(sent.datagrams, 5);
	assert_true(a.icmp_errors >= 1);
	assert_true(adit_udp_unreachable(&a, &train.path, &error) >= 1);
	assert_int_equal(error, ECONNREFUSED);
	assert_int_equal(adit_udp_unreachable(&a, &other, &error), 0);
}

static void test_ports(void **state)
{
	struct adit_udp c;
	struct adit_udp_bind bind = { .port = train.path.port };
	int fd;

	(void)state;
	assert_int_equal(adit_udp_init(&c, 0, &notes), 0);
	assert_int_equal(adit_udp_open(&c, &bind), -EADDRINUSE);
	bind.shared = true; /* not even when both could share */
	assert_int_equal(adit_udp_open(&c, &bind), -EADDRINUSE);
	fd = a.outer.fd[ADIT_OUTER_4];
	bind.shared = false;
	assert_int_equal(adit_udp_open(&a, &bind), -EADDRINUSE);
	assert_int_equal(a.outer.fd[ADIT_OUTER_4], fd); /* the old sockets stay */
	bind = (struct adit_udp_bind){ .shared = true };
	assert_int_equal(adit_udp_open(&c, &bind), 0);
	assert_int_not_equal(bind.port, 0);
	bind.join = true;
	assert_int_equal(adit_udp_open(&a, &bind), 0);
	adit_udp_fini(&c);
}

/* Datagrams that wait at a socket, by the byte that the test has put at 5; none may be there twice. */
static unsigned waiting(const struct adit_udp *u, bool seen[256])
{
	struct pollfd p = { .fd = u->outer.fd[ADIT_OUTER_4], .events = POLLIN };
	uint8_t buf[64];
	unsigned cnt = 0;

	while (poll(&p, 1, 50) > 0) {
		assert_int_equal(recv(p.fd, buf, sizeof(buf), 0), 40);
		assert_false(seen[buf[5]]);
		seen[buf[5]] = true;
		cnt++;
	}
	return cnt;
}

/* Threads that share a port: data by its receiver's index, of whatever format, all else to the first. */
static void test_steering(void **state)
{
	struct adit_udp_bind bind = { .shared = true };
	struct adit_udp one, two;
	bool seen[256] = { false };

	(void)state;
	assert_int_equal(adit_udp_init(&one, 0, &notes), 0);
	assert_int_equal(adit_udp_init(&two, 0, &notes), 0);
	assert_int_equal(adit_udp_open(&one, &bind), 0);
	bind.join = true;
	assert_int_equal(adit_udp_open(&two, &bind), 0);
	assert_int_equal(adit_udp_steer(&one, 0x23, 2), 0);
	train.path.port = bind.port;
	train.stride = train.last_len = 40;
	train.cnt = 1; /* what is sent as one is looked at as one on loopback */
	for (unsigned i = 0; i < 30; i++) {
		memset(wire, 0, 40);
		wire[0] = i < 20 ? 0x23 : 4; /* ten of another format */
		wire[4] = (uint8_t)(i % 4 == 0);
		wire[5] = (uint8_t)i;
		send_train();
	}
	assert_int_equal(waiting(&two, seen), 5);
	for (unsigned i = 0; i < 30; i++)
		assert_int_equal(seen[i], i < 20 && i % 4 == 0);
	assert_int_equal(waiting(&one, seen), 25);
	adit_udp_fini(&one);
	adit_udp_fini(&two);
}

/* How many of 4000 empty datagrams from there arrive. */
static unsigned arrive(struct adit_udp *u, const char *from, uint16_t port)
{
	bool six = strchr(from, ':');
	struct adit_rx rx[ADIT_RX_BUFFERS];
	struct sockaddr_in6 to6 = { .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_in to4 = { .sin_family = AF_INET, .sin_port = htons(port) }, at4 = { .sin_family = AF_INET };
	int n, fd = socket(six ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);
	unsigned cnt = 0;

	to4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(six ? 1 : inet_pton(AF_INET, from, &at4.sin_addr), 1);
	if (!six)
		assert_int_equal(bind(fd, (struct sockaddr *)&at4, sizeof(at4)), 0);
	for (unsigned i = 0; i < 4000; i++) {
		assert_int_equal(sendto(fd, "x", 1, 0, six ? (struct sockaddr *)&to6 : (struct sockaddr *)&to4,
					six ? sizeof(to6) : sizeof(to4)), 1);
		while (i % 100 == 99 && (n = u->outer.ops->recv(&u->outer, six ? ADIT_OUTER_6 : ADIT_OUTER_4, rx)) > 0)
			cnt += (unsigned)n;
	}
	close(fd);
	return cnt;
}

/* While the shield is up, peers' addresses pass, and of others one in sixteen. */
static void test_shield(void **state)
{
	struct adit_path known[2] = { { .kind = ADIT_PATH_UDP4, .addr = { 127, 0, 0, 3 } },
				      { .kind = ADIT_PATH_UDP6, .addr = { [15] = 1 } } };
	struct adit_udp_bind bind = { 0 };
	unsigned some;
	struct adit_udp u;

	(void)state;
	assert_int_equal(adit_udp_init(&u, 0, &notes), 0);
	assert_int_equal(adit_udp_open(&u, &bind), 0);
	assert_int_equal(arrive(&u, "127.0.0.2", bind.port), 4000);
	assert_int_equal(adit_udp_refused(&u), 0);
	assert_int_equal(adit_udp_shield(&u, known, 2), 0);
	assert_int_equal(arrive(&u, "127.0.0.3", bind.port), 4000);
	some = arrive(&u, "127.0.0.2", bind.port);
	assert_in_range(some, 125, 500); /* 250: eight deviations are 123 */
	assert_int_equal(adit_udp_refused(&u), 4000 - some);
	if (u.outer.fd[ADIT_OUTER_6] >= 0) {
		assert_int_equal(arrive(&u, "::1", bind.port), 4000);
		known[1].addr[0] = 0x20;
		assert_int_equal(adit_udp_shield(&u, known, 2), 0);
		assert_in_range(arrive(&u, "::1", bind.port), 125, 500);
	}
	adit_udp_unshield(&u);
	assert_int_equal(arrive(&u, "127.0.0.2", bind.port), 4000);
	assert_int_equal(adit_udp_shield(&u, known, ADIT_SHIELD_KNOWN + 1), -E2BIG);
	adit_udp_fini(&u);
}

static void test_both_families_in_order(void **state)
{
	struct adit_train six = train, *list[4] = { &train, &six, &train, &six };

	(void)state;
	if (b.outer.fd[ADIT_OUTER_6] < 0)
		skip();
	six.path.kind = ADIT_PATH_UDP6;
	memset(six.path.addr, 0, 16);
	six.path.addr[15] = 1;
	a.outer.ops->send(&a.outer, list, 4, &sent);
	assert_int_equal(sent.datagrams, 80);
	assert_int_equal(receive_all(ADIT_OUTER_4, 0), 40);
	assert_int_equal(receive_all(ADIT_OUTER_6, 0), 40);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(test_train),      CASE(test_ipv6_and_tos), CASE(test_sticky_source), CASE(test_source_gone),
		CASE(test_emsgsize),   CASE(test_einval_twice), CASE(test_eio),           CASE(test_full),
		CASE(test_refused),    CASE(test_icmp_error),   CASE(test_ports),         CASE(test_both_families_in_order),
		CASE(test_steering),
		CASE(test_shield),
	};

	return cmocka_run_group_tests_name("udp", tests, NULL, NULL);
}
