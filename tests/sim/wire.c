/* SPDX-License-Identifier: ISC */
/*
 * wire.c - what an observer of the wire can hold against a node: lengths and
 * TOS of every message, no counter used twice under one key, no more than one
 * initiation per 5 s, peer and path, nothing sent or accepted on a key older
 * than 180 s, nothing sent by a responder before the key was confirmed.
 *
 * A key is named by (node, index): the index that the node puts into what it
 * sends, or finds in what it receives.
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "world.h"

#define REKEY_TIMEOUT     (5 * ADIT_SEC)
#define REJECT_AFTER_TIME (180 * ADIT_SEC)
#define MTU               1420
#define LONG_AGO          (INT64_MIN / 2)

/* second word of a key in `births` */
enum { SENDS, RECEIVES, USED };

static uint64_t at_node(const struct node *n, uint32_t index)
{
	return (uint64_t)n->id << 32 | index;
}

/* A train may be begun a moment before it leaves; handshakes may wait their turn. */
static adit_time slack(const struct node *n)
{
	return n->work_max < WORK_ALL ? 5 * ADIT_SEC : 2 * ADIT_MSEC;
}

void wire_mac1(struct world *w, uint8_t *msg, size_t len, const uint8_t pub[ADIT_KEY_LEN])
{
	uint8_t key[ADIT_HASH_LEN];

	adit_hash(w->crypto, key, "mac1----", 8, pub, ADIT_KEY_LEN);
	adit_mac(w->crypto, msg + len - 32, key, sizeof(key), msg, len - 32, NULL, 0);
}

static bool made_for(struct world *w, const uint8_t *msg, size_t len, unsigned id)
{
	uint8_t copy[148];

	memcpy(copy, msg, len);
	wire_mac1(w, copy, len, w->nodes[id].pub);
	return !memcmp(copy, msg, len);
}

/* The node whose public key a handshake message was made for; UINT32_MAX: none that exists now. */
static unsigned target(struct world *w, const struct adit_path *path, const uint8_t *msg, size_t len)
{
	unsigned owner = world_owner(w, path);

	if (owner != UINT32_MAX && made_for(w, msg, len, owner))
		return owner;
	for (unsigned i = 0; i < w->node_cnt; i++) {
		if (made_for(w, msg, len, i))
			return i;
	}
	return UINT32_MAX;
}

static uint64_t path_number(const struct adit_path *p)
{
	return adit_get_be64(p->addr) * 31 + adit_get_be64(p->addr + 8) * 17 + p->port * 2 + 1;
}

static void sent_initiation(struct node *n, const struct adit_path *path, const uint8_t *buf, size_t len)
{
	struct world *w = n->w;
	unsigned to = target(w, path, buf, len);
	int64_t *last[2] = { table_find(&w->initiations, at_node(n, to), path_number(path)),
			     table_find(&w->initiations, at_node(n, to), 0) };

	for (int i = 0; i < 2; i++) {
		if (last[i] && w->now - *last[i] < REKEY_TIMEOUT)
			sim_fail(w, "n%u: initiation to n%u %.3f s after %s", n->id, to,
				 (double)(w->now - *last[i]) / 1e9, i ? "a response" : "another");
	}
	table_set(&w->initiations, at_node(n, to), path_number(path), w->now);
	if (to == UINT32_MAX)
		sim_fail(w, "n%u: initiation whose mac1 fits no node's key", n->id);
}

static void sent_response(struct node *n, const struct adit_path *path, const uint8_t *buf, size_t len)
{
	struct world *w = n->w;
	unsigned to = target(w, path, buf, len);
	uint32_t own = adit_get_le32(buf + 4), theirs = adit_get_le32(buf + 8);

	table_set(&w->initiations, at_node(n, to), 0, w->now);
	table_set(&w->births, at_node(n, theirs), SENDS, w->now);
	table_set(&w->births, at_node(n, own), RECEIVES, w->now);
	table_set(&w->opened_at, at_node(n, own), 0, theirs);
	if (!table_find(&w->confirmed, at_node(n, theirs), 0))
		table_set(&w->confirmed, at_node(n, theirs), 0, 0);
}

