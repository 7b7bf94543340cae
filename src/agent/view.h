/* SPDX-License-Identifier: ISC */
/* view.h - networks, peers and events as JSON, as far as a role may see them; never a secret */
#ifndef ADIT_AGENT_VIEW_H
#define ADIT_AGENT_VIEW_H

#include "agent/agent.h"
#include "agent/jsonout.h"
#include "agent/rates.h"
#include "agent/roles.h"

/* Raised when a field changes its meaning or goes away; new ones may come at any time. */
#define AGENT_SCHEMA 1

struct agent_view {
	enum agent_role role;
	const struct agent_rates *rates; /* NULL: none */
	bool peers;
};

/* "peers":[...] */
void agent_view_peers(struct agent_json *j, const struct agent_view *v, const struct agent_snapshot *s);
/* Members of the object that is open: schema, version, generation, networks. network NULL: all. 0 or -ENOMEM. */
int agent_view_status(struct agent_json *j, const struct agent_view *v, struct agent *a,
		      struct agent_network *network);
void agent_view_event(struct agent_json *j, enum agent_role role, const struct agent_event *e);
/* What a role may read of a sentence: endpoints stand in some. */
const char *agent_view_why(enum agent_role role, const char *why, enum agent_reason reason);

#endif
