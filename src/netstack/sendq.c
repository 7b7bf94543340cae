/* SPDX-License-Identifier: ISC */
/* sendq.c - the bytes of an outgoing stream, in slabs that segments are sent from */
#include "netstack/sendq.h"

#include <assert.h>
#include <string.h>

/* Below so much room at the end of the last slab a larger write starts a new one. */
#define ROOM_MIN 1024

static uint32_t slab_len(const struct slab *s)
{
	return s->end - s->start;
}

/* Bytes of the stream in front of a slab. */
static uint32_t slab_offset(const struct sendq *q, const struct slab *s)
{
	return s->seq - q->una;
}

void sendq_init(struct sendq *q, struct slab_pool *pool, uint32_t seq)
{
	*q = (struct sendq){ .pool = pool, .una = seq };
}

static void put(struct sendq *q, struct slab *s)
{
	slab_unbook(q->pool, &q->memory, s);
	if (q->hint == s)
		q->hint = NULL;
	slab_put(q->pool, s);
}

static void pop_first(struct sendq *q)
{
	struct slab *s = q->first;

	q->first = s->next;
	if (!q->first)
		q->last = NULL;
	put(q, s);
}

/* Takes out a slab that is not the first. */
static void unlink_after(struct sendq *q, struct slab *prev)
{
	struct slab *s = prev->next;

	prev->next = s->next;
	if (q->last == s)
		q->last = prev;
	put(q, s);
}

void sendq_fini(struct sendq *q)
{
	while (q->first)
		pop_first(q);
	q->len = 0;
}

/* --- writing -------------------------------------------------------------- */

/*
 * Where the first byte of a slab stands. Nothing can move into the first one;
 * the others keep room for the end of a segment that begins in the slab
 * before, of a size that leaves most of the slab for its own bytes.
 */
static uint32_t first_start(const struct sendq *q, const struct slab *s)
{
	static const uint32_t moved[SLAB_CLASSES] = {
		[SLAB_SMALL] = 512,
		[SLAB_MEDIUM] = 1888,
		[SLAB_LARGE] = SLAB_LARGE_LEN - 65536 - SENDQ_HEADROOM,
	};

	return SENDQ_HEADROOM + (q->first ? moved[s->cls] : 0);
}

/* Adds a slab at the end. Larger where much waits already: the writer goes on. */
static bool grow(struct sendq *q, size_t want)
{
	const struct adit_budget *b = q->pool->budget;
	struct slab *s;

	if (q->first && slab_pool_scarce_to_send(q->pool))
		return false;
	if (want < q->len && b->used < b->limit / 2)
		want = q->len;
	s = slab_get_to_send(q->pool, want);
	if (!s)
		return false;
	s->start = s->end = first_start(q, s);
	s->seq = q->una + q->len;
	slab_book(q->pool, &q->memory, s);
	if (q->last)
		q->last->next = s;
	else
		q->first = s;
	q->last = s;
	return true;
}

uint8_t *sendq_reserve(struct sendq *q, size_t want, size_t *room)
{
	uint32_t left = q->last ? q->last->cap - q->last->end : 0;
	bool empty = q->last && !slab_len(q->last);

	if (!left || (left < want && left < ROOM_MIN && !empty))
		grow(q, want);
	if (!q->last || q->last->end == q->last->cap)
		return NULL;
	*room = q->last->cap - q->last->end;
	return q->last->data + q->last->end;
}

void sendq_commit(struct sendq *q, size_t len)
{
	assert(!len || (q->last && len <= q->last->cap - q->last->end));
	if (!len)
		return;
	q->last->end += (uint32_t)len;
	q->len += (uint32_t)len;
}

void sendq_cancel(struct sendq *q)
{
	struct slab *prev = q->first;

	if (!q->last || slab_len(q->last))
		return;
	if (q->first == q->last) {
		pop_first(q);
		return;
	}
	while (prev->next != q->last)
		prev = prev->next;
	unlink_after(q, prev);
}

void sendq_ack(struct sendq *q, uint32_t una)
{
	uint32_t left = una - q->una;

	assert(left <= q->len);
	q->una = una;
	q->len -= left;
	while (left && left >= slab_len(q->first)) {
		left -= slab_len(q->first);
		pop_first(q);
	}
	if (left) {
		q->first->start += left;
		q->first->seq += left;
	}
	if (!q->len)
		sendq_cancel(q);
}

/* --- reading -------------------------------------------------------------- */

/* The slab that holds the byte at `offset` into the stream. */
static struct slab *find(struct sendq *q, uint32_t offset)
{
	struct slab *s = q->hint;

	if (!s || slab_offset(q, s) > offset)
		s = q->first;
	while (offset - slab_offset(q, s) >= slab_len(s))
		s = s->next;
	q->hint = s;
	return s;
}

/* Moves the last `len` bytes of a slab in front of those of the next one. */
static bool move(struct sendq *q, struct slab *s, uint32_t len)
{
	struct slab *next = s->next, *prev = q->first;

	if (next->start < SENDQ_HEADROOM + len)
		return false;
	next->start -= len;
	next->seq -= len;
	s->end -= len;
	memcpy(next->data + next->start, s->data + s->end, len);
	q->hint = next;
	if (slab_len(s))
		return true;
	if (s == prev) {
		pop_first(q);
		return true;
	}
	while (prev->next != s)
		prev = prev->next;
	unlink_after(q, prev);
	return true;
}

uint8_t *sendq_at(struct sendq *q, uint32_t seq, uint32_t want, uint32_t mss, uint32_t *len)
{
	uint32_t offset = seq - q->una, avail;
	struct slab *s;

	assert(offset < q->len && want && mss);
	s = find(q, offset);
	for (;;) {
		avail = slab_len(s) - (offset - slab_offset(q, s));
		if (avail >= want || avail >= q->len - offset)
			break;
		if (avail >= mss) {
			avail -= avail % mss;
			break;
		}
		if (!move(q, s, avail))
			break;
		s = q->hint;
	}
	*len = avail < want ? avail : want;
	return s->data + s->start + (offset - slab_offset(q, s));
}
