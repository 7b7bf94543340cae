/* SPDX-License-Identifier: ISC */
/* table.c - the table of peers in a configuration */
#include "statictun/table.h"

#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "config/check.h"
#include "statictun/settings.h"

/*
 * What has been seen so far, so that a table of many thousand lines is checked
 * in one pass. Hashes are keyed with zeros: the file is its owner's.
 */
struct seen {
	struct statictun_network *net;
	struct adit_map prefixes, keys, endpoints;
	uint8_t zero[16];
};

static bool prefix_equal(const void *item, const void *key)
{
	const struct statictun_peer *a = item, *b = key;

	return adit_prefix_equal(&a->prefix, &b->prefix);
}

static bool key_equal(const void *item, const void *key)
{
	const struct statictun_peer *a = item, *b = key;

	return !memcmp(a->public_key, b->public_key, ADIT_KEY_LEN);
}

static bool endpoint_equal(const void *item, const void *key)
{
	const struct statictun_peer *a = item, *b = key;

	return adit_path_same_remote(&a->endpoint, &b->endpoint);
}

static void seen_init(struct seen *s, struct statictun_network *net)
{
	memset(s, 0, sizeof(*s));
	s->net = net;
	adit_map_init(&s->prefixes, prefix_equal);
	adit_map_init(&s->keys, key_equal);
	adit_map_init(&s->endpoints, endpoint_equal);
}

static void seen_fini(struct seen *s)
{
	adit_map_fini(&s->prefixes);
	adit_map_fini(&s->keys);
	adit_map_fini(&s->endpoints);
}

/* The item that equals p in this respect; p itself is entered when there is none. */
static const struct statictun_peer *find_or_enter(const struct seen *s, struct adit_map *map, const void *part,
						  size_t len, struct statictun_peer *p)
{
	uint64_t hash = adit_shorthash(part, len, s->zero);
	const struct statictun_peer *other = adit_map_find(map, hash, p);

	if (!other)
		adit_map_insert(map, hash, p); /* without memory an equal one is found later, by the core */
	return other;
}

/* --- one line --------------------------------------------------------------------- */

static bool read_prefix(struct adit_conf_errors *errors, const struct adit_conf_node *node, struct statictun_peer *p)
{
	struct adit_prefix whole;

	if (strlen(node->key) != node->key_len || adit_prefix_parse(&p->prefix, node->key)) {
		adit_conf_key_error(errors, node, "not an IPv4 or IPv6 address or prefix (\"10.0.0.2\", \"fd00:2::/32\")");
		return false;
	}
	whole = p->prefix;
	adit_prefix_mask(&p->prefix);
	if (!adit_addr_equal(&whole.addr, &p->prefix.addr)) {
		char buf[ADIT_PREFIX_STRLEN];

		adit_conf_key_error(errors, node, "bits behind the prefix are set (is %s meant?)",
				    adit_prefix_format(&p->prefix, buf));
		return false;
	}
	return true;
}

static uint32_t zone_index(const char *name)
{
	return if_nametoindex(name);
}

static bool usable(const struct adit_path *path)
{
	size_t len = path->kind == ADIT_PATH_UDP4 ? 4 : 16;

	return path->port && !adit_is_zero(path->addr, len);
}

static bool read_endpoint(struct adit_conf_errors *errors, const struct adit_conf_node *table,
			  const struct statictun_network *net, struct statictun_peer *p)
{
	const struct adit_conf_node *node = adit_conf_get(table, "sock_addr");
	const char *text;

	if (!node && net->roaming)
		return true; /* it is heard first */
	if (!adit_conf_need(errors, table, "sock_addr", "only with roaming = true can it be left out") ||
	    adit_conf_get_text(errors, table, "sock_addr", &text) <= 0)
		return false;
	if (adit_path_parse(&p->endpoint, text, zone_index) || !usable(&p->endpoint)) {
		adit_conf_error(errors, node,
				"not an address with a port (\"192.0.2.2:1194\", \"[2001:db8::2]:1194\"; names are not looked up)");
		return false;
	}
	if (net->bind.family && net->bind.family != (p->endpoint.kind == ADIT_PATH_UDP4 ? 4 : 6)) {
		adit_conf_error(errors, node, "IPv%c, and listen is an IPv%c address (listen = \":%u\" is for both)",
				net->bind.family == 4 ? '6' : '4', net->bind.family == 4 ? '4' : '6', net->port);
		return false;
	}
	return true;
}

/* Two lines of one key are one peer, so they say the same of it; and a peer has its address for itself. */
static void check_others(struct adit_conf_errors *errors, struct seen *s, const struct adit_conf_node *node,
			 struct statictun_peer *p)
{
	const struct adit_path *at = &p->endpoint;
	char buf[ADIT_PATH_STRLEN];
	const struct statictun_peer *other;
	uint8_t remote[23] = { at->kind };

	if (find_or_enter(s, &s->prefixes, &p->prefix, sizeof(p->prefix), p))
		adit_conf_key_error(errors, node, "this prefix is in the table already");
	other = find_or_enter(s, &s->keys, p->public_key, ADIT_KEY_LEN, p);
	if (other && !adit_path_same_remote(&other->endpoint, at))
		adit_conf_error(errors, adit_conf_get(node, "sock_addr") ? adit_conf_get(node, "sock_addr") : node,
				"the same pub_key stands at %s in another line", adit_path_format(&other->endpoint, buf));
	if (at->kind == ADIT_PATH_NONE)
		return;
	memcpy(remote + 1, &at->port, 2);
	memcpy(remote + 3, &at->scope, 4);
	memcpy(remote + 7, at->addr, 16);
	other = find_or_enter(s, &s->endpoints, remote, sizeof(remote), p);
	if (other && memcmp(other->public_key, p->public_key, ADIT_KEY_LEN))
		adit_conf_error(errors, adit_conf_get(node, "sock_addr"), "another peer is at this address");
}

static void read_line(struct statictun_keys *k, struct adit_conf_errors *errors, struct seen *s,
		      const struct adit_conf_node *node)
{
	static const char *const keys[] = { "pub_key", "sock_addr", NULL };
	struct statictun_network *net = s->net;
	struct statictun_peer *p = &net->peers[net->peer_cnt];
	bool prefix = read_prefix(errors, node, p), key, endpoint;

	if (!adit_conf_is(errors, node, ADIT_CONF_TABLE))
		return;
	adit_conf_only(errors, node, keys);
	key = statictun_read_public(k, errors, node, net, p->public_key);
	endpoint = read_endpoint(errors, node, net, p);
	if (!prefix || !key || !endpoint) {
		memset(p, 0, sizeof(*p));
		return;
	}
	check_others(errors, s, node, p);
	net->peer_cnt++;
}

void statictun_read_table(struct statictun_keys *k, struct adit_conf_errors *errors,
			  const struct adit_conf_node *table, struct statictun_network *net)
{
	const struct adit_conf_node *peers;
	struct seen seen;

	if (!adit_conf_need(errors, table, "peers", "a table: \"10.0.0.2\" = { pub_key = \"...\", sock_addr = \"192.0.2.2:1194\" }") ||
	    adit_conf_get_table(errors, table, "peers", &peers) <= 0)
		return;
	net->peers = calloc(adit_conf_count(peers) + 1, sizeof(*net->peers));
	if (!net->peers) {
		errors->no_memory = true;
		return;
	}
	seen_init(&seen, net);
	adit_conf_each(peers, node)
		read_line(k, errors, &seen, node);
	seen_fini(&seen);
	if (!adit_conf_count(peers))
		adit_conf_error(errors, peers, "no peer is in it");
}
