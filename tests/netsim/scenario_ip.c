/* SPDX-License-Identifier: ISC */
/* scenario_ip.c - packets below TCP: broken ones, impossible sources, fragments, UDP, echo, what traceroute asks */
#include <errno.h>
#include <string.h>

#include "base/checksum.h"
#include "puppet.h"
#include "scenario.h"

static bool v4(const struct puppet *p)
{
	return p->local.addr.family == 4;
}

static uint64_t all_drops(const struct puppet *p)
{
	struct adit_netstack_stats s = host_stats(&p->w->host[0]);
	uint64_t n = 0;

	for (unsigned i = 0; i < ADIT_DROP_CNT; i++)
		n += s.drops[i];
	return n;
}

/* Any byte of a segment changed on the way: nothing is taken and nothing is said. */
void scenario_bad_checksums(struct world *w)
{
	unsigned hdr;
	struct puppet p;

	puppet_world(w, &p, NULL);
	puppet_connect(&p, 0);
	hdr = v4(&p) ? 20 : 40;
	for (unsigned i = 1; i < hdr + 30; i++) {
		if (hdr == 40 && (i <= 3 || i == 6 || i == 7))
			continue; /* class, flow label, next header and hop limit are under no checksum */
		p.spoil = i;
		puppet_segment(&p, ACK, p.snd_nxt, p.rcv_nxt, 30);
		puppet_expect_none(&p);
	}
	EXPECT_INT(w, p.end->got, ==, 0);
	EXPECT_INT(w, all_drops(&p), >=, hdr);
	EXPECT_INT(w, puppet_drops(&p, ADIT_DROP_checksum_wrong), >, 20);
	puppet_say(&p, RST | ACK, 0);
	puppet_fini(&p);
	expect_silence(w);
}

/* Lengths that do not fit each other, ports of 0, header lengths of nonsense: dropped without a word. */
void scenario_bad_lengths(struct world *w)
{
	uint8_t tcp[40] = { 0x10, 0, 0, 80, [12] = 0x50, [13] = SYN }, ip[200];
	struct puppet p;
	uint32_t len;

	puppet_world(w, &p, NULL);
	for (unsigned offset = 0; offset < 16; offset++) {
		if (offset >= 5 && offset <= 10)
			continue;
		tcp[12] = (uint8_t)(offset << 4);
		puppet_packet(&p, ADIT_IPPROTO_TCP, tcp, 40);
	}
	tcp[12] = 0x50;
	for (uint32_t n = 0; n < 20; n++)
		puppet_packet(&p, ADIT_IPPROTO_TCP, tcp, n);
	tcp[3] = 0;
	puppet_packet(&p, ADIT_IPPROTO_TCP, tcp, 20);
	EXPECT_INT(w, puppet_drops(&p, ADIT_DROP_bad_transport), ==, 10 + 20 + 1);
	tcp[3] = 80;
	len = puppet_write(&p, ip, ADIT_IPPROTO_TCP, tcp, 20);
	for (uint32_t n = 0; n < len; n++) /* cut off */
		puppet_raw(&p, ip, n);
	if (v4(&p)) {
		ip[0] = 0x44;
		adit_ip4_checksum(ip, 20);
		puppet_raw(&p, ip, len);
		ip[0] = 0x4f; /* options beyond the end */
		puppet_raw(&p, ip, len);
		ip[0] = 0x55;
		puppet_raw(&p, ip, len);
	} else {
		ip[0] = 0x50;
		puppet_raw(&p, ip, len);
		ip[0] = 0x60;
		ip[6] = 0; /* hop-by-hop options that are not there */
		ip[40] = 59;
		ip[41] = 200;
		puppet_raw(&p, ip, len);
	}
	puppet_expect_none(&p);
	EXPECT_INT(w, puppet_drops(&p, ADIT_DROP_bad_ip_header), >=, len + 2);
	puppet_fini(&p);
	expect_silence(w);
}

