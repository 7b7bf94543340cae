/* SPDX-License-Identifier: ISC */
/*
 * aead_openssl.c - ChaCha20-Poly1305 by OpenSSL's EVP: works everywhere
 *
 * One context for each direction, made once: a packet costs a new key and
 * nonce, not a new context.
 */
#include "crypto/aead.h"

#include <errno.h>
#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "crypto/ossl.h"

struct state {
	EVP_CIPHER_CTX *seal, *open;
};

static const uint8_t zeros[AEAD_KEY_LEN];

/* What the library cannot refuse but for a lack of memory, which must not turn
 * into an unencrypted packet. */
static void must(int ok)
{
	if (!ok)
		abort();
}

static const char *version(void)
{
	return OpenSSL_version(OPENSSL_VERSION_STRING);
}

static const char *arch(const void *state)
{
	(void)state;
	return "";
}

static void destroy(void *p)
{
	struct state *s = p;

	if (!s)
		return;
	EVP_CIPHER_CTX_free(s->seal); /* cleanses the key */
	EVP_CIPHER_CTX_free(s->open);
	free(s);
}

static int create(void **ret)
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(ossl_libctx(), "ChaCha20-Poly1305", NULL);
	struct state *s = calloc(1, sizeof(*s));
	int r = -ENOMEM;

	if (!cipher) {
		r = -ENOENT;
		goto out;
	}
	if (!s)
		goto out;
	s->seal = EVP_CIPHER_CTX_new();
	s->open = EVP_CIPHER_CTX_new();
	if (!s->seal || !s->open || !EVP_EncryptInit_ex2(s->seal, cipher, NULL, NULL, NULL) ||
	    !EVP_DecryptInit_ex2(s->open, cipher, NULL, NULL, NULL))
		goto out;
	*ret = s;
	s = NULL;
	r = 0;
out:
	destroy(s);
	EVP_CIPHER_free(cipher);
	return r;
}

static void seal(void *p, uint8_t *dst, const uint8_t *src, size_t len, const uint8_t *ad, size_t ad_len,
		 const uint8_t nonce[AEAD_NONCE_LEN], const uint8_t *key)
{
	EVP_CIPHER_CTX *ctx = ((struct state *)p)->seal;
	int n = 0;

	must(EVP_EncryptInit_ex2(ctx, NULL, key, nonce, NULL));
	if (ad_len)
		must(EVP_EncryptUpdate(ctx, NULL, &n, ad, (int)ad_len));
	if (len)
		must(EVP_EncryptUpdate(ctx, dst, &n, src, (int)len));
	must(EVP_EncryptFinal_ex(ctx, dst + len, &n));
	must(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG_LEN, dst + len));
}

static bool open_(void *p, uint8_t *dst, const uint8_t *src, size_t len, const uint8_t *ad, size_t ad_len,
		  const uint8_t nonce[AEAD_NONCE_LEN], const uint8_t *key)
{
	EVP_CIPHER_CTX *ctx = ((struct state *)p)->open;
	uint8_t tag[AEAD_TAG_LEN];
	int n = 0;

	if (len < AEAD_TAG_LEN)
		return false;
	len -= AEAD_TAG_LEN;
	memcpy(tag, src + len, AEAD_TAG_LEN);
	must(EVP_DecryptInit_ex2(ctx, NULL, key, nonce, NULL));
	must(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG_LEN, tag));
	if (ad_len)
		must(EVP_DecryptUpdate(ctx, NULL, &n, ad, (int)ad_len));
	if (len)
		must(EVP_DecryptUpdate(ctx, dst, &n, src, (int)len));
	return EVP_DecryptFinal_ex(ctx, tag, &n) > 0; /* writes nothing there */
}

static void forget(void *p)
{
	struct state *s = p;
	uint8_t block[AEAD_TAG_LEN];
	int n;

	/* A key alone is not enough: the Poly1305 key made from it and the buffered
	 * key stream are overwritten by the next packet, so there is one. */
	must(EVP_EncryptInit_ex2(s->seal, NULL, zeros, zeros, NULL));
	must(EVP_EncryptUpdate(s->seal, block, &n, zeros, 1));
	must(EVP_EncryptFinal_ex(s->seal, block, &n));
	must(EVP_DecryptInit_ex2(s->open, NULL, zeros, zeros, NULL));
	must(EVP_CIPHER_CTX_ctrl(s->open, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG_LEN, (void *)(uintptr_t)zeros));
	must(EVP_DecryptUpdate(s->open, block, &n, zeros, 1));
	(void)EVP_DecryptFinal_ex(s->open, block, &n);
}

const struct aead_ops aead_openssl = {
	.name = "openssl",
	.version = version,
	.arch = arch,
	.create = create,
	.destroy = destroy,
	.seal = seal,
	.open = open_,
	.forget = forget,
};
