/* SPDX-License-Identifier: ISC */
/*
 * worker_test.c - two workers joined in memory, under the null core: what goes
 * into one inside comes out of the other, whole, once and in order
 *
 *     a.in -> [worker a] -> trains -> [worker b] -> b.out
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../support/mem.h"
#include "../support/null_core.h"
#include "base/bytes.h"
#include "base/checksum.h"
#include "base/inet.h"
#include "pktio/offload.h"
#include "tunnel/worker.h"

struct end {
	struct adit_engine engine;
	struct adit_worker worker;
	struct mem_inner inner;
	struct mem_outer outer;
	struct adit_crypto *crypto;
};

static struct end a, b;

static void end_init(struct end *e, struct end *peer, uint8_t octet, unsigned offloads)
{
	memset(&e->engine, 0, sizeof(e->engine));
	pthread_mutex_init(&e->engine.hold.mutex, NULL);
	adit_notes_init(&e->engine.notes);
	e->engine.core = &null_core;
	e->engine.mtu = 1420;
	assert_int_equal(null_core.create(&e->engine.state, &e->engine, NULL, 0), 0);
	mem_inner_init(&e->inner, offloads);
	mem_outer_init(&e->outer, octet, &peer->outer);
	assert_int_equal(adit_worker_init(&e->worker, &e->engine, &e->inner.inner, &e->outer.outer, NULL), 0);
}

static void end_fini(struct end *e)
{
	adit_worker_fini(&e->worker);
	null_core.destroy(e->engine.state);
	mem_inner_fini(&e->inner);
	mem_outer_fini(&e->outer);
	adit_notes_fini(&e->engine.notes);
}

static int set_up(void **state)
{
	(void)state;
	end_init(&a, &b, 1, ADIT_OFFLOAD_ALL);
	end_init(&b, &a, 2, ADIT_OFFLOAD_ALL);
	((struct null_core *)a.engine.state)->peer = b.outer.address;
	((struct null_core *)b.engine.state)->peer = a.outer.address;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	end_fini(&a);
	end_fini(&b);
	return 0;
}

static unsigned run_until_idle(void)
{
	unsigned turns = 0;
	int done;

	do {
		done = adit_worker_turn(&a.worker, ADIT_READY_INNER | ADIT_READY_OUTER4, 1);
		done += adit_worker_turn(&b.worker, ADIT_READY_INNER | ADIT_READY_OUTER4, 1);
		turns++;
	} while (done && turns < 10000);
	return turns;
}

/* --- packets -------------------------------------------------------------- */

static uint32_t udp_packet(uint8_t *p, uint32_t len, uint8_t dst, uint32_t tag)
{
	memset(p, 0, len);
	p[0] = 0x45;
	adit_put_be16(p + 2, (uint16_t)len);
	p[6] = 0x40;
	p[8] = 64;
	p[9] = 17;
	p[12] = p[16] = 10;
	p[19] = dst;
	adit_ip4_checksum(p, 20);
	adit_put_be16(p + 20, 7);
	adit_put_be16(p + 22, 7);
	adit_put_be16(p + 24, (uint16_t)(len - 20));
	if (len >= 32)
		adit_put_be32(p + 28, tag);
	return len;
}

static uint32_t tag_of(const struct mem_packet *p)
{
	return adit_get_be32(p->data + 28);
}

/* --- tests ---------------------------------------------------------------- */

static void test_singles_share_trains(void **state)
{
	uint8_t p[1500];

	(void)state;
	for (uint32_t i = 0; i < 100; i++)
		mem_inner_put(&a.inner, p, udp_packet(p, 200, 2, i), NULL);
	run_until_idle();
	assert_int_equal(mem_waiting(&b.inner.out), 100);
	for (uint32_t i = 0; i < 100; i++) {
		struct mem_packet got = mem_take(&b.inner.out);

		udp_packet(p, 200, 2, i);
		assert_int_equal(got.len, 200);
		assert_memory_equal(got.data, p, 26);
		assert_int_equal(tag_of(&got), i);
		free(got.data);
	}
	assert_int_equal(a.outer.trains, 2); /* 64 and 36 */
	assert_int_equal(a.outer.sends, 1);
}

/* Sizes, destinations and ECN marks that end a train, and order through it all. */
static void test_order(void **state)
{
	uint8_t p[1500];
	unsigned total = 0;

	(void)state;
	srand(3);
	for (int round = 0; round < 200; round++) {
		unsigned n = 1 + (unsigned)rand() % 100;

		for (unsigned i = 0; i < n; i++) {
			uint32_t len = rand() % 3 ? 400 : 32 + (uint32_t)rand() % 1388;

			udp_packet(p, len, (uint8_t)(2 + rand() % 2), total + i);
			if (rand() % 10 == 0)
				p[1] = 2, adit_ip4_checksum(p, 20);
			mem_inner_put(&a.inner, p, len, NULL);
		}
		b.inner.writes = 0;
		a.outer.split = round & 1;
		run_until_idle();
		assert_int_equal(mem_waiting(&b.inner.out), n);
		for (unsigned i = 0, last[256] = { 0 }; i < n; i++) {
			struct mem_packet got = mem_take(&b.inner.out);

			/* within a flow (a destination), never backwards */
			assert_true(tag_of(&got) >= total && tag_of(&got) + 1 > last[got.data[19]]);
			last[got.data[19]] = tag_of(&got) + 1;
			free(got.data);
		}
		total += n;
	}
}

