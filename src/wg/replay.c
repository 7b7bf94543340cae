/* SPDX-License-Identifier: ISC */
/* replay.c - sliding window against replayed counters (RFC 6479) */
#include "wg/replay.h"

#include <stdlib.h>
#include <string.h>

static uint64_t *word_of(struct wg_replay *r, uint64_t counter)
{
	return &r->bits[(counter / 64) % WG_REPLAY_WORDS];
}

/* The bitmap that says "all below next were seen". Words ahead of the one
 * being filled hold nonsense until slide() clears them. */
static bool fill(struct wg_replay *r)
{
	r->bits = malloc(WG_REPLAY_WORDS * sizeof(*r->bits));
	if (!r->bits)
		return false;
	if (r->next == 0) {
		memset(r->bits, 0, WG_REPLAY_WORDS * sizeof(*r->bits));
		return true;
	}
	memset(r->bits, 0xff, WG_REPLAY_WORDS * sizeof(*r->bits));
	*word_of(r, r->next - 1) = ~UINT64_C(0) >> (63 - (r->next - 1) % 64);
	return true;
}

/* Enters the words between the highest counter so far and this one. */
static void slide(struct wg_replay *r, uint64_t counter)
{
	uint64_t top = r->next ? (r->next - 1) / 64 : 0;
	uint64_t steps = counter / 64 - top;

	if (steps > WG_REPLAY_WORDS)
		steps = WG_REPLAY_WORDS;
	for (uint64_t i = 1; i <= steps; i++)
		r->bits[(top + i) % WG_REPLAY_WORDS] = 0;
	r->next = counter + 1;
}

bool wg_replay_judge(struct wg_replay *r, uint64_t counter, struct wg_replay_gap *gap)
{
	uint64_t *word, bit = UINT64_C(1) << counter % 64;

	if (counter >= WG_REJECT_AFTER_MESSAGES)
		return false;
	if (!r->bits && (counter < r->next || !fill(r)))
		return false;
	if (counter >= r->next) {
		gap->lost = counter - r->next;
		slide(r, counter);
	} else if (r->next - 1 - counter > WG_REPLAY_WINDOW) {
		return false;
	} else {
		gap->reordered = true;
	}
	word = word_of(r, counter);
	if (*word & bit)
		return false;
	*word |= bit;
	return true;
}

void wg_replay_fini(struct wg_replay *r)
{
	free(r->bits);
	r->bits = NULL;
}
