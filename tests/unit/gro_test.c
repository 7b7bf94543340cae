/* SPDX-License-Identifier: ISC */
/*
 * gro_test.c - packets through the merger: what comes out, segmented again,
 * is what went in, in each flow's order, and only what may merge did
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/inet.h"
#include "pktio/gro.h"
#include "pktio/offload.h"

/* An inside that keeps what was written, segmented into single packets. */
struct recorder {
	struct adit_inner inner;
	unsigned writes, packets;
	int refuse_super; /* errno for super-packets */
	uint8_t *pkt[512];
	uint32_t len[512];
	bool unchecked[512]; /* came without NEEDS_CSUM */
};

static void keep(struct recorder *r, const uint8_t *pkt, uint32_t len, bool unchecked)
{
	assert_true(r->packets < 512);
	r->pkt[r->packets] = malloc(len);
	memcpy(r->pkt[r->packets], pkt, len);
	r->unchecked[r->packets] = unchecked;
	r->len[r->packets++] = len;
}

static int record(struct adit_inner *in, const struct adit_inner_meta *meta, struct iovec *iov, int cnt)
{
	struct recorder *r = (struct recorder *)in;
	static uint8_t buf[70000];
	uint32_t len = 0;
	struct adit_super s;

	r->writes++;
	for (int i = 0; i < cnt; i++) {
		memcpy(buf + len, iov[i].iov_base, iov[i].iov_len);
		len += (uint32_t)iov[i].iov_len;
	}
	if (!meta->gso_size) {
		if (meta->needs_csum)
			assert_true(adit_checksum_complete(buf, len, meta->csum_start, meta->csum_offset));
		keep(r, buf, len, !meta->needs_csum);
		return 0;
	}
	if (r->refuse_super)
		return -r->refuse_super;
	assert_true(meta->needs_csum);
	assert_true(len <= 65535);
	assert_int_equal(adit_super_init(&s, buf, len, meta->gso_kind, meta->csum_start, meta->hdr_len, meta->gso_size), 0);
	for (unsigned k = 0; k < s.cnt; k++) {
		const uint8_t *p = adit_super_segment(&s, k);
		keep(r, p, adit_super_segment_len(&s, k), false);
	}
	return 0;
}

static const struct adit_inner_ops ops = { .write = record };

static struct recorder rec;
static struct adit_notes notes;
static struct adit_gro gro;

static void start(unsigned offloads, bool strict)
{
	for (unsigned i = 0; i < rec.packets; i++)
		free(rec.pkt[i]);
	memset(&rec, 0, sizeof(rec));
	rec.inner = (struct adit_inner){ .ops = &ops, .fd = -1, .offloads = offloads };
	adit_notes_init(&notes);
	adit_gro_init(&gro, &rec.inner, &notes, strict);
}

/* --- packets -------------------------------------------------------------- */

struct spec {
	bool ip6, udp;
	uint8_t flow, flags, tos, ttl;
	uint16_t payload, id, window;
	uint32_t seq, ack;
	uint8_t options;  /* bytes of TCP options */
	bool no_df, frag, no_csum, bad_csum;
};

static uint8_t arena[600][1600];
static unsigned arena_used;

static uint8_t *make(const struct spec *s, uint32_t *ret_len)
{
	uint8_t *p = arena[arena_used++];
	unsigned l4_off = s->ip6 ? 40 : 20, hdr = l4_off + (s->udp ? 8u : 20u + s->options);
	uint32_t len = hdr + s->payload;
	uint8_t *l4 = p + l4_off;

	memset(p, 0, 1600);
	if (s->ip6) {
		p[0] = (uint8_t)(0x60 | s->tos >> 4);
		p[1] = (uint8_t)(s->tos << 4);
		adit_put_be16(p + 4, (uint16_t)(len - 40));
		p[6] = s->udp ? 17 : 6;
		p[7] = s->ttl ? s->ttl : 64;
		p[23] = 1;
		p[39] = 2;
	} else {
		p[0] = 0x45;
		p[1] = s->tos;
		adit_put_be16(p + 2, (uint16_t)len);
		adit_put_be16(p + 4, s->id);
		p[6] = s->no_df ? 0 : 0x40;
		if (s->frag)
			p[6] = 0x20;
		p[8] = s->ttl ? s->ttl : 64;
		p[9] = s->udp ? 17 : 6;
		p[15] = 1;
		p[19] = 2;
		adit_ip4_checksum(p, 20);
	}
	adit_put_be16(l4, 1000);
	adit_put_be16(l4 + 2, (uint16_t)(2000 + s->flow));
	for (unsigned i = 0; i < s->payload; i++)
		p[hdr + i] = (uint8_t)(s->seq + i);
	if (s->udp) {
		adit_put_be16(l4 + 4, (uint16_t)(len - l4_off));
	} else {
		adit_put_be32(l4 + 4, s->seq);
		adit_put_be32(l4 + 8, s->ack);
		l4[12] = (uint8_t)((20 + s->options) / 4 << 4);
		l4[13] = s->flags ? s->flags : ADIT_TCP_ACK;
		adit_put_be16(l4 + 14, s->window);
		memset(l4 + 20, 1, s->options);
	}
	if (!s->no_csum) {
		uint16_t sum = adit_sum_fold(adit_sum_pseudo(p, s->udp ? 17 : 6, len - l4_off));
		memcpy(l4 + (s->udp ? 6 : 16), &sum, 2);
		adit_checksum_complete(p, len, l4_off, s->udp ? 6 : 16);
	}
	if (s->bad_csum)
		l4[s->udp ? 7 : 17] ^= 0x55;
	*ret_len = len;
	return p;
}

