/* SPDX-License-Identifier: ISC */
/*
 * plan.h - what shall be changed on this machine, as plain data. A plan is
 * made first, whole; then journalled, applied and verified (apply.h), and
 * later undone from the journal by a program that knows nothing else.
 * Order is the order of applying; undoing goes backwards.
 */
#ifndef ADIT_HOST_PLAN_H
#define ADIT_HOST_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

#define ADIT_IFNAME_LEN     16 /* with the NUL, as IFNAMSIZ */
#define ADIT_PLAN_STEPS_MAX 1048576u

enum adit_step_kind {
	ADIT_STEP_TUN, /* a TUN that the plan's owner makes; undone by deleting it */
	ADIT_STEP_MTU,
	ADIT_STEP_ADDR, /* prefix, host bits kept */
	ADIT_STEP_UP,
	ADIT_STEP_ROUTE, /* prefix, by the link, in table */
};

/* Fields that a kind does not use are zero. */
struct adit_step {
	uint8_t kind; /* enum adit_step_kind */
	char ifname[ADIT_IFNAME_LEN];
	struct adit_prefix prefix;
	uint32_t table; /* 254 = main */
	uint32_t mtu;
};

struct adit_plan {
	char name[ADIT_IFNAME_LEN]; /* of the journal */
	struct adit_step *steps;
	size_t cnt, cap;
};

/* A name the kernel takes for a link and that is a plain file name: 1 to 15 of
 * A-Z a-z 0-9 _ = + . -, and not "." or "..". */
bool adit_ifname_valid(const char *name);

void adit_plan_init(struct adit_plan *plan, const char *name);
void adit_plan_fini(struct adit_plan *plan);
/* Copies the step. Returns 0, -ENOMEM, or -E2BIG. */
int adit_plan_add(struct adit_plan *plan, const struct adit_step *step);

#define ADIT_STEP_STRLEN 128
/* One line without a newline: "route wg0 10.0.0.0/8 254". Returns buf. */
char *adit_step_format(const struct adit_step *step, char buf[ADIT_STEP_STRLEN]);
/* Reads such a line. Returns 0 or -EINVAL. */
int adit_step_parse(struct adit_step *ret, const char *line);

#endif
