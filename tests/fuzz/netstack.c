/* SPDX-License-Identifier: ISC */
/*
 * netstack.c - crafted packets, socket calls and the clock, in any order, at
 * one stack with connections in every state. Bytes are made packets whose
 * checksums are right. Whatever comes, what a program reads is what its peer
 * has written, the stack's invariants hold after every step (ns_check, and
 * tests/netsim/watch.h on the wire), and nothing is left at the end.
 */
#include <errno.h>
#include <string.h>

#include "base/checksum.h"
#include "fuzz.h"
#include "netsim/puppet.h"
#include "netsim/scenario.h"
#include "netstack/tcp.h"

enum { FLOWS = 6, LISTEN_PORT = 80, UDP_PORT = 53 };

/* A connection between the stack and a peer made of bytes. */
struct flow {
	struct adit_sock *s; /* NULL: closed, or not come yet */
	struct puppet p;
	uint64_t got;
	bool eof, hold;      /* hold: is not accepted, not read */
};

static struct world world;
static struct flow flow[FLOWS];
static struct adit_sock *listener, *udp, *ping;
static struct packet *last; /* of what the stack sent */

/* --- the program ------------------------------------------------------------------- */

static struct flow *flow_of(const struct adit_sock *s)
{
	struct adit_endpoint remote;

	adit_sock_remote(s, &remote);
	for (unsigned i = 0; i < FLOWS; i++) {
		if (flow[i].p.local.port == remote.port && adit_addr_equal(&flow[i].p.local.addr, &remote.addr))
			return &flow[i];
	}
	return NULL;
}

/* What stands at a sequence number is known, whatever segment it came in. */
static void read_all(struct flow *f)
{
	struct iovec iov;

	while (!f->hold && adit_tcp_peek(f->s, &iov, 1) > 0) {
		uint8_t *want = malloc(iov.iov_len);

		MUST(want);
		puppet_pattern(&f->p, tcp_of(f->s)->irs + 1 + (uint32_t)f->got, want, (uint32_t)iov.iov_len);
		MUST(!memcmp(want, iov.iov_base, iov.iov_len));
		free(want);
		f->got += iov.iov_len;
		adit_tcp_consume(f->s, iov.iov_len, world.now);
	}
	f->eof = adit_tcp_at_eof(f->s);
}

static void tcp_event(struct flow *f, struct adit_sock *s, unsigned what)
{
	if (what & ADIT_EV_SYN) {
		if (!f || f->s) {
			adit_tcp_refuse(s, f ? -EHOSTUNREACH : -ECONNREFUSED, world.now);
			return;
		}
		f->s = s;
		f->got = 0;
		if (!f->hold)
			adit_tcp_accept(s, world.now);
	}
	MUST(f && f->s == s);
	read_all(f);
	if (what & ADIT_EV_ERROR) {
		MUST(adit_sock_error(s) < 0);
		f->hold = false;
		read_all(f);
		adit_tcp_close(s, world.now);
		f->s = NULL;
	}
}

static void any_event(struct world *w, struct host *h, struct adit_sock *s, unsigned what)
{
	struct adit_udp_msg m;
	uint16_t seq;

	(void)w;
	(void)h;
	switch (adit_sock_kind(s)) {
	case ADIT_SOCK_UDP:
		while (adit_udp_sock_recv(s, &m))
			MUST(m.len <= 65527);
		break;
	case ADIT_SOCK_PING:
		while (adit_ping_recv(s, &seq))
			;
		break;
	case ADIT_SOCK_TCP:
		tcp_event(flow_of(s), s, what);
		break;
	case ADIT_SOCK_LISTENER:
		MUST(!"a listener has no events");
	}
}

/* --- what the stack sent ------------------------------------------------------------- */

static void heed(struct puppet *p, const struct tcp_view *v)
{
	uint32_t end = v->seq + v->len + ((v->flags & (SYN | FIN)) != 0);

	if (v->flags & SYN) {
		p->irs = v->seq;
		p->rcv_nxt = v->seq + 1;
		if (p->local.port && !(v->flags & ACK))
			p->remote.port = v->sport;
	} else if (!(v->flags & RST) && seq_lt(p->rcv_nxt, end) && seq_le(v->seq, p->rcv_nxt)) {
		p->rcv_nxt = end;
	}
	for (unsigned i = 0; i + 1 < v->options_len && v->options[i]; i += v->options[i] == 1 ? 1 : v->options[i + 1]) {
		if (v->options[i] == 8)
			p->ts_ecr = adit_get_be32(v->options + i + 2);
	}
}

