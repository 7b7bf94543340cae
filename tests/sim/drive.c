/* SPDX-License-Identifier: ISC */
/* drive.c - see drive.h. Buffers are exactly as large as the contract asks, so that ASan sees every step past them. */
#include "drive.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define TICKS_MAX 100000 /* calls of tick in one turn before we say that it spins */
#define PENDING_MAX 64   /* trains between begin and done */

struct drive_buf {
	unsigned refs;
	uint8_t *bytes;
};

struct drive_pending {
	struct drive_pending *next;
	struct drive_buf *buf;
	bool out;
	struct adit_train t;
};

static struct drive_buf *buf_new(size_t len)
{
	struct drive_buf *b = malloc(sizeof(*b));

	assert(b);
	b->bytes = malloc(len ? len : 1);
	assert(b->bytes);
	b->refs = 1;
	return b;
}

static void buf_put(struct drive_buf *b)
{
	if (--b->refs > 0)
		return;
	free(b->bytes);
	free(b);
}

void drive_init(struct drive *d, const struct adit_core *face, void *core, struct adit_crypto *crypto,
		const struct drive_ops *ops, void *user, uint64_t seed)
{
	memset(d, 0, sizeof(*d));
	d->face = face;
	d->core = core;
	d->crypto = crypto;
	d->ops = ops;
	d->user = user;
	d->rng.state = seed;
	d->tail = &d->head;
}

void drive_fini(struct drive *d)
{
	while (d->head) {
		struct drive_pending *p = d->head;

		d->head = p->next;
		buf_put(p->buf);
		free(p);
	}
	if (d->spare)
		buf_put(d->spare);
	d->spare = NULL;
}

static void run(struct drive *d, struct drive_pending *p)
{
	if (p->out)
		d->face->seal(d->crypto, &p->t);
	else
		d->face->open(d->crypto, &p->t);
}

static void finish(struct drive *d, struct drive_pending *p, adit_time now)
{
	struct adit_train *t = &p->t;

	if (p->out) {
		d->face->out_done(d->core, t, now);
		for (unsigned k = 0; k < t->cnt; k++)
			d->ops->emit(d->user, &t->path, t->wire + (size_t)k * t->stride,
				     adit_train_datagram_len(t, k), t->tos);
	} else {
		d->face->in_done(d->core, t, now);
		for (unsigned k = 0; k < t->cnt; k++) {
			if (t->len[k] > 0)
				d->ops->deliver(d->user, t->wire + (size_t)k * t->stride + d->face->head, t->len[k],
						t->tos);
		}
	}
	buf_put(p->buf);
	free(p);
}

void drive_finish(struct drive *d, adit_time now)
{
	struct drive_pending *order[PENDING_MAX];
	unsigned cnt = 0;

	for (struct drive_pending *p = d->head; p; p = p->next)
		order[cnt++] = p;
	for (unsigned left = cnt; left > 0; left--) {
		unsigned k = (unsigned)rng_below(&d->rng, left);

		run(d, order[k]);
		order[k] = order[left - 1];
	}
	while (d->head) {
		struct drive_pending *p = d->head;

		d->head = p->next;
		if (!d->head)
			d->tail = &d->head;
		d->pending--;
		finish(d, p, now);
	}
}

/* Takes a begun train: through to the end, or to the queue. */
static void begun(struct drive *d, const struct adit_train *t, struct drive_buf *buf, bool out, adit_time now)
{
	struct drive_pending *p = malloc(sizeof(*p));

	assert(p);
	p->next = NULL;
	p->buf = buf;
	buf->refs++;
	p->out = out;
	p->t = *t;
	if (!d->interleave) {
		run(d, p);
		finish(d, p, now);
		return;
	}
	*d->tail = p;
	d->tail = &p->next;
	if (++d->pending == PENDING_MAX)
		drive_finish(d, now);
}

static unsigned ecn(const uint8_t *p)
{
	return p[0] >> 4 == 6 ? p[1] >> 4 & 3 : p[1] & 3;
}

static bool same_way(const struct drive_packet *a, const struct drive_packet *b)
{
	size_t off = a->p[0] >> 4 == 6 ? 24 : 16, len = a->p[0] >> 4 == 6 ? 16 : 4;

	return a->p[0] >> 4 == b->p[0] >> 4 && ecn(a->p) == ecn(b->p) && a->len >= off + len && b->len >= off + len &&
	       !memcmp(a->p + off, b->p + off, len);
}

