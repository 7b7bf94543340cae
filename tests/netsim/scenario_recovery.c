/* SPDX-License-Identifier: ISC */
/* scenario_recovery.c - what is lost and how it is mended, step by step, against a puppet */
#include <string.h>
#include "puppet.h"
#include "scenario.h"

#define MSS 1000

/* A peer with the options that the test wants; the stack's end has `bytes` to say. Returns where they begin. */
static uint32_t sender(struct world *w, struct puppet *p, bool sack, uint64_t bytes)
{
	puppet_world(w, p, NULL);
	p->sack = sack;
	p->mss = p->ts ? MSS + 12 : MSS;
	puppet_connect(p, bytes);
	return p->rcv_nxt;
}

/* An ACK of `ack` that SACKs segments [from, to), counted from `base`. */
static void say_sack(struct puppet *p, uint32_t base, unsigned ack, unsigned from, unsigned to)
{
	uint8_t o[12] = { 1, 1, 5, 10 };

	adit_put_be32(o + 4, base + from * MSS);
	adit_put_be32(o + 8, base + to * MSS);
	p->rcv_nxt = base + ack * MSS;
	puppet_option(p, o, sizeof(o));
	puppet_say(p, ACK, 0);
}

/* Which segments came, as bits; what else came is no segment. */
static uint64_t segments(struct puppet *p, uint32_t base)
{
	uint64_t bits = 0;

	while (puppet_get(p)) {
		for (uint32_t at = 0; at < p->v.len; at += MSS)
			bits |= UINT64_C(1) << ((p->v.seq + at - base) / MSS % 64);
	}
	return bits;
}

static void hang_up(struct puppet *p)
{
	puppet_segment(p, RST | ACK, p->snd_nxt, p->rcv_nxt, 0);
	puppet_fini(p);
	expect_silence(p->w);
}

/*
 * Segments sent again are SACKed, the first of them is not: it was lost twice,
 * and that follows from the others (RFC 8985), although the timestamp that
 * comes with a SACK is an old one (RFC 7323 4.3).
 */
void scenario_lost_twice(struct world *w)
{
	struct adit_tcp_info i;
	struct puppet p;
	uint32_t base = sender(w, &p, true, 10 * MSS), old;

	EXPECT_INT(w, segments(&p, base), ==, 0x3ff);
	old = p.ts_ecr;
	world_run(w, 20 * ADIT_MSEC);
	for (unsigned n = 6; n <= 10; n++)
		say_sack(&p, base, 0, 5, n);
	world_run(w, 0);
	EXPECT_INT(w, segments(&p, base) & 3, ==, 3); /* as far as PRR lets them */
	world_run(w, 20 * ADIT_MSEC);
	puppet_skip(&p);
	p.ts_ecr = old;
	say_sack(&p, base, 0, 1, 2);
	EXPECT_INT(w, segments(&p, base) & 1, ==, 1);
	adit_tcp_info(p.end->s, &i);
	EXPECT_INT(w, i.timeouts, ==, 0);
	hang_up(&p);
}

/* One ACK of all ends a recovery: the window is what the loss has left (RFC 9937). */
void scenario_recovery_ends(struct world *w)
{
	struct adit_tcp_info i;
	struct puppet p;
	uint32_t base = sender(w, &p, true, 10 * MSS);

	EXPECT_INT(w, segments(&p, base), ==, 0x3ff);
	world_run(w, 20 * ADIT_MSEC);
	for (unsigned n = 2; n <= 5; n++)
		say_sack(&p, base, 0, 1, n);
	EXPECT_INT(w, segments(&p, base) & 1, ==, 1);
	world_run(w, 20 * ADIT_MSEC);
	p.rcv_nxt = base + 10 * MSS;
	puppet_skip(&p);
	puppet_say(&p, ACK, 0);
	adit_tcp_info(p.end->s, &i);
	EXPECT_INT(w, i.recoveries, ==, 1);
	EXPECT_INT(w, i.undos, ==, 0);
	EXPECT_INT(w, i.ssthresh, <, 10 * MSS);
	EXPECT_INT(w, i.cwnd, ==, i.ssthresh);
	hang_up(&p);
}

