/* SPDX-License-Identifier: ISC */
/*
 * doctor_path.c - the ways to the peers' endpoints: a route, a firewall that lets go,
 * somebody who is there, and how large a packet may be
 *
 * The endpoint itself answers nobody without a key. So one empty datagram is sent
 * there, whose errors tell of firewalls and closed ports, and the size is measured
 * with echo requests to its machine, which may be silent.
 */
#include "agent/doctor_echo.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ENDPOINTS_MAX 16
#define REFUSED_MS    400

struct way {
	struct agent_doctor *d;
	const struct agent_doctor_network *n;
	char name[300]; /* of the endpoint */
	struct sockaddr_storage to;
	socklen_t to_len;
	unsigned overhead; /* of a tunnel's packet on this way */
	int route_mtu;
};

/* --- a route, and what is said to a datagram ----------------------------------------- */

static int way_mtu(int fd, bool six)
{
	socklen_t len = sizeof(int);
	int mtu = 0;

	return getsockopt(fd, six ? IPPROTO_IPV6 : IPPROTO_IP, six ? IPV6_MTU : IP_MTU, &mtu, &len) < 0 ? 0 : mtu;
}

static void say_no(const struct way *w, int err)
{
	if (err == EPERM || err == EACCES)
		agent_doctor_bad(w->d, AGENT_DOCTOR_PROBLEM, "let UDP to it out: nft list ruleset shows what drops it",
				 "%s: this machine's firewall lets nothing out to %s", w->n->name, w->name);
	else if (err == ECONNREFUSED)
		agent_doctor_bad(w->d, AGENT_DOCTOR_PROBLEM, "start the peer, or correct the port",
				 "%s: nobody listens at %s (its machine says so)", w->n->name, w->name);
	else if (err == ENETUNREACH || err == EHOSTUNREACH)
		agent_doctor_bad(w->d, AGENT_DOCTOR_PROBLEM, "ip route get it: is this machine connected?",
				 "%s: there is no way to %s: %s", w->n->name, w->name, strerror(err));
	else
		agent_doctor_bad(w->d, AGENT_DOCTOR_PROBLEM, "", "%s: %s: %s", w->n->name, w->name, strerror(err));
}

/* True: nothing is known against this way. */
static bool try_datagram(struct way *w)
{
	bool six = w->to.ss_family == AF_INET6;
	int fd = socket(w->to.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0), err = 0;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	socklen_t len = sizeof(err);

	if (fd < 0) {
		say_no(w, errno);
		return false;
	}
	if (w->n->fwmark) /* else a full tunnel would take it; without the right it does */
		setsockopt(fd, SOL_SOCKET, SO_MARK, &w->n->fwmark, sizeof(w->n->fwmark));
	if (connect(fd, (struct sockaddr *)&w->to, w->to_len) < 0 || send(fd, "", 0, MSG_NOSIGNAL) < 0)
		err = errno;
	w->route_mtu = way_mtu(fd, six);
	if (!err && poll(&p, 1, REFUSED_MS) > 0)
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
	close(fd);
	if (err)
		say_no(w, err);
	return !err;
}

/* --- how large ------------------------------------------------------------------------ */

static void judge(const struct way *w, const struct agent_echo_path *path)
{
	unsigned mtu = w->n->mtu;
	char fix[100];

	snprintf(fix, sizeof(fix), "mtu = %u", path->mtu - w->overhead);
	if (mtu && mtu + w->overhead > path->mtu)
		agent_doctor_bad(w->d, AGENT_DOCTOR_PROBLEM, fix,
				 "%s: packets to %s may have %u bytes%s, and those of a tunnel of MTU %u have up to %u", w->n->name,
				 w->name, path->mtu, path->black_hole ? " (larger ones vanish without a word)" : "", mtu,
				 mtu + w->overhead);
	else if (path->black_hole)
		agent_doctor_bad(w->d, AGENT_DOCTOR_WARNING, mtu ? "" : fix,
				 "%s: on the way to %s packets of more than %u bytes vanish without a word%s", w->n->name, w->name,
				 path->mtu, mtu ? "; the tunnel's are smaller" : "");
	else
		agent_doctor_ok(w->d, "%s: %s: packets of %u bytes arrive", w->n->name, w->name, path->mtu);
}

