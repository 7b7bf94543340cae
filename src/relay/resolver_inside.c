/* SPDX-License-Identifier: ISC */
/*
 * resolver_inside.c - sockets of our own stack for c-ares
 *
 * c-ares takes numbers for sockets and is told which can be read or written
 * (ares_process_fd); what it wants to know is kept per socket. Our events tell
 * of changes, c-ares wants levels: so it is called until nothing is left to
 * read, and when it has queued more on a TCP connection that has room.
 */
#include "relay/resolver_internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "relay/sockaddr.h"

#define FIRST_NUMBER 0x40000000u /* above every descriptor of the system */
#define QUERY_MAX    4096        /* a question of one name is 300 bytes */

struct inner_sock {
	struct adit_list link;
	struct relay_resolver *r;
	struct relay_sock rs;
	struct relay_defunct defunct;
	ares_socket_t number;
	bool tcp, connected, wants_read, wants_write;
	bool full;    /* the last write found no room */
	bool drained; /* the last read found nothing */
	bool closed;  /* by c-ares; here until the end of the turn */
	int error;    /* -errno, told once */
	struct adit_endpoint remote;
};

static struct inner_sock *find(struct relay_resolver *r, ares_socket_t number)
{
	for (struct adit_list *l = r->sockets.next; l != &r->sockets; l = l->next) {
		struct inner_sock *s = adit_container_of(l, struct inner_sock, link);

		if (s->number == number)
			return s;
	}
	return NULL;
}

/* --- events ---------------------------------------------------------------------- */

static void let_write(struct inner_sock *s)
{
	if (!s->closed && s->wants_write && !s->full && (!s->tcp || s->connected || s->error))
		ares_process_fd(s->r->channel, ARES_SOCKET_BAD, s->number);
}

static void let_read(struct inner_sock *s)
{
	do {
		s->drained = true; /* unless something is read */
		if (!s->closed && s->wants_read)
			ares_process_fd(s->r->channel, s->number, ARES_SOCKET_BAD);
	} while (!s->drained && !s->closed);
}

static void on_event(struct relay_sock *rs, unsigned what, adit_time now)
{
	struct inner_sock *s = adit_container_of(rs, struct inner_sock, rs);

	s->r->now = now;
	if (what & ADIT_EV_CONNECTED)
		s->connected = true;
	if (what & ADIT_EV_ERROR) {
		s->error = adit_sock_error(rs->sock);
		s->error = s->error ? s->error : -ECONNRESET;
	}
	if (what & (ADIT_EV_WRITABLE | ADIT_EV_CONNECTED | ADIT_EV_ERROR))
		s->full = false;
	let_write(s);
	if (what & (ADIT_EV_READABLE | ADIT_EV_EOF | ADIT_EV_ERROR))
		let_read(s);
	resolver_after(s->r);
}

void resolver_inside_state(struct relay_resolver *r, ares_socket_t number, bool read, bool write)
{
	struct inner_sock *s = find(r, number);

	if (!s)
		return;
	s->wants_read = read;
	s->wants_write = write;
}

void resolver_inside_pump(struct relay_resolver *r)
{
	struct adit_list *l, *next;

	for (l = r->sockets.next; l != &r->sockets; l = next) {
		struct inner_sock *s = adit_container_of(l, struct inner_sock, link);

		next = l->next;
		if (s->tcp && s->connected)
			let_write(s);
		if (s->closed) /* others may have gone with it */
			next = r->sockets.next;
	}
}

/* --- what c-ares calls ------------------------------------------------------------ */

static void free_inner(struct relay_defunct *d)
{
	free(adit_container_of(d, struct inner_sock, defunct));
}

static ares_socket_t on_socket(int domain, int type, int protocol, void *user)
{
	struct relay_resolver *r = user;
	struct inner_sock *s = calloc(1, sizeof(*s));

	(void)domain;
	(void)protocol;
	if (!s) {
		errno = ENOMEM;
		return -1;
	}
	s->r = r;
	s->rs.event = on_event;
	s->defunct.free = free_inner;
	s->tcp = type == SOCK_STREAM;
	s->number = (ares_socket_t)(FIRST_NUMBER | (r->next_number++ & (FIRST_NUMBER - 1)));
	adit_list_add_tail(&r->sockets, &s->link);
	return s->number;
}

static int on_close(ares_socket_t number, void *user)
{
	struct relay_resolver *r = user;
	struct inner_sock *s = find(r, number);

	if (!s)
		return 0;
	if (s->rs.sock && s->tcp)
		adit_tcp_close(s->rs.sock, r->now);
	else if (s->rs.sock)
		adit_udp_sock_close(s->rs.sock);
	s->rs.sock = NULL;
	s->closed = true;
	adit_list_del(&s->link);
	relay_defer_free(r->loop, &s->defunct);
	return 0;
}

