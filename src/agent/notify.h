/* SPDX-License-Identifier: ISC */
/*
 * notify.h - what the service manager is told (sd_notify(3)): READY when every
 * network that is asked for carries or has said why not, STATUS when it changes,
 * WATCHDOG while the data threads of all networks turn
 */
#ifndef ADIT_AGENT_NOTIFY_H
#define ADIT_AGENT_NOTIFY_H

#include "agent/agent.h"

struct agent_notify {
	bool ready;
	adit_time ready_by; /* at the latest */
	uint64_t seen;      /* number of the last event looked at */
	char status[200];
	adit_time every, at; /* the watchdog's; 0: nobody wants it */
};

/* What networks that were asked for have come to. */
struct agent_tally {
	unsigned wanted, up, failed, open; /* open: neither, and no reason yet */
	const struct agent_network *first; /* that is not up */
};
void agent_tally_take(struct agent_tally *ret, const struct agent *a);

void agent_notify_init(struct agent_notify *n, adit_time now);
adit_time agent_notify_due(const struct agent_notify *n);
void agent_notify_tick(struct agent_notify *n, struct agent *a, adit_time now);
void agent_notify_reloading(void);
void agent_notify_reloaded(struct agent_notify *n);

#endif
