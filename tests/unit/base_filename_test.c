/* SPDX-License-Identifier: ISC */
/* base_filename_test.c - folders, last parts, and what stands beside a file */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

#include "base/filename.h"

static void test_parts(void **state)
{
	static const struct {
		const char *path, *folder, *last;
	} row[] = {
		{ "/etc/adit/adit.toml", "/etc/adit", "adit.toml" },
		{ "/adit.toml", "/", "adit.toml" },
		{ "adit.toml", ".", "adit.toml" },
		{ "a/b", "a", "b" },
		{ "/etc/adit/", "/etc/adit", "" },
		{ "", ".", "" },
	};
	char folder[64];

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		assert_true(adit_filename_folder(row[i].path, folder, sizeof(folder)));
		assert_string_equal(folder, row[i].folder);
		assert_string_equal(adit_filename_last(row[i].path), row[i].last);
	}
}

static void test_beside(void **state)
{
	char ret[16];

	(void)state;
	assert_true(adit_filename_beside("/etc/a.toml", "b.key", ret, sizeof(ret)));
	assert_string_equal(ret, "/etc/b.key");
	assert_true(adit_filename_beside("/etc/a.toml", "k/b.key", ret, sizeof(ret)));
	assert_string_equal(ret, "/etc/k/b.key");
	assert_true(adit_filename_beside("/etc/a.toml", "/b.key", ret, sizeof(ret)));
	assert_string_equal(ret, "/b.key");
	assert_true(adit_filename_beside("a.toml", "b.key", ret, sizeof(ret)));
	assert_string_equal(ret, "b.key");
}

static void test_too_long(void **state)
{
	char ret[8];

	(void)state;
	assert_true(adit_filename_folder("/123456/x", ret, sizeof(ret)));
	assert_string_equal(ret, "/123456");
	assert_false(adit_filename_folder("/1234567/x", ret, sizeof(ret)));
	assert_true(adit_filename_beside("/etc/a", "12", ret, sizeof(ret)));
	assert_string_equal(ret, "/etc/12");
	assert_false(adit_filename_beside("/etc/a", "123", ret, sizeof(ret)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_beside),
		cmocka_unit_test(test_too_long),
	};

	return cmocka_run_group_tests_name("base_filename", tests, NULL, NULL);
}
