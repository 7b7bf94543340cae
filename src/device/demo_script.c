/* SPDX-License-Identifier: ISC */
/* demo_script.c - what the demo does, step by step */
#include "device/demo_script.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/exit.h"

#define BARE_MS   1500
#define INSIDE_MS 3000
#define ANSWER_MS 12000 /* longer than any host waits for anything */

struct script {
	struct demo_facts *facts;
	int control[2];
	pid_t pid[2];
};

static const char *host_name(int host)
{
	return host ? "host B" : "host A";
}

static int fail(struct script *s, int host, const char *why)
{
	snprintf(s->facts->why, sizeof(s->facts->why), "%s: %s", host_name(host), why);
	return -1;
}

/* --- talking to the hosts ------------------------------------------------- */

static int start_host(struct script *s, int host)
{
	int pair[2], i;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return fail(s, host, strerror(errno));
	fflush(stdout);
	s->pid[host] = fork();
	if (s->pid[host] < 0)
		return fail(s, host, strerror(errno));
	if (!s->pid[host]) {
		for (i = 0; i < host; i++)
			close(s->control[i]);
		close(pair[0]);
		demo_host_main((unsigned)host + 1, pair[1]);
	}
	close(pair[1]);
	s->control[host] = pair[0];
	return 0;
}

static int ask(struct script *s, int host, const struct demo_ask *q)
{
	if (send(s->control[host], q, sizeof(*q), MSG_NOSIGNAL) == (ssize_t)sizeof(*q))
		return 0;
	return fail(s, host, "its process has ended");
}

/* The next answer, progress or the last. */
static int hear(struct script *s, int host, struct demo_answer *a)
{
	struct pollfd p = { .fd = s->control[host], .events = POLLIN };

	if (poll(&p, 1, ANSWER_MS) <= 0)
		return fail(s, host, "no answer from its process");
	if (recv(p.fd, a, sizeof(*a), 0) != (ssize_t)sizeof(*a))
		return fail(s, host, "its process has ended");
	a->why[sizeof(a->why) - 1] = '\0';
	return a->r ? fail(s, host, a->why) : 0;
}

static int ask_and_hear(struct script *s, int host, const struct demo_ask *q, struct demo_answer *a)
{
	return ask(s, host, q) ? -1 : hear(s, host, a);
}

/* The same for both, one after the other. */
static int ask_both(struct script *s, enum demo_op op, struct demo_answer a[2])
{
	const struct demo_ask q = { .op = op };

	return ask_and_hear(s, 0, &q, &a[0]) || ask_and_hear(s, 1, &q, &a[1]) ? -1 : 0;
}

/* --- steps ---------------------------------------------------------------- */

static int make_hosts(struct script *s)
{
	struct demo_ask cable = { .op = DEMO_CABLE };
	struct demo_answer a[2];

	if (start_host(s, 0) || start_host(s, 1) || ask_both(s, DEMO_SPACE, a))
		return -1;
	cable.far = s->pid[1];
	return ask_and_hear(s, 0, &cable, a) || ask_both(s, DEMO_ADDRESS, a) ? -1 : 0;
}

static int make_tunnel(struct script *s, uint8_t far_key[ADIT_KEY_LEN])
{
	struct demo_ask peer = { .op = DEMO_PEER };
	struct demo_answer a[2], ready;
	int host;

	if (ask_both(s, DEMO_TUNNEL, a))
		return -1;
	for (host = 0; host < 2; host++) {
		memcpy(peer.key, a[!host].key, ADIT_KEY_LEN);
		if (ask_and_hear(s, host, &peer, &ready))
			return -1;
	}
	memcpy(far_key, a[1].key, ADIT_KEY_LEN);
	return 0;
}

/* The tunnel's own view; again at the end. */
static int read_facts(struct script *s)
{
	struct demo_answer a[2];
	int host;

	if (ask_both(s, DEMO_FACTS, a))
		return -1;
	for (host = 0; host < 2; host++) {
		s->facts->tunnel[host] = a[host].tunnel;
		s->facts->tunnel[host].aead = NULL; /* a pointer of another process */
	}
	snprintf(s->facts->aead, sizeof(s->facts->aead), "%.31s", a[0].why);
	return 0;
}

static int handshake(struct script *s, const uint8_t far_key[ADIT_KEY_LEN])
{
	struct demo_ask q = { .op = DEMO_HANDSHAKE };
	struct demo_answer a;

	memcpy(q.key, far_key, ADIT_KEY_LEN);
	if (ask_and_hear(s, 0, &q, &a))
		return -1;
	s->facts->handshake_ns = a.ns;
	return 0;
}

static int ping(struct script *s)
{
	struct demo_answer a;
	int which;

	for (which = 0; which < 2; which++) {
		const struct demo_ask q = { .op = DEMO_PING, .inside = which };

		if (ask_and_hear(s, 0, &q, &a))
			return -1;
		s->facts->ping_ns[which] = a.ns;
		s->facts->ping_best_ns[which] = a.best_ns;
	}
	return 0;
}

