/* SPDX-License-Identifier: ISC */
/* netstack_icmp_test.c - echo both ways, errors that come and go, path MTUs */
#include "netstack_lab.h"

#include <errno.h>

static const int families[] = { 4, 6 };
#define FOR_BOTH(f) for (const int *fp = families; fp < families + 2; fp++) for (int f = *fp, once = 1; once; once = 0)

static uint8_t pkt[70000], data[65536];

static uint8_t echo_type(int f)
{
	return f == 4 ? 8 : 128;
}

static size_t l4_off(int f)
{
	return f == 4 ? 20 : 40;
}

/* --- echo -------------------------------------------------------------------------- */

static void test_echo(void **state)
{
	struct lab lab;

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = lab_byte(i);
	lab_start(&lab, NULL);
	FOR_BOTH(f) {
		size_t off = l4_off(f), len = lab_icmp(pkt, f, echo_type(f), 0, 0x12345678, data, 56);

		assert_int_equal(lab_in(&lab, pkt, len), ADIT_DROP_NONE);
		assert_int_equal(lab_out(&lab), len);
		assert_int_equal(lab.out[off], f == 4 ? 0 : 129);
		assert_int_equal(lab.out[off + 1], 0);
		assert_int_equal(adit_get_be32(lab.out + off + 4), 0x12345678);
		lab_is_pattern(lab.out + off + 8, 56);
		assert_memory_equal(lab.out + (f == 4 ? 12 : 8), lab_us(f)->bytes, f == 4 ? 4 : 16);
		assert_memory_equal(lab.out + (f == 4 ? 16 : 24), lab_peer(f)->bytes, f == 4 ? 4 : 16);
		/* in pieces */
		adit_netstack_in(lab.ns, (struct iovec[]){ { pkt, off + 11 }, { pkt + off + 11, 20 },
			{ pkt + off + 31, len - off - 31 } }, 3, 0, lab.now);
		assert_int_equal(lab_out(&lab), len);
		lab_is_pattern(lab.out + off + 8, 56);
		/* cut off */
		for (size_t l4 = 0; l4 < 8; l4++) {
			lab_ip(pkt, lab_peer(f), lab_us(f), f == 4 ? 1 : 58, l4);
			assert_int_equal(lab_in(&lab, pkt, off + l4), ADIT_DROP_bad_transport);
		}
		/* larger than the MTU: the answer leaves in fragments, which make the same again */
		len = lab_icmp(pkt, f, echo_type(f), 0, 7, data, 4000);
		assert_int_equal(lab_in(&lab, pkt, len), ADIT_DROP_NONE);
		for (unsigned n = 0; n < 3; n++)
			assert_in_range(lab_out(&lab), off + 9, 1420);
		assert_int_equal(lab_out(&lab), 0);
	}
	lab_end(&lab);
}

static void test_echo_limit(void **state)
{
	struct lab lab;
	size_t len;

	(void)state;
	lab_start(&lab, NULL);
	len = lab_icmp(pkt, 4, 8, 0, 1, data, 8);
	for (int i = 0; i < 3000; i++) {
		lab_in(&lab, pkt, len);
		lab_out(&lab);
	}
	assert_int_equal(lab.ns->n.packets_out, 1000);
	assert_int_equal(lab_drops(&lab, ADIT_DROP_echo_limited), 2000);
	lab.now += ADIT_SEC / 10;
	assert_int_equal(lab_in(&lab, pkt, len), ADIT_DROP_NONE);
	lab_end(&lab);
}