/* LAND, and sources that no host may have: not even a reset. */
void scenario_bad_sources(struct world *w)
{
	static const struct adit_addr bad4[] = {
		{ 4, { 0, 0, 0, 0 } }, { 4, { 0, 1, 2, 3 } }, { 4, { 127, 0, 0, 1 } }, { 4, { 224, 0, 0, 1 } },
		{ 4, { 239, 255, 255, 250 } }, { 4, { 240, 0, 0, 1 } }, { 4, { 255, 255, 255, 255 } }, { 4, { 10, 0, 0, 1 } },
	};
	static const struct adit_addr bad6[] = {
		{ 6, { 0 } }, { 6, { [15] = 1 } }, { 6, { 0xff, 2, [15] = 1 } }, { 6, { 0xff, 0x0e, [15] = 9 } },
		{ 6, { 0xfd, [15] = 1 } },
	};
	unsigned cnt;
	struct puppet p;

	puppet_world(w, &p, NULL);
	cnt = v4(&p) ? 8 : 5;
	p.st = stream_new(w, 1, 0, p.local.addr.family, 0, 0);
	p.end = &p.st->end[1];
	p.local.port = p.remote.port = p.st->port; /* LAND: ports, too */
	for (unsigned i = 0; i < cnt; i++) {
		for (unsigned k = 0; k < 4; k++) {
			p.from = v4(&p) ? &bad4[i] : &bad6[i];
			if (k < 2)
				puppet_segment(&p, k ? ACK : SYN, p.iss, 0, 0);
			else if (k == 2)
				puppet_udp(&p, 4000, 4000, "hello", 5);
			else
				puppet_icmp(&p, v4(&p) ? 8 : 128, 0, 1, "x", 1);
			puppet_expect_none(&p);
		}
	}
	EXPECT_INT(w, puppet_drops(&p, ADIT_DROP_bad_source), ==, 4 * cnt);
	EXPECT(w, !p.end->syn);
	EXPECT_INT(w, host_stats(&w->host[0]).packets_out, ==, 0);
	puppet_fini(&p);
	expect_silence(w);
}

/* What is not for us, multicast and broadcast included, is dropped without a word. */
void scenario_not_ours(struct world *w)
{
	static const struct adit_addr to4[] = { { 4, { 10, 0, 0, 9 } }, { 4, { 255, 255, 255, 255 } }, { 4, { 224, 0, 0, 1 } } };
	static const struct adit_addr to6[] = { { 6, { 0xfd, [15] = 9 } }, { 6, { 0xff, 2, [15] = 1 } }, { 6, { 0 } } };
	struct puppet p;

	puppet_world(w, &p, NULL);
	for (unsigned i = 0; i < 3; i++) {
		p.remote.addr = v4(&p) ? to4[i] : to6[i];
		puppet_segment(&p, SYN, p.iss, 0, 0);
		puppet_udp(&p, 4000, 4000, "hello", 5);
		puppet_icmp(&p, v4(&p) ? 8 : 128, 0, 1, "x", 1);
	}
	puppet_expect_none(&p);
	EXPECT_INT(w, puppet_drops(&p, ADIT_DROP_not_ours), ==, 9);
	puppet_fini(&p);
	expect_silence(w);
}

/* --- fragments --------------------------------------------------------------------------- */

/* Bytes [from, to) of a packet's transport part, as a fragment. */
static void fragment(struct puppet *p, const uint8_t *ip, uint32_t id, uint32_t from, uint32_t to, bool more)
{
	unsigned hdr = v4(p) ? 20 : 40, at = v4(p) ? 20 : 48;
	uint8_t f[2000];

	EXPECT_INT(p->w, to - from, <, 1900);
	memcpy(f, ip, hdr);
	if (v4(p)) {
		adit_put_be16(f + 2, (uint16_t)(20 + to - from));
		adit_put_be16(f + 4, (uint16_t)id);
		adit_put_be16(f + 6, (uint16_t)(from / 8 | (more ? 0x2000 : 0)));
		adit_ip4_checksum(f, 20);
	} else {
		adit_put_be16(f + 4, (uint16_t)(8 + to - from));
		f[6] = 44;
		f[40] = ip[6];
		f[41] = 0;
		adit_put_be16(f + 42, (uint16_t)(from | more));
		adit_put_be32(f + 44, id);
	}
	memcpy(f + at, ip + hdr + from, to - from);
	puppet_raw(p, f, at + to - from);
}

