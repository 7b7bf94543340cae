/* SPDX-License-Identifier: ISC */
/*
 * uapi.c - a UAPI connection. What it does must not depend on how the bytes
 * are cut: the same input goes in whole and in pieces, and the calls on the
 * device and the replies must be the same. Calls about a peer only under the
 * hold, and holds in pairs.
 */
#include <errno.h>
#include <string.h>

#include "device/uapi.h"
#include "fuzz.h"

#define PEERS 150
#define CHANGES 64 /* more are not remembered, and such an input is not judged */
#define MEMBER(m) ((struct device *)user)->m

/* Peers that were added or removed; of the others, those whose key begins with an odd byte exist. */
struct change {
	uint8_t key[ADIT_KEY_LEN];
	bool exists;
};

struct device {
	struct change change[CHANGES];
	unsigned change_cnt;
	uint8_t key[ADIT_KEY_LEN]; /* of the chosen peer */
	bool held, chosen, peers_open;
	size_t cursor;
	struct adit_uapi_slice slice;
	uint8_t *log; /* calls, in order */
	size_t len, cap;
};

static void note_bytes(struct device *d, const void *p, size_t len)
{
	while (d->len + len > d->cap) {
		d->cap = d->cap ? 2 * d->cap : 4096;
		d->log = realloc(d->log, d->cap);
		MUST(d->log);
	}
	memcpy(d->log + d->len, p, len);
	d->len += len;
}

static void note(struct device *d, char what, const void *p, size_t len)
{
	note_bytes(d, &what, 1);
	note_bytes(d, p, len);
}

static void peer_note(void *user, char what, const void *p, size_t len)
{
	MUST(MEMBER(held) && MEMBER(chosen));
	note(user, what, p, len);
}

static void op_hold(void *user)
{
	MUST(!MEMBER(held));
	MEMBER(held) = true;
	MEMBER(chosen) = false;
}

static void op_release(void *user)
{
	MUST(MEMBER(held));
	MEMBER(held) = false;
}

static int op_private_key(void *user, const uint8_t key[ADIT_KEY_LEN])
{
	MUST(!MEMBER(held));
	note(user, 'k', key, ADIT_KEY_LEN);
	return 0;
}

static int op_listen_port(void *user, uint16_t port)
{
	MUST(!MEMBER(held));
	note(user, 'l', &port, sizeof(port));
	return port == 7 ? -EADDRINUSE : 0;
}

static int op_fwmark(void *user, uint32_t mark)
{
	MUST(!MEMBER(held));
	note(user, 'f', &mark, sizeof(mark));
	return 0;
}

static int op_replace_peers(void *user)
{
	MUST(!MEMBER(held));
	note(user, 'r', "", 0);
	return 0;
}

static bool exists(const struct device *d, const uint8_t key[ADIT_KEY_LEN])
{
	for (unsigned i = d->change_cnt; i-- > 0;) {
		if (!memcmp(d->change[i].key, key, ADIT_KEY_LEN))
			return d->change[i].exists;
	}
	return key[0] & 1;
}

static void change(struct device *d, bool now_exists)
{
	if (d->change_cnt == CHANGES)
		return;
	memcpy(d->change[d->change_cnt].key, d->key, ADIT_KEY_LEN);
	d->change[d->change_cnt++].exists = now_exists;
}

static bool op_peer_find(void *user, const uint8_t key[ADIT_KEY_LEN])
{
	MUST(MEMBER(held));
	memcpy(MEMBER(key), key, ADIT_KEY_LEN);
	MEMBER(chosen) = exists(user, key);
	return MEMBER(chosen);
}

static int op_peer_add(void *user, const uint8_t key[ADIT_KEY_LEN])
{
	MUST(MEMBER(held) && (!exists(user, key) || MEMBER(change_cnt) == CHANGES));
	if (key[0] == 2)
		return -EADDRINUSE;
	memcpy(MEMBER(key), key, ADIT_KEY_LEN);
	MEMBER(chosen) = true;
	change(user, true);
	note(user, 'a', key, ADIT_KEY_LEN);
	return 0;
}

static void op_peer_remove(void *user)
{
	peer_note(user, 'd', "", 0);
	MEMBER(chosen) = false;
	change(user, false);
}

static void op_peer_psk(void *user, const uint8_t psk[ADIT_KEY_LEN])
{
	peer_note(user, 's', psk, ADIT_KEY_LEN);
}

static void op_peer_endpoint(void *user, const struct adit_path *path)
{
	MUST(path->kind == ADIT_PATH_UDP4 || path->kind == ADIT_PATH_UDP6);
	peer_note(user, 'e', path, sizeof(*path));
}

static void op_peer_keepalive(void *user, uint16_t seconds)
{
	peer_note(user, 'p', &seconds, sizeof(seconds));
}

static void op_peer_replace_allowed(void *user)
{
	peer_note(user, 'R', "", 0);
}