static uint8_t sent[600][1600];
static uint32_t sent_len[600];
static unsigned sent_cnt;

static void add(struct spec s)
{
	uint32_t len;
	uint8_t *p = make(&s, &len);

	memcpy(sent[sent_cnt], p, len);
	sent_len[sent_cnt++] = len;
	adit_gro_add(&gro, p, len);
}

static void fresh(unsigned offloads, bool strict)
{
	start(offloads, strict);
	arena_used = sent_cnt = 0;
}

/* Everything sent came out once, byte-identical, in order within its flow. */
static void check_all(void)
{
	bool seen[512] = { 0 };
	unsigned last_of_flow[256] = { 0 };

	assert_int_equal(rec.packets, sent_cnt);
	for (unsigned i = 0; i < sent_cnt; i++) {
		unsigned port = sent[i][(sent[i][0] >> 4 == 4 ? 20 : 40) + 3], k;

		for (k = 0; k < rec.packets; k++) {
			if (!seen[k] && rec.len[k] == sent_len[i] && memcmp(rec.pkt[k], sent[i], sent_len[i]) == 0)
				break;
		}
		assert_true(k < rec.packets);
		seen[k] = true;
		assert_true(k + 1 > last_of_flow[port]);
		last_of_flow[port] = k + 1;
	}
}

static void test_tcp_merges(void **state)
{
	(void)state;
	for (int ip6 = 0; ip6 < 2; ip6++) {
		fresh(ADIT_OFFLOAD_ALL, false);
		for (uint32_t i = 0; i < 40; i++)
			add((struct spec){ .ip6 = ip6, .payload = 1000, .seq = i * 1000, .id = (uint16_t)i, .options = 12 });
		add((struct spec){ .ip6 = ip6, .payload = 10, .seq = 40000, .id = 40, .options = 12,
				   .flags = ADIT_TCP_ACK | ADIT_TCP_PSH });
		adit_gro_flush(&gro);
		assert_int_equal(rec.writes, 1);
		check_all();
	}
}

static void test_udp_merges(void **state)
{
	(void)state;
	fresh(ADIT_OFFLOAD_ALL, false);
	for (uint32_t i = 0; i < 20; i++)
		add((struct spec){ .udp = true, .payload = 500, .seq = i, .id = (uint16_t)i });
	add((struct spec){ .udp = true, .payload = 499, .seq = 99, .id = 20 });
	add((struct spec){ .udp = true, .payload = 500, .seq = 100, .id = 21 }); /* behind a shorter one: a new one */
	adit_gro_flush(&gro);
	assert_int_equal(rec.writes, 2);
	check_all();
}

/* Pairs that differ in one thing must not merge. */
static void test_must_not_merge(void **state)
{
	const struct spec first = { .payload = 100, .seq = 0, .id = 1 }, next = { .payload = 100, .seq = 100, .id = 2 };
	struct spec bad[16];
	unsigned n = 0;

	(void)state;
	for (; n < 16; n++)
		bad[n] = next;
	n = 0;
	bad[n++].seq = 101;
	bad[n++].ack = 1;
	bad[n++].window = 1;
	bad[n++].tos = 3;
	bad[n++].ttl = 9;
	bad[n++].options = 12;
	bad[n++].flow = 1;
	bad[n++].flags = ADIT_TCP_ACK | ADIT_TCP_FIN;
	bad[n++].flags = ADIT_TCP_ACK | ADIT_TCP_ECE;
	bad[n++].flags = ADIT_TCP_ACK | ADIT_TCP_CWR;
	bad[n++].payload = 101;
	bad[n++].payload = 0;
	bad[n++].no_df = true;
	bad[n++].frag = true;
	bad[n++].ip6 = true;
	for (unsigned i = 0; i < n; i++) {
		fresh(ADIT_OFFLOAD_ALL, false);
		add(first);
		add(bad[i]);
		adit_gro_flush(&gro);
		assert_int_equal(rec.writes, 2);
		check_all();
	}
	fresh(ADIT_OFFLOAD_ALL, false); /* the control */
	add(first);
	add(next);
	adit_gro_flush(&gro);
	assert_int_equal(rec.writes, 1);
}

