/* SPDX-License-Identifier: ISC */
/* scenario_sender.c - what a peer makes of our sending: its MSS, its options, windows that shrink and close */
#include <errno.h>

#include "netstack/seq.h"
#include "puppet.h"
#include "scenario.h"

/* RFC 9293 3.7.1: no segment is larger than its MSS with options deducted; PSH and FIN only on the last. */
void scenario_mss(struct world *w)
{
	static const struct {
		unsigned offered, most;
	} cases[] = { { 0, 536 }, { 536, 536 }, { 1220, 1220 }, { 1380, 1380 }, { 1000, 1000 }, { 64, 64 }, { 9000, 1380 } };
	unsigned n = (unsigned)(w->seed % 7), most = cases[n].most, len = 5 * most + 77, got = 0;
	struct puppet p;
	bool last;

	puppet_world(w, &p, NULL);
	p.mss = cases[n].offered;
	if (p.local.addr.family == 6 && most == 1380)
		most = 1360;
	if (p.ts)
		most -= 12;
	puppet_connect(&p, 0);
	p.end->to_send = len;
	p.end->hold_fin = false;
	end_work(p.end);
	world_run(w, 0);
	do {
		puppet_expect(&p, got + most < len ? ACK : ACK | FIN);
		last = got + p.v.len == len;
		EXPECT_INT(w, p.v.seq, ==, p.rcv_nxt);
		EXPECT_INT(w, p.v.len, ==, last ? len - got : most);
		EXPECT_INT(w, !!(p.v.flags & PSH), ==, last);
		got += p.v.len;
		p.rcv_nxt += p.v.len;
	} while (!last);
	p.rcv_nxt++;
	puppet_expect_none(&p);
	puppet_say(&p, ACK | FIN, 0);
	EXPECT(w, p.end->closed);
	puppet_fini(&p);
	expect_silence(w);
}

/* A far end that is near, behind a queue that has grown long: the flow is slow, and still leaves in trains. */
void scenario_near(struct world *w)
{
	struct host *h = &w->host[0];
	struct puppet p;

	puppet_world(w, &p, NULL);
	puppet_connect(&p, 0); /* at once: that is how far it is */
	p.end->to_send = UINT32_MAX;
	end_work(p.end);
	for (int i = 0; i < 4; i++) {
		h->outs = h->sent = 0;
		world_run(w, 20 * ADIT_MSEC);
		while (puppet_get(&p))
			p.rcv_nxt += p.v.seq == p.rcv_nxt ? p.v.len : 0; /* else a probe for a tail that was not lost */
		puppet_say(&p, ACK, 0);
	}
	EXPECT_INT(w, h->sent, >=, 20);
	EXPECT_INT(w, h->sent, >=, 8 * h->outs);
	puppet_say(&p, ACK | RST, 0);
	puppet_fini(&p);
}

/* Options that lie about their length, in a SYN and later: what stands in front of them holds, nothing breaks. */
void scenario_bad_options(struct world *w)
{
	static const uint8_t bad[][8] = {
		{ 5, 0 }, { 8, 1 }, { 3, 40, 1 }, { 2, 4, 5, 180, 2 }, { 254, 255 }, { 5, 9, 1, 2, 3, 4, 5, 6 }, { 1, 1, 1, 8 },
		{ 3, 2, 4, 3, 0, 0, 0, 1 },
	};
	struct puppet p;

	puppet_world(w, &p, NULL);
	puppet_option(&p, bad[w->seed % 8], 8);
	puppet_connect(&p, 100);
	puppet_expect_data(&p, 100);
	for (unsigned i = 0; i < 8; i++) {
		puppet_option(&p, bad[i], 8);
		puppet_say(&p, ACK, 10);
		puppet_skip(&p);
	}
	EXPECT_INT(w, p.end->got, ==, 80);
	puppet_say(&p, RST | ACK, 0);
	puppet_fini(&p);
	expect_silence(w);
}

