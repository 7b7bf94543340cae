/* SPDX-License-Identifier: ISC */
/* made_up_agent.c - an agent whose networks are invented: office (up), home (no reply), web (down) */
#include "support/made_up_agent.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "tunnel/tap.h"

static adit_time time_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return ts.tv_sec * ADIT_SEC + ts.tv_nsec;
}

/* --- the agent's own functions ----------------------------------------------------- */

const char *agent_state_name(enum agent_state state)
{
	static const char *const names[] = { "down", "resolving", "handshaking", "up", "stale", "blocked", "error" };

	return names[state];
}

struct agent_network *agent_find(struct agent *a, const char *name)
{
	struct agent_network *n;

	for (n = a->networks; n && strcmp(n->settings->name, name) != 0; n = n->next)
		;
	return n;
}

void made_up_enter(struct agent_network *n, enum agent_state state, enum agent_reason reason, const char *why)
{
	struct agent_event e = { .kind = "state" };

	n->state = state;
	n->reason = reason;
	n->since = time_now();
	n->entered[state]++;
	snprintf(n->why, sizeof(n->why), "%s", why ? why : agent_reason_sentence(reason));
	snprintf(e.network, sizeof(e.network), "%s", n->settings->name);
	snprintf(e.state, sizeof(e.state), "%s", agent_state_name(state));
	snprintf(e.reason, sizeof(e.reason), "%s", agent_reason_name(reason));
	snprintf(e.text, sizeof(e.text), "%s", n->why);
	agent_event_add(&n->agent->events, &e);
}

int agent_connect(struct agent *a, struct agent_network *n, char *err, size_t err_len)
{
	struct made_up_agent *m = (struct made_up_agent *)a;

	if (m->connect_fails) {
		made_up_enter(n, AGENT_ERROR, AGENT_TUN, NULL);
		snprintf(err, err_len, "the TUN device cannot be made");
		return -EIO;
	}
	n->wanted = true;
	n->impl = n;
	if (n->state != AGENT_UP)
		made_up_enter(n, m->connect_takes_time ? AGENT_HANDSHAKING : AGENT_UP,
			      m->connect_takes_time ? AGENT_NO_REPLY : AGENT_OK, NULL);
	return 0;
}

int agent_disconnect(struct agent *a, struct agent_network *n, char *err, size_t err_len)
{
	(void)a;
	(void)err;
	(void)err_len;
	n->wanted = false;
	n->impl = NULL;
	made_up_enter(n, AGENT_DOWN, AGENT_NOT_ASKED, NULL);
	return 0;
}

int agent_reload(struct agent *a, bool dry_run, FILE *out, struct adit_conf_errors *errors, char *err, size_t err_len)
{
	struct made_up_agent *m = (struct made_up_agent *)a;

	m->reloads++;
	if (m->reload_result == -EINVAL)
		adit_conf_error_at(errors, "adit.toml", (struct adit_conf_pos){ 3, 5 }, "network.office.mtu",
				   "must be a whole number from 576 to 65535");
	if (m->reload_result) {
		snprintf(err, err_len, "%s", m->reload_result == -EINVAL ? "" : "port 51820 is taken");
		return m->reload_result;
	}
	if (out)
		fputs("office: peer vpn-server: allowed_ips changes\nhome: stays\n", out);
	a->generation += !dry_run;
	return 0;
}

/* Who looks on sees one packet that nobody takes, and (tap->keys) one handshake. */
int agent_network_tap(struct agent_network *n, struct adit_tap *tap)
{
	static uint8_t packet[20] = { 0x45, 0, 0, 20 }, keys[4][ADIT_KEY_LEN] = { { 1 }, { 2 }, { 3 }, { 4 } };
	const struct adit_wg_keys k = { keys[0], keys[1], keys[2], keys[3] };
	const struct iovec iov[2] = { { packet, 12 }, { packet + 12, 8 } };

	(void)n;
	tap->dropped(tap, true, ADIT_DROP_no_peer, iov, 2);
	if (tap->keys)
		tap->keys(tap, &k);
	return 0;
}

void agent_network_untap(struct agent_network *n, struct adit_tap *tap)
{
	(void)n;
	(void)tap;
}

int agent_peer_add(struct agent *a, struct agent_network *n, const struct agent_peer *peer, char *err, size_t err_len)
{
	struct made_up_agent *m = (struct made_up_agent *)a;

	if (!n->impl) {
		snprintf(err, err_len, "%s is down", n->settings->name);
		return -ENOENT;
	}
	m->peers_added++;
	m->last_peer = *peer;
	return 0;
}

