/* SPDX-License-Identifier: ISC */
/* Every timer, on a virtual clock. */
#include "wg_lab.h"

#define SEC ADIT_SEC

/* Lets time pass until a node sends, at most `span`; returns how long it took, or -1. */
static adit_time until_sent(struct lab *lab, struct lab_node *n, adit_time span)
{
	adit_time start = lab->now;
	unsigned before = n->out_cnt;

	while (lab->now - start <= span) {
		adit_time due = adit_wg_deadline(n->wg);

		if (due > start + span)
			break;
		lab_pass(lab, due > lab->now ? due - lab->now : 0, false);
		if (n->out_cnt > before)
			return lab->now - start;
	}
	return -1;
}

/* A timer of resolution 4 ms: never early. */
static void assert_span(adit_time got, adit_time least, adit_time most)
{
	if (got < least || got > most + 8 * ADIT_MSEC)
		fail_msg("%lld ms", (long long)(got / ADIT_MSEC));
}

static void exchange(struct lab_pair *p)
{
	assert_int_equal(lab_send(p->a, "10.0.0.1", "10.0.0.2", 100), ADIT_SEAL);
	lab_flow(&p->lab);
	assert_int_equal(lab_send(p->b, "10.0.0.2", "10.0.0.1", 100), ADIT_SEAL);
	lab_flow(&p->lab);
}

static void test_retransmission_and_giving_up(void **state)
{
	struct lab_pair p;
	adit_time first = 0, last = 0, shortest = SEC * 100, longest = 0;

	(void)state;
	lab_pair_init(&p);
	for (int i = 0; i < 3; i++)
		assert_int_equal(lab_send(p.a, "10.0.0.1", "10.0.0.2", 100), ADIT_DONE);
	for (int i = 0; i < 20; i++) {
		adit_time took = until_sent(&p.lab, p.a, 6 * SEC);

		assert_int_not_equal(took, -1);
		if (i) {
			assert_span(took, 5 * SEC, 5334 * ADIT_MSEC);
			shortest = took < shortest ? took : shortest;
			longest = took > longest ? took : longest;
		} else {
			first = p.lab.now;
		}
		last = p.lab.now;
		assert_int_equal(p.a->events[ADIT_WG_GAVE_UP], 0);
		assert_int_equal(lab_info(p.a, p.ab).handshake_attempts, i + 1);
	}
	assert_true(longest - shortest > 50 * ADIT_MSEC); /* there is jitter */
	assert_true(last - first >= 95 * SEC && last - first < 102 * SEC);
	assert_int_equal(lab_count_out(p.a, WG_INITIATION, 148), 20);
	assert_int_equal(p.ab->staged.cnt, 3);
	assert_int_equal(until_sent(&p.lab, p.a, 1000 * SEC), -1);
	assert_int_equal(p.a->events[ADIT_WG_GAVE_UP], 1);
	assert_int_equal(lab_drops(p.a, ADIT_DROP_handshake_gave_up), 3);
	assert_int_equal(p.ab->staged.cnt, 0);
	/* and the pending handshake is wiped; no deadline is left */
	assert_null(p.ab->handshake);
	assert_int_equal(adit_wg_deadline(p.a->wg), ADIT_NEVER);
	/* a packet begins anew */
	lab_send(p.a, "10.0.0.1", "10.0.0.2", 100);
	assert_int_equal(until_sent(&p.lab, p.a, SEC), 0);
	assert_int_equal(p.ab->attempts, 0);
	lab_pair_fini(&p);
}

/* A fresh wish counts from the beginning again: who keeps sending is kept trying. */
static void test_attempts_begin_anew(void **state)
{
	struct lab_pair p;

	(void)state;
	lab_pair_init(&p);
	for (int i = 0; i < 60; i++) {
		lab_send(p.a, "10.0.0.1", "10.0.0.2", 100);
		lab_pass(&p.lab, 4 * SEC, false);
	}
	assert_int_equal(p.a->events[ADIT_WG_GAVE_UP], 0);
	assert_int_equal(lab_count_out(p.a, WG_INITIATION, 0), p.a->out_cnt);
	assert_true(p.a->out_cnt >= 44 && p.a->out_cnt <= 48);
	lab_pair_fini(&p);
}

