/* SPDX-License-Identifier: ISC */
/* allowedips.c - cryptokey routing: prefix -> peer, by longest match */
#include "wg/allowedips.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

/* Keyed folded multiply, after wyhash: high and low half of a 128-bit product. */
static uint64_t fold(uint64_t a, uint64_t b)
{
	uint64_t al = (uint32_t)a, ah = a >> 32, bl = (uint32_t)b, bh = b >> 32;
	uint64_t m0 = al * bl, m1 = ah * bl, m2 = al * bh, m3 = ah * bh;
	uint64_t mid = (m0 >> 32) + (uint32_t)m1 + (uint32_t)m2;

	return (m0 + (m1 << 32) + (m2 << 32)) ^ (m3 + (m1 >> 32) + (m2 >> 32) + (mid >> 32));
}

static uint64_t hash_words(const struct wg_allowedips *a, uint64_t hi, uint64_t lo, unsigned family, unsigned len)
{
	uint64_t h = fold(hi ^ a->key[0], lo ^ a->key[1]);

	return fold(h ^ a->key[1], (family << 8 | len) ^ a->key[0]);
}

static uint64_t hash_prefix(const struct wg_allowedips *a, const struct adit_prefix *p)
{
	return hash_words(a, adit_get_be64(p->addr.bytes), adit_get_be64(p->addr.bytes + 8), p->addr.family, p->len);
}

static bool node_equal(const void *item, const void *key)
{
	const struct wg_allowedip *node = item;
	const struct adit_prefix *p = key;

	return node->prefix.len == p->len && node->prefix.addr.family == p->addr.family &&
	       memcmp(node->prefix.addr.bytes, p->addr.bytes, sizeof(p->addr.bytes)) == 0;
}

/* Lengths 0..127 in two words; 128 by its count alone. */
static void count(struct wg_allowedips *a, const struct adit_prefix *p, int by)
{
	bool v4 = p->addr.family == 4;
	uint32_t *cnt = v4 ? &a->cnt4[p->len] : &a->cnt6[p->len];
	uint64_t bit = UINT64_C(1) << (p->len & 63);
	uint64_t *lens = v4 ? &a->lens4 : &a->lens6[p->len >> 6 & 1];

	*cnt += (uint32_t)by;
	if (p->len < 128)
		*lens = *cnt ? *lens | bit : *lens & ~bit;
	if (++a->generation == 0)
		a->generation = 1;
}

void wg_allowedips_init(struct wg_allowedips *a, const uint8_t key[16])
{
	memset(a, 0, sizeof(*a));
	adit_map_init(&a->map, node_equal);
	a->key[0] = adit_get_le64(key) | 1; /* never a zero factor for the all-zero address */
	a->key[1] = adit_get_le64(key + 8) | 1;
	a->generation = 1;
}

void wg_allowedips_fini(struct wg_allowedips *a)
{
	adit_map_fini(&a->map);
}

struct wg_allowedip *wg_allowedips_find(const struct wg_allowedips *a, const struct adit_prefix *prefix)
{
	struct adit_prefix p = *prefix;

	adit_prefix_mask(&p);
	return adit_map_find(&a->map, hash_prefix(a, &p), &p);
}

int wg_allowedips_insert(struct wg_allowedips *a, const struct adit_prefix *prefix, struct adit_wg_peer *peer,
			 struct adit_list *list)
{
	struct wg_allowedip *node = wg_allowedips_find(a, prefix);
	int r;

	if (node) {
		if (node->peer == peer)
			return 0;
		adit_list_del(&node->link);
		adit_list_add_tail(list, &node->link);
		node->peer = peer;
		count(a, &node->prefix, 0);
		return 0;
	}
	node = calloc(1, sizeof(*node));
	if (!node)
		return -ENOMEM;
	node->peer = peer;
	node->prefix = *prefix;
	adit_prefix_mask(&node->prefix);
	r = adit_map_insert(&a->map, hash_prefix(a, &node->prefix), node);
	if (r < 0) {
		free(node);
		return r;
	}
	adit_list_add_tail(list, &node->link);
	count(a, &node->prefix, 1);
	return 0;
}

void wg_allowedips_remove(struct wg_allowedips *a, struct wg_allowedip *node)
{
	adit_map_remove(&a->map, hash_prefix(a, &node->prefix), node);
	adit_list_del(&node->link);
	count(a, &node->prefix, -1);
	free(node);
}

static struct adit_wg_peer *probe(const struct wg_allowedips *a, const struct adit_addr *addr, unsigned len)
{
	struct adit_prefix p = { .addr = *addr, .len = (uint8_t)len };
	const struct wg_allowedip *node;

	adit_prefix_mask(&p);
	node = adit_map_find(&a->map, hash_prefix(a, &p), &p);
	return node ? node->peer : NULL;
}

/* The lengths in one word, longest first. */
static struct adit_wg_peer *probe_word(const struct wg_allowedips *a, const struct adit_addr *addr, uint64_t lens,
				       unsigned base)
{
	while (lens) {
		unsigned top = 63u - (unsigned)__builtin_clzll(lens);
		struct adit_wg_peer *peer = probe(a, addr, base + top);

		if (peer)
			return peer;
		lens &= ~(UINT64_C(1) << top);
	}
	return NULL;
}

struct adit_wg_peer *wg_allowedips_lookup(const struct wg_allowedips *a, const struct adit_addr *addr)
{
	struct adit_wg_peer *peer = NULL;

	if (addr->family == 4)
		return probe_word(a, addr, a->lens4, 0);
	if (addr->family != 6)
		return NULL;
	if (a->cnt6[128])
		peer = probe(a, addr, 128);
	if (!peer)
		peer = probe_word(a, addr, a->lens6[1], 64);
	if (!peer)
		peer = probe_word(a, addr, a->lens6[0], 0);
	return peer;
}

struct adit_wg_peer *wg_allowedips_route(struct wg_allowedips *a, const struct adit_addr *addr)
{
	uint64_t h = hash_words(a, adit_get_be64(addr->bytes), adit_get_be64(addr->bytes + 8), addr->family, 0);
	struct wg_route *c = &a->cache[h % WG_ROUTE_CACHE];

	if (c->generation == a->generation && c->addr.family == addr->family &&
	    memcmp(c->addr.bytes, addr->bytes, sizeof(addr->bytes)) == 0)
		return c->peer;
	c->peer = wg_allowedips_lookup(a, addr);
	c->addr = *addr;
	c->generation = a->generation;
	return c->peer;
}
