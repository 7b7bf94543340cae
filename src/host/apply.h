/* SPDX-License-Identifier: ISC */
/*
 * apply.h - a plan's steps on this machine: apply, verify, undo
 *
 * Plans may share things (a sysctl, a rule, an unreachable route, the table of
 * guards): `others` are the other plans in force, whoever applied them. What
 * one of them wants is not undone.
 */
#ifndef ADIT_HOST_APPLY_H
#define ADIT_HOST_APPLY_H

#include <stdbool.h>
#include <stddef.h>

#include "host/difference.h"
#include "host/machine.h"
#include "host/nft.h"
#include "host/plan.h"

struct adit_host {
	struct adit_netlink *nl; /* the caller's */
	struct adit_nft *nft;    /* opened when first needed; it owns the table of guards */
	const struct adit_plan *const *others;
	size_t other_cnt;
	/* Steps that were in force before: what somebody else has taken from those is left to him. NULL: none. */
	const struct adit_step_index *before;
};
void adit_host_init(struct adit_host *h, struct adit_netlink *nl);
/* Tables of nftables stay; the guards lose their owner. */
void adit_host_fini(struct adit_host *h);

/*
 * One step, which need not be undone before it is applied with another value. plan:
 * the whole it belongs to (or what is left of it, while undoing). 0, or -errno and a
 * sentence. Undo: what is gone already is fine.
 */
int adit_step_apply(struct adit_host *h, const struct adit_step *step, const struct adit_plan *plan, char *err,
		    size_t err_len);
int adit_step_undo(struct adit_host *h, const struct adit_step *step, const struct adit_plan *left, char *err,
		   size_t err_len);
/* Is it in force? 1, 0, -ESTALE: somebody else has it now (DNS), or -errno. */
int adit_step_intact(struct adit_host *h, const struct adit_machine *m, const struct adit_step *step,
		     const struct adit_plan *plan);

/*
 * In order, up to the first failure, which is named in one sentence; what is in
 * force already is passed over. stop is asked before each step; true ends with -EINTR (somebody
 * pressed Ctrl-C). What was done stays: undo it.
 */
int adit_host_apply(struct adit_host *h, const struct adit_plan *plan, bool (*stop)(void), char *err,
		    size_t err_len);
/* Reads back what the plan says. 0, or -ESTALE and a sentence, or -errno. */
int adit_host_verify(struct adit_host *h, const struct adit_plan *plan, char *err, size_t err_len);
/* Backwards; what is gone already is fine, so it may be repeated and may
 * follow an apply that broke off anywhere. Goes on after a failure; returns
 * the first one, named in err. */
int adit_host_undo(struct adit_host *h, const struct adit_plan *plan, char *err, size_t err_len);

#endif