static void put_super(unsigned payload, uint16_t gso, uint32_t seq)
{
	static uint8_t p[65600];
	struct adit_inner_meta meta = { .gso_size = gso, .hdr_len = 40, .csum_start = 20, .csum_offset = 16,
					.gso_kind = ADIT_SUPER_TCP4, .needs_csum = true };

	udp_packet(p, 40, 2, 0);
	adit_put_be16(p + 2, (uint16_t)(40 + payload));
	p[9] = 6;
	adit_put_be32(p + 24, seq);
	p[32] = 0x50;
	p[33] = ADIT_TCP_ACK;
	for (unsigned i = 0; i < payload; i++)
		p[40 + i] = (uint8_t)((seq + i) * 7);
	mem_inner_put(&a.inner, p, 40 + payload, &meta);
}

static void check_stream(uint32_t from, uint32_t to)
{
	while (from < to) {
		struct mem_packet got = mem_take(&b.inner.out);

		assert_non_null(got.data);
		assert_true(adit_checksum_ok(got.data, got.len));
		assert_int_equal(adit_get_be32(got.data + 24), from);
		for (uint32_t i = 40; i < got.len; i++)
			assert_int_equal(got.data[i], (uint8_t)((from + i - 40) * 7));
		from += got.len - 40;
		free(got.data);
	}
	assert_int_equal(from, to);
	assert_int_equal(mem_waiting(&b.inner.out), 0);
}

static void test_super_packets(void **state)
{
	const struct {
		unsigned payload;
		uint16_t gso;
	} cases[] = { { 64000, 1380 }, { 1381, 1380 }, { 65000, 1380 }, { 65000, 536 }, { 3000, 3 }, { 65000, 64 }, { 2, 1 } };
	uint32_t seq = 0;

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put_super(cases[i].payload, cases[i].gso, seq);
		run_until_idle();
		check_stream(seq, seq + cases[i].payload);
		seq += cases[i].payload;
	}
}

/* Singles between super-packets keep their place. */
static void test_mixed(void **state)
{
	uint8_t p[1500];
	uint32_t seq = 0;

	(void)state;
	for (int i = 0; i < 50; i++) {
		put_super(20000, 1380, seq);
		seq += 20000;
		for (int k = 0; k < i % 4; k++) {
			struct adit_inner_meta meta = { .csum_start = 20, .csum_offset = 16, .needs_csum = true };
			uint32_t len = 40 + 100;
			uint16_t sum;

			udp_packet(p, len, 2, 0);
			p[9] = 6;
			adit_put_be32(p + 24, seq);
			p[32] = 0x50;
			p[33] = ADIT_TCP_ACK;
			memset(p + 36, 0, 4);
			for (uint32_t j = 0; j < 100; j++)
				p[40 + j] = (uint8_t)((seq + j) * 7);
			sum = adit_sum_fold(adit_sum_pseudo(p, 6, len - 20));
			memcpy(p + 36, &sum, 2);
			mem_inner_put(&a.inner, p, len, &meta);
			seq += 100;
		}
		if (i % 10 == 9)
			run_until_idle();
	}
	run_until_idle();
	check_stream(0, seq);
}

static void test_jumbo(void **state)
{
	static uint8_t p[65535];

	(void)state;
	for (uint32_t len = 1400; len <= 65400; len += 8000) {
		udp_packet(p, len, 2, len);
		memset(p + 32, (int)(len >> 3), len - 32);
		mem_inner_put(&a.inner, p, len, NULL);
		run_until_idle();
		struct mem_packet got = mem_take(&b.inner.out);
		assert_int_equal(got.len, len);
		assert_memory_equal(got.data + 32, p + 32, len - 32);
		free(got.data);
	}
}

