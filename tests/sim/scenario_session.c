/* SPDX-License-Identifier: ISC */
/* scenario_session.c - handshakes, keys, timers and order between two nodes */
#include <string.h>

#include "scenario.h"

#define JITTER (334 * ADIT_MSEC + 4 * ADIT_MSEC) /* of retransmissions, and a tick of the wheel */

void two_nodes(struct world *w)
{
	w->interleave = rng_chance(&w->rng, 400);
	world_nodes(w, 2);
	world_pair(w, 0, 1);
}

void talk_both(struct world *w, unsigned a, unsigned b, unsigned seconds)
{
	struct adit_wg_peer_info info;

	node_info(&w->nodes[a], b, &info);
	if (!info.has_session) { /* begin one after the other: scenario_simultaneous does otherwise */
		flow_send(w, a, b, 1, 0);
		world_run(w, ADIT_SEC);
	}
	for (unsigned k = 0; k < seconds; k++) {
		flow_send(w, a, b, 1 + (unsigned)rng_below(&w->rng, 3), 0);
		flow_send(w, b, a, 1, 0);
		world_run(w, ADIT_SEC);
	}
}

/* A link that keeps order: everything arrives, in order, through many rekeys. */
void scenario_order(struct world *w)
{
	w->ordered = true;
	two_nodes(w);
	flow_send(w, 0, 1, 1, 0);
	world_run(w, ADIT_SEC);
	for (int k = 0; k < 300; k++) {
		flow_send(w, 0, 1, (unsigned)rng_range(&w->rng, 1, 20), 0);
		if (rng_chance(&w->rng, 600))
			flow_send(w, 1, 0, (unsigned)rng_range(&w->rng, 1, 5), 0);
		world_run(w, rng_range(&w->rng, 0, 3 * ADIT_SEC));
	}
	world_run(w, 6 * ADIT_SEC);
	EXPECT_ALL_ARRIVED(w, 0, 1, 0);
	EXPECT_ALL_ARRIVED(w, 1, 0, 0);
	EXPECT_INT(w, node_drops_all(&w->nodes[0]), ==, 0);
	EXPECT_INT(w, node_drops_all(&w->nodes[1]), ==, 0);
}

/* Loss, duplicates, reordering, corruption, truncation; then it heals. */
void scenario_bad_link(struct world *w)
{
	struct adit_wg_peer_info info;
	adit_time since;

	two_nodes(w);
	w->link = (struct link_quality){ .loss = 200, .dup = 100, .reorder = 200, .corrupt = 50, .truncate = 20,
		.delay = 50 * ADIT_MSEC, .jitter = ADIT_SEC };
	talk_both(w, 0, 1, 400);
	w->link = (struct link_quality){ .delay = 10 * ADIT_MSEC };
	talk_both(w, 0, 1, 30);
	since = w->now;
	talk_both(w, 0, 1, 30);
	EXPECT_ALL_ARRIVED(w, 0, 1, since);
	EXPECT_ALL_ARRIVED(w, 1, 0, since);
	EXPECT_INT(w, flow_get(w, 0, 1)->delivered, >, flow_get(w, 0, 1)->cnt / 3);
	node_info(&w->nodes[1], 0, &info);
	EXPECT_INT(w, info.rx_lost, >, 0);
	EXPECT_INT(w, info.rx_reordered, >, 0);
	EXPECT_INT(w, info.rx_packets, >=, flow_get(w, 0, 1)->delivered);
}

/* Both ends begin at once, or nearly. */
void scenario_simultaneous(struct world *w)
{
	adit_time t = w->now;

	two_nodes(w);
	w->link.delay = rng_range(&w->rng, 0, 400 * ADIT_MSEC);
	flow_send(w, 0, 1, 1, 0);
	if (rng_chance(&w->rng, 500))
		world_run(w, rng_range(&w->rng, 0, 800 * ADIT_MSEC));
	flow_send(w, 1, 0, 1, 0);
	world_run(w, 3 * ADIT_SEC); /* crossing costs nothing: a few trips are enough */
	EXPECT_ALL_ARRIVED(w, 0, 1, t);
	EXPECT_ALL_ARRIVED(w, 1, 0, t);
	EXPECT_INT(w, w->nodes[0].sent[TYPE_INITIATION] + w->nodes[1].sent[TYPE_INITIATION], <=, 2);
}

