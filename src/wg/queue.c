/* SPDX-License-Identifier: ISC */
/* queue.c - bounded FIFO of handshake messages */
#include "wg/queue.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void wg_queue_init(struct wg_queue *q, unsigned max)
{
	memset(q, 0, sizeof(*q));
	q->max = max;
}

void wg_queue_fini(struct wg_queue *q)
{
	while (q->cnt)
		wg_queue_pop(q);
	free(q->head);
	free(q->spare);
	wg_queue_init(q, q->max);
}

static bool add_chunk(struct wg_queue *q)
{
	struct wg_queue_chunk *c = q->spare ? q->spare : malloc(sizeof(*c));

	if (!c)
		return false;
	q->spare = NULL;
	c->next = NULL;
	if (q->tail)
		q->tail->next = c;
	else
		q->head = c;
	q->tail = c;
	q->tail_pos = 0;
	return true;
}

struct wg_queued *wg_queue_push(struct wg_queue *q)
{
	if (q->cnt == q->max)
		return NULL;
	if ((!q->tail || q->tail_pos == WG_QUEUE_CHUNK) && !add_chunk(q))
		return NULL;
	q->cnt++;
	return &q->tail->item[q->tail_pos++];
}

struct wg_queued *wg_queue_first(const struct wg_queue *q)
{
	return q->cnt ? &q->head->item[q->head_pos] : NULL;
}

void wg_queue_pop(struct wg_queue *q)
{
	struct wg_queue_chunk *c = q->head;

	assert(q->cnt > 0);
	q->cnt--;
	q->head_pos++;
	if (q->head_pos < WG_QUEUE_CHUNK && q->cnt)
		return;
	/* used up, or empty: keep one chunk at hand, give the others back */
	q->head = c->next;
	q->head_pos = 0;
	if (!q->head)
		q->tail = NULL;
	if (q->spare)
		free(c);
	else
		q->spare = c;
}
