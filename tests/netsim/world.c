/* SPDX-License-Identifier: ISC */
/* world.c - hosts and the clock */
#include "world.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "netstack/stack.h"
#include "stream.h"
#include "watch.h"

#define SPIN_MAX 20000 /* turns without the clock moving: somebody is in a loop */

void world_fail(struct world *w, const char *file, int line, const char *format, ...)
{
	const char *base = strrchr(file, '/');
	va_list ap;
	int n;

	n = snprintf(w->message, sizeof(w->message), "%s:%d at %.6f s: ", base ? base + 1 : file, line,
		     (double)w->now / 1e9);
	va_start(ap, format);
	vsnprintf(w->message + n, sizeof(w->message) - (size_t)n, format, ap);
	va_end(ap);
	longjmp(w->failed, 1);
}

void world_trace(struct world *w, const char *format, ...)
{
	va_list ap;

	if (!w->trace)
		return;
	printf("# %11.6f ", (double)w->now / 1e9);
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	printf("\n");
}

/* --- hosts --------------------------------------------------------------------- */

static void host_random(void *user, void *buf, size_t len)
{
	rng_fill(&((struct host *)user)->w->rng, buf, len);
}

struct adit_endpoint world_endpoint(unsigned host, unsigned family, uint16_t port)
{
	struct adit_endpoint e = { .addr.family = (uint8_t)family, .port = port };

	if (family == 4) {
		e.addr.bytes[0] = 10;
		e.addr.bytes[3] = (uint8_t)(host + 1);
	} else {
		e.addr.bytes[0] = 0xfd;
		e.addr.bytes[15] = (uint8_t)(host + 1);
	}
	return e;
}

static struct host *host_new(struct world *w)
{
	struct host *h = &w->host[w->hosts];

	EXPECT_INT(w, w->hosts, <, HOSTS_MAX);
	*h = (struct host){ .w = w, .id = w->hosts++ };
	h->got_end = &h->got;
	h->batch_end = &h->batch;
	return h;
}

static void stack_new(struct host *h, const struct adit_netstack_config *cfg)
{
	const struct adit_netstack_ops ops = { .random = host_random };
	struct adit_netstack_config c = cfg ? *cfg : (struct adit_netstack_config){ .mtu = 1420 };
	struct world *w = h->w;

	if (!c.budget)
		c.budget = &w->budget;
	EXPECT(w, !adit_netstack_new(&h->ns, &c, &ops, h, w->now));
	for (unsigned family = 4; family <= 6; family += 2) {
		struct adit_endpoint e = world_endpoint(h->id, family, 0);

		EXPECT(w, !adit_netstack_add_address(h->ns, &e.addr));
	}
}

struct host *world_host(struct world *w, const struct adit_netstack_config *cfg)
{
	struct host *h = host_new(w);

	stack_new(h, cfg);
	return h;
}

void host_restart(struct host *h, const struct adit_netstack_config *cfg)
{
	adit_netstack_free(h->ns);
	stack_new(h, cfg);
}

struct host *world_puppet(struct world *w)
{
	return host_new(w);
}

void world_link(struct world *w, const struct link *both)
{
	for (unsigned a = 0; a < HOSTS_MAX; a++) {
		for (unsigned b = 0; b < HOSTS_MAX; b++)
			w->link[a][b] = *both;
	}
}

void world_init(struct world *w, const char *name, uint64_t seed, bool trace)
{
	memset(w, 0, sizeof(*w));
	w->name = name;
	w->seed = seed;
	w->trace = trace;
	w->rng.state = seed;
	w->now = ADIT_SEC;
	w->budget.limit = 256u << 20;
	w->event = stream_event;
}

static void free_list(struct packet *p)
{
	while (p) {
		struct packet *next = p->next;

		free(p);
		p = next;
	}
}

void world_fini(struct world *w)
{
	for (unsigned i = 0; i < w->hosts; i++) {
		adit_netstack_free(w->host[i].ns);
		w->host[i].ns = NULL;
		free_list(w->host[i].got);
		free_list(w->host[i].batch);
	}
	wire_clear(w);
	stream_free_all(w);
	watch_free(w);
	EXPECT_INT(w, w->budget.used, ==, 0);
	EXPECT_INT(w, w->budget.idle + w->budget.held + w->budget.holders, ==, 0);
}

struct adit_netstack_stats host_stats(const struct host *h)
{
	struct adit_netstack_stats s;

	adit_netstack_stats(h->ns, &s);
	return s;
}

/* --- one turn of a host ------------------------------------------------------------ */

