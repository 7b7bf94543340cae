/* SPDX-License-Identifier: ISC */
/*
 * icmp.h - telling local senders that a packet cannot go: ICMP host
 * unreachable (RFC 792, code 1), ICMPv6 address unreachable (RFC 4443 3.1,
 * code 3). Limited; never in answer to errors, multicast or later fragments.
 */
#ifndef ADIT_TUNNEL_ICMP_H
#define ADIT_TUNNEL_ICMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"

/* Token bucket: 50 a second, burst 50. */
struct adit_icmp_limit {
	adit_time full_at; /* when the bucket is full again */
};

bool adit_icmp_allowed(struct adit_icmp_limit *l, adit_time now);

#define ADIT_ICMP_MAX 1280
/* Writes the whole answer to pkt into ret; its source is pkt's destination
 * (the kernel takes no other from a TUN). Returns its length, 0 for none. */
size_t adit_icmp_unreachable(uint8_t ret[ADIT_ICMP_MAX], const uint8_t *pkt, size_t len);

#endif
