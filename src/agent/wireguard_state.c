/* SPDX-License-Identifier: ISC */
/*
 * wireguard_state.c - looks at a WireGuard network: how its peers are, and so it
 *
 * DOC: one for all
 *
 * A network is up when one of its peers is well. When none is, the trouble of the
 * one that is furthest says how the network is. Peers' own reasons stand beside them.
 */
#include "agent/wireguard.h"

#include <errno.h>
#include <string.h>

#include "agent/moves.h"
#include "device/server.h"

#define LOOK_SOON  (50 * ADIT_MSEC)  /* until the link is up */
#define LOOK_FRESH (250 * ADIT_MSEC) /* until somebody answered */
#define LOOK_MANY  (5 * ADIT_SEC)    /* with more peers than that */
#define MANY       20000
#define DOWN_LONG  (3 * ADIT_SEC)
#define KICK_AGAIN (30 * ADIT_SEC)   /* a peer that was given up */
#define SILENT     (20 * ADIT_SEC)   /* since its last initiation: it was given up */
#define GUARD_APART ADIT_SEC
#define CALL_APART (10 * ADIT_SEC) /* where links of others come and go all the time */

/* --- facts ------------------------------------------------------------------------------ */

static void read_device(struct wgnet *net, struct judge_device *d)
{
	struct adit_tunnel_stats stats;

	adit_tunnel_stats(net->tunnel, &stats);
	*d = (struct judge_device){
		.bad_mac1 = stats.drops[ADIT_DROP_bad_mac1],
		.unknown_peer = stats.drops[ADIT_DROP_unknown_peer],
		.bad_handshake = stats.drops[ADIT_DROP_bad_handshake],
		.replayed = stats.drops[ADIT_DROP_replayed_timestamp],
		.refused = stats.drops[ADIT_DROP_udp_error],
		.clock_behind = agent_clock_behind(net->n->agent),
	};
}

/* Those of the place in use, and of all others that are tried. */
static unsigned unreachable(struct wgnet_peer *p, const struct adit_path *path, int *error)
{
	unsigned cnt = adit_tunnel_unreachable(p->net->tunnel, path, error);
	struct adit_path other = { 0 };

	for (size_t i = 0; i < p->endpoint_cnt; i++) {
		for (unsigned k = 0; k < p->endpoint[i].addr_cnt; k++) {
			const struct adit_addr *a = &p->endpoint[i].addr[k];

			other.kind = a->family == 4 ? ADIT_PATH_UDP4 : ADIT_PATH_UDP6;
			other.port = p->endpoint[i].cfg->port;
			memcpy(other.addr, a->bytes, sizeof(other.addr));
			if (!adit_path_same_remote(&other, path))
				cnt += adit_tunnel_unreachable(p->net->tunnel, &other, error);
		}
	}
	return cnt;
}

static void read_facts(struct wgnet_peer *p, const struct adit_wg_peer_info *info, struct judge_facts *f)
{
	*f = (struct judge_facts){
		.has_endpoint = info->endpoint.kind != ADIT_PATH_NONE,
		.has_name = p->endpoint_cnt > 0,
		.attempts = info->handshake_attempts,
		.handshake_at = info->last_handshake_at,
		.rx_at = info->last_rx_at,
		.rx_packets = info->rx_packets,
		.tx_data = info->tx_packets - info->tx_keepalives,
		.black_hole = info->black_hole,
		.expect_rx = p->cfg->expect_rx_secs * ADIT_SEC,
	};
	f->resolve_error = wgnet_resolve_error(p);
	if (f->resolve_error == -EINPROGRESS)
		f->resolve_error = 0;
	if (f->attempts)
		f->unreachable = unreachable(p, &info->endpoint, &f->unreachable_error);
	else
		f->unreachable = p->judge.unreachable_then;
}

/* --- peers ------------------------------------------------------------------------------- */

static void say_resolving(struct wgnet_peer *p)
{
	const char *host = p->endpoint_cnt ? p->endpoint[0].cfg->host : "";

	switch (wgnet_resolve_error(p)) {
	case -ENOENT:
		snprintf(p->why, sizeof(p->why), "%.80s: there is no such name, or it has no address", host);
		break;
	case -ETIMEDOUT:
		snprintf(p->why, sizeof(p->why), "%.80s cannot be looked up: the DNS server does not answer", host);
		break;
	default:
		snprintf(p->why, sizeof(p->why), "%.80s cannot be looked up: no DNS server can be reached", host);
		break;
	}
}

