/* SPDX-License-Identifier: ISC */
/* netstack_udp_test.c - which socket gets a datagram, what waits, what is sent, ports */
#include "netstack_lab.h"

#include <errno.h>

static const int families[] = { 4, 6 };
#define FOR_BOTH(f) for (const int *fp = families; fp < families + 2; fp++) for (int f = *fp, once = 1; once; once = 0)

static uint8_t pkt[70000];

static struct adit_sock *open_sock(struct lab *lab, const struct adit_endpoint *local,
				   const struct adit_endpoint *remote)
{
	struct adit_sock *s;

	assert_int_equal(adit_udp_sock_open(lab->ns, &s, local, remote, NULL), 0);
	return s;
}

/* Which of the sockets a datagram from the peer's port 5000 to our port 53 reaches. */
static int reached(struct lab *lab, int family, struct adit_sock *const *socks, int cnt)
{
	struct adit_udp_msg m;
	int which = -1;

	lab_in(lab, pkt, lab_udp(pkt, family, 5000, 53, 9));
	for (int i = 0; i < cnt; i++) {
		if (!socks[i] || !adit_udp_sock_recv(socks[i], &m))
			continue;
		assert_int_equal(which, -1);
		which = i;
		assert_int_equal(m.len, 9);
		lab_is_pattern(m.data, 9);
		assert_int_equal(m.remote.port, 5000);
		assert_int_equal(m.local.port, 53);
		assert_true(ip_same_addr(&m.remote.addr, lab_peer(family)));
		assert_true(ip_same_addr(&m.local.addr, lab_us(family)));
	}
	return which;
}

static void test_most_specific(void **state)
{
	struct lab lab;

	(void)state;
	FOR_BOTH(f) {
		struct adit_endpoint here = { *lab_us(f), 53 }, everywhere = { .port = 53 };
		struct adit_endpoint peer = { *lab_peer(f), 5000 }, other = { *lab_peer(f), 5001 };
		struct adit_sock *s[5], *again;

		lab_start(&lab, NULL);
		s[0] = open_sock(&lab, &here, &other); /* never reached */
		s[1] = open_sock(&lab, &everywhere, NULL);
		s[2] = open_sock(&lab, &here, NULL);
		s[3] = open_sock(&lab, &here, &peer);
		s[4] = NULL;
		assert_int_equal(adit_udp_sock_open(lab.ns, &again, &here, &peer, NULL), -EADDRINUSE);
		assert_int_equal(adit_udp_sock_open(lab.ns, &again, &everywhere, NULL, NULL), -EADDRINUSE);
		/* all the ways to close them: whichever is left and most specific gets it */
		assert_int_equal(reached(&lab, f, s, 5), 3);
		adit_udp_sock_close(s[3]);
		s[3] = NULL;
		assert_int_equal(reached(&lab, f, s, 5), 2);
		adit_udp_sock_close(s[0]); /* the first of those that share an endpoint */
		s[0] = NULL;
		assert_int_equal(reached(&lab, f, s, 5), 2);
		adit_udp_sock_close(s[2]);
		s[2] = NULL;
		assert_int_equal(reached(&lab, f, s, 5), 1);
		assert_int_equal(lab_all_drops(&lab), 0);
		adit_udp_sock_close(s[1]);
		s[1] = NULL;
		assert_int_equal(reached(&lab, f, s, 5), -1);
		assert_int_equal(lab_drops(&lab, ADIT_DROP_no_socket), 1);
		assert_int_equal(lab_out(&lab), f == 4 ? 20 + 8 + 37 : 40 + 8 + 57); /* port unreachable */
		assert_int_equal(lab.out[f == 4 ? 20 : 40], f == 4 ? 3 : 1);
		assert_int_equal(lab.out[f == 4 ? 21 : 41], f == 4 ? 3 : 4);
		lab_end(&lab);
	}
}

