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
	const IMB_MGR *mgr = state;

	switch (mgr->used_arch) {
	case IMB_ARCH_SSE:
		return "SSE";
	case IMB_ARCH_AVX2:
		return "AVX2";
	case IMB_ARCH_AVX512:
		return "AVX512";
	default:
		return "";
	}
}

/*
 * Sets the manager up as init_mb_mgr_auto does, but without the library's
 * self-test of some fifty algorithms we do not use: it costs 3 ms and makes
 * 3 MB of code resident, half of what a device may use in all. The way is the
 * one by which a second process takes over a manager: name the architecture,
 * have the functions set. Our own known answers are asked afterwards anyway.
 */
static bool init_quickly(IMB_MGR *mgr)
{
	if ((mgr->features & IMB_CPUFLAGS_AVX512) == IMB_CPUFLAGS_AVX512)
		mgr->used_arch = IMB_ARCH_AVX512;
	else if ((mgr->features & IMB_CPUFLAGS_AVX2) == IMB_CPUFLAGS_AVX2)
		mgr->used_arch = IMB_ARCH_AVX2;
	else
		return false;
	if (!imb_set_pointers_mb_mgr(mgr, 0, 0) || imb_get_errno(mgr))
		return false;
	mgr->next_job = 0;
	mgr->earliest_job = -1;
	return mgr->get_next_job && mgr->submit_job_nocheck;
}

static int create(void **ret)
{
	IMB_MGR *mgr = alloc_mb_mgr(0);
	IMB_ARCH used = IMB_ARCH_NONE;

	if (!mgr)
		return -ENOMEM;
	/* a build that leaves keys in registers and on the stack will not do */
	if (!(mgr->features & IMB_FEATURE_SAFE_DATA))
		goto err_free;
	if (!init_quickly(mgr)) {
		init_mb_mgr_auto(mgr, &used);
		if (used == IMB_ARCH_NONE || imb_get_errno(mgr))
			goto err_free;
	}
	*ret = mgr;
	return 0;
err_free:
	free_mb_mgr(mgr);
	return -ENOENT;
}

static void destroy(void *state)
{
	if (state)
		free_mb_mgr(state);
}

static inline void run(IMB_MGR *mgr, IMB_CIPHER_DIRECTION direction, uint8_t *dst, const uint8_t *src, size_t len,
		       const uint8_t *ad, size_t ad_len, const uint8_t nonce[AEAD_NONCE_LEN], const uint8_t *key, uint8_t *tag)
{
	IMB_JOB *job = IMB_GET_NEXT_JOB(mgr);

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
		 const uint8_t nonce[AEAD_NONCE_LEN], const uint8_t *key)
{
	run(state, IMB_DIR_ENCRYPT, dst, src, len, ad, ad_len, nonce, key, dst + len);
}

static bool open_(void *state, uint8_t *dst, const uint8_t *src, size_t len, const uint8_t *ad, size_t ad_len,
		  const uint8_t nonce[AEAD_NONCE_LEN], const uint8_t *key)
{
	uint8_t tag[AEAD_TAG_LEN];

	if (len < AEAD_TAG_LEN)
		return false;
	len -= AEAD_TAG_LEN;
	run(state, IMB_DIR_DECRYPT, dst, src, len, ad, ad_len, nonce, key, tag);
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
