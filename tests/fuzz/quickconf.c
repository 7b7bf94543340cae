/* SPDX-License-Identifier: ISC */
/*
 * quickconf.c - the wg-quick reader: every message has its place in the file
 * and no key in it, an error and a result exclude each other, and what is
 * read is within its bounds.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/quickconf.h"
#include "fuzz.h"

struct report {
	unsigned cnt, lines;
};

static void on_report(void *user, const char *msg)
{
	struct report *r = user;
	unsigned line, col;

	r->cnt++;
	MUST(strlen(msg) < 2000 && !strchr(msg, '\n'));
	if (sscanf(msg, "f.conf:%u:%u:", &line, &col) == 2) /* all but the count of the rest */
		MUST(line >= 1 && line <= r->lines && col >= 1);
}

static void check_prefixes(const struct adit_quick_prefixes *p, unsigned lines)
{
	for (size_t i = 0; i < p->cnt; i++) {
		const struct adit_prefix *x = &p->item[i].prefix;

		MUST(x->addr.family == 4 || x->addr.family == 6);
		MUST(x->len <= (x->addr.family == 4 ? 32 : 128));
		MUST(p->item[i].pos.line >= 1 && p->item[i].pos.line <= lines);
	}
}

static void check_conf(const struct adit_quickconf *c, unsigned lines)
{
	MUST(c->mtu <= 65535);
	check_prefixes(&c->addresses, lines);
	for (size_t i = 0; i < c->extra_cnt; i++)
		MUST(c->extra[i].value && adit_quick_extra_name(c->extra[i].kind));
	for (size_t i = 0; i < c->peer_cnt; i++) {
		const struct adit_quick_peer *p = &c->peer[i];

		MUST(p->has_public_key);
		MUST(!p->endpoint_host == !p->endpoint_port);
		check_prefixes(&p->allowed, lines);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct adit_quickconf *conf = NULL;
	struct report report = { .lines = 1 };
	char *text = (char *)fuzz_copy(data, size); /* not terminated */
	int r;

	for (size_t i = 0; i < size; i++)
		report.lines += text[i] == '\n';
	r = adit_quickconf_parse(&conf, "f.conf", text, size, on_report, &report);
	MUST(r == 0 || r == -EINVAL);
	MUST((r == 0) == (conf != NULL) && (r == 0) == (report.cnt == 0));
	if (conf)
		check_conf(conf, report.lines);
	adit_quickconf_free(conf);
	free(text);
	return 0;
}
