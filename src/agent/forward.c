/* SPDX-License-Identifier: ISC */
/*
 * forward.c - a network of type forward: our own TCP/IP inside a tunnel and a relay
 * (forward/network.h). It changes nothing on the machine.
 */
#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/judge.h"
#include "agent/moves.h"
#include "agent/snapshot.h"
#include "forward/log.h"
#include "forward/network.h"
#include "forward/snapshot.h"

#define LOOK_FRESH (250 * ADIT_MSEC)
#define SILENT     (20 * ADIT_SEC) /* since its last initiation: it was given up */
#define CALL_AGAIN (30 * ADIT_SEC) /* a peer that was given up */

struct seen {
	uint8_t key[ADIT_KEY_LEN];
	struct judge judge;
	adit_time called_at;
	char why[160];
};

struct forward {
	struct agent_network *n;
	struct adit_forward_network *net;
	struct adit_watch notified;
	struct seen *peer; /* as in the settings */
	size_t peer_cnt;
};

/* --- open and close ------------------------------------------------------------------------ */

static void was_notified(struct adit_watch *w, uint32_t events)
{
	struct forward *f = adit_container_of(w, struct forward, notified);
	uint64_t n;

	(void)events;
	(void)!read(w->fd, &n, sizeof(n));
	if (atomic_exchange(&f->net->gives_back, false))
		malloc_trim(0);
	endpoints_work(&f->net->endpoints, adit_tunnel_now());
	f->n->look_at = 0;
}

/* Peers are watched anew; who stays keeps what is known. */
static int list_peers(struct forward *f, const struct adit_forward_config *cfg)
{
	struct seen *list = calloc(cfg->peer_cnt ? cfg->peer_cnt : 1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < cfg->peer_cnt; i++) {
		memcpy(list[i].key, cfg->peer[i].public_key, ADIT_KEY_LEN);
		for (size_t k = 0; k < f->peer_cnt; k++)
			if (!memcmp(f->peer[k].key, list[i].key, ADIT_KEY_LEN))
				list[i] = f->peer[k];
	}
	free(f->peer);
	f->peer = list;
	f->peer_cnt = cfg->peer_cnt;
	return 0;
}

static enum agent_reason reason_of(int r)
{
	switch (r) {
	case -EADDRINUSE:
		return AGENT_PORT_TAKEN;
	case -EADDRNOTAVAIL:
		return AGENT_NO_ROUTE;
	case -EPERM:
	case -EACCES:
		return AGENT_DENIED;
	case -ENOMEM:
		return AGENT_NO_MEMORY;
	}
	return AGENT_INTERNAL;
}

/* What was logged first of it says more. */
static void describe(int r, char *err, size_t err_len)
{
	if (!err[0])
		snprintf(err, err_len, "it cannot be opened: %s", strerror(-r));
}

static void stop(struct forward *f)
{
	if (f->net) {
		if (f->net->started)
			network_stop(f->net);
		network_free(f->net);
	}
	free(f->peer);
	free(f);
}

/* --- keys in files ---------------------------------------------------------------------------- */

/* Into the settings, for as long as they are made use of. */
static int fill_keys(struct agent_network *n, const struct agent_network_settings *s, char *err, size_t err_len)
{
	struct adit_forward_config *cfg = s->fwd;
	int r = 0;

	if (s->private_key_path)
		r = helper_key(n->agent->helper, s->private_key_path, cfg->private_key, err, err_len);
	if (!r && s->private_key_path)
		cfg->has_private_key = true;
	for (size_t i = 0; !r && i < s->peer_cnt && i < cfg->peer_cnt; i++) {
		if (!s->peers[i].psk_path)
			continue;
		r = helper_key(n->agent->helper, s->peers[i].psk_path, cfg->peer[i].psk, err, err_len);
		cfg->peer[i].has_psk = !r;
	}
	return r;
}

