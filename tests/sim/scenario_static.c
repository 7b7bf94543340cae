/* SPDX-License-Identifier: ISC */
/* scenario_static.c - the static tunnel among restarts, jumping clocks, replays, floods and moves */
#include <string.h>

#include "scenario.h"
#include "static/message.h"

#define YEAR (365 * 24 * 3600 * ADIT_SEC)

/* A story that both formats tell. */
#define BOTH(story)                                             \
	void scenario_static_v1_##story(struct world *w)        \
	{                                                       \
		story(w, &adit_core_static_v1);                 \
	}                                                       \
	void scenario_static_v2_##story(struct world *w)        \
	{                                                       \
		story(w, &adit_core_static_v2);                 \
	}

static void pair(struct world *w, const struct adit_core *face, bool roaming, adit_time timeout)
{
	w->interleave = rng_chance(&w->rng, 400);
	static_world(w, face, 2, roaming, timeout);
}

static bool is_v2(const struct world *w)
{
	return w->face == &adit_core_static_v2;
}

/* Ten packets a second each way for so long, then what is on the way arrives. */
static void talk(struct world *w, adit_time span)
{
	adit_time end = w->now + span;

	while (w->now < end) {
		flow_send(w, 0, 1, 1 + (unsigned)rng_below(&w->rng, 3), 0);
		flow_send(w, 1, 0, 1, 0);
		world_run(w, 100 * ADIT_MSEC);
	}
	world_run(w, ADIT_SEC);
}

/* All is well again: whatever is sent from now on arrives. */
static void expect_well(struct world *w)
{
	adit_time since = w->now;

	talk(w, 3 * ADIT_SEC);
	EXPECT_ALL_ARRIVED(w, 0, 1, since);
	EXPECT_ALL_ARRIVED(w, 1, 0, since);
}

static uint64_t drops_all(struct node *n)
{
	uint64_t sum = 0;

	for (int i = 0; i < ADIT_DROP_CNT; i++)
		sum += static_node_drops(n, i);
	return sum;
}

static void order(struct world *w, const struct adit_core *face)
{
	w->ordered = true;
	pair(w, face, rng_chance(&w->rng, 500), 0);
	for (int k = 0; k < 300; k++) {
		flow_send(w, 0, 1, (unsigned)rng_range(&w->rng, 1, 20), 0);
		if (rng_chance(&w->rng, 600))
			flow_send(w, 1, 0, (unsigned)rng_range(&w->rng, 1, 5), 0);
		world_run(w, rng_range(&w->rng, 0, 3 * ADIT_SEC));
	}
	world_run(w, 6 * ADIT_SEC);
	EXPECT_ALL_ARRIVED(w, 0, 1, 0);
	EXPECT_ALL_ARRIVED(w, 1, 0, 0);
	EXPECT_INT(w, drops_all(&w->nodes[0]), ==, 0);
	EXPECT_INT(w, drops_all(&w->nodes[1]), ==, 0);
	if (is_v2(w)) /* silence is broken by keepalives, not by new sessions */
		EXPECT_INT(w, w->nodes[0].events[ADIT_STATIC_SESSION], <=, 2);
}
BOTH(order)

static void bad_link(struct world *w, const struct adit_core *face)
{
	struct adit_static_peer_info info;

	pair(w, face, rng_chance(&w->rng, 500), 0);
	w->link = (struct link_quality){ .loss = 200, .dup = 100, .reorder = 200, .corrupt = 50, .truncate = 20, .ce = 50,
		.delay = 50 * ADIT_MSEC, .jitter = ADIT_SEC };
	talk(w, 100 * ADIT_SEC);
	w->link = (struct link_quality){ .delay = 10 * ADIT_MSEC };
	talk(w, 3 * ADIT_SEC);
	expect_well(w);
	EXPECT_INT(w, flow_get(w, 0, 1)->delivered, >, flow_get(w, 0, 1)->cnt / 2);
	EXPECT_INT(w, static_node_drops(&w->nodes[1], ADIT_DROP_auth_failed), >, 0);
	info = static_node_info(&w->nodes[1], 0);
	EXPECT_INT(w, info.rx_packets, >=, flow_get(w, 0, 1)->delivered);
	EXPECT(w, (info.rx_lost > 0 && info.rx_reordered > 0) == is_v2(w));
	EXPECT(w, (static_node_drops(&w->nodes[1], ADIT_DROP_replayed) > 0) == is_v2(w));
}
BOTH(bad_link)

