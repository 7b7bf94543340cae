/* SPDX-License-Identifier: ISC */
/*
 * netstack_pair.c - two stacks over a wire that the input makes bad: links
 * that change, packets that are lost, doubled, changed or late, programs that
 * write, read, stop, close and abort. Every byte that is read is the one that
 * was written; when all is well again, what nobody killed arrives whole.
 */
#include <errno.h>

#include "fuzz.h"
#include "netsim/scenario.h"

enum { STREAMS = 5 };

static struct world world;
static struct stream *stream[STREAMS];
static bool doomed[STREAMS];
static unsigned cnt;

static struct end *end_of(uint8_t op)
{
	return cnt ? &stream[(op >> 4) % cnt]->end[op >> 3 & 1] : NULL;
}

/* A byte as a time, a rate, a size: from little to much. */
static uint64_t grow(uint8_t b, unsigned unit)
{
	return (uint64_t)unit * (b & 15) << (b >> 4);
}

static void op_link(struct adit_reader *r)
{
	uint8_t which = adit_rd_u8(r), how = adit_rd_u8(r);
	struct link *l = &world.link[which & 1][!(which & 1)];
	adit_time free_at = l->free_at;

	*l = (struct link){ .free_at = free_at, .delay = (adit_time)grow(adit_rd_u8(r) % 64, 1000000) };
	if (how & 1)
		l->loss = adit_rd_u8(r) * 1500u;
	if (how & 2)
		l->rate = 100000 + grow(adit_rd_u8(r), 10000);
	if (how & 4)
		l->dup = adit_rd_u8(r) * 1000u;
	if (how & 8) {
		l->reorder = adit_rd_u8(r) * 1000u;
		l->reorder_by = (adit_time)grow(adit_rd_u8(r) % 128, 10000);
	}
	if (how & 16)
		l->corrupt = adit_rd_u8(r) * 500u;
	if (how & 32) {
		l->mtu = 1280 + adit_rd_u8(r);
		l->icmp = which & 2;
	}
	if (how & 64)
		l->ce = 1 + adit_rd_u8(r) * 300u;
	l->down = (how & 128) && (which & 4);
	l->drop_data = how & 128 ? which >> 4 : 0;
}

static uint64_t bytes_of(uint8_t b)
{
	uint64_t n = grow(b, 100);

	return n < 300000 ? n : 300000;
}

static void op_open(struct adit_reader *r)
{
	uint8_t how = adit_rd_u8(r), out = adit_rd_u8(r), back = adit_rd_u8(r);
	struct stream *st;

	if (cnt == STREAMS)
		return;
	st = stream_new(&world, how & 1, !(how & 1), how & 2 ? 4 : 6, bytes_of(out), bytes_of(back));
	st->end[0].hold_fin = how & 4;
	st->end[1].hold_fin = how & 8;
	st->end[0].hold_close = how & 16;
	st->end[1].hold_close = how & 32;
	st->end[1].hold_accept = (how & 0xc0) == 0xc0;
	stream[cnt] = st;
	doomed[cnt++] = false;
	stream_connect(st);
}

static void op_kill(struct end *e, uint8_t how)
{
	doomed[e->st->id] = true;
	if (e->side == 1 && e->hold_accept && !e->connected)
		adit_tcp_refuse(e->s, how & 1 ? -ECONNREFUSED : how & 2 ? -EHOSTUNREACH : 0, world.now);
	else if (how & 1)
		adit_tcp_abort(e->s, world.now);
	else
		adit_tcp_close(e->s, world.now);
	e->s = NULL;
}

static void accept_now(struct end *e)
{
	e->hold_accept = false;
	if (e->s && e->syn)
		adit_tcp_accept(e->s, world.now);
}

