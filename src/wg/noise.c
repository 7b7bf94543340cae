/* SPDX-License-Identifier: ISC */
/* noise.c - the handshake, Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s */
#include "wg/noise.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "wg/device.h"

static const char construction[] = "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s";
static const char identifier[] = "WireGuard v1 zx2c4 Jason@zx2c4.com";

/* The symmetric state while a message is made or read, on the stack: copied to
 * the handshake only when the whole message is right, wiped on every way out. */
struct symmetric {
	uint8_t hash[ADIT_HASH_LEN];
	uint8_t chaining_key[ADIT_HASH_LEN];
	uint8_t key[ADIT_KEY_LEN];
};

static void mix_hash(struct adit_wg *wg, struct symmetric *s, const void *data, size_t len)
{
	adit_hash(wg->crypto, s->hash, s->hash, sizeof(s->hash), data, len);
}

static void mix_key(struct adit_wg *wg, struct symmetric *s, const uint8_t input[ADIT_KEY_LEN])
{
	adit_kdf(wg->crypto, s->chaining_key, s->key, NULL, s->chaining_key, input, ADIT_KEY_LEN);
}

static bool mix_dh(struct adit_wg *wg, struct symmetric *s, const uint8_t private_key[ADIT_KEY_LEN],
		   const uint8_t public_key[ADIT_KEY_LEN])
{
	uint8_t secret[ADIT_KEY_LEN];
	bool ok = adit_x25519(wg->crypto, secret, private_key, public_key);

	if (ok)
		mix_key(wg, s, secret);
	adit_wipe(secret, sizeof(secret));
	return ok;
}

static void mix_ephemeral(struct adit_wg *wg, struct symmetric *s, const uint8_t public_key[ADIT_KEY_LEN])
{
	mix_hash(wg, s, public_key, ADIT_KEY_LEN);
	adit_kdf(wg->crypto, s->chaining_key, NULL, NULL, s->chaining_key, public_key, ADIT_KEY_LEN);
}

static void mix_psk(struct adit_wg *wg, struct symmetric *s, const struct adit_wg_peer *peer)
{
	static const uint8_t none[ADIT_KEY_LEN];
	uint8_t tau[ADIT_HASH_LEN];

	adit_kdf(wg->crypto, s->chaining_key, tau, s->key, s->chaining_key, peer->psk ? peer->psk : none,
		 ADIT_KEY_LEN);
	mix_hash(wg, s, tau, sizeof(tau));
	adit_wipe(tau, sizeof(tau));
}

static void encrypt_and_hash(struct adit_wg *wg, struct symmetric *s, uint8_t *to, const void *plain, size_t len)
{
	adit_aead_seal(wg->crypto, to, plain, len, s->hash, sizeof(s->hash), 0, s->key);
	mix_hash(wg, s, to, len + ADIT_TAG_LEN);
}

static bool decrypt_and_hash(struct adit_wg *wg, struct symmetric *s, uint8_t *to, const uint8_t *cipher, size_t len)
{
	if (!adit_aead_open(wg->crypto, to, cipher, len, s->hash, sizeof(s->hash), 0, s->key))
		return false;
	mix_hash(wg, s, cipher, len);
	return true;
}

void wg_noise_start(struct adit_crypto *c, struct wg_noise_start *ret)
{
	adit_hash(c, ret->chaining_key, construction, sizeof(construction) - 1, NULL, 0);
	adit_hash(c, ret->hash, ret->chaining_key, ADIT_HASH_LEN, identifier, sizeof(identifier) - 1);
}

static void start_with_responder(struct adit_wg *wg, struct symmetric *s, const uint8_t responder[ADIT_KEY_LEN])
{
	memcpy(s->chaining_key, wg->noise.chaining_key, sizeof(s->chaining_key));
	adit_hash(wg->crypto, s->hash, wg->noise.hash, ADIT_HASH_LEN, responder, ADIT_KEY_LEN);
}

/* --- timestamps ------------------------------------------------------------ */

/*
 * TAI64N, the nanoseconds rounded down to a multiple of 2^24, lest they tell
 * too much of our clock. Kept as a count of these steps, 60 to a second. What
 * we send never falls, even if wall time does: a peer would refuse it.
 */
#define STEPS_PER_SEC 60

