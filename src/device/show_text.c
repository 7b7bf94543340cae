/* SPDX-License-Identifier: ISC */
/* show_text.c - `adit show` for people: wg(8)'s form, and what wg cannot know */
#include "device/show.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static bool colours;

enum style { BOLD, GREEN, YELLOW, RED, PLAIN };

static const char *style(enum style s)
{
	static const char *const codes[] = {
		[BOLD] = "\x1b[1m", [GREEN] = "\x1b[32m", [YELLOW] = "\x1b[33m", [RED] = "\x1b[31m", [PLAIN] = "\x1b[0m",
	};

	return colours ? codes[s] : "";
}

static void heading(const char *what, const char *name, enum style s)
{
	printf("%s%s%s%s: %s%s%s\n", style(s), style(BOLD), what, style(PLAIN), style(s), name, style(PLAIN));
}

static void label(const char *what)
{
	printf("  %s%s%s: ", style(BOLD), what, style(PLAIN));
}

static void bytes(double v)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
	size_t i = 0;

	while (v >= 1024 && i < sizeof(units) / sizeof(units[0]) - 1) {
		v /= 1024;
		i++;
	}
	printf(i ? "%.2f %s" : "%.0f %s", v, units[i]);
}

static void bits_per_second(double bytes_per_second)
{
	static const char *const units[] = { "bit/s", "kbit/s", "Mbit/s", "Gbit/s" };
	double v = bytes_per_second * 8;
	size_t i = 0;

	while (v >= 1000 && i < sizeof(units) / sizeof(units[0]) - 1) {
		v /= 1000;
		i++;
	}
	printf(i ? "%.2f %s" : "%.0f %s", v, units[i]);
}

/* "2 hours, 5 seconds" */
static void duration(uint64_t seconds)
{
	static const struct {
		uint64_t len;
		const char *name;
	} units[] = { { 31536000, "year" }, { 86400, "day" }, { 3600, "hour" }, { 60, "minute" }, { 1, "second" } };
	bool any = false;
	size_t i;

	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		uint64_t n = seconds / units[i].len;

		if (!n)
			continue;
		printf("%s%" PRIu64 " %s%s", any ? ", " : "", n, units[i].name, n == 1 ? "" : "s");
		seconds %= units[i].len;
		any = true;
	}
	if (!any)
		printf("0 seconds");
}

static void ago(uint64_t seconds)
{
	if (seconds)
		duration(seconds);
	else
		printf("less than a second");
	printf(" ago\n");
}

static void begin(void)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	colours = isatty(STDOUT_FILENO) && !(no_color && *no_color) && term && strcmp(term, "dumb") != 0;
}

static void offloads(const struct adit_show_device *d)
{
	char text[ADIT_OFFLOAD_STRLEN];
	unsigned unused = d->offloads_probed & ~d->offloads_used, missing = ADIT_OFFLOAD_ALL & ~d->offloads_probed;

	label("offloads");
	printf("%s", adit_offload_format(d->offloads_used, text));
	if (unused)
		printf(" (there, but not in use: %s)", adit_offload_format(unused, text));
	if (missing)
		printf(" (not in this kernel: %s)", adit_offload_format(missing, text));
	printf("\n");
}

static void drops(const struct adit_show_device *d)
{
	enum adit_drop i;
	bool any = false;

	for (i = ADIT_DROP_NONE + 1; i < ADIT_DROP_CNT; i++) {
		if (!d->drops[i])
			continue;
		if (!any)
			printf("  %sdrops%s:\n", style(BOLD), style(PLAIN));
		any = true;
		printf("    %-20s %10" PRIu64 "  %s\n", adit_drop_name(i), d->drops[i], adit_drop_text(i));
	}
}

