/* SPDX-License-Identifier: ISC */
/*
 * wireguard_plan.c - what a WireGuard network changes on the machine
 *
 * DOC: servers that may not be there
 *
 * A DNS server among what the peers are for is set with the plan. Another one is
 * asked first whether it answers; until it does, the machine's resolver is left
 * alone, and the status says so.
 */
#include "agent/wireguard.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/plan.h"

#define PROBE_WAIT  (2 * ADIT_SEC)
#define PROBE_AGAIN (10 * ADIT_SEC)

/* --- plan ------------------------------------------------------------------------------ */

static bool dns_wanted(const struct wgnet *net, const struct agent_network_settings *s)
{
	return s->dns_cnt && (net->dns_reached || agent_plan_reaches_dns(s));
}

/* Until names have an address, who looks them up must get through the killswitch. */
static unsigned guard_dns(struct wgnet *net, const struct agent_network_settings *s,
			  struct adit_addr ret[AGENT_SERVERS_MAX])
{
	bool needed = s->killswitch_dns;

	for (size_t i = 0; i < net->peer_cnt && !needed; i++)
		needed = !net->peer[i].leaving && wgnet_has_name(&net->peer[i]) && wgnet_resolve_error(&net->peer[i]);
	return needed && wgnet_need_resolver(net) ? agent_resolver_servers(net->resolver, ret) : 0;
}

/* Of the peers that there are: some may have come by the API. *ret stays NULL before they are listed. */
static int allowed(const struct wgnet *net, struct adit_prefix **ret, size_t *cnt)
{
	size_t most = 1, n = 0;
	struct adit_prefix *list;

	if (!net->peer)
		return 0;
	for (size_t i = 0; i < net->peer_cnt; i++)
		most += net->peer[i].cfg->allowed_cnt;
	list = calloc(most, sizeof(*list));
	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < net->peer_cnt; i++)
		for (size_t k = 0; k < net->peer[i].cfg->allowed_cnt && !net->peer[i].leaving; k++)
			list[n++] = net->peer[i].cfg->allowed[k];
	*ret = list;
	*cnt = n;
	return 0;
}

static int make(struct adit_plan *ret, struct wgnet *net, const struct agent_network_settings *s, char *err,
		size_t err_len)
{
	struct adit_addr servers[AGENT_SERVERS_MAX];
	struct agent_plan_extra extra = { .dns = dns_wanted(net, s), .guard_dns = servers };
	struct adit_prefix *prefixes = NULL;
	struct adit_path *paths = NULL;
	int r = wgnet_paths(net, &paths, &extra.path_cnt);

	if (!r)
		r = allowed(net, &prefixes, &extra.allowed_cnt);
	if (r) {
		free(paths);
		return r;
	}
	extra.paths = paths;
	extra.allowed = prefixes;
	extra.guard_dns_cnt = guard_dns(net, s, servers);
	extra.listen_port = net->tunnel ? adit_tunnel_port(net->tunnel) : 0;
	extra.in_force = net->planned ? &net->plan : net->n->holds ? &net->n->held : NULL;
	r = agent_plan_make(ret, net->n, s, &extra, err, err_len);
	free(paths);
	free(prefixes);
	return r;
}

int wgnet_plan(struct wgnet *net, const struct agent_network_settings *s, enum agent_reason *reason, char *err,
	       size_t err_len)
{
	struct adit_plan plan, old = net->plan;
	bool was = net->planned;
	int r = make(&plan, net, s, err, err_len);

	*reason = AGENT_HOST;
	if (r)
		return r;
	net->plan = plan;
	net->planned = true;
	r = wgnet_set_mark(net, s); /* before rules that let the marked alone through */
	if (!r)
		r = helper_apply(net->n->agent->helper, &plan, err, err_len);
	if (!r) {
		if (was)
			adit_plan_fini(&old);
		net->endpoints_moved = false;
		return 0;
	}
	if (r == -ENOSPC || r == -EROFS || r == -EDQUOT)
		*reason = AGENT_STATE_DIR;
	else if (r == -EPERM)
		*reason = AGENT_DENIED;
	adit_plan_fini(&plan);
	net->plan = old;
	net->planned = was;
	wgnet_set_mark(net, net->n->settings);
	return r;
}

static void tell_not_kept(const struct agent_network *n, const char *why)
{
	struct agent_event ev = { .kind = "host" };

	snprintf(ev.network, sizeof(ev.network), "%s", n->settings->name);
	snprintf(ev.text, sizeof(ev.text), "the killswitch cannot be kept: %.200s", why);
	agent_event_add(&n->agent->events, &ev);
}

