/* SPDX-License-Identifier: ISC */
/* keeper_change.c - from the plan in force to another: journal, apply, verify; or all of it back */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/journal.h"
#include "host/keeper_internal.h"
#include "host/sysctl.h"

/*
 * DOC: what is on disk when
 *
 *	old                before
 *	old and new        from before the first step until all are verified
 *	new                after
 *
 * Undoing a step that was never made, or twice, does nothing, so that each of these
 * says enough at any moment in its time.
 */
struct change {
	struct keeper_plan *kept; /* NULL: it is not ours yet */
	struct adit_plan old, now, both;
	struct adit_step_index old_x, now_x;
	struct keeper_others others;
	bool was_dead; /* old is what a dead owner left: it is never gone back to */
	int lock_fd;   /* taken by this change; -1 */
};

static void change_fini(struct change *c)
{
	adit_plan_fini(&c->old);
	adit_plan_fini(&c->now);
	adit_plan_fini(&c->both);
	adit_step_index_fini(&c->old_x);
	adit_step_index_fini(&c->now_x);
	keeper_others_fini(&c->others);
	if (c->lock_fd >= 0)
		close(c->lock_fd);
}

/* --- before ------------------------------------------------------------------ */

/* What the journal says, where the plan is not ours. */
static int load_old(struct adit_keeper *k, struct change *c, const char *name)
{
	struct adit_journal j;
	int r = adit_journal_read(&j, k->dir, name);

	if (r == -ENOENT || r == -EBADMSG) {
		adit_plan_init(&c->old, name);
		return 0;
	}
	if (r)
		return r;
	c->old = j.plan;
	c->was_dead = true;
	return j.current ? 0 : keeper_after_boot(&c->old);
}

/* Is it in another network namespace, or does it live with its TUN? */
static int not_anothers(struct adit_keeper *k, const char *name, char *err, size_t err_len)
{
	struct adit_journal j;
	struct adit_link link;
	int r = 0;

	if (adit_journal_read(&j, k->dir, name))
		return 0;
	if (j.current && !j.here)
		r = keeper_elsewhere(name, err, err_len);
	else if (j.current && j.served && adit_link_find(k->nl, name, &link) == 0)
		r = keeper_fail(-EBUSY, err, err_len, "%s is in force already (see adit down)", name);
	adit_plan_fini(&j.plan);
	return r;
}

static int own(struct adit_keeper *k, struct change *c, const char *name, char *err, size_t err_len)
{
	struct stat st;
	int r;

	c->kept = keeper_find(k, name);
	if (c->kept && fstat(c->kept->lock_fd, &st) == 0 && st.st_nlink)
		return 0;
	r = c->kept ? 0 : not_anothers(k, name, err, err_len);
	if (r)
		return r;
	c->lock_fd = adit_journal_own(k->dir, name);
	if (c->lock_fd >= 0)
		return 0;
	return keeper_fail(c->lock_fd, err, err_len,
			   c->lock_fd == -EBUSY ? "%s belongs to another process that runs" :
						  "cannot write the journal of %s", name);
}

static const struct adit_step *find_sysctl(const struct change *c, const struct adit_step *step)
{
	const struct adit_step *found = adit_step_index_find(&c->old_x, step);
	size_t i, j;

	for (i = 0; i < c->others.cnt && !found; i++)
		for (j = 0; j < c->others.all[i]->cnt && !found; j++)
			if (adit_step_same(step, &c->others.all[i]->steps[j]))
				found = &c->others.all[i]->steps[j];
	return found;
}

/* What a sysctl was before all of us is what the first of us found. */
static int know_before(const struct change *c, struct adit_step *step)
{
	const struct adit_step *known = find_sysctl(c, step);
	struct adit_sysctl s, first;
	char *text = NULL;
	int r = adit_sysctl_parse(&s, step->text);

	if (r)
		return r;
	if (known && !adit_sysctl_parse(&first, known->text)) {
		if (asprintf(&text, "%s %s %s%s%s", s.path, s.value, first.was, *first.sides ? " " : "",
			     first.sides) < 0)
			return -ENOMEM;
	} else {
		text = adit_sysctl_text(s.path, s.value, &r);
		if (!text)
			return r;
	}
	free(step->text);
	step->text = text;
	return 0;
}

static int know_all_before(struct change *c, char *err, size_t err_len)
{
	size_t i;
	int r;

	for (i = 0; i < c->now.cnt; i++) {
		struct adit_step *step = &c->now.steps[i];

		r = step->kind == ADIT_STEP_SYSCTL ? know_before(c, step) : 0;
		if (r)
			return keeper_fail(r, err, err_len, "sysctl %.*s: %s", (int)strcspn(step->text, " "),
					   step->text, strerror(-r));
	}
	return 0;
}

static int begin(struct adit_keeper *k, struct change *c, const struct adit_plan *plan, char *err,
		 size_t err_len)
{
	int r = own(k, c, plan->name, err, err_len);

	if (r)
		return r;
	r = c->kept ? adit_plan_copy(&c->old, &c->kept->plan) : load_old(k, c, plan->name);
	if (!r)
		r = adit_plan_copy(&c->now, plan);
	if (!r)
		r = adit_step_index_init(&c->old_x, &c->old);
	if (!r)
		r = keeper_others_load(&c->others, k->dir, k, plan->name);
	if (r)
		return keeper_fail(r, err, err_len, "the plan of %s: %s", plan->name, strerror(-r));
	r = know_all_before(c, err, err_len);
	if (r)
		return r;
	r = adit_step_index_init(&c->now_x, &c->now);
	if (!r)
		r = adit_plan_union(&c->both, &c->old, &c->now);
	return r ? keeper_fail(r, err, err_len, "the plan of %s: %s", plan->name, strerror(-r)) : 0;
}

