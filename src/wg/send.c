/* SPDX-License-Identifier: ISC */
/*
 * send.c - the way out: trains of data in their three phases, staged packets,
 * and the small messages the core sends by itself
 */
#include <string.h>

#include "base/bytes.h"
#include "base/super.h"
#include "wg/device.h"
#include "wg/inner.h"

/* The kernel's calculate_skb_padding: a packet above the MTU (the MTU shrank
 * while it was on the way) is padded as its last piece would be. */
size_t wg_padded_len(unsigned mtu, size_t len)
{
	size_t last = len > mtu ? len % mtu : len;
	size_t padded = (last + 15) & ~(size_t)15;

	if (padded > mtu)
		padded = mtu;
	return len + padded - last;
}

size_t adit_wg_wire_len(const struct adit_wg *wg, size_t len)
{
	return wg_padded_len(wg->mtu, len) + ADIT_WG_OVERHEAD;
}

/* --- data: begin, seal, done ------------------------------------------------- */

static int refuse(struct adit_wg *wg, struct adit_train *t, enum adit_drop drop)
{
	t->drop = (uint8_t)drop;
	wg_drop(wg, drop, t->cnt);
	return ADIT_DONE;
}

static int stage(struct adit_wg *wg, struct adit_wg_peer *peer, struct adit_train *t, uint8_t tos, adit_time now)
{
	unsigned dropped;

	if (adit_staged_add(&wg->staging, &peer->staged, t, tos, &dropped) < 0)
		t->drop = ADIT_DROP_staged_full;
	wg_drop(wg, ADIT_DROP_staged_full, dropped);
	/* Still staged although there is a session: these must not overtake. */
	wg_peer_ready(wg, peer, now);
	return ADIT_DONE;
}

/* Writes session, counters and path into the train; the peer's current session can send it. */
static void reserve(const struct adit_wg *wg, struct adit_wg_peer *peer, struct adit_train *t, uint8_t tos)
{
	struct wg_session *s = peer->current;

	s->refs++;
	t->key = s;
	t->peer = peer;
	t->counter = s->send_counter;
	t->index = s->remote_index;
	t->tos = tos;
	t->path = *wg_peer_path(wg, peer);
	t->drop = ADIT_DROP_NONE;
	s->send_counter += t->cnt;
}

/* Our own datagram to the peer, come back to us through a route into the tunnel. */
static bool loops(const struct adit_wg *wg, const struct adit_wg_peer *peer, const uint8_t *packet, size_t len)
{
	const struct adit_path *e = &peer->endpoint;

	return wg->port && (e->kind == ADIT_PATH_UDP4 || e->kind == ADIT_PATH_UDP6) &&
	       wg_inner_is_udp(packet, len, wg->port, e->addr, e->kind == ADIT_PATH_UDP4 ? 4 : 6, e->port);
}

int adit_wg_out_begin(struct adit_wg *wg, struct adit_train *t, adit_time now)
{
	const uint8_t *packet = t->super ? t->super->hdr : t->wire + ADIT_WG_HEAD;
	size_t len = t->super ? t->super->hdr_len : t->len[0];
	uint32_t datagram = adit_train_datagram_len(t, 0);
	struct adit_wg_peer *peer;
	struct adit_addr dst;
	uint8_t ecn;

	now = wg_now(wg, now);
	t->drop = ADIT_DROP_NONE;
	if (!wg->up)
		return refuse(wg, t, ADIT_DROP_interface_down);
	if (!wg_inner_destination(packet, len, &dst, &ecn))
		return refuse(wg, t, ADIT_DROP_not_ip);
	if (ecn == WG_ECN_CE) /* the mark stays inside: outside only what is met there counts (RFC 3168 9.1.1) */
		ecn = WG_ECN_ECT0;
	if (datagram > ADIT_WIRE_MAX)
		return refuse(wg, t, ADIT_DROP_too_big);
	peer = wg_allowedips_route(&wg->allowedips, &dst);
	if (!peer)
		return refuse(wg, t, ADIT_DROP_no_peer);
	if (peer->endpoint.kind == ADIT_PATH_NONE)
		return refuse(wg, t, ADIT_DROP_no_endpoint);
	if (loops(wg, peer, packet, len))
		return refuse(wg, t, ADIT_DROP_routing_loop);
	if (datagram > WG_LARGE_DATAGRAM && (!t->super || t->super_first == 0))
		wg_blackhole_sent(&peer->blackhole, packet, len, t->cnt, now);
	if (peer->staged.first || !wg_session_can_send(wg, peer->current, t->cnt, now))
		return stage(wg, peer, t, ecn, now);
	reserve(wg, peer, t, ecn); /* DSCP 0: the inner one must not leak */
	return ADIT_SEAL;
}

