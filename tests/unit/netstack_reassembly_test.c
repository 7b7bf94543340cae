/* SPDX-License-Identifier: ISC */
/* netstack_reassembly_test.c - fragments in any order, overlapping, missing, in floods */
#include "netstack_lab.h"

#include "netstack/reassembly.h"

static const int families[] = { 4, 6 };
#define FOR_BOTH(f) for (const int *fp = families; fp < families + 2; fp++) for (int f = *fp, once = 1; once; once = 0)

static uint8_t whole[70000], frag[70000];

/* Bytes [off, off + len) of the transport part of the packet in `whole`, as a fragment. */
static enum adit_drop send_part(struct lab *lab, int f, uint32_t id, size_t off, size_t len, bool more)
{
	size_t hdr = f == 4 ? 20 : 40, at = hdr;

	memcpy(frag, whole, hdr);
	if (f == 4) {
		adit_put_be16(frag + 2, (uint16_t)(20 + len));
		adit_put_be16(frag + 4, (uint16_t)id);
		adit_put_be16(frag + 6, (uint16_t)(off / 8 | (more ? 0x2000 : 0)));
		adit_ip4_checksum(frag, 20);
	} else {
		adit_put_be16(frag + 4, (uint16_t)(8 + len));
		frag[6] = 44;
		frag[40] = whole[6];
		frag[41] = 0;
		adit_put_be16(frag + 42, (uint16_t)(off | more));
		adit_put_be32(frag + 44, id);
		at += 8;
	}
	memcpy(frag + at, whole + hdr + off, len);
	return lab_in(lab, frag, at + len);
}

static struct adit_sock *open_sock(struct lab *lab)
{
	struct adit_endpoint port = { .port = 53 };
	struct adit_sock *s;

	assert_int_equal(adit_udp_sock_open(lab->ns, &s, &port, NULL, NULL), 0);
	return s;
}

static bool received(struct adit_sock *s, size_t len)
{
	struct adit_udp_msg m;

	if (!adit_udp_sock_recv(s, &m))
		return false;
	assert_int_equal(m.len, len);
	lab_is_pattern(m.data, len);
	assert_false(adit_udp_sock_recv(s, &m));
	return true;
}

static void test_any_order(void **state)
{
	enum { PARTS = 5, STEP = 400, LEN = PARTS * STEP - 8 - 3 };
	uint64_t r = 7;
	struct adit_sock *s;
	struct lab lab;

	(void)state;
	lab_start(&lab, NULL);
	s = open_sock(&lab);
	FOR_BOTH(f) {
		for (int run = 0; run < 200; run++) {
			int order[2 * PARTS];
			unsigned seen = 0;

			/* each part once or twice, shuffled */
			for (int i = 0; i < 2 * PARTS; i++)
				order[i] = i % PARTS;
			for (int i = 2 * PARTS - 1; i > 0; i--) {
				int k = (int)(lab_random64(&r) % (unsigned)(i + 1)), t = order[i];

				order[i] = order[k];
				order[k] = t;
			}
			lab_udp(whole, f, 5000, 53, LEN);
			for (int i = 0; i < 2 * PARTS && seen != (1u << PARTS) - 1; i++) {
				size_t off = (size_t)order[i] * STEP, left = 8 + LEN - off;

				assert_int_equal(send_part(&lab, f, (uint32_t)run, off, left < STEP ? left : STEP, left > STEP),
						 ADIT_DROP_NONE);
				seen |= 1u << order[i];
				assert_true(received(s, LEN) == (seen == (1u << PARTS) - 1));
			}
		}
	}
	assert_int_equal(lab_all_drops(&lab), 0);
	lab_end(&lab);
}

/* To TCP and ICMP as well: who fragments those is wrong, but understood. */
static void test_other_protocols(void **state)
{
	struct lab lab;

	(void)state;
	lab_start(&lab, NULL);
	FOR_BOTH(f) {
		size_t len;

		lab_tcp(whole, f, 99, ADIT_TCP_ACK, 1000);
		tcp_double.segments = 0;
		send_part(&lab, f, 1, 504, 528, false);
		assert_int_equal(tcp_double.segments, 0);
		assert_int_equal(send_part(&lab, f, 1, 0, 504, true), ADIT_DROP_NONE);
		assert_int_equal(tcp_double.segments, 1);
		lab_is_pattern(tcp_double.payload, 1000);
		/* its checksum is looked at, whoever is trusted */
		whole[100] ^= 1;
		send_part(&lab, f, 2, 504, 528, false);
		assert_int_equal(send_part(&lab, f, 2, 0, 504, true), ADIT_DROP_checksum_wrong);
		len = lab_icmp(whole, f, f == 4 ? 8 : 128, 0, 1, whole + 2000, 100);
		send_part(&lab, f, 3, 0, 56, true);
		send_part(&lab, f, 3, 56, 52, false);
		assert_int_equal(lab_out(&lab), len);
	}
	lab_end(&lab);
}

