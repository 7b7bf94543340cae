/* SPDX-License-Identifier: ISC */
/* loop.c - the relay's reactor over epoll, a timing wheel and our stack's events */
#include "relay/loop.h"

#include <errno.h>
#include <unistd.h>

#define EVENTS    256  /* of one epoll_wait */
#define SOCKS_MAX 8192 /* of the stack's events in one turn */

int relay_loop_init(struct relay_loop *l, struct adit_netstack *ns, adit_time now)
{
	*l = (struct relay_loop){ .ns = ns, .now = now };
	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll_fd < 0)
		return -errno;
	adit_wheel_init(&l->wheel, now);
	adit_list_init(&l->again);
	adit_list_init(&l->defunct);
	return 0;
}

static void free_defunct(struct relay_loop *l)
{
	while (!adit_list_empty(&l->defunct)) {
		struct relay_defunct *d = adit_container_of(l->defunct.next, struct relay_defunct, link);

		adit_list_del(&d->link);
		d->free(d);
	}
}

void relay_loop_fini(struct relay_loop *l)
{
	free_defunct(l);
	if (l->epoll_fd >= 0)
		close(l->epoll_fd);
	l->epoll_fd = -1;
}

/* --- one turn ----------------------------------------------------------------- */

static int run_fds(struct relay_loop *l, adit_time now)
{
	struct epoll_event ev[EVENTS];
	int n = epoll_wait(l->epoll_fd, ev, EVENTS, 0);

	for (int i = 0; i < n; i++) {
		struct relay_fd *f = ev[i].data.ptr;

		if (f->watched) /* not closed by an event before */
			f->ready(f, ev[i].events, now);
	}
	return n > 0 ? n : 0;
}

static int run_timers(struct relay_loop *l, adit_time now)
{
	struct adit_wheel_entry *e;
	int n = 0;

	while ((e = adit_wheel_expire(&l->wheel, now))) {
		struct relay_timer *t = adit_container_of(e, struct relay_timer, entry);

		t->expired(t, now);
		n++;
	}
	return n;
}

/* What stands in line now; who queues up again has its turn next time. */
static int run_again(struct relay_loop *l, adit_time now)
{
	struct adit_list line;
	int n = 0;

	if (adit_list_empty(&l->again))
		return 0;
	line = l->again;
	line.next->prev = line.prev->next = &line;
	adit_list_init(&l->again);
	while (!adit_list_empty(&line)) {
		struct relay_again *a = adit_container_of(line.next, struct relay_again, link);

		adit_list_del(&a->link);
		a->run(a, now);
		n++;
	}
	return n;
}

static void run_syn(struct adit_sock *sock, unsigned what, adit_time now)
{
	struct adit_sock *listener = adit_tcp_listener(sock);
	struct relay_sock *s = listener ? adit_sock_user(listener) : NULL;

	adit_sock_set_user(sock, NULL);
	if (what & ADIT_EV_ERROR)
		adit_tcp_abort(sock, now);
	else if (s && s->incoming)
		s->incoming(s, sock, now);
	else
		adit_tcp_refuse(sock, -ECONNREFUSED, now);
}

static int run_socks(struct relay_loop *l, adit_time now)
{
	struct adit_sock *sock;
	unsigned what;
	int n = 0;

	while (n < SOCKS_MAX && (sock = adit_netstack_event(l->ns, &what))) {
		struct relay_sock *s = adit_sock_user(sock);

		if (what & ADIT_EV_SYN)
			run_syn(sock, what, now);
		else if (s)
			s->event(s, what, now);
		n++;
	}
	return n;
}

int relay_loop_turn(struct relay_loop *l, bool ready, adit_time now)
{
	int n = 0;

	l->now = now;
	if (adit_netstack_deadline(l->ns) <= now)
		adit_netstack_tick(l->ns, now);
	n += run_socks(l, now);
	if (ready)
		n += run_fds(l, now);
	n += run_timers(l, now);
	n += run_again(l, now);
	n += run_socks(l, now);
	free_defunct(l);
	return n;
}

void relay_loop_received(struct relay_loop *l, adit_time now)
{
	l->now = now;
	run_socks(l, now);
	adit_netstack_in_end(l->ns, now);
	free_defunct(l);
}

adit_time relay_loop_deadline(struct relay_loop *l)
{
	adit_time timer = adit_wheel_next(&l->wheel), stack = adit_netstack_deadline(l->ns);

	if (!adit_list_empty(&l->again))
		return l->now;
	return timer < stack ? timer : stack;
}

/* --- descriptors -------------------------------------------------------------- */

void relay_fd_init(struct relay_fd *f, struct relay_loop *l, int fd,
		   void (*ready)(struct relay_fd *f, uint32_t events, adit_time now))
{
	*f = (struct relay_fd){ .loop = l, .fd = fd, .ready = ready };
}

int relay_fd_watch(struct relay_fd *f, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = f };

	if (f->watched && f->events == events)
		return 0;
	if (epoll_ctl(f->loop->epoll_fd, f->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, f->fd, &ev) < 0)
		return -errno;
	f->watched = true;
	f->events = events;
	return 0;
}

void relay_fd_release(struct relay_fd *f)
{
	if (f->watched)
		epoll_ctl(f->loop->epoll_fd, EPOLL_CTL_DEL, f->fd, NULL);
	f->watched = false;
	f->fd = -1;
}

void relay_fd_close(struct relay_fd *f)
{
	int fd = f->fd;

	if (fd < 0)
		return;
	relay_fd_release(f);
	close(fd);
}

/* --- timers, and what is put off ------------------------------------------------ */

void relay_timer_init(struct relay_timer *t, struct relay_loop *l,
		      void (*expired)(struct relay_timer *t, adit_time now))
{
	*t = (struct relay_timer){ .loop = l, .expired = expired };
	adit_wheel_entry_init(&t->entry);
}

void relay_timer_set(struct relay_timer *t, adit_time due)
{
	adit_wheel_set(&t->loop->wheel, &t->entry, due);
}

void relay_again_set(struct relay_loop *l, struct relay_again *a)
{
	if (!a->link.next || adit_list_empty(&a->link))
		adit_list_add_tail(&l->again, &a->link);
}

void relay_again_cancel(struct relay_again *a)
{
	if (a->link.next)
		adit_list_del(&a->link);
}

void relay_defer_free(struct relay_loop *l, struct relay_defunct *d)
{
	adit_list_add_tail(&l->defunct, &d->link);
}