static void send_super(struct host *h, struct adit_super *s)
{
	struct world *w = h->w;

	EXPECT_INT(w, s->cnt, >=, 1);
	EXPECT_INT(w, s->gso_size, >, 0);
	for (unsigned k = 0; k < s->cnt; k++) {
		uint32_t len = adit_super_segment_len(s, k);

		EXPECT_INT(w, len, <=, adit_netstack_mtu(h->ns));
		wire_send(w, h->id, adit_super_segment(s, k), len);
	}
	h->sent += s->cnt;
	adit_super_restore(s);
}

/* Packets until there are none; false: there was none. */
static bool pull(struct host *h)
{
	static uint8_t buf[PACKET_MAX];
	struct adit_super super;
	uint32_t len;
	unsigned n = 0;

	for (;; n++) {
		if (n > 100000)
			FAIL(h->w, "host %u sends without end", h->id);
		switch (adit_netstack_out(h->ns, buf, &len, &super, h->w->now)) {
		case ADIT_OUT_NONE:
			return n > 0;
		case ADIT_OUT_PACKET:
			EXPECT_INT(h->w, len, <=, adit_netstack_mtu(h->ns));
			wire_send(h->w, h->id, buf, len);
			h->sent++;
			h->outs++;
			break;
		case ADIT_OUT_SUPER:
			send_super(h, &super);
			h->outs++;
			break;
		}
	}
}

static bool events(struct host *h)
{
	struct adit_sock *s;
	unsigned what, n = 0;

	while ((s = adit_netstack_event(h->ns, &what))) {
		if (++n > 100000)
			FAIL(h->w, "host %u has events without end", h->id);
		EXPECT(h->w, what != 0);
		if (h->w->event)
			h->w->event(h->w, h, s, what);
	}
	return n > 0;
}

void host_pump(struct host *h)
{
	unsigned turns = 0;
	bool busy = true;

	while (busy) {
		if (++turns > 1000)
			FAIL(h->w, "host %u finds no rest", h->id);
		busy = events(h);
		adit_netstack_in_end(h->ns, h->w->now);
		busy = pull(h) || busy;
	}
	if (h->steps++ % (h->w->check_every ? h->w->check_every : 1) == 0)
		ns_check(h->ns);
}

/* What arrived is lent until in_end, then gone. */
static void arrivals(struct host *h)
{
	struct packet *batch = h->batch;

	h->batch = NULL;
	h->batch_end = &h->batch;
	if (!h->ns) {
		*h->got_end = batch;
		while (*h->got_end)
			h->got_end = &(*h->got_end)->next;
		return;
	}
	merge_in(h, batch);
	events(h);
	adit_netstack_in_end(h->ns, h->w->now);
	free_list(batch);
	host_pump(h);
}

/* --- time ------------------------------------------------------------------------------ */

static adit_time next_moment(const struct world *w)
{
	adit_time next = w->heap_cnt ? w->heap[0]->at : ADIT_NEVER;

	for (unsigned i = 0; i < w->hosts; i++) {
		adit_time due = w->host[i].ns ? adit_netstack_deadline(w->host[i].ns) : ADIT_NEVER;

		if (due < next)
			next = due;
	}
	return next < w->now ? w->now : next;
}

static void moment(struct world *w)
{
	struct packet *p;

	while ((p = wire_next(w, w->now))) {
		struct host *h = &w->host[p->to];

		*h->batch_end = p;
		h->batch_end = &p->next;
	}
	for (unsigned i = 0; i < w->hosts; i++) {
		struct host *h = &w->host[i];

		if (h->batch)
			arrivals(h);
		if (h->ns && adit_netstack_deadline(h->ns) <= w->now) {
			adit_netstack_tick(h->ns, w->now);
			host_pump(h);
		}
	}
}

bool world_run_until(struct world *w, bool (*done)(struct world *w), adit_time limit)
{
	adit_time end = w->now + limit, next;
	unsigned spin = 0;

	while (!done || !done(w)) {
		next = next_moment(w);
		if (next > end) {
			w->now = end;
			return !done;
		}
		spin = next == w->now ? spin + 1 : 0;
		if (spin > SPIN_MAX)
			FAIL(w, "the clock stands still");
		w->now = next;
		moment(w);
	}
	return true;
}

void world_run(struct world *w, adit_time time)
{
	for (unsigned i = 0; i < w->hosts; i++) {
		if (w->host[i].ns)
			host_pump(&w->host[i]);
	}
	world_run_until(w, NULL, time);
}
