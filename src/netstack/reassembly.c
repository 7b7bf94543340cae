/* SPDX-License-Identifier: ISC */
/* reassembly.c - packets put together from fragments (DOC in reassembly.h) */
#include "netstack/reassembly.h"

#include <assert.h>
#include <stdlib.h>

#include "crypto/crypto.h"

#define HEAD_MAX 512 /* IP header and extension headers of a fragmented packet */

struct fragment {
	struct fragment *next;
	uint32_t off, len;
	uint8_t data[];
};

struct key {
	struct adit_addr src, dst;
	uint8_t protocol; /* IPv4 only */
	uint8_t unused;
	uint32_t id;
};

/* A packet in the making. One that is dead only keeps its key from being used
 * until its time is over. */
struct partial {
	struct adit_list age; /* oldest first */
	struct key key;
	struct fragment *first, *last; /* by offset */
	uint32_t got, total;  /* bytes of payload; total 0: the end did not come yet */
	unsigned cnt;
	size_t charged;
	adit_time until;
	bool dead;
	/* of the fragment with offset 0: */
	uint8_t *head;
	uint16_t head_len, frag_hdr, next_hdr;
	uint8_t protocol;
};

/* A packet that was put together, while it is lent. */
struct whole {
	struct whole *next;
	struct iovec iov;
	size_t charged;
	uint8_t data[];
};

struct ns_reassembly {
	struct ns_timer timer;
	struct adit_netstack *ns;
	struct adit_map map;
	struct adit_list age;
	size_t bytes;
	struct whole *lent;
};

static uint64_t hash_of(const struct ns_reassembly *r, const struct key *k)
{
	return adit_shorthash(k, sizeof(*k), r->ns->hash_key);
}

static bool partial_equal(const void *item, const void *key)
{
	return !memcmp(&((const struct partial *)item)->key, key, sizeof(struct key));
}

/* --- memory -------------------------------------------------------------------------- */

static bool charge(struct ns_reassembly *r, struct partial *q, size_t len)
{
	if (!ns_charge(r->ns, len))
		return false;
	q->charged += len;
	r->bytes += len;
	return true;
}

/* Gives back all but the partial itself. */
static void drop_content(struct ns_reassembly *r, struct partial *q)
{
	size_t len = q->charged - sizeof(*q);

	while (q->first) {
		struct fragment *f = q->first;

		q->first = f->next;
		free(f);
	}
	free(q->head);
	q->head = NULL;
	q->last = NULL;
	ns_uncharge(r->ns, len);
	r->bytes -= len;
	q->charged = sizeof(*q);
}

static void free_partial(struct ns_reassembly *r, struct partial *q)
{
	drop_content(r, q);
	adit_map_remove(&r->map, hash_of(r, &q->key), q);
	adit_list_del(&q->age);
	ns_uncharge(r->ns, sizeof(*q));
	r->bytes -= sizeof(*q);
	free(q);
}

static struct partial *oldest(const struct ns_reassembly *r)
{
	return adit_list_empty(&r->age) ? NULL : adit_container_of(r->age.next, struct partial, age);
}

static void evict(struct ns_reassembly *r, struct partial *q)
{
	if (q->cnt && !q->dead)
		r->ns->n.drops[ADIT_DROP_fragment_limit] += q->cnt; /* not the packet being looked at */
	free_partial(r, q);
}

/* What a source has, and `len` bytes and `packets` more: too much? *own: its oldest, `keep` aside. */
static bool source_full(const struct ns_reassembly *r, const struct adit_addr *src, size_t len, unsigned packets,
			const struct partial *keep, struct partial **own)
{
	*own = NULL;
	for (struct adit_list *l = r->age.prev; l != &r->age; l = l->prev) {
		struct partial *q = adit_container_of(l, struct partial, age);

		if (!ip_same_addr(&q->key.src, src))
			continue;
		len += q->charged;
		packets++;
		if (q != keep)
			*own = q;
	}
	return len > REASSEMBLY_SOURCE_BYTES || packets > REASSEMBLY_PER_SOURCE;
}

/* Makes room for `len` bytes and `packets` more at the cost of the oldest, first of the source's own. */
static void make_room(struct ns_reassembly *r, const struct adit_addr *src, size_t len, unsigned packets,
		      const struct partial *keep)
{
	struct partial *q;

	while (source_full(r, src, len, packets, keep, &q) && q)
		evict(r, q);
	while (r->bytes + len > REASSEMBLY_BYTES || adit_map_size(&r->map) + packets > REASSEMBLY_PACKETS) {
		q = oldest(r);
		if (!q || q == keep)
			break;
		evict(r, q);
	}
}

/* --- time ---------------------------------------------------------------------------- */

static void plan(struct ns_reassembly *r)
{
	const struct partial *q = oldest(r);

	ns_timer_set(r->ns, &r->timer, q ? q->until : ADIT_NEVER);
}

