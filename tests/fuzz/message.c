/* SPDX-License-Identifier: ISC */
/*
 * message.c - datagrams at a device whose keys are known: raw ones, handshake
 * messages with their mac1 put right, and data messages that really are
 * sealed but say anything inside. The device has two peers and a live session
 * with one of them, `other`, which is a device as well and seals for us.
 */
#include <string.h>

#include "fuzz.h"
#include "wg/wg.h"

#define SENT_MAX 64
#define LEN_MAX  1600

struct node {
	struct adit_wg *wg;
	uint8_t priv[ADIT_KEY_LEN], pub[ADIT_KEY_LEN];
	uint64_t random;
	uint8_t sent[SENT_MAX][LEN_MAX]; /* what it sent last */
	size_t sent_len[SENT_MAX];
	unsigned sent_cnt;
	uint64_t bytes_out;
};

static struct node target, other;
static struct adit_crypto *crypto;
static adit_time now;
static struct adit_path from; /* of what the target gets */
static uint8_t blob[2][ADIT_WG_EXPORT_MAX]; /* the session, both ends of it */
static int blob_len[2];
static uint8_t mac1_key[ADIT_HASH_LEN];
static const uint8_t blob_key[ADIT_KEY_LEN] = { 3 };
static unsigned sealed, delivered; /* data messages made; packets that came out */

static void op_random(void *user, void *buf, size_t len)
{
	struct node *n = user;
	uint8_t *p = buf;

	for (size_t i = 0; i < len; i++) {
		n->random = n->random * UINT64_C(6364136223846793005) + 1442695040888963407;
		p[i] = (uint8_t)(n->random >> 33);
	}
}

static void op_wall(void *user, struct adit_wall *ret)
{
	(void)user;
	*ret = (struct adit_wall){ .sec = 1700000000 + now / ADIT_SEC, .nsec = (uint32_t)(now % ADIT_SEC) };
}

static void keep(struct node *n, const uint8_t *msg, size_t len)
{
	MUST(len <= LEN_MAX);
	memcpy(n->sent[n->sent_cnt % SENT_MAX], msg, len);
	n->sent_len[n->sent_cnt++ % SENT_MAX] = len;
	n->bytes_out += len;
}

static void op_send(void *user, const struct adit_path *path, const uint8_t *msg, size_t len, uint8_t tos)
{
	(void)path, (void)tos;
	keep(user, msg, len);
}

static const struct adit_wg_ops ops = { .random = op_random, .wall = op_wall, .send = op_send };

/* 10.0.ID.0/24 and fd00:0:0:ID::/64 belong to node ID. */
static void add_peer(struct adit_wg *wg, const uint8_t pub[ADIT_KEY_LEN], unsigned id)
{
	struct adit_path path = { .kind = ADIT_PATH_UDP4, .port = (uint16_t)(1000 + id), .addr = { 192, 0, 2, (uint8_t)id } };
	struct adit_prefix prefix[2] = { { .addr = { 4, { 10, 0, (uint8_t)id } }, .len = 24 },
					 { .addr = { 6, { 0xfd, [7] = (uint8_t)id } }, .len = 64 } };
	struct adit_wg_peer *peer;

	MUST(adit_wg_peer_add(wg, &peer, pub, now) == 0);
	MUST(adit_wg_peer_allow(wg, peer, &prefix[0]) == 0 && adit_wg_peer_allow(wg, peer, &prefix[1]) == 0);
	adit_wg_peer_set_endpoint(wg, peer, &path);
}

static void start(struct node *n, unsigned id)
{
	memset(n->priv, (int)id, sizeof(n->priv));
	adit_x25519_clamp(n->priv);
	n->random = id;
	n->sent_cnt = 0;
	n->bytes_out = 0;
	MUST(adit_wg_new(&n->wg, &ops, n, crypto, now) == 0);
	adit_wg_set_private_key(n->wg, n->priv, now);
	while (adit_wg_private_key_continue(n->wg, 10, now) > 0)
		;
	while (adit_wg_up(n->wg, 10, now) > 0)
		;
	MUST(adit_wg_public_key(n->wg, n->pub));
}

static void start_both(void)
{
	uint8_t stranger[ADIT_KEY_LEN] = { 9 };

	start(&target, 1);
	start(&other, 2);
	add_peer(target.wg, other.pub, 2);
	add_peer(target.wg, stranger, 3);
	add_peer(other.wg, target.pub, 1);
}

static void judge(const uint8_t *p, size_t len, uint32_t datagram)
{
	struct adit_addr src = { .family = p[0] >> 4 };
	size_t total;

	MUST(len <= datagram - ADIT_WG_OVERHEAD);
	MUST(src.family == 4 || src.family == 6);
	total = src.family == 4 ? adit_get_be16(p + 2) : adit_get_be16(p + 4) + 40u;
	MUST(total == len && len >= (src.family == 4 ? 20 : 40));
	memcpy(src.bytes, p + (src.family == 4 ? 12 : 8), src.family == 4 ? 4 : 16);
	MUST(adit_wg_route(target.wg, &src) == adit_wg_peer_find(target.wg, other.pub));
	MUST(++delivered <= sealed);
}

