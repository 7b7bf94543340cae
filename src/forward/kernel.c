/* SPDX-License-Identifier: ISC */
/* kernel.c - forwards by the kernel's own TCP: the backend's life, and sockets of its namespace */
#include "forward/kernel.h"

#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "forward/fdpass.h"
#include "forward/kernel_internal.h"
#include "relay/sockaddr.h"

/* --- sockets -------------------------------------------------------------- */

int kernel_backend_socket(struct kernel_backend *k, int family, int type)
{
	const struct kernel_ask ask = { family, type };
	int fd = -1, error = -EPIPE, r;

	pthread_mutex_lock(&k->asking);
	r = fdpass_send(k->sockets, &ask, sizeof(ask), -1);
	if (!r && fdpass_recv(k->sockets, &error, sizeof(error), &fd) != (ssize_t)sizeof(error))
		r = -EPIPE; /* the helper is gone */
	pthread_mutex_unlock(&k->asking);
	if (r || error) {
		if (fd >= 0)
			close(fd);
		return r ? r : error;
	}
	return fd >= 0 ? fd : -EMFILE; /* it could not be taken: no descriptor is left */
}

int kernel_backend_connect(struct kernel_backend *k, const struct adit_endpoint *to)
{
	union relay_sockaddr sa;
	socklen_t len = relay_sockaddr_from(&sa, to);
	int fd = kernel_backend_socket(k, sa.sa.sa_family, SOCK_STREAM), r;

	if (fd < 0)
		return fd;
	if (connect(fd, &sa.sa, len) == 0 || errno == EINPROGRESS)
		return fd;
	r = -errno;
	close(fd);
	return r;
}

int kernel_backend_listen(struct kernel_backend *k, const struct adit_endpoint *at)
{
	const int on = 1, off = 0;
	union relay_sockaddr sa;
	socklen_t len = relay_sockaddr_from(&sa, at);
	int fd = kernel_backend_socket(k, sa.sa.sa_family, SOCK_STREAM), r;

	if (fd < 0)
		return fd;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (!at->addr.family)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(fd, &sa.sa, len) == 0 && listen(fd, SOMAXCONN) == 0)
		return fd;
	r = -errno;
	close(fd);
	return r;
}

int kernel_backend_tun(struct kernel_backend *k)
{
	int fd = k->tun;

	k->tun = -1;
	return fd;
}

/* --- services ------------------------------------------------------------- */

static int fail(int r, const char *what, const char *name, char *err, size_t err_len)
{
	snprintf(err, err_len, "%s %s: %s", what, name, strerror(-r));
	return r;
}

/* Outside a name is looked up once. */
static int find_target(struct kernel_service *s, char *err, size_t err_len)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	union relay_sockaddr sa = { 0 };
	struct addrinfo *list;

	s->to.port = s->target.port;
	if (adit_addr_parse(&s->to.addr, s->target.host) == 0)
		return 0;
	s->to.addr = (struct adit_addr){ 0 };
	if (!s->remote)
		return 0;
	if (!strncmp(s->target.host, "unix:", 5))
		return fail(-ENOTSUP, "a Unix socket as the target", s->target.host, err, err_len);
	if (getaddrinfo(s->target.host, NULL, &hints, &list))
		return fail(-ENOENT, "no such host", s->target.host, err, err_len);
	memcpy(&sa, list->ai_addr, list->ai_addrlen);
	freeaddrinfo(list);
	s->to.addr = relay_sockaddr_to(&sa).addr;
	return 0;
}

static int listen_for(struct kernel_service *s, const struct relay_service_config *cfg)
{
	int fd, r;

	if (s->remote)
		return kernel_backend_listen(s->kernel, &cfg->listen);
	fd = relay_socket_bind(SOCK_STREAM, &cfg->listen);
	if (fd < 0)
		return fd;
	if (listen(fd, SOMAXCONN) == 0)
		return fd;
	r = -errno;
	close(fd);
	return r;
}

