/* SPDX-License-Identifier: ISC */
/* netlink_link.c - links and their addresses over rtnetlink */
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "host/netlink_internal.h"

/* --- links ---------------------------------------------------------------- */

static void read_link(const struct nlmsghdr *h, void *user)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(h);
	struct adit_link *link = user;
	const struct nlattr *attr, *inner;

	link->index = (unsigned)ifi->ifi_index;
	link->up = ifi->ifi_flags & IFF_UP;
	mnl_attr_for_each(attr, h, sizeof(*ifi))
	{
		uint16_t type = mnl_attr_get_type(attr);

		if (type == IFLA_IFNAME)
			snprintf(link->name, sizeof(link->name), "%s", mnl_attr_get_str(attr));
		else if (type == IFLA_MTU)
			link->mtu = mnl_attr_get_u32(attr);
		else if (type == IFLA_LINKINFO)
			mnl_attr_for_each_nested(inner, attr) if (mnl_attr_get_type(inner) == IFLA_INFO_KIND)
				snprintf(link->kind, sizeof(link->kind), "%s", mnl_attr_get_str(inner));
	}
}

static int link_get(struct adit_netlink *nl, unsigned index, const char *name, struct adit_link *ret)
{
	struct adit_link link = { 0 };
	struct netlink_ask a;
	struct ifinfomsg *ifi = netlink_begin(&a, RTM_GETLINK, 0, sizeof(*ifi));
	int r;

	ifi->ifi_index = (int)index;
	if (name)
		mnl_attr_put_strz(a.head, IFLA_IFNAME, name);
	r = netlink_run(nl, &a, read_link, &link);
	if (!r)
		*ret = link;
	return r;
}

int adit_link_find(struct adit_netlink *nl, const char *name, struct adit_link *ret)
{
	return link_get(nl, 0, name, ret);
}

int adit_link_at(struct adit_netlink *nl, unsigned index, struct adit_link *ret)
{
	return link_get(nl, index, NULL, ret);
}

struct link_list {
	void (*found)(void *user, const struct adit_link *link);
	void *user;
};

static void pass_link(const struct nlmsghdr *h, void *user)
{
	const struct link_list *list = user;
	struct adit_link link = { 0 };

	read_link(h, &link);
	list->found(list->user, &link);
}

int adit_link_list(struct adit_netlink *nl, void (*found)(void *user, const struct adit_link *link), void *user)
{
	struct link_list list = { found, user };
	struct netlink_ask a;

	netlink_begin(&a, RTM_GETLINK, NLM_F_DUMP, sizeof(struct ifinfomsg));
	return netlink_run(nl, &a, pass_link, &list);
}

int adit_link_set_up(struct adit_netlink *nl, unsigned index)
{
	struct netlink_ask a;
	struct ifinfomsg *ifi = netlink_begin(&a, RTM_NEWLINK, NLM_F_ACK, sizeof(*ifi));

	ifi->ifi_index = (int)index;
	ifi->ifi_flags = IFF_UP;
	ifi->ifi_change = IFF_UP;
	return netlink_run(nl, &a, NULL, NULL);
}

int adit_link_set_mtu(struct adit_netlink *nl, unsigned index, unsigned mtu)
{
	struct netlink_ask a;
	struct ifinfomsg *ifi = netlink_begin(&a, RTM_NEWLINK, NLM_F_ACK, sizeof(*ifi));

	ifi->ifi_index = (int)index;
	mnl_attr_put_u32(a.head, IFLA_MTU, mtu);
	return netlink_run(nl, &a, NULL, NULL);
}

