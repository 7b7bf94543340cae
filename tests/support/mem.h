/* SPDX-License-Identifier: ISC */
/*
 * mem.h - an inside and an outside made of memory, for tests: workers are
 * driven by their turns, with a virtual clock and no descriptor.
 */
#ifndef ADIT_TESTS_MEM_H
#define ADIT_TESTS_MEM_H

#include "pktio/inner.h"
#include "pktio/outer.h"

#define MEM_QUEUE 2048

struct mem_packet {
	uint8_t *data;
	uint32_t len;
	uint32_t stride; /* outside: of a train kept whole, as GRO would */
	struct adit_inner_meta meta;
	struct adit_path from;
	uint8_t tos;
};

struct mem_queue {
	struct mem_packet p[MEM_QUEUE];
	unsigned head, tail;
};

/* What waits to be read, and what was written (super-packets segmented). */
struct mem_inner {
	struct adit_inner inner;
	struct mem_queue in, out;
	unsigned writes;
};

/* A socket at an address; what it sends lands in the peer's queue. */
struct mem_outer {
	struct adit_outer outer;
	struct adit_path address; /* as the peer sees it */
	struct mem_outer *peer;
	struct mem_queue in;
	bool split;     /* datagrams arrive one by one, not as the train they left in */
	unsigned sends, trains, datagrams;
	int (*lose)(unsigned n); /* optional: true = this datagram is lost */
};

void mem_inner_init(struct mem_inner *m, unsigned offloads);
void mem_inner_fini(struct mem_inner *m);
/* A packet that the inside will hand over: copied. */
void mem_inner_put(struct mem_inner *m, const void *data, uint32_t len, const struct adit_inner_meta *meta);
void mem_outer_init(struct mem_outer *m, uint8_t last_octet, struct mem_outer *peer);
void mem_outer_fini(struct mem_outer *m);
/* The oldest packet, given to the caller (free data), or NULL data. */
struct mem_packet mem_take(struct mem_queue *q);
void mem_put(struct mem_queue *q, const void *data, uint32_t len, struct mem_packet like);
unsigned mem_waiting(const struct mem_queue *q);

#endif
