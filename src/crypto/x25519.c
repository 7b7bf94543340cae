/* SPDX-License-Identifier: ISC */
/* x25519.c - X25519 (RFC 7748) by OpenSSL */
#include "crypto/crypto.h"

#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "crypto/context.h"

bool adit_x25519(struct adit_crypto *c, uint8_t out[ADIT_KEY_LEN], const uint8_t priv[ADIT_KEY_LEN],
		 const uint8_t pub[ADIT_KEY_LEN])
{
	EVP_PKEY *mine = EVP_PKEY_new_raw_private_key_ex(ossl_libctx(), "X25519", NULL, priv, ADIT_KEY_LEN);
	EVP_PKEY *theirs = EVP_PKEY_new_raw_public_key_ex(ossl_libctx(), "X25519", NULL, pub, ADIT_KEY_LEN);
	EVP_PKEY_CTX *ctx = mine ? EVP_PKEY_CTX_new_from_pkey(ossl_libctx(), mine, NULL) : NULL;
	size_t len = ADIT_KEY_LEN;
	bool ok;

	(void)c;
	/* derive refuses an all-zero result */
	ok = ctx && theirs && EVP_PKEY_derive_init(ctx) > 0 && EVP_PKEY_derive_set_peer_ex(ctx, theirs, 0) > 0 &&
	     EVP_PKEY_derive(ctx, out, &len) > 0 && !adit_is_zero(out, ADIT_KEY_LEN);
	if (!ok) {
		ERR_clear_error();
		adit_wipe(out, ADIT_KEY_LEN);
	}
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(theirs);
	EVP_PKEY_free(mine); /* cleanses the private key */
	return ok;
}

void adit_x25519_public(struct adit_crypto *c, uint8_t pub[ADIT_KEY_LEN], const uint8_t priv[ADIT_KEY_LEN])
{
	EVP_PKEY *mine = EVP_PKEY_new_raw_private_key_ex(ossl_libctx(), "X25519", NULL, priv, ADIT_KEY_LEN);
	size_t len = ADIT_KEY_LEN;

	(void)c;
	if (!mine || EVP_PKEY_get_raw_public_key(mine, pub, &len) <= 0)
		abort(); /* out of memory: any key but this one would be wrong */
	EVP_PKEY_free(mine);
}

void adit_x25519_clamp(uint8_t priv[ADIT_KEY_LEN])
{
	priv[0] &= 248;
	priv[31] &= 127;
	priv[31] |= 64;
}
