/* SPDX-License-Identifier: ISC */
/* status.c - what a static tunnel does, as text for people and as JSON for programs */
#include "statictun/status.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/keytext.h"
#include "host/print.h"

int statictun_status_take(struct statictun_status *status, struct statictun *s)
{
	struct adit_static_peer *peer;
	struct adit_static *st;
	int r = 0;

	memset(status, 0, sizeof(*status));
	status->s = s;
	status->port = adit_tunnel_port(s->tunnel);
	adit_tunnel_stats(s->tunnel, &status->tunnel);
	adit_tunnel_lock(s->tunnel);
	st = adit_tunnel_core(s->tunnel);
	status->now = adit_tunnel_now();
	adit_static_stats(st, &status->core);
	status->peer = calloc(status->core.peers + 1, sizeof(*status->peer));
	if (!status->peer)
		r = -ENOMEM;
	for (peer = adit_static_peer_next(st, NULL); peer && !r; peer = adit_static_peer_next(st, peer))
		adit_static_peer_info(peer, &status->peer[status->peer_cnt++]);
	adit_tunnel_unlock(s->tunnel);
	return r;
}

void statictun_status_free(struct statictun_status *status)
{
	free(status->peer);
	status->peer = NULL;
}

static bool is_v1(const struct statictun_status *status)
{
	return status->s->net->wire == ADIT_STATIC_V1;
}

/* What a person should look at; NULL when nothing. */
static const char *problem(const struct statictun_status *status, const struct adit_static_peer_info *p)
{
	if (p->key_end)
		return "key used up: nothing is sent to it any more (make new keys)";
	if (p->stale)
		return "stale: nothing was heard for the peer timeout";
	if (p->key_half)
		return "half of what its key is good for has been sealed (make new keys in time)";
	if (p->rx_bad && !p->rx_packets)
		return "what comes from it does not open (do both ends have the right keys?)";
	if (!is_v1(status) && !p->has_session && p->last_tx_at && !p->last_rx_at)
		return "does not answer (is it running, is the address right, does it know our key?)";
	return NULL;
}

static void write_allowed(FILE *out, const struct statictun_status *status, const struct adit_static_peer_info *p,
			  const char *before, const char *after)
{
	const struct statictun_network *net = status->s->net;
	char buf[ADIT_PREFIX_STRLEN];
	const char *comma = "";

	for (size_t i = 0; i < net->peer_cnt; i++) {
		if (memcmp(net->peers[i].public_key, p->public_key, ADIT_KEY_LEN))
			continue;
		fprintf(out, "%s%s%s%s", comma, before, adit_prefix_format(&net->peers[i].prefix, buf), after);
		comma = *before ? "," : ", ";
	}
}

/* --- text ------------------------------------------------------------------- */

static void peer_text(FILE *out, const struct statictun_status *status, const struct adit_static_peer_info *p)
{
	char key[ADIT_KEY_BASE64_LEN + 1], buf[ADIT_PATH_STRLEN];
	const char *why = problem(status, p);

	adit_key_to_base64(key, p->public_key);
	fprintf(out, "\npeer: %s\n  inner: ", key);
	write_allowed(out, status, p, "", "");
	fprintf(out, "\n  address: %s", adit_path_format(&p->endpoint, buf));
	if (!adit_path_same_remote(&p->endpoint, &p->configured))
		fprintf(out, " (configured: %s)", adit_path_format(&p->configured, buf));
	fprintf(out, "\n  last heard: ");
	adit_print_age(out, status->now, p->last_rx_at);
	fprintf(out, "\n  transfer: ");
	adit_print_bytes(out, p->rx_bytes);
	fprintf(out, " received, ");
	adit_print_bytes(out, p->tx_bytes);
	fprintf(out, " sent\n");
	if (is_v1(status))
		fprintf(out, "  key: %" PRIu64 " of %" PRIu64 " packets sealed\n", p->sealed, ADIT_STATIC_V1_LIMIT);
	else
		fprintf(out, "  session: %s, %" PRIu64 " packets lost, %" PRIu64 " late\n", p->has_session ? "yes" : "no",
			p->rx_lost, p->rx_reordered);
	if (why)
		fprintf(out, "  problem: %s\n", why);
}

