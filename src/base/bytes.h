/* SPDX-License-Identifier: ISC */
/* bytes.h - integers in byte order, wherever they stand and however aligned; digits */
#ifndef ADIT_BASE_BYTES_H
#define ADIT_BASE_BYTES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define ADIT_BE(bits, v) (v)
#define ADIT_LE(bits, v) __builtin_bswap##bits(v)
#else
#define ADIT_BE(bits, v) __builtin_bswap##bits(v)
#define ADIT_LE(bits, v) (v)
#endif

#define ADIT_BYTES_DEFINE(order, ORDER, bits)                                                 \
	static inline uint##bits##_t adit_get_##order##bits(const void *p)                    \
	{                                                                                     \
		uint##bits##_t v;                                                             \
		memcpy(&v, p, sizeof(v));                                                     \
		return ORDER(bits, v);                                                        \
	}                                                                                     \
	static inline void adit_put_##order##bits(void *p, uint##bits##_t v)                  \
	{                                                                                     \
		v = ORDER(bits, v);                                                           \
		memcpy(p, &v, sizeof(v));                                                     \
	}

ADIT_BYTES_DEFINE(be, ADIT_BE, 16)
ADIT_BYTES_DEFINE(be, ADIT_BE, 32)
ADIT_BYTES_DEFINE(be, ADIT_BE, 64)
ADIT_BYTES_DEFINE(le, ADIT_LE, 32)
ADIT_BYTES_DEFINE(le, ADIT_LE, 64)

/* 0..15; -1: not a hexadecimal digit */
static inline int adit_hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 :
	       c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

#endif
