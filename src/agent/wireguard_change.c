/* SPDX-License-Identifier: ISC */
/*
 * wireguard_change.c - new settings for a network that runs, and peers by the API
 *
 * DOC: all or nothing
 *
 * First what may fail without having changed anything: keys are read. Then port,
 * plan and peers, each of which leaves things as they were when it fails; what was
 * done before it is taken back. What two settings have in common is not touched: the
 * session of a peer that stays goes on. A peer of the settings that was removed by the
 * API stays away (wgnet_ban), until it is added by the API, or no settings have it.
 */
#include "agent/wireguard.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/overlap.h"

struct change {
	struct wgnet *net;
	const struct agent_network_settings *old, *new;
	uint8_t *private_key;
	uint8_t **psks, **old_psks;
};

/* What a tunnel cannot change while it runs. */
static bool takes_new_tunnel(const struct agent_network_settings *a, const struct agent_network_settings *b)
{
	return a->type != b->type || strcmp(a->ifname, b->ifname) || strcmp(a->bind_interface, b->bind_interface) ||
	       a->bind_address.family != b->bind_address.family ||
	       !adit_addr_equal(&a->bind_address, &b->bind_address);
}

static int prepare(struct change *c, char *err, size_t err_len)
{
	struct wgnet *net = c->net;
	int r;

	if (agent_overlap(net->n, c->new, err, err_len))
		return -EEXIST;
	r = wgnet_read_private_key(net->n, c->new, &c->private_key, err, err_len);
	if (!r)
		r = wgnet_read_psks(net, c->new->peers, c->new->peer_cnt, &c->psks, err, err_len);
	/* To go back to; whose file is gone meanwhile cannot be gone back to, and need not. */
	if (!r && wgnet_read_psks(net, c->old->peers, c->old->peer_cnt, &c->old_psks, err, err_len))
		c->old_psks = NULL;
	return r;
}

static int set_port(struct change *c, uint16_t port, char *err, size_t err_len)
{
	int r = adit_tunnel_set_port(c->net->tunnel, port);

	if (r == -EADDRINUSE)
		snprintf(err, err_len, "UDP port %u is in use by another program (ss -ulpn names it)", port);
	else if (r)
		snprintf(err, err_len, "cannot use UDP port %u: %s", port, strerror(-r));
	return r;
}

static int set_core(struct change *c, char *err, size_t err_len)
{
	int r = wgnet_set_peers(c->net, c->old->peers, c->old->peer_cnt, c->new->peers, c->new->peer_cnt, c->psks);

	if (!r)
		r = wgnet_list_peers(c->net, c->new);
	if (!r)
		return 0;
	snprintf(err, err_len, "peers: %s", strerror(-r));
	if (c->old_psks)
		wgnet_set_peers(c->net, c->new->peers, c->new->peer_cnt, c->old->peers, c->old->peer_cnt, c->old_psks);
	return r;
}

/* The plan wants to know where the new peers are: so they are listed first, and the old ones again if it fails. */
static int set_plan(struct change *c, char *err, size_t err_len)
{
	enum agent_reason reason;
	int r = wgnet_list_peers(c->net, c->new);

	if (!r)
		r = wgnet_plan(c->net, c->new, &reason, err, err_len);
	if (r) {
		wgnet_list_peers(c->net, c->old);
		if (!err[0])
			snprintf(err, err_len, "%s", strerror(-r));
	}
	return r;
}

static void take_back_plan(struct change *c)
{
	enum agent_reason reason;
	char err[256];

	wgnet_list_peers(c->net, c->old);
	wgnet_plan(c->net, c->old, &reason, err, sizeof(err));
}

static void swap_private_key(struct change *c)
{
	wgnet_set_private_key(c->net, c->private_key);
	adit_secret_free(c->net->private_key, ADIT_KEY_LEN);
	c->net->private_key = c->private_key;
	c->private_key = NULL;
}

static bool same_port(const struct change *c)
{
	return c->old->listen_port == c->new->listen_port;
}

static int apply(struct change *c, char *err, size_t err_len)
{
	uint16_t port = adit_tunnel_port(c->net->tunnel);
	char ignored[128];
	int r = same_port(c) ? 0 : set_port(c, c->new->listen_port, err, err_len);

	if (r)
		return r;
	r = set_plan(c, err, err_len);
	if (r)
		goto err_port;
	r = set_core(c, err, err_len);
	if (r)
		goto err_plan;
	swap_private_key(c);
	return 0;
err_plan:
	take_back_plan(c);
err_port:
	if (!same_port(c))
		set_port(c, port, ignored, sizeof(ignored));
	return r;
}

