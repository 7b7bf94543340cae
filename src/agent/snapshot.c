/* SPDX-License-Identifier: ISC */
/* snapshot.c - what the kinds of networks fill an agent_snapshot with */
#include "agent/snapshot.h"

#include <stdlib.h>
#include <string.h>

struct agent_snapshot_peer *agent_snapshot_peer_add(struct agent_snapshot *s)
{
	struct agent_snapshot_peer *p;

	if (s->peer_cnt == s->peer_cap) {
		size_t cap = s->peer_cap ? 2 * s->peer_cap : 16;

		p = realloc(s->peer, cap * sizeof(*p));
		if (!p)
			return NULL;
		s->peer = p;
		s->peer_cap = cap;
	}
	p = &s->peer[s->peer_cnt++];
	memset(p, 0, sizeof(*p));
	return p;
}

void agent_snapshot_wg_peer(struct agent_snapshot_peer *to, const struct adit_wg_peer_info *info)
{
	static const uint8_t none[ADIT_KEY_LEN];

	adit_key_to_base64(to->key, info->public_key);
	if (info->endpoint.kind != ADIT_PATH_NONE)
		adit_path_format(&info->endpoint, to->endpoint);
	to->has_psk = !adit_equal(info->psk, none, ADIT_KEY_LEN);
	to->session = info->has_session;
	to->keepalive = info->keepalive;
	to->handshake = info->last_handshake_at;
	to->last_rx = info->last_rx_at;
	to->last_tx = info->last_tx_at;
	to->handshake_wall = info->last_handshake.sec;
	to->rx_bytes = info->rx_bytes;
	to->tx_bytes = info->tx_bytes;
	to->rx_packets = info->rx_packets;
	to->tx_packets = info->tx_packets;
	to->rx_lost = info->rx_lost;
	to->rx_reordered = info->rx_reordered;
	to->handshake_attempts = info->handshake_attempts;
}

char *agent_snapshot_allowed(const struct adit_wg_peer *peer)
{
	char buf[ADIT_PREFIX_STRLEN], *text = NULL, *grown;
	struct adit_prefix prefix;
	const void *pos = NULL;
	size_t len = 0, cap = 0;

	do {
		size_t n = adit_wg_peer_allowed_next(peer, &pos, &prefix) ? strlen(adit_prefix_format(&prefix, buf)) : 0;

		if (len + n + 2 > cap) {
			cap = cap ? 2 * cap : 64;
			grown = realloc(text, cap);
			if (!grown) {
				free(text);
				return NULL;
			}
			text = grown;
		}
		if (!n)
			break;
		if (len)
			text[len++] = ',';
		memcpy(text + len, buf, n);
		len += n;
	} while (true);
	text[len] = '\0';
	return text;
}

static void add_errors(struct agent_snapshot *s)
{
	for (unsigned i = 1; i < ADIT_DROP_CNT; i++) {
		if (i == ADIT_DROP_tun_write || i == ADIT_DROP_interface_down)
			s->errors_tun += s->drops[i];
		else if (!strcmp(adit_drop_direction(i), "hs"))
			s->errors_handshake += s->drops[i];
		else
			s->errors_packet += s->drops[i];
	}
}

void agent_snapshot_tunnel(struct agent_snapshot *s, struct adit_tunnel *t)
{
	struct adit_tunnel_stats stats;

	adit_tunnel_stats(t, &stats);
	s->listen_port = adit_tunnel_port(t);
	s->fwmark = adit_tunnel_fwmark(t);
	s->mtu = stats.mtu;
	memcpy(s->drops, stats.drops, sizeof(s->drops));
	add_errors(s);
}

void agent_snapshot_sum(struct agent_snapshot *s)
{
	for (size_t i = 0; i < s->peer_cnt; i++) {
		s->rx_bytes += s->peer[i].rx_bytes;
		s->tx_bytes += s->peer[i].tx_bytes;
		s->rx_packets += s->peer[i].rx_packets;
		s->tx_packets += s->peer[i].tx_packets;
	}
}