/* Plans go by this name: never that of another network, whose plan would be replaced. */
static bool choose_name(struct agent_network *n)
{
	const char *configured = n->settings->ifname;

	if (n->ifname[0])
		return true;
	if (!configured[0] || !strcmp(configured, "utun"))
		return wgnet_free_name(n, n->ifname);
	if (agent_plan_is_anothers(n, configured))
		return false;
	snprintf(n->ifname, sizeof(n->ifname), "%s", configured);
	return true;
}

/* It could not be made the killswitch's part: all of it is in force still, and is undone when this one lets go. */
static bool hold_whole(struct agent_network *n, struct wgnet *net, const char *why)
{
	struct agent_event ev = { .kind = "host" };

	snprintf(ev.network, sizeof(ev.network), "%s", n->settings->name);
	snprintf(ev.text, sizeof(ev.text), "more than the killswitch is kept: %.200s", why);
	agent_event_add(&n->agent->events, &ev);
	n->held = net->plan;
	net->planned = false;
	return true;
}

/* What was in force, or would have been: the killswitch's part of it stays. */
static bool block(struct agent_network *n, struct wgnet *net)
{
	char err[256] = "";
	struct adit_plan plan;
	int r;

	if (!choose_name(n)) {
		tell_not_kept(n, "another network has its interface name");
		return false;
	}
	r = net->planned ? 0 : make(&plan, net, n->settings, err, sizeof(err));
	if (!r)
		r = agent_plan_guards(&n->held, net->planned ? &net->plan : &plan);
	if (!net->planned && !r)
		adit_plan_fini(&plan);
	if (r)
		return net->planned && hold_whole(n, net, strerror(-r));
	r = helper_apply(n->agent->helper, &n->held, err, sizeof(err));
	if (!r)
		return true;
	adit_plan_fini(&n->held);
	if (net->planned)
		return hold_whole(n, net, err);
	tell_not_kept(n, err);
	return false;
}

int wgnet_would_plan(struct agent_network *n, struct adit_plan *ret, char *err, size_t err_len)
{
	struct wgnet draft = { .n = n };

	network_presume_name(n, "adit0");
	return make(ret, &draft, n->settings, err, err_len);
}

/* --- an interface that gets another name ------------------------------------------------- */

bool wgnet_moves_name(const struct agent_network *n)
{
	return n->holds && network_named_otherwise(n, n->held.name) &&
	       !agent_plan_is_anothers(n, n->settings->ifname);
}

/* All but the killswitch's part of what is held: routes of both would be in each other's way. */
static int hold_guards(struct agent_network *n, char *err, size_t err_len)
{
	struct adit_plan guards;
	int r = n->settings->killswitch ? agent_plan_guards(&guards, &n->held) : -ENOENT;

	if (r == -ENOENT) {
		r = network_undo(n, NULL);
		if (r)
			snprintf(err, err_len, "%s", n->warning);
		return r;
	}
	if (r)
		return r;
	r = helper_apply(n->agent->helper, &guards, err, err_len);
	adit_plan_fini(r ? &guards : &n->held);
	if (!r)
		n->held = guards;
	return r;
}

int wgnet_leave_name(struct agent_network *n, enum agent_reason *reason, char *err, size_t err_len)
{
	if (n->holds && network_named_otherwise(n, n->held.name) && !wgnet_moves_name(n))
		snprintf(n->warning, sizeof(n->warning), "it is %s still: another network has the interface name %s",
			 n->held.name, n->settings->ifname);
	*reason = AGENT_HOST;
	return wgnet_moves_name(n) ? hold_guards(n, err, err_len) : 0;
}

static bool held_by_another_name(const struct agent_network *n, const struct wgnet *net)
{
	return n->holds && net->planned && strcmp(n->held.name, net->plan.name);
}

void wgnet_held_is_over(struct wgnet *net)
{
	struct agent_network *n = net->n;

	if (held_by_another_name(n, net)) {
		if (network_undo(n, NULL))
			network_leave(n);
	} else if (n->holds) {
		adit_plan_fini(&n->held);
	}
	n->holds = false;
}

/* --- the end of a plan ---------------------------------------------------------------- */