/* RFC 3042: without SACK the first two duplicate ACKs let a new segment out each; the third means loss. */
void scenario_limited_transmit(struct world *w)
{
	struct puppet p;
	uint32_t base = sender(w, &p, false, 40 * MSS);

	EXPECT_INT(w, segments(&p, base), ==, 0x3ff);
	world_run(w, 20 * ADIT_MSEC);
	puppet_say(&p, ACK, 0);
	EXPECT_INT(w, segments(&p, base), ==, 1 << 10);
	puppet_say(&p, ACK, 0);
	EXPECT_INT(w, segments(&p, base), ==, 1 << 11);
	puppet_say(&p, ACK, 0);
	EXPECT_INT(w, segments(&p, base) & 1, ==, 1);
	hang_up(&p);
}

/* The value that a segment echoes. */
static uint32_t echoed(const struct puppet *p)
{
	const uint8_t *o = p->v.options;

	for (unsigned i = 0; i + 10 <= p->v.options_len; i += o[i] == 1 ? 1 : o[i + 1]) {
		if (o[i] == 8)
			return adit_get_be32(o + i + 6);
	}
	return 0;
}

/* A SYN that came again while the program made up its mind: its timestamp is what the answer echoes. */
void scenario_held_timestamp(struct world *w)
{
	struct puppet p;

	puppet_world(w, &p, NULL);
	p.ts = true;
	p.ts_val = 1000;
	p.st = stream_new(w, 1, 0, p.local.addr.family, 0, 0);
	p.end = &p.st->end[1];
	p.end->hold_accept = true;
	p.remote.port = p.st->port;
	puppet_syn(&p, SYN);
	world_run(w, ADIT_SEC);
	p.ts_val = 2000;
	puppet_syn(&p, SYN);
	puppet_expect_none(&p);
	adit_tcp_accept(p.end->s, w->now);
	world_run(w, 0);
	puppet_expect(&p, SYN | ACK);
	EXPECT_INT(w, echoed(&p), ==, 2000);
	puppet_segment(&p, RST | ACK, p.snd_nxt, p.v.seq + 1, 0);
	puppet_fini(&p);
	expect_silence(w);
}

/* Where the peer's window keeps it from sending, the congestion window of an idle sender decays by time, not by ACKs. */
void scenario_idle_window(struct world *w)
{
	struct adit_tcp_info before, after;
	struct puppet p;

	sender(w, &p, false, 1000 * MSS);
	for (unsigned n = 0; n < 10; n++) {
		world_run(w, 20 * ADIT_MSEC);
		while (puppet_get(&p))
			p.rcv_nxt += p.v.seq == p.rcv_nxt ? p.v.len : 0;
		p.wnd = n < 9 ? 60000 : 0;
		puppet_say(&p, ACK, 0);
	}
	adit_tcp_info(p.end->s, &before);
	EXPECT_INT(w, before.cwnd, >=, 40 * MSS);
	world_run(w, before.rto + before.rto / 4);
	for (unsigned n = 0; n < 5; n++)
		puppet_say(&p, ACK, 0);
	adit_tcp_info(p.end->s, &after);
	EXPECT_INT(w, after.cwnd, <=, before.cwnd / 2);
	EXPECT_INT(w, after.cwnd, >=, before.cwnd / 4);
	hang_up(&p);
}

/* A SYN-ACK that was lost: what it said of ECN it says again, for the peer may have got the first. */
void scenario_ecn_again(struct world *w)
{
	struct puppet p;

	puppet_world(w, &p, NULL);
	p.st = stream_new(w, 1, 0, p.local.addr.family, 0, 100);
	p.end = &p.st->end[1];
	p.end->hold_fin = true;
	p.remote.port = p.st->port;
	puppet_syn(&p, SYN | ADIT_TCP_ECE | ADIT_TCP_CWR);
	puppet_expect(&p, SYN | ACK);
	EXPECT_INT(w, p.v.flags & (ADIT_TCP_ECE | ADIT_TCP_CWR), ==, ADIT_TCP_ECE);
	world_run(w, 1100 * ADIT_MSEC);
	puppet_expect(&p, SYN | ACK);
	EXPECT_INT(w, p.v.flags & (ADIT_TCP_ECE | ADIT_TCP_CWR), ==, ADIT_TCP_ECE);
	p.irs = p.v.seq;
	p.rcv_nxt = p.irs + 1;
	puppet_say(&p, ACK, 0);
	puppet_expect(&p, ACK);
	EXPECT_INT(w, p.v.len, ==, 100);
	EXPECT_INT(w, p.v.tos & 3, ==, 2);
	hang_up(&p);
}

