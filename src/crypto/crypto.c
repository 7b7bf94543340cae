/* SPDX-License-Identifier: ISC */
/*
 * crypto.c - contexts, and which library seals
 *
 * The libraries are asked known answers once per process, and timed once per
 * process when somebody first wants the fastest one. One that answers wrongly
 * is never used, not even by name.
 */
#include "crypto/crypto.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/crypto.h>
#include <sodium.h>

#include "crypto/context.h"

static const struct aead_ops *const backends[] = {
#ifdef ADIT_HAVE_IPSECMB
	&aead_ipsecmb,
#endif
	&aead_openssl,
};
#define BACKEND_CNT (sizeof(backends) / sizeof(backends[0]))

/* Written once, under the once's. */
static OSSL_LIB_CTX *libctx;
static struct verdict {
	int error; /* why it cannot be used, or 0 */
	const char *arch;
	double bytes_per_s;
} verdicts[BACKEND_CNT];
static int rest_error;
static size_t fastest = BACKEND_CNT;
static pthread_once_t libctx_once = PTHREAD_ONCE_INIT, test_once = PTHREAD_ONCE_INIT,
		      measure_once = PTHREAD_ONCE_INIT;

static void make_libctx(void)
{
	libctx = OSSL_LIB_CTX_new();
}

OSSL_LIB_CTX *ossl_libctx(void)
{
	pthread_once(&libctx_once, make_libctx);
	return libctx;
}

/* --- known answers, once --------------------------------------------------- */

static int test_backend(const struct aead_ops *ops, struct verdict *v)
{
	void *state;
	int r = ops->create(&state);

	v->arch = "";
	if (r)
		return r;
	v->arch = ops->arch(state);
	r = selftest_aead(ops, state) ? 0 : -EIO;
	ops->destroy(state);
	return r;
}

static int test_rest(void)
{
	struct adit_crypto c = { 0 };
	int r;

	if (!ossl_libctx())
		return -ENOMEM;
	if (sodium_init() < 0)
		return -EIO;
	r = hash_init(&c.hash);
	if (r)
		return r;
	r = selftest_rest(&c) ? 0 : -EIO;
	hash_fini(&c.hash);
	return r;
}

static void test_all(void)
{
	rest_error = test_rest();
	for (size_t i = 0; i < BACKEND_CNT; i++)
		verdicts[i].error = rest_error ? rest_error : test_backend(backends[i], &verdicts[i]);
}

/* --- speed, once ------------------------------------------------------------ */

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

#define PACKET_LEN 1420
#define PACKET_CNT 32 /* some 20 us, so that an interruption spoils few rounds */
#define ROUNDS     64

/* The best of many short rounds: what else runs on the machine only makes a
 * round slower. The first ones also wake wide vector units up. */
static double measure(const struct aead_ops *ops)
{
	static const uint8_t key[ADIT_KEY_LEN] = { 1 }, nonce[AEAD_NONCE_LEN] = { 2 };
	double best = 0;
	uint8_t *buf;
	void *state;

	buf = calloc(1, PACKET_LEN + ADIT_TAG_LEN);
	if (!buf || ops->create(&state)) {
		free(buf);
		return 0;
	}
	for (int round = 0; round < ROUNDS; round++) {
		double start = seconds(), took;

		for (int i = 0; i < PACKET_CNT; i++)
			ops->seal(state, buf, buf, PACKET_LEN, NULL, 0, nonce, key);
		took = seconds() - start;
		if (took > 0 && PACKET_LEN * PACKET_CNT / took > best)
			best = PACKET_LEN * PACKET_CNT / took;
	}
	ops->destroy(state);
	free(buf);
	return best;
}

static void measure_all(void)
{
	pthread_once(&test_once, test_all);
	for (size_t i = 0; i < BACKEND_CNT; i++) {
		if (verdicts[i].error)
			continue;
		verdicts[i].bytes_per_s = measure(backends[i]);
		if (fastest == BACKEND_CNT || verdicts[i].bytes_per_s > verdicts[fastest].bytes_per_s)
			fastest = i;
	}
}

