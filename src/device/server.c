/* SPDX-License-Identifier: ISC */
/*
 * server.c - the control side of a device.
 *
 * DOC: one thread, one epoll
 *
 * Every connection gets one turn per event: one read and what it leads to, or
 * one write; so a client that loads a million peers does not keep another one
 * waiting. What is read lands in one buffer shared by all connections and is
 * wiped before the next read; the rare bytes that cannot be taken yet (behind
 * a get that is still being answered) are kept with the connection.
 *
 * Descriptors are bounded: when as many connections are open as we allow, or
 * the kernel has no descriptor left, we stop accepting, close those that want
 * nothing or have been silent for a while, and look again some time later. The
 * rest waits in the backlog. Some descriptors always stay free for the sockets of the data
 * path, which come and go with the link's state.
 */
#include "device/server.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/list.h"
#include "device/uapi_socket.h"
#include "device/uapi_tunnel.h"
#include "host/process.h"

#define CONNS_MAX     64
#define INPUT_LEN     (64u << 10)
#define SILENT        (5 * ADIT_SEC) /* closed to make room: silent within a request */
#define IDLE          (50 * ADIT_MSEC) /* likewise: without a request */
#define LINGER        (2 * ADIT_SEC) /* how long a closing client may go on talking */
#define RECHECK       (100 * ADIT_MSEC)
#define DATA_FDS      6 /* kept free for each data thread's sockets */

/*
 * OPEN: requests are read, replies written. To CLOSING after a bad request, at
 * the client's end of file, or to freed on an error.
 * CLOSING: the last reply is written, then our half is shut down. To LINGER.
 * LINGER: input is dropped until the client's end of file, so that a client
 * that is still writing reads our reply and not a reset. To freed.
 */
enum conn_state { CONN_OPEN, CONN_CLOSING, CONN_LINGER };

struct conn {
	struct adit_list link;
	int fd;
	enum conn_state state;
	bool wants_out; /* what epoll was told */
	adit_time heard_at;
	struct adit_uapi *uapi;
	struct adit_uapi_tunnel target;
	char *rest; /* input not taken yet */
	size_t rest_len;
};

struct adit_server {
	struct adit_tunnel *tunnel;
	int epoll_fd, listen_fd, signal_fd, inotify_fd;
	char path[ADIT_UAPI_PATH_LEN];
	dev_t dev;
	ino_t ino;
	struct adit_list conns;
	unsigned conn_cnt, conn_max, lingering;
	bool paused; /* not accepting */
	char *input;
	struct adit_uapi_slice *slice;
};

static int watch(struct adit_server *s, int op, int fd, uint32_t events, void *ref)
{
	struct epoll_event ev = { .events = events, .data.ptr = ref };

	return epoll_ctl(s->epoll_fd, op, fd, &ev) < 0 ? -errno : 0;
}

static void pause_accept(struct adit_server *s)
{
	if (!s->paused)
		watch(s, EPOLL_CTL_MOD, s->listen_fd, 0, &s->listen_fd);
	s->paused = true;
}

static void resume_accept(struct adit_server *s)
{
	if (s->paused)
		watch(s, EPOLL_CTL_MOD, s->listen_fd, EPOLLIN, &s->listen_fd);
	s->paused = false;
}

/* --- connections ---------------------------------------------------------- */

static void drop_rest(struct conn *c)
{
	if (c->rest)
		adit_wipe(c->rest, c->rest_len);
	free(c->rest);
	c->rest = NULL;
	c->rest_len = 0;
}

static void conn_free(struct adit_server *s, struct conn *c)
{
	adit_list_del(&c->link);
	s->lingering -= c->state == CONN_LINGER;
	s->conn_cnt--;
	close(c->fd);
	adit_uapi_free(c->uapi);
	drop_rest(c);
	free(c);
	resume_accept(s);
}

