/* SPDX-License-Identifier: ISC */
/* wire.c - the links: delay, rate and queue, loss, bursts, reordering, duplicates, corruption, path MTU */
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/inet.h"
#include "watch.h"

/* --- what a packet is ------------------------------------------------------- */

bool tcp_view(struct tcp_view *v, const uint8_t *ip, uint32_t len)
{
	struct adit_inet in;
	const uint8_t *t;
	unsigned hdr;

	if (!adit_inet_parse(&in, ip, len) || in.protocol != ADIT_IPPROTO_TCP || in.fragment)
		return false;
	t = ip + in.l4_off;
	hdr = (unsigned)(t[12] >> 4) * 4;
	if (in.len < in.l4_off + 20u || hdr < 20 || in.len < in.l4_off + hdr)
		return false;
	*v = (struct tcp_view){
		.sport = adit_get_be16(t), .dport = adit_get_be16(t + 2),
		.seq = adit_get_be32(t + 4), .ack = adit_get_be32(t + 8),
		.flags = t[13], .wnd = adit_get_be16(t + 14), .tos = adit_ip_tos(ip),
		.options = t + 20, .options_len = hdr - 20,
		.payload = t + hdr, .len = in.len - in.l4_off - hdr,
	};
	return true;
}

uint32_t tcp_payload_len(const uint8_t *ip, uint32_t len)
{
	struct tcp_view v;

	return tcp_view(&v, ip, len) ? v.len : 0;
}

/* --- the heap of what is on the way --------------------------------------------- */

