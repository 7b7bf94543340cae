/* SPDX-License-Identifier: ISC */
/* scoreboard.c - what was sent, acknowledged, SACKed and is to be sent again */
#include "netstack/scoreboard.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "netstack/scoreboard_tree.h"
#include "netstack/seq.h"

#define SPARE_MAX  32 /* records kept while there are others, */
#define SPARE_IDLE 1  /* and when there is none */

static struct sb_record *record_of(struct adit_list *link)
{
	return adit_container_of(link, struct sb_record, by_time);
}

/* --- records --------------------------------------------------------------------- */

static struct sb_record *record_new(struct scoreboard *sb)
{
	struct sb_record *rec = sb->spare;

	if (rec) {
		sb->spare = rec->next;
		sb->spare_cnt--;
	} else {
		rec = malloc(sizeof(*rec));
		if (!rec)
			return NULL;
		sb->memory += sizeof(*rec);
	}
	sb->records++;
	return rec;
}

static void drop_spare(struct scoreboard *sb, unsigned keep)
{
	while (sb->spare_cnt > keep) {
		struct sb_record *rec = sb->spare;

		sb->spare = rec->next;
		sb->spare_cnt--;
		sb->memory -= sizeof(*rec);
		free(rec);
	}
}

/* Out of the tree; out of by_time, if it is there, already. */
static void record_free(struct scoreboard *sb, struct sb_record *rec)
{
	sb_tree_remove(sb, rec);
	sb->records--;
	rec->next = sb->spare;
	sb->spare = rec;
	sb->spare_cnt++;
	drop_spare(sb, sb->records ? SPARE_MAX : SPARE_IDLE);
}

static bool in_flight(const struct sb_record *rec)
{
	return rec->state == SB_SENT || rec->state == SB_RESENT;
}

static bool sent_before(const struct sb_record *a, const struct sb_record *b)
{
	return a->sent != b->sent ? a->sent < b->sent : seq_lt(a->end, b->end);
}

void sb_time_add(struct scoreboard *sb, struct sb_record *rec)
{
	struct adit_list *at = &sb->by_time;

	/* nearly always at the end: what has just been sent */
	while (at->prev != &sb->by_time && sent_before(rec, record_of(at->prev)))
		at = at->prev;
	adit_list_add_tail(at, &rec->by_time);
}

/* For what a peer asks for; our own cuts are whole segments. */
static bool may_split(const struct scoreboard *sb, unsigned cuts)
{
	return sb->records + cuts <= SB_RECORDS_MIN + (sb->end - sb->una) / SB_RECORDS_BYTES;
}

struct sb_record *sb_split(struct scoreboard *sb, struct sb_record *rec, uint32_t at)
{
	struct sb_record *rest;

	assert(seq_lt(rec->seq, at) && seq_lt(at, rec->end));
	rest = record_new(sb);
	if (!rest)
		return NULL;
	*rest = *rec;
	rec->end = at;
	rest->seq = at;
	sb_tree_insert(sb, rec, rest);
	if (in_flight(rec))
		adit_list_add_tail(rec->by_time.next, &rest->by_time);
	else
		adit_list_init(&rest->by_time);
	return rest;
}

uint32_t sb_mark_lost(struct scoreboard *sb, struct sb_record *rec)
{
	assert(in_flight(rec));
	if (rec->state == SB_RESENT)
		sb->resent -= sb_len(rec);
	sb->lost += sb_len(rec);
	rec->state = SB_LOST;
	adit_list_del(&rec->by_time);
	sb_tree_lost_changed(rec);
	return sb_len(rec);
}

void scoreboard_init(struct scoreboard *sb, uint32_t seq)
{
	*sb = (struct scoreboard){ .una = seq, .end = seq };
	adit_list_init(&sb->by_time);
	sb->rack.fack = sb->rack.end_seq = seq;
	sb->rack.reo_wnd_mult = 1;
}

void scoreboard_fini(struct scoreboard *sb)
{
	struct sb_record *rec = sb->first;

	while (rec) {
		struct sb_record *next = rec->next;

		free(rec);
		rec = next;
	}
	drop_spare(sb, 0);
	scoreboard_init(sb, sb->end);
}

/* --- sending --------------------------------------------------------------------- */

/* May the last record grow, instead of another one? */
static bool continues(const struct sb_record *last, uint32_t mss, adit_time now)
{
	return last->state == SB_SENT && !last->resent && last->sent == now && last->mss == mss &&
	       sb_len(last) % mss == 0;
}

