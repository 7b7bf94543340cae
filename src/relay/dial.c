/* SPDX-License-Identifier: ISC */
/*
 * dial.c - a connection to host:port, inside or outside. Inside and outside
 * differ in how an attempt begins and what it leaves; the race between the
 * addresses of a name is the same (RFC 8305).
 */
#include "relay/dial.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "relay/internal.h"
#include "relay/sockaddr.h"

#define NEXT_AFTER (250 * ADIT_MSEC) /* RFC 8305 section 8: connection attempt delay */
#define LIMIT      (30 * ADIT_SEC)   /* for all of it, the name included */

struct attempt {
	struct relay_dial *dial; /* NULL: none */
	struct relay_sock sock;  /* inside */
	struct relay_fd fd;      /* outside */
};

struct relay_dial {
	struct relay_defunct defunct;
	struct adit_relay *relay;
	struct relay_loop *loop;
	bool inside;
	bool dead;
	void (*done)(void *arg, const struct relay_dialled *d);
	void *arg;
	struct relay_query *query;
	uint16_t port;
	unsigned cnt, next, running; /* addresses: all, not tried yet, attempts that go on */
	struct adit_addr addr[RELAY_ADDRESSES];
	struct attempt attempt[RELAY_ADDRESSES];
	struct relay_timer stagger, limit;
	int error; /* of the attempt that says most */
};

/* --- the end ---------------------------------------------------------------------- */

static void free_dial(struct relay_defunct *x)
{
	free(adit_container_of(x, struct relay_dial, defunct));
}

static void end_attempt(struct attempt *a, adit_time now)
{
	if (!a->dial)
		return;
	a->dial->running--;
	a->dial = NULL;
	relay_fd_close(&a->fd);
	if (a->sock.sock)
		adit_tcp_abort(a->sock.sock, now);
	a->sock.sock = NULL;
}

static void bury(struct relay_dial *d, adit_time now)
{
	d->dead = true;
	if (d->query)
		relay_query_cancel(d->query);
	d->query = NULL;
	for (unsigned i = 0; i < d->next; i++)
		end_attempt(&d->attempt[i], now);
	relay_timer_set(&d->stagger, ADIT_NEVER);
	relay_timer_set(&d->limit, ADIT_NEVER);
	relay_defer_free(d->loop, &d->defunct);
}

static void finish(struct relay_dial *d, const struct relay_dialled *result, adit_time now)
{
	bury(d, now);
	d->done(d->arg, result);
}

static void fail(struct relay_dial *d, int error, adit_time now)
{
	struct relay_dialled result = { .error = error, .fd = -1 };

	finish(d, &result, now);
}

static void won_inside(struct attempt *a, adit_time now)
{
	struct relay_dialled result = { .sock = a->sock.sock, .fd = -1 };
	struct relay_dial *d = a->dial;

	adit_sock_set_user(a->sock.sock, NULL);
	a->sock.sock = NULL;
	finish(d, &result, now);
}

static void won_outside(struct attempt *a, adit_time now)
{
	struct relay_dialled result = { .fd = a->fd.fd };
	struct relay_dial *d = a->dial;

	relay_fd_release(&a->fd);
	finish(d, &result, now);
}

/* --- attempts --------------------------------------------------------------------- */

static void try_next(struct relay_dial *d, adit_time now);

/* That we have no address of a family says less than what a host answered. */
static bool says_little(int error)
{
	return !error || error == -EADDRNOTAVAIL || error == -ENETUNREACH || error == -EAFNOSUPPORT;
}

static void lost(struct attempt *a, int error, adit_time now)
{
	struct relay_dial *d = a->dial;

	if (says_little(d->error))
		d->error = error == -EADDRNOTAVAIL || error == -EAFNOSUPPORT ? -ENETUNREACH : error;
	end_attempt(a, now);
	try_next(d, now);
}

static void sock_event(struct relay_sock *s, unsigned what, adit_time now)
{
	struct attempt *a = adit_container_of(s, struct attempt, sock);
	int error;

	if (what & ADIT_EV_ERROR) {
		error = adit_sock_error(s->sock);
		lost(a, error ? error : -ECONNRESET, now);
	} else if (what & ADIT_EV_CONNECTED) {
		won_inside(a, now);
	}
}

static int begin_inside(struct attempt *a, const struct adit_endpoint *to, adit_time now)
{
	a->sock.event = sock_event;
	return adit_tcp_connect(a->dial->relay->cfg.ns, &a->sock.sock, NULL, to, &a->sock, now);
}

static void fd_ready(struct relay_fd *f, uint32_t events, adit_time now)
{
	struct attempt *a = adit_container_of(f, struct attempt, fd);
	int error = 0;
	socklen_t len = sizeof(error);

	(void)events;
	getsockopt(f->fd, SOL_SOCKET, SO_ERROR, &error, &len);
	if (error)
		lost(a, -error, now);
	else
		won_outside(a, now);
}

static int begin_fd(struct attempt *a, int fd, const struct sockaddr *sa, socklen_t len)
{
	int r;

	if (fd < 0)
		return -errno;
	relay_fd_init(&a->fd, a->dial->loop, fd, fd_ready);
	r = connect(fd, sa, len) < 0 ? errno : 0;
	if (r && r != EINPROGRESS)
		return r == EAGAIN ? -ECONNREFUSED : -r; /* EAGAIN: a Unix listener's queue is full */
	return relay_fd_watch(&a->fd, EPOLLOUT);
}

