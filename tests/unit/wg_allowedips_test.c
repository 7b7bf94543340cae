/* SPDX-License-Identifier: ISC */
/* Allowed IPs: known cases, and a linear list of prefixes at random. */
#include "wg_lab.h"

struct fixture {
	struct lab lab;
	struct lab_node *n;
	struct adit_wg_peer *peer[4];
};

static void setup(struct fixture *f)
{
	lab_init(&f->lab);
	f->n = lab_node(&f->lab, 1);
	for (unsigned i = 0; i < 4; i++) {
		uint8_t key[32] = { (uint8_t)(i + 1), 9 };

		assert_int_equal(adit_wg_peer_add(f->n->wg, &f->peer[i], key, 0), 0);
	}
}

static void allow(struct fixture *f, unsigned peer, const char *text)
{
	struct adit_prefix p = lab_prefix(text);

	assert_int_equal(adit_wg_peer_allow(f->n->wg, f->peer[peer], &p), 0);
}

static void disallow(struct fixture *f, unsigned peer, const char *text)
{
	struct adit_prefix p = lab_prefix(text);

	adit_wg_peer_disallow(f->n->wg, f->peer[peer], &p);
}

/* peer: -1 = none */
static void expect(struct fixture *f, const char *text, int peer)
{
	struct adit_addr a = lab_addr(text);
	struct adit_wg_peer *want = peer < 0 ? NULL : f->peer[peer];

	assert_ptr_equal(adit_wg_route(f->n->wg, &a), want);
	assert_ptr_equal(wg_allowedips_route(&f->n->wg->allowedips, &a), want); /* fills the cache */
	assert_ptr_equal(wg_allowedips_route(&f->n->wg->allowedips, &a), want); /* reads it */
}

static unsigned count(const struct adit_wg_peer *peer)
{
	struct adit_prefix p;
	const void *pos = NULL;
	unsigned cnt = 0;

	while (adit_wg_peer_allowed_next(peer, &pos, &p))
		cnt++;
	return cnt;
}

static void test_longest_wins(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	expect(&f, "10.9.0.5", -1);
	allow(&f, 0, "0.0.0.0/0");
	allow(&f, 1, "10.9.0.0/24");
	allow(&f, 2, "10.9.0.5/32");
	allow(&f, 3, "10.9.0.4/31");
	expect(&f, "10.9.0.5", 2);
	expect(&f, "10.9.0.4", 3);
	expect(&f, "10.9.0.6", 1);
	expect(&f, "10.9.1.6", 0);
	expect(&f, "::1", -1); /* 0.0.0.0/0 is not ::/0 */
	allow(&f, 0, "::/0");
	allow(&f, 1, "2001:db8::/32");
	allow(&f, 2, "2001:db8::1/128");
	allow(&f, 3, "2001:db8::/64");
	expect(&f, "2001:db8::1", 2);
	expect(&f, "2001:db8::2", 3);
	expect(&f, "2001:db8:1::2", 1);
	expect(&f, "2001:db9::", 0);
	expect(&f, "::", 0);
	disallow(&f, 2, "10.9.0.5/32");
	expect(&f, "10.9.0.5", 3);
	disallow(&f, 0, "2001:db8::1"); /* not its own: stays */
	expect(&f, "2001:db8::1", 2);
	disallow(&f, 2, "2001:db8::1");
	expect(&f, "2001:db8::1", 3);
	lab_fini(&f.lab);
}

