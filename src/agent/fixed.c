/* SPDX-License-Identifier: ISC */
/*
 * fixed.c - a network of type static: the tunnel of adit static (statictun/), its
 * TUN and its plan by the helper
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "agent/agent.h"
#include "agent/overlap.h"
#include "agent/plan.h"
#include "agent/snapshot.h"
#include "statictun/network.h"
#include "tunnel/environment.h"

#define LOOK_SOON  (50 * ADIT_MSEC)
#define PATIENCE   (3 * ADIT_SEC) /* so long a hello may go unanswered without a word */
#define DOWN_LONG  (3 * ADIT_SEC)

struct fixed {
	struct agent_network *n;
	struct statictun s;
	struct statictun_network own; /* the settings', with the key */
	uint8_t *secret;
	struct adit_plan plan;
	bool opened, planned, gone;
	struct adit_watch gone_watch, told_watch;
	adit_time down_since, waits_since;
};

/* --- plan ------------------------------------------------------------------------------- */

static int paths_of(const struct statictun_network *net, struct adit_path **ret, size_t *cnt)
{
	struct adit_path *list = calloc(net->peer_cnt ? net->peer_cnt : 1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	*cnt = 0;
	for (size_t i = 0; i < net->peer_cnt; i++)
		if (net->peers[i].endpoint.kind != ADIT_PATH_NONE)
			list[(*cnt)++] = net->peers[i].endpoint;
	*ret = list;
	return 0;
}

static int make_plan(struct adit_plan *ret, struct agent_network *n, const struct agent_network_settings *s,
		     const struct adit_plan *in_force, char *err, size_t err_len)
{
	struct agent_plan_extra extra = { .dns = agent_plan_reaches_dns(s), .listen_port = s->fixed->port,
					  .overhead = 48 + ADIT_STATIC_V2_HEAD + ADIT_TAG_LEN, .in_force = in_force };
	struct adit_path *paths = NULL;
	int r = paths_of(s->fixed, &paths, &extra.path_cnt);

	if (r)
		return r;
	extra.paths = paths;
	r = agent_plan_make(ret, n, s, &extra, err, err_len);
	free(paths);
	return r;
}

static int apply_plan(struct fixed *f, const struct agent_network_settings *s, char *err, size_t err_len)
{
	struct adit_plan plan;
	uint32_t mark;
	int r = make_plan(&plan, f->n, s, f->planned ? &f->plan : NULL, err, err_len);

	if (r)
		return r;
	mark = s->fwmark;
	for (size_t i = 0; i < plan.cnt && !mark; i++)
		mark = plan.steps[i].mark;
	r = mark == adit_tunnel_fwmark(f->s.tunnel) ? 0 : adit_tunnel_set_fwmark(f->s.tunnel, mark);
	if (!r)
		r = helper_apply(f->n->agent->helper, &plan, err, err_len);
	if (r) {
		adit_plan_fini(&plan);
		return r;
	}
	if (f->planned)
		adit_plan_fini(&f->plan);
	f->plan = plan;
	f->planned = true;
	return 0;
}

static int plan_fixed(struct agent_network *n, struct adit_plan *ret, char *err, size_t err_len)
{
	network_presume_name(n, "tun0");
	return make_plan(ret, n, n->settings, NULL, err, err_len);
}

/* --- open and close ------------------------------------------------------------------------ */

static void tun_gone(struct adit_watch *w, uint32_t events)
{
	struct fixed *f = adit_container_of(w, struct fixed, gone_watch);

	(void)events;
	f->gone = true;
	f->n->look_at = 0;
	epoll_ctl(f->n->agent->epoll_fd, EPOLL_CTL_DEL, w->fd, NULL);
}

static void core_told(struct adit_watch *w, uint32_t events)
{
	struct fixed *f = adit_container_of(w, struct fixed, told_watch);
	adit_time now = adit_tunnel_now();
	struct statictun_event event;

	(void)events;
	while (statictun_events_take(&f->s.events, &event))
		statictun_events_log(&f->s.events, f->s.net, &event, now);
	if (f->s.store_again == ADIT_NEVER)
		statictun_grant(&f->s, now);
	f->n->look_at = now;
}

static int watch(struct fixed *f, struct adit_watch *w, int fd, void (*ready)(struct adit_watch *, uint32_t))
{
	*w = (struct adit_watch){ fd, ready };
	return adit_watch_add(f->n->agent->epoll_fd, w, EPOLLIN);
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
	case -ENOSPC:
	case -EROFS:
	case -EBADMSG:
		return AGENT_STATE_DIR;
	case -ENOMEM:
		return AGENT_NO_MEMORY;
	}
	return AGENT_TUN;
}

