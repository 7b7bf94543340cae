/* SPDX-License-Identifier: ISC */
/* Data messages: trains out and in, padding, trimming, ECN, sources, roaming, staging. */
#include "wg_lab.h"

#include "base/super.h"

/* --- out -------------------------------------------------------------------- */

static void test_padding_table(void **state)
{
	static const struct { unsigned mtu; size_t len, padded; } rows[] = {
		{ 1420, 0, 0 }, { 1420, 1, 16 }, { 1420, 15, 16 }, { 1420, 16, 16 }, { 1420, 17, 32 },
		{ 1420, 84, 96 }, { 1420, 1407, 1408 }, { 1420, 1408, 1408 }, { 1420, 1409, 1420 },
		{ 1420, 1420, 1420 }, { 1420, 1421, 1436 }, { 1420, 2840, 2840 }, { 1420, 2841, 2856 },
		{ 1420, 1420 + 1409, 2840 }, { 9000, 8999, 9000 }, { 1424, 1423, 1424 }, { 68, 67, 68 },
	};
	struct lab lab;
	struct lab_node *n;

	(void)state;
	lab_init(&lab);
	n = lab_node(&lab, 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		adit_wg_set_mtu(n->wg, rows[i].mtu);
		assert_int_equal(adit_wg_wire_len(n->wg, rows[i].len), rows[i].padded + 32);
	}
	lab_fini(&lab);
}

/* Every size from one header to the MTU, and the padding is zeros. */
static void test_every_size(void **state)
{
	struct lab_pair p;
	uint8_t plain[1420];

	(void)state;
	lab_pair_init(&p);
	lab_pair_connect(&p);
	for (size_t len = 20; len <= 1420; len++) {
		struct lab_msg m;
		size_t padded;

		assert_int_equal(lab_send(p.a, "10.0.0.1", "10.0.0.2", len), ADIT_SEAL);
		m = lab_take(p.a);
		padded = m.len - 32;
		assert_true(padded % 16 == 0 || padded == 1420);
		assert_true(adit_aead_open(p.b->crypto, plain, m.data + 16, m.len - 16, NULL, 0,
					   adit_get_le64(m.data + 8), p.ba->current->receive_key));
		for (size_t i = len; i < padded; i++)
			assert_int_equal(plain[i], 0);
		p.b->in_cnt = 0;
		lab_deliver_msg(&p.lab, p.a, &m);
		assert_int_equal(p.b->in_cnt, 1);
		assert_int_equal(p.b->in[0].len, len); /* trimmed again */
	}
	lab_pair_fini(&p);
}

static void test_train_of_64(void **state)
{
	struct lab_pair p;
	struct adit_train t;

	(void)state;
	lab_pair_init(&p);
	lab_pair_connect(&p);
	assert_int_equal(lab_send_train(p.a, &t, "10.0.0.1", "10.0.0.2", 900, 64, 0), ADIT_SEAL);
	assert_int_equal(p.a->out_cnt, 64);
	assert_int_equal(adit_train_bytes(&t), 64 * (912 + 32));
	for (unsigned k = 0; k < 64; k++) {
		assert_int_equal(adit_get_le32(p.a->out[k].data), WG_DATA);
		assert_int_equal(adit_get_le64(p.a->out[k].data + 8), 1 + k); /* 0 confirmed the session */
	}
	assert_int_equal(lab_info(p.a, p.ab).tx_packets, 65);
	lab_flow(&p.lab);
	assert_int_equal(p.b->in_cnt, 64);
	for (unsigned k = 0; k < 64; k++)
		assert_int_equal(p.b->in[k].data[899], k); /* in order */
	lab_pair_fini(&p);
}

static int begin(struct lab_node *n, const uint8_t *packet, size_t len, enum adit_drop *drop)
{
	uint8_t wire[2048];
	struct adit_train t = { .wire = wire, .cnt = 1, .len = { (uint16_t)len } };
	int r;

	memcpy(wire + ADIT_WG_HEAD, packet, len);
	t.stride = t.last_len = (uint32_t)adit_wg_wire_len(n->wg, len);
	r = adit_wg_out_begin(n->wg, &t, n->lab->now);
	*drop = t.drop;
	if (r == ADIT_SEAL)
		lab_emit(n, &t);
	return r;
}

