/* SPDX-License-Identifier: ISC */
/* puppet.c - packets written and read by hand */
#include "puppet.h"

#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"

void puppet_world(struct world *w, struct puppet *p, const struct adit_netstack_config *cfg)
{
	unsigned family = w->seed % 2 ? 4 : 6;

	world_host(w, cfg);
	world_puppet(w);
	*p = (struct puppet){ .w = w, .wnd = 60000, .mss = 1340, .scale = -1 };
	p->ts = w->seed / 2 % 2;
	p->sack = w->seed / 4 % 2;
	p->local = world_endpoint(1, family, (uint16_t)rng_range(&w->rng, 1024, 65535));
	p->remote = world_endpoint(0, family, 1000);
	p->iss = p->snd_nxt = (uint32_t)rng_next(&w->rng);
	if (rng_chance(&w->rng, 300)) /* about to wrap */
		p->iss = p->snd_nxt = (uint32_t)-(int)rng_below(&w->rng, 5000);
	p->ts_val = (uint32_t)rng_next(&w->rng);
}

void puppet_fini(struct puppet *p)
{
	free(p->last);
	p->last = NULL;
}

uint64_t puppet_drops(const struct puppet *p, enum adit_drop why)
{
	return host_stats(&p->w->host[0]).drops[why];
}

/* --- writing ------------------------------------------------------------------- */

static unsigned check_at(uint8_t protocol)
{
	return protocol == ADIT_IPPROTO_TCP ? ADIT_TCP_CHECK : protocol == ADIT_IPPROTO_UDP ? ADIT_UDP_CHECK : 2;
}

static unsigned write_ip(const struct puppet *p, uint8_t *ip, uint8_t protocol, uint32_t len)
{
	const struct adit_addr *src = p->from ? p->from : &p->local.addr;
	unsigned ttl = p->ttl ? p->ttl : 64;

	memset(ip, 0, 40);
	if (src->family == 4) {
		ip[0] = 0x45;
		adit_put_be16(ip + 2, (uint16_t)(20 + len));
		ip[8] = (uint8_t)ttl;
		ip[9] = protocol;
		memcpy(ip + 12, src->bytes, 4);
		memcpy(ip + 16, p->remote.addr.bytes, 4);
		adit_ip4_checksum(ip, 20);
		return 20;
	}
	ip[0] = 0x60;
	adit_put_be16(ip + 4, (uint16_t)len);
	ip[6] = protocol;
	ip[7] = (uint8_t)ttl;
	memcpy(ip + 8, src->bytes, 16);
	memcpy(ip + 24, p->remote.addr.bytes, 16);
	return 40;
}

uint32_t puppet_write(struct puppet *p, uint8_t *ip, uint8_t protocol, const void *l4, uint32_t len)
{
	unsigned hdr = write_ip(p, ip, protocol, len), at = check_at(protocol);
	uint64_t sum = protocol == ADIT_IPPROTO_ICMP ? 0 : adit_sum_pseudo(ip, protocol, len);
	uint16_t check;

	memcpy(ip + hdr, l4, len);
	if (len >= at + 2) {
		memset(ip + hdr + at, 0, 2);
		check = (uint16_t)~adit_sum_fold(adit_sum(ip + hdr, len, sum));
		memcpy(ip + hdr + at, &check, 2);
	}
	return hdr + len;
}

void puppet_raw(struct puppet *p, const uint8_t *ip, uint32_t len)
{
	wire_deliver(p->w, 0, ip, len, p->w->now);
	world_run(p->w, 0);
}

void puppet_packet(struct puppet *p, uint8_t protocol, const void *l4, uint32_t len)
{
	static uint8_t ip[PACKET_MAX];
	uint32_t whole;

	EXPECT_INT(p->w, len, <=, PACKET_MAX - 40);
	whole = puppet_write(p, ip, protocol, l4, len);
	if (p->spoil)
		ip[p->spoil] ^= 0x55;
	p->spoil = p->ttl = 0;
	p->from = NULL;
	puppet_raw(p, ip, whole);
}

void puppet_option(struct puppet *p, const void *bytes, unsigned len)
{
	EXPECT_INT(p->w, p->options_len + len, <=, sizeof(p->options));
	memcpy(p->options + p->options_len, bytes, len);
	p->options_len += len;
}

static unsigned write_options(struct puppet *p, uint8_t *at)
{
	unsigned len = 0, padded;

	if (p->ts) {
		memcpy(at, (uint8_t[]){ 1, 1, 8, 10 }, 4);
		adit_put_be32(at + 4, p->ts_val);
		adit_put_be32(at + 8, p->ts_ecr);
		len = 12;
	}
	memcpy(at + len, p->options, p->options_len);
	padded = (len + p->options_len + 3) / 4 * 4;
	EXPECT_INT(p->w, padded, <=, 40);
	p->options_len = 0;
	return padded;
}

