/* SPDX-License-Identifier: ISC */
/* A session handed to a successor: traffic goes on, and nothing old is taken. */
#include <errno.h>

#include "wg_lab.h"

static const uint8_t key[32] = { 1, 2, 3 };

struct handover {
	struct lab_pair p;
	struct lab_node *heir; /* a's successor: same key, same address */
	struct adit_wg_peer *peer;
};

static void setup(struct handover *h)
{
	struct adit_prefix prefix = lab_prefix("10.0.0.2/32");

	lab_pair_init(&h->p);
	lab_pair_connect(&h->p);
	h->heir = lab_node(&h->p.lab, 4);
	h->heir->self = lab_path("192.0.2.7:1");
	adit_wg_set_private_key(h->heir->wg, h->p.a->private_key, h->p.lab.now);
	assert_int_equal(adit_wg_private_key_continue(h->heir->wg, 1, h->p.lab.now), 0);
	assert_int_equal(adit_wg_peer_add(h->heir->wg, &h->peer, h->p.b->public_key, h->p.lab.now), 0);
	assert_int_equal(adit_wg_peer_allow(h->heir->wg, h->peer, &prefix), 0);
}

static int import(struct handover *h, const uint8_t *buf, int len)
{
	return adit_wg_session_import(h->heir->wg, key, buf, (size_t)len, h->p.lab.now);
}

static void test_handover(void **state)
{
	uint8_t buf[ADIT_WG_EXPORT_MAX];
	struct lab_msg old;
	struct handover h;
	uint64_t counter;
	int len;

	(void)state;
	setup(&h);
	assert_int_equal(lab_send(h.p.b, "10.0.0.2", "10.0.0.1", 100), ADIT_SEAL);
	old = lab_take(h.p.b);
	lab_deliver_msg(&h.p.lab, h.p.b, &old);
	assert_int_equal(lab_send(h.p.a, "10.0.0.1", "10.0.0.2", 100), ADIT_SEAL);
	h.p.a->out_cnt = 0;
	counter = h.p.ab->current->send_counter;
	len = adit_wg_session_export(h.p.a->wg, h.p.ab, key, buf, h.p.lab.now);
	assert_true(len > 0 && len <= ADIT_WG_EXPORT_MAX);
	/* it no longer sends here */
	assert_false(lab_info(h.p.a, h.p.ab).has_session);
	assert_int_equal(adit_wg_session_export(h.p.a->wg, h.p.ab, key, buf, h.p.lab.now), -ENOENT);

	assert_int_equal(adit_wg_down(h.p.a->wg, 10, h.p.lab.now), 0);

	h.p.lab.now += 10 * ADIT_SEC;
	h.p.lab.wall_ns += 10 * ADIT_SEC;
	assert_int_equal(import(&h, buf, len), 0);
	assert_int_equal(import(&h, buf, len), -EEXIST); /* once only */
	assert_true(h.peer->current->send_counter >= counter + (UINT64_C(1) << 32));
	assert_int_equal(h.p.lab.now - h.peer->current->born, 10 * ADIT_SEC);
	assert_true(h.peer->current->initiator);
	assert_true(adit_path_same_remote(&h.peer->endpoint, &h.p.b->self));
	/* both directions; b sees the heir as a that has moved, and no loss */
	assert_int_equal(lab_send(h.heir, "10.0.0.1", "10.0.0.2", 100), ADIT_SEAL);
	lab_flow(&h.p.lab);
	assert_int_equal(h.p.b->in_cnt, 1);
	assert_true(adit_path_same_remote(&h.p.ba->endpoint, &h.heir->self));
	assert_true(lab_info(h.p.b, h.p.ba).rx_lost <= 1);
	assert_int_equal(lab_send(h.p.b, "10.0.0.2", "10.0.0.1", 100), ADIT_SEAL);
	lab_flow(&h.p.lab);
	assert_int_equal(h.heir->in_cnt, 1);
	/* what a had received is not received again */
	lab_deliver(h.heir, old.data, old.len, &h.p.b->self, 0);
	assert_int_equal(lab_drops(h.heir, ADIT_DROP_replayed), 1);
	/* and the heir renews the session when its time has come */
	lab_pass(&h.p.lab, 111 * ADIT_SEC, true);
	lab_send(h.heir, "10.0.0.1", "10.0.0.2", 100);
	lab_tick(&h.p.lab);
	assert_int_equal(lab_count_out(h.heir, WG_INITIATION, 0), 1);
	lab_flow(&h.p.lab);
	assert_int_equal(h.heir->events[ADIT_WG_SESSION], 1);
	assert_int_equal(lab_drops(h.p.b, ADIT_DROP_replayed_timestamp), 0);
	lab_pair_fini(&h.p);
}

