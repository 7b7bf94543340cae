/* SPDX-License-Identifier: ISC */
/* staged.c - packets that wait for a session. A train is kept as one block of plain packets. */
#include <errno.h>
#include <stdlib.h>

#include "base/super.h"
#include "static/device.h"

struct static_staged {
	struct static_staged *next;
	uint32_t size; /* of this block, for the ceiling */
	uint32_t pos;  /* in data, of packet `first` */
	uint16_t first, cnt;
	uint8_t tos;
	uint8_t *data; /* the packets, one behind another */
	uint16_t len[];
};

static void drop_oldest(struct adit_static *st, struct adit_static_peer *peer, enum adit_drop drop)
{
	struct static_staged *b = peer->staged;

	peer->staged = b->next;
	if (!peer->staged)
		peer->staged_tail = &peer->staged;
	peer->staged_cnt -= b->cnt;
	st->staged_bytes -= b->size;
	if (drop)
		static_drop(st, drop, b->cnt);
	free(b);
}

void static_staged_flush(struct adit_static *st, struct adit_static_peer *peer, enum adit_drop drop)
{
	while (peer->staged)
		drop_oldest(st, peer, drop);
	adit_list_del(&peer->ready_link);
}

void static_staged_ready(struct adit_static *st, struct adit_static_peer *peer)
{
	if (adit_list_empty(&peer->ready_link))
		adit_list_add_tail(&st->ready, &peer->ready_link);
}

static uint32_t packet_len(const struct adit_train *t, unsigned k)
{
	return t->super ? adit_super_segment_len(t->super, t->super_first + k) : t->len[k];
}

/* A block with room for the train; older ones make way. */
static struct static_staged *block(struct adit_static *st, struct adit_static_peer *peer, const struct adit_train *t)
{
	size_t head = sizeof(struct static_staged) + t->cnt * sizeof(uint16_t), size = head;
	struct static_staged *b;

	for (unsigned k = 0; k < t->cnt; k++)
		size += packet_len(t, k);
	while (peer->staged && (peer->staged_cnt + t->cnt > STATIC_STAGED_MAX ||
				st->staged_bytes + size > STATIC_STAGED_BYTES_MAX))
		drop_oldest(st, peer, ADIT_DROP_staged_full);
	if (st->staged_bytes + size > STATIC_STAGED_BYTES_MAX)
		return NULL;
	b = malloc(size);
	if (!b)
		return NULL;
	b->next = NULL;
	b->size = (uint32_t)size;
	b->pos = 0;
	b->first = 0;
	b->cnt = t->cnt;
	b->data = (uint8_t *)b + head;
	return b;
}

int static_staged_add(struct adit_static *st, struct adit_static_peer *peer, struct adit_train *t, uint8_t tos)
{
	struct static_staged *b = block(st, peer, t);
	uint8_t *to;

	if (!b) {
		static_drop(st, ADIT_DROP_staged_full, t->cnt);
		return -ENOBUFS;
	}
	to = b->data;
	for (unsigned k = 0; k < t->cnt; k++) {
		const uint8_t *from = t->super ? adit_super_segment(t->super, t->super_first + k)
					       : t->wire + (size_t)k * t->stride + static_head(st);

		b->len[k] = (uint16_t)packet_len(t, k);
		memcpy(to, from, b->len[k]);
		to += b->len[k];
	}
	b->tos = tos;
	*peer->staged_tail = b;
	peer->staged_tail = &b->next;
	peer->staged_cnt += b->cnt;
	st->staged_bytes += b->size;
	return 0;
}

/* Takes the first packet, of len bytes, out of the first block. */
static void advance(struct adit_static *st, struct adit_static_peer *peer, uint16_t len)
{
	struct static_staged *b = peer->staged;

	b->first++;
	b->pos += len;
	b->cnt--;
	peer->staged_cnt--;
	if (b->cnt == 0)
		drop_oldest(st, peer, ADIT_DROP_NONE);
}

void static_staged_take(struct adit_static *st, struct adit_static_peer *peer, struct adit_train *t, size_t cap)
{
	size_t used = 0;

	if (cap > ADIT_WIRE_MAX)
		cap = ADIT_WIRE_MAX;
	t->cnt = 0;
	t->super = NULL;
	t->tos = peer->staged->tos;
	while (peer->staged && t->cnt < ADIT_TRAIN_MAX && peer->staged->tos == t->tos) {
		struct static_staged *b = peer->staged;
		uint16_t len = b->len[b->first];
		uint32_t wire_len = (uint32_t)adit_static_wire_len(st, len);

		if (t->cnt == 0)
			t->stride = wire_len;
		else if (t->last_len != t->stride || wire_len > t->stride || used + wire_len > cap)
			break;
		memcpy(t->wire + used + static_head(st), b->data + b->pos, len);
		t->len[t->cnt++] = len;
		t->last_len = wire_len;
		used += wire_len;
		advance(st, peer, len);
	}
}
