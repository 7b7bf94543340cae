/* SPDX-License-Identifier: ISC */
/* doctor_routing.c - forwarding, reverse path filters, and other programs' tunnels and rules */
#include "agent/doctor.h"

#include <stdlib.h>
#include <string.h>

#include "host/sysctl.h"

#define RTPROT_KERNEL_RULE 2
#define TABLE_DEFAULT      253
#define TABLE_LOCAL        255

static long sysctl_number(const char *path)
{
	char value[ADIT_SYSCTL_VALUE_LEN];

	return adit_sysctl_read(path, value) ? -1 : strtol(value, NULL, 10);
}

void agent_doctor_forwarding(struct agent_doctor *d)
{
	long four = sysctl_number("net/ipv4/ip_forward"), six = sysctl_number("net/ipv6/conf/all/forwarding");
	const struct agent_doctor_network *asked = NULL;
	size_t i;

	for (i = 0; i < d->network_cnt; i++)
		if (d->network[i].gateway && d->network[i].running)
			asked = &d->network[i];
	if (asked && (four < 1 || six == 0))
		agent_doctor_bad(d, AGENT_DOCTOR_PROBLEM,
				 "sysctl -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1, and look in /etc/sysctl.d for who turns it off",
				 "%s is a gateway, but the kernel forwards no %s", asked->name, four < 1 ? "IPv4" : "IPv6");
	else if (asked)
		agent_doctor_ok(d, "the kernel forwards packets, as the gateway %s needs it", asked->name);
	else if (four > 0 || six > 0)
		agent_doctor_ok(d, "the kernel forwards packets between links%s", d->network_cnt ? ", though no gateway here asks for it" : "");
	else
		agent_doctor_ok(d, "the kernel forwards no packets, which only gateways need");
}

/* --- reverse paths ------------------------------------------------------------------ */

struct strict {
	struct agent_doctor *d;
	long all;
	bool marks; /* replies by a rule on marks are known to the filter */
	unsigned found;
	char names[200];
};

static void look_at_filter(void *user, const struct adit_link *link)
{
	struct strict *s = user;
	char path[ADIT_SYSCTL_PATH_LEN];
	long own;

	if (!strcmp(link->name, "lo"))
		return;
	snprintf(path, sizeof(path), "net/ipv4/conf/%s/rp_filter", link->name);
	own = sysctl_number(path);
	if ((own > s->all ? own : s->all) != 1)
		return;
	if (strlen(s->names) + strlen(link->name) + 2 < sizeof(s->names)) {
		strcat(s->names, s->found ? " " : "");
		strcat(s->names, link->name);
	}
	s->found++;
}

void agent_doctor_rp_filter(struct agent_doctor *d)
{
	struct strict s = { .d = d, .all = sysctl_number("net/ipv4/conf/all/rp_filter") };
	const struct agent_doctor_network *full = NULL;
	size_t i;

	s.marks = sysctl_number("net/ipv4/conf/all/src_valid_mark") == 1;
	for (i = 0; i < d->network_cnt; i++)
		if (d->network[i].full && d->network[i].running)
			full = &d->network[i];
	if (!d->nl || adit_link_list(d->nl, look_at_filter, &s))
		agent_doctor_bad(d, AGENT_DOCTOR_WARNING, "", "the links cannot be listed");
	else if (s.found && full && !s.marks)
		agent_doctor_bad(d, AGENT_DOCTOR_PROBLEM, "sysctl -w net.ipv4.conf.all.src_valid_mark=1, or rp_filter=2",
				 "strict reverse path filters (%s) and no src_valid_mark: answers of the peer of %s, which takes all traffic, are dropped",
				 s.names, full->name);
	else if (s.found)
		agent_doctor_bad(d, AGENT_DOCTOR_WARNING, "sysctl -w net.ipv4.conf.all.rp_filter=2 where ways there and back differ",
				 "strict reverse path filters: what comes by %s from where the way back is another is dropped", s.names);
	else
		agent_doctor_ok(d, "no strict reverse path filter stands in the way");
}

/* --- others' tunnels ------------------------------------------------------------------ */

