/* SPDX-License-Identifier: ISC */
/*
 * hold.h - the hold of a device: a mutex that data threads take for moments
 * and control for slices of work. Control lets a waiting data thread go first.
 */
#ifndef ADIT_TUNNEL_HOLD_H
#define ADIT_TUNNEL_HOLD_H

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

struct adit_hold {
	pthread_mutex_t mutex;
	atomic_uint waiting; /* data threads that wait now */
};

static inline void adit_hold_data(struct adit_hold *h)
{
	if (pthread_mutex_trylock(&h->mutex) == 0)
		return;
	atomic_fetch_add_explicit(&h->waiting, 1, memory_order_relaxed);
	pthread_mutex_lock(&h->mutex);
	atomic_fetch_sub_explicit(&h->waiting, 1, memory_order_relaxed);
}

static inline void adit_hold_control(struct adit_hold *h)
{
	while (atomic_load_explicit(&h->waiting, memory_order_relaxed))
		sched_yield();
	pthread_mutex_lock(&h->mutex);
}

static inline void adit_hold_release(struct adit_hold *h)
{
	pthread_mutex_unlock(&h->mutex);
}

#endif
