/* SPDX-License-Identifier: ISC */
/* ratelimiter.c - token bucket per source for handshakes under load */
#include "wg/ratelimiter.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "crypto/crypto.h"

#define RELAX_AFTER (30 * ADIT_SEC)

/* In ns: what one message costs, what a full bucket holds. */
static const struct rate {
	int64_t cost, full;
} rates[] = {
	[WG_RATE_PROVEN] = { 50 * ADIT_MSEC, 5 * 50 * ADIT_MSEC },
	[WG_RATE_CLAIMED] = { 2 * ADIT_MSEC, 100 * 2 * ADIT_MSEC },
};

void wg_ratelimiter_init(struct wg_ratelimiter *r, enum wg_rate_kind kind, const uint8_t key[16])
{
	r->buckets = NULL;
	r->kind = kind;
	r->used = 0;
	memcpy(r->key, key, sizeof(r->key));
}

void wg_ratelimiter_fini(struct wg_ratelimiter *r)
{
	free(r->buckets);
	r->buckets = NULL;
}

static void source_of(uint64_t source[3], enum wg_rate_kind kind, const struct adit_path *path)
{
	source[0] = path->kind | (uint64_t)path->scope << 32;
	source[1] = adit_get_be64(path->addr);
	source[2] = 0;
	if (path->kind == ADIT_PATH_UDP4)
		source[1] = adit_get_be32(path->addr);
	else if (kind == WG_RATE_CLAIMED)
		source[2] = adit_get_be64(path->addr + 8);
	if (kind == WG_RATE_CLAIMED)
		source[0] |= (uint64_t)path->port << 8;
}

static bool take(struct wg_bucket *b, const struct rate *rate, adit_time now)
{
	adit_time since = now - b->used;

	if (since > 0)
		b->tokens = since < rate->full - b->tokens ? b->tokens + since : rate->full;
	b->used = now;
	if (b->tokens < rate->cost)
		return false;
	b->tokens -= rate->cost;
	return true;
}

bool wg_ratelimiter_allow(struct wg_ratelimiter *r, const struct adit_path *path, adit_time now)
{
	const struct rate *rate = &rates[r->kind];
	struct wg_bucket *set, *idle = NULL;
	bool newcomers = r->kind == WG_RATE_CLAIMED; /* pass even without a bucket */
	uint64_t source[3];

	if (!r->buckets) {
		r->buckets = calloc((size_t)WG_RATE_SETS * WG_RATE_WAYS, sizeof(*r->buckets));
		if (!r->buckets)
			return newcomers;
	}
	r->used = now;
	source_of(source, r->kind, path);
	set = r->buckets + adit_shorthash(source, sizeof(source), r->key) % WG_RATE_SETS * WG_RATE_WAYS;
	for (unsigned i = 0; i < WG_RATE_WAYS; i++) {
		struct wg_bucket *b = &set[i];

		if (memcmp(b->source, source, sizeof(source)) == 0)
			return take(b, rate, now);
		if (!idle && (b->source[0] == 0 || now - b->used >= rate->full))
			idle = b;
	}
	if (!idle)
		return newcomers;
	memcpy(idle->source, source, sizeof(source));
	idle->used = now;
	idle->tokens = rate->full - rate->cost;
	return true;
}

void wg_ratelimiter_relax(struct wg_ratelimiter *r, adit_time now)
{
	if (r->buckets && now - r->used >= RELAX_AFTER)
		wg_ratelimiter_fini(r);
}
