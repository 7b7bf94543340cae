/* SPDX-License-Identifier: ISC */
/* static_exchange_test.c - the static tunnel's v2: sessions, restarts, replays, silence */
#include "static_lab.h"

static void connect(struct lab *lab)
{
	lab_send(lab->node[1], 2, 1);
	lab_tick(lab);
	lab_flow(lab);
	assert_int_equal(lab_got(lab->node[2], 1), 1);
	assert_true(lab_info(lab->node[1], 2).has_session && lab_info(lab->node[2], 1).has_session);
}

static void start(struct lab *lab)
{
	lab_init(lab, ADIT_STATIC_V2, false, 0);
}

/* What waits for a session leaves in order, and both directions work. */
static void test_staged_in_order(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(lab_send_train(lab.node[1], 1, 2, 300, 8, 8 * i), ADIT_DROP_NONE);
	lab_tick(&lab);
	lab_flow(&lab);
	assert_int_equal(lab.node[2]->in_cnt, 80);
	for (unsigned i = 0; i < 80; i++)
		assert_int_equal(adit_get_be32(lab.node[2]->in[i].data + 20), i);
	lab_send(lab.node[2], 1, 500);
	lab_flow(&lab);
	assert_int_equal(lab_got(lab.node[1], 500), 1);
	lab_fini(&lab);
}

static void test_staged_is_bounded(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab);
	for (unsigned i = 0; i < 50; i++)
		lab_send_train(lab.node[1], 1, 2, 1000, 10, 10 * i);
	assert_int_equal(lab_drops(lab.node[1], ADIT_DROP_staged_full), 500 - 120);
	lab_tick(&lab);
	lab_flow(&lab);
	assert_int_equal(lab.node[2]->in_cnt, 120);
	assert_int_equal(lab_got(lab.node[2], 499), 1); /* the oldest made way */
	lab_fini(&lab);
}

static void test_refuses(void **state)
{
	struct lab_msg hello, answer, data, bad;
	struct lab lab;

	(void)state;
	start(&lab);
	lab_send(lab.node[1], 2, 1);
	lab_tick(&lab);
	hello = bad = lab_take(lab.node[1]);
	for (unsigned i = 0; i < hello.len; i++) {
		bad.data[i] ^= 0x40;
		lab_deliver_msg(&lab, &lab.node[1]->self, &bad);
		bad.data[i] ^= 0x40;
	}
	assert_int_equal(lab.node[2]->out_cnt, 0);
	assert_int_equal(lab_drops(lab.node[2], ADIT_DROP_bad_type), 4);
	assert_int_equal(lab_drops(lab.node[2], ADIT_DROP_unknown_peer), 8);
	assert_int_equal(lab_drops(lab.node[2], ADIT_DROP_bad_handshake), 88);
	lab_deliver(lab.node[1], hello.data, hello.len, &lab.node[2]->self, 0); /* reflected */
	assert_int_equal(lab_drops(lab.node[1], ADIT_DROP_unknown_peer), 1);
	lab_deliver_msg(&lab, &lab.node[1]->self, &hello);
	answer = lab_take(lab.node[2]);
	assert_true(answer.len <= hello.len);
	lab_deliver_msg(&lab, &lab.node[2]->self, &answer);
	lab_deliver_msg(&lab, &lab.node[2]->self, &answer); /* the same again */
	assert_int_equal(lab_drops(lab.node[1], ADIT_DROP_unexpected_response), 1);
	data = bad = lab_take(lab.node[1]);
	for (unsigned i = 0; i < data.len; i++) {
		bad.data[i] ^= 1;
		lab_deliver_msg(&lab, &lab.node[1]->self, &bad);
		bad.data[i] ^= 1;
	}
	assert_int_equal(lab_drops(lab.node[2], ADIT_DROP_auth_failed), data.len - 8);
	assert_int_equal(lab_drops(lab.node[2], ADIT_DROP_unknown_index), 4);
	for (bad.len = 1; bad.len < data.len; bad.len++)
		lab_deliver_msg(&lab, &lab.node[1]->self, &bad);
	assert_int_equal(lab.node[2]->in_cnt, 0);
	lab_deliver_msg(&lab, &lab.node[1]->self, &data);
	lab_deliver_msg(&lab, &lab.node[1]->self, &data);
	assert_int_equal(lab_got(lab.node[2], 1), 1);
	assert_int_equal(lab_drops(lab.node[2], ADIT_DROP_replayed), 1);
	lab_deliver(lab.node[1], data.data, data.len, &lab.node[2]->self, 0);
	assert_int_equal(lab.node[1]->in_cnt, 0);
	assert_int_equal(lab_send_train(lab.node[1], 3, 2, 100, 1, 9), ADIT_DROP_NONE);
	lab_flow(&lab);
	assert_int_equal(lab_drops(lab.node[2], ADIT_DROP_source_not_allowed), 1);
	assert_int_equal(lab_got(lab.node[2], 9), 0);
	lab_fini(&lab);
}

