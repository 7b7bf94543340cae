/* SPDX-License-Identifier: ISC */
/* config_check_test.c - typed values, unknown and missing keys: what is read and what is said */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/check.h"

struct fixture {
	struct adit_conf *conf;
	struct adit_conf_errors errors;
	char said[4096];
};

static void gather(void *user, const char *msg)
{
	char *said = user;

	assert_true(strlen(said) + strlen(msg) + 2 < 4096);
	strcat(strcat(said, msg), "\n");
}

static struct fixture *read_text(const char *text)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_int_not_equal(adit_conf_read_toml(&f->conf, &f->errors, "f", text, strlen(text), NULL), -ENOMEM);
	return f;
}

static void expect(struct fixture *f, const char *wanted)
{
	adit_conf_errors_report(&f->errors, gather, f->said);
	assert_string_equal(f->said, wanted);
	adit_conf_free(f->conf);
	adit_conf_errors_fini(&f->errors);
	free(f);
}

static void right_values(void **state)
{
	static const char *const modes[] = { "auto", "off", NULL };
	struct fixture *f = read_text("s = 'x'\ni = 5\nb = true\nn = 1.5\nw = 'off'\n[t]\n[[l]]\n");
	const struct adit_conf_node *root = f->conf->root, *node;
	const char *text;
	int64_t i;
	double n;
	size_t w;
	bool b;

	(void)state;
	assert_int_equal(adit_conf_get_text(&f->errors, root, "s", &text), 1);
	assert_string_equal(text, "x");
	assert_int_equal(adit_conf_get_integer(&f->errors, root, "i", 5, 5, &i), 1);
	assert_int_equal(i, 5);
	assert_int_equal(adit_conf_get_bool(&f->errors, root, "b", &b), 1);
	assert_true(b);
	assert_int_equal(adit_conf_get_number(&f->errors, root, "n", 0, 2, &n), 1);
	assert_true(n > 1.4 && n < 1.6);
	assert_int_equal(adit_conf_get_number(&f->errors, root, "i", 0, 5, &n), 1);
	assert_true(n > 4.9 && n < 5.1);
	assert_int_equal(adit_conf_get_word(&f->errors, root, "w", modes, &w), 1);
	assert_int_equal(w, 1);
	assert_int_equal(adit_conf_get_table(&f->errors, root, "t", &node), 1);
	assert_int_equal(node->kind, ADIT_CONF_TABLE);
	assert_int_equal(adit_conf_get_array(&f->errors, root, "l", &node), 1);
	assert_int_equal(adit_conf_count(node), 1);
	assert_true(adit_conf_need(&f->errors, root, "s", NULL));
	expect(f, "");
}

static void absent_values(void **state)
{
	struct fixture *f = read_text("x = 1");
	const struct adit_conf_node *root = f->conf->root, *node = NULL;
	const char *text = NULL;
	int64_t i = 7;
	bool b = true;

	(void)state;
	assert_int_equal(adit_conf_get_text(&f->errors, root, "s", &text), 0);
	assert_int_equal(adit_conf_get_integer(&f->errors, root, "i", 0, 1, &i), 0);
	assert_int_equal(adit_conf_get_bool(&f->errors, root, "b", &b), 0);
	assert_int_equal(adit_conf_get_table(&f->errors, root, "t", &node), 0);
	assert_int_equal(adit_conf_get_table(&f->errors, adit_conf_get(root, "x"), "t", &node), 0);
	assert_true(!text && i == 7 && b && !node);
	assert_null(adit_conf_first(NULL));
	assert_null(adit_conf_get(NULL, "x"));
	assert_int_equal(adit_conf_count(adit_conf_get(root, "x")), 0);
	expect(f, "");
}

static void wrong_kinds(void **state)
{
	struct fixture *f = read_text("s = 5\ni = '5'\nb = 'true'\nt = []\nl = 'x'\nn = nan\nz = \"a\\u0000\"\n"
				      "f = 1.0\nd = 2000-01-01\n[h]\n");
	const struct adit_conf_node *root = f->conf->root, *node = NULL;
	const char *text = NULL;
	int64_t i = 7;
	double n = 7;
	bool b = false;

	(void)state;
	assert_int_equal(adit_conf_get_text(&f->errors, root, "s", &text), -EINVAL);
	assert_int_equal(adit_conf_get_text(&f->errors, root, "z", &text), -EINVAL);
	assert_int_equal(adit_conf_get_text(&f->errors, root, "h", &text), -EINVAL);
	assert_int_equal(adit_conf_get_integer(&f->errors, root, "i", 0, 9, &i), -EINVAL);
	assert_int_equal(adit_conf_get_integer(&f->errors, root, "f", 0, 9, &i), -EINVAL);
	assert_int_equal(adit_conf_get_bool(&f->errors, root, "b", &b), -EINVAL);
	assert_int_equal(adit_conf_get_bool(&f->errors, root, "d", &b), -EINVAL);
	assert_int_equal(adit_conf_get_number(&f->errors, root, "n", 0, 9, &n), -EINVAL);
	assert_int_equal(adit_conf_get_number(&f->errors, root, "i", 0, 9, &n), -EINVAL);
	assert_int_equal(adit_conf_get_table(&f->errors, root, "t", &node), -EINVAL);
	assert_int_equal(adit_conf_get_array(&f->errors, root, "l", &node), -EINVAL);
	assert_true(!text && i == 7 && !b && !node);
	expect(f, "f:1:5: s: must be a string, not an integer (put it into quotes)\n"
		  "f:2:5: i: must be an integer, not a string (write it without quotes)\n"
		  "f:2:5: i: must be a number with a fraction, not a string (write it without quotes)\n"
		  "f:3:5: b: must be true or false, not a string (write it without quotes)\n"
		  "f:4:5: t: must be a table, not a list\n"
		  "f:5:5: l: must be a list, not a string (put it into brackets: [...])\n"
		  "f:6:5: n: must be from 0 to 9\n"
		  "f:7:5: z: must not hold the character U+0000\n"
		  "f:8:5: f: must be an integer, not a number with a fraction\n"
		  "f:9:5: d: must be true or false, not a date or time\n"
		  "f:10:1: h: must be a string, not a table\n");
}

