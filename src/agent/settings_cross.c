/* SPDX-License-Identifier: ISC */
/* settings_cross.c - what can be judged only when several values were read */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/settings_internal.h"
#include "crypto/keytext.h"

/* --- one network ------------------------------------------------------------------------- */

static bool has_family(const struct agent_network_settings *n, int family)
{
	for (size_t i = 0; i < n->address_cnt; i++)
		if (n->addresses[i].addr.family == family)
			return true;
	return false;
}

static void check_mtu(struct agent_reading *rd, const struct agent_network_settings *n)
{
	if (n->mtu && n->mtu < 1280 && has_family(n, 6))
		adit_conf_error(rd->errors, adit_conf_get(rd->table, "mtu"),
				"IPv6 needs at least 1280, and there is an IPv6 address");
}

/* An address of each kind that the other end has is reached from one of ours. */
static void check_allowed_families(struct agent_reading *rd, const struct agent_network_settings *n)
{
	bool said[2] = { false, false };

	for (size_t i = 0; n->address_cnt && i < rd->allowed_cnt; i++) {
		const struct agent_allowed *a = &rd->allowed[i];
		bool v6 = a->prefix.addr.family == 6;

		if (a->net != n || said[v6] || !a->prefix.len || has_family(n, a->prefix.addr.family))
			continue;
		said[v6] = true;
		adit_conf_warning(rd->errors, a->node, "IPv%c, and we have no such address (addresses)", v6 ? '6' : '4');
	}
}

const struct adit_conf_node *agent_peer_node(const struct adit_conf_node *network, size_t peer, const char *key)
{
	const struct adit_conf_node *it = adit_conf_first(adit_conf_get(network, "peers"));

	while (it && it->index < peer)
		it = it->next;
	return adit_conf_get(it, key);
}

static const struct adit_conf_node *endpoint_node(const struct adit_conf_node *table, size_t peer, size_t i)
{
	const struct adit_conf_node *node = agent_peer_node(table, peer, "endpoint");

	if (!node || node->kind != ADIT_CONF_ARRAY)
		return node;
	for (node = adit_conf_first(node); node && node->index < i;)
		node = node->next;
	return node;
}

static void check_endpoint_families(struct agent_reading *rd, const struct agent_network_settings *n)
{
	struct adit_addr addr;

	for (size_t i = 0; n->bind_address.family && i < n->peer_cnt; i++) {
		const struct agent_peer *p = &n->peers[i];

		for (size_t k = 0; k < p->endpoint_cnt; k++) {
			const struct adit_conf_node *node;

			if (adit_addr_parse(&addr, p->endpoints[k].host) || addr.family == n->bind_address.family)
				continue;
			node = endpoint_node(rd->table, i, k); /* looked for only now: that takes its time */
			if (node)
				adit_conf_error(rd->errors, node, "IPv%u, and bind_address is an IPv%u address",
						addr.family, n->bind_address.family);
		}
	}
}

static bool is_routed(const struct agent_network_settings *n, const struct adit_addr *a)
{
	for (size_t i = 0; i < n->peer_cnt; i++)
		for (size_t k = 0; k < n->peers[i].allowed_cnt; k++)
			if (adit_prefix_contains(&n->peers[i].allowed[k], a))
				return true;
	return false;
}

/* It may be meant: the server is then asked only when something else leads there. */
static void check_dns(struct agent_reading *rd, const struct agent_network_settings *n)
{
	struct adit_addr addr;

	adit_conf_each(adit_conf_get(rd->table, "dns"), item)
		if (item->kind == ADIT_CONF_STRING && !adit_addr_parse(&addr, item->u.string.p) && !is_routed(n, &addr))
			adit_conf_warning(rd->errors, item,
					  "no peer's allowed_ips leads to this server (it is used only when it can be reached)");
}

/* The commonest slip: the pair of keys is one's own. */
static void check_own_key(struct agent_reading *rd, const struct agent_network_settings *n)
{
	const uint8_t *own = n->private_key ? n->private_key : rd->own;
	uint8_t pub[ADIT_KEY_LEN];

	if (!own)
		return;
	adit_x25519_public(rd->crypto, pub, own);
	for (size_t i = 0; i < n->peer_cnt; i++)
		if (!memcmp(n->peers[i].public_key, pub, ADIT_KEY_LEN) && agent_peer_node(rd->table, i, "public_key"))
			adit_conf_error(rd->errors, agent_peer_node(rd->table, i, "public_key"),
					"this is our own public key (the peer's is meant)");
}

