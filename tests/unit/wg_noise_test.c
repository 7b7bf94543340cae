/* SPDX-License-Identifier: ISC */
/* The handshake: a fixed vector in both roles, what is refused, the two that start at once. */
#include "wg_lab.h"

#include "../vectors/wg_handshake_vector.h"

/* --- the vector ------------------------------------------------------------ */

static void vector_identity(struct lab_node *n, const uint8_t private_key[32])
{
	memcpy(n->private_key, private_key, 32);
	adit_wg_set_private_key(n->wg, private_key, n->lab->now);
	assert_int_equal(adit_wg_private_key_continue(n->wg, 1, n->lab->now), 0);
	assert_true(adit_wg_public_key(n->wg, n->public_key));
}

/* home: the low bits of the index that the vector wants for this peer */
static struct adit_wg_peer *vector_peer(struct lab_node *n, const uint8_t public_key[32], const char *allowed,
					uint8_t home)
{
	struct adit_path path = lab_path("192.0.2.9:1");
	struct adit_prefix prefix = lab_prefix(allowed);
	struct adit_wg_peer *peer;

	assert_int_equal(adit_wg_peer_add(n->wg, &peer, public_key, n->lab->now), 0);
	adit_wg_peer_set_endpoint(n->wg, peer, &path);
	adit_wg_peer_set_psk(n->wg, peer, vector_preshared);
	peer->home = home & WG_HOME_MASK;
	assert_int_equal(adit_wg_peer_allow(n->wg, peer, &prefix), 0);
	return peer;
}

static void expect_out(struct lab_node *n, const uint8_t *msg, size_t len)
{
	struct lab_msg m = lab_take(n);

	assert_int_equal(m.len, len);
	assert_memory_equal(m.data, msg, len);
}

static void test_vector_initiator(void **state)
{
	struct adit_path from = lab_path("192.0.2.9:1");
	struct adit_wg_peer *peer;
	struct lab lab;
	struct lab_node *n;

	(void)state;
	lab_init(&lab);
	lab.wall_ns = VECTOR_SECONDS * ADIT_SEC + VECTOR_NANOSECONDS;
	n = lab_node(&lab, 1);
	vector_identity(n, vector_initiator_private);
	assert_memory_equal(n->public_key, vector_initiator_public, 32);
	peer = vector_peer(n, vector_responder_public, "10.0.0.2/32", vector_initiator_random[0]);
	n->script = vector_initiator_random;
	n->script_len = sizeof(vector_initiator_random);
	adit_wg_peer_handshake(n->wg, peer, lab.now);
	lab_tick(&lab);
	expect_out(n, vector_initiation, sizeof(vector_initiation));
	lab_deliver(n, vector_response, sizeof(vector_response), &from, 0);
	expect_out(n, vector_keepalive, sizeof(vector_keepalive));
	lab_deliver(n, vector_data, sizeof(vector_data), &from, 0);
	assert_int_equal(n->in_cnt, 1);
	assert_int_equal(n->in[0].len, sizeof(vector_plain));
	assert_memory_equal(n->in[0].data, vector_plain, sizeof(vector_plain));
	lab_fini(&lab);
}

static void test_vector_responder(void **state)
{
	struct adit_path from = lab_path("192.0.2.9:1");
	uint8_t wire[128] = { 0 };
	struct adit_train t = { .wire = wire, .cnt = 1, .len = { sizeof(vector_plain) } };
	struct lab lab;
	struct lab_node *n;

	(void)state;
	lab_init(&lab);
	n = lab_node(&lab, 2);
	vector_identity(n, vector_responder_private);
	vector_peer(n, vector_initiator_public, "10.0.0.1/32", vector_responder_random[0]);
	n->script = vector_responder_random;
	n->script_len = sizeof(vector_responder_random);
	lab_deliver(n, vector_initiation, sizeof(vector_initiation), &from, 0);
	expect_out(n, vector_response, sizeof(vector_response));
	assert_int_equal(n->events[ADIT_WG_SESSION], 0); /* not before it is confirmed */
	lab_deliver(n, vector_keepalive, sizeof(vector_keepalive), &from, 0);
	assert_int_equal(n->events[ADIT_WG_SESSION], 1);
	memcpy(wire + ADIT_WG_HEAD, vector_plain, sizeof(vector_plain));
	t.stride = t.last_len = (uint32_t)adit_wg_wire_len(n->wg, sizeof(vector_plain));
	assert_int_equal(adit_wg_out_begin(n->wg, &t, lab.now), ADIT_SEAL);
	lab_emit(n, &t);
	expect_out(n, vector_data, sizeof(vector_data));
	lab_fini(&lab);
}

