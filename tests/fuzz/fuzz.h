/* SPDX-License-Identifier: ISC */
/*
 * fuzz.h - what the fuzz targets share. A target is one file with
 * LLVMFuzzerTestOneInput: under clang a libFuzzer program, elsewhere a test
 * that runs its corpus (corpus.c). It judges what it fuzzes by MUST, not only
 * by whether that crashes.
 */
#ifndef ADIT_TESTS_FUZZ_FUZZ_H
#define ADIT_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(cond)                                                                         \
	do {                                                                               \
		if (!(cond)) {                                                             \
			fprintf(stderr, "%s:%d: must hold: %s\n", __FILE__, __LINE__, #cond); \
			abort();                                                           \
		}                                                                          \
	} while (0)

/* At most `max` of the bytes that are left, as a length byte pair asks. */
static inline const uint8_t *fuzz_chunk(struct adit_reader *r, size_t max, size_t *len)
{
	size_t want = adit_rd_u8(r) | (size_t)adit_rd_u8(r) << 8;

	if (want > max)
		want = max;
	if (want > r->left)
		want = r->left;
	*len = want;
	return adit_rd_bytes(r, want);
}

/* A copy that ends where the heap block ends, so that ASan sees a step too far. Never NULL. */
static inline uint8_t *fuzz_copy(const uint8_t *p, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	MUST(copy);
	if (len > 0)
		memcpy(copy, p, len);
	return copy;
}

#endif
