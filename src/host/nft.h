/* SPDX-License-Identifier: ISC */
/*
 * nft.h - tables of nftables that are ours: "adit" (guard.h), "adit-IFNAME"
 * (replies.h) and "adit-gw-IFNAME" (gateway.h), all of the family inet
 *
 * DOC: replacing without a gap
 *
 * A table's chains are made once. From then on every change empties and fills them
 * in one transaction, as hooks that are unregistered and registered again let
 * packets through in between. Where somebody else has changed the chains
 * themselves, new ones come in the same transaction: the killswitch's drop by their
 * policy from their first moment, which is before the old ones go.
 *
 * DOC: owner
 *
 * The killswitch's table belongs to the socket of this handle (kernel 5.12) and
 * stays when that closes (6.9): nobody else can change or flush it while we live,
 * and `kill -9` does not remove it. So the handle must live as long as the guard
 * shall be protected, and a fork must not keep a copy. Older kernels get a plain
 * table, and whoever keeps it must look (adit_nft_changed).
 *
 * Built without libnftnl all of this answers -EOPNOTSUPP, and detail says why.
 * Blocking, one thread. Not for libadit: libnftnl is under the GPL.
 */
#ifndef ADIT_HOST_NFT_H
#define ADIT_HOST_NFT_H

#include <stdbool.h>

#include "host/plan.h"

struct adit_nft;

/* Fails for memory only: what the machine lacks is said when something is asked of it. */
int adit_nft_open(struct adit_nft **ret);
void adit_nft_close(struct adit_nft *nft); /* NULL is fine; tables stay */
/* One sentence about the last error, with the kernel's own words, or "". */
const char *adit_nft_detail(const struct adit_nft *nft);

/* Readable when tables changed; -1: no events here (no right, no nftables), so look now and then. */
int adit_nft_fd(const struct adit_nft *nft);
/* Reads what is there to read. True: somebody else touched a table of ours, or events were lost. */
bool adit_nft_changed(struct adit_nft *nft);

/* 0 also when there is no such table; -EPERM: another process that lives owns it. */
int adit_nft_delete(struct adit_nft *nft, const char *table);
/* Calls back with the name of each table that is ours by its name. */
int adit_nft_tables(struct adit_nft *nft, void (*found)(void *user, const char *table), void *user);
/* The kernel keeps the killswitch's table through `nft flush ruleset` and our death. */
bool adit_nft_keeps(struct adit_nft *nft);

#endif
