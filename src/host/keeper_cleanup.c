/* SPDX-License-Identifier: ISC */
/*
 * keeper_cleanup.c - what dead owners left: by their journals, and by our marks
 * where there is no journal
 *
 * DOC: what is somebody's
 *
 * A journal whose lock is held, or that lives with its TUN while the TUN is there,
 * is a living owner's: nothing in it is touched. Without a journal a mark is all
 * there is. A route with ours by a link that exists is that of a tunnel that runs
 * (our links go with their process). Where one is in a table of its own, somebody
 * lives whose journal is lost: then rules and unreachable routes stay, too. A table
 * of nftables that a living process owns cannot be deleted anyway.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/dns.h"
#include "host/guard.h"
#include "host/journal.h"
#include "host/keeper_internal.h"

struct cleanup {
	const struct adit_cleanup *how;
	struct adit_netlink *nl;
	struct adit_host host;
	struct adit_machine m;
	int first; /* failure */
	char *err;
	size_t err_len;
};

static void tell(const struct cleanup *c, const char *plan, const char *what, const char *text)
{
	if (c->how->report)
		c->how->report(c->how->user, plan, what, text);
}

static void failed(struct cleanup *c, const char *plan, int r, const char *text)
{
	tell(c, plan, "failed", text);
	if (!c->first) {
		c->first = r;
		snprintf(c->err, c->err_len, "%s", text);
	}
}

/* --- by journals ------------------------------------------------------------- */

static bool lives(const struct cleanup *c, const struct adit_journal *j)
{
	const struct adit_link *link;

	if (adit_journal_owned(c->how->state_dir, j->plan.name))
		return true;
	link = adit_machine_link(&c->m, j->plan.name);
	return j->served && j->current && j->here && link && !strcmp(link->kind, "tun");
}

/* Is it worth a word? What goes with the link is not; tables of nftables are no longer as they were
 * made when their owner or their link is gone. */
static bool to_undo(struct cleanup *c, const struct adit_step *step, const struct adit_plan *plan, bool keep_guards)
{
	switch ((enum adit_step_kind)step->kind) {
	case ADIT_STEP_MTU:
	case ADIT_STEP_UP:
		return false;
	case ADIT_STEP_GUARD:
		return !keep_guards;
	case ADIT_STEP_REPLIES:
	case ADIT_STEP_GATEWAY:
		return true;
	default:
		return adit_step_intact(&c->host, &c->m, step, plan) == 1;
	}
}

static size_t tell_steps(struct cleanup *c, const struct adit_plan *plan, bool keep_guards, const char *what)
{
	char line[ADIT_STEP_STRLEN];
	size_t i = plan->cnt, cnt = 0;

	while (i-- > 0) {
		if (!to_undo(c, &plan->steps[i], plan, keep_guards))
			continue;
		tell(c, plan->name, what, adit_step_format(&plan->steps[i], line));
		cnt++;
	}
	return cnt;
}

static bool only_guards(const struct adit_plan *plan)
{
	size_t i;

	for (i = 0; i < plan->cnt; i++)
		if (plan->steps[i].kind != ADIT_STEP_GUARD)
			return false;
	return plan->cnt > 0;
}

static int undo_journal(struct cleanup *c, struct adit_plan *plan, bool keep_guards, char *err, size_t err_len)
{
	int r;

	if (keep_guards)
		return keeper_undo_but_guards(&c->host, c->how->state_dir, plan, err, err_len);
	r = adit_host_undo(&c->host, plan, err, err_len);
	if (r)
		return r;
	r = adit_journal_remove(c->how->state_dir, plan->name);
	return r ? keeper_fail(r, err, err_len, "cannot remove the journal of %s: %s", plan->name, strerror(-r)) : 0;
}

static void clean_dead(struct cleanup *c, struct adit_journal *j)
{
	bool keep_guards = c->how->keep_guards && j->current && keeper_guarded(&j->plan);
	struct keeper_others others;
	char err[512] = "";
	int r = 0;

	if (keep_guards && only_guards(&j->plan)) {
		tell(c, j->plan.name, "left", "the killswitch");
		return;
	}
	if (!j->current)
		r = keeper_after_boot(&j->plan);
	if (!r)
		r = keeper_others_load(&others, c->how->state_dir, NULL, j->plan.name);
	if (r) {
		failed(c, j->plan.name, r, strerror(-r));
		return;
	}
	keeper_others_lend(&others, &c->host);
	if (!tell_steps(c, &j->plan, keep_guards, c->how->dry_run ? "would" : "undone"))
		tell(c, j->plan.name, c->how->dry_run ? "would" : "undone", "the journal: nothing of it is in force");
	if (!c->how->dry_run)
		r = undo_journal(c, &j->plan, keep_guards, err, sizeof(err));
	if (r)
		failed(c, j->plan.name, r, err);
	keeper_others_lend(&(struct keeper_others){ 0 }, &c->host);
	keeper_others_fini(&others);
}

