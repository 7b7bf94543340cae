/* SPDX-License-Identifier: ISC */
/*
 * kernel_splice.c - bytes between a socket here and a socket in the namespace,
 * by splice(2) through a pipe: they stay in the kernel
 *
 * DOC: Sockets are watched edge-triggered, and pumped until both sides say that
 * there is no more to do; after ROUNDS of that a connection waits until the
 * others had their turn. A pipe belongs to a direction only while bytes are in
 * it; empty ones are shared. End of file goes on as shutdown, an error as a reset of both.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "forward/kernel_internal.h"
#include "relay/sockaddr.h"

enum { PIPE_SIZE = 256 << 10, ROUNDS = 32, REST_MS = 100 };

struct flow {
	int pipe[2]; /* -1: none */
	size_t len;  /* in the pipe */
	bool eof;    /* of where it comes from */
	bool shut;   /* and it has been passed on */
};

/* side 0 is here, side 1 inside. flow[d] goes from side d to the other. */
struct conn {
	struct adit_list link, busy;
	struct kernel_backend *kernel;
	struct kernel_service *service;
	uint64_t id;
	int fd[2];
	bool connecting, naming;
	struct flow flow[2];
};

/* What epoll tells about: a pointer to one of these begins each. */
enum { WHAT_SERVICE = 1, WHAT_CONN, WHAT_NAMES, WHAT_WAKE };
#define TAG(pointer, what) ((uint64_t)(uintptr_t)(pointer) | (what))
/* calloc's memory is aligned to 16: the low bits are free. */

static int watch(const struct kernel_backend *k, int fd, uint32_t events, uint64_t tag)
{
	struct epoll_event e = { .events = events, .data.u64 = tag };

	return epoll_ctl(k->epoll_fd, EPOLL_CTL_ADD, fd, &e) < 0 ? -errno : 0;
}

/* --- the end of a connection ---------------------------------------------- */

static void release_pipe(struct kernel_backend *k, struct flow *f)
{
	if (f->pipe[0] < 0)
		return;
	if (!f->len && k->pipe_cnt < KERNEL_PIPES) {
		memcpy(k->pipes[k->pipe_cnt++], f->pipe, sizeof(f->pipe));
	} else {
		close(f->pipe[0]);
		close(f->pipe[1]);
	}
	f->pipe[0] = f->pipe[1] = -1;
	f->len = 0;
}

static void free_conn(struct conn *c)
{
	adit_list_del(&c->link);
	adit_list_del(&c->busy);
	for (int i = 0; i < 2; i++) {
		release_pipe(c->kernel, &c->flow[i]);
		if (c->fd[i] >= 0)
			close(c->fd[i]);
	}
	atomic_fetch_sub(&c->kernel->open, 1);
	free(c);
}