/* Everything of a first life, played again in the second one, delivers nothing. */
static void test_replay_after_restart(void **state)
{
	struct lab_msg seen[64];
	unsigned cnt = 0;
	struct lab lab;

	(void)state;
	start(&lab);
	lab_send(lab.node[1], 2, 1);
	lab_tick(&lab);
	for (unsigned i = 0; i < 20; i++) {
		while (lab.node[1]->out_cnt) {
			seen[cnt] = lab_take(lab.node[1]);
			lab_deliver_msg(&lab, &lab.node[1]->self, &seen[cnt++]);
		}
		while (lab.node[2]->out_cnt) {
			struct lab_msg m = lab_take(lab.node[2]);

			lab_deliver_msg(&lab, &lab.node[2]->self, &m);
		}
		lab_send(lab.node[1], 2, 100 + i);
	}
	assert_true(lab.node[2]->in_cnt >= 20);
	lab_start(lab.node[2]);
	lab.node[2]->in_cnt = 0;
	for (unsigned i = 0; i < cnt; i++)
		lab_deliver_msg(&lab, &lab.node[1]->self, &seen[i]);
	assert_int_equal(lab.node[2]->in_cnt, 0);
	assert_false(lab_info(lab.node[2], 1).has_session); /* an old hello alone makes none */
	assert_true(lab_drops(lab.node[2], ADIT_DROP_unknown_index) >= 20);
	lab_fini(&lab);
}

/* Old hellos, as many as one likes, leave a session that works alone. */
static void test_old_hellos(void **state)
{
	struct lab_msg hello[6], m;
	uint64_t in = 0, out = 0;
	struct lab lab;

	(void)state;
	start(&lab);
	for (unsigned i = 0; i < 6; i++) {
		lab_start(lab.node[1]);
		lab_send(lab.node[1], 2, 0);
		lab_tick(&lab);
		hello[i] = lab_take(lab.node[1]);
	}
	lab_start(lab.node[1]);
	connect(&lab);
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < 6; i++) {
			lab_deliver_msg(&lab, &lab.node[1]->self, &hello[i]);
			in += hello[i].len;
			while (lab.node[2]->out_cnt) {
				m = lab_take(lab.node[2]);
				out += m.len;
				lab_deliver_msg(&lab, &lab.node[2]->self, &m);
			}
		}
		lab_send(lab.node[1], 2, 10 + round);
		lab_send(lab.node[2], 1, 20 + round);
		lab_flow(&lab);
		assert_int_equal(lab_got(lab.node[2], 10 + round), 1);
		assert_int_equal(lab_got(lab.node[1], 20 + round), 1);
	}
	assert_true(out <= in && out > 0);
	assert_int_equal(lab.node[1]->events[ADIT_STATIC_SESSION], 1);
	assert_int_equal(lab.node[2]->events[ADIT_STATIC_SESSION], 1);
	/* one hello again and again is one session in the making, not four */
	for (unsigned i = 0; i < 10; i++)
		lab_deliver_msg(&lab, &lab.node[1]->self, &hello[5]);
	m = lab_take(lab.node[2]);
	while (lab.node[2]->out_cnt > 1)
		lab_take(lab.node[2]);
	assert_memory_equal(m.data, lab_take(lab.node[2]).data, m.len);
	lab_fini(&lab);
}

