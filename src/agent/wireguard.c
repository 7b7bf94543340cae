/* SPDX-License-Identifier: ISC */
/* wireguard.c - a WireGuard network of the agent, opened and closed (parts: wireguard.h) */
#include "agent/wireguard.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "agent/handover.h"
#include "agent/overlap.h"
#include "device/server.h"
#include "tunnel/environment.h"

#define NAMES_MAX 4096 /* that are looked at for a free one */

/* --- the tunnel ----------------------------------------------------------------------- */

static enum agent_reason reason_of(int r, enum agent_reason otherwise)
{
	switch (r) {
	case -EPERM:
	case -EACCES:
		return AGENT_DENIED;
	case -ENOMEM:
		return AGENT_NO_MEMORY;
	case -ENOSPC:
	case -EROFS:
		return AGENT_STATE_DIR;
	}
	return otherwise;
}

bool wgnet_free_name(const struct agent_network *n, char ret[ADIT_IFNAME_LEN])
{
	for (unsigned i = 0; i < NAMES_MAX; i++) {
		snprintf(ret, ADIT_IFNAME_LEN, "adit%u", i);
		if (!agent_plan_is_anothers(n, ret) && !if_nametoindex(ret))
			return true;
	}
	return false;
}

static bool any_holds(const struct agent *a)
{
	for (const struct agent_network *n = a->networks; n; n = n->next)
		if (n->holds)
			return true;
	return false;
}

/* What blocks from before has its rules by the interface's name: so the name stays where the file does not give
 * another one that is free, and the kernel, which sees no
 * interface of that name, must not give it to another network. */
static const char *wanted_name(const struct agent_network *n, char free_name[ADIT_IFNAME_LEN])
{
	if (n->holds && !wgnet_moves_name(n))
		return n->held.name;
	if (n->settings->ifname[0] && strcmp(n->settings->ifname, "utun"))
		return n->settings->ifname;
	return any_holds(n->agent) && wgnet_free_name(n, free_name) ? free_name : "adit%d";
}

static int make_tunnel(struct wgnet *net, enum agent_reason *reason, char *err, size_t err_len)
{
	const struct agent_network_settings *s = net->n->settings;
	struct adit_tunnel_config cfg = { 0 };
	char name[ADIT_IFNAME_LEN];
	int r = adit_tunnel_environment(&cfg, err, err_len);

	if (r)
		return r;
	cfg.core = &adit_core_wg;
	cfg.ifname = wanted_name(net->n, name);
	cfg.tun_fd = -1;
	cfg.rights = helper_network_rights(net->n->agent->helper, s->name);
	cfg.bind = s->bind_address;
	cfg.bind_device = s->bind_interface;
	cfg.mtu = s->mtu;
	r = adit_tunnel_new(&net->tunnel, &cfg, err, err_len);
	if (!r)
		return network_take_name(net->n, adit_tunnel_ifname(net->tunnel), reason, err, err_len);
	*reason = reason_of(r, AGENT_TUN);
	return r;
}

enum agent_reason wgnet_no_socket(const struct agent_network_settings *s, int r, char *err, size_t err_len)
{
	char addr[ADIT_ADDR_STRLEN];

	switch (r) {
	case -ENODEV:
		snprintf(err, err_len, "bind_interface: there is no interface %s", s->bind_interface);
		return AGENT_NO_ROUTE;
	case -EADDRNOTAVAIL:
		snprintf(err, err_len, "bind_address: this machine does not have %s", adit_addr_format(&s->bind_address, addr));
		return AGENT_NO_ROUTE;
	case -EADDRINUSE:
		snprintf(err, err_len, "UDP port %u is in use by another program (ss -ulpn names it)", s->listen_port);
		return AGENT_PORT_TAKEN;
	}
	snprintf(err, err_len, "cannot use UDP port %u: %s", s->listen_port, strerror(-r));
	return reason_of(r, AGENT_PORT_TAKEN);
}

static int take_port(struct wgnet *net, enum agent_reason *reason, char *err, size_t err_len)
{
	const struct agent_network_settings *s = net->n->settings;
	bool bound = s->bind_address.family || s->bind_interface[0];
	int r = s->listen_port || bound ? adit_tunnel_set_port(net->tunnel, s->listen_port) : 0;

	if (r)
		*reason = wgnet_no_socket(s, r, err, err_len);
	return r;
}

int wgnet_set_mark(struct wgnet *net, const struct agent_network_settings *s)
{
	uint32_t mark = net->planned ? adit_netplan_mark(&net->plan) : 0;

	if (!mark)
		mark = s->fwmark;
	return mark == adit_tunnel_fwmark(net->tunnel) ? 0 : adit_tunnel_set_fwmark(net->tunnel, mark);
}

static int set_up_core(struct wgnet *net, enum agent_reason *reason, char *err, size_t err_len)
{
	const struct agent_network_settings *s = net->n->settings;
	uint8_t **psks = NULL;
	int r = wgnet_read_private_key(net->n, s, &net->private_key, err, err_len);

	*reason = AGENT_KEY_FILE;
	if (!r)
		r = wgnet_read_psks(net, s->peers, s->peer_cnt, &psks, err, err_len);
	if (r)
		return r;
	wgnet_set_private_key(net, net->private_key);
	r = wgnet_set_peers(net, NULL, 0, s->peers, s->peer_cnt, psks);
	wgnet_free_psks(psks, s->peer_cnt);
	if (!r)
		r = wgnet_list_peers(net, s);
	if (r)
		*reason = AGENT_NO_MEMORY;
	return r;
}

/* --- the UAPI socket --------------------------------------------------------------------- */