static int conn_new(struct adit_server *s, int fd)
{
	struct conn *c = calloc(1, sizeof(*c));
	int r = -ENOMEM;

	if (!c)
		return r;
	c->fd = fd;
	c->target.tunnel = s->tunnel;
	c->target.slice = s->slice;
	c->heard_at = adit_tunnel_now();
	r = adit_uapi_new(&c->uapi, &adit_uapi_tunnel_ops, &c->target);
	if (r)
		goto err_free;
	r = watch(s, EPOLL_CTL_ADD, fd, EPOLLIN, c);
	if (r)
		goto err_free_uapi;
	adit_list_add_tail(&s->conns, &c->link);
	s->conn_cnt++;
	return 0;
err_free_uapi:
	adit_uapi_free(c->uapi);
err_free:
	free(c);
	return r;
}

static void take_connections(struct adit_server *s)
{
	while (s->conn_cnt < s->conn_max) {
		int fd = accept4(s->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
				break;
			return; /* none waits, or it went away */
		}
		if (conn_new(s, fd)) {
			close(fd);
			break;
		}
	}
	pause_accept(s);
}

/* Gives bytes to the protocol; keeps what it does not take. */
static void feed(struct conn *c, char *buf, size_t len)
{
	size_t taken = adit_uapi_feed(c->uapi, buf, len), left = len - taken;
	char *rest = NULL;

	if (left) {
		rest = malloc(left);
		if (rest)
			memcpy(rest, buf + taken, left);
		else
			c->state = CONN_CLOSING;
	}
	drop_rest(c);
	c->rest = rest;
	c->rest_len = rest ? left : 0;
}

/* Writes what waits. Returns false when the connection is broken. */
static bool flush(struct conn *c, bool *blocked)
{
	const char *p;
	size_t len;

	*blocked = false;
	p = adit_uapi_reply(c->uapi, &len);
	while (p) {
		ssize_t n = send(c->fd, p, len, MSG_NOSIGNAL);

		if (n < 0) {
			*blocked = errno == EAGAIN || errno == EINTR;
			return *blocked;
		}
		adit_uapi_sent(c->uapi, (size_t)n);
		if ((size_t)n < len) {
			*blocked = true;
			return true;
		}
		if (adit_uapi_closing(c->uapi) || !adit_uapi_busy(c->uapi))
			p = adit_uapi_reply(c->uapi, &len);
		else
			p = NULL, *blocked = true; /* a long reply: the next slice in the next turn */
	}
	return true;
}

static void end_sending(struct adit_server *s, struct conn *c)
{
	shutdown(c->fd, SHUT_WR);
	c->state = CONN_LINGER;
	c->heard_at = adit_tunnel_now();
	s->lingering++;
	drop_rest(c);
}

/* Replies, then bytes that waited for the reply, until neither moves. */
static bool advance(struct adit_server *s, struct conn *c)
{
	bool blocked;

	for (;;) {
		if (!flush(c, &blocked))
			return false;
		if (blocked || !c->rest || c->state != CONN_OPEN)
			break;
		feed(c, c->rest, c->rest_len);
	}
	if (adit_uapi_closing(c->uapi) && c->state == CONN_OPEN)
		c->state = CONN_CLOSING;
	if (!blocked && c->state == CONN_CLOSING)
		end_sending(s, c);
	if (blocked != c->wants_out) {
		/* While a reply waits nothing is read: the client feels the pressure. */
		watch(s, EPOLL_CTL_MOD, c->fd, blocked ? EPOLLOUT : EPOLLIN, c);
		c->wants_out = blocked;
	}
	return true;
}

static bool take_input(struct adit_server *s, struct conn *c)
{
	ssize_t n = recv(c->fd, s->input, INPUT_LEN, 0);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (c->state == CONN_LINGER) {
		adit_wipe(s->input, (size_t)n);
		return n > 0;
	}
	if (n > 0)
		feed(c, s->input, (size_t)n);
	else
		adit_uapi_eof(c->uapi);
	adit_wipe(s->input, (size_t)n);
	return true;
}

