/* SPDX-License-Identifier: ISC */
/* netstack_ip_test.c - what of IPv4 and IPv6 is taken, what is dropped and why, and what is sent */
#include "netstack_lab.h"

#include <errno.h>

static const int families[] = { 4, 6 };
#define FOR_BOTH(f) for (const int *fp = families; fp < families + 2; fp++) for (int f = *fp, once = 1; once; once = 0)

static uint8_t pkt[70000];

static void test_delivered(void **state)
{
	struct lab lab;

	(void)state;
	lab_start(&lab, NULL);
	FOR_BOTH(f) {
		size_t len = lab_tcp(pkt, f, 1234, ADIT_TCP_ACK | ADIT_TCP_PSH, 101);

		memset(&tcp_double, 0, sizeof(tcp_double));
		assert_int_equal(lab_in(&lab, pkt, len), ADIT_DROP_NONE);
		assert_int_equal(tcp_double.segments, 1);
		assert_true(ip_same_addr(&tcp_double.seg.local.addr, lab_us(f)));
		assert_true(ip_same_addr(&tcp_double.seg.remote.addr, lab_peer(f)));
		assert_int_equal(tcp_double.seg.local.port, 80);
		assert_int_equal(tcp_double.seg.remote.port, 4000);
		assert_int_equal(tcp_double.seg.seq, 1234);
		assert_int_equal(tcp_double.seg.ack, 77);
		assert_int_equal(tcp_double.seg.wnd, 512);
		assert_int_equal(tcp_double.seg.flags, ADIT_TCP_ACK | ADIT_TCP_PSH);
		assert_int_equal(tcp_double.seg.options_len, 12);
		assert_int_equal(tcp_double.seg.gso_size, 0);
		assert_int_equal(tcp_double.seg.len, 101);
		lab_is_pattern(tcp_double.payload, 101);
	}
	assert_int_equal(lab.traced_in, 2);
	assert_int_equal(lab.ns->n.packets_in, 2);
	assert_int_equal(lab_all_drops(&lab), 0);
	lab_end(&lab);
}

/* Cut off anywhere, nothing is delivered; with bytes behind it, they are padding. */
static void test_lengths(void **state)
{
	struct lab lab;

	(void)state;
	lab_start(&lab, NULL);
	FOR_BOTH(f) {
		size_t len = lab_tcp(pkt, f, 1, ADIT_TCP_ACK, 50);

		memset(&tcp_double, 0, sizeof(tcp_double));
		for (size_t i = 0; i < len; i++)
			assert_int_equal(lab_in(&lab, pkt, i), ADIT_DROP_bad_ip_header);
		assert_int_equal(tcp_double.segments, 0);
		memset(pkt + len, 0x55, 16);
		assert_int_equal(lab_in(&lab, pkt, len + 16), ADIT_DROP_NONE);
		assert_int_equal(tcp_double.seg.len, 50);
		/* the IP header ends inside the transport's */
		for (size_t l4 = 0; l4 < 32; l4++) {
			size_t off = lab_ip(pkt, lab_peer(f), lab_us(f), ADIT_IPPROTO_TCP, l4);

			assert_int_equal(lab_in(&lab, pkt, off + l4), ADIT_DROP_bad_transport);
		}
		for (unsigned doff = 0; doff < 16; doff++) {
			size_t off = f == 4 ? 20 : 40;

			len = lab_tcp(pkt, f, 1, ADIT_TCP_ACK, 0);
			pkt[off + 12] = (uint8_t)(doff << 4);
			lab_sum(pkt, off, len, ADIT_IPPROTO_TCP, ADIT_TCP_CHECK);
			assert_int_equal(lab_in(&lab, pkt, len),
					 doff >= 5 && doff <= 8 ? ADIT_DROP_NONE : ADIT_DROP_bad_transport);
		}
	}
	for (unsigned ihl = 0; ihl < 16; ihl++) {
		size_t len = lab_tcp(pkt, 4, 1, ADIT_TCP_ACK, 4);

		pkt[0] = (uint8_t)(0x40 | ihl);
		adit_ip4_checksum(pkt, 20);
		if (ihl < 5 || ihl * 4 > len)
			assert_int_equal(lab_in(&lab, pkt, len), ADIT_DROP_bad_ip_header);
		else
			lab_in(&lab, pkt, len); /* what was the transport is options now: anything but a crash */
	}
	for (unsigned version = 0; version < 16; version++) {
		size_t len = lab_tcp(pkt, 4, 1, ADIT_TCP_ACK, 4);

		pkt[0] = (uint8_t)(version << 4 | 5);
		if (version != 4)
			assert_int_equal(lab_in(&lab, pkt, len), ADIT_DROP_bad_ip_header);
	}
	lab_end(&lab);
}