/* Steady traffic: a new key every 120 s, made by who began, and no packet lost. */
void scenario_rotation(struct world *w)
{
	two_nodes(w);
	w->ordered = true;
	flow_send(w, 0, 1, 1, 100);
	world_run(w, ADIT_SEC);
	for (int k = 0; k < 1199; k++) {
		for (int ms = 0; ms < 60; ms += 6) { /* some are always on the way when the key changes */
			flow_send(w, 0, 1, 1, 100);
			flow_send(w, 1, 0, 1, 100);
			world_run(w, 6 * ADIT_MSEC);
		}
		world_run(w, 940 * ADIT_MSEC);
	}
	EXPECT_ALL_ARRIVED(w, 0, 1, 0);
	EXPECT_ALL_ARRIVED(w, 1, 0, 0);
	EXPECT_INT(w, w->nodes[0].sent[TYPE_INITIATION], ==, 10); /* at 0, 120 .. 1080 s, give or take a second */
	EXPECT_INT(w, w->nodes[1].sent[TYPE_INITIATION], ==, 0);
	EXPECT_INT(w, w->nodes[0].events[ADIT_WG_SESSION], ==, 10);
	EXPECT_INT(w, w->nodes[1].events[ADIT_WG_SESSION], ==, 10);
}

/* Ten pings count as the kernel counts them: UDP payload, handshakes included. */
void scenario_bytes(struct world *w)
{
	struct adit_wg_peer_info info;

	two_nodes(w);
	for (int k = 0; k < 10; k++) {
		flow_send_tos(w, 0, 1, 1, 84, 0);
		world_run(w, 100 * ADIT_MSEC);
		flow_send_tos(w, 1, 0, 1, 84, 0);
		world_run(w, 900 * ADIT_MSEC);
	}
	node_info(&w->nodes[0], 1, &info);
	EXPECT_INT(w, info.rx_bytes, ==, 92 + 10 * 128);
	EXPECT_INT(w, info.tx_bytes, ==, 148 + 10 * 128);
	EXPECT_INT(w, info.rx_packets, ==, 10);
	EXPECT_INT(w, info.rx_lost, ==, 0);
	EXPECT(w, info.last_handshake.sec >= 1700001000 && info.last_handshake.sec <= 1700001001);
	node_info(&w->nodes[1], 0, &info);
	EXPECT_INT(w, info.rx_bytes, ==, 148 + 10 * 128);
	EXPECT_INT(w, info.tx_bytes, ==, 92 + 10 * 128);
	flow_send_tos(w, 0, 1, 1, 96, 0); /* needs no padding */
	world_run(w, 100 * ADIT_MSEC);
	node_info(&w->nodes[1], 0, &info);
	EXPECT_INT(w, info.rx_bytes, ==, 148 + 11 * 128);
}

/* One packet: a handshake, the packet, one keepalive 10 s later; then silence, and no timer. */
void scenario_idle(struct world *w)
{
	two_nodes(w);
	flow_send(w, 0, 1, 1, 0);
	world_run(w, 2000 * ADIT_SEC);
	EXPECT_INT(w, w->nodes[0].sent[TYPE_INITIATION], ==, 1);
	EXPECT_INT(w, w->nodes[1].sent[TYPE_RESPONSE], ==, 1);
	EXPECT_INT(w, w->nodes[0].sent[TYPE_DATA], ==, 1);
	EXPECT_INT(w, w->nodes[1].sent[TYPE_DATA], ==, 1);
	EXPECT_INT(w, w->nodes[1].sent[TYPE_INITIATION], ==, 0);
	for (unsigned i = 0; i < 2; i++) {
		EXPECT(w, w->nodes[i].deadline == ADIT_NEVER);
		EXPECT_INT(w, w->nodes[i].events[ADIT_WG_EXPIRED], ==, 1);
		EXPECT_INT(w, node_drops_all(&w->nodes[i]), ==, 0);
	}
	/* three packets: a keepalive 10 s after the first, and one for those that came since */
	for (int k = 0; k < 3; k++) {
		flow_send(w, 0, 1, 1, 0);
		world_run(w, ADIT_SEC);
	}
	world_run(w, 2000 * ADIT_SEC);
	EXPECT_INT(w, w->nodes[0].sent[TYPE_DATA], ==, 1 + 3);
	EXPECT_INT(w, w->nodes[1].sent[TYPE_DATA], ==, 1 + 2);
	EXPECT(w, w->nodes[0].deadline == ADIT_NEVER && w->nodes[1].deadline == ADIT_NEVER);
}

static void set_keepalive(struct node *n, unsigned other, unsigned seconds)
{
	adit_wg_peer_set_keepalive(n->wg, node_peer(n, other), (uint16_t)seconds, n->w->now);
	node_touch(n);
}

