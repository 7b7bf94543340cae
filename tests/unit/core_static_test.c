/* SPDX-License-Identifier: ISC */
/*
 * core_static_test.c - two workers joined in memory, under the static tunnel
 * of each format: what goes in at one end comes out of the other
 *
 *     a.in -> [worker a] -> trains -> [worker b] -> b.out
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../support/mem.h"
#include "base/bytes.h"
#include "base/checksum.h"
#include "base/inet.h"
#include "pktio/offload.h"
#include "static/static.h"
#include "tunnel/worker.h"

struct end {
	struct adit_engine engine;
	struct adit_worker worker;
	struct mem_inner inner;
	struct mem_outer outer;
	struct adit_crypto *crypto;
	uint8_t private_key[32], public_key[32];
};

static struct end a, b;
static adit_time now = ADIT_SEC;

static void end_init(struct end *e, struct end *peer, uint8_t octet, const struct adit_core *core)
{
	memset(&e->engine, 0, sizeof(e->engine));
	pthread_mutex_init(&e->engine.hold.mutex, NULL);
	adit_notes_init(&e->engine.notes);
	assert_int_equal(adit_crypto_new(&e->crypto, "openssl"), 0);
	e->engine.core = core;
	e->engine.crypto = e->crypto;
	e->engine.mtu = 1420;
	assert_int_equal(core->create(&e->engine.state, &e->engine, e->crypto, now), 0);
	mem_inner_init(&e->inner, ADIT_OFFLOAD_ALL);
	mem_outer_init(&e->outer, octet, &peer->outer);
	assert_int_equal(adit_worker_init(&e->worker, &e->engine, &e->inner.inner, &e->outer.outer, e->crypto), 0);
	memset(e->private_key, octet, sizeof(e->private_key));
	adit_x25519_clamp(e->private_key);
	adit_x25519_public(e->crypto, e->public_key, e->private_key);
	adit_static_set_private_key(e->engine.state, e->private_key);
}

static void meet(struct end *e, const struct end *peer, const char *prefix)
{
	struct adit_static_peer *p;
	struct adit_prefix inner;

	assert_int_equal(adit_prefix_parse(&inner, prefix), 0);
	assert_int_equal(adit_static_peer_add(e->engine.state, &p, peer->public_key, now), 0);
	assert_int_equal(adit_static_peer_set_endpoint(e->engine.state, p, &peer->outer.address), 0);
	assert_int_equal(adit_static_peer_allow(e->engine.state, p, &inner), 0);
	if (e->engine.core == &adit_core_static_v1)
		adit_static_v1_grant(e->engine.state, p, UINT64_MAX);
	assert_int_equal(e->engine.core->up(e->engine.state, 1000, now), 0);
}

static void set_up(const struct adit_core *core)
{
	end_init(&a, &b, 1, core);
	end_init(&b, &a, 2, core);
	meet(&a, &b, "10.0.0.2");
	meet(&b, &a, "10.0.0.1");
}

static void end_fini(struct end *e)
{
	adit_worker_fini(&e->worker);
	e->engine.core->destroy(e->engine.state);
	mem_inner_fini(&e->inner);
	mem_outer_fini(&e->outer);
	adit_notes_fini(&e->engine.notes);
	adit_crypto_free(e->crypto);
}

static void tear_down(void)
{
	end_fini(&a);
	end_fini(&b);
}

static void run_until_idle(void)
{
	int done, turns = 0;

	do {
		done = adit_worker_turn(&a.worker, ADIT_READY_INNER | ADIT_READY_OUTER4, now);
		done += adit_worker_turn(&b.worker, ADIT_READY_INNER | ADIT_READY_OUTER4, now);
	} while (done && ++turns < 10000);
	assert_true(turns < 10000);
}

static uint32_t packet(uint8_t *p, uint8_t src, uint8_t dst, uint32_t len, uint32_t tag)
{
	memset(p, 0, len);
	p[0] = 0x45;
	adit_put_be16(p + 2, (uint16_t)len);
	p[8] = 64;
	p[9] = 17;
	adit_put_be32(p + 12, 0x0a000000 + src);
	adit_put_be32(p + 16, 0x0a000000 + dst);
	adit_ip4_checksum(p, 20);
	adit_put_be16(p + 20, 7);
	adit_put_be16(p + 22, 7);
	adit_put_be16(p + 24, (uint16_t)(len - 20));
	adit_put_be32(p + 28, tag);
	return len;
}

/* Whole, once, in order: the waiting for a session of v2 included. */
static void both_ways(const struct adit_core *core)
{
	const struct adit_inner_meta plain = { 0 };
	uint8_t p[1500];

	set_up(core);
	for (uint32_t i = 0; i < 100; i++) {
		mem_inner_put(&a.inner, p, packet(p, 1, 2, 1000, i), &plain);
		mem_inner_put(&b.inner, p, packet(p, 2, 1, 60 + i, 1000 + i), &plain);
	}
	run_until_idle();
	for (uint32_t i = 0; i < 100; i++) {
		struct mem_packet got = mem_take(&b.inner.out), back = mem_take(&a.inner.out);

		assert_non_null(got.data);
		assert_non_null(back.data);
		assert_int_equal(got.len, 1000);
		assert_int_equal(adit_get_be32(got.data + 28), i);
		assert_int_equal(back.len, 60 + i);
		assert_int_equal(adit_get_be32(back.data + 28), 1000 + i);
		free(got.data);
		free(back.data);
	}
	assert_null(mem_take(&b.inner.out).data);
	assert_true(a.outer.trains < 30); /* they share trains */
	tear_down();
}