static void test_opening(void **state)
{
	struct adit_endpoint foreign = { peer4, 53 }, to4 = { peer4, 53 }, to6 = { peer6, 53 }, from4 = { us4, 0 };
	struct adit_endpoint e;
	struct adit_sock *s;
	struct lab lab;

	(void)state;
	lab_start(&lab, NULL);
	assert_int_equal(adit_udp_sock_open(lab.ns, &s, &foreign, NULL, NULL), -EADDRNOTAVAIL);
	assert_int_equal(adit_udp_sock_open(lab.ns, &s, &from4, &to6, NULL), -EADDRNOTAVAIL);
	assert_int_equal(adit_netstack_remove_address(lab.ns, &us6, lab.now), 0);
	assert_int_equal(adit_udp_sock_open(lab.ns, &s, NULL, &to6, NULL), -EADDRNOTAVAIL);
	s = open_sock(&lab, NULL, &to4); /* connected: from one address, which is known at once */
	adit_sock_local(s, &e);
	assert_true(ip_same_addr(&e.addr, &us4));
	assert_in_range(e.port, 32768, 60999);
	adit_sock_remote(s, &e);
	assert_true(ip_same_endpoint(&e, &to4));
	assert_int_equal(adit_sock_kind(s), ADIT_SOCK_UDP);
	assert_int_equal(adit_udp_sock_send(s, NULL, "x", 1, lab.now), 0);
	assert_int_equal(lab_out(&lab), 29);
	adit_udp_sock_close(s);
	s = open_sock(&lab, NULL, NULL);
	assert_int_equal(adit_udp_sock_send(s, NULL, "x", 1, lab.now), -ENETUNREACH);
	assert_int_equal(adit_udp_sock_send(s, &to6, "x", 1, lab.now), -ENETUNREACH);
	assert_int_equal(adit_udp_sock_send(s, &to4, pkt, 65508, lab.now), -EMSGSIZE);
	assert_int_equal(adit_udp_sock_send(s, &to4, pkt, 65507, lab.now), 0);
	adit_udp_sock_close(s);
	s = open_sock(&lab, &from4, NULL);
	assert_int_equal(adit_netstack_remove_address(lab.ns, &us4, lab.now), 0);
	assert_int_equal(adit_udp_sock_send(s, &to4, "x", 1, lab.now), -ENETUNREACH);
	lab_end(&lab);
}

/* Nine ports of ten of an address are found, none twice; the search for one of the last is bounded, and so is that
 * where there is none; another address has its own. */
static void test_port_exhaustion(void **state)
{
	enum { PORTS = 61000 - 32768 };
	struct adit_endpoint here4 = { us4, 0 }, here6 = { us6, 0 }, e;
	static uint8_t seen[65536];
	struct adit_sock *s, *last = NULL;
	struct lab lab;
	unsigned jumps = 0, before = 0;

	(void)state;
	lab_start(&lab, NULL);
	memset(seen, 0, sizeof(seen));
	for (int i = 0; i < PORTS * 9 / 10; i++) {
		s = open_sock(&lab, &here4, NULL);
		adit_sock_local(s, &e);
		assert_in_range(e.port, 32768, 60999);
		assert_int_equal(seen[e.port]++, 0);
		jumps += i > 0 && i < 1000 && e.port != before + 1;
		before = e.port;
		last = i == 12345 ? s : last;
	}
	assert_true(jumps > 900); /* nobody guesses the next one */
	for (e.port = 32768; e.port < 61000; e.port++) {
		struct adit_endpoint this4 = { us4, e.port };

		if (!seen[e.port])
			open_sock(&lab, &this4, NULL);
	}
	before = lab.randoms;
	assert_int_equal(adit_udp_sock_open(lab.ns, &s, &here4, NULL, NULL), -EADDRNOTAVAIL);
	assert_int_equal(adit_udp_sock_open(lab.ns, &s, NULL, NULL, NULL), -EADDRNOTAVAIL); /* any includes it */
	assert_in_range(lab.randoms - before, 2, 256);
	open_sock(&lab, &here6, NULL);
	adit_sock_local(last, &e);
	adit_udp_sock_close(last);
	assert_int_equal(adit_udp_sock_open(lab.ns, &s, &e, NULL, NULL), 0); /* it is free */
	assert_int_equal(lab.ns->udp_cnt, PORTS + 1);
	lab_end(&lab);
}

