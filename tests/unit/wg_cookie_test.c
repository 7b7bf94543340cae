/* SPDX-License-Identifier: ISC */
/* Cookies and load: mac2, cookie replies both ways, the handshake queue. */
#include "wg_lab.h"

#define CROWD 600

static struct lab_msg make_initiation(struct lab_pair *p)
{
	adit_wg_peer_handshake(p->a->wg, p->ab, p->lab.now);
	lab_tick(&p->lab);
	return lab_take(p->a);
}

/* Hands a message over without letting the core work on it. */
static void arrive(struct lab_node *n, const struct lab_msg *m, const struct adit_path *from)
{
	struct adit_train t;
	uint8_t buf[LAB_MSG_MAX];

	memset(&t, 0, sizeof(t));
	memcpy(buf, m->data, m->len);
	adit_train_in(&t, buf, (uint32_t)m->len, (uint32_t)m->len, from, 0);
	assert_int_equal(adit_wg_in_begin(n->wg, &t, n->lab->now), ADIT_DONE);
}

/* A crowd of initiations, mac1 right and the rest nonsense, from many addresses. */
static void crowd(struct lab_pair *p, unsigned cnt)
{
	struct lab_msg m = { .len = 148 };
	struct adit_path from = lab_path("198.51.100.1:1");

	m.data[0] = WG_INITIATION;
	for (unsigned i = 0; i < cnt; i++) {
		adit_put_be16(from.addr + 2, (uint16_t)i);
		adit_put_le32(m.data + 4, i);
		lab_remac(p->b, m.data, m.len);
		arrive(p->b, &m, &from);
	}
}

static bool loaded(struct lab_node *n)
{
	struct adit_wg_stats s;

	adit_wg_stats(n->wg, &s, n->lab->now);
	return s.under_load;
}

static void test_mac1_only_when_idle(void **state)
{
	struct lab_pair p;
	struct lab_msg m;

	(void)state;
	lab_pair_init(&p);
	m = make_initiation(&p);
	m.data[147] ^= 1; /* mac2 does not matter now */
	arrive(p.b, &m, &p.a->self);
	assert_int_equal(adit_wg_work(p.b->wg, 1, p.lab.now), 0);
	assert_int_equal(lab_count_out(p.b, WG_RESPONSE, 92), 1);
	lab_pair_fini(&p);
}

static void test_under_load_by_depth(void **state)
{
	struct lab_pair p;

	(void)state;
	lab_pair_init(&p);
	crowd(&p, 511);
	assert_false(loaded(p.b));
	crowd(&p, 1);
	assert_true(loaded(p.b));
	assert_int_equal(p.b->out_cnt, 0); /* nothing is sent while it arrives */
	while (adit_wg_work(p.b->wg, 1, p.lab.now) > 0)
		;
	/* all are answered by a cookie, from `work`, none costs a Diffie-Hellman */
	assert_int_equal(lab_count_out(p.b, WG_COOKIE, 64), 512);
	assert_int_equal(lab_drops(p.b, ADIT_DROP_cookie_required), 512);
	assert_int_equal(lab_drops(p.b, ADIT_DROP_low_order_key), 0);
	assert_int_equal(p.b->out[0].tos, 0);
	assert_true(loaded(p.b));
	p.lab.now += 999 * ADIT_MSEC;
	assert_true(loaded(p.b));
	p.lab.now += ADIT_MSEC;
	assert_false(loaded(p.b));
	lab_pair_fini(&p);
}

static void test_under_load_by_age(void **state)
{
	struct lab_pair p;

	(void)state;
	lab_pair_init(&p);
	crowd(&p, 7);
	p.lab.now += 60 * ADIT_MSEC;
	assert_false(loaded(p.b)); /* few and late is not load */
	crowd(&p, 1);
	assert_true(loaded(p.b));
	lab_pair_fini(&p);
}

/* A machine fast enough to keep the queue short: 512 messages in a second that
 * cost a Diffie-Hellman for nothing are a flood; good ones are not. */
