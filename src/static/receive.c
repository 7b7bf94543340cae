/* SPDX-License-Identifier: ISC */
/* receive.c - the way in: who sent it, trains of data in their three phases */
#include "static/device.h"
#include "static/inner.h"

static uint32_t next_len(const struct adit_train *t)
{
	return t->rest_len < t->stride ? t->rest_len : t->stride;
}

static void skip(struct adit_train *t, uint32_t len)
{
	t->rest += len;
	t->rest_len -= len;
}

static int open_run(struct adit_train *t, struct static_session *s)
{
	s->refs++;
	t->key = s;
	t->peer = s->peer;
	t->index = s->index;
	t->ok = 0;
	return ADIT_OPEN;
}

/* --- v1: whoever is at the source address --------------------------------------- */

enum { V1_MIN = STATIC_V1_HEAD + ADIT_TAG_LEN };

/* Whose key fits this datagram from an unknown place? It is left as it is. */
static struct adit_static_peer *try_all(struct adit_static *st, const uint8_t *msg, uint32_t len)
{
	struct adit_static_peer *peer;

	if (len > sizeof(st->scratch))
		return NULL;
	for (peer = adit_static_peer_next(st, NULL); peer; peer = adit_static_peer_next(st, peer)) {
		if (adit_aead_open_nonce(st->crypto, st->scratch, msg + STATIC_V1_HEAD, len - STATIC_V1_HEAD, msg,
					 peer->current->keys->receive))
			break;
	}
	return peer;
}

/* Who is at the address; where that is nobody, or was not who it should be the last time, whose key fits. What an
 * unknown source may cost is limited; beyond that a peer is still believed to be where it was. */
static struct adit_static_peer *sender(struct adit_static *st, const struct adit_train *t, uint32_t len, adit_time now)
{
	struct adit_static_peer *there = static_peer_at(st, &t->path), *peer = NULL;
	enum adit_drop drop = ADIT_DROP_unknown_source;

	if (there && !(st->roaming && there->doubt))
		return there;
	if (st->roaming) {
		if (static_limiter_allow(&st->limiter, &t->path, (unsigned)st->peer_cnt, now))
			peer = try_all(st, t->rest, len);
		else
			drop = ADIT_DROP_unknown_limited;
	}
	if (!peer)
		peer = there;
	if (!peer)
		static_drop(st, drop, 1);
	return peer;
}

static int v1_begin(struct adit_static *st, struct adit_train *t, adit_time now)
{
	while (t->rest_len) {
		uint32_t len = next_len(t);
		struct adit_static_peer *peer = NULL;

		if (len < V1_MIN)
			static_drop(st, ADIT_DROP_short, 1);
		else
			peer = sender(st, t, len, now);
		if (!peer) {
			skip(t, len);
			continue;
		}
		t->wire = t->rest;
		t->cnt = 0;
		do {
			t->last_len = len;
			t->cnt++;
			skip(t, len);
			len = next_len(t);
		} while (len >= V1_MIN && t->cnt < ADIT_TRAIN_MAX);
		return open_run(t, peer->current);
	}
	return ADIT_DONE;
}

/* --- v2: by receiver's index ------------------------------------------------------ */

static bool is_data(const uint8_t *msg, uint32_t len)
{
	return len >= STATIC_V2_HEAD + ADIT_TAG_LEN && adit_get_le32(msg) == STATIC_DATA;
}

/* Takes the datagrams from the start of the rest that carry one index. */
static uint32_t cut_run(struct adit_train *t)
{
	uint32_t index = adit_get_le32(t->rest + STATIC_AT_INDEX);

	t->wire = t->rest;
	t->cnt = 0;
	do {
		t->last_len = next_len(t);
		t->cnt++;
		skip(t, t->last_len);
	} while (t->rest_len && t->cnt < ADIT_TRAIN_MAX && is_data(t->rest, next_len(t)) &&
		 adit_get_le32(t->rest + STATIC_AT_INDEX) == index);
	return index;
}

/* From a peer's address, and not of a session we have: one of us has restarted.
 * Anybody can send such a datagram, so a session that works is left alone. */
