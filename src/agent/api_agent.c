/* SPDX-License-Identifier: ISC */
/* api_agent.c - actions about the agent itself: reload, check, log.level, confirm, shutdown */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/api.h"
#include "agent/view.h"
#include "host/process.h"

static const char *const level_names[] = {
	[ADIT_LOG_SILENT] = "off",   [ADIT_LOG_ERROR] = "error", [ADIT_LOG_WARNING] = "warning",
	[ADIT_LOG_INFO] = "info", [ADIT_LOG_DEBUG] = "debug",
};

/* Lines of text as a list. */
static void write_lines(struct agent_json *j, const char *name, char *text)
{
	char *save = NULL;

	agent_json_open(j, name, '[');
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		agent_json_text(j, NULL, line);
	agent_json_close(j, ']');
}

static void write_problems(struct agent_json *j, struct adit_conf_errors *errors)
{
	adit_conf_errors_sort(errors);
	agent_json_open(j, "problems", '[');
	for (size_t i = 0; i < errors->item_cnt; i++)
		agent_api_problem(j, &errors->item[i]);
	agent_json_close(j, ']');
}

/* Reads the configuration anew; *changes: what it would do, or did, a line each. */
static int reload(struct agent_call *c, bool dry_run, char **changes, struct adit_conf_errors *errors, char *err,
		  size_t err_len)
{
	size_t len;
	FILE *f = open_memstream(changes, &len);
	int r;

	if (!f)
		return -ENOMEM;
	r = agent_reload(c->agent, dry_run, f, errors, err, err_len);
	return fclose(f) && !r ? -ENOMEM : r;
}

int agent_act_reload(struct agent_call *c)
{
	bool dry_run = false;
	char *changes = NULL, err[512] = "";
	int r;

	if (agent_call_bool(c, "dry_run", &dry_run))
		return -1;
	r = reload(c, dry_run, &changes, &c->error.list, err, sizeof(err));
	if (!r) {
		agent_json_bool(c->j, "dry_run", dry_run);
		agent_json_number(c->j, "generation", c->agent->generation);
		write_lines(c->j, "changes", changes);
		write_problems(c->j, &c->error.list);
	}
	free(changes);
	adit_conf_errors_sort(&c->error.list);
	if (!r)
		return AGENT_API_DONE;
	r = agent_call_errno(c, r, err);
	if (!dry_run)
		snprintf(c->error.hint, sizeof(c->error.hint), "what ran still runs");
	return r;
}

/* The configuration on the disk, judged by the agent that would read it. */
int agent_act_check(struct agent_call *c)
{
	struct adit_conf_errors errors = { 0 };
	char *changes = NULL, err[512] = "";
	int r = reload(c, true, &changes, &errors, err, sizeof(err));

	if (!r || errors.cnt) {
		agent_json_bool(c->j, "valid", !r);
		write_problems(c->j, &errors);
		r = 0;
	}
	free(changes);
	adit_conf_errors_fini(&errors);
	return r ? agent_call_errno(c, r, err) : AGENT_API_DONE;
}

int agent_act_log(struct agent_call *c)
{
	enum adit_log_level level = adit_log_level();
	const char *word = NULL;

	if (agent_call_text(c, "level", &word))
		return -1;
	if (word && adit_log_level_parse(&level, word))
		return agent_call_fail(c, "bad_request", "off, error, warning, info or debug", "there is no such level");
	adit_log_set_level(level);
	agent_json_text(c->j, "level", level_names[level]);
	return AGENT_API_DONE;
}

/* Of `adit agent --confirm`: what it did to the machine stays. */
int agent_act_confirm(struct agent_call *c)
{
	agent_json_bool(c->j, "confirmed", agent_confirm(c->agent));
	return AGENT_API_DONE;
}

int agent_act_shutdown(struct agent_call *c)
{
	c->agent->ending = true;
	agent_json_bool(c->j, "ending", true);
	return AGENT_API_DONE;
}
