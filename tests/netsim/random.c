/* SPDX-License-Identifier: ISC */
/*
 * random.c - a story made by its seed: hosts of any configuration, links that
 * change all the time, streams that come and go, stop reading, close half,
 * abort; datagrams and pings in between. Then all is well again, and every
 * stream that nobody has killed must arrive whole.
 *
 *   netsim random SEED          one again, with a trace
 *   netsim random FROM COUNT    many
 */
#include <errno.h>

#include "scenario.h"

enum { STREAMS_MAX = 10, STEPS = 120 };

struct storm {
	struct world *w;
	struct stream *st[STREAMS_MAX];
	bool doomed[STREAMS_MAX]; /* an end was aborted or refused: it need not arrive */
	unsigned cnt;
	struct adit_netstack_config cfg[HOSTS_MAX];
	struct adit_sock *udp[HOSTS_MAX], *ping;
};

static unsigned pick(struct world *w, unsigned n)
{
	return (unsigned)rng_below(&w->rng, n);
}

static bool often(struct world *w)
{
	return rng_chance(&w->rng, 400);
}

/* --- the parts ------------------------------------------------------------------- */

static struct link any_link(struct world *w)
{
	static const uint64_t rates[] = { 0, 1000000, 20000000, 1000000000 };
	struct link l = { .delay = (adit_time)rng_below(&w->rng, 120) * ADIT_MSEC, .rate = rates[pick(w, 4)] };

	if (rng_chance(&w->rng, 200))
		l.delay = (adit_time)rng_below(&w->rng, 100) * ADIT_MSEC / 1000;
	if (often(w))
		l.loss = pick(w, 80000);
	if (rng_chance(&w->rng, 150))
		l.burst = pick(w, 3000), l.burst_len = 1 + (adit_time)rng_below(&w->rng, 800) * ADIT_MSEC;
	if (often(w))
		l.reorder = pick(w, 50000), l.reorder_by = (adit_time)rng_below(&w->rng, 50) * ADIT_MSEC;
	if (often(w))
		l.dup = pick(w, 30000);
	if (often(w))
		l.corrupt = pick(w, 20000);
	if (rng_chance(&w->rng, 200))
		l.ce = 10000 + pick(w, 50000);
	if (rng_chance(&w->rng, 200))
		l.mtu = 1280 + pick(w, 200), l.icmp = often(w) || often(w);
	if (l.rate && often(w))
		l.queue = 20000 + pick(w, 200000);
	return l;
}

static void change_link(struct world *w)
{
	struct link l = any_link(w), *to = &w->link[pick(w, w->hosts)][pick(w, w->hosts)];

	l.free_at = to->free_at;
	l.down = rng_chance(&w->rng, 100);
	*to = l;
}

static void open_stream(struct storm *x)
{
	struct world *w = x->w;
	unsigned a = pick(w, w->hosts), b = (a + 1 + pick(w, w->hosts - 1)) % w->hosts, n = x->cnt;
	uint64_t most = often(w) ? 2000000 : 30000;
	struct stream *st;

	if (n == STREAMS_MAX)
		return;
	st = stream_new(w, a, b, often(w) ? 4 : 6, rng_below(&w->rng, most), rng_below(&w->rng, most));
	for (unsigned i = 0; i < 2; i++) {
		if (often(w))
			st->end[i].chunk = 1 + pick(w, 5000);
		if (often(w))
			st->end[i].read_limit = rng_below(&w->rng, 100000);
		st->end[i].hold_fin = often(w);
		st->end[i].hold_close = often(w);
	}
	st->end[1].hold_accept = rng_chance(&w->rng, 200);
	x->st[x->cnt++] = st;
	world_trace(w, "stream %u: %u to %u, %" PRIu64 " out, %" PRIu64 " back", st->id, a, b, st->end[0].to_send,
		    st->end[1].to_send);
	stream_connect(st);
}

static void set_some_options(struct world *w, struct end *e)
{
	struct adit_tcp_options o;

	adit_tcp_get_options(e->s, &o);
	o.nagle = often(w);
	o.keepalive_idle = often(w) ? ADIT_SEC : 3600 * ADIT_SEC;
	o.keepalive_interval = 30 * ADIT_SEC;
	adit_tcp_set_options(e->s, &o, w->now);
}

