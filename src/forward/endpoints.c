/* SPDX-License-Identifier: ISC */
/* endpoints.c - the names of peers' endpoints, looked up outside */
#include "forward/endpoints.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forward/log.h"
#include "forward/network.h"
#include "wg/wg.h"

#define LOOK       (5 * ADIT_SEC) /* between two looks at a peer that answers */
#define LOOK_SOON  (2 * ADIT_SEC) /* ... while we wait for it to answer */
#define SILENCE    (6 * ADIT_SEC)
#define UNANSWERED 3 /* packets */

struct forward_endpoint {
	struct forward_endpoint *next;
	struct forward_endpoints *owner;
	uint8_t key[ADIT_KEY_LEN];
	char host[256], name[272];
	uint16_t port;
	bool known;        /* the peer was given an address */
	adit_time look_at; /* the next look at it */
	uint64_t tx_at_rx; /* packets sent when the peer was last heard */
	adit_time heard_at;
	char problem[160];

	struct relay_query *query; /* the data thread's */
	/* under the mutex */
	bool asking, answered;
	struct relay_answer answer;
};

/* --- asking ------------------------------------------------------------------ */

/* On the data thread, or on ours while that stands still. */
static void done(void *arg, const struct relay_answer *a)
{
	struct forward_endpoint *ep = arg;

	pthread_mutex_lock(&ep->owner->mutex);
	ep->answer = *a;
	ep->asking = false;
	ep->answered = true;
	ep->query = NULL;
	pthread_mutex_unlock(&ep->owner->mutex);
	network_notify(ep->owner->network);
}

static void ask(struct forward_endpoint *ep)
{
	struct forward_endpoints *e = ep->owner;
	struct relay_query *query = NULL;
	adit_time now = network_pause(e->network);
	int r;

	pthread_mutex_lock(&e->mutex);
	ep->asking = true;
	pthread_mutex_unlock(&e->mutex);
	r = relay_resolve(e->resolver, &query, ep->host, RELAY_FAMILY_AUTO, done, ep, now);
	pthread_mutex_lock(&e->mutex);
	if (ep->asking)
		ep->query = query;
	if (r)
		ep->asking = false;
	pthread_mutex_unlock(&e->mutex);
	network_resume(e->network);
	if (r)
		snprintf(ep->problem, sizeof(ep->problem), "cannot look up %.100s: %s", ep->host, strerror(-r));
}

/* --- answers ------------------------------------------------------------------- */

static bool path_of(const struct forward_endpoint *ep, const struct adit_addr *a, struct adit_path *ret)
{
	const struct adit_addr *bind = &ep->owner->bind;

	if (bind->family && bind->family != a->family)
		return false;
	*ret = (struct adit_path){ .kind = a->family == 4 ? ADIT_PATH_UDP4 : ADIT_PATH_UDP6, .port = ep->port };
	memcpy(ret->addr, a->bytes, sizeof(ret->addr));
	return true;
}

static unsigned paths_of(const struct forward_endpoint *ep, const struct relay_answer *a,
			 struct adit_path paths[ADIT_WG_ENDPOINTS_MAX])
{
	unsigned cnt = 0;

	for (unsigned i = 0; i < a->cnt && cnt < ADIT_WG_ENDPOINTS_MAX; i++)
		cnt += path_of(ep, &a->addr[i], &paths[cnt]);
	return cnt;
}

static bool is_among(const struct adit_path *path, const struct adit_path *paths, unsigned cnt)
{
	for (unsigned i = 0; i < cnt; i++)
		if (adit_path_same_remote(path, &paths[i]))
			return true;
	return false;
}

/* Initiations go to all of them; the first authenticated answer wins. */
static void move(struct forward_endpoint *ep, struct adit_wg *wg, struct adit_wg_peer *peer,
		 const struct adit_path *paths, unsigned cnt)
{
	adit_wg_peer_set_endpoint(wg, peer, &paths[0]);
	for (unsigned i = 1; i < cnt; i++)
		adit_wg_peer_add_endpoint(wg, peer, &paths[i]);
	adit_wg_peer_handshake(wg, peer, adit_tunnel_now());
	ep->tx_at_rx = UINT64_MAX; /* count anew */
}