/* Who restarts, and who has something to say then. */
static void test_restart(void **state)
{
	(void)state;
	for (unsigned restarted = 1; restarted <= 2; restarted++) {
		for (unsigned talker = 1; talker <= 2; talker++) {
			struct lab lab;

			start(&lab);
			connect(&lab);
			lab_pass(&lab, 30 * ADIT_SEC, true);
			lab_start(lab.node[restarted]);
			for (unsigned i = 0; i < 20; i++) { /* ten a second */
				lab_send(lab.node[talker], 3 - talker, 1000 + i);
				lab_flow(&lab);
				lab_pass(&lab, 100 * ADIT_MSEC, true);
			}
			lab_send(lab.node[talker], 3 - talker, 2000);
			lab_flow(&lab);
			assert_int_equal(lab_got(lab.node[3 - talker], 2000), 1);
			lab_fini(&lab);
		}
	}
}

/* Data with an index that is not known any more is reason enough for a hello, without waiting. */
static void test_restart_at_once(void **state)
{
	struct adit_static_stats stats;
	struct lab lab;

	(void)state;
	start(&lab);
	connect(&lab);
	lab_start(lab.node[2]);
	lab_send(lab.node[1], 2, 5);
	lab_flow(&lab);
	for (unsigned i = 0; i < 2; i++) { /* the exchange, and the keepalive that confirms it */
		lab_tick(&lab);
		lab_flow(&lab);
	}
	adit_static_stats(lab.node[2]->st, &stats);
	assert_int_equal(stats.hellos_sent, 1);
	lab_send(lab.node[1], 2, 6);
	lab_flow(&lab);
	assert_int_equal(lab_got(lab.node[2], 6), 1);
	lab_fini(&lab);
}

/* A session in the making outlives three old hellos. */
static void test_old_hellos_meanwhile(void **state)
{
	struct lab_msg old[3], m;
	struct lab lab;

	(void)state;
	start(&lab);
	for (unsigned i = 0; i < 4; i++) {
		lab_start(lab.node[1]);
		lab_send(lab.node[1], 2, 7);
		lab_tick(&lab);
		m = lab_take(lab.node[1]);
		if (i < 3)
			old[i] = m;
	}
	lab_deliver_msg(&lab, &lab.node[1]->self, &m);
	m = lab_take(lab.node[2]);
	for (unsigned i = 0; i < 3; i++)
		lab_deliver_msg(&lab, &lab.node[1]->self, &old[i]);
	lab_deliver_msg(&lab, &lab.node[2]->self, &m);
	lab_flow(&lab);
	assert_int_equal(lab_got(lab.node[2], 7), 1);
	lab_fini(&lab);
}

/* The same where the one that restarted does not know where the other is now. */
static void test_restart_and_moved(void **state)
{
	struct adit_path moved = lab_path("198.51.100.7:99");
	struct lab lab;

	(void)state;
	lab_init(&lab, ADIT_STATIC_V2, true, 0);
	connect(&lab);
	lab.node[1]->self = moved;
	lab_send(lab.node[1], 2, 2);
	lab_flow(&lab);
	assert_int_equal(lab_got(lab.node[2], 2), 1);
	assert_true(adit_path_same_remote(&lab.node[2]->peer[1]->endpoint, &moved));
	assert_int_equal(lab.node[2]->events[ADIT_STATIC_ENDPOINT], 1);
	lab.node[1]->self = lab_path("192.0.2.1:1194"); /* what is configured ... */
	lab_start(lab.node[2]);
	lab.node[1]->self = moved; /* ... is not where it is */
	for (unsigned i = 0; i < 20; i++) {
		lab_send(lab.node[1], 2, 1000 + i);
		lab_pass(&lab, 100 * ADIT_MSEC, true);
	}
	lab_send(lab.node[1], 2, 2000);
	lab_flow(&lab);
	assert_int_equal(lab_got(lab.node[2], 2000), 1);
	lab_fini(&lab);
}