static void test_datagram_rules(void **state)
{
	struct adit_endpoint port = { .port = 53 };
	struct adit_udp_msg m;
	struct adit_sock *s;
	struct lab lab;
	unsigned what;
	size_t len;

	(void)state;
	lab_start(&lab, NULL);
	s = open_sock(&lab, &port, NULL);
	FOR_BOTH(f) {
		size_t off = f == 4 ? 20 : 40;

		/* without a checksum: IPv4 may, IPv6 may not */
		len = lab_udp(pkt, f, 5000, 53, 20);
		memset(pkt + off + 6, 0, 2);
		assert_int_equal(lab_in(&lab, pkt, len), f == 4 ? ADIT_DROP_NONE : ADIT_DROP_checksum_wrong);
		assert_true(adit_udp_sock_recv(s, &m) == (f == 4));
		len = lab_udp(pkt, f, 5000, 53, 20);
		pkt[len - 1] ^= 1;
		assert_int_equal(lab_in(&lab, pkt, len), ADIT_DROP_checksum_wrong);
		/* shorter than the IP packet: the rest is not part of it; longer or too short: no datagram */
		len = lab_udp(pkt, f, 5000, 53, 20);
		adit_put_be16(pkt + off + 4, 8 + 5);
		lab_sum(pkt, off, off + 13, ADIT_IPPROTO_UDP, 6);
		assert_int_equal(lab_in(&lab, pkt, len), ADIT_DROP_NONE);
		assert_true(adit_udp_sock_recv(s, &m));
		assert_int_equal(m.len, 5);
		adit_put_be16(pkt + off + 4, 29);
		assert_int_equal(lab_in(&lab, pkt, len), ADIT_DROP_bad_transport);
		adit_put_be16(pkt + off + 4, 7);
		assert_int_equal(lab_in(&lab, pkt, len), ADIT_DROP_bad_transport);
		/* empty */
		assert_int_equal(lab_in(&lab, pkt, lab_udp(pkt, f, 5000, 53, 0)), ADIT_DROP_NONE);
		assert_true(adit_udp_sock_recv(s, &m));
		assert_int_equal(m.len, 0);
		assert_false(adit_udp_sock_recv(s, &m));
		/* port 0 is nobody's */
		assert_int_equal(lab_in(&lab, pkt, lab_udp(pkt, f, 5000, 0, 1)), ADIT_DROP_no_socket);
	}
	assert_ptr_equal(adit_netstack_event(lab.ns, &what), s);
	assert_int_equal(what, ADIT_EV_READABLE);
	assert_null(adit_netstack_event(lab.ns, &what));
	lab_end(&lab);
}

/* Merged datagrams come out one by one, wherever they were cut. */
static void test_merged(void **state)
{
	struct adit_endpoint port = { .port = 53 };
	struct adit_udp_msg m;
	struct adit_sock *s;
	struct lab lab;

	(void)state;
	lab_start(&lab, NULL);
	s = open_sock(&lab, &port, NULL);
	FOR_BOTH(f) {
		size_t hdr = f == 4 ? 28 : 48, at = 0;
		struct iovec iov[3] = { { pkt, hdr + 10 }, { pkt + hdr + 10, 1500 }, { pkt + hdr + 1510, 1193 } };

		lab_udp(pkt, f, 5000, 53, 2703);
		adit_put_be16(pkt + hdr - 4, 8 + 900);
		adit_netstack_in(lab.ns, iov, 3, 900, lab.now);
		adit_netstack_in_end(lab.ns, lab.now);
		for (int i = 0; i < 4; i++) {
			assert_true(adit_udp_sock_recv(s, &m));
			assert_int_equal(m.len, i < 3 ? 900 : 3);
			for (size_t k = 0; k < m.len; k++)
				assert_int_equal(m.data[k], lab_byte(at++));
		}
		assert_false(adit_udp_sock_recv(s, &m));
	}
	assert_int_equal(lab.ns->n.packets_in, 8);
	lab_end(&lab);
}

