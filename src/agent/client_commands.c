/* SPDX-License-Identifier: ISC */
/* client_commands.c - the commands that put one question to the agent and print the reply */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/client.h"
#include "agent/show.h"

/* --- looking ------------------------------------------------------------------------- */

static int ask_about(const struct agent_args *a, const char *action, struct adit_conf **doc)
{
	char *more = agent_client_member("network", a->operand);
	int r = agent_client_ask(a, action, more, doc);

	free(more);
	return r;
}

int adit_status_main(int argc, char **argv)
{
	struct agent_args a;
	struct adit_conf *doc;
	const struct adit_conf_node *result;
	int r = agent_args_read(&a, argc, argv, AGENT_ARG_JSON | AGENT_ARG_NAMES | AGENT_ARG_OPERAND, "[NETWORK] [--json]");

	if (r)
		return r;
	r = ask_about(&a, a.names ? "networks" : "status", &doc);
	if (r)
		return r;
	result = agent_reply_result(doc);
	if (a.names)
		adit_conf_each(adit_conf_get(result, "networks"), n)
			puts(agent_reply_text(n, "name"));
	else if (!a.json)
		agent_show_status(stdout, result, agent_show_colours(stdout));
	r = a.names || agent_show_connected(result) ? ADIT_EXIT_OK : ADIT_EXIT_NOT_CONNECTED;
	adit_conf_free(doc);
	return fflush(stdout) ? ADIT_EXIT_FAILED : r;
}

int adit_peers_main(int argc, char **argv)
{
	struct agent_args a;
	struct adit_conf *doc;
	int r = agent_args_read(&a, argc, argv, AGENT_ARG_JSON | AGENT_ARG_OPERAND | AGENT_ARG_MUST, "NETWORK [--json]");

	if (r)
		return r;
	r = ask_about(&a, "peers", &doc);
	if (r)
		return r;
	if (!a.json && !adit_conf_count(adit_conf_get(agent_reply_result(doc), "peers")))
		printf("%s has no peers%s\n", a.operand,
		       strcmp(agent_reply_text(agent_reply_result(doc), "state"), "down") ? "" : ": it is down");
	else if (!a.json)
		agent_show_peers(stdout, agent_reply_result(doc), agent_show_colours(stdout), "", (size_t)-1);
	adit_conf_free(doc);
	return fflush(stdout) ? ADIT_EXIT_FAILED : ADIT_EXIT_OK;
}

/* --- doing ------------------------------------------------------------------------------ */

/* ,"network":NETWORK,REST; NULL: no memory. */
static char *about(const char *network, const char *rest)
{
	char *member = agent_client_member("network", network), *text = NULL;

	if (member && asprintf(&text, "%s%s", member, rest) < 0)
		text = NULL;
	free(member);
	return text;
}

static int timeout_member(const struct agent_args *a, char *buf, size_t size)
{
	int64_t ms = a->timeout ? agent_args_ms(a->timeout) : 0;

	buf[0] = '\0';
	if (ms > 0)
		snprintf(buf, size, ",\"timeout_ms\":%lld", (long long)ms);
	if (ms >= 0)
		return 0;
	fprintf(stderr, "adit %s: --timeout takes seconds, up to a day\nUsage: adit %s %s\n", a->command, a->command,
		a->usage);
	return ADIT_EXIT_USAGE;
}

static int change_state(const struct agent_args *a, const char *action, const char *rest)
{
	char *more = about(a->operand, rest);
	struct adit_conf *doc;
	const char *why, *reason;
	int r = agent_client_ask(a, action, more, &doc);

	free(more);
	if (r)
		return r;
	reason = agent_reply_text(agent_reply_result(doc), "reason");
	why = strcmp(reason, "ok") && strcmp(reason, "not_asked") ? agent_reply_text(agent_reply_result(doc), "why") : "";
	if (!a->json)
		printf("%s is %s%s%s%s\n", a->operand, agent_reply_text(agent_reply_result(doc), "state"), *why ? " (" : "",
		       why, *why ? ")" : "");
	adit_conf_free(doc);
	return fflush(stdout) ? ADIT_EXIT_FAILED : ADIT_EXIT_OK;
}

int adit_connect_main(int argc, char **argv)
{
	struct agent_args a;
	char timeout[64], rest[96];
	int r = agent_args_read(&a, argc, argv, AGENT_ARG_JSON | AGENT_ARG_WAIT | AGENT_ARG_TIMEOUT | AGENT_ARG_OPERAND |
				AGENT_ARG_MUST, "NETWORK [--wait] [--timeout SECONDS] [--json]");

	if (!r)
		r = timeout_member(&a, timeout, sizeof(timeout));
	if (r)
		return r;
	snprintf(rest, sizeof(rest), "%s%s", a.wait || a.timeout ? ",\"wait\":true" : "", timeout);
	return change_state(&a, "connect", rest);
}