int agent_peer_remove(struct agent *a, struct agent_network *n, const uint8_t key[ADIT_KEY_LEN], char *err,
		      size_t err_len)
{
	struct made_up_agent *m = (struct made_up_agent *)a;
	char text[ADIT_KEY_BASE64_LEN + 1];

	(void)n;
	adit_key_to_base64(text, key);
	for (size_t i = 0; i < m->network[0].peer_cnt; i++) {
		if (!strcmp(m->network[0].peer[i].key, text)) {
			m->peers_removed++;
			return 0;
		}
	}
	snprintf(err, err_len, "there is no such peer");
	return -ENOENT;
}

bool agent_confirm(struct agent *a)
{
	bool waits = a->confirm_by != ADIT_NEVER;

	a->confirm_by = ADIT_NEVER;
	return waits;
}

/* What a child of the helper writes, all of it at once. */
int helper_job(struct helper *h, const struct helper_job *job, char *err, size_t err_len)
{
	static const char doctor[] = "{\"schema\":1,\"level\":\"warning\",\"findings\":[{\"check\":\"clock\",\"level\":"
				     "\"warning\",\"text\":\"nothing keeps it right\",\"fix\":\"chrony\"}]}\n";
	static const char cleanup[] = "{\"schema\":1,\"dry_run\":false,\"changes\":[{\"network\":\"wg7\",\"what\":"
				      "\"undone\",\"text\":\"address 10.7.0.1/24\"}]}\n";
	const struct made_up_agent *m = (const struct made_up_agent *)h; /* nobody else is asked there */
	const char *text = m->job_says ? m->job_says : strcmp(job->what, "doctor") ? cleanup : doctor;
	int fd[2];

	if (pipe(fd) < 0) {
		snprintf(err, err_len, "no pipe");
		return -errno;
	}
	if (write(fd[1], text, strlen(text)) < 0) {
		close(fd[0]);
		fd[0] = -errno;
	}
	close(fd[1]);
	return fd[0];
}

/* --- what is seen ------------------------------------------------------------------- */

static void fill_peer(struct agent_snapshot_peer *p, const struct made_up_peer *from, size_t i, adit_time now,
		      adit_time started)
{
	double s = (double)(now - started) / ADIT_SEC + 60;

	snprintf(p->name, sizeof(p->name), "%s", from->name);
	memcpy(p->key, from->key, sizeof(p->key));
	if (asprintf(&p->allowed, "10.%u.%u.%u/32,fd00::%zx/128", (unsigned)(i >> 16) & 255, (unsigned)(i >> 8) & 255,
		     (unsigned)i & 255, i + 1) < 0)
		p->allowed = NULL;
	if (!from->silent)
		snprintf(p->endpoint, sizeof(p->endpoint), "192.0.2.%u:51820", (unsigned)i % 250 + 1);
	snprintf(p->configured, sizeof(p->configured), "vpn%zu.example.com:51820", i);
	p->reason = from->reason;
	snprintf(p->why, sizeof(p->why), "%s", from->reason ? agent_reason_sentence(from->reason) : "");
	p->keepalive = 25;
	if (from->silent) {
		p->handshake_attempts = 7;
		return;
	}
	p->session = true;
	p->handshake = now - (adit_time)(10 + i % 110) * ADIT_SEC;
	p->handshake_wall = time(NULL) - 10 - (int64_t)(i % 110);
	p->last_rx = now - (adit_time)(i % 20 + 1) * ADIT_SEC / 4;
	p->last_tx = p->last_rx;
	/* Waves, so that a graph has something to show; never backwards. */
	p->rx_bytes = (uint64_t)((double)from->rx_rate * (s + 3 * sin(s / 4)));
	p->tx_bytes = (uint64_t)((double)from->tx_rate * (s + 4 * sin(s / 7)));
	p->rx_packets = p->rx_bytes / 1200;
	p->tx_packets = p->tx_bytes / 1200;
	p->rx_lost = from->lost;
}

