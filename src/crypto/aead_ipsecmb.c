/* SPDX-License-Identifier: ISC */
/*
 * aead_ipsecmb.c - ChaCha20-Poly1305 by libipsec-mb, through its job API
 *
 * This algorithm's jobs are done when submit returns: there is nothing to
 * flush, and one job is made over and over. Whether that holds is what the
 * self-test and the status of every job say.
 */
#include "crypto/aead.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <intel-ipsec-mb.h>
#include <openssl/crypto.h>

static const char *version(void)
{
	return imb_get_version_str();
}

static const char *arch(const void *state)
{
	static const char *const names[IMB_ARCH_NUM] = {
		[IMB_ARCH_NONE] = "",	      [IMB_ARCH_NOAESNI] = "NOAESNI", [IMB_ARCH_SSE] = "SSE",
		[IMB_ARCH_AVX] = "AVX",	      [IMB_ARCH_AVX2] = "AVX2",	      [IMB_ARCH_AVX512] = "AVX512",
	};
	const IMB_MGR *mgr = state;

	return mgr->used_arch < IMB_ARCH_NUM ? names[mgr->used_arch] : "";
}

static int create(void **ret)
{
	IMB_MGR *mgr = alloc_mb_mgr(0);
	IMB_ARCH used = IMB_ARCH_NONE;

	if (!mgr)
		return -ENOMEM;
	init_mb_mgr_auto(mgr, &used);
	/* a build that leaves keys in registers and on the stack will not do */
	if (used == IMB_ARCH_NONE || imb_get_errno(mgr) || !(mgr->features & IMB_FEATURE_SAFE_DATA)) {
		free_mb_mgr(mgr);
		return -ENOENT;
	}
	*ret = mgr;
	return 0;
}

static void destroy(void *state)
{
	if (state)
		free_mb_mgr(state);
}

static inline void run(IMB_MGR *mgr, IMB_CIPHER_DIRECTION direction, uint8_t *dst, const uint8_t *src, size_t len,
		       const uint8_t *ad, size_t ad_len, uint64_t counter, const uint8_t *key, uint8_t *tag)
{
	IMB_JOB *job = IMB_GET_NEXT_JOB(mgr);
	uint8_t nonce[AEAD_NONCE_LEN];

	aead_nonce(nonce, counter);
	job->cipher_mode = IMB_CIPHER_CHACHA20_POLY1305;
	job->hash_alg = IMB_AUTH_CHACHA20_POLY1305;
	job->cipher_direction = direction;
	job->chain_order = direction == IMB_DIR_ENCRYPT ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER;
	job->enc_keys = key;
	job->dec_keys = key;
	job->key_len_in_bytes = AEAD_KEY_LEN;
	job->src = src;
	job->dst = dst;
	job->cipher_start_src_offset_in_bytes = 0;
	job->msg_len_to_cipher_in_bytes = len;
	job->hash_start_src_offset_in_bytes = 0;
	job->msg_len_to_hash_in_bytes = len;
	job->iv = nonce;
	job->iv_len_in_bytes = AEAD_NONCE_LEN;
	job->u.CHACHA20_POLY1305.aad = ad;
	job->u.CHACHA20_POLY1305.aad_len_in_bytes = ad_len;
	job->auth_tag_output = tag;
	job->auth_tag_output_len_in_bytes = AEAD_TAG_LEN;
	job = IMB_SUBMIT_JOB_NOCHECK(mgr);
	/* an unfinished job must not turn into an unencrypted packet */
	if (!job || job->status != IMB_STATUS_COMPLETED)
		abort();
}

static void seal(void *state, uint8_t *dst, const uint8_t *src, size_t len, const uint8_t *ad, size_t ad_len,
		 uint64_t counter, const uint8_t *key)
{
	run(state, IMB_DIR_ENCRYPT, dst, src, len, ad, ad_len, counter, key, dst + len);
}

static bool open_(void *state, uint8_t *dst, const uint8_t *src, size_t len, const uint8_t *ad, size_t ad_len,
		  uint64_t counter, const uint8_t *key)
{
	uint8_t tag[AEAD_TAG_LEN];

	if (len < AEAD_TAG_LEN)
		return false;
	len -= AEAD_TAG_LEN;
	run(state, IMB_DIR_DECRYPT, dst, src, len, ad, ad_len, counter, key, tag);
	return !CRYPTO_memcmp(tag, src + len, AEAD_TAG_LEN);
}

const struct aead_ops aead_ipsecmb = {
	.name = "ipsec-mb",
	.version = version,
	.arch = arch,
	.create = create,
	.destroy = destroy,
	.seal = seal,
	.open = open_,
	.forget = NULL, /* jobs hold pointers to keys, not keys */
};
