/* SPDX-License-Identifier: ISC */
/* network.c - a network's states, and what is to be seen of it */
#include "agent/network.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "tunnel/tunnel.h"

#define RETRY_FIRST (ADIT_SEC / 2)
#define RETRY_MOST  (30 * ADIT_SEC)

static const char *const names[AGENT_STATE_CNT] = {
	[AGENT_DOWN] = "down", [AGENT_RESOLVING] = "resolving", [AGENT_HANDSHAKING] = "handshaking",
	[AGENT_UP] = "up",     [AGENT_STALE] = "stale",         [AGENT_BLOCKED] = "blocked",
	[AGENT_ERROR] = "error",
};

const char *agent_state_name(enum agent_state state)
{
	assert((unsigned)state < AGENT_STATE_CNT);
	return names[state];
}

static void tell(struct agent_network *n, enum agent_state from)
{
	struct agent_event ev = { .kind = "state" };

	snprintf(ev.network, sizeof(ev.network), "%s", n->settings->name);
	snprintf(ev.state, sizeof(ev.state), "%s", agent_state_name(n->state));
	snprintf(ev.reason, sizeof(ev.reason), "%s", agent_reason_name(n->reason));
	if (from == n->state)
		snprintf(ev.text, sizeof(ev.text), "%s: %.200s", agent_state_name(n->state), n->why);
	else if (n->reason == AGENT_OK)
		snprintf(ev.text, sizeof(ev.text), "%s, was %s", agent_state_name(n->state), agent_state_name(from));
	else
		snprintf(ev.text, sizeof(ev.text), "%s, was %s: %.200s", agent_state_name(n->state),
			 agent_state_name(from), n->why);
	agent_event_add(&n->agent->events, &ev);
}

/* What is to be said when nothing is wrong. */
static const char *sentence(enum agent_state state, enum agent_reason reason)
{
	if (reason == AGENT_OK && state == AGENT_RESOLVING)
		return "names of endpoints are being looked up";
	if (reason == AGENT_OK && state == AGENT_HANDSHAKING)
		return "no peer has answered yet";
	return agent_reason_sentence(reason);
}

static void enter(struct agent_network *n, enum agent_state state, enum agent_reason reason, const char *fmt,
		  va_list ap)
{
	enum agent_state from = n->state;
	bool news = state != from || reason != n->reason;

	if (fmt)
		vsnprintf(n->why, sizeof(n->why), fmt, ap);
	else
		snprintf(n->why, sizeof(n->why), "%s", sentence(state, reason));
	n->state = state;
	n->reason = reason;
	if (state != from) {
		n->since = adit_tunnel_now();
		n->entered[state]++;
	}
	if (news)
		tell(n, from);
}

void network_enter(struct agent_network *n, enum agent_state state, enum agent_reason reason, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	enter(n, state, reason, fmt, ap);
	va_end(ap);
}

adit_time network_back_off(unsigned failures, uint32_t random)
{
	adit_time wait = RETRY_FIRST;

	for (unsigned i = 1; i < failures && wait < RETRY_MOST; i++)
		wait *= 2;
	if (wait > RETRY_MOST)
		wait = RETRY_MOST;
	return wait - wait / 4 + (adit_time)((double)wait / 2 * (random / (UINT32_MAX + 1.0)));
}

/* --- seeing --------------------------------------------------------------------- */

int agent_snapshot_take(struct agent_snapshot *ret, struct agent_network *n)
{
	int r = 0;

	memset(ret, 0, sizeof(*ret));
	ret->network = n;
	ret->now = adit_tunnel_now();
	if (n->impl)
		r = n->ops->snapshot(n, ret);
	if (r)
		agent_snapshot_free(ret);
	return r;
}

void agent_snapshot_free(struct agent_snapshot *s)
{
	for (size_t i = 0; i < s->peer_cnt; i++)
		free(s->peer[i].allowed);
	for (size_t i = 0; i < s->service_cnt; i++)
		free(s->service[i]);
	free(s->peer);
	free(s->service);
	memset(s, 0, sizeof(*s));
}
