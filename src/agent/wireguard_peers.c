/* SPDX-License-Identifier: ISC */
/* wireguard_peers.c - a network's keys, and the core's peers made those of the settings by difference */
#include "agent/wireguard.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- keys ----------------------------------------------------------------------------- */

static int read_key(struct agent_network *n, const uint8_t *inline_key, const char *path, uint8_t **ret, char *err,
		    size_t err_len)
{
	uint8_t *key = adit_secret_alloc(ADIT_KEY_LEN);
	int r = 0;

	if (!key)
		return -ENOMEM;
	if (inline_key)
		memcpy(key, inline_key, ADIT_KEY_LEN);
	else
		r = helper_key(n->agent->helper, path, key, err, err_len);
	if (r)
		adit_secret_free(key, ADIT_KEY_LEN);
	else
		*ret = key;
	return r;
}

int wgnet_read_private_key(struct agent_network *n, const struct agent_network_settings *s, uint8_t **ret, char *err,
			   size_t err_len)
{
	if (!s->private_key && !s->private_key_path) {
		snprintf(err, err_len, "it has no private key");
		return -ENOENT;
	}
	return read_key(n, s->private_key, s->private_key_path, ret, err, err_len);
}

void wgnet_free_psks(uint8_t **psks, size_t cnt)
{
	for (size_t i = 0; psks && i < cnt; i++)
		adit_secret_free(psks[i], ADIT_KEY_LEN);
	free(psks);
}

int wgnet_read_psks(struct wgnet *net, const struct agent_peer *peers, size_t cnt, uint8_t ***ret, char *err,
		    size_t err_len)
{
	uint8_t **psks = calloc(cnt ? cnt : 1, sizeof(*psks));
	int r = psks ? 0 : -ENOMEM;

	for (size_t i = 0; i < cnt && !r; i++)
		if (peers[i].psk || peers[i].psk_path)
			r = read_key(net->n, peers[i].psk, peers[i].psk_path, &psks[i], err, err_len);
	if (r)
		wgnet_free_psks(psks, cnt);
	else
		*ret = psks;
	return r;
}

void wgnet_set_private_key(struct wgnet *net, const uint8_t key[ADIT_KEY_LEN])
{
	uint8_t *now = adit_secret_alloc(ADIT_KEY_LEN);
	struct adit_wg *wg;
	bool same;

	adit_tunnel_lock(net->tunnel);
	wg = adit_tunnel_core(net->tunnel);
	same = now && adit_wg_private_key(wg, now) && adit_equal(now, key, ADIT_KEY_LEN);
	if (!same)
		adit_wg_set_private_key(wg, key, adit_tunnel_now());
	while (!same && adit_wg_private_key_continue(wg, WGNET_SLICE, adit_tunnel_now())) {
		adit_tunnel_unlock(net->tunnel);
		adit_tunnel_lock(net->tunnel);
	}
	adit_tunnel_unlock(net->tunnel);
	adit_secret_free(now, ADIT_KEY_LEN);
}

/* --- sorted lists ----------------------------------------------------------------------- */

struct listed {
	const struct agent_peer *p;
	size_t index;
};

static int by_key(const void *a, const void *b)
{
	const struct listed *x = a, *y = b;

	return memcmp(x->p->public_key, y->p->public_key, ADIT_KEY_LEN);
}

static struct listed *sorted(const struct agent_peer *peers, size_t cnt)
{
	struct listed *l = calloc(cnt ? cnt : 1, sizeof(*l));

	for (size_t i = 0; l && i < cnt; i++)
		l[i] = (struct listed){ &peers[i], i };
	if (l)
		qsort(l, cnt, sizeof(*l), by_key);
	return l;
}

static const struct agent_peer *find(const struct listed *l, size_t cnt, const struct agent_peer *like)
{
	const struct listed key = { .p = like };
	const struct listed *at = bsearch(&key, l, cnt, sizeof(*l), by_key);

	return at ? at->p : NULL;
}

/* --- left out ---------------------------------------------------------------------------- */

static bool listed_in(const struct agent_network_settings *s, const uint8_t key[ADIT_KEY_LEN])
{
	for (size_t i = 0; i < s->peer_cnt; i++)
		if (!memcmp(s->peers[i].public_key, key, ADIT_KEY_LEN))
			return true;
	return false;
}

