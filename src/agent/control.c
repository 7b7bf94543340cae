/* SPDX-License-Identifier: ISC */
/* control.c - the agent's sockets for those who ask, and their life */
#include "agent/control.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "agent/control_internal.h"
#include "base/filename.h"
#include "host/unixsock.h"

#define SAMPLE_WATCHED   ADIT_SEC
#define SAMPLE_UNWATCHED (10 * ADIT_SEC)
#define WATCHED_FOR      (60 * ADIT_SEC)
#define SAMPLE_SHARE     20 /* notes take at most this part of the time */

adit_time agent_control_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return ts.tv_sec * ADIT_SEC + ts.tv_nsec;
}

/* --- who comes in ----------------------------------------------------------------- */

bool agent_control_may_ask(struct agent_control *c, uid_t uid, adit_time now)
{
	struct agent_asker *a = NULL, *oldest = &c->asker[0];
	double tokens;

	for (size_t i = 0; i < sizeof(c->asker) / sizeof(c->asker[0]) && !a; i++) {
		if (c->asker[i].filled && c->asker[i].uid == uid)
			a = &c->asker[i];
		else if (c->asker[i].filled < oldest->filled)
			oldest = &c->asker[i];
	}
	if (!a) {
		a = oldest;
		*a = (struct agent_asker){ uid, AGENT_ASK_BURST, now };
	}
	tokens = a->tokens + (double)(now - a->filled) / ADIT_SEC * AGENT_ASK_PER_SECOND;
	a->tokens = tokens > AGENT_ASK_BURST ? AGENT_ASK_BURST : tokens;
	a->filled = now;
	if (a->tokens < 1)
		return false;
	a->tokens -= 1;
	return true;
}

static void note_refusal(struct agent_control *c, const struct agent_caller *caller, const char *why, adit_time now)
{
	struct agent_event e = { .kind = "control" };

	snprintf(e.text, sizeof(e.text), "connection refused: uid %u, pid %d %s", (unsigned)caller->uid,
		 (int)caller->pid, why);
	agent_event_refused(&c->agent->events, &e, caller->uid, now);
}

/* Of those of the uid (or of all) with no more than this role, the one that was silent longest and is owed nothing. */
static struct agent_session *most_silent(struct agent_control *c, const uid_t *uid, enum agent_role most)
{
	struct agent_session *found = NULL;

	for (struct adit_list *l = c->sessions.next; l != &c->sessions; l = l->next) {
		struct agent_session *s = adit_container_of(l, struct agent_session, link);

		if ((uid && s->caller.uid != *uid) || s->role > most)
			continue;
		if (s->state != AGENT_SESSION_PENDING && (!found || s->touched < found->touched))
			found = s;
	}
	return found;
}

static unsigned count(const struct agent_control *c, const uid_t *uid, enum agent_role most)
{
	unsigned n = 0;

	for (struct adit_list *l = c->sessions.next; l != &c->sessions; l = l->next) {
		const struct agent_session *s = adit_container_of(l, struct agent_session, link);

		n += (!uid || s->caller.uid == *uid) && s->role <= most;
	}
	return n;
}

/* Of all places, where some are kept for admins. */
static bool is_over(const struct agent_control *c, enum agent_role role, unsigned more)
{
	if (c->session_cnt + more > AGENT_SESSIONS_MAX)
		return true;
	return role < AGENT_ROLE_ADMIN &&
	       count(c, NULL, AGENT_ROLE_OPERATOR) + more > AGENT_SESSIONS_MAX - AGENT_SESSIONS_ADMINS;
}

static bool is_full(const struct agent_control *c, uid_t uid, enum agent_role role)
{
	if (role == AGENT_ROLE_NONE && count(c, NULL, AGENT_ROLE_NONE) >= AGENT_SESSIONS_NOBODY)
		return true;
	return is_over(c, role, 1) || count(c, &uid, AGENT_ROLE_ADMIN) >= AGENT_SESSIONS_PER_UID;
}

/* No admin makes room for others. */
static struct agent_session *victim_of(struct agent_control *c, uid_t uid, enum agent_role role)
{
	if (role == AGENT_ROLE_NONE && count(c, NULL, AGENT_ROLE_NONE) >= AGENT_SESSIONS_NOBODY)
		return most_silent(c, NULL, AGENT_ROLE_NONE);
	if (count(c, &uid, AGENT_ROLE_ADMIN) >= AGENT_SESSIONS_PER_UID)
		return most_silent(c, &uid, AGENT_ROLE_ADMIN);
	return most_silent(c, NULL, role < AGENT_ROLE_ADMIN ? AGENT_ROLE_OPERATOR : AGENT_ROLE_ADMIN);
}

static void rest(struct agent_control_listener *l, adit_time until)
{
	struct epoll_event ev = { .events = until == ADIT_NEVER ? EPOLLIN : 0, .data.ptr = &l->watch };

	epoll_ctl(l->control->agent->epoll_fd, EPOLL_CTL_MOD, l->watch.fd, &ev);
	l->resting_until = until;
}