/* How many of the packets fit into one train: the same way, and equally long on the wire but the last. */
static unsigned train_cut(const struct drive *d, const struct drive_packet *packets, size_t cnt)
{
	size_t stride = d->face->wire_len(d->core, packets[0].len);
	unsigned n = 1;

	while (n < cnt && n < ADIT_TRAIN_MAX && (n + 1) * stride <= ADIT_WIRE_MAX) {
		size_t len = d->face->wire_len(d->core, packets[n].len);

		if (len > stride || !same_way(&packets[0], &packets[n]))
			break;
		n++;
		if (len < stride)
			break;
	}
	return n;
}

void drive_out(struct drive *d, const struct drive_packet *packets, size_t cnt, adit_time now)
{
	while (cnt > 0) {
		struct adit_train t = { 0 };
		unsigned n = train_cut(d, packets, cnt);
		struct drive_buf *buf;

		t.cnt = (uint16_t)n;
		t.stride = (uint32_t)d->face->wire_len(d->core, packets[0].len);
		t.last_len = (uint32_t)d->face->wire_len(d->core, packets[n - 1].len);
		buf = buf_new(adit_train_bytes(&t));
		memset(buf->bytes, 0xa5, adit_train_bytes(&t)); /* padding must be zeroed by the core */
		t.wire = buf->bytes;
		for (unsigned k = 0; k < n; k++) {
			t.len[k] = (uint16_t)packets[k].len;
			memcpy(t.wire + (size_t)k * t.stride + d->face->head, packets[k].p, packets[k].len);
		}
		if (d->face->out_begin(d->core, &t, now) == ADIT_SEAL)
			begun(d, &t, buf, true, now);
		else if (t.drop)
			d->refused[t.drop]++;
		buf_put(buf);
		packets += n;
		cnt -= n;
	}
}

void drive_out_super(struct drive *d, struct adit_super *super, adit_time now)
{
	unsigned first = 0;

	drive_finish(d, now); /* its trains share one buffer: they must be sealed in order */
	while (first < super->cnt) {
		struct adit_train t = { .super = super, .super_first = (uint16_t)first };
		unsigned n = super->cnt - first;
		struct drive_buf *buf;
		bool interleave = d->interleave;

		t.stride = (uint32_t)d->face->wire_len(d->core, adit_super_segment_len(super, first));
		if (n > ADIT_TRAIN_MAX)
			n = ADIT_TRAIN_MAX;
		if (n > ADIT_WIRE_MAX / t.stride)
			n = ADIT_WIRE_MAX / t.stride;
		t.cnt = (uint16_t)n;
		for (unsigned k = 0; k < n; k++)
			t.len[k] = (uint16_t)adit_super_segment_len(super, first + k);
		t.last_len = (uint32_t)d->face->wire_len(d->core, t.len[n - 1]);
		buf = buf_new(adit_train_bytes(&t));
		t.wire = buf->bytes;
		d->interleave = false;
		if (d->face->out_begin(d->core, &t, now) == ADIT_SEAL)
			begun(d, &t, buf, true, now);
		else if (t.drop)
			d->refused[t.drop]++;
		d->interleave = interleave;
		buf_put(buf);
		first += n;
	}
}

void drive_in(struct drive *d, const uint8_t *bytes, size_t len, size_t stride, const struct adit_path *from,
	      uint8_t tos, adit_time now)
{
	struct drive_buf *buf = buf_new(len);
	struct adit_train t = { 0 };

	memcpy(buf->bytes, bytes, len);
	memset(t.len, 0xff, sizeof(t.len)); /* done must write each */
	adit_train_in(&t, buf->bytes, (uint32_t)len, (uint32_t)stride, from, tos);
	while (d->face->in_begin(d->core, &t, now) == ADIT_OPEN)
		begun(d, &t, buf, false, now);
	buf_put(buf);
}

void drive_staged(struct drive *d, adit_time now)
{
	for (;;) {
		struct adit_train t = { 0 };
		struct drive_buf *buf = d->spare ? d->spare : buf_new(ADIT_WIRE_MAX);

		d->spare = NULL;
		if (d->face->staged_next(d->core, &t, buf->bytes, ADIT_WIRE_MAX, now) != ADIT_SEAL) {
			d->spare = buf;
			return;
		}
		begun(d, &t, buf, true, now);
		buf_put(buf);
	}
}

int drive_turn(struct drive *d, int work_max, adit_time now)
{
	int waiting = d->face->work(d->core, work_max, now), ticks = 0;

	while (d->face->deadline(d->core) <= now) {
		d->face->tick(d->core, now);
		if (++ticks == TICKS_MAX)
			abort(); /* the deadline never moves past now */
	}
	drive_staged(d, now);
	return waiting;
}
