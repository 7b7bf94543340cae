/* SPDX-License-Identifier: ISC */
/*
 * static_lab.h - static tunnels on a virtual clock, joined by a link of memory.
 * Every datagram a node sends stands in its `out` until lab_flow delivers it,
 * so a test can look at it, lose it, change it or send it twice.
 */
#ifndef ADIT_TESTS_STATIC_LAB_H
#define ADIT_TESTS_STATIC_LAB_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "static/device.h"

#define LAB_UNUSED __attribute__((unused))
#define LAB_OUT_MAX 600
#define LAB_MSG_MAX 1600
#define LAB_NODES 3

struct lab_msg {
	struct adit_path to;
	size_t len;
	uint8_t tos;
	uint8_t data[LAB_MSG_MAX];
};

struct lab;

/* Node N is at 192.0.2.N:1194, and 10.0.0.N and fd00::N inside. */
struct lab_node {
	struct lab *lab;
	unsigned id;
	struct adit_static *st;
	struct adit_static_peer *peer[LAB_NODES + 1]; /* by id */
	struct adit_crypto *crypto;
	struct adit_path self;
	uint8_t private_key[32], public_key[32];
	uint64_t rng;
	const uint8_t *script; /* random bytes to be given first, if any */
	size_t script_len;
	struct lab_msg out[LAB_OUT_MAX];
	unsigned out_cnt;
	struct { size_t len; uint8_t data[LAB_MSG_MAX]; } in[LAB_OUT_MAX]; /* delivered inside */
	unsigned in_cnt;
	unsigned events[16];
};

struct lab {
	adit_time now;
	enum adit_static_wire wire;
	bool roaming;
	adit_time timeout;
	struct lab_node *node[LAB_NODES + 1]; /* by id; 0 is none */
};

static LAB_UNUSED void lab_random(void *user, void *buf, size_t len)
{
	struct lab_node *n = user;
	uint8_t *p = buf;

	for (size_t i = 0; i < len; i++) {
		if (n->script_len) {
			p[i] = *n->script++;
			n->script_len--;
			continue;
		}
		n->rng = n->rng * UINT64_C(6364136223846793005) + 1442695040888963407u;
		p[i] = (uint8_t)(n->rng >> 56);
	}
}

static LAB_UNUSED void lab_push(void *user, const struct adit_path *to, const uint8_t *msg, size_t len, uint8_t tos)
{
	struct lab_node *n = user;
	struct lab_msg *m;

	assert_true(n->out_cnt < LAB_OUT_MAX && len <= LAB_MSG_MAX);
	assert_int_not_equal(to->kind, ADIT_PATH_NONE);
	m = &n->out[n->out_cnt++];
	m->to = *to;
	m->len = len;
	m->tos = tos;
	memcpy(m->data, msg, len);
}

static LAB_UNUSED void lab_event(void *user, enum adit_static_event event, const struct adit_static_peer *peer)
{
	(void)peer;
	((struct lab_node *)user)->events[event]++;
}

static const struct adit_static_ops lab_ops LAB_UNUSED = { .random = lab_random, .send = lab_push, .event = lab_event };

static LAB_UNUSED struct adit_path lab_path(const char *text)
{
	struct adit_path p;

	assert_int_equal(adit_path_parse(&p, text, NULL), 0);
	return p;
}

static LAB_UNUSED struct adit_prefix lab_prefix(const char *text)
{
	struct adit_prefix p;

	assert_int_equal(adit_prefix_parse(&p, text), 0);
	return p;
}

/* The tunnel of a node, which may have had one before: a restart. */
static LAB_UNUSED void lab_start(struct lab_node *n)
{
	struct lab *lab = n->lab;
	char text[64];

	adit_static_free(n->st);
	n->out_cnt = 0;
	assert_int_equal(adit_static_new(&n->st, lab->wire, &lab_ops, n, n->crypto, lab->now), 0);
	adit_static_set_private_key(n->st, n->private_key);
	adit_static_set_roaming(n->st, lab->roaming);
	adit_static_set_peer_timeout(n->st, lab->timeout, lab->now);
	for (unsigned i = 1; i <= LAB_NODES; i++) {
		struct adit_prefix prefix;

		if (i == n->id)
			continue;
		assert_int_equal(adit_static_peer_add(n->st, &n->peer[i], lab->node[i]->public_key, lab->now), 0);
		assert_int_equal(adit_static_peer_set_endpoint(n->st, n->peer[i], &lab->node[i]->self), 0);
		snprintf(text, sizeof(text), "10.0.0.%u", i);
		prefix = lab_prefix(text);
		assert_int_equal(adit_static_peer_allow(n->st, n->peer[i], &prefix), 0);
		snprintf(text, sizeof(text), "fd00::%u", i);
		prefix = lab_prefix(text);
		assert_int_equal(adit_static_peer_allow(n->st, n->peer[i], &prefix), 0);
		if (lab->wire == ADIT_STATIC_V1)
			adit_static_v1_grant(n->st, n->peer[i], UINT64_MAX);
	}
	adit_static_up(n->st, lab->now);
}