/* Persistent keepalives: one at once, then one each interval of silence; the other end says nothing by itself. */
void scenario_persistent(struct world *w)
{
	uint64_t sent;

	two_nodes(w);
	set_keepalive(&w->nodes[0], 1, 25);
	world_run(w, ADIT_SEC);
	EXPECT_INT(w, w->nodes[0].sent[TYPE_INITIATION], ==, 1);
	EXPECT_INT(w, w->nodes[0].sent[TYPE_DATA], ==, 1);
	world_run(w, 99 * ADIT_SEC);
	EXPECT_INT(w, w->nodes[0].sent[TYPE_DATA], >=, 4);
	EXPECT_INT(w, w->nodes[0].sent[TYPE_DATA], <=, 5);
	EXPECT_INT(w, w->nodes[1].sent[TYPE_DATA], ==, 0);
	world_run(w, 900 * ADIT_SEC);
	sent = w->nodes[0].sent[TYPE_DATA];
	EXPECT_INT(w, sent, >=, 36);
	EXPECT_INT(w, sent, <=, 50); /* and one to confirm each new key */
	set_keepalive(&w->nodes[0], 1, 0);
	world_run(w, 1000 * ADIT_SEC);
	EXPECT_INT(w, w->nodes[0].sent[TYPE_DATA], <=, sent + 1);
	EXPECT(w, w->nodes[0].deadline == ADIT_NEVER);
}

/* Nobody answers: 20 initiations, a little more than 5 s apart, then what waited is dropped. */
void scenario_give_up(struct world *w)
{
	adit_time began = w->now;

	two_nodes(w);
	w->link.down = true;
	flow_send(w, 0, 1, 7, 100);
	world_run(w, 85 * ADIT_SEC);
	EXPECT_INT(w, w->nodes[0].events[ADIT_WG_GAVE_UP], ==, 0);
	world_run(w, 40 * ADIT_SEC);
	EXPECT_INT(w, w->nodes[0].events[ADIT_WG_GAVE_UP], ==, 1);
	EXPECT_INT(w, w->nodes[0].sent[TYPE_INITIATION], ==, 20);
	EXPECT(w, w->last_sent - began >= 19 * 5 * ADIT_SEC);
	EXPECT(w, w->last_sent - began <= 19 * (5 * ADIT_SEC + JITTER));
	EXPECT_INT(w, node_drops(&w->nodes[0], ADIT_DROP_handshake_gave_up), ==, 7);
	world_run(w, 1000 * ADIT_SEC);
	EXPECT_INT(w, w->nodes[0].sent[TYPE_INITIATION], ==, 20);
	EXPECT(w, w->nodes[0].deadline == ADIT_NEVER);
	/* and a new packet begins anew */
	w->link.down = false;
	flow_send(w, 0, 1, 1, 100);
	world_run(w, ADIT_SEC);
	EXPECT_ALL_ARRIVED(w, 0, 1, w->now - 2 * ADIT_SEC);
}

/* Data that nothing answers for 15 s makes a handshake. */
void scenario_new_handshake(struct world *w)
{
	adit_time sent;

	two_nodes(w);
	talk_both(w, 0, 1, 20);
	w->link.down = true;
	sent = w->now;
	flow_send(w, 0, 1, 1, 100);
	world_run(w, 14 * ADIT_SEC + 990 * ADIT_MSEC);
	EXPECT_INT(w, w->nodes[0].sent[TYPE_INITIATION] + w->nodes[1].sent[TYPE_INITIATION], <=, 3);
	world_run(w, ADIT_SEC);
	EXPECT(w, w->last_sent - sent >= 15 * ADIT_SEC);
	EXPECT(w, w->last_sent - sent <= 15 * ADIT_SEC + JITTER);
	w->link.down = false;
	world_run(w, 6 * ADIT_SEC);
	sent = w->now;
	flow_send(w, 0, 1, 1, 100);
	world_run(w, ADIT_SEC);
	EXPECT_ALL_ARRIVED(w, 0, 1, sent);
}