static void clean_journal(struct cleanup *c, const char *name)
{
	struct adit_journal j;
	char text[300];
	int r = adit_journal_read(&j, c->how->state_dir, name);

	if (r == -ENOENT)
		return;
	if (r) {
		snprintf(text, sizeof(text), "%s/%s.journal: %s", c->how->state_dir, name,
			 r == -EBADMSG ? "it is not a journal of this program: remove it" : strerror(-r));
		failed(c, name, r, text);
		return;
	}
	if (lives(c, &j))
		tell(c, name, "left", "it is in force and its owner lives");
	else if (j.current && !j.here)
		tell(c, name, "left", "it is of another network namespace, which lives: adit cleanup there undoes it");
	else
		clean_dead(c, &j);
	adit_plan_fini(&j.plan);
}

static void clean_journals(struct cleanup *c)
{
	char (*names)[ADIT_IFNAME_LEN];
	size_t cnt;
	int r = adit_journal_list(c->how->state_dir, &names, &cnt);

	if (r) {
		failed(c, "", r, strerror(-r));
		return;
	}
	while (cnt-- > 0)
		clean_journal(c, names[cnt]);
	free(names);
}

/* --- by marks -------------------------------------------------------------------- */

/* A plan in force wants it. */
static const struct adit_step *wanted(const struct keeper_others *live, enum adit_step_kind kind,
				      bool (*same)(const struct adit_step *step, const void *thing), const void *thing)
{
	size_t i, j;

	for (i = 0; i < live->cnt; i++)
		for (j = 0; j < live->all[i]->cnt; j++)
			if (live->all[i]->steps[j].kind == kind && same(&live->all[i]->steps[j], thing))
				return &live->all[i]->steps[j];
	return NULL;
}

static bool same_route(const struct adit_step *s, const void *thing)
{
	const struct adit_route *r = thing;
	uint32_t metric = s->metric ? s->metric : s->prefix.addr.family == 6 ? 1024 : 0;

	return s->table == r->table && metric == r->metric && adit_prefix_same_network(&s->prefix, &r->dst);
}

static bool same_rule(const struct adit_step *s, const void *thing)
{
	const struct adit_rule *r = thing;

	return s->priority == r->priority && s->table == r->table && s->mark == r->mark && s->invert == r->invert &&
	       s->suppress == r->suppress && adit_prefix_same_network(&s->prefix, &r->to);
}

/* A tunnel that runs has a table of its own, and no journal says so. */
static bool unknown_lives(const struct cleanup *c, const struct keeper_others *live)
{
	size_t i;

	for (i = 0; i < c->m.route_cnt; i++) {
		const struct adit_route *r = &c->m.route[i];

		if (r->index && r->table != ADIT_TABLE_MAIN && !wanted(live, ADIT_STEP_ROUTE, same_route, r))
			return true;
	}
	return false;
}

static void settle(struct cleanup *c, const char *text, int r)
{
	char line[400];

	if (r == -EPERM || (r && r != -ENOENT && r != -ESRCH)) {
		snprintf(line, sizeof(line), "%s: %s", text, strerror(-r));
		failed(c, "", r, line);
	} else {
		tell(c, "", "undone", text);
	}
}

static void clean_routes(struct cleanup *c, const struct keeper_others *live)
{
	char text[128], prefix[ADIT_PREFIX_STRLEN];
	size_t i;

	for (i = 0; i < c->m.route_cnt; i++) {
		const struct adit_route *r = &c->m.route[i];

		if (r->index || wanted(live, ADIT_STEP_UNREACHABLE, same_route, r))
			continue;
		snprintf(text, sizeof(text), "unreachable %s of table %u", adit_prefix_format(&r->dst, prefix),
			 r->table);
		if (c->how->dry_run)
			tell(c, "", "would", text);
		else
			settle(c, text, adit_route_delete(c->nl, r));
	}
}

static void clean_rules(struct cleanup *c, const struct keeper_others *live)
{
	char text[128];
	size_t i;

	for (i = 0; i < c->m.rule_cnt; i++) {
		const struct adit_rule *r = &c->m.rule[i];

		if (wanted(live, ADIT_STEP_RULE, same_rule, r))
			continue;
		snprintf(text, sizeof(text), "rule %u of IPv%u to table %u", r->priority, r->family, r->table);
		if (c->how->dry_run)
			tell(c, "", "would", text);
		else
			settle(c, text, adit_rule_delete(c->nl, r));
	}
}

struct tables {
	struct cleanup *c;
	const struct keeper_others *live;
	char name[64][40];
	size_t cnt;
};

static bool same_ifname(const struct adit_step *s, const void *thing)
{
	return !thing || !strcmp(s->ifname, thing);
}

