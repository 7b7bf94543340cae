/* SPDX-License-Identifier: ISC */
/*
 * netlink.h - links, addresses, routes and rules of this network namespace, asked
 * and changed one at a time over rtnetlink. Blocking. All return 0 or -errno.
 */
#ifndef ADIT_HOST_NETLINK_H
#define ADIT_HOST_NETLINK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/addr.h"
#include "host/plan.h"

/* Marks our routes and rules (ip route show proto 97). */
#define ADIT_ROUTE_PROTOCOL 97
#define ADIT_TABLE_MAIN     254u

struct adit_netlink;

int adit_netlink_open(struct adit_netlink **ret);
void adit_netlink_close(struct adit_netlink *nl); /* NULL is fine */
/* What the kernel said about the last error, or "". */
const char *adit_netlink_detail(const struct adit_netlink *nl);

struct adit_link {
	unsigned index;
	unsigned mtu;
	bool up;
	char name[ADIT_IFNAME_LEN];
	char kind[ADIT_IFNAME_LEN]; /* "tun", "veth", "" */
};
/* -ENODEV when there is none. */
int adit_link_find(struct adit_netlink *nl, const char *name, struct adit_link *ret);
int adit_link_at(struct adit_netlink *nl, unsigned index, struct adit_link *ret);
int adit_link_list(struct adit_netlink *nl, void (*found)(void *user, const struct adit_link *link), void *user);
int adit_link_set_up(struct adit_netlink *nl, unsigned index);
int adit_link_set_mtu(struct adit_netlink *nl, unsigned index, unsigned mtu);
/* No IPv6 link-local address by itself, as on the kernel's WireGuard: it would
 * only send router solicitations that no peer is allowed. Before it is up. */
int adit_link_no_link_local(struct adit_netlink *nl, unsigned index);
int adit_link_delete(struct adit_netlink *nl, unsigned index);
/* A pair of virtual Ethernet links, the far one in the namespace of a process. */
int adit_link_add_veth(struct adit_netlink *nl, const char *name, const char *far_name, pid_t far_pid);

int adit_addr_add(struct adit_netlink *nl, unsigned index, const struct adit_prefix *addr);
int adit_addr_delete(struct adit_netlink *nl, unsigned index, const struct adit_prefix *addr);
/* Calls back with each address of each link. */
int adit_addr_list(struct adit_netlink *nl,
		   void (*found)(void *user, unsigned index, const struct adit_prefix *addr), void *user);

struct adit_route {
	struct adit_prefix dst; /* host bits are masked */
	uint32_t table, metric; /* metric 0 of IPv6 becomes 1024 */
	unsigned index;         /* by the link, without a gateway; 0 = unreachable */
	uint8_t protocol;       /* of those listed; what is added has ours */
};
/* -EEXIST when the table has a route for the same prefix and metric. */
int adit_route_add(struct adit_netlink *nl, const struct adit_route *route);
/* Only one with our mark. */
int adit_route_delete(struct adit_netlink *nl, const struct adit_route *route);
/* Routes of all tables and both families with this protocol, or with any (0). Those
 * that are not of ours are told without their gateways. */
int adit_route_list(struct adit_netlink *nl, uint8_t protocol,
		    void (*found)(void *user, const struct adit_route *route), void *user);
/* By which link a packet to dst with this mark would go now, and with what MTU
 * (the route's own, or the link's). dst NULL: by the default route of IPv4,
 * else of IPv6. Without its mark a tunnel's datagram would go into the tunnel. */
int adit_route_get(struct adit_netlink *nl, const struct adit_addr *dst, uint32_t mark, unsigned *index, unsigned *mtu);

/* ip rule: `from all [not] [fwmark MARK] [to PREFIX] lookup TABLE [suppress_prefixlength N]` */
struct adit_rule {
	uint8_t family; /* 4 or 6 */
	uint8_t protocol; /* of those listed; what is added has ours */
	bool invert;
	int16_t suppress; /* -1 = none */
	uint32_t priority, table, mark; /* mark 0 = any */
	struct adit_prefix to; /* length 0 = any */
};
/* -EEXIST when there is the same one. */
int adit_rule_add(struct adit_netlink *nl, const struct adit_rule *rule);
int adit_rule_delete(struct adit_netlink *nl, const struct adit_rule *rule);
/* All of both families; what they match on besides is not told. */
int adit_rule_list(struct adit_netlink *nl, void (*found)(void *user, const struct adit_rule *rule), void *user);

#endif
