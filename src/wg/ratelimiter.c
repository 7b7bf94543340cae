/* SPDX-License-Identifier: ISC */
/* ratelimiter.c - token bucket per source for handshakes under load */
#include "wg/ratelimiter.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "crypto/crypto.h"

#define TOKENS_MAX (WG_RATE_BURST * WG_RATE_COST)
#define RELAX_AFTER (30 * ADIT_SEC)

void wg_ratelimiter_init(struct wg_ratelimiter *r, const uint8_t key[16])
{
	r->buckets = NULL;
	r->used = 0;
	memcpy(r->key, key, sizeof(r->key));
}

void wg_ratelimiter_fini(struct wg_ratelimiter *r)
{
	free(r->buckets);
	r->buckets = NULL;
}

/* IPv4: the address. IPv6: the /64 and the zone, because whoever has one
 * address of a /64 has them all. Relay: a hash of the key would do, its first
 * half is as good. The kind keeps them apart. */
static void source_of(uint64_t source[2], const struct adit_path *path)
{
	source[0] = path->kind;
	if (path->kind == ADIT_PATH_UDP4) {
		source[1] = adit_get_be32(path->addr);
	} else {
		source[0] |= (uint64_t)path->scope << 32;
		source[1] = adit_get_be64(path->addr);
	}
}

static bool take(struct wg_bucket *b, adit_time now)
{
	adit_time since = now - b->used;

	if (since > 0)
		b->tokens = since < TOKENS_MAX - b->tokens ? b->tokens + since : TOKENS_MAX;
	b->used = now;
	if (b->tokens < WG_RATE_COST)
		return false;
	b->tokens -= WG_RATE_COST;
	return true;
}

bool wg_ratelimiter_allow(struct wg_ratelimiter *r, const struct adit_path *path, adit_time now)
{
	struct wg_bucket *set, *idle = NULL;
	uint64_t source[2];

	if (!r->buckets) {
		r->buckets = calloc((size_t)WG_RATE_SETS * WG_RATE_WAYS, sizeof(*r->buckets));
		if (!r->buckets)
			return false;
	}
	r->used = now;
	source_of(source, path);
	set = r->buckets + adit_shorthash(source, sizeof(source), r->key) % WG_RATE_SETS * WG_RATE_WAYS;
	for (unsigned i = 0; i < WG_RATE_WAYS; i++) {
		struct wg_bucket *b = &set[i];

		if (b->source[0] == source[0] && b->source[1] == source[1])
			return take(b, now);
		if (!idle && (b->source[0] == 0 || now - b->used >= TOKENS_MAX))
			idle = b;
	}
	if (!idle)
		return false;
	memcpy(idle->source, source, sizeof(source));
	idle->used = now;
	idle->tokens = TOKENS_MAX - WG_RATE_COST;
	return true;
}

void wg_ratelimiter_relax(struct wg_ratelimiter *r, adit_time now)
{
	if (r->buckets && now - r->used >= RELAX_AFTER)
		wg_ratelimiter_fini(r);
}