/* Ours to another stack and back, fragments and all. */
static void test_ping(void **state)
{
	struct adit_sock *p, *other, *none;
	struct lab a, b;
	unsigned what;
	uint16_t seq;

	(void)state;
	FOR_BOTH(f) {
		lab_start(&a, NULL);
		lab_start(&b, NULL);
		adit_netstack_remove_address(a.ns, lab_us(f), a.now);
		assert_int_equal(adit_ping_open(a.ns, &none, lab_peer(f), NULL), -EADDRNOTAVAIL);
		adit_netstack_add_address(a.ns, lab_peer(f));
		assert_int_equal(adit_ping_open(a.ns, &p, lab_us(f), &a), 0);
		assert_int_equal(adit_ping_open(a.ns, &other, lab_us(f), &a), 0);
		for (uint16_t i = 1; i <= 5; i++) {
			uint32_t len;

			assert_int_equal(adit_ping_send(p, i, data, i == 1 ? 0 : i * 900u, a.now), 0);
			while ((len = lab_out(&a)))
				assert_int_equal(lab_in(&b, a.out, len), ADIT_DROP_NONE);
			while ((len = lab_out(&b)))
				assert_int_equal(lab_in(&a, b.out, len), ADIT_DROP_NONE);
		}
		assert_ptr_equal(adit_netstack_event(a.ns, &what), p);
		assert_int_equal(what, ADIT_EV_READABLE);
		assert_null(adit_netstack_event(a.ns, &what));
		for (uint16_t i = 1; i <= 5; i++) {
			assert_true(adit_ping_recv(p, &seq));
			assert_int_equal(seq, i);
		}
		assert_false(adit_ping_recv(p, &seq));
		assert_false(adit_ping_recv(other, &seq));
		adit_ping_close(other);
		assert_int_equal(adit_ping_send(p, 9, data, 65536, a.now), -EMSGSIZE);
		lab_end(&a);
		lab_end(&b);
	}
}

/* --- errors that come ---------------------------------------------------------------- */

/* A packet of ours to the peer, as it would be quoted. */
static size_t ours(uint8_t *p, int f, uint8_t protocol, size_t l4_len)
{
	size_t off = lab_ip(p, lab_us(f), lab_peer(f), protocol, l4_len);

	memset(p + off, 0, l4_len);
	adit_put_be16(p + off, 40000);
	adit_put_be16(p + off + 2, 443);
	adit_put_be32(p + off + 4, 0xabcdef01);
	return off + l4_len;
}

static void test_reports_to_tcp(void **state)
{
	static const struct {
		uint8_t family, type, code;
		uint32_t rest;
		int error; /* 0: not for TCP */
		enum icmp_kind kind;
		unsigned mtu;
	} cases[] = {
		{ 4, 3, 0, 0, -ENETUNREACH, ICMP_GOT_UNREACHABLE, 0 },
		{ 4, 3, 1, 0, -EHOSTUNREACH, ICMP_GOT_UNREACHABLE, 0 },
		{ 4, 3, 2, 0, -ECONNREFUSED, ICMP_GOT_UNREACHABLE, 0 },
		{ 4, 3, 3, 0, -ECONNREFUSED, ICMP_GOT_UNREACHABLE, 0 },
		{ 4, 3, 4, 1300, -EMSGSIZE, ICMP_GOT_TOO_BIG, 1300 },
		{ 4, 3, 4, 552, -EMSGSIZE, ICMP_GOT_TOO_BIG, 552 },
		{ 4, 3, 4, 551, 0, ICMP_GOT_TOO_BIG, 0 },
		{ 4, 3, 4, 68, 0, ICMP_GOT_TOO_BIG, 0 },
		{ 4, 3, 4, 0, -EMSGSIZE, ICMP_GOT_TOO_BIG, 1006 }, /* an old router; the quoted packet has 1400 bytes */
		{ 4, 3, 9, 0, -EACCES, ICMP_GOT_UNREACHABLE, 0 },
		{ 4, 3, 13, 0, -EACCES, ICMP_GOT_UNREACHABLE, 0 },
		{ 4, 3, 77, 0, -EHOSTUNREACH, ICMP_GOT_UNREACHABLE, 0 },
		{ 4, 11, 0, 0, -EHOSTUNREACH, ICMP_GOT_TIME_EXCEEDED, 0 },
		{ 4, 12, 0, 0, -EHOSTUNREACH, ICMP_GOT_UNREACHABLE, 0 },
		{ 4, 4, 0, 0, 0, ICMP_GOT_UNREACHABLE, 0 },  /* source quench */
		{ 4, 5, 1, 0, 0, ICMP_GOT_UNREACHABLE, 0 },  /* redirect */
		{ 4, 13, 0, 0, 0, ICMP_GOT_UNREACHABLE, 0 }, /* timestamp */
		{ 6, 1, 0, 0, -ENETUNREACH, ICMP_GOT_UNREACHABLE, 0 },
		{ 6, 1, 1, 0, -EACCES, ICMP_GOT_UNREACHABLE, 0 },
		{ 6, 1, 3, 0, -EHOSTUNREACH, ICMP_GOT_UNREACHABLE, 0 },
		{ 6, 1, 4, 0, -ECONNREFUSED, ICMP_GOT_UNREACHABLE, 0 },
		{ 6, 1, 99, 0, -EHOSTUNREACH, ICMP_GOT_UNREACHABLE, 0 },
		{ 6, 2, 0, 1280, -EMSGSIZE, ICMP_GOT_TOO_BIG, 1280 },
		{ 6, 2, 0, 1279, 0, ICMP_GOT_TOO_BIG, 0 },
		{ 6, 3, 0, 0, -EHOSTUNREACH, ICMP_GOT_TIME_EXCEEDED, 0 },
		{ 6, 4, 1, 40, -ECONNREFUSED, ICMP_GOT_UNREACHABLE, 0 },
		{ 6, 4, 0, 4, -EHOSTUNREACH, ICMP_GOT_UNREACHABLE, 0 },
		{ 6, 135, 0, 0, 0, ICMP_GOT_UNREACHABLE, 0 }, /* neighbour discovery */
		{ 6, 137, 0, 0, 0, ICMP_GOT_UNREACHABLE, 0 },
	};
	uint8_t quote[1500];
	struct lab lab;

	(void)state;
	lab_start(&lab, NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int f = cases[i].family;
		size_t len = ours(quote, f, ADIT_IPPROTO_TCP, 1400 - l4_off(f));

		memset(&tcp_double, 0, sizeof(tcp_double));
		len = lab_icmp(pkt, f, cases[i].type, cases[i].code, cases[i].rest, quote, len < 548 ? len : 548);
		assert_int_equal(lab_in(&lab, pkt, len), cases[i].error ? ADIT_DROP_NONE : ADIT_DROP_icmp_ignored);
		assert_int_equal(tcp_double.icmps, cases[i].error != 0);
		if (!cases[i].error)
			continue;
		assert_int_equal(tcp_double.error, cases[i].error);
		assert_int_equal(tcp_double.kind, cases[i].kind);
		assert_int_equal(tcp_double.mtu, cases[i].mtu);
		assert_int_equal(tcp_double.seq, 0xabcdef01);
		assert_int_equal(tcp_double.local.port, 40000);
		assert_int_equal(tcp_double.remote.port, 443);
		assert_true(ip_same_addr(&tcp_double.local.addr, lab_us(f)));
		assert_true(ip_same_addr(&tcp_double.remote.addr, lab_peer(f)));
	}
	assert_int_equal(lab_out(&lab), 0); /* none of them is answered */
	lab_end(&lab);
}

