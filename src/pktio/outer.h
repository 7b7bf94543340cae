/* SPDX-License-Identifier: ISC */
/*
 * outer.h - where sealed datagrams go to and come from: a pair of UDP sockets,
 * or memory in tests. Used by one data thread.
 */
#ifndef ADIT_PKTIO_OUTER_H
#define ADIT_PKTIO_OUTER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/path.h"
#include "base/train.h"

#define ADIT_RX_BUFFERS 4
#define ADIT_RX_BUFFER_LEN 65536

/* One received buffer: datagrams `stride` bytes apart. */
struct adit_rx {
	uint8_t *buf;
	uint32_t len;
	uint32_t stride;
	uint8_t tos;
	bool truncated; /* larger than the buffer: to be dropped */
	struct adit_path path;
};

/* What became of a batch of trains. */
struct adit_sent {
	unsigned datagrams, calls;
	uint64_t bytes;
	unsigned full;   /* datagrams dropped: socket buffer full */
	unsigned failed; /* datagrams the network refused */
};

enum adit_outer_side { ADIT_OUTER_4, ADIT_OUTER_6, ADIT_OUTER_SIDES };

struct adit_outer;

struct adit_outer_ops {
	/* Receives into up to ADIT_RX_BUFFERS buffers. Returns how many, or -EAGAIN. */
	int (*recv)(struct adit_outer *out, enum adit_outer_side side, struct adit_rx rx[ADIT_RX_BUFFERS]);
	/* Sends trains in order. Never fails as a whole: adds to *sent. */
	void (*send)(struct adit_outer *out, struct adit_train *const *trains, unsigned cnt, struct adit_sent *sent);
};

struct adit_outer {
	const struct adit_outer_ops *ops;
	int fd[ADIT_OUTER_SIDES]; /* to wait on; -1 = not there */
};

#endif
