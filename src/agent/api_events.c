/* SPDX-License-Identifier: ISC */
/*
 * api_events.c - events.subscribe: what is first, then what happens. The first
 * line has the state of everything and the number of the last event, so that a
 * reader never has to fit a question and a stream together.
 */
#include <errno.h>
#include <string.h>

#include "agent/api.h"
#include "agent/view.h"

#define AT_ONCE 64 /* lines */

static bool wanted(const struct agent_pending *p, const struct agent_event *e)
{
	return !p->network[0] || !strcmp(p->network, e->network);
}

/* Those since, all at once: for who does not follow. */
static void list(struct agent_call *c, struct agent_pending *p)
{
	const struct agent_event *e;
	bool lagged = false, any = false;

	agent_json_open(c->j, "events", '[');
	while ((e = agent_event_after(&c->agent->events, p->seen, &lagged))) {
		any |= lagged;
		p->seen = e->seq;
		if (wanted(p, e))
			agent_view_event(c->j, c->role, e);
	}
	agent_json_close(c->j, ']');
	agent_json_bool(c->j, "lagged", any);
}

int agent_act_events(struct agent_call *c)
{
	const struct agent_view v = { .role = c->role, .rates = c->rates };
	struct agent_pending p = { .kind = AGENT_PENDING_EVENTS, .deadline = ADIT_NEVER };
	bool follow = true, snapshot = true;
	int64_t since = -1;

	if (agent_call_bool(c, "follow", &follow) || agent_call_bool(c, "snapshot", &snapshot) ||
	    agent_call_number(c, "since", 0, INT64_MAX, &since))
		return -1;
	p.seen = since < 0 ? c->agent->events.last : (uint64_t)since;
	if (p.seen > c->agent->events.last)
		p.seen = c->agent->events.last; /* of an agent before this one */
	if (c->network)
		snprintf(p.network, sizeof(p.network), "%s", c->network->settings->name);
	if (follow && !c->pending)
		return agent_call_fail(c, "unsupported", "{\"follow\":false}", "nothing can be followed here");
	agent_json_number(c->j, "seq", c->agent->events.last);
	agent_json_bool(c->j, "follow", follow);
	if (snapshot) {
		agent_json_open(c->j, "snapshot", '{');
		if (agent_view_status(c->j, &v, c->agent, c->network))
			return agent_call_errno(c, -ENOMEM, "no memory");
		agent_json_close(c->j, '}');
	}
	if (!follow) {
		list(c, &p);
		return AGENT_API_DONE;
	}
	*c->pending = p;
	return AGENT_API_LATER;
}

void agent_api_events_next(struct agent *a, struct agent_pending *p, enum agent_role role, FILE *out, bool *more)
{
	const struct agent_event *e = NULL;
	struct agent_json j = { .out = out };
	unsigned i;

	for (i = 0; i < AT_ONCE; i++) {
		bool lagged = false;

		e = agent_event_after(&a->events, p->seen, &lagged);
		if (!e)
			break;
		if (lagged)
			fprintf(out, "{\"id\":%s,\"lagged\":true}\n", p->id);
		p->seen = e->seq;
		if (!wanted(p, e))
			continue;
		fprintf(out, "{\"id\":%s,\"event\":", p->id);
		j.more = false;
		agent_view_event(&j, role, e);
		fputs("}\n", out);
	}
	*more = e != NULL;
}
