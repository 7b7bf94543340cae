/* SPDX-License-Identifier: ISC */
/* netstack_flow_test.c - connections by their endpoints, ephemeral ports, events and freeing */
#include "netstack_lab.h"

#include <errno.h>

#define PORTS (61000 - 32768)

static struct adit_sock *new_flow(struct lab *lab, const struct adit_endpoint *local,
				  const struct adit_endpoint *remote)
{
	struct adit_sock *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->local = *local;
	s->remote = *remote;
	ns_sock_init(s, lab->ns, ADIT_SOCK_TCP, &lab->ns->tcps, NULL);
	assert_int_equal(flow_insert(lab->ns, (struct tcp *)s), 0);
	return s;
}

static void free_flow(struct lab *lab, struct adit_sock *s)
{
	flow_remove(lab->ns, (struct tcp *)s);
	ns_sock_fini(s);
	free(s);
}

static void test_find(void **state)
{
	enum { CNT = 5000 };
	static struct adit_sock *s[CNT];
	struct adit_endpoint l[CNT], r[CNT];
	struct adit_netstack_stats stats;
	uint64_t random = 5;
	struct lab lab;

	(void)state;
	lab_start(&lab, NULL);
	for (unsigned i = 0; i < CNT; i++) {
		bool v4 = i % 2;

		l[i] = (struct adit_endpoint){ v4 ? us4 : us6, (uint16_t)(i % 7 + 1) };
		r[i] = (struct adit_endpoint){ v4 ? peer4 : peer6, (uint16_t)(i / 7 + 1) };
		s[i] = new_flow(&lab, &l[i], &r[i]);
	}
	assert_int_equal(flow_insert(lab.ns, (struct tcp *)s[7]), -EADDRINUSE);
	adit_netstack_stats(lab.ns, &stats);
	assert_int_equal(stats.tcp_flows, CNT);
	for (int n = 0; n < 20000; n++) {
		unsigned i = (unsigned)(lab_random64(&random) % CNT);
		struct adit_endpoint other = r[i];

		assert_ptr_equal(flow_find(lab.ns, &l[i], &r[i]), s[i]);
		other.port = 60000;
		assert_null(flow_find(lab.ns, &l[i], &other));
		other = l[i];
		other.addr.bytes[15] ^= 0x80; /* the same IPv4 bytes, the same port: another key all the same */
		assert_null(flow_find(lab.ns, &other, &r[i]));
		if (n % 4)
			continue;
		if (s[i]) {
			free_flow(&lab, s[i]);
			s[i] = NULL;
		} else {
			s[i] = new_flow(&lab, &l[i], &r[i]);
		}
	}
	ns_check(lab.ns);
	tcp_double.frees = 0;
	for (unsigned i = 0; i < CNT; i++)
		tcp_double.resets += s[i] != NULL;
	adit_netstack_free(lab.ns); /* frees what is left, each once */
	assert_int_equal(tcp_double.frees, tcp_double.resets);
	assert_int_equal(lab.budget.used, 0);
}

/* Two stacks with other keys agree in nothing; one with itself always. */
static void test_hash(void **state)
{
	struct adit_endpoint l = { us4, 1 }, r = { peer4, 2 }, r6 = { peer6, 2 };
	struct lab a, b;
	uint64_t h;

	(void)state;
	lab_start(&a, NULL);
	h = ns_flow_hash(a.ns, &l, &r);
	assert_true(ns_flow_hash(a.ns, &l, &r) == h);
	assert_true(ns_flow_hash(a.ns, &r, &l) != h);
	assert_true(ns_flow_hash(a.ns, &l, &r6) != h);
	lab_start(&b, NULL);
	lab_fill(&b, b.ns->hash_key, 16);
	assert_true(ns_flow_hash(b.ns, &l, &r) != h);
	lab_end(&a);
	lab_end(&b);
}

