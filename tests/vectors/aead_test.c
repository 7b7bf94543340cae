/* SPDX-License-Identifier: ISC */
/*
 * aead_test.c - ChaCha20-Poly1305 of every backend, and XChaCha20-Poly1305,
 * against RFC 8439, draft-irtf-cfrg-xchacha-03 and Wycheproof's edge cases. The
 * backends are asked below the public face, where any nonce can be given.
 */
#include "vectors.h"

#include "crypto/aead.h"
#include "crypto/crypto.h"
#include "wycheproof.h"

struct backend {
	const struct aead_ops *ops;
	void *state;
};
static struct backend backends[2];
static size_t backend_cnt;

static int setup(void **state)
{
	struct adit_crypto *c;
	const struct aead_ops *all[] = {
		&aead_openssl,
#ifdef ADIT_HAVE_IPSECMB
		&aead_ipsecmb,
#endif
	};

	(void)state;
	if (adit_crypto_new(&c, "openssl")) /* prepares the libraries */
		return -1;
	adit_crypto_free(c);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (all[i]->create(&backends[backend_cnt].state)) {
			print_message("%s is not usable here\n", all[i]->name);
			continue;
		}
		backends[backend_cnt++].ops = all[i];
	}
	return backend_cnt ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	for (size_t i = 0; i < backend_cnt; i++)
		backends[i].ops->destroy(backends[i].state);
	return 0;
}

static void check(const struct backend *b, const struct aead_case *v)
{
	uint8_t key[32], nonce[12], ad[256], plain[1024], want[1024], got[1024];
	size_t ad_len, len;

	assert_int_equal(unhex(key, sizeof(key), v->key), 32);
	assert_int_equal(unhex(nonce, sizeof(nonce), v->nonce), 12);
	ad_len = unhex(ad, sizeof(ad), v->ad);
	len = unhex(plain, sizeof(plain), v->plain);
	assert_int_equal(unhex(want, sizeof(want), v->cipher), len);
	unhex(want + len, ADIT_TAG_LEN, v->tag);

	b->ops->seal(b->state, got, plain, len, ad, ad_len, nonce, key);
	if (!memcmp(got, want, len + ADIT_TAG_LEN) != v->valid)
		fail_msg("%s: sealing, case %d", b->ops->name, v->id);
	memcpy(got, want, len + ADIT_TAG_LEN);
	if (b->ops->open(b->state, got, got, len + ADIT_TAG_LEN, ad, ad_len, nonce, key) != v->valid)
		fail_msg("%s: opening, case %d", b->ops->name, v->id);
	if (v->valid)
		assert_memory_equal(got, plain, len);
}

/* RFC 8439: 2.8.2, A.5 */
static const struct aead_case rfc_cases[] = {
	{ 1, true, "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f", "070000004041424344454647",
	  "50515253c0c1c2c3c4c5c6c7",
	  "4c616469657320616e642047656e746c656d656e206f662074686520636c617373206f66202739393a204966204920636f"
	  "756c64206f6666657220796f75206f6e6c79206f6e652074697020666f7220746865206675747572652c2073756e736372"
	  "65656e20776f756c642062652069742e",
	  "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b1a"
	  "71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc3ff4"
	  "def08e4b7a9de576d26586cec64b6116",
	  "1ae10b594f09e26a7e902ecbd0600691" },
	{ 2, true, "1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0", "000000000102030405060708",
	  "f33388860000000000004e91",
	  "496e7465726e65742d4472616674732061726520647261667420646f63756d656e74732076616c696420666f722061206d"
	  "6178696d756d206f6620736978206d6f6e74687320616e64206d617920626520757064617465642c207265706c61636564"
	  "2c206f72206f62736f6c65746564206279206f7468657220646f63756d656e747320617420616e792074696d652e204974"
	  "20697320696e617070726f70726961746520746f2075736520496e7465726e65742d447261667473206173207265666572"
	  "656e6365206d6174657269616c206f7220746f2063697465207468656d206f74686572207468616e206173202fe2809c77"
	  "6f726b20696e2070726f67726573732e2fe2809d",
	  "64a0861575861af460f062c79be643bd5e805cfd345cf389f108670ac76c8cb24c6cfc18755d43eea09ee94e382d26b0bd"
	  "b7b73c321b0100d4f03b7f355894cf332f830e710b97ce98c8a84abd0b948114ad176e008d33bd60f982b1ff37c8559797"
	  "a06ef4f0ef61c186324e2b3506383606907b6a7c02b0f9f6157b53c867e4b9166c767b804d46a59b5216cde7a4e99040c5"
	  "a40433225ee282a1b0a06c523eaf4534d7f83fa1155b0047718cbc546a0d072b04b3564eea1b422273f548271a0bb23160"
	  "53fa76991955ebd63159434ecebb4e466dae5a1073a6727627097a1049e617d91d361094fa68f0ff77987130305beaba2e"
	  "da04df997b714d6c6f2c29a6ad5cb4022b02709b",
	  "eead9d67890cbb22392336fea1851f38" },
};

static void test_rfc8439(void **state)
{
	(void)state;
	for (size_t b = 0; b < backend_cnt; b++)
		for (size_t i = 0; i < sizeof(rfc_cases) / sizeof(rfc_cases[0]); i++)
			check(&backends[b], &rfc_cases[i]);
}