static LAB_UNUSED void lab_init(struct lab *lab, enum adit_static_wire wire, bool roaming, adit_time timeout)
{
	char text[ADIT_PATH_STRLEN];

	memset(lab, 0, sizeof(*lab));
	lab->now = 1000 * ADIT_SEC;
	lab->wire = wire;
	lab->roaming = roaming;
	lab->timeout = timeout;
	for (unsigned i = 1; i <= LAB_NODES; i++) {
		struct lab_node *n = lab->node[i] = calloc(1, sizeof(*n));

		assert_non_null(n);
		n->lab = lab;
		n->id = i;
		n->rng = 0x9e3779b97f4a7c15u * (i + 1u);
		assert_int_equal(adit_crypto_new(&n->crypto, "openssl"), 0);
		snprintf(text, sizeof(text), "192.0.2.%u:1194", i);
		n->self = lab_path(text);
		for (unsigned k = 0; k < 32; k++) /* 1 and 2: those of the vectors */
			n->private_key[k] = (uint8_t)((i == 1 ? 1 : i == 2 ? 101 : 77) + k);
		adit_x25519_public(n->crypto, n->public_key, n->private_key);
	}
	for (unsigned i = 1; i <= LAB_NODES; i++)
		lab_start(lab->node[i]);
}

static LAB_UNUSED void lab_fini(struct lab *lab)
{
	for (unsigned i = 1; i <= LAB_NODES; i++) {
		adit_static_free(lab->node[i]->st);
		adit_crypto_free(lab->node[i]->crypto);
		free(lab->node[i]);
	}
}

/* --- packets ------------------------------------------------------------------ */

static LAB_UNUSED void lab_seal(struct lab_node *n, struct adit_train *t)
{
	(n->lab->wire == ADIT_STATIC_V1 ? adit_static_v1_seal : adit_static_v2_seal)(n->crypto, t);
	adit_static_out_done(n->st, t, n->lab->now);
	for (unsigned k = 0; k < t->cnt; k++)
		lab_push(n, &t->path, t->wire + (size_t)k * t->stride, adit_train_datagram_len(t, k), t->tos);
}

static LAB_UNUSED void lab_staged(struct lab_node *n)
{
	static uint8_t wire[ADIT_WIRE_MAX + 64];
	struct adit_train t;

	memset(&t, 0, sizeof(t));
	while (adit_static_staged_next(n->st, &t, wire, sizeof(wire), n->lab->now) == ADIT_SEAL)
		lab_seal(n, &t);
}

/* An IPv4 packet of len bytes from one node's inner address to another's; `tag` tells it from others. */
static LAB_UNUSED void lab_packet(uint8_t *p, unsigned from, unsigned to, size_t len, uint32_t tag)
{
	memset(p, 0, len);
	p[0] = 0x45;
	adit_put_be16(p + 2, (uint16_t)len);
	p[8] = 64;
	p[9] = 17;
	adit_put_be32(p + 12, 0x0a000000 + from);
	adit_put_be32(p + 16, 0x0a000000 + to);
	adit_put_be32(p + 20, tag);
}

/* A train of cnt packets, tagged from `tag` on. Returns the reason, or ADIT_DROP_NONE. */
static LAB_UNUSED enum adit_drop lab_send_train(struct lab_node *n, unsigned from, unsigned to, size_t len, unsigned cnt,
						uint32_t tag)
{
	static uint8_t wire[ADIT_WIRE_MAX + 64];
	struct adit_train t;

	memset(&t, 0, sizeof(t));
	t.wire = wire;
	t.stride = t.last_len = (uint32_t)adit_static_wire_len(n->st, len);
	t.cnt = (uint16_t)cnt;
	for (unsigned k = 0; k < cnt; k++) {
		lab_packet(wire + (size_t)k * t.stride + static_head(n->st), from, to, len, tag + k);
		t.len[k] = (uint16_t)len;
	}
	if (adit_static_out_begin(n->st, &t, n->lab->now) == ADIT_SEAL)
		lab_seal(n, &t);
	return t.drop;
}

static LAB_UNUSED enum adit_drop lab_send(struct lab_node *n, unsigned to, uint32_t tag)
{
	return lab_send_train(n, n->id, to, 100, 1, tag);
}

