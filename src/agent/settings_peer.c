/* SPDX-License-Identifier: ISC */
/* settings_peer.c - [[network.NAME.peers]] of a WireGuard network */
#include <stdlib.h>
#include <string.h>

#include "agent/settings_internal.h"
#include "crypto/keytext.h"

static void read_name(struct agent_reading *rd, const struct adit_conf_node *node)
{
	char text[AGENT_NAME_LEN];

	if (!agent_read_text(rd, node, text, sizeof(text)))
		return;
	free(rd->peer->name);
	rd->peer->name = agent_dup(rd, text);
}

static void read_public_key(struct agent_reading *rd, const struct adit_conf_node *node)
{
	static const uint8_t some[ADIT_KEY_LEN] = { 8, [31] = 64 }; /* any private key shows a low order */
	uint8_t out[ADIT_KEY_LEN];
	const char *text;

	if (adit_conf_as_text(rd->errors, node, &text) <= 0)
		return;
	if (!adit_key_from_base64(rd->peer->public_key, text, strlen(text)))
		adit_conf_error(rd->errors, node, "not a key (44 characters of base64; adit pubkey prints it)");
	else if (!adit_x25519(rd->crypto, out, some, rd->peer->public_key))
		adit_conf_error(rd->errors, node, "no private key can belong to this one");
}

static void read_psk(struct agent_reading *rd, const struct adit_conf_node *node)
{
	agent_read_secret(rd, node, &rd->peer->psk);
}

static void read_psk_path(struct agent_reading *rd, const struct adit_conf_node *node)
{
	if (adit_conf_get(node->parent, "preshared_key"))
		adit_conf_key_error(rd->errors, node, "preshared_key and preshared_key_path exclude each other");
	agent_read_key_path(rd, node, &rd->peer->psk_path, NULL);
}

/* One, or a list: all are tried. */
static void read_endpoint(struct agent_reading *rd, const struct adit_conf_node *node)
{
	const struct adit_conf_node *item = agent_items(node);
	struct agent_peer *p = rd->peer;

	if (node->kind == ADIT_CONF_ARRAY && !adit_conf_count(node))
		adit_conf_error(rd->errors, node, "the list is empty (leave it out, and the peer calls us)");
	p->endpoints = calloc(adit_conf_count(node) + 1, sizeof(*p->endpoints));
	if (!p->endpoints) {
		rd->errors->no_memory = true;
		return;
	}
	for (; item; item = node->kind == ADIT_CONF_ARRAY ? item->next : NULL)
		if (agent_read_endpoint(rd, item, &p->endpoints[p->endpoint_cnt]))
			p->endpoint_cnt++;
}

static void remember_allowed(struct agent_reading *rd, const struct adit_conf_node *item)
{
	struct agent_allowed *grown = agent_grow(rd, rd->allowed, rd->allowed_cnt, &rd->allowed_cap, sizeof(*grown));
	struct agent_allowed *a;

	if (!grown)
		return;
	rd->allowed = grown;
	a = &rd->allowed[rd->allowed_cnt];
	*a = (struct agent_allowed){ .node = item, .net = rd->net, .peer = rd->net->peer_cnt };
	if (item->kind != ADIT_CONF_STRING || adit_prefix_parse(&a->prefix, item->u.string.p))
		return; /* which was said */
	adit_prefix_mask(&a->prefix);
	rd->allowed_cnt++;
}

static void read_allowed_ips(struct agent_reading *rd, const struct adit_conf_node *node)
{
	agent_read_prefixes(rd, node, false, &rd->peer->allowed, &rd->peer->allowed_cnt);
	if (node->kind == ADIT_CONF_ARRAY)
		adit_conf_each(node, item)
			remember_allowed(rd, item);
}

static void read_keepalive(struct agent_reading *rd, const struct adit_conf_node *node)
{
	int64_t v = 0;

	agent_read_number(rd, node, 0, 65535, &v);
	rd->peer->keepalive = (uint16_t)v;
}

static void read_expect_rx(struct agent_reading *rd, const struct adit_conf_node *node)
{
	int64_t v = 0;

	agent_read_number(rd, node, 0, 86400, &v);
	rd->peer->expect_rx_secs = (unsigned)v;
}

const struct agent_key agent_keys_peer[] = {
	{ "name", AT_PEER, read_name, NULL, false },
	{ "public_key", AT_PEER, read_public_key, NULL, false },
	{ "preshared_key", AT_PEER, read_psk, NULL, true },
	{ "preshared_key_path", AT_PEER, read_psk_path, NULL, false },
	{ "endpoint", AT_PEER, read_endpoint, NULL, false },
	{ "allowed_ips", AT_PEER, read_allowed_ips, "[]", false },
	{ "persistent_keepalive_secs", AT_PEER, read_keepalive, "0", false },
	{ "expect_rx_secs", AT_PEER, read_expect_rx, "0", false },
	{ 0 },
};

/* --- the list ------------------------------------------------------------------------- */

static void read_peer(struct agent_reading *rd, const struct adit_conf_node *table)
{
	static const struct agent_key *const tables[] = { agent_keys_peer, NULL };
	struct agent_peer *p = &rd->net->peers[rd->net->peer_cnt];

	if (!adit_conf_is(rd->errors, table, ADIT_CONF_TABLE))
		return;
	rd->peer = p;
	p->at = agent_origin_of(rd, table);
	agent_read_keys(rd, table, AT_PEER, tables);
	adit_conf_need(rd->errors, table, "public_key", "the peer's: adit pubkey prints it");
	if (!p->name)
		p->name = agent_dup(rd, "");
	rd->peer = NULL;
	rd->net->peer_cnt++;
}

void agent_read_peers(struct agent_reading *rd, const struct adit_conf_node *node)
{
	if (rd->net->type == AGENT_STATIC)
		return; /* a table, which statictun reads */
	if (!adit_conf_is(rd->errors, node, ADIT_CONF_ARRAY))
		return;
	rd->net->peers = calloc(adit_conf_count(node) + 1, sizeof(*rd->net->peers));
	if (!rd->net->peers) {
		rd->errors->no_memory = true;
		return;
	}
	adit_conf_each(node, table)
		read_peer(rd, table);
}

void agent_peers_free(struct agent_peer *peers, size_t cnt)
{
	for (size_t i = 0; i < cnt; i++) {
		struct agent_peer *p = &peers[i];

		for (size_t k = 0; k < p->endpoint_cnt; k++)
			free(p->endpoints[k].host);
		free(p->endpoints);
		free(p->allowed);
		free(p->name);
		free(p->psk_path);
		adit_secret_free(p->psk, ADIT_KEY_LEN);
	}
	free(peers);
}
