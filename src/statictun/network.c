/* SPDX-License-Identifier: ISC */
/* network.c - one static tunnel put together */
#include "statictun/network.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "host/apply.h"
#include "host/process.h"

#define STORE_AGAIN (2 * ADIT_SEC)
#define UP_TRIES    500 /* of 10 ms */

/* --- peers ------------------------------------------------------------------- */

/* By the first line of each key; the settings have checked what can be wrong with the table. */
static int add_peer(struct adit_static *st, const struct statictun_network *net, const struct statictun_peer *line,
		    adit_time now)
{
	struct adit_static_peer *peer;
	int r = adit_static_peer_add(st, &peer, line->public_key, now);
	size_t i;

	if (r)
		return r == -EEXIST ? 0 : r;
	if (line->endpoint.kind != ADIT_PATH_NONE)
		r = adit_static_peer_set_endpoint(st, peer, &line->endpoint);
	for (i = (size_t)(line - net->peers); !r && i < net->peer_cnt; i++)
		if (!memcmp(net->peers[i].public_key, line->public_key, ADIT_KEY_LEN))
			r = adit_static_peer_allow(st, peer, &net->peers[i].prefix);
	return r;
}

/* What comes back to us with our own source is dropped, even where a peer's prefix contains it. */
static int own_addresses(struct adit_static *st, const struct statictun_network *net)
{
	int r = 0;

	for (size_t i = 0; i < net->address_cnt && (!r || r == -EEXIST); i++) {
		struct adit_prefix own = net->addresses[i];

		own.len = own.addr.family == 4 ? 32 : 128;
		r = adit_static_own(st, &own);
	}
	return r == -EEXIST ? 0 : r; /* the table gives it to a peer: so be it */
}

static int set_up_core(struct statictun *s)
{
	const struct statictun_network *net = s->net;
	adit_time now = adit_tunnel_now();
	struct adit_static *st;
	int r = 0;
	size_t i;

	adit_tunnel_lock(s->tunnel);
	st = adit_tunnel_core(s->tunnel);
	adit_static_set_private_key(st, net->secret);
	adit_static_set_roaming(st, net->roaming);
	adit_static_set_peer_timeout(st, net->peer_timeout * ADIT_SEC, now);
	adit_static_on_event(st, statictun_events_put, &s->events);
	for (i = 0; !r && i < net->peer_cnt; i++)
		r = add_peer(st, net, &net->peers[i], now);
	if (!r)
		r = own_addresses(st, net);
	adit_tunnel_unlock(s->tunnel);
	return r;
}

/* --- counts of v1 --------------------------------------------------------------- */

static bool wants_grant(const struct adit_static_peer_info *info)
{
	return info->granted < ADIT_STATIC_V1_LIMIT && info->granted - info->sealed <= ADIT_STATIC_V1_BLOCK / 2;
}

static uint64_t grant_for(uint64_t sealed)
{
	uint64_t until = sealed + ADIT_STATIC_V1_BLOCK;

	return until < ADIT_STATIC_V1_LIMIT ? until : ADIT_STATIC_V1_LIMIT;
}

/* What is stored is not yet granted; what is granted has been stored. */
static int set_counts(struct statictun *s, bool exactly, unsigned *changed)
{
	struct adit_static_peer_info info;
	struct adit_static_peer *peer;
	struct adit_static *st;
	int r = 0;

	adit_tunnel_lock(s->tunnel);
	st = adit_tunnel_core(s->tunnel);
	for (peer = adit_static_peer_next(st, NULL); peer && !r; peer = adit_static_peer_next(st, peer)) {
		adit_static_peer_info(peer, &info);
		if (!exactly && !wants_grant(&info))
			continue;
		r = statictun_counts_set(&s->counts, info.public_key, exactly ? info.sealed : grant_for(info.sealed));
		(*changed)++;
	}
	adit_tunnel_unlock(s->tunnel);
	return r;
}

static void grant_stored(struct statictun *s)
{
	struct adit_static_peer_info info;
	struct adit_static_peer *peer;
	struct adit_static *st;

	adit_tunnel_lock(s->tunnel);
	st = adit_tunnel_core(s->tunnel);
	for (peer = adit_static_peer_next(st, NULL); peer; peer = adit_static_peer_next(st, peer)) {
		adit_static_peer_info(peer, &info);
		adit_static_v1_grant(st, peer, statictun_counts_get(&s->counts, info.public_key));
	}
	adit_tunnel_unlock(s->tunnel);
}

