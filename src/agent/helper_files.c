/* SPDX-License-Identifier: ISC */
/* helper_files.c - which files the helper opens for others */
#include "agent/helper_files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/filename.h"
#include "host/textfile.h"

#define NAMES_MAX 4096
#define TEXT_MAX  (16u << 20)

struct helper_names {
	char **item;
	size_t cnt, cap;
};

static size_t find(const struct helper_names *set, const char *name)
{
	size_t i;

	for (i = 0; i < set->cnt; i++)
		if (!strcmp(set->item[i], name))
			break;
	return i;
}

bool helper_names_has(const struct helper_names *set, const char *name)
{
	return set && find(set, name) < set->cnt;
}

int helper_names_add(struct helper_names **at, const char *name)
{
	struct helper_names *set = *at;
	char *copy;

	if (!set)
		set = *at = calloc(1, sizeof(*set));
	if (!set)
		return -ENOMEM;
	if (helper_names_has(set, name))
		return 0;
	if (set->cnt == NAMES_MAX)
		return -E2BIG;
	if (set->cnt == set->cap) {
		size_t cap = set->cap ? set->cap * 2 : 16;
		char **item = realloc(set->item, cap * sizeof(*item));

		if (!item)
			return -ENOMEM;
		set->item = item;
		set->cap = cap;
	}
	copy = strdup(name);
	if (!copy)
		return -ENOMEM;
	set->item[set->cnt++] = copy;
	return 0;
}

void helper_names_remove(struct helper_names *set, const char *name)
{
	size_t i = set ? find(set, name) : 0;

	if (!set || i == set->cnt)
		return;
	free(set->item[i]);
	set->item[i] = set->item[--set->cnt];
}

const char *helper_names_at(const struct helper_names *set, size_t i)
{
	return set && i < set->cnt ? set->item[i] : NULL;
}

void helper_names_free(struct helper_names *set)
{
	if (!set)
		return;
	while (set->cnt)
		free(set->item[--set->cnt]);
	free(set->item);
	free(set);
}

/* --- what is named ---------------------------------------------------------------- */

static bool is_edge(char c)
{
	return strchr("\"' \t\r\n=,[]{}#;:", c) != NULL; /* the NUL too */
}

static bool has_word(const char *text, size_t len, const char *word)
{
	size_t n = strlen(word);
	const char *at = text, *end = text + len;

	while (n && (at = memmem(at, (size_t)(end - at), word, n))) {
		if ((at == text || is_edge(at[-1])) && (at + n == end || is_edge(at[n])))
			return true;
		at++;
	}
	return false;
}

bool helper_text_names(const char *text, size_t len, const char *file, const char *path)
{
	size_t folder = (size_t)(adit_filename_last(file) - file);

	if (has_word(text, len, path))
		return true;
	return folder && !strncmp(path, file, folder) && has_word(text, len, path + folder);
}

bool helper_files_name(const struct helper_names *files, const char *path)
{
	const char *file;
	bool found = false;

	for (size_t i = 0; !found && (file = helper_names_at(files, i)); i++) {
		struct adit_textfile text;

		if (!adit_textfile_read(&text, file, TEXT_MAX, true))
			found = helper_text_names(text.p, text.len, file, path);
		adit_textfile_free(&text);
	}
	return found;
}
