/* SPDX-License-Identifier: ISC */
/* api.c - a request is read, judged and answered */
#include "agent/api.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "config/check.h"

#define REQUEST_NODES 8192

static const char *const no_keys[] = { NULL };
static const char *const wait_keys[] = { "wait", "timeout_ms", NULL };
static const char *const state_keys[] = { "state", "timeout_ms", NULL };
static const char *const status_keys[] = { "peers", NULL };
static const char *const reload_keys[] = { "dry_run", NULL };
static const char *const peer_keys[] = { "peer", NULL };
static const char *const key_keys[] = { "public_key", NULL };
static const char *const event_keys[] = { "follow", "since", "snapshot", NULL };
static const char *const capture_keys[] = { "keylog", NULL };
static const char *const level_keys[] = { "level", NULL };
static const char *const cleanup_keys[] = { "dry_run", "keep_killswitch", NULL };

const struct agent_action agent_actions[] = {
	{ "hello", AGENT_ROLE_OBSERVER, AGENT_WITHOUT_NETWORK, false, no_keys, agent_act_hello },
	{ "status", AGENT_ROLE_OBSERVER, AGENT_MAY_NETWORK, false, status_keys, agent_act_status },
	{ "networks", AGENT_ROLE_OBSERVER, AGENT_WITHOUT_NETWORK, false, no_keys, agent_act_networks },
	{ "peers", AGENT_ROLE_OBSERVER, AGENT_NEEDS_NETWORK, false, no_keys, agent_act_peers },
	{ "events.subscribe", AGENT_ROLE_OBSERVER, AGENT_MAY_NETWORK, false, event_keys, agent_act_events },
	{ "history", AGENT_ROLE_OBSERVER, AGENT_MAY_NETWORK, false, no_keys, agent_act_history },
	{ "metrics", AGENT_ROLE_OBSERVER, AGENT_WITHOUT_NETWORK, false, no_keys, agent_act_metrics },
	{ "wait", AGENT_ROLE_OBSERVER, AGENT_NEEDS_NETWORK, false, state_keys, agent_act_wait },
	{ "doctor", AGENT_ROLE_OPERATOR, AGENT_MAY_NETWORK, false, no_keys, agent_act_doctor },
	{ "connect", AGENT_ROLE_OPERATOR, AGENT_NEEDS_NETWORK, true, wait_keys, agent_act_connect },
	{ "disconnect", AGENT_ROLE_OPERATOR, AGENT_NEEDS_NETWORK, true, no_keys, agent_act_disconnect },
	{ "reload", AGENT_ROLE_ADMIN, AGENT_WITHOUT_NETWORK, true, reload_keys, agent_act_reload },
	{ "confirm", AGENT_ROLE_ADMIN, AGENT_WITHOUT_NETWORK, true, no_keys, agent_act_confirm },
	{ "check", AGENT_ROLE_ADMIN, AGENT_WITHOUT_NETWORK, false, no_keys, agent_act_check },
	{ "peer.add", AGENT_ROLE_ADMIN, AGENT_NEEDS_NETWORK, true, peer_keys, agent_act_peer_add },
	{ "peer.remove", AGENT_ROLE_ADMIN, AGENT_NEEDS_NETWORK, true, key_keys, agent_act_peer_remove },
	{ "capture", AGENT_ROLE_ADMIN, AGENT_NEEDS_NETWORK, true, capture_keys, agent_act_capture },
	{ "log.level", AGENT_ROLE_ADMIN, AGENT_WITHOUT_NETWORK, true, level_keys, agent_act_log },
	{ "cleanup", AGENT_ROLE_ADMIN, AGENT_WITHOUT_NETWORK, true, cleanup_keys, agent_act_cleanup },
	{ "shutdown", AGENT_ROLE_ADMIN, AGENT_WITHOUT_NETWORK, true, no_keys, agent_act_shutdown },
	{ 0 },
};

/* --- replies of failure -------------------------------------------------------------- */

