/* SPDX-License-Identifier: ISC */
/* scenario_icmp.c - ICMP errors at TCP connections: believed or not, hard or soft (RFC 1122, 1191, 5461, 5927, 8201) */
#include <errno.h>
#include <string.h>

#include "netstack/seq.h"
#include "puppet.h"
#include "scenario.h"

static bool v4(const struct puppet *p)
{
	return p->local.addr.family == 4;
}

struct kind {
	uint8_t type, code;
	int error;
};

static const struct kind unreachable4[] = {
	{ 3, 0, -ENETUNREACH }, { 3, 1, -EHOSTUNREACH }, { 3, 2, -ECONNREFUSED }, { 3, 3, -ECONNREFUSED },
	{ 3, 9, -EACCES }, { 3, 10, -EACCES }, { 3, 13, -EACCES }, { 12, 0, -EHOSTUNREACH },
};
static const struct kind unreachable6[] = {
	{ 1, 0, -ENETUNREACH }, { 1, 1, -EACCES }, { 1, 3, -EHOSTUNREACH }, { 1, 4, -ECONNREFUSED },
	{ 1, 5, -EACCES }, { 1, 6, -EACCES }, { 4, 1, -ECONNREFUSED }, { 4, 0, -EHOSTUNREACH },
};

static const struct kind *kind_of(const struct puppet *p, unsigned n)
{
	return v4(p) ? &unreachable4[n % 8] : &unreachable6[n % 8];
}

/* While connecting: the error is the program's, at once; only if it quotes our SYN. */
void scenario_icmp_connect(struct world *w)
{
	const struct kind *k;
	struct puppet p;
	uint8_t quote[100];
	unsigned hdr;

	puppet_world(w, &p, NULL);
	puppet_dialed(&p, 0);
	k = kind_of(&p, (unsigned)w->seed / 2);
	hdr = v4(&p) ? 20 : 40;
	memcpy(quote, p.last->data, hdr + 20);
	adit_put_be32(quote + hdr + 4, p.irs + 1); /* not the SYN's number */
	puppet_icmp(&p, k->type, k->code, 0, quote, hdr + 20);
	EXPECT(w, !p.end->error);
	EXPECT_INT(w, puppet_drops(&p, ADIT_DROP_not_in_flight), ==, 1);
	adit_put_be32(quote + hdr + 4, p.irs);
	adit_put_be16(quote + hdr, (uint16_t)(p.remote.port ^ 1)); /* another connection's */
	puppet_icmp(&p, k->type, k->code, 0, quote, hdr + 20);
	EXPECT(w, !p.end->error);
	EXPECT_INT(w, puppet_drops(&p, ADIT_DROP_no_flow), ==, 1);
	puppet_icmp(&p, k->type, k->code, 0, p.last ? p.last->data : quote, hdr + 7); /* ends before the number */
	EXPECT(w, !p.end->error);
	adit_put_be16(quote + hdr, p.remote.port);
	puppet_icmp(&p, k->type, k->code, 0, quote, hdr + 8); /* eight bytes are enough */
	EXPECT_INT(w, p.end->error, ==, k->error);
	puppet_expect_none(&p);
	puppet_fini(&p);
	expect_silence(w);
}

/* Time exceeded may pass: the SYN goes on, and the reason is told if nothing came of it. */
void scenario_icmp_connect_soft(struct world *w)
{
	struct puppet p;

	puppet_world(w, &p, NULL);
	puppet_dialed(&p, 0);
	puppet_icmp_about_last(&p, v4(&p) ? 11 : 3, 0, 0);
	EXPECT(w, !p.end->error);
	if (w->seed / 2 % 2) {
		world_run(w, 2 * ADIT_SEC);
		puppet_expect(&p, SYN);
		puppet_answer(&p);
		puppet_skip(&p);
		puppet_say(&p, RST | ACK, 0);
		EXPECT_INT(w, p.end->error, ==, -ECONNRESET);
	} else {
		world_run(w, 61 * ADIT_SEC);
		EXPECT_INT(w, p.end->error, ==, -EHOSTUNREACH);
	}
	puppet_fini(&p);
	expect_silence(w);
}

/* Established: no ICMP error ends it, hard or soft (RFC 5461); it is the reason when patience ends. */
void scenario_icmp_established(struct world *w)
{
	struct adit_tcp_options o;
	struct puppet p;

	puppet_world(w, &p, NULL);
	puppet_connect(&p, 1000);
	adit_tcp_get_options(p.end->s, &o);
	o.user_timeout = 20 * ADIT_SEC;
	adit_tcp_set_options(p.end->s, &o, w->now);
	puppet_expect(&p, ACK);
	for (unsigned i = 0; i < 8; i++) {
		struct packet *quoted = p.last;
		const struct kind *k = kind_of(&p, i);

		puppet_icmp(&p, k->type, k->code, 0, quoted->data, quoted->len < 500 ? quoted->len : 500);
		EXPECT(w, !p.end->error);
		EXPECT_INT(w, adit_sock_error(p.end->s), ==, 0); /* it lives */
	}
	if (w->seed / 2 % 2) { /* it was passing */
		p.rcv_nxt += p.v.len;
		puppet_say(&p, ACK, 0);
		puppet_icmp_about_last(&p, kind_of(&p, 0)->type, kind_of(&p, 0)->code, 0); /* about what has arrived */
		EXPECT_INT(w, puppet_drops(&p, ADIT_DROP_not_in_flight), ==, 1);
		EXPECT_INT(w, adit_sock_error(p.end->s), ==, 0);
		puppet_say(&p, RST | ACK, 0);
	} else {
		world_run(w, 60 * ADIT_SEC);
		EXPECT_INT(w, p.end->error, ==, kind_of(&p, 7)->error);
	}
	puppet_fini(&p);
	expect_silence(w);
}