/* RFC 792, RFC 8200 4.5: whoever sent the first fragment is told. */
static void tell(struct adit_netstack *ns, const struct partial *q, adit_time now)
{
	uint8_t packet[1280];
	size_t len = q->head_len;

	if (!q->head || !q->first || q->first->off)
		return;
	memcpy(packet, q->head, len);
	if (q->first->len < sizeof(packet) - len) {
		memcpy(packet + len, q->first->data, q->first->len);
		len += q->first->len;
	} else {
		memcpy(packet + len, q->first->data, sizeof(packet) - len);
		len = sizeof(packet);
	}
	icmp_send_error(ns, ICMP_REASSEMBLY_TIMEOUT, packet, len, now);
}

static void expired(struct ns_timer *t, adit_time now)
{
	struct ns_reassembly *r = adit_container_of(t, struct ns_reassembly, timer);
	struct partial *q;

	while ((q = oldest(r)) && q->until <= now) {
		if (!q->dead) {
			ns_drop(r->ns, ADIT_DROP_fragment_timeout, q->cnt);
			tell(r->ns, q, now);
		}
		free_partial(r, q);
	}
	plan(r);
}

/* --- a fragment ---------------------------------------------------------------------- */

static struct partial *find_or_begin(struct ns_reassembly *r, const struct ip_packet *p, adit_time now)
{
	struct key k;
	struct partial *q;
	bool first;

	memset(&k, 0, sizeof(k)); /* it is hashed with its padding */
	k.src = p->src;
	k.dst = p->dst;
	k.protocol = p->dst.family == 4 ? p->protocol : 0;
	k.id = p->frag_id;
	q = adit_map_find(&r->map, hash_of(r, &k), &k);
	if (q)
		return q;
	make_room(r, &p->src, sizeof(*q), 1, NULL);
	q = calloc(1, sizeof(*q));
	if (!q)
		return NULL;
	if (!charge(r, q, sizeof(*q)))
		goto err_free;
	memcpy(&q->key, &k, sizeof(k));
	if (adit_map_insert(&r->map, hash_of(r, &k), q))
		goto err_uncharge;
	q->until = now + REASSEMBLY_TIMEOUT;
	first = adit_list_empty(&r->age);
	adit_list_add_tail(&r->age, &q->age);
	if (first)
		plan(r);
	return q;
err_uncharge:
	ns_uncharge(r->ns, sizeof(*q));
	r->bytes -= sizeof(*q);
err_free:
	free(q);
	return NULL;
}

enum place { PLACE_FREE, PLACE_DUPLICATE, PLACE_OVERLAP };

/* Where [off, off + len) goes: behind *after (NULL: first). */
static enum place find_place(const struct partial *q, uint32_t off, uint32_t len, struct fragment **after)
{
	struct fragment *f = NULL, *next = q->first;

	if (q->last && off >= q->last->off + q->last->len) { /* the usual order */
		*after = q->last;
		return PLACE_FREE;
	}
	while (next && next->off < off) {
		f = next;
		next = next->next;
	}
	if (next && next->off == off && next->len == len)
		return PLACE_DUPLICATE;
	if ((f && f->off + f->len > off) || (next && off + len > next->off))
		return PLACE_OVERLAP;
	*after = f;
	return PLACE_FREE;
}

/* The end of the packet must be one and the same whoever names it. */
static bool end_fits(struct partial *q, const struct ip_packet *p, uint32_t len)
{
	uint32_t end = p->frag_off + len;

	if (p->more)
		return !q->total || end <= q->total;
	if ((q->total && q->total != end) || (q->last && q->last->off + q->last->len > end))
		return false;
	q->total = end;
	return true;
}

static bool keep_head(struct ns_reassembly *r, struct partial *q, const struct ip_packet *p)
{
	if (!charge(r, q, p->l4_off))
		return false;
	q->head = malloc(p->l4_off);
	if (!q->head)
		return false;
	memcpy(q->head, p->ip, p->l4_off);
	q->head_len = p->l4_off;
	q->frag_hdr = p->frag_hdr;
	q->next_hdr = p->next_hdr;
	q->protocol = p->protocol;
	return true;
}

static bool store(struct ns_reassembly *r, struct partial *q, const struct ip_packet *p, uint32_t len,
		  struct fragment *after)
{
	struct fragment *f;

	if (!p->frag_off && !keep_head(r, q, p))
		return false;
	if (!charge(r, q, sizeof(*f) + len))
		return false;
	f = malloc(sizeof(*f) + len);
	if (!f)
		return false;
	f->off = p->frag_off;
	f->len = len;
	ip_copy(f->data, p, p->l4_off, len);
	f->next = after ? after->next : q->first;
	if (after)
		after->next = f;
	else
		q->first = f;
	if (!f->next)
		q->last = f;
	q->got += len;
	q->cnt++;
	return true;
}

/* --- the whole ----------------------------------------------------------------------- */

/* The header of the first fragment as if there had been no fragments. Returns its length. */
static uint32_t put_head(uint8_t *to, const struct partial *q)
{
	if (q->key.dst.family == 4) {
		memcpy(to, q->head, q->head_len);
		adit_put_be16(to + IP4_LEN, (uint16_t)(q->head_len + q->total));
		adit_put_be16(to + IP4_FRAG, 0);
		adit_ip4_checksum(to, q->head_len);
		return q->head_len;
	}
	memcpy(to, q->head, q->frag_hdr);
	to[q->next_hdr] = q->protocol;
	adit_put_be16(to + IP6_LEN, (uint16_t)(q->frag_hdr - ADIT_IP6_HDR + q->total));
	return q->frag_hdr;
}

