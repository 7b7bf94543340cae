/* SPDX-License-Identifier: ISC */
/*
 * x25519.c - X25519 (RFC 7748) by libsodium
 *
 * Measured against OpenSSL's: EVP computes the public key of every private key
 * it is given, which doubles the price, and allocates on the way. libsodium
 * takes 30 us here, OpenSSL 75. What it leaves on the stack is wiped here.
 */
#include "crypto/crypto.h"

#include <sodium.h>

#include "crypto/context.h"

bool adit_x25519(struct adit_crypto *c, uint8_t out[ADIT_KEY_LEN], const uint8_t priv[ADIT_KEY_LEN],
		 const uint8_t pub[ADIT_KEY_LEN])
{
	uint8_t shared[ADIT_KEY_LEN]; /* out may be priv or pub */
	bool ok = !crypto_scalarmult_curve25519(shared, priv, pub) && !adit_is_zero(shared, sizeof(shared));

	(void)c;
	if (ok)
		memcpy(out, shared, sizeof(shared));
	else
		memset(out, 0, ADIT_KEY_LEN);
	adit_wipe(shared, sizeof(shared));
	stack_wipe();
	return ok;
}

void adit_x25519_public(struct adit_crypto *c, uint8_t pub[ADIT_KEY_LEN], const uint8_t priv[ADIT_KEY_LEN])
{
	uint8_t out[ADIT_KEY_LEN];

	(void)c;
	(void)crypto_scalarmult_curve25519_base(out, priv); /* cannot fail */
	memcpy(pub, out, sizeof(out));
	stack_wipe();
}

void adit_x25519_clamp(uint8_t priv[ADIT_KEY_LEN])
{
	priv[0] &= 248;
	priv[31] &= 127;
	priv[31] |= 64;
}
