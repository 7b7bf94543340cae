/* SPDX-License-Identifier: ISC */
/* events.c - what the core tells, from the data threads to the log */
#include "statictun/events.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host/process.h"

#define BURST	   20 /* lines at once */
#define PER_SECOND 2

_Static_assert(sizeof(struct statictun_event) <= PIPE_BUF, "a record is written whole or not at all");

int statictun_events_init(struct statictun_events *e)
{
	*e = (struct statictun_events){ .fd = { -1, -1 }, .tokens = BURST };
	return pipe2(e->fd, O_NONBLOCK | O_CLOEXEC) < 0 ? -errno : 0;
}

void statictun_events_fini(struct statictun_events *e)
{
	for (int i = 0; i < 2; i++)
		if (e->fd[i] >= 0)
			close(e->fd[i]);
	e->fd[0] = e->fd[1] = -1;
}

void statictun_events_put(void *user, enum adit_static_event what, const struct adit_static_peer *peer)
{
	struct statictun_events *e = user;
	struct statictun_event event = { .what = what };
	struct adit_static_peer_info info;

	adit_static_peer_info(peer, &info);
	memcpy(event.public_key, info.public_key, ADIT_KEY_LEN);
	event.endpoint = info.endpoint;
	if (write(e->fd[1], &event, sizeof(event)) < 0)
		atomic_fetch_add_explicit(&e->lost, 1, memory_order_relaxed);
}

bool statictun_events_take(struct statictun_events *e, struct statictun_event *ret)
{
	return read(e->fd[0], ret, sizeof(*ret)) == sizeof(*ret);
}

/* --- the log ------------------------------------------------------------------- */

const char *statictun_label(const struct statictun_network *net, const uint8_t public_key[ADIT_KEY_LEN],
			    char buf[STATICTUN_LABEL_LEN])
{
	char text[ADIT_PREFIX_STRLEN], *slash;
	size_t more = 0, i;

	snprintf(buf, STATICTUN_LABEL_LEN, "?");
	for (i = 0; i < net->peer_cnt; i++) {
		const struct adit_prefix *p = &net->peers[i].prefix;

		if (memcmp(net->peers[i].public_key, public_key, ADIT_KEY_LEN) || more++)
			continue;
		adit_prefix_format(p, text);
		slash = strchr(text, '/');
		if (slash && p->len == (p->addr.family == 4 ? 32 : 128))
			*slash = '\0';
		snprintf(buf, STATICTUN_LABEL_LEN, "%s", text);
	}
	if (more > 1)
		snprintf(buf + strlen(buf), STATICTUN_LABEL_LEN - strlen(buf), " and %zu more", more - 1);
	return buf;
}

static bool may_log(struct statictun_events *e, adit_time now)
{
	adit_time more = (now - e->filled) * PER_SECOND / ADIT_SEC;

	if (more > 0) {
		e->tokens = more >= BURST - e->tokens ? BURST : e->tokens + (unsigned)more;
		e->filled = now;
	}
	if (!e->tokens) {
		e->left_out++;
		return false;
	}
	e->tokens--;
	e->left_out += atomic_exchange_explicit(&e->lost, 0, memory_order_relaxed);
	if (e->left_out)
		adit_log_info("%u lines about peers were left out", e->left_out);
	e->left_out = 0;
	return true;
}

/* What a remote can bring about, by restarts and roaming. */
static void log_limited(struct statictun_events *e, const struct statictun_network *net,
			const struct statictun_event *event, const char *label, adit_time now)
{
	char at[ADIT_PATH_STRLEN];

	if (!may_log(e, now))
		return;
	adit_path_format(&event->endpoint, at);
	switch (event->what) {
	case ADIT_STATIC_SESSION:
		adit_log_info("peer %s: new session, at %s", label, at);
		break;
	case ADIT_STATIC_ENDPOINT:
		adit_log_info("peer %s: moved to %s", label, at);
		break;
	case ADIT_STATIC_GAVE_UP:
		adit_log_error("peer %s: no answer from %s for 90 s; what waited was dropped (is it running, is the "
			       "address right, does it know our key?)", label, at);
		break;
	case ADIT_STATIC_STALE:
		adit_log_error("peer %s: stale, nothing heard for %u s; its address is %s", label, net->peer_timeout, at);
		break;
	case ADIT_STATIC_BAD:
		adit_log_error("peer %s: dropped what came from it, which does not open or is not from its inner addresses "
			       "(do both ends have the right keys, and the right tables?)", label);
		break;
	case ADIT_STATIC_BACK:
		adit_log_info("peer %s: heard again, at %s", label, at);
		break;
	case ADIT_STATIC_KEY_HALF:
	case ADIT_STATIC_KEY_END:
	case ADIT_STATIC_KEY_GRANT:
		break;
	}
}

void statictun_events_log(struct statictun_events *e, const struct statictun_network *net,
			  const struct statictun_event *event, adit_time now)
{
	char label[STATICTUN_LABEL_LEN];

	statictun_label(net, event->public_key, label);
	if (event->what == ADIT_STATIC_KEY_HALF)
		adit_log_error("peer %s: warning: half of what its key is good for has been sealed (2^31 of 2^32 packets, "
			       "v1): make new keys in time", label);
	else if (event->what == ADIT_STATIC_KEY_END)
		adit_log_error("peer %s: key_used_up: 2^32 packets have been sealed (v1); nothing more is sent to it: "
			       "make new keys", label);
	else if (event->what != ADIT_STATIC_KEY_GRANT)
		log_limited(e, net, event, label, now);
}
