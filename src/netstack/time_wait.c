/* SPDX-License-Identifier: ISC */
/*
 * time_wait.c - connections that wait for their last segments to die out
 *
 * DOC: a queue of 64-byte entries
 *
 * All entries last equally long, so those in the order of their beginnings
 * are a queue: one timer for its head. What is forgotten early, or begins anew
 * because its peer sent FIN again, stays where it is in the queue and is
 * dealt with when it gets to the head. Entries stand in blocks and are named
 * by a number, half as long as a pointer.
 */
#include "netstack/time_wait.h"

#include <assert.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/inet.h"
#include "netstack/ip.h"
#include "netstack/seq.h"

enum {
	BLOCK = 1024,
	BLOCKS = TIME_WAIT_MAX / BLOCK,
	OPT_END = 0, OPT_NOP = 1, OPT_TIMESTAMPS = 8, OPT_TIMESTAMPS_LEN = 10,
	ACKS_PER_S = 1000, /* in answer to what does not fit */
};

#define NONE UINT32_MAX

enum { LIVE = 1, TIMESTAMPS = 2, RENEWED = 4, DENIABLE = 8 /* a SYN was told of it */ };

struct time_wait {
	uint8_t local[16], remote[16];
	uint16_t local_port, remote_port;
	uint8_t family;
	uint8_t flags;
	uint16_t rcv_wnd;
	uint32_t snd_nxt, rcv_nxt;
	uint32_t ts_recent, ts_offset;
	uint32_t since; /* ms, modulo 2^32 */
	uint32_t next;  /* in the queue, or of the free ones */
};
_Static_assert(sizeof(struct time_wait) == 64, "a cache line");

struct ns_time_waits {
	struct ns_timer timer;
	struct adit_netstack *ns;
	struct time_wait *block[BLOCKS];
	unsigned blocks;
	uint32_t free, head, tail;
	unsigned ack_tokens;
	adit_time ack_refill;
};

struct key {
	const struct adit_endpoint *local, *remote;
};

static uint32_t ms(adit_time t)
{
	return (uint32_t)(t / ADIT_MSEC);
}

static uint32_t age_ms(const struct time_wait *e, adit_time now)
{
	return ms(now) - e->since;
}

static struct time_wait *entry(const struct ns_time_waits *w, uint32_t i)
{
	return &w->block[i / BLOCK][i % BLOCK];
}

static bool entry_equal(const void *item, const void *key)
{
	const struct time_wait *e = item;
	const struct key *k = key;

	return e->remote_port == k->remote->port && e->local_port == k->local->port &&
	       e->family == k->local->addr.family && !memcmp(e->remote, k->remote->addr.bytes, 16) &&
	       !memcmp(e->local, k->local->addr.bytes, 16);
}

static struct time_wait *find(const struct adit_netstack *ns, const struct adit_endpoint *local,
			      const struct adit_endpoint *remote)
{
	const struct key k = { local, remote };

	if (!adit_map_size(&ns->time_wait))
		return NULL;
	return adit_map_find(&ns->time_wait, ns_flow_hash(ns, local, remote), &k);
}

static void entry_endpoints(const struct time_wait *e, struct adit_endpoint *local, struct adit_endpoint *remote)
{
	local->addr.family = remote->addr.family = e->family;
	memcpy(local->addr.bytes, e->local, 16);
	memcpy(remote->addr.bytes, e->remote, 16);
	local->port = e->local_port;
	remote->port = e->remote_port;
}

/* --- the queue ---------------------------------------------------------------------- */

static void enqueue(struct ns_time_waits *w, uint32_t i)
{
	entry(w, i)->next = NONE;
	if (w->head == NONE)
		w->head = i;
	else
		entry(w, w->tail)->next = i;
	w->tail = i;
}

static uint32_t dequeue(struct ns_time_waits *w)
{
	uint32_t i = w->head;

	w->head = entry(w, i)->next;
	return i;
}

/* Out of the map; the queue gives the entry back later. */
static void forget(struct adit_netstack *ns, struct time_wait *e)
{
	struct adit_endpoint local, remote;

	entry_endpoints(e, &local, &remote);
	adit_map_remove(&ns->time_wait, ns_flow_hash(ns, &local, &remote), e);
	e->flags = 0;
}

static void give_back(struct ns_time_waits *w, uint32_t i)
{
	if (entry(w, i)->flags & LIVE)
		forget(w->ns, entry(w, i));
	entry(w, i)->next = w->free;
	w->free = i;
}

static bool add_block(struct ns_time_waits *w)
{
	size_t size = BLOCK * sizeof(struct time_wait);
	struct time_wait *b;

	if (w->blocks == BLOCKS || !ns_charge(w->ns, size))
		return false;
	b = calloc(1, size);
	if (!b) {
		ns_uncharge(w->ns, size);
		return false;
	}
	w->block[w->blocks] = b;
	for (uint32_t i = 0; i < BLOCK; i++) {
		b[i].next = w->free;
		w->free = w->blocks * BLOCK + i;
	}
	w->blocks++;
	return true;
}

