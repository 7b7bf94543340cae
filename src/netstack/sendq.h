/* SPDX-License-Identifier: ISC */
/*
 * sendq.h - the bytes of an outgoing stream, from what is not acknowledged to
 * what was written last, in slabs. Each slab holds a contiguous range of the
 * stream; in front of every byte there is room (or earlier payload, which the
 * sender saves and restores) for a packet header of 160 bytes.
 *
 * Where a slab ends inside a segment, the last bytes move to the headroom of
 * the next slab when they are asked for, so that segments in mid-stream are
 * full. Moved bytes keep their sequence numbers.
 */
#ifndef ADIT_NETSTACK_SENDQ_H
#define ADIT_NETSTACK_SENDQ_H

#include "netstack/slab.h"

#define SENDQ_HEADROOM 160

struct sendq {
	struct slab_pool *pool;
	struct slab *first, *last; /* by sequence */
	uint32_t una;              /* sequence number of the first byte held */
	uint32_t len;              /* bytes held */
	uint32_t memory;           /* bytes of slabs */
	struct slab *hint;         /* where the last look-up ended */
};

void sendq_init(struct sendq *q, struct slab_pool *pool, uint32_t seq);
void sendq_fini(struct sendq *q);
/* A place for the next bytes: *room of them, at least 1; `want` chooses the
 * slab's size when a new one is taken. NULL: no memory. */
uint8_t *sendq_reserve(struct sendq *q, size_t want, size_t *room);
/* What the last slab has room for. */
static inline uint32_t sendq_room(const struct sendq *q)
{
	return q->last ? q->last->cap - q->last->end : 0;
}
void sendq_commit(struct sendq *q, size_t len);
/* Gives back what was reserved and not used, if a whole slab. */
void sendq_cancel(struct sendq *q);
/* Bytes before una are no longer needed. una lies within [q->una, q->una + q->len]. */
void sendq_ack(struct sendq *q, uint32_t una);
/* The bytes from seq on: *len = min(want, what stands together). Where
 * *len < want although the stream goes on, *len is a multiple of mss, unless
 * fewer than mss bytes could not be moved together (then *len < mss). seq must
 * be held. SENDQ_HEADROOM bytes in front are inside the slab. */
uint8_t *sendq_at(struct sendq *q, uint32_t seq, uint32_t want, uint32_t mss, uint32_t *len);

#endif