static void unknown_index(struct adit_static *st, const struct adit_train *t, adit_time now)
{
	struct adit_static_peer *peer = static_peer_at(st, &t->path);

	static_drop(st, ADIT_DROP_unknown_index, t->cnt);
	if (peer && (!peer->current || now - peer->last_rx >= STATIC_UNANSWERED))
		static_exchange_want(st, peer, false, now);
}

static void other_message(struct adit_static *st, const struct adit_train *t, uint32_t len, adit_time now)
{
	uint32_t type = len < 4 ? 0 : adit_get_le32(t->rest);

	if (len < 4)
		static_drop(st, ADIT_DROP_short, 1);
	else if (type != STATIC_HELLO && type != STATIC_ANSWER && type != STATIC_DATA)
		static_drop(st, ADIT_DROP_bad_type, 1);
	else if (type == STATIC_DATA || len != STATIC_EXCHANGE_LEN)
		static_drop(st, ADIT_DROP_bad_length, 1);
	else
		static_exchange_receive(st, t->rest, len, &t->path, now);
}

static int v2_begin(struct adit_static *st, struct adit_train *t, adit_time now)
{
	while (t->rest_len) {
		uint32_t len = next_len(t);
		struct static_session *s;

		if (!is_data(t->rest, len)) {
			other_message(st, t, len, now);
			skip(t, len);
			continue;
		}
		s = static_session_find(st, cut_run(t));
		if (s && s->keys)
			return open_run(t, s);
		unknown_index(st, t, now);
	}
	return ADIT_DONE;
}

int adit_static_in_begin(struct adit_static *st, struct adit_train *t, adit_time now)
{
	assert(t->stride || !t->rest_len);
	now = static_now(st, now);
	if (!st->up) {
		if (t->rest_len)
			static_drop(st, ADIT_DROP_interface_down, (t->rest_len + t->stride - 1) / t->stride);
		t->rest_len = 0;
		return ADIT_DONE;
	}
	return st->wire == ADIT_STATIC_V1 ? v1_begin(st, t, now) : v2_begin(st, t, now);
}

/* --- open -------------------------------------------------------------------------- */

void adit_static_v1_open(struct adit_crypto *c, struct adit_train *t)
{
	const struct static_session *s = t->key;

	t->ok = 0;
	for (unsigned k = 0; k < t->cnt; k++) {
		uint8_t *datagram = t->wire + (size_t)k * t->stride, *body = datagram + STATIC_V1_HEAD;

		if (adit_aead_open_nonce(c, body, body, adit_train_datagram_len(t, k) - STATIC_V1_HEAD, datagram,
					 s->keys->receive))
			t->ok |= UINT64_C(1) << k;
	}
}

void adit_static_v2_open(struct adit_crypto *c, struct adit_train *t)
{
	const struct static_session *s = t->key;

	t->ok = 0;
	for (unsigned k = 0; k < t->cnt; k++) {
		uint8_t *datagram = t->wire + (size_t)k * t->stride, *body = datagram + STATIC_V2_HEAD;

		if (adit_aead_open(c, body, body, adit_train_datagram_len(t, k) - STATIC_V2_HEAD, NULL, 0,
				   adit_get_le64(datagram + STATIC_AT_COUNTER), s->keys->receive))
			t->ok |= UINT64_C(1) << k;
	}
}

/* --- done -------------------------------------------------------------------------- */

/* A packet that opened, and goes no further. */
static void show_dropped(struct adit_static *st, enum adit_drop drop, const struct adit_train *t, unsigned k)
{
	const uint8_t *packet = t->wire + (size_t)k * t->stride + static_head(st);
	size_t plain = adit_train_datagram_len(t, k) - static_head(st) - ADIT_TAG_LEN;

	if (plain && st->ops.dropped)
		st->ops.dropped(st->user, false, drop, packet, plain);
}

/* Authentic, and (v2) not seen before. */
static bool accept(struct adit_static *st, struct static_session *s, const struct adit_train *t, unsigned k)
{
	struct adit_static_peer *peer = s->peer;
	struct static_gap gap;

	if (!(t->ok >> k & 1)) {
		static_drop(st, ADIT_DROP_auth_failed, 1);
		peer->rx_bad++;
		return false;
	}
	if (st->wire == ADIT_STATIC_V1)
		return true;
	if (!static_window_accept(&s->window, adit_get_le64(t->wire + (size_t)k * t->stride + STATIC_AT_COUNTER),
				  &gap)) {
		static_drop(st, ADIT_DROP_replayed, 1);
		show_dropped(st, ADIT_DROP_replayed, t, k);
		return false;
	}
	peer->rx_lost += gap.lost;
	if (gap.reordered) {
		peer->rx_reordered++;
		peer->rx_lost -= peer->rx_lost > 0;
	}
	return true;
}

