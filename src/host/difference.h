/* SPDX-License-Identifier: ISC */
/*
 * difference.h - two plans of one name: which steps are new, changed, the same, no
 * longer wanted. Plans may have a million steps, so they are looked up in order.
 */
#ifndef ADIT_HOST_DIFFERENCE_H
#define ADIT_HOST_DIFFERENCE_H

#include "host/plan.h"

/* A plan's steps, sorted by what they are on the machine. */
struct adit_step_index {
	const struct adit_step **step;
	size_t cnt;
};
/* Points into the plan, which must not change meanwhile. 0 or -ENOMEM. */
int adit_step_index_init(struct adit_step_index *ret, const struct adit_plan *plan);
void adit_step_index_fini(struct adit_step_index *x);
/* The step that is the same thing (adit_step_same); NULL: there is none. */
const struct adit_step *adit_step_index_find(const struct adit_step_index *x, const struct adit_step *step);

/* Into an uninitialised plan: steps of `old` that `now` does not have just so, then all of
 * `now`: what has to be undone, wherever going from one to the other is cut short. */
int adit_plan_union(struct adit_plan *ret, const struct adit_plan *old, const struct adit_plan *now);
bool adit_plan_equal(const struct adit_plan *a, const struct adit_plan *b);

#endif
