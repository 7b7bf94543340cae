/* SPDX-License-Identifier: ISC */
/* step_undo.c - one step, undone; what is gone already is fine */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "host/dns.h"
#include "host/gateway.h"
#include "host/replies.h"
#include "host/step_internal.h"
#include "host/sysctl.h"

static bool is_nft(const struct adit_step *s)
{
	return s->kind == ADIT_STEP_GUARD || s->kind == ADIT_STEP_REPLIES || s->kind == ADIT_STEP_GATEWAY;
}

static bool gone_already(int r)
{
	return r == -ENODEV || r == -ESRCH || r == -EADDRNOTAVAIL || r == -ENOENT || r == -ENXIO;
}

static int undo_on_link(struct adit_host *h, const struct adit_step *step)
{
	struct adit_link link;
	struct adit_route route;
	int r = adit_link_find(h->nl, step->ifname, &link);

	if (r)
		return r;
	if (step_check_tun(&link))
		return 0; /* another program's link by now: ours is gone, and what was on it */
	switch ((enum adit_step_kind)step->kind) {
	case ADIT_STEP_TUN:
		return adit_link_delete(h->nl, link.index);
	case ADIT_STEP_ADDR:
		return adit_addr_delete(h->nl, link.index, &step->prefix);
	case ADIT_STEP_ROUTE:
		route = step_route(step, link.index);
		return adit_route_delete(h->nl, &route);
	default:
		return 0; /* goes with the link */
	}
}

static int undo_route_less(struct adit_host *h, const struct adit_step *step, const struct adit_plan *left)
{
	struct adit_route route = step_route(step, 0);
	struct adit_rule rule = step_rule(step);

	if (step_find_other(h, step, left))
		return 0;
	return step->kind == ADIT_STEP_RULE ? adit_rule_delete(h->nl, &rule) : adit_route_delete(h->nl, &route);
}

/* Another plan that wants a value of its own gets it. */
static int undo_sysctl(const struct adit_host *h, const struct adit_step *step, const struct adit_plan *left)
{
	const struct adit_step *other = step_find_other(h, step, left);
	char now[ADIT_SYSCTL_VALUE_LEN];
	struct adit_sysctl s, theirs;
	int r = adit_sysctl_parse(&s, step->text);

	if (r || !other)
		return r ? r : adit_sysctl_undo(&s);
	r = adit_sysctl_parse(&theirs, other->text);
	if (r || !strcmp(s.value, theirs.value) || adit_sysctl_read(s.path, now) || strcmp(now, s.value))
		return r;
	return adit_sysctl_write(s.path, theirs.value);
}

static int undo_nft(struct adit_host *h, const struct adit_step *step, const struct adit_plan *left)
{
	int r = step_need_nft(h);

	if (r)
		return r;
	if (step->kind == ADIT_STEP_GUARD) {
		r = step_set_guards(h, left);
		/* A living process owns the table, and works it out from the plans in force, of which this is none. */
		return r == -EPERM && geteuid() == 0 ? 0 : r;
	}
	return step->kind == ADIT_STEP_REPLIES ? adit_replies_unset(h->nft, step) :
						 adit_gateway_unset(h->nft, step);
}

int adit_step_undo(struct adit_host *h, const struct adit_step *step, const struct adit_plan *left, char *err,
		   size_t err_len)
{
	int r;

	if (step->kind == ADIT_STEP_UNREACHABLE || step->kind == ADIT_STEP_RULE)
		r = undo_route_less(h, step, left);
	else if (step->kind == ADIT_STEP_SYSCTL)
		r = undo_sysctl(h, step, left);
	else if (is_nft(step))
		r = undo_nft(h, step, left);
	else if (step->kind == ADIT_STEP_DNS)
		r = adit_dns_unset(step, err, err_len);
	else
		r = undo_on_link(h, step);
	if (gone_already(r) || (step->kind == ADIT_STEP_DNS && r == -ESTALE))
		return 0;
	return step->kind == ADIT_STEP_DNS ? r : step_say(h, step, "cannot undo ", r, err, err_len);
}
