/* SPDX-License-Identifier: ISC */
/*
 * message.h - both wire formats of the static tunnel, byte by byte. Integers
 * are little-endian. doc/static.md says the same in words.
 *
 * v1, data:      0 nonce (12, random)
 *               12 ciphertext of one inner packet, then the tag (16)
 *
 * v2, data:      0 type (4)
 *                4 receiver's index (4)
 *                8 counter (8)
 *               16 ciphertext of one inner packet, or of nothing (a keepalive), then the tag (16)
 *
 * v2, exchange:  0 type (4): hello or answer
 *                4 sender's index (4)
 *                8 key id (8): which pair of keys, and which direction
 *               16 sender's salt (32)
 *               48 echoed salt (32) \  of an answer; a hello has zeros, so that an answer
 *               80 echoed index (4) /  is never longer than what asked for it
 *               84 tag (16): keyed BLAKE2s over the bytes before it
 */
#ifndef ADIT_STATIC_MESSAGE_H
#define ADIT_STATIC_MESSAGE_H

#include "base/time.h"
#include "crypto/crypto.h"
#include "static/static.h"

enum {
	STATIC_V1_HEAD = ADIT_NONCE_LEN,
	STATIC_V2_HEAD = 16,
};

enum static_type { STATIC_HELLO = 0x21, STATIC_ANSWER = 0x22, STATIC_DATA = ADIT_STATIC_V2_DATA_TYPE };

enum {
	STATIC_AT_INDEX = 4,
	STATIC_AT_COUNTER = 8,
	STATIC_AT_KEY_ID = 8,
	STATIC_AT_SALT = 16,
	STATIC_AT_ECHO = 48,
	STATIC_AT_ECHO_INDEX = 80,
	STATIC_AT_MAC = 84,
	STATIC_EXCHANGE_LEN = 100,
	STATIC_KEY_ID_LEN = 8,
	STATIC_SALT_LEN = 32,
	STATIC_MAC_LEN = 16,
};

/* v1: how many packets each end may seal with one key. Random nonces of 96 bits repeat with a chance of 2^-31 then. */
#define STATIC_V1_LIMIT (UINT64_C(1) << 32)
/* v2: counters at and above this are not used. */
#define STATIC_V2_LIMIT (UINT64_MAX - (UINT64_C(1) << 13))

#define STATIC_HELLO_AGAIN    ADIT_SEC         /* until it is answered */
#define STATIC_GIVE_UP	      (90 * ADIT_SEC)  /* no more hellos; what waits is dropped */
#define STATIC_TELL_BAD	      (60 * ADIT_SEC) /* at most so often of one peer */
#define STATIC_KEEPALIVE      (500 * ADIT_MSEC) /* data came, nothing went back for so long */
#define STATIC_UNANSWERED     (1500 * ADIT_MSEC) /* data went, nothing came back for so long: hello */

#endif
