/* SPDX-License-Identifier: ISC */
/*
 * api.h - one request, one line: {"id":"1","action":"connect","network":"office"}
 * and its reply, {"id":"1","ok":true,"result":{...}} or {"id":"1","ok":false,
 * "error":{"code":...,"message":...,"hint":...,"retryable":...}}
 *
 * DOC: what a request may hold
 *
 * id (text or a whole number, given back as it was), action, v (1), network where
 * the action takes one, if_generation where it changes something, and the action's
 * own keys; anything else, and any key twice, is refused. doc/api/ has the schema.
 *
 * Actions write the members of their result. One that takes its time leaves a
 * struct agent_pending behind; session.h goes on with it.
 */
#ifndef ADIT_AGENT_API_H
#define ADIT_AGENT_API_H

#include "agent/agent.h"
#include "agent/jsonout.h"
#include "agent/rates.h"
#include "agent/roles.h"
#include "config/config.h"

#define AGENT_LINE_MAX  65536 /* with its newline */
#define AGENT_DEPTH_MAX 16
#define AGENT_ID_MAX    128

struct agent_call_error {
	const char *code;
	char message[512];
	char hint[256];
	bool retryable;
	struct adit_conf_errors list; /* of a configuration; reported with it */
};

enum agent_pending_kind {
	AGENT_PENDING_NONE,
	AGENT_PENDING_STATE,
	AGENT_PENDING_EVENTS,
	AGENT_PENDING_CAPTURE,
	AGENT_PENDING_JOB,
};

/* What a session still owes an answer for. */
struct agent_pending {
	enum agent_pending_kind kind;
	char id[AGENT_ID_MAX + 16]; /* as JSON */
	char network[AGENT_NAME_LEN]; /* "" = all (EVENTS) */
	adit_time deadline;
	/* CAPTURE: somebody looks at the network's packets until he hangs up (capture.h).
	 * STATE: until it is up (or down) */
	enum agent_state state;
	bool fail_on_error; /* an error ends it, though it would be tried again */
	unsigned job; /* of JOB: its number (api_job.c) */
	bool keylog; /* of CAPTURE */
	uint64_t seen; /* number of the last event that was sent, or looked at */
};

struct agent_call {
	struct agent *agent;
	struct agent_caller caller;
	enum agent_role role; /* may be less than the caller's: the observers' socket, HTTP */
	const struct agent_rates *rates;
	adit_time now;
	const struct adit_conf_node *request;
	struct adit_conf_errors *errors; /* of reading the request */
	struct agent_network *network;   /* NULL: not given */
	struct agent_json *j;            /* the result's members */
	struct agent_pending *pending;   /* NULL: nothing may be left for later */
	struct agent_call_error error;
};

enum agent_api_result { AGENT_API_DONE, AGENT_API_LATER };

/* Answers a line (without its newline): a line is written to out, but nothing when
 * *c->pending was filled and will answer. Fill agent, caller, role, rates, now and
 * pending before. */
enum agent_api_result agent_api_line(struct agent_call *c, const char *line, size_t len, FILE *out);
/* A reply of failure outside of any action. id: as JSON, or NULL. */
void agent_api_refuse(FILE *out, const char *id, const char *code, bool retryable, const char *message,
		      const char *hint);
/* What a pending one says when it is over; true when it is. */
bool agent_api_state_over(struct agent *a, const struct agent_pending *p, adit_time now, FILE *out);
bool agent_api_job_over(struct agent *a, const struct agent_pending *p, adit_time now, FILE *out);
/* The next events that it has not seen, as lines; at most some, *more: there are more. */
void agent_api_events_next(struct agent *a, struct agent_pending *p, enum agent_role role, FILE *out, bool *more);

/* The end of everything: nobody waits for a job any more. */
void agent_job_forget(struct agent *a);

/* One error of a configuration, as an item of a list. */
void agent_api_problem(struct agent_json *j, const struct adit_conf_error *e);

/* --- for actions (api_*.c) ----------------------------------------------------- */

struct agent_action {
	const char *name;
	enum agent_role role;
	enum { AGENT_WITHOUT_NETWORK, AGENT_MAY_NETWORK, AGENT_NEEDS_NETWORK } network;
	bool changes; /* logged with who asked; takes if_generation */
	const char *const *keys; /* its own; ends with NULL; may be NULL */
	int (*run)(struct agent_call *c); /* enum agent_api_result, or -1: c->error is filled */
};
extern const struct agent_action agent_actions[]; /* ends with name NULL */

/* Fills c->error; returns -1. */
int agent_call_fail(struct agent_call *c, const char *code, const char *hint, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* The same of a function that gave -errno and a sentence. */
int agent_call_errno(struct agent_call *c, int r, const char *sentence);
/* Values of the request's own keys; *ret is untouched where there is none. 0, or -1 with c->error filled. */
int agent_call_bool(struct agent_call *c, const char *key, bool *ret);
int agent_call_number(struct agent_call *c, const char *key, int64_t min, int64_t max, int64_t *ret);
int agent_call_text(struct agent_call *c, const char *key, const char **ret);
int agent_call_word(struct agent_call *c, const char *key, const char *const *words, size_t *ret);
/* What reading reported becomes the call's error; returns -1. */
int agent_call_unread(struct agent_call *c);

int agent_act_hello(struct agent_call *c);
int agent_act_status(struct agent_call *c);
int agent_act_networks(struct agent_call *c);
int agent_act_peers(struct agent_call *c);
int agent_act_peer_add(struct agent_call *c);
int agent_act_peer_remove(struct agent_call *c);
int agent_act_connect(struct agent_call *c);
int agent_act_disconnect(struct agent_call *c);
int agent_act_wait(struct agent_call *c);
int agent_act_reload(struct agent_call *c);
int agent_act_confirm(struct agent_call *c);
int agent_act_check(struct agent_call *c);
int agent_act_events(struct agent_call *c);
int agent_act_history(struct agent_call *c);
int agent_act_metrics(struct agent_call *c);
int agent_act_capture(struct agent_call *c);
int agent_act_log(struct agent_call *c);
int agent_act_doctor(struct agent_call *c);
int agent_act_cleanup(struct agent_call *c);
int agent_act_shutdown(struct agent_call *c);

#endif
