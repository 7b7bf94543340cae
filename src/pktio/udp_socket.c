/* SPDX-License-Identifier: ISC */
/* udp_socket.c - opening, binding and setting up the pair of UDP sockets */
#include <errno.h>
#include <time.h> /* before errqueue.h, which lacks it */
#include <linux/errqueue.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pktio/udp.h"
#include "pktio/udp_io.h"

#define SOCKET_BUFFER (7 << 20) /* enough for 10 Gb/s at 5 ms; /proc/sys/net/core/{r,w}mem_max do not bind us */

static int set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) < 0 ? -errno : 0;
}

static void force_buffer(int fd, int forced, int plain)
{
	if (set(fd, SOL_SOCKET, forced, SOCKET_BUFFER) < 0)
		set(fd, SOL_SOCKET, plain, SOCKET_BUFFER);
}

static int set_up_4(int fd)
{
	int r;

	if ((r = set(fd, IPPROTO_IP, IP_PKTINFO, 1)) < 0 || (r = set(fd, IPPROTO_IP, IP_RECVTOS, 1)) < 0)
		return r;
	/* DF off: what does not fit is fragmented, as the kernel's own WireGuard does */
	set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT);
	set(fd, IPPROTO_IP, IP_RECVERR, 1);
	return 0;
}

static int set_up_6(int fd)
{
	int r;

	if ((r = set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)) < 0 ||
	    (r = set(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1)) < 0)
		return r;
	set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT);
	set(fd, IPPROTO_IPV6, IPV6_RECVERR, 1);
	return 0;
}

static int bind_to(int fd, int family, const struct adit_addr *addr, uint16_t *port)
{
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6, .sin6_port = htons(*port) };
	struct sockaddr_in a4 = { .sin_family = AF_INET, .sin_port = htons(*port) };
	struct sockaddr *a = family == AF_INET6 ? (struct sockaddr *)&a6 : (struct sockaddr *)&a4;
	socklen_t len = family == AF_INET6 ? sizeof(a6) : sizeof(a4);

	if (addr->family == 6)
		memcpy(&a6.sin6_addr, addr->bytes, 16);
	else if (addr->family == 4)
		memcpy(&a4.sin_addr, addr->bytes, 4);
	if (bind(fd, a, len) < 0 || getsockname(fd, a, &len) < 0)
		return -errno;
	*port = ntohs(family == AF_INET6 ? a6.sin6_port : a4.sin_port);
	return 0;
}

/* Before it is bound. */
static int prepare(int fd, int family, const struct adit_udp_bind *b, bool reuse)
{
	size_t len = strnlen(b->device, sizeof(b->device) - 1);
	int r = family == AF_INET6 ? set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) : 0;

	if (r == 0 && reuse)
		r = set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (r == 0 && b->mark)
		r = set(fd, SOL_SOCKET, SO_MARK, (int)b->mark);
	if (r == 0 && len && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, b->device, (socklen_t)len) < 0)
		r = -errno;
	return r;
}

int adit_udp_make(int family, const struct adit_udp_bind *b, bool reuse, uint16_t *port)
{
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_UDP), r;

	if (fd < 0)
		return -errno;
	r = prepare(fd, family, b, reuse);
	if (r == 0)
		r = bind_to(fd, family, &b->addr, port);
	if (r < 0) {
		close(fd);
		return r;
	}
	force_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF);
	force_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF);
	return fd;
}

/* One socket: *ret = -1 and 0 where the family is not there, or not wanted. */
static int open_socket(const struct adit_udp *u, int *ret, int family, const struct adit_udp_bind *b, bool reuse,
		       uint16_t *port)
{
	int fd, r;

	*ret = -1;
	if (b->addr.family && b->addr.family != (family == AF_INET6 ? 6 : 4))
		return 0;
	fd = u->rights ? u->rights->udp(u->rights->user, family, b, reuse, port) : adit_udp_make(family, b, reuse, port);
	if (fd == -EAFNOSUPPORT || (fd == -EADDRNOTAVAIL && !b->addr.family)) /* IPv6 switched off by sysctl */
		return 0;
	if (fd < 0)
		return fd;
	r = family == AF_INET6 ? set_up_6(fd) : set_up_4(fd);
	if (r < 0) {
		close(fd);
		return r;
	}
	*ret = fd;
	return 0;
}

