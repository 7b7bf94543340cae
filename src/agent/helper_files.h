/* SPDX-License-Identifier: ISC */
/*
 * helper_files.h - which files the helper opens for others: the configuration, its
 * drop-ins, and what one of those names
 */
#ifndef ADIT_AGENT_HELPER_FILES_H
#define ADIT_AGENT_HELPER_FILES_H

#include <stdbool.h>
#include <stddef.h>

/* A set of strings. */
struct helper_names;

/* False: not in it, or the set is NULL. */
bool helper_names_has(const struct helper_names *set, const char *name);
/* 0, -ENOMEM, or -E2BIG after 4096. *set is made when it is NULL. */
int helper_names_add(struct helper_names **set, const char *name);
void helper_names_remove(struct helper_names *set, const char *name);
/* From 0; NULL: no more. */
const char *helper_names_at(const struct helper_names *set, size_t i);
void helper_names_free(struct helper_names *set);

/* Does the text of a file name this path, as a word: whole, or below the file's own folder? */
bool helper_text_names(const char *text, size_t len, const char *file, const char *path);
/* Is the path in one of the files? They are read again each time. */
bool helper_files_name(const struct helper_names *files, const char *path);

#endif