static void ranges(void **state)
{
	struct fixture *f = read_text("mtu = 70000\nlow = -1\nhigh = 11\n");
	const struct adit_conf_node *root = f->conf->root;
	int64_t i = 7;

	(void)state;
	assert_int_equal(adit_conf_get_integer(&f->errors, root, "mtu", 576, 65535, &i), -EINVAL);
	assert_int_equal(adit_conf_get_integer(&f->errors, root, "low", 0, INT64_MAX, &i), -EINVAL);
	assert_int_equal(adit_conf_get_integer(&f->errors, root, "high", INT64_MIN, 10, &i), -EINVAL);
	assert_int_equal(i, 7);
	expect(f, "f:1:7: mtu: must be from 576 to 65535\nf:2:7: low: must be at least 0\n"
		  "f:3:8: high: must be at most 10\n");
}

static void words(void **state)
{
	static const char *const wires[] = { "v1", "v2", NULL }, *const types[] = { "wireguard", "forward", "static", NULL };
	struct fixture *f = read_text("wire = 'v3'\ntype = 'statik'\nother = 'zzzz'\n");
	const struct adit_conf_node *root = f->conf->root;
	size_t w = 9;

	(void)state;
	assert_int_equal(adit_conf_get_word(&f->errors, root, "wire", wires, &w), -EINVAL);
	assert_int_equal(adit_conf_get_word(&f->errors, root, "type", types, &w), -EINVAL);
	assert_int_equal(adit_conf_get_word(&f->errors, root, "other", types, &w), -EINVAL);
	assert_int_equal(w, 9);
	expect(f, "f:1:8: wire: must be v1 or v2 (did you mean v1?)\n"
		  "f:2:8: type: must be wireguard, forward or static (did you mean static?)\n"
		  "f:3:9: other: must be wireguard, forward or static\n");
}

static void keys(void **state)
{
	static const char *const known[] = { "interface", "mtu", "addresses", "persistent_keepalive_secs", NULL };
	struct fixture *f = read_text("[network.lab]\nintreface = 1\nMTU = 2\nmtu = 3\nkeepalive = 4\nzzzz = 5\n"
				      "address = 6\n\"ad dress\" = 7\n");
	const struct adit_conf_node *lab = adit_conf_get(adit_conf_get(f->conf->root, "network"), "lab");

	(void)state;
	adit_conf_only(&f->errors, lab, known);
	assert_false(adit_conf_need(&f->errors, lab, "secret", "adit genkey makes one"));
	assert_false(adit_conf_need(&f->errors, f->conf->root, "agent", NULL));
	expect(f, "f:1:1: network.lab.secret: is missing (adit genkey makes one)\n"
		  "f:1:1: agent: is missing\n"
		  "f:2:1: network.lab.intreface: unknown key (did you mean interface?)\n"
		  "f:3:1: network.lab.MTU: unknown key (did you mean mtu?)\n"
		  "f:5:1: network.lab.keepalive: unknown key (did you mean persistent_keepalive_secs?)\n"
		  "f:6:1: network.lab.zzzz: unknown key (there are interface, mtu, addresses or "
		  "persistent_keepalive_secs)\n"
		  "f:7:1: network.lab.address: unknown key (did you mean addresses?)\n"
		  "f:8:1: network.lab.\"ad dress\": unknown key (did you mean addresses?)\n");
}

/* One line for one fault: what the reader reported is not reported again. */
static void broken_once(void **state)
{
	static const char *const known[] = { "a", "b", NULL };
	struct fixture *f = read_text("a = x\nb\n");
	const struct adit_conf_node *root = f->conf->root, *node;
	const char *text;
	int64_t i;

	(void)state;
	assert_int_equal(adit_conf_get_text(&f->errors, root, "a", &text), -EINVAL);
	assert_int_equal(adit_conf_get_integer(&f->errors, root, "a", 0, 1, &i), -EINVAL);
	assert_int_equal(adit_conf_get_table(&f->errors, root, "a", &node), -EINVAL);
	assert_false(adit_conf_need(&f->errors, root, "b", NULL)); /* it may be what line 2 was to be */
	adit_conf_only(&f->errors, root, known);
	expect(f, "f:1:5: a: is no value of TOML (text stands in quotes; true and false are written small)\n"
		  "f:2:2: expected '=' after the key, found the end of the line\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(right_values), cmocka_unit_test(absent_values), cmocka_unit_test(wrong_kinds),
		cmocka_unit_test(ranges),       cmocka_unit_test(words),         cmocka_unit_test(keys),
		cmocka_unit_test(broken_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
