/* SPDX-License-Identifier: ISC */
/* blake2s_test.c - BLAKE2s, keyed BLAKE2s and the KDF against RFC 7693 and Python's hashlib */
#include "vectors.h"

#include "crypto/crypto.h"
#include "hkdf.h"

static struct adit_crypto *c;

static int setup(void **state)
{
	(void)state;
	return adit_crypto_new(&c, "openssl");
}

static int teardown(void **state)
{
	(void)state;
	adit_crypto_free(c);
	return 0;
}

static void test_rfc7693(void **state)
{
	uint8_t out[ADIT_HASH_LEN];

	(void)state;
	adit_hash(c, out, "abc", 3, NULL, 0); /* appendix B */
	assert_hex(out, sizeof(out), "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982");
}

/* Every way to cut the input in two gives the same. */
static void test_hash(void **state)
{
	uint8_t in[1024], out[ADIT_HASH_LEN];

	(void)state;
	for (size_t i = 0; i < sizeof(hash_cases) / sizeof(hash_cases[0]); i++) {
		unsigned len = hash_cases[i].len;

		pattern(in, len, len);
		for (unsigned cut = 0; cut <= len; cut += len > 256 ? 31 : 1) {
			adit_hash(c, out, in, cut, in + cut, len - cut);
			assert_hex(out, sizeof(out), hash_cases[i].hash);
		}
	}
}

static void test_mac(void **state)
{
	uint8_t in[1024], key[32], out[ADIT_COOKIE_LEN];

	(void)state;
	pattern(key, 7, sizeof(key));
	for (size_t i = 0; i < sizeof(mac_cases) / sizeof(mac_cases[0]); i++) {
		unsigned len = mac_cases[i].len;

		pattern(in, len, len);
		for (unsigned cut = 0; cut <= len; cut += len > 256 ? 31 : 1) {
			adit_mac(c, out, key, mac_cases[i].key_len, in, cut, in + cut, len - cut);
			assert_hex(out, sizeof(out), mac_cases[i].mac);
		}
	}
}

static void test_kdf(void **state)
{
	uint8_t in[1024], key[32], t[3][ADIT_HASH_LEN];

	(void)state;
	for (size_t i = 0; i < sizeof(kdf_cases) / sizeof(kdf_cases[0]); i++) {
		const struct kdf_case *k = &kdf_cases[i];

		pattern(in, k->len, k->len);
		pattern(key, k->len + 1, sizeof(key));
		adit_kdf(c, t[0], t[1], t[2], key, in, k->len);
		for (int n = 0; n < 3; n++)
			assert_hex(t[n], ADIT_HASH_LEN, k->t[n]);
		/* fewer outputs, left out ones, and an output over the key */
		memset(t, 0, sizeof(t));
		adit_kdf(c, NULL, t[1], NULL, key, in, k->len);
		assert_hex(t[1], ADIT_HASH_LEN, k->t[1]);
		adit_kdf(c, key, NULL, t[2], key, in, k->len);
		assert_hex(key, ADIT_HASH_LEN, k->t[0]);
		assert_hex(t[2], ADIT_HASH_LEN, k->t[2]);
	}
}

/* Contexts are used again and again: what one call leaves must not reach the next. */
static void test_forget(void **state)
{
	uint8_t in[64], key[32], first[ADIT_COOKIE_LEN], again[ADIT_COOKIE_LEN], hash[2][ADIT_HASH_LEN];

	(void)state;
	pattern(in, 1, sizeof(in));
	pattern(key, 2, sizeof(key));
	adit_mac(c, first, key, 32, in, sizeof(in), NULL, 0);
	adit_hash(c, hash[0], in, sizeof(in), NULL, 0);
	adit_mac(c, again, key, 16, in, sizeof(in), NULL, 0);
	assert_memory_not_equal(first, again, sizeof(first));
	adit_crypto_forget(c);
	adit_mac(c, again, key, 32, in, sizeof(in), NULL, 0);
	adit_hash(c, hash[1], in, sizeof(in), NULL, 0);
	assert_memory_equal(first, again, sizeof(first));
	assert_memory_equal(hash[0], hash[1], ADIT_HASH_LEN);
}

/* SipHash-2-4's own vectors (vectors_sip64 of its reference implementation): key
 * 00..0f, input 00, 01, ... */
static void test_shorthash(void **state)
{
	uint8_t key[16], in[16];

	(void)state;
	for (uint8_t i = 0; i < 16; i++)
		key[i] = in[i] = i;
	assert_true(adit_shorthash(in, 0, key) == UINT64_C(0x726fdb47dd0e0e31));
	assert_true(adit_shorthash(in, 1, key) == UINT64_C(0x74f839c593dc67fd));
	assert_true(adit_shorthash(in, 15, key) == UINT64_C(0xa129ca6149be45e5));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc7693), cmocka_unit_test(test_hash),   cmocka_unit_test(test_mac),
		cmocka_unit_test(test_kdf),	cmocka_unit_test(test_forget), cmocka_unit_test(test_shorthash),
	};

	return cmocka_run_group_tests_name("blake2s", tests, setup, teardown);
}
