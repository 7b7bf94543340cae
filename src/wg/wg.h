/* SPDX-License-Identifier: ISC */
/*
 * wg.h - the WireGuard protocol (Donenfeld, NDSS 2017) as a sans-I/O core:
 * bytes in, bytes out, `now` as the last argument, randomness, wall time and
 * handshake messages through ops. No descriptor, clock, thread, lock, log or
 * global.
 *
 * DOC: threads
 *
 * A struct adit_wg has one owner at a time: every call but adit_wg_seal and
 * adit_wg_open must be made under whatever lock the driver uses for the
 * device. seal and open are pure functions of a train that begin has prepared
 * and of the calling thread's struct adit_crypto; they may run anywhere,
 * meanwhile. A session referenced by a train lives until the train's done
 * call, even if its peer is removed in between; so begin must be followed by
 * done, and a train for a removed peer is then simply dropped (done returns
 * with all len[] = 0, or for out with train->cnt = 0: do not send it).
 *
 * Configuration calls never send: what they make due (a handshake, a
 * keepalive) is worked off by the next adit_wg_tick, for which
 * adit_wg_deadline says `now`.
 */
#ifndef ADIT_WG_WG_H
#define ADIT_WG_WG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/drop.h"
#include "base/path.h"
#include "base/time.h"
#include "base/train.h"
#include "crypto/crypto.h"

#define ADIT_WG_HEAD 16 /* message header in front of the plain packet */
#define ADIT_WG_DATA_TYPE 4 /* the first byte of a data message; the receiver's index is at 4 */
#define ADIT_WG_TAIL 16 /* tag behind it */
#define ADIT_WG_OVERHEAD 32
#define ADIT_WG_ENDPOINTS_MAX 8
#define ADIT_WG_PEERS_MAX (1u << 20)

struct adit_wg;
struct adit_wg_peer;

enum adit_wg_event {
	ADIT_WG_SESSION,       /* a handshake completed */
	ADIT_WG_ENDPOINT,      /* the peer was heard, authenticated, from another path */
	ADIT_WG_GAVE_UP,       /* 20 initiations without an answer */
	ADIT_WG_EXPIRED,       /* keys wiped after 540 s without a new session */
};

/* What it takes, besides the datagrams, to read the session that a handshake makes. */
struct adit_wg_keys {
	const uint8_t *private_key, *public_key; /* ours; the peer's */
	const uint8_t *ephemeral; /* ours, private */
	const uint8_t *psk;       /* NULL: none */
};

struct adit_wg_ops {
	void (*random)(void *user, void *buf, size_t len);
	void (*wall)(void *user, struct adit_wall *ret);
	/* Sends one small message (handshake, cookie reply, keepalive) soon. buf
	 * is lent for the call. Called from adit_wg_work, _tick and _in_done only. */
	void (*send)(void *user, const struct adit_path *path, const uint8_t *msg, size_t len, uint8_t tos);
	/* Optional. Must not call back into the core. */
	void (*event)(void *user, enum adit_wg_event event, const uint8_t public_key[ADIT_KEY_LEN],
		      const struct adit_path *path);
	/* Optional: a plain packet that is dropped, while it is still there; but for a train that out_begin
	 * refuses, which the caller has himself. Must not call back into the core. */
	void (*dropped)(void *user, bool out, enum adit_drop drop, const uint8_t *packet, size_t len);
};

/* crypto: the owner's context for handshakes and keepalives; lent for the
 * device's life and used only inside calls made by the owner. Starts down,
 * without identity, MTU 1420. Returns 0 or -ENOMEM; *ret untouched on failure. */
int adit_wg_new(struct adit_wg **ret, const struct adit_wg_ops *ops, void *user, struct adit_crypto *crypto,
		adit_time now);
/* Wipes and frees everything. No train may be between begin and done. */
void adit_wg_free(struct adit_wg *wg);

/* --- life of a packet ----------------------------------------------------- */

/* Length of the datagram that carries a plain packet of len bytes: zero
 * padding to a multiple of 16, never above the MTU (whitepaper 5.4.6; the
 * kernel's calculate_skb_padding), plus ADIT_WG_OVERHEAD. */
size_t adit_wg_wire_len(const struct adit_wg *wg, size_t len);

/* Destination of the first packet -> peer -> current session; writes path,
 * tos (ECN, RFC 3168 9.1) and the counters [c, c + cnt) into the train. Every packet of the train must have
 * the same destination address and ECN bits. Returns ADIT_SEAL, or ADIT_DONE:
 * either staged (copied; drop == 0) until a handshake it starts is done, or
 * dropped with train->drop. */
int adit_wg_out_begin(struct adit_wg *wg, struct adit_train *t, adit_time now);
void adit_wg_seal(struct adit_crypto *c, struct adit_train *t);
void adit_wg_out_done(struct adit_wg *wg, struct adit_train *t, adit_time now);

