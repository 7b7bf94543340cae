/* SPDX-License-Identifier: ISC */
/* control_internal.h - what the parts of control share: its state, and one connection (session.c) */
#ifndef ADIT_AGENT_CONTROL_INTERNAL_H
#define ADIT_AGENT_CONTROL_INTERNAL_H

#include "agent/api.h"
#include "agent/capture.h"
#include "agent/control.h"
#include "agent/http.h"
#include "base/list.h"

/*
 * DOC: limits
 *
 * The newest connection comes in; who was silent longest goes, and is told to come
 * back. So a thousand connections that say nothing keep nobody out. But nobody goes
 * within his first moment: the next ones wait for that. A line must be whole in 30 s, a
 * reply must be taken in pieces of no more than 10 s. Who asks faster than his
 * share is told to come back. Some places are kept for admins, so that others
 * cannot lock them out. Subscribers take from the ring of events when they
 * have taken what was sent: nothing piles up for them.
 */
#define AGENT_SESSIONS_MAX     512
#define AGENT_SESSIONS_PER_UID 448
#define AGENT_SESSIONS_ADMINS  32 /* of all, that nobody else gets */
#define AGENT_SESSION_GRACE    (10 * ADIT_MSEC)
#define AGENT_SESSIONS_NOBODY  8 /* callers without a role, all together */
#define AGENT_LINE_PATIENCE    (30 * ADIT_SEC)
#define AGENT_WRITE_PATIENCE   (10 * ADIT_SEC)
#define AGENT_IDLE_PATIENCE    (600 * ADIT_SEC)
#define AGENT_END_PATIENCE     (2 * ADIT_SEC) /* for replies, when the end was asked for */
#define AGENT_ASK_BURST        2000
#define AGENT_ASK_PER_SECOND   500

/*
 * READING: lines come and are answered.
 * PENDING: an action goes on (a wait, a subscription); further lines stand in line.
 * ENDING: what is left of replies goes out; then it is freed.
 */
enum agent_session_state { AGENT_SESSION_READING, AGENT_SESSION_PENDING, AGENT_SESSION_ENDING };

struct agent_session {
	struct adit_watch watch;
	struct adit_list link;
	struct agent_control *control;
	struct agent_caller caller;
	enum agent_role role;
	enum agent_session_state state;
	struct agent_pending pending;
	struct agent_capture *capture; /* while one is pending */
	bool eof;      /* nothing more comes */
	bool more;     /* lines or events are left for the next turn */
	uint32_t want; /* of epoll */
	adit_time touched, line_began, progressed;
	char *in;
	size_t in_len, in_cap;
	char *out;
	size_t out_len, out_sent;
};

struct agent_control_listener {
	struct adit_watch watch; /* fd -1: not in use */
	struct agent_control *control;
	enum agent_role most; /* more than this nobody is on it */
	adit_time resting_until; /* no descriptor was left */
	char path[108];
};

struct agent_asker {
	uid_t uid;
	double tokens;
	adit_time filled;
};

struct agent_control {
	struct agent *agent;
	struct agent_role_rules rules;
	struct agent_control_listener listener[2]; /* everybody's, observers' */
	struct adit_list sessions;
	unsigned session_cnt;
	struct agent_asker asker[32];
	struct agent_rates *rates;
	adit_time sample_at, looked_at; /* the next note; when somebody last looked on */
	struct agent_http http;
	adit_time end_by; /* when the end was asked for: whoever has not read by then does not hold it up; 0 */
};

/* Takes the descriptor over; closes it when it cannot be served. */
void agent_session_new(struct agent_control *c, int fd, const struct agent_caller *caller, enum agent_role role,
		       adit_time now);
void agent_session_free(struct agent_session *s);
/* Another one takes its place: it is told so, where it was owed nothing, and freed. */
void agent_session_dismiss(struct agent_session *s);
adit_time agent_session_due(const struct agent_session *s);
/* May free it. */
void agent_session_tick(struct agent_session *s, adit_time now);

/* May this user ask once more now? */
bool agent_control_may_ask(struct agent_control *c, uid_t uid, adit_time now);
/* Somebody looks on: rates are noted more often for a while. */
void agent_control_looked(struct agent_control *c, adit_time now);
adit_time agent_control_now(void);

#endif
