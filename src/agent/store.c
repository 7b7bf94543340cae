/* SPDX-License-Identifier: ISC */
/* store.c - an agent that is restarted by systemd leaves its networks to the one after it */
#include "agent/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/handover_internal.h"
#include "host/process.h"
#include "host/service.h"

#define STATE "adit-state"
#define MESSAGES_MAX 65536 /* networks, and the two around them */

static void name_of(unsigned i, char name[ADIT_SERVICE_NAME_LEN])
{
	snprintf(name, ADIT_SERVICE_NAME_LEN, "adit-%u", i);
}

/* --- giving ---------------------------------------------------------------------------- */

struct stored {
	int state;
	unsigned cnt; /* descriptors besides it */
};

static int store_message(void *to, const struct handover_message *m, const int *fd, unsigned cnt)
{
	struct stored *s = to;
	char name[ADIT_SERVICE_NAME_LEN];
	int r = write(s->state, m, sizeof(*m)) == sizeof(*m) ? 0 : -ENOSPC;

	for (unsigned i = 0; i < cnt && !r; i++) {
		name_of(s->cnt++, name);
		r = adit_service_store(name, fd[i]);
	}
	return r;
}

static int store_all(struct agent_handover *h, struct stored *s)
{
	struct handover_message ask = { .version = HANDOVER_VERSION, .kind = HANDOVER_ASK };
	struct adit_service service;
	int r;

	adit_random(ask.key, sizeof(ask.key));
	r = store_message(s, &ask, NULL, 0);
	if (!r)
		r = agent_handover_give_all(h, ask.key, store_message, s);
	adit_wipe(ask.key, sizeof(ask.key));
	if (!r)
		r = adit_service_store(STATE, s->state);
	if (!r)
		r = adit_service_sync();
	if (!r)
		r = helper_service(h->agent->helper, &service);
	return r ? r : service.stored == s->cnt + 1 ? 0 : -ENOBUFS;
}

static void take_back(struct agent_handover *h, const struct stored *s)
{
	char name[ADIT_SERVICE_NAME_LEN];

	(void)!ftruncate(s->state, 0); /* of memory: it cannot fail */
	(void)adit_service_forget(STATE);
	for (unsigned i = 0; i < s->cnt; i++) {
		name_of(i, name);
		(void)adit_service_forget(name);
	}
	agent_handover_pause(h, false);
}

void agent_store_give(struct agent *a)
{
	struct agent_handover *h = agent_handover_of(a);
	struct stored s = { .state = -1 };
	struct adit_service service;
	int r;

	if (!h || !helper_privileged(a->helper) || helper_service(a->helper, &service) || !service.restarts)
		return;
	s.state = memfd_create(STATE, MFD_CLOEXEC);
	r = s.state < 0 ? -errno : store_all(h, &s);
	h->gone = !r;
	if (r) {
		adit_log_warning("the service manager does not keep what the next agent would need: %s", strerror(-r));
		take_back(h, &s);
	}
	if (s.state >= 0)
		close(s.state);
}

/* --- taking ------------------------------------------------------------------------------ */

struct store {
	struct handover_message *messages;
	unsigned message_cnt, message_at;
	int *fd; /* by the number in their names; -1: none, or taken */
	unsigned fd_cnt, fd_at;
};

static void fini_store(struct store *s)
{
	for (unsigned i = 0; i < s->fd_cnt; i++)
		if (s->fd[i] >= 0)
			close(s->fd[i]);
	if (s->messages)
		adit_wipe(s->messages, s->message_cnt * sizeof(*s->messages));
	free(s->messages);
	free(s->fd);
}

/* Once: the file is empty afterwards, whoever else has it. */
static int read_state(struct store *s, int fd)
{
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || !st.st_size || st.st_size % (off_t)sizeof(*s->messages) ||
	    st.st_size / (off_t)sizeof(*s->messages) > MESSAGES_MAX)
		return -EBADMSG;
	s->messages = malloc((size_t)st.st_size);
	if (!s->messages)
		return -ENOMEM;
	n = pread(fd, s->messages, (size_t)st.st_size, 0);
	if (ftruncate(fd, 0) < 0 || n != st.st_size)
		return -EBADMSG;
	s->message_cnt = (unsigned)((size_t)st.st_size / sizeof(*s->messages));
	return 0;
}

/* A key, networks with all their descriptors, and the end. */
static bool whole(const struct store *s)
{
	unsigned fds = 0, last = s->message_cnt - 1;

	for (unsigned i = 0; i <= last; i++) {
		const struct handover_message *m = &s->messages[i];

		if (!handover_valid(m) || m->kind != (!i ? HANDOVER_ASK : i < last ? HANDOVER_NETWORK : HANDOVER_ALL))
			return false;
		fds += handover_fds(m);
	}
	for (unsigned i = 0; i < fds && i < s->fd_cnt; i++)
		if (s->fd[i] < 0)
			return false;
	return last > 0 && fds <= s->fd_cnt;
}

/* The manager's order is any. What has no name of ours, or one that another has, is closed. */
static int sort(struct store *s)
{
	int state = -1;

	for (unsigned i = 0; i < s->fd_cnt; i++) {
		char name[ADIT_SERVICE_NAME_LEN], own[ADIT_SERVICE_NAME_LEN];
		int fd = (int)(ADIT_SERVICE_FDS + i), *place = &state;
		unsigned number = 0;

		adit_service_left_name(i, name);
		(void)adit_service_forget(name);
		if (sscanf(name, "adit-%u", &number) == 1 && number < s->fd_cnt) {
			name_of(number, own);
			place = strcmp(name, own) ? NULL : &s->fd[number];
		} else if (strcmp(name, STATE)) {
			place = NULL;
		}
		if (place && *place < 0)
			*place = fd;
		else
			close(fd);
	}
	return state;
}

static int open_store(struct store *s)
{
	int state = sort(s), r;

	/* Nobody else has a TUN then: when we close it the kernel takes it away. */
	(void)adit_service_sync();
	if (state < 0)
		return -ENOENT;
	r = read_state(s, state);
	close(state);
	return r ? r : whole(s) ? 0 : -EBADMSG;
}

static int next_stored(void *from, struct handover_message *m, int fd[HANDOVER_FDS_MAX], unsigned *cnt)
{
	struct store *s = from;

	*m = s->messages[s->message_at++];
	*cnt = handover_fds(m);
	for (unsigned i = 0; i < *cnt; i++) {
		fd[i] = s->fd[s->fd_at];
		s->fd[s->fd_at++] = -1;
	}
	return 1;
}

static int take_store(struct agent_handover *h, struct store *s)
{
	struct handover_message ask;
	unsigned none;
	int r = open_store(s);

	if (r)
		return r;
	(void)next_stored(s, &ask, NULL, &none);
	r = agent_handover_use(h, ask.key, next_stored, s);
	adit_wipe(&ask, sizeof(ask));
	return r;
}

void agent_store_take(struct agent *a, unsigned cnt)
{
	struct agent_handover *h = cnt ? agent_handover_of(a) : NULL;
	struct store s = { .fd = h ? malloc(cnt * sizeof(*s.fd)) : NULL };
	int r;

	if (!s.fd)
		return;
	s.fd_cnt = cnt;
	memset(s.fd, -1, cnt * sizeof(*s.fd));
	r = take_store(h, &s);
	fini_store(&s);
	if (r)
		adit_log_warning("nothing is taken over from the service manager: %s", strerror(-r));
}
