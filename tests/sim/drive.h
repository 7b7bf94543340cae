/* SPDX-License-Identifier: ISC */
/*
 * drive.h - the reference driver of a core: what a tunnel does around it,
 * with no descriptor and no thread. Back to back it runs every train to its
 * end; interleaved it keeps begun trains and seals and opens them later, in
 * another order, and calls done in the order of begin.
 */
#ifndef ADIT_TESTS_SIM_DRIVE_H
#define ADIT_TESTS_SIM_DRIVE_H

#include <stdbool.h>

#include "base/super.h"
#include "rng.h"
#include "tunnel/core.h"

struct drive_ops {
	/* A datagram leaves. */
	void (*emit)(void *user, const struct adit_path *path, const uint8_t *buf, size_t len, uint8_t tos);
	/* A plain packet arrives; the message's header stands face->head bytes in front of it. */
	void (*deliver)(void *user, const uint8_t *packet, size_t len, uint8_t outer_tos);
};

struct drive_packet {
	const uint8_t *p;
	size_t len;
};

struct drive {
	const struct adit_core *face;
	void *core;
	struct adit_crypto *crypto;
	const struct drive_ops *ops;
	void *user;
	struct rng rng;  /* order of seal and open when interleaved */
	bool interleave; /* keep trains until drive_finish */
	struct drive_pending *head, **tail;
	unsigned pending;
	struct drive_buf *spare; /* for staged_next */
	uint64_t refused[ADIT_DROP_CNT]; /* trains that out_begin dropped, by reason */
};

void drive_init(struct drive *d, const struct adit_core *face, void *core, struct adit_crypto *crypto,
		const struct drive_ops *ops, void *user, uint64_t seed);
/* Drops what is pending without a done call: only once the core is freed or has failed. */
void drive_fini(struct drive *d);
/* Plain packets, in order: cut into trains as a data thread would. */
void drive_out(struct drive *d, const struct drive_packet *packets, size_t cnt, adit_time now);
/* A super-packet, whole. */
void drive_out_super(struct drive *d, struct adit_super *super, adit_time now);
/* A receive buffer of datagrams `stride` bytes apart. */
void drive_in(struct drive *d, const uint8_t *buf, size_t len, size_t stride, const struct adit_path *from,
	      uint8_t tos, adit_time now);
/* Packets that were staged and can go now. */
void drive_staged(struct drive *d, adit_time now);
/* Handshakes (at most work_max), then timers that are due, then staged
 * packets. Returns how many handshake messages still wait. */
int drive_turn(struct drive *d, int work_max, adit_time now);
/* Seals and opens what is pending in a random order, then done in order of begin. */
void drive_finish(struct drive *d, adit_time now);

#endif
