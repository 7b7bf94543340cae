/* SPDX-License-Identifier: ISC */
/*
 * static_memory_test.c - what the static tunnel allocates: nothing while data flows; and the n-th allocation failing, for
 * every n in turn, breaks nothing that is not mended when memory is back.
 */
#include "../support/scarce.h"
#include "static_lab.h"

static void wanted(int r)
{
	assert_true(r == 0 || r == -ENOMEM);
}

static bool configure(struct lab_node *n, enum adit_static_wire wire, long at, bool good)
{
	uint8_t key[32] = { 1, 2 };
	struct adit_prefix prefix = lab_prefix("10.5.0.0/16"), own = lab_prefix("10.5.0.1");
	struct adit_path path = lab_path("203.0.113.1:1");
	struct adit_static *st, *const untouched = (void *)1;
	struct adit_static_peer *peer;
	int r;

	scarce_start(at, good);
	st = untouched;
	r = adit_static_new(&st, wire, &lab_ops, n, n->crypto, n->lab->now);
	wanted(r);
	if (r < 0) {
		assert_ptr_equal(st, untouched);
		return scarce_stop();
	}
	adit_static_set_private_key(st, n->private_key);
	r = adit_static_peer_add(st, &peer, key, n->lab->now);
	wanted(r);
	if (r < 0)
		assert_null(adit_static_peer_next(st, NULL));
	if (r == 0) {
		wanted(adit_static_peer_set_endpoint(st, peer, &path));
		wanted(adit_static_peer_allow(st, peer, &prefix));
		wanted(adit_static_own(st, &own));
	}
	adit_static_up(st, n->lab->now);
	adit_static_free(st);
	return scarce_stop();
}

static void test_configuration(void **state)
{
	struct lab lab;

	(void)state;
	for (int i = 0; i < 4; i++) {
		enum adit_static_wire wire = i & 1 ? ADIT_STATIC_V1 : ADIT_STATIC_V2;
		long before, n = 0;

		lab_init(&lab, wire, false, 0);
		before = scarce.secrets;
		while (configure(lab.node[1], wire, n, i & 2))
			n++;
		assert_true(n > 5);
		assert_int_equal(scarce.secrets, before);
		lab_fini(&lab);
		assert_int_equal(scarce.secrets, 0);
		assert_int_equal(scarce.secret_bytes, 0);
	}
}

/* An exchange, a restart and a move, with one allocation failing or all from then on; then memory is back. */
static bool talk(enum adit_static_wire wire, long at, bool good)
{
	struct adit_path elsewhere = lab_path("198.51.100.9:9");
	struct lab lab;
	bool any;

	lab_init(&lab, wire, true, 0);
	scarce_start(at, good);
	lab_send(lab.node[1], 2, 1);
	lab_pass(&lab, 1500 * ADIT_MSEC, true);
	adit_static_down(lab.node[2]->st, lab.now); /* forgets its sessions */
	adit_static_up(lab.node[2]->st, lab.now);
	lab_send(lab.node[1], 2, 2);
	lab_send(lab.node[2], 1, 2);
	lab_pass(&lab, 1500 * ADIT_MSEC, true);
	lab_send(lab.node[1], 2, 3);
	while (lab.node[1]->out_cnt) {
		struct lab_msg m = lab_take(lab.node[1]);

		lab_deliver_msg(&lab, &elsewhere, &m);
	}
	lab.node[2]->out_cnt = 0;
	any = scarce_stop();
	for (unsigned i = 0; i < 50; i++) {
		lab_send(lab.node[1], 2, 100 + i);
		lab_flow(&lab);
		lab_send(lab.node[2], 1, 100 + i);
		lab_flow(&lab);
		lab_pass(&lab, 100 * ADIT_MSEC, true);
	}
	if (lab_got(lab.node[1], 149) != 1 || lab_got(lab.node[2], 149) != 1)
		fail_msg("allocation %ld failed%s: no data 5 s after memory is back", at, good ? " and all after it" : "");
	lab_fini(&lab);
	assert_int_equal(scarce.secrets, 0);
	return any;
}

static void test_talk(void **state)
{
	(void)state;
	for (int good = 0; good < 2; good++) {
		long n = 0;

		while (talk(ADIT_STATIC_V2, n, good))
			n++;
		assert_true(n > 5);
		for (n = 0; n < 3; n++)
			talk(ADIT_STATIC_V1, n, good);
	}
}

/* While there is a session, and in v1 always, packets move without an allocation. */
static void test_data_path(void **state)
{
	(void)state;
	for (enum adit_static_wire wire = ADIT_STATIC_V1; wire <= ADIT_STATIC_V2; wire++) {
		struct lab lab;

		lab_init(&lab, wire, true, 5 * ADIT_SEC);
		lab_send(lab.node[1], 2, 1);
		lab_pass(&lab, ADIT_SEC, true);
		scarce.allocations = 0;
		for (unsigned i = 0; i < 100; i++) {
			lab_send_train(lab.node[1], 1, 2, 1000, 40, i);
			lab_send(lab.node[2], 1, i);
			lab_flow(&lab);
			lab_pass(&lab, 100 * ADIT_MSEC, true);
			lab.node[1]->in_cnt = lab.node[2]->in_cnt = 0;
		}
		assert_int_equal(scarce.allocations, 0);
		lab_fini(&lab);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_configuration), cmocka_unit_test(test_talk), cmocka_unit_test(test_data_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
