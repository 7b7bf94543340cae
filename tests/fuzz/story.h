/* SPDX-License-Identifier: ISC */
/* story.h - what a byte of a script means in the simulator, whatever the core */
#ifndef ADIT_TESTS_FUZZ_STORY_H
#define ADIT_TESTS_FUZZ_STORY_H

#include "sim/world.h"

static inline adit_time story_duration(uint8_t arg)
{
	static const adit_time unit[] = { ADIT_MSEC / 10, 10 * ADIT_MSEC, ADIT_SEC, 10 * ADIT_SEC };

	return (arg & 63) * unit[arg >> 6];
}

static inline void story_set_link(struct world *w, uint8_t arg)
{
	w->link = (struct link_quality){ .delay = (1 + (arg & 3) * 100) * ADIT_MSEC };
	w->link.loss = arg & 4 ? 300 : 0;
	w->link.dup = arg & 8 ? 300 : 0;
	w->link.corrupt = arg & 16 ? 200 : 0;
	w->link.reorder = arg & 32 ? 500 : 0;
	w->link.jitter = ADIT_SEC;
	w->link.down = arg >= 0xf0;
}

static inline void story_replay(struct world *w, uint8_t arg)
{
	const struct datagram *d;
	struct adit_path from;

	if (w->captured_cnt == 0)
		return;
	d = w->captured[w->captured_cnt - 1 - arg % w->captured_cnt];
	from = world_attacker(w, d->to.kind);
	world_replay(w, d, arg & 0x80 ? &from : NULL, arg >> 5 & 3, w->now);
}

#endif
