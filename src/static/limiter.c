/* SPDX-License-Identifier: ISC */
/* limiter.c - token buckets for unknown sources */
#include "static/limiter.h"

#include <string.h>

#include "crypto/crypto.h"

/* In ns: what one datagram, or one key tried, costs; what a full bucket holds. */
static const struct rate {
	int64_t cost, full;
} one = { 50 * ADIT_MSEC, 10 * 50 * ADIT_MSEC }, all = { ADIT_SEC / 20000, 8000 * (ADIT_SEC / 20000) };

void static_limiter_init(struct static_limiter *l, const uint8_t key[16])
{
	memset(l, 0, sizeof(*l));
	l->all.tokens = all.full;
	memcpy(l->key, key, sizeof(l->key));
}

static uint64_t source_of(const struct static_limiter *l, const struct adit_path *from)
{
	uint8_t text[13] = { from->kind };
	uint64_t h;

	memcpy(text + 1, from->addr, from->kind == ADIT_PATH_UDP4 ? 4 : 8);
	memcpy(text + 9, &from->scope, 4);
	h = adit_shorthash(text, sizeof(text), l->key);
	return h ? h : 1;
}

static bool take(struct static_bucket *b, const struct rate *rate, unsigned n, adit_time now)
{
	int64_t cost = rate->cost * n < rate->full ? rate->cost * n : rate->full;
	adit_time since = now - b->used;

	if (since > 0)
		b->tokens = since < rate->full - b->tokens ? b->tokens + since : rate->full;
	b->used = now;
	if (b->tokens < cost)
		return false;
	b->tokens -= cost;
	return true;
}

bool static_limiter_allow(struct static_limiter *l, const struct adit_path *from, unsigned work, adit_time now)
{
	uint64_t source = source_of(l, from);
	struct static_bucket *set = l->set[source % STATIC_LIMIT_SETS], *b = NULL;

	for (unsigned i = 0; i < STATIC_LIMIT_WAYS; i++) {
		if (set[i].source == source) {
			b = &set[i];
			break;
		}
		if (!b && (set[i].source == 0 || now - set[i].used >= one.full))
			b = &set[i];
	}
	if (!b)
		return false;
	if (b->source != source)
		*b = (struct static_bucket){ .source = source, .used = now, .tokens = one.full };
	return take(b, &one, 1, now) && take(&l->all, &all, work, now);
}
