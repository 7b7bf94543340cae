/* SPDX-License-Identifier: ISC */
/*
 * checksum.h - the Internet checksum (RFC 1071). Partial sums are kept in
 * native byte order, as RFC 1071 2(B) allows; only a folded result is stored,
 * natively, and is then right on the wire.
 */
#ifndef ADIT_BASE_CHECKSUM_H
#define ADIT_BASE_CHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Adds len bytes to a partial sum. Where sums are joined, all but the last
 * part must have an even length. */
uint64_t adit_sum(const void *p, size_t len, uint64_t sum);
/* Folds to 16 bits, not complemented. */
uint16_t adit_sum_fold(uint64_t sum);
/* Pseudo-header (RFC 793, RFC 8200 8.1) of an IPv4 or IPv6 packet whose
 * transport part is l4_len bytes long. */
uint64_t adit_sum_pseudo(const uint8_t *ip, uint8_t protocol, uint32_t l4_len);
/* Writes the IPv4 header checksum of a header of hdr_len bytes. */
void adit_ip4_checksum(uint8_t *ip, size_t hdr_len);
/* Completes a checksum left to "hardware": the field at start + offset holds
 * the pseudo-header's sum. False when the field is not inside the packet. */
bool adit_checksum_complete(uint8_t *pkt, size_t len, size_t start, size_t offset);
/* Is the transport checksum of a whole TCP, UDP or ICMPv6 packet right?
 * True for what has none to check (fragments, UDP without, other protocols). */
bool adit_checksum_ok(const uint8_t *ip, size_t len);

#endif
