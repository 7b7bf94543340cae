/* SPDX-License-Identifier: ISC */
/* static_test.c - the static tunnel: both formats to the byte, and what is refused */
#include "static_lab.h"

#include "../vectors/static_vector.h"
#include "base/super.h"
#include "static/inner.h"

/* A packet that is not made by lab_packet. */
static void send_bytes(struct lab_node *n, const uint8_t *packet, size_t len)
{
	uint8_t wire[2048];
	struct adit_train t;

	memset(&t, 0, sizeof(t));
	t.wire = wire;
	t.cnt = 1;
	t.len[0] = (uint16_t)len;
	t.stride = t.last_len = (uint32_t)adit_static_wire_len(n->st, len);
	memcpy(wire + static_head(n->st), packet, len);
	if (adit_static_out_begin(n->st, &t, n->lab->now) == ADIT_SEAL)
		lab_seal(n, &t);
}

static void assert_msg(const struct lab_msg *m, const uint8_t *want, size_t len)
{
	assert_int_equal(m->len, len);
	assert_memory_equal(m->data, want, len);
}

/* --- formats ------------------------------------------------------------------- */

static void test_v1_vector(void **state)
{
	struct lab lab;
	struct lab_msg m;

	(void)state;
	lab_init(&lab, ADIT_STATIC_V1, false, 0);
	assert_memory_equal(lab.node[1]->public_key, vector_public_a, 32);
	assert_memory_equal(lab.node[2]->public_key, vector_public_b, 32);
	assert_memory_equal(lab.node[1]->peer[2]->secrets->shared, vector_shared, 32);
	lab.node[1]->script = vector_nonce;
	lab.node[1]->script_len = sizeof(vector_nonce);
	send_bytes(lab.node[1], vector_plain_a, sizeof(vector_plain_a));
	m = lab_take(lab.node[1]);
	assert_msg(&m, vector_v1, sizeof(vector_v1));
	lab_deliver_msg(&lab, &lab.node[1]->self, &m);
	assert_int_equal(lab.node[2]->in_cnt, 1);
	assert_memory_equal(lab.node[2]->in[0].data, vector_plain_a, sizeof(vector_plain_a));
	lab_fini(&lab);
}

static void test_v2_vector(void **state)
{
	struct lab lab;
	struct lab_msg m;

	(void)state;
	lab_init(&lab, ADIT_STATIC_V2, false, 0);
	lab.node[1]->script = vector_random_a;
	lab.node[1]->script_len = sizeof(vector_random_a);
	lab.node[2]->script = vector_random_b;
	lab.node[2]->script_len = sizeof(vector_random_b);
	send_bytes(lab.node[1], vector_plain_a, sizeof(vector_plain_a));
	lab_tick(&lab);
	m = lab_take(lab.node[1]);
	assert_msg(&m, vector_hello, sizeof(vector_hello));
	lab_deliver_msg(&lab, &lab.node[1]->self, &m);
	m = lab_take(lab.node[2]);
	assert_msg(&m, vector_answer, sizeof(vector_answer));
	lab_deliver_msg(&lab, &lab.node[2]->self, &m);
	m = lab_take(lab.node[1]);
	assert_msg(&m, vector_data_a, sizeof(vector_data_a));
	assert_memory_equal(lab.node[1]->peer[2]->current->keys->send, vector_key_a, ADIT_KEY_LEN);
	assert_memory_equal(lab.node[1]->peer[2]->current->keys->receive, vector_key_b, ADIT_KEY_LEN);
	lab_deliver_msg(&lab, &lab.node[1]->self, &m);
	assert_int_equal(lab.node[2]->in_cnt, 1);
	send_bytes(lab.node[2], vector_plain_b, sizeof(vector_plain_b));
	m = lab_take(lab.node[2]);
	assert_msg(&m, vector_data_b, sizeof(vector_data_b));
	lab_fini(&lab);
}

