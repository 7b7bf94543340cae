/* SPDX-License-Identifier: ISC */
/* status.c - a snapshot as text for people and as JSON for programs */
#include <inttypes.h>
#include <string.h>

#include "base/drop.h"
#include "forward/snapshot.h"
#include "host/print.h"

/* --- text ------------------------------------------------------------------- */

static void peer_text(FILE *out, const struct forward_snapshot *s, const struct snapshot_peer *p)
{
	char buf[ADIT_PATH_STRLEN];

	fprintf(out, "\npeer: %s\n  endpoint: %s", p->key, adit_path_format(&p->info.endpoint, buf));
	if (p->endpoint_name[0])
		fprintf(out, " (%s)", p->endpoint_name);
	fprintf(out, "\n  allowed ips: %s\n  last handshake: ", p->allowed ? p->allowed : "?");
	adit_print_age(out, s->now, p->info.last_handshake_at);
	fprintf(out, "\n  last heard: ");
	adit_print_age(out, s->now, p->info.last_rx_at);
	fprintf(out, "\n  transfer: ");
	adit_print_bytes(out, p->info.rx_bytes);
	fprintf(out, " received, ");
	adit_print_bytes(out, p->info.tx_bytes);
	fprintf(out, " sent\n");
	if (p->problem[0])
		fprintf(out, "  problem: endpoint %s\n", p->problem);
	else if (p->info.handshake_attempts > 1)
		fprintf(out, "  problem: %" PRIu64 " handshakes were not answered (is the endpoint right, does the "
			"peer know our key?)\n", p->info.handshake_attempts);
}

static void service_text(FILE *out, const struct snapshot_service *v)
{
	fprintf(out, "\n%s\n  open %u, opened %" PRIu64 ", failed %" PRIu64 ", refused %" PRIu64 "; ", v->text,
		v->n.open, v->n.opened, v->n.failed, v->n.refused);
	adit_print_bytes(out, v->n.bytes_in);
	fprintf(out, " from inside, ");
	adit_print_bytes(out, v->n.bytes_out);
	fprintf(out, " to inside\n");
	if (v->n.udp_reclaimed || v->n.udp_exhausted || v->n.udp_expired)
		fprintf(out, "  mappings: %" PRIu64 " expired, %" PRIu64 " reclaimed, %" PRIu64 " datagrams dropped for "
			"want of a port\n", v->n.udp_expired, v->n.udp_reclaimed, v->n.udp_exhausted);
}

static void alive_text(FILE *out, const struct forward_snapshot *s)
{
	char buf[ADIT_ADDR_STRLEN];

	for (unsigned i = 0; i < s->alive->cnt; i++) {
		fprintf(out, "\nalive: %s answered ", adit_addr_format(&s->alive->ping[i].addr, buf));
		adit_print_age(out, s->now, atomic_load(&s->alive->ping[i].pong_at));
		fprintf(out, "\n");
	}
}

void status_write_text(FILE *out, const struct forward_snapshot *s)
{
	size_t i;

	fprintf(out, "public key: %s\nlistening port: %u\ncipher: %s\n", s->key, s->port, s->tunnel.aead);
	if (s->kernel)
		fprintf(out, "backend: kernel, %u connections\n", s->kernel_stats.open);
	else
		fprintf(out, "connections: %zu, datagram sockets: %zu\n", s->stack.tcp_flows, s->stack.udp_socks);
	fprintf(out, "buffers: ");
	adit_print_bytes(out, s->stack.memory_used);
	fprintf(out, " of ");
	adit_print_bytes(out, s->memory_limit);
	fprintf(out, "\n");
	for (i = 0; i < s->peer_cnt; i++)
		peer_text(out, s, &s->peer[i]);
	for (i = 0; i < s->service_cnt; i++)
		service_text(out, &s->service[i]);
	alive_text(out, s);
	for (i = 0; i < ADIT_DROP_CNT; i++)
		if (s->tunnel.drops[i])
			fprintf(out, "\ndropped: %" PRIu64 " %s", s->tunnel.drops[i], adit_drop_name((enum adit_drop)i));
	for (i = 0; i < s->tunnel.note_cnt; i++)
		fprintf(out, "\nnote: %s", s->tunnel.notes[i]);
	fprintf(out, "\n");
}

/* --- JSON ------------------------------------------------------------------- */

