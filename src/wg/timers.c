/* SPDX-License-Identifier: ISC */
/* timers.c - a peer's timers, as events and what they lead to */
#include "wg/timers.h"

#include <string.h>

#include "wg/device.h"

void wg_timers_init(struct adit_wg_peer *peer)
{
	struct wg_timers *t = &peer->timers;

	t->initiate = t->retransmit = t->keepalive = ADIT_NEVER;
	t->new_handshake = t->zero_keys = t->persistent = ADIT_NEVER;
	peer->attempts = 0;
	peer->need_another_keepalive = false;
	peer->sent_last_minute = false;
}

void wg_timers_stop(struct adit_wg *wg, struct adit_wg_peer *peer)
{
	wg_timers_init(peer);
	adit_wheel_cancel(&wg->wheel, &peer->timer);
}

/* Sets a deadline; the wheel hears of it only if it is the earliest. */
static inline void arm(struct adit_wg *wg, struct adit_wg_peer *peer, adit_time *deadline, adit_time due)
{
	*deadline = due;
	if (due < peer->timer.due)
		adit_wheel_set(&wg->wheel, &peer->timer, due);
}

static adit_time jitter(struct adit_wg *wg)
{
	return wg_random_below(wg, WG_REKEY_JITTER_MAX_MS) * ADIT_MSEC;
}

/* --- events ----------------------------------------------------------------- */

static inline void any_traversal(struct adit_wg *wg, struct adit_wg_peer *peer, adit_time now)
{
	if (peer->keepalive)
		arm(wg, peer, &peer->timers.persistent, now + peer->keepalive * ADIT_SEC);
}

void wg_timers_data_sent(struct adit_wg *wg, struct adit_wg_peer *peer, adit_time now)
{
	if (peer->timers.new_handshake == ADIT_NEVER)
		arm(wg, peer, &peer->timers.new_handshake,
		    now + WG_KEEPALIVE_TIMEOUT + WG_REKEY_TIMEOUT + peer->jitter_ms * ADIT_MSEC);
}

void wg_timers_data_received(struct adit_wg *wg, struct adit_wg_peer *peer, adit_time now)
{
	if (peer->timers.keepalive == ADIT_NEVER)
		arm(wg, peer, &peer->timers.keepalive, now + WG_KEEPALIVE_TIMEOUT);
	else
		peer->need_another_keepalive = true;
}

void wg_timers_any_sent(struct adit_wg *wg, struct adit_wg_peer *peer, adit_time now)
{
	peer->timers.keepalive = ADIT_NEVER;
	peer->last_tx_at = now;
	any_traversal(wg, peer, now);
}

void wg_timers_any_received(struct adit_wg *wg, struct adit_wg_peer *peer, adit_time now)
{
	peer->timers.new_handshake = ADIT_NEVER;
	peer->last_rx_at = now;
	any_traversal(wg, peer, now);
	if (wg_blackhole_ripe(&peer->blackhole))
		wg_blackhole_heard(&peer->blackhole, now);
}

void wg_timers_initiation_sent(struct adit_wg *wg, struct adit_wg_peer *peer, adit_time now)
{
	peer->timers.initiate = ADIT_NEVER;
	arm(wg, peer, &peer->timers.retransmit, now + WG_REKEY_TIMEOUT + jitter(wg));
}

void wg_timers_initiation_limited(struct adit_wg *wg, struct adit_wg_peer *peer, adit_time now)
{
	adit_time due = peer->last_sent_handshake + WG_REKEY_TIMEOUT + jitter(wg);

	if (peer->timers.initiate == ADIT_NEVER)
		arm(wg, peer, &peer->timers.initiate, due > now ? due : now);
}

void wg_timers_handshake_complete(struct adit_wg *wg, struct adit_wg_peer *peer, adit_time now)
{
	peer->timers.retransmit = ADIT_NEVER;
	peer->timers.initiate = ADIT_NEVER;
	peer->attempts = 0;
	peer->sent_last_minute = false;
	peer->handshake_attempts = 0;
	peer->last_handshake_at = now;
	wg->ops.wall(wg->user, &peer->last_handshake);
	wg_event(wg, ADIT_WG_SESSION, peer);
}

