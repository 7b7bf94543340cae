/* SPDX-License-Identifier: ISC */
/* base_wheel_test.c - the wheel against a plain array, far jumps, and needless wake-ups */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>

#include <stdlib.h>

#include <cmocka.h>

#include "base/wheel.h"

#define DAY (86400 * ADIT_SEC)

struct timer {
	struct adit_wheel_entry e;
	adit_time due; /* ADIT_NEVER: not armed */
	bool late;     /* was past when it was set: comes out soon, in no order */
};

static struct timer *timer_of(struct adit_wheel_entry *e)
{
	return adit_container_of(e, struct timer, e);
}

static adit_time random_span(void)
{
	/* every order of magnitude from nanoseconds to years alike */
	static const adit_time max[] = { ADIT_MSEC / 10, 10 * ADIT_MSEC,  ADIT_SEC,	 20 * ADIT_SEC, 600 * ADIT_SEC,
					 DAY,		 100 * DAY,	  1000 * DAY, 10000 * DAY };
	adit_time r = ((adit_time)random() << 31 | random()) & INT64_MAX;

	return r % max[(size_t)random() % (sizeof(max) / sizeof(max[0]))];
}

static adit_time earliest(const struct timer *timers, int cnt)
{
	adit_time min = ADIT_NEVER;

	for (int i = 0; i < cnt; i++)
		min = timers[i].due < min ? timers[i].due : min;
	return min;
}

/* All that is due at now, and nothing else, comes out; in order of ticks. */
static void expire_all(struct adit_wheel *w, struct timer *timers, int cnt, adit_time now)
{
	int64_t last = 0;

	for (;;) {
		struct adit_wheel_entry *e = adit_wheel_expire(w, now);
		struct timer *t;

		if (!e)
			break;
		t = timer_of(e);
		assert_true(t->due != ADIT_NEVER);
		assert_true(t->due <= now); /* never early */
		assert_true(e->due == ADIT_NEVER);
		if (!t->late) {
			assert_true((t->due + w->tick_len - 1) / w->tick_len >= last);
			last = (t->due + w->tick_len - 1) / w->tick_len;
		}
		t->due = ADIT_NEVER;
	}
	/* what is left is not due, or has been for less than a tick */
	for (int i = 0; i < cnt; i++)
		assert_true(timers[i].due > now - w->tick_len);
}

static void run(unsigned seed, int cnt, adit_time start, adit_time tick_len)
{
	struct timer *timers = calloc((size_t)cnt, sizeof(*timers));
	struct adit_wheel *w = calloc(1, sizeof(*w));
	adit_time now = start;

	assert_non_null(timers);
	assert_non_null(w);
	srandom(seed);
	if (tick_len == ADIT_WHEEL_TICK)
		adit_wheel_init(w, now);
	else
		adit_wheel_init_tick(w, tick_len, now);
	for (int i = 0; i < cnt; i++) {
		if (i % 2) /* all zero will do as well */
			adit_wheel_entry_init(&timers[i].e);
		timers[i].due = ADIT_NEVER;
	}
	for (int step = 0; step < 4000 && now < 90000 * DAY; step++) { /* INT64_MAX is day 106751 */
		struct timer *t = &timers[random() % cnt];
		adit_time min, next;

		switch (random() % 6) {
		case 0:
		case 1:
			t->due = now + random_span();
			t->late = false;
			adit_wheel_set(w, &t->e, t->due);
			break;
		case 2: /* in the past */
			t->due = now > DAY ? now - random_span() % DAY : now;
			t->late = true;
			adit_wheel_set(w, &t->e, t->due);
			break;
		case 3:
			if (random() % 2)
				adit_wheel_cancel(w, &t->e);
			else
				adit_wheel_set(w, &t->e, ADIT_NEVER);
			t->due = ADIT_NEVER;
			break;
		case 4:
			now += random_span() % (3 * DAY);
			expire_all(w, timers, cnt, now);
			break;
		case 5: /* exactly to the next deadline */
			next = adit_wheel_next(w);
			if (next != ADIT_NEVER && next > now)
				now = next;
			expire_all(w, timers, cnt, now);
			break;
		}
		min = earliest(timers, cnt);
		next = adit_wheel_next(w);
		if (min == ADIT_NEVER) {
			assert_true(next == ADIT_NEVER);
		} else {
			/* not later than a tick after the deadline, and not before it, as there is no crowd */
			assert_true(next < min + tick_len || next <= now + tick_len);
			if (cnt <= 16)
				assert_true(next >= min || next <= now);
		}
	}
	free(timers);
	free(w);
}

static void test_random(void **state)
{
	(void)state;
	for (unsigned seed = 0; seed < 60; seed++) {
		run(seed, 3, 0, ADIT_WHEEL_TICK);
		run(seed, 16, 12345 * ADIT_SEC, ADIT_WHEEL_TICK);
		run(seed, 200, 0, ADIT_WHEEL_TICK);
		run(seed, 100, 3000 * DAY, ADIT_WHEEL_TICK); /* across the top level's turn, at 3181 days */
	}
}

static void test_other_ticks(void **state)
{
	(void)state;
	for (unsigned seed = 0; seed < 20; seed++) {
		run(seed, 16, 12345 * ADIT_SEC, ADIT_MSEC / 4);
		run(seed, 100, 190 * DAY, ADIT_MSEC / 4); /* its top level turns at 198 days */
		run(seed, 16, 5 * ADIT_SEC, 1000003); /* nothing needs it to be round */
	}
}