static int compare_keys(const void *a, const void *b)
{
	return memcmp(a, b, ADIT_KEY_LEN);
}

static uint8_t (*find_banned(const struct wgnet *net, const uint8_t key[ADIT_KEY_LEN]))[ADIT_KEY_LEN]
{
	return net->banned_cnt ? bsearch(key, net->banned, net->banned_cnt, ADIT_KEY_LEN, compare_keys) : NULL;
}

bool wgnet_is_banned(const struct wgnet *net, const uint8_t public_key[ADIT_KEY_LEN])
{
	return find_banned(net, public_key) != NULL;
}

int wgnet_ban(struct wgnet *net, const uint8_t public_key[ADIT_KEY_LEN])
{
	uint8_t (*list)[ADIT_KEY_LEN];

	if (wgnet_is_banned(net, public_key) || !listed_in(net->n->settings, public_key))
		return 0;
	list = realloc(net->banned, (net->banned_cnt + 1) * sizeof(*list));
	if (!list)
		return -ENOMEM;
	net->banned = list;
	memcpy(list[net->banned_cnt++], public_key, ADIT_KEY_LEN);
	qsort(list, net->banned_cnt, sizeof(*list), compare_keys);
	return 0;
}

void wgnet_unban(struct wgnet *net, const uint8_t public_key[ADIT_KEY_LEN])
{
	uint8_t (*at)[ADIT_KEY_LEN] = find_banned(net, public_key);

	if (!at)
		return;
	net->banned_cnt--;
	memmove(at, at + 1, (size_t)(net->banned + net->banned_cnt - at) * sizeof(*at));
}

void wgnet_unban_others(struct wgnet *net, const struct agent_network_settings *s)
{
	size_t cnt = 0;

	for (size_t i = 0; i < net->banned_cnt; i++)
		if (listed_in(s, net->banned[i]))
			memmove(net->banned[cnt++], net->banned[i], ADIT_KEY_LEN);
	net->banned_cnt = cnt;
}

/* --- the core -------------------------------------------------------------------------- */

/* One pass over a list, in slices. */
struct pass {
	struct wgnet *net;
	const struct listed *other; /* the old list in passes over the new one, and the other way round */
	size_t other_cnt;
	uint8_t *const *psks;
};

typedef int (*pass_fn)(struct pass *p, struct adit_wg *wg, const struct agent_peer *peer, size_t index,
		       adit_time now);

static int run(struct pass *p, pass_fn fn, const struct listed *list, size_t cnt)
{
	int r = 0;

	for (size_t i = 0; i < cnt && !r;) {
		size_t end = i + WGNET_SLICE < cnt ? i + WGNET_SLICE : cnt;

		adit_tunnel_lock(p->net->tunnel);
		for (; i < end && !r; i++)
			r = fn(p, adit_tunnel_core(p->net->tunnel), list[i].p, list[i].index, adit_tunnel_now());
		adit_tunnel_unlock(p->net->tunnel);
	}
	return r;
}

/* Over the old list: peers and prefixes that are not wanted any more. */
static int remove_old(struct pass *p, struct adit_wg *wg, const struct agent_peer *old, size_t index, adit_time now)
{
	const struct agent_peer *new = find(p->other, p->other_cnt, old);
	struct adit_wg_peer *peer = adit_wg_peer_find(wg, old->public_key);

	(void)index;
	if (!peer)
		return 0;
	if (!new)
		adit_wg_peer_remove(wg, peer, now);
	for (size_t i = 0; new && i < old->allowed_cnt; i++)
		if (!adit_prefix_listed(new->allowed, new->allowed_cnt, &old->allowed[i]))
			adit_wg_peer_disallow(wg, peer, &old->allowed[i]);
	return 0;
}

static void set_psk(struct adit_wg *wg, struct adit_wg_peer *peer, const uint8_t *psk)
{
	static const uint8_t none[ADIT_KEY_LEN];
	struct adit_wg_peer_info info;

	adit_wg_peer_info(wg, peer, &info);
	if (!adit_equal(info.psk, psk ? psk : none, ADIT_KEY_LEN))
		adit_wg_peer_set_psk(wg, peer, psk ? psk : none);
	adit_wipe(&info, sizeof(info));
}

