/* SPDX-License-Identifier: ISC */
/*
 * handshake.c - what becomes of handshake messages: cheap checks when they
 * come, the queue, load, and the expensive part when there is time
 *
 * DOC: load
 *
 * A message costs a queue slot only with a valid mac1, and a response only if
 * it is awaited. We are under load when the queue is an eighth full, or what
 * stands in it has waited for 50 ms, or 512 messages in a second have cost a
 * Diffie-Hellman for nothing (a fast machine would never notice otherwise that
 * most of its time goes there; and a thousand peers that come at once are not
 * a flood), and stay so for a second. Then a message must carry a valid mac2, which only
 * somebody who receives at his address and port can make, and pass the rate
 * limiter of that source; otherwise it goes to a short queue of its own, to be
 * answered with a cookie (some microseconds, no Diffie-Hellman, at most 64
 * bytes for 92 or more received). How many of these one source gets is limited
 * too: one flooder does not keep others from theirs.
 */
#include <string.h>

#include "base/bytes.h"
#include "wg/device.h"

#define LOAD_DEPTH  (WG_QUEUE_MAX / 8)
#define LOAD_AGE    (50 * ADIT_MSEC)
#define LOAD_AGE_MIN 8 /* one late message is not load */
#define LOAD_FAILURES 512 /* a second */
#define LOAD_HOLD   ADIT_SEC
#define COOKIES_A_TURN 64

static bool overdue(const struct adit_wg *wg, adit_time now)
{
	const struct wg_queued *first = wg_queue_first(&wg->handshakes);
	unsigned cnt = wg->handshakes.cnt;

	return cnt >= LOAD_DEPTH || (cnt >= LOAD_AGE_MIN && now - first->at > LOAD_AGE);
}

bool wg_under_load(const struct adit_wg *wg, adit_time now)
{
	return overdue(wg, now) || now - wg->last_under_load < LOAD_HOLD;
}

/* The same, remembered. */
static bool under_load(struct adit_wg *wg, adit_time now)
{
	if (overdue(wg, now))
		wg->last_under_load = now;
	return wg_under_load(wg, now);
}

/* --- when a message comes ------------------------------------------------------- */

static void enqueue(struct adit_wg *wg, struct wg_queue *q, const uint8_t *msg, size_t len,
		    const struct adit_path *path, bool admitted, adit_time now)
{
	struct wg_queued *slot = wg_queue_push(q);

	if (!slot) {
		wg_drop(wg, ADIT_DROP_handshake_queue_full, 1);
		return;
	}
	slot->path = *path;
	slot->at = now;
	slot->len = (uint8_t)len;
	slot->admitted = admitted;
	memcpy(slot->msg, msg, len);
}

/* Under load: is the source who it says it is, and not too fast? *cookie: not
 * (yet), and it should get a cookie. */
static bool admit(struct adit_wg *wg, const uint8_t *msg, size_t len, const struct adit_path *path, bool *cookie,
		  adit_time now)
{
	bool proven = wg_cookie_mac2_valid(wg, msg, len, path, now);
	bool allowed = wg_ratelimiter_allow(proven ? &wg->proven : &wg->claimed, path, now);

	if (!allowed)
		wg_drop(wg, ADIT_DROP_rate_limited, 1);
	*cookie = allowed && !proven;
	return allowed && proven;
}

static void queue_handshake(struct adit_wg *wg, const uint8_t *msg, size_t len, const struct adit_path *path,
			    adit_time now)
{
	bool load, cookie = false;

	if (!wg_cookie_mac1_valid(wg, msg, len)) {
		wg_drop(wg, ADIT_DROP_bad_mac1, 1);
		return;
	}
	if (len == sizeof(struct wg_response) && !wg_noise_awaits(wg, (const struct wg_response *)msg)) {
		wg_drop(wg, ADIT_DROP_unexpected_response, 1);
		return;
	}
	load = under_load(wg, now);
	if (!load || admit(wg, msg, len, path, &cookie, now))
		enqueue(wg, &wg->handshakes, msg, len, path, load, now);
	else if (cookie)
		enqueue(wg, &wg->cookies, msg, len, path, false, now);
}

void wg_handshake_receive(struct adit_wg *wg, const uint8_t *msg, size_t len, const struct adit_path *path,
			  adit_time now)
{
	static const uint8_t len_of[] = {
		[WG_INITIATION] = sizeof(struct wg_initiation),
		[WG_RESPONSE] = sizeof(struct wg_response),
		[WG_COOKIE] = sizeof(struct wg_cookie_reply),
	};
	uint32_t type;
	enum adit_drop drop = ADIT_DROP_NONE;

	if (len < 4) {
		wg_drop(wg, ADIT_DROP_short, 1);
		return;
	}
	type = adit_get_le32(msg);
	if (type == 0 || type > WG_DATA)
		drop = ADIT_DROP_bad_type;
	else if (type == WG_DATA || len != len_of[type]) /* data: it was too short */
		drop = ADIT_DROP_bad_length;
	else if (!wg->has_identity)
		drop = ADIT_DROP_no_identity;
	else if (type == WG_COOKIE)
		drop = wg_cookie_consume_reply(wg, (const struct wg_cookie_reply *)msg, now);
	else
		queue_handshake(wg, msg, len, path, now);
	if (drop)
		wg_drop(wg, drop, 1);
}

