/* SPDX-License-Identifier: ISC */
/* inner.h - what WireGuard looks at in the packets it carries: addresses, length, ECN */
#ifndef ADIT_WG_INNER_H
#define ADIT_WG_INNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

#define WG_ECN_MASK 3
#define WG_ECN_ECT0 2
#define WG_ECN_CE   3

/* Destination and ECN bits of an outgoing packet; false if it is not a whole
 * IPv4 or IPv6 header. */
bool wg_inner_destination(const uint8_t *p, size_t len, struct adit_addr *dst, uint8_t *ecn);
/* True length (without padding) of a decrypted packet; 0 if it is not IPv4 or
 * IPv6, or longer than what was decrypted. */
size_t wg_inner_length(const uint8_t *p, size_t len);
/* Of packets that have passed wg_inner_length. */
void wg_inner_source(const uint8_t *p, struct adit_addr *src);
bool wg_inner_same_source(const uint8_t *p, const uint8_t *q);
/* Carries a congestion mark from the outer header to an inner one that is ECN
 * capable (RFC 3168 9.1, as the kernel's tunnels do); any other stays as it is. */
void wg_inner_decapsulate_ecn(uint8_t *p, uint8_t outer_tos);
/* Does this UDP packet go from `port` to the given address and port? */
bool wg_inner_is_udp(const uint8_t *p, size_t len, uint16_t port, const uint8_t *addr, unsigned family,
		     uint16_t to_port);

#endif
