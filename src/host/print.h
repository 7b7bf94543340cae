/* SPDX-License-Identifier: ISC */
/* print.h - pieces of what status commands print, for people and as JSON */
#ifndef ADIT_HOST_PRINT_H
#define ADIT_HOST_PRINT_H

#include <stdint.h>
#include <stdio.h>

#include "base/drop.h"
#include "base/time.h"

/* "1.50 MiB" */
void adit_print_bytes(FILE *out, uint64_t v);
/* "12 s ago"; at 0: "never" */
void adit_print_age(FILE *out, adit_time now, adit_time at);

/* In quotes, whatever the text holds. */
void adit_json_string(FILE *out, const char *text);
/* These begin with a comma: ,"name":... */
void adit_json_member(FILE *out, const char *name, const char *text);
void adit_json_number(FILE *out, const char *name, uint64_t v);
/* Milliseconds since `at`; null: never. */
void adit_json_age(FILE *out, const char *name, adit_time now, adit_time at);
/* ,"drops":{"reason":count}, of those that were counted. */
void adit_json_drops(FILE *out, const uint64_t drops[ADIT_DROP_CNT]);

/* Prometheus' text format: what stands above a metric, and a label in quotes with what the format escapes. */
void adit_metric_head(FILE *out, const char *name, const char *type, const char *help);
void adit_metric_label(FILE *out, const char *name, const char *text);

#endif
