/* SPDX-License-Identifier: ISC */
/* confine.h - the network process gives up what it needs no longer */
#ifndef ADIT_AGENT_CONFINE_H
#define ADIT_AGENT_CONFINE_H

#include "agent/agent.h"

/* Becomes the configured user without capabilities, and enters the sandbox; before
 * there is a second thread. 0, or -errno with a sentence: rights could not be dropped. */
int agent_confine(struct agent *a, char *err, size_t err_len);

#endif
