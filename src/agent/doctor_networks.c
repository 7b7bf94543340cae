/* SPDX-License-Identifier: ISC */
/* doctor_networks.c - the networks that `adit doctor` looks at: configured ones, and devices that run */
#include "agent/doctor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "device/uapi_client.h"

static struct agent_doctor_network *find(const struct agent_doctor *d, const char *ifname)
{
	size_t i;

	for (i = 0; i < d->network_cnt; i++)
		if (d->network[i].ifname[0] && !strcmp(d->network[i].ifname, ifname))
			return &d->network[i];
	return NULL;
}

static struct agent_doctor_network *add(struct agent_doctor *d, const char *name, const char *ifname)
{
	struct agent_doctor_network *n = realloc(d->network, (d->network_cnt + 1) * sizeof(*n));
	struct adit_link link;

	if (!n)
		return NULL;
	d->network = n;
	n += d->network_cnt++;
	memset(n, 0, sizeof(*n));
	snprintf(n->name, sizeof(n->name), "%s", name);
	snprintf(n->ifname, sizeof(n->ifname), "%s", ifname);
	if (*ifname && d->nl && !adit_link_find(d->nl, ifname, &link)) {
		n->running = true;
		n->mtu = link.mtu;
	}
	return n;
}

static int add_endpoint(struct agent_doctor_network *n, const char *host, uint16_t port)
{
	struct agent_endpoint *e = realloc(n->endpoint, (n->endpoint_cnt + 1) * sizeof(*e));

	if (!e)
		return -ENOMEM;
	n->endpoint = e;
	e += n->endpoint_cnt;
	e->host = strdup(host);
	e->port = port;
	if (!e->host)
		return -ENOMEM;
	n->endpoint_cnt++;
	return 0;
}

static int add_allowed(struct agent_doctor_network *n, const struct adit_prefix *prefix)
{
	struct adit_prefix *p = realloc(n->allowed, (n->allowed_cnt + 1) * sizeof(*p));

	if (!p)
		return -ENOMEM;
	n->allowed = p;
	p[n->allowed_cnt++] = *prefix;
	n->full |= !prefix->len;
	return 0;
}

bool agent_doctor_allows(const struct agent_doctor_network *n, const struct adit_addr *addr)
{
	struct adit_prefix a, b;
	size_t i;

	for (i = 0; i < n->allowed_cnt; i++) {
		a = b = n->allowed[i];
		a.addr = *addr;
		adit_prefix_mask(&a);
		adit_prefix_mask(&b);
		if (addr->family == n->allowed[i].addr.family && adit_addr_equal(&a.addr, &b.addr))
			return true;
	}
	return false;
}

/* --- of the configuration --------------------------------------------------------- */

static int copy_peer(struct agent_doctor_network *n, const struct agent_peer *peer)
{
	size_t i;
	int r = 0;

	n->listens |= !peer->endpoint_cnt;
	for (i = 0; i < peer->endpoint_cnt && !r; i++)
		r = add_endpoint(n, peer->endpoints[i].host, peer->endpoints[i].port);
	for (i = 0; i < peer->allowed_cnt && !r; i++)
		r = add_allowed(n, &peer->allowed[i]);
	return r;
}

static int copy_network(struct agent_doctor *d, const struct agent_network_settings *s)
{
	struct agent_doctor_network *n = add(d, s->name, s->ifname);
	size_t i;
	int r = n ? 0 : -ENOMEM;

	if (r)
		return r;
	n->gateway = s->forward;
	n->fwmark = s->fwmark;
	if (s->mtu)
		n->mtu = s->mtu;
	for (i = 0; i < s->peer_cnt && !r; i++)
		r = copy_peer(n, &s->peers[i]);
	if (!r && s->dns_cnt) {
		n->dns = malloc(s->dns_cnt * sizeof(*n->dns));
		if (!n->dns)
			return -ENOMEM;
		memcpy(n->dns, s->dns, s->dns_cnt * sizeof(*n->dns));
		n->dns_cnt = s->dns_cnt;
	}
	return r;
}

int agent_doctor_add_config(struct agent_doctor *d, const struct agent_config *config, const char *name)
{
	const struct agent_network_settings *s;
	int r = 0;

	for (s = config->networks; s && !r; s = s->next)
		if (!name || !strcmp(name, s->name))
			r = copy_network(d, s);
	return r;
}

/* --- that run ------------------------------------------------------------------------ */

struct running {
	struct agent_doctor *d;
	const char *only;
	struct agent_doctor_network *n;
	bool configured; /* endpoints and allowed IPs are known already */
	bool has_endpoint;
	unsigned peers, endpoints;
};

static int read_line(void *user, const char *key, char *value)
{
	struct running *run = user;
	struct adit_prefix prefix;
	char *colon;

	if (!strcmp(key, "fwmark"))
		run->n->fwmark = (uint32_t)strtoul(value, NULL, 10);
	run->peers += !strcmp(key, "public_key");
	if (!strcmp(key, "endpoint")) {
		run->endpoints++;
		colon = strrchr(value, ':');
		if (run->configured || !colon)
			return 0;
		*colon = '\0';
		if (*value == '[' && colon[-1] == ']') {
			colon[-1] = '\0';
			value++;
		}
		return add_endpoint(run->n, value, (uint16_t)atoi(colon + 1));
	}
	if (!strcmp(key, "allowed_ip") && !run->configured && !adit_prefix_parse(&prefix, value))
		return add_allowed(run->n, &prefix);
	return 0;
}

static int add_device(void *user, const char *ifname)
{
	struct running *run = user;
	struct adit_link link;
	int r;

	/* Sockets are of all namespaces, links of ours. */
	if ((run->only && strcmp(run->only, ifname)) || !run->d->nl || adit_link_find(run->d->nl, ifname, &link))
		return 0;
	run->n = find(run->d, ifname);
	run->configured = run->n != NULL;
	run->peers = run->endpoints = 0;
	if (!run->n)
		run->n = add(run->d, ifname, ifname);
	if (!run->n)
		return -ENOMEM;
	r = adit_uapi_get(ifname, read_line, run);
	run->n->listens |= run->peers > run->endpoints;
	return r == -ENOMEM ? r : 0; /* one that does not answer is no reason to stop */
}

int agent_doctor_add_running(struct agent_doctor *d, const char *name)
{
	struct running run = { .d = d, .only = name };
	size_t i;
	int r;

	/* A network that is named: its interface may have another name. */
	for (i = 0; name && i < d->network_cnt; i++)
		if (d->network[i].ifname[0])
			run.only = d->network[i].ifname;
	r = adit_uapi_each(add_device, &run);
	return r == -ENOMEM ? r : 0;
}

void agent_doctor_fini(struct agent_doctor *d)
{
	size_t i, k;

	for (i = 0; i < d->network_cnt; i++) {
		for (k = 0; k < d->network[i].endpoint_cnt; k++)
			free(d->network[i].endpoint[k].host);
		free(d->network[i].endpoint);
		free(d->network[i].dns);
		free(d->network[i].allowed);
	}
	free(d->network);
	free(d->finding);
	adit_netlink_close(d->nl);
	memset(d, 0, sizeof(*d));
}
