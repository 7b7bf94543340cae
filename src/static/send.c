/* SPDX-License-Identifier: ISC */
/* send.c - the way out: trains of data in their three phases, and keepalives */
#include "base/super.h"
#include "static/device.h"
#include "static/inner.h"

size_t adit_static_wire_len(const struct adit_static *st, size_t len)
{
	return static_head(st) + len + ADIT_TAG_LEN;
}

/* --- begin ---------------------------------------------------------------------- */

static int refuse(struct adit_static *st, struct adit_train *t, enum adit_drop drop)
{
	t->drop = (uint8_t)drop;
	static_drop(st, drop, t->cnt);
	return ADIT_DONE;
}

/* Nonces stand at once where they are sent: sealing may run where there is no randomness. */
static void put_nonces(struct adit_static *st, struct adit_train *t)
{
	uint8_t nonce[ADIT_TRAIN_MAX][STATIC_V1_HEAD];

	st->ops.random(st->user, nonce, t->cnt * sizeof(nonce[0]));
	for (unsigned k = 0; k < t->cnt; k++)
		memcpy(t->wire + (size_t)k * t->stride, nonce[k], sizeof(nonce[0]));
}

static void reserve(struct adit_static *st, struct adit_static_peer *peer, struct adit_train *t, uint8_t tos)
{
	struct static_session *s = peer->current;

	s->refs++;
	t->key = s;
	t->peer = peer;
	t->index = s->remote_index;
	t->counter = s->send_counter;
	t->tos = tos;
	t->path = *static_peer_path(st, peer);
	t->drop = ADIT_DROP_NONE;
	s->send_counter += t->cnt;
	if (st->wire == ADIT_STATIC_V1)
		put_nonces(st, t);
}

static bool can_send(const struct adit_static_peer *peer, unsigned cnt)
{
	return peer->current && peer->current->send_counter < STATIC_V2_LIMIT - cnt;
}

static int stage(struct adit_static *st, struct adit_static_peer *peer, struct adit_train *t, uint8_t tos, adit_time now)
{
	unsigned dropped;

	if (adit_staged_add(&st->staging, &peer->staged, t, tos, &dropped) < 0)
		t->drop = ADIT_DROP_staged_full;
	else if (can_send(peer, 1))
		static_peer_ready(st, peer); /* these must not overtake */
	static_drop(st, ADIT_DROP_staged_full, dropped);
	if (!can_send(peer, ADIT_TRAIN_MAX))
		static_exchange_want(st, peer, true, now);
	return ADIT_DONE;
}

int adit_static_out_begin(struct adit_static *st, struct adit_train *t, adit_time now)
{
	const uint8_t *packet = t->super ? t->super->hdr : t->wire + static_head(st);
	size_t len = t->super ? t->super->hdr_len : t->len[0];
	struct adit_static_peer *peer;
	struct adit_addr dst;
	enum adit_drop drop;
	uint8_t ecn;

	now = static_now(st, now);
	t->drop = ADIT_DROP_NONE;
	if (!st->up)
		return refuse(st, t, ADIT_DROP_interface_down);
	if (!static_inner_destination(packet, len, &dst, &ecn))
		return refuse(st, t, ADIT_DROP_not_ip);
	if (adit_train_datagram_len(t, 0) > ADIT_WIRE_MAX)
		return refuse(st, t, ADIT_DROP_too_big);
	peer = static_routes_find(&st->routes, &dst);
	if (!peer)
		return refuse(st, t, ADIT_DROP_no_peer);
	if (peer->endpoint.kind == ADIT_PATH_NONE)
		return refuse(st, t, ADIT_DROP_no_endpoint);
	if (st->port && static_inner_is_to(packet, len, st->port, &peer->endpoint))
		return refuse(st, t, ADIT_DROP_routing_loop);
	if (ecn == STATIC_ECN_CE) /* the mark stays inside: outside only what is met there counts (RFC 6040) */
		ecn = STATIC_ECN_ECT0;
	drop = st->wire == ADIT_STATIC_V1 ? static_count_take(st, peer, t->cnt) : ADIT_DROP_NONE;
	if (drop)
		return refuse(st, t, drop);
	if (peer->staged.first || !can_send(peer, t->cnt))
		return stage(st, peer, t, ecn, now);
	reserve(st, peer, t, ecn);
	return ADIT_SEAL;
}

