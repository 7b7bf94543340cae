/* SPDX-License-Identifier: ISC */
/* scenario_scale.c - many flows, little memory */
#include <malloc.h>

#include "scenario.h"

static unsigned opened, accepted;

static void count_event(struct world *w, struct host *h, struct adit_sock *s, unsigned what)
{
	(void)h;
	if (what & ADIT_EV_SYN) {
		accepted++;
		adit_tcp_accept(s, w->now);
	}
	opened += (what & ADIT_EV_CONNECTED) != 0;
	if (what & (ADIT_EV_ERROR | ADIT_EV_EOF))
		FAIL(w, "an idle flow did not stay");
}

#define IDLE 50000 /* connections: both ends of each are here */

/* An idle flow costs a kilobyte at most, and no time. */
void scenario_idle_flows(struct world *w)
{
	const struct adit_netstack_config cfg = { .mtu = 1420, .syn_backlog = IDLE };
	struct adit_endpoint to[4];
	struct adit_sock *s;
	size_t before, after;

	w->check_every = 1000000;
	w->event = count_event;
	opened = accepted = 0;
	two_hosts(w, &cfg);
	before = mallinfo2().uordblks + mallinfo2().hblkhd;
	for (unsigned i = 0; i < 4; i++) {
		to[i] = world_endpoint(1, 4, (uint16_t)(80 + i));
		EXPECT(w, !adit_tcp_listen(w->host[1].ns, &s, &to[i], NULL));
	}
	for (unsigned i = 0; i < IDLE; i++) {
		EXPECT(w, !adit_tcp_connect(w->host[0].ns, &s, NULL, &to[i % 4], NULL, w->now));
		if (i % 100 == 99)
			world_run(w, ADIT_MSEC);
	}
	world_run(w, 20 * ADIT_SEC);
	EXPECT_INT(w, accepted, ==, IDLE);
	EXPECT_INT(w, opened, ==, 2 * IDLE);
	after = mallinfo2().uordblks + mallinfo2().hblkhd;
	world_trace(w, "%zu bytes a flow, table and all; %zu of the budget", (after - before) / (2 * IDLE),
		    w->budget.used / (2 * IDLE));
	EXPECT_INT(w, (after - before) / (2 * IDLE), <=, 1024); /* with the table and malloc */
	EXPECT_INT(w, w->budget.used / (2 * IDLE), <=, 1024); /* the same: no buffers */
	w->event = NULL;
}

static void abort_all(struct world *w)
{
	for (struct stream *st = w->streams; st; st = st->next) {
		for (int i = 0; i < 2; i++) {
			if (st->end[i].s)
				adit_tcp_abort(st->end[i].s, w->now);
			st->end[i].s = NULL;
		}
	}
	w->event = NULL;
	world_run(w, ADIT_SEC);
	expect_silence(w);
}

/* Many busy flows share what memory there is: all of them get on, none takes it all. */
static void share(struct world *w, unsigned flows, size_t limit, adit_time time, uint64_t least)
{
	uint64_t sum = 0, min = UINT64_MAX, max = 0;

	w->check_every = 64;
	w->budget.limit = limit;
	two_hosts(w, NULL);
	world_link(w, &(struct link){ .delay = 5 * ADIT_MSEC, .rate = 1000000000, .queue = 2000000 });
	for (unsigned i = 0; i < flows; i++)
		stream_connect(stream_new(w, 0, 1, w->seed % 2 ? 4 : 6, UINT32_MAX, i % 4 == 0 ? UINT32_MAX : 0));
	world_run(w, time);
	for (const struct stream *st = w->streams; st; st = st->next) {
		EXPECT(w, !st->end[0].error && !st->end[1].error);
		sum += st->end[1].got;
		min = st->end[1].got < min ? st->end[1].got : min;
		max = st->end[1].got > max ? st->end[1].got : max;
	}
	world_trace(w, "%u flows, %zu bytes: min %" PRIu64 " mean %" PRIu64 " max %" PRIu64 ", %.0f Mbit/s, peak %zu, refused %lu",
		    flows, limit, min, sum / flows, max, (double)sum * 8e3 / (double)time, w->budget.peak, w->budget.refused);
	EXPECT_INT(w, w->budget.peak, <=, limit);
	EXPECT_INT(w, sum, >=, least);
	EXPECT_INT(w, min * 4, >=, sum / flows);
	abort_all(w);
}

void scenario_shared_budget(struct world *w)
{
	share(w, 512, 16 << 20, 5 * ADIT_SEC, 200000000);
}

/* Slow readers hold all there is; who comes then, asks and reads at once, is answered in time. */
void scenario_newcomer(struct world *w)
{
	enum { SLOW = 400, NEW = 5 };
	static struct adit_budget budget; /* the stack is freed after this returned */
	const struct adit_netstack_config cfg = { .mtu = 1420, .budget = &budget };
	struct stream *slow[SLOW], *st;

	budget = (struct adit_budget){ .limit = 6 << 20 };
	w->check_every = 64;
	world_host(w, &cfg)->merge = w->seed / 2 % 2;
	world_host(w, NULL)->merge = w->seed / 2 % 2;
	world_link(w, &(struct link){ .delay = 5 * ADIT_MSEC, .rate = 1000000000, .queue = 2000000 });
	for (unsigned i = 0; i < SLOW; i++) {
		slow[i] = stream_new(w, 0, 1, w->seed % 2 ? 4 : 6, 100, UINT32_MAX);
		slow[i]->end[0].read_limit = 0;
		stream_connect(slow[i]);
	}
	for (unsigned k = 0; k < NEW; k++) {
		for (int t = 0; t < 40; t++) { /* 1 kB a second of each */
			for (unsigned i = 0; i < SLOW; i++) {
				slow[i]->end[0].read_limit += 100;
				end_work(&slow[i]->end[0]);
			}
			world_run(w, ADIT_SEC / 10);
		}
		EXPECT_INT(w, budget.used, >, budget.limit - budget.limit / 8);
		st = stream_new(w, 0, 1, 4, 100, 100000);
		stream_connect(st);
		for (int t = 0; t < 100 && !st->finished; t++)
			world_run(w, ADIT_SEC / 10);
		world_trace(w, "newcomer %u: %.3f s; %zu of %zu in use", k, (double)(st->finished - st->began) / 1e9,
			    budget.used, budget.limit);
		EXPECT(w, st->finished);
	}
	for (unsigned i = 0; i < SLOW; i++) {
		for (int k = 0; k < 2; k++) {
			if (slow[i]->end[k].s)
				adit_tcp_abort(slow[i]->end[k].s, w->now);
			slow[i]->end[k].s = NULL;
		}
	}
	w->event = NULL;
	world_run(w, ADIT_SEC);
}

/* So little that not even a train fits: every flow gets on all the same, merged or not. */
void scenario_tiny_budget(struct world *w)
{
	share(w, 16, 256 << 10, 5 * ADIT_SEC, 20000000);
}
