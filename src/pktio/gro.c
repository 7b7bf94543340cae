/* SPDX-License-Identifier: ISC */
/* gro.c - merging received packets into super-packets (DOC in gro.h) */
#include "pktio/gro.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/inet.h"
#include "pktio/offload.h"

enum { IP4_DF = 0x4000 };

/* A packet that has been looked at. */
struct packet {
	uint8_t *ip;
	uint32_t len;     /* header and payload, as the IP header says */
	uint16_t l4_off;
	uint16_t hdr_len; /* network and transport */
	uint16_t check;   /* offset of the checksum in the transport header */
	uint8_t kind;
	bool transport;   /* TCP or UDP with a checksum that may be left to the kernel */
	bool merges;      /* ... and fit to be merged */
};

static bool is_tcp(const struct packet *p)
{
	return p->check == ADIT_TCP_CHECK;
}

static bool look_at_tcp(struct packet *p)
{
	const uint8_t *tcp = p->ip + p->l4_off;
	uint16_t hdr;

	if (p->len < p->l4_off + (uint32_t)ADIT_TCP_HDR)
		return false;
	hdr = (uint16_t)((tcp[12] >> 4) * 4);
	if (hdr < ADIT_TCP_HDR || p->len < p->l4_off + (uint32_t)hdr)
		return false;
	p->hdr_len = (uint16_t)(p->l4_off + hdr);
	p->check = ADIT_TCP_CHECK;
	/* ECE too stays out of a merge: it answers for one packet */
	p->merges = p->len > p->hdr_len && (tcp[13] & ~ADIT_TCP_PSH) == ADIT_TCP_ACK;
	return true;
}

static bool look_at_udp(struct packet *p)
{
	const uint8_t *udp = p->ip + p->l4_off;

	if (p->len < p->l4_off + (uint32_t)ADIT_UDP_HDR || adit_get_be16(udp + 4) != p->len - p->l4_off)
		return false;
	if (adit_get_be16(udp + ADIT_UDP_CHECK) == 0)
		return false;
	p->hdr_len = (uint16_t)(p->l4_off + ADIT_UDP_HDR);
	p->check = ADIT_UDP_CHECK;
	p->merges = p->len > p->hdr_len;
	return true;
}

static void look_at(struct packet *p, uint8_t *ip, uint32_t len)
{
	struct adit_inet in;

	memset(p, 0, sizeof(*p));
	p->ip = ip;
	p->len = len;
	if (!adit_inet_parse(&in, ip, len) || in.fragment)
		return;
	p->len = in.len;
	p->l4_off = in.l4_off;
	if (in.protocol == ADIT_IPPROTO_TCP) {
		p->transport = look_at_tcp(p);
		p->kind = in.version == 4 ? ADIT_SUPER_TCP4 : ADIT_SUPER_TCP6;
	} else if (in.protocol == ADIT_IPPROTO_UDP) {
		p->transport = look_at_udp(p);
		p->kind = in.version == 4 ? ADIT_SUPER_UDP4 : ADIT_SUPER_UDP6;
	}
	if (!p->transport || (in.version == 4 && in.l4_off != ADIT_IP4_HDR))
		p->merges = false;
}

/* --- flows ---------------------------------------------------------------- */

static const uint8_t *flow_header(const struct adit_gro_flow *f)
{
	return f->iov[0].iov_base;
}

static bool same_flow(const struct adit_gro_flow *f, const struct packet *p)
{
	const uint8_t *h = flow_header(f);

	/* with other IP options it is the same flow still, and must not overtake */
	if (f->kind != p->kind || memcmp(h + f->l4_off, p->ip + p->l4_off, 4) != 0)
		return false;
	if (adit_ip_version(h) == 4)
		return memcmp(h + 12, p->ip + 12, 8) == 0;
	return memcmp(h + 8, p->ip + 8, 32) == 0;
}

static bool network_header_fits(const struct adit_gro_flow *f, const struct packet *p)
{
	const uint8_t *a = flow_header(f), *b = p->ip;

	if (adit_ip_version(a) == 6)
		return memcmp(a, b, 4) == 0 && a[7] == b[7]; /* class and flow label; hop limit */
	if (a[1] != b[1] || a[8] != b[8] || ((a[6] ^ b[6]) & (IP4_DF >> 8)))
		return false;
	/* without DF the identification matters: it must be what segmentation would make of it */
	return a[6] & (IP4_DF >> 8) || adit_get_be16(b + 4) == (uint16_t)(f->ip_id + 1);
}

static bool tcp_header_fits(const struct adit_gro_flow *f, const struct packet *p)
{
	const uint8_t *a = flow_header(f) + f->l4_off, *b = p->ip + p->l4_off;
	uint32_t options = f->hdr_len - f->l4_off - (uint32_t)ADIT_TCP_HDR;

	return adit_get_be32(b + 4) == f->next_seq && memcmp(a + 8, b + 8, 4) == 0 && /* acknowledgement */
	       memcmp(a + 14, b + 14, 2) == 0 && /* window */
	       memcmp(a + ADIT_TCP_HDR, b + ADIT_TCP_HDR, options) == 0;
}

