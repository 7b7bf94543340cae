/* SPDX-License-Identifier: ISC */
/*
 * super.h - a super-packet: up to 64 KiB of one TCP or UDP flow behind one
 * header, as a TUN with offloads hands it over, and its segmentation.
 *
 * The packet stands contiguously in buf. Segment k's header is written over
 * the tail of segment k-1's payload, which has been sealed out of place by
 * then: so segments are made in order, each once, with no copy. Where the
 * payload is lent (a flow's own send buffer, which may have to be sent again)
 * what a header covered is put back before the next one is written.
 */
#ifndef ADIT_BASE_SUPER_H
#define ADIT_BASE_SUPER_H

#include <stdbool.h>
#include <stdint.h>

#define ADIT_SUPER_HDR_MAX 160 /* 60 IPv4 or 40 + 40 IPv6 options, 60 TCP */

enum adit_super_kind { ADIT_SUPER_TCP4, ADIT_SUPER_TCP6, ADIT_SUPER_UDP4, ADIT_SUPER_UDP6 };

struct adit_super {
	uint8_t *buf;      /* the whole packet; written to by segmentation */
	uint32_t len;      /* header and payload */
	uint16_t hdr_len;  /* network + transport header */
	uint16_t l4_off;   /* transport header */
	uint16_t gso_size; /* payload bytes of every segment but the last */
	uint16_t cnt;      /* segments */
	uint8_t kind;      /* enum adit_super_kind */
	uint8_t tcp_flags; /* of the original header */
	uint16_t ip_id;
	uint32_t tcp_seq;
	bool lent;         /* the payload is somebody's: covered bytes are put back */
	uint8_t *covered;  /* lent: where a header stands now; NULL: nowhere */
	uint8_t hdr[ADIT_SUPER_HDR_MAX]; /* template: the header as it came */
	uint8_t saved[ADIT_SUPER_HDR_MAX];
};

/* Checks that buf holds a whole packet of `kind` whose headers end where
 * hdr_len says. Returns 0 or -EINVAL. */
int adit_super_init(struct adit_super *s, uint8_t *buf, uint32_t len, enum adit_super_kind kind,
		    uint16_t l4_off, uint16_t hdr_len, uint16_t gso_size);
/* A super-packet over lent payload: hdr is a whole header (TCP or UDP), made
 * for the first segment; hdr_len bytes in front of data are written to and put
 * back by adit_super_restore. One segment is fine (len <= gso_size). */
void adit_super_lend(struct adit_super *s, uint8_t *data, uint32_t len, enum adit_super_kind kind, const uint8_t *hdr,
		     uint16_t l4_off, uint16_t hdr_len, uint16_t gso_size);
/* Puts back what the last segment's header covers. For any super-packet. */
void adit_super_restore(struct adit_super *s);
/* Plain length of segment k, header included. */
uint32_t adit_super_segment_len(const struct adit_super *s, unsigned k);
/* Writes segment k's header with its lengths, IP identification, sequence
 * number, flags and checksums, and returns its first byte. The segment's
 * length is adit_super_segment_len; the bytes behind it belong to segment
 * k+1's payload. Segments must be taken in order, each once. */
uint8_t *adit_super_segment(struct adit_super *s, unsigned k);

#endif
