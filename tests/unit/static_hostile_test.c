/* SPDX-License-Identifier: ISC */
/* static_hostile_test.c - the static tunnel among peers that lie, boxes that rewrite addresses, and clocks that jump */
#include "static_lab.h"

/* Whatever stands in a node's `out` comes from another address than its own. */
static void deliver_as(struct lab *lab, unsigned from, const struct adit_path *source)
{
	while (lab->node[from]->out_cnt) {
		struct lab_msg m = lab_take(lab->node[from]);

		lab_deliver_msg(lab, source, &m);
	}
}

static void both_to_first(struct lab *lab, const struct adit_path *source2, const struct adit_path *source3,
			  uint32_t tag)
{
	lab_send(lab->node[2], 1, tag);
	lab_send(lab->node[3], 1, tag + 1);
	deliver_as(lab, 2, source2);
	deliver_as(lab, 3, source3);
}

/* A NAT that restarts gives one peer the port that was another's: v1 finds both again. */
static void test_v1_ports_swapped(void **state)
{
	struct adit_path one = lab_path("198.51.100.1:1001"), two = lab_path("198.51.100.1:1002");
	struct lab lab;

	(void)state;
	lab_init(&lab, ADIT_STATIC_V1, true, 0);
	both_to_first(&lab, &one, &two, 10);
	assert_int_equal(lab_got(lab.node[1], 10) + lab_got(lab.node[1], 11), 2);
	for (unsigned i = 0; i < 4; i++) {
		lab.now += ADIT_SEC;
		both_to_first(&lab, &two, &one, 20 + 2 * i);
	}
	assert_int_equal(lab_got(lab.node[1], 26) + lab_got(lab.node[1], 27), 2);
	assert_true(adit_path_same_remote(&lab.node[1]->peer[2]->endpoint, &two));
	assert_true(adit_path_same_remote(&lab.node[1]->peer[3]->endpoint, &one));
	for (unsigned i = 0; i < 100; i++) /* found for good: no limit stands in the way */
		both_to_first(&lab, &two, &one, 100 + 2 * i);
	assert_int_equal(lab.node[1]->in_cnt, 2 + 200 + 8 - 2); /* the first one of each told that something is wrong */
	lab_fini(&lab);
}

/* A peer that sends one datagram with another's address does not cut that one off. */
static void test_v1_address_stolen(void **state)
{
	struct lab lab;

	(void)state;
	lab_init(&lab, ADIT_STATIC_V1, true, 0);
	both_to_first(&lab, &lab.node[2]->self, &lab.node[2]->self, 10); /* 3 lies */
	lab_send(lab.node[3], 1, 12);
	deliver_as(&lab, 3, &lab.node[2]->self);
	assert_int_equal(lab_got(lab.node[1], 10) + lab_got(lab.node[1], 12), 2);
	for (unsigned i = 0; i < 300; i++) {
		lab_send(lab.node[2], 1, 100 + i);
		deliver_as(&lab, 2, &lab.node[2]->self);
	}
	assert_int_equal(lab.node[1]->in_cnt, 2 + 299);
	lab_fini(&lab);
}

/* Noise with a peer's address costs that peer nothing, at any rate. */
static void test_v1_noise(void **state)
{
	uint8_t noise[100] = { 1, 2, 3 };
	struct lab lab;

	(void)state;
	lab_init(&lab, ADIT_STATIC_V1, true, 0);
	for (unsigned i = 0; i < 300; i++) {
		for (unsigned k = 0; k < 5; k++)
			lab_deliver(lab.node[1], noise, sizeof(noise), &lab.node[2]->self, 0);
		lab_send(lab.node[2], 1, i);
		deliver_as(&lab, 2, &lab.node[2]->self);
	}
	assert_int_equal(lab.node[1]->in_cnt, 300);
	assert_int_equal(lab.node[1]->out_cnt, 0);
	lab_fini(&lab);
}

/* What is sent back to us is dropped, even if the peer's prefix contains our address. */
static void test_v1_reflected(void **state)
{
	struct adit_prefix all = lab_prefix("10.0.0.0/24"), own = lab_prefix("10.0.0.1"), theirs = lab_prefix("10.0.0.2");
	struct lab_msg m;
	struct lab lab;

	(void)state;
	lab_init(&lab, ADIT_STATIC_V1, false, 0);
	assert_int_equal(adit_static_peer_allow(lab.node[1]->st, lab.node[1]->peer[2], &all), 0);
	assert_int_equal(adit_static_own(lab.node[1]->st, &own), 0);
	assert_int_equal(adit_static_own(lab.node[1]->st, &own), 0);
	assert_int_equal(adit_static_own(lab.node[1]->st, &theirs), -EEXIST);
	assert_int_equal(adit_static_peer_allow(lab.node[1]->st, lab.node[1]->peer[2], &own), -EEXIST);
	lab_send(lab.node[1], 2, 1);
	m = lab_take(lab.node[1]);
	lab_deliver(lab.node[1], m.data, m.len, &lab.node[2]->self, 0);
	assert_int_equal(lab.node[1]->in_cnt, 0);
	assert_int_equal(lab_drops(lab.node[1], ADIT_DROP_source_not_allowed), 1);
	assert_int_equal(lab_send(lab.node[1], 1, 1), ADIT_DROP_no_peer);
	lab_send_train(lab.node[2], 99, 1, 100, 1, 5); /* another of the peer's */
	lab_flow(&lab);
	assert_int_equal(lab_got(lab.node[1], 5), 1);
	lab_fini(&lab);
}

