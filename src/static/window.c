/* SPDX-License-Identifier: ISC */
/* window.c - sliding window against replayed counters */
#include "static/window.h"

#include "static/message.h"

/* Clears the words between the highest counter so far and this one. */
static void slide(struct static_window *w, uint64_t counter)
{
	uint64_t top = w->next ? (w->next - 1) / 64 : 0, steps = counter / 64 - top;

	if (steps > STATIC_WINDOW_WORDS)
		steps = STATIC_WINDOW_WORDS;
	for (uint64_t i = 1; i <= steps; i++)
		w->bits[(top + i) % STATIC_WINDOW_WORDS] = 0;
	w->next = counter + 1;
}

bool static_window_accept(struct static_window *w, uint64_t counter, struct static_gap *gap)
{
	uint64_t *word = &w->bits[counter / 64 % STATIC_WINDOW_WORDS], bit = UINT64_C(1) << counter % 64;

	gap->lost = 0;
	gap->reordered = false;
	if (counter >= STATIC_V2_LIMIT)
		return false;
	if (counter >= w->next) {
		gap->lost = counter - w->next;
		slide(w, counter);
	} else if (w->next - 1 - counter > STATIC_WINDOW) {
		return false;
	} else {
		gap->reordered = true;
	}
	if (*word & bit)
		return false;
	*word |= bit;
	return true;
}