static void test_initiations_are_5_s_apart(void **state)
{
	struct lab_pair p;

	(void)state;
	lab_pair_init(&p);
	for (int i = 0; i < 45; i++) { /* whoever wishes, and however often */
		adit_wg_peer_handshake(p.a->wg, p.ab, p.lab.now);
		lab_pass(&p.lab, SEC / 10, false);
	}
	assert_int_equal(p.a->out_cnt, 1);
	lab_pass(&p.lab, SEC, false);
	assert_int_equal(p.a->out_cnt, 2);
	lab_pair_fini(&p);
}

/* Having answered, a responder waits as long before it begins one of its own. */
static void test_response_starts_the_same_5_s(void **state)
{
	struct lab_pair p;
	struct lab_msg m;

	(void)state;
	lab_pair_init(&p);
	adit_wg_peer_handshake(p.a->wg, p.ab, p.lab.now);
	lab_tick(&p.lab);
	m = lab_take(p.a);
	lab_deliver_msg(&p.lab, p.a, &m);
	p.b->out_cnt = 0; /* the response is lost */
	assert_int_equal(lab_send(p.b, "10.0.0.2", "10.0.0.1", 100), ADIT_DONE);
	assert_span(until_sent(&p.lab, p.b, 6 * SEC), 5 * SEC, 5 * SEC);
	assert_int_equal(p.b->out[0].data[0], WG_INITIATION);
	lab_pair_fini(&p);
}

static void test_one_keepalive_for_received_data(void **state)
{
	struct lab_pair p;

	(void)state;
	lab_pair_init(&p);
	lab_pair_connect(&p);
	lab_send(p.a, "10.0.0.1", "10.0.0.2", 100);
	lab_flow(&p.lab);
	assert_span(until_sent(&p.lab, p.b, 20 * SEC), 10 * SEC, 10 * SEC);
	assert_int_equal(p.b->out[0].len, 32);
	lab_flow(&p.lab);
	/* and then both are quiet: a keepalive is not answered */
	assert_int_equal(until_sent(&p.lab, p.a, 400 * SEC), -1);
	assert_int_equal(p.a->out_cnt + p.b->out_cnt, 0);
	lab_pair_fini(&p);
}

static void test_another_keepalive(void **state)
{
	struct lab_pair p;

	(void)state;
	lab_pair_init(&p);
	lab_pair_connect(&p);
	lab_send(p.a, "10.0.0.1", "10.0.0.2", 100);
	lab_flow(&p.lab);
	lab_pass(&p.lab, 5 * SEC, false);
	lab_send(p.a, "10.0.0.1", "10.0.0.2", 100);
	lab_flow(&p.lab);
	assert_span(until_sent(&p.lab, p.b, 20 * SEC), 5 * SEC, 5 * SEC);
	assert_span(until_sent(&p.lab, p.b, 20 * SEC), 10 * SEC, 10 * SEC);
	assert_int_equal(lab_count_out(p.b, WG_DATA, 32), 2);
	assert_int_equal(until_sent(&p.lab, p.b, 100 * SEC), -1);
	lab_pair_fini(&p);
}

static void test_sending_is_a_keepalive(void **state)
{
	struct lab_pair p;

	(void)state;
	lab_pair_init(&p);
	lab_pair_connect(&p);
	lab_send(p.a, "10.0.0.1", "10.0.0.2", 100);
	lab_flow(&p.lab);
	lab_pass(&p.lab, 9 * SEC, false);
	lab_send(p.b, "10.0.0.2", "10.0.0.1", 100);
	p.b->out_cnt = 0;
	lab_pass(&p.lab, 14 * SEC, false);
	assert_int_equal(p.b->out_cnt, 0);
	lab_pair_fini(&p);
}