/* Either end starts anew, with whoever of them having something to say: two seconds later all arrives. */
static void restart(struct world *w, const struct adit_core *face)
{
	pair(w, face, rng_chance(&w->rng, 500), rng_chance(&w->rng, 500) ? 10 * ADIT_SEC : 0);
	w->link.delay = rng_range(&w->rng, 0, 300 * ADIT_MSEC);
	for (int k = 0; k < 20; k++) {
		unsigned down = (unsigned)rng_below(&w->rng, 2), from = (unsigned)rng_below(&w->rng, 2);
		adit_time end, since;

		if (rng_chance(&w->rng, 500))
			talk(w, ADIT_SEC);
		node_stop(&w->nodes[down]);
		if (rng_chance(&w->rng, 500))
			flow_send(w, !down, down, 3, 0);
		world_run(w, rng_chance(&w->rng, 500) ? 0 : rng_range(&w->rng, 0, 5 * ADIT_SEC));
		node_start(&w->nodes[down]);
		since = w->now + 2 * ADIT_SEC + 2 * w->link.delay;
		for (end = since + ADIT_SEC; w->now < end; world_run(w, 50 * ADIT_MSEC))
			flow_send(w, from, !from, 1, 0);
		world_run(w, ADIT_SEC);
		EXPECT_ALL_ARRIVED(w, from, !from, since);
	}
}
BOTH(restart)

/* A clock jumps by a year, either way, with or without a restart: it is nothing to go by. */
static void clock(struct world *w, const struct adit_core *face)
{
	pair(w, face, rng_chance(&w->rng, 500), rng_chance(&w->rng, 500) ? 10 * ADIT_SEC : 0);
	for (unsigned i = 0; i < 2; i++) { /* there must be something to go back to */
		node_stop(&w->nodes[i]);
		w->nodes[i].clock_step = 20 * YEAR;
		node_start(&w->nodes[i]);
	}
	talk(w, ADIT_SEC);
	for (int k = 0; k < 10; k++) {
		struct node *n = &w->nodes[rng_below(&w->rng, 2)];

		if (rng_chance(&w->rng, 300))
			node_stop(n);
		n->clock_step += rng_chance(&w->rng, 500) ? YEAR : -YEAR;
		if (!node_on(n))
			node_start(n);
		node_touch(n);
		talk(w, 2 * ADIT_SEC + 100 * ADIT_MSEC);
		expect_well(w);
	}
}
BOTH(clock)

/* Everything goes back to who sent it, as if the other had: nothing of it is delivered, all is counted. */
static void reflect(struct world *w, const struct adit_core *face)
{
	unsigned before[2];
	size_t cnt;

	w->capture = true;
	pair(w, face, rng_chance(&w->rng, 500), 0);
	talk(w, 2 * ADIT_SEC);
	cnt = w->captured_cnt;
	for (unsigned i = 0; i < 2; i++)
		before[i] = w->nodes[i].delivered;
	for (size_t i = 0; i < cnt; i++) {
		const struct datagram *d = w->captured[i];

		world_inject(w, world_owner(w, &d->from), &d->to, d->bytes, d->len, w->now);
	}
	world_run(w, 10 * ADIT_MSEC);
	EXPECT_INT(w, w->nodes[0].delivered, ==, before[0]);
	EXPECT_INT(w, w->nodes[1].delivered, ==, before[1]);
	EXPECT_INT(w, drops_all(&w->nodes[0]) + drops_all(&w->nodes[1]), ==, cnt);
	expect_well(w);
}
BOTH(reflect)

/* An attacker who has recorded everything plays it, in any order and from anywhere, through restarts of both ends.
 * That nothing is delivered twice is seen by flow_delivered. */
void scenario_static_v2_replay(struct world *w)
{
	uint64_t replayed = 0;

	w->capture = true;
	pair(w, &adit_core_static_v2, rng_chance(&w->rng, 500), 0);
	for (int k = 0; k < 10; k++) {
		struct adit_path from = world_attacker(w, ADIT_PATH_UDP4);
		size_t cnt;

		talk(w, ADIT_SEC);
		if (rng_chance(&w->rng, 500)) {
			struct node *n = &w->nodes[rng_below(&w->rng, 2)];

			node_stop(n);
			node_start(n);
		}
		cnt = w->captured_cnt;
		for (size_t i = 0; i < cnt; i++)
			world_replay(w, w->captured[rng_below(&w->rng, cnt)], rng_chance(&w->rng, 300) ? &from : NULL, 0,
				     w->now + rng_range(&w->rng, 0, 500 * ADIT_MSEC));
		world_run(w, ADIT_SEC);
		talk(w, 2 * ADIT_SEC + 100 * ADIT_MSEC);
		expect_well(w);
		for (unsigned i = 0; i < 2; i++)
			replayed += static_node_drops(&w->nodes[i], ADIT_DROP_replayed) +
				    static_node_drops(&w->nodes[i], ADIT_DROP_unknown_index);
	}
	EXPECT_INT(w, replayed, >, w->captured_cnt / 4);
}

/* What one flood datagram holds; half of those for v2 pretend to be a part of an exchange. */
static size_t noise(struct world *w, uint8_t *bytes, const struct datagram *hello)
{
	size_t len = (size_t)rng_range(&w->rng, 32, 1400);

	rng_fill(&w->rng, bytes, len);
	if (!is_v2(w))
		return len;
	adit_put_le32(bytes, (uint32_t)rng_range(&w->rng, STATIC_HELLO, STATIC_DATA));
	if (adit_get_le32(bytes) == STATIC_DATA)
		return len;
	if (rng_chance(&w->rng, 500))
		memcpy(bytes, hello->bytes, STATIC_EXCHANGE_LEN); /* an old one, which the node would answer */
	return STATIC_EXCHANGE_LEN;
}

