/* SPDX-License-Identifier: ISC */
/* watch.c - an eye on the wire that knows RFC 9293's rules for senders */
#include "watch.h"

#include <stdlib.h>
#include <string.h>

#include "base/inet.h"
#include "base/map.h"
#include "netstack/seq.h"

/* One side of a connection, as its packets tell. */
struct side {
	bool open;       /* its SYN was seen */
	bool acked;      /* edge and ack are valid */
	bool ts_seen, scale_said;
	uint8_t scale;
	uint16_t mss;    /* of its SYN */
	uint32_t iss, nxt, ack, edge, ts;
	adit_time ts_at;
};

struct pair {
	struct pair *next;
	uint8_t key[36]; /* addresses and ports, the lower first */
	struct side side[2];
};

#define PAIRS_MAX 1000 /* of many connections the first: some scenarios measure memory */

struct watch {
	struct adit_map map;
	struct pair *all;
};

static bool pair_equal(const void *item, const void *key)
{
	return !memcmp(((const struct pair *)item)->key, key, sizeof(((const struct pair *)item)->key));
}

static uint64_t hash_of(const uint8_t *key)
{
	uint64_t h = 0;

	for (unsigned i = 0; i < 36; i++)
		h = (h ^ key[i]) * UINT64_C(0x100000001b3);
	return h ^ h >> 29;
}

/* The pair, and which of its sides has sent this packet; NULL: not watched. */
static struct pair *pair_of(struct world *w, const uint8_t *ip, const struct tcp_view *v, unsigned *from)
{
	unsigned len = adit_ip_version(ip) == 4 ? 4 : 16, at = len == 4 ? 12 : 8;
	uint8_t ends[2][18] = { { 0 }, { 0 } }, key[36];
	struct pair *p;

	for (unsigned i = 0; i < 2; i++) {
		memcpy(ends[i], ip + at + i * len, len);
		adit_put_be16(ends[i] + 16, i ? v->dport : v->sport);
	}
	*from = memcmp(ends[0], ends[1], 18) > 0;
	memcpy(key, ends[*from], 18);
	memcpy(key + 18, ends[!*from], 18);
	if (!w->watch) {
		w->watch = calloc(1, sizeof(*w->watch));
		EXPECT(w, w->watch);
		adit_map_init(&w->watch->map, pair_equal);
	}
	p = adit_map_find(&w->watch->map, hash_of(key), key);
	if (p || adit_map_size(&w->watch->map) >= PAIRS_MAX)
		return p;
	p = calloc(1, sizeof(*p));
	EXPECT(w, p);
	memcpy(p->key, key, sizeof(key));
	p->next = w->watch->all;
	w->watch->all = p;
	EXPECT(w, !adit_map_insert(&w->watch->map, hash_of(key), p));
	return p;
}

/* An option's body, or NULL. A stack of ours writes well-formed ones. */
static const uint8_t *option(struct world *w, const struct tcp_view *v, uint8_t kind, unsigned *body_len)
{
	for (unsigned i = 0; i < v->options_len && v->options[i];) {
		if (v->options[i] == 1) {
			i++;
			continue;
		}
		EXPECT(w, i + 1 < v->options_len && v->options[i + 1] >= 2 && i + v->options[i + 1] <= v->options_len);
		if (v->options[i] == kind) {
			*body_len = v->options[i + 1] - 2u;
			return v->options + i + 2;
		}
		i += v->options[i + 1];
	}
	return NULL;
}

static void syn_seen(struct world *w, struct pair *p, unsigned from, const struct tcp_view *v)
{
	struct side *me = &p->side[from];
	const uint8_t *mss, *scale;
	unsigned len = 0;
	/* two connections of one moment have one ISN, but answer different SYNs */
	bool again = me->open && me->iss == v->seq && (!(v->flags & ADIT_TCP_ACK) || !me->acked || me->ack == v->ack);

	mss = option(w, v, 2, &len);
	EXPECT(w, mss && len == 2); /* RFC 9293 3.7.1: always */
	if (again) {
		if (adit_get_be16(mss) > me->mss) /* the MTU has changed: either may have been heard */
			me->mss = adit_get_be16(mss);
		return;
	}
	*me = (struct side){ .open = true, .iss = v->seq, .nxt = v->seq + 1, .mss = adit_get_be16(mss) };
	scale = option(w, v, 3, &len);
	if (scale) {
		EXPECT_INT(w, scale[0], <=, 14);
		me->scale_said = true;
		me->scale = scale[0];
	}
	if (!(v->flags & ADIT_TCP_ACK) || p->side[!from].nxt != v->ack)
		p->side[!from].open = false; /* what the other says may still be of an older connection */
}

