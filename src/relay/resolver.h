/* SPDX-License-Identifier: ISC */
/*
 * resolver.h - names to addresses with their time to live, by c-ares: outside
 * over the machine's sockets, or inside over our own stack to the tunnel's
 * DNS servers. /etc/hosts is read outside only. Owned by the loop's thread.
 */
#ifndef ADIT_RELAY_RESOLVER_H
#define ADIT_RELAY_RESOLVER_H

#include "relay/loop.h"

struct relay_resolver;
struct relay_query;

enum relay_family { RELAY_FAMILY_AUTO, RELAY_FAMILY_4, RELAY_FAMILY_6 }; /* AUTO: both, IPv6 first when both exist */

#define RELAY_ADDRESSES 16
struct relay_answer {
	int error; /* 0, -ENOENT (no such name, or no address), -ETIMEDOUT, -EHOSTUNREACH (no server), -EINVAL */
	unsigned cnt;
	struct adit_addr addr[RELAY_ADDRESSES];
	unsigned ttl; /* seconds, smallest */
};

struct relay_resolver_config {
	bool inside;                     /* over the stack */
	const struct adit_endpoint *servers; /* port 0 = 53; inside: at least one. NULL outside: the system's */
	unsigned server_cnt;
	const char *search;              /* domains, separated by spaces; NULL none */
	uint32_t fwmark;                 /* outside; 0 none */
};

int relay_resolver_new(struct relay_resolver **ret, struct relay_loop *l, const struct relay_resolver_config *cfg);
/* Outstanding queries end with -ECANCELED. */
void relay_resolver_free(struct relay_resolver *r);
/* Numbers are answered at once (the callback runs before this returns, *ret is
 * NULL then). Answers are kept for their TTL (60 s at most, failures 2 s). */
int relay_resolve(struct relay_resolver *r, struct relay_query **ret, const char *name, enum relay_family family,
		  void (*done)(void *arg, const struct relay_answer *a), void *arg, adit_time now);
/* The callback will not be called. */
void relay_query_cancel(struct relay_query *q);

#endif