/* --- when there is time ---------------------------------------------------------- */

/* The peer showed that it is there: counters, timers, where it is. */
static void peer_answered(struct adit_wg *wg, struct adit_wg_peer *peer, const struct wg_queued *q, adit_time now)
{
	peer->rx_bytes += q->len;
	wg_timers_any_received(wg, peer, now);
}

static enum adit_drop process_initiation(struct adit_wg *wg, const struct wg_queued *q, adit_time now)
{
	struct adit_wg_peer *peer;
	struct wg_handshake *h;
	enum adit_drop drop = wg_noise_consume_initiation(wg, (const struct wg_initiation *)q->msg, &h, now);

	if (drop)
		return drop;
	peer = h->id.peer;
	wg_peer_heard(wg, peer, &q->path);
	wg_send_response(wg, h, now);
	peer_answered(wg, peer, q, now);
	return ADIT_DROP_NONE;
}

static enum adit_drop process_response(struct adit_wg *wg, const struct wg_queued *q, adit_time now)
{
	struct adit_wg_peer *peer;
	enum adit_drop drop = wg_noise_consume_response(wg, (const struct wg_response *)q->msg, &peer);

	if (drop)
		return drop;
	wg_peer_heard(wg, peer, &q->path);
	if (wg_noise_begin_session(wg, peer->handshake, now) == 0) {
		wg->handshakes_out++;
		wg_timers_session_derived(wg, peer, now, now);
		wg_timers_handshake_complete(wg, peer, now);
		/* staged packets, or an empty one: either confirms the session */
		wg_send_keepalive(wg, peer, now);
	}
	peer_answered(wg, peer, q, now);
	return ADIT_DROP_NONE;
}

/* Work for nothing is the mark of a flood. */
static void count_failure(struct adit_wg *wg, adit_time now)
{
	if (now - wg->failures_since >= ADIT_SEC) {
		wg->failures_since = now;
		wg->failures = 0;
	}
	if (++wg->failures >= LOAD_FAILURES)
		wg->last_under_load = now;
}

static void process(struct adit_wg *wg, const struct wg_queued *q, adit_time now)
{
	enum adit_drop drop = adit_get_le32(q->msg) == WG_INITIATION ? process_initiation(wg, q, now)
								     : process_response(wg, q, now);

	if (!drop)
		return;
	wg_drop(wg, drop, 1);
	if (drop != ADIT_DROP_unexpected_response)
		count_failure(wg, now);
}

static void answer_with_cookie(struct adit_wg *wg, const struct wg_queued *q, adit_time now)
{
	const uint8_t *mac1 = q->msg + q->len - sizeof(struct wg_macs);
	struct wg_cookie_reply reply;

	wg_drop(wg, ADIT_DROP_cookie_required, 1);
	if (!wg->has_identity)
		return;
	wg_cookie_create_reply(wg, &reply, mac1, q->msg + 4, &q->path, now);
	wg->cookies_sent++;
	wg->ops.send(wg->user, &q->path, (const uint8_t *)&reply, sizeof(reply), 0);
}

/* The first message of the queue, if it is one to work on now: the others
 * (those that came before we were under load) are settled cheaply. */
static struct wg_queued *first_admitted(struct adit_wg *wg, unsigned *cookies, adit_time now)
{
	struct wg_queued *q;
	bool cookie;

	while ((q = wg_queue_first(&wg->handshakes))) {
		if (q->admitted || !under_load(wg, now))
			return q;
		if (*cookies == 0)
			return NULL;
		if (admit(wg, q->msg, q->len, &q->path, &cookie, now))
			return q;
		(*cookies)--;
		if (cookie)
			answer_with_cookie(wg, q, now);
		wg_queue_pop(&wg->handshakes);
	}
	return NULL;
}

int adit_wg_work(struct adit_wg *wg, int max, adit_time now)
{
	unsigned cookies = COOKIES_A_TURN;
	struct wg_queued *q;

	now = wg_now(wg, now);
	for (; cookies && (q = wg_queue_first(&wg->cookies)); cookies--) {
		answer_with_cookie(wg, q, now);
		wg_queue_pop(&wg->cookies);
	}
	cookies = COOKIES_A_TURN;
	while (max-- > 0 && (q = first_admitted(wg, &cookies, now))) {
		process(wg, q, now);
		wg_queue_pop(&wg->handshakes);
	}
	wg_ratelimiter_relax(&wg->proven, now);
	wg_ratelimiter_relax(&wg->claimed, now);
	return (int)(wg->handshakes.cnt + wg->cookies.cnt);
}