int kernel_backend_add(struct kernel_backend *k, const struct relay_service_config *cfg, char *err, size_t err_len)
{
	char text[ADIT_ENDPOINT_STRLEN];
	struct kernel_service *s;
	int r;

	if ((cfg->kind != RELAY_TCP && cfg->kind != RELAY_REMOTE_TCP) || cfg->listen_path[0])
		return fail(-ENOTSUP, "the kernel backend forwards TCP between ports only; this is another service:",
			    cfg->listen_path[0] ? cfg->listen_path : adit_endpoint_format(&cfg->listen, text), err, err_len);
	s = calloc(1, sizeof(*s));
	if (!s)
		return fail(-ENOMEM, "cannot listen on", adit_endpoint_format(&cfg->listen, text), err, err_len);
	s->kernel = k;
	s->remote = cfg->kind == RELAY_REMOTE_TCP;
	s->target = cfg->target;
	r = find_target(s, err, err_len);
	if (!r) {
		s->fd = listen_for(s, cfg);
		r = s->fd < 0 ? s->fd : kernel_splice_add(k, s);
		if (r)
			fail(r, "cannot listen on", adit_endpoint_format(&cfg->listen, text), err, err_len);
		if (r && s->fd >= 0)
			close(s->fd);
	}
	if (r)
		free(s);
	return r;
}

void kernel_backend_get_stats(struct kernel_backend *k, struct kernel_backend_stats *ret)
{
	ret->opened = atomic_load(&k->opened);
	ret->failed = atomic_load(&k->failed);
	ret->bytes_in = atomic_load(&k->bytes_in);
	ret->bytes_out = atomic_load(&k->bytes_out);
	ret->open = atomic_load(&k->open);
}

/* --- life ----------------------------------------------------------------- */

static _Noreturn void become_helper(const struct kernel_helper *h)
{
	sigset_t all;

	/* The terminal's signals are not for it: it ends with us. */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	kernel_helper(h);
}

static int start_helper(struct kernel_backend *k, const struct adit_forward_config *cfg)
{
	struct kernel_helper h = { .cfg = cfg, .mtu = cfg->mtu ? cfg->mtu : 1420 };
	int sockets[2], names[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
		return -errno;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, names) < 0) {
		int r = -errno;

		close(sockets[0]);
		close(sockets[1]);
		return r;
	}
	fflush(NULL);
	k->helper = fork();
	if (!k->helper) {
		close(sockets[0]);
		close(names[0]);
		adit_forward_config_forget_keys((struct adit_forward_config *)cfg); /* this process's copy */
		h.sockets = sockets[1];
		h.names = names[1];
		become_helper(&h);
	}
	close(sockets[1]);
	close(names[1]);
	k->sockets = sockets[0];
	k->names = names[0];
	return k->helper < 0 ? -errno : 0;
}

static int hear_hello(struct kernel_backend *k, char *err, size_t err_len)
{
	struct kernel_hello hello;

	if (fdpass_recv(k->sockets, &hello, sizeof(hello), &k->tun) != (ssize_t)sizeof(hello)) {
		snprintf(err, err_len, "the process of the kernel backend ended too early");
		return -ECHILD;
	}
	if (hello.error)
		snprintf(err, err_len, "%s", hello.text[0] ? hello.text : strerror(-hello.error));
	return hello.error;
}

int kernel_backend_open(struct kernel_backend **ret, const struct adit_forward_config *cfg, char *err, size_t err_len)
{
	struct kernel_backend *k = calloc(1, sizeof(*k));
	int r;

	err[0] = '\0';
	if (!k)
		return -ENOMEM;
	k->helper = -1;
	k->sockets = k->names = k->tun = k->epoll_fd = k->wake_fd = -1;
	pthread_mutex_init(&k->asking, NULL);
	pthread_mutex_init(&k->mutex, NULL);
	adit_list_init(&k->services);
	adit_list_init(&k->conns);
	adit_list_init(&k->busy);
	r = start_helper(k, cfg);
	if (!r)
		r = hear_hello(k, err, err_len);
	k->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	k->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!r && (k->epoll_fd < 0 || k->wake_fd < 0))
		r = -errno;
	if (r) {
		if (!err[0])
			snprintf(err, err_len, "cannot start the kernel backend: %s", strerror(-r));
		kernel_backend_close(k);
		return r;
	}
	*ret = k;
	return 0;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void kernel_backend_close(struct kernel_backend *k)
{
	if (!k)
		return;
	kernel_splice_stop(k);
	close_fd(k->sockets);
	close_fd(k->names);
	close_fd(k->tun);
	close_fd(k->epoll_fd);
	close_fd(k->wake_fd);
	/* It ends by itself; a sandbox may forbid the call, and then init waits for it. */
	if (k->helper > 0)
		while (waitpid(k->helper, NULL, 0) < 0 && errno == EINTR)
			;
	pthread_mutex_destroy(&k->mutex);
	pthread_mutex_destroy(&k->asking);
	free(k);
}
