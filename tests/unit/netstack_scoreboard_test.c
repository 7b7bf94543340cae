/* SPDX-License-Identifier: ISC */
/*
 * netstack_scoreboard_test.c - RACK's steps one by one, and the scoreboard
 * against a model that has an entry for every byte
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>

#include <stdlib.h>

#include <cmocka.h>

#include "netstack/scoreboard.h"
#include "netstack/scoreboard_tree.h"
#include "netstack/seq.h"

#define MS ADIT_MSEC

static struct sb_ack ack_of(struct scoreboard *sb, uint32_t una, adit_time now)
{
	struct sb_ack r = { 0 };

	scoreboard_ack(sb, una, &r, now);
	assert_true(scoreboard_check(sb));
	return r;
}

static struct sb_ack sack_of(struct scoreboard *sb, uint32_t from, uint32_t to, adit_time now)
{
	struct sb_ack r = { 0 };

	scoreboard_sack(sb, from, to, &r, now);
	assert_true(scoreboard_check(sb));
	return r;
}

static uint32_t lost_now(struct scoreboard *sb, adit_time reo_wnd, adit_time now)
{
	uint32_t lost = 0;

	scoreboard_detect_loss(sb, reo_wnd, &lost, now);
	assert_true(scoreboard_check(sb));
	return lost;
}

/* --- one by one --------------------------------------------------------------------- */

/* Trains sent one after another and acknowledged in order: a record each, none left. */
static void test_in_order(void **state)
{
	struct scoreboard sb;
	struct sb_ack r;

	(void)state;
	scoreboard_init(&sb, 0xfffffff0);
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(scoreboard_sent(&sb, 4000, 1000, (adit_time)(i + 1) * MS), 0);
	assert_int_equal(sb.records, 100);
	assert_int_equal(scoreboard_in_flight(&sb), 400000);
	assert_int_equal(scoreboard_oldest_sent(&sb), MS);
	r = ack_of(&sb, 0xfffffff0 + 6000, 200 * MS); /* ends inside the second */
	assert_int_equal(r.acked, 6000);
	assert_int_equal(r.delivered, 6000);
	assert_int_equal(r.rtt, 198 * MS);
	assert_true(r.original_acked && !r.resent_acked && !r.sack_seen);
	assert_int_equal(sb.records, 99);
	assert_int_equal(scoreboard_oldest_sent(&sb), 2 * MS);
	ack_of(&sb, sb.end, 201 * MS);
	assert_int_equal(sb.records, 0);
	assert_int_equal(scoreboard_oldest_sent(&sb), 0);
	assert_true(sb.memory <= 128); /* an idle flow holds next to nothing */
	scoreboard_fini(&sb);
	assert_int_equal(sb.memory, 0);
}

/* What is sent at one moment is one record, while its segments are whole. */
static void test_one_moment(void **state)
{
	struct scoreboard sb;

	(void)state;
	scoreboard_init(&sb, 0);
	scoreboard_sent(&sb, 2000, 1000, MS);
	scoreboard_sent(&sb, 1500, 1000, MS);
	assert_int_equal(sb.records, 1);
	scoreboard_sent(&sb, 1000, 1000, MS);
	assert_int_equal(sb.records, 2);
	scoreboard_sent(&sb, 1000, 900, MS);
	assert_int_equal(sb.records, 3);
	scoreboard_fini(&sb);
}

/* A train of ten segments, of which the receiver SACKs one after another from
 * the fourth: still three records, and none allocated in between. */
static void test_growing_block(void **state)
{
	struct scoreboard sb;
	size_t memory;

	(void)state;
	scoreboard_init(&sb, 0);
	scoreboard_sent(&sb, 10000, 1000, MS);
	sack_of(&sb, 3000, 4000, 5 * MS);
	memory = sb.memory;
	for (uint32_t to = 5000; to < 10000; to += 1000) {
		struct sb_ack r = sack_of(&sb, 3000, to, 5 * MS);

		assert_int_equal(r.sacked, 1000);
		assert_int_equal(sb.records, 3);
	}
	assert_int_equal(sb.memory, memory);
	assert_int_equal(sack_of(&sb, 3000, 9000, 5 * MS).sacked, 0);
	assert_int_equal(sb.sacked, 6000);
	assert_int_equal(sb.highest_sacked, 9000);
	sack_of(&sb, 2000, 3000, 5 * MS); /* and downwards */
	assert_int_equal(sb.records, 3);
	scoreboard_fini(&sb);
}

