/* SPDX-License-Identifier: ISC */
/*
 * networks.c - the life of all networks: started, looked at, tried again, ended
 *
 * DOC: one at a time
 *
 * A tick opens at most one network, so that what waits behind it (a reply of the
 * control API, a look at the others) never waits for all of them. Which one failed
 * is tried again by itself; the others do not notice.
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

bool agent_plan_is_anothers(const struct agent_network *n, const char *name)
{
	for (const struct agent_network *o = n->agent->networks; o; o = o->next)
		if (o != n && ((o->impl && !strcmp(o->ifname, name)) || (o->holds && !strcmp(o->held.name, name))))
			return true;
	return false;
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

/* --- open, fail, close ---------------------------------------------------------- */

static void schedule_retry(struct agent_network *n)
{
	uint32_t random;

	adit_random(&random, sizeof(random));
	n->failures++;
	n->retry_at = adit_tunnel_now() + network_back_off(n->failures, random);
}

static void enter_failed(struct agent_network *n, enum agent_reason reason, const char *why)
{
	network_enter(n, n->holds ? AGENT_BLOCKED : AGENT_ERROR, reason, "%s",
		      why[0] ? why : agent_reason_sentence(reason));
}

static int open_network(struct agent_network *n, char *err, size_t err_len)
{
	enum agent_reason reason = AGENT_INTERNAL;
	int r;

	n->retry_at = ADIT_NEVER;
	n->warning[0] = '\0';
	err[0] = '\0';
	r = n->ops->open(n, &reason, err, err_len);
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
		n->ops->release(n); /* n->holds is false then */
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
	(void)err;
	(void)err_len;
	n->wanted = false;
	agent_network_shut(n, false);
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
}

static adit_time due_of(const struct agent_network *n)
{
	if (n->impl)
		return n->look_at;
	return n->wanted ? n->retry_at : ADIT_NEVER;
}

adit_time agent_networks_due(const struct agent *a)
{
	adit_time due = agent_moves_due(a);

	for (const struct agent_network *n = a->networks; n; n = n->next)
		if (due_of(n) < due)
			due = due_of(n);
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
	if (next)
		open_network(next, err, sizeof(err));
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
