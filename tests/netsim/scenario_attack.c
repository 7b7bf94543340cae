/* SPDX-License-Identifier: ISC */
/* scenario_attack.c - segments from somebody who guesses: RFC 5961, PAWS, windows, acknowledgements */
#include <errno.h>

#include "netstack/seq.h"
#include "puppet.h"
#include "scenario.h"

#define ODD (101 * ADIT_MSEC) /* an answer to something odd comes no more often than every 100 ms */

static struct adit_tcp_info info_of(const struct puppet *p)
{
	struct adit_tcp_info i;

	adit_tcp_info(p->end->s, &i);
	return i;
}

/* RFC 5961 3: only the exact sequence number resets; near ones are asked back, far ones are nothing. */
void scenario_blind_reset(struct world *w)
{
	struct puppet p;

	puppet_world(w, &p, NULL);
	puppet_connect(&p, 0);
	puppet_segment(&p, RST, p.snd_nxt - 1, 0, 0);
	puppet_expect_none(&p);
	puppet_segment(&p, RST, p.snd_nxt + 10000000, 0, 0);
	puppet_expect_none(&p);
	puppet_segment(&p, RST, p.snd_nxt + 1, 0, 0);
	puppet_expect_ack(&p);
	puppet_segment(&p, RST | ACK, p.snd_nxt + 500, p.rcv_nxt, 0); /* not again at once (section 7) */
	puppet_expect_none(&p);
	world_run(w, ODD);
	puppet_segment(&p, RST | ACK, p.snd_nxt + 500, p.rcv_nxt, 0);
	puppet_expect_ack(&p);
	EXPECT_INT(w, puppet_drops(&p, ADIT_DROP_bad_rst), ==, 3);
	EXPECT_INT(w, host_stats(&w->host[0]).challenge_acks, ==, 2);
	EXPECT(w, !p.end->error);
	puppet_say(&p, ACK, 100);
	EXPECT_INT(w, p.end->got, ==, 100);
	puppet_skip(&p);
	puppet_segment(&p, RST, p.snd_nxt, 0, 0);
	puppet_expect_none(&p);
	EXPECT_INT(w, p.end->error, ==, -ECONNRESET);
	EXPECT_INT(w, host_stats(&w->host[0]).resets_in, ==, 1);
	puppet_fini(&p);
	expect_silence(w);
}

/* RFC 5961 4: a SYN never resets; a peer that has begun anew answers the challenge with an exact RST. */
void scenario_blind_syn(struct world *w)
{
	const uint32_t places[] = { 0, 1, 5000, 10000000, (uint32_t)-5000 };
	struct puppet p;

	puppet_world(w, &p, NULL);
	puppet_connect(&p, 0);
	for (unsigned i = 0; i < 10; i++) {
		puppet_segment(&p, i % 2 ? SYN | ACK : SYN, p.snd_nxt + places[i / 2], p.rcv_nxt, 0);
		puppet_expect_ack(&p);
		world_run(w, ODD);
	}
	for (int i = 0; i < 1000; i++)
		puppet_segment(&p, SYN, p.snd_nxt + (uint32_t)i * 1000003u, 0, 0);
	EXPECT_INT(w, puppet_skip(&p), <=, 1);
	puppet_say(&p, ACK, 100);
	EXPECT_INT(w, p.end->got, ==, 100);
	puppet_skip(&p);
	world_run(w, ODD);
	puppet_segment(&p, SYN, p.snd_nxt + 77777777, 0, 0);
	puppet_expect_ack(&p);
	puppet_segment(&p, RST, p.v.ack, 0, 0); /* what a host without this connection says */
	EXPECT_INT(w, p.end->error, ==, -ECONNRESET);
	puppet_fini(&p);
	expect_silence(w);
}