static void close_pair(int fd[ADIT_OUTER_SIDES])
{
	for (int i = 0; i < ADIT_OUTER_SIDES; i++) {
		if (fd[i] >= 0)
			close(fd[i]);
		fd[i] = -1;
	}
}

static int open_pair(const struct adit_udp *u, int fd[ADIT_OUTER_SIDES], const struct adit_udp_bind *b, bool reuse,
		     uint16_t *port)
{
	int r = open_socket(u, &fd[ADIT_OUTER_4], AF_INET, b, reuse, port);

	fd[ADIT_OUTER_6] = -1;
	if (r == 0)
		r = open_socket(u, &fd[ADIT_OUTER_6], AF_INET6, b, reuse, port);
	if (r == 0 && fd[ADIT_OUTER_4] < 0 && fd[ADIT_OUTER_6] < 0)
		r = -EAFNOSUPPORT;
	if (r < 0)
		close_pair(fd);
	return r;
}

/* Port 0: IPv4's choice may be taken for IPv6, so try again with another. */
static int open_on_port(const struct adit_udp *u, int fd[ADIT_OUTER_SIDES], struct adit_udp_bind *b, bool reuse,
			uint16_t *port)
{
	int r = -EADDRINUSE;

	for (int i = 0; i < 100 && r == -EADDRINUSE; i++) {
		*port = b->port;
		r = open_pair(u, fd, b, reuse, port);
		if (b->port)
			break;
	}
	return r;
}

static void set_up_offloads(struct adit_udp *u, int fd)
{
	int zero = 0;
	socklen_t len = sizeof(zero);

	if (getsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &zero, &len) < 0)
		u->offloads &= ~(unsigned)ADIT_OFFLOAD_GSO;
	if (u->offloads & ADIT_OFFLOAD_GRO && set(fd, IPPROTO_UDP, UDP_GRO, 1) < 0)
		u->offloads &= ~(unsigned)ADIT_OFFLOAD_GRO;
}

int adit_udp_open(struct adit_udp *u, struct adit_udp_bind *b)
{
	int fd[ADIT_OUTER_SIDES], r;
	uint16_t port;

	if (b->shared && !b->join) {
		/* SO_REUSEPORT would let us join a stranger's port: look first */
		r = open_on_port(u, fd, b, false, &port);
		if (r < 0)
			return r;
		close_pair(fd);
		b->port = port;
	}
	r = open_on_port(u, fd, b, b->shared, &port);
	if (r < 0)
		return r;
	b->port = port;
	b->no_ipv6 = fd[ADIT_OUTER_6] < 0;
	adit_udp_close(u);
	for (int i = 0; i < ADIT_OUTER_SIDES; i++) {
		u->outer.fd[i] = fd[i];
		if (fd[i] >= 0)
			set_up_offloads(u, fd[i]);
	}
	return 0;
}

void adit_udp_close(struct adit_udp *u)
{
	close_pair(u->outer.fd);
}

int adit_udp_set_mark(struct adit_udp *u, uint32_t mark)
{
	int r = 0;

	for (int i = 0; i < ADIT_OUTER_SIDES && r == 0; i++) {
		if (u->outer.fd[i] >= 0 && u->rights)
			r = u->rights->mark(u->rights->user, u->outer.fd[i], mark);
		else if (u->outer.fd[i] >= 0)
			r = set(u->outer.fd[i], SOL_SOCKET, SO_MARK, (int)mark);
	}
	return r;
}