static void look_at_output(void)
{
	struct host *h = &world.host[1];

	while (h->got) {
		struct packet *p = h->got;
		struct tcp_view v;

		h->got = p->next;
		MUST(adit_checksum_ok(p->data, p->len));
		if (tcp_view(&v, p->data, p->len)) {
			for (unsigned i = 0; i < FLOWS; i++) {
				if (flow[i].p.local.port == v.dport)
					heed(&flow[i].p, &v);
			}
		}
		free(last);
		last = p;
	}
	h->got_end = &h->got;
}

/* --- operations: each takes its bytes ------------------------------------------------- */

/* Numbers near what matters, and now and then anywhere. */
static uint32_t near(struct adit_reader *r, uint32_t base)
{
	static const int32_t steps[] = { 0, 1, -1, 1000, -1000, 65535, -65535, 1 << 20 };
	uint8_t b = adit_rd_u8(r);

	if (b < 200)
		return base + (uint32_t)(steps[b & 7] * (b >> 5 ? 1 : b >> 3));
	return base + (uint32_t)(int32_t)(int16_t)adit_rd_be16(r) * (b == 255 ? 65537u : 1u);
}

static void op_segment(struct flow *f, struct adit_reader *r)
{
	uint8_t flags = adit_rd_u8(r), shape = adit_rd_u8(r);
	struct puppet *p = &f->p;
	uint32_t seq = p->snd_nxt, ack = p->rcv_nxt, len = 0;
	size_t n;

	if (shape & 1)
		seq = near(r, seq);
	if (shape & 2)
		ack = near(r, ack);
	if (shape & 4)
		len = adit_rd_u8(r) * (shape & 8 ? 5u : 200u) % 30000;
	if (shape & 16)
		p->wnd = adit_rd_be16(r);
	if (shape & 32)
		p->ts_val += (uint32_t)(int8_t)adit_rd_u8(r);
	if (shape & 64) {
		const uint8_t *o = fuzz_chunk(r, p->ts ? 28 : 40, &n);

		if (o)
			puppet_option(p, o, (unsigned)n);
	}
	if (flags & SYN && shape & 128) {
		p->snd_nxt = seq + 1;
	} else if (!(shape & 129)) { /* what comes next */
		p->snd_nxt = seq + len + (flags & FIN ? 1 : 0);
	}
	puppet_segment(p, flags, seq, ack, len);
}

/* A whole packet out of the input, with lengths and checksums that fit. From somewhere else than the flows. */
static void op_raw(struct adit_reader *r)
{
	uint8_t kind = adit_rd_u8(r), ip[3000];
	uint8_t protocol = kind & 1 ? ADIT_IPPROTO_UDP : kind & 2 ? ADIT_IPPROTO_TCP : kind & 4 ? adit_rd_u8(r) : 0;
	struct puppet p = flow[kind >> 7].p; /* for its addresses */
	struct adit_addr other = p.local.addr;
	const uint8_t *bytes;
	uint32_t len;
	size_t n;

	other.bytes[other.family == 4 ? 3 : 15] = 77;
	p.from = &other;
	bytes = fuzz_chunk(r, 2500, &n);
	if (!bytes)
		return;
	if (!protocol)
		protocol = other.family == 4 ? ADIT_IPPROTO_ICMP : ADIT_IPPROTO_ICMPV6;
	len = puppet_write(&p, ip, protocol, bytes, (uint32_t)n);
	if (kind & 8 && n >= 8) { /* a fragment, with what the input says about it */
		if (other.family == 4) {
			memcpy(ip + 4, bytes, 4);
			adit_ip4_checksum(ip, 20);
		} else {
			ip[6] = 44;
		}
	}
	if (kind & 16 && n > 3) { /* header bytes as they may be */
		ip[bytes[0] % 40] ^= bytes[1];
		if (other.family == 4 && (ip[0] & 15) >= 5 && (ip[0] & 15) * 4u <= len)
			adit_ip4_checksum(ip, (ip[0] & 15) * 4u);
	}
	puppet_raw(&p, ip, len);
}