static void free_blocks(struct ns_time_waits *w)
{
	while (w->blocks) {
		free(w->block[--w->blocks]);
		ns_uncharge(w->ns, BLOCK * sizeof(struct time_wait));
	}
	w->free = w->head = NONE;
}

/* A free entry; where there is none, the oldest one. */
static uint32_t take(struct ns_time_waits *w)
{
	uint32_t i;

	if (w->free == NONE && !add_block(w)) {
		if (w->head == NONE)
			return NONE;
		give_back(w, dequeue(w));
	}
	i = w->free;
	w->free = entry(w, i)->next;
	return i;
}

static void plan(struct ns_time_waits *w, adit_time now)
{
	adit_time left;

	if (w->head == NONE)
		return;
	left = (adit_time)(TIME_WAIT_LEN / ADIT_MSEC) - age_ms(entry(w, w->head), now);
	ns_timer_set(w->ns, &w->timer, now + (left > 0 ? left : 0) * ADIT_MSEC + ADIT_MSEC);
}

static void expired(struct ns_timer *t, adit_time now)
{
	struct ns_time_waits *w = adit_container_of(t, struct ns_time_waits, timer);

	while (w->head != NONE) {
		struct time_wait *e = entry(w, w->head);

		if (e->flags & RENEWED) { /* its turn comes again */
			e->flags &= (uint8_t)~RENEWED;
			enqueue(w, dequeue(w));
			continue;
		}
		if (e->flags & LIVE && age_ms(e, now) < TIME_WAIT_LEN / ADIT_MSEC)
			break;
		give_back(w, dequeue(w));
	}
	if (w->head == NONE)
		free_blocks(w);
	plan(w, now);
}

/* --- what TCP asks for ---------------------------------------------------------------- */

static struct ns_time_waits *table(struct adit_netstack *ns, adit_time now)
{
	struct ns_time_waits *w = ns->time_waits;

	if (w || !ns_charge(ns, sizeof(*w)))
		return w;
	w = calloc(1, sizeof(*w));
	if (!w) {
		ns_uncharge(ns, sizeof(*w));
		return NULL;
	}
	w->ns = ns;
	w->timer.expired = expired;
	adit_wheel_entry_init(&w->timer.entry);
	w->free = w->head = NONE;
	w->ack_refill = now - ADIT_SEC;
	ns->time_waits = w;
	return w;
}

static void fill(struct time_wait *e, const struct adit_endpoint *local, const struct adit_endpoint *remote,
		 const struct time_wait_info *info, adit_time now)
{
	memcpy(e->local, local->addr.bytes, 16);
	memcpy(e->remote, remote->addr.bytes, 16);
	e->local_port = local->port;
	e->remote_port = remote->port;
	e->family = local->addr.family;
	e->flags = (uint8_t)(LIVE | (info->timestamps ? TIMESTAMPS : 0));
	e->rcv_wnd = info->rcv_wnd < UINT16_MAX ? (uint16_t)info->rcv_wnd : UINT16_MAX;
	e->snd_nxt = info->snd_nxt;
	e->rcv_nxt = info->rcv_nxt;
	e->ts_recent = info->ts_recent;
	e->ts_offset = info->ts_offset;
	e->since = ms(now);
}

/* Without memory there is no TIME-WAIT: the connection is simply gone. */
void time_wait_add(struct adit_netstack *ns, const struct adit_endpoint *local, const struct adit_endpoint *remote,
		   const struct time_wait_info *info, adit_time now)
{
	struct ns_time_waits *w = table(ns, now);
	uint64_t hash = ns_flow_hash(ns, local, remote);
	struct time_wait *old = find(ns, local, remote);
	bool first;
	uint32_t i;

	if (old)
		forget(ns, old);
	i = w ? take(w) : NONE;
	if (i == NONE)
		return;
	if (adit_map_insert(&ns->time_wait, hash, entry(w, i))) {
		give_back(w, i); /* it is not live yet */
		return;
	}
	fill(entry(w, i), local, remote, info, now);
	first = w->head == NONE;
	enqueue(w, i);
	if (first)
		plan(w, now);
}

static bool find_timestamp(const struct tcp_segment *seg, uint32_t *tsval)
{
	const uint8_t *p = seg->options;

	for (unsigned i = 0; i < seg->options_len && p[i] != OPT_END;) {
		unsigned left = seg->options_len - i;

		if (p[i] == OPT_NOP) {
			i++;
			continue;
		}
		if (left < 2 || p[i + 1] < 2 || p[i + 1] > left)
			return false;
		if (p[i] == OPT_TIMESTAMPS && p[i + 1] == OPT_TIMESTAMPS_LEN) {
			*tsval = adit_get_be32(p + i + 2);
			return true;
		}
		i += p[i + 1];
	}
	return false;
}

