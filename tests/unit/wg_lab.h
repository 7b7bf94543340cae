/* SPDX-License-Identifier: ISC */
/*
 * wg_lab.h - two WireGuard cores on a virtual clock, joined by a link of memory,
 * for the unit tests of src/wg. Every datagram a node sends stands in its
 * `out` until lab_flow delivers it, so a test can look at it, lose it, change
 * it or send it twice.
 */
#ifndef ADIT_TESTS_WG_LAB_H
#define ADIT_TESTS_WG_LAB_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "wg/device.h"

#define LAB_UNUSED __attribute__((unused))
#define LAB_OUT_MAX 700
#define LAB_MSG_MAX 2048
#define LAB_IN_MAX 512

struct lab_msg {
	struct adit_path to;
	size_t len;
	uint8_t tos;
	uint8_t data[LAB_MSG_MAX];
};

struct lab;

struct lab_node {
	struct lab *lab;
	struct adit_wg *wg;
	struct adit_crypto *crypto;
	struct adit_path self; /* where it is reached */
	uint8_t private_key[32], public_key[32];
	uint64_t rng;
	const uint8_t *script; /* random bytes to be given first, if any */
	size_t script_len;
	struct lab_msg out[LAB_OUT_MAX];
	unsigned out_cnt;
	struct { size_t len; uint8_t data[LAB_MSG_MAX]; } in[LAB_IN_MAX]; /* delivered inside */
	unsigned in_cnt;
	unsigned events[4];
};