/* --- the link ------------------------------------------------------------------- */

/* A buffer of datagrams `stride` bytes apart. */
static LAB_UNUSED void lab_deliver_buffer(struct lab_node *n, const uint8_t *data, size_t len, size_t stride,
					  const struct adit_path *from, uint8_t tos)
{
	static uint8_t buf[ADIT_WIRE_MAX];
	struct adit_train t;

	memset(&t, 0, sizeof(t));
	memcpy(buf, data, len);
	adit_train_in(&t, buf, (uint32_t)len, (uint32_t)stride, from, tos);
	while (adit_static_in_begin(n->st, &t, n->lab->now) == ADIT_OPEN) {
		(n->lab->wire == ADIT_STATIC_V1 ? adit_static_v1_open : adit_static_v2_open)(n->crypto, &t);
		adit_static_in_done(n->st, &t, n->lab->now);
		for (unsigned k = 0; k < t.cnt; k++) {
			if (!t.len[k])
				continue;
			assert_true(n->in_cnt < LAB_OUT_MAX && t.len[k] <= LAB_MSG_MAX);
			n->in[n->in_cnt].len = t.len[k];
			memcpy(n->in[n->in_cnt++].data, t.wire + (size_t)k * t.stride + static_head(n->st), t.len[k]);
		}
	}
	lab_staged(n);
}

static LAB_UNUSED void lab_deliver(struct lab_node *n, const uint8_t *data, size_t len, const struct adit_path *from,
				   uint8_t tos)
{
	lab_deliver_buffer(n, data, len, len ? len : 1, from, tos);
}

/* Takes the oldest datagram a node has sent. */
static LAB_UNUSED struct lab_msg lab_take(struct lab_node *n)
{
	struct lab_msg m;

	assert_true(n->out_cnt > 0);
	m = n->out[0];
	memmove(&n->out[0], &n->out[1], --n->out_cnt * sizeof(n->out[0]));
	return m;
}

static LAB_UNUSED void lab_deliver_msg(struct lab *lab, const struct adit_path *from, const struct lab_msg *m)
{
	for (unsigned i = 1; i <= LAB_NODES; i++) {
		if (adit_path_same_remote(&lab->node[i]->self, &m->to))
			lab_deliver(lab->node[i], m->data, m->len, from, m->tos);
	}
}

/* Delivers until nothing is on the way. */
static LAB_UNUSED void lab_flow(struct lab *lab)
{
	bool more = true;

	while (more) {
		more = false;
		for (unsigned i = 1; i <= LAB_NODES; i++) {
			while (lab->node[i]->out_cnt) {
				struct lab_msg m = lab_take(lab->node[i]);

				lab_deliver_msg(lab, &lab->node[i]->self, &m);
				more = true;
			}
		}
	}
}

static LAB_UNUSED void lab_tick(struct lab *lab)
{
	for (unsigned i = 1; i <= LAB_NODES; i++) {
		struct lab_node *n = lab->node[i];

		for (int turn = 0; adit_static_deadline(n->st) <= lab->now; turn++) {
			assert_true(turn < 1000);
			adit_static_tick(n->st, lab->now);
		}
		lab_staged(n);
	}
}

/* Lets time pass, every timer firing when due. Without `flow` what is sent stays in `out`. */
static LAB_UNUSED void lab_pass(struct lab *lab, adit_time span, bool flow)
{
	adit_time end = lab->now + span;

	for (;;) {
		adit_time next = end;

		lab_tick(lab);
		if (flow)
			lab_flow(lab);
		for (unsigned i = 1; i <= LAB_NODES; i++) {
			adit_time d = adit_static_deadline(lab->node[i]->st);

			next = d < next ? d : next;
		}
		if (lab->now >= end)
			return;
		lab->now = next > lab->now ? next : lab->now;
	}
}

static LAB_UNUSED uint64_t lab_drops(const struct lab_node *n, enum adit_drop drop)
{
	struct adit_static_stats stats;

	adit_static_stats(n->st, &stats);
	return stats.drops[drop];
}

static LAB_UNUSED struct adit_static_peer_info lab_info(const struct lab_node *n, unsigned of)
{
	struct adit_static_peer_info info;

	adit_static_peer_info(n->peer[of], &info);
	return info;
}

/* How often a packet of this tag was delivered. */
static LAB_UNUSED unsigned lab_got(const struct lab_node *n, uint32_t tag)
{
	unsigned cnt = 0;

	for (unsigned i = 0; i < n->in_cnt; i++)
		cnt += adit_get_be32(n->in[i].data + 20) == tag;
	return cnt;
}

#endif
