/* SPDX-License-Identifier: ISC */
/* node.c - a node: its core, its addresses, and what an operator does to it */
#include <assert.h>
#include <string.h>

#include "world.h"

#define WALL INT64_C(1700000000)

static void op_random(void *user, void *buf, size_t len)
{
	struct node *n = user;

	rng_fill(&n->rng, buf, len);
}

static void op_wall(void *user, struct adit_wall *ret)
{
	struct node *n = user;

	ret->sec = WALL + n->w->now / ADIT_SEC + n->wall_step;
	ret->nsec = (uint32_t)(n->w->now % ADIT_SEC);
}

static void op_event(void *user, enum adit_wg_event event, const uint8_t public_key[ADIT_KEY_LEN],
		     const struct adit_path *path)
{
	static const char *const names[] = { "session", "endpoint", "gave up", "expired" };
	struct node *n = user;
	char text[ADIT_PATH_STRLEN] = "-";

	n->events[event]++;
	if (n->w->trace && path)
		adit_path_format(path, text);
	sim_trace(n->w, "n%u event: %s, peer %02x%02x.., %s", n->id, names[event], public_key[0], public_key[1], text);
}

static const struct adit_wg_ops ops = {
	.random = op_random,
	.wall = op_wall,
	.send = world_emit,
	.event = op_event,
};

static const struct drive_ops drive_ops = { .emit = world_emit, .deliver = world_deliver };

void node_touch(struct node *n)
{
	struct world *w = n->w;
	bool limited = n->work_max != WORK_ALL, wait = limited && w->now < n->work_next;
	int waiting;

	if (!node_on(n) || n->asleep)
		return;
	waiting = drive_turn(&n->d, wait ? 0 : n->work_max, node_now(n));
	if (limited && !wait)
		n->work_next = w->now + ADIT_MSEC;
	n->work_at = waiting > 0 ? n->work_next : ADIT_NEVER;
	n->deadline = w->face->deadline(n->d.core);
	if (n->deadline != ADIT_NEVER)
		n->deadline -= n->clock_step;
	if (n->deadline <= w->now)
		sim_fail(w, "n%u: a deadline that is not after now is left over", n->id);
	if (n->d.pending > 0 && n->finish_at == ADIT_NEVER)
		n->finish_at = w->now + rng_range(&w->rng, 1, 500 * 1000);
}

/* What tunnel.c is to a core; the static tunnel's calls come here. */
void adit_core_random(void *user, void *buf, size_t len)
{
	op_random(user, buf, len);
}

void adit_core_wall(void *user, struct adit_wall *ret)
{
	op_wall(user, ret);
}

void adit_core_send(void *user, const struct adit_path *path, const uint8_t *msg, size_t len, uint8_t tos)
{
	world_emit(user, path, msg, len, tos);
}

void adit_core_dropped(void *user, bool out, enum adit_drop drop, const uint8_t *packet, size_t len);
void adit_core_dropped(void *user, bool out, enum adit_drop drop, const uint8_t *packet, size_t len)
{
	(void)user;
	(void)out;
	(void)drop;
	(void)packet;
	(void)len;
}

void adit_core_keys(void *user, const struct adit_wg_keys *keys); /* nobody asks for them here */
void adit_core_keys(void *user, const struct adit_wg_keys *keys)
{
	(void)user;
	(void)keys;
}

void adit_core_session(void *user); /* not every core tells */
void adit_core_session(void *user)
{
	(void)user;
}

void node_drive(struct node *n, void *core)
{
	drive_init(&n->d, n->w->face, core, n->w->crypto, &drive_ops, n, rng_next(&n->w->rng));
	n->d.interleave = n->w->interleave;
}

void node_start(struct node *n)
{
	struct world *w = n->w;

	assert(!node_on(n));
	if (world_is_static(w)) {
		static_node_start(n);
		return;
	}
	if (adit_wg_new(&n->wg, &ops, n, w->crypto, w->now) < 0)
		sim_fail(w, "adit_wg_new");
	node_drive(n, n->wg);
	adit_wg_set_private_key(n->wg, n->priv, w->now);
	while (adit_wg_private_key_continue(n->wg, 1, w->now) > 0)
		;
	while (adit_wg_up(n->wg, 1, w->now) > 0)
		;
	node_touch(n);
}

void node_stop(struct node *n)
{
	if (n->st)
		static_node_stop(n);
	if (!n->wg)
		return;
	drive_finish(&n->d, n->w->now);
	drive_fini(&n->d);
	adit_wg_free(n->wg);
	n->wg = NULL;
	n->deadline = n->finish_at = n->work_at = ADIT_NEVER;
	wire_forget_initiations(n->w, n->id);
}

struct adit_wg_peer *node_peer(struct node *n, unsigned other)
{
	return adit_wg_peer_find(n->wg, n->w->nodes[other].pub);
}