void statictun_grant(struct statictun *s, adit_time now)
{
	unsigned changed = 0;
	int r;

	s->store_again = ADIT_NEVER;
	if (!s->counting)
		return;
	r = set_counts(s, false, &changed);
	if (!r && changed)
		r = statictun_counts_store(&s->counts);
	if (!r) {
		grant_stored(s);
		return;
	}
	adit_log_error("cannot store the count of sealed packets in %s: %s; when the last stored count is reached, "
		       "packets are dropped (count_not_stored)", s->counts.path, strerror(-r));
	s->store_again = now + STORE_AGAIN;
}

static int open_counts(struct statictun *s, const char *dir, char *err, size_t err_len)
{
	struct adit_static_peer_info info;
	struct adit_static_peer *peer;
	struct adit_static *st;
	int r;

	if (s->net->wire != ADIT_STATIC_V1)
		return 0;
	r = statictun_counts_open(&s->counts, dir, s->public_key, err, err_len);
	if (r)
		return r;
	s->counting = true;
	adit_tunnel_lock(s->tunnel);
	st = adit_tunnel_core(s->tunnel);
	for (peer = adit_static_peer_next(st, NULL); peer; peer = adit_static_peer_next(st, peer)) {
		adit_static_peer_info(peer, &info);
		adit_static_peer_set_sealed(st, peer, statictun_counts_get(&s->counts, info.public_key));
	}
	adit_tunnel_unlock(s->tunnel);
	statictun_grant(s, adit_tunnel_now());
	if (s->store_again == ADIT_NEVER)
		return 0;
	snprintf(err, err_len, "without a count of sealed packets wire v1 is not safe (--state-dir chooses another place)");
	return -EIO;
}

/* Nothing is sealed any more; so the count is exact, and what was stored ahead is given back. */
static void close_counts(struct statictun *s)
{
	unsigned changed = 0;
	int r;

	if (!s->counting)
		return;
	adit_tunnel_lock(s->tunnel);
	adit_static_down(adit_tunnel_core(s->tunnel), adit_tunnel_now());
	adit_tunnel_unlock(s->tunnel);
	r = set_counts(s, true, &changed);
	if (!r)
		r = statictun_counts_store(&s->counts);
	if (r)
		adit_log_error("cannot store the count of sealed packets in %s: %s", s->counts.path, strerror(-r));
	s->counting = false;
}

/* --- open, start, close -------------------------------------------------------- */

static int describe(int r, char *err, size_t err_len, const char *what)
{
	if (r && !err[0])
		snprintf(err, err_len, "%s: %s", what, strerror(-r));
	return r;
}

static int check_port(struct statictun *s, char *err, size_t err_len)
{
	int r = adit_tunnel_set_port(s->tunnel, s->net->port);

	if (r == -EADDRINUSE)
		snprintf(err, err_len, "UDP port %u is in use by another program (ss -ulpn names it)", s->net->port);
	else if (r == -EADDRNOTAVAIL)
		snprintf(err, err_len, "listen: this machine does not have that address");
	else if (r)
		snprintf(err, err_len, "cannot use UDP port %u: %s", s->net->port, strerror(-r));
	return r;
}

int statictun_open(struct statictun *s, const struct statictun_network *net, struct adit_tunnel_config *cfg,
		   const char *state_dir, char *err, size_t err_len)
{
	int r;

	*s = (struct statictun){ .net = net, .store_again = ADIT_NEVER, .counts.lock_fd = -1 };
	err[0] = '\0';
	r = statictun_events_init(&s->events);
	if (r)
		return describe(r, err, err_len, "cannot make a pipe");
	r = adit_public_key(s->public_key, net->secret); /* names the file of v1's counts */
	if (r)
		return describe(r, err, err_len, "the cryptographic library does not work");
	cfg->core = net->wire == ADIT_STATIC_V1 ? &adit_core_static_v1 : &adit_core_static_v2;
	cfg->ifname = net->ifname[0] ? net->ifname : "tun%d";
	cfg->tun_fd = -1;
	cfg->mtu = net->mtu;
	cfg->bind = net->bind;
	r = adit_tunnel_new(&s->tunnel, cfg, err, err_len);
	if (!r)
		r = describe(set_up_core(s), err, err_len, "cannot set up the peers");
	if (!r)
		r = open_counts(s, state_dir, err, err_len);
	return r ? r : check_port(s, err, err_len);
}

static int add_step(struct adit_plan *plan, enum adit_step_kind kind, const struct adit_prefix *prefix)
{
	struct adit_step step = { .kind = (uint8_t)kind };

	strcpy(step.ifname, plan->name);
	if (prefix)
		step.prefix = *prefix;
	return adit_plan_add(plan, &step);
}