/* Over the new list. Places are wireguard_endpoints.c's. */
static int set_new(struct pass *p, struct adit_wg *wg, const struct agent_peer *new, size_t index, adit_time now)
{
	const struct agent_peer *old = p->other ? find(p->other, p->other_cnt, new) : NULL;
	struct adit_wg_peer *peer = adit_wg_peer_find(wg, new->public_key);
	struct adit_path none = { 0 };
	int r = 0;

	if (wgnet_is_banned(p->net, new->public_key))
		return 0;
	if (!peer) { /* new, or somebody removed it */
		old = NULL;
		r = adit_wg_peer_add(wg, &peer, new->public_key, now);
	}
	if (r)
		return r == -EADDRINUSE ? 0 : r; /* our own key */
	set_psk(wg, peer, p->psks[index]);
	for (size_t i = 0; i < new->allowed_cnt && !r; i++)
		if (!old || !adit_prefix_listed(old->allowed, old->allowed_cnt, &new->allowed[i]))
			r = adit_wg_peer_allow(wg, peer, &new->allowed[i]); /* one that was another's moves here */
	if (!old || old->keepalive != new->keepalive)
		adit_wg_peer_set_keepalive(wg, peer, new->keepalive, now);
	if (old && old->endpoint_cnt && !new->endpoint_cnt)
		adit_wg_peer_set_endpoint(wg, peer, &none);
	return r;
}

int wgnet_set_peers(struct wgnet *net, const struct agent_peer *old, size_t old_cnt, const struct agent_peer *new,
		    size_t new_cnt, uint8_t *const *psks)
{
	struct listed *was = sorted(old, old_cnt), *will = sorted(new, new_cnt);
	struct pass p = { .net = net, .other = will, .other_cnt = new_cnt, .psks = psks };
	int r = was && will ? 0 : -ENOMEM;

	if (!r)
		r = run(&p, remove_old, was, old_cnt);
	p.other = was;
	p.other_cnt = old_cnt;
	if (!r)
		r = run(&p, set_new, will, new_cnt);
	free(was);
	free(will);
	return r;
}

/* --- what we know of each --------------------------------------------------------------- */

static int peer_by_key(const void *a, const void *b)
{
	const struct wgnet_peer *x = a, *y = b;

	return memcmp(x->cfg->public_key, y->cfg->public_key, ADIT_KEY_LEN);
}

struct wgnet_peer *wgnet_find(const struct wgnet *net, const uint8_t public_key[ADIT_KEY_LEN])
{
	size_t lo = 0, hi = net->peer_cnt;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = memcmp(public_key, net->peer[mid].cfg->public_key, ADIT_KEY_LEN);

