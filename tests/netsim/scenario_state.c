/* SPDX-License-Identifier: ISC */
/* scenario_state.c - crafted segments at connections that begin, end or stand still (RFC 9293 3.10.7) */
#include <errno.h>
#include <string.h>

#include "netstack/seq.h"
#include "puppet.h"
#include "scenario.h"

static const char *state_of(const struct puppet *p)
{
	static struct adit_tcp_info i;

	adit_tcp_info(p->end->s, &i);
	return i.state;
}

static bool is_state(const struct puppet *p, const char *name)
{
	return !strcmp(state_of(p), name);
}

/* SYN-SENT: what does not acknowledge the SYN is answered with RST or ignored; the right RST refuses. */
void scenario_syn_sent(struct world *w)
{
	struct puppet p;

	puppet_world(w, &p, NULL);
	puppet_dialed(&p, 0);
	EXPECT_INT(w, adit_get_be16(p.v.options), ==, 2 << 8 | 4); /* MSS: that of an MTU of 1420 */
	EXPECT_INT(w, adit_get_be16(p.v.options + 2), ==, p.local.addr.family == 4 ? 1380 : 1360);
	puppet_segment(&p, ACK, p.iss, p.rcv_nxt + 1, 0);
	puppet_expect(&p, RST);
	EXPECT_INT(w, p.v.seq, ==, p.rcv_nxt + 1);
	puppet_segment(&p, SYN | ACK, p.iss, p.rcv_nxt - 1, 0);
	puppet_expect(&p, RST);
	EXPECT_INT(w, p.v.seq, ==, p.rcv_nxt - 1);
	puppet_segment(&p, RST | ACK, p.iss, p.rcv_nxt + 1, 0);
	puppet_segment(&p, RST, p.iss, 0, 0);
	puppet_segment(&p, ACK, p.iss, p.rcv_nxt, 0);
	puppet_segment(&p, FIN, p.iss, 0, 0);
	puppet_expect_none(&p);
	EXPECT(w, is_state(&p, "SYN-SENT"));
	EXPECT_INT(w, puppet_drops(&p, ADIT_DROP_bad_ack), ==, 3);
	EXPECT_INT(w, puppet_drops(&p, ADIT_DROP_bad_rst), ==, 1);
	if (w->seed / 2 % 2) {
		puppet_segment(&p, RST | ACK, p.iss, p.rcv_nxt, 0);
		EXPECT_INT(w, p.end->error, ==, -ECONNREFUSED);
		puppet_expect_none(&p);
	} else {
		puppet_answer(&p);
		puppet_expect_ack(&p);
		EXPECT(w, is_state(&p, "ESTABLISHED"));
		puppet_say(&p, RST | ACK, 0);
		EXPECT_INT(w, p.end->error, ==, -ECONNRESET);
	}
	puppet_fini(&p);
	expect_silence(w);
}

/* A SYN that came in; the program has or has not accepted it. */
static void half_open(struct puppet *p, bool hold)
{
	p->st = stream_new(p->w, 1, 0, p->local.addr.family, 0, 0);
	p->end = &p->st->end[1];
	p->end->hold_fin = true;
	p->end->hold_accept = hold;
	p->st->end[0].to_send = UINT64_MAX;
	p->remote.port = p->st->port;
	puppet_syn(p, SYN);
	if (hold) {
		puppet_expect_none(p);
		return;
	}
	puppet_expect(p, SYN | ACK);
	p->irs = p->v.seq;
	p->rcv_nxt = p->irs + 1;
}