void agent_api_problem(struct agent_json *j, const struct adit_conf_error *e)
{
	agent_json_open(j, NULL, '{');
	agent_json_optional(j, "file", e->file);
	agent_json_number(j, "line", e->pos.line);
	agent_json_number(j, "col", e->pos.col);
	agent_json_optional(j, "key", e->key);
	agent_json_bool(j, "warning", e->warning);
	agent_json_text(j, "message", e->text);
	agent_json_close(j, '}');
}

static void write_error(FILE *out, const char *id, const struct agent_call_error *e)
{
	struct agent_json j = { .out = out };

	agent_json_open(&j, NULL, '{');
	agent_json_raw(&j, "id", id ? id : "null");
	agent_json_bool(&j, "ok", false);
	agent_json_open(&j, "error", '{');
	agent_json_text(&j, "code", e->code);
	agent_json_text(&j, "message", e->message);
	agent_json_optional(&j, "hint", e->hint);
	agent_json_bool(&j, "retryable", e->retryable);
	if (e->list.item_cnt) {
		agent_json_open(&j, "problems", '[');
		for (size_t i = 0; i < e->list.item_cnt; i++)
			agent_api_problem(&j, &e->list.item[i]);
		agent_json_close(&j, ']');
	}
	agent_json_close(&j, '}');
	agent_json_close(&j, '}');
	fputc('\n', out);
}

void agent_api_refuse(FILE *out, const char *id, const char *code, bool retryable, const char *message,
		      const char *hint)
{
	struct agent_call_error e = { .code = code, .retryable = retryable };

	snprintf(e.message, sizeof(e.message), "%s", message);
	snprintf(e.hint, sizeof(e.hint), "%s", hint ? hint : "");
	write_error(out, id, &e);
}

int agent_call_fail(struct agent_call *c, const char *code, const char *hint, const char *fmt, ...)
{
	va_list ap;

	c->error.code = code;
	snprintf(c->error.hint, sizeof(c->error.hint), "%s", hint ? hint : "");
	va_start(ap, fmt);
	vsnprintf(c->error.message, sizeof(c->error.message), fmt, ap);
	va_end(ap);
	return -1;
}

int agent_call_errno(struct agent_call *c, int r, const char *sentence)
{
	const char *code = r == -EINVAL ? "config" : r == -EPERM || r == -EACCES ? "denied" :
			   r == -ENOENT ? "not_found" : r == -EEXIST ? "exists" : r == -EOPNOTSUPP ? "unsupported" :
			   r == -ENOMEM ? "no_memory" : "failed";

	c->error.retryable = r == -EAGAIN || r == -EBUSY || r == -ENOMEM || r == -EADDRINUSE;
	return agent_call_fail(c, code, NULL, "%s", sentence[0] ? sentence : strerror(-r));
}

/* --- the request's keys ---------------------------------------------------------------- */

int agent_call_unread(struct agent_call *c)
{
	const struct adit_conf_error *e;

	adit_conf_errors_sort(c->errors);
	e = c->errors->item_cnt ? &c->errors->item[0] : NULL;
	if (!e)
		return agent_call_fail(c, "bad_request", NULL, "this is not a request");
	return agent_call_fail(c, "bad_request", "one JSON object a line; doc/api/ has the schema", "column %u: %s%s%s",
			       e->pos.col, e->key, e->key[0] ? ": " : "", e->text);
}

int agent_call_bool(struct agent_call *c, const char *key, bool *ret)
{
	return adit_conf_get_bool(c->errors, c->request, key, ret) < 0 ? agent_call_unread(c) : 0;
}

int agent_call_number(struct agent_call *c, const char *key, int64_t min, int64_t max, int64_t *ret)
{
	return adit_conf_get_integer(c->errors, c->request, key, min, max, ret) < 0 ? agent_call_unread(c) : 0;
}

int agent_call_text(struct agent_call *c, const char *key, const char **ret)
{
	return adit_conf_get_text(c->errors, c->request, key, ret) < 0 ? agent_call_unread(c) : 0;
}