/* The target gets a buffer. */
static void receive(struct node *n, const uint8_t *bytes, size_t len, size_t stride, uint8_t tos)
{
	struct adit_train t = { 0 };
	uint8_t *buf = fuzz_copy(bytes, len);

	adit_train_in(&t, buf, (uint32_t)len, (uint32_t)stride, &from, tos);
	while (adit_wg_in_begin(n->wg, &t, now) == ADIT_OPEN) {
		adit_wg_open(crypto, &t);
		adit_wg_in_done(n->wg, &t, now);
		for (unsigned k = 0; k < t.cnt; k++) {
			if (t.len[k] && n == &target)
				judge(t.wire + (size_t)k * t.stride + ADIT_WG_HEAD, t.len[k], adit_train_datagram_len(&t, k));
		}
	}
	free(buf);
}

static void turn(struct node *n)
{
	static uint8_t wire[ADIT_WIRE_MAX];
	struct adit_train t = { 0 };
	int ticks = 0;

	adit_wg_work(n->wg, 100, now);
	for (; adit_wg_deadline(n->wg) <= now; ticks++) {
		adit_wg_tick(n->wg, now);
		MUST(ticks < 1000);
	}
	while (adit_wg_staged_next(n->wg, &t, wire, sizeof(wire), now) == ADIT_SEAL) {
		adit_wg_seal(crypto, &t);
		adit_wg_out_done(n->wg, &t, now);
		sealed += t.cnt;
		keep(n, t.wire, t.cnt ? t.last_len : 0);
	}
}

/* The other seals `len` bytes of anything. Returns the datagram's length, 0 without a session. */
static size_t seal(uint8_t *out, const uint8_t *plain, size_t len)
{
	static const uint8_t cover[20] = { 0x45, 0, 0, 20, 0, 0, 0, 0, 64, 253, 0, 0, 10, 0, 2, 1, 10, 0, 1, 1 };
	struct adit_train t = { .wire = out, .cnt = 1 };

	t.len[0] = (uint16_t)(len < 20 ? 20 : len);
	t.stride = t.last_len = (uint32_t)adit_wg_wire_len(other.wg, t.len[0]);
	memset(out, 0, t.stride);
	memcpy(out + ADIT_WG_HEAD, cover, sizeof(cover)); /* what begin looks at */
	if (adit_wg_out_begin(other.wg, &t, now) != ADIT_SEAL)
		return 0;
	memcpy(out + ADIT_WG_HEAD, plain, len); /* what is sealed */
	adit_wg_seal(crypto, &t);
	adit_wg_out_done(other.wg, &t, now);
	sealed++;
	return t.last_len;
}

/* Both ends of one handshake, once; every run takes the session over. */
static void make_session(void)
{
	uint8_t buf[LEN_MAX], plain[20] = { 0 };

	start_both();
	MUST(seal(buf, plain, 20) == 0); /* staged: starts the handshake */
	turn(&other);
	receive(&target, other.sent[0], other.sent_len[0], other.sent_len[0], 0);
	turn(&target);
	receive(&other, target.sent[0], target.sent_len[0], target.sent_len[0], 0);
	turn(&other);
	receive(&target, other.sent[1], other.sent_len[1], other.sent_len[1], 0);
	blob_len[0] = adit_wg_session_export(target.wg, adit_wg_peer_find(target.wg, other.pub), blob_key, blob[0], now);
	blob_len[1] = adit_wg_session_export(other.wg, adit_wg_peer_find(other.wg, target.pub), blob_key, blob[1], now);
	MUST(blob_len[0] > 0 && blob_len[1] > 0);
	adit_hash(crypto, mac1_key, "mac1----", 8, target.pub, ADIT_KEY_LEN);
	adit_wg_free(target.wg);
	adit_wg_free(other.wg);
}

static void put_mac1(uint8_t *msg, size_t len)
{
	if (len >= 32)
		adit_mac(crypto, msg + len - 32, mac1_key, sizeof(mac1_key), msg, len - 32, NULL, 0);
}

/* A handshake message of the right length and a valid mac1. */
static void forge(struct adit_reader *r, uint8_t type)
{
	static const size_t lengths[] = { 0, 148, 92, 64 };
	uint8_t msg[148] = { 0 };
	size_t len = lengths[type], n;
	const uint8_t *p = fuzz_chunk(r, len, &n);

	if (p)
		memcpy(msg, p, n);
	adit_put_le32(msg, type);
	if (type < 3)
		put_mac1(msg, len);
	receive(&target, msg, len, len, 0);
}