static bool may_join(const struct adit_gro_flow *f, const struct packet *p)
{
	uint32_t payload = p->len - p->hdr_len;

	if (f->closed || !p->merges || f->hdr_len != p->hdr_len || payload > f->payload ||
	    f->cnt == ADIT_GRO_PACKETS || f->len + payload > 65535)
		return false;
	return network_header_fits(f, p) && (!is_tcp(p) || tcp_header_fits(f, p));
}

static void note_tail(struct adit_gro_flow *f, const struct packet *p)
{
	uint32_t payload = p->len - p->hdr_len;
	const uint8_t *l4 = p->ip + p->l4_off;

	if (adit_ip_version(p->ip) == 4)
		f->ip_id = adit_get_be16(p->ip + 4);
	if (is_tcp(p)) {
		f->next_seq = adit_get_be32(l4 + 4) + payload;
		f->flags |= l4[13];
	}
	f->closed = payload < f->payload || (is_tcp(p) && l4[13] & ADIT_TCP_PSH);
}

static void open_flow(struct adit_gro_flow *f, const struct packet *p)
{
	f->cnt = 1;
	f->kind = p->kind;
	f->l4_off = p->l4_off;
	f->hdr_len = p->hdr_len;
	f->payload = (uint16_t)(p->len - p->hdr_len);
	f->len = p->len;
	f->flags = 0;
	f->first_flags = is_tcp(p) ? p->ip[p->l4_off + 13] : 0;
	f->iov[0] = (struct iovec){ p->ip, p->len };
	note_tail(f, p);
}

static void join_flow(struct adit_gro_flow *f, const struct packet *p)
{
	uint32_t payload = p->len - p->hdr_len;

	f->iov[f->cnt++] = (struct iovec){ p->ip + p->hdr_len, payload };
	f->len += payload;
	note_tail(f, p);
}

/* --- writing -------------------------------------------------------------- */

static int write_inner(struct adit_gro *g, const struct adit_inner_meta *meta, struct iovec *iov, unsigned cnt)
{
	g->written++;
	return g->inner->ops->write(g->inner, meta, iov, (int)cnt);
}

/* Leaves the transport checksum to the kernel: the field gets the
 * pseudo-header's sum alone. */
static void leave_checksum(struct adit_inner_meta *meta, uint8_t *ip, uint32_t len, uint16_t l4_off, uint16_t check,
			   uint8_t protocol)
{
	uint16_t sum = adit_sum_fold(adit_sum_pseudo(ip, protocol, len - l4_off));

	memcpy(ip + l4_off + check, &sum, 2);
	meta->needs_csum = true;
	meta->csum_start = l4_off;
	meta->csum_offset = check;
}

static void write_single(struct adit_gro *g, struct packet *p)
{
	struct adit_inner_meta meta = { 0 };
	struct iovec iov = { p->ip, p->len };

	if (p->transport && !g->strict && g->inner->offloads & ADIT_OFFLOAD_CSUM)
		leave_checksum(&meta, p->ip, p->len, p->l4_off, p->check,
			       is_tcp(p) ? ADIT_IPPROTO_TCP : ADIT_IPPROTO_UDP);
	if (write_inner(g, &meta, &iov, 1) < 0)
		g->failed++;
}

/* Gives the first packet's header the length and flags of the whole. */
static void write_merged_header(struct adit_gro_flow *f, uint32_t len, uint8_t flags)
{
	uint8_t *ip = f->iov[0].iov_base;

	if (adit_ip_version(ip) == 4) {
		adit_put_be16(ip + 2, (uint16_t)len);
		adit_ip4_checksum(ip, f->l4_off);
	} else {
		adit_put_be16(ip + 4, (uint16_t)(len - ADIT_IP6_HDR));
	}
	if (f->kind == ADIT_SUPER_TCP4 || f->kind == ADIT_SUPER_TCP6)
		ip[f->l4_off + 13] = flags;
	else
		adit_put_be16(ip + f->l4_off + 4, (uint16_t)(len - f->l4_off));
}

static int write_super(struct adit_gro *g, struct adit_gro_flow *f)
{
	bool tcp = f->kind == ADIT_SUPER_TCP4 || f->kind == ADIT_SUPER_TCP6;
	struct adit_inner_meta meta = { .gso_size = f->payload, .hdr_len = f->hdr_len, .gso_kind = f->kind };
	const struct iovec first = f->iov[0];
	uint8_t *ip = first.iov_base;
	int r;

	write_merged_header(f, f->len, f->flags);
	leave_checksum(&meta, ip, f->len, f->l4_off, tcp ? ADIT_TCP_CHECK : ADIT_UDP_CHECK,
		       tcp ? ADIT_IPPROTO_TCP : ADIT_IPPROTO_UDP);
	r = write_inner(g, &meta, f->iov, f->cnt);
	f->iov[0] = first; /* the packets may still have to go one by one */
	return r;
}

