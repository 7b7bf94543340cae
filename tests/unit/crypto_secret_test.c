/* SPDX-License-Identifier: ISC */
/* crypto_secret_test.c - secret memory: zeroed, wiped, locked, compact, given back, thread-safe */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../support/in_threads.h"
#include "crypto/crypto.h"

static void test_zeroed_and_wiped(void **state)
{
	static const size_t lens[] = { 1, 32, 64, 65, 128, 200, 256, 500, 512, 513, 1024 };
	uint8_t *keep[sizeof(lens) / sizeof(lens[0])];

	(void)state;
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		uint8_t *p = adit_secret_alloc(lens[i]), *q;

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % 64, 0);
		assert_true(adit_is_zero(p, lens[i]));
		keep[i] = adit_secret_alloc(lens[i]); /* so that the chunk stays mapped */
		memset(p, 0xff, lens[i]);
		adit_secret_free(p, lens[i]);
		/* but for the link of the free list */
		if (lens[i] > 8)
			assert_true(adit_is_zero(p + 8, lens[i] - 8));
		q = adit_secret_alloc(lens[i]);
		assert_ptr_equal(q, p);
		assert_true(adit_is_zero(q, lens[i]));
		adit_secret_free(q, lens[i]);
	}
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++)
		adit_secret_free(keep[i], lens[i]);
	adit_secret_free(NULL, 32);
}

struct block {
	uint8_t *p;
	size_t len;
	uint8_t fill;
};

static void fill(struct block *b)
{
	b->p = adit_secret_alloc(b->len);
	assert_non_null(b->p);
	assert_true(adit_is_zero(b->p, b->len));
	memset(b->p, b->fill, b->len);
}

static void drop(struct block *b)
{
	for (size_t i = 0; i < b->len; i++)
		assert_int_equal(b->p[i], b->fill);
	adit_secret_free(b->p, b->len);
	b->p = NULL;
}

/* Random sizes, so that blocks of all classes and chunks come and go: none
 * overlaps another, and at the end nearly all has been given back. */
static void test_random(void **state)
{
	enum { CNT = 3000 };
	struct block *blocks = calloc(CNT, sizeof(*blocks));
	struct adit_secret_stats full, empty;

	(void)state;
	assert_non_null(blocks);
	srandom(1);
	for (int step = 0; step < 40000; step++) {
		struct block *b = &blocks[random() % CNT];

		if (b->p) {
			drop(b);
		} else {
			b->len = (size_t)random() % 1024 + 1;
			b->fill = (uint8_t)(random() | 1);
			fill(b);
		}
	}
	adit_secret_stats(&full);
	for (int i = 0; i < CNT; i++)
		if (blocks[i].p)
			drop(&blocks[i]);
	adit_secret_stats(&empty);
	assert_true(empty.bytes < full.bytes);
	assert_true(empty.bytes <= 5u << 20); /* one chunk of each size at most */
	assert_true(empty.locked_bytes <= empty.bytes);
	free(blocks);
}

/* A million 64-byte secrets: 64 MB and two per cent. */
static void test_compact(void **state)
{
	enum { CNT = 1000000 };
	void **p = malloc(CNT * sizeof(*p));
	struct adit_secret_stats before, after;

	(void)state;
	assert_non_null(p);
	adit_secret_stats(&before);
	for (int i = 0; i < CNT; i++) {
		p[i] = adit_secret_alloc(64);
		assert_non_null(p[i]);
	}
	adit_secret_stats(&after);
	assert_in_range(after.bytes - before.bytes, 64u * CNT - (2u << 20), 64u * CNT + 64u * CNT / 50);
	for (int i = 0; i < CNT; i++)
		adit_secret_free(p[i], 64);
	adit_secret_stats(&after);
	assert_true(after.bytes <= before.bytes + (1u << 20));
	free(p);
}

/* VmFlags of the mapping with p: lo = locked, dd = not dumped, dc = not in children */
static bool has_flag(const void *p, const char *flag)
{
	FILE *f = fopen("/proc/self/smaps", "r");
	char line[512];
	bool in = false, found = false;

	if (!f)
		skip();
	while (fgets(line, sizeof(line), f)) {
		unsigned long from, to;

		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			in = from <= (unsigned long)p && (unsigned long)p < to;
		else if (in && !strncmp(line, "VmFlags:", 8))
			found = strstr(line, flag);
	}
	fclose(f);
	return found;
}

/* Are the flags to be seen here at all? (not under every emulator) */
static bool flags_shown(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bool shown = p != MAP_FAILED && !madvise(p, 4096, MADV_DONTDUMP) && has_flag(p, " dd");

	if (p != MAP_FAILED)
		munmap(p, 4096);
	return shown;
}

static void test_kept_in(void **state)
{
	struct adit_secret_stats stats;
	uint8_t *p = flags_shown() ? adit_secret_alloc(32) : NULL;

	(void)state;
	if (!p && !flags_shown())
		skip();
	assert_non_null(p);
	*p = 1;
	adit_secret_stats(&stats);
	assert_true(has_flag(p, " dd"));
	assert_true(has_flag(p, " dc"));
	if (stats.lock_errno)
		print_message("locking is not allowed here: %s\n", strerror(stats.lock_errno));
	else
		assert_true(has_flag(p, " lo"));
	if (!stats.lock_errno)
		assert_int_equal(stats.locked_bytes, stats.bytes);
	adit_secret_free(p, 32);
}

/* Without the right to lock it goes on, and says so. In a child, where the
 * limit can be lowered; it has no secrets yet. */
static int unlocked_child(void)
{
	const struct rlimit none = { 0, 0 };
	struct adit_secret_stats stats;
	uint8_t *p;

	/* a user without capabilities: the limit counts */
	if (setrlimit(RLIMIT_MEMLOCK, &none) || (getuid() == 0 && setuid(65534)))
		return 77;
	p = adit_secret_alloc(64);
	if (!p || !adit_is_zero(p, 64))
		return 1;
	memset(p, 1, 64);
	adit_secret_stats(&stats);
	if (stats.locked_bytes || !stats.bytes || !stats.lock_errno)
		return 2;
	adit_secret_free(p, 64);
	return 0;
}

static void test_unlocked(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (!pid)
		_exit(unlocked_child());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

static const char *work(unsigned id)
{
	struct block blocks[64] = { 0 };
	unsigned seed = id;

	for (int step = 0; step < 20000; step++) {
		struct block *b = &blocks[rand_r(&seed) % 64];

		if (b->p) {
			for (size_t i = 0; i < b->len; i++)
				if (b->p[i] != b->fill)
					return "somebody else wrote here";
			adit_secret_free(b->p, b->len);
			b->p = NULL;
			continue;
		}
		b->len = (size_t)rand_r(&seed) % 128 + 1;
		b->fill = (uint8_t)id;
		b->p = adit_secret_alloc(b->len);
		if (!b->p || !adit_is_zero(b->p, b->len))
			return "not zeroed";
		memset(b->p, b->fill, b->len);
	}
	for (int i = 0; i < 64; i++)
		adit_secret_free(blocks[i].p, blocks[i].p ? blocks[i].len : 1);
	return NULL;
}

static void test_threads(void **state)
{
	(void)state;
	in_four_threads(work);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unlocked), /* first: its child must be the first user */
		cmocka_unit_test(test_zeroed_and_wiped),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_compact),
		cmocka_unit_test(test_kept_in),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests_name("crypto_secret", tests, NULL, NULL);
}
