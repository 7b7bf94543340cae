/* SPDX-License-Identifier: ISC */
/* plan.c - changes to the machine as plain data, and their text form */
#include "host/plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const kind_names[] = {
	[ADIT_STEP_TUN] = "tun", [ADIT_STEP_MTU] = "mtu",     [ADIT_STEP_ADDR] = "addr",
	[ADIT_STEP_UP] = "up",   [ADIT_STEP_ROUTE] = "route",
};
#define KIND_CNT (sizeof(kind_names) / sizeof(kind_names[0]))

bool adit_ifname_valid(const char *name)
{
	size_t len = strlen(name);

	if (!len || len >= ADIT_IFNAME_LEN || !strcmp(name, ".") || !strcmp(name, ".."))
		return false;
	return strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_=+.-") == len;
}

void adit_plan_init(struct adit_plan *plan, const char *name)
{
	memset(plan, 0, sizeof(*plan));
	snprintf(plan->name, sizeof(plan->name), "%s", name);
}

void adit_plan_fini(struct adit_plan *plan)
{
	free(plan->steps);
	memset(plan, 0, sizeof(*plan));
}

int adit_plan_add(struct adit_plan *plan, const struct adit_step *step)
{
	if (plan->cnt == ADIT_PLAN_STEPS_MAX)
		return -E2BIG;
	if (plan->cnt == plan->cap) {
		size_t cap = plan->cap ? plan->cap * 2 : 16;
		struct adit_step *steps = realloc(plan->steps, cap * sizeof(*steps));

		if (!steps)
			return -ENOMEM;
		plan->steps = steps;
		plan->cap = cap;
	}
	plan->steps[plan->cnt++] = *step;
	return 0;
}

char *adit_step_format(const struct adit_step *step, char buf[ADIT_STEP_STRLEN])
{
	const char *kind = kind_names[step->kind];
	char prefix[ADIT_PREFIX_STRLEN];

	switch ((enum adit_step_kind)step->kind) {
	case ADIT_STEP_TUN:
	case ADIT_STEP_UP:
		snprintf(buf, ADIT_STEP_STRLEN, "%s %s", kind, step->ifname);
		break;
	case ADIT_STEP_MTU:
		snprintf(buf, ADIT_STEP_STRLEN, "%s %s %u", kind, step->ifname, step->mtu);
		break;
	case ADIT_STEP_ADDR:
		snprintf(buf, ADIT_STEP_STRLEN, "%s %s %s", kind, step->ifname,
			 adit_prefix_format(&step->prefix, prefix));
		break;
	case ADIT_STEP_ROUTE:
		snprintf(buf, ADIT_STEP_STRLEN, "%s %s %s %u", kind, step->ifname,
			 adit_prefix_format(&step->prefix, prefix), step->table);
		break;
	}
	return buf;
}

static bool read_u32(const char *text, uint32_t *ret)
{
	unsigned long long v;
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	v = strtoull(text, &end, 10);
	if (errno || *end || v > UINT32_MAX)
		return false;
	*ret = (uint32_t)v;
	return true;
}

/* Cuts a line at single blanks; returns how many words there are, more than max included. */
static size_t split(char *line, char **word, size_t max)
{
	size_t n = 0;
	char *save = NULL, *w;

	for (w = strtok_r(line, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		if (n < max)
			word[n] = w;
		n++;
	}
	return n;
}

int adit_step_parse(struct adit_step *ret, const char *line)
{
	struct adit_step step = { 0 };
	char copy[ADIT_STEP_STRLEN], *word[4];
	size_t n, kind;
	bool ok = false;

	if (strlen(line) >= sizeof(copy))
		return -EINVAL;
	strcpy(copy, line);
	n = split(copy, word, 4);
	for (kind = 0; n && kind < KIND_CNT; kind++)
		if (!strcmp(word[0], kind_names[kind]))
			break;
	if (n < 2 || kind == KIND_CNT || !adit_ifname_valid(word[1]))
		return -EINVAL;
	step.kind = (uint8_t)kind;
	strcpy(step.ifname, word[1]);
	switch ((enum adit_step_kind)kind) {
	case ADIT_STEP_TUN:
	case ADIT_STEP_UP:
		ok = n == 2;
		break;
	case ADIT_STEP_MTU:
		ok = n == 3 && read_u32(word[2], &step.mtu);
		break;
	case ADIT_STEP_ADDR:
		ok = n == 3 && adit_prefix_parse(&step.prefix, word[2]) == 0;
		break;
	case ADIT_STEP_ROUTE:
		ok = n == 4 && adit_prefix_parse(&step.prefix, word[2]) == 0 &&
		     read_u32(word[3], &step.table);
		break;
	}
	if (!ok)
		return -EINVAL;
	*ret = step;
	return 0;
}
