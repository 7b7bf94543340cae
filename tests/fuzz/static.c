/* SPDX-License-Identifier: ISC */
/*
 * static.c - a script of what two static tunnels do and what the network, an
 * attacker and a peer who has the keys but not the manners do to them, on the
 * simulator's virtual clock, whose observers judge every step
 * (sim/static_wire.c, sim/flow.c). The first byte says which format and how it
 * is configured; then two bytes are a step, which may take more bytes along.
 * In the end all is mended, and both must be able to talk.
 */
#include "fuzz.h"
#include "sim/world.h"
#include "static/device.h"
#include "static/inner.h"
#include "story.h"

#define STEPS_MAX 120

static void reflect(struct world *w, uint8_t arg)
{
	const struct datagram *d;
	unsigned to;

	if (w->captured_cnt == 0)
		return;
	d = w->captured[w->captured_cnt - 1 - arg % w->captured_cnt];
	to = world_owner(w, &d->from);
	if (to != UINT32_MAX)
		world_inject(w, to, &d->to, d->bytes, d->len, w->now);
}

static void restart(struct world *w, struct node *n, uint8_t arg)
{
	node_stop(n);
	world_run(w, story_duration(arg));
	node_start(n);
}

static void down_up(struct world *w, struct node *n)
{
	w->face->down(n->st, 1, node_now(n));
	static_wire_forget(n);
	node_touch(n);
	w->face->up(n->st, 1, node_now(n));
	node_touch(n);
}

static void jump(struct node *n, uint8_t arg)
{
	n->clock_step += (int8_t)arg * 3600 * ADIT_SEC;
	if (node_now(n) < ADIT_SEC)
		n->clock_step = 0;
	static_wire_forget_hellos(n);
	node_touch(n);
}

/* Bytes of the input as a datagram, from the peer's address or from nowhere. */
static void raw(struct world *w, unsigned to, const uint8_t *bytes, size_t len, bool as_peer)
{
	struct adit_path from = as_peer ? w->nodes[!to].at[0] : world_attacker(w, ADIT_PATH_UDP4);

	world_inject(w, to, &from, bytes, len, w->now);
}

/* Would be delivered, and rightly: the peer may send that. */
static bool proper(struct node *to, const uint8_t *inner, size_t len)
{
	struct adit_addr src;

	if (!static_inner_length(inner, len))
		return false;
	static_inner_source(inner, &src);
	return static_routes_find(&to->st->routes, &src) == static_node_peer(to, !to->id);
}

/* Bytes of the input as an inner packet that is rightly sealed; v2: under any counter. */
static void sealed(struct world *w, struct node *from, const uint8_t *inner, size_t len, uint8_t counter)
{
	struct adit_static_peer *peer = static_node_peer(from, !from->id);
	const struct static_session *s = peer->current;
	uint8_t msg[STATIC_V2_HEAD + 256 + ADIT_TAG_LEN];
	int64_t *own;

	if (!s || proper(&w->nodes[!from->id], inner, len))
		return;
	if (from->st->wire == ADIT_STATIC_V1) {
		rng_fill(&w->rng, msg, STATIC_V1_HEAD);
		adit_aead_seal_nonce(w->crypto, msg + STATIC_V1_HEAD, inner, len, msg, s->keys->send);
		raw(w, !from->id, msg, STATIC_V1_HEAD + len + ADIT_TAG_LEN, true);
		return;
	}
	adit_put_le32(msg, STATIC_DATA);
	adit_put_le32(msg + STATIC_AT_INDEX, s->remote_index);
	adit_put_le64(msg + STATIC_AT_COUNTER, s->send_counter + (UINT64_C(1) << counter % 64) - 1);
	adit_aead_seal(w->crypto, msg + STATIC_V2_HEAD, inner, len, NULL, 0, adit_get_le64(msg + STATIC_AT_COUNTER),
		       s->keys->send);
	own = table_find(&w->static_own, (uint64_t)!from->id << 32 | s->remote_index, 0);
	if (own && *own > 0) /* the observer takes what is injected for forged; this one is not */
		table_set(&w->static_unconfirmed, (uint64_t)!from->id << 32 | (uint64_t)(*own - 1), 0, 0);
	raw(w, !from->id, msg, STATIC_V2_HEAD + len + ADIT_TAG_LEN, true);
}