struct lab {
	adit_time now;
	int64_t wall_ns;
	struct lab_node *node[4];
	unsigned node_cnt;
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

static LAB_UNUSED void lab_wall(void *user, struct adit_wall *ret)
{
	struct lab_node *n = user;

	ret->sec = n->lab->wall_ns / ADIT_SEC;
	ret->nsec = (uint32_t)(n->lab->wall_ns % ADIT_SEC);
}

static LAB_UNUSED void lab_push(struct lab_node *n, const struct adit_path *to, const uint8_t *msg, size_t len,
				uint8_t tos)
{
	struct lab_msg *m;

	assert_true(n->out_cnt < LAB_OUT_MAX);
	assert_true(len <= LAB_MSG_MAX);
	m = &n->out[n->out_cnt++];
	m->to = *to;
	m->len = len;
	m->tos = tos;
	memcpy(m->data, msg, len);
}

static LAB_UNUSED void lab_op_send(void *user, const struct adit_path *path, const uint8_t *msg, size_t len, uint8_t tos)
{
	lab_push(user, path, msg, len, tos);
}

static LAB_UNUSED void lab_event(void *user, enum adit_wg_event event, const uint8_t public_key[32],
				 const struct adit_path *path)
{
	struct lab_node *n = user;

	(void)public_key;
	(void)path;
	n->events[event]++;
}

static const struct adit_wg_ops lab_ops LAB_UNUSED = {
	.random = lab_random, .wall = lab_wall, .send = lab_op_send, .event = lab_event
};

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

static LAB_UNUSED struct adit_addr lab_addr(const char *text)
{
	struct adit_addr a;

	assert_int_equal(adit_addr_parse(&a, text), 0);
	return a;
}

static LAB_UNUSED void lab_init(struct lab *lab)
{
	memset(lab, 0, sizeof(*lab));
	lab->now = 1000 * ADIT_SEC;
	lab->wall_ns = INT64_C(1700000000) * ADIT_SEC;
}

/* A device with a key and the path 192.0.2.ID:51820, up. */
static LAB_UNUSED struct lab_node *lab_node(struct lab *lab, uint8_t id)
{
	struct lab_node *n = calloc(1, sizeof(*n));
	char text[ADIT_PATH_STRLEN];

	assert_non_null(n);
	n->lab = lab;
	n->rng = 0x9e3779b97f4a7c15u * (id + 1u);
	assert_int_equal(adit_crypto_new(&n->crypto, "openssl"), 0);
	assert_int_equal(adit_wg_new(&n->wg, &lab_ops, n, n->crypto, lab->now), 0);
	snprintf(text, sizeof(text), "192.0.2.%u:51820", id);
	n->self = lab_path(text);
	memset(n->private_key, id, 32);
	adit_x25519_clamp(n->private_key);
	adit_x25519_public(n->crypto, n->public_key, n->private_key);
	adit_wg_set_private_key(n->wg, n->private_key, lab->now);
	assert_int_equal(adit_wg_private_key_continue(n->wg, 1000, lab->now), 0);
	assert_int_equal(adit_wg_up(n->wg, 1000, lab->now), 0);
	lab->node[lab->node_cnt++] = n;
	return n;
}

static LAB_UNUSED void lab_fini(struct lab *lab)
{
	for (unsigned i = 0; i < lab->node_cnt; i++) {
		adit_wg_free(lab->node[i]->wg);
		adit_crypto_free(lab->node[i]->crypto);
		free(lab->node[i]);
	}
}

/* Makes `b` a peer of `a`: endpoint set if wanted, and one prefix allowed. */
static LAB_UNUSED struct adit_wg_peer *lab_peer(struct lab_node *a, struct lab_node *b, bool endpoint,
						const char *allowed)
{
	struct adit_prefix prefix = lab_prefix(allowed);
	struct adit_wg_peer *peer;

	assert_int_equal(adit_wg_peer_add(a->wg, &peer, b->public_key, a->lab->now), 0);
	if (endpoint)
		adit_wg_peer_set_endpoint(a->wg, peer, &b->self);
	assert_int_equal(adit_wg_peer_allow(a->wg, peer, &prefix), 0);
	return peer;
}

/* --- packets ------------------------------------------------------------------ */

/* An IPv4 UDP packet of len bytes in all. */
static LAB_UNUSED size_t lab_packet(uint8_t *p, const char *src, const char *dst, size_t len)
{
	struct adit_addr s = lab_addr(src), d = lab_addr(dst);

	memset(p, 0, len);
	for (size_t i = 40; i < len; i++)
		p[i] = (uint8_t)i;
	if (s.family == 4) {
		p[0] = 0x45;
		adit_put_be16(p + 2, (uint16_t)len);
		p[8] = 64;
		p[9] = 17;
		memcpy(p + 12, s.bytes, 4);
		memcpy(p + 16, d.bytes, 4);
	} else {
		p[0] = 0x60;
		adit_put_be16(p + 4, (uint16_t)(len - 40));
		p[6] = 17;
		p[7] = 64;
		memcpy(p + 8, s.bytes, 16);
		memcpy(p + 24, d.bytes, 16);
	}
	return len;
}

static LAB_UNUSED void lab_emit(struct lab_node *n, struct adit_train *t)
{
	adit_wg_seal(n->crypto, t);
	adit_wg_out_done(n->wg, t, n->lab->now);
	for (unsigned k = 0; k < t->cnt; k++)
		lab_push(n, &t->path, t->wire + (size_t)k * t->stride, adit_train_datagram_len(t, k), t->tos);
}

static LAB_UNUSED void lab_staged(struct lab_node *n)
{
	static uint8_t wire[ADIT_WIRE_MAX + 64];
	struct adit_train t;

	memset(&t, 0, sizeof(t));
	while (adit_wg_staged_next(n->wg, &t, wire, sizeof(wire), n->lab->now) == ADIT_SEAL)
		lab_emit(n, &t);
}

/* A train of cnt equal packets of len bytes; *t stays for inspection. */
static LAB_UNUSED int lab_send_train(struct lab_node *n, struct adit_train *t, const char *src, const char *dst,
				     size_t len, unsigned cnt, uint8_t tos)
{
	static uint8_t wire[ADIT_WIRE_MAX + 64];
	int r;

	memset(t, 0, sizeof(*t));
	t->wire = wire;
	t->stride = t->last_len = (uint32_t)adit_wg_wire_len(n->wg, len);
	t->cnt = (uint16_t)cnt;
	for (unsigned k = 0; k < cnt; k++) {
		uint8_t *p = wire + (size_t)k * t->stride + ADIT_WG_HEAD;

		lab_packet(p, src, dst, len);
		p[1] = p[0] >> 4 == 4 ? tos : (uint8_t)(tos << 4);
		if (len > 40)
			p[len - 1] = (uint8_t)k; /* tells them apart */
		t->len[k] = (uint16_t)len;
	}
	r = adit_wg_out_begin(n->wg, t, n->lab->now);
	if (r == ADIT_SEAL)
		lab_emit(n, t);
	return r;
}

static LAB_UNUSED int lab_send(struct lab_node *n, const char *src, const char *dst, size_t len)
{
	struct adit_train t;

	return lab_send_train(n, &t, src, dst, len, 1, 0);
}

/* --- the link ------------------------------------------------------------------- */

static LAB_UNUSED void lab_work(struct lab_node *n)
{
	while (adit_wg_work(n->wg, 64, n->lab->now) > 0)
		;
	lab_staged(n);
}

static LAB_UNUSED void lab_deliver(struct lab_node *n, const uint8_t *data, size_t len, const struct adit_path *from,
				   uint8_t tos)
{
	static uint8_t buf[ADIT_WIRE_MAX];
	struct adit_train t;

	memset(&t, 0, sizeof(t));
	memcpy(buf, data, len);
	adit_train_in(&t, buf, (uint32_t)len, (uint32_t)len, from, tos);
	while (adit_wg_in_begin(n->wg, &t, n->lab->now) == ADIT_OPEN) {
		adit_wg_open(n->crypto, &t);
		adit_wg_in_done(n->wg, &t, n->lab->now);
		for (unsigned k = 0; k < t.cnt; k++) {
			if (!t.len[k])
				continue;
			assert_true(n->in_cnt < LAB_IN_MAX && t.len[k] <= LAB_MSG_MAX);
			n->in[n->in_cnt].len = t.len[k];
			memcpy(n->in[n->in_cnt++].data, t.wire + (size_t)k * t.stride + ADIT_WG_HEAD, t.len[k]);
		}
	}
	lab_work(n);
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

static LAB_UNUSED void lab_deliver_msg(struct lab *lab, const struct lab_node *from, const struct lab_msg *m)
{
	for (unsigned i = 0; i < lab->node_cnt; i++) {
		if (adit_path_same_remote(&lab->node[i]->self, &m->to))
			lab_deliver(lab->node[i], m->data, m->len, &from->self, m->tos);
	}
}

/* Delivers until nothing is on the way. Returns how many datagrams that were. */
static LAB_UNUSED unsigned lab_flow(struct lab *lab)
{
	unsigned cnt = 0;
	bool more = true;

	while (more) {
		more = false;
		for (unsigned i = 0; i < lab->node_cnt; i++) {
			while (lab->node[i]->out_cnt) {
				struct lab_msg m = lab_take(lab->node[i]);

				lab_deliver_msg(lab, lab->node[i], &m);
				more = true;
				cnt++;
			}
		}
	}
	return cnt;
}

static LAB_UNUSED void lab_tick(struct lab *lab)
{
	for (unsigned i = 0; i < lab->node_cnt; i++) {
		struct lab_node *n = lab->node[i];

		for (int turn = 0; adit_wg_deadline(n->wg) <= lab->now; turn++) {
			assert_true(turn < 1000);
			adit_wg_tick(n->wg, lab->now);
		}
		lab_staged(n);
	}
}

static LAB_UNUSED adit_time lab_deadline(const struct lab *lab)
{
	adit_time next = ADIT_NEVER;

	for (unsigned i = 0; i < lab->node_cnt; i++) {
		adit_time d = adit_wg_deadline(lab->node[i]->wg);

		if (d < next)
			next = d;
	}
	return next;
}

/* Lets time pass, every timer firing when due. With `flow` the link delivers;
 * without, what is sent stays in `out`. */
static LAB_UNUSED void lab_pass(struct lab *lab, adit_time span, bool flow)
{
	adit_time end = lab->now + span, step;

	lab_tick(lab);
	if (flow)
		lab_flow(lab);
	while ((step = lab_deadline(lab)) <= end) {
		if (step > lab->now) {
			lab->wall_ns += step - lab->now;
			lab->now = step;
		}
		lab_tick(lab);
		if (flow)
			lab_flow(lab);
	}
	lab->wall_ns += end - lab->now;
	lab->now = end;
}

/* Makes mac1 right again after a handshake message for `to` was changed. */
static LAB_UNUSED void lab_remac(const struct lab_node *to, uint8_t *msg, size_t len)
{
	uint8_t key[32];

	wg_cookie_label_key(to->crypto, key, "mac1----", to->public_key);
	adit_mac(to->crypto, msg + len - 32, key, sizeof(key), msg, len - 32, NULL, 0);
}

/* How many of the messages in `out` have this type and length (0: any); data
 * messages of 32 bytes are keepalives. */
static LAB_UNUSED unsigned lab_count_out(const struct lab_node *n, uint8_t type, size_t len)
{
	unsigned cnt = 0;

	for (unsigned i = 0; i < n->out_cnt; i++)
		cnt += n->out[i].data[0] == type && (len == 0 || n->out[i].len == len);
	return cnt;
}

static LAB_UNUSED struct adit_wg_peer_info lab_info(struct lab_node *n, struct adit_wg_peer *peer)
{
	struct adit_wg_peer_info info;

	adit_wg_peer_info(n->wg, peer, &info);
	return info;
}

static LAB_UNUSED uint64_t lab_drops(struct lab_node *n, enum adit_drop drop)
{
	struct adit_wg_stats stats;

	adit_wg_stats(n->wg, &stats, n->lab->now);
	return stats.drops[drop];
}

/* Two nodes that are each other's peer, 10.0.0.1 and 10.0.0.2 (and fd00::1, ::2) inside. */
struct lab_pair {
	struct lab lab;
	struct lab_node *a, *b;
	struct adit_wg_peer *ab, *ba; /* a's peer b, b's peer a */
};

static LAB_UNUSED void lab_pair_init(struct lab_pair *p)
{
	struct adit_prefix six = lab_prefix("fd00::/64");

	lab_init(&p->lab);
	p->a = lab_node(&p->lab, 1);
	p->b = lab_node(&p->lab, 2);
	p->ab = lab_peer(p->a, p->b, true, "10.0.0.2/32");
	p->ba = lab_peer(p->b, p->a, false, "10.0.0.1/32");
	assert_int_equal(adit_wg_peer_allow(p->a->wg, p->ab, &six), 0);
	assert_int_equal(adit_wg_peer_allow(p->b->wg, p->ba, &six), 0);
}

static LAB_UNUSED void lab_pair_fini(struct lab_pair *p)
{
	lab_fini(&p->lab);
}

/* A handshake begun by a, confirmed; nothing left on the way. */
static LAB_UNUSED void lab_pair_connect(struct lab_pair *p)
{
	adit_wg_peer_handshake(p->a->wg, p->ab, p->lab.now);
	lab_tick(&p->lab);
	lab_flow(&p->lab);
	assert_true(lab_info(p->a, p->ab).has_session);
	assert_true(lab_info(p->b, p->ba).has_session);
}

#endif
