/* SPDX-License-Identifier: ISC */
/* netlink_route.c - routes over rtnetlink */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "host/netlink_internal.h"

static int route_change(struct adit_netlink *nl, const struct adit_route *route, uint16_t type, uint16_t flags)
{
	struct adit_prefix masked = route->dst;
	struct netlink_ask a;
	struct rtmsg *rt = netlink_begin(&a, type, (uint16_t)(NLM_F_ACK | flags), sizeof(*rt));

	adit_prefix_mask(&masked);
	rt->rtm_family = netlink_af(masked.addr.family);
	rt->rtm_dst_len = masked.len;
	rt->rtm_table = RT_TABLE_UNSPEC;
	rt->rtm_protocol = ADIT_ROUTE_PROTOCOL;
	/* IPv4 wants to be told that there is no gateway; IPv6 has no scopes of routes. */
	rt->rtm_scope = masked.addr.family == 4 && route->index ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
	rt->rtm_type = route->index ? RTN_UNICAST : RTN_UNREACHABLE;
	netlink_put_addr(&a, RTA_DST, &masked.addr);
	if (route->index)
		mnl_attr_put_u32(a.head, RTA_OIF, route->index);
	if (route->metric)
		mnl_attr_put_u32(a.head, RTA_PRIORITY, route->metric);
	mnl_attr_put_u32(a.head, RTA_TABLE, route->table);
	return netlink_run(nl, &a, NULL, NULL);
}

int adit_route_add(struct adit_netlink *nl, const struct adit_route *route)
{
	return route_change(nl, route, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL);
}

int adit_route_delete(struct adit_netlink *nl, const struct adit_route *route)
{
	return route_change(nl, route, RTM_DELROUTE, 0);
}

struct route_list {
	uint8_t protocol;
	void (*found)(void *user, const struct adit_route *route);
	void *user;
};

static void pass_route(const struct nlmsghdr *h, void *user)
{
	const struct rtmsg *rt = mnl_nlmsg_get_payload(h);
	struct adit_route route = { .table = rt->rtm_table, .protocol = rt->rtm_protocol };
	const struct route_list *list = user;
	const struct nlattr *attr;

	if ((list->protocol && rt->rtm_protocol != list->protocol) || (rt->rtm_flags & RTM_F_CLONED))
		return;
	route.dst = (struct adit_prefix){ .addr.family = rt->rtm_family == AF_INET ? 4 : 6, .len = rt->rtm_dst_len };
	mnl_attr_for_each(attr, h, sizeof(*rt))
	{
		uint16_t type = mnl_attr_get_type(attr);

		if (type == RTA_DST)
			netlink_get_addr(attr, rt->rtm_family, &route.dst.addr);
		else if (type == RTA_OIF && rt->rtm_type == RTN_UNICAST) /* an unreachable one of IPv6 is on lo */
			route.index = mnl_attr_get_u32(attr);
		else if (type == RTA_PRIORITY)
			route.metric = mnl_attr_get_u32(attr);
		else if (type == RTA_TABLE)
			route.table = mnl_attr_get_u32(attr);
	}
	list->found(list->user, &route);
}

int adit_route_list(struct adit_netlink *nl, uint8_t protocol,
		    void (*found)(void *user, const struct adit_route *route), void *user)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	struct route_list list = { protocol, found, user };
	struct netlink_ask a;
	size_t i;
	int r = 0;

	for (i = 0; i < sizeof(families) && !r; i++) {
		struct rtmsg *rt = netlink_begin(&a, RTM_GETROUTE, NLM_F_DUMP, sizeof(*rt));

		rt->rtm_family = families[i];
		rt->rtm_protocol = protocol;
		r = netlink_run(nl, &a, pass_route, &list);
		if (families[i] == AF_INET6 && netlink_no_family(r))
			r = 0;
	}
	return r;
}

struct route_answer {
	bool defaults_only; /* reading a dump for the default route */
	bool found;
	unsigned index, mtu, priority;
};

static void read_route(const struct nlmsghdr *h, void *user)
{
	const struct rtmsg *rt = mnl_nlmsg_get_payload(h);
	struct route_answer *best = user, one = { .defaults_only = best->defaults_only };
	const struct nlattr *attr, *metric;

	if (one.defaults_only &&
	    (rt->rtm_dst_len || rt->rtm_table != RT_TABLE_MAIN || rt->rtm_type != RTN_UNICAST))
		return;
	mnl_attr_for_each(attr, h, sizeof(*rt))
	{
		uint16_t type = mnl_attr_get_type(attr);

		if (type == RTA_OIF)
			one.index = mnl_attr_get_u32(attr);
		else if (type == RTA_PRIORITY)
			one.priority = mnl_attr_get_u32(attr);
		else if (type == RTA_METRICS)
			mnl_attr_for_each_nested(metric, attr) if (mnl_attr_get_type(metric) == RTAX_MTU)
				one.mtu = mnl_attr_get_u32(metric);
	}
	if (!one.index || (best->found && best->priority <= one.priority))
		return;
	one.found = true;
	*best = one;
}

/* A dump of family af for its default route, or the answer for dst. */
static int route_ask(struct adit_netlink *nl, uint8_t af, const struct adit_addr *dst, uint32_t mark,
		     struct route_answer *ret)
{
	struct netlink_ask a;
	struct rtmsg *rt = netlink_begin(&a, RTM_GETROUTE, dst ? 0 : NLM_F_DUMP, sizeof(*rt));

	memset(ret, 0, sizeof(*ret));
	ret->defaults_only = !dst;
	rt->rtm_family = af;
	if (dst) {
		rt->rtm_dst_len = dst->family == 4 ? 32 : 128;
		netlink_put_addr(&a, RTA_DST, dst);
		mnl_attr_put_u32(a.head, RTA_MARK, mark);
	}
	return netlink_run(nl, &a, read_route, ret);
}

int adit_route_get(struct adit_netlink *nl, const struct adit_addr *dst, uint32_t mark, unsigned *index, unsigned *mtu)
{
	struct route_answer answer;
	struct adit_link link;
	int r = route_ask(nl, dst ? netlink_af(dst->family) : AF_INET, dst, mark, &answer);

	if (!r && !dst && !answer.found)
		r = route_ask(nl, AF_INET6, NULL, mark, &answer);
	if (!r && !answer.found)
		r = -ENETUNREACH;
	if (!r && !answer.mtu) {
		r = adit_link_at(nl, answer.index, &link);
		answer.mtu = link.mtu;
	}
	if (r)
		return r;
	*index = answer.index;
	*mtu = answer.mtu;
	return 0;
}
