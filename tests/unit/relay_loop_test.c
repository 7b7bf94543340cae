// SPDX-License-Identifier: ISC
/* relay_loop_test.c - the reactor: descriptors, timers, what is put off, what is freed */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "relay/loop.h"

static struct relay_loop loop;
static struct adit_netstack *stack;
static struct adit_budget budget;
static adit_time now;

static void no_random(void *user, void *buf, size_t len)
{
	(void)user;
	for (size_t i = 0; i < len; i++)
		((uint8_t *)buf)[i] = (uint8_t)i;
}

static int setup(void **state)
{
	const struct adit_netstack_config cfg = { .budget = &budget };
	const struct adit_netstack_ops ops = { .random = no_random };

	(void)state;
	now = 5 * ADIT_SEC;
	budget = (struct adit_budget){ .limit = 1 << 20 };
	assert_int_equal(adit_netstack_new(&stack, &cfg, &ops, NULL, now), 0);
	assert_int_equal(relay_loop_init(&loop, stack, now), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	relay_loop_fini(&loop);
	adit_netstack_free(stack);
	return 0;
}

/* A descriptor that notes what it was told, and may close another one. */
struct watched {
	struct relay_fd fd;
	unsigned calls;
	uint32_t events;
	struct relay_fd *closes;
};

static void ready(struct relay_fd *f, uint32_t events, adit_time t)
{
	struct watched *w = adit_container_of(f, struct watched, fd);

	assert_int_equal(t, now);
	w->calls++;
	w->events = events;
	if (w->closes)
		relay_fd_close(w->closes);
}

static void pair(struct watched *a, int *other)
{
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
	*a = (struct watched){ .calls = 0 };
	relay_fd_init(&a->fd, &loop, fd[0], ready);
	*other = fd[1];
}

static int turn(void)
{
	now += ADIT_MSEC;
	return relay_loop_turn(&loop, true, now);
}

static void descriptors_are_told_what_they_wait_for(void **state)
{
	struct watched a;
	int other;

	(void)state;
	pair(&a, &other);
	assert_int_equal(turn(), 0); /* not watched yet */
	assert_int_equal(relay_fd_watch(&a.fd, EPOLLIN), 0);
	assert_int_equal(turn(), 0);
	assert_int_equal(write(other, "x", 1), 1);
	assert_int_equal(turn(), 1);
	assert_int_equal(a.events, EPOLLIN);
	assert_int_equal(turn(), 1); /* level-triggered */
	assert_int_equal(relay_fd_watch(&a.fd, EPOLLIN | EPOLLET), 0);
	assert_int_equal(turn(), 1);
	assert_int_equal(turn(), 0); /* edge-triggered: once */
	assert_int_equal(relay_fd_watch(&a.fd, 0), 0);
	assert_int_equal(write(other, "x", 1), 1);
	assert_int_equal(turn(), 0);
	close(other);
	assert_int_equal(turn(), 1);
	assert_true(a.events & EPOLLHUP);
	relay_fd_close(&a.fd);
	assert_int_equal(a.fd.fd, -1);
	relay_fd_close(&a.fd); /* twice is fine */
}

static void a_turn_that_is_not_ready_asks_nobody(void **state)
{
	struct watched a;
	int other;

	(void)state;
	pair(&a, &other);
	relay_fd_watch(&a.fd, EPOLLOUT);
	now += ADIT_MSEC;
	assert_int_equal(relay_loop_turn(&loop, false, now), 0);
	assert_int_equal(turn(), 1);
	relay_fd_close(&a.fd);
	close(other);
}

static void who_was_closed_meanwhile_is_not_called(void **state)
{
	struct watched a, b;
	int other_a, other_b;

	(void)state;
	pair(&a, &other_a);
	pair(&b, &other_b);
	relay_fd_watch(&a.fd, EPOLLOUT);
	relay_fd_watch(&b.fd, EPOLLOUT);
	a.closes = &b.fd;
	b.closes = &a.fd;
	turn();
	assert_int_equal(a.calls + b.calls, 1); /* the other one's event came too late */
	relay_fd_close(&a.fd);
	relay_fd_close(&b.fd);
	close(other_a);
	close(other_b);
}

static void released_descriptors_stay_open(void **state)
{
	struct watched a;
	int other, fd;

	(void)state;
	pair(&a, &other);
	relay_fd_watch(&a.fd, EPOLLOUT);
	fd = a.fd.fd;
	relay_fd_release(&a.fd);
	assert_int_equal(turn(), 0);
	assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
	close(other);
}

struct alarm {
	struct relay_timer timer;
	unsigned rang;
	adit_time again; /* 0: no */
};

static void rings(struct relay_timer *t, adit_time at)
{
	struct alarm *a = adit_container_of(t, struct alarm, timer);

	a->rang++;
	if (a->again)
		relay_timer_set(t, at + a->again);
}

static void timers_ring_in_time_and_not_before(void **state)
{
	struct alarm a = { .again = 0 };
	adit_time due;

	(void)state;
	relay_timer_init(&a.timer, &loop, rings);
	assert_true(relay_loop_deadline(&loop) > now + 3600 * ADIT_SEC || relay_loop_deadline(&loop) == ADIT_NEVER);
	due = now + 100 * ADIT_MSEC;
	relay_timer_set(&a.timer, due);
	assert_true(relay_loop_deadline(&loop) >= due && relay_loop_deadline(&loop) <= due + ADIT_WHEEL_TICK);
	while (now < due - ADIT_MSEC)
		turn();
	assert_int_equal(a.rang, 0);
	now = relay_loop_deadline(&loop);
	turn();
	assert_int_equal(a.rang, 1);
	relay_timer_set(&a.timer, now + ADIT_SEC);
	relay_timer_set(&a.timer, ADIT_NEVER);
	now += 10 * ADIT_SEC;
	turn();
	assert_int_equal(a.rang, 1);
	a.again = ADIT_SEC;
	relay_timer_set(&a.timer, now);
	now += 10 * ADIT_MSEC;
	turn();
	assert_int_equal(a.rang, 2);
	now += 5 * ADIT_SEC; /* late: once, and again from now on */
	turn();
	assert_int_equal(a.rang, 3);
	relay_timer_set(&a.timer, ADIT_NEVER);
}

struct work {
	struct relay_again again;
	unsigned runs, left;
	struct relay_again *cancels;
};

static void run_work(struct relay_again *a, adit_time t)
{
	struct work *w = adit_container_of(a, struct work, again);

	(void)t;
	w->runs++;
	if (w->cancels)
		relay_again_cancel(w->cancels);
	if (w->left && --w->left)
		relay_again_set(&loop, a);
}

static void work_that_is_put_off_runs_once_a_turn(void **state)
{
	struct work a = { .again.run = run_work, .left = 3 }, b = { .again.run = run_work };

	(void)state;
	relay_again_set(&loop, &a.again);
	relay_again_set(&loop, &a.again); /* already in line */
	relay_again_set(&loop, &b.again);
	assert_true(relay_loop_deadline(&loop) <= now);
	turn();
	assert_int_equal(a.runs, 1);
	assert_int_equal(b.runs, 1);
	turn();
	turn();
	assert_int_equal(a.runs, 3);
	assert_int_equal(turn(), 0);
	assert_int_equal(a.runs, 3);
	a.left = 0;
	a.cancels = &b.again;
	relay_again_set(&loop, &a.again);
	relay_again_set(&loop, &b.again);
	turn();
	assert_int_equal(b.runs, 1); /* cancelled by the one before */
}

struct ghost {
	struct relay_defunct defunct;
	bool freed;
};

static void free_ghost(struct relay_defunct *d)
{
	adit_container_of(d, struct ghost, defunct)->freed = true;
}

static void memory_goes_at_the_end_of_the_turn(void **state)
{
	struct ghost g = { .defunct.free = free_ghost }, h = g;

	(void)state;
	relay_defer_free(&loop, &g.defunct);
	assert_false(g.freed);
	turn();
	assert_true(g.freed);
	relay_defer_free(&loop, &h.defunct);
	relay_loop_fini(&loop);
	assert_true(h.freed);
	assert_int_equal(relay_loop_init(&loop, stack, now), 0);
}

#define loop_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		loop_test(descriptors_are_told_what_they_wait_for),
		loop_test(a_turn_that_is_not_ready_asks_nobody),
		loop_test(who_was_closed_meanwhile_is_not_called),
		loop_test(released_descriptors_stay_open),
		loop_test(timers_ring_in_time_and_not_before),
		loop_test(work_that_is_put_off_runs_once_a_turn),
		loop_test(memory_goes_at_the_end_of_the_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