static void test_refusals(void **state)
{
	uint8_t packet[256];
	enum adit_drop drop;
	struct lab_pair p;

	(void)state;
	lab_pair_init(&p);
	lab_packet(packet, "10.0.0.1", "10.99.0.1", 100);
	assert_int_equal(begin(p.a, packet, 100, &drop), ADIT_DONE);
	assert_int_equal(drop, ADIT_DROP_no_peer);
	lab_packet(packet, "10.0.0.2", "10.0.0.1", 100);
	assert_int_equal(begin(p.b, packet, 100, &drop), ADIT_DONE);
	assert_int_equal(drop, ADIT_DROP_no_endpoint);
	assert_int_equal(begin(p.b, packet, 19, &drop), ADIT_DONE);
	assert_int_equal(drop, ADIT_DROP_not_ip);
	packet[0] = 0x55;
	assert_int_equal(begin(p.b, packet, 100, &drop), ADIT_DONE);
	assert_int_equal(drop, ADIT_DROP_not_ip);
	packet[0] = 0x60;
	assert_int_equal(begin(p.b, packet, 39, &drop), ADIT_DONE);
	assert_int_equal(drop, ADIT_DROP_not_ip);
	/* our own datagram to the peer, routed into the tunnel */
	struct adit_prefix all = lab_prefix("0.0.0.0/0");
	assert_int_equal(adit_wg_peer_allow(p.a->wg, p.ab, &all), 0);
	lab_packet(packet, "192.0.2.1", "192.0.2.2", 100);
	adit_put_be16(packet + 20, 51820);
	adit_put_be16(packet + 22, 51820);
	assert_int_equal(begin(p.a, packet, 100, &drop), ADIT_DONE);
	assert_int_equal(drop, ADIT_DROP_NONE); /* staged: our port is not known */
	adit_wg_set_port(p.a->wg, 51820);
	assert_int_equal(begin(p.a, packet, 100, &drop), ADIT_DONE);
	assert_int_equal(drop, ADIT_DROP_routing_loop);
	adit_put_be16(packet + 20, 51821); /* somebody else's */
	assert_int_equal(begin(p.a, packet, 100, &drop), ADIT_DONE);
	assert_int_equal(drop, ADIT_DROP_NONE);
	assert_int_equal(adit_wg_down(p.a->wg, 10, p.lab.now), 0);
	assert_int_equal(begin(p.a, packet, 100, &drop), ADIT_DONE);
	assert_int_equal(drop, ADIT_DROP_interface_down);
	assert_int_equal(lab_drops(p.a, ADIT_DROP_peer_removed), 2); /* those staged */
	/* too big for any datagram */
	struct adit_train t = { .wire = packet, .cnt = 1, .len = { 65500 }, .stride = 65532, .last_len = 65532 };
	memset(packet, 0, sizeof(packet));
	lab_packet(packet + ADIT_WG_HEAD, "10.0.0.1", "10.0.0.2", 100);
	assert_int_equal(adit_wg_up(p.a->wg, 10, p.lab.now), 0);
	assert_int_equal(adit_wg_out_begin(p.a->wg, &t, p.lab.now), ADIT_DONE);
	assert_int_equal(t.drop, ADIT_DROP_too_big);
	lab_pair_fini(&p);
}

/* A super-packet of odd segments: sealed out of place, each with zero padding
 * where the next one's payload stands. */
static void super_packet(struct lab_pair *p, unsigned payload, unsigned gso, bool staged)
{
	static uint8_t buf[65536], wire[ADIT_WIRE_MAX + 64];
	struct adit_super super;
	struct adit_train t;
	unsigned cnt = (payload + gso - 1) / gso, sum = 0;

	memset(&t, 0, sizeof(t));
	lab_packet(buf, "10.0.0.1", "10.0.0.2", 40 + payload);
	buf[9] = 6;
	buf[32] = 5 << 4;
	buf[33] = 0x10;
	for (unsigned i = 0; i < payload; i++)
		buf[40 + i] = (uint8_t)(i * 7 + i / 256);
	assert_int_equal(adit_super_init(&super, buf, 40 + payload, ADIT_SUPER_TCP4, 20, 40, (uint16_t)gso), 0);
	t.wire = wire;
	t.super = &super;
	t.cnt = (uint16_t)cnt;
	t.stride = (uint32_t)adit_wg_wire_len(p->a->wg, adit_super_segment_len(&super, 0));
	t.last_len = (uint32_t)adit_wg_wire_len(p->a->wg, adit_super_segment_len(&super, cnt - 1));
	assert_int_equal(adit_wg_out_begin(p->a->wg, &t, p->lab.now), staged ? ADIT_DONE : ADIT_SEAL);
	if (!staged)
		lab_emit(p->a, &t);
	p->b->in_cnt = 0;
	lab_tick(&p->lab);
	lab_flow(&p->lab);
	assert_int_equal(p->b->in_cnt, cnt);
	for (unsigned k = 0; k < cnt; k++) {
		size_t len = p->b->in[k].len - 40;

		assert_int_equal(len, k + 1 < cnt ? gso : payload - gso * (cnt - 1));
		for (size_t i = 0; i < len; i++, sum++)
			assert_int_equal(p->b->in[k].data[40 + i], (uint8_t)(sum * 7 + sum / 256));
	}
}