static void peer_json(FILE *out, const struct forward_snapshot *s, const struct snapshot_peer *p)
{
	char buf[ADIT_PATH_STRLEN];

	fprintf(out, "{\"public_key\":\"%s\"", p->key);
	adit_json_member(out, "endpoint", p->info.endpoint.kind ? adit_path_format(&p->info.endpoint, buf) : "");
	adit_json_member(out, "endpoint_name", p->endpoint_name);
	adit_json_member(out, "problem", p->problem);
	adit_json_member(out, "allowed_ips", p->allowed ? p->allowed : "");
	fprintf(out, ",\"session\":%s", p->info.has_session ? "true" : "false");
	adit_json_age(out, "last_handshake_age_ms", s->now, p->info.last_handshake_at);
	adit_json_age(out, "last_rx_age_ms", s->now, p->info.last_rx_at);
	adit_json_number(out, "rx_bytes", p->info.rx_bytes);
	adit_json_number(out, "tx_bytes", p->info.tx_bytes);
	adit_json_number(out, "rx_lost", p->info.rx_lost);
	adit_json_number(out, "handshake_attempts", p->info.handshake_attempts);
	adit_json_number(out, "keepalive", p->info.keepalive);
	fprintf(out, "}");
}

static void service_json(FILE *out, const struct snapshot_service *v)
{
	char buf[ADIT_ENDPOINT_STRLEN];

	fprintf(out, "{\"service\":");
	adit_json_string(out, v->text);
	adit_json_member(out, "bound", adit_endpoint_format(&v->n.bound, buf));
	adit_json_number(out, "open", v->n.open);
	adit_json_number(out, "opened", v->n.opened);
	adit_json_number(out, "failed", v->n.failed);
	adit_json_number(out, "refused", v->n.refused);
	adit_json_number(out, "bytes_in", v->n.bytes_in);
	adit_json_number(out, "bytes_out", v->n.bytes_out);
	adit_json_number(out, "udp_expired", v->n.udp_expired);
	adit_json_number(out, "udp_reclaimed", v->n.udp_reclaimed);
	adit_json_number(out, "udp_exhausted", v->n.udp_exhausted);
	adit_json_number(out, "udp_refused", v->n.udp_refused);
	fprintf(out, "}");
}

static void stack_json(FILE *out, const struct forward_snapshot *s)
{
	fprintf(out, ",\"stack\":{\"connections\":%zu,\"handshaking\":%zu,\"time_wait\":%zu,\"udp_sockets\":%zu",
		s->stack.tcp_flows, s->stack.tcp_syn, s->stack.time_wait, s->stack.udp_socks);
	adit_json_number(out, "packets_in", s->stack.packets_in);
	adit_json_number(out, "packets_out", s->stack.packets_out);
	adit_json_number(out, "bytes_in", s->stack.bytes_in);
	adit_json_number(out, "bytes_out", s->stack.bytes_out);
	adit_json_number(out, "retransmitted_bytes", s->stack.retransmitted_bytes);
	adit_json_number(out, "timeouts", s->stack.timeouts);
	adit_json_number(out, "memory_used", s->stack.memory_used);
	adit_json_number(out, "memory_peak", s->memory_peak);
	adit_json_number(out, "memory_limit", s->memory_limit);
	fprintf(out, "}");
}

void status_write_json(FILE *out, const struct forward_snapshot *s)
{
	char buf[ADIT_ADDR_STRLEN];
	size_t i;

	fprintf(out, "{\"schema\":1,\"version\":\"%s\",\"backend\":\"%s\",\"public_key\":\"%s\",\"listen_port\":%u",
		ADIT_VERSION, s->kernel ? "kernel" : "stack", s->key, s->port);
	adit_json_member(out, "aead", s->tunnel.aead);
	fprintf(out, ",\"peers\":[");
	for (i = 0; i < s->peer_cnt; i++) {
		fputs(i ? "," : "", out);
		peer_json(out, s, &s->peer[i]);
	}
	fprintf(out, "],\"services\":[");
	for (i = 0; i < s->service_cnt; i++) {
		fputs(i ? "," : "", out);
		service_json(out, &s->service[i]);
	}
	fprintf(out, "],\"alive\":[");
	for (i = 0; i < s->alive->cnt; i++) {
		fprintf(out, "%s{\"address\":\"%s\"", i ? "," : "",
			adit_addr_format(&s->alive->ping[i].addr, buf));
		adit_json_age(out, "last_pong_age_ms", s->now, atomic_load(&s->alive->ping[i].pong_at));
		fprintf(out, "}");
	}
	fprintf(out, "]");
	stack_json(out, s);
	adit_json_drops(out, s->tunnel.drops);
	fprintf(out, ",\"notes\":[");
	for (i = 0; i < s->tunnel.note_cnt; i++) {
		fputs(i ? "," : "", out);
		adit_json_string(out, s->tunnel.notes[i]);
	}
	fprintf(out, "]}\n");
}
