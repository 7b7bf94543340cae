/* SPDX-License-Identifier: ISC */
/* settings_static.c - [network.NAME] of type static: statictun reads its own keys, from the same tree */
#include <stdlib.h>
#include <string.h>

#include "agent/settings_internal.h"
#include "statictun/keys.h"
#include "statictun/settings.h"

/* statictun checks the value; the file is read by who starts the network. */
static void read_secret_path(struct agent_reading *rd, const struct adit_conf_node *node)
{
	if (node->kind == ADIT_CONF_STRING) /* else statictun says what it is */
		agent_read_key_path(rd, node, &rd->net->private_key_path, &rd->own);
}

const struct agent_key agent_keys_static[] = {
	{ "listen", AT_STATIC, NULL, "\":1194\"", false },
	{ "secret", AT_STATIC, NULL, NULL, true },
	{ "secret_path", AT_STATIC, read_secret_path, NULL, false },
	{ "wire", AT_STATIC, NULL, "\"v2\"", false },
	{ "roaming", AT_STATIC, NULL, "false", false },
	{ "peer_timeout_secs", AT_STATIC, NULL, "0", false },
	{ 0 },
};

/* What every kind of network has stands in one place. */
static void copy_common(struct agent_reading *rd, struct agent_network_settings *n, const struct statictun_network *f)
{
	strcpy(n->ifname, f->ifname);
	n->mtu = f->mtu;
	n->listen_port = f->port;
	n->bind_address = f->bind;
	n->addresses = calloc(f->address_cnt + 1, sizeof(*n->addresses));
	if (!n->addresses) {
		rd->errors->no_memory = true;
		return;
	}
	if (f->address_cnt)
		memcpy(n->addresses, f->addresses, f->address_cnt * sizeof(*n->addresses));
	n->address_cnt = f->address_cnt;
}

void agent_static_end(struct agent_reading *rd)
{
	struct agent_network_settings *n = rd->net;
	const struct adit_conf_node *secret = adit_conf_get(rd->table, "secret");
	struct statictun_keys keys;

	if (statictun_keys_init(&keys, "", secret ? agent_file_of(rd, secret)->problem : NULL)) {
		rd->errors->no_memory = true;
		return;
	}
	keys.later = true;
	n->fixed = statictun_network_read(&keys, rd->errors, rd->table, n->name);
	statictun_keys_fini(&keys);
	if (n->fixed)
		copy_common(rd, n, n->fixed);
}