static void test_super_packets(void **state)
{
	struct lab_pair p;

	(void)state;
	lab_pair_init(&p);
	super_packet(&p, 5000, 1333, true);
	for (unsigned gso = 1300; gso <= 1380; gso++)
		super_packet(&p, gso * 5 + gso / 3, gso, false);
	super_packet(&p, 60001, 1380, false);
	super_packet(&p, 700, 699, false);
	super_packet(&p, 9, 3, false); /* padding longer than the next segment's payload */
	super_packet(&p, 10, 3, false);
	lab_pair_fini(&p);
}

/* --- in ---------------------------------------------------------------------- */

/* Seals `plain` as b would, for a. */
static void seal_from_b(struct lab_pair *p, struct lab_msg *m, const uint8_t *plain, size_t len)
{
	struct wg_session *s = p->ba->current;

	m->to = p->a->self;
	m->len = len + 32;
	m->tos = 0;
	adit_put_le32(m->data, WG_DATA);
	adit_put_le32(m->data + 4, s->remote_index);
	adit_put_le64(m->data + 8, s->send_counter);
	adit_aead_seal(p->b->crypto, m->data + 16, plain, len, NULL, 0, s->send_counter++, s->send_key);
}

static void test_inner_length(void **state)
{
	/* version, header's idea of the length, decrypted bytes, what is delivered */
	static const struct { int version; uint16_t total; size_t len, delivered; } rows[] = {
		{ 4, 20, 20, 20 }, { 4, 20, 32, 20 }, { 4, 100, 112, 100 }, { 4, 100, 100, 100 },
		{ 4, 101, 100, 0 }, { 4, 19, 32, 0 }, { 4, 0, 32, 0 }, { 4, 20, 16, 0 }, { 4, 65535, 112, 0 },
		{ 6, 0, 40, 40 }, { 6, 0, 48, 40 }, { 6, 60, 112, 100 }, { 6, 73, 112, 0 }, { 6, 0, 32, 0 },
		{ 6, 65535, 112, 0 }, { 5, 100, 112, 0 }, { 0, 100, 112, 0 }, { 15, 100, 112, 0 },
	};
	unsigned malformed = 0;
	struct lab_pair p;

	(void)state;
	lab_pair_init(&p);
	lab_pair_connect(&p);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t plain[128];
		struct lab_msg m;

		lab_packet(plain, rows[i].version == 6 ? "fd00::2" : "10.0.0.2", rows[i].version == 6 ? "fd00::1" : "10.0.0.1",
			   112);
		plain[0] = (uint8_t)(rows[i].version << 4 | (rows[i].version == 4 ? 5 : 0));
		adit_put_be16(plain + (rows[i].version == 6 ? 4 : 2), rows[i].total);
		seal_from_b(&p, &m, plain, rows[i].len);
		p.a->in_cnt = 0;
		lab_deliver_msg(&p.lab, p.b, &m);
		assert_int_equal(p.a->in_cnt, rows[i].delivered != 0);
		if (rows[i].delivered)
			assert_int_equal(p.a->in[0].len, rows[i].delivered);
		malformed += rows[i].delivered == 0;
		assert_int_equal(lab_drops(p.a, ADIT_DROP_inner_malformed), malformed);
	}
	lab_pair_fini(&p);
}