/* Even TCP may come so; overlaps kill the packet (RFC 5722), what is missing is told of after 30 s. */
void scenario_fragments(struct world *w)
{
	uint8_t udp[3000] = { 0x10, 0, 0x20, 0, 3000 >> 8, 3000 & 255 }, ip[3100];
	struct adit_endpoint port = { .port = 0x2000 };
	struct adit_udp_msg m;
	struct adit_sock *s;
	struct puppet p;

	puppet_world(w, &p, NULL);
	EXPECT(w, !adit_udp_sock_open(w->host[0].ns, &s, &port, NULL, NULL));
	w->event = NULL;
	puppet_write(&p, ip, ADIT_IPPROTO_UDP, udp, 3000);
	for (unsigned order = 0; order < 6; order++) {
		static const uint8_t turn[6][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 }, { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };

		for (unsigned k = 0; k < 3; k++) {
			unsigned n = turn[order][k];

			fragment(&p, ip, 100 + order, n * 1000, n * 1000 + 1000, n < 2);
		}
		EXPECT(w, adit_udp_sock_recv(s, &m));
		EXPECT_INT(w, m.len, ==, 2992);
		EXPECT(w, !adit_udp_sock_recv(s, &m));
	}
	fragment(&p, ip, 200, 0, 1000, true); /* overlap */
	fragment(&p, ip, 200, 992, 2000, true);
	fragment(&p, ip, 200, 2000, 3000, false);
	fragment(&p, ip, 200, 1000, 2000, true);
	fragment(&p, ip, 201, 0, 1000, true); /* the same one twice is no overlap */
	fragment(&p, ip, 201, 0, 1000, true);
	EXPECT(w, !adit_udp_sock_recv(s, &m));
	fragment(&p, ip, 201, 1000, 2000, true);
	fragment(&p, ip, 201, 2000, 3000, false);
	EXPECT(w, adit_udp_sock_recv(s, &m));
	fragment(&p, ip, 202, 0, 1000, true); /* the rest never comes */
	fragment(&p, ip, 203, 1000, 2000, true); /* the first one never comes: nobody to tell */
	puppet_expect_silence(&p, 29 * ADIT_SEC);
	world_run(w, 5 * ADIT_SEC);
	puppet_expect_icmp(&p, v4(&p) ? 11 : 3, 1);
	puppet_expect_none(&p);
	adit_udp_sock_close(s);
	EXPECT_INT(w, host_stats(&w->host[0]).memory_used, <=, 34000);
	puppet_fini(&p);
	expect_silence(w);
}

/* More than any packet may be; pieces that are no multiple of eight; floods: bounded, and gone after 30 s. */
void scenario_bad_fragments(struct world *w)
{
	uint8_t udp[1500] = { 0x10, 0, 0x20, 0, 1500 >> 8, 1500 & 255 }, ip[1600];
	struct puppet p;

	puppet_world(w, &p, NULL);
	puppet_write(&p, ip, ADIT_IPPROTO_UDP, udp, 1500);
	fragment(&p, ip, 1, 0, 1001, true);
	fragment(&p, ip, 2, 0, 0, true);
	EXPECT_INT(w, puppet_drops(&p, ADIT_DROP_bad_fragment), ==, 2);
	puppet_skip(&p);
	for (uint32_t off = 0; off < 65536; off += 1480) { /* a packet of more than 65535 bytes */
		uint8_t *at = ip + (v4(&p) ? 20 : 40);
		uint8_t f[1700];
		unsigned hdr = v4(&p) ? 20 : 48;

		memcpy(f, ip, v4(&p) ? 20 : 40);
		memcpy(f + hdr, at, 1480);
		if (v4(&p)) {
			adit_put_be16(f + 2, 1500);
			adit_put_be16(f + 4, 77);
			adit_put_be16(f + 6, (uint16_t)(off / 8 | 0x2000));
			adit_ip4_checksum(f, 20);
		} else {
			adit_put_be16(f + 4, 1488);
			f[6] = 44;
			f[40] = ADIT_IPPROTO_UDP;
			f[41] = 0;
			adit_put_be16(f + 42, (uint16_t)(off | 1));
			adit_put_be32(f + 44, 77);
		}
		puppet_raw(&p, f, hdr + 1480);
	}
	EXPECT_INT(w, puppet_drops(&p, ADIT_DROP_bad_fragment), >=, 3);
	for (uint32_t id = 1000; id < 6000; id++)
		fragment(&p, ip, id, 0, 1400, true);
	EXPECT_INT(w, host_stats(&w->host[0]).memory_used, <=, 2 << 20);
	EXPECT_INT(w, all_drops(&p), >=, 4000);
	world_run(w, 40 * ADIT_SEC);
	EXPECT_INT(w, puppet_skip(&p), <=, 101 + 2); /* told of, within the limit */
	EXPECT_INT(w, host_stats(&w->host[0]).memory_used, <=, 34000);
	puppet_fini(&p);
	expect_silence(w);
}