/* --- what it does with good messages ---------------------------------------- */

static void test_ten_pings(void **state)
{
	struct adit_wg_peer_info info;
	struct lab_pair p;

	(void)state;
	lab_pair_init(&p);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(lab_send(p.a, "10.0.0.1", "10.0.0.2", 84), i ? ADIT_SEAL : ADIT_DONE);
		lab_tick(&p.lab);
		lab_flow(&p.lab);
		assert_int_equal(lab_send(p.b, "10.0.0.2", "10.0.0.1", 84), ADIT_SEAL);
		lab_flow(&p.lab);
	}
	assert_int_equal(p.a->in_cnt, 10);
	assert_int_equal(p.b->in_cnt, 10);
	info = lab_info(p.a, p.ab);
	assert_int_equal(info.rx_bytes, 1372); /* as the kernel counts */
	assert_int_equal(info.tx_bytes, 1428);
	assert_int_equal(info.last_handshake.sec, 1700000000);
	info = lab_info(p.b, p.ba);
	assert_int_equal(info.rx_bytes, 1428);
	assert_int_equal(info.tx_bytes, 1372);
	lab_pair_fini(&p);
}

static void test_without_staged_packets_a_keepalive_confirms(void **state)
{
	struct lab_pair p;

	(void)state;
	lab_pair_init(&p);
	adit_wg_peer_handshake(p.a->wg, p.ab, p.lab.now);
	lab_tick(&p.lab);
	assert_int_equal(p.a->out_cnt, 1);
	assert_int_equal(p.a->out[0].tos, 0x88); /* AF41 */
	struct lab_msg initiation = lab_take(p.a);
	lab_deliver_msg(&p.lab, p.a, &initiation);
	assert_int_equal(p.b->out_cnt, 1);
	assert_int_equal(p.b->out[0].tos, 0x88);
	assert_false(lab_info(p.b, p.ba).has_session); /* must not send on `next` */
	assert_int_equal(lab_send(p.b, "10.0.0.2", "10.0.0.1", 84), ADIT_DONE);
	struct lab_msg response = lab_take(p.b);
	lab_deliver_msg(&p.lab, p.b, &response);
	assert_int_equal(p.a->out_cnt, 1);
	assert_int_equal(p.a->out[0].len, 32);
	assert_int_equal(p.a->out[0].tos, 0);
	/* the response's sender index is the session's */
	assert_memory_equal(p.a->out[0].data + 4, response.data + 4, 4);
	lab_flow(&p.lab);
	assert_int_equal(p.a->in_cnt, 1); /* what b had staged */
	lab_pair_fini(&p);
}

static void test_simultaneous_open(void **state)
{
	struct lab_msg from_a, from_b;
	struct lab_pair p;

	(void)state;
	lab_pair_init(&p);
	adit_wg_peer_set_endpoint(p.b->wg, p.ba, &p.a->self);
	lab_send(p.a, "10.0.0.1", "10.0.0.2", 100);
	lab_send(p.b, "10.0.0.2", "10.0.0.1", 100);
	lab_tick(&p.lab);
	from_a = lab_take(p.a);
	from_b = lab_take(p.b);
	lab_deliver_msg(&p.lab, p.a, &from_a);
	lab_deliver_msg(&p.lab, p.b, &from_b);
	/* both have answered, and both still await their response */
	from_a = lab_take(p.a);
	from_b = lab_take(p.b);
	assert_int_equal(from_a.data[0], WG_RESPONSE);
	lab_deliver_msg(&p.lab, p.a, &from_a);
	lab_deliver_msg(&p.lab, p.b, &from_b);
	lab_flow(&p.lab);
	assert_int_equal(lab_drops(p.a, ADIT_DROP_unexpected_response), 0);
	assert_int_equal(lab_drops(p.b, ADIT_DROP_unexpected_response), 0);
	assert_int_equal(p.a->in_cnt, 1); /* at once */
	assert_int_equal(p.b->in_cnt, 1);
	for (int i = 0; i < 3; i++) { /* and it goes on */
		lab_send(p.a, "10.0.0.1", "10.0.0.2", 100);
		lab_send(p.b, "10.0.0.2", "10.0.0.1", 100);
		lab_flow(&p.lab);
	}
	assert_int_equal(p.a->in_cnt, 4);
	assert_int_equal(p.b->in_cnt, 4);
	lab_pair_fini(&p);
}

