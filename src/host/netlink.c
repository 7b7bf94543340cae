/* SPDX-License-Identifier: ISC */
/* netlink.c - links, addresses and routes over rtnetlink (libmnl) */
#include "host/netlink.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define ASK_LEN 1024

struct adit_netlink {
	struct mnl_socket *sock;
	unsigned seq, port;
	char detail[160];
	char reply[32768]; /* what the kernel sends at once at most */
};

/* Room for one request. */
struct ask {
	union {
		char bytes[ASK_LEN];
		struct nlmsghdr align;
	} buf;
	struct nlmsghdr *head;
};

int adit_netlink_open(struct adit_netlink **ret)
{
	struct adit_netlink *nl = calloc(1, sizeof(*nl));
	int one = 1, r;

	if (!nl)
		return -ENOMEM;
	nl->sock = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!nl->sock || mnl_socket_bind(nl->sock, 0, MNL_SOCKET_AUTOPID) < 0) {
		r = -errno;
		adit_netlink_close(nl);
		return r;
	}
	/* Without it errors come without words; nothing else depends on it. */
	mnl_socket_setsockopt(nl->sock, NETLINK_EXT_ACK, &one, sizeof(one));
	mnl_socket_setsockopt(nl->sock, NETLINK_CAP_ACK, &one, sizeof(one));
	nl->port = mnl_socket_get_portid(nl->sock);
	*ret = nl;
	return 0;
}

void adit_netlink_close(struct adit_netlink *nl)
{
	if (!nl)
		return;
	if (nl->sock)
		mnl_socket_close(nl->sock);
	free(nl);
}

const char *adit_netlink_detail(const struct adit_netlink *nl)
{
	return nl->detail;
}

/* --- one request ---------------------------------------------------------- */

static void *ask_begin(struct ask *a, uint16_t type, uint16_t flags, size_t extra)
{
	memset(a, 0, sizeof(*a));
	a->head = mnl_nlmsg_put_header(a->buf.bytes);
	a->head->nlmsg_type = type;
	a->head->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	return mnl_nlmsg_put_extra_header(a->head, extra);
}

/* The kernel's own words for an error, from the extended acknowledgement. */
static void keep_detail(struct adit_netlink *nl, const struct nlmsghdr *h)
{
	const struct nlattr *attr;

	if (!(h->nlmsg_flags & NLM_F_ACK_TLVS) || !(h->nlmsg_flags & NLM_F_CAPPED))
		return;
	mnl_attr_for_each(attr, h,
			  sizeof(struct nlmsgerr)) if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG &&
						       mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
		snprintf(nl->detail, sizeof(nl->detail), "%s", mnl_attr_get_str(attr));
}

/* 1: more to come; 0 or -errno: the end. */
static int judge(struct adit_netlink *nl, const struct nlmsghdr *h, unsigned seq,
		 void (*each)(const struct nlmsghdr *h, void *user), void *user, bool dump)
{
	if (h->nlmsg_seq != seq || h->nlmsg_pid != nl->port)
		return 1;
	if (h->nlmsg_type == NLMSG_DONE)
		return 0;
	if (h->nlmsg_type == NLMSG_ERROR) {
		const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);

		if (mnl_nlmsg_get_payload_len(h) < sizeof(*e))
			return -EBADMSG;
		if (e->error)
			keep_detail(nl, h);
		return e->error;
	}
	if (each)
		each(h, user);
	return dump ? 1 : 0;
}

/* Sends and reads the answer: an acknowledgement, one message, or a dump. */
static int ask_run(struct adit_netlink *nl, struct ask *a, void (*each)(const struct nlmsghdr *h, void *user),
		   void *user)
{
	bool dump = (a->head->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
	unsigned seq = ++nl->seq;
	int r = 1;

	nl->detail[0] = '\0';
	a->head->nlmsg_seq = seq;
	if (mnl_socket_sendto(nl->sock, a->head, a->head->nlmsg_len) < 0)
		return -errno;
	while (r == 1) {
		ssize_t n = mnl_socket_recvfrom(nl->sock, nl->reply, sizeof(nl->reply));
		const struct nlmsghdr *h = (const struct nlmsghdr *)nl->reply;
		int left = (int)n;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		for (; r == 1 && mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left))
			r = judge(nl, h, seq, each, user, dump);
	}
	return r;
}

static uint8_t af_of(uint8_t family)
{
	return family == 4 ? AF_INET : AF_INET6;
}

