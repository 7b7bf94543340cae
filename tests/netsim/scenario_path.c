/* SPDX-License-Identifier: ISC */
/* scenario_path.c - what links do: small path MTUs, marks, corruption, bursts, outages */
#include "base/inet.h"
#include "scenario.h"

static unsigned family(const struct world *w)
{
	return w->seed % 2 ? 4 : 6;
}

/* Large packets vanish without a word (RFC 4821). When they no longer do, full segments come back. */
void scenario_blackhole(struct world *w)
{
	static const uint32_t mtus[] = { 1279, 600 };
	uint32_t mtu = family(w) == 4 ? mtus[w->seed / 2 % 2] : 1300;
	struct adit_tcp_info info;
	struct stream *st;

	two_hosts(w, NULL);
	world_link(w, &(struct link){ .delay = 10 * ADIT_MSEC, .mtu = mtu });
	st = stream_new(w, 0, 1, family(w), 300000, 300000);
	st->end[0].hold_fin = true;
	stream_connect(st);
	EXPECT(w, world_run_until(w, streams_carried, 240 * ADIT_SEC));
	adit_tcp_info(st->end[0].s, &info);
	EXPECT_INT(w, info.mss, <, mtu);
	w->link[0][1].mtu = w->link[1][0].mtu = 0;
	world_run(w, 15 * ADIT_SEC);
	for (unsigned i = 0; i < 2; i++) { /* the first acknowledgement is what raises it */
		st->end[0].to_send += 100000;
		end_work(&st->end[0]);
		world_run(w, ADIT_SEC);
	}
	adit_tcp_info(st->end[0].s, &info);
	EXPECT_INT(w, info.mss, >=, 1348);
	st->end[0].hold_fin = false;
	end_work(&st->end[0]);
	EXPECT(w, world_run_until(w, streams_complete, 30 * ADIT_SEC));
	expect_silence(w);
}

/* All that was in flight is sent again after a black hole was found, over a path that is a thousand times shorter than
 * it was when the window was never full: it does not creep along at the pace of then. */
void scenario_blackhole_again(struct world *w)
{
	const struct adit_netstack_config cfg = { .mtu = 1420, .flow_max = 2 << 20 };
	struct stream *st;
	adit_time hole;

	two_hosts(w, &cfg);
	world_link(w, &(struct link){ .delay = 50 * ADIT_MSEC, .rate = 1000000000, .queue = 20000000 });
	st = stream_new(w, 0, 1, w->seed % 2 ? 4 : 6, 30 << 20, 0);
	stream_connect(st);
	while (st->end[1].got < 15 << 20)
		world_run(w, 10 * ADIT_MSEC);
	world_link(w, &(struct link){ .delay = ADIT_MSEC / 20, .rate = 1000000000, .queue = 20000000, .mtu = 1300 });
	hole = w->now;
	for (int k = 0; k < 400 && !st->finished; k++)
		world_run(w, ADIT_SEC / 10);
	world_trace(w, "%.1f s; %" PRIu64 " of %u", (double)(w->now - hole) / 1e9, st->end[1].got, 30u << 20);
	EXPECT(w, st->finished);
	EXPECT_INT(w, w->now - hole, <=, 15 * ADIT_SEC);
}

/* ... and with a word: at once. */
void scenario_path_mtu(struct world *w)
{
	static const unsigned mtus[] = { 1400, 1300, 1280 };
	struct stream *st;

	two_hosts(w, NULL);
	world_link(w, &(struct link){ .delay = 10 * ADIT_MSEC, .mtu = mtus[w->seed % 3], .icmp = true });
	st = stream_run(w, family(w), 1000000, 1000000, 60 * ADIT_SEC);
	EXPECT_INT(w, st->finished - st->began, <=, 2 * ADIT_SEC);
	EXPECT_INT(w, w->link[0][1].dropped, <=, 60);
	expect_silence(w);
}

/* Marks instead of losses: the rate is kept, and nothing is lost or sent again (RFC 3168). */
void scenario_ecn(struct world *w)
{
	struct stream *st;

	two_hosts(w, NULL);
	world_link(w, &(struct link){ .delay = 10 * ADIT_MSEC, .rate = 50000000, .queue = 600000, .ce = 60000 });
	st = stream_run(w, family(w), 20000000, 0, 60 * ADIT_SEC);
	EXPECT_INT(w, w->link[0][1].marked, >, 0);
	EXPECT_INT(w, w->link[0][1].dropped, ==, 0);
	EXPECT_INT(w, host_stats(&w->host[0]).retransmitted_bytes, ==, 0);
	EXPECT_INT(w, st->finished - st->began, <=, 5 * ADIT_SEC);
	expect_silence(w);
}

