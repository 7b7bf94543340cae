/* SPDX-License-Identifier: ISC */
/*
 * toml.c - reader of TOML 1.0
 *
 * DOC: The text is read line by line: a header chooses the table (toml_table.c)
 * into which the pairs below it go (toml_value.c). A line in which something is
 * wrong is left at its end, and the next one is read as if nothing had been,
 * so that a person sees every mistake of a file at once.
 */
#include "config/toml.h"

#include <string.h>

static void expect_line_end(struct toml *tm, const char *behind)
{
	struct conf_reader *rd = &tm->rd;
	char what[CONF_WHAT_LEN];

	toml_skip_blank(rd);
	toml_comment(rd);
	if (rd->p >= rd->end || toml_newline(rd))
		return;
	conf_fault(rd, rd->p, "expected the end of the line after the %s, found %s", behind,
		   conf_what(rd, rd->p, what));
	toml_skip_line(rd);
}

/* Pairs below a header that could not be read belong nowhere. */
static void enter_nowhere(struct toml *tm, struct adit_conf_pos pos)
{
	tm->rd.doc->torn = true;
	tm->table = toml_limbo(tm, tm->rd.doc->root, NULL, pos);
	toml_skip_line(&tm->rd);
}

static void read_header(struct toml *tm)
{
	struct conf_reader *rd = &tm->rd;
	struct adit_conf_pos pos = conf_pos(rd, rd->p);
	bool list = conf_starts(rd, "[[");
	char what[CONF_WHAT_LEN];

	rd->at = rd->doc->root;
	rd->p += list ? 2 : 1;
	toml_skip_blank(rd);
	if (!toml_read_key(tm)) {
		enter_nowhere(tm, pos);
		return;
	}
	if (!conf_starts(rd, list ? "]]" : "]")) {
		conf_fault(rd, rd->p, "expected '%s' after the name, found %s", list ? "]]" : "]",
			   conf_what(rd, rd->p, what));
		enter_nowhere(tm, pos);
		return;
	}
	rd->p += list ? 2 : 1;
	tm->table = toml_enter(tm, pos, list);
	rd->at = tm->table ? tm->table : rd->doc->root;
	expect_line_end(tm, "header");
}

static void read_pair(struct toml *tm)
{
	struct conf_reader *rd = &tm->rd;

	tm->resumed = false;
	if (!toml_read_pair(tm, tm->table))
		toml_skip_line(rd);
	else if (!tm->resumed && !rd->over && !rd->no_memory)
		expect_line_end(tm, "value");
}

static void read_lines(struct toml *tm)
{
	struct conf_reader *rd = &tm->rd;

	while (rd->p < rd->end && !rd->over && !rd->no_memory && tm->table) {
		toml_skip_blank(rd);
		if (rd->p >= rd->end || toml_newline(rd))
			continue;
		if (rd->prose && !toml_is_statement(rd)) {
			toml_skip_line(rd);
			continue;
		}
		rd->prose = false;
		rd->at = tm->table;
		if (*rd->p == '#')
			toml_comment(rd);
		else if (*rd->p == '[')
			read_header(tm);
		else
			read_pair(tm);
	}
}

int adit_conf_read_toml(struct adit_conf **ret, struct adit_conf_errors *errors, const char *name,
			const char *text, size_t len, const struct adit_conf_limits *limits)
{
	struct toml tm = { .key = { .cnt = 0 } };
	int r = conf_begin(&tm.rd, errors, name, text, len, limits);

	if (r)
		return r;
	tm.table = tm.rd.doc->root;
	conf_node_open(&tm.rd, tm.table, ADIT_CONF_TABLE);
	tm.table->state = TOML_HEADER;
	read_lines(&tm);
	toml_key_fini(&tm.key);
	return conf_end(&tm.rd, ret);
}
