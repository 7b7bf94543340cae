/* SPDX-License-Identifier: ISC */
/* slab.c - memory for flow buffers: free lists by class in front of a shared budget */
#include "netstack/slab.h"

#include <assert.h>
#include <stdlib.h>

static const uint32_t class_len[SLAB_CLASSES] = {
	[SLAB_SMALL] = SLAB_SMALL_LEN,
	[SLAB_MEDIUM] = SLAB_MEDIUM_LEN,
	[SLAB_LARGE] = SLAB_LARGE_LEN,
	[SLAB_NOTES] = SLAB_NOTES_LEN,
};

static size_t class_size(unsigned cls)
{
	return sizeof(struct slab) + class_len[cls];
}

enum use { TO_SEND, RECEIVED };

/* Above it what is to be sent gets small slabs alone. */
static size_t send_limit(const struct adit_budget *b)
{
	return b->limit - b->limit / 8 * 2;
}

/* How much of the budget may be in use with a new slab of this class. */
static size_t class_limit(const struct adit_budget *b, unsigned cls, enum use use)
{
	switch (cls) {
	case SLAB_LARGE:
		return b->limit / 2;
	case SLAB_MEDIUM:
		return use == TO_SEND ? send_limit(b) : b->limit - b->limit / 8;
	case SLAB_SMALL:
		return use == TO_SEND ? b->limit : b->limit - b->limit / 32;
	default:
		return b->limit;
	}
}

/* Has what is to be sent all that it may have? */
static bool sends_enough(const struct adit_budget *b, unsigned cls)
{
	return b->to_send + class_size(cls) > b->limit - b->limit / 8;
}

void slab_pool_init(struct slab_pool *p, struct adit_budget *budget)
{
	*p = (struct slab_pool){ .budget = budget };
}

static void free_slab(struct slab_pool *p, struct slab *s)
{
	size_t size = slab_size(s);

	assert(p->used >= size);
	p->used -= size;
	adit_budget_give(p->budget, size);
	free(s);
}

/* Frees up to cnt slabs of the free list of a class. */
static void release(struct slab_pool *p, unsigned cls, unsigned cnt)
{
	for (; cnt && p->free[cls]; cnt--) {
		struct slab *s = p->free[cls];

		p->free[cls] = s->next;
		p->free_cnt[cls]--;
		p->budget->idle -= slab_size(s);
		free_slab(p, s);
	}
	if (p->low[cls] > p->free_cnt[cls])
		p->low[cls] = p->free_cnt[cls];
}

static size_t free_bytes(const struct slab_pool *p)
{
	size_t sum = 0;

	for (unsigned c = 0; c < SLAB_CLASSES; c++)
		sum += p->free_cnt[c] * class_size(c);
	return sum;
}

static void release_all(struct slab_pool *p)
{
	for (unsigned c = 0; c < SLAB_CLASSES; c++)
		release(p, c, p->free_cnt[c]);
}

void slab_pool_fini(struct slab_pool *p)
{
	release_all(p);
	assert(!p->used);
}

bool slab_pool_scarce(const struct slab_pool *p)
{
	return p->budget->used - free_bytes(p) > p->budget->limit - p->budget->limit / 8;
}

bool slab_pool_scarce_to_send(const struct slab_pool *p)
{
	return p->budget->used - free_bytes(p) > send_limit(p->budget);
}

static struct slab *reuse(struct slab_pool *p, unsigned cls)
{
	struct slab *s = p->free[cls];

	if (!s)
		return NULL;
	p->free[cls] = s->next;
	p->budget->idle -= slab_size(s);
	if (--p->free_cnt[cls] < p->low[cls])
		p->low[cls] = p->free_cnt[cls];
	return s;
}

static struct slab *allocate(struct slab_pool *p, unsigned cls, size_t limit)
{
	size_t size = class_size(cls);
	struct slab *s;

	if (p->budget->used + size > limit) {
		size_t unused = free_bytes(p);

		if (p->budget->used - unused + size > limit) {
			p->budget->refused += cls == SLAB_SMALL || cls == SLAB_NOTES;
			return NULL;
		}
		release_all(p);
	}
	if (!adit_budget_take(p->budget, size))
		return NULL;
	s = aligned_alloc(_Alignof(struct slab), size);
	if (!s) {
		adit_budget_give(p->budget, size);
		return NULL;
	}
	p->used += size;
	s->cls = (uint8_t)cls;
	s->cap = class_len[cls];
	return s;
}

static struct slab *get_class(struct slab_pool *p, unsigned cls, enum use use)
{
	struct slab *s;

	if (use == TO_SEND && sends_enough(p->budget, cls)) {
		p->budget->refused += cls == SLAB_SMALL;
		return NULL;
	}
	s = reuse(p, cls);
	if (!s)
		s = allocate(p, cls, class_limit(p->budget, cls, use));
	if (!s)
		return NULL;
	s->next = NULL;
	s->start = s->end = s->seq = 0;
	s->to_send = use == TO_SEND;
	if (s->to_send)
		p->budget->to_send += slab_size(s);
	return s;
}

static struct slab *get(struct slab_pool *p, size_t want, enum use use)
{
	unsigned cls = SLAB_SMALL;
	struct slab *s;

	while (cls < SLAB_LARGE && want + 160 > class_len[cls])
		cls++;
	while (!(s = get_class(p, cls, use)) && cls > SLAB_SMALL)
		cls--;
	return s;
}

struct slab *slab_get(struct slab_pool *p, size_t want)
{
	return get(p, want, RECEIVED);
}

struct slab *slab_get_to_send(struct slab_pool *p, size_t want)
{
	return get(p, want, TO_SEND);
}

struct slab *slab_get_notes(struct slab_pool *p)
{
	return get_class(p, SLAB_NOTES, RECEIVED);
}

void slab_put(struct slab_pool *p, struct slab *s)
{
	if (s->to_send)
		p->budget->to_send -= slab_size(s);
	/* when little is left others wait for it, and for all that lies here: perhaps those of another pool */
	if (p->budget->used > send_limit(p->budget)) {
		free_slab(p, s);
		release_all(p);
		return;
	}
	s->next = p->free[s->cls];
	p->free[s->cls] = s;
	p->free_cnt[s->cls]++;
	p->budget->idle += slab_size(s);
}

bool slab_pool_trim(struct slab_pool *p)
{
	bool left = false;

	for (unsigned c = 0; c < SLAB_CLASSES; c++) {
		release(p, c, (p->low[c] + 1) / 2);
		p->low[c] = p->free_cnt[c];
		left = left || p->free_cnt[c];
	}
	return left;
}
