/* SPDX-License-Identifier: ISC */
/*
 * forward.c - `adit forward`
 *
 * DOC: the control thread reads the configuration, makes the network, gives up
 * what it needs no longer, starts the data thread, and then waits: for signals,
 * for somebody who asks (control.h, info.h), for what the data thread found
 * (endpoints.h), and for the end of a stream that was its only purpose.
 */
#include "forward/forward.h"

#include <errno.h>
#include <malloc.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/exit.h"
#include "base/filename.h"
#include "forward/control.h"
#include "forward/info.h"
#include "forward/log.h"
#include "forward/network.h"
#include "forward/options.h"
#include "forward/sandbox.h"
#include "host/process.h"

struct forwarder {
	struct adit_forward_options *options;
	struct adit_forward_config cfg; /* as it runs; without keys */
	struct adit_forward_network *network;
	struct forward_info info;
	struct forward_control control;
	int epoll_fd;
	struct adit_watch signals, notified;
	bool ends, has_stdio;
	int status;
};

/* --- reading ------------------------------------------------------------------- */

static void print_message(void *user, bool error, const char *msg)
{
	(void)user;
	(void)error;
	fprintf(stderr, "%s\n", msg);
}

static void log_message(void *user, bool error, const char *msg)
{
	(void)user;
	adit_forward_log(error ? ADIT_FORWARD_LOG_ERROR : ADIT_FORWARD_LOG_DEBUG, "%s", msg);
}

static const char *variable(void *user, const char *name)
{
	(void)user;
	return getenv(name);
}

/* A name to listen on: the system's first address, IPv4 before IPv6. */
static int look_up(void *user, const char *name, struct adit_addr *ret)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
	struct addrinfo *list, *a;
	int r = -ENOENT;

	(void)user;
	if (getaddrinfo(name, NULL, &hints, &list))
		return r;
	for (a = list; a; a = a->ai_next) {
		if (a->ai_family == AF_INET) {
			*ret = (struct adit_addr){ .family = 4 };
			memcpy(ret->bytes, &((struct sockaddr_in *)(void *)a->ai_addr)->sin_addr, 4);
			r = 0;
			break;
		}
		if (a->ai_family == AF_INET6 && r) {
			*ret = (struct adit_addr){ .family = 6 };
			memcpy(ret->bytes, &((struct sockaddr_in6 *)(void *)a->ai_addr)->sin6_addr, 16);
			r = 0;
		}
	}
	freeaddrinfo(list);
	return r;
}

/* 0, or the exit status. *cfg is to be finished either way. */
static int read_config(struct forwarder *f, struct adit_forward_config *cfg,
		       void (*report)(void *user, bool error, const char *msg))
{
	struct adit_forward_reader rd = { .cfg = cfg, .report = report, .env = variable, .lookup = look_up };

	adit_forward_config_init(cfg);
	return adit_forward_options_read(f->options, &rd);
}

/* --- the process ----------------------------------------------------------------- */

static void raise_limits(void)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim) || lim.rlim_cur == lim.rlim_max)
		return;
	lim.rlim_cur = lim.rlim_max;
	setrlimit(RLIMIT_NOFILE, &lim);
}

static void add_path(const char **list, unsigned *cnt, const char *path)
{
	if (path[0] && *cnt < SANDBOX_PATHS_MAX - 1)
		list[(*cnt)++] = path;
}

/* A file that a reload reads again, with its folder: it may be another of its name by then. */
static void add_file(const char **list, unsigned *cnt, const char *path, char folder[ADIT_FORWARD_PATH_LEN])
{
	if (!path[0])
		return;
	add_path(list, cnt, path); /* which may be a link to elsewhere */
	if (adit_filename_folder(path, folder, ADIT_FORWARD_PATH_LEN))
		add_path(list, cnt, folder);
}

/* The folders of Unix sockets that are listened on: they are removed there, and others made by a reload. */
static void add_socket_folders(const struct adit_forward_config *cfg, char folder[SANDBOX_PATHS_MAX][108],
			       const char **list, unsigned *cnt)
{
	unsigned n = 0;

	for (size_t i = 0; i < cfg->service_cnt && n < SANDBOX_PATHS_MAX; i++) {
		if (!cfg->service[i].listen_path[0])
			continue;
		adit_filename_folder(cfg->service[i].listen_path, folder[n], sizeof(folder[n]));
		if (n && !strcmp(folder[n], folder[n - 1]))
			continue;
		add_path(list, cnt, folder[n++]);
	}
}

