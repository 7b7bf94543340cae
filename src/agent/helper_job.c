/* SPDX-License-Identifier: ISC */
/* helper_job.c - jobs that a child of the helper does */
#include "agent/helper_job.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/doctor.h"
#include "device/device.h"

#define DOCTOR_SECS 120

void helper_job_look(struct helper_server *s)
{
	if (s->job > 0 && waitpid(s->job, NULL, WNOHANG) == s->job)
		s->job = 0;
}

/* --- in the child -------------------------------------------------------------------- */

static int do_job(const struct helper_server *s, const struct helper_message *m, FILE *out)
{
	const struct agent_doctor_options doctor = {
		.config = s->config_path, .state_dir = s->state_dir, .network = m->path[0] ? m->path : NULL,
	};

	if (!strcmp(m->what, "cleanup"))
		return adit_cleanup_json(out, s->state_dir, m->number & HELPER_JOB_KEEP_GUARDS, m->number & HELPER_JOB_DRY_RUN);
	/* It only looks, so that nobody misses it when it is cut short. */
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	alarm(DOCTOR_SECS);
	return agent_doctor_json(out, &doctor);
}

/* Of what is open it keeps nothing: the helper's end must be seen, and its locks are its own. */
static _Noreturn void run_child(const struct helper_server *s, const struct helper_message *m, int fd)
{
	FILE *out = dup2(fd, STDERR_FILENO + 1) < 0 ? NULL : fdopen(STDERR_FILENO + 1, "w");

	close_range(STDERR_FILENO + 2, ~0u, 0);
	prctl(PR_SET_NAME, "adit-job", 0, 0, 0);
	signal(SIGPIPE, SIG_DFL);
	if (out) {
		(void)do_job(s, m, out); /* its object says how it went */
		fflush(out);
	}
	_exit(0);
}

/* --- in the helper ------------------------------------------------------------------- */

static bool is_job(const struct helper_message *m)
{
	return !strcmp(m->what, "doctor") || (!strcmp(m->what, "cleanup") && !(m->number & ~HELPER_JOB_FLAGS));
}

int helper_job_start(struct helper_server *s, struct helper_message *m, int *ret)
{
	int fd[2];

	if (!is_job(m))
		return helper_refuse(m, -EPERM, "no such job");
	if (s->events_fd < 0) /* the network process itself, in its sandbox */
		return helper_refuse(m, -EOPNOTSUPP, "the agent runs without rights: the command of that name does it");
	if (!s->keeper)
		return helper_refuse(m, -EPERM, "not before the start");
	helper_job_look(s);
	if (s->job > 0)
		return helper_refuse(m, -EBUSY, "another job is under way");
	if (pipe2(fd, O_CLOEXEC) < 0)
		return -errno;
	s->job = fork();
	if (!s->job)
		run_child(s, m, fd[1]);
	close(fd[1]);
	if (s->job > 0) {
		*ret = fd[0];
		return 0;
	}
	close(fd[0]);
	return -EAGAIN;
}