int adit_wg_staged_next(struct adit_wg *wg, struct adit_train *t, uint8_t *wire, size_t cap, adit_time now)
{
	now = wg_now(wg, now);
	while (!adit_list_empty(&wg->ready)) {
		struct adit_wg_peer *peer = adit_container_of(wg->ready.next, struct adit_wg_peer, ready_link);

		adit_list_del(&peer->ready_link);
		if (!peer->staged.first || peer->endpoint.kind == ADIT_PATH_NONE)
			continue;
		if (!wg_session_can_send(wg, peer->current, ADIT_TRAIN_MAX, now)) {
			wg_timers_want_handshake(wg, peer, now);
			continue;
		}
		t->wire = wire;
		adit_staged_take(&wg->staging, &peer->staged, t, cap);
		reserve(wg, peer, t, t->tos);
		if (peer->staged.first)
			adit_list_add_tail(&wg->ready, &peer->ready_link);
		return ADIT_SEAL;
	}
	return ADIT_DONE;
}

static void put_head(uint8_t *datagram, uint32_t index, uint64_t counter)
{
	adit_put_le32(datagram, WG_DATA);
	adit_put_le32(datagram + 4, index);
	adit_put_le64(datagram + 8, counter);
}

/* Seals segment k of a super-packet into its datagram. The padding's place
 * belongs to the next segment's payload, which must survive; behind the last
 * segment there may be no place at all. */
static void seal_segment(struct adit_crypto *c, struct adit_super *super, unsigned k, uint8_t *to, size_t plain,
			 uint64_t counter, const uint8_t *key)
{
	size_t len = adit_super_segment_len(super, k), pad = plain - len;
	uint8_t *from = adit_super_segment(super, k), saved[15];

	assert(pad < 16);
	if (pad && from + plain > super->buf + super->len) {
		memcpy(to, from, len);
		memset(to + len, 0, pad);
		adit_aead_seal(c, to, to, plain, NULL, 0, counter, key);
		return;
	}
	memcpy(saved, from + len, pad);
	memset(from + len, 0, pad);
	adit_aead_seal(c, to, from, plain, NULL, 0, counter, key);
	memcpy(from + len, saved, pad);
	adit_wipe(saved, pad);
}

void adit_wg_seal(struct adit_crypto *c, struct adit_train *t)
{
	const struct wg_session *s = t->key;

	for (unsigned k = 0; k < t->cnt; k++) {
		uint8_t *datagram = t->wire + (size_t)k * t->stride, *body = datagram + ADIT_WG_HEAD;
		size_t plain = adit_train_datagram_len(t, k) - ADIT_WG_OVERHEAD;

		put_head(datagram, t->index, t->counter + k);
		if (t->super) {
			seal_segment(c, t->super, t->super_first + k, body, plain, t->counter + k, s->send_key);
			continue;
		}
		assert(t->len[k] <= plain);
		memset(body + t->len[k], 0, plain - t->len[k]);
		adit_aead_seal(c, body, body, plain, NULL, 0, t->counter + k, s->send_key);
	}
}

/* The session grows old: the initiator of it asks for a new one. */
static void keep_fresh(struct adit_wg *wg, struct adit_wg_peer *peer, const struct wg_session *s, adit_time now)
{
	if (s->send_counter > WG_REKEY_AFTER_MESSAGES || (s->initiator && now - s->born >= WG_REKEY_AFTER_TIME))
		wg_timers_want_handshake(wg, peer, now);
}

