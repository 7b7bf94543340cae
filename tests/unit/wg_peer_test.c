/* SPDX-License-Identifier: ISC */
/* Peers and device: adding, removing, keys, several endpoints, slices, cursors, up and down. */
#include <errno.h>

#include "wg_lab.h"

static struct adit_wg_peer *add(struct lab_node *n, unsigned i)
{
	uint8_t key[32] = { 9, (uint8_t)i, (uint8_t)(i >> 8), (uint8_t)(i >> 16) };
	struct adit_wg_peer *peer = NULL;

	assert_int_equal(adit_wg_peer_add(n->wg, &peer, key, n->lab->now), 0);
	return peer;
}

static void test_add_find_remove(void **state)
{
	struct lab_pair p;
	struct adit_wg_peer *peer, *untouched = (void *)1;
	struct adit_wg_stats s;

	(void)state;
	lab_pair_init(&p);
	assert_ptr_equal(adit_wg_peer_find(p.a->wg, p.b->public_key), p.ab);
	peer = untouched;
	assert_int_equal(adit_wg_peer_add(p.a->wg, &peer, p.b->public_key, p.lab.now), -EEXIST);
	assert_int_equal(adit_wg_peer_add(p.a->wg, &peer, p.a->public_key, p.lab.now), -EADDRINUSE); /* ourselves */
	assert_ptr_equal(peer, untouched);
	p.a->wg->peer_cnt = ADIT_WG_PEERS_MAX;
	uint8_t key[32] = { 1 };
	assert_int_equal(adit_wg_peer_add(p.a->wg, &peer, key, p.lab.now), -ENOSPC);
	p.a->wg->peer_cnt = 1;
	adit_wg_peer_remove(p.a->wg, p.ab, p.lab.now);
	assert_null(adit_wg_peer_find(p.a->wg, p.b->public_key));
	adit_wg_stats(p.a->wg, &s, p.lab.now);
	assert_int_equal(s.peers, 0);
	lab_pair_fini(&p);
}

static void test_cursor_survives_changes(void **state)
{
	struct adit_wg_peer *peer[10];
	struct adit_wg_cursor c, other;
	struct lab lab;
	struct lab_node *n;

	(void)state;
	lab_init(&lab);
	n = lab_node(&lab, 1);
	adit_wg_cursor_open(n->wg, &c);
	assert_null(adit_wg_cursor_next(n->wg, &c));
	adit_wg_cursor_close(n->wg, &c);
	adit_wg_cursor_close(n->wg, &c); /* twice is fine */
	for (unsigned i = 0; i < 10; i++)
		peer[i] = add(n, i);
	adit_wg_cursor_open(n->wg, &c);
	adit_wg_cursor_open(n->wg, &other);
	assert_ptr_equal(adit_wg_cursor_next(n->wg, &c), peer[0]);
	adit_wg_peer_remove(n->wg, peer[1], 0); /* the next one */
	adit_wg_peer_remove(n->wg, peer[2], 0);
	adit_wg_peer_remove(n->wg, peer[0], 0); /* one that was given */
	assert_ptr_equal(adit_wg_cursor_next(n->wg, &c), peer[3]);
	assert_ptr_equal(adit_wg_cursor_next(n->wg, &other), peer[3]);
	adit_wg_peer_remove(n->wg, peer[9], 0); /* the last one */
	for (unsigned i = 4; i < 9; i++)
		assert_ptr_equal(adit_wg_cursor_next(n->wg, &c), peer[i]);
	assert_null(adit_wg_cursor_next(n->wg, &c));
	adit_wg_cursor_close(n->wg, &c);
	assert_ptr_equal(adit_wg_cursor_next(n->wg, &other), peer[4]);
	adit_wg_peer_remove(n->wg, peer[5], 0);
	peer[5] = add(n, 5); /* comes again, at the end */
	for (unsigned i = 6; i < 9; i++)
		assert_ptr_equal(adit_wg_cursor_next(n->wg, &other), peer[i]);
	assert_ptr_equal(adit_wg_cursor_next(n->wg, &other), peer[5]);
	assert_null(adit_wg_cursor_next(n->wg, &other));
	adit_wg_cursor_close(n->wg, &other);
	lab_fini(&lab);
}

