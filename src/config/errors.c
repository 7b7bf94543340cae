/* SPDX-License-Identifier: ISC */
/* errors.c - the list of what is wrong in configuration files */
#include "config/errors.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"

#define TEXT_MAX 512
#define LINE_MAX 1200

/* What is kept of any file: the newest may be the most interesting, but a thousand lines are read by nobody. */
static bool has_room(struct adit_conf_errors *errors, bool warning)
{
	return (warning ? ++errors->warn_cnt : ++errors->cnt) <= ADIT_CONF_ERRORS_MAX;
}

static struct adit_conf_error *grow(struct adit_conf_errors *errors)
{
	struct adit_conf_error *item;
	size_t cap = errors->item_cap ? errors->item_cap * 2 : 8;

	if (errors->item_cnt == errors->item_cap) {
		item = realloc(errors->item, cap * sizeof(*item));
		if (!item)
			return NULL;
		errors->item = item;
		errors->item_cap = cap;
	}
	item = &errors->item[errors->item_cnt];
	memset(item, 0, sizeof(*item));
	return item;
}

static char *copy(const char *s)
{
	size_t size = strlen(s) + 1;
	char *p = malloc(size);

	return p ? memcpy(p, s, size) : NULL;
}

static unsigned file_nr(const struct adit_conf_errors *errors, const char *file)
{
	unsigned next = 0;

	for (size_t i = 0; i < errors->item_cnt; i++) {
		if (!strcmp(errors->item[i].file, file))
			return errors->item[i].file_nr;
		if (errors->item[i].file_nr >= next)
			next = errors->item[i].file_nr + 1;
	}
	return next;
}

static void free_texts(struct adit_conf_error *e)
{
	free(e->file);
	free(e->key);
	free(e->text);
}

static void add(struct adit_conf_errors *errors, bool warning, const char *file, struct adit_conf_pos pos,
		const char *key, const char *fmt, va_list ap)
{
	struct adit_conf_error *e;
	char text[TEXT_MAX];

	if (!has_room(errors, warning))
		return;
	vsnprintf(text, sizeof(text), fmt, ap);
	e = grow(errors);
	if (!e) {
		errors->no_memory = true;
		return;
	}
	e->pos = pos;
	e->warning = warning;
	e->file = copy(file);
	e->key = copy(key ? key : "");
	e->text = copy(text);
	if (!e->file || !e->key || !e->text) {
		free_texts(e);
		errors->no_memory = true;
		return;
	}
	e->file_nr = file_nr(errors, file);
	e->nr = (unsigned)errors->item_cnt++;
}

void adit_conf_error_at(struct adit_conf_errors *errors, const char *file, struct adit_conf_pos pos,
			const char *key, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(errors, false, file, pos, key, fmt, ap);
	va_end(ap);
}

void adit_conf_error(struct adit_conf_errors *errors, const struct adit_conf_node *node, const char *fmt, ...)
{
	char path[ADIT_CONF_PATH_LEN];
	va_list ap;

	va_start(ap, fmt);
	add(errors, false, node->doc->name, node->pos, adit_conf_path(node, path), fmt, ap);
	va_end(ap);
}

void adit_conf_key_error(struct adit_conf_errors *errors, const struct adit_conf_node *node, const char *fmt, ...)
{
	char path[ADIT_CONF_PATH_LEN];
	va_list ap;

	va_start(ap, fmt);
	add(errors, false, node->doc->name, node->key_pos, adit_conf_path(node, path), fmt, ap);
	va_end(ap);
}

void adit_conf_warning(struct adit_conf_errors *errors, const struct adit_conf_node *node, const char *fmt, ...)
{
	char path[ADIT_CONF_PATH_LEN];
	va_list ap;

	va_start(ap, fmt);
	add(errors, true, node->doc->name, node->pos, adit_conf_path(node, path), fmt, ap);
	va_end(ap);
}

void adit_conf_errors_fini(struct adit_conf_errors *errors)
{
	for (size_t i = 0; i < errors->item_cnt; i++)
		free_texts(&errors->item[i]);
	free(errors->item);
	memset(errors, 0, sizeof(*errors));
}

/* --- order and output -------------------------------------------------------- */

static int compare(unsigned a, unsigned b)
{
	return (a > b) - (a < b);
}

static int by_place(const void *va, const void *vb)
{
	const struct adit_conf_error *a = va, *b = vb;
	int r = compare(a->file_nr, b->file_nr);

	if (!r)
		r = compare(a->pos.line, b->pos.line);
	if (!r)
		r = compare(a->pos.col, b->pos.col);
	return r ? r : compare(a->nr, b->nr);
}

void adit_conf_errors_sort(struct adit_conf_errors *errors)
{
	if (errors->item_cnt)
		qsort(errors->item, errors->item_cnt, sizeof(*errors->item), by_place);
}

/* A message is one line, whatever a file's name holds. */
static void tame(char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = '?';
}

static void format(const struct adit_conf_error *e, char line[LINE_MAX])
{
	char place[32] = "";

	if (e->pos.line)
		snprintf(place, sizeof(place), ":%u:%u", e->pos.line, e->pos.col);
	snprintf(line, LINE_MAX, "%.200s%s: %s%.250s%s%s", e->file, place, e->warning ? "warning: " : "", e->key,
		 *e->key ? ": " : "", e->text);
	tame(line);
}

void adit_conf_errors_report(struct adit_conf_errors *errors, void (*report)(void *user, const char *msg),
			     void *user)
{
	char line[LINE_MAX];

	adit_conf_errors_sort(errors);
	for (size_t i = 0; i < errors->item_cnt; i++) {
		format(&errors->item[i], line);
		report(user, line);
	}
	if (errors->cnt > ADIT_CONF_ERRORS_MAX && errors->item_cnt) {
		snprintf(line, sizeof(line), "%.200s: %zu more errors", errors->item[errors->item_cnt - 1].file,
			 errors->cnt - ADIT_CONF_ERRORS_MAX);
		tame(line);
		report(user, line);
	}
}
