/* SPDX-License-Identifier: ISC */
/* number.c - numbers of both formats, once their form was checked */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/reader.h"

#define EXPONENT_MAX 1000000000 /* far beyond what any text of 16 MiB could make up for */

static unsigned digit(char c)
{
	return c >= 'a' ? (unsigned)(c - 'a') + 10 : c >= 'A' ? (unsigned)(c - 'A') + 10 : (unsigned)(c - '0');
}

bool conf_integer(const char *p, size_t len, unsigned base, bool negative, int64_t *ret)
{
	uint64_t max = (uint64_t)INT64_MAX + negative, v = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned d;

		if (p[i] == '_')
			continue;
		d = digit(p[i]);
		if (v > (max - d) / base)
			return false;
		v = v * base + d;
	}
	*ret = !negative ? (int64_t)v : v ? -(int64_t)(v - 1) - 1 : 0;
	return true;
}

static long read_exponent(const char *p, const char *end)
{
	bool negative = p < end && *p == '-';
	long v = 0;

	for (; p < end; p++)
		if (*p >= '0' && *p <= '9' && v < EXPONENT_MAX)
			v = v * 10 + (*p - '0');
	return negative ? -v : v;
}

/*
 * strtod rounds right, but the character it takes for the point is the locale's:
 * it gets the digits without one, and an exponent that makes up for that.
 */
bool conf_double(const char *p, size_t len, double *ret)
{
	const char *end = p + len;
	char *text = malloc(len + 32), *to = text;
	bool fraction = false;
	long shift = 0;

	if (!text)
		return false;
	for (; p < end && *p != 'e' && *p != 'E'; p++) {
		if (*p == '.')
			fraction = true;
		else if (*p != '_')
			*to++ = *p;
		if (fraction && *p >= '0' && *p <= '9')
			shift--;
	}
	if (p < end)
		shift += read_exponent(p + 1, end);
	snprintf(to, 32, "e%ld", shift);
	*ret = strtod(text, NULL);
	free(text);
	return true;
}