static void create_timestamp(struct adit_wg *wg, struct adit_wg_peer *peer, uint8_t to[WG_TIMESTAMP_LEN])
{
	struct adit_wall wall = { 0 };
	uint64_t step;

	wg->ops.wall(wg->user, &wall);
	step = wall.sec > 0 ? (uint64_t)wall.sec * STEPS_PER_SEC + (wall.nsec >> 24) : 0;
	if (step < wg->sent_timestamp)
		step = wg->sent_timestamp + 1;
	if (step <= peer->sent_timestamp)
		step = peer->sent_timestamp + 1;
	peer->sent_timestamp = step;
	if (step > wg->sent_timestamp)
		wg->sent_timestamp = step;
	adit_put_be64(to, UINT64_C(0x400000000000000a) + step / STEPS_PER_SEC);
	adit_put_be32(to + 8, (uint32_t)(step % STEPS_PER_SEC) << 24);
}

/* --- handshakes and the peer's slot ------------------------------------------ */

void wg_handshake_free(struct adit_wg *wg, struct wg_handshake *h)
{
	wg_index_remove(wg, &h->id);
	adit_secret_free(h, sizeof(*h));
}

void wg_handshake_drop(struct adit_wg *wg, struct adit_wg_peer *peer)
{
	if (peer->handshake)
		wg_handshake_free(wg, peer->handshake);
	peer->handshake = NULL;
}

/* An empty handshake with a fresh index. */
static struct wg_handshake *new_handshake(struct adit_wg *wg, struct adit_wg_peer *peer)
{
	struct wg_handshake *h = adit_secret_alloc(sizeof(*h));

	if (!h)
		return NULL;
	h->id.kind = WG_INDEXED_HANDSHAKE;
	h->id.peer = peer;
	h->identity = wg->identity;
	if (wg_index_insert(wg, &h->id) < 0) {
		adit_secret_free(h, sizeof(*h));
		return NULL;
	}
	return h;
}

static void save(struct wg_handshake *h, const struct symmetric *s, enum wg_handshake_state state)
{
	memcpy(h->hash, s->hash, sizeof(h->hash));
	memcpy(h->chaining_key, s->chaining_key, sizeof(h->chaining_key));
	h->state = (uint8_t)state;
}

static void load(struct symmetric *s, const struct wg_handshake *h)
{
	memcpy(s->hash, h->hash, sizeof(s->hash));
	memcpy(s->chaining_key, h->chaining_key, sizeof(s->chaining_key));
}

void adit_wg_log_keys(struct adit_wg *wg, void (*log)(void *user, const struct adit_wg_keys *keys))
{
	wg->log_keys = log;
}

static void log_keys(struct adit_wg *wg, const struct wg_handshake *h)
{
	const struct adit_wg_peer *peer = h->id.peer;
	const struct adit_wg_keys keys = { .private_key = wg->secrets->private_key, .public_key = peer->public_key,
					   .ephemeral = h->ephemeral, .psk = peer->psk };

	wg->log_keys(wg->user, &keys);
}

static void new_ephemeral(struct adit_wg *wg, struct wg_handshake *h, uint8_t public_key[ADIT_KEY_LEN])
{
	wg_random(wg, h->ephemeral, sizeof(h->ephemeral));
	adit_x25519_clamp(h->ephemeral);
	adit_x25519_public(wg->crypto, public_key, h->ephemeral);
	if (wg->log_keys)
		log_keys(wg, h);
}

/* --- initiation: e, es, s, ss, {timestamp} ---------------------------------- */

