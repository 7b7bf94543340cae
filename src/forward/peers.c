/* SPDX-License-Identifier: ISC */
/* peers.c - the core's peers made those of a configuration, by difference */
#include <errno.h>
#include <string.h>

#include "crypto/keytext.h"
#include "forward/log.h"
#include "forward/network.h"
#include "wg/wg.h"

static const struct adit_forward_peer *find(const struct adit_forward_config *cfg, const uint8_t key[ADIT_KEY_LEN])
{
	for (size_t i = 0; cfg && i < cfg->peer_cnt; i++)
		if (!memcmp(cfg->peer[i].public_key, key, ADIT_KEY_LEN))
			return &cfg->peer[i];
	return NULL;
}

static int set_allowed(struct adit_wg *wg, struct adit_wg_peer *peer, const struct adit_forward_peer *old,
		       const struct adit_forward_peer *p)
{
	int r = 0;

	for (size_t i = 0; old && i < old->allowed_cnt; i++)
		if (!p || !adit_prefix_listed(p->allowed, p->allowed_cnt, &old->allowed[i]))
			adit_wg_peer_disallow(wg, peer, &old->allowed[i]);
	for (size_t i = 0; i < p->allowed_cnt && !r; i++)
		r = adit_wg_peer_allow(wg, peer, &p->allowed[i]); /* one that was another's moves here */
	return r;
}

static void set_psk(struct adit_wg *wg, struct adit_wg_peer *peer, const struct adit_forward_peer *p)
{
	struct adit_wg_peer_info info;

	adit_wg_peer_info(wg, peer, &info);
	if (!adit_equal(info.psk, p->psk, ADIT_KEY_LEN))
		adit_wg_peer_set_psk(wg, peer, p->psk);
	adit_wipe(&info, sizeof(info));
}

/* A number is set now; names are endpoints.c's. */
static void set_endpoint(struct adit_wg *wg, struct adit_wg_peer *peer, const struct adit_forward_peer *p,
			 adit_time now)
{
	struct adit_path path = { 0 };
	struct adit_addr a;

	if (!p->endpoint_host[0] || adit_addr_parse(&a, p->endpoint_host))
		return;
	path.kind = a.family == 4 ? ADIT_PATH_UDP4 : ADIT_PATH_UDP6;
	path.port = p->endpoint_port;
	memcpy(path.addr, a.bytes, sizeof(path.addr));
	adit_wg_peer_set_endpoint(wg, peer, &path);
	adit_wg_peer_handshake(wg, peer, now); /* so that trouble shows before somebody waits */
}

static bool same_endpoint(const struct adit_forward_peer *old, const struct adit_forward_peer *p)
{
	return old && old->endpoint_port == p->endpoint_port && !strcmp(old->endpoint_host, p->endpoint_host);
}

static int set_peer(struct adit_wg *wg, const struct adit_forward_peer *old, const struct adit_forward_peer *p,
		    adit_time now)
{
	struct adit_wg_peer *peer = adit_wg_peer_find(wg, p->public_key);
	int r = 0;

	if (!peer) {
		old = NULL; /* one that could not be added before has nothing yet */
		r = adit_wg_peer_add(wg, &peer, p->public_key, now);
	}
	if (r)
		return r;
	set_psk(wg, peer, p);
	r = set_allowed(wg, peer, old, p);
	if (!same_endpoint(old, p))
		set_endpoint(wg, peer, p, now);
	if (!old || old->keepalive != p->keepalive)
		adit_wg_peer_set_keepalive(wg, peer, p->keepalive, now);
	return r;
}

static void log_failure(const struct adit_forward_peer *p, int r)
{
	char key[ADIT_KEY_BASE64_LEN + 1];

	adit_key_to_base64(key, p->public_key);
	adit_forward_log(ADIT_FORWARD_LOG_ERROR, "peer %.8s...: %s", key,
			 r == -EADDRINUSE ? "its public key is our own" : strerror(-r));
}

unsigned network_set_peers(struct adit_forward_network *n, const struct adit_forward_config *old,
			   const struct adit_forward_config *cfg)
{
	adit_time now = adit_tunnel_now();
	struct adit_wg_peer *peer;
	unsigned failed = 0;
	struct adit_wg *wg;
	size_t i;
	int r;

	for (i = 0; old && i < old->peer_cnt; i++) {
		if (find(cfg, old->peer[i].public_key))
			continue;
		adit_tunnel_lock(n->tunnel);
		wg = adit_tunnel_core(n->tunnel);
		peer = adit_wg_peer_find(wg, old->peer[i].public_key);
		if (peer)
			adit_wg_peer_remove(wg, peer, now);
		adit_tunnel_unlock(n->tunnel);
	}
	for (i = 0; i < cfg->peer_cnt; i++) {
		adit_tunnel_lock(n->tunnel);
		r = set_peer(adit_tunnel_core(n->tunnel), find(old, cfg->peer[i].public_key), &cfg->peer[i], now);
		adit_tunnel_unlock(n->tunnel);
		if (r) {
			log_failure(&cfg->peer[i], r);
			failed++;
		}
	}
	r = endpoints_set(&n->endpoints, cfg);
	if (r)
		adit_forward_log(ADIT_FORWARD_LOG_ERROR, "endpoints: %s", strerror(-r));
	return failed + (r != 0);
}
