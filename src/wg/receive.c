/* SPDX-License-Identifier: ISC */
/* receive.c - the way in: trains of data in their three phases */
#include <string.h>

#include "base/bytes.h"
#include "wg/device.h"
#include "wg/inner.h"

/* --- begin: the next run of data messages of one session ---------------------- */

static uint32_t next_len(const struct adit_train *t)
{
	return t->rest_len < t->stride ? t->rest_len : t->stride;
}

static bool is_data(const uint8_t *msg, uint32_t len)
{
	return len >= WG_DATA_MIN && adit_get_le32(msg) == WG_DATA;
}

/* Moves the datagrams from the start of the rest that carry one receiver index to the run. */
static uint32_t cut_run(struct adit_train *t)
{
	uint32_t index = adit_get_le32(t->rest + 4);

	t->wire = t->rest;
	t->cnt = 0;
	do {
		t->last_len = next_len(t);
		t->cnt++;
		t->rest += t->last_len;
		t->rest_len -= t->last_len;
	} while (t->rest_len && t->cnt < ADIT_TRAIN_MAX && is_data(t->rest, next_len(t)) &&
		 adit_get_le32(t->rest + 4) == index);
	return index;
}

static struct wg_session *session_of(struct adit_wg *wg, uint32_t index)
{
	struct wg_indexed *id = wg_index_find(wg, index);

	return id && id->kind == WG_INDEXED_SESSION ? adit_container_of(id, struct wg_session, id) : NULL;
}

static int begin_run(struct adit_wg *wg, struct adit_train *t, adit_time now)
{
	uint32_t index = cut_run(t);
	struct wg_session *s = session_of(wg, index);

	if (!s || wg_session_expired(s, now)) {
		wg_drop(wg, s ? ADIT_DROP_key_expired : ADIT_DROP_unknown_index, t->cnt);
		return ADIT_DONE;
	}
	s->refs++;
	t->key = s;
	t->peer = s->id.peer;
	t->index = index;
	t->ok = 0;
	return ADIT_OPEN;
}

int adit_wg_in_begin(struct adit_wg *wg, struct adit_train *t, adit_time now)
{
	assert(t->stride || !t->rest_len);
	now = wg_now(wg, now);
	while (t->rest_len) {
		const uint8_t *msg = t->rest;
		uint32_t len = next_len(t);

		if (wg->up && is_data(msg, len)) {
			if (begin_run(wg, t, now) == ADIT_OPEN)
				return ADIT_OPEN;
			continue;
		}
		t->rest += len;
		t->rest_len -= len;
		if (wg->up)
			wg_handshake_receive(wg, msg, len, &t->path, now);
		else
			wg_drop(wg, ADIT_DROP_interface_down, 1);
	}
	return ADIT_DONE;
}

/* --- open ---------------------------------------------------------------------- */

void adit_wg_open(struct adit_crypto *c, struct adit_train *t)
{
	const struct wg_session *s = t->key;

	t->ok = 0;
	for (unsigned k = 0; k < t->cnt; k++) {
		uint8_t *datagram = t->wire + (size_t)k * t->stride, *body = datagram + ADIT_WG_HEAD;

		if (adit_aead_open(c, body, body, adit_train_datagram_len(t, k) - ADIT_WG_HEAD, NULL, 0,
				   adit_get_le64(datagram + 8), s->receive_key))
			t->ok |= UINT64_C(1) << k;
	}
}

/* --- done ---------------------------------------------------------------------- */

/* *last: a packet of the run whose source was found to be the peer's, or NULL;
 * trains carry flows. */
static bool source_allowed(struct adit_wg *wg, const struct adit_wg_peer *peer, const uint8_t *packet,
			   const uint8_t **last)
{
	struct adit_addr src;

	if (*last && wg_inner_same_source(packet, *last))
		return true;
	wg_inner_source(packet, &src);
	if (wg_allowedips_route(&wg->allowedips, &src) != peer)
		return false;
	*last = packet;
	return true;
}

/* Length of the packet to be delivered, or 0 with the reason. */
static size_t judge_inner(struct adit_wg *wg, const struct adit_wg_peer *peer, uint8_t *packet, size_t plain,
			  uint8_t tos, const uint8_t **last, enum adit_drop *drop)
{
	size_t len = wg_inner_length(packet, plain);

	if (!len)
		*drop = ADIT_DROP_inner_malformed;
	else if (!source_allowed(wg, peer, packet, last))
		*drop = ADIT_DROP_source_not_allowed;
	if (*drop)
		return 0;
	if (tos & WG_ECN_MASK)
		wg_inner_decapsulate_ecn(packet, tos);
	return len;
}

