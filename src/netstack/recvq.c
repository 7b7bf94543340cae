/* SPDX-License-Identifier: ISC */
/*
 * recvq.c - the bytes of an incoming stream
 *
 * DOC: cells
 *
 * Stored bytes stand in slabs by their sequence numbers: a slab covers
 * [seq, seq + end), its byte for sequence number n is data[n - seq], and what
 * of it is filled follows from read, next and the extents alone. Slabs begin
 * and end at multiples of the smallest slab's size (from an origin chosen when
 * the first is taken), so however a peer cuts and orders its segments, there
 * is never more than one slab for each such cell it sent to.
 */
#include "netstack/recvq.h"

#include <assert.h>
#include <string.h>

#include "base/list.h"
#include "netstack/seq.h"

#define CELL SLAB_SMALL_LEN

enum { RECVQ_FEW = 64 };

_Static_assert(SLAB_MEDIUM_LEN % CELL == 0 && SLAB_LARGE_LEN % CELL == 0, "slabs are whole cells");

struct extent {
	uint32_t from, to;
	uint32_t changed; /* recvq_parts.clock then */
};

struct recvq_parts {
	/* stored */
	struct slab *first, *last, *hint;
	uint32_t origin; /* of cells; valid while there are slabs */
	/* borrowed: [borrowed, borrowed + borrowed_len), inside [read, next] */
	uint32_t borrowed, borrowed_len;
	unsigned iov_first, iov_end;
	/* out of order: sorted, above next, not touching each other */
	unsigned extent_cnt;
	uint32_t clock;
	struct extent *extent; /* few, or in the slab `many` */
	unsigned extent_cap;
	struct slab *many;
	struct extent few[RECVQ_FEW];
	struct iovec iov[RECVQ_BORROWED];
};

_Static_assert(sizeof(struct recvq_parts) <= SLAB_NOTES_LEN, "the parts fit their slab");

/* Where the bytes to be taken stand. */
struct source {
	const struct iovec *iov;
	size_t skip; /* bytes of iov[0] that are taken */
};

/* --- parts and slabs ------------------------------------------------------- */

static bool need_parts(struct recvq *q)
{
	struct slab *s;
	struct recvq_parts *p;

	if (q->parts)
		return true;
	s = slab_get_notes(q->pool);
	if (!s)
		return false;
	p = (struct recvq_parts *)(void *)s->data;
	p->first = p->last = p->hint = NULL;
	p->borrowed_len = p->extent_cnt = p->iov_first = p->iov_end = 0;
	p->clock = 0;
	p->extent = p->few;
	p->extent_cap = RECVQ_FEW;
	p->many = NULL;
	q->parts = p;
	slab_book(q->pool, &q->memory, s);
	return true;
}

static void put_slab(struct recvq *q, struct slab *s)
{
	slab_unbook(q->pool, &q->memory, s);
	if (q->parts->hint == s)
		q->parts->hint = NULL;
	slab_put(q->pool, s);
}

static void pop_first(struct recvq *q)
{
	struct recvq_parts *p = q->parts;
	struct slab *s = p->first;

	p->first = s->next;
	if (!p->first)
		p->last = NULL;
	put_slab(q, s);
}

static void free_parts(struct recvq *q)
{
	struct slab *s = adit_container_of((uint8_t *)q->parts, struct slab, data);

	while (q->parts->first)
		pop_first(q);
	if (q->parts->many)
		put_slab(q, q->parts->many);
	slab_unbook(q->pool, &q->memory, s);
	q->parts = NULL;
	slab_put(q->pool, s);
}

/* An empty queue holds nothing. */
static void release(struct recvq *q)
{
	struct recvq_parts *p = q->parts;

	if (!p)
		return;
	if (q->read == q->next && !p->extent_cnt) {
		free_parts(q);
		return;
	}
	while (p->first && seq_le(p->first->seq + p->first->end, q->read))
		pop_first(q);
}

/* The last slab that begins at or before seq; NULL: none does. */
static struct slab *slab_before(const struct recvq_parts *p, uint32_t seq)
{
	struct slab *s = p->hint;

