/* SPDX-License-Identifier: ISC */
/* sockaddr.c - endpoints as the system's socket addresses, and back */
#include "relay/sockaddr.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#define UNSENT (512 << 10)

socklen_t relay_sockaddr_from(union relay_sockaddr *ret, const struct adit_endpoint *e)
{
	memset(ret, 0, sizeof(*ret));
	if (e->addr.family == 4) {
		ret->in4.sin_family = AF_INET;
		ret->in4.sin_port = htons(e->port);
		memcpy(&ret->in4.sin_addr, e->addr.bytes, 4);
		return sizeof(ret->in4);
	}
	ret->in6.sin6_family = AF_INET6;
	ret->in6.sin6_port = htons(e->port);
	if (e->addr.family == 6)
		memcpy(&ret->in6.sin6_addr, e->addr.bytes, 16);
	return sizeof(ret->in6);
}

struct adit_endpoint relay_sockaddr_to(const union relay_sockaddr *sa)
{
	struct adit_endpoint e = { .port = 0 };

	if (sa->sa.sa_family == AF_INET) {
		e.addr.family = 4;
		memcpy(e.addr.bytes, &sa->in4.sin_addr, 4);
		e.port = ntohs(sa->in4.sin_port);
	} else if (sa->sa.sa_family == AF_INET6) {
		bool mapped = IN6_IS_ADDR_V4MAPPED(&sa->in6.sin6_addr);

		e.addr.family = mapped ? 4 : 6;
		memcpy(e.addr.bytes, sa->in6.sin6_addr.s6_addr + (mapped ? 12 : 0), mapped ? 4 : 16);
		e.port = ntohs(sa->in6.sin6_port);
	}
	return e;
}

struct adit_endpoint relay_endpoint_inside(const struct adit_endpoint *e)
{
	static const uint8_t zero[16];
	struct adit_endpoint r = *e;

	if (!memcmp(r.addr.bytes, zero, sizeof(zero)))
		r.addr.family = 0;
	return r;
}

static int bind_one(int type, const struct adit_endpoint *local, const union relay_sockaddr *sa, socklen_t len)
{
	int fd = socket(sa->sa.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1, off = 0, r;

	if (fd < 0)
		return -errno;
	if (type == SOCK_STREAM)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (sa->sa.sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, local->addr.family == 6 ? &on : &off, sizeof(on));
	if (bind(fd, &sa->sa, len) == 0)
		return fd;
	r = -errno;
	close(fd);
	return r;
}

int relay_socket_bind(int type, const struct adit_endpoint *local)
{
	union relay_sockaddr sa;
	socklen_t len = relay_sockaddr_from(&sa, local);
	int fd = bind_one(type, local, &sa, len);

	if (local->addr.family || (fd != -EAFNOSUPPORT && fd != -EADDRNOTAVAIL))
		return fd;
	memset(&sa, 0, sizeof(sa));
	sa.in4.sin_family = AF_INET;
	sa.in4.sin_port = htons(local->port);
	return bind_one(type, local, &sa, sizeof(sa.in4));
}

struct adit_endpoint relay_socket_local(int fd)
{
	struct adit_endpoint e = { .port = 0 };
	union relay_sockaddr sa;
	socklen_t len = sizeof(sa);
	int only = 1;
	socklen_t only_len = sizeof(only);

	if (getsockname(fd, &sa.sa, &len) < 0)
		return e;
	e = relay_sockaddr_to(&sa);
	if (sa.sa.sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&sa.in6.sin6_addr)) {
		getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, &only_len);
		if (!only)
			e.addr = (struct adit_addr){ .family = 0 };
	}
	return e;
}

/* What waits for a slow reader waits far away, not by the megabyte in the
 * kernel: beyond what is on its way a socket takes no more than that. */
void relay_socket_set_up(int fd)
{
	int on = 1, unsent = UNSENT;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof(unsent));
}
