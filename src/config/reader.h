/* SPDX-License-Identifier: ISC */
/* reader.h - what the TOML and the JSON reader share: a cursor that knows its place, nodes, faults */
#ifndef ADIT_CONFIG_READER_H
#define ADIT_CONFIG_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"

struct conf_reader {
	struct adit_conf *doc;
	struct adit_conf_errors *errors;
	size_t error_cnt; /* of this text */
	size_t depth_max, nodes_max, node_cnt;
	const char *p, *end;    /* what is still to be read */
	const char *line_start; /* columns count from here, */
	const char *mark;       /* or from here on, so that a long line is counted once */
	unsigned line, mark_col;
	unsigned fault_line;             /* with a fault of syntax: more of them in that line are its consequences */
	unsigned word_line;              /* with a wrong word: the same, but another wrong word is its own fault */
	const struct adit_conf_node *at; /* what is being read, for messages */
	struct adit_conf_node *limbo;    /* read, but not part of the tree: it stood twice, or in a wrong place */
	bool no_memory;
	bool over;  /* a limit was passed: nothing more is read */
	bool prose; /* a string was never closed: what follows may belong to it */
};

/* Bytes that are gathered; wiped when freed or moved. */
struct conf_buf {
	char *p;
	size_t len, cap;
};

/* --- the whole (reader.c) --------------------------------------------------- */

int conf_begin(struct conf_reader *rd, struct adit_conf_errors *errors, const char *name, const char *text,
	       size_t len, const struct adit_conf_limits *limits);
/* Frees what is in limbo and gives the result of reading. */
int conf_end(struct conf_reader *rd, struct adit_conf **ret);

/* --- cursor and faults (reader.c) ------------------------------------------- */

/* The place of a byte in the line being read. */
struct adit_conf_pos conf_pos(struct conf_reader *rd, const char *at);
/* The byte after the line's end was reached. */
void conf_next_line(struct conf_reader *rd);
/* Goes back to the beginning of a line that was read already. */
void conf_back_to(struct conf_reader *rd, const char *line_start, unsigned line);
void conf_error_at(struct conf_reader *rd, struct adit_conf_pos pos, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* A fault of syntax: one a line is enough. */
void conf_fault_at(struct conf_reader *rd, struct adit_conf_pos pos, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* A value that is none, but whose end is known. */
void conf_word_fault_at(struct conf_reader *rd, struct adit_conf_pos pos, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
#define conf_error(rd, where, ...) conf_error_at(rd, conf_pos(rd, where), __VA_ARGS__)
#define conf_fault(rd, where, ...) conf_fault_at(rd, conf_pos(rd, where), __VA_ARGS__)
#define conf_word_fault(rd, where, ...) conf_word_fault_at(rd, conf_pos(rd, where), __VA_ARGS__)
static inline bool conf_is(const struct conf_reader *rd, char c)
{
	return rd->p < rd->end && *rd->p == c;
}
bool conf_starts(const struct conf_reader *rd, const char *word);
/* Length of the valid UTF-8 sequence at p; 0: none. */
size_t conf_utf8_len(const char *p, const char *end);
/* "'x'", "the end of the line", "a control character": what stands at p. */
#define CONF_WHAT_LEN 40
const char *conf_what(const struct conf_reader *rd, const char *p, char buf[CONF_WHAT_LEN]);

/* --- pieces of text (reader.c) ----------------------------------------------- */

void conf_buf_add(struct conf_reader *rd, struct conf_buf *b, const char *p, size_t len);
/* A Unicode scalar value. */
void conf_buf_char(struct conf_reader *rd, struct conf_buf *b, uint32_t c);
void conf_buf_fini(struct conf_buf *b);
/* Exactly so many hexadecimal digits, from p on. */
bool conf_hex(const char *p, const char *end, unsigned digits, uint32_t *ret);

/* --- nodes (tree.c) ----------------------------------------------------------- */

/*
 * A node without a value (ADIT_CONF_BROKEN). With linked false it is no child of
 * its parent, only named after it, and freed at the end of reading. The key, when
 * there is one, is moved out of the buffer. NULL: no memory, or the limit passed.
 */
struct adit_conf_node *conf_node_new(struct conf_reader *rd, struct adit_conf_node *parent, struct conf_buf *key,
				     struct adit_conf_pos key_pos, bool linked);
/* Makes a table or an array of a node; false: nested too deep. */
bool conf_node_open(struct conf_reader *rd, struct adit_conf_node *node, enum adit_conf_kind kind);
void conf_node_set_string(struct conf_reader *rd, struct adit_conf_node *node, struct conf_buf *b);
struct adit_conf_node *conf_node_find(const struct adit_conf_node *table, const struct conf_buf *key);
/* Makes it the parent's last child. */
void conf_node_link(struct adit_conf_node *parent, struct adit_conf_node *node);
void conf_node_free(struct adit_conf_node *node);

/* --- numbers (number.c) ------------------------------------------------------- */

/* Digits of a base, '_' skipped; false: does not fit. */
bool conf_integer(const char *p, size_t len, unsigned base, bool negative, int64_t *ret);
/* A decimal number of well-formed text, '_' skipped, rounded to the nearest; false: no memory. */
bool conf_double(const char *p, size_t len, double *ret);

#endif