static void serve(struct adit_server *s, struct conn *c, uint32_t events)
{
	bool ok = true;

	if (events & (EPOLLIN | EPOLLOUT))
		c->heard_at = c->state == CONN_LINGER ? c->heard_at : adit_tunnel_now();
	if (events & EPOLLIN)
		ok = take_input(s, c);
	else if (events & (EPOLLERR | EPOLLHUP))
		ok = false;
	if (ok && c->state != CONN_LINGER)
		ok = advance(s, c);
	if (!ok)
		conn_free(s, c);
}

static adit_time patience(const struct conn *c)
{
	if (c->state == CONN_LINGER)
		return LINGER;
	return adit_uapi_busy(c->uapi) ? SILENT : IDLE;
}

/* Now and then, and only while accepting is paused or somebody lingers. */
static void tidy(struct adit_server *s)
{
	adit_time now = adit_tunnel_now();
	struct adit_list *l, *next;
	bool make_room = s->paused;

	for (l = s->conns.next; l != &s->conns; l = next) {
		struct conn *c = adit_container_of(l, struct conn, link);

		next = l->next;
		if ((make_room || c->state == CONN_LINGER) && now - c->heard_at > patience(c))
			conn_free(s, c);
	}
	if (s->conn_cnt < s->conn_max)
		resume_accept(s);
}

/* --- the socket file ------------------------------------------------------ */

static bool file_is_ours(const struct adit_server *s)
{
	struct stat st;

	return lstat(s->path, &st) == 0 && st.st_dev == s->dev && st.st_ino == s->ino;
}

/* The file's own link count and name: what other devices do beside it wakes nobody. */
static int watch_file(struct adit_server *s)
{
	struct stat st;

	if (lstat(s->path, &st) < 0)
		return -errno;
	s->dev = st.st_dev;
	s->ino = st.st_ino;
	s->inotify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (s->inotify_fd < 0 ||
	    inotify_add_watch(s->inotify_fd, s->path, IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF) < 0)
		return -errno;
	return watch(s, EPOLL_CTL_ADD, s->inotify_fd, EPOLLIN, &s->inotify_fd);
}

static bool file_is_gone(struct adit_server *s)
{
	char events[1024] __attribute__((aligned(8)));

	while (read(s->inotify_fd, events, sizeof(events)) > 0)
		;
	return !file_is_ours(s);
}

/* --- life ----------------------------------------------------------------- */

static unsigned open_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned cnt = 0;

	if (!d)
		return 32;
	while (readdir(d))
		cnt++;
	closedir(d);
	return cnt - 3; /* ".", ".." and the directory itself */
}

static unsigned connections_allowed(struct adit_tunnel *tunnel)
{
	struct adit_tunnel_stats st;
	struct rlimit lim;
	unsigned used;

	adit_tunnel_stats(tunnel, &st);
	used = open_descriptors() + DATA_FDS * (st.threads ? st.threads : 1);
	if (getrlimit(RLIMIT_NOFILE, &lim) < 0 || lim.rlim_cur > used + CONNS_MAX)
		return CONNS_MAX;
	return lim.rlim_cur > used ? (unsigned)lim.rlim_cur - used : 1;
}

static int watch_signals(struct adit_server *s)
{
	sigset_t set;

	adit_process_signals(&set);
	s->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return s->signal_fd < 0 ? -errno : watch(s, EPOLL_CTL_ADD, s->signal_fd, EPOLLIN, &s->signal_fd);
}

