/* SPDX-License-Identifier: ISC */
/* show.h - the status as tables that people read, from the reply of the API */
#ifndef ADIT_AGENT_SHOW_H
#define ADIT_AGENT_SHOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "config/config.h"

#define AGENT_CELL 24

/* "12 s", "3 min", "2 h", "4 d"; below 0: "never" */
char *agent_show_age(char buf[AGENT_CELL], int64_t ms);
/* "1.4 MiB/s"; below 0: "-" */
char *agent_show_rate(char buf[AGENT_CELL], double v);
char *agent_show_bytes(char buf[AGENT_CELL], double v);

enum agent_colour { AGENT_PLAIN, AGENT_GREEN, AGENT_YELLOW, AGENT_RED, AGENT_GREY, AGENT_BOLD };
/* On a terminal, unless NO_COLOR is set. */
bool agent_show_colours(FILE *out);
const char *agent_show_colour(bool on, enum agent_colour colour);
enum agent_colour agent_show_state_colour(const char *state);

/* Columns that `text` takes on a terminal: its characters. */
size_t agent_show_width(const char *text);

/* result: of the action status. */
void agent_show_status(FILE *out, const struct adit_conf_node *result, bool colours);
/* A network's or a reply's "peers", at most `most`; returns how many were left out. */
size_t agent_show_peers(FILE *out, const struct adit_conf_node *with_peers, bool colours, const char *indent,
			size_t most);
/* All wanted networks are up, and at least one is. */
bool agent_show_connected(const struct adit_conf_node *result);

#endif
