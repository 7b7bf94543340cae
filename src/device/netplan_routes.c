/* SPDX-License-Identifier: ISC */
/* netplan_routes.c - what leads into the tunnel, in which table */
#include "device/netplan_internal.h"

#include <errno.h>
#include <string.h>

/* Behind any route that leads somewhere, in a table that is asked last of all. */
#define UNREACHABLE_METRIC 0x40000000u

/* Does an address of the link already bring this route? A lone IPv4 address brings none. */
static bool connected(const struct adit_netplan *in, const struct adit_prefix *dst)
{
	size_t i;

	for (i = 0; i < in->address_cnt; i++) {
		const struct adit_prefix *own = &in->addresses[i];

		if (!(own->addr.family == 4 && own->len == 32) && netplan_covers(own, dst))
			return true;
	}
	return false;
}

/*
 * wg-quick gives its own table to default routes only, and leaves other routes
 * in main, which is asked first for them. Where the agent takes a family, main
 * is not asked for it, so all its routes are in that table.
 */
static uint32_t table_of(const struct netplan_draft *d, const struct adit_prefix *dst)
{
	if (d->in->table == ADIT_NETPLAN_TABLE_NUMBER)
		return d->in->table_number;
	if (!d->taken[netplan_family(dst)])
		return ADIT_TABLE_MAIN;
	return d->in->wg_quick && dst->len > 1 ? ADIT_TABLE_MAIN : d->table;
}

static int add_route(struct netplan_draft *d, const struct adit_prefix *dst)
{
	struct adit_step step = { .kind = ADIT_STEP_ROUTE, .prefix = *dst, .metric = d->in->metric };

	step.table = table_of(d, dst);
	if (d->in->table == ADIT_NETPLAN_TABLE_AUTO && step.table == ADIT_TABLE_MAIN &&
	    connected(d->in, dst))
		return 0;
	return netplan_add(d, &step);
}

/* First, so that there is no moment at which main would be asked instead. */
static int add_unreachable(struct netplan_draft *d, int family)
{
	struct adit_step step = { .kind = ADIT_STEP_UNREACHABLE, .table = d->table };

	step.prefix.addr.family = family == V6 ? 6 : 4;
	step.metric = UNREACHABLE_METRIC;
	return netplan_add(d, &step);
}

int netplan_routes(struct netplan_draft *d)
{
	bool full = d->full[V4] || d->full[V6];
	size_t i;
	int f, r = 0;

	if (d->in->table == ADIT_NETPLAN_TABLE_OFF)
		return 0;
	for (f = V4; f < FAMILIES && !r; f++)
		if (d->taken[f] && full && !d->in->wg_quick)
			r = add_unreachable(d, f);
	for (i = 0; i < d->routes.cnt && !r; i++)
		r = add_route(d, &d->routes.item[i]);
	return r;
}