static bool same_servers(const struct agent_network_settings *a, const struct agent_network_settings *b)
{
	if (a->dns_cnt != b->dns_cnt)
		return false;
	for (size_t i = 0; i < a->dns_cnt; i++)
		if (!adit_addr_equal(&a->dns[i], &b->dns[i]))
			return false;
	return true;
}

int wgnet_change(struct agent_network *n, const struct agent_network_settings *settings, char *err, size_t err_len)
{
	struct change c = { .net = n->impl, .old = n->settings, .new = settings };
	char warning[sizeof(n->warning)];
	bool reached = c.net->dns_reached;
	int r;

	if (takes_new_tunnel(c.old, c.new))
		return -EOPNOTSUPP;
	err[0] = '\0';
	memcpy(warning, n->warning, sizeof(warning));
	n->warning[0] = '\0';
	c.net->dns_reached = reached && same_servers(c.old, c.new); /* others are asked first */
	r = prepare(&c, err, err_len);
	if (!r)
		r = apply(&c, err, err_len);
	if (r) {
		memcpy(n->warning, warning, sizeof(warning));
		c.net->dns_reached = reached;
	} else {
		wgnet_unban_others(c.net, settings);
		wgnet_dns_begin(c.net, settings);
	}
	adit_secret_free(c.private_key, ADIT_KEY_LEN);
	wgnet_free_psks(c.psks, c.new->peer_cnt);
	wgnet_free_psks(c.old_psks, c.old->peer_cnt);
	n->look_at = 0;
	return r;
}

int wgnet_adopt(struct agent_network *n, const struct agent_network_settings *settings)
{
	n->look_at = 0;
	return wgnet_list_peers(n->impl, settings);
}

/* --- peers by the API ------------------------------------------------------------------------ */

static int copy_endpoints(struct agent_peer *to, const struct agent_peer *from)
{
	to->endpoints = calloc(from->endpoint_cnt ? from->endpoint_cnt : 1, sizeof(*to->endpoints));
	if (!to->endpoints)
		return -ENOMEM;
	for (size_t i = 0; i < from->endpoint_cnt; i++) {
		to->endpoints[i].port = from->endpoints[i].port;
		to->endpoints[i].host = strdup(from->endpoints[i].host);
		if (!to->endpoints[i].host)
			return -ENOMEM;
		to->endpoint_cnt++;
	}
	return 0;
}

static int copy_peer(struct agent_peer **ret, const struct agent_peer *from)
{
	struct agent_peer *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	memcpy(p->public_key, from->public_key, ADIT_KEY_LEN);
	p->keepalive = from->keepalive;
	p->expect_rx_secs = from->expect_rx_secs;
	p->name = strdup(from->name ? from->name : "");
	p->psk_path = from->psk_path ? strdup(from->psk_path) : NULL;
	p->psk = from->psk ? adit_secret_alloc(ADIT_KEY_LEN) : NULL;
	p->allowed = calloc(from->allowed_cnt ? from->allowed_cnt : 1, sizeof(*p->allowed));
	if (p->psk)
		memcpy(p->psk, from->psk, ADIT_KEY_LEN);
	if (p->allowed && from->allowed_cnt)
		memcpy(p->allowed, from->allowed, from->allowed_cnt * sizeof(*p->allowed));
	p->allowed_cnt = p->allowed ? from->allowed_cnt : 0;
	if (!p->name || !p->allowed || (from->psk && !p->psk) || copy_endpoints(p, from)) {
		wgnet_free_live(p);
		return -ENOMEM;
	}
	*ret = p;
	return 0;
}

static int check_running(struct agent_network *n, char *err, size_t err_len)
{
	if (n->ops != &agent_wireguard_ops) {
		snprintf(err, err_len, "only networks of type wireguard take peers while they run");
		return -EOPNOTSUPP;
	}
	if (n->impl)
		return 0;
	snprintf(err, err_len, "it is not connected");
	return -ENOTCONN;
}