/* A process that stood still finds the peer's old initiations, and answers one
 * that is long forgotten; its own initiation must not be lost by that. */
static void test_old_initiations(void **state)
{
	struct lab_msg old[5], mine, answer;
	struct lab_pair p;

	(void)state;
	lab_pair_init(&p);
	adit_wg_peer_set_endpoint(p.b->wg, p.ba, &p.a->self);
	lab_send(p.b, "10.0.0.2", "10.0.0.1", 100);
	for (int i = 0; i < 5; i++) {
		lab_pass(&p.lab, i ? 6 * ADIT_SEC : 0, false);
		lab_tick(&p.lab);
		old[i] = lab_take(p.b);
		assert_int_equal(old[i].data[0], WG_INITIATION);
		while (p.b->out_cnt)
			lab_take(p.b);
	}
	adit_wg_peer_handshake(p.a->wg, p.ab, p.lab.now);
	lab_tick(&p.lab);
	mine = lab_take(p.a);
	for (int i = 0; i < 5; i++)
		lab_deliver_msg(&p.lab, p.b, &old[i]);
	assert_int_equal(lab_drops(p.a, ADIT_DROP_initiation_flood), 4);
	answer = lab_take(p.a);
	lab_deliver_msg(&p.lab, p.a, &answer); /* to an initiation that b has replaced since */
	assert_int_equal(lab_drops(p.b, ADIT_DROP_unexpected_response), 1);
	lab_deliver_msg(&p.lab, p.a, &mine);
	lab_flow(&p.lab);
	assert_int_equal(lab_drops(p.a, ADIT_DROP_unexpected_response), 0);
	assert_int_equal(p.a->in_cnt, 1); /* what b had staged, at once */
	lab_pair_fini(&p);
}

/* --- what it refuses ---------------------------------------------------------- */

static struct lab_msg make_initiation(struct lab_pair *p)
{
	adit_wg_peer_handshake(p->a->wg, p->ab, p->lab.now);
	lab_tick(&p->lab);
	return lab_take(p->a);
}

static void test_every_byte_matters(void **state)
{
	struct lab_msg good, bad;
	struct lab_pair p;

	(void)state;
	lab_pair_init(&p);
	good = make_initiation(&p);
	for (size_t i = 4; i < 116; i++) { /* type apart; macs follow */
		bad = good;
		bad.data[i] ^= 0x10;
		lab_deliver_msg(&p.lab, p.a, &bad);
		assert_int_equal(lab_drops(p.b, ADIT_DROP_bad_mac1), i - 3);
	}
	for (size_t i = 8; i < 116; i++) { /* the sender index is covered by mac1 alone */
		bad = good;
		bad.data[i] ^= 0x10;
		lab_remac(p.b, bad.data, bad.len);
		lab_deliver_msg(&p.lab, p.a, &bad);
		assert_int_equal(p.b->out_cnt, 0);
	}
	assert_int_equal(lab_drops(p.b, ADIT_DROP_bad_handshake), 108);
	assert_int_equal(lab_info(p.b, p.ba).rx_bytes, 0);
	assert_int_equal(lab_info(p.b, p.ba).endpoint.kind, ADIT_PATH_NONE);
	lab_deliver_msg(&p.lab, p.a, &good); /* and the good one still counts */
	good = lab_take(p.b);
	assert_int_equal(good.data[0], WG_RESPONSE);
	for (size_t i = 12; i < 60; i++) { /* the response likewise */
		bad = good;
		bad.data[i] ^= 0x10;
		lab_remac(p.a, bad.data, bad.len);
		lab_deliver_msg(&p.lab, p.b, &bad);
		assert_int_equal(p.a->out_cnt, 0);
	}
	assert_int_equal(lab_drops(p.a, ADIT_DROP_bad_handshake), 48);
	lab_deliver_msg(&p.lab, p.b, &good);
	assert_int_equal(p.a->out_cnt, 1);
	lab_deliver_msg(&p.lab, p.b, &good); /* a second time it is not awaited */
	assert_int_equal(lab_drops(p.a, ADIT_DROP_unexpected_response), 1);
	lab_pair_fini(&p);
}

