/* SPDX-License-Identifier: ISC */
/* in_threads.h - the same work in four threads at once; for tests of what several threads may share */
#ifndef ADIT_TESTS_IN_THREADS_H
#define ADIT_TESTS_IN_THREADS_H

#include <pthread.h>

struct job {
	pthread_t thread;
	unsigned id;
	const char *(*work)(unsigned id);
	const char *failure;
};

static void *job_run(void *arg)
{
	struct job *job = arg;

	job->failure = job->work(job->id);
	return NULL;
}

/* work(1) to work(4), each in a thread; what one of them says instead of NULL is a failure. */
static void in_four_threads(const char *(*work)(unsigned id))
{
	struct job jobs[4];

	for (unsigned i = 0; i < 4; i++) {
		jobs[i].id = i + 1;
		jobs[i].work = work;
		assert_int_equal(pthread_create(&jobs[i].thread, NULL, job_run, &jobs[i]), 0);
	}
	for (int i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(jobs[i].thread, NULL), 0);
		if (jobs[i].failure)
			fail_msg("thread %d: %s", i, jobs[i].failure);
	}
}

#endif
