/* SPDX-License-Identifier: ISC */
/* vectors.h - hex in tables, and the patterns that make_hkdf.py makes too */
#ifndef ADIT_VECTORS_VECTORS_H
#define ADIT_VECTORS_VECTORS_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

/* Returns the number of bytes; blanks are skipped. */
static inline size_t unhex(uint8_t *to, size_t max, const char *hex)
{
	static const char digits[] = "0123456789abcdef";
	size_t n = 0;

	for (; *hex; hex++) {
		const char *d = strchr(digits, *hex);

		if (*hex == ' ')
			continue;
		assert_non_null(d);
		assert_true(n / 2 < max);
		if (n % 2)
			to[n / 2] = (uint8_t)(to[n / 2] | (d - digits));
		else
			to[n / 2] = (uint8_t)((d - digits) << 4);
		n++;
	}
	assert_int_equal(n % 2, 0);
	return n / 2;
}

static inline void pattern(uint8_t *to, uint32_t seed, size_t len)
{
	uint32_t x = seed * 2654435761u + 1;

	for (size_t i = 0; i < len; i++) {
		x = x * 1664525u + 1013904223u;
		to[i] = (uint8_t)(x >> 24);
	}
}

static inline void assert_hex(const uint8_t *got, size_t len, const char *hex)
{
	uint8_t want[2048];

	assert_int_equal(unhex(want, sizeof(want), hex), len);
	assert_memory_equal(got, want, len);
}

#endif