static int make_plan(struct statictun *s, struct adit_plan *plan)
{
	int r;
	size_t i;

	adit_plan_init(plan, adit_tunnel_ifname(s->tunnel));
	r = add_step(plan, ADIT_STEP_TUN, NULL);
	for (i = 0; !r && i < s->net->address_cnt; i++)
		r = add_step(plan, ADIT_STEP_ADDR, &s->net->addresses[i]);
	return r ? r : add_step(plan, ADIT_STEP_UP, NULL);
}

/* The tunnel follows the link: its sockets are open a moment after the link is up. */
static int wait_up(struct statictun *s, char *err, size_t err_len)
{
	struct adit_tunnel_stats stats;

	for (unsigned i = 0; i < UP_TRIES; i++) {
		adit_tunnel_stats(s->tunnel, &stats);
		if (stats.up)
			return 0;
		if (stats.note_cnt)
			break;
		nanosleep(&(struct timespec){ 0, 10 * ADIT_MSEC }, NULL);
	}
	snprintf(err, err_len, "%s", stats.note_cnt ? stats.notes[stats.note_cnt - 1] : "the interface did not come up");
	return -EIO;
}

int statictun_start(struct statictun *s, char *err, size_t err_len)
{
	struct adit_netlink *nl;
	struct adit_host host;
	struct adit_plan plan;
	int r = adit_tunnel_start(s->tunnel, err, err_len);

	if (r)
		return r;
	r = adit_netlink_open(&nl);
	if (r)
		return describe(r, err, err_len, "cannot speak to the kernel (netlink)");
	adit_host_init(&host, nl);
	r = describe(make_plan(s, &plan), err, err_len, "cannot make a plan");
	if (!r)
		r = adit_host_apply(&host, &plan, NULL, err, err_len);
	adit_plan_fini(&plan);
	adit_host_fini(&host);
	adit_netlink_close(nl);
	return r ? r : wait_up(s, err, err_len);
}

void statictun_close(struct statictun *s)
{
	if (s->tunnel)
		close_counts(s);
	adit_tunnel_free(s->tunnel);
	s->tunnel = NULL;
	statictun_counts_close(&s->counts);
	statictun_events_fini(&s->events);
}

/* --- the way to the peers -------------------------------------------------------- */

/* The same advice for each peer would bury the rest. */
struct advice {
	unsigned unrouted, narrow;
};

static void look_inside(const struct statictun *s, struct adit_netlink *nl, unsigned ours,
			const struct statictun_peer *p, struct advice *a)
{
	char buf[ADIT_PREFIX_STRLEN];
	unsigned index, mtu;

	if (!adit_route_get(nl, &p->prefix.addr, 0, &index, &mtu) && index == ours)
		return;
	if (!a->unrouted++)
		adit_log_info("%s is not routed into the tunnel (ip route add %s dev %s)",
			      adit_prefix_format(&p->prefix, buf), buf, adit_tunnel_ifname(s->tunnel));
}

static void look_outside(const struct statictun *s, struct adit_netlink *nl, const struct statictun_peer *p,
			 struct advice *a)
{
	bool six = p->endpoint.kind == ADIT_PATH_UDP6;
	struct adit_addr addr = { .family = six ? 6 : 4 };
	unsigned head = s->net->wire == ADIT_STATIC_V1 ? ADIT_STATIC_V1_HEAD : ADIT_STATIC_V2_HEAD;
	unsigned index, mtu, around = (six ? 48 : 28) + head + ADIT_TAG_LEN;

	if (p->endpoint.kind == ADIT_PATH_NONE)
		return;
	memcpy(addr.bytes, p->endpoint.addr, six ? 16 : 4);
	if (adit_route_get(nl, &addr, adit_tunnel_fwmark(s->tunnel), &index, &mtu) || s->net->mtu + around <= mtu)
		return;
	if (!a->narrow++)
		adit_log_info("mtu = %u does not fit the way to the peers, whose MTU is %u: large packets go in two "
			      "fragments (mtu = %u avoids that)", s->net->mtu, mtu, mtu - around);
}

void statictun_look_around(const struct statictun *s)
{
	struct advice a = { 0 };
	struct adit_netlink *nl;
	struct adit_link link;
	size_t i;

	if (adit_netlink_open(&nl))
		return;
	if (!adit_link_find(nl, adit_tunnel_ifname(s->tunnel), &link)) {
		for (i = 0; i < s->net->peer_cnt && i < 64; i++) {
			look_inside(s, nl, link.index, &s->net->peers[i], &a);
			look_outside(s, nl, &s->net->peers[i], &a);
		}
	}
	adit_netlink_close(nl);
}
