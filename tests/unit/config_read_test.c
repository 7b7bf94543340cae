/* SPDX-License-Identifier: ISC */
/* config_read_test.c - valid TOML and JSON: the tree, its order and its places; limits; the list of errors */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/config.h"

/* --- a tree as text: KEY@PLACE=VALUE@PLACE ---------------------------------------- */

struct text {
	char p[8192];
	size_t len;
};

__attribute__((format(printf, 2, 3))) static void put(struct text *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	t->len += (size_t)vsnprintf(t->p + t->len, sizeof(t->p) - t->len, fmt, ap);
	va_end(ap);
	assert_true(t->len < sizeof(t->p));
}

static void put_time(struct text *t, const struct adit_conf_time *time)
{
	if (time->has_date)
		put(t, "%04u-%02u-%02u", time->year, time->month, time->day);
	if (time->has_time)
		put(t, "T%02u:%02u:%02u.%09u", time->hour, time->minute, time->second, (unsigned)time->nanosecond);
	if (time->has_offset)
		put(t, "%+d", time->offset_minutes);
}

static void put_node(struct text *t, const struct adit_conf_node *node)
{
	bool table = node->kind == ADIT_CONF_TABLE;
	size_t index = 0;

	switch (node->kind) {
	case ADIT_CONF_TABLE:
	case ADIT_CONF_ARRAY:
		put(t, table ? "{" : "[");
		adit_conf_each(node, it) {
			assert_int_equal(it->index, index++);
			assert_ptr_equal(it->parent, node);
			if (it->key) {
				assert_ptr_equal(adit_conf_get_len(node, it->key, it->key_len), it);
				assert_int_equal(it->key[it->key_len], 0);
				put(t, "%s@%u:%u=", it->key, it->key_pos.line, it->key_pos.col);
			}
			put_node(t, it);
			put(t, it->next ? " " : "");
		}
		assert_int_equal(adit_conf_count(node), index);
		put(t, table ? "}" : "]");
		break;
	case ADIT_CONF_STRING:
		assert_int_equal(node->u.string.p[node->u.string.len], 0);
		put(t, "'%s'", node->u.string.p);
		break;
	case ADIT_CONF_INTEGER:
		put(t, "%" PRId64, node->u.integer);
		break;
	case ADIT_CONF_FLOAT:
		put(t, "~%.17g", node->u.number);
		break;
	case ADIT_CONF_BOOL:
		put(t, "%s", node->u.boolean ? "true" : "false");
		break;
	case ADIT_CONF_TIME:
		put_time(t, &node->u.time);
		break;
	case ADIT_CONF_NULL:
		put(t, "null");
		break;
	case ADIT_CONF_BROKEN:
		put(t, "broken");
		break;
	}
	put(t, "@%u:%u", node->pos.line, node->pos.col);
}

static void show(void *user, const char *msg)
{
	(void)user;
	print_message("# %s\n", msg);
}

static void expect(bool json, const char *text, size_t len, const char *wanted)
{
	struct adit_conf_errors errors = { 0 };
	struct adit_conf *conf = NULL;
	struct text t = { .len = 0 };
	int r = adit_conf_read(&conf, &errors, json ? "a.json" : "a.toml", text, len, NULL);

	adit_conf_errors_report(&errors, show, NULL);
	assert_int_equal(r, 0);
	assert_int_equal(errors.cnt, 0);
	put_node(&t, conf->root);
	assert_string_equal(t.p, wanted);
	adit_conf_free(conf);
	adit_conf_errors_fini(&errors);
}

struct example {
	const char *text, *tree;
};

