/* SPDX-License-Identifier: ISC */
/*
 * settings.h - what a configuration file says about static tunnels. A file in
 * TOML or JSON holds several networks ([network.NAME], type = "static"), or one
 * whose keys stand at the top. Everything that is wrong with it is reported at
 * once, with its place.
 */
#ifndef ADIT_STATICTUN_SETTINGS_H
#define ADIT_STATICTUN_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/path.h"
#include "config/errors.h"
#include "host/plan.h"
#include "static/static.h"

#define STATICTUN_PORT 1194
#define STATICTUN_MTU  1500

/* A line of the table: two lines of one key are one peer. */
struct statictun_peer {
	struct adit_prefix prefix;
	uint8_t public_key[ADIT_KEY_LEN];
	struct adit_path endpoint; /* none: it is heard first, with roaming */
};

struct statictun_network {
	struct statictun_network *next;
	char name[64]; /* "" = the file is one network */
	char ifname[ADIT_IFNAME_LEN]; /* "" = named by the system */
	enum adit_static_wire wire;
	struct adit_addr bind; /* family 0 = any */
	uint16_t port;
	uint8_t *secret; /* secret memory, ADIT_KEY_LEN */
	struct adit_prefix *addresses;
	size_t address_cnt;
	unsigned mtu;
	bool roaming;
	unsigned peer_timeout; /* seconds; 0 = never stale */
	struct statictun_peer *peers;
	size_t peer_cnt;
};

struct adit_conf_node;
struct statictun_keys;

/*
 * One network from its table, wherever that stands. Who calls sees to keys that
 * are none (statictun_network_keys, which ends with NULL, are). On errors the rest
 * is there; NULL: no memory.
 */
struct statictun_network *statictun_network_read(struct statictun_keys *keys, struct adit_conf_errors *errors,
						 const struct adit_conf_node *table, const char *name);
extern const char *const statictun_network_keys[];

/* The networks of the file in its order; NULL when there were errors, or none. */
struct statictun_network *statictun_settings_read(const char *path, struct adit_conf_errors *errors);
void statictun_settings_free(struct statictun_network *networks);

#endif
