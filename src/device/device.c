/* SPDX-License-Identifier: ISC */
/*
 * device.c - `adit device [-f] IFACE`, and adit-wg.
 *
 * The process goes into the background first and does everything there, so
 * that no locked memory is lost in a fork; the caller's process ends when the
 * interface and the socket exist and the data threads run, because wg-quick
 * configures the device at once.
 */
#include "device/device.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/exit.h"
#include "host/process.h"
#include "device/server.h"
#include "device/uapi_socket.h"
#include "tunnel/environment.h"
#include "tunnel/tunnel.h"

struct device {
	const char *ifname;
	bool foreground;
	enum adit_log_level log_level;
	int tun_fd, uapi_fd; /* given by the caller, or -1 */
	struct adit_tunnel_config cfg;

	struct adit_tunnel *tunnel;
	int listen_fd;
	char path[ADIT_UAPI_PATH_LEN];
	struct adit_server *server;
};

/* Before there is a log level: what is wrong with the call itself. */
static int usage(const char *name, const char *fmt, const char *what, const char *why)
{
	if (!strcmp(name, "device"))
		name = "adit device";
	fprintf(stderr, "%s: ", name);
	fprintf(stderr, fmt, what, why);
	fprintf(stderr, "\nUsage: %s [-f] IFACE (%s --help says more)\n", name, name);
	return ADIT_EXIT_USAGE;
}

/* --- arguments and environment -------------------------------------------- */

static int read_arguments(struct device *d, int argc, char **argv)
{
	const char *problem;
	int i;

	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "-f") || !strcmp(argv[i], "--foreground"))
			d->foreground = true;
		else if (argv[i][0] == '-')
			return usage(argv[0], "unknown option %s%s", argv[i], "");
		else if (d->ifname)
			return usage(argv[0], "one interface only: %s%s is too much", argv[i], "");
		else
			d->ifname = argv[i];
	}
	if (!d->ifname)
		return usage(argv[0], "which interface%s%s?", "", "");
	problem = adit_ifname_problem(d->ifname);
	if (problem)
		return usage(argv[0], "\"%s\": %s", d->ifname, problem);
	return 0;
}

static bool number(const char *text, long min, long max, long *ret)
{
	char *end;

	errno = 0;
	*ret = strtol(text, &end, 10);
	return !errno && end != text && !*end && *ret >= min && *ret <= max;
}

static bool is_set(const char *name)
{
	const char *v = getenv(name);

	return v && *v && strcmp(v, "0") != 0;
}

static int given_fd(const char *argv0, const char *name, int *ret)
{
	const char *text = getenv(name);
	long v;

	*ret = -1;
	if (!text || !*text)
		return 0;
	if (!number(text, 0, INT_MAX, &v) || fcntl((int)v, F_GETFD) < 0)
		return usage(argv0, "%s=%s is not an open descriptor", name, text);
	fcntl((int)v, F_SETFD, FD_CLOEXEC);
	*ret = (int)v;
	return 0;
}

static int read_environment(struct device *d, const char *argv0)
{
	char err[256];
	const char *text;
	struct ifreq ifr;
	int r;

	d->foreground |= is_set("WG_PROCESS_FOREGROUND");
	d->log_level = ADIT_LOG_ERROR;
	text = getenv("LOG_LEVEL");
	if (text && *text && adit_log_level_parse(&d->log_level, text))
		return usage(argv0, "LOG_LEVEL=%s: known are silent, error, verbose%s", text, "");
	r = adit_tunnel_environment(&d->cfg, err, sizeof(err));
	if (r)
		return usage(argv0, "%s%s", err, "");
	r = given_fd(argv0, "WG_TUN_FD", &d->tun_fd);
	if (!r && d->tun_fd >= 0 && ioctl(d->tun_fd, TUNGETIFF, &ifr) < 0)
		r = usage(argv0, "WG_TUN_FD=%s is not a TUN descriptor%s", getenv("WG_TUN_FD"), "");
	if (!r)
		r = given_fd(argv0, "WG_UAPI_FD", &d->uapi_fd);
	return r;
}

/* --- start ---------------------------------------------------------------- */

static int status_of(int r)
{
	return r == -EPERM || r == -EACCES ? ADIT_EXIT_DENIED : ADIT_EXIT_FAILED;
}

