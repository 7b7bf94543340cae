/* SPDX-License-Identifier: ISC */
/*
 * flow.c - the packets inside the tunnel. Each carries who sent it to whom
 * and its number, and its bytes follow from these, so that a receiver can
 * judge it alone:
 *
 *   IPv4 or IPv6 header | magic | from | to | number | bytes from a generator
 */
#include <assert.h>
#include <string.h>

#include "static/device.h"
#include "world.h"

#define MAGIC    0xad17
#define ID_LEN   16
#define MTU      1420
#define PROTOCOL 253 /* for experiments, RFC 3692 */

static size_t head_len(bool v6)
{
	return v6 ? 40 : 20;
}

void node_prefix(unsigned id, bool v6, struct adit_prefix *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->addr.family = v6 ? 6 : 4;
	ret->len = v6 ? 64 : 24;
	ret->addr.bytes[0] = v6 ? 0xfd : 10;
	adit_put_be16(ret->addr.bytes + (v6 ? 6 : 1), (uint16_t)id);
}

static uint16_t header_sum(const uint8_t *p)
{
	uint32_t sum = 0;

	for (int i = 0; i < 20; i += 2)
		sum += adit_get_be16(p + i);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)(sum + (sum >> 16));
}

static void make_header(uint8_t *p, size_t len, bool v6, unsigned from, unsigned to, uint8_t tos)
{
	struct adit_prefix src, dst;

	node_prefix(from, v6, &src);
	node_prefix(to, v6, &dst);
	src.addr.bytes[v6 ? 15 : 3] = 1;
	dst.addr.bytes[v6 ? 15 : 3] = 2;
	memset(p, 0, head_len(v6));
	if (v6) {
		adit_put_be32(p, 0x60000000u | (uint32_t)tos << 20 | 0x54321);
		adit_put_be16(p + 4, (uint16_t)(len - 40));
		p[6] = PROTOCOL;
		p[7] = 64;
		memcpy(p + 8, src.addr.bytes, 16);
		memcpy(p + 24, dst.addr.bytes, 16);
		return;
	}
	p[0] = 0x45;
	p[1] = tos;
	adit_put_be16(p + 2, (uint16_t)len);
	p[8] = 64;
	p[9] = PROTOCOL;
	memcpy(p + 12, src.addr.bytes, 4);
	memcpy(p + 16, dst.addr.bytes, 4);
	adit_put_be16(p + 10, (uint16_t)~header_sum(p));
}

/* src_node: whose address is the source; else as from. */
static void make_packet(uint8_t *p, size_t len, bool v6, unsigned src_node, unsigned from, unsigned to, unsigned number,
			uint8_t tos)
{
	struct rng r = { (uint64_t)from << 48 ^ (uint64_t)to << 32 ^ number };
	uint8_t *q = p + head_len(v6);

	make_header(p, len, v6, src_node, to, tos);
	adit_put_be32(q, MAGIC);
	adit_put_be32(q + 4, from);
	adit_put_be32(q + 8, to);
	adit_put_be32(q + 12, number);
	rng_fill(&r, q + ID_LEN, len - head_len(v6) - ID_LEN);
}

struct flow *flow_get(struct world *w, unsigned from, unsigned to)
{
	int64_t *at = table_find(&w->flow_index, from, to);
	struct flow *f;

	if (at)
		return w->flows[*at];
	if (w->flow_cnt == w->flow_cap) {
		w->flow_cap = w->flow_cap ? 2 * w->flow_cap : 16;
		w->flows = realloc(w->flows, w->flow_cap * sizeof(struct flow *));
		assert(w->flows);
	}
	f = calloc(1, sizeof(*f));
	assert(f);
	f->from = from;
	f->to = to;
	table_set(&w->flow_index, from, to, (int64_t)w->flow_cnt);
	w->flows[w->flow_cnt++] = f;
	return f;
}

static unsigned flow_item(struct world *w, struct flow *f, size_t len, uint8_t tos, bool forbidden)
{
	if (f->cnt == f->cap) {
		f->cap = f->cap ? 2 * f->cap : 32;
		f->items = realloc(f->items, f->cap * sizeof(*f->items));
		assert(f->items);
	}
	f->items[f->cnt] = (struct flow_item){ .at = w->now, .len = (uint16_t)len, .tos = tos, .forbidden = forbidden };
	return f->cnt++;
}

static size_t random_len(struct world *w, bool v6)
{
	size_t min = head_len(v6) + ID_LEN;

	if (rng_chance(&w->rng, 500))
		return MTU;
	return (size_t)rng_range(&w->rng, (int64_t)min, MTU);
}

unsigned flow_send_tos(struct world *w, unsigned from, unsigned to, unsigned cnt, size_t len, uint8_t tos)
{
	struct flow *f = flow_get(w, from, to);
	bool v6 = rng_chance(&w->rng, 300), steady = len != 0 || rng_chance(&w->rng, 700);
	struct drive_packet *packets = malloc(cnt * sizeof(*packets));
	uint8_t *bytes = malloc((size_t)cnt * MTU);
	unsigned first = f->cnt;

	assert(packets && bytes && cnt > 0);
	if (len == 0)
		len = random_len(w, v6);
	if (len < head_len(v6) + ID_LEN)
		len = head_len(v6) + ID_LEN;
	for (unsigned k = 0; k < cnt; k++) {
		uint8_t *p = bytes + (size_t)k * MTU;
		unsigned number;

		if (!steady)
			len = random_len(w, v6);
		number = flow_item(w, f, len, tos, false);
		make_packet(p, len, v6, from, from, to, number, tos);
		packets[k] = (struct drive_packet){ p, len };
	}
	sim_trace(w, "n%u sends %u packets of %zu to n%u, from number %u", from, cnt, len, to, first);
	drive_out(&w->nodes[from].d, packets, cnt, node_now(&w->nodes[from]));
	node_touch(&w->nodes[from]);
	free(packets);
	free(bytes);
	return first;
}