static bool sooner(const struct packet *a, const struct packet *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void heap_push(struct world *w, struct packet *p)
{
	size_t i = w->heap_cnt++;

	if (w->heap_cnt > w->heap_size) {
		w->heap_size = w->heap_size ? w->heap_size * 2 : 256;
		w->heap = realloc(w->heap, w->heap_size * sizeof(struct packet *));
		EXPECT(w, w->heap);
	}
	while (i > 0 && sooner(p, w->heap[(i - 1) / 2])) {
		w->heap[i] = w->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	w->heap[i] = p;
}

static struct packet *heap_pop(struct world *w)
{
	struct packet *top = w->heap[0], *p = w->heap[--w->heap_cnt];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < w->heap_cnt) {
		if (child + 1 < w->heap_cnt && sooner(w->heap[child + 1], w->heap[child]))
			child++;
		if (!sooner(w->heap[child], p))
			break;
		w->heap[i] = w->heap[child];
		i = child;
	}
	w->heap[i] = p;
	return top;
}

/* The next one that arrives by then. */
struct packet *wire_next(struct world *w, adit_time until)
{
	return w->heap_cnt && w->heap[0]->at <= until ? heap_pop(w) : NULL;
}

void wire_clear(struct world *w)
{
	while (w->heap_cnt)
		free(heap_pop(w));
	free(w->heap);
	w->heap = NULL;
	w->heap_size = 0;
}

struct packet *wire_deliver(struct world *w, unsigned to, const uint8_t *ip, uint32_t len, adit_time at)
{
	struct packet *p = malloc(sizeof(*p) + len);

	EXPECT(w, p);
	if (w->host[to].merge) /* as interrupts are moderated: several come at once */
		at += (100000 - at % 100000) % 100000;
	p->at = at;
	p->order = w->order++;
	p->to = to;
	p->len = len;
	p->next = NULL;
	memcpy(p->data, ip, len);
	heap_push(w, p);
	return p;
}

/* --- the link -------------------------------------------------------------------- */

static bool chance(struct world *w, unsigned ppm)
{
	return ppm && rng_below(&w->rng, 1000000) < ppm;
}

/* The host a packet is for: the last byte of its address. */
static unsigned destination(const struct world *w, const uint8_t *ip)
{
	unsigned last = adit_ip_version(ip) == 4 ? ip[19] : ip[39];

	return last - 1 < w->hosts ? last - 1 : HOSTS_MAX;
}

static bool unlucky(struct world *w, struct link *l, const uint8_t *ip, uint32_t len)
{
	if (l->down || (l->drop && l->drop(l, ip, len)))
		return true;
	if (l->drop_data && tcp_payload_len(ip, len)) {
		l->drop_data--;
		return true;
	}
	if (chance(w, l->burst))
		l->burst_end = w->now + (adit_time)rng_below(&w->rng, (uint64_t)l->burst_len);
	return w->now < l->burst_end || chance(w, l->loss);
}

/* "Fragmentation needed", "packet too big", from a router at .254. */
static void too_big(struct world *w, unsigned to, const uint8_t *ip, uint32_t len, uint32_t mtu, adit_time at)
{
	bool v4 = adit_ip_version(ip) == 4;
	uint32_t hdr = v4 ? 20 : 40, quoted = len < 500 ? len : 500;
	uint8_t p[600] = { 0 }, *icmp = p + hdr;

	if (v4) {
		p[0] = 0x45;
		adit_put_be16(p + 2, (uint16_t)(28 + quoted));
		p[8] = 64;
		p[9] = ADIT_IPPROTO_ICMP;
		memcpy(p + 12, ip + 16, 4);
		p[15] = 254;
		memcpy(p + 16, ip + 12, 4);
		adit_ip4_checksum(p, 20);
		icmp[0] = 3;
		icmp[1] = 4;
		adit_put_be16(icmp + 6, (uint16_t)mtu);
	} else {
		p[0] = 0x60;
		adit_put_be16(p + 4, (uint16_t)(8 + quoted));
		p[6] = ADIT_IPPROTO_ICMPV6;
		p[7] = 64;
		memcpy(p + 8, ip + 24, 16);
		p[23] = 254;
		memcpy(p + 24, ip + 8, 16);
		icmp[0] = 2;
		adit_put_be32(icmp + 4, mtu);
	}
	memcpy(icmp + 8, ip, quoted);
	{
		uint64_t sum = v4 ? 0 : adit_sum_pseudo(p, ADIT_IPPROTO_ICMPV6, 8 + quoted);
		uint16_t check = (uint16_t)~adit_sum_fold(adit_sum(icmp, 8 + quoted, sum));

		memcpy(icmp + 2, &check, 2);
	}
	wire_deliver(w, to, p, hdr + 8 + quoted, at);
}

static void mark_ce(struct link *l, uint8_t *ip)
{
	uint8_t tos = adit_ip_tos(ip);

	if (!(tos & 3) || (tos & 3) == 3)
		return;
	l->marked++;
	if (adit_ip_version(ip) == 4) {
		ip[1] |= 3;
		adit_ip4_checksum(ip, (ip[0] & 15) * 4u);
	} else {
		ip[1] |= 0x30;
	}
}

static void pass(struct world *w, struct link *l, unsigned to, uint8_t *ip, uint32_t len)
{
	adit_time start = l->free_at > w->now ? l->free_at : w->now, extra = 0;
	struct packet *p;
	uint64_t waiting = l->rate ? (uint64_t)(start - w->now) * (l->rate / 1000) / 8000000 : 0;

	if (waiting + len > (l->queue ? l->queue : 1000000)) {
		l->dropped++;
		l->dropped_payload += tcp_payload_len(ip, len);
		return;
	}
	if (l->ce && waiting > l->ce)
		mark_ce(l, ip);
	l->free_at = start + (l->rate ? (adit_time)(len * UINT64_C(8000000000) / l->rate) : 0);
	if (chance(w, l->reorder)) {
		l->reordered++;
		extra = l->reorder_by ? l->reorder_by : 2 * ADIT_MSEC;
	}
	if (chance(w, l->dup)) {
		l->dup_payload += tcp_payload_len(ip, len);
		wire_deliver(w, to, ip, len, l->free_at + l->delay + (adit_time)rng_below(&w->rng, 3 * ADIT_MSEC));
	}
	p = wire_deliver(w, to, ip, len, l->free_at + l->delay + extra);
	if (chance(w, l->corrupt)) {
		l->dropped++; /* as good as: nobody may believe it */
		l->dropped_payload += tcp_payload_len(ip, len);
		p->data[rng_below(&w->rng, len)] ^= (uint8_t)(1u << rng_below(&w->rng, 8));
	}
}

/* With a trace and NETSIM_PACKETS in the environment: what is sent. */
static void show(struct world *w, unsigned from, const uint8_t *ip, uint32_t len)
{
	struct tcp_view v;

	if (!w->trace || !getenv("NETSIM_PACKETS"))
		return;
	if (tcp_view(&v, ip, len))
		world_trace(w, "%u: flags %02x seq %u len %u ack %u wnd %u options %u", from, v.flags, v.seq, v.len, v.ack,
			    v.wnd, v.options_len);
	else
		world_trace(w, "%u: %u bytes", from, len);
}

void wire_send(struct world *w, unsigned from, uint8_t *ip, uint32_t len)
{
	unsigned to = destination(w, ip);
	struct link *l;

	show(w, from, ip, len);
	watch_sent(w, ip, len);

	if (w->filter)
		w->filter(w, from, ip, len);
	if (to == HOSTS_MAX)
		return; /* nobody's address */
	l = &w->link[from][to];
	l->packets++;
	l->bytes += len;
	if (unlucky(w, l, ip, len) || (l->mtu && len > l->mtu)) {
		l->dropped++;
		l->dropped_payload += tcp_payload_len(ip, len);
		if (l->mtu && len > l->mtu && l->icmp)
			too_big(w, from, ip, len, l->mtu, w->now + l->delay);
		return;
	}
	pass(w, l, to, ip, len);
}