/* What a run was, for what happens once per run. */
struct run {
	unsigned accepted; /* authentic and not replayed */
	unsigned data;	   /* of these, not keepalives */
};

/* A packet that opened, and goes no further. */
static void show_dropped(struct adit_wg *wg, enum adit_drop drop, const struct adit_train *t, unsigned k)
{
	const uint8_t *packet = t->wire + (size_t)k * t->stride + ADIT_WG_HEAD;
	size_t plain = adit_train_datagram_len(t, k) - ADIT_WG_OVERHEAD, len = plain ? wg_inner_length(packet, plain) : 0;

	if (plain)
		wg_dropped(wg, false, drop, packet, len ? len : plain);
}

/* Authentic, and not seen before. */
static bool accept(struct adit_wg *wg, struct wg_session *s, const struct adit_train *t, unsigned k)
{
	uint64_t counter = adit_get_le64(t->wire + (size_t)k * t->stride + 8);
	struct adit_wg_peer *peer = s->id.peer;
	struct wg_replay_gap gap;

	if (!(t->ok >> k & 1)) {
		wg_drop(wg, ADIT_DROP_auth_failed, 1);
		return false;
	}
	if (!wg_replay_accept(&s->replay, counter, &gap)) {
		enum adit_drop drop = counter >= WG_REJECT_AFTER_MESSAGES ? ADIT_DROP_key_expired : ADIT_DROP_replayed;

		wg_drop(wg, drop, 1);
		show_dropped(wg, drop, t, k);
		return false;
	}
	/* A leap this wide is a peer that took its session to a new process. */
	if (gap.lost && gap.lost < UINT32_MAX)
		peer->rx_lost += gap.lost;
	if (gap.reordered) {
		peer->rx_reordered++;
		if (peer->rx_lost)
			peer->rx_lost--;
	}
	return true;
}

static void judge_run(struct adit_wg *wg, struct wg_session *s, struct adit_train *t, struct run *run)
{
	struct adit_wg_peer *peer = s->id.peer;
	const uint8_t *last = NULL;

	for (unsigned k = 0; k < t->cnt; k++) {
		uint8_t *packet = t->wire + (size_t)k * t->stride + ADIT_WG_HEAD;
		uint32_t datagram = adit_train_datagram_len(t, k);
		size_t plain = datagram - ADIT_WG_OVERHEAD;
		enum adit_drop drop = ADIT_DROP_NONE;

		t->len[k] = 0;
		if (!accept(wg, s, t, k))
			continue;
		run->accepted++;
		if (plain) {
			run->data++;
			t->len[k] = (uint16_t)judge_inner(wg, peer, packet, plain, t->tos, &last, &drop);
		}
		if (drop) {
			wg_drop(wg, drop, 1);
			show_dropped(wg, drop, t, k);
			continue;
		}
		peer->rx_bytes += datagram;
		peer->rx_packets++;
	}
}

/* The initiator's last chance for a new session before this one ends: asked
 * for once, when data still comes in. */
static void keep_fresh(struct adit_wg *wg, struct adit_wg_peer *peer, adit_time now)
{
	const struct wg_session *s = peer->current;

	if (peer->sent_last_minute || !s || !s->initiator || !s->may_send)
		return;
	if (now - s->born < WG_REJECT_AFTER_TIME - WG_KEEPALIVE_TIMEOUT - WG_REKEY_TIMEOUT)
		return;
	peer->sent_last_minute = true;
	wg_timers_want_handshake(wg, peer, now);
}

static void heard(struct adit_wg *wg, struct wg_session *s, struct adit_train *t, const struct run *run,
		  adit_time now)
{
	struct adit_wg_peer *peer = s->id.peer;

	wg_peer_heard(wg, peer, &t->path);
	if (wg_session_confirm(wg, peer, s)) {
		wg->handshakes_in++;
		wg_handshake_drop(wg, peer); /* an initiation of ours is not needed any more */
		wg_timers_handshake_complete(wg, peer, now);
		if (peer->staged.first)
			wg_peer_ready(wg, peer, now);
	}
	keep_fresh(wg, peer, now);
	wg_timers_any_received(wg, peer, now);
	if (run->data)
		wg_timers_data_received(wg, peer, now);
}

void adit_wg_in_done(struct adit_wg *wg, struct adit_train *t, adit_time now)
{
	struct wg_session *s = t->key;
	struct run run = { 0 };

	now = wg_now(wg, now);
	if (s->id.peer) {
		judge_run(wg, s, t, &run);
		if (run.accepted)
			heard(wg, s, t, &run, now);
	} else {
		memset(t->len, 0, t->cnt * sizeof(t->len[0]));
		wg_drop(wg, ADIT_DROP_unknown_index, t->cnt);
	}
	t->key = NULL;
	wg_session_put(s);
}
