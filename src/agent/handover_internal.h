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
	bool wanted, enable;
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

/* Both ends of a way for messages: an agent's socket, or the service manager's store. */
typedef int handover_give(void *to, const struct handover_message *m, const int *fd, unsigned cnt);
typedef int handover_next(void *from, struct handover_message *m, int fd[HANDOVER_FDS_MAX], unsigned *cnt);

/* All networks; their threads stand still from then on. */
int agent_handover_give_all(struct agent_handover *h, const uint8_t key[ADIT_KEY_LEN], handover_give *give, void *to);
void agent_handover_pause(struct agent_handover *h, bool pause);

/* handover_take.c: all networks, with sessions under that key; on failure nothing. */
int agent_handover_use(struct agent_handover *h, const uint8_t key[ADIT_KEY_LEN], handover_next *next, void *from);
/* Closes and wipes what was left. */
void agent_handover_forget(struct agent_handover *h);

#endif