/* RFC 7323 2.3: a shift above 14 is taken for 14; 2.2: the window of a SYN is not scaled. */
void scenario_scale(struct world *w)
{
	const int said = w->seed / 8 % 2 ? 14 : 200;
	struct adit_tcp_info i;
	struct puppet p;

	puppet_world(w, &p, NULL);
	p.scale = said;
	p.wnd = 2000;
	puppet_dialed(&p, 1000000);
	puppet_answer(&p);
	adit_tcp_info(p.end->s, &i);
	EXPECT_INT(w, i.snd_wnd, ==, 2000);
	puppet_expect_data(&p, i.mss);
	puppet_expect_none(&p);
	p.wnd = 1;
	puppet_say(&p, ACK, 0);
	adit_tcp_info(p.end->s, &i);
	EXPECT_INT(w, i.snd_wnd, ==, 16384);
	EXPECT(w, i.window_scale);
	puppet_skip(&p);
	puppet_segment(&p, RST | ACK, p.snd_nxt, p.rcv_nxt, 0);
	EXPECT_INT(w, p.end->error, ==, -ECONNRESET);
	puppet_fini(&p);
	expect_silence(w);
}

/* How far beyond `from` it was sent to; what was got is forgotten. */
static uint32_t sent_to(struct puppet *p, uint32_t from)
{
	uint32_t top = from;

	while (puppet_get(p)) {
		if (p->v.len && seq_lt(top, p->v.seq + p->v.len))
			top = p->v.seq + p->v.len;
	}
	return top - from;
}

/* The peer takes back what it had offered (RFC 9293 3.8.6: SHOULD NOT, but one must live with it). */
void scenario_window_shrink(struct world *w)
{
	struct puppet p;
	uint32_t base;

	puppet_world(w, &p, NULL);
	p.wnd = 10000;
	puppet_connect(&p, 50000);
	base = p.rcv_nxt;
	EXPECT_INT(w, sent_to(&p, base), >=, 9000);
	p.rcv_nxt = base + 2000;
	p.wnd = 3000; /* up to 5000: half of what is on the way is outside now */
	puppet_say(&p, ACK, 0);
	world_run(w, 10 * ADIT_SEC); /* what was sent may be sent again, nothing new */
	EXPECT_INT(w, sent_to(&p, base), <=, 10000);
	EXPECT(w, !p.end->error);
	p.rcv_nxt = base + 5000;
	p.wnd = 0;
	puppet_say(&p, ACK, 0);
	puppet_skip(&p);
	world_run(w, 100 * ADIT_SEC);
	EXPECT_INT(w, sent_to(&p, base), <=, 10000);
	EXPECT(w, !p.end->error);
	p.wnd = 60000;
	puppet_say(&p, ACK, 0);
	for (int i = 0; i < 100 && p.rcv_nxt != base + 50000; i++) {
		while (puppet_get(&p)) {
			if (p.v.len && p.v.seq == p.rcv_nxt)
				p.rcv_nxt += p.v.len;
		}
		puppet_say(&p, ACK, 0);
		world_run(w, ADIT_SEC);
	}
	EXPECT_INT(w, p.rcv_nxt - base, ==, 50000);
	EXPECT(w, p.end->all_sent);
	puppet_skip(&p);
	puppet_say(&p, RST | ACK, 0);
	puppet_fini(&p);
	expect_silence(w);
}

/* A segment that was sent again has an old number and a new ACK: its window counts, or ours would reach too far. */
void scenario_window_of_old_segment(struct world *w)
{
	struct puppet p;
	uint32_t base, seq;

	puppet_world(w, &p, NULL);
	p.wnd = 8000;
	puppet_connect(&p, 60000);
	puppet_say(&p, ACK, 500);
	seq = p.snd_nxt - 500;
	puppet_say(&p, ACK, 500);
	base = p.rcv_nxt;
	EXPECT_INT(w, sent_to(&p, base), >=, 6000);
	p.wnd = 4000; /* the right edge stays */
	puppet_segment(&p, ACK, seq, base + 4000, 1000);
	EXPECT_INT(w, sent_to(&p, base), <=, 8000);
	p.rcv_nxt = base + 4000;
	p.wnd = 60000;
	puppet_say(&p, ACK, 0);
	EXPECT_INT(w, sent_to(&p, p.rcv_nxt), >, 8000);
	puppet_say(&p, RST | ACK, 0);
	puppet_fini(&p);
	expect_silence(w);
}

/* Closed from the beginning: probes come ever more rarely, up to every two minutes, for ever while they are
 * answered, and carry nothing that the window does not take; the first opening is used at once. */
