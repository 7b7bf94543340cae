/* SPDX-License-Identifier: ISC */
/*
 * inner.h - where plain packets come from and go to: a TUN, or memory in
 * tests. One queue, used by one data thread.
 */
#ifndef ADIT_PKTIO_INNER_H
#define ADIT_PKTIO_INNER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/super.h"
#include "base/time.h"

/* What a packet still needs before it may go on the wire, or may skip: our
 * form of virtio_net_hdr. */
struct adit_inner_meta {
	uint16_t gso_size;   /* payload bytes of a segment; 0 = one packet */
	uint16_t hdr_len;    /* with gso_size: network + transport header */
	uint16_t csum_start; /* with needs_csum: transport header */
	uint16_t csum_offset;
	uint8_t gso_kind;    /* enum adit_super_kind, with gso_size */
	bool needs_csum;     /* the checksum field holds the pseudo-header's sum */
};

struct adit_inner;

/* A packet is read, and its first part written, with this much room in front of
 * it that is scratch: the kernel's header stands there, so one plain read or
 * one contiguous write moves both. A message header of any core is longer. */
#define ADIT_INNER_HEAD 10
#define ADIT_INNER_MAX 65536 /* room for any packet */

struct adit_inner_ops {
	/* Reads one packet to buf (ADIT_INNER_MAX bytes, and the head in front).
	 * Returns its length, -EAGAIN, -EBADFD (the interface is gone), -EIO (it is
	 * down), -EINVAL (a packet we cannot read; it is lost). */
	ssize_t (*read)(struct adit_inner *in, struct adit_inner_meta *meta, uint8_t *buf);
	/* Writes one packet, gathered from iov (the head in front of iov[0], which
	 * is written to). Returns 0 or -errno. */
	int (*write)(struct adit_inner *in, const struct adit_inner_meta *meta, struct iovec *iov, int cnt);

	/* An inside that is a TCP/IP stack of our own has four more: */

	/* A turn begins. */
	void (*begin)(struct adit_inner *in, adit_time now);
	/* What was written since the last call must be taken now: its memory is used again. */
	void (*received)(struct adit_inner *in);
	/* As read (len returned), or 0: *super describes segments over memory lent
	 * until the next call. The caller restores it (adit_super_restore). */
	ssize_t (*read_lent)(struct adit_inner *in, uint8_t *buf, struct adit_super *super);
	/* A peer can be reached, which perhaps it could not before: after begin. */
	void (*reachable)(struct adit_inner *in);
};

struct adit_inner {
	const struct adit_inner_ops *ops;
	int fd;            /* to wait on; -1 for memory */
	unsigned offloads; /* ADIT_OFFLOAD_{TSO,USO,CSUM} in use; cleared when one fails */
};

#endif
