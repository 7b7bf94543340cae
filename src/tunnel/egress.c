/* SPDX-License-Identifier: ISC */
/* egress.c - from the inside to the wire (DOC in egress.h) */
#include "tunnel/egress.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/inet.h"
#include "tunnel/worker.h"

enum {
	WIRE_LEN = 512 << 10,
	INPUT_HEAD = 64, /* at least ADIT_INNER_HEAD, and aligned */
	INPUT_LEN = INPUT_HEAD + ADIT_INNER_MAX,
	READS_A_TURN = 128,
	BYTES_A_TURN = 128 << 10,
	GSO_HINT = 8,
};

/* A packet that was read. */
struct packet {
	uint8_t *p;
	uint32_t len;
	struct adit_inner_meta meta;
};

/* --- trains --------------------------------------------------------------- */

static void send_ready(struct adit_worker *w)
{
	struct adit_egress *e = &w->egress;

	if (e->ready_cnt)
		adit_worker_send(w, e->ready, e->ready_cnt);
	e->ready_cnt = e->used = 0;
	e->wire_pos = 0;
}

static uint8_t *plain_start(const struct adit_worker *w, const struct adit_train *t)
{
	return t->super ? t->super->hdr : t->wire + w->engine->core->head;
}

/* Tells the local sender, as far as the limit allows. */
static void answer_unreachable(struct adit_worker *w, const struct adit_train *t, adit_time now)
{
	uint8_t buf[ADIT_INNER_HEAD + ADIT_ICMP_MAX], *pkt = buf + ADIT_INNER_HEAD;
	struct iovec iov = { .iov_base = pkt };
	const struct adit_inner_meta plain = { 0 };
	bool allowed;

	if (t->drop != ADIT_DROP_no_peer && t->drop != ADIT_DROP_no_endpoint)
		return;
	adit_worker_hold(w);
	allowed = adit_icmp_allowed(&w->engine->icmp, now);
	adit_worker_release(w);
	if (!allowed)
		return;
	iov.iov_len = adit_icmp_unreachable(pkt, plain_start(w, t), t->super ? t->super->hdr_len : t->len[0]);
	if (iov.iov_len)
		w->inner->ops->write(w->inner, &plain, &iov, 1);
}

/* Has the core begin, seal and finish a train, and queues it. */
static void finish_train(struct adit_worker *w, struct adit_train *t, adit_time now)
{
	const struct adit_core *core = w->engine->core;
	struct adit_egress *e = &w->egress;
	int v;

	t->drop = ADIT_DROP_NONE;
	adit_worker_hold(w);
	v = core->out_begin(w->engine->state, t, now);
	adit_worker_release(w);
	if (v != ADIT_SEAL) {
		if (t->drop) {
			adit_tap_train(w, t);
			answer_unreachable(w, t, now);
		}
		return;
	}
	core->seal(w->crypto, t);
	adit_worker_hold(w);
	core->out_done(w->engine->state, t, now);
	adit_worker_release(w);
	if (t->cnt)
		e->ready[e->ready_cnt++] = t;
}

static void close_open(struct adit_worker *w, adit_time now)
{
	struct adit_egress *e = &w->egress;
	struct adit_train *t = e->open;

	e->open = NULL;
	if (t)
		finish_train(w, t, now);
}

/* A fresh train with `bytes` of arena ahead of it; sends what waits when either runs out. */
static struct adit_train *new_train(struct adit_worker *w, size_t bytes)
{
	struct adit_egress *e = &w->egress;
	struct adit_train *t;

	if (e->used == ADIT_EGRESS_TRAINS || e->wire_cap - e->wire_pos < bytes)
		send_ready(w);
	t = &e->train[e->used++];
	t->wire = e->wire + e->wire_pos;
	t->super = NULL;
	t->super_first = 0;
	t->cnt = 0;
	return t;
}

/* --- super-packets -------------------------------------------------------- */

static unsigned segments_that_fit(uint32_t stride, unsigned left)
{
	unsigned max = ADIT_WIRE_MAX / stride;

	if (max > ADIT_TRAIN_MAX)
		max = ADIT_TRAIN_MAX;
	return left < max ? left : max;
}

