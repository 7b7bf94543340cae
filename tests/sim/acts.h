/* SPDX-License-Identifier: ISC */
/* acts.h - what happens in every random story, whatever the core */
#ifndef ADIT_TESTS_SIM_ACTS_H
#define ADIT_TESTS_SIM_ACTS_H

#include "world.h"

unsigned acts_node(struct world *w);
unsigned acts_other(struct world *w, unsigned than);
/* The link is made bad, or good (false). */
bool acts_link(struct world *w);
void acts_send(struct world *w);
void acts_roam(struct world *w);
void acts_spoof(struct world *w);
/* An attacker replays what he saw, from where it came or from elsewhere. */
void acts_replay(struct world *w);

#endif
