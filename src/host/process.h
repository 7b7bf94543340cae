/* SPDX-License-Identifier: ISC */
/* process.h - a program of ours as a process: into the background, fewer privileges, readiness, messages */
#ifndef ADIT_HOST_PROCESS_H
#define ADIT_HOST_PROCESS_H

#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

enum adit_log_level { ADIT_LOG_SILENT, ADIT_LOG_ERROR, ADIT_LOG_WARNING, ADIT_LOG_INFO, ADIT_LOG_DEBUG };

/* silent (off), error, warning, verbose (info), debug. 0 or -EINVAL. */
int adit_log_level_parse(enum adit_log_level *ret, const char *text);
/* Messages begin with `ident`: on standard error, or in syslog once detached. */
void adit_log_init(const char *ident, enum adit_log_level level);
/* From now on; the level in force. */
void adit_log_set_level(enum adit_log_level level);
enum adit_log_level adit_log_level(void);
/* Messages go there instead, with syslog's priority; NULL: no more. */
void adit_log_set_sink(void (*sink)(int priority, const char *text));
/* One that was made already. */
void adit_log_text(enum adit_log_level level, const char *text);
/* error: this stopped working. warning: surprising, and handled. info: somebody wants it once. */
void adit_log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void adit_log_warning(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void adit_log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Forks. The parent never returns: it waits for adit_process_detach's status
 * and exits with it, or with 1 when the child dies first. The child goes on.
 * 0 or -errno. */
int adit_process_background(void);
/* In the child: lets the parent exit with this status; with 0 also lets go of
 * the terminal. No effect in the foreground. */
void adit_process_detach(int status);
/* The same, and lets go of the terminal whatever the status: the child goes on. */
void adit_process_leave(int status);
/* In the background, and the terminal let go of: messages go to syslog(3). */
bool adit_process_detached(void);

/* No core dumps, nobody may read our memory, all memory may be locked. */
void adit_process_protect(void);
/* What may never come back by exec: every capability but keep, a set of 1 << CAP_.... Before the
 * rest, as it takes a right itself. */
void adit_process_bound_capabilities(uint32_t keep);
/* Of those this thread has, the ones in keep stay, for it and those it starts. *left, unless NULL:
 * which they are. 0 or -errno. */
int adit_process_keep_capabilities(uint32_t keep, uint32_t *left);
/* Drops every capability but CAP_NET_ADMIN and CAP_NET_BIND_SERVICE, for this
 * thread and those it starts; no new ones by exec. 0 or -errno. */
int adit_process_drop_capabilities(void);

/* What asks a program to end, or to read its configuration again: SIGINT, SIGTERM, SIGHUP. */
void adit_process_signals(sigset_t *ret);
/* Of a server: blocks those, in this thread and those it starts, and ignores SIGPIPE. set may be NULL, else gets them. */
void adit_process_block_signals(sigset_t *set);

/* Tells the service manager, where there is one ("READY=1"). */
void adit_process_notify(const char *state);

#endif