/* Data in one direction only is answered by keepalives, and no session is made anew. */
static void test_one_way(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab);
	connect(&lab);
	lab_pass(&lab, ADIT_SEC, true);
	for (unsigned i = 0; i < 200; i++) {
		lab_send(lab.node[1], 2, i);
		lab_flow(&lab);
		lab_pass(&lab, 50 * ADIT_MSEC, true);
	}
	lab_pass(&lab, 10 * ADIT_SEC, true);
	assert_int_equal(lab.node[1]->events[ADIT_STATIC_SESSION], 1);
	assert_true(lab_info(lab.node[2], 1).tx_packets <= 25); /* two a second */
	assert_true(lab_info(lab.node[2], 1).tx_packets >= 15);
	assert_int_equal(adit_static_deadline(lab.node[1]->st), ADIT_NEVER); /* and then there is silence */
	assert_int_equal(adit_static_deadline(lab.node[2]->st), ADIT_NEVER);
	lab_fini(&lab);
}

/* Both begin at once. */
static void test_crossing(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab);
	lab_send(lab.node[1], 2, 1);
	lab_send(lab.node[2], 1, 2);
	lab_tick(&lab);
	assert_int_equal(lab.node[1]->out_cnt, 1);
	assert_int_equal(lab.node[2]->out_cnt, 1);
	lab_flow(&lab);
	for (unsigned i = 0; i < 50; i++) {
		lab_send(lab.node[1], 2, 100 + i);
		lab_send(lab.node[2], 1, 200 + i);
		lab_flow(&lab);
	}
	assert_int_equal(lab.node[2]->in_cnt, 51);
	assert_int_equal(lab.node[1]->in_cnt, 51);
	lab_fini(&lab);
}

static void test_gives_up(void **state)
{
	struct adit_static_stats stats;
	struct lab lab;

	(void)state;
	start(&lab);
	lab_send(lab.node[1], 2, 1);
	lab_pass(&lab, 89 * ADIT_SEC, false);
	adit_static_stats(lab.node[1]->st, &stats);
	assert_in_range(stats.hellos_sent, 85, 90);
	assert_int_equal(lab.node[1]->events[ADIT_STATIC_GAVE_UP], 0);
	lab.node[1]->out_cnt = 0;
	lab_pass(&lab, 100 * ADIT_SEC, false);
	assert_int_equal(lab.node[1]->events[ADIT_STATIC_GAVE_UP], 1);
	assert_int_equal(lab_drops(lab.node[1], ADIT_DROP_handshake_gave_up), 1);
	assert_true(lab.node[1]->out_cnt <= 2);
	assert_int_equal(adit_static_deadline(lab.node[1]->st), ADIT_NEVER);
	lab.node[1]->out_cnt = 0;
	connect(&lab); /* the next packet begins anew */
	lab_fini(&lab);
}