static void take_settings(struct fixed *f, const struct agent_network_settings *s)
{
	f->own = *s->fixed;
	f->own.secret = f->secret;
}

/* Inline, or in a file that only the helper may read. */
static int read_secret(struct fixed *f, const struct agent_network_settings *s, char *err, size_t err_len)
{
	f->secret = adit_secret_alloc(ADIT_KEY_LEN);
	if (!f->secret)
		return -ENOMEM;
	if (s->private_key_path)
		return helper_key(f->n->agent->helper, s->private_key_path, f->secret, err, err_len);
	memcpy(f->secret, s->fixed->secret, ADIT_KEY_LEN);
	return 0;
}

static int start(struct fixed *f, enum agent_reason *reason, char *err, size_t err_len)
{
	const struct agent_network_settings *s = f->n->settings;
	struct adit_tunnel_config cfg = { 0 };
	int r;

	*reason = AGENT_OVERLAP;
	if (agent_overlap(f->n, s, err, err_len))
		return -EEXIST;
	*reason = AGENT_KEY_FILE;
	r = read_secret(f, s, err, err_len);
	if (r)
		return r;
	take_settings(f, s);
	*reason = AGENT_INTERNAL;
	r = adit_tunnel_environment(&cfg, err, err_len);
	if (r)
		return r;
	cfg.rights = helper_network_rights(f->n->agent->helper, f->n->settings->name);
	cfg.bind_device = s->bind_interface;
	f->opened = true;
	r = statictun_open(&f->s, &f->own, &cfg, f->n->agent->config->state_dir, err, err_len);
	*reason = reason_of(r);
	if (r)
		return r;
	r = network_take_name(f->n, adit_tunnel_ifname(f->s.tunnel), reason, err, err_len);
	if (r)
		return r;
	*reason = AGENT_INTERNAL;
	r = adit_tunnel_start(f->s.tunnel, err, err_len);
	if (r)
		return r;
	*reason = AGENT_HOST;
	r = apply_plan(f, s, err, err_len);
	if (!r)
		r = watch(f, &f->gone_watch, adit_tunnel_gone_fd(f->s.tunnel), tun_gone);
	return r ? r : watch(f, &f->told_watch, f->s.events.fd[0], core_told);
}

static void stop(struct fixed *f)
{
	if (f->planned)
		network_undo(f->n, &f->plan);
	if (f->opened)
		statictun_close(&f->s);
	adit_secret_free(f->secret, ADIT_KEY_LEN);
	free(f);
}

static int open_fixed(struct agent_network *n, enum agent_reason *reason, char *err, size_t err_len)
{
	struct fixed *f = calloc(1, sizeof(*f));
	int r;

	*reason = AGENT_NO_MEMORY;
	if (!f)
		return -ENOMEM;
	f->n = n;
	r = start(f, reason, err, err_len);
	if (r) {
		stop(f);
		return r;
	}
	n->impl = f;
	network_enter(n, AGENT_HANDSHAKING, AGENT_OK, NULL);
	return 0;
}

static void close_fixed(struct agent_network *n)
{
	struct fixed *f = n->impl;

	n->impl = NULL;
	stop(f);
}

