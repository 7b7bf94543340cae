/* SPDX-License-Identifier: ISC */
/*
 * config.h - TOML 1.0 and JSON text read into one tree with positions
 *
 * A reader reports every error it finds and still gives the tree of what it
 * could read, so that the caller checks that too and a person sees all mistakes
 * of a file at once; use the tree for nothing else when errors were found. Opens
 * no file. Strings may be secrets: the whole tree is wiped when freed.
 */
#ifndef ADIT_CONFIG_CONFIG_H
#define ADIT_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/errors.h"

enum adit_conf_kind {
	ADIT_CONF_BROKEN, /* its text was wrong, which was reported: never report it again */
	ADIT_CONF_TABLE,  /* of JSON: an object */
	ADIT_CONF_ARRAY,
	ADIT_CONF_STRING,
	ADIT_CONF_INTEGER,
	ADIT_CONF_FLOAT,
	ADIT_CONF_BOOL,
	ADIT_CONF_TIME, /* TOML only */
	ADIT_CONF_NULL, /* JSON only */
};

/* A date, a time of day, or both; with an offset from UTC only where there are both. */
struct adit_conf_time {
	bool has_date, has_time, has_offset;
	uint16_t year;
	uint8_t month, day, hour, minute, second; /* second 60 is a leap second */
	uint32_t nanosecond;
	int16_t offset_minutes; /* east of Greenwich */
};

struct adit_conf_node {
	enum adit_conf_kind kind;
	uint16_t depth; /* of the root: 1 */
	uint8_t state;  /* for the reader */
	uint8_t level;  /* in the balanced tree */
	size_t index;   /* place among its parent's children, from 0 */
	/* NULL in the items of an array and in the root. Ends with a NUL, and may hold others. */
	char *key;
	size_t key_len;
	struct adit_conf_pos key_pos; /* without a key, pos again */
	struct adit_conf_pos pos;     /* of the value; of "[a.b]": of the '[' */
	union {
		struct {
			char *p; /* UTF-8; ends with a NUL, and may hold others ("\u0000") */
			size_t len;
		} string;
		int64_t integer;
		double number;
		bool boolean;
		struct adit_conf_time time;
		struct { /* tables and arrays */
			struct adit_conf_node *first, *last;
			size_t cnt;
			struct adit_conf_node *by_key; /* root of a balanced tree */
		} list;
	} u;
	const struct adit_conf *doc;
	struct adit_conf_node *parent; /* NULL: the root */
	struct adit_conf_node *next;   /* the next child of the parent, in the order of the text */
	struct adit_conf_node *less, *more; /* in the balanced tree */
};

/* A document. */
struct adit_conf {
	struct adit_conf_node *root; /* TOML: a table. JSON: any kind */
	char *name;                  /* the file's, as it stands in messages */
	bool torn;                   /* parts could not be read at all: do not report keys as missing */
};

/* 0 in a field, or NULL for the whole: as below. Beyond a limit the text is refused. */
struct adit_conf_limits {
	size_t size;  /* bytes of text */
	size_t depth; /* of tables and arrays in each other, the root counted; never more than 64 */
	size_t nodes;
};

#define ADIT_CONF_SIZE_MAX  ((size_t)16 << 20)
#define ADIT_CONF_DEPTH_MAX 64
#define ADIT_CONF_NODES_MAX ((size_t)1 << 20)

/*
 * Return 0 with *ret set when all is right; -EINVAL after reported errors, with
 * *ret set to the tree of the rest; -ENOMEM with *ret untouched. Of JSON, when
 * nothing could be read, the root is ADIT_CONF_BROKEN.
 */
int adit_conf_read_toml(struct adit_conf **ret, struct adit_conf_errors *errors, const char *name,
			const char *text, size_t len, const struct adit_conf_limits *limits);
int adit_conf_read_json(struct adit_conf **ret, struct adit_conf_errors *errors, const char *name,
			const char *text, size_t len, const struct adit_conf_limits *limits);
/* JSON when the name ends in ".json", else TOML. */
int adit_conf_read(struct adit_conf **ret, struct adit_conf_errors *errors, const char *name,
		   const char *text, size_t len, const struct adit_conf_limits *limits);
/* Wipes all that was read. NULL is fine. */
void adit_conf_free(struct adit_conf *conf);

/* --- several documents as one (merge.c) -------------------------------------- */

/* Which value stays when both tables have the key. */
enum adit_conf_wins { ADIT_CONF_FIRST, ADIT_CONF_LATER };
/*
 * Moves all children of one table into another. Tables of one key are joined, and
 * so are lists of tables ("[[a]]"); of other values one wins. Every value keeps
 * its place, in the document it came from, which must live as long. `from` is
 * empty afterwards.
 */
void adit_conf_merge(struct adit_conf_node *to, struct adit_conf_node *from, enum adit_conf_wins wins);

/* --- a tree by hand (build.c), for other formats ------------------------------- */

/* A document whose root is an empty table; NULL: no memory. */
struct adit_conf *adit_conf_new(const char *name);
/*
 * A last child of a table, or of an array, where key is NULL; the caller knows that
 * the table has no such key. Empty, or zero; a string gets its text by
 * adit_conf_set_text. NULL: no memory.
 */
struct adit_conf_node *adit_conf_add(struct adit_conf_node *parent, const char *key, enum adit_conf_kind kind,
				     struct adit_conf_pos key_pos, struct adit_conf_pos pos);
/* 0 or -ENOMEM, and the node is broken then. */
int adit_conf_set_text(struct adit_conf_node *node, const char *p, size_t len);
/* The same as adit_conf_get, to be changed. */
struct adit_conf_node *adit_conf_find(struct adit_conf_node *table, const char *key);

/* --- walking -------------------------------------------------------------- */

/* The children of a table or an array in the order of the text; none of anything else, or of NULL. */
#define adit_conf_each(node, it) \
	for (const struct adit_conf_node *it = adit_conf_first(node); it; it = it->next)
const struct adit_conf_node *adit_conf_first(const struct adit_conf_node *node);
size_t adit_conf_count(const struct adit_conf_node *node);
/* The child with that key; NULL: none, or not a table. */
const struct adit_conf_node *adit_conf_get(const struct adit_conf_node *table, const char *key);
const struct adit_conf_node *adit_conf_get_len(const struct adit_conf_node *table, const char *key, size_t len);
/*
 * Where the node stands, as messages name it: network.lab.peers."10.0.0.2",
 * addresses[1]; for the root "". Cut at the front, behind "...", when it is too long.
 */
#define ADIT_CONF_PATH_LEN 200
const char *adit_conf_path(const struct adit_conf_node *node, char buf[ADIT_CONF_PATH_LEN]);
/* "a string", "a table"... */
const char *adit_conf_kind_name(enum adit_conf_kind kind);

#endif
