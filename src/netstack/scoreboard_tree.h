/* SPDX-License-Identifier: ISC */
/* scoreboard_tree.h - records of a scoreboard, and the red-black tree they stand in */
#ifndef ADIT_NETSTACK_SCOREBOARD_TREE_H
#define ADIT_NETSTACK_SCOREBOARD_TREE_H

#include "netstack/scoreboard.h"

enum sb_state { SB_SENT, SB_LOST, SB_RESENT, SB_SACKED };

struct sb_record {
	struct sb_record *parent, *child[2];
	struct sb_record *prev, *next; /* by sequence; NULL at the ends */
	struct adit_list by_time;      /* in sb->by_time while SENT or RESENT */
	adit_time sent;                /* last */
	uint32_t seq, end;
	uint32_t mss;
	uint8_t state;                 /* enum sb_state */
	bool resent;                   /* at some time */
	bool red;
	bool lost_below;               /* this one or one in its subtrees is LOST */
};

static inline uint32_t sb_len(const struct sb_record *rec)
{
	return rec->end - rec->seq;
}

/* Puts n right behind `after` (NULL: the tree is empty). */
void sb_tree_insert(struct scoreboard *sb, struct sb_record *after, struct sb_record *n);
void sb_tree_remove(struct scoreboard *sb, struct sb_record *rec);
/* The record's state changed to LOST or from it. */
void sb_tree_lost_changed(struct sb_record *rec);
/* The record that holds seq, which lies within [una, end). */
struct sb_record *sb_tree_find(const struct scoreboard *sb, uint32_t seq);
struct sb_record *sb_tree_first_lost(const struct scoreboard *sb);
/* Order, balance and lost_below, for scoreboard_check. */
bool sb_tree_check(const struct scoreboard *sb);

/* Of scoreboard.c, for scoreboard_rack.c: */
/* Marks a record LOST that is in flight. Returns its bytes. */
uint32_t sb_mark_lost(struct scoreboard *sb, struct sb_record *rec);
/* Into by_time at its place. */
void sb_time_add(struct scoreboard *sb, struct sb_record *rec);
/* Cuts rec at `at`; returns the second half, or NULL (no memory). */
struct sb_record *sb_split(struct scoreboard *sb, struct sb_record *rec, uint32_t at);
/* Of scoreboard_rack.c: bytes of rec up to `end` were delivered. */
void sb_rack_delivered(struct scoreboard *sb, const struct sb_record *rec, uint32_t end, struct sb_ack *r,
		       adit_time now);

#endif
