/* SPDX-License-Identifier: ISC */
/*
 * static_wire.c - what an observer of the wire can hold against a node with a
 * static tunnel: lengths and TOS; no nonce twice under one key, across every
 * restart; at most one hello a second; no more answers than hellos; nothing
 * sent by who answered before something authentic came on that session; and
 * nothing delivered under an index that the node has not given out in its
 * present life.
 */
#include <string.h>

#include "static/message.h"
#include "world.h"

#define TICK (4 * ADIT_MSEC) /* of the wheel */

static uint64_t at_node(const struct node *n, uint32_t index)
{
	return (uint64_t)n->id << 32 | index;
}

static void sent_v1(struct node *n, const uint8_t *buf, size_t len)
{
	if (len < STATIC_V1_HEAD + ADIT_TAG_LEN + 20)
		sim_fail(n->w, "n%u: sent %zu bytes", n->id, len);
	/* two nodes share a key, so the nonces of all of them must differ */
	if (!table_set(&n->w->nonces, adit_get_le64(buf), adit_get_le32(buf + 8), 1))
		sim_fail(n->w, "n%u: a nonce is used twice", n->id);
}

static void sent_hello(struct node *n, const struct adit_path *path, const uint8_t *buf)
{
	struct world *w = n->w;
	uint64_t to = adit_get_le64(buf + STATIC_AT_KEY_ID) ^ ((uint64_t)path->port << 48);
	int64_t *last = table_find(&w->static_hello, n->id, to);

	if (last && w->now - *last < STATIC_HELLO_AGAIN - TICK)
		sim_fail(w, "n%u: hello %.3f s after another", n->id, (double)(w->now - *last) / 1e9);
	table_set(&w->static_hello, n->id, to, w->now);
	table_set(&w->static_own, at_node(n, adit_get_le32(buf + STATIC_AT_INDEX)), 0, 0);
}

static void sent_answer(struct node *n, const uint8_t *buf)
{
	uint32_t own = adit_get_le32(buf + STATIC_AT_INDEX), theirs = adit_get_le32(buf + STATIC_AT_ECHO_INDEX);
	struct world *w = n->w;

	if (++n->answers > n->hellos)
		sim_fail(w, "n%u: more answers than hellos", n->id);
	table_set(&w->static_own, at_node(n, own), 0, 1 + (int64_t)theirs);
	if (!table_find(&w->static_unconfirmed, at_node(n, theirs), 0))
		table_set(&w->static_unconfirmed, at_node(n, theirs), 0, 1);
}

static void sent_data(struct node *n, const uint8_t *buf, size_t len)
{
	uint32_t index = adit_get_le32(buf + STATIC_AT_INDEX);
	int64_t *unconfirmed = table_find(&n->w->static_unconfirmed, at_node(n, index), 0);

	if (len < STATIC_V2_HEAD + ADIT_TAG_LEN)
		sim_fail(n->w, "n%u: data of %zu bytes", n->id, len);
	if (!table_set(&n->w->nonces, at_node(n, index), adit_get_le64(buf + STATIC_AT_COUNTER), 1))
		sim_fail(n->w, "n%u: a counter is used twice under index %08x", n->id, index);
	if (unconfirmed && *unconfirmed)
		sim_fail(n->w, "n%u: data on a session that nothing authentic has come on", n->id);
}

void static_wire_sent(struct node *n, const struct adit_path *path, const uint8_t *buf, size_t len, uint8_t tos)
{
	struct world *w = n->w;
	uint32_t type = adit_get_le32(buf);
	char text[ADIT_PATH_STRLEN];

	if ((tos & 0xfc) != 0 || (tos & 3) == 3)
		sim_fail(w, "n%u: TOS %02x", n->id, tos);
	n->sent_bytes += len;
	w->last_sent = w->now;
	if (w->face == &adit_core_static_v1) {
		sent_v1(n, buf, len);
		return;
	}
	if (w->trace)
		sim_trace(w, "n%u -> %s type %02x, %zu bytes, index %08x", n->id, adit_path_format(path, text), type, len,
			  adit_get_le32(buf + 4));
	if (type == STATIC_DATA)
		sent_data(n, buf, len);
	else if (len != STATIC_EXCHANGE_LEN || (type != STATIC_HELLO && type != STATIC_ANSWER))
		sim_fail(w, "n%u: sent type %02x with %zu bytes", n->id, type, len);
	else if (type == STATIC_HELLO)
		sent_hello(n, path, buf);
	else
		sent_answer(n, buf);
}

void static_wire_arrived(struct node *n, const struct datagram *d)
{
	struct world *w = n->w;
	int64_t *own;

	if (w->face == &adit_core_static_v1 || d->len < STATIC_V2_HEAD)
		return;
	if (adit_get_le32(d->bytes) == STATIC_HELLO)
		n->hellos++;
	if (!d->intact || adit_get_le32(d->bytes) != STATIC_DATA)
		return;
	own = table_find(&w->static_own, at_node(n, adit_get_le32(d->bytes + STATIC_AT_INDEX)), 0);
	if (own && *own > 0)
		table_set(&w->static_unconfirmed, at_node(n, (uint32_t)(*own - 1)), 0, 0);
}

void static_wire_opened(struct node *n, const uint8_t *head)
{
	uint32_t index;
	int64_t *own;

	if (n->w->face == &adit_core_static_v1)
		return;
	index = adit_get_le32(head + STATIC_AT_INDEX);
	own = table_find(&n->w->static_own, at_node(n, index), 0);
	if (!own || *own < 0)
		sim_fail(n->w, "n%u: delivered under index %08x, which this life has not given out", n->id, index);
}

void static_wire_forget_hellos(struct node *n)
{
	struct world *w = n->w;

	for (size_t i = 0; i < w->static_hello.size; i++) {
		struct table_slot *s = &w->static_hello.slots[i];

		if (s->used && s->a == n->id)
			s->value = INT64_MIN / 2;
	}
}

void static_wire_forget(struct node *n)
{
	struct world *w = n->w;

	for (size_t i = 0; i < w->static_own.size; i++) {
		struct table_slot *s = &w->static_own.slots[i];

		if (s->used && s->a >> 32 == n->id)
			s->value = -1;
	}
	for (size_t i = 0; i < w->static_unconfirmed.size; i++) {
		struct table_slot *s = &w->static_unconfirmed.slots[i];

		if (s->used && s->a >> 32 == n->id)
			s->value = 1;
	}
	static_wire_forget_hellos(n);
}
