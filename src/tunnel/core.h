/* SPDX-License-Identifier: ISC */
/*
 * core.h - the face behind which src/tunnel drives any core: WireGuard, the
 * static tunnel, the null core of the tests. Each slot is documented
 * where the WireGuard core declares its own (wg/wg.h).
 */
#ifndef ADIT_TUNNEL_CORE_H
#define ADIT_TUNNEL_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/drop.h"
#include "base/path.h"
#include "base/time.h"
#include "base/train.h"
#include "crypto/crypto.h"

struct adit_wg_keys;

/* What a core's ops call: `user` is the one given to create. */
void adit_core_random(void *user, void *buf, size_t len);
void adit_core_wall(void *user, struct adit_wall *ret);
void adit_core_send(void *user, const struct adit_path *path, const uint8_t *msg, size_t len, uint8_t tos);
void adit_core_keys(void *user, const struct adit_wg_keys *keys);
void adit_core_dropped(void *user, bool out, enum adit_drop drop, const uint8_t *packet, size_t len);
void adit_core_session(void *user); /* a session with a peer began: what was lost before may be sent again */

struct adit_core {
	const char *name;
	uint16_t head; /* bytes in front of a plain packet */
	uint8_t data_type; /* what a data message begins with, whose byte 4 is its receiver's index's lowest: threads
			    * share datagrams by it; 0: there is no such thing, they share them by addresses */
	int (*create)(void **ret, void *user, struct adit_crypto *crypto, adit_time now);
	void (*destroy)(void *core);
	size_t (*wire_len)(const void *core, size_t len);
	int (*out_begin)(void *core, struct adit_train *t, adit_time now);
	void (*seal)(struct adit_crypto *c, struct adit_train *t);
	void (*out_done)(void *core, struct adit_train *t, adit_time now);
	int (*staged_next)(void *core, struct adit_train *t, uint8_t *wire, size_t cap, adit_time now);
	int (*in_begin)(void *core, struct adit_train *t, adit_time now);
	void (*open)(struct adit_crypto *c, struct adit_train *t);
	void (*in_done)(void *core, struct adit_train *t, adit_time now);
	int (*work)(void *core, int max, adit_time now);
	adit_time (*deadline)(void *core);
	void (*tick)(void *core, adit_time now);
	int (*up)(void *core, int max_peers, adit_time now);
	int (*down)(void *core, int max_peers, adit_time now);
	void (*set_mtu)(void *core, unsigned mtu);
	void (*set_port)(void *core, uint16_t port); /* ours: to see our own datagrams come back */
	void (*routes_changed)(void *core); /* sticky source addresses are to be found anew */
	/* Optional. Where peers are, up to max of them; returns how many there are. What others send is
	 * refused by the kernel while they flood. */
	unsigned (*known)(const void *core, struct adit_path *ret, unsigned max);
	void (*log_keys)(void *core, bool on); /* optional: shows taps the keys of handshakes from now on (tunnel/tap.h) */
	void (*drops)(const void *core, uint64_t drops[ADIT_DROP_CNT], adit_time now); /* adds the core's own */
};

extern const struct adit_core adit_core_wg;
extern const struct adit_core adit_core_static_v1, adit_core_static_v2;

#endif
