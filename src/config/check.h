/* SPDX-License-Identifier: ISC */
/*
 * check.h - pieces of a schema check over the tree of config.h. Each reports what
 * it finds and lets the caller go on, so that all errors come at once.
 */
#ifndef ADIT_CONFIG_CHECK_H
#define ADIT_CONFIG_CHECK_H

#include "config/config.h"

/*
 * The value of a key: 1 and *ret set; 0 when the table has no such key; -EINVAL
 * after an error was reported (wrong type or range, or its text was wrong
 * already). *ret is untouched but for 1. A text is a string without a NUL inside.
 */
int adit_conf_get_text(struct adit_conf_errors *errors, const struct adit_conf_node *table, const char *key,
		       const char **ret);
int adit_conf_get_integer(struct adit_conf_errors *errors, const struct adit_conf_node *table, const char *key,
			  int64_t min, int64_t max, int64_t *ret);
int adit_conf_get_bool(struct adit_conf_errors *errors, const struct adit_conf_node *table, const char *key,
		       bool *ret);
/* Integers are numbers too; neither an infinity nor a NaN is one. */
int adit_conf_get_number(struct adit_conf_errors *errors, const struct adit_conf_node *table, const char *key,
			 double min, double max, double *ret);
/* Index of the string in a list of words that ends with NULL; else an error that names them. */
int adit_conf_get_word(struct adit_conf_errors *errors, const struct adit_conf_node *table, const char *key,
		       const char *const *words, size_t *ret);
int adit_conf_get_table(struct adit_conf_errors *errors, const struct adit_conf_node *table, const char *key,
			const struct adit_conf_node **ret);
int adit_conf_get_array(struct adit_conf_errors *errors, const struct adit_conf_node *table, const char *key,
			const struct adit_conf_node **ret);

/* The same of a node at hand, such as an item of an array or of a table whose keys are names. */
int adit_conf_as_text(struct adit_conf_errors *errors, const struct adit_conf_node *node, const char **ret);
int adit_conf_as_integer(struct adit_conf_errors *errors, const struct adit_conf_node *node, int64_t min,
			 int64_t max, int64_t *ret);
/* Is it of the kind? Reports it when not. */
bool adit_conf_is(struct adit_conf_errors *errors, const struct adit_conf_node *node, enum adit_conf_kind kind);

/* Has the table the key? Reports it at the table's place when not; hint may be NULL. */
bool adit_conf_need(struct adit_conf_errors *errors, const struct adit_conf_node *table, const char *key,
		    const char *hint);
/* Reports every key that is not in the list, which ends with NULL, with the one that was probably meant. */
void adit_conf_only(struct adit_conf_errors *errors, const struct adit_conf_node *table,
		    const char *const *keys);
/* The word of the list nearest to what was written; NULL when none is near. */
const char *adit_conf_nearest(const char *word, size_t len, const char *const *words);

#endif