int adit_link_no_link_local(struct adit_netlink *nl, unsigned index)
{
	struct netlink_ask a;
	struct nlattr *spec, *inet6;
	struct ifinfomsg *ifi = netlink_begin(&a, RTM_NEWLINK, NLM_F_ACK, sizeof(*ifi));

	ifi->ifi_index = (int)index;
	spec = mnl_attr_nest_start(a.head, IFLA_AF_SPEC);
	inet6 = mnl_attr_nest_start(a.head, AF_INET6);
	mnl_attr_put_u8(a.head, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	mnl_attr_nest_end(a.head, inet6);
	mnl_attr_nest_end(a.head, spec);
	return netlink_run(nl, &a, NULL, NULL);
}

int adit_link_delete(struct adit_netlink *nl, unsigned index)
{
	struct netlink_ask a;
	struct ifinfomsg *ifi = netlink_begin(&a, RTM_DELLINK, NLM_F_ACK, sizeof(*ifi));

	ifi->ifi_index = (int)index;
	return netlink_run(nl, &a, NULL, NULL);
}

int adit_link_add_veth(struct adit_netlink *nl, const char *name, const char *far_name, pid_t far_pid)
{
	struct netlink_ask a;
	struct nlattr *info, *data, *far;
	struct ifinfomsg *ifi = netlink_begin(&a, RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL,
					  sizeof(*ifi));

	(void)ifi;
	mnl_attr_put_strz(a.head, IFLA_IFNAME, name);
	info = mnl_attr_nest_start(a.head, IFLA_LINKINFO);
	mnl_attr_put_strz(a.head, IFLA_INFO_KIND, "veth");
	data = mnl_attr_nest_start(a.head, IFLA_INFO_DATA);
	far = mnl_attr_nest_start(a.head, VETH_INFO_PEER);
	mnl_nlmsg_put_extra_header(a.head, sizeof(*ifi));
	mnl_attr_put_strz(a.head, IFLA_IFNAME, far_name);
	mnl_attr_put_u32(a.head, IFLA_NET_NS_PID, (uint32_t)far_pid);
	mnl_attr_nest_end(a.head, far);
	mnl_attr_nest_end(a.head, data);
	mnl_attr_nest_end(a.head, info);
	return netlink_run(nl, &a, NULL, NULL);
}

/* --- addresses ------------------------------------------------------------ */

static int addr_change(struct adit_netlink *nl, unsigned index, const struct adit_prefix *addr, uint16_t type,
		       uint16_t flags)
{
	struct netlink_ask a;
	struct ifaddrmsg *ifa = netlink_begin(&a, type, (uint16_t)(NLM_F_ACK | flags), sizeof(*ifa));

	ifa->ifa_family = netlink_af(addr->addr.family);
	ifa->ifa_prefixlen = addr->len;
	ifa->ifa_index = index;
	netlink_put_addr(&a, IFA_LOCAL, &addr->addr);
	netlink_put_addr(&a, IFA_ADDRESS, &addr->addr);
	return netlink_run(nl, &a, NULL, NULL);
}

int adit_addr_add(struct adit_netlink *nl, unsigned index, const struct adit_prefix *addr)
{
	return addr_change(nl, index, addr, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
}

int adit_addr_delete(struct adit_netlink *nl, unsigned index, const struct adit_prefix *addr)
{
	return addr_change(nl, index, addr, RTM_DELADDR, 0);
}

struct addr_list {
	void (*found)(void *user, unsigned index, const struct adit_prefix *addr);
	void *user;
};

static void read_addr(const struct nlmsghdr *h, void *user)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(h);
	struct addr_list *list = user;
	struct adit_prefix p = { .len = ifa->ifa_prefixlen };
	const struct nlattr *attr;
	bool local = false;

	/* LOCAL is ours; ADDRESS the other end's where there is a LOCAL. */
	mnl_attr_for_each(attr, h, sizeof(*ifa))
	{
		uint16_t type = mnl_attr_get_type(attr);

		if (type == IFA_LOCAL)
			local = netlink_get_addr(attr, ifa->ifa_family, &p.addr);
		else if (type == IFA_ADDRESS && !local)
			netlink_get_addr(attr, ifa->ifa_family, &p.addr);
	}
	if (p.addr.family)
		list->found(list->user, ifa->ifa_index, &p);
}

int adit_addr_list(struct adit_netlink *nl,
		   void (*found)(void *user, unsigned index, const struct adit_prefix *addr), void *user)
{
	struct addr_list list = { found, user };
	struct netlink_ask a;

	netlink_begin(&a, RTM_GETADDR, NLM_F_DUMP, sizeof(struct ifaddrmsg));
	return netlink_run(nl, &a, read_addr, &list);
}