static void test_checksums(void **state)
{
	const struct adit_netstack_config trusting = { .trust_checksums = true };
	struct lab lab;

	(void)state;
	for (int trust = 0; trust < 2; trust++) {
		lab_start(&lab, trust ? &trusting : NULL);
		FOR_BOTH(f) {
			size_t len = lab_tcp(pkt, f, 1, ADIT_TCP_ACK, 33);

			pkt[len - 1] ^= 1;
			assert_int_equal(lab_in(&lab, pkt, len), trust ? ADIT_DROP_NONE : ADIT_DROP_checksum_wrong);
			len = lab_icmp(pkt, f, f == 4 ? 8 : 128, 0, 1, "abc", 3);
			pkt[len - 1] ^= 1;
			/* ICMPv4 has a checksum that nobody else looks at */
			assert_int_equal(lab_in(&lab, pkt, len),
					 trust && f == 6 ? ADIT_DROP_NONE : ADIT_DROP_checksum_wrong);
		}
		lab_tcp(pkt, 4, 1, ADIT_TCP_ACK, 1);
		pkt[8]--; /* TTL, without a new header checksum */
		assert_int_equal(lab_in(&lab, pkt, 53), trust ? ADIT_DROP_NONE : ADIT_DROP_checksum_wrong);
		lab_end(&lab);
	}
}

/* The payload may stand in any pieces, odd ones too; the sum is right all the same. */
static void test_pieces(void **state)
{
	static const size_t cuts[][3] = { { 0, 0, 0 }, { 1, 2, 3 }, { 7, 7, 8 }, { 50, 50, 51 }, { 99, 100, 101 } };
	struct lab lab;

	(void)state;
	lab_start(&lab, NULL);
	FOR_BOTH(f) {
		size_t len = lab_tcp(pkt, f, 1, ADIT_TCP_ACK, 101), hdr = len - 101;

		for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
			const size_t *c = cuts[i];
			struct iovec iov[4] = {
				{ pkt, hdr + c[0] }, { pkt + hdr + c[0], c[1] - c[0] },
				{ pkt + hdr + c[1], c[2] - c[1] }, { pkt + hdr + c[2], 101 - c[2] },
			};

			memset(&tcp_double, 0, sizeof(tcp_double));
			adit_netstack_in(lab.ns, iov, 4, 0, lab.now);
			assert_int_equal(lab.traced_drop, ADIT_DROP_NONE);
			assert_int_equal(tcp_double.seg.len, 101);
			lab_is_pattern(tcp_double.payload, 101);
			pkt[len - 1] ^= 4;
			adit_netstack_in(lab.ns, iov, 4, 0, lab.now);
			assert_int_equal(lab.traced_drop, ADIT_DROP_checksum_wrong);
			pkt[len - 1] ^= 4;
		}
		/* a header that does not stand together is none */
		adit_netstack_in(lab.ns, (struct iovec[]){ { pkt, hdr - 1 }, { pkt + hdr - 1, 102 } }, 2, 0, lab.now);
		assert_int_equal(lab.traced_drop, ADIT_DROP_bad_transport);
	}
	lab_end(&lab);
}

