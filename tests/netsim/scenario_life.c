/* SPDX-License-Identifier: ISC */
/* scenario_life.c - connections begin and end */
#include <errno.h>

#include "base/inet.h"
#include "netstack/stack.h"
#include "scenario.h"

static unsigned family(const struct world *w)
{
	return w->seed % 2 ? 4 : 6;
}

void scenario_hello(struct world *w)
{
	two_hosts(w, NULL);
	world_link(w, &(struct link){ .delay = 10 * ADIT_MSEC });
	stream_run(w, family(w), 5, 7, 10 * ADIT_SEC);
	expect_silence(w);
}

/* Both directions at once, over a bad link. */
void scenario_both_ways(struct world *w)
{
	two_hosts(w, NULL);
	world_link(w, &(struct link){ .delay = 10 * ADIT_MSEC, .loss = 5000, .rate = 50000000 });
	stream_run(w, family(w), 2000000, 3000000, 300 * ADIT_SEC);
	expect_silence(w);
}

/* One says FIN at once; the other goes on for long, and the bytes arrive. */
static void half_close(struct world *w, uint64_t out, uint64_t back)
{
	struct stream *st;

	two_hosts(w, NULL);
	world_link(w, &(struct link){ .delay = 20 * ADIT_MSEC });
	st = stream_new(w, 0, 1, family(w), out, back);
	st->end[0].hold_fin = out > 0;
	st->end[1].hold_fin = back > 0;
	stream_connect(st);
	world_run(w, 3 * ADIT_SEC);
	EXPECT_INT(w, st->end[0].got, ==, back);
	EXPECT_INT(w, st->end[1].got, ==, out);
	EXPECT_INT(w, st->end[0].eof, ==, !back);
	EXPECT_INT(w, st->end[1].eof, ==, !out);
	world_run(w, 200 * ADIT_SEC); /* and no time limit ends it */
	st->end[out ? 0 : 1].to_send += 100000;
	end_work(&st->end[out ? 0 : 1]);
	world_run(w, 3 * ADIT_SEC);
	EXPECT(w, streams_carried(w));
	st->end[0].hold_fin = st->end[1].hold_fin = false;
	end_work(&st->end[out ? 0 : 1]);
	EXPECT(w, world_run_until(w, streams_complete, 10 * ADIT_SEC));
	expect_silence(w);
}

void scenario_half_close(struct world *w)
{
	half_close(w, 0, 500000);
}

void scenario_half_close_back(struct world *w)
{
	half_close(w, 500000, 0);
}

/* FINs cross on the way. */
void scenario_simultaneous_close(struct world *w)
{
	struct stream *st;

	two_hosts(w, NULL);
	world_link(w, &(struct link){ .delay = 50 * ADIT_MSEC });
	st = stream_new(w, 0, 1, family(w), 1000, 1000);
	st->end[0].hold_fin = st->end[1].hold_fin = true;
	stream_connect(st);
	world_run(w, ADIT_SEC);
	EXPECT(w, streams_carried(w));
	for (int i = 0; i < 2; i++) {
		st->end[i].hold_fin = false;
		end_work(&st->end[i]);
	}
	world_run(w, 0);
	EXPECT(w, world_run_until(w, streams_complete, 5 * ADIT_SEC));
	world_run(w, 200 * ADIT_MSEC);
	EXPECT_INT(w, host_stats(&w->host[0]).time_wait, ==, 1);
	EXPECT_INT(w, host_stats(&w->host[1]).time_wait, ==, 1);
	expect_silence(w);
}

/* Nobody listens: RST, at once. */
void scenario_refused(struct world *w)
{
	struct stream *st;

	two_hosts(w, NULL);
	world_link(w, &(struct link){ .delay = 10 * ADIT_MSEC });
	st = stream_new(w, 0, 1, family(w), 1, 1);
	adit_tcp_close(st->listener, w->now);
	st->listener = NULL;
	{
		struct adit_endpoint to = world_endpoint(1, family(w), st->port);

		EXPECT(w, !adit_tcp_connect(w->host[0].ns, &st->end[0].s, NULL, &to, &st->end[0], w->now));
	}
	world_run(w, 25 * ADIT_MSEC);
	EXPECT_INT(w, st->end[0].error, ==, -ECONNREFUSED);
	EXPECT_INT(w, host_stats(&w->host[1]).resets_out, ==, 1);
	expect_silence(w);
}

static bool drop_fins(struct link *l, const uint8_t *ip, uint32_t len)
{
	struct tcp_view v;

	if (!tcp_view(&v, ip, len) || !(v.flags & ADIT_TCP_FIN) || l->note == 0)
		return false;
	l->note--;
	return true;
}