/* What waits is bounded by the socket's limit and by the budget, and charged to it. */
static void test_limits(void **state)
{
	struct adit_endpoint port = { .port = 53 };
	struct adit_udp_msg m;
	struct adit_sock *s;
	struct lab lab;
	unsigned n = 0, got = 0;

	(void)state;
	lab_start(&lab, NULL);
	s = open_sock(&lab, &port, NULL);
	adit_udp_sock_set_limit(s, 10000);
	while (lab_in(&lab, pkt, lab_udp(pkt, 4, 5000, 53, 900)) == ADIT_DROP_NONE)
		n++;
	assert_in_range(n, 9, 11);
	assert_int_equal(lab_drops(&lab, ADIT_DROP_sock_full), 1);
	assert_in_range(lab.budget.used, n * 900, 10000);
	while (adit_udp_sock_recv(s, &m))
		got++;
	assert_int_equal(got, n);
	assert_int_equal(lab.budget.used, 0); /* the last recv gave the last one back */
	adit_udp_sock_set_limit(s, 1 << 20);
	lab.budget.limit = 5000;
	for (n = 0; lab_in(&lab, pkt, lab_udp(pkt, 6, 5000, 53, 900)) == ADIT_DROP_NONE; n++)
		;
	assert_int_equal(n, 5);
	assert_int_equal(lab_drops(&lab, ADIT_DROP_no_memory), 1);
	/* merged ones: those that fit are kept */
	lab.budget.limit = 64 << 20;
	adit_udp_sock_set_limit(s, 8000);
	lab_udp(pkt, 4, 5000, 53, 9000);
	adit_netstack_in(lab.ns, &(struct iovec){ pkt, 9028 }, 1, 1000, lab.now);
	assert_int_equal(lab_drops(&lab, ADIT_DROP_sock_full), 1 + 9 - 3);
	adit_udp_sock_recv(s, &m); /* lent when the socket is closed */
	adit_udp_sock_close(s);
	assert_int_equal(lab.budget.used, 0);
	lab_end(&lab);
}

static void test_icmp_errors(void **state)
{
	struct adit_endpoint port = { .port = 53 };
	struct adit_sock *connected, *open;
	struct lab lab;
	unsigned what;

	(void)state;
	FOR_BOTH(f) {
		struct adit_endpoint peer = { *lab_peer(f), 5000 }, here = { *lab_us(f), 60 };
		uint8_t quote[1500];
		uint32_t len;

		lab_start(&lab, NULL);
		connected = open_sock(&lab, &here, &peer);
		open = open_sock(&lab, &port, NULL);
		adit_udp_sock_send(connected, NULL, "abc", 3, lab.now);
		len = lab_out(&lab);
		memcpy(quote, lab.out, len);
		assert_int_equal(lab_in(&lab, pkt, lab_icmp(pkt, f, f == 4 ? 3 : 1, f == 4 ? 3 : 4, 0, quote, len)),
				 ADIT_DROP_NONE);
		assert_ptr_equal(adit_netstack_event(lab.ns, &what), connected);
		assert_int_equal(what, ADIT_EV_ERROR);
		assert_int_equal(adit_sock_error(connected), -ECONNREFUSED);
		/* a socket with many remotes is not told; one that never sent it does not exist */
		adit_udp_sock_send(open, &peer, "abc", 3, lab.now);
		len = lab_out(&lab);
		memcpy(quote, lab.out, len);
		assert_int_equal(lab_in(&lab, pkt, lab_icmp(pkt, f, f == 4 ? 3 : 1, 1, 0, quote, len)), ADIT_DROP_NONE);
		assert_null(adit_netstack_event(lab.ns, &what));
		adit_put_be16(quote + (f == 4 ? 20 : 40), 54);
		assert_int_equal(lab_in(&lab, pkt, lab_icmp(pkt, f, f == 4 ? 3 : 1, 1, 0, quote, len)),
				 ADIT_DROP_icmp_ignored);
		lab_end(&lab);
	}
}

/* What one stack sends, in fragments or whole, another one receives. */
static void test_to_each_other(void **state)
{
	static const unsigned mtus[] = { 576, 577, 1280, 1281, 1420, 1500, 9000, 65535 };
	static const size_t lens[] = { 0, 1, 548, 549, 1232, 1392, 1393, 1472, 4000, 8192, 65507 };
	static uint8_t data[65507];
	struct adit_udp_msg m;

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = lab_byte(i);
	for (size_t i = 0; i < sizeof(mtus) / sizeof(mtus[0]); i++) {
		struct adit_netstack_config cfg = { .mtu = mtus[i] };
		struct lab a, b;

		FOR_BOTH(f) {
			struct adit_endpoint port = { .port = 53 }, to = { *lab_us(f), 53 };
			struct adit_sock *from, *s;

			lab_start(&a, &cfg);
			lab_start(&b, NULL);
			/* a has the peer's addresses */
			adit_netstack_remove_address(a.ns, &us4, a.now);
			adit_netstack_remove_address(a.ns, &us6, a.now);
			adit_netstack_add_address(a.ns, &peer4);
			adit_netstack_add_address(a.ns, &peer6);
			from = open_sock(&a, NULL, NULL);
			s = open_sock(&b, &port, NULL);
			for (size_t k = 0; k < sizeof(lens) / sizeof(lens[0]); k++) {
				uint32_t len;
				unsigned cnt = 0;

				assert_int_equal(adit_udp_sock_send(from, &to, data, lens[k], a.now), 0);
				while ((len = lab_out(&a))) {
					assert_true(len <= mtus[i] && ++cnt);
					assert_int_equal(lab_in(&b, a.out, len), ADIT_DROP_NONE);
				}
				assert_true((cnt == 1) == (lens[k] + (f == 4 ? 28 : 48) <= mtus[i]));
				assert_true(adit_udp_sock_recv(s, &m));
				assert_int_equal(m.len, lens[k]);
				assert_memory_equal(m.data, data, lens[k]);
				assert_false(adit_udp_sock_recv(s, &m));
			}
			lab_end(&a);
			lab_end(&b);
		}
	}
}

