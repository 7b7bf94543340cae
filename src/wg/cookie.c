/* SPDX-License-Identifier: ISC */
/* cookie.c - mac1, mac2 and cookies */
#include "wg/cookie.h"

#include <string.h>

#include "base/bytes.h"
#include "wg/device.h"

void wg_cookie_label_key(struct adit_crypto *c, uint8_t out[ADIT_KEY_LEN], const char label[8],
			 const uint8_t public_key[ADIT_KEY_LEN])
{
	adit_hash(c, out, label, 8, public_key, ADIT_KEY_LEN);
}

void wg_cookie_add_macs(struct adit_wg *wg, struct adit_wg_peer *peer, void *msg, size_t len, adit_time now)
{
	size_t covered = len - sizeof(struct wg_macs);
	struct wg_macs *macs = (struct wg_macs *)((uint8_t *)msg + covered);
	struct wg_cookie *cookie = &peer->cookie;
	uint8_t key[ADIT_KEY_LEN];

	wg_cookie_label_key(wg->crypto, key, "mac1----", peer->public_key);
	adit_mac(wg->crypto, macs->mac1, key, sizeof(key), msg, covered, NULL, 0);
	memcpy(cookie->last_mac1, macs->mac1, sizeof(cookie->last_mac1));
	cookie->sent_mac1 = true;
	if (cookie->valid && now - cookie->born < WG_COOKIE_MAX_AGE - WG_COOKIE_LATENCY)
		adit_mac(wg->crypto, macs->mac2, cookie->cookie, sizeof(cookie->cookie), msg,
			 covered + sizeof(macs->mac1), NULL, 0);
	else
		memset(macs->mac2, 0, sizeof(macs->mac2));
}

bool wg_cookie_mac1_valid(struct adit_wg *wg, const void *msg, size_t len)
{
	size_t covered = len - sizeof(struct wg_macs);
	uint8_t mac[ADIT_COOKIE_LEN];

	adit_mac(wg->crypto, mac, wg->mac1_key, sizeof(wg->mac1_key), msg, covered, NULL, 0);
	return adit_equal(mac, (const uint8_t *)msg + covered, sizeof(mac));
}

/* What a cookie vouches for: where our reply to it arrived. Address AND port. */
static size_t put_source(uint8_t to[2 + 36], const struct adit_path *path)
{
	size_t n = path->kind == ADIT_PATH_UDP4 ? 4 : 16;

	memcpy(to, path->addr, n);
	if (path->kind == ADIT_PATH_RELAY) {
		memcpy(to + n, path->src, sizeof(path->src));
		n += sizeof(path->src);
		adit_put_be32(to + n, path->scope);
		return n + 4;
	}
	adit_put_be16(to + n, path->port);
	return n + 2;
}

static void make_cookie(struct adit_wg *wg, uint8_t cookie[ADIT_COOKIE_LEN], const struct adit_path *path,
			adit_time now)
{
	uint8_t source[2 + 36];
	size_t len = put_source(source, path);

	if (now - wg->cookie_secret_born >= WG_COOKIE_MAX_AGE) {
		wg_random(wg, wg->secrets->cookie_secret, sizeof(wg->secrets->cookie_secret));
		wg->cookie_secret_born = now;
	}
	adit_mac(wg->crypto, cookie, wg->secrets->cookie_secret, sizeof(wg->secrets->cookie_secret), source, len,
		 NULL, 0);
}

bool wg_cookie_mac2_valid(struct adit_wg *wg, const void *msg, size_t len, const struct adit_path *path,
			  adit_time now)
{
	const uint8_t *mac2 = (const uint8_t *)msg + len - ADIT_COOKIE_LEN;
	uint8_t cookie[ADIT_COOKIE_LEN], mac[ADIT_COOKIE_LEN];

	make_cookie(wg, cookie, path, now);
	adit_mac(wg->crypto, mac, cookie, sizeof(cookie), msg, len - ADIT_COOKIE_LEN, NULL, 0);
	adit_wipe(cookie, sizeof(cookie));
	return adit_equal(mac, mac2, sizeof(mac));
}

void wg_cookie_create_reply(struct adit_wg *wg, struct wg_cookie_reply *reply, const uint8_t mac1[ADIT_COOKIE_LEN],
			    const uint8_t sender[4], const struct adit_path *path, adit_time now)
{
	uint8_t cookie[ADIT_COOKIE_LEN];

	adit_put_le32(reply->type, WG_COOKIE);
	memcpy(reply->receiver, sender, sizeof(reply->receiver));
	wg_random(wg, reply->nonce, sizeof(reply->nonce));
	make_cookie(wg, cookie, path, now);
	adit_xaead_seal(reply->cookie, cookie, sizeof(cookie), mac1, ADIT_COOKIE_LEN, reply->nonce, wg->cookie_key);
	adit_wipe(cookie, sizeof(cookie));
}

enum adit_drop wg_cookie_consume_reply(struct adit_wg *wg, const struct wg_cookie_reply *reply, adit_time now)
{
	struct wg_indexed *id = wg_index_find(wg, adit_get_le32(reply->receiver));
	uint8_t key[ADIT_KEY_LEN], cookie[ADIT_COOKIE_LEN];
	enum adit_drop drop = ADIT_DROP_NONE;
	struct wg_cookie *c;

	if (!id || !id->peer->cookie.sent_mac1)
		return ADIT_DROP_unexpected_cookie;
	c = &id->peer->cookie;
	wg_cookie_label_key(wg->crypto, key, "cookie--", id->peer->public_key);
	if (adit_xaead_open(cookie, reply->cookie, sizeof(reply->cookie), c->last_mac1, sizeof(c->last_mac1),
			    reply->nonce, key)) {
		memcpy(c->cookie, cookie, sizeof(cookie));
		c->born = now;
		c->valid = true;
		c->sent_mac1 = false;
	} else {
		drop = ADIT_DROP_bad_cookie;
	}
	adit_wipe(cookie, sizeof(cookie));
	return drop;
}