struct run {
	unsigned accepted;	 /* certainly the peer's, and (v2) not replayed */
	unsigned data;		 /* of these, not keepalives */
	struct adit_addr source; /* the last one that was looked up: most packets of a run are of one flow */
	bool allowed;
};

static bool may_send_from(struct adit_static *st, const struct adit_static_peer *peer, const uint8_t *packet,
			  struct run *run)
{
	struct adit_addr src;

	static_inner_source(packet, &src);
	if (!adit_addr_equal(&src, &run->source)) {
		run->source = src;
		run->allowed = static_routes_find(&st->routes, &src) == peer;
	}
	return run->allowed;
}

/* Length of the packet to be delivered, or 0 with the reason. */
static size_t judge_inner(struct adit_static *st, const struct adit_static_peer *peer, uint8_t *packet, size_t len,
			  uint8_t tos, struct run *run, enum adit_drop *drop)
{
	len = static_inner_length(packet, len);
	if (!len) {
		*drop = ADIT_DROP_inner_malformed;
		return 0;
	}
	if (!may_send_from(st, peer, packet, run)) {
		*drop = ADIT_DROP_source_not_allowed;
		return 0;
	}
	static_inner_take_ecn(packet, tos);
	return len;
}

static void judge_run(struct adit_static *st, struct static_session *s, struct adit_train *t, struct run *run)
{
	struct adit_static_peer *peer = s->peer;
	size_t head = static_head(st);

	for (unsigned k = 0; k < t->cnt; k++) {
		uint8_t *packet = t->wire + (size_t)k * t->stride + head;
		uint32_t datagram = adit_train_datagram_len(t, k);
		size_t len = datagram - head - ADIT_TAG_LEN;
		enum adit_drop drop = ADIT_DROP_NONE;

		t->len[k] = 0;
		if (!accept(st, s, t, k))
			continue;
		run->accepted += st->wire == ADIT_STATIC_V2;
		if (len || st->wire == ADIT_STATIC_V1) { /* v2: nothing inside is a keepalive */
			run->data++;
			t->len[k] = (uint16_t)judge_inner(st, peer, packet, len, t->tos, run, &drop);
		}
		if (drop) {
			static_drop(st, drop, 1);
			show_dropped(st, drop, t, k);
			peer->rx_bad++;
			continue;
		}
		run->accepted += st->wire == ADIT_STATIC_V1; /* ours, sent back to us, was authentic too */
		peer->rx_bytes += datagram;
		peer->rx_packets++;
	}
}

static void tell_bad(struct adit_static *st, struct adit_static_peer *peer, uint64_t before, adit_time now)
{
	if (peer->rx_bad == before || (peer->bad_told && now - peer->bad_told < STATIC_TELL_BAD))
		return;
	peer->bad_told = now;
	static_tell(st, ADIT_STATIC_BAD, peer);
}

void adit_static_in_done(struct adit_static *st, struct adit_train *t, adit_time now)
{
	struct static_session *s = t->key;
	struct adit_static_peer *peer = s->peer;
	struct run run = { 0 };

	now = static_now(st, now);
	if (peer) {
		uint64_t bad = peer->rx_bad;

		judge_run(st, s, t, &run);
		tell_bad(st, peer, bad, now);
	} else {
		memset(t->len, 0, t->cnt * sizeof(t->len[0]));
		static_drop(st, ADIT_DROP_unknown_index, t->cnt);
	}
	if (run.accepted) {
		static_peer_heard(st, peer, &t->path);
		if (static_session_confirm(st, s))
			static_exchange_stop(st, peer); /* ours is not needed any more */
		static_timers_received(st, peer, run.data, now);
	}
	if (peer && st->wire == ADIT_STATIC_V1)
		peer->doubt = !t->ok && adit_path_same_remote(&peer->endpoint, &t->path);
	t->key = NULL;
	static_session_put(s);
}
