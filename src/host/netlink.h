/* SPDX-License-Identifier: ISC */
/*
 * netlink.h - links, addresses and routes of this network namespace, asked and
 * changed one at a time over rtnetlink. Blocking. All return 0 or -errno.
 */
#ifndef ADIT_HOST_NETLINK_H
#define ADIT_HOST_NETLINK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/addr.h"
#include "host/plan.h"

/* Marks our routes (ip route show proto 97). */
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
/* Calls back with each address of the link. */
int adit_addr_list(struct adit_netlink *nl, unsigned index,
		   void (*found)(void *user, const struct adit_prefix *addr), void *user);

/* By the link, without a gateway; host bits are masked. -EEXIST when the table
 * has a route for the same prefix. */
int adit_route_add(struct adit_netlink *nl, unsigned index, const struct adit_prefix *dst, uint32_t table);
int adit_route_delete(struct adit_netlink *nl, unsigned index, const struct adit_prefix *dst, uint32_t table);
/* How many routes with our mark go by the link, in all tables. */
int adit_route_count(struct adit_netlink *nl, unsigned index, size_t *ret);
/* By which link a packet to dst would go now, and with what MTU (the route's
 * own, or the link's). dst NULL: by the default route of IPv4, else of IPv6. */
int adit_route_get(struct adit_netlink *nl, const struct adit_addr *dst, unsigned *index, unsigned *mtu);

#endif