/* A super-packet becomes the same datagrams as its segments one by one. */
static void test_super(void **state)
{
	for (enum adit_static_wire wire = ADIT_STATIC_V1; wire <= ADIT_STATIC_V2; wire++) {
		uint8_t packet[40 + 2500] = { 0 }, out[8192];
		struct adit_super s;
		struct adit_train t;
		struct lab lab;

		lab_init(&lab, wire, false, 0);
		lab_send(lab.node[1], 2, 1);
		lab_tick(&lab);
		lab_flow(&lab);
		lab.node[2]->in_cnt = 0;
		lab_packet(packet, 1, 2, sizeof(packet), 7);
		packet[9] = 6;
		packet[32] = 0x50;
		for (unsigned i = 40; i < sizeof(packet); i++)
			packet[i] = (uint8_t)(i * 7);
		assert_int_equal(adit_super_init(&s, packet, sizeof(packet), ADIT_SUPER_TCP4, 20, 40, 1000), 0);
		memset(&t, 0, sizeof(t));
		t.wire = out;
		t.super = &s;
		t.cnt = s.cnt;
		t.stride = (uint32_t)adit_static_wire_len(lab.node[1]->st, 1040);
		t.last_len = (uint32_t)adit_static_wire_len(lab.node[1]->st, 540);
		assert_int_equal(adit_static_out_begin(lab.node[1]->st, &t, lab.now), ADIT_SEAL);
		lab_seal(lab.node[1], &t);
		lab_flow(&lab);
		assert_int_equal(lab.node[2]->in_cnt, 3);
		for (unsigned k = 0, at = 0; k < 3; k++) {
			assert_int_equal(lab.node[2]->in[k].len, k < 2 ? 1040 : 540);
			assert_int_equal(adit_get_be32(lab.node[2]->in[k].data + 24), at);
			for (unsigned i = 40; i < lab.node[2]->in[k].len; i++, at++)
				assert_int_equal(lab.node[2]->in[k].data[i], (uint8_t)((40 + at) * 7));
		}
		lab_fini(&lab);
	}
	(void)state;
}

/* --- v1 -------------------------------------------------------------------------- */

static void test_v1_both_ways(void **state)
{
	struct lab lab;

	(void)state;
	lab_init(&lab, ADIT_STATIC_V1, false, 0);
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(lab_send_train(lab.node[1], 1, 2, 1300, 20, 100 * i), ADIT_DROP_NONE);
		assert_int_equal(lab_send_train(lab.node[2], 2, 3, 60, 20, 100 * i), ADIT_DROP_NONE);
		lab_flow(&lab);
	}
	assert_int_equal(lab.node[2]->in_cnt, 100);
	assert_int_equal(lab.node[3]->in_cnt, 100);
	assert_int_equal(lab_info(lab.node[1], 2).sealed, 100);
	assert_int_equal(adit_static_deadline(lab.node[1]->st), ADIT_NEVER); /* nothing is ever due */
	lab_fini(&lab);
}

static void test_v1_refuses(void **state)
{
	struct adit_path strange = lab_path("198.51.100.7:99");
	struct lab_msg m, bad;
	struct lab lab;

	(void)state;
	lab_init(&lab, ADIT_STATIC_V1, true, 0);
	lab_send(lab.node[1], 2, 1);
	m = bad = lab_take(lab.node[1]);
	for (unsigned i = 0; i < m.len; i++) {
		bad.data[i] ^= 1;
		lab_deliver_msg(&lab, &lab.node[1]->self, &bad);
		bad.data[i] ^= 1;
	}
	assert_int_equal(lab_drops(lab.node[2], ADIT_DROP_auth_failed), m.len);
	assert_int_equal(lab_info(lab.node[2], 1).rx_bad, m.len);
	assert_int_equal(lab.node[2]->events[ADIT_STATIC_BAD], 1); /* told once a minute */
	for (bad.len = 0; bad.len < m.len; bad.len++)
		lab_deliver_msg(&lab, &lab.node[1]->self, &bad);
	assert_int_equal(lab_drops(lab.node[2], ADIT_DROP_short), 27); /* an empty datagram is nothing at all */
	assert_int_equal(lab_drops(lab.node[2], ADIT_DROP_auth_failed), m.len + m.len - 28);
	/* reflected: authentic, but not the peer's; and its sender is not followed */
	lab_deliver(lab.node[1], m.data, m.len, &lab.node[2]->self, 0);
	lab_deliver(lab.node[1], m.data, m.len, &strange, 0);
	assert_int_equal(lab_drops(lab.node[1], ADIT_DROP_source_not_allowed), 2);
	assert_true(adit_path_same_remote(&lab.node[1]->peer[2]->endpoint, &lab.node[2]->self));
	/* another peer's inner address */
	assert_int_equal(lab_send_train(lab.node[1], 3, 2, 100, 1, 5), ADIT_DROP_NONE);
	lab_flow(&lab);
	assert_int_equal(lab_drops(lab.node[2], ADIT_DROP_source_not_allowed), 1);
	assert_int_equal(lab.node[1]->in_cnt + lab.node[2]->in_cnt, 0);
	lab_fini(&lab);
}

