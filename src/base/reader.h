/* SPDX-License-Identifier: ISC */
/*
 * reader.h - bounded reader over bytes a remote sent. Reading past the end
 * yields zeros and makes adit_rd_ok false for good, so a message is read in
 * one go and judged once.
 */
#ifndef ADIT_BASE_READER_H
#define ADIT_BASE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

struct adit_reader {
	const uint8_t *p;
	size_t left;
	bool bad;
};

static inline void adit_rd_init(struct adit_reader *r, const void *p, size_t len)
{
	r->p = p;
	r->left = len;
	r->bad = false;
}

/* The next n bytes, or NULL. */
static inline const uint8_t *adit_rd_bytes(struct adit_reader *r, size_t n)
{
	const uint8_t *p = r->p;

	if (r->bad || r->left < n) {
		r->bad = true;
		return NULL;
	}
	r->p += n;
	r->left -= n;
	return p;
}

static inline void adit_rd_copy(struct adit_reader *r, void *to, size_t n)
{
	const uint8_t *p = adit_rd_bytes(r, n);

	if (p)
		memcpy(to, p, n);
	else
		memset(to, 0, n);
}

static inline uint8_t adit_rd_u8(struct adit_reader *r)
{
	const uint8_t *p = adit_rd_bytes(r, 1);
	return p ? *p : 0;
}

static inline uint16_t adit_rd_be16(struct adit_reader *r)
{
	const uint8_t *p = adit_rd_bytes(r, 2);
	return p ? adit_get_be16(p) : 0;
}

static inline uint32_t adit_rd_le32(struct adit_reader *r)
{
	const uint8_t *p = adit_rd_bytes(r, 4);
	return p ? adit_get_le32(p) : 0;
}

static inline uint64_t adit_rd_le64(struct adit_reader *r)
{
	const uint8_t *p = adit_rd_bytes(r, 8);
	return p ? adit_get_le64(p) : 0;
}

static inline bool adit_rd_ok(const struct adit_reader *r)
{
	return !r->bad;
}

#endif
