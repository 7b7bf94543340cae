/* SPDX-License-Identifier: ISC */
/*
 * moves.c - what the machine tells about its ways out and its clocks
 *
 * DOC: sleep and clocks
 *
 * CLOCK_BOOTTIME goes on in sleep and CLOCK_MONOTONIC does not: when their distance
 * grows, the machine slept. A timer of the wall clock that is cancelled by any
 * setting of it (the kernel also does that on waking) makes us look at once;
 * otherwise the look comes with the next tick. The distance of wall time from boot
 * time says whether the clock was set back; a configuration or a journal that was
 * written later than now says that it was wrong before we came.
 */
#include "agent/moves.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define SETTLE      (300 * ADIT_MSEC)
#define APART       ADIT_SEC       /* between two tellings */
#define SLEPT       (2 * ADIT_SEC) /* less is not worth a word */
#define SET_BACK    ADIT_SEC
#define OUR_ROUTES  97
#define OWN_LINKS   64
#define FAR_AHEAD   (INT64_C(1) << 33) /* s */

struct agent_moves {
	struct agent *agent;
	struct adit_watch netlink, clock;
	adit_time tell_at, told_at;
	unsigned own[OWN_LINKS], own_cnt; /* ours, or were: their end is no news */
	adit_time slept;           /* boot time less monotonic time */
	adit_time wall, wall_most; /* wall time less boot time */
	adit_time written;         /* wall time: the newest of our files is from then */
};

static adit_time clock_of(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return ts.tv_sec * ADIT_SEC + ts.tv_nsec;
}

static void tell_soon(struct agent_moves *m, adit_time now)
{
	adit_time at = now + SETTLE;

	if (at < m->told_at + APART)
		at = m->told_at + APART;
	if (m->tell_at == ADIT_NEVER)
		m->tell_at = at;
}

/* --- links, addresses, routes ------------------------------------------------------- */

static unsigned route_interface(const struct nlmsghdr *h)
{
	const struct rtmsg *rt = NLMSG_DATA(h);
	unsigned len = RTM_PAYLOAD(h), index = 0;

	for (const struct rtattr *a = RTM_RTA(rt); RTA_OK(a, len); a = RTA_NEXT(a, len))
		if (a->rta_type == RTA_OIF)
			memcpy(&index, RTA_DATA(a), sizeof(index));
	return index;
}

static bool matters(const struct nlmsghdr *h, bool (*ours)(void *user, unsigned ifindex), void *user)
{
	const struct rtmsg *rt = NLMSG_DATA(h);
	const struct ifinfomsg *link = NLMSG_DATA(h);
	const struct ifaddrmsg *addr = NLMSG_DATA(h);

	switch (h->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		return h->nlmsg_len >= NLMSG_LENGTH(sizeof(*link)) && !ours(user, (unsigned)link->ifi_index);
	case RTM_NEWADDR:
	case RTM_DELADDR:
		return h->nlmsg_len >= NLMSG_LENGTH(sizeof(*addr)) && !ours(user, addr->ifa_index);
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		if (h->nlmsg_len < NLMSG_LENGTH(sizeof(*rt)) || rt->rtm_protocol == OUR_ROUTES ||
		    rt->rtm_table == RT_TABLE_LOCAL || rt->rtm_flags & RTM_F_CLONED)
			return false;
		return !ours(user, route_interface(h));
	}
	return false;
}

bool agent_moves_judge(const void *msg, size_t len, bool (*ours)(void *user, unsigned ifindex), void *user)
{
	const struct nlmsghdr *h = msg;
	bool any = false;
	int left = (int)len;

	for (; NLMSG_OK(h, (unsigned)left); h = NLMSG_NEXT(h, left))
		any |= matters(h, ours, user);
	return any;
}

static bool is_ours(void *user, unsigned ifindex)
{
	struct agent_moves *m = user;
	char name[IF_NAMESIZE];

	for (unsigned i = 0; i < OWN_LINKS && i < m->own_cnt; i++)
		if (m->own[i] == ifindex)
			return true;
	if (!ifindex || !if_indextoname(ifindex, name))
		return false;
	for (const struct agent_network *n = m->agent->networks; n; n = n->next) {
		if (!strcmp(n->ifname, name)) {
			m->own[m->own_cnt++ % OWN_LINKS] = ifindex;
			return true;
		}
	}
	return false;
}

static void netlink_ready(struct adit_watch *w, uint32_t events)
{
	struct agent_moves *m = adit_container_of(w, struct agent_moves, netlink);
	char buf[16384] __attribute__((aligned(NLMSG_ALIGNTO)));
	bool any = false;

	(void)events;
	for (int i = 0; i < 64; i++) {
		ssize_t n = recv(w->fd, buf, sizeof(buf), MSG_DONTWAIT);

		if (n < 0 && errno == ENOBUFS)
			any = true; /* more than fits: something surely matters */
		else if (n <= 0)
			break;
		else
			any |= agent_moves_judge(buf, (size_t)n, is_ours, m);
	}
	if (any)
		tell_soon(m, clock_of(CLOCK_BOOTTIME));
}

/* Our own routes come by the thousand: they shall not fill the buffer so that others' are lost. */
static void leave_out_ours(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_type)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_NEWROUTE), 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_DELROUTE), 0, 3),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, NLMSG_HDRLEN + offsetof(struct rtmsg, rtm_protocol)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OUR_ROUTES, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	};
	struct sock_fprog prog = { .len = sizeof(code) / sizeof(code[0]), .filter = code };

	setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog));
}