/* Text beyond the window is cut off, and its FIN with it: that stands where no FIN will be. */
void scenario_fin_beyond(struct world *w)
{
	const struct adit_netstack_config cfg = { .mtu = 1420, .flow_max = 16 << 10 };
	struct puppet p;
	uint32_t room;

	puppet_world(w, &p, &cfg);
	p.scale = -1;
	puppet_connect(&p, 0);
	p.end->read_limit = 0;
	puppet_say(&p, ACK, 100);
	puppet_expect_ack(&p);
	room = p.v.wnd;
	EXPECT_INT(w, room, >=, 8000);
	puppet_segment(&p, ACK | FIN, p.snd_nxt, p.rcv_nxt, room + 10);
	p.st->end[0].sent += room;
	p.snd_nxt += room;
	puppet_skip(&p);
	EXPECT_INT(w, adit_tcp_readable(p.end->s), ==, 100 + room);
	puppet_say(&p, ACK | FIN, 0);
	p.end->read_limit = UINT64_MAX;
	end_work(p.end);
	EXPECT(w, p.end->eof);
	hang_up(&p);
}

/* Shut down while the peer's window is closed: FIN waits for the data, and the states wait for FIN. */
void scenario_shutdown_queued(struct world *w)
{
	struct adit_tcp_info i;
	struct puppet p;

	puppet_world(w, &p, NULL);
	p.scale = -1;
	p.wnd = 1000;
	puppet_connect(&p, 5000);
	p.end->hold_fin = false;
	p.end->hold_close = true;
	end_work(p.end);
	world_run(w, 0);
	puppet_expect_data(&p, 1000);
	EXPECT(w, p.end->shut);
	adit_tcp_info(p.end->s, &i);
	EXPECT(w, !strcmp(i.state, "ESTABLISHED"));
	p.wnd = 0;
	puppet_say(&p, ACK | FIN, 0);
	adit_tcp_info(p.end->s, &i);
	EXPECT(w, !strcmp(i.state, "CLOSE-WAIT"));
	puppet_skip(&p);
	p.wnd = 60000;
	puppet_say(&p, ACK, 0);
	adit_tcp_info(p.end->s, &i);
	EXPECT(w, !strcmp(i.state, "LAST-ACK"));
	while (puppet_get(&p))
		p.rcv_nxt += p.v.len + ((p.v.flags & FIN) != 0);
	EXPECT_INT(w, p.rcv_nxt - p.irs, ==, 5002);
	puppet_say(&p, ACK, 0);
	EXPECT_INT(w, host_stats(&w->host[0]).tcp_flows, ==, 0);
	EXPECT_INT(w, host_stats(&w->host[0]).time_wait, ==, 0); /* it did not close first */
	adit_tcp_close(p.end->s, w->now);
	p.end->s = NULL;
	puppet_fini(&p);
	expect_silence(w);
}

/* Accepted, and closed before the handshake is complete: FIN follows it (RFC 9293 3.10.4). */
void scenario_close_early(struct world *w)
{
	struct puppet p;

	puppet_world(w, &p, NULL);
	p.st = stream_new(w, 1, 0, p.local.addr.family, 0, 0);
	p.end = &p.st->end[1];
	p.end->hold_fin = true;
	p.remote.port = p.st->port;
	puppet_syn(&p, SYN);
	puppet_expect(&p, SYN | ACK);
	p.irs = p.v.seq;
	p.rcv_nxt = p.irs + 1;
	adit_tcp_close(p.end->s, w->now);
	p.end->s = NULL;
	puppet_expect_silence(&p, 10 * ADIT_MSEC);
	puppet_say(&p, ACK, 0);
	puppet_expect(&p, ACK | FIN);
	p.rcv_nxt++;
	puppet_say(&p, ACK | FIN, 0);
	puppet_skip(&p);
	EXPECT_INT(w, host_stats(&w->host[0]).time_wait, ==, 1);
	puppet_fini(&p);
	expect_silence(w);
}

