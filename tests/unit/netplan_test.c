/* SPDX-License-Identifier: ISC */
/* netplan_test.c - from settings and what is seen of a machine to the lines of a plan */
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "device/netplan.h"
#include "device/netplan_internal.h"

#define MAX 16

static const struct adit_netplan_seen machine = {
	.way_mtu = 1500, .free_table = 51820, .lowest_rule = { 32766, 32766 }, .agent_rule = 9700,
	.ipv6 = true, .ip_forward = 0, .ipv6_forwarding = 1, .dns_backend = "file",
};

/* --- settings as words ----------------------------------------------------- */

struct lists {
	struct adit_prefix addresses[MAX], allowed[MAX], exclude[MAX], others[MAX];
	struct adit_addr dns[MAX], guard_dns[MAX];
	struct adit_path endpoints[MAX];
};

static size_t each_word(const char *text, void (*read)(void *list, size_t i, const char *word), void *list)
{
	char copy[512], *save = NULL, *word;
	size_t n = 0;

	snprintf(copy, sizeof(copy), "%s", text ? text : "");
	for (word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		assert_true(n < MAX);
		read(list, n++, word);
	}
	return n;
}

static void read_prefix(void *list, size_t i, const char *word)
{
	assert_int_equal(adit_prefix_parse((struct adit_prefix *)list + i, word), 0);
}

static void read_addr(void *list, size_t i, const char *word)
{
	assert_int_equal(adit_addr_parse((struct adit_addr *)list + i, word), 0);
}

static void read_path(void *list, size_t i, const char *word)
{
	assert_int_equal(adit_path_parse((struct adit_path *)list + i, word, NULL), 0);
}

struct row {
	const char *what;
	struct adit_netplan in; /* without lists */
	const char *addresses, *allowed, *endpoints, *exclude, *others, *dns, *guard_dns;
	struct adit_netplan_seen seen; /* all zero: the machine above */
	const char *lines; /* but for tun, mtu, addr and up, unless whole; NULL: refused */
	bool whole;
	uint32_t mark;
};

static void fill(struct adit_netplan *in, struct lists *l, const struct row *row)
{
	*in = row->in;
	in->ifname = "t0";
	in->addresses = l->addresses;
	in->address_cnt = each_word(row->addresses, read_prefix, l->addresses);
	in->allowed = l->allowed;
	in->allowed_cnt = each_word(row->allowed, read_prefix, l->allowed);
	in->exclude = l->exclude;
	in->exclude_cnt = each_word(row->exclude, read_prefix, l->exclude);
	in->others = l->others;
	in->other_cnt = each_word(row->others, read_prefix, l->others);
	in->dns = l->dns;
	in->dns_cnt = each_word(row->dns, read_addr, l->dns);
	in->guard_dns = l->guard_dns;
	in->guard_dns_cnt = each_word(row->guard_dns, read_addr, l->guard_dns);
	in->endpoints = l->endpoints;
	in->endpoint_cnt = each_word(row->endpoints, read_path, l->endpoints);
}

static bool of_the_link(const struct adit_step *step)
{
	return step->kind <= ADIT_STEP_UP;
}

static char *plan_lines(const struct adit_plan *plan, bool whole)
{
	char *text;
	size_t len, i;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	for (i = 0; i < plan->cnt; i++)
		if (whole || !of_the_link(&plan->steps[i]))
			adit_step_print(f, &plan->steps[i]);
	fclose(f);
	return text;
}

/* What is printed is what a journal would hold. */
static void check_parses(const struct adit_plan *plan)
{
	size_t i;

	for (i = 0; i < plan->cnt; i++) {
		char line[ADIT_STEP_STRLEN];
		struct adit_step step;

		assert_int_equal(adit_step_parse(&step, adit_step_format(&plan->steps[i], line)), 0);
		assert_true(adit_step_equal(&step, &plan->steps[i]));
		free(step.text);
	}
}

