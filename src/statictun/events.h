/* SPDX-License-Identifier: ISC */
/*
 * events.h - what the core tells, from the data threads to the control thread: a
 * pipe of small records. A data thread never waits for it; what does not fit
 * is lost and counted.
 */
#ifndef ADIT_STATICTUN_EVENTS_H
#define ADIT_STATICTUN_EVENTS_H

#include "static/static.h"
#include "statictun/settings.h"

struct statictun_event {
	enum adit_static_event what;
	uint8_t public_key[ADIT_KEY_LEN];
	struct adit_path endpoint;
};

struct statictun_events {
	int fd[2];
	_Atomic unsigned lost;
	/* Lines a remote can cause are limited; control thread's. */
	unsigned tokens, left_out;
	adit_time filled;
};

/* 0 or -errno. */
int statictun_events_init(struct statictun_events *e);
void statictun_events_fini(struct statictun_events *e);
/* For adit_static_on_event; user is a struct statictun_events. */
void statictun_events_put(void *user, enum adit_static_event what, const struct adit_static_peer *peer);
/* Takes one; false when none waits. */
bool statictun_events_take(struct statictun_events *e, struct statictun_event *ret);
/* Logs one, by the peer's name in the configuration. */
void statictun_events_log(struct statictun_events *e, const struct statictun_network *net,
			  const struct statictun_event *event, adit_time now);

#define STATICTUN_LABEL_LEN (ADIT_PREFIX_STRLEN + 16)
/* "10.0.0.2", "10.0.0.2 and 3 more" */
const char *statictun_label(const struct statictun_network *net, const uint8_t public_key[ADIT_KEY_LEN],
			    char buf[STATICTUN_LABEL_LEN]);

#endif