static void apply(struct forward_endpoint *ep, const struct adit_path *paths, unsigned cnt)
{
	struct adit_tunnel *t = ep->owner->network->tunnel;
	char text[ADIT_PATH_STRLEN];
	struct adit_wg_peer_info info;
	struct adit_wg_peer *peer;
	struct adit_wg *wg;
	bool moved = false;

	adit_tunnel_lock(t);
	wg = adit_tunnel_core(t);
	peer = adit_wg_peer_find(wg, ep->key);
	if (peer) {
		adit_wg_peer_info(wg, peer, &info);
		moved = !is_among(&info.endpoint, paths, cnt);
		if (moved)
			move(ep, wg, peer, paths, cnt);
		adit_wipe(&info, sizeof(info));
	}
	adit_tunnel_unlock(t);
	if (moved)
		adit_forward_log(ADIT_FORWARD_LOG_INFO, "endpoint %s %s %s", ep->name, ep->known ? "moved to" : "is",
				 adit_path_format(&paths[0], text));
	ep->known = true;
	ep->problem[0] = '\0';
}

static const char *trouble(int error)
{
	switch (error) {
	case -ENOENT:
		return "there is no such name, or it has no address";
	case -ETIMEDOUT:
		return "the DNS server does not answer";
	case -EHOSTUNREACH:
		return "no DNS server can be reached";
	default:
		return strerror(-error);
	}
}

static void use_answer(struct forward_endpoint *ep, const struct relay_answer *a)
{
	struct adit_path paths[ADIT_WG_ENDPOINTS_MAX];
	unsigned cnt = a->error ? 0 : paths_of(ep, a, paths);
	char before[sizeof(ep->problem)];

	if (cnt) {
		apply(ep, paths, cnt);
		return;
	}
	memcpy(before, ep->problem, sizeof(before));
	snprintf(ep->problem, sizeof(ep->problem), "%.100s: %s", ep->host,
		 a->error ? trouble(a->error) : "it has no address of the family we are bound to");
	adit_forward_log(strcmp(before, ep->problem) ? ADIT_FORWARD_LOG_WARNING : ADIT_FORWARD_LOG_DEBUG,
			 "endpoint %s; trying again", ep->problem);
}

/* --- looking ------------------------------------------------------------------- */

/* Is the peer silent although we spoke to it? *soon: it has not answered yet. */
static bool is_silent(struct forward_endpoint *ep, adit_time now, bool *soon)
{
	struct adit_tunnel *t = ep->owner->network->tunnel;
	struct adit_wg_peer_info info = { 0 };
	struct adit_wg_peer *peer;
	struct adit_wg *wg;
	bool silent;

	adit_tunnel_lock(t);
	wg = adit_tunnel_core(t);
	peer = adit_wg_peer_find(wg, ep->key);
	if (peer)
		adit_wg_peer_info(wg, peer, &info);
	adit_tunnel_unlock(t);
	if (info.last_rx_at != ep->heard_at || ep->tx_at_rx > info.tx_packets) {
		ep->heard_at = info.last_rx_at;
		ep->tx_at_rx = info.tx_packets;
	}
	*soon = info.handshake_attempts || info.tx_packets > ep->tx_at_rx;
	silent = info.handshake_attempts >= 2 ||
		 (info.tx_packets - ep->tx_at_rx >= UNANSWERED && now - info.last_rx_at > SILENCE);
	adit_wipe(&info, sizeof(info));
	return silent;
}

static void look(struct forward_endpoint *ep, adit_time now)
{
	bool soon = true;

	if (!ep->known || is_silent(ep, now, &soon))
		ask(ep);
	ep->look_at = now + (soon ? LOOK_SOON : LOOK);
}

void endpoints_work(struct forward_endpoints *e, adit_time now)
{
	for (struct forward_endpoint *ep = e->first; ep; ep = ep->next) {
		struct relay_answer answer;
		bool answered, asking;

		if (ep->look_at <= now) {
			pthread_mutex_lock(&e->mutex);
			asking = ep->asking;
			pthread_mutex_unlock(&e->mutex);
			if (asking)
				ep->look_at = now + LOOK_SOON;
			else
				look(ep, now);
		}
		pthread_mutex_lock(&e->mutex);
		answered = ep->answered;
		ep->answered = false;
		answer = ep->answer;
		pthread_mutex_unlock(&e->mutex);
		if (answered)
			use_answer(ep, &answer);
	}
}

