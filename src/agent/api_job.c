/* SPDX-License-Identifier: ISC */
/* api_job.c - actions that a child of the helper does: doctor, cleanup; one at a time */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "agent/api.h"

#define PATIENCE (150 * ADIT_SEC)
#define TEXT_MAX (1u << 20)

struct agent_job {
	struct adit_watch watch; /* what it writes; fd -1: it has ended */
	struct agent *agent;
	const char *what;
	unsigned number;
	char *text;
	size_t len;
};

void agent_job_forget(struct agent *a)
{
	if (!a->job)
		return;
	if (a->job->watch.fd >= 0)
		close(a->job->watch.fd);
	free(a->job->text);
	free(a->job);
	a->job = NULL;
}

/* The event also makes its session look. */
static void end(struct agent_job *job)
{
	struct agent_event e = { .kind = "control" };

	close(job->watch.fd);
	job->watch.fd = -1;
	snprintf(e.text, sizeof(e.text), "%s has ended", job->what);
	agent_event_add(&job->agent->events, &e);
}

static void job_ready(struct adit_watch *w, uint32_t events)
{
	struct agent_job *job = adit_container_of(w, struct agent_job, watch);
	char buf[4096];
	ssize_t n = read(w->fd, buf, sizeof(buf));
	char *text = n > 0 && job->len + (size_t)n <= TEXT_MAX ? realloc(job->text, job->len + (size_t)n) : NULL;

	(void)events;
	if (!text) {
		end(job);
		return;
	}
	memcpy(text + job->len, buf, (size_t)n);
	job->text = text;
	job->len += (size_t)n;
}

/* One object and its newline: else it was cut short. */
static bool is_whole(const struct agent_job *job)
{
	return job->len > 2 && job->text[0] == '{' && job->text[job->len - 2] == '}' &&
	       memchr(job->text, '\n', job->len) == job->text + job->len - 1;
}

bool agent_api_job_over(struct agent *a, const struct agent_pending *p, adit_time now, FILE *out)
{
	const struct agent_job *job = a->job && a->job->number == p->job ? a->job : NULL;

	if (job && job->watch.fd >= 0 && now < p->deadline)
		return false;
	if (job && job->watch.fd >= 0)
		agent_api_refuse(out, p->id, "timeout", true, "it takes too long", NULL);
	else if (job && is_whole(job))
		fprintf(out, "{\"id\":%s,\"ok\":true,\"result\":%.*s}\n", p->id, (int)job->len - 1, job->text);
	else
		agent_api_refuse(out, p->id, "failed", true, "it ended without an answer", NULL);
	return true;
}

/* --- actions ------------------------------------------------------------------------- */

static int refuse(struct agent_call *c, int r, const char *why)
{
	if (r != -EBUSY)
		return agent_call_errno(c, r, why);
	c->error.retryable = true;
	return agent_call_fail(c, "busy", "ask again when it is done", "%s", why);
}

/* One whose caller went away is still to be waited for; one that has ended is nobody's. */
static int begin(struct agent_call *c, const struct helper_job *order)
{
	struct agent *a = c->agent;
	char err[512] = "";
	int fd;

	if (!c->pending)
		return agent_call_fail(c, "unsupported", NULL, "nothing can be waited for here");
	if (a->job && a->job->watch.fd >= 0)
		return refuse(c, -EBUSY, "another job is under way");
	fd = helper_job(a->helper, order, err, sizeof(err));
	if (fd < 0)
		return refuse(c, fd, err);
	agent_job_forget(a);
	a->job = calloc(1, sizeof(*a->job));
	if (!a->job) {
		close(fd);
		return agent_call_errno(c, -ENOMEM, "");
	}
	*a->job = (struct agent_job){ .watch = { fd, job_ready }, .agent = a, .what = order->what, .number = ++a->job_cnt };
	*c->pending = (struct agent_pending){ .kind = AGENT_PENDING_JOB, .deadline = c->now + PATIENCE,
					      .seen = a->events.last, .job = a->job_cnt };
	if (adit_watch_add(a->epoll_fd, &a->job->watch, EPOLLIN)) {
		agent_job_forget(a);
		return agent_call_errno(c, -ENOMEM, "");
	}
	return AGENT_API_LATER;
}

int agent_act_doctor(struct agent_call *c)
{
	const struct helper_job order = { .what = "doctor", .network = c->network ? c->network->settings->name : "" };

	return begin(c, &order);
}

int agent_act_cleanup(struct agent_call *c)
{
	struct helper_job order = { .what = "cleanup", .network = "" };

	if (agent_call_bool(c, "dry_run", &order.dry_run) ||
	    agent_call_bool(c, "keep_killswitch", &order.keep_guards))
		return -1;
	return begin(c, &order);
}