/* RFC 5961 5: text comes in only with an ACK from what was sent, or lately was. */
void scenario_blind_data(struct world *w)
{
	struct puppet p;

	puppet_world(w, &p, NULL);
	puppet_connect(&p, 20000);
	puppet_skip(&p);
	puppet_segment(&p, ACK, p.snd_nxt, p.rcv_nxt + 30000, 100); /* beyond all that was sent */
	EXPECT_INT(w, p.end->got, ==, 0);
	EXPECT_INT(w, puppet_drops(&p, ADIT_DROP_bad_ack), ==, 1);
	puppet_expect(&p, ACK);
	EXPECT_INT(w, p.v.ack, ==, p.snd_nxt);
	world_run(w, ODD);
	puppet_skip(&p);
	puppet_segment(&p, ACK, p.snd_nxt, p.rcv_nxt - 70000, 100); /* older than any window */
	EXPECT_INT(w, p.end->got, ==, 0);
	EXPECT_INT(w, puppet_drops(&p, ADIT_DROP_bad_ack), ==, 2);
	puppet_expect(&p, ACK);
	world_run(w, ODD);
	EXPECT_INT(w, info_of(&p).bytes_out, ==, 0);
	p.st->end[0].sent += 100;
	puppet_segment(&p, ACK, p.snd_nxt, p.rcv_nxt - 1000, 100); /* old, but of this window */
	p.snd_nxt += 100;
	EXPECT_INT(w, p.end->got, ==, 100);
	EXPECT_INT(w, info_of(&p).bytes_out, ==, 0);
	puppet_segment(&p, 0, p.snd_nxt, 0, 100); /* no ACK at all: not a segment of a connection */
	EXPECT_INT(w, p.end->got, ==, 100);
	puppet_skip(&p);
	puppet_say(&p, RST | ACK, 0);
	EXPECT_INT(w, p.end->error, ==, -ECONNRESET);
	puppet_fini(&p);
	expect_silence(w);
}

/* Odd segments by the thousand get ten answers a second at most. */
void scenario_challenge_limit(struct world *w)
{
	struct puppet p;
	unsigned n = 0;

	puppet_world(w, &p, NULL);
	puppet_connect(&p, 0);
	for (int i = 0; i < 5000; i++) {
		puppet_segment(&p, i % 3 == 0 ? RST : i % 3 == 1 ? SYN : ACK, p.snd_nxt + 1 + (uint32_t)(i % 900),
			       i % 3 == 2 ? p.rcv_nxt + 9999 : 0, 0);
		n += puppet_skip(&p);
		world_run(w, ADIT_MSEC / 5);
	}
	EXPECT_INT(w, n, >=, 9);
	EXPECT_INT(w, n, <=, 11);
	EXPECT_INT(w, host_stats(&w->host[0]).challenge_acks, ==, n);
	puppet_say(&p, RST | ACK, 0);
	puppet_fini(&p);
	expect_silence(w);
}

/* RFC 7323 5: text with an older timestamp is a duplicate, and answered; a reset is not looked at so. */
void scenario_paws(struct world *w)
{
	struct adit_tcp_options o;
	struct puppet p;
	uint32_t before;

	puppet_world(w, &p, NULL);
	p.ts = true;
	if (w->seed % 3 == 0)
		p.ts_val = UINT32_MAX; /* the clock goes on past zero */
	puppet_connect(&p, 0);
	adit_tcp_get_options(p.end->s, &o);
	o.keepalive_idle = 0;
	adit_tcp_set_options(p.end->s, &o, w->now);
	p.ts_val += 1000;
	puppet_say(&p, ACK, 100);
	EXPECT_INT(w, p.end->got, ==, 100);
	puppet_skip(&p);
	before = p.ts_val;
	p.ts_val -= 1;
	puppet_segment(&p, ACK, p.snd_nxt, p.rcv_nxt, 100);
	EXPECT_INT(w, puppet_drops(&p, ADIT_DROP_paws), ==, 1);
	EXPECT_INT(w, p.end->got, ==, 100);
	puppet_expect_ack(&p);
	EXPECT_INT(w, p.ts_ecr, !=, 0);
	puppet_segment(&p, FIN | ACK, p.snd_nxt, p.rcv_nxt, 0);
	EXPECT_INT(w, puppet_drops(&p, ADIT_DROP_paws), ==, 2);
	EXPECT(w, !p.end->eof);
	world_run(w, 25 * 86400 * ADIT_SEC); /* so long that the clock may have turned round (5.5) */
	puppet_skip(&p);
	p.ts_val = before - 1000000;
	puppet_say(&p, ACK, 100);
	EXPECT_INT(w, p.end->got, ==, 200);
	p.ts_val -= 5;
	puppet_say(&p, RST | ACK, 0);
	EXPECT_INT(w, p.end->error, ==, -ECONNRESET);
	puppet_fini(&p);
	expect_silence(w);
}

