/* SPDX-License-Identifier: ISC */
/*
 * process.c - a program as a process. System calls made here and nowhere else
 * in the programs: fork, setsid, prctl, setrlimit, capset.
 */
#include "host/process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "host/service.h"

static struct {
	char ident[32];
	enum adit_log_level level;
	bool detached;
	void (*sink)(int priority, const char *text); /* or NULL */
	int report_fd; /* to the parent that waits, or -1 */
} process = { .level = ADIT_LOG_ERROR, .report_fd = -1 };

int adit_log_level_parse(enum adit_log_level *ret, const char *text)
{
	static const char *const words[][2] = {
		[ADIT_LOG_SILENT] = { "silent", "off" },   [ADIT_LOG_ERROR] = { "error", "error" },
		[ADIT_LOG_WARNING] = { "warning", "warn" }, [ADIT_LOG_INFO] = { "verbose", "info" },
		[ADIT_LOG_DEBUG] = { "debug", "debug" },
	};

	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!strcmp(text, words[i][0]) || !strcmp(text, words[i][1])) {
			*ret = (enum adit_log_level)i;
			return 0;
		}
	}
	return -EINVAL;
}

void adit_log_init(const char *ident, enum adit_log_level level)
{
	snprintf(process.ident, sizeof(process.ident), "%s", ident);
	process.level = level;
}

void adit_log_set_level(enum adit_log_level level)
{
	process.level = level;
}

enum adit_log_level adit_log_level(void)
{
	return process.level;
}

void adit_log_set_sink(void (*sink)(int priority, const char *text))
{
	process.sink = sink;
}

void adit_log_text(enum adit_log_level level, const char *text)
{
	static const int priorities[] = { LOG_ERR, LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

	if (process.level < level)
		return;
	if (process.sink)
		process.sink(priorities[level], text);
	else if (process.detached)
		syslog(priorities[level], "%s", text);
	else
		fprintf(stderr, "%s: %s\n", process.ident, text);
}

static void log_message(enum adit_log_level level, const char *fmt, va_list ap)
{
	char text[512];

	if (process.level < level)
		return;
	vsnprintf(text, sizeof(text), fmt, ap);
	adit_log_text(level, text);
}

void adit_log_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_message(ADIT_LOG_ERROR, fmt, ap);
	va_end(ap);
}

void adit_log_warning(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_message(ADIT_LOG_WARNING, fmt, ap);
	va_end(ap);
}

void adit_log_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_message(ADIT_LOG_INFO, fmt, ap);
	va_end(ap);
}

/* --- the background ------------------------------------------------------- */

static _Noreturn void wait_for_report(int fd, pid_t child)
{
	unsigned char code = 1;
	ssize_t n;
	int wstatus;

	do
		n = read(fd, &code, 1);
	while (n < 0 && errno == EINTR);
	if (n == 1)
		_exit(code);
	/* It died without a word. */
	waitpid(child, &wstatus, 0);
	if (WIFEXITED(wstatus) && WEXITSTATUS(wstatus))
		_exit(WEXITSTATUS(wstatus));
	_exit(1);
}

int adit_process_background(void)
{
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid < 0) {
		int r = -errno;

		close(fds[0]);
		close(fds[1]);
		return r;
	}
	if (pid > 0) {
		close(fds[1]);
		wait_for_report(fds[0], pid);
	}
	close(fds[0]);
	process.report_fd = fds[1];
	setsid();
	return 0;
}

/* Nothing of the caller may stay open: it may be waiting for our end of a pipe. */
static void let_go_of_terminal(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (chdir("/") < 0)
		adit_log_info("chdir /: %s", strerror(errno));
	if (null < 0)
		return;
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	if (null > STDERR_FILENO)
		close(null);
	openlog(process.ident, LOG_NDELAY, LOG_DAEMON);
	process.detached = true;
}

static void report(int status)
{
	unsigned char code = (unsigned char)status;

	while (write(process.report_fd, &code, 1) < 0 && errno == EINTR)
		;
	close(process.report_fd);
	process.report_fd = -1;
}

void adit_process_leave(int status)
{
	if (process.report_fd < 0)
		return;
	let_go_of_terminal();
	report(status);
}

void adit_process_detach(int status)
{
	if (!status)
		adit_process_leave(status);
	else if (process.report_fd >= 0)
		report(status);
}

bool adit_process_detached(void)
{
	return process.detached;
}

/* --- privileges ----------------------------------------------------------- */

void adit_process_protect(void)
{
	struct rlimit none = { 0, 0 }, all = { RLIM_INFINITY, RLIM_INFINITY };
	struct rlimit now;

	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	setrlimit(RLIMIT_CORE, &none);
	if (setrlimit(RLIMIT_MEMLOCK, &all) < 0 && getrlimit(RLIMIT_MEMLOCK, &now) == 0) {
		now.rlim_cur = now.rlim_max; /* what we may */
		setrlimit(RLIMIT_MEMLOCK, &now);
	}
}

void adit_process_bound_capabilities(uint32_t keep)
{
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	for (int cap = 0; cap <= 63; cap++)
		if (cap > 31 || !(keep & (UINT32_C(1) << cap)))
			prctl(PR_CAPBSET_DROP, cap, 0, 0, 0); /* as far as we may and the kernel knows it */
}

int adit_process_keep_capabilities(uint32_t keep, uint32_t *left)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, caps) < 0)
		return -errno;
	caps[0].effective = caps[0].permitted &= keep;
	caps[0].inheritable = 0;
	memset(&caps[1], 0, sizeof(caps[1]));
	if (syscall(SYS_capset, &header, caps) < 0)
		return -errno;
	if (left)
		*left = caps[0].permitted;
	return 0;
}

int adit_process_drop_capabilities(void)
{
	const uint32_t keep = UINT32_C(1) << CAP_NET_ADMIN | UINT32_C(1) << CAP_NET_BIND_SERVICE;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	adit_process_bound_capabilities(keep);
	return adit_process_keep_capabilities(keep, NULL);
}

/* --- the service manager -------------------------------------------------- */

void adit_process_signals(sigset_t *ret)
{
	sigemptyset(ret);
	sigaddset(ret, SIGINT);
	sigaddset(ret, SIGTERM);
	sigaddset(ret, SIGHUP);
}

void adit_process_block_signals(sigset_t *set)
{
	sigset_t own;

	adit_process_signals(&own);
	sigprocmask(SIG_BLOCK, &own, NULL);
	signal(SIGPIPE, SIG_IGN);
	if (set)
		*set = own;
}

void adit_process_notify(const char *state)
{
	int r = adit_service_tell(state, -1);

	if (r && r != -ENOENT)
		adit_log_info("cannot notify the service manager: %s", strerror(-r));
}
