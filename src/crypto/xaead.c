/* SPDX-License-Identifier: ISC */
/* xaead.c - what libsodium does for us: XChaCha20-Poly1305, SipHash, randomness */
#include "crypto/crypto.h"

#include <stdlib.h>

#include <sodium.h>

#include "crypto/context.h"

void adit_xaead_seal(uint8_t *dst, const uint8_t *src, size_t len, const uint8_t *ad, size_t ad_len,
		     const uint8_t nonce[ADIT_XNONCE_LEN], const uint8_t key[ADIT_KEY_LEN])
{
	crypto_aead_xchacha20poly1305_ietf_encrypt(dst, NULL, src, len, ad, ad_len, NULL, nonce, key);
	stack_wipe();
}

bool adit_xaead_open(uint8_t *dst, const uint8_t *src, size_t len, const uint8_t *ad, size_t ad_len,
		     const uint8_t nonce[ADIT_XNONCE_LEN], const uint8_t key[ADIT_KEY_LEN])
{
	bool ok = !crypto_aead_xchacha20poly1305_ietf_decrypt(dst, NULL, NULL, src, len, ad, ad_len, nonce, key);

	stack_wipe();
	return ok;
}

uint64_t adit_shorthash(const void *p, size_t len, const uint8_t key[16])
{
	uint8_t out[crypto_shorthash_BYTES];
	uint64_t v = 0;

	crypto_shorthash(out, p, len, key);
	for (unsigned i = 0; i < sizeof(out); i++) /* the same on every machine */
		v |= (uint64_t)out[i] << (8 * i);
	return v;
}

bool adit_equal(const void *a, const void *b, size_t len)
{
	return !sodium_memcmp(a, b, len);
}

bool adit_is_zero(const void *p, size_t len)
{
	return sodium_is_zero(p, len);
}

void adit_wipe(void *p, size_t len)
{
	sodium_memzero(p, len);
}

void __attribute__((noinline)) stack_wipe(void)
{
	uint8_t below[4096];

	adit_wipe(below, sizeof(below));
}

void adit_random(void *p, size_t len)
{
	if (sodium_init() < 0)
		abort(); /* no randomness, no keys */
	randombytes_buf(p, len);
}
