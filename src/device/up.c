/* SPDX-License-Identifier: ISC */
/*
 * up.c - `adit up FILE.conf|NAME`, `adit down FILE.conf|NAME`
 *
 * DOC: up reads the file, resolves endpoints and makes the whole plan before
 * it touches anything. Then, under the lock of the journals: journal, device
 * process, keys and peers over its socket, the plan's steps, verification. A
 * failure or a signal anywhere after the journal is written undoes it all.
 * down knows the journal only, so it does the same after a kill -9 of either
 * process: the link and its routes are gone then, and the rest is removed.
 */
#include "device/device.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/exit.h"
#include "crypto/crypto.h"
#include "device/text.h"
#include "device/uapi_socket.h"
#include "device/up_device.h"
#include "device/up_plan.h"
#include "host/apply.h"
#include "host/journal.h"
#include "host/keeper.h"

#define FILE_MAX (512u << 20)

struct up {
	const char *command; /* "adit up" */
	bool dry_run;
	char file[512]; /* the configuration's path */
	char name[ADIT_IFNAME_LEN];
	struct adit_netlink *nl;
	int lock_fd;
};

/* --- arguments ------------------------------------------------------------ */

static int usage(const struct up *up, const char *text, const char *what)
{
	fprintf(stderr, "%s: %s%s\nUsage: %s %sFILE.conf|NAME (%s --help says more)\n", up->command, text,
		what, up->command, strstr(up->command, "up") ? "[--dry-run] " : "", up->command);
	return ADIT_EXIT_USAGE;
}

/* A path, or a name that stands for /etc/wireguard/NAME.conf. */
static int read_operand(struct up *up, const char *arg)
{
	size_t len = strlen(arg);
	bool is_file = strchr(arg, '/') || (len > 5 && !strcmp(arg + len - 5, ".conf"));
	const char *base, *problem;
	int n;

	n = snprintf(up->file, sizeof(up->file), is_file ? "%s" : "/etc/wireguard/%s.conf", arg);
	if (n < 0 || (size_t)n >= sizeof(up->file))
		return usage(up, "the path is too long", "");
	base = strrchr(up->file, '/') ? strrchr(up->file, '/') + 1 : up->file;
	len = strlen(base);
	if (len <= 5 || strcmp(base + len - 5, ".conf"))
		return usage(up, "the file must be called NAME.conf, NAME being the interface's name: ", arg);
	len -= 5;
	snprintf(up->name, sizeof(up->name), "%.*s", (int)len, base);
	problem = len >= sizeof(up->name) ?
			  "the interface's name (the file's without .conf) has at most 15 characters" :
			  adit_ifname_problem(up->name);
	return problem ? usage(up, problem, "") : 0;
}

static int read_arguments(struct up *up, int argc, char **argv, const char *command, bool may_dry_run)
{
	const char *operand = NULL;
	int i;

	up->command = command;
	up->lock_fd = -1;
	for (i = 1; i < argc; i++) {
		if (may_dry_run && !strcmp(argv[i], "--dry-run"))
			up->dry_run = true;
		else if (argv[i][0] == '-')
			return usage(up, "unknown option ", argv[i]);
		else if (operand)
			return usage(up, "one file or name only: too much is ", argv[i]);
		else
			operand = argv[i];
	}
	return operand ? read_operand(up, operand) : usage(up, "which file or name?", "");
}

/* --- what up and down share ----------------------------------------------- */

__attribute__((format(printf, 2, 3))) static int fail(const struct up *up, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s: %s: ", up->command, up->name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return ADIT_EXIT_FAILED;
}

static int fail_errno(const struct up *up, const char *what, int r)
{
	bool denied = r == -EPERM || r == -EACCES || r == -EROFS;

	fail(up, "%s: %s%s", what, strerror(-r), denied ? " (this takes root)" : "");
	return denied ? ADIT_EXIT_DENIED : ADIT_EXIT_FAILED;
}