static void prefix_note(void *user, char what, const struct adit_prefix *p)
{
	MUST(p->addr.family == 4 || p->addr.family == 6);
	MUST(p->len <= (p->addr.family == 4 ? 32 : 128));
	peer_note(user, what, p->addr.bytes, 16);
	peer_note(user, '/', &p->len, 1);
}

static int op_peer_allow(void *user, const struct adit_prefix *prefix)
{
	prefix_note(user, '+', prefix);
	return 0;
}

static void op_peer_disallow(void *user, const struct adit_prefix *prefix)
{
	prefix_note(user, '-', prefix);
}

static void op_device(void *user, struct adit_uapi_device *ret)
{
	MUST(!MEMBER(held));
	memset(ret, 0, sizeof(*ret));
	ret->private_key[0] = 8;
	ret->listen_port = 51820;
	ret->wg.drops[ADIT_DROP_replayed] = 3;
}

static void op_peers_open(void *user)
{
	MUST(!MEMBER(peers_open));
	MEMBER(peers_open) = true;
	MEMBER(cursor) = 0;
}

static int op_peers(void *user, struct adit_uapi_slice **ret)
{
	static struct adit_prefix allowed[ADIT_UAPI_SLICE];
	struct adit_uapi_slice *s = &MEMBER(slice);

	MUST(MEMBER(peers_open));
	memset(s, 0, sizeof(*s));
	s->allowed = allowed;
	s->allowed_cap = ADIT_UAPI_SLICE;
	for (; s->cnt < ADIT_UAPI_SLICE && MEMBER(cursor) < PEERS; s->cnt++) {
		s->peer[s->cnt].public_key[0] = (uint8_t)++MEMBER(cursor);
		s->peer[s->cnt].last_handshake.sec = 12345;
		allowed[s->cnt] = (struct adit_prefix){ .addr = { 4, { 10 } }, .len = 8 };
		s->allowed_end[s->cnt] = s->cnt + 1;
	}
	*ret = s;
	return 0;
}

static void op_peers_close(void *user)
{
	MUST(MEMBER(peers_open));
	MEMBER(peers_open) = false;
}

static const struct adit_uapi_ops ops = {
	.hold = op_hold, .release = op_release, .private_key = op_private_key, .listen_port = op_listen_port,
	.fwmark = op_fwmark, .replace_peers = op_replace_peers, .peer_find = op_peer_find, .peer_add = op_peer_add,
	.peer_remove = op_peer_remove, .peer_psk = op_peer_psk, .peer_endpoint = op_peer_endpoint,
	.peer_keepalive = op_peer_keepalive, .peer_replace_allowed = op_peer_replace_allowed,
	.peer_allow = op_peer_allow, .peer_disallow = op_peer_disallow, .device = op_device,
	.peers_open = op_peers_open, .peers = op_peers, .peers_close = op_peers_close,
};

/* Takes the replies, as a slow client would; they go to the log, too. */
static void take_replies(struct adit_uapi *u, struct device *d, size_t cut)
{
	const char *reply;
	size_t len;

	while ((reply = adit_uapi_reply(u, &len)) && len > 0) {
		if (cut && len > cut)
			len = cut;
		for (size_t i = 0; i < len; i++)
			note(d, '>', reply + i, 1);
		adit_uapi_sent(u, len);
		MUST(d->len < (1 << 24));
	}
}

/* Feeds everything, `cut` bytes at a time (0: whole). */
static void converse(struct device *d, const uint8_t *data, size_t size, size_t cut)
{
	char *buf = (char *)fuzz_copy(data, size);
	struct adit_uapi *u;
	size_t pos = 0;

	memset(d, 0, sizeof(*d));
	MUST(adit_uapi_new(&u, &ops, d) == 0);
	while (pos < size) {
		size_t n = cut && size - pos > cut ? cut : size - pos, took;
		char *piece = (char *)fuzz_copy((uint8_t *)buf + pos, n);

		took = adit_uapi_feed(u, piece, n);
		MUST(took <= n && !d->held);
		free(piece);
		pos += took;
		take_replies(u, d, cut * 3);
		MUST(took > 0 || adit_uapi_busy(u) || d->len > 0);
	}
	adit_uapi_eof(u);
	take_replies(u, d, cut * 3);
	MUST(adit_uapi_closing(u) && !d->held && !d->peers_open);
	adit_uapi_free(u);
	free(buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct device whole, pieces;
	size_t cut = size > 0 ? 1 + data[0] % 40 : 1;

	if (size > 0) { /* the first byte says how to cut */
		data++;
		size--;
	}
	converse(&whole, data, size, 0);
	converse(&pieces, data, size, cut);
	if (whole.change_cnt < CHANGES && pieces.change_cnt < CHANGES)
		MUST(whole.len == pieces.len && (whole.len == 0 || !memcmp(whole.log, pieces.log, whole.len)));
	free(whole.log);
	free(pieces.log);
	return 0;
}