/* A table that is filled once: only the machine's part can change under it. */
static int change_fixed(struct agent_network *n, const struct agent_network_settings *s, char *err, size_t err_len)
{
	(void)n;
	(void)s;
	(void)err;
	(void)err_len;
	return -EOPNOTSUPP;
}

static int adopt_fixed(struct agent_network *n, const struct agent_network_settings *s)
{
	struct fixed *f = n->impl;

	take_settings(f, s);
	return 0;
}

/* --- looking --------------------------------------------------------------------------------- */

struct sight {
	bool heard, stale, bad, refused;
	int error;
};

static void look_at_peer(struct fixed *f, const struct adit_static_peer_info *info, struct sight *to)
{
	unsigned cnt = info->configured.kind == ADIT_PATH_NONE ? 0 :
		       adit_tunnel_unreachable(f->s.tunnel, &info->configured, &to->error);

	to->heard |= info->last_rx_at && !info->stale;
	to->stale |= info->stale;
	to->bad |= info->rx_bad > 0;
	to->refused |= cnt > 0 && !info->last_rx_at;
}

static void look_at_peers(struct fixed *f, struct sight *to, struct adit_static_stats *stats)
{
	struct adit_static_peer_info info;
	struct adit_static_peer *peer;
	struct adit_static *st;

	adit_tunnel_lock(f->s.tunnel);
	st = adit_tunnel_core(f->s.tunnel);
	adit_static_stats(st, stats);
	for (peer = adit_static_peer_next(st, NULL); peer; peer = adit_static_peer_next(st, peer)) {
		adit_static_peer_info(peer, &info);
		look_at_peer(f, &info, to);
	}
	adit_tunnel_unlock(f->s.tunnel);
}

static void enter_unheard(struct fixed *f, const struct sight *s, const struct adit_static_stats *stats, adit_time now)
{
	struct agent_network *n = f->n;

	if (!stats->hellos_sent && !s->refused && !s->bad) { /* nobody has anything to say */
		network_enter(n, AGENT_UP, AGENT_OK, "nothing was sent yet");
		return;
	}
	if (!f->waits_since)
		f->waits_since = now;
	if (s->refused)
		network_enter(n, AGENT_HANDSHAKING, AGENT_ICMP_UNREACHABLE, NULL);
	else if (s->bad)
		network_enter(n, AGENT_HANDSHAKING, AGENT_KEY_MISMATCH, NULL);
	else if (now - f->waits_since >= PATIENCE)
		network_enter(n, AGENT_HANDSHAKING, AGENT_NO_REPLY, NULL);
	else
		network_enter(n, AGENT_HANDSHAKING, AGENT_OK, NULL);
}

static void enter_state(struct fixed *f, adit_time now)
{
	struct sight sight = { 0 };
	struct adit_static_stats stats;

	look_at_peers(f, &sight, &stats);
	if (sight.heard) {
		f->waits_since = 0;
		network_enter(f->n, AGENT_UP, AGENT_OK, NULL);
	} else if (sight.stale) {
		network_enter(f->n, AGENT_STALE, AGENT_NO_REPLY, "nothing has been heard for peer_timeout");
	} else {
		enter_unheard(f, &sight, &stats, now);
	}
}

static adit_time look_fixed(struct agent_network *n, adit_time now)
{
	struct fixed *f = n->impl;
	struct adit_tunnel_stats stats;

	if (f->gone) {
		network_lost(n, AGENT_TUN, "the interface %s was deleted", n->ifname);
		return ADIT_NEVER;
	}
	if (f->s.store_again <= now)
		statictun_grant(&f->s, now);
	adit_tunnel_stats(f->s.tunnel, &stats);
	if (stats.up) {
		f->down_since = 0;
		enter_state(f, now);
		return now + ADIT_SEC;
	}
	if (!f->down_since)
		f->down_since = now;
	if (now - f->down_since < DOWN_LONG)
		return now + LOOK_SOON;
	network_enter(n, AGENT_ERROR, AGENT_TUN, "%s is set down (ip link set %s up)", n->ifname, n->ifname);
	return now + ADIT_SEC;
}

