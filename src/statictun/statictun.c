/* SPDX-License-Identifier: ISC */
/*
 * statictun.c - `adit static -c FILE [IFACE]` and `adit static status`
 *
 * It stays in the foreground. The control thread waits for signals, for what
 * the core tells, for the end of the interface, and for who asks for the status.
 */
#include "statictun/statictun.h"

#include <errno.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/exit.h"
#include "host/answer.h"
#include "host/process.h"
#include "host/unixsock.h"
#include "statictun/options.h"
#include "statictun/status.h"
#include "tunnel/environment.h"

struct program {
	struct statictun s;
	int epoll_fd;
	struct adit_watch signals, gone, told;
	struct adit_answerer answerer;
	char socket[108];
	const char *end; /* why it ends, or NULL */
};

/* --- what the control thread waits for -------------------------------------------- */

static void signalled(struct adit_watch *w, uint32_t events)
{
	struct program *p = adit_container_of(w, struct program, signals);
	struct signalfd_siginfo si;

	(void)events;
	if (read(w->fd, &si, sizeof(si)) == sizeof(si))
		p->end = "ended by a signal";
}

static void interface_gone(struct adit_watch *w, uint32_t events)
{
	(void)events;
	adit_container_of(w, struct program, gone)->end = "the interface is gone";
}

/* Also after records were lost: grants are looked for by themselves. */
static void core_told(struct adit_watch *w, uint32_t events)
{
	struct program *p = adit_container_of(w, struct program, told);
	adit_time now = adit_tunnel_now();
	struct statictun_event event;

	(void)events;
	while (statictun_events_take(&p->s.events, &event))
		statictun_events_log(&p->s.events, p->s.net, &event, now);
	if (p->s.store_again == ADIT_NEVER)
		statictun_grant(&p->s, now);
}

static bool write_status(struct program *p, bool json, FILE *out)
{
	struct statictun_status status;

	if (statictun_status_take(&status, &p->s))
		return false;
	if (json)
		statictun_status_json(out, &status);
	else
		statictun_status_text(out, &status);
	statictun_status_free(&status);
	return true;
}

/* "status text IFACE": who serves another interface says nothing; without a name everybody is meant. */
static bool answer(void *arg, const char *request, size_t len, bool end, FILE *out)
{
	struct program *p = arg;
	const char *nl = memchr(request, '\n', len);
	char word[8], ifname[ADIT_IFNAME_LEN] = "", line[64];
	int n;

	if ((!nl && !end) || len >= sizeof(line))
		return false;
	snprintf(line, sizeof(line), "%.*s", (int)(nl ? nl - request : (ptrdiff_t)len), request);
	n = sscanf(line, "status %7s %15s", word, ifname);
	if (n < 1 || (strcmp(word, "text") && strcmp(word, "json")))
		return true;
	if (n == 2 && strcmp(ifname, adit_tunnel_ifname(p->s.tunnel)))
		return true;
	return write_status(p, !strcmp(word, "json"), out);
}

static int watch(struct program *p, struct adit_watch *w, int fd, void (*ready)(struct adit_watch *, uint32_t))
{
	*w = (struct adit_watch){ fd, ready };
	return fd < 0 ? -errno : adit_watch_add(p->epoll_fd, w, EPOLLIN);
}

/* Without a place for it there is no status, and all else works. */
static void open_socket(struct program *p)
{
	char why[160];
	int fd, r;

	p->answerer = (struct adit_answerer){ .listener.fd = -1, .answer = answer, .arg = p, .same_user = true };
	if (!adit_unix_usual("static", p->socket, sizeof(p->socket))) {
		if (adit_unix_problem(why, sizeof(why)))
			adit_log_warning("no control socket: %s; adit static status will not find this tunnel", why);
		return;
	}
	fd = adit_unix_listen(p->socket);
	r = fd < 0 ? fd : adit_answerer_init(&p->answerer, p->epoll_fd, fd);
	if (r)
		adit_log_error("%s: %s; adit static status will not find this tunnel", p->socket, strerror(-r));
}

static void close_socket(struct program *p)
{
	if (p->answerer.listener.fd >= 0)
		unlink(p->socket);
	adit_answerer_fini(&p->answerer);
}

static int open_watches(struct program *p)
{
	sigset_t set;
	int r;

	adit_process_signals(&set);
	p->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (p->epoll_fd < 0)
		return -errno;
	r = watch(p, &p->signals, signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK), signalled);
	if (!r)
		r = watch(p, &p->gone, adit_tunnel_gone_fd(p->s.tunnel), interface_gone);
	if (!r)
		r = watch(p, &p->told, p->s.events.fd[0], core_told);
	if (!r)
		open_socket(p);
	return r;
}

static void close_watches(struct program *p)
{
	if (p->answerer.answer)
		close_socket(p);
	if (p->signals.fd >= 0)
		close(p->signals.fd);
	if (p->epoll_fd >= 0)
		close(p->epoll_fd);
}

/* Milliseconds until something is due, rounded up; -1: nothing is. */
static int patience(const struct program *p)
{
	adit_time due = adit_answerer_due(&p->answerer), now = adit_tunnel_now();

	if (p->s.store_again < due)
		due = p->s.store_again;
	if (due == ADIT_NEVER)
		return -1;
	return due <= now ? 0 : (int)((due - now) / ADIT_MSEC) + 1;
}

static void serve(struct program *p)
{
	while (!p->end) {
		struct epoll_event ev;
		int n = epoll_wait(p->epoll_fd, &ev, 1, patience(p));
		adit_time now = adit_tunnel_now();

		if (n < 0 && errno != EINTR) {
			p->end = strerror(errno);
			return;
		}
		if (n > 0) {
			struct adit_watch *w = ev.data.ptr;

			w->ready(w, ev.events);
		}
		adit_answerer_tick(&p->answerer, now);
		if (p->s.store_again <= now)
			statictun_grant(&p->s, now);
	}
}

