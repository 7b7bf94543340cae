/* SPDX-License-Identifier: ISC */
/*
 * up_confirm.c - `adit up --confirm 60s`: nobody cuts their own way to a machine
 *
 * DOC: Two processes. One of its own session waits at a socket, DIR/NAME.confirm;
 * when the time is over it takes all down. Whoever connects ends that: `adit up
 * --confirmed NAME`, and `adit down`. The other process stays at the terminal, and
 * tells the first when Enter is pressed. If the terminal goes, perhaps because the
 * way to it went, only that one ends: the time goes on, and who comes back by the
 * new way can still confirm.
 */
#include "device/up_internal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/exit.h"
#include "host/unixsock.h"

enum { YES = 'y', NO = 'n' };

static bool socket_path(const struct up *up, char path[UP_PATH_LEN])
{
	int n = snprintf(path, UP_PATH_LEN, "%s/%s.confirm", up->state_dir, up->name);

	return n > 0 && n < UP_PATH_LEN;
}

bool up_confirm_end(const struct up *up)
{
	char path[UP_PATH_LEN], end;
	int fd = socket_path(up, path) ? adit_unix_connect(path, 0) : -1;

	if (fd < 0)
		return false;
	/* Closed when the socket is gone, too: so it is not found by who comes after us. */
	while (read(fd, &end, 1) < 0 && errno == EINTR)
		;
	close(fd);
	return true;
}

/* --- the one that waits ------------------------------------------------------------ */

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return ts.tv_sec * INT64_C(1000) + ts.tv_nsec / 1000000;
}

/* Was it confirmed? */
static bool wait_for_word(int listen_fd, int terminal, unsigned secs)
{
	struct pollfd p[2] = { { .fd = listen_fd, .events = POLLIN }, { .fd = terminal, .events = POLLIN } };
	int64_t end = now_ms() + secs * INT64_C(1000), left;
	char word;

	while ((left = end - now_ms()) > 0) {
		if (poll(p, 2, (int)left) <= 0)
			continue;
		if (p[0].revents)
			return true;
		if (p[1].revents && read(terminal, &word, 1) == 1)
			return word == YES;
		if (p[1].revents)
			p[1].fd = -1; /* the terminal is gone */
	}
	return false;
}

static int wait_and_judge(struct up *up, int listen_fd, int terminal, const char *path)
{
	bool confirmed;
	int fd;

	setsid();
	signal(SIGPIPE, SIG_IGN); /* there may be nobody left to read what is said */
	confirmed = wait_for_word(listen_fd, terminal, up->confirm_secs);
	unlink(path);
	while ((fd = accept(listen_fd, NULL, NULL)) >= 0)
		close(fd);
	close(listen_fd);
	if (confirmed)
		return 0;
	fprintf(stderr, "%s: %s: not confirmed: undoing it\n", up->command, up->name);
	up_down(up);
	return ADIT_EXIT_FAILED;
}

/* --- the one at the terminal ---------------------------------------------------------- */

static void tell(int fd, char word)
{
	if (write(fd, &word, 1) < 0)
		return; /* it has ended: its status says how */
}

/* Enter confirms, Ctrl-C does not; without a terminal only the other's end is waited for. */
static int ask(const struct up *up, pid_t child, int fd)
{
	struct pollfd p[3] = { { .fd = fd, .events = POLLIN }, { .fd = -1, .events = POLLIN },
			       { .fd = -1, .events = POLLIN } };
	sigset_t set;
	int status;
	char line;

	/* A hang-up ends us, and not the one that waits. */
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	p[1].fd = signalfd(-1, &set, SFD_CLOEXEC);
	if (isatty(STDIN_FILENO))
		p[2].fd = STDIN_FILENO;
	printf("confirm within %u s%s: adit up --confirmed %s\n", up->confirm_secs,
	       p[2].fd >= 0 ? " by Enter, or elsewhere by" : "", up->name);
	fflush(stdout);
	signal(SIGPIPE, SIG_IGN);
	while (poll(p, 3, -1) < 0 && errno == EINTR)
		;
	if (!p[0].revents && p[1].revents)
		tell(fd, NO);
	else if (!p[0].revents && read(STDIN_FILENO, &line, 1) == 1)
		tell(fd, YES);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (p[1].fd >= 0)
		close(p[1].fd);
	return WIFEXITED(status) ? WEXITSTATUS(status) : ADIT_EXIT_FAILED;
}

int up_confirm(struct up *up)
{
	char path[UP_PATH_LEN];
	int listen_fd, ends[2], r;
	pid_t child;

	if (!socket_path(up, path))
		return -ENAMETOOLONG;
	listen_fd = adit_unix_listen(path);
	if (listen_fd < 0)
		return listen_fd;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
		r = -errno;
		goto out;
	}
	fflush(NULL);
	child = fork();
	if (!child) {
		close(ends[1]);
		_exit(wait_and_judge(up, listen_fd, ends[0], path));
	}
	r = child < 0 ? -errno : 0;
	close(ends[0]);
	close(listen_fd);
	listen_fd = -1;
	if (!r)
		r = ask(up, child, ends[1]);
	close(ends[1]);
out:
	if (listen_fd >= 0)
		close(listen_fd);
	return r;
}
