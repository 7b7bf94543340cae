/* SPDX-License-Identifier: ISC */
/* netplan.c - a network's plan: what is decided, and the order of its steps */
#include "device/netplan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "device/netplan_internal.h"

#define OVERHEAD     80u    /* IPv6, UDP, message header and tag */
#define MTU_MAX      65456u /* loopback's 65536 less that */
#define MTU_MIN_IPV6 1280u

int netplan_add(struct netplan_draft *d, struct adit_step *step)
{
	snprintf(step->ifname, sizeof(step->ifname), "%s", d->in->ifname);
	return adit_plan_add(d->plan, step);
}

int netplan_add_text(struct netplan_draft *d, enum adit_step_kind kind, uint32_t mark, const char *text)
{
	struct adit_step step = { .kind = (uint8_t)kind, .mark = mark, .text = (char *)text };

	return netplan_add(d, &step);
}

/* --- the link ----------------------------------------------------------------- */

static unsigned mtu_of(const struct adit_netplan *in, const struct adit_netplan_seen *seen)
{
	/* No way there yet: what most networks have. */
	unsigned mtu = (seen->way_mtu < 576 ? 1500 : seen->way_mtu) - (in->overhead ? in->overhead : OVERHEAD);
	size_t i;

	if (in->mtu)
		return in->mtu;
	for (i = 0; i < in->address_cnt; i++)
		if (in->addresses[i].addr.family == 6 && mtu < MTU_MIN_IPV6)
			mtu = MTU_MIN_IPV6;
	return mtu < MTU_MAX ? mtu : MTU_MAX;
}

int netplan_link(struct netplan_draft *d)
{
	struct adit_step tun = { .kind = ADIT_STEP_TUN }, up = { .kind = ADIT_STEP_UP };
	struct adit_step mtu = { .kind = ADIT_STEP_MTU, .mtu = mtu_of(d->in, d->seen) };
	size_t i;
	int r = netplan_add(d, &tun);

	if (!r)
		r = netplan_add(d, &mtu);
	for (i = 0; i < d->in->address_cnt && !r; i++) {
		struct adit_step addr = { .kind = ADIT_STEP_ADDR, .prefix = d->in->addresses[i] };

		r = netplan_add(d, &addr);
	}
	return r ? r : netplan_add(d, &up);
}

/* --- decisions ------------------------------------------------------------------ */

uint32_t adit_netplan_mark(const struct adit_plan *plan)
{
	size_t i;

	for (i = 0; i < plan->cnt; i++)
		if (plan->steps[i].mark)
			return plan->steps[i].mark;
	return 0;
}

/* Would the tunnel's own datagrams be led into it? */
static bool bites_itself(const struct netplan_draft *d, int family)
{
	size_t i, k;

	for (i = 0; i < d->in->endpoint_cnt; i++) {
		const struct adit_path *path = &d->in->endpoints[i];
		struct adit_addr addr = { .family = path->kind == ADIT_PATH_UDP4 ? 4 : 6 };

		if (path->kind != (family == V4 ? ADIT_PATH_UDP4 : ADIT_PATH_UDP6))
			continue;
		memcpy(addr.bytes, path->addr, family == V4 ? 4 : 16);
		for (k = 0; k < d->routes.cnt; k++)
			if (adit_prefix_contains(&d->routes.item[k], &addr))
				return true;
	}
	return false;
}

static void decide_families(struct netplan_draft *d)
{
	const struct adit_netplan *in = d->in;
	int f;

	if (in->table != ADIT_NETPLAN_TABLE_AUTO)
		return;
	for (f = V4; f < FAMILIES; f++) {
		d->full[f] = netplan_prefixes_full(&d->routes, f);
		d->taken[f] = d->full[f] || (!in->wg_quick && bites_itself(d, f));
	}
	if (in->wg_quick)
		return;
	/* Who sends all of IPv4 through a tunnel does not want IPv6 beside it. */
	if (d->full[V4] && d->seen->ipv6)
		d->taken[V6] = true;
	if (d->full[V6] && in->killswitch)
		d->taken[V4] = true;
}

/* Table and mark are one number, as with wg-quick, and it does not change under a plan in force. */
static void decide_mark(struct netplan_draft *d)
{
	uint32_t old = d->in->in_force ? adit_netplan_mark(d->in->in_force) : 0;

	d->mark = d->in->mark ? d->in->mark : old ? old : d->seen->free_table;
	d->table = d->mark;
	/* A table that the kernel has a use for, or that is too near it. */
	if (d->in->mark && d->in->mark >= 253 && d->in->mark <= 255)
		d->table = d->seen->free_table;
}

/* --- checks ---------------------------------------------------------------------- */

static int refuse(char *err, size_t err_len, int r, const char *text)
{
	snprintf(err, err_len, "%s", text);
	return r;
}

static int check(const struct netplan_draft *d, char *err, size_t err_len)
{
	const struct adit_netplan *in = d->in;
	bool full = d->full[V4] || d->full[V6];
	int f;

	if (in->killswitch && in->table == ADIT_NETPLAN_TABLE_AUTO && !full)
		return refuse(err, err_len, -EINVAL,
			      "a killswitch needs a full tunnel (allow 0.0.0.0/0 and ::/0)");
	if (in->dns_cnt && (!d->seen->dns_backend || !strcmp(d->seen->dns_backend, "none")))
		return refuse(err, err_len, -EOPNOTSUPP, "there is no way to set DNS servers on this machine");
	for (f = V4; f < FAMILIES; f++)
		if (d->taken[f] && in->wg_quick && d->seen->lowest_rule[f] < 3)
			return refuse(err, err_len, -ENOSPC,
				      "there is no room before the first routing rule (ip rule shows it)");
	return 0;
}

/* --- the whole ---------------------------------------------------------------------- */

static int draft_routes(struct netplan_draft *d)
{
	size_t i;
	int r = netplan_prefixes_init(&d->routes, d->in->allowed, d->in->allowed_cnt);

	if (r)
		return r;
	decide_families(d);
	/* Where rules lead what is excluded outside, the routes may stay whole. */
	for (i = 0; i < d->in->exclude_cnt && !r && !d->in->wg_quick; i++) {
		struct adit_prefix hole = d->in->exclude[i];

		adit_prefix_mask(&hole);
		if (!d->taken[netplan_family(&hole)])
			r = netplan_prefixes_cut(&d->routes, &hole);
	}
	return r;
}

int adit_netplan_build(struct adit_plan *ret, const struct adit_netplan *in,
		       const struct adit_netplan_seen *seen, char *err, size_t err_len)
{
	static int (*const parts[])(struct netplan_draft *d) = {
		netplan_guard, netplan_link,    netplan_routes, netplan_replies,
		netplan_rules, netplan_gateway, netplan_dns,
	};
	struct adit_plan plan;
	struct netplan_draft d = { .plan = &plan, .in = in, .seen = seen };
	size_t i;
	int r;

	adit_plan_init(&plan, in->name ? in->name : in->ifname);
	snprintf(err, err_len, "cannot make a plan");
	r = draft_routes(&d);
	decide_mark(&d);
	if (!r)
		r = check(&d, err, err_len);
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]) && !r; i++)
		r = parts[i](&d);
	netplan_prefixes_fini(&d.routes);
	if (r) {
		adit_plan_fini(&plan);
		return r;
	}
	*ret = plan;
	return 0;
}
