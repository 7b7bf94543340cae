/* SPDX-License-Identifier: ISC */
/* step.c - what steps are for the kernel, who shares them, what is said about them */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/guard.h"
#include "host/step_internal.h"

int step_need_nft(struct adit_host *h)
{
	return h->nft ? 0 : adit_nft_open(&h->nft);
}

struct adit_route step_route(const struct adit_step *s, unsigned index)
{
	return (struct adit_route){ .dst = s->prefix, .table = s->table, .metric = s->metric, .index = index };
}

struct adit_rule step_rule(const struct adit_step *s)
{
	return (struct adit_rule){
		.family = s->prefix.addr.family,
		.invert = s->invert,
		.suppress = s->suppress,
		.priority = s->priority,
		.table = s->table,
		.mark = s->mark,
		.to = s->prefix,
	};
}

/* The same thing on the machine, whoever's interface it was made for. */
static bool shared(const struct adit_step *a, const struct adit_step *b)
{
	struct adit_step b_for_a = *b;

	if (a->kind != b->kind)
		return false;
	if (a->kind == ADIT_STEP_RULE || a->kind == ADIT_STEP_UNREACHABLE)
		memcpy(b_for_a.ifname, a->ifname, sizeof(a->ifname));
	return adit_step_same(a, &b_for_a);
}

static const struct adit_step *find_in(const struct adit_plan *plan, const struct adit_step *step)
{
	size_t i;

	for (i = 0; plan && i < plan->cnt; i++)
		if (shared(step, &plan->steps[i]))
			return &plan->steps[i];
	return NULL;
}

const struct adit_step *step_find_other(const struct adit_host *h, const struct adit_step *step,
					const struct adit_plan *left)
{
	const struct adit_step *found = find_in(left, step);
	size_t i;

	for (i = 0; i < h->other_cnt && !found; i++)
		found = find_in(h->others[i], step);
	return found;
}

static int collect_from(struct step_guards *g, const struct adit_plan *plan)
{
	size_t i;

	for (i = 0; plan && i < plan->cnt; i++) {
		const struct adit_step **item;

		if (plan->steps[i].kind != ADIT_STEP_GUARD)
			continue;
		item = realloc(g->item, (g->cnt + 1) * sizeof(*item));
		if (!item)
			return -ENOMEM;
		g->item = item;
		g->item[g->cnt++] = &plan->steps[i];
	}
	return 0;
}

int step_guards(struct step_guards *g, const struct adit_host *h, const struct adit_plan *plan)
{
	int r = collect_from(g, plan);
	size_t i;

	for (i = 0; i < h->other_cnt && !r; i++)
		r = collect_from(g, h->others[i]);
	return r;
}

int step_set_guards(struct adit_host *h, const struct adit_plan *plan)
{
	struct step_guards g = { 0 };
	int r = step_guards(&g, h, plan);

	if (!r)
		r = adit_guard_set(h->nft, g.item, g.cnt);
	free(g.item);
	return r;
}

int step_check_tun(const struct adit_link *link)
{
	return strcmp(link->kind, "tun") ? -EEXIST : 0;
}

static const char *hint(const struct adit_step *step, int r)
{
	if (r == -EEXIST && (step->kind == ADIT_STEP_ROUTE || step->kind == ADIT_STEP_UNREACHABLE))
		return " (another link has a route for the same destination: see ip route show)";
	if (r == -EEXIST && step->kind == ADIT_STEP_TUN)
		return " (the link of this name is not a TUN)";
	if (r == -EACCES && step->prefix.addr.family == 6)
		return " (IPv6 is off for this link: see sysctl net.ipv6.conf.all.disable_ipv6)";
	if (r == -EPERM && step->kind < ADIT_STEP_GUARD) /* of tables the detail tells more: whose they are */
		return " (this takes root, or CAP_NET_ADMIN)";
	if (r == -ENODEV)
		return " (the link went away)";
	return "";
}

static const char *detail_of(const struct adit_host *h, const struct adit_step *step)
{
	switch ((enum adit_step_kind)step->kind) {
	case ADIT_STEP_GUARD:
	case ADIT_STEP_REPLIES:
	case ADIT_STEP_GATEWAY:
		return h->nft ? adit_nft_detail(h->nft) : "";
	case ADIT_STEP_SYSCTL:
	case ADIT_STEP_DNS:
		return "";
	default:
		return adit_netlink_detail(h->nl);
	}
}

int step_say(struct adit_host *h, const struct adit_step *step, const char *what, int r, char *err,
	       size_t err_len)
{
	const char *detail = detail_of(h, step);
	char line[ADIT_STEP_STRLEN];

	if (!r)
		return 0;
	adit_step_format(step, line);
	snprintf(err, err_len, "%s%s: %s%s%s%s", what, line, strerror(-r), *detail ? ": " : "", detail,
		 hint(step, r));
	return r;
}
