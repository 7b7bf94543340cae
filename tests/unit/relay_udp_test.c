// SPDX-License-Identifier: ISC
/* relay_udp_test.c - UDP forwards: many clients over a small pool, names, large datagrams */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../support/relay_lab.h"
#include "relay/sockaddr.h"

#define CLIENTS 1000
#define POOL    100
#define LATE    (1 * ADIT_SEC)

static struct relay_lab *lab;
static struct relay_service *service;
static struct adit_sock *far;

/* A datagram that the far side answers later. */
struct question {
	adit_time due;
	struct adit_endpoint from;
	char text[64];
};
static struct question question[4 * CLIENTS];
static unsigned questions, answered;

static void far_event(struct relay_lab *l, struct adit_sock *s, unsigned what)
{
	struct adit_udp_msg msg;

	(void)what;
	while (questions < 4 * CLIENTS && adit_udp_sock_recv(s, &msg)) {
		struct question *q = &question[questions++];

		q->due = l->now + LATE;
		q->from = msg.remote;
		snprintf(q->text, sizeof(q->text), "%.*s", (int)msg.len, (const char *)msg.data);
	}
}

static void give_answers(void)
{
	char text[80];

	for (; answered < questions && question[answered].due <= lab->now; answered++) {
		int len = snprintf(text, sizeof(text), "answer to %s", question[answered].text);

		assert_int_equal(adit_udp_sock_send(far, &question[answered].from, text, (size_t)len, lab->now), 0);
	}
}

static void step(void)
{
	give_answers();
	relay_lab_step(lab);
}

static struct relay_service *forward(const char *listen, const char *host, unsigned pool)
{
	struct relay_service_config cfg;
	struct relay_service *s;
	char err[128];

	relay_service_defaults(&cfg, RELAY_UDP);
	cfg.udp_pool = pool;
	assert_int_equal(adit_endpoint_parse(&cfg.listen, listen), 0);
	snprintf(cfg.target.host, sizeof(cfg.target.host), "%s", host);
	cfg.target.port = 53;
	assert_int_equal(adit_relay_add(lab->relay, &s, &cfg, err, sizeof(err), lab->now), 0);
	return s;
}

static int setup(void **state)
{
	const struct adit_endpoint dns = { .port = 53 };

	(void)state;
	lab = relay_lab_new(NULL);
	lab->far_event = far_event;
	assert_int_equal(adit_udp_sock_open(lab->far, &far, &dns, NULL, NULL), 0);
	adit_udp_sock_set_limit(far, 4 << 20);
	service = forward("127.0.0.1:0", "10.9.0.2", POOL);
	questions = answered = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	relay_lab_free(lab);
	return 0;
}

static int client_socket(void)
{
	struct adit_endpoint to = { .addr = { .family = 4, .bytes = { 127, 0, 0, 1 } }, .port = relay_lab_port(service) };
	union relay_sockaddr sa;
	socklen_t len = relay_sockaddr_from(&sa, &to);
	uint16_t port;
	int fd = lab_udp(&port);

	assert_int_equal(connect(fd, &sa.sa, len), 0);
	return fd;
}

static void say(int fd, unsigned i, unsigned round)
{
	char text[64];
	int len = snprintf(text, sizeof(text), "round %u of client %u", round, i);

	assert_int_equal(send(fd, text, (size_t)len, 0), len);
}

/* Counts its answers of this round; any other text is somebody else's. */
static unsigned hear(int fd, unsigned i, unsigned round)
{
	char buf[128], want[80];
	unsigned n = 0;
	ssize_t len;

	snprintf(want, sizeof(want), "answer to round %u of client %u", round, i);
	while ((len = recv(fd, buf, sizeof(buf) - 1, 0)) >= 0) {
		buf[len] = '\0';
		assert_string_equal(buf, want);
		n++;
	}
	assert_int_equal(errno, EAGAIN);
	return n;
}