static void send_segments(struct adit_worker *w, unsigned first, unsigned cnt, uint32_t stride, adit_time now)
{
	struct adit_super *s = &w->egress.super;
	struct adit_train *t = new_train(w, (size_t)stride * cnt);

	t->super = s;
	t->super_first = (uint16_t)first;
	t->stride = stride;
	t->cnt = (uint16_t)cnt;
	for (unsigned k = 0; k < cnt; k++)
		t->len[k] = (uint16_t)adit_super_segment_len(s, first + k);
	t->last_len = (uint32_t)w->engine->core->wire_len(w->engine->state, t->len[cnt - 1]);
	w->egress.wire_pos += (size_t)stride * cnt;
	finish_train(w, t, now);
}

static void send_super(struct adit_worker *w, adit_time now)
{
	struct adit_super *s = &w->egress.super;
	uint32_t stride = (uint32_t)w->engine->core->wire_len(w->engine->state, adit_super_segment_len(s, 0));

	for (unsigned first = 0, n; first < s->cnt; first += n) {
		n = segments_that_fit(stride, s->cnt - first);
		send_segments(w, first, n, stride, now);
	}
}

static void drop_packet(struct adit_worker *w, const struct packet *p, enum adit_drop drop)
{
	adit_worker_drop(w, drop, 1);
	adit_tap_packet(w, drop, p->p, p->len);
}

static void take_super(struct adit_worker *w, const struct packet *p, adit_time now)
{
	struct adit_super *s = &w->egress.super;

	close_open(w, now);
	if (adit_super_init(s, p->p, p->len, p->meta.gso_kind, p->meta.csum_start, p->meta.hdr_len, p->meta.gso_size) <
	    0) {
		drop_packet(w, p, ADIT_DROP_not_ip);
		return;
	}
	send_super(w, now);
}

/* --- single packets ------------------------------------------------------- */

/* Destination, version and ECN mark; false when it is no IP packet. */
static bool train_key(uint8_t key[18], const uint8_t *ip, uint32_t len)
{
	memset(key, 0, 18);
	if (len >= ADIT_IP4_HDR && adit_ip_version(ip) == 4)
		memcpy(key, ip + 16, 4);
	else if (len >= ADIT_IP6_HDR && adit_ip_version(ip) == 6)
		memcpy(key, ip + 24, 16);
	else
		return false;
	key[16] = (uint8_t)adit_ip_version(ip);
	key[17] = adit_ip_tos(ip) & 3;
	return true;
}

static bool may_append(const struct adit_egress *e, const uint8_t key[18], uint32_t wire_len)
{
	const struct adit_train *t = e->open;

	return t && t->cnt < ADIT_TRAIN_MAX && wire_len <= t->stride && t->last_len == t->stride &&
	       (size_t)t->stride * t->cnt + wire_len <= ADIT_WIRE_MAX && memcmp(key, e->open_key, 18) == 0;
}

/* The packet's checksum made whole, or in strict mode verified. */
static bool checksum_right(struct adit_worker *w, struct packet *p)
{
	if (p->meta.needs_csum)
		return adit_checksum_complete(p->p, p->len, p->meta.csum_start, p->meta.csum_offset);
	return !w->engine->strict || adit_checksum_ok(p->p, p->len);
}

static void take_single(struct adit_worker *w, struct packet *p, adit_time now)
{
	struct adit_egress *e = &w->egress;
	uint32_t wire_len = (uint32_t)w->engine->core->wire_len(w->engine->state, p->len);
	uint8_t key[18];

	if (!train_key(key, p->p, p->len)) {
		drop_packet(w, p, ADIT_DROP_not_ip);
		return;
	}
	if (!checksum_right(w, p)) {
		drop_packet(w, p, ADIT_DROP_bad_checksum);
		return;
	}
	if (!may_append(e, key, wire_len)) {
		close_open(w, now); /* frees no arena: p stays where it is */
		e->open = new_train(w, 0);
		e->open->stride = wire_len;
		memcpy(e->open_key, key, sizeof(key));
	}
	e->open->len[e->open->cnt++] = (uint16_t)p->len;
	e->open->last_len = wire_len;
	e->wire_pos += wire_len;
}

/* --- reading -------------------------------------------------------------- */