		if (!c)
			return &net->peer[mid];
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

static bool same_endpoints(const struct agent_peer *a, const struct agent_peer *b)
{
	if (a->endpoint_cnt != b->endpoint_cnt)
		return false;
	for (size_t i = 0; i < a->endpoint_cnt; i++)
		if (a->endpoints[i].port != b->endpoints[i].port || strcmp(a->endpoints[i].host, b->endpoints[i].host))
			return false;
	return true;
}

/* What an endpoint was found to be stays true under new settings that name the same. */
static void inherit(struct wgnet_peer *to, const struct wgnet_peer *from)
{
	to->judge = from->judge;
	to->path = from->path;
	to->kicked_at = from->kicked_at;
	if (!same_endpoints(to->cfg, from->cfg))
		return;
	to->placed = from->placed;
	for (size_t i = 0; i < to->cfg->endpoint_cnt; i++) {
		to->endpoint[i].error = from->endpoint[i].error;
		memcpy(to->endpoint[i].addr, from->endpoint[i].addr, sizeof(to->endpoint[i].addr));
		to->endpoint[i].addr_cnt = from->endpoint[i].addr_cnt;
		to->endpoint[i].ask_at = from->endpoint[i].asking ? 0 : from->endpoint[i].ask_at;
		to->endpoint[i].failures = from->endpoint[i].failures;
	}
}

void wgnet_free_live(const struct agent_peer *cfg)
{
	struct agent_peer *p = (struct agent_peer *)cfg;

	adit_secret_free(p->psk, ADIT_KEY_LEN);
	for (size_t i = 0; i < p->endpoint_cnt; i++)
		free(p->endpoints[i].host);
	free(p->endpoints);
	free(p->allowed);
	free(p->name);
	free(p->psk_path);
	free(p);
}

static void free_list(struct wgnet_peer *list, size_t cnt)
{
	for (size_t i = 0; i < cnt; i++)
		wgnet_endpoints_fini(&list[i]);
	free(list);
}

static int list_one(struct wgnet *net, struct wgnet_peer *to, const struct agent_peer *cfg, bool live)
{
	const struct wgnet_peer *from = wgnet_find(net, cfg->public_key);
	int r;

	to->net = net;
	to->cfg = cfg;
	to->live = live;
	r = wgnet_endpoints_init(to);
	if (!r && from)
		inherit(to, from);
	return r;
}

/* Pointers to a peer stand in its endpoints: set again once the list has its order. */
static void settle(struct wgnet *net, struct wgnet_peer *list, size_t cnt)
{
	struct wgnet_peer *old = net->peer;
	size_t old_cnt = net->peer_cnt;

	qsort(list, cnt, sizeof(*list), peer_by_key);
	for (size_t i = 0; i < cnt; i++)
		for (size_t k = 0; k < list[i].endpoint_cnt; k++)
			list[i].endpoint[k].peer = &list[i];
	net->peer = list;
	net->peer_cnt = cnt;
	for (size_t i = 0; i < old_cnt; i++) {
		const struct agent_peer *cfg = old[i].live ? old[i].cfg : NULL;
		const struct wgnet_peer *now = cfg ? wgnet_find(net, cfg->public_key) : NULL;

		wgnet_endpoints_fini(&old[i]);
		if (cfg && (!now || now->cfg != cfg))
			wgnet_free_live(cfg);
	}
	free(old);
}

int wgnet_list_peers(struct wgnet *net, const struct agent_network_settings *s)
{
	struct wgnet_peer *list = calloc(s->peer_cnt + net->peer_cnt + 1, sizeof(*list));
	size_t cnt = 0;
	int r = list ? 0 : -ENOMEM;

	for (size_t i = 0; i < s->peer_cnt && !r; i++)
		if (!wgnet_is_banned(net, s->peers[i].public_key))
			r = list_one(net, &list[cnt++], &s->peers[i], false);
	for (size_t i = 0; i < net->peer_cnt && !r; i++)
		if (net->peer[i].live && !listed_in(s, net->peer[i].cfg->public_key))
			r = list_one(net, &list[cnt++], net->peer[i].cfg, true);
	if (r && list)
		free_list(list, cnt);
	if (!r)
		settle(net, list, cnt);
	return r;
}

int wgnet_list_live(struct wgnet *net, const struct agent_peer *add, const struct agent_peer *without)
{
	struct wgnet_peer *list = calloc(net->peer_cnt + 1, sizeof(*list));
	size_t cnt = 0;
	int r = list ? 0 : -ENOMEM;

	for (size_t i = 0; i < net->peer_cnt && !r; i++)
		if (net->peer[i].cfg != without)
			r = list_one(net, &list[cnt++], net->peer[i].cfg, net->peer[i].live);
	if (add && !r)
		r = list_one(net, &list[cnt++], add, true);
	if (r && list)
		free_list(list, cnt);
	if (!r)
		settle(net, list, cnt);
	return r;
}

void wgnet_free_peers(struct wgnet *net)
{
	for (size_t i = 0; i < net->peer_cnt; i++) {
		const struct agent_peer *cfg = net->peer[i].live ? net->peer[i].cfg : NULL;

		wgnet_endpoints_fini(&net->peer[i]);
		if (cfg)
			wgnet_free_live(cfg);
	}
	free(net->peer);
	net->peer = NULL;
	net->peer_cnt = 0;
	free(net->banned);
	net->banned = NULL;
	net->banned_cnt = 0;
}
