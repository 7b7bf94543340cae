/* SPDX-License-Identifier: ISC */
/*
 * mapping.h - UDP to inside: a client's socket has one virtual port for all
 * its destinations (endpoint-independent mapping, RFC 4787 4.1)
 *
 * DOC: ports, and when they go
 *
 * A mapping is opened for a client's socket and gets a virtual port of our
 * inner IPv4 or IPv6 address with the first datagram to that family. Ports
 * come from one pool for each inner address, which all services of a relay
 * share. A mapping ends when its owner closes it, when nothing passed for
 * udp_timeout (udp_unreplied until something has come back), or when its port
 * is reclaimed: the pool is empty, somebody new needs a port, and this one was
 * used least recently. A client address that has udp_per_client mappings
 * loses its own least recently used one.
 *
 * A port that was given back rests for 2 s: its socket stays open and swallows
 * what comes late, so that nobody gets another's answers. A port that rests is
 * not counted as used; but while as many rest as the pool is large, while a
 * client's ports that rest and those it uses are twice udp_per_client, or while
 * the stack has few left, nobody is thrown out any more, and a datagram that
 * needs a new port is dropped and counted (udp_exhausted).
 */
#ifndef ADIT_RELAY_MAPPING_H
#define ADIT_RELAY_MAPPING_H

#include "relay/service.h"

#define RELAY_PORT_REST (2 * ADIT_SEC)

struct relay_mapping;
struct relay_udp_pools;

struct relay_mapping_ops {
	/* A datagram for the client; msg->data is borrowed for this call, in which
	 * the stack may be called only after it was used. */
	void (*received)(void *arg, const struct adit_udp_msg *msg, adit_time now);
	/* Expired, reclaimed, or all is being freed: the mapping is no more, and is not to be closed. */
	void (*ended)(void *arg, adit_time now);
};

/* For a client's socket at `client`; counts for the service. Returns 0, -ENOMEM, or
 * -ENOBUFS: too many ports of this client rest (counted). */
int relay_mapping_open(struct relay_service *s, struct relay_mapping **ret, const struct adit_endpoint *client,
		       const struct relay_mapping_ops *ops, void *arg, adit_time now);
/* Returns 0; -ENOBUFS (no port: counted; or too much waits), -ENETUNREACH (no
 * inner address of that family), -EMSGSIZE, -ENOMEM. */
int relay_mapping_send(struct relay_mapping *m, const struct adit_endpoint *to, const void *buf, size_t len,
		       adit_time now);
/* `ended` is not called. NULL is fine. */
void relay_mapping_close(struct relay_mapping *m, adit_time now);

/* For relay.c. */
int relay_udp_pools_new(struct relay_udp_pools **ret, struct adit_relay *r);
void relay_udp_pools_free(struct relay_udp_pools *p, adit_time now);
/* The size of each pool from now on, 20000 at most; mappings beyond it end as they expire or are reclaimed. */
void relay_udp_pools_resize(struct relay_udp_pools *p, unsigned size);

#endif
