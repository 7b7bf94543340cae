/* SPDX-License-Identifier: ISC */
/* acts.c - what happens in every random story, whatever the core */
#include "acts.h"

#include <string.h>

unsigned acts_node(struct world *w)
{
	return (unsigned)rng_below(&w->rng, w->node_cnt);
}

unsigned acts_other(struct world *w, unsigned than)
{
	return (than + 1 + (unsigned)rng_below(&w->rng, w->node_cnt - 1)) % w->node_cnt;
}

bool acts_link(struct world *w)
{
	struct link_quality *l = &w->link;

	memset(l, 0, sizeof(*l));
	l->delay = rng_range(&w->rng, 0, 200 * ADIT_MSEC);
	if (w->ordered)
		l->delay = 20 * ADIT_MSEC; /* a shorter one would overtake what is on the way */
	if (rng_chance(&w->rng, 300))
		return false;
	l->loss = (unsigned)rng_below(&w->rng, 400);
	l->dup = (unsigned)rng_below(&w->rng, 300);
	l->corrupt = (unsigned)rng_below(&w->rng, 100);
	l->truncate = (unsigned)rng_below(&w->rng, 50);
	l->ce = (unsigned)rng_below(&w->rng, 200);
	l->reorder = w->ordered ? 0 : (unsigned)rng_below(&w->rng, 500);
	l->jitter = rng_range(&w->rng, 1, 3 * ADIT_SEC);
	return true;
}

void acts_send(struct world *w)
{
	unsigned a = acts_node(w);

	flow_send(w, a, acts_other(w, a), 1 + (unsigned)rng_below(&w->rng, rng_chance(&w->rng, 100) ? 200 : 8), 0);
}

void acts_roam(struct world *w)
{
	node_roam(&w->nodes[acts_node(w)]);
}

void acts_spoof(struct world *w)
{
	unsigned a = acts_node(w), b = acts_other(w, a), as = acts_other(w, a);

	if (as != b)
		flow_spoof(w, a, b, as);
}

void acts_replay(struct world *w)
{
	struct adit_path from = world_attacker(w, rng_chance(&w->rng, 500) ? ADIT_PATH_UDP4 : ADIT_PATH_UDP6);
	size_t cnt = rng_below(&w->rng, 200);

	if (w->ordered)
		return; /* what was lost would come late, and be right to come */
	sim_trace(w, "an attacker replays %zu datagrams", cnt);
	for (; cnt > 0 && w->captured_cnt > 0; cnt--)
		world_replay(w, w->captured[rng_below(&w->rng, w->captured_cnt)],
			     rng_chance(&w->rng, 500) ? &from : NULL, rng_chance(&w->rng, 300) ? 2 : 0,
			     w->now + rng_range(&w->rng, 0, ADIT_SEC));
}
