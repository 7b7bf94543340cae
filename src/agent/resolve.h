/* SPDX-License-Identifier: ISC */
/*
 * resolve.h - names of endpoints to addresses, by c-ares over marked sockets:
 * outside the tunnel, never into it. One resolver for each network, on the
 * agent's loop.
 *
 * DOC: which servers
 *
 * Those of resolv.conf, or behind systemd-resolved's stub those it asks itself. A
 * server that one of our networks set, or leads to, is none of them; where no other is left, the
 * ones from before stay. They are read again when the machine moved.
 */
#ifndef ADIT_AGENT_RESOLVE_H
#define ADIT_AGENT_RESOLVE_H

#include "agent/agent.h"

struct agent_resolver;

#define AGENT_ANSWER_MAX 8
#define AGENT_SERVERS_MAX 8

struct agent_answer {
	int error; /* 0, -ENOENT (no such name, or no address), -ETIMEDOUT, -EHOSTUNREACH (no server), ... */
	unsigned cnt;
	struct adit_addr addr[AGENT_ANSWER_MAX]; /* the families take turns, IPv6 first */
	unsigned ttl; /* seconds, smallest */
};

/* mark: of its sockets, which the helper makes then; 0 = none. 0 or -errno. */
int agent_resolver_new(struct agent_resolver **ret, struct agent *a, uint32_t mark);
void agent_resolver_free(struct agent_resolver *r); /* no callback comes any more; NULL is fine */
/* The callback comes from the loop, or before this returns (/etc/hosts, a name that cannot be one). 0 or -ENOMEM. */
int agent_resolve(struct agent_resolver *r, const char *name, void (*done)(void *arg, const struct agent_answer *a),
		  void *arg);
/* Lookups of arg end without a callback. */
void agent_resolve_cancel(struct agent_resolver *r, const void *arg);
/* The machine moved: its servers may be others. */
void agent_resolver_moved(struct agent_resolver *r);
adit_time agent_resolver_due(const struct agent_resolver *r, adit_time now);
void agent_resolver_tick(struct agent_resolver *r);
/* The servers in use. */
unsigned agent_resolver_servers(const struct agent_resolver *r, struct adit_addr ret[AGENT_SERVERS_MAX]);

/* Pure: the nameservers that text in resolv.conf's form lists. */
unsigned agent_servers_parse(const char *text, struct adit_addr *ret, unsigned max);

#endif