static int open_host(struct up *up, bool lock)
{
	int r = adit_netlink_open(&up->nl);

	if (r)
		return fail_errno(up, "cannot speak to the kernel (netlink)", r);
	if (!lock)
		return 0;
	up->lock_fd = adit_journal_lock(adit_state_dir(NULL));
	if (up->lock_fd == -EBUSY)
		return fail(up, "another adit up or down is at work (it holds the lock of %s)",
			    adit_state_dir(NULL));
	return up->lock_fd < 0 ? fail_errno(up, adit_state_dir(NULL), up->lock_fd) : 0;
}

static void close_host(struct up *up)
{
	adit_netlink_close(up->nl);
	if (up->lock_fd >= 0)
		close(up->lock_fd);
}

/* SIGINT and the like are looked at between steps, so that none is done by half. */
static void block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static bool interrupted(void)
{
	sigset_t set;

	sigpending(&set);
	return sigismember(&set, SIGINT) || sigismember(&set, SIGTERM) || sigismember(&set, SIGHUP);
}

/* Undoes the plan, sees the device process off, and forgets the journal. */
static int take_down(struct up *up, const struct adit_plan *plan)
{
	int pidfd = adit_up_process(up->name);
	struct adit_host host;
	char err[256];
	int r;

	adit_host_init(&host, up->nl);
	r = adit_host_undo(&host, plan, err, sizeof(err));
	adit_host_fini(&host);
	if (r) {
		if (pidfd >= 0)
			close(pidfd);
		fail(up, "%s; the journal in %s stays: try adit down %s again", err, adit_state_dir(NULL),
		     up->name);
		return r;
	}
	adit_up_wait_gone(up->name, pidfd);
	r = adit_journal_remove(adit_state_dir(NULL), up->name);
	if (r)
		fail_errno(up, "cannot remove the journal", r);
	return r;
}

/* --- up ------------------------------------------------------------------- */

static void print_report(void *user, const char *msg)
{
	(void)user;
	fprintf(stderr, "%s\n", msg);
}

static int read_whole(int fd, struct adit_text *text)
{
	for (;;) {
		ssize_t n;

		if (text->len > FILE_MAX)
			return -EFBIG;
		if (!adit_text_reserve(text, 65536))
			return -ENOMEM;
		n = read(fd, text->p + text->len, 65536);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : 0;
		text->len += (size_t)n;
	}
}

static int read_config(const struct up *up, struct adit_quickconf **ret)
{
	struct adit_text text = { 0 };
	struct stat st;
	int fd = open(up->file, O_RDONLY | O_CLOEXEC);
	int r = fd < 0 || fstat(fd, &st) < 0 ? -errno : 0;

	if (!r && (st.st_mode & 0004))
		fprintf(stderr, "%s: warning: it holds keys and everybody can read it (chmod 600 %s)\n",
			up->file, up->file);
	if (!r)
		r = read_whole(fd, &text);
	if (r)
		fprintf(stderr, "%s: %s: %s\n", up->command, up->file, strerror(-r));
	else
		r = adit_quickconf_parse(ret, up->file, text.p, text.len, print_report, NULL);
	adit_text_fini(&text);
	if (fd >= 0)
		close(fd);
	return r;
}

/* What the kernel would refuse, or do by half, later. */
static bool mtu_fits(const struct up *up, const struct adit_quickconf *conf)
{
	size_t i;

	if (!conf->mtu || conf->mtu >= 1280)
		return true;
	for (i = 0; i < conf->addresses.cnt; i++)
		if (conf->addresses.item[i].prefix.addr.family == 6)
			break;
	if (i == conf->addresses.cnt)
		return true;
	fprintf(stderr, "%s:%u:%u: MTU: IPv6 needs at least 1280, and there is an IPv6 address in line %u\n",
		up->file, conf->mtu_pos.line, conf->mtu_pos.col, conf->addresses.item[i].pos.line);
	return false;
}

static int try_port(uint16_t port)
{
	struct sockaddr_in6 any6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in any4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	int one = 1, r = 0, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&any4, sizeof(any4)) < 0)
		r = -errno;
	if (fd >= 0)
		close(fd);
	fd = r ? -1 : socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return r;
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&any6, sizeof(any6)) < 0)
		r = -errno;
	close(fd);
	return r;
}