static void wipe_keys(const struct agent_network_settings *s)
{
	struct adit_forward_config *cfg = s->fwd;

	if (s->private_key_path)
		adit_wipe(cfg->private_key, sizeof(cfg->private_key));
	for (size_t i = 0; i < s->peer_cnt && i < cfg->peer_cnt; i++)
		if (s->peers[i].psk_path)
			adit_wipe(cfg->peer[i].psk, sizeof(cfg->peer[i].psk));
}

static int make_network(struct forward *f, enum agent_reason *reason, char *err, size_t err_len)
{
	struct agent_network *n = f->n;
	int r = fill_keys(n, n->settings, err, err_len);

	*reason = AGENT_KEY_FILE;
	if (!r) {
		adit_forward_log_keep(err, err_len);
		r = network_new_with(&f->net, n->settings->fwd, helper_rights(n->agent->helper));
		adit_forward_log_keep(NULL, 0);
		*reason = reason_of(r);
		if (r)
			describe(r, err, err_len);
	}
	wipe_keys(n->settings);
	return r;
}

static int open_forward(struct agent_network *n, enum agent_reason *reason, char *err, size_t err_len)
{
	struct forward *f = calloc(1, sizeof(*f));
	int r = f ? 0 : -ENOMEM;

	if (!r) {
		f->n = n;
		r = list_peers(f, n->settings->fwd);
	}
	if (!r) {
		r = make_network(f, reason, err, err_len);
		if (r) {
			stop(f);
			return r;
		}
		adit_forward_log_keep(err, err_len);
		r = network_start(f->net);
		adit_forward_log_keep(NULL, 0);
	}
	if (!r) {
		f->notified = (struct adit_watch){ f->net->notify_fd, was_notified };
		r = adit_watch_add(n->agent->epoll_fd, &f->notified, EPOLLIN);
	}
	if (r) {
		*reason = reason_of(r);
		describe(r, err, err_len);
		if (f)
			stop(f);
		return r;
	}
	n->impl = f;
	network_enter(n, AGENT_HANDSHAKING, AGENT_OK, NULL);
	return 0;
}

static void close_forward(struct agent_network *n)
{
	struct forward *f = n->impl;

	n->impl = NULL;
	stop(f);
}

/* --- change ----------------------------------------------------------------------------------- */

static int change_forward(struct agent_network *n, const struct agent_network_settings *s, char *err, size_t err_len)
{
	const struct adit_forward_config *old = n->settings->fwd, *cfg = s->fwd;
	struct forward *f = n->impl;
	unsigned failed;
	size_t used;

	if (s->type != AGENT_FORWARD || old->backend != cfg->backend || old->memory_mib != cfg->memory_mib ||
	    old->bind_addr.family != cfg->bind_addr.family || !adit_addr_equal(&old->bind_addr, &cfg->bind_addr) ||
	    old->mtu != cfg->mtu || old->dns_cnt != cfg->dns_cnt ||
	    memcmp(old->dns, cfg->dns, cfg->dns_cnt * sizeof(*cfg->dns)))
		return -EOPNOTSUPP;
	if (fill_keys(n, n->settings, err, err_len) || fill_keys(n, s, err, err_len)) {
		wipe_keys(n->settings);
		wipe_keys(s);
		return -EINVAL;
	}
	adit_forward_log_keep(err, err_len);
	failed = network_reload(f->net, old, cfg);
	adit_forward_log_keep(NULL, 0);
	if (!failed && list_peers(f, cfg))
		failed++;
	if (failed) {
		network_reload(f->net, cfg, old);
		list_peers(f, old);
	}
	wipe_keys(n->settings);
	wipe_keys(s);
	if (!failed)
		return 0;
	describe(-ENOMEM, err, err_len);
	used = strlen(err);
	if (failed > 1)
		snprintf(err + used, err_len - used, " (and %u more)", failed - 1);
	return -EIO;
}

static int adopt_forward(struct agent_network *n, const struct agent_network_settings *s)
{
	(void)n;
	(void)s;
	return 0; /* what it needs of them it has copied */
}

/* --- looking ------------------------------------------------------------------------------------ */

