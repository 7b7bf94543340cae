/* SPDX-License-Identifier: ISC */
/* exchange.c - v2: hello and answer (DOC in static.h) */
#include "static/device.h"

static void put_exchange(struct adit_static *st, struct adit_static_peer *peer, const struct static_session *s,
			 enum static_type type, uint8_t msg[STATIC_EXCHANGE_LEN])
{
	memset(msg, 0, STATIC_EXCHANGE_LEN);
	adit_put_le32(msg, type);
	adit_put_le32(msg + STATIC_AT_INDEX, s->index);
	memcpy(msg + STATIC_AT_KEY_ID, peer->id_send, STATIC_KEY_ID_LEN);
	memcpy(msg + STATIC_AT_SALT, s->salt, STATIC_SALT_LEN);
	if (type == STATIC_ANSWER) {
		memcpy(msg + STATIC_AT_ECHO, s->peer_salt, STATIC_SALT_LEN);
		adit_put_le32(msg + STATIC_AT_ECHO_INDEX, s->remote_index);
	}
	adit_mac(st->crypto, msg + STATIC_AT_MAC, peer->secrets->mac_send, ADIT_KEY_LEN, msg, STATIC_AT_MAC, NULL, 0);
}

static void send_to(struct adit_static *st, struct adit_static_peer *peer, const struct adit_path *path,
		    const uint8_t msg[STATIC_EXCHANGE_LEN])
{
	if (path->kind == ADIT_PATH_NONE) {
		static_drop(st, ADIT_DROP_no_endpoint, 1);
		return;
	}
	st->ops.send(st->user, path, msg, STATIC_EXCHANGE_LEN, 0);
	peer->tx_bytes += STATIC_EXCHANGE_LEN;
}

/* --- ours ---------------------------------------------------------------------- */

void static_exchange_stop(struct adit_static *st, struct adit_static_peer *peer)
{
	static_session_drop(st, &peer->offered);
	peer->offered_at = 0;
	peer->hello_due = ADIT_NEVER;
	peer->insist = peer->repeated = false;
}

static bool offer(struct adit_static *st, struct adit_static_peer *peer, adit_time now)
{
	struct static_session *s = static_session_new(peer);

	if (!s)
		return false;
	if (static_session_index(st, s) < 0) {
		static_session_put(s);
		return false;
	}
	st->ops.random(st->user, s->salt, sizeof(s->salt));
	peer->offered = s;
	peer->offered_at = now;
	return true;
}

void static_exchange_want(struct adit_static *st, struct adit_static_peer *peer, bool insist, adit_time now)
{
	if (st->wire != ADIT_STATIC_V2 || peer->endpoint.kind == ADIT_PATH_NONE || peer->insist)
		return;
	if (!peer->offered && !offer(st, peer, now))
		return;
	if (insist) {
		peer->insist = true;
		peer->offered_at = now;
	}
	peer->hello_due = peer->hello_at && now - peer->hello_at < STATIC_HELLO_AGAIN ? peer->hello_at + STATIC_HELLO_AGAIN
										       : now;
	static_timers_arm(st, peer, peer->hello_due);
}

/* One that is not answered goes to the configured endpoint, too: an attacker who holds datagrams up and lets them go
 * from elsewhere can lead both ends astray, and each must find the other again. */
void static_exchange_hello(struct adit_static *st, struct adit_static_peer *peer, adit_time now)
{
	bool astray = !adit_path_same_remote(&peer->endpoint, &peer->configured);
	uint8_t msg[STATIC_EXCHANGE_LEN];

	put_exchange(st, peer, peer->offered, STATIC_HELLO, msg);
	peer->hello_at = now;
	peer->hello_due = peer->insist ? now + STATIC_HELLO_AGAIN : ADIT_NEVER;
	st->hellos_sent++;
	send_to(st, peer, static_peer_path(st, peer), msg);
	if (peer->repeated && astray && peer->configured.kind != ADIT_PATH_NONE)
		send_to(st, peer, &peer->configured, msg);
	peer->repeated = peer->insist;
}

