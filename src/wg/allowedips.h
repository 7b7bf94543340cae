/* SPDX-License-Identifier: ISC */
/*
 * allowedips.h - cryptokey routing (whitepaper 2): prefix -> peer, by longest
 * match.
 *
 * One hash table holds the prefixes of all lengths and both families. A
 * look-up probes only the lengths that exist, the longest first, so it costs
 * the same with ten prefixes and with a million. The hash is keyed, but cheap:
 * remotes choose the addresses that are looked up, never those that are in it.
 */
#ifndef ADIT_WG_ALLOWEDIPS_H
#define ADIT_WG_ALLOWEDIPS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/list.h"
#include "base/map.h"

struct adit_wg_peer;

#define WG_ROUTE_CACHE 64

struct wg_allowedip {
	struct adit_list link; /* on the owner's list */
	struct adit_wg_peer *peer;
	struct adit_prefix prefix; /* masked */
};

struct wg_route {
	struct adit_addr addr;
	uint32_t generation; /* valid if the table's */
	struct adit_wg_peer *peer;
};

struct wg_allowedips {
	struct adit_map map;
	uint64_t key[2];
	uint32_t cnt4[33], cnt6[129]; /* prefixes of each length */
	uint64_t lens4, lens6[2];     /* bit set: cnt > 0; length 128 stands apart */
	uint32_t generation;	      /* changes with every change; never 0 */
	struct wg_route cache[WG_ROUTE_CACHE];
};

void wg_allowedips_init(struct wg_allowedips *a, const uint8_t key[16]);
/* Frees the table; the nodes go with wg_allowedips_remove. */
void wg_allowedips_fini(struct wg_allowedips *a);
/* Gives the prefix to the owner of `list`; takes it from whoever had it. 0 or -ENOMEM. */
int wg_allowedips_insert(struct wg_allowedips *a, const struct adit_prefix *prefix, struct adit_wg_peer *peer,
			 struct adit_list *list);
struct wg_allowedip *wg_allowedips_find(const struct wg_allowedips *a, const struct adit_prefix *prefix);
void wg_allowedips_remove(struct wg_allowedips *a, struct wg_allowedip *node);
/* Longest match, or NULL. */
struct adit_wg_peer *wg_allowedips_lookup(const struct wg_allowedips *a, const struct adit_addr *addr);
/* The same, remembering the last few answers. */
struct adit_wg_peer *wg_allowedips_route(struct wg_allowedips *a, const struct adit_addr *addr);

#endif
