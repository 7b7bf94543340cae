/* SPDX-License-Identifier: ISC */
/* events.c - what happened, numbered, the last thousand kept */
#include "agent/events.h"

#include <stdio.h>
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

/* Whoever is not known takes the place of who was told of longest ago. */
static struct agent_refusals *refusals_of(struct agent_events *e, unsigned uid)
{
	struct agent_refusals *oldest = e->refused;

	for (size_t i = 0; i < sizeof(e->refused) / sizeof(e->refused[0]); i++) {
		if (e->refused[i].told && e->refused[i].uid == uid)
			return &e->refused[i];
		if (e->refused[i].told < oldest->told)
			oldest = &e->refused[i];
	}
	*oldest = (struct agent_refusals){ .uid = uid };
	return oldest;
}

void agent_event_refused(struct agent_events *e, const struct agent_event *event, unsigned uid, adit_time now)
{
	struct agent_refusals *r = refusals_of(e, uid);
	struct agent_event told = *event;

	if (r->told && now - r->told < AGENT_REFUSAL_EVERY) {
		r->more++;
		return;
	}
	if (r->more)
		snprintf(told.text, sizeof(told.text), "%.200s; %u more since the last line", event->text, r->more);
	*r = (struct agent_refusals){ .uid = uid, .told = now };
	agent_event_add(e, &told);
}

const struct agent_event *agent_event_after(const struct agent_events *e, uint64_t after, bool *lagged)
{
	uint64_t oldest = e->last > AGENT_EVENTS_KEPT ? e->last - AGENT_EVENTS_KEPT + 1 : 1;

	*lagged = after + 1 < oldest;
	if (*lagged)
		after = oldest - 1;
	return after < e->last ? &e->ring[(after + 1) % AGENT_EVENTS_KEPT] : NULL;
}
