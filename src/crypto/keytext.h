/* SPDX-License-Identifier: ISC */
/*
 * keytext.h - 32-byte keys as text: base64 for people and files, hex for the
 * UAPI. Time and memory accesses do not depend on the key.
 */
#ifndef ADIT_CRYPTO_KEYTEXT_H
#define ADIT_CRYPTO_KEYTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/crypto.h"

#define ADIT_KEY_BASE64_LEN 44
#define ADIT_KEY_HEX_LEN    64

/* Writes 44 characters and a zero. */
void adit_key_to_base64(char out[ADIT_KEY_BASE64_LEN + 1], const uint8_t key[ADIT_KEY_LEN]);
/* Strict: exactly 44 characters, the last one '=', no stray bits. On false, key is zero. */
bool adit_key_from_base64(uint8_t key[ADIT_KEY_LEN], const char *text, size_t len);
/* Writes 64 lower-case digits and no zero. */
void adit_key_to_hex(char out[ADIT_KEY_HEX_LEN], const uint8_t key[ADIT_KEY_LEN]);
/* Exactly 64 digits of either case. On false, key is zero. */
bool adit_key_from_hex(uint8_t key[ADIT_KEY_LEN], const char *text, size_t len);

#endif