/* Room for one more, at the cost of those that say nothing. False: there is none. */
static bool make_way(struct agent_control_listener *l, uid_t uid, enum agent_role role, adit_time now)
{
	struct agent_control *c = l->control;

	while (is_full(c, uid, role)) {
		struct agent_session *victim = victim_of(c, uid, role);

		if (!victim)
			return false;
		if (role != AGENT_ROLE_NONE && now - victim->touched < AGENT_SESSION_GRACE) {
			rest(l, victim->touched + AGENT_SESSION_GRACE);
			return !is_over(c, role, 0); /* this one is one too many, and the last for now */
		}
		agent_session_dismiss(victim);
	}
	return true;
}

static void admit(struct agent_control_listener *l, int fd)
{
	struct agent_control *c = l->control;
	adit_time now = agent_control_now();
	struct agent_caller caller;
	enum agent_role role;

	agent_caller_of(&caller, fd, &c->rules);
	role = caller.role > l->most ? l->most : caller.role;
	if (role == AGENT_ROLE_NONE)
		note_refusal(c, &caller, "has no role", now);
	if (!make_way(l, caller.uid, role, now)) {
		note_refusal(c, &caller, "finds every place taken", now);
		close(fd);
		return;
	}
	agent_session_new(c, fd, &caller, role, now);
}

/* Out of descriptors: somebody silent goes; where that is not enough, look again in a second. */
static void listener_ready(struct adit_watch *w, uint32_t events)
{
	struct agent_control_listener *l = adit_container_of(w, struct agent_control_listener, watch);
	int fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct agent_session *victim;

	(void)events;
	if (fd >= 0) {
		admit(l, fd);
	} else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
		victim = most_silent(l->control, NULL, AGENT_ROLE_ADMIN);
		if (victim)
			agent_session_dismiss(victim);
		else
			rest(l, agent_control_now() + ADIT_SEC);
	}
}

/* --- sockets ----------------------------------------------------------------------- */

static void make_folder(const char *path)
{
	char folder[108];

	if (!adit_filename_folder(path, folder, sizeof(folder)))
		return;
	if (!mkdir(folder, 0755))
		chmod(folder, 0755); /* whatever the umask: the sockets in it say who may */
}

/* key: what the configuration calls it. */
static int cannot_serve(const char *key, const char *path, int r, char *err, size_t err_len)
{
	if (r == -EADDRINUSE && !strcmp(key, "control_socket"))
		snprintf(err, err_len, "an agent serves this control socket already (adit status shows it; adit agent "
			 "--replace takes over from it): %s", path);
	else
		snprintf(err, err_len, "%s: %s: %s%s", key, path, strerror(-r),
			 r == -EADDRINUSE ? " (another program serves it; ss -xlp names it)" : "");
	return r;
}

/* Never for everybody: for root, for who started the agent, and for one group. */
static int open_for_group(const char *path, gid_t group)
{
	int fd = adit_unix_listen(path);

	if (fd < 0)
		return fd;
	if (group != AGENT_NO_GROUP && chown(path, (uid_t)-1, group) < 0) {
		int r = -errno;

		close(fd);
		unlink(path);
		return r;
	}
	listen(fd, 128);
	if (chmod(path, 0660) < 0)
		return close(fd), -EACCES;
	return fd;
}

static int listen_at(struct agent_control *c, unsigned i, const char *path, gid_t group, enum agent_role most)
{
	struct agent_control_listener *l = &c->listener[i];
	int fd;

	if (!path[0])
		return 0;
	make_folder(path);
	fd = open_for_group(path, group);
	if (fd < 0)
		return fd;
	l->watch = (struct adit_watch){ fd, listener_ready };
	l->most = most;
	snprintf(l->path, sizeof(l->path), "%s", path);
	return adit_watch_add(c->agent->epoll_fd, &l->watch, EPOLLIN);
}

static int listen_all(struct agent_control *c, const struct agent_config *cfg, char *err, size_t err_len)
{
	int r = listen_at(c, 0, cfg->control_socket, c->rules.operators, AGENT_ROLE_ADMIN);

	if (r)
		return cannot_serve("control_socket", cfg->control_socket, r, err, err_len);
	r = listen_at(c, 1, cfg->status_socket, c->rules.observers, AGENT_ROLE_OBSERVER);
	if (r)
		return cannot_serve("status_socket", cfg->status_socket, r, err, err_len);
	return agent_http_init(&c->http, c->agent, c->rates, err, err_len);
}

static int find_group(gid_t *ret, const char *key, const char *name, char *err, size_t err_len)
{
	int r = agent_role_group(ret, name);

	if (r)
		snprintf(err, err_len, "%s: there is no such group: %s", key, name);
	return r;
}

static int find_groups(struct agent_control *c, const struct agent_config *cfg, char *err, size_t err_len)
{
	int r = find_group(&c->rules.operators, "operators", cfg->operators, err, err_len);

	return r ? r : find_group(&c->rules.observers, "observers", cfg->observers, err, err_len);
}