	if (p->last && seq_le(p->last->seq, seq))
		return p->last;
	if (!s || seq_lt(seq, s->seq))
		s = p->first;
	if (!s || seq_lt(seq, s->seq))
		return NULL;
	while (s->next && seq_le(s->next->seq, seq))
		s = s->next;
	return s;
}

/* The size to ask for where `room` bytes are free: at least half of it can be used. */
static uint32_t fit(uint32_t want, uint32_t room)
{
	if (room < SLAB_MEDIUM_LEN / 2)
		want = CELL;
	else if (room < SLAB_LARGE_LEN / 2 && want > SLAB_MEDIUM_LEN)
		want = SLAB_MEDIUM_LEN;
	return want > 160 ? want - 160 : 0; /* no headroom here */
}

/* A new slab for the cell of seq and those behind it that are free. */
static struct slab *insert_slab(struct recvq *q, struct slab *before, uint32_t seq, uint32_t want)
{
	struct recvq_parts *p = q->parts;
	struct slab *s, *after = before ? before->next : p->first;
	uint32_t offset, room;

	if (p->first && slab_pool_scarce(q->pool))
		return NULL;
	if (!p->first)
		p->origin = seq;
	offset = (seq - p->origin) % CELL;
	room = after ? after->seq - (seq - offset) : UINT32_MAX;
	s = slab_get(q->pool, fit(want + offset, room));
	if (!s)
		return NULL;
	slab_book(q->pool, &q->memory, s);
	s->seq = seq - offset;
	s->end = room < s->cap ? room : s->cap;
	s->next = after;
	if (before)
		before->next = s;
	else
		p->first = s;
	if (!after)
		p->last = s;
	return s;
}

/* The slab that covers seq, which may be a new one. */
static struct slab *slab_for(struct recvq *q, uint32_t seq, uint32_t want)
{
	struct slab *s = slab_before(q->parts, seq);

	if (!s || seq - s->seq >= s->end)
		s = insert_slab(q, s, seq, want);
	q->parts->hint = s;
	return s;
}

/* --- storing --------------------------------------------------------------- */

static void source_read(struct source *src, uint8_t *to, size_t len)
{
	while (len) {
		size_t n = src->iov->iov_len - src->skip;

		if (n > len)
			n = len;
		if (n)
			memcpy(to, (const uint8_t *)src->iov->iov_base + src->skip, n);
		to += n;
		len -= n;
		src->skip += n;
		if (src->skip == src->iov->iov_len) {
			src->iov++;
			src->skip = 0;
		}
	}
}

static void source_skip(struct source *src, size_t len)
{
	src->skip += len;
	while (src->skip && src->skip >= src->iov->iov_len) {
		src->skip -= src->iov->iov_len;
		src->iov++;
	}
}

/* Copies [seq, seq + len) to its place. near: bytes held next to it, a measure
 * of how many will follow. Returns how many there was memory for. */
static uint32_t store(struct recvq *q, uint32_t seq, uint32_t len, uint32_t near, struct source *src)
{
	uint32_t done = 0;

	while (done < len) {
		uint32_t left = len - done, at, n;
		struct slab *s = slab_for(q, seq + done, left > near ? left : near);

		if (!s)
			break;
		at = seq + done - s->seq;
		n = s->end - at < left ? s->end - at : left;
		source_read(src, s->data + at, n);
		done += n;
	}
	return done;
}

/* --- what is out of order --------------------------------------------------- */