/* SYN-RECEIVED: only the exact RST ends it; a bad ACK is reset and changes nothing; the SYN again is answered again. */
void scenario_syn_received(struct world *w)
{
	struct puppet p;

	puppet_world(w, &p, NULL);
	half_open(&p, false);
	puppet_segment(&p, RST, p.snd_nxt + 1, 0, 0);
	puppet_segment(&p, RST, p.snd_nxt - 1, 0, 0);
	puppet_expect_none(&p);
	puppet_segment(&p, ACK, p.snd_nxt, p.rcv_nxt + 1, 0);
	puppet_expect(&p, RST);
	EXPECT_INT(w, p.v.seq, ==, p.rcv_nxt + 1);
	puppet_segment(&p, ACK, p.snd_nxt + 10000000, p.rcv_nxt, 0);
	EXPECT(w, !p.end->connected);
	puppet_skip(&p);
	puppet_syn(&p, SYN);
	puppet_expect(&p, SYN | ACK);
	EXPECT_INT(w, p.v.seq, ==, p.irs);
	EXPECT_INT(w, host_stats(&w->host[0]).tcp_syn, ==, 1);
	if (w->seed / 2 % 2) {
		puppet_segment(&p, RST, p.snd_nxt, 0, 0);
		EXPECT_INT(w, p.end->error, ==, -ECONNRESET);
	} else {
		p.st->end[0].sent += 100;
		puppet_segment(&p, ACK | PSH | FIN, p.snd_nxt, p.rcv_nxt, 100); /* the ACK, text and FIN at once */
		p.snd_nxt += 101;
		puppet_expect_ack(&p);
		EXPECT(w, p.end->connected && p.end->eof);
		EXPECT_INT(w, p.end->got, ==, 100);
		puppet_say(&p, RST | ACK, 0);
	}
	EXPECT_INT(w, host_stats(&w->host[0]).tcp_syn, ==, 0);
	puppet_fini(&p);
	expect_silence(w);
}

/* The program has not decided: nothing is said; a peer that gives up takes the connection along. */
void scenario_syn_held(struct world *w)
{
	struct puppet p;

	puppet_world(w, &p, NULL);
	half_open(&p, true);
	EXPECT(w, p.end->syn);
	world_run(w, ADIT_SEC);
	puppet_syn(&p, SYN); /* again */
	puppet_segment(&p, ACK, p.snd_nxt, 12345, 0); /* a guess */
	EXPECT(w, !p.end->connected);
	puppet_expect_silence(&p, 200 * ADIT_SEC);
	switch (w->seed / 2 % 3) {
	case 0:
		puppet_segment(&p, RST, p.snd_nxt, 0, 0);
		EXPECT_INT(w, p.end->error, ==, -ECONNRESET);
		break;
	case 1:
		adit_tcp_refuse(p.end->s, -ECONNREFUSED, w->now);
		world_run(w, 0);
		puppet_expect(&p, RST | ACK);
		EXPECT_INT(w, p.v.ack, ==, p.snd_nxt);
		break;
	case 2:
		adit_tcp_refuse(p.end->s, -EHOSTUNREACH, w->now);
		world_run(w, 0);
		puppet_expect_icmp(&p, p.local.addr.family == 4 ? 3 : 1, p.local.addr.family == 4 ? 1 : 3);
		break;
	}
	puppet_expect_none(&p);
	EXPECT_INT(w, host_stats(&w->host[0]).tcp_syn, ==, 0);
	puppet_fini(&p);
	expect_silence(w);
}

/* Both sides dial each other (RFC 9293 3.5, figure 8): one connection. */
void scenario_simultaneous_open(struct world *w)
{
	struct puppet p;
	bool plain = w->seed / 8 % 2; /* the other's answer is a bare ACK, as some do, or SYN and ACK */

	puppet_world(w, &p, NULL);
	puppet_dialed(&p, 3000);
	puppet_syn(&p, SYN);
	puppet_expect(&p, SYN | ACK);
	EXPECT_INT(w, p.v.seq, ==, p.irs);
	EXPECT_INT(w, p.v.ack, ==, p.snd_nxt);
	puppet_expect_none(&p);
	EXPECT(w, is_state(&p, "SYN-RECEIVED"));
	puppet_segment(&p, plain ? ACK : SYN | ACK, plain ? p.snd_nxt : p.iss, p.rcv_nxt, 0);
	EXPECT(w, p.end->connected);
	puppet_expect_data(&p, 3000);
	puppet_say(&p, ACK, 500);
	EXPECT_INT(w, p.end->got, ==, 500);
	puppet_say(&p, RST | ACK, 0);
	puppet_fini(&p);
	expect_silence(w);
}

