/* SPDX-License-Identifier: ISC */
/*
 * replay.h - sliding window against replayed counters (RFC 6479), 8192 bits of
 * which 8128 can be relied on.
 *
 * While counters arrive without a gap, everything below `next` has been seen
 * and nothing else has: `next` alone is the window. The bitmap is allocated at
 * the first gap and filled from that fact.
 */
#ifndef ADIT_WG_REPLAY_H
#define ADIT_WG_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "wg/message.h"

#define WG_REPLAY_BITS	 8192
#define WG_REPLAY_WORDS	 (WG_REPLAY_BITS / 64)
#define WG_REPLAY_WINDOW (WG_REPLAY_BITS - 64) /* the word being filled is not part of it */

struct wg_replay {
	uint64_t next;	/* highest counter accepted, plus one */
	uint64_t *bits; /* NULL: no gap so far */
};

/* What an accepted counter says about the path. */
struct wg_replay_gap {
	uint64_t lost;	/* counters skipped, which may still come */
	bool reordered; /* this one had been skipped */
};

/* Only for a message that has authenticated: a forged one must not move the
 * window. Returns false for a counter seen before or too old, or (out of
 * memory at the first gap) one that cannot be judged. */
bool wg_replay_judge(struct wg_replay *r, uint64_t counter, struct wg_replay_gap *gap);
static inline bool wg_replay_accept(struct wg_replay *r, uint64_t counter, struct wg_replay_gap *gap)
{
	gap->lost = 0;
	gap->reordered = false;
	if (!r->bits && counter == r->next && counter < WG_REJECT_AFTER_MESSAGES) {
		r->next++;
		return true;
	}
	return wg_replay_judge(r, counter, gap);
}
void wg_replay_fini(struct wg_replay *r);

#endif