static void test_merged(void **state)
{
	struct lab lab;

	(void)state;
	lab_start(&lab, NULL);
	FOR_BOTH(f) {
		size_t hdr = f == 4 ? 52 : 72;
		struct iovec iov[3] = { { pkt, hdr + 1000 }, { pkt + hdr + 1000, 1000 }, { pkt + hdr + 2000, 17 } };
		uint64_t packets = lab.ns->n.packets_in, bytes = lab.ns->n.bytes_in;

		lab_tcp(pkt, f, 5, ADIT_TCP_ACK, 2017);
		lab_tcp(pkt + 10000, f, 5, ADIT_TCP_ACK, 1000);
		memcpy(pkt, pkt + 10000, hdr); /* the header of the first packet alone: its length, its sum */
		adit_netstack_in(lab.ns, iov, 3, 1000, lab.now);
		assert_int_equal(lab.traced_drop, ADIT_DROP_NONE);
		assert_int_equal(tcp_double.seg.len, 2017);
		assert_int_equal(tcp_double.seg.gso_size, 1000);
		lab_is_pattern(tcp_double.payload, 2017);
		assert_int_equal(lab.ns->n.packets_in - packets, 3);
		assert_int_equal(lab.ns->n.bytes_in - bytes, 2017 + 3 * hdr);
		adit_netstack_in(lab.ns, iov, 1, 1000, lab.now); /* one of one is a single packet */
		assert_int_equal(tcp_double.seg.gso_size, 0);
		/* a merged fragment, a merged echo request: nobody merges those */
		lab_icmp(pkt, f, f == 4 ? 8 : 128, 0, 0, pkt + 10000, 100);
		adit_netstack_in(lab.ns, iov, 1, 50, lab.now);
		assert_int_equal(lab.traced_drop, ADIT_DROP_bad_transport);
	}
	lab_udp(pkt, 4, 1, 2, 100);
	adit_put_be16(pkt + 6, 0x2000);
	adit_netstack_in(lab.ns, &(struct iovec){ pkt, 128 }, 1, 50, lab.now);
	assert_int_equal(lab.traced_drop, ADIT_DROP_bad_fragment);
	lab_end(&lab);
}

static void test_addresses(void **state)
{
	static const uint8_t bad4[][4] = { { 0, 1, 2, 3 }, { 127, 0, 0, 1 }, { 224, 0, 0, 1 }, { 255, 255, 255, 255 },
					   { 10, 0, 0, 1 } };
	static const uint8_t bad6[][16] = { { 0 }, { [15] = 1 }, { 0xff, 2, [15] = 1 }, { 0xfd, [15] = 1 } };
	struct adit_addr a = us4;
	struct lab lab;
	size_t len;

	(void)state;
	lab_start(&lab, NULL);
	for (size_t i = 0; i < sizeof(bad4) / 4; i++) {
		len = lab_tcp(pkt, 4, 1, ADIT_TCP_ACK, 0);
		memcpy(pkt + 12, bad4[i], 4);
		adit_ip4_checksum(pkt, 20);
		assert_int_equal(lab_in(&lab, pkt, len), ADIT_DROP_bad_source);
	}
	for (size_t i = 0; i < sizeof(bad6) / 16; i++) {
		len = lab_tcp(pkt, 6, 1, ADIT_TCP_ACK, 0);
		memcpy(pkt + 8, bad6[i], 16);
		assert_int_equal(lab_in(&lab, pkt, len), ADIT_DROP_bad_source);
	}
	FOR_BOTH(f) {
		len = lab_tcp(pkt, f, 1, ADIT_TCP_ACK, 0);
		pkt[f == 4 ? 19 : 39] = 9;
		if (f == 4)
			adit_ip4_checksum(pkt, 20);
		assert_int_equal(lab_in(&lab, pkt, len), ADIT_DROP_not_ours);
	}
	assert_int_equal(adit_netstack_add_address(lab.ns, &us4), -EEXIST);
	assert_int_equal(adit_netstack_add_address(lab.ns, &(struct adit_addr){ 0 }), -EINVAL);
	for (unsigned i = 2; i < ADIT_NETSTACK_ADDRESSES; i++) {
		a.bytes[3] = (uint8_t)(i + 10);
		assert_int_equal(adit_netstack_add_address(lab.ns, &a), 0);
	}
	a.bytes[3] = 99;
	assert_int_equal(adit_netstack_add_address(lab.ns, &a), -ENOSPC);
	assert_int_equal(adit_netstack_remove_address(lab.ns, &a, lab.now), -ENOENT);
	a = adit_netstack_source(lab.ns, &peer4);
	assert_true(ip_same_addr(&a, &us4));
	assert_int_equal(adit_netstack_remove_address(lab.ns, &us4, lab.now), 0);
	a = adit_netstack_source(lab.ns, &peer4);
	assert_int_equal(a.bytes[3], 12);
	assert_int_equal(adit_netstack_remove_address(lab.ns, &us6, lab.now), 0);
	assert_int_equal(adit_netstack_source(lab.ns, &peer6).family, 0);
	len = lab_tcp(pkt, 4, 1, ADIT_TCP_ACK, 0);
	assert_int_equal(lab_in(&lab, pkt, len), ADIT_DROP_not_ours);
	lab_end(&lab);
}