bool wgnet_unplan(struct agent_network *n, bool keep)
{
	struct wgnet *net = n->impl;
	char err[256];

	if (held_by_another_name(n, net) && !helper_undo(n->agent->helper, net->plan.name, err, sizeof(err))) {
		adit_plan_fini(&net->plan);
		net->planned = false;
	}
	if (!keep) {
		network_undo(n, net->planned ? &net->plan : NULL);
		net->planned = false;
	} else if (!n->holds) {
		n->holds = block(n, net);
	}
	if (net->planned)
		adit_plan_fini(&net->plan);
	net->planned = false;
	return n->holds;
}

/* --- DNS --------------------------------------------------------------------------------- */

/* A question for the root's name servers: whoever answers at all can be reached. */
static int send_probe(struct wgnet *net, const struct adit_addr *server)
{
	struct sockaddr_in a4 = { .sin_family = AF_INET, .sin_port = htons(53) };
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6, .sin6_port = htons(53) };
	uint8_t msg[17] = { 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1 };
	bool v4 = server->family == 4;
	int fd = socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	memcpy(v4 ? (void *)&a4.sin_addr : (void *)&a6.sin6_addr, server->bytes, v4 ? 4 : 16);
	adit_random(&net->dns_probe_id, sizeof(net->dns_probe_id));
	memcpy(msg, &net->dns_probe_id, 2);
	if (connect(fd, v4 ? (void *)&a4 : (void *)&a6, v4 ? sizeof(a4) : sizeof(a6)) < 0 ||
	    send(fd, msg, sizeof(msg), MSG_NOSIGNAL) < 0) {
		int r = -errno;

		close(fd);
		return r;
	}
	return fd;
}

static void end_probe(struct wgnet *net)
{
	if (net->dns_probe.fd >= 0)
		close(net->dns_probe.fd);
	net->dns_probe.fd = -1;
}

static void say_dns(struct wgnet *net, const struct agent_network_settings *s)
{
	char list[120] = "", text[ADIT_ADDR_STRLEN];
	char *to = net->n->dns;
	size_t len = sizeof(net->n->dns), at = 0;

	to[0] = '\0';
	for (size_t i = 0; i < s->dns_cnt && at < sizeof(list) - ADIT_ADDR_STRLEN; i++)
		at += (size_t)snprintf(list + at, sizeof(list) - at, "%s%s", i ? ", " : "",
				       adit_addr_format(&s->dns[i], text));
	if (!s->dns_cnt)
		return;
	if (dns_wanted(net, s))
		snprintf(to, len, "%s", list);
	else
		snprintf(to, len, "%s: not set: no peer has it among its allowed_ips, and it does not answer", list);
}

static void probe_ready(struct adit_watch *w, uint32_t events)
{
	struct wgnet *net = adit_container_of(w, struct wgnet, dns_probe);
	enum agent_reason reason;
	char err[256] = "";
	uint8_t buf[512];
	ssize_t n = recv(w->fd, buf, sizeof(buf), 0);

	(void)events;
	if (n < 12 || memcmp(buf, &net->dns_probe_id, 2) || !(buf[2] & 0x80)) {
		if (n < 0 && errno != EAGAIN)
			end_probe(net); /* ICMP: nobody there */
		return;
	}
	end_probe(net);
	net->dns_reached = true;
	net->dns_probe_at = ADIT_NEVER;
	if (wgnet_plan(net, net->n->settings, &reason, err, sizeof(err)))
		snprintf(net->n->warning, sizeof(net->n->warning), "DNS: %.240s", err);
	say_dns(net, net->n->settings);
}

void wgnet_dns_begin(struct wgnet *net, const struct agent_network_settings *s)
{
	wgnet_dns_end(net);
	net->dns_probes = 0;
	if (s->dns_cnt && !dns_wanted(net, s))
		net->dns_probe_at = 0;
	say_dns(net, s);
}

void wgnet_dns_look(struct wgnet *net, adit_time now)
{
	const struct agent_network_settings *s = net->n->settings;

	if (net->dns_probe.fd >= 0 && now >= net->dns_probe_end)
		end_probe(net);
	if (net->dns_probe_at > now || net->dns_probe.fd >= 0 || !s->dns_cnt)
		return;
	net->dns_probe_at = now + PROBE_AGAIN;
	net->dns_probe_end = now + PROBE_WAIT;
	net->dns_probe.fd = send_probe(net, &s->dns[net->dns_probes++ % s->dns_cnt]);
	net->dns_probe.ready = probe_ready;
	if (net->dns_probe.fd >= 0 && adit_watch_add(net->n->agent->epoll_fd, &net->dns_probe, EPOLLIN))
		end_probe(net);
}

void wgnet_dns_end(struct wgnet *net)
{
	end_probe(net);
	net->dns_probe_at = ADIT_NEVER;
}
