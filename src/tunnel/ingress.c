/* SPDX-License-Identifier: ISC */
/* ingress.c - from the wire to the inside: a buffer at a time through the core and into merged writes */
#include <errno.h>

#include "tunnel/worker.h"

enum { RECEIVES_A_TURN = 4 };

static void deliver(struct adit_worker *w, const struct adit_train *t)
{
	unsigned head = w->engine->core->head;

	for (unsigned k = 0; k < t->cnt; k++) {
		if (t->len[k])
			adit_gro_add(&w->gro, t->wire + (size_t)k * t->stride + head, t->len[k]);
	}
}

static void take_buffer(struct adit_worker *w, const struct adit_rx *rx, adit_time now)
{
	const struct adit_core *core = w->engine->core;
	struct adit_train *t = &w->in;
	int v;

	if (rx->truncated) {
		adit_worker_drop(w, ADIT_DROP_truncated, 1);
		return;
	}
	adit_train_in(t, rx->buf, rx->len, rx->stride ? rx->stride : 1, &rx->path, rx->tos);
	adit_count(&w->n.rx_bytes, rx->len);
	adit_count(&w->n.rx_datagrams, rx->stride ? (rx->len + rx->stride - 1) / rx->stride : 1);
	do {
		adit_worker_hold(w);
		v = core->in_begin(w->engine->state, t, now);
		adit_worker_release(w);
		if (v != ADIT_OPEN)
			break;
		core->open(w->crypto, t);
		adit_worker_hold(w);
		core->in_done(w->engine->state, t, now);
		adit_worker_release(w);
		adit_count(&w->n.packets, t->cnt);
		deliver(w, t);
	} while (t->rest_len);
}

static void flush(struct adit_worker *w)
{
	adit_gro_flush(&w->gro);
	adit_count(&w->n.tun_writes, w->gro.written);
	if (w->gro.failed)
		adit_worker_drop(w, ADIT_DROP_tun_write, w->gro.failed);
	w->gro.written = w->gro.failed = 0;
	if (w->inner->ops->received)
		w->inner->ops->received(w->inner);
}

int adit_ingress_turn(struct adit_worker *w, enum adit_outer_side side, adit_time now)
{
	struct adit_rx rx[ADIT_RX_BUFFERS];
	int got = 0;

	for (int call = 0; call < RECEIVES_A_TURN; call++) {
		int n = w->outer->ops->recv(w->outer, side, rx);

		adit_count(&w->n.rx_calls, 1);
		if (n < 0)
			break;
		for (int i = 0; i < n; i++)
			take_buffer(w, &rx[i], now);
		flush(w);
		got += n ? n : 1; /* 0: an error was taken from the socket; more may wait */
		if (n > 0 && n < ADIT_RX_BUFFERS)
			break;
	}
	return got;
}
