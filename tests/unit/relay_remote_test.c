// SPDX-License-Identifier: ISC
/* relay_remote_test.c - reverse forwards: listen inside, connect here; TCP and UDP */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../support/relay_lab.h"
#include "relay/sockaddr.h"

static struct relay_lab *lab;
static uint16_t port; /* of the server here */
static int server;    /* its listening socket */

static int setup(void **state)
{
	(void)state;
	lab = relay_lab_new(NULL);
	port = 0;
	server = lab_listen(&port);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close(server);
	relay_lab_free(lab);
	return 0;
}

static struct relay_service_stats stats_of(struct relay_service *s)
{
	struct relay_service_stats n;

	relay_service_get_stats(s, &n);
	return n;
}

static struct relay_service *offer(const char *host, uint16_t to)
{
	return relay_lab_add(lab, RELAY_REMOTE_TCP, "0.0.0.0:8000", host, to);
}

/* The server's side of the next connection; -1: none yet. */
static struct lab_client client;

static bool has_accepted(void *arg)
{
	(void)arg;
	client.fd = accept4(server, NULL, NULL, SOCK_NONBLOCK);
	return client.fd >= 0;
}

static bool connected(void *arg)
{
	struct lab_conn *c = arg;

	return c->connected;
}

static bool closed(void *arg)
{
	struct lab_conn *c = arg;

	lab_client_pump(&client);
	return !c->sock;
}

static bool both_closed(void *arg)
{
	return closed(arg) && client.eof;
}

static void both_ways(int family)
{
	struct relay_service *s = relay_lab_add(lab, RELAY_REMOTE_TCP, family == 4 ? "10.9.0.1:8000" : "[fd09::1]:8000",
						"127.0.0.1", port);
	struct lab_conn *c = lab_call(lab, family, 8000);

	lab->server.send = 2000000;
	client = (struct lab_client){ .to_send = 1000000, .shutdown = true };
	assert_true(relay_lab_until(lab, has_accepted, NULL));
	assert_true(relay_lab_until(lab, both_closed, c));
	assert_int_equal(c->error, 0);
	assert_int_equal(c->got, 1000000);
	assert_int_equal(client.got, 2000000);
	assert_true(client.eof && !client.bad && !c->bad);
	assert_int_equal(stats_of(s).bytes_in, 2000000);
	assert_int_equal(stats_of(s).bytes_out, 1000000);
	assert_int_equal(stats_of(s).open, 0);
	lab_client_close(&client, false);
}

static void bytes_pass_both_ways(void **state)
{
	(void)state;
	both_ways(4);
	both_ways(6);
}

static void half_close_passes_from_inside(void **state)
{
	struct lab_conn *c;

	(void)state;
	offer("127.0.0.1", port);
	c = lab_call(lab, 4, 8000);
	lab->server.send = 5; /* and FIN */
	client = (struct lab_client){ .fd = -1 };
	assert_true(relay_lab_until(lab, has_accepted, NULL));
	assert_true(lab_client_finish(lab, &client));
	assert_true(client.eof);
	assert_int_equal(client.got, 5);
	assert_false(c->eof);
	client.to_send = 300000; /* the answer after the end of file */
	client.shutdown = true;
	assert_true(relay_lab_until(lab, closed, c));
	assert_int_equal(c->got, 300000);
	assert_int_equal(c->error, 0);
	lab_client_close(&client, false);
}

static bool has_error(void *arg)
{
	struct lab_conn *c = arg;

	return c->error != 0;
}

static void a_closed_port_here_is_a_reset_there(void **state)
{
	struct relay_service *s = offer("127.0.0.1", port);
	struct lab_conn *c;

	(void)state;
	close(server);
	c = lab_call(lab, 4, 8000);
	assert_true(relay_lab_until(lab, has_error, c));
	assert_int_equal(c->error, -ECONNREFUSED);
	assert_false(c->connected); /* the SYN was held until the outcome was known */
	assert_int_equal(stats_of(s).refused, 1);
	server = lab_listen(&port);
}

