/* SPDX-License-Identifier: ISC */
/* scenario_config.c - what an operator does, roaming, restarts, and many peers */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "scenario.h"

/* Either end changes its address in the middle of traffic; the other follows what it hears. */
void scenario_roaming(struct world *w)
{
	struct adit_wg_peer_info info;
	adit_time moved;
	unsigned who;

	two_nodes(w);
	for (int k = 0; k < 6; k++) {
		talk_both(w, 0, 1, 5);
		who = (unsigned)rng_below(&w->rng, 2);
		node_roam(&w->nodes[who]);
		moved = w->now;
		talk_both(w, 0, 1, 10);
		EXPECT_INT(w, flow_missing(w, who, !who, moved), ==, 0);
		EXPECT_INT(w, flow_missing(w, !who, who, moved + ADIT_SEC), ==, 0);
		node_info(&w->nodes[!who], who, &info);
		EXPECT(w, world_owner(w, &info.endpoint) == who);
	}
	EXPECT_INT(w, w->nodes[0].sent[TYPE_INITIATION] + w->nodes[1].sent[TYPE_INITIATION], <=, 3);
	EXPECT_INT(w, w->nodes[0].events[ADIT_WG_ENDPOINT] + w->nodes[1].events[ADIT_WG_ENDPOINT], >=, 6);
}

/* Another preshared key: the session lives on; the next handshake needs it on both sides. */
void scenario_psk(struct world *w)
{
	adit_time since;
	uint64_t responses;

	two_nodes(w);
	node_psk(&w->nodes[0], 1, 7);
	node_psk(&w->nodes[1], 0, 7);
	talk_both(w, 0, 1, 20);
	EXPECT_ALL_ARRIVED(w, 0, 1, 0);
	node_psk(&w->nodes[1], 0, 8);
	responses = w->nodes[0].sent[TYPE_RESPONSE] + w->nodes[1].sent[TYPE_RESPONSE];
	talk_both(w, 0, 1, 90);
	EXPECT_ALL_ARRIVED(w, 0, 1, 0);
	EXPECT_INT(w, w->nodes[0].sent[TYPE_RESPONSE] + w->nodes[1].sent[TYPE_RESPONSE], ==, responses);
	talk_both(w, 0, 1, 120);
	since = w->now;
	talk_both(w, 0, 1, 20);
	world_run(w, 7 * ADIT_SEC);
	EXPECT_INT(w, flow_get(w, 0, 1)->cnt, >, 0);
	EXPECT(w, flow_missing(w, 0, 1, since) > 0 && flow_missing(w, 1, 0, since) > 0);
	EXPECT_INT(w, node_drops(&w->nodes[0], ADIT_DROP_bad_handshake) +
		   node_drops(&w->nodes[1], ADIT_DROP_bad_handshake), >, 0);
	node_psk(&w->nodes[0], 1, 8);
	talk_both(w, 0, 1, 12);
	since = w->now;
	talk_both(w, 0, 1, 5);
	EXPECT_ALL_ARRIVED(w, 0, 1, since);
	EXPECT_ALL_ARRIVED(w, 1, 0, since);
}

/* A peer is removed and added again under traffic of another, which does not notice. */
void scenario_remove_add(struct world *w)
{
	adit_time since;

	w->interleave = rng_chance(&w->rng, 500);
	world_nodes(w, 3);
	world_pair(w, 0, 1);
	world_pair(w, 0, 2);
	for (int k = 0; k < 10; k++) {
		flow_send(w, 1, 0, 5, 0);
		flow_send(w, 2, 0, 5, 0);
		talk_both(w, 0, 2, 1);
		flow_send(w, 1, 0, 5, 0);
		if (k % 2)
			world_run(w, 10 * ADIT_MSEC + rng_range(&w->rng, 0, ADIT_MSEC));
		node_remove(&w->nodes[0], 1);
		EXPECT(w, !node_peer(&w->nodes[0], 1));
		flow_send(w, 0, 1, 1, 0);
		talk_both(w, 0, 2, (unsigned)rng_range(&w->rng, 0, 3));
		node_add(&w->nodes[0], 1, rng_chance(&w->rng, 500));
	}
	EXPECT_INT(w, w->nodes[0].d.refused[ADIT_DROP_no_peer], ==, 10);
	EXPECT_ALL_ARRIVED(w, 2, 0, 0);
	EXPECT_ALL_ARRIVED(w, 0, 2, 0);
	talk_both(w, 1, 0, 25);
	since = w->now;
	talk_both(w, 1, 0, 5);
	EXPECT_ALL_ARRIVED(w, 1, 0, since);
}

