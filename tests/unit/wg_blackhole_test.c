/* SPDX-License-Identifier: ISC */
/* The black hole: TCP as it behaves on a path that swallows large datagrams, on one
 * that loses 5 %, and on a healthy one. */
#include "wg_lab.h"

#define SEC ADIT_SEC

static uint32_t seed = 3;
static uint32_t rnd(uint32_t n)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % n;
}

/* Sends one TCP segment of a's flow `port`; returns whether it left. */
static bool segment(struct lab_pair *p, uint16_t port, uint32_t seq, size_t len)
{
	static uint8_t wire[2048];
	struct adit_train t = { .wire = wire, .cnt = 1, .len = { (uint16_t)len } };
	uint8_t *packet = wire + ADIT_WG_HEAD;

	lab_packet(packet, "10.0.0.1", "10.0.0.2", len);
	packet[9] = 6;
	adit_put_be16(packet + 20, port);
	adit_put_be32(packet + 24, seq);
	t.stride = t.last_len = (uint32_t)adit_wg_wire_len(p->a->wg, len);
	if (adit_wg_out_begin(p->a->wg, &t, p->lab.now) != ADIT_SEAL)
		return false;
	lab_emit(p->a, &t);
	return true;
}

/* Delivers everything but datagrams above `most` bytes. */
static void link_turn(struct lab_pair *p, size_t most)
{
	for (bool more = true; more;) {
		more = false;
		for (unsigned i = 0; i < 2; i++) {
			struct lab_node *n = p->lab.node[i];

			while (n->out_cnt) {
				struct lab_msg m = lab_take(n);

				if (m.len <= most)
					lab_deliver_msg(&p->lab, n, &m);
				more = true;
			}
		}
		p->a->in_cnt = p->b->in_cnt = 0;
	}
}

static void pass(struct lab_pair *p, adit_time span, size_t most)
{
	adit_time end = p->lab.now + span;

	while (lab_deadline(&p->lab) <= end) {
		adit_time due = lab_deadline(&p->lab);

		lab_pass(&p->lab, due > p->lab.now ? due - p->lab.now : 0, false);
		link_turn(p, most);
	}
	lab_pass(&p->lab, end - p->lab.now, false);
}

static bool suspected(struct lab_pair *p)
{
	return lab_info(p->a, p->ab).black_hole;
}

/* A bulk sender's life on a path that swallows what is above `most` bytes:
 * an initial window, then the first segment again and again. Returns how long
 * it took until the suspicion, or -1 after 40 s. */
static adit_time stalled_flow(struct lab_pair *p, size_t most, adit_time first_timeout, size_t len)
{
	adit_time start = p->lab.now, timeout = first_timeout;

	for (uint32_t i = 0; i < 10; i++)
		segment(p, 5000, 1000 + i * 1380, len);
	while (p->lab.now - start < 40 * SEC) {
		adit_time end = p->lab.now + timeout;

		while (p->lab.now < end) { /* look ten times a second */
			pass(p, SEC / 10, most);
			if (suspected(p))
				return p->lab.now - start;
		}
		segment(p, 5000, 1000, len);
		link_turn(p, most);
		timeout *= 2;
	}
	return -1;
}

static void test_named_within_30_s(void **state)
{
	static const int timeouts[] = { 200, 300, 600, 1000, 1300 };

	(void)state;
	for (unsigned i = 0; i < sizeof(timeouts) / sizeof(timeouts[0]); i++) {
		struct lab_pair p;
		adit_time took;

		lab_pair_init(&p);
		lab_pair_connect(&p);
		took = stalled_flow(&p, 1312, timeouts[i] * ADIT_MSEC, 1420);
		if (took < 10 * SEC || took > 30 * SEC)
			fail_msg("first timeout %d ms: took %lld ms", timeouts[i], (long long)(took / ADIT_MSEC));
		/* another endpoint is another path */
		struct adit_path other = lab_path("203.0.113.1:1");
		wg_peer_heard(p.a->wg, p.ab, &other);
		assert_false(suspected(&p));
		lab_pair_fini(&p);
	}
}

/* Nobody answers at all: that is not a black hole, and small packets are not large. */
static void test_silence_is_not_suspected(void **state)
{
	struct lab_pair p;

	(void)state;
	lab_pair_init(&p);
	lab_pair_connect(&p);
	assert_int_equal(stalled_flow(&p, 0, 200 * ADIT_MSEC, 1420), -1);
	lab_pair_fini(&p);
	lab_pair_init(&p);
	lab_pair_connect(&p);
	assert_int_equal(stalled_flow(&p, 1312, 200 * ADIT_MSEC, 1000), -1); /* goes through: an inner host is dead */
	lab_pair_fini(&p);
}

/* Bulk on a link with loss: each lost segment is sent again after a while,
 * with pauses that double while it is lost again. */
