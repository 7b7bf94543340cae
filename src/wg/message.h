/* SPDX-License-Identifier: ISC */
/*
 * message.h - the four messages of WireGuard (whitepaper 5.4) as they stand on
 * the wire. Every field is an array of bytes, so the structures have no
 * padding, no alignment and no byte order; integers are read with base/bytes.h.
 */
#ifndef ADIT_WG_MESSAGE_H
#define ADIT_WG_MESSAGE_H

#include <assert.h>
#include <stdint.h>

#include "base/time.h"
#include "crypto/crypto.h"

/* A little-endian u32: the three reserved bytes behind the type must be zero. */
enum wg_message_type {
	WG_INITIATION = 1,
	WG_RESPONSE = 2,
	WG_COOKIE = 3,
	WG_DATA = 4, /* ADIT_WG_DATA_TYPE */
};

#define WG_TIMESTAMP_LEN 12

struct wg_macs {
	uint8_t mac1[ADIT_COOKIE_LEN];
	uint8_t mac2[ADIT_COOKIE_LEN];
};

struct wg_initiation {
	uint8_t type[4];
	uint8_t sender[4];
	uint8_t ephemeral[ADIT_KEY_LEN];
	uint8_t static_key[ADIT_KEY_LEN + ADIT_TAG_LEN];
	uint8_t timestamp[WG_TIMESTAMP_LEN + ADIT_TAG_LEN];
	struct wg_macs macs;
};

struct wg_response {
	uint8_t type[4];
	uint8_t sender[4];
	uint8_t receiver[4];
	uint8_t ephemeral[ADIT_KEY_LEN];
	uint8_t empty[ADIT_TAG_LEN];
	struct wg_macs macs;
};

struct wg_cookie_reply {
	uint8_t type[4];
	uint8_t receiver[4];
	uint8_t nonce[ADIT_XNONCE_LEN];
	uint8_t cookie[ADIT_COOKIE_LEN + ADIT_TAG_LEN];
};

struct wg_data_head {
	uint8_t type[4];
	uint8_t receiver[4];
	uint8_t counter[8];
};

static_assert(sizeof(struct wg_initiation) == 148, "initiation");
static_assert(sizeof(struct wg_response) == 92, "response");
static_assert(sizeof(struct wg_cookie_reply) == 64, "cookie reply");
static_assert(sizeof(struct wg_data_head) == 16, "data");

#define WG_HANDSHAKE_MAX sizeof(struct wg_initiation)
#define WG_DATA_MIN	 (sizeof(struct wg_data_head) + ADIT_TAG_LEN)

/* Outer TOS of initiations and responses: AF41, so that a busy link does not
 * starve them. Cookie replies go with 0. */
#define WG_HANDSHAKE_TOS 0x88

/* Constants of whitepaper 6.1 and of the Linux kernel. */
#define WG_REKEY_AFTER_MESSAGES	 (UINT64_C(1) << 60)
#define WG_REJECT_AFTER_MESSAGES (UINT64_MAX - 8128 - 1) /* 2^64 - window - 2, see replay.h */
#define WG_REKEY_AFTER_TIME	 (120 * ADIT_SEC)
#define WG_REJECT_AFTER_TIME	 (180 * ADIT_SEC)
#define WG_REKEY_TIMEOUT	 (5 * ADIT_SEC)
#define WG_REKEY_JITTER_MAX_MS	 334 /* 0..333 ms */
#define WG_KEEPALIVE_TIMEOUT	 (10 * ADIT_SEC)
#define WG_HANDSHAKE_RETRIES_MAX 18 /* 20 initiations in all: 90 s of trying */
#define WG_INITIATION_INTERVAL	 (20 * ADIT_MSEC)
#define WG_COOKIE_MAX_AGE	 (120 * ADIT_SEC)
#define WG_COOKIE_LATENCY	 (5 * ADIT_SEC)

#endif
