/* SPDX-License-Identifier: ISC */
/* aead.h - what a library that does ChaCha20-Poly1305 must offer; private to src/crypto */
#ifndef ADIT_CRYPTO_AEAD_H
#define ADIT_CRYPTO_AEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define AEAD_KEY_LEN   32
#define AEAD_TAG_LEN   16
#define AEAD_NONCE_LEN 12

struct aead_ops {
	const char *name;
	const char *(*version)(void);
	const char *(*arch)(const void *state); /* "" when the library does not say */
	/* Contexts of one thread. 0, -ENOENT when not usable here, -ENOMEM. */
	int (*create)(void **ret);
	void (*destroy)(void *state); /* wipes */
	/* As adit_aead_seal and _open, with any nonce. */
	void (*seal)(void *state, uint8_t *dst, const uint8_t *src, size_t len, const uint8_t *ad, size_t ad_len,
		     const uint8_t nonce[AEAD_NONCE_LEN], const uint8_t *key);
	bool (*open)(void *state, uint8_t *dst, const uint8_t *src, size_t len, const uint8_t *ad, size_t ad_len,
		     const uint8_t nonce[AEAD_NONCE_LEN], const uint8_t *key);
	void (*forget)(void *state); /* overwrites the last key, NULL if none is kept */
};

extern const struct aead_ops aead_openssl;
extern const struct aead_ops aead_ipsecmb;

/* WireGuard's nonce: four zero bytes, then the counter, little-endian. */
static inline void aead_nonce(uint8_t nonce[AEAD_NONCE_LEN], uint64_t counter)
{
	adit_put_le32(nonce, 0);
	adit_put_le64(nonce + 4, counter);
}

#endif
