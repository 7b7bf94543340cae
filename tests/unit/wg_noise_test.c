/* SPDX-License-Identifier: ISC */
/* The handshake, both roles, message by message. */
#include <stdio.h>

#include "wg_lab.h"

static void test_first_handshake(void **state)
{
	struct lab_pair p;
	struct adit_wg_peer_info info;

	(void)state;
	lab_pair_init(&p);
	/* ten pings, a initiating: what the kernel counts */
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
	assert_int_equal(info.rx_bytes, 1372);
	assert_int_equal(info.tx_bytes, 1428);
	info = lab_info(p.b, p.ba);
	assert_int_equal(info.rx_bytes, 1428);
	assert_int_equal(info.tx_bytes, 1372);
	lab_pair_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_handshake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
