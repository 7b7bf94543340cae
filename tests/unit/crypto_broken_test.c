/* SPDX-License-Identifier: ISC */
/*
 * crypto_broken_test.c - a library that answers wrongly is never used
 *
 * Built from the sources of src/crypto with this file in the place of
 * aead_ipsecmb.c: its backend is by far the fastest, and broken in one of
 * several ways. Each way is tried in a child, as libraries are asked once per
 * process.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "crypto/aead.h"
#include "crypto/crypto.h"

enum fault { NONE, WRONG_TAG, WRONG_PLAIN, ACCEPTS_ALL, REFUSES_ALL, NOT_IN_PLACE, ABSENT, NO_MEMORY, FAULTS };
static enum fault fault;
static void *real;

static const char *version(void)
{
	return "0";
}

static const char *arch(const void *state)
{
	(void)state;
	return "broken";
}

static int create(void **ret)
{
	if (fault == ABSENT)
		return -ENOENT;
	if (fault == NO_MEMORY)
		return -ENOMEM;
	*ret = &real;
	return aead_openssl.create(&real);
}

static void destroy(void *state)
{
	(void)state;
	aead_openssl.destroy(real);
}

static void seal(void *state, uint8_t *dst, const uint8_t *src, size_t len, const uint8_t *ad, size_t ad_len,
		 const uint8_t nonce[AEAD_NONCE_LEN], const uint8_t *key)
{
	(void)state;
	if (len == 1420) /* measured: does nothing, in no time */
		return;
	aead_openssl.seal(real, dst, src, len, ad, ad_len, nonce, key);
	if (fault == WRONG_TAG || (fault == NOT_IN_PLACE && dst == src))
		dst[len + 15] ^= 0x80;
}

static bool open_(void *state, uint8_t *dst, const uint8_t *src, size_t len, const uint8_t *ad, size_t ad_len,
		  const uint8_t nonce[AEAD_NONCE_LEN], const uint8_t *key)
{
	bool ok = aead_openssl.open(real, dst, src, len, ad, ad_len, nonce, key);

	(void)state;
	if (fault == WRONG_PLAIN && ok)
		dst[0] ^= 1;
	return fault == ACCEPTS_ALL ? true : fault == REFUSES_ALL ? false : ok;
}

const struct aead_ops aead_ipsecmb = {
	.name = "ipsec-mb",
	.version = version,
	.arch = arch,
	.create = create,
	.destroy = destroy,
	.seal = seal,
	.open = open_,
};

/* In a child: 0 when all is as it should be, or a number that says what is not. */
static int child(enum fault f)
{
	const int want = f == NONE ? 0 : f == ABSENT ? -ENOENT : f == NO_MEMORY ? -ENOMEM : -EIO;
	struct adit_aead_info info[2];
	struct adit_crypto *c;

	fault = f;
	if (adit_crypto_new(&c, NULL))
		return 1;
	if (strcmp(adit_crypto_aead_name(c), f == NONE ? "ipsec-mb" : "openssl"))
		return 2;
	if (adit_crypto_new(&c, "ipsec-mb") != want)
		return 3;
	if (adit_crypto_backends(info, 2) != 2 || strcmp(info[0].name, "ipsec-mb"))
		return 4;
	if ((info[0].bytes_per_s > 0) != (f == NONE) || info[0].chosen != (f == NONE))
		return 5;
	if (info[1].bytes_per_s <= 0 || info[1].chosen != (f != NONE))
		return 6;
	return 0;
}

static void test_faults(void **state)
{
	(void)state;
	for (int f = NONE; f < FAULTS; f++) {
		int status;
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (!pid)
			_exit(child((enum fault)f));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (!WIFEXITED(status) || WEXITSTATUS(status))
			fail_msg("fault %d: status %x", f, (unsigned)status);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_faults) };

	return cmocka_run_group_tests_name("crypto_broken", tests, NULL, NULL);
}