void scenario_window_probes(struct world *w)
{
	adit_time last, gap = 0;
	struct puppet p;

	puppet_world(w, &p, NULL);
	p.wnd = 5000;
	puppet_connect(&p, 0);
	p.wnd = 0;
	puppet_say(&p, ACK, 0);
	p.end->to_send = 30000;
	end_work(p.end);
	world_run(w, 0);
	puppet_expect_none(&p);
	last = w->now;
	for (int i = 0; i < 20; i++) {
		for (int k = 0; k < 1300 && !w->host[1].got; k++)
			world_run(w, 100 * ADIT_MSEC);
		puppet_expect(&p, ACK);
		EXPECT_INT(w, p.v.len, ==, 0);
		EXPECT_INT(w, p.v.seq, ==, p.rcv_nxt - 1);
		puppet_expect_none(&p);
		EXPECT_INT(w, w->now - last + ADIT_SEC, >=, gap); /* never sooner than the last time */
		gap = w->now - last;
		last = w->now;
		puppet_say(&p, ACK, 0);
		puppet_expect_none(&p);
	}
	EXPECT_INT(w, gap, >=, 119 * ADIT_SEC);
	EXPECT_INT(w, gap, <=, 121 * ADIT_SEC);
	p.wnd = 200; /* too little to be worth a segment: after the override time what fits goes (3.8.6.2.1) */
	puppet_say(&p, ACK, 0);
	for (int k = 0; k < 1300 && !w->host[1].got; k++)
		world_run(w, 100 * ADIT_MSEC);
	puppet_expect_data(&p, 200);
	p.wnd = 60000;
	puppet_say(&p, ACK, 0);
	EXPECT_INT(w, sent_to(&p, p.rcv_nxt), >=, 2000);
	puppet_say(&p, RST | ACK, 0);
	puppet_fini(&p);
	expect_silence(w);
}

/* Closed with bytes on the way that were lost: they are sent again all the same, and the program's patience counts. */
void scenario_window_closes(struct world *w)
{
	struct adit_tcp_options o;
	struct puppet p;
	uint32_t sent;

	puppet_world(w, &p, NULL);
	p.wnd = 5000;
	puppet_connect(&p, 30000);
	adit_tcp_get_options(p.end->s, &o);
	o.user_timeout = 60 * ADIT_SEC;
	adit_tcp_set_options(p.end->s, &o, w->now);
	sent = sent_to(&p, p.rcv_nxt);
	EXPECT_INT(w, sent, >=, 3900);
	EXPECT_INT(w, sent, <=, 5000);
	p.wnd = 0;
	puppet_say(&p, ACK, 0); /* none of it came */
	world_run(w, 5 * ADIT_SEC);
	EXPECT_INT(w, sent_to(&p, p.rcv_nxt), >, 0);
	p.rcv_nxt += sent;
	puppet_say(&p, ACK, 0);
	puppet_skip(&p);
	world_run(w, 50 * ADIT_SEC);
	EXPECT(w, !p.end->error);
	world_run(w, 120 * ADIT_SEC);
	EXPECT_INT(w, p.end->error, ==, -ETIMEDOUT);
	puppet_fini(&p);
	expect_silence(w);
}

/* A peer without SACK: three duplicates are a loss (RFC 5681 3.2); the ACK of part of it brings the rest (RFC 6582). */
void scenario_duplicate_acks(struct world *w)
{
	struct puppet p;
	uint32_t base, mss;

	puppet_world(w, &p, NULL);
	p.sack = false;
	puppet_connect(&p, 200000);
	base = p.rcv_nxt;
	puppet_expect(&p, ACK);
	mss = p.v.len;
	EXPECT_INT(w, sent_to(&p, base), >=, 8 * mss);
	world_run(w, 20 * ADIT_MSEC);
	puppet_say(&p, ACK, 0);
	puppet_say(&p, ACK, 0);
	while (puppet_get(&p))
		EXPECT(w, p.v.seq != base);
	puppet_say(&p, ACK, 0);
	puppet_expect(&p, ACK);
	EXPECT_INT(w, p.v.seq, ==, base);
	for (int i = 3; i < 8; i++)
		puppet_say(&p, ACK, 0);
	puppet_skip(&p);
	world_run(w, 20 * ADIT_MSEC);
	p.rcv_nxt = base + 2 * mss; /* the third was lost, too */
	puppet_say(&p, ACK, 0);
	world_run(w, 20 * ADIT_MSEC);
	puppet_expect(&p, ACK);
	EXPECT_INT(w, p.v.seq, ==, base + 2 * mss);
	puppet_skip(&p);
	puppet_say(&p, RST | ACK, 0);
	puppet_fini(&p);
	expect_silence(w);
}

