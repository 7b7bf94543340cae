/* SPDX-License-Identifier: ISC */
/*
 * peer.h - a peer. What only a peer with traffic needs (handshake, sessions,
 * static-static secret, preshared key, further endpoints, staged packets) is
 * allocated when needed; what is secret stands in secret memory, never here.
 */
#ifndef ADIT_WG_PEER_H
#define ADIT_WG_PEER_H

#include <assert.h>

#include "base/list.h"
#include "base/staged.h"
#include "base/wheel.h"
#include "wg/blackhole.h"
#include "wg/cookie.h"
#include "wg/noise.h"
#include "wg/session.h"
#include "wg/timers.h"
#include "wg/wg.h"

/* The endpoints that were configured, if more than one. */
struct wg_endpoints {
	unsigned cnt;
	struct adit_path path[ADIT_WG_ENDPOINTS_MAX];
};

/*
 * Peers take turns at 16 homes, and the low bits of every index we give out
 * for a peer are its home: so a driver with several receiving threads can
 * send all of a peer's sessions to one of them by the index alone. What is
 * left, 28 random bits, is more than enough against guessing.
 */
#define WG_HOME_BITS 4
#define WG_HOME_MASK ((1u << WG_HOME_BITS) - 1)

struct adit_wg_peer {
	struct adit_list link; /* the device's peers, oldest first */

	/* data path */
	struct wg_session *current, *next, *previous;
	struct adit_path endpoint;
	uint32_t sources; /* generation in which its sticky source was heard */
	struct adit_staged staged;
	struct adit_list ready_link; /* staged packets may leave now */
	uint16_t keepalive; /* s */
	uint8_t home;
	uint64_t rx_bytes, tx_bytes, rx_packets, tx_packets, tx_keepalives, rx_lost, rx_reordered;
	adit_time last_rx_at, last_tx_at;
	struct wg_blackhole blackhole;

	struct wg_timers timers;
	struct adit_wheel_entry timer;
	uint16_t jitter_ms;	     /* drawn at each session, for new_handshake */
	uint8_t attempts;	     /* retransmissions in this run */
	bool need_another_keepalive;
	bool sent_last_minute;	     /* handshake of this session, on receive */
	adit_time last_sent_handshake; /* boot time, or WG_LONG_AGO */
	adit_time last_initiation_at; /* accepted from the peer, or WG_LONG_AGO */
	adit_time last_handshake_at;
	struct adit_wall last_handshake;
	uint64_t handshake_attempts; /* since the last completed handshake */

	/* handshake */
	uint8_t public_key[ADIT_KEY_LEN];
	uint8_t *static_static; /* secret; NULL until first used */
	uint8_t *psk;		/* secret; NULL = zeros */
	struct wg_handshake *handshake;
	struct wg_endpoints *endpoints;
	uint32_t static_identity; /* generation of our private key static_static belongs to */
	bool low_order;		  /* static_static would be all zero */
	bool psk_missing;	  /* set, but there was no memory for it */
	uint8_t latest_timestamp[WG_TIMESTAMP_LEN]; /* accepted */
	uint64_t sent_timestamp; /* see noise.c */
	struct wg_cookie cookie;

	struct adit_list allowed; /* struct wg_allowedip */
};

/* With its places in two tables (two slots of 16 bytes each at worst a quarter
 * full: 256 bytes) and one allowed IP: at most 1 KiB. */
static_assert(sizeof(struct adit_wg_peer) <= 704, "an idle peer costs at most 1 KiB");

/* A stamp before everything. */
#define WG_LONG_AGO (INT64_MIN / 2)

/* The precomputed DH(static, static), made at first use; NULL for a low-order
 * public key, without an identity, or out of memory. */
const uint8_t *wg_peer_static_static(struct adit_wg *wg, struct adit_wg_peer *peer);
/* Forgets what the last private key made: secret, pending handshake, right to send. */
void wg_peer_forget_identity(struct adit_wg *wg, struct adit_wg_peer *peer);
/* Where to send to: the endpoint, without a sticky source that has become stale. */
const struct adit_path *wg_peer_path(const struct adit_wg *wg, struct adit_wg_peer *peer);
/* Authenticated traffic came from here: that is where the peer is now. */
void wg_peer_heard(struct adit_wg *wg, struct adit_wg_peer *peer, const struct adit_path *path);
/* Stops everything that goes on with the peer: device down, removal. */
void wg_peer_stop(struct adit_wg *wg, struct adit_wg_peer *peer);
/* Drops what is staged, each packet counted under `drop`. */
void wg_unstage(struct adit_wg *wg, struct adit_wg_peer *peer, enum adit_drop drop);
/* Staged packets may leave if there is a session: puts the peer on the ready list. */
void wg_peer_ready(struct adit_wg *wg, struct adit_wg_peer *peer, adit_time now);
bool wg_peer_key_equal(const void *item, const void *key);

#endif
