/* SPDX-License-Identifier: ISC */
/*
 * timers.c - when something is due for a peer. One entry of the wheel stands
 * for all of a peer's deadlines: the data path only stores them, and arms the
 * entry when it would be too late; what an early tick finds not yet due is
 * armed again.
 */
#include "static/device.h"

void static_timers_arm(struct adit_static *st, struct adit_static_peer *peer, adit_time due)
{
	if (due < peer->timer.due)
		adit_wheel_set(&st->wheel, &peer->timer, due);
}

void static_timers_sent(struct adit_static *st, struct adit_static_peer *peer, adit_time now)
{
	peer->last_tx = now;
	peer->keepalive_due = ADIT_NEVER;
	if (st->wire == ADIT_STATIC_V2 && peer->unanswered_due == ADIT_NEVER && !peer->insist) {
		peer->unanswered_due = now + STATIC_UNANSWERED;
		static_timers_arm(st, peer, peer->unanswered_due);
	}
}

void static_timers_received(struct adit_static *st, struct adit_static_peer *peer, bool data, adit_time now)
{
	peer->last_rx = peer->since = now;
	peer->unanswered_due = ADIT_NEVER;
	if (st->wire == ADIT_STATIC_V2 && data && peer->keepalive_due == ADIT_NEVER) {
		peer->keepalive_due = now + STATIC_KEEPALIVE;
		static_timers_arm(st, peer, peer->keepalive_due);
	}
	if (peer->stale) {
		peer->stale = false;
		static_tell(st, ADIT_STATIC_BACK, peer);
	}
	if (st->peer_timeout)
		static_timers_arm(st, peer, now + st->peer_timeout);
}

static void give_up(struct adit_static *st, struct adit_static_peer *peer)
{
	bool insist = peer->insist;

	static_exchange_stop(st, peer);
	if (!insist)
		return;
	static_unstage(st, peer, ADIT_DROP_handshake_gave_up);
	peer->unanswered_due = ADIT_NEVER;
	static_tell(st, ADIT_STATIC_GAVE_UP, peer);
}

static void exchange(struct adit_static *st, struct adit_static_peer *peer, adit_time now)
{
	if (peer->unanswered_due <= now) {
		peer->unanswered_due = ADIT_NEVER;
		static_exchange_want(st, peer, true, now);
	}
	if (!peer->offered)
		return;
	if (now - peer->offered_at >= STATIC_GIVE_UP) {
		give_up(st, peer);
		return;
	}
	if (peer->hello_due <= now)
		static_exchange_hello(st, peer, now);
	static_timers_arm(st, peer, peer->hello_due);
	static_timers_arm(st, peer, peer->offered_at + STATIC_GIVE_UP);
}

static void silence(struct adit_static *st, struct adit_static_peer *peer, adit_time now)
{
	if (!st->peer_timeout || peer->stale)
		return;
	if (now - peer->since < st->peer_timeout) {
		static_timers_arm(st, peer, peer->since + st->peer_timeout);
		return;
	}
	peer->stale = true;
	static_peer_go_home(st, peer);
	static_tell(st, ADIT_STATIC_STALE, peer);
}

static void peer_tick(struct adit_static *st, struct adit_static_peer *peer, adit_time now)
{
	silence(st, peer, now);
	if (!st->up)
		return;
	if (peer->keepalive_due <= now) {
		peer->keepalive_due = ADIT_NEVER;
		static_send_keepalive(st, peer, now);
	}
	exchange(st, peer, now);
	static_timers_arm(st, peer, peer->keepalive_due);
	static_timers_arm(st, peer, peer->unanswered_due);
}

adit_time adit_static_deadline(struct adit_static *st)
{
	adit_time next = adit_wheel_next(&st->wheel);

	return next == ADIT_NEVER ? next : next - st->clock_offset;
}

void adit_static_tick(struct adit_static *st, adit_time now)
{
	struct adit_wheel_entry *e;

	now = static_now(st, now);
	for (int i = 0; i < 256 && (e = adit_wheel_expire(&st->wheel, now)); i++)
		peer_tick(st, adit_container_of(e, struct adit_static_peer, timer), now);
}