int wg_noise_create_initiation(struct adit_wg *wg, struct adit_wg_peer *peer, struct wg_initiation *msg)
{
	uint8_t timestamp[WG_TIMESTAMP_LEN];
	const uint8_t *static_static;
	struct wg_handshake *h;
	struct symmetric s;
	int r = -EINVAL;

	if (!wg->has_identity)
		return -ENOKEY;
	static_static = wg_peer_static_static(wg, peer);
	if (!static_static)
		return peer->low_order ? -EINVAL : -ENOMEM;
	wg_handshake_drop(wg, peer);
	h = peer->handshake = new_handshake(wg, peer);
	if (!h)
		return -ENOMEM;
	start_with_responder(wg, &s, peer->public_key);
	new_ephemeral(wg, h, msg->ephemeral);
	mix_ephemeral(wg, &s, msg->ephemeral);
	if (!mix_dh(wg, &s, h->ephemeral, peer->public_key))
		goto out;
	encrypt_and_hash(wg, &s, msg->static_key, wg->public_key, ADIT_KEY_LEN);
	mix_key(wg, &s, static_static);
	create_timestamp(wg, peer, timestamp);
	encrypt_and_hash(wg, &s, msg->timestamp, timestamp, sizeof(timestamp));
	save(h, &s, WG_CREATED_INITIATION);
	adit_put_le32(msg->type, WG_INITIATION);
	adit_put_le32(msg->sender, h->id.index);
	r = 0;
out:
	if (r < 0)
		wg_handshake_drop(wg, peer);
	adit_wipe(&s, sizeof(s));
	return r;
}

/* Reads the message up to the timestamp: who it is from, and when it was made. */
static enum adit_drop read_initiation(struct adit_wg *wg, const struct wg_initiation *msg, struct symmetric *s,
				      struct adit_wg_peer **ret, uint8_t timestamp[WG_TIMESTAMP_LEN])
{
	uint8_t static_key[ADIT_KEY_LEN];
	const uint8_t *static_static;
	struct adit_wg_peer *peer;

	memcpy(s->chaining_key, wg->noise.chaining_key, sizeof(s->chaining_key));
	memcpy(s->hash, wg->responder_hash, sizeof(s->hash));
	mix_ephemeral(wg, s, msg->ephemeral);
	if (!mix_dh(wg, s, wg->secrets->private_key, msg->ephemeral))
		return ADIT_DROP_low_order_key;
	if (!decrypt_and_hash(wg, s, static_key, msg->static_key, sizeof(msg->static_key)))
		return ADIT_DROP_bad_handshake;
	peer = adit_wg_peer_find(wg, static_key);
	if (!peer)
		return ADIT_DROP_unknown_peer;
	static_static = wg_peer_static_static(wg, peer);
	if (!static_static)
		return peer->low_order ? ADIT_DROP_low_order_key : ADIT_DROP_bad_handshake;
	mix_key(wg, s, static_static);
	if (!decrypt_and_hash(wg, s, timestamp, msg->timestamp, sizeof(msg->timestamp)))
		return ADIT_DROP_bad_handshake;
	*ret = peer;
	return ADIT_DROP_NONE;
}

enum adit_drop wg_noise_consume_initiation(struct adit_wg *wg, const struct wg_initiation *msg,
					   struct wg_handshake **ret, adit_time now)
{
	uint8_t timestamp[WG_TIMESTAMP_LEN];
	struct adit_wg_peer *peer = NULL;
	struct wg_handshake *h;
	struct symmetric s;
	enum adit_drop drop = ADIT_DROP_no_identity;

	if (!wg->has_identity)
		return drop;
	drop = read_initiation(wg, msg, &s, &peer, timestamp);
	if (drop)
		goto out;
	drop = ADIT_DROP_replayed_timestamp;
	if (memcmp(timestamp, peer->latest_timestamp, sizeof(timestamp)) <= 0)
		goto out;
	drop = ADIT_DROP_initiation_flood;
	if (now - peer->last_initiation_at < WG_INITIATION_INTERVAL)
		goto out;
	drop = ADIT_DROP_bad_handshake; /* out of memory */
	h = new_handshake(wg, peer);
	if (!h)
		goto out;
	drop = ADIT_DROP_NONE;
	memcpy(peer->latest_timestamp, timestamp, sizeof(timestamp));
	peer->last_initiation_at = now;
	memcpy(h->remote_ephemeral, msg->ephemeral, sizeof(h->remote_ephemeral));
	h->remote_index = adit_get_le32(msg->sender);
	save(h, &s, WG_CONSUMED_INITIATION);
	*ret = h;
out:
	adit_wipe(&s, sizeof(s));
	return drop;
}

/* --- response: e, ee, se, psk, {} ------------------------------------------- */