/* The first packet's checksum went with its header: made anew. */
static void restore_checksum(struct packet *p)
{
	struct adit_inner_meta meta = { 0 };

	leave_checksum(&meta, p->ip, p->len, p->l4_off, p->check, is_tcp(p) ? ADIT_IPPROTO_TCP : ADIT_IPPROTO_UDP);
	adit_checksum_complete(p->ip, p->len, p->l4_off, p->check);
}

/* The kernel refused the super-packet: each packet still stands behind its own
 * header, only the first one's was changed. */
static void write_one_by_one(struct adit_gro *g, struct adit_gro_flow *f)
{
	struct packet p;

	write_merged_header(f, f->hdr_len + (uint32_t)f->payload, f->first_flags);
	for (unsigned k = 0; k < f->cnt; k++) {
		uint8_t *ip = (uint8_t *)f->iov[k].iov_base - (k ? f->hdr_len : 0);

		look_at(&p, ip, (uint32_t)f->iov[k].iov_len + (k ? f->hdr_len : 0u));
		if (k == 0)
			restore_checksum(&p);
		write_single(g, &p);
	}
}

static void refuse_super(struct adit_gro *g, const struct adit_gro_flow *f, int e)
{
	bool tcp = f->kind == ADIT_SUPER_TCP4 || f->kind == ADIT_SUPER_TCP6;

	adit_notes_add(g->notes, "%s: %s writing to the TUN, packets written one by one", tcp ? "tso" : "uso",
		       strerror(e));
	if (e != EINVAL)
		return;
	if (tcp)
		g->merge_tcp = false;
	else
		g->merge_udp = false;
}

static void flush_flow(struct adit_gro *g, struct adit_gro_flow *f)
{
	struct packet p;
	int r;

	if (f->cnt == 0)
		return;
	if (f->cnt == 1) {
		look_at(&p, f->iov[0].iov_base, f->len);
		write_single(g, &p);
	} else {
		r = write_super(g, f);
		if (r == -EINVAL || r == -EMSGSIZE || r == -EOPNOTSUPP) {
			refuse_super(g, f, -r);
			write_one_by_one(g, f);
		} else if (r < 0) {
			g->failed += f->cnt;
		}
	}
	f->cnt = 0;
}

void adit_gro_flush(struct adit_gro *g)
{
	for (unsigned i = 0; i < ADIT_GRO_FLOWS; i++)
		flush_flow(g, &g->flow[i]);
}

static struct adit_gro_flow *find_flow(struct adit_gro *g, const struct packet *p)
{
	for (unsigned i = 0; i < ADIT_GRO_FLOWS; i++) {
		if (g->flow[i].cnt && same_flow(&g->flow[i], p))
			return &g->flow[i];
	}
	return NULL;
}

static struct adit_gro_flow *free_flow(struct adit_gro *g)
{
	for (unsigned i = 0; i < ADIT_GRO_FLOWS; i++) {
		if (g->flow[i].cnt == 0)
			return &g->flow[i];
	}
	/* the first one is the oldest: it goes, the others move up */
	flush_flow(g, &g->flow[0]);
	for (unsigned i = 0; i + 1 < ADIT_GRO_FLOWS; i++)
		g->flow[i] = g->flow[i + 1];
	g->flow[ADIT_GRO_FLOWS - 1].cnt = 0;
	return &g->flow[ADIT_GRO_FLOWS - 1];
}

void adit_gro_add(struct adit_gro *g, uint8_t *pkt, uint32_t len)
{
	struct adit_gro_flow *f;
	struct packet p;

	look_at(&p, pkt, len);
	if (g->strict && p.transport && !adit_checksum_ok(pkt, p.len))
		p.merges = false; /* written as it is: the kernel counts and drops it */
	if (!p.transport) {
		/* fragments and others may belong to any flow: behind everything */
		adit_gro_flush(g);
		write_single(g, &p);
		return;
	}
	f = find_flow(g, &p);
	if (f && may_join(f, &p)) {
		join_flow(f, &p);
		return;
	}
	if (f)
		flush_flow(g, f);
	if (!p.merges || !(is_tcp(&p) ? g->merge_tcp : g->merge_udp)) {
		write_single(g, &p);
		return;
	}
	open_flow(f ? f : free_flow(g), &p);
}

void adit_gro_init(struct adit_gro *g, struct adit_inner *inner, struct adit_notes *notes, bool strict)
{
	memset(g, 0, sizeof(*g));
	g->inner = inner;
	g->notes = notes;
	g->strict = strict;
	g->merge_tcp = inner->offloads & ADIT_OFFLOAD_CSUM && inner->offloads & ADIT_OFFLOAD_TSO;
	g->merge_udp = inner->offloads & ADIT_OFFLOAD_CSUM && inner->offloads & ADIT_OFFLOAD_USO;
}