static void test_lengths_and_types(void **state)
{
	struct lab_msg good, bad;
	struct lab_pair p;
	uint8_t buf[200] = { 0 };

	(void)state;
	lab_pair_init(&p);
	good = make_initiation(&p);
	for (unsigned i = 1; i < 4; i++) { /* reserved bytes */
		bad = good;
		bad.data[i] = 1;
		lab_remac(p.b, bad.data, bad.len);
		lab_deliver_msg(&p.lab, p.a, &bad);
		assert_int_equal(lab_drops(p.b, ADIT_DROP_bad_type), i);
	}
	for (size_t len = 1; len < 4; len++)
		lab_deliver(p.b, buf, len, &p.a->self, 0);
	assert_int_equal(lab_drops(p.b, ADIT_DROP_short), 3);
	lab_deliver(p.b, buf, 100, &p.a->self, 0); /* type 0 */
	buf[0] = 5;
	lab_deliver(p.b, buf, 100, &p.a->self, 0);
	assert_int_equal(lab_drops(p.b, ADIT_DROP_bad_type), 5);
	for (uint8_t type = 1; type <= 3; type++) {
		static const size_t len[] = { 0, 148, 92, 64 };

		buf[0] = type;
		lab_deliver(p.b, buf, len[type] - 1, &p.a->self, 0);
		lab_deliver(p.b, buf, len[type] + 1, &p.a->self, 0);
		assert_int_equal(lab_drops(p.b, ADIT_DROP_bad_length), 2 * type);
	}
	buf[0] = WG_DATA;
	lab_deliver(p.b, buf, 31, &p.a->self, 0);
	assert_int_equal(lab_drops(p.b, ADIT_DROP_bad_length), 7);
	lab_deliver(p.b, buf, 32, &p.a->self, 0);
	assert_int_equal(lab_drops(p.b, ADIT_DROP_unknown_index), 1);
	lab_pair_fini(&p);
}

static void test_replayed_initiation(void **state)
{
	struct lab_msg good;
	struct lab_pair p;

	(void)state;
	lab_pair_init(&p);
	good = make_initiation(&p);
	lab_deliver_msg(&p.lab, p.a, &good);
	lab_flow(&p.lab);
	lab_pass(&p.lab, 30 * ADIT_SEC, true);
	lab_deliver_msg(&p.lab, p.a, &good);
	assert_int_equal(lab_drops(p.b, ADIT_DROP_replayed_timestamp), 1);
	assert_int_equal(p.b->out_cnt, 0);
	lab_pair_fini(&p);
}

static void test_initiation_flood(void **state)
{
	struct lab_msg m[3];
	struct lab_pair p;

	(void)state;
	lab_pair_init(&p);
	for (int i = 0; i < 3; i++) {
		m[i] = make_initiation(&p);
		p.lab.now += 6 * ADIT_SEC;
		p.lab.wall_ns += 6 * ADIT_SEC;
	}
	lab_deliver_msg(&p.lab, p.a, &m[0]);
	p.lab.now += 19 * ADIT_MSEC;
	lab_deliver_msg(&p.lab, p.a, &m[1]);
	assert_int_equal(lab_drops(p.b, ADIT_DROP_initiation_flood), 1);
	p.lab.now += ADIT_MSEC;
	lab_deliver_msg(&p.lab, p.a, &m[2]);
	assert_int_equal(lab_drops(p.b, ADIT_DROP_initiation_flood), 1);
	assert_int_equal(lab_count_out(p.b, WG_RESPONSE, 92), 2);
	lab_pair_fini(&p);
}

/* Bytes of the timestamp b accepted last. */
static const uint8_t *seen(struct lab_pair *p)
{
	return p->ba->latest_timestamp;
}

