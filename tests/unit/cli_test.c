/* SPDX-License-Identifier: ISC */
/* The command table: whole, unambiguous, and fit for the help and the completions made from it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <string.h>

#include "cli/cli.h"

static void test_whole(void **state)
{
	const struct adit_command *c;

	(void)state;
	for (c = adit_commands; c->name; c++) {
		print_message("# %s\n", c->name);
		assert_non_null(c->run);
		assert_non_null(c->options);
		assert_true(*c->name && *c->topic && *c->summary && *c->about && *c->example && *c->complete);
		assert_non_null(c->synopsis);
		/* in one line of `adit help`, as a phrase */
		assert_true(strlen(c->name) + strlen(c->synopsis) <= 30);
		assert_true(strlen(c->summary) <= 60);
		assert_false(isupper((unsigned char)c->summary[0]));
		assert_true(c->summary[strlen(c->summary) - 1] != '.');
		assert_non_null(strstr(c->example, "adit"));
		assert_null(strchr(c->summary, '\\')); /* the shells' quoting */
	}
}

static void test_no_name_twice(void **state)
{
	const struct adit_command *a, *b;

	(void)state;
	for (a = adit_commands; a->name; a++)
		for (b = a + 1; b->name; b++)
			assert_string_not_equal(a->name, b->name);
}

/* "-f, --foreground" or "--json", and never --help: that is everybody's */
static void test_options(void **state)
{
	const struct adit_command *c;
	const struct adit_option *o;

	(void)state;
	for (c = adit_commands; c->name; c++) {
		for (o = c->options; o->name; o++) {
			const char *name = o->name;

			assert_true(o->text && *o->text);
			assert_null(strstr(o->text, "\\"));
			assert_null(strstr(name, "--help"));
			if (name[1] != '-') {
				assert_true(name[0] == '-' && isalpha((unsigned char)name[1]));
				assert_true(!name[2] || !strncmp(name + 2, ", --", 4));
				name = name[2] ? name + 4 : NULL;
			}
			if (name)
				assert_true(!strncmp(name, "--", 2) && strlen(name) > 3);
		}
	}
}

static void test_find(void **state)
{
	const struct adit_command *c;

	(void)state;
	for (c = adit_commands; c->name; c++)
		assert_ptr_equal(adit_command_find(c->name), c);
	assert_null(adit_command_find(""));
	assert_null(adit_command_find("sho"));
	assert_null(adit_command_find("show "));
}

static void test_nearest(void **state)
{
	static const struct {
		const char *typed, *meant; /* NULL: nothing is near */
	} cases[] = {
		{ "sho", "show" }, { "shwo", "show" }, { "devcie", "device" }, { "genkye", "genkey" },
		{ "pubky", "pubkey" }, { "versoin", "version" }, { "xyzzy", NULL }, { "", NULL },
		{ "a-very-long-word-that-nobody-would-take-for-a-command", NULL },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct adit_command *c = adit_command_nearest(cases[i].typed);

		if (!cases[i].meant) {
			assert_null(c);
			continue;
		}
		assert_non_null(c);
		assert_string_equal(c->name, cases[i].meant);
	}
}

/* Wrong calls say so by their status, and never start anything. */
static void test_usage(void **state)
{
	static const struct {
		const char *argv[4];
	} cases[] = {
		{ { "device" } }, { { "device", "-x", "wg0" } }, { { "device", "a", "b" } }, { { "device", "a/b" } },
		{ { "device", "sixteen-letters!" } }, { { "device", "0123456789abcdef" } }, { { "device", "" } },
		{ { "device", ".." } }, { { "show", "--nonsense" } }, { { "show", "a", "b" } }, { { "show", "a/b" } },
		{ { "genkey", "x" } }, { { "genpsk", "x" } }, { { "pubkey", "x" } }, { { "version", "x" } },
		{ { "completion" } }, { { "completion", "csh" } }, { { "help", "nonsense" } },
		{ { "help", "show", "x" } },
		{ { "check", "a", "b" } }, { { "check", "--nonsense" } }, { { "config" } }, { { "config", "list" } },
		{ { "config", "show", "a", "b" } }, { { "import" } }, { { "import", "x.toml" } },
		{ { "import", "x.conf", "--name" } }, { { "import", "x.conf", "--name=a/b" } }, { { "export" } },
		{ { "export", "a", "b" } }, { { "export", "--qr", "--wg-quick", "a" } }, { { "export", "a", "-c" } },
		{ { "genkey", "-o" } }, { { "genkey", "-o", "" } },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct adit_command *c = adit_command_find(cases[i].argv[0]);
		char word[4][32], *argv[5] = { NULL };
		int argc;

		assert_non_null(c);
		for (argc = 0; argc < 4 && cases[i].argv[argc]; argc++)
			argv[argc] = strcpy(word[argc], cases[i].argv[argc]);
		assert_int_equal(c->run(argc, argv), ADIT_EXIT_USAGE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),   cmocka_unit_test(test_no_name_twice), cmocka_unit_test(test_options),
		cmocka_unit_test(test_find),    cmocka_unit_test(test_nearest),       cmocka_unit_test(test_usage),
	};

	return cmocka_run_group_tests_name("cli", tests, NULL, NULL);
}