static void unreachable_here_is_unreachable_there(void **state)
{
	struct relay_service *s = offer("255.255.255.255", 80);
	struct lab_conn *c = lab_call(lab, 4, 8000);

	(void)state;
	assert_true(relay_lab_until(lab, has_error, c));
	assert_true(c->error == -EHOSTUNREACH || c->error == -ENETUNREACH || c->error == -EACCES);
	assert_false(c->connected);
	assert_int_equal(stats_of(s).failed, 1);
}

static void a_missing_unix_socket_is_a_refusal(void **state)
{
	struct lab_conn *c;

	(void)state;
	offer("unix:/nonexistent/adit.sock", 0);
	c = lab_call(lab, 4, 8000);
	assert_true(relay_lab_until(lab, has_error, c));
	assert_int_equal(c->error, -ECONNREFUSED);
}

static void ports_without_a_service_are_closed(void **state)
{
	struct lab_conn *c = lab_call(lab, 4, 8001);

	(void)state;
	assert_true(relay_lab_until(lab, has_error, c));
	assert_int_equal(c->error, -ECONNREFUSED);
}

static void resets_pass_both_ways(void **state)
{
	struct lab_conn *c;

	(void)state;
	offer("127.0.0.1", port);
	c = lab_call(lab, 4, 8000);
	lab->server.echo = true;
	client = (struct lab_client){ .fd = -1 };
	assert_true(relay_lab_until(lab, has_accepted, NULL));
	assert_true(relay_lab_until(lab, connected, c));
	lab_client_close(&client, true);
	assert_true(relay_lab_until(lab, has_error, c));
	assert_int_equal(c->error, -ECONNRESET);

	c = lab_call(lab, 4, 8000);
	assert_true(relay_lab_until(lab, has_accepted, NULL));
	assert_true(relay_lab_until(lab, connected, c));
	adit_tcp_abort(c->sock, lab->now);
	c->sock = NULL;
	assert_true(lab_client_finish(lab, &client));
	assert_int_equal(client.error, ECONNRESET);
	lab_client_close(&client, false);
}

/* A client may have two thirds of the dials that wait; the rest of its SYNs are
 * not answered, and get their turn when they come again. */