/* Initial sequence numbers of one moment are far apart, and of one pair grow with the clock (RFC 9293 3.4.1). */
void scenario_isn(struct world *w)
{
	struct puppet p;
	uint32_t isn[64], first = 0;
	unsigned near = 0;

	puppet_world(w, &p, NULL);
	for (unsigned i = 0; i < 64; i++) {
		if (i < 32)
			p.st = stream_new(w, 1, 0, p.local.addr.family, 0, 0);
		else
			p.local.port++; /* the same listener, another peer */
		p.st->end[1] = (struct end){ .st = p.st, .side = 1, .h = &w->host[0], .read_limit = UINT64_MAX };
		p.end = &p.st->end[1];
		p.remote.port = p.st->port;
		puppet_syn(&p, SYN);
		puppet_expect(&p, SYN | ACK);
		isn[i] = p.v.seq;
		puppet_segment(&p, RST, p.snd_nxt, 0, 0);
		for (unsigned k = 0; k < i; k++)
			near += isn[i] - isn[k] + 65536 < 131072;
	}
	EXPECT_INT(w, near, <=, 2);
	for (unsigned i = 0; i < 10; i++) {
		p.st->end[1] = (struct end){ .st = p.st, .side = 1, .h = &w->host[0], .read_limit = UINT64_MAX };
		world_run(w, 40 * ADIT_MSEC);
		puppet_syn(&p, SYN);
		puppet_expect(&p, SYN | ACK);
		if (i)
			EXPECT_INT(w, p.v.seq - first, ==, i * 10000);
		else
			first = p.v.seq;
		puppet_segment(&p, RST, p.snd_nxt, 0, 0);
	}
	puppet_fini(&p);
	expect_silence(w);
}

/* RFC 1122 4.2.3.2: at the start every segment is acknowledged at once, then every second full one, a single one
 * after 40 ms; what came out of order at once. */
void scenario_delayed_ack(struct world *w)
{
	const uint32_t full = 1300;
	struct puppet p;

	puppet_world(w, &p, NULL);
	puppet_connect(&p, 0);
	for (int i = 0; i < 16; i++) {
		puppet_say(&p, ACK, full);
		puppet_expect_ack(&p);
	}
	for (int i = 0; i < 5; i++) {
		puppet_say(&p, ACK, full);
		puppet_expect_silence(&p, 39 * ADIT_MSEC);
		world_run(w, 2 * ADIT_MSEC);
		puppet_expect_ack(&p);
		puppet_say(&p, ACK, full);
		puppet_expect_none(&p);
		puppet_say(&p, ACK, full);
		puppet_expect_ack(&p);
	}
	puppet_say(&p, ACK, 10);
	p.st->end[0].sent += 10;
	puppet_segment(&p, ACK, p.snd_nxt + 10, p.rcv_nxt, 10);
	puppet_expect(&p, ACK); /* a hole */
	EXPECT_INT(w, p.v.ack, ==, p.snd_nxt);
	puppet_say(&p, ACK, 10);
	puppet_expect(&p, ACK); /* filled */
	EXPECT_INT(w, p.v.ack, ==, p.snd_nxt + 10);
	puppet_say(&p, RST | ACK, 0);
	EXPECT_INT(w, p.end->got, ==, 31 * full + 30);
	p.snd_nxt += 10;
	puppet_say(&p, RST | ACK, 0);
	puppet_fini(&p);
	expect_silence(w);
}

static void write_little(struct puppet *p, uint32_t len)
{
	p->end->to_send += len;
	end_work(p->end);
	world_run(p->w, 0);
}

/* RFC 9293 3.7.4: with Nagle's algorithm a small segment waits for the ACK of what is on the way; without, and at
 * the end of the stream, it does not. */