/* The same with two stacks, over a link that also loses: nothing bounces. */
void scenario_simultaneous_open_stacks(struct world *w)
{
	unsigned family = w->seed % 2 ? 4 : 6;
	struct adit_endpoint a = world_endpoint(0, family, 5000), b = world_endpoint(1, family, 5000);
	struct stream *st;

	two_hosts(w, NULL);
	world_link(w, &(struct link){ .delay = 30 * ADIT_MSEC, .loss = w->seed / 4 % 2 ? 200000 : 0 });
	st = stream_new(w, 0, 1, family, 5000, 7000);
	EXPECT(w, !adit_tcp_connect(w->host[0].ns, &st->end[0].s, &a, &b, &st->end[0], w->now));
	EXPECT(w, !adit_tcp_connect(w->host[1].ns, &st->end[1].s, &b, &a, &st->end[1], w->now));
	world_run(w, 0);
	EXPECT(w, world_run_until(w, streams_complete, 200 * ADIT_SEC));
	EXPECT_INT(w, w->link[0][1].packets + w->link[1][0].packets, <=, 100);
	expect_silence(w);
}

/* FINs cross: CLOSING, where the FIN again is acknowledged again; then TIME-WAIT. */
void scenario_closing(struct world *w)
{
	struct puppet p;

	puppet_world(w, &p, NULL);
	puppet_connect(&p, 0);
	p.end->hold_fin = false;
	p.end->hold_close = true;
	end_work(p.end);
	world_run(w, 0);
	puppet_expect(&p, FIN | ACK);
	EXPECT(w, is_state(&p, "FIN-WAIT-1"));
	puppet_say(&p, FIN | ACK, 50); /* does not acknowledge ours yet */
	EXPECT(w, is_state(&p, "CLOSING"));
	EXPECT_INT(w, p.end->got, ==, 50);
	puppet_expect(&p, ACK);
	EXPECT_INT(w, p.v.ack, ==, p.snd_nxt);
	puppet_skip(&p);
	puppet_segment(&p, FIN | ACK, p.snd_nxt - 1, p.rcv_nxt, 0);
	puppet_expect(&p, ACK);
	EXPECT_INT(w, p.v.ack, ==, p.snd_nxt);
	world_run(w, 3 * ADIT_SEC);
	puppet_expect(&p, FIN | ACK); /* ours again */
	puppet_skip(&p);
	p.rcv_nxt++;
	puppet_say(&p, ACK, 0);
	EXPECT_INT(w, host_stats(&w->host[0]).time_wait, ==, 1);
	EXPECT(w, !p.end->error);
	p.end->hold_close = false;
	end_work(p.end);
	puppet_fini(&p);
	expect_silence(w);
}

/* CLOSE-WAIT lasts as long as the program likes, and answers the FIN that comes again: its ACK was lost. */
void scenario_fin_again(struct world *w)
{
	struct puppet p;

	puppet_world(w, &p, NULL);
	puppet_connect(&p, 0);
	puppet_say(&p, FIN | ACK, 10);
	puppet_expect_ack(&p);
	EXPECT(w, is_state(&p, "CLOSE-WAIT"));
	for (int i = 0; i < 5; i++) {
		world_run(w, ADIT_SEC << i);
		puppet_segment(&p, FIN | ACK, p.snd_nxt - 1, p.rcv_nxt, 0);
		puppet_expect_ack(&p);
		puppet_segment(&p, FIN | ACK, p.snd_nxt - 11, p.rcv_nxt, 10);
		puppet_expect_ack(&p);
	}
	EXPECT_INT(w, p.end->got, ==, 10);
	p.end->to_send = 700;
	end_work(p.end);
	world_run(w, 0);
	puppet_expect_data(&p, 700);
	puppet_say(&p, ACK, 0);
	p.end->hold_fin = false;
	end_work(p.end);
	world_run(w, 0);
	puppet_expect(&p, FIN | ACK);
	p.rcv_nxt++;
	puppet_say(&p, ACK, 0);
	EXPECT_INT(w, host_stats(&w->host[0]).time_wait, ==, 0); /* who closes last does not wait */
	puppet_fini(&p);
	expect_silence(w);
}

