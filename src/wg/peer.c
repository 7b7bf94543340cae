/* SPDX-License-Identifier: ISC */
/* peer.c - peers: coming, going, their configuration, and lists of them */
#include "wg/peer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "wg/device.h"

/* --- finding, adding ---------------------------------------------------------- */

bool wg_peer_key_equal(const void *item, const void *key)
{
	return memcmp(((const struct adit_wg_peer *)item)->public_key, key, ADIT_KEY_LEN) == 0;
}

static uint64_t key_hash(const struct adit_wg *wg, const uint8_t public_key[ADIT_KEY_LEN])
{
	return adit_shorthash(public_key, ADIT_KEY_LEN, wg->key_hash);
}

struct adit_wg_peer *adit_wg_peer_find(struct adit_wg *wg, const uint8_t public_key[ADIT_KEY_LEN])
{
	return adit_map_find(&wg->peers_by_key, key_hash(wg, public_key), public_key);
}

static void init(struct adit_wg_peer *peer, const uint8_t public_key[ADIT_KEY_LEN])
{
	memcpy(peer->public_key, public_key, ADIT_KEY_LEN);
	peer->last_sent_handshake = WG_LONG_AGO;
	peer->last_initiation_at = WG_LONG_AGO;
	adit_list_init(&peer->allowed);
	adit_list_init(&peer->ready_link);
	adit_wheel_entry_init(&peer->timer);
	wg_timers_init(peer);
}

int adit_wg_peer_add(struct adit_wg *wg, struct adit_wg_peer **ret, const uint8_t public_key[ADIT_KEY_LEN],
		     adit_time now)
{
	struct adit_wg_peer *peer;

	(void)wg_now(wg, now);
	if (wg->has_identity && adit_equal(public_key, wg->public_key, ADIT_KEY_LEN))
		return -EADDRINUSE;
	if (adit_wg_peer_find(wg, public_key))
		return -EEXIST;
	if (wg->peer_cnt >= ADIT_WG_PEERS_MAX)
		return -ENOSPC;
	peer = calloc(1, sizeof(*peer));
	if (!peer)
		return -ENOMEM;
	init(peer, public_key);
	peer->home = wg->next_home++ & WG_HOME_MASK;
	if (adit_map_insert(&wg->peers_by_key, key_hash(wg, public_key), peer) < 0) {
		free(peer);
		return -ENOMEM;
	}
	adit_list_add_tail(&wg->peers, &peer->link);
	wg->peer_cnt++;
	*ret = peer;
	return 0;
}

/* --- stopping, removing --------------------------------------------------------- */

void wg_unstage(struct adit_wg *wg, struct adit_wg_peer *peer, enum adit_drop drop)
{
	wg_drop(wg, drop, adit_staged_flush(&wg->staging, &peer->staged, drop));
	adit_list_del(&peer->ready_link);
}

void wg_peer_stop(struct adit_wg *wg, struct adit_wg_peer *peer)
{
	wg_unstage(wg, peer, ADIT_DROP_peer_removed);
	wg_timers_stop(wg, peer);
	wg_handshake_drop(wg, peer);
	wg_sessions_drop(wg, peer);
	peer->last_sent_handshake = WG_LONG_AGO;
	wg_blackhole_reset(&peer->blackhole);
}

static struct adit_wg_peer *following(const struct adit_wg *wg, const struct adit_wg_peer *peer)
{
	return peer->link.next == &wg->peers ? NULL
					      : adit_container_of(peer->link.next, struct adit_wg_peer, link);
}

static void forget_static_static(struct adit_wg_peer *peer)
{
	adit_secret_free(peer->static_static, ADIT_KEY_LEN);
	peer->static_static = NULL;
	peer->low_order = false;
}

/* In phases: out of every table, so that nothing new finds it; then what it
 * was doing; then the memory. Trains between begin and done hold its sessions,
 * not the peer, and see by session->id.peer == NULL that it has gone. */
