/* SPDX-License-Identifier: ISC */
/* quicktext.h - pieces of text for readers of configuration files: words, lists, numbers, keys */
#ifndef ADIT_BASE_QUICKTEXT_H
#define ADIT_BASE_QUICKTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/quickconf.h"

/* A piece of the caller's text. */
struct slice {
	const char *p;
	size_t len;
};

#define QUOTE_MAX 40
#define QUOTE_LEN (QUOTE_MAX + 4)

bool quick_is_space(char c);
bool quick_has_space(struct slice s);
struct slice quick_trim(struct slice s);
/* Equal without regard to case? */
bool quick_is_word(struct slice s, const char *word);
/* Cuts the next item of a comma list; false at the end. An empty list has one empty item. */
bool quick_next_item(struct slice *list, struct slice *item);
/* Copies into a small buffer; false when it does not fit or holds a NUL. */
bool quick_copy(struct slice s, char *buf, size_t size);
bool quick_number(struct slice s, int base, uint32_t max, uint32_t *ret);
/* 32 bytes of base64: 43 digits and one '='. */
bool quick_key(uint8_t ret[ADIT_QUICK_KEY_LEN], struct slice s);
/* For messages: printable, short, and never a key that stands where it should not. */
const char *quick_quote(struct slice s, char buf[QUOTE_LEN]);
/* The first word, if it can be the name of a setting; what follows may be a key. */
const char *quick_quote_word(struct slice s, char buf[QUOTE_LEN]);
/* Levenshtein distance without regard to case; b has at most 31 characters. */
unsigned quick_distance(struct slice a, const char *b);
/* Not removed by the optimiser, unlike a memset before free. */
void quick_wipe(void *p, size_t len);

#endif
