/* SPDX-License-Identifier: ISC */
/*
 * limiter.h - how much work before authentication an unknown source may cause:
 * a token bucket for each (an IPv4 address or an IPv6 /64), and one for all of
 * them together, since a source can be forged.
 *
 * A bucket not used for as long as it takes to fill says nothing, so it may be
 * given to another source: nothing is collected, and there is no timer. When
 * no bucket is free, newcomers are refused.
 */
#ifndef ADIT_STATIC_LIMITER_H
#define ADIT_STATIC_LIMITER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/path.h"
#include "base/time.h"

#define STATIC_LIMIT_SETS 512
#define STATIC_LIMIT_WAYS 8
#define STATIC_LIMIT_EXCHANGE 20 /* the work of an exchange message: a tag or two, and an answer to be sent */

struct static_bucket {
	uint64_t source; /* keyed hash; 0 = never used */
	adit_time used;
	int64_t tokens; /* ns */
};

struct static_limiter {
	struct static_bucket all, set[STATIC_LIMIT_SETS][STATIC_LIMIT_WAYS];
	uint8_t key[16];
};

void static_limiter_init(struct static_limiter *l, const uint8_t key[16]);
/* 20 a second and 10 at once from one source. `work` is how many keys may have to be tried: 20,000 a
 * second from all sources, 8,000 at once. */
bool static_limiter_allow(struct static_limiter *l, const struct adit_path *from, unsigned work, adit_time now);

#endif