/* Blocks that no honest receiver sends change nothing. */
static void test_strange_blocks(void **state)
{
	static const struct { uint32_t from, to, sacked; } cases[] = {
		{ 1000, 1000, 0 },              /* empty */
		{ 2000, 1000, 0 },              /* the wrong way round */
		{ 0, 1000, 0 },                 /* below una: a DSACK */
		{ 500, 1500, 500 },             /* partly */
		{ 4500, 9000, 500 },            /* beyond the end */
		{ 5000, 6000, 0 },
		{ 0x80000000, 0x90000000, 0 },
		{ 1000, 0x80001001, 0 },        /* half the space long */
		{ 0, UINT32_MAX, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct scoreboard sb;

		scoreboard_init(&sb, 1000);
		scoreboard_sent(&sb, 4000, 1000, MS);
		assert_int_equal(sack_of(&sb, cases[i].from, cases[i].to, 2 * MS).sacked, cases[i].sacked);
		scoreboard_fini(&sb);
	}
}

/* RFC 8985 6.2: sent before what was delivered, and the window is over. */
static void test_rack_detects(void **state)
{
	struct scoreboard sb;
	uint32_t seq, mss, lost = 0;

	(void)state;
	scoreboard_init(&sb, 0);
	for (unsigned i = 0; i < 5; i++)
		scoreboard_sent(&sb, 1000, 1000, (10 + i) * MS);
	assert_int_equal(scoreboard_detect_loss(&sb, 0, &lost, 30 * MS), ADIT_NEVER); /* nothing delivered yet */
	sack_of(&sb, 3000, 4000, 33 * MS); /* sent at 13: rtt 20 */
	assert_int_equal(scoreboard_detect_loss(&sb, 5 * MS, &lost, 33 * MS), 35 * MS);
	assert_int_equal(lost, 0);
	assert_int_equal(scoreboard_detect_loss(&sb, 5 * MS, &lost, 36 * MS), 37 * MS);
	assert_int_equal(lost, 2000); /* of 10 and 11; that of 12 is due at 37 */
	assert_int_equal(scoreboard_detect_loss(&sb, 5 * MS, &lost, 37 * MS), ADIT_NEVER);
	assert_int_equal(lost, 3000); /* that of 14 was sent after what was delivered */
	assert_int_equal(sb.lost, 3000);
	assert_int_equal(scoreboard_in_flight(&sb), 1000);
	/* sent again, in whole segments, lowest first */
	assert_int_equal(scoreboard_next_lost(&sb, 500, &seq, &mss), 0);
	assert_int_equal(scoreboard_next_lost(&sb, 1999, &seq, &mss), 1000);
	assert_int_equal(seq, 0);
	scoreboard_resent(&sb, 0, 1000, 40 * MS);
	assert_int_equal(scoreboard_next_lost(&sb, 9999, &seq, &mss), 1000);
	assert_int_equal(seq, 1000);
	/* the retransmission itself is lost: found by what was sent after it */
	scoreboard_resent(&sb, 1000, 1000, 41 * MS);
	scoreboard_resent(&sb, 2000, 1000, 42 * MS);
	assert_int_equal(sb.resent, 3000);
	sack_of(&sb, 1000, 3000, 61 * MS);
	assert_int_equal(lost_now(&sb, 0, 61 * MS), 1000 + 1000); /* and that of 14 */
	assert_int_equal(scoreboard_next_lost(&sb, 9999, &seq, &mss), 1000);
	assert_int_equal(seq, 0);
	scoreboard_fini(&sb);
}

/* Step 2: an ACK for a retransmission that may be the original's moves nothing. */
static void test_ambiguity(void **state)
{
	static const struct { const char *name; adit_time ts_echo, min_rtt, now; bool moves; } cases[] = {
		{ "the timestamp is older than the retransmission", 49 * MS, 0, 80 * MS, false },
		{ "the timestamp is the retransmission's", 50 * MS, 0, 80 * MS, true },
		{ "sooner than any round trip", 0, 20 * MS, 60 * MS, false },
		{ "a round trip", 0, 20 * MS, 70 * MS, true },
		{ "no knowledge", 0, ADIT_NEVER, 51 * MS, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sb_ack r = { .ts_echo = cases[i].ts_echo, .min_rtt = cases[i].min_rtt };
		struct scoreboard sb;

		scoreboard_init(&sb, 0);
		scoreboard_sent(&sb, 1000, 1000, 10 * MS);
		scoreboard_sent(&sb, 1000, 1000, 11 * MS);
		scoreboard_all_lost(&sb, false);
		scoreboard_resent(&sb, 0, 1000, 50 * MS);
		scoreboard_ack(&sb, 1000, &r, cases[i].now);
		assert_true(r.resent_acked && !r.original_acked);
		assert_int_equal(r.rtt, 0); /* Karn */
		if ((sb.rack.xmit_time == 50 * MS) != cases[i].moves)
			fail_msg("%s", cases[i].name);
		scoreboard_fini(&sb);
	}
}

/* Step 3, and that one ACK's blocks, whatever their order, are no reordering. */
static void test_reordering_seen(void **state)
{
	struct scoreboard sb;
	struct sb_ack r = { 0 };

	(void)state;
	scoreboard_init(&sb, 0);
	for (unsigned i = 0; i < 8; i++)
		scoreboard_sent(&sb, 1000, 1000, (10 + i) * MS);
	scoreboard_sack(&sb, 6000, 7000, &r, 30 * MS);
	scoreboard_sack(&sb, 2000, 3000, &r, 30 * MS);
	scoreboard_sack(&sb, 4000, 5000, &r, 30 * MS);
	assert_false(sb.rack.reordering_seen);
	scoreboard_first_lost(&sb, 1000);
	scoreboard_resent(&sb, 0, 1000, 31 * MS);
	ack_of(&sb, 1000, 51 * MS); /* a retransmission fills a hole: not reordered */
	assert_false(sb.rack.reordering_seen);
	sack_of(&sb, 3000, 4000, 52 * MS); /* never sent again, and below what came before */
	assert_true(sb.rack.reordering_seen);
	scoreboard_fini(&sb);
}

/* Step 4: the table of its conditions. */
static void test_reo_wnd(void **state)
{
	static const struct { bool seen, recovery; uint32_t sacked; unsigned mult; adit_time min, srtt, wnd; } cases[] = {
		{ false, false, 0, 1, 40 * MS, 60 * MS, 10 * MS },
		{ false, true, 0, 1, 40 * MS, 60 * MS, 0 },
		{ false, false, 2000, 1, 40 * MS, 60 * MS, 10 * MS },
		{ false, false, 2001, 1, 40 * MS, 60 * MS, 0 },
		{ true, true, 5000, 1, 40 * MS, 60 * MS, 10 * MS },
		{ true, true, 5000, 3, 40 * MS, 60 * MS, 30 * MS },
		{ true, true, 5000, 9, 40 * MS, 60 * MS, 60 * MS }, /* never above SRTT */
		{ true, true, 5000, 9, ADIT_NEVER, 60 * MS, 60 * MS },
		{ false, false, 0, 1, MS / 100, 60 * MS, MS / 400 },
		{ true, true, 5000, 1, MS / 100, 60 * MS, MS / 4 }, /* once seen, a tick at least */
		{ true, true, 5000, 1, MS / 100, MS / 10, MS / 10 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct scoreboard sb;

		scoreboard_init(&sb, 0);
		sb.sacked = cases[i].sacked;
		sb.rack.reordering_seen = cases[i].seen;
		sb.rack.reo_wnd_mult = cases[i].mult;
		assert_int_equal(scoreboard_reo_wnd(&sb, cases[i].recovery, 1000, cases[i].min, cases[i].srtt),
				 cases[i].wnd);
	}
}

/* DSACKs widen the window once a round; sixteen recoveries without one narrow it. */
static void test_dsack_rounds(void **state)
{
	struct scoreboard sb;

	(void)state;
	scoreboard_init(&sb, 0);
	scoreboard_sent(&sb, 5000, 1000, MS);
	scoreboard_dsack(&sb, 5000);
	assert_int_equal(sb.rack.reo_wnd_mult, 2);
	ack_of(&sb, 4000, 2 * MS);
	scoreboard_dsack(&sb, 5000); /* the same round */
	assert_int_equal(sb.rack.reo_wnd_mult, 2);
	ack_of(&sb, 5000, 3 * MS);
	scoreboard_dsack(&sb, 5000);
	assert_int_equal(sb.rack.reo_wnd_mult, 3);
	for (unsigned i = 0; i < 15; i++)
		scoreboard_recovery_done(&sb);
	assert_int_equal(sb.rack.reo_wnd_mult, 3);
	scoreboard_recovery_done(&sb);
	assert_int_equal(sb.rack.reo_wnd_mult, 1);
	scoreboard_fini(&sb);
}

/* A timeout: all but what is SACKED; that as well when the receiver reneged. */
static void test_timeout(void **state)
{
	struct scoreboard sb;

	(void)state;
	scoreboard_init(&sb, 0);
	scoreboard_sent(&sb, 5000, 1000, 10 * MS);
	scoreboard_sent(&sb, 5000, 1000, 90 * MS);
	sack_of(&sb, 2000, 3000, 30 * MS);
	sb.rack.rtt = 20 * MS;
	/* RFC 8985 6.3: the young ones stay in flight */
	assert_int_equal(scoreboard_rto_lost(&sb, 1000, 5 * MS, 100 * MS), 4000);
	assert_int_equal(scoreboard_in_flight(&sb), 5000);
	assert_int_equal(scoreboard_all_lost(&sb, false), 5000);
	assert_int_equal(scoreboard_in_flight(&sb), 0);
	assert_int_equal(scoreboard_all_lost(&sb, true), 1000);
	assert_int_equal(sb.sacked, 0);
	assert_int_equal(sb.lost, 10000);
	assert_true(scoreboard_check(&sb));
	scoreboard_undo(&sb);
	assert_int_equal(scoreboard_in_flight(&sb), 10000);
	assert_true(scoreboard_check(&sb));
	scoreboard_fini(&sb);
}

/* The first segment alone is due, although all were just sent. */
static void test_timeout_first(void **state)
{
	struct scoreboard sb;

	(void)state;
	scoreboard_init(&sb, 0);
	scoreboard_sent(&sb, 5000, 1000, 10 * MS);
	sb.rack.rtt = 500 * MS;
	assert_int_equal(scoreboard_rto_lost(&sb, 1000, 0, 100 * MS), 1000);
	assert_int_equal(sb.lost, 1000);
	assert_int_equal(scoreboard_rto_lost(&sb, 1000, 0, 100 * MS), 0);
	scoreboard_fini(&sb);
}

static void test_tail(void **state)
{
	struct scoreboard sb;
	uint32_t seq;

	(void)state;
	scoreboard_init(&sb, 0);
	assert_int_equal(scoreboard_tail(&sb, 1000, &seq), 0);
	scoreboard_sent(&sb, 5500, 1000, MS);
	assert_int_equal(scoreboard_tail(&sb, 1000, &seq), 500);
	assert_int_equal(seq, 5000);
	sack_of(&sb, 4000, 5500, 2 * MS);
	assert_int_equal(scoreboard_tail(&sb, 1000, &seq), 1000);
	assert_int_equal(seq, 3000);
	scoreboard_resent(&sb, 3000, 1000, 3 * MS);
	assert_true(scoreboard_check(&sb));
	assert_false(scoreboard_first_resent(&sb));
	assert_int_equal(sb.resent, 1000);
	sack_of(&sb, 0, 4000, 4 * MS);
	assert_int_equal(scoreboard_tail(&sb, 1000, &seq), 0);
	scoreboard_fini(&sb);
}

/* After the MTU fell, what is sent again is cut anew. */
static void test_mss_falls(void **state)
{
	struct scoreboard sb;
	uint32_t seq, mss;

	(void)state;
	scoreboard_init(&sb, 0);
	scoreboard_sent(&sb, 5000, 1000, MS);
	scoreboard_set_mss(&sb, 600);
	scoreboard_all_lost(&sb, false);
	assert_int_equal(scoreboard_next_lost(&sb, 700, &seq, &mss), 600);
	assert_int_equal(mss, 600);
	scoreboard_fini(&sb);
}

/* A peer that SACKs every other byte gets so many records and no more, and
 * all of it still adds up. */
static void test_hostile(void **state)
{
	enum { WINDOW = 1 << 20 };
	struct scoreboard sb;
	uint32_t seq, mss, len;

	(void)state;
	scoreboard_init(&sb, 7);
	scoreboard_sent(&sb, WINDOW, 1380, MS);
	for (uint32_t i = 1; i < WINDOW; i += 2) {
		struct sb_ack r = { 0 };

		scoreboard_sack(&sb, 7 + i, 8 + i, &r, 2 * MS);
	}
	assert_true(scoreboard_check(&sb));
	assert_true(sb.records <= SB_RECORDS_MIN + WINDOW / SB_RECORDS_BYTES);
	scoreboard_all_lost(&sb, false);
	while ((len = scoreboard_next_lost(&sb, 2760, &seq, &mss)) > 0)
		assert_int_equal(scoreboard_resent(&sb, seq, len, 3 * MS), 0);
	assert_true(scoreboard_check(&sb));
	assert_int_equal(sb.lost, 0);
	ack_of(&sb, 7 + WINDOW, 4 * MS);
	assert_int_equal(sb.records, 0);
	scoreboard_fini(&sb);
}

/* --- against a model ------------------------------------------------------------------ */

enum { SPACE = 6000, MSS = 7 };

struct byte {
	enum sb_state state;
	adit_time sent;
	bool resent;
};

struct model {
	struct byte b[SPACE]; /* since the beginning; never reused */
	uint32_t base, una, end;
	adit_time xmit, rtt;
	uint32_t rack_end, fack;
	bool reordering;
};

struct model_ack {
	uint32_t acked, sacked, delivered, fack;
	adit_time rtt, newest;
	bool resent, original;
};

static void model_delivered(struct model *m, uint32_t i, struct model_ack *r, adit_time min_rtt, adit_time now)
{
	const struct byte *b = &m->b[i];
	adit_time rtt = now - b->sent;

	r->delivered++;
	if (b->resent) {
		r->resent = true;
	} else {
		r->original = true;
		if (!r->rtt || b->sent >= r->newest) {
			r->newest = b->sent;
			r->rtt = rtt ? rtt : 1;
		}
	}
	if (!b->resent || rtt >= min_rtt) {
		m->rtt = rtt;
		if (b->sent > m->xmit || (b->sent == m->xmit && i + 1 > m->rack_end)) {
			m->xmit = b->sent;
			m->rack_end = i + 1;
		}
	}
	if (i + 1 > m->fack)
		m->fack = i + 1;
	if (i + 1 < r->fack && !b->resent)
		m->reordering = true;
}

static adit_time model_detect(struct model *m, adit_time reo_wnd, adit_time now)
{
	adit_time next = ADIT_NEVER;

	for (uint32_t i = m->una; i < m->end; i++) {
		struct byte *b = &m->b[i];
		adit_time due = b->sent + m->rtt + reo_wnd;

		if (b->state != SB_SENT && b->state != SB_RESENT)
			continue;
		if (b->sent > m->xmit || (b->sent == m->xmit && i + 1 >= m->rack_end))
			continue;
		if (due <= now)
			b->state = SB_LOST;
		else if (due < next)
			next = due;
	}
	return next;
}

static void compare(const struct scoreboard *sb, const struct model *m)
{
	uint32_t sum[4] = { 0 };

	assert_true(scoreboard_check(sb));
	assert_int_equal(sb->una - m->base, m->una);
	assert_int_equal(sb->end - m->base, m->end);
	for (const struct sb_record *rec = sb->first; rec; rec = rec->next)
		for (uint32_t s = rec->seq - m->base; s != rec->end - m->base; s++) {
			assert_int_equal(rec->state, m->b[s].state);
			if (rec->state != SB_SACKED) {
				assert_int_equal(rec->sent, m->b[s].sent);
				assert_int_equal(rec->resent, m->b[s].resent);
			}
			sum[rec->state]++;
		}
	assert_int_equal(sb->sacked, sum[SB_SACKED]);
	assert_int_equal(sb->lost, sum[SB_LOST]);
	assert_int_equal(sb->rack.xmit_time, m->xmit);
	assert_int_equal(sb->rack.rtt, m->rtt);
	assert_int_equal(sb->rack.end_seq - m->base, m->rack_end);
	assert_int_equal(sb->rack.fack - m->base, m->fack);
	assert_int_equal(sb->rack.reordering_seen, m->reordering);
}

static uint32_t below(uint32_t n)
{
	return n ? (uint32_t)random() % n : 0;
}

static void step_send(struct scoreboard *sb, struct model *m, adit_time now)
{
	uint32_t len = 1 + below(6 * MSS);

	if (below(2))
		len = MSS * (1 + below(6));
	if (m->end + len > SPACE || m->end - m->una > 600)
		return;
	assert_int_equal(scoreboard_sent(sb, len, MSS, now), 0);
	for (; len; len--)
		m->b[m->end++] = (struct byte){ SB_SENT, now, false };
}

/* A cumulative ACK, up to three blocks, and what RACK makes of it. */
static void step_ack(struct scoreboard *sb, struct model *m, adit_time now)
{
	adit_time min_rtt = below(30), reo_wnd = below(3) ? below(20) : 0, due;
	struct sb_ack r = { .min_rtt = min_rtt };
	struct model_ack want = { .fack = m->fack };
	uint32_t una = m->una + (below(3) ? 0 : below(m->end - m->una + 1) / (1 + below(8))), lost = 0;

	for (; m->una < una; m->una++) {
		want.acked++;
		if (m->b[m->una].state != SB_SACKED)
			model_delivered(m, m->una, &want, min_rtt, now);
	}
	scoreboard_ack(sb, m->base + una, &r, now);
	for (unsigned blocks = below(4); blocks; blocks--) {
		uint32_t from = una + below(m->end - una + 1), to = from + 1 + below(5 * MSS);

		if (below(2))
			from -= from % MSS;
		scoreboard_sack(sb, m->base + from, m->base + to, &r, now);
		for (uint32_t i = from; i < to; i++)
			if (i >= una && i < m->end && m->b[i].state != SB_SACKED) {
				model_delivered(m, i, &want, min_rtt, now);
				m->b[i].state = SB_SACKED;
				want.sacked++;
			}
	}
	assert_int_equal(r.acked, want.acked);
	assert_int_equal(r.sacked, want.sacked);
	assert_int_equal(r.delivered, want.delivered);
	assert_int_equal(r.rtt, want.rtt);
	assert_int_equal(r.resent_acked, want.resent);
	assert_int_equal(r.original_acked, want.original);
	compare(sb, m);
	due = scoreboard_detect_loss(sb, reo_wnd, &lost, now);
	assert_int_equal(due, model_detect(m, reo_wnd, now));
}

static void step_resend(struct scoreboard *sb, struct model *m, adit_time now)
{
	uint32_t max = MSS + below(10 * MSS), seq = 0, mss = 0, len = scoreboard_next_lost(sb, max, &seq, &mss);
	uint32_t low = m->una;

	while (low < m->end && m->b[low].state != SB_LOST)
		low++;
	assert_int_equal(len > 0, low < m->end);
	if (!len) { /* a probe, then */
		len = scoreboard_tail(sb, MSS, &seq);
		if (!len)
			return;
		for (uint32_t i = seq + len - m->base; i < m->end; i++)
			assert_int_equal(m->b[i].state, SB_SACKED);
	} else {
		assert_int_equal(seq - m->base, low);
		assert_int_equal(mss, MSS);
		assert_true(len <= max);
	}
	for (uint32_t i = 0; i < len; i++) {
		struct byte *b = &m->b[seq - m->base + i];

		assert_true(b->state == SB_LOST || low == m->end);
		*b = (struct byte){ SB_RESENT, now, true };
	}
	assert_int_equal(scoreboard_resent(sb, seq, len, now), 0);
}

/* Ranges that were SACKED may have got their times from a neighbour: take what is there. */
static void adopt_reneged(const struct scoreboard *sb, struct model *m)
{
	for (const struct sb_record *rec = sb->first; rec; rec = rec->next)
		for (uint32_t i = rec->seq - m->base; i != rec->end - m->base; i++)
			if (m->b[i].state == SB_SACKED) {
				m->b[i].sent = rec->sent;
				m->b[i].resent = true;
			}
}

/* The rarer events. */
static void step_rare(struct scoreboard *sb, struct model *m)
{
	uint32_t lost, n = 0;
	bool reneged = below(3) == 0;

	switch (below(4)) {
	case 0:
		lost = scoreboard_all_lost(sb, reneged);
		if (reneged)
			adopt_reneged(sb, m);
		for (uint32_t i = m->una; i < m->end; i++)
			if (m->b[i].state != SB_LOST && (reneged || m->b[i].state != SB_SACKED)) {
				m->b[i].state = SB_LOST;
				n++;
			}
		assert_int_equal(lost, n);
		break;
	case 1:
		lost = scoreboard_first_lost(sb, MSS);
		assert_true(lost <= MSS);
		for (uint32_t i = 0; i < lost; i++)
			m->b[m->una + i].state = SB_LOST;
		break;
	default:
		scoreboard_undo(sb);
		for (uint32_t i = m->una; i < m->end; i++)
			if (m->b[i].state == SB_LOST)
				m->b[i].state = m->b[i].resent ? SB_RESENT : SB_SENT;
	}
}

static void run(unsigned seed)
{
	struct model *m = calloc(1, sizeof(*m));
	struct scoreboard sb;
	adit_time now = 100;

	assert_non_null(m);
	srandom(seed);
	m->base = (uint32_t)random() * 2 - SPACE / 2 * (seed % 2); /* some across 2^32 */
	if (seed % 2)
		m->base = UINT32_MAX - below(SPACE);
	scoreboard_init(&sb, m->base);
	while (m->end < SPACE - 6 * MSS) {
		unsigned what = below(40);

		now += below(3) ? below(12) : 0;
		if (what < 14)
			step_send(&sb, m, now);
		else if (what < 28)
			step_ack(&sb, m, now);
		else if (what < 39)
			step_resend(&sb, m, now);
		else
			step_rare(&sb, m);
		compare(&sb, m);
	}
	scoreboard_fini(&sb);
	free(m);
}

static void test_random(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 60; seed++)
		run(seed);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_order),
		cmocka_unit_test(test_one_moment),
		cmocka_unit_test(test_growing_block),
		cmocka_unit_test(test_strange_blocks),
		cmocka_unit_test(test_rack_detects),
		cmocka_unit_test(test_ambiguity),
		cmocka_unit_test(test_reordering_seen),
		cmocka_unit_test(test_reo_wnd),
		cmocka_unit_test(test_dsack_rounds),
		cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_timeout_first),
		cmocka_unit_test(test_tail),
		cmocka_unit_test(test_mss_falls),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests_name("netstack_scoreboard", tests, NULL, NULL);
}
