/* SPDX-License-Identifier: ISC */
/* clients.h - how much each client address holds, for caps: mappings, dials in flight */
#ifndef ADIT_RELAY_CLIENTS_H
#define ADIT_RELAY_CLIENTS_H

#include "base/addr.h"
#include "base/list.h"
#include "base/map.h"

/* There while it holds something. */
struct relay_client {
	struct adit_addr addr;
	unsigned held;     /* references, its ports among them */
	unsigned ports[2]; /* virtual UDP ports in use or at rest: IPv4, IPv6 */
	struct adit_list items; /* its owner's, oldest use first */
};

struct relay_clients {
	struct adit_map map;
	uint8_t key[16];
};

void relay_clients_init(struct relay_clients *c);
void relay_clients_fini(struct relay_clients *c);
/* A client that holds one more; NULL: no memory. */
struct relay_client *relay_client_get(struct relay_clients *c, const struct adit_addr *addr);
static inline struct relay_client *relay_client_hold(struct relay_client *client)
{
	client->held++;
	return client;
}
void relay_client_put(struct relay_clients *c, struct relay_client *client);
unsigned relay_clients_held(const struct relay_clients *c, const struct adit_addr *addr);

#endif
