/* SPDX-License-Identifier: ISC */
/*
 * session.h - a session (the paper's transport data keypair), and the three
 * slots a peer has for them.
 *
 * DOC: the life of a session
 *
 * An initiator's session becomes `current` when the response comes. A
 * responder's begins as `next`: it receives at once but must not send until
 * the first authenticated data message shows that the initiator has the keys
 * too; that promotes it to `current`. The one it replaces stays as `previous`
 * for what is still on the way. All three receive; only current sends.
 *
 * A session is referenced by its slot and by every train between begin and
 * done. Leaving the slot clears `peer`, so that done drops the train; the last
 * reference wipes it. It lives whole in secret memory.
 */
#ifndef ADIT_WG_SESSION_H
#define ADIT_WG_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"
#include "crypto/crypto.h"
#include "wg/replay.h"

struct adit_wg;
struct adit_wg_peer;

/* What a receiver index can stand for. First member of both. */
enum wg_indexed_kind { WG_INDEXED_HANDSHAKE, WG_INDEXED_SESSION };
struct wg_indexed {
	uint32_t index;
	uint8_t kind; /* enum wg_indexed_kind */
	struct adit_wg_peer *peer; /* NULL: a session that has left its slot */
};

struct wg_session {
	struct wg_indexed id;
	uint32_t remote_index;
	uint32_t refs;
	uint8_t send_key[ADIT_KEY_LEN]; /* read by seal, on any thread */
	uint8_t receive_key[ADIT_KEY_LEN]; /* read by open, on any thread */
	uint64_t send_counter; /* next to be used */
	struct wg_replay replay;
	adit_time born;
	uint32_t identity; /* generation of our private key it was made with */
	bool initiator;
	bool may_send;
};

/* Not yet in a slot; one reference. The index is not yet in the table. */
struct wg_session *wg_session_new(void);
void wg_session_put(struct wg_session *s);
/* May still send at `now`: age, count and identity allow it. */
bool wg_session_can_send(const struct adit_wg *wg, const struct wg_session *s, unsigned cnt, adit_time now);
bool wg_session_expired(const struct wg_session *s, adit_time now);

/* Puts a new session where it belongs (see above); takes over the reference. */
void wg_session_install(struct adit_wg *wg, struct adit_wg_peer *peer, struct wg_session *s);
/* Authenticated data came on s: promotes it if it is next; true if it did. */
bool wg_session_confirm(struct adit_wg *wg, struct adit_wg_peer *peer, struct wg_session *s);
/* Empties one slot, or all three. */
void wg_session_drop(struct adit_wg *wg, struct wg_session **slot);
void wg_sessions_drop(struct adit_wg *wg, struct adit_wg_peer *peer);

/* The device's table of receiver indices. */
struct wg_indexed *wg_index_find(const struct adit_wg *wg, uint32_t index);
/* Gives id a fresh random index. 0 or -ENOMEM. */
int wg_index_insert(struct adit_wg *wg, struct wg_indexed *id);
/* Under the index it already has, which must be free. */
int wg_index_adopt(struct adit_wg *wg, struct wg_indexed *id);
void wg_index_remove(struct adit_wg *wg, struct wg_indexed *id);
/* Puts `to` in the place of `from`, with its index. 0 or -ENOMEM. */
int wg_index_replace(struct adit_wg *wg, struct wg_indexed *from, struct wg_indexed *to);
bool wg_indexed_equal(const void *item, const void *key);

#endif