static void test_source_must_be_the_peers(void **state)
{
	struct adit_prefix wide = lab_prefix("10.9.0.0/24"), one = lab_prefix("10.9.0.5/32");
	struct lab_pair p;
	struct lab_node *c;
	uint64_t rx;

	(void)state;
	lab_pair_init(&p);
	lab_pair_connect(&p);
	c = lab_node(&p.lab, 3);
	struct adit_wg_peer *ac = lab_peer(p.a, c, false, "10.0.0.3/32");
	assert_int_equal(adit_wg_peer_allow(p.a->wg, p.ab, &wide), 0);
	assert_int_equal(adit_wg_peer_allow(p.a->wg, ac, &one), 0);
	assert_int_equal(lab_send(p.b, "10.9.0.4", "10.0.0.1", 100), ADIT_SEAL);
	lab_flow(&p.lab);
	assert_int_equal(p.a->in_cnt, 1);
	rx = lab_info(p.a, p.ab).rx_bytes;
	lab_send(p.b, "10.9.0.5", "10.0.0.1", 100); /* covered by b's prefix, but c's is longer */
	lab_send(p.b, "10.7.0.5", "10.0.0.1", 100); /* nobody's */
	lab_flow(&p.lab);
	assert_int_equal(p.a->in_cnt, 1);
	assert_int_equal(lab_drops(p.a, ADIT_DROP_source_not_allowed), 2);
	assert_int_equal(lab_info(p.a, p.ab).rx_bytes, rx);
	adit_wg_peer_disallow(p.a->wg, ac, &one);
	lab_send(p.b, "10.9.0.5", "10.0.0.1", 100);
	lab_flow(&p.lab);
	assert_int_equal(p.a->in_cnt, 2);
	lab_pair_fini(&p);
}

static uint16_t ip4_sum(const uint8_t *p)
{
	uint32_t s = 0;

	for (int i = 0; i < 20; i += 2)
		s += adit_get_be16(p + i);
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)s;
}

static void test_ecn(void **state)
{
	/* RFC 3168 9.1: rows inner Not, ECT(1)=1, ECT(0)=2, CE; columns outer likewise */
	static const int8_t in[4][4] = {
		/* outer:  0   1   2   3 */
		[0] = { 0, 0, 0, 0 },
		[1] = { 1, 1, 1, 3 },
		[2] = { 2, 2, 2, 3 },
		[3] = { 3, 3, 3, 3 },
	};
	struct lab_pair p;
	struct adit_train t;

	(void)state;
	lab_pair_init(&p);
	lab_pair_connect(&p);
	for (uint8_t inner = 0; inner < 4; inner++) {
		/* out: copied, but CE as ECT(0), and the DSCP stays inside */
		assert_int_equal(lab_send_train(p.a, &t, "10.0.0.1", "10.0.0.2", 100, 1, (uint8_t)(0xb8 | inner)), ADIT_SEAL);
		assert_int_equal(lab_take(p.a).tos, inner == 3 ? 2 : inner);
		if (inner != 3) { /* the flow label's bits are not to be touched */
			assert_int_equal(lab_send_train(p.a, &t, "fd00::1", "fd00::2", 100, 1, inner), ADIT_SEAL);
			assert_int_equal(lab_take(p.a).tos, inner);
		}
		for (uint8_t outer = 0; outer < 4; outer++) {
			for (int six = 0; six < 2; six++) {
				uint8_t plain[112];
				struct lab_msg m;
				int got;

				lab_packet(plain, six ? "fd00::2" : "10.0.0.2", six ? "fd00::1" : "10.0.0.1", 112);
				plain[1] = six ? (uint8_t)(inner << 4) : (uint8_t)(0xb8 | inner);
				if (!six)
					adit_put_be16(plain + 10, (uint16_t)~ip4_sum(plain));
				seal_from_b(&p, &m, plain, 112);
				m.tos = outer;
				p.a->in_cnt = 0;
				lab_deliver_msg(&p.lab, p.b, &m);
				assert_int_equal(p.a->in_cnt, 1);
				got = six ? p.a->in[0].data[1] >> 4 & 3 : p.a->in[0].data[1] & 3;
				assert_int_equal(got, in[inner][outer]);
				if (!six) {
					assert_int_equal(p.a->in[0].data[1] & ~3, 0xb8);
					assert_int_equal(ip4_sum(p.a->in[0].data), 0xffff);
				}
			}
		}
	}
	lab_pair_fini(&p);
}