static void put_addr(struct ask *a, uint16_t type, const struct adit_addr *addr)
{
	mnl_attr_put(a->head, type, addr->family == 4 ? 4 : 16, addr->bytes);
}

static bool get_addr(const struct nlattr *attr, uint8_t af, struct adit_addr *ret)
{
	size_t len = af == AF_INET ? 4 : 16;

	if ((af != AF_INET && af != AF_INET6) || mnl_attr_get_payload_len(attr) != len)
		return false;
	memset(ret, 0, sizeof(*ret));
	ret->family = af == AF_INET ? 4 : 6;
	memcpy(ret->bytes, mnl_attr_get_payload(attr), len);
	return true;
}

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
	struct ask a;
	struct ifinfomsg *ifi = ask_begin(&a, RTM_GETLINK, 0, sizeof(*ifi));
	int r;

	ifi->ifi_index = (int)index;
	if (name)
		mnl_attr_put_strz(a.head, IFLA_IFNAME, name);
	r = ask_run(nl, &a, read_link, &link);
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

int adit_link_set_up(struct adit_netlink *nl, unsigned index)
{
	struct ask a;
	struct ifinfomsg *ifi = ask_begin(&a, RTM_NEWLINK, NLM_F_ACK, sizeof(*ifi));

	ifi->ifi_index = (int)index;
	ifi->ifi_flags = IFF_UP;
	ifi->ifi_change = IFF_UP;
	return ask_run(nl, &a, NULL, NULL);
}

int adit_link_set_mtu(struct adit_netlink *nl, unsigned index, unsigned mtu)
{
	struct ask a;
	struct ifinfomsg *ifi = ask_begin(&a, RTM_NEWLINK, NLM_F_ACK, sizeof(*ifi));

	ifi->ifi_index = (int)index;
	mnl_attr_put_u32(a.head, IFLA_MTU, mtu);
	return ask_run(nl, &a, NULL, NULL);
}

