/* SPDX-License-Identifier: ISC */
/* metrics.c - all networks in Prometheus' text format */
#include "agent/metrics.h"
#include "host/print.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct snapshots {
	struct agent_snapshot *s;
	size_t cnt;
};

/* --- peers ------------------------------------------------------------------------ */

/* Networks without an interface of the machine are named by themselves. */
static const char *interface(const struct agent_snapshot *s)
{
	return s->network->ifname[0] ? s->network->ifname : s->network->settings->name;
}

enum peer_value { SENT, RECEIVED, HANDSHAKE, RX_AGE, LOST, REORDERED, ATTEMPTS };

/* False: there is no value. */
static bool peer_value(enum peer_value which, const struct agent_snapshot *s, const struct agent_snapshot_peer *p,
		       uint64_t *ret)
{
	switch (which) {
	case SENT:
		*ret = p->tx_bytes;
		return true;
	case RECEIVED:
		*ret = p->rx_bytes;
		return true;
	case HANDSHAKE: /* a Unix time, whatever the name says */
		*ret = p->handshake_wall > 0 ? (uint64_t)p->handshake_wall : 0;
		return true;
	case RX_AGE:
		*ret = s->now > p->last_rx ? (uint64_t)((s->now - p->last_rx) / ADIT_SEC) : 0;
		return p->last_rx != 0;
	case LOST:
		*ret = p->rx_lost;
		return true;
	case REORDERED:
		*ret = p->rx_reordered;
		return true;
	case ATTEMPTS:
		*ret = p->handshake_attempts;
		return true;
	}
	return false;
}

static void of_peers(FILE *out, const struct snapshots *all, const char *name, const char *type, const char *help,
		     enum peer_value which)
{
	uint64_t v;

	adit_metric_head(out, name, type, help);
	for (size_t i = 0; i < all->cnt; i++) {
		const struct agent_snapshot *s = &all->s[i];

		for (size_t k = 0; k < s->peer_cnt; k++) {
			const struct agent_snapshot_peer *p = &s->peer[k];

			if (!peer_value(which, s, p, &v))
				continue;
			fprintf(out, "%s{", name);
			adit_metric_label(out, "interface", interface(s));
			fprintf(out, ",public_key=\"%s\",", p->key);
			adit_metric_label(out, "allowed_ips", p->allowed ? p->allowed : "");
			if (p->name[0]) {
				fputc(',', out);
				adit_metric_label(out, "friendly_name", p->name);
			}
			fprintf(out, "} %" PRIu64 "\n", v);
		}
	}
}

static void peers(FILE *out, const struct snapshots *all)
{
	of_peers(out, all, "wireguard_sent_bytes_total", "counter", "Bytes sent to the peer", SENT);
	of_peers(out, all, "wireguard_received_bytes_total", "counter", "Bytes received from the peer", RECEIVED);
	of_peers(out, all, "wireguard_latest_handshake_seconds", "gauge",
		 "Unix time of the last handshake with the peer, 0 = never", HANDSHAKE);
	of_peers(out, all, "adit_peer_last_receive_age_seconds", "gauge",
		 "Seconds since the peer was heard, authenticated", RX_AGE);
	of_peers(out, all, "adit_peer_lost_packets_total", "counter", "Packets of the peer that never came", LOST);
	of_peers(out, all, "adit_peer_reordered_packets_total", "counter", "Packets that came out of order", REORDERED);
	of_peers(out, all, "adit_peer_handshake_attempts", "gauge", "Initiations without an answer, since the last one",
		 ATTEMPTS);
}

/* --- networks --------------------------------------------------------------------- */

static void open_labels(FILE *out, const char *name, const struct agent_snapshot *s)
{
	fprintf(out, "%s{", name);
	adit_metric_label(out, "network", s->network->settings->name);
}

static void states(FILE *out, const struct snapshots *all)
{
	size_t i;
	unsigned k;

	adit_metric_head(out, "adit_network_state", "gauge", "1 for the state the network is in");
	for (i = 0; i < all->cnt; i++)
		for (k = 0; k < AGENT_STATE_CNT; k++) {
			open_labels(out, "adit_network_state", &all->s[i]);
			fprintf(out, ",state=\"%s\"} %d\n", agent_state_name((enum agent_state)k),
				all->s[i].network->state == (enum agent_state)k);
		}
	adit_metric_head(out, "adit_network_wanted", "gauge", "1 when the network shall run");
	for (i = 0; i < all->cnt; i++) {
		open_labels(out, "adit_network_wanted", &all->s[i]);
		fprintf(out, "} %d\n", all->s[i].network->wanted);
	}
	adit_metric_head(out, "adit_network_reason", "gauge", "1, with the reason of the state");
	for (i = 0; i < all->cnt; i++) {
		open_labels(out, "adit_network_reason", &all->s[i]);
		fprintf(out, ",reason=\"%s\"} 1\n", agent_reason_name(all->s[i].network->reason));
	}
	adit_metric_head(out, "adit_network_transitions_total", "counter", "How often the network entered the state");
	for (i = 0; i < all->cnt; i++)
		for (k = 0; k < AGENT_STATE_CNT; k++) {
			open_labels(out, "adit_network_transitions_total", &all->s[i]);
			fprintf(out, ",state=\"%s\"} %" PRIu64 "\n", agent_state_name((enum agent_state)k),
				all->s[i].network->entered[k]);
		}
}