static int begin_outside(struct attempt *a, const struct adit_endpoint *to)
{
	union relay_sockaddr sa;
	socklen_t len = relay_sockaddr_from(&sa, to);
	int fd = socket(sa.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd >= 0)
		relay_socket_set_up(fd);
	return begin_fd(a, fd, &sa.sa, len);
}

static void begin(struct relay_dial *d, adit_time now)
{
	struct attempt *a = &d->attempt[d->next];
	struct adit_endpoint to = { d->addr[d->next++], d->port };
	int r;

	*a = (struct attempt){ .dial = d, .fd.fd = -1 };
	d->running++;
	r = d->inside ? begin_inside(a, &to, now) : begin_outside(a, &to);
	if (r)
		lost(a, r, now);
	else if (d->next < d->cnt)
		relay_timer_set(&d->stagger, now + NEXT_AFTER);
}

static void try_next(struct relay_dial *d, adit_time now)
{
	if (d->next < d->cnt)
		begin(d, now);
	else if (!d->running)
		fail(d, d->error ? d->error : -EHOSTUNREACH, now);
}

static void stagger_expired(struct relay_timer *t, adit_time now)
{
	struct relay_dial *d = adit_container_of(t, struct relay_dial, stagger);

	if (d->next < d->cnt)
		begin(d, now);
}

static void limit_expired(struct relay_timer *t, adit_time now)
{
	fail(adit_container_of(t, struct relay_dial, limit), -ETIMEDOUT, now);
}

/* --- the beginning ------------------------------------------------------------------ */

/* Families in turn, beginning with that of the first (RFC 8305 section 4). */
static void take_addresses(struct relay_dial *d, const struct relay_answer *answer)
{
	uint8_t first = answer->addr[0].family;
	unsigned pos[2] = { 0, 0 };

	while (d->cnt < answer->cnt) {
		for (unsigned other = 0; other < 2; other++) {
			while (pos[other] < answer->cnt && (answer->addr[pos[other]].family != first) != other)
				pos[other]++;
			if (pos[other] < answer->cnt)
				d->addr[d->cnt++] = answer->addr[pos[other]++];
		}
	}
}

static void resolved(void *arg, const struct relay_answer *answer)
{
	struct relay_dial *d = arg;
	adit_time now = d->loop->now;

	d->query = NULL;
	if (answer->error || !answer->cnt) {
		fail(d, answer->error ? answer->error : -ENOENT, now);
		return;
	}
	take_addresses(d, answer);
	try_next(d, now);
}

static struct relay_dial *new_dial(struct adit_relay *r, bool inside, uint16_t port,
				   void (*done)(void *arg, const struct relay_dialled *d), void *arg, adit_time now)
{
	struct relay_dial *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->relay = r;
	d->loop = &r->loop;
	d->inside = inside;
	d->port = port;
	d->done = done;
	d->arg = arg;
	d->defunct.free = free_dial;
	relay_timer_init(&d->stagger, d->loop, stagger_expired);
	relay_timer_init(&d->limit, d->loop, limit_expired);
	relay_timer_set(&d->limit, now + LIMIT);
	return d;
}

/* Looks the name up; numbers are answered at once, and the dial may even have ended then. */
static int look_up(struct relay_dial *d, struct relay_dial **ret, const char *host, adit_time now)
{
	struct relay_resolver *resolver = d->inside ? adit_relay_resolver_inside(d->relay) :
						      adit_relay_resolver_outside(d->relay);
	enum relay_family family = d->inside ? d->relay->cfg.family : RELAY_FAMILY_AUTO;
	struct relay_query *query = NULL;
	int r;

	*ret = d;
	d->loop->now = now;
	r = relay_resolve(resolver, &query, host, family, resolved, d, now);
	if (r && !d->dead) {
		bury(d, now);
		*ret = NULL;
		return r;
	}
	if (d->dead)
		*ret = NULL;
	else if (query)
		d->query = query;
	return 0;
}

int relay_dial_inside(struct adit_relay *r, struct relay_dial **ret, const struct relay_target *to,
		      void (*done)(void *arg, const struct relay_dialled *d), void *arg, adit_time now)
{
	struct relay_dial *d = new_dial(r, true, to->port, done, arg, now);

	return d ? look_up(d, ret, to->host, now) : -ENOMEM;
}

static void begin_unix(struct relay_dial *d, const char *path, adit_time now)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct attempt *a = &d->attempt[0];
	int r;

	*a = (struct attempt){ .dial = d, .fd.fd = -1 };
	d->cnt = d->next = d->running = 1;
	if (strlen(path) >= sizeof(sa.sun_path)) {
		lost(a, -ENAMETOOLONG, now);
		return;
	}
	memcpy(sa.sun_path, path, strlen(path));
	r = begin_fd(a, socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), (struct sockaddr *)&sa, sizeof(sa));
	if (r)
		lost(a, r == -ENOENT ? -ECONNREFUSED : r, now); /* ENOENT is for names */
}

int relay_dial_outside(struct adit_relay *r, struct relay_dial **ret, const struct relay_target *to,
		       void (*done)(void *arg, const struct relay_dialled *d), void *arg, adit_time now)
{
	struct relay_dial *d = new_dial(r, false, to->port, done, arg, now);

	if (!d)
		return -ENOMEM;
	if (strncmp(to->host, "unix:", 5))
		return look_up(d, ret, to->host, now);
	*ret = d;
	begin_unix(d, to->host + 5, now);
	if (d->dead)
		*ret = NULL;
	return 0;
}

void relay_dial_cancel(struct relay_dial *d, adit_time now)
{
	if (d && !d->dead)
		bury(d, now);
}