static void test_replay_and_forgery(void **state)
{
	struct lab_pair p;
	struct lab_msg m, bad;
	struct adit_path elsewhere = lab_path("203.0.113.5:5");

	(void)state;
	lab_pair_init(&p);
	lab_pair_connect(&p);
	lab_send(p.a, "10.0.0.1", "10.0.0.2", 100);
	m = lab_take(p.a);
	for (size_t i = 8; i < m.len; i++) { /* counter, body, tag */
		bad = m;
		bad.data[i] ^= 1;
		lab_deliver(p.b, bad.data, bad.len, &elsewhere, 0);
	}
	assert_int_equal(lab_drops(p.b, ADIT_DROP_auth_failed), m.len - 8);
	assert_true(adit_path_equal(&p.ba->endpoint, &p.a->self));
	lab_deliver_msg(&p.lab, p.a, &m); /* the window did not move */
	assert_int_equal(p.b->in_cnt, 1);
	lab_deliver(p.b, m.data, m.len, &elsewhere, 0);
	assert_int_equal(p.b->in_cnt, 1);
	assert_int_equal(lab_drops(p.b, ADIT_DROP_replayed), 1);
	assert_true(adit_path_equal(&p.ba->endpoint, &p.a->self));
	assert_int_equal(p.b->events[ADIT_WG_ENDPOINT], 1); /* the first, by the initiation */
	lab_pair_fini(&p);
}

static void test_roaming(void **state)
{
	struct lab_pair p;
	struct lab_msg m;
	struct adit_path moved = lab_path("203.0.113.5:5"), sticky;

	(void)state;
	lab_pair_init(&p);
	lab_pair_connect(&p);
	assert_int_equal(p.b->events[ADIT_WG_ENDPOINT], 1);
	moved.ifindex = 4;
	moved.src[0] = 10;
	lab_send(p.a, "10.7.7.7", "10.0.0.2", 100); /* even if the inner source is not allowed */
	m = lab_take(p.a);
	lab_deliver(p.b, m.data, m.len, &moved, 0);
	assert_int_equal(p.b->in_cnt, 0);
	assert_true(adit_path_equal(&p.ba->endpoint, &moved));
	assert_int_equal(p.b->events[ADIT_WG_ENDPOINT], 2);
	lab_send(p.b, "10.0.0.2", "10.0.0.1", 100);
	m = lab_take(p.b);
	assert_true(adit_path_equal(&m.to, &moved)); /* sent from where it was heard on */
	/* the same remote end on another of our addresses is not worth an event */
	sticky = moved;
	sticky.src[0] = 11;
	lab_send(p.a, "10.0.0.1", "10.0.0.2", 100);
	m = lab_take(p.a);
	lab_deliver(p.b, m.data, m.len, &sticky, 0);
	assert_true(adit_path_equal(&p.ba->endpoint, &sticky));
	assert_int_equal(p.b->events[ADIT_WG_ENDPOINT], 2);
	/* routes changed: the source is left to routing until the peer is heard again */
	adit_wg_forget_sources(p.b->wg);
	lab_send(p.b, "10.0.0.2", "10.0.0.1", 100);
	m = lab_take(p.b);
	assert_true(adit_path_same_remote(&m.to, &sticky));
	assert_int_equal(m.to.src[0], 0);
	lab_send(p.a, "10.0.0.1", "10.0.0.2", 100);
	m = lab_take(p.a);
	lab_deliver(p.b, m.data, m.len, &sticky, 0);
	lab_send(p.b, "10.0.0.2", "10.0.0.1", 100);
	m = lab_take(p.b);
	assert_true(adit_path_equal(&m.to, &sticky));
	/* a keepalive moves it as well */
	adit_wg_peer_set_keepalive(p.a->wg, p.ab, 5, p.lab.now);
	lab_tick(&p.lab);
	m = lab_take(p.a);
	assert_int_equal(m.len, 32);
	lab_deliver(p.b, m.data, m.len, &p.a->self, 0);
	assert_true(adit_path_equal(&p.ba->endpoint, &p.a->self));
	/* an endpoint set by hand leaves the session alone */
	adit_wg_peer_set_endpoint(p.b->wg, p.ba, &moved);
	assert_int_equal(lab_send(p.b, "10.0.0.2", "10.0.0.1", 100), ADIT_SEAL);
	m = lab_take(p.b);
	assert_true(adit_path_same_remote(&m.to, &moved));
	lab_pair_fini(&p);
}

