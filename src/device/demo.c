/* SPDX-License-Identifier: ISC */
/*
 * demo.c - `adit demo`: its processes, and why nothing of them can stay
 *
 * DOC:
 *	adit demo            waits; knows the terminal and its signals
 *	  `- script          first process of a PID namespace: runs the steps
 *	       |- host A     a network namespace: veth end, TUN, tunnel
 *	       `- host B     the same
 *
 * Namespaces have no names, so they live as long as their processes, and links
 * as long as their namespaces. The script dies with its parent
 * (PR_SET_PDEATHSIG), whatever kills that one; the kernel then kills all else
 * in the PID namespace. No file is made anywhere. Without root the same
 * happens in a user namespace.
 */
#include "device/device.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/exit.h"
#include "device/demo_script.h"
#include "host/process.h"

#define LIMIT_SEC 60 /* each step has its own, shorter one; this is for what nobody thought of */

static int say(const char *sentence)
{
	fprintf(stderr, "adit demo: %s\n", sentence);
	return ADIT_EXIT_FAILED;
}

/* --- may we? -------------------------------------------------------------- */

static int check_tun(void)
{
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	if (fd >= 0) {
		close(fd);
		return 0;
	}
	switch (errno) {
	case EACCES:
	case EPERM:
		say("may not open /dev/net/tun: run it as root, or allow everybody (chmod 666 /dev/net/tun, "
		    "as udev does; "
		    "a TUN still takes rights in its network namespace)");
		return ADIT_EXIT_DENIED;
	case ENOENT:
	case ENODEV:
	case ENXIO:
		return say("there is no /dev/net/tun: load it (modprobe tun), or pass it to this container "
			   "(--device /dev/net/tun)");
	default:
		fprintf(stderr, "adit demo: /dev/net/tun: %s\n", strerror(errno));
		return ADIT_EXIT_FAILED;
	}
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return -errno;
	r = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return r;
}

/* In a new user namespace we are root, outside of it who we were. */
static int become_root(uid_t uid, gid_t gid)
{
	char map[32];
	int r;

	write_file("/proc/self/setgroups", "deny"); /* absent on old kernels */
	snprintf(map, sizeof(map), "0 %u 1", gid);
	r = write_file("/proc/self/gid_map", map);
	snprintf(map, sizeof(map), "0 %u 1", uid);
	return r ? r : write_file("/proc/self/uid_map", map);
}

/* The PID namespace is for our children; and room to make network namespaces. */
static int enter_spaces(bool *privileged)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	int r = unshare(CLONE_NEWPID) < 0 ? -errno : 0;

	*privileged = !r;
	if (r == -EPERM) {
		r = unshare(CLONE_NEWUSER | CLONE_NEWPID) < 0 ? -errno : 0;
		if (!r)
			r = become_root(uid, gid);
	}
	switch (-r) {
	case 0:
		return 0;
	case EPERM:
	case EACCES:
	case ENOSPC: /* user.max_user_namespaces = 0 */
	case EUSERS:
		say("may not make namespaces: run it as root, or allow user namespaces (sysctl "
		    "kernel.unprivileged_userns_clone=1, "
		    "kernel.apparmor_restrict_unprivileged_userns=0, user.max_user_namespaces=10000, "
		    "whichever there is)");
		return ADIT_EXIT_DENIED;
	case EINVAL:
	case ENOSYS:
		return say("this kernel has no PID, network or user namespaces");
	default:
		fprintf(stderr, "adit demo: cannot make namespaces: %s\n", strerror(-r));
		return ADIT_EXIT_FAILED;
	}
}

/* --- processes ------------------------------------------------------------ */

/* Never returns. `alive` hangs up when the parent is gone. */
static void be_script(int alive, bool privileged, bool json)
{
	struct demo_facts facts = { .privileged = privileged };
	struct pollfd p = { .fd = alive };
	sigset_t none;
	int status;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* It may have died before the line above. */
	if (poll(&p, 1, 0) > 0)
		_exit(ADIT_EXIT_FAILED);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* The first process of a namespace is spared by what the terminal sends. */
	status = demo_script(&facts, json);
	_exit(status);
}

/* Waits for the script's end or a signal, which is the script's end too. */
static int wait_for(pid_t pid, const sigset_t *set)
{
	const struct timespec limit = { LIMIT_SEC, 0 };
	int sig = 0, status = 0;

	while (sig != SIGCHLD) {
		sig = sigtimedwait(set, NULL, &limit);
		if (sig < 0 && errno == EINTR)
			continue;
		if (sig != SIGCHLD) {
			kill(pid, SIGKILL);
			break;
		}
		/* A stopped child tells its parent too. */
		if (waitpid(pid, &status, WNOHANG) == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : say("its process was killed");
		sig = 0;
	}
	/* Returns when every process of the namespace is gone. */
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (sig < 0)
		return say("still not done after a minute, so it was ended");
	fprintf(stderr, "\nadit demo: interrupted, and cleaned up\n");
	return 128 + sig;
}

static int run(bool privileged, bool json)
{
	int alive[2];
	sigset_t set;
	pid_t pid;

	if (pipe2(alive, O_CLOEXEC) < 0)
		return say(strerror(errno));
	adit_process_signals(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fflush(stdout);
	pid = fork();
	if (pid < 0)
		return say(strerror(errno));
	if (!pid) {
		close(alive[1]);
		be_script(alive[0], privileged, json);
	}
	close(alive[0]);
	return wait_for(pid, &set);
}

int adit_demo_main(int argc, char **argv)
{
	bool json = false, privileged;
	int i, r;

	for (i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json")) {
			fprintf(stderr,
				"adit demo: unknown argument %s\nUsage: adit demo [--json] (adit demo --help "
				"says more)\n",
				argv[i]);
			return ADIT_EXIT_USAGE;
		}
		json = true;
	}
	r = check_tun();
	if (!r)
		r = enter_spaces(&privileged);
	return r ? r : run(privileged, json);
}