static int *many_clients(void)
{
	int *fd = calloc(CLIENTS, sizeof(*fd));
	struct rlimit lim;

	getrlimit(RLIMIT_NOFILE, &lim);
	lim.rlim_cur = lim.rlim_cur < CLIENTS + 100 ? CLIENTS + 100 : lim.rlim_cur;
	if (lim.rlim_max < lim.rlim_cur || setrlimit(RLIMIT_NOFILE, &lim)) {
		free(fd);
		return NULL;
	}
	for (unsigned i = 0; i < CLIENTS; i++)
		fd[i] = client_socket();
	return fd;
}

/* A thousand at once: a hundred are thrown out for a hundred more, the rest is
 * dropped and counted while ports rest. Answers come a second late. */
static void a_thousand_clients_over_a_hundred_ports(void **state)
{
	int *fd = many_clients();
	unsigned heard = 0;

	(void)state;
	if (!fd)
		skip();
	for (unsigned i = 0; i < CLIENTS; i++) {
		say(fd[i], i, 0);
		if (i % 50 == 49)
			step();
	}
	for (unsigned i = 0; i < 500; i++)
		step();
	assert_int_equal(relay_lab_stats(service).opened, CLIENTS);
	assert_int_equal(relay_lab_stats(service).udp_reclaimed, POOL);
	assert_int_equal(relay_lab_stats(service).udp_exhausted, CLIENTS - 2 * POOL);
	assert_int_equal(questions, 2 * POOL);
	for (unsigned i = 0; i < 1000; i++)
		step();
	for (unsigned i = 0; i < CLIENTS; i++)
		heard += hear(fd[i], i, 0);
	assert_int_equal(answered, 2 * POOL);
	assert_int_equal(heard, POOL); /* those who were not thrown out */
	for (unsigned i = 0; i < CLIENTS; i++)
		close(fd[i]);
	free(fd);
}

/* The same for minutes: clients come back again and again, ports go from one to
 * the other, and nobody ever hears an answer that was not for it. */
static void answers_never_cross_over(void **state)
{
	int *fd = many_clients();
	unsigned heard = 0, said = 0;
	uint32_t x = 1;

	(void)state;
	if (!fd)
		skip();
	for (unsigned i = 0; i < 30000 && questions < 4 * CLIENTS; i++) {
		unsigned who;

		x = x * 1664525 + 1013904223;
		who = (x >> 8) % CLIENTS;
		if (i % 4 == 0) {
			say(fd[who], who, 1);
			said++;
		}
		step();
		heard += hear(fd[who], who, 1);
	}
	for (unsigned i = 0; i < 1500; i++)
		step();
	for (unsigned i = 0; i < CLIENTS; i++)
		heard += hear(fd[i], i, 1);
	assert_true(relay_lab_stats(service).udp_reclaimed > 100);
	assert_true(heard > said / 10);
	assert_true(heard <= answered);
	for (unsigned i = 0; i < CLIENTS; i++)
		close(fd[i]);
	free(fd);
}

static void a_mapping_is_gone_after_a_minute(void **state)
{
	int fd = client_socket();
	struct adit_netstack_stats n;

	(void)state;
	say(fd, 0, 0);
	for (unsigned i = 0; i < 1100; i++)
		step();
	assert_int_equal(hear(fd, 0, 0), 1);
	for (unsigned i = 0; i < 58000; i++)
		step();
	assert_int_equal(relay_lab_stats(service).open, 1);
	for (unsigned i = 0; i < 2000; i++)
		step();
	assert_int_equal(relay_lab_stats(service).open, 0);
	assert_int_equal(relay_lab_stats(service).udp_expired, 1);
	for (unsigned i = 0; i < 2100; i++)
		step();
	adit_netstack_stats(lab->near, &n);
	assert_int_equal(n.udp_socks, 0);
	say(fd, 0, 1);
	for (unsigned i = 0; i < 1100; i++)
		step();
	assert_int_equal(hear(fd, 0, 1), 1);
	close(fd);
}

