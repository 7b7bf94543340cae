/* SPDX-License-Identifier: ISC */
/*
 * ratelimiter.h - under load, how much of our time one source may have: a
 * token bucket for each.
 *
 * Of a source that has shown by a valid mac2 that it receives what is sent to
 * it, 20 handshake messages a second are processed, 5 at once; a source is an
 * IPv4 address, an IPv6 /64, or a relay key's first half. When its table is
 * full, newcomers are refused.
 *
 * Of a source that merely claims to be there, 500 messages a second are
 * answered by a cookie, 100 at once; a source is an address with its port, so
 * that a newcomer behind the flooder's address is not silenced with him. When
 * its table is full (addresses are forged) newcomers pass: the short queue of
 * such messages is the bound then.
 *
 * A table has 1024 sets of 8, chosen by a keyed hash. A bucket that has not
 * been used for as long as it takes to fill is full, so it says nothing and
 * may be given to another source: there is nothing to collect and no timer.
 */
#ifndef ADIT_WG_RATELIMITER_H
#define ADIT_WG_RATELIMITER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/path.h"
#include "base/time.h"

#define WG_RATE_SETS	1024
#define WG_RATE_WAYS	8
enum wg_rate_kind { WG_RATE_PROVEN, WG_RATE_CLAIMED };

struct wg_bucket {
	uint64_t source[3]; /* kind, address, perhaps port; see source_of */
	adit_time used;
	int64_t tokens; /* ns */
};

struct wg_ratelimiter {
	struct wg_bucket *buckets; /* NULL until first used */
	enum wg_rate_kind kind;
	uint8_t key[16];
	adit_time used;
};

void wg_ratelimiter_init(struct wg_ratelimiter *r, enum wg_rate_kind kind, const uint8_t key[16]);
void wg_ratelimiter_fini(struct wg_ratelimiter *r);
bool wg_ratelimiter_allow(struct wg_ratelimiter *r, const struct adit_path *path, adit_time now);
/* Gives the table back when it has not been used for some seconds. */
void wg_ratelimiter_relax(struct wg_ratelimiter *r, adit_time now);

#endif
