/* SPDX-License-Identifier: ISC */
/* path.c - where a node stands, in the words of messages */
#include <stdio.h>
#include <string.h>

#include "config/config.h"

/* A text that is written from its end to its beginning, since a node knows its parent. */
struct backwards {
	char *buf, *p;
	bool cut;
};

static void prepend(struct backwards *b, const char *s, size_t len)
{
	if (b->cut)
		return;
	if (len > (size_t)(b->p - b->buf)) {
		b->cut = true;
		return;
	}
	b->p -= len;
	memcpy(b->p, s, len);
}

static bool is_bare(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

static bool all_bare(const char *key, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!is_bare(key[i]))
			return false;
	return len > 0;
}

/* 32 bytes of base64, with or without its '=': a value that stands where a key should, perhaps secret. */
static bool looks_secret(const char *key, size_t len)
{
	if (len == 44 && key[43] == '=')
		len--;
	if (len < 43)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!is_bare(key[i]) && key[i] != '+' && key[i] != '/')
			return false;
	return true;
}

/* Quotes, and what a terminal may take for a command (C0, C1), become '?'. */
static void prepend_quoted(struct backwards *b, const char *key, size_t len)
{
	prepend(b, "\"", 1);
	for (size_t i = len; i-- > 0;) {
		unsigned char c = (unsigned char)key[i], before = i ? (unsigned char)key[i - 1] : 0;

		if (before == 0xc2 && c < 0xa0) {
			prepend(b, "?", 1);
			i--;
		} else if (c < 0x20 || c == 0x7f || c == '"' || c == '\\') {
			prepend(b, "?", 1);
		} else {
			prepend(b, &key[i], 1);
		}
	}
	prepend(b, "\"", 1);
}

static void prepend_part(struct backwards *b, const struct adit_conf_node *node)
{
	char index[32];

	if (!node->key && node->parent->kind != ADIT_CONF_ARRAY)
		return; /* what is under a header that could not be read */
	if (!node->key) {
		snprintf(index, sizeof(index), "[%zu]", node->index);
		prepend(b, index, strlen(index));
		return;
	}
	if (looks_secret(node->key, node->key_len))
		prepend(b, "(a key)", 7);
	else if (all_bare(node->key, node->key_len))
		prepend(b, node->key, node->key_len);
	else
		prepend_quoted(b, node->key, node->key_len);
	if (node->parent->parent)
		prepend(b, ".", 1);
}

const char *adit_conf_path(const struct adit_conf_node *node, char buf[ADIT_CONF_PATH_LEN])
{
	struct backwards b = { buf + 3, buf + ADIT_CONF_PATH_LEN - 1, false }; /* room for the dots */

	*b.p = '\0';
	for (; node && node->parent && !b.cut; node = node->parent)
		prepend_part(&b, node);
	while (b.cut && ((unsigned char)*b.p & 0xc0) == 0x80) /* never half of a character */
		b.p++;
	if (b.cut) {
		b.p -= 3;
		memcpy(b.p, "...", 3);
	}
	return memmove(buf, b.p, (size_t)(buf + ADIT_CONF_PATH_LEN - b.p));
}