static void test_overlap(void **state)
{
	static const struct {
		size_t off, len;
		bool more;
	} cases[] = {
		{ 0, 408, true },   /* the first one again, longer */
		{ 0, 392, true },   /* ... shorter */
		{ 392, 400, true }, /* into the first one's end */
		{ 8, 8, true },	    /* inside */
		{ 792, 16, true },  /* into the next one's beginning */
		{ 1600, 8, true },  /* past the end */
		{ 400, 300, false }, /* another end */
		{ 1600, 8, false },
	};
	struct adit_sock *s;
	struct lab lab;

	(void)state;
	lab_start(&lab, NULL);
	s = open_sock(&lab);
	FOR_BOTH(f) {
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
			lab_udp(whole, f, 5000, 53, 1592);
			assert_int_equal(send_part(&lab, f, 9, 0, 400, true), ADIT_DROP_NONE);
			assert_int_equal(send_part(&lab, f, 9, 800, 800, false), ADIT_DROP_NONE);
			assert_int_equal(send_part(&lab, f, 9, cases[i].off, cases[i].len, cases[i].more),
					 ADIT_DROP_fragment_overlap);
			/* what would have made it whole comes too late, and so does all of it again */
			assert_int_equal(send_part(&lab, f, 9, 400, 400, true), ADIT_DROP_fragment_overlap);
			assert_int_equal(send_part(&lab, f, 9, 0, 400, true), ADIT_DROP_fragment_overlap);
			assert_false(received(s, 1592));
			/* until its time is over */
			lab.now += REASSEMBLY_TIMEOUT + ADIT_SEC;
			adit_netstack_tick(lab.ns, lab.now);
			assert_int_equal(lab_out(&lab), 0); /* and nobody is told of it */
			send_part(&lab, f, 9, 0, 400, true);
			send_part(&lab, f, 9, 800, 800, false);
			assert_false(received(s, 1592));
			send_part(&lab, f, 9, 400, 400, true);
			assert_true(received(s, 1592));
		}
	}
	lab_end(&lab);
}

static void test_timeout(void **state)
{
	struct lab lab;

	(void)state;
	lab_start(&lab, NULL);
	FOR_BOTH(f) {
		size_t hdr = f == 4 ? 20 : 40;

		lab_udp(whole, f, 5000, 53, 1592);
		send_part(&lab, f, 1, 0, 400, true);
		lab.now += 10 * ADIT_SEC;
		send_part(&lab, f, 1, 400, 400, true); /* time goes from the first one that came */
		send_part(&lab, f, 2, 400, 400, true);
		assert_true(adit_netstack_deadline(lab.ns) <= lab.now + 20 * ADIT_SEC + ADIT_MSEC);
		lab.now += 20 * ADIT_SEC - ADIT_MSEC;
		adit_netstack_tick(lab.ns, lab.now);
		assert_int_equal(lab_out(&lab), 0);
		lab.now += 2 * ADIT_MSEC;
		adit_netstack_tick(lab.ns, lab.now);
		assert_int_equal(lab_drops(&lab, ADIT_DROP_fragment_timeout), f == 4 ? 2 : 5);
		assert_true(lab_out(&lab) > 0); /* the first fragment was there: its sender is told */
		assert_int_equal(lab.out[hdr], f == 4 ? 11 : 3);
		assert_int_equal(lab.out[hdr + 1], 1);
		assert_memory_equal(lab.out + hdr + 8 + (f == 4 ? 12 : 8), lab_peer(f)->bytes, f == 4 ? 4 : 16);
		lab.now += 30 * ADIT_SEC;
		adit_netstack_tick(lab.ns, lab.now);
		assert_int_equal(lab_out(&lab), 0); /* of the other one it was not */
		assert_true(adit_netstack_deadline(lab.ns) == ADIT_NEVER);
		assert_int_equal(lab_drops(&lab, ADIT_DROP_fragment_timeout), f == 4 ? 3 : 6);
	}
	lab_end(&lab);
}

