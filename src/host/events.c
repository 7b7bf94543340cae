/* SPDX-License-Identifier: ISC */
/* events.c - changes of the machine that may concern us */
#include "host/events.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "host/dns.h"
#include "host/netlink.h"

#define BUFFER_LEN 16384

adit_time adit_events_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return ts.tv_sec * ADIT_SEC + ts.tv_nsec;
}

static int add(struct adit_events *e, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN };

	return epoll_ctl(e->epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0 ? -errno : 0;
}

static int open_route(void)
{
	struct sockaddr_nl a = {
		.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE |
			     RTMGRP_IPV6_ROUTE | RTMGRP_IPV4_RULE | 1u << (RTNLGRP_IPV6_RULE - 1),
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0) {
		int r = -errno;

		close(fd);
		return r;
	}
	return fd < 0 ? -errno : fd;
}

int adit_events_open(struct adit_events *e)
{
	int r;

	*e = (struct adit_events){ .epoll_fd = -1, .route_fd = -1, .timer_fd = -1, .dns_fd = -1, .nft_fd = -1 };
	e->due = ADIT_NEVER;
	e->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	e->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	r = e->epoll_fd < 0 || e->timer_fd < 0 ? -errno : 0;
	if (!r) {
		e->route_fd = open_route();
		r = e->route_fd < 0 ? e->route_fd : 0;
	}
	if (!r)
		r = add(e, e->route_fd);
	if (!r)
		r = add(e, e->timer_fd);
	if (r)
		adit_events_close(e);
	return r;
}

void adit_events_close(struct adit_events *e)
{
	if (e->epoll_fd < 0)
		return;
	if (e->route_fd >= 0)
		close(e->route_fd);
	if (e->timer_fd >= 0)
		close(e->timer_fd);
	if (e->dns_fd >= 0)
		close(e->dns_fd);
	close(e->epoll_fd);
	e->epoll_fd = e->route_fd = e->timer_fd = e->dns_fd = e->nft_fd = -1;
}

bool adit_events_add_nft(struct adit_events *e, struct adit_nft *nft)
{
	if (e->nft_fd < 0) {
		e->nft = nft;
		e->nft_fd = adit_nft_fd(nft);
		if (e->nft_fd >= 0 && add(e, e->nft_fd))
			e->nft_fd = -1;
	}
	return e->nft_fd >= 0;
}

bool adit_events_add_dns(struct adit_events *e)
{
	if (e->dns_fd < 0) {
		int fd = adit_dns_watch();

		if (fd >= 0 && add(e, fd)) {
			close(fd);
			fd = -1;
		}
		e->dns_fd = fd < 0 ? -1 : fd;
	}
	return e->dns_fd >= 0;
}

/* --- reading ---------------------------------------------------------------- */

static bool ours(const struct nlmsghdr *h)
{
	const struct rtmsg *rt = NLMSG_DATA(h);

	return h->nlmsg_len >= NLMSG_LENGTH(sizeof(*rt)) && rt->rtm_protocol == ADIT_ROUTE_PROTOCOL;
}

/* A busy router's routes are no reason to look; but one that was put in the place of ours is. */
static bool matters(const struct nlmsghdr *h)
{
	switch (h->nlmsg_type) {
	case RTM_DELROUTE:
		return ours(h);
	case RTM_NEWROUTE:
		return (h->nlmsg_flags & NLM_F_REPLACE) != 0;
	case RTM_DELRULE: /* whose it was is in an attribute; they are rare */
	case RTM_NEWLINK:
	case RTM_DELLINK:
	case RTM_DELADDR:
		return true;
	default:
		return false;
	}
}

static bool read_route(int fd)
{
	union {
		char buf[BUFFER_LEN];
		struct nlmsghdr align;
	} u;
	bool seen = false;
	ssize_t n;

	while ((n = recv(fd, &u, sizeof(u), 0)) > 0 || (n < 0 && (errno == ENOBUFS || errno == EINTR))) {
		const struct nlmsghdr *h = &u.align;
		size_t left = n > 0 ? (size_t)n : 0;

		seen |= n < 0 && errno == ENOBUFS; /* messages were lost */
		for (; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left))
			seen |= matters(h);
	}
	return seen;
}

/* All of it; what it says does not matter. True: there was something. */
static bool read_empty(int fd)
{
	char buf[4096] __attribute__((aligned(8)));
	bool seen = false;

	while (fd >= 0 && read(fd, buf, sizeof(buf)) > 0)
		seen = true;
	return seen;
}

bool adit_events_read(struct adit_events *e)
{
	e->dirty |= read_route(e->route_fd);
	e->dirty |= read_empty(e->dns_fd);
	if (e->nft_fd >= 0)
		e->dirty |= adit_nft_changed(e->nft);
	if (read_empty(e->timer_fd)) {
		e->dirty = true;
		e->due = ADIT_NEVER;
	}
	return e->dirty;
}

void adit_events_clear(struct adit_events *e)
{
	e->dirty = false;
}

void adit_events_wake(struct adit_events *e, adit_time at)
{
	struct itimerspec when = { 0 };

	if (at >= e->due)
		return;
	e->due = at;
	when.it_value.tv_sec = at / ADIT_SEC;
	when.it_value.tv_nsec = at % ADIT_SEC + (at % ADIT_SEC == 0);
	timerfd_settime(e->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}
