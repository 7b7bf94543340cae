/* SPDX-License-Identifier: ISC */
/*
 * reassembly.h - packets put together from fragments (RFC 791, RFC 8200 4.5)
 *
 * DOC: limits
 *
 * What waits is charged to the stack's budget and bounded: packets, bytes and
 * fragments in all, and packets and bytes of one source, so that a source
 * that sends fragments without end only loses its own; the oldest goes first.
 * A packet waits 30 s. Where two fragments overlap all of it is dropped, what
 * comes later included (RFC 5722); exact duplicates are only left out.
 */
#ifndef ADIT_NETSTACK_REASSEMBLY_H
#define ADIT_NETSTACK_REASSEMBLY_H

#include "netstack/ip.h"

#define REASSEMBLY_TIMEOUT      (30 * ADIT_SEC)
#define REASSEMBLY_PACKETS      256
#define REASSEMBLY_BYTES        (1 << 20)
#define REASSEMBLY_PER_SOURCE   32
#define REASSEMBLY_SOURCE_BYTES (256 << 10)
#define REASSEMBLY_FRAGMENTS    256 /* of one packet */

/* A fragment whose header was checked. When it completes its packet, that is
 * delivered. NONE or why the fragment was dropped. */
enum adit_drop reassembly_in(struct adit_netstack *ns, const struct ip_packet *p, adit_time now);
/* in_end: frees packets that were delivered. */
void reassembly_settle(struct adit_netstack *ns);
void reassembly_free(struct adit_netstack *ns);

#endif