static int on_connect(ares_socket_t number, const struct sockaddr *sa, ares_socklen_t len, void *user)
{
	struct relay_resolver *r = user;
	struct inner_sock *s = find(r, number);
	union relay_sockaddr any;
	int e;

	if (!s || len > sizeof(any)) {
		errno = EBADF;
		return -1;
	}
	memset(&any, 0, sizeof(any));
	memcpy(&any, sa, len);
	s->remote = relay_sockaddr_to(&any);
	if (s->tcp)
		e = adit_tcp_connect(r->loop->ns, &s->rs.sock, NULL, &s->remote, &s->rs, r->now);
	else
		e = adit_udp_sock_open(r->loop->ns, &s->rs.sock, NULL, &s->remote, &s->rs);
	if (e == 0 && !s->tcp)
		return 0;
	errno = e ? -e : EINPROGRESS;
	return -1;
}

/* The error that came, once. */
static ares_ssize_t fail(struct inner_sock *s, int otherwise)
{
	errno = s->error ? -s->error : otherwise;
	s->error = 0;
	return -1;
}

static ares_ssize_t read_tcp(struct inner_sock *s, void *buf, size_t len)
{
	struct iovec iov[8];
	size_t got = 0;
	int cnt = adit_tcp_peek(s->rs.sock, iov, 8);

	for (int i = 0; i < cnt && got < len; i++) {
		size_t n = iov[i].iov_len < len - got ? iov[i].iov_len : len - got;

		memcpy((uint8_t *)buf + got, iov[i].iov_base, n);
		got += n;
	}
	if (got == 0)
		return adit_tcp_at_eof(s->rs.sock) ? 0 : fail(s, EAGAIN);
	adit_tcp_consume(s->rs.sock, got, s->r->now);
	s->drained = false;
	return (ares_ssize_t)got;
}

static ares_ssize_t read_udp(struct inner_sock *s, void *buf, size_t len, struct sockaddr *from,
			     ares_socklen_t *from_len)
{
	union relay_sockaddr sa;
	struct adit_udp_msg msg;
	socklen_t n;

	if (s->error)
		return fail(s, 0);
	if (!adit_udp_sock_recv(s->rs.sock, &msg))
		return fail(s, EAGAIN);
	s->drained = false;
	len = msg.len < len ? msg.len : len;
	memcpy(buf, msg.data, len);
	n = relay_sockaddr_from(&sa, &msg.remote);
	if (from && from_len && *from_len >= n) {
		memcpy(from, &sa, n);
		*from_len = n;
	}
	return (ares_ssize_t)len;
}

static ares_ssize_t on_recv(ares_socket_t number, void *buf, size_t len, int flags, struct sockaddr *from,
			    ares_socklen_t *from_len, void *user)
{
	struct inner_sock *s = find(user, number);

	(void)flags;
	if (!s || !s->rs.sock) {
		errno = EBADF;
		return -1;
	}
	return s->tcp ? read_tcp(s, buf, len) : read_udp(s, buf, len, from, from_len);
}

static ares_ssize_t write_udp(struct inner_sock *s, const struct iovec *iov, int cnt)
{
	uint8_t buf[QUERY_MAX];
	size_t len = 0;
	int e;

	for (int i = 0; i < cnt; i++) {
		if (iov[i].iov_len > sizeof(buf) - len) {
			errno = EMSGSIZE;
			return -1;
		}
		memcpy(buf + len, iov[i].iov_base, iov[i].iov_len);
		len += iov[i].iov_len;
	}
	e = adit_udp_sock_send(s->rs.sock, &s->remote, buf, len, s->r->now);
	if (e) {
		errno = -e;
		return -1;
	}
	return (ares_ssize_t)len;
}

static ares_ssize_t write_tcp(struct inner_sock *s, const struct iovec *iov, int cnt)
{
	size_t done = 0;

	for (int i = 0; i < cnt && !s->full; i++) {
		size_t n = adit_tcp_send(s->rs.sock, iov[i].iov_base, iov[i].iov_len, s->r->now);

		done += n;
		s->full = n < iov[i].iov_len;
	}
	if (done == 0)
		return fail(s, EAGAIN);
	return (ares_ssize_t)done;
}

static ares_ssize_t on_send(ares_socket_t number, const struct iovec *iov, int cnt, void *user)
{
	struct inner_sock *s = find(user, number);

	if (!s || !s->rs.sock) {
		errno = EBADF;
		return -1;
	}
	if (s->error)
		return fail(s, 0);
	if (s->tcp && !s->connected) {
		errno = EAGAIN;
		return -1;
	}
	return s->tcp ? write_tcp(s, iov, cnt) : write_udp(s, iov, cnt);
}

void resolver_inside_init(struct relay_resolver *r)
{
	static const struct ares_socket_functions functions = {
		.asocket = on_socket,
		.aclose = on_close,
		.aconnect = on_connect,
		.arecvfrom = on_recv,
		.asendv = on_send,
	};

	ares_set_socket_functions(r->channel, &functions, r);
}
