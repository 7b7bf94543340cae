/* SPDX-License-Identifier: ISC */
/*
 * export.c - a session handed to a successor process, sealed
 *
 * DOC: the form
 *
 *   nonce 24 | XChaCha20-Poly1305 of: version 4, public key 32, our index 4,
 *   their index 4, send key 32, receive key 32, send counter 8, receive
 *   counter 8, age 8, boot time 8, wall time 8, latest timestamp 12, sent
 *   timestamp 8, flags 1, path 39 | tag 16
 *
 * all integers little-endian. The importer's send counter starts 2^40 past the
 * exporter's: no session lives long enough to send that many messages (180 s
 * at 6 * 10^9 a second), so even an exporter that went on regardless could not
 * use a nonce of ours, while 2^20 hand-overs fit below the 2^60 messages after
 * which a session is renewed. Each form must be imported once at most: a
 * second import would start at the same counter.
 *
 * Its age counts on by the larger of the two clocks: boot time starts anew
 * with the machine, and wall time can be set.
 */
#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "base/reader.h"
#include "wg/device.h"

#define VERSION	     UINT32_C(0x31676461) /* "adg1" */
#define COUNTER_LEAP (UINT64_C(1) << 40)
#define FLAG_INITIATOR 1
#define PLAIN_LEN 208
#define SEALED_LEN (ADIT_XNONCE_LEN + PLAIN_LEN + ADIT_TAG_LEN)
static_assert(SEALED_LEN <= ADIT_WG_EXPORT_MAX, "export");

static int64_t wall_ns(struct adit_wg *wg)
{
	struct adit_wall wall = { 0 };

	wg->ops.wall(wg->user, &wall);
	return wall.sec * ADIT_SEC + wall.nsec;
}

struct writer {
	uint8_t *p;
};

static void wr_bytes(struct writer *w, const void *from, size_t len)
{
	memcpy(w->p, from, len);
	w->p += len;
}

static void wr_le32(struct writer *w, uint32_t v)
{
	adit_put_le32(w->p, v);
	w->p += 4;
}

static void wr_le64(struct writer *w, uint64_t v)
{
	adit_put_le64(w->p, v);
	w->p += 8;
}

static void wr_path(struct writer *w, const struct adit_path *path)
{
	wr_bytes(w, &path->kind, 1);
	adit_put_be16(w->p, path->port);
	w->p += 2;
	wr_le32(w, path->scope);
	wr_bytes(w, path->addr, sizeof(path->addr));
	wr_bytes(w, path->src, sizeof(path->src));
}

static void rd_path(struct adit_reader *r, struct adit_path *path)
{
	memset(path, 0, sizeof(*path));
	path->kind = adit_rd_u8(r);
	path->port = adit_rd_be16(r);
	path->scope = adit_rd_le32(r);
	adit_rd_copy(r, path->addr, sizeof(path->addr));
	adit_rd_copy(r, path->src, sizeof(path->src));
	adit_path_clear_source(path);
}

int adit_wg_session_export(struct adit_wg *wg, struct adit_wg_peer *peer, const uint8_t key[ADIT_KEY_LEN],
			   uint8_t buf[ADIT_WG_EXPORT_MAX], adit_time now)
{
	struct wg_session *s = peer->current;
	uint8_t plain[PLAIN_LEN];
	struct writer w = { plain };

	now = wg_now(wg, now);
	if (!wg_session_can_send(wg, s, 1, now))
		return -ENOENT;
	wr_le32(&w, VERSION);
	wr_bytes(&w, peer->public_key, ADIT_KEY_LEN);
	wr_le32(&w, s->id.index);
	wr_le32(&w, s->remote_index);
	wr_bytes(&w, s->send_key, ADIT_KEY_LEN);
	wr_bytes(&w, s->receive_key, ADIT_KEY_LEN);
	wr_le64(&w, s->send_counter);
	wr_le64(&w, s->replay.next);
	wr_le64(&w, (uint64_t)(now - s->born));
	wr_le64(&w, (uint64_t)(now - wg->clock_offset));
	wr_le64(&w, (uint64_t)wall_ns(wg));
	wr_bytes(&w, peer->latest_timestamp, WG_TIMESTAMP_LEN);
	wr_le64(&w, peer->sent_timestamp);
	wr_bytes(&w, &(uint8_t){ s->initiator ? FLAG_INITIATOR : 0 }, 1);
	wr_path(&w, &peer->endpoint);
	assert(w.p == plain + PLAIN_LEN);
	s->may_send = false;

	wg_random(wg, buf, ADIT_XNONCE_LEN);
	adit_xaead_seal(buf + ADIT_XNONCE_LEN, plain, sizeof(plain), NULL, 0, buf, key);
	adit_wipe(plain, sizeof(plain));
	return SEALED_LEN;
}