/* One buffer as UDP_GRO brings it: runs are cut where the session changes. */
static void test_runs(void **state)
{
	static uint8_t buf[ADIT_WIRE_MAX];
	struct lab_pair p;
	struct adit_train t;
	uint32_t pos = 0, runs = 0, packets = 0;
	static const char plan[] = "aaaxaaaahaab"; /* a: a's session, x: unknown index, h: junk, b: flipped tag */

	(void)state;
	lab_pair_init(&p);
	lab_pair_connect(&p);
	for (const char *c = plan; *c; c++) {
		struct lab_msg m;

		lab_send(p.a, "10.0.0.1", "10.0.0.2", 112);
		m = lab_take(p.a);
		assert_int_equal(m.len, 144);
		if (*c == 'x')
			m.data[4] ^= 0xff;
		if (*c == 'h')
			m.data[0] = 9;
		if (*c == 'b')
			m.data[m.len - 1] ^= 1;
		memcpy(buf + pos, m.data, m.len);
		pos += (uint32_t)m.len;
	}
	adit_train_in(&t, buf, pos, 144, &p.a->self, 0);
	while (adit_wg_in_begin(p.b->wg, &t, p.lab.now) == ADIT_OPEN) {
		static const uint16_t cnt[] = { 3, 4, 3 };

		assert_int_equal(t.cnt, cnt[runs++]);
		adit_wg_open(p.b->crypto, &t);
		adit_wg_in_done(p.b->wg, &t, p.lab.now);
		for (unsigned k = 0; k < t.cnt; k++)
			packets += t.len[k] == 112;
	}
	assert_int_equal(runs, 3);
	assert_int_equal(packets, 9);
	assert_int_equal(lab_drops(p.b, ADIT_DROP_unknown_index), 1);
	assert_int_equal(lab_drops(p.b, ADIT_DROP_bad_type), 1);
	assert_int_equal(lab_drops(p.b, ADIT_DROP_auth_failed), 1);
	/* three counters were lost on the way, and it shows */
	assert_int_equal(lab_info(p.b, p.ba).rx_lost, 2);
	lab_pair_fini(&p);
}

/* More than 64 datagrams, and a shorter last one. */
static void test_long_buffer(void **state)
{
	static uint8_t buf[ADIT_WIRE_MAX];
	struct lab_pair p;
	struct adit_train t;
	uint32_t pos = 0, packets = 0, runs = 0;

	(void)state;
	lab_pair_init(&p);
	lab_pair_connect(&p);
	for (unsigned i = 0; i < 100; i++) {
		struct lab_msg m;

		lab_send(p.a, "10.0.0.1", "10.0.0.2", i == 99 ? 20 : 112);
		m = lab_take(p.a);
		memcpy(buf + pos, m.data, m.len);
		pos += (uint32_t)m.len;
	}
	adit_train_in(&t, buf, pos, 144, &p.a->self, 0);
	while (adit_wg_in_begin(p.b->wg, &t, p.lab.now) == ADIT_OPEN) {
		runs++;
		adit_wg_open(p.b->crypto, &t);
		adit_wg_in_done(p.b->wg, &t, p.lab.now);
		for (unsigned k = 0; k < t.cnt; k++)
			packets += t.len[k] != 0;
		if (runs == 2)
			assert_int_equal(t.len[t.cnt - 1], 20);
	}
	assert_int_equal(runs, 2);
	assert_int_equal(packets, 100);
	lab_pair_fini(&p);
}

static void test_loss_and_reordering(void **state)
{
	struct lab_msg m[10];
	struct lab_pair p;

	(void)state;
	lab_pair_init(&p);
	lab_pair_connect(&p);
	for (int i = 0; i < 10; i++) {
		lab_send(p.a, "10.0.0.1", "10.0.0.2", 100);
		m[i] = lab_take(p.a);
	}
	lab_deliver_msg(&p.lab, p.a, &m[0]);
	lab_deliver_msg(&p.lab, p.a, &m[5]);
	assert_int_equal(lab_info(p.b, p.ba).rx_lost, 4);
	lab_deliver_msg(&p.lab, p.a, &m[3]);
	lab_deliver_msg(&p.lab, p.a, &m[2]);
	lab_deliver_msg(&p.lab, p.a, &m[2]); /* twice: neither */
	assert_int_equal(lab_info(p.b, p.ba).rx_lost, 2);
	assert_int_equal(lab_info(p.b, p.ba).rx_reordered, 2);
	assert_int_equal(lab_info(p.b, p.ba).rx_packets, 5); /* with the keepalive */
	lab_pair_fini(&p);
}

/* --- staging ------------------------------------------------------------------ */

