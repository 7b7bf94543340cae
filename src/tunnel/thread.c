/* SPDX-License-Identifier: ISC */
/*
 * thread.c - a data thread: turns while there is work, epoll when there is none.
 *
 * DOC: waiting
 *
 * Descriptors that had something are tried again without asking epoll: a
 * trial read that finds nothing is cheaper than an epoll_wait that finds
 * something. Only after a turn in which nothing at all was done does the
 * thread sleep, until a descriptor or the core's deadline (a CLOCK_BOOTTIME
 * timerfd, armed only when it has to ring earlier than it would) wakes it.
 * Every REFRESH turns epoll is asked in passing, so that a descriptor that
 * became ready meanwhile is not starved by the busy ones.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "tunnel/tunnel_internal.h"

enum { REFRESH = 16, MOVED_POLL_MS = 1000 };

/* --- the gate ------------------------------------------------------------- */

static void gate_pass(struct adit_tunnel *t)
{
	struct adit_gate *g = &t->gate;

	pthread_mutex_lock(&g->mutex);
	g->parked++;
	pthread_cond_broadcast(&g->changed);
	while (atomic_load(&g->closed))
		pthread_cond_wait(&g->changed, &g->mutex);
	g->parked--;
	pthread_cond_broadcast(&g->changed);
	pthread_mutex_unlock(&g->mutex);
}

/* A thread that ends will not come to the gate any more. */
static void gate_leave(struct adit_tunnel *t)
{
	pthread_mutex_lock(&t->gate.mutex);
	t->gate.left++;
	pthread_cond_broadcast(&t->gate.changed);
	pthread_mutex_unlock(&t->gate.mutex);
}

void adit_gate_close(struct adit_tunnel *t, const struct adit_data *self)
{
	struct adit_gate *g = &t->gate;
	unsigned expected = 0;

	pthread_mutex_lock(&g->mutex);
	while (g->parked) /* the last change's threads are still leaving */
		pthread_cond_wait(&g->changed, &g->mutex);
	atomic_store(&g->closed, true);
	for (unsigned i = 0; i < t->threads; i++) {
		if (&t->data[i] != self && t->data[i].started) {
			adit_tunnel_wake(&t->data[i]);
			expected++;
		}
	}
	while (g->parked + g->left < expected)
		pthread_cond_wait(&g->changed, &g->mutex);
	pthread_mutex_unlock(&g->mutex);
}

void adit_gate_open(struct adit_tunnel *t)
{
	pthread_mutex_lock(&t->gate.mutex);
	atomic_store(&t->gate.closed, false);
	pthread_cond_broadcast(&t->gate.changed);
	pthread_mutex_unlock(&t->gate.mutex);
}

/* --- the link ------------------------------------------------------------- */

static void set_mtu(struct adit_tunnel *t, unsigned mtu)
{
	if (mtu == atomic_load(&t->engine.mtu))
		return;
	atomic_store(&t->engine.mtu, mtu);
	adit_hold_control(&t->engine.hold);
	t->engine.core->set_mtu(t->engine.state, mtu);
	adit_hold_release(&t->engine.hold);
}

/* Brings sockets and core in line with the link. */
static void follow_link(struct adit_data *d)
{
	struct adit_tunnel *t = d->tunnel;

	if (pthread_mutex_trylock(&t->config) != 0)
		return; /* after the other change */
	t->link_pending = false;
	adit_gate_close(t, d);
	set_mtu(t, t->link.mtu);
	if (t->link.up && !atomic_load(&t->up))
		adit_tunnel_go_up(t);
	else if (!t->link.up && atomic_load(&t->up))
		adit_tunnel_go_down(t);
	adit_gate_open(t);
	pthread_mutex_unlock(&t->config);
}

static void announce_gone(struct adit_tunnel *t)
{
	uint64_t one = 1;

	atomic_store(&t->stop, true);
	for (unsigned i = 0; i < t->threads; i++)
		adit_tunnel_wake(&t->data[i]);
	(void)!write(t->gone_fd, &one, sizeof(one));
}

static void link_left(struct adit_tunnel *t)
{
	if (adit_tun_state(&t->data[0].tun) == -EBADFD) {
		announce_gone(t);
		return;
	}
	t->moved = true;
	adit_notes_add(&t->engine.notes, "link: moved to another network namespace; its state is polled each second");
}

static void read_link(struct adit_data *d)
{
	struct adit_tunnel *t = d->tunnel;
	unsigned events = adit_link_read(&t->link);

	if (events & ADIT_LINK_LEFT)
		link_left(t);
	if (events & ADIT_LINK_STATE)
		t->link_pending = true;
	if (events & ADIT_LINK_ROUTES) {
		adit_hold_data(&t->engine.hold);
		t->engine.core->routes_changed(t->engine.state);
		adit_hold_release(&t->engine.hold);
	}
}

static void poll_moved(struct adit_tunnel *t)
{
	int state = adit_tun_state(&t->data[0].tun);
	bool up = state == 0;

	if (state == -EBADFD)
		announce_gone(t);
	else if (up != t->link.up) {
		t->link.up = up;
		t->link_pending = true;
	}
}

