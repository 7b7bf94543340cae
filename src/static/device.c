/* SPDX-License-Identifier: ISC */
/* device.c - the static tunnel as a whole */
#include "static/device.h"

#include <errno.h>
#include <stdlib.h>

static bool key_equal(const void *item, const void *key)
{
	return memcmp(((const struct adit_static_peer *)item)->public_key, key, ADIT_KEY_LEN) == 0;
}

static bool id_equal(const void *item, const void *key)
{
	return memcmp(((const struct adit_static_peer *)item)->id_receive, key, STATIC_KEY_ID_LEN) == 0;
}

static bool path_equal(const void *item, const void *key)
{
	return adit_path_same_remote(&((const struct adit_static_peer *)item)->endpoint, key);
}

static bool index_equal(const void *item, const void *key)
{
	return memcmp(&((const struct static_session *)item)->index, key, sizeof(uint32_t)) == 0;
}

static size_t wire_len(const void *core, size_t len)
{
	return adit_static_wire_len(core, len);
}

int adit_static_new(struct adit_static **ret, enum adit_static_wire wire, const struct adit_static_ops *ops, void *user,
		    struct adit_crypto *crypto, adit_time now)
{
	struct adit_static *st = calloc(1, sizeof(*st));
	uint8_t key[16];

	if (!st)
		return -ENOMEM;
	st->private_key = adit_secret_alloc(ADIT_KEY_LEN);
	if (!st->private_key) {
		free(st);
		return -ENOMEM;
	}
	st->ops = *ops;
	st->user = st->event_user = user;
	st->crypto = crypto;
	st->wire = wire;
	st->clock = now;
	st->staging = (struct adit_staging){ .head = static_head(st), .wire_len = wire_len, .core = st,
					    .dropped = ops->dropped, .user = user };
	adit_list_init(&st->peers);
	adit_list_init(&st->ready);
	adit_map_init(&st->by_key, key_equal);
	adit_map_init(&st->by_id, id_equal);
	adit_map_init(&st->by_path, path_equal);
	adit_map_init(&st->by_index, index_equal);
	ops->random(user, st->map_key, sizeof(st->map_key));
	ops->random(user, key, sizeof(key));
	static_routes_init(&st->routes, key);
	ops->random(user, key, sizeof(key));
	static_limiter_init(&st->limiter, key);
	adit_wheel_init(&st->wheel, now);
	*ret = st;
	return 0;
}

void adit_static_on_event(struct adit_static *st,
			  void (*event)(void *user, enum adit_static_event event, const struct adit_static_peer *peer),
			  void *user)
{
	st->ops.event = event;
	st->event_user = user;
}

void adit_static_free(struct adit_static *st)
{
	if (!st)
		return;
	while (!adit_list_empty(&st->peers)) {
		struct adit_list *first = st->peers.next;

		adit_list_del(first);
		static_peer_free(st, adit_container_of(first, struct adit_static_peer, link));
	}
	static_routes_fini(&st->routes);
	adit_map_fini(&st->by_key);
	adit_map_fini(&st->by_id);
	adit_map_fini(&st->by_path);
	adit_map_fini(&st->by_index);
	adit_secret_free(st->private_key, ADIT_KEY_LEN);
	free(st);
}

void adit_static_up(struct adit_static *st, adit_time now)
{
	struct adit_static_peer *peer;

	now = static_now(st, now);
	if (st->up)
		return;
	st->up = true;
	for (peer = adit_static_peer_next(st, NULL); peer; peer = adit_static_peer_next(st, peer)) {
		peer->since = now;
		if (st->peer_timeout)
			static_timers_arm(st, peer, now + st->peer_timeout);
	}
}

void adit_static_down(struct adit_static *st, adit_time now)
{
	struct adit_static_peer *peer;

	(void)static_now(st, now);
	st->up = false;
	for (peer = adit_static_peer_next(st, NULL); peer; peer = adit_static_peer_next(st, peer)) {
		static_unstage(st, peer, ADIT_DROP_peer_removed);
		peer->keepalive_due = peer->unanswered_due = ADIT_NEVER;
		adit_wheel_cancel(&st->wheel, &peer->timer);
		if (st->wire == ADIT_STATIC_V2) {
			static_exchange_stop(st, peer);
			peer->hello_at = 0; /* a new life */
			static_sessions_drop(st, peer);
		}
	}
}

void adit_static_forget_sources(struct adit_static *st)
{
	st->sources++;
}

void adit_static_set_port(struct adit_static *st, uint16_t port)
{
	st->port = port;
}

void adit_static_set_private_key(struct adit_static *st, const uint8_t key[ADIT_KEY_LEN])
{
	assert(st->peer_cnt == 0);
	memcpy(st->private_key, key, ADIT_KEY_LEN);
	adit_x25519_clamp(st->private_key);
	adit_x25519_public(st->crypto, st->public_key, st->private_key);
	st->has_key = true;
}

void adit_static_set_roaming(struct adit_static *st, bool roaming)
{
	st->roaming = roaming;
}

void adit_static_set_peer_timeout(struct adit_static *st, adit_time timeout, adit_time now)
{
	struct adit_static_peer *peer;

	now = static_now(st, now);
	st->peer_timeout = timeout;
	for (peer = adit_static_peer_next(st, NULL); peer && timeout; peer = adit_static_peer_next(st, peer))
		static_timers_arm(st, peer, now + timeout);
}

void adit_static_stats(const struct adit_static *st, struct adit_static_stats *ret)
{
	memcpy(ret->drops, st->drops, sizeof(ret->drops));
	ret->hellos_sent = st->hellos_sent;
	ret->answers_sent = st->answers_sent;
	ret->sessions = st->sessions;
	ret->peers = st->peer_cnt;
	ret->staged_bytes = st->staging.bytes;
}