/* Nobody else would: the core gives up after 90 s, until data asks for the peer. */
static void kick(struct wgnet_peer *p, const struct adit_wg_peer_info *info, struct adit_wg *wg,
		 struct adit_wg_peer *peer, adit_time now)
{
	bool wanted = p->cfg->keepalive || p->net->n->state != AGENT_UP || !info->last_handshake_at;

	if (!info->handshake_attempts || !wanted || now - info->last_tx_at < SILENT || now - p->kicked_at < KICK_AGAIN)
		return;
	p->kicked_at = now;
	if (p->endpoint_cnt && !wgnet_knows_path(p, &info->endpoint))
		wgnet_place(p, wg, peer, now); /* where it roamed to it is no more */
	else
		adit_wg_peer_handshake(wg, peer, now);
}

static bool same_place(const struct adit_path *a, const struct adit_path *b)
{
	return a->kind == b->kind && (a->kind == ADIT_PATH_NONE || adit_path_same_remote(a, b));
}

static void look_at_peer(struct wgnet_peer *p, struct adit_wg *wg, adit_time now)
{
	struct adit_wg_peer *peer = adit_wg_peer_find(wg, p->cfg->public_key);
	struct adit_wg_peer_info info;
	struct judge_facts f;

	if (!peer)
		return; /* our own key, or somebody removed it with wg(8) */
	if (!p->placed)
		wgnet_place(p, wg, peer, now);
	else if (p->net->call_all && p->endpoint_cnt)
		adit_wg_peer_handshake(wg, peer, now);
	adit_wg_peer_info(wg, peer, &info);
	adit_wipe(info.psk, sizeof(info.psk));
	if (!same_place(&p->path, &info.endpoint)) {
		p->net->endpoints_moved |= p->net->n->settings->killswitch && !wgnet_knows_path(p, &info.endpoint);
		p->path = info.endpoint;
	}
	read_facts(p, &info, &f);
	judge_look(&p->judge, &f, &p->net->device, now, p->why, sizeof(p->why));
	if (p->judge.reason == AGENT_DNS_FAILED)
		say_resolving(p);
	if (judge_doubts_endpoint(&p->judge, &f, now))
		wgnet_doubt(p, now);
	kick(p, &info, wg, peer, now);
}

static void look_at_peers(struct wgnet *net, adit_time now)
{
	for (size_t i = 0; i < net->peer_cnt;) {
		size_t end = i + WGNET_SLICE < net->peer_cnt ? i + WGNET_SLICE : net->peer_cnt;

		adit_tunnel_lock(net->tunnel);
		for (; i < end; i++)
			look_at_peer(&net->peer[i], adit_tunnel_core(net->tunnel), now);
		adit_tunnel_unlock(net->tunnel);
	}
}

/* --- the network ---------------------------------------------------------------------------- */

static void enter_listening(struct wgnet *net)
{
	struct adit_tunnel_stats stats;

	adit_tunnel_stats(net->tunnel, &stats);
	if (stats.drops[ADIT_DROP_unknown_peer])
		network_enter(net->n, AGENT_UP, AGENT_UNKNOWN_PEER, NULL);
	else if (stats.drops[ADIT_DROP_replayed_timestamp])
		network_enter(net->n, AGENT_UP, AGENT_REPLAYED_TIMESTAMP, NULL);
	else if (stats.drops[ADIT_DROP_bad_mac1])
		network_enter(net->n, AGENT_UP, AGENT_BAD_MAC1, NULL);
	else
		network_enter(net->n, AGENT_UP, AGENT_OK, "it listens: no peer has an endpoint");
}

static void enter_state(struct wgnet *net)
{
	const struct wgnet_peer *says = NULL;
	const char *name;

	for (size_t i = 0; i < net->peer_cnt; i++)
		if (!says || judge_says_more(&net->peer[i].judge, &says->judge))
			says = &net->peer[i];
	if (!says || says->judge.health == JUDGE_UNCALLED) {
		enter_listening(net);
		return;
	}
	name = says->cfg->name;
	if (says->judge.reason == AGENT_OK)
		network_enter(net->n, judge_state(says->judge.health), AGENT_OK, NULL);
	else
		network_enter(net->n, judge_state(says->judge.health), says->judge.reason, "%s%s%s",
			      net->peer_cnt > 1 ? name : "", net->peer_cnt > 1 && name[0] ? ": " : "",
			      says->why[0] ? says->why : agent_reason_sentence(says->judge.reason));
}

