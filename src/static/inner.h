/* SPDX-License-Identifier: ISC */
/* inner.h - what the static tunnel looks at in the packets it carries: header, addresses, ECN */
#ifndef ADIT_STATIC_INNER_H
#define ADIT_STATIC_INNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/path.h"

#define STATIC_ECN_MASK 3
#define STATIC_ECN_ECT0 2
#define STATIC_ECN_CE	3

/* Version, header length and total length fit each other and `len`; returns the total length, or 0. */
size_t static_inner_length(const uint8_t *p, size_t len);
/* Of an outgoing packet, whose start (at least the headers) is given; false: not IPv4 or IPv6. */
bool static_inner_destination(const uint8_t *p, size_t len, struct adit_addr *dst, uint8_t *ecn);
/* Of packets that have passed static_inner_length. */
void static_inner_source(const uint8_t *p, struct adit_addr *src);
/* A congestion mark of the outer header goes to an inner one that is ECN capable (RFC 6040). */
void static_inner_take_ecn(uint8_t *p, uint8_t outer_tos);
/* Is this a UDP packet from `port` to that path? */
bool static_inner_is_to(const uint8_t *p, size_t len, uint16_t port, const struct adit_path *to);

#endif
