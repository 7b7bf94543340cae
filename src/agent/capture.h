/* SPDX-License-Identifier: ISC */
/*
 * capture.h - what somebody who captures a network's packets is told besides: packets
 * that were dropped and why, and with a key log the keys of handshakes
 *
 * It is noted where it happens (a data thread), into memory that is bounded, and
 * written as lines by control some times a second: {"id":"1","drop":{...}},
 * {"id":"1","keys":[...]}, and {"id":"1","lost":3} for what there was no room for.
 */
#ifndef ADIT_AGENT_CAPTURE_H
#define ADIT_AGENT_CAPTURE_H

#include <pthread.h>

#include "agent/agent.h"
#include "agent/roles.h"
#include "tunnel/tap.h"

#define AGENT_CAPTURE_EVERY (100 * ADIT_MSEC) /* lines are fetched */

/* What was noted, record behind record. */
struct agent_capture_notes {
	uint8_t *buf;
	size_t len;
	uint64_t lost;
};

struct agent_capture {
	struct agent_capture *next; /* of the network's */
	struct agent_network *network; /* NULL: it was closed meanwhile */
	struct agent *agent;
	char name[AGENT_NAME_LEN]; /* the network's */
	struct agent_caller by;
	struct adit_tap tap; /* tap.keys: with a key log */
	pthread_mutex_t mutex;
	struct agent_capture_notes notes, taken; /* notes: under the mutex */
};

/* It begins; with keys that is an event. 0 or -errno. */
int agent_capture_new(struct agent_capture **ret, struct agent_network *n, const struct agent_caller *by, bool keys);
/* NULL is fine. */
void agent_capture_free(struct agent_capture *c);
/* Lines for what was noted since: malloc'd, NULL when there is nothing; wipe them. id: as JSON. 0 or -ENOMEM. */
int agent_capture_lines(struct agent_capture *c, const char *id, char **ret, size_t *len);
/* How many look at the network's packets; who has its keys logged, or NULL. */
unsigned agent_captures(const struct agent_network *n);
const struct agent_caller *agent_captures_keys(const struct agent_network *n);

#endif
