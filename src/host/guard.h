/* SPDX-License-Identifier: ISC */
/*
 * guard.h - the killswitch: what may leave this machine, and nothing else. One
 * table, "inet adit", for all guards in force.
 *
 * DOC: a guard, as a step of a plan
 *
 *	guard IFNAME MARK lan=allow|block to=ADDR:PORT,... dns=ADDR,... exclude=PREFIX,... own=ADDR,...
 *
 * All words but lan may be left out; IPv6 as [ADDR]:PORT. IPv4 and IPv6 alike, of
 * this machine and forwarded, these may leave:
 *
 *   - by lo, and by the guarded interfaces
 *   - UDP with the mark AND to an address and port of `to`
 *   - UDP and TCP with the mark AND to port 53 of an address of `dns`
 *   - to a prefix of `exclude`
 *   - with lan=allow in every guard: to ranges that are not routed in the
 *     Internet and to multicast of the link and the site, but not to ports 53 and
 *     853: a resolver there would be told every name
 *   - neighbour discovery and DHCP
 *   - forwarded: what answers a connection that came by a guarded interface
 *
 * What is for an address of `own` never leaves: it is for us, who have not that
 * address while the interface is made anew, such as a refusal of our own packets.
 *
 * Marks are settable by others, so a mark alone opens nothing. All else is refused
 * so that programs see an error at once, and dropped once more where the device is
 * final, after every re-routing. Multicast listener reports (MLD) are no part of
 * neighbour discovery here. No guard, no table: cnt 0 deletes it.
 */
#ifndef ADIT_HOST_GUARD_H
#define ADIT_HOST_GUARD_H

#include <stddef.h>

#include "host/nft.h"

#define ADIT_GUARD_TABLE "adit"

/* The union of these, in one transaction. A table of ours whose owner is dead is
 * adopted. 0; -EINVAL: a text; -EPERM: another process has it; -errno. */
int adit_guard_set(struct adit_nft *nft, const struct adit_step *const *guards, size_t cnt);
/* Reads it back: 1 it is as set would make it, 0 it is not, or -errno. */
int adit_guard_intact(struct adit_nft *nft, const struct adit_step *const *guards, size_t cnt);

#endif
