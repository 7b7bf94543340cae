/* SPDX-License-Identifier: ISC */
/* scarce.c - memory that is short when a test says so */
#include "scarce.h"

#include <stddef.h>

void *__real_malloc(size_t len);
void *__real_calloc(size_t cnt, size_t len);
void *__real_adit_secret_alloc(size_t len);
void __real_adit_secret_free(void *p, size_t len);
void *__wrap_malloc(size_t len);
void *__wrap_calloc(size_t cnt, size_t len);
void *__wrap_adit_secret_alloc(size_t len);
void __wrap_adit_secret_free(void *p, size_t len);

struct scarce scarce;
static long fail_at = -1; /* allocations from now; -1: none fails */
static bool all_later, failed;

static bool fails(void)
{
	scarce.allocations++;
	if (fail_at < 0)
		return false;
	if (fail_at == 0) {
		failed = true;
		if (!all_later)
			fail_at = -1;
		return true;
	}
	fail_at--;
	return false;
}

void *__wrap_malloc(size_t len)
{
	return fails() ? NULL : __real_malloc(len);
}

void *__wrap_calloc(size_t cnt, size_t len)
{
	return fails() ? NULL : __real_calloc(cnt, len);
}

void *__wrap_adit_secret_alloc(size_t len)
{
	void *p = fails() ? NULL : __real_adit_secret_alloc(len);

	scarce.secrets += p != NULL;
	scarce.secret_bytes += p ? (long)len : 0;
	return p;
}

void __wrap_adit_secret_free(void *p, size_t len)
{
	scarce.secrets -= p != NULL;
	scarce.secret_bytes -= p ? (long)len : 0;
	__real_adit_secret_free(p, len);
}

void scarce_start(long n, bool for_good)
{
	fail_at = n;
	all_later = for_good;
	failed = false;
}

bool scarce_stop(void)
{
	fail_at = -1;
	return failed;
}
