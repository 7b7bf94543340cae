/* SPDX-License-Identifier: ISC */
/* plan.h - from a network's settings to what it changes on the machine (device/netplan.h) */
#ifndef ADIT_AGENT_PLAN_H
#define ADIT_AGENT_PLAN_H

#include "agent/network.h"
#include "base/path.h"
#include "host/plan.h"

struct agent_plan_extra {
	const struct adit_path *paths; /* where peers are */
	size_t path_cnt;
	const struct adit_prefix *allowed; /* what peers are for; NULL: as the settings say */
	size_t allowed_cnt;
	const struct adit_addr *guard_dns;
	size_t guard_dns_cnt;
	uint16_t listen_port;
	bool dns; /* set the servers */
	const struct adit_plan *in_force; /* or NULL */
	unsigned overhead; /* 0 = WireGuard's */
};

/* The plan of a network of type wireguard or static, named after its interface. 0, or -errno with a sentence. */
int agent_plan_make(struct adit_plan *ret, const struct agent_network *n, const struct agent_network_settings *s,
		    const struct agent_plan_extra *extra, char *err, size_t err_len);
/* What of it blocks. -ENOENT: nothing. */
int agent_plan_guards(struct adit_plan *ret, const struct adit_plan *plan);
/* Are all its DNS servers among what the peers are for, or in the networks of its addresses? */
bool agent_plan_reaches_dns(const struct agent_network_settings *s);

#endif
