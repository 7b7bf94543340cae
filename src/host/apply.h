/* SPDX-License-Identifier: ISC */
/* apply.h - a plan's steps on this machine: apply, verify, undo */
#ifndef ADIT_HOST_APPLY_H
#define ADIT_HOST_APPLY_H

#include <stdbool.h>
#include <stddef.h>

#include "host/netlink.h"
#include "host/plan.h"

/*
 * In order, up to the first failure, which is named in one sentence. stop is
 * asked before each step; true ends with -EINTR (somebody pressed Ctrl-C). What
 * was done stays: undo it.
 */
int adit_host_apply(struct adit_netlink *nl, const struct adit_plan *plan, bool (*stop)(void), char *err,
		    size_t err_len);
/* Reads back what the plan says. 0, or -ESTALE and a sentence, or -errno. */
int adit_host_verify(struct adit_netlink *nl, const struct adit_plan *plan, char *err, size_t err_len);
/* Backwards; what is gone already is fine, so it may be repeated and may
 * follow an apply that broke off anywhere. Goes on after a failure; returns
 * the first one, named in err. */
int adit_host_undo(struct adit_netlink *nl, const struct adit_plan *plan, char *err, size_t err_len);

#endif
