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
};

static void dialled(void *arg, const struct relay_dialled *r)
{
	struct dialling *d = arg;
	int result = r->error ? r->error : lib_stream_serve(d->net, r->sock, lib_loop(d->net)->now);

	lib_wait_finish(d->wait, result);
	free(d);
}

static int dial_tcp(struct adit *net, const struct relay_target *to, int timeout_ms)
{
	struct dialling *d = malloc(sizeof(*d));
	struct lib_wait *w = lib_wait_new();
	struct relay_dial *dial = NULL;
	adit_time now;
	int r;

	if (!d || !w) {
		free(d);
		if (w)
			lib_wait_drop(w);
		return -ENOMEM;
	}
	*d = (struct dialling){ net, w };
	now = network_pause(net->network);
	lib_loop(net)->now = now;
	r = relay_dial_inside(net->network->relay, &dial, to, dialled, d, now);
	network_resume(net->network);
	if (r < 0) {
		free(d);
		lib_wait_drop(w);
		return r;
	}
	/* after a timeout the attempt ends by itself, and what it brings is closed */
	return lib_wait_for(w, timeout_ms);
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
	remote.addr = a.addr[0];
	now = network_pause(net->network);
	r = adit_udp_sock_open(net->network->ns, &sock, NULL, &remote, NULL);
	if (r == 0)
		r = lib_datagram_serve(net, &d, sock, &remote, NULL, now);
	network_resume(net->network);
	return r;
}

/* The name's first address of one family, as a target. */
static int narrow(struct adit *net, struct relay_target *to, enum relay_family family, int timeout_ms)
{
	struct relay_answer a;
	int r = look_up(net, to->host, family, &a, timeout_ms);

	if (r == 0)
		adit_addr_format(&a.addr[0], to->host);
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
		r = narrow(net, &to, family, timeout_ms);
		if (r < 0)
			return r;
	}
	return dial_tcp(net, &to, timeout_ms);
}