static void see_table(void *user, const char *table)
{
	static const char gateway[] = "adit-gw-", replies[] = "adit-";
	struct tables *t = user;
	const char *ifname = NULL;
	bool keep;

	if (!strcmp(table, ADIT_GUARD_TABLE)) {
		keep = wanted(t->live, ADIT_STEP_GUARD, same_ifname, NULL);
	} else if (!strncmp(table, gateway, strlen(gateway))) {
		ifname = table + strlen(gateway);
		keep = wanted(t->live, ADIT_STEP_GATEWAY, same_ifname, ifname);
	} else {
		ifname = table + strlen(replies);
		keep = wanted(t->live, ADIT_STEP_REPLIES, same_ifname, ifname);
	}
	/* One that runs, whose journal is lost. */
	keep |= ifname && adit_machine_link(&t->c->m, ifname);
	if (!keep && t->cnt < sizeof(t->name) / sizeof(t->name[0]))
		snprintf(t->name[t->cnt++], sizeof(t->name[0]), "%s", table);
}

static void clean_tables(struct cleanup *c, const struct keeper_others *live)
{
	struct tables t = { .c = c, .live = live };
	char text[64];
	size_t i;
	int r = 0;

	if (!c->host.nft)
		r = adit_nft_open(&c->host.nft);
	if (!r)
		r = adit_nft_tables(c->host.nft, see_table, &t);
	/* A kernel, or a build, without nftables has no table of ours. */
	if (r && r != -EOPNOTSUPP && r != -EPROTONOSUPPORT)
		failed(c, "", r, adit_nft_detail(c->host.nft));
	for (i = 0; i < t.cnt; i++) {
		if (c->how->keep_guards && !strcmp(t.name[i], ADIT_GUARD_TABLE))
			continue;
		snprintf(text, sizeof(text), "table inet %s", t.name[i]);
		r = c->how->dry_run ? 0 : adit_nft_delete(c->host.nft, t.name[i]);
		if (r == -EPERM)
			tell(c, "", "left", "table inet " ADIT_GUARD_TABLE ": the process that owns it lives");
		else if (c->how->dry_run)
			tell(c, "", "would", text);
		else
			settle(c, text, r);
	}
}

/* Those of other network namespaces, too: they share the file. */
static bool keeps_dns(void *user, const char *ifname)
{
	const struct cleanup *c = user;
	struct adit_journal j;
	bool keep = false;

	if (adit_journal_read(&j, c->how->state_dir, ifname))
		return false;
	for (size_t i = 0; i < j.plan.cnt; i++)
		keep |= j.current && j.plan.steps[i].kind == ADIT_STEP_DNS;
	adit_plan_fini(&j.plan);
	return keep;
}

static void clean_dns(struct cleanup *c)
{
	char err[256] = "";
	int r;

	if (c->how->dry_run)
		return;
	r = adit_dns_leftovers(keeps_dns, c, err, sizeof(err));
	if (r < 0 && r != -ESTALE)
		failed(c, "", r, err);
	else if (r > 0)
		tell(c, "", "undone", "DNS settings");
}

static void clean_marked(struct cleanup *c)
{
	struct keeper_others live;
	int r = keeper_others_load(&live, c->how->state_dir, NULL, NULL);

	if (r) {
		failed(c, "", r, strerror(-r));
		return;
	}
	if (!c->how->dry_run) { /* what the journals' plans undid is gone from it */
		adit_machine_fini(&c->m);
		r = adit_machine_read(&c->m, c->nl);
	}
	if (r) {
		failed(c, "", r, strerror(-r));
	} else if (unknown_lives(c, &live)) {
		tell(c, "", "left", "rules and unreachable routes: a tunnel of ours runs whose journal is lost");
	} else {
		clean_routes(c, &live);
		clean_rules(c, &live);
	}
	if (!r) {
		clean_tables(c, &live);
		clean_dns(c);
	}
	keeper_others_fini(&live);
}

int adit_keeper_cleanup(const struct adit_cleanup *how, char *err, size_t err_len)
{
	struct cleanup c = { .how = how, .err = err, .err_len = err_len };
	int lock, r;

	lock = adit_journal_lock(how->state_dir);
	if (lock < 0)
		return keeper_fail(lock, err, err_len, lock == -EBUSY ? "%s: another process is at work there: %s" :
				   "%s: %s", how->state_dir, strerror(-lock));
	r = adit_netlink_open(&c.nl);
	if (!r)
		r = adit_machine_read(&c.m, c.nl);
	if (r) {
		keeper_fail(r, err, err_len, "cannot read the machine (netlink): %s", strerror(-r));
	} else {
		adit_host_init(&c.host, c.nl);
		clean_journals(&c);
		clean_marked(&c);
		if (!how->dry_run)
			adit_journal_tidy(how->state_dir);
		adit_host_fini(&c.host);
		adit_machine_fini(&c.m);
		r = c.first;
	}
	adit_netlink_close(c.nl);
	close(lock);
	return r;
}
