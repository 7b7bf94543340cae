/* SPDX-License-Identifier: ISC */
/* link.h - what happens to an interface and to routes, told by rtnetlink; no polling */
#ifndef ADIT_PKTIO_LINK_H
#define ADIT_PKTIO_LINK_H

#include <stdbool.h>

enum adit_link_event {
	ADIT_LINK_STATE = 1,  /* up or mtu may have changed */
	ADIT_LINK_LEFT = 2,   /* deleted, or moved to another network namespace */
	ADIT_LINK_ROUTES = 4, /* a route or an address came or went */
};

struct adit_link {
	int fd;
	int ifindex;
	bool up;
	unsigned mtu;
};

/* Subscribes first and then reads the state, so nothing is missed. 0 or -errno. */
int adit_link_open(struct adit_link *l, const char *ifname);
void adit_link_close(struct adit_link *l);
/* Reads what is there without waiting; returns a set of enum adit_link_event. */
unsigned adit_link_read(struct adit_link *l);

#endif