static void test_timestamps_are_rounded_and_never_fall(void **state)
{
	uint8_t first[12], second[12];
	struct lab_pair p;

	(void)state;
	lab_pair_init(&p);
	p.lab.wall_ns += 987654321;
	lab_pair_connect(&p);
	memcpy(first, seen(&p), 12);
	assert_true(adit_get_be64(first) == UINT64_C(0x400000000000000a) + 1700000000);
	assert_int_equal(adit_get_be32(first + 8), 987654321 & ~0xffffff);
	/* wall time falls by 400 days: what is sent rises by one step */
	p.lab.now += 10 * ADIT_SEC;
	p.lab.wall_ns -= INT64_C(400) * 86400 * ADIT_SEC;
	adit_wg_peer_handshake(p.a->wg, p.ab, p.lab.now);
	lab_tick(&p.lab);
	lab_flow(&p.lab);
	memcpy(second, seen(&p), 12);
	assert_true(memcmp(second, first, 12) > 0);
	/* 987654321 is in step 58 of 0..59 */
	assert_int_equal(adit_get_be32(second + 8), 59 << 24);
	assert_int_equal(lab_drops(p.b, ADIT_DROP_replayed_timestamp), 0);
	lab_pair_fini(&p);
}

/* A peer that is removed and added again does not reset what was sent to it. */
static void test_timestamp_survives_the_peer(void **state)
{
	struct lab_pair p;

	(void)state;
	lab_pair_init(&p);
	lab_pair_connect(&p);
	adit_wg_peer_remove(p.a->wg, p.ab, p.lab.now);
	p.lab.wall_ns -= 3600 * ADIT_SEC;
	p.lab.now += 6 * ADIT_SEC;
	p.ab = lab_peer(p.a, p.b, true, "10.0.0.2/32");
	lab_pair_connect(&p);
	assert_int_equal(lab_drops(p.b, ADIT_DROP_replayed_timestamp), 0);
	lab_pair_fini(&p);
}

static void test_unknown_peer_and_no_identity(void **state)
{
	static const uint8_t none[32];
	struct lab_msg m;
	struct lab_pair p;

	(void)state;
	lab_pair_init(&p);
	m = make_initiation(&p);
	adit_wg_peer_remove(p.b->wg, p.ba, p.lab.now);
	lab_deliver_msg(&p.lab, p.a, &m);
	assert_int_equal(lab_drops(p.b, ADIT_DROP_unknown_peer), 1);
	adit_wg_set_private_key(p.b->wg, none, p.lab.now);
	lab_deliver_msg(&p.lab, p.a, &m);
	assert_int_equal(lab_drops(p.b, ADIT_DROP_no_identity), 1);
	assert_int_equal(p.b->out_cnt, 0);
	/* without an identity nothing is begun either */
	adit_wg_set_private_key(p.a->wg, none, p.lab.now);
	p.lab.now += 10 * ADIT_SEC;
	adit_wg_peer_handshake(p.a->wg, p.ab, p.lab.now);
	lab_pass(&p.lab, 100 * ADIT_SEC, false);
	assert_int_equal(p.a->out_cnt, 0);
	lab_pair_fini(&p);
}

/* The seven points whose multiples are all zero. */
static const char *const low_order[] = {
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0100000000000000000000000000000000000000000000000000000000000000",
	"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
	"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
};

static void unhex(uint8_t out[32], const char *hex)
{
	for (int i = 0; i < 32; i++) {
		unsigned v;

		assert_int_equal(sscanf(hex + 2 * i, "%2x", &v), 1);
		out[i] = (uint8_t)v;
	}
}

static void test_low_order_keys(void **state)
{
	struct lab_pair p;
	struct lab_msg m;
	uint8_t point[32];

	(void)state;
	lab_pair_init(&p);
	m = make_initiation(&p);
	for (unsigned i = 0; i < 7; i++) {
		struct adit_wg_peer *peer;
		struct lab_msg bad = m;

		unhex(point, low_order[i]);
		assert_int_equal(adit_wg_peer_add(p.a->wg, &peer, point, p.lab.now), 0);
		adit_wg_peer_set_endpoint(p.a->wg, peer, &p.b->self);
		adit_wg_peer_set_keepalive(p.a->wg, peer, 1, p.lab.now);
		adit_wg_peer_handshake(p.a->wg, peer, p.lab.now);
		lab_tick(&p.lab);
		assert_int_equal(p.a->out_cnt, 0);
		adit_wg_peer_remove(p.a->wg, peer, p.lab.now);
		memcpy(bad.data + 8, point, 32); /* as an ephemeral */
		lab_remac(p.b, bad.data, bad.len);
		lab_deliver_msg(&p.lab, p.a, &bad);
		assert_int_equal(lab_drops(p.b, ADIT_DROP_low_order_key), i + 1);
	}
	lab_deliver_msg(&p.lab, p.a, &m);
	m = lab_take(p.b);
	for (unsigned i = 0; i < 7; i++) { /* as the ephemeral of a response */
		struct lab_msg bad = m;

		unhex(point, low_order[i]);
		memcpy(bad.data + 12, point, 32);
		lab_remac(p.a, bad.data, bad.len);
		lab_deliver_msg(&p.lab, p.b, &bad);
		assert_int_equal(lab_drops(p.a, ADIT_DROP_low_order_key), i + 1);
	}
	lab_deliver_msg(&p.lab, p.b, &m);
	assert_int_equal(p.a->out_cnt, 1);
	lab_pair_fini(&p);
}

