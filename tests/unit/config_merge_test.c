/* SPDX-License-Identifier: ISC */
/* config_merge_test.c - several documents as one tree, and trees made by hand: whose value stays, and where it stands */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/config.h"

/* "{a=1@one:2:5 l=[1@...]}": values, and the document and place of each. */
static void print(const struct adit_conf_node *node, char *buf, size_t size)
{
	size_t n = strlen(buf);

	if (node->key)
		n += (size_t)snprintf(buf + n, size - n, "%s=", node->key);
	if (node->kind == ADIT_CONF_TABLE || node->kind == ADIT_CONF_ARRAY) {
		n += (size_t)snprintf(buf + n, size - n, "%s", node->kind == ADIT_CONF_TABLE ? "{" : "[");
		adit_conf_each(node, it) {
			assert_ptr_equal(it->parent, node);
			if (it->key)
				assert_ptr_equal(adit_conf_get(node, it->key), it);
			print(it, buf, size);
			if (it->next)
				strcat(buf, " ");
		}
		strcat(buf, node->kind == ADIT_CONF_TABLE ? "}" : "]");
	} else if (node->kind == ADIT_CONF_STRING) {
		snprintf(buf + n, size - n, "'%s'@%s:%u:%u", node->u.string.p, node->doc->name, node->pos.line, node->pos.col);
	} else {
		snprintf(buf + n, size - n, "%d@%s:%u:%u", node->kind == ADIT_CONF_BOOL ? node->u.boolean : (int)node->u.integer,
			 node->doc->name, node->pos.line, node->pos.col);
	}
}

static struct adit_conf *read_text(const char *name, const char *text)
{
	struct adit_conf_errors errors = { 0 };
	struct adit_conf *conf = NULL;

	assert_int_equal(adit_conf_read_toml(&conf, &errors, name, text, strlen(text), NULL), 0);
	adit_conf_errors_fini(&errors);
	return conf;
}

static void merged(void **state)
{
	static const struct {
		const char *one, *two, *later, *first;
	} cases[] = {
		{ "", "", "{}", "{}" },
		{ "a = 1", "", "{a=1@1:1:5}", "{a=1@1:1:5}" },
		{ "", "a = 1", "{a=1@2:1:5}", "{a=1@2:1:5}" },
		{ "a = 1\nb = 2", "\nb = 3", "{a=1@1:1:5 b=3@2:2:5}", "{a=1@1:1:5 b=2@1:2:5}" },
		{ "[t]\na = 1", "[t]\nb = 2\n[u]\nc = 3", "{t={a=1@1:2:5 b=2@2:2:5} u={c=3@2:4:5}}",
		  "{t={a=1@1:2:5 b=2@2:2:5} u={c=3@2:4:5}}" },
		{ "l = [1, 2]", "l = [3]", "{l=[3@2:1:6]}", "{l=[1@1:1:6 2@1:1:9]}" },
		{ "l = [1]", "l = []", "{l=[]}", "{l=[1@1:1:6]}" },
		{ "[[l]]\na = 1", "[[l]]\na = 2", "{l=[{a=1@1:2:5} {a=2@2:2:5}]}", "{l=[{a=1@1:2:5} {a=2@2:2:5}]}" },
		{ "l = [{a = 1}]", "l = [1]", "{l=[1@2:1:6]}", "{l=[{a=1@1:1:11}]}" },
		{ "[a]\nb = 1", "a = 2", "{a=2@2:1:5}", "{a={b=1@1:2:5}}" },
		{ "a = 2", "[a]\nb = 1\nc = 3", "{a={b=1@2:2:5 c=3@2:3:5}}", "{a=2@1:1:5}" },
		{ "[t]\na = 'x'", "t.a = 'y'", "{t={a='y'@2:1:7}}", "{t={a='x'@1:2:5}}" },
		{ "a.b.c = 1", "a.b.d = true", "{a={b={c=1@1:1:9 d=1@2:1:9}}}", "{a={b={c=1@1:1:9 d=1@2:1:9}}}" },
	};
	char said[1000];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]) * 2; i++) {
		struct adit_conf *one = read_text("1", cases[i / 2].one), *two = read_text("2", cases[i / 2].two);

		adit_conf_merge(one->root, two->root, i % 2 ? ADIT_CONF_FIRST : ADIT_CONF_LATER);
		said[0] = '\0';
		print(one->root, said, sizeof(said));
		assert_string_equal(said, i % 2 ? cases[i / 2].first : cases[i / 2].later);
		assert_int_equal(adit_conf_count(two->root), 0);
		adit_conf_free(one); /* in either order */
		adit_conf_free(two);
	}
}

/* Many keys, so that the balanced tree is used; the same as by hand. */
static void many(void **state)
{
	struct adit_conf *one = read_text("1", ""), *two = read_text("2", "");
	struct adit_conf_pos pos = { 1, 1 };
	char key[16];

	(void)state;
	for (int i = 0; i < 3000; i++) {
		struct adit_conf_node *node;

		snprintf(key, sizeof(key), "k%d", i * 7919 % 3000);
		node = adit_conf_add(i % 3 ? one->root : two->root, key, ADIT_CONF_INTEGER, pos, pos);
		assert_non_null(node);
		node->u.integer = i;
	}
	adit_conf_merge(one->root, two->root, ADIT_CONF_LATER);
	assert_int_equal(adit_conf_count(one->root), 3000);
	for (int i = 0; i < 3000; i++) {
		const struct adit_conf_node *node;

		snprintf(key, sizeof(key), "k%d", i * 7919 % 3000);
		node = adit_conf_get(one->root, key);
		assert_non_null(node);
		assert_int_equal(node->u.integer, i);
		assert_string_equal(node->doc->name, i % 3 ? "1" : "2");
	}
	adit_conf_free(one);
	adit_conf_free(two);
}

static void by_hand(void **state)
{
	struct adit_conf *doc = adit_conf_new("x.conf");
	struct adit_conf_pos key = { 3, 1 }, value = { 3, 8 };
	struct adit_conf_node *table, *list, *text;
	char said[200] = "", path[ADIT_CONF_PATH_LEN];

	(void)state;
	assert_non_null(doc);
	table = adit_conf_add(doc->root, "t", ADIT_CONF_TABLE, key, key);
	list = adit_conf_add(table, "list", ADIT_CONF_ARRAY, key, value);
	text = adit_conf_add(list, NULL, ADIT_CONF_STRING, value, value);
	assert_non_null(text);
	assert_string_equal(text->u.string.p, "");
	assert_int_equal(adit_conf_set_text(text, "a\0b", 3), 0);
	assert_int_equal(text->u.string.len, 3);
	assert_int_equal(adit_conf_set_text(text, "word", 4), 0);
	assert_ptr_equal(adit_conf_find(doc->root, "t"), table);
	assert_null(adit_conf_find(table, "t"));
	print(doc->root, said, sizeof(said));
	assert_string_equal(said, "{t={list=['word'@x.conf:3:8]}}");
	assert_string_equal(adit_conf_path(text, path), "t.list[0]");
	adit_conf_free(doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(merged), cmocka_unit_test(many), cmocka_unit_test(by_hand) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