struct others {
	struct agent_doctor *d;
	unsigned links, rules;
	char names[200], rule[160];
	unsigned *index; /* of those links */
	unsigned half[2]; /* 0/1 and 128/1 by a link of theirs */
	unsigned all;
};

static bool is_ours(const struct agent_doctor *d, const char *ifname)
{
	size_t i;

	for (i = 0; i < d->network_cnt; i++)
		if (!strcmp(d->network[i].ifname, ifname))
			return true;
	return false;
}

static bool is_tunnel(const char *kind)
{
	static const char *const kinds[] = { "tun", "wireguard", "ppp", "xfrm", "vti", "vti6", "ovpn", "ipip", "sit", "gre" };
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(kind, kinds[i]))
			return true;
	return false;
}

static void see_link(void *user, const struct adit_link *link)
{
	struct others *o = user;
	unsigned *index;

	/* The kernel's own fall-back devices carry nothing while they are down. */
	if (!is_tunnel(link->kind) || !link->up || is_ours(o->d, link->name))
		return;
	index = realloc(o->index, (o->links + 1) * sizeof(*index));
	if (!index)
		return;
	o->index = index;
	index[o->links] = link->index;
	if (strlen(o->names) + strlen(link->name) + strlen(link->kind) + 6 < sizeof(o->names))
		sprintf(o->names + strlen(o->names), "%s%s (%s)", o->links ? ", " : "", link->name, link->kind);
	o->links++;
}

static void see_route(void *user, const struct adit_route *route)
{
	struct others *o = user;
	unsigned i;

	if (route->dst.len > 1 || route->table != ADIT_TABLE_MAIN)
		return;
	for (i = 0; i < o->links; i++) {
		if (o->index[i] != route->index)
			continue;
		o->all += !route->dst.len;
		if (route->dst.len)
			o->half[route->dst.addr.bytes[0] >> 7] = 1;
	}
}

static bool table_is_ours(const struct agent_doctor *d, const struct adit_rule *rule)
{
	size_t i;

	for (i = 0; i < d->network_cnt; i++)
		if (d->network[i].fwmark && (d->network[i].fwmark == rule->mark || d->network[i].fwmark == rule->table))
			return true;
	return false;
}

/* wg-quick's `suppress` rule has the main table, and no harm in it. */
static void see_rule(void *user, const struct adit_rule *rule)
{
	struct others *o = user;
	char mark[32] = "";

	if (rule->protocol == RTPROT_KERNEL_RULE || rule->protocol == ADIT_ROUTE_PROTOCOL || rule->table == ADIT_TABLE_MAIN ||
	    rule->table == TABLE_LOCAL || rule->table == TABLE_DEFAULT || table_is_ours(o->d, rule))
		return;
	if (o->rules++)
		return;
	if (rule->mark)
		snprintf(mark, sizeof(mark), " %sfwmark %u", rule->invert ? "not " : "", rule->mark);
	snprintf(o->rule, sizeof(o->rule), "%u:%s lookup %u (IPv%u)", rule->priority, mark, rule->table, rule->family);
}

void agent_doctor_others(struct agent_doctor *d)
{
	struct others o = { .d = d };
	int r = d->nl ? adit_link_list(d->nl, see_link, &o) : -1;

	if (!r)
		r = adit_route_list(d->nl, 0, see_route, &o);
	if (!r)
		r = adit_rule_list(d->nl, see_rule, &o);
	if (r)
		agent_doctor_bad(d, AGENT_DOCTOR_WARNING, "", "links, routes and rules cannot be listed");
	else if (o.all || (o.half[0] && o.half[1]))
		agent_doctor_bad(d, AGENT_DOCTOR_WARNING, "end the other one, or give adit's networks only prefixes of their own",
				 "another tunnel takes all traffic: %s", o.names);
	else if (o.rules)
		agent_doctor_bad(d, AGENT_DOCTOR_WARNING, "ip rule show; ip route show table all", "%u rule%s of somebody else choose%s another table: %s",
				 o.rules, o.rules == 1 ? "" : "s", o.rules == 1 ? "s" : "", o.rule);
	else if (o.links)
		agent_doctor_ok(d, "other tunnels are there, and do not take all traffic: %s", o.names);
	else
		agent_doctor_ok(d, "no other tunnel is there");
	free(o.index);
}
