/* SPDX-License-Identifier: ISC */
/* staged_test.c - packets that wait for a session: in order, within limits, and shown when they are dropped */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/staged.h"

enum { HEAD = 8, STRIDE = 64 };

static uint8_t wire[ADIT_WIRE_MAX];

/* What was shown: the first byte of each packet, and why it was dropped. */
static struct shown {
	unsigned cnt;
	uint8_t number[512];
	enum adit_drop drop;
} shown;

static void show(void *user, bool out, enum adit_drop drop, const uint8_t *packet, size_t len)
{
	struct shown *s = user;

	assert_true(out);
	assert_int_equal(len, 20 + packet[0] % 7);
	s->drop = drop;
	s->number[s->cnt++] = packet[0];
}

static size_t wire_len(const void *core, size_t len)
{
	(void)core;
	return HEAD + len;
}

static struct adit_staging all;
static struct adit_staged peer;

static int set_up(void **state)
{
	(void)state;
	all = (struct adit_staging){ .head = HEAD, .wire_len = wire_len, .dropped = show, .user = &shown };
	memset(&peer, 0, sizeof(peer));
	memset(&shown, 0, sizeof(shown));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	adit_staged_flush(&all, &peer, ADIT_DROP_NONE);
	assert_int_equal(all.bytes, 0);
	return 0;
}

/* A train of cnt packets, numbered from first. */
static unsigned stage(uint8_t first, uint16_t cnt)
{
	struct adit_train t = { .wire = wire, .stride = STRIDE, .cnt = cnt };
	unsigned dropped;

	for (unsigned k = 0; k < cnt; k++) {
		wire[k * STRIDE + HEAD] = (uint8_t)(first + k);
		t.len[k] = (uint16_t)(20 + (uint8_t)(first + k) % 7);
	}
	assert_int_equal(adit_staged_add(&all, &peer, &t, 0, &dropped), 0);
	return dropped;
}

static void assert_shown(unsigned first, unsigned cnt, enum adit_drop drop)
{
	assert_int_equal(shown.cnt, cnt);
	assert_int_equal(shown.drop, drop);
	for (unsigned i = 0; i < cnt; i++)
		assert_int_equal(shown.number[i], first + i);
	shown.cnt = 0;
}

static void test_too_many(void **state)
{
	(void)state;
	assert_int_equal(stage(0, 60), 0);
	assert_int_equal(stage(60, 60), 0);
	assert_int_equal(shown.cnt, 0);
	assert_int_equal(stage(120, 30), 60);
	assert_shown(0, 60, ADIT_DROP_staged_full);
	assert_int_equal(adit_staged_flush(&all, &peer, ADIT_DROP_handshake_gave_up), 90);
	assert_shown(60, 90, ADIT_DROP_handshake_gave_up);
}

/* What has left is not shown; nor is anything when nobody is told why. */
static void test_some_left(void **state)
{
	struct adit_train t = { .wire = wire };

	(void)state;
	stage(7, 3); /* of 20, 21 and 22 bytes: no two share a train, as they grow */
	adit_staged_take(&all, &peer, &t, sizeof(wire));
	assert_int_equal(t.cnt, 1);
	assert_int_equal(wire[HEAD], 7);
	assert_int_equal(adit_staged_flush(&all, &peer, ADIT_DROP_peer_removed), 2);
	assert_shown(8, 2, ADIT_DROP_peer_removed);
	stage(7, 3);
	assert_int_equal(adit_staged_flush(&all, &peer, ADIT_DROP_NONE), 3);
	assert_int_equal(shown.cnt, 0);
}

static void test_nobody_looks(void **state)
{
	(void)state;
	all.dropped = NULL;
	stage(0, 60);
	stage(60, 60);
	assert_int_equal(stage(120, 60), 60);
	assert_int_equal(adit_staged_flush(&all, &peer, ADIT_DROP_peer_removed), 120);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_too_many, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_some_left, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_nobody_looks, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("staged", tests, NULL, NULL);
}
