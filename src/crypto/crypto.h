/* SPDX-License-Identifier: ISC */
/*
 * crypto.h - the one face over the cryptographic libraries. Nothing here is
 * our own cryptography: ChaCha20-Poly1305 is ipsec-mb's (where the CPU and the
 * build have it, and a short measured self-test prefers it) or OpenSSL's;
 * BLAKE2s is OpenSSL's; X25519, XChaCha20-Poly1305 and the short hash are
 * libsodium's.
 *
 * A struct adit_crypto holds one thread's contexts: it is not thread-safe, and
 * every thread that seals or opens has its own.
 */
#ifndef ADIT_CRYPTO_CRYPTO_H
#define ADIT_CRYPTO_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ADIT_KEY_LEN     32
#define ADIT_TAG_LEN     16
#define ADIT_NONCE_LEN   12
#define ADIT_HASH_LEN    32
#define ADIT_COOKIE_LEN  16
#define ADIT_XNONCE_LEN  24

struct adit_crypto;

/* aead: "ipsec-mb", "openssl", or NULL for the fastest one (measured once per
 * process, some 10 ms). Returns 0, -ENOENT for an unknown or unavailable
 * backend, -ENOMEM, or -EIO when a library fails its known-answer test. */
int adit_crypto_new(struct adit_crypto **ret, const char *aead);
void adit_crypto_free(struct adit_crypto *c); /* NULL is fine */

struct adit_aead_info {
	const char *name;    /* "ipsec-mb" ... */
	const char *version; /* of the library */
	const char *arch;    /* "AVX512", "" when the library does not say */
	double bytes_per_s;  /* sealing 1420-byte packets, as measured; 0 = not available here */
	bool chosen;
};
/* Measures every backend (some 10 ms, once per process) and fills up to max. Returns how many there are. */
size_t adit_crypto_backends(struct adit_aead_info *info, size_t max);
/* Of the backend this context uses. */
const char *adit_crypto_aead_name(const struct adit_crypto *c);
/* Overwrites what the libraries' contexts, and this thread's stack below the
 * caller, still hold of the last keys (1 to 2 us). For the end of a batch of
 * handshakes, and, by every thread that seals or opens, after a key is retired. */
void adit_crypto_forget(struct adit_crypto *c); /* NULL is fine */

/*
 * ChaCha20-Poly1305 (RFC 8439) with WireGuard's nonce: four zero bytes and the
 * counter, little-endian. seal writes len bytes of ciphertext and then the tag
 * to dst; dst == src, or the two do not overlap. open takes len bytes with the
 * tag at the end and writes len - 16 bytes; it returns false, and dst is then
 * worthless, when the tag (compared in constant time) does not fit.
 */
void adit_aead_seal(struct adit_crypto *c, uint8_t *dst, const uint8_t *src, size_t len, const uint8_t *ad,
		    size_t ad_len, uint64_t counter, const uint8_t key[ADIT_KEY_LEN]);
bool adit_aead_open(struct adit_crypto *c, uint8_t *dst, const uint8_t *src, size_t len, const uint8_t *ad,
		    size_t ad_len, uint64_t counter, const uint8_t key[ADIT_KEY_LEN]);

/* The same with a whole nonce of the caller's, who sees to it that none is used twice with a key. */
void adit_aead_seal_nonce(struct adit_crypto *c, uint8_t *dst, const uint8_t *src, size_t len,
			  const uint8_t nonce[ADIT_NONCE_LEN], const uint8_t key[ADIT_KEY_LEN]);
bool adit_aead_open_nonce(struct adit_crypto *c, uint8_t *dst, const uint8_t *src, size_t len,
			  const uint8_t nonce[ADIT_NONCE_LEN], const uint8_t key[ADIT_KEY_LEN]);

/* XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha), for cookies. */
void adit_xaead_seal(uint8_t *dst, const uint8_t *src, size_t len, const uint8_t *ad, size_t ad_len,
		     const uint8_t nonce[ADIT_XNONCE_LEN], const uint8_t key[ADIT_KEY_LEN]);
bool adit_xaead_open(uint8_t *dst, const uint8_t *src, size_t len, const uint8_t *ad, size_t ad_len,
		     const uint8_t nonce[ADIT_XNONCE_LEN], const uint8_t key[ADIT_KEY_LEN]);

/* BLAKE2s-256 over the concatenation of two strings (either may be empty). */
void adit_hash(struct adit_crypto *c, uint8_t out[ADIT_HASH_LEN], const void *a, size_t a_len, const void *b,
	       size_t b_len);
/* Keyed BLAKE2s with a 16-byte result (mac1, mac2, cookies) over a || b. key_len 16 or 32. */
void adit_mac(struct adit_crypto *c, uint8_t out[ADIT_COOKIE_LEN], const uint8_t *key, size_t key_len, const void *a,
	      size_t a_len, const void *b, size_t b_len);
/* HKDF over HMAC-BLAKE2s as the WireGuard paper's KDF_n (5.4): writes n (1..3)
 * outputs; NULL outputs are skipped. Outputs may alias key. */
void adit_kdf(struct adit_crypto *c, uint8_t *t1, uint8_t *t2, uint8_t *t3, const uint8_t key[ADIT_HASH_LEN],
	      const void *input, size_t input_len);

/* X25519 (RFC 7748). Returns false, and writes zeros, when the result is all
 * zero (the public key is a low-order point). out may be priv or pub. */
bool adit_x25519(struct adit_crypto *c, uint8_t out[ADIT_KEY_LEN], const uint8_t priv[ADIT_KEY_LEN],
		 const uint8_t pub[ADIT_KEY_LEN]);
void adit_x25519_public(struct adit_crypto *c, uint8_t pub[ADIT_KEY_LEN], const uint8_t priv[ADIT_KEY_LEN]);
void adit_x25519_clamp(uint8_t priv[ADIT_KEY_LEN]);
/* The public key of one private key, where there is no context and no cipher is
 * to be measured. 0, or as adit_crypto_new. */
int adit_public_key(uint8_t pub[ADIT_KEY_LEN], const uint8_t priv[ADIT_KEY_LEN]);

/* SipHash-2-4 with a 128-bit key, for hash tables a remote can feed. */
uint64_t adit_shorthash(const void *p, size_t len, const uint8_t key[16]);

bool adit_equal(const void *a, const void *b, size_t len); /* constant time */
bool adit_is_zero(const void *p, size_t len);              /* constant time */
void adit_wipe(void *p, size_t len);
/* From the system's generator. For programs; cores get random bytes by an op. */
void adit_random(void *p, size_t len);

/*
 * Secret memory: locked, left out of core dumps, wiped when freed. Blocks come
 * from a few big mappings, so a million 64-byte secrets cost 64 MB and little
 * more. Thread-safe. Returns zeroed memory or NULL.
 */
void *adit_secret_alloc(size_t len); /* len <= 1024 */
void adit_secret_free(void *p, size_t len);
struct adit_secret_stats {
	size_t bytes;        /* mapped */
	size_t locked_bytes; /* of these, really locked */
	int lock_errno;      /* of the first mlock that failed, or 0 */
};
void adit_secret_stats(struct adit_secret_stats *ret);

#endif
