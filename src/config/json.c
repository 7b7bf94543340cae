/* SPDX-License-Identifier: ISC */
/*
 * json.c - strict reader of JSON (RFC 8259)
 *
 * DOC: Nothing beyond the standard is taken: no comments, no comma at the end, no
 * NaN; and of what it leaves open, a key that stands twice, a half of a surrogate
 * pair and an integer beyond 64 bits are refused. After a fault, reading goes on
 * behind the next comma of the same level, or behind the bracket that closes it.
 */
#include "config/json.h"

#include <string.h>

/* --- white space and recovery -------------------------------------------------- */

static void skip_space(struct conf_reader *rd)
{
	for (; rd->p < rd->end; rd->p++) {
		if (*rd->p == '\n') {
			rd->p++;
			conf_next_line(rd);
			rd->p--;
		} else if (*rd->p != ' ' && *rd->p != '\t' && *rd->p != '\r') {
			return;
		}
	}
}

/* Over a string whose content does not matter; one that is not closed ends with its line. */
static void skip_string(struct conf_reader *rd)
{
	for (rd->p++; rd->p < rd->end && *rd->p != '\n'; rd->p++) {
		if (*rd->p == '"') {
			rd->p++;
			return;
		}
		if (*rd->p == '\\' && rd->p + 1 < rd->end && rd->p[1] != '\n')
			rd->p++;
	}
}

/* To the comma or the bracket that ends the item in which something was wrong. */
static void skip_item(struct conf_reader *rd)
{
	unsigned depth = 0;

	for (;;) {
		skip_space(rd);
		if (rd->p >= rd->end)
			return;
		if (*rd->p == '"') {
			skip_string(rd);
			continue;
		}
		if (*rd->p == '[' || *rd->p == '{') {
			depth++;
		} else if (*rd->p == ']' || *rd->p == '}') {
			if (!depth--)
				return;
		} else if (*rd->p == ',' && !depth) {
			return;
		}
		rd->p++;
	}
}

static void unexpected(struct conf_reader *rd, const char *wanted)
{
	char what[CONF_WHAT_LEN];

	if (rd->over || (rd->p >= rd->end && rd->doc->root->kind != ADIT_CONF_BROKEN))
		return; /* said of what is not closed */
	if (rd->p + 1 < rd->end && (*rd->p == '#' || (*rd->p == '/' && (rd->p[1] == '/' || rd->p[1] == '*'))))
		conf_fault(rd, rd->p, "JSON has no comments (remove it)");
	else
		conf_fault(rd, rd->p, "expected %s, found %s%s", wanted, conf_what(rd, rd->p, what),
			   conf_is(rd, '\'') ? " (text stands in double quotes)" : "");
}

/* --- containers ----------------------------------------------------------------- */

static void read_value(struct conf_reader *rd, struct adit_conf_node *node);

/* A key that stands twice is read, so that its value is checked, but does not count. */
static struct adit_conf_node *member_new(struct conf_reader *rd, struct adit_conf_node *table,
					 struct conf_buf *key, struct adit_conf_pos pos)
{
	const struct adit_conf_node *first = conf_node_find(table, key);
	struct adit_conf_node *node = conf_node_new(rd, table, key, pos, !first);

	if (node && first) {
		rd->at = node;
		conf_error_at(rd, pos, "stands twice (first in line %u; remove one)", first->key_pos.line);
	}
	return node;
}

static bool read_colon(struct conf_reader *rd)
{
	skip_space(rd);
	if (!conf_is(rd, ':')) {
		unexpected(rd, "':' after the key");
		return false;
	}
	rd->p++;
	skip_space(rd);
	return true;
}

static void read_member(struct conf_reader *rd, struct adit_conf_node *table)
{
	struct conf_buf key = { 0 };
	struct adit_conf_node *node;
	struct adit_conf_pos pos;

	rd->at = table;
	if (!conf_is(rd, '"')) {
		unexpected(rd, "a key in double quotes");
		rd->doc->torn = true;
		skip_item(rd);
		return;
	}
	pos = conf_pos(rd, rd->p);
	if (!json_string(rd, &key) || rd->no_memory) {
		conf_buf_fini(&key);
		rd->doc->torn = true;
		skip_item(rd);
		return;
	}
	node = member_new(rd, table, &key, pos);
	conf_buf_fini(&key);
	if (!node)
		return;
	rd->at = node;
	if (read_colon(rd))
		read_value(rd, node);
	else
		skip_item(rd);
}

static void read_item(struct conf_reader *rd, struct adit_conf_node *array)
{
	struct adit_conf_node *node = conf_node_new(rd, array, NULL, conf_pos(rd, rd->p), true);

	if (!node)
		return;
	rd->at = node;
	read_value(rd, node);
}

