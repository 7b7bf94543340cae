/* SPDX-License-Identifier: ISC */
/* keeper.c - the plans in force: what is kept of them, whose they are, undoing */
#include "host/keeper.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/journal.h"
#include "host/keeper_internal.h"

const char *adit_state_dir(const char *option)
{
	const char *env = getenv("ADIT_STATE_DIR");

	if (option)
		return option;
	return env && *env ? env : ADIT_STATE_DIR;
}

int keeper_fail(int r, char *err, size_t err_len, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err, err_len, fmt, ap);
	va_end(ap);
	return r;
}

int keeper_elsewhere(const char *name, char *err, size_t err_len)
{
	return keeper_fail(-EXDEV, err, err_len, "%s is in force in another network namespace: choose another name, or end "
			   "it there (adit down, adit cleanup)", name);
}

int adit_keeper_new(struct adit_keeper **ret, const char *state_dir, char *err, size_t err_len)
{
	struct adit_keeper *k = calloc(1, sizeof(*k));
	int r;

	if (!k)
		return keeper_fail(-ENOMEM, err, err_len, "no memory");
	k->lock_fd = k->events.epoll_fd = -1;
	if ((size_t)snprintf(k->dir, sizeof(k->dir), "%s", state_dir) >= sizeof(k->dir)) {
		free(k);
		return keeper_fail(-ENAMETOOLONG, err, err_len, "%s: %s", state_dir, strerror(ENAMETOOLONG));
	}
	r = adit_netlink_open(&k->nl);
	if (!r)
		r = adit_events_open(&k->events);
	if (r) {
		adit_keeper_free(k);
		return keeper_fail(r, err, err_len, "cannot speak to the kernel (netlink): %s", strerror(-r));
	}
	adit_host_init(&k->host, k->nl);
	*ret = k;
	return 0;
}

static void forget(struct adit_keeper *k, struct keeper_plan *p)
{
	size_t i;

	for (i = 0; k->plans[i] != p; i++)
		;
	memmove(&k->plans[i], &k->plans[i + 1], (k->cnt - i - 1) * sizeof(*k->plans));
	k->cnt--;
	adit_plan_fini(&p->plan);
	free(p->steps);
	if (p->lock_fd >= 0)
		close(p->lock_fd);
	free(p);
}

void adit_keeper_free(struct adit_keeper *k)
{
	if (!k)
		return;
	while (k->cnt)
		forget(k, k->plans[k->cnt - 1]);
	free(k->plans);
	adit_events_close(&k->events);
	adit_host_fini(&k->host);
	adit_netlink_close(k->nl);
	if (k->lock_fd >= 0)
		close(k->lock_fd);
	free(k);
}

void adit_keeper_set_stop(struct adit_keeper *k, bool (*stop)(void))
{
	k->stop = stop;
}

int adit_keeper_fd(const struct adit_keeper *k)
{
	return k->events.epoll_fd;
}

/* --- the plans ----------------------------------------------------------------- */

struct keeper_plan *keeper_find(const struct adit_keeper *k, const char *name)
{
	size_t i;

	for (i = 0; i < k->cnt; i++)
		if (!strcmp(k->plans[i]->plan.name, name))
			return k->plans[i];
	return NULL;
}

const struct adit_plan *adit_keeper_plan(const struct adit_keeper *k, const char *name)
{
	const struct keeper_plan *p = keeper_find(k, name);

	return p ? &p->plan : NULL;
}

int keeper_add(struct adit_keeper *k, struct adit_plan *plan, int lock_fd)
{
	struct keeper_plan **plans = realloc(k->plans, (k->cnt + 1) * sizeof(*plans)), *p;

	if (!plans)
		return -ENOMEM;
	k->plans = plans;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->steps = calloc(plan->cnt + 1, sizeof(*p->steps));
	if (!p->steps) {
		free(p);
		return -ENOMEM;
	}
	p->plan = *plan;
	p->lock_fd = lock_fd;
	k->plans[k->cnt++] = p;
	return 0;
}

const struct adit_plan *adit_keeper_plan_at(const struct adit_keeper *k, size_t i)
{
	return i < k->cnt ? &k->plans[i]->plan : NULL;
}

/* --- the folder's lock ------------------------------------------------------------ */

int adit_keeper_lock(struct adit_keeper *k)
{
	if (!k->lock_depth) {
		k->lock_fd = adit_journal_lock(k->dir);
		if (k->lock_fd < 0)
			return k->lock_fd;
	}
	k->lock_depth++;
	return 0;
}

void adit_keeper_unlock(struct adit_keeper *k)
{
	if (--k->lock_depth)
		return;
	close(k->lock_fd);
	k->lock_fd = -1;
}

int keeper_lock(struct adit_keeper *k, char *err, size_t err_len)
{
	int r = adit_keeper_lock(k);

	if (r == -EBUSY)
		return keeper_fail(r, err, err_len, "another process has held the lock of %s for 10 s", k->dir);
	return r ? keeper_fail(r, err, err_len, "%s: %s", k->dir, strerror(-r)) : 0;
}

