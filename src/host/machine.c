/* SPDX-License-Identifier: ISC */
/* machine.c - what there is on this machine, sorted */
#include "host/machine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/netlink_internal.h"

#define TRIES 8

/* --- orders ---------------------------------------------------------------- */

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

static int compare_links(const void *x, const void *y)
{
	const struct adit_link *a = x, *b = y;

	return strcmp(a->name, b->name);
}

static int compare_addrs(const void *x, const void *y)
{
	const struct adit_machine_addr *a = x, *b = y;
	int c = COMPARE(a->index, b->index);

	return c ? c : adit_prefix_compare(&a->prefix, &b->prefix);
}

static int compare_routes(const void *x, const void *y)
{
	const struct adit_route *a = x, *b = y;
	int c = adit_prefix_compare(&a->dst, &b->dst);

	if (!c)
		c = COMPARE(a->table, b->table);
	if (!c)
		c = COMPARE(a->metric, b->metric);
	return c ? c : COMPARE(a->index, b->index);
}

static int compare_rules(const void *x, const void *y)
{
	const struct adit_rule *a = x, *b = y;
	int c = COMPARE(a->family, b->family);

	if (!c)
		c = COMPARE(a->priority, b->priority);
	if (!c)
		c = COMPARE(a->table, b->table);
	if (!c)
		c = COMPARE(a->mark, b->mark);
	if (!c)
		c = COMPARE(a->invert, b->invert);
	if (!c)
		c = COMPARE(a->suppress, b->suppress);
	return c ? c : adit_prefix_compare(&a->to, &b->to);
}

/* --- reading ----------------------------------------------------------------- */

struct reading {
	struct adit_machine *m;
	int err;
};

/* Appends to an array that doubles at powers of two. */
static void append(struct reading *r, void *array_ptr, size_t *cnt, const void *item, size_t size)
{
	void **array = array_ptr;

	if (r->err)
		return;
	if (*cnt == 0 || (*cnt >= 16 && (*cnt & (*cnt - 1)) == 0)) {
		void *p = realloc(*array, (*cnt ? *cnt * 2 : 16) * size);

		if (!p) {
			r->err = -ENOMEM;
			return;
		}
		*array = p;
	}
	memcpy((char *)*array + (*cnt)++ * size, item, size);
}

static void see_link(void *user, const struct adit_link *link)
{
	struct reading *r = user;

	append(r, &r->m->link, &r->m->link_cnt, link, sizeof(*link));
}

static void see_addr(void *user, unsigned index, const struct adit_prefix *prefix)
{
	struct reading *r = user;
	struct adit_machine_addr addr = { index, *prefix };

	append(r, &r->m->addr, &r->m->addr_cnt, &addr, sizeof(addr));
}

static void see_route(void *user, const struct adit_route *route)
{
	struct reading *r = user;

	append(r, &r->m->route, &r->m->route_cnt, route, sizeof(*route));
}

static void see_rule(void *user, const struct adit_rule *rule)
{
	struct reading *r = user;

	if (rule->protocol == ADIT_ROUTE_PROTOCOL)
		append(r, &r->m->rule, &r->m->rule_cnt, rule, sizeof(*rule));
}

/* Each dump as a whole: begun anew while changes overtake it. */
#define DUMP(cnt, call)                                                                            \
	do {                                                                                       \
		int tries = 0, got;                                                                \
                                                                                                   \
		netlink_interrupted(nl);                                                           \
		do {                                                                               \
			(cnt) = 0;                                                                 \
			got = (call);                                                              \
		} while (!got && !r.err && netlink_interrupted(nl) && ++tries < TRIES);            \
		if (got && !r.err)                                                                 \
			r.err = got;                                                               \
	} while (0)

static void sort(void *items, size_t cnt, size_t size, int (*compare)(const void *, const void *))
{
	if (cnt)
		qsort(items, cnt, size, compare);
}

int adit_machine_read(struct adit_machine *ret, struct adit_netlink *nl)
{
	struct adit_machine m = { 0 };
	struct reading r = { &m, 0 };

	DUMP(m.link_cnt, adit_link_list(nl, see_link, &r));
	DUMP(m.addr_cnt, adit_addr_list(nl, see_addr, &r));
	DUMP(m.route_cnt, adit_route_list(nl, ADIT_ROUTE_PROTOCOL, see_route, &r));
	DUMP(m.rule_cnt, adit_rule_list(nl, see_rule, &r));
	if (r.err) {
		adit_machine_fini(&m);
		return r.err;
	}
	sort(m.link, m.link_cnt, sizeof(*m.link), compare_links);
	sort(m.addr, m.addr_cnt, sizeof(*m.addr), compare_addrs);
	sort(m.route, m.route_cnt, sizeof(*m.route), compare_routes);
	sort(m.rule, m.rule_cnt, sizeof(*m.rule), compare_rules);
	*ret = m;
	return 0;
}

void adit_machine_fini(struct adit_machine *m)
{
	free(m->link);
	free(m->addr);
	free(m->route);
	free(m->rule);
	memset(m, 0, sizeof(*m));
}

/* --- asking ------------------------------------------------------------------ */

static void *find(const void *key, const void *items, size_t cnt, size_t size,
		  int (*compare)(const void *, const void *))
{
	return cnt ? bsearch(key, items, cnt, size, compare) : NULL;
}

const struct adit_link *adit_machine_link(const struct adit_machine *m, const char *name)
{
	struct adit_link key = { 0 };

	strncpy(key.name, name, sizeof(key.name) - 1);
	return find(&key, m->link, m->link_cnt, sizeof(key), compare_links);
}

bool adit_machine_has_addr(const struct adit_machine *m, unsigned index, const struct adit_prefix *prefix)
{
	struct adit_machine_addr key = { index, *prefix };

	return find(&key, m->addr, m->addr_cnt, sizeof(key), compare_addrs);
}

bool adit_machine_has_route(const struct adit_machine *m, const struct adit_route *route)
{
	struct adit_route key = *route;

	adit_prefix_mask(&key.dst);
	if (key.dst.addr.family == 6 && !key.metric)
		key.metric = 1024; /* the kernel's IP6_RT_PRIO_USER */
	return find(&key, m->route, m->route_cnt, sizeof(key), compare_routes);
}

bool adit_machine_has_rule(const struct adit_machine *m, const struct adit_rule *rule)
{
	struct adit_rule key = *rule;

	adit_prefix_mask(&key.to);
	return find(&key, m->rule, m->rule_cnt, sizeof(key), compare_rules);
}
