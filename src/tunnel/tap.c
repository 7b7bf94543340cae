/* SPDX-License-Identifier: ISC */
/* tap.c - dropped packets and keys, shown to who looks on */
#include "tunnel/tap.h"

#include <errno.h>

#include "tunnel/tunnel_internal.h"

static bool any(const struct adit_engine *e)
{
	return atomic_load_explicit(&e->taps.any, memory_order_relaxed);
}

static struct adit_tap *tap_of(struct adit_list *l)
{
	return adit_container_of(l, struct adit_tap, link);
}

static void show(struct adit_engine *e, bool out, enum adit_drop drop, const struct iovec *iov, int cnt)
{
	for (struct adit_list *l = e->taps.all.next; l != &e->taps.all; l = l->next)
		tap_of(l)->dropped(tap_of(l), out, drop, iov, cnt);
}

void adit_core_dropped(void *user, bool out, enum adit_drop drop, const uint8_t *packet, size_t len)
{
	const struct iovec iov = { (void *)(uintptr_t)packet, len };

	if (any(user))
		show(user, out, drop, &iov, 1);
}

void adit_tap_packet(struct adit_worker *w, enum adit_drop drop, uint8_t *packet, size_t len)
{
	if (!any(w->engine))
		return;
	adit_worker_hold(w);
	adit_core_dropped(w->engine, true, drop, packet, len);
	adit_worker_release(w);
}

/* The train's part of a super-packet, behind the whole one's header. */
static void show_super(struct adit_engine *e, const struct adit_train *t)
{
	struct adit_super *s = t->super;
	uint32_t from = s->hdr_len + (uint32_t)t->super_first * s->gso_size, len = (uint32_t)t->cnt * s->gso_size;
	const struct iovec iov[2] = { { s->hdr, s->hdr_len }, { s->buf + from, len < s->len - from ? len : s->len - from } };

	show(e, true, t->drop, iov, 2);
}

void adit_tap_train(struct adit_worker *w, const struct adit_train *t)
{
	struct adit_engine *e = w->engine;

	if (!any(e))
		return;
	adit_worker_hold(w);
	if (t->super)
		show_super(e, t);
	for (unsigned k = 0; !t->super && k < t->cnt; k++)
		adit_core_dropped(e, true, t->drop, t->wire + (size_t)k * t->stride + e->core->head, t->len[k]);
	adit_worker_release(w);
}

void adit_core_keys(void *user, const struct adit_wg_keys *keys)
{
	struct adit_engine *e = user;

	for (struct adit_list *l = e->taps.all.next; l != &e->taps.all; l = l->next)
		if (tap_of(l)->keys)
			tap_of(l)->keys(tap_of(l), keys);
}

/* Under the hold, after the taps have changed. */
static void look_again(struct adit_engine *e)
{
	bool keys = false;

	for (struct adit_list *l = e->taps.all.next; l != &e->taps.all; l = l->next)
		keys |= tap_of(l)->keys != NULL;
	if (e->core->log_keys)
		e->core->log_keys(e->state, keys);
	atomic_store_explicit(&e->taps.any, !adit_list_empty(&e->taps.all), memory_order_relaxed);
}

int adit_tunnel_tap(struct adit_tunnel *t, struct adit_tap *tap)
{
	if (tap->keys && !t->engine.core->log_keys)
		return -EOPNOTSUPP;
	adit_tunnel_lock(t);
	adit_list_add_tail(&t->engine.taps.all, &tap->link);
	look_again(&t->engine);
	adit_tunnel_unlock(t);
	return 0;
}

void adit_tunnel_untap(struct adit_tunnel *t, struct adit_tap *tap)
{
	adit_tunnel_lock(t);
	adit_list_del(&tap->link);
	look_again(&t->engine);
	adit_tunnel_unlock(t);
}
