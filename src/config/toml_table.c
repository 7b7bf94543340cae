/* SPDX-License-Identifier: ISC */
/*
 * toml_table.c - which table a key of TOML belongs to, and what may not be said twice
 *
 * DOC: A table is made once: by a header, by dotted keys or in braces; only what
 * a longer header implied may get its own header later. Here every key that was
 * read is followed through the tree. Where that is not allowed, it is reported
 * with the line that stands against it, and what follows goes into limbo: it is
 * read, for its own mistakes, but is not in the tree.
 */
#include <string.h>

#include "config/toml.h"

static const char *made_by(const struct adit_conf_node *node)
{
	static const char *const names[] = {
		[TOML_VALUE] = "in braces",
		[TOML_HEADER] = "by a header",
		[TOML_IMPLICIT] = "by a longer header",
		[TOML_DOTTED] = "by dotted keys",
		[TOML_LIST] = "as a list of tables",
	};

	return names[node->state];
}

struct adit_conf_node *toml_limbo(struct toml *tm, struct adit_conf_node *parent, struct conf_buf *key,
				  struct adit_conf_pos pos)
{
	struct adit_conf_node *node = conf_node_new(&tm->rd, parent, key, pos, false);

	if (!node || !conf_node_open(&tm->rd, node, ADIT_CONF_TABLE))
		return NULL;
	node->state = TOML_HEADER;
	tm->rd.doc->torn = true;
	return node;
}

static struct adit_conf_node *new_table(struct toml *tm, struct adit_conf_node *parent, struct conf_buf *key,
					struct adit_conf_pos pos, enum toml_state state)
{
	struct adit_conf_node *node = conf_node_new(&tm->rd, parent, key, pos, true);

	if (!node || !conf_node_open(&tm->rd, node, ADIT_CONF_TABLE))
		return NULL;
	node->state = (uint8_t)state;
	return node;
}

/* --- dotted keys -------------------------------------------------------------------- */

/* A key's part before the last: the table it names, made when there is none. */
static struct adit_conf_node *through_dot(struct toml *tm, struct adit_conf_node *table, struct toml_part *part)
{
	struct adit_conf_node *child = conf_node_find(table, &part->key);

	if (!child)
		return new_table(tm, table, &part->key, part->pos, TOML_DOTTED);
	if (child->kind == ADIT_CONF_TABLE && (child->state == TOML_DOTTED || child->state == TOML_IMPLICIT)) {
		child->state = TOML_DOTTED; /* what was only implied is made now */
		return child;
	}
	tm->rd.at = child;
	if (child->kind == ADIT_CONF_TABLE)
		conf_error_at(&tm->rd, part->pos, "was made %s in line %u (dotted keys cannot add to it)",
			      made_by(child), child->key_pos.line);
	else if (child->kind != ADIT_CONF_BROKEN)
		conf_error_at(&tm->rd, part->pos, "is %s in line %u, and no table", adit_conf_kind_name(child->kind),
			      child->key_pos.line);
	return toml_limbo(tm, table, &part->key, part->pos);
}

struct adit_conf_node *toml_place(struct toml *tm, struct adit_conf_node *table)
{
	struct toml_part *last = &tm->key.part[tm->key.cnt - 1];
	struct adit_conf_node *first, *node;

	for (size_t i = 0; table && i + 1 < tm->key.cnt; i++)
		table = through_dot(tm, table, &tm->key.part[i]);
	if (!table)
		return NULL;
	first = conf_node_find(table, &last->key);
	node = conf_node_new(&tm->rd, table, &last->key, last->pos, !first);
	if (node && first) {
		tm->rd.at = node;
		conf_error_at(&tm->rd, last->pos, "stands twice (first in line %u; remove one)", first->key_pos.line);
	}
	return node;
}

/* --- headers ------------------------------------------------------------------------- */

/* A header's part before the last: the table it names, the newest one of a list. */
static struct adit_conf_node *through_header(struct toml *tm, struct adit_conf_node *table, struct toml_part *part)
{
	struct adit_conf_node *child = conf_node_find(table, &part->key);

