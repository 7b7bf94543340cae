/* SPDX-License-Identifier: ISC */
/* netplan_look.c - what a plan depends on: ways, tables, rules and sysctls as they are */
#include "device/netplan.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/dns.h"

#define FIRST_TABLE   51820u
#define TABLES        256u /* that are looked through for a free one */
#define QUICK_RULE    32766u /* main's */
#define AGENT_RULE    9700u
#define AGENT_BLOCKS  64u /* of ten priorities */

struct look {
	struct adit_netplan_seen *seen;
	bool table_used[TABLES];
	bool block_used[AGENT_BLOCKS];
};

/* --- ways --------------------------------------------------------------------- */

static unsigned way_mtu(const struct adit_netplan *in, struct adit_netlink *nl)
{
	unsigned best = 0, mtu, index, ours = if_nametoindex(in->ifname);
	uint32_t mark = in->mark || !in->in_force ? in->mark : adit_netplan_mark(in->in_force);
	size_t i;

	for (i = 0; i < in->endpoint_cnt; i++) {
		const struct adit_path *path = &in->endpoints[i];
		struct adit_addr addr = { .family = path->kind == ADIT_PATH_UDP4 ? 4 : 6 };

		if (path->kind != ADIT_PATH_UDP4 && path->kind != ADIT_PATH_UDP6)
			continue;
		memcpy(addr.bytes, path->addr, addr.family == 4 ? 4 : 16);
		if (adit_route_get(nl, &addr, mark, &index, &mtu) == 0 && index != ours && mtu > best)
			best = mtu;
	}
	if (!best && adit_route_get(nl, NULL, 0, &index, &mtu) == 0)
		best = mtu;
	return best;
}

/* --- tables and rules ------------------------------------------------------------ */

static void see_route(void *user, const struct adit_route *route)
{
	struct look *look = user;

	if (route->table >= FIRST_TABLE && route->table - FIRST_TABLE < TABLES)
		look->table_used[route->table - FIRST_TABLE] = true;
}

static void see_rule(void *user, const struct adit_rule *rule)
{
	struct look *look = user;
	uint32_t *lowest = &look->seen->lowest_rule[rule->family == 6];

	if (rule->priority && rule->priority < *lowest)
		*lowest = rule->priority;
	if (rule->priority >= AGENT_RULE && rule->priority < AGENT_RULE + AGENT_BLOCKS * 10)
		look->block_used[(rule->priority - AGENT_RULE) / 10] = true;
}

static int look_routing(struct adit_netplan_seen *seen, struct adit_netlink *nl)
{
	struct look look = { .seen = seen };
	unsigned i;
	int r;

	seen->lowest_rule[0] = seen->lowest_rule[1] = QUICK_RULE;
	r = adit_route_list(nl, 0, see_route, &look);
	if (!r)
		r = adit_rule_list(nl, see_rule, &look);
	if (r)
		return r;
	for (i = 0; i < TABLES && look.table_used[i]; i++)
		;
	seen->free_table = FIRST_TABLE + i;
	for (i = 0; i < AGENT_BLOCKS && look.block_used[i]; i++)
		;
	seen->agent_rule = AGENT_RULE + i * 10;
	return i == AGENT_BLOCKS ? -ENOSPC : 0;
}

/* --- sysctls --------------------------------------------------------------------- */

static unsigned sysctl_now(const char *path)
{
	FILE *f = fopen(path, "re");
	unsigned v = 0;

	if (!f)
		return 0;
	if (fscanf(f, "%u", &v) != 1)
		v = 0;
	fclose(f);
	return v;
}

int adit_netplan_look(struct adit_netplan_seen *ret, const struct adit_netplan *in, struct adit_netlink *nl,
		      char *err, size_t err_len)
{
	struct adit_netplan_seen seen = { 0 };
	int r = look_routing(&seen, nl);

	if (r) {
		snprintf(err, err_len, "cannot read the routing tables: %s", strerror(-r));
		return r;
	}
	if (!in->mtu)
		seen.way_mtu = way_mtu(in, nl);
	seen.ipv6 = access("/proc/sys/net/ipv6/conf/all/forwarding", F_OK) == 0;
	seen.src_valid_mark = sysctl_now("/proc/sys/net/ipv4/conf/all/src_valid_mark");
	seen.ip_forward = sysctl_now("/proc/sys/net/ipv4/ip_forward");
	seen.ipv6_forwarding = sysctl_now("/proc/sys/net/ipv6/conf/all/forwarding");
	if (in->dns_cnt)
		seen.dns_backend = adit_dns_backend();
	*ret = seen;
	return 0;
}

int adit_netplan_make(struct adit_plan *ret, const struct adit_netplan *in, struct adit_netlink *nl, char *err,
		      size_t err_len)
{
	struct adit_netplan_seen seen;
	int r = adit_netplan_look(&seen, in, nl, err, err_len);

	return r ? r : adit_netplan_build(ret, in, &seen, err, err_len);
}
