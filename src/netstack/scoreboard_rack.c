/* SPDX-License-Identifier: ISC */
/*
 * scoreboard_rack.c - RACK (RFC 8985): what was sent before something that
 * was delivered, and is still missing a while later, is lost
 *
 * Steps are those of section 6.2. One point differs: step 5 has the timer go
 * off when the last of the candidates is due; here it goes off for the first
 * one, so that each is found lost at its own time. Records are in order of
 * transmission, so that neither marking nor looking for that time goes past
 * the first record that is not due.
 */
#include "netstack/scoreboard.h"

#include "netstack/scoreboard_tree.h"
#include "netstack/seq.h"

#define DUP_THRESH      3
#define REO_WND_LEAST   (ADIT_MSEC / 4) /* once there was reordering: a quarter of a few microseconds says nothing */
#define REO_WND_PERSIST 16 /* recoveries without a DSACK before the window is narrow again */

static struct sb_record *record_of(struct adit_list *link)
{
	return adit_container_of(link, struct sb_record, by_time);
}

/* RACK_sent_after: t1, seq1 against t2, seq2 */
static bool sent_after(adit_time t1, uint32_t end1, adit_time t2, uint32_t end2)
{
	return t1 > t2 || (t1 == t2 && seq_lt(end2, end1));
}

/* Step 2's rule: the ACK may be for the original, although it was sent again. */
static bool ambiguous(const struct sb_record *rec, const struct sb_ack *r, adit_time rtt)
{
	if (!rec->resent)
		return false;
	if (r->ts_echo && r->ts_echo < rec->sent)
		return true;
	return r->min_rtt != ADIT_NEVER && rtt < r->min_rtt;
}

void sb_rack_delivered(struct scoreboard *sb, const struct sb_record *rec, uint32_t end, struct sb_ack *r,
		       adit_time now)
{
	struct sb_rack *rack = &sb->rack;
	adit_time rtt = now - rec->sent;

	if (!r->begun) {
		r->begun = true;
		r->fack = rack->fack;
	}
	if (rec->resent) {
		r->resent_acked = true;
	} else {
		r->original_acked = true;
		if (!r->rtt || rec->sent >= r->newest) {
			r->newest = rec->sent;
			r->rtt = rtt > 0 ? rtt : 1;
		}
	}
	/* step 2 */
	if (!ambiguous(rec, r, rtt)) {
		rack->rtt = rtt;
		if (sent_after(rec->sent, end, rack->xmit_time, rack->end_seq)) {
			rack->xmit_time = rec->sent;
			rack->end_seq = end;
		}
	}
	/* step 3. One ACK tells no order: what it delivers is compared with what came before it. */
	if (seq_lt(rack->fack, end))
		rack->fack = end;
	if (seq_lt(end, r->fack) && !rec->resent)
		rack->reordering_seen = true;
}

/* Step 4 */
adit_time scoreboard_reo_wnd(const struct scoreboard *sb, bool in_recovery, uint32_t mss, adit_time min_rtt,
			     adit_time srtt)
{
	const struct sb_rack *rack = &sb->rack;
	adit_time wnd;

	if (!rack->reordering_seen && (in_recovery || sb->sacked > (DUP_THRESH - 1) * mss))
		return 0;
	if (min_rtt == ADIT_NEVER)
		return srtt;
	wnd = min_rtt / 4 * rack->reo_wnd_mult;
	if (rack->reordering_seen && wnd < REO_WND_LEAST)
		wnd = REO_WND_LEAST;
	return wnd < srtt ? wnd : srtt;
}

void scoreboard_dsack(struct scoreboard *sb, uint32_t snd_nxt)
{
	struct sb_rack *rack = &sb->rack;

	if (rack->dsack_round_set && seq_lt(sb->una, rack->dsack_round))
		return;
	rack->dsack_round_set = true;
	rack->dsack_round = snd_nxt;
	rack->reo_wnd_persist = REO_WND_PERSIST;
	if (rack->reo_wnd_mult < 1 << 10) /* far beyond SRTT */
		rack->reo_wnd_mult++;
}

void scoreboard_recovery_done(struct scoreboard *sb)
{
	struct sb_rack *rack = &sb->rack;

	if (rack->reo_wnd_persist)
		rack->reo_wnd_persist--;
	if (!rack->reo_wnd_persist)
		rack->reo_wnd_mult = 1;
}