int wg_noise_create_response(struct adit_wg *wg, struct wg_handshake *h, struct wg_response *msg)
{
	const struct adit_wg_peer *peer = h->id.peer;
	struct symmetric s;
	int r = -EINVAL;

	assert(h->state == WG_CONSUMED_INITIATION);
	load(&s, h);
	new_ephemeral(wg, h, msg->ephemeral);
	mix_ephemeral(wg, &s, msg->ephemeral);
	if (!mix_dh(wg, &s, h->ephemeral, h->remote_ephemeral) || !mix_dh(wg, &s, h->ephemeral, peer->public_key))
		goto out;
	mix_psk(wg, &s, peer);
	encrypt_and_hash(wg, &s, msg->empty, "", 0);
	save(h, &s, WG_CREATED_RESPONSE);
	adit_put_le32(msg->type, WG_RESPONSE);
	adit_put_le32(msg->sender, h->id.index);
	adit_put_le32(msg->receiver, h->remote_index);
	r = 0;
out:
	adit_wipe(&s, sizeof(s));
	return r;
}

/* The handshake of ours that a response answers. */
static struct wg_handshake *awaited(const struct adit_wg *wg, uint32_t index)
{
	struct wg_indexed *id = wg_index_find(wg, index);
	struct wg_handshake *h;

	if (!id || id->kind != WG_INDEXED_HANDSHAKE)
		return NULL;
	h = adit_container_of(id, struct wg_handshake, id);
	return h->state == WG_CREATED_INITIATION && h->identity == wg->identity ? h : NULL;
}

bool wg_noise_awaits(const struct adit_wg *wg, const struct wg_response *msg)
{
	return awaited(wg, adit_get_le32(msg->receiver)) != NULL;
}

enum adit_drop wg_noise_consume_response(struct adit_wg *wg, const struct wg_response *msg,
					 struct adit_wg_peer **ret)
{
	enum adit_drop drop = ADIT_DROP_unexpected_response;
	uint8_t empty[ADIT_TAG_LEN]; /* room for nothing */
	struct wg_handshake *h;
	struct symmetric s;

	if (!wg->has_identity)
		return ADIT_DROP_no_identity;
	h = awaited(wg, adit_get_le32(msg->receiver));
	if (!h)
		return drop;
	load(&s, h);
	mix_ephemeral(wg, &s, msg->ephemeral);
	drop = ADIT_DROP_low_order_key;
	if (!mix_dh(wg, &s, h->ephemeral, msg->ephemeral) ||
	    !mix_dh(wg, &s, wg->secrets->private_key, msg->ephemeral))
		goto out;
	mix_psk(wg, &s, h->id.peer);
	drop = ADIT_DROP_bad_handshake;
	if (!decrypt_and_hash(wg, &s, empty, msg->empty, sizeof(msg->empty)))
		goto out;
	drop = ADIT_DROP_NONE;
	memcpy(h->remote_ephemeral, msg->ephemeral, sizeof(h->remote_ephemeral));
	h->remote_index = adit_get_le32(msg->sender);
	save(h, &s, WG_CONSUMED_RESPONSE);
	*ret = h->id.peer;
out:
	adit_wipe(&s, sizeof(s));
	return drop;
}

/* --- the session ------------------------------------------------------------ */

int wg_noise_begin_session(struct adit_wg *wg, struct wg_handshake *h, adit_time now)
{
	bool initiator = h->state == WG_CONSUMED_RESPONSE;
	struct adit_wg_peer *peer = h->id.peer;
	struct wg_session *s = wg_session_new();

	assert(initiator || h->state == WG_CREATED_RESPONSE);
	if (peer->handshake == h)
		peer->handshake = NULL;
	if (!s) {
		wg_handshake_free(wg, h);
		return -ENOMEM;
	}
	adit_kdf(wg->crypto, initiator ? s->send_key : s->receive_key, initiator ? s->receive_key : s->send_key,
		 NULL, h->chaining_key, NULL, 0);
	s->initiator = initiator;
	s->may_send = true;
	s->born = now;
	s->identity = h->identity;
	s->remote_index = h->remote_index;
	s->id.peer = peer;
	if (wg_index_replace(wg, &h->id, &s->id) < 0) {
		wg_session_put(s);
		adit_secret_free(h, sizeof(*h)); /* its index is gone already */
		return -ENOMEM;
	}
	adit_secret_free(h, sizeof(*h));
	wg_session_install(wg, peer, s);
	return 0;
}
