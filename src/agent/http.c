/* SPDX-License-Identifier: ISC */
/* http.c - what a browser, Prometheus and probes see */
#include "agent/http.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "agent/api.h"
#include "agent/control_internal.h"
#include "agent/http_target.h"
#include "agent/metrics.h"
#include "agent/page.h"
#include "host/unixsock.h"

#define TEXT "text/plain; charset=utf-8"

/* --- replies ------------------------------------------------------------------------ */

static void reply(FILE *out, const char *status, const char *type, const char *policy, bool no_body, const char *body,
		  size_t len)
{
	fprintf(out, "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nCache-Control: no-store\r\n"
		"X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\nX-Frame-Options: DENY\r\n"
		"Cross-Origin-Resource-Policy: same-origin\r\nContent-Security-Policy: %s\r\nConnection: close\r\n%s\r\n",
		status, type, len, policy ? policy : "default-src 'none'", !strncmp(status, "405", 3) ?
		"Allow: GET, HEAD\r\n" : "");
	if (!no_body)
		fwrite(body, 1, len, out);
}

static void reply_text(FILE *out, const char *status, bool no_body, const char *text)
{
	reply(out, status, TEXT, NULL, no_body, text, strlen(text));
}

static void page(struct agent_http *h, FILE *out, bool no_body)
{
	if (h->agent->config->page)
		reply(out, "200 OK", "text/html; charset=utf-8", agent_page_policy, no_body, (const char *)agent_page,
		      agent_page_len);
	else
		reply_text(out, "404 Not Found", no_body, "the status page is off: page = true in [agent] turns it on\n");
}

static void metrics(struct agent_http *h, FILE *out, bool no_body)
{
	char *body;
	size_t len;

	if (agent_metrics_text(h->agent, &body, &len))
		reply_text(out, "503 Service Unavailable", no_body, "no memory\n");
	else
		reply(out, "200 OK", "text/plain; version=0.0.4; charset=utf-8", NULL, no_body, body, len);
	free(body);
}

static void readyz(struct agent_http *h, FILE *out, bool no_body)
{
	char *body = NULL;
	size_t len;
	bool ready = true;
	FILE *f = open_memstream(&body, &len);

	if (!f)
		return;
	for (const struct agent_network *n = h->agent->networks; n; n = n->next) {
		if (!n->wanted || n->state == AGENT_UP)
			continue;
		ready = false;
		fprintf(f, "%s: %s (%s)\n", n->settings->name, agent_state_name(n->state), agent_reason_name(n->reason));
	}
	if (ready)
		fputs("ready\n", f);
	if (!fclose(f))
		reply_text(out, ready ? "200 OK" : "503 Service Unavailable", no_body, body);
	free(body);
}

/* --- the API ------------------------------------------------------------------------- */

static const char *status_of(const char *answer)
{
	static const struct { const char *code, *status; } codes[] = {
		{ "\"code\":\"unknown_network\"", "404 Not Found" }, { "\"code\":\"denied\"", "403 Forbidden" },
		{ "\"code\":\"no_memory\"", "503 Service Unavailable" },
	};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (strstr(answer, codes[i].code))
			return codes[i].status;
	return "400 Bad Request";
}

/* {"id":null,"ok":true,"result":{...}} -> {...}; the object of a failure stays whole. */
static void reply_answer(FILE *out, bool no_body, const char *answer, size_t len)
{
	static const char good[] = "{\"id\":null,\"ok\":true,\"result\":";
	const size_t n = sizeof(good) - 1;

	if (len > n + 2 && !memcmp(answer, good, n))
		reply(out, "200 OK", "application/json", NULL, no_body, answer + n, len - n - 2);
	else
		reply(out, status_of(answer), "application/json", NULL, no_body, answer, len);
}

static void api(struct agent_http *h, const struct agent_http_target *t, FILE *out, bool no_body)
{
	struct agent_call c = { .agent = h->agent, .caller.uid = (uid_t)-1, .role = AGENT_ROLE_OBSERVER,
				.rates = h->rates, .now = agent_control_now() };
	char *line = NULL, *answer = NULL;
	size_t line_len, answer_len;
	FILE *f = open_memstream(&line, &line_len), *ret = open_memstream(&answer, &answer_len);
	bool ok = f && ret && t->action && !agent_http_line(f, t);

	if (f && fclose(f))
		ok = false;
	if (ok)
		agent_api_line(&c, line, line_len, ret);
	if (ret && fclose(ret))
		ok = false;
	if (ok)
		reply_answer(out, no_body, answer, answer_len);
	else if (!t->action)
		reply_text(out, "404 Not Found", no_body,
			   "there are status, networks, peers, history, events and hello\n");
	else
		reply_text(out, "400 Bad Request", no_body, "the query is NAME=VALUE&NAME=VALUE\n");
	free(line);
	free(answer);
}

/* --- a request ------------------------------------------------------------------------ */

static bool is_method(const char *request, const struct adit_http1_head *head, const char *method)
{
	return head->method.len == strlen(method) && !memcmp(request + head->method.off, method, head->method.len);
}