static void test_ports(void **state)
{
	static uint8_t seen[65536];
	struct adit_endpoint l = { us4, 0 }, r = { peer4, 443 }, other = { peer4, 80 };
	const struct time_wait_info info = { .timestamps = true }, plain = { .timestamps = false };
	static struct adit_sock *s[PORTS];
	struct lab lab;
	uint16_t first, port;

	(void)state;
	memset(seen, 0, sizeof(seen));
	lab_start(&lab, NULL);
	first = flow_ephemeral_port(lab.ns, &us4, &r, lab.now);
	assert_in_range(first, 32768, 60999);
	/* elsewhere it begins elsewhere (RFC 6056 3.3.3) */
	assert_true(flow_ephemeral_port(lab.ns, &us4, &other, lab.now) != first + 1);
	for (int i = 0; i < PORTS; i++) {
		l.port = flow_ephemeral_port(lab.ns, &us4, &r, lab.now);
		assert_in_range(l.port, 32768, 60999);
		assert_int_equal(seen[l.port]++, 0);
		s[i] = new_flow(&lab, &l, &r);
	}
	assert_int_equal(flow_ephemeral_port(lab.ns, &us4, &r, lab.now), 0);
	assert_int_not_equal(flow_ephemeral_port(lab.ns, &us4, &other, lab.now), 0); /* a pool for each remote */
	/* in TIME-WAIT it is taken; with timestamps only for a second */
	l = s[100]->local;
	free_flow(&lab, s[100]);
	time_wait_add(lab.ns, &l, &r, &plain, lab.now);
	assert_int_equal(flow_ephemeral_port(lab.ns, &us4, &r, lab.now + 10 * ADIT_SEC), 0);
	time_wait_add(lab.ns, &l, &r, &info, lab.now);
	assert_int_equal(flow_ephemeral_port(lab.ns, &us4, &r, lab.now + ADIT_SEC / 2), 0);
	assert_int_equal(flow_ephemeral_port(lab.ns, &us4, &r, lab.now + 2 * ADIT_SEC), l.port);
	assert_int_equal(adit_map_size(&lab.ns->time_wait), 0);
	s[100] = new_flow(&lab, &l, &r);
	/* one that is free is found among them */
	port = s[20000]->local.port;
	free_flow(&lab, s[20000]);
	assert_int_equal(flow_ephemeral_port(lab.ns, &us4, &r, lab.now), port);
	for (int i = 0; i < PORTS; i++)
		if (i != 20000)
			free_flow(&lab, s[i]);
	lab_end(&lab);
}

/* Many connections one after another to one place: rested ports are used again, without a long search. */
static void test_ports_in_turn(void **state)
{
	struct adit_endpoint l = { us4, 0 }, r = { peer4, 443 };
	const struct time_wait_info info = { .timestamps = true };
	struct lab lab;

	(void)state;
	lab_start(&lab, NULL);
	for (int i = 0; i < 100000; i++) {
		l.port = flow_ephemeral_port(lab.ns, &us4, &r, lab.now);
		assert_int_not_equal(l.port, 0);
		time_wait_add(lab.ns, &l, &r, &info, lab.now);
		lab.now += ADIT_MSEC / 10;
		adit_netstack_tick(lab.ns, lab.now);
	}
	lab_end(&lab);
}

static void test_events(void **state)
{
	struct adit_endpoint l = { us4, 1 }, r = { peer4, 2 }, l6 = { us6, 1 }, r6 = { peer6, 2 };
	struct adit_sock *a, *b, *got;
	struct lab lab;
	unsigned what;

	(void)state;
	lab_start(&lab, NULL);
	a = new_flow(&lab, &l, &r);
	b = new_flow(&lab, &l6, &r6);
	adit_sock_set_user(a, &lab);
	assert_ptr_equal(adit_sock_user(a), &lab);
	assert_null(adit_netstack_event(lab.ns, &what));
	ns_event(b, ADIT_EV_READABLE);
	ns_event(a, ADIT_EV_CONNECTED);
	ns_event(b, ADIT_EV_EOF);
	ns_event(a, 0);
	ns_check(lab.ns);
	assert_ptr_equal(adit_netstack_event(lab.ns, &what), b);
	assert_int_equal(what, ADIT_EV_READABLE | ADIT_EV_EOF);
	ns_event(b, ADIT_EV_WRITABLE); /* once more, after a */
	assert_ptr_equal(adit_netstack_event(lab.ns, &what), a);
	assert_int_equal(what, ADIT_EV_CONNECTED);
	assert_ptr_equal(adit_netstack_event(lab.ns, &what), b);
	assert_null(adit_netstack_event(lab.ns, &what));
	/* the walk shows the program's, an orphan hears nothing */
	assert_ptr_equal(adit_netstack_next_tcp(lab.ns, NULL), a);
	assert_ptr_equal(adit_netstack_next_tcp(lab.ns, a), b);
	assert_null(adit_netstack_next_tcp(lab.ns, b));
	a->orphan = true;
	ns_event(a, ADIT_EV_READABLE);
	assert_null(adit_netstack_event(lab.ns, &what));
	assert_ptr_equal(adit_netstack_next_tcp(lab.ns, NULL), b);
	/* an address goes: its connections, not the others */
	assert_int_equal(adit_netstack_remove_address(lab.ns, &us6, lab.now), 0);
	assert_int_equal(tcp_double.resets, 1);
	got = adit_netstack_event(lab.ns, &what);
	assert_ptr_equal(got, b);
	assert_int_equal(adit_sock_error(got), -ECONNRESET);
	ns_event(b, ADIT_EV_ERROR);
	free_flow(&lab, b); /* freed with an event not pulled */
	assert_null(adit_netstack_event(lab.ns, &what));
	free_flow(&lab, a);
	lab_end(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find), cmocka_unit_test(test_hash), cmocka_unit_test(test_ports),
		cmocka_unit_test(test_ports_in_turn), cmocka_unit_test(test_events),
	};

	return cmocka_run_group_tests_name("netstack_flow", tests, NULL, NULL);
}
