/* SPDX-License-Identifier: ISC */
/* hash.c - BLAKE2s plain and keyed, HMAC and the KDF over it, on contexts made once */
#include "crypto/crypto.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "crypto/context.h"
#include "crypto/ossl.h"

#define BLOCK_LEN 64 /* of BLAKE2s */

static const uint8_t zeros[BLOCK_LEN];

static void must(int ok)
{
	if (!ok)
		abort(); /* a wrong hash must not be used; only a lack of memory gets here */
}

int hash_init(struct hash_state *h)
{
	size_t size = ADIT_COOKIE_LEN;
	const OSSL_PARAM params[] = { OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size),
				      OSSL_PARAM_construct_end() };
	EVP_MD *md = EVP_MD_fetch(ossl_libctx(), "BLAKE2S-256", NULL);
	EVP_MAC *mac = EVP_MAC_fetch(ossl_libctx(), "BLAKE2SMAC", NULL);
	int r = -ENOMEM;

	memset(h, 0, sizeof(*h));
	if (!md || !mac)
		goto out;
	h->digest = EVP_MD_CTX_new();
	h->mac = EVP_MAC_CTX_new(mac); /* both keep a reference to their algorithm */
	if (!h->digest || !h->mac || !EVP_DigestInit_ex2(h->digest, md, NULL) ||
	    !EVP_MAC_CTX_set_params(h->mac, params))
		goto out;
	r = 0;
out:
	EVP_MD_free(md);
	EVP_MAC_free(mac);
	if (r)
		hash_fini(h);
	return r;
}

void hash_fini(struct hash_state *h)
{
	EVP_MD_CTX_free(h->digest);
	EVP_MAC_CTX_free(h->mac);
	memset(h, 0, sizeof(*h));
}

static void digest(EVP_MD_CTX *ctx, uint8_t out[ADIT_HASH_LEN], const void *a, size_t a_len, const void *b,
		   size_t b_len)
{
	must(EVP_DigestInit_ex2(ctx, NULL, NULL));
	if (a_len)
		must(EVP_DigestUpdate(ctx, a, a_len));
	if (b_len)
		must(EVP_DigestUpdate(ctx, b, b_len));
	must(EVP_DigestFinal_ex(ctx, out, NULL));
}

void hash_forget(struct hash_state *h)
{
	uint8_t out[ADIT_HASH_LEN];

	digest(h->digest, out, zeros, BLOCK_LEN, NULL, 0);
	must(EVP_MAC_init(h->mac, zeros, ADIT_KEY_LEN, NULL));
	must(EVP_MAC_update(h->mac, zeros, sizeof(zeros)));
	must(EVP_MAC_final(h->mac, out, NULL, sizeof(out)));
}

void adit_hash(struct adit_crypto *c, uint8_t out[ADIT_HASH_LEN], const void *a, size_t a_len, const void *b,
	       size_t b_len)
{
	digest(c->hash.digest, out, a, a_len, b, b_len);
}

void adit_mac(struct adit_crypto *c, uint8_t out[ADIT_COOKIE_LEN], const uint8_t *key, size_t key_len, const void *a,
	      size_t a_len, const void *b, size_t b_len)
{
	must(EVP_MAC_init(c->hash.mac, key, key_len, NULL));
	if (a_len)
		must(EVP_MAC_update(c->hash.mac, a, a_len));
	if (b_len)
		must(EVP_MAC_update(c->hash.mac, b, b_len));
	must(EVP_MAC_final(c->hash.mac, out, NULL, ADIT_COOKIE_LEN));
}

/* --- HMAC (RFC 2104) and the KDF ------------------------------------------- */

/* What is hashed: the key's block, and short input behind it, so that a hash
 * is fed in one piece. Wiped by the caller. */
struct hmac {
	uint8_t inner[BLOCK_LEN + ADIT_HASH_LEN + 1], outer[BLOCK_LEN + ADIT_HASH_LEN];
};

static void hmac_key(struct hmac *h, const uint8_t key[ADIT_HASH_LEN])
{
	memset(h->inner + ADIT_HASH_LEN, 0x36, BLOCK_LEN - ADIT_HASH_LEN);
	memset(h->outer + ADIT_HASH_LEN, 0x5c, BLOCK_LEN - ADIT_HASH_LEN);
	for (int i = 0; i < ADIT_HASH_LEN; i++) {
		h->inner[i] = key[i] ^ 0x36;
		h->outer[i] = key[i] ^ 0x5c;
	}
}

/* in_len bytes stand behind the inner key; `more` follows them. */
static void hmac(EVP_MD_CTX *ctx, uint8_t out[ADIT_HASH_LEN], struct hmac *h, size_t in_len, const void *more,
		 size_t more_len)
{
	digest(ctx, h->outer + BLOCK_LEN, h->inner, BLOCK_LEN + in_len, more, more_len);
	digest(ctx, out, h->outer, sizeof(h->outer), NULL, 0);
}

/* Extract, then expand: T1 = HMAC(prk, 1), Tn = HMAC(prk, Tn-1 || n). */
void adit_kdf(struct adit_crypto *c, uint8_t *t1, uint8_t *t2, uint8_t *t3, const uint8_t key[ADIT_HASH_LEN],
	      const void *input, size_t input_len)
{
	uint8_t *const ret[] = { t1, t2, t3 };
	const int cnt = t3 ? 3 : t2 ? 2 : 1;
	uint8_t t[ADIT_HASH_LEN];
	size_t t_len = 0;
	struct hmac h;

	hmac_key(&h, key);
	hmac(c->hash.digest, t, &h, 0, input, input_len);
	hmac_key(&h, t);
	for (int i = 0; i < cnt; i++) {
		memcpy(h.inner + BLOCK_LEN, t, t_len);
		h.inner[BLOCK_LEN + t_len] = (uint8_t)(i + 1);
		hmac(c->hash.digest, t, &h, t_len + 1, NULL, 0);
		t_len = sizeof(t);
		if (ret[i])
			memcpy(ret[i], t, sizeof(t));
	}
	adit_wipe(t, sizeof(t));
	adit_wipe(&h, sizeof(h));
	stack_wipe();
}
