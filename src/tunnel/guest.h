/* SPDX-License-Identifier: ISC */
/*
 * guest.h - somebody else's work on a data thread: sockets on one side, our
 * own TCP/IP stack on the other (src/relay). The guest brings an epoll
 * descriptor of its own, which the thread waits for with everything else.
 */
#ifndef ADIT_TUNNEL_GUEST_H
#define ADIT_TUNNEL_GUEST_H

#include <stdbool.h>

#include "base/time.h"

struct adit_guest;

struct adit_guest_ops {
	/* A turn; `ready`: the guest's descriptor became readable, or may be.
	 * Returns how much was done, 0 = nothing: the thread may sleep. */
	int (*turn)(struct adit_guest *g, bool ready, adit_time now);
	/* Packets were given to the stack: what happened is pulled and received
	 * bytes are taken, before their memory is used again. */
	void (*received)(struct adit_guest *g, adit_time now);
	/* When to come back although nothing comes in; ADIT_NEVER. */
	adit_time (*deadline)(struct adit_guest *g);
};

struct adit_guest {
	const struct adit_guest_ops *ops;
	int fd;
};

#endif
