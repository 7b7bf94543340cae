/* SPDX-License-Identifier: ISC */
/* run_keeper.c - the process in the namespaces that starts COMMAND and waits for it */
#include "forward/run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "forward/fdpass.h"
#include "forward/space.h"

#define GRACE_MS 500 /* between SIGTERM and SIGKILL for what COMMAND left behind */

/* --- the end -------------------------------------------------------------- */

static unsigned signal_children(int sig)
{
	FILE *f = fopen("/proc/thread-self/children", "re");
	unsigned n = 0;
	int pid;

	if (!f)
		return 0;
	while (fscanf(f, "%d", &pid) == 1)
		n += kill(pid, sig) == 0;
	fclose(f);
	return n;
}

static bool reap(void)
{
	pid_t pid;

	do
		pid = waitpid(-1, NULL, WNOHANG);
	while (pid > 0);
	return pid == 0; /* there are some left */
}

void run_end_children(void)
{
	const struct timespec pause = { 0, 5 * 1000 * 1000 };
	unsigned ms;

	if (reap()) {
		signal_children(SIGTERM);
		signal_children(SIGCONT);
	}
	for (ms = 0; ms < GRACE_MS && reap(); ms += 5)
		nanosleep(&pause, NULL);
	for (ms = 0; ms < 10 * GRACE_MS && reap(); ms += 5) {
		signal_children(SIGKILL);
		nanosleep(&pause, NULL);
	}
}

/* --- COMMAND -------------------------------------------------------------- */

/* A folder of PATH that we may not read is no reason to say that COMMAND is there. */
static bool is_anywhere(const char *name)
{
	const char *path = getenv("PATH");
	char file[4096];

	if (strchr(name, '/') || !path)
		return true;
	while (*path) {
		size_t len = strcspn(path, ":");

		snprintf(file, sizeof(file), "%.*s/%s", (int)len, path, name);
		if (access(file, F_OK) == 0)
			return true;
		path += len + (path[len] == ':');
	}
	return false;
}

static _Noreturn void become_command(const struct run_keeper *k, pid_t keeper)
{
	int e;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != keeper)
		_exit(RUN_FAILED);
	sigprocmask(SIG_SETMASK, &k->mask, NULL);
	execvp(k->command[0], k->command);
	e = errno == EACCES && !is_anywhere(k->command[0]) ? ENOENT : errno;
	fprintf(stderr, "adit run: %s: %s\n", k->command[0], strerror(e));
	_exit(e == ENOENT ? RUN_NOT_FOUND : RUN_NOT_EXECUTABLE);
}

static void tell(const struct run_keeper *k, enum run_news news, int value, int fd)
{
	struct run_message m = { .news = news, .value = value };

	fdpass_send(k->control, &m, sizeof(m), fd);
}

/* Returns true when COMMAND has ended. */
static bool look_after(const struct run_keeper *k, pid_t command)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED | WCONTINUED)) > 0) {
		if (pid != command)
			continue; /* an orphan */
		if (WIFSTOPPED(status)) {
			kill(getppid(), SIGSTOP);
		} else if (WIFCONTINUED(status)) {
			kill(getppid(), SIGCONT);
		} else {
			tell(k, RUN_ENDED, status, -1);
			return true;
		}
	}
	return false;
}

static void keep(const struct run_keeper *k, pid_t command, int signals)
{
	struct pollfd p[2] = { { .fd = k->control, .events = POLLIN }, { .fd = signals, .events = POLLIN } };
	struct signalfd_siginfo si;

	for (;;) {
		if (poll(p, 2, -1) < 0)
			continue;
		if (p[1].revents && read(signals, &si, sizeof(si)) == sizeof(si) && look_after(k, command))
			return;
		if (p[0].revents)
			return; /* adit run is gone */
	}
}

static _Noreturn void refuse(const struct run_keeper *k, int r, const char *text)
{
	struct run_message m = { .news = RUN_REFUSED, .value = r };

	snprintf(m.text, sizeof(m.text), "%s", text);
	fdpass_send(k->control, &m, sizeof(m), -1);
	_exit(RUN_FAILED);
}

void run_keeper(const struct run_keeper *k)
{
	char err[400] = "", go;
	sigset_t child;
	int tun, signals;
	pid_t pid, self = getpid();

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	tun = space_enter(k->cfg, k->mtu, err, sizeof(err));
	if (tun < 0)
		refuse(k, tun, err[0] ? err : strerror(-tun));
	/* When adit run dies while we are stopped, we have to wake up to notice. */
	prctl(PR_SET_PDEATHSIG, SIGCONT);
	tell(k, RUN_READY, 0, tun);
	close(tun); /* so that the TUN goes when the tunnel does */
	if (recv(k->control, &go, 1, 0) != 1)
		_exit(RUN_FAILED);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	signals = signalfd(-1, &child, SFD_CLOEXEC);
	pid = fork();
	if (!pid)
		become_command(k, self);
	if (pid < 0 || signals < 0)
		refuse(k, -errno, strerror(errno));
	tell(k, RUN_STARTED, pid, -1);
	keep(k, pid, signals);
	run_end_children();
	_exit(0);
}