static void test_v1(void **state)
{
	(void)state;
	both_ways(&adit_core_static_v1);
}

static void test_v2(void **state)
{
	(void)state;
	both_ways(&adit_core_static_v2);
}

/* No peer: an ICMP error goes back inside, and the reason is counted. */
static void test_no_peer(void **state)
{
	const struct adit_inner_meta plain = { 0 };
	uint64_t drops[ADIT_DROP_CNT] = { 0 };
	struct mem_packet answer;
	uint8_t p[200];

	(void)state;
	set_up(&adit_core_static_v2);
	mem_inner_put(&a.inner, p, packet(p, 1, 9, 200, 0), &plain);
	run_until_idle();
	a.engine.core->drops(a.engine.state, drops, now);
	assert_int_equal(drops[ADIT_DROP_no_peer], 1);
	answer = mem_take(&a.inner.out);
	assert_non_null(answer.data);
	assert_int_equal(answer.data[9], 1);
	free(answer.data);
	tear_down();
}

/* The other end restarts: its deadline and ours are served through the face. */
static void test_restart(void **state)
{
	const struct adit_inner_meta plain = { 0 };
	struct mem_packet got;
	uint32_t last = 0;
	uint8_t p[200];

	(void)state;
	set_up(&adit_core_static_v2);
	mem_inner_put(&a.inner, p, packet(p, 1, 2, 200, 1), &plain);
	run_until_idle();
	b.engine.core->down(b.engine.state, 1000, now);
	b.engine.core->up(b.engine.state, 1000, now);
	for (uint32_t i = 0; i < 20; i++, now += 100 * ADIT_MSEC) {
		mem_inner_put(&a.inner, p, packet(p, 1, 2, 200, 100 + i), &plain);
		run_until_idle();
	}
	while ((got = mem_take(&b.inner.out)).data) {
		assert_true(adit_get_be32(got.data + 28) > last);
		last = adit_get_be32(got.data + 28);
		free(got.data);
	}
	assert_int_equal(last, 119);
	assert_true(a.engine.core->deadline(a.engine.state) > now - ADIT_SEC);
	tear_down();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_v1),
		cmocka_unit_test(test_v2),
		cmocka_unit_test(test_no_peer),
		cmocka_unit_test(test_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