int adit_static_staged_next(struct adit_static *st, struct adit_train *t, uint8_t *wire, size_t cap, adit_time now)
{
	now = static_now(st, now);
	while (!adit_list_empty(&st->ready)) {
		struct adit_static_peer *peer = adit_container_of(st->ready.next, struct adit_static_peer, ready_link);

		adit_list_del(&peer->ready_link);
		if (!peer->staged.first)
			continue;
		if (!can_send(peer, ADIT_TRAIN_MAX)) {
			static_exchange_want(st, peer, true, now);
			continue;
		}
		t->wire = wire;
		adit_staged_take(&st->staging, &peer->staged, t, cap);
		reserve(st, peer, t, t->tos);
		if (peer->staged.first)
			static_peer_ready(st, peer);
		return ADIT_SEAL;
	}
	return ADIT_DONE;
}

/* --- seal ------------------------------------------------------------------------- */

/* Where packet k stands, and where it goes; *len is its length. */
static const uint8_t *plain(const struct adit_train *t, unsigned k, size_t head, uint8_t **to, size_t *len)
{
	*to = t->wire + (size_t)k * t->stride + head;
	*len = adit_train_datagram_len(t, k) - head - ADIT_TAG_LEN;
	if (!t->super)
		return *to;
	assert(*len == adit_super_segment_len(t->super, t->super_first + k));
	return adit_super_segment(t->super, t->super_first + k);
}

void adit_static_v1_seal(struct adit_crypto *c, struct adit_train *t)
{
	const struct static_session *s = t->key;

	for (unsigned k = 0; k < t->cnt; k++) {
		size_t len;
		uint8_t *to;
		const uint8_t *from = plain(t, k, STATIC_V1_HEAD, &to, &len);

		adit_aead_seal_nonce(c, to, from, len, to - STATIC_V1_HEAD, s->keys->send);
	}
}

static void put_head(uint8_t *datagram, uint32_t index, uint64_t counter)
{
	adit_put_le32(datagram, STATIC_DATA);
	adit_put_le32(datagram + STATIC_AT_INDEX, index);
	adit_put_le64(datagram + STATIC_AT_COUNTER, counter);
}

void adit_static_v2_seal(struct adit_crypto *c, struct adit_train *t)
{
	const struct static_session *s = t->key;

	for (unsigned k = 0; k < t->cnt; k++) {
		size_t len;
		uint8_t *to;
		const uint8_t *from = plain(t, k, STATIC_V2_HEAD, &to, &len);

		put_head(to - STATIC_V2_HEAD, t->index, t->counter + k);
		adit_aead_seal(c, to, from, len, NULL, 0, t->counter + k, s->keys->send);
	}
}

/* --- done ------------------------------------------------------------------------- */

void adit_static_out_done(struct adit_static *st, struct adit_train *t, adit_time now)
{
	struct static_session *s = t->key;
	struct adit_static_peer *peer = s->peer;

	now = static_now(st, now);
	if (peer) {
		peer->tx_bytes += adit_train_bytes(t);
		peer->tx_packets += t->cnt;
		static_timers_sent(st, peer, now);
	} else {
		t->drop = ADIT_DROP_interface_down;
		static_drop(st, ADIT_DROP_interface_down, t->cnt);
		t->cnt = 0;
	}
	t->key = NULL;
	static_session_put(s);
}

void static_send_keepalive(struct adit_static *st, struct adit_static_peer *peer, adit_time now)
{
	uint8_t msg[STATIC_V2_HEAD + ADIT_TAG_LEN];
	struct static_session *s = peer->current;

	if (!can_send(peer, 1) || peer->endpoint.kind == ADIT_PATH_NONE)
		return;
	put_head(msg, s->remote_index, s->send_counter);
	adit_aead_seal(st->crypto, msg + STATIC_V2_HEAD, (const uint8_t *)"", 0, NULL, 0, s->send_counter,
		       s->keys->send);
	s->send_counter++;
	peer->last_tx = now;
	peer->tx_packets++;
	peer->tx_bytes += sizeof(msg);
	st->ops.send(st->user, static_peer_path(st, peer), msg, sizeof(msg), 0);
}