/* --- undo ------------------------------------------------------------------------- */

/* The journal may hold more than we know, from a change that failed half way and could not be taken back. */
static int undo_journal(struct adit_keeper *k, struct keeper_plan *p, char *err, size_t err_len)
{
	struct adit_journal j;
	int r;

	if (adit_journal_read(&j, k->dir, p->plan.name))
		return adit_host_undo(&k->host, &p->plan, err, err_len);
	r = adit_host_undo(&k->host, &j.plan, err, err_len);
	adit_plan_fini(&j.plan);
	return r;
}

static int undo_locked(struct adit_keeper *k, struct keeper_plan *p, char *err, size_t err_len)
{
	struct keeper_others others;
	int r = keeper_others_load(&others, k->dir, k, p->plan.name);

	if (r)
		return keeper_fail(r, err, err_len, "%s: %s", k->dir, strerror(-r));
	keeper_others_lend(&others, &k->host);
	r = undo_journal(k, p, err, err_len);
	keeper_others_lend(&(struct keeper_others){ 0 }, &k->host);
	keeper_others_fini(&others);
	if (r)
		return r;
	r = adit_journal_remove(k->dir, p->plan.name);
	if (r)
		return keeper_fail(r, err, err_len, "cannot remove the journal of %s: %s", p->plan.name,
				   strerror(-r));
	forget(k, p);
	return 0;
}

int adit_keeper_undo(struct adit_keeper *k, const char *name, char *err, size_t err_len)
{
	struct keeper_plan *p = keeper_find(k, name);
	int r;

	if (!p)
		return 0;
	r = keeper_lock(k, err, err_len);
	if (r)
		return r;
	r = undo_locked(k, p, err, err_len);
	adit_keeper_unlock(k);
	return r;
}

int adit_keeper_undo_all(struct adit_keeper *k, bool but_guarded, char *err, size_t err_len)
{
	size_t i = k->cnt;
	char again[256];
	int r, first = 0;

	while (i-- > 0) {
		if (but_guarded && keeper_guarded(&k->plans[i]->plan))
			continue;
		r = adit_keeper_undo(k, k->plans[i]->plan.name, first ? again : err,
				     first ? sizeof(again) : err_len);
		if (!first)
			first = r;
	}
	return first;
}

/* --- whose they are ------------------------------------------------------------------ */

int adit_keeper_leave(struct adit_keeper *k, const char *name, char *err, size_t err_len)
{
	struct keeper_plan *p = keeper_find(k, name);
	int r = p ? keeper_lock(k, err, err_len) : keeper_fail(-ENOENT, err, err_len, "no plan is called %s", name);

	if (r)
		return r;
	r = adit_journal_write(k->dir, &p->plan, true);
	if (r)
		keeper_fail(r, err, err_len, "cannot write the journal of %s: %s", name, strerror(-r));
	else
		forget(k, p);
	adit_keeper_unlock(k);
	return r;
}

int adit_keeper_leave_all(struct adit_keeper *k, char *err, size_t err_len)
{
	int r = 0;

	while (k->cnt && !r)
		r = adit_keeper_leave(k, k->plans[k->cnt - 1]->plan.name, err, err_len);
	return r;
}

static int adopt_locked(struct adit_keeper *k, struct adit_journal *j, char *err, size_t err_len)
{
	const char *name = j->plan.name;
	int lock_fd, r = 0;

	if (j->current && !j->here)
		return keeper_elsewhere(name, err, err_len);
	lock_fd = adit_journal_own(k->dir, name);
	if (lock_fd < 0)
		return keeper_fail(lock_fd, err, err_len,
				   lock_fd == -EBUSY ? "%s belongs to another process that runs" : "cannot lock %s",
				   name);
	if (!j->current)
		r = keeper_after_boot(&j->plan);
	if (!r)
		r = adit_journal_write(k->dir, &j->plan, false);
	if (!r)
		r = keeper_add(k, &j->plan, lock_fd);
	if (r) {
		close(lock_fd);
		return keeper_fail(r, err, err_len, "cannot take over %s: %s", name, strerror(-r));
	}
	keeper_listen(k);
	return 0;
}

int adit_keeper_adopt(struct adit_keeper *k, const char *name, char *err, size_t err_len)
{
	struct adit_journal j;
	int r;

	if (keeper_find(k, name))
		return 0;
	r = keeper_lock(k, err, err_len);
	if (r)
		return r;
	r = adit_journal_read(&j, k->dir, name);
	if (r) {
		keeper_fail(r, err, err_len, "%s/%s.journal: %s", k->dir, name,
			    r == -EBADMSG ? "it is not a journal of this program" : strerror(-r));
	} else {
		r = adopt_locked(k, &j, err, err_len);
		if (r)
			adit_plan_fini(&j.plan);
	}
	adit_keeper_unlock(k);
	return r;
}