/* Returns whether the link is up. */
static bool look_at_link(struct wgnet *net, adit_time now)
{
	struct adit_tunnel_stats stats;

	adit_tunnel_stats(net->tunnel, &stats);
	if (stats.up) {
		net->call_all |= net->down_since != 0;
		net->down_since = 0;
		return true;
	}
	if (!net->down_since)
		net->down_since = now;
	if (now - net->down_since < DOWN_LONG)
		return false;
	for (unsigned i = 0; i < stats.note_cnt; i++) {
		if (!strncmp(stats.notes[i], "socket:", 7)) {
			network_enter(net->n, AGENT_ERROR, AGENT_PORT_TAKEN, "%s", stats.notes[i] + 8);
			return false;
		}
	}
	network_enter(net->n, AGENT_ERROR, AGENT_TUN, "%s is set down (ip link set %s up)", net->n->ifname,
		      net->n->ifname);
	return false;
}

/* The killswitch lets through where peers are, and a route must not lead there. */
static void follow_endpoints(struct wgnet *net, adit_time now)
{
	enum agent_reason reason;
	char err[240] = "";

	if (!net->endpoints_moved || now - net->guarded_at < GUARD_APART)
		return;
	net->guarded_at = now;
	if (wgnet_plan(net, net->n->settings, &reason, err, sizeof(err))) {
		snprintf(net->n->warning, sizeof(net->n->warning), "%s", err);
		net->plan_warns = true;
	} else if (net->plan_warns) {
		net->n->warning[0] = '\0';
		net->plan_warns = false;
	}
}

static void rebind(struct wgnet *net)
{
	const struct agent_network_settings *s = net->n->settings;
	char err[200];
	int r;

	if (!s->bind_address.family && !s->bind_interface[0]) {
		net->rebind = false;
		return;
	}
	r = adit_tunnel_rebind(net->tunnel);
	net->rebind = r != 0;
	if (r)
		network_enter(net->n, AGENT_ERROR, wgnet_no_socket(s, r, err, sizeof(err)), "%s", err);
}

static adit_time earlier(adit_time a, adit_time b)
{
	return a < b ? a : b;
}

adit_time wgnet_look(struct agent_network *n, adit_time now)
{
	struct wgnet *net = n->impl;
	adit_time next = now + (net->peer_cnt > MANY ? LOOK_MANY : JUDGE_EVERY);

	if (net->gone) {
		network_lost(n, AGENT_TUN, "the interface %s was deleted", n->ifname);
		return ADIT_NEVER;
	}
	if (net->uapi)
		adit_server_turn(net->uapi);
	if (net->rebind)
		rebind(net);
	wgnet_dns_look(net, now);
	next = earlier(next, wgnet_resolve(net, now));
	follow_endpoints(net, now);
	if (!look_at_link(net, now))
		return earlier(next, now + (now - net->down_since < DOWN_LONG ? LOOK_SOON : JUDGE_EVERY));
	if (net->rebind)
		return next;
	read_device(net, &net->device);
	look_at_peers(net, now);
	net->call_all = false;
	enter_state(net);
	if (n->state == AGENT_HANDSHAKING && net->peer_cnt < MANY)
		next = earlier(next, now + LOOK_FRESH);
	return next;
}

/* Who was not answered is called at once; who was, now and then: it shall learn where we are. */
void wgnet_moved(struct agent_network *n, adit_time now)
{
	struct wgnet *net = n->impl;
	bool call = now - net->called_at > CALL_APART;
	struct adit_wg_peer *peer;
	struct adit_wg *wg;

	net->rebind = true;
	if (call)
		net->called_at = now;
	if (net->resolver)
		agent_resolver_moved(net->resolver);
	for (size_t i = 0; i < net->peer_cnt;) {
		size_t end = i + WGNET_SLICE < net->peer_cnt ? i + WGNET_SLICE : net->peer_cnt;

		adit_tunnel_lock(net->tunnel);
		wg = adit_tunnel_core(net->tunnel);
		for (; i < end; i++) {
			struct wgnet_peer *p = &net->peer[i];

			peer = adit_wg_peer_find(wg, p->cfg->public_key);
			if (peer && p->endpoint_cnt) {
				adit_wg_peer_hurry(wg, peer, now);
				if (call)
					adit_wg_peer_handshake(wg, peer, now);
			}
			for (size_t k = 0; k < p->endpoint_cnt; k++)
				if (!p->endpoint[k].numeric && !p->endpoint[k].asking)
					p->endpoint[k].ask_at = now;
		}
		adit_tunnel_unlock(net->tunnel);
	}
	n->look_at = now;
}
