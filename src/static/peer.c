/* SPDX-License-Identifier: ISC */
/* peer.c - the table of peers: by key, by key id, by the address they are at */
#include <errno.h>
#include <stdlib.h>

#include "static/device.h"

/* --- where a peer is ------------------------------------------------------------ */

static uint64_t path_hash(const struct adit_static *st, const struct adit_path *p)
{
	uint8_t text[23] = { p->kind };

	memcpy(text + 1, &p->port, 2);
	memcpy(text + 3, &p->scope, 4);
	memcpy(text + 7, p->addr, 16);
	return adit_shorthash(text, sizeof(text), st->map_key);
}

struct adit_static_peer *static_peer_at(const struct adit_static *st, const struct adit_path *path)
{
	return adit_map_find(&st->by_path, path_hash(st, path), path);
}

/* Whoever was thought to be there is found by its key from now on. Without
 * memory for the entry this peer is, too. */
static void move(struct adit_static *st, struct adit_static_peer *peer, const struct adit_path *to)
{
	struct adit_static_peer *other;

	if (peer->placed)
		adit_map_remove(&st->by_path, path_hash(st, &peer->endpoint), peer);
	peer->placed = peer->doubt = false;
	peer->endpoint = *to;
	peer->sources = st->sources;
	if (to->kind == ADIT_PATH_NONE)
		return;
	other = static_peer_at(st, to);
	if (other) {
		adit_map_remove(&st->by_path, path_hash(st, to), other);
		other->placed = false;
	}
	peer->placed = adit_map_insert(&st->by_path, path_hash(st, to), peer) == 0;
}

const struct adit_path *static_peer_path(const struct adit_static *st, struct adit_static_peer *peer)
{
	if (peer->sources != st->sources) {
		adit_path_clear_source(&peer->endpoint);
		peer->sources = st->sources;
	}
	return &peer->endpoint;
}

void static_peer_heard(struct adit_static *st, struct adit_static_peer *peer, const struct adit_path *from)
{
	bool same = adit_path_same_remote(&peer->endpoint, from);

	if (same && peer->placed) {
		peer->endpoint = *from; /* the address of ours that it asked is where answers come from */
		peer->sources = st->sources;
		return;
	}
	if (!same && !st->roaming)
		return;
	move(st, peer, from);
	if (!same)
		static_tell(st, ADIT_STATIC_ENDPOINT, peer);
}

void static_peer_go_home(struct adit_static *st, struct adit_static_peer *peer)
{
	if (peer->configured.kind != ADIT_PATH_NONE && !adit_path_same_remote(&peer->endpoint, &peer->configured))
		move(st, peer, &peer->configured);
}

/* --- the table ------------------------------------------------------------------- */

struct adit_static_peer *static_peer_by_id(const struct adit_static *st, const uint8_t id[STATIC_KEY_ID_LEN])
{
	return adit_map_find(&st->by_id, adit_get_le64(id), id);
}

static uint64_t key_hash(const struct adit_static *st, const uint8_t key[ADIT_KEY_LEN])
{
	return adit_shorthash(key, ADIT_KEY_LEN, st->map_key);
}

static void peer_free(struct adit_static_peer *peer)
{
	adit_secret_free(peer->secrets, sizeof(*peer->secrets));
	free(peer);
}

/* v1 has one session, for ever. */
static int fixed_session(struct adit_static_peer *peer)
{
	struct static_session *s = static_session_new(peer);

	if (!s)
		return -ENOMEM;
	s->keys = adit_secret_alloc(sizeof(*s->keys));
	if (!s->keys) {
		static_session_put(s);
		return -ENOMEM;
	}
	memcpy(s->keys->send, peer->secrets->shared, ADIT_KEY_LEN);
	memcpy(s->keys->receive, peer->secrets->shared, ADIT_KEY_LEN);
	peer->current = s;
	return 0;
}

static int derive(struct adit_static *st, struct adit_static_peer *peer)
{
	peer->secrets = adit_secret_alloc(sizeof(*peer->secrets));
	if (!peer->secrets)
		return -ENOMEM;
	if (!adit_x25519(st->crypto, peer->secrets->shared, st->private_key, peer->public_key))
		return -EINVAL;
	static_derive_ids(st, peer);
	if (st->wire == ADIT_STATIC_V1)
		return fixed_session(peer);
	static_derive_secrets(st, peer);
	return 0;
}

static int enter(struct adit_static *st, struct adit_static_peer *peer)
{
	uint64_t hash = key_hash(st, peer->public_key);
	int r = adit_map_insert(&st->by_key, hash, peer);

	if (r == 0) {
		r = adit_map_insert(&st->by_id, adit_get_le64(peer->id_receive), peer);
		if (r < 0)
			adit_map_remove(&st->by_key, hash, peer);
	}
	return r;
}

