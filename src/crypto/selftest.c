/* SPDX-License-Identifier: ISC */
/*
 * selftest.c - known answers, asked of each library before it is used. Short:
 * the full vectors are in tests/vectors. They catch a library that is built
 * wrong for this CPU.
 */
#include "crypto/crypto.h"

#include <string.h>

#include "crypto/context.h"

/* RFC 8439 A.5: its nonce begins with four zeros, as ours do. */
static const uint8_t aead_key[32] = {
	0x1c, 0x92, 0x40, 0xa5, 0xeb, 0x55, 0xd3, 0x8a, 0xf3, 0x33, 0x88, 0x86, 0x04, 0xf6, 0xb5, 0xf0,
	0x47, 0x39, 0x17, 0xc1, 0x40, 0x2b, 0x80, 0x09, 0x9d, 0xca, 0x5c, 0xbc, 0x20, 0x70, 0x75, 0xc0,
};
static const uint8_t aead_ad[12] = { 0xf3, 0x33, 0x88, 0x86, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x4e, 0x91 };
static const uint8_t nonce[AEAD_NONCE_LEN] = { 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8 };
static const char aead_plain[] = "Internet-Drafts are draft documents valid for a maximum of six months and may be "
				 "updated, replaced, or obsoleted by other documents at any time. It is "
				 "inappropriate to use Internet-Drafts as reference material or to cite them other "
				 "than as /\xe2\x80\x9cwork in progress./\xe2\x80\x9d";
static const uint8_t aead_tag[16] = { 0xee, 0xad, 0x9d, 0x67, 0x89, 0x0c, 0xbb, 0x22,
				      0x39, 0x23, 0x36, 0xfe, 0xa1, 0x85, 0x1f, 0x38 };

/* The tag covers every byte of the ciphertext, so it alone is compared. */
bool selftest_aead(const struct aead_ops *ops, void *state)
{
	enum { LEN = sizeof(aead_plain) - 1 };
	uint8_t sealed[LEN + ADIT_TAG_LEN], plain[LEN + ADIT_TAG_LEN];

	ops->seal(state, sealed, (const uint8_t *)aead_plain, LEN, aead_ad, sizeof(aead_ad), nonce, aead_key);
	if (memcmp(sealed + LEN, aead_tag, sizeof(aead_tag)))
		return false;
	if (!ops->open(state, plain, sealed, sizeof(sealed), aead_ad, sizeof(aead_ad), nonce, aead_key) ||
	    memcmp(plain, aead_plain, LEN))
		return false;
	/* in place, and no associated data, as the data path has it */
	memcpy(sealed, aead_plain, LEN);
	ops->seal(state, sealed, sealed, LEN, NULL, 0, nonce, aead_key);
	if (!ops->open(state, sealed, sealed, sizeof(sealed), NULL, 0, nonce, aead_key) ||
	    memcmp(sealed, aead_plain, LEN))
		return false;
	ops->seal(state, sealed, sealed, LEN, NULL, 0, nonce, aead_key);
	sealed[LEN / 2] ^= 1;
	return !ops->open(state, plain, sealed, sizeof(sealed), NULL, 0, nonce, aead_key);
}

/* RFC 7693 appendix B */
static bool selftest_hash(struct adit_crypto *c)
{
	static const uint8_t want[ADIT_HASH_LEN] = {
		0x50, 0x8c, 0x5e, 0x8c, 0x32, 0x7c, 0x14, 0xe2, 0xe1, 0xa7, 0x2b, 0xa3, 0x4e, 0xeb, 0x45, 0x2f,
		0x37, 0x45, 0x8b, 0x20, 0x9e, 0xd6, 0x3a, 0x29, 0x4d, 0x99, 0x9b, 0x4c, 0x86, 0x67, 0x59, 0x82,
	};
	uint8_t out[ADIT_HASH_LEN];

	adit_hash(c, out, "a", 1, "bc", 2);
	return !memcmp(out, want, sizeof(want));
}

/* RFC 7748 6.1 */
static bool selftest_x25519(struct adit_crypto *c)
{
	static const uint8_t priv[ADIT_KEY_LEN] = {
		0x77, 0x07, 0x6d, 0x0a, 0x73, 0x18, 0xa5, 0x7d, 0x3c, 0x16, 0xc1, 0x72, 0x51, 0xb2, 0x66, 0x45,
		0xdf, 0x4c, 0x2f, 0x87, 0xeb, 0xc0, 0x99, 0x2a, 0xb1, 0x77, 0xfb, 0xa5, 0x1d, 0xb9, 0x2c, 0x2a,
	};
	static const uint8_t pub[ADIT_KEY_LEN] = {
		0xde, 0x9e, 0xdb, 0x7d, 0x7b, 0x7d, 0xc1, 0xb4, 0xd3, 0x5b, 0x61, 0xc2, 0xec, 0xe4, 0x35, 0x37,
		0x3f, 0x83, 0x43, 0xc8, 0x5b, 0x78, 0x67, 0x4d, 0xad, 0xfc, 0x7e, 0x14, 0x6f, 0x88, 0x2b, 0x4f,
	};
	static const uint8_t want[ADIT_KEY_LEN] = {
		0x4a, 0x5d, 0x9d, 0x5b, 0xa4, 0xce, 0x2d, 0xe1, 0x72, 0x8e, 0x3b, 0xf4, 0x80, 0x35, 0x0f, 0x25,
		0xe0, 0x7e, 0x21, 0xc9, 0x47, 0xd1, 0x9e, 0x33, 0x76, 0xf0, 0x9b, 0x3c, 0x1e, 0x16, 0x17, 0x42,
	};
	static const uint8_t low[ADIT_KEY_LEN] = { 1 };
	uint8_t out[ADIT_KEY_LEN];

	return adit_x25519(c, out, priv, pub) && !memcmp(out, want, sizeof(want)) && !adit_x25519(c, out, priv, low);
}

bool selftest_rest(struct adit_crypto *c)
{
	return selftest_hash(c) && selftest_x25519(c);
}
