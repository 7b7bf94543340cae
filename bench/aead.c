/* SPDX-License-Identifier: ISC */
/*
 * aead.c - what one packet's ChaCha20-Poly1305 costs by each way there is
 *
 * Prints ns a packet, the best of many short rounds: ours (both backends
 * through adit_aead_seal/open), and the ways we did not take. The rounds of
 * all ways are interleaved, so that the machine's drift hits all alike.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sodium.h>
#ifdef ADIT_HAVE_IPSECMB
#include <intel-ipsec-mb.h>
#endif

#include "crypto/crypto.h"

#define LEN_MAX 1536
#define SLOTS   32  /* packets one after another, as in a train */
#define ROUNDS  400

static uint8_t key[ADIT_KEY_LEN] = { 1, 2, 3 };
static uint8_t wire[SLOTS][LEN_MAX + 32], plain[SLOTS][LEN_MAX + 32];
static struct adit_crypto *contexts[4];

static double ns_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

/* --- the ways ----------------------------------------------------------------- */

static void seal_in_place(int context, size_t len)
{
	for (unsigned i = 0; i < SLOTS; i++)
		adit_aead_seal(contexts[context], wire[i] + 16, wire[i] + 16, len, NULL, 0, i, key);
}

static void seal_out_of_place(int context, size_t len)
{
	for (unsigned i = 0; i < SLOTS; i++)
		adit_aead_seal(contexts[context], wire[i] + 16, plain[i], len, NULL, 0, i, key);
}

static void open_in_place(int context, size_t len)
{
	for (unsigned i = 0; i < SLOTS; i++)
		adit_aead_open(contexts[context], wire[i] + 16, wire[i] + 16, len + ADIT_TAG_LEN, NULL, 0, i, key);
}

static void sodium_seal(int context, size_t len)
{
	uint8_t nonce[12] = { 0 };

	(void)context;
	for (unsigned i = 0; i < SLOTS; i++) {
		nonce[4] = (uint8_t)i;
		crypto_aead_chacha20poly1305_ietf_encrypt(wire[i] + 16, NULL, wire[i] + 16, len, NULL, 0, NULL, nonce,
							  key);
	}
}

#ifdef ADIT_HAVE_IPSECMB
static IMB_MGR *mgr;

static void direct_seal(int context, size_t len)
{
	struct chacha20_poly1305_context_data ctx;
	uint8_t nonce[12] = { 0 };

	(void)context;
	for (unsigned i = 0; i < SLOTS; i++) {
		nonce[4] = (uint8_t)i;
		IMB_CHACHA20_POLY1305_INIT(mgr, key, &ctx, nonce, NULL, 0);
		IMB_CHACHA20_POLY1305_ENC_UPDATE(mgr, key, &ctx, wire[i] + 16, wire[i] + 16, len);
		IMB_CHACHA20_POLY1305_ENC_FINALIZE(mgr, &ctx, wire[i] + 16 + len, 16);
	}
}

static void fill_job(IMB_JOB *job, unsigned i, size_t len, const uint8_t *nonce)
{
	memset(job, 0, sizeof(*job));
	job->cipher_mode = IMB_CIPHER_CHACHA20_POLY1305;
	job->hash_alg = IMB_AUTH_CHACHA20_POLY1305;
	job->cipher_direction = IMB_DIR_ENCRYPT;
	job->chain_order = IMB_ORDER_CIPHER_HASH;
	job->enc_keys = job->dec_keys = key;
	job->key_len_in_bytes = ADIT_KEY_LEN;
	job->src = job->dst = wire[i] + 16;
	job->msg_len_to_cipher_in_bytes = job->msg_len_to_hash_in_bytes = len;
	job->iv = nonce;
	job->iv_len_in_bytes = 12;
	job->auth_tag_output = wire[i] + 16 + len;
	job->auth_tag_output_len_in_bytes = ADIT_TAG_LEN;
}

