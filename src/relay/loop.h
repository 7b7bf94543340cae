/* SPDX-License-Identifier: ISC */
/*
 * loop.h - the relay's reactor: descriptors with a function each, timers, and
 * sockets of our own stack, in one epoll descriptor that a data thread (or a
 * test) drives. One thread.
 */
#ifndef ADIT_RELAY_LOOP_H
#define ADIT_RELAY_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "base/list.h"
#include "base/time.h"
#include "base/wheel.h"
#include "netstack/netstack.h"

struct relay_loop {
	int epoll_fd;
	struct adit_netstack *ns;
	struct adit_wheel wheel;
	struct adit_list again;   /* struct relay_again: what the last turn left over */
	struct adit_list defunct; /* freed at the end of the turn: events may still name them */
	adit_time now;            /* of the turn */
	bool paused_accept;       /* no descriptor is left: listeners rest for a while */
};

/* A descriptor of the operating system. Lives inside its owner. */
struct relay_fd {
	struct relay_loop *loop;
	int fd;           /* -1: closed */
	uint32_t events;  /* EPOLLIN | EPOLLOUT as armed; level-triggered, unless EPOLLET is among them */
	bool watched;
	void (*ready)(struct relay_fd *f, uint32_t events, adit_time now);
};

/* A socket of our stack: adit_sock_user points to one of these, inside its owner. */
struct relay_sock {
	struct adit_sock *sock; /* NULL: given back */
	void (*event)(struct relay_sock *s, unsigned what, adit_time now); /* ADIT_EV_* */
	/* A listener: a SYN came, to be accepted or refused; the socket is the callee's. */
	void (*incoming)(struct relay_sock *s, struct adit_sock *sock, adit_time now);
};

struct relay_timer {
	struct adit_wheel_entry entry;
	struct relay_loop *loop;
	void (*expired)(struct relay_timer *t, adit_time now);
};

/* Work that was cut off for the sake of the others, and goes on in the next turn. */
struct relay_again {
	struct adit_list link; /* self-linked or zero: not in line */
	void (*run)(struct relay_again *a, adit_time now);
};

/* Memory that goes at the end of the turn. */
struct relay_defunct {
	struct adit_list link;
	void (*free)(struct relay_defunct *d);
};

int relay_loop_init(struct relay_loop *l, struct adit_netstack *ns, adit_time now);
void relay_loop_fini(struct relay_loop *l);
/* Polls without waiting, runs timers, ticks the stack and pulls its events. Returns what was done. */
int relay_loop_turn(struct relay_loop *l, bool ready, adit_time now);
/* Pulls the stack's events and settles what was received. */
void relay_loop_received(struct relay_loop *l, adit_time now);
adit_time relay_loop_deadline(struct relay_loop *l);

void relay_fd_init(struct relay_fd *f, struct relay_loop *l, int fd,
		   void (*ready)(struct relay_fd *f, uint32_t events, adit_time now));
/* Changes what is waited for; 0 waits for errors alone. No call when nothing changes. */
int relay_fd_watch(struct relay_fd *f, uint32_t events);
/* Stops watching without closing (the descriptor goes to somebody else). */
void relay_fd_release(struct relay_fd *f);
void relay_fd_close(struct relay_fd *f);

void relay_timer_init(struct relay_timer *t, struct relay_loop *l,
		      void (*expired)(struct relay_timer *t, adit_time now));
void relay_timer_set(struct relay_timer *t, adit_time due); /* ADIT_NEVER cancels */
void relay_again_set(struct relay_loop *l, struct relay_again *a);
void relay_again_cancel(struct relay_again *a);
void relay_defer_free(struct relay_loop *l, struct relay_defunct *d);

#endif
