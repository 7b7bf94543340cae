/* SPDX-License-Identifier: ISC */
/*
 * scoreboard_tree.c - a scoreboard's records, as a red-black tree by sequence
 *
 * Adding at the end and taking away at the front cost a constant number of
 * steps on average: the place is known, and rebalancing seldom goes far. Each
 * record says whether a LOST one is in its subtree, so the lowest LOST one is
 * found on one way down.
 */
#include "netstack/scoreboard_tree.h"

#include "netstack/seq.h"

static bool lost_here(const struct sb_record *rec)
{
	return rec->state == SB_LOST || (rec->child[0] && rec->child[0]->lost_below) ||
	       (rec->child[1] && rec->child[1]->lost_below);
}

static int side_of(const struct sb_record *rec)
{
	return rec->parent && rec->parent->child[1] == rec;
}

static bool is_red(const struct sb_record *rec)
{
	return rec && rec->red;
}

/* Puts b where a hangs. */
static void replace(struct scoreboard *sb, const struct sb_record *a, struct sb_record *b)
{
	if (!a->parent)
		sb->root = b;
	else
		a->parent->child[side_of(a)] = b;
	if (b)
		b->parent = a->parent;
}

/* rec goes down to side `dir`, its other child up. */
static void rotate(struct scoreboard *sb, struct sb_record *rec, int dir)
{
	struct sb_record *up = rec->child[!dir];

	rec->child[!dir] = up->child[dir];
	if (up->child[dir])
		up->child[dir]->parent = rec;
	replace(sb, rec, up);
	up->child[dir] = rec;
	rec->parent = up;
	up->lost_below = rec->lost_below;
	rec->lost_below = lost_here(rec);
}

static void balance_insert(struct scoreboard *sb, struct sb_record *n)
{
	while (is_red(n->parent)) {
		struct sb_record *grand = n->parent->parent;
		int dir = side_of(n->parent);
		struct sb_record *uncle = grand->child[!dir];

		grand->red = true;
		if (is_red(uncle)) {
			uncle->red = n->parent->red = false;
			n = grand;
			continue;
		}
		if (side_of(n) != dir) {
			n = n->parent;
			rotate(sb, n, dir);
		}
		n->parent->red = false;
		rotate(sb, grand, !dir);
	}
	sb->root->red = false;
}

/* The subtree at side dir of p is one black short. */
static void balance_remove(struct scoreboard *sb, struct sb_record *p, int dir)
{
	while (p) {
		struct sb_record *sib = p->child[!dir];

		if (sib->red) {
			sib->red = false;
			p->red = true;
			rotate(sb, p, dir);
			sib = p->child[!dir];
		}
		if (!is_red(sib->child[0]) && !is_red(sib->child[1])) {
			sib->red = true;
			if (p->red) {
				p->red = false;
				return;
			}
			dir = side_of(p);
			p = p->parent;
			continue;
		}
		if (!is_red(sib->child[!dir])) {
			sib->child[dir]->red = false;
			sib->red = true;
			rotate(sb, sib, !dir);
			sib = p->child[!dir];
		}
		sib->red = p->red;
		p->red = sib->child[!dir]->red = false;
		rotate(sb, p, dir);
		return;
	}
}

void sb_tree_lost_changed(struct sb_record *rec)
{
	for (; rec; rec = rec->parent) {
		bool lost = lost_here(rec);

		if (lost == rec->lost_below)
			return;
		rec->lost_below = lost;
	}
}

void sb_tree_insert(struct scoreboard *sb, struct sb_record *after, struct sb_record *n)
{
	struct sb_record *p = after;
	int dir = 1;

	n->child[0] = n->child[1] = NULL;
	n->prev = after;
	n->next = after ? after->next : NULL;
	n->red = true;
	n->lost_below = false;
	if (n->prev)
		n->prev->next = n;
	else
		sb->first = n;
	if (n->next)
		n->next->prev = n;
	else
		sb->last = n;
	if (p && p->child[1]) { /* then the next one, the leftmost there, has none at its left */
		p = n->next;
		dir = 0;
	}
	n->parent = p;
	if (p)
		p->child[dir] = n;
	else
		sb->root = n;
	sb_tree_lost_changed(n);
	balance_insert(sb, n);
}

