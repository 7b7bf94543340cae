/* SPDX-License-Identifier: ISC */
/* answer.c - small servers of the control thread: one request, one answer */
#include "host/answer.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define REQUEST_MAX 8192
#define CONNS_MAX   32
#define PATIENCE    (10 * ADIT_SEC)

/*
 * READING: the request comes in. To WRITING when it was answered.
 * WRITING: the answer goes out. To DRAINING when it is gone.
 * DRAINING: our half is shut; what the client still says is thrown away, so
 * that it reads the answer and not a reset. Freed at its end of file, on an
 * error, or when patience ends.
 */
enum conn_state { READING, WRITING, DRAINING };

struct conn {
	struct adit_watch watch;
	struct adit_list link;
	struct adit_answerer *answerer;
	enum conn_state state;
	adit_time due;
	char request[REQUEST_MAX];
	size_t len;
	char *reply;
	size_t reply_len, sent;
};

static adit_time time_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return ts.tv_sec * ADIT_SEC + ts.tv_nsec;
}

int adit_watch_add(int epoll_fd, struct adit_watch *w, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = w };

	return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, w->fd, &ev) < 0 ? -errno : 0;
}

static void conn_free(struct conn *c)
{
	adit_list_del(&c->link);
	c->answerer->conn_cnt--;
	close(c->watch.fd);
	free(c->reply);
	free(c);
}

static void want(struct conn *c, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = &c->watch };

	epoll_ctl(c->answerer->epoll_fd, EPOLL_CTL_MOD, c->watch.fd, &ev);
}

/* False when the connection is gone. */
static bool write_reply(struct conn *c)
{
	while (c->sent < c->reply_len) {
		ssize_t n = send(c->watch.fd, c->reply + c->sent, c->reply_len - c->sent, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			want(c, EPOLLOUT);
			return true;
		}
		if (n < 0) {
			conn_free(c);
			return false;
		}
		c->sent += (size_t)n;
	}
	shutdown(c->watch.fd, SHUT_WR);
	c->state = DRAINING;
	want(c, EPOLLIN);
	return true;
}

/* Asks for the answer; false when the connection is gone. */
static bool try_answer(struct conn *c, bool end)
{
	FILE *out = open_memstream(&c->reply, &c->reply_len);
	bool done;

	if (!out) {
		conn_free(c);
		return false;
	}
	done = c->answerer->answer(c->answerer->arg, c->request, c->len, end || c->len == REQUEST_MAX, out);
	if (fclose(out) || (!done && (end || c->len == REQUEST_MAX))) {
		conn_free(c);
		return false;
	}
	if (!done) {
		free(c->reply);
		c->reply = NULL;
		return true;
	}
	c->state = WRITING;
	return write_reply(c);
}

static void read_request(struct conn *c)
{
	ssize_t n = recv(c->watch.fd, c->request + c->len, REQUEST_MAX - c->len, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		conn_free(c);
		return;
	}
	c->len += (size_t)n;
	try_answer(c, n == 0);
}

static void drain(struct conn *c)
{
	ssize_t n = recv(c->watch.fd, c->request, REQUEST_MAX, 0);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		conn_free(c);
}

static void conn_ready(struct adit_watch *w, uint32_t events)
{
	struct conn *c = adit_container_of(w, struct conn, watch);

	(void)events;
	switch (c->state) {
	case READING:
		read_request(c);
		break;
	case WRITING:
		write_reply(c);
		break;
	case DRAINING:
		drain(c);
		break;
	}
}

static bool is_allowed(int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) && (cred.uid == 0 || cred.uid == geteuid());
}

/* Room for one more: who came first and is not being sent an answer goes, so that silence keeps nobody
 * out. The caller's loop takes one event a turn, or the one that goes might be the next. */
static bool make_way(struct adit_answerer *s)
{
	if (s->conn_cnt < CONNS_MAX)
		return true;
	for (struct adit_list *l = s->conns.next; l != &s->conns; l = l->next) {
		struct conn *c = adit_container_of(l, struct conn, link);

		if (c->state == WRITING)
			continue;
		conn_free(c);
		return true;
	}
	return false;
}