static void lossy(unsigned percent, unsigned flows)
{
	struct lab_pair p;
	struct { uint32_t next; uint32_t lost; adit_time again, pause; } flow[4];

	lab_pair_init(&p);
	lab_pair_connect(&p);
	memset(flow, 0, sizeof(flow));
	for (unsigned step = 0; step < 12000; step++) { /* 120 s in steps of 10 ms */
		for (unsigned f = 0; f < flows; f++) {
			uint32_t seq = flow[f].lost ? flow[f].lost : flow[f].next + 1;

			if (flow[f].lost && p.lab.now < flow[f].again)
				continue;
			if (!segment(&p, (uint16_t)(5000 + f), seq, 1420))
				continue;
			if (rnd(100) < percent) {
				p.a->out_cnt--;
				flow[f].pause = flow[f].lost ? 2 * flow[f].pause : 200 * ADIT_MSEC;
				flow[f].lost = seq;
				flow[f].again = p.lab.now + flow[f].pause;
			} else {
				flow[f].lost = 0;
				flow[f].next = seq + 1380;
				lab_send(p.b, "10.0.0.2", "10.0.0.1", 52); /* the acknowledgement */
			}
		}
		link_turn(&p, 2000);
		pass(&p, 10 * ADIT_MSEC, 2000);
		assert_false(suspected(&p));
	}
	lab_pair_fini(&p);
}

static void test_loss_is_not_suspected(void **state)
{
	(void)state;
	lossy(0, 1);
	lossy(5, 1);
	lossy(5, 4);
	lossy(10, 4);
}

/* One inner host dies while another flow goes on: large datagrams do arrive. */
static void test_a_dead_host_beside_a_live_flow(void **state)
{
	struct wg_blackhole b = { 0 };
	uint8_t dead[60], live[60];
	adit_time now = 1000 * SEC, pause = SEC / 5, next = now;

	(void)state;
	lab_packet(dead, "10.0.0.1", "10.0.0.3", 60);
	lab_packet(live, "10.0.0.1", "10.0.0.2", 60);
	dead[9] = live[9] = 6;
	for (unsigned i = 0; i < 3000; i++, now += SEC / 100) {
		if (now >= next) {
			wg_blackhole_sent(&b, dead, 60, 1, now);
			next = now + pause;
			pause *= 2;
		}
		adit_put_be32(live + 24, i);
		wg_blackhole_sent(&b, live, 60, 3, now);
		if (wg_blackhole_ripe(&b))
			wg_blackhole_heard(&b, now + 1);
		assert_false(b.suspected);
	}
}

static void test_suspicion_ends(void **state)
{
	struct lab_pair p;

	(void)state;
	lab_pair_init(&p);
	lab_pair_connect(&p);
	assert_true(stalled_flow(&p, 1312, 200 * ADIT_MSEC, 1420) > 0);
	pass(&p, 60 * SEC, 1312); /* the flow gives up */
	assert_true(suspected(&p));
	for (unsigned i = 0; i < 400 && suspected(&p); i++) { /* the path is mended */
		segment(&p, 6000, i * 1380, 1420);
		link_turn(&p, 2000);
		pass(&p, 10 * ADIT_MSEC, 2000);
	}
	assert_false(suspected(&p));
	lab_pair_fini(&p);
}

/* IPv6, fragments, and what is not TCP. */
static void test_what_is_looked_at(void **state)
{
	struct wg_blackhole b = { 0 };
	uint8_t packet[80];

	(void)state;
	lab_packet(packet, "fd00::1", "fd00::2", 80);
	wg_blackhole_sent(&b, packet, 80, 1, SEC); /* UDP */
	assert_int_equal(b.sent, 0);
	packet[6] = 6;
	wg_blackhole_sent(&b, packet, 80, 1, SEC);
	wg_blackhole_sent(&b, packet, 80, 1, SEC);
	assert_int_equal(b.sent, 2);
	packet[47]++; /* another sequence number, while the first may still come */
	wg_blackhole_sent(&b, packet, 80, 1, SEC);
	assert_int_equal(b.sent, 2);
	wg_blackhole_sent(&b, packet, 80, 1, 10 * SEC); /* it did not */
	assert_int_equal(b.sent, 1);
	wg_blackhole_reset(&b);
	assert_int_equal(b.sent, 0);
	wg_blackhole_sent(&b, packet, 59, 1, SEC); /* no whole header */
	lab_packet(packet, "10.0.0.1", "10.0.0.2", 60);
	packet[9] = 6;
	packet[7] = 1; /* a later fragment */
	wg_blackhole_sent(&b, packet, 60, 1, SEC);
	assert_int_equal(b.sent, 0);
	packet[7] = 0;
	for (int i = 0; i < 300; i++)
		wg_blackhole_sent(&b, packet, 60, 1, SEC);
	assert_int_equal(b.sent, 255);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_named_within_30_s),
		cmocka_unit_test(test_silence_is_not_suspected),
		cmocka_unit_test(test_loss_is_not_suspected),
		cmocka_unit_test(test_a_dead_host_beside_a_live_flow),
		cmocka_unit_test(test_suspicion_ends),
		cmocka_unit_test(test_what_is_looked_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
