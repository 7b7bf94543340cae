/* SPDX-License-Identifier: ISC */
/* base_drop_test.c - the table of drop reasons: names fit for counters, metrics and manuals */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

#include "base/drop.h"

static void test_table(void **state)
{
	(void)state;
	assert_string_equal(adit_drop_name(ADIT_DROP_NONE), "none");
	for (int i = 1; i < ADIT_DROP_CNT; i++) {
		const char *name = adit_drop_name(i), *direction = adit_drop_direction(i), *text = adit_drop_text(i);

		assert_true(strlen(name) >= 3);
		assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_"), strlen(name));
		assert_true(!strcmp(direction, "in") || !strcmp(direction, "out") || !strcmp(direction, "hs"));
		assert_true(strlen(text) >= 10);
		assert_int_not_equal(text[strlen(text) - 1], '.'); /* stands in a table */
		for (int k = 0; k < i; k++) {
			assert_string_not_equal(name, adit_drop_name(k));
			assert_string_not_equal(text, adit_drop_text(k));
		}
	}
	assert_string_equal(adit_drop_name(ADIT_DROP_auth_failed), "auth_failed");
	assert_string_equal(adit_drop_direction(ADIT_DROP_bad_mac1), "hs");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_table) };

	return cmocka_run_group_tests_name("base_drop", tests, NULL, NULL);
}