/* The echoed timestamp is the one of the segment that the ACK is about (RFC 7323 4.3), not of one behind a hole. */
void scenario_timestamp_echo(struct world *w)
{
	struct puppet p;
	uint32_t first;

	puppet_world(w, &p, NULL);
	p.ts = true;
	puppet_connect(&p, 0);
	puppet_skip(&p);
	first = ++p.ts_val;
	puppet_say(&p, ACK, 100);
	puppet_expect_ack(&p);
	p.ts_val += 50;
	puppet_segment(&p, ACK, p.snd_nxt + 100, p.rcv_nxt, 100);
	puppet_expect(&p, ACK);
	EXPECT_INT(w, adit_get_be32(p.v.options + 8), ==, first);
	p.ts_val += 50;
	p.st->end[0].sent += 100;
	puppet_say(&p, ACK, 100);
	p.snd_nxt += 100;
	puppet_expect(&p, ACK);
	EXPECT_INT(w, p.v.ack, ==, p.snd_nxt);
	EXPECT_INT(w, adit_get_be32(p.v.options + 8), ==, p.ts_val);
	puppet_say(&p, RST | ACK, 0);
	puppet_fini(&p);
	expect_silence(w);
}

/* RFC 9293 3.10.7.4: what lies outside is not taken and is answered; what lies across an edge is cut. */
void scenario_out_of_window(struct world *w)
{
	struct puppet p;
	uint32_t wnd;

	puppet_world(w, &p, &(struct adit_netstack_config){ .mtu = 1420, .flow_max = 65536 });
	puppet_connect(&p, 0);
	p.end->read_limit = 0;
	wnd = info_of(&p).rcv_wnd;
	puppet_segment(&p, ACK, p.snd_nxt + wnd + 1, p.rcv_nxt, 100); /* behind the right edge */
	EXPECT_INT(w, puppet_drops(&p, ADIT_DROP_out_of_window), ==, 1);
	puppet_expect_ack(&p);
	p.st->end[0].sent += wnd;
	for (uint32_t at = 0; at < wnd; at += 1000) /* the last one stands across it */
		puppet_segment(&p, ACK, p.snd_nxt + at, p.rcv_nxt, 1000);
	p.snd_nxt += wnd;
	EXPECT_INT(w, adit_tcp_readable(p.end->s), ==, wnd);
	while (puppet_get(&p))
		EXPECT(w, seq_le(p.v.ack, p.snd_nxt));
	world_run(w, ODD);
	puppet_skip(&p);
	puppet_segment(&p, ACK, p.snd_nxt - 1, p.rcv_nxt, 1); /* a probe of the closed window */
	puppet_expect_ack(&p);
	puppet_segment(&p, ACK, p.snd_nxt - wnd, p.rcv_nxt, 1000); /* long since taken */
	puppet_expect_ack(&p);
	p.end->read_limit = UINT64_MAX;
	end_work(p.end);
	EXPECT_INT(w, p.end->got, ==, wnd);
	world_run(w, 0);
	puppet_expect_ack(&p); /* the window is open again */
	p.st->end[0].sent += 500;
	puppet_segment(&p, ACK, p.snd_nxt - 500, p.rcv_nxt, 1000); /* half old, half new */
	p.snd_nxt += 500;
	EXPECT_INT(w, p.end->got, ==, wnd + 500);
	puppet_say(&p, RST | ACK, 0);
	puppet_fini(&p);
	expect_silence(w);
}

