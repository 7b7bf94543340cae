/* SPDX-License-Identifier: ISC */
/* clients.c - how much each client address holds */
#include "relay/clients.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"

static bool equal(const void *item, const void *key)
{
	const struct relay_client *client = item;

	return adit_addr_equal(&client->addr, key);
}

static uint64_t hash_of(const struct relay_clients *c, const struct adit_addr *addr)
{
	uint8_t text[17];

	text[0] = addr->family;
	memcpy(text + 1, addr->bytes, 16);
	return adit_shorthash(text, sizeof(text), c->key);
}

void relay_clients_init(struct relay_clients *c)
{
	adit_map_init(&c->map, equal);
	adit_random(c->key, sizeof(c->key));
}

void relay_clients_fini(struct relay_clients *c)
{
	adit_map_fini(&c->map);
}

struct relay_client *relay_client_get(struct relay_clients *c, const struct adit_addr *addr)
{
	uint64_t hash = hash_of(c, addr);
	struct relay_client *client = adit_map_find(&c->map, hash, addr);

	if (!client) {
		client = calloc(1, sizeof(*client));
		if (!client)
			return NULL;
		client->addr = *addr;
		adit_list_init(&client->items);
		if (adit_map_insert(&c->map, hash, client)) {
			free(client);
			return NULL;
		}
	}
	client->held++;
	return client;
}

void relay_client_put(struct relay_clients *c, struct relay_client *client)
{
	if (--client->held)
		return;
	adit_map_remove(&c->map, hash_of(c, &client->addr), client);
	free(client);
}

unsigned relay_clients_held(const struct relay_clients *c, const struct adit_addr *addr)
{
	const struct relay_client *client = adit_map_find(&c->map, hash_of(c, addr), addr);

	return client ? client->held : 0;
}