static void test_silence_after_data_brings_a_handshake(void **state)
{
	struct lab_pair p;

	(void)state;
	lab_pair_init(&p);
	lab_pair_connect(&p);
	p.ab->endpoint.ifindex = 3; /* sticky, as heard on */
	p.ab->endpoint.src[0] = 9;
	lab_send(p.a, "10.0.0.1", "10.0.0.2", 100);
	lab_pass(&p.lab, 7 * SEC, false);
	lab_send(p.a, "10.0.0.1", "10.0.0.2", 100); /* does not put it off */
	p.a->out_cnt = 0;
	assert_span(until_sent(&p.lab, p.a, 20 * SEC), 8 * SEC, 8334 * ADIT_MSEC);
	assert_int_equal(p.a->out[0].data[0], WG_INITIATION);
	assert_int_equal(p.a->out[0].to.ifindex, 0); /* routing chooses anew */
	assert_int_equal(p.a->out[0].to.src[0], 0);
	lab_pair_fini(&p);
}

static void test_an_answer_cancels_it(void **state)
{
	struct lab_pair p;

	(void)state;
	lab_pair_init(&p);
	lab_pair_connect(&p);
	lab_send(p.a, "10.0.0.1", "10.0.0.2", 100);
	lab_flow(&p.lab);
	lab_pass(&p.lab, 60 * SEC, true); /* the keepalive after 10 s is one */
	assert_int_equal(p.a->events[ADIT_WG_SESSION], 1);
	lab_pair_fini(&p);
}

static void test_keys_are_wiped_after_540_s(void **state)
{
	struct lab_pair p;
	struct adit_wg_stats s;

	(void)state;
	lab_pair_init(&p);
	lab_pair_connect(&p);
	lab_pass(&p.lab, 539 * SEC, true);
	assert_int_equal(p.a->events[ADIT_WG_EXPIRED], 0);
	lab_pass(&p.lab, SEC + 10 * ADIT_MSEC, true);
	assert_int_equal(p.a->events[ADIT_WG_EXPIRED], 1);
	assert_int_equal(p.b->events[ADIT_WG_EXPIRED], 1);
	adit_wg_stats(p.a->wg, &s, p.lab.now);
	assert_int_equal(s.sessions, 0);
	assert_int_equal(adit_map_size(&p.a->wg->indices), 0);
	assert_int_equal(lab_deadline(&p.lab), ADIT_NEVER); /* idle again: no wake-ups */
	lab_pair_fini(&p);
}

static void test_persistent_keepalive(void **state)
{
	struct lab_pair p;

	(void)state;
	lab_pair_init(&p);
	lab_pair_connect(&p);
	lab_pass(&p.lab, 20 * SEC, true);
	adit_wg_peer_set_keepalive(p.a->wg, p.ab, 25, p.lab.now);
	assert_int_equal(adit_wg_deadline(p.a->wg) <= p.lab.now, 1); /* one at once */
	lab_tick(&p.lab);
	assert_int_equal(lab_count_out(p.a, WG_DATA, 32), 1);
	assert_span(until_sent(&p.lab, p.a, 30 * SEC), 25 * SEC, 25 * SEC);
	/* anything authenticated puts it off, sent or received */
	lab_pass(&p.lab, 20 * SEC, true);
	assert_int_equal(lab_send(p.b, "10.0.0.2", "10.0.0.1", 100), ADIT_SEAL);
	lab_flow(&p.lab);
	p.ab->timers.keepalive = ADIT_NEVER; /* not the passive one */
	assert_span(until_sent(&p.lab, p.a, 30 * SEC), 25 * SEC, 25 * SEC);
	p.a->out_cnt = 0;
	/* setting it again to the same changes nothing; a shorter one counts now */
	adit_wg_peer_set_keepalive(p.a->wg, p.ab, 25, p.lab.now);
	assert_int_equal(until_sent(&p.lab, p.a, SEC), -1);
	adit_wg_peer_set_keepalive(p.a->wg, p.ab, 5, p.lab.now);
	assert_int_equal(until_sent(&p.lab, p.a, SEC), 0);
	adit_wg_peer_set_keepalive(p.a->wg, p.ab, 0, p.lab.now);
	assert_int_equal(until_sent(&p.lab, p.a, 100 * SEC), -1);
	lab_pair_fini(&p);
}

