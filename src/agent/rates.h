/* SPDX-License-Identifier: ISC */
/*
 * rates.h - how fast bytes move: counters noted now and then, for rates over 1, 10
 * and 60 s of networks and peers, and a graph of a network's last five minutes
 *
 * DOC: what is kept
 *
 * A rate is the difference to an older note, divided by the time between the two:
 * never an average that forgets slowly. A network has a note a second; a peer
 * three of about a second and thirteen of five seconds, which is what a thousand
 * peers may cost; beyond twenty thousand they have none. Notes are taken each second while somebody looks on, each ten
 * seconds otherwise, and less often where taking them is work.
 */
#ifndef ADIT_AGENT_RATES_H
#define ADIT_AGENT_RATES_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/network.h"

struct agent_rates;

enum agent_window { AGENT_WINDOW_1S, AGENT_WINDOW_10S, AGENT_WINDOW_60S, AGENT_WINDOW_CNT };

/* Bytes a second; below 0: not known yet. */
struct agent_rate {
	double rx, tx;
};

struct agent_rates *agent_rates_new(void); /* NULL: no memory */
void agent_rates_free(struct agent_rates *r);

/* Notes what a snapshot says. */
void agent_rates_note(struct agent_rates *r, const struct agent_snapshot *s);
/* Forgets networks that were not noted since that time. */
void agent_rates_forget(struct agent_rates *r, adit_time before);

void agent_rates_network(const struct agent_rates *r, const struct agent_snapshot *s,
			 struct agent_rate ret[AGENT_WINDOW_CNT]);
/* peer: its place in the snapshot. */
void agent_rates_peer(const struct agent_rates *r, const struct agent_snapshot *s, size_t peer,
		      struct agent_rate ret[AGENT_WINDOW_CNT]);

#define AGENT_HISTORY_POINTS 150
#define AGENT_HISTORY_STEP   (2 * ADIT_SEC)
/* The rates of the last AGENT_HISTORY_POINTS steps, oldest first; below 0: not known. */
void agent_rates_history(const struct agent_rates *r, const char *network, adit_time now,
			 struct agent_rate ret[AGENT_HISTORY_POINTS]);

#endif