/* Reads what export wrote behind version and public key, into session and peer. */
static int read_session(struct adit_wg *wg, struct adit_wg_peer *peer, struct wg_session *s, struct adit_reader *r,
			adit_time now)
{
	uint8_t timestamp[WG_TIMESTAMP_LEN];
	int64_t age, boot, wall, since;
	struct adit_path path;
	uint64_t sent;

	s->id.index = adit_rd_le32(r);
	s->id.peer = peer;
	s->remote_index = adit_rd_le32(r);
	adit_rd_copy(r, s->send_key, ADIT_KEY_LEN);
	adit_rd_copy(r, s->receive_key, ADIT_KEY_LEN);
	s->send_counter = adit_rd_le64(r) + COUNTER_LEAP;
	s->replay.next = adit_rd_le64(r);
	age = (int64_t)adit_rd_le64(r);
	boot = (int64_t)adit_rd_le64(r);
	wall = (int64_t)adit_rd_le64(r);
	adit_rd_copy(r, timestamp, sizeof(timestamp));
	sent = adit_rd_le64(r);
	s->initiator = adit_rd_u8(r) & FLAG_INITIATOR;
	rd_path(r, &path);

	since = now - wg->clock_offset - boot;
	if (since < 0)
		return -ESTALE; /* the machine has been restarted */
	if (wall_ns(wg) - wall > since)
		since = wall_ns(wg) - wall;
	s->born = now - age - since;
	s->identity = wg->identity;
	s->may_send = true;
	if (!wg_session_can_send(wg, s, 1, now))
		return -ESTALE;
	if (wg_index_find(wg, s->id.index))
		return -EEXIST;
	if (memcmp(timestamp, peer->latest_timestamp, sizeof(timestamp)) > 0)
		memcpy(peer->latest_timestamp, timestamp, sizeof(timestamp));
	if (sent > peer->sent_timestamp)
		peer->sent_timestamp = sent;
	if (peer->endpoint.kind == ADIT_PATH_NONE || !peer->current)
		peer->endpoint = path;
	return wg_index_adopt(wg, &s->id);
}

static int import_plain(struct adit_wg *wg, const uint8_t *plain, adit_time now)
{
	struct adit_wg_peer *peer;
	struct wg_session *s;
	struct adit_reader r;
	int ret;

	adit_rd_init(&r, plain, PLAIN_LEN);
	if (adit_rd_le32(&r) != VERSION)
		return -EBADMSG;
	peer = adit_wg_peer_find(wg, adit_rd_bytes(&r, ADIT_KEY_LEN));
	if (!peer)
		return -ENOENT;
	s = wg_session_new();
	if (!s)
		return -ENOMEM;
	ret = read_session(wg, peer, s, &r, now);
	if (ret < 0) {
		wg_session_put(s);
		return ret;
	}
	/* into `current`, whoever began it */
	wg->session_cnt++;
	wg_session_drop(wg, &peer->previous);
	peer->previous = peer->current;
	peer->current = s;
	wg_timers_session_derived(wg, peer, s->born, now);
	wg_timers_want_keepalive(wg, peer, now);
	wg_peer_ready(wg, peer, now);
	return 0;
}

int adit_wg_session_import(struct adit_wg *wg, const uint8_t key[ADIT_KEY_LEN], const uint8_t *buf, size_t len,
			   adit_time now)
{
	uint8_t plain[PLAIN_LEN];
	int r = -EBADMSG;

	now = wg_now(wg, now);
	if (len == SEALED_LEN &&
	    adit_xaead_open(plain, buf + ADIT_XNONCE_LEN, len - ADIT_XNONCE_LEN, NULL, 0, buf, key))
		r = import_plain(wg, plain, now);
	adit_wipe(plain, sizeof(plain));
	return r;
}
