/* SPDX-License-Identifier: ISC */
/*
 * machine.h - what there is: links, addresses, and the routes and rules that carry
 * our mark, read at one time, so that a plan of any length is compared with it at once
 */
#ifndef ADIT_HOST_MACHINE_H
#define ADIT_HOST_MACHINE_H

#include "host/netlink.h"

struct adit_machine_addr {
	unsigned index;
	struct adit_prefix prefix;
};

/* Each sorted. */
struct adit_machine {
	struct adit_link *link;
	struct adit_machine_addr *addr;
	struct adit_route *route;
	struct adit_rule *rule;
	size_t link_cnt, addr_cnt, route_cnt, rule_cnt;
};

/* 0 or -errno. Free it after success. */
int adit_machine_read(struct adit_machine *ret, struct adit_netlink *nl);
void adit_machine_fini(struct adit_machine *m);

/* NULL: there is none. */
const struct adit_link *adit_machine_link(const struct adit_machine *m, const char *name);
bool adit_machine_has_addr(const struct adit_machine *m, unsigned index, const struct adit_prefix *prefix);
bool adit_machine_has_route(const struct adit_machine *m, const struct adit_route *route);
bool adit_machine_has_rule(const struct adit_machine *m, const struct adit_rule *rule);

#endif
