/* SPDX-License-Identifier: ISC */
/*
 * alive.h - CheckAlive: addresses inside that are pinged at an interval. The
 * pings are the data thread's; when the last answer came anybody may read.
 */
#ifndef ADIT_FORWARD_ALIVE_H
#define ADIT_FORWARD_ALIVE_H

#include <stdatomic.h>

#include "forward/config.h"
#include "relay/loop.h"

struct forward_ping {
	struct relay_sock sock;
	struct adit_addr addr;
	uint16_t seq;
	_Atomic int64_t pong_at;   /* boot time; 0 = never */
	_Atomic int64_t pong_unix; /* Unix time in seconds; 0 = never */
};

struct forward_alive {
	struct relay_loop *loop;
	struct relay_timer timer;
	adit_time interval;
	unsigned cnt;
	struct forward_ping ping[ADIT_FORWARD_ALIVE];
};

/* Both while the data thread stands still. */
void alive_init(struct forward_alive *a, struct relay_loop *loop, const struct adit_forward_config *cfg, adit_time now);
void alive_fini(struct forward_alive *a);
/* Every address has answered within the interval and two seconds. */
bool alive_ready(const struct forward_alive *a, adit_time now);

#endif
