/* SPDX-License-Identifier: ISC */
/*
 * routes.h - inner prefix -> peer, by longest match. One hash table holds the
 * prefixes of all lengths; a look-up probes only the lengths that exist, the
 * longest first, so its cost does not grow with the number of prefixes.
 */
#ifndef ADIT_STATIC_ROUTES_H
#define ADIT_STATIC_ROUTES_H

#include "base/addr.h"
#include "base/map.h"

struct adit_static_peer;

struct static_route {
	struct static_route *next; /* all of them, to be freed */
	struct adit_prefix prefix; /* masked */
	struct adit_static_peer *peer;
};

struct static_routes {
	struct adit_map map;
	struct static_route *all;
	uint8_t key[16];
	uint64_t lens4, lens6[3]; /* bit set: there are prefixes of this length */
};

void static_routes_init(struct static_routes *r, const uint8_t key[16]);
void static_routes_fini(struct static_routes *r);
/* Host bits are masked. 0, -EEXIST (another peer has it) or -ENOMEM. */
int static_routes_add(struct static_routes *r, const struct adit_prefix *prefix, struct adit_static_peer *peer);
/* Longest match, or NULL. */
struct adit_static_peer *static_routes_find(const struct static_routes *r, const struct adit_addr *addr);

#endif
