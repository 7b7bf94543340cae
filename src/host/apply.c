/* SPDX-License-Identifier: ISC */
/* apply.c - a plan's steps on this machine: apply, verify, undo */
#include "host/apply.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The link a step is about, looked up once for steps in a row. */
static int step_link(struct adit_netlink *nl, const struct adit_step *step, struct adit_link *link)
{
	if (!strcmp(link->name, step->ifname))
		return 0;
	return adit_link_find(nl, step->ifname, link);
}

/* A name that somebody else has taken meanwhile is not ours to touch. */
static int check_tun(const struct adit_link *link)
{
	return strcmp(link->kind, "tun") ? -EEXIST : 0;
}

static int apply_step(struct adit_netlink *nl, const struct adit_step *step, struct adit_link *link)
{
	int r = step_link(nl, step, link);

	if (r)
		return r;
	switch ((enum adit_step_kind)step->kind) {
	case ADIT_STEP_TUN:
		r = check_tun(link);
		if (!r)
			adit_link_no_link_local(nl, link->index); /* fails where IPv6 is off: fine */
		return r;
	case ADIT_STEP_MTU:
		return adit_link_set_mtu(nl, link->index, step->mtu);
	case ADIT_STEP_ADDR:
		return adit_addr_add(nl, link->index, &step->prefix);
	case ADIT_STEP_UP:
		return adit_link_set_up(nl, link->index);
	case ADIT_STEP_ROUTE:
		return adit_route_add(nl, link->index, &step->prefix, step->table);
	default:
		return -EOPNOTSUPP;
	}
}

static const char *hint(const struct adit_step *step, int r)
{
	if (r == -EEXIST && step->kind == ADIT_STEP_ROUTE)
		return " (another link has a route for the same destination: see ip route show)";
	if (r == -EEXIST && step->kind == ADIT_STEP_TUN)
		return " (the link of this name is not a TUN)";
	if (r == -EACCES && step->prefix.addr.family == 6)
		return " (IPv6 is off for this link: see sysctl net.ipv6.conf.all.disable_ipv6)";
	if (r == -EPERM)
		return " (this takes root, or CAP_NET_ADMIN)";
	if (r == -ENODEV)
		return " (the link went away)";
	return "";
}

static void say(struct adit_netlink *nl, const struct adit_step *step, const char *what, int r, char *err,
		size_t err_len)
{
	const char *detail = adit_netlink_detail(nl);
	char line[ADIT_STEP_STRLEN];

	adit_step_format(step, line);
	snprintf(err, err_len, "%s%s: %s%s%s%s", what, line, strerror(-r), *detail ? ": " : "", detail,
		 hint(step, r));
}

int adit_host_apply(struct adit_netlink *nl, const struct adit_plan *plan, bool (*stop)(void), char *err,
		    size_t err_len)
{
	struct adit_link link = { 0 };
	size_t i;
	int r;

	for (i = 0; i < plan->cnt; i++) {
		if (stop && stop()) {
			snprintf(err, err_len, "interrupted");
			return -EINTR;
		}
		r = apply_step(nl, &plan->steps[i], &link);
		if (r) {
			say(nl, &plan->steps[i], "", r, err, err_len);
			return r;
		}
	}
	return 0;
}

/* --- verify --------------------------------------------------------------- */

struct expected {
	const struct adit_plan *plan;
	size_t addrs; /* of the plan, seen on the link */
};

static void see_addr(void *user, const struct adit_prefix *addr)
{
	struct expected *e = user;
	size_t i;

	for (i = 0; i < e->plan->cnt; i++) {
		const struct adit_step *step = &e->plan->steps[i];

		if (step->kind == ADIT_STEP_ADDR && step->prefix.len == addr->len &&
		    adit_addr_equal(&step->prefix.addr, &addr->addr))
			e->addrs++;
	}
}

static size_t count_kind(const struct adit_plan *plan, enum adit_step_kind kind)
{
	size_t i, n = 0;

	for (i = 0; i < plan->cnt; i++)
		n += plan->steps[i].kind == kind;
	return n;
}

static int verify_link(const struct adit_plan *plan, const struct adit_link *link, char *err, size_t err_len)
{
	size_t i;

	for (i = 0; i < plan->cnt; i++) {
		const struct adit_step *step = &plan->steps[i];

		if (step->kind == ADIT_STEP_MTU && link->mtu != step->mtu) {
			snprintf(err, err_len, "%s has MTU %u, not %u", link->name, link->mtu, step->mtu);
			return -ESTALE;
		}
		if (step->kind == ADIT_STEP_UP && !link->up) {
			snprintf(err, err_len, "%s is not up", link->name);
			return -ESTALE;
		}
	}
	return 0;
}

int adit_host_verify(struct adit_netlink *nl, const struct adit_plan *plan, char *err, size_t err_len)
{
	struct expected e = { plan, 0 };
	struct adit_link link;
	size_t routes = 0;
	int r;

	r = adit_link_find(nl, plan->name, &link);
	if (!r)
		r = adit_addr_list(nl, link.index, see_addr, &e);
	if (!r)
		r = adit_route_count(nl, link.index, &routes);
	if (r) {
		snprintf(err, err_len, "cannot read back %s: %s", plan->name, strerror(-r));
		return r;
	}
	r = verify_link(plan, &link, err, err_len);
	if (r)
		return r;
	if (e.addrs != count_kind(plan, ADIT_STEP_ADDR) || routes != count_kind(plan, ADIT_STEP_ROUTE)) {
		snprintf(err, err_len, "%s has %zu of %zu addresses and %zu of %zu routes", plan->name,
			 e.addrs, count_kind(plan, ADIT_STEP_ADDR), routes,
			 count_kind(plan, ADIT_STEP_ROUTE));
		return -ESTALE;
	}
	return 0;
}

/* --- undo ----------------------------------------------------------------- */

static bool gone_already(int r)
{
	return r == -ENODEV || r == -ESRCH || r == -EADDRNOTAVAIL || r == -ENOENT || r == -ENXIO;
}

static int undo_step(struct adit_netlink *nl, const struct adit_step *step, struct adit_link *link)
{
	int r = step_link(nl, step, link);

	if (!r)
		r = check_tun(link);
	/* Another program's link by now: ours is gone, and what was on it. */
	if (r)
		return r == -EEXIST ? 0 : r;
	switch ((enum adit_step_kind)step->kind) {
	case ADIT_STEP_TUN:
		r = adit_link_delete(nl, link->index);
		memset(link, 0, sizeof(*link));
		return r;
	case ADIT_STEP_ADDR:
		return adit_addr_delete(nl, link->index, &step->prefix);
	case ADIT_STEP_ROUTE:
		return adit_route_delete(nl, link->index, &step->prefix, step->table);
	case ADIT_STEP_MTU:
	case ADIT_STEP_UP:
		return 0; /* go with the link */
	default:
		return -EOPNOTSUPP;
	}
}

int adit_host_undo(struct adit_netlink *nl, const struct adit_plan *plan, char *err, size_t err_len)
{
	struct adit_link link = { 0 };
	int r, first = 0;
	size_t i;

	for (i = plan->cnt; i-- > 0;) {
		r = undo_step(nl, &plan->steps[i], &link);
		if (r && !gone_already(r) && !first) {
			first = r;
			say(nl, &plan->steps[i], "cannot undo ", r, err, err_len);
		}
	}
	return first;
}
