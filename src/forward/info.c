/* SPDX-License-Identifier: ISC */
/* info.c - health and metrics by HTTP */
#include "forward/info.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/http1.h"
#include "forward/log.h"
#include "forward/snapshot.h"

/* --- answers ------------------------------------------------------------------ */

static void reply(FILE *out, const char *status, const char *type, bool no_body, const char *body)
{
	fprintf(out, "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nCache-Control: no-store\r\n"
		"X-Content-Type-Options: nosniff\r\nConnection: close\r\n%s\r\n%s", status, type, strlen(body),
		!strncmp(status, "405", 3) ? "Allow: GET, HEAD\r\n" : "", no_body ? "" : body);
}

static void reply_text(FILE *out, const char *status, bool no_body, const char *text)
{
	reply(out, status, "text/plain; charset=utf-8", no_body, text);
}

/* wireproxy's: {"ADDRESS":UNIX TIME,...}, 503 when one is older than it may be. */
static void readyz(struct forward_info *info, FILE *out, bool no_body)
{
	const struct forward_alive *a = &info->network->alive;
	char buf[ADIT_ADDR_STRLEN], *body = NULL;
	size_t len;
	FILE *f = open_memstream(&body, &len);

	if (!f)
		return;
	fputc('{', f);
	for (unsigned i = 0; i < a->cnt; i++)
		fprintf(f, "%s\"%s\":%" PRId64, i ? "," : "", adit_addr_format(&a->ping[i].addr, buf),
			atomic_load(&a->ping[i].pong_unix));
	fputs("}\n", f);
	if (!fclose(f))
		reply_text(out, alive_ready(a, adit_tunnel_now()) ? "200 OK" : "503 Service Unavailable", no_body, body);
	free(body);
}

static void metrics(struct forward_info *info, FILE *out, bool no_body)
{
	struct forward_snapshot s;
	char *body = NULL;
	size_t len;
	FILE *f;

	if (snapshot_take(&s, info->network))
		return;
	f = open_memstream(&body, &len);
	if (f) {
		metrics_write(f, &s, info->statm_fd);
		if (!fclose(f))
			reply(out, "200 OK", "text/plain; version=0.0.4; charset=utf-8", no_body, body);
	}
	free(body);
	snapshot_free(&s);
}

static bool is_path(const char *request, struct adit_http1_slice target, const char *path)
{
	const char *query = memchr(request + target.off, '?', target.len);
	size_t len = query ? (size_t)(query - (request + target.off)) : target.len;

	return len == strlen(path) && !memcmp(request + target.off, path, len);
}

static void answer_head(struct forward_info *info, const char *request, const struct adit_http1_head *h, FILE *out)
{
	bool head = h->method.len == 4 && !memcmp(request + h->method.off, "HEAD", 4);
	bool get = h->method.len == 3 && !memcmp(request + h->method.off, "GET", 3);

	if (!head && !get)
		reply_text(out, "405 Method Not Allowed", false, "only GET and HEAD\n");
	else if (is_path(request, h->target, "/metrics"))
		metrics(info, out, head);
	else if (is_path(request, h->target, "/readyz"))
		readyz(info, out, head);
	else if (is_path(request, h->target, "/healthz"))
		reply_text(out, "200 OK", head, "ok\n");
	else
		reply_text(out, "404 Not Found", head, "there are /metrics, /readyz and /healthz\n");
}

static bool answer(void *arg, const char *request, size_t len, bool end, FILE *out)
{
	const char *status, *text;
	struct adit_http1_head h;
	int r = adit_answer_head(&h, request, len, end, &status, &text);

	if (r > 0)
		answer_head(arg, request, &h, out);
	else if (r < 0)
		reply_text(out, status, false, text);
	return r != 0;
}

/* --- life --------------------------------------------------------------------- */

int info_init(struct forward_info *i, int epoll_fd, struct adit_forward_network *n, const struct adit_endpoint *at)
{
	char buf[ADIT_ENDPOINT_STRLEN];
	int r, fd = adit_answer_listen(at);

	*i = (struct forward_info){ .network = n, .server = { .listener.fd = -1, .answer = answer, .arg = i } };
	i->statm_fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC); /* now: the sandbox hides it later */
	r = fd < 0 ? fd : adit_answerer_init(&i->server, epoll_fd, fd);
	if (r)
		adit_forward_log(ADIT_FORWARD_LOG_ERROR, "health and metrics on %s: %s%s",
				 adit_endpoint_format(at, buf), strerror(-r),
				 r == -EADDRINUSE ? " (ss -tlnp names who has it)" :
				 r == -EACCES     ? " (ports below 1024 take a right: choose a higher one)" : "");
	return r;
}

void info_fini(struct forward_info *i)
{
	if (!i->network)
		return;
	adit_answerer_fini(&i->server);
	if (i->statm_fd >= 0)
		close(i->statm_fd);
	i->network = NULL;
}