void adit_wg_peer_remove(struct adit_wg *wg, struct adit_wg_peer *peer, adit_time now)
{
	(void)wg_now(wg, now);
	for (struct adit_wg_cursor *c = wg->cursors; c; c = c->next) {
		if (c->at == peer)
			c->at = following(wg, peer);
	}
	adit_map_remove(&wg->peers_by_key, key_hash(wg, peer->public_key), peer);
	adit_list_del(&peer->link);
	wg->peer_cnt--;
	while (adit_wg_peer_disallow_some(wg, peer, 1024))
		;
	wg_peer_stop(wg, peer);
	forget_static_static(peer);
	adit_secret_free(peer->psk, ADIT_KEY_LEN);
	free(peer->endpoints);
	adit_wipe(peer, sizeof(*peer));
	free(peer);
}

size_t adit_wg_peers_remove_some(struct adit_wg *wg, int max, adit_time now)
{
	while (max-- > 0 && !adit_list_empty(&wg->peers)) {
		struct adit_wg_peer *peer = adit_container_of(wg->peers.next, struct adit_wg_peer, link);

		if (adit_wg_peer_disallow_some(wg, peer, 256))
			continue; /* a turn of its own for each 256 prefixes */
		adit_wg_peer_remove(wg, peer, now);
	}
	return wg->peer_cnt;
}

/* --- identity -------------------------------------------------------------------- */

const uint8_t *wg_peer_static_static(struct adit_wg *wg, struct adit_wg_peer *peer)
{
	if (peer->static_identity != wg->identity)
		forget_static_static(peer);
	peer->static_identity = wg->identity;
	if (peer->psk_missing)
		return NULL; /* never a handshake without the secret that was asked for */
	if (peer->static_static || peer->low_order || !wg->has_identity)
		return peer->static_static;
	peer->static_static = adit_secret_alloc(ADIT_KEY_LEN);
	if (!peer->static_static)
		return NULL;
	if (!adit_x25519(wg->crypto, peer->static_static, wg->secrets->private_key, peer->public_key)) {
		forget_static_static(peer);
		peer->low_order = true;
	}
	return peer->static_static;
}

void wg_peer_forget_identity(struct adit_wg *wg, struct adit_wg_peer *peer)
{
	if (peer->static_identity != wg->identity)
		forget_static_static(peer);
	if (peer->handshake && peer->handshake->identity != wg->identity)
		wg_handshake_drop(wg, peer);
	peer->last_sent_handshake = WG_LONG_AGO;
	if (peer->current && peer->current->identity != wg->identity)
		peer->current->may_send = false;
	if (peer->next && peer->next->identity != wg->identity)
		peer->next->may_send = false;
	if (peer->timers.initiate != ADIT_NEVER) /* wanted already: the 5 s no longer hold it up */
		wg_timers_want_handshake(wg, peer, wg->clock);
}

void adit_wg_peer_set_psk(struct adit_wg *wg, struct adit_wg_peer *peer, const uint8_t psk[ADIT_KEY_LEN])
{
	(void)wg;
	peer->psk_missing = false;
	if (adit_is_zero(psk, ADIT_KEY_LEN)) {
		adit_secret_free(peer->psk, ADIT_KEY_LEN);
		peer->psk = NULL;
		return;
	}
	if (!peer->psk)
		peer->psk = adit_secret_alloc(ADIT_KEY_LEN);
	if (peer->psk)
		memcpy(peer->psk, psk, ADIT_KEY_LEN);
	else
		peer->psk_missing = true;
}

/* --- endpoints -------------------------------------------------------------------- */

const struct adit_path *wg_peer_path(const struct adit_wg *wg, struct adit_wg_peer *peer)
{
	if (peer->sources != wg->sources) {
		peer->sources = wg->sources;
		adit_path_clear_source(&peer->endpoint);
	}
	return &peer->endpoint;
}

