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
#include <stdio.h>

#include "base/addr.h"

#define ADIT_IFNAME_LEN     16 /* with the NUL, as IFNAMSIZ */
#define ADIT_PLAN_STEPS_MAX 1048576u

/*
 * DOC: kinds of steps
 *
 * Every step belongs to the interface `ifname`. `text` is one line of words. A
 * step replaces the one in force that has the same identity (adit_step_same):
 * what may not have a gap is never undone and made again.
 *
 *   TUN          a TUN that the plan's owner makes; undone by deleting it
 *   MTU          mtu
 *   ADDR         prefix, host bits kept
 *   UP
 *   ROUTE        prefix, by the link, in table, with metric
 *   UNREACHABLE  prefix in table with metric: where no better route leads, an
 *                error to the sender and no leak
 *   RULE         ip rule, of the family of prefix: priority, table; mark with
 *                invert; suppress (prefix length, -1 none); prefix longer than 0: "to"
 *   SYSCTL       text "net/ipv4/ip_forward 1 0": path, value, what it was; undone
 *                by what it was, if it still is ours and no other plan wants it
 *   GUARD        the killswitch's share of this interface (host/guard.h)
 *   REPLIES      wg-quick's table: nothing from elsewhere to our inner addresses,
 *                replies carry mark (host/replies.h); text: the addresses
 *   GATEWAY      text: words of forward, masquerade, mss_clamp (host/gateway.h)
 *   DNS          text: backend and settings (host/dns.h)
 */
enum adit_step_kind {
	ADIT_STEP_TUN,
	ADIT_STEP_MTU,
	ADIT_STEP_ADDR,
	ADIT_STEP_UP,
	ADIT_STEP_ROUTE,
	ADIT_STEP_UNREACHABLE,
	ADIT_STEP_RULE,
	ADIT_STEP_SYSCTL,
	ADIT_STEP_GUARD,
	ADIT_STEP_REPLIES,
	ADIT_STEP_GATEWAY,
	ADIT_STEP_DNS,
	ADIT_STEP_KINDS,
};

/* Fields that a kind does not use are zero. */
struct adit_step {
	uint8_t kind; /* enum adit_step_kind */
	bool invert;  /* RULE: not the mark */
	int16_t suppress; /* RULE; -1 = none */
	char ifname[ADIT_IFNAME_LEN];
	struct adit_prefix prefix;
	uint32_t table; /* 254 = main */
	uint32_t metric, mtu, mark, priority;
	char *text; /* the plan's own copy; NULL = none */
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
/* Copies the step, and its text. Returns 0, -ENOMEM, or -E2BIG. */
int adit_plan_add(struct adit_plan *plan, const struct adit_step *step);
int adit_plan_copy(struct adit_plan *ret, const struct adit_plan *plan);

/* The same thing on the machine, whatever its value? (the same route, the same sysctl) */
bool adit_step_same(const struct adit_step *a, const struct adit_step *b);
bool adit_step_equal(const struct adit_step *a, const struct adit_step *b);

#define ADIT_STEP_STRLEN 4096
/* One line without a newline: "route wg0 10.0.0.0/8 254", cut where it is too
 * long (text alone can be). Returns buf. */
char *adit_step_format(const struct adit_step *step, char buf[ADIT_STEP_STRLEN]);
/* The same, whole, with a newline. */
void adit_step_print(FILE *out, const struct adit_step *step);
void adit_plan_print(FILE *out, const struct adit_plan *plan);
/* Reads such a line; ret->text is malloc'd. Returns 0, -EINVAL or -ENOMEM. */
int adit_step_parse(struct adit_step *ret, const char *line);

#endif
