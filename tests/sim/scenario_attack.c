/* SPDX-License-Identifier: ISC */
/* scenario_attack.c - replay, garbage, floods and spoofing: nothing gets in, and little comes back */
#include <assert.h>
#include <string.h>

#include "scenario.h"

#define UNDER_LOAD 512 /* handshake messages that wait */

/* Says of a node what an attack must leave as it is. */
struct snapshot {
	unsigned delivered;
	struct adit_wg_peer_info info;
	uint64_t drops;
};

static struct snapshot snapshot(struct world *w, unsigned id)
{
	struct snapshot s = { .delivered = w->nodes[id].delivered, .drops = node_drops_all(&w->nodes[id]) };

	node_info(&w->nodes[id], !id, &s.info);
	return s;
}

static void expect_unmoved(struct world *w, unsigned id, const struct snapshot *s)
{
	struct snapshot now = snapshot(w, id);

	EXPECT_INT(w, now.delivered, ==, s->delivered);
	EXPECT(w, adit_path_equal(&now.info.endpoint, &s->info.endpoint));
	EXPECT_INT(w, now.info.last_handshake_at, ==, s->info.last_handshake_at);
	EXPECT_INT(w, now.info.last_rx_at, ==, s->info.last_rx_at);
	EXPECT_INT(w, now.info.rx_packets, ==, s->info.rx_packets);
	EXPECT_INT(w, now.info.tx_bytes, ==, s->info.tx_bytes);
}

/* Everything that was ever sent comes again: from its source, from another, with flipped bits. */
void scenario_replay(struct world *w)
{
	struct adit_path attacker;
	struct snapshot before[2];
	uint64_t sent;
	size_t cnt;

	w->capture = true;
	two_nodes(w);
	talk_both(w, 0, 1, 140); /* two sessions */
	world_run(w, 30 * ADIT_SEC);
	cnt = w->captured_cnt;
	sent = w->nodes[0].sent_bytes + w->nodes[1].sent_bytes;
	for (unsigned id = 0; id < 2; id++)
		before[id] = snapshot(w, id);
	for (int round = 0; round < 3; round++) {
		for (size_t k = 0; k < cnt; k++) {
			attacker = world_attacker(w, w->captured[k]->to.kind);
			world_replay(w, w->captured[k], round == 0 ? NULL : &attacker, round == 2, w->now);
			world_run(w, ADIT_MSEC / 10);
		}
	}
	world_run(w, ADIT_SEC);
	for (unsigned id = 0; id < 2; id++)
		expect_unmoved(w, id, &before[id]);
	/* each is counted, once */
	EXPECT_INT(w, node_drops_all(&w->nodes[0]) + node_drops_all(&w->nodes[1]), ==,
		   before[0].drops + before[1].drops + 3 * cnt);
	world_run(w, 300 * ADIT_SEC);
	EXPECT_INT(w, w->nodes[0].sent_bytes + w->nodes[1].sent_bytes, ==, sent);
	EXPECT_INT(w, w->stray_cnt, ==, 0);
}

/* An initiation that passes mac1 and nothing else. */
static void forge_initiation(struct world *w, unsigned to, uint8_t msg[148])
{
	rng_fill(&w->rng, msg, 148);
	adit_put_le32(msg, TYPE_INITIATION);
	memset(msg + 132, 0, 16);
	wire_mac1(w, msg, 148, w->nodes[to].pub);
}

/* Brings a node under load, within one instant. Returns the bytes it took. */
static size_t load(struct world *w, unsigned to)
{
	uint8_t msg[148];

	for (int k = 0; k < UNDER_LOAD + 50; k++) {
		struct adit_path from = world_attacker(w, ADIT_PATH_UDP4);

		forge_initiation(w, to, msg);
		world_inject(w, to, &from, msg, sizeof(msg), w->now);
	}
	return sizeof(msg) * (UNDER_LOAD + 50);
}

static const struct datagram *last_of_type(struct world *w, uint8_t type)
{
	for (size_t k = w->captured_cnt; k-- > 0;) {
		if (w->captured[k]->bytes[0] == type)
			return w->captured[k];
	}
	sim_fail(w, "no message of type %u was sent", type);
}

