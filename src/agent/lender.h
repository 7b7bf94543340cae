/* SPDX-License-Identifier: ISC */
/*
 * lender.h - who gives a network's tunnel its TUN and its sockets: an agent before
 * us that left some, else the helper (pktio/rights.h)
 */
#ifndef ADIT_AGENT_LENDER_H
#define ADIT_AGENT_LENDER_H

#include "agent/helper.h"
#include "agent/settings.h"
#include "tunnel/tunnel.h"

struct agent_lender {
	struct agent_lender *next;
	struct helper *helper;
	char network[AGENT_NAME_LEN];
	struct adit_rights rights;
	/* what was left; -1: none, or taken */
	char ifname[ADIT_IFNAME_LEN];
	struct adit_tunnel_ends ends;
	unsigned tun_at, udp_at; /* the next one of each: queue, pair of sockets */
};

/* helper.c: its list. */
struct agent_lender **helper_lenders(struct helper *h);

/* Of that network; made when it is not there. NULL: out of memory. */
struct agent_lender *agent_lender_of(struct helper *h, const char *network);
/* Closes what was left and nobody took: when its network runs. */
void agent_lender_release(struct agent_lender *l);
void agent_lenders_free(struct agent_lender *list);

#endif
