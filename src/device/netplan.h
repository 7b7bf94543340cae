/* SPDX-License-Identifier: ISC */
/*
 * netplan.h - what one network changes on this machine: from plain settings to
 * a plan. Two steps: look (reads the machine, needs no right, changes nothing)
 * and build (a pure function of settings and what was seen).
 *
 * DOC: Two habits.
 *
 * wg-quick's (`adit up`): routes go into the main table. A default route has a
 * table of its own, whose number is also the mark of the tunnel's datagrams;
 * what the main table has a better route for than its default goes there:
 *
 *	32764  table main suppress_prefixlength 0
 *	32765  not fwmark M table M
 *
 * The agent's: of a full tunnel nothing that somebody adds to the main table
 * later can take traffic out of the tunnel, and when the link goes, nothing
 * leaves in the clear:
 *
 *	9700   fwmark M -> main; excluded prefixes -> main; the LAN's ranges
 *	       (lan = allow) and other networks' prefixes -> main but its defaults
 *	9701   not fwmark M -> table T: the default by the link, and an unreachable
 *
 * 0.0.0.0/0 takes both families there: what IPv6 has no way through the tunnel
 * for is unreachable. In both habits 0.0.0.0/1 with 128.0.0.0/1 (::/1 with
 * 8000::/1) of all peers together count as a default route.
 */
#ifndef ADIT_DEVICE_NETPLAN_H
#define ADIT_DEVICE_NETPLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/path.h"
#include "host/netlink.h"
#include "host/plan.h"

enum adit_netplan_table {
	ADIT_NETPLAN_TABLE_AUTO = 0, /* main; default routes in a table of their own */
	ADIT_NETPLAN_TABLE_OFF,      /* no routes, no rules */
	ADIT_NETPLAN_TABLE_NUMBER,   /* all routes in that table, no rules */
};

enum adit_netplan_default { ADIT_NETPLAN_DNS_AUTO = 0, ADIT_NETPLAN_DNS_YES, ADIT_NETPLAN_DNS_NO };

/* All pointers are the caller's and are looked at during the call only. */
struct adit_netplan {
	const char *name; /* of the plan and its journal; NULL = ifname */
	const char *ifname;
	bool wg_quick; /* the habit */

	unsigned mtu;      /* 0 = that of the way to the endpoints, less overhead */
	unsigned overhead; /* 0 = WireGuard's 80 */
	const struct adit_prefix *addresses; /* host bits kept */
	size_t address_cnt;
	const struct adit_prefix *allowed; /* of all peers; twins are fine */
	size_t allowed_cnt;
	const struct adit_path *endpoints; /* of all peers; kind NONE is fine */
	size_t endpoint_cnt;

	enum adit_netplan_table table;
	uint32_t table_number;
	uint32_t metric;
	uint32_t mark; /* of the datagrams outside; 0 = one is chosen where it is needed */

	/* the agent's habit only */
	bool killswitch;
	bool lan_block; /* of full tunnels */
	const struct adit_prefix *exclude; /* stays outside the tunnel */
	size_t exclude_cnt;
	const struct adit_prefix *others; /* what other networks of this agent lead to: a full tunnel leaves it to them */
	size_t other_cnt;
	const struct adit_addr *guard_dns; /* resolvers that marked datagrams to port 53 may reach */
	size_t guard_dns_cnt;

	const struct adit_addr *dns;
	size_t dns_cnt;
	const char *const *domains; /* "corp.example" searched, "~corp.example" only routed */
	size_t domain_cnt;
	enum adit_netplan_default dns_default; /* AUTO: yes with wg-quick or a full tunnel, or without domains */

	bool forward, masquerade, mss_clamp; /* of a gateway */
	uint16_t listen_port; /* of the tunnel, which masquerading leaves alone; 0 = not known */

	/* What is in force under this name, NULL = nothing: its table, mark,
	 * priorities and former sysctl values are kept. */
	const struct adit_plan *in_force;
};

/* What was seen of the machine. */
struct adit_netplan_seen {
	unsigned way_mtu;          /* the largest of the ways to the endpoints, else the default route's; 0 = none */
	uint32_t free_table;       /* the first one from 51820 on without a route */
	uint32_t lowest_rule[2];   /* IPv4, IPv6: the lowest priority but 0; wg-quick's go before it */
	uint32_t agent_rule;       /* the first of two priorities, both free in both families */
	bool ipv6;                 /* the machine has it */
	unsigned src_valid_mark, ip_forward, ipv6_forwarding; /* sysctls as they are */
	const char *dns_backend;   /* host/dns.h */
};

/* Both one after the other. Fills an uninitialised plan. 0, or -errno and a
 * sentence in err; then there is nothing to free. */
int adit_netplan_make(struct adit_plan *ret, const struct adit_netplan *in, struct adit_netlink *nl, char *err,
		      size_t err_len);
int adit_netplan_look(struct adit_netplan_seen *ret, const struct adit_netplan *in, struct adit_netlink *nl,
		      char *err, size_t err_len);
int adit_netplan_build(struct adit_plan *ret, const struct adit_netplan *in,
		       const struct adit_netplan_seen *seen, char *err, size_t err_len);

/* The mark that the tunnel's datagrams shall carry under this plan; 0 = none. */
uint32_t adit_netplan_mark(const struct adit_plan *plan);

#endif
