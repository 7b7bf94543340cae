/* SPDX-License-Identifier: ISC */
/* check.c - pieces of a schema check: typed values, unknown and missing keys */
#include "config/check.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/quicktext.h"

#define LIST_LEN 240

/* --- kinds ---------------------------------------------------------------------- */

/* "a string" in quotes that was meant to be a number or a truth is the commonest mistake. */
static const char *kind_hint(const struct adit_conf_node *node, enum adit_conf_kind wanted)
{
	bool plain = wanted == ADIT_CONF_INTEGER || wanted == ADIT_CONF_FLOAT || wanted == ADIT_CONF_BOOL;

	if (node->kind == ADIT_CONF_STRING && plain)
		return " (write it without quotes)";
	if (wanted == ADIT_CONF_ARRAY && node->kind != ADIT_CONF_TABLE)
		return " (put it into brackets: [...])";
	if (wanted == ADIT_CONF_STRING && node->kind != ADIT_CONF_TABLE && node->kind != ADIT_CONF_ARRAY)
		return " (put it into quotes)";
	return "";
}

bool adit_conf_is(struct adit_conf_errors *errors, const struct adit_conf_node *node, enum adit_conf_kind kind)
{
	if (node->kind == kind)
		return true;
	if (node->kind != ADIT_CONF_BROKEN)
		adit_conf_error(errors, node, "must be %s, not %s%s", adit_conf_kind_name(kind),
				adit_conf_kind_name(node->kind), kind_hint(node, kind));
	return false;
}

/* --- a node at hand --------------------------------------------------------------- */

int adit_conf_as_text(struct adit_conf_errors *errors, const struct adit_conf_node *node, const char **ret)
{
	if (!adit_conf_is(errors, node, ADIT_CONF_STRING))
		return -EINVAL;
	if (memchr(node->u.string.p, '\0', node->u.string.len)) {
		adit_conf_error(errors, node, "must not hold the character U+0000");
		return -EINVAL;
	}
	*ret = node->u.string.p;
	return 1;
}

int adit_conf_as_integer(struct adit_conf_errors *errors, const struct adit_conf_node *node, int64_t min,
			 int64_t max, int64_t *ret)
{
	if (!adit_conf_is(errors, node, ADIT_CONF_INTEGER))
		return -EINVAL;
	if (node->u.integer >= min && node->u.integer <= max) {
		*ret = node->u.integer;
		return 1;
	}
	if (max == INT64_MAX)
		adit_conf_error(errors, node, "must be at least %lld", (long long)min);
	else if (min == INT64_MIN)
		adit_conf_error(errors, node, "must be at most %lld", (long long)max);
	else
		adit_conf_error(errors, node, "must be from %lld to %lld", (long long)min, (long long)max);
	return -EINVAL;
}

static int as_number(struct adit_conf_errors *errors, const struct adit_conf_node *node, double min, double max,
		     double *ret)
{
	double v = node->kind == ADIT_CONF_INTEGER ? (double)node->u.integer : node->u.number;

	if (node->kind != ADIT_CONF_INTEGER && !adit_conf_is(errors, node, ADIT_CONF_FLOAT))
		return -EINVAL;
	if (!(v >= min && v <= max) || isinf(v)) {
		adit_conf_error(errors, node, "must be from %g to %g", min, max);
		return -EINVAL;
	}
	*ret = v;
	return 1;
}

/* "a, b or c" */
static const char *list_words(const char *const *words, char buf[LIST_LEN])
{
	size_t len = 0;

	buf[0] = '\0';
	for (size_t i = 0; words[i] && len < LIST_LEN; i++)
		len += (size_t)snprintf(buf + len, LIST_LEN - len, "%s%s", !i ? "" : words[i + 1] ? ", " : " or ",
					words[i]);
	return buf;
}

static int as_word(struct adit_conf_errors *errors, const struct adit_conf_node *node, const char *const *words,
		   size_t *ret)
{
	char list[LIST_LEN];
	const char *text, *near;
	int r = adit_conf_as_text(errors, node, &text);

	if (r < 0)
		return r;
	for (size_t i = 0; words[i]; i++) {
		if (strcmp(words[i], text) != 0)
			continue;
		*ret = i;
		return 1;
	}
	near = adit_conf_nearest(text, node->u.string.len, words);
	if (near)
		adit_conf_error(errors, node, "must be %s (did you mean %s?)", list_words(words, list), near);
	else
		adit_conf_error(errors, node, "must be %s", list_words(words, list));
	return -EINVAL;
}

/* --- by key ---------------------------------------------------------------------- */

int adit_conf_get_text(struct adit_conf_errors *errors, const struct adit_conf_node *table, const char *key,
		       const char **ret)
{
	const struct adit_conf_node *node = adit_conf_get(table, key);

	return node ? adit_conf_as_text(errors, node, ret) : 0;
}

