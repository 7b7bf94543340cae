/* SPDX-License-Identifier: ISC */
/* agent_judge_test.c - states of a peer from what is counted, on a virtual clock */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "agent/judge.h"

#define SEC ADIT_SEC

static struct judge j;
static struct judge_facts f;
static struct judge_device d;
static adit_time now;
static char why[256];

static int reset(void **state)
{
	(void)state;
	memset(&j, 0, sizeof(j));
	memset(&f, 0, sizeof(f));
	memset(&d, 0, sizeof(d));
	now = 1000 * SEC;
	return 0;
}

static void look(void)
{
	judge_look(&j, &f, &d, now, why, sizeof(why));
}

static void expect(enum judge_health health, enum agent_reason reason)
{
	look();
	if (j.health != health || j.reason != reason)
		fail_msg("at %lld: health %d, reason %s (%s)", (long long)(now / SEC), j.health,
			 agent_reason_name(j.reason), why);
}

/* Looks once a second; every second so many data packets go out. */
static void pass(unsigned seconds, unsigned packets)
{
	while (seconds--) {
		now += SEC;
		f.tx_data += packets;
		look();
	}
}

static void answered(void)
{
	f.has_endpoint = true;
	f.attempts = 0;
	f.handshake_at = f.rx_at = now;
}

static void test_the_first_minute(void **state)
{
	(void)state;
	expect(JUDGE_UNCALLED, AGENT_OK);
	f.has_name = true;
	expect(JUDGE_RESOLVING, AGENT_OK);
	f.resolve_error = -ENOENT;
	expect(JUDGE_RESOLVING, AGENT_DNS_FAILED);
	f.resolve_error = 0;
	f.has_endpoint = true;
	expect(JUDGE_HANDSHAKING, AGENT_OK);
	f.attempts = 1;
	expect(JUDGE_HANDSHAKING, AGENT_OK); /* it is on its way */
	pass(2, 0);
	expect(JUDGE_HANDSHAKING, AGENT_OK);
	pass(1, 0);
	expect(JUDGE_HANDSHAKING, AGENT_NO_REPLY); /* before 5 s are over */
	answered();
	expect(JUDGE_WELL, AGENT_OK);
}

static void test_why_nobody_answers(void **state)
{
	static const struct {
		uint64_t *count;
		enum agent_reason reason;
	} cases[] = {
		{ &d.bad_mac1, AGENT_BAD_MAC1 },     { &d.unknown_peer, AGENT_UNKNOWN_PEER },
		{ &d.refused, AGENT_NO_ROUTE },      { &d.bad_handshake, AGENT_KEY_MISMATCH },
		{ &d.replayed, AGENT_REPLAYED_TIMESTAMP },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		reset(state);
		*cases[i].count = 7; /* from before: says nothing */
		f.has_endpoint = true;
		look();
		f.attempts = 1;
		pass(4, 0);
		expect(JUDGE_HANDSHAKING, AGENT_NO_REPLY);
		++*cases[i].count;
		expect(JUDGE_HANDSHAKING, cases[i].reason);
		answered();
		expect(JUDGE_WELL, AGENT_OK);
		f.attempts = 1; /* a later silence is judged anew */
		pass(5, 0);
		f.attempts = 2;
		pass(12, 0);
		expect(JUDGE_STALE, AGENT_NO_REPLY);
	}
}

static void test_what_is_clear_is_said_at_once(void **state)
{
	(void)state;
	f.has_endpoint = true;
	look();
	f.attempts = 1;
	f.unreachable = 1;
	f.unreachable_error = ECONNREFUSED;
	expect(JUDGE_HANDSHAKING, AGENT_ICMP_UNREACHABLE);
	assert_non_null(strstr(why, "port"));
	f.unreachable_error = EHOSTUNREACH;
	f.unreachable++;
	expect(JUDGE_HANDSHAKING, AGENT_ICMP_UNREACHABLE);
	assert_non_null(strstr(why, "way to the endpoint"));
	answered();
	expect(JUDGE_WELL, AGENT_OK);
}

static void test_the_clock(void **state)
{
	(void)state;
	f.has_endpoint = true;
	d.clock_behind = 86400 * SEC;
	look();
	f.attempts = 1;
	pass(4, 0);
	expect(JUDGE_HANDSHAKING, AGENT_CLOCK_SUSPECT);
	assert_non_null(strstr(why, "86400 s"));
	answered();
	expect(JUDGE_WELL, AGENT_OK); /* no trouble, no word */
}

static void test_idle_is_well(void **state)
{
	(void)state;
	answered();
	expect(JUDGE_WELL, AGENT_OK);
	for (int i = 0; i < 1000; i++) {
		pass(25, 0); /* keepalives go out, and are no data */
		expect(JUDGE_WELL, AGENT_OK);
	}
	f.expect_rx = 60 * SEC;
	expect(JUDGE_STALE, AGENT_NO_REPLY);
	f.rx_at = now;
	f.rx_packets++;
	expect(JUDGE_WELL, AGENT_OK);
	pass(61, 0);
	expect(JUDGE_STALE, AGENT_NO_REPLY);
}

