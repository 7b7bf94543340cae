/* SPDX-License-Identifier: ISC */
/*
 * run_job.c - signals, stopping and the terminal: adit run as a job of the
 * shell that started it. All signals are blocked and read from a descriptor,
 * which tells who sent one: what the terminal sends went to COMMAND as well.
 */
#include "forward/run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "forward/fdpass.h"

int run_job_init(struct run_job *j)
{
	sigset_t all;

	sigfillset(&all);
	j->signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	if (j->signals < 0)
		return -errno;
	j->terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	j->foreground = j->terminal >= 0 && tcgetpgrp(j->terminal) == getpgrp();
	return 0;
}

/* --- stop and go ---------------------------------------------------------- */

static void go_on(const struct run_job *j)
{
	pid_t group = getpgid(j->command);

	if (group <= 0)
		return;
	/* A shell in a group of its own had the terminal before it stopped. */
	if (group != getpgrp() && j->terminal >= 0 && tcgetpgrp(j->terminal) == getpgrp())
		tcsetpgrp(j->terminal, group);
	if (group != getpgrp())
		kill(-group, SIGCONT);
	else
		kill(j->command, SIGCONT);
}

/* By the terminal, for the whole foreground group. */
static bool from_terminal(const struct signalfd_siginfo *si)
{
	return si->ssi_code == SI_KERNEL;
}

static void handle_signal(struct run_job *j, const struct signalfd_siginfo *si)
{
	int sig = (int)si->ssi_signo;

	switch (sig) {
	case SIGCHLD:
	case SIGPIPE:
		return;
	case SIGCONT:
		if ((pid_t)si->ssi_pid != j->keeper)
			go_on(j);
		return;
	case SIGINT:
	case SIGQUIT:
	case SIGTSTP:
	case SIGTTIN:
	case SIGTTOU:
	case SIGWINCH:
		if (from_terminal(si))
			return;
		break;
	}
	if (j->command > 0)
		kill(j->command, sig);
}

static void read_signals(struct run_job *j)
{
	struct signalfd_siginfo si;

	while (read(j->signals, &si, sizeof(si)) == sizeof(si))
		handle_signal(j, &si);
}

/* --- news ----------------------------------------------------------------- */

/* Returns 1 to go on, 0 at COMMAND's end, or -errno. */
static int read_news(struct run_job *j, int *status)
{
	struct run_message m;
	int fd;
	ssize_t n = fdpass_recv(j->control, &m, sizeof(m), &fd);

	if (fd >= 0)
		close(fd);
	if (n != (ssize_t)sizeof(m))
		return n < 0 ? (int)n : -ESRCH;
	switch (m.news) {
	case RUN_STARTED:
		j->command = m.value;
		return 1;
	case RUN_ENDED:
		*status = m.value;
		return 0;
	case RUN_REFUSED:
		fprintf(stderr, "adit run: cannot start a process: %s\n", m.text);
		return -ECHILD;
	case RUN_READY:
		return 1;
	}
	return -EPROTO;
}

int run_job_wait(struct run_job *j)
{
	struct pollfd p[2] = { { .fd = j->control, .events = POLLIN }, { .fd = j->signals, .events = POLLIN } };
	int r, status = 0;

	for (;;) {
		if (poll(p, 2, -1) < 0)
			continue;
		/* First the news: a signal that came early is for a COMMAND that is there. */
		if (p[0].revents) {
			r = read_news(j, &status);
			if (r <= 0)
				return r ? r : status;
		}
		if (p[1].revents && j->command > 0)
			read_signals(j);
		else if (p[1].revents)
			poll(p, 1, -1);
	}
}

/* --- the end -------------------------------------------------------------- */

/* The shell that started us should see its child die as COMMAND did. */
static void die_of(int sig)
{
	const struct rlimit none = { 0, 0 };
	sigset_t set;

	setrlimit(RLIMIT_CORE, &none); /* the dump is COMMAND's */
	signal(sig, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, sig);
	kill(getpid(), sig);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

void run_job_leave(struct run_job *j, int status)
{
	if (j->foreground && j->terminal >= 0 && tcgetpgrp(j->terminal) != getpgrp())
		tcsetpgrp(j->terminal, getpgrp());
	fflush(NULL);
	if (WIFSIGNALED(status)) {
		die_of(WTERMSIG(status));
		_exit(RUN_SIGNAL + WTERMSIG(status));
	}
	_exit(WEXITSTATUS(status));
}
