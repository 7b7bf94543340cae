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
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "../support/in_threads.h"
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

static void test_threads(void **state)
{
	(void)state;
	in_four_threads(work);
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

/* Sanitizers keep copies and shadows of their own: nothing to learn, and slow. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#define MASK      0x5a
#define STACK_LEN (32 << 10)
#define PAGE_LEN  (64 << 10)

/* Pieces of secrets to look for; masked, so that they are not found here. */
static struct needles {
	uint8_t masked[16][16];
	bool first[256]; /* bytes that a needle begins with */
	int cnt;
} needles;

static void add_needle(const uint8_t *p, uint8_t pad)
{
	for (int i = 0; i < 16; i++)
		needles.masked[needles.cnt][i] = p[i] ^ pad ^ MASK;
	needles.first[p[0] ^ pad] = true;
	needles.cnt++;
}

static int count(const uint8_t *p, size_t len)
{
	int found = 0;

	for (size_t i = 0; i + 16 <= len; i++) {
		for (int n = 0; needles.first[p[i]] && n < needles.cnt; n++) {
			int same = 0;

			while (same < 16 && (p[i + (size_t)same] ^ MASK) == needles.masked[n][same])
				same++;
			found += same == 16;
		}
	}
	return found;
}

static int mem_fd = -1;
static uint8_t stack[STACK_LEN], page[PAGE_LEN + 16], maps[1 << 16];

static bool is_ours(unsigned long at)
{
	const uintptr_t mine[] = { (uintptr_t)stack, (uintptr_t)page, (uintptr_t)maps };
	const size_t len[] = { sizeof(stack), sizeof(page), sizeof(maps) };

	for (int i = 0; i < 3; i++)
		if (at < mine[i] + len[i] && at + sizeof(page) > mine[i])
			return true;
	return false;
}

/* All this process can write to. Secret memory is not spared: what stood there
 * has been wiped. No stdio: it would keep what it reads. */
static int scan(void)
{
	int fd = open("/proc/self/maps", O_RDONLY), found = 0;
	char *line = (char *)maps, *end;
	size_t len = 0;
	ssize_t n;

	assert_true(fd >= 0);
	while ((n = read(fd, maps + len, sizeof(maps) - 1 - len)) > 0)
		len += (size_t)n;
	close(fd);
	maps[len] = 0;
	for (; (end = strchr(line, '\n')); line = end + 1) {
		unsigned long from, to;
		char perms[5];

		if (sscanf(line, "%lx-%lx %4s", &from, &to, perms) != 3 || perms[0] != 'r' || perms[1] != 'w')
			continue;
		if (to - from > 256ul << 20) /* a sanitizer's shadow */
			continue;
		for (unsigned long at = from; at < to; at += PAGE_LEN) {
			size_t want = to - at < sizeof(page) ? to - at : sizeof(page);

			n = is_ours(at) ? 0 : pread(mem_fd, page, want, (off_t)at);
			found += n > 0 ? count(page, (size_t)n) : 0;
		}
	}
	return found;
}

/* Where secrets may be while they are in use, and nowhere else. */
struct secrets {
	uint8_t key[32], prk[32], out[96], pub[32];
};

/* One way in which a key is used. Its frame and those below stay as they are
 * for the caller to look at. */
static void __attribute__((noinline)) use(struct adit_crypto *c, struct secrets *s, int way)
{
	static uint8_t buf[256];

	switch (way) {
	case 0:
		adit_aead_seal(c, buf, buf, 100, NULL, 0, 1, s->key);
		break;
	case 1:
		(void)adit_aead_open(c, buf, buf, 116, NULL, 0, 1, s->key);
		break;
	case 2:
		(void)adit_x25519(c, s->out, s->key, s->pub);
		break;
	case 3:
		adit_x25519_public(c, buf, s->key);
		break;
	case 4:
		adit_mac(c, buf, s->key, 32, buf, 116, NULL, 0);
		break;
	case 5:
		adit_kdf(c, s->out, s->out + 32, s->out + 64, s->key, s->key, 32);
		break;
	case 6:
		adit_hash(c, buf, s->key, 32, s->key, 32);
		break;
	case 7:
		adit_xaead_seal(buf, buf, 16, NULL, 0, buf + 100, s->key);
		break;
	case 8:
		(void)adit_xaead_open(buf, buf, 32, NULL, 0, buf + 100, s->key);
		break;
	}
}
#define WAYS 9

/* The data path does not pay for wiping with every packet, nor does the plain
 * hash, which seldom sees secrets: there adit_crypto_forget does it. */
static bool __attribute__((noinline)) use_and_look_below(struct adit_crypto *c, struct secrets *s, int way)
{
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);

	use(c, s, way);
	if (way <= 1 || way == 6)
		adit_crypto_forget(c);
	return pread(mem_fd, stack, sizeof(stack), (off_t)(here - sizeof(stack))) == (ssize_t)sizeof(stack);
}