static void op_end(struct end *e, struct adit_reader *r)
{
	uint8_t what = adit_rd_u8(r), n = adit_rd_u8(r);
	struct adit_tcp_options o;

	if (!e || !e->s)
		return;
	switch (what % 8) {
	case 0:
		e->hold_fin = n & 1;
		e->hold_close = n & 2;
		break;
	case 1:
		e->read_limit = n == 255 ? UINT64_MAX : e->got + grow(n % 160, 50);
		break;
	case 2:
		e->chunk = n ? (uint32_t)grow(n % 128, 1) + 1 : 0;
		break;
	case 3:
		if (!e->shut)
			e->to_send += grow(n % 160, 100);
		break;
	case 4:
		accept_now(&e->st->end[1]);
		break;
	case 5:
		adit_tcp_get_options(e->s, &o);
		o.nagle = n & 1;
		o.keepalive_idle = n & 2 ? 5 * ADIT_SEC : 0;
		adit_tcp_set_options(e->s, &o, world.now);
		break;
	case 6:
		adit_netstack_set_mtu(e->h->ns, 1280 + grow(n % 128, 10), world.now);
		break;
	case 7:
		if ((n & 3) == 3)
			op_kill(e, n >> 2);
		break;
	}
	end_work(e);
	host_pump(e->h);
}

static bool settled(struct world *w)
{
	(void)w;
	for (unsigned i = 0; i < cnt; i++) {
		if (!doomed[i] && !stream_complete(stream[i]))
			return false;
	}
	return true;
}

/* Only who never came through may fail, and only for want of time. */
static void judge(void)
{
	for (unsigned i = 0; i < cnt; i++) {
		for (unsigned k = 0; k < 2; k++) {
			const struct end *e = &stream[i]->end[k];

			if (!e->error || doomed[i] || stream_complete(stream[i]))
				continue;
			if (e->error != -ETIMEDOUT)
				FAIL(&world, "stream %u side %u: error %d", i, k, e->error);
			doomed[i] = true; /* an hour without a packet is enough */
		}
	}
}

static void begin(uint8_t how, uint8_t memory)
{
	const struct adit_netstack_config cfg = { .mtu = how & 1 ? 9000 : 1420, .flow_max = how & 2 ? 65536 : 0,
						  .profile = how & 4 ? ADIT_TCP_LOCAL : ADIT_TCP_WAN };

	cnt = 0;
	world.budget.limit = (size_t)4 << 20 << (memory & 3);
	for (unsigned i = 0; i < 2; i++)
		world_host(&world, &cfg)->merge = how & (8 << i);
	world.check_every = 1;
	world_link(&world, &(struct link){ .delay = ADIT_MSEC });
}

static void end_all(void)
{
	world_link(&world, &(struct link){ .delay = 10 * ADIT_MSEC });
	for (unsigned i = 0; i < cnt; i++) {
		accept_now(&stream[i]->end[1]);
		for (unsigned k = 0; k < 2; k++) {
			struct end *e = &stream[i]->end[k];

			e->hold_fin = e->hold_close = false;
			e->read_limit = UINT64_MAX;
			e->chunk = 0;
			end_work(e);
		}
	}
	world_run(&world, 0);
	for (unsigned i = 0; i < 40 && !settled(&world); i++) {
		world_run_until(&world, settled, 30 * ADIT_SEC);
		judge();
	}
	EXPECT(&world, settled(&world));
	for (unsigned i = 0; i < cnt; i++) {
		for (unsigned k = 0; k < 2; k++) {
			if (stream[i]->end[k].s)
				adit_tcp_abort(stream[i]->end[k].s, world.now);
			stream[i]->end[k].s = NULL;
		}
		adit_tcp_close(stream[i]->listener, world.now);
	}
	world_run(&world, 300 * ADIT_SEC);
	expect_silence(&world);
	world_fini(&world);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct adit_reader r;
	adit_time limit;

	if (size < 3)
		return 0;
	adit_rd_init(&r, data + 2, size - 2);
	world_init(&world, "fuzz", (uint64_t)data[0] << 8 | data[1], getenv("NETSIM_PACKETS")); /* a trace, for replays */
	if (setjmp(world.failed)) {
		fprintf(stderr, "%s\n", world.message);
		abort();
	}
	begin(data[0], data[1]);
	limit = world.now + 3600 * ADIT_SEC;
	for (unsigned n = 0; r.left && n < 300 && world.now < limit; n++) {
		uint8_t op = adit_rd_u8(&r);

		switch (op & 7) {
		case 0: case 1:
			world_run(&world, (adit_time)grow(adit_rd_u8(&r) % 176, 100000));
			break;
		case 2:
			op_open(&r);
			break;
		case 3:
			op_link(&r);
			break;
		default:
			op_end(end_of(op), &r);
		}
		judge();
	}
	end_all();
	return 0;
}
