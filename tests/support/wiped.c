/* SPDX-License-Identifier: ISC */
/* wiped.c - what is in the blocks of memory that are freed */
#include "wiped.h"

#include <malloc.h>
#include <stdint.h>
#include <string.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void __real_free(void *p);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
char *__wrap_strdup(const char *s);
void __wrap_free(void *p);

struct wiped wiped;

void wiped_start(unsigned long n)
{
	wiped.allocations = wiped.leaked = 0;
	wiped.blocks = 0;
	wiped.fail_at = n;
}

bool wiped_fails(void)
{
	return ++wiped.allocations == wiped.fail_at;
}

void *__wrap_malloc(size_t size)
{
	void *p = wiped_fails() ? NULL : __real_malloc(size);

	wiped.blocks += p != NULL;
	return p ? memset(p, 0, size) : NULL;
}

void *__wrap_calloc(size_t n, size_t size)
{
	void *p = wiped_fails() ? NULL : __real_calloc(n, size);

	wiped.blocks += p != NULL;
	return p;
}

void *__wrap_realloc(void *p, size_t size)
{
	void *grown = wiped_fails() ? NULL : __real_realloc(p, size);

	wiped.blocks += grown && !p;
	return grown;
}

char *__wrap_strdup(const char *s)
{
	size_t size = strlen(s) + 1;
	char *p = __wrap_malloc(size);

	return p ? memcpy(p, s, size) : NULL;
}

void __wrap_free(void *p)
{
	static const uint8_t bytes[] = { 0x4b, 0x70, 0x91, 0x11, 0x34, 0xb7, 0x09, 0x11, 0x13 };
	size_t n = p ? malloc_usable_size(p) : 0;

	if (p && (memmem(p, n, WIPED_SECRET, strlen(WIPED_SECRET)) || memmem(p, n, bytes, sizeof(bytes))))
		wiped.leaked++;
	wiped.blocks -= p != NULL;
	__real_free(p);
}