void statictun_status_text(FILE *out, const struct statictun_status *status)
{
	const struct statictun *s = status->s;
	char key[ADIT_KEY_BASE64_LEN + 1];
	size_t i;

	adit_key_to_base64(key, s->public_key);
	fprintf(out, "interface: %s\n", adit_tunnel_ifname(s->tunnel));
	if (s->net->name[0])
		fprintf(out, "network: %s\n", s->net->name);
	fprintf(out, "public key: %s\nlistening port: %u\nwire: %s\nmtu: %u\ncipher: %s\nstate: %s\n", key, status->port,
		is_v1(status) ? "v1" : "v2", status->tunnel.mtu, status->tunnel.aead, status->tunnel.up ? "up" : "down");
	for (i = 0; i < status->peer_cnt; i++)
		peer_text(out, status, &status->peer[i]);
	for (i = 0; i < ADIT_DROP_CNT; i++)
		if (status->tunnel.drops[i])
			fprintf(out, "\ndropped: %" PRIu64 " %s", status->tunnel.drops[i], adit_drop_name((enum adit_drop)i));
	for (i = 0; i < status->tunnel.note_cnt; i++)
		fprintf(out, "\nnote: %s", status->tunnel.notes[i]);
	fprintf(out, "\n");
}

/* --- JSON ------------------------------------------------------------------- */

static void peer_json(FILE *out, const struct statictun_status *status, const struct adit_static_peer_info *p)
{
	char key[ADIT_KEY_BASE64_LEN + 1], buf[ADIT_PATH_STRLEN];
	const char *why = problem(status, p);

	adit_key_to_base64(key, p->public_key);
	fprintf(out, "{\"public_key\":\"%s\",\"inner\":[", key);
	write_allowed(out, status, p, "\"", "\"");
	fprintf(out, "]");
	adit_json_member(out, "endpoint", p->endpoint.kind ? adit_path_format(&p->endpoint, buf) : "");
	adit_json_member(out, "configured", p->configured.kind ? adit_path_format(&p->configured, buf) : "");
	fprintf(out, ",\"session\":%s,\"stale\":%s", p->has_session ? "true" : "false", p->stale ? "true" : "false");
	adit_json_member(out, "problem", why ? why : "");
	adit_json_age(out, "last_rx_age_ms", status->now, p->last_rx_at);
	adit_json_age(out, "last_tx_age_ms", status->now, p->last_tx_at);
	adit_json_number(out, "rx_bytes", p->rx_bytes);
	adit_json_number(out, "tx_bytes", p->tx_bytes);
	adit_json_number(out, "rx_packets", p->rx_packets);
	adit_json_number(out, "tx_packets", p->tx_packets);
	adit_json_number(out, "rx_bad", p->rx_bad);
	if (is_v1(status)) {
		adit_json_number(out, "sealed", p->sealed);
		adit_json_number(out, "stored", p->granted);
	} else {
		adit_json_number(out, "rx_lost", p->rx_lost);
		adit_json_number(out, "rx_reordered", p->rx_reordered);
	}
	fprintf(out, "}");
}

void statictun_status_json(FILE *out, const struct statictun_status *status)
{
	const struct statictun *s = status->s;
	const struct adit_tunnel_stats *t = &status->tunnel;
	char key[ADIT_KEY_BASE64_LEN + 1];

	adit_key_to_base64(key, s->public_key);
	fprintf(out, "{\"schema\":1,\"version\":\"%s\"", ADIT_VERSION);
	adit_json_member(out, "interface", adit_tunnel_ifname(s->tunnel));
	adit_json_member(out, "network", s->net->name);
	fprintf(out, ",\"wire\":\"%s\",\"public_key\":\"%s\",\"listen_port\":%u,\"mtu\":%u,\"up\":%s,\"roaming\":%s",
		is_v1(status) ? "v1" : "v2", key, status->port, t->mtu, t->up ? "true" : "false",
		s->net->roaming ? "true" : "false");
	adit_json_member(out, "aead", t->aead);
	adit_json_number(out, "peer_timeout_secs", s->net->peer_timeout);
	adit_json_number(out, "threads", t->threads);
	adit_json_number(out, "rx_datagrams", t->rx_datagrams);
	adit_json_number(out, "tx_datagrams", t->tx_datagrams);
	adit_json_number(out, "hellos_sent", status->core.hellos_sent);
	adit_json_number(out, "answers_sent", status->core.answers_sent);
	adit_json_number(out, "sessions", status->core.sessions);
	fprintf(out, ",\"peers\":[");
	for (size_t i = 0; i < status->peer_cnt; i++) {
		fputs(i ? "," : "", out);
		peer_json(out, status, &status->peer[i]);
	}
	fprintf(out, "]");
	adit_json_drops(out, t->drops);
	fprintf(out, ",\"notes\":[");
	for (unsigned i = 0; i < t->note_cnt; i++) {
		fputs(i ? "," : "", out);
		adit_json_string(out, t->notes[i]);
	}
	fprintf(out, "]}\n");
}
