/* SPDX-License-Identifier: ISC */
/* netstack_recvq_test.c - the receive queue against a plain array, and what a hostile peer can make it hold */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>

#include <stdlib.h>

#include <cmocka.h>

#include "../sim/rng.h"
#include "netstack/recvq.h"
#include "netstack/seq.h"

#define MIB    (1u << 20)
#define STREAM (600u << 10)
#define SMALL  (SLAB_SMALL_LEN + (uint32_t)sizeof(struct slab))
#define NOTES  (SLAB_NOTES_LEN + (uint32_t)sizeof(struct slab))
#define LENT   (1u << 20)
#ifdef __SANITIZE_THREAD__
#define SEEDS 16u /* thirty times slower, and of one thread */
#else
#define SEEDS 96u
#endif

struct lab {
	struct adit_budget budget;
	struct slab_pool pool;
	struct recvq q;
	struct rng rng;
	uint32_t base;          /* sequence number of stream position 0 */
	uint32_t read, next;    /* the model: positions */
	uint32_t settled;       /* next may not go back below it */
	uint32_t top;           /* nothing was added behind it */
	bool have[STREAM];
	uint8_t lent[LENT];     /* packets' memory, spoilt after settle */
	uint32_t lent_len;
	unsigned refusals, forgotten;
};

static uint8_t byte_at(uint32_t n)
{
	return (uint8_t)(n * UINT64_C(0x9e3779b97f4a7c15) >> 56);
}

static struct lab *lab_new(unsigned seed, size_t limit)
{
	struct lab *l = calloc(1, sizeof(*l));

	assert_non_null(l);
	l->budget.limit = limit;
	l->rng.state = seed;
	l->base = seed % 2 ? (uint32_t)rng_next(&l->rng) : (uint32_t)-(int)rng_below(&l->rng, STREAM);
	slab_pool_init(&l->pool, &l->budget);
	recvq_init(&l->q, &l->pool, l->base);
	return l;
}

static void lab_free(struct lab *l)
{
	recvq_fini(&l->q);
	assert_int_equal(l->q.memory, 0);
	assert_null(l->q.parts);
	slab_pool_fini(&l->pool);
	assert_int_equal(l->budget.used, 0);
	free(l);
}

/* The model's ranges out of order; returns how many. */
static unsigned model_ranges(const struct lab *l, struct recvq_range *r)
{
	unsigned n = 0;

	for (uint32_t i = l->next; i < l->top; i++) {
		if (!l->have[i])
			continue;
		r[n].from = l->base + i;
		while (i < l->top && l->have[i])
			i++;
		r[n++].to = l->base + i;
		assert_in_range(n, 0, RECVQ_EXTENTS);
	}
	return n;
}

static int by_seq(const void *a, const void *b)
{
	return seq_lt(((const struct recvq_range *)a)->from, ((const struct recvq_range *)b)->from) ? -1 : 1;
}

/* The same ranges, the same edges, every readable byte right. */
static void check(const struct lab *l)
{
	struct recvq_range want[RECVQ_EXTENTS + 1], got[RECVQ_EXTENTS];
	unsigned n = model_ranges(l, want);
	struct iovec iov[512];
	uint32_t at = l->read, wrong = 0;
	int cnt;

	assert_int_equal(recvq_sack(&l->q, got, RECVQ_EXTENTS), n);
	qsort(got, n, sizeof(got[0]), by_seq);
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(got[i].from, want[i].from);
		assert_int_equal(got[i].to, want[i].to);
	}
	assert_int_equal(l->q.next, l->base + l->next);
	assert_int_equal(recvq_readable(&l->q), l->next - l->read);
	assert_int_equal(recvq_end(&l->q), n ? want[n - 1].to : l->q.next);
	cnt = recvq_peek(&l->q, iov, 512);
	for (int i = 0; i < cnt; i++) {
		for (size_t k = 0; k < iov[i].iov_len; k++)
			wrong += ((uint8_t *)iov[i].iov_base)[k] != byte_at(at++);
	}
	assert_int_equal(at, l->next);
	assert_int_equal(wrong, 0);
	assert_true((!n && l->read == l->next) == !l->q.parts);
	assert_true((l->q.memory == 0) == !l->q.parts);
}

/* Memory was short: the model takes what the queue says it has, which may not be more than it was given. */
static void follow(struct lab *l)
{
	struct recvq_range got[RECVQ_EXTENTS];
	unsigned n = recvq_sack(&l->q, got, RECVQ_EXTENTS);
	bool *now = calloc(STREAM, 1);

	assert_non_null(now);
	l->next = l->q.next - l->base;
	memset(now, 1, l->next);
	for (unsigned i = 0; i < n; i++)
		memset(now + (got[i].from - l->base), 1, got[i].to - got[i].from);
	for (uint32_t i = 0; i < STREAM; i++) {
		if (now[i] && !l->have[i])
			fail_msg("byte %u came from nowhere", i);
	}
	memcpy(l->have, now, STREAM);
	free(now);
}

