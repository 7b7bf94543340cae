/* SPDX-License-Identifier: ISC */
/* seq.h - comparison of TCP sequence numbers, modulo 2^32 (RFC 9293 3.4) */
#ifndef ADIT_NETSTACK_SEQ_H
#define ADIT_NETSTACK_SEQ_H

#include <stdbool.h>
#include <stdint.h>

static inline bool seq_lt(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

static inline bool seq_le(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) <= 0;
}

static inline uint32_t seq_max(uint32_t a, uint32_t b)
{
	return seq_lt(a, b) ? b : a;
}

static inline uint32_t seq_min(uint32_t a, uint32_t b)
{
	return seq_lt(a, b) ? a : b;
}

#endif
