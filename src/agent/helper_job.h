/* SPDX-License-Identifier: ISC */
/*
 * helper_job.h - what takes the helper's rights and its time: a child of it does the job and writes one JSON object
 *
 *   doctor    path: a network, or ""            what `adit doctor --json` says
 *   cleanup   number: HELPER_JOB_... or-ed      what `adit cleanup --json` says
 */
#ifndef ADIT_AGENT_HELPER_JOB_H
#define ADIT_AGENT_HELPER_JOB_H

#include "agent/helper_server.h"

#define HELPER_JOB_DRY_RUN     1u
#define HELPER_JOB_KEEP_GUARDS 2u
#define HELPER_JOB_FLAGS       3u

/* Starts m->what: *ret is where its object is read from. One at a time: -EBUSY. */
int helper_job_start(struct helper_server *s, struct helper_message *m, int *ret);
/* Buries the child when it has ended. */
void helper_job_look(struct helper_server *s);

#endif