/* RFC 6191 2: is it certain that this SYN begins something new? */
static bool syn_is_new(const struct time_wait *e, const struct tcp_segment *seg)
{
	uint32_t tsval;

	if (e->flags & TIMESTAMPS && find_timestamp(seg, &tsval) && tsval != e->ts_recent)
		return seq_lt(e->ts_recent, tsval);
	return seq_lt(e->rcv_nxt, seg->seq);
}

static void answer(struct ns_time_waits *w, const struct time_wait *e, const struct tcp_segment *seg, adit_time now)
{
	const struct time_wait_info info = {
		.snd_nxt = e->snd_nxt, .rcv_nxt = e->rcv_nxt, .ts_recent = e->ts_recent, .ts_offset = e->ts_offset,
		.rcv_wnd = e->rcv_wnd, .timestamps = e->flags & TIMESTAMPS,
	};

	if (ns_token(&w->ack_tokens, &w->ack_refill, ACKS_PER_S, now))
		tcp_send_bare_ack(w->ns, &seg->local, &seg->remote, &info, now);
}

/*
 * RFC 1337: an RST does not end TIME-WAIT, unless it is what a peer that was
 * started anew says to the ACK that its SYN got: it knows of no such connection.
 */
static void reset_in(struct adit_netstack *ns, struct time_wait *e, const struct tcp_segment *seg)
{
	if (e->flags & DENIABLE && seg->seq == e->rcv_nxt)
		forget(ns, e);
	else
		ns_drop(ns, ADIT_DROP_bad_rst, 1);
}

bool time_wait_in(struct adit_netstack *ns, const struct tcp_segment *seg, uint32_t *isn_floor, adit_time now)
{
	struct time_wait *e = find(ns, &seg->local, &seg->remote);
	uint32_t tsval = 0;
	bool old;

	if (!e)
		return false;
	if (seg->flags & ADIT_TCP_RST) {
		reset_in(ns, e, seg);
		return true;
	}
	if ((seg->flags & (ADIT_TCP_SYN | ADIT_TCP_ACK)) == ADIT_TCP_SYN && syn_is_new(e, seg)) {
		*isn_floor = e->snd_nxt;
		forget(ns, e);
		return false;
	}
	old = e->flags & TIMESTAMPS && find_timestamp(seg, &tsval) && seq_lt(tsval, e->ts_recent);
	if (!old && !(seg->flags & ADIT_TCP_SYN) && seg->len == 0 && seg->seq == e->rcv_nxt &&
	    !(seg->flags & ADIT_TCP_FIN))
		return true; /* the last ACK, or one like it: nothing to say */
	if (!old && seg->flags & ADIT_TCP_FIN && seg->seq + seg->len + 1 == e->rcv_nxt) {
		e->since = ms(now); /* FIN again: 2 MSL from now */
		e->flags |= RENEWED;
	} else {
		ns_drop(ns, old ? ADIT_DROP_paws : ADIT_DROP_out_of_window, 1);
		if (seg->flags & ADIT_TCP_SYN)
			e->flags |= DENIABLE;
	}
	answer(ns->time_waits, e, seg, now);
	return true;
}

/* --- stack.c and flow.c --------------------------------------------------------------- */

void time_wait_init(struct adit_netstack *ns)
{
	adit_map_init(&ns->time_wait, entry_equal);
}

void time_wait_fini(struct adit_netstack *ns)
{
	struct ns_time_waits *w = ns->time_waits;

	adit_map_fini(&ns->time_wait);
	if (!w)
		return;
	adit_wheel_cancel(&ns->wheel, &w->timer.entry);
	free_blocks(w);
	ns_uncharge(ns, sizeof(*w));
	free(w);
	ns->time_waits = NULL;
}

enum time_wait_port time_wait_port(const struct adit_netstack *ns, const struct adit_endpoint *local,
				   const struct adit_endpoint *remote, adit_time now)
{
	const struct time_wait *e = find(ns, local, remote);

	if (!e)
		return TIME_WAIT_FREE;
	return e->flags & TIMESTAMPS && age_ms(e, now) > ADIT_SEC / ADIT_MSEC ? TIME_WAIT_RESTED : TIME_WAIT_TAKEN;
}

void time_wait_forget(struct adit_netstack *ns, const struct adit_endpoint *local,
		      const struct adit_endpoint *remote)
{
	struct time_wait *e = find(ns, local, remote);

	if (e)
		forget(ns, e);
}

void time_wait_forget_address(struct adit_netstack *ns, const struct adit_addr *local)
{
	struct ns_time_waits *w = ns->time_waits;

	if (!w)
		return;
	for (uint32_t i = w->head; i != NONE; i = entry(w, i)->next) {
		struct time_wait *e = entry(w, i);

		if (e->flags & LIVE && e->family == local->family && !memcmp(e->local, local->bytes, 16))
			forget(ns, e);
	}
}
