/* SPDX-License-Identifier: ISC */
/* allowedips.c - allowed IPs against a linear list: the public face, and the data path's look-up with its memory */
#include <string.h>

#include "fuzz.h"
#include "wg/device.h"

#define PEERS 4
#define LIST  256

struct entry {
	struct adit_prefix prefix; /* masked */
	unsigned peer;             /* PEERS: free */
};

struct model {
	struct adit_wg *wg;
	struct adit_wg_peer *peer[PEERS];
	struct entry list[LIST];
};

static void op_random(void *user, void *buf, size_t len)
{
	(void)user;
	memset(buf, 0x5a, len);
}

static void op_wall(void *user, struct adit_wall *ret)
{
	(void)user;
	*ret = (struct adit_wall){ .sec = 1700000000 };
}

static void op_send(void *user, const struct adit_path *path, const uint8_t *msg, size_t len, uint8_t tos)
{
	(void)user, (void)path, (void)msg, (void)len, (void)tos;
}

static const struct adit_wg_ops ops = { .random = op_random, .wall = op_wall, .send = op_send };

static void add_peer(struct model *m, unsigned k)
{
	uint8_t key[ADIT_KEY_LEN] = { 9, (uint8_t)k };

	MUST(adit_wg_peer_add(m->wg, &m->peer[k], key, 0) == 0);
}

/* Few distinct bits, so that prefixes meet. */
static void read_addr(struct adit_reader *r, struct adit_addr *a)
{
	uint8_t how = adit_rd_u8(r);

	memset(a, 0, sizeof(*a));
	a->family = how & 1 ? 6 : 4;
	a->bytes[0] = adit_rd_u8(r);
	a->bytes[1 + (how >> 1 & 1)] = adit_rd_u8(r);
	a->bytes[a->family == 6 ? 15 : 3] = adit_rd_u8(r);
	if (a->family == 6)
		a->bytes[8] = how >> 4;
}

static void read_prefix(struct adit_reader *r, struct adit_prefix *p)
{
	read_addr(r, &p->addr);
	p->len = adit_rd_u8(r) % (p->addr.family == 4 ? 33 : 129);
}

static struct entry *model_find(struct model *m, const struct adit_prefix *p)
{
	for (int i = 0; i < LIST; i++) {
		struct entry *e = &m->list[i];

		if (e->peer < PEERS && e->prefix.len == p->len && adit_addr_equal(&e->prefix.addr, &p->addr))
			return e;
	}
	return NULL;
}

static void allow(struct model *m, unsigned k, const struct adit_prefix *p)
{
	struct adit_prefix masked = *p;
	struct entry *e;

	adit_prefix_mask(&masked);
	e = model_find(m, &masked);
	for (int i = 0; !e && i < LIST; i++) {
		if (m->list[i].peer == PEERS)
			e = &m->list[i];
	}
	if (!e)
		return;
	*e = (struct entry){ masked, k };
	MUST(adit_wg_peer_allow(m->wg, m->peer[k], p) == 0);
}

static void disallow(struct model *m, unsigned k, const struct adit_prefix *p)
{
	struct adit_prefix masked = *p;
	struct entry *e;

	adit_prefix_mask(&masked);
	e = model_find(m, &masked);
	if (e && e->peer == k)
		e->peer = PEERS;
	adit_wg_peer_disallow(m->wg, m->peer[k], p);
}

static unsigned forget(struct model *m, unsigned k)
{
	unsigned cnt = 0;

	for (int i = 0; i < LIST; i++) {
		if (m->list[i].peer == k) {
			m->list[i].peer = PEERS;
			cnt++;
		}
	}
	return cnt;
}

static void check_route(struct model *m, const struct adit_addr *a)
{
	const struct entry *best = NULL;

	for (int i = 0; i < LIST; i++) {
		const struct entry *e = &m->list[i];

		if (e->peer < PEERS && adit_prefix_contains(&e->prefix, a) && (!best || e->prefix.len > best->prefix.len))
			best = e;
	}
	MUST(adit_wg_route(m->wg, a) == (best ? m->peer[best->peer] : NULL));
	MUST(wg_allowedips_route(&m->wg->allowedips, a) == (best ? m->peer[best->peer] : NULL));
}

static void check_walk(struct model *m, unsigned k)
{
	const void *pos = NULL;
	struct adit_prefix p;
	unsigned cnt = 0, want = 0;

	while (adit_wg_peer_allowed_next(m->peer[k], &pos, &p)) {
		const struct entry *e = model_find(m, &p);

		MUST(e && e->peer == k && ++cnt <= LIST);
	}
	for (int i = 0; i < LIST; i++)
		want += m->list[i].peer == k;
	MUST(cnt == want);
}

static void step(struct model *m, struct adit_reader *r)
{
	uint8_t op = adit_rd_u8(r);
	unsigned k = op >> 3 & 3;
	struct adit_prefix p;

	switch (op & 7) {
	case 0:
	case 1:
	case 2:
		read_prefix(r, &p);
		allow(m, k, &p);
		check_route(m, &p.addr);
		break;
	case 3:
		read_prefix(r, &p);
		disallow(m, k, &p);
		check_route(m, &p.addr);
		break;
	case 4:
	case 5:
		read_addr(r, &p.addr);
		check_route(m, &p.addr);
		break;
	case 6:
		check_walk(m, k);
		break;
	case 7:
		forget(m, k);
		if (op & 0x80) {
			adit_wg_peer_remove(m->wg, m->peer[k], 0);
			add_peer(m, k);
		} else {
			while (adit_wg_peer_disallow_some(m->wg, m->peer[k], 3))
				;
		}
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct adit_crypto *crypto;
	struct adit_reader r;
	struct model m;

	if (!crypto)
		MUST(adit_crypto_new(&crypto, "openssl") == 0);
	MUST(adit_wg_new(&m.wg, &ops, NULL, crypto, 0) == 0);
	for (int i = 0; i < LIST; i++)
		m.list[i].peer = PEERS;
	for (unsigned k = 0; k < PEERS; k++)
		add_peer(&m, k);
	adit_rd_init(&r, data, size);
	while (r.left > 0)
		step(&m, &r);
	for (unsigned k = 0; k < PEERS; k++)
		check_walk(&m, k);
	adit_wg_free(m.wg);
	return 0;
}
