/* SPDX-License-Identifier: ISC */
/* demo_host.c - one of the demo's two hosts: namespace, links, tunnel */
#include "device/demo_host.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "host/netlink.h"

uint32_t demo_address(unsigned number, bool inside)
{
	/* 192.0.2.0/24 is for examples; nothing of it leaves the namespaces. */
	return htonl((inside ? 0x0a090000u : 0xc0000200u) + number);
}

int demo_why(struct demo_answer *a, const char *what, int err)
{
	snprintf(a->why, sizeof(a->why), "%s: %s", what, strerror(err));
	return -err;
}

static struct adit_prefix prefix(unsigned number, bool inside, uint8_t len)
{
	struct adit_prefix p = { .addr = { .family = 4 }, .len = len };
	uint32_t address = demo_address(number, inside);

	memcpy(p.addr.bytes, &address, 4);
	return p;
}

static unsigned other(const struct demo_host *h)
{
	return 3 - h->number;
}

/* --- namespace and link --------------------------------------------------- */

static int set_up(struct demo_host *h, const char *name, const struct adit_prefix *address,
		  struct demo_answer *a)
{
	struct adit_link link;
	int r = adit_link_find(h->nl, name, &link);

	/* IPv6 has no part in this: where it is off already, fine. */
	if (!r)
		adit_link_no_link_local(h->nl, link.index);
	if (!r && address)
		r = adit_addr_add(h->nl, link.index, address);
	if (!r)
		r = adit_link_set_up(h->nl, link.index);
	return r ? demo_why(a, name, -r) : 0;
}

static int do_space(struct demo_host *h, const struct demo_ask *ask, struct demo_answer *a)
{
	int r;

	(void)ask;
	if (unshare(CLONE_NEWNET) < 0)
		return demo_why(a,
				errno == EPERM ? "may not make a network namespace; run it as root" :
						 "cannot make a network namespace",
				errno);
	r = adit_netlink_open(&h->nl);
	if (r)
		return demo_why(a, "netlink", -r);
	return set_up(h, "lo", NULL, a);
}

static int do_cable(struct demo_host *h, const struct demo_ask *ask, struct demo_answer *a)
{
	int r = adit_link_add_veth(h->nl, "eth0", "eth0", ask->far);

	return r ? demo_why(a, "cannot make a veth pair", -r) : 0;
}

static int do_address(struct demo_host *h, const struct demo_ask *ask, struct demo_answer *a)
{
	struct adit_prefix own = prefix(h->number, false, 24);
	int r = set_up(h, "eth0", &own, a);

	(void)ask;
	return r ? r : demo_listen(h, a);
}

/* --- tunnel --------------------------------------------------------------- */

static int do_tunnel(struct demo_host *h, const struct demo_ask *ask, struct demo_answer *a)
{
	const struct adit_tunnel_config cfg = {
		.core = &adit_core_wg,
		.ifname = "wg0",
		.tun_fd = -1,
		.offloads = ADIT_OFFLOAD_ALL,
	};
	uint8_t private_key[ADIT_KEY_LEN];
	struct adit_wg *wg;
	int r;

	(void)ask;
	r = adit_tunnel_new(&h->tunnel, &cfg, a->why, sizeof(a->why));
	if (!r)
		r = adit_tunnel_set_port(h->tunnel, DEMO_PORT);
	if (r)
		return r;
	adit_random(private_key, sizeof(private_key));
	adit_x25519_clamp(private_key);
	adit_tunnel_lock(h->tunnel);
	wg = adit_tunnel_core(h->tunnel);
	adit_wg_set_private_key(wg, private_key, adit_tunnel_now());
	while (adit_wg_private_key_continue(wg, 256, adit_tunnel_now()))
		;
	adit_wg_public_key(wg, a->key);
	adit_tunnel_unlock(h->tunnel);
	adit_wipe(private_key, sizeof(private_key));
	return 0;
}

/* The guest's endpoint is learned from its handshake. */
static int add_peer(struct demo_host *h, const uint8_t key[ADIT_KEY_LEN], unsigned number)
{
	struct adit_path endpoint = { .kind = ADIT_PATH_UDP4, .port = DEMO_PORT };
	struct adit_prefix allowed = prefix(number, true, 32);
	uint32_t address = demo_address(number, false);
	struct adit_wg_peer *peer;
	struct adit_wg *wg;
	int r;

	memcpy(endpoint.addr, &address, 4);
	adit_tunnel_lock(h->tunnel);
	wg = adit_tunnel_core(h->tunnel);
	r = adit_wg_peer_add(wg, &peer, key, adit_tunnel_now());
	if (!r && number != DEMO_GUEST)
		adit_wg_peer_set_endpoint(wg, peer, &endpoint);
	if (!r)
		r = adit_wg_peer_allow(wg, peer, &allowed);
	adit_tunnel_unlock(h->tunnel);
	return r;
}

static int do_guest_peer(struct demo_host *h, const struct demo_ask *ask, struct demo_answer *a)
{
	int r = add_peer(h, ask->key, DEMO_GUEST);

	return r ? demo_why(a, "cannot add the guest", -r) : 0;
}