/* rec has two children: its successor, which has none at the left, takes its place. */
static void swap_with_next(struct scoreboard *sb, struct sb_record *rec)
{
	struct sb_record *next = rec->next, *right = next->child[1], *p = next->parent;
	bool red = next->red;

	replace(sb, rec, next);
	next->red = rec->red;
	next->child[0] = rec->child[0];
	next->child[0]->parent = next;
	next->child[1] = p == rec ? rec : rec->child[1];
	next->child[1]->parent = next;
	if (p != rec) {
		p->child[0] = rec;
		rec->parent = p;
	}
	rec->red = red;
	rec->child[0] = NULL;
	rec->child[1] = right;
	if (right)
		right->parent = rec;
	/* what is said of subtrees is mended by the caller, from rec up to next at least */
}

static void mend_lost(struct sb_record *rec, const struct sb_record *top)
{
	bool passed = !top;

	for (; rec; rec = rec->parent) {
		bool lost = lost_here(rec);

		passed |= rec == top;
		if (lost == rec->lost_below && passed)
			return;
		rec->lost_below = lost;
	}
}

void sb_tree_remove(struct scoreboard *sb, struct sb_record *rec)
{
	struct sb_record *top = NULL, *child, *p;
	int dir;

	if (rec->child[0] && rec->child[1]) {
		top = rec->next;
		swap_with_next(sb, rec);
	}
	child = rec->child[0] ? rec->child[0] : rec->child[1];
	p = rec->parent;
	dir = side_of(rec);
	replace(sb, rec, child);
	mend_lost(p, top);
	if (child)
		child->red = false; /* an only child is red, and its parent black */
	else if (!rec->red)
		balance_remove(sb, p, dir);
	if (rec->prev)
		rec->prev->next = rec->next;
	else
		sb->first = rec->next;
	if (rec->next)
		rec->next->prev = rec->prev;
	else
		sb->last = rec->prev;
}

struct sb_record *sb_tree_find(const struct scoreboard *sb, uint32_t seq)
{
	struct sb_record *rec = sb->root;

	while (rec) {
		if (seq_lt(seq, rec->seq))
			rec = rec->child[0];
		else if (seq_lt(seq, rec->end))
			return rec;
		else
			rec = rec->child[1];
	}
	return NULL;
}

struct sb_record *sb_tree_first_lost(const struct scoreboard *sb)
{
	struct sb_record *rec = sb->root;

	if (!rec || !rec->lost_below)
		return NULL;
	for (;;) {
		if (rec->child[0] && rec->child[0]->lost_below)
			rec = rec->child[0];
		else if (rec->state == SB_LOST)
			return rec;
		else
			rec = rec->child[1];
	}
}

/* How many black ones there are on any way down; -1 when something is wrong. */
static int check_below(const struct sb_record *rec, const struct sb_record *parent, unsigned depth)
{
	int left, right;

	if (!rec)
		return 0;
	if (depth > 64 || rec->parent != parent || rec->lost_below != lost_here(rec))
		return -1;
	if (rec->red && (is_red(rec->child[0]) || is_red(rec->child[1])))
		return -1;
	if (rec->child[0] && seq_lt(rec->seq, rec->child[0]->end))
		return -1;
	if (rec->child[1] && seq_lt(rec->child[1]->seq, rec->end))
		return -1;
	left = check_below(rec->child[0], rec, depth + 1);
	right = check_below(rec->child[1], rec, depth + 1);
	if (left < 0 || left != right)
		return -1;
	return left + !rec->red;
}

bool sb_tree_check(const struct scoreboard *sb)
{
	const struct sb_record *prev = NULL;

	for (const struct sb_record *rec = sb->first; rec; rec = rec->next) {
		if (rec->prev != prev || (prev && prev->end != rec->seq) || sb_tree_find(sb, rec->seq) != rec)
			return false;
		prev = rec;
	}
	return sb->last == prev && !is_red(sb->root) && check_below(sb->root, NULL, 0) >= 0;
}
