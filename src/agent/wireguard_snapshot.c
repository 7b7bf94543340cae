/* SPDX-License-Identifier: ISC */
/* wireguard_snapshot.c - what is to be seen of a WireGuard network; secrets are left out */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/snapshot.h"
#include "agent/wireguard.h"

static void configured(const struct wgnet_peer *p, char *to, size_t len)
{
	size_t at = 0;

	to[0] = '\0';
	for (size_t i = 0; i < p->endpoint_cnt && at + 1 < len; i++) {
		const struct agent_endpoint *e = p->endpoint[i].cfg;
		bool six = strchr(e->host, ':');

		at += (size_t)snprintf(to + at, len - at, "%s%s%s%s:%u", i ? ", " : "", six ? "[" : "", e->host,
				       six ? "]" : "", e->port);
	}
}

static int take_peer(struct agent_snapshot *s, struct adit_wg *wg, struct adit_wg_peer *peer)
{
	struct agent_snapshot_peer *to = agent_snapshot_peer_add(s);
	struct adit_wg_peer_info info;

	if (!to)
		return -ENOMEM;
	adit_wg_peer_info(wg, peer, &info);
	agent_snapshot_wg_peer(to, &info);
	adit_wipe(&info, sizeof(info));
	to->allowed = agent_snapshot_allowed(peer);
	return to->allowed ? 0 : -ENOMEM;
}

/* What the settings say of those that are in the core. */
static void join(struct agent_snapshot_peer *to, const struct wgnet_peer *p)
{
	snprintf(to->name, sizeof(to->name), "%s", p->cfg->name ? p->cfg->name : "");
	configured(p, to->configured, sizeof(to->configured));
	to->reason = p->judge.reason;
	if (to->reason != AGENT_OK)
		snprintf(to->why, sizeof(to->why), "%.159s", p->why[0] ? p->why : agent_reason_sentence(to->reason));
}

static int take_peers(struct agent_snapshot *s, struct wgnet *net)
{
	struct adit_wg_cursor cursor = { 0 };
	struct adit_wg_peer *peer;
	struct adit_wg *wg;
	bool more = true;
	int r = 0;

	adit_tunnel_lock(net->tunnel);
	adit_wg_cursor_open(adit_tunnel_core(net->tunnel), &cursor);
	while (more && !r) {
		wg = adit_tunnel_core(net->tunnel);
		for (unsigned i = 0; i < WGNET_SLICE && !r; i++) {
			peer = adit_wg_cursor_next(wg, &cursor);
			more = peer != NULL;
			if (!more)
				break;
			r = take_peer(s, wg, peer);
		}
		adit_tunnel_unlock(net->tunnel);
		adit_tunnel_lock(net->tunnel);
	}
	adit_wg_cursor_close(adit_tunnel_core(net->tunnel), &cursor);
	adit_tunnel_unlock(net->tunnel);
	return r;
}

int wgnet_snapshot(struct agent_network *n, struct agent_snapshot *s)
{
	struct wgnet *net = n->impl;
	uint8_t key[ADIT_KEY_LEN];
	int r;

	agent_snapshot_tunnel(s, net->tunnel);
	if (!adit_public_key(key, net->private_key))
		adit_key_to_base64(s->public_key, key);
	r = take_peers(s, net);
	for (size_t i = 0; i < s->peer_cnt && !r; i++) {
		const struct wgnet_peer *p = NULL;

		if (adit_key_from_base64(key, s->peer[i].key, ADIT_KEY_BASE64_LEN))
			p = wgnet_find(net, key);
		if (p)
			join(&s->peer[i], p);
	}
	agent_snapshot_sum(s);
	return r;
}
