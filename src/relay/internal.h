/* SPDX-License-Identifier: ISC */
/* internal.h - a relay's insides, for the files of this folder that keep its tables */
#ifndef ADIT_RELAY_INTERNAL_H
#define ADIT_RELAY_INTERNAL_H

#include "relay/clients.h"
#include "relay/loop.h"
#include "relay/mapping.h"
#include "relay/service.h"

struct adit_relay {
	struct adit_relay_config cfg;
	struct relay_loop loop;
	struct adit_list services; /* struct relay_service, in the order they were added */
	struct adit_list stopped;  /* the same: removed, with connections that go on */
	struct adit_list splices;  /* connections that are tied to a client */
	struct adit_list resting;  /* listeners that wait for descriptors */
	struct relay_resolver *inside, *outside; /* the same one where no DNS is given */
	struct relay_udp_pools *udp;
	struct relay_batch *batch; /* batch.h */
	struct relay_clients dialling; /* who inside waits for a dial of ours */
	unsigned dials;
	unsigned connections, connections_max;
	adit_time say_full; /* not before: that descriptors are short */
};

static inline bool relay_is_full(const struct adit_relay *r)
{
	return r->connections >= r->connections_max;
}

/* Says that descriptors are short, once a minute. */
void relay_say_full(struct adit_relay *r, adit_time now);
/* A descriptor has become free: listeners try again. */
void relay_listeners_wake(struct adit_relay *r);

/* Ends the connections of a service, or of all (NULL), with resets. */
void relay_splices_abort(struct adit_relay *r, const struct relay_service *s, adit_time now);
/* Adds what connections that are open have moved so far. */
void relay_splices_count(const struct adit_relay *r, const struct relay_service *s, struct relay_service_stats *n);

#endif
