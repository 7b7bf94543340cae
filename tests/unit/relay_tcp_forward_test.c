// SPDX-License-Identifier: ISC
/* relay_tcp_forward_test.c - TCP forwards: bytes, both ends, errors, limits */
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
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../support/relay_lab.h"

static struct relay_lab *lab;

static int setup(void **state)
{
	(void)state;
	lab = relay_lab_new(NULL);
	relay_lab_far_listen(lab, 80);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	relay_lab_free(lab);
	return 0;
}

static struct lab_client client_of(struct relay_service *s)
{
	return (struct lab_client){ .fd = lab_connect(relay_lab_port(s)) };
}

static struct relay_service_stats stats_of(struct relay_service *s)
{
	struct relay_service_stats n;

	relay_service_get_stats(s, &n);
	return n;
}

static bool none_open(void *arg)
{
	return stats_of(arg).open == 0;
}

static void echo(const char *host)
{
	struct relay_service *s = relay_lab_add(lab, RELAY_TCP, NULL, host, 80);
	struct lab_client c = client_of(s);

	lab->server.echo = true;
	c.to_send = 3000000;
	c.shutdown = true;
	assert_true(lab_client_finish(lab, &c));
	assert_int_equal(c.error, 0);
	assert_int_equal(c.got, 3000000);
	assert_false(c.bad);
	assert_true(relay_lab_until(lab, none_open, s));
	assert_int_equal(stats_of(s).opened, 1);
	assert_int_equal(stats_of(s).bytes_in, 3000000);
	assert_int_equal(stats_of(s).bytes_out, 3000000);
	lab_client_close(&c, false);
}

static void bytes_pass_both_ways_over_ipv4(void **state)
{
	(void)state;
	echo("10.9.0.2");
}

static void bytes_pass_both_ways_over_ipv6(void **state)
{
	(void)state;
	echo("fd09::2");
}

static void end_of_file_of_the_client_leaves_the_answer(void **state)
{
	struct relay_service *s = relay_lab_add(lab, RELAY_TCP, NULL, "10.9.0.2", 80);
	struct lab_client c = client_of(s);

	(void)state;
	lab->server.answer_last = true;
	lab->server.send = 500000;
	c.to_send = 100000;
	c.shutdown = true;
	assert_true(lab_client_finish(lab, &c));
	assert_true(c.eof);
	assert_int_equal(c.got, 500000);
	assert_false(c.bad);
	assert_int_equal(lab->conn[0].got, 100000);
	assert_false(lab->conn[0].bad);
	assert_true(relay_lab_until(lab, none_open, s));
	lab_client_close(&c, false);
}

static bool conn_eof(void *arg)
{
	struct lab_client *c = arg;

	lab_client_pump(c);
	return lab->conn[0].eof;
}

static void end_of_file_of_the_server_leaves_the_question(void **state)
{
	struct relay_service *s = relay_lab_add(lab, RELAY_TCP, NULL, "10.9.0.2", 80);
	struct lab_client c = client_of(s);

	(void)state;
	lab->server.send = 1000;
	assert_true(lab_client_finish(lab, &c));
	assert_true(c.eof);
	assert_int_equal(c.got, 1000);
	c.to_send = 400000;
	c.shutdown = true;
	assert_true(relay_lab_until(lab, conn_eof, &c));
	assert_int_equal(lab->conn[0].got, 400000);
	assert_false(lab->conn[0].bad);
	assert_true(relay_lab_until(lab, none_open, s));
	lab_client_close(&c, false);
}

static void a_reset_far_away_is_a_reset_here(void **state)
{
	struct relay_service *s = relay_lab_add(lab, RELAY_TCP, NULL, "10.9.0.2", 80);
	struct lab_client c = client_of(s);

	(void)state;
	lab->server.reset = true;
	lab->server.linger = true;
	lab->server.echo = true;
	c.to_send = 1;
	assert_true(lab_client_finish(lab, &c));
	assert_int_equal(c.error, ECONNRESET);
	assert_int_equal(stats_of(s).open, 0);
	lab_client_close(&c, false);
}