/* What is quoted must be a packet of ours, and enough of it. */
static void test_bad_quotes(void **state)
{
	uint8_t quote[1500];
	struct lab lab;

	(void)state;
	lab_start(&lab, NULL);
	FOR_BOTH(f) {
		uint8_t type = f == 4 ? 3 : 1;
		size_t off = l4_off(f), len = ours(quote, f, ADIT_IPPROTO_TCP, 20);

		for (size_t cut = 0; cut <= len; cut++)
			assert_int_equal(lab_in(&lab, pkt, lab_icmp(pkt, f, type, 1, 0, quote, cut)),
					 cut < off + 8 ? ADIT_DROP_icmp_ignored : ADIT_DROP_NONE);
		quote[f == 4 ? 15 : 23] ^= 4; /* somebody else's */
		assert_int_equal(lab_in(&lab, pkt, lab_icmp(pkt, f, type, 1, 0, quote, len)), ADIT_DROP_icmp_ignored);
		ours(quote, f, ADIT_IPPROTO_TCP, 20);
		quote[0] ^= 0x20; /* the other IP version */
		assert_int_equal(lab_in(&lab, pkt, lab_icmp(pkt, f, type, 1, 0, quote, len)), ADIT_DROP_icmp_ignored);
		ours(quote, f, 99, 20);
		assert_int_equal(lab_in(&lab, pkt, lab_icmp(pkt, f, type, 1, 0, quote, len)), ADIT_DROP_icmp_ignored);
		ours(quote, f, ADIT_IPPROTO_UDP, 20); /* no such socket */
		assert_int_equal(lab_in(&lab, pkt, lab_icmp(pkt, f, type, 1, 0, quote, len)), ADIT_DROP_icmp_ignored);
		ours(quote, f, f == 4 ? 1 : 58, 20); /* no such ping; nor is it one */
		assert_int_equal(lab_in(&lab, pkt, lab_icmp(pkt, f, type, 1, 0, quote, len)), ADIT_DROP_icmp_ignored);
		quote[off] = echo_type(f);
		assert_int_equal(lab_in(&lab, pkt, lab_icmp(pkt, f, type, 1, 0, quote, len)), ADIT_DROP_icmp_ignored);
		lab_icmp(pkt, f, f == 4 ? 0 : 129, 0, 0x00010002, NULL, 0); /* an answer nobody waits for */
		assert_int_equal(lab_in(&lab, pkt, off + 8), ADIT_DROP_icmp_ignored);
	}
	ours(quote, 4, ADIT_IPPROTO_TCP, 20);
	adit_put_be16(quote + 6, 1); /* a later fragment: what looks like ports is not */
	assert_int_equal(lab_in(&lab, pkt, lab_icmp(pkt, 4, 3, 1, 0, quote, 40)), ADIT_DROP_icmp_ignored);
	lab_end(&lab);
}

