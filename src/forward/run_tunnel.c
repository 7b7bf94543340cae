/* SPDX-License-Identifier: ISC */
/*
 * run_tunnel.c - a tunnel on a TUN of another network namespace, configured
 * from a file; its endpoints' names looked up by the system's resolver
 */
#include "forward/run.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "host/netlink.h"
#include "pktio/lookup.h"
#include "tunnel/tunnel.h"
#include "wg/wg.h"

enum {
	OVERHEAD = 80, /* IPv6, UDP, message header and tag */
	MTU_MAX = 65456,
	MTU_MIN = 1280,
	LOOK_AGAIN_SEC = 5,
};

struct run_tunnel {
	struct adit_tunnel *tunnel;
	const struct adit_forward_config *cfg;
	pthread_t looker;
	bool looking;
	pthread_mutex_t mutex;
	pthread_cond_t end;
	bool ended;
};

/* --- endpoints ------------------------------------------------------------ */

static int look_up(const struct adit_forward_peer *p, struct adit_path *ret, char *err, size_t err_len)
{
	char port[8];
	int r;

	snprintf(port, sizeof(port), "%u", p->endpoint_port);
	r = adit_lookup(ret, p->endpoint_host, port);
	if (r) {
		snprintf(err, err_len, "endpoint %s: %s", p->endpoint_host, adit_lookup_error(r));
		return -EHOSTUNREACH;
	}
	return 0;
}

static bool is_name(const char *host)
{
	struct adit_addr a;

	return host[0] && !strchr(host, '%') && adit_addr_parse(&a, host) < 0;
}

/* It is somewhere, and not silent when we speak to it. */
static bool answers(struct adit_tunnel *t, const uint8_t key[ADIT_KEY_LEN])
{
	struct adit_wg_peer_info info = { 0 };
	struct adit_wg_peer *peer;
	struct adit_wg *wg;
	bool yes;

	adit_tunnel_lock(t);
	wg = adit_tunnel_core(t);
	peer = adit_wg_peer_find(wg, key);
	if (peer)
		adit_wg_peer_info(wg, peer, &info);
	adit_tunnel_unlock(t);
	yes = info.endpoint.kind != ADIT_PATH_NONE && info.handshake_attempts < 2;
	adit_wipe(&info, sizeof(info)); /* the preshared key */
	return yes;
}

static void set_endpoint(struct adit_tunnel *t, const uint8_t key[ADIT_KEY_LEN], const struct adit_path *path)
{
	struct adit_wg_peer *peer;
	struct adit_wg *wg;

	adit_tunnel_lock(t);
	wg = adit_tunnel_core(t);
	peer = adit_wg_peer_find(wg, key);
	if (peer)
		adit_wg_peer_set_endpoint(wg, peer, path);
	adit_tunnel_unlock(t);
}

static void look_again(struct run_tunnel *rt)
{
	struct adit_path path;
	char err[384];
	size_t i;

	for (i = 0; i < rt->cfg->peer_cnt; i++) {
		const struct adit_forward_peer *p = &rt->cfg->peer[i];

		if (is_name(p->endpoint_host) && !answers(rt->tunnel, p->public_key) &&
		    look_up(p, &path, err, sizeof(err)) == 0)
			set_endpoint(rt->tunnel, p->public_key, &path);
	}
}

static void *looker(void *arg)
{
	struct run_tunnel *rt = arg;
	struct timespec at;

	pthread_mutex_lock(&rt->mutex);
	while (!rt->ended) {
		clock_gettime(CLOCK_REALTIME, &at);
		at.tv_sec += LOOK_AGAIN_SEC;
		if (pthread_cond_timedwait(&rt->end, &rt->mutex, &at) != ETIMEDOUT)
			continue;
		pthread_mutex_unlock(&rt->mutex);
		look_again(rt);
		pthread_mutex_lock(&rt->mutex);
	}
	pthread_mutex_unlock(&rt->mutex);
	return NULL;
}

/* --- MTU ------------------------------------------------------------------ */

/* What wg-quick does: that of the way to an endpoint, less our headers. */
unsigned run_tunnel_mtu(const struct adit_forward_config *cfg)
{
	unsigned best = 0, mtu, index;
	struct adit_netlink *nl;
	struct adit_addr addr;
	size_t i;

	if (cfg->mtu)
		return cfg->mtu;
	if (adit_netlink_open(&nl))
		return 1420;
	for (i = 0; i < cfg->peer_cnt; i++)
		if (adit_addr_parse(&addr, cfg->peer[i].endpoint_host) == 0 &&
		    adit_route_get(nl, &addr, 0, &index, &mtu) == 0 && mtu > best)
			best = mtu;
	if (!best && adit_route_get(nl, NULL, 0, &index, &mtu) == 0)
		best = mtu;
	adit_netlink_close(nl);
	if (best < 576)
		best = 1500; /* no way there yet: what most networks have */
	best -= OVERHEAD;
	if (best < MTU_MIN)
		best = MTU_MIN;
	return best < MTU_MAX ? best : MTU_MAX;
}