static void test_remove_in_slices(void **state)
{
	struct lab lab;
	struct lab_node *n;
	size_t left, turns = 0;

	(void)state;
	lab_init(&lab);
	n = lab_node(&lab, 1);
	for (unsigned i = 0; i < 1000; i++)
		add(n, i);
	struct adit_wg_peer *big = adit_wg_peer_find(n->wg, (const uint8_t[32]){ 9 });
	for (unsigned i = 0; i < 1000; i++) {
		struct adit_prefix prefix = { { 4, { 10, 0, (uint8_t)(i >> 8), (uint8_t)i } }, 32 };

		assert_int_equal(adit_wg_peer_allow(n->wg, big, &prefix), 0);
	}
	assert_int_equal(adit_wg_peers_remove_some(n->wg, 1, lab.now), 1000); /* 256 of its prefixes */
	do {
		left = adit_wg_peers_remove_some(n->wg, 100, lab.now);
		turns++;
	} while (left);
	assert_int_equal(turns, 11);
	assert_int_equal(adit_map_size(&n->wg->allowedips.map), 0);
	assert_int_equal(adit_map_size(&n->wg->peers_by_key), 0);
	lab_fini(&lab);
}

/* --- identity ------------------------------------------------------------------- */

static void test_private_key(void **state)
{
	uint8_t key[32], got[32], none[32] = { 0 };
	struct lab_pair p;

	(void)state;
	lab_pair_init(&p);
	memset(key, 0xff, 32);
	adit_wg_set_private_key(p.a->wg, key, p.lab.now);
	assert_true(adit_wg_private_key(p.a->wg, got));
	assert_int_equal(got[0], 0xf8); /* clamped */
	assert_int_equal(got[31], 0x7f);
	assert_true(adit_wg_public_key(p.a->wg, got));
	adit_wg_set_private_key(p.a->wg, none, p.lab.now);
	assert_false(adit_wg_private_key(p.a->wg, got));
	assert_false(adit_wg_public_key(p.a->wg, got));
	lab_pair_fini(&p);
}

static void test_private_key_of_a_peer_removes_it(void **state)
{
	struct lab_pair p;

	(void)state;
	lab_pair_init(&p);
	adit_wg_set_private_key(p.a->wg, p.b->private_key, p.lab.now);
	assert_null(adit_wg_peer_find(p.a->wg, p.b->public_key));
	lab_pair_fini(&p);
}

static void test_new_private_key_ends_sending_at_once(void **state)
{
	uint8_t key[32] = { 5 };
	struct lab_msg m;
	struct lab_pair p;

	(void)state;
	lab_pair_init(&p);
	lab_pair_connect(&p);
	for (unsigned i = 0; i < 20; i++)
		add(p.a, i);
	adit_wg_set_private_key(p.a->wg, p.a->private_key, p.lab.now); /* the same: nothing happens */
	assert_int_equal(lab_send(p.a, "10.0.0.1", "10.0.0.2", 100), ADIT_SEAL);
	lab_flow(&p.lab);
	assert_int_equal(lab_send(p.b, "10.0.0.2", "10.0.0.1", 100), ADIT_SEAL);
	m = lab_take(p.b);
	adit_wg_set_private_key(p.a->wg, key, p.lab.now);
	/* before any slice has run: no sending, receiving goes on */
	assert_false(lab_info(p.a, p.ab).has_session);
	assert_int_equal(lab_send(p.a, "10.0.0.1", "10.0.0.2", 100), ADIT_DONE);
	lab_deliver_msg(&p.lab, p.b, &m);
	assert_int_equal(p.a->in_cnt, 1);
	assert_non_null(p.ab->static_static);
	int turns = 1;
	while (adit_wg_private_key_continue(p.a->wg, 5, p.lab.now) > 0)
		turns++;
	assert_int_equal(turns, 5);
	assert_null(p.ab->static_static);
	/* a handshake may be made at once, under the new key */
	struct adit_wg_peer *again;
	uint8_t public_key[32];
	struct adit_prefix prefix = lab_prefix("10.0.0.1/32");
	assert_true(adit_wg_public_key(p.a->wg, public_key));
	assert_int_equal(adit_wg_peer_add(p.b->wg, &again, public_key, p.lab.now), 0);
	assert_int_equal(adit_wg_peer_allow(p.b->wg, again, &prefix), 0);
	lab_tick(&p.lab);
	assert_int_equal(lab_count_out(p.a, WG_INITIATION, 148), 1);
	lab_flow(&p.lab);
	assert_int_equal(p.b->in_cnt, 2);
	lab_pair_fini(&p);
}

