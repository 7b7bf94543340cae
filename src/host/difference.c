/* SPDX-License-Identifier: ISC */
/* difference.c - two plans of one name, compared */
#include "host/difference.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

/* First words, as adit_step_same compares them. */
static int compare_paths(const char *a, const char *b)
{
	size_t la = strcspn(a, " "), lb = strcspn(b, " ");
	int c = memcmp(a, b, la < lb ? la : lb);

	return c ? c : COMPARE(la, lb);
}

static int compare_rules(const struct adit_step *a, const struct adit_step *b)
{
	int c = COMPARE(a->priority, b->priority);

	if (!c)
		c = COMPARE(a->mark, b->mark);
	if (!c)
		c = COMPARE(a->invert, b->invert);
	return c ? c : COMPARE(a->suppress, b->suppress);
}

/* An order in which 0 means adit_step_same. */
static int compare_steps(const struct adit_step *a, const struct adit_step *b)
{
	int c = COMPARE(a->kind, b->kind);

	if (c)
		return c;
	if (a->kind == ADIT_STEP_SYSCTL)
		return compare_paths(a->text, b->text);
	c = strcmp(a->ifname, b->ifname);
	if (c || (a->kind != ADIT_STEP_ADDR && a->kind != ADIT_STEP_ROUTE && a->kind != ADIT_STEP_UNREACHABLE &&
		  a->kind != ADIT_STEP_RULE))
		return c;
	c = adit_prefix_compare(&a->prefix, &b->prefix);
	if (c || a->kind == ADIT_STEP_ADDR)
		return c;
	c = COMPARE(a->table, b->table);
	if (!c)
		c = COMPARE(a->metric, b->metric);
	return c || a->kind != ADIT_STEP_RULE ? c : compare_rules(a, b);
}

static int compare_pointers(const void *x, const void *y)
{
	return compare_steps(*(const struct adit_step *const *)x, *(const struct adit_step *const *)y);
}

int adit_step_index_init(struct adit_step_index *ret, const struct adit_plan *plan)
{
	struct adit_step_index x = { malloc((plan->cnt + 1) * sizeof(*x.step)), plan->cnt };
	size_t i;

	if (!x.step)
		return -ENOMEM;
	for (i = 0; i < x.cnt; i++)
		x.step[i] = &plan->steps[i];
	qsort(x.step, x.cnt, sizeof(*x.step), compare_pointers);
	*ret = x;
	return 0;
}

void adit_step_index_fini(struct adit_step_index *x)
{
	free(x->step);
	memset(x, 0, sizeof(*x));
}

const struct adit_step *adit_step_index_find(const struct adit_step_index *x, const struct adit_step *step)
{
	const struct adit_step **found = NULL;

	if (x->cnt)
		found = bsearch(&step, x->step, x->cnt, sizeof(*x->step), compare_pointers);
	return found ? *found : NULL;
}

int adit_plan_union(struct adit_plan *ret, const struct adit_plan *old, const struct adit_plan *now)
{
	struct adit_step_index x;
	struct adit_plan u;
	size_t i;
	int r = adit_step_index_init(&x, now);

	if (r)
		return r;
	adit_plan_init(&u, now->name);
	for (i = 0; i < old->cnt && !r; i++) {
		const struct adit_step *same = adit_step_index_find(&x, &old->steps[i]);

		if (!same || !adit_step_equal(same, &old->steps[i]))
			r = adit_plan_add(&u, &old->steps[i]);
	}
	for (i = 0; i < now->cnt && !r; i++)
		r = adit_plan_add(&u, &now->steps[i]);
	adit_step_index_fini(&x);
	if (r)
		adit_plan_fini(&u);
	else
		*ret = u;
	return r;
}

bool adit_plan_equal(const struct adit_plan *a, const struct adit_plan *b)
{
	size_t i;

	if (a->cnt != b->cnt || strcmp(a->name, b->name))
		return false;
	for (i = 0; i < a->cnt; i++)
		if (!adit_step_equal(&a->steps[i], &b->steps[i]))
			return false;
	return true;
}
