/* SPDX-License-Identifier: ISC */
/*
 * replies.h - what wg-quick's own table does for a full tunnel, as "inet
 * adit-IFNAME":
 *
 *	replies IFNAME MARK ADDR,...
 *
 * What comes by another interface for an address of the tunnel is dropped (else a
 * neighbour could learn our inner address and meddle with connections). The mark
 * of outgoing datagrams is kept with their connection and put on what comes back,
 * so that reverse path filters find the way they came.
 */
#ifndef ADIT_HOST_REPLIES_H
#define ADIT_HOST_REPLIES_H

#include "host/nft.h"

/* Makes or replaces; 0 or -errno (-EINVAL: its text). */
int adit_replies_set(struct adit_nft *nft, const struct adit_step *step);
int adit_replies_unset(struct adit_nft *nft, const struct adit_step *step); /* 0 also when it is gone */
int adit_replies_intact(struct adit_nft *nft, const struct adit_step *step); /* 1, 0 or -errno */

#endif