static void accept_now(struct end *e)
{
	e->hold_accept = false;
	if (e->s && e->syn)
		adit_tcp_accept(e->s, e->st->w->now);
}

static void kill_end(struct storm *x, unsigned n, struct end *e)
{
	struct world *w = x->w;

	x->doomed[n] = true;
	world_trace(w, "stream %u side %u is killed", e->st->id, e->side);
	if (e->side == 1 && e->hold_accept && !e->connected)
		adit_tcp_refuse(e->s, often(w) ? -ECONNREFUSED : often(w) ? -EHOSTUNREACH : 0, w->now);
	else if (often(w))
		adit_tcp_abort(e->s, w->now);
	else
		adit_tcp_close(e->s, w->now);
	e->s = NULL;
}

static void bother_stream(struct storm *x)
{
	struct world *w = x->w;
	unsigned n = x->cnt ? pick(w, x->cnt) : 0;
	struct end *e = x->cnt ? &x->st[n]->end[pick(w, 2)] : NULL;

	if (!e || !e->s)
		return;
	switch (pick(w, 8)) {
	case 0:
		e->hold_fin = e->hold_close = false;
		break;
	case 1:
	case 2:
		e->read_limit = often(w) ? UINT64_MAX : e->got + rng_below(&w->rng, 50000);
		break;
	case 3:
		e->chunk = often(w) ? 0 : 1 + pick(w, 3000);
		break;
	case 4:
		if (!e->shut)
			e->to_send += pick(w, 20000);
		break;
	case 5:
		accept_now(&x->st[n]->end[1]);
		break;
	case 6:
		set_some_options(w, e);
		break;
	case 7:
		if (rng_chance(&w->rng, 150))
			kill_end(x, n, e);
		break;
	}
	end_work(e);
	host_pump(e->h);
}

static void say_small_things(struct storm *x)
{
	struct world *w = x->w;
	unsigned from = pick(w, w->hosts), to = (from + 1) % w->hosts;
	struct adit_endpoint e = world_endpoint(to, often(w) ? 4 : 6, often(w) ? 7 : 8);
	uint8_t data[6000] = { 0 };

	adit_udp_sock_send(x->udp[from], &e, data, pick(w, sizeof(data)), w->now);
	if (often(w))
		adit_ping_send(x->ping, (uint16_t)w->steps, data, pick(w, 3000), w->now);
	host_pump(&w->host[from]);
	host_pump(&w->host[0]);
}

static void change_mtu(struct storm *x)
{
	struct host *h = &x->w->host[pick(x->w, x->w->hosts)];

	adit_netstack_set_mtu(h->ns, 1280 + pick(x->w, often(x->w) ? 8000 : 220), x->w->now);
	host_pump(h);
}

static void step(struct storm *x)
{
	struct world *w = x->w;

	w->steps++;
	switch (pick(w, 12)) {
	case 0:
		change_link(w);
		break;
	case 1:
		open_stream(x);
		break;
	case 2:
		say_small_things(x);
		break;
	case 3:
		if (rng_chance(&w->rng, 200))
			change_mtu(x);
		break;
	default:
		bother_stream(x);
	}
	world_run(w, (adit_time)rng_below(&w->rng, often(w) ? 600 : 20) * ADIT_MSEC);
}

/* --- before and after --------------------------------------------------------------------- */

/* Datagrams and pings are read and forgotten. */
static void storm_event(struct world *w, struct host *h, struct adit_sock *s, unsigned what)
{
	struct adit_udp_msg m;
	uint16_t seq;

	switch (adit_sock_kind(s)) {
	case ADIT_SOCK_UDP:
		while (adit_udp_sock_recv(s, &m))
			EXPECT_INT(w, m.len, <, 6000);
		return;
	case ADIT_SOCK_PING:
		while (adit_ping_recv(s, &seq))
			EXPECT_INT(w, seq, <=, w->steps);
		return;
	case ADIT_SOCK_TCP:
	case ADIT_SOCK_LISTENER:
		stream_event(w, h, s, what);
	}
}

