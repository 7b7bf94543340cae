/* SPDX-License-Identifier: ISC */
/* text.c - a growing, wiped buffer of text */
#include "device/text.h"

#include <string.h>
#include <sys/mman.h>

#include "crypto/crypto.h"
#include "crypto/keytext.h"

#define TEXT_MIN  (16u << 10)
#define TEXT_KEEP (128u << 10) /* a larger buffer is given back when empty */

static void give_back(struct adit_text *t)
{
	if (!t->p)
		return;
	adit_wipe(t->p, t->len);
	munmap(t->p, t->cap);
	t->p = NULL;
	t->cap = 0;
}

void adit_text_fini(struct adit_text *t)
{
	give_back(t);
	memset(t, 0, sizeof(*t));
}

bool adit_text_reserve(struct adit_text *t, size_t n)
{
	size_t cap = t->cap ? t->cap : TEXT_MIN;
	char *p;

	if (t->cap - t->len >= n)
		return true;
	while (cap - t->len < n)
		cap *= 2;
	p = mmap(NULL, cap, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED) {
		t->failed = true;
		return false;
	}
	/* Best effort: a low locked-memory limit must not break a listing. */
	madvise(p, cap, MADV_DONTDUMP);
	(void)mlock(p, cap);
	if (t->len)
		memcpy(p, t->p, t->len);
	give_back(t);
	t->p = p;
	t->cap = cap;
	return true;
}

void adit_text_bytes(struct adit_text *t, const char *s, size_t n)
{
	if (!adit_text_reserve(t, n))
		return;
	memcpy(t->p + t->len, s, n);
	t->len += n;
}

void adit_text_str(struct adit_text *t, const char *s)
{
	adit_text_bytes(t, s, strlen(s));
}

void adit_text_u64(struct adit_text *t, uint64_t v)
{
	char buf[20];
	size_t i = sizeof(buf);

	do {
		buf[--i] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	adit_text_bytes(t, buf + i, sizeof(buf) - i);
}

void adit_text_line_u64(struct adit_text *t, const char *key, uint64_t v)
{
	adit_text_str(t, key);
	adit_text_bytes(t, "=", 1);
	adit_text_u64(t, v);
	adit_text_bytes(t, "\n", 1);
}

void adit_text_line_str(struct adit_text *t, const char *key, const char *value)
{
	adit_text_str(t, key);
	adit_text_bytes(t, "=", 1);
	adit_text_str(t, value);
	adit_text_bytes(t, "\n", 1);
}

void adit_text_line_key(struct adit_text *t, const char *key, const uint8_t value[32])
{
	adit_text_str(t, key);
	adit_text_bytes(t, "=", 1);
	if (adit_text_reserve(t, ADIT_KEY_HEX_LEN)) {
		adit_key_to_hex(t->p + t->len, value);
		t->len += ADIT_KEY_HEX_LEN;
	}
	adit_text_bytes(t, "\n", 1);
}

void adit_text_take(struct adit_text *t, size_t n)
{
	t->pos += n;
	if (t->pos < t->len)
		return;
	if (t->cap > TEXT_KEEP)
		give_back(t);
	else if (t->p)
		adit_wipe(t->p, t->len);
	t->pos = t->len = 0;
}
