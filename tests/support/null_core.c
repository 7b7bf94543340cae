/* SPDX-License-Identifier: ISC */
/* null_core.c - a core that does nothing but frame */
#include "null_core.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/super.h"

enum { HEAD = 16, TAIL = 16, MAGIC = 0x6e756c6c };

static int create(void **ret, void *user, struct adit_crypto *crypto, adit_time now)
{
	(void)user;
	(void)crypto;
	(void)now;
	*ret = calloc(1, sizeof(struct null_core));
	return *ret ? 0 : -ENOMEM;
}

static size_t wire_len(const void *core, size_t len)
{
	(void)core;
	return HEAD + ((len + 15) & ~(size_t)15) + TAIL;
}

static int out_begin(void *core, struct adit_train *t, adit_time now)
{
	struct null_core *n = core;

	(void)now;
	n->begun++;
	if (n->refuse) {
		t->drop = (uint8_t)n->refuse;
		return ADIT_DONE;
	}
	t->path = n->peer;
	t->tos = 0;
	return ADIT_SEAL;
}

static void seal(struct adit_crypto *c, struct adit_train *t)
{
	(void)c;
	for (unsigned k = 0; k < t->cnt; k++) {
		uint8_t *w = t->wire + (size_t)k * t->stride;
		uint32_t room = adit_train_datagram_len(t, k) - HEAD - t->len[k];

		if (t->super)
			memcpy(w + HEAD, adit_super_segment(t->super, t->super_first + k), t->len[k]);
		memset(w, 0, HEAD);
		adit_put_be32(w, MAGIC);
		adit_put_be32(w + 4, t->len[k]);
		memset(w + HEAD + t->len[k], 0xee, room);
	}
}

static void out_done(void *core, struct adit_train *t, adit_time now)
{
	struct null_core *n = core;

	(void)t;
	(void)now;
	n->done++;
}

static int staged_next(void *core, struct adit_train *t, uint8_t *wire, size_t cap, adit_time now)
{
	(void)core;
	(void)t;
	(void)wire;
	(void)cap;
	(void)now;
	return ADIT_DONE;
}

static int in_begin(void *core, struct adit_train *t, adit_time now)
{
	struct null_core *n = core;
	uint32_t left = t->rest_len;

	(void)now;
	if (left == 0)
		return ADIT_DONE;
	n->trains_in++;
	t->wire = t->rest;
	for (t->cnt = 0; left && t->cnt < ADIT_TRAIN_MAX; t->cnt++) {
		t->last_len = left < t->stride ? left : t->stride;
		left -= t->last_len;
	}
	t->rest += t->rest_len - left;
	t->rest_len = left;
	return ADIT_OPEN;
}

static void open_train(struct adit_crypto *c, struct adit_train *t)
{
	(void)c;
	t->ok = 0;
	for (unsigned k = 0; k < t->cnt; k++) {
		if (adit_get_be32(t->wire + (size_t)k * t->stride) == MAGIC)
			t->ok |= UINT64_C(1) << k;
	}
}

static void in_done(void *core, struct adit_train *t, adit_time now)
{
	(void)core;
	(void)now;
	for (unsigned k = 0; k < t->cnt; k++) {
		uint32_t len = adit_get_be32(t->wire + (size_t)k * t->stride + 4);

		t->len[k] = t->ok >> k & 1 && len <= adit_train_datagram_len(t, k) - HEAD - TAIL ? (uint16_t)len : 0;
	}
}

static int work(void *core, int max, adit_time now)
{
	(void)core;
	(void)max;
	(void)now;
	return 0;
}

static adit_time deadline(void *core)
{
	(void)core;
	return ADIT_NEVER;
}

static void tick(void *core, adit_time now)
{
	(void)core;
	(void)now;
}

static int up(void *core, int max_peers, adit_time now)
{
	(void)core;
	(void)max_peers;
	(void)now;
	return 0;
}

static void set_mtu(void *core, unsigned mtu)
{
	((struct null_core *)core)->mtu = mtu;
}

static void set_port(void *core, uint16_t port)
{
	(void)core;
	(void)port;
}

static void routes_changed(void *core)
{
	(void)core;
}

static void drops(const void *core, uint64_t ret[ADIT_DROP_CNT], adit_time now)
{
	(void)core;
	(void)ret;
	(void)now;
}

const struct adit_core null_core = {
	.name = "null",
	.head = HEAD,
	.create = create,
	.destroy = free,
	.wire_len = wire_len,
	.out_begin = out_begin,
	.seal = seal,
	.out_done = out_done,
	.staged_next = staged_next,
	.in_begin = in_begin,
	.open = open_train,
	.in_done = in_done,
	.work = work,
	.deadline = deadline,
	.tick = tick,
	.up = up,
	.down = up,
	.set_mtu = set_mtu,
	.set_port = set_port,
	.routes_changed = routes_changed,
	.drops = drops,
};
