/* SPDX-License-Identifier: ISC */
/*
 * up_hooks.c - PreUp, PostUp, PreDown, PostDown of a wg-quick file. A file that
 * came from somewhere is not a program: they run only when somebody says so.
 */
#include "device/up_internal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/exit.h"

static bool is_hook(enum adit_quick_extra_kind kind, bool down_only)
{
	switch (kind) {
	case ADIT_QUICK_PRE_UP:
	case ADIT_QUICK_POST_UP:
		return !down_only;
	case ADIT_QUICK_PRE_DOWN:
	case ADIT_QUICK_POST_DOWN:
		return true;
	case ADIT_QUICK_DNS:
	case ADIT_QUICK_SAVE_CONFIG:
		break;
	}
	return false;
}

void up_hooks_list(const struct up *up, const struct adit_quickconf *conf, bool down_only)
{
	size_t i;

	for (i = 0; i < conf->extra_cnt && !up->hooks; i++)
		if (is_hook(conf->extra[i].kind, down_only))
			fprintf(stderr, "%s:%u:%u: %s is not run (--hooks runs it): %s\n", up->file,
				conf->extra[i].pos.line, conf->extra[i].pos.col,
				adit_quick_extra_name(conf->extra[i].kind), conf->extra[i].value);
}

/* With every %i replaced. */
static char *expand(const char *hook, const char *name)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	for (; *hook; hook++) {
		if (hook[0] == '%' && hook[1] == 'i') {
			fputs(name, f);
			hook++;
		} else {
			fputc(*hook, f);
		}
	}
	return fclose(f) ? NULL : text;
}

/* As wg-quick does: by bash, where any failure ends it. */
static void become_hook(const char *command)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setenv("LC_ALL", "C", 1);
	execlp("bash", "bash", "-O", "extglob", "-e", "-o", "pipefail", "-c", command, (char *)NULL);
	execlp("sh", "sh", "-e", "-c", command, (char *)NULL);
	_exit(127);
}

/*
 * Until it ends. Our signals stay blocked and pending, so that none is lost: one
 * that came to us alone (from a service manager) is handed on once.
 */
static int wait_for(pid_t pid, bool may_stop)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd p[2] = { { .fd = pidfd, .events = POLLIN }, { .fd = -1, .events = POLLIN } };
	sigset_t set;
	int status;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	if (may_stop)
		p[1].fd = signalfd(-1, &set, SFD_CLOEXEC);
	while (pidfd >= 0 && p[1].fd >= 0 && (poll(p, 2, -1) > 0 || errno == EINTR) && !p[0].revents)
		if (p[1].revents) {
			kill(pid, SIGTERM);
			break;
		}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (pidfd >= 0)
		close(pidfd);
	if (p[1].fd >= 0)
		close(p[1].fd);
	return status;
}

static int run(const struct up *up, const struct adit_quick_extra *hook, bool may_stop)
{
	char *command = expand(hook->value, up->name);
	int status;
	pid_t pid;

	if (!command)
		return up_fail(up, "no memory for a hook");
	fprintf(stderr, "[#] %s\n", command);
	fflush(NULL);
	pid = fork();
	if (!pid)
		become_hook(command);
	free(command);
	if (pid < 0)
		return up_fail_errno(up, "cannot run a hook", -errno);
	status = wait_for(pid, may_stop);
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	fprintf(stderr, "%s:%u:%u: %s failed (%s %d)\n", up->file, hook->pos.line, hook->pos.col,
		adit_quick_extra_name(hook->kind), WIFEXITED(status) ? "exit status" : "signal",
		WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
	return ADIT_EXIT_FAILED;
}

int up_hooks_run(const struct up *up, const struct adit_quickconf *conf, enum adit_quick_extra_kind kind,
		 bool may_stop)
{
	size_t i;
	int status = 0;

	for (i = 0; i < conf->extra_cnt && up->hooks && !status; i++) {
		if (conf->extra[i].kind != kind)
			continue;
		status = may_stop && up_interrupted() ? up_fail(up, "interrupted") :
							run(up, &conf->extra[i], may_stop);
	}
	return status;
}
