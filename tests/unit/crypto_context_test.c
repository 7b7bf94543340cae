/* SPDX-License-Identifier: ISC */
/* crypto_context_test.c - contexts, backends and their choice; threads; what keys leave behind */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "crypto/crypto.h"

/* --- which backend ------------------------------------------------------------ */

static void test_names(void **state)
{
	struct adit_aead_info info[4];
	size_t cnt = adit_crypto_backends(info, 4);
	struct adit_crypto *c = (void *)1;
	int chosen = -1;

	(void)state;
	assert_in_range(cnt, 1, 4);
	for (size_t i = 0; i < cnt; i++) {
		assert_true(strlen(info[i].version) > 0);
		assert_non_null(info[i].arch);
		if (info[i].chosen) {
			assert_int_equal(chosen, -1);
			chosen = (int)i;
		}
		if (info[i].bytes_per_s > 0) {
			assert_int_equal(adit_crypto_new(&c, info[i].name), 0);
			assert_string_equal(adit_crypto_aead_name(c), info[i].name);
			adit_crypto_free(c);
		}
	}
	assert_int_not_equal(chosen, -1);
	for (size_t i = 0; i < cnt; i++)
		assert_true(info[i].bytes_per_s <= info[chosen].bytes_per_s);
	assert_int_equal(adit_crypto_new(&c, NULL), 0);
	assert_string_equal(adit_crypto_aead_name(c), info[chosen].name);
	adit_crypto_free(c);
	adit_crypto_free(NULL);

	c = (void *)1;
	assert_int_equal(adit_crypto_new(&c, "rot13"), -ENOENT);
	assert_int_equal(adit_crypto_new(&c, ""), -ENOENT);
	assert_ptr_equal(c, (void *)1); /* untouched */
}

/* What was measured is measured once: the numbers do not change by a bit. */
static void test_measured_once(void **state)
{
	struct adit_aead_info a[4] = { 0 }, b[4] = { 0 };
	size_t cnt = adit_crypto_backends(a, 4);

	(void)state;
	for (int i = 0; i < 20; i++) {
		struct adit_crypto *c;

		assert_int_equal(adit_crypto_new(&c, NULL), 0);
		adit_crypto_free(c);
	}
	assert_int_equal(adit_crypto_backends(b, 4), cnt);
	for (size_t i = 0; i < cnt; i++)
		assert_memory_equal(&a[i].bytes_per_s, &b[i].bytes_per_s, sizeof(a[i].bytes_per_s));
	memset(b, 0, sizeof(b));
	assert_int_equal(adit_crypto_backends(b, 1), cnt); /* only the first is written */
	assert_null(b[1].name);
	assert_int_equal(adit_crypto_backends(NULL, 0), cnt);
}

/* --- threads ------------------------------------------------------------------- */

/* Seals and opens by a context of its own, next to others that do the same. */
static const char *work(unsigned id)
{
	uint8_t key[ADIT_KEY_LEN] = { (uint8_t)id }, pub[ADIT_KEY_LEN], other[ADIT_KEY_LEN], hash[2][32];
	struct adit_crypto *c;
	uint8_t buf[1500];

	if (adit_crypto_new(&c, NULL))
		return "no context";
	adit_hash(c, hash[0], key, sizeof(key), NULL, 0);
	adit_x25519_public(c, pub, key);
	for (uint64_t i = 0; i < 300; i++) {
		size_t len = i * 4;

		memset(buf, (int)i, sizeof(buf));
		adit_aead_seal(c, buf, buf, len, NULL, 0, i, key);
		if (!adit_aead_open(c, buf, buf, len + ADIT_TAG_LEN, NULL, 0, i, key))
			return "not opened";
		for (size_t k = 0; k < len; k++)
			if (buf[k] != (uint8_t)i)
				return "wrong plain text";
		adit_hash(c, hash[1], key, sizeof(key), NULL, 0);
		if (memcmp(hash[0], hash[1], 32))
			return "wrong hash";
		if (i % 50 == 0) {
			adit_x25519_public(c, other, key);
			if (memcmp(pub, other, sizeof(pub)))
				return "wrong public key";
			adit_crypto_forget(c);
		}
	}
	adit_crypto_free(c);
	return NULL;
}

struct job {
	pthread_t thread;
	unsigned id;
	const char *failure;
};

static void *worker(void *arg)
{
	struct job *job = arg;

	job->failure = work(job->id);
	return NULL;
}

static void test_threads(void **state)
{
	struct job jobs[4];

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		jobs[i].id = i + 1;
		assert_int_equal(pthread_create(&jobs[i].thread, NULL, worker, &jobs[i]), 0);
	}
	for (int i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(jobs[i].thread, NULL), 0);
		if (jobs[i].failure)
			fail_msg("thread %d: %s", i, jobs[i].failure);
	}
}

/* --- small ones ------------------------------------------------------------------ */

