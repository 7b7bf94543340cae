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

struct agent_events {
	struct agent_event ring[AGENT_EVENTS_KEPT];
	uint64_t last; /* number of the newest; 0 = none yet */
	void (*added)(struct agent_events *e, void *user); /* or NULL */
	void *user;
};

/* Fills number and time; e->text and the like are copied. Also one log line. */
void agent_event_add(struct agent_events *e, const struct agent_event *event);
/* The first one after `after`; NULL: none. *lagged: some in between are gone. */
const struct agent_event *agent_event_after(const struct agent_events *e, uint64_t after, bool *lagged);

#endif
