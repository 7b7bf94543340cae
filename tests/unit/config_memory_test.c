/* SPDX-License-Identifier: ISC */
/*
 * config_memory_test.c - the readers when memory is short, and what they leave in memory: every
 * allocation fails once, and no block that is freed may still hold a secret
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/config.h"
#include "support/wiped.h"

#define SECRET WIPED_SECRET

static const char toml[] = "key = \"" SECRET "\"\n\"" SECRET "\" = \"\"\"\n" SECRET SECRET SECRET SECRET SECRET SECRET
			   SECRET SECRET SECRET "\"\"\"\na.b = [{c = '" SECRET "'}, \"x" SECRET "\\q\"]\n[a]\nb = '" SECRET
			   "'\n[x.y]\nz = 1.5\n[[l]]\nu = \"" SECRET "\nkey = '" SECRET "'\n[l.m]\n[" SECRET "\n\"" SECRET "\\q\" = 1\n";
static const char json[] = "{\"key\": \"" SECRET SECRET SECRET SECRET SECRET SECRET SECRET "\\u00e9\", \"" SECRET "\": [1.5, {\"a\": "
			   "\"" SECRET "\"}], \"key\": \"" SECRET "\", \"k2\": \"" SECRET "\\q\", \"" SECRET "\\q\": 1, "
			   "\"x\": \"" SECRET "\n}";

static int read_once(bool is_json)
{
	struct adit_conf_errors errors = { 0 };
	struct adit_conf *conf = NULL;
	int r = is_json ? adit_conf_read_json(&conf, &errors, "t", json, strlen(json), NULL) :
			  adit_conf_read_toml(&conf, &errors, "t", toml, strlen(toml), NULL);

	assert_true((r == -ENOMEM) == (conf == NULL));
	adit_conf_free(conf);
	/* keys are named in messages, values are not; so the keys here may stay */
	for (size_t i = 0; i < errors.item_cnt; i++) {
		assert_null(strstr(errors.item[i].text, SECRET));
		memset(errors.item[i].key, 0, strlen(errors.item[i].key));
	}
	if (r != -ENOMEM && !errors.no_memory)
		assert_int_equal(errors.cnt, is_json ? 4 : 5);
	adit_conf_errors_fini(&errors);
	return r;
}

static void every_allocation_fails(bool is_json)
{
	unsigned long cnt;

	wiped_start(0);
	assert_int_equal(read_once(is_json), -EINVAL);
	cnt = wiped.allocations;
	assert_int_equal(wiped.leaked, 0);
	assert_int_equal(wiped.blocks, 0);
	assert_true(cnt > 20);
	for (unsigned long n = 1; n <= cnt; n++) {
		wiped_start(n);
		read_once(is_json);
		assert_int_equal(wiped.leaked, 0);
		assert_int_equal(wiped.blocks, 0);
	}
	wiped_start(0);
}

static void toml_memory(void **state)
{
	(void)state;
	every_allocation_fails(false);
}

static void json_memory(void **state)
{
	(void)state;
	every_allocation_fails(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(toml_memory), cmocka_unit_test(json_memory) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
