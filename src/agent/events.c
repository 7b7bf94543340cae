/* SPDX-License-Identifier: ISC */
/* events.c - what happened, numbered, the last thousand kept */
#include "agent/events.h"

#include <time.h>

#include "agent/log.h"

void agent_event_add(struct agent_events *e, const struct agent_event *event)
{
	struct agent_event *slot = &e->ring[(e->last + 1) % AGENT_EVENTS_KEPT];
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	*slot = *event;
	slot->seq = ++e->last;
	slot->wall_ms = now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
	agent_log_event(slot);
	if (e->added)
		e->added(e, e->user);
}

const struct agent_event *agent_event_after(const struct agent_events *e, uint64_t after, bool *lagged)
{
	uint64_t oldest = e->last > AGENT_EVENTS_KEPT ? e->last - AGENT_EVENTS_KEPT + 1 : 1;

	*lagged = after + 1 < oldest;
	if (*lagged)
		after = oldest - 1;
	return after < e->last ? &e->ring[(after + 1) % AGENT_EVENTS_KEPT] : NULL;
}
