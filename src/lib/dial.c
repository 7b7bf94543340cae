/* SPDX-License-Identifier: ISC */
/* dial.c - connections to the network, and names looked up there */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/lib.h"
#include "relay/dial.h"

/* --- TCP --------------------------------------------------------------------------- */

struct dialling {
	struct adit *net;
	struct lib_wait *wait;
	struct relay_dial *dial;
	bool ended;
};

static void dialled(void *arg, const struct relay_dialled *r)
{
	struct dialling *d = arg;
	uint64_t number;

	d->ended = true;
	lib_wait_finish(d->wait, r->error ? r->error : lib_stream_serve(d->net, &number, r->sock, lib_loop(d->net)->now));
}

static int begin_dial(struct dialling *d, const struct relay_target *to)
{
	adit_time now = network_pause(d->net->network);
	int r;

	lib_loop(d->net)->now = now;
	r = relay_dial_inside(d->net->network->relay, &d->dial, to, dialled, d, now);
	network_resume(d->net->network);
	return r;
}

static void give_up(struct dialling *d)
{
	adit_time now = network_pause(d->net->network);

	if (!d->ended) { /* else it was a moment faster, or the time limit was its own */
		relay_dial_cancel(d->dial, now);
		lib_wait_finish(d->wait, -ECANCELED);
	}
	network_resume(d->net->network);
}

static int dial_tcp(struct adit *net, const struct relay_target *to, int timeout_ms)
{
	struct dialling *d = calloc(1, sizeof(*d));
	struct lib_wait *w = lib_wait_new();
	int r = d && w ? 0 : -ENOMEM;

	if (!r) {
		d->net = net;
		d->wait = w;
		r = begin_dial(d, to);
	}
	if (r) {
		if (w)
			lib_wait_drop(w);
		free(d);
		return r;
	}
	r = lib_wait_for(w, timeout_ms);
	if (r == -ETIMEDOUT)
		give_up(d);
	free(d);
	return r;
}

/* --- names -------------------------------------------------------------------------- */

struct looking {
	struct lib_wait *wait;
	struct relay_answer answer;
	bool answered;
};

static void looked_up(void *arg, const struct relay_answer *a)
{
	struct looking *l = arg;

	l->answer = *a;
	l->answered = true;
	/* the count is told as a negative number: a descriptor would be closed by a late answer */
	lib_wait_finish(l->wait, a->error ? a->error : -4096 - (int)a->cnt);
}

static int look_up(struct adit *net, const char *name, enum relay_family family, struct relay_answer *ret,
		   int timeout_ms)
{
	struct looking *l = calloc(1, sizeof(*l));
	struct relay_query *query = NULL;
	adit_time now;
	int r;

	if (l)
		l->wait = lib_wait_new();
	if (!l || !l->wait) {
		free(l);
		return -ENOMEM;
	}
	now = network_pause(net->network);
	r = relay_resolve(adit_relay_resolver_inside(net->network->relay), &query, name, family, looked_up, l, now);
	network_resume(net->network);
	if (r < 0) {
		lib_wait_drop(l->wait);
		free(l);
		return r;
	}
	r = lib_wait_for(l->wait, timeout_ms);
	if (r == -ETIMEDOUT) { /* ours, or the resolver's own: then nothing is left to cancel */
		network_pause(net->network);
		if (!l->answered) {
			relay_query_cancel(query);
			lib_wait_finish(l->wait, -ECANCELED);
		}
		network_resume(net->network);
	}
	if (r <= -4096) {
		*ret = l->answer;
		r = 0;
	}
	free(l);
	return r;
}

int adit_lookup(struct adit *net, const char *name, char (*addresses)[ADIT_ADDRESS_LEN], unsigned max, int timeout_ms)
{
	struct relay_answer a;
	unsigned n = 0;
	int r;

	if (!net || !name || (max && !addresses))
		return -EINVAL;
	r = look_up(net, name, RELAY_FAMILY_AUTO, &a, timeout_ms);
	if (r < 0)
		return r;
	for (; n < a.cnt && n < max; n++)
		adit_addr_format(&a.addr[n], addresses[n]);
	return (int)n;
}

/* --- UDP ----------------------------------------------------------------------------- */

/* The first one of a family that we have inside; else the first. */
static struct adit_addr choose(const struct adit_netstack *ns, const struct relay_answer *a)
{
	unsigned i = 0;

	while (i < a->cnt && !adit_netstack_source(ns, &a->addr[i]).family)
		i++;
	return a->addr[i < a->cnt ? i : 0];
}

static int dial_udp(struct adit *net, const struct relay_target *to, enum relay_family family, int timeout_ms)
{
	struct adit_endpoint remote = { .port = to->port };
	struct lib_datagram *d;
	struct adit_sock *sock;
	struct relay_answer a;
	adit_time now;
	int r;

	r = look_up(net, to->host, family, &a, timeout_ms);
	if (r < 0)
		return r;
	now = network_pause(net->network);
	remote.addr = choose(net->network->ns, &a);
	r = adit_udp_sock_open(net->network->ns, &sock, NULL, &remote, NULL);
	if (r == 0)
		r = lib_datagram_serve(net, &d, sock, &remote, NULL, now);
	network_resume(net->network);
	return r;
}

/* The name's first address of one family, as a target; what time is left then. */
static int narrow(struct adit *net, struct relay_target *to, enum relay_family family, int *timeout_ms)
{
	adit_time begun = adit_tunnel_now(), took;
	struct relay_answer a;
	int r = look_up(net, to->host, family, &a, *timeout_ms);

	if (r == 0)
		adit_addr_format(&a.addr[0], to->host);
	took = (adit_tunnel_now() - begun) / ADIT_MSEC;
	if (*timeout_ms >= 0)
		*timeout_ms = took < *timeout_ms ? *timeout_ms - (int)took : 0;
	return r;
}

int adit_dial(struct adit *net, const char *network, const char *address, int timeout_ms)
{
	enum relay_family family;
	struct relay_target to;
	bool udp;
	int r;

	if (!net || !lib_parse_network(network, &udp, &family))
		return -EINVAL;
	r = lib_parse_address(address, &to);
	if (r < 0 || !to.host[0] || !to.port)
		return -EINVAL;
	if (udp)
		return dial_udp(net, &to, family, timeout_ms);
	if (family != RELAY_FAMILY_AUTO) {
		r = narrow(net, &to, family, &timeout_ms);
		if (r < 0)
			return r;
	}
	return dial_tcp(net, &to, timeout_ms);
}
