/* SPDX-License-Identifier: ISC */
/* quickparse.h - what the parts of the wg-quick reader share (quickconf.c, quickvalue.c) */
#ifndef ADIT_BASE_QUICKPARSE_H
#define ADIT_BASE_QUICKPARSE_H

#include "base/quickconf.h"
#include "base/quicktext.h"

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
