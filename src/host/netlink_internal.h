/* SPDX-License-Identifier: ISC */
/* netlink_internal.h - one request to rtnetlink: what the netlink_*.c files share */
#ifndef ADIT_HOST_NETLINK_INTERNAL_H
#define ADIT_HOST_NETLINK_INTERNAL_H

#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/netlink.h"

#define NETLINK_ASK_LEN 1024

/* Room for one request. */
struct netlink_ask {
	union {
		char bytes[NETLINK_ASK_LEN];
		struct nlmsghdr align;
	} buf;
	struct nlmsghdr *head;
};

/* Returns the kind's own header, zeroed, of size extra. */
void *netlink_begin(struct netlink_ask *a, uint16_t type, uint16_t flags, size_t extra);
/* Sends and reads the answer: an acknowledgement, one message, or a dump. 0 or -errno. */
int netlink_run(struct adit_netlink *nl, struct netlink_ask *a,
		void (*each)(const struct nlmsghdr *h, void *user), void *user);
/* A dump since the last call was overtaken by changes: it may lack something, or have it twice. */
bool netlink_interrupted(struct adit_netlink *nl);

/* An answer of a kernel without IPv6, of which there is nothing to list then. */
bool netlink_no_family(int r);

uint8_t netlink_af(uint8_t family);
void netlink_put_addr(struct netlink_ask *a, uint16_t type, const struct adit_addr *addr);
bool netlink_get_addr(const struct nlattr *attr, uint8_t af, struct adit_addr *ret);

#endif
