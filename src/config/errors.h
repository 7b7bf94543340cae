/* SPDX-License-Identifier: ISC */
/*
 * errors.h - the list of what is wrong in configuration files. It may gather the
 * errors of many files and of other checks than ours.
 */
#ifndef ADIT_CONFIG_ERRORS_H
#define ADIT_CONFIG_ERRORS_H

#include <stdbool.h>
#include <stddef.h>

/* Where in the file, both from 1; the column counts Unicode characters. 0: nowhere in particular. */
struct adit_conf_pos {
	unsigned line, col;
};

struct adit_conf_error {
	struct adit_conf_pos pos;
	bool warning;
	char *file;
	char *key;  /* path of the key it is about, or "" */
	char *text; /* with a hint in parentheses at its end; never quotes a value */
	unsigned file_nr, nr; /* in which order they came */
};

/* Begin with all zero: struct adit_conf_errors errors = { 0 }. */
struct adit_conf_errors {
	struct adit_conf_error *item; /* as they came; see adit_conf_errors_sort */
	size_t item_cnt, item_cap;
	size_t cnt;      /* errors, also those past the limit of what is kept; without warnings */
	size_t warn_cnt; /* warnings, likewise */
	bool no_memory;  /* some could not be kept */
};

#define ADIT_CONF_ERRORS_MAX 100

struct adit_conf_node;

void adit_conf_errors_fini(struct adit_conf_errors *errors);
/* key may be NULL. */
void adit_conf_error_at(struct adit_conf_errors *errors, const char *file, struct adit_conf_pos pos,
			const char *key, const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* About the node: its file, its path, the place of its value. */
void adit_conf_error(struct adit_conf_errors *errors, const struct adit_conf_node *node, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The same at the place of its key. */
void adit_conf_key_error(struct adit_conf_errors *errors, const struct adit_conf_node *node, const char *fmt,
			 ...) __attribute__((format(printf, 3, 4)));
void adit_conf_warning(struct adit_conf_errors *errors, const struct adit_conf_node *node, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* By place inside each file; files stay in the order in which they came. */
void adit_conf_errors_sort(struct adit_conf_errors *errors);
/*
 * Sorts, then gives each as one line "FILE:LINE:COL: KEY: text (hint)", a warning
 * with "warning: " after the place; at last "FILE: N more errors" where not all were kept.
 */
void adit_conf_errors_report(struct adit_conf_errors *errors, void (*report)(void *user, const char *msg),
			     void *user);

#endif