/* --- path MTUs ------------------------------------------------------------------------ */

static void test_path_mtu(void **state)
{
	struct adit_sock *s, *p;
	uint8_t quote[1500];
	struct lab lab;

	(void)state;
	FOR_BOTH(f) {
		struct adit_endpoint to = { *lab_peer(f), 53 };
		uint8_t type = f == 4 ? 3 : 2, code = f == 4 ? 4 : 0;
		uint32_t len;

		lab_start(&lab, NULL);
		assert_int_equal(adit_udp_sock_open(lab.ns, &s, NULL, NULL, NULL), 0);
		assert_int_equal(adit_udp_sock_send(s, &to, data, 1420 - l4_off(f) - 8, lab.now), 0);
		assert_int_equal(len = lab_out(&lab), 1420);
		memcpy(quote, lab.out, len);
		assert_int_equal(lab_in(&lab, pkt, lab_icmp(pkt, f, type, code, 1300, quote, 500)), ADIT_DROP_NONE);
		assert_int_equal(pmtu_get(lab.ns, lab_peer(f), lab.now), 1300);
		assert_int_equal(pmtu_get(lab.ns, lab_us(f), lab.now), 1420); /* others are not concerned */
		assert_int_equal(adit_sock_error(s), 0); /* the next one is sent in fragments: */
		assert_int_equal(adit_udp_sock_send(s, &to, data, 1420 - l4_off(f) - 8, lab.now), 0);
		assert_in_range(lab_out(&lab), 1200, 1300);
		assert_in_range(lab_out(&lab), l4_off(f) + 9, 300);
		assert_int_equal(lab_out(&lab), 0);
		/* it does not go up, nor below the floor */
		lab_in(&lab, pkt, lab_icmp(pkt, f, type, code, 1400, quote, 500));
		assert_int_equal(pmtu_get(lab.ns, lab_peer(f), lab.now), 1300);
		lab_in(&lab, pkt, lab_icmp(pkt, f, type, code, f == 4 ? 551 : 1279, quote, 500));
		assert_int_equal(pmtu_get(lab.ns, lab_peer(f), lab.now), 1300);
		pmtu_set(lab.ns, lab_peer(f), 100, lab.now);
		assert_int_equal(pmtu_get(lab.ns, lab_peer(f), lab.now), f == 4 ? 552 : 1280);
		/* and is forgotten after ten minutes */
		lab.now += 599 * ADIT_SEC;
		assert_int_equal(pmtu_get(lab.ns, lab_peer(f), lab.now), f == 4 ? 552 : 1280);
		lab.now += ADIT_SEC;
		assert_int_equal(pmtu_get(lab.ns, lab_peer(f), lab.now), 1420);
		/* our own echo requests teach it as well */
		assert_int_equal(adit_ping_open(lab.ns, &p, lab_peer(f), NULL), 0);
		assert_int_equal(adit_ping_send(p, 1, data, 1300, lab.now), 0);
		len = lab_out(&lab);
		memcpy(quote, lab.out, len);
		lab_in(&lab, pkt, lab_icmp(pkt, f, type, code, 1290, quote, 500));
		assert_int_equal(pmtu_get(lab.ns, lab_peer(f), lab.now), 1290);
		assert_int_equal(lab_in(&lab, pkt, lab_icmp(pkt, f, f == 4 ? 11 : 3, 0, 0, quote, 500)), ADIT_DROP_NONE);
		assert_int_equal(adit_sock_error(p), -EHOSTUNREACH);
		lab_end(&lab);
	}
}