/* Without a session it makes one, again and again, even after giving up. */
static void test_persistent_keepalive_makes_sessions(void **state)
{
	struct lab_pair p;

	(void)state;
	lab_pair_init(&p);
	adit_wg_peer_set_keepalive(p.a->wg, p.ab, 25, p.lab.now);
	lab_pass(&p.lab, 300 * SEC, false); /* nobody is there */
	assert_true(lab_count_out(p.a, WG_INITIATION, 148) > 50);
	p.a->out_cnt = 0;
	lab_pass(&p.lab, 40 * SEC, true);
	assert_int_equal(p.a->events[ADIT_WG_SESSION], 1);
	lab_pass(&p.lab, 1000 * SEC, true);
	assert_true(lab_info(p.a, p.ab).has_session);
	/* without an endpoint there is nothing to do, and nothing is armed */
	adit_wg_peer_set_endpoint(p.a->wg, p.ab, &(struct adit_path){ .kind = ADIT_PATH_NONE });
	lab_pass(&p.lab, 600 * SEC, true);
	assert_int_equal(adit_wg_deadline(p.a->wg), ADIT_NEVER);
	adit_wg_peer_set_endpoint(p.a->wg, p.ab, &p.b->self);
	lab_pass(&p.lab, 10 * SEC, true);
	assert_true(lab_info(p.a, p.ab).has_session);
	lab_pair_fini(&p);
}

static void test_initiator_renews_after_120_s(void **state)
{
	struct lab_pair p;

	(void)state;
	lab_pair_init(&p);
	lab_pair_connect(&p);
	lab_pass(&p.lab, 119 * SEC, true);
	exchange(&p);
	lab_tick(&p.lab);
	assert_int_equal(p.a->out_cnt, 0);
	lab_pass(&p.lab, SEC, true);
	assert_int_equal(lab_send(p.b, "10.0.0.2", "10.0.0.1", 100), ADIT_SEAL); /* the responder does not */
	lab_tick(&p.lab);
	assert_int_equal(lab_count_out(p.b, WG_INITIATION, 0), 0);
	lab_flow(&p.lab);
	assert_int_equal(p.a->events[ADIT_WG_SESSION], 1);
	assert_int_equal(lab_send(p.a, "10.0.0.1", "10.0.0.2", 100), ADIT_SEAL); /* on sending only */
	lab_tick(&p.lab);
	assert_int_equal(lab_count_out(p.a, WG_INITIATION, 0), 1);
	lab_flow(&p.lab);
	assert_int_equal(p.a->events[ADIT_WG_SESSION], 2);
	assert_non_null(p.ab->previous);
	lab_pair_fini(&p);
}

static void test_last_minute(void **state)
{
	struct lab_pair p;

	(void)state;
	lab_pair_init(&p);
	lab_pair_connect(&p);
	lab_pass(&p.lab, 164 * SEC, true);
	lab_send(p.b, "10.0.0.2", "10.0.0.1", 100);
	lab_flow(&p.lab);
	lab_tick(&p.lab);
	assert_int_equal(lab_count_out(p.a, WG_INITIATION, 0), 0);
	lab_pass(&p.lab, SEC, false);
	assert_int_equal(lab_send(p.b, "10.0.0.2", "10.0.0.1", 100), ADIT_SEAL);
	lab_flow(&p.lab);
	lab_tick(&p.lab);
	assert_int_equal(lab_count_out(p.a, WG_INITIATION, 0), 1);
	p.a->out_cnt = 0;
	p.ab->timers.retransmit = ADIT_NEVER; /* only the wish itself is looked at */
	lab_pass(&p.lab, 6 * SEC, false);
	lab_send(p.b, "10.0.0.2", "10.0.0.1", 100);
	lab_flow(&p.lab);
	lab_tick(&p.lab);
	assert_int_equal(lab_count_out(p.a, WG_INITIATION, 0), 0); /* once a session */
	assert_true(p.ab->sent_last_minute);
	lab_pair_fini(&p);
}