adit_time endpoints_due(const struct forward_endpoints *e)
{
	adit_time due = ADIT_NEVER;

	for (const struct forward_endpoint *ep = e->first; ep; ep = ep->next)
		if (ep->look_at < due)
			due = ep->look_at;
	return due;
}

static const struct forward_endpoint *find(const struct forward_endpoints *e, const uint8_t *key)
{
	const struct forward_endpoint *ep = e->first;

	while (ep && memcmp(ep->key, key, ADIT_KEY_LEN) != 0)
		ep = ep->next;
	return ep;
}

const char *endpoints_problem(const struct forward_endpoints *e, const uint8_t public_key[ADIT_FORWARD_KEY_LEN])
{
	const struct forward_endpoint *ep = find(e, public_key);

	return ep ? ep->problem : "";
}

const char *endpoints_name(const struct forward_endpoints *e, const uint8_t public_key[ADIT_FORWARD_KEY_LEN])
{
	const struct forward_endpoint *ep = find(e, public_key);

	return ep ? ep->name : NULL;
}

/* --- which peers ------------------------------------------------------------------ */

static bool is_name(const struct adit_forward_peer *p)
{
	struct adit_addr a;

	return p->endpoint_host[0] && adit_addr_parse(&a, p->endpoint_host);
}

/* The data thread stands still. */
static void endpoint_free(struct forward_endpoint *ep)
{
	if (ep->query)
		relay_query_cancel(ep->query);
	free(ep);
}

static bool is_wanted(const struct forward_endpoint *ep, const struct adit_forward_config *cfg)
{
	for (size_t i = 0; i < cfg->peer_cnt; i++) {
		const struct adit_forward_peer *p = &cfg->peer[i];

		if (!memcmp(p->public_key, ep->key, ADIT_KEY_LEN))
			return is_name(p) && p->endpoint_port == ep->port && !strcmp(p->endpoint_host, ep->host);
	}
	return false;
}

static void remove_unwanted(struct forward_endpoints *e, const struct adit_forward_config *cfg)
{
	struct forward_endpoint **at = &e->first;

	network_pause(e->network);
	while (*at) {
		struct forward_endpoint *ep = *at;

		if (is_wanted(ep, cfg)) {
			at = &ep->next;
			continue;
		}
		*at = ep->next;
		endpoint_free(ep);
	}
	network_resume(e->network);
}

int endpoints_set(struct forward_endpoints *e, const struct adit_forward_config *cfg)
{
	e->bind = cfg->bind_addr;
	remove_unwanted(e, cfg);
	for (size_t i = 0; i < cfg->peer_cnt; i++) {
		const struct adit_forward_peer *p = &cfg->peer[i];
		struct forward_endpoint *ep;

		if (!is_name(p) || find(e, p->public_key))
			continue;
		ep = calloc(1, sizeof(*ep));
		if (!ep)
			return -ENOMEM;
		ep->owner = e;
		memcpy(ep->key, p->public_key, ADIT_KEY_LEN);
		memcpy(ep->host, p->endpoint_host, sizeof(ep->host));
		ep->port = p->endpoint_port;
		snprintf(ep->name, sizeof(ep->name), "%s:%u", ep->host, ep->port);
		ep->next = e->first;
		e->first = ep;
	}
	return 0;
}

int endpoints_init(struct forward_endpoints *e, struct adit_forward_network *n)
{
	memset(e, 0, sizeof(*e));
	e->network = n;
	e->resolver = adit_relay_resolver_outside(n->relay);
	return -pthread_mutex_init(&e->mutex, NULL);
}

void endpoints_fini(struct forward_endpoints *e)
{
	if (!e->network)
		return;
	while (e->first) {
		struct forward_endpoint *ep = e->first;

		e->first = ep->next;
		endpoint_free(ep);
	}
	pthread_mutex_destroy(&e->mutex);
	e->network = NULL;
}