static void test_roaming_and_stale(void **state)
{
	struct adit_path home = lab_path("192.0.2.1:1194"), moved = lab_path("198.51.100.7:99");
	struct lab_msg m;
	struct lab lab;

	(void)state;
	for (int roaming = 0; roaming < 2; roaming++) {
		lab_init(&lab, ADIT_STATIC_V2, roaming, 20 * ADIT_SEC);
		connect(&lab);
		lab_send(lab.node[1], 2, 2);
		m = lab_take(lab.node[1]);
		m.data[30] ^= 1;
		lab_deliver_msg(&lab, &moved, &m); /* not authentic: moves nothing */
		assert_true(adit_path_same_remote(&lab.node[2]->peer[1]->endpoint, &home));
		m.data[30] ^= 1;
		lab_deliver_msg(&lab, &moved, &m);
		assert_int_equal(lab_got(lab.node[2], 2), 1);
		assert_true(adit_path_same_remote(&lab.node[2]->peer[1]->endpoint, roaming ? &moved : &home));
		lab_pass(&lab, 19 * ADIT_SEC, false);
		assert_false(lab_info(lab.node[2], 1).stale);
		lab_pass(&lab, 2 * ADIT_SEC, false);
		assert_true(lab_info(lab.node[2], 1).stale);
		assert_true(adit_path_same_remote(&lab.node[2]->peer[1]->endpoint, &home));
		lab.node[1]->out_cnt = lab.node[2]->out_cnt = 0;
		lab_send(lab.node[1], 2, 3);
		lab_flow(&lab);
		assert_int_equal(lab.node[2]->events[ADIT_STATIC_BACK], 1);
		assert_false(lab_info(lab.node[2], 1).stale);
		lab_fini(&lab);
	}
}

/* Hellos from unknown sources are authenticated as far as their limit goes. */
static void test_hello_flood(void **state)
{
	struct adit_path strange = lab_path("198.51.100.7:99");
	struct lab_msg hello;
	struct lab lab;

	(void)state;
	start(&lab);
	lab_send(lab.node[1], 2, 1);
	lab_tick(&lab);
	hello = lab_take(lab.node[1]);
	for (unsigned i = 0; i < 100; i++)
		lab_deliver_msg(&lab, &strange, &hello);
	assert_int_equal(lab_drops(lab.node[2], ADIT_DROP_rate_limited), 90);
	assert_int_equal(lab.node[2]->out_cnt, 10);
	assert_true(adit_path_same_remote(&lab.node[2]->out[0].to, &lab.node[1]->self)); /* no roaming: there only */
	lab.node[2]->out_cnt = 0;
	for (unsigned i = 0; i < 100; i++)
		lab_deliver_msg(&lab, &lab.node[1]->self, &hello);
	assert_int_equal(lab.node[2]->out_cnt, 100); /* where it is known to be there is no limit */
	lab_fini(&lab);
}

static void test_down_and_up(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab);
	connect(&lab);
	adit_static_down(lab.node[2]->st, lab.now);
	lab_send(lab.node[1], 2, 5);
	lab_flow(&lab);
	assert_int_equal(lab_drops(lab.node[2], ADIT_DROP_interface_down), 1);
	adit_static_up(lab.node[2]->st, lab.now);
	lab_send(lab.node[2], 1, 6);
	lab_tick(&lab);
	lab_flow(&lab);
	assert_int_equal(lab_got(lab.node[1], 6), 1);
	lab_fini(&lab);
}

/* A session that leaves while a train is between begin and done. */
static void test_down_between(void **state)
{
	static uint8_t wire[2048];
	struct adit_train t;
	struct lab lab;

	(void)state;
	start(&lab);
	connect(&lab);
	memset(&t, 0, sizeof(t));
	t.wire = wire;
	t.cnt = 1;
	t.len[0] = 100;
	t.stride = t.last_len = (uint32_t)adit_static_wire_len(lab.node[1]->st, 100);
	lab_packet(wire + STATIC_V2_HEAD, 1, 2, 100, 9);
	assert_int_equal(adit_static_out_begin(lab.node[1]->st, &t, lab.now), ADIT_SEAL);
	adit_static_down(lab.node[1]->st, lab.now);
	adit_static_v2_seal(lab.node[1]->crypto, &t);
	adit_static_out_done(lab.node[1]->st, &t, lab.now);
	assert_int_equal(t.cnt, 0);
	assert_int_equal(t.drop, ADIT_DROP_interface_down);
	lab_fini(&lab);
}

/* --- a bad link ------------------------------------------------------------------------ */

