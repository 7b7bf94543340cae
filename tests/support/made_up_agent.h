/* SPDX-License-Identifier: ISC */
/*
 * made_up_agent.h - an agent whose networks are invented, for the control API and
 * what stands on it: no tunnel, no helper, counters that grow with time
 */
#ifndef ADIT_TESTS_MADE_UP_AGENT_H
#define ADIT_TESTS_MADE_UP_AGENT_H

#include "agent/agent.h"

struct made_up_peer {
	char name[AGENT_NAME_LEN];
	char key[ADIT_KEY_BASE64_LEN + 1];
	uint64_t rx_rate, tx_rate; /* bytes a second */
	uint64_t lost;
	enum agent_reason reason;
	bool silent; /* never heard */
};

struct made_up_network {
	struct agent_network n;
	struct agent_network_settings settings;
	struct adit_prefix address;
	struct made_up_peer *peer;
	size_t peer_cnt;
};

struct made_up_agent {
	struct agent a;
	struct agent_config config;
	struct made_up_network network[4];
	unsigned network_cnt;
	/* what the next reload does */
	int reload_result;
	unsigned reloads, peers_added, peers_removed;
	struct agent_peer last_peer; /* shallow: what was asked for last; its pointers are not kept */
	bool connect_fails;
	bool connect_takes_time; /* it stays handshaking */
	const char *job_says; /* what the next doctor or cleanup writes; NULL: what is usual */
};

/* The one there is: agent_find and the others take its agent. */
struct made_up_agent *made_up_new(unsigned peers);
void made_up_free(struct made_up_agent *m);
void made_up_enter(struct agent_network *n, enum agent_state state, enum agent_reason reason, const char *why);

#endif