/* Bytes of the input as a part of an exchange, with a right key id and tag; may hold indices and salts that exist. */
static void exchange(struct world *w, struct node *from, const uint8_t *bytes, size_t len, uint8_t arg)
{
	struct adit_static_peer *peer = static_node_peer(from, !from->id);
	const struct static_session *theirs = static_node_peer(&w->nodes[!from->id], from->id)->offered;
	uint8_t msg[STATIC_EXCHANGE_LEN] = { 0 };

	if (from->st->wire == ADIT_STATIC_V1)
		return;
	memcpy(msg + STATIC_AT_INDEX, bytes, len < 80 ? len : 80);
	adit_put_le32(msg, arg & 1 ? STATIC_HELLO : STATIC_ANSWER);
	adit_put_le32(msg + STATIC_AT_INDEX, (uint32_t)rng_next(&w->rng)); /* the observer tells sessions apart by it */
	memcpy(msg + STATIC_AT_KEY_ID, arg & 2 ? peer->id_send : peer->id_receive, STATIC_KEY_ID_LEN);
	if (theirs && arg & 4) {
		memcpy(msg + STATIC_AT_ECHO, theirs->salt, STATIC_SALT_LEN);
		adit_put_le32(msg + STATIC_AT_ECHO_INDEX, theirs->index);
	}
	adit_mac(w->crypto, msg + STATIC_AT_MAC, peer->secrets->mac_send, ADIT_KEY_LEN, msg, STATIC_AT_MAC, NULL, 0);
	raw(w, !from->id, msg, sizeof(msg), arg & 8);
}

static void step(struct world *w, uint8_t op, uint8_t arg, struct adit_reader *r)
{
	unsigned a = op >> 7;
	struct node *n = &w->nodes[a];
	const uint8_t *bytes = NULL;
	size_t len = 0;

	if ((op & 15) >= 12) {
		bytes = fuzz_chunk(r, 256, &len);
		if (!bytes)
			return;
	}
	switch (op & 15) {
	case 0:
	case 1:
	case 2:
		flow_send(w, a, !a, 1 + (arg & 7), (arg & 0xf8) * 5u);
		break;
	case 3:
	case 4:
		world_run(w, story_duration(arg));
		break;
	case 5:
		story_set_link(w, arg);
		break;
	case 6:
		story_replay(w, arg);
		break;
	case 7:
		restart(w, n, arg);
		break;
	case 8:
		node_roam(n);
		break;
	case 9:
		down_up(w, n);
		break;
	case 10:
		jump(n, arg);
		break;
	case 11:
		reflect(w, arg);
		break;
	case 12:
		raw(w, a, bytes, len, arg & 1);
		break;
	case 13:
	case 14:
		sealed(w, n, bytes, len, arg);
		break;
	case 15:
		exchange(w, n, bytes, len, arg);
		break;
	}
}

static void talk(struct world *w, adit_time span)
{
	for (adit_time end = w->now + span; w->now < end; world_run(w, 250 * ADIT_MSEC)) {
		flow_send(w, 0, 1, 1, 100);
		flow_send(w, 1, 0, 1, 100);
	}
}

static void check_recovered(struct world *w)
{
	adit_time since;

	world_run(w, 4 * ADIT_SEC);
	story_set_link(w, 0);
	for (unsigned a = 0; a < 2; a++)
		memcpy(w->nodes[a].at, w->nodes[a].home, sizeof(w->nodes[a].at));
	talk(w, 4 * ADIT_SEC + 2 * w->timeout);
	since = w->now;
	talk(w, ADIT_SEC);
	world_run(w, ADIT_SEC);
	if (flow_missing(w, 0, 1, since) || flow_missing(w, 1, 0, since))
		sim_fail(w, "all is mended, and they cannot talk");
}

static void story(struct world *w, const uint8_t *data, size_t size)
{
	struct adit_reader r;
	uint8_t how;

	adit_rd_init(&r, data, size);
	how = adit_rd_u8(&r);
	w->seed = w->rng.state = how;
	w->capture = true;
	w->interleave = how & 1;
	static_world(w, how & 2 ? &adit_core_static_v1 : &adit_core_static_v2, 2, how & 4,
		     (how & 6) == 6 || how & 8 ? 5 * ADIT_SEC : 0);
	story_set_link(w, 0);
	for (unsigned i = 0; i < STEPS_MAX && r.left >= 2; i++) {
		uint8_t op = adit_rd_u8(&r), arg = adit_rd_u8(&r);

		step(w, op, arg, &r);
	}
	check_recovered(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world w;

	world_init(&w, "fuzz", 0, false);
	if (setjmp(w.failed)) {
		fprintf(stderr, "%s\n", w.message);
		abort();
	}
	story(&w, data, size);
	world_fini(&w);
	return 0;
}
