/* SPDX-License-Identifier: ISC */
/*
 * matrix.c - transfers over every mixture of round-trip time, loss,
 * reordering and rate, with bounds on what is sent again; and throughput over
 * round-trip time and loss as a table to compare with.
 */
#include <stdlib.h>
#include <string.h>

#include "scenario.h"

static const unsigned rtts[] = { 0, 20, 100, 300 };          /* ms */
static const unsigned losses[] = { 0, 1000, 10000, 30000 }; /* in a million */

struct cell {
	unsigned rtt, loss, reorder;
	uint64_t rate, bytes;
};

static struct link cell_link(const struct cell *c)
{
	uint64_t bdp = c->rate / 8 * (c->rtt ? c->rtt : 1) / 1000;

	return (struct link){
		.delay = c->rtt * ADIT_MSEC / 2,
		.rate = c->rate,
		.queue = (uint32_t)(bdp > 128000 ? bdp : 128000),
		.loss = c->loss,
		.reorder = c->reorder,
		.reorder_by = c->rtt ? c->rtt * ADIT_MSEC / 10 : ADIT_MSEC / 50,
	};
}

/* Until the reordering window is wide enough; where the round trip is shorter than a segment takes, that lasts. */
static uint64_t reorder_allowance(const struct cell *c)
{
	if (!c->reorder)
		return 0;
	return c->rtt ? 20000 : c->bytes / 50;
}

static void run_cell(struct world *w, const struct cell *c)
{
	struct link link = cell_link(c);
	struct adit_netstack_stats a;
	struct stream *st;
	uint64_t dropped, resent;

	w->check_every = 16;
	two_hosts(w, NULL);
	world_link(w, &link);
	st = stream_run(w, w->seed % 2 ? 4 : 6, c->bytes, c->bytes / 50, 2000 * ADIT_SEC);
	a = host_stats(&w->host[0]);
	resent = a.retransmitted_bytes + host_stats(&w->host[1]).retransmitted_bytes;
	dropped = w->link[0][1].dropped_payload + w->link[1][0].dropped_payload;
	world_trace(w, "rtt %u loss %u reorder %u rate %" PRIu64 ": %.2f Mbit/s, dropped %" PRIu64 " resent %" PRIu64,
		    c->rtt, c->loss, c->reorder, c->rate, (double)c->bytes * 8e3 / (double)(st->finished - st->began), dropped,
		    resent);
	/* what was lost, and a probe here and there; a false alarm costs at most what it sent before it was found out */
	if (resent > dropped * 13 / 10 + 3000 + reorder_allowance(c))
		FAIL(w, "rtt %u ms, loss %u ppm, reorder %u ppm, rate %" PRIu64 ": %" PRIu64 " bytes lost, %" PRIu64
		     " sent again", c->rtt, c->loss, c->reorder, c->rate, dropped, resent);
	expect_silence(w);
}

/* One cell a seed: `make test` runs all of them. */
static struct cell cell_of(const struct world *w, uint64_t rate, uint64_t bytes)
{
	unsigned n = (unsigned)((w->seed - 1) % 32);

	return (struct cell){ rtts[n % 4], losses[n / 4 % 4], n / 16 ? 10000 : 0, rate, bytes };
}

void scenario_matrix_20m(struct world *w)
{
	struct cell c = cell_of(w, 20000000, 3000000);

	run_cell(w, &c);
}

void scenario_matrix_1g(struct world *w)
{
	struct cell c = cell_of(w, 1000000000, 12000000);

	run_cell(w, &c);
}

/* --- reordering alone ---------------------------------------------------------------- */

static struct adit_tcp_info last_info;

static bool nearly_done(struct world *w)
{
	const struct stream *st = w->streams;

	if (st->end[1].got < st->end[0].to_send || !st->end[0].s)
		return false;
	adit_tcp_info(st->end[0].s, &last_info);
	return true;
}

/* Nothing is lost, much comes late: what was taken for loss is taken back, and soon no longer taken for loss. */
void scenario_reorder(struct world *w)
{
	struct link link = { .delay = 20 * ADIT_MSEC, .rate = 100000000, .queue = 4000000, .reorder = 10000,
			     .reorder_by = (adit_time)rng_range(&w->rng, 1, 30) * ADIT_MSEC };
	struct stream *st;

	w->check_every = 16;
	two_hosts(w, NULL);
	world_link(w, &link);
	st = stream_new(w, 0, 1, 4, 20000000, 0);
	st->end[1].hold_close = st->end[0].hold_fin = true;
	stream_connect(st);
	EXPECT(w, world_run_until(w, nearly_done, 300 * ADIT_SEC));
	world_trace(w, "by %lld ms: recoveries %u undos %u timeouts %u resent %" PRIu64 " %.1f Mbit/s",
		    (long long)(link.reorder_by / ADIT_MSEC), last_info.recoveries, last_info.undos, last_info.timeouts,
		    last_info.bytes_resent, 20000000 * 8e3 / (double)(w->now - st->began));
	EXPECT_INT(w, last_info.undos + 1, >=, last_info.recoveries); /* the last one may be open */
	EXPECT_INT(w, last_info.timeouts, ==, 0);
	EXPECT_INT(w, w->now - st->began, <, 6 * ADIT_SEC);
}

