/* SPDX-License-Identifier: ISC */
/*
 * networks.c - the life of all networks: started, looked at, tried again, ended
 *
 * DOC: one at a time
 *
 * A tick opens at most one network, so that what waits behind it (a reply of the
 * control API, a look at the others) never waits for all of them. Which one failed
 * is tried again by itself; the others do not notice. So is what could not be undone:
 * until it can, its network is not `down`.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/capture.h"
#include "agent/moves.h"
#include "tunnel/tunnel.h"

static const struct agent_network_ops *ops_of(enum agent_type type)
{
	switch (type) {
	case AGENT_WIREGUARD:
		return &agent_wireguard_ops;
	case AGENT_FORWARD:
		return &agent_forward_ops;
	case AGENT_STATIC:
		return &agent_static_ops;
	}
	return NULL;
}

struct agent_network *agent_find(struct agent *a, const char *name)
{
	for (struct agent_network *n = a->networks; n; n = n->next)
		if (!strcmp(n->settings->name, name))
			return n;
	return NULL;
}

static bool has_plan(const struct agent *a, const struct agent_network *but, const char *name)
{
	for (const struct agent_network *o = a->networks; o; o = o->next)
		if (o != but && ((o->impl && !strcmp(o->ifname, name)) || (o->holds && !strcmp(o->held.name, name))))
			return true;
	return false;
}

bool agent_plan_is_anothers(const struct agent_network *n, const char *name)
{
	return has_plan(n->agent, n, name);
}

bool network_named_otherwise(const struct agent_network *n, const char *name)
{
	const char *configured = n->settings->ifname;

	return configured[0] && strcmp(configured, "utun") && strcmp(configured, name);
}

int network_take_name(struct agent_network *n, const char *name, enum agent_reason *reason, char *err, size_t err_len)
{
	if (agent_plan_is_anothers(n, name)) {
		*reason = AGENT_TUN;
		snprintf(err, err_len, "the interface name %s is in use by another network, whose killswitch holds: give one "
			 "of them another interface name", name);
		return -EBUSY;
	}
	snprintf(n->ifname, sizeof(n->ifname), "%s", name);
	return 0;
}

void network_presume_name(struct agent_network *n, const char *name)
{
	snprintf(n->ifname, sizeof(n->ifname), "%s", n->settings->ifname[0] ? n->settings->ifname : name);
}

static adit_time next_try(unsigned *failures)
{
	uint32_t random;

	adit_random(&random, sizeof(random));
	return adit_tunnel_now() + network_back_off(++*failures, random);
}

static void schedule_retry(struct agent_network *n)
{
	n->retry_at = next_try(&n->failures);
}

/* --- what is to be undone ------------------------------------------------------------ */

struct agent_leftover {
	struct agent_leftover *next;
	char name[ADIT_IFNAME_LEN];
	adit_time retry_at;
	unsigned failures;
};

static void tell_host(struct agent *a, const char *network, const char *text)
{
	struct agent_event ev = { .kind = "host" };

	snprintf(ev.network, sizeof(ev.network), "%s", network);
	snprintf(ev.text, sizeof(ev.text), "%s", text);
	agent_event_add(&a->events, &ev);
}

int network_undo(struct agent_network *n, struct adit_plan *plan)
{
	char err[200] = "", text[sizeof(n->warning)];
	int r;

	if (plan) {
		if (n->holds)
			adit_plan_fini(&n->held);
		n->held = *plan;
		n->holds = true;
	}
	if (!n->holds)
		return 0;
	r = helper_undo(n->agent->helper, n->held.name, err, sizeof(err));
	if (!r) {
		adit_plan_fini(&n->held);
		n->holds = false;
		return 0;
	}
	snprintf(text, sizeof(text), "its changes of this machine are in force still: %s", err[0] ? err : strerror(-r));
	if (strcmp(text, n->warning))
		tell_host(n->agent, n->settings->name, text);
	memcpy(n->warning, text, sizeof(text));
	return r;
}

/* Where memory is short, the helper undoes it when the agent ends. */
void network_leave(struct agent_network *n)
{
	struct agent_leftover *l = calloc(1, sizeof(*l));

	if (l) {
		memcpy(l->name, n->held.name, sizeof(l->name));
		l->retry_at = next_try(&l->failures);
		l->next = n->agent->leftovers;
		n->agent->leftovers = l;
	}
	adit_plan_fini(&n->held);
	n->holds = false;
}