/* --- UDP and ICMP --------------------------------------------------------------------------- */

/* A checksum of 0 is none over IPv4, and wrong over IPv6 (RFC 768, RFC 8200 8.1). */
void scenario_udp_zero_checksum(struct world *w)
{
	uint8_t udp[13] = { 0x10, 0, 0x20, 0, 0, 13, 0, 0, 'h', 'e', 'l', 'l', 'o' }, ip[100];
	struct adit_endpoint port = { .port = 0x2000 };
	struct adit_udp_msg m;
	struct adit_sock *s;
	struct puppet p;
	uint32_t len;

	puppet_world(w, &p, NULL);
	w->event = NULL;
	EXPECT(w, !adit_udp_sock_open(w->host[0].ns, &s, &port, NULL, NULL));
	len = puppet_write(&p, ip, ADIT_IPPROTO_UDP, udp, 13);
	puppet_raw(&p, ip, len);
	EXPECT(w, adit_udp_sock_recv(s, &m) && m.len == 5);
	memset(ip + len - 7, 0, 2);
	puppet_raw(&p, ip, len);
	EXPECT_INT(w, adit_udp_sock_recv(s, &m), ==, v4(&p));
	EXPECT_INT(w, puppet_drops(&p, ADIT_DROP_checksum_wrong), ==, !v4(&p));
	puppet_expect_none(&p);
	adit_udp_sock_close(s);
	puppet_fini(&p);
	expect_silence(w);
}

/* What traceroute asks: any hop limit is enough for the host itself, closed ports are told of, with the quote. */
void scenario_traceroute(struct world *w)
{
	unsigned hdr;
	struct puppet p;

	puppet_world(w, &p, NULL);
	hdr = v4(&p) ? 20 : 40;
	for (unsigned ttl = 1; ttl < 10; ttl++) {
		p.ttl = ttl;
		puppet_udp(&p, 40000, (uint16_t)(33434 + ttl), "traceroute", 10);
		puppet_expect_icmp(&p, v4(&p) ? 3 : 1, v4(&p) ? 3 : 4);
		EXPECT_INT(w, adit_get_be16(p.last->data + hdr + 8 + hdr + 2), ==, 33434 + ttl);
		p.ttl = ttl;
		puppet_icmp(&p, v4(&p) ? 8 : 128, 0, ttl, "0123456789", 10);
		puppet_expect_icmp(&p, v4(&p) ? 0 : 129, 0);
		p.ttl = ttl;
		puppet_segment(&p, SYN, p.iss, 0, 0);
		puppet_expect(&p, RST | ACK);
		puppet_expect_none(&p);
	}
	puppet_packet(&p, 132, "sctp", 4); /* a protocol that nobody here speaks */
	puppet_expect_icmp(&p, v4(&p) ? 3 : 4, v4(&p) ? 2 : 1);
	puppet_fini(&p);
	expect_silence(w);
}

/* A hundred errors and a thousand answers to echo a second, however many ask. */
void scenario_icmp_limits(struct world *w)
{
	unsigned errors = 0, echoes = 0;
	struct puppet p;

	puppet_world(w, &p, NULL);
	for (int i = 0; i < 6000; i++) {
		world_run(w, ADIT_MSEC / 2);
		puppet_udp(&p, 40000, 40001, "x", 1);
		while (puppet_get(&p))
			errors++;
		puppet_icmp(&p, v4(&p) ? 8 : 128, 0, 1, "x", 1);
		while (puppet_get(&p))
			echoes++;
	}
	EXPECT_INT(w, errors, >=, 390); /* three seconds, and the bucket it began with */
	EXPECT_INT(w, errors, <=, 401);
	EXPECT_INT(w, echoes, >=, 3900);
	EXPECT_INT(w, echoes, <=, 4001);
	EXPECT_INT(w, puppet_drops(&p, ADIT_DROP_echo_limited), ==, 6000 - echoes);
	puppet_fini(&p);
	expect_silence(w);
}

/* --- two stacks over a bad link ---------------------------------------------------------------- */

