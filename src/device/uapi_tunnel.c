/* SPDX-License-Identifier: ISC */
/*
 * uapi_tunnel.c - the UAPI applied to a tunnel. No hold is longer than some
 * hundred peers' worth of work, so that packets keep flowing while a million
 * peers are added, listed or removed.
 */
#include "device/uapi_tunnel.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#define HOLD_PEERS   256
#define HOLD_ALLOWED 1024

static void hold(void *user)
{
	struct adit_uapi_tunnel *c = user;

	adit_tunnel_lock(c->tunnel);
	c->wg = adit_tunnel_core(c->tunnel);
	c->peer = NULL;
	c->now = adit_tunnel_now();
}

static void release(void *user)
{
	struct adit_uapi_tunnel *c = user;

	c->wg = NULL;
	c->peer = NULL;
	adit_tunnel_unlock(c->tunnel);
}

/* Lets packets through in the middle of a long change. The peer stays: only
 * this thread removes peers. */
static void breathe(struct adit_uapi_tunnel *c)
{
	struct adit_wg_peer *peer = c->peer;

	release(c);
	hold(c);
	c->peer = peer;
}

static int set_private_key(void *user, const uint8_t key[ADIT_KEY_LEN])
{
	struct adit_uapi_tunnel *c = user;

	hold(c);
	adit_wg_set_private_key(c->wg, key, c->now);
	while (adit_wg_private_key_continue(c->wg, HOLD_PEERS, c->now))
		breathe(c);
	release(c);
	return 0;
}

static int set_listen_port(void *user, uint16_t port)
{
	struct adit_uapi_tunnel *c = user;

	return adit_tunnel_set_port(c->tunnel, port);
}

static int set_fwmark(void *user, uint32_t mark)
{
	struct adit_uapi_tunnel *c = user;

	return adit_tunnel_set_fwmark(c->tunnel, mark);
}

static int replace_peers(void *user)
{
	struct adit_uapi_tunnel *c = user;

	hold(c);
	while (adit_wg_peers_remove_some(c->wg, HOLD_PEERS, c->now))
		breathe(c);
	release(c);
	return 0;
}

static bool peer_find(void *user, const uint8_t public_key[ADIT_KEY_LEN])
{
	struct adit_uapi_tunnel *c = user;

	c->peer = adit_wg_peer_find(c->wg, public_key);
	return c->peer != NULL;
}

static int peer_add(void *user, const uint8_t public_key[ADIT_KEY_LEN])
{
	struct adit_uapi_tunnel *c = user;

	return adit_wg_peer_add(c->wg, &c->peer, public_key, c->now);
}

static void peer_replace_allowed(void *user)
{
	struct adit_uapi_tunnel *c = user;

	while (adit_wg_peer_disallow_some(c->wg, c->peer, HOLD_ALLOWED))
		breathe(c);
}

static void peer_remove(void *user)
{
	struct adit_uapi_tunnel *c = user;

	peer_replace_allowed(c);
	adit_wg_peer_remove(c->wg, c->peer, c->now);
	c->peer = NULL;
}

static void peer_psk(void *user, const uint8_t psk[ADIT_KEY_LEN])
{
	struct adit_uapi_tunnel *c = user;

	adit_wg_peer_set_psk(c->wg, c->peer, psk);
}

static void peer_endpoint(void *user, const struct adit_path *path)
{
	struct adit_uapi_tunnel *c = user;

	adit_wg_peer_set_endpoint(c->wg, c->peer, path);
}

static void peer_keepalive(void *user, uint16_t seconds)
{
	struct adit_uapi_tunnel *c = user;

	adit_wg_peer_set_keepalive(c->wg, c->peer, seconds, c->now);
}

static int peer_allow(void *user, const struct adit_prefix *prefix)
{
	struct adit_uapi_tunnel *c = user;

	return adit_wg_peer_allow(c->wg, c->peer, prefix);
}

static void peer_disallow(void *user, const struct adit_prefix *prefix)
{
	struct adit_uapi_tunnel *c = user;

	adit_wg_peer_disallow(c->wg, c->peer, prefix);
}