static void test_keys_end_after_180_s(void **state)
{
	struct lab_pair p;
	struct lab_msg late;

	(void)state;
	lab_pair_init(&p);
	lab_pair_connect(&p);
	lab_send(p.a, "10.0.0.1", "10.0.0.2", 100);
	late = lab_take(p.a);
	p.ab->timers.new_handshake = ADIT_NEVER;
	lab_pass(&p.lab, 180 * SEC - ADIT_MSEC, false);
	assert_true(lab_info(p.a, p.ab).has_session);
	lab_pass(&p.lab, ADIT_MSEC, false);
	lab_deliver_msg(&p.lab, p.a, &late);
	assert_int_equal(lab_drops(p.b, ADIT_DROP_key_expired), 1);
	assert_int_equal(p.b->in_cnt, 0);
	assert_int_equal(lab_send(p.a, "10.0.0.1", "10.0.0.2", 100), ADIT_DONE); /* staged */
	assert_int_equal(p.ab->staged.cnt, 1);
	lab_pass(&p.lab, SEC, true);
	assert_int_equal(p.b->in_cnt, 1);
	lab_pair_fini(&p);
}

static void test_message_limits(void **state)
{
	struct lab_pair p;
	struct lab_msg m;

	(void)state;
	lab_pair_init(&p);
	lab_pair_connect(&p);
	lab_pass(&p.lab, 6 * SEC, true);
	p.ab->current->send_counter = WG_REKEY_AFTER_MESSAGES;
	lab_send(p.a, "10.0.0.1", "10.0.0.2", 100);
	m = lab_take(p.a);
	lab_tick(&p.lab);
	assert_int_equal(lab_count_out(p.a, WG_INITIATION, 0), 1);
	p.a->out_cnt = 0;
	lab_deliver_msg(&p.lab, p.a, &m); /* 64 bits of counter, all of them */
	assert_int_equal(p.b->in_cnt, 1);
	p.ab->current->send_counter = WG_REJECT_AFTER_MESSAGES - 1;
	assert_int_equal(lab_send(p.a, "10.0.0.1", "10.0.0.2", 100), ADIT_SEAL); /* the last one */
	m = lab_take(p.a);
	assert_int_equal(lab_send(p.a, "10.0.0.1", "10.0.0.2", 100), ADIT_DONE);
	lab_deliver_msg(&p.lab, p.a, &m);
	assert_int_equal(p.b->in_cnt, 2);
	/* one that a wrong peer sends past the end is refused */
	adit_put_le64(m.data + 8, WG_REJECT_AFTER_MESSAGES);
	adit_aead_seal(p.a->crypto, m.data + 16, m.data + 16, 0, NULL, 0, WG_REJECT_AFTER_MESSAGES,
		       p.ab->current->send_key);
	m.len = 32;
	lab_deliver_msg(&p.lab, p.a, &m);
	assert_int_equal(lab_drops(p.b, ADIT_DROP_key_expired), 1);
	/* a train is not split by the limit: none of it goes */
	p.ab->current->send_counter = WG_REJECT_AFTER_MESSAGES - 2;
	struct adit_train t;
	assert_int_equal(lab_send_train(p.a, &t, "10.0.0.1", "10.0.0.2", 100, 3, 0), ADIT_DONE);
	lab_pair_fini(&p);
}