/* A flood from everywhere: no answer (v1), never more bytes than came (v2), all counted, and the others go on talking. */
static void flood(struct world *w, const struct adit_core *face)
{
	enum { FLOOD = 20000 };
	uint64_t bytes_in = 0;
	adit_time since;

	w->capture = true;
	pair(w, face, rng_chance(&w->rng, 700), 0);
	flow_send(w, 0, 1, 1, 0);
	world_run(w, ADIT_SEC);
	w->capture = false;
	talk(w, ADIT_SEC);
	since = w->now;
	for (unsigned k = 0; k < FLOOD; k++) {
		struct adit_path from = world_attacker(w, ADIT_PATH_UDP4);
		uint8_t bytes[1500];
		size_t len = noise(w, bytes, w->captured[0]);

		bytes_in += len;
		world_inject(w, 1, &from, bytes, len, w->now + 2 * ADIT_SEC * k / FLOOD);
	}
	talk(w, 3 * ADIT_SEC);
	EXPECT_ALL_ARRIVED(w, 0, 1, since);
	EXPECT_ALL_ARRIVED(w, 1, 0, since);
	EXPECT(w, w->stray_bytes <= bytes_in);
	if (!is_v2(w) || !w->roaming)
		EXPECT_INT(w, w->stray_cnt, ==, 0);
	EXPECT_INT(w, drops_all(&w->nodes[1]) + w->nodes[1].answers, >=, FLOOD);
	EXPECT_INT(w, static_node_drops(&w->nodes[1], is_v2(w) ? ADIT_DROP_rate_limited : w->roaming
		? ADIT_DROP_unknown_limited : ADIT_DROP_unknown_source), >, 0);
}
BOTH(flood)

static struct adit_path endpoint_of(struct world *w)
{
	return static_node_info(&w->nodes[0], 1).endpoint;
}

/* A peer that moves is followed once it is heard; silent for the timeout it is stale, and looked for at home. */
static void roaming(struct world *w, const struct adit_core *face)
{
	struct adit_path home, away;

	pair(w, face, true, 20 * ADIT_SEC);
	talk(w, ADIT_SEC);
	home = endpoint_of(w);
	node_roam(&w->nodes[1]);
	flow_send(w, 0, 1, 1, 0);
	world_run(w, ADIT_SEC);
	away = endpoint_of(w);
	EXPECT(w, adit_path_same_remote(&home, &away)); /* nothing was heard from elsewhere yet */
	talk(w, 2 * ADIT_SEC);
	away = endpoint_of(w);
	EXPECT(w, !adit_path_same_remote(&home, &away) && world_owner(w, &away) == 1);
	expect_well(w);
	node_stop(&w->nodes[1]);
	world_run(w, 17 * ADIT_SEC); /* talk ends with a second of silence, or two */
	EXPECT(w, !static_node_info(&w->nodes[0], 1).stale);
	world_run(w, 4 * ADIT_SEC);
	EXPECT(w, static_node_info(&w->nodes[0], 1).stale);
	away = endpoint_of(w);
	EXPECT(w, adit_path_same_remote(&home, &away));
	EXPECT_INT(w, w->nodes[0].events[ADIT_STATIC_STALE], ==, 1);
	memcpy(w->nodes[1].at, w->nodes[1].home, sizeof(w->nodes[1].at));
	node_start(&w->nodes[1]);
	talk(w, 2 * ADIT_SEC);
	EXPECT(w, !static_node_info(&w->nodes[0], 1).stale);
	expect_well(w);
}
BOTH(roaming)

/* Without roaming an endpoint never moves. */
static void fixed(struct world *w, const struct adit_core *face)
{
	struct adit_path home, now;

	pair(w, face, false, 20 * ADIT_SEC);
	talk(w, ADIT_SEC);
	home = endpoint_of(w);
	node_roam(&w->nodes[1]);
	talk(w, 10 * ADIT_SEC);
	now = endpoint_of(w);
	EXPECT(w, adit_path_same_remote(&home, &now));
	EXPECT_INT(w, w->nodes[0].events[ADIT_STATIC_ENDPOINT], ==, 0);
	if (!is_v2(w))
		EXPECT_INT(w, static_node_drops(&w->nodes[0], ADIT_DROP_unknown_source), >, 50);
	memcpy(w->nodes[1].at, w->nodes[1].home, sizeof(w->nodes[1].at));
	talk(w, 2 * ADIT_SEC);
	expect_well(w);
}
BOTH(fixed)

/* A peer that sends as another one. */
static void spoof(struct world *w, const struct adit_core *face)
{
	static_world(w, face, 3, rng_chance(&w->rng, 500), 0);
	talk(w, ADIT_SEC);
	for (int k = 0; k < 20; k++)
		flow_spoof(w, 0, 1, 2);
	world_run(w, ADIT_SEC);
	EXPECT_INT(w, static_node_drops(&w->nodes[1], ADIT_DROP_source_not_allowed), ==, 20);
	expect_well(w);
}
BOTH(spoof)
