/* SPDX-License-Identifier: ISC */
/* toml.h - what the parts of the TOML reader share */
#ifndef ADIT_CONFIG_TOML_H
#define ADIT_CONFIG_TOML_H

#include "config/reader.h"

/* What a table or an array came from, which decides what may be added to it (adit_conf_node.state). */
enum toml_state {
	TOML_VALUE,    /* an inline table or an array in brackets: nothing */
	TOML_HEADER,   /* [a]: keys below it, [a.b] */
	TOML_IMPLICIT, /* a of [a.b]: the same, and [a] or a.c = 1 once */
	TOML_DOTTED,   /* a of a.b = 1: more dotted keys, [a.c] */
	TOML_LIST,     /* [[a]]: another [[a]] */
};

struct toml_part {
	struct conf_buf key;
	struct adit_conf_pos pos;
};

/* The parts of a key as written: a."b c".d */
struct toml_key {
	struct toml_part part[ADIT_CONF_DEPTH_MAX + 1];
	size_t cnt;
};

struct toml {
	struct conf_reader rd;         /* first: the parts below pass it on */
	struct toml_key key;           /* between its reading and its look-up */
	struct adit_conf_node *table;  /* of the last header */
	bool resumed;                  /* an array was not closed: the cursor stands at the next statement */
};

/* --- text (toml_string.c) ----------------------------------------------------- */

void toml_skip_blank(struct conf_reader *rd);
/* To the line's end, which is left. */
void toml_skip_line(struct conf_reader *rd);
/* A comment up to the line's end, where there is one. False after a fault. */
bool toml_comment(struct conf_reader *rd);
/* Is this the end of a line? Goes behind it. */
bool toml_newline(struct conf_reader *rd);
/* Reads the string at the cursor; false after a fault, behind the string or at a line's end. */
bool toml_string(struct conf_reader *rd, struct conf_buf *ret, bool may_have_lines);

/* --- keys and tables (toml_key.c, toml_table.c) --------------------------------- */

bool toml_is_bare(char c);
/* Reads a dotted key into tm->key. False after a fault. */
bool toml_read_key(struct toml *tm);
void toml_key_fini(struct toml_key *key);
/* The node of a new value under the key that was read; one in limbo after an error. NULL: end of reading. */
struct adit_conf_node *toml_place(struct toml *tm, struct adit_conf_node *table);
/* The table of a header with the key that was read; pos is that of its '['. */
struct adit_conf_node *toml_enter(struct toml *tm, struct adit_conf_pos pos, bool list);
/* A table for what belongs nowhere. */
struct adit_conf_node *toml_limbo(struct toml *tm, struct adit_conf_node *parent, struct conf_buf *key,
				  struct adit_conf_pos pos);

/* --- values (toml_value.c, toml_scalar.c, toml_time.c) -------------------------- */

/* Can the line at the cursor only be a header, or KEY = VALUE? */
bool toml_is_statement(const struct conf_reader *rd);
/* key, '=' and a value, into the table. False after a fault of syntax. */
bool toml_read_pair(struct toml *tm, struct adit_conf_node *table);
/* Number, date, true or false: all characters that may belong to it are taken. */
bool toml_scalar(struct conf_reader *rd, struct adit_conf_node *node);
/* Does it begin as a date or a time? */
bool toml_is_time(const char *p, const char *end);
/* NULL, or what is wrong. */
const char *toml_time(const char *p, const char *end, struct adit_conf_time *ret);

#endif