/* Lends [from, from + len) of the stream, cut at random into iovecs, and adds it. */
static void add(struct lab *l, uint32_t from, uint32_t len, struct recvq_added *a)
{
	struct iovec iov[24];
	size_t skip = rng_below(&l->rng, 50), left = skip + len;
	uint8_t *p = l->lent + l->lent_len;
	int cnt = 0;

	assert_true(l->lent_len + left <= LENT);
	l->lent_len += (uint32_t)left;
	if (from + len > l->top)
		l->top = from + len;
	memset(p, 0x55, skip);
	for (uint32_t i = 0; i < len; i++)
		p[skip + i] = byte_at(from + i);
	while (left) {
		size_t n = cnt == 23 ? left : rng_chance(&l->rng, 100) ? 0 : 1 + rng_below(&l->rng, left);

		iov[cnt++] = (struct iovec){ p, n };
		p += n;
		left -= n;
	}
	recvq_add(&l->q, l->base + from, len, iov, cnt, skip, a);
}

/* The first byte of [from, to) that the model has, and where that run ends. */
static struct recvq_range model_dup(const struct lab *l, uint32_t from, uint32_t to)
{
	struct recvq_range r = { 0, 0 };

	while (from < to && !l->have[from])
		from++;
	if (from == to)
		return r;
	r.from = l->base + from;
	while (from < to && l->have[from] && (from != l->next || r.from == l->base + l->next))
		from++;
	r.to = l->base + from;
	return r;
}

static void add_and_check(struct lab *l, uint32_t from, uint32_t len)
{
	struct recvq_range dup = model_dup(l, from, from + len), first;
	uint32_t old = l->next;
	bool hole = recvq_end(&l->q) != l->q.next;
	struct recvq_added a;

	add(l, from, len, &a);
	assert_int_equal(a.dup.from, dup.from);
	assert_int_equal(a.dup.to, dup.to);
	memset(l->have + from, 1, len);
	while (l->next < STREAM && l->have[l->next])
		l->next++;
	if (a.refused) {
		l->refusals++;
		follow(l);
	} else if (len && from > old) { /* RFC 2018: what came last stands first */
		assert_int_equal(recvq_sack(&l->q, &first, 1), 1);
		assert_true(seq_le(first.from, l->base + from) && seq_le(l->base + from + len, first.to));
	}
	assert_int_equal(a.advanced, l->next - old);
	assert_int_equal(a.filled, hole && (a.advanced || (a.refused && from <= old && from + len > old)));
	assert_int_equal(a.out_of_order, recvq_end(&l->q) != l->q.next);
}

static void settle(struct lab *l)
{
	uint32_t back = recvq_settle(&l->q);

	if (back) {
		l->forgotten++;
		assert_true(l->q.next - l->base >= l->settled);
		assert_int_equal(l->q.next, l->base + l->next - back);
		follow(l);
	} else if (recvq_sack(&l->q, &(struct recvq_range){ 0 }, 1) == 0) {
		follow(l); /* ranges may have been given up for what was borrowed */
	}
	l->settled = l->next;
	memset(l->lent, 0xaa, l->lent_len);
	l->lent_len = 0;
	check(l);
}

static void step(struct lab *l, unsigned max_len, unsigned spread)
{
	uint32_t len = 1 + (uint32_t)rng_below(&l->rng, rng_chance(&l->rng, 300) ? 3 : max_len), from;

	switch (rng_below(&l->rng, 10)) {
	case 0:
		recvq_consume(&l->q, (len = (uint32_t)rng_below(&l->rng, l->next - l->read + 1)));
		l->read += len;
		break;
	case 1:
		recvq_consume(&l->q, l->next - l->read);
		l->read = l->next;
		break;
	case 2:
		settle(l);
		break;
	case 3:
		if (rng_chance(&l->rng, 100)) {
			recvq_prune(&l->q);
			memset(l->have + l->next, 0, STREAM - l->next);
		}
		break;
	case 4: /* perhaps old */
		from = l->next > spread ? l->next - (uint32_t)rng_below(&l->rng, spread) : 0;
		add_and_check(l, from, len < STREAM - from ? len : STREAM - from);
		break;
	case 5:
	case 6:
		from = l->next + (uint32_t)rng_below(&l->rng, spread);
		if (from + len <= STREAM)
			add_and_check(l, from, len);
		break;
	default:
		if (l->next + len <= STREAM)
			add_and_check(l, l->next, len);
	}
	if (l->lent_len > LENT - 70000)
		settle(l);
	check(l);
}

static void test_random(void **state)
{
	static const size_t limits[] = { 0, 4000, 7000, 30000, 200000, 16 * MIB, 16 * MIB, 16 * MIB };
	unsigned refusals = 0, forgotten = 0;

	(void)state;
	for (unsigned seed = 1; seed <= SEEDS; seed++) {
		struct lab *l = lab_new(seed, limits[seed % 8]);

		for (int i = 0; i < 400 && l->next < STREAM; i++)
			step(l, seed % 3 ? 1500 : 60000, seed % 5 ? 20000 : 200000);
		settle(l);
		refusals += l->refusals;
		forgotten += l->forgotten;
		lab_free(l);
	}
	assert_true(refusals > SEEDS && forgotten > SEEDS); /* the paths were taken */
}