/* A way whose packets are smaller than ours would be with their wrapping. */
static void check_path(struct agent_reading *rd, const struct agent_network_settings *n)
{
	const struct agent_opener *o = rd->opener;
	struct adit_addr addr, last = { 0 };

	if (!n->mtu || !o || !o->path_mtu)
		return;
	for (size_t i = 0; i < n->peer_cnt; i++) {
		const struct agent_endpoint *e = n->peers[i].endpoints;
		unsigned path, wrap;

		if (!n->peers[i].endpoint_cnt || adit_addr_parse(&addr, e->host) || adit_addr_equal(&addr, &last))
			continue;
		last = addr;
		wrap = addr.family == 4 ? 60 : 80;
		path = o->path_mtu(o->user, &addr);
		if (!path || n->mtu + wrap <= path)
			continue;
		adit_conf_warning(rd->errors, adit_conf_get(rd->table, "mtu"),
				  "packets of up to %u bytes go to %s, of which our wrapping takes %u (at most %u)", path,
				  e->host, wrap, path - wrap);
		return;
	}
}

/* A default route, or its two halves, of one family. */
static bool takes_all(const struct agent_network_settings *n, uint8_t family)
{
	bool half[2] = { false, false };

	for (size_t i = 0; i < n->peer_cnt; i++)
		for (size_t k = 0; k < n->peers[i].allowed_cnt; k++) {
			const struct adit_prefix *p = &n->peers[i].allowed[k];

			if (p->addr.family != family || p->len > 1)
				continue;
			half[p->addr.bytes[0] >> 7] = true;
			if (!p->len)
				half[0] = half[1] = true;
		}
	return half[0] && half[1];
}

static void check_killswitch(struct agent_reading *rd, const struct agent_network_settings *n)
{
	if (!n->killswitch)
		return;
	if (n->table == AGENT_TABLE_OFF)
		adit_conf_error(rd->errors, adit_conf_get(rd->table, "killswitch"),
				"would let nothing pass, for table = \"off\" sends nothing into the tunnel");
	else if (n->table == AGENT_TABLE_AUTO && !takes_all(n, 4) && !takes_all(n, 6))
		adit_conf_error(rd->errors, adit_conf_get(rd->table, "killswitch"),
				"needs a full tunnel: a peer with allowed_ips = [\"0.0.0.0/0\", \"::/0\"]");
}

static void check_wireguard(struct agent_reading *rd, const struct agent_network_settings *n)
{
	if (!rd->quick_wrong && !adit_conf_get(rd->table, "private_key") && !adit_conf_get(rd->table, "private_key_path"))
		adit_conf_need(rd->errors, rd->table, "private_key_path", "the name of a file; adit genkey makes one");
	if (n->bind_interface[0] && !strcmp(n->bind_interface, n->ifname))
		adit_conf_error(rd->errors, adit_conf_get(rd->table, "bind_interface"),
				"this is the network's own interface");
	check_killswitch(rd, n);
	check_allowed_families(rd, n);
	check_endpoint_families(rd, n);
	check_dns(rd, n);
	check_own_key(rd, n);
	check_path(rd, n);
}

/* --- peers ----------------------------------------------------------------------------------- */

struct keyed {
	const uint8_t *key;
	size_t nr;
};

static int by_key(const void *va, const void *vb)
{
	const struct keyed *a = va, *b = vb;
	int r = memcmp(a->key, b->key, ADIT_KEY_LEN);

	return r ? r : (a->nr > b->nr) - (a->nr < b->nr);
}

static void say_twins(struct agent_reading *rd, const struct agent_network_settings *n, const struct keyed *list,
		      size_t cnt)
{
	for (size_t i = 1; i < cnt; i++) {
		const struct agent_peer *a = &n->peers[list[i - 1].nr], *b = &n->peers[list[i].nr];
		char path[ADIT_CONF_PATH_LEN];

		if (memcmp(list[i].key, list[i - 1].key, ADIT_KEY_LEN) != 0)
			continue;
		snprintf(path, sizeof(path), "network.%s.peers[%zu].public_key", n->name, list[i].nr);
		adit_conf_error_at(rd->errors, b->at.file, b->at.pos, path,
				   "is that of the peer in line %u of %s (join the two)", a->at.pos.line, a->at.file);
	}
}

static void check_twins(struct agent_reading *rd, const struct agent_network_settings *n)
{
	struct keyed *list = calloc(n->peer_cnt + 1, sizeof(*list));
	size_t cnt = 0;

	if (!list) {
		rd->errors->no_memory = true;
		return;
	}
	for (size_t i = 0; i < n->peer_cnt; i++)
		if (!adit_is_zero(n->peers[i].public_key, ADIT_KEY_LEN)) /* one that was wrong is zero */
			list[cnt++] = (struct keyed){ n->peers[i].public_key, i };
	qsort(list, cnt, sizeof(*list), by_key);
	say_twins(rd, n, list, cnt);
	free(list);
}

void agent_cross_network(struct agent_reading *rd)
{
	if (rd->net->type != AGENT_STATIC) { /* whose own reader does that */
		check_mtu(rd, rd->net);
		check_twins(rd, rd->net);
	}
	if (rd->net->type == AGENT_WIREGUARD)
		check_wireguard(rd, rd->net);
}

/* --- allowed prefixes ----------------------------------------------------------------------------
 *
 * Sorted by address and length, a prefix comes after all that hold it: a stack of
 * the present nest is enough to find every overlap in one pass.
 */

