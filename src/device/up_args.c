/* SPDX-License-Identifier: ISC */
/* up_args.c - arguments, messages and signals of up, down, save and strip */
#include "device/up_internal.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/exit.h"
#include "base/filename.h"
#include "device/uapi_socket.h"

#define CONFIRM_MAX_SECS 3600u

/* --- messages --------------------------------------------------------------- */

static int usage(const struct up *up, const char *text, const char *what)
{
	fprintf(stderr, "%s: %s%s\nUsage: %s [OPTIONS] FILE.conf|NAME (%s --help says more)\n", up->command,
		text, what, up->command, up->command);
	return ADIT_EXIT_USAGE;
}

int up_fail(const struct up *up, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s: %s: ", up->command, up->name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return ADIT_EXIT_FAILED;
}

int up_fail_errno(const struct up *up, const char *what, int r)
{
	bool denied = r == -EPERM || r == -EACCES;

	up_fail(up, "%s: %s%s", what, strerror(-r), denied && geteuid() ? " (this takes root)" : "");
	return denied ? ADIT_EXIT_DENIED : ADIT_EXIT_FAILED;
}

/* --- arguments --------------------------------------------------------------- */

/* A path, or a name that stands for /etc/wireguard/NAME.conf. */
static int read_operand(struct up *up, const char *arg)
{
	size_t len = strlen(arg);
	bool is_file = strchr(arg, '/') || (len > 5 && !strcmp(arg + len - 5, ".conf"));
	const char *base, *problem;
	int n;

	up->by_name = !is_file;
	n = snprintf(up->file, sizeof(up->file), is_file ? "%s" : "/etc/wireguard/%s.conf", arg);
	if (n < 0 || (size_t)n >= sizeof(up->file))
		return usage(up, "the path is too long", "");
	base = adit_filename_last(up->file);
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

/* "60s", "5m", "60" */
static bool read_time(const char *text, unsigned *ret)
{
	char *end;
	unsigned long v;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	v = strtoul(text, &end, 10);
	if (errno || v > CONFIRM_MAX_SECS)
		return false;
	if (!strcmp(end, "m"))
		v *= 60;
	else if (*end && strcmp(end, "s") != 0)
		return false;
	*ret = (unsigned)v;
	return v && v <= CONFIRM_MAX_SECS;
}

/* The value of "--name VALUE" or "--name=VALUE"; NULL: another option, or nothing follows. */
static const char *value_of(const char *name, int argc, char **argv, int *i)
{
	size_t len = strlen(name);

	if (!strncmp(argv[*i], name, len) && argv[*i][len] == '=')
		return argv[*i] + len + 1;
	if (strcmp(argv[*i], name) != 0 || *i + 1 >= argc)
		return NULL;
	return argv[++*i];
}

static int read_option(struct up *up, int argc, char **argv, int *i, unsigned options)
{
	const char *value;

	if ((options & UP_DRY_RUN) && !strcmp(argv[*i], "--dry-run")) {
		up->dry_run = true;
	} else if ((options & UP_HOOKS) && !strcmp(argv[*i], "--hooks")) {
		up->hooks = true;
	} else if ((options & UP_CONFIRM) && !strcmp(argv[*i], "--confirmed")) {
		up->confirmed = true;
	} else if ((options & UP_CONFIRM) && (value = value_of("--confirm", argc, argv, i))) {
		if (!read_time(value, &up->confirm_secs))
			return usage(up, "--confirm takes a time from 1s to 60m, not ", value);
	} else if ((options & UP_STATE_DIR) && (value = value_of("--state-dir", argc, argv, i))) {
		up->state_dir = value;
	} else {
		return usage(up, "unknown option, or its value is missing: ", argv[*i]);
	}
	return 0;
}

int up_read_arguments(struct up *up, int argc, char **argv, const char *command, unsigned options)
{
	const char *operand = NULL;
	int i, status = 0;

	up->command = command;
	up->lock_fd = -1;
	for (i = 1; i < argc && !status; i++) {
		if (argv[i][0] == '-')
			status = read_option(up, argc, argv, &i, options);
		else if (operand)
			status = usage(up, "one file or name only: too much is ", argv[i]);
		else
			operand = argv[i];
	}
	up->state_dir = adit_state_dir(up->state_dir);
	if (status)
		return status;
	return operand ? read_operand(up, operand) : usage(up, "which file or name?", "");
}

/* --- the machine --------------------------------------------------------------- */

int up_open_host(struct up *up)
{
	char err[256];
	int r = adit_netlink_open(&up->nl);

	if (r)
		return up_fail_errno(up, "cannot speak to the kernel (netlink)", r);
	r = adit_keeper_new(&up->keeper, up->state_dir, err, sizeof(err));
	if (!r)
		return 0;
	up_fail(up, "%s", err);
	return r == -EPERM || r == -EACCES ? ADIT_EXIT_DENIED : ADIT_EXIT_FAILED;
}

void up_close_host(struct up *up)
{
	adit_keeper_free(up->keeper);
	adit_netlink_close(up->nl);
	up->keeper = NULL;
	up->nl = NULL;
	up_record_unlock(up, false);
}

/* --- signals --------------------------------------------------------------------- */

void up_block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

bool up_interrupted(void)
{
	sigset_t set;

	sigpending(&set);
	return sigismember(&set, SIGINT) || sigismember(&set, SIGTERM) || sigismember(&set, SIGHUP);
}