static void test_refused(void **state)
{
	uint8_t p[1500];
	struct mem_packet got;

	(void)state;
	((struct null_core *)a.engine.state)->refuse = ADIT_DROP_no_peer;
	for (uint32_t i = 0; i < 200; i++)
		mem_inner_put(&a.inner, p, udp_packet(p, 100, (uint8_t)i, i), NULL);
	run_until_idle();
	assert_int_equal(a.outer.datagrams, 0);
	/* ICMP host unreachable, from the destination, up to the limit */
	assert_int_equal(mem_waiting(&a.inner.out), 50);
	got = mem_take(&a.inner.out);
	assert_int_equal(got.data[9], ADIT_IPPROTO_ICMP);
	assert_int_equal(got.data[20], 3);
	assert_int_equal(got.data[21], 1);
	udp_packet(p, 100, 0, 0);
	assert_memory_equal(got.data + 12, p + 16, 4);
	assert_memory_equal(got.data + 16, p + 12, 4);
	assert_memory_equal(got.data + 28, p, 28);
	free(got.data);
}

/* --- who looks on at drops -------------------------------------------------- */

static struct shown {
	struct adit_tap tap;
	unsigned cnt;
	bool out;
	enum adit_drop drop;
	size_t len;
	uint8_t packet[ADIT_INNER_MAX];
} shown;

static void show(struct adit_tap *tap, bool out, enum adit_drop drop, const struct iovec *iov, int cnt)
{
	assert_ptr_equal(tap, &shown.tap);
	shown.cnt++;
	shown.out = out;
	shown.drop = drop;
	shown.len = 0;
	for (int i = 0; i < cnt; i++) {
		memcpy(shown.packet + shown.len, iov[i].iov_base, iov[i].iov_len);
		shown.len += iov[i].iov_len;
	}
}

static void look_on(struct end *e)
{
	memset(&shown, 0, sizeof(shown));
	shown.tap.dropped = show;
	adit_list_init(&e->engine.taps.all);
	adit_list_add_tail(&e->engine.taps.all, &shown.tap.link);
	e->engine.taps.any = true;
}

static void test_shown(void **state)
{
	const uint8_t junk[100] = { 0x15 };
	uint8_t p[1500];

	(void)state;
	look_on(&a);
	mem_inner_put(&a.inner, p, udp_packet(p, 200, 2, 1), NULL);
	run_until_idle();
	assert_int_equal(shown.cnt, 0); /* it went through */
	((struct null_core *)a.engine.state)->refuse = ADIT_DROP_no_peer;
	mem_inner_put(&a.inner, p, udp_packet(p, 200, 2, 7), NULL);
	mem_inner_put(&a.inner, p, udp_packet(p, 200, 2, 8), NULL);
	run_until_idle();
	assert_int_equal(shown.cnt, 2);
	assert_true(shown.out);
	assert_int_equal(shown.drop, ADIT_DROP_no_peer);
	assert_int_equal(shown.len, 200);
	assert_memory_equal(shown.packet, p, 26); /* behind it the checksum is made whole */
	assert_memory_equal(shown.packet + 28, p + 28, 172);
	mem_inner_put(&a.inner, junk, sizeof(junk), NULL);
	run_until_idle();
	assert_int_equal(shown.cnt, 3);
	assert_int_equal(shown.drop, ADIT_DROP_not_ip);
	assert_memory_equal(shown.packet, junk, sizeof(junk));
}

/* As it came: one header, then all of what was behind it. */
static void test_shown_super(void **state)
{
	(void)state;
	look_on(&a);
	((struct null_core *)a.engine.state)->refuse = ADIT_DROP_no_endpoint;
	put_super(10000, 1000, 5);
	run_until_idle();
	assert_int_equal(shown.cnt, 1);
	assert_int_equal(shown.drop, ADIT_DROP_no_endpoint);
	assert_int_equal(shown.len, 10040);
	assert_int_equal(shown.packet[0], 0x45);
	for (unsigned i = 0; i < 10000; i++)
		assert_int_equal(shown.packet[40 + i], (uint8_t)((5 + i) * 7));
}

static void test_not_ip(void **state)
{
	uint8_t p[100] = { 0x15 };

	(void)state;
	mem_inner_put(&a.inner, p, 100, NULL);
	run_until_idle();
	assert_int_equal(a.worker.n.drops[ADIT_DROP_not_ip], 1);
	assert_int_equal(a.outer.datagrams, 0);
}

static void test_strict(void **state)
{
	uint8_t p[200];

	(void)state;
	a.engine.strict = true;
	udp_packet(p, 100, 2, 5);
	p[26] = 0x12; /* a checksum, and a wrong one */
	mem_inner_put(&a.inner, p, 100, NULL);
	run_until_idle();
	assert_int_equal(a.worker.n.drops[ADIT_DROP_bad_checksum], 1);
	assert_int_equal(a.outer.datagrams, 0);
}

/* Begin and done come in pairs whatever happens. */
static void test_pairs(void **state)
{
	struct null_core *n = a.engine.state;

	test_order(state);
	assert_int_equal(n->begun, n->done);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_singles_share_trains, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_super_packets, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_mixed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_jumbo, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_shown, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_shown_super, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_not_ip, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_strict, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_pairs, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("worker", tests, NULL, NULL);
}
