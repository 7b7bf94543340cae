/* SPDX-License-Identifier: ISC */
/* api_network.c - actions that connect and disconnect networks, and wait for them */
#include <string.h>

#include "agent/api.h"
#include "agent/view.h"

#define WAIT_DEFAULT_MS 30000
#define WAIT_MAX_MS     86400000 /* a day */

static void write_state(struct agent_json *j, enum agent_role role, const struct agent_network *n)
{
	agent_json_text(j, "network", n->settings->name);
	agent_json_text(j, "state", agent_state_name(n->state));
	agent_json_text(j, "reason", agent_reason_name(n->reason));
	agent_json_text(j, "why", agent_view_why(role, n->why, n->reason));
}

static int later(struct agent_call *c, enum agent_state state, int64_t timeout_ms, bool fail_on_error)
{
	if (!c->pending)
		return agent_call_fail(c, "unsupported", NULL, "nothing can be waited for here");
	c->pending->kind = AGENT_PENDING_STATE;
	c->pending->state = state;
	c->pending->fail_on_error = fail_on_error;
	c->pending->seen = c->agent->events.last;
	c->pending->deadline = c->now + timeout_ms * ADIT_MSEC;
	snprintf(c->pending->network, sizeof(c->pending->network), "%s", c->network->settings->name);
	return AGENT_API_LATER;
}

int agent_act_connect(struct agent_call *c)
{
	int64_t timeout_ms = WAIT_DEFAULT_MS;
	bool wait = false;
	char err[512] = "";
	int r;

	if (agent_call_bool(c, "wait", &wait) || agent_call_number(c, "timeout_ms", 1, WAIT_MAX_MS, &timeout_ms))
		return -1;
	r = agent_connect(c->agent, c->network, err, sizeof(err));
	if (r)
		return agent_call_errno(c, r, err);
	if (wait && c->network->state != AGENT_UP)
		return later(c, AGENT_UP, timeout_ms, true);
	write_state(c->j, c->role, c->network);
	return AGENT_API_DONE;
}

int agent_act_disconnect(struct agent_call *c)
{
	char err[512] = "";
	int r = agent_disconnect(c->agent, c->network, err, sizeof(err));

	if (r)
		return agent_call_errno(c, r, err);
	write_state(c->j, c->role, c->network);
	return AGENT_API_DONE;
}

int agent_act_wait(struct agent_call *c)
{
	static const char *const words[] = { "up", "down", NULL };
	int64_t timeout_ms = WAIT_MAX_MS;
	size_t word = 0;
	enum agent_state state;

	if (agent_call_word(c, "state", words, &word) ||
	    agent_call_number(c, "timeout_ms", 1, WAIT_MAX_MS, &timeout_ms))
		return -1;
	state = word ? AGENT_DOWN : AGENT_UP;
	if (c->network->state != state)
		return later(c, state, timeout_ms, false);
	write_state(c->j, c->role, c->network);
	return AGENT_API_DONE;
}

/* The caller reads the interface by himself (client_capture.c): here it is written down, and shown; and the session
 * tells him what he does not see there (capture.h). */
int agent_act_capture(struct agent_call *c)
{
	bool keylog = false;

	if (agent_call_bool(c, "keylog", &keylog))
		return -1;
	if (!c->pending)
		return agent_call_fail(c, "unsupported", NULL, "nothing can be captured here");
	if (!c->network->impl) /* it may have the name of an interface, for which its killswitch holds */
		return agent_call_fail(c, "not_connected", c->network->wanted ? "adit status says why" :
				       "adit connect starts it", "%s is %s", c->network->settings->name,
				       agent_state_name(c->network->state));
	if (!c->network->ifname[0])
		return agent_call_fail(c, "unsupported", "of type forward: adit forward --pcap", "%s has no interface",
				       c->network->settings->name);
	if (keylog && c->network->settings->type != AGENT_WIREGUARD)
		return agent_call_fail(c, "unsupported", NULL, "%s has no keys that a dissector reads: it is no WireGuard",
				       c->network->settings->name);
	*c->pending = (struct agent_pending){ .kind = AGENT_PENDING_CAPTURE, .keylog = keylog };
	snprintf(c->pending->network, sizeof(c->pending->network), "%s", c->network->settings->name);
	agent_json_text(c->j, "network", c->network->settings->name);
	agent_json_text(c->j, "interface", c->network->ifname);
	return AGENT_API_LATER;
}

static void refuse(FILE *out, const struct agent_pending *p, const struct agent_network *n, const char *code,
		   const char *what)
{
	char message[512];

	snprintf(message, sizeof(message), "%s is %s%s (%s)", p->network, agent_state_name(n->state), what,
		 agent_reason_name(n->reason));
	agent_api_refuse(out, p->id, code, true, message, agent_reason_sentence(n->reason));
}

bool agent_api_state_over(struct agent *a, const struct agent_pending *p, adit_time now, FILE *out)
{
	struct agent_network *n = agent_find(a, p->network);
	struct agent_json j = { .out = out };

	if (!n) {
		agent_api_refuse(out, p->id, "unknown_network", false, "the network was removed meanwhile", NULL);
	} else if (n->state == p->state) {
		agent_json_open(&j, NULL, '{');
		agent_json_raw(&j, "id", p->id);
		agent_json_bool(&j, "ok", true);
		agent_json_open(&j, "result", '{');
		write_state(&j, AGENT_ROLE_OBSERVER, n);
		agent_json_close(&j, '}');
		agent_json_close(&j, '}');
		fputc('\n', out);
	} else if (p->fail_on_error && (n->state == AGENT_ERROR || !n->wanted)) {
		refuse(out, p, n, "not_connected", n->wanted ? "" : ", somebody disconnected it");
	} else if (now >= p->deadline) {
		refuse(out, p, n, "timeout", " still");
	} else {
		return false;
	}
	return true;
}