int agent_call_word(struct agent_call *c, const char *key, const char *const *words, size_t *ret)
{
	return adit_conf_get_word(c->errors, c->request, key, words, ret) < 0 ? agent_call_unread(c) : 0;
}

/* --- a request ------------------------------------------------------------------------ */

static const struct agent_action *find_action(struct agent_call *c)
{
	const char *names[sizeof(agent_actions) / sizeof(agent_actions[0])] = { NULL }, *name = NULL, *near;
	const struct agent_action *a;

	if (agent_call_text(c, "action", &name))
		return NULL;
	if (!name) {
		agent_call_fail(c, "bad_request", "{\"id\":\"1\",\"action\":\"status\"}", "there is no action in it");
		return NULL;
	}
	for (a = agent_actions; a->name; a++) {
		if (!strcmp(a->name, name))
			return a;
		names[a - agent_actions] = a->name;
	}
	near = adit_conf_nearest(name, strlen(name), names);
	agent_call_fail(c, "unknown_action", NULL, "there is no action \"%.60s\"", name);
	if (near)
		snprintf(c->error.hint, sizeof(c->error.hint), "did you mean \"%s\"?", near);
	return NULL;
}

/* Every key that this action takes. */
static int check_keys_of(struct agent_call *c, const struct agent_action *a)
{
	const char *keys[16] = { "id", "action", "v" };
	size_t n = 3;

	if (a->network != AGENT_WITHOUT_NETWORK)
		keys[n++] = "network";
	if (a->changes)
		keys[n++] = "if_generation";
	for (const char *const *k = a->keys; k && *k; k++)
		keys[n++] = *k;
	adit_conf_only(c->errors, c->request, keys);
	return c->errors->cnt ? agent_call_unread(c) : 0;
}

static int find_network(struct agent_call *c, const struct agent_action *a)
{
	const char *name = NULL;

	if (a->network == AGENT_WITHOUT_NETWORK)
		return 0;
	if (agent_call_text(c, "network", &name))
		return -1;
	if (!name && a->network == AGENT_NEEDS_NETWORK)
		return agent_call_fail(c, "bad_request", NULL, "which network? %s takes one", a->name);
	if (!name)
		return 0;
	c->network = agent_find(c->agent, name);
	return c->network ? 0 : agent_call_fail(c, "unknown_network", "adit status lists them",
						"there is no network \"%.63s\"", name);
}

static int check_generation(struct agent_call *c, const struct agent_action *a)
{
	int64_t generation = -1;

	if (!a->changes)
		return 0;
	if (agent_call_number(c, "if_generation", 1, INT64_MAX, &generation))
		return -1;
	if (generation < 0 || (uint64_t)generation == c->agent->generation)
		return 0;
	return agent_call_fail(c, "conflict", "read the status again", "the configuration is generation %" PRIu64
			       " now", c->agent->generation);
}

/* Who changed, or wanted to change, what. */
static void note(struct agent_call *c, const struct agent_action *a, bool denied)
{
	struct agent_event e = { .kind = "control" };

	if (c->network)
		snprintf(e.network, sizeof(e.network), "%s", c->network->settings->name);
	snprintf(e.text, sizeof(e.text), "%s%s by uid %u, pid %d (%s)", a->name, denied ? " refused: asked" : "",
		 (unsigned)c->caller.uid, (int)c->caller.pid, agent_role_name(c->role));
	if (denied)
		agent_event_refused(&c->agent->events, &e, c->caller.uid, c->now);
	else
		agent_event_add(&c->agent->events, &e);
}

static int run(struct agent_call *c)
{
	const struct agent_action *a = find_action(c);
	int64_t version = 1;
	int r;

	if (!a)
		return -1;
	if (c->role < a->role) {
		note(c, a, true);
		return agent_call_fail(c, "denied", a->role == AGENT_ROLE_ADMIN ? "this takes root" :
				       "this takes root, or the group that the configuration calls operators",
				       "%s is not for you (you are: %s)", a->name, agent_role_name(c->role));
	}
	if (check_keys_of(c, a) || agent_call_number(c, "v", 1, 1, &version) || find_network(c, a) ||
	    check_generation(c, a))
		return -1;
	r = a->run(c);
	if (a->changes && r >= 0)
		note(c, a, false);
	return r;
}