static void test_impossible(void **state)
{
	struct lab lab;

	(void)state;
	lab_start(&lab, NULL);
	FOR_BOTH(f) {
		lab_udp(whole, f, 5000, 53, 2000);
		assert_int_equal(send_part(&lab, f, 1, 0, 401, true), ADIT_DROP_bad_fragment);
		assert_int_equal(send_part(&lab, f, 1, 400, 0, true), ADIT_DROP_bad_fragment);
		assert_int_equal(send_part(&lab, f, 1, 400, 0, false), ADIT_DROP_bad_fragment);
		assert_int_equal(send_part(&lab, f, 1, 65528, 20, false), ADIT_DROP_bad_fragment); /* ends past 65535 */
		assert_int_equal(send_part(&lab, f, 1, 65528, 8, true), ADIT_DROP_bad_fragment);
	}
	/* a fragment inside fragments: a whole packet may not be one again */
	lab_ip(whole, &peer6, &us6, 44, 64);
	memcpy(whole + 40, "\21\0\0\1\1\2\3\4", 8);
	assert_int_equal(send_part(&lab, 6, 5, 0, 32, true), ADIT_DROP_NONE);
	assert_int_equal(send_part(&lab, 6, 5, 32, 32, false), ADIT_DROP_bad_fragment);
	lab_end(&lab);
}

/* The largest there is, in small pieces. */
static void test_large(void **state)
{
	struct adit_sock *s;
	struct lab lab;

	(void)state;
	lab_start(&lab, NULL);
	s = open_sock(&lab);
	FOR_BOTH(f) {
		lab_udp(whole, f, 5000, 53, 65507);
		for (size_t off = 0; off < 65515; off += 512)
			assert_int_equal(send_part(&lab, f, 1, off, 65515 - off < 512 ? 65515 - off : 512, off + 512 < 65515),
					 ADIT_DROP_NONE);
		assert_true(received(s, 65507));
		/* but not in more than so many */
		for (unsigned i = 0; i < REASSEMBLY_FRAGMENTS; i++)
			assert_int_equal(send_part(&lab, f, 2, 8 * i, 8, true), ADIT_DROP_NONE);
		assert_int_equal(send_part(&lab, f, 2, 8 * REASSEMBLY_FRAGMENTS, 8, true), ADIT_DROP_fragment_limit);
	}
	lab_end(&lab);
}

static void from(int f, uint32_t source)
{
	if (f == 4) {
		adit_put_be32(whole + 12, UINT32_C(10) << 24 | (source + 2));
	} else {
		adit_put_be32(whole + 12, source);
	}
}

/* Memory is bounded whatever comes, and who sends no flood still gets through. */
static void test_flood(void **state)
{
	struct adit_sock *s;
	struct lab lab;
	uint64_t r = 3;

	(void)state;
	lab_start(&lab, NULL);
	s = open_sock(&lab);
	adit_udp_sock_set_limit(s, 1 << 20);
	FOR_BOTH(f) {
		size_t most = 0;

		for (int i = 0; i < 60000; i++) {
			struct adit_udp_msg m;

			lab_udp(whole, f, 5000, 53, 1592);
			from(f, 5 + (uint32_t)(lab_random64(&r) % (i < 30000 ? 1 : 3000))); /* one source, then many */
			send_part(&lab, f, (uint32_t)lab_random64(&r), lab_random64(&r) % 150 * 8, 400, true);
			most = lab.budget.used > most ? lab.budget.used : most;
			if (i < 30000)
				assert_true(lab.budget.used < REASSEMBLY_SOURCE_BYTES + 8192);
			if (i % 100)
				continue;
			/* meanwhile somebody honest, with a datagram in two parts */
			lab_udp(whole, f, 5000, 53, 1592);
			from(f, 1);
			lab_sum(whole, f == 4 ? 20 : 40, (f == 4 ? 20 : 40) + 1600, ADIT_IPPROTO_UDP, 6);
			assert_int_equal(send_part(&lab, f, (uint32_t)i, 0, 800, true), ADIT_DROP_NONE);
			assert_int_equal(send_part(&lab, f, (uint32_t)i, 800, 800, false), ADIT_DROP_NONE);
			assert_true(adit_udp_sock_recv(s, &m));
			assert_false(adit_udp_sock_recv(s, &m));
			lab.now += 10 * ADIT_MSEC;
		}
		assert_true(most < REASSEMBLY_BYTES + 65536);
		assert_true(lab_drops(&lab, ADIT_DROP_fragment_limit) > 50000);
		lab.now += 31 * ADIT_SEC;
		adit_netstack_tick(lab.ns, lab.now);
		assert_true(lab.budget.used < 1024); /* the empty table */
		while (lab_out(&lab))
			;
	}
	/* and with no memory at all */
	lab.budget.limit = lab.budget.used + 500;
	lab_udp(whole, 4, 5000, 53, 1592);
	assert_int_equal(send_part(&lab, 4, 1, 0, 800, true), ADIT_DROP_no_memory);
	lab_end(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_order), cmocka_unit_test(test_other_protocols),
		cmocka_unit_test(test_overlap), cmocka_unit_test(test_timeout), cmocka_unit_test(test_impossible),
		cmocka_unit_test(test_large), cmocka_unit_test(test_flood),
	};

	return cmocka_run_group_tests_name("netstack_reassembly", tests, NULL, NULL);
}
