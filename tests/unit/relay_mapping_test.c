// SPDX-License-Identifier: ISC
/* relay_mapping_test.c - virtual UDP ports: whose they are, when they go, how they rest */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/relay_lab.h"
#include "relay/mapping.h"

#define CLIENTS 64

static struct relay_lab *lab;
static struct relay_service *service; /* whose settings and counters are used */
static struct adit_sock *far;         /* 10.9.0.2 and fd09::2, port 53 */
static struct adit_endpoint to4, to6;

/* What mappings told their owners. */
struct owner {
	struct relay_mapping *mapping; /* NULL: it ended */
	unsigned received, ended;
	char last[32];
	uint16_t port; /* as the far side saw it */
};
static struct owner owner[CLIENTS];

static void received(void *arg, const struct adit_udp_msg *msg, adit_time now)
{
	struct owner *o = arg;

	(void)now;
	o->received++;
	snprintf(o->last, sizeof(o->last), "%.*s", (int)msg->len, (const char *)msg->data);
}

static void ended(void *arg, adit_time now)
{
	struct owner *o = arg;

	(void)now;
	o->ended++;
	o->mapping = NULL;
}

static const struct relay_mapping_ops ops = { .received = received, .ended = ended };

static void no_event(struct relay_lab *l, struct adit_sock *s, unsigned what)
{
	(void)l;
	(void)s;
	(void)what;
}

static void start(unsigned pool, unsigned per_client, unsigned timeout, unsigned unreplied)
{
	const struct adit_endpoint dns = { .port = 53 };
	struct relay_service_config cfg;
	char err[128];

	relay_lab_init(lab, NULL);
	lab->far_event = no_event;
	relay_service_defaults(&cfg, RELAY_UDP);
	cfg.udp_pool = pool;
	cfg.udp_per_client = per_client;
	cfg.udp_timeout = timeout;
	cfg.udp_unreplied = unreplied;
	adit_endpoint_parse(&cfg.listen, "127.0.0.1:0");
	snprintf(cfg.target.host, sizeof(cfg.target.host), "10.9.0.2");
	cfg.target.port = 53;
	assert_int_equal(adit_relay_add(lab->relay, &service, &cfg, err, sizeof(err), lab->now), 0);
	assert_int_equal(adit_udp_sock_open(lab->far, &far, &dns, NULL, NULL), 0);
	adit_endpoint_parse(&to4, "10.9.0.2:53");
	adit_endpoint_parse(&to6, "[fd09::2]:53");
	memset(owner, 0, sizeof(owner));
}

static int setup(void **state)
{
	(void)state;
	lab = malloc(sizeof(*lab));
	start(4, 100, 60, 30);
	return 0;
}

static void finish(void)
{
	for (unsigned i = 0; i < CLIENTS; i++)
		relay_mapping_close(owner[i].mapping, lab->now);
	relay_lab_fini(lab);
}

static int teardown(void **state)
{
	(void)state;
	finish();
	free(lab);
	return 0;
}

/* A mapping for the i-th socket of a client. */
static void open_mapping(unsigned i, uint8_t client)
{
	struct adit_endpoint from = { .addr = { .family = 4, .bytes = { 127, 0, 0, client } },
				      .port = (uint16_t)(1000 + i) };

	assert_int_equal(relay_mapping_open(service, &owner[i].mapping, &from, &ops, &owner[i], lab->now), 0);
}

static int ask(unsigned i, const struct adit_endpoint *to)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "client %u", i);

	return relay_mapping_send(owner[i].mapping, to, text, (size_t)len, lab->now);
}

/* What has come to the far side: notes the port of each client. */
static unsigned note_ports(void)
{
	struct adit_udp_msg msg;
	unsigned n = 0;

	relay_lab_step(lab);
	while (adit_udp_sock_recv(far, &msg)) {
		unsigned i;

		assert_int_equal(sscanf((const char *)msg.data, "client %u", &i), 1);
		assert_true(i < CLIENTS);
		owner[i].port = msg.remote.port;
		n++;
	}
	return n;
}

static void answer(uint16_t port, const char *text)
{
	struct adit_endpoint to = { .port = port };

	assert_int_equal(adit_addr_parse(&to.addr, "10.9.0.1"), 0);
	assert_int_equal(adit_udp_sock_send(far, &to, text, strlen(text), lab->now), 0);
	relay_lab_step(lab);
}

static void one_port_serves_all_destinations(void **state)
{
	struct adit_endpoint other = to4;
	const struct adit_endpoint wide = { .port = 54 };
	struct adit_sock *second;
	struct adit_udp_msg msg;

	(void)state;
	other.port = 54;
	assert_int_equal(adit_udp_sock_open(lab->far, &second, &wide, NULL, NULL), 0);
	open_mapping(0, 1);
	assert_int_equal(ask(0, &to4), 0);
	assert_int_equal(note_ports(), 1);
	assert_int_equal(ask(0, &other), 0);
	relay_lab_step(lab);
	assert_true(adit_udp_sock_recv(second, &msg));
	assert_int_equal(msg.remote.port, owner[0].port);
	adit_udp_sock_close(second);
}

