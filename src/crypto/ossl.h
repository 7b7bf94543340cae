/* SPDX-License-Identifier: ISC */
/* ossl.h - OpenSSL's library context and our two users of it; private to src/crypto */
#ifndef ADIT_CRYPTO_OSSL_H
#define ADIT_CRYPTO_OSSL_H

#include <openssl/types.h>

/* One for the process, with the built-in provider and without openssl.cnf, so
 * that no file of the system's decides which algorithms there are. NULL when
 * out of memory. Never freed. */
OSSL_LIB_CTX *ossl_libctx(void);

/* BLAKE2s contexts of one thread (hash.c). */
struct hash_state {
	EVP_MD_CTX *digest;
	EVP_MAC_CTX *mac;
};
int hash_init(struct hash_state *h); /* 0 or -ENOMEM */
void hash_fini(struct hash_state *h);
void hash_forget(struct hash_state *h);

#endif
