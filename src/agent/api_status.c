/* SPDX-License-Identifier: ISC */
/* api_status.c - actions that look: hello, status, networks, peers, history, metrics */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/api.h"
#include "agent/metrics.h"
#include "agent/view.h"

int agent_act_hello(struct agent_call *c)
{
	agent_json_text(c->j, "product", "adit");
	agent_json_text(c->j, "version", ADIT_VERSION);
	agent_json_text(c->j, "api", "1.0");
	agent_json_number(c->j, "schema", AGENT_SCHEMA);
	agent_json_number(c->j, "generation", c->agent->generation);
	agent_json_number(c->j, "pid", (uint64_t)getpid());
	agent_json_text(c->j, "role", agent_role_name(c->role));
	agent_json_open(c->j, "actions", '[');
	for (const struct agent_action *a = agent_actions; a->name; a++)
		if (c->role >= a->role)
			agent_json_text(c->j, NULL, a->name);
	agent_json_close(c->j, ']');
	return AGENT_API_DONE;
}

static int status(struct agent_call *c, bool peers)
{
	const struct agent_view v = { .role = c->role, .rates = c->rates, .peers = peers };

	return agent_view_status(c->j, &v, c->agent, c->network) ? agent_call_errno(c, -ENOMEM, "no memory") :
								   AGENT_API_DONE;
}

int agent_act_status(struct agent_call *c)
{
	bool peers = true;

	return agent_call_bool(c, "peers", &peers) ? -1 : status(c, peers);
}

int agent_act_networks(struct agent_call *c)
{
	return status(c, false);
}

int agent_act_peers(struct agent_call *c)
{
	const struct agent_view v = { .role = c->role, .rates = c->rates };
	struct agent_snapshot s;

	if (agent_snapshot_take(&s, c->network))
		return agent_call_errno(c, -ENOMEM, "no memory");
	agent_json_number(c->j, "schema", AGENT_SCHEMA);
	agent_json_text(c->j, "network", c->network->settings->name);
	agent_json_text(c->j, "state", agent_state_name(c->network->state));
	agent_view_peers(c->j, &v, &s);
	agent_snapshot_free(&s);
	return AGENT_API_DONE;
}

static void history_of(struct agent_call *c, const char *name)
{
	struct agent_rate r[AGENT_HISTORY_POINTS];
	unsigned i;

	agent_rates_history(c->rates, name, c->now, r);
	agent_json_open(c->j, NULL, '{');
	agent_json_text(c->j, "name", name);
	agent_json_open(c->j, "rx", '[');
	for (i = 0; i < AGENT_HISTORY_POINTS; i++)
		agent_json_real(c->j, NULL, r[i].rx, 0);
	agent_json_close(c->j, ']');
	agent_json_open(c->j, "tx", '[');
	for (i = 0; i < AGENT_HISTORY_POINTS; i++)
		agent_json_real(c->j, NULL, r[i].tx, 0);
	agent_json_close(c->j, ']');
	agent_json_close(c->j, '}');
}

int agent_act_history(struct agent_call *c)
{
	agent_json_number(c->j, "schema", AGENT_SCHEMA);
	agent_json_number(c->j, "step_ms", AGENT_HISTORY_STEP / ADIT_MSEC);
	agent_json_open(c->j, "networks", '[');
	for (struct agent_network *n = c->network ? c->network : c->agent->networks; n; n = c->network ? NULL : n->next)
		history_of(c, n->settings->name);
	agent_json_close(c->j, ']');
	return AGENT_API_DONE;
}

int agent_act_metrics(struct agent_call *c)
{
	char *text;
	size_t len;
	int r = agent_metrics_text(c->agent, &text, &len);

	if (!r)
		agent_json_text(c->j, "text", text);
	free(text);
	return r ? agent_call_errno(c, r, "no memory") : AGENT_API_DONE;
}