int scoreboard_sent(struct scoreboard *sb, uint32_t len, uint32_t mss, adit_time now)
{
	struct sb_record *rec = sb->last;

	assert(len > 0 && mss > 0 && sb->end - sb->una + len < UINT32_C(1) << 31);
	if (rec && continues(rec, mss, now)) {
		rec->end += len;
		sb->end += len;
		return 0;
	}
	rec = record_new(sb);
	if (!rec)
		return -ENOMEM;
	*rec = (struct sb_record){ .sent = now, .seq = sb->end, .end = sb->end + len, .mss = mss, .state = SB_SENT };
	sb_tree_insert(sb, sb->last, rec);
	sb_time_add(sb, rec);
	sb->end += len;
	return 0;
}

uint32_t scoreboard_next_lost(struct scoreboard *sb, uint32_t max, uint32_t *seq, uint32_t *mss)
{
	const struct sb_record *rec = sb->lost ? sb_tree_first_lost(sb) : NULL;

	if (!rec)
		return 0;
	*seq = rec->seq;
	*mss = rec->mss;
	if (sb_len(rec) <= max)
		return sb_len(rec);
	return max - max % rec->mss;
}

/* The record of [seq, end) alone, cut out of a longer one; NULL: no memory. */
static struct sb_record *cut_out(struct scoreboard *sb, uint32_t seq, uint32_t end)
{
	struct sb_record *rec = sb_tree_find(sb, seq);

	assert(rec && rec->state != SB_SACKED && seq_le(end, rec->end));
	if (rec->seq != seq)
		rec = sb_split(sb, rec, seq);
	if (rec && rec->end != end && !sb_split(sb, rec, end))
		return NULL;
	return rec;
}

int scoreboard_resent(struct scoreboard *sb, uint32_t seq, uint32_t len, adit_time now)
{
	struct sb_record *rec = cut_out(sb, seq, seq + len);

	if (!rec)
		return -ENOMEM;
	if (in_flight(rec))
		adit_list_del(&rec->by_time);
	else
		sb->lost -= len;
	if (rec->state != SB_RESENT)
		sb->resent += len;
	rec->state = SB_RESENT;
	rec->resent = true;
	rec->sent = now;
	sb_time_add(sb, rec);
	sb_tree_lost_changed(rec);
	return 0;
}

void scoreboard_set_mss(struct scoreboard *sb, uint32_t mss)
{
	assert(mss > 0);
	for (struct sb_record *rec = sb->first; rec; rec = rec->next)
		if (rec->mss > mss)
			rec->mss = mss;
}

adit_time scoreboard_oldest_sent(const struct scoreboard *sb)
{
	return sb->first ? sb->first->sent : 0;
}

bool scoreboard_first_resent(const struct scoreboard *sb)
{
	return sb->first && sb->first->resent;
}

uint32_t scoreboard_tail(const struct scoreboard *sb, uint32_t mss, uint32_t *seq)
{
	const struct sb_record *rec = sb->last;
	uint32_t len;

	if (rec && rec->state == SB_SACKED)
		rec = rec->prev; /* not SACKED: they would be one record */
	if (!rec)
		return 0;
	/* the last segment as it was sent, which may be a short one */
	len = (sb_len(rec) - 1) % rec->mss + 1;
	if (len > mss)
		len = mss;
	*seq = rec->end - len;
	return len;
}

/* --- what an ACK says --------------------------------------------------------------- */

/* len bytes of rec, ending at `end`, that were not SACKED, arrived. */
static void delivered(struct scoreboard *sb, const struct sb_record *rec, uint32_t len, uint32_t end, struct sb_ack *r,
		      adit_time now)
{
	if (rec->state == SB_LOST)
		sb->lost -= len;
	else if (rec->state == SB_RESENT)
		sb->resent -= len;
	r->delivered += len;
	sb_rack_delivered(sb, rec, end, r, now);
}

void scoreboard_ack(struct scoreboard *sb, uint32_t una, struct sb_ack *r, adit_time now)
{
	struct sb_record *rec;

	assert(una - sb->una <= sb->end - sb->una);
	r->acked += una - sb->una;
	while ((rec = sb->first) && seq_lt(rec->seq, una)) {
		uint32_t end = seq_min(rec->end, una), len = end - rec->seq;

		if (rec->state == SB_SACKED)
			sb->sacked -= len;
		else
			delivered(sb, rec, len, end, r, now);
		rec->seq = end;
		if (end != rec->end)
			break;
		if (in_flight(rec))
			adit_list_del(&rec->by_time);
		record_free(sb, rec);
	}
	sb->una = una;
}