/* A peer goes while trains of it are between begin and done: they come to nothing, and nothing breaks. */
void scenario_remove_begun(struct world *w)
{
	uint64_t sent;
	unsigned delivered;

	w->interleave = true;
	world_nodes(w, 2);
	world_pair(w, 0, 1);
	talk_both(w, 0, 1, 3);
	sent = w->nodes[0].sent[TYPE_DATA];
	flow_send(w, 0, 1, 70, 0);
	EXPECT_INT(w, w->nodes[0].d.pending, >, 0);
	node_remove(&w->nodes[0], 1);
	world_run(w, ADIT_SEC);
	EXPECT_INT(w, w->nodes[0].sent[TYPE_DATA], ==, sent);
	node_add(&w->nodes[0], 1, true);
	flow_send(w, 0, 1, 1, 0);
	world_run(w, 6 * ADIT_SEC);
	/* and inwards: stop the clock between begin and done */
	delivered = w->nodes[1].delivered;
	flow_send(w, 0, 1, 70, 0);
	while (w->nodes[1].d.pending == 0)
		world_run(w, 1000);
	node_remove(&w->nodes[1], 0);
	while (w->nodes[1].d.pending > 0)
		world_run(w, 1000);
	EXPECT_INT(w, w->nodes[1].delivered, ==, delivered);
	node_add(&w->nodes[1], 0, true);
	world_run(w, 25 * ADIT_SEC);
	flow_send(w, 0, 1, 1, 0);
	world_run(w, 6 * ADIT_SEC);
	EXPECT_INT(w, w->nodes[1].delivered, >, delivered);
}

/* A new private key: nothing more under the old one, a new handshake at once. */
void scenario_private_key(struct world *w)
{
	adit_time since;
	uint64_t sent;
	unsigned who;

	two_nodes(w);
	for (int k = 0; k < 5; k++) {
		talk_both(w, 0, 1, 2);
		who = (unsigned)rng_below(&w->rng, 2);
		node_rekey(&w->nodes[who]);
		since = w->now;
		flow_send(w, who, !who, 3, 0);
		world_run(w, ADIT_SEC);
		EXPECT_ALL_ARRIVED(w, who, !who, since);
		flow_send(w, !who, who, 3, 0);
		world_run(w, ADIT_SEC);
		EXPECT_ALL_ARRIVED(w, !who, who, since);
	}
	/* not even while the change is still working its way through the peers */
	sent = w->nodes[0].sent[TYPE_DATA];
	adit_wg_set_private_key(w->nodes[0].wg, (uint8_t[ADIT_KEY_LEN]){ 77 }, w->now);
	wire_forget_initiations(w, 0);
	flow_send(w, 0, 1, 3, 0);
	drive_finish(&w->nodes[0].d, w->now);
	EXPECT_INT(w, w->nodes[0].sent[TYPE_DATA], ==, sent);
	/* without an identity: silence; with it again: a session */
	adit_wg_set_private_key(w->nodes[0].wg, (uint8_t[ADIT_KEY_LEN]){ 0 }, w->now);
	while (adit_wg_private_key_continue(w->nodes[0].wg, 1, w->now) > 0)
		;
	node_touch(&w->nodes[0]);
	world_run(w, ADIT_SEC);
	sent = w->nodes[0].sent_bytes;
	flow_send(w, 0, 1, 3, 0);
	world_run(w, 10 * ADIT_SEC);
	EXPECT_INT(w, w->nodes[0].sent_bytes, ==, sent);
	adit_wg_set_private_key(w->nodes[0].wg, w->nodes[0].priv, w->now);
	while (adit_wg_private_key_continue(w->nodes[0].wg, 1, w->now) > 0)
		;
	wire_forget_initiations(w, 0);
	node_touch(&w->nodes[0]);
	since = w->now;
	flow_send(w, 0, 1, 1, 0);
	world_run(w, 6 * ADIT_SEC);
	EXPECT_ALL_ARRIVED(w, 0, 1, since);
}

/* Nobody is a peer of himself. */
void scenario_own_key(struct world *w)
{
	struct adit_wg_peer *peer;
	struct adit_wg_stats stats;
	uint8_t key[ADIT_KEY_LEN];
	struct node *n;

	two_nodes(w);
	n = &w->nodes[0];
	EXPECT_INT(w, adit_wg_peer_add(n->wg, &peer, n->pub, w->now), ==, -EADDRINUSE);
	EXPECT_INT(w, adit_wg_peer_add(n->wg, &peer, w->nodes[1].pub, w->now), ==, -EEXIST);
	talk_both(w, 0, 1, 2);
	flow_send(w, 0, 1, 3, 0);
	adit_wg_set_private_key(n->wg, w->nodes[1].priv, w->now);
	while (adit_wg_private_key_continue(n->wg, 1, w->now) > 0)
		;
	EXPECT(w, !node_peer(n, 1));
	EXPECT(w, adit_wg_private_key(n->wg, key) && !memcmp(key, w->nodes[1].priv, sizeof(key)));
	adit_wg_stats(n->wg, &stats, w->now);
	EXPECT_INT(w, stats.peers, ==, 0);
	EXPECT_INT(w, stats.sessions, ==, 0);
	node_touch(n);
	world_run(w, 100 * ADIT_SEC);
}

