/* SPDX-License-Identifier: ISC */
/* keeper_look.c - what somebody else changed: noticed, made again, reported */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "host/journal.h"
#include "host/keeper_internal.h"

#define PACE         (100 * ADIT_MSEC) /* the machine is read no more often */
#define WINDOW       (10 * ADIT_SEC)   /* a step that goes MENDS times in it */
#define MENDS        5
#define REST         (30 * ADIT_SEC) /* is left alone for so long */
#define TRY_AGAIN    ADIT_SEC        /* one that cannot be made */
#define NOW_AND_THEN ADIT_SEC        /* where the kernel does not tell of changes */
#define DNS_PERIOD   (5 * ADIT_SEC)  /* a resolver that was started anew tells nobody */

static bool is_nft(const struct adit_step *step)
{
	return step->kind == ADIT_STEP_GUARD || step->kind == ADIT_STEP_REPLIES || step->kind == ADIT_STEP_GATEWAY;
}

static bool any(const struct adit_keeper *k, bool (*is)(const struct adit_step *step))
{
	size_t i, j;

	for (i = 0; i < k->cnt; i++)
		for (j = 0; j < k->plans[i]->plan.cnt; j++)
			if (is(&k->plans[i]->plan.steps[j]))
				return true;
	return false;
}

static bool is_dns(const struct adit_step *step)
{
	return step->kind == ADIT_STEP_DNS;
}

static bool is_dns_of_others(const struct adit_step *step)
{
	return is_dns(step) && step->text && strncmp(step->text, "file ", 5) != 0;
}

void keeper_listen(struct adit_keeper *k)
{
	adit_time now = adit_events_now();

	if (k->host.nft && any(k, is_nft) && !adit_events_add_nft(&k->events, k->host.nft))
		adit_events_wake(&k->events, now + NOW_AND_THEN);
	if (any(k, is_dns) && !adit_events_add_dns(&k->events))
		adit_events_wake(&k->events, now + DNS_PERIOD);
	if (any(k, is_dns_of_others))
		adit_events_wake(&k->events, now + DNS_PERIOD);
}

/* --- one step -------------------------------------------------------------------- */

struct look {
	struct adit_keeper *k;
	struct keeper_plan *p;
	const struct adit_machine *m;
	adit_keeper_report *report;
	void *user;
	adit_time now;
};

static void tell(const struct look *l, const struct adit_step *step, const char *what, const char *why)
{
	char line[ADIT_STEP_STRLEN], text[512];
	size_t len = strlen(adit_step_format(step, line));

	if (why && !strncmp(why, line, len)) /* it names the step already */
		snprintf(text, sizeof(text), "%s", why);
	else
		snprintf(text, sizeof(text), "%.300s%s%s", line, why ? ": " : "", why ? why : "");
	if (l->report)
		l->report(l->user, l->p->plan.name, what, text);
}

/* Reported until it is in force again, once. */
static void tell_once(const struct look *l, struct keeper_step *state, const struct adit_step *step,
		      const char *what, const char *why)
{
	if (!state->said)
		tell(l, step, what, why);
	state->said = true;
}

/* May it be made once more? */
static bool within_budget(const struct look *l, struct keeper_step *state)
{
	if (l->now - state->since > WINDOW) {
		state->since = l->now;
		state->mends = 0;
	}
	return state->mends < MENDS;
}

/* What plans share was made for another one just now. */
static bool there_by_now(const struct look *l, const struct adit_step *step)
{
	struct adit_machine m;
	bool there;

	if (adit_machine_read(&m, l->k->nl))
		return false;
	there = adit_step_intact(&l->k->host, &m, step, &l->p->plan) == 1;
	adit_machine_fini(&m);
	return there;
}

static void mend(struct look *l, struct keeper_step *state, const struct adit_step *step)
{
	char err[256] = "";
	int r;

	if (!within_budget(l, state)) {
		tell_once(l, state, step, "broken", "somebody removes it again and again");
		state->mends = 0;
		state->rest = l->now + REST;
		adit_events_wake(&l->k->events, state->rest);
		return;
	}
	r = adit_step_apply(&l->k->host, step, &l->p->plan, err, sizeof(err));
	if (r == -EEXIST && there_by_now(l, step)) {
		state->said = false;
	} else if (!r) {
		tell(l, step, "mended", NULL);
		state->said = false;
		state->mends++;
	} else {
		/* What is in its way may go with a change that we hear of, or without. */
		tell_once(l, state, step, "broken", err);
		adit_events_wake(&l->k->events, l->now + TRY_AGAIN);
	}
}

static bool on_link(const struct adit_step *step)
{
	return step->kind <= ADIT_STEP_ROUTE;
}

static bool has_tun(const struct look *l, const char *ifname)
{
	const struct adit_link *link = adit_machine_link(l->m, ifname);

	return link && !strcmp(link->kind, "tun");
}

/* A link that was deleted takes along what was on it: that is said once. When
 * it is there again, its own step is made first. */
static void look_at_tun(struct look *l, struct keeper_step *state, const struct adit_step *step)
{
	if (!has_tun(l, step->ifname))
		tell_once(l, state, step, "gone", "somebody deleted the interface");
	else if (state->said)
		mend(l, state, step);
}

static void look_at(struct look *l, struct keeper_step *state, const struct adit_step *step)
{
	int intact;

	if (state->rest > l->now) {
		adit_events_wake(&l->k->events, state->rest);
		return;
	}
	if (step->kind == ADIT_STEP_TUN) {
		look_at_tun(l, state, step);
		return;
	}
	if (on_link(step) && !has_tun(l, step->ifname))
		return;
	intact = adit_step_intact(&l->k->host, l->m, step, &l->p->plan);
	if (intact == 1)
		state->said = false;
	else if (step->kind == ADIT_STEP_SYSCTL || intact == -ESTALE)
		tell_once(l, state, step, "trampled", "somebody else has changed it");
	else if (intact == 0)
		mend(l, state, step);
	else
		tell_once(l, state, step, "broken", strerror(-intact));
}

/* --- all of them ----------------------------------------------------------------- */

static void look_at_plan(struct look *l)
{
	struct keeper_others others;
	size_t i;

	if (keeper_others_load(&others, l->k->dir, l->k, l->p->plan.name))
		return;
	keeper_others_lend(&others, &l->k->host);
	for (i = 0; i < l->p->plan.cnt; i++)
		look_at(l, &l->p->steps[i], &l->p->plan.steps[i]);
	keeper_others_lend(&(struct keeper_others){ 0 }, &l->k->host);
	keeper_others_fini(&others);
}

void adit_keeper_look(struct adit_keeper *k, adit_keeper_report *report, void *user)
{
	struct look l = { .k = k, .report = report, .user = user, .now = adit_events_now() };
	struct adit_machine m;
	size_t i;

	if (!adit_events_read(&k->events))
		return;
	if (l.now - k->looked < PACE && k->looked) {
		adit_events_wake(&k->events, k->looked + PACE);
		return;
	}
	k->looked = l.now;
	if (adit_machine_read(&m, k->nl)) {
		adit_events_wake(&k->events, l.now + NOW_AND_THEN);
		return;
	}
	adit_events_clear(&k->events);
	l.m = &m;
	for (i = 0; i < k->cnt; i++) {
		l.p = k->plans[i];
		look_at_plan(&l);
	}
	adit_machine_fini(&m);
	keeper_listen(k);
}