/* The next train of packets that were staged and whose session has come,
 * already begun: copied into t->wire (cap bytes there; >= ADIT_WIRE_MAX).
 * Returns ADIT_SEAL or ADIT_DONE (nothing waits). Call until ADIT_DONE after
 * each in_done, work and tick. */
int adit_wg_staged_next(struct adit_wg *wg, struct adit_train *t, uint8_t *wire, size_t cap, adit_time now);

/* Cuts the next run of data messages of one session from the receive buffer:
 * returns ADIT_OPEN with the run in t->wire/cnt/last_len, or ADIT_DONE when
 * the buffer is used up. Handshake messages on the way are checked (length,
 * mac1) and copied to the handshake queue. */
int adit_wg_in_begin(struct adit_wg *wg, struct adit_train *t, adit_time now);
void adit_wg_open(struct adit_crypto *c, struct adit_train *t);
/* Replay window, promotion of a session, timers, path, inner length, source
 * look-up, ECN. For each datagram k: t->len[k] = length of the plain packet
 * at t->wire + k * t->stride + ADIT_WG_HEAD that may be delivered, or 0. */
void adit_wg_in_done(struct adit_wg *wg, struct adit_train *t, adit_time now);

/* Works off at most max queued handshake messages; returns how many still wait. */
int adit_wg_work(struct adit_wg *wg, int max, adit_time now);
/* When adit_wg_tick is next due; ADIT_NEVER when nothing is. */
adit_time adit_wg_deadline(struct adit_wg *wg);
/* Fires the timers that are due, at most some hundred a call: if
 * adit_wg_deadline is still not after now, call again when there is time. */
void adit_wg_tick(struct adit_wg *wg, adit_time now);

/* --- device --------------------------------------------------------------- */

/* Up: handshakes and keepalives may flow. Down: staged packets dropped, timers
 * stopped, sessions wiped. Both in slices: call again while they return > 0. */
int adit_wg_up(struct adit_wg *wg, int max_peers, adit_time now);
int adit_wg_down(struct adit_wg *wg, int max_peers, adit_time now);
bool adit_wg_is_up(const struct adit_wg *wg);
/* A route or a local address changed: every peer's sticky source is forgotten
 * (by a generation number, so the cost does not grow with the peers) and found
 * anew from what the peer sends next. */
void adit_wg_forget_sources(struct adit_wg *wg);
/* The UDP port datagrams leave from (0 = not known): one that comes back into
 * the tunnel on its way to the peer it was sealed for is dropped (routing_loop). */
void adit_wg_set_port(struct adit_wg *wg, uint16_t port);
void adit_wg_set_mtu(struct adit_wg *wg, unsigned mtu);
/* Clamps. All zero = no identity. A peer with our own public key is removed;
 * send keys expire; static-static secrets are forgotten. The part that touches
 * every peer runs in slices: after the first call, repeat
 * adit_wg_private_key_continue until it returns 0. */
void adit_wg_set_private_key(struct adit_wg *wg, const uint8_t key[ADIT_KEY_LEN], adit_time now);
int adit_wg_private_key_continue(struct adit_wg *wg, int max_peers, adit_time now);
bool adit_wg_private_key(const struct adit_wg *wg, uint8_t ret[ADIT_KEY_LEN]); /* false: none */
bool adit_wg_public_key(const struct adit_wg *wg, uint8_t ret[ADIT_KEY_LEN]);
/* From now on every handshake's keys are shown as soon as there are; NULL: no more. `user` is that of the ops. What
 * log copies, it wipes; it must not call back into the core. */
void adit_wg_log_keys(struct adit_wg *wg, void (*log)(void *user, const struct adit_wg_keys *keys));

struct adit_wg_stats {
	uint64_t drops[ADIT_DROP_CNT];
	uint64_t handshakes_in, handshakes_out; /* completed as responder, as initiator */
	uint64_t initiations_sent, cookies_sent;
	size_t peers, sessions, staged_bytes;
	unsigned handshake_queue;
	bool under_load;
};
void adit_wg_stats(const struct adit_wg *wg, struct adit_wg_stats *ret, adit_time now);

/* --- peers ---------------------------------------------------------------- */

struct adit_wg_peer *adit_wg_peer_find(struct adit_wg *wg, const uint8_t public_key[ADIT_KEY_LEN]);
/* Returns 0, -EEXIST, -ENOSPC (ADIT_WG_PEERS_MAX), -ENOMEM, or -EADDRINUSE for
 * our own public key (callers that speak UAPI ignore that one silently). */
int adit_wg_peer_add(struct adit_wg *wg, struct adit_wg_peer **ret, const uint8_t public_key[ADIT_KEY_LEN],
		     adit_time now);
void adit_wg_peer_remove(struct adit_wg *wg, struct adit_wg_peer *peer, adit_time now);
/* Removes up to max of the peers that are there; returns how many are left. */
size_t adit_wg_peers_remove_some(struct adit_wg *wg, int max, adit_time now);