/* Down: silence, whatever comes; up: a persistent keepalive goes out by itself. */
void scenario_down_up(struct world *w)
{
	struct node *n;
	uint64_t sent;

	two_nodes(w);
	n = &w->nodes[0];
	talk_both(w, 0, 1, 3);
	adit_wg_peer_set_keepalive(n->wg, node_peer(n, 1), 30, w->now);
	while (adit_wg_down(n->wg, 1, w->now) > 0)
		;
	node_touch(n);
	EXPECT(w, !adit_wg_is_up(n->wg));
	drive_finish(&n->d, w->now);
	sent = n->sent_bytes;
	flow_send(w, 1, 0, 5, 0);
	flow_send(w, 0, 1, 1, 0);
	EXPECT_INT(w, n->d.refused[ADIT_DROP_interface_down], ==, 1);
	world_run(w, 60 * ADIT_SEC);
	EXPECT_INT(w, n->sent_bytes, ==, sent);
	EXPECT(w, n->deadline == ADIT_NEVER);
	EXPECT_INT(w, node_drops(n, ADIT_DROP_interface_down), >, 1);
	EXPECT_INT(w, node_drops(n, ADIT_DROP_unknown_index), ==, 0);
	while (adit_wg_up(n->wg, 1, w->now) > 0)
		;
	wire_forget_initiations(w, 0);
	node_touch(n);
	world_run(w, 6 * ADIT_SEC);
	EXPECT_INT(w, n->events[ADIT_WG_SESSION], >, 1);
}

/* One end restarts and has forgotten everything: 15 s of silence, at most, tell the other. */
void scenario_restart(struct world *w)
{
	struct node *n;
	adit_time since;

	two_nodes(w);
	n = &w->nodes[1];
	talk_both(w, 0, 1, 20);
	node_stop(n);
	world_run(w, rng_range(&w->rng, 20 * ADIT_MSEC, 5 * ADIT_SEC));
	node_start(n);
	node_add(n, 0, false); /* it cannot begin */
	for (int k = 0; k < 21; k++) {
		flow_send(w, 0, 1, 1, 0);
		world_run(w, ADIT_SEC);
	}
	since = w->now;
	talk_both(w, 0, 1, 5);
	EXPECT_ALL_ARRIVED(w, 0, 1, since);
	EXPECT_ALL_ARRIVED(w, 1, 0, since);
	EXPECT_INT(w, node_drops(n, ADIT_DROP_unknown_index), >, 0);
}

/* Another process takes over: a new core that knows the peer, and nothing else. */
static void successor(struct node *n)
{
	node_stop(n);
	node_start(n);
	node_add(n, !n->id, true);
}

static int export_session(struct node *n, const uint8_t key[ADIT_KEY_LEN], uint8_t buf[ADIT_WG_EXPORT_MAX])
{
	int len;

	drive_finish(&n->d, n->w->now);
	len = adit_wg_session_export(n->wg, node_peer(n, !n->id), key, buf, n->w->now);
	EXPECT(n->w, len > 0 && len <= ADIT_WG_EXPORT_MAX);
	return len;
}

