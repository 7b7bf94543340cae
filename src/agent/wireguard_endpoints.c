/* SPDX-License-Identifier: ISC */
/*
 * wireguard_endpoints.c - where a network's peers are
 *
 * DOC: when a name is looked up
 *
 * Until it has an address, with back-off. Then when its time to live is over, and
 * soon when the peer does not answer. Addresses of all endpoints of a peer, both
 * families, go to the core together: initiations go to all, the first authentic
 * answer wins. A peer that answers is left where it is, for it may have moved to
 * where its name does not know it; one that does not is sent back to where it should
 * be. What was found last stays good when a later look-up fails.
 */
#include "agent/wireguard.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TTL_LEAST   (30 * ADIT_SEC)
#define RETRY_FIRST (2 * ADIT_SEC)
#define RETRY_MOST  (30 * ADIT_SEC)
#define DOUBT_APART (5 * ADIT_SEC)
#define ASK_AT_ONCE 64 /* names under way in one network */
#define ASK_TURN    (100 * ADIT_MSEC) /* the others look again for a place */

int wgnet_endpoints_init(struct wgnet_peer *p)
{
	size_t cnt = p->cfg->endpoint_cnt;

	p->endpoint = calloc(cnt ? cnt : 1, sizeof(*p->endpoint));
	if (!p->endpoint)
		return -ENOMEM;
	p->endpoint_cnt = cnt;
	for (size_t i = 0; i < cnt; i++) {
		struct wgnet_endpoint *e = &p->endpoint[i];

		e->peer = p;
		e->cfg = &p->cfg->endpoints[i];
		e->numeric = !adit_addr_parse(&e->addr[0], e->cfg->host);
		e->addr_cnt = e->numeric;
		e->ask_at = e->numeric ? ADIT_NEVER : 0;
	}
	return 0;
}

void wgnet_endpoints_fini(struct wgnet_peer *p)
{
	for (size_t i = 0; p->endpoint && i < p->endpoint_cnt; i++)
		if (p->endpoint[i].asking)
			agent_resolve_cancel(p->net->resolver, &p->endpoint[i]);
	free(p->endpoint);
	p->endpoint = NULL;
	p->endpoint_cnt = 0;
}

bool wgnet_has_name(const struct wgnet_peer *p)
{
	for (size_t i = 0; i < p->endpoint_cnt; i++)
		if (!p->endpoint[i].numeric)
			return true;
	return false;
}

int wgnet_resolve_error(const struct wgnet_peer *p)
{
	int error = -EINPROGRESS;

	for (size_t i = 0; i < p->endpoint_cnt; i++) {
		if (p->endpoint[i].addr_cnt)
			return 0;
		if (p->endpoint[i].error)
			error = p->endpoint[i].error;
	}
	return p->endpoint_cnt ? error : 0;
}

/* --- places ------------------------------------------------------------------------------ */

static struct adit_path path_of(const struct wgnet_endpoint *e, unsigned i)
{
	const struct adit_addr *a = &e->addr[i];
	struct adit_path path = { .kind = a->family == 4 ? ADIT_PATH_UDP4 : ADIT_PATH_UDP6, .port = e->cfg->port };

	memcpy(path.addr, a->bytes, sizeof(path.addr));
	return path;
}

bool wgnet_knows_path(const struct wgnet_peer *p, const struct adit_path *path)
{
	for (size_t i = 0; i < p->endpoint_cnt; i++) {
		for (unsigned k = 0; k < p->endpoint[i].addr_cnt; k++) {
			struct adit_path known = path_of(&p->endpoint[i], k);

			if (adit_path_same_remote(&known, path))
				return true;
		}
	}
	return false;
}

