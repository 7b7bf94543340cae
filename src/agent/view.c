/* SPDX-License-Identifier: ISC */
/* view.c - networks, peers and events as JSON, as far as a role may see them */
#include "agent/view.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "agent/capture.h"
#include "base/addr.h"

const char *agent_view_why(enum agent_role role, const char *why, enum agent_reason reason)
{
	if (role >= AGENT_ROLE_OPERATOR && why[0])
		return why;
	return reason == AGENT_OK ? "" : agent_reason_sentence(reason);
}

/* "vpn.example.com", or with a colon after it; not "/etc/resolv.conf", "1.5s", or the end of a sentence. */
static bool may_be_name(const char *word, size_t len)
{
	bool name = false;

	for (size_t i = 1; i + 1 < len; i++) {
		unsigned char after = (unsigned char)word[i + 1] | 32;

		if (word[i] == '.')
			name = (after >= 'a' && after <= 'z') || after >= 0x80;
	}
	return name && !memchr(word, '/', len);
}

/* May the word be an address, or a name? */
static bool may_be_endpoint(const char *word, size_t len)
{
	unsigned dots = 0, colons = 0, letters = 0;
	bool port = false;

	for (size_t i = 0; i < len; i++) {
		dots += word[i] == '.';
		colons += word[i] == ':';
		letters += (word[i] | 32) >= 'g' && (word[i] | 32) <= 'z';
		port |= word[i] == ':' && i + 1 < len && word[i + 1] >= '0' && word[i + 1] <= '9';
	}
	return port || colons > 1 || (dots >= 3 && !letters) || may_be_name(word, len);
}

/* For observers: where peers are in the world is left out of a sentence. */
static void hide_endpoints(char ret[256], const char *text)
{
	size_t at = 0;

	while (*text && at < 240) {
		size_t n = strcspn(text, " ,;()"), blanks = strspn(text + n, " ,;()");
		bool hide = may_be_endpoint(text, n);

		at += (size_t)snprintf(ret + at, 256 - at, "%.*s%.*s", hide ? 3 : (int)n, hide ? "..." : text, (int)blanks,
				       text + n);
		at = at < 255 ? at : 255;
		text += n + blanks;
	}
	ret[at] = '\0';
}

static void view_rates(struct agent_json *j, const struct agent_rate r[AGENT_WINDOW_CNT])
{
	static const char *const names[] = { "1s", "10s", "60s" };
	unsigned w;

	agent_json_open(j, "rx_rate", '{');
	for (w = 0; w < AGENT_WINDOW_CNT; w++)
		agent_json_real(j, names[w], r[w].rx, 0);
	agent_json_close(j, '}');
	agent_json_open(j, "tx_rate", '{');
	for (w = 0; w < AGENT_WINDOW_CNT; w++)
		agent_json_real(j, names[w], r[w].tx, 0);
	agent_json_close(j, '}');
}

/* "a,b,c" as a list. */
static void view_list(struct agent_json *j, const char *name, const char *text)
{
	char item[ADIT_PREFIX_STRLEN];

	agent_json_open(j, name, '[');
	while (text && *text) {
		size_t n = strcspn(text, ",");

		if (n && n < sizeof(item)) {
			memcpy(item, text, n);
			item[n] = '\0';
			agent_json_text(j, NULL, item);
		}
		text += n + (text[n] == ',');
	}
	agent_json_close(j, ']');
}

/* --- peers ------------------------------------------------------------------------ */

static void view_traffic(struct agent_json *j, const struct agent_snapshot_peer *p)
{
	uint64_t expected = p->rx_packets + p->rx_lost;

	agent_json_number(j, "rx_bytes", p->rx_bytes);
	agent_json_number(j, "tx_bytes", p->tx_bytes);
	agent_json_number(j, "rx_packets", p->rx_packets);
	agent_json_number(j, "tx_packets", p->tx_packets);
	agent_json_number(j, "rx_lost", p->rx_lost);
	agent_json_number(j, "rx_reordered", p->rx_reordered);
	agent_json_real(j, "loss", expected ? (double)p->rx_lost / (double)expected : -1, 6);
	agent_json_number(j, "handshake_attempts", p->handshake_attempts);
}

