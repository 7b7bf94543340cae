/* SPDX-License-Identifier: ISC */
/* keeper_others.c - the plans in force beside one, and what is left of a plan after a while */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/journal.h"
#include "host/keeper_internal.h"

/* The folder's plans that are on this machine now, but those of the keeper and `but`. A journal that
 * cannot be read says nothing about what is shared. */
static int load_folder(struct keeper_others *o, const char *dir, const struct adit_keeper *k, const char *but)
{
	char (*names)[ADIT_IFNAME_LEN];
	struct adit_journal j;
	size_t i, cnt;
	int r = adit_journal_list(dir, &names, &cnt);

	if (r)
		return r;
	o->disk = calloc(cnt + 1, sizeof(*o->disk));
	for (i = 0; o->disk && i < cnt; i++) {
		if ((but && !strcmp(names[i], but)) || (k && keeper_find(k, names[i])) ||
		    adit_journal_read(&j, dir, names[i]))
			continue;
		if (j.current && j.here)
			o->disk[o->disk_cnt++] = j.plan;
		else
			adit_plan_fini(&j.plan);
	}
	free(names);
	return o->disk ? 0 : -ENOMEM;
}

int keeper_others_load(struct keeper_others *ret, const char *dir, const struct adit_keeper *k, const char *but)
{
	struct keeper_others o = { 0 };
	size_t i;
	int r = load_folder(&o, dir, k, but);

	if (!r) {
		o.all = calloc(o.disk_cnt + (k ? k->cnt : 0) + 1, sizeof(*o.all));
		r = o.all ? 0 : -ENOMEM;
	}
	if (r) {
		keeper_others_fini(&o);
		return r;
	}
	/* Those on the disk came before ours, or nobody knows: their idea of what was before goes first. */
	for (i = 0; i < o.disk_cnt; i++)
		o.all[o.cnt++] = &o.disk[i];
	for (i = 0; k && i < k->cnt; i++)
		if (!but || strcmp(k->plans[i]->plan.name, but))
			o.all[o.cnt++] = &k->plans[i]->plan;
	*ret = o;
	return 0;
}

void keeper_others_fini(struct keeper_others *o)
{
	size_t i;

	for (i = 0; i < o->disk_cnt; i++)
		adit_plan_fini(&o->disk[i]);
	free(o->disk);
	free(o->all);
	memset(o, 0, sizeof(*o));
}

void keeper_others_lend(const struct keeper_others *o, struct adit_host *h)
{
	h->others = o->all;
	h->other_cnt = o->cnt;
}

/* --- what is left of a plan ------------------------------------------------------ */

/* Only steps of this kind. */
static int filter(struct adit_plan *plan, enum adit_step_kind kind)
{
	struct adit_plan kept;
	size_t i;
	int r = 0;

	adit_plan_init(&kept, plan->name);
	for (i = 0; i < plan->cnt && !r; i++)
		if (plan->steps[i].kind == kind)
			r = adit_plan_add(&kept, &plan->steps[i]);
	if (r) {
		adit_plan_fini(&kept);
		return r;
	}
	adit_plan_fini(plan);
	*plan = kept;
	return 0;
}

int keeper_after_boot(struct adit_plan *plan)
{
	return filter(plan, ADIT_STEP_DNS);
}

bool keeper_guarded(const struct adit_plan *plan)
{
	size_t i;

	for (i = 0; i < plan->cnt; i++)
		if (plan->steps[i].kind == ADIT_STEP_GUARD)
			return true;
	return false;
}

int keeper_undo_but_guards(struct adit_host *h, const char *dir, struct adit_plan *plan, char *err,
			   size_t err_len)
{
	char again[256];
	size_t i = plan->cnt;
	int r, first = 0;

	while (i-- > 0) {
		if (plan->steps[i].kind == ADIT_STEP_GUARD)
			continue;
		r = adit_step_undo(h, &plan->steps[i], NULL, first ? again : err, first ? sizeof(again) : err_len);
		if (!first)
			first = r;
	}
	if (first)
		return first;
	first = filter(plan, ADIT_STEP_GUARD);
	if (!first)
		first = adit_journal_write(dir, plan, false);
	return first ? keeper_fail(first, err, err_len, "the journal of %s: %s", plan->name, strerror(-first)) : 0;
}