/* --- a run ------------------------------------------------------------------------ */

/* Its interface would be in the way without saying whose it is, or be shared. */
static bool is_running(const char *ifname)
{
	char request[64];

	snprintf(request, sizeof(request), "status text %s\n", ifname);
	return *ifname && if_nametoindex(ifname) && adit_unix_ask_all("static", request, NULL, NULL);
}

/* Everything up to a tunnel that works. */
static int start(struct program *p, const struct statictun_network *net, struct adit_tunnel_config *cfg,
		 const char *state_dir, char *err, size_t err_len)
{
	int r = statictun_open(&p->s, net, cfg, state_dir, err, err_len);

	if (!r) {
		r = open_watches(p);
		if (r)
			snprintf(err, err_len, "cannot wait for events: %s", strerror(-r));
	}
	if (r)
		return r;
	r = adit_process_drop_capabilities(); /* before there is a second thread */
	if (r)
		adit_log_error("cannot drop capabilities, going on with them: %s", strerror(-r));
	return statictun_start(&p->s, err, err_len);
}

static int run(const struct statictun_options *o, const struct statictun_network *net)
{
	struct program p = { .epoll_fd = -1, .signals.fd = -1, .answerer.listener.fd = -1 };
	struct adit_tunnel_config cfg = { 0 };
	char err[512];
	int r;

	if (adit_tunnel_environment(&cfg, err, sizeof(err))) {
		fprintf(stderr, "adit static: %s\n", err);
		return ADIT_EXIT_USAGE;
	}
	if (is_running(net->ifname)) {
		adit_log_error("a static tunnel called %s runs already (adit static status %s shows it)", net->ifname,
			       net->ifname);
		return ADIT_EXIT_FAILED;
	}
	r = start(&p, net, &cfg, o->state_dir, err, sizeof(err));
	if (r) {
		adit_log_error("%s", err[0] ? err : strerror(-r));
	} else {
		adit_log_info("%s is up: wire %s, UDP port %u, mtu %u, %zu lines of peers", adit_tunnel_ifname(p.s.tunnel),
			      net->wire == ADIT_STATIC_V1 ? "v1" : "v2", net->port, net->mtu, net->peer_cnt);
		statictun_look_around(&p.s);
		adit_process_notify("READY=1");
		serve(&p);
		adit_process_notify("STOPPING=1");
		adit_log_info("%s ends: %s", adit_tunnel_ifname(p.s.tunnel), p.end);
	}
	close_watches(&p);
	statictun_close(&p.s);
	if (!r)
		return ADIT_EXIT_OK;
	return r == -EPERM || r == -EACCES ? ADIT_EXIT_DENIED : ADIT_EXIT_FAILED;
}

/* --- the command ------------------------------------------------------------------- */

static void print_report(void *user, const char *msg)
{
	(void)user;
	fprintf(stderr, "%s\n", msg);
}

static int read_log_level(enum adit_log_level *ret)
{
	const char *text = getenv("LOG_LEVEL");

	*ret = ADIT_LOG_INFO;
	if (!text || !*text || !adit_log_level_parse(ret, text))
		return 0;
	fprintf(stderr, "adit static: LOG_LEVEL=%.40s: known are silent, error, verbose\n", text);
	return ADIT_EXIT_USAGE;
}

static int with_network(const struct statictun_options *o, const struct statictun_network *net)
{
	char ident[32];
	enum adit_log_level level;
	int r = read_log_level(&level);

	if (r)
		return r;
	snprintf(ident, sizeof(ident), "adit %s", net->ifname[0] ? net->ifname : "static");
	adit_log_init(ident, level);
	return run(o, net);
}

static int with_file(const struct statictun_options *o)
{
	struct adit_conf_errors errors = { 0 };
	struct statictun_network *networks = statictun_settings_read(o->config, &errors), *net;
	int status = ADIT_EXIT_CONFIG;

	adit_conf_errors_report(&errors, print_report, NULL);
	if (errors.no_memory)
		fprintf(stderr, "adit static: %s: out of memory\n", o->config);
	adit_conf_errors_fini(&errors);
	if (!networks)
		return status;
	net = o->check && !o->ifname && !o->network ? networks : statictun_options_choose(o, networks);
	if (net && o->check)
		status = ADIT_EXIT_OK;
	else
		status = net ? with_network(o, net) : ADIT_EXIT_USAGE;
	statictun_settings_free(networks);
	return status;
}

static int show_status(const struct statictun_options *o)
{
	char request[64], why[160];
	int r;

	snprintf(request, sizeof(request), "status %s %s\n", o->json ? "json" : "text", o->ifname ? o->ifname : "");
	if (adit_unix_ask_all("static", request, NULL, stdout))
		return ADIT_EXIT_OK;
	r = adit_unix_problem(why, sizeof(why));
	if (r && r != -ENOENT)
		fprintf(stderr, "adit static status: static tunnels have no control socket here: %s\n", why);
	else
		fprintf(stderr, "adit static status: no static tunnel of this user runs%s%s\n", o->ifname ? " on " : "",
			o->ifname ? o->ifname : "");
	return ADIT_EXIT_NOT_CONNECTED;
}

int adit_static_main(int argc, char **argv)
{
	struct statictun_options o;
	int r = statictun_options_read(&o, argc, argv);

	if (r)
		return r;
	if (o.status)
		return show_status(&o);
	adit_process_block_signals(NULL);
	adit_process_protect();
	return with_file(&o);
}