static void check_row(const struct row *row)
{
	struct adit_netplan in;
	struct lists lists = { 0 };
	struct adit_plan plan;
	char err[256], *text;
	int r;

	fill(&in, &lists, row);
	r = adit_netplan_build(&plan, &in, row->seen.free_table ? &row->seen : &machine, err, sizeof(err));
	if (!row->lines) {
		assert_true(r < 0 && strlen(err) > 10);
		return;
	}
	assert_int_equal(r, 0);
	text = plan_lines(&plan, row->whole);
	if (strcmp(text, row->lines))
		print_error("%s:\n%s", row->what, text);
	assert_string_equal(text, row->lines);
	assert_int_equal(adit_netplan_mark(&plan), row->mark);
	assert_string_equal(plan.name, in.name ? in.name : "t0");
	check_parses(&plan);
	free(text);
	adit_plan_fini(&plan);
}

/* --- wg-quick's habit -------------------------------------------------------- */

#define QUICK .in = { .wg_quick = true }

static const struct row quick_rows[] = {
	{ "a split tunnel, whole", QUICK, .addresses = "10.9.0.1/24 fd09::1/64",
	  .allowed = "10.9.0.2 fd09::2 10.50.0.0/16 2001:db8:5::/48 10.50.1.2/16 10.0.0.0/8", .whole = true,
	  .lines = "tun t0\nmtu t0 1420\naddr t0 10.9.0.1/24\naddr t0 fd09::1/64\nup t0\n"
		   "route t0 2001:db8:5::/48 254\nroute t0 10.50.0.0/16 254\nroute t0 10.0.0.0/8 254\n" },
	{ "both families", QUICK, .addresses = "10.9.0.1/24 fd09::1/64", .allowed = "0.0.0.0/0 ::/0 10.50.0.0/16",
	  .lines = "route t0 10.50.0.0/16 254\nroute t0 0.0.0.0/0 51820\nroute t0 ::/0 51820\n"
		   "replies t0 51820 10.9.0.1,fd09::1\nsysctl t0 net/ipv4/conf/all/src_valid_mark 1 0\n"
		   "rule t0 4 32765 51820 !51820 -1 0.0.0.0/0\nrule t0 4 32764 254 0 0 0.0.0.0/0\n"
		   "rule t0 6 32765 51820 !51820 -1 ::/0\nrule t0 6 32764 254 0 0 ::/0\n", .mark = 51820 },
	{ "IPv6 alone leaves IPv4 as it is", QUICK, .addresses = "10.9.0.1/24 fd09::1/64", .allowed = "::/0",
	  .lines = "route t0 ::/0 51820\nreplies t0 51820 fd09::1\n"
		   "rule t0 6 32765 51820 !51820 -1 ::/0\nrule t0 6 32764 254 0 0 ::/0\n", .mark = 51820 },
	{ "the halves are a default route", QUICK, .addresses = "10.9.0.1/24", .allowed = "0.0.0.0/1 128.0.0.0/1",
	  .lines = "route t0 0.0.0.0/1 51820\nroute t0 128.0.0.0/1 51820\nreplies t0 51820 10.9.0.1\n"
		   "sysctl t0 net/ipv4/conf/all/src_valid_mark 1 0\n"
		   "rule t0 4 32765 51820 !51820 -1 0.0.0.0/0\nrule t0 4 32764 254 0 0 0.0.0.0/0\n",
	  .mark = 51820 },
	{ "one half is not", QUICK, .addresses = "10.9.0.1/24", .allowed = "128.0.0.0/1",
	  .lines = "route t0 128.0.0.0/1 254\n" },
	{ "a mark of the file's is the table", .in = { .wg_quick = true, .mark = 1234 }, .addresses = "10.9.0.1/32",
	  .allowed = "0.0.0.0/0",
	  .lines = "route t0 0.0.0.0/0 1234\nreplies t0 1234 10.9.0.1\n"
		   "sysctl t0 net/ipv4/conf/all/src_valid_mark 1 0\n"
		   "rule t0 4 32765 1234 !1234 -1 0.0.0.0/0\nrule t0 4 32764 254 0 0 0.0.0.0/0\n", .mark = 1234 },
	{ "before other rules, in the next free table", QUICK, .addresses = "10.9.0.1/32", .allowed = "0.0.0.0/0",
	  .seen = { .free_table = 51822, .lowest_rule = { 100, 32766 }, .src_valid_mark = 1, .ipv6 = true },
	  .lines = "route t0 0.0.0.0/0 51822\nreplies t0 51822 10.9.0.1\n"
		   "sysctl t0 net/ipv4/conf/all/src_valid_mark 1 1\n"
		   "rule t0 4 99 51822 !51822 -1 0.0.0.0/0\nrule t0 4 98 254 0 0 0.0.0.0/0\n", .mark = 51822 },
	{ "no room before other rules", QUICK, .addresses = "10.9.0.1/32", .allowed = "0.0.0.0/0",
	  .seen = { .free_table = 51820, .lowest_rule = { 2, 32766 } }, .lines = NULL },
	{ "Table = off", .in = { .wg_quick = true, .table = ADIT_NETPLAN_TABLE_OFF }, .addresses = "10.9.0.1/24",
	  .allowed = "0.0.0.0/0 10.50.0.0/16", .lines = "" },
	{ "Table = 1234", .in = { .wg_quick = true, .table = ADIT_NETPLAN_TABLE_NUMBER, .table_number = 1234 },
	  .addresses = "10.9.0.1/24", .allowed = "0.0.0.0/0 10.9.0.2",
	  .lines = "route t0 10.9.0.2/32 1234\nroute t0 0.0.0.0/0 1234\n" },
	{ "DNS takes all names, domains or none", .in = { .wg_quick = true,
	  .domains = (const char *const[]){ "corp.example", "lab" }, .domain_cnt = 2 }, .addresses = "10.9.0.1/24",
	  .dns = "10.9.0.53 fd09::53",
	  .lines = "dns t0 file servers=10.9.0.53,fd09::53 domains=corp.example,lab default=yes\n" },
	{ "domains without a server", .in = { .wg_quick = true, .domains = (const char *const[]){ "lab" },
	  .domain_cnt = 1 }, .addresses = "10.9.0.1/24", .lines = "" },
	{ "no way to set DNS", QUICK, .dns = "10.9.0.53",
	  .seen = { .free_table = 51820, .lowest_rule = { 9, 9 }, .dns_backend = "none" }, .lines = NULL },
	{ "MTU of the way", QUICK, .whole = true, .seen = { .free_table = 51820, .way_mtu = 1492 },
	  .lines = "tun t0\nmtu t0 1412\nup t0\n" },
	{ "MTU of no way", QUICK, .whole = true, .seen = { .free_table = 51820 },
	  .lines = "tun t0\nmtu t0 1420\nup t0\n" },
	{ "MTU that IPv6 needs", QUICK, .addresses = "fd09::1/64", .whole = true,
	  .seen = { .free_table = 51820, .way_mtu = 1300 },
	  .lines = "tun t0\nmtu t0 1280\naddr t0 fd09::1/64\nup t0\n" },
	{ "MTU of loopback", QUICK, .whole = true, .seen = { .free_table = 51820, .way_mtu = 65536 },
	  .lines = "tun t0\nmtu t0 65456\nup t0\n" },
	{ "MTU that is given; another overhead", .in = { .wg_quick = true, .mtu = 1300, .overhead = 100 },
	  .whole = true, .lines = "tun t0\nmtu t0 1300\nup t0\n" },
	{ "another overhead", .in = { .wg_quick = true, .overhead = 100 }, .whole = true,
	  .lines = "tun t0\nmtu t0 1400\nup t0\n" },
};

