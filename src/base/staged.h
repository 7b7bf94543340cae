/* SPDX-License-Identifier: ISC */
/*
 * staged.h - packets that wait for a session. A train is kept as one block of
 * plain packets and leaves as one: the limit of 128 packets a peer drops whole
 * trains, the oldest first. A ceiling for the core bounds what many peers
 * without an answer can hold together.
 */
#ifndef ADIT_BASE_STAGED_H
#define ADIT_BASE_STAGED_H

#include <stdbool.h>

#include "base/train.h"

#define ADIT_STAGED_MAX	      128 /* packets of a peer */
#define ADIT_STAGED_BYTES_MAX (2u << 20)

/* What the peers of a core share. */
struct adit_staging {
	size_t bytes; /* of all blocks */
	size_t head;  /* on the wire, before a packet */
	size_t (*wire_len)(const void *core, size_t len); /* of a packet's datagram */
	const void *core;
	/* Optional: a packet that is dropped (out is true), before it is gone. */
	void (*dropped)(void *user, bool out, enum adit_drop drop, const uint8_t *packet, size_t len);
	void *user;
};

/* A peer's; all zero is none. */
struct adit_staged {
	struct adit_staged_block *first, *last;
	unsigned cnt; /* packets */
};

/* Copies the train's packets (segmenting a super-packet). 0 or -ENOBUFS; *dropped: how many packets are lost for
 * it, older ones or, after -ENOBUFS, the train's own too. */
int adit_staged_add(struct adit_staging *all, struct adit_staged *s, struct adit_train *t, uint8_t tos,
		    unsigned *dropped);
/* Drops everything, for this reason (NONE: none that anybody is told), and returns how many packets that were. */
unsigned adit_staged_flush(struct adit_staging *all, struct adit_staged *s, enum adit_drop drop);
/* Moves up to a train of the oldest packets of the same TOS to t->wire: sets stride, last_len, cnt, len, tos. There
 * is one at least. */
void adit_staged_take(struct adit_staging *all, struct adit_staged *s, struct adit_train *t, size_t cap);

#endif