/* The session is handed to a successor: no handshake, no packet twice, no counter twice. */
void scenario_export(struct world *w)
{
	uint8_t key[ADIT_KEY_LEN], buf[ADIT_WG_EXPORT_MAX];
	uint64_t initiations;
	size_t captured;
	struct node *n;
	int len;

	w->capture = true;
	two_nodes(w);
	rng_fill(&w->rng, key, sizeof(key));
	n = &w->nodes[rng_below(&w->rng, 2)];
	flow_send(w, 0, 1, 1, 0);
	world_run(w, ADIT_SEC);
	talk_both(w, 0, 1, 10);
	captured = w->captured_cnt;
	initiations = w->nodes[0].sent[TYPE_INITIATION] + w->nodes[1].sent[TYPE_INITIATION];
	len = export_session(n, key, buf);
	successor(n);
	EXPECT_INT(w, adit_wg_session_import(n->wg, key, buf, (size_t)len, w->now), ==, 0);
	EXPECT(w, adit_wg_session_import(n->wg, key, buf, (size_t)len, w->now) < 0);
	node_touch(n);
	for (size_t k = 0; k < captured; k++)
		world_replay(w, w->captured[k], NULL, 0, w->now);
	world_run(w, 100 * ADIT_MSEC);
	talk_both(w, 0, 1, 10);
	EXPECT_ALL_ARRIVED(w, 0, 1, 0);
	EXPECT_ALL_ARRIVED(w, 1, 0, 0);
	EXPECT_INT(w, w->nodes[0].sent[TYPE_INITIATION] + w->nodes[1].sent[TYPE_INITIATION], ==, initiations);
	for (size_t k = captured; k < w->captured_cnt; k++) { /* far ahead of all that the exporter could have sent */
		const struct datagram *d = w->captured[k];

		if (world_owner(w, &d->from) == n->id && d->bytes[0] == TYPE_DATA)
			EXPECT(w, adit_get_le64(d->bytes + 8) >> 32 > 0);
	}
}

/* What an import refuses, and that an exporter sends no more. */
void scenario_export_refused(struct world *w)
{
	uint8_t key[ADIT_KEY_LEN] = { 1 }, buf[ADIT_WG_EXPORT_MAX];
	struct node *n;
	uint64_t sent;
	size_t bad;
	int len;

	two_nodes(w);
	n = &w->nodes[0];
	EXPECT_INT(w, adit_wg_session_export(n->wg, node_peer(n, 1), key, buf, w->now), ==, -ENOENT);
	talk_both(w, 0, 1, 5);
	len = export_session(n, key, buf);
	sent = n->sent[TYPE_DATA];
	flow_send(w, 0, 1, 1, 0);
	drive_finish(&n->d, w->now);
	EXPECT_INT(w, n->sent[TYPE_DATA], ==, sent);
	node_stop(n);
	node_start(n);
	EXPECT_INT(w, adit_wg_session_import(n->wg, key, buf, (size_t)len, w->now), ==, -ENOENT);
	node_add(n, 1, true);
	bad = rng_below(&w->rng, (uint64_t)len);
	buf[bad] ^= 4;
	EXPECT_INT(w, adit_wg_session_import(n->wg, key, buf, (size_t)len, w->now), ==, -EBADMSG);
	buf[bad] ^= 4;
	EXPECT_INT(w, adit_wg_session_import(n->wg, key, buf, bad, w->now), ==, -EBADMSG);
	key[0] ^= 1;
	EXPECT_INT(w, adit_wg_session_import(n->wg, key, buf, (size_t)len, w->now), ==, -EBADMSG);
	key[0] ^= 1;
	world_run(w, 181 * ADIT_SEC);
	EXPECT_INT(w, adit_wg_session_import(n->wg, key, buf, (size_t)len, w->now), ==, -ESTALE);
}

/* Several endpoints, one alive: initiations to all, the one that answers is it. */
void scenario_endpoints(struct world *w)
{
	struct adit_wg_peer *peer;
	struct adit_wg_peer_info info;
	unsigned dead = (unsigned)rng_range(&w->rng, 1, ADIT_WG_ENDPOINTS_MAX - 1);
	unsigned alive = (unsigned)rng_below(&w->rng, dead + 1);
	struct adit_path path;
	struct node *n;
	adit_time since;

	world_nodes(w, 2);
	n = &w->nodes[0];
	node_add(n, 1, false);
	node_add(&w->nodes[1], 0, false);
	flow_send(w, 0, 1, 1, 0);
	EXPECT_INT(w, n->d.refused[ADIT_DROP_no_endpoint], ==, 1);
	peer = node_peer(n, 1);
	for (unsigned k = 0; k <= dead; k++) {
		path = k == alive ? w->nodes[1].at[0] : world_attacker(w, ADIT_PATH_UDP4);
		EXPECT_INT(w, adit_wg_peer_add_endpoint(n->wg, peer, &path), ==, 0);
	}
	for (unsigned k = dead + 1; k < ADIT_WG_ENDPOINTS_MAX; k++) {
		path = world_attacker(w, ADIT_PATH_UDP4);
		EXPECT_INT(w, adit_wg_peer_add_endpoint(n->wg, peer, &path), ==, 0);
		dead++;
	}
	EXPECT_INT(w, adit_wg_peer_add_endpoint(n->wg, peer, &path), <=, 0);
	node_touch(n);
	world_run(w, ADIT_MSEC);
	since = w->now;
	w->link.down = true;
	flow_send(w, 0, 1, 1, 0);
	world_run(w, 2 * ADIT_SEC);
	EXPECT_INT(w, w->stray_type[TYPE_INITIATION], ==, dead);
	w->link.down = false;
	world_run(w, 5 * ADIT_SEC);
	EXPECT_INT(w, w->stray_type[TYPE_INITIATION], ==, 2 * dead);
	EXPECT_ALL_ARRIVED(w, 0, 1, since);
	talk_both(w, 0, 1, 10);
	EXPECT_ALL_ARRIVED(w, 1, 0, since);
	EXPECT_INT(w, w->stray_type[TYPE_DATA], ==, 0);
	node_info(n, 1, &info);
	EXPECT(w, adit_path_same_remote(&info.endpoint, &w->nodes[1].at[0]));
}