static void test_under_load_by_failures(void **state)
{
	struct lab_pair p;

	(void)state;
	lab_pair_init(&p);
	for (int i = 0; i < 511; i++) {
		crowd(&p, 1);
		adit_wg_work(p.b->wg, 16, p.lab.now);
	}
	assert_false(loaded(p.b));
	p.lab.now += ADIT_SEC; /* a new second */
	for (int i = 0; i < 511; i++) {
		crowd(&p, 1);
		adit_wg_work(p.b->wg, 16, p.lab.now);
	}
	assert_false(loaded(p.b));
	assert_int_equal(p.b->out_cnt, 0);
	for (int i = 0; i < 11; i++) {
		crowd(&p, 1);
		adit_wg_work(p.b->wg, 16, p.lab.now);
	}
	assert_true(loaded(p.b));
	assert_int_equal(lab_count_out(p.b, WG_COOKIE, 64), 10);
	p.lab.now += ADIT_SEC;
	assert_false(loaded(p.b));
	lab_pair_fini(&p);
}

/* A response that nothing awaits does not even take a place in the queue. */
static void test_unawaited_response(void **state)
{
	struct lab_msg m = { .len = 92, .data = { WG_RESPONSE } };
	struct adit_wg_stats s;
	struct lab_pair p;

	(void)state;
	lab_pair_init(&p);
	lab_remac(p.b, m.data, m.len);
	arrive(p.b, &m, &p.a->self);
	adit_wg_stats(p.b->wg, &s, p.lab.now);
	assert_int_equal(s.handshake_queue, 0);
	assert_int_equal(s.drops[ADIT_DROP_unexpected_response], 1);
	lab_pair_fini(&p);
}

static void test_queue_is_bounded(void **state)
{
	struct wg_queue q;

	(void)state;
	wg_queue_init(&q, WG_QUEUE_MAX);
	assert_null(wg_queue_first(&q));
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < WG_QUEUE_MAX; i++) {
			struct wg_queued *slot = wg_queue_push(&q);

			assert_non_null(slot);
			slot->at = i;
		}
		assert_null(wg_queue_push(&q));
		for (unsigned i = 0; i < WG_QUEUE_MAX - round; i++) {
			assert_int_equal(wg_queue_first(&q)->at, i);
			wg_queue_pop(&q);
		}
		while (wg_queue_first(&q))
			wg_queue_pop(&q);
		assert_null(q.head);
	}
	wg_queue_push(&q);
	wg_queue_fini(&q);
}

static void test_flood_is_bounded(void **state)
{
	struct lab_pair p;
	struct adit_wg_stats s;

	(void)state;
	lab_pair_init(&p);
	crowd(&p, 5000);
	adit_wg_stats(p.b->wg, &s, p.lab.now);
	assert_int_equal(s.handshake_queue, 512 + 512);
	assert_int_equal(lab_drops(p.b, ADIT_DROP_handshake_queue_full), 5000 - 1024);
	/* a turn answers at most 128: the short queue's 64, and 64 of the old */
	adit_wg_work(p.b->wg, 1, p.lab.now);
	assert_true(p.b->out_cnt <= 128);
	lab_pair_fini(&p);
}

/* One flooder does not keep others from their cookies. */
static void test_one_flooder(void **state)
{
	struct lab_msg flood = { .len = 148 }, m;
	struct adit_path from = lab_path("198.51.100.1:1");
	struct lab_pair p;

	(void)state;
	lab_pair_init(&p);
	crowd(&p, 512);
	lab_work(p.b);
	p.b->out_cnt = 0;
	flood.data[0] = WG_INITIATION;
	lab_remac(p.b, flood.data, flood.len);
	for (int i = 0; i < 3000; i++)
		arrive(p.b, &flood, &from);
	m = make_initiation(&p);
	arrive(p.b, &m, &p.a->self);
	lab_work(p.b);
	assert_int_equal(p.b->out_cnt, 101);
	assert_true(adit_path_same_remote(&p.b->out[p.b->out_cnt - 1].to, &p.a->self));
	assert_int_equal(lab_drops(p.b, ADIT_DROP_rate_limited), 2900);
	lab_pair_fini(&p);
}