static void answer_head(struct agent_http *h, const char *request, const struct adit_http1_head *head, FILE *out)
{
	bool no_body = is_method(request, head, "HEAD");
	const char *refusal = agent_http_refusal(head, request, &h->bound.addr);
	struct agent_http_target t;

	if (refusal) {
		reply_text(out, "403 Forbidden", no_body, refusal);
		return;
	}
	if (!no_body && !is_method(request, head, "GET")) {
		reply_text(out, "405 Method Not Allowed", false, "only GET and HEAD\n");
		return;
	}
	h->asked = agent_control_now();
	agent_http_target_read(&t, head, request);
	switch (t.route) {
	case AGENT_HTTP_PAGE:
		page(h, out, no_body);
		break;
	case AGENT_HTTP_METRICS:
		metrics(h, out, no_body);
		break;
	case AGENT_HTTP_HEALTH:
		reply_text(out, "200 OK", no_body, "ok\n");
		break;
	case AGENT_HTTP_READY:
		readyz(h, out, no_body);
		break;
	case AGENT_HTTP_API:
		api(h, &t, out, no_body);
		break;
	case AGENT_HTTP_NOTHING:
		reply_text(out, "404 Not Found", no_body, "there are /, /metrics, /healthz, /readyz and /api/v1/\n");
		break;
	}
}

bool agent_http_answer(void *arg, const char *request, size_t len, bool end, FILE *out)
{
	const char *status, *text;
	struct adit_http1_head head;
	int r = adit_answer_head(&head, request, len, end, &status, &text);

	if (r > 0)
		answer_head(arg, request, &head, out);
	else if (r < 0)
		reply_text(out, status, false, text);
	return r != 0;
}

/* --- life ------------------------------------------------------------------------------ */

static bool is_loopback(const struct adit_addr *a)
{
	static const uint8_t one[16] = { [15] = 1 };

	return a->family == 4 ? a->bytes[0] == 127 : a->family == 6 && !memcmp(a->bytes, one, 16);
}

static int open_tcp(const struct adit_endpoint *at)
{
	return is_loopback(&at->addr) ? adit_answer_listen(at) : -EADDRNOTAVAIL;
}

/* For root, who started the agent, and the observers. */
static int open_unix(struct agent_http *h, const char *path)
{
	gid_t group = h->agent->control->rules.observers;
	int fd = adit_unix_listen(path);

	if (fd < 0)
		return fd;
	snprintf(h->path, sizeof(h->path), "%s", path);
	if (group != AGENT_NO_GROUP && (chown(path, (uid_t)-1, group) < 0 || chmod(path, 0660) < 0)) {
		close(fd);
		return -EPERM;
	}
	return fd;
}

static int serve(struct agent_http *h, struct adit_answerer *s, int fd)
{
	s->answer = agent_http_answer;
	s->arg = h;
	return fd < 0 ? fd : adit_answerer_init(s, h->agent->epoll_fd, fd);
}

static int say_tcp(const struct adit_endpoint *at, int r, char *err, size_t err_len)
{
	char buf[ADIT_ENDPOINT_STRLEN];

	if (r)
		snprintf(err, err_len, "%s: %s%s", adit_endpoint_format(at, buf), strerror(-r),
			 r == -EADDRINUSE ? " (ss -tlnp names who has it)" :
			 r == -EACCES ? " (ports below 1024 take a right that a running agent has given up)" :
			 r == -EADDRNOTAVAIL ? " (only loopback addresses are served)" : "");
	return r;
}

int agent_http_prepare(struct agent_http *h, const struct adit_endpoint *next, char *err, size_t err_len)
{
	h->next = *next;
	if (!next->port || adit_endpoint_equal(next, &h->bound))
		return 0;
	h->next_fd = open_tcp(next);
	return say_tcp(next, h->next_fd < 0 ? h->next_fd : 0, err, err_len);
}

void agent_http_settle(struct agent_http *h, bool change)
{
	int fd = h->next_fd;

	h->next_fd = -1;
	if (change && !adit_endpoint_equal(&h->next, &h->bound)) {
		adit_answerer_fini(&h->tcp);
		h->bound = h->next;
		if (fd >= 0 && serve(h, &h->tcp, fd))
			h->bound.port = 0;
	} else if (fd >= 0) {
		close(fd);
	}
}

int agent_http_init(struct agent_http *h, struct agent *a, const struct agent_rates *rates, char *err, size_t err_len)
{
	const struct agent_config *cfg = a->config;
	int r = 0;

	*h = (struct agent_http){ .agent = a, .rates = rates, .bound = cfg->metrics, .next_fd = -1, .tcp.listener.fd = -1, .unix_socket.listener.fd = -1 };
	if (cfg->metrics.port)
		r = serve(h, &h->tcp, open_tcp(&cfg->metrics));
	if (r) {
		int n = snprintf(err, err_len, "metrics: ");

		return say_tcp(&cfg->metrics, r, err + n, err_len - (size_t)n);
	}
	if (cfg->http_socket[0])
		r = serve(h, &h->unix_socket, open_unix(h, cfg->http_socket));
	if (r)
		snprintf(err, err_len, "http_socket: %s: %s%s", cfg->http_socket, strerror(-r),
			 r == -EADDRINUSE ? " (another program serves it; ss -xlp names it)" : "");
	return r;
}

void agent_http_fini(struct agent_http *h)
{
	if (!h->agent)
		return;
	adit_answerer_fini(&h->tcp);
	adit_answerer_fini(&h->unix_socket);
	if (h->path[0])
		unlink(h->path);
	h->agent = NULL;
}

adit_time agent_http_due(const struct agent_http *h)
{
	adit_time a, b;

	if (!h->agent)
		return ADIT_NEVER;
	a = adit_answerer_due(&h->tcp);
	b = adit_answerer_due(&h->unix_socket);
	return a < b ? a : b;
}

void agent_http_tick(struct agent_http *h, adit_time now)
{
	if (!h->agent)
		return;
	adit_answerer_tick(&h->tcp, now);
	adit_answerer_tick(&h->unix_socket, now);
}