static void take_answer(struct adit_static *st, struct adit_static_peer *peer, const uint8_t *msg,
			const struct adit_path *from, adit_time now)
{
	struct static_session *s = peer->offered;

	if (!s || adit_get_le32(msg + STATIC_AT_ECHO_INDEX) != s->index ||
	    !adit_equal(msg + STATIC_AT_ECHO, s->salt, STATIC_SALT_LEN)) {
		static_drop(st, ADIT_DROP_unexpected_response, 1);
		return;
	}
	s->remote_index = adit_get_le32(msg + STATIC_AT_INDEX);
	memcpy(s->peer_salt, msg + STATIC_AT_SALT, STATIC_SALT_LEN);
	if (static_derive_session(st, s, true) < 0)
		return;
	peer->offered = NULL; /* it goes on as the session in use */
	static_exchange_stop(st, peer);
	static_peer_heard(st, peer, from); /* it echoes a salt that was fresh: it is as good as data */
	static_timers_received(st, peer, false, now);
	static_session_install(st, peer, s);
	/* whoever answered may not send before it has heard us on the new session */
	peer->keepalive_due = now;
	static_timers_arm(st, peer, now);
}

/* --- the peer's ------------------------------------------------------------------ */

/* The session that was made for this very hello, or a new one in the place of the oldest. */
static struct static_session *answered(struct adit_static *st, struct adit_static_peer *peer, const uint8_t *msg)
{
	struct static_session *s;

	for (unsigned i = 0; i < STATIC_NEXT_CNT; i++) {
		s = peer->next[i];
		if (s && s->remote_index == adit_get_le32(msg + STATIC_AT_INDEX) &&
		    memcmp(s->peer_salt, msg + STATIC_AT_SALT, STATIC_SALT_LEN) == 0)
			return s;
	}
	s = static_session_new(peer);
	if (!s)
		return NULL;
	if (static_session_index(st, s) < 0) {
		static_session_put(s);
		return NULL;
	}
	st->ops.random(st->user, s->salt, sizeof(s->salt));
	s->remote_index = adit_get_le32(msg + STATIC_AT_INDEX);
	memcpy(s->peer_salt, msg + STATIC_AT_SALT, STATIC_SALT_LEN);
	static_session_drop(st, &peer->next[peer->next_at]);
	peer->next[peer->next_at] = s;
	peer->next_at = (peer->next_at + 1) % STATIC_NEXT_CNT;
	if (static_derive_session(st, s, false) == 0)
		return s;
	static_session_drop(st, &peer->next[(peer->next_at + STATIC_NEXT_CNT - 1) % STATIC_NEXT_CNT]);
	return NULL;
}

static void take_hello(struct adit_static *st, struct adit_static_peer *peer, const uint8_t *msg,
		       const struct adit_path *from)
{
	struct static_session *s = answered(st, peer, msg);
	uint8_t reply[STATIC_EXCHANGE_LEN];

	if (!s)
		return;
	put_exchange(st, peer, s, STATIC_ANSWER, reply);
	st->answers_sent++;
	/* A hello may be an old one, so it moves no endpoint; with a fixed endpoint it is answered there only. */
	send_to(st, peer, st->roaming ? from : static_peer_path(st, peer), reply);
}

void static_exchange_receive(struct adit_static *st, const uint8_t *msg, uint32_t len, const struct adit_path *from,
			     adit_time now)
{
	struct adit_static_peer *peer = static_peer_by_id(st, msg + STATIC_AT_KEY_ID);
	uint8_t mac[STATIC_MAC_LEN];

	assert(len == STATIC_EXCHANGE_LEN);
	(void)len;
	if (!peer) {
		static_drop(st, ADIT_DROP_unknown_peer, 1);
		return;
	}
	if (static_peer_at(st, from) != peer &&
	    !static_limiter_allow(&st->limiter, from, STATIC_LIMIT_EXCHANGE, now)) {
		static_drop(st, ADIT_DROP_rate_limited, 1);
		return;
	}
	adit_mac(st->crypto, mac, peer->secrets->mac_receive, ADIT_KEY_LEN, msg, STATIC_AT_MAC, NULL, 0);
	if (!adit_equal(mac, msg + STATIC_AT_MAC, STATIC_MAC_LEN)) {
		static_drop(st, ADIT_DROP_bad_handshake, 1);
		return;
	}
	peer->rx_bytes += STATIC_EXCHANGE_LEN;
	if (adit_get_le32(msg) == STATIC_HELLO)
		take_hello(st, peer, msg, from);
	else
		take_answer(st, peer, msg, from, now);
}