static void test_v1_roaming(void **state)
{
	struct adit_path moved = lab_path("198.51.100.7:99"), other = lab_path("198.51.100.8:99");
	struct lab_msg m;
	struct lab lab;

	(void)state;
	for (int roaming = 0; roaming < 2; roaming++) {
		lab_init(&lab, ADIT_STATIC_V1, roaming, 10 * ADIT_SEC);
		lab_send(lab.node[1], 2, 1);
		m = lab_take(lab.node[1]);
		lab_deliver_msg(&lab, &moved, &m);
		assert_int_equal(lab_got(lab.node[2], 1), roaming);
		assert_int_equal(lab_drops(lab.node[2], ADIT_DROP_unknown_source), !roaming);
		assert_int_equal(lab.node[2]->events[ADIT_STATIC_ENDPOINT], roaming);
		assert_true(adit_path_same_remote(&lab.node[2]->peer[1]->endpoint, roaming ? &moved : &lab.node[1]->self));
		/* what no key fits moves nothing, and a source may try ten times at once */
		m.data[40] ^= 1;
		for (unsigned i = 0; i < 15; i++)
			lab_deliver_msg(&lab, &other, &m);
		assert_int_equal(lab_drops(lab.node[2], ADIT_DROP_unknown_limited), roaming ? 5 : 0);
		assert_int_equal(lab_drops(lab.node[2], ADIT_DROP_unknown_source), roaming ? 10 : 16);
		/* silent: back home, and said once for each of the two peers */
		lab_pass(&lab, 11 * ADIT_SEC, false);
		assert_true(lab_info(lab.node[2], 1).stale);
		assert_int_equal(lab.node[2]->events[ADIT_STATIC_STALE], 2);
		assert_true(adit_path_same_remote(&lab.node[2]->peer[1]->endpoint, &lab.node[1]->self));
		lab_send(lab.node[1], 2, 2);
		lab_flow(&lab);
		assert_false(lab_info(lab.node[2], 1).stale);
		assert_int_equal(lab.node[2]->events[ADIT_STATIC_BACK], 1);
		lab_fini(&lab);
	}
}

/* A count that was stored once, and all of it granted. */
static void count_from(struct lab_node *n, uint64_t sealed)
{
	adit_static_peer_set_sealed(n->st, n->peer[2], sealed);
	adit_static_v1_grant(n->st, n->peer[2], UINT64_MAX);
}

static void test_v1_limit(void **state)
{
	struct lab lab;
	struct lab_node *n;

	(void)state;
	lab_init(&lab, ADIT_STATIC_V1, false, 0);
	n = lab.node[1];
	count_from(n, STATIC_V1_LIMIT / 2 - 2);
	assert_int_equal(lab_send(n, 2, 1), ADIT_DROP_NONE);
	assert_int_equal(n->events[ADIT_STATIC_KEY_HALF], 0);
	assert_false(lab_info(n, 2).key_half);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(lab_send(n, 2, 1), ADIT_DROP_NONE);
	assert_int_equal(n->events[ADIT_STATIC_KEY_HALF], 1);
	assert_true(lab_info(n, 2).key_half && !lab_info(n, 2).key_end);
	count_from(n, STATIC_V1_LIMIT - 10);
	assert_int_equal(lab_send(n, 2, 1), ADIT_DROP_NONE);
	assert_int_equal(n->events[ADIT_STATIC_KEY_HALF], 2); /* a new life says it again */
	assert_int_equal(lab_send_train(n, 1, 2, 100, 9, 1), ADIT_DROP_NONE);
	assert_int_equal(lab_info(n, 2).sealed, STATIC_V1_LIMIT);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(lab_send(n, 2, 1), ADIT_DROP_key_used_up);
	assert_int_equal(n->events[ADIT_STATIC_KEY_END], 1);
	assert_true(lab_info(n, 2).key_end);
	assert_int_equal(lab_drops(n, ADIT_DROP_key_used_up), 3);
	assert_int_equal(lab_info(n, 2).sealed, STATIC_V1_LIMIT);
	assert_int_equal(lab_send(n, 3, 1), ADIT_DROP_NONE); /* another peer's key is another key */
	count_from(n, STATIC_V1_LIMIT - 10);
	assert_int_equal(lab_send_train(n, 1, 2, 100, 11, 1), ADIT_DROP_key_used_up);
	assert_int_equal(lab_send(n, 2, 1), ADIT_DROP_key_used_up); /* the end is the end for shorter trains, too */
	lab_fini(&lab);
}

