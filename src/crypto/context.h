/* SPDX-License-Identifier: ISC */
/* context.h - one thread's contexts; private to src/crypto */
#ifndef ADIT_CRYPTO_CONTEXT_H
#define ADIT_CRYPTO_CONTEXT_H

#include "crypto/aead.h"
#include "crypto/ossl.h"

struct adit_crypto {
	const struct aead_ops *aead;
	void *aead_state;
	struct hash_state hash;
};

/* Overwrites some KiB of stack below the caller: what a library's frames, gone
 * by now, left of a key there (xaead.c). Some 50 ns. */
void stack_wipe(void);

/* selftest.c: published answers; true when the library gives them. */
bool selftest_aead(const struct aead_ops *ops, void *state);
bool selftest_rest(struct adit_crypto *c);

#endif
