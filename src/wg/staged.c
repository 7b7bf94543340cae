/* SPDX-License-Identifier: ISC */
/* staged.c - packets that wait for a session */
#include "wg/staged.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/super.h"
#include "wg/device.h"

static void drop_oldest(struct adit_wg *wg, struct adit_wg_peer *peer, enum adit_drop drop)
{
	struct wg_staged *b = peer->staged;

	peer->staged = b->next;
	if (!peer->staged)
		peer->staged_tail = &peer->staged;
	peer->staged_cnt -= b->cnt;
	wg->staged_bytes -= b->size;
	if (drop)
		wg_drop(wg, drop, b->cnt);
	free(b);
}

void wg_staged_flush(struct adit_wg *wg, struct adit_wg_peer *peer, enum adit_drop drop)
{
	while (peer->staged)
		drop_oldest(wg, peer, drop);
	adit_list_del(&peer->ready_link);
}

static uint32_t packet_len(const struct adit_train *t, unsigned k)
{
	return t->super ? adit_super_segment_len(t->super, t->super_first + k) : t->len[k];
}

static void copy_packets(struct wg_staged *b, struct adit_train *t)
{
	uint8_t *to = b->data;

	for (unsigned k = 0; k < t->cnt; k++) {
		const uint8_t *from = t->super ? adit_super_segment(t->super, t->super_first + k)
					       : t->wire + (size_t)k * t->stride + ADIT_WG_HEAD;

		b->len[k] = (uint16_t)packet_len(t, k);
		memcpy(to, from, b->len[k]);
		to += b->len[k];
	}
}

int wg_staged_add(struct adit_wg *wg, struct adit_wg_peer *peer, struct adit_train *t, uint8_t tos)
{
	size_t head = sizeof(struct wg_staged) + t->cnt * sizeof(uint16_t), size = head;
	struct wg_staged *b = NULL;

	for (unsigned k = 0; k < t->cnt; k++)
		size += packet_len(t, k);
	while (peer->staged && (peer->staged_cnt + t->cnt > WG_STAGED_MAX ||
				wg->staged_bytes + size > WG_STAGED_BYTES_MAX))
		drop_oldest(wg, peer, ADIT_DROP_staged_full);
	if (wg->staged_bytes + size <= WG_STAGED_BYTES_MAX)
		b = malloc(size);
	if (!b) {
		wg_drop(wg, ADIT_DROP_staged_full, t->cnt);
		return -ENOBUFS;
	}
	b->next = NULL;
	b->size = (uint32_t)size;
	b->pos = 0;
	b->first = 0;
	b->cnt = t->cnt;
	b->tos = tos;
	b->data = (uint8_t *)b + head;
	copy_packets(b, t);
	*peer->staged_tail = b;
	peer->staged_tail = &b->next;
	peer->staged_cnt += b->cnt;
	wg->staged_bytes += size;
	return 0;
}

/* Takes the first packet, of len bytes, out of the first block. */
static void advance(struct adit_wg *wg, struct adit_wg_peer *peer, uint16_t len)
{
	struct wg_staged *b = peer->staged;

	b->first++;
	b->pos += len;
	b->cnt--;
	peer->staged_cnt--;
	if (b->cnt == 0)
		drop_oldest(wg, peer, ADIT_DROP_NONE);
}

void wg_staged_take(struct adit_wg *wg, struct adit_wg_peer *peer, struct adit_train *t, size_t cap)
{
	size_t used = 0;

	if (cap > ADIT_WIRE_MAX)
		cap = ADIT_WIRE_MAX;
	t->cnt = 0;
	t->super = NULL;
	t->tos = peer->staged->tos;
	while (peer->staged && t->cnt < ADIT_TRAIN_MAX && peer->staged->tos == t->tos) {
		struct wg_staged *b = peer->staged;
		uint16_t len = b->len[b->first];
		uint32_t wire_len = (uint32_t)(wg_padded_len(wg->mtu, len) + ADIT_WG_OVERHEAD);

		if (t->cnt == 0)
			t->stride = wire_len;
		else if (t->last_len != t->stride || wire_len > t->stride || used + wire_len > cap)
			break;
		memcpy(t->wire + used + ADIT_WG_HEAD, b->data + b->pos, len);
		t->len[t->cnt++] = len;
		t->last_len = wire_len;
		used += wire_len;
		advance(wg, peer, len);
	}
}