/* The key, what HMAC makes of it, the extracted key, and the results. */
static void make_needles(struct adit_crypto *c, struct secrets *s)
{
	uint8_t *block = adit_secret_alloc(64), *inner = adit_secret_alloc(32);

	assert_non_null(block);
	assert_non_null(inner);
	for (int i = 0; i < 64; i++)
		block[i] = (i < 32 ? s->key[i] : 0) ^ 0x36;
	adit_hash(c, inner, block, 64, s->key, 32);
	for (int i = 0; i < 64; i++)
		block[i] ^= 0x36 ^ 0x5c;
	adit_hash(c, s->prk, block, 64, inner, 32);
	memset(&needles, 0, sizeof(needles));
	add_needle(s->key, 0);
	add_needle(s->key + 16, 0);
	add_needle(s->key, 0x36);
	add_needle(s->key, 0x5c);
	add_needle(s->prk, 0);
	add_needle(s->prk, 0x36);
	add_needle(s->prk, 0x5c);
	add_needle(inner, 0);
	assert_true(adit_x25519(c, s->out, s->key, s->pub));
	add_needle(s->out, 0);
	adit_kdf(c, s->out, s->out + 32, s->out + 64, s->key, s->key, 32);
	for (int i = 0; i < 3; i++)
		add_needle(s->out + 32 * i, 0);
	adit_wipe(s->prk, sizeof(s->prk));
	adit_wipe(s->out, sizeof(s->out));
	adit_secret_free(block, 64);
	adit_secret_free(inner, 32);
}

static void check_residue(struct adit_crypto *c, int way)
{
	struct secrets *s = adit_secret_alloc(sizeof(*s));
	const char *name = adit_crypto_aead_name(c);
	int found;

	assert_non_null(s);
	adit_random(s->key, sizeof(s->key));
	adit_random(s->pub, sizeof(s->pub));
	make_needles(c, s);
	adit_crypto_forget(c);
	assert_true(use_and_look_below(c, s, way));
	found = count(stack, sizeof(stack));
	if (found)
		fail_msg("%s, way %d: %d pieces of secrets are left on the stack", name, way, found);
	adit_crypto_forget(c);
	if (scan() < 2)
		fail_msg("the scan does not see the key where it is");
	adit_secret_free(s, sizeof(*s));
	found = scan();
	if (found)
		fail_msg("%s, way %d: %d pieces of secrets are left", name, way, found);
}

static void test_residue(void **state)
{
	struct adit_aead_info info[4];
	size_t cnt = adit_crypto_backends(info, 4);

	(void)state;
	mem_fd = SANITIZED ? -1 : open("/proc/self/mem", O_RDONLY);
	if (mem_fd < 0)
		skip();
	for (size_t i = 0; i < cnt; i++) {
		struct adit_crypto *c;

		assert_int_equal(adit_crypto_new(&c, info[i].name), 0);
		for (int way = 0; way < WAYS; way++)
			check_residue(c, way);
		adit_crypto_free(c);
	}
	close(mem_fd);
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
