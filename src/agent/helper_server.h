/* SPDX-License-Identifier: ISC */
/* helper_server.h - the privileged end: what is asked for is judged, and done */
#ifndef ADIT_AGENT_HELPER_SERVER_H
#define ADIT_AGENT_HELPER_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

#include "agent/helper_message.h"
#include "agent/helper_tuns.h"

struct adit_keeper;
struct helper_names;

/* What a network process can have in force at once, all its plans together. */
struct helper_limits {
	size_t plans, steps, text; /* text: of steps, in bytes */
};

struct helper_server {
	char config_path[HELPER_PATH_LEN];
	int events_fd; /* to the network process; -1: nobody is told */
	bool confined; /* no more files to be removed at the end, nothing to be taken over */
	bool ending, keep;
	struct adit_keeper *keeper; /* NULL before HELPER_BEGIN */
	char state_dir[256];
	struct helper_tuns tuns;
	struct helper_names *uapis, *sockets, *files; /* that we opened: interfaces and paths */
	struct helper_names *configs; /* of files: the configuration and its drop-ins */
	char **drop_ins; /* of the last question for number 0 */
	int drop_in_cnt;
	pid_t job; /* the child that does one (helper_job.h); 0: none */
	struct helper_limits limits;
};

void helper_server_init(struct helper_server *s, const char *config_path, int events_fd);
/* Undoes nothing of the machine's plans; removes sockets' files. */
void helper_server_fini(struct helper_server *s);

/* Does what m asks for and makes it the answer. fd: what came with it, or -1; stays the caller's.
 * Returns a descriptor that goes with the answer, or -1. */
int helper_server_answer(struct helper_server *s, struct helper_message *m, int fd);

/* The helper's process, until the other end is gone or says so. Undoes the plans, and never returns. */
_Noreturn void helper_server_run(const char *config_path, int sock, int events_fd);

#endif
