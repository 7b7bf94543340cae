/* SPDX-License-Identifier: ISC */
/*
 * config.h - what must hold of both configuration readers: an error and a good result exclude
 * each other, every place is in the text, every key is found again, and a tree written as JSON is
 * read as the same tree.
 */
#ifndef ADIT_TESTS_FUZZ_CONFIG_H
#define ADIT_TESTS_FUZZ_CONFIG_H

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "config/config.h"
#include "fuzz.h"

typedef int (*config_reader)(struct adit_conf **ret, struct adit_conf_errors *errors, const char *name,
			     const char *text, size_t len, const struct adit_conf_limits *limits);

struct config_text {
	const char *p;
	size_t len;
	unsigned lines;
};

/* --- places ------------------------------------------------------------------------ */

static void config_check_pos(const struct config_text *t, struct adit_conf_pos pos)
{
	const char *line = t->p, *end = t->p + t->len;
	size_t len;

	MUST(pos.line >= 1 && pos.line <= t->lines && pos.col >= 1);
	if (t->lines > 1000)
		return; /* too slow */
	for (unsigned i = 1; i < pos.line; i++)
		line = (const char *)memchr(line, '\n', (size_t)(end - line)) + 1;
	len = line < end && memchr(line, '\n', (size_t)(end - line)) ?
		      (size_t)((const char *)memchr(line, '\n', (size_t)(end - line)) - line) :
		      (size_t)(end - line);
	MUST(pos.col <= len + 1);
}

static bool config_before(struct adit_conf_pos a, struct adit_conf_pos b)
{
	return a.line < b.line || (a.line == b.line && a.col <= b.col);
}

static void config_check_node(const struct config_text *t, const struct adit_conf_node *node, bool good)
{
	char path[ADIT_CONF_PATH_LEN];
	size_t cnt = 0;

	MUST(node->depth <= ADIT_CONF_DEPTH_MAX + 1);
	MUST(!good || node->kind != ADIT_CONF_BROKEN);
	config_check_pos(t, node->pos);
	config_check_pos(t, node->key_pos);
	MUST(strlen(adit_conf_path(node, path)) < sizeof(path));
	adit_conf_each(node, it) {
		MUST(it->parent == node && it->index == cnt++ && it->doc == node->doc);
		MUST(!it->key == (node->kind == ADIT_CONF_ARRAY));
		MUST(!it->key || adit_conf_get_len(node, it->key, it->key_len) == it);
		config_check_node(t, it, good);
	}
	MUST(cnt == adit_conf_count(node));
}

static void config_check_errors(const struct config_text *t, struct adit_conf_errors *errors)
{
	adit_conf_errors_sort(errors);
	MUST(errors->item_cnt == (errors->cnt < ADIT_CONF_ERRORS_MAX ? errors->cnt : ADIT_CONF_ERRORS_MAX));
	for (size_t i = 0; i < errors->item_cnt; i++) {
		config_check_pos(t, errors->item[i].pos);
		MUST(!i || config_before(errors->item[i - 1].pos, errors->item[i].pos));
		MUST(*errors->item[i].text && strlen(errors->item[i].text) < 500);
	}
}

/* --- written and read again ---------------------------------------------------------- */

static void config_write_text(FILE *f, const char *p, size_t len)
{
	fputc('"', f);
	for (size_t i = 0; i < len; i++)
		fprintf(f, (unsigned char)p[i] < 0x20 || strchr("\"\\", p[i]) ? "\\u%04x" : "%c", (unsigned char)p[i]);
	fputc('"', f);
}

static void config_write_number(FILE *f, double v)
{
	char text[64];

	snprintf(text, sizeof(text), "%.17g", v);
	if (isnan(v) || isinf(v))
		fprintf(f, "\"%s\"", isnan(v) ? "nan" : text);
	else
		fprintf(f, "%s%s", text, strpbrk(text, ".e") ? "" : ".0");
}

static void config_write(FILE *f, const struct adit_conf_node *node)
{
	bool table = node->kind == ADIT_CONF_TABLE;

	switch (node->kind) {
	case ADIT_CONF_TABLE:
	case ADIT_CONF_ARRAY:
		fputc(table ? '{' : '[', f);
		adit_conf_each(node, it) {
			fputs(it->index ? "," : "", f);
			if (it->key) {
				config_write_text(f, it->key, it->key_len);
				fputc(':', f);
			}
			config_write(f, it);
		}
		fputc(table ? '}' : ']', f);
		break;
	case ADIT_CONF_STRING:
		config_write_text(f, node->u.string.p, node->u.string.len);
		break;
	case ADIT_CONF_INTEGER:
		fprintf(f, "%" PRId64, node->u.integer);
		break;
	case ADIT_CONF_FLOAT:
		config_write_number(f, node->u.number);
		break;
	case ADIT_CONF_BOOL:
		fputs(node->u.boolean ? "true" : "false", f);
		break;
	case ADIT_CONF_TIME:
		MUST(!node->u.time.has_offset || (node->u.time.has_date && node->u.time.has_time));
		MUST(node->u.time.nanosecond < 1000000000);
		fprintf(f, "\"%u-%u-%u %u:%u:%u\"", node->u.time.year, node->u.time.month, node->u.time.day,
			node->u.time.hour, node->u.time.minute, node->u.time.second);
		break;
	case ADIT_CONF_NULL:
		fputs("null", f);
		break;
	case ADIT_CONF_BROKEN:
		MUST(!"a broken node in a good tree");
	}
}

static char *config_written(const struct adit_conf *conf, size_t *len)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, len);

	MUST(f);
	config_write(f, conf->root);
	fclose(f);
	return text;
}

static void config_round_trip(const struct adit_conf *conf)
{
	struct adit_conf_errors errors = { 0 };
	struct adit_conf *again;
	size_t len, len2;
	char *text = config_written(conf, &len), *text2;

	MUST(adit_conf_read_json(&again, &errors, "again", text, len, NULL) == 0);
	text2 = config_written(again, &len2);
	MUST(len == len2 && !memcmp(text, text2, len));
	adit_conf_free(again);
	free(text);
	free(text2);
}

static int config_fuzz(config_reader reader, const uint8_t *data, size_t size)
{
	char *text = (char *)fuzz_copy(data, size); /* not terminated */
	struct config_text t = { text, size, 1 };
	struct adit_conf_errors errors = { 0 };
	struct adit_conf *conf = NULL;
	int r;

	for (size_t i = 0; i < size; i++)
		t.lines += text[i] == '\n';
	r = reader(&conf, &errors, "f", text, size, NULL);
	MUST(r == 0 || r == -EINVAL);
	MUST((r == 0) == (errors.cnt == 0));
	MUST(conf && conf->root);
	config_check_errors(&t, &errors);
	config_check_node(&t, conf->root, r == 0);
	if (r == 0)
		config_round_trip(conf);
	adit_conf_free(conf);
	adit_conf_errors_fini(&errors);
	free(text);
	return 0;
}

#endif