/* Which: index of demo_facts.page_*. The second host serves it and watches the link. */
static int page(struct script *s, int which)
{
	const struct demo_ask serve = { .op = DEMO_SERVE };
	const struct demo_ask fetch = { .op = DEMO_FETCH,
					.inside = which == DEMO_INSIDE,
					.forward = which == DEMO_ROOTLESS };
	struct demo_facts *f = s->facts;
	struct demo_answer got, served;

	if (ask(s, 1, &serve) || ask_and_hear(s, 0, &fetch, &got) || hear(s, 1, &served))
		return -1;
	f->page_bytes[which] = got.bytes;
	f->page_ns[which] = got.ns;
	f->frames[which] = served.frames;
	f->clear[which] = served.clear;
	return which != DEMO_BARE && f->clear[which] ? fail(s, 1, "saw the page in clear on the link") : 0;
}

static int pages(struct script *s)
{
	if (page(s, DEMO_BARE))
		return -1;
	/* The same eyes must see it in clear on the bare link, or seeing nothing inside says nothing. */
	if (!s->facts->clear[DEMO_BARE])
		return fail(s, 1, "did not see the page on the bare link, so it cannot say that it is hidden inside");
	return page(s, DEMO_INSIDE);
}

static int rootless(struct script *s, const uint8_t far_key[ADIT_KEY_LEN])
{
	struct demo_ask start = { .op = DEMO_FORWARD }, peer = { .op = DEMO_GUEST_PEER };
	struct demo_answer a, ready;

	memcpy(start.key, far_key, ADIT_KEY_LEN);
	if (ask_and_hear(s, 0, &start, &a))
		return -1;
	memcpy(peer.key, a.key, ADIT_KEY_LEN);
	snprintf(s->facts->confined, sizeof(s->facts->confined), "%.95s", a.why);
	return ask_and_hear(s, 1, &peer, &ready) ? -1 : page(s, DEMO_ROOTLESS);
}

static int stream(struct script *s, int which)
{
	const unsigned ms = which == DEMO_INSIDE ? INSIDE_MS : BARE_MS;
	const struct demo_ask sink = { .op = DEMO_SINK };
	const struct demo_ask feed = { .op = DEMO_SEND, .inside = which, .ms = ms };
	struct demo_answer a;

	if (ask(s, 1, &sink) || ask(s, 0, &feed))
		return -1;
	do {
		if (hear(s, 0, &a))
			return -1;
		demo_print_progress(which, a.ns, ms * INT64_C(1000000), a.bytes);
	} while (!a.last);
	if (hear(s, 1, &a))
		return -1;
	/* Counted where it arrived. */
	s->facts->stream_bytes[which] = a.bytes;
	s->facts->stream_ns[which] = a.ns;
	if (!a.bytes || !a.ns)
		return fail(s, 1, "nothing arrived");
	return 0;
}

static int run(struct script *s)
{
	struct demo_facts *f = s->facts;
	uint8_t far_key[ADIT_KEY_LEN];

	f->failed = "two hosts and a link";
	if (make_hosts(s))
		return -1;
	f->failed = "a WireGuard device on each";
	if (make_tunnel(s, far_key) || read_facts(s))
		return -1;
	demo_print_setup(f);
	f->failed = "handshake";
	if (handshake(s, far_key))
		return -1;
	demo_print_handshake(f);
	f->failed = "ping";
	if (ping(s))
		return -1;
	demo_print_ping(f);
	f->failed = "page over HTTP";
	if (pages(s))
		return -1;
	demo_print_page(f);
	f->failed = "TCP on the bare link";
	if (stream(s, DEMO_BARE))
		return -1;
	demo_print_stream(f, DEMO_BARE);
	f->failed = "TCP through the tunnel";
	if (stream(s, DEMO_INSIDE))
		return -1;
	demo_print_stream(f, DEMO_INSIDE);
	f->failed = "page by adit forward";
	if (rootless(s, far_key))
		return -1;
	demo_print_forward(f);
	f->failed = "the tunnel's counters";
	if (read_facts(s))
		return -1;
	f->failed = NULL;
	return 0;
}

int demo_script(struct demo_facts *facts, bool json)
{
	struct script s = { .facts = facts, .control = { -1, -1 } };
	struct timespec begin, end;
	int r;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	demo_print_begin(json);
	r = run(&s);
	clock_gettime(CLOCK_MONOTONIC, &end);
	facts->total_ns = (end.tv_sec - begin.tv_sec) * INT64_C(1000000000) + end.tv_nsec - begin.tv_nsec;
	demo_print_end(facts);
	if (fflush(stdout) || ferror(stdout))
		r = -1; /* nobody could read it */
	return r ? ADIT_EXIT_FAILED : ADIT_EXIT_OK;
}