/* The cache is of a fixed size, and the newest are in it. */
static void test_path_mtu_cache(void **state)
{
	struct adit_addr a = peer6;
	struct lab lab;
	size_t used;
	unsigned known = 0;

	(void)state;
	lab_start(&lab, NULL);
	for (int i = 0; i < 5000; i++) {
		adit_put_be32(a.bytes + 4, (uint32_t)i);
		pmtu_set(lab.ns, &a, 1300, lab.now + i);
		assert_int_equal(pmtu_get(lab.ns, &a, lab.now + i), 1300);
		if (i == 0)
			used = lab.budget.used;
	}
	assert_int_equal(lab.budget.used, used);
	for (int i = 0; i < 5000; i++) {
		adit_put_be32(a.bytes + 4, (uint32_t)i);
		known += pmtu_get(lab.ns, &a, lab.now) == 1300;
	}
	assert_in_range(known, 900, 1024);
	lab_end(&lab);
	lab_start(&lab, NULL);
	lab.budget.limit = 100;
	pmtu_set(lab.ns, &a, 1300, lab.now); /* without memory nothing is learned */
	assert_int_equal(pmtu_get(lab.ns, &a, lab.now), 1420);
	lab_end(&lab);
}

/* --- errors that go -------------------------------------------------------------------- */

static void test_errors_sent(void **state)
{
	struct lab lab;

	(void)state;
	lab_start(&lab, NULL);
	FOR_BOTH(f) {
		size_t off = l4_off(f), max = f == 4 ? 576 : 1280, len;

		/* the whole of a short packet is quoted, as much as fits of a long one */
		len = lab_udp(pkt, f, 1, 2, 10);
		assert_int_equal(lab_in(&lab, pkt, len), ADIT_DROP_no_socket);
		assert_int_equal(lab_out(&lab), off + 8 + len);
		assert_memory_equal(lab.out + off + 8, pkt, len);
		len = lab_udp(pkt, f, 1, 2, 1300);
		assert_int_equal(lab_in(&lab, pkt, len), ADIT_DROP_no_socket);
		assert_int_equal(lab_out(&lab), max);
		assert_memory_equal(lab.out + off + 8, pkt, max - off - 8);
		/* an unknown protocol; in IPv6 with the place of its number */
		lab_ip(pkt, lab_peer(f), lab_us(f), 99, 20);
		assert_int_equal(lab_in(&lab, pkt, off + 20), ADIT_DROP_unknown_protocol);
		assert_int_equal(lab_out(&lab), off + 8 + off + 20);
		assert_int_equal(lab.out[off], f == 4 ? 3 : 4);
		assert_int_equal(lab.out[off + 1], f == 4 ? 2 : 1);
		assert_int_equal(adit_get_be32(lab.out + off + 4), f == 4 ? 0 : 6);
		/* IPv6 behind a header of options */
		if (f == 6) {
			lab_ip(pkt, lab_peer(f), lab_us(f), 60, 28);
			memcpy(pkt + 40, "\143\0\1\4\0\0\0\0", 8);
			assert_int_equal(lab_in(&lab, pkt, off + 28), ADIT_DROP_unknown_protocol);
			assert_true(lab_out(&lab) > 0);
			assert_int_equal(adit_get_be32(lab.out + off + 4), 40);
			lab_ip(pkt, lab_peer(f), lab_us(f), 59, 0); /* "no next header": nothing to complain of */
			assert_int_equal(lab_in(&lab, pkt, 40), ADIT_DROP_unknown_protocol);
			assert_int_equal(lab_out(&lab), 0);
		}
	}
	lab_end(&lab);
}

static unsigned answered(struct lab *lab, size_t len)
{
	unsigned n = 0;

	lab->now += ADIT_SEC; /* the limit is another test's */
	icmp_send_error(lab->ns, ICMP_HOST_UNREACHABLE, pkt, len, lab->now);
	while (lab_out(lab))
		n++;
	return n;
}