static bool conn_error(void *arg)
{
	struct lab_conn *c = arg;

	return c->error != 0;
}

static void a_reset_here_is_a_reset_far_away(void **state)
{
	struct relay_service *s = relay_lab_add(lab, RELAY_TCP, NULL, "10.9.0.2", 80);
	struct lab_client c = client_of(s);

	(void)state;
	lab->server.echo = true;
	c.to_send = 10;
	assert_true(lab_client_get(lab, &c, 10));
	lab_client_close(&c, true);
	assert_true(relay_lab_until(lab, conn_error, &lab->conn[0]));
	assert_int_equal(lab->conn[0].error, -ECONNRESET);
	assert_int_equal(stats_of(s).open, 0);
}

static void refusal(int error, uint16_t port, bool counted_as_refused)
{
	struct relay_service *s = relay_lab_add(lab, RELAY_TCP, NULL, "10.9.0.2", port);
	struct lab_client c = client_of(s);

	lab->server.refuse = error;
	assert_true(lab_client_finish(lab, &c));
	assert_int_equal(c.error, ECONNRESET);
	assert_int_equal(c.got, 0);
	assert_int_equal(stats_of(s).refused, counted_as_refused);
	assert_int_equal(stats_of(s).failed, !counted_as_refused);
	assert_int_equal(stats_of(s).opened, 0);
	lab_client_close(&c, false);
}

static void a_closed_port_is_a_reset_with_no_byte(void **state)
{
	(void)state;
	refusal(0, 81, true); /* nobody listens there */
	refusal(-ECONNREFUSED, 80, true);
}

static void an_unreachable_host_is_a_reset_with_no_byte(void **state)
{
	(void)state;
	refusal(-EHOSTUNREACH, 80, false);
}

static void a_dead_host_is_an_error_in_time(void **state)
{
	struct relay_service *s = relay_lab_add(lab, RELAY_TCP, NULL, "10.9.0.2", 80);
	struct lab_client c = client_of(s);
	adit_time began = lab->now;

	(void)state;
	lab->cut = true;
	assert_true(lab_client_finish(lab, &c));
	assert_int_equal(c.error, ECONNRESET);
	assert_true(lab->now - began >= 5 * ADIT_SEC && lab->now - began <= 40 * ADIT_SEC);
	assert_int_equal(stats_of(s).failed, 1);
	lab_client_close(&c, false);
}

static void a_client_that_gives_up_ends_the_attempt(void **state)
{
	struct relay_service *s = relay_lab_add(lab, RELAY_TCP, NULL, "10.9.0.2", 80);
	struct lab_client c = client_of(s);
	struct adit_netstack_stats n;

	(void)state;
	lab->cut = true;
	relay_lab_run(lab, 300);
	adit_netstack_stats(lab->near, &n);
	assert_int_equal(n.tcp_flows, 1);
	lab_client_close(&c, true);
	relay_lab_run(lab, 20);
	adit_netstack_stats(lab->near, &n);
	assert_int_equal(n.tcp_flows, 0);
	assert_int_equal(stats_of(s).failed, 1);
}