static uint64_t dice(uint64_t *seed, uint64_t sides)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed % sides;
}

/* Loses, repeats, reorders, corrupts and replays; either end restarts now and then. */
static void bad_link(struct lab *lab, uint64_t *seed, struct lab_msg *old, unsigned steps)
{
	unsigned old_cnt = 0;

	for (unsigned i = 0; i < steps; i++) {
		unsigned from = 1 + (unsigned)dice(seed, 2);
		struct lab_node *n = lab->node[from];

		lab_send(n, 3 - from, from << 16 | i);
		lab_pass(lab, (adit_time)dice(seed, 200) * ADIT_MSEC, false);
		while (n->out_cnt) {
			unsigned pick = (unsigned)dice(seed, n->out_cnt);
			struct lab_msg m = n->out[pick];

			n->out[pick] = n->out[--n->out_cnt];
			old[old_cnt++ % 64] = m;
			if (dice(seed, 5) == 0)
				continue;
			if (dice(seed, 20) == 0)
				m.data[dice(seed, m.len)] ^= (uint8_t)(1 + dice(seed, 255));
			for (uint64_t times = 1 + (dice(seed, 10) == 0); times; times--)
				lab_deliver_msg(lab, &n->self, &m);
		}
		if (old_cnt && dice(seed, 4) == 0) {
			struct lab_msg *m = &old[dice(seed, old_cnt < 64 ? old_cnt : 64)];

			lab_deliver_msg(lab, &lab->node[1 + dice(seed, 3)]->self, m);
		}
		if (dice(seed, 60) == 0)
			lab_start(lab->node[1 + dice(seed, 2)]);
	}
}

static void test_bad_link(void **state)
{
	(void)state;
	for (uint64_t story = 1; story <= 150; story++) {
		uint64_t seed = story * UINT64_C(0x9e3779b97f4a7c15);
		static struct lab_msg old[64];
		struct lab lab;

		lab_init(&lab, ADIT_STATIC_V2, dice(&seed, 2), dice(&seed, 2) ? 5 * ADIT_SEC : 0);
		bad_link(&lab, &seed, old, 120);
		for (unsigned n = 1; n <= 2; n++) {
			for (unsigned i = 0; i < lab.node[n]->in_cnt; i++) {
				uint32_t tag = adit_get_be32(lab.node[n]->in[i].data + 20);

				if (tag >> 16 != 3 - n || lab_got(lab.node[n], tag) != 1)
					fail_msg("story %u: packet %x came %u times", (unsigned)story, tag,
						 lab_got(lab.node[n], tag));
			}
		}
		for (unsigned i = 0; i < 40; i++) { /* the link is good again */
			lab_send(lab.node[1], 2, 0x90000 + i);
			lab_send(lab.node[2], 1, 0x90000 + i);
			lab_flow(&lab);
			lab_pass(&lab, 100 * ADIT_MSEC, true);
		}
		if (lab_got(lab.node[1], 0x90000 + 39) != 1 || lab_got(lab.node[2], 0x90000 + 39) != 1)
			fail_msg("story %u: no data 4 s after the link is good", (unsigned)story);
		lab_fini(&lab);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_staged_in_order), cmocka_unit_test(test_staged_is_bounded),
		cmocka_unit_test(test_refuses),		cmocka_unit_test(test_replay_after_restart),
		cmocka_unit_test(test_old_hellos),	cmocka_unit_test(test_restart),
		cmocka_unit_test(test_restart_at_once),
		cmocka_unit_test(test_old_hellos_meanwhile), cmocka_unit_test(test_restart_and_moved), cmocka_unit_test(test_one_way),
		cmocka_unit_test(test_crossing),	cmocka_unit_test(test_gives_up),
		cmocka_unit_test(test_roaming_and_stale), cmocka_unit_test(test_hello_flood),
		cmocka_unit_test(test_down_and_up),	cmocka_unit_test(test_down_between),
		cmocka_unit_test(test_bad_link),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
