/* SPDX-License-Identifier: ISC */
/*
 * Out of memory at every place in turn: the n-th allocation fails, for n = 0,
 * 1, 2, ... until none is left to fail. Nothing may break, and when memory is
 * back the device must work.
 */
#include <errno.h>

#include "../support/scarce.h"
#include "wg_lab.h"

static bool configure(struct lab_node *n, long at, bool good)
{
	uint8_t key[32] = { 1, 2 }, psk[32] = { 3 };
	struct adit_prefix prefix = lab_prefix("10.5.0.0/16");
	struct adit_path path = lab_path("203.0.113.1:1"), other = lab_path("203.0.113.2:1");
	struct adit_wg *wg, *const untouched = (void *)1;
	struct adit_wg_peer *peer;
	int r;

	scarce_start(at, good);
	wg = untouched;
	r = adit_wg_new(&wg, &lab_ops, n, n->crypto, n->lab->now);
	if (r < 0) {
		assert_int_equal(r, -ENOMEM);
		assert_ptr_equal(wg, untouched);
		return scarce_stop();
	}
	adit_wg_set_private_key(wg, n->private_key, n->lab->now);
	adit_wg_up(wg, 1, n->lab->now);
	if (adit_wg_peer_add(wg, &peer, key, n->lab->now) == 0) {
		adit_wg_peer_set_endpoint(wg, peer, &path);
		assert_true(adit_wg_peer_add_endpoint(wg, peer, &other) <= 0);
		r = adit_wg_peer_allow(wg, peer, &prefix);
		assert_true(r == 0 || r == -ENOMEM);
		adit_wg_peer_set_psk(wg, peer, psk);
		if (!peer->psk) { /* asked for and not there: no handshake without it */
			adit_wg_peer_handshake(wg, peer, n->lab->now);
			adit_wg_tick(wg, n->lab->now);
			assert_int_equal(n->out_cnt, 0);
		}
	}
	adit_wg_free(wg);
	return scarce_stop();
}

static void test_configuration(void **state)
{
	struct lab_pair p;

	(void)state;
	lab_pair_init(&p);
	for (int good = 0; good < 2; good++) {
		long n = 0;

		while (configure(p.a, n, good))
			n++;
		assert_true(n >= 6);
	}
	lab_pair_fini(&p);
}

/* A handshake, data with a gap, a rekey, a session handed over and taken back. */
static bool traffic(long at, bool good)
{
	uint8_t buf[ADIT_WG_EXPORT_MAX], key[32] = { 4 };
	struct lab_pair p;
	bool did;
	int len;

	lab_pair_init(&p);
	scarce_start(at, good);
	lab_send(p.a, "10.0.0.1", "10.0.0.2", 100);
	lab_tick(&p.lab);
	lab_flow(&p.lab);
	for (int i = 0; i < 3; i++) {
		lab_send(p.a, "10.0.0.1", "10.0.0.2", 100);
		if (i == 1)
			p.a->out_cnt = 0; /* lost */
		lab_flow(&p.lab);
	}
	lab_pass(&p.lab, 125 * ADIT_SEC, true);
	lab_send(p.a, "10.0.0.1", "10.0.0.2", 100);
	lab_tick(&p.lab);
	lab_flow(&p.lab);
	len = adit_wg_session_export(p.a->wg, p.ab, key, buf, p.lab.now);
	if (len > 0) {
		wg_sessions_drop(p.a->wg, p.ab);
		adit_wg_session_import(p.a->wg, key, buf, (size_t)len, p.lab.now);
	}
	did = scarce_stop();
	/* memory is back */
	p.b->in_cnt = 0;
	lab_pass(&p.lab, 200 * ADIT_SEC, true);
	for (int i = 0; i < 3; i++) {
		lab_send(p.a, "10.0.0.1", "10.0.0.2", 100);
		lab_pass(&p.lab, 6 * ADIT_SEC, true);
	}
	assert_in_range(p.b->in_cnt, 3, 4); /* and perhaps one that was staged before */
	lab_pair_fini(&p);
	return did;
}

static void test_traffic(void **state)
{
	(void)state;
	for (int good = 0; good < 2; good++) {
		long n = 0;

		while (traffic(n, good))
			n++;
		assert_true(n >= 10);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_configuration),
		cmocka_unit_test(test_traffic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