/* While there is no session, the last 128 packets (no train of them split) wait; older ones are dropped and counted. */
void scenario_staged(struct world *w)
{
	struct adit_wg_stats stats;

	two_nodes(w);
	w->ordered = true;
	w->link.down = true;
	for (int k = 0; k < 100; k++)
		flow_send(w, 0, 1, 3, 1400);
	adit_wg_stats(w->nodes[0].wg, &stats, w->now);
	EXPECT_INT(w, stats.staged_bytes, >=, 126 * 1400); /* whole trains, of three packets */
	EXPECT_INT(w, stats.staged_bytes, <=, 131 * 2048);
	EXPECT_INT(w, stats.drops[ADIT_DROP_staged_full], >=, 300 - 131);
	EXPECT_INT(w, stats.drops[ADIT_DROP_staged_full], <=, 300 - 126);
	w->link.down = false;
	world_run(w, 6 * ADIT_SEC);
	EXPECT_INT(w, w->nodes[1].delivered, >=, 126);
	EXPECT_INT(w, w->nodes[1].delivered + stats.drops[ADIT_DROP_staged_full], ==, 300);
	EXPECT(w, flow_get(w, 0, 1)->items[299].arrived && !flow_get(w, 0, 1)->items[0].arrived);
	adit_wg_stats(w->nodes[0].wg, &stats, w->now);
	EXPECT_INT(w, stats.staged_bytes, ==, 0);
}

/* The wall clock jumps, either way: sessions live on, and the next handshake works. */
void scenario_clock_steps(struct world *w)
{
	static const int days[] = { 400, -400, -400, 800, -1000 };
	adit_time since = w->now;
	unsigned who;

	two_nodes(w);
	w->ordered = true;
	for (size_t k = 0; k < sizeof(days) / sizeof(days[0]); k++) {
		who = (unsigned)rng_below(&w->rng, 2);
		w->nodes[who].wall_step += days[k] * 86400ll;
		talk_both(w, 0, 1, 150);
	}
	EXPECT_ALL_ARRIVED(w, 0, 1, since);
	EXPECT_ALL_ARRIVED(w, 1, 0, since);
	EXPECT_INT(w, node_drops(&w->nodes[0], ADIT_DROP_replayed_timestamp), ==, 0);
	EXPECT_INT(w, node_drops(&w->nodes[1], ADIT_DROP_replayed_timestamp), ==, 0);
	/* the one whose clock went back forgets the peer, who does not forget it */
	node_remove(&w->nodes[who], !who);
	node_add(&w->nodes[who], !who, true);
	since = w->now;
	flow_send(w, who, !who, 1, 0);
	world_run(w, 6 * ADIT_SEC);
	EXPECT_ALL_ARRIVED(w, who, !who, since);
}

/* Suspended for a while: data flows within 2 s of waking, with one initiation. */
void scenario_sleep(struct world *w)
{
	static const int seconds[] = { 30, 121, 200, 600, 100000 };
	adit_time since;
	uint64_t before;

	two_nodes(w);
	talk_both(w, 0, 1, 10);
	w->nodes[0].asleep = true;
	world_run(w, seconds[rng_below(&w->rng, 5)] * ADIT_SEC);
	w->nodes[0].asleep = false;
	node_touch(&w->nodes[0]);
	since = w->now;
	before = w->nodes[0].sent[TYPE_INITIATION];
	for (int k = 0; k < 20; k++) {
		flow_send(w, 0, 1, 1, 0);
		world_run(w, 100 * ADIT_MSEC);
	}
	world_run(w, 50 * ADIT_MSEC);
	EXPECT_ALL_ARRIVED(w, 0, 1, since);
	EXPECT_INT(w, w->nodes[0].sent[TYPE_INITIATION], <=, before + 1);
}

/* Congestion marks travel inwards, and a mark on a packet that cannot carry it drops it. */
void scenario_ecn(struct world *w)
{
	const struct datagram *d;

	two_nodes(w);
	w->capture = true;
	w->link.ce = 500;
	for (int k = 0; k < 200; k++) {
		flow_send_tos(w, 0, 1, 1 + (unsigned)rng_below(&w->rng, 3), 0, (uint8_t)rng_below(&w->rng, 256));
		world_run(w, 10 * ADIT_MSEC);
	}
	world_run(w, ADIT_SEC);
	EXPECT_ALL_ARRIVED(w, 0, 1, 0);
	w->link.down = true;
	flow_send_tos(w, 0, 1, 1, 100, 0);
	w->link.down = false;
	world_run(w, ADIT_MSEC);
	d = w->captured[w->captured_cnt - 1];
	EXPECT_INT(w, d->bytes[0], ==, TYPE_DATA);
	EXPECT_INT(w, d->tos, ==, 0);
	w->captured[w->captured_cnt - 1]->tos = 3;
	world_replay(w, d, NULL, 0, w->now);
	world_run(w, ADIT_SEC);
	EXPECT_ALL_ARRIVED(w, 0, 1, 0); /* marked, and not ECN-capable: delivered as it is */
}