static int do_peer(struct demo_host *h, const struct demo_ask *ask, struct demo_answer *a)
{
	struct adit_prefix own = prefix(h->number, true, 24);
	struct timespec pause = { 0, 1000 * 1000 };
	unsigned tries;
	int r = add_peer(h, ask->key, other(h));

	if (r)
		return demo_why(a, "cannot add the peer", -r);
	r = adit_tunnel_start(h->tunnel, a->why, sizeof(a->why));
	if (!r)
		r = set_up(h, adit_tunnel_ifname(h->tunnel), &own, a);
	/* The data thread opens its sockets when it hears that the link is up. */
	for (tries = 0; !r && tries < 2000; tries++) {
		adit_tunnel_stats(h->tunnel, &a->tunnel);
		if (a->tunnel.up)
			return 0;
		nanosleep(&pause, NULL);
	}
	return r ? r : demo_why(a, "the tunnel did not notice that its interface is up", ETIMEDOUT);
}

static adit_time last_handshake(struct demo_host *h, const uint8_t key[ADIT_KEY_LEN])
{
	struct adit_wg_peer_info info = { 0 };
	struct adit_wg_peer *peer;
	struct adit_wg *wg;

	adit_tunnel_lock(h->tunnel);
	wg = adit_tunnel_core(h->tunnel);
	peer = adit_wg_peer_find(wg, key);
	if (peer)
		adit_wg_peer_info(wg, peer, &info);
	adit_tunnel_unlock(h->tunnel);
	return info.has_session ? info.last_handshake_at : 0;
}

static int do_handshake(struct demo_host *h, const struct demo_ask *ask, struct demo_answer *a)
{
	struct timespec pause = { 0, 1000 * 1000 };
	adit_time begin = adit_tunnel_now(), end = 0;
	struct adit_wg_peer *peer;
	struct adit_wg *wg;

	adit_tunnel_lock(h->tunnel);
	wg = adit_tunnel_core(h->tunnel);
	peer = adit_wg_peer_find(wg, ask->key);
	if (peer)
		adit_wg_peer_handshake(wg, peer, begin);
	adit_tunnel_unlock(h->tunnel);
	while (!end && adit_tunnel_now() - begin < 7 * ADIT_SEC) {
		nanosleep(&pause, NULL);
		end = last_handshake(h, ask->key);
	}
	if (!end)
		return demo_why(a, "no handshake within 7 s", ETIMEDOUT);
	a->ns = end - begin;
	return 0;
}

static int do_facts(struct demo_host *h, const struct demo_ask *ask, struct demo_answer *a)
{
	(void)ask;
	adit_tunnel_stats(h->tunnel, &a->tunnel);
	/* The name is a pointer into this process: the answer carries a copy. */
	snprintf(a->why, sizeof(a->why), "%s", a->tunnel.aead ? a->tunnel.aead : "");
	return 0;
}

/* --- what the script asks ------------------------------------------------- */

static int do_serve(struct demo_host *h, const struct demo_ask *ask, struct demo_answer *a)
{
	(void)ask;
	return demo_serve(h, a);
}

static int do_sink(struct demo_host *h, const struct demo_ask *ask, struct demo_answer *a)
{
	(void)ask;
	return demo_sink(h, a);
}

static int (*const ops[DEMO_OP_CNT])(struct demo_host *h, const struct demo_ask *ask,
				     struct demo_answer *a) = {
	[DEMO_SPACE] = do_space,   [DEMO_CABLE] = do_cable, [DEMO_ADDRESS] = do_address,
	[DEMO_TUNNEL] = do_tunnel, [DEMO_PEER] = do_peer,   [DEMO_HANDSHAKE] = do_handshake,
	[DEMO_PING] = demo_ping,   [DEMO_SERVE] = do_serve, [DEMO_FETCH] = demo_fetch,
	[DEMO_SINK] = do_sink,     [DEMO_SEND] = demo_send, [DEMO_FACTS] = do_facts,
	[DEMO_FORWARD] = demo_forward, [DEMO_GUEST_PEER] = do_guest_peer,
};

void demo_host_progress(const struct demo_host *h, uint64_t bytes, int64_t ns)
{
	struct demo_answer a = { .bytes = bytes, .ns = ns };

	/* When the script does not keep up it has no use for this one. */
	send(h->control, &a, sizeof(a), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void demo_host_main(unsigned number, int control)
{
	struct demo_host h = { .number = number, .control = control, .page_fd = -1, .sink_fd = -1 };
	struct demo_answer a;
	struct demo_ask ask;

	/* A key pressed on the terminal is the parent's affair. */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	while (recv(control, &ask, sizeof(ask), 0) == (ssize_t)sizeof(ask)) {
		memset(&a, 0, sizeof(a));
		a.r = ops[ask.op](&h, &ask, &a);
		if (a.r && !a.why[0])
			snprintf(a.why, sizeof(a.why), "%s", strerror(-a.r));
		a.last = true;
		if (send(control, &a, sizeof(a), MSG_NOSIGNAL) < 0)
			break;
	}
	demo_forward_stop(&h);
	adit_tunnel_free(h.tunnel);
	_exit(0);
}
