/* SPDX-License-Identifier: ISC */
/*
 * log.h - log lines of a forwarder: on standard error, for the journal where
 * systemd collects it, in syslog from the background. Any thread.
 */
#ifndef ADIT_FORWARD_LOG_H
#define ADIT_FORWARD_LOG_H

#include "forward/config.h"

/* Looks once at where standard error goes. */
void adit_forward_log_init(void);
void adit_forward_log_level(enum adit_forward_log_level level);
/* Lines go there instead, with syslog's priority; NULL: no more. Before there are threads. */
void adit_forward_log_set_sink(void (*sink)(int priority, const char *text));
/* The first error that this thread logs is put into buf, too; NULL: no more. */
void adit_forward_log_keep(char *buf, size_t size);
/* DEBUG, which is what a remote can trigger, is limited to some lines a second. */
void adit_forward_log(enum adit_forward_log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
