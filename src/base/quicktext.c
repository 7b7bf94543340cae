/* SPDX-License-Identifier: ISC */
/* quicktext.c - pieces of text for the wg-quick reader: words, lists, numbers, keys */
#include "base/quicktext.h"

#include <string.h>

bool quick_is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool quick_has_space(struct slice s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if (quick_is_space(s.p[i]))
			return true;
	return false;
}

struct slice quick_trim(struct slice s)
{
	while (s.len && quick_is_space(s.p[0])) {
		s.p++;
		s.len--;
	}
	while (s.len && quick_is_space(s.p[s.len - 1]))
		s.len--;
	return s;
}

bool quick_is_word(struct slice s, const char *word)
{
	size_t i;

	if (s.len != strlen(word))
		return false;
	for (i = 0; i < s.len; i++)
		if (lower(s.p[i]) != lower(word[i]))
			return false;
	return true;
}

/* Cuts the next item of a comma list; false at the end. wg accepts an empty list. */
bool quick_next_item(struct slice *list, struct slice *item)
{
	const char *comma;

	if (!list->p)
		return false;
	comma = list->len ? memchr(list->p, ',', list->len) : NULL;
	item->p = list->p;
	item->len = comma ? (size_t)(comma - list->p) : list->len;
	*item = quick_trim(*item);
	if (comma) {
		list->len -= (size_t)(comma + 1 - list->p);
		list->p = comma + 1;
	} else {
		list->p = NULL;
		list->len = 0;
	}
	return true;
}

/* Copies into a small buffer; false when it does not fit or holds a NUL. */
bool quick_copy(struct slice s, char *buf, size_t size)
{
	if (s.len >= size || (s.len && memchr(s.p, '\0', s.len)))
		return false;
	if (s.len)
		memcpy(buf, s.p, s.len);
	buf[s.len] = '\0';
	return true;
}

/* For messages: printable, short, and never a key that stands where it should not. */
const char *quick_quote(struct slice s, char buf[QUOTE_LEN])
{
	size_t i, n = s.len < QUOTE_MAX ? s.len : QUOTE_MAX;

	if (s.len == 44 && s.p[43] == '=')
		return strcpy(buf, "(a key)");
	for (i = 0; i < n; i++)
		buf[i] = s.p[i] >= 0x20 && s.p[i] < 0x7f ? s.p[i] : '?';
	strcpy(buf + n, s.len > n ? "..." : "");
	return buf;
}

/* The first word, if it can be the name of a setting; what follows may be a key. */
const char *quick_quote_word(struct slice s, char buf[QUOTE_LEN])
{
	size_t n = 0;

	while (n < s.len && !quick_is_space(s.p[n]))
		n++;
	return n > 24 ? strcpy(buf, "(long word)") : quick_quote((struct slice){ s.p, n }, buf);
}

bool quick_number(struct slice s, int base, uint32_t max, uint32_t *ret)
{
	uint64_t v = 0;
	size_t i;

	if (!s.len)
		return false;
	for (i = 0; i < s.len; i++) {
		char c = lower(s.p[i]);
		int d = c >= '0' && c <= '9'               ? c - '0' :
			base == 16 && c >= 'a' && c <= 'f' ? c - 'a' + 10 :
							     -1;

		if (d < 0)
			return false;
		v = v * (unsigned)base + (unsigned)d;
		if (v > max)
			return false;
	}
	*ret = (uint32_t)v;
	return true;
}

static int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* 32 bytes are 43 digits and one '='; the last digit's low two bits are zero. */
bool quick_key(uint8_t ret[ADIT_QUICK_KEY_LEN], struct slice s)
{
	unsigned acc = 0, bits = 0;
	size_t i, n = 0;

	if (s.len != 44 || s.p[43] != '=')
		return false;
	for (i = 0; i < 43; i++) {
		int d = base64_digit(s.p[i]);

		if (d < 0)
			return false;
		acc = (acc << 6 | (unsigned)d) & 0xffff;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			ret[n++] = (uint8_t)(acc >> bits);
		}
	}
	return (acc & ((1u << bits) - 1)) == 0;
}

/* Levenshtein distance without regard to case; b is a key's name. */
unsigned quick_distance(struct slice a, const char *b)
{
	unsigned row[32], len = (unsigned)strlen(b), i, k;

	for (k = 0; k <= len; k++)
		row[k] = k;
	for (i = 0; i < a.len; i++) {
		unsigned diagonal = row[0];

		row[0] = i + 1;
		for (k = 1; k <= len; k++) {
			unsigned change = diagonal + (lower(a.p[i]) != lower(b[k - 1]));
			unsigned best = row[k] < row[k - 1] ? row[k] + 1 : row[k - 1] + 1;

			diagonal = row[k];
			row[k] = change < best ? change : best;
		}
	}
	return row[len];
}

/* Not removed by the optimiser, unlike a memset before free. */
void quick_wipe(void *p, size_t len)
{
	volatile uint8_t *b = p;

	while (len--)
		*b++ = 0;
}
