/* SPDX-License-Identifier: ISC */
/* top.h - adit top's screen, drawn from replies of the API; its terminal is top.c's */
#ifndef ADIT_AGENT_TOP_H
#define ADIT_AGENT_TOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "config/config.h"

struct agent_screen {
	unsigned width, height;
	bool colours, utf8;
	size_t scroll; /* first peer that is shown; drawn back to what there is */
};

/* status, history: results of these actions. Writes height lines of at most width columns, and moves
 * the cursor to the first of them before, where `colours` (which is: on a terminal). */
void agent_screen_draw(FILE *out, struct agent_screen *s, const struct adit_conf_node *status,
		       const struct adit_conf_node *history);
/* The same as plain text without an end to its height. */
void agent_screen_print(FILE *out, const struct adit_conf_node *status, const struct adit_conf_node *history);

#endif
