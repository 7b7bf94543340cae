/* SPDX-License-Identifier: ISC */
/* snapshot.h - what the kinds of networks fill an agent_snapshot with */
#ifndef ADIT_AGENT_SNAPSHOT_H
#define ADIT_AGENT_SNAPSHOT_H

#include "agent/network.h"
#include "tunnel/tunnel.h"
#include "wg/wg.h"

/* One more, zeroed; NULL: out of memory. */
struct agent_snapshot_peer *agent_snapshot_peer_add(struct agent_snapshot *s);
/* Key, endpoint, times and counts. */
void agent_snapshot_wg_peer(struct agent_snapshot_peer *to, const struct adit_wg_peer_info *info);
/* "10.0.0.0/8,fd00::/8", malloc'd. Under the hold. */
char *agent_snapshot_allowed(const struct adit_wg_peer *peer);
/* Port, mark, MTU, drops and errors by class. */
void agent_snapshot_tunnel(struct agent_snapshot *s, struct adit_tunnel *t);
/* Inner data of all peers. */
void agent_snapshot_sum(struct agent_snapshot *s);

#endif