/* Under load a peer gets a cookie and uses it; the reply played again changes nothing. */
void scenario_replay_cookie(struct world *w)
{
	struct snapshot before;
	struct adit_path attacker;
	uint64_t unexpected;

	w->capture = true;
	world_nodes(w, 2);
	world_pair(w, 0, 1);
	w->nodes[1].work_max = 1;
	load(w, 1);
	world_run(w, ADIT_MSEC);
	flow_send(w, 0, 1, 1, 0);
	world_run(w, 100 * ADIT_MSEC);
	EXPECT_INT(w, w->nodes[1].sent[TYPE_RESPONSE], ==, 0);
	EXPECT_INT(w, last_of_type(w, TYPE_COOKIE)->len, ==, 64);
	EXPECT_INT(w, node_drops_all(&w->nodes[0]), ==, 0);
	world_replay(w, last_of_type(w, TYPE_COOKIE), NULL, 0, w->now); /* one mac1, one cookie */
	world_run(w, 50 * ADIT_MSEC);
	EXPECT_INT(w, node_drops(&w->nodes[0], ADIT_DROP_unexpected_cookie), ==, 1);
	/* still under load when it tries again, now with a cookie */
	world_run(w, 4750 * ADIT_MSEC);
	load(w, 1);
	world_run(w, 700 * ADIT_MSEC);
	EXPECT_INT(w, w->nodes[0].sent[TYPE_INITIATION], ==, 2);
	w->nodes[1].work_max = WORK_ALL;
	world_run(w, 5 * ADIT_SEC);
	EXPECT_INT(w, w->nodes[0].sent[TYPE_INITIATION], ==, 2);
	EXPECT_INT(w, w->nodes[1].delivered, ==, 1);
	world_run(w, 30 * ADIT_SEC);
	before = snapshot(w, 0);
	unexpected = node_drops(&w->nodes[0], ADIT_DROP_unexpected_cookie);
	for (size_t k = 0, cnt = w->captured_cnt; k < cnt; k++) {
		attacker = world_attacker(w, w->captured[k]->to.kind);
		if (w->captured[k]->bytes[0] == TYPE_COOKIE)
			world_replay(w, w->captured[k], &attacker, 0, w->now);
	}
	world_run(w, ADIT_SEC);
	expect_unmoved(w, 0, &before);
	EXPECT_INT(w, node_drops(&w->nodes[0], ADIT_DROP_unexpected_cookie), >, unexpected);
}

/* Random datagrams, some of them with a valid mac1: no reply, ever, and every one counted. */
void scenario_garbage(struct world *w)
{
	uint8_t bytes[1500];
	uint64_t sent, drops;
	unsigned cnt = 500;

	two_nodes(w);
	talk_both(w, 0, 1, 5);
	world_run(w, 25 * ADIT_SEC);
	sent = w->nodes[1].sent_bytes;
	drops = node_drops_all(&w->nodes[1]);
	for (unsigned k = 0; k < cnt; k++) {
		size_t len = (size_t)rng_range(&w->rng, 1, sizeof(bytes));
		struct adit_path from = world_attacker(w, ADIT_PATH_UDP4);

		rng_fill(&w->rng, bytes, len);
		if (len >= 4 && rng_chance(&w->rng, 800))
			adit_put_le32(bytes, (uint32_t)rng_below(&w->rng, 6));
		if (rng_chance(&w->rng, 300)) {
			len = 148;
			forge_initiation(w, 1, bytes);
			if (rng_chance(&w->rng, 300))
				bytes[rng_below(&w->rng, 16) + 116] ^= 1; /* mac1 */
		} else if (rng_chance(&w->rng, 300)) {
			len = 92;
			adit_put_le32(bytes, TYPE_RESPONSE);
			wire_mac1(w, bytes, len, w->nodes[1].pub);
		}
		world_inject(w, 1, &from, bytes, len, w->now);
		world_run(w, ADIT_MSEC);
	}
	world_run(w, 300 * ADIT_SEC);
	EXPECT_INT(w, w->stray_cnt, ==, 0);
	EXPECT_INT(w, w->nodes[1].sent_bytes, ==, sent);
	EXPECT_INT(w, node_drops_all(&w->nodes[1]), ==, drops + cnt);
}

