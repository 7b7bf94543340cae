/* SPDX-License-Identifier: ISC */
/* client.c - a command that asks the agent */
#include "agent/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/jsonout.h"
#include "host/unixsock.h"

#define REPLY_MAX ((size_t)256 << 20)

/* --- arguments ------------------------------------------------------------------- */

/* The value of --name VALUE or --name=VALUE at argv[*i]; NULL: another option, or none. */
static const char *value_of(int argc, char **argv, int *i, const char *name)
{
	size_t n = strlen(name);

	if (strncmp(argv[*i], name, n) != 0)
		return NULL;
	if (argv[*i][n] == '=')
		return argv[*i] + n + 1;
	return !argv[*i][n] && *i + 1 < argc ? argv[++*i] : NULL;
}

static bool read_flag(struct agent_args *a, const char *arg, unsigned takes)
{
	const struct { const char *name; unsigned bit; bool *to; } flags[] = {
		{ "--json", AGENT_ARG_JSON, &a->json },       { "--names", AGENT_ARG_NAMES, &a->names },
		{ "--wait", AGENT_ARG_WAIT, &a->wait },       { "--follow", AGENT_ARG_FOLLOW, &a->follow },
		{ "-f", AGENT_ARG_FOLLOW, &a->follow },       { "--dry-run", AGENT_ARG_DRY_RUN, &a->dry_run },
		{ "--down", AGENT_ARG_DOWN, &a->down },
	};

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		if (takes & flags[i].bit && !strcmp(arg, flags[i].name)) {
			*flags[i].to = true;
			return true;
		}
	}
	return false;
}

static bool read_value(struct agent_args *a, int argc, char **argv, int *i, unsigned takes)
{
	const struct { const char *name; unsigned bit; const char **to; } values[] = {
		{ "--control", ~0u, &a->control },               { "--since", AGENT_ARG_SINCE, &a->since },
		{ "--timeout", AGENT_ARG_TIMEOUT, &a->timeout }, { "--interval", AGENT_ARG_INTERVAL, &a->interval },
		{ "-w", AGENT_ARG_FILE, &a->file },              { "--write", AGENT_ARG_FILE, &a->file },
		{ "--duration", AGENT_ARG_FILE, &a->timeout },   { "--count", AGENT_ARG_FILE, &a->count },
		{ "--keylog", AGENT_ARG_FILE, &a->keylog },
	};

	for (size_t k = 0; k < sizeof(values) / sizeof(values[0]); k++) {
		const char *v = takes & values[k].bit ? value_of(argc, argv, i, values[k].name) : NULL;

		if (v) {
			*values[k].to = v;
			return true;
		}
	}
	return false;
}

int agent_args_read(struct agent_args *ret, int argc, char **argv, unsigned takes, const char *usage)
{
	const char *problem = NULL;
	int i;

	*ret = (struct agent_args){ .command = argv[0], .usage = usage };
	for (i = 1; i < argc && !problem; i++) {
		if (read_flag(ret, argv[i], takes) || read_value(ret, argc, argv, &i, takes))
			continue;
		if (argv[i][0] == '-' && argv[i][1])
			problem = "unknown option, or its value is missing";
		else if (!(takes & AGENT_ARG_OPERAND) || ret->operand)
			problem = "one argument too many";
		else
			ret->operand = argv[i];
	}
	if (!problem && takes & AGENT_ARG_MUST && !ret->operand)
		fprintf(stderr, "adit %s: %s\nUsage: adit %s %s\n", argv[0], "an argument is missing", argv[0], usage);
	else if (problem)
		fprintf(stderr, "adit %s: %s: %s\nUsage: adit %s %s\n", argv[0], argv[i - 1], problem, argv[0], usage);
	else
		return 0;
	return ADIT_EXIT_USAGE;
}

int64_t agent_args_ms(const char *text)
{
	char *end;
	double s = strtod(text, &end);

	return end != text && !*end && s >= 0.001 && s <= 86400 ? (int64_t)(s * 1000) : -1;
}

/* --- connecting -------------------------------------------------------------------- */

/* On standard error for people, besides as an object for programs. */
static int fail(const struct agent_args *a, int code, const char *name, const char *message, const char *hint)
{
	struct agent_json j = { .out = stdout };

	if (a->json) {
		agent_json_open(&j, NULL, '{');
		agent_json_open(&j, "error", '{');
		agent_json_text(&j, "code", name);
		agent_json_text(&j, "message", message);
		agent_json_optional(&j, "hint", hint);
		agent_json_close(&j, '}');
		agent_json_close(&j, '}');
		putchar('\n');
	}
	fflush(stdout);
	fprintf(stderr, "adit %s: %s%s%s%s\n", a->command, message, hint[0] ? " (" : "", hint, hint[0] ? ")" : "");
	return code;
}