static void test_new_private_key_forgets_what_was_pending(void **state)
{
	uint8_t key[32] = { 5 };
	struct lab_msg m;
	struct lab_pair p;

	(void)state;
	lab_pair_init(&p);
	adit_wg_peer_handshake(p.a->wg, p.ab, p.lab.now);
	lab_tick(&p.lab);
	m = lab_take(p.a);
	lab_deliver_msg(&p.lab, p.a, &m);
	adit_wg_set_private_key(p.a->wg, key, p.lab.now);
	memcpy(p.a->public_key, p.a->wg->public_key, 32);
	m = lab_take(p.b);
	lab_remac(p.a, m.data, m.len);
	lab_deliver_msg(&p.lab, p.b, &m);
	assert_int_equal(lab_drops(p.a, ADIT_DROP_unexpected_response), 1);
	assert_int_equal(adit_wg_private_key_continue(p.a->wg, 5, p.lab.now), 0);
	assert_null(p.ab->handshake);
	/* a responder's session that waits to be confirmed must not send either */
	p.b->wg->identity++;
	assert_non_null(p.ba->next);
	wg_peer_forget_identity(p.b->wg, p.ba);
	assert_false(p.ba->next->may_send);
	lab_pair_fini(&p);
}

/* --- several endpoints -------------------------------------------------------------- */

static void test_first_answer_wins(void **state)
{
	struct adit_path dead = lab_path("203.0.113.1:1"), dead6 = lab_path("[2001:db8::1]:1");
	struct lab_pair p;

	(void)state;
	lab_pair_init(&p);
	adit_wg_peer_set_endpoint(p.a->wg, p.ab, &dead);
	assert_int_equal(adit_wg_peer_add_endpoint(p.a->wg, p.ab, &dead6), 0);
	assert_int_equal(adit_wg_peer_add_endpoint(p.a->wg, p.ab, &p.b->self), 0);
	assert_int_equal(adit_wg_peer_add_endpoint(p.a->wg, p.ab, &p.b->self), 0); /* once is enough */
	lab_send(p.a, "10.0.0.1", "10.0.0.2", 100);
	lab_tick(&p.lab);
	assert_int_equal(p.a->out_cnt, 3);
	assert_memory_equal(p.a->out[0].data, p.a->out[2].data, 148);
	assert_int_equal(lab_info(p.a, p.ab).tx_bytes, 3 * 148);
	lab_flow(&p.lab);
	assert_true(adit_path_same_remote(&p.ab->endpoint, &p.b->self));
	assert_int_equal(p.a->events[ADIT_WG_ENDPOINT], 1);
	assert_int_equal(p.b->in_cnt, 1);
	/* a rekey of a working session goes to the one that works ... */
	p.lab.now += 130 * ADIT_SEC;
	lab_send(p.a, "10.0.0.1", "10.0.0.2", 100);
	lab_tick(&p.lab);
	assert_int_equal(lab_count_out(p.a, WG_INITIATION, 0), 1);
	/* ... and a retry to all */
	p.a->out_cnt = 0;
	lab_pass(&p.lab, 5500 * ADIT_MSEC, false);
	assert_int_equal(lab_count_out(p.a, WG_INITIATION, 0), 3);
	p.a->out_cnt = 0;
	/* one endpoint replaces all */
	adit_wg_peer_set_endpoint(p.a->wg, p.ab, &p.b->self);
	lab_pass(&p.lab, 5500 * ADIT_MSEC, false);
	assert_int_equal(lab_count_out(p.a, WG_INITIATION, 0), 1);
	lab_pair_fini(&p);
}

static void test_endpoints_are_bounded(void **state)
{
	struct adit_path path = lab_path("203.0.113.1:1");
	struct lab_pair p;

	(void)state;
	lab_pair_init(&p);
	for (unsigned i = 0; i < ADIT_WG_ENDPOINTS_MAX; i++) {
		path.port = (uint16_t)(i + 1);
		assert_int_equal(adit_wg_peer_add_endpoint(p.b->wg, p.ba, &path), 0); /* the first simply becomes it */
	}
	path.port = 99;
	assert_int_equal(adit_wg_peer_add_endpoint(p.b->wg, p.ba, &path), -ENOSPC);
	lab_pair_fini(&p);
}

/* --- up and down ---------------------------------------------------------------------- */