/* The responder's side: initiations it has seen stay refused. */
static void test_responder_keeps_timestamps(void **state)
{
	uint8_t buf[ADIT_WG_EXPORT_MAX];
	struct lab_msg initiation;
	struct lab_pair p;
	struct lab_node *heir;
	struct adit_wg_peer *peer;
	int len;

	(void)state;
	lab_pair_init(&p);
	adit_wg_peer_handshake(p.a->wg, p.ab, p.lab.now);
	lab_tick(&p.lab);
	initiation = lab_take(p.a);
	lab_deliver_msg(&p.lab, p.a, &initiation);
	lab_flow(&p.lab);
	len = adit_wg_session_export(p.b->wg, p.ba, key, buf, p.lab.now);
	assert_true(len > 0);
	heir = lab_node(&p.lab, 4);
	adit_wg_set_private_key(heir->wg, p.b->private_key, p.lab.now);
	assert_int_equal(adit_wg_peer_add(heir->wg, &peer, p.a->public_key, p.lab.now), 0);
	adit_wg_peer_set_keepalive(heir->wg, peer, 25, p.lab.now);
	assert_int_equal(adit_wg_session_import(heir->wg, key, buf, (size_t)len, p.lab.now), 0);
	assert_false(peer->current->initiator);
	lab_tick(&p.lab); /* a keepalive tells a at once */
	assert_int_equal(lab_count_out(heir, WG_DATA, 32), 1);
	lab_deliver(heir, initiation.data, initiation.len, &p.a->self, 0);
	assert_int_equal(lab_drops(heir, ADIT_DROP_replayed_timestamp), 1);
	lab_pair_fini(&p);
}

static void test_refusals(void **state)
{
	uint8_t buf[ADIT_WG_EXPORT_MAX], bad[ADIT_WG_EXPORT_MAX], wrong[32] = { 9 };
	struct handover h;
	int len;

	(void)state;
	setup(&h);
	assert_int_equal(adit_wg_session_export(h.heir->wg, h.peer, key, buf, h.p.lab.now), -ENOENT);
	len = adit_wg_session_export(h.p.a->wg, h.p.ab, key, buf, h.p.lab.now);
	assert_true(len > 0);
	for (int i = 0; i < len; i += 7) {
		memcpy(bad, buf, sizeof(bad));
		bad[i] ^= 1;
		assert_int_equal(import(&h, bad, len), -EBADMSG);
	}
	assert_int_equal(import(&h, buf, len - 1), -EBADMSG);
	assert_int_equal(import(&h, buf, 0), -EBADMSG);
	assert_int_equal(adit_wg_session_import(h.heir->wg, wrong, buf, (size_t)len, h.p.lab.now), -EBADMSG);
	/* the machine was restarted: boot time began anew */
	assert_int_equal(adit_wg_session_import(h.heir->wg, key, buf, (size_t)len, h.p.lab.now), 0);
	adit_wg_peer_remove(h.heir->wg, h.peer, h.p.lab.now);
	assert_int_equal(import(&h, buf, len), -ENOENT);
	lab_pair_fini(&h.p);
}

static void test_stale(void **state)
{
	uint8_t buf[ADIT_WG_EXPORT_MAX];
	struct handover h;
	int len;

	(void)state;
	setup(&h);
	len = adit_wg_session_export(h.p.a->wg, h.p.ab, key, buf, h.p.lab.now);
	/* restarted: boot time is less than it was */
	h.heir->wg->clock_offset = 10 * ADIT_SEC;
	h.heir->wg->clock += 10 * ADIT_SEC;
	h.p.lab.now -= ADIT_SEC;
	assert_int_equal(import(&h, buf, len), -ESTALE);
	/* restarted long ago: boot time is more, but so is wall time */
	h.p.lab.now += 2 * ADIT_SEC;
	h.p.lab.wall_ns += 181 * ADIT_SEC;
	assert_int_equal(import(&h, buf, len), -ESTALE);
	h.p.lab.wall_ns -= 181 * ADIT_SEC;
	h.p.lab.now += 180 * ADIT_SEC;
	assert_int_equal(import(&h, buf, len), -ESTALE);
	lab_pair_fini(&h.p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_handover),
		cmocka_unit_test(test_responder_keeps_timestamps),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_stale),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
