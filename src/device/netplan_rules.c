/* SPDX-License-Identifier: ISC */
/* netplan_rules.c - which table is asked: by mark, and by what shall stay outside */
#include "device/netplan_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* What no network outside the LAN routes. A link's own addresses (fe80::) are never taken. */
static const char *const lan_ranges[] = {
	"10.0.0.0/8",  "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16",
	"224.0.0.0/4", "fc00::/7",      "ff00::/8",
};
static const char link_local[] = "fe80::/10";

static struct adit_step rule(int family, uint32_t priority, uint32_t table)
{
	struct adit_step step = { .kind = ADIT_STEP_RULE, .suppress = -1 };

	step.prefix.addr.family = family == V6 ? 6 : 4;
	step.priority = priority;
	step.table = table;
	return step;
}

/* --- wg-quick's ------------------------------------------------------------ */

/* As if the kernel chose the priorities: each goes before all there are. */
static int quick_rules(struct netplan_draft *d, int family)
{
	uint32_t first = d->seen->lowest_rule[family];
	struct adit_step take = rule(family, first - 1, d->table);
	struct adit_step main_first = rule(family, first - 2, ADIT_TABLE_MAIN);
	int r;

	take.mark = d->mark;
	take.invert = true;
	main_first.suppress = 0;
	r = netplan_add(d, &take);
	return r ? r : netplan_add(d, &main_first);
}

/* --- the agent's ----------------------------------------------------------- */

static uint32_t agent_priority(const struct netplan_draft *d)
{
	const struct adit_plan *old = d->in->in_force;
	size_t i;

	for (i = 0; old && i < old->cnt; i++)
		if (old->steps[i].kind == ADIT_STEP_RULE && old->steps[i].invert)
			return old->steps[i].priority - 1;
	return d->seen->agent_rule;
}

/* Destinations that main is asked for; suppress: but not for routes as short as that. */
static int to_main(struct netplan_draft *d, uint32_t priority, const struct adit_prefix *to, int suppress)
{
	struct adit_step step = rule(netplan_family(to), priority, ADIT_TABLE_MAIN);

	if (!d->taken[netplan_family(to)])
		return 0;
	step.prefix = *to;
	step.suppress = (int16_t)suppress;
	return netplan_add(d, &step);
}

static int to_main_text(struct netplan_draft *d, uint32_t priority, const char *text)
{
	struct adit_prefix to = { 0 };

	adit_prefix_parse(&to, text);
	/* A gateway's default route, whole or in halves, is no part of the LAN. */
	return to_main(d, priority, &to, 1);
}

static int all_to_main(struct netplan_draft *d, uint32_t priority, const struct adit_prefix *list, size_t cnt,
		       int suppress)
{
	struct netplan_prefixes set;
	int r = netplan_prefixes_init(&set, list, cnt);
	size_t i;

	if (r)
		return r;
	for (i = 0; i < set.cnt && !r; i++)
		r = to_main(d, priority, &set.item[i], suppress);
	netplan_prefixes_fini(&set);
	return r;
}

static int outside(struct netplan_draft *d, uint32_t priority)
{
	const struct adit_netplan *in = d->in;
	int r = to_main_text(d, priority, link_local);
	size_t i;

	for (i = 0; i < sizeof(lan_ranges) / sizeof(lan_ranges[0]) && !in->lan_block && !r; i++)
		r = to_main_text(d, priority, lan_ranges[i]);
	if (!r)
		r = all_to_main(d, priority, in->others, in->other_cnt, 1);
	return r ? r : all_to_main(d, priority, in->exclude, in->exclude_cnt, -1);
}

static int marked_to_main(struct netplan_draft *d, uint32_t priority, int family)
{
	struct adit_step step = rule(family, priority, ADIT_TABLE_MAIN);

	step.mark = d->mark;
	return d->taken[family] ? netplan_add(d, &step) : 0;
}

static int take(struct netplan_draft *d, uint32_t priority, int family)
{
	struct adit_step step = rule(family, priority, d->table);

	step.mark = d->mark;
	step.invert = true;
	return d->taken[family] ? netplan_add(d, &step) : 0;
}

/* What shall stay outside first: then taking the rest cuts nothing off. */
static int agent_rules(struct netplan_draft *d)
{
	uint32_t priority = agent_priority(d);
	int f, r = 0;

	for (f = V4; f < FAMILIES && !r; f++)
		r = marked_to_main(d, priority, f);
	if (!r)
		r = outside(d, priority);
	for (f = V4; f < FAMILIES && !r; f++)
		r = take(d, priority + 1, f);
	return r;
}

int netplan_rules(struct netplan_draft *d)
{
	int f, r = 0;

	if (!d->taken[V4] && !d->taken[V6])
		return 0;
	if (!d->in->wg_quick)
		return agent_rules(d);
	for (f = V4; f < FAMILIES && !r; f++)
		if (d->taken[f])
			r = quick_rules(d, f);
	return r;
}