/* An ICMP error about what was sent last, changed a little or not. */
static void op_icmp(struct flow *f, struct adit_reader *r)
{
	uint8_t type = adit_rd_u8(r), code = adit_rd_u8(r), cut = adit_rd_u8(r);
	uint16_t rest = adit_rd_be16(r);
	uint8_t quote[600];
	uint32_t len;

	if (!last || adit_ip_version(last->data) != f->p.local.addr.family)
		return;
	len = last->len < 548 ? last->len : 548;
	memcpy(quote, last->data, len);
	if (cut & 1)
		len = len * (cut >> 1) / 127;
	if (cut & 2 && len)
		quote[rest % len] ^= cut;
	if (cut & 4) { /* the types that mean something */
		static const uint8_t four[] = { 3, 11, 12, 3, 5, 4 }, six[] = { 1, 2, 3, 4, 2, 137 };

		type = f->p.local.addr.family == 4 ? four[type % 6] : six[type % 6];
		code %= 16;
	}
	puppet_icmp(&f->p, type, code, rest, quote, len);
}

/* Several segments merged behind one header, as an offload hands them in. */
static void op_merged(struct flow *f, struct adit_reader *r)
{
	uint8_t tcp[20] = { 0 }, ip[60 + 20], *payload;
	uint32_t gso = 1 + adit_rd_u8(r) * 6u, len = gso * (2 + adit_rd_u8(r) % 20) - adit_rd_u8(r) % gso, hdr;
	struct puppet *p = &f->p;
	uint32_t seq = near(r, p->snd_nxt);
	struct iovec iov[3];

	adit_put_be16(tcp, p->local.port);
	adit_put_be16(tcp + 2, p->remote.port);
	adit_put_be32(tcp + 4, seq);
	adit_put_be32(tcp + 8, p->rcv_nxt);
	tcp[12] = 0x50;
	tcp[13] = (uint8_t)(ACK | (adit_rd_u8(r) & (PSH | FIN)));
	adit_put_be16(tcp + 14, p->wnd);
	hdr = puppet_write(p, ip, ADIT_IPPROTO_TCP, tcp, 20);
	payload = malloc(len);
	MUST(payload);
	puppet_pattern(p, seq, payload, len);
	iov[0] = (struct iovec){ ip, hdr };
	iov[1] = (struct iovec){ payload, len / 3 };
	iov[2] = (struct iovec){ payload + len / 3, len - len / 3 };
	adit_netstack_in(world.host[0].ns, iov, 3, gso, world.now);
	world_run(&world, 0); /* settles */
	memset(payload, 0xee, len);
	free(payload);
	if (seq == p->snd_nxt)
		p->snd_nxt += len + (tcp[13] & FIN ? 1 : 0);
}

static void op_call(struct flow *f, struct adit_reader *r)
{
	uint8_t what = adit_rd_u8(r), n = adit_rd_u8(r);
	struct adit_netstack *ns = world.host[0].ns;
	static uint8_t bytes[65535];
	struct adit_tcp_options o;

	switch (what % 12) {
	case 0:
		if (f->s)
			MUST(adit_tcp_send(f->s, bytes, n * 200u, world.now) <= n * 200u);
		break;
	case 1:
		if (f->s)
			adit_tcp_shutdown(f->s, world.now);
		break;
	case 2:
	case 3:
		if (!f->s)
			break;
		if (what % 12 == 2)
			adit_tcp_close(f->s, world.now);
		else
			adit_tcp_abort(f->s, world.now);
		f->s = NULL;
		break;
	case 4:
		f->hold = n & 1;
		if (f->s && !f->hold) {
			adit_tcp_accept(f->s, world.now);
			read_all(f);
		}
		break;
	case 5:
		if (!f->s && !adit_tcp_connect(ns, &f->s, NULL, &f->p.local, NULL, world.now))
			f->got = 0;
		break;
	case 6:
		adit_netstack_set_mtu(ns, 1280 + n * 40u, world.now);
		break;
	case 7:
		adit_udp_sock_send(udp, &f->p.local, bytes, n * 250u, world.now);
		break;
	case 8:
		adit_ping_send(ping, n, bytes, n * 20u, world.now);
		break;
	case 9:
		if (!f->s)
			break;
		adit_tcp_get_options(f->s, &o);
		o.nagle = n & 1;
		o.user_timeout = n & 2 ? 30 * ADIT_SEC : 0;
		o.keepalive_idle = n & 4 ? 10 * ADIT_SEC : 0;
		adit_tcp_set_options(f->s, &o, world.now);
		break;
	case 10: {
		size_t room;
		uint8_t *at = f->s ? adit_tcp_reserve(f->s, n * 300u, &room) : NULL;

		if (at) {
			memset(at, 7, room);
			adit_tcp_commit(f->s, n & 1 ? room : 0, world.now);
		}
		break;
	}
	case 11: /* memory comes and goes */
		world.budget.limit = n & 1 ? (size_t)n << 12 : 64 << 20;
		break;
	}
	world_run(&world, 0);
}