/* Index of the first extent that ends at or behind seq. */
static unsigned extent_at(const struct recvq_parts *p, uint32_t seq)
{
	unsigned lo = 0, hi = p->extent_cnt;

	while (lo < hi) {
		unsigned mid = (lo + hi) / 2;

		if (seq_lt(p->extent[mid].to, seq))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Does extent i, the first that ends at or behind a range's start, touch it? */
static bool touches(const struct recvq_parts *p, unsigned i, uint32_t to)
{
	return i < p->extent_cnt && seq_le(p->extent[i].from, to);
}

static void extents_remove(struct recvq_parts *p, unsigned i, unsigned cnt)
{
	memmove(p->extent + i, p->extent + i + cnt, (p->extent_cnt - i - cnt) * sizeof(p->extent[0]));
	p->extent_cnt -= cnt;
}

/* Room for one more: a slow start that overshoots loses every second segment of a window. */
static bool room_for_extent(struct recvq *q)
{
	struct recvq_parts *p = q->parts;
	struct slab *s;

	if (p->extent_cnt < p->extent_cap)
		return true;
	if (p->many)
		return false;
	s = slab_get(q->pool, RECVQ_EXTENTS * sizeof(struct extent));
	if (!s)
		return false;
	if (s->cap <= sizeof(p->few)) { /* memory is short */
		slab_put(q->pool, s);
		return false;
	}
	slab_book(q->pool, &q->memory, s);
	p->many = s;
	p->extent = memcpy(s->data, p->few, sizeof(p->few));
	p->extent_cap = s->cap / sizeof(struct extent) < RECVQ_EXTENTS ? s->cap / (unsigned)sizeof(struct extent) : RECVQ_EXTENTS;
	return true;
}

/* Adds a range that is stored, joined with those it touches. There is room. */
static void extent_add(struct recvq_parts *p, uint32_t from, uint32_t to)
{
	unsigned i = extent_at(p, from), n = 0;

	while (touches(p, i + n, to)) {
		from = seq_min(from, p->extent[i + n].from);
		to = seq_max(to, p->extent[i + n].to);
		n++;
	}
	if (n > 1) {
		extents_remove(p, i + 1, n - 1);
	} else if (!n) {
		assert(p->extent_cnt < p->extent_cap);
		memmove(p->extent + i + 1, p->extent + i, (p->extent_cnt - i) * sizeof(p->extent[0]));
		p->extent_cnt++;
	}
	p->extent[i] = (struct extent){ from, to, ++p->clock };
}

/* next has moved: what it reached is in order now. */
static void absorb(struct recvq *q)
{
	struct recvq_parts *p = q->parts;
	unsigned n = 0;

	while (n < p->extent_cnt && seq_le(p->extent[n].from, q->next)) {
		q->next = seq_max(q->next, p->extent[n].to);
		n++;
	}
	if (n)
		extents_remove(p, 0, n);
}

void recvq_prune(struct recvq *q)
{
	struct recvq_parts *p = q->parts;
	struct slab *last = NULL;

	if (!p)
		return;
	p->extent_cnt = 0;
	while (p->first && seq_le(q->next, p->first->seq))
		pop_first(q);
	if (p->first) {
		last = slab_before(p, q->next - 1);
		while (last->next) {
			struct slab *s = last->next;

			last->next = s->next;
			put_slab(q, s);
		}
		p->last = last;
	}
	release(q);
}

/* --- bytes that arrive --------------------------------------------------------- */

void recvq_init(struct recvq *q, struct slab_pool *pool, uint32_t next)
{
	*q = (struct recvq){ .pool = pool, .read = next, .next = next };
}

void recvq_fini(struct recvq *q)
{
	q->read = q->next;
	if (q->parts)
		free_parts(q);
}

/* Notes iovecs for bytes that follow what is borrowed. False: no room for so many. */
static bool borrow(struct recvq *q, uint32_t len, const struct source *src)
{
	struct recvq_parts *p = q->parts;
	const struct iovec *iov = src->iov;
	size_t skip = src->skip, left = len;
	unsigned end = p->iov_end;

	if (p->borrowed_len && p->borrowed + p->borrowed_len != q->next)
		return false;
	if (!p->borrowed_len) {
		p->borrowed = q->next;
		p->iov_first = end = 0;
	}
	for (; left; iov++, skip = 0) {
		size_t n = iov->iov_len - skip;

		if (!n)
			continue;
		if (end == RECVQ_BORROWED)
			return false;
		if (n > left)
			n = left;
		p->iov[end++] = (struct iovec){ (uint8_t *)iov->iov_base + skip, n };
		left -= n;
	}
	p->iov_end = end;
	p->borrowed_len += len;
	return true;
}

/* What of [from, to) is in extent i: the first of it is what a DSACK reports. */
static void note_dup(const struct recvq_parts *p, unsigned i, uint32_t from, uint32_t to, struct recvq_added *ret)
{
	if (i < p->extent_cnt && p->extent[i].to == from)
		i++;
	if (!touches(p, i, to) || ret->dup.from != ret->dup.to)
		return;
	from = seq_max(from, p->extent[i].from);
	to = seq_min(to, p->extent[i].to);
	if (seq_lt(from, to))
		ret->dup = (struct recvq_range){ from, to };
}

/* In order bytes: borrowed if possible, else stored. */
static void add_next(struct recvq *q, uint32_t len, struct source *src, struct recvq_added *ret)
{
	uint32_t before = q->next, done = len;

	ret->filled = q->parts->extent_cnt > 0;
	note_dup(q->parts, 0, q->next, q->next + len, ret);
	if (ret->filled || !borrow(q, len, src)) {
		done = store(q, q->next, len, recvq_readable(q), src);
		if (done < len && q->parts->extent_cnt) { /* these come first */
			uint32_t rest;

			q->next += done;
			recvq_prune(q);
			rest = need_parts(q) ? store(q, q->next, len - done, recvq_readable(q), src) : 0;
			q->next -= done;
			done += rest;
			ret->refused = true;
		}
	}
	q->next += done;
	ret->refused = ret->refused || done < len;
	if (q->parts)
		absorb(q);
	ret->advanced = q->next - before;
}

/* Bytes behind a hole. */
static void add_beyond(struct recvq *q, uint32_t seq, uint32_t len, struct source *src, struct recvq_added *ret)
{
	struct recvq_parts *p = q->parts;
	unsigned i = extent_at(p, seq);
	uint32_t near = 0, done;

	note_dup(p, i, seq, seq + len, ret);
	if (touches(p, i, seq + len)) {
		near = p->extent[i].to - p->extent[i].from;
	} else if (!room_for_extent(q)) {
		ret->refused = true;
		return;
	}
	done = store(q, seq, len, near, src);
	ret->refused = done < len;
	/* when it is cut short it may no longer reach the extent that made it welcome */
	if (!done || (p->extent_cnt == p->extent_cap && !touches(p, i, seq + done)))
		return;
	extent_add(p, seq, seq + done);
}

void recvq_add(struct recvq *q, uint32_t seq, uint32_t len, const struct iovec *iov, int cnt, size_t skip,
	       struct recvq_added *ret)
{
	struct source src = { iov, 0 };
	uint32_t known = seq_lt(seq, q->next) ? q->next - seq : 0;

	(void)cnt;
	*ret = (struct recvq_added){ 0 };
	if (known > len)
		known = len;
	if (known)
		ret->dup = (struct recvq_range){ seq, seq + known };
	if (known < len && !need_parts(q)) {
		ret->refused = true;
	} else if (known < len) {
		source_skip(&src, skip + known);
		if (seq + known == q->next)
			add_next(q, len - known, &src, ret);
		else
			add_beyond(q, seq, len, &src, ret);
	}
	ret->out_of_order = q->parts && q->parts->extent_cnt;
	release(q);
}

/* Stores what is borrowed; returns how much of it. */
static uint32_t store_borrowed(struct recvq *q)
{
	struct recvq_parts *p = q->parts;
	struct source src = { p->iov + p->iov_first, 0 };
	uint32_t len = p->borrowed_len, near = p->borrowed - q->read, done;

	done = store(q, p->borrowed, len, near, &src);
	if (done < len && p->extent_cnt) { /* what is acknowledged next is worth more */
		recvq_prune(q);
		done += store(q, p->borrowed + done, len - done, near, &src);
	}
	return done;
}

uint32_t recvq_settle(struct recvq *q)
{
	struct recvq_parts *p = q->parts;
	uint32_t old = q->next, end, done;

	if (!p || !p->borrowed_len)
		return 0;
	done = store_borrowed(q);
	end = p->borrowed + p->borrowed_len;
	if (done < p->borrowed_len) {
		q->next = p->borrowed + done;
		/* stored behind what is forgotten; there were no extents, or they were pruned */
		if (end != old && q->next != old)
			extent_add(p, end, old);
	}
	p->borrowed_len = 0;
	release(q);
	return old - q->next;
}

/* --- bytes that are read ---------------------------------------------------------- */

/* Iovecs of what is borrowed, from its start on. */
static int peek_borrowed(const struct recvq_parts *p, struct iovec *iov, int max)
{
	int n = 0;

	for (unsigned i = p->iov_first; i < p->iov_end && n < max; i++)
		iov[n++] = p->iov[i];
	return n;
}

/* Iovecs of stored bytes [from, to). */
static int peek_stored(const struct recvq_parts *p, uint32_t from, uint32_t to, struct iovec *iov, int max)
{
	struct slab *s;
	int n = 0;

	for (s = from == to ? NULL : slab_before(p, from); s && from != to && n < max; s = s->next) {
		uint32_t at = from - s->seq, len = s->end - at;

		if (len > to - from)
			len = to - from;
		iov[n++] = (struct iovec){ s->data + at, len };
		from += len;
	}
	return n;
}

int recvq_peek(const struct recvq *q, struct iovec *iov, int max)
{
	const struct recvq_parts *p = q->parts;
	int n;

	if (!p || q->read == q->next)
		return 0;
	if (!p->borrowed_len)
		return peek_stored(p, q->read, q->next, iov, max);
	n = peek_stored(p, q->read, p->borrowed, iov, max);
	if (n < max)
		n += peek_borrowed(p, iov + n, max - n);
	if (n < max)
		n += peek_stored(p, p->borrowed + p->borrowed_len, q->next, iov + n, max - n);
	return n;
}

/* Drops the first len borrowed bytes. */
static void consume_borrowed(struct recvq_parts *p, uint32_t len)
{
	p->borrowed += len;
	p->borrowed_len -= len;
	while (len) {
		struct iovec *v = &p->iov[p->iov_first];
		size_t n = v->iov_len < len ? v->iov_len : len;

		v->iov_base = (uint8_t *)v->iov_base + n;
		v->iov_len -= n;
		len -= (uint32_t)n;
		if (!v->iov_len)
			p->iov_first++;
	}
}

void recvq_consume(struct recvq *q, uint32_t len)
{
	struct recvq_parts *p = q->parts;

	assert(len <= recvq_readable(q));
	q->read += len;
	if (p && p->borrowed_len && seq_lt(p->borrowed, q->read)) {
		uint32_t gone = q->read - p->borrowed;

		consume_borrowed(p, gone < p->borrowed_len ? gone : p->borrowed_len);
	}
	release(q);
}

/* --- facts --------------------------------------------------------------------------- */

uint32_t recvq_end(const struct recvq *q)
{
	const struct recvq_parts *p = q->parts;

	return p && p->extent_cnt ? p->extent[p->extent_cnt - 1].to : q->next;
}

unsigned recvq_sack(const struct recvq *q, struct recvq_range *ret, unsigned max)
{
	const struct recvq_parts *p = q->parts;
	uint32_t below = 0; /* age of the last one given */
	unsigned n = 0;

	if (!p)
		return 0;
	for (; n < max && n < p->extent_cnt; n++) {
		const struct extent *best = NULL;

		for (unsigned i = 0; i < p->extent_cnt; i++) {
			const struct extent *e = &p->extent[i];

			if ((!n || p->clock - e->changed > below) && (!best || seq_lt(best->changed, e->changed)))
				best = e;
		}
		if (!best)
			break;
		below = p->clock - best->changed;
		ret[n] = (struct recvq_range){ best->from, best->to };
	}
	return n;
}