static void sent_data(struct node *n, const uint8_t *buf, size_t len)
{
	struct world *w = n->w;
	uint32_t index = adit_get_le32(buf + 4);
	uint64_t counter = adit_get_le64(buf + 8);
	int64_t *birth = table_find(&w->births, at_node(n, index), SENDS);
	int64_t *confirmed = table_find(&w->confirmed, at_node(n, index), 0);

	if (len < 32 || (len % 16 != 0 && len != MTU + 32))
		sim_fail(w, "n%u: data message of %zu bytes is not padded", n->id, len);
	if (!table_set(&w->nonces, at_node(n, index), counter, 1))
		sim_fail(w, "n%u: counter %llu used twice under index %08x", n->id, (unsigned long long)counter, index);
	if (!birth)
		sim_fail(w, "n%u: data for index %08x, which no handshake made", n->id, index);
	if (w->now - *birth > REJECT_AFTER_TIME + slack(n))
		sim_fail(w, "n%u: data on a key of %.3f s", n->id, (double)(w->now - *birth) / 1e9);
	if (confirmed && !*confirmed)
		sim_fail(w, "n%u: data on a session that the initiator has not confirmed", n->id);
	table_set(&w->births, at_node(n, index), USED, w->now);
}

void wire_sent(struct node *n, const struct adit_path *path, const uint8_t *buf, size_t len, uint8_t tos)
{
	static const unsigned lengths[] = { 0, 148, 92, 64, 0 };
	struct world *w = n->w;
	uint32_t type = len >= 4 ? adit_get_le32(buf) : 0;
	char text[ADIT_PATH_STRLEN];

	if (w->trace)
		sim_trace(w, "n%u -> %s type %u, %zu bytes, index %08x, counter %llu", n->id,
			  adit_path_format(path, text), type, len, adit_get_le32(buf + 4),
			  type == TYPE_DATA ? (unsigned long long)adit_get_le64(buf + 8) : 0ull);
	if (type < TYPE_INITIATION || type > TYPE_DATA || (lengths[type] && len != lengths[type]))
		sim_fail(w, "n%u: sent type %u with %zu bytes", n->id, type, len);
	if (type < TYPE_COOKIE && (tos & 0xfc) != 0x88)
		sim_fail(w, "n%u: handshake message with TOS %02x", n->id, tos);
	if (type >= TYPE_COOKIE && (tos & 0xfc) != 0)
		sim_fail(w, "n%u: TOS %02x shows inner DSCP", n->id, tos);
	if (type == TYPE_DATA && (tos & 3) == 3)
		sim_fail(w, "n%u: data sent with CE", n->id);
	n->sent[type]++;
	n->sent_bytes += len;
	w->last_sent = w->now;
	if (type == TYPE_INITIATION)
		sent_initiation(n, path, buf, len);
	else if (type == TYPE_RESPONSE)
		sent_response(n, path, buf, len);
	else if (type == TYPE_DATA)
		sent_data(n, buf, len);
}

void wire_arrived(struct node *n, const struct datagram *d)
{
	struct world *w = n->w;
	uint32_t type = d->len >= 16 ? adit_get_le32(d->bytes) : 0;
	uint32_t first = type ? adit_get_le32(d->bytes + 4) : 0, second = type ? adit_get_le32(d->bytes + 8) : 0;
	int64_t *theirs;

	/* a response that differs only in mac2 is as good */
	if (!d->intact && !(type == TYPE_RESPONSE && d->len == 92 && made_for(w, d->bytes, d->len, n->id)))
		return;
	if (type == TYPE_RESPONSE && !table_find(&w->births, at_node(n, first), USED)) {
		table_set(&w->births, at_node(n, first), SENDS, w->now);
		table_set(&w->births, at_node(n, second), RECEIVES, w->now);
	}
	theirs = type == TYPE_DATA ? table_find(&w->opened_at, at_node(n, first), 0) : NULL;
	if (theirs)
		table_set(&w->confirmed, at_node(n, (uint32_t)*theirs), 0, 1);
}

void wire_opened(struct node *n, uint32_t index)
{
	int64_t *birth = table_find(&n->w->births, at_node(n, index), RECEIVES);

	if (!birth)
		sim_fail(n->w, "n%u: delivered under index %08x, which no handshake made", n->id, index);
	if (n->w->now - *birth > REJECT_AFTER_TIME + slack(n))
		sim_fail(n->w, "n%u: delivered on a key of %.3f s", n->id, (double)(n->w->now - *birth) / 1e9);
}

/* The 5 s limit starts anew: key change, peer removed, node switched off. */
void wire_forget_initiations(struct world *w, unsigned node)
{
	for (size_t i = 0; i < w->initiations.size; i++) {
		struct table_slot *s = &w->initiations.slots[i];

		if (s->used && s->a >> 32 == node)
			s->value = LONG_AGO;
	}
}

void wire_fini(struct world *w)
{
	table_fini(&w->nonces);
	table_fini(&w->births);
	table_fini(&w->confirmed);
	table_fini(&w->opened_at);
	table_fini(&w->initiations);
	table_fini(&w->static_own);
	table_fini(&w->static_unconfirmed);
	table_fini(&w->static_hello);
}
