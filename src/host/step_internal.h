/* SPDX-License-Identifier: ISC */
/* step_internal.h - what applying, checking and undoing one step share (step*.c) */
#ifndef ADIT_HOST_STEP_INTERNAL_H
#define ADIT_HOST_STEP_INTERNAL_H

#include "host/apply.h"

/* What the step is for the kernel; index 0: unreachable. */
struct adit_route step_route(const struct adit_step *s, unsigned index);
struct adit_rule step_rule(const struct adit_step *s);

/* A link's name that somebody else has taken meanwhile is not ours to touch: -EEXIST. */
int step_check_tun(const struct adit_link *link);
/* The step of another plan, or of what is left of this one, that wants the same thing of the machine;
 * NULL: nobody. */
const struct adit_step *step_find_other(const struct adit_host *h, const struct adit_step *step,
					const struct adit_plan *left);

int step_need_nft(struct adit_host *h);

struct step_guards {
	const struct adit_step **item;
	size_t cnt;
};
/* Those of all plans in force, this one's as it shall be. Free the items in either case. */
int step_guards(struct step_guards *g, const struct adit_host *h, const struct adit_plan *plan);
int step_set_guards(struct adit_host *h, const struct adit_plan *plan);

/* Returns r, and where it is an error says so, with what the kernel said. */
int step_say(struct adit_host *h, const struct adit_step *step, const char *what, int r, char *err, size_t err_len);

#endif