void wg_peer_heard(struct adit_wg *wg, struct adit_wg_peer *peer, const struct adit_path *path)
{
	bool same;

	peer->sources = wg->sources;
	if (adit_path_equal(&peer->endpoint, path))
		return;
	same = adit_path_same_remote(&peer->endpoint, path);
	peer->endpoint = *path;
	if (same)
		return;
	wg_blackhole_reset(&peer->blackhole);
	wg_event(wg, ADIT_WG_ENDPOINT, peer);
}

void adit_wg_peer_set_endpoint(struct adit_wg *wg, struct adit_wg_peer *peer, const struct adit_path *path)
{
	bool had = peer->endpoint.kind != ADIT_PATH_NONE;

	free(peer->endpoints);
	peer->endpoints = NULL;
	if (!adit_path_same_remote(&peer->endpoint, path))
		wg_blackhole_reset(&peer->blackhole);
	peer->endpoint = *path;
	if (!had)
		wg_timers_want_keepalive(wg, peer, wg->clock);
}

int adit_wg_peer_add_endpoint(struct adit_wg *wg, struct adit_wg_peer *peer, const struct adit_path *path)
{
	struct wg_endpoints *e = peer->endpoints;

	if (peer->endpoint.kind == ADIT_PATH_NONE) {
		adit_wg_peer_set_endpoint(wg, peer, path);
		return 0;
	}
	if (!e) {
		e = calloc(1, sizeof(*e));
		if (!e)
			return -ENOMEM;
		e->path[e->cnt++] = peer->endpoint;
		adit_path_clear_source(&e->path[0]);
		peer->endpoints = e;
	}
	for (unsigned i = 0; i < e->cnt; i++) {
		if (adit_path_same_remote(&e->path[i], path))
			return 0;
	}
	if (e->cnt == ADIT_WG_ENDPOINTS_MAX)
		return -ENOSPC;
	e->path[e->cnt++] = *path;
	return 0;
}

/* --- the rest of its configuration -------------------------------------------------- */

void adit_wg_peer_set_keepalive(struct adit_wg *wg, struct adit_wg_peer *peer, uint16_t seconds, adit_time now)
{
	uint16_t was = peer->keepalive;

	now = wg_now(wg, now);
	peer->keepalive = seconds;
	if (!seconds)
		peer->timers.persistent = ADIT_NEVER;
	else if (!was)
		wg_timers_want_keepalive(wg, peer, now);
	else if (peer->timers.persistent > now + seconds * ADIT_SEC && peer->timers.persistent != ADIT_NEVER)
		wg_timers_want_keepalive(wg, peer, now);
}

int adit_wg_peer_allow(struct adit_wg *wg, struct adit_wg_peer *peer, const struct adit_prefix *prefix)
{
	return wg_allowedips_insert(&wg->allowedips, prefix, peer, &peer->allowed);
}

void adit_wg_peer_disallow(struct adit_wg *wg, struct adit_wg_peer *peer, const struct adit_prefix *prefix)
{
	struct wg_allowedip *node = wg_allowedips_find(&wg->allowedips, prefix);

	if (node && node->peer == peer)
		wg_allowedips_remove(&wg->allowedips, node);
}

bool adit_wg_peer_disallow_some(struct adit_wg *wg, struct adit_wg_peer *peer, int max)
{
	while (max-- > 0 && !adit_list_empty(&peer->allowed))
		wg_allowedips_remove(&wg->allowedips,
				     adit_container_of(peer->allowed.next, struct wg_allowedip, link));
	return !adit_list_empty(&peer->allowed);
}

bool adit_wg_peer_allowed_next(const struct adit_wg_peer *peer, const void **pos, struct adit_prefix *ret)
{
	const struct wg_allowedip *node = *pos;
	const struct adit_list *next = node ? node->link.next : peer->allowed.next;

	if (next == &peer->allowed)
		return false;
	node = adit_container_of(next, const struct wg_allowedip, link);
	*ret = node->prefix;
	*pos = node;
	return true;
}

