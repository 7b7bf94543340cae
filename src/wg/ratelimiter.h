/* SPDX-License-Identifier: ISC */
/*
 * ratelimiter.h - under load, how many handshake messages one source may have
 * processed: a token bucket of 20 a second, 5 at once, for each IPv4 address
 * or IPv6 /64 (or relay key). The source has shown by a valid mac2 that it
 * receives what is sent to it.
 *
 * The table is bounded: 1024 sets of 8, chosen by a keyed hash. A bucket that
 * has not been used for 250 ms is full again, so it says nothing and may be
 * given to another source: there is nothing to collect and no timer. A set
 * whose 8 buckets are all in use refuses newcomers.
 */
#ifndef ADIT_WG_RATELIMITER_H
#define ADIT_WG_RATELIMITER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/path.h"
#include "base/time.h"

#define WG_RATE_SETS	1024
#define WG_RATE_WAYS	8
#define WG_RATE_COST	(50 * ADIT_MSEC)
#define WG_RATE_BURST	5

struct wg_bucket {
	uint64_t source[2]; /* kind and address; see source_of */
	adit_time used;
	int64_t tokens; /* ns */
};

struct wg_ratelimiter {
	struct wg_bucket *buckets; /* NULL until first used */
	uint8_t key[16];
	adit_time used;
};

void wg_ratelimiter_init(struct wg_ratelimiter *r, const uint8_t key[16]);
void wg_ratelimiter_fini(struct wg_ratelimiter *r);
bool wg_ratelimiter_allow(struct wg_ratelimiter *r, const struct adit_path *path, adit_time now);
/* Gives the table back when it has not been used for some seconds. */
void wg_ratelimiter_relax(struct wg_ratelimiter *r, adit_time now);

#endif