static void conn_new(struct adit_answerer *s, int fd)
{
	struct conn *c = (!s->same_user || is_allowed(fd)) && make_way(s) ? calloc(1, sizeof(*c)) : NULL;

	if (!c) {
		close(fd);
		return;
	}
	c->answerer = s;
	c->watch = (struct adit_watch){ fd, conn_ready };
	c->due = time_now() + PATIENCE;
	adit_list_add_tail(&s->conns, &c->link);
	s->conn_cnt++;
	if (adit_watch_add(s->epoll_fd, &c->watch, EPOLLIN))
		conn_free(c);
}

static void rest(struct adit_answerer *s, bool on)
{
	struct epoll_event ev = { .events = on ? 0 : EPOLLIN, .data.ptr = &s->listener };

	epoll_ctl(s->epoll_fd, EPOLL_CTL_MOD, s->listener.fd, &ev);
}

/* Out of descriptors: look again when a connection ends or patience does, and do not spin. */
static void accept_one(struct adit_watch *w, uint32_t events)
{
	struct adit_answerer *s = adit_container_of(w, struct adit_answerer, listener);
	int fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)events;
	if (fd >= 0) {
		conn_new(s, fd);
	} else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
		s->resting_until = time_now() + ADIT_SEC;
		rest(s, true);
	}
}

int adit_answerer_init(struct adit_answerer *s, int epoll_fd, int listen_fd)
{
	s->epoll_fd = epoll_fd;
	s->listener = (struct adit_watch){ listen_fd, accept_one };
	s->conn_cnt = 0;
	s->resting_until = ADIT_NEVER;
	adit_list_init(&s->conns);
	return adit_watch_add(epoll_fd, &s->listener, EPOLLIN);
}

void adit_answerer_fini(struct adit_answerer *s)
{
	if (s->listener.fd < 0)
		return;
	while (!adit_list_empty(&s->conns))
		conn_free(adit_container_of(s->conns.next, struct conn, link));
	close(s->listener.fd);
	s->listener.fd = -1;
}

adit_time adit_answerer_due(const struct adit_answerer *s)
{
	/* All have the same patience: the oldest comes first. */
	adit_time due;

	if (s->listener.fd < 0)
		return ADIT_NEVER;
	due = adit_list_empty(&s->conns) ? ADIT_NEVER : adit_container_of(s->conns.next, struct conn, link)->due;
	return s->resting_until < due ? s->resting_until : due;
}

void adit_answerer_tick(struct adit_answerer *s, adit_time now)
{
	if (s->listener.fd < 0)
		return;
	while (!adit_list_empty(&s->conns)) {
		struct conn *c = adit_container_of(s->conns.next, struct conn, link);

		if (c->due > now)
			break;
		conn_free(c);
	}
	if (s->resting_until <= now) {
		s->resting_until = ADIT_NEVER;
		rest(s, false);
	}
}

/* --- HTTP ------------------------------------------------------------------------ */

int adit_answer_listen(const struct adit_endpoint *at)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(at->port) };
	struct sockaddr_in in4 = { .sin_family = AF_INET, .sin_port = htons(at->port) };
	bool v4 = at->addr.family == 4;
	int fd, one = 1, zero = 0;

	memcpy(&in6.sin6_addr, at->addr.bytes, 16); /* family 0: zeros, all addresses */
	memcpy(&in4.sin_addr, at->addr.bytes, 4);
	fd = socket(v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (!v4)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, at->addr.family ? &one : &zero, sizeof(one));
	if (bind(fd, v4 ? (struct sockaddr *)&in4 : (struct sockaddr *)&in6, v4 ? sizeof(in4) : sizeof(in6)) < 0 ||
	    listen(fd, 64) < 0) {
		int r = -errno;

		close(fd);
		return r;
	}
	return fd;
}

int adit_answer_head(struct adit_http1_head *ret, const char *request, size_t len, bool end, const char **status,
		     const char **text)
{
	adit_http1_head_init(ret, false, NULL);
	switch (adit_http1_head_read(ret, request, len)) {
	case ADIT_HTTP1_DONE:
		return 1;
	case ADIT_HTTP1_ERROR:
		*status = "400 Bad Request";
		*text = "not a request\n";
		return -1;
	case ADIT_HTTP1_MORE:
		break;
	}
	if (!end || !len)
		return 0;
	*status = "431 Request Header Fields Too Large";
	*text = "too long, or cut off\n";
	return -1;
}