static void read_device(struct forward *f, struct judge_device *d)
{
	struct adit_tunnel_stats stats;

	adit_tunnel_stats(f->net->tunnel, &stats);
	*d = (struct judge_device){
		.bad_mac1 = stats.drops[ADIT_DROP_bad_mac1],
		.unknown_peer = stats.drops[ADIT_DROP_unknown_peer],
		.bad_handshake = stats.drops[ADIT_DROP_bad_handshake],
		.replayed = stats.drops[ADIT_DROP_replayed_timestamp],
		.refused = stats.drops[ADIT_DROP_udp_error],
		.clock_behind = agent_clock_behind(f->n->agent),
	};
}

/* Nobody else would: no data asks for the peer yet, or the core gave up after 90 s. */
static bool is_to_call(const struct forward *f, const struct seen *p, const struct adit_wg_peer_info *info,
		       adit_time now)
{
	if (!info->handshake_attempts)
		return !info->last_handshake_at && info->endpoint.kind != ADIT_PATH_NONE;
	return f->n->state != AGENT_UP && now - info->last_tx_at >= SILENT && now - p->called_at >= CALL_AGAIN;
}

static bool read_info(struct forward *f, struct seen *p, struct adit_wg_peer_info *info, adit_time now)
{
	struct adit_wg_peer *peer;
	struct adit_wg *wg;

	adit_tunnel_lock(f->net->tunnel);
	wg = adit_tunnel_core(f->net->tunnel);
	peer = adit_wg_peer_find(wg, p->key);
	if (peer) {
		adit_wg_peer_info(wg, peer, info);
		if (is_to_call(f, p, info, now)) {
			adit_wg_peer_handshake(wg, peer, now);
			p->called_at = now;
		}
	}
	adit_tunnel_unlock(f->net->tunnel);
	if (peer)
		adit_wipe(info->psk, sizeof(info->psk));
	return peer != NULL;
}

static void look_at_peer(struct forward *f, struct seen *p, const struct judge_device *d, adit_time now)
{
	const char *problem = endpoints_problem(&f->net->endpoints, p->key);
	struct adit_wg_peer_info info;
	struct judge_facts facts;

	if (!read_info(f, p, &info, now))
		return;
	facts = (struct judge_facts){
		.has_endpoint = info.endpoint.kind != ADIT_PATH_NONE,
		.has_name = endpoints_name(&f->net->endpoints, p->key) != NULL,
		.resolve_error = problem[0] ? -ENOENT : 0,
		.attempts = info.handshake_attempts,
		.handshake_at = info.last_handshake_at,
		.rx_at = info.last_rx_at,
		.rx_packets = info.rx_packets,
		.tx_data = info.tx_packets - info.tx_keepalives,
		.unreachable = p->judge.unreachable_then,
		.black_hole = info.black_hole,
	};
	if (facts.has_endpoint)
		facts.unreachable = adit_tunnel_unreachable(f->net->tunnel, &info.endpoint, &facts.unreachable_error);
	judge_look(&p->judge, &facts, d, now, p->why, sizeof(p->why));
	if (p->judge.reason == AGENT_DNS_FAILED)
		snprintf(p->why, sizeof(p->why), "%.150s", problem);
}

static adit_time look_forward(struct agent_network *n, adit_time now)
{
	struct forward *f = n->impl;
	const struct seen *says = NULL;
	struct judge_device d;
	adit_time due;

	if (endpoints_due(&f->net->endpoints) <= now)
		endpoints_work(&f->net->endpoints, now);
	read_device(f, &d);
	for (size_t i = 0; i < f->peer_cnt; i++) {
		look_at_peer(f, &f->peer[i], &d, now);
		if (!says || judge_says_more(&f->peer[i].judge, &says->judge))
			says = &f->peer[i];
	}
	if (!says || says->judge.reason == AGENT_OK)
		network_enter(n, says ? judge_state(says->judge.health) : AGENT_UP, AGENT_OK, NULL);
	else
		network_enter(n, judge_state(says->judge.health), says->judge.reason, "%s",
			      says->why[0] ? says->why : agent_reason_sentence(says->judge.reason));
	due = endpoints_due(&f->net->endpoints);
	now += n->state == AGENT_HANDSHAKING ? LOOK_FRESH : JUDGE_EVERY;
	return due < now ? due : now;
}

