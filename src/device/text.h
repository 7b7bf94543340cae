/* SPDX-License-Identifier: ISC */
/*
 * text.h - a growing buffer of text on its way to a socket. It may hold keys:
 * its memory is locked and left out of core dumps where the system allows,
 * and wiped when it is emptied or moved.
 */
#ifndef ADIT_DEVICE_TEXT_H
#define ADIT_DEVICE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct adit_text {
	char *p;
	size_t pos; /* first byte not taken yet */
	size_t len; /* end of the text */
	size_t cap;
	bool failed; /* out of memory once: the text is not whole */
};

/* A zeroed struct is an empty text. */
void adit_text_fini(struct adit_text *t);
/* Room for n more bytes; false, and t->failed, when there is no memory. */
bool adit_text_reserve(struct adit_text *t, size_t n);
void adit_text_bytes(struct adit_text *t, const char *s, size_t n);
void adit_text_str(struct adit_text *t, const char *s);
void adit_text_u64(struct adit_text *t, uint64_t v);
/* "key=value\n" */
void adit_text_line_u64(struct adit_text *t, const char *key, uint64_t v);
void adit_text_line_str(struct adit_text *t, const char *key, const char *value);
void adit_text_line_key(struct adit_text *t, const char *key, const uint8_t value[32]);
/* The first n bytes have been used. When all have, they are wiped, and a large buffer is given back. */
void adit_text_take(struct adit_text *t, size_t n);

#endif