static void uapi_ready(struct adit_watch *w, uint32_t events)
{
	(void)events;
	adit_server_turn(adit_container_of(w, struct wgnet, uapi_watch)->uapi);
}

/* Without it wg(8) does not see the network, and all else works. */
static void open_uapi(struct wgnet *net)
{
	struct agent_network *n = net->n;
	char err[200] = "";
	int fd = helper_uapi(n->agent->helper, n->ifname, err, sizeof(err));
	int r = fd < 0 ? fd : adit_server_new_inside(&net->uapi, net->tunnel, fd);

	if (r) {
		if (fd >= 0)
			close(fd);
		snprintf(n->warning, sizeof(n->warning), "wg show will not find it: %.200s",
			 err[0] ? err : strerror(-r));
		return;
	}
	net->uapi_watch = (struct adit_watch){ adit_server_fd(net->uapi), uapi_ready };
	adit_watch_add(n->agent->epoll_fd, &net->uapi_watch, EPOLLIN);
}

static void close_uapi(struct wgnet *net)
{
	if (!net->uapi)
		return;
	adit_server_free(net->uapi);
	net->uapi = NULL;
	helper_uapi_close(net->n->agent->helper, net->n->ifname);
}

/* --- open and close ------------------------------------------------------------------------ */

static void tun_gone(struct adit_watch *w, uint32_t events)
{
	struct wgnet *net = adit_container_of(w, struct wgnet, gone_watch);

	(void)events;
	net->gone = true;
	net->n->look_at = 0;
	epoll_ctl(net->n->agent->epoll_fd, EPOLL_CTL_DEL, w->fd, NULL);
}

static int start(struct wgnet *net, enum agent_reason *reason, char *err, size_t err_len)
{
	const struct agent_network_settings *s = net->n->settings;
	int r;

	if (agent_overlap(net->n, s, err, err_len)) {
		*reason = AGENT_OVERLAP;
		return -EEXIST;
	}
	r = wgnet_leave_name(net->n, reason, err, err_len);
	if (!r)
		r = make_tunnel(net, reason, err, err_len);
	if (!r)
		r = take_port(net, reason, err, err_len);
	if (!r)
		r = set_up_core(net, reason, err, err_len);
	if (r)
		return r;
	agent_handover_sessions(net->n, net->tunnel);
	r = adit_tunnel_start(net->tunnel, err, err_len);
	if (r) {
		*reason = reason_of(r, AGENT_INTERNAL);
		return r;
	}
	r = wgnet_plan(net, s, reason, err, err_len);
	if (r)
		return r;
	net->gone_watch = (struct adit_watch){ adit_tunnel_gone_fd(net->tunnel), tun_gone };
	r = adit_watch_add(net->n->agent->epoll_fd, &net->gone_watch, EPOLLIN);
	open_uapi(net);
	wgnet_dns_begin(net, s);
	return r;
}

/* The order: nothing is routed into a tunnel that is not there any more. */
static void stop(struct wgnet *net, bool keep)
{
	struct agent_network *n = net->n;

	wgnet_dns_end(net);
	close_uapi(net);
	n->impl = net;
	n->holds = wgnet_unplan(n, keep);
	n->impl = NULL;
	agent_resolver_free(net->resolver); /* after the plan, which may have asked it for its servers */
	net->resolver = NULL;
	wgnet_free_peers(net);
	adit_tunnel_free(net->tunnel);
	adit_secret_free(net->private_key, ADIT_KEY_LEN);
	free(net);
}

static void first_state(struct wgnet *net)
{
	bool names = false, any = false;

	for (size_t i = 0; i < net->peer_cnt; i++) {
		any |= net->peer[i].cfg->endpoint_cnt > 0;
		names |= wgnet_has_name(&net->peer[i]);
	}
	if (any)
		network_enter(net->n, names ? AGENT_RESOLVING : AGENT_HANDSHAKING, AGENT_OK, NULL);
	else
		network_enter(net->n, AGENT_UP, AGENT_OK, "it listens: no peer has an endpoint");
}

static int open_wireguard(struct agent_network *n, enum agent_reason *reason, char *err, size_t err_len)
{
	struct wgnet *net = calloc(1, sizeof(*net));
	int r;

	*reason = AGENT_NO_MEMORY;
	if (!net)
		return -ENOMEM;
	net->n = n;
	net->gone_watch.fd = net->dns_probe.fd = -1;
	net->dns_probe_at = ADIT_NEVER;
	r = start(net, reason, err, err_len);
	if (r) {
		if (!err[0])
			snprintf(err, err_len, "%s", strerror(-r));
		/* Who is refused for another's sake never came into force, and must not stop that one. */
		stop(net, n->settings->killswitch && n->wanted && (n->holds || *reason != AGENT_OVERLAP));
		return r;
	}
	wgnet_held_is_over(net);
	n->impl = net;
	first_state(net);
	return 0;
}

static void close_wireguard(struct agent_network *n)
{
	stop(n->impl, n->wanted && n->settings->killswitch);
}

static struct adit_tunnel *tunnel_of(struct agent_network *n)
{
	return wgnet_of(n)->tunnel;
}

static void renew(struct agent_network *n)
{
	wgnet_of(n)->call_all = true;
	n->look_at = 0;
}

const struct agent_network_ops agent_wireguard_ops = {
	.open = open_wireguard, .close = close_wireguard, .change = wgnet_change,
	.adopt = wgnet_adopt, .look = wgnet_look, .moved = wgnet_moved, .snapshot = wgnet_snapshot, .tunnel = tunnel_of,
	.renew = renew, .plan = wgnet_would_plan,
};