/* The first address of each endpoint, then the second of each: so that none is crowded out. */
void wgnet_place(struct wgnet_peer *p, struct adit_wg *wg, struct adit_wg_peer *peer, adit_time now)
{
	const struct adit_addr *bind = &p->net->n->settings->bind_address;
	unsigned cnt = 0;

	for (unsigned k = 0; k < AGENT_ANSWER_MAX; k++) {
		for (size_t i = 0; i < p->endpoint_cnt && cnt < ADIT_WG_ENDPOINTS_MAX; i++) {
			const struct wgnet_endpoint *e = &p->endpoint[i];
			struct adit_path path;

			if (k >= e->addr_cnt || (bind->family && bind->family != e->addr[k].family))
				continue;
			path = path_of(e, k);
			if (!cnt++)
				adit_wg_peer_set_endpoint(wg, peer, &path);
			else
				adit_wg_peer_add_endpoint(wg, peer, &path);
		}
	}
	if (!cnt)
		return;
	p->placed = true;
	adit_wg_peer_handshake(wg, peer, now);
}

int wgnet_paths(const struct wgnet *net, struct adit_path **ret, size_t *cnt)
{
	size_t most = 1, n = 0;
	struct adit_path *list;

	for (size_t i = 0; i < net->peer_cnt; i++)
		most += 1 + net->peer[i].endpoint_cnt * AGENT_ANSWER_MAX;
	list = calloc(most, sizeof(*list));
	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < net->peer_cnt; i++) {
		const struct wgnet_peer *p = &net->peer[i];

		if (p->leaving)
			continue;
		for (size_t k = 0; k < p->endpoint_cnt; k++)
			for (unsigned a = 0; a < p->endpoint[k].addr_cnt; a++)
				list[n++] = path_of(&p->endpoint[k], a);
		if (p->path.kind != ADIT_PATH_NONE && !wgnet_knows_path(p, &p->path))
			list[n++] = p->path;
	}
	*ret = list;
	*cnt = n;
	return 0;
}

/* --- names --------------------------------------------------------------------------------- */

static adit_time back_off(unsigned failures)
{
	adit_time wait = RETRY_FIRST;

	for (unsigned i = 1; i < failures && wait < RETRY_MOST; i++)
		wait *= 2;
	return wait < RETRY_MOST ? wait : RETRY_MOST;
}

static bool same_addresses(const struct wgnet_endpoint *e, const struct agent_answer *a)
{
	for (unsigned i = 0; i < a->cnt; i++) {
		bool found = false;

		for (unsigned k = 0; k < e->addr_cnt; k++)
			found |= adit_addr_equal(&e->addr[k], &a->addr[i]);
		if (!found)
			return false;
	}
	return e->addr_cnt == a->cnt;
}

/* One that does not answer, or was never anywhere, goes where its name leads. */
static void use(struct wgnet_endpoint *e)
{
	struct wgnet_peer *p = e->peer;
	struct adit_tunnel *t = p->net->tunnel;
	adit_time now = adit_tunnel_now();
	struct adit_wg_peer *peer;
	struct adit_wg *wg;

	adit_tunnel_lock(t);
	wg = adit_tunnel_core(t);
	peer = adit_wg_peer_find(wg, p->cfg->public_key);
	if (peer && (!p->placed || (p->judge.health != JUDGE_WELL || p->judge.waits_since)))
		wgnet_place(p, wg, peer, now);
	adit_tunnel_unlock(t);
	p->net->n->look_at = now;
}

static void tell(const struct wgnet_endpoint *e, const struct agent_answer *a)
{
	const struct agent_network *n = e->peer->net->n;
	struct agent_event ev = { .kind = "peer" };
	char text[ADIT_ADDR_STRLEN];

	snprintf(ev.network, sizeof(ev.network), "%s", n->settings->name);
	adit_key_to_base64(ev.peer, e->peer->cfg->public_key);
	if (a->error)
		snprintf(ev.text, sizeof(ev.text), "%.150s: %s%s", e->cfg->host, a->error == -ENOENT ?
			 "there is no such name, or it has no address" : a->error == -ETIMEDOUT ?
			 "the DNS server does not answer" : "no DNS server can be reached",
			 e->addr_cnt ? "; its last addresses stay in use" : "");
	else
		snprintf(ev.text, sizeof(ev.text), "%.150s is %s%s", e->cfg->host, adit_addr_format(&a->addr[0], text),
			 a->cnt > 1 ? " and others" : "");
	agent_event_add(&n->agent->events, &ev);
}