static void checked_job_seal(int context, size_t len)
{
	uint8_t nonce[12] = { 0 };

	(void)context;
	for (unsigned i = 0; i < SLOTS; i++) {
		nonce[4] = (uint8_t)i;
		fill_job(IMB_GET_NEXT_JOB(mgr), i, len, nonce);
		IMB_SUBMIT_JOB(mgr);
	}
}

static void burst_seal(int context, size_t len)
{
	uint8_t nonces[SLOTS][12] = { { 0 } };
	IMB_JOB *jobs[SLOTS];

	(void)context;
	if (IMB_GET_NEXT_BURST(mgr, SLOTS, jobs) != SLOTS)
		abort();
	for (unsigned i = 0; i < SLOTS; i++) {
		nonces[i][4] = (uint8_t)i;
		fill_job(jobs[i], i, len, nonces[i]);
	}
	if (IMB_SUBMIT_BURST_NOCHECK(mgr, SLOTS, jobs) != SLOTS)
		abort();
}
#endif

static const struct way {
	const char *name;
	void (*run)(int context, size_t len);
	int context;
} ways[] = {
	{ "ours, 1st: seal in place", seal_in_place, 0 },
	{ "ours, 1st: seal out of place", seal_out_of_place, 0 },
	{ "ours, 1st: open in place", open_in_place, 0 },
	{ "ours, 2nd: seal in place", seal_in_place, 1 },
	{ "ours, 2nd: seal out of place", seal_out_of_place, 1 },
	{ "ours, 2nd: open in place", open_in_place, 1 },
	{ "libsodium: seal in place", sodium_seal, 0 },
#ifdef ADIT_HAVE_IPSECMB
	{ "ipsec-mb direct: seal in place", direct_seal, 0 },
	{ "ipsec-mb checked job: seal", checked_job_seal, 0 },
#ifdef IMB_SUBMIT_BURST_NOCHECK
	{ "ipsec-mb burst of 32: seal", burst_seal, 0 },
#endif
#endif
};
#define WAYS (sizeof(ways) / sizeof(ways[0]))

int main(void)
{
	static const size_t lens[] = { 0, 64, 128, 512, 1420 };
	struct adit_aead_info info[4] = { 0 };
	size_t cnt = adit_crypto_backends(info, 4);

	for (size_t i = 0; i < cnt; i++) {
		printf("%s %s %s: %.2f GB/s%s\n", info[i].name, info[i].version, info[i].arch,
		       info[i].bytes_per_s / 1e9, info[i].chosen ? ", chosen" : "");
		if (adit_crypto_new(&contexts[i], info[i].name))
			contexts[i] = NULL;
	}
#ifdef ADIT_HAVE_IPSECMB
	mgr = alloc_mb_mgr(0);
	if (!mgr)
		return 1;
	init_mb_mgr_auto(mgr, NULL);
#endif
	printf("%-34s", "ns a packet");
	for (size_t l = 0; l < sizeof(lens) / sizeof(lens[0]); l++)
		printf("%6zu B", lens[l]);
	printf("\n");
	double best[WAYS][sizeof(lens) / sizeof(lens[0])];
	for (int round = 0; round < ROUNDS; round++) {
		for (size_t w = 0; w < WAYS; w++) {
			if (ways[w].run != sodium_seal && !contexts[ways[w].context])
				continue;
			for (size_t l = 0; l < sizeof(lens) / sizeof(lens[0]); l++) {
				double start = ns_now(), took;

				ways[w].run(ways[w].context, lens[l]);
				took = (ns_now() - start) / SLOTS;
				if (!round || took < best[w][l])
					best[w][l] = took;
			}
		}
	}
	for (size_t w = 0; w < WAYS; w++) {
		printf("%-34s", ways[w].name);
		for (size_t l = 0; l < sizeof(lens) / sizeof(lens[0]); l++)
			printf("%8.0f", best[w][l]);
		printf("\n");
	}
	for (size_t i = 0; i < cnt; i++)
		adit_crypto_free(contexts[i]);
	return 0;
}