int agent_control_init(struct agent *a, char *err, size_t err_len)
{
	struct agent_control *c = calloc(1, sizeof(*c));
	int r;

	snprintf(err, err_len, "%s", strerror(ENOMEM));
	if (!c)
		return -ENOMEM;
	a->control = c;
	c->agent = a;
	c->rules = (struct agent_role_rules){ geteuid(), AGENT_NO_GROUP, AGENT_NO_GROUP };
	adit_list_init(&c->sessions);
	for (unsigned i = 0; i < 2; i++)
		c->listener[i] = (struct agent_control_listener){ .watch.fd = -1, .control = c,
								  .resting_until = ADIT_NEVER };
	c->rates = agent_rates_new();
	if (!c->rates) {
		agent_control_fini(a);
		return -ENOMEM;
	}
	r = find_groups(c, a->config, err, err_len);
	if (!r)
		r = listen_all(c, a->config, err, err_len);
	if (r)
		agent_control_fini(a);
	return r;
}

void agent_control_fini(struct agent *a)
{
	struct agent_control *c = a->control;

	if (!c)
		return;
	while (!adit_list_empty(&c->sessions))
		agent_session_free(adit_container_of(c->sessions.next, struct agent_session, link));
	for (unsigned i = 0; i < 2; i++) {
		if (c->listener[i].watch.fd < 0)
			continue;
		close(c->listener[i].watch.fd);
		unlink(c->listener[i].path);
	}
	agent_job_forget(a);
	agent_http_fini(&c->http);
	agent_rates_free(c->rates);
	free(c);
	a->control = NULL;
}

int agent_control_prepare(struct agent *a, const struct agent_config *next, char *err, size_t err_len)
{
	return a->control ? agent_http_prepare(&a->control->http, &next->metrics, err, err_len) : 0;
}

void agent_control_settle(struct agent *a, bool change)
{
	if (a->control)
		agent_http_settle(&a->control->http, change);
}

/* --- time ----------------------------------------------------------------------------- */

void agent_control_looked(struct agent_control *c, adit_time now)
{
	if (c->sample_at - now > SAMPLE_WATCHED && now - c->looked_at > WATCHED_FOR)
		c->sample_at = now; /* the first look in a while */
	c->looked_at = now;
}

/* Notes every open network's counters; returns when to do it again. */
static adit_time sample(struct agent_control *c, adit_time now)
{
	adit_time step = now - c->looked_at < WATCHED_FOR || c->agent->config->page ? SAMPLE_WATCHED : SAMPLE_UNWATCHED;
	adit_time took;

	for (struct agent_network *n = c->agent->networks; n; n = n->next) {
		struct agent_snapshot s;

		if (!n->impl || agent_snapshot_take(&s, n))
			continue;
		agent_rates_note(c->rates, &s);
		agent_snapshot_free(&s);
	}
	agent_rates_forget(c->rates, now - 600 * ADIT_SEC);
	took = agent_control_now() - now;
	return now + (took * SAMPLE_SHARE > step ? took * SAMPLE_SHARE : step);
}

static bool any_open(const struct agent *a)
{
	const struct agent_network *n;

	for (n = a->networks; n && !n->impl; n = n->next)
		;
	return n != NULL;
}

static adit_time earlier(adit_time a, adit_time b)
{
	return a < b ? a : b;
}

adit_time agent_control_due(const struct agent *a)
{
	const struct agent_control *c = a->control;
	adit_time due;

	if (!c)
		return ADIT_NEVER;
	if (a->ending && !c->end_by)
		return 0;
	due = any_open(a) ? c->sample_at : ADIT_NEVER;
	if (c->end_by)
		due = earlier(due, c->end_by);
	for (unsigned i = 0; i < 2; i++)
		if (c->listener[i].watch.fd >= 0)
			due = earlier(due, c->listener[i].resting_until);
	for (struct adit_list *l = c->sessions.next; l != &c->sessions; l = l->next)
		due = earlier(due, agent_session_due(adit_container_of(l, struct agent_session, link)));
	return earlier(due, agent_http_due(&c->http));
}

void agent_control_tick(struct agent *a, adit_time now)
{
	struct agent_control *c = a->control;
	struct adit_list *l, *next;

	if (!c)
		return;
	if (a->ending && !c->end_by)
		c->end_by = now + AGENT_END_PATIENCE;
	if (c->http.asked > c->looked_at)
		agent_control_looked(c, c->http.asked);
	if (c->sample_at <= now && any_open(a))
		c->sample_at = sample(c, now);
	for (unsigned i = 0; i < 2; i++)
		if (c->listener[i].watch.fd >= 0 && c->listener[i].resting_until <= now)
			rest(&c->listener[i], ADIT_NEVER);
	for (l = c->sessions.next; l != &c->sessions; l = next) {
		struct agent_session *s = adit_container_of(l, struct agent_session, link);

		next = l->next;
		if (agent_session_due(s) <= now)
			agent_session_tick(s, now);
	}
	agent_http_tick(&c->http, now);
}

bool agent_control_idle(const struct agent *a)
{
	const struct agent_control *c = a->control;

	if (!c || (c->end_by && agent_control_now() >= c->end_by))
		return true;
	for (struct adit_list *l = c->sessions.next; l != &c->sessions; l = l->next)
		if (adit_container_of(l, struct agent_session, link)->out)
			return false;
	return true;
}
