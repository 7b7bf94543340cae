/* SPDX-License-Identifier: ISC */
/* device.h - the static tunnel's own structures, for its parts and their tests */
#ifndef ADIT_STATIC_DEVICE_H
#define ADIT_STATIC_DEVICE_H

#include <assert.h>

#include "base/bytes.h"
#include "base/list.h"
#include "base/map.h"
#include "base/staged.h"
#include "base/wheel.h"
#include "static/limiter.h"
#include "static/message.h"
#include "static/routes.h"
#include "static/static.h"
#include "static/window.h"

#define STATIC_NEXT_CNT 4 /* answered, not yet confirmed */

/*
 * What packets are sealed under. v1: one for each peer, for ever. v2: made by
 * an exchange; `offered` has an index but no keys yet. Referenced by its slot
 * and by every train between begin and done.
 */
struct static_session {
	struct adit_static_peer *peer; /* NULL: has left its slot */
	struct static_keys {
		uint8_t send[ADIT_KEY_LEN], receive[ADIT_KEY_LEN];
	} *keys; /* secret memory; NULL: offered */
	uint32_t index, remote_index;
	uint32_t refs;
	uint64_t send_counter;
	uint8_t salt[STATIC_SALT_LEN]; /* ours */
	uint8_t peer_salt[STATIC_SALT_LEN];
	struct static_window window;
};

/* Of one peer, from the two static keys alone; secret memory. */
struct static_secrets {
	uint8_t shared[ADIT_KEY_LEN];
	uint8_t mac_send[ADIT_KEY_LEN], mac_receive[ADIT_KEY_LEN];
};

struct adit_static_peer {
	struct adit_static *tunnel;
	struct adit_list link;	     /* of all peers */
	struct adit_list ready_link; /* staged packets and a session: see adit_static_staged_next */
	uint8_t public_key[ADIT_KEY_LEN];
	uint8_t id_send[STATIC_KEY_ID_LEN], id_receive[STATIC_KEY_ID_LEN];
	struct static_secrets *secrets;
	struct adit_path endpoint, configured;
	uint32_t sources; /* generation of the device that the endpoint's sticky source belongs to */
	bool placed;	  /* by_path finds it at its endpoint; or another peer was heard from there since */
	bool doubt;	  /* v1: what came last from there was not under its key */

	struct static_session *current, *previous, *offered, *next[STATIC_NEXT_CNT];
	unsigned next_at;
	bool insist;			/* hellos are repeated: something waits for the exchange */
	bool repeated;			/* the next one is not the first of these */
	adit_time offered_at;		/* the exchange began; 0 = none under way */
	adit_time hello_at;		/* the last hello left, of this exchange or one before; 0 = never */
	adit_time hello_due;		/* ADIT_NEVER: not again */

	struct adit_wheel_entry timer;	 /* the earliest of what follows */
	adit_time keepalive_due;	 /* ADIT_NEVER: nothing to acknowledge */
	adit_time unanswered_due;	 /* ADIT_NEVER: what was sent has been answered */
	adit_time last_rx, last_tx, since; /* since: the silence that makes stale is counted from */
	bool stale;

	struct adit_staged staged;

	struct static_count { /* v1: of what the key sealed, ever (count.c) */
		uint64_t sealed, granted;
		bool asked, half, end; /* told */
	} count;
	uint64_t rx_bytes, tx_bytes, rx_packets, tx_packets, rx_lost, rx_reordered, rx_bad;
	adit_time bad_told; /* 0 = never */
};

struct adit_static {
	struct adit_static_ops ops;
	void *user, *event_user;
	struct adit_crypto *crypto;
	enum adit_static_wire wire;
	adit_time clock, clock_offset; /* see static_now */
	bool up, roaming, has_key;
	uint16_t port;
	uint32_t sources;
	adit_time peer_timeout;
	uint8_t *private_key; /* secret memory */
	uint8_t public_key[ADIT_KEY_LEN];
	uint8_t map_key[16];
	struct adit_list peers, ready;
	size_t peer_cnt;
	struct adit_staging staging;
	struct adit_map by_key, by_id, by_path, by_index;
	struct static_routes routes;
	struct static_limiter limiter;
	struct adit_wheel wheel;
	uint8_t scratch[ADIT_WIRE_MAX]; /* v1: what is tried against every key */
	uint64_t drops[ADIT_DROP_CNT];
	uint64_t hellos_sent, answers_sent, sessions;
};

