/* SPDX-License-Identifier: ISC */
/*
 * uapi.h - one connection of WireGuard's cross-platform control protocol
 * (wireguard.com/xplatform), without I/O: bytes in, calls on an apply
 * interface, reply bytes out. Memory is constant whatever comes in.
 *
 * DOC: the protocol
 *
 * A request is `set=1` or `get=1`, lines of key=value, and an empty line. The
 * reply ends with `errno=N` and an empty line; N is negative in the reply to a
 * set and positive in the reply to a get, because that is what wg(8) turns
 * into the right message. A set is applied line by line; the first line that
 * fails is answered at once, what came before stays applied, and the rest of
 * the request is skipped. Requests may follow one another. An unknown request
 * or an endless line ends the connection.
 *
 * A get carries our own keys too: all begin with `adit_`, stand after the
 * standard keys of the device and of each peer, and are left out when zero.
 * Other programs ignore keys they do not know.
 */
#ifndef ADIT_DEVICE_UAPI_H
#define ADIT_DEVICE_UAPI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/path.h"
#include "base/time.h"
#include "tunnel/tunnel.h"
#include "wg/wg.h"

#define ADIT_UAPI_LINE_MAX   1000 /* longest line; the longest sensible one has about 100 bytes */
#define ADIT_UAPI_HOLD_PEERS 256  /* a set keeps the device for so many peers */
#define ADIT_UAPI_HOLD_LINES 512  /* ... and so many lines at most */
#define ADIT_UAPI_SLICE      64   /* a get gathers so many peers at a time */

struct adit_uapi_device {
	uint8_t private_key[ADIT_KEY_LEN]; /* zeros: none */
	uint16_t listen_port;
	uint32_t fwmark;
	struct adit_tunnel_stats tunnel;
	struct adit_wg_stats wg;
};

struct adit_uapi_slice {
	adit_time now;
	size_t cnt;
	struct adit_wg_peer_info peer[ADIT_UAPI_SLICE];
	size_t allowed_end[ADIT_UAPI_SLICE]; /* where peer k's allowed IPs end in allowed[] */
	struct adit_prefix *allowed;
	size_t allowed_cap;
};

/* What the protocol is applied to. All int results: 0 or -errno. */
struct adit_uapi_ops {
	/* Everything about a peer below is called between these two. */
	void (*hold)(void *user);
	void (*release)(void *user);

	/* set, the device; outside a hold (they take it themselves, in slices) */
	int (*private_key)(void *user, const uint8_t key[ADIT_KEY_LEN]);
	int (*listen_port)(void *user, uint16_t port);
	int (*fwmark)(void *user, uint32_t mark);
	int (*replace_peers)(void *user);

	/* set, a peer: find or add makes it the one the others mean, until the hold ends */
	bool (*peer_find)(void *user, const uint8_t public_key[ADIT_KEY_LEN]);
	int (*peer_add)(void *user, const uint8_t public_key[ADIT_KEY_LEN]); /* -EADDRINUSE: our own key */
	void (*peer_remove)(void *user);
	void (*peer_psk)(void *user, const uint8_t psk[ADIT_KEY_LEN]);
	void (*peer_endpoint)(void *user, const struct adit_path *path);
	void (*peer_keepalive)(void *user, uint16_t seconds);
	void (*peer_replace_allowed)(void *user);
	int (*peer_allow)(void *user, const struct adit_prefix *prefix);
	void (*peer_disallow)(void *user, const struct adit_prefix *prefix);

	/* get; outside a hold. peers: the next slice, lent until the next call; its
	 * secrets are wiped by the caller. *ret with cnt == 0 is the end. close is
	 * called once for each open. */
	void (*device)(void *user, struct adit_uapi_device *ret);
	void (*peers_open)(void *user);
	int (*peers)(void *user, struct adit_uapi_slice **ret);
	void (*peers_close)(void *user);
};

struct adit_uapi;

int adit_uapi_new(struct adit_uapi **ret, const struct adit_uapi_ops *ops, void *user);
void adit_uapi_free(struct adit_uapi *u); /* NULL is fine */

/* Takes bytes from the client, written to while they are parsed; the caller
 * wipes them. Returns how many were taken: less than len while a reply is
 * waiting to be taken, all of them once the connection is closing. */
size_t adit_uapi_feed(struct adit_uapi *u, char *buf, size_t len);
/* The client will send no more. */
void adit_uapi_eof(struct adit_uapi *u);
/* The next reply bytes, or NULL when there are none now. A get makes its next
 * slice here, so what is pending never grows past one. */
const char *adit_uapi_reply(struct adit_uapi *u, size_t *len);
/* So many of them have been sent. */
void adit_uapi_sent(struct adit_uapi *u, size_t len);
/* No further request will be answered: close after the pending reply. */
bool adit_uapi_closing(const struct adit_uapi *u);
/* In the middle of a request or reply? */
bool adit_uapi_busy(const struct adit_uapi *u);

#endif
