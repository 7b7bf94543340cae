/* SPDX-License-Identifier: ISC */
/*
 * queue.h - handshake messages that wait for the processor: a bounded FIFO in
 * chunks, so that an idle device holds none of it and a flood no more than
 * WG_QUEUE_MAX messages (0.9 MB).
 */
#ifndef ADIT_WG_QUEUE_H
#define ADIT_WG_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/path.h"
#include "base/time.h"
#include "wg/message.h"

#define WG_QUEUE_MAX   4096
#define WG_QUEUE_CHUNK 32

struct wg_queued {
	struct adit_path path;
	adit_time at; /* when it came */
	uint8_t len;
	bool admitted; /* came with a valid mac2 while under load */
	uint8_t msg[WG_HANDSHAKE_MAX];
};

struct wg_queue_chunk {
	struct wg_queue_chunk *next;
	struct wg_queued item[WG_QUEUE_CHUNK];
};

struct wg_queue {
	struct wg_queue_chunk *head, *tail, *spare;
	unsigned head_pos, tail_pos;
	unsigned cnt, max;
};

void wg_queue_init(struct wg_queue *q, unsigned max);
void wg_queue_fini(struct wg_queue *q);
/* A slot at the end to be filled, or NULL when full. */
struct wg_queued *wg_queue_push(struct wg_queue *q);
struct wg_queued *wg_queue_first(const struct wg_queue *q); /* NULL when empty */
void wg_queue_pop(struct wg_queue *q);

#endif
