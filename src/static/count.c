/* SPDX-License-Identifier: ISC */
/*
 * count.c - v1: how many packets a key has sealed, ever. Random nonces are good
 * for 2^32; so the count must outlive us. What was granted has been stored
 * before it is used: after a crash one goes on from there, and the difference
 * is lost of the key, not its safety.
 */
#include "static/device.h"

/* More is asked for when half of a block is left, so that storing it takes no time from the packets. */
static void ask(struct adit_static *st, struct adit_static_peer *peer)
{
	struct static_count *c = &peer->count;

	if (c->asked || c->granted >= STATIC_V1_LIMIT || c->granted - c->sealed > ADIT_STATIC_V1_BLOCK / 2)
		return;
	c->asked = true;
	static_tell(st, ADIT_STATIC_KEY_GRANT, peer);
}

enum adit_drop static_count_take(struct adit_static *st, struct adit_static_peer *peer, unsigned cnt)
{
	struct static_count *c = &peer->count;

	if (c->end || c->sealed > STATIC_V1_LIMIT - cnt) {
		if (!c->end) {
			c->end = true;
			static_tell(st, ADIT_STATIC_KEY_END, peer);
		}
		return ADIT_DROP_key_used_up;
	}
	if (c->granted < c->sealed + cnt) {
		ask(st, peer);
		return ADIT_DROP_count_not_stored;
	}
	c->sealed += cnt;
	if (!c->half && c->sealed >= STATIC_V1_LIMIT / 2) {
		c->half = true;
		static_tell(st, ADIT_STATIC_KEY_HALF, peer);
	}
	ask(st, peer);
	return ADIT_DROP_NONE;
}

void adit_static_peer_set_sealed(struct adit_static *st, struct adit_static_peer *peer, uint64_t sealed)
{
	assert(st->wire == ADIT_STATIC_V1);
	(void)st;
	if (sealed > STATIC_V1_LIMIT)
		sealed = STATIC_V1_LIMIT;
	peer->count = (struct static_count){ .sealed = sealed, .granted = sealed };
}

void adit_static_v1_grant(struct adit_static *st, struct adit_static_peer *peer, uint64_t until)
{
	assert(st->wire == ADIT_STATIC_V1);
	(void)st;
	if (until > STATIC_V1_LIMIT)
		until = STATIC_V1_LIMIT;
	if (until <= peer->count.granted)
		return;
	peer->count.granted = until;
	peer->count.asked = false;
}
