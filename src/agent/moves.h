/* SPDX-License-Identifier: ISC */
/*
 * moves.h - the machine moves: links, addresses and routes of others change, it
 * slept, its clock was set. Networks are told when that has settled.
 */
#ifndef ADIT_AGENT_MOVES_H
#define ADIT_AGENT_MOVES_H

#include "agent/agent.h"

int agent_moves_init(struct agent *a); /* 0 or -errno */
void agent_moves_fini(struct agent *a);
adit_time agent_moves_due(const struct agent *a);
void agent_moves_tick(struct agent *a, adit_time now);

/* By how much the wall clock is behind the latest it ever was while we run; 0: it was never set back
 * by more than a second. */
adit_time agent_clock_behind(const struct agent *a);

/* Pure: what a netlink message of the kernel means. True: the way out may be another one. ours: is
 * this interface one of our networks? */
bool agent_moves_judge(const void *msg, size_t len, bool (*ours)(void *user, unsigned ifindex), void *user);

#endif