/* A socket that the caller made: watched where it is bound. */
static int take_socket(struct device *d, char *err, size_t err_len)
{
	struct sockaddr_un sa = { 0 };
	socklen_t len = sizeof(sa) - 1;

	if (getsockname(d->uapi_fd, (struct sockaddr *)&sa, &len) < 0 || sa.sun_family != AF_UNIX ||
	    !sa.sun_path[0] || strlen(sa.sun_path) >= sizeof(d->path)) {
		snprintf(err, err_len, "WG_UAPI_FD=%d is not a Unix socket bound to a file", d->uapi_fd);
		return -EINVAL;
	}
	fcntl(d->uapi_fd, F_SETFL, fcntl(d->uapi_fd, F_GETFL) | O_NONBLOCK);
	strcpy(d->path, sa.sun_path);
	return d->uapi_fd;
}

static int open_socket(struct device *d, char *err, size_t err_len)
{
	if (d->uapi_fd >= 0)
		return take_socket(d, err, err_len);
	/* A TUN that was handed over brings its own name. */
	adit_uapi_socket_path(adit_tunnel_ifname(d->tunnel), d->path);
	return adit_uapi_listen(adit_tunnel_ifname(d->tunnel), err, err_len);
}

static void drop_capabilities(void)
{
	int r = adit_process_drop_capabilities();

	if (r)
		adit_log_error("cannot drop capabilities, going on with them: %s", strerror(-r));
}

/* Everything up to running threads. Returns 0 or -errno with a sentence. */
static int start(struct device *d, char *err, size_t err_len)
{
	int r;

	if (d->tun_fd < 0 && d->uapi_fd < 0 && adit_uapi_alive(d->ifname)) {
		snprintf(err, err_len, "%s is in use: a device of that name runs already; choose another name or "
			 "end it with `ip link delete %s`", d->ifname, d->ifname);
		return -EEXIST;
	}
	d->cfg.core = &adit_core_wg;
	d->cfg.ifname = d->ifname;
	d->cfg.tun_fd = d->tun_fd;
	r = adit_tunnel_new(&d->tunnel, &d->cfg, err, err_len);
	if (r)
		return r;
	d->listen_fd = open_socket(d, err, err_len);
	if (d->listen_fd < 0)
		return d->listen_fd;
	drop_capabilities(); /* before there is a second thread */
	r = adit_server_new(&d->server, d->tunnel, d->listen_fd, d->path);
	if (r) {
		snprintf(err, err_len, "cannot watch %s: %s", d->path, strerror(-r));
		unlink(d->path);
		close(d->listen_fd);
		return r;
	}
	return adit_tunnel_start(d->tunnel, err, err_len);
}

static int run(struct device *d)
{
	static const char *const ends[] = {
		[ADIT_SERVER_SIGNAL] = "ended by a signal",
		[ADIT_SERVER_LINK] = "the interface is gone",
		[ADIT_SERVER_REMOVED] = "the socket file was removed",
	};
	char err[512] = "";
	int r = start(d, err, sizeof(err));

	if (r) {
		adit_log_error("%s", err[0] ? err : strerror(-r));
		return status_of(r);
	}
	adit_log_info("%s is ready, configured through %s", adit_tunnel_ifname(d->tunnel), d->path);
	adit_process_notify("READY=1");
	adit_process_detach(ADIT_EXIT_OK);
	r = adit_server_run(d->server);
	adit_process_notify("STOPPING=1");
	if (r < 0) {
		adit_log_error("%s ends: %s", d->ifname, strerror(-r));
		return ADIT_EXIT_FAILED;
	}
	adit_log_info("%s ends: %s", d->ifname, ends[r]);
	return ADIT_EXIT_OK;
}

int adit_device_main(int argc, char **argv)
{
	struct device d = { .listen_fd = -1 };
	char ident[32];
	int r = read_arguments(&d, argc, argv);

	if (!r)
		r = read_environment(&d, argv[0]);
	if (r)
		return r;
	prctl(PR_SET_NAME, "adit", 0, 0, 0); /* adit up runs us by /proc/self/exe: ps would show "exe" */
	snprintf(ident, sizeof(ident), "adit %s", d.ifname);
	adit_log_init(ident, d.log_level);
	if (!d.foreground) {
		r = adit_process_background();
		if (r) {
			adit_log_error("cannot go into the background: %s", strerror(-r));
			return ADIT_EXIT_FAILED;
		}
	}
	adit_process_block_signals(NULL);
	adit_process_protect();
	r = run(&d);
	/* First the socket, so that nobody finds it without a device behind. */
	adit_server_free(d.server);
	adit_tunnel_free(d.tunnel);
	if (r)
		adit_process_detach(r);
	return r;
}