static void moved_forward(struct agent_network *n, adit_time now)
{
	struct forward *f = n->impl;
	struct adit_wg_peer *peer;
	struct adit_wg *wg;

	if (n->settings->fwd->bind_addr.family)
		adit_tunnel_rebind(f->net->tunnel);
	for (size_t i = 0; i < f->peer_cnt; i++) {
		adit_tunnel_lock(f->net->tunnel);
		wg = adit_tunnel_core(f->net->tunnel);
		peer = adit_wg_peer_find(wg, f->peer[i].key);
		if (peer) {
			adit_wg_peer_hurry(wg, peer, now);
			adit_wg_peer_handshake(wg, peer, now);
		}
		adit_tunnel_unlock(f->net->tunnel);
	}
	n->look_at = now;
}

/* --- seeing -------------------------------------------------------------------------------------- */

static int take_peer(struct agent_snapshot *s, const struct snapshot_peer *from, const struct seen *seen)
{
	struct agent_snapshot_peer *to = agent_snapshot_peer_add(s);

	if (!to)
		return -ENOMEM;
	agent_snapshot_wg_peer(to, &from->info);
	snprintf(to->configured, sizeof(to->configured), "%s", from->endpoint_name);
	to->allowed = strdup(from->allowed ? from->allowed : "");
	if (!seen)
		return to->allowed ? 0 : -ENOMEM;
	to->reason = seen->judge.reason;
	if (to->reason != AGENT_OK)
		snprintf(to->why, sizeof(to->why), "%.159s",
			 seen->why[0] ? seen->why : agent_reason_sentence(to->reason));
	return to->allowed ? 0 : -ENOMEM;
}

static const struct seen *find(const struct forward *f, const uint8_t key[ADIT_KEY_LEN])
{
	for (size_t i = 0; i < f->peer_cnt; i++)
		if (!memcmp(f->peer[i].key, key, ADIT_KEY_LEN))
			return &f->peer[i];
	return NULL;
}

static int take_services(struct agent_snapshot *s, const struct forward_snapshot *from)
{
	char text[600];

	s->service = calloc(from->service_cnt ? from->service_cnt : 1, sizeof(*s->service));
	if (!s->service)
		return -ENOMEM;
	for (size_t i = 0; i < from->service_cnt; i++) {
		const struct snapshot_service *v = &from->service[i];

		snprintf(text, sizeof(text), "%s, %u open", v->text, v->n.open);
		s->service[s->service_cnt] = strdup(text);
		if (!s->service[s->service_cnt])
			return -ENOMEM;
		s->service_cnt++;
	}
	return 0;
}

static int snapshot_forward(struct agent_network *n, struct agent_snapshot *s)
{
	struct forward *f = n->impl;
	struct forward_snapshot from;
	int r = snapshot_take(&from, f->net);

	if (r)
		return r;
	adit_key_to_base64(s->public_key, f->net->public_key);
	agent_snapshot_tunnel(s, f->net->tunnel);
	for (size_t i = 0; i < from.peer_cnt && !r; i++)
		r = take_peer(s, &from.peer[i], find(f, from.peer[i].info.public_key));
	if (!r)
		r = take_services(s, &from);
	agent_snapshot_sum(s);
	snapshot_free(&from);
	return r;
}

static struct adit_tunnel *tunnel_of(struct agent_network *n)
{
	return ((struct forward *)n->impl)->net->tunnel;
}

const struct agent_network_ops agent_forward_ops = {
	.open = open_forward, .close = close_forward, .change = change_forward, .adopt = adopt_forward,
	.look = look_forward, .moved = moved_forward, .snapshot = snapshot_forward, .tunnel = tunnel_of,
};
