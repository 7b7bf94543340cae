/* SPDX-License-Identifier: ISC */
/*
 * netstack_lab.h - a stack without TCP to put packets into: doubles of what
 * TCP offers the rest (they note what they were called with), packets made by
 * hand, and checks of what comes out
 */
#ifndef ADIT_TESTS_NETSTACK_LAB_H
#define ADIT_TESTS_NETSTACK_LAB_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "netstack/ip.h"
#include "netstack/netstack.h"
#include "netstack/stack.h"

#define LAB_NOW (1000 * ADIT_SEC)

/* --- doubles of TCP -------------------------------------------------------------- */

static struct {
	unsigned segments, icmps, acks, resets, frees;
	struct tcp_segment seg;
	uint8_t payload[70000];
	struct adit_endpoint local, remote;
	uint32_t seq;
	enum icmp_kind kind;
	int error;
	unsigned mtu;
	struct time_wait_info info;
	struct adit_list sending; /* one connection that always has something to send */
} tcp_double;

void tcp_in(struct adit_netstack *ns, const struct tcp_segment *seg, adit_time now)
{
	size_t at = 0, skip = seg->skip;

	(void)ns;
	(void)now;
	tcp_double.segments++;
	tcp_double.seg = *seg;
	for (int i = 0; i < seg->cnt && at < seg->len; i++) {
		size_t n = seg->iov[i].iov_len;

		if (n <= skip) {
			skip -= n;
			continue;
		}
		n = n - skip < seg->len - at ? n - skip : seg->len - at;
		memcpy(tcp_double.payload + at, (const uint8_t *)seg->iov[i].iov_base + skip, n);
		at += n;
		skip = 0;
	}
	assert_int_equal(at, seg->len);
}

void tcp_icmp(struct adit_netstack *ns, const struct adit_endpoint *local, const struct adit_endpoint *remote,
	      uint32_t seq, enum icmp_kind kind, int error, unsigned mtu, adit_time now)
{
	(void)ns;
	(void)now;
	tcp_double.icmps++;
	tcp_double.local = *local;
	tcp_double.remote = *remote;
	tcp_double.seq = seq;
	tcp_double.kind = kind;
	tcp_double.error = error;
	tcp_double.mtu = mtu;
}

enum adit_out tcp_out(struct tcp *t, uint8_t *buf, uint32_t *len, struct adit_super *super, adit_time now)
{
	(void)t;
	(void)super;
	(void)now;
	memset(buf, 0, 40);
	buf[0] = 0x45;
	buf[3] = 40;
	buf[9] = ADIT_IPPROTO_TCP;
	*len = 40;
	return ADIT_OUT_PACKET;
}

void tcp_settle(struct tcp *t, adit_time now)
{
	(void)t;
	(void)now;
}

struct tcp *tcp_of_sending(struct adit_list *link)
{
	return (struct tcp *)link;
}

struct tcp *tcp_of_borrowing(struct adit_list *link)
{
	return (struct tcp *)link;
}

void tcp_free(struct tcp *t)
{
	struct adit_sock *s = (struct adit_sock *)t;

	tcp_double.frees++;
	ns_sock_fini(s);
	free(s);
}

void tcp_reset(struct tcp *t, int error, adit_time now)
{
	struct adit_sock *s = (struct adit_sock *)t;

	(void)now;
	tcp_double.resets++;
	s->error = error;
	ns_event(s, ADIT_EV_ERROR);
}

void tcp_listener_free(struct tcp_listener *l)
{
	(void)l;
}

void tcp_mtu_changed(struct tcp *t, adit_time now)
{
	(void)t;
	(void)now;
}

void tcp_path_up(struct tcp *t, adit_time now)
{
	(void)t;
	(void)now;
}

void tcp_send_bare_ack(struct adit_netstack *ns, const struct adit_endpoint *local, const struct adit_endpoint *remote,
		       const struct time_wait_info *info, adit_time now)
{
	(void)ns;
	(void)now;
	tcp_double.acks++;
	tcp_double.local = *local;
	tcp_double.remote = *remote;
	tcp_double.info = *info;
}

void tcp_check(const struct tcp *t)
{
	(void)t;
}

/* --- the stack -------------------------------------------------------------------- */