	if (!child)
		return new_table(tm, table, &part->key, part->pos, TOML_IMPLICIT);
	if (child->kind == ADIT_CONF_TABLE && child->state != TOML_VALUE)
		return child;
	if (child->kind == ADIT_CONF_ARRAY && child->state == TOML_LIST)
		return child->u.list.last;
	tm->rd.at = child;
	if (child->kind == ADIT_CONF_TABLE)
		conf_error_at(&tm->rd, part->pos, "was made in braces in line %u (headers cannot add to it)",
			      child->key_pos.line);
	else if (child->kind != ADIT_CONF_BROKEN)
		conf_error_at(&tm->rd, part->pos, "is %s in line %u, and no table", adit_conf_kind_name(child->kind),
			      child->key_pos.line);
	return toml_limbo(tm, table, &part->key, part->pos);
}

static void report_clash(struct toml *tm, const struct adit_conf_node *old, struct adit_conf_pos pos, bool list)
{
	unsigned line = old->key_pos.line;

	tm->rd.at = old;
	if (old->kind == ADIT_CONF_BROKEN)
		return;
	if (old->kind == ADIT_CONF_ARRAY && old->state == TOML_LIST)
		conf_error_at(&tm->rd, pos, "is a list of tables since line %u ([[ ]] adds one to it)", line);
	else if (old->kind == ADIT_CONF_ARRAY && list)
		conf_error_at(&tm->rd, pos, "is a list in brackets in line %u ([[ ]] cannot add to it)", line);
	else if (old->kind != ADIT_CONF_TABLE)
		conf_error_at(&tm->rd, pos, "is %s in line %u, and no table", adit_conf_kind_name(old->kind), line);
	else if (list)
		conf_error_at(&tm->rd, pos, "is a single table since line %u, and no list of tables", line);
	else if (old->state == TOML_HEADER)
		conf_error_at(&tm->rd, pos, "stands twice (first in line %u; join the two)", line);
	else
		conf_error_at(&tm->rd, pos, "was made %s in line %u (it has no header besides)", made_by(old), line);
}

static struct adit_conf_node *enter_table(struct toml *tm, struct adit_conf_node *parent, struct toml_part *part,
					  struct adit_conf_pos pos)
{
	struct adit_conf_node *node = conf_node_find(parent, &part->key);

	if (node && node->kind == ADIT_CONF_TABLE && node->state == TOML_IMPLICIT) {
		node->state = TOML_HEADER;
		node->key_pos = part->pos;
	} else if (node) {
		report_clash(tm, node, part->pos, false);
		return toml_limbo(tm, parent, &part->key, part->pos);
	} else {
		node = new_table(tm, parent, &part->key, part->pos, TOML_HEADER);
	}
	if (node)
		node->pos = pos;
	return node;
}

static struct adit_conf_node *enter_list(struct toml *tm, struct adit_conf_node *parent, struct toml_part *part,
					 struct adit_conf_pos pos)
{
	struct adit_conf_node *list = conf_node_find(parent, &part->key);

	if (list && (list->kind != ADIT_CONF_ARRAY || list->state != TOML_LIST)) {
		report_clash(tm, list, part->pos, true);
		return toml_limbo(tm, parent, &part->key, part->pos);
	}
	if (!list) {
		list = conf_node_new(&tm->rd, parent, &part->key, part->pos, true);
		if (!list || !conf_node_open(&tm->rd, list, ADIT_CONF_ARRAY))
			return NULL;
		list->state = TOML_LIST;
		list->pos = pos;
	}
	return new_table(tm, list, NULL, pos, TOML_HEADER);
}

struct adit_conf_node *toml_enter(struct toml *tm, struct adit_conf_pos pos, bool list)
{
	struct toml_part *last = &tm->key.part[tm->key.cnt - 1];
	struct adit_conf_node *table = tm->rd.doc->root;

	for (size_t i = 0; table && i + 1 < tm->key.cnt; i++)
		table = through_header(tm, table, &tm->key.part[i]);
	if (!table)
		return NULL;
	return list ? enter_list(tm, table, last, pos) : enter_table(tm, table, last, pos);
}