/* A flood of initiations with valid mac1: cookies, fewer bytes out than in, data goes on, and a new peer gets in. */
void scenario_flood(struct world *w)
{
	uint64_t in = 0;
	uint8_t msg[148];
	adit_time since;
	struct adit_wg_stats stats;

	world_nodes(w, 3);
	world_pair(w, 0, 2);
	world_pair(w, 1, 2);
	talk_both(w, 0, 2, 3);
	w->nodes[2].work_max = 1; /* a thousand a second */
	since = w->now;
	for (int ms = 0; ms < 7000; ms++) {
		for (int k = 0; k < 3; k++) {
			struct adit_path from = world_attacker(w, ADIT_PATH_UDP4);

			forge_initiation(w, 2, msg);
			world_inject(w, 2, &from, msg, sizeof(msg), w->now);
			in += sizeof(msg);
		}
		if (ms == 500)
			flow_send(w, 1, 2, 1, 0);
		if (ms % 100 == 0) {
			flow_send(w, 0, 2, 2, 0);
			flow_send(w, 2, 0, 1, 0);
		}
		world_run(w, ADIT_MSEC);
	}
	EXPECT_ALL_ARRIVED(w, 0, 2, since);
	EXPECT_ALL_ARRIVED(w, 2, 0, since);
	EXPECT_ALL_ARRIVED(w, 1, 2, since);
	EXPECT_INT(w, w->stray_bytes, <=, in);
	EXPECT_INT(w, w->stray_type[TYPE_COOKIE], ==, w->stray_cnt);
	EXPECT_INT(w, w->stray_cnt, >, 1000);
	adit_wg_stats(w->nodes[2].wg, &stats, w->now);
	EXPECT(w, stats.under_load);
	EXPECT_INT(w, stats.handshake_queue, <=, 4096);
	world_run(w, 20 * ADIT_SEC);
	adit_wg_stats(w->nodes[2].wg, &stats, w->now);
	EXPECT(w, !stats.under_load);
	EXPECT_INT(w, stats.handshake_queue, ==, 0);
}

/* What an attacker who can receive at `from` does: takes the cookie out of the reply to msg. */
static void take_cookie(struct world *w, const struct datagram *reply, const uint8_t msg[148], uint8_t cookie[16])
{
	uint8_t key[ADIT_HASH_LEN];

	EXPECT_INT(w, reply->len, ==, 64);
	EXPECT_INT(w, adit_get_le32(reply->bytes + 4), ==, adit_get_le32(msg + 4));
	adit_hash(w->crypto, key, "cookie--", 8, w->nodes[0].pub, ADIT_KEY_LEN);
	EXPECT(w, adit_xaead_open(cookie, reply->bytes + 32, 32, msg + 116, 16, reply->bytes + 8, key));
}

static void ask_cookie(struct world *w, const struct adit_path *from, uint8_t cookie[16])
{
	uint8_t msg[148];

	forge_initiation(w, 0, msg);
	world_inject(w, 0, from, msg, sizeof(msg), w->now);
	world_run(w, 50 * ADIT_MSEC);
	for (size_t k = w->captured_cnt; k-- > 0;) {
		if (w->captured[k]->bytes[0] == TYPE_COOKIE && adit_path_same_remote(&w->captured[k]->to, from)) {
			take_cookie(w, w->captured[k], msg, cookie);
			return;
		}
	}
	sim_fail(w, "no cookie came");
}

static void inject_with_cookie(struct world *w, const struct adit_path *from, const uint8_t cookie[16], unsigned cnt)
{
	uint8_t msg[148];

	for (; cnt > 0; cnt--) {
		forge_initiation(w, 0, msg);
		adit_mac(w->crypto, msg + 132, cookie, 16, msg, 132, NULL, 0);
		world_inject(w, 0, from, msg, sizeof(msg), w->now);
	}
}