static void a_slow_reader_holds_the_server_back(void **state)
{
	struct relay_service *s = relay_lab_add(lab, RELAY_TCP, NULL, "10.9.0.2", 80);
	struct lab_client c = client_of(s);
	int small = 65536;
	uint64_t sent;

	(void)state;
	setsockopt(c.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	lab->server.send = 40000000;
	c.stall = true;
	relay_lab_run(lab, 3000);
	sent = lab->conn[0].sent;
	assert_true(sent > 100000 && sent < 20000000); /* the kernel's buffers and ours */
	assert_true(lab->near_budget.used <= 6 << 20);
	relay_lab_run(lab, 3000);
	assert_int_equal(lab->conn[0].sent, sent);
	c.stall = false;
	assert_true(lab_client_finish(lab, &c));
	assert_int_equal(c.got, 40000000);
	assert_false(c.bad);
	lab_client_close(&c, false);
	assert_true(relay_lab_until(lab, none_open, s));
}

static void a_slow_server_holds_the_client_back(void **state)
{
	struct relay_service *s = relay_lab_add(lab, RELAY_TCP, NULL, "10.9.0.2", 80);
	struct lab_client c = client_of(s);
	uint64_t sent;

	(void)state;
	lab->server.stall = true;
	c.to_send = 40000000;
	c.shutdown = true;
	for (int i = 0; i < 3000; i++) {
		lab_client_pump(&c);
		relay_lab_step(lab);
	}
	sent = c.sent;
	assert_true(sent > 100000 && sent < 20000000);
	assert_true(lab->near_budget.used <= 6 << 20);
	lab->server.stall = false;
	lab_serve_on(lab, &lab->conn[0]);
	assert_true(relay_lab_until(lab, conn_eof, &c));
	assert_int_equal(lab->conn[0].got, 40000000);
	assert_false(lab->conn[0].bad);
	lab_client_close(&c, false);
	assert_true(relay_lab_until(lab, none_open, s));
}

/* --- many ---------------------------------------------------------------------------- */

static bool more_descriptors(rlim_t n)
{
	struct rlimit lim;

	getrlimit(RLIMIT_NOFILE, &lim);
	if (lim.rlim_cur >= n)
		return true;
	lim.rlim_cur = n;
	if (lim.rlim_max < n)
		lim.rlim_max = n;
	return setrlimit(RLIMIT_NOFILE, &lim) == 0;
}

struct crowd {
	struct lab_client *client;
	unsigned cnt;
	uint64_t bytes; /* each has got */
};

static bool all_have(void *arg)
{
	struct crowd *c = arg;
	unsigned n = 0;

	for (unsigned i = 0; i < c->cnt; i++) {
		lab_client_pump(&c->client[i]);
		n += c->client[i].got >= c->bytes;
	}
	return n == c->cnt;
}

static void two_thousand_connections_leave_nothing(void **state)
{
	enum { CNT = 2000 };
	struct adit_relay_config cfg = { .connections_max = CNT + 10 };
	struct lab_client *client = calloc(CNT, sizeof(*client));
	struct crowd crowd = { client, CNT, 100 };
	struct relay_service *s;
	unsigned before;

	(void)state;
	if (!more_descriptors(2 * CNT + 100))
		skip();
	relay_lab_fini(lab);
	relay_lab_init(lab, &cfg);
	relay_lab_far_listen(lab, 80);
	lab->server.echo = true;
	s = relay_lab_add(lab, RELAY_TCP, NULL, "10.9.0.2", 80);
	before = lab_descriptors();
	for (unsigned i = 0; i < CNT; i++) {
		client[i] = client_of(s);
		client[i].to_send = 100;
		if (i % 100 == 99)
			relay_lab_run(lab, 5);
	}
	assert_true(relay_lab_until(lab, all_have, &crowd));
	assert_int_equal(stats_of(s).open, CNT);
	assert_true(lab_descriptors() >= before + 2 * CNT);
	relay_lab_run(lab, 3000);
	assert_true(lab->near_budget.used <= 4 << 20); /* idle flows hold no buffer */
	for (unsigned i = 0; i < CNT; i++)
		lab_client_close(&client[i], i % 2);
	assert_true(relay_lab_until(lab, none_open, s));
	assert_int_equal(lab_descriptors(), before);
	assert_int_equal(stats_of(s).opened, CNT);
	for (unsigned i = 0; i < CNT; i++)
		assert_null(lab->conn[i].sock);
	free(client);
}

static void too_many_wait_their_turn_without_spinning(void **state)
{
	enum { CNT = 40, MAX = 10 };
	struct adit_relay_config cfg = { .connections_max = MAX };
	struct lab_client client[CNT] = { { .fd = -1 } };
	struct crowd first = { client, MAX, 100 }, rest = { client + MAX, CNT - MAX, 100 };
	struct relay_service *s;
	int busy = 0;

	(void)state;
	relay_lab_fini(lab);
	relay_lab_init(lab, &cfg);
	relay_lab_far_listen(lab, 80);
	lab->server.echo = true;
	s = relay_lab_add(lab, RELAY_TCP, NULL, "10.9.0.2", 80);
	for (unsigned i = 0; i < CNT; i++) {
		client[i] = client_of(s);
		client[i].to_send = 100;
	}
	assert_true(relay_lab_until(lab, all_have, &first));
	assert_int_equal(stats_of(s).open, MAX);
	relay_lab_run(lab, 200);
	for (int i = 0; i < 1000; i++)
		busy += relay_lab_step(lab) > 0;
	assert_true(busy <= 2 * 1000 / 100 + 30); /* it looks ten times a second, and says so once */
	assert_int_equal(lab->warnings, 1);
	assert_int_equal(stats_of(s).open, MAX);
	for (unsigned i = 0; i < MAX; i++)
		lab_client_close(&client[i], false);
	for (unsigned at = MAX; at < CNT; at += MAX) {
		rest = (struct crowd){ client + at, MAX, 100 };
		assert_true(relay_lab_until(lab, all_have, &rest));
		for (unsigned i = at; i < at + MAX; i++)
			lab_client_close(&client[i], false);
	}
	assert_true(relay_lab_until(lab, none_open, s));
	assert_int_equal(stats_of(s).opened, CNT);
}

static void no_descriptors_left_is_survived(void **state)
{
	struct relay_service *s = relay_lab_add(lab, RELAY_TCP, NULL, "10.9.0.2", 80);
	struct rlimit lim, low;
	struct lab_client c;
	int busy = 0;

	(void)state;
	lab->server.echo = true;
	c = client_of(s);
	c.to_send = 10;
	getrlimit(RLIMIT_NOFILE, &lim);
	low = lim;
	low.rlim_cur = 3; /* accept finds none */
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	for (int i = 0; i < 1000; i++)
		busy += relay_lab_step(lab) > 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &lim), 0);
	assert_true(busy <= 40);
	assert_int_equal(stats_of(s).opened, 0);
	assert_true(lab_client_get(lab, &c, 10));
	lab_client_close(&c, false);
}