/* A prefix belongs to one peer; host bits are masked. */
static void test_moves(void **state)
{
	struct adit_prefix p;
	const void *pos = NULL;
	struct fixture f;

	(void)state;
	setup(&f);
	allow(&f, 0, "10.0.0.77/8");
	allow(&f, 0, "10.1.2.3/8"); /* the same */
	assert_int_equal(count(f.peer[0]), 1);
	assert_true(adit_wg_peer_allowed_next(f.peer[0], &pos, &p));
	assert_int_equal(p.len, 8);
	assert_int_equal(p.addr.bytes[0], 10);
	assert_int_equal(p.addr.bytes[3], 0);
	expect(&f, "10.3.3.3", 0);
	allow(&f, 1, "10.0.0.0/8");
	expect(&f, "10.3.3.3", 1);
	assert_int_equal(count(f.peer[0]), 0);
	assert_int_equal(count(f.peer[1]), 1);
	adit_wg_peer_remove(f.n->wg, f.peer[1], 0);
	expect(&f, "10.3.3.3", -1);
	allow(&f, 0, "1.0.0.0/8");
	allow(&f, 0, "2.0.0.0/8");
	allow(&f, 0, "3.0.0.0/8");
	assert_true(adit_wg_peer_disallow_some(f.n->wg, f.peer[0], 2));
	assert_false(adit_wg_peer_disallow_some(f.n->wg, f.peer[0], 2));
	expect(&f, "3.3.3.3", -1);
	lab_fini(&f.lab);
}

/* --- against a list ----------------------------------------------------------- */

#define LIST 600
static struct {
	struct adit_prefix prefix;
	struct adit_wg_peer *peer;
} list[LIST];
static unsigned list_cnt;

static uint32_t seed = 7;
static uint32_t rnd(uint32_t n)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % n;
}

/* Few distinct bytes, so that prefixes nest and meet. */
static struct adit_addr random_addr(void)
{
	struct adit_addr a = { .family = rnd(2) ? 4 : 6 };

	for (unsigned i = 0; i < (a.family == 4 ? 4 : 16); i++)
		a.bytes[i] = (uint8_t)(rnd(3) ? 0 : rnd(4) << rnd(7));
	return a;
}

static void list_insert(const struct adit_prefix *prefix, struct adit_wg_peer *peer)
{
	struct adit_prefix p = *prefix;

	adit_prefix_mask(&p);
	for (unsigned i = 0; i < list_cnt; i++) {
		if (list[i].prefix.len == p.len && adit_addr_equal(&list[i].prefix.addr, &p.addr)) {
			list[i].peer = peer;
			return;
		}
	}
	list[list_cnt].prefix = p;
	list[list_cnt++].peer = peer;
}

static void list_remove(unsigned i)
{
	list[i] = list[--list_cnt];
}

static struct adit_wg_peer *list_lookup(const struct adit_addr *a)
{
	struct adit_wg_peer *peer = NULL;
	int best = -1;

	for (unsigned i = 0; i < list_cnt; i++) {
		if (list[i].prefix.len > best && adit_prefix_contains(&list[i].prefix, a)) {
			best = list[i].prefix.len;
			peer = list[i].peer;
		}
	}
	return peer;
}

static void test_random(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	for (int step = 0; step < 30000; step++) {
		struct adit_addr a = random_addr();

		if (rnd(20) == 0 && list_cnt < LIST) {
			struct adit_prefix p = { .addr = a, .len = (uint8_t)rnd(a.family == 4 ? 33 : 129) };
			struct adit_wg_peer *peer = f.peer[rnd(4)];

			list_insert(&p, peer);
			assert_int_equal(adit_wg_peer_allow(f.n->wg, peer, &p), 0);
		} else if (rnd(50) == 0 && list_cnt) {
			unsigned i = rnd(list_cnt);

			adit_wg_peer_disallow(f.n->wg, list[i].peer, &list[i].prefix);
			list_remove(i);
		} else {
			assert_ptr_equal(adit_wg_route(f.n->wg, &a), list_lookup(&a));
			assert_ptr_equal(wg_allowedips_route(&f.n->wg->allowedips, &a), list_lookup(&a));
		}
	}
	assert_true(list_cnt > 100);
	lab_fini(&f.lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_longest_wins),
		cmocka_unit_test(test_moves),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