/* Under load: 5 at once and then 20 a second from one IPv4 address or one IPv6 /64, with a cookie; none without. */
void scenario_rate_limit(struct world *w)
{
	struct adit_path from[3] = { world_attacker(w, ADIT_PATH_UDP4), world_attacker(w, ADIT_PATH_UDP4), world_attacker(w, ADIT_PATH_UDP4) };
	uint8_t cookie[3][16];
	struct node *n;
	uint64_t bad, limited;

	w->capture = true;
	world_nodes(w, 1);
	n = &w->nodes[0];
	for (int i = 1; i < 3; i++) { /* two ends in one /64 */
		from[i].kind = ADIT_PATH_UDP6;
		memcpy(from[i].addr, (uint8_t[]){ 0x20, 1, 0xd, 0xb8, 1, 2, 3, 4, 0, 0, 0, (uint8_t)i, 7, 7, 7, 7 }, 16);
	}
	n->work_max = 10;
	load(w, 0);
	world_run(w, ADIT_MSEC);
	for (int i = 0; i < 3; i++)
		ask_cookie(w, &from[i], cookie[i]);
	n->work_max = WORK_ALL; /* under load for one more second */
	world_run(w, 300 * ADIT_MSEC);
	bad = node_drops(n, ADIT_DROP_bad_handshake);
	limited = node_drops(n, ADIT_DROP_rate_limited);
	inject_with_cookie(w, &from[0], cookie[0], 20);
	world_run(w, 10 * ADIT_MSEC);
	EXPECT_INT(w, node_drops(n, ADIT_DROP_bad_handshake) - bad, ==, 5);
	EXPECT_INT(w, node_drops(n, ADIT_DROP_rate_limited) - limited, ==, 15);
	inject_with_cookie(w, &from[1], cookie[1], 3);
	inject_with_cookie(w, &from[2], cookie[2], 17);
	world_run(w, 10 * ADIT_MSEC);
	EXPECT_INT(w, node_drops(n, ADIT_DROP_bad_handshake) - bad, ==, 10);
	EXPECT_INT(w, node_drops(n, ADIT_DROP_rate_limited) - limited, ==, 30);
	world_run(w, 100 * ADIT_MSEC);
	inject_with_cookie(w, &from[0], cookie[0], 10); /* two tokens, and a part of one, have come */
	world_run(w, 10 * ADIT_MSEC);
	EXPECT_INT(w, node_drops(n, ADIT_DROP_bad_handshake) - bad, ==, 12);
	/* a cookie belongs to address and port */
	from[0].port ^= 1;
	bad = node_drops(n, ADIT_DROP_cookie_required);
	inject_with_cookie(w, &from[0], cookie[0], 1);
	world_run(w, 10 * ADIT_MSEC);
	EXPECT_INT(w, node_drops(n, ADIT_DROP_cookie_required) - bad, ==, 1);
}

/* A peer may send only from addresses that are routed to it, the longest prefix deciding. */
void scenario_spoof(struct world *w)
{
	struct adit_prefix host;

	w->interleave = rng_chance(&w->rng, 400);
	world_nodes(w, 3);
	world_pair(w, 0, 1);
	world_pair(w, 2, 1);
	talk_both(w, 0, 1, 2);
	for (int k = 0; k < 10; k++)
		flow_spoof(w, 0, 1, 2);
	world_run(w, ADIT_SEC);
	EXPECT_INT(w, node_drops(&w->nodes[1], ADIT_DROP_source_not_allowed), ==, 10);
	/* another peer is given the very address that node 0 sends from */
	for (int v6 = 0; v6 < 2; v6++) {
		node_prefix(0, v6, &host);
		host.addr.bytes[v6 ? 15 : 3] = 1;
		host.len = v6 ? 128 : 32;
		EXPECT_INT(w, adit_wg_peer_allow(w->nodes[1].wg, node_peer(&w->nodes[1], 2), &host), ==, 0);
	}
	for (int k = 0; k < 10; k++)
		flow_spoof(w, 0, 1, 0);
	world_run(w, ADIT_SEC);
	EXPECT_INT(w, node_drops(&w->nodes[1], ADIT_DROP_source_not_allowed), ==, 20);
	EXPECT_ALL_ARRIVED(w, 0, 1, 0);
}

/* Two genuine initiations within 20 ms: the second is not worth a Diffie-Hellman. */
void scenario_initiation_flood(struct world *w)
{
	struct node *n;

	world_nodes(w, 2);
	world_pair(w, 0, 1);
	n = &w->nodes[0];
	flow_send(w, 0, 1, 1, 0);
	world_run(w, 5 * ADIT_MSEC);
	node_stop(n);
	n->wall_step++;
	node_start(n);
	node_add(n, 1, true);
	flow_send(w, 0, 1, 1, 0);
	world_run(w, 20 * ADIT_MSEC);
	EXPECT_INT(w, node_drops(&w->nodes[1], ADIT_DROP_initiation_flood), ==, 1);
	EXPECT_INT(w, w->nodes[1].sent[TYPE_RESPONSE], ==, 1);
	world_run(w, 6 * ADIT_SEC);
	EXPECT_INT(w, flow_missing(w, 0, 1, 0), ==, 1); /* what was staged before the restart */
}