/* --- IPv4 options and IPv6 extension headers ------------------------------------------- */

static enum adit_drop with_options4(struct lab *lab, const char *options, size_t len)
{
	uint8_t p[200];
	size_t hdr = 20 + len;

	lab_tcp(pkt, 4, 1, ADIT_TCP_ACK, 10);
	memcpy(p, pkt, 20);
	memcpy(p + 20, options, len);
	memcpy(p + hdr, pkt + 20, 42);
	p[0] = (uint8_t)(0x40 | hdr / 4);
	adit_put_be16(p + 2, (uint16_t)(hdr + 42));
	adit_ip4_checksum(p, hdr);
	return lab_in(lab, p, hdr + 42);
}

static void test_options4(void **state)
{
	struct lab lab;

	(void)state;
	lab_start(&lab, NULL);
	assert_int_equal(with_options4(&lab, "\1\1\1\0", 4), ADIT_DROP_NONE);
	assert_int_equal(with_options4(&lab, "\224\4\0\0", 4), ADIT_DROP_NONE); /* router alert */
	assert_int_equal(with_options4(&lab, "\7\7\4\0\0\0\0\0", 8), ADIT_DROP_NONE);
	assert_int_equal(with_options4(&lab, "\7\11\4\0\0\0\0\0", 8), ADIT_DROP_bad_ip_header);
	assert_int_equal(with_options4(&lab, "\7\1\4\0", 4), ADIT_DROP_bad_ip_header);
	assert_int_equal(with_options4(&lab, "\1\1\1\7", 4), ADIT_DROP_bad_ip_header);
	assert_int_equal(with_options4(&lab, "\203\7\4\1\2\3\4\0", 8), ADIT_DROP_bad_ip_header); /* loose source route */
	assert_int_equal(with_options4(&lab, "\211\7\4\1\2\3\4\0", 8), ADIT_DROP_bad_ip_header);
	assert_int_equal(tcp_double.segments, 3);
	lab_end(&lab);
}

/* Headers given as a string of (kind, bytes); the segment follows. */
struct ext {
	uint8_t kind;
	const char *bytes; /* 8 n; [0] is overwritten with the next kind */
	size_t len;
};

static size_t with_headers6(uint8_t *p, const struct ext *ext, size_t cnt)
{
	size_t at = 40, next = 6, len = lab_tcp(pkt, 6, 1, ADIT_TCP_ACK, 10) - 40;

	memcpy(p, pkt, 40);
	for (size_t i = 0; i < cnt; i++) {
		p[next] = ext[i].kind;
		memcpy(p + at, ext[i].bytes, ext[i].len);
		next = at;
		at += ext[i].len;
	}
	p[next] = ADIT_IPPROTO_TCP;
	memcpy(p + at, pkt + 40, len);
	adit_put_be16(p + 4, (uint16_t)(at - 40 + len));
	return at + len;
}

#define PADN "\0\0\1\4\0\0\0\0"
#define ROUTE(left) "\0\0\0" left "\0\0\0\0"