/* --- waiting -------------------------------------------------------------- */

void adit_tunnel_wake(struct adit_data *d)
{
	uint64_t one = 1;

	(void)!write(d->wake_fd, &one, sizeof(one));
}

int adit_data_watch(struct adit_data *d, int fd, unsigned what)
{
	struct epoll_event e = { .events = EPOLLIN, .data.u32 = what };

	return epoll_ctl(d->epoll_fd, EPOLL_CTL_ADD, fd, &e) < 0 ? -errno : 0;
}

/* Arms the shared timer if the core's deadline comes before it rings. */
static void arm_timer(struct adit_data *d)
{
	struct adit_tunnel *t = d->tunnel;
	struct itimerspec at = { 0 };
	adit_time deadline;

	adit_hold_data(&t->engine.hold);
	deadline = t->engine.core->deadline(t->engine.state);
	if (d->worker.guest && d->worker.guest->ops->deadline(d->worker.guest) < deadline)
		deadline = d->worker.guest->ops->deadline(d->worker.guest);
	if (deadline < t->armed) {
		if (deadline < 1)
			deadline = 1;
		t->armed = deadline;
		at.it_value.tv_sec = deadline / ADIT_SEC;
		at.it_value.tv_nsec = deadline % ADIT_SEC;
		timerfd_settime(t->timer_fd, TFD_TIMER_ABSTIME, &at, NULL);
	}
	adit_hold_release(&t->engine.hold);
}

static void timer_rang(struct adit_tunnel *t)
{
	uint64_t n;

	adit_hold_data(&t->engine.hold);
	if (read(t->timer_fd, &n, sizeof(n)) == sizeof(n))
		t->armed = ADIT_NEVER;
	adit_hold_release(&t->engine.hold);
}

static unsigned wait_ready(struct adit_data *d, int timeout_ms)
{
	struct epoll_event e[8];
	int n = epoll_wait(d->epoll_fd, e, 8, timeout_ms);
	unsigned ready = 0;
	uint64_t dummy;

	for (int i = 0; i < n; i++) {
		unsigned what = e[i].data.u32;

		if (what == ADIT_WATCH_WAKE)
			(void)!read(d->wake_fd, &dummy, sizeof(dummy));
		else if (what == ADIT_WATCH_TIMER)
			timer_rang(d->tunnel);
		else if (what == ADIT_WATCH_LINK)
			read_link(d);
		else
			ready |= what;
		/* an error without data must not make us spin: it is taken from the socket */
		if (e[i].events & EPOLLERR && what & (ADIT_READY_OUTER4 | ADIT_READY_OUTER6))
			adit_udp_drain_errors(&d->udp);
	}
	return ready;
}

static int sleep_time(const struct adit_data *d)
{
	adit_time at = adit_worker_forget_at(&d->worker), left;

	if (adit_shield_due(d) < at)
		at = adit_shield_due(d);
	if (d->id == 0 && d->tunnel->moved)
		return MOVED_POLL_MS;
	if (at == ADIT_NEVER)
		return -1;
	left = at - adit_tunnel_now();
	return left > 0 ? (int)(left / ADIT_MSEC) + 1 : 0;
}

/* --- the thread ----------------------------------------------------------- */

static unsigned turn(struct adit_data *d, unsigned ready, unsigned *turns)
{
	struct adit_tunnel *t = d->tunnel;
	adit_time now = adit_tunnel_now();
	int done;

	done = adit_worker_turn(&d->worker, ready, now);
	if (done == -EBADFD) {
		announce_gone(t);
		return 0;
	}
	adit_shield_turn(d, now);
	if (done > 0)
		return ++*turns % REFRESH ? ready : ready | wait_ready(d, 0);
	if (d->id == 0 && t->link_pending) /* config was taken: it is freed once we pass the gate */
		return wait_ready(d, 1);
	arm_timer(d);
	ready = wait_ready(d, sleep_time(d));
	if (d->id == 0 && t->moved)
		poll_moved(t);
	return ready;
}

static void *run(void *arg)
{
	struct adit_data *d = arg;
	struct adit_tunnel *t = d->tunnel;
	unsigned ready = ADIT_READY_INNER, turns = 0;
	char name[16];

	snprintf(name, sizeof(name), "adit-data%u", d->id);
	pthread_setname_np(pthread_self(), name); /* another thread would need a file for it */

	while (!atomic_load_explicit(&t->stop, memory_order_relaxed)) {
		if (atomic_load_explicit(&t->gate.closed, memory_order_acquire))
			gate_pass(t);
		if (d->id == 0 && t->link_pending)
			follow_link(d);
		atomic_store_explicit(&d->answered, atomic_load_explicit(&d->asked, memory_order_relaxed),
				      memory_order_relaxed);
		ready = turn(d, ready, &turns);
	}
	adit_worker_forget(&d->worker);
	gate_leave(t);
	return NULL;
}

int adit_data_start(struct adit_data *d)
{
	sigset_t all, old;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = -pthread_create(&d->thread, NULL, run, d);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r < 0)
		return r;
	d->started = true;
	return 0;
}
