/* SPDX-License-Identifier: ISC */
/*
 * doctor.h - `adit doctor`: looks at this machine for what keeps tunnels from working
 *
 * Checks only look and ask: nothing of the machine is changed. Each says something,
 * even if only that all is well or that it may not look.
 */
#ifndef ADIT_AGENT_DOCTOR_H
#define ADIT_AGENT_DOCTOR_H

#include <stdio.h>

#include "agent/settings.h"
#include "host/netlink.h"

enum agent_doctor_level {
	AGENT_DOCTOR_OK,
	AGENT_DOCTOR_WARNING, /* works, or may work: worth a look */
	AGENT_DOCTOR_PROBLEM,
};

struct agent_doctor_finding {
	const char *check;
	enum agent_doctor_level level;
	char text[400];
	char fix[400]; /* what to do; "" = nothing */
};

/* A network of the configuration, or a device that runs. */
struct agent_doctor_network {
	char name[AGENT_NAME_LEN];
	char ifname[ADIT_IFNAME_LEN]; /* "" = not known */
	bool running; /* the link is there */
	bool gateway; /* forwards for others */
	bool full;    /* takes a default route */
	bool listens; /* has a peer without an endpoint */
	unsigned mtu; /* 0 = not known */
	uint32_t fwmark;
	struct agent_endpoint *endpoint; /* hosts are malloc'd */
	struct adit_addr *dns;
	struct adit_prefix *allowed;
	size_t endpoint_cnt, dns_cnt, allowed_cnt;
};

struct agent_doctor {
	struct adit_netlink *nl;
	char state_dir[256];
	struct agent_doctor_network *network;
	size_t network_cnt;
	struct agent_doctor_finding *finding;
	size_t cnt;
	const char *check; /* that speaks */
	bool no_memory;
};

__attribute__((format(printf, 2, 3))) void agent_doctor_ok(struct agent_doctor *d, const char *fmt, ...);
__attribute__((format(printf, 4, 5))) void agent_doctor_bad(struct agent_doctor *d, enum agent_doctor_level level,
							    const char *fix, const char *fmt, ...);

/* What it looks at: networks of a configuration, and devices that run. name: only that one; NULL: all. */
int agent_doctor_add_config(struct agent_doctor *d, const struct agent_config *config, const char *name);
int agent_doctor_add_running(struct agent_doctor *d, const char *name);
void agent_doctor_fini(struct agent_doctor *d);
bool agent_doctor_allows(const struct agent_doctor_network *n, const struct adit_addr *addr);

/* doctor_system.c */
void agent_doctor_tun(struct agent_doctor *d);
void agent_doctor_offloads(struct agent_doctor *d);
void agent_doctor_memory(struct agent_doctor *d);
void agent_doctor_clock(struct agent_doctor *d);
void agent_doctor_state(struct agent_doctor *d);
/* doctor_routing.c */
void agent_doctor_forwarding(struct agent_doctor *d);
void agent_doctor_rp_filter(struct agent_doctor *d);
void agent_doctor_others(struct agent_doctor *d);
/* doctor_firewall.c */
void agent_doctor_firewall(struct agent_doctor *d);
/* doctor_dns.c */
void agent_doctor_dns(struct agent_doctor *d);
/* doctor_path.c */
void agent_doctor_endpoints(struct agent_doctor *d);

struct agent_doctor_options {
	const char *config, *state_dir, *network; /* state_dir, network: may be NULL */
	bool config_given; /* else it need not be there */
};
/* Looks, and writes what `adit doctor --json` prints. Returns an enum adit_exit. */
int agent_doctor_json(FILE *out, const struct agent_doctor_options *o);
int adit_doctor_main(int argc, char **argv);

#endif