/* a initiates while b is under load: cookie reply, and the next one passes. */
static void test_whole_exchange(void **state)
{
	struct lab_msg initiation, reply, again;
	struct lab_pair p;

	(void)state;
	lab_pair_init(&p);
	adit_wg_peer_set_endpoint(p.b->wg, p.ba, &p.a->self);
	crowd(&p, CROWD);
	initiation = make_initiation(&p);
	assert_true(adit_is_zero(initiation.data + 132, 16)); /* no cookie yet: no mac2 */
	while (adit_wg_work(p.b->wg, 64, p.lab.now) > 0)
		;
	p.b->out_cnt = 0;
	arrive(p.b, &initiation, &p.a->self);
	assert_int_equal(adit_wg_work(p.b->wg, 0, p.lab.now), 0); /* cookies do not count against max */
	reply = lab_take(p.b);
	assert_int_equal(reply.len, 64);
	assert_memory_equal(reply.data + 4, initiation.data + 4, 4);

	/* flipped: refused, and the good one still counts after it */
	again = reply;
	again.data[40] ^= 1;
	lab_deliver_msg(&p.lab, p.b, &again);
	assert_int_equal(lab_drops(p.a, ADIT_DROP_bad_cookie), 1);
	/* from elsewhere: counts, and does not move the endpoint */
	struct adit_path elsewhere = lab_path("203.0.113.1:9");
	lab_deliver(p.a, reply.data, reply.len, &elsewhere, 0);
	assert_true(adit_path_equal(&p.ab->endpoint, &p.b->self));
	assert_true(p.ab->cookie.valid);
	assert_int_equal(p.a->out_cnt, 0); /* nothing is sent at once */
	assert_int_equal(p.ab->timers.new_handshake == ADIT_NEVER && lab_info(p.a, p.ab).rx_bytes == 0, 1);
	lab_deliver_msg(&p.lab, p.b, &reply); /* replayed: no mac1 was sent since */
	assert_int_equal(lab_drops(p.a, ADIT_DROP_unexpected_cookie), 1);
	again.data[4] ^= 1;
	lab_deliver_msg(&p.lab, p.b, &again); /* an index we do not know */
	assert_int_equal(lab_drops(p.a, ADIT_DROP_unexpected_cookie), 2);

	/* the retransmission carries mac2, from the right address and port only */
	lab_pass(&p.lab, 6 * ADIT_SEC, false);
	assert_int_equal(p.a->out_cnt, 1);
	again = lab_take(p.a);
	assert_false(adit_is_zero(again.data + 132, 16));
	crowd(&p, CROWD);
	while (adit_wg_work(p.b->wg, 64, p.lab.now) > 0)
		;
	p.b->out_cnt = 0;
	struct adit_path port = p.a->self;
	port.port++;
	arrive(p.b, &again, &port);
	adit_wg_work(p.b->wg, 1, p.lab.now);
	assert_int_equal(lab_count_out(p.b, WG_COOKIE, 64), 1);
	arrive(p.b, &again, &p.a->self);
	adit_wg_work(p.b->wg, 1, p.lab.now);
	assert_int_equal(lab_count_out(p.b, WG_RESPONSE, 92), 1);
	/* with a valid mac2 the rate limiter has its say: four more, then no more */
	for (int i = 0; i < 6; i++)
		arrive(p.b, &again, &p.a->self);
	assert_int_equal(lab_drops(p.b, ADIT_DROP_rate_limited), 2);
	lab_pair_fini(&p);
}