void scenario_nagle(struct world *w)
{
	struct adit_tcp_options o;
	struct puppet p;

	puppet_world(w, &p, NULL);
	puppet_connect(&p, 0);
	write_little(&p, 10);
	puppet_expect_data(&p, 10);
	write_little(&p, 10);
	puppet_expect_data(&p, 10);
	puppet_say(&p, ACK, 0);
	adit_tcp_get_options(p.end->s, &o);
	EXPECT(w, !o.nagle);
	o.nagle = true;
	adit_tcp_set_options(p.end->s, &o, w->now);
	write_little(&p, 10);
	puppet_expect_data(&p, 10);
	write_little(&p, 10);
	write_little(&p, 20);
	puppet_expect_none(&p);
	puppet_say(&p, ACK, 0);
	puppet_expect_data(&p, 30);
	write_little(&p, 5);
	puppet_expect_none(&p);
	p.end->hold_fin = false;
	write_little(&p, 5);
	puppet_expect(&p, ACK | FIN);
	EXPECT_INT(w, p.v.len, ==, 10);
	puppet_say(&p, RST | ACK, 0);
	puppet_fini(&p);
	expect_silence(w);
}

static void say_sack(struct puppet *p, uint32_t from, uint32_t to)
{
	uint8_t o[12] = { 1, 1, 5, 10 };

	adit_put_be32(o + 4, from);
	adit_put_be32(o + 8, to);
	puppet_option(p, o, 12);
	puppet_say(p, ACK, 0);
}

/* A receiver may forget what it has SACKed (RFC 2018 8): after timeouts it is sent again all the same. */
void scenario_reneging(struct world *w)
{
	uint32_t base, top;
	struct puppet p;

	puppet_world(w, &p, NULL);
	p.sack = true;
	puppet_connect(&p, 12000);
	base = p.rcv_nxt;
	top = sent_to(&p, base);
	EXPECT_INT(w, top, ==, 12000);
	world_run(w, 20 * ADIT_MSEC);
	say_sack(&p, base + 4000, base + 12000);
	puppet_skip(&p);
	for (int i = 0; i < 200 && p.rcv_nxt != base + 12000; i++) {
		while (puppet_get(&p)) { /* nothing of it is there any more: only what comes in order counts */
			if (p.v.len && p.v.seq == p.rcv_nxt)
				p.rcv_nxt += p.v.len;
		}
		puppet_say(&p, ACK, 0);
		world_run(w, ADIT_SEC);
	}
	EXPECT_INT(w, p.rcv_nxt - base, ==, 12000);
	EXPECT(w, p.end->all_sent);
	puppet_say(&p, RST | ACK, 0);
	puppet_fini(&p);
	expect_silence(w);
}

/* SACK blocks of what was never sent, backwards, huge: no harm, and nothing is taken for delivered. */
void scenario_lying_sack(struct world *w)
{
	const uint32_t lies[][2] = {
		{ 50000, 60000 }, { 5000, 1000 }, { (uint32_t)-9000, 20 }, { 1u << 31, 100 }, { 2000, 90000 }, { 7, 7 },
	};
	struct adit_tcp_info i;
	struct puppet p;
	uint32_t base;

	puppet_world(w, &p, NULL);
	p.sack = true;
	puppet_connect(&p, 12000);
	base = p.rcv_nxt;
	EXPECT_INT(w, sent_to(&p, base), ==, 12000);
	for (unsigned k = 0; k < 6; k++)
		say_sack(&p, base + lies[k][0], base + lies[k][1]);
	adit_tcp_info(p.end->s, &i);
	EXPECT_INT(w, i.bytes_out, ==, 0);
	EXPECT_INT(w, i.in_flight, <=, 12000);
	for (int n = 0; n < 200 && p.rcv_nxt != base + 12000; n++) {
		world_run(w, ADIT_SEC);
		while (puppet_get(&p)) {
			if (p.v.len && p.v.seq == p.rcv_nxt)
				p.rcv_nxt += p.v.len;
		}
		puppet_say(&p, ACK, 0);
	}
	EXPECT_INT(w, p.rcv_nxt - base, ==, 12000);
	puppet_say(&p, RST | ACK, 0);
	puppet_fini(&p);
	expect_silence(w);
}