static void make_hosts(struct storm *x)
{
	static const size_t budgets[] = { 256 << 20, 16 << 20, 4 << 20 };
	struct world *w = x->w;
	struct adit_endpoint echo = { .port = 7 };
	struct adit_addr far = world_endpoint(1, 4, 0).addr;
	unsigned cnt = 2 + pick(w, 2);

	w->budget.limit = budgets[pick(w, 3)];
	w->event = storm_event;
	w->check_every = 1 + pick(w, 4);
	for (unsigned i = 0; i < cnt; i++) {
		x->cfg[i] = (struct adit_netstack_config){
			.mtu = often(w) ? 1420 : 1280 + pick(w, 300),
			.flow_max = often(w) ? 0 : 65536u << pick(w, 8),
			.profile = rng_chance(&w->rng, 100) ? ADIT_TCP_LOCAL : ADIT_TCP_WAN,
		};
		world_host(w, &x->cfg[i])->merge = often(w);
		EXPECT(w, !adit_udp_sock_open(w->host[i].ns, &x->udp[i], &echo, NULL, NULL));
	}
	EXPECT(w, !adit_ping_open(w->host[0].ns, &x->ping, &far, NULL));
	for (unsigned a = 0; a < cnt; a++) {
		for (unsigned b = 0; b < cnt; b++)
			w->link[a][b] = any_link(w);
	}
}

static bool all_settled(struct world *w)
{
	const struct storm *x = w->user;

	for (unsigned i = 0; i < x->cnt; i++) {
		if (!x->doomed[i] && !stream_complete(x->st[i]))
			return false;
	}
	return true;
}

/* Nothing stands in anybody's way any more. */
static void make_peace(struct storm *x)
{
	struct world *w = x->w;

	for (unsigned a = 0; a < w->hosts; a++) {
		for (unsigned b = 0; b < w->hosts; b++)
			w->link[a][b] = (struct link){ .delay = 10 * ADIT_MSEC, .rate = 100000000 };
	}
	for (unsigned i = 0; i < x->cnt; i++) {
		accept_now(&x->st[i]->end[1]);
		for (unsigned k = 0; k < 2; k++) {
			struct end *e = &x->st[i]->end[k];

			e->hold_fin = e->hold_close = false;
			e->read_limit = UINT64_MAX;
			e->chunk = 0;
			end_work(e);
		}
	}
	world_run(w, 0);
}

static void judge(struct storm *x)
{
	struct world *w = x->w;

	for (unsigned i = 0; i < x->cnt; i++) {
		struct stream *st = x->st[i];

		for (unsigned k = 0; k < 2; k++) {
			struct end *e = &st->end[k];
			bool never = e->error == -ETIMEDOUT && !e->connected; /* a minute of bad luck is possible */

			if (e->error && !x->doomed[i] && !stream_complete(st) && !never)
				FAIL(w, "stream %u side %u: error %d", st->id, k, e->error);
			if (never)
				x->doomed[i] = true;
		}
	}
}

/* Who was left alone by somebody who was killed may not know; and nobody listens any more. */
static void clean_up(struct storm *x)
{
	struct world *w = x->w;

	for (unsigned i = 0; i < x->cnt; i++) {
		for (unsigned k = 0; k < 2; k++) {
			if (x->st[i]->end[k].s)
				adit_tcp_abort(x->st[i]->end[k].s, w->now);
			x->st[i]->end[k].s = NULL;
		}
		adit_tcp_close(x->st[i]->listener, w->now);
	}
	for (unsigned i = 0; i < w->hosts; i++)
		adit_udp_sock_close(x->udp[i]);
	adit_ping_close(x->ping);
	world_run(w, 0);
}

void scenario_random(struct world *w)
{
	static struct storm x;

	x = (struct storm){ .w = w };
	w->user = &x;
	make_hosts(&x);
	for (unsigned i = 0; i < STEPS; i++) {
		step(&x);
		judge(&x);
	}
	make_peace(&x);
	for (unsigned i = 0; i < 20 && !all_settled(w); i++) {
		world_run_until(w, all_settled, 30 * ADIT_SEC);
		judge(&x);
	}
	for (unsigned i = 0; i < x.cnt; i++) {
		const struct end *e = x.st[i]->end;

		if (!x.doomed[i] && !stream_complete(x.st[i]))
			FAIL(w, "stream %u: %" PRIu64 " of %" PRIu64 " out, %" PRIu64 " of %" PRIu64 " back, closed %d %d",
			     x.st[i]->id, e[1].got, e[0].to_send, e[0].got, e[1].to_send, e[0].closed, e[1].closed);
	}
	clean_up(&x);
	world_run(w, 200 * ADIT_SEC); /* orphans may have somebody to tell who is no more */
	expect_silence(w);
}
