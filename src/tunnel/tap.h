/* SPDX-License-Identifier: ISC */
/*
 * tap.h - who looks at what a tunnel drops, and at its keys. While there is
 * nobody nothing is looked at or copied: a packet costs nothing, and a drop a
 * look at one flag.
 */
#ifndef ADIT_TUNNEL_TAP_H
#define ADIT_TUNNEL_TAP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/uio.h>

#include "base/drop.h"
#include "base/list.h"
#include "base/train.h"
#include "wg/wg.h"

/* Its functions are called by data threads and by control, under the hold: so they copy, and leave. */
struct adit_tap {
	struct adit_list link; /* the tunnel's */
	/* A plain packet that goes no further. */
	void (*dropped)(struct adit_tap *tap, bool out, enum adit_drop drop, const struct iovec *iov, int cnt);
	/* Of each handshake, at its begin; NULL: they are not wanted. Wipe what you copy. */
	void (*keys)(struct adit_tap *tap, const struct adit_wg_keys *keys);
};

/* Those of a tunnel. */
struct adit_taps {
	struct adit_list all; /* under the hold */
	_Atomic bool any;
};

struct adit_tunnel;
struct adit_worker;

/* From now on, until untap. Not under the hold. 0, or -EOPNOTSUPP: this core has no keys to show. */
int adit_tunnel_tap(struct adit_tunnel *t, struct adit_tap *tap);
void adit_tunnel_untap(struct adit_tunnel *t, struct adit_tap *tap);

/* For the tunnel's parts, not under the hold: a packet from the inside, or a train of them, as it stands before it is sealed. */
void adit_tap_packet(struct adit_worker *w, enum adit_drop drop, uint8_t *packet, size_t len);
void adit_tap_train(struct adit_worker *w, const struct adit_train *t);

#endif
