/* SPDX-License-Identifier: ISC */
/*
 * static_random.c - a random story of the static tunnel, in either format: a
 * bad link, an operator who restarts things, clocks that jump, peers that
 * move, and an attacker who replays, forges and floods. At the end all is
 * mended and must work; then all fall silent, and nothing may be due.
 */
#include <string.h>

#include "acts.h"
#include "static/device.h"
#include "world.h"

static void act_link(struct world *w)
{
	if (acts_link(w))
		w->link.down = rng_chance(&w->rng, 100);
}

static void act_talk(struct world *w)
{
	unsigned a = acts_node(w), b = acts_other(w, a);

	for (int k = (int)rng_range(&w->rng, 1, 20); k > 0; k--) {
		flow_send(w, a, b, 1, 0);
		if (rng_chance(&w->rng, 700))
			flow_send(w, b, a, 1, 0);
		world_run(w, rng_range(&w->rng, 0, 2 * ADIT_SEC));
	}
}

static void act_restart(struct world *w)
{
	struct node *n = &w->nodes[acts_node(w)];

	sim_trace(w, "n%u is switched off", n->id);
	node_stop(n);
	world_run(w, rng_range(&w->rng, 0, 20 * ADIT_SEC));
	node_start(n);
}

static void act_down_up(struct world *w)
{
	struct node *n = &w->nodes[acts_node(w)];

	sim_trace(w, "n%u: interface down", n->id);
	w->face->down(n->st, 1, node_now(n));
	static_wire_forget(n);
	node_touch(n);
	world_run(w, rng_range(&w->rng, 0, 20 * ADIT_SEC));
	w->face->up(n->st, 1, node_now(n));
	node_touch(n);
}

static void act_clock(struct world *w)
{
	struct node *n = &w->nodes[acts_node(w)];

	n->clock_step += rng_range(&w->rng, -40, 40) * (rng_chance(&w->rng, 500) ? 86400 * ADIT_SEC : 10 * ADIT_MSEC);
	if (node_now(n) < ADIT_SEC)
		n->clock_step = 0;
	sim_trace(w, "n%u: its clock is off by %.3f s", n->id, (double)n->clock_step / 1e9);
	static_wire_forget_hellos(n);
	node_touch(n);
}

/* Back to who sent it. */
static void act_reflect(struct world *w)
{
	for (size_t cnt = rng_below(&w->rng, 50); cnt > 0 && w->captured_cnt > 0; cnt--) {
		const struct datagram *d = w->captured[rng_below(&w->rng, w->captured_cnt)];
		unsigned to = world_owner(w, &d->from);

		if (to != UINT32_MAX)
			world_inject(w, to, &d->to, d->bytes, d->len, w->now);
	}
}

static void act_garbage(struct world *w)
{
	static const size_t lengths[] = { 0, 1, 3, 4, 15, 16, 28, 31, 32, 48, 99, 100, 101, 1452 };
	uint8_t bytes[2000];
	unsigned to = acts_node(w);

	for (int k = 0; k < 40; k++) {
		size_t len = lengths[rng_below(&w->rng, sizeof(lengths) / sizeof(lengths[0]))];
		struct adit_path from = rng_chance(&w->rng, 500) ? world_attacker(w, ADIT_PATH_UDP4)
								 : w->nodes[acts_other(w, to)].at[0];

		rng_fill(&w->rng, bytes, len);
		if (len >= 4)
			adit_put_le32(bytes, (uint32_t)rng_range(&w->rng, 0x20, 0x24));
		world_inject(w, to, &from, bytes, len, w->now);
	}
}

static void act_wait(struct world *w)
{
	world_run(w, rng_range(&w->rng, 0, 200 * ADIT_SEC));
}

static void (*const acts[])(struct world *w) = {
	acts_send, acts_send, acts_send, acts_send, act_talk, act_talk, act_talk, act_link, act_link, act_restart,
	act_restart, act_down_up, act_clock, act_clock, acts_roam, acts_replay, acts_replay, act_reflect, act_garbage,
	acts_spoof, act_wait,
};

static void talk_all(struct world *w, adit_time span)
{
	adit_time end = w->now + span;

	while (w->now < end) {
		for (unsigned a = 0; a < w->node_cnt; a++) {
			for (unsigned b = 0; b < w->node_cnt; b++) {
				if (a != b)
					flow_send(w, a, b, 1, 100);
			}
		}
		world_run(w, 250 * ADIT_MSEC);
	}
}

/* All are at home again and the link is good: 4 s later everything arrives; v1 has no word for "where are you", so
 * whoever was led astray goes home after the timeout. */
static void check_recovered(struct world *w)
{
	adit_time since;

	w->link = (struct link_quality){ .delay = 20 * ADIT_MSEC };
	for (unsigned a = 0; a < w->node_cnt; a++)
		memcpy(w->nodes[a].at, w->nodes[a].home, sizeof(w->nodes[a].at));
	sim_trace(w, "all is mended");
	talk_all(w, 4 * ADIT_SEC + (w->face == &adit_core_static_v1 ? 2 * w->timeout : 0));
	since = w->now;
	talk_all(w, 3 * ADIT_SEC);
	world_run(w, ADIT_SEC);
	for (unsigned a = 0; a < w->node_cnt; a++) {
		for (unsigned b = 0; b < w->node_cnt; b++) {
			if (a != b && flow_missing(w, a, b, since) > 0)
				sim_fail(w, "all is mended, and n%u still cannot reach n%u", a, b);
		}
	}
}

static void check_silence(struct world *w)
{
	adit_time end = w->now + 100 * ADIT_SEC;

	world_run(w, 1000 * ADIT_SEC);
	EXPECT(w, w->last_sent < end);
	for (unsigned a = 0; a < w->node_cnt; a++) {
		if (w->nodes[a].deadline != ADIT_NEVER)
			sim_fail(w, "n%u is idle and yet has a deadline in %.3f s", a,
				 (double)(w->nodes[a].deadline - w->now) / 1e9);
		EXPECT_INT(w, w->nodes[a].st->staging.bytes, ==, 0);
	}
}

void scenario_static_random(struct world *w)
{
	bool roaming = rng_chance(&w->rng, 500), v1 = rng_chance(&w->rng, 400);
	unsigned steps = (unsigned)rng_range(&w->rng, 5, 50);

	w->interleave = rng_chance(&w->rng, 400);
	w->coalesce = rng_chance(&w->rng, 700);
	w->capture = true;
	static_world(w, v1 ? &adit_core_static_v1 : &adit_core_static_v2,
		     rng_chance(&w->rng, 600) ? 2 : (unsigned)rng_range(&w->rng, 3, 5), roaming,
		     (v1 && roaming) || rng_chance(&w->rng, 500) ? rng_range(&w->rng, 3, 20) * ADIT_SEC : 0);
	act_link(w);
	for (; steps > 0; steps--) {
		acts[rng_below(&w->rng, sizeof(acts) / sizeof(acts[0]))](w);
		world_run(w, rng_range(&w->rng, 0, rng_chance(&w->rng, 500) ? 100 * ADIT_MSEC : 30 * ADIT_SEC));
	}
	world_run(w, 5 * ADIT_SEC); /* what the attacker still holds */
	check_recovered(w);
	check_silence(w);
}
