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

struct bytes {
	const void *p;
	size_t len;
};

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

static void digest(EVP_MD_CTX *ctx, uint8_t out[ADIT_HASH_LEN], const struct bytes *in, int cnt)
{
	must(EVP_DigestInit_ex2(ctx, NULL, NULL));
	for (int i = 0; i < cnt; i++)
		if (in[i].len)
			must(EVP_DigestUpdate(ctx, in[i].p, in[i].len));
	must(EVP_DigestFinal_ex(ctx, out, NULL));
}

void hash_forget(struct hash_state *h)
{
	const struct bytes block = { zeros, BLOCK_LEN };
	uint8_t out[ADIT_HASH_LEN];

	digest(h->digest, out, &block, 1);
	must(EVP_MAC_init(h->mac, zeros, ADIT_KEY_LEN, NULL));
	must(EVP_MAC_update(h->mac, zeros, sizeof(zeros)));
	must(EVP_MAC_final(h->mac, out, NULL, sizeof(out)));
}

void adit_hash(struct adit_crypto *c, uint8_t out[ADIT_HASH_LEN], const void *a, size_t a_len, const void *b,
	       size_t b_len)
{
	const struct bytes in[] = { { a, a_len }, { b, b_len } };

	digest(c->hash.digest, out, in, 2);
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

/* The key as it goes into the two hashes; wiped by the caller. */
struct hmac_key {
	uint8_t inner[BLOCK_LEN], outer[BLOCK_LEN];
};

static void hmac_key_set(struct hmac_key *k, const uint8_t key[ADIT_HASH_LEN])
{
	for (int i = 0; i < BLOCK_LEN; i++) {
		uint8_t byte = i < ADIT_HASH_LEN ? key[i] : 0;

		k->inner[i] = byte ^ 0x36;
		k->outer[i] = byte ^ 0x5c;
	}
}

static void hmac(EVP_MD_CTX *ctx, uint8_t out[ADIT_HASH_LEN], const struct hmac_key *k, struct bytes a, struct bytes b)
{
	uint8_t inner[ADIT_HASH_LEN];
	const struct bytes in[] = { { k->inner, BLOCK_LEN }, a, b };
	const struct bytes wrap[] = { { k->outer, BLOCK_LEN }, { inner, sizeof(inner) } };

	digest(ctx, inner, in, 3);
	digest(ctx, out, wrap, 2);
	adit_wipe(inner, sizeof(inner));
}

/* Extract, then expand: T1 = HMAC(prk, 1), Tn = HMAC(prk, Tn-1 || n). */
void adit_kdf(struct adit_crypto *c, uint8_t *t1, uint8_t *t2, uint8_t *t3, const uint8_t key[ADIT_HASH_LEN],
	      const void *input, size_t input_len)
{
	uint8_t *const ret[] = { t1, t2, t3 };
	const int cnt = t3 ? 3 : t2 ? 2 : 1;
	uint8_t t[ADIT_HASH_LEN];
	struct hmac_key k;

	hmac_key_set(&k, key);
	hmac(c->hash.digest, t, &k, (struct bytes){ input, input_len }, (struct bytes){ NULL, 0 });
	hmac_key_set(&k, t);
	for (int i = 0; i < cnt; i++) {
		const uint8_t n = (uint8_t)(i + 1);

		hmac(c->hash.digest, t, &k, (struct bytes){ t, i ? sizeof(t) : 0 }, (struct bytes){ &n, 1 });
		if (ret[i])
			memcpy(ret[i], t, sizeof(t));
	}
	adit_wipe(t, sizeof(t));
	adit_wipe(&k, sizeof(k));
	stack_wipe();
}