struct lab {
	struct adit_netstack *ns;
	struct adit_budget budget;
	uint64_t random;
	unsigned randoms; /* how often the stack asked */
	adit_time now;
	unsigned traced_in, traced_out;
	enum adit_drop traced_drop;
	uint8_t out[65536];
	struct adit_super super;
};

static inline uint64_t lab_random64(uint64_t *state)
{
	uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static inline void lab_fill(void *user, void *buf, size_t len)
{
	struct lab *lab = user;
	uint8_t *p = buf;

	lab->randoms++;
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)lab_random64(&lab->random);
}

static inline void lab_trace(void *user, bool out, enum adit_drop drop, const struct iovec *iov, int cnt, adit_time now)
{
	struct lab *lab = user;

	(void)iov;
	(void)now;
	assert_true(cnt > 0);
	if (out) {
		lab->traced_out++;
		return;
	}
	lab->traced_in++;
	lab->traced_drop = drop;
}

static const struct adit_addr us4 = { 4, { 10, 0, 0, 1 } }, peer4 = { 4, { 10, 0, 0, 2 } };
static const struct adit_addr us6 = { 6, { 0xfd, [15] = 1 } }, peer6 = { 6, { 0xfd, [15] = 2 } };

static inline const struct adit_addr *lab_us(int family)
{
	return family == 4 ? &us4 : &us6;
}

static inline const struct adit_addr *lab_peer(int family)
{
	return family == 4 ? &peer4 : &peer6;
}

static inline void lab_start(struct lab *lab, const struct adit_netstack_config *cfg)
{
	const struct adit_netstack_ops ops = { .random = lab_fill, .trace = lab_trace };
	struct adit_netstack_config c = cfg ? *cfg : (struct adit_netstack_config){ 0 };

	memset(lab, 0, sizeof(*lab));
	memset(&tcp_double, 0, sizeof(tcp_double));
	lab->budget.limit = 64 << 20;
	lab->random = 1;
	lab->now = LAB_NOW;
	c.budget = &lab->budget;
	assert_int_equal(adit_netstack_new(&lab->ns, &c, &ops, lab, lab->now), 0);
	assert_int_equal(adit_netstack_add_address(lab->ns, &us4), 0);
	assert_int_equal(adit_netstack_add_address(lab->ns, &us6), 0);
}

static inline void lab_end(struct lab *lab)
{
	ns_check(lab->ns);
	adit_netstack_free(lab->ns);
	assert_int_equal(lab->budget.used, 0);
}

static inline uint64_t lab_drops(const struct lab *lab, enum adit_drop drop)
{
	return lab->ns->n.drops[drop];
}

static inline uint64_t lab_all_drops(const struct lab *lab)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < ADIT_DROP_CNT; i++)
		n += lab->ns->n.drops[i];
	return n;
}

/* One packet, in memory of exactly its length, so that a checker sees a byte too many being read. */
static inline enum adit_drop lab_in(struct lab *lab, const uint8_t *pkt, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	struct iovec iov = { copy, len };

	assert_non_null(copy);
	memcpy(copy, pkt, len);
	adit_netstack_in(lab->ns, &iov, 1, 0, lab->now);
	adit_netstack_in_end(lab->ns, lab->now);
	memset(copy, 0xee, len);
	free(copy);
	return lab->traced_drop;
}

/* The next packet out; its length, 0 = none. Whatever comes out is well formed. */
static inline uint32_t lab_out(struct lab *lab)
{
	uint32_t len = 0;
	struct adit_inet in = { 0 };

	if (adit_netstack_out(lab->ns, lab->out, &len, &lab->super, lab->now) == ADIT_OUT_NONE)
		return 0;
	assert_true(adit_inet_parse(&in, lab->out, len));
	assert_int_equal(in.len, len);
	if (in.version == 4 && in.protocol != ADIT_IPPROTO_TCP)
		assert_int_equal(adit_sum_fold(adit_sum(lab->out, in.l4_off, 0)), 0xffff);
	if (in.protocol == ADIT_IPPROTO_ICMP && !in.fragment)
		assert_int_equal(adit_sum_fold(adit_sum(lab->out + in.l4_off, len - in.l4_off, 0)), 0xffff);
	if (in.protocol != ADIT_IPPROTO_TCP) /* the double's is no real segment */
		assert_true(adit_checksum_ok(lab->out, len));
	return len;
}

/* --- packets ---------------------------------------------------------------------- */