static void view_peer(struct agent_json *j, const struct agent_view *v, const struct agent_snapshot *s, size_t i)
{
	const struct agent_snapshot_peer *p = &s->peer[i];
	struct agent_rate rates[AGENT_WINDOW_CNT];

	agent_json_open(j, NULL, '{');
	agent_json_optional(j, "name", p->name);
	agent_json_text(j, "public_key", p->key);
	if (v->role >= AGENT_ROLE_OPERATOR) {
		agent_json_optional(j, "endpoint", p->endpoint);
		agent_json_optional(j, "configured_endpoint", p->configured);
	}
	view_list(j, "allowed_ips", p->allowed);
	agent_json_text(j, "reason", agent_reason_name(p->reason));
	agent_json_text(j, "why", agent_view_why(v->role, p->why, p->reason));
	agent_json_bool(j, "preshared_key", p->has_psk);
	agent_json_bool(j, "session", p->session);
	agent_json_number(j, "persistent_keepalive_secs", p->keepalive);
	agent_json_signed(j, "latest_handshake", p->handshake_wall);
	agent_json_age(j, "handshake_age_ms", s->now, p->handshake);
	agent_json_age(j, "last_rx_age_ms", s->now, p->last_rx);
	agent_json_age(j, "last_tx_age_ms", s->now, p->last_tx);
	view_traffic(j, p);
	if (v->rates) {
		agent_rates_peer(v->rates, s, i, rates);
		view_rates(j, rates);
	}
	agent_json_close(j, '}');
}

void agent_view_peers(struct agent_json *j, const struct agent_view *v, const struct agent_snapshot *s)
{
	agent_json_open(j, "peers", '[');
	for (size_t i = 0; i < s->peer_cnt; i++)
		view_peer(j, v, s, i);
	agent_json_close(j, ']');
}

/* --- networks --------------------------------------------------------------------- */

static const char *type_name(enum agent_type type)
{
	switch (type) {
	case AGENT_WIREGUARD:
		return "wireguard";
	case AGENT_FORWARD:
		return "forward";
	case AGENT_STATIC:
		return "static";
	}
	return "";
}

static void view_state(struct agent_json *j, const struct agent_view *v, const struct agent_network *n, adit_time now)
{
	char warning[256];

	agent_json_bool(j, "wanted", n->wanted);
	agent_json_text(j, "state", agent_state_name(n->state));
	agent_json_text(j, "reason", agent_reason_name(n->reason));
	agent_json_text(j, "why", agent_view_why(v->role, n->why, n->reason));
	agent_json_age(j, "since_ms", now, n->since);
	if (n->retry_at == ADIT_NEVER || n->retry_at == 0)
		agent_json_null(j, "retry_in_ms");
	else
		agent_json_number(j, "retry_in_ms", n->retry_at > now ? (uint64_t)((n->retry_at - now) / ADIT_MSEC) : 0);
	agent_json_number(j, "failures", n->failures);
	agent_json_optional(j, "dns", n->dns);
	if (v->role < AGENT_ROLE_OPERATOR)
		hide_endpoints(warning, n->warning);
	agent_json_optional(j, "warning", v->role < AGENT_ROLE_OPERATOR ? warning : n->warning);
}

static void view_settings(struct agent_json *j, const struct agent_network *n, const struct agent_snapshot *s)
{
	char buf[ADIT_PREFIX_STRLEN];

	agent_json_optional(j, "interface", n->ifname);
	agent_json_open(j, "addresses", '[');
	for (size_t i = 0; i < n->settings->address_cnt; i++)
		agent_json_text(j, NULL, adit_prefix_format(&n->settings->addresses[i], buf));
	agent_json_close(j, ']');
	if (s->mtu)
		agent_json_number(j, "mtu", s->mtu);
	else
		agent_json_null(j, "mtu");
	agent_json_bool(j, "killswitch", n->settings->killswitch);
	agent_json_optional(j, "public_key", s->public_key);
	agent_json_number(j, "listen_port", s->listen_port);
	agent_json_number(j, "fwmark", s->fwmark);
}