/* What a reload opens again, what the resolver reads, what is removed at the end. */
static void enter_sandbox(struct forwarder *f)
{
	static const char *const read[] = { "/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/host.conf",
					    "/etc/gai.conf", "/etc/services", "/run/systemd/resolve", "/dev/null" };
	char folder[3][ADIT_FORWARD_PATH_LEN], control[128], sockets[SANDBOX_PATHS_MAX][108], text[200];
	struct sandbox_config c = { 0 };
	struct sandbox_report report;
	unsigned reads = 0, writes = 0;

	for (size_t i = 0; i < sizeof(read) / sizeof(read[0]); i++)
		add_path(c.read, &reads, read[i]);
	add_file(c.read, &reads, adit_forward_options_file(f->options), folder[0]);
	add_file(c.read, &reads, f->cfg.key_file, folder[1]);
	add_file(c.read, &reads, f->cfg.import_file, folder[2]);
	for (size_t i = 0; i < f->cfg.service_cnt; i++) {
		add_path(c.read, &reads, f->cfg.service[i].cert_file);
		add_path(c.read, &reads, f->cfg.service[i].key_file);
	}
	adit_filename_folder(f->control.path, control, sizeof(control));
	add_path(c.write, &writes, "/dev/null");
	if (f->control.path[0])
		add_path(c.write, &writes, control);
	add_socket_folders(&f->cfg, sockets, c.write, &writes);
	if (sandbox_enter(&c, &report))
		adit_forward_log(ADIT_FORWARD_LOG_WARNING, "not sandboxed: %s", report.why);
	else
		adit_forward_log(ADIT_FORWARD_LOG_INFO, "sandbox: %s", sandbox_describe(&report, text, sizeof(text)));
}

static bool needs_rights_later(const struct adit_forward_config *cfg)
{
	return cfg->fwmark || (cfg->listen_port && cfg->listen_port < 1024);
}

static void confine(struct forwarder *f)
{
	if (f->cfg.no_sandbox)
		adit_forward_log(ADIT_FORWARD_LOG_INFO, "not sandboxed, as --no-sandbox says");
	else if (needs_rights_later(&f->cfg))
		adit_forward_log(ADIT_FORWARD_LOG_WARNING, "not sandboxed: FwMark and a UDP port below 1024 take a "
				 "right that would be given up");
	else
		enter_sandbox(f);
}

/* --- what the control thread waits for ---------------------------------------------- */

static void end(struct forwarder *f, int status)
{
	f->ends = true;
	f->status = status;
}

/* The moment lets a manager of Type=notify-reload tell this reload from one before. */
static void notify_reloading(void)
{
	struct timespec now;
	char text[80];

	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
	adit_process_notify(text);
}

static void reload(struct forwarder *f)
{
	struct adit_forward_config cfg;
	unsigned failed;

	notify_reloading();
	if (read_config(f, &cfg, log_message)) {
		adit_forward_log(ADIT_FORWARD_LOG_ERROR, "not reloaded: the configuration is wrong; going on as before");
		adit_forward_config_fini(&cfg);
		adit_process_notify("READY=1");
		return;
	}
	adit_forward_log_level(cfg.log_level);
	failed = network_reload(f->network, &f->cfg, &cfg);
	adit_forward_config_fini(&f->cfg);
	adit_forward_config_forget_keys(&cfg);
	f->cfg = cfg;
	if (failed)
		adit_forward_log(ADIT_FORWARD_LOG_ERROR, "reloaded, but %u change%s failed", failed, failed == 1 ? "" : "s");
	else
		adit_forward_log(ADIT_FORWARD_LOG_INFO, "reloaded");
	adit_process_notify("READY=1");
}

static void signalled(struct adit_watch *w, uint32_t events)
{
	struct forwarder *f = adit_container_of(w, struct forwarder, signals);
	struct signalfd_siginfo info;

	(void)events;
	if (read(w->fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGHUP && !f->has_stdio) {
		reload(f);
		return;
	}
	adit_forward_log(ADIT_FORWARD_LOG_INFO, "ended by a signal");
	end(f, ADIT_EXIT_OK);
}

/* One stream was all there is to do: it is over; the relay has said why. */
static void stdio_ended(struct forwarder *f)
{
	end(f, atomic_load(&f->network->stdio_error) ? ADIT_EXIT_FAILED : ADIT_EXIT_OK);
}

static void give_memory_back(void)
{
#ifdef __GLIBC__ /* others do it by themselves */
	malloc_trim(0);
#endif
}

static void was_notified(struct adit_watch *w, uint32_t events)
{
	struct forwarder *f = adit_container_of(w, struct forwarder, notified);
	uint64_t n;

	(void)events;
	if (read(w->fd, &n, sizeof(n)) < 0)
		return;
	if (atomic_exchange(&f->network->gives_back, false))
		give_memory_back();
	endpoints_work(&f->network->endpoints, adit_tunnel_now());
	if (atomic_load(&f->network->stdio_ended))
		stdio_ended(f);
}

static adit_time earlier(adit_time a, adit_time b)
{
	return a < b ? a : b;
}

static int timeout_ms(struct forwarder *f, adit_time now)
{
	adit_time due = earlier(endpoints_due(&f->network->endpoints), adit_answerer_due(&f->control.server));

	if (f->info.network)
		due = earlier(due, adit_answerer_due(&f->info.server));
	if (due == ADIT_NEVER)
		return -1;
	return due <= now ? 0 : (int)earlier((due - now) / ADIT_MSEC + 1, 60000);
}

static void tick(struct forwarder *f)
{
	adit_time now = adit_tunnel_now();

	if (endpoints_due(&f->network->endpoints) <= now)
		endpoints_work(&f->network->endpoints, now);
	adit_answerer_tick(&f->control.server, now);
	if (f->info.network)
		adit_answerer_tick(&f->info.server, now);
}

static void serve(struct forwarder *f)
{
	struct epoll_event ev[1]; /* one: what it leads to may end another */

	while (!f->ends) {
		int n = epoll_wait(f->epoll_fd, ev, 1, timeout_ms(f, adit_tunnel_now()));

		if (n > 0) {
			struct adit_watch *w = ev[0].data.ptr;

			w->ready(w, ev[0].events);
		}
		tick(f);
	}
}

/* --- start and end -------------------------------------------------------------------- */

static int status_of(int r)
{
	return r == -EPERM || r == -EACCES ? ADIT_EXIT_DENIED : r == -ENOTSUP ? ADIT_EXIT_CONFIG : ADIT_EXIT_FAILED;
}

static int watch_signals(struct forwarder *f, const sigset_t *set)
{
	f->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (f->epoll_fd < 0)
		return -errno;
	f->signals = (struct adit_watch){ signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK), signalled };
	return f->signals.fd < 0 ? -errno : adit_watch_add(f->epoll_fd, &f->signals, EPOLLIN);
}

