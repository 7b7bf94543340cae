/* SPDX-License-Identifier: ISC */
/* tree_print.c - values of a configuration's tree as TOML and as JSON */
#include "agent/tree_print.h"

#include <inttypes.h>
#include <string.h>

#include "host/print.h"

/* Both formats know these escapes; the rest is UTF-8, as it was read. */
void agent_print_toml_text(FILE *out, const char *text, size_t len)
{
	fputc('"', out);
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			fprintf(out, "\\u%04x", c);
		else
			fputc(c, out);
	}
	fputc('"', out);
}

void agent_print_toml_key(FILE *out, const char *key)
{
	static const char bare[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

	if (*key && strspn(key, bare) == strlen(key))
		fputs(key, out);
	else
		agent_print_toml_text(out, key, strlen(key));
}

static void print_time(FILE *out, const struct adit_conf_time *t)
{
	if (t->has_date)
		fprintf(out, "%04u-%02u-%02u", t->year, t->month, t->day);
	if (t->has_date && t->has_time)
		fputc('T', out);
	if (t->has_time)
		fprintf(out, "%02u:%02u:%02u.%09" PRIu32, t->hour, t->minute, t->second, t->nanosecond);
	if (t->has_offset)
		fprintf(out, "%c%02d:%02d", t->offset_minutes < 0 ? '-' : '+',
			(t->offset_minutes < 0 ? -t->offset_minutes : t->offset_minutes) / 60,
			(t->offset_minutes < 0 ? -t->offset_minutes : t->offset_minutes) % 60);
}

/* What is no list and no table. */
static void print_scalar(FILE *out, const struct adit_conf_node *node)
{
	switch (node->kind) {
	case ADIT_CONF_STRING:
		agent_print_toml_text(out, node->u.string.p, node->u.string.len);
		break;
	case ADIT_CONF_INTEGER:
		fprintf(out, "%" PRId64, node->u.integer);
		break;
	case ADIT_CONF_FLOAT:
		fprintf(out, "%.17g", node->u.number);
		break;
	case ADIT_CONF_BOOL:
		fputs(node->u.boolean ? "true" : "false", out);
		break;
	case ADIT_CONF_TIME:
		print_time(out, &node->u.time);
		break;
	case ADIT_CONF_BROKEN:
	case ADIT_CONF_TABLE:
	case ADIT_CONF_ARRAY:
	case ADIT_CONF_NULL:
		fputs("null", out);
		break;
	}
}

void agent_print_toml(FILE *out, const struct adit_conf_node *node)
{
	const char *comma = "";

	if (node->kind == ADIT_CONF_ARRAY) {
		fputc('[', out);
		adit_conf_each(node, it) {
			fputs(comma, out);
			agent_print_toml(out, it);
			comma = ", ";
		}
		fputc(']', out);
	} else if (node->kind == ADIT_CONF_TABLE) {
		fputs("{ ", out);
		adit_conf_each(node, it) {
			fputs(comma, out);
			agent_print_toml_key(out, it->key);
			fputs(" = ", out);
			agent_print_toml(out, it);
			comma = ", ";
		}
		fputs(" }", out);
	} else {
		print_scalar(out, node);
	}
}

void agent_print_json(FILE *out, const struct adit_conf_node *node)
{
	const char *comma = "";

	if (node->kind == ADIT_CONF_ARRAY) {
		fputc('[', out);
		adit_conf_each(node, it) {
			fputs(comma, out);
			agent_print_json(out, it);
			comma = ",";
		}
		fputc(']', out);
	} else if (node->kind == ADIT_CONF_TABLE) {
		fputc('{', out);
		adit_conf_each(node, it) {
			fputs(comma, out);
			agent_print_toml_text(out, it->key, it->key_len);
			fputc(':', out);
			agent_print_json(out, it);
			comma = ",";
		}
		fputc('}', out);
	} else {
		print_scalar(out, node);
	}
}