/* A prefix that is given to another peer moves there, for both directions. */
void scenario_allowed_moves(struct world *w)
{
	struct adit_prefix prefix, walk;
	struct node *n;
	const void *pos = NULL;

	w->interleave = rng_chance(&w->rng, 400);
	world_nodes(w, 3);
	n = &w->nodes[0];
	world_pair(w, 0, 1);
	world_pair(w, 0, 2);
	talk_both(w, 0, 1, 2);
	talk_both(w, 0, 2, 2);
	node_prefix(1, false, &prefix);
	EXPECT_INT(w, adit_wg_peer_allow(n->wg, node_peer(n, 2), &prefix), ==, 0);
	EXPECT(w, adit_wg_route(n->wg, &prefix.addr) == node_peer(n, 2));
	while (adit_wg_peer_allowed_next(node_peer(n, 1), &pos, &walk))
		EXPECT(w, walk.addr.family == 6);
	adit_wg_peer_disallow(n->wg, node_peer(n, 1), &prefix); /* not the owner any more: nothing happens */
	EXPECT(w, adit_wg_route(n->wg, &prefix.addr) == node_peer(n, 2));
	adit_wg_peer_disallow(n->wg, node_peer(n, 2), &prefix);
	EXPECT(w, !adit_wg_route(n->wg, &prefix.addr));
	EXPECT_INT(w, adit_wg_peer_allow(n->wg, node_peer(n, 1), &prefix), ==, 0);
	talk_both(w, 0, 1, 2);
	EXPECT_ALL_ARRIVED(w, 0, 1, 0);
	EXPECT_ALL_ARRIVED(w, 1, 0, 0);
	EXPECT_ALL_ARRIVED(w, 0, 2, 0);
}

static void hub(struct world *w, unsigned spokes)
{
	world_nodes(w, spokes + 1);
	for (unsigned k = 1; k <= spokes; k++) {
		node_add(&w->nodes[0], k, false);
		node_add(&w->nodes[k], 0, true);
	}
}

/* A hub and a hundred, over a lossy link, with rekeys; at the end all can talk both ways. */
void scenario_star(struct world *w)
{
	adit_time since;

	w->interleave = rng_chance(&w->rng, 400);
	hub(w, 100);
	w->link.loss = 50;
	for (int round = 0; round < 8; round++) {
		for (unsigned k = 1; k <= 100; k++) {
			flow_send(w, k, 0, 2, 200);
			world_run(w, 10 * ADIT_MSEC);
			if (w->nodes[0].events[ADIT_WG_SESSION] > 100)
				flow_send(w, 0, k, 2, 200);
		}
		world_run(w, 20 * ADIT_SEC);
	}
	w->link.loss = 0;
	world_run(w, 20 * ADIT_SEC);
	since = w->now;
	for (unsigned k = 1; k <= 100; k++)
		flow_send(w, k, 0, 1, 200);
	world_run(w, 20 * ADIT_SEC);
	for (unsigned k = 1; k <= 100; k++)
		flow_send(w, 0, k, 1, 200);
	world_run(w, 20 * ADIT_SEC);
	for (unsigned k = 1; k <= 100; k++) {
		EXPECT_ALL_ARRIVED(w, k, 0, since);
		EXPECT_ALL_ARRIVED(w, 0, k, since);
	}
}

/* Two thousand at once: all get in, though handshakes pile up. */
void scenario_many(struct world *w)
{
	unsigned cnt = 2000;

	hub(w, cnt);
	w->nodes[0].work_max = 64;
	for (unsigned k = 1; k <= cnt; k++)
		flow_send(w, k, 0, 1, 100);
	world_run(w, 12 * ADIT_SEC);
	EXPECT_INT(w, w->nodes[0].delivered, ==, cnt);
	EXPECT_INT(w, w->nodes[0].events[ADIT_WG_SESSION], ==, cnt);
}
