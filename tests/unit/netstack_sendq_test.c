/* SPDX-License-Identifier: ISC */
/* netstack_sendq_test.c - the send queue against a plain array */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>

#include <stdlib.h>

#include <cmocka.h>

#include "../sim/rng.h"
#include "netstack/sendq.h"

#define MIB (1u << 20)

struct lab {
	struct adit_budget budget;
	struct slab_pool pool;
	struct sendq q;
	struct rng rng;
	uint64_t written, acked; /* stream positions; the byte at n is byte_at(n) */
	unsigned cut, shorts;    /* how many reads ended at a whole segment, or before one */
};

static uint8_t byte_at(uint64_t n)
{
	return (uint8_t)(n * UINT64_C(0x9e3779b97f4a7c15) >> 56);
}

static void lab_init(struct lab *l, unsigned seed, size_t limit)
{
	*l = (struct lab){ .budget.limit = limit, .rng.state = seed };
	slab_pool_init(&l->pool, &l->budget);
	/* some begin just below the wrap of sequence numbers */
	sendq_init(&l->q, &l->pool, seed % 3 ? (uint32_t)rng_next(&l->rng) : (uint32_t)-(int)(seed * 1000));
}

static void lab_fini(struct lab *l)
{
	sendq_fini(&l->q);
	assert_int_equal(l->q.memory, 0);
	slab_pool_fini(&l->pool);
	assert_int_equal(l->budget.used, 0);
}

static size_t put_bytes(struct lab *l, size_t want)
{
	size_t room = 0;
	uint8_t *p = sendq_reserve(&l->q, want, &room);

	if (!p)
		return 0;
	assert_true(room > 0);
	if (room > want)
		room = want;
	for (size_t i = 0; i < room; i++)
		p[i] = byte_at(l->written + i);
	sendq_commit(&l->q, room);
	l->written += room;
	assert_int_equal(l->q.len, l->written - l->acked);
	return room;
}

static void ack_bytes(struct lab *l, uint32_t len)
{
	sendq_ack(&l->q, l->q.una + len);
	l->acked += len;
	assert_int_equal(l->q.len, l->written - l->acked);
	if (!l->q.len) {
		assert_null(l->q.first);
		assert_int_equal(l->q.memory, 0);
	}
}

/* The headroom of what sendq_at gave is inside one slab. */
static void check_headroom(const struct lab *l, const uint8_t *p, uint32_t len)
{
	for (const struct slab *s = l->q.first; s; s = s->next) {
		if (p >= s->data && p < s->data + s->cap) {
			assert_true(p - s->data >= SENDQ_HEADROOM);
			assert_true(p + len <= s->data + s->end);
			return;
		}
	}
	fail_msg("outside every slab");
}

static uint32_t read_at(struct lab *l, uint32_t offset, uint32_t want, uint32_t mss)
{
	uint8_t saved[SENDQ_HEADROOM];
	uint32_t len, left = l->q.len - offset;
	uint8_t *p = sendq_at(&l->q, l->q.una + offset, want, mss, &len);

	assert_in_range(len, 1, want < left ? want : left);
	check_headroom(l, p, len);
	if (len < want && len < left) {
		assert_true(len < mss || len % mss == 0);
		l->cut += len >= mss;
		l->shorts += len < mss;
	}
	/* as a sender does: a header in front, then what was there again */
	memcpy(saved, p - SENDQ_HEADROOM, SENDQ_HEADROOM);
	memset(p - SENDQ_HEADROOM, 0xee, SENDQ_HEADROOM);
	for (uint32_t i = 0; i < len; i++)
		assert_int_equal(p[i], byte_at(l->acked + offset + i));
	memcpy(p - SENDQ_HEADROOM, saved, SENDQ_HEADROOM);
	return len;
}

static void step(struct lab *l, uint32_t mss)
{
	switch (rng_below(&l->rng, 8)) {
	case 0:
	case 1:
		put_bytes(l, 1 + rng_below(&l->rng, rng_chance(&l->rng, 500) ? 200 : 70000));
		break;
	case 2: {
		size_t room;

		sendq_reserve(&l->q, 1 + rng_below(&l->rng, 70000), &room);
		if (rng_chance(&l->rng, 700))
			sendq_cancel(&l->q);
		break;
	}
	case 3:
		if (rng_chance(&l->rng, 100))
			ack_bytes(l, l->q.len);
		else
			ack_bytes(l, (uint32_t)rng_below(&l->rng, l->q.len / 2 + 1));
		break;
	default:
		if (l->q.len)
			read_at(l, (uint32_t)rng_below(&l->rng, l->q.len), 1 + (uint32_t)rng_below(&l->rng, 60000), mss);
	}
}

static void test_random(void **state)
{
	static const size_t limits[] = { 0, 2200, 5000, 20000, 100000, MIB, 32 * MIB };
	static const uint32_t mss[] = { 1, 88, 536, 1380, 1460, 8948 };

	(void)state;
	for (unsigned seed = 1; seed <= 84; seed++) {
		struct lab l;

		lab_init(&l, seed, limits[seed % 7]);
		for (int i = 0; i < 1500; i++)
			step(&l, mss[seed % 6]);
		for (uint32_t at = 0; at < l.q.len;)
			at += read_at(&l, at, 65000, mss[seed % 6]);
		lab_fini(&l);
	}
}

/* With memory enough every segment in mid-stream is full, whatever pieces the stream was written in. */
static void test_full_segments(void **state)
{
	static const uint32_t mss[] = { 536, 1240, 1380, 1448 };

	(void)state;
	for (unsigned seed = 1; seed <= 12; seed++) {
		uint32_t m = mss[seed % 4];
		struct lab l;

		lab_init(&l, seed, 32 * MIB);
		while (l.written < 2 * MIB)
			assert_true(put_bytes(&l, 1 + rng_below(&l.rng, seed % 2 ? 3000 : 65000)));
		for (uint32_t at = 0; at < l.q.len;)
			at += read_at(&l, at, 44 * m, m);
		assert_int_equal(l.shorts, 0);
		assert_true(l.cut > 0);
		lab_fini(&l);
	}
}

/* Near the end of the budget a queue gets one slab, and the next when that is acknowledged. */
static void test_reserve(void **state)
{
	struct adit_budget *budget;
	struct lab l;

	(void)state;
	lab_init(&l, 1, MIB);
	budget = &l.budget;
	assert_true(adit_budget_take(budget, MIB - MIB / 8 * 2 + 1));
	for (int i = 0; i < 5; i++) {
		assert_int_equal(put_bytes(&l, 60000), SLAB_SMALL_LEN - SENDQ_HEADROOM);
		assert_int_equal(put_bytes(&l, 60000), 0);
		ack_bytes(&l, l.q.len);
	}
	adit_budget_give(budget, MIB - MIB / 8 * 2 + 1);
	lab_fini(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random), cmocka_unit_test(test_full_segments), cmocka_unit_test(test_reserve),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
