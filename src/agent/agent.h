/* SPDX-License-Identifier: ISC */
/*
 * agent.h - the agent: one configuration, many networks, one loop of control
 *
 * DOC: threads
 *
 * All of the agent is one control thread that waits in epoll (host/answer.h's
 * adit_watch); each network has its own data threads behind its tunnel. Nothing
 * here blocks for longer than a request to the helper process takes.
 */
#ifndef ADIT_AGENT_AGENT_H
#define ADIT_AGENT_AGENT_H

#include "agent/events.h"
#include "agent/helper.h"
#include "agent/network.h"
#include "agent/settings.h"
#include "host/answer.h"

struct agent_control;
struct agent_handover;
struct agent_job;
struct agent_leftover;
struct agent_moves;

struct agent {
	const char *config_path; /* absolute */
	struct agent_config *config; /* in force */
	bool state_dir_given;    /* by an option: what the configuration says of it is not asked */
	uint64_t generation;     /* of the configuration; 1 at start, one more with each reload */
	struct agent_network *networks;
	struct agent_leftover *leftovers; /* networks.c: plans of networks that are no more */
	struct helper *helper;
	struct agent_events events;
	struct agent_control *control; /* control.h */
	struct agent_moves *moves; /* moves.h */
	struct agent_handover *handover; /* handover.h */
	struct agent_job *job; /* api_job.c: the last one, or NULL */
	unsigned job_cnt;
	int epoll_fd;
	adit_time started;
	bool ending;             /* shutdown was asked for */
	adit_time confirm_by;    /* all is undone then, unless agent_confirm was called; ADIT_NEVER */
};

/* networks.c: these enter states; they return 0 or -errno with a sentence. */
struct agent_network *agent_find(struct agent *a, const char *name);
int agent_connect(struct agent *a, struct agent_network *n, char *err, size_t err_len);
int agent_disconnect(struct agent *a, struct agent_network *n, char *err, size_t err_len);
/* Parses, validates, compares, applies; on failure what ran still runs, and
 * errors or err say why. -EINVAL: the configuration is wrong. dry_run: only says
 * what would change, to out (may be NULL). */
int agent_reload(struct agent *a, bool dry_run, FILE *out, struct adit_conf_errors *errors, char *err,
		 size_t err_len);
/* A peer of a running WireGuard network, by the API; not written to the file. */
int agent_peer_add(struct agent *a, struct agent_network *n, const struct agent_peer *peer, char *err,
		   size_t err_len);
int agent_peer_remove(struct agent *a, struct agent_network *n, const uint8_t public_key[ADIT_KEY_LEN], char *err,
		      size_t err_len);

/* agent.c: the changes of `adit agent --confirm` stay. False: nothing waits for that. */
bool agent_confirm(struct agent *a);

/* Bodies of commands; argv[0] is the command's name; return an enum adit_exit. */
int adit_agent_main(int argc, char **argv);
int adit_start_main(int argc, char **argv);

#endif
