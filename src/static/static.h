/* SPDX-License-Identifier: ISC */
/*
 * static.h - the static tunnel: encrypted IP over UDP between fixed peers, as
 * a sans-I/O core. Bytes in, bytes out, `now` as the last argument, randomness
 * and small messages through ops. The formats are in static/message.h and
 * doc/static.md; what neither has is forward secrecy.
 *
 * DOC: v1
 *
 * A datagram is a random nonce and the packet sealed under the X25519 secret
 * of the two keys. The sender is who is at the source address; with roaming, an
 * unknown source is tried against every peer, as far as a limit allows. There
 * is no protection against replay, and a key may seal 2^32 packets, ever: so
 * somebody keeps the count where a restart does not lose it. The core seals
 * only what it was granted, and asks for more in time (adit_static_v1_grant).
 *
 * DOC: v2
 *
 * Two messages make a session. Each carries a fresh salt of its sender, an
 * index by which its sender finds the session again, and a tag under a key that
 * only these two peers have; the answer echoes the hello's salt. Both salts go
 * into the session's keys, one for each direction. So whoever seals under them
 * has seen one's own salt: nothing recorded before is accepted.
 *
 * Who said hello sends on the session at once. Who answered keeps it aside (an
 * old hello can be sent again by anybody) until the first authentic data on it,
 * and only then does it replace the one in use.
 *
 * A hello is sent when there is data and no session, when what was sent got
 * nothing back for 1.5 s (whoever receives data and has none to send back,
 * sends a keepalive after 0.5 s), and when data with an unknown index comes
 * from a peer's address: so either end may restart at any time.
 *
 * DOC: threads
 *
 * As in wg/wg.h: one owner at a time, but for seal and open, which are pure
 * functions of a train between begin and done.
 */
#ifndef ADIT_STATIC_STATIC_H
#define ADIT_STATIC_STATIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/drop.h"
#include "base/path.h"
#include "base/time.h"
#include "base/train.h"
#include "crypto/crypto.h"

#define ADIT_STATIC_V1_HEAD 12
#define ADIT_STATIC_V2_HEAD 16
#define ADIT_STATIC_V2_DATA_TYPE 0x23 /* the first byte of a data message; the receiver's index is at 4 */
#define ADIT_STATIC_V1_LIMIT (UINT64_C(1) << 32) /* packets a key may seal, ever */
#define ADIT_STATIC_V1_BLOCK (UINT64_C(1) << 20) /* what is asked for at a time: a crash may lose so much of the key */

struct adit_static;
struct adit_static_peer;

enum adit_static_wire { ADIT_STATIC_V1 = 1, ADIT_STATIC_V2 = 2 };

enum adit_static_event {
	ADIT_STATIC_SESSION,   /* v2: an exchange completed */
	ADIT_STATIC_ENDPOINT,  /* the peer was heard, authenticated, from another path */
	ADIT_STATIC_GAVE_UP,   /* v2: 90 s of hellos without an answer */
	ADIT_STATIC_STALE,     /* nothing heard for the peer timeout; the endpoint is the configured one again */
	ADIT_STATIC_BACK,      /* heard again after that */
	ADIT_STATIC_BAD,       /* under its name came what does not open, or no packet of its own; told once a minute */
	ADIT_STATIC_KEY_HALF,  /* v1: the key has sealed 2^31 packets; told once a life */
	ADIT_STATIC_KEY_END,   /* v1: 2^32; it seals no more */
	ADIT_STATIC_KEY_GRANT, /* v1: asks for adit_static_v1_grant; once until that is called */
};

struct adit_static_ops {
	void (*random)(void *user, void *buf, size_t len);
	/* Sends one small message soon. buf is lent for the call. Called from adit_static_in_begin and _tick only. */
	void (*send)(void *user, const struct adit_path *path, const uint8_t *msg, size_t len, uint8_t tos);
	/* Optional. Must not call back into the core. */
	void (*event)(void *user, enum adit_static_event event, const struct adit_static_peer *peer);
	/* Optional: see struct adit_wg_ops. */
	void (*dropped)(void *user, bool out, enum adit_drop drop, const uint8_t *packet, size_t len);
};

/* crypto: the owner's context, lent for the tunnel's life. Starts down, without a key. 0 or -ENOMEM. */
int adit_static_new(struct adit_static **ret, enum adit_static_wire wire, const struct adit_static_ops *ops, void *user,
		    struct adit_crypto *crypto, adit_time now);
/* Where events go from now on, in the place of ops->event: for who did not make the tunnel by himself. */
void adit_static_on_event(struct adit_static *st,
			  void (*event)(void *user, enum adit_static_event event, const struct adit_static_peer *peer),
			  void *user);
/* Wipes and frees everything. No train may be between begin and done. NULL is fine. */
void adit_static_free(struct adit_static *st);

/* --- life of a packet: as the calls of the same names in wg/wg.h ------------ */