void wg_timers_session_derived(struct adit_wg *wg, struct adit_wg_peer *peer, adit_time born, adit_time now)
{
	peer->jitter_ms = (uint16_t)(jitter(wg) / ADIT_MSEC);
	arm(wg, peer, &peer->timers.zero_keys, born + 3 * WG_REJECT_AFTER_TIME > now ? born + 3 * WG_REJECT_AFTER_TIME : now);
}

void wg_timers_want_handshake(struct adit_wg *wg, struct adit_wg_peer *peer, adit_time now)
{
	adit_time allowed = peer->last_sent_handshake + WG_REKEY_TIMEOUT;
	adit_time at = now < allowed ? allowed : now;

	peer->attempts = 0;
	if (!wg->up || !wg->has_identity || peer->endpoint.kind == ADIT_PATH_NONE)
		return;
	if (peer->timers.initiate <= at || (now < allowed && peer->timers.retransmit != ADIT_NEVER))
		return;
	arm(wg, peer, &peer->timers.initiate, at);
}

void wg_timers_want_keepalive(struct adit_wg *wg, struct adit_wg_peer *peer, adit_time now)
{
	if (wg->up && peer->keepalive && peer->endpoint.kind != ADIT_PATH_NONE)
		arm(wg, peer, &peer->timers.persistent, now);
}

/* --- expiry ----------------------------------------------------------------- */

static void give_up(struct adit_wg *wg, struct adit_wg_peer *peer, adit_time now)
{
	peer->timers.keepalive = ADIT_NEVER;
	wg_unstage(wg, peer, ADIT_DROP_handshake_gave_up);
	if (peer->timers.zero_keys == ADIT_NEVER)
		arm(wg, peer, &peer->timers.zero_keys, now + 3 * WG_REJECT_AFTER_TIME);
	wg_event(wg, ADIT_WG_GAVE_UP, peer);
}

/* The way the peer was last heard on may be the trouble: let routing choose anew. */
static void initiate_anew(struct adit_wg *wg, struct adit_wg_peer *peer, adit_time now)
{
	adit_path_clear_source(&peer->endpoint);
	wg_send_initiation(wg, peer, now);
}

static void retransmit(struct adit_wg *wg, struct adit_wg_peer *peer, adit_time now)
{
	if (peer->attempts > WG_HANDSHAKE_RETRIES_MAX) {
		give_up(wg, peer, now);
		return;
	}
	peer->attempts++;
	initiate_anew(wg, peer, now);
}

static void passive_keepalive(struct adit_wg *wg, struct adit_wg_peer *peer, adit_time now)
{
	wg_send_keepalive(wg, peer, now);
	if (peer->need_another_keepalive) {
		peer->need_another_keepalive = false;
		arm(wg, peer, &peer->timers.keepalive, now + WG_KEEPALIVE_TIMEOUT);
	}
}

static void zero_keys(struct adit_wg *wg, struct adit_wg_peer *peer)
{
	bool had = peer->current || peer->next || peer->previous;

	wg_handshake_drop(wg, peer);
	wg_sessions_drop(wg, peer);
	if (had)
		wg_event(wg, ADIT_WG_EXPIRED, peer);
}

static bool due(adit_time *deadline, adit_time now)
{
	if (*deadline > now)
		return false;
	*deadline = ADIT_NEVER;
	return true;
}

static adit_time earlier(adit_time a, adit_time b)
{
	return a < b ? a : b;
}

static adit_time earliest(const struct wg_timers *t)
{
	adit_time a = earlier(t->initiate, t->retransmit), b = earlier(t->keepalive, t->new_handshake);

	return earlier(earlier(a, b), earlier(t->zero_keys, t->persistent));
}

bool wg_timers_fire(struct adit_wg *wg, struct adit_wg_peer *peer, adit_time now)
{
	struct wg_timers *t = &peer->timers;
	uint64_t before = wg->initiations_sent;

	if (due(&t->retransmit, now))
		retransmit(wg, peer, now);
	if (due(&t->keepalive, now))
		passive_keepalive(wg, peer, now);
	if (due(&t->new_handshake, now)) {
		peer->attempts = 0;
		initiate_anew(wg, peer, now);
	}
	if (due(&t->zero_keys, now))
		zero_keys(wg, peer);
	if (due(&t->persistent, now) && peer->keepalive)
		wg_send_keepalive(wg, peer, now);
	if (due(&t->initiate, now))
		wg_send_initiation(wg, peer, now);
	adit_wheel_set(&wg->wheel, &peer->timer, earliest(t));
	return wg->initiations_sent != before;
}
