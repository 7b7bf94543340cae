/* SPDX-License-Identifier: ISC */
/*
 * metrics.c - a snapshot in Prometheus' text format 0.0.4. The names of
 * WireGuard's figures are those of prometheus_wireguard_exporter, so that its
 * dashboards show data; what it has no name for begins with adit_.
 */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/drop.h"
#include "forward/snapshot.h"
#include "host/print.h"

#define INTERFACE "forward" /* there is none; dashboards join on the label */

static void single(FILE *out, const char *name, const char *type, const char *help, uint64_t v)
{
	adit_metric_head(out, name, type, help);
	fprintf(out, "%s %" PRIu64 "\n", name, v);
}

/* --- WireGuard ---------------------------------------------------------------- */

static uint64_t sent(const struct forward_snapshot *s, const struct snapshot_peer *p)
{
	(void)s;
	return p->info.tx_bytes;
}

static uint64_t received(const struct forward_snapshot *s, const struct snapshot_peer *p)
{
	(void)s;
	return p->info.rx_bytes;
}

/* A Unix time, whatever the name says. */
static uint64_t handshake(const struct forward_snapshot *s, const struct snapshot_peer *p)
{
	(void)s;
	return (uint64_t)p->info.last_handshake.sec;
}

static uint64_t lost(const struct forward_snapshot *s, const struct snapshot_peer *p)
{
	(void)s;
	return p->info.rx_lost;
}

static uint64_t rx_age(const struct forward_snapshot *s, const struct snapshot_peer *p)
{
	return (uint64_t)((s->now - p->info.last_rx_at) / ADIT_SEC);
}

static void of_peers(FILE *out, const struct forward_snapshot *s, const char *name, const char *type, const char *help,
		     uint64_t (*value)(const struct forward_snapshot *s, const struct snapshot_peer *p), bool heard)
{
	adit_metric_head(out, name, type, help);
	for (size_t i = 0; i < s->peer_cnt; i++) {
		const struct snapshot_peer *p = &s->peer[i];

		if (heard && !p->info.last_rx_at)
			continue;
		fprintf(out, "%s{interface=\"" INTERFACE "\",", name);
		adit_metric_label(out, "public_key", p->key);
		fputc(',', out);
		adit_metric_label(out, "allowed_ips", p->allowed ? p->allowed : "");
		fprintf(out, "} %" PRIu64 "\n", value(s, p));
	}
}

static void wireguard(FILE *out, const struct forward_snapshot *s)
{
	of_peers(out, s, "wireguard_sent_bytes_total", "counter", "Bytes sent to the peer", sent, false);
	of_peers(out, s, "wireguard_received_bytes_total", "counter", "Bytes received from the peer", received, false);
	of_peers(out, s, "wireguard_latest_handshake_seconds", "gauge",
		 "Unix time of the last handshake with the peer, 0 = never", handshake, false);
	of_peers(out, s, "adit_peer_lost_packets_total", "counter", "Packets of the peer that never came", lost, false);
	of_peers(out, s, "adit_peer_last_receive_age_seconds", "gauge",
		 "Seconds since the peer was heard, authenticated", rx_age, true);
	adit_metric_head(out, "adit_handshakes_total", "counter", "Completed handshakes");
	fprintf(out, "adit_handshakes_total{role=\"responder\"} %" PRIu64 "\n"
		"adit_handshakes_total{role=\"initiator\"} %" PRIu64 "\n", s->wg.handshakes_in, s->wg.handshakes_out);
	single(out, "adit_handshake_initiations_total", "counter", "Initiations sent", s->wg.initiations_sent);
}

/* --- services ------------------------------------------------------------------ */

static void of_service(FILE *out, const char *name, const struct snapshot_service *v, const char *more, uint64_t n)
{
	fprintf(out, "%s{", name);
	adit_metric_label(out, "service", v->text);
	fprintf(out, "%s} %" PRIu64 "\n", more, n);
}