void node_add(struct node *n, unsigned other, bool endpoint)
{
	struct world *w = n->w;
	struct adit_wg_peer *peer;
	struct adit_prefix prefix;

	if (adit_wg_peer_add(n->wg, &peer, w->nodes[other].pub, w->now) < 0)
		sim_fail(w, "n%u: cannot add peer %u", n->id, other);
	for (int v6 = 0; v6 < 2; v6++) {
		node_prefix(other, v6, &prefix);
		if (adit_wg_peer_allow(n->wg, peer, &prefix) < 0)
			sim_fail(w, "n%u: cannot allow peer %u", n->id, other);
	}
	if (endpoint)
		node_endpoint(n, other, (int)rng_below(&w->rng, 2));
	node_touch(n);
}

void node_remove(struct node *n, unsigned other)
{
	adit_wg_peer_remove(n->wg, node_peer(n, other), n->w->now);
	wire_forget_initiations(n->w, n->id);
	node_touch(n);
}

void node_endpoint(struct node *n, unsigned other, int family6)
{
	adit_wg_peer_set_endpoint(n->wg, node_peer(n, other), &n->w->nodes[other].at[family6]);
	node_touch(n);
}

void node_psk(struct node *n, unsigned other, uint64_t psk)
{
	uint8_t key[ADIT_KEY_LEN] = { 0 };

	adit_put_le64(key, psk);
	adit_wg_peer_set_psk(n->wg, node_peer(n, other), key);
	node_touch(n);
}

void node_roam(struct node *n)
{
	struct world *w = n->w;

	for (int v6 = 0; v6 < 2; v6++) {
		struct adit_path *p = &n->at[v6];
		uint8_t *a = p->addr;

		memset(p, 0, sizeof(*p));
		p->kind = v6 ? ADIT_PATH_UDP6 : ADIT_PATH_UDP4;
		p->port = (uint16_t)rng_range(&w->rng, 1024, 65535);
		a[0] = v6 ? 0x20 : 10;
		a[1] = v6 ? 0x01 : (uint8_t)rng_next(&w->rng);
		if (v6) {
			adit_put_be16(a + 4, (uint16_t)n->id); /* a /64 of its own */
			adit_put_be64(a + 8, rng_next(&w->rng));
		}
		adit_put_be16(a + (v6 ? 14 : 2), (uint16_t)n->id); /* world_owner */
	}
	sim_trace(w, "n%u has a new address", n->id);
}

unsigned world_owner(struct world *w, const struct adit_path *at)
{
	unsigned id;

	if (at->kind != ADIT_PATH_UDP4 && at->kind != ADIT_PATH_UDP6)
		return UINT32_MAX;
	id = adit_get_be16(at->addr + (at->kind == ADIT_PATH_UDP6 ? 14 : 2));
	if (id >= w->node_cnt || !adit_path_same_remote(&w->nodes[id].at[at->kind == ADIT_PATH_UDP6], at))
		return UINT32_MAX;
	return id;
}

/* Replaces one peer of a node by the same peer under its new key. */
static void follow_key(struct node *n, unsigned other, const uint8_t old[ADIT_KEY_LEN])
{
	struct adit_wg_peer *peer = adit_wg_peer_find(n->wg, old);
	struct adit_wg_peer_info info;

	if (!peer)
		return;
	adit_wg_peer_info(n->wg, peer, &info);
	adit_wg_peer_remove(n->wg, peer, n->w->now);
	wire_forget_initiations(n->w, n->id);
	node_add(n, other, false);
	peer = node_peer(n, other);
	adit_wg_peer_set_psk(n->wg, peer, info.psk);
	adit_wg_peer_set_endpoint(n->wg, peer, &info.endpoint);
	adit_wg_peer_set_keepalive(n->wg, peer, info.keepalive, n->w->now);
	node_touch(n);
}

void node_rekey(struct node *n)
{
	struct world *w = n->w;
	uint8_t old[ADIT_KEY_LEN];

	memcpy(old, n->pub, sizeof(old));
	rng_fill(&w->rng, n->priv, sizeof(n->priv));
	adit_x25519_clamp(n->priv);
	adit_x25519_public(w->crypto, n->pub, n->priv);
	wire_forget_initiations(w, n->id); /* the limit is lifted with the key */
	if (n->wg) {
		adit_wg_set_private_key(n->wg, n->priv, w->now);
		while (adit_wg_private_key_continue(n->wg, 1, w->now) > 0)
			;
		node_touch(n);
	}
	for (unsigned i = 0; i < w->node_cnt; i++) {
		if (i != n->id && w->nodes[i].wg)
			follow_key(&w->nodes[i], n->id, old);
	}
}

void node_info(struct node *n, unsigned other, struct adit_wg_peer_info *ret)
{
	adit_wg_peer_info(n->wg, node_peer(n, other), ret);
}

uint64_t node_drops(struct node *n, enum adit_drop drop)
{
	struct adit_wg_stats stats;

	adit_wg_stats(n->wg, &stats, n->w->now);
	return stats.drops[drop];
}

uint64_t node_drops_all(struct node *n)
{
	struct adit_wg_stats stats;
	uint64_t sum = 0;

	adit_wg_stats(n->wg, &stats, n->w->now);
	for (int i = 0; i < ADIT_DROP_CNT; i++)
		sum += stats.drops[i];
	return sum;
}

void world_pair(struct world *w, unsigned a, unsigned b)
{
	node_add(&w->nodes[a], b, true);
	node_add(&w->nodes[b], a, true);
}