/* The request's id as JSON, so that the reply says which one it answers. */
static int read_id(struct agent_call *c, char *ret, size_t size)
{
	const struct adit_conf_node *id = adit_conf_get(c->request, "id");
	struct agent_json j = { 0 };

	snprintf(ret, size, "null");
	if (!id || id->kind == ADIT_CONF_BROKEN)
		return 0;
	if (id->kind != ADIT_CONF_STRING && id->kind != ADIT_CONF_INTEGER)
		return agent_call_fail(c, "bad_request", NULL, "id is a text or a whole number");
	j.out = fmemopen(ret, size, "w");
	if (!j.out)
		return agent_call_fail(c, "no_memory", NULL, "no memory");
	if (id->kind == ADIT_CONF_INTEGER)
		agent_json_signed(&j, NULL, id->u.integer);
	else if (id->u.string.len <= AGENT_ID_MAX / 6 && !memchr(id->u.string.p, 0, id->u.string.len))
		agent_json_text(&j, NULL, id->u.string.p);
	fclose(j.out);
	if (j.more)
		return 0;
	snprintf(ret, size, "null");
	return agent_call_fail(c, "bad_request", NULL, "id is longer than %d characters", AGENT_ID_MAX / 6);
}

static int read_request(struct agent_call *c, struct adit_conf **doc, const char *line, size_t len, char *id,
			size_t id_size)
{
	static const struct adit_conf_limits limits = { AGENT_LINE_MAX, AGENT_DEPTH_MAX, REQUEST_NODES };
	int r = adit_conf_read_json(doc, c->errors, "request", line, len, &limits);

	snprintf(id, id_size, "null");
	if (r == -ENOMEM)
		return agent_call_fail(c, "no_memory", NULL, "no memory");
	c->request = (*doc)->root;
	if (r) {
		read_id(c, id, id_size); /* as far as it was read */
		return agent_call_unread(c);
	}
	if (c->request->kind != ADIT_CONF_TABLE)
		return agent_call_fail(c, "bad_request", "{\"id\":\"1\",\"action\":\"status\"}",
				       "a request is a JSON object");
	return read_id(c, id, id_size);
}

static enum agent_api_result answer(struct agent_call *c, const char *id, FILE *out)
{
	struct agent_json j = { 0 };
	char *text = NULL;
	size_t text_len;
	int r;

	j.out = open_memstream(&text, &text_len);
	if (!j.out) {
		agent_api_refuse(out, id, "no_memory", true, "no memory", NULL);
		return AGENT_API_DONE;
	}
	c->j = &j;
	r = run(c);
	if (fclose(j.out) && r >= 0)
		r = agent_call_fail(c, "no_memory", NULL, "no memory");
	if (r == AGENT_API_LATER)
		snprintf(c->pending->id, sizeof(c->pending->id), "%s", id);
	if (r < 0)
		write_error(out, id, &c->error);
	else if (r == AGENT_API_DONE || text_len)
		fprintf(out, "{\"id\":%s,\"ok\":true,\"result\":{%s}}\n", id, text);
	free(text);
	return r == AGENT_API_LATER ? AGENT_API_LATER : AGENT_API_DONE;
}

enum agent_api_result agent_api_line(struct agent_call *c, const char *line, size_t len, FILE *out)
{
	struct adit_conf_errors errors = { 0 };
	enum agent_api_result result = AGENT_API_DONE;
	struct adit_conf *doc = NULL;
	char id[AGENT_ID_MAX + 16];

	c->errors = &errors;
	c->network = NULL;
	memset(&c->error, 0, sizeof(c->error));
	if (read_request(c, &doc, line, len, id, sizeof(id)))
		write_error(out, id, &c->error);
	else
		result = answer(c, id, out);
	adit_conf_errors_fini(&c->error.list);
	adit_conf_errors_fini(&errors);
	adit_conf_free(doc);
	return result;
}