/* A FIN that came before the text in front of it counts when that is there, and the first place it was seen at. */
void scenario_fin_early(struct world *w)
{
	struct puppet p;

	puppet_world(w, &p, NULL);
	puppet_connect(&p, 0);
	puppet_segment(&p, FIN | ACK, p.snd_nxt + 200, p.rcv_nxt, 100);
	puppet_expect(&p, ACK);
	EXPECT_INT(w, p.v.ack, ==, p.snd_nxt);
	EXPECT(w, is_state(&p, "ESTABLISHED"));
	p.st->end[0].sent += 300;
	puppet_segment(&p, ACK, p.snd_nxt, p.rcv_nxt, 200);
	p.snd_nxt += 301;
	puppet_expect_ack(&p);
	EXPECT(w, p.end->eof);
	EXPECT_INT(w, p.end->got, ==, 300);
	puppet_segment(&p, ACK, p.snd_nxt, p.rcv_nxt, 100); /* nothing comes behind a FIN */
	EXPECT_INT(w, p.end->got, ==, 300);
	puppet_say(&p, RST | ACK, 0);
	EXPECT_INT(w, p.end->error, ==, -ECONNRESET);
	puppet_fini(&p);
	expect_silence(w);
}

/* TIME-WAIT: RST does not end it (RFC 1337), the FIN again is answered, a later SYN begins anew (RFC 6191). */
void scenario_time_wait(struct world *w)
{
	struct puppet p;
	uint32_t nxt;

	puppet_world(w, &p, NULL);
	p.ts = true;
	puppet_connect(&p, 0);
	p.end->hold_fin = false;
	end_work(p.end);
	world_run(w, 0);
	puppet_expect(&p, FIN | ACK);
	p.rcv_nxt++;
	puppet_say(&p, FIN | ACK, 0);
	puppet_expect_ack(&p);
	EXPECT_INT(w, host_stats(&w->host[0]).time_wait, ==, 1);
	EXPECT_INT(w, host_stats(&w->host[0]).tcp_flows, ==, 0);
	puppet_segment(&p, RST, p.snd_nxt, 0, 0);
	puppet_segment(&p, RST | ACK, p.snd_nxt, p.rcv_nxt, 0);
	puppet_expect_none(&p);
	puppet_segment(&p, ACK, p.snd_nxt, p.rcv_nxt, 0);
	puppet_expect_none(&p);
	world_run(w, 20 * ADIT_SEC);
	puppet_segment(&p, FIN | ACK, p.snd_nxt - 1, p.rcv_nxt, 0);
	puppet_expect_ack(&p);
	puppet_segment(&p, ACK, p.snd_nxt - 500, p.rcv_nxt, 100); /* an old one */
	puppet_expect_ack(&p);
	world_run(w, 50 * ADIT_SEC); /* 2 MSL count from the last FIN */
	EXPECT_INT(w, host_stats(&w->host[0]).time_wait, ==, 1);
	nxt = p.rcv_nxt;
	p.ts_val += 100;
	p.iss = p.snd_nxt + 1000;
	p.st->end[1] = (struct end){ .st = p.st, .side = 1, .h = &w->host[0], .read_limit = UINT64_MAX, .hold_fin = true };
	puppet_syn(&p, SYN);
	puppet_expect(&p, SYN | ACK);
	EXPECT(w, seq_lt(nxt, p.v.seq)); /* above what the old one had used */
	EXPECT_INT(w, host_stats(&w->host[0]).time_wait, ==, 0);
	puppet_segment(&p, RST, p.snd_nxt, 0, 0);
	puppet_fini(&p);
	expect_silence(w);
}

