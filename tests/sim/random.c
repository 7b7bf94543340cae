/* SPDX-License-Identifier: ISC */
/*
 * random.c - a random story: a few nodes, a bad link, an operator and an
 * attacker who do things at random moments. At the end the link heals, the
 * configuration is made whole, and everything must work again; then all fall
 * silent, and nothing may be due any more.
 */
#include <string.h>

#include "acts.h"
#include "world.h"

#define NODES_MAX 5

static void act_talk(struct world *w)
{
	unsigned a = acts_node(w), b = acts_other(w, a);

	for (int k = (int)rng_range(&w->rng, 1, 20); k > 0; k--) {
		flow_send(w, a, b, 1, 0);
		flow_send(w, b, a, 1, 0);
		world_run(w, rng_range(&w->rng, 0, 20 * ADIT_SEC));
	}
}

static void bad_link(struct world *w)
{
	if (acts_link(w) && rng_chance(&w->rng, 100))
		w->link.mtu = 600;
}

static void act_link(struct world *w)
{
	bool was_down = w->link.down;

	bad_link(w);
	w->link.down = !was_down && rng_chance(&w->rng, 200);
}

static void act_clock(struct world *w)
{
	struct node *n = &w->nodes[acts_node(w)];

	n->wall_step += rng_range(&w->rng, -400, 400) * 86400;
	if (n->wall_step > n->wall_top)
		n->wall_top = n->wall_step;
	sim_trace(w, "n%u: wall clock is off by %lld s", n->id, (long long)n->wall_step);
}

static void act_psk(struct world *w)
{
	unsigned a = acts_node(w), b = acts_other(w, a);
	uint64_t psk = rng_next(&w->rng);

	sim_trace(w, "n%u and n%u get another preshared key", a, b);
	if (node_peer(&w->nodes[a], b))
		node_psk(&w->nodes[a], b, psk);
	world_run(w, rng_range(&w->rng, 0, ADIT_SEC));
	if (node_peer(&w->nodes[b], a))
		node_psk(&w->nodes[b], a, psk);
}

/* An operator takes a peer out and puts it back later, maybe without an endpoint. */
static void act_remove(struct world *w)
{
	unsigned a = acts_node(w), b = acts_other(w, a);

	if (!node_peer(&w->nodes[a], b))
		return;
	sim_trace(w, "n%u removes n%u", a, b);
	node_remove(&w->nodes[a], b);
	if (rng_chance(&w->rng, 700))
		world_run(w, rng_range(&w->rng, 0, 30 * ADIT_SEC));
	node_add(&w->nodes[a], b, rng_chance(&w->rng, 500));
}

static void act_key(struct world *w)
{
	unsigned a = acts_node(w);

	sim_trace(w, "n%u gets another private key", a);
	node_rekey(&w->nodes[a]);
}

static void act_restart(struct world *w)
{
	struct node *n = &w->nodes[acts_node(w)];

	if (n->wall_step < n->wall_top)
		return; /* its timestamps would fall, which no implementation survives */
	sim_trace(w, "n%u is switched off", n->id);
	node_stop(n);
	world_run(w, rng_range(&w->rng, 0, 60 * ADIT_SEC));
	node_start(n);
	for (unsigned i = 0; i < w->node_cnt; i++) {
		if (i != n->id)
			node_add(n, i, rng_chance(&w->rng, 700));
	}
}

static void act_down_up(struct world *w)
{
	struct node *n = &w->nodes[acts_node(w)];

	sim_trace(w, "n%u: interface down", n->id);
	while (adit_wg_down(n->wg, 1, w->now) > 0)
		;
	wire_forget_initiations(w, n->id);
	node_touch(n);
	world_run(w, rng_range(&w->rng, 0, 20 * ADIT_SEC));
	while (adit_wg_up(n->wg, 1, w->now) > 0)
		;
	node_touch(n);
}

static void act_garbage(struct world *w)
{
	uint8_t bytes[2000];
	unsigned to = acts_node(w);

	for (int k = 0; k < 20; k++) {
		static const size_t lengths[] = { 0, 1, 3, 4, 31, 32, 48, 64, 92, 148, 149, 1452 };
		size_t len = lengths[rng_below(&w->rng, sizeof(lengths) / sizeof(lengths[0]))];
		struct adit_path from = world_attacker(w, ADIT_PATH_UDP4);

		rng_fill(&w->rng, bytes, len);
		if (len >= 4)
			adit_put_le32(bytes, (uint32_t)rng_below(&w->rng, 6));
		if (len == 148 || len == 92)
			wire_mac1(w, bytes, len, w->nodes[to].pub);
		world_inject(w, to, &from, bytes, len, w->now);
	}
}

static void act_handshake(struct world *w)
{
	unsigned a = acts_node(w), b = acts_other(w, a);
	struct adit_wg_peer *peer = node_peer(&w->nodes[a], b);

	if (!peer)
		return;
	sim_trace(w, "n%u is asked for a handshake with n%u", a, b);
	adit_wg_peer_handshake(w->nodes[a].wg, peer, w->now);
	node_touch(&w->nodes[a]);
}

