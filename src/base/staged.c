/* SPDX-License-Identifier: ISC */
/* staged.c - packets that wait for a session */
#include "base/staged.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/super.h"

struct adit_staged_block {
	struct adit_staged_block *next;
	uint32_t size; /* of this block, for the ceiling */
	uint32_t pos;  /* in data, of packet `first` */
	uint16_t first, cnt;
	uint8_t tos;
	uint8_t *data; /* the packets, one behind another */
	uint16_t len[];
};

static void show_dropped(const struct adit_staging *all, const struct adit_staged_block *b, enum adit_drop drop)
{
	const uint8_t *packet = b->data + b->pos;

	for (unsigned k = b->first; k < (unsigned)b->first + b->cnt; k++) {
		all->dropped(all->user, true, drop, packet, b->len[k]);
		packet += b->len[k];
	}
}

/* Returns how many packets it had. */
static unsigned drop_oldest(struct adit_staging *all, struct adit_staged *s, enum adit_drop drop)
{
	struct adit_staged_block *b = s->first;
	unsigned cnt = b->cnt;

	if (drop && all->dropped)
		show_dropped(all, b, drop);
	s->first = b->next;
	s->cnt -= cnt;
	all->bytes -= b->size;
	free(b);
	return cnt;
}

unsigned adit_staged_flush(struct adit_staging *all, struct adit_staged *s, enum adit_drop drop)
{
	unsigned cnt = 0;

	while (s->first)
		cnt += drop_oldest(all, s, drop);
	return cnt;
}

static uint32_t packet_len(const struct adit_train *t, unsigned k)
{
	return t->super ? adit_super_segment_len(t->super, t->super_first + k) : t->len[k];
}

/* With room for the train; older ones make way. */
static struct adit_staged_block *new_block(struct adit_staging *all, struct adit_staged *s, const struct adit_train *t,
					   unsigned *dropped)
{
	size_t head = sizeof(struct adit_staged_block) + t->cnt * sizeof(uint16_t), size = head;
	struct adit_staged_block *b;

	for (unsigned k = 0; k < t->cnt; k++)
		size += packet_len(t, k);
	while (s->first && (s->cnt + t->cnt > ADIT_STAGED_MAX || all->bytes + size > ADIT_STAGED_BYTES_MAX))
		*dropped += drop_oldest(all, s, ADIT_DROP_staged_full);
	if (all->bytes + size > ADIT_STAGED_BYTES_MAX)
		return NULL;
	b = malloc(size);
	if (!b)
		return NULL;
	*b = (struct adit_staged_block){ .size = (uint32_t)size, .cnt = t->cnt, .data = (uint8_t *)b + head };
	return b;
}

static void copy_packets(struct adit_staged_block *b, const struct adit_train *t, size_t head)
{
	uint8_t *to = b->data;

	for (unsigned k = 0; k < t->cnt; k++) {
		const uint8_t *from = t->super ? adit_super_segment(t->super, t->super_first + k)
					       : t->wire + (size_t)k * t->stride + head;

		b->len[k] = (uint16_t)packet_len(t, k);
		memcpy(to, from, b->len[k]);
		to += b->len[k];
	}
}

int adit_staged_add(struct adit_staging *all, struct adit_staged *s, struct adit_train *t, uint8_t tos,
		    unsigned *dropped)
{
	struct adit_staged_block *b;

	*dropped = 0;
	b = new_block(all, s, t, dropped);
	if (!b) {
		*dropped += t->cnt;
		return -ENOBUFS;
	}
	b->tos = tos;
	copy_packets(b, t, all->head);
	if (s->first)
		s->last->next = b;
	else
		s->first = b;
	s->last = b;
	s->cnt += b->cnt;
	all->bytes += b->size;
	return 0;
}

/* Takes the first packet, of len bytes, out of the first block. */
static void advance(struct adit_staging *all, struct adit_staged *s, uint16_t len)
{
	struct adit_staged_block *b = s->first;

	b->first++;
	b->pos += len;
	b->cnt--;
	s->cnt--;
	if (b->cnt == 0)
		drop_oldest(all, s, ADIT_DROP_NONE);
}

void adit_staged_take(struct adit_staging *all, struct adit_staged *s, struct adit_train *t, size_t cap)
{
	size_t used = 0;

	if (cap > ADIT_WIRE_MAX)
		cap = ADIT_WIRE_MAX;
	t->cnt = 0;
	t->super = NULL;
	t->tos = s->first->tos;
	while (s->first && t->cnt < ADIT_TRAIN_MAX && s->first->tos == t->tos) {
		struct adit_staged_block *b = s->first;
		uint16_t len = b->len[b->first];
		uint32_t wire_len = (uint32_t)all->wire_len(all->core, len);

		if (t->cnt == 0)
			t->stride = wire_len;
		else if (t->last_len != t->stride || wire_len > t->stride || used + wire_len > cap)
			break;
		memcpy(t->wire + used + all->head, b->data + b->pos, len);
		t->len[t->cnt++] = len;
		t->last_len = wire_len;
		used += wire_len;
		advance(all, s, len);
	}
}
