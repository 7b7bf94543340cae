/* SPDX-License-Identifier: ISC */
/*
 * gro.c - the merger of received packets: what it writes, segmented naively,
 * must be the packets that went in, each once, unchanged, in the order of
 * their flow.
 */
#include <errno.h>
#include <string.h>

#include "fuzz.h"
#include "naive.h"
#include "pktio/gro.h"
#include "pktio/offload.h"

#define PACKETS 400

struct packet {
	uint8_t *bytes, *as_sent;
	size_t len;
	bool written;
};

struct recorder {
	struct adit_inner inner;
	int refuse; /* errno for every super-packet */
	struct packet packet[PACKETS];
	unsigned cnt;
};

struct flow_state {
	uint32_t seq;
	uint16_t id;
};

/* Protocol, addresses and ports; a packet without ports is of no flow. */
static bool same_flow(const uint8_t *a, const uint8_t *b)
{
	size_t l4 = a[0] >> 4 == 6 ? 40 : (a[0] & 15) * 4u, addr = a[0] >> 4 == 6 ? 8 : 12, n = a[0] >> 4 == 6 ? 32 : 8;
	size_t proto = a[0] >> 4 == 6 ? 6 : 9, l4_b = b[0] >> 4 == 6 ? 40 : (b[0] & 15) * 4u;

	return a[0] >> 4 == b[0] >> 4 && a[proto] == b[proto] && !memcmp(a + addr, b + addr, n) &&
	       !memcmp(a + l4, b + l4_b, 4);
}

/* With DF set the identification means nothing (RFC 6864 4.1): not compared. */
static bool same_bytes(const uint8_t *a, const uint8_t *b, size_t len)
{
	if (a[0] >> 4 == 6 || !(a[6] & 0x40))
		return !memcmp(a, b, len);
	return !memcmp(a, b, 4) && !memcmp(a + 6, b + 6, 4) && !memcmp(a + 12, b + 12, len - 12);
}

static void came_out(struct recorder *r, const uint8_t *p, size_t len)
{
	if (p[0] >> 4 == 4)
		MUST(naive_sum(0, p, (p[0] & 15) * 4u) == 0xffff);
	for (unsigned i = 0; i < r->cnt; i++) {
		struct packet *in = &r->packet[i];

		if (in->written || !same_flow(in->as_sent, p))
			continue;
		/* the first of its flow that is still inside: it must be this one */
		MUST(in->len == len && same_bytes(in->as_sent, p, len));
		in->written = true;
		return;
	}
	MUST(!"a packet came out that did not go in");
}

static int record(struct adit_inner *inner, const struct adit_inner_meta *meta, struct iovec *iov, int cnt)
{
	struct recorder *r = (struct recorder *)inner;
	static uint8_t buf[70000], out[70000];
	size_t len = 0, n;
	uint16_t sum;

	for (int i = 0; i < cnt; i++) {
		MUST(len + iov[i].iov_len <= 65535);
		memcpy(buf + len, iov[i].iov_base, iov[i].iov_len);
		len += iov[i].iov_len;
	}
	if (!meta->gso_size) {
		if (meta->needs_csum) {
			MUST((size_t)meta->csum_start + meta->csum_offset + 2 <= len);
			sum = (uint16_t)~naive_sum(0, buf + meta->csum_start, len - meta->csum_start);
			if (sum == 0 && meta->csum_offset == 6)
				sum = 0xffff;
			adit_put_be16(buf + meta->csum_start + meta->csum_offset, sum);
		}
		came_out(r, buf, len);
		return 0;
	}
	if (r->refuse)
		return -r->refuse;
	MUST(meta->needs_csum && len > meta->hdr_len);
	for (size_t k = 0; k * meta->gso_size < len - meta->hdr_len; k++) {
		n = naive_segment(out, buf, len, meta->gso_kind, meta->csum_start, meta->hdr_len, meta->gso_size, k);
		came_out(r, out, n);
	}
	return 0;
}

static const struct adit_inner_ops ops = { .write = record };

static void put_checksums(uint8_t *p, size_t len, bool v6, bool tcp, size_t l4)
{
	uint16_t sum;

	if (!v6)
		adit_put_be16(p + 10, (uint16_t)~naive_sum(0, p, l4));
	sum = (uint16_t)~naive_sum(naive_pseudo(p, v6, tcp ? 6 : 17, len - l4), p + l4, len - l4);
	adit_put_be16(p + l4 + (tcp ? 16 : 6), sum == 0 && !tcp ? 0xffff : sum);
}