int adit_link_no_link_local(struct adit_netlink *nl, unsigned index)
{
	struct ask a;
	struct nlattr *spec, *inet6;
	struct ifinfomsg *ifi = ask_begin(&a, RTM_NEWLINK, NLM_F_ACK, sizeof(*ifi));

	ifi->ifi_index = (int)index;
	spec = mnl_attr_nest_start(a.head, IFLA_AF_SPEC);
	inet6 = mnl_attr_nest_start(a.head, AF_INET6);
	mnl_attr_put_u8(a.head, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	mnl_attr_nest_end(a.head, inet6);
	mnl_attr_nest_end(a.head, spec);
	return ask_run(nl, &a, NULL, NULL);
}

int adit_link_delete(struct adit_netlink *nl, unsigned index)
{
	struct ask a;
	struct ifinfomsg *ifi = ask_begin(&a, RTM_DELLINK, NLM_F_ACK, sizeof(*ifi));

	ifi->ifi_index = (int)index;
	return ask_run(nl, &a, NULL, NULL);
}

int adit_link_add_veth(struct adit_netlink *nl, const char *name, const char *far_name, pid_t far_pid)
{
	struct ask a;
	struct nlattr *info, *data, *far;
	struct ifinfomsg *ifi = ask_begin(&a, RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL,
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
	return ask_run(nl, &a, NULL, NULL);
}

/* --- addresses ------------------------------------------------------------ */

static int addr_change(struct adit_netlink *nl, unsigned index, const struct adit_prefix *addr, uint16_t type,
		       uint16_t flags)
{
	struct ask a;
	struct ifaddrmsg *ifa = ask_begin(&a, type, (uint16_t)(NLM_F_ACK | flags), sizeof(*ifa));

	ifa->ifa_family = af_of(addr->addr.family);
	ifa->ifa_prefixlen = addr->len;
	ifa->ifa_index = index;
	put_addr(&a, IFA_LOCAL, &addr->addr);
	put_addr(&a, IFA_ADDRESS, &addr->addr);
	return ask_run(nl, &a, NULL, NULL);
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
	unsigned index;
	void (*found)(void *user, const struct adit_prefix *addr);
	void *user;
};

static void read_addr(const struct nlmsghdr *h, void *user)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(h);
	struct addr_list *list = user;
	struct adit_prefix p = { .len = ifa->ifa_prefixlen };
	const struct nlattr *attr;
	bool local = false;

	if (ifa->ifa_index != list->index)
		return;
	/* LOCAL is ours; ADDRESS the other end's where there is a LOCAL. */
	mnl_attr_for_each(attr, h, sizeof(*ifa))
	{
		uint16_t type = mnl_attr_get_type(attr);

		if (type == IFA_LOCAL)
			local = get_addr(attr, ifa->ifa_family, &p.addr);
		else if (type == IFA_ADDRESS && !local)
			get_addr(attr, ifa->ifa_family, &p.addr);
	}
	if (p.addr.family)
		list->found(list->user, &p);
}

int adit_addr_list(struct adit_netlink *nl, unsigned index,
		   void (*found)(void *user, const struct adit_prefix *addr), void *user)
{
	struct addr_list list = { index, found, user };
	struct ask a;

	ask_begin(&a, RTM_GETADDR, NLM_F_DUMP, sizeof(struct ifaddrmsg));
	return ask_run(nl, &a, read_addr, &list);
}

/* --- routes --------------------------------------------------------------- */

static int route_change(struct adit_netlink *nl, unsigned index, const struct adit_prefix *dst,
			uint32_t table, uint16_t type, uint16_t flags)
{
	struct adit_prefix masked = *dst;
	struct ask a;
	struct rtmsg *rt = ask_begin(&a, type, (uint16_t)(NLM_F_ACK | flags), sizeof(*rt));

	adit_prefix_mask(&masked);
	rt->rtm_family = af_of(dst->addr.family);
	rt->rtm_dst_len = masked.len;
	rt->rtm_table = RT_TABLE_UNSPEC;
	rt->rtm_protocol = ADIT_ROUTE_PROTOCOL;
	/* IPv4 wants to be told that there is no gateway; IPv6 has no scopes of routes. */
	rt->rtm_scope = dst->addr.family == 4 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
	rt->rtm_type = RTN_UNICAST;
	put_addr(&a, RTA_DST, &masked.addr);
	mnl_attr_put_u32(a.head, RTA_OIF, index);
	mnl_attr_put_u32(a.head, RTA_TABLE, table);
	return ask_run(nl, &a, NULL, NULL);
}

int adit_route_add(struct adit_netlink *nl, unsigned index, const struct adit_prefix *dst, uint32_t table)
{
	return route_change(nl, index, dst, table, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL);
}

int adit_route_delete(struct adit_netlink *nl, unsigned index, const struct adit_prefix *dst, uint32_t table)
{
	return route_change(nl, index, dst, table, RTM_DELROUTE, 0);
}

struct route_count {
	unsigned index;
	size_t cnt;
};

static void count_route(const struct nlmsghdr *h, void *user)
{
	const struct rtmsg *rt = mnl_nlmsg_get_payload(h);
	struct route_count *count = user;
	const struct nlattr *attr;

	if (rt->rtm_protocol != ADIT_ROUTE_PROTOCOL)
		return;
	mnl_attr_for_each(attr, h, sizeof(*rt)) if (mnl_attr_get_type(attr) == RTA_OIF &&
						    mnl_attr_get_u32(attr) == count->index) count->cnt++;
}

int adit_route_count(struct adit_netlink *nl, unsigned index, size_t *ret)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	struct route_count count = { index, 0 };
	struct ask a;
	size_t i;
	int r;

	for (i = 0; i < sizeof(families); i++) {
		struct rtmsg *rt = ask_begin(&a, RTM_GETROUTE, NLM_F_DUMP, sizeof(*rt));

		rt->rtm_family = families[i];
		r = ask_run(nl, &a, count_route, &count);
		if (r)
			return r;
	}
	*ret = count.cnt;
	return 0;
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
static int route_ask(struct adit_netlink *nl, uint8_t af, const struct adit_addr *dst,
		     struct route_answer *ret)
{
	struct ask a;
	struct rtmsg *rt = ask_begin(&a, RTM_GETROUTE, dst ? 0 : NLM_F_DUMP, sizeof(*rt));

	memset(ret, 0, sizeof(*ret));
	ret->defaults_only = !dst;
	rt->rtm_family = af;
	if (dst) {
		rt->rtm_dst_len = dst->family == 4 ? 32 : 128;
		put_addr(&a, RTA_DST, dst);
	}
	return ask_run(nl, &a, read_route, ret);
}

int adit_route_get(struct adit_netlink *nl, const struct adit_addr *dst, unsigned *index, unsigned *mtu)
{
	struct route_answer answer;
	struct adit_link link;
	int r = route_ask(nl, dst ? af_of(dst->family) : AF_INET, dst, &answer);

	if (!r && !dst && !answer.found)
		r = route_ask(nl, AF_INET6, NULL, &answer);
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