static void test_down_and_up(void **state)
{
	struct lab_pair p;
	struct adit_wg_stats s;
	struct lab_msg m;

	(void)state;
	lab_pair_init(&p);
	adit_wg_peer_set_keepalive(p.a->wg, p.ab, 25, p.lab.now);
	lab_tick(&p.lab);
	lab_flow(&p.lab);
	for (unsigned i = 0; i < 30; i++)
		add(p.a, i);
	lab_send(p.b, "10.0.0.2", "10.0.0.1", 100);
	m = lab_take(p.b);
	assert_int_equal(adit_wg_down(p.a->wg, 10, p.lab.now), 1);
	assert_false(adit_wg_is_up(p.a->wg));
	lab_deliver_msg(&p.lab, p.b, &m);
	assert_int_equal(lab_drops(p.a, ADIT_DROP_interface_down), 1);
	/* up again before it was all down: that is finished first */
	assert_int_equal(adit_wg_up(p.a->wg, 10, p.lab.now), 1);
	assert_false(adit_wg_is_up(p.a->wg));
	assert_int_equal(adit_wg_down(p.a->wg, 100, p.lab.now), 0);
	adit_wg_stats(p.a->wg, &s, p.lab.now);
	assert_int_equal(s.sessions, 0);
	assert_int_equal(adit_wg_deadline(p.a->wg), ADIT_NEVER);
	adit_wg_peer_handshake(p.a->wg, p.ab, p.lab.now);
	assert_int_equal(adit_wg_deadline(p.a->wg), ADIT_NEVER);
	int turns = 1;
	while (adit_wg_up(p.a->wg, 10, p.lab.now) > 0)
		turns++;
	assert_int_equal(turns, 4);
	assert_true(adit_wg_is_up(p.a->wg));
	/* a persistent keepalive goes out, and the 5 s do not hold it up */
	lab_tick(&p.lab);
	assert_int_equal(lab_count_out(p.a, WG_INITIATION, 148), 1);
	lab_pair_fini(&p);
}

static void test_down_with_timers_due(void **state)
{
	struct lab_pair p;

	(void)state;
	lab_pair_init(&p);
	adit_wg_peer_set_keepalive(p.a->wg, p.ab, 1, p.lab.now);
	for (unsigned i = 0; i < 5; i++)
		add(p.a, i);
	lab_tick(&p.lab);
	lab_flow(&p.lab);
	adit_wg_down(p.a->wg, 0, p.lab.now); /* down, but no peer has been reached */
	lab_pass(&p.lab, 200 * ADIT_SEC, false);
	assert_int_equal(p.a->out_cnt, 0);
	assert_int_equal(adit_wg_down(p.a->wg, 10, p.lab.now), 0);
	lab_pair_fini(&p);
}

static void test_free_accepts_null(void **state)
{
	(void)state;
	adit_wg_free(NULL);
}

/* Secrets: nothing of a peer's keys stands outside secret memory, and the
 * blocks are given back when it goes. */
static void test_idle_peer_is_small(void **state)
{
	struct adit_secret_stats before, after;
	struct lab lab;
	struct lab_node *n;

	(void)state;
	lab_init(&lab);
	n = lab_node(&lab, 1);
	adit_secret_stats(&before);
	for (unsigned i = 0; i < 20000; i++) {
		struct adit_prefix prefix = { { 4, { 10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i } }, 32 };

		assert_int_equal(adit_wg_peer_allow(n->wg, add(n, i), &prefix), 0);
	}
	adit_secret_stats(&after);
	assert_int_equal(after.bytes, before.bytes); /* no secret before the first handshake */
	assert_int_equal(adit_wg_deadline(n->wg), ADIT_NEVER);
	/* malloc's own bytes and both tables' slots included */
	size_t slots = n->wg->peers_by_key.now.mask + 1 + n->wg->allowedips.map.now.mask + 1;
	size_t bytes = 20000 * (sizeof(struct adit_wg_peer) + sizeof(struct wg_allowedip) + 32) +
		       slots * sizeof(struct adit_map_slot);
	assert_true(bytes / 20000 <= 1024);
	lab_fini(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add_find_remove),
		cmocka_unit_test(test_cursor_survives_changes),
		cmocka_unit_test(test_remove_in_slices),
		cmocka_unit_test(test_private_key),
		cmocka_unit_test(test_private_key_of_a_peer_removes_it),
		cmocka_unit_test(test_new_private_key_ends_sending_at_once),
		cmocka_unit_test(test_new_private_key_forgets_what_was_pending),
		cmocka_unit_test(test_first_answer_wins),
		cmocka_unit_test(test_endpoints_are_bounded),
		cmocka_unit_test(test_down_and_up),
		cmocka_unit_test(test_down_with_timers_due),
		cmocka_unit_test(test_free_accepts_null),
		cmocka_unit_test(test_idle_peer_is_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