/* The kernel's idea of the way may be an old one, from before something was mended: the link's MTU is tried, too. */
static unsigned largest(const struct way *w)
{
	const struct sockaddr_in6 *sin6 = (const struct sockaddr_in6 *)&w->to;
	const struct sockaddr_in *sin = (const struct sockaddr_in *)&w->to;
	struct adit_addr addr = { .family = w->to.ss_family == AF_INET6 ? 6 : 4 };
	struct adit_link link = { 0 };
	unsigned index, mtu;

	if (addr.family == 6)
		memcpy(addr.bytes, &sin6->sin6_addr, 16);
	else
		memcpy(addr.bytes, &sin->sin_addr, 4);
	if (w->d->nl && !adit_route_get(w->d->nl, &addr, w->n->fwmark, &index, &mtu))
		adit_link_at(w->d->nl, index, &link);
	return link.mtu > (unsigned)w->route_mtu ? link.mtu : (unsigned)w->route_mtu;
}

static void measure(struct way *w)
{
	struct agent_echo_path path;
	int r = agent_echo_measure(&path, &w->to, w->to_len, w->n->fwmark, largest(w));

	if (!r)
		judge(w, &path);
	else if (r == -ETIMEDOUT)
		agent_doctor_ok(w->d, "%s: %s: its machine answers no ping, so the way's MTU is not measured; the route says %d",
				w->n->name, w->name, w->route_mtu);
	else if (geteuid() != 0)
		agent_doctor_ok(w->d, "%s: %s: the way's MTU is measured by root only; the route says %d", w->n->name, w->name,
				w->route_mtu);
	else
		agent_doctor_ok(w->d, "%s: %s: the way's MTU could not be measured (%s); the route says %d", w->n->name, w->name,
				strerror(-r), w->route_mtu);
}

static void look_at(struct agent_doctor *d, const struct agent_doctor_network *n, const struct agent_endpoint *e)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICSERV }, *list;
	struct way w = { .d = d, .n = n };
	char port[8];
	int r;

	snprintf(w.name, sizeof(w.name), strchr(e->host, ':') ? "[%.250s]:%u" : "%.250s:%u", e->host, e->port);
	snprintf(port, sizeof(port), "%u", e->port);
	r = getaddrinfo(e->host, port, &hints, &list);
	if (r) {
		agent_doctor_bad(d, AGENT_DOCTOR_PROBLEM, "correct the name, or see what is said of DNS", "%s: the name of %s has no address: %s",
				 n->name, w.name, gai_strerror(r));
		return;
	}
	memcpy(&w.to, list->ai_addr, list->ai_addrlen);
	w.to_len = list->ai_addrlen;
	w.overhead = w.to.ss_family == AF_INET6 ? 80 : 60;
	freeaddrinfo(list);
	if (try_datagram(&w))
		measure(&w);
}

void agent_doctor_endpoints(struct agent_doctor *d)
{
	size_t i, k, n = 0;

	for (i = 0; i < d->network_cnt; i++) {
		for (k = 0; k < d->network[i].endpoint_cnt; k++, n++)
			if (n < ENDPOINTS_MAX)
				look_at(d, &d->network[i], &d->network[i].endpoint[k]);
	}
	if (n > ENDPOINTS_MAX)
		agent_doctor_ok(d, "only the first %d of %zu endpoints were tried; name a network to see its own", ENDPOINTS_MAX, n);
	else if (!n)
		agent_doctor_ok(d, "no endpoint is known: name a configuration with -c, or start a network");
}