/* A duplicate is reported by its bytes (RFC 2883), what came behind a hole by blocks (RFC 2018). */
void scenario_sack_blocks(struct world *w)
{
	const unsigned at = 12;
	struct puppet p;
	uint32_t base;

	puppet_world(w, &p, NULL);
	p.ts = false;
	p.sack = true;
	puppet_connect(&p, 0);
	puppet_say(&p, ACK, 1000);
	puppet_skip(&p);
	base = p.snd_nxt;
	puppet_segment(&p, ACK, base - 600, p.rcv_nxt, 300);
	puppet_expect(&p, ACK);
	EXPECT_INT(w, p.v.options_len, ==, at);
	EXPECT_INT(w, p.v.options[2], ==, 5);
	EXPECT_INT(w, adit_get_be32(p.v.options + 4), ==, base - 600);
	EXPECT_INT(w, adit_get_be32(p.v.options + 8), ==, base - 300);
	puppet_segment(&p, ACK, base + 1000, p.rcv_nxt, 500);
	puppet_expect(&p, ACK);
	EXPECT_INT(w, p.v.ack, ==, base);
	EXPECT_INT(w, adit_get_be32(p.v.options + 4), ==, base + 1000);
	EXPECT_INT(w, adit_get_be32(p.v.options + 8), ==, base + 1500);
	puppet_segment(&p, ACK, base + 3000, p.rcv_nxt, 500);
	puppet_expect(&p, ACK);
	EXPECT_INT(w, p.v.options_len, ==, 4 + 16);
	EXPECT_INT(w, adit_get_be32(p.v.options + 4), ==, base + 3000); /* the newest first */
	EXPECT_INT(w, adit_get_be32(p.v.options + 12), ==, base + 1000);
	puppet_say(&p, RST | ACK, 0);
	puppet_fini(&p);
	expect_silence(w);
}

/* Segments outside the window, and ACKs of what was never sent, at every stage of closing. */
void scenario_odd_while_closing(struct world *w)
{
	struct puppet p;
	bool first = w->seed / 8 % 2; /* who closes */

	puppet_world(w, &p, NULL);
	puppet_connect(&p, 0);
	if (first) {
		puppet_say(&p, FIN | ACK, 0);
		puppet_expect_ack(&p);
	}
	p.end->hold_close = true;
	p.end->hold_fin = false;
	end_work(p.end);
	world_run(w, 0);
	puppet_expect(&p, FIN | ACK); /* FIN-WAIT-1 or LAST-ACK */
	for (unsigned stage = 0; stage < 2; stage++) {
		world_run(w, ODD);
		puppet_skip(&p);
		puppet_segment(&p, ACK, p.snd_nxt + 20000000, p.rcv_nxt + stage, 10);
		puppet_expect(&p, ACK);
		EXPECT_INT(w, p.v.ack, ==, p.snd_nxt);
		world_run(w, ODD);
		puppet_skip(&p);
		puppet_segment(&p, ACK, p.snd_nxt, p.rcv_nxt + 5, 0);
		puppet_expect(&p, ACK);
		world_run(w, ODD);
		puppet_skip(&p);
		puppet_segment(&p, RST, p.snd_nxt + 9, 0, 0);
		if (!first)
			puppet_expect(&p, ACK);
		world_run(w, ODD);
		puppet_skip(&p);
		EXPECT_INT(w, host_stats(&w->host[0]).tcp_flows, ==, 1);
		if (first || stage)
			break;
		puppet_segment(&p, ACK, p.snd_nxt, p.rcv_nxt + 1, 0); /* FIN-WAIT-2 */
		EXPECT(w, info_of(&p).state[9] == '2');
	}
	p.rcv_nxt++;
	puppet_say(&p, first ? ACK : FIN | ACK, 0);
	EXPECT(w, !p.end->error);
	p.end->hold_close = false;
	end_work(p.end);
	puppet_fini(&p);
	expect_silence(w);
}
