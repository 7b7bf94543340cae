/* SPDX-License-Identifier: ISC */
/* kernel_helper.c - the process in the namespace: makes sockets for others, and looks names up */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "forward/fdpass.h"
#include "forward/kernel_internal.h"
#include "forward/run.h"
#include "forward/space.h"
#include "relay/sockaddr.h"

static bool serve_socket(int control)
{
	const char *congestion = getenv("ADIT_KERNEL_CC");
	struct kernel_ask ask;
	int fd = -1, error = 0;

	if (recv(control, &ask, sizeof(ask), 0) != (ssize_t)sizeof(ask))
		return false;
	fd = socket(ask.family, ask.type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		error = -errno;
	else if (congestion && ask.type == SOCK_STREAM)
		setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, congestion, (socklen_t)strlen(congestion));
	fdpass_send(control, &error, sizeof(error), fd);
	if (fd >= 0)
		close(fd);
	return true;
}

/* The resolver waits, so each name has a process: names are few and programs of this size fork fast. */
static void look_up(int names, struct kernel_name *n)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG };
	union relay_sockaddr sa = { 0 };
	struct addrinfo *list;
	int r = getaddrinfo(n->host, NULL, &hints, &list);

	n->error = !r ? 0 : r == EAI_AGAIN ? -ETIMEDOUT : -ENOENT;
	if (!r) {
		memcpy(&sa, list->ai_addr, list->ai_addrlen);
		n->addr = relay_sockaddr_to(&sa).addr;
	}
	send(names, n, sizeof(*n), MSG_NOSIGNAL);
}

static bool serve_name(int names)
{
	struct kernel_name n;
	pid_t pid;

	if (recv(names, &n, sizeof(n), 0) != (ssize_t)sizeof(n))
		return false;
	n.host[sizeof(n.host) - 1] = '\0';
	pid = fork();
	if (!pid) {
		look_up(names, &n);
		_exit(0);
	}
	if (pid < 0) {
		n.error = -errno;
		send(names, &n, sizeof(n), MSG_NOSIGNAL);
	}
	return true;
}

static void serve(const struct kernel_helper *h)
{
	struct pollfd p[2] = { { .fd = h->sockets, .events = POLLIN }, { .fd = h->names, .events = POLLIN } };

	for (;;) {
		if (poll(p, 2, -1) < 0)
			continue;
		if (p[0].revents && !serve_socket(h->sockets))
			return;
		if (p[1].revents && !serve_name(h->names))
			return;
	}
}

void kernel_helper(const struct kernel_helper *h)
{
	struct kernel_hello hello = { 0 };
	int tun;

	/* Children that looked a name up need no grave. */
	signal(SIGCHLD, SIG_IGN);
	tun = space_enter(h->cfg, h->mtu, hello.text, sizeof(hello.text));
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "adit-kernel", 0, 0, 0);
	hello.error = tun < 0 ? tun : 0;
	fdpass_send(h->sockets, &hello, sizeof(hello), tun);
	if (tun >= 0) {
		close(tun);
		serve(h);
	}
	_exit(0);
}
