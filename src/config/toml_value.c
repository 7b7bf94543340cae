/* SPDX-License-Identifier: ISC */
/*
 * toml_value.c - values of TOML that hold others: arrays and inline tables
 *
 * DOC: After a fault inside of an array, reading goes on with the next item.
 * An array that was never closed would swallow the rest of the file: a line that
 * can only be a header or KEY = VALUE ends it. A table in braces is read over
 * line ends, though these are reported, as they are a common mistake.
 */
#include <string.h>

#include "config/toml.h"

static void read_value(struct toml *tm, struct adit_conf_node *node);

static void unexpected(struct conf_reader *rd, const char *wanted)
{
	char what[CONF_WHAT_LEN];

	conf_fault(rd, rd->p, "expected %s, found %s", wanted, conf_what(rd, rd->p, what));
}

/* --- does a new statement begin here? ------------------------------------------------- */

static const char *skip_blank(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	return p;
}

/* A dotted key, roughly; NULL: none. */
static const char *skip_key(const char *p, const char *end)
{
	for (;;) {
		const char *start = p;

		if (p < end && (*p == '"' || *p == '\'')) {
			for (p++; p < end && *p != *start; p++)
				if (*p == '\n')
					return NULL;
			if (p < end)
				p++;
		} else {
			while (p < end && toml_is_bare(*p))
				p++;
		}
		if (p == start)
			return NULL;
		p = skip_blank(p, end);
		if (p >= end || *p != '.')
			return p;
		p = skip_blank(p + 1, end);
	}
}

