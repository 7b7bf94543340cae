/* SPDX-License-Identifier: ISC */
/*
 * recvq.h - the bytes of an incoming stream: in order and not consumed, or
 * out of order and waiting for a hole to close.
 *
 * DOC: borrowed and stored
 *
 * Bytes that arrive in order while nothing is out of order are borrowed: only
 * their iovecs are noted, and the reader usually takes them at once. Whatever
 * is left at recvq_settle is copied into slabs. Bytes out of order are copied
 * when they come, to their place by sequence number, so closing a hole moves
 * nothing. When memory is short, bytes are refused: what was borrowed and
 * cannot be stored is forgotten and `next` goes back (it must not have been
 * acknowledged), what is out of order is not taken. Bytes in order come first:
 * for their sake everything out of order may be forgotten.
 *
 * Ranges out of order are a sorted list of extents (at most RECVQ_EXTENTS),
 * which is also what selective acknowledgements (RFC 2018) are made from, the
 * range that changed last first.
 */
#ifndef ADIT_NETSTACK_RECVQ_H
#define ADIT_NETSTACK_RECVQ_H

#include <sys/uio.h>

#include "netstack/slab.h"

#define RECVQ_EXTENTS  1280
#define RECVQ_BORROWED 160 /* iovecs */

struct recvq_range {
	uint32_t from, to; /* sequence numbers [from, to) */
};

struct recvq_parts; /* what only a queue with something in it needs; allocated then */

struct recvq {
	struct slab_pool *pool;
	uint32_t read; /* first byte not consumed */
	uint32_t next; /* first byte missing: RCV.NXT */
	uint32_t memory; /* bytes of slabs */
	struct recvq_parts *parts;
};

void recvq_init(struct recvq *q, struct slab_pool *pool, uint32_t next);
void recvq_fini(struct recvq *q);

/* What came of recvq_add. */
struct recvq_added {
	uint32_t advanced;         /* bytes `next` moved on */
	bool out_of_order;         /* something was stored behind a hole, or there is one still */
	bool filled;               /* a hole was closed, at least in part */
	bool refused;              /* no memory, or too many extents: some was not taken */
	struct recvq_range dup;    /* bytes we had already (RFC 2883), from == to: none */
};
/* Bytes [seq, seq + len) standing in iov from byte `skip` on; within the
 * receive window (the caller trimmed them to it). */
void recvq_add(struct recvq *q, uint32_t seq, uint32_t len, const struct iovec *iov, int cnt, size_t skip,
	       struct recvq_added *ret);
/* Bytes that can be read. */
static inline uint32_t recvq_readable(const struct recvq *q)
{
	return q->next - q->read;
}
int recvq_peek(const struct recvq *q, struct iovec *iov, int max);
void recvq_consume(struct recvq *q, uint32_t len);
/* Copies what is borrowed. Returns by how many bytes `next` went back for want
 * of memory (of those, what was stored already is out of order now). */
uint32_t recvq_settle(struct recvq *q);
/* Highest sequence number held + 1 (= next when nothing is out of order). */
uint32_t recvq_end(const struct recvq *q);
/* Up to max ranges out of order, the one that changed last first. */
unsigned recvq_sack(const struct recvq *q, struct recvq_range *ret, unsigned max);
/* Forgets everything out of order (it was never acknowledged cumulatively): memory is short. */
void recvq_prune(struct recvq *q);

#endif
