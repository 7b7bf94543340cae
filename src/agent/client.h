/* SPDX-License-Identifier: ISC */
/* client.h - a command that asks the agent: its arguments, its questions, the replies */
#ifndef ADIT_AGENT_CLIENT_H
#define ADIT_AGENT_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/exit.h"
#include "config/config.h"

/* --- arguments ----------------------------------------------------------------- */

struct agent_args {
	const char *command, *usage;
	const char *operand; /* NULL: none */
	const char *control; /* --control PATH; NULL: the usual places */
	bool json, names, wait, follow, dry_run, down;
	const char *since, *timeout, *interval, *file, *count, *keylog; /* NULL: not given */
};

/* Bits of what a command takes besides --control. */
enum {
	AGENT_ARG_JSON = 1, AGENT_ARG_NAMES = 2, AGENT_ARG_WAIT = 4, AGENT_ARG_FOLLOW = 8, AGENT_ARG_DRY_RUN = 16,
	AGENT_ARG_DOWN = 32, AGENT_ARG_SINCE = 64, AGENT_ARG_TIMEOUT = 128, AGENT_ARG_INTERVAL = 256,
	AGENT_ARG_OPERAND = 512, AGENT_ARG_MUST = 1024 /* have the operand */, AGENT_ARG_FILE = 2048 /* of capture */,
};
/* 0, or ADIT_EXIT_USAGE after a message. */
int agent_args_read(struct agent_args *ret, int argc, char **argv, unsigned takes, const char *usage);
/* Seconds, such as "1.5", as milliseconds; -1: not that. */
int64_t agent_args_ms(const char *text);

/* --- asking -------------------------------------------------------------------- */

struct agent_client {
	const struct agent_args *args;
	int fd;
	char *buf;
	size_t len, cap, line; /* what is read; the last line's length with its end */
};

/* 0, or an exit code after a message (with --json an object that says the same). */
int agent_client_open(struct agent_client *c, const struct agent_args *args);
void agent_client_close(struct agent_client *c);
/*
 * Sends an action; `more` is JSON members, ",\"network\":\"office\"". 0 or an exit
 * code after a message.
 */
int agent_client_send(struct agent_client *c, const char *action, const char *more);
/* The next line, to be read until the next call; NULL: no more. */
const char *agent_client_line(struct agent_client *c);
/* One has been read already: to be taken before the descriptor is waited for. */
bool agent_client_has_line(const struct agent_client *c);
/*
 * The reply to what was sent: 0 with *result the text of the result's object
 * and *doc its tree (of the whole reply; free it), or an exit code after a message.
 */
int agent_client_reply(struct agent_client *c, char **result, struct adit_conf **doc);
/* All of the above for one question. With --json the result is printed. doc NULL: not wanted. */
int agent_client_ask(const struct agent_args *args, const char *action, const char *more, struct adit_conf **doc);

/* ,"name":"value" for agent_client_send; free it. NULL value: "". */
char *agent_client_member(const char *name, const char *value);

/* --- reading replies -------------------------------------------------------------- */

const struct adit_conf_node *agent_reply_result(const struct adit_conf *doc);
/* "" and 0 where there is none, or it is null. */
const char *agent_reply_text(const struct adit_conf_node *table, const char *key);
int64_t agent_reply_number(const struct adit_conf_node *table, const char *key, int64_t otherwise);
double agent_reply_real(const struct adit_conf_node *table, const char *key, double otherwise);
bool agent_reply_bool(const struct adit_conf_node *table, const char *key);

/* --- commands; argv[0] is the command's name; return an enum adit_exit -------------- */

int adit_status_main(int argc, char **argv);
int adit_peers_main(int argc, char **argv);
int adit_connect_main(int argc, char **argv);
int adit_disconnect_main(int argc, char **argv);
int adit_wait_main(int argc, char **argv);
int adit_reload_main(int argc, char **argv);
int adit_events_main(int argc, char **argv);
int adit_log_main(int argc, char **argv);
int adit_confirm_main(int argc, char **argv);
int adit_stop_main(int argc, char **argv);
int adit_capture_main(int argc, char **argv);
int adit_top_main(int argc, char **argv);

#endif
