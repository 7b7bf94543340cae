/* SPDX-License-Identifier: ISC */
/* x25519_test.c - X25519 against RFC 7748, every low-order point, and Wycheproof's edge cases */
#include "vectors.h"

#include "crypto/crypto.h"
#include "wycheproof.h"

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

static void test_rfc7748(void **state)
{
	static const struct {
		const char *priv, *pub, *shared;
	} cases[] = {
		/* 5.2 */
		{ "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
		  "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
		  "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552" },
		{ "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
		  "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
		  "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957" },
		/* 6.1, both ways */
		{ "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
		  "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
		  "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742" },
		{ "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
		  "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
		  "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742" },
	};
	uint8_t priv[32], pub[32], out[32];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unhex(priv, 32, cases[i].priv);
		unhex(pub, 32, cases[i].pub);
		assert_true(adit_x25519(c, out, priv, pub));
		assert_hex(out, 32, cases[i].shared);
		/* the result may be written over an input */
		memcpy(out, pub, 32);
		assert_true(adit_x25519(c, out, priv, out));
		assert_hex(out, 32, cases[i].shared);
		assert_true(adit_x25519(c, priv, priv, pub));
		assert_hex(priv, 32, cases[i].shared);
	}
}

static void test_public(void **state)
{
	uint8_t priv[32], pub[32], clamped[32];

	(void)state;
	unhex(priv, 32, "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
	adit_x25519_public(c, pub, priv);
	assert_hex(pub, 32, "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
	memcpy(clamped, priv, 32);
	adit_x25519_clamp(clamped);
	assert_memory_not_equal(clamped, priv, 32);
	adit_x25519_public(c, clamped, clamped);
	assert_memory_equal(clamped, pub, 32);
}

/* RFC 7748 5.2: k, u = X25519(k, u), k */
static void test_iterated(void **state)
{
	uint8_t k[32] = { 9 }, u[32] = { 9 }, out[32];

	(void)state;
	for (int i = 1; i <= 1000; i++) {
		assert_true(adit_x25519(c, out, k, u));
		memcpy(u, k, 32);
		memcpy(k, out, 32);
		if (i == 1)
			assert_hex(k, 32, "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079");
	}
	assert_hex(k, 32, "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51");
}

/* 0, 1, the two points of order 8, p - 1, and p and p + 1, which are 0 and 1 in
 * other clothes; each with and without the top bit, which is to be ignored. */
static void test_low_order(void **state)
{
	static const char *const points[] = {
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
		"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	};
	uint8_t priv[32], pub[32], out[32];

	(void)state;
	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
		for (int top = 0; top < 2; top++) {
			unhex(pub, 32, points[i]);
			pub[31] |= (uint8_t)(top << 7);
			for (uint32_t seed = 0; seed < 10; seed++) {
				pattern(priv, seed, 32);
				memset(out, 0xaa, 32);
				assert_false(adit_x25519(c, out, priv, pub));
				assert_true(adit_is_zero(out, 32));
			}
		}
	}
	/* and a neighbour of each kind, which is fine */
	memset(pub, 0, 32);
	pub[0] = 2;
	assert_true(adit_x25519(c, out, priv, pub));
}

static void test_wycheproof(void **state)
{
	uint8_t priv[32], pub[32], out[32];
	int zeros = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(x25519_cases) / sizeof(x25519_cases[0]); i++) {
		const struct x25519_case *x = &x25519_cases[i];

		unhex(priv, 32, x->private);
		unhex(pub, 32, x->public);
		if (adit_x25519(c, out, priv, pub) == x->zero)
			fail_msg("case %d: low order not seen as it should", x->id);
		assert_hex(out, 32, x->shared);
		zeros += x->zero;
	}
	assert_true(zeros >= 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc7748),	  cmocka_unit_test(test_public),     cmocka_unit_test(test_iterated),
		cmocka_unit_test(test_low_order), cmocka_unit_test(test_wycheproof),
	};

	return cmocka_run_group_tests_name("x25519", tests, setup, teardown);
}