int adit_conf_get_integer(struct adit_conf_errors *errors, const struct adit_conf_node *table, const char *key,
			  int64_t min, int64_t max, int64_t *ret)
{
	const struct adit_conf_node *node = adit_conf_get(table, key);

	return node ? adit_conf_as_integer(errors, node, min, max, ret) : 0;
}

int adit_conf_get_number(struct adit_conf_errors *errors, const struct adit_conf_node *table, const char *key,
			 double min, double max, double *ret)
{
	const struct adit_conf_node *node = adit_conf_get(table, key);

	return node ? as_number(errors, node, min, max, ret) : 0;
}

int adit_conf_get_bool(struct adit_conf_errors *errors, const struct adit_conf_node *table, const char *key,
		       bool *ret)
{
	const struct adit_conf_node *node = adit_conf_get(table, key);

	if (!node)
		return 0;
	if (!adit_conf_is(errors, node, ADIT_CONF_BOOL))
		return -EINVAL;
	*ret = node->u.boolean;
	return 1;
}

int adit_conf_get_word(struct adit_conf_errors *errors, const struct adit_conf_node *table, const char *key,
		       const char *const *words, size_t *ret)
{
	const struct adit_conf_node *node = adit_conf_get(table, key);

	return node ? as_word(errors, node, words, ret) : 0;
}

static int get_kind(struct adit_conf_errors *errors, const struct adit_conf_node *table, const char *key,
		    enum adit_conf_kind kind, const struct adit_conf_node **ret)
{
	const struct adit_conf_node *node = adit_conf_get(table, key);

	if (!node)
		return 0;
	if (!adit_conf_is(errors, node, kind))
		return -EINVAL;
	*ret = node;
	return 1;
}

int adit_conf_get_table(struct adit_conf_errors *errors, const struct adit_conf_node *table, const char *key,
			const struct adit_conf_node **ret)
{
	return get_kind(errors, table, key, ADIT_CONF_TABLE, ret);
}

int adit_conf_get_array(struct adit_conf_errors *errors, const struct adit_conf_node *table, const char *key,
			const struct adit_conf_node **ret)
{
	return get_kind(errors, table, key, ADIT_CONF_ARRAY, ret);
}

/* --- the keys of a table ----------------------------------------------------------- */

bool adit_conf_need(struct adit_conf_errors *errors, const struct adit_conf_node *table, const char *key,
		    const char *hint)
{
	char path[ADIT_CONF_PATH_LEN], whole[ADIT_CONF_PATH_LEN + 64];

	if (adit_conf_get(table, key))
		return true;
	if (table->kind != ADIT_CONF_TABLE || table->doc->torn)
		return false; /* said already, or it may stand in what could not be read */
	adit_conf_path(table, path);
	snprintf(whole, sizeof(whole), "%s%s%.60s", path, *path ? "." : "", key);
	adit_conf_error_at(errors, table->doc->name, table->pos, whole, hint ? "is missing (%s)" : "is missing",
			   hint);
	return false;
}

static bool holds(const char *text, size_t len, const char *part, size_t part_len)
{
	for (size_t i = 0; i + part_len <= len; i++)
		if (!memcmp(text + i, part, part_len))
			return true;
	return false;
}

/* Few changes, and half of the word must be right; or one is a part of the other. */
const char *adit_conf_nearest(const char *word, size_t len, const char *const *words)
{
	struct slice w = { word, len };
	const char *best = NULL, *inside = NULL;
	unsigned least = 4;

	for (size_t i = 0; words[i] && len && len <= 40; i++) {
		size_t n = strlen(words[i]);
		unsigned d = n < 32 ? quick_distance(w, words[i]) : least;

		if (d < least && d * 2 <= n) {
			least = d;
			best = words[i];
		}
		if (!inside && len >= 3 && n >= 3 && (holds(words[i], n, word, len) || holds(word, len, words[i], n)))
			inside = words[i];
	}
	return best ? best : inside;
}

void adit_conf_only(struct adit_conf_errors *errors, const struct adit_conf_node *table, const char *const *keys)
{
	char list[LIST_LEN];
	const char *near;

	if (table->kind != ADIT_CONF_TABLE)
		return;
	adit_conf_each(table, it) {
		size_t i = 0;

		while (keys[i] && (strlen(keys[i]) != it->key_len || memcmp(keys[i], it->key, it->key_len) != 0))
			i++;
		if (keys[i])
			continue;
		near = adit_conf_nearest(it->key, it->key_len, keys);
		if (near)
			adit_conf_key_error(errors, it, "unknown key (did you mean %s?)", near);
		else
			adit_conf_key_error(errors, it, "unknown key (there are %s)", list_words(keys, list));
	}
}
