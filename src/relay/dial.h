/* SPDX-License-Identifier: ISC */
/*
 * dial.h - a connection to host:port, inside the tunnel or outside of it:
 * the name resolved where it belongs, its addresses tried in turn (the next
 * one starts 250 ms after the one before, RFC 8305), a limit in time.
 */
#ifndef ADIT_RELAY_DIAL_H
#define ADIT_RELAY_DIAL_H

#include "relay/relay.h"

struct relay_dial;

struct relay_dialled {
	int error;              /* 0 or -errno: -ECONNREFUSED, -ETIMEDOUT, -EHOSTUNREACH, -ENOENT (name) ... */
	struct adit_sock *sock; /* inside; the caller's now */
	int fd;                 /* outside; the caller's now; non-blocking */
};

/* *ret may be NULL afterwards when it ended at once; `done` was called then. */
int relay_dial_inside(struct adit_relay *r, struct relay_dial **ret, const struct relay_target *to,
		      void (*done)(void *arg, const struct relay_dialled *d), void *arg, adit_time now);
/* TCP, or "unix:/path". */
int relay_dial_outside(struct adit_relay *r, struct relay_dial **ret, const struct relay_target *to,
		       void (*done)(void *arg, const struct relay_dialled *d), void *arg, adit_time now);
/* `done` will not be called. */
void relay_dial_cancel(struct relay_dial *d, adit_time now);

#endif