void puppet_pattern(const struct puppet *p, uint32_t seq, uint8_t *to, uint32_t len)
{
	uint32_t at = seq - p->iss - 1, first = 0 - at;
	unsigned id = p->st ? p->st->id : 0, side = p->st && p->end->side == 0;

	if (first == 0 || first > len)
		first = len;
	pattern_fill(id, side, at, to, first);
	pattern_fill(id, side, 0, to + first, len - first); /* past the last number, which is in front of the stream */
}

void puppet_segment(struct puppet *p, unsigned flags, uint32_t seq, uint32_t ack, uint32_t len)
{
	static uint8_t t[PACKET_MAX];
	unsigned hdr;

	memset(t, 0, 60);
	adit_put_be16(t, p->local.port);
	adit_put_be16(t + 2, p->remote.port);
	adit_put_be32(t + 4, seq);
	adit_put_be32(t + 8, ack);
	t[13] = (uint8_t)flags;
	adit_put_be16(t + 14, p->wnd);
	hdr = 20 + write_options(p, t + 20);
	t[12] = (uint8_t)(hdr / 4 << 4);
	if (len)
		puppet_pattern(p, seq, t + hdr, len);
	puppet_packet(p, ADIT_IPPROTO_TCP, t, hdr + len);
}

void puppet_say(struct puppet *p, unsigned flags, uint32_t len)
{
	uint32_t seq = p->snd_nxt;

	if (p->st)
		p->st->end[!p->end->side].sent += len;
	p->snd_nxt += len + ((flags & (SYN | FIN)) != 0);
	puppet_segment(p, flags, seq, flags & ACK ? p->rcv_nxt : 0, len);
}

void puppet_udp(struct puppet *p, uint16_t from, uint16_t to, const void *data, uint32_t len)
{
	static uint8_t u[PACKET_MAX];

	EXPECT_INT(p->w, len, <=, 65507);
	adit_put_be16(u, from);
	adit_put_be16(u + 2, to);
	adit_put_be16(u + 4, (uint16_t)(8 + len));
	memcpy(u + 8, data, len);
	puppet_packet(p, ADIT_IPPROTO_UDP, u, 8 + len);
}

void puppet_icmp(struct puppet *p, unsigned type, unsigned code, uint32_t rest, const void *quoted, uint32_t len)
{
	uint8_t m[1500] = { (uint8_t)type, (uint8_t)code };

	EXPECT_INT(p->w, len, <=, sizeof(m) - 8);
	adit_put_be32(m + 4, rest);
	memcpy(m + 8, quoted, len);
	puppet_packet(p, p->local.addr.family == 4 ? ADIT_IPPROTO_ICMP : ADIT_IPPROTO_ICMPV6, m, 8 + len);
}

void puppet_icmp_about_last(struct puppet *p, unsigned type, unsigned code, uint32_t rest)
{
	EXPECT(p->w, p->last);
	puppet_icmp(p, type, code, rest, p->last->data, p->last->len < 548 ? p->last->len : 548);
}

/* --- reading -------------------------------------------------------------------- */

static void note_timestamp(struct puppet *p)
{
	for (unsigned i = 0; i + 1 < p->v.options_len && p->v.options[i];) {
		if (p->v.options[i] == 1) {
			i++;
			continue;
		}
		if (p->v.options[i] == 8 && i + 10 <= p->v.options_len)
			p->ts_ecr = adit_get_be32(p->v.options + i + 2);
		EXPECT(p->w, p->v.options[i + 1] >= 2);
		i += p->v.options[i + 1];
	}
}

bool puppet_get(struct puppet *p)
{
	struct host *h = &p->w->host[1];

	free(p->last);
	p->last = h->got;
	memset(&p->v, 0, sizeof(p->v));
	if (!p->last)
		return false;
	h->got = p->last->next;
	if (!h->got)
		h->got_end = &h->got;
	if (tcp_view(&p->v, p->last->data, p->last->len)) {
		EXPECT(p->w, adit_checksum_ok(p->last->data, p->last->len));
		EXPECT_INT(p->w, p->v.dport, ==, p->local.port);
		world_trace(p->w, "got flags %02x seq +%u ack +%u len %u wnd %u", p->v.flags, p->v.seq - p->rcv_nxt,
			    p->v.ack - p->iss, p->v.len, p->v.wnd);
		note_timestamp(p);
	}
	return true;
}

void puppet_expect(struct puppet *p, unsigned flags)
{
	const unsigned count = SYN | ACK | RST | FIN;

	if (!puppet_get(p))
		FAIL(p->w, "nothing was sent, expected flags %02x", flags);
	if ((p->v.flags & count) != flags)
		FAIL(p->w, "flags %02x were sent, expected %02x", p->v.flags, flags);
}

