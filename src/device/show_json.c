/* SPDX-License-Identifier: ISC */
/*
 * show_json.c - `adit show --json` for programs. `schema` is raised when a
 * field changes its meaning or goes away; new fields may come at any time.
 * Times are milliseconds, rates bytes a second, keys base64; secrets are never
 * printed.
 */
#include "device/show.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SCHEMA 1

static void string(const char *s)
{
	putchar('"');
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

static void key(const char *name)
{
	printf(",\"%s\":", name);
}

static void text(const char *name, const char *v)
{
	key(name);
	string(v);
}

/* null when empty */
static void optional(const char *name, const char *v)
{
	key(name);
	if (*v)
		string(v);
	else
		printf("null");
}

static void number(const char *name, uint64_t v)
{
	printf(",\"%s\":%" PRIu64, name, v);
}

static void boolean(const char *name, bool v)
{
	printf(",\"%s\":%s", name, v ? "true" : "false");
}

/* null for never */
static void age(const char *name, uint64_t ms)
{
	if (ms)
		number(name, ms);
	else
		printf(",\"%s\":null", name);
}

static void offload_list(const char *name, unsigned set)
{
	bool any = false;
	unsigned bit;

	printf("\"%s\":[", name);
	for (bit = 1; bit <= ADIT_OFFLOAD_ALL; bit <<= 1) {
		char one[ADIT_OFFLOAD_STRLEN];

		if (!(set & bit))
			continue;
		if (any)
			putchar(',');
		any = true;
		string(adit_offload_format(bit, one));
	}
	putchar(']');
}

static void drops(const struct adit_show_device *d)
{
	enum adit_drop i;

	printf(",\"drops\":{");
	for (i = ADIT_DROP_NONE + 1; i < ADIT_DROP_CNT; i++)
		printf("%s\"%s\":%" PRIu64, i == ADIT_DROP_NONE + 1 ? "" : ",", adit_drop_name(i), d->drops[i]);
	putchar('}');
}

static void own_device(const struct adit_show_device *d)
{
	unsigned i;

	text("adit_version", d->version);
	boolean("up", d->up);
	number("mtu", d->mtu);
	number("threads", d->threads);
	text("aead", d->aead);
	key("offloads");
	putchar('{');
	offload_list("probed", d->offloads_probed);
	putchar(',');
	offload_list("used", d->offloads_used);
	putchar('}');
	number("rx_bytes", d->rx_bytes);
	number("tx_bytes", d->tx_bytes);
	number("rx_datagrams", d->rx_datagrams);
	number("tx_datagrams", d->tx_datagrams);
	number("rx_calls", d->rx_calls);
	number("tx_calls", d->tx_calls);
	number("tun_reads", d->tun_reads);
	number("tun_writes", d->tun_writes);
	number("icmp_errors", d->icmp_errors);
	key("thread_packets");
	putchar('[');
	for (i = 0; i < d->thread_cnt; i++)
		printf("%s%" PRIu64, i ? "," : "", d->thread_packets[i]);
	putchar(']');
	number("sessions", d->sessions);
	number("handshakes_in", d->handshakes_in);
	number("handshakes_out", d->handshakes_out);
	number("initiations_sent", d->initiations_sent);
	number("cookies_sent", d->cookies_sent);
	number("handshake_queue", d->handshake_queue);
	boolean("under_load", d->under_load);
	drops(d);
	key("notes");
	putchar('[');
	for (i = 0; i < d->note_cnt; i++) {
		if (i)
			putchar(',');
		string(d->notes[i]);
	}
	putchar(']');
}

static void begin(void)
{
	printf("{\"schema\":%d,\"interfaces\":[", SCHEMA);
}

static void device(const struct adit_show_device *d, bool first)
{
	printf("%s\n{\"name\":", first ? "" : ",");
	string(d->name);
	optional("public_key", d->public_key);
	number("listen_port", d->listen_port);
	number("fwmark", d->fwmark);
	boolean("adit", *d->version);
	if (*d->version)
		own_device(d);
	printf(",\"peers\":[");
}

static void own_peer(const struct adit_show_peer *p)
{
	boolean("session", p->session);
	age("handshake_age_ms", p->handshake_age_ms);
	age("last_rx_age_ms", p->last_rx_age_ms);
	age("last_tx_age_ms", p->last_tx_age_ms);
	number("rx_packets", p->rx_packets);
	number("tx_packets", p->tx_packets);
	number("rx_lost", p->rx_lost);
	number("rx_reordered", p->rx_reordered);
	printf(",\"loss\":%.6f", adit_show_loss(p));
	number("handshake_attempts", p->handshake_attempts);
	boolean("black_hole", p->black_hole);
}

static void peer(const struct adit_show_device *d, const struct adit_show_peer *p, bool first)
{
	const char *a;

	printf("%s\n{\"public_key\":", first ? "" : ",");
	string(p->public_key);
	boolean("preshared_key", p->has_psk);
	optional("endpoint", p->endpoint);
	key("allowed_ips");
	putchar('[');
	for (a = p->allowed; p->allowed_len && *a; a += strlen(a) + 1) {
		if (a != p->allowed)
			putchar(',');
		string(a);
	}
	putchar(']');
	number("latest_handshake", (uint64_t)p->handshake_sec);
	number("rx_bytes", p->rx_bytes);
	number("tx_bytes", p->tx_bytes);
	number("persistent_keepalive", p->keepalive);
	if (*d->version)
		own_peer(p);
	if (p->has_rates)
		printf(",\"rx_rate\":%.0f,\"tx_rate\":%.0f", p->rx_rate, p->tx_rate);
	putchar('}');
}

static void device_end(const struct adit_show_device *d)
{
	(void)d;
	printf("]}");
}

static void end(void)
{
	printf("]}\n");
}

const struct adit_show_printer adit_show_json = { begin, device, peer, device_end, end };
