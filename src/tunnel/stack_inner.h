/* SPDX-License-Identifier: ISC */
/*
 * stack_inner.h - our own TCP/IP stack as the inside of a tunnel: what the
 * core opens goes to adit_netstack_in, what adit_netstack_out gives is sealed,
 * trains of segments straight from the flows' own buffers.
 */
#ifndef ADIT_TUNNEL_STACK_INNER_H
#define ADIT_TUNNEL_STACK_INNER_H

#include "netstack/netstack.h"
#include "pktio/inner.h"
#include "tunnel/guest.h"

struct adit_stack_inner {
	struct adit_inner inner;
	struct adit_netstack *ns;
	struct adit_guest *guest; /* or NULL */
	adit_time now;            /* of the turn */
};

void adit_stack_inner_init(struct adit_stack_inner *s, struct adit_netstack *ns, struct adit_guest *guest);

#endif