static void each_family_has_its_own_pool(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		open_mapping(i, 1);
		assert_int_equal(ask(i, &to4), 0);
		assert_int_equal(ask(i, &to6), 0);
	}
	assert_int_equal(note_ports(), 8);
	assert_int_equal(relay_lab_stats(service).udp_reclaimed, 0);
	assert_int_equal(relay_lab_stats(service).open, 4);
}

static void the_least_recently_used_is_reclaimed(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		open_mapping(i, 1);
		assert_int_equal(ask(i, &to4), 0);
	}
	note_ports();
	assert_int_equal(ask(0, &to4), 0); /* 1 is the oldest now */
	answer(owner[2].port, "two");      /* answers are use, too */
	open_mapping(4, 1);
	assert_int_equal(ask(4, &to4), 0);
	assert_int_equal(owner[1].ended, 1);
	assert_int_equal(relay_lab_stats(service).udp_reclaimed, 1);
	open_mapping(5, 1);
	assert_int_equal(ask(5, &to4), 0);
	assert_int_equal(owner[3].ended, 1);
	open_mapping(6, 1);
	assert_int_equal(ask(6, &to4), 0);
	assert_int_equal(owner[0].ended, 1);
	assert_int_equal(owner[2].ended, 0);
	assert_int_equal(relay_lab_stats(service).open, 4);
}

static void while_all_rest_datagrams_drop_and_count(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		open_mapping(i, 1);
		assert_int_equal(ask(i, &to4), 0);
	}
	assert_int_equal(relay_lab_stats(service).udp_reclaimed, 4);
	open_mapping(8, 1);
	assert_int_equal(ask(8, &to4), -ENOBUFS);
	assert_int_equal(ask(8, &to4), -ENOBUFS);
	assert_int_equal(relay_lab_stats(service).udp_exhausted, 2);
	assert_int_equal(relay_lab_stats(service).udp_reclaimed, 4); /* nobody was thrown out for it */
	relay_lab_run(lab, 1900);
	assert_int_equal(ask(8, &to4), -ENOBUFS);
	relay_lab_run(lab, 200);
	assert_int_equal(ask(8, &to4), 0);
	assert_int_equal(relay_lab_stats(service).udp_reclaimed, 5);
}

static void late_answers_reach_nobody(void **state)
{
	uint16_t old;

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		open_mapping(i, 1);
		assert_int_equal(ask(i, &to4), 0);
	}
	note_ports();
	old = owner[0].port;
	open_mapping(4, 1);
	assert_int_equal(ask(4, &to4), 0);
	note_ports();
	assert_int_not_equal(owner[4].port, old);
	answer(old, "for client 0");
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(owner[i].received, 0);
	answer(owner[4].port, "for client 4");
	assert_int_equal(owner[4].received, 1);
	assert_string_equal(owner[4].last, "for client 4");
}

static void a_client_loses_its_own_and_no_others(void **state)
{
	(void)state;
	finish();
	start(100, 3, 60, 30);
	open_mapping(0, 1);
	assert_int_equal(ask(0, &to4), 0);
	for (unsigned i = 1; i < 6; i++) {
		open_mapping(i, 2);
		assert_int_equal(ask(i, &to4), 0);
	}
	assert_int_equal(owner[0].ended, 0);
	assert_int_equal(owner[1].ended, 1);
	assert_int_equal(owner[2].ended, 1);
	assert_int_equal(owner[3].ended, 0);
	assert_int_equal(relay_lab_stats(service).udp_reclaimed, 2);
	assert_int_equal(relay_lab_stats(service).open, 4);
}

/* A client that opens socket after socket gets as many ports again as it may use while its old ones rest; then it
 * keeps what it has, and others get ports as ever. */
static void a_client_takes_no_more_than_twice_its_share(void **state)
{
	struct adit_endpoint from = { .addr = { .family = 4, .bytes = { 127, 0, 0, 1 } }, .port = 999 };
	struct relay_mapping *none = NULL;
	struct adit_netstack_stats n;

	(void)state;
	finish();
	start(100, 4, 60, 30);
	for (unsigned i = 0; i < 8; i++) {
		open_mapping(i, 1);
		assert_int_equal(ask(i, &to4), 0);
	}
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(relay_mapping_open(service, &none, &from, &ops, NULL, lab->now), -ENOBUFS);
	assert_int_equal(relay_lab_stats(service).udp_reclaimed, 4);
	assert_int_equal(relay_lab_stats(service).udp_exhausted, 1000);
	assert_int_equal(relay_lab_stats(service).open, 4);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(owner[i].ended, i < 4);
	assert_int_equal(ask(4, &to6), 0); /* of the other family it has none yet */
	open_mapping(8, 2);
	assert_int_equal(ask(8, &to4), 0);
	adit_netstack_stats(lab->near, &n);
	assert_int_equal(n.udp_socks, 10);
	relay_lab_run(lab, 2100);
	open_mapping(9, 1);
	assert_int_equal(ask(9, &to4), 0);
	assert_int_equal(owner[5].ended, 1); /* 4 was used after it */
}