/* --- the table -------------------------------------------------------------------------- */

#define TABLE_RTTS   5
#define TABLE_LOSSES 4
static const unsigned table_rtt[TABLE_RTTS] = { 1, 20, 50, 100, 300 };
static const unsigned table_loss[TABLE_LOSSES] = { 0, 1000, 10000, 30000 };

/* Mean of six seeds, in Mbit/s, of a bulk transfer over 200 Mbit/s. */
static double throughput(struct world *w, unsigned rtt, unsigned loss)
{
	double sum = 0;

	for (uint64_t seed = 1; seed <= 6; seed++) {
		struct link link = { .delay = rtt * ADIT_MSEC / 2, .rate = 200000000, .queue = 2000000, .loss = loss };
		jmp_buf failed;
		struct stream *st;

		memcpy(failed, w->failed, sizeof(failed));
		world_init(w, "table", seed, false);
		memcpy(w->failed, failed, sizeof(failed));
		w->check_every = 64;
		two_hosts(w, NULL);
		world_link(w, &link);
		st = stream_new(w, 0, 1, 4, loss ? (rtt >= 100 ? 4000000 : 12000000) : 40000000, 0);
		stream_connect(st);
		EXPECT(w, world_run_until(w, streams_carried, 3000 * ADIT_SEC));
		sum += (double)st->end[0].to_send * 8e3 / (double)(st->finished - st->began);
		world_fini(w);
	}
	return sum / 6;
}

static void print_table(double table[TABLE_RTTS][TABLE_LOSSES])
{
	printf("# Mbit/s of one transfer over 200 Mbit/s: round-trip time (ms) by loss (in a million)\nrtt");
	for (int j = 0; j < TABLE_LOSSES; j++)
		printf(" %8u", table_loss[j]);
	printf("\n");
	for (int i = 0; i < TABLE_RTTS; i++) {
		printf("%3u", table_rtt[i]);
		for (int j = 0; j < TABLE_LOSSES; j++)
			printf(" %8.2f", table[i][j]);
		printf("\n");
	}
}

static bool read_table(const char *path, double table[TABLE_RTTS][TABLE_LOSSES])
{
	char line[200];
	int i = 0;
	FILE *f = fopen(path, "r");

	if (!f)
		return false;
	while (i < TABLE_RTTS && fgets(line, sizeof(line), f)) {
		unsigned rtt;

		if (line[0] != '#' && sscanf(line, "%u %lf %lf %lf %lf", &rtt, &table[i][0], &table[i][1], &table[i][2],
					     &table[i][3]) == 5 && rtt == table_rtt[i])
			i++;
	}
	fclose(f);
	return i == TABLE_RTTS;
}

/* Faster is fine; slower than seven tenths of what is written is not. */
int golden(struct world *w, const char *path)
{
	double now[TABLE_RTTS][TABLE_LOSSES], want[TABLE_RTTS][TABLE_LOSSES];
	unsigned failed = 0, n = 0;

	for (int i = 0; i < TABLE_RTTS; i++) {
		for (int j = 0; j < TABLE_LOSSES; j++)
			now[i][j] = throughput(w, table_rtt[i], table_loss[j]);
	}
	if (!path) {
		print_table(now);
		return 0;
	}
	printf("1..%d\n", TABLE_RTTS * TABLE_LOSSES);
	if (!read_table(path, want)) {
		printf("Bail out! %s is not the table\n", path);
		return 1;
	}
	for (int i = 0; i < TABLE_RTTS; i++) {
		for (int j = 0; j < TABLE_LOSSES; j++) {
			bool ok = now[i][j] >= want[i][j] * 0.7;

			printf("%s %u - %u ms, %u ppm: %.2f Mbit/s (written: %.2f)\n", ok ? "ok" : "not ok", ++n,
			       table_rtt[i], table_loss[j], now[i][j], want[i][j]);
			failed += !ok;
		}
	}
	return failed > 0;
}
