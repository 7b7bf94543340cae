/* SPDX-License-Identifier: ISC */
/* merge.c - several documents as one tree */
#include <string.h>

#include "base/quicktext.h"
#include "config/config.h"
#include "config/reader.h"

static struct adit_conf_node *take_first(struct adit_conf_node *parent)
{
	struct adit_conf_node *node = parent->u.list.first;

	parent->u.list.first = node->next;
	if (!node->next)
		parent->u.list.last = NULL;
	parent->u.list.cnt--;
	node->next = node->less = node->more = NULL;
	return node;
}

static void adopt(struct adit_conf_node *parent)
{
	if (parent->kind != ADIT_CONF_TABLE && parent->kind != ADIT_CONF_ARRAY)
		return;
	for (struct adit_conf_node *it = parent->u.list.first; it; it = it->next)
		it->parent = parent;
}

/* The value of one node for that of another: the nodes keep their keys and their places in the tree. */
static void exchange(struct adit_conf_node *a, struct adit_conf_node *b)
{
	struct adit_conf_node was = *a;

	a->kind = b->kind;
	a->state = b->state;
	a->key_pos = b->key_pos;
	a->pos = b->pos;
	a->u = b->u;
	a->doc = b->doc;
	b->kind = was.kind;
	b->state = was.state;
	b->key_pos = was.key_pos;
	b->pos = was.pos;
	b->u = was.u;
	b->doc = was.doc;
	adopt(a);
	adopt(b);
	quick_wipe(&was, sizeof(was));
}

static bool all_tables(const struct adit_conf_node *array)
{
	adit_conf_each(array, it)
		if (it->kind != ADIT_CONF_TABLE)
			return false;
	return array->kind == ADIT_CONF_ARRAY && adit_conf_count(array);
}

static void append(struct adit_conf_node *to, struct adit_conf_node *from)
{
	while (from->u.list.first) {
		struct adit_conf_node *node = take_first(from);

		node->parent = to;
		conf_node_link(to, node);
	}
}

static void join(struct adit_conf_node *mine, struct adit_conf_node *other, enum adit_conf_wins wins)
{
	if (mine->kind == ADIT_CONF_TABLE && other->kind == ADIT_CONF_TABLE)
		adit_conf_merge(mine, other, wins);
	else if (all_tables(mine) && all_tables(other))
		append(mine, other);
	else if (wins == ADIT_CONF_LATER)
		exchange(mine, other);
	conf_node_free(other);
}

/* Recursion ends with the limit on depth. */
void adit_conf_merge(struct adit_conf_node *to, struct adit_conf_node *from, enum adit_conf_wins wins)
{
	while (from->u.list.first) {
		struct adit_conf_node *node = take_first(from);
		struct conf_buf key = { node->key, node->key_len, 0 };
		struct adit_conf_node *mine = conf_node_find(to, &key);

		if (mine) {
			join(mine, node, wins);
			continue;
		}
		node->parent = to;
		conf_node_link(to, node);
	}
	from->u.list.by_key = NULL;
}