static int connect_usual(void)
{
	const char *run = getenv("XDG_RUNTIME_DIR"), *own = getenv("ADIT_CONTROL");
	char path[108];
	int fd, first;

	if (own && own[0])
		return adit_unix_connect(own, 0);
	fd = first = adit_unix_connect("/run/adit/control.sock", 0);
	if (fd == -EACCES)
		fd = adit_unix_connect("/run/adit/status.sock", 0);
	if (fd >= 0 || !run || snprintf(path, sizeof(path), "%s/adit/control.sock", run) >= (int)sizeof(path))
		return fd < 0 ? first : fd;
	fd = adit_unix_connect(path, 0);
	return fd < 0 ? first : fd;
}

int agent_client_open(struct agent_client *c, const struct agent_args *args)
{
	*c = (struct agent_client){ .args = args };
	c->fd = args->control ? adit_unix_connect(args->control, 0) : connect_usual();
	if (c->fd >= 0)
		return 0;
	if (c->fd == -EACCES || c->fd == -EPERM)
		return fail(args, ADIT_EXIT_DENIED, "denied", "the agent's socket is not for you",
			    "be root, or in the group that the agent calls operators or observers");
	if (c->fd == -ENOENT || c->fd == -ECONNREFUSED || c->fd == -ENOTDIR)
		return fail(args, ADIT_EXIT_NO_AGENT, "no_agent", "no agent runs",
			    args->control ? "nobody serves that socket" : "adit start --config FILE starts one");
	return fail(args, ADIT_EXIT_FAILED, "failed", strerror(-c->fd), "the control socket");
}

void agent_client_close(struct agent_client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	free(c->buf);
}

/* --- lines --------------------------------------------------------------------------- */

int agent_client_send(struct agent_client *c, const char *action, const char *more)
{
	char *line = NULL;
	int n = asprintf(&line, "{\"id\":\"1\",\"action\":\"%s\"%s}\n", action, more ? more : "");
	ssize_t sent = 0;

	for (int at = 0; n > 0 && at < n && sent >= 0; at += (int)sent)
		sent = send(c->fd, line + at, (size_t)(n - at), MSG_NOSIGNAL);
	free(n < 0 ? NULL : line);
	/* When it ended in the meantime it may still have said why: that is read next. */
	return n < 0 ? fail(c->args, ADIT_EXIT_FAILED, "no_memory", "no memory", "") : 0;
}

static bool read_more(struct agent_client *c)
{
	ssize_t n;

	if (c->cap - c->len < 65536) {
		size_t cap = c->cap ? c->cap * 2 : 131072;
		char *buf = cap <= REPLY_MAX ? realloc(c->buf, cap) : NULL;

		if (!buf)
			return false;
		c->buf = buf;
		c->cap = cap;
	}
	do
		n = recv(c->fd, c->buf + c->len, c->cap - c->len, 0);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return false;
	c->len += (size_t)n;
	return true;
}

bool agent_client_has_line(const struct agent_client *c)
{
	return c->len > c->line && memchr(c->buf + c->line, '\n', c->len - c->line);
}

const char *agent_client_line(struct agent_client *c)
{
	size_t looked = 0;
	char *nl = NULL;

	if (c->line)
		memmove(c->buf, c->buf + c->line, c->len - c->line);
	c->len -= c->line;
	c->line = 0;
	while (!(nl = c->len > looked ? memchr(c->buf + looked, '\n', c->len - looked) : NULL)) {
		looked = c->len;
		if (!read_more(c))
			return NULL;
	}
	*nl = '\0';
	c->line = (size_t)(nl - c->buf) + 1;
	return c->buf;
}

char *agent_client_member(const char *name, const char *value)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	struct agent_json j = { .out = f, .more = true };

	if (!f)
		return NULL;
	if (value)
		agent_json_text(&j, name, value);
	fclose(f);
	return text;
}

/* --- replies --------------------------------------------------------------------------- */

const struct adit_conf_node *agent_reply_result(const struct adit_conf *doc)
{
	return adit_conf_get(doc->root, "result");
}