/* A packet as three bytes of the input say. */
static size_t make(uint8_t *p, struct adit_reader *rd, struct flow_state *flows, unsigned number)
{
	static const uint16_t payloads[] = { 1200, 1200, 1200, 1196, 600, 1, 0, 13 };
	uint8_t a = adit_rd_u8(rd), b = adit_rd_u8(rd), c = adit_rd_u8(rd);
	bool v6 = a & 1, tcp = a & 2;
	size_t options = !v6 && (b >> 3) == 31 ? 4 : 0; /* no-operation, four times */
	size_t l4 = (v6 ? 40 : 20) + options, hdr = l4 + (tcp ? 20 + (b & 1) * 12u : 8), len = hdr + payloads[a >> 5];
	struct flow_state *f = &flows[a & 31];

	memset(p, 0, len);
	for (size_t i = hdr; i < len; i++)
		p[i] = (uint8_t)(number * 7 + i);
	p[0] = v6 ? 0x60 : (uint8_t)(0x45 + options / 4);
	memset(p + 20, options ? 1 : 0, options);
	p[1] = c & 1 ? 0x10 : 0;
	f->id = (uint16_t)(f->id + (c >> 1 & 1 ? 5 : 1));
	if (v6) {
		adit_put_be16(p + 4, (uint16_t)(len - 40));
		p[6] = tcp ? 6 : 17;
		p[7] = 64;
		p[23] = p[39] = a >> 2 & 3;
	} else {
		adit_put_be16(p + 2, (uint16_t)len);
		adit_put_be16(p + 4, f->id);
		p[6] = c & 4 ? 0 : 0x40;
		p[8] = c & 8 ? 63 : 64;
		p[9] = tcp ? 6 : 17;
		p[15] = p[19] = a >> 2 & 3;
	}
	adit_put_be32(p + l4, (uint32_t)(1000 + (a >> 4 & 1)) << 16 | 53);
	if (tcp) {
		adit_put_be32(p + l4 + 4, f->seq + (c >> 4 & 1));
		adit_put_be32(p + l4 + 8, 77 + (c >> 5 & 1));
		p[l4 + 12] = (uint8_t)((hdr - l4) / 4 << 4);
		p[l4 + 13] = b & 2 ? (uint8_t)(b >> 2) : (b & 4 ? 0x18 : 0x10);
		p[l4 + 15] = c >> 6;
		if (hdr - l4 > 20)
			p[l4 + 31] = b >> 6;
	} else {
		adit_put_be16(p + l4 + 4, (uint16_t)(len - l4));
	}
	f->seq += (uint32_t)(len - hdr);
	put_checksums(p, len, v6, tcp, l4);
	return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct recorder r;
	static struct adit_gro gro;
	struct flow_state flows[32] = { { 0 } };
	struct adit_notes notes;
	struct adit_reader rd;
	uint8_t mode, buf[1500];

	adit_rd_init(&rd, data, size);
	mode = adit_rd_u8(&rd);
	memset(&r, 0, sizeof(r));
	r.inner = (struct adit_inner){ .ops = &ops, .fd = -1, .offloads = ADIT_OFFLOAD_TSO | ADIT_OFFLOAD_CSUM };
	if (mode & 1)
		r.inner.offloads |= ADIT_OFFLOAD_USO;
	if (mode & 2)
		r.refuse = EINVAL;
	adit_notes_init(&notes);
	adit_gro_init(&gro, &r.inner, &notes, mode & 4);
	while (rd.left >= 3 && r.cnt < PACKETS) {
		struct packet *p = &r.packet[r.cnt];

		p->len = make(buf, &rd, flows, r.cnt);
		p->bytes = fuzz_copy(buf, p->len);
		p->as_sent = fuzz_copy(buf, p->len);
		r.cnt++;
		adit_gro_add(&gro, p->bytes, (uint32_t)p->len);
	}
	adit_gro_flush(&gro);
	for (unsigned i = 0; i < r.cnt; i++) {
		MUST(r.packet[i].written);
		free(r.packet[i].bytes);
		free(r.packet[i].as_sent);
	}
	MUST(gro.failed == 0);
	adit_notes_fini(&notes);
	return 0;
}