/* Each of many datagrams counts once, in whatever order it comes, unless 8128 newer ones came before it. */
void scenario_window(struct world *w)
{
	unsigned total = (unsigned)(rng_chance(&w->rng, 500) ? rng_range(&w->rng, 8400, 9000) : rng_range(&w->rng, 100, 9000));
	unsigned late;
	size_t first, cnt;

	two_nodes(w);
	flow_send(w, 0, 1, 1, 40);
	world_run(w, ADIT_SEC);
	w->capture = true;
	w->link.down = true;
	first = w->captured_cnt;
	for (unsigned k = 0; k < total; k++)
		flow_send_tos(w, 0, 1, 1, 40, 0);
	world_run(w, ADIT_MSEC);
	w->link.down = false;
	cnt = w->captured_cnt - first;
	EXPECT_INT(w, cnt, ==, total);
	/* the newest first: it decides how many are late */
	world_replay(w, w->captured[first + cnt - 1], NULL, 0, w->now);
	world_run(w, ADIT_MSEC);
	for (size_t k = cnt - 1; k > 1; k--) {
		size_t other = rng_below(&w->rng, k);
		struct datagram *d = w->captured[first + other];

		w->captured[first + other] = w->captured[first + k - 1];
		w->captured[first + k - 1] = d;
	}
	for (int round = 0; round < 2; round++) {
		for (size_t k = 0; k < cnt; k++)
			world_replay(w, w->captured[first + k], NULL, 0, w->now);
		world_run(w, ADIT_SEC);
	}
	late = total > 8129 ? total - 8129 : 0;
	EXPECT_INT(w, flow_missing(w, 0, 1, 0), ==, late);
	EXPECT_INT(w, node_drops(&w->nodes[1], ADIT_DROP_replayed), ==, total + 1 + flow_missing(w, 0, 1, 0));
}

/* Segments carry no number of ours; what one can check alone is checked: lengths and the checksum of the header. */
static void deliver_segment(void *user, const uint8_t *packet, size_t len, uint8_t outer_tos)
{
	struct node *n = user;
	uint32_t sum = 0;

	(void)outer_tos;
	for (int i = 0; i < 20; i += 2)
		sum += adit_get_be16(packet + i);
	EXPECT_INT(n->w, sum % 0xffff, ==, 0);
	EXPECT_INT(n->w, adit_get_be16(packet + 2), ==, len);
	EXPECT_INT(n->w, adit_get_be16(packet + 24), ==, len - 20);
	n->delivered++;
}

static const struct drive_ops segment_ops = { .emit = world_emit, .deliver = deliver_segment };

/* A UDP super-packet arrives as its segments, whether a session is there or not. */
void scenario_super(struct world *w)
{
	struct adit_super s;
	uint8_t buf[20 + 8 + 30000] = { 0x45 };
	struct adit_wg_peer_info info;
	uint32_t payload = (uint32_t)rng_range(&w->rng, 1201, 30000);
	unsigned cnt = (payload + 1199) / 1200;
	uint64_t wire = (uint64_t)(payload / 1200) * (1232 + 32);

	if (payload % 1200)
		wire += (payload % 1200 + 28 + 15) / 16 * 16 + 32;
	two_nodes(w);
	if (rng_chance(&w->rng, 500)) {
		adit_wg_peer_handshake(w->nodes[0].wg, node_peer(&w->nodes[0], 1), w->now);
		node_touch(&w->nodes[0]);
		world_run(w, ADIT_SEC);
		wire += 32; /* the keepalive that confirmed the key */
	}
	buf[8] = 64;
	buf[9] = 17;
	memcpy(buf + 12, (uint8_t[]){ 10, 0, 0, 1, 10, 0, 1, 2 }, 8);
	memcpy(buf + 20, (uint8_t[]){ 0x30, 0x39, 0, 53 }, 4);
	adit_put_be16(buf + 2, (uint16_t)(28 + payload));
	adit_put_be16(buf + 24, (uint16_t)(8 + payload));
	rng_fill(&w->rng, buf + 28, payload);
	EXPECT_INT(w, adit_super_init(&s, buf, 28 + payload, ADIT_SUPER_UDP4, 20, 28, 1200), ==, 0);
	EXPECT_INT(w, s.cnt, ==, cnt);
	drive_out_super(&w->nodes[0].d, &s, w->now);
	node_touch(&w->nodes[0]);
	w->nodes[1].d.ops = &segment_ops;
	world_run(w, ADIT_SEC);
	EXPECT_INT(w, w->nodes[1].delivered, ==, cnt);
	node_info(&w->nodes[1], 0, &info);
	EXPECT_INT(w, info.rx_bytes, ==, 148 + wire);
}
