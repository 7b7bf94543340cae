/* SPDX-License-Identifier: ISC */
/* keytext.c - keys as base64 and hex, without branches or tables indexed by key material */
#include "crypto/keytext.h"

#include <string.h>

/* All ones when lo <= c <= hi, else zero. */
static int in_range(int c, int lo, int hi)
{
	return ((lo - 1 - c) & (c - hi - 1)) >> 31;
}

static char base64_digit(int v)
{
	return (char)((in_range(v, 0, 25) & ('A' + v)) | (in_range(v, 26, 51) & ('a' + v - 26)) |
		      (in_range(v, 52, 61) & ('0' + v - 52)) | (in_range(v, 62, 62) & '+') |
		      (in_range(v, 63, 63) & '/'));
}

/* The value, or something with bits above 63 set. */
static int base64_value(int c)
{
	int upper = in_range(c, 'A', 'Z'), lower = in_range(c, 'a', 'z'), digit = in_range(c, '0', '9');
	int plus = in_range(c, '+', '+'), slash = in_range(c, '/', '/');
	int bad = ~(upper | lower | digit | plus | slash) & 0x100;

	return (upper & (c - 'A')) | (lower & (c - 'a' + 26)) | (digit & (c - '0' + 52)) | (plus & 62) |
	       (slash & 63) | bad;
}

void adit_key_to_base64(char out[ADIT_KEY_BASE64_LEN + 1], const uint8_t key[ADIT_KEY_LEN])
{
	size_t i;

	for (i = 0; i < 10; i++, out += 4, key += 3) {
		out[0] = base64_digit(key[0] >> 2);
		out[1] = base64_digit((key[0] << 4 | key[1] >> 4) & 63);
		out[2] = base64_digit((key[1] << 2 | key[2] >> 6) & 63);
		out[3] = base64_digit(key[2] & 63);
	}
	out[0] = base64_digit(key[0] >> 2);
	out[1] = base64_digit((key[0] << 4 | key[1] >> 4) & 63);
	out[2] = base64_digit((key[1] << 2) & 63);
	out[3] = '=';
	out[4] = 0;
}

bool adit_key_from_base64(uint8_t key[ADIT_KEY_LEN], const char *text, size_t len)
{
	int bad = 0, v[4];
	size_t i, k;

	if (len != ADIT_KEY_BASE64_LEN || text[len - 1] != '=') {
		memset(key, 0, ADIT_KEY_LEN);
		return false;
	}
	for (i = 0; i < 11; i++) {
		size_t digits = i < 10 ? 4 : 3;

		v[3] = 0;
		for (k = 0; k < digits; k++) {
			v[k] = base64_value((unsigned char)text[4 * i + k]);
			bad |= v[k];
		}
		key[3 * i] = (uint8_t)(v[0] << 2 | (v[1] & 63) >> 4);
		key[3 * i + 1] = (uint8_t)(v[1] << 4 | (v[2] & 63) >> 2);
		if (i < 10)
			key[3 * i + 2] = (uint8_t)(v[2] << 6 | (v[3] & 63));
		else
			bad |= (v[2] & 3) << 8; /* bits past the key's end */
	}
	adit_wipe(v, sizeof(v));
	if (bad & ~63) {
		adit_wipe(key, ADIT_KEY_LEN);
		return false;
	}
	return true;
}

void adit_key_to_hex(char out[ADIT_KEY_HEX_LEN], const uint8_t key[ADIT_KEY_LEN])
{
	size_t i;

	for (i = 0; i < ADIT_KEY_HEX_LEN; i++) {
		int v = i & 1 ? key[i / 2] & 15 : key[i / 2] >> 4;

		out[i] = (char)('0' + v + (in_range(v, 10, 15) & ('a' - '0' - 10)));
	}
}

bool adit_key_from_hex(uint8_t key[ADIT_KEY_LEN], const char *text, size_t len)
{
	int bad = len != ADIT_KEY_HEX_LEN;
	size_t i;

	memset(key, 0, ADIT_KEY_LEN);
	if (bad)
		return false;
	for (i = 0; i < ADIT_KEY_HEX_LEN; i++) {
		int c = (unsigned char)text[i], lower = c | 0x20;
		int digit = in_range(c, '0', '9'), letter = in_range(lower, 'a', 'f');
		int v = (digit & (c - '0')) | (letter & (lower - 'a' + 10));

		bad |= ~(digit | letter) & 1;
		key[i / 2] = (uint8_t)(key[i / 2] << 4 | v);
	}
	if (bad)
		adit_wipe(key, ADIT_KEY_LEN);
	return !bad;
}