void adit_wg_out_done(struct adit_wg *wg, struct adit_train *t, adit_time now)
{
	struct wg_session *s = t->key;
	struct adit_wg_peer *peer = s->id.peer;

	now = wg_now(wg, now);
	if (peer) {
		peer->tx_bytes += adit_train_bytes(t);
		peer->tx_packets += t->cnt;
		wg_timers_data_sent(wg, peer, now);
		wg_timers_any_sent(wg, peer, now);
		keep_fresh(wg, peer, s, now);
	} else {
		t->drop = ADIT_DROP_peer_removed;
		wg_drop(wg, ADIT_DROP_peer_removed, t->cnt);
		t->cnt = 0;
	}
	t->key = NULL;
	wg_session_put(s);
}

/* --- small messages ----------------------------------------------------------- */

static void send_on(struct adit_wg *wg, struct adit_wg_peer *peer, const struct adit_path *path, const void *msg,
		    size_t len, uint8_t tos)
{
	wg->ops.send(wg->user, path, msg, len, tos);
	peer->tx_bytes += len;
}

static void send_message(struct adit_wg *wg, struct adit_wg_peer *peer, const void *msg, size_t len, uint8_t tos,
			 adit_time now)
{
	send_on(wg, peer, wg_peer_path(wg, peer), msg, len, tos);
	wg_timers_any_sent(wg, peer, now);
}

/* To the other configured endpoints as well, unless the present one works: a
 * first handshake, or an attempt that is not the first. */
static void send_to_candidates(struct adit_wg *wg, struct adit_wg_peer *peer, const void *msg, size_t len,
			       adit_time now)
{
	const struct wg_endpoints *e = peer->endpoints;

	if (!e || (peer->attempts == 0 && wg_session_can_send(wg, peer->current, 1, now)))
		return;
	for (unsigned i = 0; i < e->cnt; i++) {
		if (!adit_path_same_remote(&e->path[i], &peer->endpoint))
			send_on(wg, peer, &e->path[i], msg, len, WG_HANDSHAKE_TOS);
	}
}

void wg_send_initiation(struct adit_wg *wg, struct adit_wg_peer *peer, adit_time now)
{
	struct wg_initiation msg;

	if (!wg->up || !wg->has_identity || peer->endpoint.kind == ADIT_PATH_NONE)
		return;
	if (now - peer->last_sent_handshake < WG_REKEY_TIMEOUT) {
		wg_timers_initiation_limited(wg, peer, now);
		return;
	}
	peer->last_sent_handshake = now;
	if (wg_noise_create_initiation(wg, peer, &msg) < 0)
		return;
	wg_cookie_add_macs(wg, peer, &msg, sizeof(msg), now);
	wg->initiations_sent++;
	peer->handshake_attempts++;
	send_message(wg, peer, &msg, sizeof(msg), WG_HANDSHAKE_TOS, now);
	send_to_candidates(wg, peer, &msg, sizeof(msg), now);
	wg_timers_initiation_sent(wg, peer, now);
}

void wg_send_response(struct adit_wg *wg, struct wg_handshake *h, adit_time now)
{
	struct adit_wg_peer *peer = h->id.peer;
	struct wg_response msg;

	peer->last_sent_handshake = now;
	if (wg_noise_create_response(wg, h, &msg) < 0) {
		wg_handshake_free(wg, h);
		return;
	}
	wg_cookie_add_macs(wg, peer, &msg, sizeof(msg), now);
	if (wg_noise_begin_session(wg, h, now) < 0)
		return;
	wg_timers_session_derived(wg, peer, now, now);
	send_message(wg, peer, &msg, sizeof(msg), WG_HANDSHAKE_TOS, now);
}

void wg_send_keepalive(struct adit_wg *wg, struct adit_wg_peer *peer, adit_time now)
{
	uint8_t msg[ADIT_WG_OVERHEAD];
	struct wg_session *s = peer->current;

	if (!wg->up || peer->endpoint.kind == ADIT_PATH_NONE)
		return;
	if (peer->staged.first || !wg_session_can_send(wg, s, 1, now)) {
		wg_peer_ready(wg, peer, now);
		return;
	}
	put_head(msg, s->remote_index, s->send_counter);
	adit_aead_seal(wg->crypto, msg + ADIT_WG_HEAD, (const uint8_t *)"", 0, NULL, 0, s->send_counter, s->send_key);
	s->send_counter++;
	peer->tx_packets++;
	peer->tx_keepalives++;
	send_message(wg, peer, msg, sizeof(msg), 0, now);
	keep_fresh(wg, peer, s, now);
}
