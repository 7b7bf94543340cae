/* SPDX-License-Identifier: ISC */
/*
 * events.h - did somebody change what we made? Links, addresses, our routes and
 * rules, tables of nftables, resolv.conf: one descriptor for all
 */
#ifndef ADIT_HOST_EVENTS_H
#define ADIT_HOST_EVENTS_H

#include <stdbool.h>

#include "base/time.h"
#include "host/nft.h"

struct adit_events {
	int epoll_fd; /* readable: call adit_events_read */
	int route_fd, timer_fd;
	int dns_fd; /* -1: not asked for */
	int nft_fd; /* -1: not asked for, or there are none here */
	struct adit_nft *nft;
	bool dirty; /* seen, and not looked after yet */
	adit_time due; /* of the timer; ADIT_NEVER */
};

int adit_events_open(struct adit_events *e);
void adit_events_close(struct adit_events *e); /* also one of all zeros with epoll_fd -1 */
/* Also of nftables (its handle stays the caller's) and of resolv.conf; false: no events of those here. */
bool adit_events_add_nft(struct adit_events *e, struct adit_nft *nft);
bool adit_events_add_dns(struct adit_events *e);

/* Reads what has come; true: something of ours may be different, now or at an earlier call, since adit_events_clear. */
bool adit_events_read(struct adit_events *e);
void adit_events_clear(struct adit_events *e);
/* The descriptor becomes readable at that time too; the earliest of several calls holds. */
void adit_events_wake(struct adit_events *e, adit_time at);

adit_time adit_events_now(void);

#endif
