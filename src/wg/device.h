/* SPDX-License-Identifier: ISC */
/* device.h - the state behind wg.h; only files of src/wg include it */
#ifndef ADIT_WG_DEVICE_H
#define ADIT_WG_DEVICE_H

#include "wg/allowedips.h"
#include "wg/peer.h"
#include "wg/queue.h"
#include "wg/ratelimiter.h"

/* In secret memory. */
struct wg_secrets {
	uint8_t private_key[ADIT_KEY_LEN];
	uint8_t cookie_secret[ADIT_KEY_LEN];
};

struct adit_wg {
	struct adit_wg_ops ops;
	void *user;
	struct adit_crypto *crypto; /* lent */

	adit_time clock, clock_offset; /* see wg_now */
	unsigned mtu;
	uint16_t port; /* ours, host order; 0 = not known */
	bool up;
	uint32_t sources; /* generation: sticky sources of an older one are stale */

	/* identity */
	void (*log_keys)(void *user, const struct adit_wg_keys *keys); /* NULL but while a key log runs */
	struct wg_secrets *secrets;
	bool has_identity;
	uint32_t identity; /* generation: changes with the private key */
	uint8_t public_key[ADIT_KEY_LEN];
	uint8_t mac1_key[ADIT_KEY_LEN];	  /* of messages to us */
	uint8_t cookie_key[ADIT_KEY_LEN]; /* of cookie replies from us */
	uint8_t responder_hash[ADIT_HASH_LEN]; /* of every initiation to us, to begin with */
	struct wg_noise_start noise;
	adit_time cookie_secret_born;
	uint64_t sent_timestamp; /* the latest; see noise.c */

	/* peers */
	struct adit_list peers;
	size_t peer_cnt, session_cnt;
	uint8_t next_home;
	uint8_t key_hash[16];
	struct adit_map peers_by_key;
	struct adit_map indices;
	struct wg_allowedips allowedips;
	struct adit_wheel wheel;
	struct adit_list ready; /* ready_link of peers whose staged packets may leave */
	struct adit_staging staging;
	struct adit_wg_cursor *cursors;
	struct adit_wg_cursor up_cursor, down_cursor, identity_cursor;

	/* handshakes */
	struct wg_queue handshakes;
	struct wg_queue cookies; /* messages to be answered by a cookie reply */
	adit_time last_under_load;
	adit_time failures_since; /* see handshake.c */
	unsigned failures;
	struct wg_ratelimiter proven, claimed;

	uint64_t drops[ADIT_DROP_CNT];
	uint64_t handshakes_in, handshakes_out, initiations_sent, cookies_sent;
};

/*
 * The core's clock: the caller's, made monotonic. A step back of less than a
 * second (two threads that read the clock in one order and took the lock in
 * the other) holds it; a larger one is a clock that was set back, and time
 * goes on from where it stood.
 */
static inline adit_time wg_now(struct adit_wg *wg, adit_time now)
{
	now += wg->clock_offset;
	if (__builtin_expect(now < wg->clock, 0)) {
		if (wg->clock - now >= ADIT_SEC)
			wg->clock_offset += wg->clock - now;
		return wg->clock;
	}
	wg->clock = now;
	return now;
}

static inline void wg_drop(struct adit_wg *wg, enum adit_drop drop, unsigned cnt)
{
	wg->drops[drop] += cnt;
}

static inline void wg_dropped(struct adit_wg *wg, bool out, enum adit_drop drop, const uint8_t *packet, size_t len)
{
	if (wg->ops.dropped)
		wg->ops.dropped(wg->user, out, drop, packet, len);
}

static inline void wg_random(struct adit_wg *wg, void *buf, size_t len)
{
	wg->ops.random(wg->user, buf, len);
}

static inline void wg_event(struct adit_wg *wg, enum adit_wg_event event, const struct adit_wg_peer *peer)
{
	if (wg->ops.event)
		wg->ops.event(wg->user, event, peer->public_key, &peer->endpoint);
}

/* 0..max-1, near enough evenly for jitter. */
static inline uint32_t wg_random_below(struct adit_wg *wg, uint32_t max)
{
	uint32_t v;

	wg_random(wg, &v, sizeof(v));
	return (uint32_t)((uint64_t)v * max >> 32);
}

/* send.c */
void wg_send_initiation(struct adit_wg *wg, struct adit_wg_peer *peer, adit_time now);
/* Answers the initiation that h has consumed; h is used up. */
void wg_send_response(struct adit_wg *wg, struct wg_handshake *h, adit_time now);
/* A keepalive, or what is staged; asks for a handshake if there is no session. */
void wg_send_keepalive(struct adit_wg *wg, struct adit_wg_peer *peer, adit_time now);
size_t wg_padded_len(unsigned mtu, size_t len);

/* handshake.c */
void wg_handshake_receive(struct adit_wg *wg, const uint8_t *msg, size_t len, const struct adit_path *path,
			  adit_time now);
bool wg_under_load(const struct adit_wg *wg, adit_time now);

#endif
