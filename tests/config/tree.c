/* SPDX-License-Identifier: ISC */
/*
 * tree.c - prints the tree that src/config reads, for the tests against other readers
 *
 * Usage: config-tree [-p]. Standard input holds requests, each a line "toml LEN" or
 * "json LEN" and LEN bytes of text. The answer to each is one line of JSON: {"value": ...},
 * or {"errors": ["file:1:2: ..."]}. A value is ["kind", ...]; with -p its place comes last.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"

static bool places;

static void print_text(const char *p, size_t len)
{
	putchar('"');
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)p[i];

		if (c < 0x20 || c == '"' || c == '\\' || c == 0x7f)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

static void print_time(const struct adit_conf_time *t)
{
	printf("\"time\", \"");
	if (t->has_date)
		printf("%04u-%02u-%02u", t->year, t->month, t->day);
	if (t->has_date && t->has_time)
		putchar('T');
	if (t->has_time)
		printf("%02u:%02u:%02u.%09u", t->hour, t->minute, t->second, (unsigned)t->nanosecond);
	if (t->has_offset)
		printf("%+d", t->offset_minutes);
	putchar('"');
}

static void print_node(const struct adit_conf_node *node);

static void print_children(const struct adit_conf_node *node)
{
	printf(node->kind == ADIT_CONF_TABLE ? "\"table\", [" : "\"array\", [");
	adit_conf_each(node, it) {
		printf(it->index ? ", " : "");
		if (it->key) {
			putchar('[');
			print_text(it->key, it->key_len);
			printf(", ");
			if (places)
				printf("\"%u:%u\", ", it->key_pos.line, it->key_pos.col);
		}
		print_node(it);
		if (it->key)
			putchar(']');
	}
	putchar(']');
}

static void print_node(const struct adit_conf_node *node)
{
	putchar('[');
	switch (node->kind) {
	case ADIT_CONF_TABLE:
	case ADIT_CONF_ARRAY:
		print_children(node);
		break;
	case ADIT_CONF_STRING:
		printf("\"string\", ");
		print_text(node->u.string.p, node->u.string.len);
		break;
	case ADIT_CONF_INTEGER:
		printf("\"integer\", \"%" PRId64 "\"", node->u.integer);
		break;
	case ADIT_CONF_FLOAT:
		printf("\"float\", \"%a\"", node->u.number);
		break;
	case ADIT_CONF_BOOL:
		printf("\"bool\", %s", node->u.boolean ? "true" : "false");
		break;
	case ADIT_CONF_TIME:
		print_time(&node->u.time);
		break;
	case ADIT_CONF_NULL:
		printf("\"null\"");
		break;
	case ADIT_CONF_BROKEN:
		printf("\"broken\"");
		break;
	}
	if (places)
		printf(", \"%u:%u\"", node->pos.line, node->pos.col);
	putchar(']');
}

static void print_error(void *user, const char *msg)
{
	unsigned *cnt = user;

	printf((*cnt)++ ? ", " : "");
	print_text(msg, strlen(msg));
}

static void answer(bool json, const char *text, size_t len)
{
	struct adit_conf_errors errors = { 0 };
	struct adit_conf *conf = NULL;
	unsigned cnt = 0;
	int r = json ? adit_conf_read_json(&conf, &errors, "file", text, len, NULL) :
		       adit_conf_read_toml(&conf, &errors, "file", text, len, NULL);

	if (r == 0) {
		printf("{\"value\": ");
		print_node(conf->root);
	} else {
		printf("{\"errors\": [");
		adit_conf_errors_report(&errors, print_error, &cnt);
		putchar(']');
	}
	printf("}\n");
	adit_conf_free(conf);
	adit_conf_errors_fini(&errors);
	if (r != 0 && r != -EINVAL)
		abort();
}

int main(int argc, char **argv)
{
	char format[8];
	size_t len;

	places = argc > 1 && !strcmp(argv[1], "-p");
	while (scanf("%7s %zu", format, &len) == 2) {
		char *text = malloc(len ? len : 1); /* no byte more, so that a sanitizer sees one read behind it */

		if (!text || getchar() != '\n' || fread(text, 1, len, stdin) != len)
			return 1;
		answer(!strcmp(format, "json"), text, len);
		free(text);
		fflush(stdout);
	}
	return 0;
}