/* What finds no room is told when there is some, once, and not before half is gone. */
static void test_room(void **state)
{
	struct adit_endpoint to = { peer4, 9 }, from = { us4, 0 };
	struct adit_sock *s[3];
	unsigned what, sent = 0, taken = 0;
	struct lab lab;

	(void)state;
	lab_start(&lab, NULL);
	for (int i = 0; i < 3; i++)
		s[i] = open_sock(&lab, &from, NULL);
	while (adit_udp_sock_send(s[0], &to, pkt, 1000, lab.now) == 0)
		sent++;
	assert_int_equal(sent, NS_QUEUE_LEN / 1028);
	assert_int_equal(adit_udp_sock_send(s[0], &to, pkt, 1000, lab.now), -ENOBUFS);
	assert_int_equal(adit_udp_sock_send(s[1], &to, pkt, 4000, lab.now), -ENOBUFS); /* fragments: all or nothing */
	assert_int_equal(adit_udp_sock_send(s[2], &to, pkt, 1000, lab.now), -ENOBUFS);
	adit_udp_sock_close(s[2]); /* who goes is not told */
	assert_null(adit_netstack_event(lab.ns, &what));
	while (!(s[2] = adit_netstack_event(lab.ns, &what))) {
		assert_int_equal(lab_out(&lab), 1028);
		taken++;
	}
	assert_in_range(taken, sent / 2, sent / 2 + 2);
	assert_true(s[2] == s[0] && what == ADIT_EV_WRITABLE);
	assert_true(adit_netstack_event(lab.ns, &what) == s[1] && what == ADIT_EV_WRITABLE);
	while (lab_out(&lab))
		;
	assert_null(adit_netstack_event(lab.ns, &what));
	lab_end(&lab);
}

/* A datagram is answered as if nobody listened: header and ports are quoted. */
static void test_refuse(void **state)
{
	struct lab lab;

	(void)state;
	FOR_BOTH(f) {
		struct adit_endpoint here = { *lab_us(f), 53 }, from = { *lab_peer(f), 5000 };
		unsigned hdr = f == 4 ? 20 : 40;
		struct adit_sock *s;

		lab_start(&lab, NULL);
		s = open_sock(&lab, &here, NULL);
		adit_udp_sock_refuse(s, &from, -ECONNREFUSED, lab.now);
		assert_int_equal(lab_out(&lab), hdr + 8 + hdr + 8);
		assert_int_equal(lab.out[hdr], f == 4 ? 3 : 1);
		assert_int_equal(lab.out[hdr + 1], f == 4 ? 3 : 4);
		assert_int_equal(adit_get_be16(lab.out + hdr + 8 + hdr), 5000);
		assert_int_equal(adit_get_be16(lab.out + hdr + 8 + hdr + 2), 53);
		adit_udp_sock_refuse(s, &from, -EHOSTUNREACH, lab.now);
		assert_int_equal(lab_out(&lab), hdr + 8 + hdr + 8);
		assert_int_equal(lab.out[hdr + 1], f == 4 ? 1 : 3);
		lab_end(&lab);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_most_specific), cmocka_unit_test(test_opening),
		cmocka_unit_test(test_port_exhaustion), cmocka_unit_test(test_datagram_rules),
		cmocka_unit_test(test_merged), cmocka_unit_test(test_limits), cmocka_unit_test(test_icmp_errors),
		cmocka_unit_test(test_to_each_other), cmocka_unit_test(test_room), cmocka_unit_test(test_refuse),
	};

	return cmocka_run_group_tests_name("netstack_udp", tests, NULL, NULL);
}
