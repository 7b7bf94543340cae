/* SPDX-License-Identifier: ISC */
/* core_static.c - the static tunnel behind the tunnel's face: one core for each wire format */
#include "static/static.h"
#include "tunnel/core.h"

static const struct adit_static_ops ops = { .random = adit_core_random, .send = adit_core_send,
					    .dropped = adit_core_dropped };

static int create(void **ret, enum adit_static_wire wire, void *user, struct adit_crypto *crypto, adit_time now)
{
	struct adit_static *st;
	int r = adit_static_new(&st, wire, &ops, user, crypto, now);

	if (r == 0)
		*ret = st;
	return r;
}

static int create_v1(void **ret, void *user, struct adit_crypto *crypto, adit_time now)
{
	return create(ret, ADIT_STATIC_V1, user, crypto, now);
}

static int create_v2(void **ret, void *user, struct adit_crypto *crypto, adit_time now)
{
	return create(ret, ADIT_STATIC_V2, user, crypto, now);
}

static void destroy(void *core)
{
	adit_static_free(core);
}

static size_t wire_len(const void *core, size_t len)
{
	return adit_static_wire_len(core, len);
}

static int out_begin(void *core, struct adit_train *t, adit_time now)
{
	return adit_static_out_begin(core, t, now);
}

static void out_done(void *core, struct adit_train *t, adit_time now)
{
	adit_static_out_done(core, t, now);
}

static int staged_next(void *core, struct adit_train *t, uint8_t *wire, size_t cap, adit_time now)
{
	return adit_static_staged_next(core, t, wire, cap, now);
}

static int in_begin(void *core, struct adit_train *t, adit_time now)
{
	return adit_static_in_begin(core, t, now);
}

static void in_done(void *core, struct adit_train *t, adit_time now)
{
	adit_static_in_done(core, t, now);
}

/* Hellos are answered as they come: a tag to check, and no Diffie-Hellman. */
static int work(void *core, int max, adit_time now)
{
	(void)core;
	(void)max;
	(void)now;
	return 0;
}

static adit_time deadline(void *core)
{
	return adit_static_deadline(core);
}

static void tick(void *core, adit_time now)
{
	adit_static_tick(core, now);
}

static int up(void *core, int max_peers, adit_time now)
{
	(void)max_peers;
	adit_static_up(core, now);
	return 0;
}

static int down(void *core, int max_peers, adit_time now)
{
	(void)max_peers;
	adit_static_down(core, now);
	return 0;
}

/* Nothing is padded, so the MTU means nothing to the formats. */
static void set_mtu(void *core, unsigned mtu)
{
	(void)core;
	(void)mtu;
}

static void set_port(void *core, uint16_t port)
{
	adit_static_set_port(core, port);
}

static void routes_changed(void *core)
{
	adit_static_forget_sources(core);
}

static unsigned known(const void *core, struct adit_path *ret, unsigned max)
{
	return adit_static_known(core, ret, max);
}

static void drops(const void *core, uint64_t ret[ADIT_DROP_CNT], adit_time now)
{
	struct adit_static_stats stats;

	(void)now;
	adit_static_stats(core, &stats);
	for (unsigned i = 0; i < ADIT_DROP_CNT; i++)
		ret[i] += stats.drops[i];
}

#define BOTH_FORMATS                                                                            \
	.destroy = destroy, .wire_len = wire_len, .out_begin = out_begin, .out_done = out_done, \
	.staged_next = staged_next, .in_begin = in_begin, .in_done = in_done, .work = work,     \
	.deadline = deadline, .tick = tick, .up = up, .down = down, .set_mtu = set_mtu,         \
	.set_port = set_port, .routes_changed = routes_changed, .known = known, .drops = drops

const struct adit_core adit_core_static_v1 = {
	.name = "static v1",
	.head = ADIT_STATIC_V1_HEAD,
	.create = create_v1,
	.seal = adit_static_v1_seal,
	.open = adit_static_v1_open,
	BOTH_FORMATS,
};

const struct adit_core adit_core_static_v2 = {
	.name = "static v2",
	.head = ADIT_STATIC_V2_HEAD,
	.data_type = ADIT_STATIC_V2_DATA_TYPE,
	.create = create_v2,
	.seal = adit_static_v2_seal,
	.open = adit_static_v2_open,
	BOTH_FORMATS,
};