/* --- services come and go ---------------------------------------------------------------- */

static void removed_services_keep_their_connections(void **state)
{
	struct relay_service *s = relay_lab_add(lab, RELAY_TCP, NULL, "10.9.0.2", 80), *t;
	struct lab_client c = client_of(s);
	uint16_t port = relay_lab_port(s);
	char listen[32];

	(void)state;
	lab->server.echo = true;
	c.to_send = 10;
	assert_true(lab_client_get(lab, &c, 10));
	adit_relay_remove(lab->relay, s, false, lab->now);
	assert_null(adit_relay_next(lab->relay, NULL));
	c.to_send = 1000000;
	assert_true(lab_client_get(lab, &c, 1000000));
	assert_false(c.bad);
	lab_client_close(&c, false);
	relay_lab_run(lab, 100);
	snprintf(listen, sizeof(listen), "127.0.0.1:%u", port);
	t = relay_lab_add(lab, RELAY_TCP, listen, "10.9.0.2", 80); /* the port is free again */
	c = client_of(t);
	c.to_send = 10;
	assert_true(lab_client_get(lab, &c, 10));
	adit_relay_remove(lab->relay, t, true, lab->now);
	assert_true(lab_client_finish(lab, &c));
	assert_int_equal(c.error, ECONNRESET);
	lab_client_close(&c, false);
}

static int unix_client(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0)
		return fd;
	close(fd);
	return -1;
}

