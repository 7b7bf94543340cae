/* SPDX-License-Identifier: ISC */
/* client_events.c - adit events: what happened, and what happens */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/client.h"
#include "agent/show.h"

/* "2026-03-01 12:00:00  office  up (ok): text" */
static void print_event(const struct adit_conf_node *e, bool colours)
{
	time_t at = (time_t)(agent_reply_number(e, "time_ms", 0) / 1000);
	const char *state = agent_reply_text(e, "state"), *network = agent_reply_text(e, "network");
	const char *reason = agent_reply_text(e, "reason");
	char when[32] = "";
	struct tm tm;

	if (localtime_r(&at, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm);
	printf("%s  %-8s %s%s", when, agent_reply_text(e, "kind"), network, *network ? "  " : "");
	if (*state)
		printf("%s%s%s%s%s%s  ", agent_show_colour(colours, agent_show_state_colour(state)), state,
		       agent_show_colour(colours, AGENT_PLAIN), *reason ? " (" : "", reason, *reason ? ")" : "");
	for (const char *p = agent_reply_text(e, "text"); *p; p++)
		putchar((unsigned char)*p < 0x20 || *p == 0x7f ? '?' : *p);
	putchar('\n');
}

static int print_line(const struct agent_args *a, const char *line, bool colours)
{
	struct adit_conf_errors errors = { 0 };
	struct adit_conf *doc = NULL;
	const struct adit_conf_node *event;
	const char *raw;
	int r = adit_conf_read_json(&doc, &errors, "event", line, strlen(line), NULL);

	adit_conf_errors_fini(&errors);
	if (r) {
		adit_conf_free(doc);
		fprintf(stderr, "adit events: a line of the agent cannot be read\n");
		return ADIT_EXIT_FAILED;
	}
	event = adit_conf_get(doc->root, "event");
	raw = strstr(line, "\"event\":");
	if (!event)
		fprintf(stderr, "adit events: some were lost: more happened than the agent keeps\n");
	else if (a->json)
		printf("%.*s\n", (int)strlen(raw) - 9, raw + 8);
	else
		print_event(event, colours);
	fflush(stdout);
	adit_conf_free(doc);
	return ferror(stdout) ? ADIT_EXIT_FAILED : 0;
}

static int follow(const struct agent_args *a, const char *more)
{
	bool colours = agent_show_colours(stdout);
	struct agent_client c;
	struct adit_conf *doc;
	char *result = NULL;
	const char *line;
	int r = agent_client_open(&c, a);

	if (r)
		return r;
	r = agent_client_send(&c, "events.subscribe", more);
	if (!r)
		r = agent_client_reply(&c, &result, &doc);
	if (!r)
		adit_conf_free(doc);
	free(result);
	while (!r && (line = agent_client_line(&c)))
		r = print_line(a, line, colours);
	agent_client_close(&c);
	return r;
}

static int list(struct agent_args a, const char *more)
{
	bool json = a.json;
	struct adit_conf *doc;
	int r;

	if (json)
		return agent_client_ask(&a, "events.subscribe", more, NULL);
	r = agent_client_ask(&a, "events.subscribe", more, &doc);
	if (r)
		return r;
	if (agent_reply_bool(agent_reply_result(doc), "lagged"))
		fprintf(stderr, "adit events: older ones are not kept\n");
	adit_conf_each(adit_conf_get(agent_reply_result(doc), "events"), e)
		print_event(e, agent_show_colours(stdout));
	adit_conf_free(doc);
	return fflush(stdout) ? ADIT_EXIT_FAILED : ADIT_EXIT_OK;
}

int adit_events_main(int argc, char **argv)
{
	struct agent_args a;
	char more[128], *network, *all = NULL, *end = NULL;
	int r = agent_args_read(&a, argc, argv, AGENT_ARG_JSON | AGENT_ARG_FOLLOW | AGENT_ARG_SINCE | AGENT_ARG_OPERAND,
				"[NETWORK] [--follow] [--since NUMBER] [--json]");
	uint64_t since = 0;

	if (r)
		return r;
	if (a.since)
		since = strtoull(a.since, &end, 10);
	if (a.since && (end == a.since || *end || a.since[0] == '-' || since > INT64_MAX)) {
		fprintf(stderr, "adit events: --since takes the number of an event\nUsage: adit events %s\n", a.usage);
		return ADIT_EXIT_USAGE;
	}
	if (a.since || !a.follow)
		snprintf(more, sizeof(more), ",\"snapshot\":false,\"follow\":%s,\"since\":%" PRIu64,
			 a.follow ? "true" : "false", since);
	else
		snprintf(more, sizeof(more), ",\"snapshot\":false");
	network = agent_client_member("network", a.operand);
	if (network && asprintf(&all, "%s%s", network, more) < 0)
		all = NULL;
	free(network);
	r = a.follow ? follow(&a, all) : list(a, all);
	free(all);
	return r;
}