int adit_static_peer_add(struct adit_static *st, struct adit_static_peer **ret, const uint8_t public_key[ADIT_KEY_LEN],
			 adit_time now)
{
	struct adit_static_peer *peer;
	int r;

	if (!st->has_key)
		return -ENOKEY;
	if (memcmp(public_key, st->public_key, ADIT_KEY_LEN) == 0)
		return -EINVAL;
	if (adit_map_find(&st->by_key, key_hash(st, public_key), public_key))
		return -EEXIST;
	peer = calloc(1, sizeof(*peer));
	if (!peer)
		return -ENOMEM;
	memcpy(peer->public_key, public_key, ADIT_KEY_LEN);
	adit_list_init(&peer->ready_link);
	adit_wheel_entry_init(&peer->timer);
	peer->keepalive_due = peer->unanswered_due = ADIT_NEVER;
	peer->tunnel = st;
	peer->since = now = static_now(st, now);
	peer->hello_due = ADIT_NEVER;
	r = derive(st, peer);
	if (r == 0)
		r = enter(st, peer);
	if (r < 0) {
		if (peer->current)
			static_session_drop(st, &peer->current);
		peer_free(peer);
		return r;
	}
	adit_list_add_tail(&st->peers, &peer->link);
	st->peer_cnt++;
	if (st->peer_timeout)
		static_timers_arm(st, peer, now + st->peer_timeout);
	*ret = peer;
	return 0;
}

/* ::ffff:192.0.2.1 is where IPv4 datagrams go and come from. */
static void unmap(struct adit_path *p)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (p->kind != ADIT_PATH_UDP6 || memcmp(p->addr, mapped, sizeof(mapped)) != 0)
		return;
	p->kind = ADIT_PATH_UDP4;
	p->scope = 0;
	memmove(p->addr, p->addr + sizeof(mapped), 4);
	memset(p->addr + 4, 0, sizeof(p->addr) - 4);
	adit_path_clear_source(p);
}

int adit_static_peer_set_endpoint(struct adit_static *st, struct adit_static_peer *peer, const struct adit_path *path)
{
	struct adit_path to = *path;
	struct adit_static_peer *other;

	unmap(&to);
	other = static_peer_at(st, &to);
	if (other && other != peer)
		return -EEXIST;
	peer->configured = to;
	move(st, peer, &to);
	return to.kind == ADIT_PATH_NONE || peer->placed ? 0 : -ENOMEM;
}

int adit_static_peer_allow(struct adit_static *st, struct adit_static_peer *peer, const struct adit_prefix *prefix)
{
	return static_routes_add(&st->routes, prefix, peer);
}

int adit_static_own(struct adit_static *st, const struct adit_prefix *prefix)
{
	return static_routes_add(&st->routes, prefix, NULL);
}

static adit_time outside(const struct adit_static *st, adit_time at)
{
	return at ? at - st->clock_offset : 0;
}

void adit_static_peer_info(const struct adit_static_peer *peer, struct adit_static_peer_info *ret)
{
	memcpy(ret->public_key, peer->public_key, ADIT_KEY_LEN);
	ret->endpoint = peer->endpoint;
	ret->configured = peer->configured;
	ret->has_session = peer->current;
	ret->stale = peer->stale;
	ret->last_rx_at = outside(peer->tunnel, peer->last_rx);
	ret->last_tx_at = outside(peer->tunnel, peer->last_tx);
	ret->rx_bytes = peer->rx_bytes;
	ret->tx_bytes = peer->tx_bytes;
	ret->rx_packets = peer->rx_packets;
	ret->tx_packets = peer->tx_packets;
	ret->rx_lost = peer->rx_lost;
	ret->rx_reordered = peer->rx_reordered;
	ret->rx_bad = peer->rx_bad;
	ret->sealed = peer->count.sealed;
	ret->granted = peer->count.granted;
	ret->key_half = peer->count.sealed >= STATIC_V1_LIMIT / 2;
	ret->key_end = peer->count.end || peer->count.sealed >= STATIC_V1_LIMIT;
}

unsigned adit_static_known(const struct adit_static *st, struct adit_path *ret, unsigned max)
{
	struct adit_static_peer *peer;
	unsigned cnt = 0;

	for (peer = adit_static_peer_next(st, NULL); peer; peer = adit_static_peer_next(st, peer)) {
		if (peer->endpoint.kind == ADIT_PATH_NONE)
			continue;
		if (cnt < max)
			ret[cnt] = peer->endpoint;
		cnt++;
	}
	return cnt;
}

struct adit_static_peer *adit_static_peer_next(const struct adit_static *st, const struct adit_static_peer *after)
{
	const struct adit_list *next = after ? after->link.next : st->peers.next;

	return next == &st->peers ? NULL : adit_container_of(next, struct adit_static_peer, link);
}

void static_peer_ready(struct adit_static *st, struct adit_static_peer *peer)
{
	if (adit_list_empty(&peer->ready_link))
		adit_list_add_tail(&st->ready, &peer->ready_link);
}

void static_unstage(struct adit_static *st, struct adit_static_peer *peer, enum adit_drop drop)
{
	static_drop(st, drop, adit_staged_flush(&st->staging, &peer->staged, drop));
	adit_list_del(&peer->ready_link);
}

/* Everything a peer has; it leaves the list by the caller. */
void static_peer_free(struct adit_static *st, struct adit_static_peer *peer)
{
	adit_staged_flush(&st->staging, &peer->staged, ADIT_DROP_NONE);
	adit_list_del(&peer->ready_link);
	adit_wheel_cancel(&st->wheel, &peer->timer);
	static_sessions_drop(st, peer);
	peer_free(peer);
}
