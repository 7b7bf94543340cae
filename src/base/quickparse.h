/* SPDX-License-Identifier: ISC */
/* quickparse.h - what the parts of the wg-quick reader share (quickconf.c, quickvalue.c, quicktext.c) */
#ifndef ADIT_BASE_QUICKPARSE_H
#define ADIT_BASE_QUICKPARSE_H

#include "base/quickconf.h"

/* --- text (quicktext.c) ---------------------------------------------------- */

/* A piece of the caller's text. */
struct slice {
	const char *p;
	size_t len;
};

#define QUOTE_MAX 40
#define QUOTE_LEN (QUOTE_MAX + 4)

bool quick_is_space(char c);
bool quick_has_space(struct slice s);
struct slice quick_trim(struct slice s);
/* Equal without regard to case? */
bool quick_is_word(struct slice s, const char *word);
/* Cuts the next item of a comma list; false at the end. An empty list has one empty item. */
bool quick_next_item(struct slice *list, struct slice *item);
/* Copies into a small buffer; false when it does not fit or holds a NUL. */
bool quick_copy(struct slice s, char *buf, size_t size);
bool quick_number(struct slice s, int base, uint32_t max, uint32_t *ret);
/* 32 bytes of base64: 43 digits and one '='. */
bool quick_key(uint8_t ret[ADIT_QUICK_KEY_LEN], struct slice s);
/* For messages: printable, short, and never a key that stands where it should not. */
const char *quick_quote(struct slice s, char buf[QUOTE_LEN]);
/* The first word, if it can be the name of a setting; what follows may be a key. */
const char *quick_quote_word(struct slice s, char buf[QUOTE_LEN]);
/* Levenshtein distance without regard to case; b has at most 31 characters. */
unsigned quick_distance(struct slice a, const char *b);
/* Not removed by the optimiser, unlike a memset before free. */
void quick_wipe(void *p, size_t len);

/* --- the reader (quickconf.c) ---------------------------------------------- */

enum section { NONE, INTERFACE, PEER };

struct quick_key;

struct parser {
	struct adit_quickconf *conf;
	const char *name;
	void (*report)(void *user, const char *msg);
	void *user;
	const char *line_start; /* columns count from here */
	unsigned line;
	enum section section;
	bool interface_seen;
	uint64_t seen;               /* bit per row of the key table, of the section being read */
	const struct quick_key *key; /* the setting being read, or NULL */
	struct adit_quick_pos key_pos;
	unsigned error_cnt;
	bool no_memory;
};

struct adit_quick_pos quick_pos(const struct parser *ps, const char *at);
void quick_error_at(struct parser *ps, struct adit_quick_pos pos, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
#define quick_error(ps, s, ...) quick_error_at(ps, quick_pos(ps, (s).p), __VA_ARGS__)

/* A copy on the heap; NULL, and ps->no_memory, when there is none. */
char *quick_dup(struct parser *ps, struct slice s);
/* Makes room for one more item; NULL, and ps->no_memory, when there is none. */
void *quick_grow(struct parser *ps, void *items, size_t cnt, size_t *cap, size_t size);

/* --- settings (quickvalue.c) ------------------------------------------------ */

struct quick_key {
	const char *name;
	enum section section;
	bool repeats, may_be_empty;
	void (*read)(struct parser *ps, struct slice v);
	enum adit_quick_extra_kind extra; /* of those that are only kept */
};

extern const struct quick_key quick_keys[];
extern const size_t quick_key_cnt;

#endif
