/* SPDX-License-Identifier: ISC */
/* control.c - a forwarder's Unix socket, and who asks it */
#include "forward/control.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/exit.h"
#include "forward/log.h"
#include "forward/snapshot.h"
#include "host/unixsock.h"

/* --- the server ----------------------------------------------------------------- */

static bool answer(void *arg, const char *request, size_t len, bool end, FILE *out)
{
	struct forward_control *c = arg;
	const char *nl = memchr(request, '\n', len);
	struct forward_snapshot s;
	size_t n = nl ? (size_t)(nl - request) : len;
	bool json = n == 11 && !memcmp(request, "status json", 11);

	if (!nl && !end)
		return false;
	if (!json && !(n == 11 && !memcmp(request, "status text", 11)))
		return false;
	if (snapshot_take(&s, c->network))
		return false;
	if (json)
		status_write_json(out, &s);
	else
		status_write_text(out, &s);
	snapshot_free(&s);
	return true;
}

/* It was not asked for. */
static int go_without(const char *why)
{
	adit_forward_log(ADIT_FORWARD_LOG_INFO, "no control socket: %s; --control PATH gives one", why);
	return 0;
}

int control_init(struct forward_control *c, int epoll_fd, struct adit_forward_network *n, const char *path)
{
	char why[160];
	int r, fd;

	*c = (struct forward_control){ .network = n, .server = { .listener.fd = -1, .answer = answer, .arg = c,
								  .same_user = true } };
	if (path[0])
		snprintf(c->path, sizeof(c->path), "%s", path);
	else if (!adit_unix_usual("forward", c->path, sizeof(c->path)))
		return adit_unix_problem(why, sizeof(why)) ? go_without(why) : 0;
	fd = adit_unix_listen(c->path);
	r = fd < 0 ? fd : adit_answerer_init(&c->server, epoll_fd, fd);
	if (!r)
		return 0;
	snprintf(why, sizeof(why), "%s: %s%s", c->path, strerror(-r), r == -EADDRINUSE ? " (a forwarder serves it)" : "");
	c->path[0] = '\0';
	if (!path[0])
		return go_without(why);
	adit_forward_log(ADIT_FORWARD_LOG_ERROR, "%s", why);
	return r;
}

void control_fini(struct forward_control *c)
{
	if (!c->network)
		return;
	if (c->server.listener.fd >= 0)
		unlink(c->path);
	adit_answerer_fini(&c->server);
	c->network = NULL;
}

/* --- the client ------------------------------------------------------------------- */

static int failed(const char *path, int r)
{
	fprintf(stderr, "adit forward status: %s: %s\n", path,
		r == -EPROTO || r == -EPIPE ? "it does not answer (only its own user and root may ask)" :
		r == -ENOENT || r == -ECONNREFUSED ? "no forwarder serves this socket" : strerror(-r));
	return r == -EACCES || r == -EPERM || r == -EPROTO || r == -EPIPE ? ADIT_EXIT_DENIED : ADIT_EXIT_NOT_CONNECTED;
}

static int ask_all(const char *request, bool json)
{
	char why[160];
	int r;

	if (adit_unix_ask_all("forward", request, json ? NULL : "forwarder", stdout))
		return ADIT_EXIT_OK;
	r = adit_unix_problem(why, sizeof(why));
	if (r && r != -ENOENT)
		fprintf(stderr, "adit forward status: forwarders have no usual place here: %s; "
			"give --control PATH to the forwarder and to this command\n", why);
	else
		fprintf(stderr, "adit forward status: no forwarder of this user runs "
			"(--control PATH asks a socket of your choice)\n");
	return ADIT_EXIT_NOT_CONNECTED;
}

int adit_forward_status_main(int argc, char **argv)
{
	const char *path = NULL, *request;
	bool json = false;
	int i, r;

	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--json")) {
			json = true;
		} else if (!strcmp(argv[i], "--control") && i + 1 < argc) {
			path = argv[++i];
		} else if (!strncmp(argv[i], "--control=", 10)) {
			path = argv[i] + 10;
		} else {
			fprintf(stderr, "adit forward status: unknown argument %s\n"
				"Usage: adit forward status [--json] [--control PATH]\n", argv[i]);
			return ADIT_EXIT_USAGE;
		}
	}
	request = json ? "status json\n" : "status text\n";
	if (!path)
		return ask_all(request, json);
	r = adit_unix_ask(path, request, "", stdout);
	return r ? failed(path, r) : ADIT_EXIT_OK;
}
