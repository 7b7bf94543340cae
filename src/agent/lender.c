/* SPDX-License-Identifier: ISC */
/*
 * lender.c - who gives a network's tunnel its TUN and its sockets
 *
 * A socket that was left is lent as a duplicate: a tunnel may try a port, close it
 * and open it for good. All of them are the same socket, and what waits in it is kept.
 */
#include "agent/lender.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pktio/udp.h"

/* Data threads borrow while control gives back what nobody borrowed. */
static pthread_mutex_t left_mutex = PTHREAD_MUTEX_INITIALIZER;

static void close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* --- TUN ---------------------------------------------------------------------------- */

static int left_tun(struct agent_lender *l, char name[ADIT_IFNAME_LEN])
{
	int fd;

	if (l->tun_at >= l->ends.threads || (!strchr(name, '%') && strcmp(name, l->ifname)))
		return -1;
	fd = l->ends.tun[l->tun_at];
	l->ends.tun[l->tun_at++] = -1;
	if (fd >= 0)
		memcpy(name, l->ifname, ADIT_IFNAME_LEN);
	return fd;
}

static int lend_tun(void *user, char name[ADIT_IFNAME_LEN], bool multi, char *err, size_t err_len)
{
	struct agent_lender *l = user;
	int fd;

	pthread_mutex_lock(&left_mutex);
	fd = left_tun(l, name);
	pthread_mutex_unlock(&left_mutex);
	return fd >= 0 ? fd : helper_tun(l->helper, name, multi, err, err_len);
}

/* --- UDP ---------------------------------------------------------------------------- */

union bound {
	struct sockaddr sa;
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;
};

/* An interface that has come back under its name is another one: the kernel knows none of that socket's number. */
static bool by_device(int fd, const char *device)
{
	char is[ADIT_IFNAME_LEN] = "";
	socklen_t len = sizeof(is);

	return !getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, is, &len) && !strcmp(len ? is : "", device);
}

static bool suits(int fd, const struct adit_udp_bind *b, const union bound *at)
{
	static const uint8_t any[16];
	const uint8_t *wanted = b->addr.family ? b->addr.bytes : any;

	if (at->sa.sa_family == AF_INET6 ? memcmp(&at->in6.sin6_addr, wanted, 16) : memcmp(&at->in4.sin_addr, wanted, 4))
		return false;
	return by_device(fd, b->device);
}

static bool look_at(int fd, int family, union bound *ret, uint16_t *port)
{
	socklen_t len = sizeof(*ret);

	if (fd < 0 || getsockname(fd, &ret->sa, &len) < 0 || ret->sa.sa_family != family)
		return false;
	*port = ntohs(family == AF_INET6 ? ret->in6.sin6_port : ret->in4.sin_port);
	return true;
}

/* They are in the way of others on their port. */
static void close_left_udp(struct agent_lender *l)
{
	for (unsigned i = 0; i < l->ends.threads; i++) {
		close_one(&l->ends.udp[i][0]);
		close_one(&l->ends.udp[i][1]);
	}
}

/* Of several on one port the first is asked for without `join`, the others in their order. */
static int left_udp(struct agent_lender *l, int family, const struct adit_udp_bind *b, uint16_t *port)
{
	int side = family == AF_INET6, first = b->addr.family == 6, fd, zero = 0;
	union bound at;
	uint16_t on;

	if (!l->ends.threads)
		return -1;
	if (!b->join)
		l->udp_at = 0;
	else if (side == first)
		l->udp_at++;
	if (l->udp_at >= l->ends.threads)
		return -1;
	fd = l->ends.udp[l->udp_at][side];
	if (!look_at(fd, family, &at, &on) || (*port && *port != on))
		return -1;
	if (!suits(fd, b, &at)) {
		close_left_udp(l);
		return -1;
	}
	*port = on;
	/* A flood's filter knows the peers of before. */
	(void)setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &zero, sizeof(zero));
	if (helper_mark(l->helper, fd, b->mark))
		return -1;
	return fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

static int lend_udp(void *user, int family, const struct adit_udp_bind *b, bool reuse, uint16_t *port)
{
	struct agent_lender *l = user;
	struct helper_socket s = { .bind = b->addr, .port = *port, .mark = b->mark, .reuse = reuse };
	char err[512];
	int fd;

	pthread_mutex_lock(&left_mutex);
	fd = left_udp(l, family, b, port);
	pthread_mutex_unlock(&left_mutex);
	if (fd >= 0)
		return fd;
	s.bind.family = family == AF_INET6 ? 6 : 4;
	memcpy(s.device, b->device, sizeof(s.device));
	fd = helper_udp(l->helper, &s, err, sizeof(err));
	if (fd >= 0)
		*port = s.port;
	return fd;
}

static int set_mark(void *user, int fd, uint32_t mark)
{
	return helper_mark(((struct agent_lender *)user)->helper, fd, mark);
}

/* --- lenders ---------------------------------------------------------------------------- */

struct agent_lender *agent_lender_of(struct helper *h, const char *network)
{
	struct agent_lender *l;

	for (l = *helper_lenders(h); l; l = l->next)
		if (!strcmp(l->network, network))
			return l;
	l = calloc(1, sizeof(*l));
	if (!l)
		return NULL;
	l->helper = h;
	snprintf(l->network, sizeof(l->network), "%s", network);
	l->rights = (struct adit_rights){ lend_tun, lend_udp, set_mark, l };
	l->next = *helper_lenders(h);
	*helper_lenders(h) = l;
	return l;
}

const struct adit_rights *helper_network_rights(struct helper *h, const char *network)
{
	struct agent_lender *l = agent_lender_of(h, network);

	return l ? &l->rights : NULL;
}

const struct adit_rights *helper_rights(struct helper *h)
{
	return helper_network_rights(h, "");
}

void agent_lender_release(struct agent_lender *l)
{
	pthread_mutex_lock(&left_mutex);
	for (unsigned i = 0; i < l->ends.threads; i++) {
		close_one(&l->ends.tun[i]);
		close_one(&l->ends.udp[i][0]);
		close_one(&l->ends.udp[i][1]);
	}
	l->ends.threads = 0;
	pthread_mutex_unlock(&left_mutex);
}

void agent_lenders_free(struct agent_lender *list)
{
	while (list) {
		struct agent_lender *next = list->next;

		agent_lender_release(list);
		free(list);
		list = next;
	}
}