/* Nothing is sealed beyond what was granted; more is asked for in time, and once. */
static void test_v1_grants(void **state)
{
	const uint64_t block = ADIT_STATIC_V1_BLOCK, begin = 3 * block;
	struct lab lab;
	struct lab_node *n;

	(void)state;
	lab_init(&lab, ADIT_STATIC_V1, false, 0);
	n = lab.node[1];
	adit_static_peer_set_sealed(n->st, n->peer[2], begin);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(lab_send(n, 2, 1), ADIT_DROP_count_not_stored);
	assert_int_equal(n->events[ADIT_STATIC_KEY_GRANT], 1);
	assert_int_equal(n->out_cnt, 0);
	assert_int_equal(lab_info(n, 2).sealed, begin);
	adit_static_v1_grant(n->st, n->peer[2], begin + block / 2 + 10);
	for (unsigned i = 0; i < 9; i++)
		assert_int_equal(lab_send(n, 2, 1), ADIT_DROP_NONE);
	assert_int_equal(n->events[ADIT_STATIC_KEY_GRANT], 1);
	assert_int_equal(lab_send_train(n, 1, 2, 100, 20, 1), ADIT_DROP_NONE);
	assert_int_equal(n->events[ADIT_STATIC_KEY_GRANT], 2);
	adit_static_v1_grant(n->st, n->peer[2], begin); /* nothing is taken back, and nothing new was given */
	assert_int_equal(lab_info(n, 2).granted, begin + block / 2 + 10);
	assert_int_equal(lab_send(n, 2, 1), ADIT_DROP_NONE);
	assert_int_equal(n->events[ADIT_STATIC_KEY_GRANT], 2);
	n->out_cnt = 0;
	while (lab_send_train(n, 1, 2, 40, 64, 1) == ADIT_DROP_NONE)
		n->out_cnt = 0;
	assert_true(lab_info(n, 2).sealed <= begin + block / 2 + 10);
	assert_true(lab_info(n, 2).sealed > begin + block / 2 + 10 - 64);
	assert_int_equal(lab_send_train(n, 1, 2, 40, 64, 1), ADIT_DROP_count_not_stored);
	assert_int_equal(lab_drops(n, ADIT_DROP_count_not_stored), 3 + 64 + 64);
	assert_int_equal(n->events[ADIT_STATIC_KEY_GRANT], 2);
	adit_static_v1_grant(n->st, n->peer[2], lab_info(n, 2).sealed + block);
	assert_int_equal(lab_send_train(n, 1, 2, 40, 64, 1), ADIT_DROP_NONE);
	assert_int_equal(n->events[ADIT_STATIC_KEY_GRANT], 2);
	lab_fini(&lab);
}

/* --- the table ----------------------------------------------------------------------- */

static void test_table(void **state)
{
	struct adit_prefix mine = lab_prefix("10.0.0.2/32"), wide = lab_prefix("10.0.0.77/8");
	struct adit_static_peer *peer;
	uint8_t low[32] = { 0 };
	struct adit_static *st;
	struct lab lab;
	struct lab_node *n;

	(void)state;
	lab_init(&lab, ADIT_STATIC_V2, false, 0);
	n = lab.node[1];
	assert_int_equal(adit_static_peer_add(n->st, &peer, n->public_key, lab.now), -EINVAL);
	assert_int_equal(adit_static_peer_add(n->st, &peer, low, lab.now), -EINVAL);
	assert_int_equal(adit_static_peer_add(n->st, &peer, lab.node[2]->public_key, lab.now), -EEXIST);
	assert_int_equal(adit_static_peer_allow(n->st, n->peer[3], &mine), -EEXIST);
	assert_int_equal(adit_static_peer_allow(n->st, n->peer[2], &mine), 0);
	assert_int_equal(adit_static_peer_set_endpoint(n->st, n->peer[3], &lab.node[2]->self), -EEXIST);
	assert_int_equal(lab_send(n, 77, 1), ADIT_DROP_no_peer);
	assert_int_equal(adit_static_peer_allow(n->st, n->peer[3], &wide), 0);
	assert_int_equal(lab_send(n, 77, 1), ADIT_DROP_NONE);
	assert_ptr_equal(adit_static_peer_next(n->st, NULL), n->peer[2]);
	assert_ptr_equal(adit_static_peer_next(n->st, n->peer[2]), n->peer[3]);
	assert_null(adit_static_peer_next(n->st, n->peer[3]));
	adit_static_down(n->st, lab.now);
	assert_int_equal(lab_send(n, 2, 1), ADIT_DROP_interface_down);
	assert_int_equal(lab_drops(n, ADIT_DROP_peer_removed), 1); /* what waited */
	assert_int_equal(adit_static_new(&st, ADIT_STATIC_V1, &lab_ops, n, n->crypto, lab.now), 0);
	assert_int_equal(adit_static_peer_add(st, &peer, lab.node[2]->public_key, lab.now), -ENOKEY);
	adit_static_free(st);
	lab_fini(&lab);
}