/* Something the other sent, with one byte changed, perhaps. */
static void mutate(struct adit_reader *r)
{
	uint8_t which = adit_rd_u8(r), at = adit_rd_u8(r), with = adit_rd_u8(r);
	uint8_t msg[LEN_MAX];
	size_t len;

	if (other.sent_cnt == 0)
		return;
	which = (uint8_t)(which % (other.sent_cnt < SENT_MAX ? other.sent_cnt : SENT_MAX));
	len = other.sent_len[which];
	memcpy(msg, other.sent[which], len);
	if (len > 0)
		msg[at % len] ^= with;
	if (len == 148 || len == 92)
		put_mac1(msg, len);
	receive(&target, msg, len, len, at & 3);
}

/* Several datagrams in one buffer: sealed ones, sealed again, or broken. */
static void buffer(struct adit_reader *r)
{
	static uint8_t buf[8 * LEN_MAX];
	size_t n, len = 0, stride = 0;

	for (int k = 0; k < 8 && r->left > 0; k++) {
		const uint8_t *p = fuzz_chunk(r, 64, &n);
		uint8_t one[LEN_MAX];
		size_t one_len = seal(one, p ? p : (const uint8_t *)"", p ? n : 0);

		if (!one_len || (stride && one_len > stride))
			break;
		stride = stride ? stride : one_len;
		memcpy(buf + len, one, one_len);
		len += one_len;
		if (n & 1) { /* the tag: what is inside stays as it was */
			buf[len - 1] ^= 1;
			sealed--;
		}
		if (one_len < stride)
			break;
	}
	if (stride)
		receive(&target, buf, len, stride, 0);
}

/* A packet that is right but for what four bytes say: version and source, length, what the header says of it. */
static void nearly_right(struct adit_reader *r)
{
	uint8_t how = adit_rd_u8(r), extra = adit_rd_u8(r), p[40 + 255] = { 0 }, msg[LEN_MAX];
	int8_t off = (int8_t)adit_rd_u8(r);
	bool v6 = how & 1;
	size_t len = (v6 ? 40u : 20u) + extra, n;

	p[0] = v6 ? 0x60 : 0x45;
	adit_put_be16(p + (v6 ? 4 : 2), (uint16_t)((v6 ? extra : len) + (unsigned)off));
	p[v6 ? 8 : 12] = v6 ? 0xfd : 10;
	p[v6 ? 15 : 14] = how & 2 ? 3 : 2;
	if (how & 4)
		p[adit_rd_u8(r) % len] ^= (uint8_t)(1u << (how >> 5));
	n = seal(msg, p, len);
	if (n > 0)
		receive(&target, msg, n, n, how >> 3 & 3);
}

static void step(struct adit_reader *r)
{
	uint8_t op = adit_rd_u8(r), msg[LEN_MAX];
	const uint8_t *p;
	size_t len;

	switch (op & 7) {
	case 0: /* raw */
		p = fuzz_chunk(r, LEN_MAX, &len);
		if (p)
			receive(&target, p, len, len, op >> 6);
		break;
	case 1:
		forge(r, 1 + (op >> 3) % 3);
		break;
	case 3:
		nearly_right(r);
		break;
	case 2: /* sealed */
		p = fuzz_chunk(r, 1420, &len);
		len = p ? seal(msg, p, len) : 0;
		if (len > 0) {
			keep(&other, msg, len);
			receive(&target, msg, len, len, op >> 6);
		}
		break;
	case 4:
		mutate(r);
		break;
	case 5:
		buffer(r);
		break;
	case 6: /* a genuine initiation, to be mutated later */
		adit_wg_peer_handshake(other.wg, adit_wg_peer_find(other.wg, target.pub), now);
		turn(&other);
		break;
	case 7:
		now += (op >> 3) * ADIT_SEC;
		turn(&target);
		turn(&other);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct adit_wg_stats stats;
	struct adit_reader r;

	now = 1000 * ADIT_SEC;
	from = (struct adit_path){ .kind = ADIT_PATH_UDP4, .port = 1002, .addr = { 192, 0, 2, 2 } };
	if (!crypto) {
		MUST(adit_crypto_new(&crypto, "openssl") == 0);
		make_session();
	}
	start_both();
	MUST(adit_wg_session_import(target.wg, blob_key, blob[0], (size_t)blob_len[0], now) == 0);
	MUST(adit_wg_session_import(other.wg, blob_key, blob[1], (size_t)blob_len[1], now) == 0);
	sealed = delivered = 0;
	adit_rd_init(&r, data, size);
	while (r.left > 0)
		step(&r);
	turn(&target);
	adit_wg_stats(target.wg, &stats, now);
	MUST(stats.peers == 2);
	adit_wg_free(target.wg);
	adit_wg_free(other.wg);
	return 0;
}