/* Another network's plan of this name has taken its place, or it is tried again. */
static bool is_over(struct agent *a, struct agent_leftover *l)
{
	char err[200] = "", text[256];

	if (has_plan(a, NULL, l->name))
		return true;
	if (helper_undo(a->helper, l->name, err, sizeof(err))) {
		l->retry_at = next_try(&l->failures);
		return false;
	}
	snprintf(text, sizeof(text), "undone: what a network that is no more had left of %s", l->name);
	tell_host(a, "", text);
	return true;
}

static void leftovers_tick(struct agent *a, adit_time now)
{
	struct agent_leftover *l, **at = &a->leftovers;

	while (*at && (*at)->retry_at > now)
		at = &(*at)->next;
	l = *at;
	if (!l || !is_over(a, l))
		return;
	*at = l->next;
	free(l);
}

/* --- open, fail, close ---------------------------------------------------------- */

static bool blocks(const struct agent_network *n)
{
	for (size_t i = 0; n->holds && i < n->held.cnt; i++)
		if (n->held.steps[i].kind == ADIT_STEP_GUARD)
			return true;
	return false;
}

static void enter_failed(struct agent_network *n, enum agent_reason reason, const char *why)
{
	network_enter(n, blocks(n) ? AGENT_BLOCKED : AGENT_ERROR, reason, "%s",
		      why[0] ? why : agent_reason_sentence(reason));
}

/* Of a kind that does not go on from a plan that is in force: that one goes first. */
static int open_freed(struct agent_network *n, enum agent_reason *reason, char *err, size_t err_len)
{
	int r = n->settings->type == AGENT_WIREGUARD ? 0 : network_undo(n, NULL);

	if (!r)
		return n->ops->open(n, reason, err, err_len);
	*reason = AGENT_HOST;
	snprintf(err, err_len, "%s", n->warning);
	return r;
}

static int open_network(struct agent_network *n, char *err, size_t err_len)
{
	enum agent_reason reason = AGENT_INTERNAL;
	int r;

	n->retry_at = ADIT_NEVER;
	n->warning[0] = '\0';
	err[0] = '\0';
	r = open_freed(n, &reason, err, err_len);
	if (r) {
		if (!n->holds)
			n->ifname[0] = '\0';
		schedule_retry(n);
		enter_failed(n, reason, err);
		if (!err[0])
			snprintf(err, err_len, "%s", n->why);
		return r;
	}
	n->holds = false;
	n->look_at = adit_tunnel_now();
	return 0;
}

int agent_network_tap(struct agent_network *n, struct adit_tap *tap)
{
	int r = adit_tunnel_tap(n->ops->tunnel(n), tap);

	if (!r && tap->keys && n->ops->renew)
		n->ops->renew(n);
	return r;
}

void agent_network_untap(struct agent_network *n, struct adit_tap *tap)
{
	adit_tunnel_untap(n->ops->tunnel(n), tap);
}

/* Whoever looks on finds at his next turn that there is nothing more. */
static void end_captures(struct agent_network *n)
{
	for (struct agent_capture *c = n->captures; c; c = c->next) {
		agent_network_untap(n, &c->tap);
		c->network = NULL;
	}
	n->captures = NULL;
}

static void close_network(struct agent_network *n)
{
	end_captures(n);
	if (n->impl)
		n->ops->close(n);
	else if (n->holds && !n->wanted)
		network_undo(n, NULL);
	n->ifname[0] = n->dns[0] = '\0';
}