/* Our own datagram, routed back into the tunnel. */
static void test_loop(void **state)
{
	struct adit_prefix all = lab_prefix("0.0.0.0/0");
	uint8_t p[60];
	struct lab lab;

	(void)state;
	lab_init(&lab, ADIT_STATIC_V1, false, 0);
	assert_int_equal(adit_static_peer_allow(lab.node[1]->st, lab.node[1]->peer[2], &all), 0);
	adit_static_set_port(lab.node[1]->st, 1194);
	lab_packet(p, 1, 2, sizeof(p), 0);
	adit_put_be32(p + 16, 0xc0000202);
	adit_put_be16(p + 20, 1194);
	adit_put_be16(p + 22, 1195);
	send_bytes(lab.node[1], p, sizeof(p));
	assert_int_equal(lab.node[1]->out_cnt, 1);
	adit_put_be16(p + 22, 1194);
	send_bytes(lab.node[1], p, sizeof(p));
	assert_int_equal(lab.node[1]->out_cnt, 1);
	assert_int_equal(lab_drops(lab.node[1], ADIT_DROP_routing_loop), 1);
	lab_fini(&lab);
}

static void test_inner(void **state)
{
	static const struct {
		const char *what;
		unsigned at;
		uint8_t value;
		enum adit_drop drop;
	} cases[] = {
		{ "as it should be", 0, 0x45, ADIT_DROP_NONE },
		{ "version 5", 0, 0x55, ADIT_DROP_inner_malformed },
		{ "a header of 16 bytes", 0, 0x44, ADIT_DROP_inner_malformed },
		{ "a header longer than the packet", 3, 19, ADIT_DROP_inner_malformed },
		{ "longer than what was sealed", 2, 1, ADIT_DROP_inner_malformed },
		{ "shorter than what was sealed", 3, 40, ADIT_DROP_NONE },
		{ "somebody else's address", 15, 3, ADIT_DROP_source_not_allowed },
	};
	struct lab lab;

	(void)state;
	lab_init(&lab, ADIT_STATIC_V1, false, 0);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t msg[STATIC_V1_HEAD + 60 + ADIT_TAG_LEN] = { 0 }, *p = msg + STATIC_V1_HEAD;
		unsigned before = lab.node[2]->in_cnt;
		uint64_t drops = lab_drops(lab.node[2], cases[i].drop);

		lab_packet(p, 1, 2, 60, i);
		p[cases[i].at] = cases[i].value;
		adit_aead_seal_nonce(lab.node[1]->crypto, p, p, 60, msg, vector_shared);
		lab_deliver(lab.node[2], msg, sizeof(msg), &lab.node[1]->self, 0);
		if (lab.node[2]->in_cnt - before != (cases[i].drop == ADIT_DROP_NONE))
			fail_msg("%s", cases[i].what);
		if (cases[i].drop)
			assert_int_equal(lab_drops(lab.node[2], cases[i].drop), drops + 1);
	}
	assert_int_equal(lab.node[2]->in[1].len, 40);
	lab_fini(&lab);
}

/* A mark of the outer header goes in, and only ECT goes out. */
static void test_ecn(void **state)
{
	uint8_t p[60];
	struct lab_msg m;
	struct lab lab;

	(void)state;
	lab_init(&lab, ADIT_STATIC_V1, false, 0);
	for (uint8_t ecn = 0; ecn < 4; ecn++) {
		lab_packet(p, 1, 2, sizeof(p), ecn);
		p[1] = 0x28 | ecn;
		send_bytes(lab.node[1], p, sizeof(p));
		m = lab_take(lab.node[1]);
		assert_int_equal(m.tos, ecn == STATIC_ECN_CE ? STATIC_ECN_ECT0 : ecn);
		m.tos = STATIC_ECN_CE;
		lab_deliver_msg(&lab, &lab.node[1]->self, &m);
		assert_int_equal(lab.node[2]->in[ecn].data[1], 0x28 | (ecn ? STATIC_ECN_CE : 0));
	}
	lab_fini(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_v1_vector), cmocka_unit_test(test_v2_vector),
		cmocka_unit_test(test_super),	  cmocka_unit_test(test_v1_both_ways),
		cmocka_unit_test(test_v1_refuses), cmocka_unit_test(test_v1_roaming),
		cmocka_unit_test(test_v1_limit),  cmocka_unit_test(test_v1_grants),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_loop),	  cmocka_unit_test(test_inner),
		cmocka_unit_test(test_ecn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