static void test_psh_ends(void **state)
{
	(void)state;
	fresh(ADIT_OFFLOAD_ALL, false);
	add((struct spec){ .payload = 100, .flags = ADIT_TCP_ACK | ADIT_TCP_PSH });
	add((struct spec){ .payload = 100, .seq = 100 });
	adit_gro_flush(&gro);
	assert_int_equal(rec.writes, 2);
	check_all();
}

static void test_udp_without_checksum(void **state)
{
	(void)state;
	fresh(ADIT_OFFLOAD_ALL, false);
	add((struct spec){ .udp = true, .payload = 100, .no_csum = true });
	add((struct spec){ .udp = true, .payload = 100, .no_csum = true });
	adit_gro_flush(&gro);
	assert_int_equal(rec.writes, 2);
	check_all(); /* still without */
}

static void test_kernel_refuses(void **state)
{
	(void)state;
	for (int strict = 0; strict < 2; strict++) {
		fresh(ADIT_OFFLOAD_ALL, strict);
		rec.refuse_super = EINVAL;
		for (uint32_t i = 0; i < 10; i++)
			add((struct spec){ .payload = 1000, .seq = i * 1000, .id = (uint16_t)i,
					   .flags = i == 9 ? ADIT_TCP_ACK | ADIT_TCP_PSH : 0 });
		for (uint32_t i = 0; i < 10; i++)
			add((struct spec){ .udp = true, .flow = 1, .payload = 100, .seq = i });
		adit_gro_flush(&gro);
		check_all();
		assert_int_equal(notes.cnt, 2);
		assert_false(gro.merge_tcp);
		assert_false(gro.merge_udp);
		add((struct spec){ .payload = 100, .seq = 10000 }); /* goes on, singly */
		add((struct spec){ .payload = 100, .seq = 10100 });
		adit_gro_flush(&gro);
		check_all();
	}
}

static void test_strict(void **state)
{
	(void)state;
	fresh(ADIT_OFFLOAD_ALL, true);
	add((struct spec){ .payload = 100 });
	add((struct spec){ .payload = 100, .seq = 100, .bad_csum = true });
	adit_gro_flush(&gro);
	assert_int_equal(rec.writes, 2);
	assert_true(rec.unchecked[1]); /* the kernel will find it */
	check_all();
}

static void test_no_offloads(void **state)
{
	(void)state;
	fresh(0, false);
	for (uint32_t i = 0; i < 5; i++)
		add((struct spec){ .payload = 100, .seq = i * 100 });
	adit_gro_flush(&gro);
	assert_int_equal(rec.writes, 5);
	for (unsigned i = 0; i < 5; i++)
		assert_true(rec.unchecked[i]);
	check_all();
}

static void test_random(void **state)
{
	(void)state;
	srand(7);
	for (int round = 0; round < 300; round++) {
		uint32_t seq[6] = { 0 };
		uint16_t id[6] = { 0 };

		fresh(ADIT_OFFLOAD_ALL, rand() % 2);
		for (int i = 0; i < 100; i++) {
			uint8_t f = (uint8_t)(rand() % 6);
			uint16_t payload = rand() % 4 ? 400 : (uint16_t)(rand() % 1000);

			add((struct spec){ .flow = f, .udp = f > 3, .ip6 = f & 1, .payload = payload, .seq = seq[f], .id = id[f]++,
					   .options = f == 2 ? 12 : 0, .no_df = f == 0, .frag = rand() % 50 == 0 && !(f & 1),
					   .flags = rand() % 9 == 0 ? ADIT_TCP_ACK | ADIT_TCP_PSH : ADIT_TCP_ACK });
			seq[f] += payload;
			if (rand() % 20 == 0)
				adit_gro_flush(&gro);
		}
		adit_gro_flush(&gro);
		check_all();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tcp_merges),     cmocka_unit_test(test_udp_merges),
		cmocka_unit_test(test_must_not_merge), cmocka_unit_test(test_psh_ends),
		cmocka_unit_test(test_udp_without_checksum), cmocka_unit_test(test_kernel_refuses),
		cmocka_unit_test(test_strict),         cmocka_unit_test(test_no_offloads),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests_name("gro", tests, NULL, NULL);
}
