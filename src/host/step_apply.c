/* SPDX-License-Identifier: ISC */
/* step_apply.c - one step: made, and looked at */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/dns.h"
#include "host/gateway.h"
#include "host/guard.h"
#include "host/replies.h"
#include "host/step_internal.h"
#include "host/sysctl.h"

static int apply_tun(struct adit_host *h, const struct adit_link *link)
{
	adit_link_no_link_local(h->nl, link->index); /* fails where IPv6 is off: fine */
	return 0;
}

static int apply_on_link(struct adit_host *h, const struct adit_step *step)
{
	struct adit_link link;
	struct adit_route route;
	int r = adit_link_find(h->nl, step->ifname, &link);

	if (!r)
		r = step_check_tun(&link);
	if (r)
		return r;
	switch ((enum adit_step_kind)step->kind) {
	case ADIT_STEP_TUN:
		return apply_tun(h, &link);
	case ADIT_STEP_MTU:
		return adit_link_set_mtu(h->nl, link.index, step->mtu);
	case ADIT_STEP_ADDR:
		return adit_addr_add(h->nl, link.index, &step->prefix);
	case ADIT_STEP_UP:
		return adit_link_set_up(h->nl, link.index);
	default:
		route = step_route(step, link.index);
		return adit_route_add(h->nl, &route);
	}
}

static int apply_sysctl(const struct adit_step *step)
{
	struct adit_sysctl s;
	int r = adit_sysctl_parse(&s, step->text);

	return r ? r : adit_sysctl_write(s.path, s.value);
}

static int apply_nft(struct adit_host *h, const struct adit_step *step, const struct adit_plan *plan)
{
	int r = step_need_nft(h);

	if (r)
		return r;
	if (step->kind == ADIT_STEP_GUARD)
		return step_set_guards(h, plan);
	return step->kind == ADIT_STEP_REPLIES ? adit_replies_set(h->nft, step) : adit_gateway_set(h->nft, step);
}

static int apply_route_less(struct adit_host *h, const struct adit_step *step)
{
	struct adit_route route = step_route(step, 0);
	struct adit_rule rule = step_rule(step);

	return step->kind == ADIT_STEP_RULE ? adit_rule_add(h->nl, &rule) : adit_route_add(h->nl, &route);
}

int adit_step_apply(struct adit_host *h, const struct adit_step *step, const struct adit_plan *plan, char *err,
		    size_t err_len)
{
	int r = -EINVAL;

	switch ((enum adit_step_kind)step->kind) {
	case ADIT_STEP_TUN:
	case ADIT_STEP_MTU:
	case ADIT_STEP_ADDR:
	case ADIT_STEP_UP:
	case ADIT_STEP_ROUTE:
		r = apply_on_link(h, step);
		break;
	case ADIT_STEP_UNREACHABLE:
	case ADIT_STEP_RULE:
		r = apply_route_less(h, step);
		break;
	case ADIT_STEP_SYSCTL:
		r = apply_sysctl(step);
		break;
	case ADIT_STEP_GUARD:
	case ADIT_STEP_REPLIES:
	case ADIT_STEP_GATEWAY:
		r = apply_nft(h, step, plan);
		break;
	case ADIT_STEP_DNS:
		return adit_dns_set(step, err, err_len);
	case ADIT_STEP_KINDS:
		break;
	}
	return step_say(h, step, "", r, err, err_len);
}

/* --- in force? ------------------------------------------------------------------ */

static int intact_on_link(const struct adit_machine *m, const struct adit_step *step)
{
	const struct adit_link *link = adit_machine_link(m, step->ifname);
	struct adit_route route;

	if (!link || step_check_tun(link))
		return 0;
	switch ((enum adit_step_kind)step->kind) {
	case ADIT_STEP_TUN:
		return 1;
	case ADIT_STEP_MTU:
		return link->mtu == step->mtu;
	case ADIT_STEP_ADDR:
		return adit_machine_has_addr(m, link->index, &step->prefix);
	case ADIT_STEP_UP:
		return link->up;
	default:
		route = step_route(step, link->index);
		return adit_machine_has_route(m, &route);
	}
}

static int intact_sysctl(const struct adit_step *step)
{
	char now[ADIT_SYSCTL_VALUE_LEN];
	struct adit_sysctl s;
	int r = adit_sysctl_parse(&s, step->text);

	if (!r)
		r = adit_sysctl_read(s.path, now);
	if (r)
		return r == -ENOENT ? 0 : r;
	return strcmp(now, s.value) == 0;
}

static int intact_nft(struct adit_host *h, const struct adit_step *step, const struct adit_plan *plan)
{
	struct step_guards g = { 0 };
	int r = step_need_nft(h);

	if (r)
		return r;
	if (step->kind == ADIT_STEP_REPLIES)
		return adit_replies_intact(h->nft, step);
	if (step->kind == ADIT_STEP_GATEWAY)
		return adit_gateway_intact(h->nft, step);
	r = step_guards(&g, h, plan);
	if (!r)
		r = adit_guard_intact(h->nft, g.item, g.cnt);
	free(g.item);
	return r;
}

int adit_step_intact(struct adit_host *h, const struct adit_machine *m, const struct adit_step *step,
		     const struct adit_plan *plan)
{
	struct adit_route route;
	struct adit_rule rule;
	char err[256];

	switch ((enum adit_step_kind)step->kind) {
	case ADIT_STEP_TUN:
	case ADIT_STEP_MTU:
	case ADIT_STEP_ADDR:
	case ADIT_STEP_UP:
	case ADIT_STEP_ROUTE:
		return intact_on_link(m, step);
	case ADIT_STEP_UNREACHABLE:
		route = step_route(step, 0);
		return adit_machine_has_route(m, &route);
	case ADIT_STEP_RULE:
		rule = step_rule(step);
		return adit_machine_has_rule(m, &rule);
	case ADIT_STEP_SYSCTL:
		return intact_sysctl(step);
	case ADIT_STEP_GUARD:
	case ADIT_STEP_REPLIES:
	case ADIT_STEP_GATEWAY:
		return intact_nft(h, step, plan);
	case ADIT_STEP_DNS:
		return adit_dns_intact(step, err, sizeof(err));
	case ADIT_STEP_KINDS:
		break;
	}
	return -EINVAL;
}