/* The tunnel finds its sources anew by itself. */
static void moved_fixed(struct agent_network *n, adit_time now)
{
	const struct agent_network_settings *s = n->settings;

	if (s->bind_interface[0] || s->fixed->bind.family)
		adit_tunnel_rebind(((struct fixed *)n->impl)->s.tunnel);
	n->look_at = now;
}

/* --- seeing ------------------------------------------------------------------------------------ */

static char *prefixes_of(const struct statictun_network *net, const uint8_t key[ADIT_KEY_LEN])
{
	char buf[ADIT_PREFIX_STRLEN], *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	for (size_t i = 0; i < net->peer_cnt; i++)
		if (!memcmp(net->peers[i].public_key, key, ADIT_KEY_LEN))
			fprintf(f, "%s%s", ftell(f) > 0 ? "," : "", adit_prefix_format(&net->peers[i].prefix, buf));
	return fclose(f) ? NULL : text;
}

static int take_peer(struct agent_snapshot *s, const struct adit_static_peer_info *info)
{
	struct agent_snapshot_peer *to = agent_snapshot_peer_add(s);

	if (!to)
		return -ENOMEM;
	adit_key_to_base64(to->key, info->public_key);
	if (info->endpoint.kind != ADIT_PATH_NONE)
		adit_path_format(&info->endpoint, to->endpoint);
	if (info->configured.kind != ADIT_PATH_NONE)
		adit_path_format(&info->configured, to->configured);
	to->session = info->has_session;
	to->last_rx = info->last_rx_at;
	to->last_tx = info->last_tx_at;
	to->rx_bytes = info->rx_bytes;
	to->tx_bytes = info->tx_bytes;
	to->rx_packets = info->rx_packets;
	to->tx_packets = info->tx_packets;
	to->rx_lost = info->rx_lost;
	to->rx_reordered = info->rx_reordered;
	to->reason = info->stale ? AGENT_NO_REPLY : info->rx_bad && !info->last_rx_at ? AGENT_KEY_MISMATCH : AGENT_OK;
	if (to->reason != AGENT_OK)
		snprintf(to->why, sizeof(to->why), "%.159s", agent_reason_sentence(to->reason));
	return 0;
}

static int snapshot_fixed(struct agent_network *n, struct agent_snapshot *s)
{
	struct fixed *f = n->impl;
	struct adit_static_peer_info info;
	struct adit_static_peer *peer;
	struct adit_static *st;
	uint8_t key[ADIT_KEY_LEN];
	int r = 0;

	adit_key_to_base64(s->public_key, f->s.public_key);
	agent_snapshot_tunnel(s, f->s.tunnel);
	adit_tunnel_lock(f->s.tunnel);
	st = adit_tunnel_core(f->s.tunnel);
	for (peer = adit_static_peer_next(st, NULL); peer && !r; peer = adit_static_peer_next(st, peer)) {
		adit_static_peer_info(peer, &info);
		r = take_peer(s, &info);
	}
	adit_tunnel_unlock(f->s.tunnel);
	for (size_t i = 0; i < s->peer_cnt && !r; i++) {
		if (!adit_key_from_base64(key, s->peer[i].key, ADIT_KEY_BASE64_LEN))
			continue;
		s->peer[i].allowed = prefixes_of(f->s.net, key);
		r = s->peer[i].allowed ? 0 : -ENOMEM;
	}
	agent_snapshot_sum(s);
	return r;
}

static struct adit_tunnel *tunnel_of(struct agent_network *n)
{
	return ((struct fixed *)n->impl)->s.tunnel;
}

const struct agent_network_ops agent_static_ops = {
	.open = open_fixed, .close = close_fixed, .change = change_fixed, .adopt = adopt_fixed, .look = look_fixed,
	.moved = moved_fixed, .snapshot = snapshot_fixed, .tunnel = tunnel_of, .plan = plan_fixed,
};