/* The clock is set back by an hour: the session lives, timers go on. */
static void test_clock_goes_backwards(void **state)
{
	struct lab_pair p;

	(void)state;
	lab_pair_init(&p);
	p.lab.now = 5000 * SEC;
	lab_pair_connect(&p);
	lab_send(p.a, "10.0.0.1", "10.0.0.2", 100);
	lab_flow(&p.lab);
	p.lab.now -= 3600 * SEC;
	exchange(&p);
	assert_int_equal(p.a->in_cnt, 1);
	lab_send(p.a, "10.0.0.1", "10.0.0.2", 100);
	lab_flow(&p.lab);
	assert_span(until_sent(&p.lab, p.b, 20 * SEC), 10 * SEC, 10 * SEC); /* the keepalive */
	/* stamps are told in the caller's time */
	assert_span(p.lab.now - lab_info(p.a, p.ab).last_tx_at, 10 * SEC, 10 * SEC);
	for (int i = 0; i < 20; i++) { /* rekeys as ever */
		lab_pass(&p.lab, 10 * SEC, true);
		exchange(&p);
		lab_tick(&p.lab);
		lab_flow(&p.lab);
	}
	assert_int_equal(p.a->events[ADIT_WG_SESSION], 2);
	/* a small step (two threads, one lock) moves nothing */
	adit_time offset = p.a->wg->clock_offset;
	p.lab.now -= 5 * ADIT_MSEC;
	exchange(&p);
	assert_int_equal(p.a->wg->clock_offset, offset);
	lab_pair_fini(&p);
}

/* A machine that slept: at most one initiation each 5 s, data within moments. */
static void test_long_pause(void **state)
{
	struct lab_pair p;

	(void)state;
	lab_pair_init(&p);
	lab_pair_connect(&p);
	lab_send(p.a, "10.0.0.1", "10.0.0.2", 100);
	p.lab.now += 200 * SEC;
	p.lab.wall_ns += 200 * SEC;
	lab_send(p.a, "10.0.0.1", "10.0.0.2", 100);
	p.a->out_cnt = 0;
	lab_pass(&p.lab, 2 * SEC, true);
	assert_int_equal(p.b->in_cnt, 1);
	assert_int_equal(p.a->wg->initiations_sent, 2);
	lab_pair_fini(&p);
}

/* Many peers due at once: a tick stays short and says that there is more. */
static void test_tick_is_bounded(void **state)
{
	struct adit_path path = lab_path("192.0.2.99:1");
	struct lab lab;
	struct lab_node *n;

	(void)state;
	lab_init(&lab);
	n = lab_node(&lab, 1);
	assert_int_equal(adit_wg_deadline(n->wg), ADIT_NEVER);
	for (unsigned i = 0; i < 40; i++) {
		uint8_t key[32] = { 9, (uint8_t)i };
		struct adit_wg_peer *peer;

		assert_int_equal(adit_wg_peer_add(n->wg, &peer, key, lab.now), 0);
		assert_int_equal(adit_wg_deadline(n->wg), i ? lab.now : ADIT_NEVER);
		adit_wg_peer_set_endpoint(n->wg, peer, &path);
		adit_wg_peer_handshake(n->wg, peer, lab.now);
	}
	for (unsigned i = 8; i <= 40; i += 8) {
		assert_true(adit_wg_deadline(n->wg) <= lab.now);
		adit_wg_tick(n->wg, lab.now);
		assert_int_equal(n->out_cnt, i);
	}
	adit_wg_tick(n->wg, lab.now);
	assert_true(adit_wg_deadline(n->wg) > lab.now);
	lab_fini(&lab);
}

/* Within 5 s of an answer of ours no initiation may leave: a retransmission
 * that is due then is put off, not forgotten, though the far end never comes back. */
static void test_put_off_by_an_answer(void **state)
{
	struct lab_msg initiation;
	struct lab_pair p;

	(void)state;
	lab_pair_init(&p);
	adit_wg_peer_set_endpoint(p.b->wg, p.ba, &p.a->self);
	lab_send(p.a, "10.0.0.1", "10.0.0.2", 100);
	lab_tick(&p.lab);
	assert_int_equal(lab_take(p.a).data[0], WG_INITIATION); /* lost */
	lab_pass(&p.lab, 4 * ADIT_SEC, false);
	lab_send(p.b, "10.0.0.2", "10.0.0.1", 100);
	lab_tick(&p.lab);
	initiation = lab_take(p.b);
	lab_deliver_msg(&p.lab, p.b, &initiation);
	assert_int_equal(lab_take(p.a).data[0], WG_RESPONSE); /* lost, too */
	lab_pass(&p.lab, 4900 * ADIT_MSEC, false); /* past the time of the retransmission */
	assert_int_equal(p.a->out_cnt, 0);
	lab_pass(&p.lab, 500 * ADIT_MSEC, false);
	assert_int_equal(p.a->out_cnt, 1);
	assert_int_equal(lab_take(p.a).data[0], WG_INITIATION);
	lab_pair_fini(&p);
}

