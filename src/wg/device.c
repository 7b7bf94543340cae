/* SPDX-License-Identifier: ISC */
/* device.c - the device: life, identity, up and down, clockwork */
#include "wg/device.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MTU_DEFAULT    1420
#define TICK_PEERS     256
#define TICK_INITIATIONS 8 /* some 70 us each */

static size_t wire_len(const void *core, size_t len)
{
	return adit_wg_wire_len(core, len);
}

int adit_wg_new(struct adit_wg **ret, const struct adit_wg_ops *ops, void *user, struct adit_crypto *crypto,
		adit_time now)
{
	struct adit_wg *wg = calloc(1, sizeof(*wg));
	uint8_t key[16];

	if (!wg)
		return -ENOMEM;
	wg->secrets = adit_secret_alloc(sizeof(*wg->secrets));
	if (!wg->secrets) {
		free(wg);
		return -ENOMEM;
	}
	wg->ops = *ops;
	wg->user = user;
	wg->crypto = crypto;
	wg->clock = now;
	wg->mtu = MTU_DEFAULT;
	wg->staging = (struct adit_staging){ .head = ADIT_WG_HEAD, .wire_len = wire_len, .core = wg,
					    .dropped = ops->dropped, .user = user };
	wg->identity = 1;
	wg->last_under_load = wg->failures_since = wg->cookie_secret_born = WG_LONG_AGO;
	adit_list_init(&wg->peers);
	adit_list_init(&wg->ready);
	adit_map_init(&wg->peers_by_key, wg_peer_key_equal);
	adit_map_init(&wg->indices, wg_indexed_equal);
	adit_wheel_init(&wg->wheel, now);
	wg_random(wg, wg->key_hash, sizeof(wg->key_hash));
	wg_random(wg, key, sizeof(key));
	wg_allowedips_init(&wg->allowedips, key);
	wg_random(wg, key, sizeof(key));
	wg_ratelimiter_init(&wg->proven, WG_RATE_PROVEN, key);
	wg_ratelimiter_init(&wg->claimed, WG_RATE_CLAIMED, key);
	wg_queue_init(&wg->handshakes, WG_QUEUE_MAX);
	wg_queue_init(&wg->cookies, WG_QUEUE_MAX / 8);
	wg_noise_start(crypto, &wg->noise);
	*ret = wg;
	return 0;
}

void adit_wg_free(struct adit_wg *wg)
{
	if (!wg)
		return;
	while (adit_wg_peers_remove_some(wg, 1024, wg->clock))
		;
	wg_queue_fini(&wg->handshakes);
	wg_queue_fini(&wg->cookies);
	wg_ratelimiter_fini(&wg->proven);
	wg_ratelimiter_fini(&wg->claimed);
	wg_allowedips_fini(&wg->allowedips);
	adit_map_fini(&wg->indices);
	adit_map_fini(&wg->peers_by_key);
	adit_secret_free(wg->secrets, sizeof(*wg->secrets));
	adit_wipe(wg, sizeof(*wg));
	free(wg);
}

void adit_wg_forget_sources(struct adit_wg *wg)
{
	wg->sources++;
}

void adit_wg_set_port(struct adit_wg *wg, uint16_t port)
{
	wg->port = port;
}

/* --- identity ----------------------------------------------------------------- */

static void restart_cursor(struct adit_wg *wg, struct adit_wg_cursor *c)
{
	adit_wg_cursor_close(wg, c);
	adit_wg_cursor_open(wg, c);
}

static void derive_identity(struct adit_wg *wg)
{
	adit_x25519_public(wg->crypto, wg->public_key, wg->secrets->private_key);
	wg_cookie_label_key(wg->crypto, wg->mac1_key, "mac1----", wg->public_key);
	wg_cookie_label_key(wg->crypto, wg->cookie_key, "cookie--", wg->public_key);
	adit_hash(wg->crypto, wg->responder_hash, wg->noise.hash, ADIT_HASH_LEN, wg->public_key, ADIT_KEY_LEN);
}

void adit_wg_set_private_key(struct adit_wg *wg, const uint8_t key[ADIT_KEY_LEN], adit_time now)
{
	uint8_t *private_key = wg->secrets->private_key;
	bool has = !adit_is_zero(key, ADIT_KEY_LEN);
	uint8_t clamped[ADIT_KEY_LEN];
	struct adit_wg_peer *self;
	bool same;

	memcpy(clamped, key, ADIT_KEY_LEN);
	if (has)
		adit_x25519_clamp(clamped);
	same = adit_equal(clamped, private_key, ADIT_KEY_LEN);
	memcpy(private_key, clamped, ADIT_KEY_LEN);
	adit_wipe(clamped, sizeof(clamped));
	if (same)
		return; /* `wg setconf` sets it again each time: sessions go on */
	wg->has_identity = has;
	/* From here on no session may send and no handshake of ours is awaited;
	 * what they occupy is given back in slices. */
	wg->identity++;
	if (has) {
		derive_identity(wg);
		self = adit_wg_peer_find(wg, wg->public_key);
		if (self)
			adit_wg_peer_remove(wg, self, now);
	}
	restart_cursor(wg, &wg->identity_cursor);
}