/* The first FINs of both are lost; they are sent again. */
void scenario_fin_lost(struct world *w)
{
	two_hosts(w, NULL);
	world_link(w, &(struct link){ .delay = 20 * ADIT_MSEC, .drop = drop_fins, .note = 1 + (unsigned)w->seed % 4 });
	stream_run(w, family(w), 3000, 3000, 60 * ADIT_SEC);
	EXPECT_INT(w, w->link[0][1].note, ==, 0);
	EXPECT_INT(w, w->link[1][0].note, ==, 0);
	expect_silence(w);
}

static bool drop_syns(struct link *l, const uint8_t *ip, uint32_t len)
{
	struct tcp_view v;

	if (!tcp_view(&v, ip, len) || !(v.flags & ADIT_TCP_SYN) || l->note == 0)
		return false;
	l->note--;
	return true;
}

/* SYN and SYN-ACK are lost: again after 1, 3, 7 s. */
void scenario_syn_lost(struct world *w)
{
	two_hosts(w, NULL);
	world_link(w, &(struct link){ .delay = 20 * ADIT_MSEC, .drop = drop_syns, .note = (unsigned)w->seed % 3 });
	stream_run(w, family(w), 100000, 100000, 60 * ADIT_SEC);
	expect_silence(w);
}

/* One end aborts in the middle; the other learns of it, and both are empty at once. */
void scenario_abort(struct world *w)
{
	struct stream *st;
	unsigned side = w->seed % 4 / 2;

	two_hosts(w, NULL);
	world_link(w, &(struct link){ .delay = 10 * ADIT_MSEC, .rate = 20000000 });
	st = stream_new(w, 0, 1, family(w), 5000000, 5000000);
	stream_connect(st);
	world_run(w, 700 * ADIT_MSEC);
	adit_tcp_abort(st->end[side].s, w->now);
	st->end[side].s = NULL;
	world_run(w, 2 * ADIT_SEC);
	EXPECT_INT(w, st->end[!side].error, ==, -ECONNRESET);
	expect_silence(w);
}

/* Close with bytes unread: RST, as RFC 2525 2.17 asks; close with all read: FIN, and queued bytes still go. */
void scenario_linger(struct world *w)
{
	struct stream *st;

	two_hosts(w, NULL);
	world_link(w, &(struct link){ .delay = 10 * ADIT_MSEC, .rate = 20000000 });
	st = stream_new(w, 0, 1, family(w), 400000, 0);
	st->end[1].read_limit = w->seed % 4 < 2 ? 1000 : UINT64_MAX;
	st->end[1].hold_fin = st->end[0].hold_fin = true;
	stream_connect(st);
	for (int i = 0; i < 100 && st->end[0].sent < 400000; i++)
		world_run(w, 5 * ADIT_MSEC);
	if (st->end[1].read_limit == 1000) {
		world_run(w, ADIT_SEC);
		adit_tcp_close(st->end[1].s, w->now);
		st->end[1].s = NULL;
		world_run(w, ADIT_SEC);
		EXPECT_INT(w, st->end[0].error, ==, -ECONNRESET);
	} else {
		adit_tcp_close(st->end[0].s, w->now); /* most of it is still queued */
		st->end[0].s = NULL;
		world_run(w, 3 * ADIT_SEC);
		EXPECT_INT(w, st->end[1].got, ==, 400000);
		EXPECT(w, st->end[1].eof && !st->end[1].error);
		adit_tcp_close(st->end[1].s, w->now);
		st->end[1].s = NULL;
	}
	expect_silence(w);
}

/* No more than so many wait for accept; the others try again and get in when there is room. */
void scenario_backlog(struct world *w)
{
	const struct adit_netstack_config cfg = { .mtu = 1420, .syn_backlog = 4 };
	struct stream *st[10];
	unsigned waiting = 0;

	two_hosts(w, &cfg);
	world_link(w, &(struct link){ .delay = 10 * ADIT_MSEC });
	for (int i = 0; i < 10; i++) {
		st[i] = stream_new(w, 0, 1, family(w), 1000, 1000);
		st[i]->end[1].hold_accept = true;
		stream_connect(st[i]);
	}
	world_run(w, 100 * ADIT_MSEC);
	EXPECT_INT(w, host_stats(&w->host[1]).tcp_syn, ==, 4);
	for (int i = 0; i < 10; i++) {
		waiting += st[i]->end[1].syn;
		EXPECT(w, !st[i]->end[0].connected);
	}
	EXPECT_INT(w, waiting, ==, 4);
	for (int i = 0; i < 10; i++) {
		st[i]->end[1].hold_accept = false;
		if (st[i]->end[1].syn)
			adit_tcp_accept(st[i]->end[1].s, w->now);
	}
	world_run(w, 0);
	EXPECT(w, world_run_until(w, streams_complete, 30 * ADIT_SEC));
	expect_silence(w);
}

