/* SPDX-License-Identifier: ISC */
/*
 * uapi_get.c - the reply to a `get`. The keys beginning with `adit_` are ours
 * (DOC in uapi.h; adit-device(8) lists them); adit show is built on them.
 */
#include "device/uapi_internal.h"

#include <errno.h>
#include <stdio.h>

#include "base/drop.h"
#include "crypto/keytext.h"

static void counter(struct adit_text *out, const char *key, uint64_t v)
{
	if (v)
		adit_text_line_u64(out, key, v);
}

static void offloads(struct adit_text *out, const char *key, unsigned set)
{
	char text[ADIT_OFFLOAD_STRLEN];

	adit_text_line_str(out, key, adit_offload_format(set, text));
}

static void drops(struct adit_text *out, const uint64_t cnt[ADIT_DROP_CNT])
{
	enum adit_drop d;

	for (d = ADIT_DROP_NONE + 1; d < ADIT_DROP_CNT; d++) {
		if (!cnt[d])
			continue;
		adit_text_str(out, "adit_drop_");
		adit_text_line_u64(out, adit_drop_name(d), cnt[d]);
	}
}

static void tunnel_stats(struct adit_text *out, const struct adit_tunnel_stats *s)
{
	unsigned i;

	adit_text_line_u64(out, "adit_up", s->up);
	adit_text_line_u64(out, "adit_mtu", s->mtu);
	adit_text_line_u64(out, "adit_threads", s->threads);
	if (s->aead)
		adit_text_line_str(out, "adit_aead", s->aead);
	offloads(out, "adit_offloads_probed", s->offloads_probed);
	offloads(out, "adit_offloads_used", s->offloads_used);
	counter(out, "adit_rx_bytes", s->rx_bytes);
	counter(out, "adit_tx_bytes", s->tx_bytes);
	counter(out, "adit_rx_datagrams", s->rx_datagrams);
	counter(out, "adit_tx_datagrams", s->tx_datagrams);
	counter(out, "adit_rx_calls", s->rx_calls);
	counter(out, "adit_tx_calls", s->tx_calls);
	counter(out, "adit_tun_reads", s->tun_reads);
	counter(out, "adit_tun_writes", s->tun_writes);
	counter(out, "adit_icmp_errors", s->icmp_errors);
	for (i = 0; i < s->threads && i < ADIT_TUNNEL_THREADS_MAX; i++)
		adit_text_line_u64(out, "adit_thread_packets", s->thread_packets[i]);
	for (i = 0; i < s->note_cnt && i < ADIT_NOTES_MAX; i++)
		adit_text_line_str(out, "adit_note", s->notes[i]);
	drops(out, s->drops);
}

static void wg_stats(struct adit_text *out, const struct adit_wg_stats *s)
{
	adit_text_line_u64(out, "adit_peers", s->peers);
	counter(out, "adit_sessions", s->sessions);
	counter(out, "adit_handshakes_in", s->handshakes_in);
	counter(out, "adit_handshakes_out", s->handshakes_out);
	counter(out, "adit_initiations_sent", s->initiations_sent);
	counter(out, "adit_cookies_sent", s->cookies_sent);
	counter(out, "adit_handshake_queue", s->handshake_queue);
	counter(out, "adit_under_load", s->under_load);
}

void adit_uapi_get_device(struct adit_uapi *u)
{
	struct adit_uapi_device d = { 0 };
	struct adit_text *out = &u->out;

	u->ops->device(u->user, &d);
	if (!adit_is_zero(d.private_key, sizeof(d.private_key)))
		adit_text_line_key(out, "private_key", d.private_key);
	adit_wipe(d.private_key, sizeof(d.private_key));
	counter(out, "listen_port", d.listen_port);
	counter(out, "fwmark", d.fwmark);
	adit_text_line_str(out, "adit_version", ADIT_VERSION);
	tunnel_stats(out, &d.tunnel);
	wg_stats(out, &d.wg);
}

/* How long ago, in ms; at least 1, so that zero means never. */
static uint64_t age_ms(adit_time now, adit_time at)
{
	if (!at)
		return 0;
	return now > at ? (uint64_t)((now - at) / ADIT_MSEC) + 1 : 1;
}

static void peer_stats(struct adit_text *out, const struct adit_wg_peer_info *p, adit_time now)
{
	counter(out, "adit_session", p->has_session);
	counter(out, "adit_last_handshake_age_ms", age_ms(now, p->last_handshake_at));
	counter(out, "adit_last_rx_age_ms", age_ms(now, p->last_rx_at));
	counter(out, "adit_last_tx_age_ms", age_ms(now, p->last_tx_at));
	counter(out, "adit_rx_packets", p->rx_packets);
	counter(out, "adit_tx_packets", p->tx_packets);
	counter(out, "adit_rx_lost", p->rx_lost);
	counter(out, "adit_rx_reordered", p->rx_reordered);
	counter(out, "adit_handshake_attempts", p->handshake_attempts);
	counter(out, "adit_black_hole", p->black_hole);
}

static void peer(struct adit_text *out, struct adit_wg_peer_info *p, const struct adit_prefix *allowed,
		 size_t allowed_cnt, adit_time now)
{
	char path[ADIT_PATH_STRLEN], prefix[ADIT_PREFIX_STRLEN];
	size_t i;

	adit_text_line_key(out, "public_key", p->public_key);
	adit_text_line_key(out, "preshared_key", p->psk);
	adit_wipe(p->psk, sizeof(p->psk));
	adit_text_str(out, "protocol_version=1\n");
	if (p->endpoint.kind == ADIT_PATH_UDP4 || p->endpoint.kind == ADIT_PATH_UDP6)
		adit_text_line_str(out, "endpoint", adit_path_format(&p->endpoint, path));
	adit_text_line_u64(out, "last_handshake_time_sec", (uint64_t)p->last_handshake.sec);
	adit_text_line_u64(out, "last_handshake_time_nsec", p->last_handshake.nsec);
	adit_text_line_u64(out, "tx_bytes", p->tx_bytes);
	adit_text_line_u64(out, "rx_bytes", p->rx_bytes);
	adit_text_line_u64(out, "persistent_keepalive_interval", p->keepalive);
	for (i = 0; i < allowed_cnt; i++)
		adit_text_line_str(out, "allowed_ip", adit_prefix_format(&allowed[i], prefix));
	peer_stats(out, p, now);
}

bool adit_uapi_get_peers(struct adit_uapi *u, int *err)
{
	struct adit_uapi_slice *slice;
	size_t k, from = 0;

	*err = u->ops->peers(u->user, &slice);
	if (*err || !slice->cnt)
		return false;
	for (k = 0; k < slice->cnt; k++) {
		size_t to = slice->allowed_end[k];

		peer(&u->out, &slice->peer[k], slice->allowed + from, to - from, slice->now);
		from = to;
	}
	return true;
}
