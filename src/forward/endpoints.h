/* SPDX-License-Identifier: ISC */
/*
 * endpoints.h - the names of peers' endpoints, looked up outside.
 *
 * DOC: when a name is looked up again
 *
 * At start, until there is an answer. Then whenever the peer does not answer:
 * two initiations without a response, or several packets sent and nothing
 * authenticated for some seconds. The resolver keeps an answer for its time to
 * live, so asking often costs nothing. A peer that answers is left where it
 * is, for it may have moved (roaming) where the name does not know it.
 */
#ifndef ADIT_FORWARD_ENDPOINTS_H
#define ADIT_FORWARD_ENDPOINTS_H

#include <pthread.h>

#include "base/time.h"
#include "forward/config.h"
#include "relay/resolver.h"

struct adit_forward_network;
struct forward_endpoint;

struct forward_endpoints {
	struct adit_forward_network *network;
	struct forward_endpoint *first;
	struct relay_resolver *resolver; /* the data thread's */
	struct adit_addr bind;           /* family 0 = any */
	pthread_mutex_t mutex;           /* of the answers */
};

int endpoints_init(struct forward_endpoints *e, struct adit_forward_network *n);
/* The data thread stands still, or is gone. */
void endpoints_fini(struct forward_endpoints *e);
/* Takes over which peers have a name. Numbers are set at once by peers.c. 0 or -ENOMEM. */
int endpoints_set(struct forward_endpoints *e, const struct adit_forward_config *cfg);
/* Looks at the peers and at what was answered; by the control thread, when due or notified. */
void endpoints_work(struct forward_endpoints *e, adit_time now);
/* When to look again; ADIT_NEVER: there is no name. */
adit_time endpoints_due(const struct forward_endpoints *e);
/* A name's last trouble, for status; "" = none. */
const char *endpoints_problem(const struct forward_endpoints *e, const uint8_t public_key[ADIT_FORWARD_KEY_LEN]);
/* The name as configured, HOST:PORT; NULL when the peer has none. */
const char *endpoints_name(const struct forward_endpoints *e, const uint8_t public_key[ADIT_FORWARD_KEY_LEN]);

#endif
