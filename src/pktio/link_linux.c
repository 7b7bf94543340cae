/* SPDX-License-Identifier: ISC */
/* link_linux.c - rtnetlink(7) notifications about one interface, and about routes and addresses */
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pktio/link.h"

static int read_state(struct adit_link *l, const char *ifname)
{
	struct ifreq ifr = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), r = 0;

	if (fd < 0)
		return -errno;
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", ifname);
	if (ioctl(fd, SIOCGIFINDEX, &ifr) < 0)
		r = -errno;
	l->ifindex = ifr.ifr_ifindex;
	if (r == 0 && ioctl(fd, SIOCGIFFLAGS, &ifr) < 0)
		r = -errno;
	l->up = ifr.ifr_flags & IFF_UP;
	if (r == 0 && ioctl(fd, SIOCGIFMTU, &ifr) < 0)
		r = -errno;
	l->mtu = (unsigned)ifr.ifr_mtu;
	close(fd);
	return r;
}

int adit_link_open(struct adit_link *l, const char *ifname)
{
	struct sockaddr_nl a = {
		.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE |
			     RTMGRP_IPV6_ROUTE,
	};
	int r;

	l->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (l->fd < 0)
		return -errno;
	r = bind(l->fd, (struct sockaddr *)&a, sizeof(a)) < 0 ? -errno : read_state(l, ifname);
	if (r < 0)
		adit_link_close(l);
	return r;
}

void adit_link_close(struct adit_link *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}

static unsigned link_message(struct adit_link *l, const struct nlmsghdr *h)
{
	const struct ifinfomsg *info = NLMSG_DATA(h);
	unsigned len = IFLA_PAYLOAD(h), mtu = l->mtu;
	bool up = info->ifi_flags & IFF_UP;

	if (info->ifi_index != l->ifindex || info->ifi_family != AF_UNSPEC)
		return 0;
	if (h->nlmsg_type == RTM_DELLINK)
		return ADIT_LINK_LEFT;
	for (const struct rtattr *a = IFLA_RTA(info); RTA_OK(a, len); a = RTA_NEXT(a, len)) {
		if (a->rta_type == IFLA_MTU)
			memcpy(&mtu, RTA_DATA(a), sizeof(mtu));
	}
	if (up == l->up && mtu == l->mtu)
		return 0;
	l->up = up;
	l->mtu = mtu;
	return ADIT_LINK_STATE;
}

unsigned adit_link_read(struct adit_link *l)
{
	union {
		char buf[16384];
		struct nlmsghdr align;
	} u;
	unsigned events = 0;
	ssize_t n;

	while ((n = recv(l->fd, &u, sizeof(u), 0)) > 0 || (n < 0 && errno == ENOBUFS)) {
		if (n < 0) {
			char name[IF_NAMESIZE];

			/* messages were lost: read the state anew */
			if (!if_indextoname((unsigned)l->ifindex, name) || read_state(l, name) < 0)
				events |= ADIT_LINK_LEFT;
			events |= ADIT_LINK_STATE | ADIT_LINK_ROUTES;
			continue;
		}
		for (const struct nlmsghdr *h = &u.align; NLMSG_OK(h, (unsigned)n); h = NLMSG_NEXT(h, n)) {
			switch (h->nlmsg_type) {
			case RTM_NEWLINK:
			case RTM_DELLINK:
				events |= link_message(l, h);
				break;
			case RTM_NEWROUTE:
			case RTM_DELROUTE:
			case RTM_NEWADDR:
			case RTM_DELADDR:
				events |= ADIT_LINK_ROUTES;
				break;
			}
		}
	}
	return events;
}