/* --- the agent's -------------------------------------------------------------- */

#define MARKED4 "rule t0 4 9700 254 51820 -1 0.0.0.0/0\n"
#define MARKED6 "rule t0 6 9700 254 51820 -1 ::/0\n"
#define LINK6   "rule t0 6 9700 254 0 1 fe80::/10\n"
#define LAN4                                                                                              \
	"rule t0 4 9700 254 0 1 10.0.0.0/8\nrule t0 4 9700 254 0 1 172.16.0.0/12\n"                       \
	"rule t0 4 9700 254 0 1 192.168.0.0/16\nrule t0 4 9700 254 0 1 169.254.0.0/16\n"                  \
	"rule t0 4 9700 254 0 1 224.0.0.0/4\n"
#define LAN6  "rule t0 6 9700 254 0 1 fc00::/7\nrule t0 6 9700 254 0 1 ff00::/8\n"
#define TAKE4 "rule t0 4 9701 51820 !51820 -1 0.0.0.0/0\n"
#define TAKE6 "rule t0 6 9701 51820 !51820 -1 ::/0\n"
#define VALID "sysctl t0 net/ipv4/conf/all/src_valid_mark 1 0\n"
#define DEAD4 "unreachable t0 0.0.0.0/0 51820 1073741824\n"
#define DEAD6 "unreachable t0 ::/0 51820 1073741824\n"

