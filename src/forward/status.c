/* SPDX-License-Identifier: ISC */
/* status.c - a snapshot as text for people and as JSON for programs */
#include <inttypes.h>
#include <string.h>

#include "base/drop.h"
#include "forward/snapshot.h"

/* --- text ------------------------------------------------------------------- */

static void bytes(FILE *out, uint64_t v)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	double d = (double)v;
	unsigned i = 0;

	while (d >= 1024 && i < 4) {
		d /= 1024;
		i++;
	}
	fprintf(out, i ? "%.2f %s" : "%.0f %s", d, units[i]);
}

static void age(FILE *out, adit_time now, adit_time at)
{
	int64_t s = (now - at) / ADIT_SEC;

	if (!at)
		fprintf(out, "never");
	else if (s < 120)
		fprintf(out, "%" PRId64 " s ago", s);
	else if (s < 7200)
		fprintf(out, "%" PRId64 " min ago", s / 60);
	else
		fprintf(out, "%" PRId64 " h ago", s / 3600);
}

static void peer_text(FILE *out, const struct forward_snapshot *s, const struct snapshot_peer *p)
{
	char buf[ADIT_PATH_STRLEN];

	fprintf(out, "\npeer: %s\n  endpoint: %s", p->key, adit_path_format(&p->info.endpoint, buf));
	if (p->endpoint_name[0])
		fprintf(out, " (%s)", p->endpoint_name);
	fprintf(out, "\n  allowed ips: %s\n  last handshake: ", p->allowed ? p->allowed : "?");
	age(out, s->now, p->info.last_handshake_at);
	fprintf(out, "\n  last heard: ");
	age(out, s->now, p->info.last_rx_at);
	fprintf(out, "\n  transfer: ");
	bytes(out, p->info.rx_bytes);
	fprintf(out, " received, ");
	bytes(out, p->info.tx_bytes);
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
	bytes(out, v->n.bytes_in);
	fprintf(out, " from inside, ");
	bytes(out, v->n.bytes_out);
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
		age(out, s->now, atomic_load(&s->alive->ping[i].pong_at));
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
	bytes(out, s->stack.memory_used);
	fprintf(out, " of ");
	bytes(out, s->memory_limit);
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

static void string(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < 0x20 || c >= 0x7f)
			fprintf(out, "\\u%04x", c);
		else
			fputc(c, out);
	}
	fputc('"', out);
}

static void member(FILE *out, const char *name, const char *text)
{
	fprintf(out, ",\"%s\":", name);
	string(out, text);
}

static void number(FILE *out, const char *name, uint64_t v)
{
	fprintf(out, ",\"%s\":%" PRIu64, name, v);
}

/* Milliseconds since; null: never. */
static void age_ms(FILE *out, const char *name, adit_time now, adit_time at)
{
	if (at)
		fprintf(out, ",\"%s\":%" PRId64, name, (now - at) / ADIT_MSEC);
	else
		fprintf(out, ",\"%s\":null", name);
}

static void peer_json(FILE *out, const struct forward_snapshot *s, const struct snapshot_peer *p)
{
	char buf[ADIT_PATH_STRLEN];

	fprintf(out, "{\"public_key\":\"%s\"", p->key);
	member(out, "endpoint", p->info.endpoint.kind ? adit_path_format(&p->info.endpoint, buf) : "");
	member(out, "endpoint_name", p->endpoint_name);
	member(out, "problem", p->problem);
	member(out, "allowed_ips", p->allowed ? p->allowed : "");
	fprintf(out, ",\"session\":%s", p->info.has_session ? "true" : "false");
	age_ms(out, "last_handshake_age_ms", s->now, p->info.last_handshake_at);
	age_ms(out, "last_rx_age_ms", s->now, p->info.last_rx_at);
	number(out, "rx_bytes", p->info.rx_bytes);
	number(out, "tx_bytes", p->info.tx_bytes);
	number(out, "rx_lost", p->info.rx_lost);
	number(out, "handshake_attempts", p->info.handshake_attempts);
	number(out, "keepalive", p->info.keepalive);
	fprintf(out, "}");
}

static void service_json(FILE *out, const struct snapshot_service *v)
{
	char buf[ADIT_ENDPOINT_STRLEN];

	fprintf(out, "{\"service\":");
	string(out, v->text);
	member(out, "bound", adit_endpoint_format(&v->n.bound, buf));
	number(out, "open", v->n.open);
	number(out, "opened", v->n.opened);
	number(out, "failed", v->n.failed);
	number(out, "refused", v->n.refused);
	number(out, "bytes_in", v->n.bytes_in);
	number(out, "bytes_out", v->n.bytes_out);
	number(out, "udp_expired", v->n.udp_expired);
	number(out, "udp_reclaimed", v->n.udp_reclaimed);
	number(out, "udp_exhausted", v->n.udp_exhausted);
	fprintf(out, "}");
}

static void stack_json(FILE *out, const struct forward_snapshot *s)
{
	fprintf(out, ",\"stack\":{\"connections\":%zu,\"handshaking\":%zu,\"time_wait\":%zu,\"udp_sockets\":%zu",
		s->stack.tcp_flows, s->stack.tcp_syn, s->stack.time_wait, s->stack.udp_socks);
	number(out, "packets_in", s->stack.packets_in);
	number(out, "packets_out", s->stack.packets_out);
	number(out, "bytes_in", s->stack.bytes_in);
	number(out, "bytes_out", s->stack.bytes_out);
	number(out, "retransmitted_bytes", s->stack.retransmitted_bytes);
	number(out, "timeouts", s->stack.timeouts);
	number(out, "memory_used", s->stack.memory_used);
	number(out, "memory_peak", s->memory_peak);
	number(out, "memory_limit", s->memory_limit);
	fprintf(out, "}");
}

static void drops_json(FILE *out, const struct forward_snapshot *s)
{
	const char *comma = "";

	fprintf(out, ",\"drops\":{");
	for (size_t i = 0; i < ADIT_DROP_CNT; i++) {
		if (!s->tunnel.drops[i])
			continue;
		fprintf(out, "%s\"%s\":%" PRIu64, comma, adit_drop_name((enum adit_drop)i), s->tunnel.drops[i]);
		comma = ",";
	}
	fprintf(out, "},\"notes\":[");
	for (size_t i = 0; i < s->tunnel.note_cnt; i++) {
		fputs(i ? "," : "", out);
		string(out, s->tunnel.notes[i]);
	}
	fprintf(out, "]");
}

void status_write_json(FILE *out, const struct forward_snapshot *s)
{
	char buf[ADIT_ADDR_STRLEN];
	size_t i;

	fprintf(out, "{\"schema\":1,\"version\":\"%s\",\"backend\":\"%s\",\"public_key\":\"%s\",\"listen_port\":%u",
		ADIT_VERSION, s->kernel ? "kernel" : "stack", s->key, s->port);
	member(out, "aead", s->tunnel.aead);
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
		age_ms(out, "last_pong_age_ms", s->now, atomic_load(&s->alive->ping[i].pong_at));
		fprintf(out, "}");
	}
	fprintf(out, "]");
	stack_json(out, s);
	drops_json(out, s);
	fprintf(out, "}\n");
}
