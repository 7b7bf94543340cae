/* SPDX-License-Identifier: ISC */
/* plan.c - from a network's settings to what it changes on the machine */
#include "agent/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "device/netplan.h"
#include "statictun/settings.h"

struct prefixes {
	struct adit_prefix *p;
	size_t cnt, cap;
};

static int add(struct prefixes *to, const struct adit_prefix *prefix)
{
	if (to->cnt == to->cap) {
		size_t cap = to->cap ? 2 * to->cap : 64;
		struct adit_prefix *p = realloc(to->p, cap * sizeof(*p));

		if (!p)
			return -ENOMEM;
		to->p = p;
		to->cap = cap;
	}
	to->p[to->cnt++] = *prefix;
	return 0;
}

/* What the network's peers are for. */
static int add_allowed(struct prefixes *to, const struct agent_network_settings *s)
{
	int r = 0;

	for (size_t i = 0; i < s->peer_cnt && !r; i++)
		for (size_t k = 0; k < s->peers[i].allowed_cnt && !r; k++)
			r = add(to, &s->peers[i].allowed[k]);
	for (size_t i = 0; s->type == AGENT_STATIC && s->fixed && i < s->fixed->peer_cnt && !r; i++)
		r = add(to, &s->fixed->peers[i].prefix);
	return r;
}

/* What other networks that run lead to, but for all of a family. */
static int add_others(struct prefixes *to, const struct agent_network *n)
{
	struct prefixes all = { 0 };
	int r = 0;

	for (const struct agent_network *o = n->agent->networks; o && !r; o = o->next)
		if (o != n && o->impl && o->settings->type != AGENT_FORWARD)
			r = add_allowed(&all, o->settings);
	for (size_t i = 0; i < all.cnt && !r; i++)
		if (all.p[i].len > 1)
			r = add(to, &all.p[i]);
	free(all.p);
	return r;
}

static void fill(struct adit_netplan *in, const struct agent_network *n, const struct agent_network_settings *s,
		 const struct agent_plan_extra *extra)
{
	static const enum adit_netplan_table tables[] = {
		[AGENT_TABLE_AUTO] = ADIT_NETPLAN_TABLE_AUTO,
		[AGENT_TABLE_OFF] = ADIT_NETPLAN_TABLE_OFF,
		[AGENT_TABLE_NUMBER] = ADIT_NETPLAN_TABLE_NUMBER,
	};

	*in = (struct adit_netplan){
		.ifname = n->ifname,
		.mtu = s->mtu,
		.overhead = extra->overhead,
		.addresses = s->addresses,
		.address_cnt = s->address_cnt,
		.endpoints = extra->paths,
		.endpoint_cnt = extra->path_cnt,
		.table = tables[s->table],
		.table_number = s->table_number,
		.metric = s->metric,
		.mark = s->fwmark,
		.killswitch = s->killswitch,
		.lan_block = s->lan == AGENT_LAN_BLOCK,
		.exclude = s->exclude,
		.exclude_cnt = s->exclude_cnt,
		.guard_dns = extra->guard_dns,
		.guard_dns_cnt = extra->guard_dns_cnt,
		.forward = s->forward,
		.masquerade = s->masquerade,
		.mss_clamp = s->mss_clamp,
		.listen_port = extra->listen_port,
		.in_force = extra->in_force,
	};
	if (!extra->dns)
		return;
	in->dns = s->dns;
	in->dns_cnt = s->dns_cnt;
	in->domains = (const char *const *)s->dns_domains;
	in->domain_cnt = s->dns_domain_cnt;
	in->dns_default = s->dns_default_route ? ADIT_NETPLAN_DNS_YES : ADIT_NETPLAN_DNS_NO;
}

int agent_plan_make(struct adit_plan *ret, const struct agent_network *n, const struct agent_network_settings *s,
		    const struct agent_plan_extra *extra, char *err, size_t err_len)
{
	struct prefixes allowed = { 0 }, others = { 0 };
	struct adit_netlink *nl;
	struct adit_netplan in;
	int r = adit_netlink_open(&nl);

	if (r) {
		snprintf(err, err_len, "cannot speak to the kernel (netlink): %s", strerror(-r));
		return r;
	}
	fill(&in, n, s, extra);
	r = extra->allowed ? 0 : add_allowed(&allowed, s);
	if (!r)
		r = add_others(&others, n);
	in.allowed = extra->allowed ? extra->allowed : allowed.p;
	in.allowed_cnt = extra->allowed ? extra->allowed_cnt : allowed.cnt;
	in.others = others.p;
	in.other_cnt = others.cnt;
	if (!r)
		r = adit_netplan_make(ret, &in, nl, err, err_len);
	free(allowed.p);
	free(others.p);
	adit_netlink_close(nl);
	return r;
}

int agent_plan_guards(struct adit_plan *ret, const struct adit_plan *plan)
{
	int r = 0;

	adit_plan_init(ret, plan->name);
	for (size_t i = 0; i < plan->cnt && !r; i++)
		if (plan->steps[i].kind == ADIT_STEP_GUARD)
			r = adit_plan_add(ret, &plan->steps[i]);
	if (!r && !ret->cnt)
		r = -ENOENT;
	if (r)
		adit_plan_fini(ret);
	return r;
}

static bool reaches(const struct agent_network_settings *s, const struct adit_addr *a)
{
	for (size_t i = 0; i < s->address_cnt; i++)
		if (adit_prefix_contains(&s->addresses[i], a))
			return true;
	for (size_t i = 0; i < s->peer_cnt; i++)
		for (size_t k = 0; k < s->peers[i].allowed_cnt; k++)
			if (adit_prefix_contains(&s->peers[i].allowed[k], a))
				return true;
	for (size_t i = 0; s->fixed && i < s->fixed->peer_cnt; i++)
		if (adit_prefix_contains(&s->fixed->peers[i].prefix, a))
			return true;
	return false;
}

bool agent_plan_reaches_dns(const struct agent_network_settings *s)
{
	for (size_t i = 0; i < s->dns_cnt; i++)
		if (!reaches(s, &s->dns[i]))
			return false;
	return true;
}