static int open_netlink(struct agent_moves *m)
{
	struct sockaddr_nl a = {
		.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE |
			     RTMGRP_IPV6_ROUTE,
	};

	m->netlink.ready = netlink_ready;
	m->netlink.fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (m->netlink.fd >= 0)
		leave_out_ours(m->netlink.fd);
	if (m->netlink.fd < 0 || bind(m->netlink.fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		return -errno;
	return adit_watch_add(m->agent->epoll_fd, &m->netlink, EPOLLIN);
}

/* --- clocks -------------------------------------------------------------------------- */

static void arm_clock(struct agent_moves *m)
{
	struct itimerspec far = { .it_value.tv_sec = FAR_AHEAD };

	timerfd_settime(m->clock.fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &far, NULL);
}

static void event(struct agent *a, const char *text)
{
	struct agent_event ev = { .kind = "agent" };

	snprintf(ev.text, sizeof(ev.text), "%s", text);
	agent_event_add(&a->events, &ev);
}

static void look_at_clocks(struct agent_moves *m)
{
	adit_time boot = clock_of(CLOCK_BOOTTIME), slept = boot - clock_of(CLOCK_MONOTONIC);
	adit_time wall = clock_of(CLOCK_REALTIME) - boot;
	char text[128];

	if (slept - m->slept > SLEPT) {
		snprintf(text, sizeof(text), "this machine slept for %lld s", (long long)((slept - m->slept) / ADIT_SEC));
		event(m->agent, text);
		tell_soon(m, boot);
	}
	if (m->wall - wall > SET_BACK) {
		snprintf(text, sizeof(text), "the clock was set back by %lld s: peers may refuse new handshakes until it "
			 "is right again", (long long)((m->wall - wall) / ADIT_SEC));
		event(m->agent, text);
	}
	if (wall - m->wall > SET_BACK)
		tell_soon(m, boot); /* handshakes that were refused may pass now */
	m->slept = slept;
	m->wall = wall;
	if (wall > m->wall_most)
		m->wall_most = wall;
}

static void clock_ready(struct adit_watch *w, uint32_t events)
{
	struct agent_moves *m = adit_container_of(w, struct agent_moves, clock);
	uint64_t n;

	(void)events;
	(void)!read(w->fd, &n, sizeof(n)); /* -ECANCELED: the clock was set */
	arm_clock(m);
	look_at_clocks(m);
}

adit_time agent_clock_behind(const struct agent *a)
{
	const struct agent_moves *m = a->moves;
	adit_time behind, files;

	if (!m)
		return 0;
	behind = m->wall_most - m->wall;
	files = m->written - (m->wall + clock_of(CLOCK_BOOTTIME));
	if (files > behind)
		behind = files;
	return behind > SET_BACK ? behind : 0;
}

static void note_file(struct agent_moves *m, const char *path)
{
	struct stat st;

	if (!stat(path, &st) && st.st_mtim.tv_sec * ADIT_SEC + st.st_mtim.tv_nsec > m->written)
		m->written = st.st_mtim.tv_sec * ADIT_SEC + st.st_mtim.tv_nsec;
}

/* Those that we may see; none is needed. */
static void note_files(struct agent_moves *m)
{
	const struct agent_config *c = m->agent->config;

	for (size_t i = 0; i < c->file_cnt; i++)
		note_file(m, c->files[i]);
	if (c->state_dir[0])
		note_file(m, c->state_dir);
}

static int open_clock(struct agent_moves *m)
{
	m->clock.ready = clock_ready;
	m->clock.fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (m->clock.fd < 0)
		return -errno;
	arm_clock(m);
	m->slept = clock_of(CLOCK_BOOTTIME) - clock_of(CLOCK_MONOTONIC);
	m->wall = m->wall_most = clock_of(CLOCK_REALTIME) - clock_of(CLOCK_BOOTTIME);
	return adit_watch_add(m->agent->epoll_fd, &m->clock, EPOLLIN);
}

/* --- life ----------------------------------------------------------------------------- */

adit_time agent_moves_due(const struct agent *a)
{
	return a->moves ? a->moves->tell_at : ADIT_NEVER;
}

void agent_moves_tick(struct agent *a, adit_time now)
{
	struct agent_moves *m = a->moves;

	if (!m)
		return;
	look_at_clocks(m);
	if (m->tell_at > now)
		return;
	m->tell_at = ADIT_NEVER;
	m->told_at = now;
	agent_networks_moved(a, now);
}

int agent_moves_init(struct agent *a)
{
	struct agent_moves *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return -ENOMEM;
	m->agent = a;
	m->netlink.fd = m->clock.fd = -1;
	m->tell_at = ADIT_NEVER;
	m->told_at = INT64_MIN / 2;
	note_files(m);
	a->moves = m;
	r = open_netlink(m);
	if (!r)
		r = open_clock(m);
	if (r)
		agent_moves_fini(a);
	return r;
}

void agent_moves_fini(struct agent *a)
{
	if (!a->moves)
		return;
	if (a->moves->netlink.fd >= 0)
		close(a->moves->netlink.fd);
	if (a->moves->clock.fd >= 0)
		close(a->moves->clock.fd);
	free(a->moves);
	a->moves = NULL;
}
