/* SPDX-License-Identifier: ISC */
/*
 * network.h - one static tunnel put together: TUN, core, peers, addresses, and
 * the counts that v1 keeps.
 */
#ifndef ADIT_STATICTUN_NETWORK_H
#define ADIT_STATICTUN_NETWORK_H

#include "statictun/counts.h"
#include "statictun/events.h"
#include "statictun/settings.h"
#include "tunnel/tunnel.h"

struct statictun {
	const struct statictun_network *net;
	uint8_t public_key[ADIT_KEY_LEN];
	struct adit_tunnel *tunnel;
	struct statictun_events events;
	struct statictun_counts counts;
	bool counting; /* v1 */
	adit_time store_again; /* storing failed: when to try again; ADIT_NEVER */
};

/*
 * Makes the TUN with its MTU, knows every peer, and has looked whether the port
 * is free; nothing runs yet. cfg: what the environment said, and who has the rights. 0, or -errno with a
 * sentence in err; in either case statictun_close undoes it all.
 */
int statictun_open(struct statictun *s, const struct statictun_network *net, struct adit_tunnel_config *cfg,
		   const char *state_dir, char *err, size_t err_len);
/* For adit static: starts the data threads, then gives the TUN its addresses and sets it up. Who keeps the
 * machine's plan elsewhere starts s->tunnel by himself. */
int statictun_start(struct statictun *s, char *err, size_t err_len);
/* v1: stores the counts ahead and lets the core go on. Logs what fails, to be tried again at store_again. */
void statictun_grant(struct statictun *s, adit_time now);
/* What the operator may want to know of the way to the peers; logs it. */
void statictun_look_around(const struct statictun *s);
/* Ends the tunnel: TUN and addresses are gone, the counts stored as they are. */
void statictun_close(struct statictun *s);

#endif