static void test_preshared_key(void **state)
{
	uint8_t psk[32] = { 7 }, none[32] = { 0 };
	struct lab_pair p;

	(void)state;
	lab_pair_init(&p);
	lab_pair_connect(&p);
	/* the live session stays, the next handshake needs the same key */
	adit_wg_peer_set_psk(p.a->wg, p.ab, psk);
	assert_int_equal(lab_send(p.a, "10.0.0.1", "10.0.0.2", 100), ADIT_SEAL);
	lab_flow(&p.lab);
	assert_int_equal(p.b->in_cnt, 1);
	p.lab.now += 10 * ADIT_SEC;
	adit_wg_peer_handshake(p.a->wg, p.ab, p.lab.now);
	lab_tick(&p.lab);
	lab_flow(&p.lab);
	assert_int_equal(lab_drops(p.a, ADIT_DROP_bad_handshake), 1);
	adit_wg_peer_set_psk(p.b->wg, p.ba, psk);
	p.lab.now += 10 * ADIT_SEC;
	lab_tick(&p.lab);
	lab_flow(&p.lab);
	assert_int_equal(p.a->events[ADIT_WG_SESSION], 2);
	assert_memory_equal(lab_info(p.a, p.ab).psk, psk, 32);
	adit_wg_peer_set_psk(p.a->wg, p.ab, none);
	assert_memory_equal(lab_info(p.a, p.ab).psk, none, 32);
	lab_pair_fini(&p);
}

/* An index belongs to one handshake or session; the session inherits it. */
static void test_indices(void **state)
{
	static const uint8_t twice[] = { 1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 7, 8 };
	struct adit_wg_peer peer = { .home = 5 };
	struct wg_indexed one = { .kind = WG_INDEXED_HANDSHAKE, .peer = &peer }, two = one;
	struct lab lab;
	struct lab_node *n;

	(void)state;
	lab_init(&lab);
	n = lab_node(&lab, 1);
	n->script = twice;
	n->script_len = sizeof(twice);
	assert_int_equal(wg_index_insert(n->wg, &one), 0);
	assert_int_equal(wg_index_insert(n->wg, &two), 0);
	assert_int_equal(one.index, 0x04030205); /* the low bits are the peer's home */
	assert_int_equal(two.index, 0x08070605);
	assert_ptr_equal(wg_index_find(n->wg, one.index), &one);
	wg_index_remove(n->wg, &one);
	assert_null(wg_index_find(n->wg, one.index));
	assert_int_equal(wg_index_replace(n->wg, &two, &one), 0);
	assert_ptr_equal(wg_index_find(n->wg, two.index), &one);
	wg_index_remove(n->wg, &one);
	lab_fini(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vector_initiator),
		cmocka_unit_test(test_vector_responder),
		cmocka_unit_test(test_ten_pings),
		cmocka_unit_test(test_without_staged_packets_a_keepalive_confirms),
		cmocka_unit_test(test_simultaneous_open),
		cmocka_unit_test(test_old_initiations),
		cmocka_unit_test(test_every_byte_matters),
		cmocka_unit_test(test_lengths_and_types),
		cmocka_unit_test(test_replayed_initiation),
		cmocka_unit_test(test_initiation_flood),
		cmocka_unit_test(test_timestamps_are_rounded_and_never_fall),
		cmocka_unit_test(test_timestamp_survives_the_peer),
		cmocka_unit_test(test_unknown_peer_and_no_identity),
		cmocka_unit_test(test_low_order_keys),
		cmocka_unit_test(test_preshared_key),
		cmocka_unit_test(test_indices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