static void check_sack(struct world *w, const struct side *other, const struct tcp_view *v)
{
	unsigned len = 0;
	const uint8_t *b = option(w, v, 5, &len);

	EXPECT_INT(w, len % 8, ==, 0);
	for (unsigned i = 0; b && i < len / 8; i++) {
		uint32_t left = adit_get_be32(b + i * 8), right = adit_get_be32(b + i * 8 + 4);

		EXPECT(w, seq_lt(left, right));
		EXPECT(w, !other->open || seq_le(right, other->nxt));
		EXPECT(w, i == 0 || seq_lt(v->ack, left)); /* the first may tell of a duplicate */
	}
}

static void check_ack(struct world *w, struct side *me, const struct side *other, const struct tcp_view *v)
{
	bool scaled = me->scale_said && other->scale_said && !(v->flags & ADIT_TCP_SYN);
	uint32_t edge = v->ack + ((uint32_t)v->wnd << (scaled ? me->scale : 0)), slack = scaled ? 1u << me->scale : 1;

	if (me->acked) {
		EXPECT(w, seq_le(me->ack, v->ack));
		EXPECT(w, seq_lt(me->edge, edge + slack)); /* but for what scaling cuts off (RFC 7323 2.4) */
	}
	if (other->open)
		EXPECT(w, seq_le(v->ack, other->nxt));
	if (!me->acked || seq_lt(me->edge, edge))
		me->edge = edge;
	me->ack = v->ack;
	me->acked = true;
	check_sack(w, other, v);
}

static void check_data(struct world *w, struct side *me, const struct side *other, const struct tcp_view *v)
{
	uint32_t end = v->seq + v->len + ((v->flags & ADIT_TCP_FIN) != 0);

	if (other->open && other->acked) {
		EXPECT(w, v->len == 0 || seq_le(v->seq + v->len, other->edge));
		EXPECT_INT(w, v->len ? v->len + v->options_len : 0, <=, other->mss > 64 ? other->mss : 64);
	}
	EXPECT(w, v->len == 0 || seq_le(v->seq, me->nxt)); /* no hole in what was sent */
	if (seq_lt(me->nxt, end))
		me->nxt = end;
}

static void check_timestamps(struct world *w, struct side *me, const struct tcp_view *v)
{
	unsigned len = 0;
	const uint8_t *ts = option(w, v, 8, &len);

	if (!ts)
		return;
	EXPECT_INT(w, len, ==, 8);
	EXPECT(w, !me->ts_seen || w->now - me->ts_at > INT32_MAX * ADIT_MSEC || seq_le(me->ts, adit_get_be32(ts)));
	me->ts = adit_get_be32(ts);
	me->ts_seen = true;
	me->ts_at = w->now;
}

void watch_sent(struct world *w, const uint8_t *ip, uint32_t len)
{
	struct tcp_view v;
	struct pair *p;
	unsigned from;

	if (!tcp_view(&v, ip, len))
		return;
	EXPECT(w, adit_ip_version(ip) == 6 || adit_get_be16(ip + 6) == 0x4000); /* DF, no fragment */
	if (v.flags & ADIT_TCP_RST)
		return;
	p = pair_of(w, ip, &v, &from);
	if (p && v.flags & ADIT_TCP_SYN)
		syn_seen(w, p, from, &v);
	if (!p || !p->side[from].open)
		return;
	EXPECT(w, (v.flags & (ADIT_TCP_SYN | ADIT_TCP_FIN)) != (ADIT_TCP_SYN | ADIT_TCP_FIN));
	check_data(w, &p->side[from], &p->side[!from], &v);
	if (v.flags & ADIT_TCP_ACK)
		check_ack(w, &p->side[from], &p->side[!from], &v);
	check_timestamps(w, &p->side[from], &v);
}

void watch_free(struct world *w)
{
	if (!w->watch)
		return;
	while (w->watch->all) {
		struct pair *p = w->watch->all;

		w->watch->all = p->next;
		free(p);
	}
	adit_map_fini(&w->watch->map);
	free(w->watch);
	w->watch = NULL;
}