/* Text for a program that has closed: RST (RFC 1122 4.2.2.13), in FIN-WAIT-1 and -2. */
void scenario_data_after_close(struct world *w)
{
	struct puppet p;

	puppet_world(w, &p, NULL);
	puppet_connect(&p, 0);
	adit_tcp_close(p.end->s, w->now);
	p.end->s = NULL;
	world_run(w, 0);
	puppet_expect(&p, FIN | ACK);
	if (w->seed / 8 % 2) {
		p.rcv_nxt++;
		puppet_say(&p, ACK, 0);
		puppet_expect_none(&p);
	}
	puppet_say(&p, ACK, 100);
	puppet_expect(&p, RST | ACK);
	EXPECT_INT(w, host_stats(&w->host[0]).tcp_flows, ==, 0);
	puppet_say(&p, ACK, 100); /* and nobody is there */
	puppet_expect(&p, RST);
	puppet_fini(&p);
	expect_silence(w);
}

/* FIN-WAIT-2 of nobody ends after a minute; of somebody it does not. */
void scenario_fin_wait_2(struct world *w)
{
	bool orphan = w->seed / 8 % 2, early = orphan && w->seed / 4 % 2;
	struct puppet p;

	puppet_world(w, &p, NULL);
	puppet_connect(&p, 0);
	p.end->hold_fin = false;
	end_work(p.end);
	if (early) { /* before FIN is acknowledged */
		adit_tcp_close(p.end->s, w->now);
		p.end->s = NULL;
	}
	world_run(w, 0);
	puppet_expect(&p, FIN | ACK);
	p.rcv_nxt++;
	puppet_say(&p, ACK, 0);
	EXPECT(w, early || is_state(&p, "FIN-WAIT-2"));
	if (orphan && !early) {
		adit_tcp_close(p.end->s, w->now);
		p.end->s = NULL;
	}
	world_run(w, 59 * ADIT_SEC);
	EXPECT_INT(w, host_stats(&w->host[0]).tcp_flows, ==, 1);
	world_run(w, 300 * ADIT_SEC);
	EXPECT_INT(w, host_stats(&w->host[0]).tcp_flows, ==, !orphan);
	if (!orphan) {
		puppet_say(&p, FIN | ACK, 100);
		EXPECT_INT(w, p.end->got, ==, 100);
		EXPECT(w, p.end->closed);
	}
	puppet_fini(&p);
	expect_silence(w);
}

/* A segment for nobody is reset in the way that its sender believes (RFC 9293 3.5.2); a reset never is. */
void scenario_nobody(struct world *w)
{
	struct puppet p;

	puppet_world(w, &p, NULL);
	puppet_segment(&p, ACK, p.iss, 777, 10);
	puppet_expect(&p, RST);
	EXPECT_INT(w, p.v.seq, ==, 777);
	puppet_segment(&p, SYN, p.iss, 0, 0);
	puppet_expect(&p, RST | ACK);
	EXPECT_INT(w, p.v.seq, ==, 0);
	EXPECT_INT(w, p.v.ack, ==, p.iss + 1);
	puppet_segment(&p, FIN | PSH, p.iss, 0, 25);
	puppet_expect(&p, RST | ACK);
	EXPECT_INT(w, p.v.ack, ==, p.iss + 26);
	puppet_segment(&p, SYN | FIN, p.iss, 0, 0);
	puppet_expect(&p, RST | ACK);
	EXPECT_INT(w, p.v.ack, ==, p.iss + 2);
	puppet_segment(&p, RST, p.iss, 0, 0);
	puppet_segment(&p, RST | ACK, p.iss, 1, 0);
	puppet_segment(&p, RST | SYN, p.iss, 0, 0);
	puppet_expect_none(&p);
	EXPECT_INT(w, puppet_drops(&p, ADIT_DROP_no_flow), ==, 7);
	puppet_fini(&p);
	expect_silence(w);
}