void puppet_expect_ack(struct puppet *p)
{
	puppet_expect(p, ACK);
	EXPECT_INT(p->w, p->v.len, ==, 0);
	EXPECT_INT(p->w, p->v.ack, ==, p->snd_nxt);
	EXPECT_INT(p->w, p->v.seq, ==, p->rcv_nxt);
	puppet_expect_none(p);
}

void puppet_expect_data(struct puppet *p, uint32_t len)
{
	static uint8_t want[PACKET_MAX];

	while (len) {
		puppet_expect(p, ACK);
		EXPECT_INT(p->w, p->v.seq, ==, p->rcv_nxt);
		EXPECT_INT(p->w, p->v.len, >, 0);
		EXPECT_INT(p->w, p->v.len, <=, len);
		pattern_fill(p->st->id, p->end->side, p->rcv_nxt - p->irs - 1, want, p->v.len);
		EXPECT(p->w, !memcmp(want, p->v.payload, p->v.len));
		p->rcv_nxt += p->v.len;
		len -= p->v.len;
	}
}

void puppet_expect_icmp(struct puppet *p, unsigned type, unsigned code)
{
	unsigned hdr = p->local.addr.family == 4 ? 20 : 40;

	if (!puppet_get(p))
		FAIL(p->w, "nothing was sent, expected ICMP %u/%u", type, code);
	EXPECT_INT(p->w, p->last->data[p->local.addr.family == 4 ? 9 : 6], ==,
		   p->local.addr.family == 4 ? ADIT_IPPROTO_ICMP : ADIT_IPPROTO_ICMPV6);
	EXPECT(p->w, adit_checksum_ok(p->last->data, p->last->len));
	EXPECT_INT(p->w, p->last->data[hdr], ==, type);
	EXPECT_INT(p->w, p->last->data[hdr + 1], ==, code);
}

void puppet_expect_none(struct puppet *p)
{
	if (p->w->host[1].got && puppet_get(p))
		FAIL(p->w, "a packet was sent, flags %02x, %u bytes", p->v.flags, p->v.len);
}

void puppet_expect_silence(struct puppet *p, adit_time time)
{
	world_run(p->w, time);
	puppet_expect_none(p);
}

unsigned puppet_skip(struct puppet *p)
{
	unsigned n = 0;

	while (puppet_get(p))
		n++;
	return n;
}

/* --- handshakes --------------------------------------------------------------------- */

void puppet_syn(struct puppet *p, unsigned flags)
{
	if (p->mss)
		puppet_option(p, (uint8_t[]){ 2, 4, (uint8_t)(p->mss >> 8), (uint8_t)p->mss }, 4);
	if (p->sack)
		puppet_option(p, (uint8_t[]){ 1, 1, 4, 2 }, 4);
	if (p->scale >= 0)
		puppet_option(p, (uint8_t[]){ 1, 3, 3, (uint8_t)p->scale }, 4);
	puppet_segment(p, flags, p->iss, flags & ACK ? p->rcv_nxt : 0, 0);
	p->snd_nxt = p->iss + 1;
}

struct stream *puppet_connect(struct puppet *p, uint64_t back)
{
	struct world *w = p->w;

	p->st = stream_new(w, 1, 0, p->local.addr.family, 0, back);
	p->end = &p->st->end[1];
	p->end->hold_fin = true;
	p->st->end[0].to_send = UINT64_MAX; /* as much as the test likes */
	p->remote.port = p->st->port;
	puppet_syn(p, SYN);
	puppet_expect(p, SYN | ACK);
	EXPECT_INT(w, p->v.ack, ==, p->snd_nxt);
	p->irs = p->v.seq;
	p->rcv_nxt = p->irs + 1;
	puppet_expect_none(p);
	puppet_say(p, ACK, 0);
	EXPECT(w, p->end->connected);
	return p->st;
}

struct stream *puppet_dialed(struct puppet *p, uint64_t out)
{
	struct adit_endpoint to = p->local;

	p->st = stream_new(p->w, 0, 1, p->local.addr.family, out, UINT64_MAX);
	p->end = &p->st->end[0];
	p->end->hold_fin = true;
	p->local.port = to.port = p->st->port;
	EXPECT(p->w, !adit_tcp_connect(p->w->host[0].ns, &p->end->s, NULL, &to, p->end, p->w->now));
	world_run(p->w, 0);
	puppet_expect(p, SYN);
	p->remote.port = p->v.sport;
	p->irs = p->v.seq;
	p->rcv_nxt = p->irs + 1;
	return p->st;
}

void puppet_answer(struct puppet *p)
{
	puppet_syn(p, SYN | ACK);
	EXPECT(p->w, p->end->connected);
}