/* Handshakes pass, data does not: stale within 15 s, and it stays so while data is sent. */
static void test_data_is_dropped(void **state)
{
	adit_time began;

	(void)state;
	answered();
	pass(3, 1);
	f.rx_packets++;
	look();
	began = now;
	while (j.health != JUDGE_STALE)
		pass(1, 5);
	assert_in_range(now - began, 13 * SEC, 15 * SEC);
	assert_int_equal(j.reason, AGENT_NO_REPLY); /* not known yet what passes */
	for (int i = 0; i < 10; i++) {
		pass(1, 5);
		f.attempts = 1;
		look();
		answered();
		pass(1, 5);
		expect(JUDGE_STALE, AGENT_NO_DATA);
		pass(14, 5);
		expect(JUDGE_STALE, AGENT_NO_DATA);
	}
	f.rx_packets++;
	expect(JUDGE_WELL, AGENT_OK);
	pass(10, 5);
	expect(JUDGE_WELL, AGENT_OK);
}

static void test_one_packet_is_lost(void **state)
{
	(void)state;
	answered();
	look();
	f.tx_data++;
	pass(12, 0);
	expect(JUDGE_WELL, AGENT_OK);
	pass(4, 0);
	expect(JUDGE_STALE, AGENT_NO_REPLY);
	answered(); /* the handshake 15 s later: it is there */
	pass(1, 0);
	expect(JUDGE_STALE, AGENT_NO_DATA);
	pass(21, 0);
	expect(JUDGE_WELL, AGENT_OK);
	pass(1000, 0);
	expect(JUDGE_WELL, AGENT_OK);
}

static void test_an_answer_in_time(void **state)
{
	(void)state;
	answered();
	look();
	for (int i = 0; i < 50; i++) {
		f.tx_data += 3;
		pass(11, 0); /* a passive keepalive comes within 10 s and the way */
		f.rx_packets++;
		expect(JUDGE_WELL, AGENT_OK);
	}
}

static void test_the_peer_is_gone(void **state)
{
	(void)state;
	answered();
	look();
	pass(14, 1);
	look();
	assert_true(j.health == JUDGE_STALE || j.waits_since);
	f.attempts = 1;
	pass(5, 1);
	f.attempts = 2;
	expect(JUDGE_STALE, AGENT_NO_REPLY);
	f.unreachable++;
	f.unreachable_error = ECONNREFUSED;
	expect(JUDGE_STALE, AGENT_ICMP_UNREACHABLE);
	answered();
	f.rx_packets++;
	expect(JUDGE_WELL, AGENT_OK);
}

/* Without data: keepalives lead to handshakes that nobody answers. */
static void test_unanswered_handshakes(void **state)
{
	(void)state;
	answered();
	look();
	f.attempts = 1;
	look();
	pass(10, 0);
	f.attempts = 3;
	expect(JUDGE_WELL, AGENT_OK);
	pass(5, 0);
	expect(JUDGE_STALE, AGENT_NO_REPLY);
}

static void test_mtu(void **state)
{
	(void)state;
	answered();
	f.black_hole = true;
	expect(JUDGE_WELL, AGENT_MTU);
	f.black_hole = false;
	expect(JUDGE_WELL, AGENT_OK);
}

static void test_doubt(void **state)
{
	(void)state;
	answered();
	look();
	assert_false(judge_doubts_endpoint(&j, &f, now));
	pass(3, 1);
	assert_false(judge_doubts_endpoint(&j, &f, now));
	pass(5, 1);
	assert_true(judge_doubts_endpoint(&j, &f, now));
	f.rx_packets++;
	look();
	assert_false(judge_doubts_endpoint(&j, &f, now));
	f.attempts = 2;
	assert_true(judge_doubts_endpoint(&j, &f, now));
}

/* The interface went down and up: counts begin anew. */
static void test_counts_begin_anew(void **state)
{
	(void)state;
	answered();
	pass(5, 10);
	f.rx_packets = 40;
	look();
	f.tx_data = f.rx_packets = 0;
	expect(JUDGE_WELL, AGENT_OK);
	pass(5, 1);
	expect(JUDGE_WELL, AGENT_OK);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup(f, reset)
	const struct CMUnitTest tests[] = {
		CASE(test_the_first_minute),  CASE(test_why_nobody_answers), CASE(test_what_is_clear_is_said_at_once),
		CASE(test_the_clock),         CASE(test_idle_is_well),       CASE(test_data_is_dropped),
		CASE(test_one_packet_is_lost), CASE(test_an_answer_in_time), CASE(test_the_peer_is_gone),
		CASE(test_unanswered_handshakes), CASE(test_mtu),            CASE(test_doubt),
		CASE(test_counts_begin_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