/* The flood is of connections with port 80, which nobody waits for. */
static void flood_event(struct world *w, struct host *h, struct adit_sock *s, unsigned what)
{
	struct adit_endpoint local, remote;

	adit_sock_local(s, &local);
	adit_sock_remote(s, &remote);
	if (local.port != 80 && remote.port != 80)
		stream_event(w, h, s, what);
	else if (what & ADIT_EV_SYN)
		adit_tcp_accept(s, w->now);
	else if (what & ADIT_EV_ERROR)
		adit_tcp_abort(s, w->now);
}

static void flood(struct world *w, unsigned cnt)
{
	struct adit_endpoint to = world_endpoint(1, family(w), 80);
	struct adit_sock *s;

	for (unsigned i = 0; i < cnt; i++)
		EXPECT(w, !adit_tcp_connect(w->host[0].ns, &s, NULL, &to, NULL, w->now));
	world_run(w, 50 * ADIT_MSEC);
}

/* One address opens and never acknowledges: it has the backlog to itself until another comes, which it cannot push out. */
void scenario_syn_flood(struct world *w)
{
	const struct adit_netstack_config cfg = { .mtu = 1420, .syn_backlog = 16 };
	struct adit_endpoint from = world_endpoint(0, family(w), 0), other = world_endpoint(2, family(w), 0), to;
	struct adit_sock *listener;
	struct stream *st[3];
	const uint64_t *drops;
	struct adit_netstack *ns;

	two_hosts(w, &cfg);
	world_host(w, NULL);
	world_link(w, &(struct link){ .delay = 10 * ADIT_MSEC });
	ns = w->host[1].ns;
	drops = ns->n.drops;
	if (ns_half_open_of(ns, &from.addr) == ns_half_open_of(ns, &other.addr))
		return; /* one in 64 times they are told apart by nothing */
	to = world_endpoint(1, family(w), 80);
	EXPECT(w, !adit_tcp_listen(ns, &listener, &to, NULL));
	w->event = flood_event;
	w->link[1][0].down = true;
	flood(w, 40);
	EXPECT_INT(w, host_stats(&w->host[1]).tcp_syn, ==, 16);
	EXPECT_INT(w, drops[ADIT_DROP_syn_backlog_full], ==, 24);
	EXPECT_INT(w, drops[ADIT_DROP_half_open_dropped], ==, 0);
	for (int i = 0; i < 3; i++)
		st[i] = stream_new(w, 2, 1, family(w), 1000, 1000);
	stream_connect(st[0]);
	world_run(w, 50 * ADIT_MSEC);
	EXPECT(w, st[0]->end[0].connected);
	EXPECT_INT(w, drops[ADIT_DROP_half_open_dropped], ==, 1);
	w->link[1][2].down = true; /* these are half-open for a while */
	stream_connect(st[1]);
	stream_connect(st[2]);
	flood(w, 40);
	EXPECT_INT(w, host_stats(&w->host[1]).tcp_syn, ==, 16);
	EXPECT_INT(w, drops[ADIT_DROP_half_open_dropped], ==, 2); /* one place was free, and taken by the first of them */
	w->link[1][2].down = false;
	EXPECT(w, world_run_until(w, streams_complete, 10 * ADIT_SEC));
	adit_tcp_close(listener, w->now);
	world_run(w, 200 * ADIT_SEC); /* the flood gives up */
	expect_silence(w);
}

/* The peer is gone without a word: keepalives find out; while it is there they keep quiet. */
void scenario_keepalive(struct world *w)
{
	struct adit_tcp_options o;
	struct stream *st;

	two_hosts(w, NULL);
	world_link(w, &(struct link){ .delay = 10 * ADIT_MSEC });
	st = stream_new(w, 0, 1, family(w), 1000, 1000);
	st->end[0].hold_fin = st->end[1].hold_fin = true;
	stream_connect(st);
	world_run(w, ADIT_SEC);
	adit_tcp_get_options(st->end[0].s, &o);
	EXPECT_INT(w, o.keepalive_idle, ==, 7200 * ADIT_SEC);
	o.keepalive_idle = 60 * ADIT_SEC;
	o.keepalive_interval = 10 * ADIT_SEC;
	adit_tcp_set_options(st->end[0].s, &o, w->now);
	world_run(w, 3600 * ADIT_SEC);
	EXPECT(w, !st->end[0].error && st->end[0].s);
	EXPECT_INT(w, w->link[1][0].packets, >=, 50);
	w->link[0][1].down = w->link[1][0].down = true;
	world_run(w, 85 * ADIT_SEC);
	EXPECT(w, !st->end[0].error);
	world_run(w, 75 * ADIT_SEC);
	EXPECT_INT(w, st->end[0].error, ==, -ETIMEDOUT);
	adit_tcp_abort(st->end[1].s, w->now);
	st->end[1].s = NULL;
	world_run(w, 0);
	expect_silence(w);
}

