/* SPDX-License-Identifier: ISC */
/*
 * noise.h - the handshake, Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s (whitepaper
 * 5.4.2 and 5.4.3).
 *
 * DOC: the life of a handshake
 *
 * A peer has at most one. It is allocated, in secret memory, when one begins.
 *
 *   (none) --create_initiation--> CREATED_INITIATION --consume_response--> CONSUMED_RESPONSE
 *   (any)  --consume_initiation--> CONSUMED_INITIATION --create_response--> CREATED_RESPONSE
 *
 * begin_session takes it from either of the right-hand states and frees it.
 * An initiation that comes in takes the place of a pending one of ours, so
 * that two peers who start at the same moment agree. A response counts only
 * in CREATED_INITIATION. Nothing is written to the handshake before the whole
 * message has authenticated.
 */
#ifndef ADIT_WG_NOISE_H
#define ADIT_WG_NOISE_H

#include "base/drop.h"
#include "wg/message.h"
#include "wg/session.h"

/*
 * A peer has one slot for an initiation of ours that waits for its response.
 * An initiation from the peer is answered beside it, with a handshake of its
 * own that becomes a session at once: so two initiations that cross both come
 * about, and answering an old one (a queue that stood still) costs nothing.
 * The kernel has a single slot; a far end that forgets its own is answered.
 */
enum wg_handshake_state {
	WG_CREATED_INITIATION,
	WG_CONSUMED_INITIATION,
	WG_CREATED_RESPONSE,
	WG_CONSUMED_RESPONSE,
};

struct wg_handshake {
	struct wg_indexed id; /* our sender index */
	uint8_t state;	      /* enum wg_handshake_state */
	uint32_t remote_index;
	uint32_t identity; /* generation of our private key it was begun with */
	uint8_t ephemeral[ADIT_KEY_LEN]; /* ours, private */
	uint8_t remote_ephemeral[ADIT_KEY_LEN];
	uint8_t hash[ADIT_HASH_LEN];
	uint8_t chaining_key[ADIT_HASH_LEN];
};

/* What every handshake begins with, computed once for a device. */
struct wg_noise_start {
	uint8_t chaining_key[ADIT_HASH_LEN];
	uint8_t hash[ADIT_HASH_LEN];
};
void wg_noise_start(struct adit_crypto *c, struct wg_noise_start *ret);

/* Fill in the message up to the macs. 0, -ENOKEY (no identity), -EINVAL
 * (low-order public key) or -ENOMEM. */
int wg_noise_create_initiation(struct adit_wg *wg, struct adit_wg_peer *peer, struct wg_initiation *msg);
int wg_noise_create_response(struct adit_wg *wg, struct wg_handshake *h, struct wg_response *msg);

/* ADIT_DROP_NONE, and the handshake that answers it (the caller's) or the peer
 * whose handshake has moved on; or why not. */
enum adit_drop wg_noise_consume_initiation(struct adit_wg *wg, const struct wg_initiation *msg,
					   struct wg_handshake **ret, adit_time now);
enum adit_drop wg_noise_consume_response(struct adit_wg *wg, const struct wg_response *msg,
					 struct adit_wg_peer **ret);

/* Does a handshake of ours wait for this response? Cheap; says nothing about whether it is right. */
bool wg_noise_awaits(const struct adit_wg *wg, const struct wg_response *msg);

/* Derives the session's keys, installs it and frees the handshake in any case. 0 or -ENOMEM. */
int wg_noise_begin_session(struct adit_wg *wg, struct wg_handshake *h, adit_time now);
/* What waits in the peer's slot. */
void wg_handshake_drop(struct adit_wg *wg, struct adit_wg_peer *peer);
void wg_handshake_free(struct adit_wg *wg, struct wg_handshake *h);

#endif