static void act_keepalive(struct world *w)
{
	unsigned a = acts_node(w), b = acts_other(w, a);
	struct adit_wg_peer *peer = node_peer(&w->nodes[a], b);

	if (!peer)
		return;
	adit_wg_peer_set_keepalive(w->nodes[a].wg, peer, (uint16_t)rng_below(&w->rng, 60), w->now);
	node_touch(&w->nodes[a]);
}

static void act_endpoint(struct world *w)
{
	unsigned a = acts_node(w), b = acts_other(w, a);

	if (node_peer(&w->nodes[a], b))
		node_endpoint(&w->nodes[a], b, (int)rng_below(&w->rng, 2));
}

static void act_overload(struct world *w)
{
	struct node *n = &w->nodes[acts_node(w)];

	n->work_max = rng_chance(&w->rng, 500) ? WORK_ALL : (int)rng_range(&w->rng, 1, 4);
}

static void act_wait(struct world *w)
{
	world_run(w, rng_range(&w->rng, 0, 200 * ADIT_SEC));
}

static void (*const acts[])(struct world *w) = {
	acts_send, acts_send, acts_send, acts_send, act_talk, act_talk, act_talk, act_link, act_link, acts_roam,
	act_clock, act_psk, act_remove, act_key, act_restart, act_down_up, acts_replay, acts_replay, act_garbage,
	acts_spoof, act_handshake, act_keepalive, act_endpoint, act_overload, act_wait,
};

/* Everything right again. */
static void heal(struct world *w)
{
	w->link = (struct link_quality){ .delay = 20 * ADIT_MSEC };
	sim_trace(w, "the link heals");
	for (unsigned a = 0; a < w->node_cnt; a++) {
		struct node *n = &w->nodes[a];

		n->work_max = WORK_ALL;
		for (unsigned b = 0; b < w->node_cnt; b++) {
			if (a == b)
				continue;
			if (!node_peer(n, b))
				node_add(n, b, true);
			node_endpoint(n, b, 0);
			node_psk(n, b, 0);
			adit_wg_peer_set_keepalive(n->wg, node_peer(n, b), 0, w->now);
			node_touch(n);
		}
	}
}

static void talk(struct world *w, unsigned seconds)
{
	for (unsigned k = 0; k < seconds; k++) {
		for (unsigned a = 0; a < w->node_cnt; a++) {
			for (unsigned b = 0; b < w->node_cnt; b++) {
				if (a != b)
					flow_send(w, a, b, 1, 100);
			}
		}
		world_run(w, ADIT_SEC);
	}
}

static void check_recovered(struct world *w)
{
	adit_time since;

	/* Slow case: a peer lost the session, 15 s of silence tell the other, a
	 * cookie costs 5 s, and the limit of an initiation per 5 s another 5. */
	talk(w, 45);
	since = w->now;
	talk(w, 5);
	world_run(w, ADIT_SEC);
	for (unsigned a = 0; a < w->node_cnt; a++) {
		for (unsigned b = 0; b < w->node_cnt; b++) {
			if (a != b && flow_missing(w, a, b, since) > 0)
				sim_fail(w, "45 s after the link healed n%u still cannot reach n%u", a, b);
		}
	}
}

static void check_silence(struct world *w)
{
	adit_time end = w->now + 60 * ADIT_SEC;

	world_run(w, 1000 * ADIT_SEC);
	EXPECT(w, w->last_sent < end);
	for (unsigned a = 0; a < w->node_cnt; a++) {
		struct adit_wg_stats stats;

		if (w->nodes[a].deadline != ADIT_NEVER)
			sim_fail(w, "n%u is idle and yet has a deadline in %.3f s", a,
				 (double)(w->nodes[a].deadline - w->now) / 1e9);
		adit_wg_stats(w->nodes[a].wg, &stats, w->now);
		EXPECT_INT(w, stats.sessions, ==, 0);
		EXPECT_INT(w, stats.staged_bytes, ==, 0);
		EXPECT_INT(w, stats.handshake_queue, ==, 0);
	}
}

void scenario_random(struct world *w)
{
	unsigned steps = (unsigned)rng_range(&w->rng, 5, 50);

	w->interleave = rng_chance(&w->rng, 400);
	w->coalesce = rng_chance(&w->rng, 700);
	w->ordered = rng_chance(&w->rng, 300);
	w->capture = true;
	world_nodes(w, rng_chance(&w->rng, 600) ? 2 : (unsigned)rng_range(&w->rng, 3, NODES_MAX));
	for (unsigned a = 0; a < w->node_cnt; a++) {
		for (unsigned b = 0; b < a; b++)
			world_pair(w, a, b);
	}
	bad_link(w);
	for (; steps > 0; steps--) {
		acts[rng_below(&w->rng, sizeof(acts) / sizeof(acts[0]))](w);
		world_run(w, rng_range(&w->rng, 0, rng_chance(&w->rng, 500) ? 100 * ADIT_MSEC : 30 * ADIT_SEC));
	}
	/* What an attacker who holds things up still has in hand: it could lead
	 * both ends astray, and nothing in the protocol brings them back. */
	world_run(w, 5 * ADIT_SEC);
	heal(w);
	check_recovered(w);
	check_silence(w);
}
