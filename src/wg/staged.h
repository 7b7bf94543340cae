/* SPDX-License-Identifier: ISC */
/*
 * staged.h - packets that wait for a session. A train is kept as one block of
 * plain packets and leaves as one: the limit of 128 packets a peer drops whole
 * trains, the oldest first. A ceiling for the device bounds what many peers
 * without an answer can hold together.
 */
#ifndef ADIT_WG_STAGED_H
#define ADIT_WG_STAGED_H

#include "base/drop.h"
#include "base/train.h"

struct adit_wg;
struct adit_wg_peer;

#define WG_STAGED_BYTES_MAX (2u << 20)

struct wg_staged {
	struct wg_staged *next;
	uint32_t size; /* of this block, for the ceiling */
	uint32_t pos;  /* in data, of packet `first` */
	uint16_t first, cnt;
	uint8_t tos;
	uint8_t *data; /* the packets, one behind another */
	uint16_t len[];
};

/* Copies the train's packets (segmenting a super-packet). 0 or -ENOBUFS; drops are counted here. */
int wg_staged_add(struct adit_wg *wg, struct adit_wg_peer *peer, struct adit_train *t, uint8_t tos);
/* Drops everything, each packet counted under `drop`. */
void wg_staged_flush(struct adit_wg *wg, struct adit_wg_peer *peer, enum adit_drop drop);
/* Moves up to a train of the oldest packets of the same TOS to t->wire: sets stride, last_len, cnt, len, tos. */
void wg_staged_take(struct adit_wg *wg, struct adit_wg_peer *peer, struct adit_train *t, size_t cap);

#endif
