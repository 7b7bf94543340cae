/* SPDX-License-Identifier: ISC */
/* worker.c - one turn of a data thread */
#include "tunnel/worker.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	HANDSHAKES_BUSY = 1, /* a turn, while data flows */
	HANDSHAKES_IDLE = 16, /* two milliseconds; their answers leave in one call */
};

#define KEYS_LINGER ADIT_SEC

void adit_worker_drop(struct adit_worker *w, enum adit_drop drop, unsigned cnt)
{
	adit_count(&w->n.drops[drop], cnt);
}

void adit_worker_send(struct adit_worker *w, struct adit_train *const *trains, unsigned cnt)
{
	struct adit_sent sent = { 0 };

	w->outer->ops->send(w->outer, trains, cnt, &sent);
	adit_count(&w->n.tx_datagrams, sent.datagrams);
	adit_count(&w->n.packets, sent.datagrams);
	adit_count(&w->n.tx_bytes, sent.bytes);
	adit_count(&w->n.tx_calls, sent.calls);
	if (sent.full)
		adit_worker_drop(w, ADIT_DROP_udp_full, sent.full);
	if (sent.failed)
		adit_worker_drop(w, ADIT_DROP_udp_error, sent.failed);
}

static void send_outbox(struct adit_worker *w)
{
	struct adit_train *trains[ADIT_OUTBOX_CNT];
	struct adit_outbox *o = w->outbox;

	for (unsigned i = 0; i < o->cnt; i++)
		trains[i] = &o->train[i];
	if (o->cnt)
		adit_worker_send(w, trains, o->cnt);
	o->cnt = 0;
	o->used = 0;
}

void adit_worker_release(struct adit_worker *w)
{
	adit_hold_release(&w->engine->hold);
	if (w->outbox->cnt)
		send_outbox(w);
}

static bool may_join(const struct adit_outbox *o, const struct adit_path *path, size_t len, uint8_t tos)
{
	const struct adit_train *t;

	if (o->cnt == 0)
		return false;
	t = &o->train[o->cnt - 1];
	return t->stride == len && t->tos == tos && t->cnt < ADIT_TRAIN_MAX && adit_path_equal(&t->path, path);
}

/* The core's send op: user is the engine. */
void adit_core_send(void *user, const struct adit_path *path, const uint8_t *msg, size_t len, uint8_t tos)
{
	struct adit_engine *e = user;
	struct adit_worker *w = e->sender;
	struct adit_outbox *o;

	assert(w && len <= ADIT_OUTBOX_LEN);
	o = w->outbox;
	if (o->cnt == ADIT_OUTBOX_CNT || o->used + len > sizeof(o->wire))
		send_outbox(w);
	memcpy(o->wire + o->used, msg, len);
	if (may_join(o, path, len, tos)) {
		o->train[o->cnt - 1].cnt++;
	} else {
		o->train[o->cnt++] = (struct adit_train){ .wire = o->wire + o->used, .stride = (uint32_t)len,
							   .last_len = (uint32_t)len, .cnt = 1, .tos = tos, .path = *path };
	}
	o->used += len;
}

void adit_core_session(void *user)
{
	struct adit_engine *e = user;

	atomic_store_explicit(&e->session, true, memory_order_relaxed);
}

static bool session_waits(const struct adit_worker *w)
{
	return w->inner->ops->reachable && atomic_load_explicit(&w->engine->session, memory_order_relaxed);
}

static void tell_session(struct adit_worker *w)
{
	if (!session_waits(w))
		return;
	atomic_store_explicit(&w->engine->session, false, memory_order_relaxed);
	w->inner->ops->reachable(w->inner);
}

/* Handshakes and timers. Returns whether some are left for the next turn. */
static bool serve_core(struct adit_worker *w, bool data, adit_time now)
{
	const struct adit_core *core = w->engine->core;
	void *state = w->engine->state;
	bool more;

	adit_worker_hold(w);
	more = core->work(state, data ? HANDSHAKES_BUSY : HANDSHAKES_IDLE, now) > 0;
	if (core->deadline(state) <= now) {
		core->tick(state, now);
		more = true;
	}
	adit_worker_release(w);
	adit_egress_staged(w, now);
	return more || session_waits(w);
}

adit_time adit_worker_forget_at(const struct adit_worker *w)
{
	return atomic_load_explicit(&w->used_keys, memory_order_relaxed) ? w->used_since + KEYS_LINGER : ADIT_NEVER;
}

void adit_worker_forget(struct adit_worker *w)
{
	adit_crypto_forget(w->crypto);
	adit_worker_hold(w);
	adit_crypto_forget(w->engine->crypto);
	adit_worker_release(w);
	atomic_store_explicit(&w->forget_now, false, memory_order_relaxed);
	atomic_store_explicit(&w->used_keys, false, memory_order_relaxed);
}

static void keep_or_forget_keys(struct adit_worker *w, bool used, adit_time now)
{
	if (used && !atomic_load_explicit(&w->used_keys, memory_order_relaxed)) {
		w->used_since = now;
		atomic_store_explicit(&w->used_keys, true, memory_order_relaxed);
	}
	if (now >= adit_worker_forget_at(w) || atomic_load_explicit(&w->forget_now, memory_order_relaxed))
		adit_worker_forget(w);
}

int adit_worker_turn(struct adit_worker *w, unsigned ready, adit_time now)
{
	uint64_t before = atomic_load_explicit(&w->n.packets, memory_order_relaxed);
	int done = 0, r = 0;
	bool data;

	if (w->inner->ops->begin)
		w->inner->ops->begin(w->inner, now);
	tell_session(w);
	if (ready & ADIT_READY_OUTER4)
		done += adit_ingress_turn(w, ADIT_OUTER_4, now);
	if (ready & ADIT_READY_OUTER6)
		done += adit_ingress_turn(w, ADIT_OUTER_6, now);
	if (w->guest)
		done += w->guest->ops->turn(w->guest, ready & ADIT_READY_GUEST, now);
	/* what came in may be answered at once: the answer stands in the inside by now */
	if (ready & ADIT_READY_INNER || done || w->guest)
		r = adit_egress_turn(w, now);
	if (r < 0)
		return r;
	done += r;
	data = r > 0 || atomic_load_explicit(&w->n.packets, memory_order_relaxed) != before;
	if (serve_core(w, data, now))
		done++;
	keep_or_forget_keys(w, done > 0, now);
	return done;
}

int adit_worker_init(struct adit_worker *w, struct adit_engine *engine, struct adit_inner *inner,
		     struct adit_outer *outer, struct adit_crypto *crypto)
{
	memset(w, 0, sizeof(*w));
	w->engine = engine;
	w->inner = inner;
	w->outer = outer;
	w->crypto = crypto;
	w->outbox = calloc(1, sizeof(*w->outbox));
	if (!w->outbox || adit_egress_init(&w->egress) < 0) {
		adit_worker_fini(w);
		return -ENOMEM;
	}
	/* a kernel verifies what it is given; a stack of our own gets it verified */
	adit_gro_init(&w->gro, inner, &engine->notes, engine->strict || inner->ops->read_lent);
	return 0;
}

void adit_worker_fini(struct adit_worker *w)
{
	adit_egress_fini(&w->egress);
	free(w->outbox);
	w->outbox = NULL;
}