/* Moves the border with a SACKED neighbour, when [a, b) lies at it: no record
 * comes or goes while a receiver's block grows segment by segment. */
static bool shift_border(struct sb_record *rec, uint32_t a, uint32_t b)
{
	if (a == rec->seq && b != rec->end && rec->prev && rec->prev->state == SB_SACKED) {
		rec->prev->end = rec->seq = b;
		return true;
	}
	if (a != rec->seq && b == rec->end && rec->next && rec->next->state == SB_SACKED) {
		rec->next->seq = rec->end = a;
		return true;
	}
	return false;
}

/* One record out of two that are SACKED. */
static struct sb_record *join(struct scoreboard *sb, struct sb_record *left, struct sb_record *right)
{
	uint32_t seq;

	if (!left || left->state != SB_SACKED || right->state != SB_SACKED)
		return right;
	seq = left->seq;
	record_free(sb, left);
	right->seq = seq;
	return right;
}

/* [a, b) of rec, which is not SACKED, now is. */
static void sack_part(struct scoreboard *sb, struct sb_record *rec, uint32_t a, uint32_t b, struct sb_ack *r,
		      adit_time now)
{
	unsigned cuts = (a != rec->seq) + (b != rec->end);
	struct sb_record was = *rec;

	if (!shift_border(rec, a, b)) {
		if (cuts && !may_split(sb, cuts))
			return;
		if (a != rec->seq)
			rec = sb_split(sb, rec, a);
		if (rec && b != rec->end && !sb_split(sb, rec, b))
			return;
		if (!rec)
			return;
		if (in_flight(rec))
			adit_list_del(&rec->by_time);
		rec->state = SB_SACKED;
		sb_tree_lost_changed(rec);
		rec = join(sb, rec->prev, rec);
		if (rec->next)
			join(sb, rec, rec->next);
	}
	delivered(sb, &was, b - a, b, r, now);
	if (!sb->sacked || seq_lt(sb->highest_sacked, b))
		sb->highest_sacked = b;
	sb->sacked += b - a;
	r->sacked += b - a;
	r->sack_seen = true;
}

void scoreboard_sack(struct scoreboard *sb, uint32_t from, uint32_t to, struct sb_ack *r, adit_time now)
{
	if (!seq_lt(from, to) || !seq_lt(sb->una, to) || !seq_lt(from, sb->end))
		return;
	r->ts_echo = 0; /* the echo that comes with what is out of order is older than that (RFC 7323 4.3) */
	from = seq_max(from, sb->una);
	to = seq_min(to, sb->end);
	while (seq_lt(from, to)) {
		struct sb_record *rec = sb_tree_find(sb, from);
		uint32_t end = seq_min(rec->end, to);

		if (rec->state != SB_SACKED)
			sack_part(sb, rec, from, end, r, now);
		from = end;
	}
}

/* --- test builds ------------------------------------------------------------------- */

static bool check_times(const struct scoreboard *sb, unsigned expected)
{
	const struct sb_record *prev = NULL;

	for (struct adit_list *l = sb->by_time.next; l != &sb->by_time; l = l->next) {
		const struct sb_record *rec = record_of(l);

		if (!in_flight(rec) || (prev && sent_before(rec, prev)) || !expected--)
			return false;
		prev = rec;
	}
	return !expected;
}

bool scoreboard_check(const struct scoreboard *sb)
{
	uint32_t sum[4] = { 0 }, at = sb->una, highest = sb->una;
	unsigned cnt = 0, flying = 0;

	if (!sb_tree_check(sb))
		return false;
	for (const struct sb_record *rec = sb->first; rec; rec = rec->next) {
		if (rec->seq != at || !seq_lt(rec->seq, rec->end) || (rec->state == SB_SENT && rec->resent) ||
		    (rec->state == SB_RESENT && !rec->resent))
			return false;
		if (rec->state == SB_SACKED && rec->prev && rec->prev->state == SB_SACKED)
			return false;
		if (rec->state == SB_SACKED)
			highest = rec->end;
		sum[rec->state] += sb_len(rec);
		flying += in_flight(rec);
		at = rec->end;
		cnt++;
	}
	return at == sb->end && cnt == sb->records && sum[SB_SACKED] == sb->sacked && sum[SB_LOST] == sb->lost &&
	       sum[SB_RESENT] == sb->resent && sum[SB_SENT] + sum[SB_RESENT] == scoreboard_in_flight(sb) &&
	       (!sb->sacked || highest == sb->highest_sacked) && check_times(sb, flying);
}
