/* SPDX-License-Identifier: ISC */
/* session.c - one connection of the control socket: lines in, lines out */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/control_internal.h"

#define IN_FIRST      4096
#define LINES_A_TURN  16

static void free_out(struct agent_session *s)
{
	if (s->capture && s->out)
		explicit_bzero(s->out, s->out_len); /* keys may be in it */
	free(s->out);
	s->out = NULL;
	s->out_len = s->out_sent = 0;
}

void agent_session_free(struct agent_session *s)
{
	adit_list_del(&s->link);
	s->control->session_cnt--;
	close(s->watch.fd);
	if (s->in)
		explicit_bzero(s->in, s->in_cap); /* a request may hold a key */
	free(s->in);
	free_out(s);
	agent_capture_free(s->capture);
	free(s);
}

void agent_session_dismiss(struct agent_session *s)
{
	char text[256] = "";
	FILE *out = s->out ? NULL : fmemopen(text, sizeof(text), "w");

	if (out) {
		agent_api_refuse(out, NULL, "busy", true, "others came, and you said nothing", "connect again");
		fclose(out);
		send(s->watch.fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
	}
	agent_session_free(s);
}

/* --- going out -------------------------------------------------------------------- */

static void want(struct agent_session *s)
{
	uint32_t events = (s->out ? EPOLLOUT : 0) |
			  (s->state == AGENT_SESSION_READING && !s->out && !s->eof ? EPOLLIN : 0);
	struct epoll_event ev = { .events = events, .data.ptr = &s->watch };

	if (events == s->want)
		return;
	s->want = events;
	epoll_ctl(s->control->agent->epoll_fd, EPOLL_CTL_MOD, s->watch.fd, &ev);
}

/* Sends what it takes now; false: it cannot be reached any more. */
static bool flush(struct agent_session *s, adit_time now)
{
	while (s->out_sent < s->out_len) {
		ssize_t n = send(s->watch.fd, s->out + s->out_sent, s->out_len - s->out_sent,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN;
		s->out_sent += (size_t)n;
		s->progressed = now;
	}
	free_out(s);
	return true;
}

/* Takes the text over. */
static bool say(struct agent_session *s, char *text, size_t len, adit_time now)
{
	char *more;

	if (!s->out) {
		s->progressed = now;
		s->out = text;
		s->out_len = len;
	} else {
		more = realloc(s->out, s->out_len + len);
		if (more) {
			memcpy(more + s->out_len, text, len);
			s->out = more;
			s->out_len += len;
		}
		free(text);
		if (!more)
			return false;
	}
	return flush(s, now);
}

/* --- coming in -------------------------------------------------------------------- */

static bool answer_busy(struct agent_session *s, FILE *out, adit_time now)
{
	if (agent_control_may_ask(s->control, s->caller.uid, now))
		return false;
	agent_api_refuse(out, NULL, "busy", true, "you ask faster than you may", "wait a second");
	return true;
}

/* Where a capture was asked for, and granted; false: it cannot be. */
static bool begin_capture(struct agent_session *s)
{
	struct agent_network *n = agent_find(s->control->agent, s->pending.network);

	if (s->state != AGENT_SESSION_PENDING || s->pending.kind != AGENT_PENDING_CAPTURE)
		return true;
	return n && n->impl && !agent_capture_new(&s->capture, n, &s->caller, s->pending.keylog);
}

/* Answers one line; false: the session cannot go on. */
static bool answer(struct agent_session *s, const char *line, size_t len, adit_time now)
{
	struct agent_call c = { .agent = s->control->agent, .caller = s->caller, .role = s->role,
				.rates = s->control->rates, .now = now, .pending = &s->pending };
	char *text = NULL;
	size_t text_len = 0;
	FILE *out = open_memstream(&text, &text_len);

	if (!out)
		return false;
	s->pending = (struct agent_pending){ .kind = AGENT_PENDING_NONE };
	if (s->role == AGENT_ROLE_NONE) {
		agent_api_refuse(out, NULL, "denied", false, "you have no part in this agent",
				 "ask for a place in its group, or be root");
		s->state = AGENT_SESSION_ENDING;
	} else if (!answer_busy(s, out, now) && agent_api_line(&c, line, len, out) == AGENT_API_LATER) {
		s->state = AGENT_SESSION_PENDING;
		s->more = s->pending.kind == AGENT_PENDING_EVENTS;
	}
	agent_control_looked(s->control, now);
	if (fclose(out) || !begin_capture(s)) {
		free(text);
		return false;
	}
	if (text_len)
		return say(s, text, text_len, now);
	free(text);
	return true;
}

/* Takes the first `len` bytes away. */
static void consume(struct agent_session *s, size_t len)
{
	memmove(s->in, s->in + len, s->in_len - len);
	explicit_bzero(s->in + s->in_len - len, len);
	s->in_len -= len;
}

static bool is_blank(const char *line, size_t len)
{
	return strspn(line, " \t\r") >= len;
}

/* The last line need not have a newline. Its length with what ends it, 0: none is whole. */
static size_t next_line(struct agent_session *s, size_t *len)
{
	const char *nl = memchr(s->in, '\n', s->in_len);

	*len = nl ? (size_t)(nl - s->in) : s->in_len;
	return nl ? *len + 1 : s->eof ? *len : 0;
}

static bool too_long(struct agent_session *s, adit_time now)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	s->state = AGENT_SESSION_ENDING;
	if (!out)
		return false;
	agent_api_refuse(out, NULL, "too_long", false, "a request is one line of at most 65536 bytes", NULL);
	fclose(out);
	return text && say(s, text, len, now);
}

/* Answers the lines that are there, some a turn; false: the session is over. */
static bool answer_lines(struct agent_session *s, adit_time now)
{
	size_t len, whole;

	s->more = false;
	for (unsigned i = 0; s->state == AGENT_SESSION_READING && s->in_len && !s->out; i++) {
		whole = next_line(s, &len);
		if (len >= AGENT_LINE_MAX)
			return too_long(s, now);
		if (!whole)
			break;
		if (i == LINES_A_TURN) {
			s->more = true;
			break;
		}
		if (!is_blank(s->in, len) && !answer(s, s->in, len, now))
			return false;
		consume(s, whole);
		s->line_began = now;
	}
	if (s->state == AGENT_SESSION_READING && s->eof && !s->in_len)
		s->state = AGENT_SESSION_ENDING;
	return true;
}

/* Room for more; false: none to be had. */
static bool make_room(struct agent_session *s)
{
	size_t cap = s->in_cap ? s->in_cap * 4 : IN_FIRST;
	char *in;

	if (s->in_len + 1 < s->in_cap)
		return true;
	if (cap > AGENT_LINE_MAX + 1)
		cap = AGENT_LINE_MAX + 1;
	if (cap <= s->in_cap)
		return false;
	in = malloc(cap);
	if (!in)
		return false;
	if (s->in) {
		memcpy(in, s->in, s->in_len);
		explicit_bzero(s->in, s->in_cap);
		free(s->in);
	}
	s->in = in;
	s->in_cap = cap;
	return true;
}

/* False: the session is over. */
static bool take_in(struct agent_session *s, adit_time now)
{
	ssize_t n;

	if (!make_room(s))
		return false;
	n = recv(s->watch.fd, s->in + s->in_len, s->in_cap - s->in_len - 1, MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (!s->in_len)
		s->line_began = now;
	s->touched = now;
	s->in_len += (size_t)n;
	s->in[s->in_len] = '\0'; /* for is_blank */
	s->eof |= n == 0;
	return true;
}

/* --- what was left for later --------------------------------------------------------- */

/* What was noted since the last time; false: the session is over. */
static bool go_on_capturing(struct agent_session *s, adit_time now)
{
	char *text;
	size_t len;

	s->pending.deadline = now + AGENT_CAPTURE_EVERY;
	if (!s->capture->network || agent_capture_lines(s->capture, s->pending.id, &text, &len))
		return false;
	return !text || say(s, text, len, now);
}

/* False: the session is over. */
static bool go_on(struct agent_session *s, adit_time now)
{
	struct agent *a = s->control->agent;
	char *text = NULL;
	size_t len;
	FILE *out;
	bool over = false;

	if (s->out) /* it has not read yet what it has */
		return true;
	if (s->capture)
		return go_on_capturing(s, now);
	out = open_memstream(&text, &len);
	if (!out)
		return false;
	if (s->pending.kind == AGENT_PENDING_EVENTS)
		agent_api_events_next(a, &s->pending, s->role, out, &s->more);
	else
		over = (s->pending.kind == AGENT_PENDING_JOB ? agent_api_job_over : agent_api_state_over)(a, &s->pending, now, out);
	s->pending.seen = s->pending.kind == AGENT_PENDING_EVENTS ? s->pending.seen : a->events.last;
	if (fclose(out)) {
		free(text);
		return false;
	}
	if (over) {
		s->pending.kind = AGENT_PENDING_NONE;
		s->state = AGENT_SESSION_READING;
		s->more = s->in_len > 0;
		s->touched = s->line_began = now;
	}
	if (len)
		return say(s, text, len, now);
	free(text);
	return true;
}

/* --- turns -------------------------------------------------------------------------- */

static bool is_late(const struct agent_session *s, adit_time now)
{
	if (s->out)
		return now >= s->progressed + AGENT_WRITE_PATIENCE;
	if (s->state == AGENT_SESSION_PENDING)
		return false;
	return now >= (s->in_len || s->role == AGENT_ROLE_NONE ? s->line_began + AGENT_LINE_PATIENCE :
								 s->touched + AGENT_IDLE_PATIENCE);
}

/* One turn; false: the session is over. */
static bool turn(struct agent_session *s, uint32_t events, adit_time now)
{
	if (events & (EPOLLHUP | EPOLLERR) && s->state == AGENT_SESSION_PENDING)
		return false;
	if (s->out && !flush(s, now))
		return false;
	if (events & EPOLLIN && s->state == AGENT_SESSION_READING && !s->out && !take_in(s, now))
		return false;
	if (s->state == AGENT_SESSION_PENDING && !go_on(s, now))
		return false;
	if (s->state == AGENT_SESSION_READING && !answer_lines(s, now))
		return false;
	if (s->state == AGENT_SESSION_ENDING && !s->out)
		return false;
	want(s);
	return true;
}

static void session_ready(struct adit_watch *w, uint32_t events)
{
	struct agent_session *s = adit_container_of(w, struct agent_session, watch);

	/* A hang-up that was not awaited: what came before it is still to be read. */
	if (events & EPOLLHUP && s->state == AGENT_SESSION_READING)
		events |= EPOLLIN;
	if (!turn(s, events, agent_control_now()))
		agent_session_free(s);
}

void agent_session_tick(struct agent_session *s, adit_time now)
{
	if (is_late(s, now) || !turn(s, 0, now))
		agent_session_free(s);
}

adit_time agent_session_due(const struct agent_session *s)
{
	if (s->out)
		return s->progressed + AGENT_WRITE_PATIENCE;
	if (s->more)
		return 0;
	if (s->state == AGENT_SESSION_PENDING)
		return !s->capture && s->control->agent->events.last > s->pending.seen ? 0 : s->pending.deadline;
	return s->in_len || s->role == AGENT_ROLE_NONE ? s->line_began + AGENT_LINE_PATIENCE :
							 s->touched + AGENT_IDLE_PATIENCE;
}

void agent_session_new(struct agent_control *c, int fd, const struct agent_caller *caller, enum agent_role role,
		       adit_time now)
{
	struct agent_session *s = calloc(1, sizeof(*s));

	if (!s) {
		close(fd);
		return;
	}
	s->watch = (struct adit_watch){ fd, session_ready };
	s->control = c;
	s->caller = *caller;
	s->role = role;
	s->touched = s->line_began = now;
	adit_list_add_tail(&c->sessions, &s->link);
	c->session_cnt++;
	s->want = EPOLLIN;
	/* What was asked while it stood in the queue is answered at once. */
	if (adit_watch_add(c->agent->epoll_fd, &s->watch, EPOLLIN) || !turn(s, EPOLLIN, now))
		agent_session_free(s);
}
