/* SPDX-License-Identifier: ISC */
/*
 * cookie.h - mac1, mac2 and cookies (whitepaper 5.4.4 and 5.4.7): how a
 * message shows that its sender knows our public key and, under load, that it
 * receives what is sent to its address and port.
 */
#ifndef ADIT_WG_COOKIE_H
#define ADIT_WG_COOKIE_H

#include <stdbool.h>

#include "base/drop.h"
#include "base/path.h"
#include "wg/message.h"

struct adit_wg;
struct adit_wg_peer;

/* A peer's side of it: the cookie it gave us, and the last mac1 we sent it. */
struct wg_cookie {
	uint8_t last_mac1[ADIT_COOKIE_LEN];
	uint8_t cookie[ADIT_COOKIE_LEN];
	adit_time born;
	bool sent_mac1; /* since the last cookie */
	bool valid;
};

/* HASH(label || public key): the key of mac1 ("mac1----") or of cookie replies ("cookie--"). */
void wg_cookie_label_key(struct adit_crypto *c, uint8_t out[ADIT_KEY_LEN], const char label[8],
			 const uint8_t public_key[ADIT_KEY_LEN]);

/* msg: a whole message of len bytes whose last 32 are the macs. */
void wg_cookie_add_macs(struct adit_wg *wg, struct adit_wg_peer *peer, void *msg, size_t len, adit_time now);
bool wg_cookie_mac1_valid(struct adit_wg *wg, const void *msg, size_t len);
bool wg_cookie_mac2_valid(struct adit_wg *wg, const void *msg, size_t len, const struct adit_path *path,
			  adit_time now);

/* The answer to a message without a valid mac2. */
void wg_cookie_create_reply(struct adit_wg *wg, struct wg_cookie_reply *reply, const uint8_t mac1[ADIT_COOKIE_LEN],
			    const uint8_t sender[4], const struct adit_path *path, adit_time now);
enum adit_drop wg_cookie_consume_reply(struct adit_wg *wg, const struct wg_cookie_reply *reply, adit_time now);

#endif