static void dials_in_flight_have_a_limit(void **state)
{
	struct adit_relay_config cfg = { .connections_max = 12 }; /* 6 dials, 4 of a client */
	struct adit_endpoint nobody = { .addr = { .family = 4, .bytes = { 127, 0, 0, 1 } } };
	struct relay_service *s;
	uint16_t full;
	int fd, filler[8];

	(void)state;
	relay_lab_fini(lab);
	relay_lab_init(lab, &cfg);
	fd = relay_socket_bind(SOCK_STREAM, &nobody);
	assert_int_equal(listen(fd, 0), 0);
	full = relay_socket_local(fd).port;
	for (int i = 0; i < 8; i++) { /* until the kernel lets SYNs wait */
		union relay_sockaddr sa;
		struct adit_endpoint to = { nobody.addr, full };
		socklen_t len = relay_sockaddr_from(&sa, &to);

		filler[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(filler[i], &sa.sa, len);
	}
	s = offer("127.0.0.1", full);
	for (int i = 0; i < 10; i++)
		lab_call(lab, 4, 8000);
	relay_lab_run(lab, 50);
	assert_int_equal(stats_of(s).opened, 0);
	assert_int_equal(stats_of(s).failed, 6);
	for (int i = 0; i < 8; i++)
		close(filler[i]);
	close(fd);
	adit_relay_remove(lab->relay, s, true, lab->now);
	relay_lab_run(lab, 10000);
	for (int i = 0; i < 10; i++)
		assert_int_equal(lab->conn[i].error, -ECONNREFUSED);
}

/* --- UDP ------------------------------------------------------------------------------- */

static int udp_server;
static uint16_t udp_port;

/* Answers with the same bytes, turned round. */
static void udp_serve(void)
{
	union relay_sockaddr from;
	uint8_t buf[65536], turned[65536];
	ssize_t n;

	for (;;) {
		socklen_t len = sizeof(from);

		n = recvfrom(udp_server, buf, sizeof(buf), 0, &from.sa, &len);
		if (n < 0)
			return;
		for (ssize_t i = 0; i < n; i++)
			turned[i] = buf[n - 1 - i];
		assert_int_equal(sendto(udp_server, turned, (size_t)n, 0, &from.sa, len), n);
	}
}

static struct adit_sock *far_udp(const char *to, struct adit_endpoint *remote)
{
	struct adit_sock *s;

	assert_int_equal(adit_endpoint_parse(remote, to), 0);
	assert_int_equal(adit_udp_sock_open(lab->far, &s, NULL, remote, NULL), 0);
	return s;
}

static bool answered(void *arg)
{
	struct adit_udp_msg **m = arg;

	udp_serve();
	return adit_udp_sock_recv((struct adit_sock *)m[0], m[1]);
}

/* Sends text and wants it back, from where it was sent to. */
static void ask(struct adit_sock *s, const struct adit_endpoint *to, const char *text, const char *want)
{
	struct adit_udp_msg msg;
	void *arg[2] = { s, &msg };

	assert_int_equal(adit_udp_sock_send(s, to, text, strlen(text), lab->now), 0);
	assert_true(relay_lab_until(lab, answered, arg));
	assert_int_equal(msg.len, strlen(want));
	assert_memory_equal(msg.data, want, msg.len);
	assert_true(adit_endpoint_equal(&msg.remote, to));
}

static void udp_setup(void)
{
	udp_server = lab_udp(&udp_port);
}

static void datagrams_pass_both_ways(void **state)
{
	struct adit_endpoint to4, to6;
	struct adit_sock *a, *b, *c;
	struct relay_service *s;

	(void)state;
	udp_setup();
	s = relay_lab_add(lab, RELAY_REMOTE_UDP, "0.0.0.0:5300", "127.0.0.1", udp_port);
	assert_int_equal(stats_of(s).open, 0);
	a = far_udp("10.9.0.1:5300", &to4);
	b = far_udp("10.9.0.1:5300", &to4);
	c = far_udp("[fd09::1]:5300", &to6);
	ask(a, &to4, "first", "tsrif");
	ask(b, &to4, "second", "dnoces");
	ask(a, &to4, "third", "driht");
	assert_int_equal(stats_of(s).open, 2);
	(void)c;
	adit_udp_sock_close(a);
	adit_udp_sock_close(b);
	adit_udp_sock_close(c);
	close(udp_server);
}

static void any_address_answers_from_the_one_asked(void **state)
{
	struct adit_endpoint to4, to6, other;
	struct adit_addr second;
	struct adit_sock *a, *b, *c;
	struct relay_service_config cfg;
	struct relay_service *s;
	char err[128];

	(void)state;
	udp_setup();
	assert_int_equal(adit_addr_parse(&second, "10.9.0.77"), 0);
	assert_int_equal(adit_netstack_add_address(lab->near, &second), 0);
	relay_service_defaults(&cfg, RELAY_REMOTE_UDP);
	cfg.listen.port = 5300;
	snprintf(cfg.target.host, sizeof(cfg.target.host), "127.0.0.1");
	cfg.target.port = udp_port;
	assert_int_equal(adit_relay_add(lab->relay, &s, &cfg, err, sizeof(err), lab->now), 0);
	a = far_udp("10.9.0.1:5300", &to4);
	b = far_udp("10.9.0.77:5300", &other);
	c = far_udp("[fd09::1]:5300", &to6);
	ask(b, &other, "one", "eno");
	ask(a, &to4, "two", "owt");
	ask(c, &to6, "six", "xis");
	ask(b, &other, "more", "erom");
	ask(a, &to4, "again", "niaga");
	assert_int_equal(stats_of(s).open, 3);
	adit_udp_sock_close(a);
	adit_udp_sock_close(b);
	adit_udp_sock_close(c);
	close(udp_server);
}

/* A name of two addresses, the second of which is served: the first datagram is lost to the first. */
static void a_name_is_tried_address_by_address(void **state)
{
	struct adit_endpoint to;
	struct adit_sock *a, *b;
	struct relay_service *s;

	(void)state;
	udp_setup();
	s = relay_lab_add(lab, RELAY_REMOTE_UDP, "0.0.0.0:5300", "localhost", udp_port);
	a = far_udp("10.9.0.1:5300", &to);
	assert_int_equal(adit_udp_sock_send(a, &to, "lost?", 5, lab->now), 0);
	relay_lab_run(lab, 200);
	while (recv(udp_server, (char[8]){ 0 }, 8, MSG_DONTWAIT) > 0)
		;
	ask(a, &to, "ab", "ba");
	b = far_udp("10.9.0.1:5300", &to); /* another client learns from that */
	ask(b, &to, "cd", "dc");
	assert_int_equal(stats_of(s).failed, 0);
	adit_udp_sock_close(a);
	adit_udp_sock_close(b);
	close(udp_server);
}

static void idle_clients_are_forgotten(void **state)
{
	struct adit_endpoint to;
	struct adit_sock *a;
	struct relay_service *s;
	unsigned before = lab_descriptors();

	(void)state;
	udp_setup();
	s = relay_lab_add(lab, RELAY_REMOTE_UDP, "0.0.0.0:5300", "127.0.0.1", udp_port);
	a = far_udp("10.9.0.1:5300", &to);
	ask(a, &to, "ab", "ba");
	assert_int_equal(lab_descriptors(), before + 2);
	relay_lab_run(lab, 59000);
	assert_int_equal(stats_of(s).open, 1);
	relay_lab_run(lab, 2000);
	assert_int_equal(stats_of(s).open, 0);
	assert_int_equal(stats_of(s).udp_expired, 1);
	assert_int_equal(lab_descriptors(), before + 1);
	ask(a, &to, "cd", "dc");
	adit_udp_sock_close(a);
	close(udp_server);
}

static void a_client_has_so_many_and_no_more(void **state)
{
	struct relay_service_config cfg;
	struct adit_endpoint to;
	struct adit_sock *a[6];
	struct relay_service *s;
	char err[128];

	(void)state;
	udp_setup();
	relay_service_defaults(&cfg, RELAY_REMOTE_UDP);
	cfg.listen.port = 5300;
	cfg.udp_per_client = 4;
	snprintf(cfg.target.host, sizeof(cfg.target.host), "127.0.0.1");
	cfg.target.port = udp_port;
	assert_int_equal(adit_relay_add(lab->relay, &s, &cfg, err, sizeof(err), lab->now), 0);
	for (int i = 0; i < 6; i++) {
		a[i] = far_udp("10.9.0.1:5300", &to);
		ask(a[i], &to, "xy", "yx");
	}
	assert_int_equal(stats_of(s).open, 4);
	assert_int_equal(stats_of(s).udp_reclaimed, 2);
	for (int i = 0; i < 6; i++)
		adit_udp_sock_close(a[i]);
	close(udp_server);
}

#define lab_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		lab_test(bytes_pass_both_ways),
		lab_test(half_close_passes_from_inside),
		lab_test(a_closed_port_here_is_a_reset_there),
		lab_test(unreachable_here_is_unreachable_there),
		lab_test(a_missing_unix_socket_is_a_refusal),
		lab_test(ports_without_a_service_are_closed),
		lab_test(resets_pass_both_ways),
		lab_test(dials_in_flight_have_a_limit),
		lab_test(datagrams_pass_both_ways),
		lab_test(any_address_answers_from_the_one_asked),
		lab_test(a_name_is_tried_address_by_address),
		lab_test(idle_clients_are_forgotten),
		lab_test(a_client_has_so_many_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