static inline void lab_sum(uint8_t *pkt, size_t l4_off, size_t len, uint8_t protocol, unsigned check_off)
{
	uint64_t sum = protocol == ADIT_IPPROTO_ICMP ? 0 : adit_sum_pseudo(pkt, protocol, (uint32_t)(len - l4_off));
	uint16_t check;

	memset(pkt + l4_off + check_off, 0, 2);
	check = (uint16_t)~adit_sum_fold(adit_sum(pkt + l4_off, len - l4_off, sum));
	if (!check && protocol == ADIT_IPPROTO_UDP)
		check = 0xffff;
	memcpy(pkt + l4_off + check_off, &check, 2);
}

/* An IP header from `src` to `dst` for l4_len bytes. Returns its length. */
static inline size_t lab_ip(uint8_t *pkt, const struct adit_addr *src, const struct adit_addr *dst, uint8_t protocol,
		     size_t l4_len)
{
	memset(pkt, 0, 40);
	if (src->family == 4) {
		pkt[0] = 0x45;
		adit_put_be16(pkt + 2, (uint16_t)(20 + l4_len));
		pkt[8] = 64;
		pkt[9] = protocol;
		memcpy(pkt + 12, src->bytes, 4);
		memcpy(pkt + 16, dst->bytes, 4);
		adit_ip4_checksum(pkt, 20);
		return 20;
	}
	pkt[0] = 0x60;
	adit_put_be16(pkt + 4, (uint16_t)l4_len);
	pkt[6] = protocol;
	pkt[7] = 64;
	memcpy(pkt + 8, src->bytes, 16);
	memcpy(pkt + 24, dst->bytes, 16);
	return 40;
}

static inline uint8_t lab_byte(size_t i)
{
	return (uint8_t)(i * 7 + i / 256 * 3 + 1);
}

/* A datagram of len patterned bytes from the peer. Returns its length. */
static inline size_t lab_udp(uint8_t *pkt, int family, uint16_t from, uint16_t to, size_t len)
{
	size_t off = lab_ip(pkt, lab_peer(family), lab_us(family), ADIT_IPPROTO_UDP, 8 + len);

	adit_put_be16(pkt + off, from);
	adit_put_be16(pkt + off + 2, to);
	adit_put_be16(pkt + off + 4, (uint16_t)(8 + len));
	for (size_t i = 0; i < len; i++)
		pkt[off + 8 + i] = lab_byte(i);
	lab_sum(pkt, off, off + 8 + len, ADIT_IPPROTO_UDP, ADIT_UDP_CHECK);
	return off + 8 + len;
}

/* A segment, 12 bytes of options in front of the payload. */
static inline size_t lab_tcp(uint8_t *pkt, int family, uint32_t seq, uint8_t flags, size_t len)
{
	size_t off = lab_ip(pkt, lab_peer(family), lab_us(family), ADIT_IPPROTO_TCP, 32 + len);
	uint8_t *tcp = pkt + off;

	memset(tcp, 0, 20);
	adit_put_be16(tcp, 4000);
	adit_put_be16(tcp + 2, 80);
	adit_put_be32(tcp + 4, seq);
	adit_put_be32(tcp + 8, 77);
	tcp[12] = 0x80;
	tcp[13] = flags;
	adit_put_be16(tcp + 14, 512);
	memset(tcp + 20, 1, 12);
	for (size_t i = 0; i < len; i++)
		tcp[32 + i] = lab_byte(i);
	lab_sum(pkt, off, off + 32 + len, ADIT_IPPROTO_TCP, ADIT_TCP_CHECK);
	return off + 32 + len;
}

static inline size_t lab_icmp(uint8_t *pkt, int family, uint8_t type, uint8_t code, uint32_t rest, const void *data,
			      size_t len)
{
	uint8_t protocol = family == 4 ? ADIT_IPPROTO_ICMP : ADIT_IPPROTO_ICMPV6;
	size_t off = lab_ip(pkt, lab_peer(family), lab_us(family), protocol, 8 + len);

	pkt[off] = type;
	pkt[off + 1] = code;
	adit_put_be32(pkt + off + 4, rest);
	if (len)
		memmove(pkt + off + 8, data, len);
	lab_sum(pkt, off, off + 8 + len, protocol, 2);
	return off + 8 + len;
}

static inline void lab_is_pattern(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		assert_int_equal(p[i], lab_byte(i));
}

#endif
