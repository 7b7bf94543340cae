/* SPDX-License-Identifier: ISC */
/* settings_network.c - [network.NAME]: what it is, its keys and its way outside */
#include <stdlib.h>
#include <string.h>

#include "agent/settings_internal.h"

#define MTU_MAX 65455 /* a datagram of UDP over IPv4, with WireGuard's 32 bytes around */

static void read_type(struct agent_reading *rd, const struct adit_conf_node *node)
{
	(void)rd; /* it was looked at first: the other keys depend on it */
	(void)node;
}

static void read_enable(struct agent_reading *rd, const struct adit_conf_node *node)
{
	agent_read_bool(rd, node, &rd->net->enable);
}

static void read_enable_wireguard(struct agent_reading *rd, const struct adit_conf_node *node)
{
	if (adit_conf_get(node->parent, "enable"))
		adit_conf_key_error(rd->errors, node, "enable and enable_wireguard are one key (remove one)");
	agent_read_bool(rd, node, &rd->net->enable);
}

static void read_interface(struct agent_reading *rd, const struct adit_conf_node *node)
{
	if (rd->net->type != AGENT_STATIC && (node->kind != ADIT_CONF_STRING || strcmp(node->u.string.p, "utun") != 0))
		agent_read_ifname(rd, node, rd->net->ifname);
}

static void read_private_key(struct agent_reading *rd, const struct adit_conf_node *node)
{
	agent_read_secret(rd, node, &rd->net->private_key);
}

static void read_private_key_path(struct agent_reading *rd, const struct adit_conf_node *node)
{
	if (adit_conf_get(node->parent, "private_key"))
		adit_conf_key_error(rd->errors, node, "private_key and private_key_path exclude each other");
	agent_read_key_path(rd, node, &rd->net->private_key_path, &rd->own);
}

static void read_addresses(struct agent_reading *rd, const struct adit_conf_node *node)
{
	struct agent_network_settings *n = rd->net;
	const struct adit_conf_node *item = adit_conf_first(node);

	if (n->type == AGENT_STATIC)
		return; /* which statictun reads, as interface and mtu */
	agent_read_prefixes(rd, node, true, &n->addresses, &n->address_cnt);
	if (n->address_cnt != adit_conf_count(node))
		return; /* something was wrong: items and addresses do not go together */
	for (size_t i = 0; i < n->address_cnt; i++, item = item->next)
		for (size_t k = 0; k < i; k++)
			if (adit_addr_equal(&n->addresses[i].addr, &n->addresses[k].addr)) {
				adit_conf_error(rd->errors, item, "this address is in the list already");
				break;
			}
}

static void read_mtu(struct agent_reading *rd, const struct adit_conf_node *node)
{
	int64_t v = 0;

	if (rd->net->type != AGENT_STATIC)
		agent_read_number(rd, node, 576, MTU_MAX, &v);
	rd->net->mtu = (unsigned)v;
}

static void read_listen_port(struct agent_reading *rd, const struct adit_conf_node *node)
{
	int64_t v = 0;

	agent_read_number(rd, node, 0, 65535, &v);
	rd->net->listen_port = (uint16_t)v;
}

static void read_bind_address(struct agent_reading *rd, const struct adit_conf_node *node)
{
	const char *text;

	if (adit_conf_as_text(rd->errors, node, &text) > 0 && adit_addr_parse(&rd->net->bind_address, text))
		adit_conf_error(rd->errors, node, "not an IPv4 or IPv6 address");
}

static void read_bind_interface(struct agent_reading *rd, const struct adit_conf_node *node)
{
	agent_read_ifname(rd, node, rd->net->bind_interface);
}

/* "0x..." is for JSON, whose numbers are decimal only. */
static void read_fwmark(struct agent_reading *rd, const struct adit_conf_node *node)
{
	const char *text = node->kind == ADIT_CONF_STRING ? node->u.string.p : "";
	char *end = NULL;
	int64_t v = 0;

	if (node->kind == ADIT_CONF_STRING && !strncmp(text, "0x", 2) && strlen(text) > 2 && strlen(text) <= 10) {
		v = strtoll(text + 2, &end, 16);
		if (*end)
			adit_conf_error(rd->errors, node, "not a hexadecimal number (0x and up to eight digits)");
	} else {
		agent_read_number(rd, node, 0, UINT32_MAX, &v);
	}
	rd->net->fwmark = (uint32_t)v;
}

static void read_config(struct agent_reading *rd, const struct adit_conf_node *node)
{
	(void)rd; /* a wireguard network was filled up with it; a forward network's is read last */
	(void)node;
}

const struct agent_key agent_keys_network[] = {
	{ "type", AT_NETWORK, read_type, "\"wireguard\"", false },
	{ "enable", AT_NETWORK, read_enable, "false", false },
	{ "enable_wireguard", AT_WIREGUARD, read_enable_wireguard, NULL, false },
	{ "config", AT_TUNNEL, read_config, NULL, false },
	{ "interface", AT_MACHINE, read_interface, "\"utun\"", false },
	{ "private_key", AT_TUNNEL, read_private_key, NULL, true },
	{ "private_key_path", AT_TUNNEL, read_private_key_path, NULL, false },
	{ "addresses", AT_NETWORK, read_addresses, "[]", false },
	{ "mtu", AT_WIREGUARD, read_mtu, NULL, false }, /* of the way to the endpoint */
	{ "mtu", AT_FORWARD, read_mtu, "1420", false },
	{ "mtu", AT_STATIC, read_mtu, "1500", false },
	{ "listen_port", AT_TUNNEL, read_listen_port, "0", false },
	{ "fwmark", AT_TUNNEL, read_fwmark, "0", false },
	{ "bind_address", AT_TUNNEL, read_bind_address, NULL, false },
	{ "bind_interface", AT_WIREGUARD, read_bind_interface, NULL, false },
	{ "peers", AT_NETWORK, agent_read_peers, NULL, false },
	{ 0 },
};