static void test_headers6(void **state)
{
	static const struct {
		struct ext ext[9];
		size_t cnt;
		enum adit_drop drop;
	} cases[] = {
		{ { { 0, PADN, 8 } }, 1, ADIT_DROP_NONE },
		{ { { 0, PADN, 8 }, { 60, PADN, 8 }, { 43, ROUTE("\0"), 8 }, { 60, PADN, 8 } }, 4, ADIT_DROP_NONE },
		{ { { 60, PADN, 8 }, { 0, PADN, 8 } }, 2, ADIT_DROP_bad_ip_header }, /* hop-by-hop comes first */
		{ { { 43, ROUTE("\1"), 8 } }, 1, ADIT_DROP_bad_ip_header },
		{ { { 60, "\0\1\1\14\0\0\0\0\0\0\0\0\0\0\0\0", 16 } }, 1, ADIT_DROP_NONE },
		{ { { 60, "\0\0\1\5\0\0\0\0", 8 } }, 1, ADIT_DROP_bad_ip_header }, /* an option past the end */
		{ { { 60, "\0\0\0\0\0\0\0\1", 8 } }, 1, ADIT_DROP_bad_ip_header }, /* no room for its length */
		{ { { 60, "\0\0\36\4\0\0\0\0", 8 } }, 1, ADIT_DROP_NONE },	   /* unknown: skip */
		{ { { 60, "\0\0\136\4\0\0\0\0", 8 } }, 1, ADIT_DROP_bad_ip_header }, /* unknown: discard */
		{ { { 60, "\0\0\336\4\0\0\0\0", 8 } }, 1, ADIT_DROP_bad_ip_header },
		{ { { 44, "\0\0\0\0\1\2\3\4", 8 } }, 1, ADIT_DROP_NONE }, /* an atomic fragment */
		{ { { 60, PADN, 8 }, { 60, PADN, 8 }, { 60, PADN, 8 }, { 60, PADN, 8 }, { 60, PADN, 8 },
		    { 60, PADN, 8 }, { 60, PADN, 8 }, { 60, PADN, 8 }, { 60, PADN, 8 } }, 9, ADIT_DROP_bad_ip_header },
		{ { { 51, PADN, 8 } }, 1, ADIT_DROP_unknown_protocol },
	};
	struct lab lab;
	uint8_t p[300];

	(void)state;
	lab_start(&lab, NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = with_headers6(p, cases[i].ext, cases[i].cnt);

		memset(&tcp_double, 0, sizeof(tcp_double));
		assert_int_equal(lab_in(&lab, p, len), cases[i].drop);
		assert_int_equal(tcp_double.segments, cases[i].drop == ADIT_DROP_NONE);
		if (!cases[i].drop)
			lab_is_pattern(tcp_double.payload, 10);
		/* the payload length ends anywhere in the headers: dropped, and nothing read behind it */
		for (size_t end = 40; end < len - 42; end++) {
			adit_put_be16(p + 4, (uint16_t)(end - 40));
			assert_int_not_equal(lab_in(&lab, p, end), ADIT_DROP_NONE);
		}
	}
	lab_end(&lab);
}

/* --- anything at all ------------------------------------------------------------------- */

/* Whole packets with a few bytes changed or cut: each is delivered or counted, never both. */
static void test_damaged(void **state)
{
	uint64_t r = 42;
	struct lab lab;

	(void)state;
	lab_start(&lab, NULL);
	for (int n = 0; n < 30000; n++) {
		int f = lab_random64(&r) % 2 ? 4 : 6;
		size_t len, off = f == 4 ? 20 : 40;
		uint64_t before = lab_all_drops(&lab);

		switch (lab_random64(&r) % 4) {
		case 0:
			len = lab_udp(pkt, f, 7, 9, lab_random64(&r) % 100);
			break;
		case 1:
			len = lab_tcp(pkt, f, 1, ADIT_TCP_ACK, lab_random64(&r) % 100);
			break;
		case 2: /* an error about something */
			len = lab_tcp(pkt + 1000, f, 1, ADIT_TCP_ACK, 8);
			memcpy(pkt + 2000, pkt + 1000, len);
			memcpy(pkt + 2000 + off - (f == 4 ? 8 : 32), pkt + 1000 + off - (f == 4 ? 4 : 16), f == 4 ? 4 : 16);
			len = lab_icmp(pkt, f, f == 4 ? 3 : 1, 3, 0, pkt + 2000, len);
			break;
		default:
			len = lab_icmp(pkt, f, (uint8_t)lab_random64(&r), 0, 1, pkt + 1000, lab_random64(&r) % 60);
			break;
		}
		for (uint64_t k = lab_random64(&r) % 4; k; k--)
			pkt[lab_random64(&r) % len] = (uint8_t)lab_random64(&r);
		if (lab_random64(&r) % 4 == 0)
			len = lab_random64(&r) % (len + 1);
		if (len >= 20 && pkt[0] >> 4 == 4 && (pkt[0] & 15) * 4u <= len && (pkt[0] & 15) >= 5)
			adit_ip4_checksum(pkt, (pkt[0] & 15) * 4u);
		lab.now += ADIT_MSEC;
		lab_in(&lab, pkt, len);
		assert_in_range(lab_all_drops(&lab) - before, 0, 8); /* fragments that overlap go together */
		while (lab_out(&lab))
			;
		if (n % 64 == 0) {
			adit_netstack_tick(lab.ns, lab.now);
			ns_check(lab.ns);
		}
	}
	assert_int_equal(lab.ns->n.packets_in, 30000);
	assert_true(tcp_double.segments > 1000 && lab_all_drops(&lab) > 10000);
	lab_end(&lab);
}