/* Classic BPF over the UDP payload: data messages by their receiver index, all
 * others to the first socket. */
int adit_udp_steer(struct adit_udp *u, uint8_t data_type, unsigned cnt)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0), /* message type */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, data_type, 0, 4),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 4), /* low byte of the index */
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 15),
		BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, cnt),
		BPF_STMT(BPF_RET | BPF_A, 0),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog prog = { .len = sizeof(code) / sizeof(code[0]), .filter = code };

	for (int i = 0; i < ADIT_OUTER_SIDES; i++) {
		if (u->outer.fd[i] >= 0 &&
		    setsockopt(u->outer.fd[i], SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &prog, sizeof(prog)) < 0)
			return -errno;
	}
	return 0;
}

static uint32_t destination_hash(const uint8_t *addr, size_t len, uint16_t port)
{
	uint32_t h = 2166136261u ^ port; /* FNV-1a; who makes two meet only mixes up their errors */

	for (size_t i = 0; i < len; i++)
		h = (h ^ addr[i]) * 16777619u;
	return h ^ h >> 16;
}

/* What a datagram that was too large met is no refusal. */
static int error_in(struct msghdr *m)
{
	struct sock_extended_err e = { 0 };

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
		if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) ||
		    (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR))
			memcpy(&e, CMSG_DATA(c), sizeof(e));
	return e.ee_errno == EMSGSIZE ? 0 : (int)e.ee_errno;
}

static void note_unreachable(struct adit_udp *u, struct msghdr *m)
{
	const struct sockaddr_in *a4 = m->msg_name;
	const struct sockaddr_in6 *a6 = m->msg_name;
	_Atomic uint64_t *slot;
	uint64_t was, count;
	int e = error_in(m);
	uint32_t h;

	if (!e || m->msg_namelen < sizeof(*a4))
		return;
	if (a4->sin_family == AF_INET)
		h = destination_hash((const uint8_t *)&a4->sin_addr, 4, ntohs(a4->sin_port));
	else
		h = destination_hash((const uint8_t *)&a6->sin6_addr, 16, ntohs(a6->sin6_port));
	slot = &u->unreachable[h % ADIT_UNREACHABLE_SLOTS];
	was = atomic_load_explicit(slot, memory_order_relaxed);
	count = was >> 32 == h ? (was & 0xffffff) + 1 : 1;
	atomic_store_explicit(slot, (uint64_t)h << 32 | (uint64_t)(e & 0xff) << 24 | (count & 0xffffff),
			      memory_order_relaxed);
}

unsigned adit_udp_unreachable(const struct adit_udp *u, const struct adit_path *path, int *error)
{
	uint32_t h = destination_hash(path->addr, path->kind == ADIT_PATH_UDP4 ? 4 : 16, path->port);
	uint64_t v = atomic_load_explicit(&u->unreachable[h % ADIT_UNREACHABLE_SLOTS], memory_order_relaxed);

	if (v >> 32 != h)
		return 0;
	*error = (int)(v >> 24 & 0xff);
	return v & 0xffffff;
}

void adit_udp_drain_errors(struct adit_udp *u)
{
	char control[512], data[64];
	struct sockaddr_in6 name;

	for (int i = 0; i < ADIT_OUTER_SIDES; i++) {
		for (int n = 0; n < 64 && u->outer.fd[i] >= 0; n++) {
			struct iovec iov = { data, sizeof(data) };
			struct msghdr m = { .msg_name = &name, .msg_namelen = sizeof(name),
					    .msg_iov = &iov, .msg_iovlen = 1,
					    .msg_control = control, .msg_controllen = sizeof(control) };

			if (recvmsg(u->outer.fd[i], &m, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
				break;
			atomic_fetch_add_explicit(&u->icmp_errors, 1, memory_order_relaxed);
			note_unreachable(u, &m);
		}
	}
}
