/* SPDX-License-Identifier: ISC */
/* scenario_window.c - readers that do not read: closed windows, probes, slow and tiny steps */
#include "base/inet.h"
#include "scenario.h"

static unsigned family(const struct world *w)
{
	return w->seed % 2 ? 4 : 6;
}

/* A sender whose receiver stopped reading at `limit`. */
static struct stream *stuck(struct world *w, uint64_t bytes, uint64_t limit)
{
	struct adit_netstack_config cfg = { .mtu = 1420, .flow_max = 128 << 10 };
	struct stream *st;

	two_hosts(w, &cfg);
	world_link(w, &(struct link){ .delay = 10 * ADIT_MSEC });
	st = stream_new(w, 0, 1, family(w), bytes, 0);
	st->end[1].read_limit = limit;
	stream_connect(st);
	world_run(w, 5 * ADIT_SEC);
	EXPECT_INT(w, st->end[1].got, ==, limit);
	EXPECT_INT(w, adit_tcp_readable(st->end[1].s), <=, 128 << 10);
	EXPECT_INT(w, adit_tcp_readable(st->end[1].s), >=, 32 << 10);
	return st;
}

static void go_on(struct world *w, struct stream *st)
{
	st->end[1].read_limit = UINT64_MAX;
	end_work(&st->end[1]);
	world_run(w, 0);
}

/* Closed, then open again: the update is heard at once. */
void scenario_zero_window(struct world *w)
{
	struct stream *st = stuck(w, 1000000, 1000);

	go_on(w, st);
	EXPECT(w, world_run_until(w, streams_complete, 2 * ADIT_SEC));
	expect_silence(w);
}

/* ... the update is lost: the sender's probe finds out. */
void scenario_zero_window_update_lost(struct world *w)
{
	struct stream *st = stuck(w, 1000000, 1000);

	w->link[1][0].down = true;
	go_on(w, st);
	world_run(w, ADIT_MSEC);
	w->link[1][0].down = false;
	EXPECT(w, world_run_until(w, streams_complete, 130 * ADIT_SEC));
	expect_silence(w);
}

/* ... never: the connection lives as long as probes are answered, and they become rare. */
void scenario_zero_window_forever(struct world *w)
{
	struct stream *st = stuck(w, 1000000, 1000);
	uint64_t packets;

	world_run(w, 600 * ADIT_SEC);
	packets = w->link[0][1].packets;
	world_run(w, 3600 * ADIT_SEC);
	EXPECT(w, !st->end[0].error && !st->end[1].error);
	EXPECT_INT(w, w->link[0][1].packets - packets, >=, 25); /* at least every 120 s and a bit */
	EXPECT_INT(w, w->link[0][1].packets - packets, <=, 70);
	go_on(w, st);
	EXPECT(w, world_run_until(w, streams_complete, 2 * ADIT_SEC));
	expect_silence(w);
}

/* Reads little at a time: no silly windows, and no more than a segment or two for each window update. */
void scenario_slow_reader(struct world *w)
{
	struct stream *st = stuck(w, 400000, 1000);
	uint64_t before = w->link[0][1].packets;

	while (st->end[1].got < 300000) {
		st->end[1].read_limit = st->end[1].got + 100;
		end_work(&st->end[1]);
		world_run(w, ADIT_MSEC);
	}
	/* silly windows would give a segment to each 100 bytes: 3000 */
	EXPECT_INT(w, w->link[0][1].packets - before, <=, 700);
	go_on(w, st);
	EXPECT(w, world_run_until(w, streams_complete, 3 * ADIT_SEC));
	expect_silence(w);
}

/* A byte at a time, both ways. */
void scenario_tiny_writes(struct world *w)
{
	struct stream *st;

	two_hosts(w, NULL);
	world_link(w, &(struct link){ .delay = 10 * ADIT_MSEC, .loss = 5000 });
	st = stream_new(w, 0, 1, family(w), 4000, 4000);
	st->end[0].chunk = st->end[1].chunk = 1;
	stream_connect(st);
	EXPECT(w, world_run_until(w, streams_complete, 60 * ADIT_SEC));
	expect_silence(w);
}
