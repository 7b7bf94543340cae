/* SPDX-License-Identifier: ISC */
/* apply.c - whole plans on this machine: apply, verify, undo */
#include "host/apply.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void adit_host_init(struct adit_host *h, struct adit_netlink *nl)
{
	memset(h, 0, sizeof(*h));
	h->nl = nl;
}

void adit_host_fini(struct adit_host *h)
{
	adit_nft_close(h->nft);
	h->nft = NULL;
}

/* As adit_step_intact, but 1 too for what is not to be fought for. */
static int settled(struct adit_host *h, const struct adit_machine *m, const struct adit_step *step,
		   const struct adit_plan *plan)
{
	const struct adit_step *before;
	int intact = adit_step_intact(h, m, step, plan);

	if (intact != -ESTALE || !h->before)
		return intact;
	before = adit_step_index_find(h->before, step);
	return before && adit_step_equal(before, step) ? 1 : intact;
}

int adit_host_apply(struct adit_host *h, const struct adit_plan *plan, bool (*stop)(void), char *err,
		    size_t err_len)
{
	struct adit_machine m;
	size_t i;
	int r = adit_machine_read(&m, h->nl);

	if (r) {
		snprintf(err, err_len, "cannot read the machine: %s", strerror(-r));
		return r;
	}
	for (i = 0; i < plan->cnt && !r; i++) {
		const struct adit_step *step = &plan->steps[i];

		if (stop && stop()) {
			snprintf(err, err_len, "interrupted");
			r = -EINTR;
		} else if (step->kind == ADIT_STEP_TUN || settled(h, &m, step, plan) != 1) {
			r = adit_step_apply(h, step, plan, err, err_len);
		}
	}
	adit_machine_fini(&m);
	return r;
}

static void say_missing(const struct adit_step *step, int intact, char *err, size_t err_len)
{
	char line[ADIT_STEP_STRLEN];

	snprintf(err, err_len, "%s: %s", adit_step_format(step, line),
		 intact < 0 ? strerror(-intact) : "it is not there after it was made");
}

int adit_host_verify(struct adit_host *h, const struct adit_plan *plan, char *err, size_t err_len)
{
	struct adit_machine m;
	size_t i;
	int intact, r = adit_machine_read(&m, h->nl);

	if (r) {
		snprintf(err, err_len, "cannot read back %s: %s", plan->name, strerror(-r));
		return r;
	}
	for (i = 0; i < plan->cnt && !r; i++) {
		intact = settled(h, &m, &plan->steps[i], plan);
		if (intact == 1)
			continue;
		say_missing(&plan->steps[i], intact, err, err_len);
		r = -ESTALE;
	}
	adit_machine_fini(&m);
	return r;
}

/* What is left of the plan shrinks from its end; guards are worked out from it. */
int adit_host_undo(struct adit_host *h, const struct adit_plan *plan, char *err, size_t err_len)
{
	struct adit_plan left = *plan;
	char again[256];
	int r, first = 0;

	while (left.cnt > 0) {
		left.cnt--;
		r = adit_step_undo(h, &plan->steps[left.cnt], &left, first ? again : err,
				   first ? sizeof(again) : err_len);
		if (!first)
			first = r;
	}
	return first;
}