int adit_wg_private_key_continue(struct adit_wg *wg, int max_peers, adit_time now)
{
	struct adit_wg_cursor *c = &wg->identity_cursor;
	struct adit_wg_peer *peer;

	(void)wg_now(wg, now);
	if (!c->open)
		return 0;
	while (max_peers-- > 0 && (peer = adit_wg_cursor_next(wg, c)))
		wg_peer_forget_identity(wg, peer);
	if (c->at)
		return 1;
	adit_wg_cursor_close(wg, c);
	return 0;
}

bool adit_wg_private_key(const struct adit_wg *wg, uint8_t ret[ADIT_KEY_LEN])
{
	if (wg->has_identity)
		memcpy(ret, wg->secrets->private_key, ADIT_KEY_LEN);
	return wg->has_identity;
}

bool adit_wg_public_key(const struct adit_wg *wg, uint8_t ret[ADIT_KEY_LEN])
{
	if (wg->has_identity)
		memcpy(ret, wg->public_key, ADIT_KEY_LEN);
	return wg->has_identity;
}

/* --- up and down ---------------------------------------------------------------- */

/* A device that is set up while it still goes down finishes that first. */
int adit_wg_up(struct adit_wg *wg, int max_peers, adit_time now)
{
	struct adit_wg_cursor *c = &wg->up_cursor;
	struct adit_wg_peer *peer;

	if (wg->down_cursor.open && adit_wg_down(wg, max_peers, now) > 0)
		return 1;
	now = wg_now(wg, now);
	if (!wg->up) {
		wg->up = true;
		restart_cursor(wg, c);
	}
	if (!c->open)
		return 0;
	while (max_peers-- > 0 && (peer = adit_wg_cursor_next(wg, c)))
		wg_timers_want_keepalive(wg, peer, now);
	if (c->at)
		return 1;
	adit_wg_cursor_close(wg, c);
	return 0;
}

int adit_wg_down(struct adit_wg *wg, int max_peers, adit_time now)
{
	struct adit_wg_cursor *c = &wg->down_cursor;
	struct adit_wg_peer *peer;

	(void)wg_now(wg, now);
	if (wg->up) {
		wg->up = false;
		adit_wg_cursor_close(wg, &wg->up_cursor);
		wg_queue_fini(&wg->handshakes);
		wg_queue_fini(&wg->cookies);
		restart_cursor(wg, c);
	}
	if (!c->open)
		return 0;
	while (max_peers-- > 0 && (peer = adit_wg_cursor_next(wg, c)))
		wg_peer_stop(wg, peer);
	if (c->at)
		return 1;
	adit_wg_cursor_close(wg, c);
	return 0;
}

bool adit_wg_is_up(const struct adit_wg *wg)
{
	return wg->up;
}

void adit_wg_set_mtu(struct adit_wg *wg, unsigned mtu)
{
	wg->mtu = mtu ? mtu : MTU_DEFAULT;
}

/* --- clockwork -------------------------------------------------------------------- */

adit_time adit_wg_deadline(struct adit_wg *wg)
{
	adit_time next = adit_wheel_next(&wg->wheel);

	return next == ADIT_NEVER ? next : next - wg->clock_offset;
}

void adit_wg_tick(struct adit_wg *wg, adit_time now)
{
	int initiations = TICK_INITIATIONS;

	now = wg_now(wg, now);
	for (int i = 0; i < TICK_PEERS && initiations > 0; i++) {
		struct adit_wheel_entry *e = adit_wheel_expire(&wg->wheel, now);

		if (!e)
			return;
		if (wg_timers_fire(wg, adit_container_of(e, struct adit_wg_peer, timer), now))
			initiations--;
	}
}

void adit_wg_stats(const struct adit_wg *wg, struct adit_wg_stats *ret, adit_time now)
{
	memset(ret, 0, sizeof(*ret));
	memcpy(ret->drops, wg->drops, sizeof(ret->drops));
	ret->handshakes_in = wg->handshakes_in;
	ret->handshakes_out = wg->handshakes_out;
	ret->initiations_sent = wg->initiations_sent;
	ret->cookies_sent = wg->cookies_sent;
	ret->peers = wg->peer_cnt;
	ret->sessions = wg->session_cnt;
	ret->staged_bytes = wg->staging.bytes;
	ret->handshake_queue = wg->handshakes.cnt + wg->cookies.cnt;
	ret->under_load = wg_under_load(wg, now + wg->clock_offset);
}