/* An IPv4 address in IPv6 clothes is where IPv4 datagrams come from. */
static void test_mapped_endpoint(void **state)
{
	struct adit_path mapped = lab_path("[::ffff:192.0.2.2]:1194");
	struct lab lab;

	(void)state;
	lab_init(&lab, ADIT_STATIC_V1, false, 0);
	assert_int_equal(adit_static_peer_set_endpoint(lab.node[1]->st, lab.node[1]->peer[3], &mapped), -EEXIST);
	assert_int_equal(adit_static_peer_set_endpoint(lab.node[1]->st, lab.node[1]->peer[2], &mapped), 0);
	lab_send(lab.node[1], 2, 1);
	lab_send(lab.node[2], 1, 2);
	lab_flow(&lab);
	assert_int_equal(lab_got(lab.node[2], 1) + lab_got(lab.node[1], 2), 2);
	lab_fini(&lab);
}

/* Who sends nonsense with a peer's address gets one hello sent there for each second, not 90 for each datagram. */
static void test_unknown_index_is_no_amplifier(void **state)
{
	uint8_t data[40] = { STATIC_DATA };
	struct lab lab;

	(void)state;
	lab_init(&lab, ADIT_STATIC_V2, false, 0);
	lab_deliver(lab.node[1], data, sizeof(data), &lab.node[2]->self, 0);
	lab_pass(&lab, 200 * ADIT_SEC, false);
	assert_int_equal(lab.node[1]->out_cnt, 1);
	for (unsigned i = 0; i < 100; i++) {
		lab_deliver(lab.node[1], data, sizeof(data), &lab.node[2]->self, 0);
		lab_pass(&lab, 100 * ADIT_MSEC, false);
	}
	assert_in_range(lab.node[1]->out_cnt, 10, 12);
	lab.node[1]->out_cnt = 0;
	lab_pass(&lab, 100 * ADIT_SEC, false);
	assert_int_equal(lab.node[1]->out_cnt, 0);
	assert_int_equal(adit_static_deadline(lab.node[1]->st), ADIT_NEVER);
	assert_int_equal(lab.node[1]->events[ADIT_STATIC_GAVE_UP], 0); /* nothing was wanted */
	lab_send(lab.node[1], 2, 7); /* now there is something to say: again and again */
	lab_pass(&lab, 10 * ADIT_SEC, false);
	assert_in_range(lab.node[1]->out_cnt, 9, 11);
	lab_pass(&lab, ADIT_SEC, true);
	assert_int_equal(lab_got(lab.node[2], 7), 1);
	lab_fini(&lab);
}

/* Datagrams that were held up and let go from elsewhere lead both ends astray: they find each other again. */
static void test_both_astray(void **state)
{
	struct adit_path elsewhere = lab_path("198.51.100.1:1001");
	struct lab lab;

	(void)state;
	lab_init(&lab, ADIT_STATIC_V2, true, 0);
	lab_send(lab.node[1], 2, 1);
	lab_pass(&lab, ADIT_SEC, true);
	lab_send(lab.node[1], 2, 2);
	lab_send(lab.node[2], 1, 2);
	deliver_as(&lab, 1, &elsewhere);
	deliver_as(&lab, 2, &elsewhere);
	assert_true(adit_path_same_remote(&lab.node[1]->peer[2]->endpoint, &elsewhere));
	assert_true(adit_path_same_remote(&lab.node[2]->peer[1]->endpoint, &elsewhere));
	lab_send(lab.node[1], 2, 3);
	lab_pass(&lab, 4 * ADIT_SEC, true);
	lab_send(lab.node[1], 2, 4);
	lab_send(lab.node[2], 1, 4);
	lab_flow(&lab);
	assert_int_equal(lab_got(lab.node[1], 4) + lab_got(lab.node[2], 4), 2);
	assert_true(adit_path_same_remote(&lab.node[1]->peer[2]->endpoint, &lab.node[2]->self));
	lab_fini(&lab);
}

