/* SPDX-License-Identifier: ISC */
/* handover_internal.h - shared by both sides: handover.c gives, handover_take.c takes */
#ifndef ADIT_AGENT_HANDOVER_INTERNAL_H
#define ADIT_AGENT_HANDOVER_INTERNAL_H

#include "agent/handover.h"
#include "agent/handover_message.h"

struct sockaddr_un;

/* What was left to a network. */
struct agent_left {
	struct agent_left *next;
	char name[AGENT_NAME_LEN];
	bool wanted;
	int sessions; /* a file of them, or -1 */
};

struct agent_handover {
	struct agent *agent;
	/* giving */
	struct adit_watch listener, conn;
	bool paused, gone;
	/* taken */
	struct agent_left *left;
	uint8_t *key; /* of the sessions; secret memory */
	adit_time release_at;
};

/* a->handover, made when it is not there; NULL: out of memory. */
struct agent_handover *agent_handover_of(struct agent *a);
int agent_handover_address(struct sockaddr_un *sa, const char *control_socket);
/* handover_take.c: closes and wipes what was left. */
void agent_handover_forget(struct agent_handover *h);

#endif