/* The device opens its port only when it comes up; say now what would fail
 * then. A process that was killed holds its sockets for a moment longer. */
static int port_is_free(uint16_t port)
{
	int r = try_port(port), tries;

	for (tries = 0; r == -EADDRINUSE && tries < 10 && !interrupted(); tries++) {
		nanosleep(&(struct timespec){ 0, 50 * 1000 * 1000 }, NULL);
		r = try_port(port);
	}
	return r;
}

/* Is the name free? Removes what a killed process left under it. */
static int check_name(struct up *up)
{
	struct adit_link link;
	struct adit_journal old;
	bool there = adit_link_find(up->nl, up->name, &link) == 0;
	bool alive = adit_uapi_alive(up->name);
	int r = adit_journal_read(&old, adit_state_dir(NULL), up->name);

	if (r && r != -ENOENT && r != -EBADMSG)
		return fail_errno(up, "cannot read the journal", r);
	if (!r && old.this_boot && there && alive) {
		adit_plan_fini(&old.plan);
		return fail(up, "is up already (adit show %s; adit down %s)", up->name, up->name);
	}
	if (!r && old.this_boot && !alive) {
		fprintf(stderr, "%s: %s: undoing what a killed process left first\n", up->command, up->name);
		r = take_down(up, &old.plan);
		adit_plan_fini(&old.plan);
		if (r)
			return ADIT_EXIT_FAILED;
		there = adit_link_find(up->nl, up->name, &link) == 0;
	} else if (!r) {
		adit_plan_fini(&old.plan);
	}
	if (there)
		return fail(up, "there is an interface of this name, and adit up did not make it");
	if (alive)
		return fail(up, "a device of this name runs, perhaps in another network namespace");
	return 0;
}

/* From the first change to the last. */
static int bring_up(struct up *up, const struct adit_plan *plan, const struct adit_quickconf *conf,
		    const struct adit_path *endpoints)
{
	struct adit_host host;
	char err[256];
	int r = adit_up_start(up->name, up->lock_fd);

	if (r)
		return fail_errno(up, "the device did not start", r);
	r = adit_up_configure(up->name, conf, endpoints);
	if (r)
		return fail_errno(up, "the device refused its configuration", r);
	adit_host_init(&host, up->nl);
	r = adit_host_apply(&host, plan, interrupted, err, sizeof(err));
	if (!r)
		r = adit_host_verify(&host, plan, err, sizeof(err));
	adit_host_fini(&host);
	return r ? fail(up, "%s", err) : 0;
}

static int bring_up_or_undo(struct up *up, const struct adit_plan *plan, const struct adit_quickconf *conf,
			    const struct adit_path *endpoints)
{
	int r, status;

	block_signals();
	status = open_host(up, true);
	if (!status)
		status = check_name(up);
	if (status)
		return status;
	r = conf->has_listen_port && conf->listen_port ? port_is_free(conf->listen_port) : 0;
	if (r == -EADDRINUSE)
		return fail(up, "ListenPort %u is in use by another program (ss -ulpn names it)",
			    conf->listen_port);
	r = adit_journal_write(adit_state_dir(NULL), plan, true);
	if (r)
		return fail_errno(up, "cannot write the journal", r);
	status = interrupted() ? fail(up, "interrupted") : bring_up(up, plan, conf, endpoints);
	if (status)
		take_down(up, plan);
	return status;
}

static void print_plan(const struct adit_plan *plan)
{
	size_t i;

	for (i = 0; i < plan->cnt; i++)
		adit_step_print(stdout, &plan->steps[i]);
}

