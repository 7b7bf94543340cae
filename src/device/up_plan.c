/* SPDX-License-Identifier: ISC */
/*
 * up_plan.c - from a wg-quick file to endpoints and a plan for this machine
 *
 * The habits are wg-quick's: the MTU is that of the way to the endpoints less
 * 80; a route is left out where the link's own addresses already lead there.
 */
#include "device/up_plan.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define OVERHEAD     80u    /* IPv6, UDP, message header and tag */
#define MTU_MAX      65456u /* loopback's 65536 less that */
#define MTU_MIN_IPV6 1280u

/* --- what is not done yet ------------------------------------------------- */

static const char *const instead = "WG_QUICK_USERSPACE_IMPLEMENTATION=adit-wg wg-quick up";

static const char *why_not(enum adit_quick_extra_kind kind)
{
	switch (kind) {
	case ADIT_QUICK_DNS:
		return "adit up does not set DNS servers yet";
	case ADIT_QUICK_PRE_UP:
	case ADIT_QUICK_POST_UP:
	case ADIT_QUICK_PRE_DOWN:
	case ADIT_QUICK_POST_DOWN:
		return "adit up runs no hooks yet";
	case ADIT_QUICK_SAVE_CONFIG:
		return "adit down does not write the file back";
	}
	return "";
}

static const struct adit_quick_prefix *default_route(const struct adit_quickconf *conf)
{
	size_t i, k;

	/* In a table of its own a default route takes no traffic by itself. */
	if (conf->table == ADIT_QUICK_TABLE_OFF ||
	    (conf->table == ADIT_QUICK_TABLE_NUMBER && conf->table_number != ADIT_TABLE_MAIN))
		return NULL;
	for (i = 0; i < conf->peer_cnt; i++)
		for (k = 0; k < conf->peer[i].allowed.cnt; k++)
			if (!conf->peer[i].allowed.item[k].prefix.len)
				return &conf->peer[i].allowed.item[k];
	return NULL;
}

bool adit_up_refuses(const struct adit_quickconf *conf, const char *file)
{
	const struct adit_quick_prefix *full = default_route(conf);
	const char *said[8];
	size_t i, k, n = 0;

	for (i = 0; i < conf->extra_cnt; i++) {
		const struct adit_quick_extra *extra = &conf->extra[i];
		const char *why = why_not(extra->kind);

		for (k = 0; k < n && said[k] != why; k++)
			;
		if (k < n)
			continue;
		said[n++] = why;
		fprintf(stderr, "%s:%u:%u: %s: %s (take it out, or use %s %s)\n", file, extra->pos.line,
			extra->pos.col, adit_quick_extra_name(extra->kind), why, instead, file);
	}
	if (full)
		fprintf(stderr,
			"%s:%u:%u: AllowedIPs: adit up does not route all traffic into a tunnel yet "
			"(set Table = off and add routes yourself, or use %s %s)\n",
			file, full->pos.line, full->pos.col, instead, file);
	return n || full;
}

/* --- endpoints ------------------------------------------------------------ */

static int path_of(const struct sockaddr *sa, struct adit_path *ret)
{
	struct adit_path path = { 0 };

	if (sa->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)sa;

		path.kind = ADIT_PATH_UDP4;
		path.port = ntohs(in->sin_port);
		memcpy(path.addr, &in->sin_addr, 4);
	} else if (sa->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const void *)sa;

		path.kind = ADIT_PATH_UDP6;
		path.port = ntohs(in6->sin6_port);
		path.scope = in6->sin6_scope_id;
		memcpy(path.addr, &in6->sin6_addr, 16);
	} else {
		return -EAFNOSUPPORT;
	}
	*ret = path;
	return 0;
}

static int resolve_one(const struct adit_quick_peer *peer, const char *file, bool (*stop)(void),
		       struct adit_path *ret)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_DGRAM, .ai_protocol = IPPROTO_UDP };
	const struct adit_quick_pos *pos = &peer->endpoint_pos;
	struct addrinfo *list;
	int r, tries;

	for (tries = 0;; tries++) {
		r = getaddrinfo(peer->endpoint_host, peer->endpoint_port, &hints, &list);
		if (r != EAI_AGAIN || tries == 4 || stop())
			break;
		fprintf(stderr, "%s:%u:%u: Endpoint: %s: the resolver does not answer, trying again\n", file,
			pos->line, pos->col, peer->endpoint_host);
		nanosleep(&(struct timespec){ 1 + tries, 0 }, NULL);
	}
	if (r) {
		fprintf(stderr, "%s:%u:%u: Endpoint: %s:%s: %s\n", file, pos->line, pos->col,
			peer->endpoint_host, peer->endpoint_port,
			r == EAI_SYSTEM ? strerror(errno) : gai_strerror(r));
		return -EHOSTUNREACH;
	}
	r = path_of(list->ai_addr, ret);
	freeaddrinfo(list);
	return r;
}

int adit_up_resolve(const struct adit_quickconf *conf, const char *file, bool (*stop)(void),
		    struct adit_path **ret)
{
	struct adit_path *paths = calloc(conf->peer_cnt + 1, sizeof(*paths));
	size_t i;
	int r;

