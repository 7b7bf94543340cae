/* SPDX-License-Identifier: ISC */
/* api_peers.c - peer.add and peer.remove: peers of a running network, until it ends */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/api.h"
#include "config/check.h"
#include "crypto/keytext.h"

#define ENDPOINTS_MAX 16

static void peer_fini(struct agent_peer *p)
{
	for (size_t i = 0; i < p->endpoint_cnt; i++)
		free(p->endpoints[i].host);
	free(p->endpoints);
	free(p->allowed);
	free(p->name);
	adit_secret_free(p->psk, ADIT_KEY_LEN);
}

static int read_key(struct agent_call *c, const struct adit_conf_node *table, const char *name,
		    uint8_t key[ADIT_KEY_LEN])
{
	const char *text = NULL;

	if (adit_conf_get_text(c->errors, table, name, &text) < 0)
		return agent_call_unread(c);
	if (!text)
		return 1;
	return adit_key_from_base64(key, text, strlen(text)) ? 0 :
	       agent_call_fail(c, "bad_request", "44 characters of base64", "%s is not a key", name);
}

/* HOST:PORT, [2001:db8::1]:PORT */
static int read_endpoint(struct agent_call *c, const struct adit_conf_node *node, struct agent_endpoint *ret)
{
	const char *text, *colon, *from;
	unsigned long port;
	size_t len;
	char *end;

	if (adit_conf_as_text(c->errors, node, &text) < 0)
		return agent_call_unread(c);
	colon = strrchr(text, ':');
	port = colon ? strtoul(colon + 1, &end, 10) : 0;
	from = text;
	len = colon ? (size_t)(colon - text) : 0;
	if (len > 2 && text[0] == '[' && colon[-1] == ']') {
		from++;
		len -= 2;
	} else if (memchr(text, ':', len)) {
		len = 0;
	}
	if (!len || len > 253 || colon[1] < '0' || colon[1] > '9' || *end || port < 1 || port > 65535)
		return agent_call_fail(c, "bad_request", "vpn.example.com:51820 or [2001:db8::1]:51820",
				       "an endpoint is HOST:PORT");
	ret->host = strndup(from, len);
	ret->port = (uint16_t)port;
	return ret->host ? 0 : agent_call_errno(c, -ENOMEM, "no memory");
}

static int read_endpoints(struct agent_call *c, const struct adit_conf_node *table, struct agent_peer *p)
{
	const struct adit_conf_node *node = adit_conf_get(table, "endpoint");
	size_t cnt = node && node->kind == ADIT_CONF_ARRAY ? adit_conf_count(node) : node != NULL;

	if (!cnt)
		return 0;
	if (cnt > ENDPOINTS_MAX)
		return agent_call_fail(c, "bad_request", NULL, "more than %d endpoints", ENDPOINTS_MAX);
	p->endpoints = calloc(cnt, sizeof(*p->endpoints));
	if (!p->endpoints)
		return agent_call_errno(c, -ENOMEM, "no memory");
	if (node->kind == ADIT_CONF_ARRAY)
		node = adit_conf_first(node);
	for (; p->endpoint_cnt < cnt; node = node->next, p->endpoint_cnt++)
		if (read_endpoint(c, node, &p->endpoints[p->endpoint_cnt]))
			return -1;
	return 0;
}

static int read_allowed(struct agent_call *c, const struct adit_conf_node *table, struct agent_peer *p)
{
	const struct adit_conf_node *list = NULL;
	const char *text;

	if (adit_conf_get_array(c->errors, table, "allowed_ips", &list) < 0)
		return agent_call_unread(c);
	if (!list || !adit_conf_count(list))
		return 0;
	p->allowed = calloc(adit_conf_count(list), sizeof(*p->allowed));
	if (!p->allowed)
		return agent_call_errno(c, -ENOMEM, "no memory");
	adit_conf_each(list, node) {
		if (adit_conf_as_text(c->errors, node, &text) < 0)
			return agent_call_unread(c);
		if (adit_prefix_parse(&p->allowed[p->allowed_cnt++], text))
			return agent_call_fail(c, "bad_request", "10.0.0.0/8 or fd00::/8",
					       "an item of allowed_ips is not a prefix");
	}
	return 0;
}

static int read_psk(struct agent_call *c, const struct adit_conf_node *table, struct agent_peer *p)
{
	if (!adit_conf_get(table, "preshared_key"))
		return 0;
	p->psk = adit_secret_alloc(ADIT_KEY_LEN);
	if (!p->psk)
		return agent_call_errno(c, -ENOMEM, "no memory");
	return read_key(c, table, "preshared_key", p->psk) ? -1 : 0;
}

static int read_peer(struct agent_call *c, struct agent_peer *p)
{
	static const char *const keys[] = { "name", "public_key", "preshared_key", "endpoint", "allowed_ips",
					    "persistent_keepalive_secs", "expect_rx_secs", NULL };
	const struct adit_conf_node *table = NULL;
	int64_t keepalive = 0, expect = 0;
	const char *name = "";
	int r;

	if (adit_conf_get_table(c->errors, c->request, "peer", &table) < 0)
		return agent_call_unread(c);
	if (!table)
		return agent_call_fail(c, "bad_request", "{\"public_key\":...,\"allowed_ips\":[...]}", "there is no peer");
	adit_conf_only(c->errors, table, keys);
	adit_conf_get_text(c->errors, table, "name", &name);
	adit_conf_get_integer(c->errors, table, "persistent_keepalive_secs", 0, 65535, &keepalive);
	adit_conf_get_integer(c->errors, table, "expect_rx_secs", 0, 86400, &expect);
	if (c->errors->cnt)
		return agent_call_unread(c);
	p->keepalive = (uint16_t)keepalive;
	p->expect_rx_secs = (unsigned)expect;
	p->name = strdup(name);
	if (!p->name)
		return agent_call_errno(c, -ENOMEM, "no memory");
	r = read_key(c, table, "public_key", p->public_key);
	if (r)
		return r < 0 ? -1 : agent_call_fail(c, "bad_request", NULL, "a peer takes a public_key");
	return read_endpoints(c, table, p) || read_allowed(c, table, p) || read_psk(c, table, p) ? -1 : 0;
}

static void write_key(struct agent_call *c, const uint8_t key[ADIT_KEY_LEN])
{
	char text[ADIT_KEY_BASE64_LEN + 1];

	adit_key_to_base64(text, key);
	agent_json_text(c->j, "network", c->network->settings->name);
	agent_json_text(c->j, "public_key", text);
}

int agent_act_peer_add(struct agent_call *c)
{
	struct agent_peer p = { 0 };
	char err[512] = "";
	int r;

	if (read_peer(c, &p)) {
		peer_fini(&p);
		return -1;
	}
	r = agent_peer_add(c->agent, c->network, &p, err, sizeof(err));
	if (!r)
		write_key(c, p.public_key);
	peer_fini(&p);
	return r ? agent_call_errno(c, r, err) : AGENT_API_DONE;
}

int agent_act_peer_remove(struct agent_call *c)
{
	uint8_t key[ADIT_KEY_LEN];
	char err[512] = "";
	int r = read_key(c, c->request, "public_key", key);

	if (r)
		return r < 0 ? -1 : agent_call_fail(c, "bad_request", NULL, "which peer? its public_key is missing");
	r = agent_peer_remove(c->agent, c->network, key, err, sizeof(err));
	if (r)
		return agent_call_errno(c, r, err);
	write_key(c, key);
	return AGENT_API_DONE;
}