size_t adit_static_wire_len(const struct adit_static *st, size_t len);
int adit_static_out_begin(struct adit_static *st, struct adit_train *t, adit_time now);
void adit_static_out_done(struct adit_static *st, struct adit_train *t, adit_time now);
int adit_static_staged_next(struct adit_static *st, struct adit_train *t, uint8_t *wire, size_t cap, adit_time now);
int adit_static_in_begin(struct adit_static *st, struct adit_train *t, adit_time now);
void adit_static_in_done(struct adit_static *st, struct adit_train *t, adit_time now);
/* seal and open need not know the tunnel, so there is one of each format. */
void adit_static_v1_seal(struct adit_crypto *c, struct adit_train *t);
void adit_static_v1_open(struct adit_crypto *c, struct adit_train *t);
void adit_static_v2_seal(struct adit_crypto *c, struct adit_train *t);
void adit_static_v2_open(struct adit_crypto *c, struct adit_train *t);

adit_time adit_static_deadline(struct adit_static *st);
void adit_static_tick(struct adit_static *st, adit_time now);

/* --- the tunnel -------------------------------------------------------------- */

void adit_static_up(struct adit_static *st, adit_time now);
/* Drops what waits and forgets every v2 session. */
void adit_static_down(struct adit_static *st, adit_time now);
/* A route or a local address changed: sticky sources are found anew. */
void adit_static_forget_sources(struct adit_static *st);
/* Ours: a datagram of ours that is routed back into the tunnel is dropped. 0 = not known. */
void adit_static_set_port(struct adit_static *st, uint16_t port);
/* Before the first peer. Clamps. */
void adit_static_set_private_key(struct adit_static *st, const uint8_t key[ADIT_KEY_LEN]);
/* Do endpoints follow a peer that is heard from elsewhere? No, unless said. */
void adit_static_set_roaming(struct adit_static *st, bool roaming);
/* 0 = never stale, the default. */
void adit_static_set_peer_timeout(struct adit_static *st, adit_time timeout, adit_time now);

struct adit_static_stats {
	uint64_t drops[ADIT_DROP_CNT];
	uint64_t hellos_sent, answers_sent, sessions;
	size_t peers, staged_bytes;
};
void adit_static_stats(const struct adit_static *st, struct adit_static_stats *ret);

/* --- peers: a table that is filled once ------------------------------------- */

/* 0, -EEXIST (that key is there), -EINVAL (our own key, or a low-order point), -ENOKEY (we have none), -ENOMEM. */
int adit_static_peer_add(struct adit_static *st, struct adit_static_peer **ret, const uint8_t public_key[ADIT_KEY_LEN],
			 adit_time now);
/* The configured endpoint. 0 or -EEXIST (another peer's), -ENOMEM. */
int adit_static_peer_set_endpoint(struct adit_static *st, struct adit_static_peer *peer, const struct adit_path *path);
/* 0, -EEXIST (another peer's) or -ENOMEM. */
int adit_static_peer_allow(struct adit_static *st, struct adit_static_peer *peer, const struct adit_prefix *prefix);
/* An inner address, or prefix, of our own: no peer may send from it, not even one whose prefix contains it, so what is
 * sent back to us is dropped. 0, -EEXIST (a peer's) or -ENOMEM. */
int adit_static_own(struct adit_static *st, const struct adit_prefix *prefix);
/* v1: how many packets the key had sealed before we started: what was stored last, 0 if nothing ever was. */
void adit_static_peer_set_sealed(struct adit_static *st, struct adit_static_peer *peer, uint64_t sealed);
/*
 * v1: the key may seal until its count is `until`. Nothing before the first
 * grant. To be called once that very number is stored where neither a crash nor
 * a power cut loses it, with sealed + ADIT_STATIC_V1_BLOCK, say; ~0 is for who
 * keeps nothing. A grant is never taken back. What cannot be sealed meanwhile
 * is dropped (count_not_stored). At a clean end info.sealed itself may be stored.
 */
void adit_static_v1_grant(struct adit_static *st, struct adit_static_peer *peer, uint64_t until);

struct adit_static_peer_info {
	uint8_t public_key[ADIT_KEY_LEN];
	struct adit_path endpoint, configured;
	bool has_session, stale;
	adit_time last_rx_at, last_tx_at; /* 0 = never */
	uint64_t rx_bytes, tx_bytes;	  /* UDP payload */
	uint64_t rx_packets, tx_packets;
	uint64_t rx_lost, rx_reordered;	  /* v2: from gaps in the counters */
	uint64_t rx_bad;		  /* did not open, or was no packet of its own */
	uint64_t sealed, granted;	  /* v1: by this key, ever; how far it may go now */
	bool key_half, key_end;		  /* v1: 2^31 have been sealed; the limit is reached and it seals no more */
};
void adit_static_peer_info(const struct adit_static_peer *peer, struct adit_static_peer_info *ret);
/* Where peers are now, up to max of them; returns how many are somewhere. */
unsigned adit_static_known(const struct adit_static *st, struct adit_path *ret, unsigned max);
/* In the order they were added; NULL: the first, or the end. */
struct adit_static_peer *adit_static_peer_next(const struct adit_static *st, const struct adit_static_peer *after);

#endif