static void toml(void **state)
{
	static const struct example table[] = {
		{ "", "{}@1:1" },
		{ "\n# nothing\n\t# é\n", "{}@1:1" },
		{ "\xef\xbb\xbf" "a = 1", "{a@1:1=1@1:5}@1:1" },
		{ "a=1\r\nb=2\r\n", "{a@1:1=1@1:3 b@2:1=2@2:3}@1:1" },
		{ "z = 1\na = 2\nm = 3", "{z@1:1=1@1:5 a@2:1=2@2:5 m@3:1=3@3:5}@1:1" },
		{ "1 = 0\n-_ = 0\n3.14 = 1", "{1@1:1=0@1:5 -_@2:1=0@2:6 3@3:1={14@3:3=1@3:8}@3:1}@1:1" },
		{ "\"é\" = \"x\" # c", "{é@1:1='x'@1:7}@1:1" },
		{ "'\\q'='' \n \"\"=\"\\u00e9\\U0001F600\\t\"", "{\\q@1:1=''@1:6 @2:2='é😀\t'@2:5}@1:1" },
		{ "a . b\t.c=1\na.d=2", "{a@1:1={b@1:5={c@1:8=1@1:10}@1:5 d@2:3=2@2:5}@1:1}@1:1" },
		{ "[a]\nx=1\n[ b . \"c\" ]\ny=2", "{a@1:2={x@2:1=1@2:3}@1:1 b@3:3={c@3:7={y@4:1=2@4:3}@3:1}@3:3}@1:1" },
		{ "[a.b]\nx=1\n[a]\ny=2", "{a@3:2={b@1:4={x@2:1=1@2:3}@1:1 y@4:1=2@4:3}@3:1}@1:1" },
		{ "a.b.c = 1\n[a.d]\n[a.b.e]",
		  "{a@1:1={b@1:3={c@1:5=1@1:9 e@3:6={}@3:1}@1:3 d@2:4={}@2:1}@1:1}@1:1" },
		{ "[a.b.c]\n[a]\nb.d = 1", "{a@2:2={b@1:4={c@1:6={}@1:1 d@3:3=1@3:7}@1:4}@2:1}@1:1" },
		{ "[[a]]\nx=1\n [[a]]\n[a.b]\ny=2", "{a@1:3=[{x@2:1=1@2:3}@1:1 {b@4:4={y@5:1=2@5:3}@4:1}@3:2]@1:1}@1:1" },
		{ "[[a.b]]\n[[a.b.c]]\n[[a.b.c]]\n[[a.b]]",
		  "{a@1:3={b@1:5=[{c@2:7=[{}@2:1 {}@3:1]@2:1}@1:1 {}@4:1]@1:1}@1:3}@1:1" },
		{ "a = [ 1, 'x',\n# c ]\n [true,[ ]], # c\n ]",
		  "{a@1:1=[1@1:7 'x'@1:10 [true@3:3 []@3:8]@3:2]@1:5}@1:1" },
		{ "a = {b=1, c . d = {}, \"e\"=[\n2\n,]}", "{a@1:1={b@1:6=1@1:8 c@1:11={d@1:15={}@1:19}@1:11 e@1:23=[2@2:1]@1:27}@1:5}@1:1" },
		{ "a = \"\"\"\nx \\\n\n   y\\\"\"\"\"\"\"", "{a@1:1='x y\"\"\"'@1:5}@1:1" },
		{ "a = \"\"\"\"x\"\"\"\"\"\nb=''''''\nc='''\r\n'x\r\n'''", "{a@1:1='\"x\"\"'@1:5 b@2:1=''@2:3 c@3:1=''x\n'@3:3}@1:1" },
		{ "a = [\"\"\"\n\n\"\"\", 1]\nb = 1", "{a@1:1=['\n'@1:6 1@3:6]@1:5 b@4:1=1@4:5}@1:1" },
		{ "a=[0,-0,+1,1_0,0xDead_beef,0o17,0b11,9223372036854775807,-9223372036854775808,0x7fffffffffffffff]",
		  "{a@1:1=[0@1:4 0@1:6 1@1:9 10@1:12 3735928559@1:16 15@1:28 3@1:33 9223372036854775807@1:38 "
		  "-9223372036854775808@1:58 9223372036854775807@1:79]@1:3}@1:1" },
		{ "a=[1.5,-0.0,1e3,1_0.0_1E-1,+inf,-inf,0.1]",
		  "{a@1:1=[~1.5@1:4 ~-0@1:8 ~1000@1:13 ~1.0009999999999999@1:17 ~inf@1:28 ~-inf@1:33 "
		  "~0.10000000000000001@1:38]@1:3}@1:1" },
		{ "a=[true,false]", "{a@1:1=[true@1:4 false@1:9]@1:3}@1:1" },
		{ "a=[1979-05-27,07:32:00,1979-05-27T07:32:00.5,1979-05-27 07:32:00Z,1979-05-27t07:32:60.1234567891-08:30]",
		  "{a@1:1=[1979-05-27@1:4 T07:32:00.000000000@1:15 1979-05-27T07:32:00.500000000@1:24 "
		  "1979-05-27T07:32:00.000000000+0@1:46 1979-05-27T07:32:60.123456789-510@1:67]@1:3}@1:1" },
		{ "a = 2000-02-29 # leap\nb = 0000-01-01", "{a@1:1=2000-02-29@1:5 b@2:1=0000-01-01@2:5}@1:1" },
		{ "a = 'tab\there' # tab\t", "{a@1:1='tab\there'@1:5}@1:1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		expect(false, table[i].text, strlen(table[i].text), table[i].tree);
}

static void json(void **state)
{
	static const struct example table[] = {
		{ "{}", "{}@1:1" },
		{ " [ ] ", "[]@1:2" },
		{ "\xef\xbb\xbf" "1", "1@1:1" },
		{ "\r\n\tnull\r\n", "null@2:2" },
		{ "\"x\"", "'x'@1:1" },
		{ "{\"z\" : 1,\n\"a\":[true , false,null]}", "{z@1:2=1@1:8 a@2:1=[true@2:6 false@2:13 null@2:19]@2:5}@1:1" },
		{ "{\"\":{\"\":{}}}", "{@1:2={@1:6={}@1:9}@1:5}@1:1" },
		{ "[\"é😀\", \"\\u00e9\\ud83d\\ude00\", \"\\\"\\\\\\/\\b\\f\\n\\r\\t\", \"\x7f\"]",
		  "['é😀'@1:2 'é😀'@1:8 '\"\\/\b\f\n\r\t'@1:30 '\x7f'@1:50]@1:1" },
		{ "[0,-0,-1,9223372036854775807,-9223372036854775808]",
		  "[0@1:2 0@1:4 -1@1:7 9223372036854775807@1:10 -9223372036854775808@1:30]@1:1" },
		{ "[0.0,-0.0,1E3,1e-3,12.5e+1]", "[~0@1:2 ~-0@1:6 ~1000@1:11 ~0.001@1:15 ~125@1:20]@1:1" },
		{ "{\"secret\": \"...\", \"peers\": {\"10.0.0.2\": {\"pub_key\": \"...\", \"sock_addr\": \"192.0.2.2:1194\"}}}",
		  "{secret@1:2='...'@1:12 peers@1:19={10.0.0.2@1:29={pub_key@1:42='...'@1:53 "
		  "sock_addr@1:60='192.0.2.2:1194'@1:73}@1:41}@1:28}@1:1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		expect(true, table[i].text, strlen(table[i].text), table[i].tree);
}

static void nul_inside(void **state)
{
	struct adit_conf_errors errors = { 0 };
	const struct adit_conf_node *node;
	static const char text[] = "\"a\\u0000b\" = \"c\\u0000\"";
	struct adit_conf *conf;

	(void)state;
	assert_int_equal(adit_conf_read_toml(&conf, &errors, "x", text, strlen(text), NULL), 0);
	node = adit_conf_get_len(conf->root, "a\0b", 3);
	assert_non_null(node);
	assert_int_equal(node->u.string.len, 2);
	assert_null(adit_conf_get(conf->root, "a"));
	adit_conf_free(conf);
	adit_conf_errors_fini(&errors);
}

/* --- limits ------------------------------------------------------------------------ */

static void gather(void *user, const char *msg)
{
	put(user, "%s\n", msg);
}

static void expect_errors(const char *name, const char *text, const struct adit_conf_limits *limits,
			  const char *wanted)
{
	struct adit_conf_errors errors = { 0 };
	struct adit_conf *conf = NULL;
	struct text t = { .p = "" };

	assert_int_equal(adit_conf_read(&conf, &errors, name, text, strlen(text), limits), *wanted ? -EINVAL : 0);
	adit_conf_errors_report(&errors, gather, &t);
	assert_string_equal(t.p, wanted);
	assert_non_null(conf);
	adit_conf_free(conf);
	adit_conf_errors_fini(&errors);
}

static void small_limits(void **state)
{
	static const struct adit_conf_limits size = { .size = 6 }, depth = { .depth = 3 }, nodes = { .nodes = 3 };

	(void)state;
	expect_errors("t", "a = 1\n", &size, "");
	expect_errors("t", "a = 12\n", &size, "t:1:1: is longer than 6 bytes\n");
	expect_errors("t.json", "[1234]", &size, "");
	expect_errors("t.json", "[12345]", &size, "t.json:1:1: is longer than 6 bytes\n");
	expect_errors("t", "a = [[1]]", &depth, "");
	expect_errors("t", "a = [[[1]]]\nb = x", &depth, "t:1:7: a[0][0]: is nested deeper than 3 levels\n");
	expect_errors("t", "a = {b.c = 1}", &depth, "");
	expect_errors("t", "a = {b.c.d = 1}", &depth, "t:1:8: a.b.c: is nested deeper than 3 levels\n");
	expect_errors("t", "[a.b]\n[a.b.c]", &depth, "t:2:6: a.b.c: is nested deeper than 3 levels\n");
	expect_errors("t", "[a]\n[[a.b]]", &depth, "t:2:1: a.b[0]: is nested deeper than 3 levels\n");
	expect_errors("t", "a.b.c.d = 1", &depth, "t:1:7: is nested deeper than 3 levels\n");
	expect_errors("t.json", "[[[]]]", &depth, "");
	expect_errors("t.json", "[[{\"a\": []}]]", &depth, "t.json:1:9: [0][0].a: is nested deeper than 3 levels\n");
	expect_errors("t", "a = [1, 2]", &nodes, "");
	expect_errors("t", "a = [1, 2, 3]\nb = 1", &nodes,
		      "t:1:12: a: the file has more than 3 values\n");
	expect_errors("t.json", "[1, 2, 3]", &nodes, "");
	expect_errors("t.json", "[1, 2, 3, 4]", &nodes,
		      "t.json:1:11: the file has more than 3 values\n");
}

/* The limits that hold when none are given. */
static void usual_limits(void **state)
{
	size_t size = ADIT_CONF_SIZE_MAX + 1, deep;
	struct adit_conf_errors errors = { 0 };
	struct adit_conf *conf;
	char *text = malloc(size);

	(void)state;
	assert_non_null(text);
	memset(text, '\n', size);
	assert_int_equal(adit_conf_read_toml(&conf, &errors, "t", text, size - 1, NULL), 0);
	adit_conf_free(conf);
	assert_int_equal(adit_conf_read_toml(&conf, &errors, "t", text, size, NULL), -EINVAL);
	adit_conf_free(conf);
	for (deep = ADIT_CONF_DEPTH_MAX; deep <= ADIT_CONF_DEPTH_MAX + 1; deep++) {
		memset(text, '[', deep);
		memset(text + deep, ']', deep);
		assert_int_equal(adit_conf_read_json(&conf, &errors, "t", text, 2 * deep, NULL),
				 deep > ADIT_CONF_DEPTH_MAX ? -EINVAL : 0);
		adit_conf_free(conf);
	}
	memset(text, '[', size); /* nothing but depth */
	assert_int_equal(adit_conf_read_json(&conf, &errors, "t", text, size - 1, NULL), -EINVAL);
	adit_conf_free(conf);
	memcpy(text, "a=", 2);
	assert_int_equal(adit_conf_read_toml(&conf, &errors, "t", text, size - 1, NULL), -EINVAL);
	adit_conf_free(conf);
	assert_int_equal(errors.cnt, 4);
	adit_conf_errors_fini(&errors);
	free(text);
}

/* In the worst order for a tree that does not balance; every key is found again, and no other. */
static void many_keys(void **state)
{
	enum { CNT = 20000 };
	struct adit_conf_errors errors = { 0 };
	struct adit_conf *conf;
	char *text = malloc(CNT * 17), key[16];
	size_t len = 0;

	(void)state;
	assert_non_null(text);
	for (unsigned i = 0; i < CNT; i++)
		len += (size_t)snprintf(text + len, 17, "k%05u = %u\n", i, i);
	assert_int_equal(adit_conf_read_toml(&conf, &errors, "t", text, len, NULL), 0);
	assert_int_equal(adit_conf_count(conf->root), CNT);
	for (unsigned i = 0; i < CNT; i++) {
		const struct adit_conf_node *node;

		snprintf(key, sizeof(key), "k%05u", i);
		node = adit_conf_get(conf->root, key);
		assert_non_null(node);
		assert_int_equal(node->u.integer, i);
		assert_int_equal(node->key_pos.line, i + 1);
		key[5] = 'x';
		assert_null(adit_conf_get(conf->root, key));
	}
	assert_true(conf->root->u.list.by_key->level <= 15); /* the logarithm of their number */
	adit_conf_free(conf);
	free(text);
}

/* --- the list ------------------------------------------------------------------------ */

static void hundred_errors(void **state)
{
	struct adit_conf_errors errors = { 0 };
	char text[5 * 150 + 1], wanted[8192];
	struct text t = { .p = "" };
	struct adit_conf *conf;
	size_t len = 0;

	(void)state;
	for (unsigned i = 0; i < 150; i++)
		memcpy(text + 5 * i, "a= \n\n", 5);
	assert_int_equal(adit_conf_read_toml(&conf, &errors, "t", text, 5 * 150, NULL), -EINVAL);
	assert_int_equal(errors.cnt, 299); /* no value, and from the second on a key that stands twice */
	assert_int_equal(errors.item_cnt, ADIT_CONF_ERRORS_MAX);
	adit_conf_errors_report(&errors, gather, &t);
	len = (size_t)snprintf(wanted, sizeof(wanted), "t:1:4: a: expected a value, found the end of the line\n");
	assert_int_equal(strncmp(t.p, wanted, len), 0);
	assert_string_equal(t.p + t.len - strlen("t: 199 more errors\n"), "t: 199 more errors\n");
	adit_conf_free(conf);
	adit_conf_errors_fini(&errors);
}

static void order_and_warnings(void **state)
{
	struct adit_conf_errors errors = { 0 };
	struct adit_conf_pos p12 = { 1, 2 }, p11 = { 1, 1 }, p2 = { 2, 1 }, nowhere = { 0, 0 };
	struct adit_conf *conf;
	struct text t = { .p = "" };

	(void)state;
	adit_conf_error_at(&errors, "b", p2, "k", "second");
	adit_conf_error_at(&errors, "a\n", p12, "", "third %d", 3);
	adit_conf_error_at(&errors, "b", p11, NULL, "first");
	adit_conf_error_at(&errors, "a\n", nowhere, NULL, "zeroth");
	adit_conf_error_at(&errors, "b", p2, "k", "after the second");
	assert_int_equal(adit_conf_read_toml(&conf, &errors, "b", "\n\n[x]\n\"y z\" = [1]", 17, NULL), 0);
	adit_conf_warning(&errors, conf->root->u.list.first->u.list.first->u.list.first, "odd");
	adit_conf_error(&errors, conf->root->u.list.first, "bad");
	adit_conf_key_error(&errors, conf->root->u.list.first, "worse");
	adit_conf_errors_report(&errors, gather, &t);
	assert_string_equal(t.p, "b:1:1: first\nb:2:1: k: second\nb:2:1: k: after the second\nb:3:1: x: bad\n"
				 "b:3:2: x: worse\nb:4:10: warning: x.\"y z\"[0]: odd\na?: zeroth\na?:1:2: third 3\n");
	assert_int_equal(errors.cnt, 7);
	assert_int_equal(errors.warn_cnt, 1);
	adit_conf_free(conf);
	adit_conf_errors_fini(&errors);
}

/* What could be read is there after errors, and what was wrong is marked. */
static void rest_of_a_broken_file(void **state)
{
	static const char text[] = "a = x\nb = 1\nb = 2\n[c\nd = 1\n[e]\nf = [1, y, 3]\n";
	struct adit_conf_errors errors = { 0 };
	struct text t = { .p = "" };
	struct adit_conf *conf;

	(void)state;
	assert_int_equal(adit_conf_read_toml(&conf, &errors, "t", text, strlen(text), NULL), -EINVAL);
	put_node(&t, conf->root);
	assert_string_equal(t.p, "{a@1:1=broken@1:5 b@2:1=1@2:5 e@6:2={f@7:1=[1@7:6 broken@7:9 3@7:12]@7:5}@6:1}@1:1");
	assert_true(conf->torn);
	assert_int_equal(errors.cnt, 4);
	adit_conf_free(conf);
	adit_conf_errors_fini(&errors);
}

static void long_paths(void **state)
{
	char text[1024], path[ADIT_CONF_PATH_LEN];
	struct adit_conf_errors errors = { 0 };
	const struct adit_conf_node *node;
	struct adit_conf *conf;
	size_t len = 0;

	(void)state;
	for (unsigned i = 0; i < 40; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s\"é%02u\"", i ? "." : "", i);
	len += (size_t)snprintf(text + len, sizeof(text) - len, " = 1");
	assert_int_equal(adit_conf_read_toml(&conf, &errors, "t", text, len, NULL), 0);
	node = conf->root;
	while (adit_conf_first(node))
		node = adit_conf_first(node);
	adit_conf_path(node, path);
	assert_true(strlen(path) < ADIT_CONF_PATH_LEN);
	assert_int_equal(strncmp(path, "...", 3), 0);
	assert_true(((unsigned char)path[3] & 0xc0) != 0x80);
	assert_string_equal(path + strlen(path) - strlen(".\"é38\".\"é39\""), ".\"é38\".\"é39\"");
	assert_string_equal(adit_conf_path(conf->root, path), "");
	adit_conf_free(conf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(toml),
		cmocka_unit_test(json),
		cmocka_unit_test(nul_inside),
		cmocka_unit_test(small_limits),
		cmocka_unit_test(usual_limits),
		cmocka_unit_test(many_keys),
		cmocka_unit_test(hundred_errors),
		cmocka_unit_test(order_and_warnings),
		cmocka_unit_test(rest_of_a_broken_file),
		cmocka_unit_test(long_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