int agent_snapshot_take(struct agent_snapshot *ret, struct agent_network *n)
{
	const struct made_up_network *m = (const struct made_up_network *)n;
	size_t i;

	*ret = (struct agent_snapshot){ .network = n, .now = time_now() };
	if (!n->impl)
		return 0;
	memcpy(ret->public_key, "cHVibGlja2V5cHVibGlja2V5cHVibGlja2V5cHVibGg=", 45);
	ret->listen_port = 51820;
	ret->mtu = 1420;
	ret->peer = calloc(m->peer_cnt ? m->peer_cnt : 1, sizeof(*ret->peer));
	if (!ret->peer)
		return -ENOMEM;
	ret->peer_cnt = ret->peer_cap = m->peer_cnt;
	for (i = 0; i < m->peer_cnt; i++) {
		fill_peer(&ret->peer[i], &m->peer[i], i, ret->now, n->agent->started);
		ret->rx_bytes += ret->peer[i].rx_bytes;
		ret->tx_bytes += ret->peer[i].tx_bytes;
		ret->rx_packets += ret->peer[i].rx_packets;
		ret->tx_packets += ret->peer[i].tx_packets;
	}
	ret->drops[ADIT_DROP_NONE + 1] = 12;
	ret->drops[ADIT_DROP_NONE + 3] = 340;
	ret->errors_packet = 352;
	return 0;
}

void agent_snapshot_free(struct agent_snapshot *s)
{
	for (size_t i = 0; i < s->peer_cnt; i++)
		free(s->peer[i].allowed);
	free(s->peer);
}

/* --- life --------------------------------------------------------------------------- */

static void add_network(struct made_up_agent *m, const char *name, const char *ifname, size_t peers)
{
	struct made_up_network *n = &m->network[m->network_cnt++];

	snprintf(n->settings.name, sizeof(n->settings.name), "%s", name);
	n->settings.enable = true;
	adit_prefix_parse(&n->address, "10.42.0.2/32");
	n->settings.addresses = &n->address;
	n->settings.address_cnt = 1;
	snprintf(n->n.ifname, sizeof(n->n.ifname), "%s", ifname);
	n->n.settings = &n->settings;
	n->n.agent = &m->a;
	n->n.retry_at = ADIT_NEVER;
	n->n.since = time_now();
	n->peer = calloc(peers ? peers : 1, sizeof(*n->peer));
	n->peer_cnt = n->peer ? peers : 0;
	for (size_t i = 0; i < n->peer_cnt; i++) {
		uint8_t key[ADIT_KEY_LEN] = { 1, (uint8_t)(i >> 8), (uint8_t)i, (uint8_t)m->network_cnt };

		adit_key_to_base64(n->peer[i].key, key);
		snprintf(n->peer[i].name, sizeof(n->peer[i].name), i ? "laptop-%zu" : "vpn-server", i);
		n->peer[i].rx_rate = 1500000 / (i + 1);
		n->peer[i].tx_rate = 250000 / (i + 1);
		n->peer[i].lost = i % 7 == 3 ? 40 : 0;
		n->peer[i].silent = i % 9 == 8;
		n->peer[i].reason = n->peer[i].silent ? AGENT_NO_REPLY : AGENT_OK;
	}
}

struct made_up_agent *made_up_new(unsigned peers)
{
	struct made_up_agent *m = calloc(1, sizeof(*m));
	struct agent_network **tail;

	if (!m)
		return NULL;
	m->a.config = &m->config;
	m->a.helper = (struct helper *)m;
	m->a.config_path = "/etc/adit/adit.toml";
	m->a.generation = 1;
	m->a.confirm_by = ADIT_NEVER;
	m->a.started = time_now();
	m->a.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	add_network(m, "office", "wg0", peers);
	add_network(m, "home", "wg1", 1);
	add_network(m, "web", "", 0);
	tail = &m->a.networks;
	for (unsigned i = 0; i < m->network_cnt; i++) {
		*tail = &m->network[i].n;
		tail = &m->network[i].n.next;
	}
	m->network[1].peer[0].silent = true;
	m->network[1].peer[0].reason = AGENT_NO_REPLY;
	for (unsigned i = 0; i < 2; i++)
		m->network[i].n.impl = &m->network[i].n, m->network[i].n.wanted = true;
	made_up_enter(&m->network[0].n, AGENT_UP, AGENT_OK, "");
	made_up_enter(&m->network[1].n, AGENT_HANDSHAKING, AGENT_NO_REPLY,
		      "initiations to 198.51.100.7:51820 are sent and nothing comes back");
	m->network[2].n.reason = AGENT_NOT_ASKED;
	m->network[2].settings.type = AGENT_FORWARD;
	return m;
}

void made_up_free(struct made_up_agent *m)
{
	if (!m)
		return;
	for (unsigned i = 0; i < m->network_cnt; i++)
		free(m->network[i].peer);
	close(m->a.epoll_fd);
	free(m);
}