int adit_disconnect_main(int argc, char **argv)
{
	struct agent_args a;
	int r = agent_args_read(&a, argc, argv, AGENT_ARG_JSON | AGENT_ARG_WAIT | AGENT_ARG_OPERAND | AGENT_ARG_MUST,
				"NETWORK [--json]");

	return r ? r : change_state(&a, "disconnect", ""); /* it is down when the reply comes: --wait is as without */
}

int adit_wait_main(int argc, char **argv)
{
	struct agent_args a;
	char timeout[64], rest[96];
	int r = agent_args_read(&a, argc, argv, AGENT_ARG_JSON | AGENT_ARG_DOWN | AGENT_ARG_TIMEOUT | AGENT_ARG_OPERAND |
				AGENT_ARG_MUST, "NETWORK [--down] [--timeout SECONDS] [--json]");

	if (!r)
		r = timeout_member(&a, timeout, sizeof(timeout));
	if (r)
		return r;
	snprintf(rest, sizeof(rest), ",\"state\":\"%s\"%s", a.down ? "down" : "up", timeout);
	return change_state(&a, "wait", rest);
}

int adit_reload_main(int argc, char **argv)
{
	struct agent_args a;
	struct adit_conf *doc;
	const struct adit_conf_node *result;
	int r = agent_args_read(&a, argc, argv, AGENT_ARG_JSON | AGENT_ARG_DRY_RUN, "[--dry-run] [--json]");

	if (r)
		return r;
	r = agent_client_ask(&a, "reload", a.dry_run ? ",\"dry_run\":true" : "", &doc);
	if (r)
		return r;
	result = agent_reply_result(doc);
	if (!a.json) {
		adit_conf_each(adit_conf_get(result, "changes"), line)
			puts(line->kind == ADIT_CONF_STRING ? line->u.string.p : "");
		adit_conf_each(adit_conf_get(result, "problems"), p)
			fprintf(stderr, "%s:%lld:%lld: warning: %s: %s\n", agent_reply_text(p, "file"),
				(long long)agent_reply_number(p, "line", 0), (long long)agent_reply_number(p, "col", 0),
				agent_reply_text(p, "key"), agent_reply_text(p, "message"));
		printf("%s generation %lld\n", a.dry_run ? "nothing was done; still" : "now",
		       (long long)agent_reply_number(result, "generation", 0));
	}
	adit_conf_free(doc);
	return fflush(stdout) ? ADIT_EXIT_FAILED : ADIT_EXIT_OK;
}

int adit_log_main(int argc, char **argv)
{
	struct agent_args a;
	struct adit_conf *doc;
	char *more;
	int r = agent_args_read(&a, argc, argv, AGENT_ARG_JSON | AGENT_ARG_OPERAND, "[LEVEL] [--json]");

	if (r)
		return r;
	more = agent_client_member("level", a.operand);
	r = agent_client_ask(&a, "log.level", more, &doc);
	free(more);
	if (r)
		return r;
	if (!a.json)
		puts(agent_reply_text(agent_reply_result(doc), "level"));
	adit_conf_free(doc);
	return fflush(stdout) ? ADIT_EXIT_FAILED : ADIT_EXIT_OK;
}

int adit_confirm_main(int argc, char **argv)
{
	struct agent_args a;
	struct adit_conf *doc;
	int r = agent_args_read(&a, argc, argv, AGENT_ARG_JSON, "[--json]");

	if (r)
		return r;
	r = agent_client_ask(&a, "confirm", "", &doc);
	if (r)
		return r;
	if (!a.json)
		puts(agent_reply_bool(agent_reply_result(doc), "confirmed") ? "the changes stay" :
								 "nothing waited for a confirmation");
	adit_conf_free(doc);
	return fflush(stdout) ? ADIT_EXIT_FAILED : ADIT_EXIT_OK;
}

/* Returns when all is undone: the agent closes the connection as it ends. */
int adit_stop_main(int argc, char **argv)
{
	struct agent_args a;
	struct agent_client c;
	struct adit_conf *doc;
	char *result = NULL;
	int r = agent_args_read(&a, argc, argv, AGENT_ARG_JSON, "[--json]");

	if (r)
		return r;
	r = agent_client_open(&c, &a);
	if (r)
		return r;
	r = agent_client_send(&c, "shutdown", "");
	if (!r)
		r = agent_client_reply(&c, &result, &doc);
	if (!r) {
		adit_conf_free(doc);
		if (a.json)
			puts(result);
		while (agent_client_line(&c))
			;
	}
	free(result);
	agent_client_close(&c);
	return r;
}
