/* SPDX-License-Identifier: ISC */
/* wait.c - an answer of the data thread, waited for by another one */
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "lib/lib.h"

struct lib_wait *lib_wait_new(void)
{
	struct lib_wait *w = calloc(1, sizeof(*w));
	pthread_condattr_t attr;

	if (!w)
		return NULL;
	w->refs = 2;
	pthread_mutex_init(&w->mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w->changed, &attr);
	pthread_condattr_destroy(&attr);
	return w;
}

static void put(struct lib_wait *w) /* the mutex is held, and released */
{
	bool last = --w->refs == 0;

	pthread_mutex_unlock(&w->mutex);
	if (!last)
		return;
	pthread_cond_destroy(&w->changed);
	pthread_mutex_destroy(&w->mutex);
	free(w);
}

void lib_wait_finish(struct lib_wait *w, int result)
{
	pthread_mutex_lock(&w->mutex);
	w->done = true;
	w->result = result;
	pthread_cond_signal(&w->changed);
	if (w->refs == 1 && result >= 0)
		close(result); /* it came too late */
	put(w);
}

void lib_wait_drop(struct lib_wait *w)
{
	pthread_mutex_lock(&w->mutex);
	w->refs--;
	put(w);
}

int lib_wait_for(struct lib_wait *w, int timeout_ms)
{
	struct timespec until;
	int r = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	if (timeout_ms > 0) {
		until.tv_sec += timeout_ms / 1000;
		until.tv_nsec += timeout_ms % 1000 * 1000000L;
		if (until.tv_nsec >= 1000000000L) {
			until.tv_sec++;
			until.tv_nsec -= 1000000000L;
		}
	}
	pthread_mutex_lock(&w->mutex);
	while (!w->done && r == 0)
		r = timeout_ms < 0 ? pthread_cond_wait(&w->changed, &w->mutex)
				   : pthread_cond_timedwait(&w->changed, &w->mutex, &until);
	r = w->done ? w->result : -ETIMEDOUT;
	put(w);
	return r;
}