static void own_device(const struct adit_show_device *d)
{
	unsigned i;

	label("state");
	printf("%s, MTU %u, %u thread%s, %s, adit %s\n", d->up ? "up" : "down (ip link set up)", d->mtu, d->threads,
	       d->threads == 1 ? "" : "s", d->aead, d->version);
	offloads(d);
	if (d->under_load) {
		label("under load");
		printf("%" PRIu64 " handshake messages wait; senders must show a cookie\n", d->handshake_queue);
	}
	drops(d);
	for (i = 0; i < d->note_cnt; i++) {
		label("note");
		printf("%s\n", d->notes[i]);
	}
}

static void device(const struct adit_show_device *d, bool first)
{
	if (!first)
		printf("\n");
	heading("interface", d->name, GREEN);
	if (*d->public_key) {
		label("public key");
		printf("%s\n", d->public_key);
		label("private key");
		printf("(hidden)\n");
	}
	if (d->listen_port) {
		label("listening port");
		printf("%u\n", d->listen_port);
	}
	if (d->fwmark) {
		label("fwmark");
		printf("0x%x\n", d->fwmark);
	}
	if (*d->version)
		own_device(d);
}

static void allowed_ips(const struct adit_show_peer *p)
{
	const char *a;

	label("allowed ips");
	if (!p->allowed_len)
		printf("(none)");
	for (a = p->allowed; p->allowed_len && *a; a += strlen(a) + 1)
		printf("%s%s", a == p->allowed ? "" : ", ", a);
	printf("\n");
}

/* Our own age counts from the boot clock and so survives steps of the wall clock. */
static void handshake(const struct adit_show_peer *p)
{
	int64_t now = (int64_t)time(NULL);

	if (!p->handshake_sec)
		return;
	label("latest handshake");
	if (p->handshake_age_ms)
		ago(p->handshake_age_ms / 1000);
	else if (p->handshake_sec > now)
		printf("(the system clock went backwards)\n");
	else
		ago((uint64_t)(now - p->handshake_sec));
}

static void traffic(const struct adit_show_peer *p)
{
	if (p->last_rx_age_ms) {
		label("last received");
		ago(p->last_rx_age_ms / 1000);
	}
	if (p->rx_bytes || p->tx_bytes) {
		label("transfer");
		bytes((double)p->rx_bytes);
		printf(" received, ");
		bytes((double)p->tx_bytes);
		printf(" sent\n");
	}
	if (p->has_rates) {
		label("rate");
		bits_per_second(p->rx_rate);
		printf(" received, ");
		bits_per_second(p->tx_rate);
		printf(" sent\n");
	}
	if (p->rx_lost || p->rx_reordered) {
		label("loss");
		printf("%.3f %% (%" PRIu64 " of %" PRIu64 " packets lost, %" PRIu64 " came late)\n",
		       100 * adit_show_loss(p), p->rx_lost, p->rx_packets + p->rx_lost, p->rx_reordered);
	}
}

static void warnings(const struct adit_show_peer *p)
{
	if (p->black_hole) {
		printf("  %swarning%s: large packets go unanswered while small ones pass: a suspected path MTU black "
		       "hole; try a smaller MTU on the interface\n", style(RED), style(PLAIN));
	}
	if (p->handshake_attempts > 1)
		printf("  %swarning%s: no answer to the last %" PRIu64 " handshake initiations: check the endpoint, the "
		       "keys, and that UDP passes\n", style(RED), style(PLAIN), p->handshake_attempts);
}

static void peer(const struct adit_show_device *d, const struct adit_show_peer *p, bool first)
{
	(void)d;
	(void)first;
	printf("\n");
	heading("peer", p->public_key, YELLOW);
	if (p->has_psk) {
		label("preshared key");
		printf("(hidden)\n");
	}
	if (*p->endpoint) {
		label("endpoint");
		printf("%s\n", p->endpoint);
	}
	allowed_ips(p);
	handshake(p);
	traffic(p);
	if (p->keepalive) {
		label("persistent keepalive");
		printf("every ");
		duration(p->keepalive);
		printf("\n");
	}
	warnings(p);
}

static void device_end(const struct adit_show_device *d)
{
	(void)d;
}

static void end(void)
{
}

const struct adit_show_printer adit_show_text = { begin, device, peer, device_end, end };
