/* SPDX-License-Identifier: ISC */
/* notify.c - what the service manager is told */
#include "agent/notify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "host/process.h"
#include "tunnel/tunnel.h"

#define READY_AFTER (30 * ADIT_SEC) /* it would wait no longer, and nothing is wrong with the agent */

void agent_tally_take(struct agent_tally *ret, const struct agent *a)
{
	*ret = (struct agent_tally){ 0 };
	for (const struct agent_network *n = a->networks; n; n = n->next) {
		if (!n->wanted)
			continue;
		ret->wanted++;
		if (n->state == AGENT_UP)
			ret->up++;
		else if (n->state == AGENT_ERROR || n->state == AGENT_BLOCKED || n->state == AGENT_STALE)
			ret->failed++;
		else if (n->reason == AGENT_OK || n->reason == AGENT_NOT_ASKED)
			ret->open++;
		if (n->state != AGENT_UP && !ret->first)
			ret->first = n;
	}
}

/* The service manager's, unless it is meant for another process. */
static adit_time watchdog_time(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	long long v = usec ? atoll(usec) : 0;

	if (v <= 0 || (pid && atoll(pid) != getpid()))
		return 0;
	return v * 1000;
}

void agent_notify_init(struct agent_notify *n, adit_time now)
{
	*n = (struct agent_notify){ .ready_by = now + READY_AFTER, .seen = UINT64_MAX };
	n->every = watchdog_time() / 4;
	n->at = n->every ? now : ADIT_NEVER;
}

adit_time agent_notify_due(const struct agent_notify *n)
{
	return n->ready || n->at < n->ready_by ? n->at : n->ready_by;
}

static void make_status(char *buf, size_t size, const struct agent_tally *t)
{
	if (!t->first)
		snprintf(buf, size, "STATUS=%u network%s up", t->up, t->up == 1 ? "" : "s");
	else
		snprintf(buf, size, "STATUS=%u of %u networks up; %s %s: %s", t->up, t->wanted, t->first->settings->name,
			 agent_state_name(t->first->state), agent_reason_name(t->first->reason));
}

static void tell_states(struct agent_notify *n, const struct agent *a, adit_time now)
{
	struct agent_tally t;
	char status[sizeof(n->status)];

	agent_tally_take(&t, a);
	make_status(status, sizeof(status), &t);
	if (strcmp(status, n->status))
		adit_process_notify(strcpy(n->status, status));
	if (!n->ready && (!t.open || now >= n->ready_by)) {
		adit_process_notify("READY=1");
		n->ready = true;
	}
}

/* The tunnels' threads have answered, and are asked anew. */
static bool threads_turn(struct agent *a)
{
	bool turn = true;

	for (struct agent_network *n = a->networks; n; n = n->next) {
		struct adit_tunnel *t = n->impl && n->ops->tunnel ? n->ops->tunnel(n) : NULL;

		if (!t)
			continue;
		turn = turn && adit_tunnel_answered(t);
		adit_tunnel_ask(t);
	}
	return turn;
}

void agent_notify_tick(struct agent_notify *n, struct agent *a, adit_time now)
{
	if (n->seen != a->events.last || (!n->ready && now >= n->ready_by)) {
		n->seen = a->events.last;
		tell_states(n, a, now);
	}
	if (now < n->at)
		return;
	n->at = now + n->every;
	if (threads_turn(a))
		adit_process_notify("WATCHDOG=1");
	else
		adit_log_warning("a data thread does not answer: the watchdog is not fed");
}

/* The moment lets a manager of Type=notify-reload tell this reload from one before. */
void agent_notify_reloading(void)
{
	struct timespec now;
	char text[80];

	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%lld",
		 (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
	adit_process_notify(text);
}

void agent_notify_reloaded(struct agent_notify *n)
{
	adit_process_notify("READY=1");
	n->status[0] = '\0';
	n->seen = UINT64_MAX;
}
