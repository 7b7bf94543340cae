/* SPDX-License-Identifier: ISC */
/* overlap.h - two networks that want the same addresses */
#ifndef ADIT_AGENT_OVERLAP_H
#define ADIT_AGENT_OVERLAP_H

#include "agent/network.h"

/*
 * Would these settings of n lead what another network that runs leads already: the same prefix in the same
 * table with the same metric, or both all of a family? Then true, with a sentence in err. What is merely within
 * another's prefix is routed to the narrower one; that is said in n->warning.
 */
bool agent_overlap(struct agent_network *n, const struct agent_network_settings *s, char *err, size_t err_len);
/* The same of two settings, without a word. */
bool agent_overlap_between(const struct agent_network_settings *a, const struct agent_network_settings *b);

#endif
