/* SPDX-License-Identifier: ISC */
/*
 * tree.c - the tree that a configuration is read into
 *
 * DOC: The children of a table are a list in the order of the text and, beside it,
 * an AA tree by key (A. Andersson, "Balanced search trees made simple", 1993):
 * a look-up stays short whatever keys somebody chooses, without a hash and
 * its secret.
 */
#include "config/config.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/quicktext.h"
#include "config/reader.h"

/* --- by key ------------------------------------------------------------------ */

static int compare(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t least = a_len < b_len ? a_len : b_len;
	int r = least ? memcmp(a, b, least) : 0;

	return r ? r : (a_len > b_len) - (a_len < b_len);
}

static struct adit_conf_node *skew(struct adit_conf_node *t)
{
	struct adit_conf_node *left = t->less;

	if (!left || left->level != t->level)
		return t;
	t->less = left->more;
	left->more = t;
	return left;
}

static struct adit_conf_node *split(struct adit_conf_node *t)
{
	struct adit_conf_node *right = t->more;

	if (!right || !right->more || right->more->level != t->level)
		return t;
	t->more = right->less;
	right->less = t;
	right->level++;
	return right;
}

/* As deep as twice the logarithm of the number of keys. */
static struct adit_conf_node *insert(struct adit_conf_node *t, struct adit_conf_node *node)
{
	int r;

	if (!t) {
		node->level = 1;
		return node;
	}
	r = compare(node->key, node->key_len, t->key, t->key_len);
	assert(r); /* who adds a key looks first */
	if (r < 0)
		t->less = insert(t->less, node);
	else
		t->more = insert(t->more, node);
	return split(skew(t));
}

static struct adit_conf_node *find(const struct adit_conf_node *table, const char *key, size_t len)
{
	struct adit_conf_node *t = table && table->kind == ADIT_CONF_TABLE ? table->u.list.by_key : NULL;
	int r;

	while (t && (r = compare(key, len, t->key, t->key_len)) != 0)
		t = r < 0 ? t->less : t->more;
	return t;
}

struct adit_conf_node *conf_node_find(const struct adit_conf_node *table, const struct conf_buf *key)
{
	return find(table, key->p, key->len);
}

const struct adit_conf_node *adit_conf_get_len(const struct adit_conf_node *table, const char *key, size_t len)
{
	return find(table, key, len);
}

const struct adit_conf_node *adit_conf_get(const struct adit_conf_node *table, const char *key)
{
	return find(table, key, strlen(key));
}

/* --- nodes -------------------------------------------------------------------- */

void conf_node_link(struct adit_conf_node *parent, struct adit_conf_node *node)
{
	if (parent->u.list.last)
		parent->u.list.last->next = node;
	else
		parent->u.list.first = node;
	parent->u.list.last = node;
	node->index = parent->u.list.cnt++;
	if (parent->kind == ADIT_CONF_TABLE)
		parent->u.list.by_key = insert(parent->u.list.by_key, node);
}

struct adit_conf_node *conf_node_new(struct conf_reader *rd, struct adit_conf_node *parent, struct conf_buf *key,
				     struct adit_conf_pos key_pos, bool linked)
{
	struct adit_conf_node *node;

	if (rd->over || rd->no_memory)
		return NULL;
	if (parent && ++rd->node_cnt > rd->nodes_max) {
		rd->at = parent;
		conf_error_at(rd, key_pos, "the file has more than %zu values", rd->nodes_max);
		rd->over = true;
		return NULL;
	}
	node = calloc(1, sizeof(*node));
	if (!node) {
		rd->no_memory = true;
		return NULL;
	}
	node->doc = rd->doc;
	node->parent = parent;
	node->depth = parent ? parent->depth + 1 : 1;
	node->key_pos = node->pos = key_pos;
	if (key) {
		node->key = key->p;
		node->key_len = key->len;
		memset(key, 0, sizeof(*key));
	}
	if (linked) {
		conf_node_link(parent, node);
	} else if (parent) {
		node->next = rd->limbo;
		rd->limbo = node;
	}
	return node;
}

bool conf_node_open(struct conf_reader *rd, struct adit_conf_node *node, enum adit_conf_kind kind)
{
	if (node->depth > rd->depth_max) {
		rd->at = node;
		conf_error_at(rd, node->pos, "is nested deeper than %zu levels", rd->depth_max);
		rd->over = true;
		return false;
	}
	node->kind = kind;
	memset(&node->u, 0, sizeof(node->u));
	return true;
}

void conf_node_set_string(struct conf_reader *rd, struct adit_conf_node *node, struct conf_buf *b)
{
	if (!b->p)
		conf_buf_add(rd, b, "", 0);
	if (!b->p)
		return;
	node->kind = ADIT_CONF_STRING;
	node->u.string.p = b->p;
	node->u.string.len = b->len;
	memset(b, 0, sizeof(*b));
}

/* Recursion ends with the limit on depth. */
void conf_node_free(struct adit_conf_node *node)
{
	if (node->kind == ADIT_CONF_TABLE || node->kind == ADIT_CONF_ARRAY) {
		struct adit_conf_node *child = node->u.list.first, *next;

		for (; child; child = next) {
			next = child->next;
			conf_node_free(child);
		}
	}
	if (node->kind == ADIT_CONF_STRING) {
		quick_wipe(node->u.string.p, node->u.string.len);
		free(node->u.string.p);
	}
	if (node->key) {
		quick_wipe(node->key, node->key_len);
		free(node->key);
	}
	quick_wipe(&node->u, sizeof(node->u));
	free(node);
}

void adit_conf_free(struct adit_conf *conf)
{
	if (!conf)
		return;
	if (conf->root)
		conf_node_free(conf->root);
	free(conf->name);
	free(conf);
}

/* --- walking ------------------------------------------------------------------- */

static bool has_children(const struct adit_conf_node *node)
{
	return node && (node->kind == ADIT_CONF_TABLE || node->kind == ADIT_CONF_ARRAY);
}

const struct adit_conf_node *adit_conf_first(const struct adit_conf_node *node)
{
	return has_children(node) ? node->u.list.first : NULL;
}

size_t adit_conf_count(const struct adit_conf_node *node)
{
	return has_children(node) ? node->u.list.cnt : 0;
}

const char *adit_conf_kind_name(enum adit_conf_kind kind)
{
	static const char *const names[] = {
		[ADIT_CONF_BROKEN] = "broken",       [ADIT_CONF_TABLE] = "a table",
		[ADIT_CONF_ARRAY] = "a list",        [ADIT_CONF_STRING] = "a string",
		[ADIT_CONF_INTEGER] = "an integer",  [ADIT_CONF_FLOAT] = "a number with a fraction",
		[ADIT_CONF_BOOL] = "true or false",  [ADIT_CONF_TIME] = "a date or time",
		[ADIT_CONF_NULL] = "null",
	};

	return names[kind];
}