static void answered(void *arg, const struct agent_answer *a)
{
	struct wgnet_endpoint *e = arg;
	adit_time now = adit_tunnel_now(), ttl = (adit_time)a->ttl * ADIT_SEC;
	int before = e->error;

	e->asking = false;
	e->error = a->error;
	if (a->error) {
		e->failures++;
		e->ask_at = now + back_off(e->failures);
		if (before != a->error)
			tell(e, a);
		e->peer->net->n->look_at = now;
		return;
	}
	e->failures = 0;
	e->ask_at = now + (ttl > TTL_LEAST ? ttl : TTL_LEAST);
	if (!same_addresses(e, a)) {
		tell(e, a);
		memcpy(e->addr, a->addr, sizeof(e->addr));
		e->addr_cnt = a->cnt;
		e->peer->net->endpoints_moved = true;
		use(e);
	} else if (!e->peer->placed) {
		use(e);
	}
}

static unsigned asking(const struct wgnet *net)
{
	unsigned cnt = 0;

	for (size_t i = 0; i < net->peer_cnt; i++)
		for (size_t k = 0; k < net->peer[i].endpoint_cnt; k++)
			cnt += net->peer[i].endpoint[k].asking;
	return cnt;
}

static void ask(struct wgnet *net, struct wgnet_endpoint *e, adit_time now)
{
	e->asking = true;
	if (agent_resolve(net->resolver, e->cfg->host, answered, e)) {
		e->asking = false;
		e->ask_at = now + RETRY_FIRST;
	}
}

static bool any_name(const struct wgnet *net)
{
	for (size_t i = 0; i < net->peer_cnt; i++)
		if (wgnet_has_name(&net->peer[i]))
			return true;
	return false;
}

/* There is one while there are names; a new mark takes new sockets. */
bool wgnet_need_resolver(struct wgnet *net)
{
	uint32_t mark = net->tunnel ? adit_tunnel_fwmark(net->tunnel) : 0;

	if (!any_name(net))
		return false;
	if (net->resolver && mark != net->resolver_mark && !asking(net)) {
		agent_resolver_free(net->resolver);
		net->resolver = NULL;
	}
	if (!net->resolver && agent_resolver_new(&net->resolver, net->n->agent, mark))
		return false;
	net->resolver_mark = mark;
	return true;
}

adit_time wgnet_resolve(struct wgnet *net, adit_time now)
{
	adit_time next = ADIT_NEVER, due, at;
	unsigned under_way;

	if (!wgnet_need_resolver(net))
		return any_name(net) ? now + RETRY_FIRST : ADIT_NEVER;
	agent_resolver_tick(net->resolver);
	under_way = asking(net);
	for (size_t i = 0; i < net->peer_cnt; i++) {
		for (size_t k = 0; k < net->peer[i].endpoint_cnt; k++) {
			struct wgnet_endpoint *e = &net->peer[i].endpoint[k];

			if (e->asking)
				continue;
			if (e->ask_at <= now && under_way < ASK_AT_ONCE) {
				ask(net, e, now);
				under_way += e->asking;
			}
			at = e->ask_at > now ? e->ask_at : now + ASK_TURN;
			if (!e->asking && at < next)
				next = at;
		}
	}
	due = agent_resolver_due(net->resolver, now);
	return due < next ? due : next;
}

void wgnet_doubt(struct wgnet_peer *p, adit_time now)
{
	for (size_t i = 0; i < p->endpoint_cnt; i++) {
		struct wgnet_endpoint *e = &p->endpoint[i];

		if (!e->numeric && !e->asking && !e->failures && e->ask_at > now + DOUBT_APART)
			e->ask_at = now + DOUBT_APART;
	}
}