static void big_event(struct relay_lab *l, struct adit_sock *s, unsigned what)
{
	static uint8_t copy[65536];
	struct adit_udp_msg msg;

	(void)what;
	while (adit_udp_sock_recv(s, &msg)) {
		struct adit_endpoint from = msg.remote;
		size_t len = msg.len;

		memcpy(copy, msg.data, len);
		adit_udp_sock_send(s, &from, copy, len, l->now);
	}
}

static void datagrams_larger_than_the_mtu_pass(void **state)
{
	static const size_t sizes[] = { 0, 1, 1392, 1393, 4096, 30000, 65507 };
	static uint8_t out[65536], in[65536];
	int fd = client_socket();

	(void)state;
	lab->far_event = big_event;
	for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
		ssize_t n = -1;

		for (size_t i = 0; i < sizes[k]; i++)
			out[i] = (uint8_t)(i * 7 + k);
		assert_int_equal(send(fd, out, sizes[k], 0), sizes[k]);
		for (int i = 0; i < 200 && n < 0; i++) {
			relay_lab_step(lab);
			n = recv(fd, in, sizeof(in), 0);
		}
		assert_int_equal(n, sizes[k]);
		assert_memory_equal(in, out, sizes[k]);
	}
	close(fd);
}

/* A forward on all addresses answers from the one that was asked. */
static void answers_leave_from_the_address_asked(void **state)
{
	static const char *const asked[] = { "127.0.0.1:0", "127.0.0.5:0", "[::1]:0" };
	struct relay_service_config cfg;
	char err[128];

	(void)state;
	relay_service_defaults(&cfg, RELAY_UDP);
	snprintf(cfg.target.host, sizeof(cfg.target.host), "fd09::2");
	cfg.target.port = 53;
	assert_int_equal(adit_relay_add(lab->relay, &service, &cfg, err, sizeof(err), lab->now), 0);
	lab->far_event = big_event;
	for (int i = 0; i < 3; i++) {
		struct adit_endpoint to, local = { .port = 0 };
		union relay_sockaddr sa, from;
		socklen_t len, from_len = sizeof(from);
		char buf[16];
		ssize_t n = -1;
		int fd;

		assert_int_equal(adit_endpoint_parse(&to, asked[i]), 0);
		to.port = relay_lab_port(service);
		local.addr.family = to.addr.family;
		fd = relay_socket_bind(SOCK_DGRAM, &local);
		if (fd < 0)
			continue; /* no such family here */
		len = relay_sockaddr_from(&sa, &to);
		assert_int_equal(sendto(fd, "hello", 5, 0, &sa.sa, len), 5);
		for (int k = 0; k < 100 && n < 0; k++) {
			relay_lab_step(lab);
			n = recvfrom(fd, buf, sizeof(buf), 0, &from.sa, &from_len);
		}
		assert_int_equal(n, 5);
		local = relay_sockaddr_to(&from);
		assert_true(adit_endpoint_equal(&local, &to));
		close(fd);
	}
}

static void removing_a_forward_frees_its_ports(void **state)
{
	struct adit_netstack_stats n;
	int fd = client_socket();

	(void)state;
	say(fd, 0, 0);
	step();
	step();
	assert_int_equal(relay_lab_stats(service).open, 1);
	adit_relay_remove(lab->relay, service, false, lab->now);
	for (unsigned i = 0; i < 2100; i++)
		step();
	adit_netstack_stats(lab->near, &n);
	assert_int_equal(n.udp_socks, 0);
	close(fd);
}

#define lab_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		lab_test(a_thousand_clients_over_a_hundred_ports),
		lab_test(answers_never_cross_over),
		lab_test(a_mapping_is_gone_after_a_minute),
		lab_test(datagrams_larger_than_the_mtu_pass),
		lab_test(answers_leave_from_the_address_asked),
		lab_test(removing_a_forward_frees_its_ports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