static const struct row agent_rows[] = {
	{ "a split tunnel", .in = { .metric = 20 }, .addresses = "10.9.0.1/24", .allowed = "10.9.0.2 10.50.0.0/16",
	  .endpoints = "192.0.2.1:51820", .lines = "route t0 10.50.0.0/16 254 20\n" },
	{ "both families", .in = { .lan_block = true }, .addresses = "10.9.0.1/24 fd09::1/64",
	  .allowed = "0.0.0.0/0 ::/0 10.9.0.2",
	  .lines = DEAD4 DEAD6 "route t0 10.9.0.2/32 51820\nroute t0 0.0.0.0/0 51820\nroute t0 ::/0 51820\n"
		   "replies t0 51820 10.9.0.1,fd09::1\n" VALID MARKED4 MARKED6 LINK6 TAKE4 TAKE6, .mark = 51820 },
	{ "IPv4 takes IPv6 too, and the LAN stays", .addresses = "10.9.0.1/24", .allowed = "0.0.0.0/0",
	  .lines = DEAD4 DEAD6 "route t0 0.0.0.0/0 51820\nreplies t0 51820 10.9.0.1\n" VALID MARKED4 MARKED6
			LINK6 LAN4 LAN6 TAKE4 TAKE6, .mark = 51820 },
	{ "on a machine without IPv6", .in = { .lan_block = true }, .addresses = "10.9.0.1/24",
	  .allowed = "0.0.0.0/1 128.0.0.0/1",
	  .seen = { .free_table = 51820, .lowest_rule = { 32766, 32766 }, .agent_rule = 9700 },
	  .lines = DEAD4 "route t0 0.0.0.0/1 51820\nroute t0 128.0.0.0/1 51820\nreplies t0 51820 10.9.0.1\n" VALID
			MARKED4 TAKE4, .mark = 51820 },
	{ "IPv6 alone takes no IPv4", .in = { .lan_block = true }, .addresses = "fd09::1/64", .allowed = "::/0",
	  .lines = DEAD6 "route t0 ::/0 51820\nreplies t0 51820 fd09::1\n" MARKED6 LINK6 TAKE6, .mark = 51820 },
	{ "but with a killswitch", .in = { .lan_block = true, .killswitch = true }, .addresses = "fd09::1/64",
	  .allowed = "::/0", .endpoints = "192.0.2.1:51820 [2001:db8::1]:443", .guard_dns = "192.0.2.53",
	  .lines = "guard t0 51820 lan=block to=192.0.2.1:51820,[2001:db8::1]:443 dns=192.0.2.53 own=fd09::1\n" DEAD4 DEAD6
		   "route t0 ::/0 51820\nreplies t0 51820 fd09::1\n" VALID MARKED4 MARKED6 LINK6 TAKE4 TAKE6,
	  .mark = 51820 },
	{ "a killswitch of a split tunnel", .in = { .killswitch = true }, .allowed = "10.0.0.0/8", .lines = NULL },
	{ "a killswitch and no routes of ours", .in = { .killswitch = true, .table = ADIT_NETPLAN_TABLE_OFF,
	  .mark = 77 }, .allowed = "10.0.0.0/8", .endpoints = "192.0.2.1:51820",
	  .lines = "guard t0 77 lan=allow to=192.0.2.1:51820\n", .mark = 77 },
	{ "what stays outside, what others have", .in = { .lan_block = true, .killswitch = true, .mark = 5 },
	  .addresses = "10.9.0.1/24", .allowed = "0.0.0.0/0", .exclude = "192.0.2.9/24 2001:db8:9::/48",
	  .others = "10.42.0.0/16",
	  .seen = { .free_table = 51820, .lowest_rule = { 32766, 32766 }, .agent_rule = 9710, .ipv6 = true },
	  .lines = "guard t0 5 lan=block exclude=192.0.2.0/24,2001:db8:9::/48 own=10.9.0.1\n"
		   "unreachable t0 0.0.0.0/0 5 1073741824\nunreachable t0 ::/0 5 1073741824\n"
		   "route t0 0.0.0.0/0 5\nreplies t0 5 10.9.0.1\n" VALID
		   "rule t0 4 9710 254 5 -1 0.0.0.0/0\nrule t0 6 9710 254 5 -1 ::/0\nrule t0 6 9710 254 0 1 fe80::/10\n"
		   "rule t0 4 9710 254 0 1 10.42.0.0/16\n"
		   "rule t0 6 9710 254 0 -1 2001:db8:9::/48\nrule t0 4 9710 254 0 -1 192.0.2.0/24\n"
		   "rule t0 4 9711 5 !5 -1 0.0.0.0/0\nrule t0 6 9711 5 !5 -1 ::/0\n", .mark = 5 },
	{ "excluded from a split tunnel: the routes beside it", .addresses = "10.9.0.1/32",
	  .allowed = "10.0.0.0/8 10.64.7.0/24 172.16.0.0/12", .exclude = "10.64.0.0/10",
	  .lines = "route t0 172.16.0.0/12 254\nroute t0 10.0.0.0/10 254\nroute t0 10.128.0.0/9 254\n" },
	{ "an endpoint inside what is allowed", .in = { .lan_block = true }, .addresses = "10.9.0.1/24",
	  .allowed = "192.0.2.0/24 fd10::/64", .endpoints = "192.0.2.1:51820",
	  .lines = "route t0 fd10::/64 254\nroute t0 192.0.2.0/24 51820\nreplies t0 51820 10.9.0.1\n" VALID MARKED4
			TAKE4, .mark = 51820 },
	{ "a gateway", .in = { .forward = true, .masquerade = true, .mss_clamp = true, .listen_port = 51820 },
	  .addresses = "10.9.0.1/24 fd09::1/64",
	  .lines = "gateway t0 forward masquerade mss_clamp port=51820\nsysctl t0 net/ipv4/ip_forward 1 0\n"
		   "sysctl t0 net/ipv6/conf/all/forwarding 1 1\n" },
	{ "a gateway of IPv4", .in = { .forward = true }, .addresses = "10.9.0.1/24",
	  .lines = "gateway t0 forward\nsysctl t0 net/ipv4/ip_forward 1 0\n" },
	{ "DNS of a split tunnel with domains", .in = { .domains = (const char *const[]){ "~corp.example" },
	  .domain_cnt = 1 }, .addresses = "10.9.0.1/24", .dns = "10.9.0.53",
	  .lines = "dns t0 file servers=10.9.0.53 domains=~corp.example default=no\n" },
	{ "DNS of a split tunnel", .addresses = "10.9.0.1/24", .dns = "10.9.0.53",
	  .lines = "dns t0 file servers=10.9.0.53 default=yes\n" },
	{ "DNS as it is said", .in = { .dns_default = ADIT_NETPLAN_DNS_NO, .name = "office" },
	  .addresses = "10.9.0.1/24", .dns = "10.9.0.53", .lines = "dns t0 file servers=10.9.0.53 default=no\n" },
};