static void test_staged_limit_drops_whole_trains(void **state)
{
	struct adit_train t;
	struct lab_pair p;

	(void)state;
	lab_pair_init(&p);
	for (int i = 0; i < 4; i++)
		lab_send_train(p.a, &t, "10.0.0.1", "10.0.0.2", 100, 40, 0);
	assert_int_equal(p.ab->staged.cnt, 120); /* the first 40 went */
	assert_int_equal(lab_drops(p.a, ADIT_DROP_staged_full), 40);
	lab_send_train(p.a, &t, "10.0.0.1", "10.0.0.2", 100, 8, 0);
	assert_int_equal(p.ab->staged.cnt, 128);
	lab_send(p.a, "10.0.0.1", "10.0.0.2", 200);
	assert_int_equal(p.ab->staged.cnt, 89);
	lab_tick(&p.lab);
	lab_flow(&p.lab);
	assert_int_equal(p.b->in_cnt, 89);
	assert_int_equal(p.b->in[0].data[99], 0); /* in order, from a train's start */
	assert_int_equal(p.b->in[39].data[99], 39);
	assert_int_equal(p.b->in[88].len, 200);
	assert_int_equal(p.a->wg->staging.bytes, 0);
	/* the larger one begins a train of its own; trains have at most 64 */
	assert_int_equal(lab_info(p.a, p.ab).tx_packets, 89);
	lab_pair_fini(&p);
}

/* Different ECN bits do not share a train, since they share one outer TOS. */
static void test_staged_keeps_ecn(void **state)
{
	struct adit_train t;
	struct lab_pair p;

	(void)state;
	lab_pair_init(&p);
	lab_send_train(p.a, &t, "10.0.0.1", "10.0.0.2", 100, 2, 2);
	lab_send_train(p.a, &t, "10.0.0.1", "10.0.0.2", 100, 2, 0);
	lab_tick(&p.lab);
	struct lab_msg m = lab_take(p.a);
	lab_deliver_msg(&p.lab, p.a, &m);
	m = lab_take(p.b);
	lab_deliver_msg(&p.lab, p.b, &m);
	assert_int_equal(p.a->out_cnt, 4);
	for (int i = 0; i < 4; i++)
		assert_int_equal(p.a->out[i].tos, i < 2 ? 2 : 0);
	lab_pair_fini(&p);
}

/* Many peers without an answer: the device holds 2 MiB and no more. */
static void test_staged_ceiling(void **state)
{
	struct adit_path path = lab_path("192.0.2.99:1");
	struct lab lab;
	struct lab_node *n;
	struct adit_train t;
	struct adit_wg_stats s;

	(void)state;
	lab_init(&lab);
	n = lab_node(&lab, 1);
	for (unsigned i = 0; i < 50; i++) {
		uint8_t key[32] = { 9, (uint8_t)i };
		struct adit_wg_peer *peer;
		char text[32];

		assert_int_equal(adit_wg_peer_add(n->wg, &peer, key, lab.now), 0);
		adit_wg_peer_set_endpoint(n->wg, peer, &path);
		snprintf(text, sizeof(text), "10.0.1.%u", i);
		struct adit_prefix prefix = lab_prefix(text);
		assert_int_equal(adit_wg_peer_allow(n->wg, peer, &prefix), 0);
		for (int k = 0; k < 3; k++)
			lab_send_train(n, &t, "10.0.0.1", text, 1000, 40, 0);
	}
	adit_wg_stats(n->wg, &s, lab.now);
	assert_true(s.staged_bytes <= 2 << 20);
	assert_true(s.staged_bytes > (2 << 20) - 41000);
	assert_true(s.drops[ADIT_DROP_staged_full] > 0);
	lab_fini(&lab);
}

/* What is sent while staged packets wait to leave does not overtake them. */
static void test_no_overtaking(void **state)
{
	static uint8_t wire[ADIT_WIRE_MAX];
	struct adit_train t;
	struct lab_pair p;
	struct lab_msg m;
	uint8_t buf[LAB_MSG_MAX];

	(void)state;
	lab_pair_init(&p);
	lab_send(p.a, "10.0.0.1", "10.0.0.2", 101);
	lab_tick(&p.lab);
	m = lab_take(p.a);
	lab_deliver_msg(&p.lab, p.a, &m);
	m = lab_take(p.b);
	memset(&t, 0, sizeof(t));
	memcpy(buf, m.data, m.len);
	adit_train_in(&t, buf, (uint32_t)m.len, (uint32_t)m.len, &p.b->self, 0);
	assert_int_equal(adit_wg_in_begin(p.a->wg, &t, p.lab.now), ADIT_DONE);
	assert_int_equal(adit_wg_work(p.a->wg, 1, p.lab.now), 0);
	/* the session is there, the staged packet has not left yet */
	assert_int_equal(lab_send(p.a, "10.0.0.1", "10.0.0.2", 102), ADIT_DONE);
	memset(&t, 0, sizeof(t));
	while (adit_wg_staged_next(p.a->wg, &t, wire, sizeof(wire), p.lab.now) == ADIT_SEAL)
		lab_emit(p.a, &t);
	assert_int_equal(lab_send(p.a, "10.0.0.1", "10.0.0.2", 103), ADIT_SEAL);
	lab_flow(&p.lab);
	assert_int_equal(p.b->in_cnt, 3);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(p.b->in[i].len, 101 + i);
	lab_pair_fini(&p);
}