static void op_time(struct adit_reader *r)
{
	uint8_t b = adit_rd_u8(r);

	world_run(&world, (adit_time)(b & 15) * ADIT_MSEC << (b >> 4));
}

/* --- a run ---------------------------------------------------------------------------- */

static void begin(uint8_t how)
{
	struct adit_netstack_config cfg = { .mtu = how & 64 ? 9000 : 1420, .trust_checksums = how & 128 };
	struct adit_endpoint port = { .port = LISTEN_PORT };
	struct puppet p;

	world.event = any_event;
	world.budget.limit = 64 << 20;
	puppet_world(&world, &p, &cfg);
	EXPECT(&world, !adit_tcp_listen(world.host[0].ns, &listener, &port, NULL));
	port.port = UDP_PORT;
	EXPECT(&world, !adit_udp_sock_open(world.host[0].ns, &udp, &port, NULL, NULL));
	EXPECT(&world, !adit_ping_open(world.host[0].ns, &ping, &p.local.addr, NULL));
	for (unsigned i = 0; i < FLOWS; i++) {
		unsigned family = i % 2 ? 6 : 4;

		flow[i] = (struct flow){ .p = p };
		flow[i].p.local = world_endpoint(1, family, (uint16_t)(5000 + i));
		flow[i].p.remote = world_endpoint(0, family, LISTEN_PORT);
		flow[i].p.ts = i & 2;
		flow[i].p.sack = !(i & 1);
		flow[i].p.scale = i & 4 ? 3 : -1;
		flow[i].p.snd_nxt = flow[i].p.iss += i * 1000003u;
	}
}

/* One established that came in, one that went out, one that is being opened; the rest by the input. */
static void first_connections(void)
{
	for (unsigned i = 0; i < 3; i++) {
		struct flow *f = &flow[i];

		if (i != 1) {
			puppet_syn(&f->p, SYN);
			look_at_output();
			if (i == 0)
				puppet_segment(&f->p, ACK, f->p.snd_nxt, f->p.rcv_nxt, 0);
			continue;
		}
		EXPECT(&world, !adit_tcp_connect(world.host[0].ns, &f->s, NULL, &f->p.local, NULL, world.now));
		world_run(&world, 0);
		look_at_output();
		puppet_syn(&f->p, SYN | ACK);
		look_at_output();
	}
}

static void finish(void)
{
	world.budget.limit = 64 << 20;
	for (unsigned i = 0; i < FLOWS; i++) {
		if (flow[i].s)
			adit_tcp_abort(flow[i].s, world.now);
		flow[i].s = NULL;
	}
	adit_tcp_close(listener, world.now);
	adit_udp_sock_close(udp);
	adit_ping_close(ping);
	world_run(&world, 1300 * ADIT_SEC); /* orphans that nobody answers */
	expect_silence(&world);
	look_at_output();
	free(last);
	last = NULL;
	world_fini(&world);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct adit_reader r;

	if (size == 0)
		return 0;
	adit_rd_init(&r, data + 1, size - 1);
	world_init(&world, "fuzz", 2u * (data[0] & 31) + 1, getenv("NETSIM_PACKETS")); /* a trace, for replays */
	if (setjmp(world.failed)) {
		fprintf(stderr, "%s\n", world.message);
		abort();
	}
	begin(data[0]);
	first_connections();
	for (unsigned n = 0; r.left && n < 400; n++) {
		uint8_t op = adit_rd_u8(&r);
		struct flow *f = &flow[(op >> 4) % FLOWS];

		switch (op & 7) {
		case 0: case 1: case 2:
			op_segment(f, &r);
			break;
		case 3:
			op_call(f, &r);
			break;
		case 4:
			op_time(&r);
			break;
		case 5:
			op_icmp(f, &r);
			break;
		case 6:
			op_raw(&r);
			break;
		case 7:
			op_merged(f, &r);
			break;
		}
		look_at_output();
	}
	finish();
	return 0;
}