static unsigned mss_now(const struct puppet *p)
{
	struct adit_tcp_info i;

	adit_tcp_info(p->end->s, &i);
	return i.mss;
}

static void too_big(struct puppet *p, const uint8_t *quote, uint32_t len, unsigned mtu)
{
	puppet_icmp(p, v4(p) ? 3 : 2, v4(p) ? 4 : 0, mtu, quote, len);
}

/* Packet too big: ignored below the floor, above what is in use, and about what is not on the way. */
void scenario_icmp_forged_too_big(struct world *w)
{
	const uint32_t off[] = { (uint32_t)-1, (uint32_t)-100000, 30000000, 1u << 31 };
	uint8_t quote[100];
	struct puppet p;
	unsigned before, hdr;

	puppet_world(w, &p, NULL);
	puppet_connect(&p, 20000);
	puppet_expect(&p, ACK);
	before = mss_now(&p);
	hdr = v4(&p) ? 20 : 40;
	memcpy(quote, p.last->data, hdr + 20);
	puppet_skip(&p);
	for (unsigned mtu = 0; mtu < 1281; mtu = mtu * 3 / 2 + 1) { /* below the floor */
		if (mtu >= (v4(&p) ? 552 : 1280) || (v4(&p) && !mtu)) /* 0: it does not say (RFC 1191 5) */
			continue;
		too_big(&p, quote, hdr + 20, mtu);
	}
	EXPECT_INT(w, mss_now(&p), ==, before);
	EXPECT_INT(w, puppet_drops(&p, ADIT_DROP_icmp_ignored), >=, 8);
	too_big(&p, quote, hdr + 20, 1420);
	too_big(&p, quote, hdr + 20, 9000);
	for (unsigned i = 0; i < 4; i++) { /* not in flight */
		adit_put_be32(quote + hdr + 4, p.rcv_nxt + off[i]);
		too_big(&p, quote, hdr + 20, 1300);
	}
	adit_put_be32(quote + hdr + 4, p.rcv_nxt);
	adit_put_be16(quote + hdr + 2, (uint16_t)(p.local.port ^ 1));
	too_big(&p, quote, hdr + 20, 1300);
	EXPECT_INT(w, mss_now(&p), ==, before);
	EXPECT_INT(w, puppet_drops(&p, ADIT_DROP_not_in_flight), ==, 4);
	EXPECT_INT(w, puppet_drops(&p, ADIT_DROP_no_flow), ==, 1);
	puppet_expect_none(&p);
	puppet_say(&p, RST | ACK, 0);
	puppet_fini(&p);
	expect_silence(w);
}

/* A true one: what was too large goes again in pieces that fit, no window is lost; a new connection starts so. */
void scenario_icmp_too_big(struct world *w)
{
	unsigned mtu = 1280 + (unsigned)w->seed % 90, most;
	struct adit_tcp_info before, after;
	uint32_t base, len;
	struct puppet p;

	puppet_world(w, &p, NULL);
	p.mss = 1380;
	puppet_connect(&p, 20000);
	adit_tcp_info(p.end->s, &before);
	base = p.rcv_nxt;
	puppet_expect(&p, ACK);
	if (v4(&p) && w->seed / 8 % 2)
		mtu = 576;
	most = mtu - (v4(&p) ? 40 : 60) - (p.ts ? 12 : 0);
	puppet_icmp_about_last(&p, v4(&p) ? 3 : 2, v4(&p) ? 4 : 0, mtu);
	for (int i = 0; puppet_get(&p) && p.v.seq != base; i++)
		EXPECT_INT(w, i, <, 100);
	EXPECT_INT(w, p.v.seq, ==, base);
	EXPECT_INT(w, p.v.len, ==, most);
	len = 0;
	while (puppet_get(&p)) {
		EXPECT_INT(w, p.v.len, <=, most);
		len += p.v.len;
	}
	EXPECT_INT(w, len, >=, 5000);
	adit_tcp_info(p.end->s, &after);
	EXPECT_INT(w, after.mss, ==, most);
	EXPECT_INT(w, after.cwnd, >=, before.cwnd / 2 + most);
	EXPECT_INT(w, after.recoveries + after.timeouts, ==, 0);
	puppet_say(&p, RST | ACK, 0);
	p.local.port ^= 1;
	p.snd_nxt = p.iss;
	puppet_connect(&p, 20000);
	EXPECT_INT(w, mss_now(&p), ==, most);
	puppet_skip(&p);
	puppet_say(&p, RST | ACK, 0);
	puppet_fini(&p);
	expect_silence(w);
}