/* The public face with WireGuard's nonce: A.5's is such a one. */
static void test_counter(void **state)
{
	const struct aead_case *v = &rfc_cases[1];
	uint8_t key[32], ad[12], buf[512];
	struct adit_aead_info info[4];
	size_t len, cnt = adit_crypto_backends(info, 4);

	(void)state;
	assert_in_range(cnt, 1, 4);
	unhex(key, 32, v->key);
	unhex(ad, 12, v->ad);
	for (size_t i = 0; i < cnt; i++) {
		struct adit_crypto *c;

		assert_int_equal(adit_crypto_new(&c, info[i].name), 0);
		len = unhex(buf, sizeof(buf), v->plain);
		adit_aead_seal(c, buf, buf, len, ad, 12, UINT64_C(0x0807060504030201), key);
		assert_hex(buf, len, v->cipher);
		assert_hex(buf + len, ADIT_TAG_LEN, v->tag);
		assert_false(adit_aead_open(c, buf + 300, buf, ADIT_TAG_LEN - 1, ad, 12, 0, key));
		assert_true(adit_aead_open(c, buf, buf, len + ADIT_TAG_LEN, ad, 12, UINT64_C(0x0807060504030201), key));
		assert_hex(buf, len, v->plain);
		adit_crypto_free(c);
	}
}

static void test_wycheproof(void **state)
{
	(void)state;
	for (size_t b = 0; b < backend_cnt; b++)
		for (size_t i = 0; i < sizeof(chacha_cases) / sizeof(chacha_cases[0]); i++)
			check(&backends[b], &chacha_cases[i]);
}

static void check_x(const struct aead_case *v)
{
	uint8_t key[32], nonce[24], ad[256], plain[1024], want[1024], got[1024];
	size_t ad_len, len;

	assert_int_equal(unhex(key, sizeof(key), v->key), 32);
	assert_int_equal(unhex(nonce, sizeof(nonce), v->nonce), 24);
	ad_len = unhex(ad, sizeof(ad), v->ad);
	len = unhex(plain, sizeof(plain), v->plain);
	assert_int_equal(unhex(want, sizeof(want), v->cipher), len);
	unhex(want + len, ADIT_TAG_LEN, v->tag);
	adit_xaead_seal(got, plain, len, ad, ad_len, nonce, key);
	if (!memcmp(got, want, len + ADIT_TAG_LEN) != v->valid)
		fail_msg("sealing, case %d", v->id);
	if (adit_xaead_open(got, want, len + ADIT_TAG_LEN, ad, ad_len, nonce, key) != v->valid)
		fail_msg("opening, case %d", v->id);
	if (v->valid)
		assert_memory_equal(got, plain, len);
}

/* draft-irtf-cfrg-xchacha-03, A.3.1 */
static void test_xchacha(void **state)
{
	static const struct aead_case v = {
		1, true, "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
		"404142434445464748494a4b4c4d4e4f5051525354555657", "50515253c0c1c2c3c4c5c6c7",
		"4c616469657320616e642047656e746c656d656e206f662074686520636c617373206f66202739393a204966204920636f"
		"756c64206f6666657220796f75206f6e6c79206f6e652074697020666f7220746865206675747572652c2073756e736372"
		"65656e20776f756c642062652069742e",
		"bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39ae"
		"64c6708c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff921f9"
		"664c97637da9768812f615c68b13b52e",
		"c0875924c1c7987947deafd8780acf49"
	};

	(void)state;
	check_x(&v);
	for (size_t i = 0; i < sizeof(xchacha_cases) / sizeof(xchacha_cases[0]); i++)
		check_x(&xchacha_cases[i]);
}

/*
 * Every backend against the first, at every length from 0 to 2000, in place
 * and not, with and without associated data, at every alignment; and one wrong
 * bit anywhere is seen.
 */
static void test_agree(void **state)
{
	enum { MAX = 2000 };
	static uint8_t plain[MAX + 64], want[MAX + 64], got[MAX + 64];
	uint8_t key[32], nonce[12], ad[64];

	(void)state;
	for (size_t len = 0; len <= MAX; len++) {
		const size_t total = len + ADIT_TAG_LEN, ad_len = len % 3 ? len % 64 : 0, shift = len % 17;
		const struct backend *first = &backends[0];

		pattern(plain, (uint32_t)len, len);
		pattern(key, (uint32_t)len + 1, 32);
		pattern(nonce, (uint32_t)len + 2, 12);
		pattern(ad, (uint32_t)len + 3, sizeof(ad));
		first->ops->seal(first->state, want, plain, len, ad, ad_len, nonce, key);
		for (size_t i = 0; i < backend_cnt; i++) {
			const struct backend *b = &backends[i];
			uint8_t *p = got + shift;
			size_t bit;

			memset(got, 0xee, sizeof(got));
			b->ops->seal(b->state, p, plain, len, ad, ad_len, nonce, key);
			assert_memory_equal(p, want, total);
			assert_int_equal(p[total], 0xee); /* nothing behind the tag */
			memcpy(p, plain, len);
			b->ops->seal(b->state, p, p, len, ad, ad_len, nonce, key);
			assert_memory_equal(p, want, total);
			assert_true(b->ops->open(b->state, p, p, total, ad, ad_len, nonce, key));
			assert_memory_equal(p, plain, len);
			memset(got, 0xee, sizeof(got));
			assert_true(b->ops->open(b->state, p, want, total, ad, ad_len, nonce, key));
			assert_memory_equal(p, plain, len);
			assert_int_equal(p[len], 0xee); /* opening writes no tag */

			bit = (len * 7919 + i) % (total * 8);
			want[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_false(b->ops->open(b->state, p, want, total, ad, ad_len, nonce, key));
			want[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc8439), cmocka_unit_test(test_counter), cmocka_unit_test(test_wycheproof),
		cmocka_unit_test(test_xchacha), cmocka_unit_test(test_agree),
	};

	return cmocka_run_group_tests_name("aead", tests, setup, teardown);
}