/* --- start ---------------------------------------------------------------- */

static int add_peer(struct adit_wg *wg, const struct adit_forward_peer *p, const struct adit_path *path)
{
	struct adit_wg_peer *peer;
	int r = adit_wg_peer_add(wg, &peer, p->public_key, adit_tunnel_now());
	size_t i;

	if (r)
		return r;
	if (p->has_psk)
		adit_wg_peer_set_psk(wg, peer, p->psk);
	if (path->kind != ADIT_PATH_NONE)
		adit_wg_peer_set_endpoint(wg, peer, path);
	adit_wg_peer_set_keepalive(wg, peer, p->keepalive, adit_tunnel_now());
	for (i = 0; i < p->allowed_cnt && !r; i++)
		r = adit_wg_peer_allow(wg, peer, &p->allowed[i]);
	return r;
}

static int add_peers(struct run_tunnel *rt, char *err, size_t err_len)
{
	const struct adit_forward_config *cfg = rt->cfg;
	size_t i;
	int r;

	for (i = 0; i < cfg->peer_cnt; i++) {
		struct adit_path path = { 0 };

		r = cfg->peer[i].endpoint_host[0] ? look_up(&cfg->peer[i], &path, err, err_len) : 0;
		if (r && !is_name(cfg->peer[i].endpoint_host))
			return r;
		/* A name may be known later: it is looked up again. */
		adit_tunnel_lock(rt->tunnel);
		r = add_peer(adit_tunnel_core(rt->tunnel), &cfg->peer[i], &path);
		adit_tunnel_unlock(rt->tunnel);
		if (r) {
			snprintf(err, err_len, "cannot add a peer: %s", strerror(-r));
			return r;
		}
	}
	return 0;
}

static void set_key(struct adit_tunnel *t, const uint8_t key[ADIT_KEY_LEN])
{
	struct adit_wg *wg;

	adit_tunnel_lock(t);
	wg = adit_tunnel_core(t);
	adit_wg_set_private_key(wg, key, adit_tunnel_now());
	while (adit_wg_private_key_continue(wg, 256, adit_tunnel_now()))
		;
	adit_tunnel_unlock(t);
}

static int set_outside(struct adit_tunnel *t, const struct adit_forward_config *cfg, char *err, size_t err_len)
{
	int r = adit_tunnel_set_port(t, cfg->listen_port);

	if (r)
		snprintf(err, err_len, "UDP port %u: %s", cfg->listen_port, strerror(-r));
	if (!r && cfg->fwmark) {
		r = adit_tunnel_set_fwmark(t, cfg->fwmark);
		if (r)
			snprintf(err, err_len, "FwMark: %s (this takes CAP_NET_ADMIN)", strerror(-r));
	}
	return r;
}

static bool has_name(const struct adit_forward_config *cfg)
{
	size_t i;

	for (i = 0; i < cfg->peer_cnt; i++)
		if (is_name(cfg->peer[i].endpoint_host))
			return true;
	return false;
}

int run_tunnel_start(struct run_tunnel **ret, const struct adit_forward_config *cfg, int tun_fd, unsigned mtu,
		     char *err, size_t err_len)
{
	const struct adit_tunnel_config tc = {
		.core = &adit_core_wg,
		.tun_fd = tun_fd,
		.tun_elsewhere = true,
		.mtu = mtu,
		.offloads = ADIT_OFFLOAD_ALL,
	};
	struct run_tunnel *rt = calloc(1, sizeof(*rt));
	int r;

	if (!rt)
		return -ENOMEM;
	rt->cfg = cfg;
	pthread_mutex_init(&rt->mutex, NULL);
	pthread_cond_init(&rt->end, NULL);
	r = adit_tunnel_new(&rt->tunnel, &tc, err, err_len);
	if (!r) {
		set_key(rt->tunnel, cfg->private_key);
		r = add_peers(rt, err, err_len);
	}
	if (!r)
		r = set_outside(rt->tunnel, cfg, err, err_len);
	if (!r)
		r = adit_tunnel_start(rt->tunnel, err, err_len);
	if (!r && has_name(cfg))
		rt->looking = pthread_create(&rt->looker, NULL, looker, rt) == 0;
	if (r)
		run_tunnel_free(rt);
	else
		*ret = rt;
	return r;
}

void run_tunnel_free(struct run_tunnel *rt)
{
	if (!rt)
		return;
	pthread_mutex_lock(&rt->mutex);
	rt->ended = true;
	pthread_cond_signal(&rt->end);
	pthread_mutex_unlock(&rt->mutex);
	if (rt->looking)
		pthread_join(rt->looker, NULL);
	adit_tunnel_free(rt->tunnel);
	pthread_cond_destroy(&rt->end);
	pthread_mutex_destroy(&rt->mutex);
	free(rt);
}