static int read_packet(struct adit_worker *w, struct packet *p)
{
	struct adit_egress *e = &w->egress;
	uint8_t *place = e->wire + e->wire_pos + w->engine->core->head, *input = e->input + INPUT_HEAD;
	bool into_input = e->gso_hint > 0;
	ssize_t n;

	p->p = into_input ? input : place;
	n = w->inner->ops->read(w->inner, &p->meta, p->p);
	if (n < 0)
		return (int)n;
	p->len = (uint32_t)n;
	if (p->meta.gso_size) {
		e->gso_hint = GSO_HINT;
		if (!into_input)
			p->p = memcpy(input, place, p->len);
	} else if (into_input) {
		e->gso_hint--;
		p->p = memcpy(place, input, p->len);
	}
	return 0;
}

/* From a stack of our own: a single packet stands where it is sealed, a super is lent. */
static int take_lent(struct adit_worker *w, uint32_t *len, adit_time now)
{
	struct adit_egress *e = &w->egress;
	struct packet p = { .p = e->wire + e->wire_pos + w->engine->core->head };
	ssize_t n = w->inner->ops->read_lent(w->inner, p.p, &e->super);

	if (n < 0)
		return (int)n;
	if (n > 0) {
		p.len = *len = (uint32_t)n;
		take_single(w, &p, now);
		return 0;
	}
	close_open(w, now);
	*len = e->super.len;
	send_super(w, now);
	adit_super_restore(&e->super);
	return 0;
}

static int take_packet(struct adit_worker *w, uint32_t *len, adit_time now)
{
	struct packet p;
	int r;

	if (w->inner->ops->read_lent)
		return take_lent(w, len, now);
	r = read_packet(w, &p);
	if (r < 0)
		return r;
	*len = p.len;
	if (p.meta.gso_size)
		take_super(w, &p, now);
	else
		take_single(w, &p, now);
	return 0;
}

/* Room for one more single of any size, so that what is read has its place. */
static void make_room(struct adit_worker *w, adit_time now)
{
	struct adit_egress *e = &w->egress;

	if (e->wire_cap - e->wire_pos >= ADIT_INNER_MAX + 1024 && e->used + 2 <= ADIT_EGRESS_TRAINS)
		return;
	close_open(w, now);
	send_ready(w);
}

int adit_egress_turn(struct adit_worker *w, adit_time now)
{
	unsigned reads = 0, bytes = 0;
	int r = 0;

	while (reads < READS_A_TURN && bytes < BYTES_A_TURN) {
		uint32_t len = 0;

		make_room(w, now);
		r = take_packet(w, &len, now);
		if (r == -EINVAL) {
			adit_worker_drop(w, ADIT_DROP_not_ip, 1);
			reads++;
			continue;
		}
		if (r < 0)
			break;
		reads++;
		bytes += len;
	}
	close_open(w, now);
	send_ready(w);
	adit_count(&w->n.tun_reads, reads);
	return r == -EBADFD ? r : (int)reads;
}

void adit_egress_staged(struct adit_worker *w, adit_time now)
{
	const struct adit_core *core = w->engine->core;
	struct adit_egress *e = &w->egress;
	int v;

	for (;;) {
		struct adit_train *t = new_train(w, ADIT_WIRE_MAX + 64);

		adit_worker_hold(w);
		v = core->staged_next(w->engine->state, t, t->wire, ADIT_WIRE_MAX, now);
		adit_worker_release(w);
		if (v != ADIT_SEAL)
			break;
		core->seal(w->crypto, t);
		adit_worker_hold(w);
		core->out_done(w->engine->state, t, now);
		adit_worker_release(w);
		if (t->cnt) {
			e->wire_pos += adit_train_bytes(t);
			e->ready[e->ready_cnt++] = t;
		}
	}
	send_ready(w);
}

int adit_egress_init(struct adit_egress *e)
{
	memset(e, 0, sizeof(*e));
	e->wire_cap = WIRE_LEN;
	e->wire = aligned_alloc(64, WIRE_LEN);
	e->input = aligned_alloc(64, INPUT_LEN);
	e->train = calloc(ADIT_EGRESS_TRAINS, sizeof(*e->train));
	if (e->wire && e->input && e->train)
		return 0;
	adit_egress_fini(e);
	return -ENOMEM;
}

void adit_egress_fini(struct adit_egress *e)
{
	free(e->wire);
	free(e->input);
	free(e->train);
	memset(e, 0, sizeof(*e));
}