static int by_prefix(const void *va, const void *vb)
{
	const struct agent_allowed *a = va, *b = vb;
	int r = a->prefix.addr.family - b->prefix.addr.family;

	if (!r)
		r = memcmp(a->prefix.addr.bytes, b->prefix.addr.bytes, 16);
	if (!r)
		r = a->prefix.len - b->prefix.len;
	if (!r) /* in the order of the file */
		r = (a->node->pos.line > b->node->pos.line) - (a->node->pos.line < b->node->pos.line);
	if (!r)
		r = (a->node->pos.col > b->node->pos.col) - (a->node->pos.col < b->node->pos.col);
	return r;
}

static const char *peer_name(const struct agent_allowed *a, char buf[AGENT_NAME_LEN + 40])
{
	const struct agent_peer *p = &a->net->peers[a->peer];

	if (p->name && *p->name)
		snprintf(buf, AGENT_NAME_LEN + 40, "%s", p->name);
	else
		snprintf(buf, AGENT_NAME_LEN + 40, "peers[%zu]", a->peer);
	return buf;
}

static bool same_table(const struct agent_network_settings *a, const struct agent_network_settings *b)
{
	return a->enable && b->enable && a->table != AGENT_TABLE_OFF && b->table != AGENT_TABLE_OFF &&
	       a->table == b->table && a->table_number == b->table_number && a->metric == b->metric;
}

/* `inner` lies in `outer`, or is the same. */
static void judge(struct agent_reading *rd, const struct agent_allowed *outer, const struct agent_allowed *inner)
{
	bool equal = outer->prefix.len == inner->prefix.len;
	char name[AGENT_NAME_LEN + 40], prefix[ADIT_PREFIX_STRLEN];

	adit_prefix_format(&outer->prefix, prefix);
	if (outer->net == inner->net && outer->peer == inner->peer) {
		if (equal)
			adit_conf_warning(rd->errors, inner->node, "stands twice in this list");
	} else if (outer->net == inner->net) {
		if (equal)
			adit_conf_error(rd->errors, inner->node, "peer %s has this prefix already (only one can have it)",
					peer_name(outer, name));
		else if (outer->prefix.len)
			adit_conf_warning(rd->errors, inner->node, "lies in %s of peer %s (the longer one decides)", prefix,
					  peer_name(outer, name));
	} else if (same_table(outer->net, inner->net) && (equal || outer->prefix.len)) {
		adit_conf_warning(rd->errors, inner->node, "overlaps %s of network %s (%s)", prefix, outer->net->name,
				  equal ? "give one of the two another metric" : "the longer one decides");
	}
}

static void check_overlaps(struct agent_reading *rd)
{
	const struct agent_allowed *nest[130];
	size_t depth = 0;

	if (rd->allowed_cnt)
		qsort(rd->allowed, rd->allowed_cnt, sizeof(*rd->allowed), by_prefix);
	for (size_t i = 0; i < rd->allowed_cnt; i++) {
		const struct agent_allowed *a = &rd->allowed[i];

		while (depth && (nest[depth - 1]->prefix.addr.family != a->prefix.addr.family ||
				 !adit_prefix_contains(&nest[depth - 1]->prefix, &a->prefix.addr)))
			depth--;
		if (depth)
			judge(rd, nest[depth - 1], a);
		if (!depth || nest[depth - 1]->prefix.len != a->prefix.len)
			nest[depth++] = a;
	}
}

/* --- between networks --------------------------------------------------------------------------------- */

static void report_pair(struct agent_reading *rd, const struct agent_network_settings *b, bool both, const char *key,
			const char *fmt, const char *other)
{
	const struct adit_conf_node *net = adit_conf_get(adit_conf_get(rd->files->file[0].doc->root, "network"), b->name);
	const struct adit_conf_node *node = adit_conf_get(net, key) ? adit_conf_get(net, key) : net;

	if (both)
		adit_conf_error(rd->errors, node, fmt, other);
	else
		adit_conf_warning(rd->errors, node, fmt, other);
}

static bool same_listener(const struct agent_network_settings *a, const struct agent_network_settings *b)
{
	return a->listen_port && a->listen_port == b->listen_port &&
	       (!a->bind_address.family || !b->bind_address.family ||
		adit_addr_equal(&a->bind_address, &b->bind_address));
}

static void check_pair(struct agent_reading *rd, const struct agent_network_settings *a,
		       const struct agent_network_settings *b)
{
	bool both = a->enable && b->enable; /* else they may be meant to take turns */

	if (a->ifname[0] && !strcmp(a->ifname, b->ifname))
		report_pair(rd, b, both, "interface", "network %s has this interface already", a->name);
	if (same_listener(a, b))
		report_pair(rd, b, both, b->type == AGENT_STATIC ? "listen" : "listen_port",
			    "network %s has this port already", a->name);
}

void agent_cross_config(struct agent_reading *rd)
{
	const struct agent_network_settings *a, *b;

	for (a = rd->config->networks; a; a = a->next)
		for (b = a->next; b; b = b->next)
			check_pair(rd, a, b);
	check_overlaps(rd);
}