/* Cookies age: the initiator uses one for 115 s, the giver's secret lasts 120 s. */
static void test_ages(void **state)
{
	uint8_t msg[148] = { WG_INITIATION };
	struct lab_pair p;
	struct wg_cookie_reply reply;

	(void)state;
	lab_pair_init(&p);
	wg_cookie_add_macs(p.a->wg, p.ab, msg, sizeof(msg), p.lab.now);
	assert_true(wg_cookie_mac1_valid(p.b->wg, msg, sizeof(msg)));
	assert_false(wg_cookie_mac2_valid(p.b->wg, msg, sizeof(msg), &p.a->self, p.lab.now));
	wg_cookie_create_reply(p.b->wg, &reply, msg + 116, msg + 4, &p.a->self, p.lab.now);
	struct wg_indexed id = { .kind = WG_INDEXED_HANDSHAKE, .peer = p.ab };
	assert_int_equal(wg_index_insert(p.a->wg, &id), 0);
	adit_put_le32(reply.receiver, id.index);
	assert_int_equal(wg_cookie_consume_reply(p.a->wg, &reply, p.lab.now), ADIT_DROP_NONE);
	wg_index_remove(p.a->wg, &id);

	wg_cookie_add_macs(p.a->wg, p.ab, msg, sizeof(msg), p.lab.now + 115 * ADIT_SEC - 1);
	assert_false(adit_is_zero(msg + 132, 16));
	assert_true(wg_cookie_mac2_valid(p.b->wg, msg, sizeof(msg), &p.a->self, p.lab.now + 120 * ADIT_SEC - 1));
	assert_false(wg_cookie_mac2_valid(p.b->wg, msg, sizeof(msg), &p.a->self, p.lab.now + 120 * ADIT_SEC));
	wg_cookie_add_macs(p.a->wg, p.ab, msg, sizeof(msg), p.lab.now + 115 * ADIT_SEC);
	assert_true(adit_is_zero(msg + 132, 16));
	lab_pair_fini(&p);
}

/* What a cookie vouches for, by kind of path. */
static void test_covers_source(void **state)
{
	uint8_t msg[148] = { WG_INITIATION };
	struct adit_path paths[5] = { lab_path("192.0.2.1:7"), lab_path("192.0.2.1:8"), lab_path("192.0.2.2:7"),
				      lab_path("[2001:db8::1]:7"),
				      { .kind = ADIT_PATH_RELAY, .scope = 1, .src = { 1 } } };
	struct lab_pair p;

	(void)state;
	lab_pair_init(&p);
	for (int give = 0; give < 5; give++) {
		struct wg_cookie_reply reply;
		uint8_t key[32];

		wg_cookie_add_macs(p.a->wg, p.ab, msg, sizeof(msg), p.lab.now);
		wg_cookie_create_reply(p.b->wg, &reply, msg + 116, msg + 4, &paths[give], p.lab.now);
		wg_cookie_label_key(p.a->crypto, key, "cookie--", p.b->public_key);
		assert_true(adit_xaead_open(p.ab->cookie.cookie, reply.cookie, sizeof(reply.cookie), msg + 116, 16,
					    reply.nonce, key));
		p.ab->cookie.valid = true;
		p.ab->cookie.born = p.lab.now;
		wg_cookie_add_macs(p.a->wg, p.ab, msg, sizeof(msg), p.lab.now);
		for (int take = 0; take < 5; take++)
			assert_int_equal(wg_cookie_mac2_valid(p.b->wg, msg, sizeof(msg), &paths[take], p.lab.now),
					 give == take);
	}
	paths[4].scope = 2;
	assert_false(wg_cookie_mac2_valid(p.b->wg, msg, sizeof(msg), &paths[4], p.lab.now));
	lab_pair_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mac1_only_when_idle),
		cmocka_unit_test(test_under_load_by_depth),
		cmocka_unit_test(test_under_load_by_age),
		cmocka_unit_test(test_under_load_by_failures),
		cmocka_unit_test(test_unawaited_response),
		cmocka_unit_test(test_queue_is_bounded),
		cmocka_unit_test(test_flood_is_bounded),
		cmocka_unit_test(test_one_flooder),
		cmocka_unit_test(test_whole_exchange),
		cmocka_unit_test(test_ages),
		cmocka_unit_test(test_covers_source),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