static void reset_conn(struct conn *c)
{
	const struct linger now = { 1, 0 };

	for (int i = 0; i < 2; i++)
		if (c->fd[i] >= 0)
			setsockopt(c->fd[i], SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	free_conn(c);
}

/* --- pumping -------------------------------------------------------------- */

static bool get_pipe(struct kernel_backend *k, struct flow *f)
{
	if (f->pipe[0] >= 0)
		return true;
	if (k->pipe_cnt) {
		memcpy(f->pipe, k->pipes[--k->pipe_cnt], sizeof(f->pipe));
		return true;
	}
	if (pipe2(f->pipe, O_CLOEXEC | O_NONBLOCK) < 0) {
		f->pipe[0] = f->pipe[1] = -1;
		return false;
	}
	fcntl(f->pipe[1], F_SETPIPE_SZ, PIPE_SIZE); /* as much as we may */
	return true;
}

enum pump { PUMP_IDLE, PUMP_MORE, PUMP_BROKEN };

/* One step in: returns bytes, 0 at the end, -EAGAIN, or an error. */
static ssize_t step(int from, int to)
{
	ssize_t n;

	do
		n = splice(from, NULL, to, NULL, PIPE_SIZE, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static enum pump fill(struct conn *c, unsigned d)
{
	struct flow *f = &c->flow[d];
	ssize_t n;

	if (f->eof || f->len >= PIPE_SIZE / 2)
		return PUMP_IDLE;
	if (!get_pipe(c->kernel, f))
		return PUMP_BROKEN;
	n = step(c->fd[d], f->pipe[1]);
	if (n == -EAGAIN)
		return PUMP_IDLE;
	if (n < 0)
		return PUMP_BROKEN;
	f->eof = !n;
	f->len += (size_t)n;
	return PUMP_MORE;
}

static enum pump drain(struct conn *c, unsigned d)
{
	struct flow *f = &c->flow[d];
	ssize_t n;

	if (!f->len) {
		if (!f->eof || f->shut)
			return PUMP_IDLE;
		shutdown(c->fd[!d], SHUT_WR);
		f->shut = true;
		return PUMP_IDLE;
	}
	n = step(f->pipe[0], c->fd[!d]);
	if (n == -EAGAIN)
		return PUMP_IDLE;
	if (n <= 0)
		return PUMP_BROKEN;
	f->len -= (size_t)n;
	atomic_fetch_add(d ? &c->kernel->bytes_in : &c->kernel->bytes_out, (uint64_t)n);
	return PUMP_MORE;
}

static enum pump pump(struct conn *c)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		bool more = false;

		for (unsigned d = 0; d < 2; d++) {
			enum pump in = fill(c, d), out = in == PUMP_BROKEN ? in : drain(c, d);

			if (out == PUMP_BROKEN)
				return PUMP_BROKEN;
			more |= in == PUMP_MORE || out == PUMP_MORE;
		}
		if (!more)
			return PUMP_IDLE;
	}
	return PUMP_MORE;
}

static void work(struct conn *c)
{
	enum pump r = pump(c);

	if (r == PUMP_BROKEN) {
		reset_conn(c);
		return;
	}
	if (c->flow[0].shut && c->flow[1].shut) {
		free_conn(c);
		return;
	}
	for (unsigned d = 0; d < 2; d++)
		if (!c->flow[d].len)
			release_pipe(c->kernel, &c->flow[d]);
	adit_list_del(&c->busy);
	if (r == PUMP_MORE)
		adit_list_add_tail(&c->kernel->busy, &c->busy);
}

/* --- connections ---------------------------------------------------------- */

static void tune(int fd)
{
	const int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

static void fail_conn(struct conn *c)
{
	atomic_fetch_add(&c->kernel->failed, 1);
	reset_conn(c);
}

static int dial_here(const struct adit_endpoint *to)
{
	union relay_sockaddr sa;
	socklen_t len = relay_sockaddr_from(&sa, to);
	int fd = socket(sa.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), r;

	if (fd < 0)
		return -errno;
	if (connect(fd, &sa.sa, len) == 0 || errno == EINPROGRESS)
		return fd;
	r = -errno;
	close(fd);
	return r;
}

static void dial(struct conn *c, const struct adit_endpoint *to)
{
	unsigned far = c->service->remote ? 0 : 1;

	c->naming = false;
	c->connecting = true;
	c->fd[far] = far ? kernel_backend_connect(c->kernel, to) : dial_here(to);
	if (c->fd[far] < 0) {
		fail_conn(c);
		return;
	}
	tune(c->fd[far]);
	/* The near side is heard from the beginning, or its reset would come too late. */
	if (watch(c->kernel, c->fd[far], EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, TAG(c, WHAT_CONN)) < 0 ||
	    watch(c->kernel, c->fd[!far], EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, TAG(c, WHAT_CONN)) < 0)
		fail_conn(c);
}

static void ask_name(struct conn *c)
{
	struct kernel_name n = { .id = c->id };

	memcpy(n.host, c->service->target.host, sizeof(n.host));
	c->naming = true;
	if (send(c->kernel->names, &n, sizeof(n), MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)sizeof(n))
		fail_conn(c);
}

static void heard_name(struct kernel_backend *k)
{
	struct kernel_name n;
	struct adit_list *l;

	if (recv(k->names, &n, sizeof(n), MSG_DONTWAIT) != (ssize_t)sizeof(n))
		return;
	for (l = k->conns.next; l != &k->conns; l = l->next) {
		struct conn *c = adit_container_of(l, struct conn, link);
		struct adit_endpoint to = { n.addr, c->service->target.port };

		if (c->id != n.id || !c->naming)
			continue;
		if (n.error || !n.addr.family)
			fail_conn(c);
		else
			dial(c, &to);
		return;
	}
}

static void conn_ready(struct conn *c, uint32_t events)
{
	unsigned far = c->service->remote ? 0 : 1;
	socklen_t len = sizeof(int);
	struct tcp_info info;
	int error = 0;

	if (c->connecting) {
		socklen_t n = sizeof(info);

		getsockopt(c->fd[far], SOL_SOCKET, SO_ERROR, &error, &len);
		if (error) {
			fail_conn(c);
			return;
		}
		/* It may have been the near side that woke us. */
		if (getsockopt(c->fd[far], IPPROTO_TCP, TCP_INFO, &info, &n) == 0 && info.tcpi_state == TCP_SYN_SENT)
			return;
		c->connecting = false;
		atomic_fetch_add(&c->kernel->opened, 1);
	}
	if (events & EPOLLERR) {
		for (unsigned i = 0; i < 2 && !error; i++)
			getsockopt(c->fd[i], SOL_SOCKET, SO_ERROR, &error, &len);
		if (error) {
			reset_conn(c);
			return;
		}
	}
	work(c);
}

/* --- listeners ------------------------------------------------------------ */

static void start_conn(struct kernel_service *s, int fd)
{
	struct kernel_backend *k = s->kernel;
	struct conn *c = calloc(1, sizeof(*c));

	if (!c) {
		close(fd);
		return;
	}
	c->kernel = k;
	c->service = s;
	c->id = ++k->next_id;
	c->fd[0] = s->remote ? -1 : fd;
	c->fd[1] = s->remote ? fd : -1;
	for (unsigned d = 0; d < 2; d++)
		c->flow[d].pipe[0] = c->flow[d].pipe[1] = -1;
	adit_list_add_tail(&k->conns, &c->link);
	adit_list_init(&c->busy);
	atomic_fetch_add(&k->open, 1);
	tune(fd);
	if (s->to.addr.family)
		dial(c, &s->to);
	else
		ask_name(c);
}

static void rest(struct kernel_service *s, bool on)
{
	struct epoll_event e = { .events = on ? 0 : EPOLLIN, .data.u64 = TAG(s, WHAT_SERVICE) };

	s->resting = on;
	epoll_ctl(s->kernel->epoll_fd, EPOLL_CTL_MOD, s->fd, &e);
}

static void service_ready(struct kernel_service *s)
{
	for (unsigned i = 0; i < 64; i++) {
		int fd = accept4(s->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			start_conn(s, fd);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
			rest(s, true);
		if (errno != ECONNABORTED && errno != EINTR)
			return;
	}
}

/* Listeners that rested try again. Returns whether there were any. */
static bool wake_services(struct kernel_backend *k, bool now)
{
	struct adit_list *l;
	bool any = false;

	pthread_mutex_lock(&k->mutex);
	for (l = k->services.next; l != &k->services; l = l->next) {
		struct kernel_service *s = adit_container_of(l, struct kernel_service, link);

		any |= s->resting;
		if (s->resting && now)
			rest(s, false);
	}
	pthread_mutex_unlock(&k->mutex);
	return any;
}

/* --- the thread ----------------------------------------------------------- */

static void dispatch(struct kernel_backend *k, const struct epoll_event *e)
{
	void *p = (void *)(uintptr_t)(e->data.u64 & ~UINT64_C(7));
	uint64_t n;

	switch (e->data.u64 & 7) {
	case WHAT_SERVICE:
		service_ready(p);
		break;
	case WHAT_CONN:
		conn_ready(p, e->events);
		break;
	case WHAT_NAMES:
		heard_name(k);
		break;
	case WHAT_WAKE:
		(void)!read(k->wake_fd, &n, sizeof(n));
		break;
	}
}

static void run_busy(struct kernel_backend *k)
{
	struct adit_list todo;

	if (adit_list_empty(&k->busy))
		return;
	/* A list of its own: who is busy again waits for the next turn. */
	todo = k->busy;
	todo.next->prev = todo.prev->next = &todo;
	adit_list_init(&k->busy);
	while (!adit_list_empty(&todo))
		work(adit_container_of(todo.next, struct conn, busy));
}

/* Both sides of a connection may be in one batch, and the first may end it. */
static void forget(struct epoll_event *e, int cnt, uint64_t tag)
{
	for (int i = 0; i < cnt; i++)
		if (e[i].data.u64 == tag)
			e[i].data.u64 = 0;
}

static void *run(void *arg)
{
	struct kernel_backend *k = arg;
	struct epoll_event e[64];
	bool resting = false;

	while (!atomic_load(&k->stop)) {
		int n = epoll_wait(k->epoll_fd, e, 64, !adit_list_empty(&k->busy) ? 0 : resting ? REST_MS : -1);

		for (int i = 0; i < n; i++) {
			uint64_t tag = e[i].data.u64;

			for (int j = i + 1; j < n; j++)
				if (e[j].data.u64 == tag)
					e[i].events |= e[j].events;
			forget(e + i + 1, n - i - 1, tag);
			dispatch(k, &e[i]);
		}
		run_busy(k);
		resting = wake_services(k, resting && n == 0);
	}
	return NULL;
}

int kernel_splice_start(struct kernel_backend *k)
{
	sigset_t all, old;
	int r;

	if (k->started)
		return 0;
	r = watch(k, k->wake_fd, EPOLLIN, TAG(NULL, WHAT_WAKE));
	if (!r)
		r = watch(k, k->names, EPOLLIN, TAG(NULL, WHAT_NAMES));
	if (r)
		return r;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = -pthread_create(&k->thread, NULL, run, k);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	k->started = !r;
	return r;
}

int kernel_splice_add(struct kernel_backend *k, struct kernel_service *s)
{
	int r = kernel_splice_start(k);

	if (r)
		return r;
	pthread_mutex_lock(&k->mutex);
	r = watch(k, s->fd, EPOLLIN, TAG(s, WHAT_SERVICE));
	if (!r)
		adit_list_add_tail(&k->services, &s->link);
	pthread_mutex_unlock(&k->mutex);
	return r;
}

void kernel_splice_stop(struct kernel_backend *k)
{
	uint64_t one = 1;

	if (k->started) {
		atomic_store(&k->stop, true);
		(void)!write(k->wake_fd, &one, sizeof(one));
		pthread_join(k->thread, NULL);
	}
	while (!adit_list_empty(&k->conns))
		reset_conn(adit_container_of(k->conns.next, struct conn, link));
	while (!adit_list_empty(&k->services)) {
		struct kernel_service *s = adit_container_of(k->services.next, struct kernel_service, link);

		adit_list_del(&s->link);
		close(s->fd);
		free(s);
	}
	while (k->pipe_cnt) {
		k->pipe_cnt--;
		close(k->pipes[k->pipe_cnt][0]);
		close(k->pipes[k->pipe_cnt][1]);
	}
}
