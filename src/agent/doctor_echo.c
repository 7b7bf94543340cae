/* SPDX-License-Identifier: ISC */
/* doctor_echo.c - how large a packet may be on a way, by echo requests that must not be cut */
#include "agent/doctor_echo.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/checksum.h"

#define SMALL     576u  /* every path of IPv4 carries that */
#define SMALL6    1280u
#define LARGEST   9216u
#define WAIT_MS   700 /* for the first answer; then by how long that took */
#define WAIT_MIN  150
#define TRIES     2
#define ECHO_LEN  8u

struct echo {
	int fd;
	bool six;
	uint16_t id, seq;
	unsigned told; /* by a router, as it refused the last one; 0 = nothing */
	int wait_ms;
};

static int open_echo(struct echo *e, const struct sockaddr_storage *to, socklen_t to_len, uint32_t mark)
{
	int on = 1, probe = IP_PMTUDISC_PROBE, r;

	e->six = to->ss_family == AF_INET6;
	e->id = (uint16_t)getpid();
	e->fd = socket(to->ss_family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, e->six ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
	if (e->fd < 0)
		return -errno;
	if (mark)
		setsockopt(e->fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark));
	/* Not cut, and not kept back by what the kernel knows of the way. */
	setsockopt(e->fd, e->six ? IPPROTO_IPV6 : IPPROTO_IP, e->six ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER, &probe, sizeof(probe));
	setsockopt(e->fd, e->six ? IPPROTO_IPV6 : IPPROTO_IP, e->six ? IPV6_RECVERR : IP_RECVERR, &on, sizeof(on));
	if (connect(e->fd, (const struct sockaddr *)to, to_len) == 0)
		return 0;
	r = -errno;
	close(e->fd);
	return r;
}

/* size: of the whole packet. */
static int send_echo(struct echo *e, unsigned size)
{
	static unsigned char msg[LARGEST];
	unsigned len = size - (e->six ? 40 : 20);
	uint16_t sum;

	memset(msg, 0, sizeof(msg));
	msg[0] = e->six ? ICMP6_ECHO_REQUEST : ICMP_ECHO;
	e->seq++;
	memcpy(msg + 4, &e->id, 2);
	memcpy(msg + 6, &e->seq, 2);
	if (!e->six) { /* the kernel does it for IPv6 */
		sum = (uint16_t)~adit_sum_fold(adit_sum(msg, len, 0));
		memcpy(msg + 2, &sum, 2);
	}
	return send(e->fd, msg, len, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static void take_error(struct echo *e)
{
	char control[256], data[64];
	struct iovec iov = { data, sizeof(data) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	struct sock_extended_err ee;
	struct cmsghdr *c;

	if (recvmsg(e->fd, &msg, MSG_ERRQUEUE) < 0)
		return;
	for (c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		if (c->cmsg_len < CMSG_LEN(sizeof(ee)))
			continue;
		memcpy(&ee, CMSG_DATA(c), sizeof(ee));
		if (ee.ee_errno == EMSGSIZE)
			e->told = ee.ee_info;
	}
}

/* Is it the answer to the last request? */
static bool take_answer(struct echo *e)
{
	unsigned char buf[128];
	ssize_t n = recv(e->fd, buf, sizeof(buf), MSG_TRUNC);
	unsigned at = e->six ? 0 : n > 0 ? (buf[0] & 15u) * 4 : 0;

	if (n < (ssize_t)(at + ECHO_LEN) || at + ECHO_LEN > sizeof(buf))
		return false;
	return buf[at] == (e->six ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY) && !memcmp(buf + at + 4, &e->id, 2) &&
	       !memcmp(buf + at + 6, &e->seq, 2);
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* 0: answered; -EMSGSIZE: refused (told); -ETIMEDOUT: nothing came back; or -errno. */
static int probe_once(struct echo *e, unsigned size)
{
	int64_t end = now_ms() + e->wait_ms, left;
	struct pollfd p = { .fd = e->fd, .events = POLLIN };
	int r;

	e->told = 0;
	r = send_echo(e, size);
	if (r) {
		take_error(e);
		return r;
	}
	while ((left = end - now_ms()) > 0) {
		if (poll(&p, 1, (int)left) <= 0)
			break;
		if (p.revents & POLLERR)
			take_error(e);
		if (e->told)
			return -EMSGSIZE;
		if (take_answer(e))
			return 0;
	}
	return -ETIMEDOUT;
}

static int probe(struct echo *e, unsigned size)
{
	int r = -ETIMEDOUT, try;

	for (try = 0; try < TRIES && r == -ETIMEDOUT; try++)
		r = probe_once(e, size);
	return r;
}

/* The largest between one that passes and one that does not. */
static unsigned search(struct echo *e, unsigned passes, unsigned fails)
{
	while (fails - passes > 1) {
		unsigned middle = passes + (fails - passes) / 2;

		if (probe(e, middle) == 0)
			passes = middle;
		else
			fails = middle;
	}
	return passes;
}

static int measure(struct echo *e, struct agent_echo_path *ret, unsigned max)
{
	unsigned small = e->six ? SMALL6 : SMALL, size = max;
	int r, tries, took;
	int64_t start;

	if (size > LARGEST)
		size = LARGEST;
	if (size < small)
		size = small;
	e->wait_ms = WAIT_MS;
	start = now_ms();
	r = probe(e, small);
	took = (int)(now_ms() - start) * 4;
	if (took < WAIT_MS)
		e->wait_ms = took < WAIT_MIN ? WAIT_MIN : took;
	for (tries = 0; !r && tries < 8; tries++) {
		r = size > small ? probe(e, size) : 0;
		if (r == -EMSGSIZE && e->told >= small && e->told < size) {
			size = e->told; /* routers along the way, one after the other */
			r = 0;
			continue;
		}
		ret->mtu = r ? search(e, small, size) : size;
		ret->black_hole = r == -ETIMEDOUT;
		return 0;
	}
	return r ? r : -ETIMEDOUT;
}

int agent_echo_measure(struct agent_echo_path *ret, const struct sockaddr_storage *to, socklen_t to_len, uint32_t mark,
		       unsigned max)
{
	struct echo e = { 0 };
	int r = open_echo(&e, to, to_len, mark);

	if (r)
		return r;
	r = measure(&e, ret, max);
	close(e.fd);
	return r;
}