/* Those that close their sockets and open others are no better off. */
static void closed_ports_count_while_they_rest(void **state)
{
	(void)state;
	finish();
	start(100, 4, 60, 30);
	for (unsigned i = 0; i < 9; i++) {
		open_mapping(i, 1);
		assert_int_equal(ask(i, &to4), i < 8 ? 0 : -ENOBUFS);
		relay_mapping_close(owner[i].mapping, lab->now);
		owner[i].mapping = NULL;
	}
	assert_int_equal(relay_lab_stats(service).udp_exhausted, 1);
	relay_lab_run(lab, 2100);
	open_mapping(9, 1);
	assert_int_equal(ask(9, &to4), 0);
}

/* However large a pool and a client's share are: the stack keeps free ports, and nobody is thrown out in vain. */
static void the_stack_keeps_free_ports(void **state)
{
	enum { TAKEN = 26000, USED = 20000, N = TAKEN + 100 };
	struct owner *o = calloc(N, sizeof(*o));
	struct adit_netstack_stats n;
	unsigned refused = 0;

	(void)state;
	assert_non_null(o);
	finish();
	start(64511, 64511, 60, 30);
	for (unsigned i = 0; i < N; i++) {
		struct adit_endpoint from = { .addr = { .family = 4, .bytes = { 127, 0, 0, 1 } }, .port = (uint16_t)i };

		assert_int_equal(relay_mapping_open(service, &o[i].mapping, &from, &ops, &o[i], lab->now), 0);
		refused += relay_mapping_send(o[i].mapping, &to4, "x", 1, lab->now) == -ENOBUFS;
		if (i % 256 == 255)
			relay_lab_step(lab);
	}
	adit_netstack_stats(lab->near, &n);
	assert_int_equal(n.udp_socks, TAKEN);
	assert_int_equal(refused, N - TAKEN);
	assert_int_equal(relay_lab_stats(service).udp_exhausted, N - TAKEN);
	assert_int_equal(relay_lab_stats(service).udp_reclaimed, TAKEN - USED);
	for (unsigned i = 0; i < N; i++)
		relay_mapping_close(o[i].mapping, lab->now);
	free(o);
}

static void idle_mappings_end(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		open_mapping(i, 1);
		assert_int_equal(ask(i, &to4), 0);
	}
	note_ports();
	answer(owner[1].port, "yes");
	answer(owner[2].port, "yes");
	relay_lab_run(lab, 29000);
	assert_int_equal(owner[0].ended, 0);
	relay_lab_run(lab, 2000);
	assert_int_equal(owner[0].ended, 1); /* never answered */
	assert_int_equal(owner[1].ended, 0);
	assert_int_equal(ask(2, &to4), 0);
	relay_lab_run(lab, 28000);
	assert_int_equal(owner[1].ended, 0);
	relay_lab_run(lab, 2000);
	assert_int_equal(owner[1].ended, 1);
	assert_int_equal(owner[2].ended, 0);
	relay_lab_run(lab, 31000);
	assert_int_equal(owner[2].ended, 1);
	assert_int_equal(relay_lab_stats(service).udp_expired, 3);
	assert_int_equal(relay_lab_stats(service).open, 0);
}

static void zero_is_for_ever(void **state)
{
	(void)state;
	finish();
	start(4, 100, 0, 0);
	open_mapping(0, 1);
	assert_int_equal(ask(0, &to4), 0);
	note_ports();
	for (int i = 0; i < 100; i++) {
		lab->now += 3600 * ADIT_SEC;
		relay_lab_step(lab);
	}
	answer(owner[0].port, "still");
	assert_int_equal(owner[0].received, 1);
}

static void sockets_go_with_their_mappings(void **state)
{
	struct adit_netstack_stats n;

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		open_mapping(i, 1);
		assert_int_equal(ask(i, &to4), 0);
		assert_int_equal(ask(i, &to6), 0);
	}
	for (unsigned i = 0; i < 4; i++) {
		relay_mapping_close(owner[i].mapping, lab->now);
		owner[i].mapping = NULL;
		assert_int_equal(owner[i].ended, 0);
	}
	adit_netstack_stats(lab->near, &n);
	assert_int_equal(n.udp_socks, 8); /* they rest */
	relay_lab_run(lab, 2100);
	adit_netstack_stats(lab->near, &n);
	assert_int_equal(n.udp_socks, 0);
}

#define lab_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		lab_test(one_port_serves_all_destinations),
		lab_test(each_family_has_its_own_pool),
		lab_test(the_least_recently_used_is_reclaimed),
		lab_test(while_all_rest_datagrams_drop_and_count),
		lab_test(late_answers_reach_nobody),
		lab_test(a_client_loses_its_own_and_no_others),
		lab_test(a_client_takes_no_more_than_twice_its_share),
		lab_test(closed_ports_count_while_they_rest),
		lab_test(the_stack_keeps_free_ports),
		lab_test(idle_mappings_end),
		lab_test(zero_is_for_ever),
		lab_test(sockets_go_with_their_mappings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
