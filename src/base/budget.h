/* SPDX-License-Identifier: ISC */
/*
 * budget.h - one memory ceiling that several parts draw from. Nothing is
 * reserved: a part asks before it allocates, and does without when refused.
 * One thread.
 */
#ifndef ADIT_BASE_BUDGET_H
#define ADIT_BASE_BUDGET_H

#include <stdbool.h>
#include <stddef.h>

struct adit_budget {
	size_t limit; /* bytes */
	size_t used;
	size_t peak;
	unsigned long refused; /* how often nothing was left */
	size_t to_send;   /* of what is used: in queues of what is to be sent */
	size_t idle;      /* of what is used: kept for the next who asks */
	size_t held;      /* by those who share what there is equally: queues that are not empty, */
	unsigned holders; /* and how many they are */
};

static inline bool adit_budget_take(struct adit_budget *b, size_t len)
{
	if (len > b->limit - (b->used < b->limit ? b->used : b->limit)) {
		b->refused++;
		return false;
	}
	b->used += len;
	if (b->used > b->peak)
		b->peak = b->used;
	return true;
}

static inline void adit_budget_give(struct adit_budget *b, size_t len)
{
	b->used -= len;
}

static inline size_t adit_budget_left(const struct adit_budget *b)
{
	return b->used < b->limit ? b->limit - b->used : 0;
}

#endif