unsigned flow_send(struct world *w, unsigned from, unsigned to, unsigned cnt, size_t len)
{
	static const uint8_t tos[] = { 0, 0, 0, 0xb8, 0x01, 0x02, 0x03 };

	return flow_send_tos(w, from, to, cnt, len, tos[rng_below(&w->rng, sizeof(tos))]);
}

void flow_spoof(struct world *w, unsigned from, unsigned to, unsigned as)
{
	uint8_t p[200];
	bool v6 = rng_chance(&w->rng, 500);
	struct drive_packet packet = { p, sizeof(p) };
	unsigned number = flow_item(w, flow_get(w, from, to), sizeof(p), 0, true);

	make_packet(p, sizeof(p), v6, as, from, to, number, 0);
	sim_trace(w, "n%u sends to n%u as n%u", from, to, as);
	drive_out(&w->nodes[from].d, &packet, 1, node_now(&w->nodes[from]));
	node_touch(&w->nodes[from]);
}

static uint8_t packet_tos(const uint8_t *p)
{
	return p[0] >> 4 == 6 ? (uint8_t)(adit_get_be32(p) >> 20) : p[1];
}

/* Is it, byte for byte, what was sent? Congestion may have been marked on the way. */
static void check_bytes(struct node *n, const uint8_t *packet, size_t len, const struct flow *f, unsigned number,
			uint8_t outer_tos)
{
	struct world *w = n->w;
	const struct flow_item *item = &f->items[number];
	bool v6 = packet[0] >> 4 == 6;
	uint8_t want[MTU], tos = item->tos;

	if (len != item->len)
		sim_fail(w, "n%u: packet %u has %zu bytes, %u were sent", n->id, number, len, item->len);
	if ((outer_tos & 3) == 3 && (tos & 3) != 0)
		tos |= 3;
	if (packet_tos(packet) != tos)
		sim_fail(w, "n%u: packet %u has TOS %02x, expected %02x (outside %02x)", n->id, number,
			 packet_tos(packet), tos, outer_tos);
	make_packet(want, len, v6, f->from, f->from, f->to, number, tos);
	if (memcmp(want, packet, len) != 0)
		sim_fail(w, "n%u: packet %u from n%u differs from what was sent", n->id, number, f->from);
}

/* Is the source routed to the peer that sent it, and nobody else? */
static void check_source(struct node *n, const uint8_t *packet, unsigned from)
{
	struct adit_addr src = { .family = packet[0] >> 4 };
	const void *owner, *sender;

	memcpy(src.bytes, packet + (src.family == 6 ? 8 : 12), src.family == 6 ? 16 : 4);
	owner = n->st ? (void *)static_routes_find(&n->st->routes, &src) : (void *)adit_wg_route(n->wg, &src);
	sender = n->st ? (void *)static_node_peer(n, from) : (void *)node_peer(n, from);
	if (!owner || owner != sender)
		sim_fail(n->w, "n%u: a packet of n%u came in from an address it may not use", n->id, from);
}

void flow_delivered(struct node *n, const uint8_t *packet, size_t len, uint8_t outer_tos)
{
	struct world *w = n->w;
	const uint8_t *id = packet + head_len(packet[0] >> 4 == 6);
	unsigned from, number;
	struct flow *f;

	if (len < head_len(packet[0] >> 4 == 6) + ID_LEN || adit_get_be32(id) != MAGIC)
		sim_fail(w, "n%u: a packet nobody sent was delivered, %zu bytes", n->id, len);
	from = adit_get_be32(id + 4);
	number = adit_get_be32(id + 12);
	if (adit_get_be32(id + 8) != n->id)
		sim_fail(w, "n%u: a packet for n%u was delivered", n->id, adit_get_be32(id + 8));
	f = flow_get(w, from, n->id);
	if (number >= f->cnt)
		sim_fail(w, "n%u: packet %u of n%u was never sent", n->id, number, from);
	if (f->items[number].forbidden)
		sim_fail(w, "n%u: packet %u of n%u has a source that is not allowed", n->id, number, from);
	if (f->items[number].arrived && w->face == &adit_core_static_v1)
		return; /* it has nothing against replay, and says so */
	if (f->items[number].arrived)
		sim_fail(w, "n%u: packet %u of n%u was delivered twice", n->id, number, from);
	if (w->ordered && number + 1 <= f->order)
		sim_fail(w, "n%u: packet %u of n%u came after %u", n->id, number, from, f->order - 1);
	check_bytes(n, packet, len, f, number, outer_tos);
	check_source(n, packet, from);
	f->items[number].arrived = true;
	f->order = number + 1;
	f->delivered++;
	n->delivered++;
	sim_trace(w, "n%u got packet %u of n%u", n->id, number, from);
}

unsigned flow_missing(struct world *w, unsigned from, unsigned to, adit_time since)
{
	struct flow *f = flow_get(w, from, to);
	unsigned missing = 0;

	for (unsigned k = 0; k < f->cnt; k++)
		missing += f->items[k].at >= since && !f->items[k].arrived && !f->items[k].forbidden;
	return missing;
}