/*
 * The tunnel's clock: the caller's, made monotonic. A step back of less than a
 * second (two threads that read the clock in one order and took the lock in
 * the other) holds it; a larger one is a clock that was set back, and time
 * goes on from where it stood.
 */
static inline adit_time static_now(struct adit_static *st, adit_time now)
{
	now += st->clock_offset;
	if (__builtin_expect(now < st->clock, 0)) {
		if (st->clock - now >= ADIT_SEC)
			st->clock_offset += st->clock - now;
		return st->clock;
	}
	st->clock = now;
	return now;
}

static inline void static_drop(struct adit_static *st, enum adit_drop drop, unsigned cnt)
{
	st->drops[drop] += cnt;
}

static inline void static_tell(struct adit_static *st, enum adit_static_event event, const struct adit_static_peer *peer)
{
	if (st->ops.event)
		st->ops.event(st->event_user, event, peer);
}

static inline size_t static_head(const struct adit_static *st)
{
	return st->wire == ADIT_STATIC_V1 ? STATIC_V1_HEAD : STATIC_V2_HEAD;
}

/* --- peer.c */
struct adit_static_peer *static_peer_at(const struct adit_static *st, const struct adit_path *path);
/* By the key id of an exchange message. */
struct adit_static_peer *static_peer_by_id(const struct adit_static *st, const uint8_t id[STATIC_KEY_ID_LEN]);
/* The way to the peer now: a sticky source of before routes changed is forgotten. */
const struct adit_path *static_peer_path(const struct adit_static *st, struct adit_static_peer *peer);
/* Authentic data came. */
void static_peer_heard(struct adit_static *st, struct adit_static_peer *peer, const struct adit_path *from);
/* Back to the configured endpoint. */
void static_peer_go_home(struct adit_static *st, struct adit_static_peer *peer);
void static_peer_free(struct adit_static *st, struct adit_static_peer *peer);
/* What is staged may leave: see adit_static_staged_next. */
void static_peer_ready(struct adit_static *st, struct adit_static_peer *peer);
/* Drops what is staged, each packet counted under `drop`. */
void static_unstage(struct adit_static *st, struct adit_static_peer *peer, enum adit_drop drop);

/* --- session.c */
struct static_session *static_session_new(struct adit_static_peer *peer);
void static_session_put(struct static_session *s);
/* 0 or -ENOMEM; under a fresh random index. */
int static_session_index(struct adit_static *st, struct static_session *s);
struct static_session *static_session_find(const struct adit_static *st, uint32_t index);
void static_session_drop(struct adit_static *st, struct static_session **slot);
/* All of a peer's; of v1, none. */
void static_sessions_drop(struct adit_static *st, struct adit_static_peer *peer);
/* Makes s, which stands in no slot, the one that sends. */
void static_session_install(struct adit_static *st, struct adit_static_peer *peer, struct static_session *s);
/* Authentic data came on s: installs it if it was waiting for that; whether it was. */
bool static_session_confirm(struct adit_static *st, struct static_session *s);
/* The keys and the ids of two peers, and of a session. */
void static_derive_ids(struct adit_static *st, struct adit_static_peer *peer);
void static_derive_secrets(struct adit_static *st, struct adit_static_peer *peer);
/* ours_first: our salt is the hello's. 0 or -ENOMEM. */
int static_derive_session(struct adit_static *st, struct static_session *s, bool ours_first);

/* --- exchange.c */
/* A hello is due now (at most one a second); with insist, until it is answered. */
void static_exchange_want(struct adit_static *st, struct adit_static_peer *peer, bool insist, adit_time now);
void static_exchange_stop(struct adit_static *st, struct adit_static_peer *peer);
void static_exchange_hello(struct adit_static *st, struct adit_static_peer *peer, adit_time now);
void static_exchange_receive(struct adit_static *st, const uint8_t *msg, uint32_t len, const struct adit_path *from,
			     adit_time now);

/* --- count.c */
/* v1: counts what the key is about to seal, or says why it may not. */
enum adit_drop static_count_take(struct adit_static *st, struct adit_static_peer *peer, unsigned cnt);

/* --- timers.c */
void static_timers_arm(struct adit_static *st, struct adit_static_peer *peer, adit_time due);
void static_timers_sent(struct adit_static *st, struct adit_static_peer *peer, adit_time now);
void static_timers_received(struct adit_static *st, struct adit_static_peer *peer, bool data, adit_time now);

/* --- send.c */
void static_send_keepalive(struct adit_static *st, struct adit_static_peer *peer, adit_time now);

#endif
