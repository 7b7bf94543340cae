/* SPDX-License-Identifier: ISC */
/* netplan_internal.h - what the parts of a network's plan share (netplan*.c) */
#ifndef ADIT_DEVICE_NETPLAN_INTERNAL_H
#define ADIT_DEVICE_NETPLAN_INTERNAL_H

#include "device/netplan.h"

enum { V4, V6, FAMILIES };

/* A sorted set of prefixes, host bits cleared. */
struct netplan_prefixes {
	struct adit_prefix *item;
	size_t cnt, cap;
};

/* A plan while it is made. */
struct netplan_draft {
	struct adit_plan *plan;
	const struct adit_netplan *in;
	const struct adit_netplan_seen *seen;
	struct netplan_prefixes routes; /* what shall lead into the tunnel */
	bool full[FAMILIES];            /* all of the family shall */
	bool taken[FAMILIES];           /* the family has a table of its own, before main */
	uint32_t mark, table;           /* of the datagrams; that table */
};

/* Adds to the plan, for the network's interface. 0 or -errno. */
int netplan_add(struct netplan_draft *d, struct adit_step *step);
int netplan_add_text(struct netplan_draft *d, enum adit_step_kind kind, uint32_t mark, const char *text);

/* --- prefixes (netplan_prefixes.c) ----------------------------------------- */

static inline int netplan_family(const struct adit_prefix *p)
{
	return p->addr.family == 6 ? V6 : V4;
}
bool netplan_covers(const struct adit_prefix *outer, const struct adit_prefix *inner);
/* Longest first, as wg-quick adds routes; each once. 0 or -ENOMEM. */
int netplan_prefixes_init(struct netplan_prefixes *ret, const struct adit_prefix *list, size_t cnt);
void netplan_prefixes_fini(struct netplan_prefixes *set);
/* A default route, or its two halves. */
bool netplan_prefixes_full(const struct netplan_prefixes *set, int family);
/* Leaves out what is in `hole`: a prefix around it becomes those beside it. 0 or -ENOMEM. */
int netplan_prefixes_cut(struct netplan_prefixes *set, const struct adit_prefix *hole);

/* --- the parts of a plan, in its order -------------------------------------- */

int netplan_link(struct netplan_draft *d);    /* netplan.c */
int netplan_routes(struct netplan_draft *d);  /* netplan_routes.c */
int netplan_rules(struct netplan_draft *d);   /* netplan_rules.c */
int netplan_guard(struct netplan_draft *d);   /* netplan_words.c: steps that are words */
int netplan_replies(struct netplan_draft *d);
int netplan_gateway(struct netplan_draft *d);
int netplan_dns(struct netplan_draft *d);

/* A sysctl step; what it was before us comes from the plan in force where it has one. */
int netplan_sysctl(struct netplan_draft *d, const char *path, unsigned now);

#endif
