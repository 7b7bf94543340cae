/* SPDX-License-Identifier: ISC */
/* world.c - the virtual clock, the queue of events and the bad link */
#include "world.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define START (1000 * ADIT_SEC)
#define COALESCE_MAX 64

struct event {
	adit_time at;
	uint64_t order; /* events of one instant keep theirs */
	unsigned node;
	struct datagram *d;
};

_Noreturn void sim_fail(struct world *w, const char *fmt, ...)
{
	va_list ap;
	int n = snprintf(w->message, sizeof(w->message), "at %.6f s: ", (double)(w->now - START) / 1e9);

	va_start(ap, fmt);
	vsnprintf(w->message + n, sizeof(w->message) - (size_t)n, fmt, ap);
	va_end(ap);
	longjmp(w->failed, 1);
}

void sim_trace(struct world *w, const char *fmt, ...)
{
	va_list ap;

	if (!w->trace)
		return;
	printf("# %12.6f ", (double)(w->now - START) / 1e9);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

static bool earlier(const struct event *a, const struct event *b)
{
	return a->at < b->at || (a->at == b->at && a->order < b->order);
}

static void heap_push(struct world *w, unsigned node, struct datagram *d, adit_time at)
{
	struct event e = { .at = at, .order = w->event_order++, .node = node, .d = d };
	size_t i = w->heap_cnt++;

	if (w->heap_cnt > w->heap_cap) {
		w->heap_cap = w->heap_cap ? 2 * w->heap_cap : 256;
		w->heap = realloc(w->heap, w->heap_cap * sizeof(*w->heap));
		assert(w->heap);
	}
	for (; i > 0 && earlier(&e, &w->heap[(i - 1) / 2]); i = (i - 1) / 2)
		w->heap[i] = w->heap[(i - 1) / 2];
	w->heap[i] = e;
}

static struct event heap_pop(struct world *w)
{
	struct event top = w->heap[0], last = w->heap[--w->heap_cnt];
	size_t i = 0;

	for (size_t c = 1; c < w->heap_cnt; c = 2 * i + 1) {
		if (c + 1 < w->heap_cnt && earlier(&w->heap[c + 1], &w->heap[c]))
			c++;
		if (!earlier(&w->heap[c], &last))
			break;
		w->heap[i] = w->heap[c];
		i = c;
	}
	if (w->heap_cnt > 0)
		w->heap[i] = last;
	return top;
}

static struct datagram *datagram_new(const struct adit_path *from, const struct adit_path *to, const void *bytes,
				     size_t len, uint8_t tos, adit_time at)
{
	struct datagram *d = malloc(sizeof(*d) + len);

	assert(d);
	*d = (struct datagram){ .from = *from, .to = *to, .at = at, .len = (unsigned)len, .tos = tos, .intact = true };
	memcpy(d->bytes, bytes, len);
	return d;
}

/* What the link does to one copy of a datagram. */
static void link_send(struct world *w, unsigned node, struct datagram *d)
{
	const struct link_quality *l = &w->link;
	adit_time at = w->now + l->delay;

	if (rng_chance(&w->rng, l->corrupt) && d->len > 0) {
		size_t at_byte = rng_below(&w->rng, d->len);

		for (unsigned k = 0; k <= rng_below(&w->rng, 3) && at_byte + k < d->len; k++)
			d->bytes[at_byte + k] ^= (uint8_t)(1u << rng_below(&w->rng, 8));
		d->intact = false;
	}
	if (rng_chance(&w->rng, l->truncate) && d->len > 0) {
		d->len = (unsigned)rng_below(&w->rng, d->len);
		d->intact = false;
	}
	if (rng_chance(&w->rng, l->ce) && (d->tos & 3))
		d->tos |= 3;
	if (rng_chance(&w->rng, l->reorder) && l->jitter > 0)
		at += rng_range(&w->rng, 1, l->jitter);
	heap_push(w, node, d, at);
}

/* A node's datagram leaves for the network. */
static void network(struct node *n, const struct adit_path *path, const uint8_t *buf, size_t len, uint8_t tos)
{
	struct world *w = n->w;
	unsigned to = world_owner(w, path);
	struct adit_path from = n->at[path->kind == ADIT_PATH_UDP6];

	if (w->capture) {
		if (w->captured_cnt == w->captured_cap) {
			w->captured_cap = w->captured_cap ? 2 * w->captured_cap : 256;
			w->captured = realloc(w->captured, w->captured_cap * sizeof(*w->captured));
			assert(w->captured);
		}
		w->captured[w->captured_cnt++] = datagram_new(&from, path, buf, len, tos, w->now);
	}
	if (to == UINT32_MAX) {
		w->stray_cnt++;
		w->stray_bytes += len;
		w->stray_type[buf[0] <= TYPE_DATA ? buf[0] : 0]++;
		return;
	}
	if (w->link.down || (w->link.mtu && len > w->link.mtu) || rng_chance(&w->rng, w->link.loss))
		return;
	if (rng_chance(&w->rng, w->link.dup))
		link_send(w, to, datagram_new(&from, path, buf, len, tos, w->now));
	link_send(w, to, datagram_new(&from, path, buf, len, tos, w->now));
}

void world_emit(void *user, const struct adit_path *path, const uint8_t *buf, size_t len, uint8_t tos)
{
	struct node *n = user;

	(n->st ? static_wire_sent : wire_sent)(n, path, buf, len, tos);
	network(n, path, buf, len, tos);
}

void world_deliver(void *user, const uint8_t *packet, size_t len, uint8_t outer_tos)
{
	struct node *n = user;

	if (n->st)
		static_wire_opened(n, packet - n->w->face->head);
	else
		wire_opened(n, adit_get_le32(packet - ADIT_WG_HEAD + 4));
	flow_delivered(n, packet, len, outer_tos);
}

void world_inject(struct world *w, unsigned to, const struct adit_path *from, const void *bytes, size_t len,
		  adit_time at)
{
	struct datagram *d = datagram_new(from, &w->nodes[to].at[from->kind == ADIT_PATH_UDP6], bytes, len, 0, w->now);

	d->intact = false; /* not what a node has just sent */
	heap_push(w, to, d, at < w->now ? w->now : at);
}

void world_replay(struct world *w, const struct datagram *d, const struct adit_path *from, unsigned flips,
		  adit_time at)
{
	unsigned to = world_owner(w, &d->to);
	struct datagram *copy;

	if (to == UINT32_MAX)
		return;
	copy = datagram_new(from ? from : &d->from, &d->to, d->bytes, d->len, d->tos, w->now);
	for (; flips > 0 && d->len > 0; flips--)
		copy->bytes[rng_below(&w->rng, d->len)] ^= (uint8_t)(1u << rng_below(&w->rng, 8));
	copy->intact = !memcmp(copy->bytes, d->bytes, d->len); /* the receiver cannot know that it is late */
	heap_push(w, to, copy, at < w->now ? w->now : at);
}

struct adit_path world_attacker(struct world *w, uint8_t kind)
{
	struct adit_path p = { .kind = kind, .port = (uint16_t)rng_range(&w->rng, 1024, 65535) };

	p.addr[0] = 198;
	p.addr[1] = 51;
	p.addr[2] = (uint8_t)rng_next(&w->rng);
	p.addr[3] = (uint8_t)rng_next(&w->rng);
	return p;
}

static bool follows(const struct datagram *first, const struct datagram *last, const struct datagram *next)
{
	return last->len == first->len && next->len <= first->len && next->len > 0 && next->tos == first->tos &&
	       adit_path_same_remote(&first->from, &next->from) && adit_path_same_remote(&first->to, &next->to);
}

/* Hands a node what arrives now: one datagram, or a run of them in one buffer. */
static void arrive(struct world *w)
{
	struct event e = heap_pop(w), more;
	struct datagram *run[COALESCE_MAX] = { e.d };
	struct node *n = &w->nodes[e.node];
	struct adit_path from = e.d->from;
	size_t len = e.d->len, stride = e.d->len, off = 0;
	unsigned cnt = 1;
	uint8_t *buf;

	while (w->coalesce && w->heap_cnt > 0 && w->heap[0].at == e.at && w->heap[0].node == e.node &&
	       cnt < COALESCE_MAX && follows(e.d, run[cnt - 1], w->heap[0].d) && len + w->heap[0].d->len <= 65535) {
		more = heap_pop(w);
		len += more.d->len;
		run[cnt++] = more.d;
	}
	/* its address may have changed, or it may be switched off, since this was sent */
	if (node_on(n) && !n->asleep && adit_path_same_remote(&e.d->to, &n->at[from.kind == ADIT_PATH_UDP6])) {
		buf = malloc(len ? len : 1);
		assert(buf);
		for (unsigned k = 0; k < cnt; k++) {
			(n->st ? static_wire_arrived : wire_arrived)(n, run[k]);
			memcpy(buf + off, run[k]->bytes, run[k]->len);
			off += run[k]->len;
		}
		memcpy(from.src, e.d->to.addr, sizeof(from.src));
		from.ifindex = 2;
		drive_in(&n->d, buf, len, stride, &from, e.d->tos, node_now(n));
		free(buf);
		node_touch(n);
	}
	for (unsigned k = 0; k < cnt; k++)
		free(run[k]);
}

static adit_time node_next(const struct node *n)
{
	adit_time t = n->deadline;

	if (n->finish_at < t)
		t = n->finish_at;
	return n->work_at < t ? n->work_at : t;
}

/* The node whose next deadline is first. */
static struct node *world_first(struct world *w)
{
	struct node *first = NULL;

	for (unsigned i = 0; i < w->node_cnt; i++) {
		struct node *n = &w->nodes[i];

		if (node_on(n) && !n->asleep && (!first || node_next(n) < node_next(first)))
			first = n;
	}
	return first;
}

void world_run(struct world *w, adit_time t)
{
	adit_time until = w->now + t;

	for (;;) {
		struct node *n = world_first(w);
		adit_time due = n ? node_next(n) : ADIT_NEVER;

		if (w->heap_cnt > 0 && w->heap[0].at <= due && w->heap[0].at <= until) {
			w->now = w->heap[0].at;
			arrive(w);
		} else if (due <= until) {
			if (due > w->now)
				w->now = due;
			if (n->finish_at <= w->now) {
				n->finish_at = ADIT_NEVER;
				drive_finish(&n->d, node_now(n));
			}
			node_touch(n);
		} else {
			break;
		}
	}
	w->now = until;
}

void world_init(struct world *w, const char *name, uint64_t seed, bool trace)
{
	static struct adit_crypto *crypto[2]; /* the fastest, and the portable one: they must agree */

	memset(w, 0, sizeof(*w));
	w->name = name;
	w->seed = seed;
	w->trace = trace;
	w->rng.state = seed;
	w->now = START;
	w->coalesce = true;
	w->face = &adit_core_wg;
	w->link = (struct link_quality){ .delay = 10 * ADIT_MSEC };
	for (int i = 0; i < 2; i++) {
		if (!crypto[i] && adit_crypto_new(&crypto[i], i ? "openssl" : NULL) < 0)
			abort();
	}
	w->crypto = crypto[rng_next(&w->rng) & 1];
}

void world_nodes(struct world *w, unsigned cnt)
{
	w->nodes = calloc(cnt, sizeof(*w->nodes));
	assert(w->nodes);
	w->node_cnt = cnt;
	for (unsigned i = 0; i < cnt; i++) {
		struct node *n = &w->nodes[i];

		n->w = w;
		n->id = i;
		n->work_max = WORK_ALL;
		n->rng.state = rng_next(&w->rng);
		rng_fill(&w->rng, n->priv, sizeof(n->priv));
		adit_x25519_clamp(n->priv);
		adit_x25519_public(w->crypto, n->pub, n->priv);
		n->deadline = n->finish_at = n->work_at = ADIT_NEVER;
		node_roam(n);
		memcpy(n->home, n->at, sizeof(n->home));
		node_start(n);
	}
}

void world_fini(struct world *w)
{
	for (unsigned i = 0; i < w->node_cnt; i++)
		node_stop(&w->nodes[i]);
	while (w->heap_cnt > 0)
		free(heap_pop(w).d);
	for (size_t i = 0; i < w->captured_cnt; i++)
		free(w->captured[i]);
	for (size_t i = 0; i < w->flow_cnt; i++) {
		free(w->flows[i]->items);
		free(w->flows[i]);
	}
	free(w->captured);
	free(w->flows);
	free(w->heap);
	free(w->nodes);
	table_fini(&w->flow_index);
	wire_fini(w);
}