static void wg_quick(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(quick_rows) / sizeof(quick_rows[0]); i++)
		check_row(&quick_rows[i]);
}

static void agent(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(agent_rows) / sizeof(agent_rows[0]); i++)
		check_row(&agent_rows[i]);
}

/* A plan made again keeps what the one in force has, though the machine shows it as taken. */
static void in_force(void **state)
{
	const struct row row = { .in = { .forward = true }, .addresses = "10.9.0.1/24", .allowed = "0.0.0.0/0" };
	struct adit_netplan_seen later = machine;
	struct adit_netplan in;
	struct lists lists = { 0 };
	struct adit_plan first, second;
	char err[256], *a, *b;

	(void)state;
	fill(&in, &lists, &row);
	assert_int_equal(adit_netplan_build(&first, &in, &machine, err, sizeof(err)), 0);
	later.free_table = 51821;
	later.agent_rule = 9710;
	later.src_valid_mark = later.ip_forward = 1;
	in.in_force = &first;
	assert_int_equal(adit_netplan_build(&second, &in, &later, err, sizeof(err)), 0);
	a = plan_lines(&first, true);
	b = plan_lines(&second, true);
	assert_string_equal(a, b);
	free(a);
	free(b);
	adit_plan_fini(&first);
	adit_plan_fini(&second);
}

