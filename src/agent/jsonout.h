/* SPDX-License-Identifier: ISC */
/* jsonout.h - JSON written piece by piece: commas come by themselves, text stays UTF-8 */
#ifndef ADIT_AGENT_JSONOUT_H
#define ADIT_AGENT_JSONOUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/time.h"

struct agent_json {
	FILE *out;
	bool more; /* something stands in this object or list already */
};

/* name NULL: an item of a list, or the whole. */
void agent_json_open(struct agent_json *j, const char *name, char bracket);
void agent_json_close(struct agent_json *j, char bracket);
/* Bytes that are no UTF-8 become U+FFFD. text NULL: null. */
void agent_json_text(struct agent_json *j, const char *name, const char *text);
/* The same, and null for "". */
void agent_json_optional(struct agent_json *j, const char *name, const char *text);
void agent_json_number(struct agent_json *j, const char *name, uint64_t v);
void agent_json_signed(struct agent_json *j, const char *name, int64_t v);
/* Not finite, or below 0: null. */
void agent_json_real(struct agent_json *j, const char *name, double v, int digits);
void agent_json_bool(struct agent_json *j, const char *name, bool v);
void agent_json_null(struct agent_json *j, const char *name);
/* Milliseconds since `at`; at 0: null. */
void agent_json_age(struct agent_json *j, const char *name, adit_time now, adit_time at);
/* JSON that was written elsewhere. */
void agent_json_raw(struct agent_json *j, const char *name, const char *json);

#endif