/* The plan first, which may fail; the core last. */
static int add_peer(struct wgnet *net, struct agent_peer *peer, char *err, size_t err_len)
{
	enum agent_reason reason;
	uint8_t **psks = NULL;
	int r = wgnet_read_psks(net, peer, 1, &psks, err, err_len);

	if (r)
		return r;
	r = wgnet_list_live(net, peer, NULL);
	if (!r)
		r = wgnet_plan(net, net->n->settings, &reason, err, err_len);
	if (!r) {
		wgnet_unban(net, peer->public_key);
		r = wgnet_set_peers(net, NULL, 0, peer, 1, psks);
	}
	wgnet_free_psks(psks, 1);
	return r;
}

static void remove_from_core(struct wgnet *net, const uint8_t key[ADIT_KEY_LEN])
{
	struct adit_wg_peer *peer;
	struct adit_wg *wg;

	adit_tunnel_lock(net->tunnel);
	wg = adit_tunnel_core(net->tunnel);
	peer = adit_wg_peer_find(wg, key);
	if (peer)
		adit_wg_peer_remove(wg, peer, adit_tunnel_now());
	adit_tunnel_unlock(net->tunnel);
}

/* Of one that could not be added, and is freed; the plan is made again without it. */
static void take_back_peer(struct wgnet *net, struct agent_peer *peer)
{
	remove_from_core(net, peer->public_key);
	wgnet_ban(net, peer->public_key); /* as it was, if the settings have it */
	net->endpoints_moved = true;
	if (wgnet_find(net, peer->public_key))
		wgnet_list_live(net, NULL, peer);
	else
		wgnet_free_live(peer);
}

/* Until the plan without it is in force, it is as it was: so it can be tried again. */
static int remove_peer(struct wgnet *net, struct wgnet_peer *p, char *err, size_t err_len)
{
	enum agent_reason reason;
	uint8_t key[ADIT_KEY_LEN];
	int r;

	memcpy(key, p->cfg->public_key, sizeof(key));
	r = wgnet_ban(net, key);
	if (r)
		return r;
	p->leaving = true;
	r = wgnet_plan(net, net->n->settings, &reason, err, err_len);
	if (!r)
		r = wgnet_list_live(net, NULL, p->cfg);
	if (!r) {
		remove_from_core(net, key);
		return 0;
	}
	p->leaving = false;
	wgnet_unban(net, key);
	net->endpoints_moved = true;
	return r;
}

static void tell(struct agent_network *n, const uint8_t key[ADIT_KEY_LEN], const char *what)
{
	struct agent_event ev = { .kind = "peer" };

	snprintf(ev.network, sizeof(ev.network), "%s", n->settings->name);
	adit_key_to_base64(ev.peer, key);
	snprintf(ev.text, sizeof(ev.text), "%s", what);
	agent_event_add(&n->agent->events, &ev);
}

int agent_peer_add(struct agent *a, struct agent_network *n, const struct agent_peer *peer, char *err, size_t err_len)
{
	struct agent_peer *copy = NULL;
	int r = check_running(n, err, err_len);

	(void)a;
	if (!r && wgnet_find(n->impl, peer->public_key)) {
		snprintf(err, err_len, "a peer of this public key is there already");
		return -EEXIST;
	}
	if (r)
		return r;
	err[0] = '\0';
	r = copy_peer(&copy, peer);
	if (!r) {
		r = add_peer(n->impl, copy, err, err_len);
		if (r)
			take_back_peer(n->impl, copy);
	}
	n->look_at = 0;
	if (r && !err[0])
		snprintf(err, err_len, "%s", strerror(-r));
	if (!r)
		tell(n, peer->public_key, "peer added");
	return r;
}

int agent_peer_remove(struct agent *a, struct agent_network *n, const uint8_t public_key[ADIT_KEY_LEN], char *err,
		      size_t err_len)
{
	uint8_t key[ADIT_KEY_LEN];
	struct wgnet_peer *p;
	int r = check_running(n, err, err_len);

	(void)a;
	if (r)
		return r;
	memcpy(key, public_key, sizeof(key)); /* it may stand in what is freed */
	p = wgnet_find(n->impl, key);
	if (!p) {
		snprintf(err, err_len, "there is no peer of this public key");
		return -ENOENT;
	}
	err[0] = '\0';
	r = remove_peer(n->impl, p, err, err_len);
	n->look_at = 0;
	if (r && !err[0])
		snprintf(err, err_len, "%s", strerror(-r));
	if (!r)
		tell(n, key, "peer removed");
	return r;
}