static void directions(FILE *out, const struct snapshots *all, const char *name, const char *help, bool packets)
{
	adit_metric_head(out, name, "counter", help);
	for (size_t i = 0; i < all->cnt; i++) {
		const struct agent_snapshot *s = &all->s[i];

		open_labels(out, name, s);
		fprintf(out, ",direction=\"in\"} %" PRIu64 "\n", packets ? s->rx_packets : s->rx_bytes);
		open_labels(out, name, s);
		fprintf(out, ",direction=\"out\"} %" PRIu64 "\n", packets ? s->tx_packets : s->tx_bytes);
	}
}

static void errors(FILE *out, const struct snapshots *all)
{
	size_t i;

	adit_metric_head(out, "adit_errors_total", "counter", "Errors by class");
	for (i = 0; i < all->cnt; i++) {
		open_labels(out, "adit_errors_total", &all->s[i]);
		fprintf(out, ",class=\"tun\"} %" PRIu64 "\n", all->s[i].errors_tun);
		open_labels(out, "adit_errors_total", &all->s[i]);
		fprintf(out, ",class=\"packet\"} %" PRIu64 "\n", all->s[i].errors_packet);
		open_labels(out, "adit_errors_total", &all->s[i]);
		fprintf(out, ",class=\"handshake\"} %" PRIu64 "\n", all->s[i].errors_handshake);
	}
	adit_metric_head(out, "adit_dropped_packets_total", "counter", "Packets dropped by reason");
	for (i = 0; i < all->cnt; i++)
		for (unsigned k = 0; k < ADIT_DROP_CNT; k++) {
			if (!all->s[i].drops[k])
				continue;
			open_labels(out, "adit_dropped_packets_total", &all->s[i]);
			fprintf(out, ",reason=\"%s\"} %" PRIu64 "\n", adit_drop_name((enum adit_drop)k),
				all->s[i].drops[k]);
		}
}

static void counts(FILE *out, const struct snapshots *all)
{
	size_t i;

	adit_metric_head(out, "adit_network_peers", "gauge", "Peers of the network");
	for (i = 0; i < all->cnt; i++) {
		open_labels(out, "adit_network_peers", &all->s[i]);
		fprintf(out, "} %zu\n", all->s[i].peer_cnt);
	}
	adit_metric_head(out, "adit_killswitch", "gauge", "1 where the network has a killswitch");
	for (i = 0; i < all->cnt; i++) {
		open_labels(out, "adit_killswitch", &all->s[i]);
		fprintf(out, "} %d\n", all->s[i].network->settings->killswitch);
	}
}

/* --- the agent --------------------------------------------------------------------- */

static void single(FILE *out, const char *name, const char *type, const char *help, uint64_t v)
{
	adit_metric_head(out, name, type, help);
	fprintf(out, "%s %" PRIu64 "\n", name, v);
}

static uint64_t resident_bytes(void)
{
	char text[128];
	unsigned long pages;
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	return sscanf(text, "%*s %lu", &pages) == 1 ? (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

static uint64_t open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	uint64_t cnt = 0;

	while (dir && readdir(dir))
		cnt++;
	if (dir)
		closedir(dir);
	return cnt > 3 ? cnt - 3 : 0; /* ".", ".." and its own */
}

static void process(FILE *out, const struct agent *a)
{
	uint64_t resident = resident_bytes(), fds = open_descriptors();

	adit_metric_head(out, "adit_build_info", "gauge", "Version of the program");
	fprintf(out, "adit_build_info{version=\"%s\"} 1\n", ADIT_VERSION);
	single(out, "adit_config_generation", "gauge", "Goes up with each reload", a->generation);
	single(out, "adit_events_total", "counter", "Events so far", a->events.last);
	if (resident) /* both are hidden from a process that is confined */
		single(out, "process_resident_memory_bytes", "gauge", "Resident memory", resident);
	if (fds)
		single(out, "process_open_fds", "gauge", "Open descriptors", fds);
}

/* --- all of it ---------------------------------------------------------------------- */

static void snapshots_free(struct snapshots *all)
{
	for (size_t i = 0; i < all->cnt; i++)
		agent_snapshot_free(&all->s[i]);
	free(all->s);
}

static int snapshots_take(struct snapshots *all, struct agent *a)
{
	size_t cnt = 0;

	for (struct agent_network *n = a->networks; n; n = n->next)
		cnt++;
	*all = (struct snapshots){ .s = calloc(cnt ? cnt : 1, sizeof(*all->s)) };
	if (!all->s)
		return -ENOMEM;
	for (struct agent_network *n = a->networks; n; n = n->next) {
		if (agent_snapshot_take(&all->s[all->cnt], n)) {
			snapshots_free(all);
			return -ENOMEM;
		}
		all->cnt++;
	}
	return 0;
}

static int metrics_write(FILE *out, struct agent *a)
{
	struct snapshots all;
	int r = snapshots_take(&all, a);

	if (r)
		return r;
	process(out, a);
	states(out, &all);
	counts(out, &all);
	directions(out, &all, "adit_network_bytes_total", "Inner bytes by direction", false);
	directions(out, &all, "adit_network_packets_total", "Inner packets by direction", true);
	errors(out, &all);
	peers(out, &all);
	snapshots_free(&all);
	return 0;
}

int agent_metrics_text(struct agent *a, char **ret, size_t *len)
{
	FILE *f = open_memstream(ret, len);
	int r = f ? metrics_write(f, a) : -ENOMEM;

	if (!f)
		*ret = NULL;
	else if (fclose(f))
		r = -ENOMEM;
	if (r) {
		free(*ret);
		*ret = NULL;
	}
	return r;
}