static void unix_sockets_are_private_and_replaced_when_dead(void **state)
{
	struct relay_service_config twice;
	struct relay_service *s, *no;
	struct lab_client c = { .to_send = 200000, .shutdown = true };
	char path[64], err[256];
	struct stat st;

	(void)state;
	snprintf(path, sizeof(path), "/tmp/adit-relay-test.%d", (int)getpid());
	s = relay_lab_add(lab, RELAY_TCP, path, "10.9.0.2", 80);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	twice = *relay_service_config_of(s);
	assert_int_equal(adit_relay_add(lab->relay, &no, &twice, err, sizeof(err), lab->now), -EADDRINUSE);
	assert_non_null(strstr(err, path));
	lab->server.echo = true;
	c.fd = unix_client(path);
	assert_true(lab_client_finish(lab, &c));
	assert_int_equal(c.got, 200000);
	assert_true(c.eof && !c.bad);
	lab_client_close(&c, false);
	adit_relay_remove(lab->relay, s, true, lab->now);
	assert_int_equal(stat(path, &st), -1);
	{ /* as a killed program leaves it */
		struct sockaddr_un sa = { .sun_family = AF_UNIX };
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);

		snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
		assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
		close(fd);
	}
	s = relay_lab_add(lab, RELAY_TCP, path, "10.9.0.2", 80);
	c = (struct lab_client){ .fd = unix_client(path), .to_send = 5 };
	assert_true(lab_client_get(lab, &c, 5));
	lab_client_close(&c, false);
	adit_relay_remove(lab->relay, s, true, lab->now);
}

static void a_taken_port_is_said(void **state)
{
	uint16_t port = 0;
	int fd = lab_listen(&port);
	struct relay_service_config c;
	struct relay_service *s;
	char err[256] = "", want[64];

	(void)state;
	relay_service_defaults(&c, RELAY_TCP);
	snprintf(want, sizeof(want), "127.0.0.1:%u", port);
	assert_int_equal(adit_endpoint_parse(&c.listen, want), 0);
	snprintf(c.target.host, sizeof(c.target.host), "10.9.0.2");
	assert_int_equal(adit_relay_add(lab->relay, &s, &c, err, sizeof(err), lab->now), -EADDRINUSE);
	assert_non_null(strstr(err, want));
	close(fd);
}

static void services_are_described_and_compared(void **state)
{
	struct relay_service_config a, b;
	char text[256];

	(void)state;
	relay_service_defaults(&a, RELAY_TCP);
	assert_int_equal(adit_endpoint_parse(&a.listen, "127.0.0.1:8080"), 0);
	snprintf(a.target.host, sizeof(a.target.host), "10.9.0.2");
	a.target.port = 80;
	assert_string_equal(relay_service_describe(&a, text, sizeof(text)), "tcp 127.0.0.1:8080 -> 10.9.0.2:80");
	b = a;
	assert_true(relay_service_equal(&a, &b));
	b.target.port = 81;
	assert_false(relay_service_equal(&a, &b));
	b = a;
	b.kind = RELAY_REMOTE_TCP;
	assert_false(relay_service_equal(&a, &b));
	snprintf(b.target.host, sizeof(b.target.host), "fd09::2");
	assert_string_equal(relay_service_describe(&b, text, sizeof(text)), "remote tcp 127.0.0.1:8080 -> [fd09::2]:80");
	relay_service_defaults(&b, RELAY_SOCKS5);
	snprintf(b.listen_path, sizeof(b.listen_path), "/run/x.sock");
	assert_string_equal(relay_service_describe(&b, text, sizeof(text)), "socks5 unix:/run/x.sock");
}

#define lab_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		lab_test(bytes_pass_both_ways_over_ipv4),
		lab_test(bytes_pass_both_ways_over_ipv6),
		lab_test(end_of_file_of_the_client_leaves_the_answer),
		lab_test(end_of_file_of_the_server_leaves_the_question),
		lab_test(a_reset_far_away_is_a_reset_here),
		lab_test(a_reset_here_is_a_reset_far_away),
		lab_test(a_closed_port_is_a_reset_with_no_byte),
		lab_test(an_unreachable_host_is_a_reset_with_no_byte),
		lab_test(a_dead_host_is_an_error_in_time),
		lab_test(a_client_that_gives_up_ends_the_attempt),
		lab_test(a_slow_reader_holds_the_server_back),
		lab_test(a_slow_server_holds_the_client_back),
		lab_test(two_thousand_connections_leave_nothing),
		lab_test(too_many_wait_their_turn_without_spinning),
		lab_test(no_descriptors_left_is_survived),
		lab_test(removed_services_keep_their_connections),
		lab_test(unix_sockets_are_private_and_replaced_when_dead),
		lab_test(a_taken_port_is_said),
		lab_test(services_are_described_and_compared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