/* --- output ------------------------------------------------------------------------------ */

static void test_headers_out(void **state)
{
	struct adit_endpoint to;
	struct adit_sock *s;
	struct lab lab;

	(void)state;
	lab_start(&lab, NULL);
	assert_int_equal(adit_udp_sock_open(lab.ns, &s, NULL, NULL, NULL), 0);
	FOR_BOTH(f) {
		uint32_t hdr = f == 4 ? 20 : 40;

		to = (struct adit_endpoint){ *lab_peer(f), 53 };
		assert_int_equal(adit_udp_sock_send(s, &to, "hello", 5, lab.now), 0);
		assert_int_equal(lab_out(&lab), hdr + 8 + 5);
		if (f == 4) {
			assert_int_equal(adit_get_be16(lab.out + 4), 0); /* identification: none is needed, */
			assert_int_equal(adit_get_be16(lab.out + 6), 0x4000); /* for it is not to be fragmented */
		}
		assert_memory_equal(lab.out + (f == 4 ? 12 : 8), lab_us(f)->bytes, f == 4 ? 4 : 16);
		assert_memory_equal(lab.out + (f == 4 ? 16 : 24), lab_peer(f)->bytes, f == 4 ? 4 : 16);
		assert_memory_equal(lab.out + hdr + 8, "hello", 5);
	}
	assert_int_equal(lab_out(&lab), 0);
	assert_int_equal(lab.ns->n.packets_out, 2);
	assert_int_equal(lab.ns->n.bytes_out, 33 + 53);
	assert_int_equal(lab.traced_out, 2);
	lab_end(&lab);
}

/* Too much waiting is refused and counted; what waits keeps its order. */
static void test_queue(void **state)
{
	struct adit_endpoint to = { peer4, 53 };
	struct adit_sock *s;
	struct lab lab;
	unsigned sent = 0, got = 0;

	(void)state;
	lab_start(&lab, NULL);
	assert_int_equal(adit_udp_sock_open(lab.ns, &s, NULL, NULL, NULL), 0);
	for (;; sent++) {
		uint8_t data[1000] = { (uint8_t)sent, (uint8_t)(sent >> 8) };
		int r = adit_udp_sock_send(s, &to, data, sizeof(data), lab.now);

		if (r) {
			assert_int_equal(r, -ENOBUFS);
			break;
		}
	}
	assert_int_equal(sent, NS_QUEUE_LEN / 1028);
	assert_int_equal(lab_drops(&lab, ADIT_DROP_out_queue_full), 1);
	ns_check(lab.ns);
	for (; lab_out(&lab); got++)
		assert_int_equal(lab.out[28] | lab.out[29] << 8, got);
	assert_int_equal(got, sent);
	/* a packet made before the MTU went down is not sent */
	static uint8_t big[1392];
	assert_int_equal(adit_udp_sock_send(s, &to, big, 1392, lab.now), 0);
	adit_netstack_set_mtu(lab.ns, 1300, lab.now);
	assert_int_equal(lab_out(&lab), 0);
	assert_int_equal(lab_drops(&lab, ADIT_DROP_too_big), 1);
	lab_end(&lab);
}

