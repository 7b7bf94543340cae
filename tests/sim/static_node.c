/* SPDX-License-Identifier: ISC */
/* static_node.c - a node whose core is the static tunnel: a table of peers, given at every start */
#include <assert.h>
#include <string.h>

#include "scenario.h"

bool world_is_static(const struct world *w)
{
	return w->face == &adit_core_static_v1 || w->face == &adit_core_static_v2;
}

static void event(void *user, enum adit_static_event event, const struct adit_static_peer *peer)
{
	static const char *const names[] = {
		[ADIT_STATIC_SESSION] = "session",   [ADIT_STATIC_ENDPOINT] = "endpoint", [ADIT_STATIC_GAVE_UP] = "gave up",
		[ADIT_STATIC_STALE] = "stale",	     [ADIT_STATIC_BACK] = "back",	  [ADIT_STATIC_BAD] = "bad",
		[ADIT_STATIC_KEY_HALF] = "key half", [ADIT_STATIC_KEY_END] = "key end",
		[ADIT_STATIC_KEY_GRANT] = "key grant",
	};
	struct adit_static_peer_info info;
	struct node *n = user;
	char text[ADIT_PATH_STRLEN];

	adit_static_peer_info(peer, &info);
	n->events[event]++;
	sim_trace(n->w, "n%u event: %s, peer %02x%02x.., %s", n->id, names[event], info.public_key[0],
		  info.public_key[1], adit_path_format(&info.endpoint, text));
}

/* Where the other is configured to be, at both ends by the same family. */
static const struct adit_path *home(const struct node *n, unsigned other)
{
	return &n->w->nodes[other].home[(n->w->seed + n->id + other) & 1];
}

static void meet(struct node *n, unsigned other)
{
	struct world *w = n->w;
	struct adit_static_peer *peer;
	struct adit_prefix prefix;
	int r = adit_static_peer_add(n->st, &peer, w->nodes[other].pub, node_now(n));

	if (r == 0)
		r = adit_static_peer_set_endpoint(n->st, peer, home(n, other));
	for (int v6 = 0; v6 < 2 && r == 0; v6++) {
		node_prefix(other, v6, &prefix);
		r = adit_static_peer_allow(n->st, peer, &prefix);
	}
	if (r < 0)
		sim_fail(w, "n%u: cannot add peer %u: %d", n->id, other, r);
	if (w->face == &adit_core_static_v1)
		adit_static_v1_grant(n->st, peer, UINT64_MAX);
}

void static_node_start(struct node *n)
{
	struct world *w = n->w;
	void *core;

	assert(!node_on(n));
	if (w->face->create(&core, n, w->crypto, node_now(n)) < 0)
		sim_fail(w, "create");
	n->st = core;
	adit_static_on_event(n->st, event, n);
	adit_static_set_private_key(n->st, n->priv);
	adit_static_set_roaming(n->st, w->roaming);
	adit_static_set_peer_timeout(n->st, w->timeout, node_now(n));
	node_drive(n, n->st);
	for (unsigned i = 0; i < w->node_cnt; i++) {
		if (i != n->id && w->nodes[i].home[0].kind != ADIT_PATH_NONE)
			meet(n, i);
	}
	w->face->up(n->st, 1, node_now(n));
	node_touch(n);
}

void static_node_stop(struct node *n)
{
	drive_finish(&n->d, node_now(n));
	drive_fini(&n->d);
	adit_static_free(n->st);
	n->st = NULL;
	n->deadline = n->finish_at = n->work_at = ADIT_NEVER;
	static_wire_forget(n);
}

void static_world(struct world *w, const struct adit_core *face, unsigned cnt, bool roaming, adit_time timeout)
{
	w->face = face;
	w->roaming = roaming;
	w->timeout = timeout;
	world_nodes(w, cnt);
	for (unsigned a = 0; a < cnt; a++) {
		for (unsigned b = a + 1; b < cnt; b++)
			meet(&w->nodes[a], b); /* the later ones were not there when it started */
	}
}

struct adit_static_peer *static_node_peer(struct node *n, unsigned other)
{
	struct adit_static_peer_info info;
	struct adit_static_peer *peer;

	for (peer = adit_static_peer_next(n->st, NULL); peer; peer = adit_static_peer_next(n->st, peer)) {
		adit_static_peer_info(peer, &info);
		if (!memcmp(info.public_key, n->w->nodes[other].pub, ADIT_KEY_LEN))
			return peer;
	}
	return NULL;
}

struct adit_static_peer_info static_node_info(struct node *n, unsigned other)
{
	struct adit_static_peer_info info;

	adit_static_peer_info(static_node_peer(n, other), &info);
	return info;
}

uint64_t static_node_drops(struct node *n, enum adit_drop drop)
{
	struct adit_static_stats stats;

	adit_static_stats(n->st, &stats);
	return stats.drops[drop];
}
