/* SPDX-License-Identifier: ISC */
/* agent_parts_test.c - small pure parts of networks: name servers, overlaps, guards of a plan */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "agent/agent.h"
#include "agent/overlap.h"
#include "agent/plan.h"
#include "agent/resolve.h"

static void test_servers(void **state)
{
	static const char text[] = "# nameserver 192.0.2.9\n; nameserver 192.0.2.8\nsearch example\n"
				   "nameserver 192.0.2.1\nnameserver\t2001:db8::1\n nameserver 192.0.2.7\n"
				   "nameserver fe80::1%eth0\nnameserver 300.1.1.1\nnameserver 192.0.2.3 # ours\nnameserver";
	struct adit_addr got[8];
	char buf[ADIT_ADDR_STRLEN];

	(void)state;
	assert_int_equal(agent_servers_parse(text, got, 8), 4);
	assert_string_equal(adit_addr_format(&got[0], buf), "192.0.2.1");
	assert_string_equal(adit_addr_format(&got[1], buf), "2001:db8::1");
	assert_string_equal(adit_addr_format(&got[2], buf), "fe80::1");
	assert_string_equal(adit_addr_format(&got[3], buf), "192.0.2.3");
	assert_int_equal(agent_servers_parse(text, got, 2), 2);
	assert_int_equal(agent_servers_parse("", got, 8), 0);
}

/* --- overlaps ------------------------------------------------------------------------------ */

struct lab {
	struct agent a;
	struct agent_network n[2];
	struct agent_network_settings s[2];
	struct agent_peer peer[2];
	struct adit_prefix allowed[2][2];
};

static void lab_init(struct lab *l, const char *a, const char *b)
{
	const char *text[] = { a, b };

	memset(l, 0, sizeof(*l));
	for (int i = 0; i < 2; i++) {
		assert_int_equal(adit_prefix_parse(&l->allowed[i][0], text[i]), 0);
		l->peer[i] = (struct agent_peer){ .allowed = l->allowed[i], .allowed_cnt = 1 };
		l->s[i] = (struct agent_network_settings){ .peers = &l->peer[i], .peer_cnt = 1 };
		l->s[i].name[0] = (char)('a' + i);
		l->n[i] = (struct agent_network){ .agent = &l->a, .settings = &l->s[i], .impl = l };
	}
	l->n[0].next = &l->n[1];
	l->a.networks = &l->n[0];
}

static void test_overlap(void **state)
{
	struct lab l;
	char err[256];

	(void)state;
	lab_init(&l, "10.0.0.0/8", "10.0.0.1/8"); /* the same, once masked */
	assert_true(agent_overlap(&l.n[0], &l.s[0], err, sizeof(err)));
	assert_non_null(strstr(err, "10.0.0.0/8"));
	assert_non_null(strstr(err, "network b"));
	assert_true(agent_overlap_between(&l.s[0], &l.s[1]));

	l.s[1].metric = 10;
	assert_false(agent_overlap(&l.n[0], &l.s[0], err, sizeof(err)));
	l.s[1].metric = 0;
	l.s[1].table = AGENT_TABLE_OFF;
	assert_false(agent_overlap(&l.n[0], &l.s[0], err, sizeof(err)));
	l.s[1].table = AGENT_TABLE_AUTO;
	l.s[1].type = AGENT_FORWARD;
	assert_false(agent_overlap(&l.n[0], &l.s[0], err, sizeof(err)));
	l.s[1].type = AGENT_WIREGUARD;
	l.n[1].impl = NULL; /* it does not run */
	assert_false(agent_overlap(&l.n[0], &l.s[0], err, sizeof(err)));
}

static void test_within(void **state)
{
	struct lab l;
	char err[256];

	(void)state;
	lab_init(&l, "10.1.0.0/16", "10.0.0.0/8");
	assert_false(agent_overlap(&l.n[0], &l.s[0], err, sizeof(err)));
	assert_string_equal(l.n[0].warning, "10.1.0.0/16 of a lies within 10.0.0.0/8 of b and goes to the former");
	lab_init(&l, "10.0.0.0/8", "10.1.0.0/16");
	assert_false(agent_overlap(&l.n[0], &l.s[0], err, sizeof(err)));
	assert_string_equal(l.n[0].warning, "10.1.0.0/16 of b lies within 10.0.0.0/8 of a and goes to the former");
	lab_init(&l, "10.1.0.0/16", "0.0.0.0/0"); /* a default is no overlap */
	assert_false(agent_overlap(&l.n[0], &l.s[0], err, sizeof(err)));
	assert_string_equal(l.n[0].warning, "");
	lab_init(&l, "10.1.0.0/16", "10.2.0.0/16");
	assert_false(agent_overlap(&l.n[0], &l.s[0], err, sizeof(err)));
	assert_string_equal(l.n[0].warning, "");
}

/* --- plans --------------------------------------------------------------------------------------- */

static void test_guards(void **state)
{
	struct adit_step up = { .kind = ADIT_STEP_UP, .ifname = "wg0" };
	struct adit_step guard = { .kind = ADIT_STEP_GUARD, .ifname = "wg0", .mark = 7, .text = (char *)"lan=allow" };
	struct adit_plan plan, guards;

	(void)state;
	adit_plan_init(&plan, "wg0");
	assert_int_equal(adit_plan_add(&plan, &up), 0);
	assert_int_equal(agent_plan_guards(&guards, &plan), -ENOENT);
	assert_int_equal(adit_plan_add(&plan, &guard), 0);
	assert_int_equal(agent_plan_guards(&guards, &plan), 0);
	assert_int_equal(guards.cnt, 1);
	assert_string_equal(guards.name, "wg0");
	assert_string_equal(guards.steps[0].text, "lan=allow");
	adit_plan_fini(&guards);
	adit_plan_fini(&plan);
}

static void test_dns_that_is_reached(void **state)
{
	struct adit_addr dns[2];
	struct lab l;

	(void)state;
	lab_init(&l, "10.42.0.0/16", "10.0.0.0/8");
	l.s[0].dns = l.s[1].dns = dns;
	l.s[0].dns_cnt = l.s[1].dns_cnt = 1;
	assert_int_equal(adit_addr_parse(&dns[0], "10.100.0.2"), 0);
	assert_false(agent_plan_reaches_dns(&l.s[0]));
	assert_true(agent_plan_reaches_dns(&l.s[1]));
	assert_int_equal(adit_addr_parse(&dns[1], "192.0.2.1"), 0);
	l.s[1].dns_cnt = 2;
	assert_false(agent_plan_reaches_dns(&l.s[1]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_servers), cmocka_unit_test(test_overlap),
		cmocka_unit_test(test_within),  cmocka_unit_test(test_guards),
		cmocka_unit_test(test_dns_that_is_reached),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
