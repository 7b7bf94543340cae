/* SPDX-License-Identifier: ISC */
/* flow.c - connections by their endpoints, and ports nobody can guess */
#include "netstack/stack.h"

#include <errno.h>

#include "crypto/crypto.h"
#include "netstack/ip.h"
#include "netstack/time_wait.h"

enum { PORT_TRIES = 64 }; /* then one that rests in TIME-WAIT will do */

/* Only what an address has, so that IPv4 costs two blocks of SipHash. */
static size_t put_endpoint(uint8_t *p, const struct adit_endpoint *e)
{
	size_t len = e->addr.family == 4 ? 4 : e->addr.family == 6 ? 16 : 0;

	memcpy(p, e->addr.bytes, len);
	memcpy(p + len, &e->port, 2);
	return len + 2;
}

uint64_t ns_flow_hash(const struct adit_netstack *ns, const struct adit_endpoint *local,
		      const struct adit_endpoint *remote)
{
	uint8_t key[36];
	size_t len = put_endpoint(key, remote);

	len += put_endpoint(key + len, local);
	return adit_shorthash(key, len, ns->hash_key);
}

struct tcp *flow_find(const struct adit_netstack *ns, const struct adit_endpoint *local,
		      const struct adit_endpoint *remote)
{
	struct adit_sock key;

	key.local = *local;
	key.remote = *remote;
	return adit_map_find(&ns->flows, ns_flow_hash(ns, local, remote), &key);
}

/* A connection starts with its socket. */
int flow_insert(struct adit_netstack *ns, struct tcp *t)
{
	struct adit_sock *s = (struct adit_sock *)t;
	uint64_t hash = ns_flow_hash(ns, &s->local, &s->remote);

	if (adit_map_find(&ns->flows, hash, s))
		return -EADDRINUSE;
	return adit_map_insert(&ns->flows, hash, t);
}

void flow_remove(struct adit_netstack *ns, struct tcp *t)
{
	struct adit_sock *s = (struct adit_sock *)t;

	adit_map_remove(&ns->flows, ns_flow_hash(ns, &s->local, &s->remote), t);
}

/* RFC 6056 3.3.3: the offset of this remote plus a counter that all share. */
uint16_t flow_ephemeral_port(struct adit_netstack *ns, const struct adit_addr *local,
			     const struct adit_endpoint *remote, adit_time now)
{
	struct adit_endpoint from = { .addr = *local }, rested = from;
	uint64_t offset = ns_flow_hash(ns, &from, remote) % NS_PORT_CNT + ns->port_counter;

	for (unsigned tries = 0; tries < NS_PORT_CNT; tries++, ns->port_counter++) {
		enum time_wait_port state;

		if (tries >= PORT_TRIES && rested.port)
			break;
		from.port = (uint16_t)(NS_PORT_FIRST + (offset + tries) % NS_PORT_CNT);
		if (flow_find(ns, &from, remote))
			continue;
		state = time_wait_port(ns, &from, remote, now);
		if (state == TIME_WAIT_FREE) {
			ns->port_counter++;
			return from.port;
		}
		if (state == TIME_WAIT_RESTED && !rested.port)
			rested = from;
	}
	if (rested.port)
		time_wait_forget(ns, &rested, remote);
	return rested.port;
}