static int start(struct forwarder *f, const sigset_t *signals)
{
	int r = watch_signals(f, signals);

	if (r) {
		adit_forward_log(ADIT_FORWARD_LOG_ERROR, "cannot wait for events: %s", strerror(-r));
		return r;
	}
	r = network_new(&f->network, &f->cfg);
	adit_forward_config_forget_keys(&f->cfg);
	if (r)
		return r;
	f->notified = (struct adit_watch){ f->network->notify_fd, was_notified };
	r = adit_watch_add(f->epoll_fd, &f->notified, EPOLLIN);
	if (!r && f->cfg.info.port)
		r = info_init(&f->info, f->epoll_fd, f->network, &f->cfg.info);
	if (!r)
		r = control_init(&f->control, f->epoll_fd, f->network, f->cfg.control);
	if (r)
		return r;
	confine(f); /* before there is a second thread */
	return network_start(f->network);
}

static void stop(struct forwarder *f)
{
	adit_process_notify("STOPPING=1");
	if (f->network && f->network->started)
		network_stop(f->network);
	control_fini(&f->control);
	info_fini(&f->info);
	network_free(f->network);
	if (f->signals.fd >= 0)
		close(f->signals.fd);
	if (f->epoll_fd >= 0)
		close(f->epoll_fd);
}

static bool has_stdio(const struct adit_forward_config *cfg)
{
	for (size_t i = 0; i < cfg->service_cnt; i++)
		if (cfg->service[i].kind == RELAY_STDIO)
			return true;
	return false;
}

static int run(struct forwarder *f)
{
	sigset_t signals;
	int r;

	f->has_stdio = has_stdio(&f->cfg);
	if (f->cfg.daemon && f->has_stdio) {
		fprintf(stderr, "adit forward: standard input is not there in the background (leave -d out)\n");
		return ADIT_EXIT_USAGE;
	}
	if (f->cfg.daemon) {
		r = adit_process_background();
		if (r) {
			fprintf(stderr, "adit forward: cannot go into the background: %s\n", strerror(-r));
			return ADIT_EXIT_FAILED;
		}
	}
	adit_process_block_signals(&signals);
	adit_process_protect();
	raise_limits();
	r = start(f, &signals);
	if (!r) {
		adit_process_notify("READY=1");
		adit_process_detach(ADIT_EXIT_OK);
		serve(f);
	}
	stop(f);
	if (r) {
		f->status = status_of(r);
		adit_process_detach(f->status);
	}
	return f->status;
}

static int with_options(struct forwarder *f)
{
	int status = read_config(f, &f->cfg, print_message);

	if (adit_forward_options_version(f->options) && !status) {
		printf("adit forward, version %s\n", ADIT_VERSION);
		return ADIT_EXIT_OK;
	}
	if (status)
		return status;
	if (f->cfg.test) {
		printf("Config OK\n");
		return ADIT_EXIT_OK;
	}
	/* What stops us at start is said even when nothing else is. */
	adit_forward_log_level(f->cfg.log_level ? f->cfg.log_level : ADIT_FORWARD_LOG_ERROR);
	return run(f);
}

int adit_forward_main(int argc, char **argv)
{
	struct forwarder f = { .epoll_fd = -1, .signals.fd = -1, .control.server.listener.fd = -1 };
	int status;

	if (argc > 1 && !strcmp(argv[1], "status"))
		return adit_forward_status_main(argc - 1, argv + 1);
	if (adit_forward_options_new(&f.options, argc, argv))
		return ADIT_EXIT_FAILED;
	adit_forward_log_init();
	adit_log_init("adit forward", ADIT_LOG_ERROR);
	status = with_options(&f);
	adit_forward_config_fini(&f.cfg);
	adit_forward_options_free(f.options);
	return status;
}