static void test_silence(void **state)
{
	struct lab lab;
	size_t len;

	(void)state;
	lab_start(&lab, NULL);
	for (unsigned type = 0; type < 256; type++) {
		bool query = type == 0 || type == 8 || type == 13 || type == 14;

		len = lab_icmp(pkt, 4, (uint8_t)type, 0, 0, data, 8);
		assert_int_equal(answered(&lab, len), query);
		len = lab_icmp(pkt, 6, (uint8_t)type, 0, 0, data, 8);
		assert_int_equal(answered(&lab, len), type >= 128);
	}
	FOR_BOTH(f) {
		len = lab_udp(pkt, f, 1, 2, 10);
		assert_int_equal(answered(&lab, len), 1);
		for (size_t cut = 0; cut < l4_off(f); cut++)
			assert_int_equal(answered(&lab, cut), 0);
		pkt[f == 4 ? 16 : 24] = f == 4 ? 224 : 0xff; /* to a group */
		assert_int_equal(answered(&lab, len), 0);
		lab_udp(pkt, f, 1, 2, 10);
		pkt[f == 4 ? 12 : 8] = f == 4 ? 230 : 0xff; /* from one */
		assert_int_equal(answered(&lab, len), 0);
	}
	len = lab_udp(pkt, 4, 1, 2, 10);
	adit_put_be16(pkt + 6, 0x2000);
	assert_int_equal(answered(&lab, len), 1); /* the first fragment */
	adit_put_be16(pkt + 6, 0x2001);
	assert_int_equal(answered(&lab, len), 0); /* a later one */
	lab_ip(pkt, &peer6, &us6, 44, 24);
	memcpy(pkt + 40, "\21\0\0\1\1\2\3\4", 8);
	assert_int_equal(answered(&lab, 64), 1);
	memcpy(pkt + 40, "\21\0\0\11\1\2\3\4", 8);
	assert_int_equal(answered(&lab, 64), 0);
	lab_end(&lab);
}

static void test_error_limit(void **state)
{
	struct lab lab;
	size_t len;

	(void)state;
	lab_start(&lab, NULL);
	len = lab_udp(pkt, 4, 1, 2, 10);
	for (int i = 0; i < 1000; i++)
		lab_in(&lab, pkt, len);
	while (lab_out(&lab))
		;
	assert_int_equal(lab.ns->n.packets_out, 100);
	for (int i = 0; i < 1000; i++) {
		lab.now += ADIT_MSEC;
		lab_in(&lab, pkt, len);
		lab_out(&lab);
	}
	assert_in_range(lab.ns->n.packets_out, 199, 201);
	lab_end(&lab);
}

/* The error about a SYN that is no longer there quotes one just like it. */
static void test_refuse_tcp(void **state)
{
	struct lab lab;

	(void)state;
	FOR_BOTH(f) {
		const struct adit_endpoint local = { *lab_us(f), 80 }, remote = { *lab_peer(f), 4000 };
		size_t off = l4_off(f);
		const uint8_t *quote;

		lab_start(&lab, NULL);
		icmp_refuse_tcp(lab.ns, ICMP_PROHIBITED, &local, &remote, 0x01020304, lab.now);
		assert_int_equal(lab_out(&lab), off + 8 + off + 20);
		assert_int_equal(lab.out[off + 1], f == 4 ? 13 : 1);
		quote = lab.out + off + 8;
		assert_memory_equal(quote + (f == 4 ? 12 : 8), remote.addr.bytes, f == 4 ? 4 : 16);
		assert_int_equal(adit_get_be16(quote + off), 4000);
		assert_int_equal(adit_get_be16(quote + off + 2), 80);
		assert_int_equal(adit_get_be32(quote + off + 4), 0x01020304);
		assert_true(adit_checksum_ok(quote, off + 20));
		lab_end(&lab);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_echo), cmocka_unit_test(test_echo_limit), cmocka_unit_test(test_ping),
		cmocka_unit_test(test_reports_to_tcp), cmocka_unit_test(test_bad_quotes),
		cmocka_unit_test(test_path_mtu), cmocka_unit_test(test_path_mtu_cache),
		cmocka_unit_test(test_errors_sent), cmocka_unit_test(test_silence), cmocka_unit_test(test_error_limit),
		cmocka_unit_test(test_refuse_tcp),
	};

	return cmocka_run_group_tests_name("netstack_icmp", tests, NULL, NULL);
}