void network_lost(struct agent_network *n, enum agent_reason reason, const char *fmt, ...)
{
	char why[sizeof(n->why)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	close_network(n);
	schedule_retry(n);
	enter_failed(n, reason, why);
}

int agent_connect(struct agent *a, struct agent_network *n, char *err, size_t err_len)
{
	(void)a;
	n->wanted = true;
	if (n->impl)
		return 0;
	n->failures = 0;
	return open_network(n, err, err_len);
}

void agent_network_shut(struct agent_network *n, bool keep)
{
	bool wanted = n->wanted;

	n->wanted = keep;
	close_network(n);
	n->wanted = wanted;
	n->retry_at = ADIT_NEVER;
	if (n->holds && !wanted)
		schedule_retry(n);
	else
		n->failures = 0;
}

void agent_network_retype(struct agent_network *n, const struct agent_network_settings *settings)
{
	n->settings = settings;
	n->ops = ops_of(settings->type);
}

int agent_disconnect(struct agent *a, struct agent_network *n, char *err, size_t err_len)
{
	(void)a;
	n->wanted = false;
	agent_network_shut(n, false);
	if (n->holds) {
		enter_failed(n, AGENT_HOST, n->warning);
		snprintf(err, err_len, "%s", n->warning);
		return -EBUSY;
	}
	n->warning[0] = '\0';
	network_enter(n, AGENT_DOWN, AGENT_NOT_ASKED, NULL);
	return 0;
}

/* --- all of them ------------------------------------------------------------------ */

struct agent_network *agent_network_add(struct agent *a, const struct agent_network_settings *settings)
{
	struct agent_network **at = &a->networks, *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->agent = a;
	n->settings = settings;
	n->ops = ops_of(settings->type);
	n->reason = AGENT_NOT_ASKED;
	snprintf(n->why, sizeof(n->why), "%s", agent_reason_sentence(n->reason));
	n->since = adit_tunnel_now();
	n->wanted = settings->enable;
	n->retry_at = n->wanted ? n->since : ADIT_NEVER;
	while (*at)
		at = &(*at)->next;
	*at = n;
	return n;
}

void agent_network_remove(struct agent *a, struct agent_network *n)
{
	char err[8];

	for (struct agent_network **at = &a->networks; *at; at = &(*at)->next) {
		if (*at == n) {
			*at = n->next;
			break;
		}
	}
	if (n->state != AGENT_DOWN)
		agent_disconnect(a, n, err, sizeof(err));
	if (n->holds)
		network_leave(n);
	free(n);
}

int agent_networks_init(struct agent *a)
{
	for (struct agent_network_settings *s = a->config->networks; s; s = s->next) {
		if (!agent_network_add(a, s)) {
			agent_networks_fini(a);
			return -ENOMEM;
		}
	}
	return agent_moves_init(a);
}

void agent_networks_fini(struct agent *a)
{
	agent_moves_fini(a);
	while (a->networks)
		agent_network_remove(a, a->networks);
	for (struct agent_leftover *l = a->leftovers; l; l = a->leftovers) { /* the helper's, as it ends */
		a->leftovers = l->next;
		free(l);
	}
}

static adit_time due_of(const struct agent_network *n)
{
	if (n->impl)
		return n->look_at;
	return n->wanted || n->holds ? n->retry_at : ADIT_NEVER;
}

adit_time agent_networks_due(const struct agent *a)
{
	adit_time due = agent_moves_due(a);

	for (const struct agent_network *n = a->networks; n; n = n->next)
		if (due_of(n) < due)
			due = due_of(n);
	for (const struct agent_leftover *l = a->leftovers; l; l = l->next)
		if (l->retry_at < due)
			due = l->retry_at;
	return due;
}

static void look(struct agent_network *n, adit_time now)
{
	adit_time next;

	n->look_at = ADIT_NEVER;
	next = n->ops->look(n, now);
	if (n->impl)
		n->look_at = next;
	if (n->state == AGENT_UP)
		n->failures = 0;
}

void agent_networks_tick(struct agent *a, adit_time now)
{
	struct agent_network *next = NULL;
	char err[256];

	agent_moves_tick(a, now);
	for (struct agent_network *n = a->networks; n; n = n->next) {
		if (due_of(n) > now)
			continue;
		if (n->impl)
			look(n, now);
		else if (!next || n->retry_at < next->retry_at)
			next = n;
	}
	if (!next)
		leftovers_tick(a, now);
	else if (next->wanted)
		open_network(next, err, sizeof(err));
	else
		agent_disconnect(a, next, err, sizeof(err)); /* what could not be undone */
}

void agent_networks_moved(struct agent *a, adit_time now)
{
	for (struct agent_network *n = a->networks; n; n = n->next) {
		if (n->impl)
			n->ops->moved(n, now);
		else if (n->wanted && n->retry_at > now) /* what failed may work now */
			n->retry_at = now;
	}
}