/* Unacknowledged for longer than the program will wait. */
void scenario_user_timeout(struct world *w)
{
	struct adit_tcp_options o;
	struct stream *st;

	two_hosts(w, NULL);
	world_link(w, &(struct link){ .delay = 10 * ADIT_MSEC });
	st = stream_new(w, 0, 1, family(w), 1000, 1000);
	st->end[0].hold_fin = st->end[1].hold_fin = true;
	stream_connect(st);
	world_run(w, ADIT_SEC);
	adit_tcp_get_options(st->end[0].s, &o);
	o.user_timeout = 30 * ADIT_SEC;
	adit_tcp_set_options(st->end[0].s, &o, w->now);
	w->link[0][1].down = true;
	st->end[0].to_send += 50000;
	st->end[1].to_send += 50000;
	end_work(&st->end[0]);
	end_work(&st->end[1]);
	world_run(w, 29 * ADIT_SEC);
	EXPECT(w, !st->end[0].error);
	world_run(w, 30 * ADIT_SEC); /* noticed when a retransmission is due */
	EXPECT_INT(w, st->end[0].error, ==, -ETIMEDOUT);
	world_run(w, 1200 * ADIT_SEC); /* the other has no limit but its retransmissions */
	EXPECT_INT(w, st->end[1].error, ==, -ETIMEDOUT);
	expect_silence(w);
}

/* Nobody is there. */
void scenario_connect_timeout(struct world *w)
{
	struct stream *st;

	two_hosts(w, NULL);
	world_link(w, &(struct link){ .down = true });
	st = stream_new(w, 0, 1, family(w), 1000, 1000);
	stream_connect(st);
	world_run(w, 59 * ADIT_SEC);
	EXPECT(w, !st->end[0].error);
	EXPECT_INT(w, w->link[0][1].packets, >=, 5);
	world_run(w, 2 * ADIT_SEC);
	EXPECT_INT(w, st->end[0].error, ==, -ETIMEDOUT);
	expect_silence(w);
}

/* A connection between two ports, closed by host 1, which waits then. */
static void use_port(struct world *w, struct adit_sock *listener, const struct adit_endpoint *local,
		     const struct adit_endpoint *remote)
{
	struct stream *st = stream_new(w, 0, 1, local->addr.family, 3000, 3000);

	adit_sock_set_user(listener, &st->end[1]);
	st->end[0].hold_fin = true;
	EXPECT(w, !adit_tcp_connect(w->host[0].ns, &st->end[0].s, local, remote, &st->end[0], w->now));
	world_run(w, 300 * ADIT_MSEC);
	EXPECT(w, st->end[0].connected && st->end[0].eof);
	st->end[0].hold_fin = false;
	end_work(&st->end[0]);
	world_run(w, 300 * ADIT_MSEC);
	EXPECT(w, stream_complete(st));
}

/* The same pair of endpoints again while the other side is in TIME-WAIT (RFC 6191). */
void scenario_port_reuse(struct world *w)
{
	struct adit_endpoint local = world_endpoint(0, family(w), 4000), remote = world_endpoint(1, family(w), 900);
	struct adit_sock *listener;

	two_hosts(w, NULL);
	world_link(w, &(struct link){ .delay = 5 * ADIT_MSEC });
	EXPECT(w, !adit_tcp_listen(w->host[1].ns, &listener, &remote, NULL));
	for (int i = 0; i < 20; i++)
		use_port(w, listener, &local, &remote);
	EXPECT_INT(w, host_stats(&w->host[1]).time_wait, ==, 1);
	adit_tcp_close(listener, w->now);
	expect_silence(w);
}

/*
 * The same, but host 0 was started anew: its sequence numbers and timestamps
 * may lie behind those that host 1 remembers. What host 1 says of the old
 * connection is denied, and the SYN goes again at once.
 */
void scenario_restart(struct world *w)
{
	struct adit_endpoint local = world_endpoint(0, family(w), 4000), remote = world_endpoint(1, family(w), 900);
	struct adit_sock *listener;

	two_hosts(w, NULL);
	world_link(w, &(struct link){ .delay = 5 * ADIT_MSEC });
	EXPECT(w, !adit_tcp_listen(w->host[1].ns, &listener, &remote, NULL));
	for (int i = 0; i < 8; i++) {
		use_port(w, listener, &local, &remote);
		host_restart(&w->host[0], NULL);
	}
	adit_tcp_close(listener, w->now);
	expect_silence(w);
}
