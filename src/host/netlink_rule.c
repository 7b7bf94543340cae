/* SPDX-License-Identifier: ISC */
/* netlink_rule.c - rules of routing over rtnetlink (ip rule) */
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "host/netlink_internal.h"

static int rule_change(struct adit_netlink *nl, const struct adit_rule *rule, uint16_t type, uint16_t flags)
{
	struct netlink_ask a;
	struct fib_rule_hdr *h = netlink_begin(&a, type, (uint16_t)(NLM_F_ACK | flags), sizeof(*h));

	h->family = netlink_af(rule->family);
	h->action = FR_ACT_TO_TBL;
	h->table = RT_TABLE_UNSPEC;
	h->flags = rule->invert ? FIB_RULE_INVERT : 0;
	mnl_attr_put_u32(a.head, FRA_TABLE, rule->table);
	mnl_attr_put_u32(a.head, FRA_PRIORITY, rule->priority);
	mnl_attr_put_u8(a.head, FRA_PROTOCOL, ADIT_ROUTE_PROTOCOL);
	if (rule->mark)
		mnl_attr_put_u32(a.head, FRA_FWMARK, rule->mark);
	if (rule->suppress >= 0)
		mnl_attr_put_u32(a.head, FRA_SUPPRESS_PREFIXLEN, (uint32_t)rule->suppress);
	if (rule->to.len) {
		struct adit_prefix masked = rule->to;

		adit_prefix_mask(&masked);
		h->dst_len = masked.len;
		netlink_put_addr(&a, FRA_DST, &masked.addr);
	}
	return netlink_run(nl, &a, NULL, NULL);
}

int adit_rule_add(struct adit_netlink *nl, const struct adit_rule *rule)
{
	return rule_change(nl, rule, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL);
}

int adit_rule_delete(struct adit_netlink *nl, const struct adit_rule *rule)
{
	return rule_change(nl, rule, RTM_DELRULE, 0);
}

struct rule_list {
	void (*found)(void *user, const struct adit_rule *rule);
	void *user;
};

static void read_attr(struct adit_rule *rule, uint8_t af, const struct nlattr *attr)
{
	switch (mnl_attr_get_type(attr)) {
	case FRA_TABLE:
		rule->table = mnl_attr_get_u32(attr);
		break;
	case FRA_PRIORITY:
		rule->priority = mnl_attr_get_u32(attr);
		break;
	case FRA_PROTOCOL:
		rule->protocol = mnl_attr_get_u8(attr);
		break;
	case FRA_FWMARK:
		rule->mark = mnl_attr_get_u32(attr);
		break;
	case FRA_SUPPRESS_PREFIXLEN:
		rule->suppress = (int16_t)mnl_attr_get_u32(attr);
		break;
	case FRA_DST:
		netlink_get_addr(attr, af, &rule->to.addr);
		break;
	default:
		break;
	}
}

static void pass_rule(const struct nlmsghdr *h, void *user)
{
	const struct fib_rule_hdr *head = mnl_nlmsg_get_payload(h);
	const struct rule_list *list = user;
	struct adit_rule rule = { .table = head->table, .suppress = -1 };
	const struct nlattr *attr;

	rule.family = head->family == AF_INET ? 4 : 6;
	rule.invert = head->flags & FIB_RULE_INVERT;
	rule.to = (struct adit_prefix){ .addr.family = rule.family, .len = head->dst_len };
	mnl_attr_for_each(attr, h, sizeof(*head))
		read_attr(&rule, head->family, attr);
	list->found(list->user, &rule);
}

int adit_rule_list(struct adit_netlink *nl, void (*found)(void *user, const struct adit_rule *rule), void *user)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	struct rule_list list = { found, user };
	struct netlink_ask a;
	size_t i;
	int r = 0;

	for (i = 0; i < sizeof(families) && !r; i++) {
		struct fib_rule_hdr *h = netlink_begin(&a, RTM_GETRULE, NLM_F_DUMP, sizeof(*h));

		h->family = families[i];
		r = netlink_run(nl, &a, pass_rule, &list);
		if (families[i] == AF_INET6 && netlink_no_family(r))
			r = 0;
	}
	return r;
}
