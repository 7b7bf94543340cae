/* SPDX-License-Identifier: ISC */
/*
 * control.h - what the agent is asked and shown through: Unix sockets with one
 * JSON object a line (session.h, api.h), and HTTP, GET only (http.h)
 *
 * DOC: who may what
 *
 * The kernel says who is at the other end (SO_PEERCRED, SO_PEERGROUPS), at the
 * moment of connecting; roles.h makes a role of it. A caller without a role is
 * refused with one line, and the attempt is an event.
 *
 * Nothing is sent that was not asked for: the first line a caller reads is the
 * reply to its first request.
 */
#ifndef ADIT_AGENT_CONTROL_H
#define ADIT_AGENT_CONTROL_H

#include "agent/agent.h"

struct agent_control; /* a->control; NULL before init */

/*
 * Makes the sockets that a->config names and looks up its groups: with the rights
 * of the start, before they are dropped. Folders of the sockets are made. 0, or
 * -errno with a sentence that says which of them.
 */
int agent_control_init(struct agent *a, char *err, size_t err_len);
/* Ends every connection and removes the sockets. Fine before init. */
void agent_control_fini(struct agent *a);
/* A reload's: opens where next wants HTTP to listen, while what there is goes on. 0, or -errno with a sentence. */
int agent_control_prepare(struct agent *a, const struct agent_config *next, char *err, size_t err_len);
/* After it: changes over, or stays as it was. */
void agent_control_settle(struct agent *a, bool change);
adit_time agent_control_due(const struct agent *a);
void agent_control_tick(struct agent *a, adit_time now);
/*
 * After the end was asked for: ticks send the replies that wait, for 2 s at most.
 * True when nothing is left to be sent, or that time is over.
 */
bool agent_control_idle(const struct agent *a);

#endif