/* One entry nine minutes away: one wake-up, at its tick, whatever the phase. */
static void test_no_needless_wakeups(void **state)
{
	static struct adit_wheel w;
	struct adit_wheel_entry e;

	(void)state;
	for (int phase = 0; phase < 5000; phase += 7) {
		adit_time now = 1000 * ADIT_SEC + phase * (adit_time)31415926, due = now + 540 * ADIT_SEC, next;

		adit_wheel_init(&w, now);
		adit_wheel_entry_init(&e);
		adit_wheel_set(&w, &e, due);
		next = adit_wheel_next(&w);
		assert_true(next >= due && next < due + ADIT_WHEEL_TICK);
		assert_null(adit_wheel_expire(&w, next - 1));
		assert_true(adit_wheel_next(&w) == next);
		assert_ptr_equal(adit_wheel_expire(&w, next), &e);
		assert_null(adit_wheel_expire(&w, next));
		assert_true(adit_wheel_next(&w) == ADIT_NEVER);
	}
}

/* A timer pushed back all the time, as by traffic, wakes nobody. */
static void test_pushed_back(void **state)
{
	static struct adit_wheel w;
	struct adit_wheel_entry e, other;
	adit_time now = 0;

	(void)state;
	adit_wheel_init(&w, now);
	adit_wheel_entry_init(&e);
	adit_wheel_entry_init(&other);
	adit_wheel_set(&w, &other, 3600 * ADIT_SEC);
	for (int i = 0; i < 10000; i++) {
		now += 100 * ADIT_MSEC;
		adit_wheel_set(&w, &e, now + 15 * ADIT_SEC);
		assert_true(adit_wheel_next(&w) >= now + 15 * ADIT_SEC);
		assert_null(adit_wheel_expire(&w, now));
	}
	adit_wheel_cancel(&w, &e);
	assert_true(adit_wheel_next(&w) == 3600 * ADIT_SEC);
	adit_wheel_cancel(&w, &other);
	assert_true(adit_wheel_next(&w) == ADIT_NEVER);
}

/* A crowd in one slot is spread in slices: each call is short, none is lost,
 * and NULL while the deadline is not after now means "call again". */
static void test_crowd(void **state)
{
	enum { CNT = 20000 };
	static struct adit_wheel w;
	struct timer *timers = calloc(CNT, sizeof(*timers));
	adit_time now = 0;
	int fired = 0, calls = 0;

	(void)state;
	assert_non_null(timers);
	adit_wheel_init(&w, now);
	for (int i = 0; i < CNT; i++) {
		timers[i].due = 200 * ADIT_SEC + i % 1000 * ADIT_MSEC;
		adit_wheel_set(&w, &timers[i].e, timers[i].due);
	}
	for (now = 200 * ADIT_SEC; now < 202 * ADIT_SEC; now += 50 * ADIT_MSEC) {
		while (adit_wheel_next(&w) <= now) {
			struct adit_wheel_entry *e = adit_wheel_expire(&w, now);

			assert_true(++calls < 2 * CNT);
			if (!e)
				continue;
			assert_true(timer_of(e)->due <= now);
			assert_true(timer_of(e)->due > now - 55 * ADIT_MSEC);
			fired++;
		}
	}
	assert_int_equal(fired, CNT);
	assert_true(calls > CNT + 10); /* there were slices */
	free(timers);
}

/* Many entries past the top level's turn, reached in one jump: all come, in order. */
static void test_far(void **state)
{
	enum { CNT = 3000 };
	static struct adit_wheel w;
	struct timer *timers = calloc(CNT, sizeof(*timers));
	adit_time last = 0;
	int fired = 0;

	(void)state;
	assert_non_null(timers);
	adit_wheel_init(&w, 0);
	for (int i = 0; i < CNT; i++) {
		timers[i].due = 4000 * DAY + (CNT - i) * ADIT_SEC;
		if (i % 3 == 0)
			timers[i].due += 9000 * DAY; /* and another turn on */
		adit_wheel_set(&w, &timers[i].e, timers[i].due);
	}
	assert_true(adit_wheel_next(&w) == 4000 * DAY + ADIT_SEC);
	while (adit_wheel_next(&w) != ADIT_NEVER) {
		adit_time now = adit_wheel_next(&w);
		struct adit_wheel_entry *e = adit_wheel_expire(&w, now);

		assert_true(now >= last);
		last = now;
		if (!e)
			continue;
		assert_true(timer_of(e)->due == now); /* they are whole ticks */
		fired++;
	}
	assert_int_equal(fired, CNT);
	free(timers);
}

/* An entry may be set again, or another cancelled, between two of a tick. */
static void test_change_while_expiring(void **state)
{
	static struct adit_wheel w;
	struct adit_wheel_entry e[3];

	(void)state;
	adit_wheel_init(&w, 0);
	for (int i = 0; i < 3; i++) {
		adit_wheel_entry_init(&e[i]);
		adit_wheel_set(&w, &e[i], ADIT_SEC);
	}
	assert_ptr_equal(adit_wheel_expire(&w, ADIT_SEC), &e[0]);
	adit_wheel_set(&w, &e[0], 0); /* long past: at once */
	adit_wheel_cancel(&w, &e[1]);
	assert_true(adit_wheel_next(&w) <= ADIT_SEC);
	assert_ptr_equal(adit_wheel_expire(&w, ADIT_SEC), &e[2]);
	assert_ptr_equal(adit_wheel_expire(&w, ADIT_SEC), &e[0]);
	assert_null(adit_wheel_expire(&w, ADIT_SEC));
	adit_wheel_cancel(&w, &e[1]); /* twice is fine */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random), cmocka_unit_test(test_other_ticks), cmocka_unit_test(test_no_needless_wakeups),
		cmocka_unit_test(test_pushed_back), cmocka_unit_test(test_crowd), cmocka_unit_test(test_far),
		cmocka_unit_test(test_change_while_expiring),
	};

	return cmocka_run_group_tests_name("base_wheel", tests, NULL, NULL);
}