/* --- get ------------------------------------------------------------------ */

static void device(void *user, struct adit_uapi_device *ret)
{
	struct adit_uapi_tunnel *c = user;

	ret->listen_port = adit_tunnel_port(c->tunnel);
	ret->fwmark = adit_tunnel_fwmark(c->tunnel);
	adit_tunnel_stats(c->tunnel, &ret->tunnel);
	hold(c);
	adit_wg_private_key(c->wg, ret->private_key);
	adit_wg_stats(c->wg, &ret->wg, c->now);
	release(c);
}

static void peers_open(void *user)
{
	struct adit_uapi_tunnel *c = user;

	hold(c);
	adit_wg_cursor_open(c->wg, &c->cursor);
	release(c);
}

static void peers_close(void *user)
{
	struct adit_uapi_tunnel *c = user;

	hold(c);
	adit_wg_cursor_close(c->wg, &c->cursor);
	release(c);
}

static int grow_allowed(struct adit_uapi_slice *s)
{
	size_t cap = s->allowed_cap ? s->allowed_cap * 2 : 4 * ADIT_UAPI_SLICE;
	struct adit_prefix *p = realloc(s->allowed, cap * sizeof(*p));

	if (!p)
		return -ENOMEM;
	s->allowed = p;
	s->allowed_cap = cap;
	return 0;
}

/* Copies what is asked for and no more: it is turned into text after the hold.
 * A peer's allowed IPs can only be walked within one hold; *end counts them all. */
static int gather(struct adit_uapi_tunnel *c, struct adit_wg_peer *peer, struct adit_uapi_slice *s, size_t *end)
{
	const void *pos = NULL;
	struct adit_prefix prefix;

	while (adit_wg_peer_allowed_next(peer, &pos, &prefix)) {
		if (*end == s->allowed_cap && grow_allowed(s))
			return -ENOMEM;
		s->allowed[(*end)++] = prefix;
	}
	adit_wg_peer_info(c->wg, peer, &s->peer[s->cnt]);
	s->allowed_end[s->cnt++] = *end;
	return 0;
}

static int peers(void *user, struct adit_uapi_slice **ret)
{
	struct adit_uapi_tunnel *c = user;
	struct adit_uapi_slice *s = c->slice;
	struct adit_wg_peer *peer;
	size_t end = 0;
	int r = 0;

	hold(c);
	s->cnt = 0;
	s->now = c->now;
	while (!r && s->cnt < ADIT_UAPI_SLICE && end < HOLD_ALLOWED &&
	       (peer = adit_wg_cursor_next(c->wg, &c->cursor)))
		r = gather(c, peer, s, &end);
	release(c);
	*ret = s;
	return r;
}

struct adit_uapi_slice *adit_uapi_slice_new(void)
{
	struct adit_uapi_slice *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (s == MAP_FAILED)
		return NULL;
	madvise(s, sizeof(*s), MADV_DONTDUMP);
	(void)mlock(s, sizeof(*s)); /* best effort */
	return s;
}

void adit_uapi_slice_free(struct adit_uapi_slice *s)
{
	if (!s)
		return;
	free(s->allowed);
	adit_wipe(s, sizeof(*s));
	munmap(s, sizeof(*s));
}

const struct adit_uapi_ops adit_uapi_tunnel_ops = {
	.hold = hold,
	.release = release,
	.private_key = set_private_key,
	.listen_port = set_listen_port,
	.fwmark = set_fwmark,
	.replace_peers = replace_peers,
	.peer_find = peer_find,
	.peer_add = peer_add,
	.peer_remove = peer_remove,
	.peer_psk = peer_psk,
	.peer_endpoint = peer_endpoint,
	.peer_keepalive = peer_keepalive,
	.peer_replace_allowed = peer_replace_allowed,
	.peer_allow = peer_allow,
	.peer_disallow = peer_disallow,
	.device = device,
	.peers_open = peers_open,
	.peers = peers,
	.peers_close = peers_close,
};