void scenario_corrupt(struct world *w)
{
	two_hosts(w, NULL);
	world_link(w, &(struct link){ .delay = 10 * ADIT_MSEC, .corrupt = 20000 });
	stream_run(w, family(w), 1000000, 1000000, 300 * ADIT_SEC);
	expect_silence(w);
}

/* Duplicates are no sign of anything. */
void scenario_duplicates(struct world *w)
{
	struct stream *st;

	two_hosts(w, NULL);
	world_link(w, &(struct link){ .delay = 10 * ADIT_MSEC, .dup = 50000, .rate = 100000000 });
	st = stream_run(w, family(w), 5000000, 1000000, 60 * ADIT_SEC);
	EXPECT_INT(w, host_stats(&w->host[0]).retransmitted_bytes, <=, w->link[0][1].dropped_payload * 13 / 10 + 3000);
	EXPECT_INT(w, st->finished - st->began, <=, 3 * ADIT_SEC);
	expect_silence(w);
}

void scenario_burst(struct world *w)
{
	uint64_t dropped;

	two_hosts(w, NULL);
	world_link(w, &(struct link){ .delay = 15 * ADIT_MSEC, .burst = 2000, .burst_len = 10 * ADIT_MSEC, .rate = 100000000 });
	stream_run(w, family(w), 5000000, 1000000, 300 * ADIT_SEC);
	dropped = w->link[0][1].dropped_payload + w->link[1][0].dropped_payload;
	EXPECT_INT(w, host_stats(&w->host[0]).retransmitted_bytes + host_stats(&w->host[1]).retransmitted_bytes, <=,
		   dropped * 13 / 10 + 60000);
	expect_silence(w);
}

/* The link is gone for a while; it goes on, not too late, without everything sent again. At once, where somebody
 * tells that it is back. */
void scenario_outage(struct world *w)
{
	struct stream *st;
	adit_time gone = (adit_time)rng_range(&w->rng, 1, 60) * ADIT_SEC, healed;
	bool told = w->seed / 2 % 2;

	two_hosts(w, NULL);
	world_link(w, &(struct link){ .delay = 15 * ADIT_MSEC, .rate = 50000000 });
	st = stream_new(w, 0, 1, family(w), 10000000, 10000000);
	stream_connect(st);
	world_run(w, 800 * ADIT_MSEC);
	w->link[0][1].down = w->link[1][0].down = true;
	world_run(w, gone);
	w->link[0][1].down = w->link[1][0].down = false;
	healed = w->now;
	for (unsigned i = 0; i < 2 && told; i++) {
		adit_netstack_path_up(w->host[i].ns, w->now);
		host_pump(&w->host[i]);
	}
	EXPECT(w, world_run_until(w, streams_complete, 300 * ADIT_SEC));
	EXPECT_INT(w, st->finished - healed, <=, told ? 12 * ADIT_SEC : gone * 2 + 10 * ADIT_SEC);
	expect_silence(w);
}

/* The last segments of a burst are lost: a probe finds out, and the window is kept. */
void scenario_tail_loss(struct world *w)
{
	struct adit_tcp_info info;
	struct stream *st;
	adit_time began;

	two_hosts(w, NULL);
	world_link(w, &(struct link){ .delay = 25 * ADIT_MSEC });
	st = stream_new(w, 0, 1, family(w), 200000, 0);
	st->end[0].hold_fin = true;
	stream_connect(st);
	world_run(w, 3 * ADIT_SEC);
	for (unsigned lost = 1; lost <= 3; lost++) {
		adit_tcp_info(st->end[0].s, &info);
		world_trace(w, "cwnd %u ssthresh %u srtt %lld us", info.cwnd, info.ssthresh, (long long)info.srtt / 1000);
		began = w->now;
		w->link[0][1].drop_data = lost;
		st->end[0].to_send += 1000 * lost;
		end_work(&st->end[0]);
		world_run(w, 0);
		EXPECT_INT(w, w->link[0][1].drop_data, <=, lost - 1);
		w->link[0][1].drop_data = 0;
		EXPECT(w, world_run_until(w, streams_carried, 5 * ADIT_SEC));
		EXPECT_INT(w, w->now - began, <=, 300 * ADIT_MSEC);
		world_run(w, 3 * ADIT_SEC);
	}
	adit_tcp_info(st->end[0].s, &info);
	EXPECT_INT(w, info.timeouts, <=, 1); /* two of two segments lost: nothing is left to answer */
	st->end[0].hold_fin = false;
	end_work(&st->end[0]);
	world_run(w, 0);
	EXPECT(w, world_run_until(w, streams_complete, 5 * ADIT_SEC));
	expect_silence(w);
}