size_t adit_crypto_backends(struct adit_aead_info *info, size_t max)
{
	pthread_once(&measure_once, measure_all);
	for (size_t i = 0; i < BACKEND_CNT && i < max; i++) {
		info[i].name = backends[i]->name;
		info[i].version = backends[i]->version();
		info[i].arch = verdicts[i].arch;
		info[i].bytes_per_s = verdicts[i].bytes_per_s;
		info[i].chosen = i == fastest;
	}
	return BACKEND_CNT;
}

/* --- contexts --------------------------------------------------------------- */

static int choose(const char *name, size_t *ret)
{
	size_t i;

	pthread_once(&test_once, test_all);
	if (rest_error)
		return rest_error;
	if (name) {
		for (i = 0; i < BACKEND_CNT && strcmp(name, backends[i]->name); i++)
			;
		if (i == BACKEND_CNT)
			return -ENOENT;
	} else {
		pthread_once(&measure_once, measure_all);
		i = fastest;
		if (i == BACKEND_CNT)
			return -EIO;
	}
	*ret = i;
	return verdicts[i].error;
}

int adit_crypto_new(struct adit_crypto **ret, const char *aead)
{
	struct adit_crypto *c;
	size_t i;
	int r = choose(aead, &i);

	if (r)
		return r;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->aead = backends[i];
	r = c->aead->create(&c->aead_state);
	if (r)
		goto err_free;
	r = hash_init(&c->hash);
	if (r)
		goto err_destroy;
	*ret = c;
	return 0;
err_destroy:
	c->aead->destroy(c->aead_state);
err_free:
	free(c);
	return r;
}

void adit_crypto_free(struct adit_crypto *c)
{
	if (!c)
		return;
	adit_crypto_forget(c);
	hash_fini(&c->hash);
	c->aead->destroy(c->aead_state);
	free(c);
}

void adit_crypto_forget(struct adit_crypto *c)
{
	if (!c)
		return;
	hash_forget(&c->hash);
	if (c->aead->forget)
		c->aead->forget(c->aead_state);
	stack_wipe(); /* ipsec-mb spills half of a key there when it opens */
}

int adit_public_key(uint8_t pub[ADIT_KEY_LEN], const uint8_t priv[ADIT_KEY_LEN])
{
	struct adit_crypto *c;
	int r = adit_crypto_new(&c, "openssl");

	if (r)
		return r;
	adit_x25519_public(c, pub, priv);
	adit_crypto_forget(c);
	adit_crypto_free(c);
	return 0;
}

const char *adit_crypto_aead_name(const struct adit_crypto *c)
{
	return c->aead->name;
}

void adit_aead_seal(struct adit_crypto *c, uint8_t *dst, const uint8_t *src, size_t len, const uint8_t *ad,
		    size_t ad_len, uint64_t counter, const uint8_t key[ADIT_KEY_LEN])
{
	uint8_t nonce[AEAD_NONCE_LEN];

	aead_nonce(nonce, counter);
	c->aead->seal(c->aead_state, dst, src, len, ad, ad_len, nonce, key);
}

bool adit_aead_open(struct adit_crypto *c, uint8_t *dst, const uint8_t *src, size_t len, const uint8_t *ad,
		    size_t ad_len, uint64_t counter, const uint8_t key[ADIT_KEY_LEN])
{
	uint8_t nonce[AEAD_NONCE_LEN];

	aead_nonce(nonce, counter);
	return c->aead->open(c->aead_state, dst, src, len, ad, ad_len, nonce, key);
}

void adit_aead_seal_nonce(struct adit_crypto *c, uint8_t *dst, const uint8_t *src, size_t len,
			  const uint8_t nonce[ADIT_NONCE_LEN], const uint8_t key[ADIT_KEY_LEN])
{
	c->aead->seal(c->aead_state, dst, src, len, NULL, 0, nonce, key);
}

bool adit_aead_open_nonce(struct adit_crypto *c, uint8_t *dst, const uint8_t *src, size_t len,
			  const uint8_t nonce[ADIT_NONCE_LEN], const uint8_t key[ADIT_KEY_LEN])
{
	return c->aead->open(c->aead_state, dst, src, len, NULL, 0, nonce, key);
}
