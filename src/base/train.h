/* SPDX-License-Identifier: ISC */
/*
 * train.h - the unit of work of the data path.
 *
 * DOC: a train
 *
 * A train is up to 64 datagrams of one peer, one path and one key that stand
 * one after another in the wire arena, all `stride` bytes long but the last,
 * which may be shorter: what one UDP_SEGMENT send takes and one UDP_GRO
 * receive brings. It is lent to a core for the length of a call and owned by
 * who drives the core. Nothing here is shared between threads.
 *
 *   wire -> [head|plain k=0......|pad|tail][head|plain k=1......|pad|tail][..last..]
 *            <----------- stride ---------><---------- stride -----------><last_len>
 *
 * Out, singles: the packets already stand in place, packet k at
 *   wire + k * stride + head, `len[k]` bytes; super is NULL.
 * Out, super: the packets are segments [super_first, super_first + cnt) of
 *   *super, and sealing copies each to its place (no other copy is made).
 * In: see adit_train_in.
 *
 * The order of calls is begin (owner of the core), seal or open (any thread,
 * touches only this train and its buffers), done (owner, in begin order).
 */
#ifndef ADIT_BASE_TRAIN_H
#define ADIT_BASE_TRAIN_H

#include <stddef.h>
#include <stdint.h>

#include "base/drop.h"
#include "base/path.h"

#define ADIT_TRAIN_MAX 64    /* datagrams; UDP_MAX_SEGMENTS before Linux 6.9 */
#define ADIT_WIRE_MAX  65507 /* bytes of a train: the largest UDP payload over IPv4 */

struct adit_super;

struct adit_train {
	uint8_t *wire;
	uint32_t stride;   /* bytes between two datagrams' starts */
	uint32_t last_len; /* of the last datagram, <= stride */
	uint16_t cnt;      /* datagrams, 1..ADIT_TRAIN_MAX */
	uint8_t tos;       /* outer TOS / traffic class: in, as received; out, written by begin */
	uint8_t drop;      /* enum adit_drop: why begin refused the whole train */
	struct adit_path path; /* in: where it came from; out: written by begin */

	/* plain packets; out: given by the caller; in: written by done, 0 = dropped or keepalive */
	uint16_t len[ADIT_TRAIN_MAX];
	struct adit_super *super; /* out: what to segment, or NULL */
	uint16_t super_first;

	uint64_t ok; /* in: bit k = datagram k authenticated; written by open alone */

	/* in: what of the receive buffer has not been looked at yet */
	uint8_t *rest;
	uint32_t rest_len;

	/* the core's notes between begin and done; nobody else reads them */
	void *key;
	void *peer;
	uint64_t counter;
	uint32_t index;
};

/* What a core says of a train it was given. */
enum adit_verdict {
	ADIT_SEAL = 1, /* out_begin: seal it, call out_done, send it on train->path */
	ADIT_OPEN = 1, /* in_begin: a run stands in wire/cnt: open it, call in_done */
	ADIT_DONE = 0, /* nothing to do: kept (staged), or dropped with train->drop set and counted */
};

/* Sets a train up for a received buffer of `len` bytes holding datagrams
 * `stride` bytes apart (stride = len for a single one). in_begin then cuts
 * runs from it until it returns ADIT_DONE. */
static inline void adit_train_in(struct adit_train *t, uint8_t *buf, uint32_t len, uint32_t stride,
				 const struct adit_path *path, uint8_t tos)
{
	t->rest = buf;
	t->rest_len = len;
	t->stride = stride;
	t->path = *path;
	t->tos = tos;
	t->cnt = 0;
	t->drop = ADIT_DROP_NONE;
	t->super = NULL;
}

static inline uint32_t adit_train_datagram_len(const struct adit_train *t, unsigned k)
{
	return k + 1u == t->cnt ? t->last_len : t->stride;
}

static inline uint32_t adit_train_bytes(const struct adit_train *t)
{
	return t->stride * (t->cnt - 1u) + t->last_len;
}

#endif
