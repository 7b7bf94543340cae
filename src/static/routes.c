/* SPDX-License-Identifier: ISC */
/* routes.c - inner prefix -> peer */
#include "static/routes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"

static bool equal(const void *item, const void *key)
{
	const struct adit_prefix *a = &((const struct static_route *)item)->prefix, *b = key;

	return a->len == b->len && adit_addr_equal(&a->addr, &b->addr);
}

static uint64_t hash(const struct static_routes *r, const struct adit_prefix *p)
{
	uint8_t text[18] = { p->addr.family, p->len };

	memcpy(text + 2, p->addr.bytes, 16);
	return adit_shorthash(text, sizeof(text), r->key);
}

void static_routes_init(struct static_routes *r, const uint8_t key[16])
{
	memset(r, 0, sizeof(*r));
	adit_map_init(&r->map, equal);
	memcpy(r->key, key, sizeof(r->key));
}

void static_routes_fini(struct static_routes *r)
{
	while (r->all) {
		struct static_route *next = r->all->next;

		free(r->all);
		r->all = next;
	}
	adit_map_fini(&r->map);
}

int static_routes_add(struct static_routes *r, const struct adit_prefix *prefix, struct adit_static_peer *peer)
{
	struct adit_prefix p = *prefix;
	struct static_route *found, *node;

	adit_prefix_mask(&p);
	found = adit_map_find(&r->map, hash(r, &p), &p);
	if (found)
		return found->peer == peer ? 0 : -EEXIST;
	node = calloc(1, sizeof(*node));
	if (!node)
		return -ENOMEM;
	node->prefix = p;
	node->peer = peer;
	if (adit_map_insert(&r->map, hash(r, &p), node) < 0) {
		free(node);
		return -ENOMEM;
	}
	node->next = r->all;
	r->all = node;
	if (p.addr.family == 4)
		r->lens4 |= UINT64_C(1) << p.len;
	else
		r->lens6[p.len / 64] |= UINT64_C(1) << p.len % 64;
	return 0;
}

struct adit_static_peer *static_routes_find(const struct static_routes *r, const struct adit_addr *addr)
{
	bool v4 = addr->family == 4;

	for (int len = v4 ? 32 : 128; len >= 0; len--) {
		struct adit_prefix p = { .addr = *addr, .len = (uint8_t)len };
		const struct static_route *found;

		if (!((v4 ? r->lens4 >> len : r->lens6[len / 64] >> len % 64) & 1))
			continue;
		adit_prefix_mask(&p);
		found = adit_map_find(&r->map, hash(r, &p), &p);
		if (found)
			return found->peer;
	}
	return NULL;
}