/* Behind an item: true when another one follows. */
static bool go_on(struct conf_reader *rd, const struct adit_conf_node *node, char close)
{
	unsigned line = rd->line;

	rd->at = node;
	skip_space(rd);
	if (rd->p < rd->end && *rd->p != ',' && *rd->p != ']' && *rd->p != '}') {
		/* a string that was not closed took the comma with it */
		if (rd->line == line || !node->u.list.last || node->u.list.last->kind != ADIT_CONF_BROKEN)
			unexpected(rd, close == ']' ? "',' or ']'" : "',' or '}'");
		if (*rd->p == '"')
			return true; /* a comma that was forgotten */
		skip_item(rd);
	}
	if (!conf_is(rd, ','))
		return false;
	rd->p++;
	if (rd->fault_line == rd->line)
		rd->fault_line = 0; /* the next item has faults of its own */
	skip_space(rd);
	if (rd->p < rd->end && (*rd->p == ']' || *rd->p == '}')) {
		unexpected(rd, close == ']' ? "another value after ','" : "another key after ','");
		return false;
	}
	return true;
}

static void read_container(struct conf_reader *rd, struct adit_conf_node *node)
{
	bool table = *rd->p == '{';
	char close = table ? '}' : ']';

	if (!conf_node_open(rd, node, table ? ADIT_CONF_TABLE : ADIT_CONF_ARRAY))
		return;
	rd->p++;
	skip_space(rd);
	if (!conf_is(rd, close)) {
		do
			table ? read_member(rd, node) : read_item(rd, node);
		while (!rd->over && !rd->no_memory && go_on(rd, node, close));
	}
	rd->at = node;
	if (rd->over || rd->no_memory)
		return;
	if (conf_is(rd, close)) {
		rd->p++;
	} else if (rd->p < rd->end) {
		unexpected(rd, table ? "'}'" : "']'");
		rd->over = true; /* nobody knows any more what belongs where */
	} else {
		conf_error_at(rd, node->pos, "is not closed (%s is missing)", table ? "'}'" : "']'");
		rd->over = true;
	}
}

/* --- values ---------------------------------------------------------------------- */

static void read_string(struct conf_reader *rd, struct adit_conf_node *node)
{
	struct conf_buf b = { 0 };

	if (json_string(rd, &b))
		conf_node_set_string(rd, node, &b);
	conf_buf_fini(&b);
}

static void read_word(struct conf_reader *rd, struct adit_conf_node *node)
{
	static const struct {
		const char *word;
		enum adit_conf_kind kind;
		bool value;
	} words[] = {
		{ "true", ADIT_CONF_BOOL, true },
		{ "false", ADIT_CONF_BOOL, false },
		{ "null", ADIT_CONF_NULL, false },
	};
	const char *start = rd->p;
	size_t len;

	while (rd->p < rd->end && json_in_word(*rd->p))
		rd->p++;
	len = (size_t)(rd->p - start);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (len != strlen(words[i].word) || memcmp(start, words[i].word, len))
			continue;
		node->kind = words[i].kind;
		if (node->kind == ADIT_CONF_BOOL)
			node->u.boolean = words[i].value;
		return;
	}
	conf_fault(rd, start, "is no value of JSON (text stands in double quotes; true, false and null are written small)");
}

static void read_value(struct conf_reader *rd, struct adit_conf_node *node)
{
	char c = rd->p < rd->end ? *rd->p : '\0';

	node->pos = conf_pos(rd, rd->p);
	if (!node->key)
		node->key_pos = node->pos;
	if (c == '{' || c == '[') {
		read_container(rd, node);
	} else if (c == '"') {
		read_string(rd, node);
	} else if (c == '-' || c == '+' || c == '.' || (c >= '0' && c <= '9')) {
		json_number(rd, node);
	} else if (json_in_word(c)) {
		read_word(rd, node);
	} else {
		unexpected(rd, "a value");
		skip_item(rd);
	}
}

int adit_conf_read_json(struct adit_conf **ret, struct adit_conf_errors *errors, const char *name,
			const char *text, size_t len, const struct adit_conf_limits *limits)
{
	char what[CONF_WHAT_LEN];
	struct conf_reader rd;
	int r = conf_begin(&rd, errors, name, text, len, limits);

	if (r)
		return r;
	if (!rd.over) {
		skip_space(&rd);
		read_value(&rd, rd.doc->root);
		rd.at = rd.doc->root;
		if (!rd.over)
			skip_space(&rd);
		if (!rd.over && rd.p < rd.end)
			conf_fault(&rd, rd.p, "expected the end of the file after its value, found %s",
				   conf_what(&rd, rd.p, what));
	}
	return conf_end(&rd, ret);
}
