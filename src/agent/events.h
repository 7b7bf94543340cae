/* SPDX-License-Identifier: ISC */
/*
 * events.h - what happened, numbered, the last thousand kept. Readers follow by
 * number and are never waited for: who is behind the ring is told so ("lagged").
 */
#ifndef ADIT_AGENT_EVENTS_H
#define ADIT_AGENT_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"

#define AGENT_EVENTS_KEPT 1024

struct agent_event {
	uint64_t seq; /* from 1 */
	int64_t wall_ms;
	char kind[16];    /* state, peer, reload, host, dns, agent, control */
	char network[64]; /* "" = the agent's own */
	char peer[45];    /* public key; "" = none */
	char state[16], reason[24]; /* names; "" = none */
	char text[256];
};

/* What a caller was refused since that was last an event. */
struct agent_refusals {
	unsigned uid, more;
	adit_time told; /* 0: not in use */
};
#define AGENT_REFUSAL_EVERY (10 * ADIT_SEC)

struct agent_events {
	struct agent_event ring[AGENT_EVENTS_KEPT];
	uint64_t last; /* number of the newest; 0 = none yet */
	struct agent_refusals refused[16]; /* of who was refused last */
	void (*added)(struct agent_events *e, void *user); /* or NULL */
	void *user;
};

/* Fills number and time; e->text and the like are copied. Also one log line. */
void agent_event_add(struct agent_events *e, const struct agent_event *event);
/* The same of something that this caller was refused. Within 10 s of his last one it is only counted, and the
 * next one says how many: who asks again and again shall not push others' events out. */
void agent_event_refused(struct agent_events *e, const struct agent_event *event, unsigned uid, adit_time now);
/* The first one after `after`; NULL: none. *lagged: some in between are gone. */
const struct agent_event *agent_event_after(const struct agent_events *e, uint64_t after, bool *lagged);

#endif