/*
 * The receiver throws away what comes within its window, and says so: it has
 * no memory just now. That is no black hole, and full segments remain.
 */
void scenario_refusing_receiver(struct world *w)
{
	struct adit_tcp_info i;
	struct puppet p;
	unsigned mss;

	puppet_world(w, &p, NULL);
	puppet_connect(&p, 50000);
	adit_tcp_info(p.end->s, &i);
	mss = i.mss;
	puppet_skip(&p);
	for (unsigned n = 0; i.timeouts < 4; n++) {
		EXPECT_INT(w, n, <, 100);
		world_run(w, 100 * ADIT_MSEC);
		if (puppet_skip(&p))
			puppet_say(&p, ACK, 0);
		adit_tcp_info(p.end->s, &i);
		EXPECT_INT(w, i.mss, ==, mss);
	}
	hang_up(&p);
}

/* Memory got short, and segments are larger than the buffer now: that it is empty again is said all the same. */
void scenario_jumbo_update(struct world *w)
{
	const struct adit_netstack_config cfg = { .mtu = 60000, .budget = &w->budget };
	const size_t others = 256 * 1024 / 8 * 7 - (24 << 10);
	size_t taken;
	struct puppet p;
	uint32_t wnd = 0;

	w->budget.limit = 256 << 10;
	puppet_world(w, &p, &cfg);
	puppet_connect(&p, 0);
	puppet_say(&p, ACK, 50000);
	taken = others - w->budget.used;
	EXPECT(w, adit_budget_take(&w->budget, taken));
	do {
		puppet_say(&p, ACK, 2000);
		world_run(w, 50 * ADIT_MSEC);
		while (puppet_get(&p))
			wnd = p.v.wnd;
	} while (wnd > 25000);
	p.end->read_limit = p.end->got;
	for (; wnd >= 2000; wnd -= 2000)
		puppet_say(&p, ACK, 2000);
	world_run(w, ADIT_SEC);
	puppet_skip(&p);
	p.end->read_limit = UINT64_MAX;
	end_work(p.end);
	world_run(w, 0);
	puppet_expect(&p, ACK);
	EXPECT_INT(w, p.v.wnd, >=, 8000);
	hang_up(&p);
	adit_budget_give(&w->budget, taken);
}

/* A path that was narrow and is no longer: a connection that goes on sees it, too (RFC 1191 6.3, RFC 8201 4). */
void scenario_path_mtu_rises(struct world *w)
{
	struct adit_tcp_info i;
	struct stream *st;

	two_hosts(w, NULL);
	world_link(w, &(struct link){ .delay = 10 * ADIT_MSEC, .mtu = 1300, .icmp = true });
	st = stream_new(w, 0, 1, w->seed % 2 ? 4 : 6, 100000, 0);
	st->end[0].hold_fin = true;
	stream_connect(st);
	world_run(w, 5 * ADIT_SEC);
	adit_tcp_info(st->end[0].s, &i);
	EXPECT_INT(w, i.mss, <=, 1260);
	w->link[0][1].mtu = w->link[1][0].mtu = 0;
	for (unsigned n = 0; n < 12; n++) {
		st->end[0].to_send += 10000;
		end_work(&st->end[0]);
		world_run(w, 60 * ADIT_SEC);
	}
	adit_tcp_info(st->end[0].s, &i);
	EXPECT_INT(w, i.mss, >=, 1348);
	st->end[0].hold_fin = false;
	end_work(&st->end[0]);
	world_run(w, 0);
	EXPECT(w, world_run_until(w, streams_complete, 30 * ADIT_SEC));
	expect_silence(w);
}
