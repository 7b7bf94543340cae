/* SPDX-License-Identifier: ISC */
/* core_wg.c - the WireGuard core behind the tunnel's face */
#include "tunnel/core.h"
#include "wg/wg.h"

static void event(void *user, enum adit_wg_event event, const uint8_t public_key[ADIT_KEY_LEN],
		  const struct adit_path *path)
{
	(void)public_key;
	(void)path;
	if (event == ADIT_WG_SESSION)
		adit_core_session(user);
}

static const struct adit_wg_ops ops = {
	.random = adit_core_random, .wall = adit_core_wall, .send = adit_core_send, .event = event,
	.dropped = adit_core_dropped
};

static int create(void **ret, void *user, struct adit_crypto *crypto, adit_time now)
{
	struct adit_wg *wg;
	int r = adit_wg_new(&wg, &ops, user, crypto, now);

	if (r == 0)
		*ret = wg;
	return r;
}

static void destroy(void *core)
{
	adit_wg_free(core);
}

static size_t wire_len(const void *core, size_t len)
{
	return adit_wg_wire_len(core, len);
}

static int out_begin(void *core, struct adit_train *t, adit_time now)
{
	return adit_wg_out_begin(core, t, now);
}

static void out_done(void *core, struct adit_train *t, adit_time now)
{
	adit_wg_out_done(core, t, now);
}

static int staged_next(void *core, struct adit_train *t, uint8_t *wire, size_t cap, adit_time now)
{
	return adit_wg_staged_next(core, t, wire, cap, now);
}

static int in_begin(void *core, struct adit_train *t, adit_time now)
{
	return adit_wg_in_begin(core, t, now);
}

static void in_done(void *core, struct adit_train *t, adit_time now)
{
	adit_wg_in_done(core, t, now);
}

static int work(void *core, int max, adit_time now)
{
	return adit_wg_work(core, max, now);
}

static adit_time deadline(void *core)
{
	return adit_wg_deadline(core);
}

static void tick(void *core, adit_time now)
{
	adit_wg_tick(core, now);
}

static int up(void *core, int max_peers, adit_time now)
{
	return adit_wg_up(core, max_peers, now);
}

static int down(void *core, int max_peers, adit_time now)
{
	return adit_wg_down(core, max_peers, now);
}

static void set_mtu(void *core, unsigned mtu)
{
	adit_wg_set_mtu(core, mtu);
}

static void set_port(void *core, uint16_t port)
{
	adit_wg_set_port(core, port);
}

static void routes_changed(void *core)
{
	adit_wg_forget_sources(core);
}

static void log_keys(void *core, bool on)
{
	adit_wg_log_keys(core, on ? adit_core_keys : NULL);
}

static void drops(const void *core, uint64_t ret[ADIT_DROP_CNT], adit_time now)
{
	struct adit_wg_stats stats;

	adit_wg_stats(core, &stats, now);
	for (unsigned i = 0; i < ADIT_DROP_CNT; i++)
		ret[i] += stats.drops[i];
}

const struct adit_core adit_core_wg = {
	.name = "wireguard",
	.head = ADIT_WG_HEAD,
	.data_type = ADIT_WG_DATA_TYPE,
	.create = create,
	.destroy = destroy,
	.wire_len = wire_len,
	.out_begin = out_begin,
	.seal = adit_wg_seal,
	.out_done = out_done,
	.staged_next = staged_next,
	.in_begin = in_begin,
	.open = adit_wg_open,
	.in_done = in_done,
	.work = work,
	.deadline = deadline,
	.tick = tick,
	.up = up,
	.down = down,
	.set_mtu = set_mtu,
	.set_port = set_port,
	.routes_changed = routes_changed,
	.log_keys = log_keys,
	.drops = drops,
};