/* Step 5 */
adit_time scoreboard_detect_loss(struct scoreboard *sb, adit_time reo_wnd, uint32_t *newly_lost, adit_time now)
{
	const struct sb_rack *rack = &sb->rack;

	while (!adit_list_empty(&sb->by_time)) {
		struct sb_record *rec = record_of(sb->by_time.next);
		adit_time due = rec->sent + rack->rtt + reo_wnd;

		if (!sent_after(rack->xmit_time, rack->end_seq, rec->sent, rec->end))
			break;
		if (due > now)
			return due;
		*newly_lost += sb_mark_lost(sb, rec);
	}
	return ADIT_NEVER;
}

/* --- losses found otherwise ------------------------------------------------------ */

/* SACKED ranges are LOST: the receiver has thrown them away. Their times are
 * those of a neighbour, if they were joined: no sample is taken of them. */
static uint32_t renege(struct scoreboard *sb)
{
	uint32_t bytes = sb->sacked;

	for (struct sb_record *rec = sb->first; rec; rec = rec->next)
		if (rec->state == SB_SACKED) {
			rec->state = SB_LOST;
			rec->resent = true;
			sb_tree_lost_changed(rec);
		}
	sb->lost += bytes;
	sb->sacked = 0;
	return bytes;
}

uint32_t scoreboard_all_lost(struct scoreboard *sb, bool reneged)
{
	uint32_t bytes = reneged ? renege(sb) : 0;

	while (!adit_list_empty(&sb->by_time))
		bytes += sb_mark_lost(sb, record_of(sb->by_time.next));
	return bytes;
}

uint32_t scoreboard_first_lost(struct scoreboard *sb, uint32_t mss)
{
	struct sb_record *rec = sb->first;

	if (!rec || rec->state == SB_LOST || rec->state == SB_SACKED)
		return 0;
	if (mss > rec->mss)
		mss = rec->mss;
	if (sb_len(rec) > mss)
		sb_split(sb, rec, rec->seq + mss); /* without memory, all of it is lost */
	return sb_mark_lost(sb, rec);
}

uint32_t scoreboard_rto_lost(struct scoreboard *sb, uint32_t mss, adit_time reo_wnd, adit_time now)
{
	uint32_t bytes = 0;

	while (!adit_list_empty(&sb->by_time)) {
		struct sb_record *rec = record_of(sb->by_time.next);

		if (rec->sent + sb->rack.rtt + reo_wnd > now)
			break;
		bytes += sb_mark_lost(sb, rec);
	}
	return bytes + scoreboard_first_lost(sb, mss);
}

/* --- undo ------------------------------------------------------------------------- */

/* Sorts cnt records, chained by by_time.next, by time; returns the first. They
 * were chained by sequence, so equal times keep that order. */
static struct adit_list *sort(struct adit_list *l, unsigned cnt)
{
	struct adit_list *a = l, *b = l, *cut, first, *last = &first;

	if (cnt <= 1) {
		if (l)
			l->next = NULL;
		return l;
	}
	for (unsigned i = 0; i < cnt / 2; i++)
		b = b->next;
	cut = b;
	a = sort(a, cnt / 2);
	b = sort(cut, cnt - cnt / 2);
	while (a && b) {
		struct adit_list **least = record_of(b)->sent < record_of(a)->sent ? &b : &a;

		last = last->next = *least;
		*least = (*least)->next;
	}
	last->next = a ? a : b;
	return first.next;
}

/* Merges them, sorted, into by_time. */
static void merge(struct scoreboard *sb, struct adit_list *l)
{
	struct adit_list *at = sb->by_time.next;

	while (l) {
		struct adit_list *next = l->next;
		const struct sb_record *rec = record_of(l);

		while (at != &sb->by_time &&
		       !sent_after(record_of(at)->sent, record_of(at)->end, rec->sent, rec->end))
			at = at->next;
		adit_list_add_tail(at, l);
		l = next;
	}
}

void scoreboard_undo(struct scoreboard *sb)
{
	struct adit_list first = { NULL, NULL }, *last = &first;
	unsigned cnt = 0;

	if (!sb->lost)
		return;
	for (struct sb_record *rec = sb->first; rec; rec = rec->next) {
		if (rec->state != SB_LOST)
			continue;
		sb->lost -= sb_len(rec);
		if (rec->resent)
			sb->resent += sb_len(rec);
		rec->state = rec->resent ? SB_RESENT : SB_SENT;
		sb_tree_lost_changed(rec);
		last = last->next = &rec->by_time;
		cnt++;
	}
	last->next = NULL;
	merge(sb, sort(first.next, cnt));
}
