/* SPDX-License-Identifier: ISC */
/*
 * egress.h - from the inside to the wire: reads packets, gathers them into
 * trains, has the core seal them, and sends all trains of a turn in one call.
 *
 * DOC: where a packet is put
 *
 * A super-packet is read into `input`, and each of its segments is sealed out
 * of place into the wire arena. A single packet is read straight into the place
 * in the arena where its datagram will stand and is sealed there. Which of the
 * two the next packet is is not known before it is read: as long as
 * super-packets come (and for GSO_HINT packets after) `input` is read into and
 * a single is copied over; else the arena, and a super-packet is copied over.
 *
 * A train of singles takes packets of one destination and one ECN mark; it
 * closes at the first larger packet or after a shorter one, because
 * UDP_SEGMENT wants equal datagrams with only the last one shorter. Trains
 * are sent in the order they were begun: nothing is ever reordered.
 */
#ifndef ADIT_TUNNEL_EGRESS_H
#define ADIT_TUNNEL_EGRESS_H

#include "base/super.h"
#include "base/time.h"
#include "base/train.h"
#include "pktio/inner.h"

#define ADIT_EGRESS_TRAINS 160

struct adit_worker;

struct adit_egress {
	uint8_t *wire; /* the arena */
	size_t wire_cap, wire_pos;
	uint8_t *input; /* INPUT_HEAD bytes of room, then a super-packet */
	struct adit_train *train;                     /* ADIT_EGRESS_TRAINS of them */
	struct adit_train *ready[ADIT_EGRESS_TRAINS]; /* sealed, to be sent */
	unsigned used, ready_cnt;
	struct adit_train *open; /* gathers singles; the last of train[] */
	uint8_t open_key[18];    /* its destination, version and ECN mark */
	unsigned gso_hint;
	struct adit_super super;
};

int adit_egress_init(struct adit_egress *e);
void adit_egress_fini(struct adit_egress *e);

/* One turn: reads until there is nothing more, 128 packets or 128 KiB, and
 * sends. Returns the packets read, or -EBADFD when the inside is gone. */
int adit_egress_turn(struct adit_worker *w, adit_time now);
/* Sends packets that the core had staged and whose session has come. */
void adit_egress_staged(struct adit_worker *w, adit_time now);

#endif