/* --- there ---------------------------------------------------------------------- */

/* Steps of `from` that `x` does not have, backwards. */
static int undo_missing(struct adit_keeper *k, const struct adit_plan *from, const struct adit_step_index *x,
			const struct adit_plan *left, char *err, size_t err_len)
{
	char again[256];
	size_t i = from->cnt;
	int r, first = 0;

	while (i-- > 0) {
		if (adit_step_index_find(x, &from->steps[i]))
			continue;
		r = adit_step_undo(&k->host, &from->steps[i], left, first ? again : err,
				   first ? sizeof(again) : err_len);
		if (!first)
			first = r;
	}
	return first;
}

static int write_journal(struct adit_keeper *k, const struct adit_plan *plan, char *err, size_t err_len)
{
	int r = adit_journal_write(k->dir, plan, false);

	return r ? keeper_fail(r, err, err_len, "cannot write the journal %s/%s.journal: %s", k->dir, plan->name,
			       strerror(-r)) : 0;
}

static bool journal_there(const struct adit_keeper *k, const char *name)
{
	struct adit_journal j;

	if (adit_journal_read(&j, k->dir, name))
		return false;
	adit_plan_fini(&j.plan);
	return true;
}

static int go(struct adit_keeper *k, struct change *c, char *err, size_t err_len)
{
	int r;

	k->host.before = &c->old_x;
	r = adit_host_apply(&k->host, &c->now, k->stop, err, err_len);
	if (!r)
		r = undo_missing(k, &c->old, &c->now_x, &c->now, err, err_len);
	if (!r)
		r = adit_host_verify(&k->host, &c->now, err, err_len);
	if (!r && !adit_plan_equal(&c->both, &c->now))
		r = write_journal(k, &c->now, err, err_len);
	k->host.before = NULL;
	return r;
}

/* --- and back --------------------------------------------------------------------- */

/* To what was in force. Where that fails too, the journal of both stays, so that nothing is forgotten. */
static int back_to_old(struct adit_keeper *k, struct change *c, char *err, size_t err_len)
{
	int r;

	k->host.before = &c->now_x;
	r = undo_missing(k, &c->now, &c->old_x, &c->old, err, err_len);
	if (!r)
		r = adit_host_apply(&k->host, &c->old, NULL, err, err_len);
	k->host.before = NULL;
	return r ? r : write_journal(k, &c->old, err, err_len);
}

static int back_to_nothing(struct adit_keeper *k, struct change *c, char *err, size_t err_len)
{
	int r;

	if (c->was_dead && keeper_guarded(&c->old))
		return keeper_undo_but_guards(&k->host, k->dir, &c->both, err, err_len);
	r = adit_host_undo(&k->host, &c->both, err, err_len);
	return r ? r : adit_journal_remove(k->dir, c->now.name);
}

static void back(struct adit_keeper *k, struct change *c, char *err, size_t err_len)
{
	size_t len = strlen(err);
	char why[256] = "";
	int r = c->kept ? back_to_old(k, c, why, sizeof(why)) : back_to_nothing(k, c, why, sizeof(why));

	if (r && len < err_len)
		snprintf(err + len, err_len - len, "; and what was before could not be restored: %s",
			 *why ? why : strerror(-r));
}

/* --- after ---------------------------------------------------------------------------- */

static int keep(struct adit_keeper *k, struct change *c)
{
	struct keeper_step *steps;
	int r;

	if (!c->kept) {
		r = keeper_add(k, &c->now, c->lock_fd);
		if (r)
			return r;
	} else {
		steps = calloc(c->now.cnt + 1, sizeof(*steps));
		if (!steps)
			return -ENOMEM;
		free(c->kept->steps);
		c->kept->steps = steps;
		adit_plan_fini(&c->kept->plan);
		c->kept->plan = c->now;
		if (c->lock_fd >= 0) {
			close(c->kept->lock_fd);
			c->kept->lock_fd = c->lock_fd;
		}
	}
	adit_plan_init(&c->now, "");
	c->lock_fd = -1;
	return 0;
}

static int change(struct adit_keeper *k, struct change *c, char *err, size_t err_len)
{
	const char *name = c->now.name;
	int r;

	keeper_others_lend(&c->others, &k->host);
	if (!adit_plan_equal(&c->old, &c->both) || !journal_there(k, name)) {
		r = write_journal(k, &c->both, err, err_len);
		if (r) {
			/* Nothing is done. The new name may be in place all the same: only its folder's sync failed. */
			if (c->old.cnt)
				adit_journal_write(k->dir, &c->old, false);
			else
				adit_journal_remove(k->dir, name);
			return r;
		}
	}
	r = go(k, c, err, err_len);
	if (!r)
		r = keep(k, c);
	if (r)
		back(k, c, err, err_len);
	return r;
}

int adit_keeper_apply(struct adit_keeper *k, const struct adit_plan *plan, char *err, size_t err_len)
{
	struct change c = { .lock_fd = -1 };
	int r;

	if (!adit_ifname_valid(plan->name))
		return keeper_fail(-EINVAL, err, err_len, "no plan can be called so: %s", plan->name);
	r = keeper_lock(k, err, err_len);
	if (r)
		return r;
	if (err_len)
		err[0] = '\0';
	r = begin(k, &c, plan, err, err_len);
	if (r && !c.kept && c.lock_fd >= 0 && !journal_there(k, plan->name))
		adit_journal_remove(k->dir, plan->name); /* its lock */
	if (!r)
		r = change(k, &c, err, err_len);
	keeper_others_lend(&(struct keeper_others){ 0 }, &k->host);
	change_fini(&c);
	adit_keeper_unlock(k);
	if (!r)
		keeper_listen(k);
	return r;
}
