/* SPDX-License-Identifier: ISC */
/*
 * handover.h - an agent that takes over from another one without a pause that
 * connections notice (adit agent --replace)
 *
 * DOC: how it goes
 *
 *   the new one                               the one before
 *   reads the configuration, has its helper
 *   connects to CONTROL_SOCKET.next  ------>  looks who it is: root, or its own user
 *   asks, with a key                 ------>  its threads stand still; sessions are
 *                                             sealed under the key
 *                                    <------  a message for each network: TUN, UDP
 *                                             sockets, sessions; then "all"
 *   says that it has them            ------>  its helper ends and leaves all plans in
 *                                             force; its sockets are removed
 *                                    <------  it ends: the connection is closed
 *   opens its sockets, its networks
 *
 * What arrives meanwhile waits in the kernel. When the new one is gone before it
 * said that it has them, the threads go on. Of networks of type forward nothing is
 * handed over: their connections end within the process.
 */
#ifndef ADIT_AGENT_HANDOVER_H
#define ADIT_AGENT_HANDOVER_H

#include "agent/agent.h"

/* Serves the one after us; before rights are dropped. 0 or -errno. */
int agent_handover_listen(struct agent *a);
/* Everything was given away: nothing is to be undone. */
bool agent_handover_gone(const struct agent *a);
/* The connection is kept until agent_handover_fini: close it as the last. */
void agent_handover_fini(struct agent *a);

/* Takes over from the agent that serves control_socket: before agent_control_init. 0, -ENOENT:
 * none is there; or -errno with a sentence. */
int agent_handover_take(struct agent *a, const char *control_socket, char *err, size_t err_len);
/* networks.c has them: those that were connected are, others are not, unless the file says something
 * else of them than it did; plans in force are what they go on from. */
void agent_handover_wanted(struct agent *a);
/* Sessions that were left to a network, into its core, before its threads start. Returns how many. */
unsigned agent_handover_sessions(struct agent_network *n, struct adit_tunnel *t);
/* Gives back what nobody took, some seconds later; ADIT_NEVER. */
adit_time agent_handover_due(const struct agent *a);
void agent_handover_tick(struct agent *a, adit_time now);

#endif