/* "[name" with a word that is no value of an array */
static bool is_header(const char *p, const char *end)
{
	static const char *const values[] = { "true", "false", "inf", "nan" };
	const char *after;
	size_t len;

	while (p < end && *p == '[')
		p++;
	if (p >= end || !((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || *p == '_'))
		return false;
	after = skip_key(p, end);
	if (!after || after >= end || *after != ']')
		return false;
	len = (size_t)(after - p);
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		if (!strncmp(p, values[i], strlen(values[i])) && len >= strlen(values[i]) &&
		    !toml_is_bare(p[strlen(values[i])]))
			return false;
	return true;
}

bool toml_is_statement(const struct conf_reader *rd)
{
	const char *after;

	if (conf_is(rd, '['))
		return is_header(rd->p, rd->end);
	after = skip_key(rd->p, rd->end);
	return after && after < rd->end && *after == '=';
}

/* --- arrays -------------------------------------------------------------------------- */

/* Blanks, comments and line ends; false: the array ends here unclosed, which is reported. */
static bool skip_between(struct toml *tm, const struct adit_conf_node *array)
{
	struct conf_reader *rd = &tm->rd;
	bool fresh = false;

	for (;;) {
		toml_skip_blank(rd);
		toml_comment(rd);
		if (!toml_newline(rd))
			break;
		fresh = true;
	}
	if (rd->p < rd->end && !(fresh && toml_is_statement(rd)))
		return true;
	rd->at = array;
	conf_fault_at(rd, array->pos, "is not closed (']' is missing)");
	rd->doc->torn = true;
	tm->resumed = true;
	return false;
}

/* To the end of the item in which something was wrong. */
static void skip_item(struct conf_reader *rd)
{
	while (rd->p < rd->end && *rd->p != ',' && *rd->p != ']' && *rd->p != '\n')
		rd->p++;
}

static void read_item(struct toml *tm, struct adit_conf_node *array)
{
	struct conf_reader *rd = &tm->rd;
	struct adit_conf_node *node = conf_node_new(rd, array, NULL, conf_pos(rd, rd->p), true);

	if (!node)
		return;
	rd->at = node;
	read_value(tm, node);
}

static void read_array(struct toml *tm, struct adit_conf_node *array)
{
	struct conf_reader *rd = &tm->rd;
	unsigned line;

	if (!conf_node_open(rd, array, ADIT_CONF_ARRAY))
		return;
	array->state = TOML_VALUE;
	rd->p++;
	while (skip_between(tm, array)) {
		if (conf_is(rd, ']')) {
			rd->p++;
			return;
		}
		read_item(tm, array);
		line = rd->line;
		if (rd->over || rd->no_memory || tm->resumed || !skip_between(tm, array))
			return;
		rd->at = array;
		if (!conf_is(rd, ',') && !conf_is(rd, ']')) {
			if (rd->line > line && (rd->fault_line == line || rd->word_line == line))
				continue; /* the comma was lost with what was wrong before it */
			unexpected(rd, "',' or ']'");
			skip_item(rd);
		}
		if (conf_is(rd, ','))
			rd->p++;
	}
}

/* --- inline tables --------------------------------------------------------------------- */

/* Behind the brace that closes it, in the same line. */
static void skip_braces(struct conf_reader *rd)
{
	unsigned depth = 1;

	for (; rd->p < rd->end && *rd->p != '\n' && depth; rd->p++) {
		if (*rd->p == '{')
			depth++;
		else if (*rd->p == '}')
			depth--;
	}
}

/*
 * A line's end in braces, where TOML 1.0 has none. It is reported, once a table,
 * and what follows is read as if it stood in the line. False when that cannot be.
 */
static bool skip_lines(struct toml *tm, bool after_value, bool *told)
{
	struct conf_reader *rd = &tm->rd;
	bool fresh = false;

	toml_skip_blank(rd);
	if (rd->p < rd->end && *rd->p != '#' && *rd->p != '\n' && !conf_starts(rd, "\r\n"))
		return true;
	if (!*told)
		conf_fault(rd, rd->p, "a table in braces ends in its line (a [header] begins one of many lines)");
	*told = true;
	do {
		toml_comment(rd);
		fresh = toml_newline(rd) || fresh;
		toml_skip_blank(rd);
	} while (rd->p < rd->end && (*rd->p == '#' || *rd->p == '\n' || conf_starts(rd, "\r\n")));
	if (rd->p < rd->end && *rd->p != '[' && (!after_value || *rd->p == ',' || *rd->p == '}'))
		return true;
	tm->resumed = fresh;
	return false;
}

/* Between the pairs: true when another one follows. */
static bool next_pair(struct toml *tm, bool *told)
{
	struct conf_reader *rd = &tm->rd;

	if (!skip_lines(tm, true, told) || conf_is(rd, '}'))
		return false;
	if (!conf_is(rd, ',')) {
		unexpected(rd, "',' or '}'");
		return false;
	}
	rd->p++;
	if (!skip_lines(tm, false, told))
		return false;
	if (conf_is(rd, '}'))
		conf_fault(rd, rd->p, "expected another key after ',' (only a list may end with a comma)");
	return !conf_is(rd, '}');
}

static void read_inline_table(struct toml *tm, struct adit_conf_node *table)
{
	struct conf_reader *rd = &tm->rd;
	bool told = false, ok;

	if (!conf_node_open(rd, table, ADIT_CONF_TABLE))
		return;
	rd->p++;
	ok = skip_lines(tm, false, &told);
	if (ok && !conf_is(rd, '}')) {
		do {
			ok = toml_read_pair(tm, table);
			if (rd->over || rd->no_memory || tm->resumed)
				return;
			rd->at = table;
		} while (ok && next_pair(tm, &told));
	}
	table->state = TOML_VALUE;
	if (ok && conf_is(rd, '}')) {
		rd->p++;
		return;
	}
	rd->doc->torn = true;
	if (!tm->resumed)
		skip_braces(rd);
}

/* --- values ------------------------------------------------------------------------------ */

static void read_value(struct toml *tm, struct adit_conf_node *node)
{
	struct conf_reader *rd = &tm->rd;
	struct conf_buf b = { 0 };
	char what[CONF_WHAT_LEN];

	node->pos = conf_pos(rd, rd->p);
	if (!node->key)
		node->key_pos = node->pos;
	if (conf_is(rd, '[')) {
		read_array(tm, node);
	} else if (conf_is(rd, '{')) {
		read_inline_table(tm, node);
	} else if (conf_is(rd, '"') || conf_is(rd, '\'')) {
		if (toml_string(rd, &b, true))
			conf_node_set_string(rd, node, &b);
		conf_buf_fini(&b);
	} else if (!toml_scalar(rd, node)) {
		conf_word_fault(rd, rd->p, "expected a value, found %s", conf_what(rd, rd->p, what));
	}
}

bool toml_read_pair(struct toml *tm, struct adit_conf_node *table)
{
	struct conf_reader *rd = &tm->rd;
	struct adit_conf_node *node;

	rd->at = table;
	if (!toml_read_key(tm)) {
		rd->doc->torn = true;
		return false;
	}
	if (!conf_is(rd, '=')) {
		unexpected(rd, "'=' after the key");
		rd->doc->torn = true;
		return false;
	}
	rd->p++;
	node = toml_place(tm, table);
	if (!node)
		return false;
	rd->at = node;
	toml_skip_blank(rd);
	read_value(tm, node);
	return true;
}