static void services(FILE *out, const struct forward_snapshot *s)
{
	const struct snapshot_service *v, *end = s->service + s->service_cnt;

	adit_metric_head(out, "adit_forward_connections_total", "counter", "Connections or UDP mappings by what became of them");
	for (v = s->service; v < end; v++) {
		of_service(out, "adit_forward_connections_total", v, ",result=\"opened\"", v->n.opened);
		of_service(out, "adit_forward_connections_total", v, ",result=\"failed\"", v->n.failed);
		of_service(out, "adit_forward_connections_total", v, ",result=\"refused\"", v->n.refused);
	}
	adit_metric_head(out, "adit_forward_connections", "gauge", "Connections or UDP mappings that are open");
	for (v = s->service; v < end; v++)
		of_service(out, "adit_forward_connections", v, "", v->n.open);
	adit_metric_head(out, "adit_forward_bytes_total", "counter", "Payload by direction");
	for (v = s->service; v < end; v++) {
		of_service(out, "adit_forward_bytes_total", v, ",direction=\"in\"", v->n.bytes_in);
		of_service(out, "adit_forward_bytes_total", v, ",direction=\"out\"", v->n.bytes_out);
	}
	adit_metric_head(out, "adit_forward_udp_mappings_total", "counter", "UDP mappings that ended, datagrams without one, and those that SOCKS5 refused");
	for (v = s->service; v < end; v++) {
		of_service(out, "adit_forward_udp_mappings_total", v, ",event=\"expired\"", v->n.udp_expired);
		of_service(out, "adit_forward_udp_mappings_total", v, ",event=\"reclaimed\"", v->n.udp_reclaimed);
		of_service(out, "adit_forward_udp_mappings_total", v, ",event=\"exhausted\"", v->n.udp_exhausted);
		of_service(out, "adit_forward_udp_mappings_total", v, ",event=\"refused\"", v->n.udp_refused);
	}
}

/* --- the rest -------------------------------------------------------------------- */

static void alive(FILE *out, const struct forward_snapshot *s)
{
	char buf[ADIT_ADDR_STRLEN];

	if (!s->alive->cnt)
		return;
	adit_metric_head(out, "adit_alive_last_pong_seconds", "gauge", "Unix time of an address's last answer to CheckAlive, 0 = never");
	for (unsigned i = 0; i < s->alive->cnt; i++)
		fprintf(out, "adit_alive_last_pong_seconds{address=\"%s\"} %" PRId64 "\n",
			adit_addr_format(&s->alive->ping[i].addr, buf), atomic_load(&s->alive->ping[i].pong_unix));
}

static void drops(FILE *out, const struct forward_snapshot *s)
{
	adit_metric_head(out, "adit_dropped_packets_total", "counter", "Packets dropped by reason");
	for (size_t i = 0; i < ADIT_DROP_CNT; i++)
		if (s->tunnel.drops[i])
			fprintf(out, "adit_dropped_packets_total{reason=\"%s\"} %" PRIu64 "\n",
				adit_drop_name((enum adit_drop)i), s->tunnel.drops[i]);
}

static void stack(FILE *out, const struct forward_snapshot *s)
{
	single(out, "adit_tcp_connections", "gauge", "TCP connections inside", s->stack.tcp_flows);
	single(out, "adit_tcp_retransmitted_bytes_total", "counter", "Bytes sent again", s->stack.retransmitted_bytes);
	single(out, "adit_tcp_timeouts_total", "counter", "Retransmission timeouts", s->stack.timeouts);
	single(out, "adit_tcp_resets_received_total", "counter", "Connections reset from inside", s->stack.resets_in);
	single(out, "adit_udp_sockets", "gauge", "UDP sockets inside", s->stack.udp_socks);
	single(out, "adit_buffer_bytes", "gauge", "Memory in flow buffers", s->stack.memory_used);
	single(out, "adit_buffer_limit_bytes", "gauge", "Ceiling of flow buffers", s->memory_limit);
}

static void process(FILE *out, int statm_fd)
{
	char text[128];
	unsigned long pages;
	ssize_t n = statm_fd < 0 ? -1 : pread(statm_fd, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return;
	text[n] = '\0';
	if (sscanf(text, "%*s %lu", &pages) == 1)
		single(out, "process_resident_memory_bytes", "gauge", "Resident memory",
		       (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE));
}

void metrics_write(FILE *out, const struct forward_snapshot *s, int statm_fd)
{
	adit_metric_head(out, "adit_build_info", "gauge", "Version of the program");
	fprintf(out, "adit_build_info{version=\"%s\",aead=\"%s\"} 1\n", ADIT_VERSION, s->tunnel.aead);
	wireguard(out, s);
	services(out, s);
	if (!s->kernel)
		stack(out, s);
	alive(out, s);
	drops(out, s);
	process(out, statm_fd);
}
