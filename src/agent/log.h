/* SPDX-License-Identifier: ISC */
/*
 * log.h - where the agent's lines go: standard error, syslog once it is in the
 * background, or journald with fields where standard error is journald's
 * (JOURNAL_STREAM). Many lines in a short time are counted instead.
 */
#ifndef ADIT_AGENT_LOG_H
#define ADIT_AGENT_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"

struct agent_event;

#define AGENT_JOURNAL "/run/systemd/journal/socket"

/* Takes over adit_log_*: before rights are dropped. journal: AGENT_JOURNAL. background: until the
 * process is detached only errors go to standard error, and everything to syslog. */
void agent_log_init(const char *journal, bool background);
void agent_log_fini(void);

/* A line of some part that has a log of its own, with syslog's priority: if the level allows it. */
void agent_log_line(int priority, const char *text);
/* One line, and one entry of journald with the event's fields. */
void agent_log_event(const struct agent_event *event);

/* At most so many lines at once, and so many a second after that. */
#define AGENT_LOG_BURST  200
#define AGENT_LOG_RATE   10
struct agent_log_bucket {
	adit_time since; /* 0: never used */
	double room;
	unsigned dropped; /* since the last line that passed */
};
/* May a line pass? *dropped: how many did not before this one, once. */
bool agent_log_passes(struct agent_log_bucket *b, adit_time now, unsigned *dropped);

/* The event as journald's datagram; returns its length, at most size. */
size_t agent_log_entry(char *buf, size_t size, int priority, const char *text, const struct agent_event *event);

#endif
