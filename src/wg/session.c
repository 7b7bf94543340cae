/* SPDX-License-Identifier: ISC */
/* session.c - sessions, their three slots, and the table of receiver indices */
#include "wg/session.h"

#include <errno.h>
#include <stddef.h>

#include "base/bytes.h"
#include "wg/device.h"

struct wg_session *wg_session_new(void)
{
	struct wg_session *s = adit_secret_alloc(sizeof(*s));

	if (!s)
		return NULL;
	s->id.kind = WG_INDEXED_SESSION;
	s->refs = 1;
	return s;
}

void wg_session_put(struct wg_session *s)
{
	assert(s->refs > 0);
	if (--s->refs)
		return;
	wg_replay_fini(&s->replay);
	adit_secret_free(s, sizeof(*s));
}

bool wg_session_expired(const struct wg_session *s, adit_time now)
{
	return now - s->born >= WG_REJECT_AFTER_TIME;
}

bool wg_session_can_send(const struct adit_wg *wg, const struct wg_session *s, unsigned cnt, adit_time now)
{
	return s && s->may_send && s->identity == wg->identity && !wg_session_expired(s, now) &&
	       s->send_counter < WG_REJECT_AFTER_MESSAGES && cnt <= WG_REJECT_AFTER_MESSAGES - s->send_counter;
}

void wg_session_drop(struct adit_wg *wg, struct wg_session **slot)
{
	struct wg_session *s = *slot;

	if (!s)
		return;
	*slot = NULL;
	wg_index_remove(wg, &s->id);
	s->id.peer = NULL;
	wg->session_cnt--;
	wg_session_put(s);
}

void wg_sessions_drop(struct adit_wg *wg, struct adit_wg_peer *peer)
{
	wg_session_drop(wg, &peer->current);
	wg_session_drop(wg, &peer->next);
	wg_session_drop(wg, &peer->previous);
}

void wg_session_install(struct adit_wg *wg, struct adit_wg_peer *peer, struct wg_session *s)
{
	wg->session_cnt++;
	wg_session_drop(wg, &peer->previous);
	if (!s->initiator) {
		wg_session_drop(wg, &peer->next);
		peer->next = s;
		return;
	}
	/* A next session that waits for its confirmation is newer than the
	 * current one: the far end may already send with it. */
	if (peer->next) {
		peer->previous = peer->next;
		peer->next = NULL;
		wg_session_drop(wg, &peer->current);
	} else {
		peer->previous = peer->current;
	}
	peer->current = s;
}

bool wg_session_confirm(struct adit_wg *wg, struct adit_wg_peer *peer, struct wg_session *s)
{
	if (s != peer->next)
		return false;
	wg_session_drop(wg, &peer->previous);
	peer->previous = peer->current;
	peer->current = s;
	peer->next = NULL;
	return true;
}

/* 28 bits of the index are random; turned so that they lead, it is its own hash. */
static uint64_t index_hash(uint32_t index)
{
	return index >> WG_HOME_BITS | index << (32 - WG_HOME_BITS);
}

bool wg_indexed_equal(const void *item, const void *key)
{
	return ((const struct wg_indexed *)item)->index == *(const uint32_t *)key;
}

struct wg_indexed *wg_index_find(const struct adit_wg *wg, uint32_t index)
{
	return adit_map_find(&wg->indices, index_hash(index), &index);
}

int wg_index_insert(struct adit_wg *wg, struct wg_indexed *id)
{
	uint8_t bytes[4];

	do {
		wg_random(wg, bytes, sizeof(bytes));
		id->index = (adit_get_le32(bytes) & ~WG_HOME_MASK) | id->peer->home;
	} while (wg_index_find(wg, id->index));
	return wg_index_adopt(wg, id);
}

int wg_index_adopt(struct adit_wg *wg, struct wg_indexed *id)
{
	return adit_map_insert(&wg->indices, index_hash(id->index), id);
}

void wg_index_remove(struct adit_wg *wg, struct wg_indexed *id)
{
	adit_map_remove(&wg->indices, index_hash(id->index), id);
}

int wg_index_replace(struct adit_wg *wg, struct wg_indexed *from, struct wg_indexed *to)
{
	to->index = from->index;
	adit_map_remove(&wg->indices, index_hash(from->index), from);
	return wg_index_adopt(wg, to);
}
