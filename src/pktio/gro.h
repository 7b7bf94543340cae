/* SPDX-License-Identifier: ISC */
/*
 * gro.h - received plain packets of one TCP or UDP flow are written to the
 * inside as one super-packet, gathered without a copy: the first packet's
 * header, then every payload where it stands.
 *
 * DOC: what is merged
 *
 * As the kernel's receive offload does (net/ipv4/tcp_offload.c): packets of
 * one flow in sequence, with equal TOS, TTL, DF, window, acknowledgement and
 * options, ACK or ACK|PSH alone, of equal size but for the last. UDP
 * datagrams of equal size but for the last. Nothing with IP options, IPv6
 * extension headers, fragments, or a UDP checksum of zero. A packet that
 * cannot join goes behind what its flow has waiting: within a flow the order
 * never changes.
 *
 * The tunnel authenticated the packets, so their inner checksums are not
 * summed again: they are handed over as the kernel's own offload does, with
 * the pseudo-header's sum to be completed (CHECKSUM_PARTIAL). Strict mode
 * verifies each packet first and lets the kernel refuse the bad ones.
 *
 * Packets are lent until adit_gro_flush; their headers, and ADIT_INNER_HEAD
 * bytes in front of each, are written to.
 */
#ifndef ADIT_PKTIO_GRO_H
#define ADIT_PKTIO_GRO_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "pktio/inner.h"
#include "pktio/notes.h"

#define ADIT_GRO_FLOWS 4
#define ADIT_GRO_PACKETS 70

struct adit_gro_flow {
	unsigned cnt;      /* packets; 0 = free */
	bool closed;       /* nothing more may join */
	uint8_t kind;      /* enum adit_super_kind */
	uint16_t l4_off, hdr_len;
	uint16_t payload;  /* of the first packet: the segment size */
	uint16_t ip_id;    /* of the last packet */
	uint32_t next_seq; /* TCP: what must come next */
	uint32_t len;      /* header and all payloads */
	uint8_t first_flags, flags; /* TCP flags of the first packet; of all */
	struct iovec iov[ADIT_GRO_PACKETS]; /* [0] whole first packet, then payloads */
};

struct adit_gro {
	struct adit_inner *inner;
	struct adit_notes *notes;
	bool strict;
	bool merge_udp, merge_tcp;
	unsigned written; /* write calls */
	unsigned failed;  /* packets the inside refused */
	struct adit_gro_flow flow[ADIT_GRO_FLOWS];
};

void adit_gro_init(struct adit_gro *g, struct adit_inner *inner, struct adit_notes *notes, bool strict);
/* pkt holds a whole IP packet of len bytes. */
void adit_gro_add(struct adit_gro *g, uint8_t *pkt, uint32_t len);
/* Writes everything that waits. */
void adit_gro_flush(struct adit_gro *g);

#endif