static char *input_new(void)
{
	char *p = mmap(NULL, INPUT_LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	madvise(p, INPUT_LEN, MADV_DONTDUMP);
	(void)mlock(p, INPUT_LEN); /* best effort */
	return p;
}

static struct adit_server *alloc_server(struct adit_tunnel *tunnel)
{
	struct adit_server *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	adit_list_init(&s->conns);
	s->tunnel = tunnel;
	s->signal_fd = s->inotify_fd = s->listen_fd = -1;
	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	s->input = input_new();
	s->slice = adit_uapi_slice_new();
	if (s->epoll_fd >= 0 && s->input && s->slice)
		return s;
	adit_server_free(s);
	return NULL;
}

static int listen_on(struct adit_server *s, int fd)
{
	int r = watch(s, EPOLL_CTL_ADD, fd, EPOLLIN, &s->listen_fd);

	if (r)
		return r;
	s->listen_fd = fd;
	s->conn_max = connections_allowed(s->tunnel);
	return 0;
}

int adit_server_new(struct adit_server **ret, struct adit_tunnel *tunnel, int listen_fd, const char *path)
{
	struct adit_server *s = alloc_server(tunnel);
	int r = -ENAMETOOLONG;

	if (!s)
		return -ENOMEM;
	if (strlen(path) >= sizeof(s->path))
		goto err_free;
	strcpy(s->path, path);
	r = watch_signals(s);
	if (!r)
		r = watch_file(s);
	if (!r)
		r = watch(s, EPOLL_CTL_ADD, adit_tunnel_gone_fd(tunnel), EPOLLIN, tunnel);
	if (!r)
		r = listen_on(s, listen_fd);
	if (r)
		goto err_free;
	*ret = s;
	return 0;
err_free:
	adit_server_free(s);
	return r;
}

int adit_server_new_inside(struct adit_server **ret, struct adit_tunnel *tunnel, int listen_fd)
{
	struct adit_server *s = alloc_server(tunnel);
	int r;

	if (!s)
		return -ENOMEM;
	r = listen_on(s, listen_fd);
	if (r) {
		adit_server_free(s);
		return r;
	}
	*ret = s;
	return 0;
}

int adit_server_fd(const struct adit_server *s)
{
	return s->epoll_fd;
}

/* Returns whether this event ends the server, and why in *end. */
static bool handle(struct adit_server *s, const struct epoll_event *ev, int *end)
{
	struct signalfd_siginfo si;
	void *ref = ev->data.ptr;

	if (ref == &s->listen_fd) {
		take_connections(s);
	} else if (ref == &s->signal_fd) {
		*end = ADIT_SERVER_SIGNAL;
		return read(s->signal_fd, &si, sizeof(si)) == sizeof(si);
	} else if (ref == s->tunnel) {
		*end = ADIT_SERVER_LINK;
		return true;
	} else if (ref == &s->inotify_fd) {
		*end = ADIT_SERVER_REMOVED;
		return file_is_gone(s);
	} else {
		serve(s, ref, ev->events);
	}
	return false;
}

int adit_server_run(struct adit_server *s)
{
	adit_time tidied = 0;
	int end = 0;

	for (;;) {
		struct epoll_event ev;
		bool waiting = s->paused || s->lingering;
		int n = epoll_wait(s->epoll_fd, &ev, 1, waiting ? RECHECK / ADIT_MSEC : -1);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0 && handle(s, &ev, &end))
			return end;
		if (waiting && adit_tunnel_now() - tidied >= RECHECK) {
			tidied = adit_tunnel_now();
			tidy(s);
		}
	}
}

void adit_server_turn(struct adit_server *s)
{
	struct epoll_event ev;
	int end;

	for (unsigned i = 0; i < CONNS_MAX && epoll_wait(s->epoll_fd, &ev, 1, 0) > 0; i++)
		handle(s, &ev, &end);
	if (s->paused || s->lingering)
		tidy(s);
}

void adit_server_free(struct adit_server *s)
{
	if (!s)
		return;
	while (!adit_list_empty(&s->conns))
		conn_free(s, adit_container_of(s->conns.next, struct conn, link));
	if (s->listen_fd >= 0) {
		if (s->path[0] && file_is_ours(s))
			unlink(s->path);
		close(s->listen_fd);
	}
	if (s->inotify_fd >= 0)
		close(s->inotify_fd);
	if (s->signal_fd >= 0)
		close(s->signal_fd);
	if (s->epoll_fd >= 0)
		close(s->epoll_fd);
	adit_uapi_slice_free(s->slice);
	if (s->input) {
		adit_wipe(s->input, INPUT_LEN);
		munmap(s->input, INPUT_LEN);
	}
	free(s);
}
