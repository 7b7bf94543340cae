/* SPDX-License-Identifier: ISC */
/* netns.h - network namespaces, as the kernel numbers them while they live */
#ifndef ADIT_HOST_NETNS_H
#define ADIT_HOST_NETNS_H

#include <stdbool.h>

/* Numbers of two things that each namespace has for itself; 0: not known. */
struct adit_netns {
	unsigned long long self; /* what `ip netns identify` and lsns(8) go by */
	unsigned long long proc; /* its /proc/net: to be seen of any process, without a right */
};

struct adit_netns adit_netns_own(void);
bool adit_netns_same(const struct adit_netns *a, const struct adit_netns *b);
/* Is a process in it, or is it mounted somewhere (ip netns add)? As far as can be seen from here. */
bool adit_netns_lives(const struct adit_netns *ns);

#endif