/* Datagrams and connections share the way out. */
static void test_fair(void **state)
{
	struct adit_endpoint to = { peer4, 53 };
	struct adit_list connection;
	struct adit_sock *s;
	struct lab lab;
	unsigned tcp = 0, udp = 0;

	(void)state;
	lab_start(&lab, NULL);
	assert_int_equal(adit_udp_sock_open(lab.ns, &s, NULL, NULL, NULL), 0);
	adit_list_add_tail(&lab.ns->sending, &connection);
	for (int i = 0; i < 200; i++)
		assert_int_equal(adit_udp_sock_send(s, &to, "x", 1, lab.now), 0);
	while (udp < 200) {
		assert_true(lab_out(&lab) > 0);
		if (lab.out[9] == ADIT_IPPROTO_TCP)
			tcp++;
		else
			udp++;
	}
	assert_in_range(tcp, 5, 10);
	adit_list_del(&connection);
	lab_end(&lab);
}

static void test_new(void **state)
{
	const struct adit_netstack_ops ops = { .random = lab_fill }, none = { 0 };
	struct adit_budget budget = { .limit = 1 << 20 };
	struct adit_netstack_config cfg = { .budget = &budget };
	struct adit_netstack_stats stats;
	struct adit_netstack *ns;
	struct lab lab = { 0 };

	(void)state;
	assert_int_equal(adit_netstack_new(&ns, &cfg, &none, &lab, 0), -EINVAL);
	cfg.mtu = 575;
	assert_int_equal(adit_netstack_new(&ns, &cfg, &ops, &lab, 0), -EINVAL);
	cfg.mtu = 65536;
	assert_int_equal(adit_netstack_new(&ns, &cfg, &ops, &lab, 0), -EINVAL);
	cfg.mtu = 0;
	cfg.budget = NULL;
	assert_int_equal(adit_netstack_new(&ns, &cfg, &ops, &lab, 0), -EINVAL);
	cfg.budget = &budget;
	assert_int_equal(adit_netstack_new(&ns, &cfg, &ops, &lab, 0), 0);
	assert_int_equal(adit_netstack_mtu(ns), 1420);
	assert_true(adit_netstack_deadline(ns) == ADIT_NEVER); /* idle: nothing to wake up for */
	adit_netstack_stats(ns, &stats);
	assert_int_equal(stats.memory_used, 0);
	assert_null(adit_netstack_next_tcp(ns, NULL));
	adit_netstack_set_mtu(ns, 100, 0);
	assert_int_equal(adit_netstack_mtu(ns), 576);
	adit_netstack_free(ns);
	adit_netstack_free(NULL);
	assert_int_equal(budget.used, 0);
}

static void test_token(void **state)
{
	unsigned tokens = 0, n = 0;
	adit_time refill = LAB_NOW - ADIT_SEC, now = LAB_NOW;

	(void)state;
	for (int i = 0; i < 500; i++)
		n += ns_token(&tokens, &refill, 100, now);
	assert_int_equal(n, 100);
	for (int i = 0; i < 1000; i++)
		n += ns_token(&tokens, &refill, 100, now += ADIT_MSEC);
	assert_in_range(n, 199, 201);
	now += 3600 * ADIT_SEC; /* what was not used does not pile up */
	for (int i = 0; i < 500; i++)
		n += ns_token(&tokens, &refill, 100, now);
	assert_in_range(n, 299, 301);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_delivered), cmocka_unit_test(test_lengths), cmocka_unit_test(test_checksums),
		cmocka_unit_test(test_pieces), cmocka_unit_test(test_merged), cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_options4), cmocka_unit_test(test_headers6), cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_headers_out), cmocka_unit_test(test_queue), cmocka_unit_test(test_fair),
		cmocka_unit_test(test_new), cmocka_unit_test(test_token),
	};

	return cmocka_run_group_tests_name("netstack_ip", tests, NULL, NULL);
}