static void test_small(void **state)
{
	uint8_t a[64] = { 0 }, b[64] = { 0 };

	(void)state;
	assert_true(adit_equal(a, b, sizeof(a)));
	assert_true(adit_is_zero(a, sizeof(a)));
	for (size_t i = 0; i < sizeof(a); i++) {
		a[i] = 0x80;
		assert_false(adit_equal(a, b, sizeof(a)));
		assert_true(adit_equal(a, b, i));
		assert_false(adit_is_zero(a, sizeof(a)));
		a[i] = 0;
	}
	adit_random(a, sizeof(a));
	adit_random(b, sizeof(b));
	assert_false(adit_equal(a, b, sizeof(a)));
	assert_false(adit_is_zero(a + 32, 32));
	adit_wipe(a, 32);
	assert_true(adit_is_zero(a, 32));
	assert_false(adit_is_zero(a + 32, 32));
	adit_random(a, 0);
	adit_wipe(a, 0);
}

/* --- what is left of a key -------------------------------------------------------- */

#define MASK 0x5a

/* Counts a 16-byte piece of the key, which the caller holds masked only, in all
 * this process can write to. Secret memory is not spared: the blocks there have
 * been wiped. No stdio: it would buffer pages it reads. */
static int scan(const uint8_t *masked)
{
	static uint8_t page[4096 + 16], maps[1 << 16];
	int mem = open("/proc/self/mem", O_RDONLY), fd = open("/proc/self/maps", O_RDONLY), found = 0;
	char *line = (char *)maps, *end;
	size_t len = 0;
	ssize_t n;

	assert_true(mem >= 0 && fd >= 0);
	while ((n = read(fd, maps + len, sizeof(maps) - 1 - len)) > 0)
		len += (size_t)n;
	maps[len] = 0;
	for (; (end = strchr(line, '\n')); line = end + 1) {
		unsigned long from, to;
		char perms[5];

		if (sscanf(line, "%lx-%lx %4s", &from, &to, perms) != 3 || perms[1] != 'w')
			continue;
		for (unsigned long at = from; at < to; at += 4096) {
			if (at < (unsigned long)page + sizeof(page) && at + 4096 > (unsigned long)page)
				continue;
			n = pread(mem, page, sizeof(page), (off_t)at);
			for (ssize_t i = 0; i + 16 <= n; i++) {
				int same = 0;

				while (same < 16 && (page[i + same] ^ MASK) == masked[same])
					same++;
				found += same == 16;
			}
		}
	}
	close(mem);
	close(fd);
	return found;
}

/* Uses the key in every way there is; it stands in secret memory only. */
static void __attribute__((noinline)) use(struct adit_crypto *c, const uint8_t *masked, int way)
{
	uint8_t *key = adit_secret_alloc(32), *out = adit_secret_alloc(96);
	uint8_t buf[256] = { 0 }, pub[32] = { 9 };

	assert_non_null(key);
	assert_non_null(out);
	for (int i = 0; i < 32; i++)
		key[i] = masked[i] ^ MASK;
	switch (way) {
	case 0:
		adit_aead_seal(c, buf, buf, 100, NULL, 0, 1, key);
		assert_true(adit_aead_open(c, buf, buf, 116, NULL, 0, 1, key));
		break;
	case 1:
		assert_true(adit_x25519(c, out, key, pub));
		adit_x25519_public(c, buf, key);
		break;
	case 2:
		adit_mac(c, buf, key, 32, buf, 116, NULL, 0);
		break;
	case 3:
		adit_kdf(c, out, out + 32, out + 64, key, key, 32);
		break;
	case 4:
		adit_hash(c, buf, key, 32, key, 32);
		break;
	case 5:
		adit_xaead_seal(buf, buf, 16, NULL, 0, buf + 100, key);
		assert_true(adit_xaead_open(buf, buf, 32, NULL, 0, buf + 100, key));
		break;
	}
	if (scan(masked) < 1)
		fail_msg("way %d: the scan does not see the key while it is there", way);
	adit_secret_free(key, 32);
	adit_secret_free(out, 96);
}

static void test_residue(void **state)
{
	static uint8_t masked[32];
	struct adit_aead_info info[4];
	size_t cnt = adit_crypto_backends(info, 4);

	(void)state;
	for (size_t i = 0; i < cnt; i++) {
		struct adit_crypto *c;

		assert_int_equal(adit_crypto_new(&c, info[i].name), 0);
		for (int way = 0; way < 6; way++) {
			int found;

			adit_random(masked, sizeof(masked));
			use(c, masked, way);
			adit_crypto_forget(c);
			found = scan(masked);
			if (found)
				fail_msg("%s, way %d: %d copies of the key are left", info[i].name, way, found);
		}
		adit_crypto_free(c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_threads), /* first: the once's run in several threads */
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_measured_once),
		cmocka_unit_test(test_small),
		cmocka_unit_test(test_residue),
	};

	return cmocka_run_group_tests_name("crypto_context", tests, NULL, NULL);
}
