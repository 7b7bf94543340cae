/* SPDX-License-Identifier: ISC */
/* session.c - what packets are sealed under: its life and its keys */
#include <errno.h>
#include <stdlib.h>

#include "static/device.h"

static const char label_id[] = "adit static v2 id", label_mac[] = "adit static v2 exchange",
		  label_session[] = "adit static v2 session";

/* --- life --------------------------------------------------------------------- */

struct static_session *static_session_new(struct adit_static_peer *peer)
{
	struct static_session *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->peer = peer;
	s->refs = 1;
	return s;
}

void static_session_put(struct static_session *s)
{
	if (--s->refs)
		return;
	adit_secret_free(s->keys, sizeof(*s->keys));
	free(s);
}

static uint64_t index_hash(uint32_t index)
{
	return index * UINT64_C(0x9e3779b97f4a7c15); /* ours, and random */
}

struct static_session *static_session_find(const struct adit_static *st, uint32_t index)
{
	return adit_map_find(&st->by_index, index_hash(index), &index);
}

int static_session_index(struct adit_static *st, struct static_session *s)
{
	uint8_t random[4];

	do {
		st->ops.random(st->user, random, sizeof(random));
		s->index = adit_get_le32(random);
	} while (static_session_find(st, s->index));
	return adit_map_insert(&st->by_index, index_hash(s->index), s);
}

void static_session_drop(struct adit_static *st, struct static_session **slot)
{
	struct static_session *s = *slot;

	if (!s)
		return;
	*slot = NULL;
	if (st->wire == ADIT_STATIC_V2)
		adit_map_remove(&st->by_index, index_hash(s->index), s);
	s->peer = NULL;
	static_session_put(s);
}

void static_sessions_drop(struct adit_static *st, struct adit_static_peer *peer)
{
	static_session_drop(st, &peer->current);
	static_session_drop(st, &peer->previous);
	static_session_drop(st, &peer->offered);
	for (unsigned i = 0; i < STATIC_NEXT_CNT; i++)
		static_session_drop(st, &peer->next[i]);
}

void static_session_install(struct adit_static *st, struct adit_static_peer *peer, struct static_session *s)
{
	static_session_drop(st, &peer->previous);
	peer->previous = peer->current;
	peer->current = s;
	st->sessions++;
	if (peer->staged.first)
		static_peer_ready(st, peer);
	static_tell(st, ADIT_STATIC_SESSION, peer);
}

bool static_session_confirm(struct adit_static *st, struct static_session *s)
{
	struct adit_static_peer *peer = s->peer;

	for (unsigned i = 0; i < STATIC_NEXT_CNT; i++) {
		if (peer->next[i] != s)
			continue;
		peer->next[i] = NULL;
		static_session_install(st, peer, s);
		return true;
	}
	return false;
}

/* --- keys ----------------------------------------------------------------------- */

/* HASH(label || first || second) */
static void hash_pair(struct adit_static *st, uint8_t out[ADIT_HASH_LEN], const char *label, const uint8_t *first,
		      const uint8_t *second)
{
	uint8_t both[2 * ADIT_KEY_LEN];

	memcpy(both, first, ADIT_KEY_LEN);
	memcpy(both + ADIT_KEY_LEN, second, ADIT_KEY_LEN);
	adit_hash(st->crypto, out, label, strlen(label), both, sizeof(both));
}

void static_derive_ids(struct adit_static *st, struct adit_static_peer *peer)
{
	uint8_t h[ADIT_HASH_LEN];

	hash_pair(st, h, label_id, st->public_key, peer->public_key);
	memcpy(peer->id_send, h, STATIC_KEY_ID_LEN);
	hash_pair(st, h, label_id, peer->public_key, st->public_key);
	memcpy(peer->id_receive, h, STATIC_KEY_ID_LEN);
}

void static_derive_secrets(struct adit_static *st, struct adit_static_peer *peer)
{
	struct static_secrets *x = peer->secrets;
	uint8_t h[ADIT_HASH_LEN];

	hash_pair(st, h, label_mac, st->public_key, peer->public_key);
	adit_kdf(st->crypto, x->mac_send, NULL, NULL, h, x->shared, ADIT_KEY_LEN);
	hash_pair(st, h, label_mac, peer->public_key, st->public_key);
	adit_kdf(st->crypto, x->mac_receive, NULL, NULL, h, x->shared, ADIT_KEY_LEN);
}

int static_derive_session(struct adit_static *st, struct static_session *s, bool ours_first)
{
	const struct adit_static_peer *peer = s->peer;
	uint8_t ck[ADIT_HASH_LEN], salts[2 * STATIC_SALT_LEN];

	s->keys = adit_secret_alloc(sizeof(*s->keys));
	if (!s->keys)
		return -ENOMEM;
	hash_pair(st, ck, label_session, ours_first ? st->public_key : peer->public_key,
		  ours_first ? peer->public_key : st->public_key);
	adit_kdf(st->crypto, ck, NULL, NULL, ck, peer->secrets->shared, ADIT_KEY_LEN);
	memcpy(salts + (ours_first ? 0 : STATIC_SALT_LEN), s->salt, STATIC_SALT_LEN);
	memcpy(salts + (ours_first ? STATIC_SALT_LEN : 0), s->peer_salt, STATIC_SALT_LEN);
	adit_kdf(st->crypto, ours_first ? s->keys->send : s->keys->receive,
		 ours_first ? s->keys->receive : s->keys->send, NULL, ck, salts, sizeof(salts));
	adit_wipe(ck, sizeof(ck));
	return 0;
}