/* An answer under the right key that does not echo the hello's salt, or its index. */
static void test_answer_without_echo(void **state)
{
	struct adit_static_peer *peer;
	struct lab_msg hello, answer;
	struct lab lab;

	(void)state;
	lab_init(&lab, ADIT_STATIC_V2, false, 0);
	peer = lab.node[2]->peer[1];
	lab_send(lab.node[1], 2, 1);
	lab_tick(&lab);
	hello = lab_take(lab.node[1]);
	lab_deliver_msg(&lab, &lab.node[1]->self, &hello);
	answer = lab_take(lab.node[2]);
	for (unsigned at = STATIC_AT_ECHO; at < STATIC_AT_MAC; at++) {
		answer.data[at] ^= 4;
		adit_mac(lab.node[2]->crypto, answer.data + STATIC_AT_MAC, peer->secrets->mac_send, ADIT_KEY_LEN,
			 answer.data, STATIC_AT_MAC, NULL, 0);
		lab_deliver_msg(&lab, &lab.node[2]->self, &answer);
		answer.data[at] ^= 4;
	}
	assert_int_equal(lab_drops(lab.node[1], ADIT_DROP_unexpected_response), STATIC_AT_MAC - STATIC_AT_ECHO);
	assert_false(lab_info(lab.node[1], 2).has_session);
	adit_mac(lab.node[2]->crypto, answer.data + STATIC_AT_MAC, peer->secrets->mac_send, ADIT_KEY_LEN, answer.data,
		 STATIC_AT_MAC, NULL, 0);
	lab_deliver_msg(&lab, &lab.node[2]->self, &answer);
	assert_true(lab_info(lab.node[1], 2).has_session);
	lab_fini(&lab);
}

/* One train of packets from several inner sources: each is judged by its own. */
static void test_sources_of_a_train(void **state)
{
	uint8_t wire[3 * 200];
	struct adit_train t;
	struct lab lab;

	(void)state;
	for (enum adit_static_wire v = ADIT_STATIC_V1; v <= ADIT_STATIC_V2; v++) {
		lab_init(&lab, v, false, 0);
		lab_send(lab.node[1], 2, 1);
		lab_pass(&lab, ADIT_SEC, true);
		memset(&t, 0, sizeof(t));
		t.wire = wire;
		t.cnt = 3;
		t.stride = t.last_len = (uint32_t)adit_static_wire_len(lab.node[1]->st, 100);
		for (unsigned k = 0; k < 3; k++) {
			lab_packet(wire + k * t.stride + static_head(lab.node[1]->st), k == 1 ? 3 : 1, 2, 100, 70 + k);
			t.len[k] = 100;
		}
		assert_int_equal(adit_static_out_begin(lab.node[1]->st, &t, lab.now), ADIT_SEAL);
		(v == ADIT_STATIC_V1 ? adit_static_v1_seal : adit_static_v2_seal)(lab.node[1]->crypto, &t);
		adit_static_out_done(lab.node[1]->st, &t, lab.now);
		lab_deliver_buffer(lab.node[2], wire, adit_train_bytes(&t), t.stride, &lab.node[1]->self, 0);
		assert_int_equal(lab_got(lab.node[2], 70) + lab_got(lab.node[2], 72), 2);
		assert_int_equal(lab_got(lab.node[2], 71), 0);
		assert_int_equal(lab_drops(lab.node[2], ADIT_DROP_source_not_allowed), 1);
		lab_fini(&lab);
	}
}

/* A clock that is set back: neither hellos nor keepalives wait until it is there again. */
static void test_clock_back(void **state)
{
	struct lab lab;

	(void)state;
	for (enum adit_static_wire wire = ADIT_STATIC_V1; wire <= ADIT_STATIC_V2; wire++) {
		lab_init(&lab, wire, true, 5 * ADIT_SEC);
		lab.now = 100000 * ADIT_SEC;
		lab_send(lab.node[1], 2, 1);
		lab_pass(&lab, ADIT_SEC, true);
		lab.now -= 90000 * ADIT_SEC;
		lab_start(lab.node[2]);
		lab_send(lab.node[1], 2, 2);
		lab_pass(&lab, 2 * ADIT_SEC, true);
		lab_send(lab.node[1], 2, 3);
		lab_pass(&lab, ADIT_SEC, true);
		assert_int_equal(lab_got(lab.node[2], 3), 1);
		assert_in_range(lab_info(lab.node[1], 2).last_tx_at, lab.now - 2 * ADIT_SEC, lab.now);
		lab_pass(&lab, 7 * ADIT_SEC, true);
		assert_true(lab_info(lab.node[1], 2).stale && lab_info(lab.node[2], 1).stale);
		lab_fini(&lab);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_v1_ports_swapped), cmocka_unit_test(test_v1_address_stolen),
		cmocka_unit_test(test_v1_noise),	 cmocka_unit_test(test_v1_reflected),
		cmocka_unit_test(test_mapped_endpoint),	 cmocka_unit_test(test_unknown_index_is_no_amplifier),
		cmocka_unit_test(test_answer_without_echo), cmocka_unit_test(test_sources_of_a_train),
		cmocka_unit_test(test_both_astray),	 cmocka_unit_test(test_clock_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