	if (!paths)
		return -ENOMEM;
	for (i = 0; i < conf->peer_cnt; i++) {
		if (!conf->peer[i].endpoint_host)
			continue;
		r = resolve_one(&conf->peer[i], file, stop, &paths[i]);
		if (r) {
			free(paths);
			return r;
		}
	}
	*ret = paths;
	return 0;
}

/* --- plan ----------------------------------------------------------------- */

static bool has_ipv6(const struct adit_quickconf *conf)
{
	size_t i;

	for (i = 0; i < conf->addresses.cnt; i++)
		if (conf->addresses.item[i].prefix.addr.family == 6)
			return true;
	return false;
}

static unsigned best_mtu(const struct adit_quickconf *conf, const struct adit_path *endpoints,
			 struct adit_netlink *nl)
{
	unsigned best = 0, mtu, index;
	size_t i;

	for (i = 0; i < conf->peer_cnt; i++) {
		struct adit_addr addr = { .family = endpoints[i].kind == ADIT_PATH_UDP4 ? 4 : 6 };

		if (endpoints[i].kind == ADIT_PATH_NONE)
			continue;
		memcpy(addr.bytes, endpoints[i].addr, addr.family == 4 ? 4 : 16);
		if (adit_route_get(nl, &addr, &index, &mtu) == 0 && mtu > best)
			best = mtu;
	}
	if (!best && adit_route_get(nl, NULL, &index, &mtu) == 0)
		best = mtu;
	if (best < 576)
		best = 1500; /* no way there yet: what most networks have */
	best -= OVERHEAD;
	if (best < MTU_MIN_IPV6 && has_ipv6(conf))
		best = MTU_MIN_IPV6;
	return best < MTU_MAX ? best : MTU_MAX;
}

/* Longest first, as wg-quick adds them; then by family and address, so that twins meet. */
static int compare_routes(const void *a, const void *b)
{
	const struct adit_prefix *x = a, *y = b;

	if (x->len != y->len)
		return y->len > x->len ? 1 : -1;
	if (x->addr.family != y->addr.family)
		return x->addr.family > y->addr.family ? 1 : -1;
	return memcmp(x->addr.bytes, y->addr.bytes, sizeof(x->addr.bytes));
}

/* Does an address of the link already bring this route? A lone IPv4 address brings none. */
static bool connected(const struct adit_quickconf *conf, const struct adit_prefix *dst)
{
	size_t i;

	for (i = 0; i < conf->addresses.cnt; i++) {
		const struct adit_prefix *own = &conf->addresses.item[i].prefix;

		if (own->addr.family == dst->addr.family && own->len <= dst->len &&
		    !(own->addr.family == 4 && own->len == 32) && adit_prefix_contains(own, &dst->addr))
			return true;
	}
	return false;
}

static int plan_routes(struct adit_plan *plan, const struct adit_quickconf *conf)
{
	bool main_table = conf->table == ADIT_QUICK_TABLE_AUTO;
	struct adit_step step = { .kind = ADIT_STEP_ROUTE };
	struct adit_prefix *all;
	size_t i, k, n = 0;
	int r = 0;

	if (conf->table == ADIT_QUICK_TABLE_OFF)
		return 0;
	for (i = 0; i < conf->peer_cnt; i++)
		n += conf->peer[i].allowed.cnt;
	all = calloc(n + 1, sizeof(*all));
	if (!all)
		return -ENOMEM;
	for (i = n = 0; i < conf->peer_cnt; i++) {
		for (k = 0; k < conf->peer[i].allowed.cnt; k++) {
			all[n] = conf->peer[i].allowed.item[k].prefix;
			adit_prefix_mask(&all[n++]);
		}
	}
	qsort(all, n, sizeof(*all), compare_routes);
	strcpy(step.ifname, plan->name);
	step.table = main_table ? ADIT_TABLE_MAIN : conf->table_number;
	for (i = 0; i < n && !r; i++) {
		if ((i && !compare_routes(&all[i - 1], &all[i])) || (main_table && connected(conf, &all[i])))
			continue;
		step.prefix = all[i];
		r = adit_plan_add(plan, &step);
	}
	free(all);
	return r;
}

int adit_up_plan(struct adit_plan *plan, const struct adit_quickconf *conf, const struct adit_path *endpoints,
		 struct adit_netlink *nl)
{
	struct adit_step tun = { .kind = ADIT_STEP_TUN }, mtu = { .kind = ADIT_STEP_MTU };
	struct adit_step up = { .kind = ADIT_STEP_UP }, addr = { .kind = ADIT_STEP_ADDR };
	size_t i;
	int r;

	strcpy(tun.ifname, plan->name);
	strcpy(mtu.ifname, plan->name);
	strcpy(addr.ifname, plan->name);
	strcpy(up.ifname, plan->name);
	mtu.mtu = conf->mtu ? conf->mtu : best_mtu(conf, endpoints, nl);
	r = adit_plan_add(plan, &tun);
	if (!r)
		r = adit_plan_add(plan, &mtu);
	for (i = 0; i < conf->addresses.cnt && !r; i++) {
		addr.prefix = conf->addresses.item[i].prefix;
		r = adit_plan_add(plan, &addr);
	}
	if (!r)
		r = adit_plan_add(plan, &up);
	return r ? r : plan_routes(plan, conf);
}