/* --- what is seen, in a namespace of our own ------------------------------------- */

static void look(void **state)
{
	const struct adit_rule rule4 = { .family = 4, .priority = 120, .table = 254, .suppress = -1, .to = { { 4, { 0 } }, 0 } };
	const struct adit_rule rule6 = { .family = 6, .priority = 9705, .table = 254, .suppress = -1, .to = { { 6, { 0 } }, 0 } };
	const struct adit_route route = { .dst = { { 4, { 0 } }, 0 }, .table = 51820, .metric = 9 };
	const struct row row = { .in = { .wg_quick = true }, .endpoints = "127.0.0.1:9" };
	struct adit_netplan_seen seen;
	struct adit_netplan in;
	struct lists lists = { 0 };
	struct adit_netlink *nl;
	struct adit_link lo;
	char err[256];

	(void)state;
	if (unshare(CLONE_NEWNET) < 0)
		skip();
	fill(&in, &lists, &row);
	assert_int_equal(adit_netlink_open(&nl), 0);
	assert_int_equal(adit_netplan_look(&seen, &in, nl, err, sizeof(err)), 0);
	assert_int_equal(seen.free_table, 51820);
	assert_int_equal(seen.agent_rule, 9700);
	assert_int_equal(seen.lowest_rule[0], 32766);
	assert_int_equal(seen.lowest_rule[1], 32766);
	assert_int_equal(seen.way_mtu, 0);
	assert_int_equal(adit_link_find(nl, "lo", &lo), 0);
	assert_int_equal(adit_link_set_up(nl, lo.index), 0);
	assert_int_equal(adit_rule_add(nl, &rule4), 0);
	assert_int_equal(adit_rule_add(nl, &rule6), 0);
	assert_int_equal(adit_route_add(nl, &route), 0);
	assert_int_equal(adit_netplan_look(&seen, &in, nl, err, sizeof(err)), 0);
	assert_int_equal(seen.free_table, 51821);
	assert_int_equal(seen.agent_rule, 9710);
	assert_int_equal(seen.lowest_rule[0], 120);
	assert_int_equal(seen.lowest_rule[1], 9705);
	assert_int_equal(seen.way_mtu, 65536);
	adit_netlink_close(nl);
}

/* --- prefixes against the stupid way -------------------------------------------- */

/* Small ones, 10.0.0.0/24 to /32, so that all addresses can be asked. */
static struct adit_prefix small(void)
{
	struct adit_prefix p = { .addr = { 4, { 10, 0, 0, (uint8_t)rand() } }, .len = (uint8_t)(24 + rand() % 9) };

	return p;
}

static bool in_set(const struct adit_prefix *list, size_t cnt, unsigned last)
{
	struct adit_addr addr = { 4, { 10, 0, 0, (uint8_t)last } };
	size_t i;

	for (i = 0; i < cnt; i++)
		if (adit_prefix_contains(&list[i], &addr))
			return true;
	return false;
}

static void holes(void **state)
{
	int round;

	(void)state;
	srand(7);
	for (round = 0; round < 500; round++) {
		struct adit_prefix list[3] = { small(), small(), small() }, hole = small();
		struct netplan_prefixes set;
		unsigned a;

		adit_prefix_mask(&hole);
		assert_int_equal(netplan_prefixes_init(&set, list, 3), 0);
		assert_int_equal(netplan_prefixes_cut(&set, &hole), 0);
		for (a = 0; a < 256; a++)
			assert_int_equal(in_set(set.item, set.cnt, a),
					 in_set(list, 3, a) && !in_set(&hole, 1, a));
		netplan_prefixes_fini(&set);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wg_quick),
		cmocka_unit_test(agent),
		cmocka_unit_test(in_force),
		cmocka_unit_test(holes),
		cmocka_unit_test(look),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