/* The way out is another one: what is unanswered goes out again at once, but once a second at most. */
static void test_hurry(void **state)
{
	struct lab_pair p;

	(void)state;
	lab_pair_init(&p);
	lab_send(p.a, "10.0.0.1", "10.0.0.2", 100);
	assert_int_equal(until_sent(&p.lab, p.a, SEC), 0);
	p.a->out_cnt = 0; /* it is lost */
	lab_pass(&p.lab, 500 * ADIT_MSEC, false);
	adit_wg_peer_hurry(p.a->wg, p.ab, p.lab.now);
	assert_int_equal(until_sent(&p.lab, p.a, 400 * ADIT_MSEC), -1);
	lab_pass(&p.lab, 700 * ADIT_MSEC, false);
	adit_wg_peer_hurry(p.a->wg, p.ab, p.lab.now);
	assert_span(until_sent(&p.lab, p.a, SEC), 0, 4 * ADIT_MSEC);
	assert_int_equal(lab_info(p.a, p.ab).handshake_attempts, 2);
	lab_flow(&p.lab);
	assert_true(lab_info(p.a, p.ab).has_session);
	assert_int_equal(lab_info(p.a, p.ab).handshake_attempts, 0);
	lab_pass(&p.lab, 2 * SEC, false);
	adit_wg_peer_hurry(p.a->wg, p.ab, p.lab.now); /* nothing is unanswered */
	assert_int_equal(until_sent(&p.lab, p.a, SEC), -1);
	lab_pair_fini(&p);
}

/* A keepalive is no data: nothing need come back for it. */
static void test_keepalives_are_counted(void **state)
{
	struct lab_pair p;
	struct adit_wg_peer_info info;

	(void)state;
	lab_pair_init(&p);
	lab_pair_connect(&p);
	exchange(&p);
	info = lab_info(p.a, p.ab);
	assert_int_equal(info.tx_packets - info.tx_keepalives, 1);
	adit_wg_peer_set_keepalive(p.a->wg, p.ab, 5, p.lab.now);
	lab_pass(&p.lab, 21 * SEC, true);
	info = lab_info(p.a, p.ab);
	assert_in_range(info.tx_keepalives, 4, 6);
	assert_int_equal(info.tx_packets - info.tx_keepalives, 1);
	lab_pair_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_retransmission_and_giving_up),
		cmocka_unit_test(test_attempts_begin_anew),
		cmocka_unit_test(test_hurry),
		cmocka_unit_test(test_keepalives_are_counted),
		cmocka_unit_test(test_initiations_are_5_s_apart),
		cmocka_unit_test(test_response_starts_the_same_5_s),
		cmocka_unit_test(test_one_keepalive_for_received_data),
		cmocka_unit_test(test_another_keepalive),
		cmocka_unit_test(test_sending_is_a_keepalive),
		cmocka_unit_test(test_silence_after_data_brings_a_handshake),
		cmocka_unit_test(test_an_answer_cancels_it),
		cmocka_unit_test(test_keys_are_wiped_after_540_s),
		cmocka_unit_test(test_persistent_keepalive),
		cmocka_unit_test(test_persistent_keepalive_makes_sessions),
		cmocka_unit_test(test_initiator_renews_after_120_s),
		cmocka_unit_test(test_last_minute),
		cmocka_unit_test(test_keys_end_after_180_s),
		cmocka_unit_test(test_message_limits),
		cmocka_unit_test(test_clock_goes_backwards),
		cmocka_unit_test(test_long_pause),
		cmocka_unit_test(test_tick_is_bounded),
		cmocka_unit_test(test_put_off_by_an_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