void adit_wg_peer_set_psk(struct adit_wg *wg, struct adit_wg_peer *peer, const uint8_t psk[ADIT_KEY_LEN]);
/* One endpoint: replaces all (NONE removes). The session goes on. */
void adit_wg_peer_set_endpoint(struct adit_wg *wg, struct adit_wg_peer *peer, const struct adit_path *path);
/* A further candidate: initiations go to all, the first authenticated answer
 * wins. -ENOSPC past ADIT_WG_ENDPOINTS_MAX, -ENOMEM. */
int adit_wg_peer_add_endpoint(struct adit_wg *wg, struct adit_wg_peer *peer, const struct adit_path *path);
/* Seconds, 0 = off. Turning it on makes a keepalive due at once. */
void adit_wg_peer_set_keepalive(struct adit_wg *wg, struct adit_wg_peer *peer, uint16_t seconds, adit_time now);
/* Host bits are masked; a prefix owned by another peer moves. 0 or -ENOMEM. */
int adit_wg_peer_allow(struct adit_wg *wg, struct adit_wg_peer *peer, const struct adit_prefix *prefix);
/* Removes the prefix if this peer owns it. */
void adit_wg_peer_disallow(struct adit_wg *wg, struct adit_wg_peer *peer, const struct adit_prefix *prefix);
/* Removes up to max; returns whether some are left. */
bool adit_wg_peer_disallow_some(struct adit_wg *wg, struct adit_wg_peer *peer, int max);
/* Makes a handshake due now (subject to the 5 s limit). */
void adit_wg_peer_handshake(struct adit_wg *wg, struct adit_wg_peer *peer, adit_time now);
/* The way out is another one now: an initiation that is unanswered is sent again at once, limit or not.
 * Not more often than once a second. */
void adit_wg_peer_hurry(struct adit_wg *wg, struct adit_wg_peer *peer, adit_time now);
/* Longest-prefix match on an address; NULL when none. */
struct adit_wg_peer *adit_wg_route(struct adit_wg *wg, const struct adit_addr *dst);

struct adit_wg_peer_info {
	uint8_t public_key[ADIT_KEY_LEN];
	uint8_t psk[ADIT_KEY_LEN]; /* zeros = none; wipe after use */
	struct adit_path endpoint;
	uint16_t keepalive;
	struct adit_wall last_handshake;  /* zeros = never */
	adit_time last_handshake_at;      /* boot time; 0 = never */
	adit_time last_rx_at, last_tx_at; /* last authenticated receive; last send; 0 = never */
	uint64_t rx_bytes, tx_bytes;      /* UDP payload, handshakes and keepalives included */
	uint64_t rx_packets, tx_packets;  /* data messages */
	uint64_t tx_keepalives;           /* those of tx_packets that carried nothing */
	uint64_t rx_lost, rx_reordered;   /* from gaps in the counters, all sessions */
	uint64_t handshake_attempts;      /* initiations since the last completed handshake */
	bool black_hole;                  /* large packets go unanswered while small ones pass */
	bool has_session;
};
void adit_wg_peer_info(const struct adit_wg *wg, const struct adit_wg_peer *peer, struct adit_wg_peer_info *ret);

/* Walks all peers in the order they were added, with pauses during which
 * peers may come and go: none that stays is left out or given twice. */
struct adit_wg_cursor {
	struct adit_wg_cursor *next; /* the device's list of open cursors */
	struct adit_wg_peer *at;     /* the peer to be given next */
	bool open;
};
void adit_wg_cursor_open(struct adit_wg *wg, struct adit_wg_cursor *c);
struct adit_wg_peer *adit_wg_cursor_next(struct adit_wg *wg, struct adit_wg_cursor *c); /* NULL: end */
void adit_wg_cursor_close(struct adit_wg *wg, struct adit_wg_cursor *c);

/* Walks a peer's allowed IPs within one hold: *pos starts as NULL; false at the end. */
bool adit_wg_peer_allowed_next(const struct adit_wg_peer *peer, const void **pos, struct adit_prefix *ret);

/* --- restart without loss ------------------------------------------------- */

/*
 * Seals a peer's current session under a key that exporter and importer share,
 * for a successor process: the importer's send counter starts far enough ahead
 * that no nonce is used twice, and its replay window accepts nothing at or
 * below the exported counter. After export the session no longer sends here.
 * Returns the length (at most ADIT_WG_EXPORT_MAX) or -ENOENT (no session).
 * import returns 0, -ENOENT (no such peer), -EBADMSG (not authentic or another
 * version), -ESTALE (the session would be expired), -EEXIST (index in use).
 */
#define ADIT_WG_EXPORT_MAX 256
int adit_wg_session_export(struct adit_wg *wg, struct adit_wg_peer *peer, const uint8_t key[ADIT_KEY_LEN],
			   uint8_t buf[ADIT_WG_EXPORT_MAX], adit_time now);
int adit_wg_session_import(struct adit_wg *wg, const uint8_t key[ADIT_KEY_LEN], const uint8_t *buf, size_t len,
			   adit_time now);

#endif