static void say_datagram(struct world *w, struct adit_sock *s, const struct adit_endpoint *to, uint32_t n)
{
	static uint8_t data[65507];
	size_t len = n % 10 == 0 ? 20000 + rng_below(&w->rng, 45000) : 8 + rng_below(&w->rng, 3000);

	adit_put_be32(data, n);
	adit_put_be32(data + 4, (uint32_t)len);
	pattern_fill(n, 0, 0, data + 8, len - 8);
	EXPECT_INT(w, adit_udp_sock_send(s, to, data, len, w->now), ==, 0);
}

static unsigned take_datagrams(struct world *w, struct adit_sock *s, uint8_t *seen)
{
	static uint8_t want[65507];
	struct adit_udp_msg m;
	unsigned cnt = 0;

	for (; adit_udp_sock_recv(s, &m); cnt++) {
		uint32_t n;

		EXPECT_INT(w, m.len, >=, 8);
		n = adit_get_be32(m.data);
		EXPECT_INT(w, adit_get_be32(m.data + 4), ==, m.len);
		pattern_fill(n, 0, 0, want, m.len - 8);
		EXPECT(w, !memcmp(want, m.data + 8, m.len - 8));
		seen[n]++;
	}
	return cnt;
}

/* Datagrams up to 65507 bytes arrive whole or not at all, whatever becomes of their fragments. */
void scenario_udp(struct world *w)
{
	enum { CNT = 300 };
	unsigned family = w->seed % 2 ? 4 : 6, got = 0;
	struct adit_endpoint to = world_endpoint(1, family, 53);
	struct adit_sock *a, *b;
	uint8_t seen[CNT] = { 0 };

	two_hosts(w, NULL);
	w->event = NULL;
	world_link(w, &(struct link){ .delay = 10 * ADIT_MSEC, .rate = 50000000, .loss = 3000, .reorder = 50000,
				      .dup = 20000, .corrupt = w->seed / 2 % 2 ? 3000 : 0 });
	EXPECT(w, !adit_udp_sock_open(w->host[1].ns, &b, &to, NULL, NULL));
	EXPECT(w, !adit_udp_sock_open(w->host[0].ns, &a, NULL, &to, NULL));
	for (uint32_t n = 0; n < CNT; n++) {
		say_datagram(w, a, &to, n);
		world_run(w, 15 * ADIT_MSEC);
		got += take_datagrams(w, b, seen);
	}
	world_run(w, ADIT_SEC);
	got += take_datagrams(w, b, seen);
	EXPECT_INT(w, got, >=, CNT * 6 / 10);
	adit_udp_sock_close(b);
	world_run(w, 60 * ADIT_SEC);
	w->link[0][1] = w->link[1][0] = (struct link){ .delay = ADIT_MSEC };
	say_datagram(w, a, &to, 1); /* nobody is there any more */
	world_run(w, ADIT_SEC);
	EXPECT_INT(w, adit_sock_error(a), ==, -ECONNREFUSED);
	adit_udp_sock_close(a);
	expect_silence(w);
}

/* Echo both ways, small and in fragments. */
void scenario_ping(struct world *w)
{
	unsigned family = w->seed % 2 ? 4 : 6, got = 0;
	struct adit_endpoint to = world_endpoint(1, family, 0);
	uint8_t data[5000];
	struct adit_sock *s;
	uint16_t seq, last = 0;

	two_hosts(w, NULL);
	w->event = NULL;
	world_link(w, &(struct link){ .delay = 10 * ADIT_MSEC, .loss = 50000, .corrupt = 20000 });
	memset(data, 7, sizeof(data));
	EXPECT(w, !adit_ping_open(w->host[0].ns, &s, &to.addr, NULL));
	for (uint16_t i = 1; i <= 200; i++) {
		EXPECT_INT(w, adit_ping_send(s, i, data, i % 4 * 1500u, w->now), ==, 0);
		world_run(w, 100 * ADIT_MSEC);
		while (adit_ping_recv(s, &seq)) {
			EXPECT_INT(w, seq, ==, i);
			EXPECT_INT(w, seq, !=, last);
			last = seq;
			got++;
		}
	}
	EXPECT_INT(w, got, >=, 90);
	EXPECT_INT(w, got, <, 200);
	adit_ping_close(s);
	world_run(w, 60 * ADIT_SEC);
	expect_silence(w);
}