static struct whole *put_together(struct ns_reassembly *r, const struct partial *q)
{
	size_t len = (size_t)q->head_len + q->total, at;
	struct whole *w;

	if (!ns_charge(r->ns, sizeof(*w) + len))
		return NULL;
	w = malloc(sizeof(*w) + len);
	if (!w) {
		ns_uncharge(r->ns, sizeof(*w) + len);
		return NULL;
	}
	at = put_head(w->data, q);
	for (const struct fragment *f = q->first; f; f = f->next) {
		memcpy(w->data + at, f->data, f->len);
		at += f->len;
	}
	w->iov = (struct iovec){ w->data, at };
	w->charged = sizeof(*w) + len;
	w->next = r->lent;
	r->lent = w;
	return w;
}

static enum adit_drop complete(struct ns_reassembly *r, struct partial *q, adit_time now)
{
	struct whole *w = put_together(r, q);
	struct ip_packet p = { .whole = true };
	enum adit_drop drop;

	free_partial(r, q);
	if (!w)
		return ADIT_DROP_no_memory;
	drop = ip_parse(&p, &w->iov, 1, false, true);
	p.verified = false; /* nobody could before */
	return drop ? drop : ip_deliver(r->ns, &p, now);
}

/* --- what the stack calls -------------------------------------------------------------- */

static struct ns_reassembly *table(struct adit_netstack *ns)
{
	struct ns_reassembly *r = ns->reassembly;

	if (r || !ns_charge(ns, sizeof(*r)))
		return r;
	r = calloc(1, sizeof(*r));
	if (!r) {
		ns_uncharge(ns, sizeof(*r));
		return NULL;
	}
	r->ns = ns;
	r->timer.expired = expired;
	adit_wheel_entry_init(&r->timer.entry);
	adit_map_init(&r->map, partial_equal);
	adit_list_init(&r->age);
	ns->reassembly = r;
	return r;
}

static bool possible(const struct ip_packet *p, uint32_t len)
{
	uint32_t head = p->dst.family == 4 ? p->l4_off : p->frag_hdr - (uint32_t)ADIT_IP6_HDR;

	return len && !(p->more && len % 8) && p->l4_off <= HEAD_MAX && head + p->frag_off + len <= IP_PACKET_MAX;
}

/* Nothing of this packet is of use any more. */
static enum adit_drop kill(struct ns_reassembly *r, struct partial *q, enum adit_drop why)
{
	ns_drop(r->ns, why, q->cnt); /* what came before; the caller counts this one */
	drop_content(r, q);
	q->dead = true;
	return why;
}

enum adit_drop reassembly_in(struct adit_netstack *ns, const struct ip_packet *p, adit_time now)
{
	struct ns_reassembly *r = table(ns);
	uint32_t len = p->len - p->l4_off;
	struct fragment *after;
	struct partial *q;

	if (!r)
		return ADIT_DROP_no_memory;
	if (!possible(p, len))
		return ADIT_DROP_bad_fragment;
	q = find_or_begin(r, p, now);
	if (!q)
		return ADIT_DROP_no_memory;
	if (q->dead)
		return ADIT_DROP_fragment_overlap;
	switch (find_place(q, p->frag_off, len, &after)) {
	case PLACE_DUPLICATE:
		return ADIT_DROP_NONE;
	case PLACE_OVERLAP:
		return kill(r, q, ADIT_DROP_fragment_overlap);
	case PLACE_FREE:
		break;
	}
	if (!end_fits(q, p, len))
		return kill(r, q, ADIT_DROP_fragment_overlap);
	make_room(r, &p->src, sizeof(struct fragment) + len + HEAD_MAX, 0, q);
	if (q->cnt == REASSEMBLY_FRAGMENTS)
		return kill(r, q, ADIT_DROP_fragment_limit);
	if (!store(r, q, p, len, after))
		return kill(r, q, ADIT_DROP_no_memory);
	return q->got == q->total ? complete(r, q, now) : ADIT_DROP_NONE;
}

void reassembly_settle(struct adit_netstack *ns)
{
	struct ns_reassembly *r = ns->reassembly;

	while (r && r->lent) {
		struct whole *w = r->lent;

		r->lent = w->next;
		ns_uncharge(ns, w->charged);
		free(w);
	}
}

void reassembly_free(struct adit_netstack *ns)
{
	struct ns_reassembly *r = ns->reassembly;
	struct partial *q;

	if (!r)
		return;
	reassembly_settle(ns);
	while ((q = oldest(r)))
		free_partial(r, q);
	assert(r->bytes == 0);
	adit_map_fini(&r->map);
	adit_wheel_cancel(&ns->wheel, &r->timer.entry);
	ns_uncharge(ns, sizeof(*r));
	free(r);
	ns->reassembly = NULL;
}
