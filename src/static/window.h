/* SPDX-License-Identifier: ISC */
/* window.h - sliding window against replayed counters (RFC 6479): 8192 bits, of which 8128 can be relied on */
#ifndef ADIT_STATIC_WINDOW_H
#define ADIT_STATIC_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#define STATIC_WINDOW_BITS  8192
#define STATIC_WINDOW_WORDS (STATIC_WINDOW_BITS / 64)
#define STATIC_WINDOW	    (STATIC_WINDOW_BITS - 64) /* the word being filled is not part of it */

struct static_window {
	uint64_t next; /* highest counter accepted, plus one */
	uint64_t bits[STATIC_WINDOW_WORDS];
};

/* What an accepted counter says about the path. */
struct static_gap {
	uint64_t lost;	/* counters skipped, which may still come */
	bool reordered; /* this one had been skipped */
};

/* For authentic messages only. False for a counter that was seen, is too old, or at the limit. */
bool static_window_accept(struct static_window *w, uint64_t counter, struct static_gap *gap);

#endif