/* With the peer sending again what is missing, the stream arrives whole however little memory there is. */
static void test_progress(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 20; seed++) {
		struct lab *l = lab_new(seed, 64 << 10);

		assert_true(adit_budget_take(&l->budget, 56 << 10)); /* others have all but the reserve */
		for (int i = 0; i < 4000 && l->next < 100000; i++) {
			if (rng_chance(&l->rng, 500))
				add_and_check(l, l->next + 1 + (uint32_t)rng_below(&l->rng, 5000), 1400);
			add_and_check(l, l->next, 1400);
			settle(l);
			recvq_consume(&l->q, l->next - l->read);
			l->read = l->next;
		}
		assert_true(l->next >= 100000);
		adit_budget_give(&l->budget, 56 << 10);
		lab_free(l);
	}
}

/* In order, read at once: nothing is copied and nothing is kept. */
static void test_borrowed(void **state)
{
	struct lab *l = lab_new(1, 16 * MIB);
	struct recvq_added a;
	struct iovec iov[4];

	(void)state;
	for (int i = 0; i < 10; i++) {
		uint8_t *lent = l->lent + l->lent_len;

		add(l, l->next, 1000, &a);
		assert_int_equal(a.advanced, 1000);
		assert_true(recvq_peek(&l->q, iov, 4) >= 1);
		assert_true((uint8_t *)iov[0].iov_base >= lent && (uint8_t *)iov[0].iov_base < lent + 1050);
		recvq_consume(&l->q, 1000);
		l->next = l->read += 1000;
		assert_null(l->q.parts);
		assert_int_equal(l->q.memory, 0);
		assert_int_equal(recvq_settle(&l->q), 0);
	}
	lab_free(l);
}

/* More pieces than there are places for iovecs: the rest is stored at once. */
static void test_many_pieces(void **state)
{
	struct lab *l = lab_new(3, 16 * MIB);

	(void)state;
	for (int i = 0; i < 400; i++)
		add_and_check(l, l->next, 10);
	check(l);
	settle(l);
	lab_free(l);
}

/* One byte here and there, far apart: no more than a small slab for each, and only so many. */
static void test_sparse(void **state)
{
	struct lab *l = lab_new(5, 64 * MIB);
	struct recvq_added a;

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		add(l, 8000 + 5000 * i, 1, &a);
		assert_int_equal(a.refused, i >= RECVQ_EXTENTS);
	}
	assert_true(l->q.memory <= RECVQ_EXTENTS * SMALL + NOTES);
	add(l, 0, 8000, &a); /* the hole can still be closed */
	assert_int_equal(a.advanced, 8001);
	recvq_prune(&l->q);
	assert_int_equal(recvq_end(&l->q), l->q.next);
	recvq_consume(&l->q, 8001);
	assert_int_equal(l->q.memory, 0);
	lab_free(l);
}

/* Byte by byte, backward and every second one first: never more memory than the stream is long, and a bit. */
static void test_tiny(void **state)
{
	struct lab *l = lab_new(6, 64 * MIB);
	struct recvq_added a;

	(void)state;
	for (uint32_t i = 20000; i > 1; i--) {
		add(l, i, 1, &a);
		assert_false(a.refused);
		l->lent_len = 0;
	}
	assert_true(l->q.memory <= (20000 / SLAB_SMALL_LEN + 2) * SMALL + NOTES); /* cells, not bytes */
	for (uint32_t i = 1; i <= 1; i--) {
		add(l, i, 1, &a);
		l->lent_len = 0;
	}
	assert_int_equal(l->q.next, l->base + 20001);
	recvq_consume(&l->q, 20001);
	assert_int_equal(l->q.memory, 0);
	lab_free(l);
}

/* In order bytes in tiny segments that nobody reads. */
static void test_slow_reader(void **state)
{
	struct lab *l = lab_new(7, 64 * MIB);
	struct recvq_added a;

	(void)state;
	for (uint32_t i = 0; i < 300000; i++) {
		add(l, i, 1, &a);
		assert_int_equal(a.advanced, 1);
		assert_int_equal(recvq_settle(&l->q), 0);
		l->lent_len = 0;
	}
	assert_true(l->q.memory <= 300000 + SLAB_LARGE_LEN + 30 * sizeof(struct slab) + NOTES + SMALL);
	lab_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random), cmocka_unit_test(test_progress), cmocka_unit_test(test_borrowed),
		cmocka_unit_test(test_many_pieces), cmocka_unit_test(test_sparse), cmocka_unit_test(test_tiny),
		cmocka_unit_test(test_slow_reader),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
