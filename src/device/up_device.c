/* SPDX-License-Identifier: ISC */
/* up_device.c - the device process behind an interface that `adit up` made */
#include "device/up_device.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/exit.h"
#include "device/text.h"
#include "device/uapi_socket.h"

/* In the environment of a device that `adit up` started: so it is known when there is no journal (yet). */
#define MADE_BY "ADIT_MADE_BY=up"

/* --- start ---------------------------------------------------------------- */

/*
 * The device holds the lock of the journals as its standard input, which it
 * gives up when it is ready. So if we are killed meanwhile, nobody undoes the
 * journal before there is something to undo.
 */
static void become_device(const char *name, int lock_fd)
{
	char *const argv[] = { (char *)"adit", (char *)"device", (char *)name, NULL };
	sigset_t none;

	if (dup2(lock_fd, STDIN_FILENO) < 0)
		_exit(ADIT_EXIT_FAILED);
	/* What the caller's shell set for some other device is not meant here. */
	unsetenv("WG_TUN_FD");
	unsetenv("WG_UAPI_FD");
	unsetenv("WG_PROCESS_FOREGROUND");
	putenv((char *)MADE_BY);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execv("/proc/self/exe", argv);
	_exit(ADIT_EXIT_FAILED);
}

int adit_up_start(const char *name, int lock_fd)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (!pid)
		become_device(name, lock_fd);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (WIFEXITED(status) && WEXITSTATUS(status) == ADIT_EXIT_OK)
		return 0;
	return WIFEXITED(status) && WEXITSTATUS(status) == ADIT_EXIT_DENIED ? -EPERM : -ECHILD;
}

/* --- configuration -------------------------------------------------------- */

static void write_peer(struct adit_text *t, const struct adit_quick_peer *peer,
		       const struct adit_path *endpoint)
{
	char buf[ADIT_PATH_STRLEN];
	size_t i;

	adit_text_line_key(t, "public_key", peer->public_key);
	adit_text_line_str(t, "replace_allowed_ips", "true");
	if (peer->has_psk)
		adit_text_line_key(t, "preshared_key", peer->psk);
	if (endpoint->kind != ADIT_PATH_NONE)
		adit_text_line_str(t, "endpoint", adit_path_format(endpoint, buf));
	if (peer->has_keepalive)
		adit_text_line_u64(t, "persistent_keepalive_interval", peer->keepalive);
	for (i = 0; i < peer->allowed.cnt; i++)
		adit_text_line_str(t, "allowed_ip", adit_prefix_format(&peer->allowed.item[i].prefix, buf));
}

static void write_request(struct adit_text *t, const struct adit_quickconf *conf,
			  const struct adit_path *endpoints, uint32_t mark)
{
	size_t i;

	adit_text_str(t, "set=1\n");
	adit_text_line_key(t, "private_key", conf->private_key);
	if (conf->has_listen_port)
		adit_text_line_u64(t, "listen_port", conf->listen_port);
	if (mark)
		adit_text_line_u64(t, "fwmark", mark);
	adit_text_line_str(t, "replace_peers", "true");
	for (i = 0; i < conf->peer_cnt; i++)
		write_peer(t, &conf->peer[i], &endpoints[i]);
	adit_text_str(t, "\n");
}

static int send_all(int fd, const struct adit_text *t)
{
	size_t done = 0;

	while (done < t->len) {
		ssize_t n = send(fd, t->p + done, t->len - done, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		done += (size_t)n;
	}
	return 0;
}

/* "errno=-22\n\n" */
static int read_reply(int fd)
{
	char buf[64];
	size_t len = 0;
	long r;

	while (len < sizeof(buf) - 1) {
		ssize_t n = recv(fd, buf + len, sizeof(buf) - 1 - len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		len += (size_t)n;
		buf[len] = '\0';
		if (strstr(buf, "\n\n"))
			break;
	}
	buf[len] = '\0';
	if (strncmp(buf, "errno=", 6))
		return -EPROTO;
	r = strtol(buf + 6, NULL, 10);
	return r < -4095 || r > 4095 ? -EPROTO : r > 0 ? (int)-r : (int)r;
}

int adit_up_configure(const char *name, const struct adit_quickconf *conf, const struct adit_path *endpoints,
		      uint32_t mark)
{
	const struct timeval patience = { 30, 0 };
	struct adit_text t = { 0 };
	int fd = adit_uapi_connect(name);
	int r;

	if (fd < 0)
		return fd;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	write_request(&t, conf, endpoints, mark);
	r = t.failed ? -ENOMEM : send_all(fd, &t);
	/* A refusal may come before everything is sent: it says more than EPIPE. */
	if (!r || r == -EPIPE || r == -ECONNRESET)
		r = read_reply(fd);
	adit_text_fini(&t);
	close(fd);
	return r;
}

/* --- end ------------------------------------------------------------------ */

/* Who answers at its socket, or -errno. */
static pid_t find_process(const char *name)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);
	int fd = adit_uapi_connect(name), r;

	if (fd < 0)
		return fd == -ENOENT || fd == -ECONNREFUSED ? -ESRCH : fd;
	r = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0 ? -errno : 0;
	close(fd);
	return r ? r : cred.pid;
}

int adit_up_process(const char *name)
{
	pid_t pid = find_process(name);
	int pidfd = pid < 0 ? pid : (int)syscall(SYS_pidfd_open, pid, 0);

	return pidfd == -1 ? -errno : pidfd;
}

int adit_up_made(const char *name)
{
	pid_t pid = find_process(name);
	char path[40], *line = NULL;
	size_t size = 0;
	bool made = false;
	FILE *f;
	int r;

	if (pid < 0)
		return pid;
	snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	while (!made && getdelim(&line, &size, '\0', f) > 0)
		made = !strcmp(line, MADE_BY);
	r = ferror(f) ? -EIO : made;
	free(line);
	fclose(f);
	return r;
}

static bool ended(int pidfd, int timeout_ms)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	return poll(&p, 1, timeout_ms) > 0;
}

void adit_up_wait_gone(const char *name, int pidfd)
{
	char path[ADIT_UAPI_PATH_LEN];
	int fd;

	if (pidfd >= 0) {
		if (!ended(pidfd, 3000)) {
			syscall(SYS_pidfd_send_signal, pidfd, SIGTERM, NULL, 0);
			if (!ended(pidfd, 2000)) {
				syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
				ended(pidfd, 2000);
			}
		}
		close(pidfd);
	}
	fd = adit_uapi_connect(name);
	if (fd == -ECONNREFUSED)
		unlink(adit_uapi_socket_path(name, path));
	else if (fd >= 0)
		close(fd);
}