/* --- between begin and done ------------------------------------------------------ */

static void test_peer_removed_meanwhile(void **state)
{
	uint8_t wire[256] = { 0 }, buf[LAB_MSG_MAX];
	struct adit_train out = { .wire = wire, .cnt = 1, .len = { 100 } }, in;
	struct lab_pair p;
	struct lab_msg m;
	struct adit_wg_stats s;

	(void)state;
	lab_pair_init(&p);
	lab_pair_connect(&p);
	lab_packet(wire + ADIT_WG_HEAD, "10.0.0.1", "10.0.0.2", 100);
	out.stride = out.last_len = (uint32_t)adit_wg_wire_len(p.a->wg, 100);
	assert_int_equal(adit_wg_out_begin(p.a->wg, &out, p.lab.now), ADIT_SEAL);
	lab_send(p.b, "10.0.0.2", "10.0.0.1", 100);
	m = lab_take(p.b);
	memset(&in, 0, sizeof(in));
	memcpy(buf, m.data, m.len);
	adit_train_in(&in, buf, (uint32_t)m.len, (uint32_t)m.len, &p.b->self, 0);
	assert_int_equal(adit_wg_in_begin(p.a->wg, &in, p.lab.now), ADIT_OPEN);
	adit_wg_peer_remove(p.a->wg, p.ab, p.lab.now);
	adit_wg_stats(p.a->wg, &s, p.lab.now);
	assert_int_equal(s.sessions, 0);
	adit_wg_seal(p.a->crypto, &out); /* the keys are there until done */
	adit_wg_open(p.a->crypto, &in);
	assert_int_equal(in.ok, 1);
	adit_wg_out_done(p.a->wg, &out, p.lab.now);
	assert_int_equal(out.cnt, 0);
	adit_wg_in_done(p.a->wg, &in, p.lab.now);
	assert_int_equal(in.len[0], 0);
	lab_pair_fini(&p);
}

/* Three sessions receive; a rekey loses nothing that is on the way. */
static void test_rekey_loses_nothing(void **state)
{
	struct lab_msg old, new;
	struct lab_pair p;

	(void)state;
	lab_pair_init(&p);
	lab_pair_connect(&p);
	lab_send(p.a, "10.0.0.1", "10.0.0.2", 100);
	old = lab_take(p.a);
	p.lab.now += 10 * ADIT_SEC;
	adit_wg_peer_handshake(p.a->wg, p.ab, p.lab.now);
	lab_tick(&p.lab);
	new = lab_take(p.a);
	lab_deliver_msg(&p.lab, p.a, &new);
	new = lab_take(p.b); /* response on the way; b still sends on the old session */
	assert_int_equal(lab_send(p.b, "10.0.0.2", "10.0.0.1", 100), ADIT_SEAL);
	lab_deliver_msg(&p.lab, p.b, &new);
	lab_flow(&p.lab);
	assert_int_equal(p.a->in_cnt, 1);
	lab_deliver_msg(&p.lab, p.a, &old); /* under what is now b's previous session */
	assert_int_equal(p.b->in_cnt, 1);
	lab_pair_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_padding_table),
		cmocka_unit_test(test_every_size),
		cmocka_unit_test(test_train_of_64),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_super_packets),
		cmocka_unit_test(test_inner_length),
		cmocka_unit_test(test_source_must_be_the_peers),
		cmocka_unit_test(test_ecn),
		cmocka_unit_test(test_replay_and_forgery),
		cmocka_unit_test(test_roaming),
		cmocka_unit_test(test_runs),
		cmocka_unit_test(test_long_buffer),
		cmocka_unit_test(test_loss_and_reordering),
		cmocka_unit_test(test_staged_limit_drops_whole_trains),
		cmocka_unit_test(test_staged_keeps_ecn),
		cmocka_unit_test(test_staged_ceiling),
		cmocka_unit_test(test_no_overtaking),
		cmocka_unit_test(test_peer_removed_meanwhile),
		cmocka_unit_test(test_rekey_loses_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