static void view_drops(struct agent_json *j, const struct agent_snapshot *s)
{
	agent_json_open(j, "errors", '{');
	agent_json_number(j, "tun", s->errors_tun);
	agent_json_number(j, "packet", s->errors_packet);
	agent_json_number(j, "handshake", s->errors_handshake);
	agent_json_close(j, '}');
	agent_json_open(j, "drops", '{');
	for (unsigned i = 0; i < ADIT_DROP_CNT; i++)
		if (s->drops[i])
			agent_json_number(j, adit_drop_name((enum adit_drop)i), s->drops[i]);
	agent_json_close(j, '}');
}

static void view_captures(struct agent_json *j, const struct agent_network *n)
{
	const struct agent_caller *keys = agent_captures_keys(n);

	agent_json_number(j, "captures", agent_captures(n));
	if (!keys) {
		agent_json_null(j, "keylog");
		return;
	}
	agent_json_open(j, "keylog", '{');
	agent_json_number(j, "uid", keys->uid);
	agent_json_signed(j, "pid", keys->pid);
	agent_json_close(j, '}');
}

static void view_network(struct agent_json *j, const struct agent_view *v, const struct agent_snapshot *s)
{
	const struct agent_network *n = s->network;
	struct agent_rate rates[AGENT_WINDOW_CNT];

	agent_json_open(j, NULL, '{');
	agent_json_text(j, "name", n->settings->name);
	agent_json_text(j, "type", type_name(n->settings->type));
	agent_json_bool(j, "enable", n->settings->enable);
	view_state(j, v, n, s->now);
	view_settings(j, n, s);
	agent_json_number(j, "rx_bytes", s->rx_bytes);
	agent_json_number(j, "tx_bytes", s->tx_bytes);
	agent_json_number(j, "rx_packets", s->rx_packets);
	agent_json_number(j, "tx_packets", s->tx_packets);
	if (v->rates) {
		agent_rates_network(v->rates, s, rates);
		view_rates(j, rates);
	}
	view_drops(j, s);
	view_captures(j, n);
	agent_json_number(j, "peer_count", s->peer_cnt);
	agent_json_open(j, "services", '[');
	for (size_t i = 0; i < s->service_cnt; i++)
		agent_json_text(j, NULL, s->service[i]);
	agent_json_close(j, ']');
	if (v->peers)
		agent_view_peers(j, v, s);
	agent_json_close(j, '}');
}

int agent_view_status(struct agent_json *j, const struct agent_view *v, struct agent *a, struct agent_network *network)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	agent_json_number(j, "schema", AGENT_SCHEMA);
	agent_json_text(j, "version", ADIT_VERSION);
	agent_json_number(j, "generation", a->generation);
	agent_json_age(j, "uptime_ms", ts.tv_sec * ADIT_SEC + ts.tv_nsec, a->started);
	agent_json_number(j, "last_event", a->events.last);
	agent_json_open(j, "networks", '[');
	for (struct agent_network *n = network ? network : a->networks; n; n = network ? NULL : n->next) {
		struct agent_snapshot s;

		if (agent_snapshot_take(&s, n))
			return -ENOMEM;
		view_network(j, v, &s);
		agent_snapshot_free(&s);
	}
	agent_json_close(j, ']');
	return 0;
}

/* --- events ----------------------------------------------------------------------- */

void agent_view_event(struct agent_json *j, enum agent_role role, const struct agent_event *e)
{
	char text[256];

	agent_json_open(j, NULL, '{');
	agent_json_number(j, "seq", e->seq);
	agent_json_signed(j, "time_ms", e->wall_ms);
	agent_json_text(j, "kind", e->kind);
	agent_json_optional(j, "network", e->network);
	agent_json_optional(j, "peer", e->peer);
	agent_json_optional(j, "state", e->state);
	agent_json_optional(j, "reason", e->reason);
	if (role < AGENT_ROLE_OPERATOR)
		hide_endpoints(text, e->text);
	agent_json_text(j, "text", role < AGENT_ROLE_OPERATOR ? text : e->text);
	agent_json_close(j, '}');
}
