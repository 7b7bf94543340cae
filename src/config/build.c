/* SPDX-License-Identifier: ISC */
/* build.c - a tree that is made by hand, for other formats than ours */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "config/reader.h"

static char *copy(const char *p, size_t len)
{
	char *text = malloc(len + 1);

	if (!text)
		return NULL;
	if (len)
		memcpy(text, p, len);
	text[len] = '\0';
	return text;
}

struct adit_conf *adit_conf_new(const char *name)
{
	struct adit_conf_errors errors = { 0 };
	struct conf_reader rd;
	struct adit_conf *doc = NULL;

	if (!conf_begin(&rd, &errors, name, "", 0, NULL) && !conf_end(&rd, &doc))
		conf_node_open(&rd, doc->root, ADIT_CONF_TABLE);
	adit_conf_errors_fini(&errors);
	return doc;
}

struct adit_conf_node *adit_conf_add(struct adit_conf_node *parent, const char *key, enum adit_conf_kind kind,
				     struct adit_conf_pos key_pos, struct adit_conf_pos pos)
{
	struct adit_conf_node *node = calloc(1, sizeof(*node));

	if (!node)
		return NULL;
	node->kind = kind;
	node->doc = parent->doc;
	node->parent = parent;
	node->depth = parent->depth + 1;
	node->key_pos = key ? key_pos : pos;
	node->pos = pos;
	if (key) {
		node->key_len = strlen(key);
		node->key = copy(key, node->key_len);
	}
	if ((key && !node->key) || (kind == ADIT_CONF_STRING && adit_conf_set_text(node, "", 0))) {
		free(node->key);
		free(node);
		return NULL;
	}
	conf_node_link(parent, node);
	return node;
}

int adit_conf_set_text(struct adit_conf_node *node, const char *p, size_t len)
{
	char *text = copy(p, len);

	if (node->kind == ADIT_CONF_STRING)
		free(node->u.string.p); /* the empty one that it began with */
	node->kind = text ? ADIT_CONF_STRING : ADIT_CONF_BROKEN;
	node->u.string.p = text;
	node->u.string.len = text ? len : 0;
	return text ? 0 : -ENOMEM;
}

struct adit_conf_node *adit_conf_find(struct adit_conf_node *table, const char *key)
{
	struct conf_buf b = { (char *)(uintptr_t)key, strlen(key), 0 };

	return conf_node_find(table, &b);
}