static void print_result(const struct up *up, const struct adit_plan *plan, const struct adit_quickconf *conf)
{
	char buf[ADIT_PREFIX_STRLEN];
	size_t i, routes = 0;
	unsigned mtu = 0;

	printf("%s is up", up->name);
	for (i = 0; i < plan->cnt; i++) {
		if (plan->steps[i].kind == ADIT_STEP_ADDR)
			printf(", %s", adit_prefix_format(&plan->steps[i].prefix, buf));
		if (plan->steps[i].kind == ADIT_STEP_MTU)
			mtu = plan->steps[i].mtu;
		routes += plan->steps[i].kind == ADIT_STEP_ROUTE;
	}
	printf(", MTU %u, %zu peer%s, %zu route%s\n", mtu, conf->peer_cnt, conf->peer_cnt == 1 ? "" : "s",
	       routes, routes == 1 ? "" : "s");
}

static bool never(void)
{
	return false; /* nothing is changed yet: Ctrl-C simply ends the program */
}

static int up_with(struct up *up, const struct adit_quickconf *conf)
{
	struct adit_path *endpoints = NULL;
	struct adit_plan plan;
	int r, status;

	if (adit_up_refuses(conf, up->file) || !mtu_fits(up, conf))
		return ADIT_EXIT_CONFIG;
	r = adit_up_resolve(conf, up->file, never, &endpoints);
	if (r)
		return ADIT_EXIT_FAILED; /* said already */
	status = open_host(up, false);
	adit_plan_init(&plan, up->name);
	if (!status) {
		r = adit_up_plan(&plan, conf, endpoints, up->nl);
		adit_netlink_close(up->nl);
		up->nl = NULL;
		status = r ? fail_errno(up, "cannot make a plan", r) : 0;
	}
	if (!status && up->dry_run) {
		print_plan(&plan);
	} else if (!status) {
		status = bring_up_or_undo(up, &plan, conf, endpoints);
		if (!status)
			print_result(up, &plan, conf);
	}
	adit_plan_fini(&plan);
	free(endpoints);
	return status;
}

int adit_up_main(int argc, char **argv)
{
	struct adit_quickconf *conf = NULL;
	struct up up = { 0 };
	int status = read_arguments(&up, argc, argv, "adit up", true);
	int r;

	if (status)
		return status;
	r = read_config(&up, &conf);
	if (r)
		return r == -EINVAL ? ADIT_EXIT_CONFIG : r == -EACCES ? ADIT_EXIT_DENIED : ADIT_EXIT_FAILED;
	status = up_with(&up, conf);
	adit_quickconf_free(conf);
	close_host(&up);
	return status;
}

/* --- down ----------------------------------------------------------------- */

static int down_without_journal(struct up *up)
{
	struct adit_link link;

	adit_journal_remove(adit_state_dir(NULL), up->name); /* one that was never finished */
	if (adit_link_find(up->nl, up->name, &link) == 0)
		return fail(up,
			    "adit up did not make this interface (ip link delete %s ends it, whoever did)",
			    up->name);
	return fail(up, "is not up");
}

static int down_with(struct up *up, const struct adit_plan *plan)
{
	struct adit_link link;

	if (adit_link_find(up->nl, up->name, &link) && adit_uapi_alive(up->name))
		return fail(up, "runs in another network namespace: run adit down there");
	return take_down(up, plan) ? ADIT_EXIT_FAILED : 0;
}

int adit_down_main(int argc, char **argv)
{
	struct adit_journal old;
	struct up up = { 0 };
	int status = read_arguments(&up, argc, argv, "adit down", false);
	int r;

	if (status)
		return status;
	block_signals(); /* once begun, to the end */
	status = open_host(&up, true);
	if (status)
		goto out;
	r = adit_journal_read(&old, adit_state_dir(NULL), up.name);
	if (r == -ENOENT) {
		status = down_without_journal(&up);
	} else if (r == -EBADMSG) {
		status = fail(&up, "%s/%s.journal is not a journal of this program: remove it",
			      adit_state_dir(NULL), up.name);
	} else if (r) {
		status = fail_errno(&up, "cannot read the journal", r);
	} else {
		if (old.this_boot)
			status = down_with(&up, &old.plan);
		else
			adit_journal_remove(adit_state_dir(NULL), up.name); /* the reboot undid it */
		adit_plan_fini(&old.plan);
	}
out:
	close_host(&up);
	return status;
}