void adit_wg_peer_handshake(struct adit_wg *wg, struct adit_wg_peer *peer, adit_time now)
{
	wg_timers_want_handshake(wg, peer, wg_now(wg, now));
}

void adit_wg_peer_hurry(struct adit_wg *wg, struct adit_wg_peer *peer, adit_time now)
{
	now = wg_now(wg, now);
	if (!peer->handshake_attempts || now - peer->last_sent_handshake < ADIT_SEC)
		return;
	peer->last_sent_handshake = WG_LONG_AGO;
	peer->timers.retransmit = peer->timers.initiate = ADIT_NEVER;
	adit_path_clear_source(&peer->endpoint);
	wg_timers_want_handshake(wg, peer, now);
}

struct adit_wg_peer *adit_wg_route(struct adit_wg *wg, const struct adit_addr *dst)
{
	return wg_allowedips_lookup(&wg->allowedips, dst);
}

void wg_peer_ready(struct adit_wg *wg, struct adit_wg_peer *peer, adit_time now)
{
	if (!wg_session_can_send(wg, peer->current, ADIT_TRAIN_MAX, now))
		wg_timers_want_handshake(wg, peer, now);
	else if (peer->staged.first && adit_list_empty(&peer->ready_link))
		adit_list_add_tail(&wg->ready, &peer->ready_link);
}

/* --- looking at them ------------------------------------------------------------------ */

static adit_time outside(const struct adit_wg *wg, adit_time at)
{
	return at ? at - wg->clock_offset : 0;
}

void adit_wg_peer_info(const struct adit_wg *wg, const struct adit_wg_peer *peer, struct adit_wg_peer_info *ret)
{
	memset(ret, 0, sizeof(*ret));
	memcpy(ret->public_key, peer->public_key, ADIT_KEY_LEN);
	if (peer->psk)
		memcpy(ret->psk, peer->psk, ADIT_KEY_LEN);
	ret->endpoint = peer->endpoint;
	ret->keepalive = peer->keepalive;
	ret->last_handshake = peer->last_handshake;
	ret->last_handshake_at = outside(wg, peer->last_handshake_at);
	ret->last_rx_at = outside(wg, peer->last_rx_at);
	ret->last_tx_at = outside(wg, peer->last_tx_at);
	ret->rx_bytes = peer->rx_bytes;
	ret->tx_bytes = peer->tx_bytes;
	ret->rx_packets = peer->rx_packets;
	ret->tx_packets = peer->tx_packets;
	ret->tx_keepalives = peer->tx_keepalives;
	ret->rx_lost = peer->rx_lost;
	ret->rx_reordered = peer->rx_reordered;
	ret->handshake_attempts = peer->handshake_attempts;
	ret->black_hole = peer->blackhole.suspected;
	ret->has_session = wg_session_can_send(wg, peer->current, 1, wg->clock);
}

void adit_wg_cursor_open(struct adit_wg *wg, struct adit_wg_cursor *c)
{
	c->at = adit_list_empty(&wg->peers) ? NULL : adit_container_of(wg->peers.next, struct adit_wg_peer, link);
	c->open = true;
	c->next = wg->cursors;
	wg->cursors = c;
}

struct adit_wg_peer *adit_wg_cursor_next(struct adit_wg *wg, struct adit_wg_cursor *c)
{
	struct adit_wg_peer *peer = c->at;

	if (peer)
		c->at = following(wg, peer);
	return peer;
}

void adit_wg_cursor_close(struct adit_wg *wg, struct adit_wg_cursor *c)
{
	if (!c->open)
		return;
	for (struct adit_wg_cursor **p = &wg->cursors; *p; p = &(*p)->next) {
		if (*p == c) {
			*p = c->next;
			break;
		}
	}
	c->open = false;
	c->at = NULL;
}
