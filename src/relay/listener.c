/* SPDX-License-Identifier: ISC */
/* listener.c - a listening socket of this machine: TCP or Unix */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "relay/internal.h"
#include "relay/sockaddr.h"

#define BURST     64 /* connections accepted in one turn */
#define BACKLOG   4096
#define REST      (100 * ADIT_MSEC) /* until descriptors are tried for again */

struct relay_listener {
	struct relay_defunct defunct;
	struct adit_list resting; /* self-linked while it listens */
	struct relay_service *service;
	struct relay_fd fd;
	struct relay_timer rested;
	void (*accepted)(struct relay_service *s, int fd, const struct adit_endpoint *client, adit_time now);
	dev_t dev; /* of the Unix socket that we made */
	ino_t ino;
};

/* --- accepting -------------------------------------------------------------------- */

static void rest(struct relay_listener *l, adit_time now)
{
	struct adit_relay *r = l->service->relay;

	relay_say_full(r, now);
	r->loop.paused_accept = true;
	relay_fd_watch(&l->fd, 0);
	relay_timer_set(&l->rested, now + REST);
	if (adit_list_empty(&l->resting))
		adit_list_add_tail(&r->resting, &l->resting);
}

static void resume(struct relay_timer *t, adit_time now)
{
	struct relay_listener *l = adit_container_of(t, struct relay_listener, rested);

	(void)now;
	adit_list_del(&l->resting);
	relay_fd_watch(&l->fd, EPOLLIN);
}

void relay_listeners_wake(struct adit_relay *r)
{
	if (relay_is_full(r))
		return;
	for (struct adit_list *l = r->resting.next; l != &r->resting; l = l->next)
		relay_timer_set(&adit_container_of(l, struct relay_listener, resting)->rested, r->loop.now);
}

/* Descriptors or memory are short; the connection stays in the queue. */
static bool is_short(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

static int accept_one(struct relay_listener *l, adit_time now)
{
	union relay_sockaddr sa;
	socklen_t len = sizeof(sa);
	struct adit_endpoint client;
	int fd = accept4(l->fd.fd, &sa.sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return -errno;
	l->service->relay->loop.paused_accept = false;
	client = relay_sockaddr_to(&sa);
	if (client.addr.family)
		relay_socket_set_up(fd);
	l->accepted(l->service, fd, &client, now);
	return 0;
}

static void acceptable(struct relay_fd *f, uint32_t events, adit_time now)
{
	struct relay_listener *l = adit_container_of(f, struct relay_listener, fd);

	(void)events;
	for (int i = 0; i < BURST && l->fd.fd >= 0; i++) {
		int r = relay_is_full(l->service->relay) ? -EMFILE : accept_one(l, now);

		if (r == -EAGAIN)
			return;
		if (is_short(-r)) {
			rest(l, now);
			return;
		}
		/* else: accepted, or that one connection was gone before (ECONNABORTED ...) */
	}
}

/* --- opening ---------------------------------------------------------------------- */

static bool is_stale(const struct sockaddr_un *sa)
{
	struct stat st;
	int fd, r;

	if (lstat(sa->sun_path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	r = connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) < 0 ? errno : 0;
	close(fd);
	return r == ECONNREFUSED;
}

/* Nobody can connect before listen, so the mode is right from the start. */
static int bind_unix(int fd, const struct sockaddr_un *sa)
{
	int r = bind(fd, (const struct sockaddr *)sa, sizeof(*sa));

	if (r < 0 && errno == EADDRINUSE && is_stale(sa)) {
		unlink(sa->sun_path); /* left behind by a program that was killed */
		r = bind(fd, (const struct sockaddr *)sa, sizeof(*sa));
	}
	if (r < 0)
		return -errno;
	return chmod(sa->sun_path, 0600) < 0 ? -errno : 0;
}

static int open_unix(struct relay_listener *l, const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), r;
	struct stat st;

	if (fd < 0)
		return -errno;
	memcpy(sa.sun_path, path, strnlen(path, sizeof(sa.sun_path) - 1));
	r = bind_unix(fd, &sa);
	if (r) {
		close(fd);
		return r;
	}
	if (lstat(path, &st) == 0) {
		l->dev = st.st_dev;
		l->ino = st.st_ino;
	}
	return fd;
}

static int open_socket(struct relay_listener *l)
{
	const struct relay_service_config *c = &l->service->cfg;
	int fd = c->listen_path[0] ? open_unix(l, c->listen_path) : relay_socket_bind(SOCK_STREAM, &c->listen), r;

	if (fd < 0)
		return fd;
	relay_fd_init(&l->fd, &l->service->relay->loop, fd, acceptable);
	r = listen(fd, BACKLOG) < 0 ? -errno : relay_fd_watch(&l->fd, EPOLLIN);
	if (r) {
		relay_fd_close(&l->fd);
		return r;
	}
	if (!c->listen_path[0])
		l->service->n.bound = relay_socket_local(fd);
	return 0;
}

static void explain(const struct relay_service_config *c, int error, char *err, size_t len)
{
	char text[ADIT_ENDPOINT_STRLEN];
	const char *where = c->listen_path[0] ? c->listen_path : adit_endpoint_format(&c->listen, text);
	const char *what = "";

	if (error == -EADDRINUSE)
		what = c->listen_path[0] ? "; something is there already, and it is no dead socket" :
					   "; another program listens there, choose another port";
	else if (error == -EACCES && !c->listen_path[0])
		what = "; ports below 1024 need privileges, choose a higher one";
	else if (error == -EADDRNOTAVAIL)
		what = "; this machine does not have that address";
	snprintf(err, len, "cannot listen on %s: %s%s", where, strerror(-error), what);
}

int relay_listener_open(struct relay_service *s, struct relay_listener **ret,
			void (*accepted)(struct relay_service *s, int fd, const struct adit_endpoint *client, adit_time now),
			char *err, size_t err_len)
{
	struct relay_listener *l = calloc(1, sizeof(*l));
	int r;

	if (!l) {
		snprintf(err, err_len, "out of memory");
		return -ENOMEM;
	}
	l->service = s;
	l->accepted = accepted;
	adit_list_init(&l->resting);
	relay_timer_init(&l->rested, &s->relay->loop, resume);
	r = open_socket(l);
	if (r) {
		explain(&s->cfg, r, err, err_len);
		free(l);
		return r;
	}
	*ret = l;
	return 0;
}

static void free_listener(struct relay_defunct *d)
{
	free(adit_container_of(d, struct relay_listener, defunct));
}

void relay_listener_close(struct relay_listener *l)
{
	const char *path;
	struct stat st;

	if (!l)
		return;
	path = l->service->cfg.listen_path;
	if (path[0] && lstat(path, &st) == 0 && st.st_dev == l->dev && st.st_ino == l->ino)
		unlink(path);
	relay_fd_close(&l->fd);
	relay_timer_set(&l->rested, ADIT_NEVER);
	adit_list_del(&l->resting);
	l->defunct.free = free_listener;
	relay_defer_free(&l->service->relay->loop, &l->defunct);
}
