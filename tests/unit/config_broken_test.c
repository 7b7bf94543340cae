/* SPDX-License-Identifier: ISC */
/*
 * config_broken_test.c - what is said about broken documents: each message with its place,
 * in order, and no other. The documents stand in tests/config/broken-*.txt.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/config.h"

#define TEXT_MAX 4096

struct text {
	char p[TEXT_MAX];
	size_t len;
};

/* A document and what must be said about it. */
struct document {
	struct text text, expected, said;
	unsigned line; /* in the list */
};

static void add(struct text *t, const char *p, size_t len)
{
	assert_true(t->len + len < sizeof(t->p));
	memcpy(t->p + t->len, p, len);
	t->len += len;
	t->p[t->len] = '\0';
}

/* A line of a document, <<0d>> being one byte. */
static void add_line(struct text *t, const char *p, size_t len)
{
	const char *end = p + len;
	unsigned byte;
	char c;

	while (p < end) {
		if (end - p >= 6 && sscanf(p, "<<%2x>>", &byte) == 1 && p[4] == '>') {
			c = (char)byte;
			add(t, &c, 1);
			p += 6;
		} else {
			add(t, p++, 1);
		}
	}
	add(t, "\n", 1);
}

static void on_report(void *user, const char *msg)
{
	struct document *d = user;

	assert_int_equal(strncmp(msg, "x:", 2), 0);
	add(&d->said, msg + 2, strlen(msg + 2));
	add(&d->said, "\n", 1);
}

static void check(struct document *d, bool json)
{
	char *copy = malloc(d->text.len ? d->text.len : 1); /* ends where the text does */
	struct adit_conf_errors errors = { 0 };
	struct adit_conf *conf = NULL;
	int r;

	assert_non_null(copy);
	memcpy(copy, d->text.p, d->text.len);
	r = json ? adit_conf_read_json(&conf, &errors, "x", copy, d->text.len, NULL) :
		   adit_conf_read_toml(&conf, &errors, "x", copy, d->text.len, NULL);
	adit_conf_errors_report(&errors, on_report, d);
	if (strcmp(d->said.p, d->expected.p) != 0)
		fail_msg("document in line %u:\n%s--- said:\n%s--- expected:\n%s", d->line, d->text.p, d->said.p,
			 d->expected.p);
	assert_int_equal(r, -EINVAL);
	assert_non_null(conf);
	adit_conf_free(conf);
	adit_conf_errors_fini(&errors);
	free(copy);
}

static unsigned check_all(const char *path, bool json)
{
	static struct document d;
	FILE *f = fopen(path, "r");
	char line[1024];
	unsigned number = 0, cnt = 0;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		size_t len = strcspn(line, "\n");

		number++;
		if (line[0] == '>') {
			if (d.expected.len) { /* the document before ends without an empty line */
				fail_msg("%s:%u: a document begins here", path, number);
			}
			d.line = d.text.len ? d.line : number;
			add_line(&d.text, line + (len > 1 ? 2 : 1), len - (len > 1 ? 2 : 1));
		} else if (line[0] == '!') {
			add(&d.expected, line + 2, len - 2);
			add(&d.expected, "\n", 1);
		} else if (!len && d.expected.len) {
			check(&d, json);
			memset(&d, 0, sizeof(d));
			cnt++;
		}
	}
	assert_int_equal(d.text.len, 0); /* the list ends with an empty line */
	fclose(f);
	return cnt;
}

static void toml(void **state)
{
	(void)state;
	assert_true(check_all(CONFIG_DATA "/broken-toml.txt", false) >= 300);
}

static void json(void **state)
{
	(void)state;
	assert_true(check_all(CONFIG_DATA "/broken-json.txt", true) >= 150);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(toml), cmocka_unit_test(json) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