const char *agent_reply_text(const struct adit_conf_node *table, const char *key)
{
	const struct adit_conf_node *n = adit_conf_get(table, key);

	return n && n->kind == ADIT_CONF_STRING ? n->u.string.p : "";
}

int64_t agent_reply_number(const struct adit_conf_node *table, const char *key, int64_t otherwise)
{
	const struct adit_conf_node *n = adit_conf_get(table, key);

	return n && n->kind == ADIT_CONF_INTEGER ? n->u.integer : otherwise;
}

double agent_reply_real(const struct adit_conf_node *table, const char *key, double otherwise)
{
	const struct adit_conf_node *n = adit_conf_get(table, key);

	return !n ? otherwise : n->kind == ADIT_CONF_INTEGER ? (double)n->u.integer :
	       n->kind == ADIT_CONF_FLOAT ? n->u.number : otherwise;
}

bool agent_reply_bool(const struct adit_conf_node *table, const char *key)
{
	const struct adit_conf_node *n = adit_conf_get(table, key);

	return n && n->kind == ADIT_CONF_BOOL && n->u.boolean;
}

static int exit_of(const struct adit_conf_node *error)
{
	static const struct { const char *code; int exit; } codes[] = {
		{ "denied", ADIT_EXIT_DENIED }, { "config", ADIT_EXIT_CONFIG }, { "timeout", ADIT_EXIT_NOT_CONNECTED },
		{ "not_connected", ADIT_EXIT_NOT_CONNECTED }, { "busy", ADIT_EXIT_AGAIN },
	};
	const char *code = agent_reply_text(error, "code");

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (!strcmp(code, codes[i].code))
			return codes[i].exit;
	return ADIT_EXIT_FAILED;
}

static int report(const struct agent_args *a, const struct adit_conf_node *error, const char *line)
{
	const char *hint = agent_reply_text(error, "hint"), *raw = strstr(line, "\"error\":");

	if (a->json && raw)
		printf("{%s\n", raw);
	fflush(stdout);
	adit_conf_each(adit_conf_get(error, "problems"), p)
		fprintf(stderr, "%s:%lld:%lld: %s%s%s%s\n", agent_reply_text(p, "file"),
			(long long)agent_reply_number(p, "line", 0), (long long)agent_reply_number(p, "col", 0),
			agent_reply_bool(p, "warning") ? "warning: " : "", agent_reply_text(p, "key"),
			agent_reply_text(p, "key")[0] ? ": " : "", agent_reply_text(p, "message"));
	fprintf(stderr, "adit %s: %s%s%s%s\n", a->command, agent_reply_text(error, "message"), *hint ? " (" : "", hint,
		*hint ? ")" : "");
	return exit_of(error);
}

int agent_client_reply(struct agent_client *c, char **result, struct adit_conf **doc)
{
	static const char good[] = "{\"id\":\"1\",\"ok\":true,\"result\":";
	struct adit_conf_errors errors = { 0 };
	const char *line = agent_client_line(c);
	size_t len = line ? strlen(line) : 0;
	int r;

	if (!line)
		return fail(c->args, ADIT_EXIT_FAILED, "failed", "the agent ended before it answered", "");
	r = adit_conf_read_json(doc, &errors, "reply", line, len, NULL);
	adit_conf_errors_fini(&errors);
	if (r)
		return fail(c->args, ADIT_EXIT_FAILED, "failed", "the agent's reply cannot be read", "is it of this version?");
	if (!agent_reply_bool((*doc)->root, "ok")) {
		r = report(c->args, adit_conf_get((*doc)->root, "error"), line);
		adit_conf_free(*doc);
		return r;
	}
	*result = len > sizeof(good) && !strncmp(line, good, sizeof(good) - 1) ?
		  strndup(line + sizeof(good) - 1, len - sizeof(good)) : NULL;
	return 0;
}

int agent_client_ask(const struct agent_args *args, const char *action, const char *more, struct adit_conf **doc)
{
	struct agent_client c;
	struct adit_conf *reply = NULL;
	char *result = NULL;
	int r = agent_client_open(&c, args);

	if (r)
		return r;
	r = agent_client_send(&c, action, more);
	if (!r)
		r = agent_client_reply(&c, &result, &reply);
	agent_client_close(&c);
	if (r)
		return r;
	if (args->json && result)
		puts(result);
	free(result);
	if (doc)
		*doc = reply;
	else
		adit_conf_free(reply);
	return 0;
}
