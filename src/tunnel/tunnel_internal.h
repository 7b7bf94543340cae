/* SPDX-License-Identifier: ISC */
/* tunnel_internal.h - a tunnel's insides, shared by tunnel.c, thread.c and sockets.c */
#ifndef ADIT_TUNNEL_INTERNAL_H
#define ADIT_TUNNEL_INTERNAL_H

#include <pthread.h>

#include "pktio/link.h"
#include "pktio/tun.h"
#include "pktio/udp.h"
#include "tunnel/shield.h"
#include "tunnel/tunnel.h"
#include "tunnel/worker.h"

/* A worker with descriptors, buffers and a thread. */
struct adit_data {
	struct adit_tunnel *tunnel;
	unsigned id;
	struct adit_worker worker;
	struct adit_tun tun;
	struct adit_inner *inner; /* tun's, or the one that was given */
	struct adit_udp udp;
	struct adit_shield shield;
	struct adit_crypto *crypto;
	int epoll_fd, wake_fd;
	pthread_t thread;
	bool started;
	atomic_uint asked, answered; /* whether it still runs; control writes the one, the thread the other */
};

/*
 * DOC: the gate
 *
 * Sockets and the MTU are changed while all data threads stand still at the
 * gate: the changer closes it, wakes every thread, and waits until all others
 * have come. There is one changer at a time (`config`): the control thread,
 * or data thread 0 when the link's state changes. Data thread 0 never waits
 * for `config`: it tries, and comes back after passing the gate.
 */
struct adit_gate {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	unsigned parked; /* stand at the gate */
	unsigned left;   /* have ended */
	_Atomic bool closed;
};

struct adit_tunnel {
	struct adit_engine engine;
	char ifname[ADIT_IFNAME_LEN]; /* "" = a descriptor without a name */
	unsigned threads;
	struct adit_data *data; /* one a thread */
	unsigned probed;        /* offloads */

	pthread_mutex_t config; /* one change at a time */
	struct adit_gate gate;
	_Atomic bool stop;
	_Atomic bool up;        /* sockets are open */
	uint16_t port;          /* wanted; under config */
	uint32_t mark;          /* under config */
	struct adit_addr bind;
	char bind_device[ADIT_IFNAME_LEN];
	const struct adit_rights *rights; /* or NULL */

	struct adit_link link;  /* data thread 0's */
	bool link_pending;      /* a change that has still to be taken over */
	bool moved;             /* to another namespace: its state is polled once a second */

	int timer_fd;
	adit_time armed;        /* under the hold */
	int gone_fd;
};

/* thread.c */
int adit_data_start(struct adit_data *d);
void adit_tunnel_wake(struct adit_data *d);
int adit_data_watch(struct adit_data *d, int fd, unsigned what);
void adit_gate_close(struct adit_tunnel *t, const struct adit_data *self);
void adit_gate_open(struct adit_tunnel *t);

/* What an epoll event is about: enum adit_ready, and these. */
enum {
	ADIT_WATCH_WAKE = 8,
	ADIT_WATCH_TIMER = 16,
	ADIT_WATCH_LINK = 32,
};

/* sockets.c; under config and with the gate closed (or before the threads start) */
int adit_sockets_open(struct adit_tunnel *t, uint16_t port);
void adit_sockets_close(struct adit_tunnel *t);
void adit_tunnel_go_up(struct adit_tunnel *t);
void adit_tunnel_go_down(struct adit_tunnel *t);

#endif
